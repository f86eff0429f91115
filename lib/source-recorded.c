/* SPDX-License-Identifier: MIT */
/*
 * source-recorded.c - files of frames as one stream: HELLO of all their
 * streams, the records merged by time, END.
 *
 * Of each file the next record lies at the front of what was read of it, and
 * the smallest goes out.  One file alone, of which all is wanted, is copied
 * in runs.  Its own HELLOs, barriers and ENDs are checked and stay behind.
 */
#include "source-recorded-impl.h"

#include <stdlib.h>

#include "input.h"

int ks_recorded_look(struct recorded *s, size_t i, bool block, bool *wait, struct ks_err *err)
{
	struct ks_order_queue *q = &s->order.queues[i];
	struct spot *x = &s->spots[i];
	struct ks_bytes payload;
	bool wanted, over = false;
	int type = 0, status;

	while (ks_order_held(q) == 0 && q->rest != KS_ORDER_OVER && !*wait) {
		status = ks_recorded_front(s, x, block, &type, &payload, wait, &over, err);
		if (status != 0 || *wait)
			return status;
		if (over) {
			q->rest = KS_ORDER_OVER;
			return 0;
		}
		wanted = false;
		status = type == KS_RECORD ? ks_recorded_record(s, x, payload, &wanted, err) : ks_recorded_control(s, x, type, payload, err);
		if (status != 0)
			return status;
		if (wanted) {
			q->items[0] = x;
			ks_order_put(&s->order, q, 1);
		} else {
			ks_recorded_step(x, x->n);
		}
	}
	return 0;
}

static int64_t time_of(void *arg, void *item)
{
	const struct spot *x = item;

	(void)arg;
	return (x->rec.flags & KS_SIDE) != 0 || (x->rec.flags & KS_TIME_TYPE) == KS_TIME_NONE ? KS_ORDER_AT_ONCE : x->rec.time_ms;
}

/* The smallest goes out, and the next of that file takes its place: until there is enough to hand out. */
static int merge(struct recorded *s, bool *wait, struct ks_err *err)
{
	struct ks_order_queue *q;
	int64_t until = INT64_MAX;
	struct spot *x;
	int status = 0;

	while (status == 0 && !*wait && s->own.frames.n < KS_IO_SIZE && s->own.left != 0) {
		q = ks_order_next(&s->order, 0, 0, &until);
		if (q == NULL)
			return 0;
		x = ks_order_take(&s->order, q);
		if (ks_buf_add(&s->own.frames, x->rec.frame.p, x->rec.frame.n) != 0)
			return ks_fail_memory(err);
		ks_own_count(&s->own, 1, (x->rec.flags & KS_SIDE) != 0);
		ks_recorded_step(x, x->n);
		status = ks_recorded_look(s, (size_t)(q - s->order.queues), false, wait, err);
	}
	return status;
}

/* Of one file, all: RECORD frames that lie one behind the other go together. */
static int copy(struct recorded *s, bool block, bool *wait, struct ks_err *err)
{
	struct ks_source *source = &s->own.source;
	struct spot *x = &s->spots[0];
	size_t start = x->in.start, size, before = s->own.frames.n;
	enum ks_frame_state state = KS_FRAME_WHOLE;
	struct ks_bytes payload;
	bool over = false;
	int type = KS_RECORD, status;
	uint64_t count = 0;

	while (x->within) {
		state = ks_frame_split(ks_bytes(x->in.p + start, x->in.end - start), s->max, &type, &payload, &size);
		if (state != KS_FRAME_WHOLE || type != KS_RECORD || size > s->config->limits.record)
			break;
		start += size;
		count++;
	}
	if (count > 0) {
		if (ks_buf_add(&s->own.frames, x->in.p + x->in.start, start - x->in.start) != 0)
			return ks_fail_memory(err);
		if (before == source->run) {
			source->run = s->own.frames.n;
			source->run_records += count;
		}
		x->hop += (int64_t)count;
		s->own.section.hop += (int64_t)count;
		ks_recorded_step(x, start - x->in.start);
		return 0;
	}
	status = ks_recorded_front(s, x, block, &type, &payload, wait, &over, err);
	if (status != 0 || *wait)
		return status;
	if (over) {
		s->order.queues[0].rest = KS_ORDER_OVER;
		return 0;
	}
	if (type == KS_RECORD && x->within)
		return 0;	/* it is whole now */
	status = type == KS_RECORD ? ks_recorded_bad(x, ks_recorded_no_hello, err) : ks_recorded_control(s, x, type, payload, err);
	ks_recorded_step(x, x->n);
	return status;
}

static bool is_over(const struct recorded *s)
{
	size_t i;

	if (s->sorts)
		return s->drained;
	for (i = 0; i < s->count; i++)
		if (ks_order_held(&s->order.queues[i]) > 0 || s->order.queues[i].rest != KS_ORDER_OVER)
			return false;
	return true;
}

static int list_positions(struct ks_own *own, struct ks_bytes *positions, struct ks_err *err)
{
	struct recorded *s = (struct recorded *)own;
	size_t i;
	int no;

	s->positions.n = 0;
	no = ks_mp_add_array_head(&s->positions, (uint32_t)s->count);
	for (i = 0; i < s->count && no == 0; i++)
		no = ks_position_add(&s->positions, &(struct ks_position){ .input = ks_str(s->spots[i].name), .offset = s->spots[i].at });
	*positions = ks_buf_bytes(&s->positions);
	return no == 0 ? 0 : ks_fail_memory(err);
}

/* HELLO stands in the frames; routes of side records that may come are added to it. */
static int add_sides(struct recorded *s, struct ks_err *err)
{
	const char *p = (const char *)s->sides.p, *end = p + s->sides.n;
	struct ks_buf b;
	int no = 0;

	ks_buf_init(&b, KS_CONTROL_MAX + KS_FRAME_HEAD);
	for (; p < end && no == 0; p += strlen(p) + 1) {
		b.n = 0;
		no = ks_hello_add_side(&b, ks_bytes(s->own.frames.p + KS_FRAME_HEAD, s->own.frames.n - KS_FRAME_HEAD), p);
		s->own.frames.n = 0;
		if (no == 0)
			no = ks_buf_add(&s->own.frames, b.p, b.n);
	}
	ks_buf_release(&b);
	return no == 0 ? 0 : ks_fail_memory(err);
}

static int hello(struct recorded *s, struct ks_err *err)
{
	struct ks_hello_stream *streams = calloc(s->stream_count + 1, sizeof(*streams));
	struct ks_hello_position *positions = calloc(s->count, sizeof(*positions));
	struct ks_hello h = {
		.reads = KS_READS_FILES, .streams = streams, .stream_count = s->stream_count, .positions = positions, .position_count = s->count,
		.merged = true,
	};
	size_t i;
	int status;

	for (i = 0; streams != NULL && i < s->stream_count; i++) {
		streams[i] = s->streams[i].facts;
		streams[i].name = s->streams[i].name;
	}
	for (i = 0; positions != NULL && i < s->count; i++)
		positions[i].input = s->spots[i].name;
	status = streams == NULL || positions == NULL ? ks_fail_memory(err) : ks_section_begin(&s->own.section, &h, &s->own.frames, err);
	free(streams);
	free(positions);
	return status == 0 ? add_sides(s, err) : status;
}

/* What there is to be told comes from the HELLO that each file begins with; where it is asked to end before, of those that have come. */
static int start(struct recorded *s, bool block, bool *wait, struct ks_err *err)
{
	struct ks_bytes payload;
	bool over = false;
	struct spot *x;
	int type = 0, status;

	for (x = s->spots; x < s->spots + s->count && s->own.stop < 0; x++) {
		while (!x->begun) {
			status = ks_recorded_front(s, x, block, &type, &payload, wait, &over, err);
			s->own.frames.n = 0;	/* HELLO is the first, and not a PING */
			if (status != 0 || *wait)
				return status;
			status = type == KS_RECORD ? ks_recorded_bad(x, ks_recorded_no_hello, err) : ks_recorded_control(s, x, type, payload, err);
			if (status != 0)
				return status;
			ks_recorded_step(x, x->n);
		}
	}
	/* A pipe may be live: its records are not held until it ends. */
	for (x = s->spots; x < s->spots + s->count && !s->sorts && s->own.stop < 0; x++) {
		status = x->merged || x->size < 0 ? 0 : ks_recorded_sort_open(s, err);
		if (status != 0)
			return status;
	}
	s->open = true;
	return hello(s, err);
}

/* With gather, which may be called again. */
static int begin(struct ks_own *own, struct ks_err *err)
{
	bool wait = false;

	return start((struct recorded *)own, false, &wait, err);
}

static int gather(struct ks_own *own, bool block, struct ks_err *err)
{
	struct recorded *s = (struct recorded *)own;
	bool wait = false, out, may;
	size_t i;
	int status;

	if (!s->open) {
		status = start(s, block, &wait, err);
		if (status != 0 || !s->open)
			return status;
	}
	while (!own->section.done && !wait) {
		status = ks_own_turn(own, is_over(s), &out, err);
		if (status != 0 || out || own->frames.n >= KS_IO_SIZE)
			return status;
		may = block && own->frames.n == 0;
		if (s->sorts) {
			status = ks_recorded_sort(s, may, &wait, err);
		} else if (!s->picks) {
			status = copy(s, may, &wait, err);
		} else {
			for (i = 0; i < s->count && status == 0 && !wait; i++)
				status = ks_recorded_look(s, i, may, &wait, err);
			if (status == 0 && !wait)
				status = merge(s, &wait, err);
		}
		if (status != 0)
			return status;
	}
	return 0;
}

static int open_spot(struct recorded *s, struct spot *x, const char *name, struct ks_err *err)
{
	int fd, status = ks_input_open(name, &fd, &x->size, err);

	if (status != 0)
		return status;
	if (ks_in_open(&x->in, fd, s->max + KS_IO_SIZE) != 0) {
		ks_input_close(fd);
		return ks_fail_memory(err);
	}
	x->name = strcmp(name, "-") == 0 ? "stdin" : name;
	if (x->size > 0)
		s->own.source.stats.total += (uint64_t)x->size;
	return ks_recorded_index(s, x, err);
}

static void recorded_close(struct ks_source *source)
{
	struct recorded *s = (struct recorded *)source;
	size_t i;

	for (i = 0; s->spots != NULL && i < s->count; i++) {
		if (s->spots[i].in.p != NULL)
			ks_input_close(s->spots[i].in.fd);
		ks_in_release(&s->spots[i].in);
		ks_recording_release(&s->spots[i].index);
	}
	free(s->spots);
	free(s->streams);
	ks_sorter_close(&s->sorter);
	ks_lanes_release(&s->lanes);
	ks_order_close(&s->order);
	ks_buf_release(&s->sides);
	ks_buf_release(&s->positions);
	ks_ingest_close(&s->ingest);
	ks_own_release(&s->own);
	free(s);
}

int ks_source_recorded(const struct ks_config *config, int wake, struct ks_source **source, struct ks_err *err)
{
	struct recorded *s = calloc(1, sizeof(*s));
	int32_t *numbers = calloc(config->in_count, sizeof(*numbers));	/* all are of one group */
	size_t i;
	int status;

	if (s == NULL || numbers == NULL) {
		free(s);
		free(numbers);
		return ks_fail_memory(err);
	}
	ks_own_init(&s->own, config, wake, "stdin");
	s->own.source.close = recorded_close;
	s->own.source.blame = ks_recorded_blame;
	s->own.begin = begin;
	s->own.gather = gather;
	s->own.positions = list_positions;
	s->own.ingest = s->own.source.ingest = &s->ingest;
	s->config = config;
	s->count = config->in_count;
	s->max = config->limits.record > KS_CONTROL_MAX ? config->limits.record : KS_CONTROL_MAX;
	s->picks = s->count > 1 || config->has_since || config->has_until || config->count >= 0;
	ks_lanes_init(&s->lanes);
	ks_buf_init(&s->sides, KS_CONTROL_MAX);
	ks_buf_init(&s->positions, KS_CONTROL_MAX);
	*source = &s->own.source;
	s->spots = calloc(s->count, sizeof(*s->spots));
	status = s->spots == NULL || ks_order_open(&s->order, numbers, s->count, 1) != 0 ? ks_fail_memory(err) : 0;
	free(numbers);
	s->order.time_of = time_of;
	for (i = 0; s->spots != NULL && i < s->count; i++)
		s->spots[i].in.fd = -1;
	if (status == 0)
		status = ks_section_open(&s->own.section, config, NULL, err);
	if (status == 0)
		status = ks_ingest_open(&s->ingest, config, err);
	for (i = 0; i < s->count && status == 0; i++)
		status = open_spot(s, &s->spots[i], config->in[i], err);
	return status;
}
