/* SPDX-License-Identifier: MIT */
/* agg.c - aggregates over every type, and the clauses that name them. */
#include "lib/agg.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define NIL { .type = KS_NIL }
#define I(x) { .type = KS_INT, .i = (x) }
#define U(x) { .type = KS_UINT, .u = (x) }
#define D(x) { .type = KS_FLOAT, .d = (x) }
#define S(x) { .type = KS_STR, .b = { (const unsigned char *)(x), sizeof(x) - 1 } }
#define BIN(x) { .type = KS_BIN, .b = { (const unsigned char *)(x), sizeof(x) - 1 } }
#define ARRAY(x) { .type = KS_ARRAY, .b = { (const unsigned char *)(x), sizeof(x) - 1 } }
#define MAP(x) { .type = KS_MAP, .b = { (const unsigned char *)(x), sizeof(x) - 1 } }

static int room_left;		/* calls of grow that succeed; below 0: all */

static int grow(struct ks_agg_block *b, size_t n)
{
	unsigned char *p;

	if (room_left == 0)
		return ENOMEM;
	room_left--;
	assert_true(n > b->n);
	/* Always moved, so that a pointer kept over a call is found by ASan. */
	p = calloc(1, n);
	assert_non_null(p);
	memcpy(p, b->p, b->n);
	free(b->p);
	b->p = p;
	b->n = n;
	return 0;
}

static struct ks_agg_block new_block(size_t n)
{
	struct ks_agg_block b = { calloc(1, n), n, grow };

	assert_non_null(b.p);
	room_left = -1;
	return b;
}

static bool same(const struct ks_val *a, const struct ks_val *b)
{
	if (a->type != b->type)
		return false;
	if (a->type >= KS_STR)
		return ks_bytes_eq(a->b, b->b);
	if (a->type == KS_FLOAT)
		return memcmp(&a->d, &b->d, sizeof(a->d)) == 0;
	return a->type < KS_INT || a->i == b->i;
}

struct fold_case {
	const char *name;
	enum ks_agg_kind kind;
	unsigned n;
	struct ks_val in[6];
	struct ks_val out;
};

static void folds(void **state)
{
	static const struct fold_case table[] = {
		{ "count nothing", KS_AGG_COUNT, 0, { NIL }, I(0) },
		{ "count(x) skips null", KS_AGG_COUNT, 4, { I(1), NIL, S("a"), D(0.5) }, I(3) },
		{ "sum nothing", KS_AGG_SUM, 0, { NIL }, I(0) },
		{ "sum of null", KS_AGG_SUM, 2, { NIL, NIL }, I(0) },
		{ "sum", KS_AGG_SUM, 4, { I(1), I(-5), NIL, I(7) }, I(3) },
		{ "sum of floats", KS_AGG_SUM, 2, { D(0.5), D(0.25) }, D(0.75) },
		{ "a float stays a float", KS_AGG_SUM, 2, { I(1), D(2.0) }, D(3.0) },
		{ "fsum of Python", KS_AGG_SUM, 3, { D(0.1), D(0.2), D(0.3) }, D(0.6) },
		{ "Neumaier's case", KS_AGG_SUM, 4, { D(1.0), D(1e100), D(1.0), D(-1e100) }, D(2.0) },
		{ "past int64 is exact", KS_AGG_SUM, 2, { I(INT64_MAX), I(1) }, U((uint64_t)INT64_MAX + 1) },
		{ "and back", KS_AGG_SUM, 3, { I(INT64_MAX), I(5), I(-6) }, I(INT64_MAX - 1) },
		{ "uint64 is exact", KS_AGG_SUM, 2, { U(UINT64_MAX - 1), I(1) }, U(UINT64_MAX) },
		{ "past uint64 is a float", KS_AGG_SUM, 2, { U(UINT64_MAX), I(1) }, D(0x1p64) },
		{ "below int64 is a float", KS_AGG_SUM, 2, { I(INT64_MIN), I(-1) }, D(-0x1p63) },
		{ "far below and back", KS_AGG_SUM, 3, { I(INT64_MIN), I(INT64_MIN), U((uint64_t)1 << 63) },
		    I(INT64_MIN) },
		{ "floats overflow", KS_AGG_SUM, 2, { D(DBL_MAX), D(DBL_MAX) }, D(INFINITY) },
		{ "and stay there", KS_AGG_SUM, 3, { D(DBL_MAX), D(DBL_MAX), D(1) }, D(INFINITY) },
		{ "avg nothing", KS_AGG_AVG, 0, { NIL }, NIL },
		{ "avg of null", KS_AGG_AVG, 1, { NIL }, NIL },
		{ "avg of one", KS_AGG_AVG, 1, { I(35) }, I(35) },
		{ "avg exact", KS_AGG_AVG, 2, { I(96), I(38) }, I(67) },
		{ "avg not exact", KS_AGG_AVG, 2, { I(96), I(39) }, D(67.5) },
		{ "avg below zero", KS_AGG_AVG, 3, { I(-7), I(-7), I(-8) }, D(-22.0 / 3.0) },
		{ "avg skips null", KS_AGG_AVG, 3, { I(1), NIL, I(3) }, I(2) },
		{ "avg of floats is a float", KS_AGG_AVG, 2, { D(1.0), D(3.0) }, D(2.0) },
		{ "avg past int64", KS_AGG_AVG, 2, { I(INT64_MAX), I(INT64_MAX) }, I(INT64_MAX) },
		{ "avg past 2^53", KS_AGG_AVG, 2, { I(INT64_C(1) << 60), I((INT64_C(1) << 60) + 1) }, D(0x1p60) },
		{ "min nothing", KS_AGG_MIN, 0, { NIL }, NIL },
		{ "min", KS_AGG_MIN, 4, { I(3), NIL, I(-2), I(9) }, I(-2) },
		{ "max", KS_AGG_MAX, 4, { I(3), NIL, I(-2), I(9) }, I(9) },
		{ "of equals the first", KS_AGG_MIN, 2, { I(1), D(1.0) }, I(1) },
		{ "of equals the first, max", KS_AGG_MAX, 2, { D(1.0), I(1) }, D(1.0) },
		{ "2^53 + 1 is more than 2^53", KS_AGG_MAX, 2, { D(0x1p53), I((INT64_C(1) << 53) + 1) },
		    I((INT64_C(1) << 53) + 1) },
		{ "max of unsigned", KS_AGG_MAX, 3, { I(-1), U(UINT64_MAX), I(INT64_MAX) }, U(UINT64_MAX) },
		{ "min of strings", KS_AGG_MIN, 3, { S("pear"), S("apple"), S("fig") }, S("apple") },
		{ "max of strings", KS_AGG_MAX, 3, { S("pear"), S("peach"), S("pears") }, S("pears") },
		{ "the empty string", KS_AGG_MIN, 2, { S("a"), S("") }, S("") },
		{ "numbers before strings", KS_AGG_MIN, 2, { S("a"), I(5) }, I(5) },
		{ "strings behind numbers", KS_AGG_MAX, 2, { I(5), S("a") }, S("a") },
		{ "first nothing", KS_AGG_FIRST, 1, { NIL }, NIL },
		{ "first", KS_AGG_FIRST, 3, { NIL, I(4), I(5) }, I(4) },
		{ "last", KS_AGG_LAST, 3, { I(4), I(5), NIL }, I(5) },
		{ "last false", KS_AGG_LAST, 2, { I(4), { .type = KS_FALSE } }, { .type = KS_FALSE } },
		{ "first true", KS_AGG_FIRST, 2, { { .type = KS_TRUE }, I(1) }, { .type = KS_TRUE } },
		{ "last array", KS_AGG_LAST, 2, { S("x"), ARRAY("\x92\x01\x02") }, ARRAY("\x92\x01\x02") },
		{ "first object", KS_AGG_FIRST, 2, { MAP("\x81\xa1x\x01"), I(1) }, MAP("\x81\xa1x\x01") },
		{ "first bytes", KS_AGG_FIRST, 1, { BIN("\0\xff") }, BIN("\0\xff") },
		{ "string, number, string", KS_AGG_LAST, 3, { S("abc"), I(7), S("de") }, S("de") },
		{ "string, number", KS_AGG_LAST, 2, { S("a"), D(7.5) }, D(7.5) },
		{ "empty string, number", KS_AGG_LAST, 2, { S(""), I(-1) }, I(-1) },
		{ "string, true", KS_AGG_LAST, 2, { S("abc"), { .type = KS_TRUE } }, { .type = KS_TRUE } },
		{ "longer strings", KS_AGG_LAST, 3, { S("12345678"), S("123456789"), S("12345678901234567") },
		    S("12345678901234567") },
	};
	struct ks_agg_block b;
	struct ks_val v;
	size_t i;
	unsigned k;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		b = new_block(ks_agg_size(table[i].kind));
		for (k = 0; k < table[i].n; k++) {
			assert_null(ks_agg_check(table[i].kind, &table[i].in[k]));
			assert_int_equal(ks_agg_add(table[i].kind, &b, 0, &table[i].in[k]), 0);
		}
		ks_agg_result(table[i].kind, b.p, 0, &v);
		if (!same(&v, &table[i].out))
			fail_msg("%s: a %s", table[i].name, ks_val_typename(&v));
		free(b.p);
	}
}

static void counts_without_an_argument(void **state)
{
	struct ks_agg_block b = new_block(8);
	struct ks_val v;
	int i;

	(void)state;
	for (i = 0; i < 3; i++)
		assert_int_equal(ks_agg_add(KS_AGG_COUNT, &b, 0, NULL), 0);
	ks_agg_result(KS_AGG_COUNT, b.p, 0, &v);
	assert_int_equal(v.i, 3);
	free(b.p);
}

/* nan sorts below every number, as in jq; a sum has it for good. */
static void not_a_number(void **state)
{
	static const struct ks_val nan = D(NAN), one = I(1);
	struct ks_agg_block b = new_block(40);
	struct ks_val v;

	(void)state;
	assert_int_equal(ks_agg_add(KS_AGG_MIN, &b, 0, &one), 0);
	assert_int_equal(ks_agg_add(KS_AGG_MIN, &b, 0, &nan), 0);
	assert_int_equal(ks_agg_add(KS_AGG_MIN, &b, 0, &one), 0);
	ks_agg_result(KS_AGG_MIN, b.p, 0, &v);
	assert_true(v.type == KS_FLOAT && isnan(v.d));
	memset(b.p, 0, b.n);
	assert_int_equal(ks_agg_add(KS_AGG_SUM, &b, 0, &nan), 0);
	assert_int_equal(ks_agg_add(KS_AGG_SUM, &b, 0, &one), 0);
	ks_agg_result(KS_AGG_SUM, b.p, 0, &v);
	assert_true(v.type == KS_FLOAT && isnan(v.d));
	free(b.p);
}

static void refuses_types(void **state)
{
	static const struct {
		enum ks_agg_kind kind;
		struct ks_val v;
		const char *text;
	} table[] = {
		{ KS_AGG_SUM, S("1"), "cannot add a string" },
		{ KS_AGG_SUM, { .type = KS_TRUE }, "cannot add a boolean" },
		{ KS_AGG_AVG, ARRAY("\x90"), "cannot add an array" },
		{ KS_AGG_AVG, MAP("\x80"), "cannot add an object" },
		{ KS_AGG_SUM, BIN("x"), "cannot add bytes" },
		{ KS_AGG_MIN, { .type = KS_FALSE }, "cannot compare a boolean" },
		{ KS_AGG_MAX, ARRAY("\x90"), "cannot compare an array" },
		{ KS_AGG_MAX, MAP("\x80"), "cannot compare an object" },
		{ KS_AGG_MIN, BIN("x"), "cannot compare bytes" },
		{ KS_AGG_MIN, S("x"), NULL }, { KS_AGG_MAX, D(1), NULL }, { KS_AGG_SUM, NIL, NULL },
		{ KS_AGG_FIRST, MAP("\x80"), NULL }, { KS_AGG_LAST, BIN("x"), NULL },
		{ KS_AGG_COUNT, ARRAY("\x90"), NULL }, { KS_AGG_MIN, NIL, NULL },
	};
	const char *text;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		text = ks_agg_check(table[i].kind, &table[i].v);
		if (table[i].text == NULL)
			assert_null(text);
		else
			assert_string_equal(text, table[i].text);
	}
}

/* Several in one block do not touch each other, whatever grows; what is left behind stays bounded. */
static void share_a_block(void **state)
{
	size_t first = 8, last = first + ks_agg_size(KS_AGG_MAX), sum = last + ks_agg_size(KS_AGG_LAST);
	struct ks_agg_block b = new_block(sum + ks_agg_size(KS_AGG_SUM));
	char text[400];
	struct ks_val v, got;
	int i;

	(void)state;
	memset(b.p, 0xaa, 8);
	for (i = 0; i < 5000; i++) {
		v = (struct ks_val){ .type = KS_STR, .b = { (unsigned char *)text, (size_t)(i * 37 % 400) } };
		memset(text, 'a' + i % 26, sizeof(text));
		assert_int_equal(ks_agg_add(KS_AGG_MAX, &b, first, &v), 0);
		assert_int_equal(ks_agg_add(KS_AGG_LAST, &b, last, &v), 0);
		ks_agg_result(KS_AGG_LAST, b.p, last, &got);
		assert_true(same(&v, &got));
		v = (struct ks_val){ .type = KS_INT, .i = i };
		assert_int_equal(ks_agg_add(KS_AGG_SUM, &b, sum, &v), 0);
		if (i % 7 == 0)
			assert_int_equal(ks_agg_add(KS_AGG_LAST, &b, last, &v), 0);
	}
	ks_agg_result(KS_AGG_SUM, b.p, sum, &got);
	assert_int_equal(got.i, 4999 * 2500);
	ks_agg_result(KS_AGG_MAX, b.p, first, &got);
	assert_int_equal(got.b.p[0], 'z');
	assert_int_equal(got.b.n, 399);
	assert_int_equal(b.p[7], 0xaa);
	assert_true(b.n < 4000);
	free(b.p);
}

/* Without room for a longer value the one before is still there. */
static void no_room(void **state)
{
	static const struct ks_val shorter = S("short"), longer = S("much longer than that");
	struct ks_agg_block b = new_block(16);
	struct ks_val v;

	(void)state;
	assert_int_equal(ks_agg_add(KS_AGG_LAST, &b, 0, &shorter), 0);
	room_left = 0;
	assert_int_equal(ks_agg_add(KS_AGG_LAST, &b, 0, &longer), ENOMEM);
	ks_agg_result(KS_AGG_LAST, b.p, 0, &v);
	assert_true(same(&v, &shorter));
	free(b.p);
}

/* text of the list -> its clauses as "name|kind|argument;", or "!" and the error */
static void clauses(void **state)
{
	static const struct {
		const char *list, *parts;
	} table[] = {
		{ "count()", "-|0|;" },
		{ " count ( ) ", "-|0|;" },
		{ "count(.x)", "-|0|.x;" },
		{ "low=min(.price)", "low|3|.price;" },
		{ "low = min( .price ), high=max(.price),n=count()", "low|3|.price;high|4|.price;n|0|;" },
		{ "a=sum(.x),\n\tb=avg(.y)", "a|1|.x;b|2|.y;" },
		{ "f=first(.[\"a,b\"]), l=last(.)", "f|5|.[\"a,b\"];l|6|.;" },
		{ "f=first(.[\"a)\"])", "f|5|.[\"a)\"];" },
		{ "f=first(.[\"a\\\"),\"])", "f|5|.[\"a\\\"),\"];" },
		{ "f=first(\"x\\(.a, \")\")y\")", "f|5|\"x\\(.a, \")\")y\";" },
		{ "f=first({a: [1,2], b: (3)})", "f|5|{a: [1,2], b: (3)};" },
		{ "f=first(.a == 1)", "f|5|.a == 1;" },
		{ "sum((.a))", "-|1|(.a);" },
		{ "pr\xc3\xaas=min(.p)", "pr\xc3\xaas|3|.p;" },
		{ "low-1=min(.p)", "low-1|3|.p;" },
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
		{ "median(.x)",
		    "!'median' is no aggregate: there are count, sum, avg, min, max, first and last" },
		{ "x(.x)", "!'x' is no aggregate: there are count, sum, avg, min, max, first and last" },
	};
	struct ks_agg_clause c;
	struct ks_bytes text;
	struct ks_err err;
	char parts[700];
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
			n += (size_t)snprintf(parts + n, sizeof(parts) - n, "%.*s|%d|%.*s;",
			    c.name.p == NULL ? 1 : (int)c.name.n,
			    c.name.p == NULL ? "-" : (const char *)c.name.p, (int)c.kind,
			    (int)c.argument.n, (const char *)c.argument.p);
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
	assert_int_equal(c.argument.n, 400);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(folds),
		cmocka_unit_test(counts_without_an_argument),
		cmocka_unit_test(not_a_number),
		cmocka_unit_test(refuses_types),
		cmocka_unit_test(share_a_block),
		cmocka_unit_test(no_room),
		cmocka_unit_test(clauses),
		cmocka_unit_test(deep_clauses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
