/* SPDX-License-Identifier: MIT */
/*
 * expr-math.c - functions of numbers, and hashes.
 *
 * Integers stay exact where jq's doubles would round: floor, abs and their
 * kin give an integer back as it came.  What is computed in doubles comes
 * back as an integer where it is one.
 */
#include "expr-items.h"

#include <math.h>

#include "expr-late.h"
#include "hash.h"

static enum ks_yield no_number(struct ks_expr_set *set, const struct ks_val *v)
{
	return ks_expr_unfit(set, v, "number required");
}

/* A function of libm of one argument; an integer is its own floor where exact. */
static enum ks_yield apply(struct ks_expr_set *set, const struct ks_val *in, bool exact,
    double (*f)(double), struct ks_val *out)
{
	if (!ks_val_number(in))
		return no_number(set, in);
	if (exact && in->type != KS_FLOAT)
		*out = *in;
	else
		ks_val_number_of(out, f(ks_val_double(in)));
	return ks_expr_steps(set, 1);
}

/* And of two, which jq gives as arguments. */
static enum ks_yield apply_2(struct ks_expr_set *set, const struct ks_val *args,
    double (*f)(double, double), struct ks_val *out)
{
	if (!ks_val_number(&args[0]))
		return no_number(set, &args[0]);
	if (!ks_val_number(&args[1]))
		return no_number(set, &args[1]);
	ks_val_number_of(out, f(ks_val_double(&args[0]), ks_val_double(&args[1])));
	return ks_expr_steps(set, 1);
}

/* lgamma writes a global, and jq's gamma is it, too. */
static double log_gamma(double x)
{
	int sign;

	return ks_libm.lgamma_r(x, &sign);
}

/* The power is a number of jq's: past the range of all exponents it may stop. */
static double scale(double x, double power)
{
	if (isnan(power))
		return power;
	return ks_libm.ldexp(x, power > 9999 ? 9999 : power < -9999 ? -9999 : (int)power);
}

/* Of libm, all but what the compiler writes in line: from these lists the functions and their lines of the table are made. */
#define LIBM(X, name) X(name, ks_libm.name)
#define EXACT(X) \
	X(floor, floor) LIBM(X, ceil) LIBM(X, round) X(trunc, trunc) X(rint, rint) LIBM(X, nearbyint)
#define ONE(X) \
	LIBM(X, sqrt) LIBM(X, cbrt) LIBM(X, exp) LIBM(X, exp2) LIBM(X, exp10) LIBM(X, expm1) \
	LIBM(X, log) LIBM(X, log2) LIBM(X, log10) LIBM(X, log1p) LIBM(X, logb) LIBM(X, sin) \
	LIBM(X, cos) LIBM(X, tan) LIBM(X, asin) LIBM(X, acos) LIBM(X, atan) LIBM(X, sinh) \
	LIBM(X, cosh) LIBM(X, tanh) LIBM(X, asinh) LIBM(X, acosh) LIBM(X, atanh) \
	LIBM(X, significand) LIBM(X, tgamma) X(lgamma, log_gamma) X(gamma, log_gamma)
#define TWO(X) \
	LIBM(X, pow) LIBM(X, atan2) LIBM(X, fmod) LIBM(X, fmin) LIBM(X, fmax) LIBM(X, fdim) \
	LIBM(X, hypot) LIBM(X, copysign) X(ldexp, scale) X(scalb, scale)

#define DEFINE(name, exact, f) \
static enum ks_yield fn_##name(struct ks_expr_set *set, const struct ks_val *in, \
    const struct ks_val *args, struct ks_val *out) \
{ \
	(void)args; \
	return apply(set, in, exact, f, out); \
}
#define DEFINE_EXACT(name, f) DEFINE(name, true, f)
#define DEFINE_ONE(name, f) DEFINE(name, false, f)
#define DEFINE_TWO(name, f) \
static enum ks_yield fn_##name(struct ks_expr_set *set, const struct ks_val *in, \
    const struct ks_val *args, struct ks_val *out) \
{ \
	(void)in; \
	return apply_2(set, args, f, out); \
}
EXACT(DEFINE_EXACT)
ONE(DEFINE_ONE)
TWO(DEFINE_TWO)

static void negate(const struct ks_val *in, struct ks_val *out)
{
	if (in->type == KS_FLOAT)
		*out = (struct ks_val){ .type = KS_FLOAT, .d = -in->d };
	else if (in->i == INT64_MIN)
		*out = (struct ks_val){ .type = KS_UINT, .u = (uint64_t)INT64_MAX + 1 };
	else
		*out = (struct ks_val){ .type = KS_INT, .i = -in->i };
}

/* jq's: `if . < 0 then - . else . end`, so that what is no number is above 0 or cannot be negated. */
static enum ks_yield fn_abs(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *args, struct ks_val *out)
{
	const struct ks_val zero = { .type = KS_INT };

	(void)args;
	*out = *in;
	if (ks_val_cmp(in, &zero) >= 0)
		return ks_expr_steps(set, 1);
	if (!ks_val_number(in))
		return ks_expr_unfit(set, in, "cannot be negated");
	negate(in, out);
	return ks_expr_steps(set, 1);
}

static enum ks_yield fn_fabs(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *args, struct ks_val *out)
{
	if (!ks_val_number(in))
		return no_number(set, in);
	if (in->type != KS_FLOAT)
		return fn_abs(set, in, args, out);
	ks_val_number_of(out, fabs(in->d));
	return ks_expr_steps(set, 1);
}

static enum ks_yield constant(struct ks_expr_set *set, double d, struct ks_val *out)
{
	*out = (struct ks_val){ .type = KS_FLOAT, .d = d };
	return ks_expr_steps(set, 1);
}

static enum ks_yield fn_infinite(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *args, struct ks_val *out)
{
	(void)in;
	(void)args;
	return constant(set, INFINITY, out);
}

static enum ks_yield fn_nan(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *args, struct ks_val *out)
{
	(void)in;
	(void)args;
	return constant(set, NAN, out);
}

/* What is no number is none of these. */
#define IS(name, test) \
static enum ks_yield fn_##name(struct ks_expr_set *set, const struct ks_val *in, \
    const struct ks_val *args, struct ks_val *out) \
{ \
	(void)args; \
	ks_val_bool(out, ks_val_number(in) && (test(ks_val_double(in)))); \
	return ks_expr_steps(set, 1); \
}
IS(isinfinite, isinf)
IS(isfinite, !isinf)
IS(isnan, isnan)
IS(isnormal, isnormal)

/* A float that is an integer as that integer, any nan as one, -0 as 0: what `==` calls equal is equal. */
static void plain_number(const struct ks_val *v, struct ks_val *out)
{
	double d = v->d;

	*out = *v;
	if (isnan(d))
		out->d = NAN;
	else if (d == trunc(d) && d >= -9223372036854775808.0 && d < 9223372036854775808.0)
		*out = (struct ks_val){ .type = KS_INT, .i = (int64_t)d };
	else if (d == trunc(d) && d > 0 && d < 18446744073709551616.0)
		*out = (struct ks_val){ .type = KS_UINT, .u = (uint64_t)d };
}

static enum ks_yield canonical(struct ks_expr_set *set, const struct ks_val *v, struct ks_val *out);

/* Members in the order of their keys. */
static enum ks_yield canonical_object(struct ks_expr_set *set, const struct ks_val *v,
    struct ks_val *out)
{
	struct ks_expr_sort s = { .set = set, .got = KS_YIELD };
	struct ks_vals pairs, list = { NULL, 0, 0 };
	enum ks_yield got = ks_vals_of(set, v, &pairs);
	struct ks_val member;
	uint32_t i;

	if (got != KS_YIELD || pairs.n == 0) {
		*out = *v;
		return got;
	}
	s.n = pairs.n / 2;
	s.items = ks_expr_scratch(set, s.n * sizeof(*s.items));
	if (s.items == NULL)
		return ks_expr_no_scratch(set);
	for (i = 0; i < s.n; i++)
		s.items[i] = (struct ks_expr_item){ pairs.v[2 * i + 1], &pairs.v[2 * i], 1 };
	got = ks_expr_sort(&s);
	for (i = 0; i < s.n && got == KS_YIELD; i++) {
		got = canonical(set, &s.order[i]->v, &member);
		if (got == KS_YIELD)
			got = ks_vals_add(set, &list, s.order[i]->keys);
		if (got == KS_YIELD)
			got = ks_vals_add(set, &list, &member);
	}
	return got == KS_YIELD ? ks_expr_object(set, list.v, list.n, out) : got;
}

/* Recursion ends with the nesting of the values, which is bounded. */
static enum ks_yield canonical(struct ks_expr_set *set, const struct ks_val *v, struct ks_val *out)
{
	struct ks_vals list;
	enum ks_yield got;
	uint32_t i;

	*out = *v;
	if (v->type == KS_FLOAT)
		plain_number(v, out);
	if (v->type == KS_MAP)
		return canonical_object(set, v, out);
	if (v->type != KS_ARRAY)
		return ks_expr_steps(set, 1);
	got = ks_vals_of(set, v, &list);
	for (i = 0; i < list.n && got == KS_YIELD; i++)
		got = canonical(set, &list.v[i], &list.v[i]);
	return got == KS_YIELD ? ks_expr_array(set, list.v, list.n, out) : got;
}

static enum ks_yield fn_hash(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *args, struct ks_val *out)
{
	static const char digits[] = "0123456789abcdef";
	struct ks_val v, boxed;
	unsigned char text[16];
	enum ks_yield got = canonical(set, in, &v);
	uint64_t h;
	int i;

	(void)args;
	/* An array of one has a header of one byte: what stands behind it is the value. */
	if (got == KS_YIELD)
		got = ks_expr_array(set, &v, 1, &boxed);
	if (got != KS_YIELD)
		return got;
	h = ks_hash(ks_bytes(boxed.b.p + 1, boxed.b.n - 1), 0);
	for (i = 15; i >= 0; i--, h >>= 4)
		text[i] = (unsigned char)digits[h & 15];
	return ks_expr_string(set, ks_bytes(text, sizeof(text)), out);
}

/* The partition of n that a record with this key has: text and bytes as they are, others as JSON. */
static enum ks_yield fn_murmur2(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *args, struct ks_val *out)
{
	struct ks_bytes bytes = in->b;
	enum ks_yield got = KS_YIELD;
	double n = ks_val_number(args) ? ks_val_double(args) : 0;

	if (!(n >= 1 && n <= INT32_MAX) || n != trunc(n))
		return ks_expr_unfit(set, args, "is no number of partitions, 1 to 2147483647");
	if (in->type == KS_NIL)
		return ks_expr_error(set, "null is no key, which any partition may take");
	if (in->type != KS_STR && in->type != KS_BIN)
		got = ks_expr_json(set, in, &bytes);
	if (got == KS_YIELD)
		*out = (struct ks_val){ .type = KS_INT, .i = ks_partition_of(bytes, (int32_t)n) };
	return got == KS_YIELD ? ks_expr_walked(set, bytes.n) : got;
}

#define LINE(fn, f) { .name = #fn, .call = fn_##fn, .needs = ks_late_libm },
#define LINE_TWO(fn, f) { .name = #fn, .args = 2, .call = fn_##fn, .needs = ks_late_libm },
const struct ks_expr_fn ks_expr_fn_math[] = {
	EXACT(LINE) ONE(LINE) TWO(LINE_TWO)
	{ .name = "abs", .call = fn_abs },
	{ .name = "fabs", .call = fn_fabs },
	{ .name = "infinite", .call = fn_infinite },
	{ .name = "nan", .call = fn_nan },
	{ .name = "isinfinite", .call = fn_isinfinite },
	{ .name = "isfinite", .call = fn_isfinite },
	{ .name = "isnan", .call = fn_isnan },
	{ .name = "isnormal", .call = fn_isnormal },
	{ .name = "normals", .macro = "select(isnormal)" },
	{ .name = "finites", .macro = "select(isfinite)" },
	{ .name = "hash", .call = fn_hash },
	{ .name = "murmur2", .args = 1, .call = fn_murmur2 },
	{ .name = NULL },
};
