/* SPDX-License-Identifier: MIT */
/*
 * expr-lex.c - the tokens of an expression.
 *
 * Strings go through the scanner of JSON: a string literal is a JSON string,
 * which may span lines here, or what stands before, between and behind
 * interpolations of such.
 */
#include "expr-impl.h"

#include <math.h>

#include "num.h"

#define TOKENS_MAX 2000000u	/* an argument of a macro is read as often as the macro names it */

static bool is_digit(unsigned c)
{
	return c - '0' <= 9;
}

static bool is_name(unsigned c)
{
	return (c | 0x20) - 'a' < 26 || c == '_' || is_digit(c);
}

static const unsigned char *skip_digits(const unsigned char *p)
{
	while (is_digit(*p))
		p++;
	return p;
}

static const unsigned char *skip_name(const unsigned char *p)
{
	while (is_name(*p))
		p++;
	return p;
}

static const unsigned char *skip_blanks(const unsigned char *p)
{
	for (;;) {
		while (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n')
			p++;
		if (*p != '#')
			return p;
		while (*p != '\n' && *p != '\0')
			p++;
	}
}

static int no_memory(struct ks_expr_parser *x)
{
	return ks_fail(x->err, KS_TEMP, "no memory for an expression");
}

/* The quote or the \( that ends what begins at p, or the NUL. */
static const unsigned char *skip_piece(const unsigned char *p)
{
	while (*p != '"' && *p != '\0') {
		if (*p == '\\' && p[1] == '(')
			return p;
		p += *p == '\\' && p[1] != '\0' ? 2 : 1;
	}
	return p;
}

static int wrong_string(struct ks_expr_parser *x, const struct ks_scan *scan, const unsigned char *at)
{
	return ks_expr_wrong(x, at, "%s", scan->e == KS_JSON_UTF8 ?
	    "string is not UTF-8" : scan->e == KS_JSON_SURROGATE ?
	    "half a surrogate pair in a string" : "unknown escape in a string; "
	    "there are \\\" \\\\ \\/ \\b \\f \\n \\r \\t, \\uXXXX and \\(EXPR)");
}

/* From `first`, behind a quote or the ')' of an interpolation.  The scanner wants a quote and padding: a copy. */
static int lex_piece(struct ks_expr_parser *x, const unsigned char *begin, const unsigned char *first)
{
	const unsigned char *end = skip_piece(first);
	size_t n = (size_t)(end - first);
	unsigned char *text = ks_arena_get(&x->set->program, n + 1 + KS_PAD);
	struct ks_scan scan = { .end = text };
	bool escaped = false;
	size_t i;

	if (*end == '\0')
		return ks_expr_wrong(x, begin, "the string that begins here does not end");
	if (text == NULL)
		return no_memory(x);
	/* JSON has no newlines and tabs in strings; a program may, as in jq: blanks while they are scanned. */
	for (i = 0; i < n; i++)
		text[i] = first[i] < ' ' ? ' ' : first[i];
	text[n] = '"';
	memset(text + n + 1, 0, KS_PAD);
	scan.end = text + n + 1;
	if (ks_scan_string(&scan, text, &escaped) == NULL)
		return wrong_string(x, &scan, first + (scan.at - text));
	memcpy(text, first, n);
	n = ks_scan_unescape(text, text, n);
	x->v = (struct ks_val){ .type = KS_STR, .b = ks_bytes(text, n) };
	x->token = TOKEN_STRING;
	x->open = *end == '\\';
	x->at = ks_bytes(begin, (size_t)(end - begin) + (x->open ? 2 : 1));
	return 0;
}

int ks_expr_lex_string(struct ks_expr_parser *x)
{
	return lex_piece(x, x->at.p, x->at.p + 1);
}

static const unsigned char *skip_code(const unsigned char *p, unsigned left);

/* The quote that ends the string that begins at p, or the NUL; NULL: nested too deep. */
static const unsigned char *skip_string(const unsigned char *p, unsigned left)
{
	for (;;) {
		p = skip_piece(p + 1);
		if (*p != '\\')
			return p;
		p = left == 0 ? NULL : skip_code(p + 2, left - 1);
		if (p == NULL || *p != ')')
			return p;
	}
}

/* What ends the code that begins at p: ';' or a bracket that was opened before it, or the NUL. */
static const unsigned char *skip_code(const unsigned char *p, unsigned left)
{
	unsigned depth = 0;

	for (;; p++) {
		p = skip_blanks(p);
		switch (*p) {
		case '\0':
			return p;
		case '"':
			p = skip_string(p, left);
			if (p == NULL || *p != '"')
				return p;
			break;
		case '(': case '[': case '{':
			depth++;
			break;
		case ')': case ']': case '}':
			if (depth == 0)
				return p;
			depth--;
			break;
		case ';':
			if (depth == 0)
				return p;
			break;
		default:
			break;
		}
	}
}

const unsigned char *ks_expr_skip_argument(const unsigned char *p)
{
	return skip_code(p, KS_EXPR_DEPTH_MAX);
}

/* jq also takes "007", "1." and ".5": as JSON would write them, for ks_num_f64. */
static int read_float(struct ks_expr_parser *x, const unsigned char *p, size_t n)
{
	unsigned char *copy = ks_arena_get(&x->set->program, n + 3), *o = copy;
	const unsigned char *end = p + n;

	if (copy == NULL)
		return no_memory(x);
	while (*p == '0' && is_digit(p[1]))
		p++;
	if (*p == '.')
		*o++ = '0';
	for (; p < end; p++)
		if (*p != '.' || is_digit(p[1]))
			*o++ = *p;
	*o = '\0';
	x->v = (struct ks_val){ .type = KS_FLOAT, .d = ks_num_f64(copy, (size_t)(o - copy)) };
	if (isinf(x->v.d))
		return ks_expr_wrong(x, x->at.p, "number beyond the range of a double");
	return 0;
}

static int lex_number(struct ks_expr_parser *x, const unsigned char *p)
{
	const unsigned char *end = skip_digits(p), *q;
	bool whole = true;
	uint64_t u = 0;

	if (*end == '.' && end[1] != '.') {
		whole = false;
		end = skip_digits(end + 1);
	}
	if ((*end | 0x20) == 'e') {
		q = end + 1 + (end[1] == '+' || end[1] == '-');
		if (is_digit(*q)) {
			whole = false;
			end = skip_digits(q);
		}
	}
	x->token = TOKEN_NUMBER;
	x->at = ks_bytes(p, (size_t)(end - p));
	if (is_name(*end))
		return ks_expr_wrong(x, end, "'%.*s' directly behind a number",
		    (int)(skip_name(end) - end), (const char *)end);
	for (q = p; whole && q < end; q++)
		whole = !__builtin_mul_overflow(u, 10u, &u) &&
		    !__builtin_add_overflow(u, (unsigned)*q - '0', &u);
	if (!whole)
		return read_float(x, p, x->at.n);
	if (u > INT64_MAX)
		x->v = (struct ks_val){ .type = KS_UINT, .u = u };
	else
		x->v = (struct ks_val){ .type = KS_INT, .i = (int64_t)u };
	return 0;
}

/* Longest first.  Most are known only to be refused by name. */
static size_t sign_length(const unsigned char *p)
{
	static const char *const signs[] = {
		"===", "!==", "//=", "|=", "+=", "-=", "*=", "/=", "%=", "==", "!=", "<=", ">=",
		"//", "..", "&&", "||", "=~", "<>", "::",
	};
	size_t i, n;

	for (i = 0; i < sizeof(signs) / sizeof(signs[0]); i++) {
		n = strlen(signs[i]);
		if (strncmp((const char *)p, signs[i], n) == 0)
			return n;
	}
	/* A whole character, so that a message can show it. */
	n = 1;
	if (*p >= 0xc0)
		while ((p[n] & 0xc0) == 0x80)
			n++;
	return n;
}

/* A name that holds a letter beyond ASCII, which jq does not take either; *end is behind it. */
static bool is_foreign(const unsigned char *p, const unsigned char **end)
{
	bool foreign = false;

	for (; is_name(*p) || *p >= 0x80; p++)
		foreign |= *p >= 0x80;
	*end = p;
	return foreign;
}

int ks_expr_lex(struct ks_expr_parser *x)
{
	const unsigned char *p = skip_blanks(x->at.p + x->at.n), *end;

	x->before = x->at.p + x->at.n;
	x->at = ks_bytes(p, 0);
	if (*p == '\0') {
		x->token = TOKEN_END;
		return 0;
	}
	if (x->work++ > TOKENS_MAX)
		return ks_expr_wrong(x, p, "the expression is too large");
	if (*p == '"')
		return lex_piece(x, p, p + 1);
	if (is_digit(*p) || (*p == '.' && is_digit(p[1])))
		return lex_number(x, p);
	if (*p == '.' && is_foreign(p + 1, &end))
		return ks_expr_wrong(x, p + 1, "a name of other letters than a-z, A-Z, 0-9 and _ stands in quotes: .\"%.*s\"",
		    (int)(end - p) - 1, (const char *)p + 1);
	if (*p == '.' && is_name(p[1])) {
		end = skip_name(p + 1);
		x->token = TOKEN_FIELD;
		x->v = (struct ks_val){ .type = KS_STR, .b = ks_bytes(p + 1, (size_t)(end - p) - 1) };
	} else if (*p == '.' && p[1] != '.') {
		end = p + 1;
		x->token = TOKEN_DOT;
	} else if (*p == '$' && is_name(p[1])) {
		end = skip_name(p + 1);
		x->token = TOKEN_VARIABLE;
	} else if (*p == '@' && is_name(p[1])) {
		end = skip_name(p + 1);
		x->token = TOKEN_FORMAT;
	} else if (is_name(*p)) {
		end = skip_name(p);
		x->token = TOKEN_WORD;
	} else {
		end = p + sign_length(p);
		x->token = TOKEN_SIGN;
	}
	x->at.n = (size_t)(end - p);
	return 0;
}

int ks_expr_lex_at(struct ks_expr_parser *x, const unsigned char *at)
{
	x->at = ks_bytes(at, 0);
	return ks_expr_lex(x);
}
