/* SPDX-License-Identifier: MIT */
/*
 * expr-array.c - functions of arrays and objects where jq is no judge: exact
 * integers, what is stable, and what they do before they are stopped.  What
 * jq can say of them stands in tests/expr.
 */
#include "tests/unit/expr-rows.h"

static void order(void **state)
{
	static const struct expr_row rows[] = {
		{ "sort", "[9007199254740993,9007199254740992,-1,18446744073709551615]", "[-1,9007199254740992,9007199254740993,18446744073709551615]" },
		{ "unique", "[9007199254740993,9007199254740992]", "[9007199254740992,9007199254740993]" },
		{ "unique", "[1,1.0,\"1\"]", "[1,\"1\"]" },
		{ "sort_by(.k)", "[{\"k\":1,\"n\":1},{\"k\":0,\"n\":2},{\"k\":1.0,\"n\":3},{\"k\":0,\"n\":4}]",
		  "[{\"k\":0,\"n\":2},{\"k\":0,\"n\":4},{\"k\":1,\"n\":1},{\"k\":1.0,\"n\":3}]" },
		{ "sort_by(.a, .b)", "[{\"a\":1,\"b\":2},{\"a\":0,\"b\":9},{\"a\":1,\"b\":1}]", "[{\"a\":0,\"b\":9},{\"a\":1,\"b\":1},{\"a\":1,\"b\":2}]" },
		{ "group_by(.k)", "[{\"k\":18446744073709551615},{\"k\":18446744073709551614},{\"k\":18446744073709551615}]",
		  "[[{\"k\":18446744073709551614}],[{\"k\":18446744073709551615},{\"k\":18446744073709551615}]]" },
		{ "[max_by(.k), min_by(.k)] | map(.n)", "[{\"k\":1,\"n\":1},{\"k\":1.0,\"n\":2}]", "[2,1]" },
		{ "max", "[9007199254740993,9007199254740992]", "9007199254740993" },
		{ "bsearch(9007199254740993)", "[9007199254740992,9007199254740993]", "1" },
		{ "[nan, 1, nan] | sort | length", "null", "3" },
		{ "[nan, nan, 1] | unique | length", "null", "3" },
	};

	(void)state;
	CHECK_ROWS(rows);
}

static void members(void **state)
{
	static const struct expr_row rows[] = {
		{ "contains([9007199254740993])", "[9007199254740992]", "false" },
		{ "contains({\"a\":{\"b\":[1]}})", "{\"a\":{\"b\":[[0],1],\"c\":2}}", "true" },
		{ "inside({\"a\":\"xyz\"})", "{\"a\":\"y\"}", "true" },
		/* Names that jq 1.5 to 1.7 took for key and value. */
		{ "from_entries", "[{\"k\":\"a\",\"v\":1},{\"K\":\"b\",\"V\":2},{\"key\":\"a\",\"value\":null}]", "{\"a\":null,\"b\":2}" },
		{ "with_entries(.value += 1)", "{\"a\":1,\"b\":18446744073709551614}", "{\"a\":2,\"b\":18446744073709551615}" },
		{ "to_entries", "[7]", "[{\"key\":0,\"value\":7}]" },
		{ "(.[] | numbers) |= -.", "[1,\"a\",2]", "[-1,\"a\",-2]" },
		{ "toarray", "[5]", "[5]" }, { "toarray", "{}", "[{}]" },
	};

	(void)state;
	CHECK_ROWS(rows);
}

/* The number of a column is that of the longest row: few bytes ask for much. */
static void limits_of_work(void **state)
{
	char *wide = many("[[0", ",0", 9999, "]"), *text = many(wide, ",[]", 9999, "]");
	struct probe x;

	(void)state;
	probe_init(&x, "transpose | length");
	assert_string_equal(by_msgpack(&x, text), "error: too much work for one record; see --expr-limit");
	probe_release(&x);
	free(wide);
	/* Each comparison is of all of it. */
	wide = many("[0", ",0", 19999, "]");
	probe_init(&x, ". as $all | sort_by($all) | length");
	assert_string_equal(by_msgpack(&x, wide), "error: too much work for one record; see --expr-limit");
	probe_release(&x);
	probe_init(&x, "contains(map(. + 1))");
	assert_string_equal(by_msgpack(&x, wide), "false");
	probe_release(&x);
	probe_init(&x, "contains(.[0:10000] | reverse | map(. - 1) + [0, 0])");
	assert_string_equal(by_msgpack(&x, wide), "false");
	probe_release(&x);
	free(wide);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(order), cmocka_unit_test(members), cmocka_unit_test(limits_of_work),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
