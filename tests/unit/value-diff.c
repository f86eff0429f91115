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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_tolerance),
		cmocka_unit_test(test_packed),
		cmocka_unit_test(test_nested),
	};

	return cmocka_run_group_tests_name("value-diff", tests, NULL, NULL);
}
