/* SPDX-License-Identifier: MIT */
/*
 * store.h - keyed state: partition, segment, key -> value.
 *
 * A segment is a number the caller gives a meaning that grows with time (a
 * window's start), so that old state is dropped segment by segment, at the
 * cost of its blocks and not of its entries.  Keys and values are bytes;
 * a value is changed in place, once it was put.  This store keeps all in
 * memory: a durable one takes its place under the same calls, so errors are
 * reported wherever a disk could fail.
 *
 * Memory: an entry costs its key, its value and about 36 bytes, at most 45.
 *
 * Functions that return int return 0 or a ks_status with err filled.
 */
#ifndef KS_STORE_H
#define KS_STORE_H

#include "bytes.h"
#include "sys.h"

struct ks_store;

/* ks_store_open - an empty store.  seed: any number that input cannot know (hash.h). */
int	ks_store_open(struct ks_store **s, uint64_t seed, struct ks_err *err) KS_MUST_USE;
void	ks_store_close(struct ks_store *s);	/* NULL is allowed */

/*
 * The facts of a partition itself, such as how far its time has come, stand
 * in a segment of their own: neither oldest nor next_segment tells of it.
 */
#define KS_STORE_META INT64_MIN

/*
 * A value where it stands: p is aligned to 8 and valid for n bytes until the
 * next get, put, delete, drop or close.  What put gave may be written; what
 * get and scans gave is for reading alone: a change would not be kept.
 */
struct ks_store_value {
	unsigned char *p;	/* NULL: there is none */
	size_t n;
};

int	ks_store_get(struct ks_store *s, int32_t partition, int64_t segment, struct ks_bytes key,
	    struct ks_store_value *v, struct ks_err *err) KS_MUST_USE;

/*
 * ks_store_put - find the value, or make one of zeroed bytes, and see to it
 * that it is n bytes long or longer: what is there stays, new bytes are zero.
 * key is copied.
 */
int	ks_store_put(struct ks_store *s, int32_t partition, int64_t segment, struct ks_bytes key,
	    size_t n, struct ks_store_value *v, struct ks_err *err) KS_MUST_USE;

/* Forget a key; none is no error. */
int	ks_store_delete(struct ks_store *s, int32_t partition, int64_t segment, struct ks_bytes key,
	    struct ks_err *err) KS_MUST_USE;

/* The smallest segment of a partition; false: it holds nothing. */
bool	ks_store_oldest(const struct ks_store *s, int32_t partition, int64_t *segment);

/* The smallest segment above after; false: there is none.  A segment that has lost its last key may still be there. */
bool	ks_store_next_segment(const struct ks_store *s, int32_t partition, int64_t after, int64_t *segment);

/* Forget a segment and all its entries; none is no error. */
void	ks_store_drop(struct ks_store *s, int32_t partition, int64_t segment);

/*
 * A scan of one segment in the order of its keys' bytes.  Begin it, take
 * entries until next says false, end it; meanwhile no other call may be made.
 */
struct ks_store_scan {
	struct ks_key_item *items;
	size_t n, at;
};

int	ks_store_scan_begin(const struct ks_store *s, int32_t partition, int64_t segment,
	    struct ks_store_scan *scan, struct ks_err *err) KS_MUST_USE;
bool	ks_store_scan_next(struct ks_store_scan *scan, struct ks_bytes *key,
	    struct ks_store_value *v);
void	ks_store_scan_end(struct ks_store_scan *scan);

#endif
