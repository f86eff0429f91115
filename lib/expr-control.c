/* SPDX-License-Identifier: MIT */
/* expr-control.c - functions that steer: what selects, repeats, counts and ends generators. */
#include "expr-impl.h"


#include <math.h>

static enum ks_yield call_error(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *args, struct ks_val *out)
{
	(void)args;
	(void)out;
	return ks_expr_error_value(set, in);
}

static enum ks_yield call_error_of(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *args, struct ks_val *out)
{
	(void)in;
	(void)out;
	return ks_expr_error_value(set, &args[0]);
}

/* What the functions here put between a generator and whoever takes its values. */
struct between {
	struct ks_emit emit;
	struct ks_expr_set *set;
	const uint32_t *args;
	const struct ks_path *path;
	struct ks_emit *to;
	int64_t left;
	bool stopped, seen;
	struct ks_val v;
	struct ks_vals list;
};

/* Whoever stopped it takes the stop back. */
static enum ks_yield unless_stopped(const struct between *b, enum ks_yield got)
{
	return got == KS_YIELD_STOP && b->stopped ? KS_YIELD : got;
}

static enum ks_yield on_limit(struct ks_emit *to, const struct ks_val *v, const struct ks_path *path)
{
	struct between *b = (struct between *)to;
	enum ks_yield got = b->to->fn(b->to, v, path);

	if (got != KS_YIELD || --b->left > 0)
		return got;
	b->stopped = true;
	return KS_YIELD_STOP;
}

static enum ks_yield limited(struct ks_expr_set *set, uint32_t node, int64_t left,
    const struct ks_val *in, const struct ks_path *path, struct ks_emit *to)
{
	struct between b = { .emit = { on_limit }, .to = to, .left = left };

	return unless_stopped(&b, ks_expr_run(set, node, in, path, &b.emit));
}

static enum ks_yield run_first(struct ks_expr_set *set, const uint32_t *args, const struct ks_val *in,
    const struct ks_path *path, struct ks_emit *to)
{
	return limited(set, args[0], 1, in, path, to);
}

/* The number that the macro around it has found to be above 0. */
static enum ks_yield count_of(struct ks_expr_set *set, uint32_t node, const struct ks_val *in, int64_t *n)
{
	struct ks_val v;
	enum ks_yield got = ks_expr_value(set, node, in, &v);

	if (got != KS_YIELD)
		return got;
	if (!ks_val_number(&v))
		return ks_expr_error(set, "%s (%s) is no count", ks_val_typename(&v),
		    ks_expr_shown(set, &v).text);
	*n = v.type == KS_FLOAT && v.d < 9e18 ? (int64_t)-floor(-v.d) : ks_expr_index_of(&v);
	return KS_YIELD;
}

static enum ks_yield run_limit(struct ks_expr_set *set, const uint32_t *args, const struct ks_val *in,
    const struct ks_path *path, struct ks_emit *to)
{
	int64_t n = 0;
	enum ks_yield got = count_of(set, args[0], in, &n);

	return got == KS_YIELD ? limited(set, args[1], n, in, path, to) : got;
}

static enum ks_yield on_skip(struct ks_emit *to, const struct ks_val *v, const struct ks_path *path)
{
	struct between *b = (struct between *)to;

	if (b->left > 0) {
		b->left--;
		return KS_YIELD;
	}
	return b->to->fn(b->to, v, path);
}

static enum ks_yield run_skip(struct ks_expr_set *set, const uint32_t *args, const struct ks_val *in,
    const struct ks_path *path, struct ks_emit *to)
{
	struct between b = { .emit = { on_skip }, .to = to };
	enum ks_yield got = count_of(set, args[0], in, &b.left);

	return got == KS_YIELD ? ks_expr_run(set, args[1], in, path, &b.emit) : got;
}

static enum ks_yield on_last(struct ks_emit *to, const struct ks_val *v, const struct ks_path *path)
{
	struct between *b = (struct between *)to;

	b->v = *v;
	b->seen = true;
	b->stopped = path == &ks_path_broken;
	/* The way to it stands on a stack that is gone by the time it is asked for. */
	return path == NULL || b->stopped ? KS_YIELD : ks_path_steps(b->set, path, &b->list);
}

static enum ks_yield run_last(struct ks_expr_set *set, const uint32_t *args, const struct ks_val *in,
    const struct ks_path *path, struct ks_emit *to)
{
	static const struct ks_path root = { NULL, NULL };
	struct between b = { .emit = { on_last }, .set = set };
	enum ks_yield got = ks_expr_run(set, args[0], in, path, &b.emit);
	const struct ks_path *last = &root;
	struct ks_path *way;
	uint32_t i;

	if (got != KS_YIELD || !b.seen)
		return got;
	if (path == NULL || b.stopped)
		return to->fn(to, &b.v, path == NULL ? NULL : &ks_path_broken);
	way = ks_expr_scratch(set, b.list.n * sizeof(*way) + 1);
	if (way == NULL)
		return ks_expr_no_scratch(set);
	for (i = 0; i < b.list.n; i++) {
		way[i] = (struct ks_path){ last, &b.list.v[i] };
		last = &way[i];
	}
	return to->fn(to, &b.v, last);
}

/* isempty, _any, _all: a boolean that a value may decide. */
static enum ks_yield on_decide(struct ks_emit *to, const struct ks_val *v, const struct ks_path *path)
{
	struct between *b = (struct between *)to;

	(void)path;
	b->stopped = b->left < 0 || ks_val_true(v) == (b->left > 0);
	return b->stopped ? KS_YIELD_STOP : KS_YIELD;
}

/* by: what ends it is a value that is true (1), one that is not (0), any (-1). */
static enum ks_yield decide(struct ks_expr_set *set, uint32_t node, int by, bool otherwise,
    const struct ks_val *in, struct ks_emit *to)
{
	struct between b = { .emit = { on_decide }, .left = by };
	enum ks_yield got = unless_stopped(&b, ks_expr_run(set, node, in, NULL, &b.emit));
	struct ks_val is;

	ks_val_bool(&is, b.stopped != otherwise);
	return got == KS_YIELD ? to->fn(to, &is, NULL) : got;
}

static enum ks_yield run_isempty(struct ks_expr_set *set, const uint32_t *args,
    const struct ks_val *in, const struct ks_path *path, struct ks_emit *to)
{
	(void)path;
	return decide(set, args[0], -1, true, in, to);
}

static enum ks_yield run_any(struct ks_expr_set *set, const uint32_t *args, const struct ks_val *in,
    const struct ks_path *path, struct ks_emit *to)
{
	(void)path;
	return decide(set, args[0], 1, false, in, to);
}

static enum ks_yield run_all(struct ks_expr_set *set, const uint32_t *args, const struct ks_val *in,
    const struct ks_path *path, struct ks_emit *to)
{
	(void)path;
	return decide(set, args[0], 0, true, in, to);
}

static enum ks_yield run_range(struct ks_expr_set *set, const uint32_t *args, const struct ks_val *in,
    const struct ks_path *path, struct ks_emit *to)
{
	struct ks_val v[3];
	enum ks_yield got = KS_YIELD;
	enum ks_expr_op going;
	uint32_t i;

	(void)path;
	for (i = 0; i < 3 && got == KS_YIELD; i++)
		got = ks_expr_value(set, args[i], in, &v[i]);
	if (got != KS_YIELD)
		return got;
	if (!ks_val_number(&v[0]) || !ks_val_number(&v[1]) || !ks_val_number(&v[2]))
		return ks_expr_error(set, "Range bounds must be numeric");
	going = ks_val_double(&v[2]) > 0 ? OP_LT : OP_GT;
	if (!(ks_val_double(&v[2]) > 0) && !(ks_val_double(&v[2]) < 0))
		return KS_YIELD;
	while (got == KS_YIELD && ks_expr_compares(going, &v[0], &v[1])) {
		got = ks_expr_steps(set, 1);
		if (got == KS_YIELD)
			got = to->fn(to, &v[0], NULL);
		if (got == KS_YIELD)
			got = ks_expr_arith(set, OP_ADD, &v[0], &v[2], &v[0]);
	}
	return got;
}

/* `..`, recurse: a value, and all that is in it. */
static enum ks_yield on_recurse(struct ks_emit *to, const struct ks_val *v, const struct ks_path *path)
{
	struct between *b = (struct between *)to;
	enum ks_yield got = b->to->fn(b->to, v, path);

	return got != KS_YIELD || v->type < KS_ARRAY || path == &ks_path_broken ? got :
	    ks_expr_iterate(b->set, v, path, to);
}

static enum ks_yield run_recurse(struct ks_expr_set *set, const uint32_t *args,
    const struct ks_val *in, const struct ks_path *path, struct ks_emit *to)
{
	struct between b = { .emit = { on_recurse }, .set = set, .to = to };

	(void)args;
	return on_recurse(&b.emit, in, path);
}

/* As long as one value leads to one, it is a loop: it may go on for long. */
static enum ks_yield on_recurse_by(struct ks_emit *to, const struct ks_val *v, const struct ks_path *path)
{
	struct between *b = (struct between *)to;
	enum ks_yield got = b->to->fn(b->to, v, path);
	struct ks_val now = *v;

	if (path != NULL || !b->set->nodes[b->args[0]].single)
		return got != KS_YIELD ? got : ks_expr_run(b->set, b->args[0], v, path, to);
	for (;;) {
		if (got == KS_YIELD)
			got = ks_expr_steps(b->set, 1 + b->set->nodes[b->args[0]].weight / KS_EXPR_LIGHT);
		if (got == KS_YIELD)
			got = ks_expr_value(b->set, b->args[0], &now, &b->v);
		if (got != KS_YIELD)
			return got == KS_YIELD_NONE ? KS_YIELD : got;
		now = b->v;
		got = b->to->fn(b->to, &now, NULL);
	}
}

static enum ks_yield run_recurse_by(struct ks_expr_set *set, const uint32_t *args,
    const struct ks_val *in, const struct ks_path *path, struct ks_emit *to)
{
	struct between b = { .emit = { on_recurse_by }, .set = set, .args = args, .to = to };

	return on_recurse_by(&b.emit, in, path);
}

static enum ks_yield run_repeat(struct ks_expr_set *set, const uint32_t *args,
    const struct ks_val *in, const struct ks_path *path, struct ks_emit *to)
{
	enum ks_yield got;

	do {
		got = ks_expr_steps(set, 1);
		if (got == KS_YIELD)
			got = ks_expr_run(set, args[0], in, path, to);
	} while (got == KS_YIELD);
	return got;
}

/* until(args[0]; args[1]): on each value of the condition in turn. */
static enum ks_yield until_from(struct ks_emit *to, const struct ks_val *v, const struct ks_path *path);

static enum ks_yield on_until(struct ks_emit *to, const struct ks_val *v, const struct ks_path *path)
{
	struct between *b = (struct between *)to;
	struct between next = *b;

	(void)path;
	if (ks_val_true(v))
		return b->to->fn(b->to, &b->v, NULL);
	next.emit.fn = until_from;
	return ks_expr_run(b->set, b->args[1], &b->v, NULL, &next.emit);
}

static enum ks_yield until_from(struct ks_emit *to, const struct ks_val *v, const struct ks_path *path)
{
	struct between b = *(struct between *)to;
	const struct ks_expr_node *nodes = b.set->nodes;
	enum ks_yield got = KS_YIELD;
	struct ks_val is, now;

	(void)path;
	b.v = *v;
	b.emit.fn = on_until;
	if (!nodes[b.args[0]].single || !nodes[b.args[1]].single)
		return ks_expr_run(b.set, b.args[0], &b.v, NULL, &b.emit);
	for (;;) {
		got = ks_expr_steps(b.set, 1 + (nodes[b.args[0]].weight + nodes[b.args[1]].weight) / KS_EXPR_LIGHT);
		if (got == KS_YIELD)
			got = ks_expr_value(b.set, b.args[0], &b.v, &is);
		if (got == KS_YIELD && ks_val_true(&is))
			return b.to->fn(b.to, &b.v, NULL);
		if (got == KS_YIELD)
			got = ks_expr_value(b.set, b.args[1], &b.v, &now);
		if (got != KS_YIELD)
			return got == KS_YIELD_NONE ? KS_YIELD : got;
		b.v = now;
	}
}

static enum ks_yield run_until(struct ks_expr_set *set, const uint32_t *args, const struct ks_val *in,
    const struct ks_path *path, struct ks_emit *to)
{
	struct between b = { .emit = { until_from }, .set = set, .args = args, .to = to };

	(void)path;
	return until_from(&b.emit, in, NULL);
}

static enum ks_yield on_list(struct ks_emit *to, const struct ks_val *v, const struct ks_path *path)
{
	struct between *b = (struct between *)to;

	(void)path;
	return ks_vals_add(b->set, &b->list, v);
}

/* The sum of one kind of values at once: strings and arrays would be copied as often as there are any. */
static enum ks_yield sum(struct ks_expr_set *set, const struct ks_vals *list, struct ks_val *out)
{
	struct ks_vals all = { NULL, 0, 0 }, some;
	enum ks_yield got = KS_YIELD;
	uint32_t i, j;

	*out = ks_expr_nil;
	for (i = 1; i < list->n && list->v[i].type == list->v[0].type; i++)
		continue;
	if (list->n > 2 && i == list->n && list->v[0].type == KS_STR)
		return ks_expr_joined(set, list->v, list->n, out);
	if (list->n > 2 && i == list->n && list->v[0].type >= KS_ARRAY) {
		for (i = 0; got == KS_YIELD && i < list->n; i++) {
			got = ks_vals_of(set, &list->v[i], &some);
			for (j = 0; got == KS_YIELD && j < some.n; j++)
				got = ks_vals_add(set, &all, &some.v[j]);
		}
		if (got != KS_YIELD)
			return got;
		return list->v[0].type == KS_MAP ? ks_expr_object(set, all.v, all.n, out) :
		    ks_expr_array(set, all.v, all.n, out);
	}
	for (i = 0; got == KS_YIELD && i < list->n; i++)
		got = ks_expr_arith(set, OP_ADD, out, &list->v[i], out);
	return got;
}

static enum ks_yield run_add(struct ks_expr_set *set, const uint32_t *args, const struct ks_val *in,
    const struct ks_path *path, struct ks_emit *to)
{
	struct between b = { .emit = { on_list }, .set = set };
	enum ks_yield got = ks_expr_run(set, args[0], in, NULL, &b.emit);
	struct ks_val out;

	(void)path;
	if (got == KS_YIELD)
		got = sum(set, &b.list, &out);
	return got == KS_YIELD ? to->fn(to, &out, NULL) : got;
}

static enum ks_yield walk(struct ks_expr_set *set, uint32_t node, const struct ks_val *v,
    struct ks_emit *to);

static enum ks_yield on_walk(struct ks_emit *to, const struct ks_val *v, const struct ks_path *path)
{
	struct between *b = (struct between *)to;
	struct between first = { .emit = { on_limit }, .to = b->to, .left = 1 };

	(void)path;
	if (b->seen)	/* of an object's member the first value counts */
		return unless_stopped(&first, walk(b->set, *b->args, v, &first.emit));
	return walk(b->set, *b->args, v, b->to);
}

/* What is in a container first, then the container. */
static enum ks_yield walk(struct ks_expr_set *set, uint32_t node, const struct ks_val *v,
    struct ks_emit *to)
{
	struct between list = { .emit = { on_list }, .set = set };
	struct between b = { .emit = { on_walk }, .set = set, .args = &node, .to = &list.emit };
	struct ks_vals members = { NULL, 0, 0 };
	struct ks_val out = *v;
	enum ks_yield got = KS_YIELD;
	uint32_t i, before;

	if (v->type == KS_ARRAY) {
		got = ks_expr_iterate(set, v, NULL, &b.emit);
		if (got == KS_YIELD)
			got = ks_expr_array(set, list.list.v, list.list.n, &out);
	} else if (v->type == KS_MAP) {
		b.seen = true;
		got = ks_vals_of(set, v, &members);
		for (i = 0; got == KS_YIELD && i < members.n; i += 2) {
			before = list.list.n;
			got = ks_vals_add(set, &list.list, &members.v[i]);
			if (got == KS_YIELD)
				got = on_walk(&b.emit, &members.v[i + 1], NULL);
			if (list.list.n == before + 1)
				list.list.n = before;	/* no value: no member */
		}
		if (got == KS_YIELD)
			got = ks_expr_object(set, list.list.v, list.list.n, &out);
	}
	return got == KS_YIELD ? ks_expr_run(set, node, &out, NULL, to) : got;
}

static enum ks_yield run_walk(struct ks_expr_set *set, const uint32_t *args, const struct ks_val *in,
    const struct ks_path *path, struct ks_emit *to)
{
	(void)path;
	return walk(set, args[0], in, to);
}

#define COUNTED(name, what, zero) "_1 as $n | if $n > 0 then " what " elif $n == 0 then " zero \
	" else error(\"" name " doesn't support negative count\") end"

const struct ks_expr_fn ks_expr_fn_control[] = {
	{ .name = "error", .call = call_error },
	{ .name = "error", .args = 1, .call = call_error_of },
	{ .name = "select", .args = 1, .macro = "if _1 then . else empty end" },
	{ .name = "map", .args = 1, .macro = "[.[] | _1]" },
	{ .name = "recurse", .run = run_recurse, .paths = true },
	{ .name = "recurse", .args = 1, .run = run_recurse_by, .paths = true },
	{ .name = "recurse", .args = 2, .macro = "recurse(_1 | select(_2))" },
	{ .name = "range", .args = 1, .macro = "_1 as $b | _range(0; $b; 1)" },
	{ .name = "range", .args = 2, .macro = "_1 as $a | _2 as $b | _range($a; $b; 1)" },
	{ .name = "range", .args = 3, .macro = "_1 as $a | _2 as $b | _3 as $c | _range($a; $b; $c)" },
	{ .name = "_range", .args = 3, .run = run_range, .inherits = true },
	{ .name = "first", .macro = ".[0]" },
	{ .name = "first", .args = 1, .run = run_first, .single = true, .paths = true, .inherits = true },
	{ .name = "last", .macro = ".[-1]" },
	{ .name = "last", .args = 1, .run = run_last, .single = true, .paths = true, .inherits = true },
	{ .name = "nth", .args = 1, .macro = "_1 as $n | .[$n]" },
	{ .name = "nth", .args = 2, .macro = "_1 as $n | if $n < 0 then "
	    "error(\"nth doesn't support negative indices\") else first(skip($n; _2)) end" },
	{ .name = "limit", .args = 2, .macro = COUNTED("limit", "_limit($n; _2)", "empty") },
	{ .name = "_limit", .args = 2, .run = run_limit, .paths = true, .inherits = true },
	{ .name = "skip", .args = 2, .macro = COUNTED("skip", "_skip($n; _2)", "_2") },
	{ .name = "_skip", .args = 2, .run = run_skip, .paths = true, .inherits = true },
	{ .name = "until", .args = 2, .run = run_until },
	{ .name = "while", .args = 2, .macro = "select(_1) | recurse(_2 | select(_1))" },
	{ .name = "repeat", .args = 1, .run = run_repeat, .paths = true, .inherits = true },
	{ .name = "isempty", .args = 1, .run = run_isempty, .single = true, .inherits = true },
	{ .name = "isvalid", .args = 1, .macro = "try (_1 | true) catch false" },
	{ .name = "any", .macro = "_any(.[])" },
	{ .name = "any", .args = 1, .macro = "_any(.[] | _1)" },
	{ .name = "any", .args = 2, .macro = "_any(_1 | _2)" },
	{ .name = "_any", .args = 1, .run = run_any, .single = true, .inherits = true },
	{ .name = "all", .macro = "_all(.[])" },
	{ .name = "all", .args = 1, .macro = "_all(.[] | _1)" },
	{ .name = "all", .args = 2, .macro = "_all(_1 | _2)" },
	{ .name = "_all", .args = 1, .run = run_all, .single = true, .inherits = true },
	{ .name = "add", .macro = "add(.[])" },
	{ .name = "add", .args = 1, .run = run_add, .single = true, .inherits = true },
	{ .name = "IN", .args = 1, .macro = "_any(_1 == .)" },
	{ .name = "IN", .args = 2, .macro = "_any(_1 == _2)" },
	{ .name = "walk", .args = 1, .run = run_walk },
	{ .name = "header", .args = 1, .macro = "_1 as $n | [$headers[] | select(.[0] == $n)][-1][1]" },
	{ .name = NULL },
};
