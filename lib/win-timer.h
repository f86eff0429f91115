/* SPDX-License-Identifier: MIT */
/*
 * win-timer.h - which windows of packed lists are due as event time moves.
 *
 * In the store a key has an entry without a value in the segment of a
 * bucket of time (1 + due / w->bucket_ms), for the earliest of its windows;
 * which they are stands in its list alone, and is looked up when time comes
 * to the bucket.  Its windows are then ordered in memory by due time, start
 * and key.  A timer whose window is gone by then does nothing.
 */
#ifndef KS_WIN_TIMER_H
#define KS_WIN_TIMER_H

#include "win-list.h"

/* When a window has to be looked at: when it closes, or when nobody needs it any more. */
typedef int64_t ks_win_due_of(const struct ks_win *w, const struct ks_win_entry *e);

/*
 * Do what is to be done about a window that is due: it may put and arm, and
 * is told when a window is not there any more by not being called.
 */
typedef int ks_win_fire(struct ks_win *w, struct ks_win_part *part, struct ks_bytes key,
    const struct ks_win_list *list, const struct ks_win_entry *e);

/* A window was made, which is due at due_ms: *armed of its list, which is to be put, is changed. */
int	ks_win_timer_arm(struct ks_win *w, struct ks_win_part *part, struct ks_bytes key, int64_t due_ms,
	    int64_t start_ms, int64_t *armed) KS_MUST_USE;

/* Fire what is due below limit_ms, or all, in order. */
int	ks_win_timer_run(struct ks_win *w, struct ks_win_part *part, int64_t limit_ms, bool all,
	    ks_win_due_of *due_of, ks_win_fire *fire) KS_MUST_USE;

/* At or below the due time of all windows; INT64_MAX: there are none. */
int64_t	ks_win_timer_next(struct ks_win *w, const struct ks_win_part *part);

#endif
