/* SPDX-License-Identifier: MIT */
/* least.c - a heap of what came, and one of what has gone from among it: what is least in both goes from both. */
#include "least.h"

#include <errno.h>
#include <stdlib.h>

#define SETTLE_MIN 1024u	/* fewer that have gone stay beside those that are there */

static int push(struct ks_least_heap *h, int64_t time_ms)
{
	size_t cap = h->cap == 0 ? 64 : 2 * h->cap, i, up;
	int64_t *list;

	if (h->count == h->cap) {
		list = reallocarray(h->list, cap, sizeof(*list));
		if (list == NULL)
			return ENOMEM;
		h->list = list;
		h->cap = cap;
	}
	for (i = h->count++; i > 0 && h->list[up = (i - 1) / 2] > time_ms; i = up)
		h->list[i] = h->list[up];
	h->list[i] = time_ms;
	return 0;
}

static void pop(struct ks_least_heap *h)
{
	int64_t last = h->list[--h->count];
	size_t i = 0, down;

	for (; (down = 2 * i + 1) < h->count; i = down) {
		if (down + 1 < h->count && h->list[down + 1] < h->list[down])
			down++;
		if (h->list[down] >= last)
			break;
		h->list[i] = h->list[down];
	}
	h->list[i] = last;
}

static int by_time(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* What has gone leaves what came; what is in order is a heap. */
static void settle(struct ks_least *x)
{
	struct ks_least_heap *c = &x->come, *g = &x->gone;
	size_t i, k = 0, n = 0;

	qsort(c->list, c->count, sizeof(*c->list), by_time);
	qsort(g->list, g->count, sizeof(*g->list), by_time);
	for (i = 0; i < c->count; i++) {
		if (k < g->count && g->list[k] == c->list[i])
			k++;
		else
			c->list[n++] = c->list[i];
	}
	c->count = n;
	g->count = 0;
}

int ks_least_add(struct ks_least *x, int64_t time_ms)
{
	return push(&x->come, time_ms);
}

int ks_least_remove(struct ks_least *x, int64_t time_ms)
{
	int no = 0;

	if (time_ms != ks_least_first(x))
		no = push(&x->gone, time_ms);
	else
		pop(&x->come);
	while (no == 0 && x->gone.count > 0 && x->gone.list[0] == x->come.list[0]) {
		pop(&x->gone);
		pop(&x->come);
	}
	if (x->gone.count > SETTLE_MIN && x->gone.count > x->come.count / 2)
		settle(x);
	return no;
}

void ks_least_release(struct ks_least *x)
{
	free(x->come.list);
	free(x->gone.list);
	*x = (struct ks_least){ 0 };
}
