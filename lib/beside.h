/* SPDX-License-Identifier: MIT */
/* beside.h - a file that an option has written beside the output: --on-error file:, --late file:, --tee. */
#ifndef KS_BESIDE_H
#define KS_BESIDE_H

#include <sys/stat.h>

#include "config.h"

struct ks_beside {
	const char *option, *path;	/* "--late"; both borrow */
	int fd;				/* -1: it is not open */
};

static inline bool ks_same_file(const struct stat *a, const struct stat *b)
{
	return S_ISREG(a->st_mode) && a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* Open path to write, made if it is not there; flags: O_APPEND or 0.  KS_CANTCREAT, KS_IO. */
int	ks_beside_open(struct ks_beside *b, const char *option, const char *path, int flags, struct ks_err *err) KS_MUST_USE;

/* What the file is to the tool already: "the input", "the output", "that of --on-error", unless that is path itself; NULL: nothing. */
const char *ks_beside_other(const struct stat *file, const char *path, const struct ks_config *c);

/*
 * KS_USAGE where it is an input, the output, or the file of --on-error, too:
 * it would be read again, or mixed.  Once all of those are there.
 */
int	ks_beside_check(const struct ks_beside *b, const struct ks_config *c, struct ks_err *err) KS_MUST_USE;

/* What was written survives a crash: before a position is committed. */
int	ks_beside_sync(const struct ks_beside *b, struct ks_err *err) KS_MUST_USE;

/* Closed, and what was written has arrived.  Nothing where it is not open. */
int	ks_beside_finish(struct ks_beside *b, struct ks_err *err) KS_MUST_USE;
void	ks_beside_close(struct ks_beside *b);

/* no: an errno of writing; 0 or KS_IO. */
int	ks_beside_wrote(const struct ks_beside *b, int no, struct ks_err *err) KS_MUST_USE;

#endif
