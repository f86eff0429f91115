/* SPDX-License-Identifier: MIT */
/* source-own.c - what all sources that make their own stream share. */
#include "source-own.h"

#include <errno.h>

static enum ks_next own_next(struct ks_source *source, bool block, struct ks_err *err)
{
	struct ks_own *own = (struct ks_own *)source;
	int status;

	own->frames.n = own->given = own->idle.seen = 0;
	source->used = source->run = 0;
	source->run_records = 0;
	own->err = err;
	if (own->failed.status != 0) {
		*err = own->failed;
		return KS_NEXT_FAILED;
	}
	if (own->passed != NULL && own->passed(own, err) != 0)
		return KS_NEXT_FAILED;
	if (own->section.done)
		return KS_NEXT_OVER;
	status = own->begun ? own->gather(own, block, err) : own->begin(own, err);
	own->begun = true;
	source->stats.duplicates = own->ingest->json.duplicates;
	source->chunk = ks_buf_bytes(&own->frames);
	if (status != 0 && own->frames.n > 0) {
		own->failed = *err;
		return KS_NEXT_FRAMES;
	}
	if (status != 0)
		return KS_NEXT_FAILED;
	return own->frames.n > 0 || own->given > 0 ? KS_NEXT_FRAMES : KS_NEXT_WAIT;
}

static int barrier(struct ks_own *own, struct ks_err *err)
{
	struct ks_bytes positions;
	int status = own->positions(own, &positions, err);

	return status != 0 ? status : ks_section_barrier(&own->section, KS_GO_ON, positions, &own->frames, err);
}

int ks_own_end(struct ks_own *own, enum ks_kind kind, struct ks_err *err)
{
	struct ks_bytes positions;
	int status = own->again ? 0 : ks_reject_finish(&own->ingest->reject, err);

	if (status == 0)
		status = own->positions(own, &positions, err);
	return status != 0 ? status : ks_section_end(&own->section, kind, positions, &own->frames, err);
}

/* What has come is known to --idle, and what has not. */
static int look_idle(struct ks_own *own, int64_t now, bool *out, struct ks_err *err)
{
	const struct ks_limits *limits = &own->section.config->limits;
	int status;

	ks_idle_tick(&own->idle, now);
	status = ks_idle_frames(&own->idle, ks_buf_bytes(&own->frames), limits, err);
	return status != 0 ? status : ks_idle_look(&own->idle, own->awake, own, &own->frames, out, err);
}

int ks_own_turn(struct ks_own *own, bool over, bool *out, struct ks_err *err)
{
	int64_t now;

	*out = true;
	if (own->stop >= 0)
		return ks_own_end(own, (enum ks_kind)own->stop, err);
	if (over || own->left == 0)
		return ks_own_end(own, ks_section_kind(own->section.config), err);
	now = ks_clock_ms();
	if (ks_section_due(&own->section, now))
		return barrier(own, err);
	*out = false;
	return own->idle.after_ms > 0 ? look_idle(own, now, out, err) : 0;
}

/* What was taken are RECORD frames alone: where no other stands before them, they are a run. */
static int take_more(struct ks_own *own, bool *more, struct ks_err *err)
{
	struct ks_source *source = &own->source;
	size_t before = own->frames.n;
	int64_t hop = own->section.hop;
	int status = own->take(own, more, err);

	if (status == 0 && before == source->run) {
		source->run = own->frames.n;
		source->run_records += (uint64_t)(own->section.hop - hop);
	}
	return status;
}

int ks_own_gather(struct ks_own *own, bool block, struct ks_err *err)
{
	bool more = false, wait = false, out;
	int status;

	while (!own->section.done && !wait) {
		status = own->stop >= 0 ? 0 : take_more(own, &more, err);
		if (status == 0)
			status = ks_own_turn(own, false, &out, err);
		if (status != 0 || out || more)
			return status;
		status = own->advance(own, block && own->frames.n + own->given == 0, &wait, err);
		if (status != 0)
			return status;
	}
	return 0;
}

int ks_own_wait(struct ks_own *own, int fd, bool block, bool *ready, struct ks_err *err)
{
	int no, timeout = 0, status;

	*ready = false;
	if (block) {
		status = ks_section_idle(&own->section, &own->frames, &timeout, err);
		if (status != 0 || own->frames.n > 0)
			return status;
	}
	no = ks_wait(fd, own->source.wake, timeout, ready);
	return no == 0 ? 0 : ks_fail_errno(err, KS_IO, no, "cannot read '%s'", own->source.name);
}

int ks_own_fill(struct ks_own *own, struct ks_in *in, struct ks_err *err)
{
	uint64_t before = in->bytes;
	int no = ks_in_fill(in);

	own->source.stats.bytes += in->bytes - before;
	if (no == ENOMEM)
		return ks_fail_memory(err);
	return no == 0 ? 0 : ks_fail_errno(err, KS_IO, no, "cannot read '%s'", own->source.name);
}

/* A record that is given is in no frame. */
static int take_given(void *arg, struct ks_rec *rec)
{
	struct ks_own *own = arg;
	int status;

	ks_idle_tick(&own->idle, ks_clock_ms());
	status = ks_idle_record(&own->idle, rec, own->err);

	return status != 0 ? status : own->take_on(own->taker, rec);
}

void ks_own_give(struct ks_source *source, int (*take)(void *taker, struct ks_rec *rec), void *taker)
{
	struct ks_own *own = (struct ks_own *)source;

	own->take_on = take;
	own->taker = taker;
	own->ingest->take = own->idle.after_ms > 0 && take != NULL ? take_given : take;
	own->ingest->taker = own->ingest->take == take ? taker : own;
}

static void own_stop(struct ks_source *source, enum ks_kind kind)
{
	((struct ks_own *)source)->stop = kind;
}

void ks_own_init(struct ks_own *own, const struct ks_config *config, int wake, const char *name)
{
	own->source = (struct ks_source){
		.next = own_next, .stop = own_stop, .wake = wake, .name = name, .piped = true,
	};
	own->stop = -1;
	own->left = config->count;
	own->idle.after_ms = config->idle_ms;
	ks_idle_begin(&own->idle, ks_clock_ms());
	ks_buf_init(&own->frames, 8 * config->limits.record + 2 * KS_IO_SIZE + KS_CONTROL_MAX);
}

void ks_own_release(struct ks_own *own)
{
	ks_section_close(&own->section);
	ks_idle_close(&own->idle);
	ks_buf_release(&own->frames);
}
