/* SPDX-License-Identifier: MIT */
/*
 * fold.h - a list of aggregates with their expressions: what a record adds
 * to a state, and what a state is shown as.
 *
 * A state is bytes that the caller owns (agg.h): a head of the caller's own,
 * then each aggregate at its place.  A new one is state_n zeroed bytes.
 */
#ifndef KS_FOLD_H
#define KS_FOLD_H

#include "agg.h"
#include "expr.h"

struct ks_fold {
	struct ks_fold_item *items;
	uint32_t count;
	bool bare;		/* one aggregate without a name: its result is the value */
	size_t state_n;
	struct ks_expr_set *set;
	bool reads;		/* some aggregate has an argument */
	struct ks_buf names;	/* msgpack, one behind the other */
	char why[300];
};

/* head: bytes of the state that are the caller's, a multiple of 8.  Release after a failure, too. */
int	ks_fold_init(struct ks_fold *f, const struct ks_limits *limits, size_t head,
	    struct ks_err *err) KS_MUST_USE;
void	ks_fold_release(struct ks_fold *f);	/* zeroed is allowed */

/* Add the clauses of a list ("low=min(.price), n=count()").  KS_USAGE, or KS_TEMP without memory. */
int	ks_fold_add(struct ks_fold *f, const char *list, struct ks_err *err) KS_MUST_USE;

/*
 * ks_fold_load - evaluate all arguments on a record, which must live until
 * ks_fold_apply.  NULL, or why the record cannot be folded: the clause, and
 * what it met.  The text lives until the next call; no state is changed.
 */
const char *ks_fold_load(struct ks_fold *f, const struct ks_rec *rec) KS_MUST_USE;

/*
 * Whether what was loaded leaves a new state with the result null, where
 * that is the whole value: then there is nothing to keep (a table without
 * the key), and the result is a tombstone.
 */
bool	ks_fold_nothing(const struct ks_fold *f);

/* Take what was loaded into a state: 0, or as ks_agg_add. */
int	ks_fold_apply(const struct ks_fold *f, struct ks_agg_block *state) KS_MUST_USE;

/* What keeps states of this list from being merged: the clause, and why.  NULL: nothing does. */
const char *ks_fold_cannot_merge(const struct ks_fold *f);

/*
 * ks_fold_merge - take in all that another state of the list has taken in,
 * as if it had come after what is in `into`; the caller's head is left alone.
 *
 *	from	from_n bytes aligned to 8, in memory that into->grow does not move
 *
 * Returns 0, or as ks_fold_apply.
 */
int	ks_fold_merge(const struct ks_fold *f, struct ks_agg_block *into, const unsigned char *from,
	    size_t from_n) KS_MUST_USE;

/* Append the results as msgpack, in the order of the clauses: 0, ENOMEM, EMSGSIZE. */
int	ks_fold_show(const struct ks_fold *f, const unsigned char *state, struct ks_buf *out)
	    KS_MUST_USE;

#endif
