/* SPDX-License-Identifier: MIT */
/*
 * expr-each.c - what tests/expr cannot ask jq: errors and whose they are,
 * paths and updates where they are cut short, and that nothing hangs, or
 * takes more than it may.
 */
#include "tests/unit/expr-probe.h"

static int print(void *ctx, const struct ks_val *v)
{
	struct ks_buf *out = ctx, packed;
	int no = 0;

	ks_buf_init(&packed, (size_t)128 << 20);
	assert_int_equal(ks_mp_add_val(&packed, v), 0);
	assert_int_equal(ks_json_print(ks_buf_bytes(&packed), KS_DEPTH_CEILING, out, &no), KS_MP_OK);
	assert_int_equal(no, 0);
	ks_buf_release(&packed);
	return ks_buf_add(out, " ", 1);
}

/* All values, each with a blank behind it, and then the error. */
static const char *said(struct probe *x)
{
	const char *wrong;
	int rc;

	x->out.n = 0;
	wrong = ks_expr_each(x->e, print, &x->out, &rc);
	assert_int_equal(rc, 0);
	assert_int_equal(ks_buf_printf(&x->out, "%s%s", wrong != NULL ? "error: " : "", wrong != NULL ? wrong : ""), 0);
	return (const char *)x->out.p;
}

static void expect(const char *program, const char *document, const char *expected)
{
	unsigned char *text = padded(document, '\0');
	struct ks_bytes value = packed(document);
	struct ks_rec rec = record(value);
	const unsigned char *end, *at;
	struct probe x;

	probe_init(&x, program);
	assert_null(ks_expr_load(x.set, &rec));
	if (strcmp(said(&x), expected) != 0)
		fail_msg("%s\non msgpack of %s\nsays %s\nnot  %s", program, document, (char *)x.out.p, expected);
	assert_int_equal(ks_expr_load_text(x.set, text, &end, &at), KS_JSON_OK);
	if (strcmp(said(&x), expected) != 0)
		fail_msg("%s\non the text %s\nsays %s\nnot  %s", program, document, (char *)x.out.p, expected);
	free(text);
	free((void *)(uintptr_t)value.p);
	probe_release(&x);
}

static void errors(void **state)
{
	(void)state;
	/* The path of the step that failed, as far as it is known. */
	expect(".b.a", "{\"b\":\"x\"}", "error: .b.a: Cannot index string with \"a\"");
	expect(".b.a.c", "{\"b\":\"x\"}", "error: .b.a: Cannot index string with \"a\"");
	expect(".[0].a[1]", "[{\"a\":{}}]", "error: .[0].a[1]: Cannot index object with number");
	expect(".[] | .a", "[1]", "error: .a: Cannot index number with \"a\"");
	expect(".a | error", "{\"a\":\"own\"}", "error: own");
	expect("error({a: 1})", "null", "error: {\"a\":1} (not a string)");
	expect("error(null)", "null", "error: null (not a string)");
	expect("try error({a: 1}) catch .a", "null", "1 ");
	expect("try .a catch .", "1", "\"Cannot index number with \\\"a\\\"\" ");
	/* An error of whoever takes the values of `try` is not its own. */
	expect("(try (1, 2) catch 9) | error", "null", "error: 1 (not a string)");
	expect("((1, 2)?) | if . == 2 then error(\"x\") else . end", "null", "1 error: x");
	expect(".[] | try error(\"x\\(.)\") catch .", "[1,2]", "\"x1\" \"x2\" ");
	expect("[.[] | tonumber?]", "[\"1\",\"x\",\"3\"]", "[1,3] ");
	expect("1, error(\"e\"), 2", "null", "1 error: e");
	expect("(1, error(\"e\")) // 2", "null", "1 error: e");
	expect("first(1, error(\"e\"))", "null", "1 ");
	expect("[limit(2; 1, 2, error(\"e\"))]", "null", "[1,2] ");
	expect("any(true, error(\"e\"); .)", "null", "true ");
	/* A fault is nobody's to catch. */
	expect("try ([range(1e9)]) catch 1", "null", "error: too much memory for one record; see --expr-limit");
}

static void values(void **state)
{
	(void)state;
	expect("(1,2) + (10,20)", "null", "11 12 21 22 ");
	expect("{a: (1,2), b: (3,4)} | [.a, .b]", "null", "[1,3] [1,4] [2,3] [2,4] ");
	expect("\"\\(1,2)-\\(3,4)\"", "null", "\"1-3\" \"2-3\" \"1-4\" \"2-4\" ");
	expect("9007199254740993 + 0, 9223372036854775807 + 1, 18446744073709551615 + 1", "null",
	    "9007199254740993 9223372036854775808 1.8446744073709552e+19 ");
	expect("6 / 2, 7 / 2, -7 % 3, 4611686018427387904 * 4, 5 - 7.5", "null", "3 3.5 -1 1.8446744073709552e+19 -2.5 ");
	expect(". as [$a, {b: $c}] | $c, $a", "[1,{\"b\":2}]", "2 1 ");
	expect("[recurse(. as $x | .[]? | select($x | length > 1))]", "[[1,2],3]", "[[[1,2],3],[1,2],1,2,3] ");
	expect(". as $x | [.[] | . as $y | $x | length + $y]", "[1,2]", "[3,4] ");
	expect("[limit(3; range(1e18))], [limit(3; repeat(7))], isempty(range(1e18))", "null", "[0,1,2] [7,7,7] false ");
	expect("[range(0; 1e18)] | length", "null", "error: too much memory for one record; see --expr-limit");
	expect("$meta | keys", "null", "[\"headers\",\"key\",\"offset\",\"partition\",\"topic\",\"ts\"] ");
	expect("header(\"x\")", "null", "null ");
	expect("until(. > 1e6; . + 1)", "0", "1000001 ");
	expect("last(limit(129; recurse([.]))) | tojson | length", "0", "257 ");
	expect("[limit(130; recurse([.]))] | length", "0", "error: the value is nested deeper than 128 levels (--max-depth)");
	expect("setpath([range(129)]; 1)", "null", "error: the value is nested deeper than 128 levels (--max-depth)");
	expect("last(limit(11000; recurse([.]))) | . == [.]", "0", "error: the value is nested deeper than 128 levels (--max-depth)");
}

/* Links of a long chain, of which one or more yield several values; what is expected is jq 1.8.2's. */
static void chains(void **state)
{
	(void)state;
	expect("true and true and true and (true, false)", "null", "true false ");
	expect("false or false or false or (false, true)", "null", "false true ");
	expect("null // null // false // (1, 2)", "null", "1 2 ");
	expect("true and (true, false) and true and (true, false)", "null", "true false false ");
	expect("false or false or (false, true) or (true, false) or false", "null", "true false true ");
}

static void updates(void **state)
{
	(void)state;
	expect(".a.b |= . + 1", "{\"a\":{\"b\":1,\"c\":2},\"d\":3}", "{\"a\":{\"b\":2,\"c\":2},\"d\":3} ");
	expect("(.a, .x.y[1]) = 5", "{\"a\":1}", "{\"a\":5,\"x\":{\"y\":[null,5]}} ");
	expect(".[] |= empty", "[1,2,3]", "[] ");
	expect(".[] |= select(. > 1)", "{\"a\":1,\"b\":2}", "{\"b\":2} ");
	expect(".a += (1, 2)", "{\"a\":1}", "{\"a\":2} {\"a\":3} ");
	expect(".a //= 3 | .b //= .a", "{\"a\":null}", "{\"a\":3,\"b\":3} ");
	expect(".. |= (numbers += 1)", "[1,[2,{\"a\":3}],\"x\"]", "[2,[3,{\"a\":4}],\"x\"] ");
	expect("del(.a, .b[0,2], .c[1:])", "{\"a\":1,\"b\":[1,2,3],\"c\":[1,2,3]}", "{\"b\":[2],\"c\":[1]} ");
	expect("del((..).a?)", "{\"a\":{\"b\":1}}", "{} ");
	expect("del((.[], .[][1:][0]))", "[[1,2]]", "[] ");
	expect(".[1:] |= map(. * 2)", "[1,2,3]", "[1,4,6] ");
	expect(".[1:][0] = 9", "[1,2,3]", "[1,9,3] ");
	expect("(.[] | select(.id == 2) | .n) |= \"x\"", "[{\"id\":1},{\"id\":2,\"n\":0}]", "[{\"id\":1},{\"id\":2,\"n\":\"x\"}] ");
	expect("[path(.a[0], last(.b[]), getpath([\"c\", 1]))]", "{\"b\":[1,2]}", "[[\"a\",0],[\"b\",1],[\"c\",1]] ");
	expect("(.a + 1) = 2", "{\"a\":1}", "error: Invalid path expression with result 2");
	expect("path(1 | .a?)", "null", "error: Invalid path expression with result 1");
	expect(".[-2] = 1", "[1]", "error: Out of bounds negative array index");
	expect(".[1e9] = 1", "[]", "error: Array index too large");
	expect(".a[0] = 1", "{\"a\":{}}", "error: .a[0]: Cannot index object with number");
	expect("pick(.b.c, .x)", "{\"a\":1,\"b\":{\"c\":2,\"d\":3}}", "{\"b\":{\"c\":2},\"x\":null} ");
	expect("setpath([\"a\", 1]; 2) | delpaths([[\"a\", 0], [\"z\"]])", "null", "{\"a\":[2]} ");
}

static int ignore(void *ctx, const struct ks_val *v)
{
	(void)ctx;
	(void)v;
	return 0;
}

/* Each ends, within the limit, and the set is as good as new. */
static void bounded(void **state)
{
	static const char *const programs[] = {
		"[repeat(1)]", "repeat(empty)", "last(range(infinite))", "[recurse]|[recurse([.])]", "recurse(.)",
		"until(false; .)", "until(false; ., .)", "[while(true; .)]", "recurse(., .)", "\"x\" * 1e9",
		"[limit(1e7; repeat(\"\\(1)\"))] | add", "last(recurse([.]))", "[.,.] | until(false; [., .])",
		"def f: f; f", "[range(1e5)] | . - .", "reduce 1 as $x (0; 1)", "setpath([range(20000)]; 1)",
		"setpath([range(20000) | {start: 0, end: null}]; 1)", "[range(1e6)] | .[] |= [range(1e6)]",
		"first(repeat(empty))", "any(repeat(false); .)", "recurse(if . < 1e9 then . + 1 else empty end) | select(. < 0)",
		"[range(300000) | tostring] | join(\",\") | split(\"\")", "walk([.])", "until(false; walk([.]))",
	};
	struct ks_rec rec = record(ks_bytes("\x00", 1));
	struct ks_expr_set *set;
	struct ks_expr *e, *one;
	struct ks_err err;
	struct ks_val v;
	const char *wrong;
	size_t i;
	int rc;

	(void)state;
	for (i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
		set = ks_expr_set_new(&limits);
		assert_non_null(set);
		ks_expr_set_limit(set, 200000, (size_t)8 << 20);
		assert_int_equal(ks_expr_add(set, "[.] | length", &one, &err), 0);
		if (ks_expr_add(set, programs[i], &e, &err) == 0) {
			assert_null(ks_expr_load(set, &rec));
			wrong = ks_expr_each(e, ignore, NULL, &rc);
			if (wrong == NULL && strcmp(programs[i], "walk([.])") != 0 && strstr(programs[i], "split") == NULL)
				fail_msg("%s ended well", programs[i]);
		}
		assert_null(ks_expr_load(set, &rec));
		assert_null(ks_expr_eval(one, &v));
		assert_int_equal(v.i, 1);
		ks_expr_set_free(set);
	}
}

/* A loop whose body looks at much of a value, and yields or keeps nothing of it, meets the limit of work all the same. */
static void counted(void **state)
{
	/* All but the first. */
	static const char *const bodies[] = {
		"$i", "$x | tonumber", "$a | tonumber", "$a | -.", "{($a): 1}", "path(1 | $a)", "$x | murmur2(3)",
		"$x | startswith($x)", "$x | endswith($x)", "$x | ltrimstr($x)", "$x | rtrimstr($x)", "$x | reverse", "$x | match(\"^a\")", "[$d]",
	};
	static const char head[] = "\"a\" * 40000 as $x | [range(8000)] as $a"
	    " | [$a[], last(limit(128; 0 | recurse([.])))] as $d | isempty(range(2000) as $i | try (";
	struct ks_rec rec = record(ks_mp_nil);
	struct ks_expr_set *set;
	struct ks_expr *e;
	char text[600];
	struct ks_val v;
	struct ks_err err;
	const char *wrong;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		set = ks_expr_set_new(&limits);
		assert_non_null(set);
		snprintf(text, sizeof(text), "%s%s) catch empty | empty)", head, bodies[i]);
		assert_int_equal(ks_expr_add(set, text, &e, &err), 0);
		ks_expr_set_limit(set, 200000, 0);
		assert_null(ks_expr_load(set, &rec));
		wrong = ks_expr_eval(e, &v);
		if (i == 0 ? wrong != NULL : wrong == NULL || strstr(wrong, "too much work") == NULL)
			fail_msg("%s: %s", bodies[i], wrong != NULL ? wrong : "ended well");
		ks_expr_set_free(set);
	}
}

/* Macros in macros multiply; brackets nest; both are refused before they hurt. */
static void sizes(void **state)
{
	static const struct {
		const char *head, *unit, *tail;
		size_t n;
		bool fine;
	} table[] = {
		{ "1", " + 1", "", 150, true }, { "1", " + 1", "", 5000, false }, { "[1", ",1", "]", 5000, true },
		{ "", "[", "", 5000, false }, { "", "{a:", "", 5000, false }, { "", "map(", "", 5000, false },
		{ "", "(. |= ", "", 5000, false }, { "", "\"\\(", "", 5000, false }, { "", "if . then ", "", 5000, false },
		{ "", "try ", "1", 5000, false }, { "", ". as $x | ", "1", 5000, false }, { "", "-", ".", 5001, true },
		{ "", "all(recurse(.;.);", "", 300, false }, { "", "while(.; while(.;", "", 40, false },
		{ "", "map(", "1))))))))))", 10, true }, { ". as ", "[", "$x", 5000, false }, { "{", "a,", "}", 9000, false },
	};
	struct ks_expr_set *set;
	struct ks_expr *e;
	struct ks_err err;
	char *program;
	int status;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		program = many(table[i].head, table[i].unit, table[i].n, table[i].tail);
		set = ks_expr_set_new(&limits);
		assert_non_null(set);
		status = ks_expr_add(set, program, &e, &err);
		if ((status == 0) != table[i].fine || (status != 0 && status != KS_USAGE))
			fail_msg("%.60s: %d %s", program, status, status != 0 ? err.text : "");
		ks_expr_set_free(set);
		free(program);
	}
}

static int stop_at_two(void *ctx, const struct ks_val *v)
{
	++*(unsigned *)ctx;
	return v->i == 2 ? 42 : 0;
}

static void callers(void **state)
{
	struct ks_rec rec = record(ks_bytes("\x05", 1));
	struct ks_expr_set *set = ks_expr_set_new(&limits);
	struct ks_expr *e, *single;
	unsigned count = 0;
	struct ks_err err;
	struct ks_val v;
	bool any = true;
	int rc;

	(void)state;
	assert_non_null(set);
	assert_int_equal(ks_expr_add(set, "1, 2, error(\"late\")", &e, &err), 0);
	assert_int_equal(ks_expr_add(set, "map(.)? , empty", &single, &err), 0);
	assert_null(ks_expr_load(set, &rec));
	assert_null(ks_expr_each(e, stop_at_two, &count, &rc));
	assert_int_equal(rc, 42);
	assert_int_equal(count, 2);
	assert_null(ks_expr_any(e, &any));
	assert_true(any);
	assert_string_equal(ks_expr_eval(e, &v), "the expression yields several values where one is wanted");
	assert_null(ks_expr_any(single, &any));
	assert_false(any);
	assert_null(ks_expr_eval(single, &v));
	assert_true(ks_expr_nothing(single));
	ks_expr_set_free(set);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(errors), cmocka_unit_test(values), cmocka_unit_test(chains), cmocka_unit_test(updates),
		cmocka_unit_test(bounded), cmocka_unit_test(counted), cmocka_unit_test(sizes), cmocka_unit_test(callers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
