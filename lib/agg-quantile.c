/* SPDX-License-Identifier: MIT */
/*
 * agg-quantile.c - quantile, median: DDSketch.
 *
 * A value is counted in the bucket of its logarithm to the base GAMMA, so
 * that what is shown for a bucket is within 1 % of each value in it; the
 * smallest and the largest value are kept as they are.  Past MOST buckets the
 * two nearest to zero of one sign become one, and values there lose their
 * bound: never while the values of one sign are within a factor of 6 * 10^17.
 *
 * Source: Masson, Rim, Lee: DDSketch, PVLDB 12 (2019).
 */
#include "agg-row.h"

#include <math.h>
#include <stdlib.h>

#define ERROR 0.01
#define GAMMA ((1 + ERROR) / (1 - ERROR))
enum { MOST = 2048 };

struct sketch {
	uint64_t count;
	double min, max;
	uint32_t buckets;		/* by key, ascending */
	uint32_t unused;
	struct ks_agg_place place;
};

/* Keys are ordered as the values are: 0 for zero, the exponent moved above 0 for positive ones, and minus that. */
struct bucket {
	int32_t key;
	uint32_t unused;
	uint64_t count;
};
enum { MIDDLE = 40000 };	/* exponents of doubles are within 37300 */

static struct sketch *sketch_at(struct ks_agg_block *b, size_t at)
{
	return (struct sketch *)(void *)(b->p + at);
}

static const char *check_quantile(const struct ks_val *values)
{
	static const char *const refused[KS_AGG_TYPES] = {
		KS_AGG_REFUSES_ALL_BUT_NUMBERS("rank"), [KS_AGG_NAN] = "cannot rank nan",
		[KS_AGG_INFINITE] = "cannot rank an infinite number",
	};

	return ks_agg_finite(values, refused);
}

static const char *set_quantile(struct ks_agg *a, const struct ks_val *v)
{
	double d = ks_val_number(v) ? ks_val_double(v) : -1;

	if (!(d >= 0 && d <= 1))
		return "which one is a number from 0 to 1";
	a->at = d;
	return NULL;
}

static int32_t key_of(double d)
{
	double n;

	if (d == 0)
		return 0;
	n = ceil(log(fabs(d)) / log(GAMMA)) + MIDDLE;
	return d < 0 ? -(int32_t)n : (int32_t)n;
}

static double value_of(int32_t key)
{
	double d;

	if (key == 0)
		return 0;
	d = 2 / (1 + GAMMA) * exp(log(GAMMA) * (abs(key) - MIDDLE));
	return key < 0 ? -d : d;
}

/* One bucket less: the two nearest to zero, on the side that has more of them, become the farther one. */
static void collapse(struct sketch *s, struct bucket *buckets)
{
	uint32_t zero, n = s->buckets, gone, into;

	for (zero = 0; zero < n && buckets[zero].key < 0; zero++)
		continue;
	if (zero > n - zero) {
		gone = zero - 1;
		into = zero - 2;
	} else {
		gone = buckets[zero].key == 0 ? zero + 1 : zero;
		into = gone + 1;
	}
	buckets[into].count += buckets[gone].count;
	memmove(&buckets[gone], &buckets[gone + 1], (n - gone - 1) * sizeof(*buckets));
	s->buckets--;
}

static int add_bucket(struct ks_agg_block *b, size_t at, int32_t key, uint64_t count)
{
	struct sketch *s = sketch_at(b, at);
	struct ks_agg_place p = s->place;
	struct bucket *buckets = (struct bucket *)(void *)(b->p + p.at);
	uint32_t low = 0, high = s->buckets, middle;
	int no;

	while (low < high) {
		middle = (low + high) / 2;
		if (buckets[middle].key < key)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < s->buckets && buckets[low].key == key) {
		buckets[low].count += count;
		return 0;
	}
	no = ks_agg_room(b, &p, s->buckets * sizeof(*buckets), (s->buckets + 1) * sizeof(*buckets));
	if (no != 0)
		return no;
	s = sketch_at(b, at);
	s->place = p;
	buckets = (struct bucket *)(void *)(b->p + p.at);
	memmove(&buckets[low + 1], &buckets[low], (s->buckets - low) * sizeof(*buckets));
	buckets[low] = (struct bucket){ .key = key, .count = count };
	if (++s->buckets > MOST)
		collapse(s, buckets);
	return 0;
}

static void note_ends(struct sketch *s, double min, double max, uint64_t count)
{
	if (s->count == 0 || min < s->min)
		s->min = min;
	if (s->count == 0 || max > s->max)
		s->max = max;
	s->count += count;
}

static int add_quantile(const struct ks_agg *a, struct ks_agg_block *b, size_t at,
    const struct ks_val *values)
{
	double d = ks_val_double(values);
	int no = add_bucket(b, at, key_of(d), 1);

	(void)a;
	if (no == 0)
		note_ends(sketch_at(b, at), d, d, 1);
	return no;
}

static int merge_quantile(const struct ks_agg *a, struct ks_agg_block *b, size_t at,
    const unsigned char *from)
{
	const struct sketch *o = (const struct sketch *)(const void *)(from + at);
	const struct bucket *buckets = (const struct bucket *)(const void *)(from + o->place.at);
	uint32_t i;
	int no = 0;

	(void)a;
	if (o->count == 0)
		return 0;
	for (i = 0; i < o->buckets && no == 0; i++)
		no = add_bucket(b, at, buckets[i].key, buckets[i].count);
	if (no == 0)
		note_ends(sketch_at(b, at), o->min, o->max, o->count);
	return no;
}

static void show(const unsigned char *block, size_t at, double which, struct ks_val *v)
{
	const struct sketch *s = (const struct sketch *)(const void *)(block + at);
	const struct bucket *bucket = (const struct bucket *)(const void *)(block + s->place.at);
	uint64_t before = 0;
	double rank;

	v->type = KS_NIL;
	if (s->count == 0)
		return;
	rank = floor(which * (double)(s->count - 1));
	while ((double)(before + bucket->count) <= rank && before + bucket->count < s->count)
		before += bucket++->count;
	v->type = KS_FLOAT;
	v->d = value_of(bucket->key);
	if (v->d < s->min || rank == 0)
		v->d = s->min;
	else if (v->d > s->max || rank == (double)(s->count - 1))
		v->d = s->max;
}

static void result_quantile(struct ks_agg *a, const unsigned char *block, size_t at, struct ks_val *v)
{
	show(block, at, a->at, v);
}

static void result_median(struct ks_agg *a, const unsigned char *block, size_t at, struct ks_val *v)
{
	(void)a;
	show(block, at, 0.5, v);
}

const struct ks_agg_row ks_agg_quantile[] = {
	{ .name = "quantile", .words = "percentile percentile_cont percentile_disc approx_percentile approx_quantile "
	    "p99 p95 p90 p999", .args = "vc", .need = 2, .like = "quantile(.ms; 0.99)", .nil = true, .parts = true, .any_order = true,
	    .size = sizeof(struct sketch), .set = set_quantile, .check = check_quantile, .add = add_quantile,
	    .merge = merge_quantile, .result = result_quantile },
	{ .name = "median", .words = "p50", .args = "v", .need = 1, .like = "median(.ms)", .nil = true, .parts = true, .any_order = true,
	    .size = sizeof(struct sketch), .check = check_quantile, .add = add_quantile, .merge = merge_quantile,
	    .result = result_median },
	{ .name = NULL },
};
