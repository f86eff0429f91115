/* SPDX-License-Identifier: MIT */
/*
 * agg-distinct.c - distinct: how many different values there were.
 *
 * Up to EXACT values their hashes are kept in order; two of a thousand
 * values share one of 64 bits once in 10^13 windows.  Beyond, HyperLogLog:
 * 2^14 registers of the longest run of zeros, whose standard error is
 * 1.04 / sqrt(2^14) = 0.81 %, whatever was added in what order.
 *
 * Sources: Flajolet et al., HyperLogLog (2007); the estimate is that of
 * O. Ertl, New cardinality estimation algorithms for HyperLogLog sketches
 * (2017), which is good from small to large without tables.
 */
#include "agg-row.h"
#include "hash.h"

#include <math.h>

enum { EXACT = 1000, BITS = 14, REGISTERS = 1 << BITS, RANKS = 64 - BITS + 2 };

struct distinct {
	uint32_t count;			/* hashes, ascending; EXACT + 1: the place is a sketch */
	uint32_t unused;
	struct ks_agg_place place;
};

struct sketch {
	uint16_t of_rank[RANKS];	/* how many registers hold it */
	uint8_t rank[REGISTERS];
};

static struct distinct *distinct_at(struct ks_agg_block *b, size_t at)
{
	return (struct distinct *)(void *)(b->p + at);
}

static void set_rank(struct sketch *s, uint32_t i, uint8_t rank)
{
	if (rank <= s->rank[i])
		return;
	s->of_rank[s->rank[i]]--;
	s->of_rank[rank]++;
	s->rank[i] = rank;
}

static void add_hash(struct sketch *s, uint64_t hash)
{
	uint64_t rest = hash << BITS | UINT64_C(1) << (BITS - 1);

	set_rank(s, (uint32_t)(hash >> (64 - BITS)), (uint8_t)(__builtin_clzll(rest) + 1));
}

/* From hashes to registers. */
static int widen(struct ks_agg_block *b, size_t at)
{
	struct ks_agg_place p = distinct_at(b, at)->place;
	uint64_t hashes[EXACT];
	uint32_t n = distinct_at(b, at)->count, i;
	struct sketch *s;
	int no;

	if (n > 0)
		memcpy(hashes, b->p + p.at, n * sizeof(hashes[0]));
	no = ks_agg_room(b, &p, n * sizeof(hashes[0]), sizeof(*s));
	if (no != 0)
		return no;
	distinct_at(b, at)->place = p;
	distinct_at(b, at)->count = EXACT + 1;
	s = (struct sketch *)(void *)(b->p + p.at);
	memset(s, 0, sizeof(*s));
	s->of_rank[0] = REGISTERS;
	for (i = 0; i < n; i++)
		add_hash(s, hashes[i]);
	return 0;
}

static int add_one(struct ks_agg_block *b, size_t at, uint64_t hash)
{
	struct distinct *d = distinct_at(b, at);
	struct ks_agg_place p = d->place;
	uint64_t *hashes = (uint64_t *)(void *)(b->p + p.at);
	uint32_t low = 0, high = d->count, middle;
	int no;

	if (d->count <= EXACT) {
		while (low < high) {
			middle = (low + high) / 2;
			if (hashes[middle] < hash)
				low = middle + 1;
			else
				high = middle;
		}
		if (low < d->count && hashes[low] == hash)
			return 0;
		if (d->count < EXACT) {
			no = ks_agg_room(b, &p, d->count * sizeof(hash), (d->count + 1) * sizeof(hash));
			if (no != 0)
				return no;
			d = distinct_at(b, at);
			d->place = p;
			hashes = (uint64_t *)(void *)(b->p + p.at);
			memmove(hashes + low + 1, hashes + low, (d->count - low) * sizeof(hash));
			hashes[low] = hash;
			d->count++;
			return 0;
		}
		no = widen(b, at);
		if (no != 0)
			return no;
	}
	add_hash((struct sketch *)(void *)(b->p + distinct_at(b, at)->place.at), hash);
	return 0;
}

static int add_distinct(const struct ks_agg *a, struct ks_agg_block *b, size_t at,
    const struct ks_val *values)
{
	(void)a;
	return add_one(b, at, ks_agg_hash(values));
}

static int merge_distinct(const struct ks_agg *a, struct ks_agg_block *b, size_t at,
    const unsigned char *from)
{
	const struct distinct *o = (const struct distinct *)(const void *)(from + at);
	const unsigned char *place = from + o->place.at;
	struct sketch *s;
	uint32_t i;
	int no = 0;

	(void)a;
	if (o->count <= EXACT) {
		for (i = 0; i < o->count && no == 0; i++)
			no = add_one(b, at, ((const uint64_t *)(const void *)place)[i]);
		return no;
	}
	if (distinct_at(b, at)->count <= EXACT)
		no = widen(b, at);
	if (no != 0)
		return no;
	s = (struct sketch *)(void *)(b->p + distinct_at(b, at)->place.at);
	for (i = 0; i < REGISTERS; i++)
		set_rank(s, i, ((const struct sketch *)(const void *)place)->rank[i]);
	return 0;
}

/* Ertl's sigma and tau. */
static double sigma(double x)
{
	double y = 1, z = x, before;

	if (x == 1)
		return INFINITY;
	do {
		x *= x;
		before = z;
		z += x * y;
		y += y;
	} while (z > before);
	return z;
}

static double tau(double x)
{
	double y = 1, z = 1 - x, before;

	if (x == 0 || x == 1)
		return 0;
	do {
		x = sqrt(x);
		before = z;
		y /= 2;
		z -= (1 - x) * (1 - x) * y;
	} while (z < before);
	return z / 3;
}

static void result_distinct(struct ks_agg *a, const unsigned char *block, size_t at, struct ks_val *v)
{
	const struct distinct *d = (const struct distinct *)(const void *)(block + at);
	const struct sketch *s = (const struct sketch *)(const void *)(block + d->place.at);
	double z;
	int k;

	(void)a;
	v->type = KS_INT;
	v->i = d->count;
	if (d->count <= EXACT)
		return;
	z = REGISTERS * tau(1 - (double)s->of_rank[RANKS - 1] / REGISTERS);
	for (k = RANKS - 2; k >= 1; k--)
		z = 0.5 * (z + s->of_rank[k]);
	z += REGISTERS * sigma((double)s->of_rank[0] / REGISTERS);
	v->i = llround(0.5 / M_LN2 * REGISTERS * REGISTERS / z);
}

/*
 * Equal numbers hash alike: a whole float as the integer it is.  The members
 * of an object are added up, so that their order is nothing.
 */
static uint64_t hash_bytes(enum ks_type type, const void *p, size_t n)
{
	return ks_hash(ks_bytes(p, n), (uint64_t)type);
}

static uint64_t hash_scalar(const struct ks_val *v)
{
	uint64_t bits = v->u;
	enum ks_type type = v->type;

	if (v->type < KS_INT)
		return hash_bytes(v->type, NULL, 0);
	if (v->type == KS_FLOAT && v->d == floor(v->d) && v->d >= -0x1p63 && v->d < 0x1p64) {
		type = v->d < 0x1p63 ? KS_INT : KS_UINT;
		bits = type == KS_INT ? (uint64_t)(int64_t)v->d : (uint64_t)v->d;
	}
	return hash_bytes(type, &bits, sizeof(bits));
}

static uint64_t hash_next(const unsigned char **p, const unsigned char *end);

static uint64_t hash_container(const unsigned char **p, const unsigned char *end,
    const struct ks_head *head)
{
	uint64_t pair[2] = { head->count, 0 }, sum = 0;
	uint32_t i;

	*p = head->body;
	for (i = 0; i < head->count; i++) {
		if (head->type == KS_ARRAY) {
			pair[1] = hash_next(p, end);
			pair[0] = hash_bytes(KS_ARRAY, pair, sizeof(pair));
		} else {
			pair[0] = hash_next(p, end);
			pair[1] = hash_next(p, end);
			sum += hash_bytes(KS_MAP, pair, sizeof(pair));
		}
	}
	if (head->type == KS_ARRAY)
		sum = pair[0];
	return hash_bytes(head->type, &sum, sizeof(sum));
}

static uint64_t hash_next(const unsigned char **p, const unsigned char *end)
{
	struct ks_head head;
	struct ks_val v;

	if (*p >= end || ks_mp_head(*p, end, &head) != KS_MP_OK)
		ks_bug("a value that was not checked");
	if (head.type >= KS_ARRAY)
		return hash_container(p, end, &head);
	if (ks_mp_read(p, end, 0, &v) != KS_MP_OK)
		ks_bug("a value that was not checked");
	return ks_agg_hash(&v);
}

uint64_t ks_agg_hash(const struct ks_val *v)
{
	const unsigned char *p = v->b.p;

	if (v->type < KS_STR)
		return hash_scalar(v);
	if (v->type < KS_ARRAY)
		return hash_bytes(v->type, v->b.p, v->b.n);
	return hash_next(&p, v->b.p + v->b.n);
}

const struct ks_agg_row ks_agg_distinct[] = {
	{ .name = "distinct", .words = "unique nunique uniq count_distinct countdistinct approx_count_distinct "
	    "cardinality hll", .args = "v", .need = 1, .like = "distinct(.user)", .parts = true, .any_order = true,
	    .size = sizeof(struct distinct), .add = add_distinct, .merge = merge_distinct, .result = result_distinct },
	{ .name = NULL },
};
