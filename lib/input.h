/* SPDX-License-Identifier: MIT */
/* input.h - files named on the command line: opening them, and the topic they stand for. */
#ifndef KS_INPUT_H
#define KS_INPUT_H

#include "sys.h"

/*
 * ks_input_open - open a file for reading; "-" is stdin.
 *
 *	size	out: its bytes, or -1 where it has no end to know (a pipe)
 *
 * A name that is not UTF-8 is refused: it goes into the stream as a string.
 * Returns 0, or KS_NOINPUT with err filled.
 */
int	ks_input_open(const char *name, int *fd, int64_t *size, struct ks_err *err) KS_MUST_USE;

/* Close it, unless it is stdin. */
void	ks_input_close(int fd);

/*
 * ks_input_check - a hash by which a file is known again: of all bytes
 * before offset, or where these are more than 8192, of the first 4096 and the
 * last 4096 of them.  It survives copies, renames, and that the file grows.
 * XXH3, 64 bits, seed 0.
 *
 *	check	out: 16 digits, hexadecimal
 *
 * Does not move the position of fd.  0, ENODATA where the file is shorter
 * than offset, or another errno.
 */
#define KS_INPUT_CHECK 16
int	ks_input_check(int fd, int64_t offset, char check[KS_INPUT_CHECK + 1]) KS_MUST_USE;

/* The topic of a file: its name up to the first dot, controls replaced; room of KS_NAME_MAX + 1. */
const char *ks_input_topic(const char *name, char *room);

#endif
