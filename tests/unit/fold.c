/* SPDX-License-Identifier: MIT */
/* fold.c - lists of aggregates over the values of records. */
#include "lib/fold.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "fold-kit.h"

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
	check("n=count() where .p > 5, c=count(.s) where .p > 5, s=sum(.p) where .p, l=min(.p) where .s == \"c\"", values,
	    "{\"n\":2,\"c\":2,\"s\":19.5,\"l\":6}");
	/* What is not asked for may fail. */
	check("a=count(.s | ascii_downcase) where .s, b=last(.s | ascii_downcase) where .s, c=sum(.p)", values,
	    "{\"a\":3,\"b\":\"c\",\"c\":19.5}");
	check("d=delta(.p), n=distinct(.p), a=collect(.p), w=argmax(.s; .p), t=top(1; .p; .s), b=bottom(2; .p; .s)", values,
	    "{\"d\":1,\"n\":3,\"a\":[5,8.5,6],\"w\":\"a string longer than the one before\","
	    "\"t\":[{\"id\":\"a string longer than the one before\",\"by\":8.5}],"
	    "\"b\":[{\"id\":\"b\",\"by\":5},{\"id\":\"c\",\"by\":6}]}");
	check("m=median(.p), q=quantile(.p; 1 - 1)", values, "{\"m\":5.989510371172621,\"q\":5.0}");
	check("top(2; .p; .s) where .p < 7", values, "[{\"id\":\"c\",\"by\":6},{\"id\":\"b\",\"by\":5}]");
	check("n=count(), s=sum(.p), a=avg(.p)", none, "{\"n\":0,\"s\":0,\"a\":null}");
}

/* $acc is what has come of the values before; a result that borrows from it outlives it. */
static void rules(void **state)
{
	static const char *const values[] = { "{\"p\":5}", "{\"p\":7}", "null", "{\"p\":6}", NULL };
	static const char *const numbers[] = { "3", "null", "4", "-7", "2", NULL }, *const none[] = { NULL };

	(void)state;
	check("reduce(if .p > $acc.p then . else $acc end)", values, "{\"p\":7}");
	check("reduce({p: ($acc.p + .p), n: (($acc.n // 1) + 1)})", values, "{\"p\":18,\"n\":3}");
	check("reduce($acc + .)", numbers, "2");
	check("reduce($acc + .)", none, "null");
	/* Null is nothing: the next value is the aggregate. */
	check("reduce($acc + . | if . == 0 then null else . end)", numbers, "2");
	check("z=reduce($acc + . | if . == 7 then empty else . end), s=sum(.)", numbers, "{\"z\":-5,\"s\":2}");
	check("fold(\"0\"; $acc + \"+\" + tojson)", numbers, "\"0+3+null+4+-7+2\"");
	check("fold([]; $acc + [.])", numbers, "[3,null,4,-7,2]");
	check("fold([]; [.] + $acc[:2])", numbers, "[2,-7,4]");
	check("a=fold([[7]]; $acc + [$acc[0]]), b=fold({x: {y: []}}; {x: $acc.x})", numbers,
	    "{\"a\":[[7],[7],[7],[7],[7],[7]],\"b\":{\"x\":{\"y\":[]}}}");
	check("a=fold(\"\"; $acc + \"0123456789\"), b=fold({x:{x:{x:{x:{x:[7]}}}}}; $acc.x), c=fold([1,2,3,4,[5],6]; $acc[1:])", numbers,
	    "{\"a\":\"01234567890123456789012345678901234567890123456789\",\"b\":[7],\"c\":[6]}");
	check("n=count(), f=fold(1 + 1; $acc * .) where . != null, g=fold(5; $acc) where . == 8", numbers,
	    "{\"n\":5,\"f\":-336,\"g\":5}");
	check("f=fold(10; if . == 4 then null else ($acc + .) end) where . != null", numbers, "{\"f\":5}");
	check("fold(0; $acc + 1)", none, "0");
	check("f=fold(0; $acc + $ts) where false", numbers, "{\"f\":0}");
}

/* A state beside a list and a record, for what follows. */
struct kept {
	struct ks_fold f;
	struct ks_agg_block b;
	struct ks_buf in, out;
	struct ks_rec rec;
};

static void begin(struct kept *k, const char *list)
{
	k->f = new_fold(list);
	k->b = (struct ks_agg_block){ calloc(1, k->f.state_n), k->f.state_n, grow };
	assert_non_null(k->b.p);
	ks_buf_init(&k->in, 1 << 20);
	ks_buf_init(&k->out, 1 << 20);
}

static void end(struct kept *k)
{
	free(k->b.p);
	ks_buf_release(&k->in);
	ks_buf_release(&k->out);
	ks_fold_release(&k->f);
}

/* +VALUE or -VALUE; 0, or what refused it. */
static int step(struct kept *k, const char *text)
{
	const char *what;

	k->rec = record(&k->in, text + 1);
	what = ks_fold_load(&k->f, &k->rec);
	if (what != NULL)
		fail_msg("%s", what);
	return *text == '+' ? ks_fold_apply(&k->f, &k->b) : ks_fold_subtract(&k->f, &k->b);
}

static void shows(struct kept *k, const char *want)
{
	struct ks_buf text;
	int no;

	ks_buf_init(&text, 1 << 20);
	k->out.n = 0;
	assert_int_equal(ks_fold_show(&k->f, k->b.p, &k->out), 0);
	assert_int_equal(ks_json_print(ks_buf_bytes(&k->out), KS_DEPTH_MAX, &text, &no), KS_MP_OK);
	assert_int_equal(ks_buf_add(&text, "", 1), 0);
	assert_string_equal((char *)text.p, want);
	ks_buf_release(&text);
}

/* As KTable.groupBy: SUB of the old value, then ADD of the new one (semantics.md 3.2). */
static void subtracts(void **state)
{
	static const struct {
		const char *list, *steps[8], *want;
		bool gone;
	} table[] = {
		{ "n=count(), c=count(.), s=sum(.), a=avg(.)", { "+3", "+0.5", "-3", "+null", "-0.5", "+4" },
		    "{\"n\":2,\"c\":1,\"s\":4,\"a\":4}", false },
		{ "s=sum(.) where . > 2", { "+3", "+1", "-1", "+9", "-3" }, "{\"s\":9}", false },
		{ "avg(.)", { "+3", "-3" }, "null", true },
		{ "count()", { "+3", "-3" }, "0", false },
		{ "fold(\"0\"; $acc + \"+\" + tojson; $acc + \"-\" + tojson)", { "+1", "+2", "-1", "+3" },
		    "\"0+1+2-1+3\"", false },
		{ "reduce($acc + .; $acc - . | if . == 0 then null else . end)", { "+4", "+3", "-4" }, "3", false },
		{ "reduce($acc + .; $acc - . | if . == 0 then null else . end)", { "+4", "-4" }, "null", true },
		/* The row is deleted: nothing is taken out of nothing, and the next value is the first. */
		{ "reduce($acc + .; $acc - . | if . == 0 then null else . end)", { "+4", "-4", "-2", "+5" }, "5", false },
		{ "fold(1; $acc + .; $acc - . | if . == 1 then null else . end)", { "+4", "-4", "+5" }, "6", false },
	};
	struct kept k;
	size_t i, j;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		begin(&k, table[i].list);
		assert_null(ks_fold_cannot_subtract(&k.f));
		for (j = 0; table[i].steps[j] != NULL; j++)
			assert_int_equal(step(&k, table[i].steps[j]), 0);
		shows(&k, table[i].want);
		assert_int_equal(ks_fold_gone(&k.f, k.b.p), table[i].gone);
		end(&k);
	}
}

/* A state refuses a record before any aggregate of it is changed; what it could not take is told. */
static void refuses_by_state(void **state)
{
	struct kept k;

	(void)state;
	begin(&k, "n=count(), f=fold(0; $acc + .), s=count(.)");
	assert_true(k.f.judges);
	assert_int_equal(step(&k, "+5"), 0);
	assert_int_equal(step(&k, "+\"x\""), EDOM);
	assert_string_equal(ks_fold_why(&k.f), "f=fold(0; $acc + .): number (5) and string (\"x\") cannot be added");
	assert_int_equal(ks_fold_try(&k.f, k.b.p), EDOM);
	assert_int_equal(ks_fold_try(&k.f, NULL), EDOM);
	shows(&k, "{\"n\":1,\"f\":5,\"s\":1}");
	assert_int_equal(step(&k, "+6"), 0);
	assert_int_equal(ks_fold_try(&k.f, NULL), 0);
	shows(&k, "{\"n\":2,\"f\":11,\"s\":2}");
	end(&k);
	begin(&k, "n=count(), f=fold(0; $acc, .)");
	assert_int_equal(step(&k, "+5"), EDOM);
	assert_non_null(strstr(ks_fold_why(&k.f), "several values"));
	end(&k);
	begin(&k, "n=count()");
	assert_false(k.f.judges);
	end(&k);
}

/* $acc and collect are bounded by --max-record. */
static void bounded(void **state)
{
	static const struct ks_limits small = { .record = 2000, .key = 100, .depth = 20 };
	static const char *const lists[] = { "n=count(), f=fold(\"\"; $acc + \"0123456789\")",
		"n=count(), f=reduce($acc + \"0123456789\")", "n=count(), f=collect(.)" };
	struct kept k;
	size_t i, n;
	int no;

	(void)state;
	for (i = 0; i < 3; i++) {
		begin(&k, lists[i]);
		ks_fold_release(&k.f);
		assert_int_equal(ks_fold_init(&k.f, &small, 8, &err), 0);
		assert_int_equal(ks_fold_add(&k.f, lists[i], &err), 0);
		for (n = 0; (no = step(&k, "+\"123456789\"")) == 0; n++)
			assert_true(n < 500);
		assert_int_equal(no, EDOM);
		assert_non_null(strstr(ks_fold_why(&k.f), "--max-record"));
		assert_true(n > 150 && n <= 200);
		assert_int_equal(ks_fold_show(&k.f, k.b.p, &k.out), 0);
		assert_int_equal(k.out.p[3], n >= 128 ? 0xcc : n);
		end(&k);
	}
}

/* Sessions: into a new state, the earliest first, then the value that brought them together. */
static void merges_rules(void **state)
{
	static const struct {
		const char *list, *first[4], *second[4], *want;
	} table[] = {
		{ "fold(\"0\"; $acc + \"+\" + tojson; ; $acc + \"+\" + $other)", { "+1", "+2" }, { "+3" },
		    "\"0+0+1+2+0+3\"" },
		{ "fold([]; $acc + [.]; null; $acc + $other)", { "+1", "+null" }, { "+3" }, "[1,null,3]" },
		{ "fold([]; $acc + [.]; null; $acc + .)", { "+1", "+null" }, { "+3" }, "[1,null,3]" },
		{ "fold([]; $acc + [.]; null; [$acc, $other])", { "+1" }, { "+3" }, "[[[],[1]],[3]]" },
		{ "reduce(\"\\($acc):\\(.)\")", { "+1", "+2" }, { "+3", "+4" }, "\"1:2:3:4\"" },
		{ "reduce({v: ($acc.v + .v)})", { "+{\"v\":1}", "+{\"v\":2}" }, { "+{\"v\":5}" }, "{\"v\":8}" },
		{ "reduce([$acc, .])", { NULL }, { "+3" }, "3" },
		{ "reduce([$acc, .])", { "+3" }, { NULL }, "3" },
		{ "reduce($acc + . | if . == 0 then null else . end)", { "+3", "+-3" }, { "+4" }, "4" },
		{ "x=fold(0; $acc + 1; ; $acc + $other), n=count(), y=reduce(.)", { "+3", "+4" }, { "+5" },
		    "{\"x\":3,\"n\":3,\"y\":5}" },
		{ "fold(0; $acc + .; ; null)", { "+3" }, { "+5" }, "null" },
	};
	struct ks_agg_block into;
	struct kept k[2];
	size_t i, j, n;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		for (j = 0; j < 2; j++) {
			begin(&k[j], table[i].list);
			for (n = 0; (j == 0 ? table[i].first : table[i].second)[n] != NULL; n++)
				assert_int_equal(step(&k[j], (j == 0 ? table[i].first : table[i].second)[n]), 0);
		}
		assert_null(ks_fold_cannot_merge(&k[0].f));
		assert_false(ks_fold_by_parts(&k[0].f));
		into = (struct ks_agg_block){ calloc(1, k[0].f.state_n), k[0].f.state_n, grow };
		assert_int_equal(ks_fold_merge(&k[0].f, &into, k[0].b.p, k[0].b.n), 0);
		assert_int_equal(ks_fold_merge(&k[0].f, &into, k[1].b.p, k[1].b.n), 0);
		free(k[0].b.p);
		k[0].b = into;
		shows(&k[0], table[i].want);
		end(&k[0]);
		end(&k[1]);
	}
	/* A merge that fails is told like a record that does. */
	begin(&k[0], "f=reduce($acc + .)");
	begin(&k[1], "f=reduce($acc + .)");
	assert_int_equal(step(&k[0], "+1"), 0);
	assert_int_equal(step(&k[1], "+\"x\""), 0);
	assert_int_equal(ks_fold_merge(&k[0].f, &k[0].b, k[1].b.p, k[1].b.n), EDOM);
	assert_string_equal(ks_fold_why(&k[0].f), "f=reduce($acc + .): number (1) and string (\"x\") cannot be added");
	shows(&k[0], "{\"f\":1}");
	end(&k[0]);
	end(&k[1]);
}

static void what_cannot_be(void **state)
{
	static const struct {
		const char *list, *merge, *subtract;
		bool parts;
	} table[] = {
		{ "n=count(), s=sum(.), a=avg(.)", NULL, NULL, true },
		{ "l=min(.), n=count()", NULL, "l=min(.): a value cannot be taken out of it again", true },
		{ "n=count(), d=distinct(.)", NULL, "d=distinct(.): a value", true },
		{ "reduce($acc + .)", NULL, "reduce($acc + .): a second expression is wanted", false },
		{ "reduce($acc + $ts)", "reduce($acc + $ts): where two aggregates become one there is no record",
		    "a second", false },
		{ "fold(0; $acc + .)", "fold(0; $acc + .): a fourth expression", "fold(0; $acc + .): a third", false },
		{ "fold(0; $acc + .; ; $acc + $other)", NULL, "a third", false },
		{ "fold(0; $acc + $ts; $acc - $ts)", "a fourth", NULL, false },
	};
	struct ks_fold f;
	const char *text;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		f = new_fold(table[i].list);
		text = ks_fold_cannot_merge(&f);
		assert_int_equal(text == NULL, table[i].merge == NULL);
		assert_true(text == NULL || strstr(text, table[i].merge) != NULL);
		text = ks_fold_cannot_subtract(&f);
		assert_int_equal(text == NULL, table[i].subtract == NULL);
		assert_true(text == NULL || strstr(text, table[i].subtract) != NULL);
		assert_int_equal(ks_fold_by_parts(&f), table[i].parts);
		ks_fold_release(&f);
	}
}

static void warns(void **state)
{
	struct kept k;

	(void)state;
	begin(&k, "a=count(), total=sum(.)");
	assert_int_equal(step(&k, "+18446744073709551615"), 0);
	shows(&k, "{\"a\":1,\"total\":18446744073709551615}");
	assert_null(ks_fold_warning(&k.f));
	assert_int_equal(step(&k, "+1"), 0);
	shows(&k, "{\"a\":2,\"total\":1.8446744073709552e+19}");
	assert_string_equal(ks_fold_warning(&k.f), "1 result of integers did not fit 64 bits and became a float, as of 'total=sum(.)'");
	shows(&k, "{\"a\":2,\"total\":1.8446744073709552e+19}");
	assert_string_equal(ks_fold_warning(&k.f), "2 results of integers did not fit 64 bits and became floats, as of 'total=sum(.)'");
	end(&k);
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
		{ "a=min(.p)", "{}", false }, { "min(.p) where .q", "{\"p\":1}", true }, { "median(.p)", "{}", true },
		{ "reduce($acc + .)", "null", true }, { "reduce($acc + .)", "1", false }, { "collect(.p)", "{}", false },
		{ "fold(0; 1)", "null", false }, { "fold(null; 1) where false", "1", true },
		{ "argmin(.p; .q)", "{\"p\":1}", true },
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
		{ "fold($acc; 1)", "'fold($acc; 1)': column 1 of '$acc': unknown variable '$acc'; it is known in what reduce and fold "
		    "do with a value" },
		{ "sum($acc)", "'sum($acc)': column 1 of '$acc': unknown variable '$acc'; it is known in what reduce and fold "
		    "do with a value" },
		{ "fold(0; $other)", "'fold(0; $other)': column 1 of '$other': unknown variable '$other'; it is known in the "
		    "fourth expression of fold" },
		{ "fold(1 + \"a\"; 1)", "'fold(1 + \"a\"; 1)': number (1) and string (\"a\") cannot be added" },
		{ "fold(1, 2; 1)", "'fold(1, 2; 1)': the expression yields several values where one is wanted" },
		{ "quantile(.x; 2)", "'quantile(.x; 2)': which one is a number from 0 to 1, as in 'quantile(.ms; 0.99)'" },
		{ "top(0; .x; .y)", "'top(0; .x; .y)': how many is a number from 1 to 10000, as in 'top(10; .price; .symbol)'" },
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
		cmocka_unit_test(rules),
		cmocka_unit_test(subtracts),
		cmocka_unit_test(refuses_by_state),
		cmocka_unit_test(bounded),
		cmocka_unit_test(merges_rules),
		cmocka_unit_test(what_cannot_be),
		cmocka_unit_test(warns),
		cmocka_unit_test(merges),
		cmocka_unit_test(refuses_records),
		cmocka_unit_test(nothing_to_keep),
		cmocka_unit_test(refuses_lists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
