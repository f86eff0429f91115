/* SPDX-License-Identifier: MIT */
/* order.c - which of several queues goes next: by event time. */
#include "order.h"

#include <errno.h>
#include <stdlib.h>

/* Queues of a partition number side by side, in their own order.  Once a run, so an insertion sort does. */
static void group(struct ks_order *o)
{
	size_t i, k;

	for (i = 0; i < o->count; i++) {
		for (k = i; k > 0 && o->by[k - 1]->partition > o->queues[i].partition; k--)
			o->by[k] = o->by[k - 1];
		o->by[k] = &o->queues[i];
	}
	for (i = 0; i < o->count; i++)
		if (i == 0 || o->by[i]->partition != o->by[i - 1]->partition)
			o->groups[o->group_count++] = i;
	o->groups[o->group_count] = o->count;
}

int ks_order_open(struct ks_order *o, const int32_t *partitions, size_t count, size_t room)
{
	size_t i;

	*o = (struct ks_order){ .room = room };
	o->queues = calloc(count + 1, sizeof(*o->queues));
	o->by = calloc(count + 1, sizeof(struct ks_order_queue *));
	o->groups = calloc(count + 1, sizeof(*o->groups));
	if (o->queues == NULL || o->by == NULL || o->groups == NULL)
		return ENOMEM;
	for (i = 0; i < count; i++, o->count++) {
		o->queues[i] = (struct ks_order_queue){ .partition = partitions[i], .idle_since = -1 };
		o->queues[i].items = calloc(room, sizeof(void *));
		if (o->queues[i].items == NULL)
			return ENOMEM;
	}
	group(o);
	return 0;
}

void ks_order_close(struct ks_order *o)
{
	size_t i;

	for (i = 0; i < o->count; i++)
		free(o->queues[i].items);
	free(o->queues);
	free(o->by);
	free(o->groups);
	*o = (struct ks_order){ .count = 0 };
}

void ks_order_put(struct ks_order *o, struct ks_order_queue *q, size_t count)
{
	if (q->at < q->count || count > o->room)
		ks_bug("a queue got more than it has room for");
	q->at = 0;
	q->count = count;
	if (count == 0)
		return;
	q->idle_since = -1;
	q->head_ms = o->time_of(o->arg, q->items[0]);
}

/* Whether the group need not wait for q, which is empty. */
static bool passed_by(const struct ks_order *o, struct ks_order_queue *q, int64_t now, int64_t *until)
{
	int64_t due;

	if (q->rest != KS_ORDER_IDLE) {
		q->idle_since = -1;
		return q->rest == KS_ORDER_OVER;
	}
	if (q->idle_since < 0)
		q->idle_since = now;
	if (now - q->idle_since >= o->max_idle_ms)
		return true;
	due = o->max_idle_ms > INT64_MAX - q->idle_since ? INT64_MAX : q->idle_since + o->max_idle_ms;
	if (due < *until)
		*until = due;
	return false;
}

struct ks_order_queue *ks_order_next(struct ks_order *o, size_t at, int64_t now, int64_t *until)
{
	struct ks_order_queue *best = NULL, *q;
	bool waits = false;
	size_t i;

	for (i = o->groups[at]; i < o->groups[at + 1]; i++) {
		q = o->by[i];
		if (q->at == q->count) {
			if (!passed_by(o, q, now, until))
				waits = true;
		} else if (best == NULL || q->head_ms < best->head_ms) {
			best = q;
		}
	}
	return waits && best != NULL && best->head_ms != KS_ORDER_AT_ONCE ? NULL : best;
}

void *ks_order_take(struct ks_order *o, struct ks_order_queue *q)
{
	void *item = q->items[q->at++];

	if (q->at < q->count)
		q->head_ms = o->time_of(o->arg, q->items[q->at]);
	return item;
}
