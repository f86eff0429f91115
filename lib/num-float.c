/* SPDX-License-Identifier: MIT */
/*
 * num-float.c - doubles from text and to text: the nearest of what was
 * written, and the shortest that reads back.
 *
 * Both directions are exact in integers of 128 bits.  Only text of more
 * than 19 digits that stands within a hair of the middle between two
 * doubles goes to strtod(), which needs no memory for it.
 */
#include "num.h"
#include "num-pow10.h"

#include <math.h>
#include <stdlib.h>

#define FRACTION ((UINT64_C(1) << 52) - 1)	/* the bits of a double behind its hidden one */
#define HIDDEN (UINT64_C(1) << 52)
#define BIAS 1075				/* a normal double is significand * 2^(exponent - BIAS) */

typedef unsigned __int128 u128;

/* Powers of ten that a double holds exactly. */
static const double exact_ten[] = {
	1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
	1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
};
#define EXACT_TEN 22

static uint64_t bits_of(double d)
{
	uint64_t u;

	memcpy(&u, &d, sizeof(u));
	return u;
}

static double double_of(uint64_t u)
{
	double d;

	memcpy(&d, &u, sizeof(d));
	return d;
}

static int floor_log2_pow10(int k)
{
	return (k * 1741647) >> 19;	/* holds for |k| <= 1233 */
}

/* digits * 10^exponent */
struct decimal {
	uint64_t digits;
	int exponent;
};

/*
 * Most numbers that people write have few decimals: find the smallest k for
 * which digits / 10^k is d.  Below 2^50 there is one candidate only: that
 * digits / 10^k rounds to d bounds |d * 10^k - digits| by 2^-53 of it, the
 * multiplication errs by as much again, and together that is at most 1/4.
 * The division of two exact doubles rounds once, as reading the text would.
 */
static bool few_decimals(double d, struct decimal *out)
{
	double x, m;
	int k;

	for (k = 0; k <= EXACT_TEN; k++) {
		x = d * exact_ten[k];
		if (x >= 0x1p50)
			return false;
		m = (double)(int64_t)(x + 0.5);
		if (fabs(x - m) <= x * 0x1p-52 && m / exact_ten[k] == d) {
			*out = (struct decimal){ (uint64_t)m, -k };
			return true;
		}
	}
	return false;
}

/* floor(g * x / 2^128) with the lowest bit set when anything was cut off. */
static uint64_t round_to_odd(struct ks_pow10 g, uint64_t x)
{
	u128 low = (u128)g.low * x;
	u128 high = (u128)g.high * x + (uint64_t)(low >> 64);

	return (uint64_t)(high >> 64) | ((uint64_t)high > 1);
}

/*
 * The shortest decimal in the interval that rounds to a double > 0, and of
 * the shortest the nearest.  Source: R. Giulietti, "The Schubfach way to
 * render doubles", in the form of A. Bolz' Drachennest.
 */
static struct decimal shortest(uint64_t bits)
{
	int exponent = (int)(bits >> 52), q, k, h;
	uint64_t fraction = bits & FRACTION, c, lower, middle, upper, s, tens;
	bool narrow = fraction == 0 && exponent > 1;	/* the double below is nearer */
	bool odd = (fraction & 1) != 0;			/* its bounds round to a neighbour */
	struct ks_pow10 g;

	c = exponent != 0 ? HIDDEN | fraction : fraction;
	q = (exponent != 0 ? exponent : 1) - BIAS;
	k = (q * 1262611 - (narrow ? 524031 : 0)) >> 22;	/* floor(log10(2^q)), of 3/4 2^q if narrow */
	h = q + floor_log2_pow10(-k) + 1;
	g = ks_pow10[-k - KS_POW10_LOW];
	g.low += -k < 0 || -k > 55;	/* the method wants it rounded up; no low half is all ones */
	lower = round_to_odd(g, (4 * c - 2 + narrow) << h) + odd;
	middle = round_to_odd(g, (4 * c) << h);
	upper = round_to_odd(g, (4 * c + 2) << h) - odd;
	s = middle / 4;
	if (s >= 10) {
		tens = s / 10;
		if ((lower <= 40 * tens) != (40 * tens + 40 <= upper))
			return (struct decimal){ tens + (40 * tens + 40 <= upper), k + 1 };
	}
	if ((lower <= 4 * s) != (4 * s + 4 <= upper))
		return (struct decimal){ s + (4 * s + 4 <= upper), k };
	return (struct decimal){ s + (middle > 4 * s + 2 || (middle == 4 * s + 2 && s % 2 != 0)), k };
}

/* Digits with the point at place at (1: behind the first), which may lie outside of them. */
static size_t put_plain(char *o, const char *digits, size_t n, int at)
{
	size_t point;

	if (at <= 0) {
		memcpy(o, "0.0000", 6);
		point = 2 + (size_t)-at;
		memcpy(o + point, digits, n);
		return point + n;
	}
	point = (size_t)at;
	if (n <= point) {
		memcpy(o, digits, n);
		memset(o + n, '0', point - n);
		memcpy(o + point, ".0", 2);
		return point + 2;
	}
	memcpy(o, digits, point);
	o[point] = '.';
	memcpy(o + point + 1, digits + point, n - point);
	return n + 1;
}

static size_t put_scientific(char *o, const char *digits, size_t n, int exponent)
{
	char *p = o;

	*p++ = digits[0];
	if (n > 1) {
		*p++ = '.';
		memcpy(p, digits + 1, n - 1);
		p += n - 1;
	}
	*p++ = 'e';
	*p++ = exponent < 0 ? '-' : '+';
	exponent = abs(exponent);
	if (exponent < 10)
		*p++ = '0';
	p += ks_num_print_u64(p, (uint64_t)exponent);
	return (size_t)(p - o);
}

size_t ks_num_print_f64(char *o, double d)
{
	uint64_t bits = bits_of(d) & INT64_MAX;
	struct decimal x;
	char digits[20];
	char *p = o;
	size_t n;
	int at;

	if (isnan(d)) {
		memcpy(o, "null", 4);
		return 4;
	}
	if (signbit(d))
		*p++ = '-';
	if (bits == 0) {
		memcpy(p, "0.0", 3);
		return (size_t)(p + 3 - o);
	}
	if (isinf(d))
		x = shortest(bits - 1);		/* the largest double */
	else if (!few_decimals(double_of(bits), &x))
		x = shortest(bits);
	n = ks_num_print_u64(digits, x.digits);
	at = (int)n + x.exponent;
	while (n > 1 && digits[n - 1] == '0')
		n--;
	/* Python's repr: float_repr_style "short", format code "r". */
	if (at > -4 && at <= 16)
		p += put_plain(p, digits, n, at);
	else
		p += put_scientific(p, digits, n, at - 1);
	return (size_t)(p - o);
}

/*
 * The upper 128 bits of digits * 10^exponent, digits normalised.  The lower
 * half of the power counts only where it can carry into the bits that are kept.
 */
static u128 product(uint64_t digits, int exponent)
{
	struct ks_pow10 g = ks_pow10[exponent - KS_POW10_LOW];
	u128 x = (u128)g.high * digits;

	/* Rounded up, so that a division by 5^27 at most that has no rest shows none. */
	g.low += exponent < 0 && exponent >= -27;
	if (((uint64_t)(x >> 64) & 0x1ff) == 0x1ff)
		x += (uint64_t)(((u128)g.low * digits) >> 64);
	return x;
}

/*
 * The bits of the double nearest to digits * 10^exponent, digits > 0.
 * Source: D. Lemire, "Number Parsing at a Gigabyte per Second", 2021, and
 * N. Mushtak and D. Lemire, "Fast Number Parsing Without Fallback", 2023.
 */
static uint64_t nearest(uint64_t digits, int exponent)
{
	int zeros = __builtin_clzll(digits), upper, power;
	uint64_t high, low, m;
	u128 x;

	if (exponent < KS_POW10_LOW)
		return 0;
	if (exponent > 308)
		return bits_of(INFINITY);
	x = product(digits << zeros, exponent);
	high = (uint64_t)(x >> 64);
	low = (uint64_t)x;
	upper = (int)(high >> 63);
	m = high >> (upper + 9);	/* 54 bits: one more than a double has */
	power = floor_log2_pow10(exponent) + 63 + upper - zeros + 1023;
	if (power <= 0) {
		if (power <= -63)
			return 0;
		m >>= 1 - power;
		m = (m + (m & 1)) >> 1;
		return m;		/* where it has grown to 2^52 it is normal, and its bits say so */
	}
	/* Exactly between two doubles, which only these exponents allow: to the even one. */
	if (low <= 1 && exponent >= -4 && exponent <= 23 && (m & 3) == 1 &&
	    m << (upper + 9) == high)
		m--;
	m = (m + (m & 1)) >> 1;
	if (m >= HIDDEN << 1) {
		m = HIDDEN;
		power++;
	}
	if (power >= 2047)
		return bits_of(INFINITY);
	return (m & FRACTION) | (uint64_t)power << 52;
}

/* The first 19 digits that count; false when others were cut off. */
static bool scan(const unsigned char *p, const unsigned char *end, struct decimal *out)
{
	bool whole = true, behind = false, negative;
	uint64_t digits = 0;
	int exponent = 0, e = 0, count = 0;

	for (; p < end && (*p | 0x20) != 'e'; p++) {
		if (*p == '.') {
			behind = true;
			continue;
		}
		if (count < 19) {
			digits = digits * 10 + (uint64_t)(*p - '0');
			count += digits != 0;
			exponent -= behind;
		} else {
			whole &= *p == '0';
			exponent += !behind;
		}
	}
	if (p < end) {
		negative = *++p == '-';
		if (*p == '-' || *p == '+')
			p++;
		for (; p < end; p++)
			if (e < 100000000)
				e = e * 10 + (*p - '0');
		exponent += negative ? -e : e;
	}
	*out = (struct decimal){ digits, exponent };
	return whole;
}

double ks_num_f64(const unsigned char *text, size_t n)
{
	const unsigned char *end = text + n, *p = text;
	bool negative = n > 0 && *p == '-', whole;
	struct decimal x;
	uint64_t bits;
	double d;

	whole = scan(p + negative, end, &x);
	if (x.digits == 0)
		return negative ? -0.0 : 0.0;
	/* W. Clinger: two exact doubles, one rounding. */
	if (whole && x.digits <= HIDDEN << 1 && abs(x.exponent) <= EXACT_TEN) {
		d = (double)x.digits;
		d = x.exponent < 0 ? d / exact_ten[-x.exponent] : d * exact_ten[x.exponent];
		return negative ? -d : d;
	}
	bits = nearest(x.digits, x.exponent);
	/* The digits cut off add less than one to the last: nothing, if that rounds to the same. */
	if (!whole && bits != nearest(x.digits + 1, x.exponent))
		return strtod((const char *)text, NULL);
	d = double_of(bits);
	return negative ? -d : d;
}
