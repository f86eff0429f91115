/* SPDX-License-Identifier: MIT */
/*
 * source-text-order.c - several files of text at once, by event time.
 *
 * Of each file one line is made a record ahead, and the smallest time goes
 * out.  The position of a file moves when that line has gone, so a barrier
 * never covers what only waits; a line that nothing is made of is passed
 * when it is read.
 */
#include "source-text-impl.h"

#include <stdlib.h>

#include "input.h"

/* Put aside the file at hand, and take up another. */
static void turn_to(struct text *t, size_t at)
{
	struct spot *x = &t->spots[t->at];

	if (at == t->at)
		return;
	x->hand = t->hand;
	x->line = t->ingest.line;
	t->at = at;
	t->hand = t->spots[at].hand;
	t->ingest.line = t->spots[at].line;
	t->own.source.name = t->ingest.path = t->places.at[at].name;
}

int ks_text_check_all(struct text *t, struct ks_err *err)
{
	int status = 0;
	size_t i;

	for (i = 0; i < t->places.count && status == 0; i++) {
		turn_to(t, i);
		status = ks_text_check_input(t, err);
	}
	return status;
}

static int64_t time_of(void *arg, void *item)
{
	(void)arg;
	return ((const struct spot *)item)->ms;
}

int ks_text_open_ordered(struct text *t, struct ks_err *err)
{
	int32_t *numbers = calloc(t->places.count, sizeof(*numbers));	/* all are of one group */
	struct ks_in first = t->hand.in;
	int status = 0;
	size_t i;

	t->spots = calloc(t->places.count, sizeof(*t->spots));
	if (numbers == NULL || t->spots == NULL || ks_order_open(&t->order, numbers, t->places.count, 1) != 0)
		status = ks_fail_memory(err);
	free(numbers);
	if (status != 0)
		return status;
	t->order.time_of = time_of;
	for (i = 0; i < t->places.count; i++)
		t->spots[i].hand.in.fd = -1;
	for (i = 0; i < t->places.count && status == 0; i++) {
		struct spot *x = &t->spots[i];

		ks_buf_init(&x->head, t->own.frames.max);
		if (i > 0) {
			x->hand.tail = malloc(KS_PLACES_TAIL);
			if (x->hand.tail == NULL || ks_in_open(&x->hand.in, -1, first.max) != 0)
				return ks_fail_memory(err);
		}
		turn_to(t, i);
		status = ks_text_open_input(t, err);
	}
	return status;
}

void ks_text_close_ordered(struct text *t)
{
	size_t i;

	for (i = 0; t->spots != NULL && i < t->places.count; i++) {
		ks_buf_release(&t->spots[i].head);
		if (i == t->at)
			continue;	/* it is at hand: the source has closed it */
		ks_input_close(t->spots[i].hand.in.fd);
		ks_in_release(&t->spots[i].hand.in);
		free(t->spots[i].hand.tail);
	}
	free(t->spots);
	ks_order_close(&t->order);
}

/* The time of what a line has become: a dead letter, or a record that has none, waits for nobody. */
static int64_t head_time(const struct text *t, const struct spot *x)
{
	struct ks_rec rec;

	if (ks_rec_parse(ks_bytes(x->head.p + KS_FRAME_HEAD, x->head.n - KS_FRAME_HEAD),
	    &t->config->limits, &rec) != NULL)
		ks_bug("a record of ours does not parse");
	return (rec.flags & KS_SIDE) != 0 || (rec.flags & KS_TIME_TYPE) == KS_TIME_NONE ? KS_ORDER_AT_ONCE : rec.time_ms;
}

/* A line of the file at hand becomes its head, or is passed where nothing is made of it. */
static int take_line(struct text *t, struct ks_bytes line, size_t size, struct ks_err *err)
{
	struct spot *x = &t->spots[t->at];
	struct ks_buf out = t->own.frames;
	int made, status;

	x->head.n = 0;
	t->own.frames = x->head;
	status = ks_text_read_line(t, line, &made, err);
	x->head = t->own.frames;
	t->own.frames = out;
	if (status != 0)
		return status;
	if (t->ingest.reached)
		return 0;
	if (made == 0) {
		ks_text_pass(t, size, 0);
		return 0;
	}
	x->size = size;
	x->made = made;
	x->letter = t->letter;
	x->ms = head_time(t, x);
	t->order.queues[t->at].items[0] = x;
	ks_order_put(&t->order, &t->order.queues[t->at], 1);
	return 0;
}

/* The next record of file i, if it has one: *wait, where that is not known now. */
static int look(struct text *t, size_t i, bool block, bool *wait, struct ks_err *err)
{
	struct ks_order_queue *q = &t->order.queues[i];
	struct ks_bytes line;
	size_t size;
	int status;

	turn_to(t, i);
	while (ks_order_held(q) == 0 && q->rest != KS_ORDER_OVER && !*wait) {
		size = 0;
		status = t->ingest.reached ? 0 : ks_text_find_line(t, &line, &size, err);
		if (status == 0 && size > 0) {
			status = take_line(t, line, size, err);
		} else if (status == 0 && !t->ingest.reached && ks_text_is_last_line(t)) {
			line = ks_bytes(t->hand.in.p + t->hand.in.start, t->hand.in.end - t->hand.in.start);
			status = take_line(t, line, line.n, err);
		} else if (status == 0 && (t->hand.in.eof || t->ingest.reached)) {
			status = ks_text_check_input(t, err);
			ks_text_close_input(t);
			t->ingest.reached = false;
			q->rest = KS_ORDER_OVER;
		} else if (status == 0) {
			status = ks_text_read_more(t, block && t->own.frames.n == 0, wait, err);
		}
		if (status != 0)
			return status;
	}
	return 0;
}

/* All files have their next record, or are at their end. */
static int look_all(struct text *t, bool block, bool *wait, struct ks_err *err)
{
	size_t i;
	int status = 0;

	for (i = 0; i < t->places.count && status == 0 && !*wait; i++)
		if (ks_order_held(&t->order.queues[i]) == 0)
			status = look(t, i, block, wait, err);
	return status;
}

/* The smallest goes out, and the next of that file takes its place: until there is enough to hand out. */
static int merge(struct text *t, bool *wait, struct ks_err *err)
{
	struct ks_order_queue *q;
	int64_t until = INT64_MAX;
	struct spot *x;
	int status = 0;

	while (status == 0 && !*wait && t->own.frames.n < KS_IO_SIZE && t->own.left != 0) {
		q = ks_order_next(&t->order, 0, 0, &until);
		if (q == NULL)
			return 0;
		x = q->items[q->at];
		if (ks_buf_add(&t->own.frames, x->head.p, x->head.n) != 0)
			return ks_fail_memory(err);
		(void)ks_order_take(&t->order, q);
		turn_to(t, (size_t)(q - t->order.queues));
		t->letter = x->letter;
		ks_text_pass(t, x->size, x->made);
		status = look(t, t->at, false, wait, err);
	}
	return status;
}

static bool is_over(const struct text *t)
{
	size_t i;

	for (i = 0; i < t->places.count; i++)
		if (ks_order_held(&t->order.queues[i]) > 0 || t->order.queues[i].rest != KS_ORDER_OVER)
			return false;
	return true;
}

void ks_text_awake(void *own, struct ks_idle *x)
{
	const struct text *t = own;
	size_t i;

	for (i = 0; i < t->places.count; i++)
		if (ks_order_held(&t->order.queues[i]) > 0) {
			ks_idle_all_awake(x);
			return;
		}
}

int ks_text_gather_ordered(struct ks_own *own, bool block, struct ks_err *err)
{
	struct text *t = (struct text *)own;
	bool wait = false, out;
	int status;

	while (!t->own.section.done && !wait) {
		status = ks_own_turn(&t->own, is_over(t), &out, err);
		if (status != 0 || out || t->own.frames.n >= KS_IO_SIZE)
			return status;
		status = look_all(t, block && t->own.frames.n == 0, &wait, err);
		if (status == 0 && !wait)
			status = merge(t, &wait, err);
		if (status != 0)
			return status;
	}
	return 0;
}
