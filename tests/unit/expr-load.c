/* SPDX-License-Identifier: MIT */
/*
 * expr-load.c - what expressions are loaded with: records with metadata,
 * text and msgpack that is nested, cut or wrong, and no memory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static long fail_at = -1;	/* the allocation that fails, counted down; below 0: none */

static void *failing(void *p, size_t n, size_t size)
{
	return fail_at-- == 0 ? NULL : reallocarray(p, n, size);
}

static void *failing_zeroed(size_t n, size_t size)
{
	return fail_at-- == 0 ? NULL : calloc(n, size);
}

/* What expressions allocate, they allocate in these. */
#define malloc(n) failing(NULL, (n), 1)
#define realloc(p, n) failing((p), (n), 1)
#define reallocarray(p, n, size) failing((p), (n), (size))
#define calloc(n, size) failing_zeroed((n), (size))
#include "lib/buf.c"
#include "lib/expr-set.c"
#undef malloc
#undef realloc
#undef reallocarray
#undef calloc

#include "tests/unit/expr-probe.h"

static void nesting(void **state)
{
	char *deep = many("", "[", 128, "1"), *text;
	struct probe x;
	const unsigned char *end, *at;
	struct ks_bytes value;
	struct ks_rec rec;
	unsigned char *copy;

	(void)state;
	text = many(deep, "]", 128, "");
	check_one(".[0][0] == 1", text, "false");
	check_one(". == .", text, "true");
	free(text);
	free(deep);
	deep = many("{\"b\":", "[", 128, "1");
	text = many(deep, "]", 128, "}");
	probe_init(&x, ".a");
	copy = padded(text, '\n');
	assert_int_equal(ks_expr_load_text(x.set, copy, &end, &at), KS_JSON_DEPTH);
	assert_ptr_equal(at, copy + 5 + 127);
	value = packed(text);
	rec = record(value);
	assert_string_equal(ks_expr_load(x.set, &rec), ks_mp_strerror(KS_MP_DEPTH));
	free((void *)(uintptr_t)value.p);
	free(copy);
	free(text);
	free(deep);
	probe_release(&x);
}

static void metadata(void **state)
{
	/* Headers: "a" text, "b" absent, "c" no UTF-8, "" empty. */
	static const char headers[] = "\x94\x92\xa1" "a\xc4\x03one\x92\xa1" "b\xc0\x92\xa1" "c\xc4\x01\xff\x92\xa0\xc4\x00";
	static const char *const table[][2] = {
		{ "$key.id", "7" }, { "$key | .id == 7", "true" }, { "$key.missing", "null" },
		{ "$key[0]", "error: Cannot index object with number" }, { "$key", "{\"id\":7,\"s\":\"x\"}" },
		{ "$ts", "1700000000123" }, { "$ts >= 1700000000000", "true" }, { "$topic", "\"orders\"" },
		{ "$topic == \"orders\" and $partition == 3", "true" }, { "$offset", "1042" },
		{ "$topic.a", "error: Cannot index string with \"a\"" }, { "$ts[0]?", "nothing" },
		{ "$headers[0]", "[\"a\",\"one\"]" }, { "$headers[0][1] == \"one\"", "true" },
		{ "$headers[1][1]", "null" }, { "$headers[2][1]", "\"/w==\"" }, { "$headers[-1][1]", "\"\"" },
		{ "$headers[2][1] > \"zzz\"", "true" }, { "$headers[9]", "null" },
		{ "$headers.a", "error: Cannot index array with \"a\"" }, { ".v == $key.id", "true" },
		{ ".v | $key.s", "\"x\"" }, { ".v.x | $key.s", "error: Cannot index number with \"x\"" },
		{ ".v.x? | $key.s", "nothing" }, { "$key.s == \"x\" and .v", "true" },
	};
	struct ks_bytes value = packed("{\"v\":7}"), key = packed("{\"id\":7,\"s\":\"x\"}");
	struct ks_rec rec = record(value), bare = record(ks_mp_nil);
	struct probe x;
	size_t i;

	(void)state;
	rec.key = key;
	rec.headers = ks_bytes(headers, sizeof(headers) - 1);
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		probe_init(&x, table[i][0]);
		assert_true(ks_expr_set_wants_record(x.set));
		assert_null(ks_expr_load(x.set, &rec));
		if (strcmp(answer(&x), table[i][1]) != 0)
			fail_msg("%s\nsays %s\nnot  %s", table[i][0], answer(&x), table[i][1]);
		probe_release(&x);
	}
	bare.partition = -1;
	bare.offset = -1;
	bare.flags = 0;
	bare.topic.p = NULL;
	probe_init(&x, "$ts == null and $topic == null and $partition == null and $offset == null and "
	    "$key == null and $headers[0] == null and . == null");
	assert_null(ks_expr_load(x.set, &bare));
	assert_string_equal(answer(&x), "true");
	/* Text alone has no metadata. */
	assert_string_equal(by_text(&x, "null"), "true");
	rec.headers = ks_bytes(headers, 7);
	assert_non_null(ks_expr_load(x.set, &rec));
	probe_release(&x);
	free((void *)(uintptr_t)value.p);
	free((void *)(uintptr_t)key.p);
}

/* Expressions of one set share the walk; each keeps its own answer. */
static void sets(void **state)
{
	static const char *const programs[] = { ".a", ".a.b", ".c[0]", ".a.b == .c[0]", ".", ".missing", ".c[-1].d" };
	static const char *const answers[] = {
		"{\"b\":1}", "1", "1", "true", "{\"a\":{\"b\":1},\"x\":[{}],\"c\":[1,{\"d\":2}]}", "null", "2",
	};
	struct ks_expr_set *set = ks_expr_set_new(&limits);
	struct ks_bytes value = packed(answers[4]);
	struct ks_rec rec = record(value);
	struct ks_expr *e[7];
	struct probe x = { .set = set };
	struct ks_err err;
	size_t i, round;

	(void)state;
	ks_buf_init(&x.out, 1 << 20);
	for (i = 0; i < 7; i++)
		assert_int_equal(ks_expr_add(set, programs[i], &e[i], &err), 0);
	assert_false(ks_expr_set_wants_record(set));
	assert_int_equal(ks_expr_add(set, ".a +", &x.e, &err), KS_USAGE);
	for (round = 0; round < 2; round++) {
		assert_null(ks_expr_load(set, &rec));
		for (i = 0; i < 7; i++) {
			x.e = e[i];
			assert_string_equal(answer(&x), answers[i]);
			assert_string_equal(answer(&x), answers[i]);
		}
	}
	/* A path that was added since the last load leads nowhere yet. */
	assert_int_equal(ks_expr_add(set, ".late | .r", &x.e, &err), 0);
	assert_string_equal(answer(&x), "null");
	free((void *)(uintptr_t)value.p);
	ks_buf_release(&x.out);
	ks_expr_set_free(set);
}

static void bad_text(void **state)
{
	static const struct {
		const char *text;
		enum ks_json_error e;
		size_t at;
	} table[] = {
		{ "", KS_JSON_CUT, 0 }, { "  ", KS_JSON_CUT, 2 }, { "{", KS_JSON_CUT, 1 }, { "{\"a\"", KS_JSON_CUT, 4 },
		{ "{\"a\":", KS_JSON_CUT, 5 }, { "{\"a\":1", KS_JSON_CUT, 6 }, { "{\"a\":1,", KS_JSON_CUT, 7 },
		{ "{\"a\":1,}", KS_JSON_SYNTAX, 7 }, { "{a:1}", KS_JSON_SYNTAX, 1 }, { "[1,]", KS_JSON_SYNTAX, 3 },
		{ "{\"a\":01}", KS_JSON_NUMBER, 5 }, { "{\"a\":1.}", KS_JSON_NUMBER, 7 }, { "{\"a\":-}", KS_JSON_NUMBER, 6 },
		{ "{\"a\":1e}", KS_JSON_NUMBER, 7 }, { "{\"a\":+1}", KS_JSON_SYNTAX, 5 }, { "{\"a\":.5}", KS_JSON_SYNTAX, 5 },
		{ "{\"b\":1e400}", KS_JSON_RANGE, 5 }, { "{\"a\":-1e+0400}", KS_JSON_RANGE, 5 },
		{ "{\"b\":tru}", KS_JSON_SYNTAX, 8 }, { "{\"b\":nul", KS_JSON_CUT, 8 }, { "{\"b\":NaN}", KS_JSON_SYNTAX, 5 },
		{ "{\"b\":\"x", KS_JSON_CUT, 7 }, { "{\"b\":\"\t\"}", KS_JSON_CONTROL, 6 }, { "{\"b\":\"\\x\"}", KS_JSON_ESCAPE, 7 },
		{ "{\"b\":\"\\u12g4\"}", KS_JSON_ESCAPE, 6 }, { "{\"b\":\"\\ud800\"}", KS_JSON_SURROGATE, 6 },
		{ "{\"b\":\"\\udc00\"}", KS_JSON_SURROGATE, 6 }, { "{\"b\":\"\\ud800\\u0041\"}", KS_JSON_SURROGATE, 6 },
		{ "{\"b\":\"\xc0\x80\"}", KS_JSON_UTF8, 6 }, { "{\"b\":\"\xed\xa0\x80\"}", KS_JSON_UTF8, 6 },
		{ "{\"b\":\"\xf4\x90\x80\x80\"}", KS_JSON_UTF8, 6 }, { "{\"b\":\"\xe2\x82\"}", KS_JSON_UTF8, 6 },
		{ "{\"b\":\"\xe2\x82", KS_JSON_UTF8, 6 }, { "{\"\xff\":1}", KS_JSON_UTF8, 2 }, { "{\"a\":[1 2]}", KS_JSON_SYNTAX, 8 },
		{ "\xef\xbb\xbf{}", KS_JSON_SYNTAX, 0 }, { "{\"a\":{\"b\":]}}", KS_JSON_SYNTAX, 10 }, { "[1\n,2]", KS_JSON_CUT, 2 },
		{ "{\"a\":{\"b\":1]}", KS_JSON_SYNTAX, 11 }, { "{\"a\":1;}", KS_JSON_SYNTAX, 6 }, { "}", KS_JSON_SYNTAX, 0 },
	};
	static const char *const ends[] = { "1 \t\r", "{\"a\":{}} ", "[[]] x", "null,", "\"x\"", "1}", "{}{}" };
	static const size_t at_end[] = { 4, 9, 5, 4, 3, 1, 2 };
	const unsigned char *end, *at;
	unsigned char *copy;
	struct probe x;
	size_t i;

	(void)state;
	probe_init(&x, ".a.b == .b");
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		copy = padded(table[i].text, i % 2 == 0 ? '\n' : '\0');
		at = NULL;
		if (ks_expr_load_text(x.set, copy, &end, &at) != table[i].e || at != copy + table[i].at)
			fail_msg("%s: error at %td", table[i].text, at == NULL ? -1 : at - copy);
		free(copy);
	}
	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		copy = padded(ends[i], '\n');
		if (at_end[i] == strlen(ends[i])) {
			assert_int_equal(ks_expr_load_text(x.set, copy, &end, &at), KS_JSON_OK);
			assert_int_equal(end - copy, at_end[i]);
		} else {
			assert_int_equal(ks_expr_load_text(x.set, copy, &end, &at), KS_JSON_TRAILING);
			assert_int_equal(at - copy, at_end[i]);
		}
		free(copy);
	}
	probe_release(&x);
	probe_init(&x, ".a == .b");
	assert_string_equal(by_text(&x, "{\"a\":1,\"a\":2,\"z\":0,\"z\":1,\"b\":{\"c\":1,\"c\":2}}"), "false");
	assert_int_equal(ks_expr_duplicates(x.set), 2);
	probe_release(&x);
}

/* Every cut of a value, and every byte of it changed: an answer or an error, nothing read behind. */
static void bad_msgpack(void **state)
{
	static const char document[] = "{\"x\":[1,-1,2.5,\"text\",null,true,{\"y\":[]}],\"long key of more than thirty-one bytes\":"
	    "300,\"a\":{\"b\":[1,{\"c\":70000}],\"z\":5000000000}}";
	struct ks_bytes whole = packed(document);
	unsigned char *copy = malloc(whole.n);
	struct ks_rec rec;
	struct probe x;
	size_t i;
	unsigned c;

	(void)state;
	assert_non_null(copy);
	probe_init(&x, ".a.b[-1].c == 70000 and .x == .x and .missing == null and .x[6].y[0] == null");
	for (i = 0; i < whole.n; i++) {
		unsigned char *cut = malloc(i + (i == 0));

		assert_non_null(cut);
		memcpy(cut, whole.p, i);
		rec = record(ks_bytes(cut, i));
		assert_non_null(ks_expr_load(x.set, &rec));
		free(cut);
	}
	for (i = 0; i < whole.n; i++) {
		memcpy(copy, whole.p, whole.n);
		for (c = 0; c < 256; c++) {
			copy[i] = (unsigned char)c;
			rec = record(ks_bytes(copy, whole.n));
			if (ks_expr_load(x.set, &rec) == NULL)
				assert_non_null(answer(&x));
		}
	}
	rec = record(whole);
	assert_null(ks_expr_load(x.set, &rec));
	assert_string_equal(answer(&x), "true");
	probe_release(&x);
	free(copy);
	free((void *)(uintptr_t)whole.p);
}

/* What a set says of a record: bytes, which are not printed, for not all are text; or the error. */
static void say(struct probe *x, const struct ks_rec *rec)
{
	const char *wrong = ks_expr_load(x->set, rec);
	struct ks_val v;

	x->out.n = 0;
	if (wrong == NULL)
		wrong = ks_expr_eval(x->e, &v);
	if (wrong == NULL)
		assert_int_equal(ks_mp_add_val(&x->out, &v), 0);
	else
		assert_int_equal(ks_buf_add(&x->out, wrong, strlen(wrong)), 0);
}

/* One that has seen others says what a new one says. */
static void same_as_new(struct probe *x, const char *program, struct ks_bytes value)
{
	struct ks_rec rec = record(value);
	struct probe y;

	probe_init(&y, program);
	say(x, &rec);
	say(&y, &rec);
	assert_int_equal(x->out.n, y.out.n);
	assert_memory_equal(x->out.p, y.out.p, y.out.n);
	probe_release(&y);
}

/* So often that a set knows what begins like it, whatever came before. */
static void see(struct probe *x, struct ks_bytes value)
{
	struct ks_rec rec = record(value);
	unsigned i;

	for (i = 0; i < 20; i++)
		assert_null(ks_expr_load(x->set, &rec));
}

/* Every cut of a value and every byte of it changed, after many that were whole. */
static void alike_but(const char *program, const char *text)
{
	struct ks_bytes whole = packed(text);
	unsigned char *copy = malloc(whole.n);
	struct probe x;
	size_t i;
	unsigned c;

	assert_non_null(copy);
	probe_init(&x, program);
	for (i = 0; i < whole.n; i++) {
		unsigned char *cut = malloc(i + (i == 0));

		assert_non_null(cut);
		memcpy(cut, whole.p, i);
		see(&x, whole);
		same_as_new(&x, program, ks_bytes(cut, i));
		free(cut);
	}
	for (i = 0; i < whole.n; i++) {
		memcpy(copy, whole.p, whole.n);
		for (c = 0; c < 256; c++) {
			see(&x, whole);
			copy[i] = (unsigned char)c;
			same_as_new(&x, program, ks_bytes(copy, whole.n));
		}
	}
	probe_release(&x);
	free(copy);
	free((void *)(uintptr_t)whole.p);
}

/* After a record that all others are like: those that are not quite. */
static void alike(void **state)
{
	static const char program[] = "[.a, .b1234567, .longer_than_8, . == 1]", first[] = "{\"ts\":1700000000000,\"a\":\"x\","
	    "\"b1234567\":\"text of more than thirty-one bytes\",\"longer_than_8\":300,\"d\":[1,2,3],\"tail\":1}";
	static const char *const others[] = {
		"{\"ts\":5,\"a\":null,\"b1234567\":-1,\"longer_than_8\":{\"a\":7},\"e\":1.5,\"tail\":\"of sixteen bytes\"}",
		"{\"ts\":[5],\"a\":1,\"b1234567\":2,\"longer_than_8\":3,\"tail\":\"of sixteen bytes\"}",
		"{\"ts\":5,\"a\":{\"a\":1},\"b1234567\":2,\"longer_than_8\":3,\"tail\":\"of sixteen bytes\"}",
		"{\"ts\":5,\"a\":1,\"b1234568\":2,\"longer_than_8\":3,\"tail\":\"of sixteen bytes\"}",
		"{\"ts\":5,\"a\":1,\"b1234567\":2,\"longer_than_9\":3,\"tail\":\"of sixteen bytes\"}",
		"{\"a\":1,\"b1234567\":2,\"longer_than_8\":3,\"ts\":\"of sixteen bytes\"}",
		"{\"ts\":5,\"a\":1,\"b1234567\":2,\"longer_than_8\":3}", "{\"ts\":5,\"a\":1}", "{}", "[1]", "1",
	};
	struct ks_bytes whole = packed(first), value;
	struct probe x;
	size_t i;

	(void)state;
	probe_init(&x, program);
	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		value = packed(others[i]);
		see(&x, whole);
		same_as_new(&x, program, value);
		same_as_new(&x, program, whole);
		see(&x, value);
		same_as_new(&x, program, whole);
		free((void *)(uintptr_t)value.p);
	}
	probe_release(&x);
	free((void *)(uintptr_t)whole.p);
	/* Taken for a text of no bytes, the array would end before its last element, which looks like the key. */
	probe_init(&x, ".a");
	whole = packed("{\"t\":1,\"a\":2,\"tail\":\"of sixteen bytes\"}");
	value = packed("{\"t\":[0,\"a\"],\"a\":3,\"tail\":\"of sixteen bytes\"}");
	see(&x, whole);
	same_as_new(&x, ".a", value);
	probe_release(&x);
	free((void *)(uintptr_t)value.p);
	free((void *)(uintptr_t)whole.p);
	alike_but(program, first);
	alike_but("[.a]", "{\"a\":1,\"t\":\"sixteen bytes...\"}");	/* fewer bytes than 15 members take */
	alike_but("[.a, .b]", "{\"ts\":1700000000000,\"n\":\"text of more than thirty-one bytes\",\"a\":\"x\",\"b\":7,\"tail\":\"of sixteen bytes\"}");
	alike_but("[.a]", "{\"a\":1,\"b\":2,\"c\":3,\"d\":4,\"e\":5,\"f\":6,\"g\":7,\"h\":8,\"i\":9,\"j\":1,\"k\":2,\"l\":3,\"m\":4,\"n\":5,\"o\":6}");
	alike_but("[.t, .a]", "{\"t\":[[1],{}],\"a\":\"of nearly thirty-one bytes\"}");
}

/* Long keys are not remembered, so that at their number in a map an older one is: which is no key of the record. */
static void alike_of_others(void **state)
{
#define LONG "a key of more than thirty-one bytes"
	static const char program[] = "[.a, .[\"" LONG " b\"]]";
	static const char twice[] = "\x84\xa1" "x\x01\xa1" "a\x02\xa1" "a\x03\xa1" "s\xb1" "seventeen bytes!!";
	static const char *const documents[] = {
		"{\"p\":1,\"q\":2,\"r\":3,\"s\":4,\"" LONG " b\":5}", "{\"x\":1,\"a\":2,\"" LONG " b\":5}",
		"{\"x\":1,\"" LONG "\":2,\"a\":3,\"" LONG " b\":4}",
	};
	struct ks_bytes value;
	struct probe x;
	unsigned i;

	(void)state;
	probe_init(&x, program);
	for (i = 0; i < 3; i++) {
		value = packed(documents[i]);
		same_as_new(&x, program, value);
		free((void *)(uintptr_t)value.p);
	}
	same_as_new(&x, program, ks_bytes(twice, sizeof(twice) - 1));
	probe_release(&x);
}

/* A path that comes after the first records is met in the next one. */
static void alike_later(void **state)
{
	struct ks_bytes value = packed("{\"x\":1,\"a\":2,\"b\":\"seventeen bytes!!\",\"c\":\"seventeen bytes!!\"}");
	struct ks_rec rec = record(value);
	struct ks_err err;
	struct probe x;

	(void)state;
	probe_init(&x, ".b | length");
	see(&x, value);
	assert_int_equal(ks_expr_add(x.set, ".a + .x", &x.e, &err), 0);
	assert_null(ks_expr_load(x.set, &rec));
	assert_string_equal(answer(&x), "3");
	probe_release(&x);
	free((void *)(uintptr_t)value.p);
}

/* With the n-th allocation failing: an error that says so, nothing lost, and the set still good for another. */
static bool runs_without(long n, const char *program, const unsigned char *text)
{
	const unsigned char *end, *at;
	struct ks_rec rec = record(ks_mp_nil);
	struct ks_expr_set *set;
	struct ks_expr *e = NULL;
	struct ks_err err;
	struct ks_val v;
	const char *wrong = NULL;
	enum ks_json_error x;
	int status;

	fail_at = n;
	set = ks_expr_set_new(&limits);
	if (set == NULL)
		return false;
	status = ks_expr_add(set, program, &e, &err);
	if (status != 0) {
		assert_int_equal(status, KS_TEMP);
		ks_expr_set_free(set);
		return false;
	}
	x = ks_expr_load_text(set, text, &end, &at);
	assert_true(x == KS_JSON_OK || x == KS_JSON_MEMORY);
	if (x == KS_JSON_OK)
		wrong = ks_expr_eval(e, &v);
	if (x == KS_JSON_OK && wrong == NULL) {
		assert_int_equal(v.type, KS_TRUE);
		rec.headers = ks_bytes("\x91\x92\xa1h\xc4\x01x", 7);
		wrong = ks_expr_load(set, &rec);
	}
	if (wrong != NULL)
		assert_non_null(strstr(wrong, "no memory"));
	ks_expr_set_free(set);
	return x == KS_JSON_OK && wrong == NULL;
}

static void out_of_memory(void **state)
{
	static const char text[] = "{\"\\u0061\":\"x\\ty\",\"b\":{\"c\":[1,2]},\"d\":{\"c\":[1.0,2]},\"e\":3}";
	static const char program[] = ".a == \"x\\ty\" and .b == .d and (.e == 1e300 | not) and "
	    "$headers != .z[3].a.b.c.d.e.f.g.h";
	unsigned char *copy = padded(text, '\n');
	long n = 0;

	(void)state;
	while (!runs_without(n, program, copy))
		n++;
	assert_true(n > 10);
	fail_at = -1;
	free(copy);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(nesting), cmocka_unit_test(metadata), cmocka_unit_test(sets),
		cmocka_unit_test(bad_text), cmocka_unit_test(bad_msgpack), cmocka_unit_test(alike),
		cmocka_unit_test(alike_of_others), cmocka_unit_test(alike_later),
		cmocka_unit_test(out_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
