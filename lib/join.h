/* SPDX-License-Identifier: MIT */
/*
 * join.h - the engine of kstream-join: two named streams of one pipe, and
 * what comes of a pair.
 *
 * A kind of join is a struct of functions (struct ks_join_kind), one family of
 * files each: what it keeps, and when results leave.  They share the command
 * line, the store, the check of the streams and the way out.  All that a
 * restart needs is in the store.
 *
 * Keys are joined as state knows them (state-key.h), partition number by
 * partition number.  A result goes on as a record of the left stream: under
 * its name, whichever side has brought it about.
 *
 * Functions that return int return 0 or a ks_status with the run's err filled.
 * Sources of the rules: semantics.md 4; oracle/model.py.
 */
#ifndef KS_JOIN_H
#define KS_JOIN_H

#include "expr.h"
#include "op.h"
#include "store.h"

/* Right before left: the order of Kafka Streams' outer join store. */
enum ks_join_side { KS_JOIN_RIGHT, KS_JOIN_LEFT };

enum ks_join_type { KS_JOIN_INNER, KS_JOIN_KEEP_LEFT, KS_JOIN_OUTER };

/* What an input is named as. */
enum ks_join_role { KS_JOIN_STREAM, KS_JOIN_TABLE, KS_JOIN_GLOBAL };

struct ks_join_input {
	const char *name;		/* of the stream; of a global table perhaps an endpoint */
	enum ks_join_role role;
	int64_t history_ms;		/* of a versioned table; -1: it has no versions */
};

/* What the options say; times in ms. */
struct ks_join_spec {
	struct ks_join_input inputs[2];	/* by side; name == NULL: not given */
	bool twice;			/* a stream joined to itself */
	enum ks_join_type type;
	const char *type_option;	/* as given, NULL: not */
	bool has_within, has_before, has_after, has_grace;
	int64_t before_ms, after_ms;	/* of a right record, from the left one's time; either may be negative, their sum not */
	int64_t grace_ms;
	const char *on, *foreign_key, *value;	/* expressions, NULL: not given */
	const char *unmatched;		/* the route of what no pair was found for, NULL: it is let go */
};

struct ks_join {
	struct ks_join_spec spec;
	const struct ks_join_kind *kind;
	struct ks_run *run;
	struct ks_store *store;		/* NULL: none is open */
	size_t memory;			/* --memory; 0: not given */
	bool finished;			/* the input was complete: what comes is another one */
	struct ks_expr_set *set;	/* of --value; NULL: not given */
	struct ks_expr *value;
	struct ks_buf plain;		/* the key of the record in hand */
	struct ks_buf pair, made;	/* a result's value */
	struct ks_join_keys {		/* of each side: what its keys are, to tell of sides that cannot meet */
		bool known, warned;
		unsigned type;		/* of ks_val */
	} keys[2];
	uint64_t seen[2];		/* records of each side */
	void *own;			/* the kind's */
};

struct ks_join_kind {
	bool any_partition;		/* left and right need not be partitioned alike, nor by key */
	/* Options, beyond what ks_join_check has looked at.  Before any I/O; NULL: nothing to say. */
	int (*check)(struct ks_join *j, struct ks_err *err);
	/* What must not change while there is state: appended to b, lines as store.h has them.  0, ENOMEM. */
	int (*fingerprint)(const struct ks_join *j, struct ks_buf *b);
	/* The store is open: a section begins.  close may follow a failure. */
	int (*open)(struct ks_join *j);
	/* A record of a side (of a stream joined to itself: of the left), whose value nests no deeper than a pair may. */
	int (*record)(struct ks_join *j, enum ks_join_side side, struct ks_rec *rec);
	/* As the hooks of op.h; NULL: nothing to do. */
	int (*mark)(struct ks_join *j, struct ks_mark *m);
	int (*save)(struct ks_join *j);		/* before the store is committed */
	int (*finish)(struct ks_join *j);
	int (*query)(struct ks_join *j, struct ks_query *q, struct ks_err *err);
	void (*close)(struct ks_join *j);	/* release own; the store is closed afterwards */
};

extern const struct ks_join_kind ks_join_stream_table;

/* join-options.c */
/* An option by its name ("within"): 0, or KS_USAGE. */
int	ks_join_option(struct ks_join_spec *spec, const char *name, const char *value, struct ks_err *err) KS_MUST_USE;
/* All options are known: the kind, and what does not go together. */
int	ks_join_check(struct ks_join *j, struct ks_err *err) KS_MUST_USE;

/* join.c: as the hooks of op.h. */
int	ks_join_open(struct ks_join *j, struct ks_run *run) KS_MUST_USE;
int	ks_join_hello(struct ks_join *j, struct ks_run *run) KS_MUST_USE;
int	ks_join_record(struct ks_join *j, struct ks_run *run, struct ks_rec *rec) KS_MUST_USE;
int	ks_join_barrier(struct ks_join *j, const struct ks_barrier *b) KS_MUST_USE;
int	ks_join_finish(struct ks_join *j) KS_MUST_USE;
int	ks_join_answer(struct ks_join *j, struct ks_run *run) KS_MUST_USE;
void	ks_join_close(struct ks_join *j);

int	ks_join_no_memory(struct ks_join *j);

/*
 * ks_join_key - the key of rec as state knows it; borrows from rec, or from j
 * until the next.  Looks whether keys of both sides can meet at all.
 */
int	ks_join_key(struct ks_join *j, enum ks_join_side side, const struct ks_rec *rec, struct ks_bytes *key) KS_MUST_USE;

/* The record has no time, and needs one: to --on-error. */
int	ks_join_timeless(struct ks_join *j, const struct ks_rec *rec) KS_MUST_USE;

/*
 * ks_join_table_value - what a record of a table says of its row: its value, or
 * the new side of a change; *latest false: it is history, and no row.  *bad: it
 * was rejected.
 */
int	ks_join_table_value(struct ks_join *j, const struct ks_rec *rec, struct ks_bytes *value, bool *latest, bool *bad) KS_MUST_USE;

/* join-emit.c */
/*
 * A result.  from: the record whose processing brings it about, which gives
 * headers, coordinates and flags; NULL: none does (time has moved, the input is
 * complete), and then flags are those.  left, right: values; nil: there is none.
 */
struct ks_join_result {
	const struct ks_rec *from;
	enum ks_join_side side;		/* that from is of */
	int32_t partition;
	uint32_t flags;			/* time type and kind of key, where from is NULL */
	int64_t time_ms;
	struct ks_bytes key, left, right;
};

/* The pair, or what --value makes of it. */
int	ks_join_emit(struct ks_join *j, const struct ks_join_result *r) KS_MUST_USE;
/* A tombstone. */
int	ks_join_emit_gone(struct ks_join *j, const struct ks_join_result *r) KS_MUST_USE;

#endif
