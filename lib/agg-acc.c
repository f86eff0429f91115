/* SPDX-License-Identifier: MIT */
/*
 * agg-acc.c - reduce, fold: what keeps the value that expressions make.
 *
 * Expressions are another floor's: the value that is added is what the
 * clause has made of $acc (fold-acc.c), and takes its place.
 */
#include "agg-row.h"

static int put_acc(const struct ks_agg *a, struct ks_agg_block *b, size_t at, const struct ks_val *values)
{
	int no = ks_agg_keep(b, at, values);
	struct ks_agg_kept *k = (struct ks_agg_kept *)(void *)(b->p + at);

	(void)a;
	if (no == 0 && values->type == KS_NIL)
		k->type |= KS_AGG_GONE;
	return no;
}

static void result_acc(struct ks_agg *a, const unsigned char *block, size_t at, struct ks_val *v)
{
	(void)a;
	ks_agg_kept_value(block, at, v);
}

const struct ks_agg_row ks_agg_acc[] = {
	{ .name = "reduce", .words = "reducer", .args = "ss", .need = 1, .like = "reduce($acc + .)", .nil = true,
	    .size = sizeof(struct ks_agg_kept), .add = put_acc, .subtract = put_acc, .result = result_acc },
	{ .name = "fold", .words = "aggregate foldl inject accumulate", .args = "issb", .need = 2,
	    .like = "fold(0; $acc + .price)", .size = sizeof(struct ks_agg_kept), .add = put_acc,
	    .subtract = put_acc, .result = result_acc },
	{ .name = NULL },
};
