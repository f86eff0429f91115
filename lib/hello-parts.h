/* SPDX-License-Identifier: MIT */
/* hello-parts.h - the partitions that a HELLO tells of, and a HELLO that tells of others. */
#ifndef KS_HELLO_PARTS_H
#define KS_HELLO_PARTS_H

#include "frame.h"

/* What changes. */
struct ks_hello_parts {
	const char *only;	/* names of streams between commas, NULL: all streams */
	bool routes;		/* there are names among them that are of no stream: then nothing is known of the others */
	int32_t partitions;	/* that they have from here on */
	const char *key;	/* the codec of their keys, by which they are placed; NULL: as it was */
	const char *hint;	/* goes behind the hint that is there */
};

/* Copy a HELLO, whose payload has been parsed, to b with that changed: 0, ENOMEM, EMSGSIZE. */
int	ks_hello_add_parts(struct ks_buf *b, struct ks_bytes payload, const struct ks_hello_parts *x) KS_MUST_USE;

/*
 * ks_hello_positions - call each for every position at which the section
 * begins; one without a partition is passed over, and an input, offset, epoch,
 * run or owner that it does not have is p == NULL, -1, 0, 0, p == NULL.  Stops at, and returns, what is not 0.
 */
int	ks_hello_positions(struct ks_bytes payload, int (*each)(void *arg, const struct ks_position *x), void *arg) KS_MUST_USE;

#endif
