/* SPDX-License-Identifier: MIT */
/* store-segment.c - a segment of a store: a hash table over blocks of entries. */
#include "store-segment.h"

#include <errno.h>
#include <stdlib.h>

#include "store-slab.h"

#define UNIT KS_ENTRY_UNIT
#define BLOCK_FIRST ((size_t)256)	/* a window may have one key */
#define BLOCK_MAX ((size_t)UNIT << KS_BLOCK_SHIFT)
#define SLAB_FROM ((size_t)8 << 20)	/* bytes of a segment whose blocks stand in slabs: so a quarter of it is empty at most */
#define SLOTS_FIRST 8
#define EXACT 64u			/* classes of sizes: one for each up to 64 units, */
#define CLASSES (EXACT + 7)		/* then one for each power of two up to BLOCK_MAX */

static struct ks_entry *in_block(const struct ks_entry_block *b, size_t at)
{
	return (struct ks_entry *)(void *)(b->p + at);
}

/* A power of two. */
static struct ks_entry_slot *make_slots(size_t count)
{
	size_t n = count * sizeof(struct ks_entry_slot);

	return n >= KS_SLAB ? ks_slab_new(n) : calloc(count, sizeof(struct ks_entry_slot));
}

static void free_slots(struct ks_entry_slot *slots, size_t count)
{
	if (count * sizeof(*slots) >= KS_SLAB)
		ks_slab_free(slots, count * sizeof(*slots));
	else
		free(slots);
}

struct ks_segment *ks_segment_new(int64_t id)
{
	struct ks_segment *g = calloc(1, sizeof(*g));

	if (g == NULL)
		return NULL;
	g->id = id;
	g->slot_count = SLOTS_FIRST;
	g->slots = make_slots(g->slot_count);
	if (g->slots == NULL) {
		free(g);
		return NULL;
	}
	g->bytes = sizeof(*g) + g->slot_count * sizeof(*g->slots);
	return g;
}

void ks_segment_free(struct ks_segment *g)
{
	size_t i;

	for (i = 0; i < g->block_count; i++)
		if (g->blocks[i].slab && (uintptr_t)g->blocks[i].p % KS_SLAB == 0)
			ks_slab_free(g->blocks[i].p, KS_SLAB);	/* the first of one */
		else if (!g->blocks[i].slab)
			free(g->blocks[i].p);
	free(g->blocks);
	free(g->spare);
	free_slots(g->slots, g->slot_count);
	free(g);
}

/* Make room for one more block: 0 or ENOMEM. */
static int more_blocks(struct ks_segment *g)
{
	size_t n = g->block_cap == 0 ? 2 : g->block_cap * 2;
	struct ks_entry_block *p;

	if (g->block_count < g->block_cap)
		return 0;
	if (g->block_count >= UINT32_MAX >> KS_BLOCK_SHIFT)
		return ENOMEM;
	p = reallocarray(g->blocks, n, sizeof(*p));
	if (p == NULL)
		return ENOMEM;
	g->bytes += (n - g->block_cap) * sizeof(*p);
	g->blocks = p;
	g->block_cap = n;
	return 0;
}

static size_t class_of(size_t n)
{
	size_t units = n / UNIT;

	return units < EXACT ? units : EXACT + 58 - (size_t)__builtin_clzll(units);	/* 64 to 127: EXACT + 1 */
}

/* What an entry of that size has left: a reference, or 0.  Of the larger ones only the first of its class is looked at. */
static uint32_t take_spare(struct ks_segment *g, size_t n)
{
	uint32_t ref;

	if (g->spare == NULL || n > BLOCK_MAX)
		return 0;
	ref = g->spare[class_of(n)];
	if (ref == 0 || ks_entry_size(ks_segment_at(g, ref)) != n)
		return 0;
	g->spare[class_of(n)] = ks_segment_at(g, ref)->stamp;
	return ref;
}

/* Without memory for the list the room is lost until the segment is dropped. */
static void leave_spare(struct ks_segment *g, struct ks_entry *e, uint32_t ref)
{
	struct ks_entry_block *b = &g->blocks[(ref - 1) >> KS_BLOCK_SHIFT];
	size_t n = ks_entry_size(e);

	if (n > BLOCK_MAX) {	/* it had a block of its own */
		free(b->p);
		*b = (struct ks_entry_block){ 0 };
		g->bytes -= n;
		return;
	}
	e->free = 1;
	e->changed = 0;
	if (g->spare == NULL) {
		g->spare = calloc(CLASSES, sizeof(*g->spare));
		if (g->spare == NULL)
			return;
		g->bytes += CLASSES * sizeof(*g->spare);
	}
	e->stamp = g->spare[class_of(n)];
	g->spare[class_of(n)] = ref;
}

/* Memory of a block: of a slab where the segment is large, and all of the slab is counted with its first. */
static unsigned char *make_block(struct ks_segment *g, size_t cap, bool *slab)
{
	unsigned char *p;

	*slab = cap == BLOCK_MAX && g->bytes >= SLAB_FROM;
	if (*slab && g->slab_left == 0) {
		g->slab = ks_slab_new(KS_SLAB);
		g->slab_left = g->slab != NULL ? KS_SLAB : 0;
		g->bytes += g->slab_left;
		*slab = g->slab != NULL;
	}
	if (!*slab) {
		p = malloc(cap);
		g->bytes += p != NULL ? cap : 0;
		return p;
	}
	p = g->slab + (KS_SLAB - g->slab_left);
	g->slab_left -= cap;
	return p;
}

/* n bytes, a multiple of 8, in a block: a reference to them, or 0 without memory. */
static uint32_t take(struct ks_segment *g, size_t n)
{
	uint32_t ref = take_spare(g, n);
	size_t block = g->fill, at, cap;
	unsigned char *p;
	bool slab;

	if (ref != 0)
		return ref;
	if (g->cap == 0 || g->cap - g->blocks[block].used < n) {
		if (more_blocks(g) != 0)
			return 0;
		cap = g->cap == 0 ? BLOCK_FIRST : g->cap * 2;
		if (cap > BLOCK_MAX)
			cap = BLOCK_MAX;
		if (cap < n)
			cap = n;
		p = make_block(g, cap, &slab);
		if (p == NULL)
			return 0;
		block = g->block_count++;
		g->blocks[block] = (struct ks_entry_block){ .p = p, .slab = slab };
		if (cap <= BLOCK_MAX) {	/* a larger one is full at once: go on filling the other */
			g->fill = block;
			g->cap = cap;
		}
	}
	at = g->blocks[block].used;
	g->blocks[block].used += (uint32_t)n;
	return 1 + (uint32_t)(block << KS_BLOCK_SHIFT | at / UNIT);
}

/* The slot of a key, or the free one where it belongs. */
static struct ks_entry_slot *find_slot(const struct ks_segment *g, struct ks_bytes key, uint32_t tag)
{
	size_t mask = g->slot_count - 1, i;
	struct ks_entry *e;

	for (i = tag & mask; g->slots[i].ref != 0; i = (i + 1) & mask) {
		if (g->slots[i].tag != tag)
			continue;
		e = ks_segment_at(g, g->slots[i].ref);
		if (e->key_n == key.n && memcmp(e->key, key.p, key.n) == 0)
			break;
	}
	return &g->slots[i];
}

/* Keep a quarter of the slots free: searches stay short, and an entry costs 11 to 22 bytes. */
static int grow_slots(struct ks_segment *g)
{
	size_t count = g->slot_count * 2, i, k;
	struct ks_entry_slot *slots;

	if (g->count < g->slot_count / 4 * 3)
		return 0;
	if (count > UINT32_MAX)
		return ENOMEM;
	slots = make_slots(count);
	if (slots == NULL)
		return ENOMEM;
	for (i = 0; i < g->slot_count; i++) {
		if (g->slots[i].ref == 0)
			continue;
		for (k = g->slots[i].tag & (count - 1); slots[k].ref != 0; )
			k = (k + 1) & (count - 1);
		slots[k] = g->slots[i];
	}
	free_slots(g->slots, g->slot_count);
	g->slots = slots;
	g->bytes += (count - g->slot_count) * sizeof(*slots);
	g->slot_count = count;
	return 0;
}

uint32_t ks_segment_find(const struct ks_segment *g, struct ks_bytes key, uint64_t hash)
{
	return find_slot(g, key, (uint32_t)hash)->ref;
}

/* key_n has 29 bits; blocks count in 32. */
static uint32_t make_entry(struct ks_segment *g, struct ks_bytes key, size_t n)
{
	size_t place = ks_entry_round(sizeof(struct ks_entry) + key.n);
	struct ks_entry *e;
	uint32_t ref;

	if (key.n > KS_ENTRY_KEY_MAX || n > UINT32_MAX / 4 * 3)
		return 0;
	ref = take(g, place + ks_entry_round(n));
	if (ref == 0)
		return 0;
	e = ks_segment_at(g, ref);
	*e = (struct ks_entry){ .key_n = (uint32_t)key.n & 0x1fffffffu, .value_cap = (uint32_t)ks_entry_round(n) };
	if (key.n > 0)
		memcpy(e->key, key.p, key.n);
	return ref;
}

uint32_t ks_segment_make(struct ks_segment *g, struct ks_bytes key, uint64_t hash, size_t n)
{
	uint32_t ref;

	if (grow_slots(g) != 0)
		return 0;
	ref = make_entry(g, key, n);
	if (ref == 0)
		return 0;
	*find_slot(g, key, (uint32_t)hash) = (struct ks_entry_slot){ ref, (uint32_t)hash };
	g->count++;
	return ref;
}

/* Where it stands, if it stands last in its block, or else in a new place, with half as much again. */
uint32_t ks_segment_widen(struct ks_segment *g, uint32_t ref, uint64_t hash, size_t n)
{
	struct ks_entry *e, *old = ks_segment_at(g, ref);
	struct ks_entry_block *block = &g->blocks[(ref - 1) >> KS_BLOCK_SHIFT];
	size_t extra = ks_entry_round(n) - old->value_cap;
	uint32_t to;

	if (block == &g->blocks[g->fill] && g->cap >= block->used + extra &&
	    (unsigned char *)old + ks_entry_size(old) == block->p + block->used) {
		block->used += (uint32_t)extra;
		old->value_cap += (uint32_t)extra;
		return ref;
	}
	to = make_entry(g, ks_entry_key(old), n + n / 2);
	if (to == 0)
		return 0;
	e = ks_segment_at(g, to);
	memcpy(ks_entry_value(e), ks_entry_value(old), old->value_n);
	e->value_n = old->value_n;
	e->stamp = old->stamp;
	e->deleted = old->deleted;
	if (old->changed)
		ks_segment_touch(g, to);
	find_slot(g, ks_entry_key(old), (uint32_t)hash)->ref = to;
	leave_spare(g, old, ref);
	return to;
}

/* Slots behind it that could not stand where they belonged come forward. */
void ks_segment_remove(struct ks_segment *g, uint32_t ref, uint64_t hash)
{
	struct ks_entry *e = ks_segment_at(g, ref);
	size_t mask = g->slot_count - 1, hole, i, home;

	hole = (size_t)(find_slot(g, ks_entry_key(e), (uint32_t)hash) - g->slots);
	leave_spare(g, e, ref);
	for (i = (hole + 1) & mask; g->slots[i].ref != 0; i = (i + 1) & mask) {
		home = g->slots[i].tag & mask;
		if (((i - home) & mask) < ((i - hole) & mask))
			continue;
		g->slots[hole] = g->slots[i];
		hole = i;
	}
	g->slots[hole].ref = 0;
	g->count--;
}

struct ks_entry *ks_segment_next(const struct ks_segment *g, struct ks_segment_walk *walk, bool changed)
{
	const struct ks_entry_block *b;
	struct ks_entry *e;

	for (; walk->block < g->block_count; walk->block++, walk->at = 0) {
		b = &g->blocks[walk->block];
		while (walk->at < b->used && (b->changed || !changed)) {
			e = in_block(b, walk->at);
			walk->at += ks_entry_size(e);
			if (!e->free && (e->changed || !changed))
				return e;
		}
	}
	return NULL;
}

void ks_segment_settle(struct ks_segment *g, uint32_t stamp)
{
	struct ks_segment_walk walk = { 0 };
	struct ks_entry *e;
	size_t i;

	while ((e = ks_segment_next(g, &walk, true)) != NULL) {
		e->changed = 0;
		e->stamp = stamp;
	}
	for (i = 0; i < g->block_count; i++)
		g->blocks[i].changed = false;
	g->changed = false;
	g->written = true;
}
