/* SPDX-License-Identifier: MIT */
/*
 * win.h - the engine of kstream-window: which windows a record belongs to,
 * what is kept for each key in them, and when results leave.
 *
 * A shape of windows is a struct of functions (struct ks_win_shape), one
 * file a family; they share partitions, output and what is late.  All that
 * a restart needs is in the store: the states, and with ks_win_save what is
 * known of a partition beside them.
 *
 * Functions that return int return 0 or a ks_status with the run's err
 * filled.  Sources of the rules: semantics.md 1.4, 2 and 3.4 to 3.7.
 */
#ifndef KS_WIN_H
#define KS_WIN_H

#include "calendar.h"
#include "fold.h"
#include "future.h"
#include "op.h"
#include "state-key.h"
#include "store.h"
#include "waiting.h"
#include "window.h"

/*
 * Segments of the store: a window's start, or what a shape makes of 0 and
 * more.  Those below 0 are of emission (win-suppress.c) and the store's own.
 */
enum ks_win_emit {
	KS_WIN_UPDATE,		/* every change */
	KS_WIN_COMMIT,		/* at each barrier the latest of those that have changed */
	KS_WIN_CLOSE,		/* each window once */
	KS_WIN_EVERY,		/* a key's latest, so much event time behind its first change */
};

enum ks_win_key {
	KS_WIN_KEY_WINDOW,	/* {"key":k,"start":ms,"end":ms} */
	KS_WIN_KEY_PLAIN,	/* k */
	KS_WIN_KEY_KAFKA,	/* the bytes of Kafka Streams' windowed serializers */
	KS_WIN_KEY_ISO,		/* as the first, the times as RFC 3339 */
};

enum ks_win_late { KS_WIN_LATE_DROP, KS_WIN_LATE_ROUTE, KS_WIN_LATE_FILE };

/* What the options say; times in ms. */
struct ks_win_spec {
	const struct ks_win_shape *shape;	/* NULL: none was given */
	const char *shape_name;		/* the option, "tumble" */
	const char *advance, *tz;	/* as given; NULL: not */
	bool has_align, has_grace, has_day_start;	/* it was given */
	struct ks_window_spec window;	/* size: the gap of sessions, the difference of sliding windows */
	int64_t align_ms;		/* a start; any other is some advances away */
	bool align_first;		/* by the first record of each partition */
	uint32_t count, step;		/* --count-window, its --advance */
	struct ks_calendar calendar;
	enum ks_win_emit emit;
	int64_t every_ms;
	uint64_t max_records;		/* of --emit every; 0: no bound */
	enum ks_win_key key_as;
	enum ks_win_late late;
	const char *late_to;
	struct ks_future future;
};

/* A result that is due: what it is the state of, in a heap by (due, start, key bytes). */
struct ks_win_due {
	int64_t due_ms, start_ms;
	uint32_t key_at, key_n;		/* in the keys of the part */
};

/* What is known of a partition beside its windows. */
struct ks_win_part {
	int32_t partition;
	bool loaded;			/* front is */
	bool aligned;			/* align_ms is */
	bool changed;			/* since it was saved */
	int64_t stream_ms;		/* the largest event time seen; -1: none */
	int64_t closing_ms;		/* nothing closes while the close time is below; INT64_MAX: there is nothing */
	int64_t align_ms;		/* with --align start */
	int64_t put_ms;			/* the largest start (of sessions, end) put, for what Kafka Streams' store would still show; -1: none */
	int64_t emitted_ms;		/* win-panes.c: windows that end by then were emitted, or were empty */
	int64_t front;			/* win-timer.c: the bucket whose windows are in dues */
	struct ks_win_due *dues;
	size_t due_count, due_cap;
	struct ks_buf keys;
	int64_t buffer_ms;		/* win-suppress.c: the largest time of an update; -1: none */
	struct ks_waiting waiting;
	struct ks_buf topic;		/* of its last record, for outputs that no record causes; n == 0: none */
	struct ks_buf route;
};

/* What each state begins with.  Zeroed bytes are none. */
struct ks_win_head {
	uint64_t time;			/* the largest of its records, above the smallest there is; 0: none has one */
};

#define KS_WIN_NO_TIME INT64_MIN

static inline int64_t ks_win_time(const unsigned char *state)
{
	return (int64_t)(((const struct ks_win_head *)(const void *)state)->time ^ (uint64_t)INT64_MIN);
}

/* Its time is this, or later. */
static inline void ks_win_move_time(unsigned char *state, int64_t time_ms)
{
	struct ks_win_head *head = (struct ks_win_head *)(void *)state;
	uint64_t time = (uint64_t)time_ms ^ (uint64_t)INT64_MIN;

	if (time > head->time)
		head->time = time;
}

static inline int64_t ks_win_time_of(const struct ks_rec *rec)
{
	return KS_LIKELY((rec->flags & KS_TIME_TYPE) != KS_TIME_NONE) ? rec->time_ms : KS_WIN_NO_TIME;
}

/* A state as it was found; p == NULL: there is none. */
struct ks_win_state {
	const unsigned char *p;
	size_t n;
	int64_t time_ms;	/* the largest of its records, of ks_win_apply */
};

struct ks_win {
	struct ks_win_spec spec;
	const struct ks_win_shape *shape;
	struct ks_run *run;
	struct ks_fold fold;
	char *const *clauses;		/* what is folded, as it was given */
	int clause_count;
	struct ks_store *store;
	size_t memory;			/* --memory; 0: not given */
	int64_t hold_ms;		/* close time = stream time less this: the grace, with sessions and their gap */
	struct ks_window now;		/* of the last record: mostly of the next one, too */
	struct ks_win_part **parts;	/* by partition */
	size_t count, cap;
	struct ks_win_part *last;	/* that of the last call */
	bool finished;			/* the input was complete: what comes is another one */
	bool timeless;			/* takes records without a time */
	bool expected;			/* the record that comes was told of */
	bool asks_fresh;		/* whether a state is new matters to emission */
	bool panes;			/* hopping windows share them */
	int64_t pane_ms, pane_first, pane_last;	/* win-panes.c: starts of the windows that the pane in now is in */
	int64_t bucket_ms;
	struct ks_buf plain, key, out, list, old, made, rows, order, gone;
	struct ks_win_scratch {		/* a state that is being made, outside of the store */
		struct ks_agg_block block;	/* first */
		struct ks_buf bytes;
	} scratch;
	struct ks_waiting_room room;	/* of --emit every */
	struct ks_win_commit *commit;
	struct ks_letters *lates;		/* NULL: they are dropped */
	struct ks_store *merged;	/* panes that are being merged */
};

struct ks_win_shape {
	uint32_t kind;			/* flags of a key: KS_KEY_WINDOW, KS_KEY_SESSION, 0 */
	bool timeless;			/* takes records without a time */
	bool changes;			/* takes changes of a table */
	/* Once the options are known: NULL, or what is wrong with them. */
	const char *(*check)(struct ks_win *w);
	/* A record with a key: into which windows, and what that changes. */
	int (*record)(struct ks_win *w, struct ks_win_part *part, struct ks_rec *rec);
	/* Time has moved: emit what is closed (or all) if they are emitted then, and forget it. */
	int (*retire)(struct ks_win *w, struct ks_win_part *part, bool all);
	/* The state of a key's window as it is now, until the store changes. */
	int (*find)(struct ks_win *w, const struct ks_win_part *part, const struct ks_window *at,
	    struct ks_bytes key, struct ks_win_state *state);
	/* The smallest time that may still be emitted on close; INT64_MAX: nothing is kept. */
	int64_t (*open_from)(struct ks_win *w, const struct ks_win_part *part);
};

extern const struct ks_win_shape ks_win_tumble, ks_win_hop, ks_win_paned, ks_win_calendar,
    ks_win_unlimited, ks_win_running, ks_win_session, ks_win_slide, ks_win_counted;

/* win-options.c */
/* An option by its name ("tumble"): 0, or KS_USAGE. */
int	ks_win_option(struct ks_win_spec *spec, const char *name, const char *value, struct ks_err *err) KS_MUST_USE;
/* All options are known. */
int	ks_win_check(struct ks_win *w, struct ks_err *err) KS_MUST_USE;

/* win-fingerprint.c: what must not change while there is state, as store.h says. */
int	ks_win_fingerprint(const struct ks_win *w, struct ks_buf *b) KS_MUST_USE;	/* 0, ENOMEM */

/* win.c */
int	ks_win_open(struct ks_win *w, struct ks_run *run) KS_MUST_USE;
int	ks_win_hello(struct ks_win *w, struct ks_run *run) KS_MUST_USE;
int	ks_win_record(struct ks_win *w, struct ks_run *run, struct ks_rec *rec) KS_MUST_USE;
void	ks_win_expect(struct ks_win *w, const struct ks_rec *rec, bool found);	/* as the hook of op.h */
int	ks_win_mark(struct ks_win *w, struct ks_mark *m) KS_MUST_USE;
int	ks_win_barrier(struct ks_win *w, const struct ks_barrier *b) KS_MUST_USE;
int	ks_win_finish(struct ks_win *w) KS_MUST_USE;
void	ks_win_close(struct ks_win *w);

/* For shapes.  The partition, made if it is new. */
int	ks_win_part_of(struct ks_win *w, int32_t partition, struct ks_win_part **part) KS_MUST_USE;
/* A name that is another one now: for ks_win_enter. */
int	ks_win_rename(struct ks_win *w, struct ks_win_part *part, const struct ks_rec *rec) KS_MUST_USE;

int	ks_win_no_memory(struct ks_win *w);
int	ks_win_too_long(struct ks_win *w);

/* The event time of a partition has come to time_ms; never goes back. */
static inline void ks_win_advance(struct ks_win_part *part, int64_t time_ms)
{
	if (time_ms > part->stream_ms) {
		part->stream_ms = time_ms;
		part->changed = true;
	}
}

/*
 * ks_win_enter - a record has come into a window, or too late for it: time
 * moves on, and outputs that no record causes go where this one would.
 *
 *	key	out: as state knows it; borrows from rec, or from w until the next
 */
static inline int KS_MUST_USE ks_win_enter(struct ks_win *w, struct ks_win_part *part, const struct ks_rec *rec,
    struct ks_bytes *key)
{
	int status = KS_LIKELY(ks_bytes_eq(ks_buf_bytes(&part->topic), rec->topic) &&
	    ks_bytes_eq(ks_buf_bytes(&part->route), rec->route)) ? 0 : ks_win_rename(w, part, rec);

	ks_win_advance(part, rec->time_ms);
	if (KS_UNLIKELY(status != 0))
		return status;
	return KS_LIKELY(ks_state_key(&w->plain, rec->key, key) == 0) ? 0 : ks_win_no_memory(w);
}

/*
 * Whether a state (NULL: a new one) takes what was loaded; *taken false: the
 * record was rejected.  ks_win_try_at asks that of a segment's key.  Before
 * anything is changed, of all states that the record goes into, where
 * w->fold.judges.
 */
int	ks_win_try(struct ks_win *w, const struct ks_rec *rec, const unsigned char *state, bool *taken) KS_MUST_USE;
int	ks_win_ask_at(struct ks_win *w, const struct ks_win_part *part, int64_t segment, struct ks_bytes key,
	    const struct ks_rec *rec, bool *taken) KS_MUST_USE;

static inline int KS_MUST_USE ks_win_try_at(struct ks_win *w, const struct ks_win_part *part, int64_t segment,
    struct ks_bytes key, const struct ks_rec *rec, bool *taken)
{
	*taken = true;
	return KS_LIKELY(!w->fold.judges) ? 0 : ks_win_ask_at(w, part, segment, key, rec, taken);
}

/*
 * ks_win_apply - take what was loaded into the state of a segment's key, in
 * the store.  state: as it is now; p == NULL where it is nothing, and then
 * nothing is kept, but its time is that of what was there.
 */
int	ks_win_apply(struct ks_win *w, const struct ks_win_part *part, int64_t segment, struct ks_bytes key,
	    const struct ks_rec *rec, struct ks_win_state *state, bool *fresh) KS_MUST_USE;

/* A state outside of the store: begin with a copy of from (n == 0: with none), then apply or merge. */
int	ks_win_scratch_begin(struct ks_win *w, const unsigned char *from, size_t n) KS_MUST_USE;
int	ks_win_scratch_apply(struct ks_win *w, const struct ks_rec *rec) KS_MUST_USE;
/* What ks_fold_merge has returned, as a status. */
int	ks_win_merged(struct ks_win *w, int no) KS_MUST_USE;
/* Take out what was loaded; *taken false: the record was rejected, and the scratch is as it was. */
int	ks_win_scratch_subtract(struct ks_win *w, const struct ks_rec *rec, bool *taken) KS_MUST_USE;
bool	ks_win_scratch_gone(const struct ks_win *w);	/* it shows null: it is to be forgotten */
int	ks_win_scratch_merge(struct ks_win *w, const unsigned char *from, size_t n) KS_MUST_USE;

/* Load the arguments of a record; *loaded false: it was rejected. */
static inline int KS_MUST_USE ks_win_load(struct ks_win *w, const struct ks_rec *rec, bool *loaded)
{
	const char *what = ks_fold_load(&w->fold, rec);

	*loaded = what == NULL;
	return KS_LIKELY(what == NULL) ? 0 : ks_reject(w->run, rec, "%s", what);
}

/* When a partition has come to, at which windows close. */
static inline int64_t ks_win_close_time(const struct ks_win *w, const struct ks_win_part *part)
{
	return part->stream_ms - w->hold_ms;	/* >= -1 - INT64_MAX */
}

/* win-out.c: a state has changed (p == NULL: it is gone); rec has caused it.  fresh: there was none before. */
int	ks_win_changed(struct ks_win *w, struct ks_win_part *part, const struct ks_rec *rec, const struct ks_window *at,
	    struct ks_bytes key, const unsigned char *state, int64_t time_ms, bool fresh) KS_MUST_USE;
/* A result that leaves at once, whatever is emitted when. */
int	ks_win_show(struct ks_win *w, struct ks_win_part *part, const struct ks_rec *rec, const struct ks_window *at,
	    struct ks_bytes key, const unsigned char *state) KS_MUST_USE;
/* A window has closed: its result.  Also what is emitted for no record. */
int	ks_win_result(struct ks_win *w, struct ks_win_part *part, const struct ks_window *at,
	    struct ks_bytes key, const unsigned char *state) KS_MUST_USE;
/* Its tombstone, at a barrier. */
int	ks_win_gone(struct ks_win *w, struct ks_win_part *part, const struct ks_window *at,
	    struct ks_bytes key, int64_t time_ms) KS_MUST_USE;
/* The key of a result, in w->key. */
int	ks_win_build_key(struct ks_win *w, const struct ks_window *at, struct ks_bytes key) KS_MUST_USE;
/* A key that is built with a value that is shown, for no record. */
int	ks_win_put_out(struct ks_win *w, struct ks_win_part *part, struct ks_bytes key, struct ks_bytes value,
	    uint32_t flags, int64_t time_ms) KS_MUST_USE;

/* win-table.c: rec is a change of a table, for the state of its key in `at`. */
int	ks_win_table(struct ks_win *w, struct ks_win_part *part, const struct ks_window *at, struct ks_rec *rec) KS_MUST_USE;

/* win-commit.c: --emit commit. */
int	ks_win_commit_add(struct ks_win *w, struct ks_win_part *part, const struct ks_window *at, struct ks_bytes key,
	    int64_t time_ms, bool fresh) KS_MUST_USE;
/* The smallest time that a result may bear which waits; INT64_MAX: none does. */
int64_t	ks_win_commit_from(const struct ks_win *w);
/* Enough wait to look for those that have closed; or, full, as many as may. */
bool	ks_win_commit_many(const struct ks_win *w);
bool	ks_win_commit_full(const struct ks_win *w);
/* Emit those whose window has closed: what is closed may be forgotten then. */
int	ks_win_commit_sweep(struct ks_win *w) KS_MUST_USE;
/* Emit all. */
int	ks_win_commit_flush(struct ks_win *w) KS_MUST_USE;
void	ks_win_commit_free(struct ks_win *w);

/* win-suppress.c: --emit every; order is whose result it is, the rest is as it would go out. */
int	ks_win_suppress(struct ks_win *w, struct ks_win_part *part, struct ks_bytes order, struct ks_bytes key,
	    struct ks_bytes value, uint32_t flags, int64_t time_ms) KS_MUST_USE;
void	ks_win_suppress_open(struct ks_win *w);	/* the store is open */
int	ks_win_suppress_rest(struct ks_win *w, struct ks_win_part *part) KS_MUST_USE;

/*
 * win-query.c: windows that are asked for, as the hook query of op.h says.
 * What is due but not emitted yet is told of; what is emitted and forgotten is not.
 */
int	ks_win_query(struct ks_win *w, struct ks_query *q, struct ks_err *err) KS_MUST_USE;
/* win-count.c: what a ring (the value of a key) shows, in the scratch; all records of it that are kept. */
int	ks_win_counted_show(struct ks_win *w, const unsigned char *ring, struct ks_window *at) KS_MUST_USE;
/* win-panes.c: the first window that holds a pane and was not emitted. */
int64_t	ks_win_pane_start(const struct ks_win *w, const struct ks_win_part *part, int64_t pane);

/* win-late.c: rec has come too late for a window. */
int	ks_win_late(struct ks_win *w, const struct ks_win_part *part, const struct ks_rec *rec,
	    const struct ks_window *at) KS_MUST_USE;
int	ks_win_late_open(struct ks_win *w) KS_MUST_USE;
/* HELLO says that such records may come: forward of struct ks_op. */
int	ks_win_late_forward(struct ks_win *w, struct ks_bytes payload, struct ks_buf *b) KS_MUST_USE;
int	ks_win_late_sync(struct ks_win *w) KS_MUST_USE;
int	ks_win_late_finish(struct ks_win *w) KS_MUST_USE;
void	ks_win_late_close(struct ks_win *w);

#endif
