/* SPDX-License-Identifier: MIT */
/* expr-regex.c - regular expressions: what jq 1.8.2 says, and what it does not have or does wrongly. */
#include "tests/unit/expr-probe.h"

#include "lib/expr-impl.h"
#include "tests/unit/kit.h"

/* The values that come, with blanks between them, and "error" behind them. */
struct said {
	struct ks_buf out;
	unsigned left;	/* values until enough was seen; 0: never */
};

static int take(void *ctx, const struct ks_val *v)
{
	struct said *said = ctx;
	struct ks_buf packed_v;
	int no = 0;

	ks_buf_init(&packed_v, (size_t)16 << 20);
	if (said->out.n > 0)
		assert_int_equal(ks_buf_add(&said->out, " ", 1), 0);
	assert_int_equal(ks_mp_add_val(&packed_v, v), 0);
	assert_int_equal(ks_json_print(ks_buf_bytes(&packed_v), KS_DEPTH_CEILING, &said->out, &no), KS_MP_OK);
	assert_int_equal(no, 0);
	ks_buf_release(&packed_v);
	return said->left > 0 && --said->left == 0;
}

static const char *each(struct probe *x, struct ks_bytes value, struct said *said)
{
	struct ks_rec rec = record(value);
	const char *wrong;
	int rc = 0;

	said->out.n = 0;
	assert_null(ks_expr_load(x->set, &rec));
	wrong = ks_expr_each(x->e, take, said, &rc);
	if (wrong != NULL)
		assert_int_equal(ks_buf_printf(&said->out, "%serror", said->out.n > 0 ? " " : ""), 0);
	assert_int_equal(ks_buf_add(&said->out, "", 1), 0);
	return wrong;
}

static void expect(const char *program, const char *document, const char *expected)
{
	struct said said = { .left = 0 };
	struct ks_bytes value = packed(document);
	struct probe x;

	ks_buf_init(&said.out, (size_t)16 << 20);
	probe_init(&x, program);
	each(&x, value, &said);
	if (strcmp((char *)said.out.p, expected) != 0)
		fail_msg("%s of %s: %s, not %s", program, document, (char *)said.out.p, expected);
	probe_release(&x);
	free((void *)(uintptr_t)value.p);
	ks_buf_release(&said.out);
}

/* The answers are those of jq 1.8.2 with Oniguruma 6.9. */
static void as_jq(void **state)
{
	static const char *const table[][3] = {
		{ "test(\"^A.*[0-9]\")", "\"AB1\"", "true" },
		{ "test(\"b\"; \"i\", \"q\")", "\"AB\"", "true error" },
		{ "test(\"a.b\"), test(\"a.b\"; \"s\"), test(\"a.b\"; \"p\"), test(\"a.b\"; \"m\")", "\"a\\nb\"", "false false true true" },
		{ "test(\"a b # c\\n\"; \"x\")", "\"ab\"", "true" },
		{ "test([\"B\", \"i\"]), test([\"A\"])", "\"AB\"", "true true" },
		{ "test(\"^b$\"), test(\"(?m)^b$\"), test(\"b$\")", "\"a\\nb\\n\"", "false true true" },
		{ "test(1)", "\"a\"", "error" },
		{ "test(\"(\" + \"\")", "\"a\"", "error" },
		{ "test(\"a\")", "1", "error" },
		{ "test(\"a\"; 1 | .)", "\"a\"", "error" },
		{ "match(\"(?<x>é)\"; \"g\"), match(\"(?<x>a)?é\").captures", "\"aéb\"", "{\"offset\":1,\"length\":1,\"string\":\"é\",\"captures\":[{\"offset\":1,\"length\":1,\"string\":\"é\",\"name\":\"x\"}]} [{\"offset\":0,\"length\":1,\"string\":\"a\",\"name\":\"x\"}]" },
		{ "match(\"𝄞\")", "\"é𝄞\"", "{\"offset\":1,\"length\":1,\"string\":\"𝄞\",\"captures\":[]}" },
		{ "match(\"\")", "\"\"", "{\"offset\":0,\"length\":0,\"string\":\"\",\"captures\":[]}" },
		{ "match(\"x\")", "\"a\"", "" },
		{ "[match(\"b*\"; \"g\") | [.offset, .length]]", "\"abbc\"", "[[0,0],[1,2],[3,0],[4,0]]" },
		{ "[match(\"b*\"; \"gn\").string]", "\"abbc\"", "[\"bb\"]" },
		{ "match(\"(a|ab)(c|bcd)?\"; \"l\").string", "\"xabcd\"", "\"abcd\"" },
		{ "match(\"a+?\"; \"l\").string", "\"aaab\"", "\"aaa\"" },
		{ "match(\"a\", \"A\"; null, \"i\") | .offset", "\"bAa\"", "2 1 1 1" },
		{ "match([\"a\", \"g\"]).offset", "\"aa\"", "0 1" },
		{ "capture(\"(?<y>\\\\d+)-(?<m>\\\\d+)\")", "\"in 2024-05\"", "{\"y\":\"2024\",\"m\":\"05\"}" },
		{ "capture(\"(?<n>a)|(?<n>b)\"; \"g\")", "\"ab\"", "{\"n\":null} {\"n\":\"b\"}" },
		{ "capture(\"(a)(?<x>z)?\")", "\"ab\"", "{\"x\":null}" },
		{ "capture(\"x\")", "\"a\"", "" },
		{ "[scan(\"[a-z]+\")]", "\"ab, cd\"", "[\"ab\",\"cd\"]" },
		{ "[scan(\"([a-z])([0-9])\")]", "\"a1b2\"", "[[\"a\",\"1\"],[\"b\",\"2\"]]" },
		{ "[scan(\"A\"; \"i\", null)]", "\"aA\"", "[\"a\",\"A\",\"A\"]" },
		{ "[scan(\"\")]", "\"ab\"", "[\"\",\"\",\"\"]" },
		{ "scan([\"a\"])", "\"a\"", "error" },
		{ "split(\", *\"; null)", "\"a,b,  c\"", "[\"a\",\"b\",\"c\"]" },
		{ "split(\"B\"; \"i\")", "\"abc\"", "[\"a\",\"c\"]" },
		{ "split(\"\"; \"\")", "\"ab\"", "[\"\",\"a\",\"b\",\"\"]" },
		{ "[splits(\"(-)\")]", "\"a-b-c\"", "[\"a\",\"b\",\"c\"]" },
		{ "[splits(\"b\", \"B\"; null, \"i\")]", "\"abB\"", "[\"a\",\"B\",\"a\",\"\",\"\",\"ab\",\"\",\"a\",\"\",\"\"]" },
		{ "sub(\"b\"; \"x\")", "\"abb\"", "\"axb\"" },
		{ "sub(\"(?<l>[a-z])\"; \"<\\(.l)>\"; \"g\")", "\"ab1\"", "\"<a><b>1\"" },
		{ "gsub(\"(?<l>[a-z])\"; .l + .l, \"-\")", "\"ab\"", "\"aabb\" \"--\"" },
		{ "gsub(\"(?<x>a)|(?<y>b)\"; if .x then \"1\", \"2\" else \"3\" end)", "\"aba\"", "\"131\" \"22\"" },
		{ "gsub(\"b\"; empty)", "\"abc\"", "\"abc\"" },
		{ "gsub(\"b\"; null)", "\"abc\"", "\"ac\"" },
		{ "gsub(\"b\"; 1)", "\"abc\"", "error" },
		{ "gsub(\"b\"; error(\"no\"))", "\"abc\"", "error" },
		{ "gsub(\"x\"; error(\"no\"))", "\"abc\"", "\"abc\"" },
		{ "gsub(\"\"; \"-\")", "\"ab\"", "\"-a-b-\"" },
		{ "gsub(\"^\"; \">\"), gsub(\"$\"; \"<\")", "\"ab\"", "\">ab\" \"ab<\"" },
		{ "gsub(\"a*\"; \"-\")", "\"baac\"", "\"-b--c-\"" },
		{ "gsub(\"(?=a)\"; \"-\")", "\"aba\"", "\"-ab-a\"" },
		{ "gsub(\"A\"; \"x\"; \"i\", \"\")", "\"aA\"", "\"xx\" \"ax\"" },
		{ "gsub(\"é\"; \"e\")", "\"éaé\"", "\"eae\"" },
		{ "gsub(\"a\"; \"b\"; 1 | .)", "\"a\"", "error" },
		{ "sub(\"a\"; \"b\")", "1", "error" },
		{ "[.[] | sub(\"a\"; \"b\")]", "[\"a\",\"b\"]", "[\"b\",\"b\"]" },
		{ "try gsub(\"(\" + \"\"; \"\") catch \"bad\"", "\"a\"", "\"bad\"" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(table); i++)
		expect(table[i][0], table[i][1], table[i][2]);
}

/* Where jq is wrong, or PCRE2 knows more. */
static void not_as_jq(void **state)
{
	(void)state;
	/* jq gives what a group of an empty match saw as empty, and a character of two bytes twice. */
	expect("capture(\"(?=(?<x>b))\")", "\"ab\"", "{\"x\":\"b\"}");
	expect("[match(\"\"; \"g\").offset]", "\"é𝄞a\"", "[0,1,2,3]");
	expect("gsub(\"\"; \"-\")", "\"éa\"", "\"-é-a-\"");
	expect("test(\"^\\\\u00e9\\\\x{1D11E}$\")", "\"é𝄞\"", "true");
	expect("test(\"\\\\\\\\u00e9\"), test(\"\\\\Q\\\\u00e9\\\\E$\")", "\"\\\\u00e9\"", "true true");
	expect("test(\"(?<=a|bc)d\")", "\"bcd\"", "true");
}

/* Patterns that backtrack without end are errors, and soon: a second would be a hundred times what they may take. */
static void bounded(void **state)
{
	static const char *const programs[] = {
		"test(\"^(a+)+$\")", "test(\"^(a|aa)+$\")", "match(\"(a|a?)+!!\"; \"l\")", "gsub(\"(a*)*[bc]\"; \"\")",
		"[range(1000000) as $i | try test(\"^(a+)+$\") catch 1]",
	};
	char *document = many("\"", "a", 40, "!\"");
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(programs); i++)
		expect(programs[i], document, "error");
	free(document);
}

/* What no limit of PCRE2 ends: many places to begin at, and from each a long way to go.  Short texts are worked through. */
static void long_subjects(void **state)
{
	static const char *const programs[] = {
		"test(\"a*a*[bc]\")", "test(\"(?=a*b)\")", "[match(\"a*a*[bc]\"; \"g\")]", "test(\"(a*)\\\\1[bc]\")",
		"test(\"(?:a{9999})[bc]\")", "try test(\"a*a*[bc]\") catch 1", "first(match(\"a*?\"; \"gl\"))",
		"[range(1000) as $i | .[:$i] | test(\"(?=a*a*[bc])\")]",
	};
	char *document = many("\"", "a", 60000, "\"");
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(programs); i++)
		expect(programs[i], document, "error");
	/* Nor is what takes its time within the limits of use an error. */
	expect("test(\"a$\"), test(\"[^x]b\"), test(\"^.*.*=\"), (gsub(\"a+?\"; \"bc\") | length)", document, "true false false 120000");
	expect("[.[:1000], .[:1500] | test(\"(?=a*b)\", \"a*+[bc]\", \"[ab]*c\", \"(a*)b\")] | any", document, "false");
	expect("(.[:3000] + \"bc\" | [match(\"(?=a*(b))[ab]*(?<x>c)\").captures[] | .offset, .name]), (.[:100] | [match(\"a*?a*\"; \"gl\").length])",
	    document, "[3000,null,3001,\"x\"] [100,0]");
	free(document);
}

/* More patterns than are kept, each used by turns, and some while others are being matched. */
static void many_patterns(void **state)
{
	(void)state;
	expect("[range(300) as $i | range(2) | select(\"x\\($i)y\" | test(\"^x\\($i)y$\") | not)] | length", "null", "0");
	expect("gsub(\"(?<d>[0-9])\"; .d as $d | [range(100) | \"\\(.)\" | gsub(\"[\\($d)\\(.)]\"; \"\")] | \"<\\($d)>\")", "\"a1b2\"",
	    "\"a<1>b<2>\"");
}

/* A string that came in a frame may be no UTF-8: that is an error, and PCRE2 never sees it. */
static void not_utf8(void **state)
{
	static const char *const programs[] = {
		"test(\"a.*\")", "match(\"a\"; \"g\")", "gsub(\"a\"; \"b\")", ". as $p | \"a\" | test($p)",
	};
	struct said said = { .left = 0 };
	struct probe x;
	size_t i;

	(void)state;
	ks_buf_init(&said.out, (size_t)1 << 20);
	for (i = 0; i < COUNT(programs); i++) {
		probe_init(&x, programs[i]);
		assert_non_null(each(&x, ks_bytes("\xa4" "a\xf0\x9f\x92", 5), &said));
		assert_string_equal((char *)said.out.p, "error");
		probe_release(&x);
	}
	ks_buf_release(&said.out);
}

/* Who has enough of the values ends the generator. */
static void enough(void **state)
{
	struct said said = { .left = 2 };
	struct ks_bytes value = packed("\"aaaa\"");
	struct probe x;

	(void)state;
	ks_buf_init(&said.out, (size_t)1 << 20);
	probe_init(&x, "match(\"a\", \"a\"; \"g\").offset");
	assert_null(each(&x, value, &said));
	assert_string_equal((char *)said.out.p, "0 1");
	expect("first(match(\"a\"; \"g\").offset), first(scan(\"a\")), first(sub(\"a\"; \"b\", \"c\"))", "\"aa\"", "0 \"a\" \"ba\"");
	probe_release(&x);
	free((void *)(uintptr_t)value.p);
	ks_buf_release(&said.out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_jq), cmocka_unit_test(not_as_jq), cmocka_unit_test(bounded), cmocka_unit_test(long_subjects),
		cmocka_unit_test(many_patterns), cmocka_unit_test(not_utf8), cmocka_unit_test(enough),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
