/* SPDX-License-Identifier: MIT */
/*
 * store-segment.h - a segment of a store in memory: key -> entry, a hash
 * table over blocks of entries.
 *
 * Entries stand in blocks, which are never moved or freed one by one; what
 * an entry leaves when it is removed or outgrows its room is used again for
 * one of the same size.  A slot of the table is 8 bytes.
 *
 * References and pointers to entries live until the segment is freed, or
 * the entry is removed or widened.
 */
#ifndef KS_STORE_SEGMENT_H
#define KS_STORE_SEGMENT_H

#include "bytes.h"
#include "sys.h"

#define KS_ENTRY_UNIT 8			/* entries are aligned to it, references count in it */
#define KS_BLOCK_SHIFT 11		/* units of a block of usual size: small, since a commit reads each that has changed */
#define KS_ENTRY_KEY_MAX ((size_t)1 << 28)

/* Behind it the key, then at the next multiple of 8 value_cap bytes of value. */
struct ks_entry {
	uint32_t key_n : 29;
	uint32_t free : 1;	/* nobody's: may be used again; cap is still true, link is in stamp */
	uint32_t deleted : 1;	/* the key has no value, whatever older tables say */
	uint32_t changed : 1;	/* since the last commit */
	uint32_t value_n;
	uint32_t value_cap;	/* a multiple of 8 */
	uint32_t stamp;		/* of the epoch that its last commit was in; 0: none was */
	unsigned char key[];
};

static inline size_t ks_entry_round(size_t n)
{
	return (n + KS_ENTRY_UNIT - 1) & ~(size_t)(KS_ENTRY_UNIT - 1);
}

static inline unsigned char *ks_entry_value(struct ks_entry *e)
{
	return (unsigned char *)e + ks_entry_round(sizeof(*e) + e->key_n);
}

static inline size_t ks_entry_size(const struct ks_entry *e)
{
	return ks_entry_round(sizeof(*e) + e->key_n) + e->value_cap;
}

static inline struct ks_bytes ks_entry_key(const struct ks_entry *e)
{
	return ks_bytes(e->key, e->key_n);
}

struct ks_entry_slot {
	uint32_t ref;		/* 0: free */
	uint32_t tag;		/* low half of the hash */
};

struct ks_entry_block {
	unsigned char *p;
	uint32_t used;		/* bytes that entries fill, free ones included */
	bool changed;		/* one of them is */
	bool slab;		/* it is part of one */
};

struct ks_segment {
	int64_t id;
	struct ks_entry_slot *slots;
	size_t slot_count;	/* a power of two */
	size_t count;
	struct ks_entry_block *blocks;
	size_t block_count, block_cap;
	size_t fill, cap;	/* the block that is being filled, and its bytes; others may be larger than the maximum */
	unsigned char *slab;	/* that blocks are made of, and the bytes of it that none has */
	size_t slab_left;
	uint32_t *spare;	/* free entries by class of size; NULL: there never were any */
	size_t bytes;		/* of memory, all in all */
	bool written;		/* a chunk has something of it */
	bool changed;		/* since the last commit */
};

struct ks_segment *ks_segment_new(int64_t id);	/* NULL: no memory */
void	ks_segment_free(struct ks_segment *g);

static inline struct ks_entry *ks_segment_at(const struct ks_segment *g, uint32_t ref)
{
	unsigned char *block = g->blocks[(ref - 1) >> KS_BLOCK_SHIFT].p;

	return (struct ks_entry *)(void *)(block + KS_ENTRY_UNIT * (size_t)((ref - 1) & ((1u << KS_BLOCK_SHIFT) - 1)));
}

/* The entry of a key, deleted ones included; 0: none.  hash: ks_hash of the key. */
uint32_t ks_segment_find(const struct ks_segment *g, struct ks_bytes key, uint64_t hash);

/*
 * What is used soon is fetched meanwhile: of an entry the first lines, in which
 * a short key stands and a few numbers; of a hash the slot, or the entry that
 * it most likely leads to, for which the slot is read now.  In line by force:
 * gcc 12 takes a function that only prefetches for one that does nothing, and
 * leaves it out.
 */
static inline __attribute__((always_inline)) void ks_entry_hint(const struct ks_entry *e)
{
	__builtin_prefetch(e, 1);
	__builtin_prefetch((const unsigned char *)e + 64, 1);
	__builtin_prefetch((const unsigned char *)e + 128, 1);
}

static inline __attribute__((always_inline)) void ks_segment_hint(const struct ks_segment *g, uint64_t hash, bool entry)
{
	const struct ks_entry_slot *slot = &g->slots[(uint32_t)hash & (g->slot_count - 1)];

	if (!entry)
		__builtin_prefetch(slot);
	else if (slot->ref != 0)
		ks_entry_hint(ks_segment_at(g, slot->ref));
}

/* Make the entry of a key that has none, with room for a value of n bytes: value_n is 0.  0: no memory. */
uint32_t ks_segment_make(struct ks_segment *g, struct ks_bytes key, uint64_t hash, size_t n);

/* An entry with room for n bytes of value, more than it has: it may be another one.  0: no memory, and nothing has changed. */
uint32_t ks_segment_widen(struct ks_segment *g, uint32_t ref, uint64_t hash, size_t n);

void	ks_segment_remove(struct ks_segment *g, uint32_t ref, uint64_t hash);

/* Mark an entry as changed, so that a walk for those finds it. */
static inline void ks_segment_touch(struct ks_segment *g, uint32_t ref)
{
	ks_segment_at(g, ref)->changed = 1;
	g->blocks[(ref - 1) >> KS_BLOCK_SHIFT].changed = true;
	g->changed = true;
}

/* A walk over the entries as they stand in memory; begins as zero.  The segment must not be changed meanwhile. */
struct ks_segment_walk {
	size_t block, at;
};

/* The next entry; NULL: that was the last.  changed: only those that are. */
struct ks_entry *ks_segment_next(const struct ks_segment *g, struct ks_segment_walk *walk, bool changed);

/* What was changed is committed, and has the stamp of its epoch. */
void	ks_segment_settle(struct ks_segment *g, uint32_t stamp);

#endif
