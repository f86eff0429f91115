/* SPDX-License-Identifier: MIT */
/*
 * window.c - which windows hold a time, and when they close.
 *
 * Expected windows: Kafka's TimeWindowsTest, and the rule of semantics.md 2.1.
 */
#include "lib/window.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static void check_spec(void **state)
{
	static const struct {
		struct ks_window_spec spec;
		bool good;
	} table[] = {
		{ { 1, 1, 0, 0 }, true }, { { 10, 10, 0, 0 }, true }, { { 10, 3, 7, 0 }, true },
		{ { INT64_MAX, INT64_MAX, INT64_MAX, 0 }, true }, { { 0, 0, 0, 0 }, false },
		{ { -1, -1, 0, 0 }, false }, { { 10, 0, 0, 0 }, false }, { { 10, 11, 0, 0 }, false },
		{ { 10, -1, 0, 0 }, false }, { { 10, 10, -1, 0 }, false }, { { INT64_MIN, 1, 0, 0 }, false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		assert_int_equal(ks_window_check(&table[i].spec) == NULL, table[i].good);
}

static void assign(void **state)
{
	static const struct {
		const char *name;
		int64_t size, advance, time;
		size_t count;
		int64_t first;		/* start; the others follow by advance */
	} table[] = {
		{ "s12 a5 t21", 12, 5, 21, 3, 10 },
		{ "s12 a12 t21", 12, 12, 21, 1, 12 },
		{ "a start belongs to its window", 10, 10, 20, 1, 20 },
		{ "an end does not", 10, 10, 19, 1, 10 },
		{ "zero", 10, 10, 0, 1, 0 },
		{ "no window starts before 1970", 12, 5, 3, 1, 0 },
		{ "nor this", 12, 5, 8, 2, 0 },
		{ "size not a multiple of advance", 10, 3, 100, 3, 93 },
		{ "before 1970", 10, 10, -1, 0, 0 },
		{ "long before", 10, 10, INT64_MIN, 0, 0 },
		{ "one that holds all", INT64_MAX, INT64_MAX, 5, 1, 0 },
		{ "and nearly all", INT64_MAX, INT64_MAX, INT64_MAX - 1, 1, 0 },
		{ "the last whole window", 10, 10, INT64_MAX - 17, 1, INT64_MAX - 17 },
	};
	struct ks_window w[8];
	size_t i, k, count;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct ks_window_spec spec = { table[i].size, table[i].advance, 0, 0 };

		assert_int_equal(ks_window_assign(&spec, table[i].time, w, 8, &count), 0);
		if (count != table[i].count)
			fail_msg("%s: %zu windows", table[i].name, count);
		for (k = 0; k < count; k++) {
			assert_int_equal(w[k].start_ms, table[i].first + (int64_t)k * table[i].advance);
			assert_int_equal(w[k].end_ms, w[k].start_ms + table[i].size);
			assert_true(w[k].start_ms <= table[i].time && table[i].time < w[k].end_ms);
		}
	}
}

static void assign_refuses(void **state)
{
	struct ks_window_spec spec = { 12, 5, 0, 0 };
	struct ks_window w[3];
	size_t count;

	(void)state;
	assert_int_equal(ks_window_assign(&spec, 21, w, 2, &count), ENOSPC);
	assert_int_equal(count, 3);
	assert_int_equal(ks_window_assign(&spec, 21, w, count, &count), 0);
	spec.advance_ms = 12;
	assert_int_equal(ks_window_assign(&spec, INT64_MAX, w, 1, &count), ERANGE);
	spec = (struct ks_window_spec){ INT64_MAX, INT64_MAX, 0, 0 };
	assert_int_equal(ks_window_assign(&spec, INT64_MAX, w, 1, &count), ERANGE);
}

/* Every time is in ceil(size / advance) windows or one less, and in no window that is not listed. */
static void assign_agrees_with_a_search(void **state)
{
	int64_t size, advance, time, start;
	struct ks_window w[32];
	size_t count, n;

	(void)state;
	for (size = 1; size < 14; size++) {
		for (advance = 1; advance <= size; advance++) {
			struct ks_window_spec spec = { size, advance, 0, 0 };

			for (time = 0; time < 40; time++) {
				assert_int_equal(ks_window_assign(&spec, time, w, 32, &count), 0);
				for (start = 0, n = 0; start <= time; start += advance)
					if (time < start + size)
						assert_int_equal(w[n++].start_ms, start);
				assert_int_equal(n, count);
			}
		}
	}
}

static void closing(void **state)
{
	static const struct {
		int64_t end, grace, stream;
		bool closed;
	} table[] = {
		{ 10, 0, 9, false }, { 10, 0, 10, true }, { 10, 0, 11, true }, { 10, 5, 14, false },
		{ 10, 5, 15, true }, { 10, 0, -1, false }, { 10, INT64_MAX, INT64_MAX, false },
		{ INT64_MAX, 0, INT64_MAX, true }, { 1, INT64_MAX, -1, false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct ks_window_spec spec = { 1, 1, table[i].grace, 0 };
		struct ks_window w = { table[i].end - 1, table[i].end };

		assert_int_equal(ks_window_closed(&spec, &w, table[i].stream), table[i].closed);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(check_spec),
		cmocka_unit_test(assign),
		cmocka_unit_test(assign_refuses),
		cmocka_unit_test(assign_agrees_with_a_search),
		cmocka_unit_test(closing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
