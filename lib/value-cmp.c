/* SPDX-License-Identifier: MIT */
/* value-cmp.c - jq's order over msgpack values. */
#include "value.h"

#include <math.h>
#include <stdlib.h>

double ks_val_double(const struct ks_val *v)
{
	return v->type == KS_INT ? (double)v->i : v->type == KS_UINT ? (double)v->u : v->d;
}

/* An integer against a double, exactly: a conversion to double would call 2^53 + 1 and 2^53 equal. */
static int cmp_int_double(const struct ks_val *a, double d)
{
	double t;

	if (isnan(d))
		return 1;
	if (d >= 18446744073709551616.0)
		return -1;
	if (d < -9223372036854775808.0)
		return 1;
	t = floor(d);
	if (a->type == KS_UINT || t >= 9223372036854775808.0) {
		uint64_t u = a->type == KS_UINT ? a->u : (uint64_t)a->i;
		uint64_t w;

		if (a->type == KS_INT && a->i < 0)
			return -1;
		if (t < 0)
			return 1;
		w = (uint64_t)t;
		return u < w ? -1 : u > w ? 1 : d > t ? -1 : 0;
	}
	return a->i < (int64_t)t ? -1 : a->i > (int64_t)t ? 1 : d > t ? -1 : 0;
}

static int cmp_numbers(const struct ks_val *a, const struct ks_val *b)
{
	if (a->type == KS_FLOAT && b->type == KS_FLOAT) {
		if (isnan(a->d))
			return -1;
		if (isnan(b->d))
			return 1;
		return a->d < b->d ? -1 : a->d > b->d;
	}
	if (a->type == KS_FLOAT)
		return isnan(a->d) ? -1 : -cmp_int_double(b, a->d);
	if (b->type == KS_FLOAT)
		return cmp_int_double(a, b->d);
	if (a->type != b->type)
		return a->type == KS_INT ? -1 : 1;
	if (a->type == KS_UINT)
		return a->u < b->u ? -1 : a->u > b->u;
	return a->i < b->i ? -1 : a->i > b->i;
}

/* UTF-8 keeps the order of code points under memcmp. */
static int cmp_bytes(struct ks_bytes a, struct ks_bytes b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int c = n > 0 ? memcmp(a.p, b.p, n) : 0;

	return c != 0 ? c : a.n < b.n ? -1 : a.n > b.n;
}

static void spend(uint64_t *left, uint64_t n)
{
	*left = *left > n ? *left - n : 0;
}

/* A container is walked to find its end, and once more for each container that it is in. */
static void read_known(const unsigned char **p, const unsigned char *end, struct ks_val *v, uint64_t *left)
{
	if (ks_mp_read(p, end, KS_DEPTH_CEILING, v) != KS_MP_OK)
		ks_bug("a value was compared before it was checked");
	spend(left, v->type >= KS_ARRAY ? 1 + v->b.n : 1);
}

static int cmp_arrays(struct ks_bytes a, struct ks_bytes b, uint64_t *left)
{
	const unsigned char *ae = a.p + a.n, *be = b.p + b.n;
	struct ks_head ah, bh;
	struct ks_val x, y;
	uint32_t i;
	int c;

	if (ks_mp_head(a.p, ae, &ah) != KS_MP_OK || ks_mp_head(b.p, be, &bh) != KS_MP_OK)
		ks_bug("a value was compared before it was checked");
	for (i = 0; i < ah.count && i < bh.count && *left > 0; i++) {
		read_known(&ah.body, ae, &x, left);
		read_known(&bh.body, be, &y, left);
		c = ks_val_cmp_within(&x, &y, left);
		if (c != 0)
			return c;
	}
	return *left == 0 ? 0 : ah.count < bh.count ? -1 : ah.count > bh.count;
}

/* The smallest key of a map that is above *last (NULL: the smallest of all), and its value. */
static bool next_key(struct ks_bytes map, const struct ks_bytes *last, struct ks_bytes *key,
    struct ks_val *v, uint64_t *left)
{
	struct ks_bytes above = last != NULL ? *last : ks_bytes(NULL, 0);
	const unsigned char *end = map.p + map.n;
	struct ks_head head;
	struct ks_val k, x;
	bool found = false;
	uint32_t i;

	if (ks_mp_head(map.p, end, &head) != KS_MP_OK)
		ks_bug("a value was compared before it was checked");
	for (i = 0; i < head.count; i++) {
		read_known(&head.body, end, &k, left);
		read_known(&head.body, end, &x, left);
		if (last != NULL && cmp_bytes(k.b, above) <= 0)
			continue;
		if (found && cmp_bytes(k.b, *key) >= 0)
			continue;
		found = true;
		*key = k.b;
		*v = x;
	}
	return found;
}

/* Without memory to sort in: right, but it takes the square of the members. */
static int cmp_maps_slowly(struct ks_bytes a, struct ks_bytes b, uint64_t *left)
{
	struct ks_bytes ak = { 0 }, bk = { 0 }, *al = NULL, *bl = NULL;
	bool am, bm, values;
	struct ks_val x, y;
	int c, pass;

	for (pass = 0; pass < 2; pass++, al = NULL, bl = NULL) {
		values = pass == 1;
		for (;;) {
			am = next_key(a, al, &ak, &x, left);
			bm = next_key(b, bl, &bk, &y, left);
			if (*left == 0)
				return 0;
			if (!am || !bm)
				break;
			c = values ? ks_val_cmp_within(&x, &y, left) : cmp_bytes(ak, bk);
			if (c != 0)
				return c;
			al = &ak;
			bl = &bk;
		}
		if (am != bm)
			return am ? 1 : -1;
	}
	return 0;
}

struct member {
	struct ks_bytes key;
	struct ks_val v;
};

static int cmp_members(const void *a, const void *b)
{
	return cmp_bytes(((const struct member *)a)->key, ((const struct member *)b)->key);
}

static uint32_t count_of(struct ks_bytes map)
{
	struct ks_head head;

	if (ks_mp_head(map.p, map.p + map.n, &head) != KS_MP_OK)
		ks_bug("a value was compared before it was checked");
	return head.count;
}

/* A comparison in the sort is some units, and what the keys are long. */
static void sort_members(struct ks_bytes map, struct member *m, uint64_t *left)
{
	const unsigned char *end = map.p + map.n;
	struct ks_head head;
	uint64_t bytes = 0;
	struct ks_val k;
	uint32_t i, n;

	if (ks_mp_head(map.p, end, &head) != KS_MP_OK)
		ks_bug("a value was compared before it was checked");
	for (i = 0; i < head.count; i++) {
		read_known(&head.body, end, &k, left);
		read_known(&head.body, end, &m[i].v, left);
		m[i].key = k.b;
		bytes += k.b.n;
	}
	for (n = head.count; n > 0; n /= 2)
		spend(left, 2 * (uint64_t)head.count + bytes / 128);
	qsort(m, head.count, sizeof(*m), cmp_members);
}

static int cmp_maps(struct ks_bytes a, struct ks_bytes b, uint64_t *left)
{
	uint32_t an = count_of(a), bn = count_of(b), least = an < bn ? an : bn, i;
	struct member *m = malloc(((size_t)an + bn + 1) * sizeof(*m)), *n = m + an;
	int c = 0;

	if (m == NULL)
		return cmp_maps_slowly(a, b, left);
	spend(left, 8);
	sort_members(a, m, left);
	sort_members(b, n, left);
	for (i = 0; i < least && c == 0; i++)
		c = cmp_bytes(m[i].key, n[i].key);
	if (c == 0 && an != bn)
		c = an < bn ? -1 : 1;
	for (i = 0; i < least && c == 0 && *left > 0; i++)
		c = ks_val_cmp_within(&m[i].v, &n[i].v, left);
	free(m);
	return *left > 0 ? c : 0;
}

/* A string is a run of memory. */
static int cmp_strings(struct ks_bytes a, struct ks_bytes b, uint64_t *left)
{
	spend(left, 1 + (a.n < b.n ? a.n : b.n) / 128);
	return *left > 0 ? cmp_bytes(a, b) : 0;
}

int ks_val_cmp_within(const struct ks_val *a, const struct ks_val *b, uint64_t *left)
{
	if (ks_val_number(a) && ks_val_number(b))
		return cmp_numbers(a, b);
	if (a->type != b->type)
		return a->type < b->type ? -1 : 1;
	switch (a->type) {
	case KS_STR: case KS_BIN: return cmp_strings(a->b, b->b, left);
	case KS_ARRAY: return cmp_arrays(a->b, b->b, left);
	case KS_MAP: return cmp_maps(a->b, b->b, left);
	default: return 0;
	}
}

int ks_val_cmp(const struct ks_val *a, const struct ks_val *b)
{
	uint64_t left = UINT64_MAX;

	return ks_val_cmp_within(a, b, &left);
}
