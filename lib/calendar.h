/* SPDX-License-Identifier: MIT */
/*
 * calendar.h - days, weeks and months of a time zone as windows of time.
 *
 * Pure: the zone comes as the list of its offsets (zone.h).  A window ends
 * where the next one begins, which is 23, 24 or 25 hours on for a day on
 * which clocks are set, and begins at the first moment whose local time is
 * at or past the day's start: where clocks jump over that, at the jump;
 * where it comes twice, at the first.
 */
#ifndef KS_CALENDAR_H
#define KS_CALENDAR_H

#include "window.h"

enum ks_calendar_unit {
	KS_CALENDAR_DAY,
	KS_CALENDAR_WEEK,	/* from Monday, as ISO 8601 has it */
	KS_CALENDAR_MONTH,
};

/* From time_ms on local time is that of UTC plus offset_ms. */
struct ks_calendar_offset {
	int64_t time_ms;
	int64_t offset_ms;
};

struct ks_calendar {
	enum ks_calendar_unit unit;
	int64_t day_start_ms;	/* local time of day at which they begin */
	struct ks_calendar_offset *offsets;	/* by time, the first from INT64_MIN on; malloc'd; none is UTC */
	size_t count;
	/* From here on offsets are those of whole 400 years before: the calendar repeats. */
	int64_t cycle_from_ms;
};

void	ks_calendar_release(struct ks_calendar *c);	/* zeroed is allowed */

/*
 * ks_calendar_find - the window that holds a time, ms since 1970.
 * Returns 0, ENOENT (it would begin before 1970), ERANGE (it would end past
 * the year 9999, or the time is).
 */
int	ks_calendar_find(const struct ks_calendar *c, int64_t time_ms, struct ks_window *at)
	    KS_MUST_USE;

#endif
