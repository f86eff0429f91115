/* SPDX-License-Identifier: MIT */
/*
 * expr.c - evaluation.
 *
 * Evaluation is a function from a node to one value, nothing, or an error.
 * It recurses as deep as the expression is nested, which is bounded, and
 * runs along chains of `and`, `or` and `//`.  A construct that yields
 * several values gets a second function beside eval, which hands each one
 * to a callback; for nodes that yield one it calls eval.
 */
#include "expr-impl.h"

#include <stdio.h>

#include "num.h"

static const struct ks_val nil = { .type = KS_NIL };

/* An integer, or what is no plain decimal of 15 digits. */
static void decode_odd_number(const unsigned char *p, const unsigned char *end, struct ks_val *v)
{
	bool negative = *p == '-';
	const unsigned char *q = p + negative;
	uint64_t u = 0;
	unsigned digit;

	for (; q < end && (digit = (unsigned)*q - '0') <= 9; q++)
		if (__builtin_mul_overflow(u, 10u, &u) || __builtin_add_overflow(u, digit, &u))
			break;
	if (q < end || (negative && u > (uint64_t)INT64_MAX + 1))
		*v = (struct ks_val){ .type = KS_FLOAT, .d = ks_num_f64(p, (size_t)(end - p)) };
	else if (!negative && u > INT64_MAX)
		*v = (struct ks_val){ .type = KS_UINT, .u = u };
	else
		*v = (struct ks_val){ .type = KS_INT, .i = (int64_t)(negative ? 0 - u : u) };
}

/* Text that the load has checked.  One division of two exact doubles rounds once (Clinger 1990). */
static inline void decode_number(const unsigned char *p, const unsigned char *end,
    struct ks_val *v)
{
	static const double ten[] = {
		1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14,
		1e15,
	};
	bool negative = *p == '-';
	const unsigned char *q = p + negative, *point;
	int64_t x = 0;
	double d;

	if (KS_UNLIKELY(end - q > 16)) {
		decode_odd_number(p, end, v);
		return;
	}
	for (; (unsigned)*q - '0' <= 9; q++)
		x = x * 10 + (*q - '0');
	if (q == end) {
		v->type = KS_INT;
		v->i = negative ? -x : x;
		return;
	}
	point = q + 1;
	for (q = *q == '.' ? point : q; (unsigned)*q - '0' <= 9; q++)
		x = x * 10 + (*q - '0');
	if (KS_UNLIKELY(q != end)) {
		decode_odd_number(p, end, v);
		return;
	}
	d = (double)x / ten[q - point];
	v->type = KS_FLOAT;
	v->d = negative ? -d : d;
}

/* A container: the parser wants padding behind it, and its output must not move. */
static enum ks_yield decode_container(struct ks_expr_set *set, const struct ks_expr_slot *slot,
    struct ks_val *v)
{
	size_t n = (size_t)(slot->end - slot->p);
	unsigned char *text = ks_expr_scratch(set, n + KS_PAD), *copy;
	enum ks_json_error e;

	if (text == NULL)
		return ks_expr_no_scratch(set);
	memcpy(text, slot->p, n);
	memset(text + n, 0, KS_PAD);
	set->packed.n = 0;
	e = ks_json_parse(&set->json, ks_bytes(text, n), &set->packed);
	if (e != KS_JSON_OK)
		return ks_expr_fault(set, ks_json_strerror(e));
	copy = ks_expr_scratch(set, set->packed.n);
	if (copy == NULL)
		return ks_expr_no_scratch(set);
	memcpy(copy, set->packed.p, set->packed.n);
	v->type = *slot->p == '{' ? KS_MAP : KS_ARRAY;
	v->b = ks_bytes(copy, set->packed.n);
	return KS_YIELD;
}

static enum ks_yield decode_text(struct ks_expr_set *set, const struct ks_expr_slot *slot,
    bool escaped, struct ks_val *v)
{
	unsigned char *text;
	size_t n;

	switch (*slot->p) {
	case '"':
		v->type = KS_STR;
		n = (size_t)(slot->end - slot->p) - 2;
		v->b = ks_bytes(slot->p + 1, n);
		if (!escaped)
			return KS_YIELD;
		text = ks_expr_scratch(set, n);
		if (text == NULL)
			return ks_expr_no_scratch(set);
		v->b = ks_bytes(text, ks_scan_unescape(text, slot->p + 1, n));
		return KS_YIELD;
	case '{': case '[':
		return decode_container(set, slot, v);
	case 'n':
		v->type = KS_NIL;
		return KS_YIELD;
	case 't': case 'f':
		v->type = *slot->p == 't' ? KS_TRUE : KS_FALSE;
		return KS_YIELD;
	default:
		decode_number(slot->p, slot->end, v);
		return KS_YIELD;
	}
}

static enum ks_yield decode(struct ks_expr_set *set, uint32_t i)
{
	struct ks_expr_slot *slot = &set->slots[i];
	const unsigned char *p = slot->p;
	enum ks_yield got = KS_YIELD;
	enum ks_mp_error e;

	if (set->states[i] == SLOT_PACKED) {
		e = ks_mp_read(&p, slot->end, set->depth, &slot->v);
		if (KS_UNLIKELY(e != KS_MP_OK))
			return ks_expr_fault(set, ks_mp_strerror(e));
	} else {
		got = decode_text(set, slot, set->states[i] == SLOT_ESCAPED, &slot->v);
	}
	if (KS_LIKELY(got == KS_YIELD))
		set->states[i] = SLOT_DECODED;
	return got;
}

/* The type of what a slot holds, without decoding it. */
static enum ks_type type_of_slot(const struct ks_expr_set *set, uint32_t i)
{
	const struct ks_expr_slot *slot = &set->slots[i];
	struct ks_head head;

	switch (set->states[i]) {
	case SLOT_DECODED:
		return slot->v.type;
	case SLOT_PACKED:
		return ks_mp_head(slot->p, slot->end, &head) == KS_MP_OK ? head.type : KS_NIL;
	default:
		switch (*slot->p) {
		case '{': return KS_MAP;
		case '[': return KS_ARRAY;
		case '"': return KS_STR;
		case 'n': return KS_NIL;
		case 't': case 'f': return KS_TRUE;
		default: return KS_INT;
		}
	}
}

/* jq's words, and as much of the key as fits. */
static enum ks_yield no_index(struct ks_expr_set *set, enum ks_type type, const struct ks_val *step)
{
	struct ks_val v = { .type = type };

	if (step->type != KS_STR)
		snprintf(set->error, sizeof(set->error), "cannot index %s with number",
		    ks_val_typename(&v));
	else
		snprintf(set->error, sizeof(set->error), "cannot index %s with \"%.*s\"",
		    ks_val_typename(&v),
		    (int)ks_utf8_prefix(step->b.p, step->b.n > 200 ? 200 : step->b.n),
		    (const char *)step->b.p);
	return KS_YIELD_ERROR;
}

/*
 * A step on a value of some type: whether it is null without looking
 * (KS_YIELD_NONE: one has to look), or an error.  The one place that knows.
 */
static enum ks_yield may_step(struct ks_expr_set *set, enum ks_type type, const struct ks_val *step)
{
	if (type == KS_NIL)
		return KS_YIELD;
	if (type == (step->type == KS_STR ? KS_MAP : KS_ARRAY))
		return KS_YIELD_NONE;
	return no_index(set, type, step);
}

/* A path that the walk did not meet: what happens at the first step that leads nowhere. */
static enum ks_yield missing(struct ks_expr_set *set, uint32_t node)
{
	const struct ks_expr_node *nodes = set->nodes;
	uint32_t base = nodes[node].lhs;
	enum ks_yield got;

	while (base != KS_EXPR_NONE && set->states[nodes[base].slot] == SLOT_MISSING) {
		node = base;
		base = nodes[node].lhs;
	}
	if (base == KS_EXPR_NONE)
		return KS_YIELD;	/* nothing was loaded since the path was added */
	got = may_step(set, type_of_slot(set, nodes[base].slot),
	    &set->places[nodes[node].slot].step);
	if (got == KS_YIELD_ERROR)
		return nodes[node].optional ? KS_YIELD_NONE : KS_YIELD_ERROR;
	return KS_YIELD;
}

static inline enum ks_yield eval_slot(struct ks_expr_set *set, uint32_t node, const struct ks_val **v)
{
	uint32_t i = set->nodes[node].slot;
	enum ks_yield got;

	if (KS_UNLIKELY(set->states[i] == SLOT_MISSING)) {
		*v = &nil;
		return missing(set, node);
	}
	if (set->states[i] != SLOT_DECODED) {
		got = decode(set, i);
		if (KS_UNLIKELY(got != KS_YIELD))
			return got;
	}
	*v = &set->slots[i].v;
	return KS_YIELD;
}

/* One step into a container that was computed and is sound. */
static enum ks_yield look_up(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *step, struct ks_val *out)
{
	const unsigned char *p, *end = in->b.p + in->b.n;
	enum ks_mp_error e;
	struct ks_head head;
	struct ks_val key;
	bool found = false;
	int64_t index;
	uint32_t i;

	e = ks_mp_head(in->b.p, end, &head);
	p = head.body;
	index = step->type == KS_INT && step->i < 0 ? step->i + head.count : step->i;
	for (i = 0; e == KS_MP_OK && i < head.count && !found; i++) {
		found = step->type == KS_INT && index == i;
		if (step->type == KS_STR) {
			e = ks_mp_read(&p, end, 0, &key);
			found = e == KS_MP_OK && ks_bytes_eq(key.b, step->b);
		}
		if (e == KS_MP_OK)
			e = ks_mp_read(&p, end, set->depth, out);
	}
	if (!found)
		*out = nil;
	return e == KS_MP_OK ? KS_YIELD : ks_expr_fault(set, ks_mp_strerror(e));
}

static enum ks_yield eval(struct ks_expr_set *set, uint32_t node, const struct ks_val *in,
    struct ks_val *out);

/* As eval, but the value may stay where it is; room holds it otherwise. */
static inline enum ks_yield operand(struct ks_expr_set *set, uint32_t node, const struct ks_val *in,
    struct ks_val *room, const struct ks_val **v)
{
	const struct ks_expr_node *n = &set->nodes[node];

	if (n->op == OP_SLOT)
		return eval_slot(set, node, v);
	*v = n->op == OP_LITERAL ? &n->value : n->op == OP_INPUT ? in : room;
	return n->op <= OP_INPUT ? KS_YIELD : eval(set, node, in, room);
}

/* ks_val_cmp, with the pairs that nearly all comparisons are decided in line. */
static inline int compare(const struct ks_val *a, const struct ks_val *b)
{
	double x, y;

	if (a->type == KS_INT && b->type == KS_INT)
		return a->i < b->i ? -1 : a->i > b->i;
	if (a->type == KS_FLOAT && (b->type == KS_FLOAT ||
	    (b->type == KS_INT && b->i < INT64_C(1) << 53 && b->i > -(INT64_C(1) << 53)))) {
		x = a->d;
		y = b->type == KS_FLOAT ? b->d : (double)b->i;
		if (x < y)
			return -1;
		if (x > y)
			return 1;
		if (x == y)
			return 0;
	}
	return ks_val_cmp(a, b);
}

static enum ks_yield eval_comparison(struct ks_expr_set *set, const struct ks_expr_node *n,
    const struct ks_val *in, struct ks_val *out)
{
	struct ks_val left, right;
	const struct ks_val *a, *b;
	enum ks_yield got;
	bool is;
	int c;

	/* jq evaluates the right side first: its error is the one that shows. */
	got = operand(set, n->rhs, in, &right, &b);
	if (KS_UNLIKELY(got != KS_YIELD))
		return got;
	got = operand(set, n->lhs, in, &left, &a);
	if (KS_UNLIKELY(got != KS_YIELD))
		return got;
	if (n->op <= OP_NE && a->type == KS_STR && b->type == KS_STR)
		c = !ks_bytes_eq(a->b, b->b);	/* which is less does not matter */
	else
		c = compare(a, b);
	switch (n->op) {
	case OP_EQ: is = c == 0; break;
	case OP_NE: is = c != 0; break;
	case OP_LT: is = c < 0; break;
	case OP_LE: is = c <= 0; break;
	case OP_GT: is = c > 0; break;
	default: is = c >= 0; break;
	}
	out->type = is ? KS_TRUE : KS_FALSE;
	return KS_YIELD;
}

/* `and` and `or`: stop says which truth ends the chain. */
static enum ks_yield eval_logic(struct ks_expr_set *set, uint32_t node, const struct ks_val *in,
    struct ks_val *out)
{
	uint8_t op = set->nodes[node].op;
	bool is = op == OP_AND, stop = op == OP_OR;
	const struct ks_val *v;
	struct ks_val room;
	enum ks_yield got;
	uint32_t next;

	for (; node != KS_EXPR_NONE && is != stop; node = next) {
		next = set->nodes[node].op == op ? set->nodes[node].rhs : KS_EXPR_NONE;
		got = operand(set, next == KS_EXPR_NONE ? node : set->nodes[node].lhs, in, &room, &v);
		if (KS_UNLIKELY(got != KS_YIELD))
			return got;
		is = ks_val_true(v);
	}
	out->type = is ? KS_TRUE : KS_FALSE;
	return KS_YIELD;
}

/* The first that is neither null nor false, or else the last.  Errors go through, as in jq 1.6. */
static enum ks_yield eval_alternative(struct ks_expr_set *set, uint32_t node, const struct ks_val *in,
    struct ks_val *out)
{
	enum ks_yield got;

	for (; set->nodes[node].op == OP_ALT; node = set->nodes[node].rhs) {
		got = eval(set, set->nodes[node].lhs, in, out);
		if (got != KS_YIELD_NONE && (got != KS_YIELD || ks_val_true(out)))
			return got;
	}
	return eval(set, node, in, out);
}

static enum ks_yield eval_index(struct ks_expr_set *set, const struct ks_expr_node *n,
    const struct ks_val *in, struct ks_val *out)
{
	const struct ks_val *v;
	struct ks_val room;
	enum ks_yield got;

	got = operand(set, n->lhs, in, &room, &v);
	if (got != KS_YIELD)
		return got;
	got = may_step(set, v->type, &n->value);
	if (got == KS_YIELD_NONE)
		return look_up(set, v, &n->value, out);
	*out = nil;
	return got == KS_YIELD_ERROR && n->optional ? KS_YIELD_NONE : got;
}

static enum ks_yield eval(struct ks_expr_set *set, uint32_t node, const struct ks_val *in,
    struct ks_val *out)
{
	const struct ks_expr_node *n = &set->nodes[node];
	const struct ks_val *v;
	struct ks_val room;
	enum ks_yield got;

	switch ((enum ks_expr_op)n->op) {
	case OP_LITERAL: case OP_SLOT: case OP_INPUT:
		got = operand(set, node, in, out, &v);
		if (KS_LIKELY(got == KS_YIELD))
			*out = *v;
		return got;
	case OP_INDEX:
		return eval_index(set, n, in, out);
	case OP_NOT:
		got = operand(set, n->lhs, in, &room, &v);
		if (KS_LIKELY(got == KS_YIELD))
			out->type = ks_val_true(v) ? KS_FALSE : KS_TRUE;
		return got;
	case OP_TRY:
		got = eval(set, n->lhs, in, out);
		return got == KS_YIELD_ERROR ? KS_YIELD_NONE : got;
	case OP_PIPE:
		/* Behind a path, the right side was compiled on it: only whether it leads somewhere counts. */
		got = operand(set, n->lhs, in, &room, &v);
		if (KS_UNLIKELY(got != KS_YIELD))
			return got;
		return eval(set, n->rhs, set->nodes[n->lhs].op == OP_SLOT ? in : v, out);
	case OP_AND: case OP_OR:
		return eval_logic(set, node, in, out);
	case OP_ALT:
		return eval_alternative(set, node, in, out);
	case OP_EQ: case OP_NE: case OP_LT: case OP_LE: case OP_GT: case OP_GE:
		return eval_comparison(set, n, in, out);
	}
	ks_bug("an expression node of no kind");
}

const char *ks_expr_eval(struct ks_expr *e, struct ks_val *v)
{
	enum ks_yield got = eval(e->set, e->node, &nil, v);

	e->nothing = got == KS_YIELD_NONE;
	if (KS_LIKELY(got == KS_YIELD))
		return NULL;
	*v = nil;
	return got == KS_YIELD_NONE ? NULL : e->set->error;
}

bool ks_expr_nothing(const struct ks_expr *e)
{
	return e->nothing;
}
