/* SPDX-License-Identifier: MIT */
/*
 * order.c - which queue goes next.
 *
 * Expected orders: Kafka's PartitionGroupTest, and a model that has all of
 * the input before it and takes the smallest head again and again.
 */
#include "lib/order.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* An item is a number: queue * 1000 + time. */
static void *item(size_t queue, int64_t time)
{
	return (void *)(uintptr_t)(queue * 1000 + (size_t)time);
}

static int64_t time_of(void *arg, void *x)
{
	int64_t ms = (int64_t)((uintptr_t)x % 1000);

	(void)arg;
	return ms == 999 ? KS_ORDER_AT_ONCE : ms;
}

static void open_order(struct ks_order *o, const int32_t *partitions, size_t count, size_t room)
{
	assert_int_equal(ks_order_open(o, partitions, count, room), 0);
	o->time_of = time_of;
}

static void put(struct ks_order *o, size_t queue, size_t count, const int *times)
{
	size_t i;

	for (i = 0; i < count; i++)
		o->queues[queue].items[i] = item(queue, times[i]);
	ks_order_put(o, &o->queues[queue], count);
}

/* The next of a group as queue * 1000 + time; -1: none goes. */
static int next_at(struct ks_order *o, size_t group, int64_t now, int64_t *until)
{
	struct ks_order_queue *q = ks_order_next(o, group, now, until);

	return q == NULL ? -1 : (int)(uintptr_t)ks_order_take(o, q);
}

static int next(struct ks_order *o)
{
	int64_t until = INT64_MAX;

	return next_at(o, 0, 0, &until);
}

static void expect(struct ks_order *o, const int *list)
{
	for (; *list != -2; list++)
		assert_int_equal(next(o), *list);
}

#define LIST(...) ((const int[]){ __VA_ARGS__ })

/* testTimeTracking: p1 [1,3,5] p2 [2,4,6]; a late record waits for those before it. */
static void late_heads(void **state)
{
	static const int32_t same[] = { 0, 0 };
	struct ks_order o;

	(void)state;
	open_order(&o, same, 2, 5);
	put(&o, 0, 5, LIST(1, 3, 5, 2, 4));
	put(&o, 1, 3, LIST(2, 4, 6));
	o.queues[0].rest = o.queues[1].rest = KS_ORDER_OVER;
	expect(&o, LIST(1, 1002, 3, 1004, 5, 2, 4, 1006, -1, -2));
	ks_order_close(&o);
}

/* shouldChooseNextRecordBasedOnHeadTimestamp: a largest time that was does not count. */
static void head_not_history(void **state)
{
	static const int32_t same[] = { 0, 0 };
	struct ks_order o;

	(void)state;
	open_order(&o, same, 2, 3);
	put(&o, 0, 3, LIST(1, 5, 3));
	o.queues[1].rest = KS_ORDER_IDLE;
	expect(&o, LIST(1, 5, -2));
	put(&o, 1, 3, LIST(2, 4, 6));
	expect(&o, LIST(1002, 3, -1, -2));
	ks_order_close(&o);
}

/* shouldIdleAsSpecifiedWhenLagIsZero, and what clears the deadline. */
static void idle(void **state)
{
	static const int32_t same[] = { 0, 0 };
	int64_t until = INT64_MAX;
	struct ks_order o;

	(void)state;
	open_order(&o, same, 2, 3);
	o.max_idle_ms = 1;
	put(&o, 0, 3, LIST(1, 2, 3));
	assert_int_equal(next_at(&o, 0, 0, &until), -1);	/* more may be there */
	assert_int_equal(next_at(&o, 0, 100000, &until), -1);
	assert_int_equal(until, INT64_MAX);
	o.queues[1].rest = KS_ORDER_IDLE;
	assert_int_equal(next_at(&o, 0, 0, &until), -1);
	assert_int_equal(until, 1);
	assert_int_equal(next_at(&o, 0, 1, &until), 1);
	assert_int_equal(next_at(&o, 0, 2, &until), 2);
	put(&o, 1, 1, LIST(9));
	assert_int_equal(next_at(&o, 0, 3, &until), 3);
	put(&o, 0, 1, LIST(10));
	assert_int_equal(next_at(&o, 0, 3, &until), 1009);
	assert_int_equal(next_at(&o, 0, 4, &until), -1);	/* idle anew */
	assert_int_equal(next_at(&o, 0, 5, &until), 10);
	o.max_idle_ms = INT64_MAX;
	put(&o, 0, 1, LIST(11));
	until = INT64_MAX;
	assert_int_equal(next_at(&o, 0, INT64_MAX - 1, &until), -1);
	ks_order_close(&o);
}

/* Ties go by the order of the queues; partition numbers apart do not wait for each other. */
static void ties_and_groups(void **state)
{
	static const int32_t numbers[] = { 7, 0, 7, 3 };
	int64_t until = INT64_MAX;
	struct ks_order o;

	(void)state;
	open_order(&o, numbers, 4, 2);
	assert_int_equal(o.group_count, 3);
	put(&o, 2, 2, LIST(5, 5));
	put(&o, 0, 2, LIST(5, 5));
	assert_int_equal(next_at(&o, 2, 0, &until), 5);
	assert_int_equal(next_at(&o, 2, 0, &until), 5);
	assert_int_equal(next_at(&o, 2, 0, &until), -1);
	o.queues[0].rest = KS_ORDER_OVER;
	assert_int_equal(next_at(&o, 2, 0, &until), 2005);
	assert_int_equal(next_at(&o, 2, 0, &until), 2005);
	put(&o, 3, 1, LIST(1));
	assert_int_equal(next_at(&o, 1, 0, &until), 3001);
	assert_int_equal(next_at(&o, 0, 0, &until), -1);
	ks_order_close(&o);
	assert_int_equal(ks_order_open(&o, numbers, 0, 2), 0);
	assert_int_equal(o.group_count, 0);
	ks_order_close(&o);
}

/* An event goes though a queue is waited for; a record does not. */
static void events(void **state)
{
	static const int32_t same[] = { 0, 0, 0 };
	struct ks_order o;

	(void)state;
	open_order(&o, same, 3, 2);
	put(&o, 1, 2, LIST(999, 4));
	put(&o, 2, 1, LIST(3));
	expect(&o, LIST(1999, -1, -2));
	o.queues[0].rest = KS_ORDER_OVER;
	expect(&o, LIST(2003, -1, -2));
	ks_order_close(&o);
}

/* A full queue takes nothing, an empty one as much as there is room for. */
static void bounded(void **state)
{
	static const int32_t same[] = { 0, 0 };
	struct ks_order o;
	size_t i;

	(void)state;
	open_order(&o, same, 2, 3);
	for (i = 0; i < 1000; i++) {
		if (ks_order_room(&o, &o.queues[0]) > 0)
			put(&o, 0, ks_order_room(&o, &o.queues[0]), LIST(1, 2, 3));
		assert_int_equal(ks_order_room(&o, &o.queues[0]), 0);
		assert_int_equal(next(&o), -1);	/* the other one is empty: not a record goes, and none is let in */
		assert_int_equal(ks_order_held(&o.queues[0]), 3);
	}
	put(&o, 1, 1, LIST(2));
	expect(&o, LIST(1, 2, 1002, -1, -2));
	ks_order_close(&o);
}

#define QUEUES 3
#define LONG 3

/* All of the input at once: the smallest head, ties by queue. */
static size_t model(int times[QUEUES][LONG], const size_t *lengths, int *out)
{
	size_t at[QUEUES] = { 0 }, n = 0, q, best;

	for (;;) {
		for (q = 0, best = QUEUES; q < QUEUES; q++)
			if (at[q] < lengths[q] && (best == QUEUES || times[q][at[q]] < times[best][at[best]]))
				best = q;
		if (best == QUEUES)
			return n;
		out[n++] = (int)best * 1000 + times[best][at[best]];
		at[best]++;
	}
}

/* The same, with items that come one at a time: a bit of way lets a queue that is empty go without for now. */
static size_t bit_by_bit(int times[QUEUES][LONG], const size_t *lengths, unsigned way, int *out)
{
	static const int32_t same[QUEUES] = { 4, 4, 4 };
	size_t at[QUEUES] = { 0 }, n = 0, q, over;
	struct ks_order o;
	int got;

	open_order(&o, same, QUEUES, 1);
	do {
		for (q = 0, over = 0; q < QUEUES; q++) {
			way = way >> 1 | way << 31;
			if (ks_order_room(&o, &o.queues[q]) > 0 && at[q] < lengths[q] && (way & 1) != 0)
				put(&o, q, 1, &times[q][at[q]++]);
			if (at[q] == lengths[q])
				o.queues[q].rest = KS_ORDER_OVER;
			over += at[q] == lengths[q] && ks_order_held(&o.queues[q]) == 0;
		}
		got = next(&o);
		if (got >= 0)
			out[n++] = got;
	} while (over < QUEUES || got >= 0);
	ks_order_close(&o);
	return n;
}

/* Every three queues of up to three items with times 0 to 2, but for the third, which has up to one; in four ways to arrive. */
static void as_the_model(void **state)
{
	static const unsigned ways[] = { 0xffffffff, 0x11111111, 0x80402010, 0xdeadbeef };
	int times[QUEUES][LONG], a[QUEUES * LONG], b[QUEUES * LONG];
	unsigned code, rest, shape, i, k, w;
	size_t lengths[QUEUES], n, m;

	(void)state;
	for (shape = 0; shape < 32; shape++) {
		lengths[0] = shape & 3;
		lengths[1] = shape >> 2 & 3;
		lengths[2] = shape >> 4;
		for (code = 0; code < 2187; code++) {
			rest = code;
			for (i = 0; i < QUEUES; i++)
				for (k = 0; k < lengths[i]; k++, rest /= 3)
					times[i][k] = (int)(rest % 3);
			if (rest != 0)
				break;
			n = model(times, lengths, a);
			for (w = 0; w < sizeof(ways) / sizeof(ways[0]); w++) {
				m = bit_by_bit(times, lengths, ways[w], b);
				assert_int_equal(n, m);
				assert_memory_equal(a, b, n * sizeof(int));
			}
		}
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(late_heads),
		cmocka_unit_test(head_not_history),
		cmocka_unit_test(idle),
		cmocka_unit_test(ties_and_groups),
		cmocka_unit_test(events),
		cmocka_unit_test(bounded),
		cmocka_unit_test(as_the_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
