/* SPDX-License-Identifier: MIT */
/* beside.c - a file beside the output. */
#include "beside.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "signals.h"

int ks_beside_open(struct ks_beside *b, const char *option, const char *path, int flags, struct ks_err *err)
{
	char what[32];

	*b = (struct ks_beside){ .option = option, .path = path, .fd = -1 };
	snprintf(what, sizeof(what), " of %s", option);
	return ks_signals_open_out(path, flags, what, &b->fd, err);
}

/* path: NULL, or "-" of an input: fd it is. */
static bool is_it(const struct stat *file, const char *path, int fd)
{
	struct stat other;

	return (path != NULL && strcmp(path, "-") != 0 ? stat(path, &other) : fstat(fd, &other)) == 0 && ks_same_file(file, &other);
}

const char *ks_beside_other(const struct stat *file, const char *path, const struct ks_config *c)
{
	size_t i;

	for (i = 0; i < c->in_count; i++)
		if (is_it(file, c->in[i], STDIN_FILENO))
			return "the input";
	if (c->in_count == 0 && !c->topics_in && is_it(file, NULL, STDIN_FILENO))
		return "the input";
	if (c->also_read != NULL && is_it(file, c->also_read, -1))
		return "read";
	if (c->out_topic == NULL && is_it(file, c->out, STDOUT_FILENO))
		return "the output";
	return c->on_error == KS_POLICY_FILE && path != c->error_to && is_it(file, c->error_to, -1) ? "that of --on-error" : NULL;
}

int ks_beside_check(const struct ks_beside *b, const struct ks_config *c, struct ks_err *err)
{
	struct stat file;
	const char *what = b->fd < 0 || fstat(b->fd, &file) != 0 ? NULL : ks_beside_other(&file, b->path, c);

	return what == NULL ? 0 : ks_fail(err, KS_USAGE, "'%s' of %s is %s, too", b->path, b->option, what);
}

int ks_beside_sync(const struct ks_beside *b, struct ks_err *err)
{
	/* EINVAL, EROFS: a pipe or a terminal. */
	if (b->fd >= 0 && fsync(b->fd) != 0 && errno != EINVAL && errno != EROFS)
		return ks_fail_errno(err, KS_IO, errno, "cannot fsync '%s' of %s", b->path, b->option);
	return 0;
}

int ks_beside_finish(struct ks_beside *b, struct ks_err *err)
{
	int fd = b->fd;

	b->fd = -1;
	if (fd >= 0 && close(fd) != 0)
		return ks_fail_errno(err, KS_IO, errno, "cannot close '%s' of %s", b->path, b->option);
	return 0;
}

void ks_beside_close(struct ks_beside *b)
{
	if (b->fd >= 0)
		close(b->fd);
	b->fd = -1;
}

int ks_beside_wrote(const struct ks_beside *b, int no, struct ks_err *err)
{
	return no == 0 ? 0 : ks_fail_errno(err, KS_IO, no, "cannot write to '%s' of %s", b->path, b->option);
}
