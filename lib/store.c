/* SPDX-License-Identifier: MIT */
/*
 * store.c - state in memory: a hash table for each segment.
 *
 * Entries stand in blocks, which are never moved or freed one by one; a
 * slot of the table is 8 bytes, so that a table of a million keys is 16 MiB
 * at most.  A value that outgrows its room moves to the end of the last
 * block, where it is given half as much again; what it leaves is lost until
 * the segment is dropped, at most as much as is in use.
 */
#include "store.h"
#include "hash.h"
#include "key-sort.h"

#include <errno.h>
#include <stdlib.h>

#define UNIT 8				/* entries are aligned to it, references count in it */
#define BLOCK_FIRST ((size_t)256)	/* a window may have one key */
#define BLOCK_MAX ((size_t)64 << 10)
#define BLOCK_SHIFT 13			/* units of a block of the maximum */
#define SLOTS_FIRST 8

struct slot {
	uint32_t ref;		/* 1 + (block << BLOCK_SHIFT | unit); 0: free */
	uint32_t tag;		/* low half of the hash */
};

/* Behind it the key, then at the next multiple of 8 value_cap bytes of value. */
struct entry {
	uint32_t key_n;
	uint32_t value_n;
	uint32_t value_cap;
	unsigned char key[];
};

struct segment {
	int64_t id;
	struct slot *slots;
	size_t slot_count;	/* a power of two */
	size_t count;
	unsigned char **blocks;
	size_t block_count, block_cap;
	size_t fill;		/* the block that is being filled; others may be larger than the maximum */
	size_t used, cap;	/* of that block */
};

struct part {
	int32_t partition;
	/*
	 * By id, from segments[first] on: there is room at both ends, since
	 * the oldest goes and the newest comes, and late ones come anywhere.
	 */
	struct segment **segments;
	size_t first, count, cap;
};

struct ks_store {
	uint64_t seed;
	struct part *parts;	/* by partition */
	size_t count, cap;
	int32_t last_partition;	/* where the last call was: so will be the next */
	struct segment *last;	/* NULL: nowhere */
};

/* Make room for one more element of an array: 0 or ENOMEM. */
static int more(void *array, size_t count, size_t *cap, size_t size)
{
	size_t n = *cap == 0 ? 4 : *cap * 2;
	void *p;

	if (count < *cap)
		return 0;
	memcpy(&p, array, sizeof(p));
	p = reallocarray(p, n, size);
	if (p == NULL)
		return ENOMEM;
	memcpy(array, &p, sizeof(p));
	*cap = n;
	return 0;
}

static inline size_t round_up(size_t n)
{
	return (n + UNIT - 1) & ~(size_t)(UNIT - 1);
}

static inline size_t value_place(const struct entry *e)
{
	return round_up(sizeof(*e) + e->key_n);
}

static inline struct entry *entry_at(const struct segment *g, uint32_t ref)
{
	unsigned char *block = g->blocks[(ref - 1) >> BLOCK_SHIFT];

	return (struct entry *)(void *)(block + UNIT * (size_t)((ref - 1) & ((1u << BLOCK_SHIFT) - 1)));
}

static inline struct ks_store_value value_of(struct entry *e)
{
	return (struct ks_store_value){ (unsigned char *)e + value_place(e), e->value_n };
}

/* n bytes in a block: a reference to them, or 0 without memory. */
static uint32_t take(struct segment *g, size_t n)
{
	size_t block = g->fill, at = g->used, cap;
	unsigned char *p;

	n = round_up(n);
	if (g->cap - g->used < n || g->cap == 0) {
		if (more(&g->blocks, g->block_count, &g->block_cap, sizeof(*g->blocks)) != 0 ||
		    g->block_count >= UINT32_MAX >> BLOCK_SHIFT)
			return 0;
		cap = g->cap == 0 ? BLOCK_FIRST : g->cap * 2;
		if (cap > BLOCK_MAX)
			cap = BLOCK_MAX;
		if (cap < n)
			cap = n;
		p = malloc(cap);
		if (p == NULL)
			return 0;
		block = g->block_count++;
		g->blocks[block] = p;
		at = 0;
		if (cap > BLOCK_MAX)	/* its own block: go on filling the other */
			return 1 + (uint32_t)(block << BLOCK_SHIFT);
		g->fill = block;
		g->cap = cap;
	}
	g->used = at + n;
	return 1 + (uint32_t)(block << BLOCK_SHIFT | at / UNIT);
}

static void segment_free(struct segment *g)
{
	size_t i;

	for (i = 0; i < g->block_count; i++)
		free(g->blocks[i]);
	free(g->blocks);
	free(g->slots);
	free(g);
}

static struct segment *segment_new(int64_t id)
{
	struct segment *g = calloc(1, sizeof(*g));

	if (g == NULL)
		return NULL;
	g->id = id;
	g->slot_count = SLOTS_FIRST;
	g->slots = calloc(g->slot_count, sizeof(*g->slots));
	if (g->slots == NULL) {
		free(g);
		return NULL;
	}
	return g;
}

/* The slot of a key, or the free one where it belongs. */
static struct slot *find_slot(const struct segment *g, struct ks_bytes key, uint32_t tag)
{
	size_t mask = g->slot_count - 1, i;
	struct entry *e;

	for (i = tag & mask; g->slots[i].ref != 0; i = (i + 1) & mask) {
		if (g->slots[i].tag != tag)
			continue;
		e = entry_at(g, g->slots[i].ref);
		if (e->key_n == key.n && memcmp(e->key, key.p, key.n) == 0)
			break;
	}
	return &g->slots[i];
}

/* Keep a quarter of the slots free: searches stay short, and an entry costs 11 to 22 bytes. */
static int grow_slots(struct segment *g)
{
	size_t count = g->slot_count * 2, i, k;
	struct slot *slots;

	if (g->count < g->slot_count / 4 * 3)
		return 0;
	if (count > UINT32_MAX)
		return ENOMEM;
	slots = calloc(count, sizeof(*slots));
	if (slots == NULL)
		return ENOMEM;
	for (i = 0; i < g->slot_count; i++) {
		if (g->slots[i].ref == 0)
			continue;
		for (k = g->slots[i].tag & (count - 1); slots[k].ref != 0; )
			k = (k + 1) & (count - 1);
		slots[k] = g->slots[i];
	}
	free(g->slots);
	g->slots = slots;
	g->slot_count = count;
	return 0;
}

static struct part *find_part(const struct ks_store *s, int32_t partition, size_t *at)
{
	size_t low = 0, high = s->count, middle;

	while (low < high) {
		middle = (low + high) / 2;
		if (s->parts[middle].partition < partition)
			low = middle + 1;
		else
			high = middle;
	}
	*at = low;
	return low < s->count && s->parts[low].partition == partition ? &s->parts[low] : NULL;
}

static struct segment *at_index(const struct part *part, size_t i)
{
	return part->segments[part->first + i];
}

/* Make room for a segment at index at, moving whichever side is shorter: 0 or ENOMEM. */
static int open_gap(struct part *part, size_t at)
{
	bool front = at < part->count / 2;
	struct segment **wider;
	size_t cap, first;

	if (front ? part->first == 0 : part->first + part->count == part->cap) {
		cap = part->count < 8 ? 16 : part->count * 2;
		first = (cap - part->count) / 2;
		wider = reallocarray(NULL, cap, sizeof(*wider));
		if (wider == NULL)
			return ENOMEM;
		if (part->count > 0)
			memcpy(wider + first, part->segments + part->first, part->count * sizeof(*wider));
		free(part->segments);
		part->segments = wider;
		part->first = first;
		part->cap = cap;
	}
	wider = part->segments + part->first;
	if (front) {
		memmove(wider - 1, wider, at * sizeof(*wider));
		part->first--;
	} else {
		memmove(wider + at + 1, wider + at, (part->count - at) * sizeof(*wider));
	}
	part->count++;
	return 0;
}

static void close_gap(struct part *part, size_t at)
{
	struct segment **all = part->segments + part->first;

	part->count--;
	if (at < part->count / 2 || at == 0) {
		memmove(all + 1, all, at * sizeof(*all));
		part->first++;
	} else {
		memmove(all + at, all + at + 1, (part->count - at) * sizeof(*all));
	}
}

static struct segment *find_in_part(const struct part *part, int64_t id, size_t *at)
{
	size_t low = 0, high = part->count, middle;

	while (low < high) {
		middle = (low + high) / 2;
		if (at_index(part, middle)->id < id)
			low = middle + 1;
		else
			high = middle;
	}
	*at = low;
	return low < part->count && at_index(part, low)->id == id ? at_index(part, low) : NULL;
}

static struct segment *find_segment(const struct ks_store *s, int32_t partition, int64_t id)
{
	struct part *part;
	size_t at;

	if (KS_LIKELY(s->last != NULL && s->last->id == id && s->last_partition == partition))
		return s->last;
	part = find_part(s, partition, &at);
	return part == NULL ? NULL : find_in_part(part, id, &at);
}

static struct part *make_part(struct ks_store *s, int32_t partition)
{
	struct part *part;
	size_t at;

	part = find_part(s, partition, &at);
	if (part != NULL)
		return part;
	if (more(&s->parts, s->count, &s->cap, sizeof(*s->parts)) != 0)
		return NULL;
	memmove(s->parts + at + 1, s->parts + at, (s->count - at) * sizeof(*s->parts));
	s->count++;
	s->parts[at] = (struct part){ .partition = partition };
	return &s->parts[at];
}

static struct segment *make_segment(struct ks_store *s, int32_t partition, int64_t id)
{
	struct part *part = make_part(s, partition);
	struct segment *g;
	size_t at;

	if (part == NULL)
		return NULL;
	g = find_in_part(part, id, &at);
	if (g != NULL)
		return g;
	g = segment_new(id);
	if (g == NULL)
		return NULL;
	if (open_gap(part, at) != 0) {
		segment_free(g);
		return NULL;
	}
	part->segments[part->first + at] = g;
	return g;
}

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
	size_t i, k;

	if (s == NULL)
		return;
	for (i = 0; i < s->count; i++) {
		for (k = 0; k < s->parts[i].count; k++)
			segment_free(at_index(&s->parts[i], k));
		free(s->parts[i].segments);
	}
	free(s->parts);
	free(s);
}

int ks_store_get(struct ks_store *s, int32_t partition, int64_t segment, struct ks_bytes key,
    struct ks_store_value *v, struct ks_err *err)
{
	struct segment *g = find_segment(s, partition, segment);
	struct slot *slot;

	(void)err;	/* memory does not fail */
	*v = (struct ks_store_value){ 0 };
	if (g == NULL)
		return 0;
	slot = find_slot(g, key, (uint32_t)ks_hash(key, s->seed));
	if (slot->ref != 0)
		*v = value_of(entry_at(g, slot->ref));
	return 0;
}

static struct entry *make_entry(struct segment *g, struct ks_bytes key, size_t value_cap,
    uint32_t *ref)
{
	size_t place = round_up(sizeof(struct entry) + key.n);
	struct entry *e;

	if (key.n > UINT32_MAX / 4 || value_cap > UINT32_MAX / 4 * 3)
		return NULL;
	value_cap = round_up(value_cap);
	*ref = take(g, place + value_cap);
	if (*ref == 0)
		return NULL;
	e = entry_at(g, *ref);
	e->key_n = (uint32_t)key.n;
	e->value_n = 0;
	e->value_cap = (uint32_t)value_cap;
	if (key.n > 0)
		memcpy(e->key, key.p, key.n);
	return e;
}

/* A longer value: where it stands, if it stands last in its block, or else in a new place. */
static struct entry *widen(struct segment *g, struct slot *slot, struct entry *e, size_t n)
{
	unsigned char *end = (unsigned char *)e + value_place(e) + e->value_cap;
	size_t extra = round_up(n) - e->value_cap;
	struct entry *old = e;
	uint32_t ref;

	if (end == g->blocks[g->fill] + g->used && g->cap - g->used >= extra) {
		g->used += extra;
		e->value_cap += (uint32_t)extra;
		return e;
	}
	e = make_entry(g, ks_bytes(old->key, old->key_n), n + n / 2, &ref);
	if (e == NULL)
		return NULL;
	memcpy((unsigned char *)e + value_place(e), (unsigned char *)old + value_place(old),
	    old->value_n);
	e->value_n = old->value_n;
	slot->ref = ref;
	return e;
}

int ks_store_put(struct ks_store *s, int32_t partition, int64_t segment, struct ks_bytes key,
    size_t n, struct ks_store_value *v, struct ks_err *err)
{
	struct segment *g = find_segment(s, partition, segment);
	uint32_t tag = (uint32_t)ks_hash(key, s->seed), ref;
	struct slot *slot;
	struct entry *e;

	if (g == NULL)
		g = make_segment(s, partition, segment);
	if (g == NULL)
		return no_memory(err);
	s->last = g;
	s->last_partition = partition;
	slot = find_slot(g, key, tag);
	if (KS_LIKELY(slot->ref != 0)) {
		e = entry_at(g, slot->ref);
	} else {
		if (grow_slots(g) != 0)
			return no_memory(err);
		e = make_entry(g, key, n, &ref);
		if (e == NULL)
			return no_memory(err);
		*find_slot(g, key, tag) = (struct slot){ ref, tag };
		g->count++;
	}
	if (e->value_n < n) {
		if (e->value_cap < n)
			e = widen(g, slot, e, n);
		if (e == NULL)
			return no_memory(err);
		memset((unsigned char *)e + value_place(e) + e->value_n, 0, n - e->value_n);
		e->value_n = (uint32_t)n;
	}
	*v = value_of(e);
	return 0;
}

bool ks_store_oldest(const struct ks_store *s, int32_t partition, int64_t *segment)
{
	struct part *part;
	size_t at;

	part = find_part(s, partition, &at);
	if (part == NULL || part->count == 0)
		return false;
	*segment = at_index(part, 0)->id;
	return true;
}

void ks_store_drop(struct ks_store *s, int32_t partition, int64_t segment)
{
	struct segment *g;
	struct part *part;
	size_t at;

	part = find_part(s, partition, &at);
	if (part == NULL)
		return;
	g = find_in_part(part, segment, &at);
	if (g == NULL)
		return;
	if (g == s->last)
		s->last = NULL;
	close_gap(part, at);
	segment_free(g);
}

static struct ks_bytes key_of(const void *thing)
{
	const struct entry *e = thing;

	return ks_bytes(e->key, e->key_n);
}

int ks_store_scan_begin(const struct ks_store *s, int32_t partition, int64_t segment,
    struct ks_store_scan *scan, struct ks_err *err)
{
	const struct segment *g = find_segment(s, partition, segment);
	size_t i;

	*scan = (struct ks_store_scan){ 0 };
	if (g == NULL || g->count == 0)
		return 0;
	scan->items = reallocarray(NULL, g->count, 2 * sizeof(*scan->items));
	if (scan->items == NULL)
		return no_memory(err);
	for (i = 0; i < g->slot_count; i++)
		if (g->slots[i].ref != 0)
			scan->items[scan->n++].thing = entry_at(g, g->slots[i].ref);
	ks_key_sort(scan->items, scan->n, key_of);
	return 0;
}

bool ks_store_scan_next(struct ks_store_scan *scan, struct ks_bytes *key, struct ks_store_value *v)
{
	const struct entry *e;

	if (scan->at == scan->n)
		return false;
	e = scan->items[scan->at++].thing;
	*key = ks_bytes(e->key, e->key_n);
	*v = (struct ks_store_value){ (unsigned char *)(uintptr_t)e + value_place(e), e->value_n };
	return true;
}

void ks_store_scan_end(struct ks_store_scan *scan)
{
	free(scan->items);
	scan->items = NULL;
}
