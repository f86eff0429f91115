/* SPDX-License-Identifier: MIT */
/*
 * win-commit.c - --emit commit: which windows have changed since the last
 * barrier, in the order of their last change.
 *
 * It is Kafka Streams' record cache (semantics.md 3.6), but values stay
 * where they are, in the store, until they are emitted.  Nothing outlives
 * a barrier, so nothing of it must be kept.  A window that has closed does
 * not change any more, and need not wait: as often as those that wait have
 * doubled, the closed ones are emitted, and can be forgotten, so that memory
 * is for what is open and not for what an interval brings.  When many wait
 * all the same, all are emitted before their barrier.
 */
#include "win.h"

#include <errno.h>
#include <stdlib.h>

#include "hash.h"

#define WAITING_MAX ((size_t)16 << 20)	/* bytes of those that wait; Kafka Streams caches 10 MiB, with the values */
#define WAITING_PART 16			/* of --memory: what has them grows by doubling, and has slots */
#define SWEEP_FIRST 8192		/* that wait: fewer are not looked through for closed ones */
#define NONE UINT32_MAX

struct waiting {
	struct ks_window at;
	int64_t time_ms;	/* of the change, for a tombstone */
	struct ks_win_part *part;
	uint32_t key_at, key_n;
	uint32_t hash;
	uint32_t chain;		/* the next one of its slot */
	uint32_t before, behind;	/* in order of the last change */
	bool fresh;		/* nobody downstream has heard of it: where it is gone again, nobody will */
};

struct ks_win_commit {
	struct waiting *list;
	size_t count, cap;
	uint32_t *slots;
	size_t slot_count;	/* a power of two */
	uint32_t first, last;
	int64_t from_ms;	/* the smallest time of a change */
	struct ks_buf keys;
	size_t sweep;		/* so many must wait, or the closed ones are not looked for */
	size_t max;		/* bytes */
};

static struct ks_win_commit *get(struct ks_win *w)
{
	struct ks_win_commit *c = w->commit;
	size_t part = (w->memory > 0 ? w->memory : KS_STORE_MEMORY) / WAITING_PART;

	if (KS_LIKELY(c != NULL))
		return c;
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		return NULL;
	ks_buf_init(&c->keys, UINT32_MAX);
	c->first = c->last = NONE;
	c->sweep = SWEEP_FIRST;
	c->max = part < WAITING_MAX ? part : WAITING_MAX;
	w->commit = c;
	return c;
}

void ks_win_commit_free(struct ks_win *w)
{
	struct ks_win_commit *c = w->commit;

	if (c == NULL)
		return;
	ks_buf_release(&c->keys);
	free(c->list);
	free(c->slots);
	free(c);
	w->commit = NULL;
}

static void fill_slots(struct ks_win_commit *c)
{
	uint32_t *slot;
	size_t i;

	memset(c->slots, 0xff, c->slot_count * sizeof(*c->slots));
	for (i = 0; i < c->count; i++) {
		slot = &c->slots[c->list[i].hash & (c->slot_count - 1)];
		c->list[i].chain = *slot;
		*slot = (uint32_t)i;
	}
}

static bool grow(struct ks_win_commit *c)
{
	size_t cap = c->cap == 0 ? 256 : 2 * c->cap;
	struct waiting *list = reallocarray(c->list, cap, sizeof(*list));
	uint32_t *slots;

	if (list == NULL)
		return false;
	c->list = list;
	slots = reallocarray(c->slots, 2 * cap, sizeof(*slots));
	if (slots == NULL)
		return false;
	c->slots = slots;
	c->slot_count = 2 * cap;
	c->cap = cap;
	fill_slots(c);
	return true;
}

static void unlink_of(struct ks_win_commit *c, struct waiting *e)
{
	if (e->before != NONE)
		c->list[e->before].behind = e->behind;
	else
		c->first = e->behind;
	if (e->behind != NONE)
		c->list[e->behind].before = e->before;
	else
		c->last = e->before;
}

static void append(struct ks_win_commit *c, uint32_t i)
{
	struct waiting *e = &c->list[i];

	e->behind = NONE;
	e->before = c->last;
	if (c->last != NONE)
		c->list[c->last].behind = i;
	else
		c->first = i;
	c->last = i;
}

static uint32_t find(const struct ks_win_commit *c, const struct ks_win_part *part, const struct ks_window *at,
    struct ks_bytes key, uint32_t hash)
{
	uint32_t i = c->slot_count > 0 ? c->slots[hash & (c->slot_count - 1)] : NONE;
	const struct waiting *e;

	for (; i != NONE; i = e->chain) {
		e = &c->list[i];
		if (e->hash == hash && e->part == part && e->at.start_ms == at->start_ms && e->at.end_ms == at->end_ms &&
		    ks_bytes_eq(ks_bytes(c->keys.p + e->key_at, e->key_n), key))
			return i;
	}
	return NONE;
}

int ks_win_commit_add(struct ks_win *w, struct ks_win_part *part, const struct ks_window *at, struct ks_bytes key,
    int64_t time_ms, bool fresh)
{
	struct ks_win_commit *c = get(w);
	uint32_t hash = (uint32_t)ks_hash(key, (uint64_t)at->start_ms * 31 + (uint64_t)at->end_ms), i;
	struct waiting *e;

	if (c == NULL)
		return ks_win_no_memory(w);
	if (c->count == 0)
		c->from_ms = INT64_MAX;
	if (time_ms < c->from_ms && time_ms != KS_WIN_NO_TIME)
		c->from_ms = time_ms;
	i = find(c, part, at, key, hash);
	if (i != NONE) {
		c->list[i].time_ms = time_ms;
		if (i != c->last) {
			unlink_of(c, &c->list[i]);
			append(c, i);
		}
		return 0;
	}
	if ((c->count == c->cap && !grow(c)) || ks_buf_add(&c->keys, key.p, key.n) != 0)
		return ks_win_no_memory(w);
	i = (uint32_t)c->count++;
	e = &c->list[i];
	*e = (struct waiting){ .at = *at, .time_ms = time_ms, .part = part, .key_at = (uint32_t)(c->keys.n - key.n),
		.key_n = (uint32_t)key.n, .hash = hash, .chain = c->slots[hash & (c->slot_count - 1)], .fresh = fresh };
	c->slots[hash & (c->slot_count - 1)] = i;
	append(c, i);
	return 0;
}

int64_t ks_win_commit_from(const struct ks_win *w)
{
	return w->commit != NULL && w->commit->count > 0 ? w->commit->from_ms : INT64_MAX;
}

bool ks_win_commit_full(const struct ks_win *w)
{
	const struct ks_win_commit *c = w->commit;

	return c != NULL && c->keys.n + c->count * sizeof(*c->list) > c->max;
}

bool ks_win_commit_many(const struct ks_win *w)
{
	return w->commit != NULL && (w->commit->count >= w->commit->sweep || ks_win_commit_full(w));
}

static int emit(struct ks_win *w, const struct ks_win_commit *c, const struct waiting *e)
{
	struct ks_bytes key = ks_bytes(c->keys.p + e->key_at, e->key_n);
	struct ks_win_state state;
	int status = w->shape->find(w, e->part, &e->at, key, &state);

	if (status != 0)
		return status;
	if (state.p != NULL)
		return ks_win_result(w, e->part, &e->at, key, state.p);
	return e->fresh ? 0 : ks_win_gone(w, e->part, &e->at, key, e->time_ms);
}

int ks_win_commit_flush(struct ks_win *w)
{
	struct ks_win_commit *c = w->commit;
	int status = 0;
	uint32_t i;

	if (c == NULL || c->count == 0)
		return 0;
	for (i = c->first; i != NONE && status == 0; i = c->list[i].behind)
		status = emit(w, c, &c->list[i]);
	memset(c->slots, 0xff, c->slot_count * sizeof(*c->slots));
	c->first = c->last = NONE;
	c->count = 0;
	c->keys.n = 0;
	return status;
}

/* As the shape takes it, or earlier: then it is emitted again, should it change. */
static bool is_closed(const struct ks_win *w, const struct waiting *e)
{
	return w->shape->kind != 0 && e->at.end_ms <= ks_win_close_time(w, e->part);
}

/* Of those that wait the rest remains, in its order. */
static void close_ranks(struct ks_win_commit *c, struct waiting *rest, size_t count)
{
	size_t i;

	memcpy(c->list, rest, count * sizeof(*rest));
	c->from_ms = INT64_MAX;
	c->first = count == 0 ? NONE : 0;
	c->last = count == 0 ? NONE : (uint32_t)count - 1;
	for (i = 0; i < count; i++) {
		c->list[i].before = i == 0 ? NONE : (uint32_t)i - 1;
		c->list[i].behind = i + 1 == count ? NONE : (uint32_t)i + 1;
		if (c->list[i].time_ms < c->from_ms && c->list[i].time_ms != KS_WIN_NO_TIME)
			c->from_ms = c->list[i].time_ms;
	}
	c->count = count;
	fill_slots(c);
}

static int sweep(struct ks_win *w, struct ks_win_commit *c, struct waiting *rest, struct ks_buf *keys)
{
	size_t count = 0;
	int status = 0;
	uint32_t i;

	for (i = c->first; i != NONE && status == 0; i = c->list[i].behind) {
		if (is_closed(w, &c->list[i])) {
			status = emit(w, c, &c->list[i]);
			continue;
		}
		rest[count] = c->list[i];
		rest[count++].key_at = (uint32_t)keys->n;
		if (ks_buf_add(keys, c->keys.p + c->list[i].key_at, c->list[i].key_n) != 0)
			status = ks_win_no_memory(w);
	}
	if (status != 0)
		return status;
	close_ranks(c, rest, count);
	c->sweep = count < SWEEP_FIRST / 2 ? SWEEP_FIRST : 2 * count;
	return 0;
}

int ks_win_commit_sweep(struct ks_win *w)
{
	struct ks_win_commit *c = w->commit;
	struct waiting *rest = reallocarray(NULL, c->count, sizeof(*rest));
	struct ks_buf keys, old;
	int status;

	if (rest == NULL)
		return ks_win_no_memory(w);
	ks_buf_init(&keys, UINT32_MAX);
	status = sweep(w, c, rest, &keys);
	old = keys;
	if (status == 0) {
		old = c->keys;
		c->keys = keys;
	}
	ks_buf_release(&old);
	free(rest);
	return status;
}
