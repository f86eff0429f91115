/* SPDX-License-Identifier: MIT */
/* tee.h - a copy of records beside the output, as envelopes in a file. */
#ifndef KS_TEE_H
#define KS_TEE_H

#include "beside.h"
#include "fdio.h"
#include "frame.h"

struct ks_tee {
	struct ks_beside file;	/* path NULL: closed */
	unsigned depth;
	struct ks_out out;
	struct ks_buf line;
};

/*
 * Open path, which borrows, and empty it; KS_USAGE where it is an input, the
 * output, or the file of --on-error, all of which are there by then.
 */
int	ks_tee_open(struct ks_tee *t, const char *path, const struct ks_config *c, struct ks_err *err)
	    KS_MUST_USE;
/* NULL, or what is wrong with the record; *status: the file could not be written (err is filled). */
const char *ks_tee_record(struct ks_tee *t, const struct ks_rec *rec, int *status, struct ks_err *err)
    KS_MUST_USE;
/* What was written is in the file: before a position is committed. */
int	ks_tee_sync(struct ks_tee *t, struct ks_err *err) KS_MUST_USE;
/* And at the end: nothing more comes, and the file is closed without a fault. */
int	ks_tee_finish(struct ks_tee *t, struct ks_err *err) KS_MUST_USE;
void	ks_tee_close(struct ks_tee *t);

#endif
