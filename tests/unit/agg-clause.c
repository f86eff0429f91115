/* SPDX-License-Identifier: MIT */
/* agg-clause.c - lists of aggregates, taken apart. */
#include "lib/agg-row.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

/* text of the list -> its clauses as "name|aggregate|argument|where;", or "!" and the error */
static void clauses(void **state)
{
	static const struct {
		const char *list, *parts;
	} table[] = {
		{ "count()", "-|count|;" },
		{ " count ( ) ", "-|count|;" },
		{ "count(.x)", "-|count|.x;" },
		{ "low=min(.price)", "low|min|.price;" },
		{ "low = min( .price ), high=max(.price),n=count()", "low|min|.price;high|max|.price;n|count|;" },
		{ "a=sum(.x),\n\tb=avg(.y)", "a|sum|.x;b|avg|.y;" },
		{ "f=first(.[\"a,b\"]), l=last(.)", "f|first|.[\"a,b\"];l|last|.;" },
		{ "f=first(.[\"a)\"])", "f|first|.[\"a)\"];" },
		{ "f=first(.[\"a\\\"),\"])", "f|first|.[\"a\\\"),\"];" },
		{ "f=first(\"x\\(.a, \")\")y\")", "f|first|\"x\\(.a, \")\")y\";" },
		{ "f=first({a: [1,2], b: (3)})", "f|first|{a: [1,2], b: (3)};" },
		{ "f=first(.a == 1)", "f|first|.a == 1;" },
		{ "sum((.a))", "-|sum|(.a);" },
		{ "pr\xc3\xaas=min(.p)", "pr\xc3\xaas|min|.p;" },
		{ "low-1=min(.p)", "low-1|min|.p;" },
		{ "", "!an aggregate is missing" },
		{ "a=count(),", "!an aggregate is missing" },
		{ ",a=count()", "!an aggregate is missing before ',a=count()'" },
		{ "n=count(", "!'n=count(': a parenthesis or a quote is not closed" },
		{ "n=count())", "!'n=count())': a parenthesis or a quote is not closed" },
		{ "f=first(\"a)", "!'f=first(\"a)': a parenthesis or a quote is not closed" },
		{ "f=first([1)", "!'f=first([1)': a parenthesis or a quote is not closed" },
		{ "price", "!'price' is not NAME=AGGREGATE(EXPRESSION), as in 'low=min(.price)'" },
		{ "(.x)", "!'(.x)' is not NAME=AGGREGATE(EXPRESSION), as in 'low=min(.price)'" },
		{ "=min(.x)", "!'=min(.x)' is not NAME=AGGREGATE(EXPRESSION), as in 'low=min(.price)'" },
		{ "a==min(.x)", "!'a==min(.x)' is not NAME=AGGREGATE(EXPRESSION), as in 'low=min(.price)'" },
		{ "a b=min(.x)", "!'a b=min(.x)' is not NAME=AGGREGATE(EXPRESSION), as in 'low=min(.price)'" },
		{ "a\xff=min(.x)", "!'a\xff=min(.x)' is not NAME=AGGREGATE(EXPRESSION), as in 'low=min(.price)'" },
		{ "min(.x) + 1", "!'min(.x) + 1' is not NAME=AGGREGATE(EXPRESSION), as in 'low=min(.price)'" },
		{ "min(.x) + max(.y)",
		    "!'min(.x) + max(.y)' is not NAME=AGGREGATE(EXPRESSION), as in 'low=min(.price)'" },
		{ "sum()", "!'sum()': sum wants an expression, as in 'sum(.price)'" },
		{ "a=last( )", "!'a=last( )': last wants an expression, as in 'last(.price)'" },
		{ "mean(.x)", "!'mean' is no aggregate: did you mean avg?" },
		{ "Average(.x)", "!'Average' is no aggregate: did you mean avg?" },
		{ "SUM(.x)", "!'SUM' is no aggregate: did you mean sum?" },
		{ "minimum(.x)", "!'minimum' is no aggregate: did you mean min?" },
		{ "cuont()", "!'cuont' is no aggregate: did you mean count?" },
		{ "frist(.x)", "!'frist' is no aggregate: did you mean first?" },
		{ "a=lst(.x)", "!'lst' is no aggregate: did you mean last?" },
		{ "n=count() where .price > 5", "n|count||.price > 5;" },
		{ "n = count(.x)  where(.a, 1), s=sum(.x) where .y", "n|count|.x|(.a, 1);s|sum|.x|.y;" },
		{ "argmin(.x; .y)", "-|argmin|.x&.y;" },
		{ "q=quantile(.ms ;0.99)", "q|quantile|.ms&0.99;" },
		{ "fold([1; 2]; $acc; .b)", "-|fold|[1; 2]&$acc&.b;" },
		{ "fold(0; $acc; ; $other)", "-|fold|0&$acc&&$other;" },
		{ "reduce(if .a then \"x;\" else (.b; 1) end)", "-|reduce|if .a then \"x;\" else (.b; 1) end;" },
		{ "count() where", "!'count() where': where wants an expression, as in 'count() where .price > 5'" },
		{ "count() whereas", "!'count() whereas' is not NAME=AGGREGATE(EXPRESSION), as in 'low=min(.price)'" },
		{ "count() if .x", "!'count() if .x' is not NAME=AGGREGATE(EXPRESSION), as in 'low=min(.price)'" },
		{ "sum(.a; .b)", "!'sum(.a; .b)': sum takes 1 expression, as in 'sum(.price)'" },
		{ "quantile(.ms)", "!'quantile(.ms)': quantile wants two expressions, as in 'quantile(.ms; 0.99)'" },
		{ "quantile(.ms;)", "!'quantile(.ms;)': quantile wants two expressions, as in 'quantile(.ms; 0.99)'" },
		{ "top(3; ; .id)", "!'top(3; ; .id)': top wants three expressions, as in 'top(10; .price; .symbol)'" },
		{ "fold(0; $acc;)", "!'fold(0; $acc;)': fold wants two expressions, as in 'fold(0; $acc + .price)'" },
		{ "fold(1; 2; 3; 4; 5)", "!'fold(1; 2; 3; 4; 5)': fold takes 4 expressions at most, as in 'fold(0; $acc + .price)'" },
		{ "percentile(.x)", "!'percentile' is no aggregate: did you mean quantile?" },
		{ "array_agg(.x)", "!'array_agg' is no aggregate: did you mean collect?" },
		{ "COUNT_DISTINCT(.x)", "!'COUNT_DISTINCT' is no aggregate: did you mean distinct?" },
		{ "medain(.x)", "!'medain' is no aggregate: did you mean median?" },
		{ "stddev(.x)", "!'stddev' is no aggregate: keep n=count(.x), s=sum(.x), q=sum(.x * .x), and kstream-map makes it of these" },
		{ "mode(.x)", "!'mode' is no aggregate: with the value as the key, count() says how often each came" },
		{ "x(.x)", "!'x' is no aggregate: there are count sum avg delta min max first last argmin argmax collect "
		    "top bottom distinct quantile median reduce fold" },
	};
	struct ks_agg_clause c;
	struct ks_bytes text;
	struct ks_err err;
	char parts[700];
	uint32_t k;
	size_t i, n;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		n = 0;
		for (text = ks_str(table[i].list); text.p != NULL; ) {
			if (ks_agg_clause_next(&text, &c, &err) != 0) {
				assert_int_equal(err.status, KS_USAGE);
				snprintf(parts, sizeof(parts), "!%s", err.text);
				break;
			}
			n += (size_t)snprintf(parts + n, sizeof(parts) - n, "%.*s|%s|",
			    c.name.p == NULL ? 1 : (int)c.name.n,
			    c.name.p == NULL ? "-" : (const char *)c.name.p, c.row->name);
			for (k = 0; k < c.count; k++)
				n += (size_t)snprintf(parts + n, sizeof(parts) - n, "%s%.*s", k > 0 ? "&" : "",
				    (int)c.args[k].n, (const char *)c.args[k].p);
			n += (size_t)snprintf(parts + n, sizeof(parts) - n, "%s%.*s;", c.where.p != NULL ? "|" : "",
			    (int)c.where.n, (const char *)c.where.p);
		}
		assert_string_equal(parts, table[i].parts);
	}
}

/* Parentheses without end, quotes within quotes: refused, not followed without bound. */
static void deep_clauses(void **state)
{
	char text[2000] = "sum(";
	struct ks_agg_clause c;
	struct ks_bytes b;
	struct ks_err err;

	(void)state;
	memset(text + 4, '(', 900);
	memset(text + 904, ')', 901);
	b = ks_str(text);
	assert_int_equal(ks_agg_clause_next(&b, &c, &err), KS_USAGE);
	memset(text + 4, 0, sizeof(text) - 4);
	memset(text + 4, '(', 200);
	memset(text + 204, ')', 201);
	b = ks_str(text);
	assert_int_equal(ks_agg_clause_next(&b, &c, &err), 0);
	assert_int_equal(c.args[0].n, 400);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(clauses),
		cmocka_unit_test(deep_clauses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
