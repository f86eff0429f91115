/* SPDX-License-Identifier: MIT */
/*
 * agg-clause.c - "low=min(.price), n=count()" taken apart.
 *
 * Expressions are passed over, not read: only what can hold a comma or a
 * parenthesis of its own is followed.
 */
#include "agg.h"

#include <stdio.h>

static const char *const names[] = {
	[KS_AGG_COUNT] = "count", [KS_AGG_SUM] = "sum", [KS_AGG_AVG] = "avg", [KS_AGG_MIN] = "min",
	[KS_AGG_MAX] = "max", [KS_AGG_FIRST] = "first", [KS_AGG_LAST] = "last",
};
#define NAMES (sizeof(names) / sizeof(names[0]))

/* The words of other systems. */
static const struct {
	const char *word;
	enum ks_agg_kind kind;
} meant[] = {
	{ "mean", KS_AGG_AVG }, { "average", KS_AGG_AVG }, { "total", KS_AGG_SUM },
	{ "add", KS_AGG_SUM }, { "low", KS_AGG_MIN }, { "lowest", KS_AGG_MIN },
	{ "high", KS_AGG_MAX }, { "highest", KS_AGG_MAX }, { "length", KS_AGG_COUNT },
	{ "any_value", KS_AGG_FIRST }, { "latest", KS_AGG_LAST }, { "earliest", KS_AGG_FIRST },
};

static bool is_blank(unsigned char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static struct ks_bytes trim(struct ks_bytes b)
{
	while (b.n > 0 && is_blank(b.p[0]))
		b = ks_bytes(b.p + 1, b.n - 1);
	while (b.n > 0 && is_blank(b.p[b.n - 1]))
		b.n--;
	return b;
}

/*
 * Where text has the first stop of its own (0: look for none), or text.n.  A
 * string of jq may hold "\(" expression ")", so strings and brackets nest in
 * each other; the stack of what is open is bounded, and past it the text is
 * nonsense.
 */
static size_t find(struct ks_bytes text, unsigned char stop, bool *balanced)
{
	enum { DEEP = 256 };
	unsigned char open[DEEP], c;
	size_t n = 0, i;

	*balanced = true;
	for (i = 0; i < text.n; i++) {
		c = text.p[i];
		if (n > 0 && open[n - 1] == '"') {
			if (c == '"')
				n--;
			else if (c == '\\' && ++i < text.n && text.p[i] == '(' && n < DEEP)
				open[n++] = ')';
			continue;
		}
		if (c == stop && n == 0)
			return i;
		if (c == '(' || c == '[' || c == '{' || c == '"') {
			if (n == DEEP)
				break;
			open[n++] = c == '(' ? ')' : c == '[' ? ']' : c == '{' ? '}' : c;
		} else if (c == ')' || c == ']' || c == '}') {
			if (n == 0 || open[n - 1] != c)
				break;
			n--;
		}
	}
	*balanced = i == text.n && n == 0;
	return text.n;
}

static unsigned char lower(unsigned char c)
{
	return c >= 'A' && c <= 'Z' ? (unsigned char)(c + 32) : c;
}

/* Levenshtein's distance of two short words; 9 where one is long. */
static unsigned distance(struct ks_bytes a, const char *word)
{
	unsigned char row[16], corner, old;
	size_t n = strlen(word), i, k;

	if (a.n >= sizeof(row) || n >= sizeof(row))
		return 9;
	for (k = 0; k <= n; k++)
		row[k] = (unsigned char)k;
	for (i = 0; i < a.n; i++) {
		corner = row[0]++;
		for (k = 0; k < n; k++) {
			old = row[k + 1];
			row[k + 1] = corner;
			if (lower(a.p[i]) != (unsigned char)word[k]) {
				corner = row[k] < old ? row[k] : old;
				row[k + 1] = (unsigned char)(1 + (row[k + 1] < corner ? row[k + 1] :
				    corner));
			}
			corner = old;
		}
	}
	return row[n];
}

/* The name that was probably meant, or NULL. */
static const char *did_you_mean(struct ks_bytes word)
{
	unsigned best = 3, d;
	const char *name = NULL;
	size_t i;

	for (i = 0; i < sizeof(meant) / sizeof(meant[0]); i++)
		if (distance(word, meant[i].word) == 0)
			return names[meant[i].kind];
	for (i = 0; i < NAMES; i++) {
		d = distance(word, names[i]);
		/* "minimum", "counter": it begins rightly. */
		if (word.n > strlen(names[i]) && distance(ks_bytes(word.p, strlen(names[i])), names[i]) == 0)
			d = 0;
		if (d < best && d < strlen(names[i]) - 1) {
			best = d;
			name = names[i];
		}
	}
	return name;
}

static int find_kind(struct ks_agg_clause *c, struct ks_bytes word, struct ks_err *err)
{
	const char *name;
	size_t i;

	for (i = 0; i < NAMES; i++) {
		if (ks_bytes_is(word, names[i])) {
			c->kind = (enum ks_agg_kind)i;
			return 0;
		}
	}
	name = did_you_mean(word);
	if (name != NULL)
		return ks_fail(err, KS_USAGE, "'%.*s' is no aggregate: did you mean %s?", (int)word.n,
		    (const char *)word.p, name);
	return ks_fail(err, KS_USAGE,
	    "'%.*s' is no aggregate: there are count, sum, avg, min, max, first and last",
	    (int)word.n, (const char *)word.p);
}

static bool is_name(struct ks_bytes name)
{
	size_t i;

	for (i = 0; i < name.n; i++)
		if (name.p[i] <= ' ' || name.p[i] == 0x7f || strchr("=\"'\\.,:;|()[]{}$", name.p[i]) != NULL)
			return false;
	return name.n > 0 && ks_utf8_prefix(name.p, name.n) == name.n;
}

static int bad_clause(struct ks_bytes text, struct ks_err *err)
{
	return ks_fail(err, KS_USAGE, "'%.*s' is not NAME=AGGREGATE(EXPRESSION), as in 'low=min(.price)'",
	    (int)text.n, (const char *)text.p);
}

static int parse_clause(struct ks_agg_clause *c, struct ks_err *err)
{
	const unsigned char *paren, *equal;
	struct ks_bytes head, word;
	bool whole;
	int no;

	paren = memchr(c->text.p, '(', c->text.n);
	if (paren == NULL || c->text.p[c->text.n - 1] != ')')
		return bad_clause(c->text, err);
	head = trim(ks_bytes(c->text.p, (size_t)(paren - c->text.p)));
	equal = head.n > 0 ? memchr(head.p, '=', head.n) : NULL;
	word = head;
	if (equal != NULL) {
		c->name = trim(ks_bytes(head.p, (size_t)(equal - head.p)));
		word = trim(ks_bytes(equal + 1, (size_t)(head.p + head.n - equal - 1)));
		if (!is_name(c->name))
			return bad_clause(c->text, err);
	}
	if (!is_name(word))
		return bad_clause(c->text, err);
	no = find_kind(c, word, err);
	if (no != 0)
		return no;
	c->argument = trim(ks_bytes(paren + 1, (size_t)(c->text.p + c->text.n - 1 - paren - 1)));
	find(c->argument, 0, &whole);	/* not "min(.a) + max(.b)" */
	if (!whole)
		return bad_clause(c->text, err);
	if (c->argument.n == 0 && c->kind != KS_AGG_COUNT)
		return ks_fail(err, KS_USAGE, "'%.*s': %s wants an expression, as in '%s(.price)'",
		    (int)c->text.n, (const char *)c->text.p, names[c->kind], names[c->kind]);
	return 0;
}

int ks_agg_clause_next(struct ks_bytes *text, struct ks_agg_clause *c, struct ks_err *err)
{
	bool balanced;
	size_t n;

	n = find(*text, ',', &balanced);
	*c = (struct ks_agg_clause){ .text = trim(ks_bytes(text->p, n)) };
	if (!balanced)
		return ks_fail(err, KS_USAGE, "'%.*s': a parenthesis or a quote is not closed",
		    (int)c->text.n, (const char *)c->text.p);
	if (c->text.n == 0)
		return ks_fail(err, KS_USAGE, "an aggregate is missing%s%.*s%s", n < text->n ? " before '" : "",
		    (int)(text->n - n), (const char *)text->p + n, n < text->n ? "'" : "");
	*text = n < text->n ? ks_bytes(text->p + n + 1, text->n - n - 1) : ks_bytes(NULL, 0);
	return parse_clause(c, err);
}
