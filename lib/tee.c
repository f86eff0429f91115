/* SPDX-License-Identifier: MIT */
/* tee.c - a copy of records beside the output. */
#include "tee.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "envelope.h"
#include "signals.h"

static int failed(const struct ks_tee *t, int no, struct ks_err *err)
{
	return ks_fail_errno(err, KS_IO, no, "cannot write to '%s' of --tee", t->path);
}

int ks_tee_open(struct ks_tee *t, const char *path, const struct ks_limits *limits, struct ks_err *err)
{
	int status, no;

	*t = (struct ks_tee){ .depth = limits->depth };
	ks_buf_init(&t->line, 8 * limits->record);
	status = ks_signals_open_out(path, O_TRUNC, " of --tee", &t->fd, err);
	if (status != 0)
		return status;
	t->path = path;
	no = ks_out_open(&t->out, t->fd);
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

void ks_tee_close(struct ks_tee *t)
{
	if (t->path != NULL) {
		ks_out_release(&t->out);
		close(t->fd);
		t->path = NULL;
	}
	ks_buf_release(&t->line);
}
