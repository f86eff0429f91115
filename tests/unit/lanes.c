/* SPDX-License-Identifier: MIT */
#include "lib/lanes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct ks_rec rec_of(const char *topic, int32_t partition)
{
	return (struct ks_rec){ .topic = ks_str(topic), .partition = partition };
}

/* Each topic, partition and input is a lane of its own, and found again however many there are. */
static void test_find(void **state)
{
	struct ks_lanes x;
	struct ks_lane *l;
	char topic[16];
	int round, i;

	(void)state;
	ks_lanes_init(&x);
	for (round = 0; round < 2; round++) {
		for (i = 0; i < 20000; i++) {
			snprintf(topic, sizeof(topic), "t%d", i % 50);
			l = ks_lanes_find(&x, &(struct ks_rec){ .topic = ks_str(topic), .partition = i / 100 - 1 }, (uint32_t)(i / 50 % 2));
			assert_non_null(l);
			assert_true(l->most_ms == (round == 0 ? INT64_MIN : i));
			assert_int_equal(l->topic, i % 50);
			l->most_ms = i;
		}
	}
	assert_int_equal(x.count, 20000);
	assert_int_equal(x.topics, 50);
	ks_lanes_release(&x);
}

/* A topic has the place in which its name came first; no topic is behind all of them, and is not the empty name. */
static void test_places(void **state)
{
	struct ks_rec a = rec_of("a", 0), b = rec_of("b", 0), none = { .partition = 0 };
	struct ks_lanes x;

	(void)state;
	ks_lanes_init(&x);
	assert_int_equal(ks_lanes_topic(&x, ks_str("b")), 0);
	assert_int_equal(ks_lanes_topic(&x, ks_str("b")), 0);
	assert_int_equal(ks_lanes_find(&x, &a, 0)->topic, 1);
	assert_int_equal(ks_lanes_find(&x, &b, 0)->topic, 0);
	assert_int_equal(ks_lanes_find(&x, &none, 0)->topic, UINT32_MAX);
	assert_ptr_equal(ks_lanes_find(&x, &none, 0), ks_lanes_find(&x, &none, 0));
	ks_lanes_release(&x);
}

/* Keys are in the order of time, topic, partition, input, at both ends of each. */
static void test_key(void **state)
{
	static const struct { int64_t ms; uint32_t topic; int32_t partition; uint32_t input; } in[] = {
		{ INT64_MIN, 0, 0, 0 }, { -1, UINT32_MAX, INT32_MAX, UINT32_MAX }, { 0, 0, -1, 9 }, { 0, 0, 0, 0 }, { 0, 0, 0, 1 },
		{ 0, 0, INT32_MAX, 0 }, { 0, 1, -1, 0 }, { 0, UINT32_MAX, 0, 0 }, { 1, 0, 0, 0 }, { INT64_MAX, 0, 0, 0 },
	};
	unsigned char before[KS_LANE_KEY], key[KS_LANE_KEY], bound[8];
	struct ks_lane l;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(in) / sizeof(in[0]); i++) {
		l = (struct ks_lane){ .topic = in[i].topic, .partition = in[i].partition, .input = in[i].input };
		ks_lane_key(key, in[i].ms, &l);
		ks_lane_time(bound, in[i].ms);
		assert_true(memcmp(bound, key, sizeof(bound)) == 0);
		assert_true(i == 0 || memcmp(before, key, sizeof(key)) < 0);
		memcpy(before, key, sizeof(key));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find), cmocka_unit_test(test_places), cmocka_unit_test(test_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
