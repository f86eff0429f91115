/* SPDX-License-Identifier: MIT */
/* value-diff.c - lib/value-diff.h by tables: JSON in, the path of the first difference out. */
#include "kit.h"

#include "lib/json.h"
#include "lib/value-diff.h"

static void pack(struct ks_buf *b, const char *json)
{
	char text[512] = { 0 };
	struct ks_json j;

	assert_true(strlen(json) + KS_PAD < sizeof(text));
	memcpy(text, json, strlen(json));
	ks_buf_init(b, 1 << 20);
	ks_json_init(&j, 128);
	assert_int_equal(ks_json_parse(&j, ks_bytes(text, strlen(json)), b), KS_JSON_OK);
	ks_json_release(&j);
}

/* "PATH KIND", or "" where they are equal. */
static void check(const char *old, const char *new, const char *tolerance, const char *expected)
{
	struct ks_tolerance t = { 0 };
	struct ks_value_diff d = { 0 };
	struct ks_buf a, b;
	char got[200] = "";
	bool is;
	int no;

	if (tolerance != NULL)
		assert_int_equal(ks_tolerance_parse(tolerance, &t), 0);
	pack(&a, old);
	pack(&b, new);
	is = ks_value_differ(ks_buf_bytes(&a), ks_buf_bytes(&b), &t, &d, &no);
	assert_int_equal(no, 0);
	if (is)
		snprintf(got, sizeof(got), "%.*s %.*s", (int)d.path.n, (char *)d.path.p, (int)d.kind.n, (char *)d.kind.p);
	if (strcmp(got, expected) != 0)
		fail_msg("%s and %s: '%s', not '%s'", old, new, got, expected);
	ks_value_diff_release(&d);
	ks_buf_release(&a);
	ks_buf_release(&b);
}

static void test_values(void **state)
{
	static const struct { const char *old, *new, *tolerance, *expected; } rows[] = {
		{ "1", "1", NULL, "" },
		{ "1", "1.0", NULL, "" },
		{ "1", "2", NULL, ". ." },
		{ "1", "\"1\"", NULL, ". ." },
		{ "true", "false", NULL, ". ." },
		{ "null", "0", NULL, ". ." },
		{ "9007199254740993", "9007199254740992", NULL, ". ." },
		{ "9007199254740993", "9007199254740992.0", NULL, ". ." },
		{ "18446744073709551615", "-1", "1", ". ." },
		{ "{\"a\":1,\"b\":2}", "{\"b\":2,\"a\":1}", NULL, "" },
		{ "{\"a\":1,\"b\":2}", "{\"b\":3,\"a\":1}", NULL, ".b .b" },
		{ "{\"z\":1,\"b\":2}", "{\"z\":2,\"b\":3}", NULL, ".z .z" },
		{ "{\"z\":1,\"b\":2}", "{\"b\":3,\"z\":2}", NULL, ".b .b" },
		{ "{\"a\":1}", "{\"a\":1,\"b\":null}", NULL, ".b .b" },
		{ "{\"a\":1,\"b\":null}", "{\"a\":1}", NULL, ".b .b" },
		{ "{\"a\":1}", "{}", NULL, ".a .a" },
		{ "{}", "[]", NULL, ". ." },
		{ "[1,2]", "[1,3]", NULL, ".[1] .[]" },
		{ "[1,2]", "[1]", NULL, ".[1] .[]" },
		{ "[]", "[[]]", NULL, ".[0] .[]" },
		{ "{\"a\":[0,{\"b c\":[7]}]}", "{\"a\":[0,{\"b c\":[8]}]}", NULL, ".a[1].\"b c\"[0] .a[].\"b c\"[]" },
		{ "{\"\":1,\"1x\":2,\"x1_\":3}", "{\"\":1,\"1x\":2,\"x1_\":4}", NULL, ".x1_ .x1_" },
		{ "{\"\":1}", "{\"\":2}", NULL, ".\"\" .\"\"" },
		{ "{\"1x\":1}", "{\"1x\":2}", NULL, ".\"1x\" .\"1x\"" },
		{ "{\"a\":{\"x\":1,\"y\":{\"p\":1,\"q\":2}}}", "{\"a\":{\"y\":{\"q\":2,\"p\":1},\"x\":1}}", NULL, "" },
		{ "[1.0,10]", "[1.05,10]", "0.1", "" },
		{ "1", "1.1", "0.1", "" },
		{ "0.3", "0.4", "0.1", "" },
		{ "1.25", "1.26", "0.01", "" },
		{ "-0.3", "-0.4", "0.1", "" },
		{ "1", "1.1000000000001", "0.1", ". ." },
		{ "100", "71", "29%", "" },
		{ "0.1", "0.2", "0", ". ." },
		{ "[1.0,10]", "[1.2,10]", "0.1", ".[0] .[]" },
		{ "{\"a\":100}", "{\"a\":101}", "1%", "" },
		{ "{\"a\":100}", "{\"a\":102}", "1%", ".a .a" },
		{ "{\"a\":-100}", "{\"a\":-101}", "1%", "" },
		{ "0", "0.001", "1%", ". ." },
		{ "9223372036854775807", "9223372036854775806", "0.5", ". ." },
		{ "9223372036854775807", "9223372036854775806", "1", "" },
		{ "\"1\"", "\"2\"", "10", ". ." },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++)
		check(rows[i].old, rows[i].new, rows[i].tolerance, rows[i].expected);
}

static void test_tolerance(void **state)
{
	static const char *const bad[] = { "", "-1", "x", "1x", "%", "1%%", " 1", "1 ", "inf", "nan", "1e999", "0x10", "1-2", "-0" };
	static const char *const good[] = { "0", "1", "0.5", "1e-9", "1e+2", "5%", "0.1%", ".5", "1E-3" };
	struct ks_tolerance t;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(bad); i++)
		if (ks_tolerance_parse(bad[i], &t) == 0)
			fail_msg("'%s' is taken", bad[i]);
	for (i = 0; i < COUNT(good); i++)
		if (ks_tolerance_parse(good[i], &t) != 0)
			fail_msg("'%s' is refused", good[i]);
	assert_int_equal(ks_tolerance_parse("2.5%", &t), 0);
	assert_true(t.apart == 0 && t.share == 0.025);
}

/* What JSON cannot say: nan and infinities, and texts and numbers that are packed long. */
static void test_packed(void **state)
{
	static const struct { const char *old, *new; bool differ; } rows[] = {
		{ "cb 7ff8000000000000", "cb 7ff8000000000001", false },
		{ "cb 7ff8000000000000", "00", true },
		{ "cb 7ff0000000000000", "cb 7ff0000000000000", false },
		{ "cb 7ff0000000000000", "cb fff0000000000000", true },
		{ "cb 7ff0000000000000", "cb 7fefffffffffffff", true },
		{ "a1 'a'", "d9 01 'a'", false },
		{ "a1 'a'", "c4 01 'a'", true },
		{ "01", "ce 00000001", false },
		{ "81 a1 'a' 01", "81 d9 01 'a' 01", false },
	};
	const struct ks_tolerance t = { .apart = 1e308 };
	struct ks_value_diff d = { 0 };
	struct ks_buf a, b;
	size_t i;
	int no;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		ks_buf_init(&a, 100);
		ks_buf_init(&b, 100);
		kit_hex(&a, rows[i].old);
		kit_hex(&b, rows[i].new);
		if (ks_value_differ(ks_buf_bytes(&a), ks_buf_bytes(&b), &t, &d, &no) != rows[i].differ || no != 0)
			fail_msg("%s and %s", rows[i].old, rows[i].new);
		ks_buf_release(&a);
		ks_buf_release(&b);
	}
	ks_value_diff_release(&d);
}

/* Nested objects whose members stand in another order each: work must not double with each level. */
static void test_nested(void **state)
{
	struct ks_tolerance t = { 0 };
	struct ks_value_diff d = { 0 };
	struct ks_buf a, b;
	unsigned char *o;
	int i, no;

	(void)state;
	ks_buf_init(&a, 4096);
	ks_buf_init(&b, 4096);
	for (i = 0; i < 100; i++) {
		kit_hex(&a, "83 a1 'a' 01 a1 'b' 02 a1 'c'");
		kit_hex(&b, "83 a1 'b' 02 a1 'a' 01 a1 'c'");
	}
	kit_hex(&a, "05");
	kit_hex(&b, "06");
	assert_true(ks_value_differ(ks_buf_bytes(&a), ks_buf_bytes(&b), &t, &d, &no));
	assert_int_equal(d.path.n, 200);
	o = b.p + b.n - 1;
	*o = 5;
	assert_false(ks_value_differ(ks_buf_bytes(&a), ks_buf_bytes(&b), &t, &d, &no));
	ks_value_diff_release(&d);
	ks_buf_release(&a);
	ks_buf_release(&b);
}

/* Decimals as they are written: a difference of whole hundredths, say, is known from integers. */
static void test_decimals(void **state)
{
	static const int64_t most[] = { 30, 1000, 100000, 999999999, 99999999999999 };
	uint64_t seed = 11;
	char old[64], new[64], by[64];
	int64_t scale, a, b, n;
	int i, digits, k;

	(void)state;
	for (i = 0; i < 200000; i++) {
		digits = 1 + (int)(kit_random(&seed) % 6);
		for (scale = 1, k = 0; k < digits; k++)
			scale *= 10;
		a = (int64_t)(kit_random(&seed) % (uint64_t)most[i % 5]);
		n = (int64_t)(kit_random(&seed) % (uint64_t)most[kit_random(&seed) % (unsigned)(1 + i % 5)]) + 1;
		b = a + n + (int64_t)(kit_random(&seed) % 3) - 1;	/* apart by n, by less or by more */
		snprintf(old, sizeof(old), "%lld.%0*lld", (long long)(a / scale), digits, (long long)(a % scale));
		snprintf(new, sizeof(new), "%lld.%0*lld", (long long)(b / scale), digits, (long long)(b % scale));
		snprintf(by, sizeof(by), "%lld.%0*lld", (long long)(n / scale), digits, (long long)(n % scale));
		if (b > 99999999999999)
			continue;
		check(old, new, by, b - a <= n ? "" : ". .");
		check(new, old, by, b - a <= n ? "" : ". .");
		if (b == 0 || b > 100000000)	/* shares, of tenths of a percent */
			continue;
		n = (int64_t)(kit_random(&seed) % 2 == 0 ? (uint64_t)((b - a) * 1000 / b) : kit_random(&seed) % 1000);
		snprintf(by, sizeof(by), "%lld.%lld%%", (long long)(n / 10), (long long)(n % 10));
		check(old, new, by, (b - a) * 1000 <= n * b ? "" : ". .");
		snprintf(old, sizeof(old), "%lld", (long long)a);
		snprintf(new, sizeof(new), "%lld", (long long)-b);
		check(old, new, by, (a + b) * 1000 <= n * b ? "" : ". .");
	}
}

/* Equal values, and only they, have one form. */
static void test_plain(void **state)
{
	static const struct { const char *a, *b; bool same; } rows[] = {
		{ "01", "cb 3ff0000000000000", true },
		{ "01", "ca 3f800000", true },
		{ "01", "ce 00000001", true },
		{ "00", "cb 8000000000000000", true },
		{ "01", "cb 3ff8000000000000", false },
		{ "01", "a1 '1'", false },
		{ "cb 7ff8000000000000", "cb fff8000000000001", true },
		{ "cb 7ff0000000000000", "cb fff0000000000000", false },
		{ "cf 8000000000000000", "cb 43e0000000000000", true },
		{ "d3 8000000000000000", "cb c3e0000000000000", true },
		{ "cf ffffffffffffffff", "cb 43f0000000000000", false },
		{ "d3 0020000000000001", "cb 4340000000000000", false },
		{ "a1 'a'", "d9 01 'a'", true },
		{ "a1 'a'", "c4 01 'a'", false },
		{ "92 01 02", "dc 0002 cb 3ff0000000000000 02", true },
		{ "92 01 02", "92 02 01", false },
		{ "82 a1 'a' 01 a1 'b' 02", "82 a1 'b' 02 a1 'a' cb 3ff0000000000000", true },
		{ "82 a1 'a' 01 a1 'b' 02", "82 a1 'b' 01 a1 'a' 02", false },
		{ "81 a1 'x' 82 a1 'a' 01 a1 'b' 02", "81 a1 'x' de 0002 d9 01 'b' 02 a1 'a' 01", true },
		{ "85 a1 'a' 01 a1 'b' 02 a1 'c' 03 a1 'd' 04 a1 'e' 05", "85 a1 'e' 05 a1 'd' 04 a1 'c' 03 a1 'b' 02 a1 'a' 01", true },
		{ "80", "90", false },
		{ "c0", "00", false },
		{ "c2", "c3", false },
	};
	const struct ks_tolerance t = { 0 };
	struct ks_value_diff d = { 0 };
	struct ks_buf a, b, a_room, b_room;
	struct ks_bytes x, y;
	size_t i;
	int no;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		ks_buf_init(&a, 100);
		ks_buf_init(&b, 100);
		kit_hex(&a, rows[i].a);
		kit_hex(&b, rows[i].b);
		ks_buf_init(&a_room, 2 * a.n + KS_MP_HEADER);
		ks_buf_init(&b_room, 2 * b.n + KS_MP_HEADER);
		assert_int_equal(ks_value_plain(&a_room, ks_buf_bytes(&a), &x), 0);
		assert_int_equal(ks_value_plain(&b_room, ks_buf_bytes(&b), &y), 0);
		if (ks_bytes_eq(x, y) != rows[i].same || ks_value_differ(ks_buf_bytes(&a), ks_buf_bytes(&b), &t, &d, &no) == rows[i].same || no != 0)
			fail_msg("%s and %s", rows[i].a, rows[i].b);
		assert_false(ks_value_differ(ks_buf_bytes(&a), x, &t, &d, &no));
		ks_buf_release(&a);
		ks_buf_release(&b);
		ks_buf_release(&a_room);
		ks_buf_release(&b_room);
	}
	ks_value_diff_release(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_tolerance),
		cmocka_unit_test(test_packed),
		cmocka_unit_test(test_nested),
		cmocka_unit_test(test_decimals),
		cmocka_unit_test(test_plain),
	};

	return cmocka_run_group_tests_name("value-diff", tests, NULL, NULL);
}
