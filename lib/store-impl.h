/* SPDX-License-Identifier: MIT */
/*
 * store-impl.h - what a store is made of, for the files of the store.
 *
 * Entries are looked for in three places, the newest first: the young
 * generation, which takes all changes; the old one, which is never changed,
 * since what is put is copied to the young one first; and the base on disk.
 *
 * At a barrier the changes of the epoch are written as chunks, and young
 * may become old: then old is the state as of that epoch (but for what has
 * not changed since the base was made of it).  Once that epoch is known to
 * be committed, old is merged into the base, in slices between records; of
 * entries that have changed since, and whose change is known to be
 * committed, the older value is left out.  Then the chunks up to that epoch
 * go, and no rollback may go below: "floor".  Now old can be dropped at any
 * time, and is, when young takes its place.
 *
 * Without a directory of its own a store does the same with scratch on
 * disk, without chunks, and every epoch is as good as committed.
 */
#ifndef KS_STORE_IMPL_H
#define KS_STORE_IMPL_H

#include "hash.h"
#include "key-sort.h"
#include "store-chunk.h"
#include "store-disk.h"
#include "store-parts.h"
#include "store.h"

#define KS_STATE_VERSION 1

/* The first byte of the keys on disk. */
#define KS_ON_DISK_META 0
#define KS_ON_DISK_CHUNK 1
#define KS_ON_DISK_BASE 2

/* A generation. */
struct ks_generation {
	struct ks_store_parts parts;
	size_t bytes;		/* of memory */
	size_t written;		/* bytes of chunks that have its changes */
	struct ks_dropped {
		int32_t partition;
		int64_t segment;
	} *dropped;		/* segments that went, in order: before whatever it has of them */
	size_t dropped_count, dropped_cap;
};

/* A segment of which the base has entries, or had. */
struct ks_base_segment {
	int32_t partition;
	int64_t id;
	bool present;		/* there may be entries */
	bool old_drop, young_drop;	/* a generation has dropped it: what is there does not count */
};

struct ks_merge {
	bool active;		/* old is not in the base yet */
	bool begun;		/* floor is written */
	int64_t epoch;		/* that old is the state of */
	int64_t known;		/* known committed when it began */
	int64_t wait;		/* segments of old were dropped in this epoch: chunks stay until it is committed */
	size_t dropped;		/* of old->dropped: done */
	int32_t partition;	/* where it is */
	int64_t segment;
	struct ks_segment_walk walk;
	struct ks_key_item *batch;	/* entries of that segment, sorted: a B-tree is many times faster by the order of its keys */
	size_t batch_n, batch_at;
	bool entries_done;
};

struct ks_store {
	uint64_t seed;
	struct ks_generation young, old;
	struct ks_buf scratch;	/* the value that get gave from the base */
	struct ks_buf key;	/* a key on disk */
	size_t memory;		/* bound of one generation */
	size_t cache;
	char *home;		/* of the files; NULL: there are none yet */
	char *root;		/* of the instance, for messages */
	struct ks_disk *disk;	/* NULL: all is in memory */
	int lock;		/* fd of LOCK, -1: it has no directory of its own */
	int64_t run, epoch;	/* epoch: the last that is on disk */
	int64_t first_epoch;	/* stamps count from it */
	int64_t known;		/* the last epoch known committed */
	int64_t floor;
	struct ks_merge merge;
	size_t debt;		/* bytes by which young has grown since old was last worked on */
	size_t new_drops;	/* of young.dropped: not yet in a chunk */
	struct ks_base_segment *base;	/* by partition and id */
	size_t base_count, base_cap;
	struct ks_buf chunk;
	uint32_t chunk_count;	/* in the epoch that is being written */
	struct ks_err wrong;	/* status: what a call that returns nothing has met; the next commit says so */
};

static inline bool ks_store_is_durable(const struct ks_store *s)
{
	return s->lock >= 0;
}

int	ks_store_no_memory(struct ks_err *err);

/* store-base.c: the base, and the directory of its segments. */
int	ks_base_load(struct ks_store *s, struct ks_err *err) KS_MUST_USE;	/* the directory, from disk */
bool	ks_base_has(const struct ks_store *s, int32_t partition, int64_t id);	/* may have entries that count */
bool	ks_base_next(const struct ks_store *s, int32_t partition, int64_t after, int64_t *id);
struct ks_base_segment *ks_base_find(const struct ks_store *s, int32_t partition, int64_t id);
int	ks_base_get(struct ks_store *s, int32_t partition, int64_t id, struct ks_bytes key, bool *found,
	    struct ks_err *err) KS_MUST_USE;	/* the value comes to s->scratch */
int	ks_base_put(struct ks_store *s, int32_t partition, int64_t id, const struct ks_entry *e,
	    struct ks_err *err) KS_MUST_USE;
int	ks_base_clear(struct ks_store *s, int32_t partition, int64_t id, size_t max, bool *done,
	    struct ks_err *err) KS_MUST_USE;	/* remove up to max entries of a segment */
void	ks_base_drop(struct ks_store *s, int32_t partition, int64_t id);	/* hide what it has */
void	ks_base_rotate(struct ks_store *s);	/* young drops are old ones now */
void	ks_base_merged(struct ks_store *s);	/* old drops are done */
int	ks_base_key(struct ks_store *s, int32_t partition, int64_t id, struct ks_bytes key) KS_MUST_USE;	/* to s->key: 0, ENOMEM */

/* store-merge.c */
bool	ks_merge_can(const struct ks_store *s);	/* there is something to do, and it may be done */
int	ks_merge_some(struct ks_store *s, size_t bytes, struct ks_err *err) KS_MUST_USE;
int	ks_store_rotate(struct ks_store *s, struct ks_err *err) KS_MUST_USE;	/* old has been merged */
int	ks_store_make_room(struct ks_store *s, struct ks_err *err) KS_MUST_USE;	/* in the middle of an epoch */

/* store-commit.c */
int	ks_meta_write(struct ks_store *s, struct ks_err *err) KS_MUST_USE;
void	ks_chunk_key(unsigned char key[13], int64_t epoch, uint32_t chunk);

/* store.c */
int	ks_generation_note_drop(struct ks_generation *y, int32_t partition, int64_t segment) KS_MUST_USE;	/* 0, ENOMEM */
void	ks_generation_clear(struct ks_generation *y);
int	ks_store_apply(struct ks_store *s, const struct ks_chunk_change *c, struct ks_err *err) KS_MUST_USE;	/* of a chunk that is read again */

#endif
