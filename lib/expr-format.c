/* SPDX-License-Identifier: MIT */
/* expr-format.c - @csv and its kin: text of a value in the words of another format. */
#include "expr-text.h"

#include <math.h>

typedef enum ks_yield format_fn(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *args, struct ks_val *out);

static enum ks_yield as_text(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *args, struct ks_val *out)
{
	struct ks_bytes text = ks_bytes(NULL, 0);
	enum ks_yield got = ks_expr_tostring(set, in, &text);

	(void)args;
	*out = (struct ks_val){ .type = KS_STR, .b = text };
	return got;
}

static enum ks_yield as_json(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *args, struct ks_val *out)
{
	struct ks_bytes text = ks_bytes(NULL, 0);
	enum ks_yield got = ks_expr_json(set, in, &text);

	(void)args;
	*out = (struct ks_val){ .type = KS_STR, .b = text };
	return got;
}

/* What stands for a byte: in words, a byte and what becomes of it in turn; a NUL is "\0" to jq. */
static const char *escape_of(const char *const *words, unsigned char c)
{
	for (; *words != NULL; words += 2)
		if ((unsigned char)words[0][0] == c)
			return words[1];
	return c == '\0' ? "\\0" : NULL;
}

static enum ks_yield add_escaped(struct ks_expr_set *set, struct ks_text *t, struct ks_bytes b,
    const char *const *words)
{
	enum ks_yield got = ks_text_room(set, t, b.n);
	const char *escape;
	size_t i, from = 0, escapes = 0;

	for (i = 0; i < b.n && got == KS_YIELD; i++) {
		escape = escape_of(words, b.p[i]);
		if (escape == NULL)
			continue;
		got = ks_text_add(set, t, ks_bytes(b.p + from, i - from));
		if (got == KS_YIELD)
			got = ks_text_add(set, t, ks_str(escape));
		from = i + 1;
		escapes++;
	}
	if (got == KS_YIELD)
		got = ks_text_add(set, t, ks_bytes(b.p + from, b.n - from));
	return got == KS_YIELD ? ks_expr_read(set, b.n + 4 * escapes) : got;
}

/* A format of rows: how strings stand in it, and what it says of what cannot. */
struct row {
	const char *quote, *between, *refusal;
	const char *const *words;
	bool blank;	/* null and nan are nothing */
};

static enum ks_yield add_cell(struct ks_expr_set *set, struct ks_text *t, const struct ks_val *v,
    const struct row *row)
{
	struct ks_bytes text;
	enum ks_yield got;

	if (v->type >= KS_ARRAY)
		return ks_expr_unfit(set, v, row->refusal);
	if (row->blank && (v->type == KS_NIL || (v->type == KS_FLOAT && isnan(v->d))))
		return KS_YIELD;
	got = ks_expr_tostring(set, v, &text);
	if (got != KS_YIELD || v->type < KS_STR)
		return got == KS_YIELD ? ks_text_add(set, t, text) : got;
	got = ks_text_add(set, t, ks_str(row->quote));
	if (got == KS_YIELD)
		got = add_escaped(set, t, text, row->words);
	return got == KS_YIELD ? ks_text_add(set, t, ks_str(row->quote)) : got;
}

static enum ks_yield as_row(struct ks_expr_set *set, const struct ks_val *in,
    const struct row *row, struct ks_val *out)
{
	struct ks_vals list = { NULL, 0, 0 };
	struct ks_text text = { NULL, 0, 0 };
	enum ks_yield got = ks_vals_of(set, in, &list);
	uint32_t i;

	for (i = 0; i < list.n && got == KS_YIELD; i++) {
		if (i > 0)
			got = ks_text_add(set, &text, ks_str(row->between));
		if (got == KS_YIELD)
			got = add_cell(set, &text, &list.v[i], row);
	}
	*out = ks_text_value(&text);
	return got;
}

static enum ks_yield as_csv(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *args, struct ks_val *out)
{
	static const char *const words[] = { "\"", "\"\"", NULL };
	static const struct row row = { "\"", ",", "is not valid in a csv row", words, true };

	(void)args;
	if (in->type != KS_ARRAY)
		return ks_expr_unfit(set, in, "cannot be csv-formatted, only array");
	return as_row(set, in, &row, out);
}

static enum ks_yield as_tsv(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *args, struct ks_val *out)
{
	static const char *const words[] = {
		"\t", "\\t", "\r", "\\r", "\n", "\\n", "\\", "\\\\", NULL,
	};
	static const struct row row = { "", "\t", "is not valid in a tsv row", words, true };

	(void)args;
	if (in->type != KS_ARRAY)
		return ks_expr_unfit(set, in, "cannot be tsv-formatted, only array");
	return as_row(set, in, &row, out);
}

static enum ks_yield as_sh(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *args, struct ks_val *out)
{
	static const char *const words[] = { "'", "'\\''", NULL };
	static const struct row row = { "'", " ", "can not be escaped for shell", words, false };
	struct ks_text text = { NULL, 0, 0 };
	enum ks_yield got;

	(void)args;
	if (in->type == KS_ARRAY)
		return as_row(set, in, &row, out);
	got = add_cell(set, &text, in, &row);
	*out = ks_text_value(&text);
	return got;
}

static enum ks_yield as_html(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *args, struct ks_val *out)
{
	static const char *const words[] = {
		"&", "&amp;", "<", "&lt;", ">", "&gt;", "'", "&apos;", "\"", "&quot;", NULL,
	};
	struct ks_text text = { NULL, 0, 0 };
	struct ks_bytes b;
	enum ks_yield got = ks_expr_tostring(set, in, &b);

	(void)args;
	if (got == KS_YIELD)
		got = add_escaped(set, &text, b, words);
	*out = ks_text_value(&text);
	return got;
}

static bool unreserved(unsigned char c)
{
	return (unsigned)(c | 0x20) - 'a' < 26 || (unsigned)c - '0' < 10 || c == '-' || c == '.' || c == '_' ||
	    c == '~';
}

static enum ks_yield as_uri(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *args, struct ks_val *out)
{
	static const char hex[] = "0123456789ABCDEF";
	struct ks_text text = { NULL, 0, 0 };
	struct ks_bytes b;
	enum ks_yield got = ks_expr_tostring(set, in, &b);
	size_t i;

	(void)args;
	if (got == KS_YIELD)
		got = ks_text_room(set, &text, 3 * b.n);
	if (got != KS_YIELD)
		return got;
	for (i = 0; i < b.n; i++) {
		if (unreserved(b.p[i])) {
			text.p[text.n++] = b.p[i];
			continue;
		}
		text.p[text.n++] = '%';
		text.p[text.n++] = (unsigned char)hex[b.p[i] >> 4];
		text.p[text.n++] = (unsigned char)hex[b.p[i] & 15];
	}
	*out = ks_text_value(&text);
	return ks_expr_steps(set, 1 + b.n / 32);
}

static int hex_digit(unsigned char c)
{
	return c >= '0' && c <= '9' ? c - '0' : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10 : -1;
}

static enum ks_yield from_uri(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *args, struct ks_val *out)
{
	struct ks_text text = { NULL, 0, 0 };
	struct ks_bytes b;
	enum ks_yield got = ks_expr_tostring(set, in, &b);
	size_t i;

	(void)args;
	if (got == KS_YIELD)
		got = ks_expr_read(set, b.n);
	if (got == KS_YIELD)
		got = ks_text_room(set, &text, b.n);
	if (got != KS_YIELD)
		return got;
	*out = (struct ks_val){ .type = KS_STR, .b = b };
	for (i = 0; i < b.n; i++) {
		if (b.p[i] != '%') {
			text.p[text.n++] = b.p[i];
			continue;
		}
		if (b.n - i < 3 || hex_digit(b.p[i + 1]) < 0 || hex_digit(b.p[i + 2]) < 0)
			return ks_expr_unfit(set, out, "is not a valid uri encoding");
		text.p[text.n++] = (unsigned char)(hex_digit(b.p[i + 1]) << 4 | hex_digit(b.p[i + 2]));
		i += 2;
	}
	if (ks_utf8_prefix(text.p, text.n) != text.n)
		return ks_expr_unfit(set, out, "is not a valid uri encoding");
	*out = ks_text_value(&text);
	return KS_YIELD;
}

/* Base 64 and base 32: `bits` of a letter, `group` letters that make whole bytes. */
struct base {
	const char *letters, *bad, *cut;
	unsigned bits, group;
};

static const struct base base64 = {
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
	"is not valid base64 data", "trailing base64 byte found", 6, 4,
};

static const struct base base32 = {
	"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567",
	"is not valid base32 data", "trailing base32 byte found", 5, 8,
};

/* Bytes are encoded themselves, and not the text that stands for them. */
static enum ks_yield encode(struct ks_expr_set *set, const struct ks_val *in,
    const struct base *base, struct ks_val *out)
{
	struct ks_text text = { NULL, 0, 0 };
	struct ks_bytes b = in->b;
	enum ks_yield got = in->type == KS_BIN ? KS_YIELD : ks_expr_tostring(set, in, &b);
	uint32_t w = 0, mask = (1u << base->bits) - 1;
	unsigned have = 0;
	size_t i;

	if (got == KS_YIELD)
		got = ks_text_room(set, &text, 2 * b.n + base->group);
	if (got != KS_YIELD)
		return got;
	for (i = 0; i < b.n; i++) {
		w = w << 8 | b.p[i];
		for (have += 8; have >= base->bits; have -= base->bits)
			text.p[text.n++] = (unsigned char)base->letters[w >> (have - base->bits) & mask];
	}
	if (have > 0)
		text.p[text.n++] = (unsigned char)base->letters[w << (base->bits - have) & mask];
	while (text.n % base->group != 0)
		text.p[text.n++] = '=';
	*out = ks_text_value(&text);
	return ks_expr_steps(set, 1 + b.n / 32);
}

/* What stands behind the first `=` is not read, and padding may be missing, as in jq. */
static enum ks_yield decode(struct ks_expr_set *set, const struct ks_val *in,
    const struct base *base, struct ks_val *out)
{
	struct ks_text text = { NULL, 0, 0 }, bytes = { NULL, 0, 0 };
	unsigned have = 0;
	const char *at;
	struct ks_bytes b;
	enum ks_yield got;
	uint32_t w = 0;
	size_t i;

	got = ks_expr_tostring(set, in, &b);
	if (got == KS_YIELD)
		got = ks_expr_read(set, b.n);
	if (got == KS_YIELD)
		got = ks_text_room(set, &bytes, b.n + 1);
	if (got != KS_YIELD)
		return got;
	*out = (struct ks_val){ .type = KS_STR, .b = b };
	for (i = 0; i < b.n && b.p[i] != '='; i++) {
		at = b.p[i] == '\0' ? NULL : strchr(base->letters, b.p[i]);
		if (at == NULL)
			return ks_expr_unfit(set, out, base->bad);
		w = w << base->bits | (uint32_t)(at - base->letters);
		have += base->bits;
		if (have >= 8) {
			have -= 8;
			bytes.p[bytes.n++] = (unsigned char)(w >> have);
		}
	}
	/* So many letters as no bytes end with: one alone says not even a byte. */
	if (have >= base->bits)
		return ks_expr_unfit(set, out, base->cut);
	got = ks_text_add_repaired(set, &text, ks_bytes(bytes.p, bytes.n));
	*out = ks_text_value(&text);
	return got;
}

static enum ks_yield as_base64(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *args, struct ks_val *out)
{
	(void)args;
	return encode(set, in, &base64, out);
}

static enum ks_yield from_base64(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *args, struct ks_val *out)
{
	(void)args;
	return decode(set, in, &base64, out);
}

static enum ks_yield as_base32(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *args, struct ks_val *out)
{
	(void)args;
	return encode(set, in, &base32, out);
}

static enum ks_yield from_base32(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *args, struct ks_val *out)
{
	(void)args;
	return decode(set, in, &base32, out);
}

static format_fn by_name;

const struct ks_expr_fn ks_expr_fn_format[] = {
	{ .name = "@text", .call = as_text },
	{ .name = "@json", .call = as_json },
	{ .name = "@csv", .call = as_csv },
	{ .name = "@tsv", .call = as_tsv },
	{ .name = "@html", .call = as_html },
	{ .name = "@uri", .call = as_uri },
	{ .name = "@urid", .call = from_uri },
	{ .name = "@sh", .call = as_sh },
	{ .name = "@base64", .call = as_base64 },
	{ .name = "@base64d", .call = from_base64 },
	{ .name = "@base32", .call = as_base32 },
	{ .name = "@base32d", .call = from_base32 },
	{ .name = "format", .args = 1, .call = by_name },
	{ .name = NULL },
};

static enum ks_yield by_name(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *args, struct ks_val *out)
{
	const struct ks_expr_fn *fn;

	if (args->type != KS_STR)
		return ks_expr_unfit(set, args, "is not a valid format");
	for (fn = ks_expr_fn_format; fn->args == 0; fn++)
		if (ks_bytes_is(args->b, fn->name + 1))
			return fn->call(set, in, NULL, out);
	return ks_expr_error(set, "%.*s is not a valid format",
	    (int)(args->b.n < 100 ? args->b.n : 100), (const char *)args->b.p);
}
