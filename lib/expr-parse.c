/* SPDX-License-Identifier: MIT */
/*
 * expr-parse.c - from tokens to nodes, by recursive descent.
 *
 * Precedence is jq's, from low to high: | (right), // (right), or, and,
 * comparisons (which do not chain), a sign before a number, postfix.  What
 * jq has and this version has not is refused by name in expr-refuse.c.
 *
 * "." is a node: at first the root of the value, behind a pipe whatever its
 * left side is.  So `.a | .b` is the path .a.b, and only what follows a
 * computed value is looked up when it is evaluated.
 */
#include "expr-impl.h"

static uint32_t parse_pipe(struct ks_expr_parser *x);

static bool is_sign(const struct ks_expr_parser *x, const char *text)
{
	return x->token == TOKEN_SIGN && ks_bytes_is(x->at, text);
}

static bool is_word(const struct ks_expr_parser *x, const char *text)
{
	return x->token == TOKEN_WORD && ks_bytes_is(x->at, text);
}

/* A new node, checked: KS_EXPR_NONE has filled err. */
static uint32_t checked(struct ks_expr_parser *x, uint32_t node)
{
	if (node == KS_EXPR_NONE)
		ks_fail(x->err, KS_TEMP, "no memory for an expression");
	else if (x->set->nodes[node].height > KS_EXPR_DEPTH_MAX)
		ks_expr_wrong(x, x->at.p, "nested deeper than %u levels", KS_EXPR_DEPTH_MAX);
	else
		return node;
	return KS_EXPR_NONE;
}

static uint32_t new_node(struct ks_expr_parser *x, enum ks_expr_op op, uint32_t lhs, uint32_t rhs)
{
	return checked(x, ks_expr_node(x->set, op, lhs, rhs));
}

/* The node a token made, once the token is passed. */
static uint32_t passed(struct ks_expr_parser *x, uint32_t node)
{
	if (node == KS_EXPR_NONE || ks_expr_lex(x) != 0)
		return KS_EXPR_NONE;
	return node;
}

static uint32_t literal(struct ks_expr_parser *x, const struct ks_val *v)
{
	return passed(x, checked(x, ks_expr_literal(x->set, v)));
}

static uint32_t parse_word(struct ks_expr_parser *x)
{
	static const struct {
		const char *word;
		enum ks_type type;
	} table[] = { { "null", KS_NIL }, { "true", KS_TRUE }, { "false", KS_FALSE } };
	uint32_t node;
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (is_word(x, table[i].word))
			return literal(x, &(struct ks_val){ .type = table[i].type });
	if (!is_word(x, "not")) {
		ks_expr_refuse_operand(x);
		return KS_EXPR_NONE;
	}
	node = passed(x, new_node(x, OP_NOT, x->input, KS_EXPR_NONE));
	/* jq would look the field up in a boolean, which fails on every record. */
	if (node != KS_EXPR_NONE && (x->token == TOKEN_FIELD || x->token == TOKEN_DOT ||
	    x->token == TOKEN_VARIABLE || is_sign(x, "("))) {
		ks_expr_wrong(x, x->at.p, "'not' stands behind what it negates: '.a | not'");
		return KS_EXPR_NONE;
	}
	return node;
}

static uint32_t parse_variable(struct ks_expr_parser *x)
{
	static const char *const names[ROOTS] = {
		[ROOT_KEY] = "$key", [ROOT_TS] = "$ts", [ROOT_TOPIC] = "$topic",
		[ROOT_PARTITION] = "$partition", [ROOT_OFFSET] = "$offset",
		[ROOT_HEADERS] = "$headers",
	};
	uint32_t i;

	for (i = ROOT_KEY; i < ROOTS; i++)
		if (ks_bytes_is(x->at, names[i]))
			return passed(x, checked(x, ks_expr_root(x->set, i)));
	ks_expr_refuse_variable(x);
	return KS_EXPR_NONE;
}

static uint32_t step(struct ks_expr_parser *x, uint32_t node, const struct ks_val *v)
{
	return checked(x, ks_expr_step(x->set, node, v));
}

/* jq's own arrays are not longer than this either: what is beyond is out of range in any. */
static int64_t index_of(const struct ks_val *v)
{
	if (v->type == KS_INT)
		return v->i;
	if (v->type == KS_UINT || v->d >= 9e18)
		return INT64_MAX;
	return v->d <= -9e18 ? INT64_MIN : (int64_t)v->d;
}

static struct ks_val negated(const struct ks_val *v)
{
	if (v->type == KS_INT)
		return (struct ks_val){ .type = KS_INT, .i = -v->i };
	if (v->type == KS_UINT && v->u == (uint64_t)INT64_MAX + 1)
		return (struct ks_val){ .type = KS_INT, .i = INT64_MIN };
	return (struct ks_val){ .type = KS_FLOAT, .d = -ks_val_double(v) };
}

/* Behind '[': a constant string or number, and ']'. */
static uint32_t parse_bracket(struct ks_expr_parser *x, uint32_t node)
{
	struct ks_val v;
	bool minus;

	if (ks_expr_lex(x) != 0)
		return KS_EXPR_NONE;
	minus = is_sign(x, "-");
	if (minus && ks_expr_lex(x) != 0)
		return KS_EXPR_NONE;
	v = x->v;
	if (x->token == TOKEN_NUMBER) {
		if (minus)
			v = negated(&v);
		v = (struct ks_val){ .type = KS_INT, .i = index_of(&v) };
	} else if (x->token != TOKEN_STRING || minus) {
		ks_expr_refuse_index(x);
		return KS_EXPR_NONE;
	}
	if (ks_expr_lex(x) != 0)
		return KS_EXPR_NONE;
	if (!is_sign(x, "]")) {
		ks_expr_refuse_index(x);
		return KS_EXPR_NONE;
	}
	return passed(x, step(x, node, &v));
}

/* Steps and question marks behind a term; a path that begins with its dot has no term before it. */
static uint32_t parse_postfix(struct ks_expr_parser *x, uint32_t node, bool begins)
{
	bool stepped = false;	/* node is a step that was made here, and by no '?' yet */

	for (; node != KS_EXPR_NONE; begins = false) {
		if (x->token == TOKEN_DOT) {
			if (ks_expr_lex(x) != 0)
				return KS_EXPR_NONE;
			if (x->token != TOKEN_STRING) {
				if (begins || is_sign(x, "["))
					continue;
				ks_expr_wrong(x, x->at.p, "a name, a string or '[' is missing behind '.'");
				return KS_EXPR_NONE;
			}
			node = passed(x, step(x, node, &x->v));
			stepped = true;
		} else if (x->token == TOKEN_FIELD) {
			node = passed(x, step(x, node, &x->v));
			stepped = true;
		} else if (is_sign(x, "[")) {
			node = parse_bracket(x, node);
			stepped = true;
		} else if (is_sign(x, "?")) {
			if (stepped)
				x->set->nodes[node].optional = true;
			else
				node = new_node(x, OP_TRY, node, KS_EXPR_NONE);
			stepped = false;
			node = passed(x, node);
		} else {
			break;
		}
	}
	return node;
}

static uint32_t parse_parentheses(struct ks_expr_parser *x)
{
	uint32_t node;

	if (++x->depth > KS_EXPR_DEPTH_MAX) {
		ks_expr_wrong(x, x->at.p, "nested deeper than %u levels", KS_EXPR_DEPTH_MAX);
		return KS_EXPR_NONE;
	}
	if (ks_expr_lex(x) != 0)
		return KS_EXPR_NONE;
	node = parse_pipe(x);
	if (node == KS_EXPR_NONE)
		return node;
	if (!is_sign(x, ")")) {
		ks_expr_refuse_operator(x);
		return KS_EXPR_NONE;
	}
	x->depth--;
	return passed(x, node);
}

static uint32_t parse_term(struct ks_expr_parser *x)
{
	uint32_t node;

	switch (x->token) {
	case TOKEN_FIELD:
	case TOKEN_DOT:
		return parse_postfix(x, x->input, true);
	case TOKEN_STRING:
	case TOKEN_NUMBER:
		node = literal(x, &x->v);
		break;
	case TOKEN_WORD:
		node = parse_word(x);
		break;
	case TOKEN_VARIABLE:
		node = parse_variable(x);
		break;
	default:
		if (is_sign(x, "(")) {
			node = parse_parentheses(x);
			break;
		}
		ks_expr_refuse_operand(x);
		return KS_EXPR_NONE;
	}
	return parse_postfix(x, node, false);
}

/* A minus belongs to the number behind it; jq binds it looser, which no literal can tell. */
static uint32_t parse_signed(struct ks_expr_parser *x)
{
	const unsigned char *minus = NULL;
	bool negative = false;
	struct ks_val v;
	uint32_t node;

	while (is_sign(x, "-")) {
		minus = x->at.p;
		negative = !negative;
		if (ks_expr_lex(x) != 0)
			return KS_EXPR_NONE;
	}
	if (minus != NULL && x->token != TOKEN_NUMBER) {
		ks_expr_wrong(x, minus, "arithmetic '-' is not supported; a minus stands before a "
		    "number only");
		return KS_EXPR_NONE;
	}
	if (!negative)
		return parse_term(x);
	v = negated(&x->v);
	node = literal(x, &v);
	return parse_postfix(x, node, false);
}

static uint32_t parse_comparison(struct ks_expr_parser *x)
{
	static const struct {
		const char *sign;
		enum ks_expr_op op;
	} table[] = {
		{ "==", OP_EQ }, { "!=", OP_NE }, { "<", OP_LT }, { "<=", OP_LE }, { ">", OP_GT },
		{ ">=", OP_GE },
	};
	uint32_t lhs = parse_signed(x), rhs;
	size_t i;

	for (i = 0; lhs != KS_EXPR_NONE && i < sizeof(table) / sizeof(table[0]); i++) {
		if (!is_sign(x, table[i].sign))
			continue;
		if (ks_expr_lex(x) != 0)
			return KS_EXPR_NONE;
		rhs = parse_signed(x);
		return rhs == KS_EXPR_NONE ? rhs : new_node(x, table[i].op, lhs, rhs);
	}
	return lhs;
}

/* Operators that are parsed as a chain: `a or b or c` nests to the right, however long. */
static const struct level {
	enum ks_expr_op op;
	const char *text;
} levels[] = { { OP_ALT, "//" }, { OP_OR, "or" }, { OP_AND, "and" } };

static uint32_t parse_level(struct ks_expr_parser *x, size_t level)
{
	struct ks_expr_set *set = x->set;
	uint32_t first, last = KS_EXPR_NONE, node, rhs;
	uint16_t height;

	if (level == sizeof(levels) / sizeof(levels[0]))
		return parse_comparison(x);
	first = parse_level(x, level + 1);
	while (first != KS_EXPR_NONE &&
	    (is_sign(x, levels[level].text) || is_word(x, levels[level].text))) {
		rhs = ks_expr_lex(x) != 0 ? KS_EXPR_NONE : parse_level(x, level + 1);
		if (rhs == KS_EXPR_NONE)
			return rhs;
		node = new_node(x, levels[level].op, last == KS_EXPR_NONE ? first :
		    set->nodes[last].rhs, rhs);
		if (node == KS_EXPR_NONE)
			return node;
		if (last == KS_EXPR_NONE) {
			first = node;
		} else {
			height = set->nodes[node].height;
			set->nodes[last].rhs = node;
			if (set->nodes[first].height < height)
				set->nodes[first].height = height;
		}
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

static uint32_t parse_pipe(struct ks_expr_parser *x)
{
	const struct ks_expr_node *nodes;
	uint32_t outer = x->input, lhs, rhs;

	lhs = parse_level(x, 0);
	while (lhs != KS_EXPR_NONE && is_sign(x, "|")) {
		if (x->set->nodes[lhs].op != OP_SLOT)
			x->input = new_node(x, OP_INPUT, KS_EXPR_NONE, KS_EXPR_NONE);
		else
			x->input = lhs;
		if (x->input == KS_EXPR_NONE || ks_expr_lex(x) != 0)
			return KS_EXPR_NONE;
		rhs = parse_level(x, 0);
		x->input = outer;
		if (rhs == KS_EXPR_NONE)
			return rhs;
		/* What cannot fail need not be asked, and a path asks for all it begins with. */
		nodes = x->set->nodes;
		if (nodes[lhs].op == OP_INPUT || (nodes[lhs].op == OP_SLOT &&
		    (nodes[lhs].lhs == KS_EXPR_NONE || continues(x->set, lhs, rhs))))
			lhs = rhs;
		else
			lhs = new_node(x, OP_PIPE, lhs, rhs);
	}
	return lhs;
}

uint32_t ks_expr_parse(struct ks_expr_parser *x)
{
	uint32_t node;

	x->at = ks_bytes(x->text.p, 0);
	x->depth = 0;
	x->input = checked(x, ks_expr_root(x->set, ROOT_VALUE));
	if (x->input == KS_EXPR_NONE || ks_expr_lex(x) != 0)
		return KS_EXPR_NONE;
	if (x->token == TOKEN_END) {
		ks_expr_wrong(x, x->text.p, "the expression is empty; '.' is the value itself");
		return KS_EXPR_NONE;
	}
	node = parse_pipe(x);
	if (node != KS_EXPR_NONE && x->token != TOKEN_END) {
		ks_expr_refuse_operator(x);
		return KS_EXPR_NONE;
	}
	return node;
}
