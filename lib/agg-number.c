/* SPDX-License-Identifier: MIT */
/*
 * agg-number.c - count, sum, avg, delta.
 *
 * Integers are summed in 128 bits, which no stream can fill, so that their
 * sum does not depend on their order.  Floats are summed beside them, with
 * what each addition rounds off kept (Neumaier), so that a million cents stay
 * exact to the last digit.  Kept apart, either leaves nothing behind when the
 * last of its kind is taken out again.
 */
#include "agg-row.h"

#include <math.h>

__extension__ typedef __int128 i128;

struct sum {
	uint64_t low;		/* of the integers: low + high * 2^64 */
	int64_t high;
	int64_t count;		/* of all */
	int64_t floats;
	double d, lost;		/* their sum is d + lost */
};

static const char *check_sum(const struct ks_val *values)
{
	static const char *const refused[KS_AGG_TYPES] = {
		KS_AGG_REFUSES_ALL_BUT_NUMBERS("add"), [KS_AGG_NAN] = "cannot add nan",
		[KS_AGG_INFINITE] = "cannot add an infinite number",
	};

	return ks_agg_finite(values, refused);
}

static int add_count(const struct ks_agg *a, struct ks_agg_block *b, size_t at,
    const struct ks_val *values)
{
	(void)a;
	(void)values;
	++*(uint64_t *)(void *)(b->p + at);
	return 0;
}

static int subtract_count(const struct ks_agg *a, struct ks_agg_block *b, size_t at,
    const struct ks_val *values)
{
	(void)a;
	(void)values;
	--*(uint64_t *)(void *)(b->p + at);
	return 0;
}

static int merge_count(const struct ks_agg *a, struct ks_agg_block *b, size_t at,
    const unsigned char *from)
{
	(void)a;
	*(uint64_t *)(void *)(b->p + at) += *(const uint64_t *)(const void *)(from + at);
	return 0;
}

static void result_count(struct ks_agg *a, const unsigned char *block, size_t at, struct ks_val *v)
{
	(void)a;
	v->type = KS_INT;
	memcpy(&v->u, block + at, sizeof(v->u));
}

static struct sum *sum_at(struct ks_agg_block *b, size_t at)
{
	return (struct sum *)(void *)(b->p + at);
}

static i128 integers(const struct sum *s)
{
	return (i128)s->high * ((i128)1 << 64) + s->low;
}

static void add_float(struct sum *s, double d)
{
	double t = s->d + d;

	if (fabs(s->d) >= fabs(d))
		s->lost += (s->d - t) + d;
	else
		s->lost += (d - t) + s->d;
	s->d = t;
}

static int add_sum(const struct ks_agg *a, struct ks_agg_block *b, size_t at,
    const struct ks_val *values)
{
	struct sum *s = sum_at(b, at);
	int64_t high = values->type == KS_INT && values->i < 0 ? -1 : 0;

	(void)a;
	s->count++;
	if (values->type == KS_FLOAT) {
		s->floats++;
		add_float(s, values->d);
	} else {
		s->high += high + __builtin_add_overflow(s->low, values->u, &s->low);
	}
	return 0;
}

static int subtract_sum(const struct ks_agg *a, struct ks_agg_block *b, size_t at,
    const struct ks_val *values)
{
	struct sum *s = sum_at(b, at);
	int64_t high = values->type == KS_INT && values->i < 0 ? -1 : 0;

	(void)a;
	s->count--;
	if (values->type == KS_FLOAT) {
		s->floats--;
		add_float(s, -values->d);
		if (s->floats == 0)
			s->d = s->lost = 0;
	} else {
		s->high -= high + __builtin_sub_overflow(s->low, values->u, &s->low);
	}
	return 0;
}

static int merge_sum(const struct ks_agg *a, struct ks_agg_block *b, size_t at,
    const unsigned char *from)
{
	struct sum *s = sum_at(b, at);
	const struct sum *o = (const struct sum *)(const void *)(from + at);

	(void)a;
	s->count += o->count;
	s->floats += o->floats;
	s->high += o->high + __builtin_add_overflow(s->low, o->low, &s->low);
	add_float(s, o->d);
	s->lost += o->lost;
	return 0;
}

static void show_integer(struct ks_agg *a, i128 x, struct ks_val *v)
{
	if (KS_LIKELY(x >= INT64_MIN && x <= INT64_MAX)) {
		v->type = KS_INT;
		v->i = (int64_t)x;
	} else if (x > 0 && x <= UINT64_MAX) {
		v->type = KS_UINT;
		v->u = (uint64_t)x;
	} else {
		v->type = KS_FLOAT;
		v->d = (double)x;
		a->past++;
	}
}

/* The sum of all as a float.  Past the range of a double what was kept is nonsense. */
static double total(const struct sum *s)
{
	struct sum t = *s;
	i128 x = integers(s);
	double d;

	if (KS_LIKELY(x >= -((i128)1 << 53) && x <= (i128)1 << 53)) {
		add_float(&t, (double)(int64_t)x);
	} else {
		d = (double)x;
		add_float(&t, d);
		t.lost += (double)(x - (i128)d);
	}
	return isfinite(t.d) && isfinite(t.lost) ? t.d + t.lost : t.d;
}

static void result_sum(struct ks_agg *a, const unsigned char *block, size_t at, struct ks_val *v)
{
	const struct sum *s = (const struct sum *)(const void *)(block + at);

	if (s->floats == 0) {
		show_integer(a, integers(s), v);
		return;
	}
	v->type = KS_FLOAT;
	v->d = total(s);
}

static void result_avg(struct ks_agg *a, const unsigned char *block, size_t at, struct ks_val *v)
{
	const struct sum *s = (const struct sum *)(const void *)(block + at);
	i128 x, whole;

	v->type = KS_NIL;
	if (s->count <= 0)
		return;
	v->type = KS_FLOAT;
	if (s->floats != 0) {
		v->d = total(s) / (double)s->count;
		return;
	}
	x = integers(s);
	whole = x / s->count;
	if (whole * s->count == x)
		show_integer(a, whole, v);
	else if (x >= -((i128)1 << 53) && x <= (i128)1 << 53)
		v->d = (double)x / (double)s->count;	/* rounds once */
	else
		v->d = (double)whole + (double)(x - whole * s->count) / (double)s->count;
}

/* delta: the first and the last number. */
struct ends {
	uint32_t type[2];	/* enum ks_type; nil: there was none */
	uint64_t bits[2];
};

static const char *check_delta(const struct ks_val *values)
{
	static const char *const refused[KS_AGG_TYPES] = {
		KS_AGG_REFUSES_ALL_BUT_NUMBERS("subtract"), [KS_AGG_NAN] = "cannot subtract nan",
		[KS_AGG_INFINITE] = "cannot subtract an infinite number",
	};

	return ks_agg_finite(values, refused);
}

static int add_delta(const struct ks_agg *a, struct ks_agg_block *b, size_t at,
    const struct ks_val *values)
{
	struct ends *e = (struct ends *)(void *)(b->p + at);

	(void)a;
	if (e->type[0] == KS_NIL) {
		e->type[0] = values->type;
		e->bits[0] = values->u;
	}
	e->type[1] = values->type;
	e->bits[1] = values->u;
	return 0;
}

static int merge_delta(const struct ks_agg *a, struct ks_agg_block *b, size_t at,
    const unsigned char *from)
{
	struct ends *e = (struct ends *)(void *)(b->p + at);
	const struct ends *o = (const struct ends *)(const void *)(from + at);

	(void)a;
	if (e->type[0] == KS_NIL) {
		*e = *o;
	} else if (o->type[1] != KS_NIL) {
		e->type[1] = o->type[1];
		e->bits[1] = o->bits[1];
	}
	return 0;
}

static void result_delta(struct ks_agg *a, const unsigned char *block, size_t at, struct ks_val *v)
{
	const struct ends *e = (const struct ends *)(const void *)(block + at);
	struct ks_val end[2];
	i128 x[2];
	int i;

	for (i = 0; i < 2; i++) {
		end[i].type = (enum ks_type)e->type[i];
		end[i].u = e->bits[i];
		x[i] = end[i].type == KS_INT ? (i128)end[i].i : (i128)end[i].u;
	}
	if (end[0].type == KS_NIL) {
		v->type = KS_NIL;
	} else if (end[0].type == KS_FLOAT || end[1].type == KS_FLOAT) {
		v->type = KS_FLOAT;
		v->d = ks_val_double(&end[1]) - ks_val_double(&end[0]);
	} else {
		show_integer(a, x[1] - x[0], v);
	}
}

const struct ks_agg_row ks_agg_number[] = {
	{ .name = "count", .words = "length size number cnt", .args = "v", .like = "count()", .parts = true, .any_order = true,
	    .size = sizeof(uint64_t), .number = KS_AGG_COUNTS, .add = add_count, .merge = merge_count,
	    .subtract = subtract_count, .result = result_count },
	{ .name = "sum", .words = "total add", .args = "v", .need = 1, .like = "sum(.price)", .parts = true, .any_order = true,
	    .size = sizeof(struct sum), .number = KS_AGG_ADDS, .check = check_sum, .add = add_sum, .merge = merge_sum,
	    .subtract = subtract_sum, .result = result_sum },
	{ .name = "avg", .words = "mean average", .args = "v", .need = 1, .like = "avg(.price)", .nil = true,
	    .parts = true, .any_order = true, .size = sizeof(struct sum), .number = KS_AGG_ADDS, .check = check_sum, .add = add_sum, .merge = merge_sum,
	    .subtract = subtract_sum, .result = result_avg },
	{ .name = "delta", .words = "diff difference change gain", .args = "v", .need = 1, .like = "delta(.price)",
	    .nil = true, .parts = true, .size = sizeof(struct ends), .check = check_delta, .add = add_delta,
	    .merge = merge_delta, .result = result_delta },
	{ .name = NULL },
};
