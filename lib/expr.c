/* SPDX-License-Identifier: MIT */
/*
 * expr.c - evaluation of what yields one value.
 *
 * Evaluation is a function from a node to one value, nothing, or an error.
 * It recurses as deep as the expression is nested, which is bounded, and
 * runs along chains of `and`, `or` and `//`.  Here is what nearly all
 * expressions are made of; what is rare or builds something is in
 * expr-one.c, and what yields several values in expr-each.c.
 */
#include "expr-impl.h"

/* What most expressions spend their time in; all that is rarer is kept out of its way. */
#define INLINE static inline __attribute__((always_inline))
#define APART static __attribute__((noinline))

/* The type of what a slot holds, without decoding it. */
static enum ks_type type_of_slot(const struct ks_expr_set *set, uint32_t i)
{
	const struct ks_expr_slot *slot = &set->slots[i];
	struct ks_head head;

	switch (set->states[i]) {
	case SLOT_DECODED:
		return slot->v.type;
	case SLOT_PACKED: case SLOT_WHOLE:
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

INLINE enum ks_yield decode(struct ks_expr_set *set, uint32_t i)
{
	struct ks_expr_slot *slot = &set->slots[i];
	const unsigned char *p = slot->p;
	enum ks_yield got = KS_YIELD;
	enum ks_mp_error e;

	if (set->states[i] == SLOT_PACKED && KS_LIKELY(ks_mp_read_quick(p, (size_t)(slot->end - p), &slot->v))) {
		set->states[i] = SLOT_DECODED;
		return KS_YIELD;
	}
	if (set->states[i] == SLOT_WHOLE) {
		slot->v.type = type_of_slot(set, i);
		slot->v.b = ks_bytes(p, (size_t)(slot->end - p));
	} else if (set->states[i] == SLOT_PACKED) {
		e = ks_mp_read(&p, slot->end, set->depth, &slot->v);
		if (KS_UNLIKELY(e != KS_MP_OK))
			return ks_expr_fault(set, ks_mp_strerror(e));
	} else {
		got = ks_expr_decode_text(set, slot, set->states[i] == SLOT_ESCAPED, &slot->v);
	}
	if (KS_LIKELY(got == KS_YIELD))
		set->states[i] = SLOT_DECODED;
	return got;
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
	got = ks_expr_may_step(set, type_of_slot(set, nodes[base].slot),
	    &set->places[nodes[node].slot].step);
	if (got == KS_YIELD_ERROR) {
		set->error_node = node;
		return nodes[node].optional ? KS_YIELD_NONE : KS_YIELD_ERROR;
	}
	return KS_YIELD;
}

INLINE enum ks_yield eval_slot(struct ks_expr_set *set, uint32_t node, const struct ks_val **v)
{
	uint32_t i = set->nodes[node].slot;
	enum ks_yield got;

	if (KS_UNLIKELY(set->states[i] == SLOT_MISSING)) {
		*v = &ks_expr_nil;
		return missing(set, node);
	}
	if (set->states[i] < SLOT_BOTH) {
		got = decode(set, i);
		if (KS_UNLIKELY(got != KS_YIELD))
			return got;
	}
	*v = &set->slots[i].v;
	return KS_YIELD;
}

static enum ks_yield eval(struct ks_expr_set *set, uint32_t node, const struct ks_val *in,
    struct ks_val *out);

/* As eval, but the value may stay where it is; room holds it otherwise. */
INLINE enum ks_yield operand(struct ks_expr_set *set, uint32_t node, const struct ks_val *in,
    struct ks_val *room, const struct ks_val **v)
{
	const struct ks_expr_node *n = &set->nodes[node];

	if (n->op == OP_SLOT)
		return eval_slot(set, node, v);
	*v = n->op == OP_LITERAL ? &n->value : n->op == OP_INPUT ? in :
	    n->op == OP_VARIABLE ? &set->registers[n->slot] : room;
	return n->op <= OP_VARIABLE ? KS_YIELD : eval(set, node, in, room);
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

static inline bool compares(enum ks_expr_op op, const struct ks_val *a, const struct ks_val *b)
{
	int c;

	if (op <= OP_NE && a->type == KS_STR && b->type == KS_STR)
		c = !ks_bytes_eq(a->b, b->b);	/* which is less does not matter */
	else
		c = compare(a, b);
	switch (op) {
	case OP_EQ: return c == 0;
	case OP_NE: return c != 0;
	case OP_LT: return c < 0;
	case OP_LE: return c <= 0;
	case OP_GT: return c > 0;
	default: return c >= 0;
	}
}

bool ks_expr_compares(enum ks_expr_op op, const struct ks_val *a, const struct ks_val *b)
{
	return compares(op, a, b);
}

static inline bool is_large(const struct ks_val *v)
{
	return v->type >= KS_STR && (v->type >= KS_ARRAY || v->b.n > KS_EXPR_LARGE);
}

static enum ks_yield eval_comparison(struct ks_expr_set *set, const struct ks_expr_node *n,
    const struct ks_val *in, struct ks_val *out)
{
	struct ks_val left, right;
	const struct ks_val *a, *b;
	enum ks_yield got;

	/* jq evaluates the right side first: its error is the one that shows. */
	got = operand(set, n->rhs, in, &right, &b);
	if (KS_UNLIKELY(got != KS_YIELD))
		return got;
	got = operand(set, n->lhs, in, &left, &a);
	if (KS_UNLIKELY(got != KS_YIELD))
		return got;
	if (KS_UNLIKELY(is_large(a)))
		return ks_expr_compared(set, n->op, a, b, out);
	out->type = compares(n->op, a, b) ? KS_TRUE : KS_FALSE;
	return KS_YIELD;
}

/* The value of a literal or of a path, where it stands; NULL: it is not known yet. */
INLINE const struct ks_val *known_value(const struct ks_expr_set *set, const struct ks_expr_node *n)
{
	if (n->op == OP_LITERAL)
		return &n->value;
	return KS_LIKELY(set->states[n->slot] >= SLOT_BOTH) ? &set->slots[n->slot].v : NULL;
}

/* A comparison of values that need no room, as most are: 1 or 0, or minus why there is no answer. */
APART int compared_in_place(struct ks_expr_set *set, const struct ks_expr_node *n)
{
	const struct ks_val *a, *b;
	enum ks_yield got;
	struct ks_val is;

	got = operand(set, n->rhs, NULL, NULL, &b);
	if (KS_LIKELY(got == KS_YIELD))
		got = operand(set, n->lhs, NULL, NULL, &a);
	if (KS_UNLIKELY(got != KS_YIELD))
		return -(int)got;
	if (KS_LIKELY(!is_large(a)))
		return compares(n->op, a, b);
	got = ks_expr_compared(set, n->op, a, b, &is);
	return got == KS_YIELD ? ks_val_true(&is) : -(int)got;
}

/* Whether a slot holds an array or an object, which it need not be decoded for. */
static inline bool is_container(const struct ks_expr_set *set, uint32_t i)
{
	const unsigned char *p = set->slots[i].p;

	switch (set->states[i]) {
	case SLOT_PACKED: case SLOT_WHOLE:
		return ks_mp_is_container(*p);
	case SLOT_TEXT:
		return *p == '{' || *p == '[';
	default:
		return false;
	}
}

/* Whether the value of a node is true, likewise. */
APART int truth_of_value(struct ks_expr_set *set, uint32_t node, const struct ks_val *in)
{
	const struct ks_val *v;
	struct ks_val room;
	enum ks_yield got;

	if (set->nodes[node].op == OP_SLOT && is_container(set, set->nodes[node].slot))
		return 1;
	got = operand(set, node, in, &room, &v);
	return KS_LIKELY(got == KS_YIELD) ? ks_val_true(v) : -(int)got;
}

static int truth(struct ks_expr_set *set, uint32_t node, const struct ks_val *in)
{
	const struct ks_expr_node *nodes = set->nodes, *n = &nodes[node];
	const struct ks_val *a, *b;
	int is, stop;

	if (n->op >= OP_EQ && n->op <= OP_GE && nodes[n->lhs].op <= OP_SLOT && nodes[n->rhs].op <= OP_SLOT) {
		a = known_value(set, &nodes[n->lhs]);
		b = a != NULL ? known_value(set, &nodes[n->rhs]) : NULL;
		if (b != NULL && KS_LIKELY(!is_large(a)))
			return compares(n->op, a, b);
		return compared_in_place(set, n);
	}
	if (n->op != OP_AND && n->op != OP_OR)
		return truth_of_value(set, node, in);
	/* stop: which truth ends the chain. */
	for (stop = n->op == OP_OR;; n = &nodes[node]) {
		is = truth(set, n->lhs, in);
		node = n->rhs;
		if (is < 0 || is == stop)
			return is;
		if (nodes[node].op != n->op)
			return truth(set, node, in);
	}
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

APART enum ks_yield eval_index(struct ks_expr_set *set, const struct ks_expr_node *n,
    const struct ks_val *in, struct ks_val *out)
{
	const struct ks_val *v;
	struct ks_val room;
	enum ks_yield got;

	got = operand(set, n->lhs, in, &room, &v);
	if (got != KS_YIELD)
		return got;
	got = ks_expr_may_step(set, v->type, &n->value);
	if (got == KS_YIELD_NONE)
		return ks_expr_look_up(set, v, &n->value, out);
	*out = ks_expr_nil;
	if (got == KS_YIELD_ERROR)
		set->error_node = (uint32_t)(n - set->nodes);
	return got == KS_YIELD_ERROR && n->optional ? KS_YIELD_NONE : got;
}

APART enum ks_yield eval_arith(struct ks_expr_set *set, const struct ks_expr_node *n,
    const struct ks_val *in, struct ks_val *out)
{
	struct ks_val left, right;
	const struct ks_val *a, *b;
	enum ks_yield got;

	got = operand(set, n->rhs, in, &right, &b);
	if (KS_LIKELY(got == KS_YIELD))
		got = operand(set, n->lhs, in, &left, &a);
	return KS_LIKELY(got == KS_YIELD) ? ks_expr_arith(set, n->op, a, b, out) : got;
}

APART enum ks_yield eval_over(struct ks_expr_set *set, const struct ks_expr_node *n,
    const struct ks_val *in, struct ks_val *out)
{
	const struct ks_val *v;
	struct ks_val room;
	enum ks_yield got;
	int is;

	/* Behind a path, the right side was compiled on it: only whether it leads somewhere counts. */
	if (n->op == OP_PIPE) {
		got = operand(set, n->lhs, in, &room, &v);
		return KS_LIKELY(got == KS_YIELD) ? eval(set, n->rhs, set->nodes[n->lhs].op == OP_SLOT ? in : v, out) : got;
	}
	is = truth(set, n->lhs, in);
	if (KS_UNLIKELY(is < 0))
		return (enum ks_yield)-is;
	if (n->op == OP_IF)
		return eval(set, is != 0 ? n->rhs : n->slot, in, out);
	out->type = is != 0 ? KS_FALSE : KS_TRUE;
	return KS_YIELD;
}

static enum ks_yield eval(struct ks_expr_set *set, uint32_t node, const struct ks_val *in,
    struct ks_val *out)
{
	const struct ks_expr_node *n = &set->nodes[node];
	const struct ks_val *v;
	enum ks_yield got;
	int is;

	switch ((enum ks_expr_op)n->op) {
	case OP_LITERAL: case OP_SLOT: case OP_INPUT: case OP_VARIABLE:
		got = operand(set, node, in, out, &v);
		if (KS_LIKELY(got == KS_YIELD))
			*out = *v;
		return got;
	case OP_OBJECT:
		if (KS_LIKELY(n->keys != NULL))
			return ks_expr_plain_object(set, n, in, (struct ks_room){ NULL, 0 }, out);
		return ks_expr_value_rare(set, node, in, out);
	case OP_INDEX:
		return eval_index(set, n, in, out);
	case OP_NOT: case OP_PIPE: case OP_IF:
		return eval_over(set, n, in, out);
	case OP_AND: case OP_OR:
		is = truth(set, node, in);
		if (KS_UNLIKELY(is < 0))
			return (enum ks_yield)-is;
		out->type = is != 0 ? KS_TRUE : KS_FALSE;
		return KS_YIELD;
	case OP_ALT:
		return eval_alternative(set, node, in, out);
	case OP_EQ: case OP_NE: case OP_LT: case OP_LE: case OP_GT: case OP_GE:
		return eval_comparison(set, n, in, out);
	case OP_ADD: case OP_SUB: case OP_MUL: case OP_DIV: case OP_MOD:
		return eval_arith(set, n, in, out);
	default:
		return ks_expr_value_rare(set, node, in, out);
	}
}

enum ks_yield ks_expr_value(struct ks_expr_set *set, uint32_t node, const struct ks_val *in,
    struct ks_val *out)
{
	return eval(set, node, in, out);
}

APART const char *eval_whole(struct ks_expr *e, struct ks_val *v)
{
	ks_expr_begin(e->set);
	return ks_expr_answer(e, KS_LIKELY(e->set->nodes[e->node].single) ? eval(e->set, e->node, &ks_expr_nil, v) :
	    ks_expr_only(e->set, e->node, v), v);
}

const char *ks_expr_eval(struct ks_expr *e, struct ks_val *v)
{
	const struct ks_expr_node *n = &e->set->nodes[e->node];

	/* A path whose value is known, as most keys, times and arguments are: nothing is to be evaluated. */
	if (KS_UNLIKELY(n->op != OP_SLOT || e->set->states[n->slot] < SLOT_BOTH))
		return eval_whole(e, v);
	*v = e->set->slots[n->slot].v;
	e->nothing = false;
	return NULL;
}

const char *ks_expr_any(struct ks_expr *e, bool *any)
{
	struct ks_expr_set *set = e->set;
	enum ks_yield got;
	int is;

	ks_expr_begin(set);
	if (KS_LIKELY(set->nodes[e->node].single)) {
		is = truth(set, e->node, &ks_expr_nil);
		*any = is > 0;
		got = KS_LIKELY(is >= 0) ? KS_YIELD : (enum ks_yield)-is;
	} else {
		got = ks_expr_some(set, e->node, any);
	}
	return KS_LIKELY(got == KS_YIELD || got == KS_YIELD_NONE) ? NULL : ks_expr_why(set, got);
}

bool ks_expr_nothing(const struct ks_expr *e)
{
	return e->nothing;
}
