/* SPDX-License-Identifier: MIT */
/* least.c - the least of times that come and go, against a count of each. */
#include "lib/least.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define TIMES 400	/* so few that each comes often */

static int64_t time_of(int i)
{
	return i == 0 ? INT64_MIN : i == TIMES - 1 ? INT64_MAX - 1 : i - TIMES / 2;
}

/* Random comings and goings; grow: of 10, how many come. */
static void stir(struct ks_least *x, unsigned *counts, unsigned *all, int steps, int grow)
{
	static unsigned seed = 7;
	int i, k, at;

	for (i = 0; i < steps; i++) {
		seed = seed * 1103515245 + 12345;
		at = (int)(seed >> 8) % TIMES;
		if ((int)(seed >> 20) % 10 < grow) {
			assert_int_equal(ks_least_add(x, time_of(at)), 0);
			counts[at]++;
			++*all;
		} else if (*all > 0) {
			while (counts[at] == 0)
				at = (at + 1) % TIMES;
			assert_int_equal(ks_least_remove(x, time_of(at)), 0);
			counts[at]--;
			--*all;
		}
		for (k = 0; k < TIMES && counts[k] == 0; k++)
			;
		assert_int_equal(ks_least_first(x), k < TIMES ? time_of(k) : INT64_MAX);
	}
}

static void counted(void **state)
{
	static unsigned counts[TIMES];
	struct ks_least x = { .come = { .count = 0 } };
	unsigned all = 0;
	int round;

	(void)state;
	assert_int_equal(ks_least_first(&x), INT64_MAX);
	for (round = 0; round < 4; round++) {
		stir(&x, counts, &all, 20000, 7);
		stir(&x, counts, &all, 30000, 3);
	}
	assert_true(all < 100);
	ks_least_release(&x);
	assert_int_equal(ks_least_first(&x), INT64_MAX);
}

/* One stays, and others are replaced for ever: memory is that of what is there. */
static void bounded(void **state)
{
	struct ks_least x = { .come = { .count = 0 } };
	int64_t t;

	(void)state;
	assert_int_equal(ks_least_add(&x, 0), 0);
	for (t = 1; t < 1000000; t++) {
		assert_int_equal(ks_least_add(&x, t), 0);
		if (t > 10)
			assert_int_equal(ks_least_remove(&x, t - 10), 0);
		assert_int_equal(ks_least_first(&x), 0);
	}
	assert_true(x.come.cap + x.gone.cap <= 8192);
	ks_least_release(&x);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(counted),
		cmocka_unit_test(bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
