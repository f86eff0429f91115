/* SPDX-License-Identifier: MIT */
/* store.c - keyed state. */
#include "store.h"
#include "hash.h"
#include "key-sort.h"
#include "store-parts.h"

#include <errno.h>
#include <stdlib.h>

struct ks_store {
	uint64_t seed;
	struct ks_store_parts young;
};

static int no_memory(struct ks_err *err)
{
	return ks_fail_errno(err, KS_TEMP, ENOMEM, "cannot keep state");
}

int ks_store_open(struct ks_store **out, uint64_t seed, struct ks_err *err)
{
	struct ks_store *s = calloc(1, sizeof(*s));

	*out = s;
	if (s == NULL)
		return no_memory(err);
	s->seed = seed;
	return 0;
}

void ks_store_close(struct ks_store *s)
{
	if (s == NULL)
		return;
	ks_store_parts_clear(&s->young);
	free(s);
}

static struct ks_store_value value_of(struct ks_entry *e)
{
	return (struct ks_store_value){ ks_entry_value(e), e->value_n };
}

int ks_store_get(struct ks_store *s, int32_t partition, int64_t segment, struct ks_bytes key,
    struct ks_store_value *v, struct ks_err *err)
{
	struct ks_segment *g = ks_store_parts_find(&s->young, partition, segment);
	uint32_t ref;

	(void)err;	/* memory does not fail */
	*v = (struct ks_store_value){ 0 };
	ref = g != NULL ? ks_segment_find(g, key, ks_hash(key, s->seed)) : 0;
	if (ref != 0)
		*v = value_of(ks_segment_at(g, ref));
	return 0;
}

/* Make the value of an entry n bytes long: 0, no memory. */
static uint32_t lengthen(struct ks_segment *g, uint32_t ref, uint64_t hash, size_t n)
{
	struct ks_entry *e = ks_segment_at(g, ref);

	if (e->value_cap < n)
		ref = ks_segment_widen(g, ref, hash, n);
	if (ref == 0)
		return 0;
	e = ks_segment_at(g, ref);
	memset(ks_entry_value(e) + e->value_n, 0, n - e->value_n);
	e->value_n = (uint32_t)n;
	return ref;
}

int ks_store_put(struct ks_store *s, int32_t partition, int64_t segment, struct ks_bytes key,
    size_t n, struct ks_store_value *v, struct ks_err *err)
{
	struct ks_segment *g = ks_store_parts_make(&s->young, partition, segment);
	uint64_t hash = ks_hash(key, s->seed);
	uint32_t ref;

	if (g == NULL)
		return no_memory(err);
	ref = ks_segment_find(g, key, hash);
	if (KS_UNLIKELY(ref == 0))
		ref = ks_segment_make(g, key, hash, n);
	if (ref != 0 && ks_segment_at(g, ref)->value_n < n)
		ref = lengthen(g, ref, hash, n);
	if (ref == 0)
		return no_memory(err);
	ks_segment_touch(g, ref);
	*v = value_of(ks_segment_at(g, ref));
	return 0;
}

int ks_store_delete(struct ks_store *s, int32_t partition, int64_t segment, struct ks_bytes key,
    struct ks_err *err)
{
	struct ks_segment *g = ks_store_parts_find(&s->young, partition, segment);
	uint64_t hash = ks_hash(key, s->seed);
	uint32_t ref;

	(void)err;
	ref = g != NULL ? ks_segment_find(g, key, hash) : 0;
	if (ref != 0)
		ks_segment_remove(g, ref, hash);
	return 0;
}

bool ks_store_next_segment(const struct ks_store *s, int32_t partition, int64_t after, int64_t *segment)
{
	return ks_store_parts_next(&s->young, partition, after, segment);
}

bool ks_store_oldest(const struct ks_store *s, int32_t partition, int64_t *segment)
{
	return ks_store_next_segment(s, partition, KS_STORE_META, segment);
}

void ks_store_drop(struct ks_store *s, int32_t partition, int64_t segment)
{
	ks_store_parts_drop(&s->young, partition, segment);
}

static struct ks_bytes key_of(const void *thing)
{
	return ks_entry_key(thing);
}

int ks_store_scan_begin(const struct ks_store *s, int32_t partition, int64_t segment,
    struct ks_store_scan *scan, struct ks_err *err)
{
	const struct ks_segment *g = ks_store_parts_find(&s->young, partition, segment);
	struct ks_segment_walk walk = { 0 };
	struct ks_entry *e;

	*scan = (struct ks_store_scan){ 0 };
	if (g == NULL || g->count == 0)
		return 0;
	scan->items = reallocarray(NULL, g->count, 2 * sizeof(*scan->items));
	if (scan->items == NULL)
		return no_memory(err);
	while ((e = ks_segment_next(g, &walk, false)) != NULL)
		scan->items[scan->n++].thing = e;
	ks_key_sort(scan->items, scan->n, key_of);
	return 0;
}

bool ks_store_scan_next(struct ks_store_scan *scan, struct ks_bytes *key, struct ks_store_value *v)
{
	struct ks_entry *e;

	if (scan->at == scan->n)
		return false;
	e = (struct ks_entry *)(uintptr_t)scan->items[scan->at++].thing;
	*key = ks_entry_key(e);
	*v = value_of(e);
	return true;
}

void ks_store_scan_end(struct ks_store_scan *scan)
{
	free(scan->items);
	scan->items = NULL;
}
