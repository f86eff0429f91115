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
#include "future.h"
#include "op.h"
#include "store.h"

/* Right before left: the order of Kafka Streams' outer join store. */
enum ks_join_side { KS_JOIN_RIGHT, KS_JOIN_LEFT };

enum ks_join_type { KS_JOIN_INNER, KS_JOIN_KEEP_LEFT, KS_JOIN_OUTER };

/* What an input is named as. */
enum ks_join_role { KS_JOIN_STREAM, KS_JOIN_TABLE, KS_JOIN_GLOBAL };

/* Where its records come from: the pipe, or of a global table perhaps outside (join-global.h). */
enum ks_join_where { KS_JOIN_PIPE, KS_JOIN_TOPIC, KS_JOIN_FILE };

struct ks_join_input {
	const char *name;		/* of the stream; of a global table perhaps an endpoint */
	enum ks_join_role role;
	enum ks_join_where where;
	enum ks_format format;		/* of KS_JOIN_FILE */
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
	struct ks_future future;
	const char *on, *foreign_key, *value;	/* expressions, NULL: not given */
	const char *global_key;		/* likewise: the key of a line of a file */
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
	struct ks_expr_set *on_set;	/* of --on; NULL: not given */
	struct ks_expr *on;
	struct ks_expr_set *foreign_set;	/* of --foreign-key */
	struct ks_expr *foreign;
	struct ks_buf plain;		/* the key of the record in hand */
	struct ks_buf pair, made;	/* a result's value */
	struct ks_join_keys {		/* of each side: what its keys are, to tell of sides that cannot meet */
		bool known;
		bool pointed;		/* a whole number as 1.0 */
		unsigned type;		/* of ks_val */
	} keys[2];
	uint64_t seen[2], passed;	/* records of each side, and of neither */
	uint64_t closed[2];		/* of seen: those of complete sections before this one */
	bool named[2];			/* HELLO tells of a stream of that name */
	bool goes_on;			/* the run before has had records, too */
	bool missed;			/* a side, and that was told */
	struct ks_letters *letters;	/* of --unmatched; NULL: not given */
	void *own;			/* the kind's */
	struct ks_join_endpoint *endpoint;	/* of a global table that is outside the pipe (join-global.h); NULL: there is none */
};

struct ks_join_kind {
	bool any_partition;		/* left and right need not be partitioned alike, nor by key */
	/* Options, beyond what ks_join_check has looked at.  Before any I/O; NULL: nothing to say. */
	int (*check)(struct ks_join *j, struct ks_err *err);
	/* What must not change while there is state: appended to b, lines as store.h has them.  0, ENOMEM. */
	int (*fingerprint)(const struct ks_join *j, struct ks_buf *b);
	/* Bytes of --memory that the store does not get; NULL: it gets all. */
	size_t (*beside_store)(const struct ks_join *j);
	/* As the hooks of op.h: open; and for who has asked for turns there. */
	int (*begin)(struct ks_join *j);
	int (*turn)(struct ks_join *j);
	/* The store is open: a section begins.  close may follow a failure. */
	int (*open)(struct ks_join *j);
	/* As op.h has it, of a record with this key, as state knows it.  NULL: nothing. */
	void (*expect)(const struct ks_join *j, enum ks_join_side side, const struct ks_rec *rec, struct ks_bytes key, bool found);
	/* A record of a side (of a stream joined to itself: of the left), whose value nests no deeper than a pair may. */
	int (*record)(struct ks_join *j, enum ks_join_side side, struct ks_rec *rec);
	/* As the hooks of op.h; NULL: nothing to do. */
	int (*mark)(struct ks_join *j, struct ks_mark *m);
	int (*save)(struct ks_join *j);		/* before the store is committed */
	int (*finish)(struct ks_join *j);
	int (*query)(struct ks_join *j, struct ks_query *q, struct ks_err *err);
	void (*close)(struct ks_join *j);	/* release own; the store is closed afterwards */
	void (*end)(struct ks_join *j);		/* as the hook close of op.h */
};

extern const struct ks_join_kind ks_join_stream_table;
extern const struct ks_join_kind ks_join_tables;
extern const struct ks_join_kind ks_join_foreign;
extern const struct ks_join_kind ks_join_global;
extern const struct ks_join_kind ks_join_streams;

/* Whether event time decides anything. */
static inline bool ks_join_is_timed(const struct ks_join_spec *s)
{
	return s->inputs[KS_JOIN_RIGHT].role == KS_JOIN_STREAM || s->inputs[KS_JOIN_LEFT].history_ms >= 0 ||
	    s->inputs[KS_JOIN_RIGHT].history_ms >= 0;
}

/* join-options.c */
/* An option by its name ("within"): 0, or KS_USAGE. */
int	ks_join_option(struct ks_join_spec *spec, const char *name, const char *value, struct ks_err *err) KS_MUST_USE;
/* All options are known: the kind, and what does not go together. */
int	ks_join_check(struct ks_join *j, struct ks_err *err) KS_MUST_USE;

/* join.c: the option of an input, by role; and as the hooks of op.h. */
extern const char *const ks_join_roles[];
int	ks_join_open(struct ks_join *j, struct ks_run *run) KS_MUST_USE;
int	ks_join_hello(struct ks_join *j, struct ks_run *run) KS_MUST_USE;
void	ks_join_expect(struct ks_join *j, const struct ks_rec *rec, bool found);
int	ks_join_record(struct ks_join *j, struct ks_run *run, struct ks_rec *rec) KS_MUST_USE;
int	ks_join_mark(struct ks_join *j, struct ks_mark *m) KS_MUST_USE;
int	ks_join_barrier(struct ks_join *j, const struct ks_barrier *b) KS_MUST_USE;
int	ks_join_finish(struct ks_join *j) KS_MUST_USE;
int	ks_join_query(struct ks_join *j, struct ks_query *q, struct ks_err *err) KS_MUST_USE;
int	ks_join_turn(struct ks_join *j) KS_MUST_USE;
int	ks_join_answer(struct ks_join *j, struct ks_run *run) KS_MUST_USE;
void	ks_join_close(struct ks_join *j);

int	ks_join_no_memory(struct ks_join *j);

/*
 * ks_join_key - the key of rec as state knows it; borrows from rec, or from j
 * until the next.  Looks whether keys of both sides can meet at all.
 */
int	ks_join_key(struct ks_join *j, enum ks_join_side side, const struct ks_rec *rec, struct ks_bytes *key) KS_MUST_USE;

/* The expression of an option, in a set of its own; text NULL: it was not given, and nothing is changed. */
int	ks_join_expr(struct ks_join *j, const char *option, const char *text, struct ks_expr_set **set, struct ks_expr **e) KS_MUST_USE;

/* Why the value of a record cannot be a side of a pair, which is one level deeper; NULL: it can. */
const char *ks_join_wrong_value(const struct ks_join *j, const struct ks_rec *rec) KS_MUST_USE;

/* ks_drop, and 0. */
int	ks_join_drop(struct ks_join *j, const char *cause) KS_MUST_USE;

/* The record has no time, and needs one: to --on-error. */
int	ks_join_timeless(struct ks_join *j, const struct ks_rec *rec) KS_MUST_USE;

/*
 * ks_join_table_value - what a record of a table says of its row: its value, or
 * the new side of a change; *latest false: it is history, and no row.  *bad: it
 * was rejected.
 */
int	ks_join_table_value(struct ks_join *j, const struct ks_rec *rec, struct ks_bytes *value, bool *latest, bool *bad) KS_MUST_USE;

/* join-hello.c */
/* HELLO: a name that no stream can have, and sides that are partitioned in two ways, are refused (KS_CONFIG). */
int	ks_join_check_hello(struct ks_join *j) KS_MUST_USE;
/* The first key of a side, that of rec or one it names the other side by: told of at once where it can meet none of the other's. */
void	ks_join_look_at_key(struct ks_join *j, enum ks_join_side side, const struct ks_rec *rec, struct ks_bytes key);
/* A section begins behind a complete one, whose state is let go: told of where sides stand in two of them. */
void	ks_join_tell_of_closed(struct ks_join *j);
/* A side of which nothing has come: at a barrier, and at the end. */
void	ks_join_look_for_sides(struct ks_join *j);
void	ks_join_tell_of_sides(struct ks_join *j);

/* join-rest.c: a state at rest, which is looked at alone. */
/* A line of what it was made with, without its newline (store.h, fingerprint); the line must outlive the join. */
int	ks_join_rest_line(struct ks_join *j, char *line, struct ks_err *err) KS_MUST_USE;
/* All lines are read: open what the store, which is taken, has. */
int	ks_join_rest_open(struct ks_join *j, struct ks_run *run, struct ks_store *store) KS_MUST_USE;

/* join-unmatched.c */
/*
 * ks_join_unmatched - a record of an inner join, as it came, for which no pair
 * was found, goes to --unmatched; without that nothing happens.  reason: a few
 * words for a header.  ks_join_no_match: the same of one for which that is
 * known when it comes, which is counted as dropped.
 */
int	ks_join_unmatched(struct ks_join *j, enum ks_join_side side, const struct ks_rec *rec, const char *reason) KS_MUST_USE;
int	ks_join_no_match(struct ks_join *j, enum ks_join_side side, const struct ks_rec *rec, const char *reason) KS_MUST_USE;

int	ks_join_unmatched_open(struct ks_join *j) KS_MUST_USE;
int	ks_join_unmatched_forward(struct ks_join *j, struct ks_bytes payload, struct ks_buf *b) KS_MUST_USE;	/* hook forward */
void	ks_join_unmatched_close(struct ks_join *j);

/* join-emit.c */
/*
 * A result.  from: the record whose processing brings it about, which gives
 * headers, coordinates and flags; NULL: none does (time has moved, the input is
 * complete), and then flags are those.  left, right: values; nil: there is none.
 */
struct ks_join_result {
	const struct ks_rec *from;
	enum ks_join_side side;		/* that from is of */
	bool moved;			/* from is neither side of it, but has moved time */
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
