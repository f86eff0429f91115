/* SPDX-License-Identifier: MIT */
/*
 * idle.h - --idle: event time of partitions that bring nothing.
 *
 * A partition whose input has come to its end and has brought nothing for
 * `after` ms is silent.  Its time then goes on as the clock does, `after`
 * behind: by a mark twice a second, of its largest time and how long it has
 * been silent beyond that.  So a record that is held up by less than `after`
 * longer than the one before it is never late for it.  A mark is never ahead
 * of the clock on the wall, and a partition that has brought no time yet is
 * marked once, with 0, as idle.
 *
 * Only the time counts in which the source has listened: while it waits for
 * its reader, or the machine sleeps, nobody is silent.
 */
#ifndef KS_IDLE_H
#define KS_IDLE_H

#include "frame.h"
#include "part-times.h"

struct ks_idle {
	int64_t after_ms;	/* 0: nobody asks, and nothing below is called for */
	struct ks_part_times times;
	int64_t clock_ms;	/* ks_clock_ms, as it was told last */
	int64_t listened_ms;	/* in all, by it */
	int64_t due_ms;		/* ks_clock_ms of the next marks */
	int64_t future_ms;	/* times past it ask the wall clock first */
	size_t seen;		/* bytes of frames that were looked at */
};

/* A section begins at this ks_clock_ms: what was known is of another one. */
void	ks_idle_begin(struct ks_idle *x, int64_t now);
/* It has this partition: KS_OK, or a status. */
int	ks_idle_partition(struct ks_idle *x, int32_t partition, struct ks_err *err) KS_MUST_USE;
/* It is now, by ks_clock_ms: before each of those below. */
void	ks_idle_tick(struct ks_idle *x, int64_t now);
/* A record has come. */
int	ks_idle_record(struct ks_idle *x, const struct ks_rec *rec, struct ks_err *err) KS_MUST_USE;
/* As many have as there are in b behind what was seen of it; b is of our own making. */
int	ks_idle_frames(struct ks_idle *x, struct ks_bytes b, const struct ks_limits *limits, struct ks_err *err) KS_MUST_USE;

/*
 * ks_idle_look - append the marks that are due to b.
 *
 *	awake	calls the two below for partitions of which there is more that
 *		has not come: those are not silent.  NULL: all that is there has
 *		come.  It is asked once for all of them, as there may be
 *		thousands on both sides
 *	more	whether there are any
 */
int	ks_idle_look(struct ks_idle *x, void (*awake)(void *arg, struct ks_idle *x), void *arg,
	    struct ks_buf *b, bool *more, struct ks_err *err) KS_MUST_USE;
void	ks_idle_awake(struct ks_idle *x, int32_t partition);
void	ks_idle_all_awake(struct ks_idle *x);

void	ks_idle_close(struct ks_idle *x);

#endif
