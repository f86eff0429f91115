/* SPDX-License-Identifier: MIT */
/* members.c - groups of byte strings, against a list that is kept in order. */
#include "lib/members.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define MOST 6000

static struct ks_members m;
static struct ks_err err;
static bool there[3][MOST];
static uint32_t seed;

static uint32_t roll(uint32_t n)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % n;
}

static void begin(void)
{
	struct ks_store *store;

	memset(there, 0, sizeof(there));
	seed = 1;
	assert_int_equal(ks_store_open(&store, 0, &err), 0);
	ks_members_init(&m, store, -1, 4);
}

static void end(void)
{
	struct ks_store *store = m.store;

	ks_members_release(&m);
	ks_store_close(store);
}

/* Ordered as numbers are; now and then one is longer than a page. */
static struct ks_bytes member(unsigned i)
{
	static char text[2000];
	int n = snprintf(text, sizeof(text), "m%06u", i);
	size_t more = i % 97 == 0 ? 1500 : i % 13 == 0 ? 300 : i % 5;

	memset(text + n, '.', more);
	return ks_bytes(text, (size_t)n + more);
}

static struct ks_bytes group(unsigned g)
{
	static const char *const groups[] = { "\xa1g", "\xa1h", "\x05" };

	return ks_str(groups[g]);
}

static void change(unsigned g, unsigned i, bool add)
{
	if (add)
		assert_int_equal(ks_members_add(&m, group(g), member(i), &err), 0);
	else
		assert_int_equal(ks_members_remove(&m, group(g), member(i), &err), 0);
	there[g][i] = add;
}

static void same(unsigned g)
{
	struct ks_bytes got, want;
	unsigned i;

	ks_members_begin(&m, group(g));
	for (i = 0; i < MOST; i++) {
		if (!there[g][i])
			continue;
		assert_int_equal(ks_members_next(&m, &got, &err), 0);
		want = member(i);
		assert_int_equal(got.n, want.n);
		assert_memory_equal(got.p, want.p, want.n);
	}
	assert_int_equal(ks_members_next(&m, &got, &err), 0);
	assert_null(got.p);
}

static unsigned pages(void)
{
	struct ks_store_scan scan;
	struct ks_store_value v;
	struct ks_bytes key;
	unsigned n = 0;

	assert_int_equal(ks_store_scan_begin(m.store, -1, 4, &scan, &err), 0);
	while (ks_store_scan_next(&scan, &key, &v))
		n++;
	ks_store_scan_end(&scan);
	return n;
}

static void test_any_order(void **state)
{
	unsigned i, round, most[] = { MOST, 40, 3 }, g;

	(void)state;
	begin();
	for (round = 0; round < 8; round++) {
		/* It grows, shrinks, and comes to nothing. */
		for (i = 0; i < 3 * MOST; i++) {
			g = roll(3);
			change(g, roll(most[g]), roll(10) < (round % 2 == 0 ? 9 : 2));
		}
		for (g = 0; g < 3; g++)
			same(g);
	}
	for (i = 0; i < MOST; i++)
		for (g = 0; g < 3; g++)
			change(g, i * 7 % MOST, false);
	for (g = 0; g < 3; g++)
		same(g);
	assert_int_equal(pages(), 0);
	end();
}

static void test_in_order(void **state)
{
	unsigned i, up;

	(void)state;
	for (up = 0; up < 2; up++) {
		begin();
		for (i = 0; i < MOST; i++)
			change(0, up ? i : MOST - 1 - i, true);
		same(0);
		/* A small group is one page. */
		change(1, 1, true);
		i = pages();
		change(1, 2, true);
		assert_int_equal(pages(), i);
		for (i = 0; i < MOST; i++)
			change(0, up ? i : MOST - 1 - i, false);
		assert_int_equal(pages(), 1);
		end();
	}
}

/* Bytes of pages that are not what was written: an answer, wrong or none, and no more than that. */
static void test_damaged(void **state)
{
	struct ks_store_value v;
	struct ks_bytes got;
	unsigned i, k, refused = 0;
	int status;

	(void)state;
	for (k = 0; k < 300; k++) {
		begin();
		for (i = 0; i < 200; i++)
			change(0, i * 31 % MOST, true);
		seed = k;
		assert_int_equal(ks_store_put(m.store, -1, 4, group(0), 1, &v, &err), 0);
		v.p[roll(48)] ^= (unsigned char)(1 + roll(255));
		ks_members_begin(&m, group(0));
		i = 0;
		do {
			status = ks_members_next(&m, &got, &err);
		} while (status == 0 && got.p != NULL && i++ < MOST);
		assert_true(status == 0 || status == KS_CONFIG);
		refused += status != 0;
		for (i = 0; i < 50 && status == 0; i++)
			status = i % 2 != 0 ? ks_members_add(&m, group(0), member(i), &err) :
			    ks_members_remove(&m, group(0), member(i * 31), &err);
		assert_true(status == 0 || status == KS_CONFIG);
		end();
	}
	assert_true(refused > 100);
	assert_string_equal(err.text, "what is kept of partition -1 is damaged");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_any_order),
		cmocka_unit_test(test_in_order),
		cmocka_unit_test(test_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
