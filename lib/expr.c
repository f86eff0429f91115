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

#include "num.h"

/* What most expressions spend their time in; all that is rarer is kept out of its way. */
#define INLINE static inline __attribute__((always_inline))
#define APART static __attribute__((noinline))

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

APART enum ks_yield decode_text(struct ks_expr_set *set, const struct ks_expr_slot *slot,
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

INLINE enum ks_yield decode(struct ks_expr_set *set, uint32_t i)
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
	if (set->states[i] != SLOT_DECODED) {
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

static inline bool truth(enum ks_expr_op op, int c)
{
	switch (op) {
	case OP_EQ: return c == 0;
	case OP_NE: return c != 0;
	case OP_LT: return c < 0;
	case OP_LE: return c <= 0;
	case OP_GT: return c > 0;
	default: return c >= 0;
	}
}

static inline bool compares(enum ks_expr_op op, const struct ks_val *a, const struct ks_val *b)
{
	if (op <= OP_NE && a->type == KS_STR && b->type == KS_STR)
		return truth(op, !ks_bytes_eq(a->b, b->b));	/* which is less does not matter */
	return truth(op, compare(a, b));
}

bool ks_expr_compares(enum ks_expr_op op, const struct ks_val *a, const struct ks_val *b)
{
	return compares(op, a, b);
}

enum ks_yield ks_expr_compared(struct ks_expr_set *set, enum ks_expr_op op, const struct ks_val *a,
    const struct ks_val *b, struct ks_val *out)
{
	enum ks_yield got;
	int c;

	/* A loop over what is large must find its limit. */
	if (KS_UNLIKELY(a->type >= KS_STR && (a->type >= KS_ARRAY || a->b.n > 1024))) {
		got = ks_expr_cmp(set, a, b, &c);
		out->type = truth(op, c) ? KS_TRUE : KS_FALSE;
		return got;
	}
	out->type = compares(op, a, b) ? KS_TRUE : KS_FALSE;
	return KS_YIELD;
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
	return ks_expr_compared(set, n->op, a, b, out);
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
	enum ks_yield got = operand(set, n->lhs, in, &room, &v);

	if (KS_UNLIKELY(got != KS_YIELD))
		return got;
	if (n->op == OP_IF)
		return eval(set, ks_val_true(v) ? n->rhs : n->slot, in, out);
	/* Behind a path, the right side was compiled on it: only whether it leads somewhere counts. */
	if (n->op == OP_PIPE)
		return eval(set, n->rhs, set->nodes[n->lhs].op == OP_SLOT ? in : v, out);
	out->type = ks_val_true(v) ? KS_FALSE : KS_TRUE;
	return KS_YIELD;
}

static enum ks_yield eval(struct ks_expr_set *set, uint32_t node, const struct ks_val *in,
    struct ks_val *out)
{
	const struct ks_expr_node *n = &set->nodes[node];
	const struct ks_val *v;
	enum ks_yield got;

	switch ((enum ks_expr_op)n->op) {
	case OP_LITERAL: case OP_SLOT: case OP_INPUT: case OP_VARIABLE:
		got = operand(set, node, in, out, &v);
		if (KS_LIKELY(got == KS_YIELD))
			*out = *v;
		return got;
	case OP_OBJECT:
		if (KS_LIKELY(n->keys != NULL))
			return ks_expr_plain_object(set, n, in, out);
		return ks_expr_value_rare(set, node, in, out);
	case OP_INDEX:
		return eval_index(set, n, in, out);
	case OP_NOT: case OP_PIPE: case OP_IF:
		return eval_over(set, n, in, out);
	case OP_AND: case OP_OR:
		return eval_logic(set, node, in, out);
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

const char *ks_expr_eval(struct ks_expr *e, struct ks_val *v)
{
	struct ks_expr_set *set = e->set;
	enum ks_yield got;

	ks_expr_begin(set);
	got = KS_LIKELY(set->nodes[e->node].single) ? eval(set, e->node, &ks_expr_nil, v) :
	    ks_expr_only(set, e->node, v);
	e->nothing = got == KS_YIELD_NONE;
	if (KS_LIKELY(got == KS_YIELD))
		return NULL;
	*v = ks_expr_nil;
	return got == KS_YIELD_NONE ? NULL : ks_expr_why(set, got);
}

const char *ks_expr_any(struct ks_expr *e, bool *any)
{
	struct ks_expr_set *set = e->set;
	enum ks_yield got;
	struct ks_val v;

	ks_expr_begin(set);
	if (KS_LIKELY(set->nodes[e->node].single)) {
		got = eval(set, e->node, &ks_expr_nil, &v);
		*any = got == KS_YIELD && ks_val_true(&v);
	} else {
		got = ks_expr_some(set, e->node, any);
	}
	return KS_LIKELY(got == KS_YIELD || got == KS_YIELD_NONE) ? NULL : ks_expr_why(set, got);
}

bool ks_expr_nothing(const struct ks_expr *e)
{
	return e->nothing;
}

bool ks_expr_single(const struct ks_expr *e)
{
	return e->set->nodes[e->node].single;
}
