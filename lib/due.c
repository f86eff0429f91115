/* SPDX-License-Identifier: MIT */
/* due.c - a binary heap of keys whose bytes stand in one buffer. */
#include "due.h"

#include <errno.h>
#include <stdlib.h>

#define COMPACT_MIN ((size_t)64 << 10)	/* below it, bytes of keys that went are left */

struct ks_due_item {
	int64_t time_ms;
	uint32_t at, n;		/* of the key */
};

void ks_due_init(struct ks_due *d)
{
	*d = (struct ks_due){ .count = 0 };
	ks_buf_init(&d->keys, UINT32_MAX);
}

void ks_due_release(struct ks_due *d)
{
	free(d->heap);
	ks_buf_release(&d->keys);
	ks_due_init(d);
}

static bool before(const struct ks_due *d, const struct ks_due_item *a, const struct ks_due_item *b)
{
	int c;

	if (a->time_ms != b->time_ms)
		return a->time_ms < b->time_ms;
	c = memcmp(d->keys.p + a->at, d->keys.p + b->at, a->n < b->n ? a->n : b->n);
	return c != 0 ? c < 0 : a->n < b->n;
}

/* Keys that went take more than those that are there: the latter move together. */
static int compact(struct ks_due *d)
{
	struct ks_buf fresh;
	size_t i;

	if (d->keys.n < COMPACT_MIN || d->keys.n / 2 < d->live)
		return 0;
	ks_buf_init(&fresh, d->keys.max);
	if (ks_buf_reserve(&fresh, d->live) != 0)
		return ENOMEM;
	for (i = 0; i < d->count; i++) {
		memcpy(fresh.p + fresh.n, d->keys.p + d->heap[i].at, d->heap[i].n);
		d->heap[i].at = (uint32_t)fresh.n;
		fresh.n += d->heap[i].n;
	}
	ks_buf_release(&d->keys);
	d->keys = fresh;
	return 0;
}

static int more_room(struct ks_due *d)
{
	size_t cap = d->cap == 0 ? 64 : d->cap * 2;
	struct ks_due_item *heap;

	if (d->count < d->cap)
		return 0;
	heap = reallocarray(d->heap, cap, sizeof(*heap));
	if (heap == NULL)
		return ENOMEM;
	d->heap = heap;
	d->cap = cap;
	return 0;
}

int ks_due_add(struct ks_due *d, int64_t time_ms, struct ks_bytes key)
{
	struct ks_due_item item;
	size_t i, up;
	int no = compact(d);

	if (no == 0)
		no = more_room(d);
	if (no == 0)
		no = ks_buf_add(&d->keys, key.p, key.n);
	if (no != 0)
		return no;
	d->live += key.n;
	item = (struct ks_due_item){ time_ms, (uint32_t)(d->keys.n - key.n), (uint32_t)key.n };
	for (i = d->count++; i > 0; i = up) {
		up = (i - 1) / 2;
		if (!before(d, &item, &d->heap[up]))
			break;
		d->heap[i] = d->heap[up];
	}
	d->heap[i] = item;
	return 0;
}

bool ks_due_first(const struct ks_due *d, int64_t *time_ms, struct ks_bytes *key)
{
	if (d->count == 0)
		return false;
	*time_ms = d->heap[0].time_ms;
	*key = ks_bytes(d->keys.p + d->heap[0].at, d->heap[0].n);
	return true;
}

void ks_due_pop(struct ks_due *d)
{
	struct ks_due_item last = d->heap[--d->count];
	size_t i = 0, down;

	d->live -= d->heap[0].n;
	for (; (down = 2 * i + 1) < d->count; i = down) {
		if (down + 1 < d->count && before(d, &d->heap[down + 1], &d->heap[down]))
			down++;
		if (!before(d, &d->heap[down], &last))
			break;
		d->heap[i] = d->heap[down];
	}
	d->heap[i] = last;
	if (d->count == 0)
		d->keys.n = d->live = 0;
}
