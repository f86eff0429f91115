/* SPDX-License-Identifier: MIT */
/*
 * agg.c - the states of aggregates.
 *
 * Integers are summed in 128 bits, which no stream can fill, so that their
 * sum does not depend on their order.  From the first float on a sum is a
 * float, with what each addition rounds off kept beside it (Neumaier), so
 * that a million cents stay exact to the last digit.
 */
#include "agg.h"

#include <errno.h>
#include <math.h>

__extension__ typedef __int128 i128;

struct sum {
	union {
		uint64_t low;		/* integers: low + high * 2^64 */
		double d;		/* with floats among them: d + lost */
	};
	union {
		int64_t high;
		double lost;
	};
	uint64_t count;			/* the top bit: a float was among them */
};
#define FLOAT_SEEN (UINT64_C(1) << 63)

struct kept {
	uint32_t type;		/* enum ks_type; nil: none yet */
	uint32_t n;		/* length of a string or container */
	union {
		uint64_t number;	/* its bits */
		struct {
			uint32_t at;	/* in the block */
			uint32_t cap;
		} place;
	};
};
#define PLACED 0x100u	/* in type: the value stands at its place, numbers too from then on */

size_t ks_agg_size(enum ks_agg_kind kind)
{
	switch (kind) {
	case KS_AGG_COUNT: return sizeof(uint64_t);
	case KS_AGG_SUM: case KS_AGG_AVG: return sizeof(struct sum);
	case KS_AGG_MIN: case KS_AGG_MAX: case KS_AGG_FIRST: case KS_AGG_LAST: break;
	}
	return sizeof(struct kept);
}

const char *ks_agg_check(enum ks_agg_kind kind, const struct ks_val *v)
{
	static const char *const sum[] = {
		[KS_FALSE] = "cannot add a boolean", [KS_TRUE] = "cannot add a boolean",
		[KS_STR] = "cannot add a string", [KS_BIN] = "cannot add bytes",
		[KS_ARRAY] = "cannot add an array", [KS_MAP] = "cannot add an object",
	};
	static const char *const order[] = {
		[KS_FALSE] = "cannot compare a boolean", [KS_TRUE] = "cannot compare a boolean",
		[KS_BIN] = "cannot compare bytes", [KS_ARRAY] = "cannot compare an array",
		[KS_MAP] = "cannot compare an object",
	};

	if (kind == KS_AGG_SUM || kind == KS_AGG_AVG)
		return sum[v->type];
	if (kind == KS_AGG_MIN || kind == KS_AGG_MAX)
		return order[v->type];
	return NULL;
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

/* An integer of up to 128 bits as two doubles: what the first rounds off is the second. */
static void turn_float(struct sum *s)
{
	i128 x = integers(s);
	double d = (double)x;

	s->d = d;
	s->lost = (double)(x - (i128)d);
	s->count |= FLOAT_SEEN;
}

static void add_number(struct sum *s, const struct ks_val *v)
{
	uint64_t low = v->u;	/* of either type */
	int64_t high = v->type == KS_INT && v->i < 0 ? -1 : 0;

	s->count++;
	if (v->type == KS_FLOAT && (s->count & FLOAT_SEEN) == 0)
		turn_float(s);
	if ((s->count & FLOAT_SEEN) == 0)
		s->high += high + __builtin_add_overflow(s->low, low, &s->low);
	else
		add_float(s, ks_val_double(v));
}

static void kept_value(const struct kept *k, const unsigned char *block, struct ks_val *v)
{
	v->type = (enum ks_type)(k->type & ~PLACED);
	if (v->type >= KS_STR)
		v->b = ks_bytes(block + k->place.at, k->n);
	else if (k->type & PLACED)
		memcpy(&v->u, block + k->place.at, sizeof(v->u));
	else
		v->u = k->number;
}

/* A place of at least n bytes.  One that has become too small is left: doubling bounds the waste by what is in use. */
static int take_place(struct ks_agg_block *b, size_t at, size_t n)
{
	struct kept *k = (struct kept *)(void *)(b->p + at);
	size_t cap = k->type & PLACED ? k->place.cap : 0, place = (b->n + 7) & ~(size_t)7;
	int no;

	if (n <= cap)
		return 0;
	if (cap != 0 && n < 2 * cap)
		n = 2 * cap;
	n = (n + 7) & ~(size_t)7;
	if (place > UINT32_MAX || n > UINT32_MAX - place)
		return EMSGSIZE;
	no = b->grow(b, place + n);
	if (no != 0)
		return no;
	k = (struct kept *)(void *)(b->p + at);
	k->type |= PLACED;
	k->place.at = (uint32_t)place;
	k->place.cap = (uint32_t)n;
	return 0;
}

static int keep(struct ks_agg_block *b, size_t at, const struct ks_val *v)
{
	struct kept *k = (struct kept *)(void *)(b->p + at);
	uint64_t number = ks_val_number(v) ? v->u : 0;
	int no;

	if (v->type < KS_STR) {
		if (KS_LIKELY((k->type & PLACED) == 0))
			k->number = number;
		else
			memcpy(b->p + k->place.at, &number, sizeof(number));
		k->type = (k->type & PLACED) | v->type;
		return 0;
	}
	/* An empty string takes a place, too, so that the number a new one may stand for has room. */
	no = take_place(b, at, v->b.n > 0 ? v->b.n : 1);
	if (no != 0)
		return no;
	k = (struct kept *)(void *)(b->p + at);
	if (v->b.n > 0)
		memcpy(b->p + k->place.at, v->b.p, v->b.n);
	k->type = PLACED | v->type;
	k->n = (uint32_t)v->b.n;
	return 0;
}

/* Whether v goes before (sign -1) or behind (sign 1) what is kept. */
static bool beats(const struct kept *k, const unsigned char *block, const struct ks_val *v, int sign)
{
	struct ks_val old;
	int c;

	kept_value(k, block, &old);
	if (old.type == KS_INT && v->type == KS_INT)
		return sign < 0 ? v->i < old.i : v->i > old.i;
	/* A comparison with nan is false, and then not decided here. */
	if (old.type == KS_FLOAT && v->type == KS_FLOAT && (v->d < old.d || v->d >= old.d))
		return sign < 0 ? v->d < old.d : v->d > old.d;
	c = ks_val_cmp(v, &old);
	return sign < 0 ? c < 0 : c > 0;
}

int ks_agg_add(enum ks_agg_kind kind, struct ks_agg_block *b, size_t at, const struct ks_val *v)
{
	const struct kept *k = (const struct kept *)(void *)(b->p + at);

	if (v != NULL && v->type == KS_NIL)
		return 0;
	switch (kind) {
	case KS_AGG_COUNT:
		++*(uint64_t *)(void *)(b->p + at);
		return 0;
	case KS_AGG_SUM: case KS_AGG_AVG:
		add_number((struct sum *)(void *)(b->p + at), v);
		return 0;
	case KS_AGG_MIN: case KS_AGG_MAX:
		if (k->type != KS_NIL && !beats(k, b->p, v, kind == KS_AGG_MIN ? -1 : 1))
			return 0;
		return keep(b, at, v);
	case KS_AGG_FIRST:
		return k->type == KS_NIL ? keep(b, at, v) : 0;
	case KS_AGG_LAST:
		return keep(b, at, v);
	}
	return EINVAL;
}

static void add_sum(struct sum *s, struct sum from)
{
	if (from.count & ~FLOAT_SEEN) {
		if (s->count & FLOAT_SEEN && (from.count & FLOAT_SEEN) == 0)
			turn_float(&from);
		if (from.count & FLOAT_SEEN && (s->count & FLOAT_SEEN) == 0)
			turn_float(s);
	}
	s->count += from.count & ~FLOAT_SEEN;
	if ((s->count & FLOAT_SEEN) == 0) {
		s->high += from.high + __builtin_add_overflow(s->low, from.low, &s->low);
	} else if (from.count & FLOAT_SEEN) {
		add_float(s, from.d);
		s->lost += from.lost;
	}
}

int ks_agg_merge(enum ks_agg_kind kind, struct ks_agg_block *b, size_t at, const unsigned char *from)
{
	struct ks_val v;

	switch (kind) {
	case KS_AGG_COUNT:
		*(uint64_t *)(void *)(b->p + at) += *(const uint64_t *)(const void *)(from + at);
		return 0;
	case KS_AGG_SUM: case KS_AGG_AVG:
		add_sum((struct sum *)(void *)(b->p + at), *(const struct sum *)(const void *)(from + at));
		return 0;
	case KS_AGG_MIN: case KS_AGG_MAX: case KS_AGG_FIRST: case KS_AGG_LAST:
		break;
	}
	kept_value((const struct kept *)(const void *)(from + at), from, &v);
	return ks_agg_add(kind, b, at, &v);
}

static double floats(const struct sum *s)
{
	/* Past the range of a double what was kept is nonsense. */
	return isfinite(s->d) && isfinite(s->lost) ? s->d + s->lost : s->d;
}

static void show_integer(i128 x, struct ks_val *v)
{
	if (x >= INT64_MIN && x <= INT64_MAX) {
		v->type = KS_INT;
		v->i = (int64_t)x;
	} else if (x > 0 && x <= UINT64_MAX) {
		v->type = KS_UINT;
		v->u = (uint64_t)x;
	} else {
		v->type = KS_FLOAT;
		v->d = (double)x;
	}
}

static void show_avg(const struct sum *s, struct ks_val *v)
{
	uint64_t count = s->count & ~FLOAT_SEEN;
	i128 x, whole;

	if (count == 0) {
		v->type = KS_NIL;
		return;
	}
	v->type = KS_FLOAT;
	if (s->count & FLOAT_SEEN) {
		v->d = floats(s) / (double)count;
		return;
	}
	x = integers(s);
	whole = x / count;
	if (whole * count == x)
		show_integer(whole, v);
	else if (x >= -((i128)1 << 53) && x <= (i128)1 << 53)
		v->d = (double)x / (double)count;	/* rounds once */
	else
		v->d = (double)whole + (double)(x - whole * count) / (double)count;
}

void ks_agg_result(enum ks_agg_kind kind, const unsigned char *block, size_t at, struct ks_val *v)
{
	const struct sum *s = (const struct sum *)(const void *)(block + at);

	switch (kind) {
	case KS_AGG_COUNT:
		v->type = KS_INT;
		memcpy(&v->u, block + at, sizeof(v->u));
		return;
	case KS_AGG_SUM:
		if (s->count & FLOAT_SEEN) {
			v->type = KS_FLOAT;
			v->d = floats(s);
		} else {
			show_integer(integers(s), v);
		}
		return;
	case KS_AGG_AVG:
		show_avg(s, v);
		return;
	case KS_AGG_MIN: case KS_AGG_MAX: case KS_AGG_FIRST: case KS_AGG_LAST:
		kept_value((const struct kept *)(const void *)(block + at), block, v);
		return;
	}
}
