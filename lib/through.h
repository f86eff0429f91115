/* SPDX-License-Identifier: MIT */
/*
 * through.h - --through TOPIC: a tool in two processes with a topic between.
 *
 * This process is the second half: it reads the topic, by a kstream-cat, from
 * where it ends at the start.  Once that is known (HELLO) it runs the first half,
 * the same program, which reads the input and writes the topic.  When that has
 * ended, the ends of the topic are asked for, and at the first barrier behind
 * them the stream ends here as the input did: complete or paused.
 */
#ifndef KS_THROUGH_H
#define KS_THROUGH_H

#include "op.h"

/* All zero bytes is one that is not open. */
struct ks_through {
	int32_t partitions;	/* of the topic */
	int64_t *ends;		/* NULL: the first half still writes */
	bool paused;
};

/* Make the topic, if that is wanted, and ask how many partitions it has. */
int	ks_through_open(struct ks_through *x, struct ks_run *run) KS_MUST_USE;

/* HELLO has come: run the first half with these words, up to a NULL, beside the shared options. */
int	ks_through_begin(struct ks_through *x, struct ks_run *run, const char *const words[]) KS_MUST_USE;

/* A barrier has come. */
int	ks_through_barrier(struct ks_through *x, struct ks_run *run, const struct ks_barrier *b) KS_MUST_USE;

void	ks_through_release(struct ks_through *x);

/* Whether this process is a first half: its input was paused, then it ends by ks_say_no. */
bool	ks_through_is_first(void);

#endif
