/* SPDX-License-Identifier: MIT */
/*
 * expr-arith.c - + - * / % and a sign.
 *
 * Integers stay exact: a result that fits neither int64 nor uint64, or is
 * no whole number, is a double.
 */
#include "expr-impl.h"

#include <math.h>

static bool whole(const struct ks_val *v)
{
	return v->type == KS_INT || v->type == KS_UINT;
}

static __int128 exact(const struct ks_val *v)
{
	return v->type == KS_INT ? (__int128)v->i : (__int128)v->u;
}

static void put_exact(struct ks_val *out, __int128 x, double otherwise)
{
	if (x >= INT64_MIN && x <= INT64_MAX)
		*out = (struct ks_val){ .type = KS_INT, .i = (int64_t)x };
	else if (x > 0 && x <= UINT64_MAX)
		*out = (struct ks_val){ .type = KS_UINT, .u = (uint64_t)x };
	else
		*out = (struct ks_val){ .type = KS_FLOAT, .d = otherwise };
}

/* As jq: cut to int64_t, and not past its ends. */
static int64_t cut(double d)
{
	return d <= -9223372036854775808.0 ? INT64_MIN : d >= 9223372036854775808.0 ? INT64_MAX :
	    (int64_t)d;
}

static const char *const verbs[] = {
	[OP_ADD - OP_ADD] = "added", [OP_SUB - OP_ADD] = "subtracted",
	[OP_MUL - OP_ADD] = "multiplied", [OP_DIV - OP_ADD] = "divided",
	[OP_MOD - OP_ADD] = "divided (remainder)",
};

static enum ks_yield refused(struct ks_expr_set *set, enum ks_expr_op op, const struct ks_val *a,
    const struct ks_val *b, const char *why)
{
	struct ks_shown left = ks_expr_shown(set, a), right = ks_expr_shown(set, b);

	return ks_expr_error(set, "%s (%s) and %s (%s) cannot be %s%s", ks_val_typename(a), left.text,
	    ks_val_typename(b), right.text, verbs[op - OP_ADD], why);
}

static enum ks_yield divide(struct ks_expr_set *set, const struct ks_val *a, const struct ks_val *b,
    struct ks_val *out)
{
	double x = ks_val_double(a), y = ks_val_double(b);

	if (y == 0)
		return refused(set, OP_DIV, a, b, " because the divisor is zero");
	if (whole(a) && whole(b) && exact(a) % exact(b) == 0)
		put_exact(out, exact(a) / exact(b), x / y);
	else
		*out = (struct ks_val){ .type = KS_FLOAT, .d = x / y };
	return KS_YIELD;
}

static enum ks_yield remainder_of(struct ks_expr_set *set, const struct ks_val *a,
    const struct ks_val *b, struct ks_val *out)
{
	__int128 x, y;

	if ((a->type == KS_FLOAT && isnan(a->d)) || (b->type == KS_FLOAT && isnan(b->d))) {
		*out = (struct ks_val){ .type = KS_FLOAT, .d = (double)NAN };
		return KS_YIELD;
	}
	x = whole(a) ? exact(a) : cut(a->d);
	y = whole(b) ? exact(b) : cut(b->d);
	if (y == 0)
		return refused(set, OP_MOD, a, b, " because the divisor is zero");
	put_exact(out, x % y, 0);
	return KS_YIELD;
}

static enum ks_yield numbers(struct ks_expr_set *set, enum ks_expr_op op, const struct ks_val *a,
    const struct ks_val *b, struct ks_val *out)
{
	double x, y;

	if (op == OP_DIV)
		return divide(set, a, b, out);
	if (op == OP_MOD)
		return remainder_of(set, a, b, out);
	x = ks_val_double(a);
	y = ks_val_double(b);
	x = op == OP_ADD ? x + y : op == OP_SUB ? x - y : x * y;
	if (!whole(a) || !whole(b))
		*out = (struct ks_val){ .type = KS_FLOAT, .d = x };
	else if (op == OP_MUL && fabs(x) > 1e38)
		*out = (struct ks_val){ .type = KS_FLOAT, .d = x };
	else
		put_exact(out, op == OP_ADD ? exact(a) + exact(b) : op == OP_SUB ? exact(a) - exact(b) :
		    exact(a) * exact(b), x);
	return KS_YIELD;
}

/* Two containers in one: elements behind elements, pairs behind pairs. */
static enum ks_yield together(struct ks_expr_set *set, const struct ks_val *a,
    const struct ks_val *b, struct ks_vals *all)
{
	struct ks_vals x, y;
	enum ks_yield got = ks_vals_of(set, a, &x);

	if (got == KS_YIELD)
		got = ks_vals_of(set, b, &y);
	if (got != KS_YIELD)
		return got;
	*all = (struct ks_vals){ ks_expr_scratch(set, ((size_t)x.n + y.n) * sizeof(*all->v) + 1),
		x.n + y.n, x.n + y.n };
	if (all->v == NULL || all->n < x.n)
		return ks_expr_no_scratch(set);
	if (x.n > 0)
		memcpy(all->v, x.v, x.n * sizeof(*x.v));
	if (y.n > 0)
		memcpy(all->v + x.n, y.v, y.n * sizeof(*y.v));
	return KS_YIELD;
}

static enum ks_yield add(struct ks_expr_set *set, const struct ks_val *a, const struct ks_val *b,
    struct ks_val *out)
{
	const struct ks_val both[2] = { *a, *b };
	struct ks_vals all;
	enum ks_yield got;
	bool done;

	if (a->type == KS_STR)
		return ks_expr_joined(set, both, 2, out);
	if (a->type == KS_MAP) {
		got = ks_expr_plain_sum(set, a, b, out, &done);
		if (KS_LIKELY(done))
			return got;
	}
	got = together(set, a, b, &all);
	if (got != KS_YIELD)
		return got;
	return a->type == KS_MAP ? ks_expr_object(set, all.v, all.n, out) :
	    ks_expr_array(set, all.v, all.n, out);
}

static enum ks_yield without(struct ks_expr_set *set, const struct ks_val *a, const struct ks_val *b,
    struct ks_val *out)
{
	struct ks_vals x, y, left = { NULL, 0, 0 };
	enum ks_yield got = ks_vals_of(set, a, &x);
	uint32_t i, j;
	int c;

	if (got == KS_YIELD)
		got = ks_vals_of(set, b, &y);
	for (i = 0; got == KS_YIELD && i < x.n; i++) {
		for (j = 0, c = 1; got == KS_YIELD && j < y.n && c != 0; j++)
			got = ks_expr_cmp(set, &x.v[i], &y.v[j], &c);
		if (got == KS_YIELD)
			got = ks_expr_steps(set, 1 + j / 4);
		if (got == KS_YIELD && c != 0)
			got = ks_vals_add(set, &left, &x.v[i]);
	}
	return got == KS_YIELD ? ks_expr_array(set, left.v, left.n, out) : got;
}

/* `{} * {}`: objects within objects are merged, all else is replaced.  Recurses as deep as both nest. */
static enum ks_yield merge(struct ks_expr_set *set, const struct ks_val *a, const struct ks_val *b,
    struct ks_val *out)
{
	struct ks_vals x, y, all;
	enum ks_yield got = ks_vals_of(set, a, &x);
	struct ks_val old;
	uint32_t i;

	if (got == KS_YIELD)
		got = ks_vals_of(set, b, &y);
	for (i = 0; got == KS_YIELD && i < y.n; i += 2) {
		if (y.v[i + 1].type != KS_MAP)
			continue;
		got = ks_expr_look_up(set, a, &y.v[i], &old);
		if (got == KS_YIELD && old.type == KS_MAP)
			got = merge(set, &old, &y.v[i + 1], &y.v[i + 1]);
	}
	if (got != KS_YIELD)
		return got;
	all = (struct ks_vals){ ks_expr_scratch(set, ((size_t)x.n + y.n) * sizeof(*all.v) + 1), x.n + y.n, 0 };
	if (all.v == NULL)
		return ks_expr_no_scratch(set);
	if (x.n > 0)
		memcpy(all.v, x.v, x.n * sizeof(*x.v));
	if (y.n > 0)
		memcpy(all.v + x.n, y.v, y.n * sizeof(*y.v));
	return ks_expr_object(set, all.v, all.n, out);
}

static enum ks_yield repeat(struct ks_expr_set *set, const struct ks_val *text,
    const struct ks_val *times, struct ks_val *out)
{
	double d = ks_val_double(times);
	unsigned char *p;
	size_t n, i;

	*out = (struct ks_val){ .type = KS_NIL };
	if (!(d > 0))
		return KS_YIELD;
	n = d > INT32_MAX ? INT32_MAX : (size_t)d;
	if (text->b.n == 0)
		n = 0;
	else if (n > (INT32_MAX - 2) / text->b.n)	/* jq's own limit; --expr-limit ends most sooner */
		return ks_expr_error(set, "Repeat string result too long");
	p = ks_expr_scratch(set, n * text->b.n + 1);
	if (p == NULL)
		return ks_expr_no_scratch(set);
	*out = (struct ks_val){ .type = KS_STR, .b = ks_bytes(p, n * text->b.n) };
	for (i = 0; i < n; i++)
		memcpy(p + i * text->b.n, text->b.p, text->b.n);
	return ks_expr_steps(set, 1 + n / 4 + n * text->b.n / 256);
}

/* One more piece of a string that was split. */
static enum ks_yield piece(struct ks_expr_set *set, struct ks_vals *list, const unsigned char *from,
    const unsigned char *to)
{
	struct ks_val v = { .type = KS_STR, .b = ks_bytes(from, (size_t)(to - from)) };

	return ks_vals_add(set, list, &v);
}

static enum ks_yield split(struct ks_expr_set *set, struct ks_bytes a, struct ks_bytes by,
    struct ks_val *out)
{
	const unsigned char *p = a.p, *end = a.p + a.n, *q;
	struct ks_vals list = { NULL, 0, 0 };
	enum ks_yield got = KS_YIELD;

	while (got == KS_YIELD && by.n == 0 && p < end) {
		for (q = p + 1; q < end && (*q & 0xc0) == 0x80; q++)
			continue;
		got = piece(set, &list, p, q);
		p = q;
	}
	while (got == KS_YIELD && by.n > 0 && a.n > 0) {
		q = memmem(p, (size_t)(end - p), by.p, by.n);
		got = piece(set, &list, p, q == NULL ? end : q);
		if (q == NULL)
			break;
		p = q + by.n;
	}
	if (got == KS_YIELD)
		got = ks_expr_searched(set, a.n, by.n);
	return got == KS_YIELD ? ks_expr_array(set, list.v, list.n, out) : got;
}

enum ks_yield ks_expr_arith(struct ks_expr_set *set, enum ks_expr_op op, const struct ks_val *a,
    const struct ks_val *b, struct ks_val *out)
{
	bool same = a->type == b->type;

	if (KS_LIKELY(ks_val_number(a) && ks_val_number(b)))
		return numbers(set, op, a, b, out);
	if (op == OP_ADD && (a->type == KS_NIL || b->type == KS_NIL)) {
		*out = a->type == KS_NIL ? *b : *a;
		return KS_YIELD;
	}
	if (op == OP_ADD && same && (a->type == KS_STR || a->type >= KS_ARRAY))
		return add(set, a, b, out);
	if (op == OP_SUB && same && a->type == KS_ARRAY)
		return without(set, a, b, out);
	if (op == OP_MUL && same && a->type == KS_MAP)
		return merge(set, a, b, out);
	if (op == OP_MUL && a->type == KS_STR && ks_val_number(b))
		return repeat(set, a, b, out);
	if (op == OP_MUL && b->type == KS_STR && ks_val_number(a))
		return repeat(set, b, a, out);
	if (op == OP_DIV && same && a->type == KS_STR)
		return split(set, a->b, b->b, out);
	return refused(set, op, a, b, "");
}

enum ks_yield ks_expr_negated(struct ks_expr_set *set, const struct ks_val *v, struct ks_val *out)
{
	if (!ks_val_number(v))
		return ks_expr_error(set, "%s (%s) cannot be negated", ks_val_typename(v),
		    ks_expr_shown(set, v).text);
	if (whole(v))
		put_exact(out, -exact(v), -ks_val_double(v));
	else
		*out = (struct ks_val){ .type = KS_FLOAT, .d = -v->d };
	return KS_YIELD;
}
