/* SPDX-License-Identifier: MIT */
/*
 * expr-array.c - functions of arrays, in jq's words.
 *
 * What sorts, groups or looks for an extreme goes through ks_expr_sort;
 * sort_by(f) and its kin compare all that f yields for an item, as jq does.
 */
#include "expr-items.h"

#include <math.h>

static const char not_sortable[] = "cannot be sorted, as it is not an array";

/* The first of each run of equal keys (unique), or the runs as arrays (group). */
static enum ks_yield runs(struct ks_expr_sort *s, bool whole, struct ks_val *out)
{
	struct ks_vals list = { NULL, 0, 0 }, run = { NULL, 0, 0 };
	enum ks_yield got = KS_YIELD;
	struct ks_val v;
	uint32_t i, first;

	for (first = 0; first < s->n && got == KS_YIELD; first = i) {
		run.n = 0;
		for (i = first; i < s->n && got == KS_YIELD; i++) {
			if (i > first && ks_expr_sort_cmp(s, s->order[first], s->order[i]) != 0)
				break;
			if (whole)
				got = ks_vals_add(s->set, &run, &s->order[i]->v);
		}
		v = s->order[first]->v;
		if (whole && got == KS_YIELD)
			got = ks_expr_array(s->set, run.v, run.n, &v);
		if (got == KS_YIELD)
			got = ks_vals_add(s->set, &list, &v);
	}
	if (got == KS_YIELD)
		got = s->got;
	return got == KS_YIELD ? ks_expr_array(s->set, list.v, list.n, out) : got;
}

static enum ks_yield in_order(struct ks_expr_sort *s, struct ks_val *out)
{
	struct ks_vals list = { NULL, 0, 0 };
	enum ks_yield got = KS_YIELD;
	uint32_t i;

	for (i = 0; i < s->n && got == KS_YIELD; i++)
		got = ks_vals_add(s->set, &list, &s->order[i]->v);
	return got == KS_YIELD ? ks_expr_array(s->set, list.v, list.n, out) : got;
}

/* jq's max is the last of equal ones, its min the first. */
static enum ks_yield extreme(struct ks_expr_sort *s, bool least, struct ks_val *out)
{
	const struct ks_expr_item *best = s->items;
	uint32_t i;

	out->type = KS_NIL;
	if (s->n == 0)
		return KS_YIELD;
	for (i = 1; i < s->n && s->got == KS_YIELD; i++)
		if ((ks_expr_sort_cmp(s, &s->items[i], best) < 0) == least)
			best = &s->items[i];
	*out = best->v;
	return s->got != KS_YIELD ? s->got : ks_expr_steps(s->set, s->work / KS_EXPR_UNITS + 1);
}

enum what { SORT, GROUP, UNIQUE, MIN, MAX };

static enum ks_yield finish(struct ks_expr_sort *s, enum what what, struct ks_val *out)
{
	enum ks_yield got;

	if (what >= MIN)
		return extreme(s, what == MIN, out);
	got = ks_expr_sort(s);
	if (got != KS_YIELD)
		return got;
	return what == SORT ? in_order(s, out) : runs(s, what == GROUP, out);
}

static enum ks_yield plain(struct ks_expr_set *set, const struct ks_val *in, enum what what,
    struct ks_val *out)
{
	struct ks_expr_sort s;
	enum ks_yield got;

	if (in->type != KS_ARRAY)
		return what >= MIN ? ks_expr_unfit_pair(set, in, in, "cannot be iterated over") :
		    ks_expr_unfit(set, in, not_sortable);
	got = ks_expr_sort_open(&s, set, in);
	return got == KS_YIELD ? finish(&s, what, out) : got;
}

static enum ks_yield by(struct ks_expr_set *set, const struct ks_val *in, uint32_t f,
    enum what what, struct ks_emit *to)
{
	struct ks_expr_sort s;
	enum ks_yield got = ks_expr_sort_open_by(&s, set, in, f);
	struct ks_val v;

	if (got == KS_YIELD && in->type != KS_ARRAY) {
		/* An object has items, but no order of them. */
		got = ks_expr_sort_keys(&s, &v);
		if (got == KS_YIELD)
			got = ks_expr_unfit_pair(set, in, &v, what >= MIN ? "cannot be iterated over" :
			    "cannot be sorted, as they are not both arrays");
	}
	if (got == KS_YIELD)
		got = finish(&s, what, &v);
	return got == KS_YIELD ? to->fn(to, &v, NULL) : got;
}

#define PLAIN(name, what) \
static enum ks_yield name(struct ks_expr_set *set, const struct ks_val *in, \
    const struct ks_val *args, struct ks_val *out) \
{ \
	(void)args; \
	return plain(set, in, what, out); \
}
#define BY(name, what) \
static enum ks_yield name(struct ks_expr_set *set, const uint32_t *args, const struct ks_val *in, \
    const struct ks_path *path, struct ks_emit *to) \
{ \
	(void)path; \
	return by(set, in, args[0], what, to); \
}
PLAIN(fn_sort, SORT)
PLAIN(fn_unique, UNIQUE)
PLAIN(fn_min, MIN)
PLAIN(fn_max, MAX)
BY(fn_sort_by, SORT)
BY(fn_group_by, GROUP)
BY(fn_unique_by, UNIQUE)
BY(fn_min_by, MIN)
BY(fn_max_by, MAX)

static enum ks_yield no_index(struct ks_expr_set *set, const struct ks_val *in, uint32_t i)
{
	return ks_expr_error(set, "Cannot index %s with number (%u)", ks_val_typename(in), i);
}

/* jq's `length`, of what reverse and transpose measure before they index it. */
static enum ks_yield length_of(struct ks_expr_set *set, const struct ks_val *in, double *n)
{
	struct ks_head head;

	*n = 0;
	switch (in->type) {
	case KS_NIL:
		return KS_YIELD;
	case KS_INT: case KS_UINT: case KS_FLOAT:
		*n = fabs(ks_val_double(in));
		return KS_YIELD;
	case KS_STR:
		*n = (double)ks_str_chars(in->b);
		return ks_expr_walked(set, in->b.n);
	case KS_ARRAY: case KS_MAP:
		if (ks_mp_head(in->b.p, in->b.p + in->b.n, &head) != KS_MP_OK)
			return ks_expr_fault(set, ks_mp_strerror(KS_MP_TRUNCATED));
		*n = head.count;
		return KS_YIELD;
	default:
		return ks_expr_unfit(set, in, "has no length");
	}
}

static enum ks_yield fn_reverse(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *args, struct ks_val *out)
{
	struct ks_vals list = { NULL, 0, 0 };
	enum ks_yield got;
	struct ks_val v;
	uint32_t i;
	double n;

	(void)args;
	got = length_of(set, in, &n);
	if (got != KS_YIELD)
		return got;
	if (in->type == KS_ARRAY)
		got = ks_vals_of(set, in, &list);
	else if (!(n <= 0))	/* nan is no length */
		return no_index(set, in, n - 1 < UINT32_MAX ? (uint32_t)(n - 1) : UINT32_MAX);
	for (i = 0; i < list.n / 2; i++) {
		v = list.v[i];
		list.v[i] = list.v[list.n - 1 - i];
		list.v[list.n - 1 - i] = v;
	}
	return got == KS_YIELD ? ks_expr_array(set, list.v, list.n, out) : got;
}

/* Recursion ends with the nesting of the values, which is bounded. */
static enum ks_yield flatten_into(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *depth, struct ks_vals *list)
{
	struct ks_val less = { .type = KS_FLOAT };
	struct ks_vals items;
	enum ks_yield got = ks_expr_items(set, in, &items);
	uint32_t i;

	less.d = ks_val_number(depth) ? ks_val_double(depth) - 1 : 0;
	for (i = 0; got == KS_YIELD && i < items.n; i++) {
		if (items.v[i].type != KS_ARRAY || (ks_val_number(depth) && less.d == -1))
			got = ks_vals_add(set, list, &items.v[i]);
		else if (!ks_val_number(depth))
			got = ks_expr_unfit_pair(set, depth,
			    &(struct ks_val){ .type = KS_INT, .i = 1 }, "cannot be subtracted");
		else
			got = flatten_into(set, &items.v[i], &less, list);
	}
	return got;
}

static enum ks_yield fn_flatten_to(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *args, struct ks_val *out)
{
	const struct ks_val zero = { .type = KS_INT };
	struct ks_vals list = { NULL, 0, 0 };
	enum ks_yield got;

	if (ks_val_cmp(args, &zero) < 0)
		return ks_expr_error(set, "flatten depth must not be negative");
	got = flatten_into(set, in, args, &list);
	return got == KS_YIELD ? ks_expr_array(set, list.v, list.n, out) : got;
}

static enum ks_yield fn_flatten(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *args, struct ks_val *out)
{
	const struct ks_val whole = { .type = KS_FLOAT, .d = INFINITY };

	(void)args;
	return fn_flatten_to(set, in, &whole, out);
}

/* Row by row into cells, which is n rows of `width` by column. */
static enum ks_yield fill_cells(struct ks_expr_set *set, const struct ks_vals *rows, uint32_t width,
    struct ks_val *cells)
{
	enum ks_yield got;
	struct ks_vals row;
	uint32_t i, j;

	for (i = 0; i < rows->n; i++) {
		row = (struct ks_vals){ NULL, 0, 0 };
		if (rows->v[i].type == KS_ARRAY) {
			got = ks_vals_of(set, &rows->v[i], &row);
			if (got != KS_YIELD)
				return got;
		}
		for (j = 0; j < width; j++) {
			cells[(size_t)j * rows->n + i].type = KS_NIL;
			if (j < row.n)
				cells[(size_t)j * rows->n + i] = row.v[j];
		}
	}
	return KS_YIELD;
}

static enum ks_yield fn_transpose(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *args, struct ks_val *out)
{
	struct ks_val *cells, *columns;
	enum ks_yield got;
	struct ks_vals rows;
	double n, most = 0;
	uint32_t width, i;

	(void)args;
	got = ks_expr_items(set, in, &rows);
	for (i = 0; got == KS_YIELD && i < rows.n; i++) {
		got = length_of(set, &rows.v[i], &n);
		most = n > most ? n : most;
	}
	if (got != KS_YIELD)
		return got;
	/* A number has a length, and no elements: the first column would say so. */
	for (i = 0; i < rows.n && most > 0; i++)
		if (rows.v[i].type != KS_ARRAY && rows.v[i].type != KS_NIL)
			return no_index(set, &rows.v[i], 0);
	width = (uint32_t)most;
	got = ks_expr_steps(set, (uint64_t)width * rows.n);
	if (got != KS_YIELD)
		return got;
	cells = ks_expr_scratch(set, ((size_t)width * rows.n + 1) * sizeof(*cells));
	columns = ks_expr_scratch(set, ((size_t)width + 1) * sizeof(*columns));
	if (cells == NULL || columns == NULL)
		return ks_expr_no_scratch(set);
	got = width > 0 ? fill_cells(set, &rows, width, cells) : KS_YIELD;
	for (i = 0; i < width && got == KS_YIELD; i++)
		got = ks_expr_array(set, cells + (size_t)i * rows.n, rows.n, &columns[i]);
	return got == KS_YIELD ? ks_expr_array(set, columns, width, out) : got;
}

static enum ks_yield fn_toarray(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *args, struct ks_val *out)
{
	(void)args;
	*out = *in;
	return in->type == KS_ARRAY ? KS_YIELD : ks_expr_array(set, in, 1, out);
}

/* Where the value stands in a sorted array, or -1 minus where it would. */
static enum ks_yield fn_bsearch(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *args, struct ks_val *out)
{
	struct ks_expr_sort s;
	struct ks_expr_item wanted = { *args, args, 1 };
	uint32_t low = 0, high, middle = 0;
	enum ks_yield got;
	int c;

	if (in->type != KS_ARRAY)
		return ks_expr_unfit(set, in, "cannot be searched from");
	got = ks_expr_sort_open(&s, set, in);
	if (got != KS_YIELD)
		return got;
	*out = (struct ks_val){ .type = KS_INT };
	for (high = s.n; low < high; ) {
		middle = low + (high - low) / 2;
		c = ks_expr_sort_cmp(&s, &wanted, &s.items[middle]);
		if (c == 0)
			break;
		if (c < 0)
			high = middle;
		else
			low = middle + 1;
	}
	out->i = low < high ? (int64_t)middle : -1 - (int64_t)low;
	return s.got != KS_YIELD ? s.got : ks_expr_steps(set, s.work / KS_EXPR_UNITS);
}

const struct ks_expr_fn ks_expr_fn_array[] = {
	{ .name = "sort", .call = fn_sort },
	{ .name = "unique", .call = fn_unique },
	{ .name = "min", .call = fn_min },
	{ .name = "max", .call = fn_max },
	{ .name = "sort_by", .args = 1, .run = fn_sort_by, .single = true },
	{ .name = "group_by", .args = 1, .run = fn_group_by, .single = true },
	{ .name = "unique_by", .args = 1, .run = fn_unique_by, .single = true },
	{ .name = "min_by", .args = 1, .run = fn_min_by, .single = true },
	{ .name = "max_by", .args = 1, .run = fn_max_by, .single = true },
	{ .name = "reverse", .call = fn_reverse },
	{ .name = "flatten", .call = fn_flatten },
	{ .name = "flatten", .args = 1, .call = fn_flatten_to },
	{ .name = "transpose", .call = fn_transpose },
	{ .name = "toarray", .call = fn_toarray },
	{ .name = "bsearch", .args = 1, .call = fn_bsearch },
	{ .name = NULL },
};
