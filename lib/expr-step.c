/* SPDX-License-Identifier: MIT */
/* expr-step.c - steps into values: members, elements, slices, all of them in turn. */
#include "expr-impl.h"

#include <math.h>

const struct ks_val ks_expr_nil = { .type = KS_NIL };

/* No array is longer than an int64_t counts: what is beyond is out of range in any. */
int64_t ks_expr_index_of(const struct ks_val *v)
{
	if (v->type == KS_INT)
		return v->i;
	if (v->type == KS_UINT || v->d >= 9e18)
		return INT64_MAX;
	return v->d <= -9e18 || isnan(v->d) ? INT64_MIN : (int64_t)v->d;
}

/* jq's words, and as much of the key as fits. */
static enum ks_yield no_index(struct ks_expr_set *set, enum ks_type type, const struct ks_val *step)
{
	struct ks_val v = { .type = type };

	if (step->type != KS_STR)
		return ks_expr_error(set, "Cannot index %s with %s", ks_val_typename(&v),
		    ks_val_typename(step));
	return ks_expr_error(set, "Cannot index %s with \"%.*s\"", ks_val_typename(&v),
	    (int)ks_utf8_prefix(step->b.p, step->b.n > 200 ? 200 : step->b.n),
	    (const char *)step->b.p);
}

/*
 * A step on a value of some type: whether it is null without looking
 * (KS_YIELD_NONE: one has to look), or an error.  The one place that knows.
 */
enum ks_yield ks_expr_may_step(struct ks_expr_set *set, enum ks_type type, const struct ks_val *step)
{
	if (type == KS_NIL && (step->type == KS_STR || step->type == KS_MAP || ks_val_number(step)))
		return KS_YIELD;
	if (step->type == KS_STR ? type == KS_MAP : ks_val_number(step) ? type == KS_ARRAY :
	    step->type == KS_MAP ? type == KS_ARRAY || type == KS_STR :
	    step->type == KS_ARRAY && type == KS_ARRAY)
		return KS_YIELD_NONE;
	return no_index(set, type, step);
}

static enum ks_yield broken(struct ks_expr_set *set, enum ks_mp_error e)
{
	return ks_expr_fault(set, ks_mp_strerror(e));
}

/* A name or a number into a container that is sound. */
enum ks_yield ks_expr_look_up(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *step, struct ks_val *out)
{
	const unsigned char *p, *end = in->b.p + in->b.n;
	enum ks_mp_error e;
	struct ks_head head;
	struct ks_val key;
	bool found = false;
	int64_t index;
	uint32_t i;

	e = ks_mp_head(in->b.p, end, &head);
	p = head.body;
	index = step->type == KS_INT && step->i < 0 ? step->i + head.count : step->i;
	for (i = 0; e == KS_MP_OK && i < head.count && !found; i++) {
		found = step->type == KS_INT && index == i;
		if (step->type == KS_STR) {
			e = ks_mp_read(&p, end, 0, &key);
			found = e == KS_MP_OK && ks_bytes_eq(key.b, step->b);
		}
		if (e == KS_MP_OK)
			e = found ? ks_mp_read(&p, end, set->depth, out) : ks_mp_skip(&p, end, set->depth);
	}
	if (!found)
		*out = ks_expr_nil;
	if (KS_UNLIKELY(e != KS_MP_OK))
		return broken(set, e);
	return ks_expr_stepped(set, (size_t)(p - head.body) + 8 * (size_t)i);
}

/* The member of a map that is a slice. */
static enum ks_yield bound_of(struct ks_expr_set *set, const struct ks_val *slice, const char *name,
    struct ks_val *out)
{
	const unsigned char *p, *end = slice->b.p + slice->b.n;
	struct ks_head head;
	struct ks_val key;
	enum ks_mp_error e = ks_mp_head(slice->b.p, end, &head);
	uint32_t i;

	p = head.body;
	for (i = 0; e == KS_MP_OK && i < head.count; i++) {
		e = ks_mp_read(&p, end, 0, &key);
		if (e == KS_MP_OK)
			e = ks_mp_read(&p, end, set->depth, out);
		if (e == KS_MP_OK && ks_bytes_is(key.b, name))
			return KS_YIELD;
	}
	return e != KS_MP_OK ? broken(set, e) :
	    ks_expr_error(set, "Array/string slice indices must be integers");
}

/* As jq: the start is rounded down, the end up; from behind where negative. */
static enum ks_yield range_of(struct ks_expr_set *set, const struct ks_val *from,
    const struct ks_val *to, size_t n, size_t *first, size_t *last)
{
	double len = (double)n, a, b;

	if ((from->type != KS_NIL && !ks_val_number(from)) || (to->type != KS_NIL && !ks_val_number(to)))
		return ks_expr_error(set, "Array/string slice indices must be integers");
	a = from->type == KS_NIL ? 0 : ks_val_double(from);
	b = to->type == KS_NIL ? len : ks_val_double(to);
	a = isnan(a) ? 0 : a < 0 ? a + len : a;
	a = a < 0 ? 0 : a > len ? len : a;
	b = isnan(b) ? len : b < 0 ? b + len : b;
	b = b < 0 ? a : b > len ? len : b;
	*first = (size_t)a;
	*last = (size_t)ceil(b);
	if (*last < *first)
		*last = *first;
	return KS_YIELD;
}

enum ks_yield ks_expr_slice_range(struct ks_expr_set *set, const struct ks_val *step, uint32_t n,
    uint32_t *from, uint32_t *to)
{
	struct ks_val a, b;
	size_t first = 0, last = 0;
	enum ks_yield got = bound_of(set, step, "start", &a);

	if (got == KS_YIELD)
		got = bound_of(set, step, "end", &b);
	if (got == KS_YIELD)
		got = range_of(set, &a, &b, n, &first, &last);
	*from = (uint32_t)first;
	*to = (uint32_t)last;
	return got;
}

enum ks_yield ks_expr_slice_step(struct ks_expr_set *set, const struct ks_val *from,
    const struct ks_val *to, struct ks_val *step)
{
	const struct ks_val pairs[] = {
		{ .type = KS_STR, .b = ks_str("start") }, *from, { .type = KS_STR, .b = ks_str("end") }, *to,
	};

	return ks_expr_object(set, pairs, 4, step);
}

static enum ks_yield slice_array(struct ks_expr_set *set, const struct ks_val *in, size_t first,
    size_t last, struct ks_val *out)
{
	const unsigned char *p, *begin, *end = in->b.p + in->b.n;
	unsigned char *o;
	enum ks_mp_error e;
	struct ks_head head;
	size_t i;

	e = ks_mp_head(in->b.p, end, &head);
	begin = p = head.body;
	for (i = 0; e == KS_MP_OK && i < last; i++) {
		if (i == first)
			begin = p;
		e = ks_mp_skip(&p, end, set->depth);
	}
	if (e != KS_MP_OK)
		return broken(set, e);
	if (first == last)
		begin = p;
	o = ks_expr_scratch(set, (size_t)(p - begin) + KS_MP_HEADER);
	if (o == NULL)
		return ks_expr_no_scratch(set);
	out->type = KS_ARRAY;
	out->b.p = o;
	o = ks_mp_put_array_head(o, (uint32_t)(last - first));
	memcpy(o, begin, (size_t)(p - begin));
	out->b.n = (size_t)(o - out->b.p) + (size_t)(p - begin);
	return ks_expr_stepped(set, 32 + 8 * last + (size_t)(p - head.body));
}

enum ks_yield ks_expr_slice(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *from, const struct ks_val *to, struct ks_val *out)
{
	size_t n = 0, first, last, a;
	struct ks_head head;
	enum ks_yield got;
	struct ks_val step = { .type = KS_MAP };
	enum ks_mp_error e;

	got = ks_expr_may_step(set, in->type, &step);
	*out = ks_expr_nil;
	if (got != KS_YIELD_NONE)
		return got;
	if (in->type == KS_STR) {
		n = ks_str_chars(in->b);
	} else {
		e = ks_mp_head(in->b.p, in->b.p + in->b.n, &head);
		if (e != KS_MP_OK)
			return broken(set, e);
		n = head.count;
	}
	got = range_of(set, from, to, n, &first, &last);
	if (got != KS_YIELD)
		return got;
	if (in->type == KS_ARRAY)
		return slice_array(set, in, first, last, out);
	a = ks_str_at(in->b, first);
	out->type = KS_STR;
	out->b = ks_bytes(in->b.p + a, 0);
	out->b.n = ks_str_at(ks_bytes(in->b.p + a, in->b.n - a), last - first);
	return ks_expr_steps(set, 1 + in->b.n / 32);
}

enum ks_yield ks_expr_places(struct ks_expr_set *set, const struct ks_vals *all, const struct ks_vals *run,
    struct ks_vals *found)
{
	struct ks_val at = { .type = KS_INT };
	enum ks_yield got = KS_YIELD;
	uint32_t i, j;
	int c;

	for (i = 0; got == KS_YIELD && run->n > 0 && all->n >= run->n && i <= all->n - run->n; i++) {
		for (j = 0, c = 0; got == KS_YIELD && c == 0 && j < run->n; j++)
			got = ks_expr_cmp(set, &all->v[i + j], &run->v[j], &c);
		at.i = i;
		if (got == KS_YIELD)
			got = ks_expr_steps(set, 1 + j / 4);
		if (got == KS_YIELD && c == 0)
			got = ks_vals_add(set, found, &at);
	}
	return got;
}

/* `.[[1, 2]]`; an empty array stands nowhere. */
static enum ks_yield places_of(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *what, struct ks_val *out)
{
	struct ks_vals a, b, found = { NULL, 0, 0 };
	enum ks_yield got = ks_vals_of(set, in, &a);

	if (got == KS_YIELD)
		got = ks_vals_of(set, what, &b);
	/* Nothing in a row stands nowhere. */
	if (got == KS_YIELD && b.n > 0)
		got = ks_expr_places(set, &a, &b, &found);
	return got == KS_YIELD ? ks_expr_array(set, found.v, found.n, out) : got;
}

/* Any step on any value. */
enum ks_yield ks_expr_get(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *step, struct ks_val *out)
{
	enum ks_yield got = ks_expr_may_step(set, in->type, step);
	struct ks_val a, b;

	if (got != KS_YIELD_NONE) {
		*out = ks_expr_nil;
		return got;
	}
	if (step->type == KS_STR || step->type == KS_INT)
		return ks_expr_look_up(set, in, step, out);
	if (step->type == KS_ARRAY)
		return places_of(set, in, step, out);
	if (step->type == KS_MAP) {
		got = bound_of(set, step, "start", &a);
		if (got == KS_YIELD)
			got = bound_of(set, step, "end", &b);
		return got == KS_YIELD ? ks_expr_slice(set, in, &a, &b, out) : got;
	}
	a = (struct ks_val){ .type = KS_INT, .i = ks_expr_index_of(step) };
	return ks_expr_look_up(set, in, &a, out);
}

enum ks_yield ks_expr_iterate(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_path *path, struct ks_emit *to)
{
	const unsigned char *p, *end;
	struct ks_val v, step = { .type = KS_INT };
	struct ks_path here = { path, &step };
	enum ks_yield got = KS_YIELD;
	struct ks_head head;
	enum ks_mp_error e;
	uint32_t i;

	if (in->type < KS_ARRAY)
		return in->type == KS_NIL ? ks_expr_error(set, "Cannot iterate over null") :
		    ks_expr_error(set, "Cannot iterate over %s (%s)", ks_val_typename(in),
		    ks_expr_shown(set, in).text);
	end = in->b.p + in->b.n;
	e = ks_mp_head(in->b.p, end, &head);
	p = head.body;
	for (i = 0; e == KS_MP_OK && i < head.count && got == KS_YIELD; i++) {
		step.i = i;
		if (in->type == KS_MAP)
			e = ks_mp_read(&p, end, 0, &step);
		if (e == KS_MP_OK)
			e = ks_mp_read(&p, end, set->depth, &v);
		if (e == KS_MP_OK)
			got = ks_expr_steps(set, v.type < KS_ARRAY ? 1 : 1 + v.b.n / 32);
		if (e == KS_MP_OK && got == KS_YIELD)
			got = to->fn(to, &v, path != NULL ? &here : NULL);
	}
	return e == KS_MP_OK ? got : broken(set, e);
}
