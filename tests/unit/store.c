/* SPDX-License-Identifier: MIT */
/* store.c - state in memory: found again, in order, within its bytes, and whole after a failed malloc. */
#include <errno.h>
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static long fail_at = -1;	/* the allocation that fails, counted down; below 0: none */

static void *failing_malloc(size_t n)
{
	return fail_at-- == 0 ? NULL : malloc(n);
}

static void *failing_calloc(size_t n, size_t size)
{
	return fail_at-- == 0 ? NULL : calloc(n, size);
}

static void *failing_reallocarray(void *p, size_t n, size_t size)
{
	return fail_at-- == 0 ? NULL : reallocarray(p, n, size);
}

#include "lib/store-slab.h"

static size_t slab_bytes;	/* that are held */
static int no_slabs;

static void *counted_slab_new(size_t n)
{
	void *p = no_slabs ? NULL : ks_slab_new(n);

	assert_true((uintptr_t)p % KS_SLAB == 0);
	slab_bytes += p != NULL ? n : 0;
	return p;
}

static void counted_slab_free(void *p, size_t n)
{
	slab_bytes -= n;
	ks_slab_free(p, n);
}

#define ks_slab_new(n) counted_slab_new(n)
#define ks_slab_free(p, n) counted_slab_free((p), (n))
#define malloc(n) failing_malloc(n)
#define calloc(n, size) failing_calloc((n), (size))
#define reallocarray(p, n, size) failing_reallocarray((p), (n), (size))
#include "lib/store-segment.c"
#undef UNIT
#include "lib/store-parts.c"
#include "lib/store-scan.c"
#include "lib/store.c"
#undef malloc
#undef calloc
#undef reallocarray

static struct ks_err err;

static struct ks_store *open_store(void)
{
	struct ks_store *s;

	assert_int_equal(ks_store_open(&s, 42, &err), 0);
	return s;
}

static uint64_t *at(struct ks_store *s, int32_t partition, int64_t segment, const char *key)
{
	struct ks_store_value v;

	assert_int_equal(ks_store_put(s, partition, segment, ks_str(key), 8, &v, &err), 0);
	assert_int_equal(v.n, 8);
	assert_int_equal((uintptr_t)v.p % 8, 0);
	return (uint64_t *)(void *)v.p;
}

static bool has(struct ks_store *s, int32_t partition, int64_t segment, const char *key)
{
	struct ks_store_value v;

	assert_int_equal(ks_store_get(s, partition, segment, ks_str(key), &v, &err), 0);
	return v.p != NULL;
}

static void kept_apart(void **state)
{
	struct ks_store *s = open_store();
	int64_t oldest;

	(void)state;
	assert_false(has(s, 0, 0, "a"));
	assert_false(ks_store_oldest(s, 0, &oldest));
	*at(s, 0, 0, "a") = 1;
	*at(s, 1, 0, "a") = 2;
	*at(s, 0, -60000, "a") = 3;
	*at(s, 0, 0, "") = 4;
	*at(s, -1, INT64_MAX, "a") = 5;
	assert_int_equal(*at(s, 0, 0, "a"), 1);
	assert_int_equal(*at(s, 1, 0, "a"), 2);
	assert_int_equal(*at(s, 0, -60000, "a"), 3);
	assert_int_equal(*at(s, 0, 0, ""), 4);
	assert_int_equal(*at(s, -1, INT64_MAX, "a"), 5);
	assert_false(has(s, 1, 0, ""));
	assert_true(ks_store_oldest(s, 0, &oldest));
	assert_int_equal(oldest, -60000);
	ks_store_drop(s, 0, -60000);
	ks_store_drop(s, 0, -60000);
	ks_store_drop(s, 77, 0);
	assert_false(has(s, 0, -60000, "a"));
	assert_true(has(s, 0, 0, "a"));
	assert_true(ks_store_oldest(s, 0, &oldest));
	assert_int_equal(oldest, 0);
	*at(s, 0, -60000, "a") += 9;
	assert_int_equal(*at(s, 0, -60000, "a"), 9);
	ks_store_close(s);
	ks_store_close(NULL);
}

/* Facts of a partition are no segment; segments are gone through upwards. */
static void segments_in_order(void **state)
{
	struct ks_store *s = open_store();
	int64_t segment;

	(void)state;
	*at(s, 0, KS_STORE_META, "time") = 1;
	assert_false(ks_store_oldest(s, 0, &segment));
	*at(s, 0, 7, "a") = 1;
	*at(s, 0, INT64_MAX, "a") = 1;
	*at(s, 0, INT64_MIN + 1, "a") = 1;
	*at(s, 1, 8, "a") = 1;
	assert_true(ks_store_oldest(s, 0, &segment));
	assert_int_equal(segment, INT64_MIN + 1);
	assert_true(ks_store_next_segment(s, 0, segment, &segment));
	assert_int_equal(segment, 7);
	assert_true(ks_store_next_segment(s, 0, 8, &segment));
	assert_int_equal(segment, INT64_MAX);
	assert_false(ks_store_next_segment(s, 0, segment, &segment));
	assert_false(ks_store_next_segment(s, 2, 0, &segment));
	assert_true(has(s, 0, KS_STORE_META, "time"));
	ks_store_close(s);
}

/* Of keys that are there and of others, in segments that are and that are not: a hint makes and changes nothing. */
static void hinted(void **state)
{
	struct ks_store *s = open_store();
	struct ks_store_value v;
	int64_t segment;

	(void)state;
	ks_store_expect(s, 0, 10, ks_str("a"), true);
	assert_false(ks_store_next_segment(s, 0, -1, &segment));
	*at(s, 0, 10, "a") = 7;
	ks_store_expect(s, 0, 10, ks_str("a"), true);
	ks_store_expect(s, 0, 10, ks_str("a"), false);
	ks_store_expect(s, 0, 10, ks_str("b"), true);
	ks_store_expect(s, 1, 10, ks_str("b"), false);
	ks_store_expect(s, 0, 10, ks_str(""), true);
	ks_store_expect(s, 1, 10, ks_str("a"), true);
	ks_store_expect(s, 0, 20, ks_str("a"), true);
	assert_int_equal(*at(s, 0, 10, "a"), 7);
	assert_int_equal(ks_store_get(s, 0, 10, ks_str("b"), &v, &err), 0);
	assert_null(v.p);
	assert_false(ks_store_next_segment(s, 0, 10, &segment));
	assert_false(ks_store_next_segment(s, 1, -1, &segment));
	ks_store_close(s);
}

/* Keys come and go, the others stay; the memory of those that went is used again. */
static void deleted(void **state)
{
	struct ks_store *s = open_store();
	size_t before = 0, i, round, n = 3000;
	struct ks_store_value v;
	char key[30];

	(void)state;
	for (round = 0; round < 60; round++) {
		for (i = 0; i < n; i++) {
			snprintf(key, sizeof(key), "%zu", i);
			assert_int_equal(ks_store_put(s, 0, 0, ks_str(key), 8 + i % 50, &v, &err), 0);
			assert_int_equal(v.p[0], i % 3 == 0 || round == 0 ? 0 : 1);	/* a deleted one begins with zeroes */
			v.p[0] = 1;
		}
		for (i = 0; i < n; i += 3) {
			snprintf(key, sizeof(key), "%zu", i);
			assert_int_equal(ks_store_delete(s, 0, 0, ks_str(key), &err), 0);
			assert_int_equal(ks_store_delete(s, 0, 0, ks_str(key), &err), 0);
			assert_false(has(s, 0, 0, key));
			snprintf(key, sizeof(key), "%zu", i + 1);
			assert_true(has(s, 0, 0, key));
		}
		if (round == 1)
			before = mallinfo2().uordblks;
	}
	if (mallinfo2().uordblks > before + 4096)
		fail_msg("memory grew from %zu to %zu bytes", before, mallinfo2().uordblks);
	assert_int_equal(ks_store_delete(s, 5, 0, ks_str("none"), &err), 0);
	ks_store_close(s);
}

/* Bytes of every value and length, embedded zeros and prefixes of each other, come out as memcmp sorts them. */
static void scan_in_order(void **state)
{
	struct ks_store *s = open_store();
	unsigned char key[40], last[40];
	struct ks_store_scan scan;
	struct ks_store_value v;
	struct ks_bytes k;
	size_t i, n, last_n = 0, count = 0, made = 0;
	int c;

	(void)state;
	srand(5);
	for (i = 0; i < 20000; i++) {
		n = (size_t)rand() % (i % 3 == 0 ? 3 : sizeof(key));
		memset(key, i % 2 == 0 ? 0 : 'x', sizeof(key));
		for (c = 0; c < 3 && n > 0; c++)
			key[(size_t)rand() % n] = (unsigned char)(rand() % 3 == 0 ? 0 : rand());
		assert_int_equal(ks_store_put(s, 0, 0, ks_bytes(key, n), 16, &v, &err), 0);
		made += v.p[0] == 0;
		v.p[0] = 1;
		v.p[8] = (unsigned char)n;
	}
	assert_int_equal(ks_store_scan_begin(s, 0, 0, &scan, &err), 0);
	while (ks_store_scan_next(&scan, &k, &v)) {
		assert_int_equal(v.n, 16);
		assert_int_equal(v.p[8], k.n);
		if (count++ > 0) {
			c = memcmp(last, k.p, last_n < k.n ? last_n : k.n);
			assert_true(c < 0 || (c == 0 && last_n < k.n));
		}
		memcpy(last, k.p, k.n);
		last_n = k.n;
	}
	ks_store_scan_end(&scan);
	assert_int_equal(count, made);
	assert_int_equal(ks_store_scan_begin(s, 0, 1, &scan, &err), 0);
	assert_false(ks_store_scan_next(&scan, &k, &v));
	ks_store_scan_end(&scan);
	ks_store_close(s);
}

static void values_grow(void **state)
{
	struct ks_store *s = open_store();
	struct ks_store_value v;
	char key[20];
	size_t n, i, round;

	(void)state;
	for (round = 0; round < 40; round++) {
		for (i = 0; i < 200; i++) {
			snprintf(key, sizeof(key), "key %zu", i);
			n = 8 + round * (i % 20);
			assert_int_equal(ks_store_put(s, 0, 0, ks_str(key), n, &v, &err), 0);
			assert_int_equal(v.n, n);
			assert_int_equal((uintptr_t)v.p % 8, 0);
			if (round > 0)
				assert_int_equal(v.p[0], i % 100 + 1);
			v.p[0] = (unsigned char)(i % 100 + 1);
			for (n = 8; n < v.n; n++)
				assert_int_equal(v.p[n], n < 8 + (round - 1) * (i % 20) ? 0xee : 0);
			memset(v.p + 8, 0xee, v.n - 8);
			/* A shorter wish changes nothing. */
			n = v.n;
			assert_int_equal(ks_store_put(s, 0, 0, ks_str(key), 3, &v, &err), 0);
			assert_int_equal(v.n, n);
		}
	}
	ks_store_close(s);
}

/* Keys and values larger than a block, among small ones. */
static void large_entries(void **state)
{
	struct ks_store *s = open_store();
	struct ks_store_value v;
	size_t n = 1 << 20, i;
	char *key = calloc(1, n + 1);
	char small[20];

	(void)state;
	assert_non_null(key);
	memset(key, 'k', n);
	for (i = 0; i < 8; i++) {
		key[n - 1 - i] = 'x';
		assert_int_equal(ks_store_put(s, 0, 0, ks_bytes(key, n), 100000 * i, &v, &err), 0);
		memset(v.p, (int)i, v.n);
		snprintf(small, sizeof(small), "%zu", i);
		*at(s, 0, 0, small) = i;
		assert_int_equal(ks_store_put(s, 0, 0, ks_str("grows"), 50000 * i, &v, &err), 0);
	}
	memset(key, 'k', n);
	for (i = 0; i < 8; i++) {
		key[n - 1 - i] = 'x';
		assert_int_equal(ks_store_get(s, 0, 0, ks_bytes(key, n), &v, &err), 0);
		assert_int_equal(v.n, 100000 * i);
		if (v.n > 0)
			assert_int_equal(v.p[v.n - 1], i);
		snprintf(small, sizeof(small), "%zu", i);
		assert_int_equal(*at(s, 0, 0, small), i);
	}
	free(key);
	ks_store_close(s);
}

/* A million keys: all found, in order, within 64 bytes and the key each; dropped at once. */
static void a_million_keys(void **state)
{
	struct ks_store *s = open_store();
	size_t before = mallinfo2().uordblks + mallinfo2().hblkhd, used, i, count = 1000000;
	struct ks_store_scan scan;
	struct ks_store_value v;
	struct ks_bytes k;
	char key[20];

	(void)state;
	for (i = 0; i < 2 * count; i++) {
		snprintf(key, sizeof(key), "\xa7S%06zu", i * 7919 % count);
		assert_int_equal(ks_store_put(s, 0, 0, ks_str(key), 16, &v, &err), 0);
		v.p[0]++;
	}
	used = mallinfo2().uordblks + mallinfo2().hblkhd + slab_bytes - before;
	assert_true(slab_bytes > 0);
	if (used > count * (64 + 8))	/* ASan's allocator says 0 */
		fail_msg("%zu bytes of memory for each key of 8", used / count);
	assert_int_equal(ks_store_scan_begin(s, 0, 0, &scan, &err), 0);
	for (i = 0; ks_store_scan_next(&scan, &k, &v); i++) {
		snprintf(key, sizeof(key), "\xa7S%06zu", i);
		if (!ks_bytes_is(k, key) || v.p[0] != 2)
			fail_msg("entry %zu is not '%s'", i, key);
	}
	ks_store_scan_end(&scan);
	assert_int_equal(i, count);
	ks_store_drop(s, 0, 0);
	assert_false(has(s, 0, 0, "\xa7S000000"));
	assert_int_equal(slab_bytes, 0);
	ks_store_close(s);
}

/* A large segment where there is no slab for its blocks: it goes on without. */
static void no_memory_for_slabs(void **state)
{
	struct ks_store *s = open_store();
	struct ks_store_value v;
	char key[20];
	size_t i;

	(void)state;
	no_slabs = 1;
	for (i = 0; i < 20000; i++) {
		snprintf(key, sizeof(key), "%zu", i);
		assert_int_equal(ks_store_put(s, 0, 0, ks_str(key), 1000, &v, &err), 0);
		memcpy(v.p, &i, sizeof(i));
	}
	for (i = 0; i < 20000; i++) {
		snprintf(key, sizeof(key), "%zu", i);
		assert_int_equal(ks_store_get(s, 0, 0, ks_str(key), &v, &err), 0);
		assert_memory_equal(v.p, &i, sizeof(i));
	}
	no_slabs = 0;
	for (i = 20000; i < 40000; i++) {
		snprintf(key, sizeof(key), "%zu", i);
		assert_int_equal(ks_store_put(s, 0, 0, ks_str(key), 1000, &v, &err), 0);
	}
	assert_true(slab_bytes > 0);
	ks_store_close(s);
	assert_int_equal(slab_bytes, 0);
}

/* A long grace: many windows of few keys; dropped from the oldest. */
static void many_segments(void **state)
{
	struct ks_store *s = open_store();
	int64_t i, oldest = 0, count = 20000;

	(void)state;
	for (i = 0; i < count; i++)
		*at(s, (int32_t)(i % 3), i * 7919 % count, "k") += 1;
	for (i = 0; i < count; i++) {
		int32_t partition = (int32_t)(i % 3);

		if (!ks_store_oldest(s, partition, &oldest))
			fail_msg("partition %d is empty", partition);
		ks_store_drop(s, partition, oldest);
		assert_false(has(s, partition, oldest, "k"));
	}
	assert_false(ks_store_oldest(s, 0, &oldest));
	ks_store_close(s);
}

/* A history in which the n-th allocation fails: the error is reported, what was there is still there. */
static bool run_failing(long n)
{
	char key[20], large[3000] = "", *keys[] = { large };
	struct ks_store_scan scan;
	struct ks_store_value v;
	struct ks_store *s;
	size_t i, good = 0;
	bool failed = false;
	struct ks_bytes k;

	memset(large, 'l', sizeof(large) - 1);
	fail_at = n;
	if (ks_store_open(&s, 1, &err) != 0) {
		assert_int_equal(err.status, KS_TEMP);
		assert_null(s);
		fail_at = -1;
		return true;
	}
	for (i = 0; i < 60; i++) {
		snprintf(key, sizeof(key), "%zu", i);
		err.status = 0;
		if (ks_store_put(s, (int32_t)(i % 2), (int64_t)(i % 3), ks_str(i % 10 == 9 ? keys[0] : key),
		    8 + 30 * i, &v, &err) != 0) {
			assert_int_equal(err.status, KS_TEMP);
			failed = true;
			continue;
		}
		v.p[7 + 30 * i] = 1;
		good++;
	}
	if (ks_store_scan_begin(s, 0, 0, &scan, &err) != 0)
		failed = true;
	while (ks_store_scan_next(&scan, &k, &v))
		assert_int_equal(v.p[v.n - 1], 1);
	ks_store_scan_end(&scan);
	fail_at = -1;
	assert_true(failed ? good >= 58 || n < 4 : good == 60);
	for (i = 0; i < 60; i++) {
		snprintf(key, sizeof(key), "%zu", i);
		assert_int_equal(ks_store_put(s, (int32_t)(i % 2), (int64_t)(i % 3), ks_str(key),
		    8, &v, &err), 0);
	}
	ks_store_close(s);
	return failed;
}

static void allocations_fail(void **state)
{
	long n;

	(void)state;
	for (n = 0; run_failing(n); n++)
		;
	assert_true(n > 30);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(kept_apart),
		cmocka_unit_test(segments_in_order),
		cmocka_unit_test(hinted),
		cmocka_unit_test(deleted),
		cmocka_unit_test(scan_in_order),
		cmocka_unit_test(values_grow),
		cmocka_unit_test(large_entries),
		cmocka_unit_test(a_million_keys),
		cmocka_unit_test(no_memory_for_slabs),
		cmocka_unit_test(many_segments),
		cmocka_unit_test(allocations_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
