/* SPDX-License-Identifier: MIT */
/*
 * expr-object.c - functions of objects, and what asks about members of any
 * container; filters by type are macros, so that they are paths, too.
 */
#include "expr-items.h"


static enum ks_yield broken(struct ks_expr_set *set, enum ks_mp_error e)
{
	return ks_expr_fault(set, ks_mp_strerror(e));
}

/* The value of a key: KS_YIELD, or KS_YIELD_NONE where the object has none. */
static enum ks_yield member(struct ks_expr_set *set, const struct ks_val *map, struct ks_bytes key,
    struct ks_val *out)
{
	const unsigned char *p, *end = map->b.p + map->b.n;
	struct ks_head head;
	struct ks_val k;
	enum ks_mp_error e = ks_mp_head(map->b.p, end, &head);
	enum ks_yield got;
	uint32_t i;

	p = head.body;
	for (i = 0; e == KS_MP_OK && i < head.count; i++) {
		e = ks_mp_read(&p, end, 0, &k);
		if (e != KS_MP_OK)
			break;
		if (ks_bytes_eq(k.b, key)) {
			e = ks_mp_read(&p, end, KS_DEPTH_CEILING, out);
			got = ks_expr_stepped(set, 8 * (size_t)i + (size_t)(p - head.body));
			return e == KS_MP_OK ? got : broken(set, e);
		}
		e = ks_mp_skip(&p, end, KS_DEPTH_CEILING);
	}
	if (e != KS_MP_OK)
		return broken(set, e);
	got = ks_expr_stepped(set, 8 * (size_t)i + map->b.n);
	return got == KS_YIELD ? KS_YIELD_NONE : got;
}

/* jq cuts the index, so that -0.5 and 0.5 are the first; nan is none. */
static enum ks_yield has_index(struct ks_expr_set *set, const struct ks_val *array,
    const struct ks_val *index, struct ks_val *out)
{
	double d = ks_val_double(index);
	struct ks_head head;
	enum ks_mp_error e = ks_mp_head(array->b.p, array->b.p + array->b.n, &head);

	ks_val_bool(out, head.count > 0 && d > -1 && d < head.count);
	return e == KS_MP_OK ? KS_YIELD : broken(set, e);
}

static enum ks_yield has(struct ks_expr_set *set, const struct ks_val *in, const struct ks_val *key,
    struct ks_val *out)
{
	struct ks_val v;
	enum ks_yield got;

	if (in->type == KS_NIL) {
		ks_val_bool(out, false);
		return KS_YIELD;
	}
	if (in->type == KS_ARRAY && ks_val_number(key))
		return has_index(set, in, key, out);
	if (in->type != KS_MAP || key->type != KS_STR)
		return ks_expr_error(set, "Cannot check whether %s has a %s key",
		    ks_val_typename(in), ks_val_typename(key));
	got = member(set, in, key->b, &v);
	ks_val_bool(out, got == KS_YIELD);
	return got == KS_YIELD_NONE ? KS_YIELD : got;
}

static enum ks_yield fn_has(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *args, struct ks_val *out)
{
	return has(set, in, args, out);
}

static enum ks_yield fn_in(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *args, struct ks_val *out)
{
	return has(set, args, in, out);
}

/* The keys of an object as they stand, the indices of an array. */
static enum ks_yield keys_of(struct ks_expr_set *set, const struct ks_val *in, struct ks_vals *list)
{
	enum ks_yield got;
	uint32_t i;

	if (in->type != KS_ARRAY && in->type != KS_MAP)
		return ks_expr_unfit(set, in, "has no keys");
	got = ks_vals_of(set, in, list);
	if (got == KS_YIELD && in->type == KS_MAP)
		list->n /= 2;
	for (i = 0; got == KS_YIELD && i < list->n; i++) {
		if (in->type == KS_MAP)
			list->v[i] = list->v[2 * i];
		else
			list->v[i] = (struct ks_val){ .type = KS_INT, .i = i };
	}
	return got;
}

static enum ks_yield fn_keys_unsorted(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *args, struct ks_val *out)
{
	struct ks_vals list;
	enum ks_yield got = keys_of(set, in, &list);

	(void)args;
	return got == KS_YIELD ? ks_expr_array(set, list.v, list.n, out) : got;
}

static enum ks_yield fn_keys(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *args, struct ks_val *out)
{
	struct ks_expr_sort s;
	struct ks_val keys;
	struct ks_vals list = { NULL, 0, 0 };
	enum ks_yield got = fn_keys_unsorted(set, in, args, &keys);
	uint32_t i;

	if (got != KS_YIELD || in->type == KS_ARRAY) {
		if (got == KS_YIELD)
			*out = keys;
		return got;
	}
	got = ks_expr_sort_open(&s, set, &keys);
	if (got == KS_YIELD)
		got = ks_expr_sort(&s);
	for (i = 0; i < s.n && got == KS_YIELD; i++)
		got = ks_vals_add(set, &list, &s.order[i]->v);
	return got == KS_YIELD ? ks_expr_array(set, list.v, list.n, out) : got;
}

static enum ks_yield fn_to_entries(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *args, struct ks_val *out)
{
	struct ks_vals pairs, list = { NULL, 0, 0 };
	uint32_t i, step = in->type == KS_MAP ? 2 : 1;
	struct ks_val entry[4], v;
	enum ks_yield got;

	(void)args;
	if (in->type != KS_ARRAY && in->type != KS_MAP)
		return ks_expr_unfit(set, in, "has no keys");
	entry[0] = (struct ks_val){ .type = KS_STR, .b = ks_str("key") };
	entry[2] = (struct ks_val){ .type = KS_STR, .b = ks_str("value") };
	got = ks_vals_of(set, in, &pairs);
	for (i = 0; got == KS_YIELD && i < pairs.n; i += step) {
		entry[1] = pairs.v[i];
		if (step == 1)
			entry[1] = (struct ks_val){ .type = KS_INT, .i = i };
		entry[3] = pairs.v[i + step - 1];
		got = ks_expr_object(set, entry, 4, &v);
		if (got == KS_YIELD)
			got = ks_vals_add(set, &list, &v);
	}
	return got == KS_YIELD ? ks_expr_array(set, list.v, list.n, out) : got;
}

/* The first of the names whose value is neither null nor false: jq's `.a // .b // …`; null without. */
static enum ks_yield first_of(struct ks_expr_set *set, const struct ks_val *entry,
    const char *const *names, struct ks_val *out)
{
	enum ks_yield got = KS_YIELD_NONE;

	for (; *names != NULL; names++) {
		got = member(set, entry, ks_str(*names), out);
		if (got != KS_YIELD_NONE && (got != KS_YIELD || ks_val_true(out)))
			return got;
	}
	out->type = KS_NIL;
	return KS_YIELD;
}

/* Of the names the first that is there, whatever its value; null without. */
static enum ks_yield there(struct ks_expr_set *set, const struct ks_val *entry,
    const char *const *names, struct ks_val *out)
{
	enum ks_yield got = KS_YIELD_NONE;

	for (; *names != NULL && got == KS_YIELD_NONE; names++)
		got = member(set, entry, ks_str(*names), out);
	if (got == KS_YIELD_NONE)
		out->type = KS_NIL;
	return got == KS_YIELD_NONE ? KS_YIELD : got;
}

/* jq 1.8's names, and behind them the short ones that 1.5 to 1.7 took. */
static enum ks_yield fn_from_entries(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *args, struct ks_val *out)
{
	static const char *const key_names[] = { "key", "Key", "name", "Name", "k", "K", NULL };
	static const char *const value_names[] = { "value", "Value", "v", "V", NULL };
	struct ks_vals entries, list = { NULL, 0, 0 };
	enum ks_yield got;
	struct ks_val key, v;
	uint32_t i;

	(void)args;
	got = ks_expr_items(set, in, &entries);
	for (i = 0; got == KS_YIELD && i < entries.n; i++) {
		key.type = KS_NIL;
		if (entries.v[i].type == KS_MAP)
			got = first_of(set, &entries.v[i], key_names, &key);
		else if (entries.v[i].type != KS_NIL)
			return ks_expr_error(set, "Cannot index %s with string (\"key\")",
			    ks_val_typename(&entries.v[i]));
		if (got == KS_YIELD && key.type != KS_STR)
			return ks_expr_error(set, "Cannot use %s (%s) as object key",
			    ks_val_typename(&key), ks_expr_shown(set, &key).text);
		if (got == KS_YIELD)
			got = there(set, &entries.v[i], value_names, &v);
		if (got == KS_YIELD)
			got = ks_vals_add(set, &list, &key);
		if (got == KS_YIELD)
			got = ks_vals_add(set, &list, &v);
	}
	return got == KS_YIELD ? ks_expr_object(set, list.v, list.n, out) : got;
}

static enum ks_yield contains(struct ks_expr_set *set, const struct ks_val *a,
    const struct ks_val *b, bool *is);

/* Every element of b is contained in some element of a. */
static enum ks_yield array_contains(struct ks_expr_set *set, const struct ks_val *a,
    const struct ks_val *b, bool *is)
{
	struct ks_vals x, y;
	enum ks_yield got = ks_vals_of(set, a, &x);
	uint32_t i, j;

	if (got == KS_YIELD)
		got = ks_vals_of(set, b, &y);
	*is = true;
	for (i = 0; got == KS_YIELD && *is && i < y.n; i++) {
		*is = false;
		for (j = 0; got == KS_YIELD && !*is && j < x.n; j++)
			got = contains(set, &x.v[j], &y.v[i], is);
	}
	return got;
}

static enum ks_yield object_contains(struct ks_expr_set *set, const struct ks_val *a,
    const struct ks_val *b, bool *is)
{
	struct ks_vals y;
	struct ks_val v;
	enum ks_yield got = ks_vals_of(set, b, &y);
	uint32_t i;

	*is = true;
	for (i = 0; got == KS_YIELD && *is && i < y.n; i += 2) {
		got = member(set, a, y.v[i].b, &v);
		if (got == KS_YIELD_NONE) {
			*is = false;
			return KS_YIELD;
		}
		if (got == KS_YIELD)
			got = contains(set, &v, &y.v[i + 1], is);
	}
	return got;
}

static bool same_kind(const struct ks_val *a, const struct ks_val *b)
{
	return a->type == b->type || (ks_val_number(a) && ks_val_number(b));
}

/* Recursion ends with the nesting of the values, which is bounded. */
static enum ks_yield contains(struct ks_expr_set *set, const struct ks_val *a,
    const struct ks_val *b, bool *is)
{
	*is = same_kind(a, b);
	if (!*is)
		return ks_expr_steps(set, 1);
	switch (a->type) {
	case KS_ARRAY:
		return array_contains(set, a, b, is);
	case KS_MAP:
		return object_contains(set, a, b, is);
	case KS_STR: case KS_BIN:
		*is = b->b.n == 0 || (a->b.n >= b->b.n &&
		    memmem(a->b.p, a->b.n, b->b.p, b->b.n) != NULL);
		return ks_expr_searched(set, a->b.n, b->b.n);
	default:
		*is = ks_val_cmp(a, b) == 0;
		return ks_expr_steps(set, 1);
	}
}

static enum ks_yield fn_contains(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *args, struct ks_val *out)
{
	bool is = false;
	enum ks_yield got;

	if (!same_kind(in, args))
		return ks_expr_unfit_pair(set, in, args, "cannot have their containment checked");
	got = contains(set, in, args, &is);
	ks_val_bool(out, is);
	return got;
}

static enum ks_yield fn_inside(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *args, struct ks_val *out)
{
	return fn_contains(set, args, in, out);
}

#define CONTAINER "(type | . == \"array\" or . == \"object\")"
const struct ks_expr_fn ks_expr_fn_object[] = {
	{ .name = "has", .args = 1, .call = fn_has },
	{ .name = "in", .args = 1, .call = fn_in },
	{ .name = "contains", .args = 1, .call = fn_contains },
	{ .name = "inside", .args = 1, .call = fn_inside },
	{ .name = "keys", .call = fn_keys },
	{ .name = "keys_unsorted", .call = fn_keys_unsorted },
	{ .name = "to_entries", .call = fn_to_entries },
	{ .name = "from_entries", .call = fn_from_entries },
	{ .name = "with_entries", .args = 1, .macro = "to_entries | map(_1) | from_entries" },
	{ .name = "values", .macro = "select(. != null)" },
	{ .name = "nulls", .macro = "select(. == null)" },
	{ .name = "booleans", .macro = "select(type == \"boolean\")" },
	{ .name = "numbers", .macro = "select(type == \"number\")" },
	{ .name = "strings", .macro = "select(type == \"string\")" },
	{ .name = "arrays", .macro = "select(type == \"array\")" },
	{ .name = "objects", .macro = "select(type == \"object\")" },
	{ .name = "iterables", .macro = "select(" CONTAINER ")" },
	{ .name = "scalars", .macro = "select(" CONTAINER " | not)" },
	{ .name = NULL },
};
