/* SPDX-License-Identifier: MIT */
/* change.c - [new, old, latest] taken apart and put together; all else is refused, cut anywhere and with bytes behind. */
#include "lib/change.h"

#include <errno.h>

#include "tests/unit/kit.h"

static void both_ways(void **state)
{
	static const struct {
		const char *hex, *now, *before;
		bool latest;
	} table[] = {
		{ "93 01 c0 c3", "01", "c0", true }, { "93 c0 81a1'a'01 c2", "c0", "81a1'a'01", false },
		{ "93 9101 9102 c3", "9101", "9102", true }, { "93 c0 c0 c3", "c0", "c0", true },
	};
	struct ks_buf b, side, back;
	struct ks_change c;
	unsigned char *copy;
	size_t i, n;

	(void)state;
	for (i = 0; i < COUNT(table); i++) {
		ks_buf_init(&b, 1 << 10);
		ks_buf_init(&side, 1 << 10);
		kit_hex(&b, table[i].hex);
		copy = kit_exact(b.p, b.n);
		assert_null(ks_change_parse(ks_bytes(copy, b.n), 2, &c));
		assert_int_equal(c.latest, table[i].latest);
		kit_hex(&side, table[i].now);
		assert_true(ks_bytes_eq(c.now, ks_buf_bytes(&side)));
		side.n = 0;
		kit_hex(&side, table[i].before);
		assert_true(ks_bytes_eq(c.before, ks_buf_bytes(&side)));
		ks_buf_init(&back, 1 << 10);
		assert_int_equal(ks_change_add(&back, &c), 0);
		assert_true(ks_bytes_eq(ks_buf_bytes(&back), ks_buf_bytes(&b)));
		ks_buf_release(&back);
		ks_buf_init(&back, 3);
		assert_int_equal(ks_change_add(&back, &c), EMSGSIZE);
		ks_buf_release(&back);
		free(copy);
		for (n = 0; n < b.n; n++) {
			copy = kit_exact(b.p, n);
			assert_non_null(ks_change_parse(ks_bytes(copy, n), 2, &c));
			free(copy);
		}
		ks_buf_release(&b);
		ks_buf_release(&side);
	}
}

static void refused(void **state)
{
	static const char *const table[] = {
		"", "c0", "01", "92 01 c0", "94 01 c0 c3 c3", "93 01 c0 c0", "93 01 c0 01", "93 01 c0 c3 00", "93 919191c0 c0 c3", "93 c1 c0 c3",
		"83 01 c0 c3",
	};
	struct ks_change c;
	unsigned char *copy;
	struct ks_buf b;
	size_t i;

	(void)state;
	ks_buf_init(&b, 1 << 10);
	for (i = 0; i < COUNT(table); i++) {
		b.n = 0;
		kit_hex(&b, table[i]);
		copy = kit_exact(b.p, b.n);
		if (ks_change_parse(ks_bytes(copy, b.n), 2, &c) == NULL)
			fail_msg("%s: accepted", table[i]);
		free(copy);
	}
	ks_buf_release(&b);
}

int main(void)
{
	static const struct CMUnitTest tests[] = { cmocka_unit_test(both_ways), cmocka_unit_test(refused) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
