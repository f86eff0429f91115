/* SPDX-License-Identifier: MIT */
/*
 * agg-clause.c - "low=min(.price), n=count()" taken apart.
 *
 * Expressions are passed over, not read: only what can hold a comma or a
 * parenthesis of its own is followed.
 */
#include "agg-row.h"
#include "distance.h"

#include <stdio.h>

/* What is asked for and is not there, and what does instead. */
static const struct {
	const char *words, *instead;
} missing[] = {
	{ "stddev stdev stddev_pop stddev_samp variance var var_pop var_samp",
	    "keep n=count(.x), s=sum(.x), q=sum(.x * .x), and kstream-map makes it of these" },
	{ "mode", "with the value as the key, count() says how often each came" },
	{ "group_by groupby", "records are grouped by their key: --key, or kstream-map" },
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
 * Where text has the first stop of its own, or text.n.  A
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

/* Whether word is one of those between blanks. */
static bool is_among(struct ks_bytes word, const char *words)
{
	const char *end;
	size_t n;

	for (; *words != '\0'; words = end + (*end == ' ')) {
		end = strchrnul(words, ' ');
		n = (size_t)(end - words);
		if (n == word.n && strncasecmp((const char *)word.p, words, n) == 0)
			return true;
	}
	return false;
}

/* The name that was probably meant, or NULL. */
static const char *did_you_mean(struct ks_bytes word)
{
	const struct ks_agg_row *row;
	const char *name = NULL;
	unsigned best = 3, d;
	size_t i;

	for (i = 0; (row = ks_agg_nth(i)) != NULL; i++)
		if (is_among(word, row->words) || is_among(word, row->name))
			return row->name;
	for (i = 0; (row = ks_agg_nth(i)) != NULL; i++) {
		d = ks_distance(word, row->name);
		/* "counter": it begins rightly. */
		if (word.n > strlen(row->name) && strncasecmp((const char *)word.p, row->name, strlen(row->name)) == 0)
			d = 0;
		if (d < best && d < strlen(row->name) - 1) {
			best = d;
			name = row->name;
		}
	}
	return name;
}

static int refuse_word(struct ks_bytes word, struct ks_err *err)
{
	const struct ks_agg_row *row;
	char names[200];
	const char *name;
	size_t i, n = 0;

	for (i = 0; i < sizeof(missing) / sizeof(missing[0]); i++)
		if (is_among(word, missing[i].words))
			return ks_fail(err, KS_USAGE, "'%.*s' is no aggregate: %s", (int)word.n,
			    (const char *)word.p, missing[i].instead);
	name = did_you_mean(word);
	if (name != NULL)
		return ks_fail(err, KS_USAGE, "'%.*s' is no aggregate: did you mean %s?", (int)word.n,
		    (const char *)word.p, name);
	for (i = 0; (row = ks_agg_nth(i)) != NULL && n < sizeof(names); i++)
		n += (size_t)snprintf(names + n, sizeof(names) - n, " %s", row->name);
	return ks_fail(err, KS_USAGE, "'%.*s' is no aggregate: there are%s", (int)word.n,
	    (const char *)word.p, names);
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

static int parse_args(struct ks_agg_clause *c, struct ks_bytes text, struct ks_err *err)
{
	const struct ks_agg_row *row = c->row;
	bool balanced, missed = false;
	size_t n;

	if (trim(text).n == 0)
		text.p = NULL;
	while (!missed && text.p != NULL) {
		n = find(text, ';', &balanced);
		if (c->count == strlen(row->args))
			return ks_fail(err, KS_USAGE, "'%.*s': %s takes %zu expression%s, as in '%s'",
			    (int)c->text.n, (const char *)c->text.p, row->name, strlen(row->args),
			    row->args[1] == '\0' ? "" : "s at most", row->like);
		c->args[c->count] = trim(ks_bytes(text.p, n));
		/* One that need not be there may be left out before others. */
		missed = c->args[c->count].n == 0 && (c->count < row->need || n == text.n);
		c->count++;
		text = n < text.n ? ks_bytes(text.p + n + 1, text.n - n - 1) : ks_bytes(NULL, 0);
	}
	if (c->count >= row->need && !missed)
		return 0;
	return ks_fail(err, KS_USAGE, "'%.*s': %s wants %s, as in '%s'", (int)c->text.n,
	    (const char *)c->text.p, row->name, row->need == 1 ? "an expression" : row->need == 2 ?
	    "two expressions" : "three expressions", row->like);
}

/* What may stand behind the arguments: nothing, or `where EXPR`. */
static int parse_where(struct ks_agg_clause *c, struct ks_bytes text, struct ks_err *err)
{
	text = trim(text);
	if (text.n == 0)
		return 0;
	if (text.n < 5 || memcmp(text.p, "where", 5) != 0)
		return bad_clause(c->text, err);
	c->where = trim(ks_bytes(text.p + 5, text.n - 5));
	if (c->where.n == 0)
		return ks_fail(err, KS_USAGE, "'%.*s': where wants an expression, as in 'count() where .price > 5'",
		    (int)c->text.n, (const char *)c->text.p);
	return text.n > 5 && (is_blank(text.p[5]) || text.p[5] == '(' || text.p[5] == '.') ? 0 :
	    bad_clause(c->text, err);
}

static int parse_clause(struct ks_agg_clause *c, struct ks_err *err)
{
	const unsigned char *paren, *equal, *end = c->text.p + c->text.n;
	struct ks_bytes head, word, inside;
	bool balanced;
	int status;

	paren = memchr(c->text.p, '(', c->text.n);
	if (paren == NULL)
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
	inside = ks_bytes(paren + 1, (size_t)(end - paren - 1));
	inside.n = find(inside, ')', &balanced);
	status = parse_where(c, ks_bytes(inside.p + inside.n + 1, (size_t)(end - inside.p) - inside.n - 1), err);
	if (status != 0)
		return status;
	c->row = ks_agg_find(word);
	return c->row != NULL ? parse_args(c, inside, err) : refuse_word(word, err);
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
