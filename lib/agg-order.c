/* SPDX-License-Identifier: MIT */
/* agg-order.c - min, max, first, last, argmin, argmax: values that are kept of those that came. */
#include "agg-row.h"

#define KEPT sizeof(struct ks_agg_kept)

/* Whether v goes before (sign -1) or behind (sign 1) what is kept. */
static bool beats(const unsigned char *block, size_t at, const struct ks_val *v, int sign)
{
	const struct ks_agg_kept *k = ks_agg_kept_at(block, at);
	struct ks_val old = { .u = k->number };
	int c;

	/* No flag in its type: it stands there. */
	if (k->type == KS_INT && v->type == KS_INT)
		return sign < 0 ? v->i < old.i : v->i > old.i;
	if (k->type == KS_FLOAT && v->type == KS_FLOAT)
		return sign < 0 ? v->d < old.d : v->d > old.d;
	ks_agg_kept_value(block, at, &old);
	c = ks_val_cmp(v, &old);
	return sign < 0 ? c < 0 : c > 0;
}

static bool is_empty(const unsigned char *block, size_t at)
{
	return (ks_agg_kept_at(block, at)->type & ~KS_AGG_FLAGS) == KS_NIL;
}

static const char *check_order(const struct ks_val *values)
{
	return ks_agg_ordered(values);
}

static int add_min(const struct ks_agg *a, struct ks_agg_block *b, size_t at,
    const struct ks_val *values)
{
	(void)a;
	return is_empty(b->p, at) || beats(b->p, at, values, -1) ? ks_agg_keep(b, at, values) : 0;
}

static int add_max(const struct ks_agg *a, struct ks_agg_block *b, size_t at,
    const struct ks_val *values)
{
	(void)a;
	return is_empty(b->p, at) || beats(b->p, at, values, 1) ? ks_agg_keep(b, at, values) : 0;
}

static int add_first(const struct ks_agg *a, struct ks_agg_block *b, size_t at,
    const struct ks_val *values)
{
	(void)a;
	return is_empty(b->p, at) ? ks_agg_keep(b, at, values) : 0;
}

static int add_last(const struct ks_agg *a, struct ks_agg_block *b, size_t at,
    const struct ks_val *values)
{
	(void)a;
	return ks_agg_keep(b, at, values);
}

/* What one state keeps is a value to the other. */
static int merge_kept(const struct ks_agg *a, struct ks_agg_block *b, size_t at,
    const unsigned char *from)
{
	struct ks_val v;

	if (is_empty(from, at))
		return 0;
	ks_agg_kept_value(from, at, &v);
	return a->row->add(a, b, at, &v);
}

static void result_kept(struct ks_agg *a, const unsigned char *block, size_t at, struct ks_val *v)
{
	(void)a;
	ks_agg_kept_value(block, at, v);
}

/* argmin(.x; .y): first .y is kept, then .x. */
static const char *check_arg(const struct ks_val *values)
{
	return ks_agg_ordered(&values[1]);
}

static int add_arg(struct ks_agg_block *b, size_t at, const struct ks_val *values, int sign)
{
	int no;

	if (!is_empty(b->p, at) && !beats(b->p, at, &values[1], sign))
		return 0;
	no = ks_agg_keep_room(b, at, &values[1]);
	if (no == 0)
		no = ks_agg_keep(b, at + KEPT, &values[0]);
	return no != 0 ? no : ks_agg_keep(b, at, &values[1]);
}

static int add_argmin(const struct ks_agg *a, struct ks_agg_block *b, size_t at,
    const struct ks_val *values)
{
	(void)a;
	return add_arg(b, at, values, -1);
}

static int add_argmax(const struct ks_agg *a, struct ks_agg_block *b, size_t at,
    const struct ks_val *values)
{
	(void)a;
	return add_arg(b, at, values, 1);
}

static int merge_arg(const struct ks_agg *a, struct ks_agg_block *b, size_t at,
    const unsigned char *from)
{
	struct ks_val values[2];

	if (is_empty(from, at))
		return 0;
	ks_agg_kept_value(from, at, &values[1]);
	ks_agg_kept_value(from, at + KEPT, &values[0]);
	return a->row->add(a, b, at, values);
}

static void result_arg(struct ks_agg *a, const unsigned char *block, size_t at, struct ks_val *v)
{
	(void)a;
	ks_agg_kept_value(block, at + KEPT, v);
}

const struct ks_agg_row ks_agg_order[] = {
	{ .name = "min", .words = "low lowest minimum least smallest", .args = "v", .need = 1, .like = "min(.price)",
	    .nil = true, .parts = true, .any_order = true, .size = KEPT, .number = KS_AGG_LEAST,
	    .check = check_order, .add = add_min, .merge = merge_kept,
	    .result = result_kept },
	{ .name = "max", .words = "high highest maximum greatest largest peak", .args = "v", .need = 1,
	    .like = "max(.price)", .nil = true, .parts = true, .any_order = true, .size = KEPT, .number = KS_AGG_MOST,
	    .check = check_order, .add = add_max,
	    .merge = merge_kept, .result = result_kept },
	{ .name = "first", .words = "any_value any earliest open first_value", .args = "v", .need = 1,
	    .like = "first(.price)", .nil = true, .parts = true, .size = KEPT, .number = KS_AGG_ADDS, .add = add_first,
	    .merge = merge_kept, .result = result_kept },
	{ .name = "last", .words = "latest newest close last_value", .args = "v", .need = 1, .like = "last(.price)",
	    .nil = true, .parts = true, .size = KEPT, .number = KS_AGG_ADDS, .add = add_last, .merge = merge_kept, .result = result_kept },
	{ .name = "argmin", .words = "arg_min min_by minby", .args = "vv", .need = 2,
	    .like = "argmin(.city; .price)", .nil = true, .parts = true, .size = 2 * KEPT, .check = check_arg,
	    .add = add_argmin, .merge = merge_arg, .result = result_arg },
	{ .name = "argmax", .words = "arg_max max_by maxby", .args = "vv", .need = 2,
	    .like = "argmax(.city; .price)", .nil = true, .parts = true, .size = 2 * KEPT, .check = check_arg,
	    .add = add_argmax, .merge = merge_arg, .result = result_arg },
	{ .name = NULL },
};
