/* SPDX-License-Identifier: MIT */
/*
 * key-sort.c - a radix sort over the first 8 bytes in which keys differ.
 *
 * Keys of one stream begin alike ("S000123", "S000456"): what all share is
 * skipped, and so is each of the 8 bytes that is the same in all.  What
 * those 8 bytes do not tell apart is left to qsort.
 */
#include "key-sort.h"

#include <stdlib.h>

#define FEW 64	/* below, 8 histograms cost more than they save */

typedef struct ks_bytes key_of(const void *thing);

static int compare(const void *a, const void *b, void *arg)
{
	const struct ks_key_item *x = a, *y = b;
	key_of *const *key = arg;

	if (x->prefix != y->prefix)
		return x->prefix < y->prefix ? -1 : 1;
	return ks_bytes_cmp((*key)(x->thing), (*key)(y->thing));
}

/* How many bytes all keys begin with alike. */
static size_t common(const struct ks_key_item *items, size_t count, key_of *key)
{
	struct ks_bytes first = key(items[0].thing), k;
	size_t n = first.n, i, m;

	for (i = 1; i < count && n > 0; i++) {
		k = key(items[i].thing);
		if (k.n < n)
			n = k.n;
		for (m = 0; m < n && first.p[m] == k.p[m]; )
			m++;
		n = m;
	}
	return n;
}

static void radix(struct ks_key_item *items, size_t count)
{
	struct ks_key_item *from = items, *to = items + count, *swap;
	size_t place[8][256] = { { 0 } }, i, n, sum;
	unsigned byte;

	for (i = 0; i < count; i++)
		for (byte = 0; byte < 8; byte++)
			place[byte][items[i].prefix >> 8 * byte & 0xff]++;
	for (byte = 0; byte < 8; byte++) {
		if (place[byte][items[0].prefix >> 8 * byte & 0xff] == count)
			continue;
		for (i = 0, sum = 0; i < 256; i++) {
			n = place[byte][i];
			place[byte][i] = sum;
			sum += n;
		}
		for (i = 0; i < count; i++)
			to[place[byte][from[i].prefix >> 8 * byte & 0xff]++] = from[i];
		swap = from;
		from = to;
		to = swap;
	}
	if (from != items)
		memcpy(items, from, count * sizeof(*items));
}

/* Items of equal prefix are most often in order, where they came in order: radix keeps it. */
static void sort_rest(struct ks_key_item *items, size_t count, int (*by)(const void *a, const void *b, void *arg), void *arg)
{
	size_t i;

	for (i = 1; i < count && by(&items[i - 1], &items[i], arg) <= 0; )
		i++;
	if (i < count)
		qsort_r(items, count, sizeof(*items), by, arg);
}

void ks_key_sort_by(struct ks_key_item *items, size_t count, int (*by)(const void *a, const void *b, void *arg), void *arg)
{
	size_t i, k;

	if (count < FEW) {
		sort_rest(items, count, by, arg);
		return;
	}
	radix(items, count);
	for (i = 0; i < count; i = k) {
		for (k = i + 1; k < count && items[k].prefix == items[i].prefix; )
			k++;
		sort_rest(items + i, k - i, by, arg);
	}
}

void ks_key_sort(struct ks_key_item *items, size_t count, key_of *key)
{
	size_t from, i;

	if (count < 2)
		return;
	from = common(items, count, key);
	for (i = 0; i < count; i++)
		items[i].prefix = ks_key_prefix(key(items[i].thing), from);
	ks_key_sort_by(items, count, compare, &key);
}
