/* SPDX-License-Identifier: MIT */
/* expr-pattern.c - regular expressions of jq as PCRE2 is to have them. */
#include "expr-pattern.h"

#include "expr-late.h"

enum ks_yield ks_pattern_flags(struct ks_expr_set *set, const struct ks_val *v, unsigned *flags)
{
	static const char letter[] = "gixpmnls";
	static const unsigned char flag[] = {
		FLAG_G, FLAG_I, FLAG_X, FLAG_DOT, FLAG_DOT, FLAG_N, FLAG_L, 0,
	};
	const char *at;
	size_t i;

	*flags = 0;
	if (v->type == KS_NIL)
		return KS_YIELD;
	if (v->type != KS_STR)
		return ks_expr_unfit(set, v, "is not a string");
	for (i = 0; i < v->b.n; i++) {
		at = v->b.p[i] == '\0' ? NULL : strchr(letter, v->b.p[i]);
		if (at == NULL)
			return ks_expr_error(set, "%.*s is not a valid modifier string",
			    (int)(v->b.n < 100 ? v->b.n : 100), (const char *)v->b.p);
		*flags |= flag[at - letter];
	}
	return KS_YIELD;
}

bool ks_pattern_is_literal(struct ks_bytes b, unsigned flags)
{
	size_t i;

	if (b.n == 0 || flags != 0)
		return false;
	for (i = 0; i < b.n; i++)
		if (b.p[i] == '\0' || strchr("\\^$.|?*+()[]{}", b.p[i]) != NULL)
			return false;
	return true;
}

static bool hex4(const unsigned char *p)
{
	unsigned i;

	for (i = 0; i < 4; i++)
		if (p[i] == '\0' || strchr("0123456789abcdefABCDEF", p[i]) == NULL)
			return false;
	return true;
}

/*
 * The pattern as PCRE2 is to have it: \uXXXX, which it knows only in a mode
 * that takes \x{...} away, as \x{XXXX}; and for l with a callout behind it.
 */
enum ks_yield ks_pattern_translate(struct ks_expr_set *set, struct ks_bytes b, unsigned flags,
    struct ks_text *t)
{
	const unsigned char *p = b.p, *end = b.p + b.n;
	bool quoted = false;
	enum ks_yield got = ks_text_room(set, t, 2 * b.n + 16);
	size_t n;

	if (got != KS_YIELD)
		return got;
	if (flags & FLAG_L)
		got = ks_text_add(set, t, ks_str("(?:"));
	while (p < end && got == KS_YIELD) {
		if (!quoted && end - p >= 6 && p[0] == '\\' && p[1] == 'u' && hex4(p + 2)) {
			memcpy(t->p + t->n, "\\x{", 3);
			memcpy(t->p + t->n + 3, p + 2, 4);
			t->p[t->n + 7] = '}';
			t->n += 8;
			p += 6;
			continue;
		}
		n = *p == '\\' && end - p >= 2 && (!quoted || p[1] == 'E') ? 2 : 1;
		if (n == 2)
			quoted = p[1] == 'Q';
		memcpy(t->p + t->n, p, n);
		t->n += n;
		p += n;
	}
	/* A comment of x ends at the newline. */
	if ((flags & FLAG_L) && got == KS_YIELD)
		got = ks_text_add(set, t, ks_str(flags & FLAG_X ? "\n)(?C1)" : ")(?C1)"));
	return got;
}

/* Whether case may not count somewhere: by the flag, or (?i) and its like. */
static bool is_caseless(struct ks_bytes b, unsigned flags)
{
	size_t i, j;

	for (i = 0; i + 2 < b.n && !(flags & FLAG_I); i++) {
		if (b.p[i] != '(' || b.p[i + 1] != '?')
			continue;
		for (j = i + 2; j < b.n && b.p[j] != '\0' && strchr("^-imnsxJUa", b.p[j]) != NULL; j++)
			if (b.p[j] == 'i')
				return true;
	}
	return (flags & FLAG_I) != 0;
}

/* How many characters the range of a class may have that ends at p; what stands before it is not looked at. */
static uint64_t range_max(const unsigned char *p, const unsigned char *end)
{
	while (p < end && (*p == ' ' || *p == '\t'))	/* (?xx) passes over them */
		p++;
	if (p == end || *p < 0x80)
		return p + 1 < end && *p == '\\' && strchr("xouNQE", p[1]) != NULL ? 0x110000 : 0;
	return *p >= 0xf0 ? 0x110000 : *p >= 0xe0 ? 0x10000 : 0x800;
}

/*
 * Measured with PCRE2 10.42: where case does not count, each character of a
 * range is looked up, in 3 ns, and (?i)[\x{100}-\x{10ffff}] takes 3 ms; each
 * name of a group is compared with those before it, and a reference to it
 * with all, in 1 to 3 ns.
 */
uint64_t ks_pattern_cost(struct ks_bytes b, unsigned flags)
{
	bool caseless = is_caseless(b, flags);
	uint64_t characters = 0, names = 0;
	size_t i;

	for (i = 0; i + 1 < b.n; i++) {
		if (b.p[i] == '-' && caseless)
			characters += range_max(b.p + i + 1, b.p + b.n);
		names += (b.p[i] == '?' && b.p[i + 1] != '\0' && strchr("<P'&", b.p[i + 1]) != NULL) ||
		    (b.p[i] == '\\' && (b.p[i + 1] == 'k' || b.p[i + 1] == 'g'));
	}
	return characters / 32 + names * names / 32;
}

uint32_t ks_pattern_options(unsigned flags)
{
	uint32_t options = PCRE2_UTF | PCRE2_UCP | PCRE2_DUPNAMES | PCRE2_NEVER_BACKSLASH_C;

	options |= flags & FLAG_I ? PCRE2_CASELESS : 0;
	options |= flags & FLAG_X ? PCRE2_EXTENDED : 0;
	options |= flags & FLAG_DOT ? PCRE2_DOTALL : 0;
	/* What takes all it can get would leave the callout of l nothing to choose from. */
	options |= flags & FLAG_L ? PCRE2_NO_AUTO_POSSESS : 0;
	return options;
}
