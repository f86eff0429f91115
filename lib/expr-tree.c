/* SPDX-License-Identifier: MIT */
/*
 * expr-tree.c - a value while it is changed: what a path leads through is
 * opened, everything else stays the bytes that it is.
 *
 * Paths come in the order of the document, so that a container is opened
 * once and the next key is mostly where the last one ended: `.items[] |= f`
 * takes time in proportion to the items.
 */
#include "expr-impl.h"

#include <math.h>

static enum ks_yield add_kid(struct ks_expr_set *set, struct ks_tree *t, struct ks_bytes key,
    const struct ks_val *v)
{
	uint32_t cap = t->cap == 0 ? 4 : 2 * t->cap;
	struct ks_bytes *keys = t->keys;
	struct ks_tree *kids;

	if (t->n == t->cap) {
		kids = cap < t->cap ? NULL : ks_expr_scratch(set, cap * sizeof(*kids));
		if (t->v.type == KS_MAP)
			keys = ks_expr_scratch(set, cap * sizeof(*keys));
		if (kids == NULL || (t->v.type == KS_MAP && keys == NULL))
			return ks_expr_no_scratch(set);
		if (t->n > 0)
			memcpy(kids, t->kids, t->n * sizeof(*kids));
		if (t->n > 0 && t->v.type == KS_MAP)
			memcpy(keys, t->keys, t->n * sizeof(*keys));
		t->kids = kids;
		t->keys = keys;
		t->cap = cap;
	}
	if (t->v.type == KS_MAP)
		t->keys[t->n] = key;
	t->kids[t->n++] = (struct ks_tree){ .v = *v };
	return KS_YIELD;
}

/* type: what a null becomes. */
static enum ks_yield open_tree(struct ks_expr_set *set, struct ks_tree *t, enum ks_type type)
{
	struct ks_vals list = { NULL, 0, 0 };
	enum ks_yield got = KS_YIELD;
	uint32_t i, step;

	if (t->open)
		return KS_YIELD;
	if (t->v.type != KS_NIL)
		got = ks_vals_of(set, &t->v, &list);
	if (got != KS_YIELD)
		return got;
	type = t->v.type == KS_NIL ? type : t->v.type;
	step = type == KS_MAP ? 2 : 1;
	*t = (struct ks_tree){ .v.type = type, .open = true, .gone = t->gone, .named = t->named, .cap = list.n / step };
	if (t->cap > 0) {
		t->kids = ks_expr_scratch(set, t->cap * sizeof(*t->kids));
		t->keys = type == KS_MAP ? ks_expr_scratch(set, t->cap * sizeof(*t->keys)) : NULL;
		if (t->kids == NULL || (type == KS_MAP && t->keys == NULL))
			return ks_expr_no_scratch(set);
	}
	for (i = 0; i < list.n && got == KS_YIELD; i += step)
		got = add_kid(set, t, list.v[i].b, &list.v[i + step - 1]);
	return got;
}

enum ks_yield ks_tree_value(struct ks_expr_set *set, const struct ks_tree *t, struct ks_val *out)
{
	struct ks_vals list = { NULL, 0, 0 };
	enum ks_yield got = KS_YIELD;
	struct ks_val v;
	uint32_t i;

	if (!t->open) {
		*out = t->v;
		return KS_YIELD;
	}
	list.cap = t->v.type == KS_MAP ? 2 * t->n : t->n;
	list.v = ks_expr_scratch(set, list.cap * sizeof(*list.v) + 1);
	if (list.v == NULL)
		return ks_expr_no_scratch(set);
	for (i = 0; i < t->n && got == KS_YIELD; i++) {
		if (t->kids[i].gone)
			continue;
		if (t->v.type == KS_MAP)
			got = ks_vals_add(set, &list, &(struct ks_val){ .type = KS_STR, .b = t->keys[i] });
		if (got == KS_YIELD)
			got = ks_tree_value(set, &t->kids[i], &v);
		if (got == KS_YIELD)
			got = ks_vals_add(set, &list, &v);
	}
	if (got != KS_YIELD)
		return got;
	return t->v.type == KS_MAP ? ks_expr_object(set, list.v, list.n, out) :
	    ks_expr_array(set, list.v, list.n, out);
}

/* A member or element of an open tree; NULL: not there. */
static struct ks_tree *kid(struct ks_expr_set *set, struct ks_tree *t, const struct ks_val *step)
{
	uint32_t i, j = 0;
	int64_t at;

	if (t->v.type == KS_ARRAY) {
		at = ks_expr_index_of(step);
		at = at < 0 ? at + t->n : at;
		return at < 0 || at >= t->n ? NULL : &t->kids[at];
	}
	for (i = 0; i < t->n; i++) {
		j = t->at + i < t->n ? t->at + i : t->at + i - t->n;
		if (ks_bytes_eq(t->keys[j], step->b))
			break;
	}
	/* Past the limit whatever is done next says so. */
	(void)ks_expr_steps(set, 1 + (uint64_t)i * (32 + step->b.n) / 512);
	if (i == t->n)
		return NULL;
	t->at = j + 1 < t->n ? j + 1 : 0;
	return &t->kids[j];
}

enum ks_yield ks_tree_get(struct ks_expr_set *set, struct ks_tree *t, const struct ks_val *steps,
    uint32_t n, struct ks_val *out)
{
	enum ks_yield got = KS_YIELD;
	struct ks_val at;

	while (t != NULL && n > 0 && t->open && (steps->type == KS_STR || ks_val_number(steps))) {
		got = ks_expr_may_step(set, t->v.type, steps);
		if (got == KS_YIELD_ERROR)
			return got;
		t = kid(set, t, steps++);
		n--;
	}
	*out = ks_expr_nil;
	got = t == NULL ? KS_YIELD : ks_tree_value(set, t, out);
	for (; n > 0 && got == KS_YIELD; n--) {
		at = *out;
		got = ks_expr_get(set, &at, steps++, out);
	}
	return got;
}

/* A slice of t is put in place of what was there. */
static enum ks_yield splice(struct ks_expr_set *set, struct ks_tree *t, const struct ks_val *step,
    const struct ks_val *in)
{
	struct ks_vals old = { NULL, 0, 0 }, new, all = { NULL, 0, 0 };
	enum ks_yield got = KS_YIELD;
	uint32_t from, to, i;

	if (in->type != KS_ARRAY)
		return ks_expr_error(set, "A slice of an array can only be assigned another array");
	if (t->v.type != KS_NIL)
		got = ks_vals_of(set, &t->v, &old);
	if (got == KS_YIELD)
		got = ks_vals_of(set, in, &new);
	if (got == KS_YIELD)
		got = ks_expr_slice_range(set, step, old.n, &from, &to);
	for (i = 0; got == KS_YIELD && i < from; i++)
		got = ks_vals_add(set, &all, &old.v[i]);
	for (i = 0; got == KS_YIELD && i < new.n; i++)
		got = ks_vals_add(set, &all, &new.v[i]);
	for (i = to; got == KS_YIELD && i < old.n; i++)
		got = ks_vals_add(set, &all, &old.v[i]);
	if (got != KS_YIELD)
		return got;
	*t = (struct ks_tree){ .v = t->v, .gone = t->gone, .named = t->named };
	return ks_expr_array(set, all.v, all.n, &t->v);
}

/* t as bytes again, and the part of it that a slice names, to be changed. */
static enum ks_yield cut_out(struct ks_expr_set *set, struct ks_tree *t, const struct ks_val *step,
    struct ks_tree *part)
{
	struct ks_val v;
	enum ks_yield got = ks_tree_value(set, t, &v);

	if (got != KS_YIELD)
		return got;
	*t = (struct ks_tree){ .v = v, .gone = t->gone, .named = t->named };
	*part = (struct ks_tree){ .open = false };
	got = ks_expr_get(set, &t->v, step, &part->v);
	if (got == KS_YIELD && t->v.type == KS_STR)
		return ks_expr_error(set, "Cannot update string slices");
	return got;
}

static enum ks_yield no_set(struct ks_expr_set *set, const struct ks_tree *t, const struct ks_val *step)
{
	return ks_expr_error(set, "Cannot update field at %s index of %s", ks_val_typename(step),
	    ks_val_typename(&t->v));
}

/* The place of an element or member that is to be set: made where it is not there. */
static enum ks_yield place_for(struct ks_expr_set *set, struct ks_tree *t, const struct ks_val *step,
    struct ks_tree **place)
{
	enum ks_yield got = ks_expr_may_step(set, t->v.type, step);
	int64_t at;

	if (got == KS_YIELD_ERROR)
		return got;
	if (step->type == KS_ARRAY)
		return no_set(set, t, step);
	if (step->type == KS_FLOAT && isnan(step->d))
		return ks_expr_error(set, "Cannot set array element at NaN index");
	got = open_tree(set, t, step->type == KS_STR ? KS_MAP : KS_ARRAY);
	if (got != KS_YIELD)
		return got;
	*place = kid(set, t, step);
	if (*place != NULL)
		return KS_YIELD;
	if (t->v.type == KS_MAP) {
		got = add_kid(set, t, step->b, &ks_expr_nil);
	} else {
		at = ks_expr_index_of(step);
		if (at < 0)
			return ks_expr_error(set, "Out of bounds negative array index");
		if (at > INT32_MAX / 4)
			return ks_expr_error(set, "Array index too large");
		while (got == KS_YIELD && t->n <= at) {
			got = ks_expr_steps(set, 1);
			if (got == KS_YIELD)
				got = add_kid(set, t, ks_bytes(NULL, 0), &ks_expr_nil);
		}
	}
	*place = got == KS_YIELD ? &t->kids[t->n - 1] : NULL;
	return got;
}

enum ks_yield ks_tree_set(struct ks_expr_set *set, struct ks_tree *t, const struct ks_val *steps,
    uint32_t n, const struct ks_val *v)
{
	struct ks_tree part;
	enum ks_yield got;
	struct ks_val in;

	if (n > KS_DEPTH_CEILING)
		return ks_expr_error(set, "Path too deep");
	for (; n > 0 && steps->type != KS_MAP; n--, steps++) {
		got = place_for(set, t, steps, &t);
		if (got != KS_YIELD)
			return got;
	}
	if (n == 0) {
		*t = (struct ks_tree){ .v = *v };
		return KS_YIELD;
	}
	/* Slices in slices go as deep as there are steps, and each makes a copy: the limit of work ends it. */
	got = cut_out(set, t, steps, &part);
	if (got == KS_YIELD && n > KS_EXPR_DEPTH_MAX)
		got = ks_expr_error(set, "Path too deep");
	if (got == KS_YIELD)
		got = ks_tree_set(set, &part, steps + 1, n - 1, v);
	if (got == KS_YIELD)
		got = ks_tree_value(set, &part, &in);
	return got == KS_YIELD ? splice(set, t, steps, &in) : got;
}

static enum ks_yield delete_last(struct ks_expr_set *set, struct ks_tree *t, const struct ks_val *step)
{
	uint32_t from = 0, to = 0;
	struct ks_tree *gone;
	enum ks_yield got;

	if (t->v.type == KS_NIL)
		return KS_YIELD;
	if (t->v.type < KS_ARRAY)
		return ks_expr_error(set, "Cannot delete fields from %s", ks_val_typename(&t->v));
	if (t->v.type == KS_MAP && step->type != KS_STR)
		return ks_expr_error(set, "Cannot delete %s field of object", ks_val_typename(step));
	if (t->v.type == KS_ARRAY && !ks_val_number(step) && step->type != KS_MAP)
		return ks_expr_error(set, "Cannot delete %s element of array", ks_val_typename(step));
	got = open_tree(set, t, KS_MAP);
	if (got != KS_YIELD)
		return got;
	if (step->type == KS_MAP) {
		got = ks_expr_slice_range(set, step, t->n, &from, &to);
		for (; got == KS_YIELD && from < to; from++)
			t->kids[from].gone = true;
		return got;
	}
	gone = kid(set, t, step);
	if (gone != NULL) {
		gone->gone = true;
		gone->named |= !ks_val_number(step) || ks_expr_index_of(step) >= 0;
	}
	return KS_YIELD;
}

/*
 * A slice of an array and the step behind it, as one step on the array:
 * what is deleted keeps its place until all is, so that places stay.
 * KS_YIELD_NONE: there is no such place.
 */
static enum ks_yield join_steps(struct ks_expr_set *set, struct ks_tree *t, const struct ks_val **steps,
    uint32_t *n)
{
	struct ks_val start = { .type = KS_INT }, end = { .type = KS_INT }, *joined;
	uint32_t from, to, a, b;
	enum ks_yield got = open_tree(set, t, KS_MAP);
	int64_t at;

	if (got == KS_YIELD)
		got = ks_expr_slice_range(set, &(*steps)[0], t->n, &from, &to);
	if (got == KS_YIELD)
		got = ks_expr_steps(set, *n);
	if (got != KS_YIELD)
		return got;
	joined = ks_expr_scratch(set, (*n - 1) * sizeof(*joined));
	if (joined == NULL)
		return ks_expr_no_scratch(set);
	if ((*steps)[1].type == KS_MAP) {
		got = ks_expr_slice_range(set, &(*steps)[1], to - from, &a, &b);
		start.i = (int64_t)from + a;
		end.i = (int64_t)from + b;
		if (got == KS_YIELD)
			got = ks_expr_slice_step(set, &start, &end, &joined[0]);
	} else {
		at = ks_expr_index_of(&(*steps)[1]);
		at += at < 0 ? (int64_t)to - from : 0;
		if (at < 0 || at >= (int64_t)to - from)
			return KS_YIELD_NONE;
		joined[0] = (struct ks_val){ .type = KS_INT, .i = (int64_t)from + at };
	}
	*n -= 1;
	memcpy(joined + 1, *steps + 2, (*n - 1) * sizeof(*joined));
	*steps = joined;
	return got;
}

enum ks_yield ks_tree_delete(struct ks_expr_set *set, struct ks_tree *t, const struct ks_val *steps,
    uint32_t n)
{
	struct ks_tree part;
	enum ks_yield got;
	struct ks_val in;

	if (n == 0) {
		*t = (struct ks_tree){ .v = { .type = KS_NIL } };
		return KS_YIELD;
	}
	for (; n > 1; n--, steps++) {
		while (n > 1 && steps->type == KS_MAP && t->v.type == KS_ARRAY &&
		    (steps[1].type == KS_MAP || ks_val_number(&steps[1]))) {
			got = join_steps(set, t, &steps, &n);
			if (got != KS_YIELD)
				return got == KS_YIELD_NONE ? KS_YIELD : got;
		}
		if (n == 1 || steps->type == KS_MAP)
			break;
		got = ks_expr_may_step(set, t->v.type, steps);
		if (got != KS_YIELD_NONE || steps->type == KS_ARRAY)
			return got == KS_YIELD_NONE ? KS_YIELD : got;
		got = open_tree(set, t, KS_MAP);
		if (got != KS_YIELD)
			return got;
		t = kid(set, t, steps);
		if (t == NULL || t->named)
			return KS_YIELD;
	}
	if (n == 1)
		return delete_last(set, t, steps);
	got = cut_out(set, t, steps, &part);
	if (got == KS_YIELD && n > KS_EXPR_DEPTH_MAX)
		got = ks_expr_error(set, "Path too deep");
	if (got != KS_YIELD || part.v.type == KS_NIL)
		return got;
	got = ks_tree_delete(set, &part, steps + 1, n - 1);
	if (got == KS_YIELD)
		got = ks_tree_value(set, &part, &in);
	return got == KS_YIELD ? splice(set, t, steps, &in) : got;
}
