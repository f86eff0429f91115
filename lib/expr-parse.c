/* SPDX-License-Identifier: MIT */
/*
 * expr-parse.c - from tokens to nodes, by recursive descent: operators.
 *
 * Precedence is jq's, from low to high: | (right) with `as`, comma, // (right),
 * = and its kin (which do not chain), or, and, comparisons (nor these), + -,
 * * / %, a sign, postfix.  What jq has and this language has not is refused by
 * name in expr-refuse.c.
 *
 * "." is a node: at first the root of the value, behind a pipe whatever its
 * left side is.  So `.a | .b` is the path .a.b, and only what follows a
 * computed value is looked up when it is evaluated.
 */
#include "expr-impl.h"

bool ks_expr_is_sign(const struct ks_expr_parser *x, const char *text)
{
	return x->token == TOKEN_SIGN && ks_bytes_is(x->at, text);
}

bool ks_expr_is_word(const struct ks_expr_parser *x, const char *text)
{
	return x->token == TOKEN_WORD && ks_bytes_is(x->at, text);
}

/* A new node, checked: KS_EXPR_NONE has filled err. */
uint32_t ks_expr_checked(struct ks_expr_parser *x, uint32_t node)
{
	if (node == KS_EXPR_NONE && x->set->node_count == KS_EXPR_NODES_MAX)
		ks_expr_wrong(x, x->at.p, "the expression is too large");
	else if (node == KS_EXPR_NONE)
		ks_fail(x->err, KS_TEMP, "no memory for an expression");
	else if (x->set->nodes[node].height > KS_EXPR_DEPTH_MAX)
		ks_expr_wrong(x, x->at.p, "nested deeper than %u levels", KS_EXPR_DEPTH_MAX);
	else
		return node;
	return KS_EXPR_NONE;
}

uint32_t ks_expr_made(struct ks_expr_parser *x, enum ks_expr_op op, uint32_t lhs, uint32_t rhs)
{
	return ks_expr_checked(x, ks_expr_node(x->set, op, lhs, rhs));
}

/* The node a token made, once the token is passed. */
uint32_t ks_expr_passed(struct ks_expr_parser *x, uint32_t node)
{
	if (node == KS_EXPR_NONE || ks_expr_lex(x) != 0)
		return KS_EXPR_NONE;
	return node;
}

/* Operators that associate to the left. */
struct operator {
	const char *sign;
	enum ks_expr_op op;
};

static const struct operator sums[] = { { "+", OP_ADD }, { "-", OP_SUB }, { NULL, OP_EMPTY } };
static const struct operator products[] = {
	{ "*", OP_MUL }, { "/", OP_DIV }, { "%", OP_MOD }, { NULL, OP_EMPTY },
};
static const struct operator comparisons[] = {
	{ "==", OP_EQ }, { "!=", OP_NE }, { "<", OP_LT }, { "<=", OP_LE }, { ">", OP_GT },
	{ ">=", OP_GE }, { NULL, OP_EMPTY },
};

static const struct operator *find(const struct ks_expr_parser *x, const struct operator *table)
{
	for (; table->sign != NULL; table++)
		if (ks_expr_is_sign(x, table->sign))
			return table;
	return NULL;
}

static uint32_t parse_product(struct ks_expr_parser *x)
{
	uint32_t lhs = ks_expr_term(x), rhs;
	const struct operator *o;

	while (lhs != KS_EXPR_NONE && (o = find(x, products)) != NULL) {
		rhs = ks_expr_lex(x) != 0 ? KS_EXPR_NONE : ks_expr_term(x);
		lhs = rhs == KS_EXPR_NONE ? rhs : ks_expr_made(x, o->op, lhs, rhs);
	}
	return lhs;
}

static uint32_t parse_sum(struct ks_expr_parser *x)
{
	uint32_t lhs = parse_product(x), rhs;
	const struct operator *o;

	while (lhs != KS_EXPR_NONE && (o = find(x, sums)) != NULL) {
		rhs = ks_expr_lex(x) != 0 ? KS_EXPR_NONE : parse_product(x);
		lhs = rhs == KS_EXPR_NONE ? rhs : ks_expr_made(x, o->op, lhs, rhs);
	}
	return lhs;
}

static uint32_t parse_comparison(struct ks_expr_parser *x)
{
	uint32_t lhs = parse_sum(x), rhs;
	const struct operator *o = lhs == KS_EXPR_NONE ? NULL : find(x, comparisons);

	if (o == NULL)
		return lhs;
	if (ks_expr_lex(x) != 0)
		return KS_EXPR_NONE;
	rhs = parse_sum(x);
	return rhs == KS_EXPR_NONE ? rhs : ks_expr_made(x, o->op, lhs, rhs);
}

/* Operators that are parsed as a chain: `a or b or c` nests to the right, however long. */
static const struct level {
	enum ks_expr_op op;
	const char *text;
} levels[] = { { OP_COMMA, "," }, { OP_ALT, "//" }, { OP_OR, "or" }, { OP_AND, "and" } };

enum { LEVEL_COMMA, LEVEL_ALT, LEVEL_OR, LEVEL_AND, LEVELS };

static uint32_t parse_level(struct ks_expr_parser *x, unsigned level);

static const struct update {
	const char *sign;
	enum ks_expr_op op;
} updates[] = {
	{ "=", OP_EMPTY }, { "|=", OP_INPUT }, { "+=", OP_ADD }, { "-=", OP_SUB }, { "*=", OP_MUL },
	{ "/=", OP_DIV }, { "%=", OP_MOD }, { "//=", OP_ALT },
};

static const struct update *find_update(const struct ks_expr_parser *x)
{
	size_t i;

	for (i = 0; i < sizeof(updates) / sizeof(updates[0]); i++)
		if (ks_expr_is_sign(x, updates[i].sign))
			return &updates[i];
	return NULL;
}

/* The program of paths before an update, read again: its "." is no slot. */
static uint32_t parse_paths(struct ks_expr_parser *x, const unsigned char *at)
{
	uint32_t outer = x->input, node;

	x->input = ks_expr_made(x, OP_INPUT, KS_EXPR_NONE, KS_EXPR_NONE);
	if (x->input == KS_EXPR_NONE || ks_expr_lex_at(x, at) != 0)
		return KS_EXPR_NONE;
	node = parse_level(x, LEVEL_OR);
	x->input = outer;
	return node;
}

/*
 * `a |= f` is _modify(a; f).  `a = b` and `a += b` first take b of the whole
 * value, so they are `b as $x | _assign(a; $x)` and `b as $x | _modify(a; . + $x)`.
 */
static uint32_t parse_update(struct ks_expr_parser *x, const unsigned char *at)
{
	uint32_t outer = x->input, args[2], rhs, slot, input;
	const struct update *u;

	args[0] = parse_paths(x, at);
	u = args[0] == KS_EXPR_NONE ? NULL : find_update(x);
	if (u == NULL || ks_expr_lex(x) != 0)
		return KS_EXPR_NONE;
	input = ks_expr_made(x, OP_INPUT, KS_EXPR_NONE, KS_EXPR_NONE);
	if (input == KS_EXPR_NONE)
		return input;
	if (u->op == OP_INPUT)
		x->input = input;
	rhs = parse_level(x, LEVEL_OR);
	x->input = outer;
	if (rhs == KS_EXPR_NONE)
		return rhs;
	args[1] = rhs;
	if (u->op == OP_INPUT)
		return ks_expr_call(x, "_modify", args, 2);
	slot = ks_expr_register(x->set);
	args[1] = slot == KS_EXPR_NONE ? slot :
	    ks_expr_made(x, OP_VARIABLE, KS_EXPR_NONE, KS_EXPR_NONE);
	if (args[1] == KS_EXPR_NONE)
		return ks_expr_checked(x, args[1]);
	x->set->nodes[args[1]].slot = slot;
	if (u->op != OP_EMPTY)
		args[1] = ks_expr_made(x, u->op, input, args[1]);
	if (args[1] == KS_EXPR_NONE)
		return args[1];
	input = ks_expr_call(x, u->op == OP_EMPTY ? "_assign" : "_modify", args, 2);
	return input == KS_EXPR_NONE ? input : ks_expr_bind(x, rhs, slot, input);
}

static uint32_t parse_assignment(struct ks_expr_parser *x)
{
	const unsigned char *at = x->at.p;
	uint32_t node = parse_level(x, LEVEL_OR);

	if (node == KS_EXPR_NONE || find_update(x) == NULL)
		return node;
	node = parse_update(x, at);
	if (node != KS_EXPR_NONE && find_update(x) != NULL) {
		ks_expr_wrong(x, x->at.p, "updates do not chain; put the first in parentheses");
		return KS_EXPR_NONE;
	}
	return node;
}

static uint32_t parse_above(struct ks_expr_parser *x, unsigned level)
{
	if (level == LEVEL_ALT)
		return parse_assignment(x);
	return level + 1 == LEVELS ? parse_comparison(x) : parse_level(x, level + 1);
}

static uint32_t parse_level(struct ks_expr_parser *x, unsigned level)
{
	struct ks_expr_set *set = x->set;
	uint32_t first, last = KS_EXPR_NONE, several = KS_EXPR_NONE, node, rhs;
	const char *text = levels[level].text;

	first = parse_above(x, level);
	while (first != KS_EXPR_NONE && (ks_expr_is_sign(x, text) || ks_expr_is_word(x, text))) {
		rhs = ks_expr_lex(x) != 0 ? KS_EXPR_NONE : parse_above(x, level);
		/* `1, 2 as $x | ...`: of the 2 alone, with all that follows. */
		if (rhs != KS_EXPR_NONE && level == LEVEL_COMMA && ks_expr_is_word(x, "as"))
			rhs = ks_expr_binding(x, rhs);
		if (rhs == KS_EXPR_NONE)
			return rhs;
		node = ks_expr_made(x, levels[level].op, last == KS_EXPR_NONE ? first :
		    set->nodes[last].rhs, rhs);
		if (node == KS_EXPR_NONE)
			return node;
		if (last == KS_EXPR_NONE) {
			first = several = node;
		} else {
			ks_expr_weigh(set, first, node);
			set->nodes[last].rhs = node;
			if (set->nodes[first].height < set->nodes[node].height)
				set->nodes[first].height = set->nodes[node].height;
		}
		/* A link yields what those behind it do. */
		if (!set->nodes[node].single)
			for (; several != node; several = set->nodes[several].rhs)
				set->nodes[several].single = false;
		last = node;
	}
	return first;
}

/* Whether path is lhs, or a step or more behind it. */
static bool continues(const struct ks_expr_set *set, uint32_t lhs, uint32_t path)
{
	while (path != lhs && set->nodes[path].op == OP_SLOT &&
	    set->nodes[path].lhs != KS_EXPR_NONE)
		path = set->nodes[path].lhs;
	return path == lhs;
}

/* What stands between pipes, by level; a binding takes all that follows. */
static uint32_t parse_stage(struct ks_expr_parser *x, unsigned level)
{
	uint32_t node = parse_level(x, level);

	if (node != KS_EXPR_NONE && level == LEVEL_COMMA && ks_expr_is_word(x, "as"))
		return ks_expr_binding(x, node);
	return node;
}

static uint32_t parse_pipe(struct ks_expr_parser *x, unsigned level)
{
	const struct ks_expr_node *nodes;
	uint32_t outer = x->input, lhs, rhs;

	lhs = parse_stage(x, level);
	while (lhs != KS_EXPR_NONE && ks_expr_is_sign(x, "|")) {
		if (x->set->nodes[lhs].op != OP_SLOT)
			x->input = ks_expr_made(x, OP_INPUT, KS_EXPR_NONE, KS_EXPR_NONE);
		else
			x->input = lhs;
		if (x->input == KS_EXPR_NONE || ks_expr_lex(x) != 0)
			return KS_EXPR_NONE;
		rhs = parse_stage(x, level);
		x->input = outer;
		if (rhs == KS_EXPR_NONE)
			return rhs;
		/* What cannot fail need not be asked, and a path asks for all it begins with. */
		nodes = x->set->nodes;
		if (nodes[lhs].op == OP_INPUT || (nodes[lhs].op == OP_SLOT &&
		    (nodes[lhs].lhs == KS_EXPR_NONE || continues(x->set, lhs, rhs))))
			lhs = rhs;
		else
			lhs = ks_expr_made(x, OP_PIPE, lhs, rhs);
	}
	return lhs;
}

static uint32_t deeper(struct ks_expr_parser *x, unsigned level)
{
	uint32_t node;

	if (++x->depth > KS_EXPR_DEPTH_MAX) {
		ks_expr_wrong(x, x->at.p, "nested deeper than %u levels", KS_EXPR_DEPTH_MAX);
		return KS_EXPR_NONE;
	}
	node = parse_pipe(x, level);
	x->depth--;
	return node;
}

uint32_t ks_expr_query(struct ks_expr_parser *x)
{
	return deeper(x, LEVEL_COMMA);
}

uint32_t ks_expr_value_of_key(struct ks_expr_parser *x)
{
	return deeper(x, LEVEL_ALT);
}

uint32_t ks_expr_parse(struct ks_expr_parser *x)
{
	uint32_t node;

	x->at = ks_bytes(x->text.p, 0);
	x->depth = 0;
	x->input = ks_expr_checked(x, ks_expr_root(x->set, ROOT_VALUE));
	if (x->input == KS_EXPR_NONE || ks_expr_lex(x) != 0)
		return KS_EXPR_NONE;
	if (x->token == TOKEN_END) {
		ks_expr_wrong(x, x->text.p, "the expression is empty; '.' is the value itself");
		return KS_EXPR_NONE;
	}
	node = parse_pipe(x, LEVEL_COMMA);
	if (node != KS_EXPR_NONE && x->token != TOKEN_END) {
		ks_expr_refuse_operator(x);
		return KS_EXPR_NONE;
	}
	return node;
}
