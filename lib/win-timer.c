/* SPDX-License-Identifier: MIT */
/* win-timer.c - buckets of time in the store, the one at hand as a heap. */
#include "win-timer.h"

#include <stdlib.h>

static int cmp(const struct ks_win_part *part, const struct ks_win_due *a, const struct ks_win_due *b)
{
	size_t n = a->key_n < b->key_n ? a->key_n : b->key_n;
	int c;

	if (a->due_ms != b->due_ms)
		return a->due_ms < b->due_ms ? -1 : 1;
	if (a->start_ms != b->start_ms)
		return a->start_ms < b->start_ms ? -1 : 1;
	c = memcmp(part->keys.p + a->key_at, part->keys.p + b->key_at, n);
	return c != 0 ? c : a->key_n < b->key_n ? -1 : a->key_n > b->key_n;
}

static void sift_up(struct ks_win_part *part, size_t i)
{
	struct ks_win_due *d = part->dues, moved = d[i];

	while (i > 0 && cmp(part, &moved, &d[(i - 1) / 2]) < 0) {
		d[i] = d[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	d[i] = moved;
}

static void sift_down(struct ks_win_part *part, size_t i)
{
	struct ks_win_due *d = part->dues, moved = d[i];
	size_t child;

	while ((child = 2 * i + 1) < part->due_count) {
		if (child + 1 < part->due_count && cmp(part, &d[child + 1], &d[child]) < 0)
			child++;
		if (cmp(part, &d[child], &moved) >= 0)
			break;
		d[i] = d[child];
		i = child;
	}
	d[i] = moved;
}

static int push(struct ks_win *w, struct ks_win_part *part, struct ks_bytes key, int64_t due_ms, int64_t start_ms)
{
	size_t cap = part->due_cap == 0 ? 64 : 2 * part->due_cap;
	struct ks_win_due *dues;

	if (part->due_count == part->due_cap) {
		dues = reallocarray(part->dues, cap, sizeof(*dues));
		if (dues == NULL)
			return ks_win_no_memory(w);
		part->dues = dues;
		part->due_cap = cap;
	}
	if (ks_buf_add(&part->keys, key.p, key.n) != 0)
		return ks_win_no_memory(w);
	part->dues[part->due_count++] = (struct ks_win_due){ due_ms, start_ms, (uint32_t)(part->keys.n - key.n),
		(uint32_t)key.n };
	sift_up(part, part->due_count - 1);
	return 0;
}

static int put(struct ks_win *w, struct ks_win_part *part, struct ks_bytes key, int64_t bucket)
{
	struct ks_store_value v;

	return ks_store_put(w->store, part->partition, 1 + bucket, key, 0, &v, w->run->err);
}

int ks_win_timer_arm(struct ks_win *w, struct ks_win_part *part, struct ks_bytes key, int64_t due_ms,
    int64_t start_ms, int64_t *armed)
{
	int64_t bucket = due_ms / w->bucket_ms;
	int status;

	if (due_ms < part->closing_ms)
		part->closing_ms = due_ms < INT64_MAX ? due_ms + 1 : INT64_MAX;
	if (part->loaded && bucket <= part->front) {
		status = push(w, part, key, due_ms, start_ms);
		return status != 0 ? status : put(w, part, key, part->front);	/* for a restart */
	}
	if (*armed != 0 && *armed <= bucket + 1)
		return 0;
	*armed = bucket + 1;
	return put(w, part, key, bucket);
}

/* Its windows of this bucket are ordered, the next ones armed. */
static int load_key(struct ks_win *w, struct ks_win_part *part, struct ks_bytes key, ks_win_due_of *due_of)
{
	int64_t due_ms, next_ms = INT64_MAX;
	const struct ks_win_entry *e = NULL;
	const struct ks_win_list *list;
	bool more = false;
	struct ks_store_value v;
	int status = ks_win_list_get(w, part, key, &list);

	if (status != 0 || list == NULL)
		return status;
	while (status == 0 && (e = ks_win_list_next(list, e)) != NULL) {
		due_ms = due_of(w, e);
		if (due_ms / w->bucket_ms <= part->front) {
			status = push(w, part, key, due_ms, e->start_ms);
		} else {
			more = true;
			next_ms = due_ms < next_ms ? due_ms : next_ms;
		}
	}
	/* A stale timer: the next one is there already. */
	if (status != 0 || list->armed > part->front + 1 || (!more && list->armed == 0))
		return status;
	status = ks_store_put(w->store, part->partition, KS_WIN_LISTS, key, list->used, &v, w->run->err);
	if (status != 0)
		return status;
	((struct ks_win_list *)(void *)v.p)->armed = more ? 1 + next_ms / w->bucket_ms : 0;
	return more ? put(w, part, key, next_ms / w->bucket_ms) : 0;
}

/* The windows that are due in a bucket, of the keys that have a timer there. */
static int load(struct ks_win *w, struct ks_win_part *part, int64_t bucket, ks_win_due_of *due_of)
{
	struct ks_store_scan scan;
	struct ks_store_value v;
	struct ks_bytes key;
	size_t at;
	int status;

	part->front = bucket;
	part->loaded = true;
	part->keys.n = 0;
	w->gone.n = 0;
	status = ks_store_scan_begin(w->store, part->partition, 1 + bucket, &scan, w->run->err);
	while (status == 0 && ks_store_scan_next(&scan, &key, &v)) {
		uint32_t n = (uint32_t)key.n;

		if (ks_buf_add(&w->gone, &n, 4) != 0 || ks_buf_add(&w->gone, key.p, key.n) != 0)
			status = ks_win_no_memory(w);
	}
	ks_store_scan_end(&scan);
	for (at = 0; at < w->gone.n && status == 0; at += 4 + key.n) {
		uint32_t n;

		memcpy(&n, w->gone.p + at, 4);
		key = ks_bytes(w->gone.p + at + 4, n);
		status = load_key(w, part, key, due_of);
	}
	return status;
}

static int fire_first(struct ks_win *w, struct ks_win_part *part, ks_win_due_of *due_of, ks_win_fire *fire)
{
	struct ks_win_due due = part->dues[0];
	const struct ks_win_entry *e = NULL;
	const struct ks_win_list *list;
	struct ks_bytes key;
	int status;

	part->dues[0] = part->dues[--part->due_count];
	if (part->due_count > 0)
		sift_down(part, 0);
	/* The keys move when another is pushed. */
	w->plain.n = 0;
	if (ks_buf_add(&w->plain, part->keys.p + due.key_at, due.key_n) != 0)
		return ks_win_no_memory(w);
	key = ks_buf_bytes(&w->plain);
	status = ks_win_list_get(w, part, key, &list);
	if (status != 0 || list == NULL)
		return status;
	while ((e = ks_win_list_next(list, e)) != NULL)
		if (e->start_ms == due.start_ms && due_of(w, e) == due.due_ms)
			return fire(w, part, key, list, e);
	return 0;
}

int ks_win_timer_run(struct ks_win *w, struct ks_win_part *part, int64_t limit_ms, bool all,
    ks_win_due_of *due_of, ks_win_fire *fire)
{
	int64_t segment;
	int status = 0;

	for (;;) {
		while (status == 0 && part->due_count > 0 && (all || part->dues[0].due_ms < limit_ms))
			status = fire_first(w, part, due_of, fire);
		if (status != 0)
			return status;
		if (part->due_count > 0)
			break;
		if (part->loaded)
			ks_store_drop(w->store, part->partition, 1 + part->front);
		part->loaded = false;
		if (!ks_store_next_segment(w->store, part->partition, KS_WIN_LISTS, &segment) ||
		    (!all && (segment - 1) * w->bucket_ms >= limit_ms))
			break;
		status = load(w, part, segment - 1, due_of);
		if (status != 0)
			return status;
	}
	segment = ks_win_timer_next(w, part);
	part->closing_ms = segment < INT64_MAX ? segment + 1 : INT64_MAX;
	return 0;
}

int64_t ks_win_timer_next(struct ks_win *w, const struct ks_win_part *part)
{
	int64_t segment;

	if (part->due_count > 0)
		return part->dues[0].due_ms;
	if (!ks_store_next_segment(w->store, part->partition, KS_WIN_LISTS, &segment))
		return INT64_MAX;
	return (segment - 1) * w->bucket_ms;
}
