/* SPDX-License-Identifier: MIT */
/* idle.c - --idle: event time of partitions that bring nothing. */
#include "idle.h"

#include <errno.h>

#include "fdio.h"

#define EACH_MS 500		/* from marks to marks: as PINGs, by which a source that waits wakes up */
#define LISTEN_MAX_MS 1000	/* more between two looks was no listening */

void ks_idle_begin(struct ks_idle *x, int64_t now)
{
	ks_part_times_forget(&x->times, true);
	x->clock_ms = now;
	x->listened_ms = 0;
	x->due_ms = now + EACH_MS;
	x->future_ms = INT64_MIN;
}

void ks_idle_tick(struct ks_idle *x, int64_t now)
{
	int64_t passed = now - x->clock_ms;

	x->clock_ms = now;
	x->listened_ms += passed < LISTEN_MAX_MS ? passed : LISTEN_MAX_MS;
}

static int failed(int no, struct ks_err *err)
{
	return no == ENOMEM ? ks_fail_memory(err) :
	    ks_fail(err, KS_DATA, "--idle: more than %u partitions", KS_PART_TIMES_MAX);
}

int ks_idle_partition(struct ks_idle *x, int32_t partition, struct ks_err *err)
{
	int no = ks_part_times_add(&x->times, partition);

	if (no != 0)
		return failed(no, err);
	x->times.list[x->times.last].heard_ms = x->listened_ms;
	return 0;
}

/* One time far ahead would take all that its partition brings later along: as with --max-future. */
static bool is_time(struct ks_idle *x, const struct ks_rec *rec)
{
	if ((rec->flags & KS_SIDE) != 0 || (rec->flags & KS_TIME_TYPE) == KS_TIME_NONE)
		return false;
	if (KS_UNLIKELY(rec->time_ms > x->future_ms))
		x->future_ms = ks_wall_ms() + KS_FUTURE_MS;
	return rec->time_ms <= x->future_ms;
}

int ks_idle_record(struct ks_idle *x, const struct ks_rec *rec, struct ks_err *err)
{
	struct ks_part_time *t;
	int no = is_time(x, rec) ? ks_part_times_move(&x->times, rec->partition, rec->time_ms, false) :
	    ks_part_times_add(&x->times, rec->partition);

	if (KS_UNLIKELY(no != 0))
		return failed(no, err);
	t = &x->times.list[x->times.last];
	t->heard_ms = x->listened_ms;
	t->idle = false;
	return 0;
}

int ks_idle_frames(struct ks_idle *x, struct ks_bytes b, const struct ks_limits *limits, struct ks_err *err)
{
	struct ks_bytes payload;
	struct ks_rec rec;
	size_t size;
	int type, status;

	for (; x->seen < b.n; x->seen += size) {
		if (ks_frame_split(ks_bytes(b.p + x->seen, b.n - x->seen), SIZE_MAX, &type, &payload, &size) != KS_FRAME_WHOLE)
			ks_bug("a frame of ours is none");
		if (type != KS_RECORD)
			continue;
		if (ks_rec_parse(payload, limits, &rec) != NULL)
			ks_bug("a record of ours does not parse");
		status = ks_idle_record(x, &rec, err);
		if (status != 0)
			return status;
	}
	return 0;
}

/* What a silent partition has come to. */
static int64_t time_of(const struct ks_part_time *t, int64_t beyond_ms)
{
	int64_t wall = ks_wall_ms(), ms = t->time_ms > wall - beyond_ms ? wall : t->time_ms + beyond_ms;

	return ms > t->time_ms ? ms : t->time_ms;
}

void ks_idle_awake(struct ks_idle *x, int32_t partition)
{
	struct ks_part_time *t = ks_part_times_find(&x->times, partition);

	if (t != NULL)
		t->heard_ms = x->listened_ms;
}

void ks_idle_all_awake(struct ks_idle *x)
{
	size_t i;

	for (i = 0; i < x->times.count; i++)
		x->times.list[i].heard_ms = x->listened_ms;
}

int ks_idle_look(struct ks_idle *x, void (*awake)(void *arg, struct ks_idle *x), void *arg,
    struct ks_buf *b, bool *more, struct ks_err *err)
{
	int64_t beyond;
	struct ks_part_time *t;
	struct ks_mark m;

	*more = false;
	if (x->clock_ms < x->due_ms)
		return 0;
	x->due_ms = x->clock_ms + EACH_MS;
	if (awake != NULL)
		awake(arg, x);
	for (t = x->times.list; t < x->times.list + x->times.count; t++) {
		beyond = x->listened_ms - t->heard_ms - x->after_ms;
		if (beyond < 0)
			continue;
		m = (struct ks_mark){ .partition = t->partition, .time_ms = t->known ? time_of(t, beyond) : 0, .idle = true };
		if (t->idle && m.time_ms <= t->told_ms)
			continue;
		if (ks_mark_add(b, &m) != 0)
			return ks_fail_memory(err);
		t->idle = true;
		t->told_ms = m.time_ms;
		*more = true;
	}
	return 0;
}

void ks_idle_close(struct ks_idle *x)
{
	ks_part_times_release(&x->times);
}
