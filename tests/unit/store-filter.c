/* SPDX-License-Identifier: MIT */
/* store-filter.c - never wrong about a key that was added, seldom about another, within the bytes that are left. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "lib/hash.h"
#include "lib/store-filter.h"

#define MANY ((size_t)1 << 40)

static uint64_t hash_of(uint64_t i)
{
	return ks_hash(ks_bytes((const unsigned char *)&i, sizeof(i)), 7);
}

static void expect_keys(const struct ks_filter *f, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		assert_true(ks_filter_may_have(f, hash_of(i)));
}

/* Of keys behind n that were not added: how many in a thousand it takes for one. */
static size_t wrong_of_thousand(const struct ks_filter *f, size_t n)
{
	size_t i, wrong = 0;

	for (i = n; i < n + 100000; i++)
		wrong += ks_filter_may_have(f, hash_of(i));
	return wrong / 100;
}

/* Whether it is told how many keys come, or they come one by one. */
static void tells_them_apart(void **state)
{
	static const size_t expected[] = { 1, 1000, 100000 };
	size_t i, k, n = 100000, left;
	struct ks_filter *f;

	(void)state;
	for (k = 0; k < 3; k++) {
		f = NULL;
		left = MANY;
		for (i = 0; i < n; i++)
			assert_int_equal(ks_filter_add(&f, hash_of(i), expected[k], &left), 0);
		expect_keys(f, n);
		assert_true(wrong_of_thousand(f, n) < (k == 2 ? 80 : k == 1 ? 220 : 350));
		assert_true(MANY - left <= (k == 2 ? n / 8 * 6 + 100 : 6 * n));
		for (i = 0; i < n; i++)	/* again: no more room is taken */
			assert_int_equal(ks_filter_add(&f, hash_of(i), 1000000, &left), 0);
		assert_true(MANY - left <= 6 * n);
		ks_filter_free(&f, &left);
		assert_null(f);
		assert_int_equal(left, MANY);
	}
}

static void empty_has_nothing(void **state)
{
	(void)state;
	assert_false(ks_filter_may_have(NULL, 0));
	assert_false(ks_filter_may_have(NULL, UINT64_MAX));
}

/* Where there is no more room it says so, then takes twice as many as it should, and then none. */
static void no_room(void **state)
{
	size_t left = 1000, i = 0, full = 0;
	struct ks_filter *f = NULL;
	int no;

	(void)state;
	while ((no = ks_filter_add(&f, hash_of(i), 1000, &left)) != ENOMEM) {
		assert_true(no == 0 || no == ENOSPC);
		full += no == ENOSPC;
		i++;
		assert_true(i < 10000);
	}
	assert_true(i > 1990 && full > 500 && left <= 1000);
	expect_keys(f, i);
	assert_true(wrong_of_thousand(f, i) < 400);
	ks_filter_free(&f, &left);
	assert_int_equal(left, 1000);
	left = 10;
	assert_int_equal(ks_filter_add(&f, 5, 1, &left), ENOMEM);
	assert_null(f);
	assert_int_equal(ks_filter_add(&f, 5, SIZE_MAX, &left), ENOMEM);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_them_apart),
		cmocka_unit_test(empty_has_nothing),
		cmocka_unit_test(no_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
