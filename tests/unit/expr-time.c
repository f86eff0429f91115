/* SPDX-License-Identifier: MIT */
/*
 * expr-time.c - functions of time and of numbers where jq is no judge:
 * milliseconds, exact integers, hashes, and zones.  Expected times are
 * those of Python's datetime, partitions those of Kafka's Java client.
 */
#include "tests/unit/expr-rows.h"

#define MAX "9223372036854775807"
#define MIN "-9223372036854775808"

static void milliseconds(void **state)
{
	static const struct expr_row rows[] = {
		{ "ts_ms", "\"2026-11-21T22:00:00.1239Z\"", "1795298400123" }, { "ts_ms", "\"2026-11-21T22:00:00+01:00\"", "1795294800000" },
		{ "ts_ms", "\"2026-11-21\"", "1795219200000" }, { "ts_ms", "\"1969-12-31T23:59:59.999Z\"", "-1" },
		{ "ts_ms", "1700000000123", "1700000000123" }, { "ts_ms", "-1.5", "-2" }, { "ts_ms", MAX, MAX },
		{ "ts_ms(\"s\")", "1700000000.123", "1700000000123" }, { "ts_ms(\"s\")", "1.001", "1001" }, { "ts_ms(\"s\")", "1.0019", "1001" },
		{ "ts_ms(\"ms\")", "5", "5" }, { "ts_ms(\"us\")", "-1", "-1" }, { "ts_ms(\"ns\")", "1700000000123999999", "1700000000123" },
		{ "ts_ms(\"s\")", "\"1970-01-01T00:00:01Z\"", "1000" },
		{ "ts_ms", "\"@5\"", "error: string (\"@5\") is no time of RFC 3339" },
		{ "ts_ms", "\"2026-02-29\"", "error: string (\"2026-02-29\") is no time of RFC 3339" },
		{ "ts_ms", "null", "error: null (null) is no time: neither a number nor a string" },
		{ "ts_ms", "1e30", "error: number (1e+30) is out of range as a time" },
		{ "ts_ms", "18446744073709551615", "error: number (18446744073709551615) is out of range as a time" },
		{ "ts_ms(\"s\")", MAX, "error: number (" MAX ") is out of range as a time" },
		{ "ts_ms(\"min\")", "1", "error: string (\"min\") is no unit of time: \"s\", \"ms\", \"us\" or \"ns\"" },
	};

	(void)state;
	CHECK_ROWS(rows);
}

static void bins(void **state)
{
	static const struct expr_row rows[] = {
		{ "date_bin(\"1h\")", "1700000000123", "1699999200000" }, { "date_bin(\"1h\")", "-1", "-3600000" }, { "date_bin(\"1h\")", "-3600000", "-3600000" },
		{ "date_bin(\"15m\")", "\"2026-11-21T22:14:59.999Z\"", "1795298400000" },
		{ "date_bin(\"1d\"; \"1970-01-01T12:00:00Z\")", "0", "-43200000" },
		/* Weeks from Monday 5 January 2026. */
		{ "date_bin(\"1w\"; \"2026-01-05\")", "\"2026-01-04\"", "1766966400000" }, { "date_bin(\"1w\"; \"2026-01-05\")", "\"2026-01-05\"", "1767571200000" },
		{ "date_bin(\"250ms\")", "999.9", "750" }, { "date_bin(\"1h\")", MAX, "9223372036854000000" },
		{ "date_bin(\"1h\")", MIN, "error: number (" MIN ") is out of range as a time" },
		{ "date_bin(\"1h\"; -5)", MAX, "error: number (" MAX ") is out of range as a time" },
		{ "date_bin(\"0s\")", "1", "error: string (\"0s\") is no duration above 0, as \"1h30m\" or \"90s\"" },
		{ "date_bin(3600)", "1", "error: number (3600) is no duration above 0, as \"1h30m\" or \"90s\"" },
	};

	(void)state;
	CHECK_ROWS(rows);
}

/* jq calls the last second of 1969 an invalid time, and asks the zone of the process for %s. */
static void calendar(void **state)
{
	static const struct expr_row rows[] = {
		{ "mktime", "[1969,11,31,23,59,59]", "-1" }, { "fromdate", "\"1969-12-31T23:59:59Z\"", "-1" },
		{ "strftime(\"%s %% %%s %Z %z\")", "1435599621.5", "\"1435599621 % %s GMT +0000\"" },
		{ "strftime(\"%A %d %B %Y\")", "951782400", "\"Tuesday 29 February 2000\"" },
		{ "localtime", "1425599621", "[2015,2,6,5,23,41,5,64]" },
		{ "strflocaltime(\"%F %T %z\")", "1425599621.678", "\"2015-03-06 05:23:41 +0530\"" },
		{ "strflocaltime(\"%H %s\")", "[2015,6,1,12,0,0]", "\"12 1435732200\"" },
		{ "strftime(\"\")", "0", "\"\"" },
		{ "gmtime", "1e19", "error: error converting number of seconds since epoch to datetime" },
		{ "now > 1700000000 and now < 20000000000", "null", "true" },
	};

	(void)state;
	assert_int_equal(setenv("TZ", "IST-5:30", 1), 0);
	CHECK_ROWS(rows);
	assert_int_equal(unsetenv("TZ"), 0);
}

static void numbers(void **state)
{
	static const struct expr_row rows[] = {
		{ "abs", MIN, "9223372036854775808" }, { "abs", "18446744073709551615", "18446744073709551615" }, { "fabs", "-9007199254740993", "9007199254740993" },
		{ "floor", "9007199254740993", "9007199254740993" }, { "ceil", MIN, MIN }, { "round", "18446744073709551615", "18446744073709551615" },
		{ "floor", "1.5", "1" }, { "[floor, trunc]", "-1.5", "[-2,-1]" }, { "pow(2; 10)", "null", "1024" }, { "sqrt", "16", "4" },
	};

	(void)state;
	CHECK_ROWS(rows);
}

static void hashes(void **state)
{
	static const struct expr_row rows[] = {
		/* The lines of tests/vectors/murmur2 of 12 partitions. */
		{ "murmur2(12)", "\"21\"", "0" }, { "murmur2(12)", "\"foobar\"", "6" }, { "murmur2(12)", "\"a-little-bit-long-string\"", "8" },
		{ "murmur2(1)", "7", "0" }, { ". as $v | murmur2(64) == ($v | tojson | murmur2(64))", "{\"a\":[1,null]}", "true" },
		{ "murmur2(3)", "null", "error: null is no key, which any partition may take" },
		{ "murmur2(0)", "\"a\"", "error: number (0) is no number of partitions, 1 to 2147483647" },
		{ "murmur2(2.5)", "\"a\"", "error: number (2.5) is no number of partitions, 1 to 2147483647" },
		{ "murmur2(\"3\")", "\"a\"", "error: string (\"3\") is no number of partitions, 1 to 2147483647" },
		/* What is equal has one hash; it never changes between versions. */
		{ "hash", "\"x\"", "\"3e5008136e511634\"" }, { "hash", "{\"a\":1,\"b\":[2.0,-0.0]}", "\"76bd7766390282d2\"" },
		{ "hash", "{\"b\":[2,0],\"a\":1.0}", "\"76bd7766390282d2\"" },
		{ "(.[0] | hash) == (.[1] | hash)", "[18446744073709551615,18446744073709551614]", "false" },
		{ "(.[0] | hash) == (.[1] | hash)", "[{\"a\":{}},{\"a\":[]}]", "false" },
	};

	(void)state;
	CHECK_ROWS(rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(milliseconds), cmocka_unit_test(bins), cmocka_unit_test(calendar), cmocka_unit_test(numbers), cmocka_unit_test(hashes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
