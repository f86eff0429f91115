/* SPDX-License-Identifier: MIT */
/*
 * part-times.h - how far event time has come in all partitions of an input,
 * for a stage that moves records between them.
 *
 * A partition's time is the largest of its records and marks.  What may be
 * promised to those behind is the smallest of all partitions that are known:
 * idle ones excepted, which a record wakes; where all are idle, the largest.
 * A partition of which nothing has come yet holds the promise back.
 */
#ifndef KS_PART_TIMES_H
#define KS_PART_TIMES_H

#include "frame.h"

#define KS_PART_TIMES_MAX 65536u	/* partitions; a topic of Kafka has far fewer */

struct ks_part_time {
	int32_t partition;
	bool known, idle;	/* known: time_ms is */
	int64_t time_ms;
	int64_t heard_ms, told_ms;	/* of who keeps more of a partition (idle.h): when it was heard of, the mark it was given */
};

/* All zero bytes are none. */
struct ks_part_times {
	struct ks_part_time *list;	/* by partition */
	size_t count, cap, last;	/* last: found last, records come in runs */
	bool promised, idle;
	int64_t promised_ms;
};

/* Now it is known of: 0, ENOMEM, EMSGSIZE. */
int	ks_part_times_add(struct ks_part_times *x, int32_t partition) KS_MUST_USE;

/* What is known of it; NULL: nothing. */
struct ks_part_time *ks_part_times_find(const struct ks_part_times *x, int32_t partition);

/* A record, or a mark, of it has come: as ks_part_times_add. */
int	ks_part_times_move(struct ks_part_times *x, int32_t partition, int64_t time_ms, bool idle) KS_MUST_USE;

/* Whether there is something new to promise: m takes time and idle.  It never goes back. */
bool	ks_part_times_promise(struct ks_part_times *x, struct ks_mark *m);

/* The partitions are others now; what was promised stays, unless all begins anew. */
void	ks_part_times_forget(struct ks_part_times *x, bool anew);

void	ks_part_times_release(struct ks_part_times *x);

#endif
