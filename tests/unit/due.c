/* SPDX-License-Identifier: MIT */
/* due.c - keys in the order in which their time comes, against a search through all of them. */
#include "kit.h"

#include "lib/due.h"

#define MAX 500

struct plain {
	int64_t time_ms;
	unsigned char key[8];
	size_t n;
	bool there;
};

static bool before(const struct plain *a, const struct plain *b)
{
	int c = memcmp(a->key, b->key, a->n < b->n ? a->n : b->n);

	if (a->time_ms != b->time_ms)
		return a->time_ms < b->time_ms;
	return c != 0 ? c < 0 : a->n < b->n;
}

static void random_order(void **state)
{
	static struct plain all[MAX];
	uint64_t seed = 3;
	struct ks_due due;
	struct ks_bytes key;
	int64_t time_ms;
	size_t live = 0, i, first;

	(void)state;
	ks_due_init(&due);
	memset(all, 0, sizeof(all));
	for (int step = 0; step < 60000; step++) {
		i = kit_below(&seed, MAX);
		if (!all[i].there && kit_below(&seed, 100) < (step / 5000 % 2 ? 30u : 80u)) {
			all[i].time_ms = kit_below(&seed, 10) == 0 ? (kit_below(&seed, 2) ? INT64_MIN : INT64_MAX) : (int64_t)kit_below(&seed, 20);
			all[i].n = kit_below(&seed, 9);
			for (size_t k = 0; k < all[i].n; k++)
				all[i].key[k] = (unsigned char)kit_below(&seed, 3);
			all[i].there = true;
			live++;
			assert_int_equal(ks_due_add(&due, all[i].time_ms, ks_bytes(all[i].key, all[i].n)), 0);
			continue;
		}
		assert_int_equal(ks_due_first(&due, &time_ms, &key), live > 0);
		if (live == 0)
			continue;
		for (first = MAX, i = 0; i < MAX; i++)
			if (all[i].there && (first == MAX || before(&all[i], &all[first])))
				first = i;
		assert_int_equal(time_ms, all[first].time_ms);
		assert_true(ks_bytes_eq(key, ks_bytes(all[first].key, all[first].n)));
		ks_due_pop(&due);
		all[first].there = false;
		live--;
	}
	ks_due_release(&due);
}

/* What went is not kept: a queue that stays short stays small. */
static void stays_small(void **state)
{
	unsigned char key[1000];
	struct ks_due due;
	struct ks_bytes first;
	int64_t time_ms;

	(void)state;
	ks_due_init(&due);
	memset(key, 'k', sizeof(key));
	for (int64_t t = 0; t < 20000; t++) {
		assert_int_equal(ks_due_add(&due, t, ks_bytes(key, sizeof(key))), 0);
		if (t < 3)
			continue;
		assert_true(ks_due_first(&due, &time_ms, &first));
		assert_int_equal(time_ms, t - 3);
		ks_due_pop(&due);
	}
	assert_true(due.keys.cap < 300000);
	assert_int_equal(due.live, 3 * sizeof(key));
	ks_due_release(&due);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(random_order), cmocka_unit_test(stays_small) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
