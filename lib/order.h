/* SPDX-License-Identifier: MIT */
/*
 * order.h - which of several queues goes next: by event time, as Kafka
 * Streams chooses (PartitionGroup).
 *
 * Queues of one partition number are a group, and groups have nothing to do
 * with each other.  In a group the smallest time of a head goes first, ties
 * by the order of the queues; a queue itself stays as it is, so a late
 * record waits for what stands before it.  While one of the group is empty,
 * and may have something, none goes.
 *
 * A queue holds at most `room` items, which stay the caller's; whoever has
 * no room leaves the rest where it is.
 */
#ifndef KS_ORDER_H
#define KS_ORDER_H

#include "sys.h"

#define KS_ORDER_AT_ONCE INT64_MIN	/* an item of this time waits for nobody: an event, not a record */

/* What is known of a queue once it is empty. */
enum ks_order_rest {
	KS_ORDER_MORE,		/* there may be more: it is waited for */
	KS_ORDER_IDLE,		/* it has come to its end, which may move: for max_idle_ms */
	KS_ORDER_OVER,		/* nothing comes any more */
};

struct ks_order_queue {
	int32_t partition;
	enum ks_order_rest rest;	/* the caller's to set */
	int64_t head_ms;		/* time of the head, where there is one */
	int64_t idle_since;		/* -1: not seen idle */
	void **items;
	size_t at, count;
};

struct ks_order {
	struct ks_order_queue *queues;	/* in the order of the caller */
	struct ks_order_queue **by;	/* by partition number, then that */
	size_t *groups;			/* where each begins in by; one more at the end */
	size_t count, group_count, room;
	int64_t max_idle_ms;
	int64_t (*time_of)(void *arg, void *item);	/* asked once an item, when it is a head */
	void *arg;
};

/* partitions: one number for each queue.  Set time_of, arg, max_idle_ms behind it.  0, ENOMEM. */
int	ks_order_open(struct ks_order *o, const int32_t *partitions, size_t count, size_t room)
	    KS_MUST_USE;
void	ks_order_close(struct ks_order *o);	/* items are not freed: take them first */

static inline size_t ks_order_held(const struct ks_order_queue *q)
{
	return q->count - q->at;
}

/* How many items q takes: room while it is empty, else none. */
static inline size_t ks_order_room(const struct ks_order *o, const struct ks_order_queue *q)
{
	return ks_order_held(q) == 0 ? o->room : 0;
}

/* Items were put at q->items[0..count), for which there was room. */
void	ks_order_put(struct ks_order *o, struct ks_order_queue *q, size_t count);

/*
 * ks_order_next - the queue of the group whose head goes next.
 *
 *	now	a clock in ms
 *	until	lowered to when it may go on although nothing has come
 *
 * NULL: one that is empty is waited for, or all are.
 */
struct ks_order_queue *ks_order_next(struct ks_order *o, size_t group, int64_t now, int64_t *until);

/* Take the head of q, which has one. */
void   *ks_order_take(struct ks_order *o, struct ks_order_queue *q);

#endif
