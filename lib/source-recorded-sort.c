/* SPDX-License-Identifier: MIT */
/*
 * source-recorded-sort.c - files whose records are not merged yet: what a
 * kstream-cat has written as it came, one partition after another.
 *
 * All is read before anything goes out, since the smallest may stand last.
 */
#include "source-recorded-impl.h"

#include "stats.h"

#define MEMORY ((size_t)64 << 20)	/* what is more goes to disk */
#define PIECE 16384u			/* records between two looks at what else there is to do */

int ks_recorded_sort_open(struct recorded *s, struct ks_err *err)
{
	s->sorts = true;
	return ks_sorter_open(&s->sorter, MEMORY, NULL, err);
}

/* A record without a time, and a side record, stay behind the one before them. */
static int put(struct recorded *s, const struct spot *x, struct ks_err *err)
{
	static const struct ks_rec whole = { .partition = 0 };
	uint32_t input = (uint32_t)(x - s->spots);
	struct ks_lane *lane = ks_lanes_find(&s->lanes, x->merged || x->size < 0 ? &whole : &x->rec, input);
	unsigned char key[KS_LANE_KEY];

	if (lane == NULL)
		return ks_fail_memory(err);
	if ((x->rec.flags & KS_SIDE) == 0 && (x->rec.flags & KS_TIME_TYPE) != KS_TIME_NONE && x->rec.time_ms > lane->most_ms)
		lane->most_ms = x->rec.time_ms;
	ks_lane_key(key, lane->most_ms, lane);
	return ks_sorter_put(&s->sorter, ks_bytes(key, sizeof(key)), x->rec.frame, err);
}

static int fill(struct recorded *s, bool block, bool *wait, struct ks_err *err)
{
	struct ks_order_queue *q;
	unsigned n = 0;
	int status;

	while (s->sorted_from < s->count && n++ < PIECE) {
		q = &s->order.queues[s->sorted_from];
		status = ks_recorded_look(s, s->sorted_from, block, wait, err);
		if (status != 0 || *wait)
			return status;
		if (ks_order_held(q) == 0) {
			s->sorted_from++;
			continue;
		}
		status = put(s, &s->spots[s->sorted_from], err);
		if (status != 0)
			return status;
		(void)ks_order_take(&s->order, q);
		ks_recorded_step(&s->spots[s->sorted_from], s->spots[s->sorted_from].n);
	}
	*wait = s->sorted_from < s->count;
	return 0;
}

static void tell(const struct recorded *s)
{
	struct ks_err files, said;

	if (s->config->verbose == 0 || s->sorter.spilled == 0)
		return;
	ks_fail(&said, 0, "of the partitions that were merged, %s", ks_sorter_about(&s->sorter, &files));
	ks_say(s->config->program, said.text);
}

static int hand_out(struct recorded *s, struct ks_err *err)
{
	struct ks_bytes key, frame;
	struct ks_rec rec;
	int got;

	while (s->own.frames.n < KS_IO_SIZE && s->own.left != 0) {
		got = ks_sorter_take(&s->sorter, NULL, &key, &frame, err);
		if (got < 0)
			return err->status;
		if (got == 0) {
			s->drained = true;
			tell(s);
			return 0;
		}
		if (ks_buf_add(&s->own.frames, frame.p, frame.n) != 0)
			return ks_fail_memory(err);
		if (ks_rec_parse(ks_bytes(frame.p + KS_FRAME_HEAD, frame.n - KS_FRAME_HEAD), &s->config->limits, &rec) != NULL)
			ks_bug("a record that was sorted does not parse");
		ks_own_count(&s->own, 1, (rec.flags & KS_SIDE) != 0);
	}
	return 0;
}

int ks_recorded_sort(struct recorded *s, bool block, bool *wait, struct ks_err *err)
{
	return s->sorted_from < s->count ? fill(s, block, wait, err) : hand_out(s, err);
}
