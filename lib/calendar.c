/* SPDX-License-Identifier: MIT */
/* calendar.c - local midnights and their like, by arithmetic. */
#include "calendar.h"

#include <errno.h>
#include <stdlib.h>

#define DAY INT64_C(86400000)
#define CYCLE (INT64_C(146097) * DAY)	/* 400 years of the Gregorian calendar: whole weeks, too */
#define LAST_MS INT64_C(253402300800000)	/* 10000-01-01 */

void ks_calendar_release(struct ks_calendar *c)
{
	free(c->offsets);
	c->offsets = NULL;
	c->count = 0;
}

static int64_t offset_at(const struct ks_calendar *c, int64_t time_ms)
{
	size_t low = 0, high = c->count, middle;

	if (c->count == 0)
		return 0;
	if (time_ms >= c->cycle_from_ms)
		time_ms -= (time_ms - c->cycle_from_ms) / CYCLE * CYCLE + CYCLE;
	while (high - low > 1) {
		middle = (low + high) / 2;
		if (c->offsets[middle].time_ms <= time_ms)
			low = middle;
		else
			high = middle;
	}
	return c->offsets[low].offset_ms;
}

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

/*
 * Days since 1970 of the first of a month, counted since year 0 (Howard
 * Hinnant, "chrono-compatible low-level date algorithms").
 */
static int64_t days_of_month(int64_t month)
{
	int64_t y = floor_div(month, 12), m = month - y * 12 + 1, era, yoe, doy;

	y -= m <= 2;
	era = floor_div(y, 400);
	yoe = y - era * 400;
	doy = (153 * (m > 2 ? m - 3 : m + 9) + 2) / 5;
	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static int64_t month_of_days(int64_t days)
{
	int64_t z = days + 719468, era = floor_div(z, 146097), doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t mp = (5 * (doe - (365 * yoe + yoe / 4 - yoe / 100)) + 2) / 153;
	int64_t m = mp < 10 ? mp + 3 : mp - 9;

	return (yoe + era * 400 + (m <= 2)) * 12 + m - 1;
}

/* The day (since 1970) on which unit number n begins, and the number that holds a day. */
static int64_t first_day(const struct ks_calendar *c, int64_t n)
{
	return c->unit == KS_CALENDAR_DAY ? n : c->unit == KS_CALENDAR_WEEK ? 7 * n - 3 : days_of_month(n);
}

static int64_t number_of(const struct ks_calendar *c, int64_t day)
{
	/* 1970-01-01 was a Thursday. */
	return c->unit == KS_CALENDAR_DAY ? day : c->unit == KS_CALENDAR_WEEK ? floor_div(day + 3, 7) : month_of_days(day);
}

/* The first moment at or past a local time: offsets differ by less than a day from each other. */
static int64_t moment(const struct ks_calendar *c, int64_t local_ms)
{
	int64_t before = offset_at(c, local_ms - DAY), after = offset_at(c, local_ms + DAY);
	int64_t early = before > after ? before : after, late = before > after ? after : before;
	int64_t low = local_ms - early, high = local_ms - late, middle;

	/* local(low) may be at it; local(high) is at or past it. */
	if (low + offset_at(c, low) >= local_ms)
		return low;
	while (low < high) {
		middle = low + (high - low) / 2;
		if (middle + offset_at(c, middle) >= local_ms)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

static int64_t begins(const struct ks_calendar *c, int64_t n)
{
	return moment(c, first_day(c, n) * DAY + c->day_start_ms);
}

int ks_calendar_find(const struct ks_calendar *c, int64_t time_ms, struct ks_window *at)
{
	int64_t n;

	if (time_ms < 0)
		return ENOENT;
	if (time_ms >= LAST_MS)
		return ERANGE;
	n = number_of(c, floor_div(time_ms + offset_at(c, time_ms) - c->day_start_ms, DAY));
	at->start_ms = begins(c, n);
	while (at->start_ms > time_ms)
		at->start_ms = begins(c, --n);
	at->end_ms = begins(c, n + 1);
	while (at->end_ms <= time_ms) {
		at->start_ms = at->end_ms;
		at->end_ms = begins(c, ++n + 1);
	}
	return at->start_ms < 0 ? ENOENT : at->end_ms > LAST_MS ? ERANGE : 0;
}
