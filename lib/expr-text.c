/* SPDX-License-Identifier: MIT */
/* expr-text.c - text that grows in scratch, and values as text. */
#include "expr-text.h"

#include <stdio.h>

enum ks_yield ks_text_room(struct ks_expr_set *set, struct ks_text *t, size_t n)
{
	size_t cap = t->cap < 64 ? 64 : t->cap;
	unsigned char *more;

	if (KS_LIKELY(n <= t->cap - t->n))
		return KS_YIELD;
	/* A string of msgpack counts its bytes in 32 bits. */
	if (n > UINT32_MAX - t->n)
		return ks_expr_no_scratch(set);
	while (cap - t->n < n)
		cap *= 2;
	more = ks_expr_scratch(set, cap);
	if (more == NULL)
		return ks_expr_no_scratch(set);
	if (t->n > 0)
		memcpy(more, t->p, t->n);
	t->p = more;
	t->cap = cap;
	return KS_YIELD;
}

enum ks_yield ks_text_add(struct ks_expr_set *set, struct ks_text *t, struct ks_bytes b)
{
	enum ks_yield got = ks_text_room(set, t, b.n);

	if (got != KS_YIELD || b.n == 0)
		return got;
	memcpy(t->p + t->n, b.p, b.n);
	t->n += b.n;
	return KS_YIELD;
}

/* How many of the n > 0 bytes at p, which begin with no whole character, one U+FFFD stands for: as jq counts. */
static size_t broken(const unsigned char *p, size_t n)
{
	size_t k = *p >= 0xc2 && *p <= 0xdf ? 2 : (*p & 0xf0) == 0xe0 ? 3 : *p >= 0xf0 && *p <= 0xf4 ? 4 : 1;
	size_t i;

	if (k > n)
		return n;
	for (i = 1; i < k; i++)
		if ((p[i] & 0xc0) != 0x80)
			return i;
	return k;
}

enum ks_yield ks_text_add_repaired(struct ks_expr_set *set, struct ks_text *t, struct ks_bytes b)
{
	size_t good, at = 0;
	enum ks_yield got;

	for (;;) {
		good = b.n == at ? 0 : ks_utf8_prefix(b.p + at, b.n - at);
		got = ks_text_add(set, t, ks_bytes(b.p + at, good));
		at += good;
		if (got != KS_YIELD || at == b.n)
			return got;
		got = ks_text_add(set, t, ks_str("\xef\xbf\xbd"));
		if (got != KS_YIELD)
			return got;
		at += broken(b.p + at, b.n - at);
	}
}

struct ks_val ks_text_value(const struct ks_text *t)
{
	static const unsigned char none[1];

	return (struct ks_val){ .type = KS_STR, .b = ks_bytes(t->p != NULL ? t->p : none, t->n) };
}

enum ks_yield ks_expr_tostring(struct ks_expr_set *set, const struct ks_val *v,
    struct ks_bytes *text)
{
	enum ks_yield got;

	if (v->type == KS_STR) {
		*text = v->b;
		return KS_YIELD;
	}
	got = ks_expr_json(set, v, text);
	if (got == KS_YIELD && v->type == KS_BIN)
		*text = ks_bytes(text->p + 1, text->n - 2);
	return got;
}
