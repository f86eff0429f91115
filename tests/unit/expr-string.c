/* SPDX-License-Identifier: MIT */
/* expr-string.c - functions of strings and formats: what jq 1.8.2 says, and what it cannot be asked. */
#include "tests/unit/expr-probe.h"

#include "lib/expr-impl.h"
#include "tests/unit/kit.h"

extern const struct ks_expr_fn ks_expr_fn_string[], ks_expr_fn_split[], ks_expr_fn_format[];

static struct ks_val value(struct ks_bytes b)
{
	const unsigned char *p = b.p;
	struct ks_val v;

	assert_int_equal(ks_mp_read(&p, b.p + b.n, KS_DEPTH_CEILING, &v), KS_MP_OK);
	return v;
}

static enum ks_yield call(struct ks_expr_set *set, const char *name, const struct ks_val *in,
    const struct ks_val *arg, struct ks_val *out)
{
	const struct ks_expr_fn *const tables[] = {
		ks_expr_fn_string, ks_expr_fn_split, ks_expr_fn_format,
	};
	const struct ks_expr_fn *fn;
	size_t i;

	set->steps = KS_EXPR_STEPS;
	for (i = 0; i < COUNT(tables); i++)
		for (fn = tables[i]; fn->name != NULL; fn++)
			if (strcmp(fn->name, name) == 0 && fn->args == (arg != NULL))
				return fn->call(set, in, arg, out);
	fail_msg("there is no %s", name);
	return KS_YIELD_FAULT;
}

static const char *json(struct ks_expr_set *set, const struct ks_val *v)
{
	struct ks_bytes text;
	static char copy[4096];

	assert_int_equal(ks_expr_json(set, v, &text), KS_YIELD);
	assert_true(text.n < sizeof(copy));
	memcpy(copy, text.p, text.n);
	copy[text.n] = '\0';
	return copy;
}

/* The results are jq 1.8.2's; NULL is an error.  Lengths past 2^53 are not, it has doubles. */
static void as_jq(void **state)
{
	static const struct {
		const char *name, *in, *arg, *out;
	} table[] = {
		{ "length", "\"é𝄞\"", NULL, "2" },
		{ "length", "-9223372036854775808", NULL, "9223372036854775808" },
		{ "length", "18446744073709551615", NULL, "18446744073709551615" },
		{ "length", "-1.5", NULL, "1.5" },
		{ "length", "true", NULL, NULL },
		{ "length", "[1,[2,3]]", NULL, "2" },
		{ "length", "{\"a\":1,\"b\":2}", NULL, "2" },
		{ "length", "null", NULL, "0" },
		{ "utf8bytelength", "\"é𝄞\"", NULL, "6" },
		{ "utf8bytelength", "[1]", NULL, NULL },
		{ "startswith", "\"äbc\"", "\"ä\"", "true" },
		{ "startswith", "\"a\"", "\"ab\"", "false" },
		{ "startswith", "null", "\"a\"", NULL },
		{ "endswith", "\"abc\"", "\"bc\"", "true" },
		{ "endswith", "\"abc\"", "\"\"", "true" },
		{ "endswith", "\"abc\"", "1", NULL },
		{ "trimstr", "\"abab\"", "\"ab\"", "\"\"" },
		{ "trimstr", "\"a\"", "\"a\"", "\"\"" },
		{ "trim", "\"\\u3000\\u2003 a b\\u00a0\\u0085\"", NULL, "\"a b\"" },
		{ "ltrim", "\"\\n é \"", NULL, "\"é \"" },
		{ "rtrim", "\" é\\u2028\"", NULL, "\" é\"" },
		{ "trim", "\"\\u200b\"", NULL, "\"​\"" },
		{ "trim", "1", NULL, NULL },
		{ "ascii_downcase", "\"ÀB[Z@`\"", NULL, "\"Àb[z@`\"" },
		{ "ascii_upcase", "\"àb{z@`\"", NULL, "\"àB{Z@`\"" },
		{ "type", "[]", NULL, "\"array\"" },
		{ "tostring", "{\"a\":[1,\"x\",null]}", NULL, "\"{\\\"a\\\":[1,\\\"x\\\",null]}\"" },
		{ "tostring", "\"x\"", NULL, "\"x\"" },
		{ "tojson", "\"x\\n\\u0001é\"", NULL, "\"\\\"x\\\\n\\\\u0001é\\\"\"" },
		{ "fromjson", "\"{\\\"a\\\":[1,2.5]}\"", NULL, "{\"a\":[1,2.5]}" },
		{ "fromjson", "\" 1 \"", NULL, "1" },
		{ "fromjson", "\"1 2\"", NULL, NULL },
		{ "fromjson", "\"\"", NULL, NULL },
		{ "fromjson", "[1]", NULL, NULL },
		{ "tonumber", "\"-12\"", NULL, "-12" },
		{ "tonumber", "\"+0012.50\"", NULL, "12.50" },
		{ "tonumber", "\".5\"", NULL, "0.5" },
		{ "tonumber", "\"5.\"", NULL, "5" },
		{ "tonumber", "\"1e3\"", NULL, "1E+3" },
		{ "tonumber", "\" 1\"", NULL, NULL },
		{ "tonumber", "\"0x1\"", NULL, NULL },
		{ "tonumber", "\"1e\"", NULL, NULL },
		{ "tonumber", "\".\"", NULL, NULL },
		{ "tonumber", "\"\"", NULL, NULL },
		{ "tonumber", "\"-\"", NULL, NULL },
		{ "tonumber", "[1]", NULL, NULL },
		{ "toboolean", "\"true\"", NULL, "true" },
		{ "toboolean", "false", NULL, "false" },
		{ "toboolean", "\"yes\"", NULL, NULL },
		{ "split", "\"a,b,,c,\"", "\",\"", "[\"a\",\"b\",\"\",\"c\",\"\"]" },
		{ "split", "\"\"", "\",\"", "[]" },
		{ "split", "\"é𝄞a\"", "\"\"", "[\"é\",\"𝄞\",\"a\"]" },
		{ "split", "\"a\"", "1", NULL },
		{ "join", "[\"a\",1,null,true,2.5]", "\",\"", "\"a,1,,true,2.5\"" },
		{ "join", "[]", "\",\"", "\"\"" },
		{ "join", "[\"a\",[1]]", "\",\"", NULL },
		{ "join", "[\"a\",\"b\"]", "1", NULL },
		{ "join", "{\"x\":\"a\",\"y\":\"b\"}", "\"-\"", "\"a-b\"" },
		{ "join", "\"a\"", "\",\"", NULL },
		{ "explode", "\"aé€𝄞\"", NULL, "[97,233,8364,119070]" },
		{ "implode", "[97,233,8364,119070,55296,1114112,-1,65.7]", NULL, "\"aé€𝄞���A\"" },
		{ "implode", "[\"a\"]", NULL, NULL },
		{ "indices", "\"aéaéa\"", "\"éa\"", "[1,3]" },
		{ "indices", "\"aaa\"", "\"aa\"", "[0,1]" },
		{ "indices", "\"a\"", "\"\"", "[]" },
		{ "indices", "[1,2,1,2,1]", "[1,2,1]", "[0,2]" },
		{ "indices", "[1,[1],1]", "[[1]]", "[1]" },
		{ "indices", "[0,1,1.0]", "1", "[1,2]" },
		{ "indices", "null", "\"a\"", "null" },
		{ "indices", "{\"a\":7}", "\"a\"", "7" },
		{ "indices", "\"a\"", "1", NULL },
		{ "index", "\"aéb\"", "\"b\"", "2" },
		{ "rindex", "\"b,b\"", "\"b\"", "2" },
		{ "index", "\"a\"", "\"x\"", "null" },
		{ "@text", "[1,\"a\"]", NULL, "\"[1,\\\"a\\\"]\"" },
		{ "@json", "\"a\"", NULL, "\"\\\"a\\\"\"" },
		{ "@csv", "[1,\"a\\\"b\",null,false,\"é\"]", NULL, "\"1,\\\"a\\\"\\\"b\\\",,false,\\\"é\\\"\"" },
		{ "@csv", "[[1]]", NULL, NULL },
		{ "@csv", "\"a\"", NULL, NULL },
		{ "@tsv", "[\"a\\tb\",\"c\\\\d\\n\\r\",null,1]", NULL, "\"a\\\\tb\\tc\\\\\\\\d\\\\n\\\\r\\t\\t1\"" },
		{ "@html", "\"<a b='c' d=\\\"e\\\">&\"", NULL, "\"&lt;a b=&apos;c&apos; d=&quot;e&quot;&gt;&amp;\"" },
		{ "@uri", "\"é ~-_.?/\"", NULL, "\"%C3%A9%20~-_.%3F%2F\"" },
		{ "@urid", "\"%C3%A9+%7e\"", NULL, "\"é+~\"" },
		{ "@urid", "\"%ff\"", NULL, NULL },
		{ "@urid", "\"%4\"", NULL, NULL },
		{ "@sh", "[\"it's\",1,null]", NULL, "\"'it'\\\\''s' 1 null\"" },
		{ "@sh", "\"it's\"", NULL, "\"'it'\\\\''s'\"" },
		{ "@sh", "[[1]]", NULL, NULL },
		{ "@base64", "\"é\"", NULL, "\"w6k=\"" },
		{ "@base64", "\"ab\"", NULL, "\"YWI=\"" },
		{ "@base64", "\"\"", NULL, "\"\"" },
		{ "@base64", "[1]", NULL, "\"WzFd\"" },
		{ "@base64d", "\"w6k=\"", NULL, "\"é\"" },
		{ "@base64d", "\"w6k\"", NULL, "\"é\"" },
		{ "@base64d", "\"/w==\"", NULL, "\"�\"" },
		{ "@base64d", "\"8J+Y\"", NULL, "\"�\"" },
		{ "@base64d", "\"a\"", NULL, NULL },
		{ "@base64d", "\"a b\"", NULL, NULL },
		{ "format", "[1,2]", "\"csv\"", "\"1,2\"" },
		{ "format", "1", "\"nix\"", NULL },
		{ "format", "1", "2", NULL },
	};
	struct ks_expr_set *set = ks_expr_set_new(&limits);
	struct ks_bytes in, arg;
	struct ks_val out, a, b;
	enum ks_yield got;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(table); i++) {
		in = packed(table[i].in);
		arg = packed(table[i].arg != NULL ? table[i].arg : "null");
		a = value(in);
		b = value(arg);
		got = call(set, table[i].name, &a, table[i].arg != NULL ? &b : NULL, &out);
		if (got == KS_YIELD) {	/* the result may take the place of the input */
			out = a;
			got = call(set, table[i].name, &out, table[i].arg != NULL ? &b : NULL, &out);
		}
		if ((got == KS_YIELD) != (table[i].out != NULL))
			fail_msg("%s %s %s: %s", table[i].in, table[i].name, table[i].arg,
			    got == KS_YIELD ? json(set, &out) : set->error);
		if (got == KS_YIELD && !same(json(set, &out), table[i].out))
			fail_msg("%s %s %s: %s, not %s", table[i].in, table[i].name, table[i].arg,
			    json(set, &out), table[i].out);
		ks_arena_reset(&set->scratch);
		free((void *)(uintptr_t)in.p);
		free((void *)(uintptr_t)arg.p);
	}
	ks_expr_set_free(set);
}

/* Bytes are no strings; their text is base64, and @base64 is of them and not of that text. */
static void of_bytes(void **state)
{
	static const struct {
		const char *name, *out;
	} table[] = {
		{ "length", "2" }, { "type", "\"bytes\"" }, { "tostring", "\"/wA=\"" }, { "tojson", "\"\\\"/wA=\\\"\"" },
		{ "@base64", "\"/wA=\"" }, { "@base32", "\"74AA====\"" }, { "@text", "\"/wA=\"" }, { "utf8bytelength", NULL },
		{ "explode", NULL }, { "trim", NULL }, { "tonumber", NULL }, { "ascii_downcase", NULL },
	};
	struct ks_val in = { .type = KS_BIN, .b = ks_bytes("\xff", 2) }, out;
	struct ks_expr_set *set = ks_expr_set_new(&limits);
	enum ks_yield got;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(table); i++) {
		got = call(set, table[i].name, &in, NULL, &out);
		assert_int_equal(got, table[i].out != NULL ? KS_YIELD : KS_YIELD_ERROR);
		if (got == KS_YIELD)
			assert_string_equal(json(set, &out), table[i].out);
	}
	ks_expr_set_free(set);
}

/* RFC 4648 section 10, there and back. */
static void base32(void **state)
{
	static const char *const table[][2] = {
		{ "", "" }, { "f", "MY======" }, { "fo", "MZXQ====" }, { "foo", "MZXW6===" }, { "foob", "MZXW6YQ=" },
		{ "fooba", "MZXW6YTB" }, { "foobar", "MZXW6YTBOI======" },
	};
	struct ks_expr_set *set = ks_expr_set_new(&limits);
	struct ks_val in, out, back;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(table); i++) {
		in = (struct ks_val){ .type = KS_STR, .b = ks_str(table[i][0]) };
		assert_int_equal(call(set, "@base32", &in, NULL, &out), KS_YIELD);
		assert_true(ks_bytes_is(out.b, table[i][1]));
		assert_int_equal(call(set, "@base32d", &out, NULL, &back), KS_YIELD);
		assert_true(ks_bytes_eq(back.b, in.b));
	}
	in.b = ks_str("MZX1");
	assert_int_equal(call(set, "@base32d", &in, NULL, &out), KS_YIELD_ERROR);
	ks_expr_set_free(set);
}

/* Integers stay exact on their way through text; what is past them is a double. */
static void numbers(void **state)
{
	static const char *const table[][2] = {
		{ "9223372036854775807", "9223372036854775807" }, { "-9223372036854775808", "-9223372036854775808" },
		{ "18446744073709551615", "18446744073709551615" }, { "18446744073709551616", "1.8446744073709552e+19" },
		{ "-9223372036854775809", "-9.223372036854776e+18" }, { "007", "7" }, { "1.0", "1.0" },
		{ "1e999", "1.7976931348623157e+308" }, { "-Infinity", "-1.7976931348623157e+308" },
		{ "+inf", "1.7976931348623157e+308" }, { "NaN", "null" },
	};
	struct ks_expr_set *set = ks_expr_set_new(&limits);
	struct ks_val in, out;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(table); i++) {
		in = (struct ks_val){ .type = KS_STR, .b = ks_str(table[i][0]) };
		assert_int_equal(call(set, "tonumber", &in, NULL, &out), KS_YIELD);
		assert_string_equal(json(set, &out), table[i][1]);
	}
	in.b = ks_str("nan");
	assert_int_equal(call(set, "fromjson", &in, NULL, &out), KS_YIELD_ERROR);
	ks_expr_set_free(set);
}

/* What is built is bounded, by memory and by steps, and the bound is a fault that nothing catches. */
static void bounded(void **state)
{
	struct ks_expr_set *set = ks_expr_set_new(&limits);
	struct ks_val in = { .type = KS_STR }, out;
	unsigned char *text = malloc(1 << 20);

	(void)state;
	memset(text, 'x', 1 << 20);
	in.b = ks_bytes(text, 1 << 20);
	set->scratch.max = 4 << 20;
	assert_int_equal(call(set, "explode", &in, NULL, &out), KS_YIELD_FAULT);
	assert_non_null(strstr(set->error, "memory"));
	ks_arena_reset(&set->scratch);
	set->scratch.max = 1 << 20;
	assert_int_equal(call(set, "@uri", &in, NULL, &out), KS_YIELD_FAULT);
	ks_arena_reset(&set->scratch);
	set->scratch.max = 0;
	set->steps = 1000;
	assert_int_equal(ks_expr_fn_string[0].call(set, &in, NULL, &out), KS_YIELD_FAULT);
	assert_non_null(strstr(set->error, "work"));
	free(text);
	ks_expr_set_free(set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_jq), cmocka_unit_test(of_bytes), cmocka_unit_test(base32),
		cmocka_unit_test(numbers), cmocka_unit_test(bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
