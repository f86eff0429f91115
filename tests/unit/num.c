/* SPDX-License-Identifier: MIT */
/* num.c - numbers, sizes, durations and times; expected values are Python's (tests/vectors/num). */
#include "lib/num.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define VECTORS "tests/vectors/num/"

struct parse_case {
	const char *text;
	int no;
	int64_t value;
};

static void check_parse(const struct parse_case *c, size_t count,
    int (*parse)(struct ks_bytes, int64_t *))
{
	int64_t x;
	size_t i;
	int no;

	for (i = 0; i < count; i++) {
		x = -77;
		no = parse(ks_str(c[i].text), &x);
		if (no != c[i].no || x != (no == 0 ? c[i].value : -77))
			fail_msg("'%s': %d, %lld", c[i].text, no, (long long)x);
	}
}
#define CHECK(table, parse) check_parse(table, sizeof(table) / sizeof((table)[0]), parse)

static void parse_i64(void **state)
{
	static const struct parse_case table[] = {
		{ "0", 0, 0 }, { "-0", 0, 0 }, { "7", 0, 7 }, { "-42", 0, -42 }, { "007", 0, 7 },
		{ "9223372036854775807", 0, INT64_MAX }, { "-9223372036854775808", 0, INT64_MIN },
		{ "9223372036854775808", ERANGE, 0 }, { "-9223372036854775809", ERANGE, 0 },
		{ "18446744073709551616", ERANGE, 0 }, { "99999999999999999999999", ERANGE, 0 },
		{ "99999999999999999999999x", EINVAL, 0 }, { "", EINVAL, 0 }, { "-", EINVAL, 0 },
		{ "+1", EINVAL, 0 }, { " 1", EINVAL, 0 }, { "1 ", EINVAL, 0 }, { "0x1", EINVAL, 0 },
		{ "1.0", EINVAL, 0 }, { "1e3", EINVAL, 0 }, { "--1", EINVAL, 0 },
	};

	(void)state;
	CHECK(table, ks_num_parse_i64);
}

static int parse_size_as_i64(struct ks_bytes text, int64_t *x)
{
	uint64_t u = 0;
	int no = ks_num_parse_size(text, &u);

	if (no == 0)
		*x = (int64_t)u;
	return no;
}

static void parse_size(void **state)
{
	static const struct parse_case table[] = {
		{ "0", 0, 0 }, { "4096", 0, 4096 }, { "4096B", 0, 4096 }, { "64k", 0, 65536 },
		{ "64K", 0, 65536 }, { "64kB", 0, 65536 }, { "64KiB", 0, 65536 }, { "8M", 0, 8 << 20 },
		{ "8MB", 0, 8 << 20 }, { "1GiB", 0, 1 << 30 }, { "17179869183G", 0, -1073741824 },
		{ "17179869184G", ERANGE, 0 }, { "18446744073709551616", ERANGE, 0 },
		{ "18446744073709551615", 0, -1 }, { "", EINVAL, 0 }, { "k", EINVAL, 0 },
		{ "-1", EINVAL, 0 }, { "1m", EINVAL, 0 }, { "1g", EINVAL, 0 }, { "1T", EINVAL, 0 },
		{ "1ki", EINVAL, 0 }, { "1iB", EINVAL, 0 }, { "1Bk", EINVAL, 0 }, { "1kBB", EINVAL, 0 },
		{ "1 k", EINVAL, 0 }, { "1.5M", EINVAL, 0 }, { "4096iB", EINVAL, 0 },
	};

	(void)state;
	CHECK(table, parse_size_as_i64);
}

static void parse_duration(void **state)
{
	static const struct parse_case table[] = {
		{ "0", 0, 0 }, { "0s", 0, 0 }, { "0ms", 0, 0 }, { "250ms", 0, 250 }, { "90s", 0, 90000 },
		{ "5m", 0, 300000 }, { "1h30m", 0, 5400000 }, { "2d", 0, 172800000 },
		{ "1w", 0, 604800000 }, { "1w2d3h4m5s6ms", 0, 788645006 }, { "1m250ms", 0, 60250 },
		{ "007s", 0, 7000 }, { "9223372036854775807ms", 0, INT64_MAX },
		{ "9223372036854775808ms", ERANGE, 0 }, { "9223372036854776s", ERANGE, 0 },
		{ "9223372036854775s807ms", 0, INT64_MAX }, { "9223372036854775s808ms", ERANGE, 0 },
		{ "99999999999999999999w", ERANGE, 0 }, { "99999999999999999999q", EINVAL, 0 },
		{ "99999999999999999999w1", EINVAL, 0 }, { "", EINVAL, 0 }, { "90", EINVAL, 0 },
		{ "00", EINVAL, 0 }, { "s", EINVAL, 0 }, { "-1s", EINVAL, 0 }, { "1s1s", EINVAL, 0 },
		{ "30m1h", EINVAL, 0 }, { "1ms1s", EINVAL, 0 }, { "1.5h", EINVAL, 0 },
		{ "1 h", EINVAL, 0 }, { "1M", EINVAL, 0 }, { "1min", EINVAL, 0 }, { "1h30", EINVAL, 0 },
		{ "1y", EINVAL, 0 }, { "1mss", EINVAL, 0 },
	};

	(void)state;
	CHECK(table, ks_num_parse_duration);
}

static void parse_time(void **state)
{
	static const struct parse_case table[] = {
		{ "@0", 0, 0 }, { "@-1", 0, -1 }, { "@1700000000000", 0, 1700000000000 },
		{ "@9223372036854775808", ERANGE, 0 }, { "@", EINVAL, 0 }, { "@1s", EINVAL, 0 },
		{ "0000-01-01", 0, -62167219200000 }, { "0000-02-29", 0, -62162121600000 },
		{ "1969-12-31T23:59:59.999Z", 0, -1 }, { "1969-12-31T23:59:59.9999Z", 0, -1 },
		{ "9999-12-31T23:59:59.999Z", 0, 253402300799999 },
		{ "9999-12-31T23:59:00-23:59", 0, 253402387080000 },
		{ "2016-12-31T23:59:60Z", 0, 1483228800000 },
		{ "2016-12-31T23:59:60.5Z", 0, 1483228800500 },
		{ "2017-01-01T05:44:60+05:45", 0, 1483228800000 },
		{ "2016-12-31T23:58:60Z", EINVAL, 0 }, { "2016-12-31T12:59:60Z", EINVAL, 0 },
		{ "2026-11-21T22:00", EINVAL, 0 }, { "2026-11-21T22Z", EINVAL, 0 },
		{ "2026-11-21T22:00:00", EINVAL, 0 }, { "2026-11-21T24:00Z", EINVAL, 0 },
		{ "2026-11-21T22:60Z", EINVAL, 0 }, { "2026-11-21T22:00:61Z", EINVAL, 0 },
		{ "2026-11-21T22:00:00.Z", EINVAL, 0 }, { "2026-11-21T22:00:00,5Z", EINVAL, 0 },
		{ "2026-11-21T22:00:00.5", EINVAL, 0 }, { "2026-11-21T22:00.5Z", EINVAL, 0 },
		{ "2026-11-21T22:00+0100", EINVAL, 0 }, { "2026-11-21T22:00+24:00", EINVAL, 0 },
		{ "2026-11-21T22:00+01:60", EINVAL, 0 }, { "2026-11-21T22:00ZZ", EINVAL, 0 },
		{ "2026-11-21T22:00Z ", EINVAL, 0 }, { "2026-11-21T2:00Z", EINVAL, 0 },
		{ "2026-11-21T", EINVAL, 0 }, { "2026-11-21Z", EINVAL, 0 }, { "2026-11-2", EINVAL, 0 },
		{ "2026-02-29", EINVAL, 0 }, { "1900-02-29", EINVAL, 0 }, { "2000-02-29", 0, 951782400000 },
		{ "2026-13-01", EINVAL, 0 }, { "2026-00-01", EINVAL, 0 }, { "2026-01-00", EINVAL, 0 },
		{ "2026-04-31", EINVAL, 0 }, { "2026/01/01", EINVAL, 0 }, { "26-01-01", EINVAL, 0 },
		{ "-026-01-01", EINVAL, 0 }, { "", EINVAL, 0 }, { "today", EINVAL, 0 },
		{ "2026-01-01T00:00:00.12x", EINVAL, 0 }, { "2026-01-01_00:00Z", EINVAL, 0 },
	};

	(void)state;
	CHECK(table, ks_num_parse_time);
}

/* Slices have no NUL behind them: nothing may read past the end (seen by ASan). */
static void parse_ends_at_the_slice(void **state)
{
	static const char text[] = "2026-11-21T22:00:00.123+01:00";
	static const char duration[] = "1h30m250ms";
	uint64_t u;
	int64_t x;
	char *copy;
	size_t n;

	(void)state;
	for (n = 0; n < sizeof(text); n++) {
		copy = malloc(n + 1);
		assert_non_null(copy);
		memcpy(copy + 1, text, n);
		assert_int_equal(ks_num_parse_time(ks_bytes(copy + 1, n), &x) == 0,
		    n == 10 || n == sizeof(text) - 1);
		free(copy);
	}
	for (n = 1; n < sizeof(duration); n++) {
		copy = malloc(n);
		assert_non_null(copy);
		memcpy(copy, duration, n);
		(void)!ks_num_parse_duration(ks_bytes(copy, n), &x);
		(void)!ks_num_parse_size(ks_bytes(copy, n), &u);
		(void)!ks_num_parse_i64(ks_bytes(copy, n), &x);
		free(copy);
	}
}

static void print_integers(void **state)
{
	static const int64_t values[] = { 0, 1, 9, 10, 11, 99, 100, 101, 999, 1000, 65535, 99999,
		INT32_MAX, 999999999999, INT64_MAX, -1, -9, -10, -99, -100, INT32_MIN, INT64_MIN };
	char ours[KS_NUM_TEXT], libc[KS_NUM_TEXT];
	uint64_t u;
	size_t i, n;

	(void)state;
	for (i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		ours[ks_num_print_i64(ours, values[i])] = '\0';
		snprintf(libc, sizeof(libc), "%lld", (long long)values[i]);
		assert_string_equal(ours, libc);
	}
	for (u = 1, i = 0; i < 64; i++, u = u << 1 | (i % 3 == 0)) {
		n = ks_num_print_u64(ours, u);
		ours[n] = '\0';
		snprintf(libc, sizeof(libc), "%llu", (unsigned long long)u);
		assert_string_equal(ours, libc);
	}
	ours[ks_num_print_u64(ours, UINT64_MAX)] = '\0';
	assert_string_equal(ours, "18446744073709551615");
}

static void print_times_past_the_calendar(void **state)
{
	static const struct {
		int64_t ms;
		const char *text;
	} table[] = {
		{ 0, "1970-01-01T00:00:00Z" }, { -1, "1969-12-31T23:59:59.999Z" },
		{ 5, "1970-01-01T00:00:00.005Z" }, { 253402300799999, "9999-12-31T23:59:59.999Z" },
		{ 253402300800000, "@253402300800000" }, { -62167219200000, "0000-01-01T00:00:00Z" },
		{ -62167219200001, "@-62167219200001" }, { INT64_MAX, "@9223372036854775807" },
		{ INT64_MIN, "@-9223372036854775808" },
	};
	char text[KS_NUM_TEXT];
	int64_t back;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		text[ks_num_print_time(text, table[i].ms)] = '\0';
		assert_string_equal(text, table[i].text);
		assert_int_equal(ks_num_parse_time(ks_str(text), &back), 0);
		assert_int_equal(back, table[i].ms);
	}
}

static FILE *vectors(const char *name)
{
	FILE *f = fopen(name, "r");

	if (f == NULL)
		fail_msg("cannot open '%s': run from the root of the tree", name);
	return f;
}

/* The next line, cut at its tabs into exactly count fields. */
static bool next_row(FILE *f, char *line, size_t size, char **field, size_t count)
{
	size_t i;

	if (fgets(line, (int)size, f) == NULL)
		return false;
	line[strcspn(line, "\n")] = '\0';
	for (i = 0; i < count; i++) {
		field[i] = line;
		line += strcspn(line, "\t");
		if ((*line == '\t') != (i + 1 < count))
			fail_msg("a row has the wrong number of fields: %s", field[0]);
		*line++ = '\0';
	}
	return true;
}

static double double_of(const char *hex)
{
	uint64_t u = strtoull(hex, NULL, 16);
	double d;

	memcpy(&d, &u, sizeof(d));
	return d;
}

static void check_read(const char *text, double want)
{
	double d = ks_num_f64((const unsigned char *)text, strlen(text));

	if (memcmp(&d, &want, sizeof(d)) != 0)
		fail_msg("'%s' read as %a, not %a", text, d, want);
}

static void doubles_print_as_python(void **state)
{
	FILE *f = vectors(VECTORS "print.tsv");
	char line[2000], text[KS_NUM_TEXT], *field[2];
	unsigned rows;
	double d;

	(void)state;
	for (rows = 0; next_row(f, line, sizeof(line), field, 2); rows++) {
		d = double_of(field[0]);
		text[ks_num_print_f64(text, d)] = '\0';
		assert_string_equal(text, field[1]);
		check_read(text, d);
	}
	fclose(f);
	assert_true(rows > 2000);
}

static void doubles_parse_as_python(void **state)
{
	FILE *f = vectors(VECTORS "parse.tsv");
	char line[2000], *field[2];
	unsigned rows;

	(void)state;
	for (rows = 0; next_row(f, line, sizeof(line), field, 2); rows++)
		check_read(field[0], double_of(field[1]));
	fclose(f);
	assert_true(rows > 1500);
}

static void doubles_that_are_no_numbers(void **state)
{
	char text[KS_NUM_TEXT];

	(void)state;
	text[ks_num_print_f64(text, (double)NAN)] = '\0';
	assert_string_equal(text, "null");
	text[ks_num_print_f64(text, -(double)NAN)] = '\0';
	assert_string_equal(text, "null");
	text[ks_num_print_f64(text, (double)INFINITY)] = '\0';
	assert_string_equal(text, "1.7976931348623157e+308");
	text[ks_num_print_f64(text, -(double)INFINITY)] = '\0';
	assert_string_equal(text, "-1.7976931348623157e+308");
}

/* Every double reads back: 200,000 of a fixed sequence, and no text is longer than there is room. */
static void doubles_read_back(void **state)
{
	uint64_t u = 1, bits;
	char text[KS_NUM_TEXT + 1];
	double d;
	size_t n;
	int i;

	(void)state;
	for (i = 0; i < 200000; i++) {
		u = u * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		bits = u ^ u >> 29;
		memcpy(&d, &bits, sizeof(d));
		if (!isfinite(d))
			continue;
		n = ks_num_print_f64(text, d);
		assert_in_range(n, 3, 24);
		text[n] = '\0';
		check_read(text, d);
	}
}

/* A number of a megabyte, in bounded time and without memory. */
static void long_numbers(void **state)
{
	size_t n = 1 << 20;
	char *text = malloc(n + 1);

	(void)state;
	assert_non_null(text);
	memset(text, '1', n);
	text[n] = '\0';
	check_read(text, (double)INFINITY);
	text[1] = '.';
	check_read(text, 0x1.1c71c71c71c72p+0);
	memcpy(text, "0.", 2);
	memset(text + 2, '0', n - 3);
	check_read(text, 0.0);
	free(text);
}

static void times_as_python(void **state)
{
	FILE *f = vectors(VECTORS "time.tsv");
	char line[2000], text[KS_NUM_TEXT], *field[3];
	unsigned rows;
	int64_t ms;

	(void)state;
	for (rows = 0; next_row(f, line, sizeof(line), field, 3); rows++) {
		if (ks_num_parse_time(ks_str(field[0]), &ms) != 0)
			fail_msg("'%s' is refused", field[0]);
		assert_int_equal(ms, strtoll(field[1], NULL, 10));
		text[ks_num_print_time(text, ms)] = '\0';
		assert_string_equal(text, field[2]);
	}
	fclose(f);
	assert_true(rows > 500);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(parse_i64),
		cmocka_unit_test(parse_size),
		cmocka_unit_test(parse_duration),
		cmocka_unit_test(parse_time),
		cmocka_unit_test(parse_ends_at_the_slice),
		cmocka_unit_test(print_integers),
		cmocka_unit_test(print_times_past_the_calendar),
		cmocka_unit_test(doubles_print_as_python),
		cmocka_unit_test(doubles_parse_as_python),
		cmocka_unit_test(doubles_that_are_no_numbers),
		cmocka_unit_test(doubles_read_back),
		cmocka_unit_test(long_numbers),
		cmocka_unit_test(times_as_python),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
