/* SPDX-License-Identifier: MIT */
/* source-own.c - what all sources that make their own stream share. */
#include "source-own.h"

static enum ks_next own_next(struct ks_source *source, bool block, struct ks_err *err)
{
	struct ks_own *own = (struct ks_own *)source;
	int status;

	own->frames.n = own->given = 0;
	source->used = source->run = 0;
	source->run_records = 0;
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
	source->stats.rejected = own->ingest->reject.count + own->ingest->bad_times;
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

void ks_own_give(struct ks_source *source, int (*take)(void *taker, struct ks_rec *rec), void *taker)
{
	struct ks_own *own = (struct ks_own *)source;

	own->ingest->take = take;
	own->ingest->taker = taker;
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
	ks_buf_init(&own->frames, 8 * config->limits.record + 2 * KS_IO_SIZE + KS_CONTROL_MAX);
}

void ks_own_release(struct ks_own *own)
{
	ks_section_close(&own->section);
	ks_buf_release(&own->frames);
}
