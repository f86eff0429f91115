/* SPDX-License-Identifier: MIT */
/*
 * op.h - the operator frame: what every tool is.
 *
 * A tool is one file: a table of options and the hooks below.  ks_main
 * alone parses the common options, opens the endpoints, handles signals,
 * loops, counts, forwards marks and barriers, checks the close of stdout
 * and picks the exit status.
 *
 * Hooks return 0, or a ks_status with run->err filled (ks_fail).  st is
 * op->size zeroed bytes that the frame owns.  All hooks are optional;
 * without record, all records pass, and are not even looked into where the
 * output is frames.  Slices in a record die when the hook returns.
 */
#ifndef KS_OP_H
#define KS_OP_H

#include "expr.h"
#include "frame.h"
#include "json.h"
#include "options.h"
#include "sieve.h"

struct ks_query;

struct ks_run {
	struct ks_err *err;
	const struct ks_limits *limits;
	bool live;		/* the section is live: set at HELLO */
	bool app;		/* it belongs to an --app: what is kept must outlive the process */
	const struct ks_hello_view *hello;	/* in the hook hello: what it says (hello.h); else NULL */
	const char *stage;	/* --stage, or the tool's word */
	const struct ks_config *config;	/* what the shared options say; final in open */
	const char *listen;	/* set by option: without --app, it is asked about its state by this name */
	const char *through;	/* set by option: the tool is two halves with this topic between them */
	const char *changelog;	/* set by option: the topic that takes changes of its state (run-changelog.h) */
	struct ks_changelog *log;	/* what that takes, NULL: nothing */
	bool one_state;		/* set by open: what it keeps is of no partition of its input, but stands together under -1 */
	bool uncounted;		/* set by operands: it reads no records, and has no line about them */
	bool asks_kafka;	/* set by option or operands: the tool itself asks Kafka, so -b and the like are for it */
	const char *also_read;	/* set by option or operands: a file that the tool reads beside its input, and that no output may be */
	int wake;		/* from endpoints->answer on: readable once a signal has come (signals.h) */
	const struct ks_rec *cause;	/* set around ks_emit and ks_reject of a result: what has brought it about, if it has another place */
	struct ks_frame_loop *loop;	/* the frame's own */
	struct ks_children *children;	/* child.h, for a tool that asks Kafka something */
	const struct ks_options *options;
};

struct ks_op {
	const char *name;	/* "kstream-filter" */
	const char *synopsis;	/* what follows the name: "[--invert] EXPR [FILE ...]" */
	const char *purpose;	/* one line, the NAME line of its page */
	const struct ks_option *options;
	const char *may_be_empty;	/* as in options.h */
	const char *(*refuse)(int letter);	/* as in options.h */
	size_t size;
	bool folds;	/* what it emits are results: of records that it has counted with ks_folded */
	bool replays;	/* it reads what is at rest, merged by time: topics of --in and -t to their present end, files of frames, lines */
	unsigned inputs;	/* named streams it tells apart; 1: all main records are one */

	/* Before any I/O.  at is the index of the option in .options. */
	int (*option)(void *st, struct ks_run *run, unsigned at, const char *value);
	/* argv holds the operands; *used says how many were not files. */
	int (*operands)(void *st, struct ks_run *run, int argc, char *const argv[], int *used);

	/* Endpoints are open; limits are final. */
	int (*open)(void *st, struct ks_run *run);
	/* A section begins (HELLO): state of the one before is gone, or was paused. */
	int (*hello)(void *st, struct ks_run *run);
	/* HELLO, which has been parsed, goes on: append a whole frame to b in its place; with nothing there it goes on as it came. */
	int (*forward)(void *st, struct ks_run *run, struct ks_bytes payload, struct ks_buf *b);
	/* A main record of the operator's streams.  It may be changed in place; set rec->frame.p = NULL then. */
	int (*record)(void *st, struct ks_run *run, unsigned input, struct ks_rec *rec);
	/*
	 * A main record will come to record soon, behind one or two others: what memory
	 * has of what it will ask for is fetched meanwhile.  Called twice, the
	 * second time with found, when what a search begins with is there.  It
	 * changes nothing, and is called or not, as it fits.
	 */
	void (*expect)(void *st, const struct ks_rec *rec, bool found);
	/* Event time of m->partition has come to m->time_ms; the hook may lower it where older times may still be emitted, or keep it from going on: partition -1. */
	int (*mark)(void *st, struct ks_run *run, struct ks_mark *m);
	/* Everything before must be durable.  Comes after finish where the barrier is complete. */
	int (*barrier)(void *st, struct ks_run *run, const struct ks_barrier *b);
	/* The input is complete: emit what is still open. */
	int (*finish)(void *st, struct ks_run *run);
	/*
	 * Something to do beside the input, for who has asked for it (ks_turns):
	 * called before each piece of input is used, once a second where none
	 * comes, and when what ks_turn_on has named becomes readable.
	 */
	int (*turn)(void *st, struct ks_run *run);
	/*
	 * Somebody asks about the state: some of the answer, by ks_query_walk.
	 * Called between two pieces of input, again until q->over; KS_IO and
	 * KS_CONFIG end the tool, other statuses the question.
	 */
	int (*query)(void *st, struct ks_run *run, struct ks_query *q, struct ks_err *err);
	/* All input has ended well, complete or paused: the last word of a tool that answers. */
	int (*answer)(void *st, struct ks_run *run);
	/* After the last END, or after a failure (then run->err is set): release.  Emits nothing. */
	void (*close)(void *st, struct ks_run *run);

	/* After open: nothing is to be done with a record in this run, and record need not be called. */
	bool (*passes)(void *st);

	/*
	 * JSON lines in and out in one process: one line, from its first byte;
	 * sets *end to its newline (or the padding behind the last line).
	 * ready says, after open, whether it can be used for this run.
	 */
	bool (*text_ready)(void *st, struct ks_run *run);
	int (*text)(void *st, struct ks_run *run, const unsigned char *line,
	    const unsigned char **end);

	/* After open: which records it drops without another look, by their values alone (sieve.h); false: it does not say. */
	bool (*wants)(void *st, struct ks_wants *wants);

	/*
	 * After open: the set of all it asks of a value, but for ks_value; NULL: it
	 * asks more.  Then record may come with a value whose p is NULL, of which
	 * the set has been loaded.
	 */
	struct ks_expr_set *(*reads)(void *st);

	/* Endpoints of its own, beside files and pipes: how kstream-cat brings Kafka. */
	const struct ks_endpoints *endpoints;	/* endpoint.h */
};

/* Runs the tool; what main returns. */
int	ks_main(const struct ks_op *op, int argc, char *argv[]);

/* Emit a record downstream: untouched (frame set) it goes as it came. */
int	ks_emit(struct ks_run *run, const struct ks_rec *rec) KS_MUST_USE;

/* A record that is none of the tool's goes on as it came: under its own name, whatever --as says. */
int	ks_pass(struct ks_run *run, const struct ks_rec *rec) KS_MUST_USE;

/*
 * ks_emit_room - where to write the value of a record that goes on as it came
 * but for that, without a copy; none: change it, and ks_emit it.  Once it
 * stands there, and ends at end, ks_emit_value emits it; nothing else may be
 * emitted in between, and where the record is not emitted, nothing has to be.
 */
struct ks_room ks_emit_room(struct ks_run *run, const struct ks_rec *rec);
void	ks_emit_value(struct ks_run *run, const unsigned char *end);

/* ks_value - the value of a record that has come without one (reads, above); the others have it.  It lives as long as the record. */
int	ks_value(struct ks_run *run, struct ks_rec *rec) KS_MUST_USE;

/* Send a mark of the tool's own; what it emitted before goes first. */
int	ks_emit_mark(struct ks_run *run, const struct ks_mark *m) KS_MUST_USE;

/* Text mode: the line passes as it stands, newline added. */
int	ks_emit_line(struct ks_run *run, const unsigned char *line, size_t n) KS_MUST_USE;

/* Count a record that is not emitted.  cause is a word for the summary, a string literal. */
void	ks_drop(struct ks_run *run, const char *cause);

/* Count a record that went into the tool's state, and is emitted, if at all, as a part of results. */
void	ks_folded(struct ks_run *run);

/* Count what was emitted beyond one record for each that came: copies of it, parts of it. */
void	ks_made(struct ks_run *run, uint64_t more);

/* Count a late record, which is let go. */
void	ks_late(struct ks_run *run);

/*
 * ks_reject - a record that cannot be processed goes to --on-error.
 * fail: returns KS_DATA with the record's coordinates before the text;
 * skip, file, dlq: counted, kept or sent there, and 0.
 */
int	ks_reject(struct ks_run *run, const struct ks_rec *rec, const char *fmt, ...)
	    KS_MUST_USE KS_PRINTF(3, 4);

/* The same in text mode, for the line that is being read; at is the byte at which it is no JSON, or NULL. */
int	ks_reject_line(struct ks_run *run, const unsigned char *line, size_t n,
	    const unsigned char *at, const char *what) KS_MUST_USE;

/* The same for a line that is no JSON at `at`: *end becomes its end. */
int	ks_reject_json(struct ks_run *run, const unsigned char *line, const unsigned char *at,
	    enum ks_json_error e, const unsigned char **end) KS_MUST_USE;

/*
 * ks_answer - the tool's output is an answer, not a stream: nothing is
 * emitted, stdout takes what ks_print writes.  Only from operands or open.
 */
void	ks_answer(struct ks_run *run);
int	ks_print(struct ks_run *run, const char *fmt, ...) KS_MUST_USE KS_PRINTF(2, 3);

/* Tell the user something at the end, in one line (the first one given); not with -q. */
void	ks_warn(struct ks_run *run, const char *text);

/* The same now; for what cannot wait, since the input may have no end. */
void	ks_tell(struct ks_run *run, const char *text);

/* In the hook hello: whether it names all streams that records can be of. */
bool	ks_knows_streams(const struct ks_run *run);

/* Keys of objects that stood twice in text the tool has read itself, for the summary. */
void	ks_repeated_keys(struct ks_run *run, uint64_t count);

/*
 * ks_turns - the hook turn is called from now on.  Only from open.
 * ks_turn_on: also when fd is readable, which is the tool's, to be read in the
 * hook; closing it ends that.
 */
int	ks_turns(struct ks_run *run) KS_MUST_USE;
int	ks_turn_on(struct ks_run *run, int fd) KS_MUST_USE;

/* End with status 1 although all went well: asked, and the answer is no. */
void	ks_say_no(struct ks_run *run);

#endif
