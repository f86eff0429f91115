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
 * committed, the older value is left out.  Now old can be dropped at any
 * time, and is, when young takes its place.  The chunks up to that epoch
 * go, and no rollback may go below: "floor".
 *
 * Where memory is full before that, neither barrier nor commit is waited
 * for: what the open epoch has changed is written as its first chunks, young
 * becomes old, and old is merged with an undo record of each value that it
 * takes the place of.  A rollback below that epoch puts those back, the
 * newest first, before it reads chunks; a commit makes them needless.
 *
 * A segment that the base has got while this store was open has a filter of
 * its keys, so that most of those that are new cost no read.
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
#include "store-filter.h"
#include "store-parts.h"
#include "store.h"

#define KS_STATE_VERSION 2
#define KS_STORE_DEBT ((size_t)32 << 10)	/* bytes of new entries after which as much again of the old ones is merged */

/* The first byte of the keys on disk. */
#define KS_ON_DISK_META 0
#define KS_ON_DISK_CHUNK 1
#define KS_ON_DISK_BASE 2
#define KS_ON_DISK_UNDO 3	/* the last of all: found from behind */

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
	bool unfiltered;	/* it may have keys that are not in filter, which is NULL */
	struct ks_filter *filter;
};

struct ks_merge {
	bool active;		/* old is not in the base yet */
	bool begun;		/* floor is written */
	int64_t epoch;		/* the newest that old has changes of */
	int64_t whole;		/* of this and those before it old has all: less by one, if that one is open yet */
	int64_t known;		/* known committed when it began */
	int64_t wait;		/* segments of old were dropped in this epoch, or it is epoch: chunks stay until it is committed */
	size_t dropped;		/* of old->dropped: done */
	int32_t partition;	/* where it is */
	int64_t segment;
	struct ks_segment_walk walk;
	struct ks_key_item *batch;	/* entries of that segment, sorted: a B-tree is many times faster by the order of its keys */
	size_t batch_n, batch_at;
	bool entries_done;
};

/* What is in the base, and can go from chunks and undo records when an epoch is known to be committed. */
struct ks_reap {
	int64_t chunks;		/* those up to this epoch */
	int64_t wait;		/* the epoch; 0: there is nothing to remove */
};

/*
 * A partition that the state has, whole: the word that it went on from when
 * it was last opened (o, c, e of kstream-exactly-once(7)).
 */
struct ks_origin {
	int32_t partition;
	int64_t epoch, run;
	char owner[KS_NAME_MAX + 1];	/* "-": not told, or there was no commit */
	int64_t logged;		/* from this epoch of the state on the changelog has all of it; -1: it has not */
	bool wanted;		/* to be restored: it is not on disk */
};

struct ks_origins {
	struct ks_origin *list;	/* by partition */
	size_t count;
	int64_t opened;		/* the epoch at which the state was opened */
	char changelog[KS_NAME_MAX + 1];	/* "": none */
	bool there;		/* the state has such facts: not where no words were told */
	bool restoring;		/* it has not come to the end of that */
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
	struct ks_reap reap, reap_next;	/* of the merges since the first only the last counts */
	size_t debt;		/* bytes by which young has grown since old was last worked on */
	bool due;		/* a barrier was passed, and what is to be done behind it was not yet: debt is KS_STORE_DEBT more then */
	size_t new_drops;	/* of young.dropped: not yet in a chunk */
	struct ks_base_segment *base;	/* by partition and id */
	size_t base_count, base_cap;
	size_t filters, filters_left;	/* segments that have one; bytes that they may yet take */
	struct ks_disk_cursor *writer;	/* into the base, while entries are merged */
	struct ks_buf chunk;
	uint32_t chunk_count;	/* that the open epoch has on disk */
	uint32_t last_chunks;	/* that the one before it has */
	struct ks_buf undo;	/* changes, as in a chunk, that are not on disk yet */
	uint32_t undo_count;	/* records since the store was opened */
	int32_t undo_partition;	/* whose place was told last, if undo is not empty */
	int64_t undo_segment;
	struct ks_origins origins;
	bool origins_changed;	/* since they were written */
	bool restoring;		/* until ks_store_restored: the run and epoch that it will be of are these */
	int64_t next_run, next_epoch;
	struct ks_store_log log;	/* change NULL: nobody is told */
	struct ks_err wrong;	/* status: what a call that returns nothing has met; the next commit says so */
};

static inline bool ks_store_is_durable(const struct ks_store *s)
{
	return s->lock >= 0;
}

int	ks_store_no_memory(struct ks_err *err);

/* Stamps are epochs, counted from the one at which the store was opened. */
static inline uint32_t ks_store_stamp(const struct ks_store *s, int64_t epoch)
{
	return (uint32_t)(epoch - s->first_epoch + 1);
}

/* What is being merged is not known to be committed. */
static inline bool ks_merge_may_come_back(const struct ks_store *s)
{
	return ks_store_is_durable(s) && s->known < s->merge.epoch;
}

/* store-base.c: the base, and the directory of its segments. */
int	ks_base_load(struct ks_store *s, struct ks_err *err) KS_MUST_USE;	/* the directory, from disk */
bool	ks_base_has(const struct ks_store *s, int32_t partition, int64_t id);	/* may have entries that count */
bool	ks_base_next(const struct ks_store *s, int32_t partition, int64_t after, int64_t *id);
struct ks_base_segment *ks_base_find(const struct ks_store *s, int32_t partition, int64_t id);
int	ks_base_get(struct ks_store *s, int32_t partition, int64_t id, struct ks_bytes key, uint64_t hash, bool *found,
	    struct ks_err *err) KS_MUST_USE;	/* the value comes to s->scratch */
int	ks_base_put(struct ks_store *s, int32_t partition, int64_t id, const struct ks_entry *e, size_t expected,
	    struct ks_err *err) KS_MUST_USE;	/* by s->writer; expected: entries that are about to be put into the segment */
void	ks_base_release(struct ks_store *s);
int	ks_base_clear(struct ks_store *s, int32_t partition, int64_t id, size_t max, bool *done,
	    struct ks_err *err) KS_MUST_USE;	/* remove up to max entries of a segment */
void	ks_base_drop(struct ks_store *s, int32_t partition, int64_t id);	/* hide what it has */
void	ks_base_rotate(struct ks_store *s);	/* young drops are old ones now */
void	ks_base_merged(struct ks_store *s);	/* old drops are done */
#define KS_BASE_PREFIX 13	/* bytes of a key on disk before the caller's */
int	ks_base_key(struct ks_store *s, int32_t partition, int64_t id, struct ks_bytes key) KS_MUST_USE;	/* to s->key: 0, ENOMEM */

/* store-merge.c */
bool	ks_merge_can(const struct ks_store *s);	/* there is something to do, and it may be done */
int	ks_merge_some(struct ks_store *s, size_t bytes, struct ks_err *err) KS_MUST_USE;	/* also what is not committed yet; a few records of reaping */
int	ks_store_rotate(struct ks_store *s, int64_t epoch, struct ks_err *err) KS_MUST_USE;	/* old has been merged; epoch: the newest of young */
int	ks_store_make_room(struct ks_store *s, int64_t epoch, struct ks_err *err) KS_MUST_USE;	/* merge all of old, and rotate */

/* store-undo.c */
int	ks_undo_note(struct ks_store *s, int32_t partition, int64_t id, struct ks_bytes key, const struct ks_bytes *value,
	    struct ks_err *err) KS_MUST_USE;	/* the base had that value, NULL: none, before what is being merged */
int	ks_undo_write(struct ks_store *s, struct ks_err *err) KS_MUST_USE;	/* what was noted */
int	ks_undo_back(struct ks_store *s, int64_t epoch, struct ks_err *err) KS_MUST_USE;	/* the base has nothing behind that epoch; no undo record is left */
bool	ks_reap_can(const struct ks_store *s);
int	ks_reap_some(struct ks_store *s, unsigned left, struct ks_err *err) KS_MUST_USE;	/* up to so many records */

/*
 * store-origin.c: which words a state is good for.
 *
 * ks_origins_judge - those of config's section, by what the state is, with
 * wanted for what it has not; *back: the epoch at which it has the others, -1:
 * it has none.  *move: there is a changelog, and something to restore or forget.
 */
int	ks_origins_judge(const struct ks_store *s, const struct ks_store_config *c, struct ks_origins *next, int64_t *back,
	    bool *move, struct ks_err *err) KS_MUST_USE;
/* KS_CONFIG where Kafka has forgotten, or never had, a partition that the state has gone on with; with or without a changelog. */
int	ks_origins_remembered(const struct ks_store *s, const struct ks_store_config *c, struct ks_err *err) KS_MUST_USE;
/* A state of an app that has committed nothing is begun: what the sink said was of another. */
void	ks_origins_forget_first(const struct ks_store *s);
/* Without a changelog: KS_CONFIG where the state lacks something, ours: also of what it had, or has too much. */
int	ks_origins_refuse(const struct ks_store *s, const struct ks_store_config *c, bool ours, struct ks_err *err) KS_MUST_USE;
int	ks_origins_keep(const struct ks_store *s, const struct ks_origins *next, struct ks_origins *kept) KS_MUST_USE;	/* its own that stay: 0, ENOMEM */
int	ks_origins_read(struct ks_store *s, struct ks_err *err) KS_MUST_USE;
int	ks_origins_write(struct ks_store *s, const struct ks_origins *x, struct ks_err *err) KS_MUST_USE;	/* but for those wanted */
void	ks_origins_release(struct ks_origins *x);
struct ks_origin *ks_origins_find(const struct ks_origins *x, int32_t partition);	/* NULL: there is none */

/* store-move.c: a state that has lost partitions, or gets some. */
int	ks_store_make_way(struct ks_store *s, struct ks_err *err) KS_MUST_USE;	/* all is in the base, and of good partitions alone */
int	ks_store_spill_restored(struct ks_store *s, struct ks_err *err) KS_MUST_USE;

/* store-log.c: what the changelog is told. */
int	ks_log_whole(struct ks_store *s, int64_t epoch, struct ks_err *err) KS_MUST_USE;	/* of the partitions that it has nothing of one, or as many as are small */
int	ks_log_segment(struct ks_store *s, int64_t epoch, int32_t partition, const struct ks_segment *g, struct ks_err *err) KS_MUST_USE;
int	ks_log_commit(struct ks_store *s, int64_t epoch, struct ks_err *err) KS_MUST_USE;	/* behind all the rest */
int	ks_log_drop(struct ks_store *s, int32_t partition, int64_t segment, struct ks_err *err) KS_MUST_USE;	/* before it goes */

/* store-commit.c */
int	ks_store_write_changes(struct ks_store *s, int64_t epoch, struct ks_err *err) KS_MUST_USE;
void	ks_store_settle(struct ks_store *s, uint32_t stamp);
int	ks_meta_write(struct ks_store *s, struct ks_err *err) KS_MUST_USE;
int	ks_store_tend(struct ks_store *s, struct ks_err *err) KS_MUST_USE;	/* what is due */
int	ks_store_write_open(struct ks_store *s, struct ks_err *err) KS_MUST_USE;	/* chunks of what the open epoch has changed */
void	ks_chunk_key(unsigned char key[13], int64_t epoch, uint32_t chunk);

/* store.c */
bool	ks_store_below(struct ks_store *s, int32_t partition, int64_t segment, const struct ks_entry *e, struct ks_err *err);	/* a generation below, or the base, has a value of its key */
int	ks_generation_note_drop(struct ks_generation *y, int32_t partition, int64_t segment) KS_MUST_USE;	/* 0, ENOMEM */
void	ks_generation_clear(struct ks_generation *y);
int	ks_store_apply(struct ks_store *s, const struct ks_chunk_change *c, struct ks_err *err) KS_MUST_USE;	/* of a chunk that is read again */

#endif
