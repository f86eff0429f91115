/* SPDX-License-Identifier: MIT */
/* agg.c - aggregates over values of every type. */
#include "agg-kit.h"

#include <float.h>
#include <math.h>

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
		{ "delta nothing", "delta", 1, { NIL }, NIL },
		{ "delta of one", "delta", 2, { NIL, I(5) }, I(0) },
		{ "delta", "delta", 4, { I(5), D(1e300), NIL, I(3) }, I(-2) },
		{ "delta of floats", "delta", 2, { D(0.5), I(2) }, D(1.5) },
		{ "delta past int64", "delta", 2, { I(INT64_MIN), I(INT64_MAX) }, U(UINT64_MAX) },
		{ "delta past uint64 is a float", "delta", 2, { I(INT64_MIN), U(UINT64_MAX) }, D(0x1.8p64) },
		{ "collect nothing", "collect", 1, { NIL }, ARRAY("\x90") },
		{ "collect", "collect", 4, { I(1), NIL, S("a"), ARRAY("\x91\xc0") }, ARRAY("\x93\x01\xa1" "a\x91\xc0") },
		{ "distinct nothing", "distinct", 1, { NIL }, I(0) },
		{ "distinct numbers by value", "distinct", 4, { I(1), D(1.0), D(1.5), I(-1) }, I(3) },
		{ "distinct types", "distinct", 5, { I(1), S("1"), BIN("1"), { .type = KS_TRUE }, { .type = KS_FALSE } }, I(5) },
		{ "distinct objects, members in any order", "distinct", 3, { MAP("\x82\xa1" "a\x01\xa1" "b\x02"),
		    MAP("\x82\xa1" "b\x02\xa1" "a\xcb\x3f\xf0\0\0\0\0\0\0"), MAP("\x82\xa1" "a\x02\xa1" "b\x01") }, I(2) },
		{ "distinct arrays, in order", "distinct", 3, { ARRAY("\x92\x01\x02"), ARRAY("\x92\x02\x01"),
		    ARRAY("\x92\x01\xcc\x02") }, I(2) },
		{ "distinct zeros", "distinct", 2, { D(-0.0), I(0) }, I(1) },
		{ "median nothing", "median", 1, { NIL }, NIL },
		{ "median of one is that", "median", 1, { I(7) }, D(7) },
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
	/* argmin has two to keep. */
	b = new_block(32);
	assert_int_equal(add("argmin", &b, 0, (struct ks_val[]){ S("x"), S("m") }), 0);
	room_left = 1;
	assert_int_equal(add("argmin", &b, 0, (struct ks_val[]){ S("a long value"), S("a long key, which is less") }), ENOMEM);
	room_left = -1;
	assert_int_equal(add("argmin", &b, 0, (struct ks_val[]){ S("y"), S("n") }), 0);
	result("argmin", b.p, 0, &v);
	assert_true(same(&v, &(struct ks_val)S("x")));
	free(b.p);
}

/* argmin(.x; .y): the x of the smallest y, of equals the first; strings that grow do not harm the other. */
static void arguments_of_extremes(void **state)
{
	static const struct ks_val in[][2] = { { S("a"), I(5) }, { I(7), D(4.5) }, { S("a longer one than that"), S("z") },
		{ S("c"), D(4.5) }, { ARRAY("\x91\x01"), S("zz") }, { S("d"), I(-1) } };
	struct ks_agg_block low = new_block(32), high = new_block(32);
	struct ks_val v;
	size_t i;

	(void)state;
	result("argmin", low.p, 0, &v);
	assert_int_equal(v.type, KS_NIL);
	for (i = 0; i < COUNT(in); i++) {
		assert_int_equal(add("argmin", &low, 0, in[i]), 0);
		assert_int_equal(add("argmax", &high, 0, in[i]), 0);
		if (i != 3)
			continue;
		result("argmin", low.p, 0, &v);
		assert_true(same(&v, &in[1][0]));
	}
	result("argmin", low.p, 0, &v);
	assert_true(same(&v, &in[5][0]));
	result("argmax", high.p, 0, &v);
	assert_true(same(&v, &in[4][0]));
	free(low.p);
	free(high.p);
}

/* A value of few: quarters are added exactly, so that order is nothing. */
static struct ks_val some_value(uint64_t *seed, const struct ks_agg_row *row, char text[8])
{
	struct ks_val v = { .type = KS_INT, .i = (int64_t)kit_below(seed, 9) - 4 };
	size_t kind = kit_below(seed, 8);

	if (kind < 2) {
		v.type = KS_FLOAT;
		v.d = (double)kit_below(seed, 40) / 4 - 5;
	} else if (kind == 2) {
		v = (struct ks_val){ .type = KS_UINT, .u = UINT64_MAX - kit_below(seed, 3) };
	} else if (kind == 3) {
		v = (struct ks_val){ .type = KS_INT, .i = INT64_MIN + (int64_t)kit_below(seed, 3) };
	} else if (kind == 4) {
		v = (struct ks_val){ .type = KS_STR, .b = { (unsigned char *)text, kit_below(seed, 7) } };
		memset(text, 'a' + (int)kit_below(seed, 3), 7);
	}
	return row->check != NULL && row->check((struct ks_val[]){ v, v }) != NULL ?
	    (struct ks_val){ .type = KS_INT, .i = 3 } : v;
}

static void show(struct ks_agg *a, const struct ks_agg_block *b, struct ks_buf *out)
{
	struct ks_val v;

	out->n = 0;
	if (a->row->show != NULL) {
		assert_int_equal(a->row->show(a, b->p, 8, out), 0);
		return;
	}
	a->row->result(a, b->p, 8, &v);
	assert_int_equal(ks_mp_add_val(out, &v), 0);
}

static void equal(struct ks_agg *a, const struct ks_agg_block *x, const struct ks_agg_block *y)
{
	struct ks_buf bx, by;

	ks_buf_init(&bx, 1 << 20);
	ks_buf_init(&by, 1 << 20);
	show(a, x, &bx);
	show(a, y, &by);
	if (!ks_bytes_eq(ks_buf_bytes(&bx), ks_buf_bytes(&by)))
		fail_msg("%s: not the same", a->row->name);
	ks_buf_release(&bx);
	ks_buf_release(&by);
}

/* Of each aggregate: the states of two parts, merged, show what one state of all does; and the first 8 bytes are another's. */
static void merges(void **state)
{
	const struct ks_agg_row *row;
	struct ks_agg_block all, part[2];
	uint64_t seed = 1;
	struct ks_agg a;
	struct ks_val v[2];
	char text[2][8];
	size_t i, k, round, n;

	(void)state;
	for (i = 0; (row = ks_agg_nth(i)) != NULL; i++) {
		for (round = 0; row->parts && round < 200; round++) {
			a = (struct ks_agg){ .row = row, .max = 1 << 20 };
			if (strncmp(row->name, "quantile", 8) == 0)
				a.at = 0.9;
			else
				a.n = 3;
			all = new_block(8 + row->size);
			part[0] = new_block(8 + row->size);
			part[1] = new_block(8 + row->size);
			memset(part[0].p, 0xaa, 8);
			for (n = kit_below(&seed, 40), k = 0; k < n; k++) {
				v[0] = some_value(&seed, row, text[0]);
				v[1] = some_value(&seed, row, text[1]);
				assert_int_equal(row->add(&a, &all, 8, v), 0);
				assert_int_equal(row->add(&a, &part[k >= n / 2], 8, v), 0);
			}
			assert_int_equal(row->merge(&a, &part[0], 8, part[1].p), 0);
			equal(&a, &all, &part[0]);
			assert_int_equal(part[0].p[7], 0xaa);
			free(all.p);
			free(part[0].p);
			free(part[1].p);
		}
	}
}

/* What is taken out again leaves no trace: not of huge floats, and a sum without floats is an integer. */
static void subtracts(void **state)
{
	static const double huge[] = { 1e300, -3e200, 0.1, 1e16 };
	const struct ks_agg_row *row;
	struct ks_agg_block some, all;
	uint64_t seed = 2;
	struct ks_agg a;
	struct ks_val v;
	char text[8];
	size_t i, k, round;

	(void)state;
	for (i = 0; (row = ks_agg_nth(i)) != NULL; i++) {
		for (round = 0; row->subtract != NULL && row->merge != NULL && round < 200; round++) {
			a = (struct ks_agg){ .row = row };
			some = new_block(8 + row->size);
			all = new_block(8 + row->size);
			for (k = 0; k < 30; k++) {
				v = some_value(&seed, row, text);
				assert_int_equal(row->add(&a, &all, 8, &v), 0);
				if (k % 3 != 0) {
					assert_int_equal(row->add(&a, &some, 8, &v), 0);
					continue;
				}
				assert_int_equal(row->subtract(&a, &all, 8, &v), 0);
				v = (struct ks_val){ .type = KS_FLOAT, .d = huge[round % 4] };
				assert_int_equal(row->add(&a, &all, 8, &v), 0);
				assert_int_equal(row->subtract(&a, &all, 8, &v), 0);
			}
			equal(&a, &some, &all);
			free(some.p);
			free(all.p);
		}
	}
}

static void add_floats(struct ks_agg_block *b, const double *values, size_t n, bool subtract)
{
	struct ks_agg a = agg_of("sum");
	struct ks_val v = D(0);
	size_t i;

	for (i = 0; i < n; i++) {
		v.d = values[i];
		assert_int_equal((subtract ? a.row->subtract : a.row->add)(&a, b, 0, &v), 0);
	}
}

/* What rounding has left over is merged, too, and goes with the last float. */
static void compensates(void **state)
{
	static const double one[] = { 1e100, 1, 0.25 }, two[] = { -1e100, 0.5 }, wide[] = { 1e100, 1e50, 1 };
	struct ks_agg a = agg_of("sum");
	struct ks_agg_block b = new_block(a.row->size), c = new_block(a.row->size);
	struct ks_val v;

	(void)state;
	add_floats(&c, one, 3, false);
	add_floats(&b, two, 2, false);
	assert_int_equal(a.row->merge(&a, &b, 0, c.p), 0);
	a.row->result(&a, b.p, 0, &v);
	assert_true(same(&v, &(struct ks_val)D(1.75)));
	memset(b.p, 0, b.n);
	add_floats(&b, wide, 3, false);
	add_floats(&b, wide, 3, true);
	add_floats(&b, &two[1], 1, false);
	a.row->result(&a, b.p, 0, &v);
	assert_true(same(&v, &(struct ks_val)D(0.5)));
	free(b.p);
	free(c.p);
}

/* Lists that grow in turn. */
static void share_a_block_by_lists(void **state)
{
	size_t at[2] = { 8, 8 + size_of("collect") }, i, k;
	struct ks_agg_block b = new_block(8 + 2 * size_of("collect"));
	const unsigned char *p, *end;
	struct ks_val v;

	(void)state;
	for (i = 0; i < 500; i++)
		assert_int_equal(add("collect", &b, at[i % 3 == 0], &(struct ks_val)I((int64_t)i)), 0);
	for (k = 0; k < 2; k++) {
		result("collect", b.p, at[k], &v);
		p = v.b.p + 3;
		end = v.b.p + v.b.n;
		for (i = 0; i < 500; i++) {
			if ((i % 3 == 0) != (k == 1))
				continue;
			assert_int_equal(ks_mp_read(&p, end, 0, &v), KS_MP_OK);
			assert_int_equal(v.i, i);
		}
		assert_ptr_equal(p, end);
	}
	free(b.p);
}

/* Results of integers that become floats are counted. */
static void signals_overflow(void **state)
{
	static const struct ks_val most = U(UINT64_MAX), one = I(1);
	struct ks_agg a = agg_of("sum");
	struct ks_agg_block b = new_block(a.row->size);
	struct ks_val v;

	(void)state;
	assert_int_equal(a.row->add(&a, &b, 0, &most), 0);
	a.row->result(&a, b.p, 0, &v);
	assert_int_equal(a.past, 0);
	assert_int_equal(a.row->add(&a, &b, 0, &one), 0);
	a.row->result(&a, b.p, 0, &v);
	a.row->result(&a, b.p, 0, &v);
	assert_int_equal(a.past, 2);
	free(b.p);
}

/* The array keeps its shortest header from 15 to 16 and from 65535 to 65536 elements, and has a bound. */
static void collects(void **state)
{
	static const struct ks_val one = I(1);
	struct ks_agg a = { .row = ks_agg_find(ks_str("collect")), .max = 65600 };
	struct ks_agg_block b = new_block(a.row->size), twice = new_block(a.row->size);
	struct ks_val v;
	uint32_t n;

	(void)state;
	for (n = 1; a.row->fits(&a, b.p, 0, &one) == NULL; n++) {
		assert_int_equal(a.row->add(&a, &b, 0, &one), 0);
		a.row->result(&a, b.p, 0, &v);
		assert_int_equal(v.b.n, n + (n < 16 ? 1 : n < 65536 ? 3 : 5));
		assert_int_equal(v.b.p[0], n < 16 ? 0x90 + n : n < 65536 ? 0xdc : 0xdd);
		assert_int_equal(ks_mp_check(v.b, 1), KS_MP_OK);
	}
	assert_true(n > 65536);
	assert_true(b.n < 300000);
	assert_int_equal(a.row->merge(&a, &twice, 0, b.p), 0);
	assert_int_equal(a.row->merge(&a, &twice, 0, b.p), EDOM);
	free(b.p);
	free(twice.p);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(folds),
		cmocka_unit_test(counts_without_an_argument),
		cmocka_unit_test(arguments_of_extremes),
		cmocka_unit_test(merges),
		cmocka_unit_test(subtracts),
		cmocka_unit_test(compensates),
		cmocka_unit_test(share_a_block_by_lists),
		cmocka_unit_test(signals_overflow),
		cmocka_unit_test(collects),
		cmocka_unit_test(refuses_types),
		cmocka_unit_test(share_a_block),
		cmocka_unit_test(no_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
