/* SPDX-License-Identifier: MIT */
/*
 * expr-refuse.c - what is not in the language: where it stands, what it is,
 * and the nearest thing that exists.
 *
 * A construct that becomes supported loses its line here.
 */
#include "expr-impl.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define EXISTS "there are paths, literals, comparisons, and, or, not, //, | and the variables " \
	"$key $ts $topic $partition $offset $headers"

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
	    h->near != NULL ? h->near : EXISTS);
}

/* Signs that jq or other languages have, wherever they stand. */
static const struct hint signs[] = {
	{ "+", "arithmetic", NULL }, { "-", "arithmetic", NULL }, { "*", "arithmetic", NULL },
	{ "/", "arithmetic", NULL }, { "%", "arithmetic", NULL },
	{ "+=", "update", NULL }, { "-=", "update", NULL }, { "*=", "update", NULL },
	{ "/=", "update", NULL }, { "%=", "update", NULL }, { "|=", "update", NULL },
	{ "//=", "update", NULL },
	{ "=", "assignment", "equality is '=='" },
	{ "===", "operator", "equality is '=='" },
	{ "!==", "operator", "inequality is '!='" },
	{ "<>", "operator", "inequality is '!='" },
	{ "=~", "operator", "regular expressions are not there; equality is '=='" },
	{ "&&", "operator", "write 'and'" }, { "&", "operator", "write 'and'" },
	{ "||", "operator", "write 'or'" },
	{ "!", "operator", "negation stands behind: '.a | not'" },
	{ ",", "several results with", "one expression has one result; conditions combine "
	    "with 'and' and 'or'" },
	{ ";", "an argument behind", "there are no functions with arguments" },
	{ ":", "a name before", NULL },
	{ "..", "recursion", "name the path: '.a.b'" },
	{ "{", "object construction", "the value passes as it is" },
	{ "[", "array construction", "compare an element: '.a[0] == 1'" },
	{ "@", "format", NULL },
	{ "'", "apostrophe", "strings stand in double quotes: \"text\"" },
	{ "`", "backtick", "strings stand in double quotes: \"text\"" },
	{ "$", "a bare", "there are $key $ts $topic $partition $offset $headers" },
	{ NULL, NULL, NULL },
};

static const struct hint words[] = {
	{ "if", "condition", "combine conditions with 'and', 'or' and '//'" },
	{ "then", "condition", "combine conditions with 'and', 'or' and '//'" },
	{ "elif", "condition", "combine conditions with 'and', 'or' and '//'" },
	{ "else", "condition", "combine conditions with 'and', 'or' and '//'" },
	{ "end", "condition", "combine conditions with 'and', 'or' and '//'" },
	{ "def", "definition", NULL }, { "import", "module", NULL }, { "include", "module", NULL },
	{ "reduce", "loop", NULL }, { "foreach", "loop", NULL },
	{ "try", "keyword", "a '?' behind a step ignores its error: '.a?'" },
	{ "catch", "keyword", "a '?' behind a step ignores its error: '.a?'" },
	{ "as", "binding", "repeat the path" }, { "label", "keyword", NULL },
	{ "select", "function", "write the condition itself: '.a > 1'" },
	{ "has", "function", "compare with null: '.a != null'" },
	{ "empty", "function", "an expression that is false drops the record" },
	{ "values", "function", "write '. != null'" }, { "nulls", "function", "write '. == null'" },
	{ "isvalid", "function", "a '?' behind a step ignores its error: '.a?'" },
	{ "startswith", "function", "strings compare by code point: '.a >= \"ab\" and .a < \"ac\"'" },
	{ "first", "function", "write '.[0]'" }, { "last", "function", "write '.[-1]'" },
	{ "ts_ms", "function", "$ts is the record's time in ms" },
	{ "header", "function", "$headers is an array of [name, value]: '$headers[0][1]'" },
	{ "getpath", "function", "name the path: '.a.b'" },
	{ "recurse", "function", "name the path: '.a.b'" },
	{ "env", "function", NULL }, { "input", "function", NULL }, { "inputs", "function", NULL },
	{ "nan", "function", NULL }, { "infinite", "function", NULL },
	{ "AND", "word", "write 'and'" }, { "OR", "word", "write 'or'" },
	{ "NOT", "word", "negation stands behind: '.a | not'" },
	{ "TRUE", "word", "write 'true'" }, { "True", "word", "write 'true'" },
	{ "FALSE", "word", "write 'false'" }, { "False", "word", "write 'false'" },
	{ "NULL", "word", "write 'null'" }, { "None", "word", "write 'null'" },
	{ "nil", "word", "write 'null'" }, { "undefined", "word", "write 'null'" },
	{ "in", "word", "write '.a == 1 or .a == 2'" },
	{ "IN", "word", "write '.a == 1 or .a == 2'" },
	{ "is", "word", "equality is '=='" }, { "like", "word", "equality is '=='" },
	{ NULL, NULL, NULL },
};

/* jq's other functions: a name that is none of them is taken for a field without its dot. */
static const char functions[] =
    " add all any abs arrays ascii ascii_downcase ascii_upcase bsearch booleans capture ceil "
    "combinations contains date dateadd datesub debug del endswith error exp explode fabs "
    "flatten floor format from_entries fromdate fromjson gmtime group_by gsub halt "
    "halt_error implode index indices input_filename input_line_number inside isempty "
    "isfinite isinfinite isnan isnormal iterables join keys keys_unsorted leaf_paths length "
    "limit localtime log ltrim ltrimstr map map_values match max max_by min min_by mktime "
    "modulemeta not now nth numbers objects path paths pick pow range repeat reverse rindex "
    "round rtrim rtrimstr scalars scan sort sort_by split splits sqrt stderr strftime "
    "strings strptime sub test to_entries toarray todate tojson tonumber tostring "
    "transpose trim truncate_stream type unique unique_by until utf8bytelength walk while "
    "with_entries date_bin murmur2 hash ";

static bool is_function(struct ks_bytes word)
{
	const char *p = functions;

	for (; (p = memmem(p, strlen(p), word.p, word.n)) != NULL; p++)
		if (p[-1] == ' ' && p[word.n] == ' ')
			return true;
	return false;
}

/* Letters to insert, delete, replace or swap; 9 when there is no need to know. */
static unsigned distance(struct ks_bytes a, const char *b)
{
	unsigned char row[3][16];
	size_t n = strlen(b), i, j;
	unsigned best;

	if (a.n > 14 || n > 14)
		return 9;
	for (i = 0; i <= a.n; i++) {
		for (j = 0; j <= n; j++) {
			if (i == 0 || j == 0) {
				row[i % 3][j] = (unsigned char)(i + j);
				continue;
			}
			best = row[(i - 1) % 3][j - 1] +
			    (a.p[i - 1] == (unsigned char)b[j - 1] ? 0u : 1u);
			if (best > row[(i - 1) % 3][j] + 1u)
				best = row[(i - 1) % 3][j] + 1u;
			if (best > row[i % 3][j - 1] + 1u)
				best = row[i % 3][j - 1] + 1u;
			if (i > 1 && j > 1 && a.p[i - 1] == (unsigned char)b[j - 2] &&
			    a.p[i - 2] == (unsigned char)b[j - 1] && best > row[(i - 2) % 3][j - 2] + 1u)
				best = row[(i - 2) % 3][j - 2] + 1u;
			row[i % 3][j] = (unsigned char)best;
		}
	}
	return row[a.n % 3][n];
}

/* The nearest of the names, at most two letters off and fewer than half of it; NULL if none. */
static const char *nearest(struct ks_bytes word, const char *const *names)
{
	const char *best = NULL;
	unsigned d, least = 3;

	for (; *names != NULL; names++) {
		d = distance(word, *names);
		if (d < least && 2 * d < strlen(*names)) {
			least = d;
			best = *names;
		}
	}
	return best;
}

static int refuse_word(struct ks_expr_parser *x)
{
	static const char *const known[] = { "not", "and", "or", "true", "false", "null", NULL };
	const struct hint *h = find(words, x->at);
	const char *best = nearest(x->at, known);
	int n = x->at.n > SHOWN ? SHOWN : (int)x->at.n;

	if (h != NULL)
		return refuse(x, h);
	if (is_function(x->at))
		return ks_expr_wrong(x, x->at.p, "function '%.*s' is not supported; %s", n,
		    (const char *)x->at.p, EXISTS);
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

int ks_expr_refuse_operand(struct ks_expr_parser *x)
{
	static const struct hint misplaced[] = {
		{ "and", "", NULL }, { "or", "", NULL }, { "==", "", NULL }, { "!=", "", NULL },
		{ "<", "", NULL }, { "<=", "", NULL }, { ">", "", NULL }, { ">=", "", NULL },
		{ "|", "", NULL }, { "//", "", NULL }, { ")", "", NULL }, { "]", "", NULL },
		{ "?", "", NULL }, { "=", "", NULL }, { NULL, NULL, NULL },
	};

	if (x->token == TOKEN_END)
		return refuse_end(x, "a path or a literal");
	if (find(misplaced, x->at) != NULL)
		return ks_expr_wrong(x, x->at.p, "a path or a literal is missing before '%.*s'",
		    (int)x->at.n, (const char *)x->at.p);
	return x->token == TOKEN_WORD ? refuse_word(x) : refuse_sign(x);
}

int ks_expr_refuse_operator(struct ks_expr_parser *x)
{
	static const struct hint comparisons[] = {
		{ "==", "", NULL }, { "!=", "", NULL }, { "<", "", NULL }, { "<=", "", NULL },
		{ ">", "", NULL }, { ">=", "", NULL }, { NULL, NULL, NULL },
	};
	static const char *const operators[] = { "and", "or", NULL };
	const char *best;

	if (x->token == TOKEN_END)
		return refuse_end(x, "')'");
	if (find(comparisons, x->at) != NULL)
		return ks_expr_wrong(x, x->at.p, "comparisons do not chain; put the first in "
		    "parentheses");
	if (ks_bytes_is(x->at, ")"))
		return ks_expr_wrong(x, x->at.p, "')' without '('");
	best = x->token == TOKEN_WORD ? nearest(x->at, operators) : NULL;
	if (best != NULL)
		return ks_expr_wrong(x, x->at.p, "unknown word '%.*s'; did you mean '%s'?",
		    (int)x->at.n, (const char *)x->at.p, best);
	if (x->token == TOKEN_WORD && find(words, x->at) != NULL)
		return refuse_word(x);
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
		"$key", "$ts", "$topic", "$partition", "$offset", "$headers", NULL,
	};
	static const struct hint others[] = {
		{ "$value", "", "the value is '.'" }, { "$payload", "", "the value is '.'" },
		{ "$record", "", "the value is '.', its key '$key'" },
		{ "$time", "", "did you mean '$ts'?" }, { "$timestamp", "", "did you mean '$ts'?" },
		{ "$header", "", "did you mean '$headers'?" },
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
	    "$partition $offset $headers", n, (const char *)x->at.p);
}

int ks_expr_refuse_index(struct ks_expr_parser *x)
{
	if (x->token == TOKEN_END)
		return refuse_end(x, "']'");
	if (ks_bytes_is(x->at, "]"))
		return ks_expr_wrong(x, x->at.p, "iteration '.[]' is not supported; name an element: "
		    "'.[0]', '.[-1]'");
	if (ks_bytes_is(x->at, ":"))
		return ks_expr_wrong(x, x->at.p, "slice '[:]' is not supported; name an element: "
		    "'.[0]', '.[-1]'");
	return ks_expr_wrong(x, x->at.p, "computed index is not supported; between '[' and ']' "
	    "stands a string or a number");
}
