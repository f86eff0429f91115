/* SPDX-License-Identifier: MIT */
/*
 * loop.h - the loop over frames: the frame of every tool, inside.
 * Only main.c and loop-text.c look in here; tools see op.h.
 */
#ifndef KS_LOOP_H
#define KS_LOOP_H

#include "hello.h"
#include "ledger.h"
#include "op.h"
#include "reject.h"
#include "sink.h"
#include "source.h"
#include "stats.h"

#define KS_DRAIN_MS 30000	/* how long a stage waits for END after a signal (protocol 3.3) */

/* The line that text mode is at, for messages. */
struct ks_text_place {
	const char *path;
	char topic[KS_NAME_MAX + 1];
	uint64_t line, offset;
};

/* A name of --only. */
struct ks_only {
	struct ks_bytes name;
	bool known;	/* HELLO tells of it, or a record has come */
};

/* What the last process of a pipeline with --app commits, and the file that --out names (loop-ledger.c). */
struct ks_loop_out {
	struct ks_ledger ledger;
	bool has_ledger;
	bool transacts;		/* the sink's barriers are transactions, and the ledger goes with them */
	int committer;		/* a lock on the run: one process commits it; -1: none */
	bool is_file;		/* --out names a regular file */
	bool began;		/* what it held when this process began has been seen to */
	char *real;		/* its real path, for the ledger */
	int read;		/* a descriptor to read it by, -1: it cannot be read; where real is set */
	int64_t base;		/* what it would hold had this process written nothing */
};

struct ks_frame_loop {
	const struct ks_op *op;
	void *st;
	struct ks_run run;
	const struct ks_config *config;
	struct ks_source *source;
	struct ks_sink *sink;	/* NULL: the tool answers instead of emitting */
	struct ks_reject reject;
	struct ks_stats stats;
	struct ks_err err;
	int wake;
	struct ks_serve *serve;	/* NULL: the tool has nothing to be asked about */
	char owner[KS_OWNER_ROOM];	/* of HELLO */
	int reader;		/* the output, where it is watched for a reader that goes; -1: it is not */
	int readers;		/* then the epoll(7) that it is in */
	bool turns;		/* the tool has turns (loop-turn.c) */
	int beside;		/* then the epoll(7) of what it waits for */
	const struct ks_left_out *left_out;	/* by who reads topics for this tool, NULL: nothing */
	uint64_t left_out_seen;
	struct ks_only *only;	/* names of --only */
	size_t only_count;

	bool cut;		/* the tool has heeded a signal before all was out: the section ends paused, whatever the source says */
	bool ends_here;		/* at the barrier that came, as ends_as says (through.h) */
	enum ks_kind ends_as;
	bool started, in_section, over;	/* a HELLO has come; its END has not; this tool has ended it itself */
	enum ks_guarantee guarantee;
	int64_t epoch;		/* n of the last barrier */
	int64_t hop;		/* records since, as this end counts them */
	enum ks_kind last_kind;	/* of the last barrier */
	struct ks_rec_guess guess;
	struct ks_rec ahead[2];	/* with op->expect: records that are looked ahead at, the first one first */
	unsigned ahead_count;
	bool hops;		/* records go from input to output without being looked into */
	uint64_t mains;		/* main records read, against -c */
	uint64_t frame_bytes;	/* of frames handled, for messages */
	int64_t drain_until;	/* after a signal, 0: none came */
	bool stopped;		/* the source was asked to end */
	bool answers, no;	/* ks_answer, ks_say_no */
	struct ks_loop_out out;
	char warning[200];	/* ks_warn */
	struct ks_text_place place;
};

extern const char ks_outside[];	/* the cause of what --since and --until leave out */

/*
 * HELLO as the tool, dead letters and a changelog have it go on, where that is
 * not as it came: then it stands in one of changed, which the caller releases,
 * whatever is returned.
 */
#define KS_HELLO_STEPS 3
int	ks_loop_pass_hello(struct ks_frame_loop *l, struct ks_buf changed[KS_HELLO_STEPS], struct ks_bytes *payload, struct ks_bytes *raw,
	    struct ks_hello_view *h) KS_MUST_USE;

/* Run to the end of the input: 0, or a status with loop->err filled. */
int	ks_loop_run(struct ks_frame_loop *loop) KS_MUST_USE;

/* Between two reads: signals, progress.  *stop: a signal asks for the end. */
void	ks_loop_look(struct ks_frame_loop *loop, bool *stop);

/* A section begins: it has the guarantee that was given, and the last process of a pipeline with --app goes on where the ledger stands. */
int	ks_loop_open_ledger(struct ks_frame_loop *loop, const struct ks_hello_view *h) KS_MUST_USE;

/* What the ledger will be once the sink has committed b, where it commits by itself. */
int	ks_loop_prepare(struct ks_frame_loop *loop, const struct ks_barrier *b) KS_MUST_USE;

/* All before b has been written: enter it. */
int	ks_loop_commit(struct ks_frame_loop *loop, const struct ks_barrier *b) KS_MUST_USE;

void	ks_loop_close_ledger(struct ks_frame_loop *loop);

/* A new output begins: what --out holds from before goes. */
int	ks_loop_empty_output(struct ks_frame_loop *loop) KS_MUST_USE;

/*
 * --only: the list; what HELLO makes of it, which refuses (KS_CONFIG) a name
 * that no stream can have; whether rec is of it; and at a clean end a warning of
 * a name that nothing was of.
 */
int	ks_only_open(struct ks_frame_loop *loop) KS_MUST_USE;
int	ks_only_hello(struct ks_frame_loop *loop, const struct ks_hello_view *hello) KS_MUST_USE;
bool	ks_only_has(struct ks_frame_loop *loop, const struct ks_rec *rec);
void	ks_only_end(struct ks_frame_loop *loop);

/*
 * Once the output is open, before the input is: where it is a pipe or a socket,
 * wake becomes readable also when its reader goes.
 */
int	ks_loop_watch_reader(struct ks_frame_loop *loop) KS_MUST_USE;

/* There is no input just now: where the reader has gone, this ends as a write would. */
int	ks_loop_reader(struct ks_frame_loop *loop) KS_MUST_USE;

/*
 * Questions about the tool's state, where it keeps one: what they come by; at
 * HELLO where they are listened to, if they are; a turn for them; and the end of it,
 * before the state is let go.
 */
int	ks_loop_open_serve(struct ks_frame_loop *loop) KS_MUST_USE;
int	ks_loop_listen(struct ks_frame_loop *loop, const struct ks_hello_view *h) KS_MUST_USE;
int	ks_loop_serve(struct ks_frame_loop *loop, bool busy) KS_MUST_USE;
void	ks_loop_close_serve(struct ks_frame_loop *loop);

void	ks_loop_release(struct ks_frame_loop *loop);

#endif
