/* SPDX-License-Identifier: MIT */
/* store-parts.c - the segments of a store in memory. */
#include "store-parts.h"

#include <errno.h>
#include <stdlib.h>

void ks_store_parts_clear(struct ks_store_parts *s)
{
	size_t i, k;

	for (i = 0; i < s->count; i++) {
		for (k = 0; k < s->parts[i].count; k++)
			ks_segment_free(ks_store_part_at(&s->parts[i], k));
		free(s->parts[i].segments);
	}
	free(s->parts);
	*s = (struct ks_store_parts){ 0 };
}

size_t ks_store_parts_place(const struct ks_store_parts *s, int32_t partition)
{
	size_t low = 0, high = s->count, middle;

	while (low < high) {
		middle = (low + high) / 2;
		if (s->parts[middle].partition < partition)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

size_t ks_store_part_place(const struct ks_store_part *part, int64_t id)
{
	size_t low = 0, high = part->count, middle;

	while (low < high) {
		middle = (low + high) / 2;
		if (ks_store_part_at(part, middle)->id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct ks_store_part *find_part(const struct ks_store_parts *s, int32_t partition)
{
	size_t at = ks_store_parts_place(s, partition);

	return at < s->count && s->parts[at].partition == partition ? &s->parts[at] : NULL;
}

static struct ks_segment *find_in_part(const struct ks_store_part *part, int64_t id, size_t *at)
{
	*at = ks_store_part_place(part, id);
	return *at < part->count && ks_store_part_at(part, *at)->id == id ? ks_store_part_at(part, *at) : NULL;
}

/* Make room for a segment at index at, moving whichever side is shorter: 0 or ENOMEM. */
static int open_gap(struct ks_store_part *part, size_t at)
{
	bool front = at < part->count / 2;
	struct ks_segment **wider;
	size_t cap, first;

	if (front ? part->first == 0 : part->first + part->count == part->cap) {
		cap = part->count < 8 ? 16 : part->count * 2;
		first = (cap - part->count) / 2;
		wider = reallocarray(NULL, cap, sizeof(*wider));
		if (wider == NULL)
			return ENOMEM;
		if (part->count > 0)
			memcpy(wider + first, part->segments + part->first, part->count * sizeof(*wider));
		free(part->segments);
		part->segments = wider;
		part->first = first;
		part->cap = cap;
	}
	wider = part->segments + part->first;
	if (front) {
		memmove(wider - 1, wider, at * sizeof(*wider));
		part->first--;
	} else {
		memmove(wider + at + 1, wider + at, (part->count - at) * sizeof(*wider));
	}
	part->count++;
	return 0;
}

static void close_gap(struct ks_store_part *part, size_t at)
{
	struct ks_segment **all = part->segments + part->first;

	part->count--;
	if (at < part->count / 2 || at == 0) {
		memmove(all + 1, all, at * sizeof(*all));
		part->first++;
	} else {
		memmove(all + at, all + at + 1, (part->count - at) * sizeof(*all));
	}
}

static struct ks_store_part *make_part(struct ks_store_parts *s, int32_t partition)
{
	struct ks_store_part *part = find_part(s, partition);
	size_t at, cap = s->cap == 0 ? 4 : s->cap * 2;

	if (part != NULL)
		return part;
	if (s->count == s->cap) {
		part = reallocarray(s->parts, cap, sizeof(*part));
		if (part == NULL)
			return NULL;
		s->parts = part;
		s->cap = cap;
	}
	at = ks_store_parts_place(s, partition);
	memmove(s->parts + at + 1, s->parts + at, (s->count - at) * sizeof(*s->parts));
	s->count++;
	s->parts[at] = (struct ks_store_part){ .partition = partition };
	return &s->parts[at];
}

struct ks_segment *ks_store_parts_look(const struct ks_store_parts *s, int32_t partition, int64_t id)
{
	struct ks_store_part *part = find_part(s, partition);
	size_t at;

	return part == NULL ? NULL : find_in_part(part, id, &at);
}

struct ks_segment *ks_store_parts_make(struct ks_store_parts *s, int32_t partition, int64_t id)
{
	struct ks_segment *g = ks_store_parts_find(s, partition, id);
	struct ks_store_part *part;
	size_t at;

	if (g == NULL) {
		part = make_part(s, partition);
		g = part != NULL ? ks_segment_new(id) : NULL;
		if (g == NULL)
			return NULL;
		at = ks_store_part_place(part, id);
		if (open_gap(part, at) != 0) {
			ks_segment_free(g);
			return NULL;
		}
		part->segments[part->first + at] = g;
	}
	s->last = g;
	s->last_partition = partition;
	return g;
}

bool ks_store_parts_next(const struct ks_store_parts *s, int32_t partition, int64_t after, int64_t *segment)
{
	struct ks_store_part *part = find_part(s, partition);
	size_t at;

	if (part == NULL || after == INT64_MAX)
		return false;
	at = ks_store_part_place(part, after + 1);
	if (at == part->count)
		return false;
	*segment = ks_store_part_at(part, at)->id;
	return true;
}

void ks_store_parts_drop(struct ks_store_parts *s, int32_t partition, int64_t id)
{
	struct ks_store_part *part = find_part(s, partition);
	struct ks_segment *g;
	size_t at;

	g = part != NULL ? find_in_part(part, id, &at) : NULL;
	if (g == NULL)
		return;
	if (g == s->last)
		s->last = NULL;
	close_gap(part, at);
	ks_segment_free(g);
}
