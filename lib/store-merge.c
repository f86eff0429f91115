/* SPDX-License-Identifier: MIT */
/* store-merge.c - the old generation goes into the base, and the young one takes its place. */
#include "store-impl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "drill.h"

#define CLEAR_SLICE 512u	/* entries of a dropped segment that go at once */
#define BATCH ((size_t)16 << 10)	/* entries: half a MiB to sort them */
#define REAP 4u	/* records that go with a slice: of 32 KiB, most of them read again and logged once more */
#define FAST ((size_t)512 << 10)	/* bytes merged at once when somebody waits for it */

bool ks_merge_can(const struct ks_store *s)
{
	return ks_reap_can(s) || (s->merge.active && !ks_merge_may_come_back(s));
}

/* A newer value will be in the base in its time, and no rollback goes below it. */
static bool is_superseded(const struct ks_store *s, const struct ks_segment *young, const struct ks_entry *e)
{
	uint32_t ref, stamp;

	/* Mostly no epoch is newer and committed already: then there is no need to look for it, which misses the cache. */
	if (young == NULL || (ks_store_is_durable(s) && s->merge.known <= s->merge.epoch))
		return false;
	ref = ks_segment_find(young, ks_entry_key(e), ks_hash(ks_entry_key(e), s->seed));
	if (ref == 0 || !ks_store_is_durable(s))
		return ref != 0;
	stamp = ks_segment_at(young, ref)->stamp;
	return stamp > ks_store_stamp(s, s->merge.epoch) && stamp <= ks_store_stamp(s, s->merge.known);
}

/* The segment that is to be worked on; NULL: there is none any more. */
static struct ks_segment *current(struct ks_store *s)
{
	struct ks_merge *m = &s->merge;
	struct ks_store_part *part;
	struct ks_segment *g;
	size_t i, k;

	for (i = ks_store_parts_place(&s->old.parts, m->partition); i < s->old.parts.count; i++) {
		part = &s->old.parts.parts[i];
		if (part->partition != m->partition) {
			m->partition = part->partition;
			m->segment = INT64_MIN;
			m->walk = (struct ks_segment_walk){ 0 };
		}
		k = ks_store_part_place(part, m->segment);
		if (k == part->count)
			continue;
		g = ks_store_part_at(part, k);
		if (g->id != m->segment) {
			m->segment = g->id;
			m->walk = (struct ks_segment_walk){ 0 };
		}
		return g;
	}
	return NULL;
}

static struct ks_bytes key_of(const void *thing)
{
	return ks_entry_key(thing);
}

/* The next entries of a segment, as many as a batch takes: 0 or ENOMEM. */
static int fill_batch(struct ks_merge *m, const struct ks_segment *g)
{
	struct ks_entry *e;

	m->batch_n = m->batch_at = 0;
	if (m->batch == NULL) {
		m->batch = reallocarray(NULL, BATCH, 2 * sizeof(*m->batch));
		if (m->batch == NULL)
			return ENOMEM;
	}
	while (m->batch_n < BATCH && (e = ks_segment_next(g, &m->walk, false)) != NULL)
		m->batch[m->batch_n++].thing = e;
	ks_key_sort(m->batch, m->batch_n, key_of);
	return 0;
}

/* To the next segment; false: there can be none. */
static bool step_segment(struct ks_merge *m)
{
	m->walk = (struct ks_segment_walk){ 0 };
	if (m->segment < INT64_MAX) {
		m->segment++;
		return true;
	}
	if (m->partition == INT32_MAX)
		return false;
	m->segment = INT64_MIN;
	m->partition++;
	return true;
}

static int merge_batch(struct ks_store *s, size_t *bytes, struct ks_err *err)
{
	struct ks_merge *m = &s->merge;
	struct ks_segment *young = ks_store_parts_find(&s->young.parts, m->partition, m->segment);
	const struct ks_entry *e;
	size_t n;
	int status = 0;

	while (*bytes > 0 && status == 0 && m->batch_at < m->batch_n) {
		e = m->batch[m->batch_at++].thing;
		n = ks_entry_size(e);
		*bytes -= n < *bytes ? n : *bytes;
		if (!is_superseded(s, young, e))
			status = ks_base_put(s, m->partition, m->segment, e, m->batch_n - m->batch_at + 1, err);
	}
	return status;
}

static int merge_entries(struct ks_store *s, size_t *bytes, struct ks_err *err)
{
	struct ks_merge *m = &s->merge;
	int status = ks_disk_writer(s->disk, &s->writer, err);
	struct ks_segment *g;

	while (*bytes > 0 && status == 0) {
		if (m->batch_at < m->batch_n) {
			status = merge_batch(s, bytes, err);
			continue;
		}
		g = current(s);
		if (g == NULL) {
			m->entries_done = true;
			break;
		}
		if (fill_batch(m, g) != 0)
			status = ks_store_no_memory(err);
		if (status == 0 && m->batch_n == 0 && !step_segment(m)) {
			m->entries_done = true;
			break;
		}
	}
	ks_disk_cursor_close(s->writer);
	s->writer = NULL;
	return status;
}

static int merge_drops(struct ks_store *s, size_t *bytes, struct ks_err *err)
{
	const struct ks_dropped *d;
	bool done = true;
	int status = 0;

	while (s->merge.dropped < s->old.dropped_count && *bytes > 0 && status == 0) {
		d = &s->old.dropped[s->merge.dropped];
		status = ks_base_clear(s, d->partition, d->segment, CLEAR_SLICE, &done, err);
		s->merge.dropped += done;
		*bytes = done ? *bytes - 1 : 0;
	}
	return status;
}

static void finish(struct ks_store *s)
{
	struct ks_merge *m = &s->merge;
	struct ks_reap reap = { m->whole, m->wait };

	if (ks_store_is_durable(s))
		*(s->reap.wait == 0 ? &s->reap : &s->reap_next) = reap;
	m->active = false;
	free(m->batch);
	m->batch = NULL;
	ks_base_merged(s);
	free(s->old.dropped);
	s->old.dropped = NULL;
	s->old.dropped_count = s->old.dropped_cap = 0;
	s->old.written = 0;
}

/* What a drop of a segment takes away and what its entries put stand in undo records of their own: those have no key twice. */
static int merge_slice(struct ks_store *s, size_t bytes, struct ks_err *err)
{
	int status = 0;

	if (!s->merge.begun) {
		s->merge.begun = true;
		s->merge.known = s->known;
		if (ks_store_is_durable(s) && s->floor < s->known) {
			s->floor = s->known;
			status = ks_meta_write(s, err);
		}
	}
	if (status == 0)
		status = merge_drops(s, &bytes, err);
	if (status == 0)
		status = ks_undo_write(s, err);
	if (status == 0 && bytes > 0)
		status = merge_entries(s, &bytes, err);
	if (status == 0)
		status = ks_undo_write(s, err);
	if (status == 0 && s->merge.entries_done)
		finish(s);
	return status;
}

int ks_merge_some(struct ks_store *s, size_t bytes, struct ks_err *err)
{
	int status = ks_disk_begin(s->disk, err);

	if (status == 0 && ks_reap_can(s))
		status = ks_reap_some(s, REAP, err);
	ks_point("merge-begun");
	if (status == 0 && s->merge.active)
		status = merge_slice(s, bytes, err);
	ks_point("slice-merged");
	/* Nothing is lost with it that is not in chunks: they go in a later write of the same log. */
	return status != 0 ? status : ks_disk_end(s->disk, false, err);
}

/* Scratch on disk: its directory is gone again when it is open. */
static int open_scratch(struct ks_store *s, struct ks_err *err)
{
	const char *tmp = getenv("TMPDIR");

	if (tmp == NULL || tmp[0] == '\0')
		tmp = "/tmp";
	if (asprintf(&s->home, "%s/kstream.XXXXXX", tmp) < 0) {
		s->home = NULL;
		return ks_fail_memory(err);
	}
	if (mkdtemp(s->home) == NULL)
		return ks_fail_errno(err, KS_IO, errno, "cannot make a directory in '%s' for state that passes --memory", tmp);
	return ks_disk_open(&s->disk, s->home, s->cache, false, err);
}

int ks_store_rotate(struct ks_store *s, int64_t epoch, struct ks_err *err)
{
	int status = s->disk == NULL ? open_scratch(s, err) : 0;

	if (status != 0)
		return status;
	ks_generation_clear(&s->old);
	s->old = s->young;
	s->young = (struct ks_generation){ 0 };
	ks_base_rotate(s);
	s->merge = (struct ks_merge){
		.active = true, .epoch = epoch, .whole = s->epoch, .wait = epoch, .partition = INT32_MIN, .segment = INT64_MIN,
	};
	return 0;
}

int ks_store_make_room(struct ks_store *s, int64_t epoch, struct ks_err *err)
{
	int status = 0;

	while (s->merge.active && status == 0)
		status = ks_merge_some(s, FAST, err);
	return status != 0 ? status : ks_store_rotate(s, epoch, err);
}
