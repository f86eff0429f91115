/* SPDX-License-Identifier: MIT */
/* agg-quantile.c - quantile and median: within 1 % of what sorting says. */
#include "agg-kit.h"

#include <float.h>
#include <math.h>

enum { MOST = 20000 };

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double quantile(const struct ks_agg_block *b, double at)
{
	struct ks_agg a = agg_of("quantile");
	struct ks_val v;

	a.at = at;
	a.row->result(&a, b->p, 0, &v);
	assert_int_equal(v.type, KS_FLOAT);
	return v.d;
}

static void compare(const struct ks_agg_block *b, double *values, size_t n)
{
	static const double which[] = { 0, 0.001, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999, 1 };
	double want, got;
	size_t i;

	qsort(values, n, sizeof(*values), by_value);
	for (i = 0; i < COUNT(which); i++) {
		want = values[(size_t)floor(which[i] * (double)(n - 1))];
		got = quantile(b, which[i]);
		if (!(fabs(got - want) <= 0.010001 * fabs(want)))
			fail_msg("%g of %zu: %.17g for %.17g", which[i], n, got, want);
	}
	assert_true(quantile(b, 0) == values[0]);
	assert_true(quantile(b, 1) == values[n - 1]);
}

/* Of several shapes: a uniform one, wide ones, around zero, few different ones. */
static double made(unsigned shape, uint64_t *seed)
{
	double u = (double)(kit_random(seed) >> 11) * 0x1p-53, w = (double)(kit_random(seed) >> 11) * 0x1p-53;

	switch (shape) {
	case 0: return 1000 * u;
	case 1: return exp(8 * (u + w - 1)) * 20;
	case 2: return 100 * (u - 0.5);
	case 3: return floor(5 * u) - 2;
	case 4: return -pow(10, 6 * u);
	case 5: return pow(10, 17 * u);
	default: return kit_below(seed, 2) == 0 ? 0 : u * 1e-300;
	}
}

static void as_sorted(void **state)
{
	static double values[MOST];
	static const size_t sizes[] = { 1, 2, 3, 10, 100, MOST };
	struct ks_agg a = agg_of("median");
	struct ks_agg_block b, half;
	uint64_t seed = 4;
	struct ks_val v;
	unsigned shape;
	size_t i, n;

	(void)state;
	for (shape = 0; shape < 7; shape++) {
		for (n = 0; n < COUNT(sizes); n++) {
			b = new_block(a.row->size);
			half = new_block(a.row->size);
			for (i = 0; i < sizes[n]; i++) {
				values[i] = made(shape, &seed);
				v = (struct ks_val){ .type = KS_FLOAT, .d = values[i] };
				assert_int_equal(a.row->add(&a, i % 2 == 0 ? &b : &half, 0, &v), 0);
			}
			assert_int_equal(a.row->merge(&a, &b, 0, half.p), 0);
			compare(&b, values, sizes[n]);
			assert_true(b.n < 100000);
			free(b.p);
			free(half.p);
		}
	}
}

/* More than 2,048 buckets: what is far from zero stays right, on both sides, and the state is bounded. */
static void collapses(void **state)
{
	struct ks_agg a = agg_of("quantile");
	struct ks_agg_block b = new_block(a.row->size), c = new_block(a.row->size);
	struct ks_val v = D(0);
	int i;

	(void)state;
	for (i = -1070; i < 1023; i++) {
		v.d = ldexp(i % 3 == 0 ? -1.1 : 1.1, i);
		assert_int_equal(a.row->add(&a, &b, 0, &v), 0);
		v.d = ldexp(-1.1, i);
		assert_int_equal(a.row->add(&a, &c, 0, &v), 0);
	}
	assert_int_equal(a.row->merge(&a, &b, 0, c.p), 0);
	assert_true(b.n < 140000);
	assert_true(fabs(quantile(&b, 0.9999) / ldexp(1.1, 1021) - 1) < 1.2);
	assert_true(quantile(&b, 1) == ldexp(1.1, 1022) && quantile(&b, 0) == ldexp(-1.1, 1022));
	assert_true(quantile(&b, 0.4) < 0 && quantile(&b, 0.9) > 1);
	free(b.p);
	free(c.p);
}

static void ends_of_doubles(void **state)
{
	static const double values[] = { DBL_MAX, -DBL_MAX, DBL_MIN, 5e-324, 0, -5e-324 };
	struct ks_agg a = agg_of("quantile");
	struct ks_agg_block b = new_block(a.row->size);
	struct ks_val v = D(0);
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(values); i++) {
		v.d = values[i];
		assert_int_equal(a.row->add(&a, &b, 0, &v), 0);
	}
	for (i = 0; i < 11; i++)
		assert_true(isfinite(quantile(&b, (double)i / 10)));
	assert_true(quantile(&b, 0.4) == 0);
	free(b.p);
}

static void which_one(void **state)
{
	struct ks_agg a = agg_of("quantile");

	(void)state;
	assert_null(a.row->set(&a, &(struct ks_val)I(1)));
	assert_null(a.row->set(&a, &(struct ks_val)D(0.999)));
	assert_true(a.at == 0.999);
	assert_non_null(a.row->set(&a, &(struct ks_val)D(1.001)));
	assert_non_null(a.row->set(&a, &(struct ks_val)I(-1)));
	assert_non_null(a.row->set(&a, &(struct ks_val)D(NAN)));
	assert_non_null(a.row->set(&a, &(struct ks_val)S("0.5")));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_sorted),
		cmocka_unit_test(collapses),
		cmocka_unit_test(ends_of_doubles),
		cmocka_unit_test(which_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
