/* SPDX-License-Identifier: MIT */
/*
 * store-parts.h - the segments of a store in memory: partition, number ->
 * segment.  A generation of entries is one of these.
 */
#ifndef KS_STORE_PARTS_H
#define KS_STORE_PARTS_H

#include "store-segment.h"

struct ks_store_part {
	int32_t partition;
	/*
	 * By id, from segments[first] on: there is room at both ends, since
	 * the oldest goes and the newest comes, and late ones come anywhere.
	 */
	struct ks_segment **segments;
	size_t first, count, cap;
};

struct ks_store_parts {
	struct ks_store_part *parts;	/* by partition */
	size_t count, cap;
	int32_t last_partition;	/* where the last call was: so will be the next */
	struct ks_segment *last;	/* NULL: nowhere */
};

void	ks_store_parts_clear(struct ks_store_parts *s);	/* forget all; what is zeroed is empty */

static inline struct ks_segment *ks_store_part_at(const struct ks_store_part *part, size_t i)
{
	return part->segments[part->first + i];
}

/* The first partition that is not below, or one past the last; and the same for segments. */
size_t	ks_store_parts_place(const struct ks_store_parts *s, int32_t partition);
size_t	ks_store_part_place(const struct ks_store_part *part, int64_t id);

struct ks_segment *ks_store_parts_look(const struct ks_store_parts *s, int32_t partition, int64_t id);
struct ks_segment *ks_store_parts_make(struct ks_store_parts *s, int32_t partition, int64_t id);	/* NULL: no memory */

/* NULL: there is none. */
static inline struct ks_segment *ks_store_parts_find(const struct ks_store_parts *s, int32_t partition, int64_t id)
{
	if (KS_LIKELY(s->last != NULL && s->last->id == id && s->last_partition == partition))
		return s->last;
	return ks_store_parts_look(s, partition, id);
}

/* The smallest segment of a partition above after; false: there is none. */
bool	ks_store_parts_next(const struct ks_store_parts *s, int32_t partition, int64_t after, int64_t *segment);

void	ks_store_parts_drop(struct ks_store_parts *s, int32_t partition, int64_t id);	/* none is no error */

#endif
