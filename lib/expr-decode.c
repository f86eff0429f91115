/* SPDX-License-Identifier: MIT */
/* expr-decode.c - the value of a slot whose text the load has checked. */
#include "expr-impl.h"

#include "json-pack.h"
#include "num.h"

/* An integer, or what is no plain decimal of few digits. */
static void decode_odd_number(const unsigned char *p, const unsigned char *end, struct ks_val *v)
{
	bool negative = *p == '-';
	const unsigned char *q = p + negative;
	uint64_t u = 0;
	unsigned digit;

	for (; q < end && (digit = (unsigned)*q - '0') <= 9; q++)
		if (__builtin_mul_overflow(u, 10u, &u) || __builtin_add_overflow(u, digit, &u))
			break;
	if (q < end || (negative && u > (uint64_t)INT64_MAX + 1))
		*v = (struct ks_val){ .type = KS_FLOAT, .d = ks_num_f64(p, (size_t)(end - p)) };
	else if (!negative && u > INT64_MAX)
		*v = (struct ks_val){ .type = KS_UINT, .u = u };
	else
		*v = (struct ks_val){ .type = KS_INT, .i = (int64_t)(negative ? 0 - u : u) };
}

/* The same of more than eight characters, behind the sign. */
static __attribute__((noinline)) void decode_long_number(const unsigned char *p, const unsigned char *end, struct ks_val *v)
{
	bool negative = *p == '-';
	const unsigned char *q = p + negative, *point;
	uint64_t u = 0;
	double d;

	if (KS_UNLIKELY(end - q > 16)) {
		decode_odd_number(p, end, v);
		return;
	}
	q = digits(q, &u);
	if (q == end) {
		v->type = KS_INT;
		v->i = negative ? -(int64_t)u : (int64_t)u;
		return;
	}
	point = q + 1;
	if (KS_UNLIKELY(*q != '.' || digits(point, &u) != end)) {
		decode_odd_number(p, end, v);
		return;
	}
	d = (double)(int64_t)u / ks_pack_powers[end - point];
	v->type = KS_FLOAT;
	v->d = negative ? -d : d;
}

/*
 * Text that the load has checked; eight bytes and more can be read at it.  All
 * digits at once, the point taken out from between them, as json-plain.c does.
 * One division of two exact doubles rounds once (Clinger 1990).
 */
static inline void decode_number(const unsigned char *p, const unsigned char *end,
    struct ks_val *v)
{
	bool negative = *p == '-';
	const unsigned char *q = p + negative;
	size_t n = (size_t)(end - q), point;
	uint64_t w, none, whole;
	int64_t x;
	double d;

	if (KS_UNLIKELY(n > 8)) {
		decode_long_number(p, end, v);
		return;
	}
	w = load_digits(q) << (64 - 8 * n);
	none = no_digits(w);
	if (none == 0) {
		x = (int64_t)eight_digits(w);
		v->type = KS_INT;
		v->i = negative ? -x : x;
		return;
	}
	/* Digits stand last now, zeros before them. */
	point = (size_t)__builtin_ctzll(none) / 8;
	if (KS_UNLIKELY((none & (none - 1)) != 0 || (w >> 8 * point & 0xff) != ('.' ^ '0'))) {
		decode_odd_number(p, end, v);
		return;
	}
	whole = (UINT64_C(1) << 8 * point) - 1;
	w = (w & whole) << 8 | (w & ~whole << 8);
	d = (double)(int64_t)eight_digits(w) / ks_pack_powers[7 - point];
	v->type = KS_FLOAT;
	v->d = negative ? -d : d;
}

/* A container: the parser wants padding behind it, and its output must not move. */
static enum ks_yield decode_container(struct ks_expr_set *set, const struct ks_expr_slot *slot,
    struct ks_val *v)
{
	size_t n = (size_t)(slot->end - slot->p);
	unsigned char *text = ks_expr_scratch(set, n + KS_PAD), *copy;
	enum ks_json_error e;

	if (text == NULL)
		return ks_expr_no_scratch(set);
	memcpy(text, slot->p, n);
	memset(text + n, 0, KS_PAD);
	set->packed.n = 0;
	e = ks_json_parse(&set->json, ks_bytes(text, n), &set->packed);
	if (e != KS_JSON_OK)
		return ks_expr_fault(set, ks_json_strerror(e));
	copy = ks_expr_scratch(set, set->packed.n);
	if (copy == NULL)
		return ks_expr_no_scratch(set);
	memcpy(copy, set->packed.p, set->packed.n);
	v->type = *slot->p == '{' ? KS_MAP : KS_ARRAY;
	v->b = ks_bytes(copy, set->packed.n);
	return KS_YIELD;
}

enum ks_yield ks_expr_decode_text(struct ks_expr_set *set, const struct ks_expr_slot *slot, bool escaped, struct ks_val *v)
{
	unsigned char *text;
	size_t n;

	switch (*slot->p) {
	case '"':
		v->type = KS_STR;
		n = (size_t)(slot->end - slot->p) - 2;
		v->b = ks_bytes(slot->p + 1, n);
		if (!escaped)
			return KS_YIELD;
		text = ks_expr_scratch(set, n);
		if (text == NULL)
			return ks_expr_no_scratch(set);
		v->b = ks_bytes(text, ks_scan_unescape(text, slot->p + 1, n));
		return KS_YIELD;
	case '{': case '[':
		return decode_container(set, slot, v);
	case 'n':
		v->type = KS_NIL;
		return KS_YIELD;
	case 't': case 'f':
		v->type = *slot->p == 't' ? KS_TRUE : KS_FALSE;
		return KS_YIELD;
	default:
		decode_number(slot->p, slot->end, v);
		return KS_YIELD;
	}
}
