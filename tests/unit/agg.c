/* SPDX-License-Identifier: MIT */
/* agg.c - aggregates over values of every type. */
#include "lib/agg-row.h"

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

static struct ks_agg agg_of(const char *kind)
{
	struct ks_agg a = { .row = ks_agg_find(ks_str(kind)), .max = 1 << 20 };

	assert_non_null(a.row);
	return a;
}

static size_t size_of(const char *kind)
{
	return agg_of(kind).row->size;
}

/* As the caller does it: null is passed over. */
static const char *check(const char *kind, const struct ks_val *v)
{
	struct ks_agg a = agg_of(kind);

	return v->type == KS_NIL || a.row->check == NULL ? NULL : a.row->check(v);
}

static int add(const char *kind, struct ks_agg_block *b, size_t at, const struct ks_val *v)
{
	struct ks_agg a = agg_of(kind);

	return v != NULL && v->type == KS_NIL ? 0 : a.row->add(&a, b, at, v);
}

static void result(const char *kind, const unsigned char *block, size_t at, struct ks_val *v)
{
	struct ks_agg a = agg_of(kind);

	a.row->result(&a, block, at, v);
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
	const char *kind;
	unsigned n;
	struct ks_val in[6];
	struct ks_val out;
};

static void folds(void **state)
{
	static const struct fold_case table[] = {
		{ "count nothing", "count", 0, { NIL }, I(0) },
		{ "count(x) skips null", "count", 4, { I(1), NIL, S("a"), D(0.5) }, I(3) },
		{ "sum nothing", "sum", 0, { NIL }, I(0) },
		{ "sum of null", "sum", 2, { NIL, NIL }, I(0) },
		{ "sum", "sum", 4, { I(1), I(-5), NIL, I(7) }, I(3) },
		{ "sum of floats", "sum", 2, { D(0.5), D(0.25) }, D(0.75) },
		{ "a float stays a float", "sum", 2, { I(1), D(2.0) }, D(3.0) },
		{ "fsum of Python", "sum", 3, { D(0.1), D(0.2), D(0.3) }, D(0.6) },
		{ "Neumaier's case", "sum", 4, { D(1.0), D(1e100), D(1.0), D(-1e100) }, D(2.0) },
		{ "past int64 is exact", "sum", 2, { I(INT64_MAX), I(1) }, U((uint64_t)INT64_MAX + 1) },
		{ "and back", "sum", 3, { I(INT64_MAX), I(5), I(-6) }, I(INT64_MAX - 1) },
		{ "uint64 is exact", "sum", 2, { U(UINT64_MAX - 1), I(1) }, U(UINT64_MAX) },
		{ "past uint64 is a float", "sum", 2, { U(UINT64_MAX), I(1) }, D(0x1p64) },
		{ "below int64 is a float", "sum", 2, { I(INT64_MIN), I(-1) }, D(-0x1p63) },
		{ "far below and back", "sum", 3, { I(INT64_MIN), I(INT64_MIN), U((uint64_t)1 << 63) },
		    I(INT64_MIN) },
		{ "floats overflow", "sum", 2, { D(DBL_MAX), D(DBL_MAX) }, D(INFINITY) },
		{ "and stay there", "sum", 3, { D(DBL_MAX), D(DBL_MAX), D(1) }, D(INFINITY) },
		{ "avg nothing", "avg", 0, { NIL }, NIL },
		{ "avg of null", "avg", 1, { NIL }, NIL },
		{ "avg of one", "avg", 1, { I(35) }, I(35) },
		{ "avg exact", "avg", 2, { I(96), I(38) }, I(67) },
		{ "avg not exact", "avg", 2, { I(96), I(39) }, D(67.5) },
		{ "avg below zero", "avg", 3, { I(-7), I(-7), I(-8) }, D(-22.0 / 3.0) },
		{ "avg skips null", "avg", 3, { I(1), NIL, I(3) }, I(2) },
		{ "avg of floats is a float", "avg", 2, { D(1.0), D(3.0) }, D(2.0) },
		{ "avg past int64", "avg", 2, { I(INT64_MAX), I(INT64_MAX) }, I(INT64_MAX) },
		{ "avg past 2^53", "avg", 2, { I(INT64_C(1) << 60), I((INT64_C(1) << 60) + 1) }, D(0x1p60) },
		{ "min nothing", "min", 0, { NIL }, NIL },
		{ "min", "min", 4, { I(3), NIL, I(-2), I(9) }, I(-2) },
		{ "max", "max", 4, { I(3), NIL, I(-2), I(9) }, I(9) },
		{ "of equals the first", "min", 2, { I(1), D(1.0) }, I(1) },
		{ "of equals the first, max", "max", 2, { D(1.0), I(1) }, D(1.0) },
		{ "2^53 + 1 is more than 2^53", "max", 2, { D(0x1p53), I((INT64_C(1) << 53) + 1) },
		    I((INT64_C(1) << 53) + 1) },
		{ "max of unsigned", "max", 3, { I(-1), U(UINT64_MAX), I(INT64_MAX) }, U(UINT64_MAX) },
		{ "min of strings", "min", 3, { S("pear"), S("apple"), S("fig") }, S("apple") },
		{ "max of strings", "max", 3, { S("pear"), S("peach"), S("pears") }, S("pears") },
		{ "the empty string", "min", 2, { S("a"), S("") }, S("") },
		{ "numbers before strings", "min", 2, { S("a"), I(5) }, I(5) },
		{ "strings behind numbers", "max", 2, { I(5), S("a") }, S("a") },
		{ "first nothing", "first", 1, { NIL }, NIL },
		{ "first", "first", 3, { NIL, I(4), I(5) }, I(4) },
		{ "last", "last", 3, { I(4), I(5), NIL }, I(5) },
		{ "last false", "last", 2, { I(4), { .type = KS_FALSE } }, { .type = KS_FALSE } },
		{ "first true", "first", 2, { { .type = KS_TRUE }, I(1) }, { .type = KS_TRUE } },
		{ "last array", "last", 2, { S("x"), ARRAY("\x92\x01\x02") }, ARRAY("\x92\x01\x02") },
		{ "first object", "first", 2, { MAP("\x81\xa1x\x01"), I(1) }, MAP("\x81\xa1x\x01") },
		{ "first bytes", "first", 1, { BIN("\0\xff") }, BIN("\0\xff") },
		{ "string, number, string", "last", 3, { S("abc"), I(7), S("de") }, S("de") },
		{ "string, number", "last", 2, { S("a"), D(7.5) }, D(7.5) },
		{ "empty string, number", "last", 2, { S(""), I(-1) }, I(-1) },
		{ "string, true", "last", 2, { S("abc"), { .type = KS_TRUE } }, { .type = KS_TRUE } },
		{ "longer strings", "last", 3, { S("12345678"), S("123456789"), S("12345678901234567") },
		    S("12345678901234567") },
	};
	struct ks_agg_block b;
	struct ks_val v;
	size_t i;
	unsigned k;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		b = new_block(size_of(table[i].kind));
		for (k = 0; k < table[i].n; k++) {
			assert_null(check(table[i].kind, &table[i].in[k]));
			assert_int_equal(add(table[i].kind, &b, 0, &table[i].in[k]), 0);
		}
		result(table[i].kind, b.p, 0, &v);
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
		assert_int_equal(add("count", &b, 0, NULL), 0);
	result("count", b.p, 0, &v);
	assert_int_equal(v.i, 3);
	free(b.p);
}

static void refuses_types(void **state)
{
	static const struct {
		const char *kind;
		struct ks_val v;
		const char *text;
	} table[] = {
		{ "sum", S("1"), "cannot add a string" },
		{ "sum", { .type = KS_TRUE }, "cannot add a boolean" },
		{ "avg", ARRAY("\x90"), "cannot add an array" },
		{ "avg", MAP("\x80"), "cannot add an object" },
		{ "sum", BIN("x"), "cannot add bytes" },
		{ "min", { .type = KS_FALSE }, "cannot compare a boolean" },
		{ "max", ARRAY("\x90"), "cannot compare an array" },
		{ "max", MAP("\x80"), "cannot compare an object" },
		{ "min", BIN("x"), "cannot compare bytes" },
		{ "argmin", NIL, NULL }, { "delta", S("1"), "cannot subtract a string" },
		{ "quantile", S("1"), "cannot rank a string" }, { "median", ARRAY("\x90"), "cannot rank an array" },
		{ "sum", D(NAN), "cannot add nan" }, { "avg", D(-INFINITY), "cannot add an infinite number" },
		{ "delta", D(NAN), "cannot subtract nan" }, { "median", D(INFINITY), "cannot rank an infinite number" },
		{ "min", D(NAN), "cannot compare nan" }, { "max", D(INFINITY), NULL }, { "top", D(NAN), "cannot compare nan" },
		{ "first", D(NAN), NULL }, { "collect", D(NAN), NULL }, { "distinct", MAP("\x80"), NULL },
		{ "min", S("x"), NULL }, { "max", D(1), NULL }, { "sum", NIL, NULL },
		{ "first", MAP("\x80"), NULL }, { "last", BIN("x"), NULL },
		{ "count", ARRAY("\x90"), NULL }, { "min", NIL, NULL },
	};
	const char *text;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		text = check(table[i].kind, &table[i].v);
		if (table[i].text == NULL)
			assert_null(text);
		else
			assert_string_equal(text, table[i].text);
	}
}

/* Several in one block do not touch each other, whatever grows; what is left behind stays bounded. */
static void share_a_block(void **state)
{
	size_t first = 8, last = first + size_of("max"), sum = last + size_of("last");
	struct ks_agg_block b = new_block(sum + size_of("sum"));
	char text[400];
	struct ks_val v, got;
	int i;

	(void)state;
	memset(b.p, 0xaa, 8);
	for (i = 0; i < 5000; i++) {
		v = (struct ks_val){ .type = KS_STR, .b = { (unsigned char *)text, (size_t)(i * 37 % 400) } };
		memset(text, 'a' + i % 26, sizeof(text));
		assert_int_equal(add("max", &b, first, &v), 0);
		assert_int_equal(add("last", &b, last, &v), 0);
		result("last", b.p, last, &got);
		assert_true(same(&v, &got));
		v = (struct ks_val){ .type = KS_INT, .i = i };
		assert_int_equal(add("sum", &b, sum, &v), 0);
		if (i % 7 == 0)
			assert_int_equal(add("last", &b, last, &v), 0);
	}
	result("sum", b.p, sum, &got);
	assert_int_equal(got.i, 4999 * 2500);
	result("max", b.p, first, &got);
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
	assert_int_equal(add("last", &b, 0, &shorter), 0);
	room_left = 0;
	assert_int_equal(add("last", &b, 0, &longer), ENOMEM);
	result("last", b.p, 0, &v);
	assert_true(same(&v, &shorter));
	free(b.p);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(folds),
		cmocka_unit_test(counts_without_an_argument),
		cmocka_unit_test(refuses_types),
		cmocka_unit_test(share_a_block),
		cmocka_unit_test(no_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
