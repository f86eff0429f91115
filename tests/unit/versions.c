/* SPDX-License-Identifier: MIT */
/*
 * versions.c - the versions of a row, against a plain list kept by the same
 * rules (semantics.md 5), and what may be let go.
 */
#include "kit.h"

#include "lib/versions.h"

#define MAX 400

struct plain {
	int64_t time_ms;
	uint32_t flags;
	int value;	/* -1: a tombstone */
};

static struct plain list[MAX];
static size_t count;

static bool plain_put(struct plain v)
{
	size_t i = count;

	if (v.value < 0 && count > 0 && list[count - 1].value >= 0 && list[count - 1].time_ms == v.time_ms) {
		count--;
		if (count > 0 && list[count - 1].value >= 0)
			list[count++] = v;
		return true;
	}
	while (i > 0 && list[i - 1].time_ms >= v.time_ms)
		i--;
	if (i == count || list[i].time_ms != v.time_ms) {
		memmove(list + i + 1, list + i, (count - i) * sizeof(v));
		count++;
	}
	list[i] = v;
	return i == count - 1;
}

static void same(const struct ks_version *v, const struct plain *p)
{
	assert_int_equal(v->time_ms, p->time_ms);
	assert_int_equal(v->flags, p->flags);
	assert_int_equal(v->value.p == NULL, p->value < 0);
	if (p->value < 0)
		return;
	assert_int_equal(v->value.n, (size_t)p->value);
	for (size_t i = 0; i < v->value.n; i++)
		assert_int_equal(v->value.p[i], (unsigned char)p->value);
}

static void check_all(const void *block)
{
	struct ks_version v;
	size_t at = 0, i = count;
	bool latest;

	while (ks_versions_next(block, &at, &v)) {
		assert_true(i > 0);
		same(&v, &list[--i]);
	}
	assert_int_equal(i, 0);
	assert_int_equal(ks_versions_latest(block, &v), count > 0);
	for (int64_t t = -1; t < 42; t += 3) {
		for (i = count; i > 0 && list[i - 1].time_ms > t; i--)
			;
		assert_int_equal(ks_versions_as_of(block, t, &v, &latest), i > 0);
		if (i > 0) {
			same(&v, &list[i - 1]);
			assert_int_equal(latest, i == count);
		}
	}
}

static void random_puts(void **state)
{
	static uint64_t block[2048];
	unsigned char bytes[64];
	uint64_t seed = 5;

	(void)state;
	for (int round = 0; round < 200; round++) {
		memset(block, 0, sizeof(block));
		count = 0;
		for (int step = 0; step < 60; step++) {
			struct plain p = { (int64_t)kit_below(&seed, 40), (uint32_t)kit_below(&seed, 1u << 31), (int)kit_below(&seed, 50) - 10 };
			struct ks_version v = { p.time_ms, p.flags, ks_bytes(NULL, 0) };

			if (p.value < 0)
				p.value = -1;
			else
				v.value = ks_bytes(memset(bytes, p.value, sizeof(bytes)), (size_t)p.value);
			assert_true(ks_versions_room(block, v.value.n) <= sizeof(block));
			assert_int_equal(ks_versions_put(block, &v), plain_put(p));
			check_all(block);
		}
	}
}

/* Each put is asked to let go what is older than the horizon: what can be asked for stays, and the block stays small. */
static void pruned(void **state)
{
	static uint64_t block[2048];
	struct ks_version v = { .flags = 1 }, found;
	bool latest;

	(void)state;
	memset(block, 0, sizeof(block));
	for (int64_t t = 0; t < 100000; t++) {
		v.time_ms = t;
		v.value = ks_bytes(&t, 1);
		assert_true(ks_versions_room(block, 1) < 4096);
		ks_versions_put(block, &v);
		ks_versions_prune(block, t - 40);
		for (int64_t back = 0; back <= 40 && back <= t; back++) {
			assert_true(ks_versions_as_of(block, t - back, &found, &latest));
			assert_int_equal(found.time_ms, t - back);
		}
		/* One that is older than the horizon is what a time within it may come to. */
		if (t > 40)
			assert_true(ks_versions_as_of(block, t - 41, &found, &latest));
	}
}

static void limits(void **state)
{
	uint32_t head[2] = { UINT32_MAX - 100, 0 };

	(void)state;
	assert_int_equal(ks_versions_room(NULL, 10), ks_versions_size(NULL) + 10 + 16);
	assert_int_equal(ks_versions_room(NULL, (size_t)UINT32_MAX), SIZE_MAX);
	assert_int_equal(ks_versions_room(head, 100), SIZE_MAX);
	assert_int_equal(ks_versions_room(head, 60), ks_versions_size(head) + 76);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_puts), cmocka_unit_test(pruned), cmocka_unit_test(limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
