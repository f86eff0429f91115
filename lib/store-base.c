/* SPDX-License-Identifier: MIT */
/* store-base.c - the base of a store on disk, and which segments it has. */
#include "store-impl.h"

#include <errno.h>
#include <stdlib.h>


/* Big endian with the sign turned: bytes sort as the numbers do. */
static void put_prefix(unsigned char *p, int32_t partition, int64_t id)
{
	p[0] = KS_ON_DISK_BASE;
	ks_put32(p + 1, (uint32_t)partition ^ 0x80000000u);
	ks_put64(p + 5, (uint64_t)id ^ 0x8000000000000000u);
}

int ks_base_key(struct ks_store *s, int32_t partition, int64_t id, struct ks_bytes key)
{
	s->key.n = 0;
	if (ks_buf_reserve(&s->key, KS_BASE_PREFIX + key.n) != 0)
		return ENOMEM;
	put_prefix(s->key.p, partition, id);
	if (key.n > 0)
		memcpy(s->key.p + KS_BASE_PREFIX, key.p, key.n);
	s->key.n = KS_BASE_PREFIX + key.n;
	return 0;
}

static size_t place(const struct ks_store *s, int32_t partition, int64_t id)
{
	size_t low = 0, high = s->base_count, middle;
	const struct ks_base_segment *g;

	while (low < high) {
		middle = (low + high) / 2;
		g = &s->base[middle];
		if (g->partition < partition || (g->partition == partition && g->id < id))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct ks_base_segment *ks_base_find(const struct ks_store *s, int32_t partition, int64_t id)
{
	size_t at = place(s, partition, id);

	return at < s->base_count && s->base[at].partition == partition && s->base[at].id == id ? &s->base[at] : NULL;
}

static bool counts(const struct ks_base_segment *g)
{
	return g->present && !g->old_drop && !g->young_drop;
}

bool ks_base_has(const struct ks_store *s, int32_t partition, int64_t id)
{
	const struct ks_base_segment *g = s->base_count > 0 ? ks_base_find(s, partition, id) : NULL;

	return g != NULL && counts(g);
}

bool ks_base_next(const struct ks_store *s, int32_t partition, int64_t after, int64_t *id)
{
	size_t at;

	if (after == INT64_MAX)
		return false;
	for (at = place(s, partition, after + 1); at < s->base_count && s->base[at].partition == partition; at++)
		if (counts(&s->base[at])) {
			*id = s->base[at].id;
			return true;
		}
	return false;
}

static struct ks_base_segment *make(struct ks_store *s, int32_t partition, int64_t id)
{
	size_t at = place(s, partition, id), cap = s->base_cap == 0 ? 16 : 2 * s->base_cap;
	struct ks_base_segment *wider;

	if (at < s->base_count && s->base[at].partition == partition && s->base[at].id == id)
		return &s->base[at];
	if (s->base_count == s->base_cap) {
		wider = reallocarray(s->base, cap, sizeof(*wider));
		if (wider == NULL)
			return NULL;
		s->base = wider;
		s->base_cap = cap;
	}
	memmove(s->base + at + 1, s->base + at, (s->base_count - at) * sizeof(*s->base));
	s->base_count++;
	s->base[at] = (struct ks_base_segment){ .partition = partition, .id = id };
	return &s->base[at];
}

/* From one segment to the next by a search each: entries are not read. */
int ks_base_load(struct ks_store *s, struct ks_err *err)
{
	unsigned char from[KS_BASE_PREFIX + 1];
	struct ks_bytes key, value;
	struct ks_disk_cursor *c;
	struct ks_base_segment *g;
	int64_t id;
	int status;

	from[0] = KS_ON_DISK_BASE;
	status = ks_disk_from(s->disk, ks_bytes(from, 1), &c, &key, &value, err);
	while (status == 0 && key.p != NULL && key.n >= KS_BASE_PREFIX && key.p[0] == KS_ON_DISK_BASE) {
		id = (int64_t)(ks_get64(key.p + 5) ^ 0x8000000000000000u);
		g = make(s, (int32_t)(ks_get32(key.p + 1) ^ 0x80000000u), id);
		if (g == NULL) {
			status = ks_store_no_memory(err);
			break;
		}
		g->present = g->unfiltered = true;
		if (id == INT64_MAX)
			put_prefix(from, g->partition + (g->partition < INT32_MAX), g->partition < INT32_MAX ? INT64_MIN : id);
		else
			put_prefix(from, g->partition, id + 1);
		if (id == INT64_MAX && g->partition == INT32_MAX)
			break;
		status = ks_disk_seek(c, ks_bytes(from, KS_BASE_PREFIX), &key, &value, err);
	}
	ks_disk_cursor_close(c);
	return status;
}

/* A segment is made with the first entry that is put into it, or is found on disk, and then nobody knows of what keys it has. */
static bool may_have(const struct ks_base_segment *g, uint64_t hash)
{
	return g->unfiltered || ks_filter_may_have(g->filter, hash);
}

int ks_base_get(struct ks_store *s, int32_t partition, int64_t id, struct ks_bytes key, uint64_t hash, bool *found,
    struct ks_err *err)
{
	const struct ks_base_segment *g = ks_base_find(s, partition, id);

	*found = false;
	if (g == NULL || !may_have(g, hash))
		return 0;
	if (ks_base_key(s, partition, id, key) != 0)
		return ks_store_no_memory(err);
	return ks_disk_get(s->disk, ks_buf_bytes(&s->key), &s->scratch, found, err);
}

static void free_filter(struct ks_store *s, struct ks_base_segment *g)
{
	s->filters -= g->filter != NULL;
	ks_filter_free(&g->filter, &s->filters_left);
}

/* The oldest segment does without: late records are few. */
static void give_up_oldest(struct ks_store *s, const struct ks_base_segment *but)
{
	struct ks_base_segment *oldest = NULL, *g;

	if (s->filters < 1 + (size_t)(but->filter != NULL))
		return;
	for (g = s->base; g < s->base + s->base_count; g++)
		if (g != but && g->filter != NULL && (oldest == NULL || g->id < oldest->id))
			oldest = g;
	oldest->unfiltered = true;
	free_filter(s, oldest);
}

static void add_to_filter(struct ks_store *s, struct ks_base_segment *g, uint64_t hash, size_t expected)
{
	bool had = g->filter != NULL;
	int no;

	if (g->unfiltered)
		return;
	no = ks_filter_add(&g->filter, hash, expected, &s->filters_left);
	s->filters += !had && g->filter != NULL;
	if (no != 0)
		give_up_oldest(s, g);
	if (no == ENOMEM && ks_filter_add(&g->filter, hash, expected, &s->filters_left) != 0) {
		g->unfiltered = true;
		free_filter(s, g);
	}
}

/* What the base has of s->key, at which the cursor stands then. */
static int look(struct ks_store *s, const struct ks_base_segment *g, uint64_t hash, bool *found, struct ks_bytes *value, struct ks_err *err)
{
	*found = false;
	if (!g->present || !may_have(g, hash))
		return 0;
	return ks_disk_find(s->writer, ks_buf_bytes(&s->key), found, value, err);
}

int ks_base_put(struct ks_store *s, int32_t partition, int64_t id, const struct ks_entry *e, size_t expected, struct ks_err *err)
{
	struct ks_base_segment *g = e->deleted ? ks_base_find(s, partition, id) : make(s, partition, id);
	struct ks_bytes old, value = ks_bytes(ks_entry_value((struct ks_entry *)(uintptr_t)e), e->value_n);
	bool undo = ks_merge_may_come_back(s), found = false;
	uint64_t hash = ks_hash(ks_entry_key(e), s->seed);
	int status = 0;

	if (e->deleted && (g == NULL || !g->present))
		return 0;
	if (g == NULL || ks_base_key(s, partition, id, ks_entry_key(e)) != 0)
		return ks_store_no_memory(err);
	if (undo || e->deleted)
		status = look(s, g, hash, &found, &old, err);
	if (status == 0 && undo && (found || !e->deleted))
		status = ks_undo_note(s, partition, id, ks_entry_key(e), found ? &old : NULL, err);
	if (status != 0)
		return status;
	if (e->deleted)
		return found ? ks_disk_cursor_delete(s->writer, err) : 0;
	add_to_filter(s, g, hash, expected);
	g->present = true;
	return found ? ks_disk_replace(s->writer, value, err) : ks_disk_cursor_put(s->writer, ks_buf_bytes(&s->key), value, err);
}

int ks_base_clear(struct ks_store *s, int32_t partition, int64_t id, size_t max, bool *done, struct ks_err *err)
{
	struct ks_base_segment *g = ks_base_find(s, partition, id);
	unsigned char prefix[KS_BASE_PREFIX];
	struct ks_bytes key, value;
	struct ks_disk_cursor *c;
	int status;

	*done = true;
	if (g == NULL || !g->present)
		return 0;
	put_prefix(prefix, partition, id);
	status = ks_disk_from(s->disk, ks_bytes(prefix, KS_BASE_PREFIX), &c, &key, &value, err);
	for (; status == 0 && key.n >= KS_BASE_PREFIX && memcmp(key.p, prefix, KS_BASE_PREFIX) == 0; max--) {
		if (max == 0) {
			*done = false;
			break;
		}
		if (ks_merge_may_come_back(s))
			status = ks_undo_note(s, partition, id, ks_bytes(key.p + KS_BASE_PREFIX, key.n - KS_BASE_PREFIX), &value, err);
		if (status == 0)
			status = ks_disk_cursor_delete(c, err);
		if (status == 0)
			status = ks_disk_next(c, &key, &value, err);
	}
	ks_disk_cursor_close(c);
	if (status == 0 && *done)
		g->present = false;
	return status;
}

void ks_base_drop(struct ks_store *s, int32_t partition, int64_t id)
{
	struct ks_base_segment *g = ks_base_find(s, partition, id);

	if (g != NULL)
		g->young_drop = true;
}

void ks_base_rotate(struct ks_store *s)
{
	size_t i;

	for (i = 0; i < s->base_count; i++) {
		s->base[i].old_drop = s->base[i].young_drop;
		s->base[i].young_drop = false;
	}
}

void ks_base_merged(struct ks_store *s)
{
	size_t i, kept = 0;

	for (i = 0; i < s->base_count; i++) {
		s->base[i].old_drop = false;
		if (s->base[i].present)
			s->base[kept++] = s->base[i];
		else
			free_filter(s, &s->base[i]);
	}
	s->base_count = kept;
}

void ks_base_release(struct ks_store *s)
{
	while (s->base_count > 0)
		free_filter(s, &s->base[--s->base_count]);
	free(s->base);
}
