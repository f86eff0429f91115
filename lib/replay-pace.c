/* SPDX-License-Identifier: MIT */
/*
 * replay-pace.c - --speed: when a record is due, by its time and the clock, and
 * what is done while it is waited for.
 */
#include "replay.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "fdio.h"
#include "loop.h"
#include "signals.h"

#define LOOK_MS 200		/* signals wake at once; progress, and what else the loop looks at, is looked at so often */
#define LONG_MS 3600000		/* whoever waits for longer than that is told so */
#define SPEED_MAX 1e6

int ks_replay_speed(struct ks_replay *r, const char *value, struct ks_err *err)
{
	size_t n = strlen(value);
	char number[24];

	r->speed = 0;
	if (strcmp(value, "max") == 0)
		return 0;
	if (n > 1 && n < sizeof(number) && value[n - 1] == 'x' && strspn(value, "0123456789.") == n - 1) {
		memcpy(number, value, n - 1);
		number[n - 1] = '\0';
		r->speed = strtod(number, NULL);
	}
	if (!(r->speed >= 1 / SPEED_MAX && r->speed <= SPEED_MAX))
		return ks_fail(err, KS_USAGE, "--speed '%s' is not max, or how many times as fast as it was, such as 1x, 10x or 0.5x", value);
	return 0;
}

void ks_replay_stop(struct ks_replay *r)
{
	r->stopped = r->run->loop->cut = true;
}

/* Once the record goes: a person who looks at it may want to know why nothing comes. */
static void tell_long(const struct ks_replay *r, int64_t left)
{
	char text[120];

	if (left < LONG_MS)
		return;
	snprintf(text, sizeof(text), "the next record is due in %lld h %lld min: the times have a gap", (long long)(left / 3600000),
	    (long long)(left / 60000 % 60));
	ks_tell(r->run, text);
}

static int wait_until(struct ks_replay *r, int64_t due)
{
	struct ks_frame_loop *l = r->run->loop;
	int64_t left = due - r->clock_ms;
	bool ready, stop = false;
	int status = l->sink->flush(l->sink, &l->err), no;

	tell_long(r, left);
	while (status == 0 && left > 0) {
		no = ks_wait(-1, l->wake, left < LOOK_MS ? (int)left : LOOK_MS, &ready);
		if (no != 0)
			return ks_fail_errno(&l->err, KS_BUG, no, "cannot wait");
		ks_signals_drain();
		ks_loop_look(l, &stop);
		if (stop) {
			ks_replay_stop(r);
			return 0;
		}
		status = ks_loop_reader(l);
		r->clock_ms = ks_clock_ms();
		left = due - r->clock_ms;
	}
	return status;
}

int ks_replay_wait(struct ks_replay *r, int64_t time_ms)
{
	double after;
	int64_t due;

	if (!r->paced) {
		r->paced = true;
		r->first_ms = time_ms;
		r->start_ms = r->clock_ms = ks_clock_ms();
		return 0;
	}
	after = ((double)time_ms - (double)r->first_ms) / r->speed;
	if (after <= (double)(r->clock_ms - r->start_ms))
		return 0;
	due = after < 9e15 ? r->start_ms + (int64_t)after : INT64_MAX;
	r->clock_ms = ks_clock_ms();
	return due > r->clock_ms ? wait_until(r, due) : 0;
}

void ks_replay_range(struct ks_replay *r, const struct ks_config *c)
{
	r->ranged = c->has_since || c->has_until;
	r->since_ms = c->has_since ? c->since_ms : INT64_MIN;
	r->until_ms = c->has_until ? c->until_ms : ks_wall_ms();
	r->shows = c->progress && (c->has_until || c->topic_count > 0);	/* of a file its bytes say it */
}

void ks_replay_tell_empty(const struct ks_replay *r)
{
	if (r->run->loop->stats.in > 0 || r->stopped || ks_signals_end() != 0)
		return;
	ks_warn(r->run, !r->ranged ? "there is no record to replay" :
	    r->since_ms > ks_wall_ms() ? "no record is so late: --since is in the future" : "no record is in the range of --since and --until");
}

/* How much of the range lies behind a record. */
static void show(struct ks_replay *r, int64_t time_ms)
{
	double all, done;

	if (r->since_ms == INT64_MIN)
		r->since_ms = time_ms;
	all = (double)r->until_ms - (double)r->since_ms;
	done = (double)time_ms - (double)r->since_ms;
	r->run->loop->stats.part = all > 0 && done > 0 && done <= all ? done / all : 0;
}

int ks_replay_emit(struct ks_replay *r, const struct ks_rec *rec)
{
	int status;

	if (r->speed > 0 && !r->stopped && (rec->flags & KS_TIME_TYPE) != KS_TIME_NONE) {
		status = ks_replay_wait(r, rec->time_ms);
		if (status != 0)
			return status;
	}
	if (r->stopped) {
		ks_drop(r->run, "after the signal");
		return 0;
	}
	if (r->shows && (rec->flags & KS_TIME_TYPE) != KS_TIME_NONE)
		show(r, rec->time_ms);
	if (r->record != NULL) {
		status = ks_recorder_record(&r->recorder, rec, r->run->err);
		if (status != 0)
			return status;
	}
	return ks_emit(r->run, rec);
}
