/* SPDX-License-Identifier: MIT */
/*
 * source-frames.c - frames as they come: from stdin, or from files one
 * after another.  The loop hops them where they lie.
 */
#include <errno.h>
#include <stdlib.h>

#include "fdio.h"
#include "input.h"
#include "source.h"

#define LOOK_MS 1000	/* the loop's deadlines are looked at so often */

struct frames {
	struct ks_source source;
	const struct ks_config *config;
	struct ks_in in;
	size_t next;		/* index of the next file to open */
};

static int open_input(struct frames *f, struct ks_err *err)
{
	const struct ks_config *config = f->config;
	int64_t size;
	int status;

	if (config->in_count > 0)
		f->source.name = config->in[f->next];
	status = ks_input_open(config->in_count > 0 ? f->source.name : "-", &f->in.fd, &size, err);
	if (status != 0)
		return status;
	f->next++;
	f->source.piped = size < 0;
	f->source.before = f->in.bytes;
	if (size > 0)
		f->source.stats.total += (uint64_t)size;
	f->in.eof = false;
	return 0;
}

static enum ks_next failed(struct ks_err *err, int status, int no, const char *name)
{
	ks_fail_errno(err, status, no, "cannot read '%s'", name);
	return KS_NEXT_FAILED;
}

static enum ks_next frames_next(struct ks_source *source, bool block, struct ks_err *err)
{
	struct frames *f = (struct frames *)source;
	bool ready;
	int no;

	f->in.start += source->used;
	source->used = 0;
	while (f->in.eof) {
		if (f->next >= f->config->in_count)
			return KS_NEXT_OVER;
		/* Or half a frame would go together with the next file's first. */
		if (f->in.start < f->in.end) {
			ks_fail(err, KS_TEMP, "%s ends inside a frame: what wrote it has failed", source->name);
			return KS_NEXT_FAILED;
		}
		ks_input_close(f->in.fd);
		f->in.fd = -1;
		if (open_input(f, err) != 0)
			return KS_NEXT_FAILED;
	}
	no = ks_wait(f->in.fd, source->wake, block ? LOOK_MS : 0, &ready);
	if (no == 0 && !ready)
		return KS_NEXT_WAIT;
	if (no == 0)
		no = ks_in_fill(&f->in);
	if (no != 0)
		return failed(err, no == ENOMEM ? KS_TEMP : KS_IO, no, source->name);
	source->stats.bytes = f->in.bytes;
	source->chunk = ks_bytes(f->in.p + f->in.start, f->in.end - f->in.start);
	return KS_NEXT_FRAMES;
}

static void frames_close(struct ks_source *source)
{
	struct frames *f = (struct frames *)source;

	ks_input_close(f->in.fd);
	ks_in_release(&f->in);
	free(f);
}

int ks_source_frames(const struct ks_config *config, int wake, struct ks_source **source,
    struct ks_err *err)
{
	struct frames *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return ks_fail_memory(err);
	f->source = (struct ks_source){
		.next = frames_next, .close = frames_close, .wake = wake, .name = "stdin",
	};
	f->config = config;
	if (ks_in_open(&f->in, -1, config->limits.record + KS_CONTROL_MAX + KS_IO_SIZE) != 0) {
		free(f);
		return ks_fail_memory(err);
	}
	*source = &f->source;
	return open_input(f, err);
}
