/* SPDX-License-Identifier: MIT */
/*
 * calendar.c - days, weeks and months of time zones.
 *
 * Expected bounds: Python's zoneinfo and datetime;
 * the vector of Paris: semantics.md 2.1, "Calendar / daily windows".
 */
#include "lib/calendar.h"
#include "lib/num.h"
#include "lib/zone.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

static int64_t ms(const char *text)
{
	int64_t x;

	assert_int_equal(ks_num_parse_time(ks_str(text), &x), 0);
	return x;
}

static void bounds(void **state)
{
	static const struct {
		const char *zone;
		enum ks_calendar_unit unit;
		int hour, minute;
		const char *time, *start, *end;
	} table[] = {
		{ "UTC", KS_CALENDAR_DAY, 0, 0, "2026-11-23T09:30Z", "2026-11-23T00:00Z", "2026-11-24T00:00Z" },
		{ "UTC", KS_CALENDAR_DAY, 0, 0, "1970-01-01T00:00Z", "1970-01-01T00:00Z", "1970-01-02T00:00Z" },
		{ "UTC", KS_CALENDAR_DAY, 18, 0, "2026-01-01T16:29Z", "2025-12-31T18:00Z", "2026-01-01T18:00Z" },
		{ "UTC", KS_CALENDAR_DAY, 18, 0, "2026-01-01T18:00Z", "2026-01-01T18:00Z", "2026-01-02T18:00Z" },
		{ "UTC", KS_CALENDAR_WEEK, 0, 0, "2026-11-22T23:59:59.999Z", "2026-11-16T00:00Z", "2026-11-23T00:00Z" },
		{ "UTC", KS_CALENDAR_WEEK, 0, 0, "2026-11-23T00:00Z", "2026-11-23T00:00Z", "2026-11-30T00:00Z" },
		{ "UTC", KS_CALENDAR_WEEK, 0, 0, "1970-01-05T00:00Z", "1970-01-05T00:00Z", "1970-01-12T00:00Z" },
		{ "UTC", KS_CALENDAR_MONTH, 0, 0, "2024-02-29T12:00Z", "2024-02-01T00:00Z", "2024-03-01T00:00Z" },
		{ "UTC", KS_CALENDAR_MONTH, 0, 0, "2026-12-31T23:59Z", "2026-12-01T00:00Z", "2027-01-01T00:00Z" },
		{ "UTC", KS_CALENDAR_MONTH, 6, 30, "2026-03-01T06:29Z", "2026-02-01T06:30Z", "2026-03-01T06:30Z" },
		{ "UTC", KS_CALENDAR_MONTH, 0, 0, "2200-02-28T12:00Z", "2200-02-01T00:00Z", "2200-03-01T00:00Z" },
		/* clocks are set: 23 and 25 hours */
		{ "Europe/Paris", KS_CALENDAR_DAY, 18, 0, "2019-03-30T18:00Z", "2019-03-30T17:00Z", "2019-03-31T16:00Z" },
		{ "Europe/Paris", KS_CALENDAR_DAY, 0, 0, "2026-03-29T12:00Z", "2026-03-28T23:00Z", "2026-03-29T22:00Z" },
		{ "Europe/Paris", KS_CALENDAR_DAY, 0, 0, "2026-10-25T12:00Z", "2026-10-24T22:00Z", "2026-10-25T23:00Z" },
		{ "America/New_York", KS_CALENDAR_WEEK, 0, 0, "2026-11-02T04:59Z", "2026-10-26T04:00Z", "2026-11-02T05:00Z" },
		{ "America/New_York", KS_CALENDAR_MONTH, 0, 0, "2026-03-15T00:00Z", "2026-03-01T05:00Z", "2026-04-01T04:00Z" },
		/* far ahead the rules go on */
		{ "Europe/Paris", KS_CALENDAR_DAY, 0, 0, "2200-07-01T00:00Z", "2200-06-30T22:00Z", "2200-07-01T22:00Z" },
		{ "Europe/Paris", KS_CALENDAR_DAY, 0, 0, "3000-07-01T00:00Z", "3000-06-30T22:00Z", "3000-07-01T22:00Z" },
		/* 02:30 does not come, or comes twice */
		{ "Europe/Paris", KS_CALENDAR_DAY, 2, 30, "2026-03-29T12:00Z", "2026-03-29T01:00Z", "2026-03-30T00:30Z" },
		{ "Europe/Paris", KS_CALENDAR_DAY, 2, 30, "2026-10-25T01:45Z", "2026-10-25T00:30Z", "2026-10-26T01:30Z" },
		/* midnight does not come: Sao Paulo, 2018-11-04 begins at 01:00 */
		{ "America/Sao_Paulo", KS_CALENDAR_DAY, 0, 0, "2018-11-04T12:00Z", "2018-11-04T03:00Z", "2018-11-05T02:00Z" },
		/* a day that does not come: Samoa, 2011-12-30 */
		{ "Pacific/Apia", KS_CALENDAR_DAY, 0, 0, "2011-12-30T09:59Z", "2011-12-29T10:00Z", "2011-12-30T10:00Z" },
		{ "Pacific/Apia", KS_CALENDAR_DAY, 0, 0, "2011-12-30T10:00Z", "2011-12-30T10:00Z", "2011-12-31T10:00Z" },
		/* half an hour */
		{ "Australia/Lord_Howe", KS_CALENDAR_DAY, 0, 0, "2026-04-05T00:00Z", "2026-04-04T13:00Z", "2026-04-05T13:30Z" },
	};
	struct ks_window at;
	struct ks_err err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct ks_calendar c = { .unit = table[i].unit,
			.day_start_ms = (table[i].hour * INT64_C(60) + table[i].minute) * 60000 };

		if (ks_zone_load(&c, table[i].zone, &err) != 0)
			fail_msg("%s", err.text);
		assert_int_equal(ks_calendar_find(&c, ms(table[i].time), &at), 0);
		if (at.start_ms != ms(table[i].start) || at.end_ms != ms(table[i].end))
			fail_msg("%s %s: from %lld to %lld", table[i].zone, table[i].time, (long long)at.start_ms,
			    (long long)at.end_ms);
		ks_calendar_release(&c);
	}
}

static void ends(void **state)
{
	struct ks_calendar c = { .unit = KS_CALENDAR_DAY };
	struct ks_window at;
	struct ks_err err;

	(void)state;
	assert_int_equal(ks_zone_load(&c, "Europe/Paris", &err), 0);
	assert_int_equal(ks_calendar_find(&c, -1, &at), ENOENT);
	assert_int_equal(ks_calendar_find(&c, 0, &at), ENOENT);	/* its day began in 1969 */
	assert_int_equal(ks_calendar_find(&c, 23 * 3600000, &at), 0);
	assert_int_equal(ks_calendar_find(&c, INT64_MAX, &at), ERANGE);
	assert_int_equal(ks_calendar_find(&c, ms("9999-12-31T12:00Z"), &at), 0);
	assert_int_equal(ks_calendar_find(&c, ms("9999-12-31T23:30Z"), &at), ERANGE);	/* the first day of 10000 there */
	ks_calendar_release(&c);
}

/* Windows of all units lie side by side, hour by hour through some years. */
static void no_gaps(void **state)
{
	static const char *const zones[] = { "Europe/Paris", "America/Sao_Paulo", "Africa/Casablanca", "Asia/Gaza", "Pacific/Apia" };
	struct ks_window at, before;
	struct ks_err err;
	size_t i, unit;
	int64_t t;

	(void)state;
	for (i = 0; i < 5; i++) {
		struct ks_calendar c = { .day_start_ms = 90 * 60000 };

		assert_int_equal(ks_zone_load(&c, zones[i], &err), 0);
		for (unit = 0; unit < 3; unit++) {
			c.unit = (enum ks_calendar_unit)unit;
			assert_int_equal(ks_calendar_find(&c, ms("2009-06-01T00:00Z"), &before), 0);
			for (t = ms("2009-06-01T00:00Z"); t < ms("2013-01-01T00:00Z"); t += 3600000) {
				assert_int_equal(ks_calendar_find(&c, t, &at), 0);
				assert_true(at.start_ms <= t && t < at.end_ms);
				assert_true(at.start_ms == before.start_ms || at.start_ms == before.end_ms);
				before = at;
			}
		}
		ks_calendar_release(&c);
	}
}

static void zones(void **state)
{
	static const char *const wrong[] = { "", "Nowhere/Town", "/etc/passwd", "../zoneinfo/UTC", "Europe", "CET-1CEST", "zone.tab", ":UTC", "leapseconds" };
	struct ks_calendar c = { 0 };
	struct ks_err err;
	size_t i;

	(void)state;
	assert_int_equal(setenv("TZ", "Asia/Tokyo", 1), 0);
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(ks_zone_load(&c, wrong[i], &err), KS_USAGE);
	assert_int_equal(ks_zone_load(&c, "Europe/Paris", &err), 0);
	ks_calendar_release(&c);
	assert_string_equal(getenv("TZ"), "Asia/Tokyo");
	assert_string_equal(tzname[0], "JST");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(bounds),
		cmocka_unit_test(ends),
		cmocka_unit_test(no_gaps),
		cmocka_unit_test(zones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
