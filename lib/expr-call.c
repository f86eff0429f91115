/* SPDX-License-Identifier: MIT */
/*
 * expr-call.c - names in expressions: functions, macros, variables.
 *
 * A macro is text that is parsed where it is called.  Its arguments stay
 * text, too: _1 is read anew, with the names of the caller, wherever the
 * macro has it.  So there are no closures, every variable has a register of
 * its own, and `map(.a)` over a slot is as quick as `[.[] | .a]`.
 */
#include "expr-impl.h"

#include <stdio.h>

/* Where the parser stands. */
struct place {
	struct ks_bytes text, at;
	const unsigned char *before;
	enum ks_expr_token token;
	struct ks_val v;
	bool open;
	const struct ks_expr_variable *variables;
	const struct ks_expr_argument *arguments;
	uint32_t argument_count;
};

static struct place leave(const struct ks_expr_parser *x)
{
	return (struct place){ x->text, x->at, x->before, x->token, x->v, x->open, x->variables,
		x->arguments, x->argument_count };
}

static void come_back(struct ks_expr_parser *x, const struct place *p)
{
	x->text = p->text;
	x->at = p->at;
	x->before = p->before;
	x->token = p->token;
	x->v = p->v;
	x->open = p->open;
	x->variables = p->variables;
	x->arguments = p->arguments;
	x->argument_count = p->argument_count;
}

/* An argument, where "." is what it is now. */
static uint32_t parse_argument(struct ks_expr_parser *x, const struct ks_expr_argument *a)
{
	struct place here = leave(x);
	uint32_t node;

	x->text = a->text;
	x->variables = a->variables;
	x->arguments = a->arguments;
	x->argument_count = a->count;
	node = ks_expr_lex_at(x, a->at) != 0 ? KS_EXPR_NONE : ks_expr_query(x);
	if (node != KS_EXPR_NONE && !ks_expr_is_sign(x, ";") && !ks_expr_is_sign(x, ")")) {
		ks_expr_refuse_operator(x);
		return KS_EXPR_NONE;
	}
	if (node != KS_EXPR_NONE)
		come_back(x, &here);
	return node;
}

static uint32_t expand(struct ks_expr_parser *x, const char *text,
    const struct ks_expr_argument *arguments, uint32_t count)
{
	struct place here = leave(x);
	uint32_t node;

	x->text = ks_str(text);
	x->variables = NULL;
	x->arguments = arguments;
	x->argument_count = count;
	node = ks_expr_lex_at(x, x->text.p) != 0 ? KS_EXPR_NONE : ks_expr_query(x);
	if (node != KS_EXPR_NONE && x->token != TOKEN_END)
		ks_bug("a macro that is no expression");
	if (node != KS_EXPR_NONE)
		come_back(x, &here);
	return node;
}

/* Whether what the function needs is there. */
static bool can_be(struct ks_expr_parser *x, const struct ks_expr_fn *fn)
{
	const char *wrong = fn->needs != NULL ? fn->needs() : NULL;

	if (wrong != NULL)
		ks_fail(x->err, KS_UNAVAILABLE, "'%s': %s", fn->name, wrong);
	return wrong == NULL;
}

static uint32_t call(struct ks_expr_parser *x, const struct ks_expr_fn *fn, const uint32_t *args)
{
	return ks_expr_checked(x, ks_expr_node_of(x->set, fn->call != NULL ? OP_CALL : OP_RUN,
	    x->input, fn, args, fn->args));
}

uint32_t ks_expr_call(struct ks_expr_parser *x, const char *name, const uint32_t *args, uint32_t count)
{
	const struct ks_expr_fn *fn = ks_expr_fn_find(ks_str(name), count);

	if (fn == NULL || fn->macro != NULL)
		ks_bug("a function of the language is not there");
	return can_be(x, fn) ? call(x, fn, args) : KS_EXPR_NONE;
}

/* A regular expression that never can be is no matter of a record. */
static bool may_match(struct ks_expr_parser *x, const struct ks_expr_fn *fn,
    const struct ks_expr_argument *a, const uint32_t *nodes)
{
	static const struct ks_expr_node none = { .op = OP_LITERAL, .value = { .type = KS_NIL } };
	const struct ks_expr_node *pattern = &x->set->nodes[nodes[0]];
	const struct ks_expr_node *flags = fn->flags > 0 ? &x->set->nodes[nodes[fn->flags]] : &none;
	const char *wrong;

	if (pattern->op != OP_LITERAL || pattern->value.type != KS_STR || flags->op != OP_LITERAL)
		return true;
	wrong = ks_regex_refused(x->set, &pattern->value, &flags->value);
	if (wrong == NULL)
		return true;
	/* In a macro it is what the macro was given. */
	while (a->arguments != NULL && a->at[0] == '_')
		a = &a->arguments[a->at[1] - '1'];
	x->text = a->text;
	ks_expr_wrong(x, a->at + strspn((const char *)a->at, " \t\r\n"), "%s", wrong);
	return false;
}

/* Arguments of run have their own ".", but where the function runs them over its input alone. */
static uint32_t apply(struct ks_expr_parser *x, const struct ks_expr_fn *fn,
    const struct ks_expr_argument *arguments)
{
	uint32_t nodes[KS_EXPR_ARGUMENTS], outer = x->input, i;

	if (fn->macro != NULL)
		return expand(x, fn->macro, arguments, fn->args);
	for (i = 0; i < fn->args; i++) {
		if (fn->run != NULL && !fn->inherits)
			x->input = ks_expr_made(x, OP_INPUT, KS_EXPR_NONE, KS_EXPR_NONE);
		nodes[i] = x->input == KS_EXPR_NONE ? KS_EXPR_NONE : parse_argument(x, &arguments[i]);
		x->input = outer;
		if (nodes[i] == KS_EXPR_NONE)
			return KS_EXPR_NONE;
	}
	if (!can_be(x, fn) || (fn->regex && !may_match(x, fn, arguments, nodes)))
		return KS_EXPR_NONE;
	return call(x, fn, nodes);
}

/* At '(': find where each argument begins.  The token is then the ')', *count their number. */
static struct ks_expr_argument *find_arguments(struct ks_expr_parser *x, uint32_t *count)
{
	struct ks_expr_argument *a = ks_arena_get(&x->set->program, KS_EXPR_ARGUMENTS * sizeof(*a));
	const unsigned char *p = x->at.p, *end;

	if (a == NULL) {
		ks_fail(x->err, KS_TEMP, "no memory for an expression");
		return NULL;
	}
	for (*count = 0; *count < KS_EXPR_ARGUMENTS; p = end) {
		a[*count] = (struct ks_expr_argument){ x->text, p + 1, x->arguments, x->argument_count,
			x->variables };
		++*count;
		end = ks_expr_skip_argument(p + 1);
		if (end == NULL) {
			ks_expr_wrong(x, p, "nested deeper than %u levels", KS_EXPR_DEPTH_MAX);
			return NULL;
		}
		x->work += (uint32_t)(end - p) / 16;
		if (*end == ')')
			return ks_expr_lex_at(x, end) == 0 ? a : NULL;
		if (*end != ';') {
			/* What is wrong in it is better known to whoever parses it. */
			if (ks_expr_lex_at(x, p + 1) == 0 && ks_expr_query(x) != KS_EXPR_NONE)
				ks_expr_refuse_missing(x, ")");
			return NULL;
		}
	}
	ks_expr_wrong(x, p, "more than %u arguments", KS_EXPR_ARGUMENTS);
	return NULL;
}

static bool is_followed(const struct ks_expr_parser *x)
{
	const unsigned char *p = x->at.p + x->at.n;

	while (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n')
		p++;
	return *p == '(';
}

static uint32_t count_wrong(struct ks_expr_parser *x, const unsigned char *at,
    const struct ks_expr_fn *fn, uint32_t count)
{
	char shapes[80] = "";
	const struct ks_expr_fn *other;
	size_t n = 0;
	uint32_t i;

	for (i = 0; i < KS_EXPR_ARGUMENTS && n < sizeof(shapes) - 12; i++) {
		other = ks_expr_fn_find(ks_str(fn->name), i);
		if (other != NULL)
			n += (size_t)snprintf(shapes + n, sizeof(shapes) - n, "%s%u", n > 0 ? " or " : "", i);
	}
	ks_expr_wrong(x, at, "'%s' takes %s argument%s, not %u", fn->name, shapes,
	    strcmp(shapes, "1") == 0 ? "" : "s", count);
	return KS_EXPR_NONE;
}

/* `not` and `empty` are nodes of their own. */
static uint32_t parse_plain(struct ks_expr_parser *x)
{
	uint32_t node;

	if (ks_expr_is_word(x, "empty"))
		return ks_expr_passed(x, ks_expr_made(x, OP_EMPTY, KS_EXPR_NONE, KS_EXPR_NONE));
	node = ks_expr_passed(x, ks_expr_made(x, OP_NOT, x->input, KS_EXPR_NONE));
	/* jq would look the field up in a boolean, which fails on every record. */
	if (node != KS_EXPR_NONE && (x->token == TOKEN_FIELD || x->token == TOKEN_DOT ||
	    x->token == TOKEN_VARIABLE || ks_expr_is_sign(x, "("))) {
		ks_expr_wrong(x, x->at.p, "'not' stands behind what it negates: '.a | not'");
		return KS_EXPR_NONE;
	}
	return node;
}

uint32_t ks_expr_word_term(struct ks_expr_parser *x)
{
	struct ks_bytes name = x->at;
	const struct ks_expr_fn *fn;
	struct ks_expr_argument *arguments = NULL;
	uint32_t count = 0, node, i;

	if (x->arguments != NULL && name.n == 2 && name.p[0] == '_') {
		i = (uint32_t)name.p[1] - '1';
		if (i < x->argument_count)
			return ks_expr_passed(x, parse_argument(x, &x->arguments[i]));
	}
	if (ks_expr_is_word(x, "not") || ks_expr_is_word(x, "empty"))
		return parse_plain(x);
	fn = ks_expr_fn_find(name, KS_EXPR_NONE);
	/* Those with an underscore are for macros. */
	if (fn == NULL || (name.p[0] == '_' && x->arguments == NULL)) {
		ks_expr_refuse_operand(x);
		return KS_EXPR_NONE;
	}
	if (is_followed(x)) {
		if (ks_expr_lex(x) != 0)
			return KS_EXPR_NONE;
		arguments = find_arguments(x, &count);
		if (arguments == NULL)
			return KS_EXPR_NONE;
	}
	if (ks_expr_fn_find(name, count) == NULL)
		return count_wrong(x, name.p, fn, count);
	if (++x->depth > KS_EXPR_DEPTH_MAX) {
		ks_expr_wrong(x, name.p, "nested deeper than %u levels", KS_EXPR_DEPTH_MAX);
		return KS_EXPR_NONE;
	}
	/* An array that is not NULL tells a macro without arguments from none. */
	node = apply(x, ks_expr_fn_find(name, count), arguments != NULL ? arguments :
	    &(struct ks_expr_argument){ .count = 0 });
	x->depth--;
	return ks_expr_passed(x, node);
}

static uint32_t variable(struct ks_expr_parser *x, uint32_t slot)
{
	uint32_t node = ks_expr_made(x, OP_VARIABLE, KS_EXPR_NONE, KS_EXPR_NONE);

	if (node != KS_EXPR_NONE)
		x->set->nodes[node].slot = slot;
	return node;
}

uint32_t ks_expr_variable_term(struct ks_expr_parser *x)
{
	static const char *const names[ROOTS] = {
		[ROOT_KEY] = "$key", [ROOT_TS] = "$ts", [ROOT_TOPIC] = "$topic",
		[ROOT_PARTITION] = "$partition", [ROOT_OFFSET] = "$offset",
		[ROOT_HEADERS] = "$headers",
	};
	const struct ks_expr_variable *v;
	uint32_t i;

	for (v = x->variables; v != NULL; v = v->next)
		if (ks_bytes_eq(v->name, x->at))
			return ks_expr_passed(x, variable(x, v->slot));
	for (i = ROOT_KEY; i < ROOTS; i++)
		if (ks_bytes_is(x->at, names[i]))
			return ks_expr_passed(x, ks_expr_checked(x, ks_expr_root(x->set, i)));
	if (ks_bytes_is(x->at, "$meta"))
		return ks_expr_passed(x, expand(x, "{key: $key, ts: $ts, topic: $topic, "
		    "partition: $partition, offset: $offset, headers: $headers}", NULL, 0));
	ks_expr_refuse_variable(x);
	return KS_EXPR_NONE;
}

uint32_t ks_expr_bind(struct ks_expr_parser *x, uint32_t source, uint32_t slot, uint32_t body)
{
	uint32_t node = ks_expr_made(x, OP_BIND, source, body);

	if (node != KS_EXPR_NONE)
		x->set->nodes[node].slot = slot;
	return node;
}

/* Bindings in the order of a pattern; each may read those before it. */
struct bound {
	uint32_t *source, *slot;
	uint32_t n;
};
#define BOUND_MAX 100u

static bool bind_to(struct ks_expr_parser *x, struct bound *b, uint32_t source, struct ks_bytes name,
    uint32_t *slot)
{
	struct ks_expr_variable *v = ks_arena_get(&x->set->program, sizeof(*v));

	*slot = ks_expr_register(x->set);
	if (v == NULL || *slot == KS_EXPR_NONE) {
		ks_fail(x->err, KS_TEMP, "no memory for an expression");
		return false;
	}
	if (b->n == BOUND_MAX) {
		ks_expr_wrong(x, x->at.p, "a pattern of more than %u names", BOUND_MAX);
		return false;
	}
	b->source[b->n] = source;
	b->slot[b->n++] = *slot;
	if (name.n > 0) {
		*v = (struct ks_expr_variable){ x->variables, name, *slot };
		x->variables = v;
	}
	return true;
}

static bool parse_pattern(struct ks_expr_parser *x, struct bound *b, uint32_t source);

static uint32_t at_key(struct ks_expr_parser *x, uint32_t slot, uint32_t key)
{
	uint32_t from = variable(x, slot);
	struct ks_val name;

	if (from == KS_EXPR_NONE || key == KS_EXPR_NONE)
		return KS_EXPR_NONE;
	/* A copy: nodes move when there is one more. */
	name = x->set->nodes[key].value;
	if (x->set->nodes[key].op == OP_LITERAL && name.type == KS_STR)
		return ks_expr_checked(x, ks_expr_step(x->set, from, &name));
	return ks_expr_made(x, OP_AT, from, key);
}

static uint32_t word(struct ks_expr_parser *x, struct ks_bytes text)
{
	return ks_expr_checked(x, ks_expr_literal(x->set, &(struct ks_val){ .type = KS_STR, .b = text }));
}

/* `$a`, `$a: P`, `a: P`, "a": P, `(E): P` of the object in register slot. */
static bool parse_member(struct ks_expr_parser *x, struct bound *b, uint32_t slot)
{
	uint32_t key, value, inner, outer = x->input;
	struct ks_bytes name = x->at;

	if (x->token == TOKEN_VARIABLE) {
		value = at_key(x, slot, word(x, ks_bytes(name.p + 1, name.n - 1)));
		if (value == KS_EXPR_NONE || ks_expr_lex(x) != 0 || !bind_to(x, b, value, name, &inner))
			return false;
		if (!ks_expr_is_sign(x, ":"))
			return true;
		value = variable(x, inner);
		return value != KS_EXPR_NONE && ks_expr_lex(x) == 0 && parse_pattern(x, b, value);
	}
	if (x->token == TOKEN_WORD) {
		key = ks_expr_passed(x, word(x, name));
	} else if (x->token == TOKEN_STRING || ks_expr_is_sign(x, "(")) {
		/* What a key is computed from is the object. */
		x->input = variable(x, slot);
		if (x->input == KS_EXPR_NONE)
			return false;
		if (x->token == TOKEN_STRING) {
			key = ks_expr_string_term(x, NULL);
		} else {
			key = ks_expr_lex(x) != 0 ? KS_EXPR_NONE : ks_expr_query(x);
			if (key != KS_EXPR_NONE && !ks_expr_is_sign(x, ")"))
				ks_expr_refuse_missing(x, ")");
			key = key == KS_EXPR_NONE || !ks_expr_is_sign(x, ")") ? KS_EXPR_NONE :
			    ks_expr_passed(x, key);
		}
		x->input = outer;
	} else {
		ks_expr_refuse_missing(x, "a name, as in 'as {a: $x}',");
		return false;
	}
	value = at_key(x, slot, key);
	if (value == KS_EXPR_NONE)
		return false;
	if (!ks_expr_is_sign(x, ":")) {
		ks_expr_refuse_missing(x, ":");
		return false;
	}
	return ks_expr_lex(x) == 0 && parse_pattern(x, b, value);
}

static bool parse_members(struct ks_expr_parser *x, struct bound *b, uint32_t slot, bool array)
{
	const char *close = array ? "]" : "}";
	int64_t i = 0;
	uint32_t value;

	do {
		if (ks_expr_lex(x) != 0)
			return false;
		if (!array) {
			if (!parse_member(x, b, slot))
				return false;
			continue;
		}
		value = variable(x, slot);
		if (value != KS_EXPR_NONE)
			value = ks_expr_checked(x, ks_expr_step(x->set, value,
			    &(struct ks_val){ .type = KS_INT, .i = i++ }));
		if (value == KS_EXPR_NONE || !parse_pattern(x, b, value))
			return false;
	} while (ks_expr_is_sign(x, ","));
	if (!ks_expr_is_sign(x, close)) {
		ks_expr_refuse_missing(x, close);
		return false;
	}
	return ks_expr_lex(x) == 0;
}

static bool parse_pattern(struct ks_expr_parser *x, struct bound *b, uint32_t source)
{
	bool array = ks_expr_is_sign(x, "["), fine;
	struct ks_bytes name = x->at;
	uint32_t slot;

	if (x->token == TOKEN_VARIABLE)
		return bind_to(x, b, source, name, &slot) && ks_expr_lex(x) == 0;
	if (!array && !ks_expr_is_sign(x, "{")) {
		ks_expr_refuse_missing(x, "a variable, as in 'as $x',");
		return false;
	}
	if (++x->depth > KS_EXPR_DEPTH_MAX) {
		ks_expr_wrong(x, x->at.p, "nested deeper than %u levels", KS_EXPR_DEPTH_MAX);
		return false;
	}
	fine = bind_to(x, b, source, ks_bytes(NULL, 0), &slot) && parse_members(x, b, slot, array);
	x->depth--;
	return fine;
}

/* At `as`, behind source: all that follows. */
uint32_t ks_expr_binding(struct ks_expr_parser *x, uint32_t source)
{
	const struct ks_expr_variable *outer = x->variables;
	uint32_t sources[BOUND_MAX], slots[BOUND_MAX], body;
	struct bound b = { sources, slots, 0 };

	if (ks_expr_lex(x) != 0 || !parse_pattern(x, &b, source))
		return KS_EXPR_NONE;
	if (!ks_expr_is_sign(x, "|")) {
		if (ks_expr_is_sign(x, "?"))
			ks_expr_refuse_operand(x);
		else
			ks_expr_refuse_missing(x, "|");
		return KS_EXPR_NONE;
	}
	body = ks_expr_lex(x) != 0 ? KS_EXPR_NONE : ks_expr_query(x);
	x->variables = outer;
	while (b.n > 0 && body != KS_EXPR_NONE) {
		b.n--;
		body = ks_expr_bind(x, b.source[b.n], b.slot[b.n], body);
	}
	return body;
}
