/* SPDX-License-Identifier: MIT */
/*
 * regroup.h - a change of a table, told to the groups its rows belong to: the
 * group of the old row loses it, that of the new one gets it; where they
 * are the same group, that is one change.  Source: semantics.md 3.2, KIP-904.
 */
#ifndef KS_REGROUP_H
#define KS_REGROUP_H

#include "change.h"
#include "expr.h"

struct ks_regroup {
	struct ks_expr_set *set;
	struct ks_expr *expr;
	unsigned depth;
	struct ks_buf keys[2], value;
};

/* text: the expression that gives a row's group.  Release after a failure, too. */
int	ks_regroup_open(struct ks_regroup *g, const char *text, const struct ks_limits *limits,
	    struct ks_err *err) KS_MUST_USE;
void	ks_regroup_release(struct ks_regroup *g);	/* zeroed is allowed */

/* Whether the group of a row can be told: NULL, or what is wrong with rec, whose value is the row. */
const char *ks_regroup_check(struct ks_regroup *g, const struct ks_rec *rec) KS_MUST_USE;

/*
 * ks_regroup_make - the records of a change: none, one, or two, the loss
 * first.  A row whose group is null belongs to none.  rec: the record that
 * brought c->now; of the old row it is not known where it came from, so the
 * expression sees it with rec's time, and without offset and headers.
 * out borrows from rec and g, until the next call; NULL, or what is wrong.
 */
const char *ks_regroup_make(struct ks_regroup *g, const struct ks_rec *rec, const struct ks_change *c,
    struct ks_rec out[2], unsigned *count) KS_MUST_USE;

#endif
