/* SPDX-License-Identifier: MIT */
/* through.c - the second half of a tool with a topic between its halves. */
#include "through.h"

#include <stdio.h>
#include <stdlib.h>

#include "child.h"
#include "loop.h"

int ks_through_open(struct ks_through *x, struct ks_run *run)
{
	int status = ks_children_make(run->children, run->options, run->err);
	size_t n;

	if (status == 0)
		status = ks_children_partitions(run->children, run->options, run->through, &x->partitions, run->err);
	n = strlen(run->err->text);
	if (status == KS_CONFIG && n > 0)
		snprintf(run->err->text + n, sizeof(run->err->text) - n, "; --create-topics N makes it");
	return status;
}

int ks_through_begin(struct ks_through *x, struct ks_run *run, const char *const words[])
{
	(void)x;
	return ks_children_through(run->children, run->options, words, run->err);
}

/* The first half has ended: where its topic ends now is the end of it all. */
static int see_ends(struct ks_through *x, struct ks_run *run)
{
	bool ended = false;
	int32_t i;
	int status = ks_children_ended(run->children, &ended, &x->paused, run->err);

	if (status != 0 || !ended)
		return status;
	x->ends = malloc((size_t)x->partitions * sizeof(*x->ends));
	if (x->ends == NULL)
		return ks_fail_memory(run->err);
	for (i = 0; i < x->partitions; i++)
		x->ends[i] = INT64_MAX;
	return ks_children_ends(run->children, run->options, run->through, x->ends, x->partitions, run->err);
}

/* Whether all before the barrier is all there is. */
static bool reached(const struct ks_through *x, struct ks_bytes positions)
{
	const unsigned char *p, *end = positions.p + positions.n;
	struct ks_position at;
	struct ks_head list;
	int32_t left = x->partitions;
	uint32_t i;

	if (ks_mp_head(positions.p, end, &list) != KS_MP_OK)
		return false;
	for (i = 0, p = list.body; i < list.count && ks_position_next(&p, end, &at); i++)
		if (at.partition < x->partitions && at.offset >= x->ends[at.partition])
			left--;
	return left <= 0;
}

int ks_through_barrier(struct ks_through *x, struct ks_run *run, const struct ks_barrier *b)
{
	int status;

	if (run->loop->ends_here)	/* that one */
		return 0;
	status = x->ends == NULL ? see_ends(x, run) : 0;
	if (status == 0 && x->ends != NULL && reached(x, b->positions)) {
		run->loop->ends_here = true;
		run->loop->ends_as = x->paused ? KS_PAUSED : KS_COMPLETE;
	} else if (status == 0 && b->kind != KS_GO_ON) {
		/* Somebody has ended the reader: what the first half writes would be missing, and nobody would know. */
		status = ks_fail(run->err, KS_TEMP, "the kstream-cat that reads kafka:%s has ended before all that was written to it was read",
		    run->through);
	}
	return status;
}

void ks_through_release(struct ks_through *x)
{
	free(x->ends);
	x->ends = NULL;
}

bool ks_through_is_first(void)
{
	return getenv(KS_THROUGH) != NULL;
}
