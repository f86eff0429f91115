/* SPDX-License-Identifier: MIT */
/*
 * query.h - a question about the state of a stage, and its answer, in pieces.
 *
 * On a socket both are messages: 32 bits of length, big endian, that count
 * what follows, a byte that says what it is, and one msgpack value.  A
 * question is 'q' and the array [version, what, key, prefix, lower, upper,
 * since, until, limit]; keys are msgpack in bin, or nil.  An answer is any
 * number of rows 'r' (maps as kstream-query(1) prints them), then one 'e'
 * (a map about the whole) or 'x', an array of a status and a text.
 *
 * Whoever keeps state answers with ks_query_walk, from a hook that is called
 * again and again until it is done: between two calls the state may change.
 * A row is as of the moment when it is made, and says which epoch that is.
 *
 * Functions that return int return 0 or a ks_status with err filled.
 */
#ifndef KS_QUERY_H
#define KS_QUERY_H

#include "store-look.h"

#define KS_QUERY_VERSION 1
#define KS_QUERY_MAX ((size_t)256 << 10)	/* bytes of a question: three keys of the default maximum */
#define KS_QUERY_HEAD 5u

enum ks_query_what {
	KS_QUERY_ROWS,
	KS_QUERY_COUNT,		/* how many there are */
	KS_QUERY_STATS,		/* about the state itself */
};

/* What is asked.  Slices of p == NULL are not asked for. */
struct ks_query_ask {
	enum ks_query_what what;
	struct ks_bytes key;		/* msgpack: this one alone */
	struct ks_bytes prefix;		/* text, or bytes, that a key begins with */
	struct ks_bytes lower, upper;	/* msgpack, no array or object: jq's order, both inclusive */
	/*
	 * Windows that start (rows without a window: that have their time) from the
	 * one on and before the other; INT64_MIN and INT64_MAX: any.
	 */
	int64_t since_ms, until_ms;
	uint64_t limit;			/* rows; 0: all */
	size_t before;			/* of a walk: bytes that stand before the key in the segment at hand */
};

/* Append the whole message: 0, ENOMEM, EMSGSIZE. */
int	ks_query_add(struct ks_buf *b, const struct ks_query_ask *ask) KS_MUST_USE;
/* Of the value of a question; slices borrow from it.  NULL, or what is wrong. */
const char *ks_query_parse(struct ks_bytes payload, unsigned depth, struct ks_query_ask *ask) KS_MUST_USE;

/* Begin a message of that kind in b, and end it once its value stands there: 0, ENOMEM, EMSGSIZE. */
int	ks_message_begin(struct ks_buf *b, unsigned char kind, size_t *at) KS_MUST_USE;
void	ks_message_end(struct ks_buf *b, size_t at);
/* 'x', with what went wrong. */
int	ks_message_fail(struct ks_buf *b, const struct ks_err *why) KS_MUST_USE;

/* Who answers. */
struct ks_query_who {
	const char *stage;
	const char *owner;	/* owner.h */
	int64_t epoch;		/* of the last barrier */
};

struct ks_query {
	struct ks_query_ask ask;
	struct ks_query_who who;
	struct ks_buf *out;		/* messages are appended */
	size_t enough;			/* bytes of them after which walk returns */
	int64_t until_us;		/* when it does, CLOCK_MONOTONIC */
	bool over;			/* all rows are there */

	/* where it is */
	uint64_t rows;
	bool uncommitted;		/* one of them was not committed */
	bool in_partition, in_segment, more, done;	/* done: the segment is */
	bool committed;		/* what is being looked at is */
	int32_t partition;
	int64_t segment;
	struct ks_buf keys, after, to;
	size_t at;
};

/* Begin; release may follow at any time, and zeroed is allowed. */
void	ks_query_begin(struct ks_query *q, const struct ks_query_ask *ask);
void	ks_query_release(struct ks_query *q);

/* What a kind of state is to a walk. */
struct ks_query_state {
	struct ks_store *store;
	int64_t first, last;	/* segments that have what is asked for */
	/* Rows of what a key has in a segment, by ks_query_row; v lives until the store changes. */
	int (*rows)(void *arg, struct ks_query *q, struct ks_bytes key, struct ks_store_value v, struct ks_err *err);
	int64_t (*stream_time)(void *arg, int32_t partition);	/* ms, -1: none */
	bool (*composed)(void *arg, int64_t segment);	/* whether its keys have something beside what is asked for; NULL: none has */
	size_t before;			/* bytes of that which stand before it, the others behind */
	void *arg;
};

/* One row; value may be left out where q counts.  q says where the walk is. */
struct ks_query_row {
	struct ks_bytes key, value;
	struct ks_bytes stream;		/* it is of, where the state is of several; p == NULL: of one */
	const int64_t *start_ms, *end_ms, *time_ms;	/* NULL: none */
};

/* Whether more rows are wanted. */
static inline bool ks_query_wants(const struct ks_query *q)
{
	return q->ask.limit == 0 || q->rows < q->ask.limit;
}

/* Some of the rows, until there is enough; and the end, when those were all. */
int	ks_query_walk(struct ks_query *q, const struct ks_query_state *state, struct ks_err *err) KS_MUST_USE;
/* Take a row into the answer, if it is asked for by its time. */
int	ks_query_row(struct ks_query *q, const struct ks_query_state *state, const struct ks_query_row *row,
	    struct ks_err *err) KS_MUST_USE;

int64_t	ks_clock_us(void);	/* monotonic */

#endif
