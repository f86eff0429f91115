/* SPDX-License-Identifier: MIT */
/*
 * expr-refuse.c - what is not in the language: where it stands, what it is,
 * and the nearest thing that exists.
 *
 * A construct that becomes supported loses its line here.
 */
#include "distance.h"
#include "expr-impl.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define NO_MORE "kstream-expr(7) lists what there is"

#define SHOWN 60	/* bytes of an expression that a message repeats */

/* Columns count characters, as an editor does.  An expression that is not long is shown. */
int ks_expr_wrong(struct ks_expr_parser *x, const unsigned char *at, const char *fmt, ...)
{
	char text[sizeof(x->err->text)];
	const unsigned char *p;
	unsigned column = 1;
	va_list ap;

	for (p = x->text.p; p < at; p++)
		column += (p[1] & 0xc0) != 0x80;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (x->text.n > SHOWN)
		return ks_fail(x->err, KS_USAGE, "column %u: %s", column, text);
	return ks_fail(x->err, KS_USAGE, "column %u of '%s': %s", column, (const char *)x->text.p, text);
}

struct hint {
	const char *word, *what, *near;
};

static const struct hint *find(const struct hint *table, struct ks_bytes word)
{
	for (; table->word != NULL; table++)
		if (ks_bytes_is(word, table->word))
			return table;
	return NULL;
}

static int refuse(struct ks_expr_parser *x, const struct hint *h)
{
	return ks_expr_wrong(x, x->at.p, "%s '%s' is not supported; %s", h->what, h->word,
	    h->near != NULL ? h->near : NO_MORE);
}

/* Signs that jq or other languages have, wherever they stand. */
static const struct hint signs[] = {
	{ "===", "operator", "equality is '=='" },
	{ "!==", "operator", "inequality is '!='" },
	{ "<>", "operator", "inequality is '!='" },
	{ "=~", "operator", "write 'test(\"PATTERN\")'" },
	{ "&&", "operator", "write 'and'" }, { "&", "operator", "write 'and'" },
	{ "||", "operator", "write 'or'" },
	{ "!", "operator", "negation stands behind: '.a | not'" },
	{ "::", "module", NO_MORE },
	{ "?", "destructuring alternative", "take one pattern apart, and test it with 'if'" },
	{ "@", "a bare", "a format has a name: '@csv'" },
	{ "'", "apostrophe", "strings stand in double quotes: \"text\"" },
	{ "`", "backtick", "strings stand in double quotes: \"text\"" },
	{ "$", "a bare", "there are $key $ts $topic $partition $offset $headers $meta" },
	{ NULL, NULL, NULL },
};

static const struct hint words[] = {
	{ "def", "definition", "write the expression out where it is used" },
	{ "import", "module", "an expression stands for itself" },
	{ "include", "module", "an expression stands for itself" },
	{ "reduce", "loop", "there are add, map, any, all, until, limit, group_by" },
	{ "foreach", "loop", "there are add, map, until, recurse, limit" },
	{ "label", "label", "there are first(f), limit(n; f), until(c; f), any, all" },
	{ "break", "label", "there are first(f), limit(n; f), until(c; f), any, all" },
	{ "env", "function", "an expression does not read the environment" },
	{ "input", "function", "an expression sees one record" },
	{ "inputs", "function", "an expression sees one record" },
	{ "debug", "function", "an expression does not print" },
	{ "stderr", "function", "an expression does not print" },
	{ "halt", "function", "an expression cannot end the run; error(\"...\") rejects the record" },
	{ "halt_error", "function", "an expression cannot end the run; error(\"...\") rejects the record" },
	{ "input_filename", "function", "$topic says where a record came from" },
	{ "input_line_number", "function", "$offset counts records" },
	{ "tostream", "function", NULL }, { "fromstream", "function", NULL },
	{ "truncate_stream", "function", NULL }, { "combinations", "function", NULL },
	{ "INDEX", "function", "there are group_by and from_entries" },
	{ "GROUP_BY", "function", "it is written 'group_by'" },
	{ "JOIN", "function", NULL }, { "modulemeta", "function", NULL },
	{ "AND", "word", "write 'and'" }, { "OR", "word", "write 'or'" },
	{ "NOT", "word", "negation stands behind: '.a | not'" },
	{ "TRUE", "word", "write 'true'" }, { "True", "word", "write 'true'" },
	{ "FALSE", "word", "write 'false'" }, { "False", "word", "write 'false'" },
	{ "NULL", "word", "write 'null'" }, { "None", "word", "write 'null'" },
	{ "nil", "word", "write 'null'" }, { "undefined", "word", "write 'null'" },
	{ "is", "word", "equality is '=='" }, { "like", "word", "write 'test(\"PATTERN\")'" },
	{ "len", "function", "it is written 'length'" }, { "lower", "function", "it is written 'ascii_downcase'" },
	{ "upper", "function", "it is written 'ascii_upcase'" }, { "filter", "function", "it is written 'select'" },
	{ NULL, NULL, NULL },
};

/* The nearest of the names, at most two letters off and fewer than half of either; NULL if none. */
static const char *nearest(struct ks_bytes word, const char *const *names)
{
	const char *best = NULL;
	unsigned d, least = 3;

	for (; *names != NULL; names++) {
		d = ks_distance(word, *names);
		if (d < least && 2 * d < strlen(*names) && 2 * d < word.n) {
			least = d;
			best = *names;
		}
	}
	return best;
}

/* The nearest of all names of the language. */
static const char *nearest_word(struct ks_bytes word)
{
	static const char *const known[] = {
		"not", "and", "or", "true", "false", "null", "empty", "if", "then", "elif", "else", "end",
		"try", "catch", NULL,
	};
	const char *best = nearest(word, known), *names[2] = { NULL, NULL };
	const struct ks_expr_fn *const *table, *fn;
	unsigned least = best != NULL ? ks_distance(word, best) : 3;

	for (table = ks_expr_fn_tables(); *table != NULL; table++)
		for (fn = *table; fn->name != NULL; fn++) {
			names[0] = fn->name;
			if (*fn->name == '_' || *fn->name == '@' || ks_distance(word, fn->name) >= least ||
			    nearest(word, names) == NULL)
				continue;
			best = fn->name;
			least = ks_distance(word, best);
		}
	return best;
}

static int refuse_word(struct ks_expr_parser *x)
{
	const struct hint *h = find(words, x->at);
	const char *best = nearest_word(x->at);
	int n = x->at.n > SHOWN ? SHOWN : (int)x->at.n;

	if (h != NULL)
		return refuse(x, h);
	if (best != NULL)
		return ks_expr_wrong(x, x->at.p, "unknown word '%.*s'; did you mean '%s'?", n,
		    (const char *)x->at.p, best);
	return ks_expr_wrong(x, x->at.p, "unknown word '%.*s'; a field is written '.%.*s', a "
	    "string \"%.*s\"", n, (const char *)x->at.p, n, (const char *)x->at.p, n,
	    (const char *)x->at.p);
}

static int refuse_end(struct ks_expr_parser *x, const char *missing)
{
	return ks_expr_wrong(x, x->at.p, "the expression ends where %s is missing", missing);
}

int ks_expr_refuse_missing(struct ks_expr_parser *x, const char *what)
{
	int n = x->at.n > SHOWN ? SHOWN : (int)x->at.n;
	/* A sign or a keyword in quotes; else words. */
	const char *quote = strchr(what, ' ') == NULL ? "'" : "";

	if (x->token == TOKEN_END)
		return ks_expr_wrong(x, x->at.p, "the expression ends where %s%s%s is missing", quote,
		    what, quote);
	return ks_expr_wrong(x, x->at.p, "%s%s%s is missing before '%.*s'", quote, what, quote, n,
	    (const char *)x->at.p);
}

static int refuse_sign(struct ks_expr_parser *x)
{
	const struct hint *h = find(signs, x->at);

	if (ks_bytes_is(x->at, "'"))
		return ks_expr_wrong(x, x->at.p, "%s", h->near);
	if (h != NULL)
		return refuse(x, h);
	return ks_expr_wrong(x, x->at.p, "'%.*s' means nothing here",
	    x->at.n > SHOWN ? SHOWN : (int)x->at.n, (const char *)x->at.p);
}

static bool is_letter(unsigned char c)
{
	return c == '-' || c == '_' || (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

/* .my-key and .@timestamp: the whole name, where the token is in or behind one; n == 0: it is not. */
static struct ks_bytes bare_name(const struct ks_expr_parser *x)
{
	const unsigned char *from = x->at.p, *to = x->at.p + x->at.n;

	while (from > x->text.p && is_letter(from[-1]))
		from--;
	while (is_letter(*to))
		to++;
	if (from == x->text.p || from[-1] != '.' || (x->token == TOKEN_WORD && from == x->at.p))
		from = to;
	return ks_bytes(from, (size_t)(to - from));
}

static int refuse_name(struct ks_expr_parser *x, struct ks_bytes name)
{
	return ks_expr_wrong(x, name.p, "a name of other letters than a-z, A-Z, 0-9 and _ stands in quotes: .\"%.*s\"",
	    (int)(name.n < 100 ? name.n : 100), (const char *)name.p);
}

int ks_expr_refuse_operand(struct ks_expr_parser *x)
{
	static const struct hint misplaced[] = {
		{ "and", "", NULL }, { "or", "", NULL }, { "==", "", NULL }, { "!=", "", NULL },
		{ "<", "", NULL }, { "<=", "", NULL }, { ">", "", NULL }, { ">=", "", NULL },
		{ "|", "", NULL }, { "//", "", NULL }, { ")", "", NULL }, { "]", "", NULL },
		{ "=", "", NULL }, { "|=", "", NULL }, { "+=", "", NULL }, { "-=", "", NULL },
		{ "*=", "", NULL }, { "/=", "", NULL }, { "%=", "", NULL }, { "//=", "", NULL },
		{ "+", "", NULL }, { "*", "", NULL }, { "/", "", NULL }, { "%", "", NULL },
		{ ",", "", NULL }, { ";", "", NULL }, { ":", "", NULL }, { "}", "", NULL },
		{ "then", "", NULL }, { "elif", "", NULL }, { "else", "", NULL }, { "end", "", NULL },
		{ "as", "", NULL }, { "catch", "", NULL }, { NULL, NULL, NULL },
	};

	if (x->token == TOKEN_END)
		return refuse_end(x, "a value");
	if (find(misplaced, x->at) != NULL)
		return ks_expr_wrong(x, x->at.p, "a value is missing before '%.*s'",
		    (int)x->at.n, (const char *)x->at.p);
	if (x->token == TOKEN_WORD && bare_name(x).n > 0)
		return refuse_name(x, bare_name(x));
	return x->token == TOKEN_WORD ? refuse_word(x) : refuse_sign(x);
}

int ks_expr_refuse_operator(struct ks_expr_parser *x)
{
	static const struct hint comparisons[] = {
		{ "==", "", NULL }, { "!=", "", NULL }, { "<", "", NULL }, { "<=", "", NULL },
		{ ">", "", NULL }, { ">=", "", NULL }, { NULL, NULL, NULL },
	};
	static const char *const operators[] = {
		"and", "or", "as", "then", "elif", "else", "end", "catch", NULL,
	};
	const char *best;

	if (x->token == TOKEN_END)
		return refuse_end(x, "')'");
	if (find(comparisons, x->at) != NULL)
		return ks_expr_wrong(x, x->at.p, "comparisons do not chain; put the first in "
		    "parentheses");
	if (ks_bytes_is(x->at, ")"))
		return ks_expr_wrong(x, x->at.p, "')' without '('");
	if (x->token == TOKEN_FORMAT && bare_name(x).n > 0)
		return refuse_name(x, bare_name(x));
	if (x->token == TOKEN_WORD && find(words, x->at) != NULL)
		return refuse_word(x);
	best = x->token == TOKEN_WORD ? nearest(x->at, operators) : NULL;
	if (best != NULL && ks_bytes_is(x->at, best))
		return ks_expr_wrong(x, x->at.p, "'%s' without what belongs before it", best);
	if (best != NULL)
		return ks_expr_wrong(x, x->at.p, "unknown word '%.*s'; did you mean '%s'?",
		    (int)x->at.n, (const char *)x->at.p, best);
	if (x->token == TOKEN_SIGN && find(signs, x->at) != NULL)
		return refuse_sign(x);
	if (x->token == TOKEN_WORD && ks_bytes_is(x->at, "not"))
		return ks_expr_wrong(x, x->at.p, "'|' is missing before 'not': '.a | not'");
	return ks_expr_wrong(x, x->at.p, "an operator is missing before '%.*s'",
	    x->at.n > SHOWN ? SHOWN : (int)x->at.n, (const char *)x->at.p);
}

int ks_expr_refuse_variable(struct ks_expr_parser *x)
{
	static const char *const known[] = {
		"$key", "$ts", "$topic", "$partition", "$offset", "$headers", "$meta", NULL,
	};
	static const struct hint others[] = {
		{ "$value", "", "the value is '.'" }, { "$payload", "", "the value is '.'" },
		{ "$record", "", "the value is '.', its key '$key'" },
		{ "$time", "", "did you mean '$ts'?" }, { "$timestamp", "", "did you mean '$ts'?" },
		{ "$header", "", "write 'header(\"NAME\")' or '$headers'" },
		{ "$acc", "", "it is known in what reduce and fold do with a value" },
		{ "$other", "", "it is known in the fourth expression of fold" },
		{ "$ENV", "", "an expression does not read the environment" },
		{ "$__loc__", "", "an expression has one line" },
		{ "$__prog_args", "", "there are $key $ts $topic $partition $offset $headers $meta" },
		{ NULL, NULL, NULL },
	};
	const struct hint *h = find(others, x->at);
	const char *best = nearest(x->at, known);
	int n = x->at.n > SHOWN ? SHOWN : (int)x->at.n;

	if (h != NULL)
		return ks_expr_wrong(x, x->at.p, "unknown variable '%s'; %s", h->word, h->near);
	if (best != NULL)
		return ks_expr_wrong(x, x->at.p, "unknown variable '%.*s'; did you mean '%s'?", n,
		    (const char *)x->at.p, best);
	return ks_expr_wrong(x, x->at.p, "unknown variable '%.*s'; there are $key $ts $topic "
	    "$partition $offset $headers $meta", n, (const char *)x->at.p);
}
