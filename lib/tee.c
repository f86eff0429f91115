/* SPDX-License-Identifier: MIT */
/* tee.c - a copy of records beside the output. */
#include "tee.h"

#include <errno.h>
#include <unistd.h>

#include "envelope.h"

int ks_tee_open(struct ks_tee *t, const char *path, const struct ks_config *c, struct ks_err *err)
{
	struct stat st;
	int status, no;

	*t = (struct ks_tee){ .depth = c->limits.depth };
	ks_buf_init(&t->line, 8 * c->limits.record);
	status = ks_beside_open(&t->file, "--tee", path, 0, err);
	if (status != 0)
		return status;
	no = ks_out_open(&t->out, t->file.fd);
	status = no != 0 ? ks_beside_wrote(&t->file, no, err) : ks_beside_check(&t->file, c, err);
	if (status == 0 && (fstat(t->file.fd, &st) != 0 || (S_ISREG(st.st_mode) && ftruncate(t->file.fd, 0) != 0)))
		status = ks_beside_wrote(&t->file, errno, err);
	return status;
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
	*status = ks_beside_wrote(&t->file, no, err);
	return NULL;
}

int ks_tee_sync(struct ks_tee *t, struct ks_err *err)
{
	int status = t->file.path == NULL ? 0 : ks_beside_wrote(&t->file, ks_out_flush(&t->out), err);

	return status == 0 && t->file.path != NULL ? ks_beside_sync(&t->file, err) : status;
}

int ks_tee_finish(struct ks_tee *t, struct ks_err *err)
{
	int status = ks_tee_sync(t, err);

	return status == 0 && t->file.path != NULL ? ks_beside_finish(&t->file, err) : status;
}

void ks_tee_close(struct ks_tee *t)
{
	if (t->file.path != NULL) {
		ks_out_release(&t->out);
		ks_beside_close(&t->file);
		t->file.path = NULL;
	}
	ks_buf_release(&t->line);
}
