/* SPDX-License-Identifier: MIT */
/* fold.c - lists of aggregates over the values of records. */
#include "lib/fold.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct ks_limits limits = { .record = KS_RECORD_MAX, .key = KS_KEY_MAX, .depth = KS_DEPTH_MAX };
static struct ks_err err;

static struct ks_fold new_fold(const char *list)
{
	struct ks_fold f;

	assert_int_equal(ks_fold_init(&f, &limits, 8, &err), 0);
	if (ks_fold_add(&f, list, &err) != 0)
		fail_msg("%s", err.text);
	return f;
}

/* A record whose value is given as JSON; its bytes live in b. */
static struct ks_rec record(struct ks_buf *b, const char *json)
{
	struct ks_rec rec = { .flags = KS_TIME_CREATE, .key = ks_mp_nil, .headers = ks_no_headers };
	char text[400] = "";
	struct ks_json j;

	assert_true(strlen(json) + KS_PAD < sizeof(text));
	memcpy(text, json, strlen(json));
	ks_json_init(&j, KS_DEPTH_MAX);
	b->n = 0;
	assert_int_equal(ks_json_parse(&j, ks_bytes(text, strlen(json)), b), KS_JSON_OK);
	ks_json_release(&j);
	rec.value = ks_buf_bytes(b);
	return rec;
}

static int grow(struct ks_agg_block *b, size_t n)
{
	unsigned char *p = calloc(1, n);

	assert_non_null(p);
	memcpy(p, b->p, b->n);
	free(b->p);
	*b = (struct ks_agg_block){ p, n, grow };
	return 0;
}

/* What a list of aggregates makes of values, as JSON. */
static void check(const char *list, const char *const values[], const char *want)
{
	struct ks_fold f = new_fold(list);
	struct ks_agg_block state = { calloc(1, f.state_n), f.state_n, grow };
	struct ks_buf in, out, text;
	struct ks_rec rec;
	const char *what;
	size_t i;
	int no;

	assert_non_null(state.p);
	ks_buf_init(&in, 10000);
	ks_buf_init(&out, 10000);
	ks_buf_init(&text, 10000);
	for (i = 0; values[i] != NULL; i++) {
		rec = record(&in, values[i]);
		what = ks_fold_load(&f, &rec);
		if (what != NULL)
			fail_msg("%s: %s", list, what);
		assert_int_equal(ks_fold_apply(&f, &state), 0);
	}
	assert_int_equal(ks_fold_show(&f, state.p, &out), 0);
	assert_int_equal(ks_json_print(ks_buf_bytes(&out), KS_DEPTH_MAX, &text, &no), KS_MP_OK);
	assert_int_equal(ks_buf_add(&text, "", 1), 0);
	assert_string_equal((char *)text.p, want);
	ks_buf_release(&in);
	ks_buf_release(&out);
	ks_buf_release(&text);
	free(state.p);
	ks_fold_release(&f);
}

static void folds(void **state)
{
	static const char *const values[] = { "{\"p\":5,\"s\":\"b\"}", "{\"p\":null}", "null",
		"{\"p\":8.5,\"s\":\"a string longer than the one before\"}", "{\"p\":6,\"s\":\"c\"}", NULL };
	static const char *const none[] = { NULL };

	(void)state;
	check("n=count(), c=count(.p), s=sum(.p), a=avg(.p), l=min(.p), h=max(.p), f=first(.p), z=last(.p)",
	    values, "{\"n\":5,\"c\":3,\"s\":19.5,\"a\":6.5,\"l\":5,\"h\":8.5,\"f\":5,\"z\":6}");
	check("l=min(.s), h=max(.s), f=first(.s), z=last(.s)", values,
	    "{\"l\":\"a string longer than the one before\",\"h\":\"c\",\"f\":\"b\",\"z\":\"c\"}");
	check("first(.)", values, "{\"p\":5,\"s\":\"b\"}");
	check("count()", values, "5");
	check("max(.p)", none, "null");
	check("n=count(), s=sum(.p), a=avg(.p)", none, "{\"n\":0,\"s\":0,\"a\":null}");
}

/* Wherever a list of values is cut in two, the states of both halves merged show what one state of all does. */
static void merges(void **state)
{
	static const char *const values[] = { "{\"p\":5,\"s\":\"b\"}", "{\"p\":null}", "{\"p\":-7}",
		"{\"p\":8.5,\"s\":\"a string longer than the one before\"}", "{\"p\":9223372036854775807}",
		"{\"p\":0.1,\"s\":\"c\"}", "{\"p\":2,\"s\":\"b\"}", NULL };
	struct ks_fold f = new_fold("n=count(), c=count(.s), s=sum(.p), a=avg(.p), l=min(.s), h=max(.p), "
	    "f=first(.s), z=last(.s)");
	struct ks_agg_block whole, half[2];
	struct ks_buf in, out, want;
	struct ks_rec rec;
	size_t cut, i;

	(void)state;
	ks_buf_init(&in, 10000);
	ks_buf_init(&out, 10000);
	ks_buf_init(&want, 10000);
	assert_null(ks_fold_cannot_merge(&f));
	for (cut = 0; cut < sizeof(values) / sizeof(values[0]); cut++) {
		whole = (struct ks_agg_block){ calloc(1, f.state_n), f.state_n, grow };
		half[0] = (struct ks_agg_block){ calloc(1, f.state_n), f.state_n, grow };
		half[1] = (struct ks_agg_block){ calloc(1, f.state_n), f.state_n, grow };
		for (i = 0; values[i] != NULL; i++) {
			rec = record(&in, values[i]);
			assert_null(ks_fold_load(&f, &rec));
			assert_int_equal(ks_fold_apply(&f, &whole), 0);
			assert_int_equal(ks_fold_apply(&f, &half[i >= cut]), 0);
		}
		half[0].p[0] = 9;
		assert_int_equal(ks_fold_merge(&f, &half[0], half[1].p, half[1].n), 0);
		assert_int_equal(half[0].p[0], 9);
		out.n = want.n = 0;
		assert_int_equal(ks_fold_show(&f, half[0].p, &out), 0);
		assert_int_equal(ks_fold_show(&f, whole.p, &want), 0);
		assert_int_equal(out.n, want.n);
		assert_memory_equal(out.p, want.p, want.n);
		free(whole.p);
		free(half[0].p);
		free(half[1].p);
	}
	ks_buf_release(&in);
	ks_buf_release(&out);
	ks_buf_release(&want);
	ks_fold_release(&f);
}

/* A record that cannot be folded is refused before any state is touched, and the text says by what. */
static void refuses_records(void **state)
{
	struct ks_fold f = new_fold("n=count(), total = sum(.p)");
	struct ks_rec rec;
	struct ks_buf in;

	(void)state;
	ks_buf_init(&in, 10000);
	rec = record(&in, "{\"p\":\"12\"}");
	assert_string_equal(ks_fold_load(&f, &rec), "total = sum(.p): cannot add a string");
	rec = record(&in, "[1]");
	assert_non_null(strstr(ks_fold_load(&f, &rec), "total = sum(.p): "));
	rec = record(&in, "{}");
	assert_null(ks_fold_load(&f, &rec));
	ks_buf_release(&in);
	ks_fold_release(&f);
}

static void nothing_to_keep(void **state)
{
	static const struct {
		const char *list, *value;
		bool nothing;
	} table[] = {
		{ "min(.p)", "{}", true }, { "last(.)", "null", true }, { "avg(.p)", "{\"p\":1}", false },
		{ "count()", "null", false }, { "count(.p)", "{}", false }, { "sum(.p)", "{}", false },
		{ "a=min(.p)", "{}", false },
	};
	struct ks_fold f;
	struct ks_rec rec;
	struct ks_buf in;
	size_t i;

	(void)state;
	ks_buf_init(&in, 10000);
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		f = new_fold(table[i].list);
		rec = record(&in, table[i].value);
		assert_null(ks_fold_load(&f, &rec));
		if (ks_fold_nothing(&f) != table[i].nothing)
			fail_msg("%s of %s", table[i].list, table[i].value);
		ks_fold_release(&f);
	}
	ks_buf_release(&in);
}

static void refuses_lists(void **state)
{
	static const struct {
		const char *list, *text;
	} table[] = {
		{ "a=min(.x), a=max(.x)", "'a=min(.x)' and 'a=max(.x)' have the same name" },
		{ "min(.x), a=max(.x)", "each of several aggregates wants a name, as in 'n=count(), low=min(.price)'" },
		{ "a=max(.x), min(.x)", "each of several aggregates wants a name, as in 'n=count(), low=min(.price)'" },
		{ "a=max(.x),", "an aggregate is missing" },
		{ "a=mux(.x)", "'mux' is no aggregate: did you mean max?" },
	};
	struct ks_fold f;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		assert_int_equal(ks_fold_init(&f, &limits, 0, &err), 0);
		assert_int_equal(ks_fold_add(&f, table[i].list, &err), KS_USAGE);
		assert_string_equal(err.text, table[i].text);
		ks_fold_release(&f);
	}
	assert_int_equal(ks_fold_init(&f, &limits, 0, &err), 0);
	assert_int_equal(ks_fold_add(&f, "a=max(.x +)", &err), KS_USAGE);
	assert_non_null(strstr(err.text, "'a=max(.x +)': "));
	ks_fold_release(&f);
	ks_fold_release(&f);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(folds),
		cmocka_unit_test(merges),
		cmocka_unit_test(refuses_records),
		cmocka_unit_test(nothing_to_keep),
		cmocka_unit_test(refuses_lists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
