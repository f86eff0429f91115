/* SPDX-License-Identifier: MIT */
/*
 * sorter-file.c - sorted records in temporary files.
 *
 * A file loses its name before anything is written to it.  16 files of one
 * level become one of the next, so that a record is written once a level, and
 * no more than 16 files of each are open.
 */
#include "sorter-impl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "fdio.h"

#define FAN 16u
#define READ_LEAST ((size_t)4 << 10)

static int fails(const struct ks_sorter *s, const char *what, int no, struct ks_err *err)
{
	return ks_fail_errno(err, KS_IO, no, "cannot %s a temporary file in '%s', for what passes --memory", what, s->dir);
}

const char *ks_sorter_about(const struct ks_sorter *s, struct ks_err *said)
{
	if (s->spilled == 0)
		return "0 written to temporary files";
	ks_fail(said, 0, "%llu written to temporary files in '%s'", (unsigned long long)s->spilled, s->dir);
	return said->text;
}

static int make_file(const struct ks_sorter *s, int *fd, struct ks_err *err)
{
	char *path;
	int status = 0;

	if (asprintf(&path, "%s/kstream-sort.XXXXXX", s->dir) < 0)
		return ks_fail_memory(err);
	*fd = mkostemp(path, O_CLOEXEC);
	if (*fd < 0)
		status = fails(s, "make", errno, err);
	else if (unlink(path) != 0)
		status = fails(s, "remove the name of", errno, err);
	free(path);
	return status;
}

void ks_sorter_file_close(struct ks_sorter_source *x)
{
	if (x->fd >= 0)
		close(x->fd);	/* it was written to be read, and has no name: nothing can be lost */
	free(x->p);
	*x = (struct ks_sorter_source){ .fd = -1, .prefix = UINT64_MAX };
}

/* Until n bytes are there; *over: the file ends where a record would begin. */
static int fill(const struct ks_sorter *s, struct ks_sorter_source *x, size_t n, bool *over, struct ks_err *err)
{
	unsigned char *p;
	ssize_t got;

	if (x->start > 0) {
		memmove(x->p, x->p + x->start, x->end - x->start);
		x->end -= x->start;
		x->start = 0;
	}
	if (n > x->cap) {
		p = realloc(x->p, n);
		if (p == NULL)
			return ks_fail_memory(err);
		x->p = p;
		x->cap = n;
	}
	while (x->end < n) {
		got = read(x->fd, x->p + x->end, x->cap - x->end);
		if (got < 0 && errno != EINTR)
			return fails(s, "read", errno, err);
		if (got == 0 && x->end > 0)
			return ks_fail(err, KS_IO, "a temporary file in '%s' ends too soon", s->dir);
		if (got == 0) {
			*over = true;
			return 0;
		}
		x->end += got > 0 ? (size_t)got : 0;
	}
	return 0;
}

int ks_sorter_file_next(struct ks_sorter *s, struct ks_sorter_source *x, struct ks_err *err)
{
	bool over = false;
	size_t n = KS_SORTER_SIZES;
	int status = 0;

	x->start += x->head != NULL ? ks_sorter_size(x->head) : 0;
	x->head = NULL;
	if (x->end - x->start < n)
		status = fill(s, x, n, &over, err);
	if (status == 0 && !over) {
		n = ks_sorter_size(x->p + x->start);
		if (n > KS_SORTER_SIZES + s->largest)
			return ks_fail(err, KS_IO, "a temporary file in '%s' is not what was written to it", s->dir);
		if (x->end - x->start < n)
			status = fill(s, x, n, &over, err);
	}
	if (status == 0 && over)
		ks_sorter_file_close(x);
	else if (status == 0)
		x->head = x->p + x->start;
	return status;
}

/* All that count sources have, from the one at `from` on, smallest first. */
static int write_all(struct ks_sorter *s, unsigned from, unsigned count, struct ks_out *o, struct ks_err *err)
{
	struct ks_sorter_source *x;
	int no = 0, status = 0;

	ks_sorter_play(s, from, count);
	for (x = &s->sources[s->tree[0]]; x->head != NULL && status == 0; x = &s->sources[s->tree[0]]) {
		no = ks_out_add(o, x->head, ks_sorter_size(x->head));
		if (no != 0)
			break;
		s->spilled++;
		status = ks_sorter_advance(s, x, err);
		ks_sorter_replay(s, from, count);
	}
	if (no == 0 && status == 0)
		no = ks_out_flush(o);
	return no != 0 ? fails(s, "write", no, err) : status;
}

/* count sources from the one at `from` on become a file, which takes the place of the first: the last sources, or files before no batch. */
static int to_file(struct ks_sorter *s, unsigned from, unsigned count, unsigned level, struct ks_err *err)
{
	struct ks_sorter_source file = { .fd = -1, .level = level, .prefix = UINT64_MAX };
	size_t room = s->memory / 4 / (3 * FAN);	/* of three levels at a time: more are more than a disk has */
	struct ks_out o = { .fd = -1 };
	int no, status = make_file(s, &file.fd, err);

	if (status == 0) {
		no = ks_out_open(&o, file.fd);
		status = no != 0 ? ks_fail_memory(err) : write_all(s, from, count, &o, err);
		ks_out_release(&o);
	}
	if (status == 0 && lseek(file.fd, 0, SEEK_SET) != 0)
		status = fails(s, "read", errno, err);
	if (status == 0) {
		file.cap = room < READ_LEAST ? READ_LEAST : room > KS_IO_SIZE ? KS_IO_SIZE : room;
		file.p = malloc(file.cap);
		status = file.p == NULL ? ks_fail_memory(err) : 0;
	}
	if (status != 0) {
		ks_sorter_file_close(&file);
		return status;
	}
	s->sources[from] = file;
	s->source_count = from + 1;
	s->file_count = s->source_count;
	return ks_sorter_advance(s, &s->sources[from], err);
}

int ks_sorter_spill(struct ks_sorter *s, struct ks_err *err)
{
	unsigned from = s->file_count, level;
	int status = to_file(s, from, s->source_count - from, 0, err);

	/* Levels fall from the oldest file to the newest: the last FAN are of one level, if the first of them is of the last's. */
	while (status == 0 && s->file_count >= FAN) {
		from = s->file_count - FAN;
		level = s->sources[s->file_count - 1].level;
		if (s->sources[from].level != level)
			break;
		status = to_file(s, from, FAN, level + 1, err);
	}
	s->played = false;
	return status;
}
