/* SPDX-License-Identifier: MIT */
/*
 * expr-term.c - what operators stand between: paths, literals, strings with
 * what is interpolated in them, arrays, objects, `if` and `try`.
 */
#include "expr-impl.h"

static uint32_t literal(struct ks_expr_parser *x, const struct ks_val *v)
{
	return ks_expr_checked(x, ks_expr_literal(x->set, v));
}

static uint32_t step(struct ks_expr_parser *x, uint32_t node, const struct ks_val *v)
{
	return ks_expr_checked(x, ks_expr_step(x->set, node, v));
}

/* Past a sign or word that must stand here. */
static bool pass(struct ks_expr_parser *x, const char *text)
{
	if (!ks_expr_is_sign(x, text) && !ks_expr_is_word(x, text)) {
		ks_expr_refuse_missing(x, text);
		return false;
	}
	return ks_expr_lex(x) == 0;
}

/* Nodes in a row, while their number is not known. */
#define LIST_MAX 4096u

struct list {
	uint32_t *node, n, cap;
};

static bool add(struct ks_expr_parser *x, struct list *list, uint32_t node)
{
	uint32_t *more;

	if (node == KS_EXPR_NONE)
		return false;
	if (list->n == list->cap) {
		more = list->n >= LIST_MAX ? NULL :
		    ks_arena_get(&x->set->program, (list->cap * 2 + 8) * sizeof(*more));
		if (more == NULL) {
			ks_expr_wrong(x, x->at.p, "more than %u members or pieces", LIST_MAX);
			return false;
		}
		if (list->n > 0)
			memcpy(more, list->node, list->n * sizeof(*more));
		list->node = more;
		list->cap = list->cap * 2 + 8;
	}
	list->node[list->n++] = node;
	return true;
}

/* The token is a string.  fn: what @name in front of it applies to each interpolation. */
uint32_t ks_expr_string_term(struct ks_expr_parser *x, const struct ks_expr_fn *fn)
{
	struct list list = { NULL, 0, 0 };
	bool whole = !x->open;

	if (whole)
		return ks_expr_passed(x, literal(x, &x->v));
	for (;;) {
		if (!add(x, &list, literal(x, &x->v)))
			return KS_EXPR_NONE;
		if (!x->open)
			break;
		if (ks_expr_lex(x) != 0 || !add(x, &list, ks_expr_query(x)))
			return KS_EXPR_NONE;
		if (!ks_expr_is_sign(x, ")")) {
			ks_expr_refuse_missing(x, ")");
			return KS_EXPR_NONE;
		}
		if (ks_expr_lex_string(x) != 0)
			return KS_EXPR_NONE;
	}
	return ks_expr_passed(x, ks_expr_checked(x, ks_expr_node_of(x->set, OP_STRING, KS_EXPR_NONE,
	    fn, list.node, list.n)));
}

static const struct ks_expr_fn *find_format(struct ks_expr_parser *x)
{
	const struct ks_expr_fn *fn = ks_expr_fn_find(x->at, 0);

	if (fn == NULL)
		ks_expr_wrong(x, x->at.p, "unknown format '%.*s'", (int)x->at.n, (const char *)x->at.p);
	return fn;
}

static uint32_t parse_format(struct ks_expr_parser *x)
{
	const struct ks_expr_fn *fn = find_format(x);

	if (fn == NULL || ks_expr_lex(x) != 0)
		return KS_EXPR_NONE;
	if (x->token == TOKEN_STRING)
		return ks_expr_string_term(x, fn);
	return ks_expr_checked(x, ks_expr_node_of(x->set, OP_CALL, x->input, fn, NULL, 0));
}

static struct ks_val negated(const struct ks_val *v)
{
	if (v->type == KS_INT)
		return (struct ks_val){ .type = KS_INT, .i = -v->i };
	if (v->type == KS_UINT && v->u == (uint64_t)INT64_MAX + 1)
		return (struct ks_val){ .type = KS_INT, .i = INT64_MIN };
	return (struct ks_val){ .type = KS_FLOAT, .d = -ks_val_double(v) };
}

/* A step by a value that is known: a string, or a number, which an array takes whole. */
static uint32_t index_by(struct ks_expr_parser *x, uint32_t node, uint32_t key)
{
	const struct ks_expr_node *k = &x->set->nodes[key];
	struct ks_val v = k->value;

	if (k->op != OP_LITERAL || (v.type != KS_STR && !ks_val_number(&v)))
		return ks_expr_made(x, OP_AT, node, key);
	if (v.type != KS_STR)
		v = (struct ks_val){ .type = KS_INT, .i = ks_expr_index_of(&v) };
	return step(x, node, &v);
}

static uint32_t slice(struct ks_expr_parser *x, uint32_t node, uint32_t from)
{
	uint32_t args[2] = { from, KS_EXPR_NONE };

	if (from == KS_EXPR_NONE)
		args[0] = literal(x, &ks_expr_nil);
	if (args[0] == KS_EXPR_NONE || ks_expr_lex(x) != 0)
		return KS_EXPR_NONE;
	args[1] = ks_expr_is_sign(x, "]") && from != KS_EXPR_NONE ? literal(x, &ks_expr_nil) :
	    ks_expr_query(x);
	if (args[1] == KS_EXPR_NONE)
		return KS_EXPR_NONE;
	if (!ks_expr_is_sign(x, "]")) {
		ks_expr_refuse_missing(x, "]");
		return KS_EXPR_NONE;
	}
	return ks_expr_passed(x, ks_expr_checked(x,
	    ks_expr_node_of(x->set, OP_SLICE, node, NULL, args, 2)));
}

/* Behind a term, at '['. */
static uint32_t parse_bracket(struct ks_expr_parser *x, uint32_t node)
{
	uint32_t key;

	if (ks_expr_lex(x) != 0)
		return KS_EXPR_NONE;
	if (ks_expr_is_sign(x, "]"))
		return ks_expr_passed(x, ks_expr_made(x, OP_ITERATE, node, KS_EXPR_NONE));
	if (ks_expr_is_sign(x, ":"))
		return slice(x, node, KS_EXPR_NONE);
	key = ks_expr_query(x);
	if (key == KS_EXPR_NONE)
		return key;
	if (ks_expr_is_sign(x, ":"))
		return slice(x, node, key);
	if (!ks_expr_is_sign(x, "]")) {
		ks_expr_refuse_missing(x, "]");
		return KS_EXPR_NONE;
	}
	return ks_expr_passed(x, index_by(x, node, key));
}

/* Behind '.': a string, '[', or, where the path begins, nothing. */
static uint32_t parse_dot(struct ks_expr_parser *x, uint32_t node, bool begins, bool *stepped)
{
	uint32_t key;

	if (ks_expr_lex(x) != 0)
		return KS_EXPR_NONE;
	if (x->token == TOKEN_STRING) {
		*stepped = true;
		key = ks_expr_string_term(x, NULL);
		return key == KS_EXPR_NONE ? key : index_by(x, node, key);
	}
	if (begins || ks_expr_is_sign(x, "["))
		return node;
	ks_expr_wrong(x, x->at.p, "a name, a string or '[' is missing behind '.'");
	return KS_EXPR_NONE;
}

/* `?` behind a step ignores the error of that step; behind anything else, any of its errors. */
static uint32_t parse_question(struct ks_expr_parser *x, uint32_t node, bool stepped)
{
	if (stepped)
		x->set->nodes[node].optional = true;
	else
		node = ks_expr_made(x, OP_TRY, node, KS_EXPR_NONE);
	return ks_expr_passed(x, node);
}

/* Steps and question marks behind a term; a path that begins with its dot has no term before it. */
static uint32_t parse_postfix(struct ks_expr_parser *x, uint32_t node, bool begins)
{
	bool stepped = false;	/* node is a step that was made here, and by no '?' yet */

	for (; node != KS_EXPR_NONE; begins = false) {
		if (x->token == TOKEN_DOT) {
			node = parse_dot(x, node, begins, &stepped);
		} else if (x->token == TOKEN_FIELD) {
			node = ks_expr_passed(x, step(x, node, &x->v));
			stepped = true;
		} else if (ks_expr_is_sign(x, "[")) {
			node = parse_bracket(x, node);
			stepped = true;
		} else if (ks_expr_is_sign(x, "?")) {
			node = parse_question(x, node, stepped);
			stepped = false;
		} else {
			break;
		}
	}
	return node;
}

static uint32_t parse_parentheses(struct ks_expr_parser *x)
{
	uint32_t node;

	if (ks_expr_lex(x) != 0)
		return KS_EXPR_NONE;
	node = ks_expr_query(x);
	if (node == KS_EXPR_NONE)
		return node;
	if (!ks_expr_is_sign(x, ")")) {
		ks_expr_refuse_operator(x);
		return KS_EXPR_NONE;
	}
	return ks_expr_passed(x, node);
}

static uint32_t parse_array(struct ks_expr_parser *x)
{
	uint32_t node = KS_EXPR_NONE;

	if (ks_expr_lex(x) != 0)
		return KS_EXPR_NONE;
	if (!ks_expr_is_sign(x, "]")) {
		node = ks_expr_query(x);
		if (node == KS_EXPR_NONE)
			return node;
	}
	if (!ks_expr_is_sign(x, "]")) {
		ks_expr_refuse_missing(x, "]");
		return KS_EXPR_NONE;
	}
	return ks_expr_passed(x, ks_expr_made(x, OP_ARRAY, node, KS_EXPR_NONE));
}

/* A key: *value is what it stands for where no ':' follows; KS_EXPR_NONE: ':' must follow. */
static uint32_t parse_key(struct ks_expr_parser *x, uint32_t *value)
{
	struct ks_val name = { .type = KS_STR, .b = x->at };
	uint32_t key;

	*value = KS_EXPR_NONE;
	if (ks_expr_is_sign(x, "("))
		return parse_parentheses(x);
	if (x->token == TOKEN_WORD) {
		key = ks_expr_passed(x, literal(x, &name));
		if (key != KS_EXPR_NONE && !ks_expr_is_sign(x, ":"))
			*value = step(x, x->input, &name);
		return key;
	}
	if (x->token == TOKEN_VARIABLE) {
		name.b = ks_bytes(x->at.p + 1, x->at.n - 1);
		*value = ks_expr_variable_term(x);
		key = *value == KS_EXPR_NONE ? KS_EXPR_NONE : literal(x, &name);
		if (key == KS_EXPR_NONE || !ks_expr_is_sign(x, ":"))
			return key;
		/* {$x: 1}: the key is what the variable holds. */
		key = *value;
		*value = KS_EXPR_NONE;
		return key;
	}
	if (x->token != TOKEN_STRING && x->token != TOKEN_FORMAT) {
		ks_expr_refuse_missing(x, "a key");
		return KS_EXPR_NONE;
	}
	if (x->token == TOKEN_FORMAT && x->at.p[x->at.n] != ' ' && x->at.p[x->at.n] != '"') {
		ks_expr_wrong(x, x->at.p, "a format as a key stands before a string or in parentheses");
		return KS_EXPR_NONE;
	}
	key = x->token == TOKEN_STRING ? ks_expr_string_term(x, NULL) : parse_format(x);
	if (key != KS_EXPR_NONE && !ks_expr_is_sign(x, ":"))
		*value = index_by(x, x->input, key);
	return key;
}

static bool parse_member(struct ks_expr_parser *x, struct list *list)
{
	bool computed = ks_expr_is_sign(x, "(");
	uint32_t value, key = parse_key(x, &value);

	if (key == KS_EXPR_NONE)
		return false;
	if (ks_expr_is_sign(x, ":"))
		value = ks_expr_lex(x) != 0 ? KS_EXPR_NONE : ks_expr_value_of_key(x);
	else if (computed)
		ks_expr_refuse_missing(x, ":");
	return value != KS_EXPR_NONE && add(x, list, key) && add(x, list, value);
}

static uint32_t parse_object(struct ks_expr_parser *x)
{
	struct list list = { NULL, 0, 0 };

	do {
		if (ks_expr_lex(x) != 0)
			return KS_EXPR_NONE;
		if (ks_expr_is_sign(x, "}"))
			break;
		if (!parse_member(x, &list))
			return KS_EXPR_NONE;
	} while (ks_expr_is_sign(x, ","));
	if (!ks_expr_is_sign(x, "}")) {
		ks_expr_refuse_missing(x, "}");
		return KS_EXPR_NONE;
	}
	return ks_expr_passed(x, ks_expr_checked(x,
	    ks_expr_node_of(x->set, OP_OBJECT, KS_EXPR_NONE, NULL, list.node, list.n)));
}

/* Behind `if` or `elif`. */
static uint32_t parse_if(struct ks_expr_parser *x)
{
	uint32_t condition, then, other = x->input, node;
	struct ks_expr_node *n;

	if (++x->depth > KS_EXPR_DEPTH_MAX) {
		ks_expr_wrong(x, x->at.p, "nested deeper than %u levels", KS_EXPR_DEPTH_MAX);
		return KS_EXPR_NONE;
	}
	condition = ks_expr_lex(x) != 0 ? KS_EXPR_NONE : ks_expr_query(x);
	then = condition == KS_EXPR_NONE || !pass(x, "then") ? KS_EXPR_NONE : ks_expr_query(x);
	if (then == KS_EXPR_NONE)
		return then;
	if (ks_expr_is_word(x, "elif"))
		other = parse_if(x);
	else if (ks_expr_is_word(x, "else"))
		other = ks_expr_lex(x) != 0 ? KS_EXPR_NONE : ks_expr_query(x);
	if (other == KS_EXPR_NONE)
		return other;
	node = ks_expr_made(x, OP_IF, condition, then);
	if (node == KS_EXPR_NONE)
		return node;
	n = &x->set->nodes[node];
	n->slot = other;
	ks_expr_weigh(x->set, node, other);
	n->single &= x->set->nodes[other].single;
	if (n->height <= x->set->nodes[other].height)
		n->height = (uint16_t)(x->set->nodes[other].height + 1);
	x->depth--;
	return ks_expr_checked(x, node);
}

static uint32_t parse_try(struct ks_expr_parser *x)
{
	uint32_t body, handler = KS_EXPR_NONE, outer = x->input;

	if (++x->depth > KS_EXPR_DEPTH_MAX) {
		ks_expr_wrong(x, x->at.p, "nested deeper than %u levels", KS_EXPR_DEPTH_MAX);
		return KS_EXPR_NONE;
	}
	body = ks_expr_lex(x) != 0 ? KS_EXPR_NONE : ks_expr_term(x);
	if (body == KS_EXPR_NONE)
		return body;
	if (ks_expr_is_word(x, "catch")) {
		x->input = ks_expr_made(x, OP_INPUT, KS_EXPR_NONE, KS_EXPR_NONE);
		handler = x->input == KS_EXPR_NONE || ks_expr_lex(x) != 0 ? KS_EXPR_NONE : ks_expr_term(x);
		x->input = outer;
		if (handler == KS_EXPR_NONE)
			return handler;
	}
	x->depth--;
	return ks_expr_made(x, OP_TRY, body, handler);
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
		if (ks_expr_is_word(x, table[i].word))
			return ks_expr_passed(x, literal(x, &(struct ks_val){ .type = table[i].type }));
	if (ks_expr_is_word(x, "if")) {
		node = parse_if(x);
		return node == KS_EXPR_NONE || !pass(x, "end") ? KS_EXPR_NONE : node;
	}
	if (ks_expr_is_word(x, "try"))
		return parse_try(x);
	return ks_expr_word_term(x);
}

/* A minus takes the whole term behind it; before a number it is part of it. */
static uint32_t parse_signed(struct ks_expr_parser *x)
{
	unsigned signs = 0;
	struct ks_val v;
	uint32_t node;

	for (; ks_expr_is_sign(x, "-"); signs++)
		if (ks_expr_lex(x) != 0)
			return KS_EXPR_NONE;
	if (x->token == TOKEN_NUMBER) {
		v = signs % 2 == 1 ? negated(&x->v) : x->v;
		return parse_postfix(x, ks_expr_passed(x, literal(x, &v)), false);
	}
	node = ks_expr_term(x);
	/* Twice is not never: only numbers can be negated. */
	for (signs = signs % 2 == 1 ? 1 : 2; signs > 0 && node != KS_EXPR_NONE; signs--)
		node = ks_expr_made(x, OP_NEGATE, node, KS_EXPR_NONE);
	return node;
}

uint32_t ks_expr_term(struct ks_expr_parser *x)
{
	uint32_t node;

	switch (x->token) {
	case TOKEN_FIELD:
	case TOKEN_DOT:
		return parse_postfix(x, x->input, true);
	case TOKEN_STRING:
		node = ks_expr_string_term(x, NULL);
		break;
	case TOKEN_NUMBER:
		node = ks_expr_passed(x, literal(x, &x->v));
		break;
	case TOKEN_WORD:
		node = parse_word(x);
		break;
	case TOKEN_VARIABLE:
		node = ks_expr_variable_term(x);
		break;
	case TOKEN_FORMAT:
		node = parse_format(x);
		break;
	default:
		if (ks_expr_is_sign(x, "-"))
			return parse_signed(x);
		if (ks_expr_is_sign(x, "(")) {
			node = parse_parentheses(x);
		} else if (ks_expr_is_sign(x, "[")) {
			node = parse_array(x);
		} else if (ks_expr_is_sign(x, "{")) {
			node = parse_object(x);
		} else if (ks_expr_is_sign(x, "..")) {
			node = ks_expr_lex(x) != 0 ? KS_EXPR_NONE :
			    ks_expr_call(x, "recurse", NULL, 0);
		} else {
			ks_expr_refuse_operand(x);
			return KS_EXPR_NONE;
		}
	}
	return parse_postfix(x, node, false);
}
