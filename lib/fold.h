/* SPDX-License-Identifier: MIT */
/*
 * fold.h - a list of aggregates with their expressions: what a record adds
 * to a state, and what a state is shown as.
 *
 * A state is bytes that the caller owns (agg.h): a head of the caller's own,
 * then each aggregate at its place.  A new one is state_n zeroed bytes.
 *
 * reduce and fold evaluate an expression on what a state holds, and collect
 * asks how much that is, so a record that could be loaded may still be
 * refused by a state: EDOM, and ks_fold_why says by what.  No aggregate of
 * that state has changed then.  Who has several states for one record asks
 * ks_fold_try of each of them first.
 */
#ifndef KS_FOLD_H
#define KS_FOLD_H

#include "agg.h"
#include "expr.h"

struct ks_fold {
	struct ks_fold_item *items;
	uint32_t count;
	bool bare;		/* one aggregate without a name: its result is the value */
	bool reads;		/* some aggregate has an argument */
	bool one;		/* all that is evaluated is the first one's argument, and each takes any number in */
	bool number;		/* it was one when it was loaded: v; the items know nothing of it */
	uint32_t first;
	struct ks_val v;
	bool judges;		/* some state may refuse a record: ks_fold_try is worth a call */
	size_t state_n;
	struct ks_expr_set *set;
	struct ks_buf names;	/* msgpack, one behind the other */
	struct ks_fold_work *work;
};

/* head: bytes of the state that are the caller's, a multiple of 8.  Release after a failure, too. */
int	ks_fold_init(struct ks_fold *f, const struct ks_limits *limits, size_t head,
	    struct ks_err *err) KS_MUST_USE;
void	ks_fold_release(struct ks_fold *f);	/* zeroed is allowed */

/* Add the clauses of a list ("low=min(.price), n=count()").  KS_USAGE, or KS_TEMP without memory. */
int	ks_fold_add(struct ks_fold *f, const char *list, struct ks_err *err) KS_MUST_USE;

/*
 * What the list cannot do, as a text that begins with the clause; NULL: it
 * can.  by_parts is stricter than merge: whether the states of parts, merged
 * in order, show what one state of all does (fold says by MERGE what becomes
 * of two, which need not be that).
 */
const char *ks_fold_cannot_merge(const struct ks_fold *f);
const char *ks_fold_cannot_subtract(const struct ks_fold *f);
bool	ks_fold_by_parts(const struct ks_fold *f);
/* Whether it does not matter in which order records came, and none leaves a new state without anything to keep. */
bool	ks_fold_any_order(const struct ks_fold *f);

/* The set of all that is asked of a record's value; NULL: rules ask more, as may arguments that read its metadata. */
struct ks_expr_set *ks_fold_reads(const struct ks_fold *f);

/*
 * ks_fold_load - evaluate all arguments on a record, which must live until
 * the last call of those below on it.  Where its value.p is NULL that set
 * has been loaded.  NULL, or why the record cannot be
 * folded: the clause, and what it met.  The text lives until the next call;
 * no state is changed.
 */
const char *ks_fold_load(struct ks_fold *f, const struct ks_rec *rec) KS_MUST_USE;

/*
 * Whether what was loaded leaves a new state with the result null, where
 * that is the whole value: then there is nothing to keep (a table without
 * the key), and the result is a tombstone.
 */
bool	ks_fold_nothing(const struct ks_fold *f);

/* Whether a state may take what was loaded: 0, EDOM, ENOMEM.  NULL: a new one. */
int	ks_fold_try(const struct ks_fold *f, const unsigned char *state) KS_MUST_USE;

/*
 * ks_fold_apply takes what was loaded into a state, ks_fold_subtract out of
 * it (a value that had been taken in before).  0, EDOM, ENOMEM, EMSGSIZE (the
 * state would pass 4 GiB), or what grow returned.
 */
int	ks_fold_apply(const struct ks_fold *f, struct ks_agg_block *state) KS_MUST_USE;
int	ks_fold_subtract(const struct ks_fold *f, struct ks_agg_block *state) KS_MUST_USE;

/* What EDOM was: the clause, and what it met.  Lives until the next call. */
const char *ks_fold_why(const struct ks_fold *f);

/*
 * Whether a state that has been changed shows null as the whole value: then
 * it is to be forgotten, and the result is a tombstone.
 */
bool	ks_fold_gone(const struct ks_fold *f, const unsigned char *state);

/*
 * ks_fold_merge - take in all that another state of the list has taken in,
 * as if it had come after what is in `into`; the caller's head is left alone.
 * Kafka Streams merges sessions into a new aggregate, the earliest first, so
 * INIT of a fold is MERGE's first $acc where `into` is a new state.
 *
 *	from	from_n bytes aligned to 8, in memory that into->grow does not move
 *
 * Returns what ks_fold_apply does; then `into` may have taken in a part.
 */
int	ks_fold_merge(const struct ks_fold *f, struct ks_agg_block *into, const unsigned char *from,
	    size_t from_n) KS_MUST_USE;

/* Append the results as msgpack, in the order of the clauses: 0, ENOMEM, EMSGSIZE. */
int	ks_fold_show(const struct ks_fold *f, const unsigned char *state, struct ks_buf *out)
	    KS_MUST_USE;

/* What the user should be told at the end: results whose integers did not fit 64 bits.  NULL: nothing. */
const char *ks_fold_warning(const struct ks_fold *f);

#endif
