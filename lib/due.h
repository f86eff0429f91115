/* SPDX-License-Identifier: MIT */
/*
 * due.h - keys in the order in which their time comes: by time, then by the
 * keys' bytes.  A heap in memory; whoever keeps the keys elsewhere, too, can
 * fill it again from there.
 *
 * A key costs its bytes and 16 more, twice that at most.  No allocation for
 * a key but where the memory that is there does not do.
 */
#ifndef KS_DUE_H
#define KS_DUE_H

#include "buf.h"

/* All zero but for keys, which ks_due_init makes. */
struct ks_due {
	struct ks_due_item *heap;
	size_t count, cap;
	struct ks_buf keys;	/* one behind the other, those that went among them */
	size_t live;		/* bytes of keys that are there */
};

void	ks_due_init(struct ks_due *d);
void	ks_due_release(struct ks_due *d);

/* Add a key, which is copied: 0, ENOMEM, EMSGSIZE (past 4 GiB of keys).  A key may be there several times. */
int	ks_due_add(struct ks_due *d, int64_t time_ms, struct ks_bytes key) KS_MUST_USE;

/* The first; false: there is none.  The key is valid until the next ks_due_add. */
bool	ks_due_first(const struct ks_due *d, int64_t *time_ms, struct ks_bytes *key);

/* Bytes of memory that keys which are there make it hold, as above; it may have twice as many. */
static inline size_t ks_due_bytes(const struct ks_due *d)
{
	return d->live + 16 * d->count;
}

/* Take the first off; there must be one. */
void	ks_due_pop(struct ks_due *d);

#endif
