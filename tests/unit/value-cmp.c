/* SPDX-License-Identifier: MIT */
/* value-cmp.c - jq's order over values: every pair of a ranked list, nan, and objects whose keys stand in any order. */
#include "lib/value.h"

#include "lib/json.h"
#include "tests/unit/kit.h"

/* In jq's order; what has the same rank is equal.  "#" begins msgpack in hex, all else is JSON. */
static const struct {
	int rank;
	const char *text;
} ordered[] = {
	{ 0, "null" }, { 1, "false" }, { 2, "true" },
	{ 4, "#cb fff0000000000000" },	/* -infinity */
	{ 5, "-1.7976931348623157e308" }, { 6, "-9223372036854777856.0" }, { 7, "-9223372036854775808" },
	{ 7, "-9223372036854775808.0" }, { 8, "-9223372036854775807" }, { 9, "-9007199254740993" },
	{ 10, "-9007199254740992" }, { 10, "-9007199254740992.0" }, { 11, "-1.5" }, { 12, "-1" }, { 12, "-1.0" },
	{ 12, "#d3 ffffffffffffffff" }, { 12, "#ca bf800000" },
	{ 13, "-0.5" }, { 14, "0" }, { 14, "0.0" }, { 14, "-0.0" }, { 14, "#cf 0000000000000000" },
	{ 15, "5e-324" }, { 16, "0.5" }, { 17, "1" }, { 17, "1.0" }, { 17, "#d0 01" }, { 18, "1.5" },
	{ 20, "9007199254740991" }, { 21, "9007199254740992" }, { 21, "9007199254740992.0" },
	{ 22, "9007199254740993" }, { 23, "9007199254740994" }, { 23, "9007199254740994.0" },
	{ 24, "9223372036854774784.0" }, { 25, "9223372036854775807" }, { 26, "9223372036854775808" },
	{ 26, "9223372036854775808.0" }, { 27, "9223372036854775809" }, { 28, "18446744073709549568.0" },
	{ 29, "18446744073709551615" }, { 30, "18446744073709551616.0" }, { 31, "1e300" },
	{ 32, "#cb 7ff0000000000000" },
	{ 40, "\"\"" }, { 41, "\"\\u0000\"" }, { 42, "\"A\"" }, { 43, "\"a\"" }, { 43, "#d9 01 61" }, { 44, "\"a\\u0000\"" },
	{ 45, "\"aa\"" }, { 46, "\"b\"" }, { 47, "\"\\u00e9\"" }, { 48, "\"\\uffff\"" }, { 49, "\"\\ud83d\\ude00\"" },
	{ 50, "#c4 00" }, { 51, "#c4 01 00" }, { 52, "#c4 01 ff" }, { 52, "#c6 00000001 ff" },
	{ 60, "[]" }, { 60, "#dd 00000000" }, { 61, "[null]" }, { 62, "[null,null]" }, { 63, "[1]" }, { 63, "[1.0]" },
	{ 64, "[1,0]" }, { 65, "[2]" }, { 66, "[[]]" }, { 67, "[{}]" }, { 68, "[{},null]" },
	/* Objects: first the sorted keys as an array, then the values in that order. */
	{ 70, "{}" }, { 71, "{\"a\":null}" }, { 72, "{\"a\":1}" }, { 72, "{\"a\":1.0}" }, { 73, "{\"a\":{}}" },
	{ 74, "{\"a\":{\"b\":1}}" }, { 75, "{\"a\":{\"b\":2}}" },
	{ 76, "{\"a\":1,\"b\":2}" }, { 76, "{\"b\":2,\"a\":1}" }, { 77, "{\"b\":1,\"a\":2}" },
	{ 78, "{\"a\":1,\"b\":1,\"c\":1}" }, { 78, "{\"a\":1,\"c\":1,\"b\":1}" }, { 78, "{\"c\":1,\"b\":1,\"a\":1}" },
	{ 79, "{\"c\":1,\"b\":2,\"a\":1}" },
	{ 80, "{\"a\":1,\"b\":1,\"c\":1,\"d\":1}" }, { 80, "{\"d\":1,\"b\":1,\"a\":1,\"c\":1}" },
	{ 81, "{\"a\":0,\"c\":0}" }, { 82, "{\"b\":0}" }, { 83, "{\"b\":0,\"c\":0}" },
};

static void read_text(const char *text, struct ks_buf *b, struct ks_val *v)
{
	const unsigned char *p;
	struct ks_buf padded;
	struct ks_json j;

	if (*text == '#') {
		kit_hex(b, text + 1);
	} else {
		ks_json_init(&j, 16);
		ks_buf_init(&padded, 1 << 20);
		assert_int_equal(ks_buf_reserve(&padded, strlen(text) + KS_PAD), 0);
		memset(padded.p, 0, padded.cap);
		memcpy(padded.p, text, strlen(text));
		assert_int_equal(ks_json_parse(&j, ks_bytes(padded.p, strlen(text)), b), KS_JSON_OK);
		ks_buf_release(&padded);
		ks_json_release(&j);
	}
	p = b->p;
	assert_int_equal(ks_mp_read(&p, b->p + b->n, 16, v), KS_MP_OK);
}

static int sign(int x)
{
	return (x > 0) - (x < 0);
}

static void order(void **state)
{
	struct ks_buf a, b;
	struct ks_val x, y;
	size_t i, k;

	(void)state;
	ks_buf_init(&a, 1 << 20);
	ks_buf_init(&b, 1 << 20);
	for (i = 0; i < COUNT(ordered); i++) {
		for (k = 0; k < COUNT(ordered); k++) {
			a.n = b.n = 0;
			read_text(ordered[i].text, &a, &x);
			read_text(ordered[k].text, &b, &y);
			if (sign(ks_val_cmp(&x, &y)) != sign(ordered[i].rank - ordered[k].rank))
				fail_msg("%s against %s: %d", ordered[i].text, ordered[k].text, ks_val_cmp(&x, &y));
		}
	}
	ks_buf_release(&a);
	ks_buf_release(&b);
}

/* nan is below every number, and below itself; above everything that is no number. */
static void order_of_nan(void **state)
{
	static const char nan_text[] = "#cb 7ff8000000000000";
	struct ks_buf a, b;
	struct ks_val nan_val, y;
	size_t i;

	(void)state;
	ks_buf_init(&a, 1 << 20);
	ks_buf_init(&b, 1 << 20);
	read_text(nan_text, &a, &nan_val);
	assert_true(ks_val_cmp(&nan_val, &nan_val) < 0);
	for (i = 0; i < COUNT(ordered); i++) {
		b.n = 0;
		read_text(ordered[i].text, &b, &y);
		assert_int_equal(sign(ks_val_cmp(&nan_val, &y)), ordered[i].rank > 3 ? -1 : 1);
		assert_int_equal(sign(ks_val_cmp(&y, &nan_val)), ordered[i].rank > 3 ? 1 : -1);
	}
	ks_buf_release(&a);
	ks_buf_release(&b);
}

/* Keys in any order: equal objects are equal, and a changed one is not. */
static void order_of_shuffled(void **state)
{
	char name[8][4] = { "a", "b", "c", "d", "e", "f", "g", "h" };
	size_t perm[8], i, k, n, round, t;
	struct ks_buf a, b;
	const unsigned char *p;
	struct ks_val x, y;
	uint64_t seed = 4;

	(void)state;
	ks_buf_init(&a, 1 << 20);
	ks_buf_init(&b, 1 << 20);
	for (round = 0; round < 2000; round++) {
		n = 1 + kit_below(&seed, 8);
		for (i = 0; i < n; i++)
			perm[i] = i;
		for (i = n; i > 1; i--) {
			k = kit_below(&seed, i);
			t = perm[k];
			perm[k] = perm[i - 1];
			perm[i - 1] = t;
		}
		a.n = b.n = 0;
		assert_int_equal(ks_mp_add_map_head(&a, (uint32_t)n), 0);
		assert_int_equal(ks_mp_add_map_head(&b, (uint32_t)n), 0);
		for (i = 0; i < n; i++) {
			assert_int_equal(ks_mp_add_str(&a, ks_str(name[i])), 0);
			assert_int_equal(ks_mp_add_i64(&a, (int64_t)i), 0);
			assert_int_equal(ks_mp_add_str(&b, ks_str(name[perm[i]])), 0);
			assert_int_equal(ks_mp_add_i64(&b, (int64_t)perm[i] + (round % 2 != 0 && perm[i] == n - 1)), 0);
		}
		p = a.p;
		assert_int_equal(ks_mp_read(&p, a.p + a.n, 2, &x), KS_MP_OK);
		p = b.p;
		assert_int_equal(ks_mp_read(&p, b.p + b.n, 2, &y), KS_MP_OK);
		assert_int_equal(sign(ks_val_cmp(&x, &y)), round % 2 != 0 ? -1 : 0);
		assert_int_equal(sign(ks_val_cmp(&y, &x)), round % 2 != 0 ? 1 : 0);
	}
	ks_buf_release(&a);
	ks_buf_release(&b);
}

/* As much work as it says is enough, and what is less ends it: nothing goes on for long behind that. */
static void within(void **state)
{
	struct ks_val x;
	const unsigned char *p;
	uint64_t all = UINT64_MAX, used, left, less;
	struct ks_buf b;
	int i;

	(void)state;
	ks_buf_init(&b, 1 << 20);
	assert_int_equal(ks_mp_add_array_head(&b, 3), 0);
	assert_int_equal(ks_mp_add_map_head(&b, 100), 0);
	for (i = 0; i < 100; i++) {
		char key[] = { (char)('a' + i % 10), (char)('a' + i / 10), '\0' };

		assert_int_equal(ks_mp_add_str(&b, ks_str(key)), 0);
		assert_int_equal(ks_mp_add_i64(&b, i), 0);
	}
	assert_int_equal(ks_mp_add_str(&b, ks_str("text")), 0);
	assert_int_equal(ks_mp_add_array_head(&b, 0), 0);
	p = b.p;
	assert_int_equal(ks_mp_read(&p, b.p + b.n, 3, &x), KS_MP_OK);
	assert_int_equal(ks_val_cmp_within(&x, &x, &all), 0);
	used = UINT64_MAX - all;
	assert_true(used > 400);
	for (less = 0; less <= used + 1; less++) {
		left = less;
		assert_int_equal(ks_val_cmp_within(&x, &x, &left), 0);
		assert_int_equal(left, less <= used ? 0 : 1);
	}
	ks_buf_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(order), cmocka_unit_test(order_of_nan), cmocka_unit_test(order_of_shuffled),
		cmocka_unit_test(within),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
