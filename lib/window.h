/* SPDX-License-Identifier: MIT */
/*
 * window.h - which windows hold a time, and when they close.
 *
 * Pure arithmetic, checked at both ends of int64_t.  Source: semantics.md
 * 2.1 and 2.2; Kafka Streams TimeWindows.windowsFor and
 * KStreamWindowAggregateProcessor.
 */
#ifndef KS_WINDOW_H
#define KS_WINDOW_H

#include "sys.h"

/* A window is [start_ms, end_ms): the end is exclusive. */
struct ks_window {
	int64_t start_ms;
	int64_t end_ms;
};

struct ks_window_spec {
	int64_t size_ms;
	int64_t advance_ms;	/* from one start to the next; the size for tumbling windows */
	int64_t grace_ms;	/* how long behind its end a window still takes records */
	int64_t offset_ms;	/* the first start since 1970; 0 to advance_ms - 1 */
};

/* What is wrong with a spec, in a few words; NULL when ks_window_assign accepts it. */
const char *ks_window_check(const struct ks_window_spec *spec);

/*
 * ks_window_span - the windows that hold a time: the first start and the
 * last; the others are advance_ms apart.
 *
 * Returns 0, ENOENT (none: all would start before 1970), ERANGE (an end
 * exceeds int64_t).
 */
int	ks_window_span(const struct ks_window_spec *spec, int64_t time_ms, int64_t *first,
	    int64_t *last) KS_MUST_USE;

/*
 * ks_window_assign - list the windows that hold a time.
 *
 *	spec	a shape that ks_window_check has accepted
 *	time_ms	event time, ms since 1970-01-01T00:00Z
 *	out	caller's array, max windows long; filled oldest first
 *	count	windows written, or needed when ENOSPC is returned
 *
 * Starts are whole multiples of advance_ms since offset_ms, so two runs cut
 * the same data alike; windows that would start before 1970 are left out, and
 * so a time before 1970 has none.  Allocates nothing, keeps nothing.
 *
 * Returns 0, ENOSPC (out is too short), ERANGE (an end exceeds int64_t).
 */
int	ks_window_assign(const struct ks_window_spec *spec, int64_t time_ms,
	    struct ks_window *out, size_t max, size_t *count) KS_MUST_USE;

/*
 * ks_window_close_time - a window is closed, and refuses records, when its
 * end is at or below this time.
 *
 *	stream_ms	the largest event time seen, the record to be judged
 *			included; -1 or more (-1: none yet)
 */
static inline int64_t ks_window_close_time(const struct ks_window_spec *spec, int64_t stream_ms)
{
	return stream_ms - spec->grace_ms;	/* >= -1 - INT64_MAX: cannot overflow */
}

static inline bool ks_window_closed(const struct ks_window_spec *spec, const struct ks_window *w,
    int64_t stream_ms)
{
	return w->end_ms <= ks_window_close_time(spec, stream_ms);
}

#endif
