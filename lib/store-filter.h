/* SPDX-License-Identifier: MIT */
/*
 * store-filter.h - which keys a segment on disk has for certain not.
 *
 * A Bloom filter, 6 bits for a key, all of them in one word: it is wrong
 * about one absent key in fifteen, never about one that is there.  It is
 * made for the keys that are expected; each time it is full it becomes up to
 * eight times as large, and wrong about one in fifteen more.  Where there is
 * no room for that it becomes twice as full as it should, and then says that
 * it is of no more use.  Keys cannot be removed.
 */
#ifndef KS_STORE_FILTER_H
#define KS_STORE_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sys.h"

struct ks_filter;	/* NULL: of no key */

/* hash: ks_hash of the key, with one seed for all.  false: the key was not added. */
bool	ks_filter_may_have(const struct ks_filter *f, uint64_t hash);

/*
 * ks_filter_add - add a key; one that it may have already takes no room.
 *
 *	expected	keys that are about to be added, this one included: what room is made for
 *	left		bytes that filters may yet take
 *
 * 0; ENOSPC: it should have more room than is left (or memory), but the key
 * was added; ENOMEM: it was not, and the filter says no more: free it.
 */
int	ks_filter_add(struct ks_filter **f, uint64_t hash, size_t expected, size_t *left) KS_MUST_USE;

void	ks_filter_free(struct ks_filter **f, size_t *left);	/* what it took is left again; *f is NULL then */

#endif
