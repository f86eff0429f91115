/* SPDX-License-Identifier: MIT */
/* agg-distinct.c - distinct: exact to 1,000, then within what the page says. */
#include "agg-kit.h"

#include <math.h>

static int64_t count(const struct ks_agg_block *b)
{
	struct ks_val v;

	result("distinct", b->p, 0, &v);
	assert_int_equal(v.type, KS_INT);
	return v.i;
}

static void add_numbers(struct ks_agg_block *b, int64_t from, int64_t to)
{
	struct ks_val v = I(0);
	int64_t i;

	for (i = from; i < to; i++) {
		v.i = i;
		assert_int_equal(add("distinct", b, 0, &v), 0);
	}
}

static void is_exact(void **state)
{
	struct ks_agg_block b = new_block(size_of("distinct"));
	int64_t n;

	(void)state;
	for (n = 1; n <= 1000; n++) {
		add_numbers(&b, n, n + 1);
		add_numbers(&b, (n + 1) / 2, (n + 1) / 2 + 1);	/* there already */
		assert_int_equal(count(&b), n);
	}
	free(b.p);
}

/* One standard error is 0.81 %; hashes are fixed, so what is seen here is seen in each run. */
static void is_near(void **state)
{
	static const int64_t sizes[] = { 1001, 2000, 10000, 40000, 70000, 200000, 1000000 };
	struct ks_agg_block b = new_block(size_of("distinct"));
	double off, sum = 0;
	int64_t done = 0;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(sizes); i++) {
		add_numbers(&b, done, sizes[i]);
		done = sizes[i];
		off = ((double)count(&b) - (double)done) / (double)done;
		if (fabs(off) > 3 * 0.0081)
			fail_msg("%lld: off by %g %%", (long long)done, 100 * off);
		sum += off * off;
	}
	assert_true(sqrt(sum / (double)COUNT(sizes)) < 1.5 * 0.0081);
	assert_true(b.n < 40000);
	add_numbers(&b, 0, 100000);
	assert_true(fabs((double)count(&b) / 1e6 - 1) < 3 * 0.0081);
	free(b.p);
}

/* In whichever form two parts are, the sketch of their union does not depend on how it was cut. */
static void unites(void **state)
{
	static const int64_t cuts[] = { 0, 1, 500, 900, 1500, 4000, 5000 };
	struct ks_agg a = agg_of("distinct");
	struct ks_agg_block all = new_block(a.row->size), low, high;
	size_t i;

	(void)state;
	add_numbers(&all, 0, 5000);
	for (i = 0; i < COUNT(cuts); i++) {
		low = new_block(a.row->size);
		high = new_block(a.row->size);
		add_numbers(&low, 0, cuts[i]);
		add_numbers(&high, cuts[i] - (cuts[i] > 0), 5000);
		assert_int_equal(a.row->merge(&a, &low, 0, high.p), 0);
		assert_int_equal(count(&low), count(&all));
		free(low.p);
		free(high.p);
	}
	free(all.p);
}

static void without_room(void **state)
{
	struct ks_agg_block b = new_block(size_of("distinct"));
	static const struct ks_val more = I(5000);

	(void)state;
	add_numbers(&b, 0, 1000);
	room_left = 0;
	assert_int_equal(add("distinct", &b, 0, &more), ENOMEM);
	assert_int_equal(count(&b), 1000);
	free(b.p);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_exact),
		cmocka_unit_test(is_near),
		cmocka_unit_test(unites),
		cmocka_unit_test(without_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
