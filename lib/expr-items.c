/* SPDX-License-Identifier: MIT */
/*
 * expr-items.c - items of containers, and a stable sort of them.
 *
 * A merge sort: qsort promises nothing where nan is below itself, and is
 * not stable.  What a comparison costs grows with the values, so that
 * `sort_by($all)` counts what it does and not only how often.
 */
#include "expr-items.h"
#include "expr-impl.h"

enum ks_yield ks_expr_items(struct ks_expr_set *set, const struct ks_val *in, struct ks_vals *list)
{
	struct ks_shown shown;
	enum ks_yield got;
	uint32_t i;

	if (in->type != KS_ARRAY && in->type != KS_MAP) {
		shown = ks_expr_shown(set, in);
		return ks_expr_error(set, "Cannot iterate over %s (%s)", ks_val_typename(in),
		    shown.text);
	}
	got = ks_vals_of(set, in, list);
	if (got == KS_YIELD && in->type == KS_MAP) {
		list->n /= 2;
		for (i = 0; i < list->n; i++)
			list->v[i] = list->v[2 * i + 1];
	}
	return got;
}

/* What f yields for an item. */
struct collector {
	struct ks_emit emit;
	struct ks_expr_set *set;
	struct ks_vals keys;
};

static enum ks_yield collect(struct ks_emit *to, const struct ks_val *v, const struct ks_path *path)
{
	struct collector *c = (struct collector *)(void *)to;

	(void)path;
	return ks_vals_add(c->set, &c->keys, v);
}

static enum ks_yield open_items(struct ks_expr_sort *s, struct ks_expr_set *set,
    const struct ks_val *in)
{
	struct ks_vals list;
	enum ks_yield got = ks_expr_items(set, in, &list);
	uint32_t i;

	*s = (struct ks_expr_sort){ .set = set, .got = KS_YIELD };
	if (got != KS_YIELD || list.n == 0)
		return got;
	s->items = ks_expr_scratch(set, list.n * sizeof(*s->items));
	if (s->items == NULL)
		return ks_expr_no_scratch(set);
	for (i = 0; i < list.n; i++)
		s->items[i] = (struct ks_expr_item){ list.v[i], &s->items[i].v, 1 };
	s->n = list.n;
	return KS_YIELD;
}

enum ks_yield ks_expr_sort_open(struct ks_expr_sort *s, struct ks_expr_set *set,
    const struct ks_val *in)
{
	return open_items(s, set, in);
}

enum ks_yield ks_expr_sort_open_by(struct ks_expr_sort *s, struct ks_expr_set *set,
    const struct ks_val *in, uint32_t f)
{
	struct collector c = { { collect }, set, { NULL, 0, 0 } };
	enum ks_yield got = open_items(s, set, in);
	const struct ks_val *keys;
	uint32_t i, before;

	for (i = 0; got == KS_YIELD && i < s->n; i++) {
		before = c.keys.n;
		got = ks_expr_run(set, f, &s->items[i].v, NULL, &c.emit);
		s->items[i].key_count = c.keys.n - before;
	}
	if (got != KS_YIELD)
		return got;
	/* Only now they stay where they are. */
	for (i = 0, keys = c.keys.v; i < s->n; i++) {
		s->items[i].keys = keys;
		if (s->items[i].key_count > 0)
			keys += s->items[i].key_count;
	}
	return KS_YIELD;
}

#define REPORT (4096u * KS_EXPR_UNITS)	/* between two looks at the limit */
#define COMPARED 6u	/* units of a comparison that do not hang on what is compared */

/* From the limit on all is equal, so that the sort ends soon. */
static int compare(struct ks_expr_sort *s, const struct ks_val *a, const struct ks_val *b)
{
	uint64_t all = s->set->steps + s->set->more, left;
	int c;

	all = all < UINT64_MAX / KS_EXPR_UNITS ? (all + 1) * KS_EXPR_UNITS : UINT64_MAX;
	left = all;
	c = ks_val_cmp_within(a, b, &left);
	s->work += all - left + COMPARED;
	if (s->work >= REPORT && s->got == KS_YIELD) {
		s->got = ks_expr_steps(s->set, s->work / KS_EXPR_UNITS);
		s->work = 0;
	}
	return s->got == KS_YIELD ? c : 0;
}

int ks_expr_sort_cmp(struct ks_expr_sort *s, const struct ks_expr_item *a,
    const struct ks_expr_item *b)
{
	uint32_t i;
	int c;

	for (i = 0; i < a->key_count && i < b->key_count && s->got == KS_YIELD; i++) {
		c = compare(s, &a->keys[i], &b->keys[i]);
		if (c != 0)
			return c;
	}
	return a->key_count < b->key_count ? -1 : a->key_count > b->key_count;
}

/* Sort x[0..n) with room for n / 2 beside; recursion is as deep as n has bits. */
static void merge_sort(struct ks_expr_sort *s, const struct ks_expr_item **x, uint32_t n,
    const struct ks_expr_item **room)
{
	uint32_t left = n / 2, i = 0, j = left, k = 0;

	if (n < 2 || s->got != KS_YIELD)
		return;
	merge_sort(s, x, left, room);
	merge_sort(s, x + left, n - left, room);
	if (ks_expr_sort_cmp(s, x[left - 1], x[left]) <= 0)
		return;
	memcpy(room, x, left * sizeof(*x));
	while (i < left && j < n)
		x[k++] = ks_expr_sort_cmp(s, room[i], x[j]) <= 0 ? room[i++] : x[j++];
	while (i < left)
		x[k++] = room[i++];
}

enum ks_yield ks_expr_sort(struct ks_expr_sort *s)
{
	const struct ks_expr_item **room;
	uint32_t i;

	if (s->n == 0)
		return KS_YIELD;
	s->order = ks_expr_scratch(s->set, s->n * sizeof(*s->order));
	room = ks_expr_scratch(s->set, s->n * sizeof(*room));
	if (s->order == NULL || room == NULL)
		return ks_expr_no_scratch(s->set);
	for (i = 0; i < s->n; i++)
		s->order[i] = &s->items[i];
	merge_sort(s, s->order, s->n, room);
	return s->got != KS_YIELD ? s->got : ks_expr_steps(s->set, s->work / KS_EXPR_UNITS + s->n / 4);
}

enum ks_yield ks_expr_sort_keys(struct ks_expr_sort *s, struct ks_val *out)
{
	struct ks_vals list = { NULL, 0, 0 };
	enum ks_yield got = KS_YIELD;
	struct ks_val v;
	uint32_t i;

	for (i = 0; i < s->n && got == KS_YIELD; i++) {
		got = ks_expr_array(s->set, s->items[i].keys, s->items[i].key_count, &v);
		if (got == KS_YIELD)
			got = ks_vals_add(s->set, &list, &v);
	}
	return got == KS_YIELD ? ks_expr_array(s->set, list.v, list.n, out) : got;
}
