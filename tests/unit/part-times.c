/* SPDX-License-Identifier: MIT */
/* part-times.c - what may be promised of event time over several partitions. */
#include "lib/part-times.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct step {
	int32_t partition;
	int64_t time_ms;
	bool idle;
	int64_t promise;	/* NONE: nothing new */
	bool promise_idle;
};

#define NONE INT64_MIN

static void promises(void **state)
{
	/* Partitions 0, 1 and 7 are known of. */
	static const struct step steps[] = {
		{ 7, 100, false, NONE, false },
		{ 0, 50, false, NONE, false },
		{ 1, 70, false, 50, false },
		{ 0, 40, false, NONE, false },		/* nothing goes back */
		{ 0, 90, false, 70, false },
		{ 1, 0, true, 90, false },		/* an idle one is excepted */
		{ 0, 90, true, 100, false },
		{ 7, 120, true, 120, true },		/* all are */
		{ 1, 80, false, 120, false },		/* one wakes, and is behind */
		{ 1, 119, false, NONE, false },
		{ 1, 121, false, 121, false },
		{ 3, -5, false, NONE, false },		/* a new one */
		{ 3, 500, false, NONE, false },
		{ 1, 130, false, 130, false },
	};
	struct ks_part_times x = { 0 };
	const struct step *s;
	struct ks_mark m;

	(void)state;
	assert_false(ks_part_times_promise(&x, &m));
	assert_int_equal(ks_part_times_add(&x, 7), 0);
	assert_int_equal(ks_part_times_add(&x, 0), 0);
	assert_int_equal(ks_part_times_add(&x, 1), 0);
	assert_int_equal(ks_part_times_add(&x, 7), 0);
	assert_int_equal(x.count, 3);
	for (s = steps; s < steps + sizeof(steps) / sizeof(steps[0]); s++) {
		assert_int_equal(ks_part_times_move(&x, s->partition, s->time_ms, s->idle), 0);
		if (ks_part_times_promise(&x, &m) != (s->promise != NONE))
			fail_msg("step %zu", (size_t)(s - steps));
		if (s->promise == NONE)
			continue;
		assert_int_equal(m.time_ms, s->promise);
		assert_int_equal(m.idle, s->promise_idle);
	}
	ks_part_times_forget(&x, false);
	assert_int_equal(ks_part_times_move(&x, 5, 60, false), 0);
	assert_false(ks_part_times_promise(&x, &m));	/* 130 stands */
	ks_part_times_forget(&x, true);
	assert_int_equal(ks_part_times_move(&x, 5, 60, false), 0);
	assert_true(ks_part_times_promise(&x, &m));
	assert_int_equal(m.time_ms, 60);
	ks_part_times_release(&x);
}

/* In any order, and no more than there may be. */
static void bounds(void **state)
{
	struct ks_part_times x = { 0 };
	uint32_t i;

	(void)state;
	for (i = 0; i < KS_PART_TIMES_MAX; i++)
		assert_int_equal(ks_part_times_add(&x, (int32_t)(i * 40503u % KS_PART_TIMES_MAX)), 0);
	assert_int_equal(x.count, KS_PART_TIMES_MAX);
	for (i = 0; i < KS_PART_TIMES_MAX; i++)
		assert_int_equal(x.list[i].partition, (int32_t)i);
	assert_int_equal(ks_part_times_move(&x, INT32_MAX, 1, false), EMSGSIZE);
	assert_int_equal(ks_part_times_move(&x, 0, 1, false), 0);
	ks_part_times_release(&x);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(promises),
		cmocka_unit_test(bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
