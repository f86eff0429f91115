/* SPDX-License-Identifier: MIT */
/*
 * store-look.h - a store looked at while it is at work, a piece at a time.
 *
 * Nothing here changes the store or leaves anything open in it: between two
 * calls it may do what it wants.
 */
#ifndef KS_STORE_LOOK_H
#define KS_STORE_LOOK_H

#include "store.h"

/*
 * ks_store_keys - some keys of a segment behind `after`, in the order of their bytes.
 *
 *	after	NULL: from the first on; else where the call before came to
 *	wants	says which keys are asked for; NULL: all
 *	keys	emptied, then each as its length (32 bits, big endian) and its
 *		bytes, up to about KS_STORE_KEYS of them and one key at least
 *	to	not after; takes where it has come to, for the next call; *more: there may be others
 *
 * A key that is there all the while is told of exactly once; a key that was
 * told of may be gone when it is looked up.  Takes some 10 ns for each entry
 * in memory, and 1 us for each on disk, of which it looks at a few thousand.
 */
#define KS_STORE_KEYS ((size_t)1 << 20)
int	ks_store_keys(struct ks_store *s, int32_t partition, int64_t segment, const struct ks_buf *after,
	    bool (*wants)(const void *arg, struct ks_bytes key), const void *arg, struct ks_buf *keys,
	    struct ks_buf *to, bool *more, struct ks_err *err) KS_MUST_USE;

/* The same of all keys, up to about so many bytes of them, however long that takes: for the stage itself. */
int	ks_store_keys_some(struct ks_store *s, int32_t partition, int64_t segment, const struct ks_buf *after, size_t bytes,
	    struct ks_buf *keys, struct ks_buf *to, bool *more, struct ks_err *err) KS_MUST_USE;

/* Whether the value of a key, if it has one, is as of an epoch that is known to be committed: no restart goes back behind it. */
bool	ks_store_is_committed(const struct ks_store *s, int32_t partition, int64_t segment, struct ks_bytes key);

struct ks_store_facts {
	bool durable;
	int64_t epoch, committed;	/* the last at a barrier; the last known committed, -1: none will be */
	size_t memory;			/* bytes of entries in memory */
	uint64_t entries;		/* of those: changes that are in memory twice count twice */
	uint64_t disk;			/* bytes of the file below; 0: there is none that anybody can see */
};
void	ks_store_facts(const struct ks_store *s, struct ks_store_facts *facts);

#endif
