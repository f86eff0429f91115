/* SPDX-License-Identifier: MIT */
/*
 * expr-each.c - evaluation of what yields any number of values: each is
 * handed on as it comes, by a call, so that nothing is kept or allocated.
 *
 * Where paths are asked for, they come with the values: a chain of steps on
 * the stack.  What is no path (a literal, a sum) comes with ks_path_broken,
 * and is an error only to whoever steps into it or wants its path.
 */
#include "expr-impl.h"

const struct ks_path ks_path_broken;

#define STACK_MAX ((uintptr_t)2 << 20)	/* of the 8 MiB that there are; sanitizers triple frames */

/* One consumer for all nodes: what it needs to go on. */
struct on {
	struct ks_emit emit;
	struct ks_expr_set *set;
	const struct ks_expr_node *n;
	const struct ks_val *in;
	const struct ks_path *path;
	struct ks_emit *to;
	const struct ks_val *other;	/* the operand, key or bound that is known */
	bool seen;
};

static struct on on(struct ks_expr_set *set, const struct ks_expr_node *n, const struct ks_val *in,
    const struct ks_path *path, struct ks_emit *to,
    enum ks_yield (*fn)(struct ks_emit *to, const struct ks_val *v, const struct ks_path *path))
{
	return (struct on){ { fn }, set, n, in, path, to, NULL, false };
}

/* The value of ".", which is a slot, a variable or what a pipe passed on. */
static enum ks_yield input_of(struct ks_expr_set *set, uint32_t node, const struct ks_val *in,
    struct ks_val *room, const struct ks_val **v)
{
	*v = set->nodes[node].op == OP_INPUT ? in : room;
	return *v == in ? KS_YIELD : ks_expr_value(set, node, in, room);
}

static enum ks_yield no_path(struct ks_expr_set *set, const struct ks_val *v)
{
	return ks_expr_error(set, "Invalid path expression with result %s", ks_expr_shown(set, v).text);
}

/* An error of the step of this node: nothing, where a '?' is behind it. */
static enum ks_yield of_step(struct ks_expr_set *set, const struct ks_expr_node *n, enum ks_yield got)
{
	if (got != KS_YIELD_ERROR)
		return got;
	set->error_node = (uint32_t)(n - set->nodes);
	return n->optional ? KS_YIELD_NONE : got;
}

/* Into v by a step; whoever is behind it gets the path with it. */
static enum ks_yield hand_step(struct on *o, const struct ks_val *v, const struct ks_path *path,
    const struct ks_val *step)
{
	struct ks_path here = { path, step };
	struct ks_val out;
	enum ks_yield got;

	if (path == &ks_path_broken)
		return no_path(o->set, v);
	got = of_step(o->set, o->n, ks_expr_get(o->set, v, step, &out));
	if (got != KS_YIELD)
		return got == KS_YIELD_NONE ? KS_YIELD : got;
	return o->to->fn(o->to, &out, path != NULL ? &here : NULL);
}

static enum ks_yield on_index(struct ks_emit *to, const struct ks_val *v, const struct ks_path *path)
{
	struct on *o = (struct on *)to;

	return hand_step(o, v, path, &o->n->value);
}

static enum ks_yield on_key_step(struct ks_emit *to, const struct ks_val *v, const struct ks_path *path)
{
	struct on *o = (struct on *)to;

	return hand_step(o, v, path, o->other);
}

static enum ks_yield on_key(struct ks_emit *to, const struct ks_val *v, const struct ks_path *path)
{
	struct on *o = (struct on *)to, inner = *o;

	(void)path;
	inner.emit.fn = on_key_step;
	inner.other = v;
	return ks_expr_run(o->set, o->n->lhs, o->in, o->path, &inner.emit);
}

static enum ks_yield on_slice_to(struct ks_emit *to, const struct ks_val *v, const struct ks_path *path)
{
	struct on *o = (struct on *)to, inner = *o;
	struct ks_val step;
	enum ks_yield got = ks_expr_slice_step(o->set, o->other, v, &step);

	(void)path;
	if (got != KS_YIELD)
		return got;
	inner.emit.fn = on_key_step;
	inner.other = &step;
	return ks_expr_run(o->set, o->n->lhs, o->in, o->path, &inner.emit);
}

static enum ks_yield on_slice_from(struct ks_emit *to, const struct ks_val *v, const struct ks_path *path)
{
	struct on *o = (struct on *)to, inner = *o;

	(void)path;
	inner.emit.fn = on_slice_to;
	inner.other = v;
	return ks_expr_run(o->set, o->n->args[1], o->in, NULL, &inner.emit);
}

static enum ks_yield on_iterate(struct ks_emit *to, const struct ks_val *v, const struct ks_path *path)
{
	struct on *o = (struct on *)to;
	enum ks_yield got;

	if (path == &ks_path_broken)
		return no_path(o->set, v);
	if (v->type >= KS_ARRAY)
		return ks_expr_iterate(o->set, v, path, o->to);
	got = of_step(o->set, o->n, ks_expr_iterate(o->set, v, path, o->to));
	return got == KS_YIELD_NONE ? KS_YIELD : got;
}

static enum ks_yield on_pipe(struct ks_emit *to, const struct ks_val *v, const struct ks_path *path)
{
	struct on *o = (struct on *)to;

	return ks_expr_run(o->set, o->n->rhs, v, path, o->to);
}

/* What `try` passes on: an error of whoever takes it is not its own. */
static enum ks_yield on_try(struct ks_emit *to, const struct ks_val *v, const struct ks_path *path)
{
	struct on *o = (struct on *)to;
	enum ks_yield got = o->to->fn(o->to, v, path);

	o->seen = got != KS_YIELD;
	return got;
}

static enum ks_yield each_try(struct on *o)
{
	enum ks_yield got;
	struct ks_val message;

	o->emit.fn = on_try;
	got = ks_expr_run(o->set, o->n->lhs, o->in, o->path, &o->emit);
	if (got != KS_YIELD_ERROR || o->seen)
		return got;
	if (o->n->rhs == KS_EXPR_NONE)
		return KS_YIELD;
	got = ks_expr_caught(o->set, &message);
	return got != KS_YIELD ? got : ks_expr_run(o->set, o->n->rhs, &message,
	    o->path != NULL ? &ks_path_broken : NULL, o->to);
}

static enum ks_yield on_if(struct ks_emit *to, const struct ks_val *v, const struct ks_path *path)
{
	struct on *o = (struct on *)to;

	(void)path;
	return ks_expr_run(o->set, ks_val_true(v) ? o->n->rhs : o->n->slot, o->in, o->path, o->to);
}

/* A run inside a run of the same binding (recurse) must find its own value again: it is put back. */
static enum ks_yield on_bind(struct ks_emit *to, const struct ks_val *v, const struct ks_path *path)
{
	struct on *o = (struct on *)to;
	struct ks_val before = o->set->registers[o->n->slot];
	enum ks_yield got;

	(void)path;
	o->set->registers[o->n->slot] = *v;
	got = ks_expr_run(o->set, o->n->rhs, o->in, o->path, o->to);
	o->set->registers[o->n->slot] = before;
	return got;
}

static enum ks_yield on_alternative(struct ks_emit *to, const struct ks_val *v, const struct ks_path *path)
{
	struct on *o = (struct on *)to;

	if (!ks_val_true(v))
		return KS_YIELD;
	o->seen = true;
	return o->to->fn(o->to, v, path);
}

static enum ks_yield each_alternative(struct on *o)
{
	enum ks_yield got;

	o->emit.fn = on_alternative;
	got = ks_expr_run(o->set, o->n->lhs, o->in, o->path, &o->emit);
	return got != KS_YIELD || o->seen ? got :
	    ks_expr_run(o->set, o->n->rhs, o->in, o->path, o->to);
}

static enum ks_yield each_comma(struct on *o)
{
	const struct ks_expr_node *n = o->n;
	enum ks_yield got = ks_expr_run(o->set, n->lhs, o->in, o->path, o->to);
	uint32_t i;

	for (i = 1; got == KS_YIELD && o->set->nodes[n->rhs].op == OP_COMMA; i++) {
		n = &o->set->nodes[n->rhs];
		got = i % 8 == 0 ? ks_expr_steps(o->set, 1) : KS_YIELD;
		if (got == KS_YIELD)
			got = ks_expr_run(o->set, n->lhs, o->in, o->path, o->to);
	}
	return got == KS_YIELD ? ks_expr_run(o->set, n->rhs, o->in, o->path, o->to) : got;
}

/* The result of a node is no part of its input. */
static enum ks_yield hand(struct on *o, const struct ks_val *v)
{
	return o->to->fn(o->to, v, NULL);
}

static enum ks_yield on_truth(struct ks_emit *to, const struct ks_val *v, const struct ks_path *path)
{
	struct on *o = (struct on *)to;
	struct ks_val is;

	(void)path;
	ks_val_bool(&is, ks_val_true(v));
	return hand(o, &is);
}

static enum ks_yield on_logic(struct ks_emit *to, const struct ks_val *v, const struct ks_path *path)
{
	struct on *o = (struct on *)to, inner = *o;

	(void)path;
	if (ks_val_true(v) == (o->n->op == OP_OR))
		return on_truth(to, v, NULL);
	inner.emit.fn = on_truth;
	return ks_expr_run(o->set, o->n->rhs, o->in, NULL, &inner.emit);
}

static enum ks_yield on_unary(struct ks_emit *to, const struct ks_val *v, const struct ks_path *path)
{
	struct on *o = (struct on *)to;
	enum ks_yield got = KS_YIELD;
	struct ks_val out;

	(void)path;
	if (o->n->op == OP_NOT)
		ks_val_bool(&out, !ks_val_true(v));
	else
		got = ks_expr_negated(o->set, v, &out);
	return got == KS_YIELD ? hand(o, &out) : got;
}

static enum ks_yield on_left(struct ks_emit *to, const struct ks_val *v, const struct ks_path *path)
{
	struct on *o = (struct on *)to;
	struct ks_val out;
	enum ks_yield got;

	(void)path;
	if (o->n->op <= OP_GE)
		got = ks_expr_compared(o->set, o->n->op, v, o->other, &out);
	else
		got = ks_expr_arith(o->set, o->n->op, v, o->other, &out);
	return got == KS_YIELD ? hand(o, &out) : got;
}

static enum ks_yield on_right(struct ks_emit *to, const struct ks_val *v, const struct ks_path *path)
{
	struct on *o = (struct on *)to, inner = *o;

	(void)path;
	inner.emit.fn = on_left;
	inner.other = v;
	return ks_expr_run(o->set, o->n->lhs, o->in, NULL, &inner.emit);
}

/* Every combination of what the arguments of a node yield. */
struct combine {
	struct ks_emit emit;
	struct on *o;
	struct ks_val *v;
	uint32_t at;
};

static enum ks_yield combine_next(struct combine *c);

static enum ks_yield on_argument(struct ks_emit *to, const struct ks_val *v, const struct ks_path *path)
{
	struct combine *c = (struct combine *)to;
	const struct ks_expr_node *n = c->o->n;
	struct combine next = *c;
	enum ks_yield got = KS_YIELD;

	(void)path;
	c->v[c->at] = *v;
	if (n->op == OP_OBJECT && c->at % 2 == 1)
		got = ks_expr_key_check(c->o->set, &c->v[c->at - 1]);
	else if (n->op == OP_STRING && c->at % 2 == 1)
		got = ks_expr_as_text(c->o->set, n->fn, v, &c->v[c->at]);
	next.at = n->op == OP_OBJECT ? c->at + 1 : c->at - 1;
	return got == KS_YIELD ? combine_next(&next) : got;
}

static enum ks_yield combined(struct on *o, const struct ks_val *v)
{
	struct ks_val out, room;
	const struct ks_val *in;
	enum ks_yield got;

	if (o->n->op == OP_OBJECT) {
		got = ks_expr_object(o->set, v, o->n->count, &out);
	} else if (o->n->op == OP_STRING) {
		got = ks_expr_joined(o->set, v, o->n->count, &out);
	} else {
		got = input_of(o->set, o->n->lhs, o->in, &room, &in);
		if (got == KS_YIELD)
			got = o->n->fn->call(o->set, in, v, &out);
	}
	return got == KS_YIELD ? hand(o, &out) : got == KS_YIELD_NONE ? KS_YIELD : got;
}

/* Objects from the first key on, all else from the last argument: that one varies slowest. */
static enum ks_yield combine_next(struct combine *c)
{
	const struct ks_expr_node *n = c->o->n;

	if (c->at >= n->count)	/* 0 - 1 is, too */
		return combined(c->o, c->v);
	return ks_expr_run(c->o->set, n->args[c->at], c->o->in, NULL, &c->emit);
}

static enum ks_yield each_combination(struct on *o)
{
	struct combine c = { { on_argument }, o, NULL, 0 };

	c.v = ks_expr_scratch(o->set, o->n->count * sizeof(*c.v) + 1);
	if (c.v == NULL)
		return ks_expr_no_scratch(o->set);
	c.at = o->n->op == OP_OBJECT ? 0 : o->n->count - 1;
	return combine_next(&c);
}

static enum ks_yield each_run(struct on *o)
{
	const struct ks_expr_node *n = o->n;
	const struct ks_val *in = o->in;
	enum ks_yield got = KS_YIELD;
	struct ks_val room;

	if (!n->fn->inherits)
		got = input_of(o->set, n->lhs, o->in, &room, &in);
	return got == KS_YIELD ? n->fn->run(o->set, n->args, in, o->path, o->to) : got;
}

/* Values of a node that knows no paths, where paths are asked for. */
static enum ks_yield on_value(struct ks_emit *to, const struct ks_val *v, const struct ks_path *path)
{
	struct on *o = (struct on *)to;

	(void)path;
	return o->to->fn(o->to, v, &ks_path_broken);
}

static bool knows_paths(const struct ks_expr_node *n)
{
	switch ((enum ks_expr_op)n->op) {
	case OP_INPUT: case OP_INDEX: case OP_AT: case OP_SLICE: case OP_ITERATE: case OP_TRY:
	case OP_PIPE: case OP_COMMA: case OP_IF: case OP_BIND: case OP_ALT: case OP_EMPTY:
		return true;
	case OP_RUN:
		return n->fn->paths;
	default:
		return false;
	}
}

static enum ks_yield each(struct on *o)
{
	struct ks_expr_set *set = o->set;
	const struct ks_expr_node *n = o->n;
	enum ks_yield got;
	struct ks_val room;

	switch ((enum ks_expr_op)n->op) {
	case OP_INPUT:
		return o->to->fn(o->to, o->in, o->path);
	case OP_INDEX:
		o->emit.fn = on_index;
		return ks_expr_run(set, n->lhs, o->in, o->path, &o->emit);
	case OP_AT:
		o->emit.fn = on_key;
		return ks_expr_run(set, n->rhs, o->in, NULL, &o->emit);
	case OP_SLICE:
		o->emit.fn = on_slice_from;
		return ks_expr_run(set, n->args[0], o->in, NULL, &o->emit);
	case OP_ITERATE:
		o->emit.fn = on_iterate;
		return ks_expr_run(set, n->lhs, o->in, o->path, &o->emit);
	case OP_TRY:
		return each_try(o);
	case OP_PIPE:
		if (set->nodes[n->lhs].op == OP_SLOT) {
			got = ks_expr_value(set, n->lhs, o->in, &room);
			return got != KS_YIELD ? got == KS_YIELD_NONE ? KS_YIELD : got :
			    ks_expr_run(set, n->rhs, o->in, o->path, o->to);
		}
		o->emit.fn = on_pipe;
		return ks_expr_run(set, n->lhs, o->in, o->path, &o->emit);
	case OP_COMMA:
		return each_comma(o);
	case OP_IF:
		o->emit.fn = on_if;
		return ks_expr_run(set, n->lhs, o->in, NULL, &o->emit);
	case OP_BIND:
		o->emit.fn = on_bind;
		return ks_expr_run(set, n->lhs, o->in, NULL, &o->emit);
	case OP_ALT:
		return each_alternative(o);
	case OP_AND: case OP_OR:
		o->emit.fn = on_logic;
		return ks_expr_run(set, n->lhs, o->in, NULL, &o->emit);
	case OP_NOT: case OP_NEGATE:
		o->emit.fn = on_unary;
		return ks_expr_run(set, n->lhs, o->in, NULL, &o->emit);
	case OP_EQ: case OP_NE: case OP_LT: case OP_LE: case OP_GT: case OP_GE:
	case OP_ADD: case OP_SUB: case OP_MUL: case OP_DIV: case OP_MOD:
		o->emit.fn = on_right;
		return ks_expr_run(set, n->rhs, o->in, NULL, &o->emit);
	case OP_OBJECT: case OP_STRING: case OP_CALL:
		return each_combination(o);
	case OP_RUN:
		return each_run(o);
	case OP_EMPTY:
		return KS_YIELD;
	default:
		ks_bug("an expression node of no kind");
	}
}

enum ks_yield ks_expr_run(struct ks_expr_set *set, uint32_t node, const struct ks_val *in,
    const struct ks_path *path, struct ks_emit *to)
{
	const struct ks_expr_node *n = &set->nodes[node];
	struct on o = on(set, n, in, path, to, NULL);
	enum ks_yield got;
	struct ks_val v;

	if (n->single && n->op != OP_RUN && (path == NULL || !knows_paths(n))) {
		got = KS_UNLIKELY(n->weight >= KS_EXPR_LIGHT) ? ks_expr_steps(set, n->weight / KS_EXPR_LIGHT) : KS_YIELD;
		if (got == KS_YIELD)
			got = ks_expr_value(set, node, in, &v);
		if (got != KS_YIELD)
			return got == KS_YIELD_NONE ? KS_YIELD : got;
		return to->fn(to, &v, path != NULL ? &ks_path_broken : NULL);
	}
	if (KS_UNLIKELY(set->stack - (uintptr_t)__builtin_frame_address(0) > STACK_MAX))
		return ks_expr_fault(set, "the expression recurses too deep");
	got = ks_expr_steps(set, 1);
	if (KS_UNLIKELY(got != KS_YIELD))
		return got;
	if (path != NULL && !knows_paths(n)) {
		struct on values = on(set, n, in, NULL, to, on_value);

		o.path = NULL;
		o.to = &values.emit;
		return each(&o);
	}
	return each(&o);
}

/* The first value only. */
struct take {
	struct ks_emit emit;
	struct ks_val *out;
	bool taken;
};

static enum ks_yield take(struct ks_emit *to, const struct ks_val *v, const struct ks_path *path)
{
	struct take *t = (struct take *)to;

	(void)path;
	*t->out = *v;
	t->taken = true;
	return KS_YIELD_STOP;
}

enum ks_yield ks_expr_first(struct ks_expr_set *set, uint32_t node, const struct ks_val *in,
    struct ks_val *out)
{
	struct take t = { { take }, out, false };
	enum ks_yield got = ks_expr_run(set, node, in, NULL, &t.emit);

	if (got == KS_YIELD_STOP && t.taken)
		return KS_YIELD;
	return got == KS_YIELD ? KS_YIELD_NONE : got;
}
