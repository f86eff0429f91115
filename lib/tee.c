/* SPDX-License-Identifier: MIT */
/* tee.c - a copy of records beside the output. */
#include "tee.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "envelope.h"
#include "signals.h"

static int failed(const struct ks_tee *t, int no, struct ks_err *err)
{
	return ks_fail_errno(err, KS_IO, no, "cannot write to '%s' of --tee", t->path);
}

static bool is_it(const struct stat *file, const char *path, int fd)
{
	struct stat other;

	return (path != NULL ? stat(path, &other) : fstat(fd, &other)) == 0 && S_ISREG(other.st_mode) &&
	    other.st_dev == file->st_dev && other.st_ino == file->st_ino;
}

/* What a file is beside the copy: it would be gone before it was read, or mixed with it. */
static const char *also(const struct ks_config *c, const struct stat *file)
{
	size_t i;

	for (i = 0; i < c->in_count; i++)
		if (is_it(file, strcmp(c->in[i], "-") == 0 ? NULL : c->in[i], STDIN_FILENO))
			return "the input";
	if (c->in_count == 0 && is_it(file, NULL, STDIN_FILENO))
		return "the input";
	if (c->out_topic == NULL && is_it(file, c->out, STDOUT_FILENO))
		return "the output";
	return c->on_error == KS_POLICY_FILE && is_it(file, c->error_to, -1) ? "that of --on-error" : NULL;
}

int ks_tee_open(struct ks_tee *t, const char *path, const struct ks_config *c, struct ks_err *err)
{
	const char *what;
	struct stat st;
	int status, no;

	*t = (struct ks_tee){ .depth = c->limits.depth };
	ks_buf_init(&t->line, 8 * c->limits.record);
	status = ks_signals_open_out(path, 0, " of --tee", &t->fd, err);
	if (status != 0)
		return status;
	t->path = path;
	no = ks_out_open(&t->out, t->fd);
	if (no == 0 && fstat(t->fd, &st) != 0)
		no = errno;
	what = no == 0 ? also(c, &st) : NULL;
	if (what != NULL)
		return ks_fail(err, KS_USAGE, "'%s' of --tee is %s, too", path, what);
	if (no == 0 && S_ISREG(st.st_mode) && ftruncate(t->fd, 0) != 0)
		no = errno;
	return no == 0 ? 0 : failed(t, no, err);
}

const char *ks_tee_record(struct ks_tee *t, const struct ks_rec *rec, int *status, struct ks_err *err)
{
	const char *wrong;
	int no;

	*status = 0;
	t->line.n = 0;
	wrong = ks_envelope_print(&t->line, rec, t->depth);
	if (wrong != NULL)
		return wrong;
	no = ks_buf_add(&t->line, "\n", 1);
	if (no == 0)
		no = ks_out_add(&t->out, t->line.p, t->line.n);
	if (no != 0)
		*status = failed(t, no, err);
	return NULL;
}

int ks_tee_sync(struct ks_tee *t, struct ks_err *err)
{
	int no = t->path == NULL ? 0 : ks_out_flush(&t->out);

	/* EINVAL: a pipe or a terminal. */
	if (t->path != NULL && no == 0 && fsync(t->fd) != 0 && errno != EINVAL && errno != EROFS)
		no = errno;
	return no == 0 ? 0 : failed(t, no, err);
}

int ks_tee_finish(struct ks_tee *t, struct ks_err *err)
{
	int status = ks_tee_sync(t, err), fd = t->fd;

	if (status != 0 || t->path == NULL)
		return status;
	t->fd = -1;
	return close(fd) != 0 ? failed(t, errno, err) : 0;
}

void ks_tee_close(struct ks_tee *t)
{
	if (t->path != NULL) {
		ks_out_release(&t->out);
		if (t->fd >= 0)
			close(t->fd);
		t->path = NULL;
	}
	ks_buf_release(&t->line);
}
