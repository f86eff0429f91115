/* SPDX-License-Identifier: MIT */
/*
 * expr-regex.c - functions of regular expressions.
 *
 * All matches of a text are found before the first is handed on, as in jq:
 * what runs then may use other patterns, and an error of the pattern comes
 * before any value.  Positions are characters.
 */
#include "expr-late.h"
#include "expr-pcre.h"
#include "expr-text.h"

static const struct ks_val nil = { .type = KS_NIL };

/* "a" or ["a"] or ["a", "flags"], as the only argument of test, match and capture. */
static enum ks_yield one_argument(struct ks_expr_set *set, const struct ks_val *v,
    struct ks_val *pattern, struct ks_val *flags)
{
	struct ks_vals list = { NULL, 0, 0 };
	enum ks_yield got;

	*pattern = *v;
	*flags = nil;
	if (v->type == KS_STR)
		return KS_YIELD;
	if (v->type == KS_ARRAY) {
		got = ks_vals_of(set, v, &list);
		if (got != KS_YIELD)
			return got;
		if (list.n > 0)
			*pattern = list.v[0];
		if (list.n > 1)
			*flags = list.v[1];
	}
	return list.n > 0 ? KS_YIELD : ks_expr_error(set, "%s not a string or array", ks_val_typename(v));
}

static enum ks_yield test2(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *args, struct ks_val *out)
{
	enum ks_yield got;
	bool yes;

	got = ks_regex_test(set, in, &args[0], &args[1], &yes);
	if (got == KS_YIELD)
		ks_val_bool(out, yes);
	return got;
}

static enum ks_yield test1(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *args, struct ks_val *out)
{
	struct ks_val both[2];
	enum ks_yield got = one_argument(set, args, &both[0], &both[1]);

	return got == KS_YIELD ? test2(set, in, both, out) : got;
}

/*
 * What the arguments of one call have come to: the pattern and the flags
 * in every combination, then work() for each.
 */
struct call {
	struct ks_emit emit;	/* takes the inner one */
	struct ks_expr_set *set;
	const struct ks_val *in;
	struct ks_emit *to;
	enum ks_yield (*work)(struct call *call);
	uint32_t inner, body;	/* programs; body: the replacement of sub */
	struct ks_val pattern, flags;
	bool pattern_inside;	/* the pattern varies faster than the flags */
	bool global;
	struct ks_found found;
};

struct outer {
	struct ks_emit emit;
	struct call *call;
};

static enum ks_yield take_inner(struct ks_emit *to, const struct ks_val *v,
    const struct ks_path *path)
{
	struct call *call = (struct call *)(void *)to;

	(void)path;
	if (call->pattern_inside)
		call->pattern = *v;
	else
		call->flags = *v;
	return call->work(call);
}

static enum ks_yield take_outer(struct ks_emit *to, const struct ks_val *v,
    const struct ks_path *path)
{
	struct call *call = ((struct outer *)(void *)to)->call;

	(void)path;
	if (call->pattern_inside)
		call->flags = *v;
	else
		call->pattern = *v;
	return ks_expr_run(call->set, call->inner, call->in, NULL, &call->emit);
}

/* match(re; flags) is a function of two values to jq, whose first varies fastest. */
static enum ks_yield by_value(struct call *call, const uint32_t *args)
{
	struct outer outer = { { take_outer }, call };

	call->emit.fn = take_inner;
	call->inner = args[0];
	call->pattern_inside = true;
	return ks_expr_run(call->set, args[1], call->in, NULL, &outer.emit);
}

/* scan($re; $flags) binds its first first, so that its last varies fastest. */
static enum ks_yield by_name(struct call *call, uint32_t pattern, uint32_t flags)
{
	struct outer outer = { { take_outer }, call };

	call->emit.fn = take_inner;
	call->inner = flags;
	call->pattern_inside = false;
	return ks_expr_run(call->set, pattern, call->in, NULL, &outer.emit);
}

static enum ks_yield take_only(struct ks_emit *to, const struct ks_val *v,
    const struct ks_path *path)
{
	struct call *call = (struct call *)(void *)to;

	(void)path;
	call->pattern = *v;
	return call->work(call);
}

static enum ks_yield take_packed(struct ks_emit *to, const struct ks_val *v,
    const struct ks_path *path)
{
	struct call *call = (struct call *)(void *)to;
	enum ks_yield got = one_argument(call->set, v, &call->pattern, &call->flags);

	(void)path;
	return got == KS_YIELD ? call->work(call) : got;
}

static enum ks_yield with_pattern(struct call *call, uint32_t pattern, bool packed)
{
	call->emit.fn = packed ? take_packed : take_only;
	return ks_expr_run(call->set, pattern, call->in, NULL, &call->emit);
}

static enum ks_yield find(struct call *call)
{
	return ks_regex_find(call->set, call->in, &call->pattern, &call->flags, call->global, &call->found);
}

/* Of flags that are put behind or before "g": jq adds them. */
static enum ks_yield addable(struct call *call, bool before)
{
	static const struct ks_val g = { .type = KS_STR, .b = { (const unsigned char *)"g", 1 } };

	if (call->flags.type == KS_NIL || call->flags.type == KS_STR)
		return KS_YIELD;
	return ks_expr_unfit_pair(call->set, before ? &g : &call->flags, before ? &call->flags : &g,
	    "cannot be added");
}

/* Group i of match m as a value: null where it took no part. */
static struct ks_val group_of(const struct call *call, uint32_t m, uint32_t i)
{
	const size_t *at = call->found.at + 2 * ((size_t)m * call->found.groups + i);

	if (at[0] == KS_REGEX_UNSET)
		return nil;
	return (struct ks_val){ .type = KS_STR, .b = ks_bytes(call->in->b.p + at[0], at[1] - at[0]) };
}

static struct ks_val word(const char *text)
{
	return (struct ks_val){ .type = KS_STR, .b = ks_str(text) };
}

static struct ks_val number(int64_t i)
{
	return (struct ks_val){ .type = KS_INT, .i = i };
}

/* Characters in front of a byte, counted on from the byte that was asked for before. */
struct ruler {
	struct ks_bytes text;
	size_t at, chars;
};

static int64_t chars_before(struct ruler *ruler, size_t at)
{
	if (at < ruler->at)
		ruler->at = ruler->chars = 0;
	ruler->chars += ks_str_chars(ks_bytes(ruler->text.p + ruler->at, at - ruler->at));
	ruler->at = at;
	return (int64_t)ruler->chars;
}

/* What a match and its groups share; jq turns the last two around where a group is empty. */
static void span(const struct call *call, uint32_t m, uint32_t i, struct ruler *ruler,
    struct ks_val *pair)
{
	const size_t *at = call->found.at + 2 * ((size_t)m * call->found.groups + i);
	bool unset = at[0] == KS_REGEX_UNSET;
	int64_t from = unset ? -1 : chars_before(ruler, at[0]);
	unsigned turned = i > 0 && at[0] == at[1] ? 2 : 0;

	pair[0] = word("offset");
	pair[1] = number(from);
	pair[2 + turned] = word("length");
	pair[3 + turned] = number(unset ? 0 : chars_before(ruler, at[1]) - from);
	pair[4 - turned] = word("string");
	pair[5 - turned] = group_of(call, m, i);
}

/* A match as jq has it; ruler stands at or before it. */
static enum ks_yield match_object(struct call *call, uint32_t m, struct ruler *ruler,
    struct ks_val *out)
{
	struct ks_vals captures = { NULL, 0, 0 };
	struct ks_val pair[8], capture;
	struct ruler inside = *ruler;
	enum ks_yield got;
	uint32_t i;

	for (i = 1; i < call->found.groups; i++) {
		/* Where the ruler stood serves a group in front of it badly, but there is hardly one. */
		span(call, m, i, &inside, pair);
		pair[6] = word("name");
		pair[7] = nil;
		if (call->found.names != NULL && call->found.names[i].p != NULL)
			pair[7] = (struct ks_val){ .type = KS_STR, .b = call->found.names[i] };
		got = ks_expr_object(call->set, pair, 8, &capture);
		if (got == KS_YIELD)
			got = ks_vals_add(call->set, &captures, &capture);
		if (got != KS_YIELD)
			return got;
	}
	span(call, m, 0, ruler, pair);
	pair[6] = word("captures");
	got = ks_expr_array(call->set, captures.v, captures.n, &pair[7]);
	return got == KS_YIELD ? ks_expr_object(call->set, pair, 8, out) : got;
}

static enum ks_yield matches(struct call *call)
{
	struct ruler ruler = { call->in->b, 0, 0 };
	enum ks_yield got = find(call);
	struct ks_val v;
	uint32_t m;

	for (m = 0; m < call->found.n && got == KS_YIELD; m++) {
		got = match_object(call, m, &ruler, &v);
		if (got == KS_YIELD)
			got = call->to->fn(call->to, &v, NULL);
	}
	return got;
}

/* The named groups of a match: of equal names the last one counts. */
static enum ks_yield captured(struct call *call, uint32_t m, struct ks_val *out)
{
	const struct ks_bytes *names = call->found.names;
	struct ks_vals list = { NULL, 0, 0 };
	enum ks_yield got = KS_YIELD;
	struct ks_val v;
	uint32_t i;

	for (i = 1; names != NULL && i < call->found.groups && got == KS_YIELD; i++) {
		if (names[i].p == NULL)
			continue;
		v = (struct ks_val){ .type = KS_STR, .b = names[i] };
		got = ks_vals_add(call->set, &list, &v);
		v = group_of(call, m, i);
		if (got == KS_YIELD)
			got = ks_vals_add(call->set, &list, &v);
	}
	return got == KS_YIELD ? ks_expr_object(call->set, list.v, list.n, out) : got;
}

static enum ks_yield captures_of(struct call *call)
{
	enum ks_yield got = find(call);
	struct ks_val v;
	uint32_t m;

	for (m = 0; m < call->found.n && got == KS_YIELD; m++) {
		got = captured(call, m, &v);
		if (got == KS_YIELD)
			got = call->to->fn(call->to, &v, NULL);
	}
	return got;
}

/* The text of each match, or where there are groups an array of theirs. */
static enum ks_yield scanned(struct call *call)
{
	struct ks_vals list;
	struct ks_val v;
	enum ks_yield got = addable(call, true);
	uint32_t m, i;

	if (got == KS_YIELD)
		got = find(call);
	for (m = 0; m < call->found.n && got == KS_YIELD; m++) {
		list = (struct ks_vals){ NULL, 0, 0 };
		v = group_of(call, m, 0);
		for (i = 1; i < call->found.groups && got == KS_YIELD; i++) {
			v = group_of(call, m, i);
			got = ks_vals_add(call->set, &list, &v);
		}
		if (got == KS_YIELD && call->found.groups > 1)
			got = ks_expr_array(call->set, list.v, list.n, &v);
		if (got == KS_YIELD)
			got = call->to->fn(call->to, &v, NULL);
	}
	return got;
}

/* What stands between the matches. */
static enum ks_yield split_by(struct call *call)
{
	const struct ks_bytes text = call->in->b;
	struct ks_vals list = { NULL, 0, 0 };
	enum ks_yield got = addable(call, false);
	size_t from = 0;
	const size_t *at;
	struct ks_val v;
	uint32_t m;

	if (got == KS_YIELD)
		got = find(call);
	for (m = 0; m <= call->found.n && got == KS_YIELD; m++) {
		at = m == call->found.n ? NULL : call->found.at + 2 * (size_t)m * call->found.groups;
		v = (struct ks_val){ .type = KS_STR,
			.b = ks_bytes(text.p + from, (at == NULL ? text.n : at[0]) - from) };
		from = at == NULL ? text.n : at[1];
		got = ks_vals_add(call->set, &list, &v);
	}
	if (got == KS_YIELD)
		got = ks_expr_array(call->set, list.v, list.n, &v);
	return got == KS_YIELD ? call->to->fn(call->to, &v, NULL) : got;
}

/*
 * sub: the replacement runs over the named groups of each match.  Where it
 * yields several values there are several results, the n-th with the n-th
 * values; a result that gets no value from a match does not get the text in
 * front of that match either, as in jq.
 */
struct replacing {
	struct ks_emit emit;
	struct call *call;
	struct ks_bytes gap;	/* between the match and the one before it */
	struct ks_text *results;
	uint32_t n, cap;
	uint32_t yielded;	/* by the replacement, for this match */
};

static enum ks_yield more_results(struct replacing *x)
{
	uint32_t cap = x->cap == 0 ? 4 : 2 * x->cap;
	struct ks_text *more = ks_expr_scratch(x->call->set, cap * sizeof(*more));

	if (more == NULL)
		return ks_expr_no_scratch(x->call->set);
	memset(more, 0, cap * sizeof(*more));
	if (x->n > 0)
		memcpy(more, x->results, x->n * sizeof(*more));
	x->results = more;
	x->cap = cap;
	return KS_YIELD;
}

static enum ks_yield take_replacement(struct ks_emit *to, const struct ks_val *v,
    const struct ks_path *path)
{
	struct replacing *x = (struct replacing *)(void *)to;
	struct ks_val gap = { .type = KS_STR, .b = x->gap };
	struct ks_expr_set *set = x->call->set;
	enum ks_yield got = KS_YIELD;
	struct ks_text *t;

	(void)path;
	if (v->type != KS_STR && v->type != KS_NIL)
		return ks_expr_unfit_pair(set, &gap, v, "cannot be added");
	if (x->yielded == x->cap)
		got = more_results(x);
	if (got != KS_YIELD)
		return got;
	t = &x->results[x->yielded++];
	if (x->yielded > x->n)
		x->n = x->yielded;
	got = ks_text_add(set, t, x->gap);
	if (got == KS_YIELD && v->type == KS_STR)
		got = ks_text_add(set, t, v->b);
	return got == KS_YIELD ? ks_expr_walked(set, x->gap.n) : got;
}

static enum ks_yield replaced(struct call *call)
{
	struct replacing x = { .emit = { take_replacement }, .call = call };
	const struct ks_bytes text = call->in->b;
	enum ks_yield got = call->global ? addable(call, false) : KS_YIELD;
	struct ks_val v = *call->in;
	size_t from = 0;
	const size_t *at;
	uint32_t m;

	if (got == KS_YIELD)
		got = find(call);
	for (m = 0; m < call->found.n && got == KS_YIELD; m++) {
		at = call->found.at + 2 * (size_t)m * call->found.groups;
		x.gap = ks_bytes(text.p + from, at[0] - from);
		x.yielded = 0;
		from = at[1];
		got = captured(call, m, &v);
		if (got == KS_YIELD)
			got = ks_expr_run(call->set, call->body, &v, NULL, &x.emit);
	}
	if (got != KS_YIELD)
		return got;
	if (x.n == 0)
		return call->to->fn(call->to, call->in, NULL);
	for (m = 0; m < x.n && got == KS_YIELD; m++) {
		got = ks_text_add(call->set, &x.results[m], ks_bytes(text.p + from, text.n - from));
		v = ks_text_value(&x.results[m]);
		if (got == KS_YIELD)
			got = call->to->fn(call->to, &v, NULL);
	}
	return got;
}

/* The functions, by the arguments they have. */
#define RUN(name, how, all, n, over) \
	static enum ks_yield name(struct ks_expr_set *set, const uint32_t *args, \
	    const struct ks_val *in, const struct ks_path *path, struct ks_emit *to) \
	{ \
		struct call call = { \
			.set = set, .in = in, .to = to, .work = how, .global = all, .flags = nil, \
			.body = args[n > 1], \
		}; \
		(void)path; \
		return over; \
	}

RUN(match1, matches, false, 1, with_pattern(&call, args[0], true))
RUN(match2, matches, false, 2, by_value(&call, args))
RUN(capture1, captures_of, false, 1, with_pattern(&call, args[0], true))
RUN(capture2, captures_of, false, 2, by_value(&call, args))
RUN(scan1, scanned, true, 1, with_pattern(&call, args[0], false))
RUN(scan2, scanned, true, 2, by_name(&call, args[0], args[1]))
RUN(split2, split_by, true, 2, by_name(&call, args[0], args[1]))
RUN(sub2, replaced, false, 2, with_pattern(&call, args[0], false))
RUN(sub3, replaced, false, 3, by_name(&call, args[0], args[2]))
RUN(gsub2, replaced, true, 2, with_pattern(&call, args[0], false))
RUN(gsub3, replaced, true, 3, by_name(&call, args[0], args[2]))

const struct ks_expr_fn ks_expr_fn_regex[] = {
	{ .name = "test", .args = 1, .call = test1, .needs = ks_late_pcre, .regex = true },
	{ .name = "test", .args = 2, .call = test2, .needs = ks_late_pcre, .regex = true, .flags = 1 },
	{ .name = "match", .args = 1, .run = match1, .needs = ks_late_pcre, .regex = true },
	{ .name = "match", .args = 2, .run = match2, .needs = ks_late_pcre, .regex = true, .flags = 1 },
	{ .name = "capture", .args = 1, .run = capture1, .needs = ks_late_pcre, .regex = true },
	{ .name = "capture", .args = 2, .run = capture2, .needs = ks_late_pcre, .regex = true, .flags = 1 },
	{ .name = "scan", .args = 1, .run = scan1, .needs = ks_late_pcre, .regex = true },
	{ .name = "scan", .args = 2, .run = scan2, .needs = ks_late_pcre, .regex = true, .flags = 1 },
	{ .name = "split", .args = 2, .run = split2, .needs = ks_late_pcre, .regex = true, .flags = 1 },
	{ .name = "splits", .args = 1, .macro = "split(_1; null) | .[]" },
	{ .name = "splits", .args = 2, .macro = "split(_1; _2) | .[]" },
	{ .name = "sub", .args = 2, .run = sub2, .needs = ks_late_pcre, .regex = true },
	{ .name = "sub", .args = 3, .run = sub3, .needs = ks_late_pcre, .regex = true, .flags = 2 },
	{ .name = "gsub", .args = 2, .run = gsub2, .needs = ks_late_pcre, .regex = true },
	{ .name = "gsub", .args = 3, .run = gsub3, .needs = ks_late_pcre, .regex = true, .flags = 2 },
	{ .name = NULL },
};
