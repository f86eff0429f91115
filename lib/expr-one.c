/* SPDX-License-Identifier: MIT */
/*
 * expr-one.c - evaluation of what yields one value, but is rare or builds
 * something: steps that are computed, construction, calls, try.
 */
#include "expr-impl.h"

/* An argument that need not be a copy. */
static const struct ks_val *value_of(struct ks_expr_set *set, uint32_t node, const struct ks_val *in,
    struct ks_val *room, enum ks_yield *got)
{
	const struct ks_expr_node *n = &set->nodes[node];

	*got = KS_YIELD;
	if (n->op == OP_LITERAL)
		return &n->value;
	if (n->op == OP_INPUT)
		return in;
	*got = ks_expr_value(set, node, in, room);
	return room;
}

enum ks_yield ks_expr_caught(struct ks_expr_set *set, struct ks_val *out)
{
	if (!set->error_is_value)
		return ks_expr_string(set, ks_str(set->error), out);
	*out = set->error_value;
	return KS_YIELD;
}

enum ks_yield ks_expr_key_check(struct ks_expr_set *set, const struct ks_val *key)
{
	if (KS_LIKELY(key->type == KS_STR))
		return KS_YIELD;
	return ks_expr_error(set, "Cannot use %s (%s) as object key", ks_val_typename(key),
	    ks_expr_shown(set, key).text);
}

enum ks_yield ks_expr_as_text(struct ks_expr_set *set, const struct ks_expr_fn *fn,
    const struct ks_val *v, struct ks_val *out)
{
	const struct ks_val in = *v;	/* out may be v */
	struct ks_bytes text;
	enum ks_yield got;

	if (fn != NULL)
		return fn->call(set, &in, NULL, out);
	if (v->type == KS_STR) {
		*out = *v;
		return KS_YIELD;
	}
	got = ks_expr_json(set, v, &text);
	*out = (struct ks_val){ .type = KS_STR, .b = text };
	return got;
}

enum ks_yield ks_expr_joined(struct ks_expr_set *set, const struct ks_val *parts, uint32_t count,
    struct ks_val *out)
{
	unsigned char *text;
	size_t n = 0;
	uint32_t i;

	for (i = 0; i < count; i++)
		n += parts[i].b.n;
	text = n > UINT32_MAX ? NULL : ks_expr_scratch(set, n + 1);
	if (text == NULL)
		return ks_expr_no_scratch(set);
	*out = (struct ks_val){ .type = KS_STR, .b = ks_bytes(text, n) };
	for (i = 0; i < count; i++) {
		if (parts[i].b.n > 0)
			memcpy(text, parts[i].b.p, parts[i].b.n);
		text += parts[i].b.n;
	}
	return ks_expr_steps(set, 1 + n / 64);
}

/* Arguments of a node as values, the last one first, as jq has it. */
static enum ks_yield all_of(struct ks_expr_set *set, const struct ks_expr_node *n,
    const struct ks_val *in, struct ks_val *v)
{
	enum ks_yield got = KS_YIELD;
	uint32_t i;

	for (i = n->count; i > 0 && got == KS_YIELD; i--)
		got = ks_expr_value(set, n->args[i - 1], in, &v[i - 1]);
	return got;
}

static enum ks_yield eval_string(struct ks_expr_set *set, const struct ks_expr_node *n,
    const struct ks_val *in, struct ks_val *out)
{
	struct ks_val *parts = ks_expr_scratch(set, n->count * sizeof(*parts));
	enum ks_yield got;
	uint32_t i;

	if (parts == NULL)
		return ks_expr_no_scratch(set);
	got = all_of(set, n, in, parts);
	/* Literals stand in even places. */
	for (i = 1; i < n->count && got == KS_YIELD; i += 2)
		got = ks_expr_as_text(set, n->fn, &parts[i], &parts[i]);
	return got == KS_YIELD ? ks_expr_joined(set, parts, n->count, out) : got;
}

static enum ks_yield eval_object(struct ks_expr_set *set, const struct ks_expr_node *n,
    const struct ks_val *in, struct ks_val *out)
{
	struct ks_val *pairs = ks_expr_scratch(set, n->count * sizeof(*pairs) + 1);
	enum ks_yield got = KS_YIELD;
	uint32_t i;

	if (pairs == NULL)
		return ks_expr_no_scratch(set);
	for (i = 0; i < n->count && got == KS_YIELD; i++) {
		got = ks_expr_value(set, n->args[i], in, &pairs[i]);
		/* As jq: a member without a value has no key that could be wrong. */
		if (i % 2 == 1 && got == KS_YIELD)
			got = ks_expr_key_check(set, &pairs[i - 1]);
	}
	return got == KS_YIELD ? ks_expr_object(set, pairs, n->count, out) : got;
}

/* The elements of `[E]`, one by one. */
struct collect {
	struct ks_emit emit;
	struct ks_expr_set *set;
	struct ks_vals list;
};

static enum ks_yield collect(struct ks_emit *to, const struct ks_val *v, const struct ks_path *path)
{
	struct collect *c = (struct collect *)to;

	(void)path;
	return ks_vals_add(c->set, &c->list, v);
}

static enum ks_yield eval_array(struct ks_expr_set *set, const struct ks_expr_node *n,
    const struct ks_val *in, struct ks_val *out)
{
	struct collect c = { { collect }, set, { NULL, 0, 0 } };
	enum ks_yield got;

	if (n->lhs != KS_EXPR_NONE) {
		got = ks_expr_run(set, n->lhs, in, NULL, &c.emit);
		if (got != KS_YIELD)
			return got;
	}
	return ks_expr_array(set, c.list.v, c.list.n, out);
}

static enum ks_yield eval_call(struct ks_expr_set *set, const struct ks_expr_node *n,
    const struct ks_val *in, struct ks_val *out)
{
	struct ks_val args[KS_EXPR_ARGUMENTS], room;
	const struct ks_val *input;
	enum ks_yield got = all_of(set, n, in, args);

	if (got != KS_YIELD)
		return got;
	input = value_of(set, n->lhs, in, &room, &got);
	if (got != KS_YIELD)
		return got;
	got = ks_expr_steps(set, 1);
	return got == KS_YIELD ? n->fn->call(set, input, args, out) : got;
}

static enum ks_yield eval_try(struct ks_expr_set *set, const struct ks_expr_node *n,
    const struct ks_val *in, struct ks_val *out)
{
	enum ks_yield got = ks_expr_value(set, n->lhs, in, out);
	struct ks_val message;

	if (got != KS_YIELD_ERROR)
		return got;
	if (n->rhs == KS_EXPR_NONE)
		return KS_YIELD_NONE;
	got = ks_expr_caught(set, &message);
	return got == KS_YIELD ? ks_expr_value(set, n->rhs, &message, out) : got;
}

/* An error of the step itself. */
static enum ks_yield stepped(struct ks_expr_set *set, const struct ks_expr_node *n, enum ks_yield got)
{
	if (got != KS_YIELD_ERROR)
		return got;
	set->error_node = (uint32_t)(n - set->nodes);
	return n->optional ? KS_YIELD_NONE : got;
}

static enum ks_yield eval_at(struct ks_expr_set *set, const struct ks_expr_node *n,
    const struct ks_val *in, struct ks_val *out)
{
	struct ks_val a, b;
	const struct ks_val *key, *from;
	enum ks_yield got;

	key = value_of(set, n->rhs, in, &b, &got);
	if (got != KS_YIELD)
		return got;
	from = value_of(set, n->lhs, in, &a, &got);
	return got == KS_YIELD ? stepped(set, n, ks_expr_get(set, from, key, out)) : got;
}

static enum ks_yield eval_slice(struct ks_expr_set *set, const struct ks_expr_node *n,
    const struct ks_val *in, struct ks_val *out)
{
	struct ks_val v[2], room;
	enum ks_yield got = all_of(set, n, in, v);
	const struct ks_val *from;

	if (got != KS_YIELD)
		return got;
	from = value_of(set, n->lhs, in, &room, &got);
	return got == KS_YIELD ? stepped(set, n, ks_expr_slice(set, from, &v[0], &v[1], out)) : got;
}

static enum ks_yield eval_bind(struct ks_expr_set *set, const struct ks_expr_node *n,
    const struct ks_val *in, struct ks_val *out)
{
	struct ks_val before = set->registers[n->slot], v;
	enum ks_yield got = ks_expr_value(set, n->lhs, in, &v);

	if (got != KS_YIELD)
		return got;
	set->registers[n->slot] = v;
	got = ks_expr_value(set, n->rhs, in, out);
	set->registers[n->slot] = before;
	return got;
}

enum ks_yield ks_expr_value_rare(struct ks_expr_set *set, uint32_t node, const struct ks_val *in,
    struct ks_val *out)
{
	const struct ks_expr_node *n = &set->nodes[node];
	const struct ks_val *v;
	struct ks_val room;
	enum ks_yield got;

	switch ((enum ks_expr_op)n->op) {
	case OP_TRY:
		return eval_try(set, n, in, out);
	case OP_NEGATE:
		v = value_of(set, n->lhs, in, &room, &got);
		return got == KS_YIELD ? ks_expr_negated(set, v, out) : got;
	case OP_AT:
		return eval_at(set, n, in, out);
	case OP_SLICE:
		return eval_slice(set, n, in, out);
	case OP_BIND:
		return eval_bind(set, n, in, out);
	case OP_ARRAY:
		return eval_array(set, n, in, out);
	case OP_OBJECT:
		return eval_object(set, n, in, out);
	case OP_STRING:
		return eval_string(set, n, in, out);
	case OP_CALL:
		return eval_call(set, n, in, out);
	case OP_RUN:
		return ks_expr_first(set, node, in, out);
	case OP_EMPTY:
		return KS_YIELD_NONE;
	default:
		ks_bug("an expression node of no kind");
	}
}
