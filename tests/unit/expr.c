/* SPDX-License-Identifier: MIT */
/*
 * expr.c - the language: against what jq says (tests/vectors/expr), where it
 * differs on purpose, what is refused and where, and how long it may be.
 */
#include "tests/unit/expr-probe.h"

#define CASES "tests/vectors/expr/cases.txt"

/* A line without its newline; false at the end. */
static bool next_line(FILE *in, char **line, size_t *cap)
{
	ssize_t n = getline(line, cap, in);

	if (n > 0 && (*line)[n - 1] == '\n')
		(*line)[n - 1] = '\0';
	return n > 0;
}

static void as_jq(void **state)
{
	char *program = NULL, *document = NULL, *expected = NULL, *blank = NULL, *last = NULL;
	size_t pcap = 0, dcap = 0, ecap = 0, bcap = 0;
	FILE *in = fopen(CASES, "r");
	struct probe x = { .set = NULL };
	unsigned count = 0;

	(void)state;
	assert_non_null(in);
	while (next_line(in, &program, &pcap)) {
		assert_true(next_line(in, &document, &dcap) && next_line(in, &expected, &ecap));
		/* Cases of one program share it: what a document leaves behind must not show in the next. */
		if (last == NULL || strcmp(last, program) != 0) {
			probe_release(&x);
			probe_init(&x, program);
			free(last);
			last = strdup(program);
			assert_non_null(last);
		}
		check(&x, program, document, expected);
		count++;
		assert_true(next_line(in, &blank, &bcap) && *blank == '\0');
	}
	assert_true(count > 3000);
	probe_release(&x);
	free(last);
	free(program);
	free(document);
	free(expected);
	free(blank);
	fclose(in);
}

/* Where kstream differs from jq 1.6 on purpose (kstream-expr(7), DIFFERENCES), or has what it has not. */
static void differences(void **state)
{
	static const char *const table[][3] = {
		/* Integers are exact. */
		{ ". == 9007199254740992", "9007199254740993", "false" },
		{ ". == 9007199254740993", "9007199254740993", "true" },
		{ ". > 9007199254740992.0", "9007199254740993", "true" },
		{ ".a", "{\"a\":18446744073709551615}", "18446744073709551615" },
		{ "18446744073709551615", "null", "18446744073709551615" },
		{ "-9223372036854775808", "null", "-9223372036854775808" },
		{ ". == 18446744073709551615", "18446744073709551614", "false" },
		{ ". == -9223372036854775808", "-9223372036854775807", "false" },
		{ "18446744073709551616", "null", "18446744073709551616.0" },
		{ "-9223372036854775809", "null", "-9223372036854775809.0" },
		{ ".", "-9223372036854775808", "-9223372036854775808" },
		{ ".", "-9223372036854775809", "-9.223372036854776e+18" },
		{ ".", "18446744073709551616", "1.8446744073709552e+19" },
		{ ".", "12345678901234567890", "12345678901234567890" },
		{ ".", "1234567890123456", "1234567890123456" },
		{ ".", "12345678901234567", "12345678901234567" },
		{ ".", "1.0", "1.0" }, { ".", "-1e5", "-100000.0" }, { ".", "1e5", "100000.0" },
		{ ".", "123456789.123456789", "123456789.12345679" }, { ".", "0.1", "0.1" },
		{ ".", "1E-3", "0.001" }, { ".", "-0", "0" }, { ".", "-0.0", "-0.0" },
		/* An index is cut to an integer. */
		{ ".[1.7]", "[1,2,3]", "2" }, { ".[-1.7]", "[1,2,3]", "3" },
		{ ".[-0.5]", "[1,2,3]", "1" },
		/* Of equal keys the last counts, with all that is under it. */
		{ ".a", "{\"a\":1,\"a\":2}", "2" },
		{ ".a.b", "{\"a\":{\"b\":1},\"a\":{\"c\":2}}", "null" },
		{ ".a.b", "{\"a\":{\"b\":1},\"a\":5}", "error: Cannot index number with \"b\"" },
		{ ".a.b", "{\"a\":5,\"a\":{\"b\":1,\"b\":7}}", "7" },
		{ ".a[0]", "{\"a\":[1],\"a\":[]}", "null" },
		{ ".a", "{\"\\u0061\":1}", "1" },
		{ ".a", "{\"a\":1,\"\\u0061\":2}", "2" },
		/* Syntax of later versions of jq, and a little more. */
		{ ".a.[0]", "{\"a\":[5]}", "5" }, { ".a.[\"b\"]", "{\"a\":{\"b\":5}}", "5" },
		{ ".[-1]", "[1]", "1" }, { ".[- 1]", "[1]", "1" }, { "--1", "null", "1" },
		{ "(.a)?.b", "{\"a\":{\"b\":5}}", "5" }, { ".a??", "1", "nothing" },
		{ ".a.b??", "1", "nothing" }, { ".a.b??", "{\"a\":1}", "nothing" },
		{ ".a?//1", "5", "1" }, { ".a?//1", "{\"a\":2}", "2" },
		{ ".a.b?", "1", "error: Cannot index number with \"a\"" },
		{ "# one\n.a # two\r\n == 1 #", "{\"a\":1}", "true" },
		{ "1 | .", "5", "1" }, { "-1 | .", "5", "-1" },
		{ ".a.b.c.d.e.f.g.h", "{\"a\":{\"b\":{\"c\":{\"d\":{\"e\":{\"f\":{\"g\":{\"h\":1}}}}}}}}", "1" },
		{ ".averylongkeyindeed", "{\"averylongkeyindeeD\":1,\"averylongkeyindeed\":2}", "2" },
		{ ".eightchr", "{\"eightch\":1,\"eightchrs\":2,\"eightchr\":3}", "3" },
		{ ".[\"\\u0000\"]", "{\"\":1,\"\\u0000\\u0000\":2,\"\\u0000\":3}", "3" },
		{ ".[\"a\\u0000\"]", "{\"a\":1}", "null" },
		{ ".s == \"caf\\u00e9 \\\"x\\\"\"", "{\"s\":\"caf\\u00e9 \\\"x\\\"\"}", "true" },
		/* Both ends of one element, and elements in any order. */
		{ ".[0] == .[-1]", "[1]", "true" }, { ".[-1].a == .[0].b", "[{\"a\":1,\"b\":1}]", "true" },
		{ ".[-2][-1] == .[1][0]", "[0,[7,8,7],2]", "true" },
		{ ".[2] == .[0]", "[1,2,1]", "true" }, { ".[-1] == .[-3]", "[1,2,1]", "true" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		check_one(table[i][0], table[i][1], table[i][2]);
}

static const struct refusal {
	const char *program;
	unsigned column;
	const char *says;	/* part of the message */
} refusals[] = {
	{ "", 1, "empty" }, { " # nothing", 1, "empty" },
	{ "keyz", 1, "did you mean 'keys'" }, { "lenght", 1, "did you mean 'length'" },
	{ "selct(.a)", 1, "did you mean 'select'" }, { ".a | sort_bi(.b)", 6, "did you mean 'sort_by'" },
	{ "price > 5", 1, "a field is written '.price'" }, { ".a == nott", 7, "did you mean 'not'" },
	{ "foo", 1, "a field is written '.foo'" }, { "nul", 1, "did you mean 'null'" }, { "ture", 1, "did you mean 'true'" },
	{ ".a adn .b", 4, "did you mean 'and'" }, { ".a AND .b", 4, "write 'and'" },
	{ ".a OR .b", 4, "write 'or'" }, { "NOT .a", 1, "'.a | not'" }, { "True", 1, "write 'true'" },
	{ ".a not", 4, "'|' is missing" }, { "not .a", 5, "stands behind" },
	{ "not (.a)", 5, "stands behind" }, { "not $key", 5, "stands behind" },
	{ ".a === 1", 4, "equality is '=='" }, { ".a <> 1", 4, "'!='" }, { ".a && .b", 4, "write 'and'" },
	{ ".a || .b", 4, "write 'or'" }, { ".a & .b", 4, "write 'and'" }, { "!.a", 1, "'.a | not'" },
	{ ".a == !.b", 7, "'.a | not'" }, { ".a == 'x'", 7, "double quotes" }, { "'x'", 1, "double quotes" },
	{ ".a =~ \"x\"", 4, "test(\"PATTERN\")" }, { ".a = 1 = 2", 8, "do not chain" },
	{ ".a += 1 |= 2", 9, "do not chain" }, { ".a[1:2", 7, "']' is missing" }, { ".a[1", 5, "']' is missing" },
	{ ".a[", 4, "missing" }, { ".a[1:2:3]", 7, "']' is missing" }, { "[.a", 4, "']' is missing" },
	{ "{a", 3, "'}' is missing" }, { "{a:", 4, "missing" }, { "{a b}", 4, "'}' is missing" },
	{ "{(1)}", 5, "':' is missing" }, { "{1:2}", 2, "a key is missing" }, { "{a:1}}", 6, "operator" },
	{ ".a as x | 1", 7, "a variable" }, { ".a as $x", 9, "'|' is missing" }, { ".a as [$x | 1", 11, "']'" },
	{ ".a as {$x | 1", 11, "'}'" }, { ".a as {b} | 1", 9, "':'" }, { "$x", 1, "there are $key" },
	{ ".a as [$x] ?// $x | 1", 12, "alternative" }, { "(1 as $x | 2) | $x", 17, "unknown variable" },
	{ "if .a then 1", 13, "'end' is missing" }, { "if .a 1 end", 7, "'then' is missing" },
	{ "then 1", 1, "missing before 'then'" }, { "try", 4, "missing" }, { ".a catch 1", 4, "'catch' without" },
	{ "reduce .[] as $x (0; 1)", 1, "there are add" }, { "foreach .[] as $x (0; 1)", 1, "loop 'foreach'" },
	{ "def f: 1; f", 1, "definition 'def'" }, { "label $out | 1", 1, "first(f)" }, { "import \"a\" as b; 1", 1, "module" },
	{ "$ENV.PATH", 1, "environment" }, { "env", 1, "environment" }, { "input", 1, "one record" },
	{ "debug", 1, "does not print" }, { "halt", 1, "error(" }, { "$__loc__", 1, "unknown variable" },
	{ "limit(1)", 1, "takes 2 arguments, not 1" }, { "select", 1, "takes 1 argument, not 0" },
	{ "first(1;2;3)", 1, "0 or 1 arguments, not 3" }, { "select()", 8, "missing before ')'" },
	{ "map(.a", 7, "')' is missing" }, { "map(.a))", 8, "')' without" }, { "map(.a b)", 8, "operator" },
	{ "map(select(.a = ))", 17, "missing" }, { "range(1;2;3;4;5;6;7;8;9)", 22, "more than 8 arguments" },
	{ "_modify(.a; 1)", 1, "unknown word" }, { "_1", 1, "unknown word" }, { "@foo", 1, "unknown format" },
	{ "@", 1, "'@csv'" }, { "\"a\\(.b\"", 7, "does not end" }, { "\"a\\(.b", 7, "')' is missing" },
	{ "\"a\\(.b c)\"", 8, "')' is missing" }, { "\"a\\(1)\\q\"", 8, "unknown escape" },
	{ "$ky == 1", 1, "did you mean '$key'" }, { "$tpoic", 1, "did you mean '$topic'" },
	{ "$value", 1, "the value is '.'" }, { "$", 1, "there are $key" }, { "$time", 1, "'$ts'" },
	{ "1<2==true", 4, "do not chain" }, { ".a == .b != .c", 10, "do not chain" },
	{ ".a == ", 7, "missing" }, { "(.a", 4, "')' is missing" }, { ".a)", 3, "')' without" },
	{ "()", 2, "missing before ')'" }, { "== 1", 1, "missing before '=='" }, { ".a and", 7, "missing" },
	{ "and .a", 1, "missing before 'and'" }, { ".a |", 5, "missing" }, { "| .a", 1, "missing" },
	{ ", 1", 1, "missing before ','" }, { "1,", 3, "missing" }, { "* 2", 1, "missing before '*'" },
	{ "+1", 1, "missing before '+'" }, { ".a .b 5", 7, "operator is missing" },
	{ ".a \"x\"", 4, "operator is missing" }, { ".a. ", 5, "behind '.'" }, { ".a.5", 3, "operator is missing" },
	{ ". a", 3, "operator is missing" }, { "..a", 3, "operator is missing" }, { ".a; .b", 3, "operator" },
	{ ".a : 1", 4, "':'" }, { "\"abc", 1, "does not end" }, { "\"\\q\"", 3, "unknown escape" },
	{ "\"\\u12\"", 2, "unknown escape" }, { "\"\\ud800\"", 2, "surrogate" },
	{ "\"a\n\\\nb\"", 5, "unknown escape" }, { "\"\xff\"", 2, "UTF-8" }, { "1e400", 1, "range" },
	{ "1a", 2, "behind a number" }, { "5m", 2, "'m' directly" }, { ".\"\xc3\xa9\" + #", 9, "missing" },
	{ ".a == \xe2\x82\xac", 7, "\xe2\x82\xac" }, { ".a ~ 1", 4, "'~'" }, { "\x01", 1, "'?'" },
	{ ".a | test( \"(\")", 12, "not a valid regular expression" }, { "map(splits(\"[\"; \"g\"))", 12, "regular" },
	{ "gsub(\"a\"; .b; \"q\")", 6, "modifier" }, { "test(\"a\"; 1)", 6, "not a string" },
	{ ".a | .my-key-7 == 1", 7, ".\"my-key-7\"" }, { ".@timestamp", 2, ".\"@timestamp\"" }, { "1-key", 3, "unknown word" },
	{ ".a.b-c", 4, ".\"b-c\"" }, { ".a - key", 6, "unknown word" }, { ".a @text", 4, "operator is missing" },
	{ "null null", 6, "operator" }, { ".a in .b", 4, "operator" }, { "]", 1, "missing before ']'" },
};

static void refused(void **state)
{
	struct ks_expr_set *set = ks_expr_set_new(&limits);
	struct ks_expr *e;
	struct ks_err err;
	unsigned column;
	size_t i;

	(void)state;
	assert_non_null(set);
	for (i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		if (ks_expr_add(set, refusals[i].program, &e, &err) != KS_USAGE)
			fail_msg("%s\nwas not refused", refusals[i].program);
		if (sscanf(err.text, "column %u", &column) != 1 || column != refusals[i].column ||
		    strstr(err.text, refusals[i].says) == NULL)
			fail_msg("%s\nshould name column %u and '%s', says\n%s", refusals[i].program,
			    refusals[i].column, refusals[i].says, err.text);
		assert_int_equal(err.status, KS_USAGE);
	}
	ks_expr_set_free(set);
}

static void bounds(void **state)
{
	static const struct {
		const char *head, *unit;
		size_t n;
		const char *tail;
		const char *expected;	/* on null; NULL: refused */
	} table[] = {
		{ "", "(", 200, "", NULL }, { "", "(", 30000, "", NULL }, { "", "not|", 15000, "not", NULL },
		{ "1", " or 0", 10000, "", "true" }, { "1", " and 0", 10000, "", "true" },
		{ "null", " // null", 8000, " // 7", "7" }, { "", "(1 == ", 199, "1", NULL },
		{ "", ".a", 198, "", "null" }, { "", ".a", 20000, "", NULL }, { ".a|", ".a|", 190, ".a", "null" },
		{ "1", ".a", 20000, "", NULL }, { "null", "[0]", 100, "", "null" }, { "1", "|1", 100, "", "1" },
		{ "1", "|1", 1000, "", NULL }, { "", "-", 60000, "1", "1" }, { "\"", "x", 65000, "\" == 1", "false" },
		{ "\"", "x", 65536, "\"", NULL }, { "1", "0", 60000, "", NULL }, { "", "0", 60000, "7", "7" },
		{ "0.", "0", 60000, "1", "0.0" }, { ".", "?", 60000, "", NULL }, { "#", "x", 60000, "\n1", "1" },
	};
	struct ks_err err;
	struct ks_expr_set *set;
	struct ks_expr *e;
	char *program;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		program = many(table[i].head, table[i].unit, table[i].n, table[i].tail);
		if (table[i].expected != NULL) {
			check_one(program, "null", table[i].expected);
		} else {
			set = ks_expr_set_new(&limits);
			assert_non_null(set);
			assert_int_equal(ks_expr_add(set, program, &e, &err), KS_USAGE);
			assert_true(strncmp(err.text, "column ", 7) == 0);
			ks_expr_set_free(set);
		}
		free(program);
	}
}

/* Variables of the caller's: known to what is added behind them, with whatever value they have now, and hidden by `as`. */
static void declared(void **state)
{
	static const struct ks_val text = { .type = KS_STR, .b = { (const unsigned char *)"xy", 2 } };
	static const struct ks_val list = { .type = KS_ARRAY, .b = { (const unsigned char *)"\x92\x07\x08", 3 } };
	struct ks_rec rec = { .key = ks_mp_nil, .headers = ks_no_headers, .value = ks_mp_nil };
	struct ks_expr_set *set = ks_expr_set_new(&(struct ks_limits){ .record = KS_RECORD_MAX, .depth = KS_DEPTH_MAX });
	struct ks_expr *e, *shadowed;
	uint32_t acc, other;
	struct ks_err err;
	struct ks_val v;

	(void)state;
	assert_non_null(set);
	assert_int_equal(ks_expr_add(set, "$acc", &e, &err), KS_USAGE);
	assert_int_equal(ks_expr_declare(set, "$acc", &acc, &err), 0);
	assert_int_equal(ks_expr_declare(set, "$other", &other, &err), 0);
	assert_int_equal(ks_expr_add(set, "[$acc, $other] | .[0] // .[1]", &e, &err), 0);
	assert_int_equal(ks_expr_add(set, "$acc as [$acc] | $acc", &shadowed, &err), 0);
	assert_null(ks_expr_load(set, &rec));
	assert_null(ks_expr_eval(e, &v));
	assert_int_equal(v.type, KS_NIL);
	ks_expr_assign(set, other, &text);
	assert_null(ks_expr_eval(e, &v));
	assert_true(v.type == KS_STR && ks_bytes_is(v.b, "xy"));
	ks_expr_assign(set, acc, &list);
	assert_null(ks_expr_eval(shadowed, &v));
	assert_int_equal(v.i, 7);
	assert_null(ks_expr_eval(e, &v));
	assert_true(v.type == KS_ARRAY && ks_bytes_eq(v.b, list.b));
	ks_expr_set_free(set);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_jq), cmocka_unit_test(differences), cmocka_unit_test(refused),
		cmocka_unit_test(bounds), cmocka_unit_test(declared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
