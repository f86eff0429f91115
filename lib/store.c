/* SPDX-License-Identifier: MIT */
/* store.c - keyed state: a young generation of entries over an old one over the base. */
#include "store-impl.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* Where an entry is to be found. */
struct place {
	int32_t partition;
	int64_t segment;
	struct ks_bytes key;
	uint64_t hash;
};

int ks_store_no_memory(struct ks_err *err)
{
	return ks_fail_errno(err, KS_TEMP, ENOMEM, "cannot keep state");
}

int ks_store_open(struct ks_store **out, uint64_t seed, struct ks_err *err)
{
	struct ks_store *s = calloc(1, sizeof(*s));

	*out = s;
	if (s == NULL)
		return ks_store_no_memory(err);
	s->seed = seed;
	s->lock = -1;
	s->memory = SIZE_MAX;
	ks_buf_init(&s->scratch, UINT32_MAX);
	ks_buf_init(&s->key, UINT32_MAX);
	ks_buf_init(&s->chunk, UINT32_MAX);
	ks_buf_init(&s->undo, UINT32_MAX);
	return 0;
}

void ks_generation_clear(struct ks_generation *y)
{
	ks_store_parts_clear(&y->parts);
	free(y->dropped);
	*y = (struct ks_generation){ 0 };
}

void ks_store_close(struct ks_store *s)
{
	if (s == NULL)
		return;
	ks_disk_cursor_close(s->writer);
	ks_disk_close(s->disk);
	free(s->merge.batch);
	ks_generation_clear(&s->young);
	ks_generation_clear(&s->old);
	ks_buf_release(&s->scratch);
	ks_buf_release(&s->key);
	ks_buf_release(&s->chunk);
	ks_buf_release(&s->undo);
	if (s->lock >= 0)
		close(s->lock);
	ks_base_release(s);
	ks_origins_release(&s->origins);
	free(s->home);
	free(s->root);
	free(s);
}

static inline struct ks_store_value value_of(struct ks_entry *e)
{
	return e->deleted ? (struct ks_store_value){ 0 } : (struct ks_store_value){ ks_entry_value(e), e->value_n };
}

/* There is something below the young generation. */
static inline bool is_deep(const struct ks_store *s)
{
	return s->old.parts.count > 0 || s->base_count > 0;
}

/* Below the young generation: *e in the old one, or else *found in s->scratch. */
static int look_below(struct ks_store *s, const struct place *at, struct ks_entry **e, bool *found, struct ks_err *err)
{
	struct ks_segment *g = ks_store_parts_find(&s->old.parts, at->partition, at->segment);
	uint32_t ref = g != NULL ? ks_segment_find(g, at->key, at->hash) : 0;

	*e = NULL;
	*found = false;
	if (ref != 0) {
		*e = ks_segment_at(g, ref);
		return 0;
	}
	if (!ks_base_has(s, at->partition, at->segment))
		return 0;
	return ks_base_get(s, at->partition, at->segment, at->key, at->hash, found, err);
}

bool ks_store_below(struct ks_store *s, int32_t partition, int64_t segment, const struct ks_entry *e, struct ks_err *err)
{
	struct place at = { partition, segment, ks_entry_key(e), ks_hash(ks_entry_key(e), s->seed) };
	struct ks_entry *old;
	bool found;

	return is_deep(s) && look_below(s, &at, &old, &found, err) == 0 && (found || (old != NULL && !old->deleted));
}

int ks_store_damaged(int32_t partition, struct ks_err *err)
{
	return ks_fail(err, KS_CONFIG, "what is kept of partition %d is damaged", (int)partition);
}

void ks_store_expect(const struct ks_store *s, int32_t partition, int64_t segment, struct ks_bytes key, bool found)
{
	const struct ks_segment *g = ks_store_parts_find(&s->young.parts, partition, segment);
	uint64_t hash = ks_hash(key, s->seed);

	if (g != NULL)
		ks_segment_hint(g, hash, found);
	g = s->merge.active ? ks_store_parts_find(&s->old.parts, partition, segment) : NULL;
	if (g != NULL)
		ks_segment_hint(g, hash, found);
}

void ks_store_expect_again(const struct ks_store *s, struct ks_bytes key, bool found)
{
	if (s->young.parts.last != NULL)
		ks_store_expect(s, s->young.parts.last_partition, s->young.parts.last->id, key, found);
}

int ks_store_get(struct ks_store *s, int32_t partition, int64_t segment, struct ks_bytes key,
    struct ks_store_value *v, struct ks_err *err)
{
	struct ks_segment *g = ks_store_parts_find(&s->young.parts, partition, segment);
	struct place at = { partition, segment, key, ks_hash(key, s->seed) };
	struct ks_entry *e;
	bool found;
	uint32_t ref;
	int status;

	*v = (struct ks_store_value){ 0 };
	ref = g != NULL ? ks_segment_find(g, key, at.hash) : 0;
	if (ref != 0) {
		*v = value_of(ks_segment_at(g, ref));
		return 0;
	}
	if (KS_LIKELY(!is_deep(s)))
		return 0;
	status = look_below(s, &at, &e, &found, err);
	if (e != NULL)
		*v = value_of(e);
	else if (found)
		*v = (struct ks_store_value){ s->scratch.n > 0 ? s->scratch.p : (unsigned char *)s, s->scratch.n };
	return status;
}

/* Make the value of an entry n bytes long: 0, no memory. */
static uint32_t lengthen(struct ks_segment *g, uint32_t ref, uint64_t hash, size_t n)
{
	struct ks_entry *e = ks_segment_at(g, ref);

	if (e->value_cap < n)
		ref = ks_segment_widen(g, ref, hash, n);
	if (ref == 0)
		return 0;
	e = ks_segment_at(g, ref);
	memset(ks_entry_value(e) + e->value_n, 0, n - e->value_n);
	e->value_n = (uint32_t)n;
	return ref;
}

/* An entry that the young generation does not have: with the value that is below, if there is one. */
static int adopt(struct ks_store *s, struct ks_segment *g, const struct place *at, size_t n, uint32_t *ref, struct ks_err *err)
{
	struct ks_bytes below = { NULL, 0 };
	struct ks_entry *e = NULL;
	bool found = false;
	uint32_t stamp = 0;
	int status = is_deep(s) ? look_below(s, at, &e, &found, err) : 0;

	if (status != 0)
		return status;
	if (e != NULL) {
		stamp = e->stamp;
		if (!e->deleted)
			below = ks_bytes(ks_entry_value(e), e->value_n);
	} else if (found) {
		stamp = 1;
		below = ks_buf_bytes(&s->scratch);
	}
	*ref = ks_segment_make(g, at->key, at->hash, n > below.n ? n : below.n);
	if (*ref == 0)
		return ks_store_no_memory(err);
	e = ks_segment_at(g, *ref);
	e->stamp = stamp;
	if (below.n > 0)
		memcpy(ks_entry_value(e), below.p, below.n);
	e->value_n = (uint32_t)below.n;
	return 0;
}

/* In the middle of an epoch. */
static int spill(struct ks_store *s, struct ks_err *err)
{
	int status = 0;

	if (!ks_store_is_durable(s))
		return ks_store_make_room(s, s->epoch, err);
	if (s->restoring)
		return ks_store_spill_restored(s, err);
	status = ks_store_write_open(s, err);
	if (status == 0)
		status = ks_store_make_room(s, s->epoch + 1, err);
	return status == 0 ? ks_disk_checkpoint(s->disk, err) : status;
}

/* What young grows by is a measure of how much work must be done to let go of old in time. */
static int pay(struct ks_store *s, struct ks_err *err)
{
	size_t debt = s->debt;

	if (s->due)
		return ks_store_tend(s, err);
	s->debt = 0;
	if (s->young.bytes > s->memory)
		return spill(s, err);
	/* What may be rolled back costs more to merge: only where there is no time left to wait for its commit. */
	return ks_merge_can(s) || (s->merge.active && s->young.bytes > s->memory / 2) ? ks_merge_some(s, 2 * debt, err) : 0;
}

/* The entry with room for n bytes, in the young generation; before it g->bytes is what is counted. */
static int put_slowly(struct ks_store *s, struct ks_segment *g, const struct place *at, size_t n, uint32_t *ref, struct ks_err *err)
{
	size_t before = g->bytes;
	int status = 0;

	if (*ref == 0)
		status = adopt(s, g, at, n, ref, err);
	if (status == 0 && ks_segment_at(g, *ref)->value_n < n) {
		*ref = lengthen(g, *ref, at->hash, n);
		status = *ref == 0 ? ks_store_no_memory(err) : 0;
	}
	s->young.bytes += g->bytes - before;
	s->debt += sizeof(struct ks_entry) + at->key.n + n;
	return status;
}

static struct ks_segment *make_segment(struct ks_store *s, int32_t partition, int64_t segment)
{
	struct ks_segment *g = ks_store_parts_find(&s->young.parts, partition, segment);

	if (KS_LIKELY(g != NULL)) {
		s->young.parts.last = g;
		s->young.parts.last_partition = partition;
		return g;
	}
	g = ks_store_parts_make(&s->young.parts, partition, segment);
	if (g != NULL)
		s->young.bytes += g->bytes;
	return g;
}

int ks_store_put(struct ks_store *s, int32_t partition, int64_t segment, struct ks_bytes key,
    size_t n, struct ks_store_value *v, struct ks_err *err)
{
	struct place at = { partition, segment, key, ks_hash(key, s->seed) };
	struct ks_segment *g;
	struct ks_entry *e;
	uint32_t ref;
	int status;

	if (KS_UNLIKELY(s->debt >= KS_STORE_DEBT) && (status = pay(s, err)) != 0)
		return status;
	g = make_segment(s, partition, segment);
	if (g == NULL)
		return ks_store_no_memory(err);
	ref = ks_segment_find(g, key, at.hash);
	if (KS_UNLIKELY(ref == 0 || ks_segment_at(g, ref)->value_n < n) &&
	    (status = put_slowly(s, g, &at, n, &ref, err)) != 0)
		return status;
	e = ks_segment_at(g, ref);
	e->deleted = 0;
	ks_segment_touch(g, ref);
	*v = (struct ks_store_value){ ks_entry_value(e), e->value_n };
	return 0;
}

/* Leave word that the key has no value, since there is one below, or in a chunk. */
static int bury(struct ks_store *s, const struct place *at, struct ks_err *err)
{
	struct ks_segment *g = make_segment(s, at->partition, at->segment);
	size_t before;
	uint32_t ref;

	if (g == NULL)
		return ks_store_no_memory(err);
	ref = ks_segment_find(g, at->key, at->hash);
	before = g->bytes;
	if (ref == 0)
		ref = ks_segment_make(g, at->key, at->hash, 0);
	s->young.bytes += g->bytes - before;
	if (ref == 0)
		return ks_store_no_memory(err);
	ks_segment_at(g, ref)->deleted = 1;
	ks_segment_at(g, ref)->value_n = 0;
	ks_segment_touch(g, ref);
	return 0;
}

int ks_store_delete(struct ks_store *s, int32_t partition, int64_t segment, struct ks_bytes key,
    struct ks_err *err)
{
	struct ks_segment *g = ks_store_parts_find(&s->young.parts, partition, segment);
	struct place at = { partition, segment, key, ks_hash(key, s->seed) };
	struct ks_entry *e = NULL, *young = NULL;
	bool found = false;
	uint32_t ref;
	size_t before;
	int status;

	if (s->due) {
		status = ks_store_tend(s, err);
		if (status != 0)
			return status;
		g = ks_store_parts_find(&s->young.parts, partition, segment);
	}
	ref = g != NULL ? ks_segment_find(g, key, at.hash) : 0;
	if (ref != 0)
		young = ks_segment_at(g, ref);
	if (young != NULL && young->deleted)
		return 0;
	if ((young == NULL || young->stamp == 0) && is_deep(s)) {
		status = look_below(s, &at, &e, &found, err);
		if (status != 0)
			return status;
	}
	if (young == NULL && (e == NULL || e->deleted) && !found)
		return 0;
	if (young == NULL || young->stamp != 0 || e != NULL || found)
		return bury(s, &at, err);
	before = g->bytes;
	ks_segment_remove(g, ref, at.hash);
	s->young.bytes += g->bytes - before;
	return 0;
}

bool ks_store_next_segment(const struct ks_store *s, int32_t partition, int64_t after, int64_t *segment)
{
	bool any = ks_store_parts_next(&s->young.parts, partition, after, segment);
	int64_t other;

	if (!is_deep(s))
		return any;
	if (ks_store_parts_next(&s->old.parts, partition, after, &other) && (!any || other < *segment)) {
		*segment = other;
		any = true;
	}
	if (ks_base_next(s, partition, after, &other) && (!any || other < *segment)) {
		*segment = other;
		any = true;
	}
	return any;
}

static bool next_partition(const struct ks_store_parts *parts, int64_t after, int32_t *partition, bool any)
{
	size_t i;

	for (i = 0; i < parts->count && parts->parts[i].partition <= after; i++)
		;
	if (i == parts->count || (any && parts->parts[i].partition >= *partition))
		return any;
	*partition = parts->parts[i].partition;
	return true;
}

bool ks_store_next_partition(const struct ks_store *s, int64_t after, int32_t *partition)
{
	bool any = next_partition(&s->young.parts, after, partition, false);
	size_t i;

	any = next_partition(&s->old.parts, after, partition, any);
	for (i = 0; i < s->base_count && s->base[i].partition <= after; i++)
		;
	if (i == s->base_count || (any && s->base[i].partition >= *partition))
		return any;
	*partition = s->base[i].partition;
	return true;
}

bool ks_store_oldest(const struct ks_store *s, int32_t partition, int64_t *segment)
{
	return ks_store_next_segment(s, partition, KS_STORE_META, segment);
}

int ks_generation_note_drop(struct ks_generation *y, int32_t partition, int64_t segment)
{
	size_t cap = y->dropped_cap == 0 ? 16 : 2 * y->dropped_cap;
	struct ks_dropped *wider;

	if (y->dropped_count == y->dropped_cap) {
		wider = reallocarray(y->dropped, cap, sizeof(*wider));
		if (wider == NULL)
			return ENOMEM;
		y->dropped = wider;
		y->dropped_cap = cap;
	}
	y->dropped[y->dropped_count++] = (struct ks_dropped){ partition, segment };
	return 0;
}

/* Let go of what a generation has of a segment: whether it had any, and whether a chunk has, too. */
static bool forget(struct ks_generation *y, int32_t partition, int64_t segment, bool *written)
{
	struct ks_segment *g = ks_store_parts_find(&y->parts, partition, segment);

	if (g == NULL)
		return false;
	*written = *written || g->written;
	y->bytes -= g->bytes;
	ks_store_parts_drop(&y->parts, partition, segment);
	return true;
}

void ks_store_drop(struct ks_store *s, int32_t partition, int64_t segment)
{
	bool written;

	if (s->due && (s->wrong.status != 0 || ks_store_tend(s, &s->wrong) != 0))
		return;
	if (s->log.change != NULL && (s->wrong.status != 0 || ks_log_drop(s, partition, segment, &s->wrong) != 0))
		return;
	written = ks_base_find(s, partition, segment) != NULL;
	forget(&s->young, partition, segment, &written);
	if (forget(&s->old, partition, segment, &written)) {
		written = true;
		if (s->merge.active)
			s->merge.wait = s->epoch + 1;
		if (s->merge.partition == partition && s->merge.segment == segment)
			s->merge.batch_n = s->merge.batch_at = 0;
	}
	ks_base_drop(s, partition, segment);
	if (!written)
		return;
	if (ks_generation_note_drop(&s->young, partition, segment) != 0)
		ks_store_no_memory(&s->wrong);
	else
		s->new_drops++;
}

/* Without a look at what is below: a chunk has the whole value. */
int ks_store_apply(struct ks_store *s, const struct ks_chunk_change *c, struct ks_err *err)
{
	struct place at = { c->partition, c->segment, c->key, ks_hash(c->key, s->seed) };
	bool written = true;
	struct ks_segment *g;
	size_t before;
	uint32_t ref;

	if (c->kind == KS_CHUNK_DROP) {
		forget(&s->young, c->partition, c->segment, &written);
		forget(&s->old, c->partition, c->segment, &written);
		ks_base_drop(s, c->partition, c->segment);
		return ks_generation_note_drop(&s->young, c->partition, c->segment) == 0 ? 0 : ks_store_no_memory(err);
	}
	g = make_segment(s, c->partition, c->segment);
	if (g == NULL)
		return ks_store_no_memory(err);
	before = g->bytes;
	ref = ks_segment_find(g, c->key, at.hash);
	if (ref == 0)
		ref = ks_segment_make(g, c->key, at.hash, c->value.n);
	if (ref != 0) {
		ks_segment_at(g, ref)->value_n = 0;
		ref = lengthen(g, ref, at.hash, c->value.n);
	}
	s->young.bytes += g->bytes - before;
	if (ref == 0)
		return ks_store_no_memory(err);
	if (c->value.n > 0)
		memcpy(ks_entry_value(ks_segment_at(g, ref)), c->value.p, c->value.n);
	ks_segment_at(g, ref)->deleted = c->kind == KS_CHUNK_DELETE;
	ks_segment_at(g, ref)->stamp = 1;
	g->written = true;
	return 0;
}
