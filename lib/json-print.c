/* SPDX-License-Identifier: MIT */
/* json-print.c - msgpack to JSON text. */
#include "json.h"

#include "base64.h"
#include "num.h"

/* What of p[0..n) can stand between quotes as it is. */
static size_t plain_prefix(const unsigned char *p, size_t n)
{
	const uint64_t ones = UINT64_C(0x0101010101010101), high = ones * 0x80;
	uint64_t w, quote, slash;
	size_t i;

	for (i = 0; n - i >= 8; i += 8) {
		memcpy(&w, p + i, 8);
		quote = w ^ ones * '"';
		slash = w ^ ones * '\\';
		/* The classic zero-byte test: it may see one too many above a hit, never one too few. */
		if ((((w - ones * 0x20) & ~w) | ((quote - ones) & ~quote) | ((slash - ones) & ~slash)) & high)
			break;
	}
	while (i < n && p[i] >= 0x20 && p[i] != '"' && p[i] != '\\')
		i++;
	return i;
}

static unsigned char *put_escape(unsigned char *o, unsigned char c)
{
	static const char hex[] = "0123456789abcdef";
	const char *short_form = "\bb\ff\nn\rr\tt\"\"\\\\", *s;

	*o++ = '\\';
	for (s = short_form; *s != '\0'; s += 2) {
		if ((unsigned char)*s == c) {
			*o++ = (unsigned char)s[1];
			return o;
		}
	}
	memcpy(o, "u00", 3);
	o[3] = (unsigned char)hex[c >> 4];
	o[4] = (unsigned char)hex[c & 15];
	return o + 5;
}

int ks_json_add_string(struct ks_buf *out, struct ks_bytes text)
{
	const unsigned char *p = text.p, *end = text.p + text.n;
	unsigned char *o;
	size_t n;
	int no;

	no = ks_buf_reserve(out, text.n + 2);
	if (no != 0)
		return no;
	out->p[out->n++] = '"';
	for (;;) {
		n = plain_prefix(p, (size_t)(end - p));
		no = ks_buf_reserve(out, n + 8);
		if (no != 0)
			return no;
		o = out->p + out->n;
		if (n > 0)	/* an absent text has no address */
			memcpy(o, p, n);
		o += n;
		p += n;
		if (p == end)
			break;
		o = put_escape(o, *p++);
		out->n = (size_t)(o - out->p);
	}
	*o++ = '"';
	out->n = (size_t)(o - out->p);
	return 0;
}

static int add_number(struct ks_buf *out, const struct ks_val *v)
{
	char text[KS_NUM_TEXT];
	size_t n;

	n = v->type == KS_INT ? ks_num_print_i64(text, v->i) : v->type == KS_UINT ?
	    ks_num_print_u64(text, v->u) : ks_num_print_f64(text, v->d);
	return ks_buf_add(out, text, n);
}

static int add_base64(struct ks_buf *out, struct ks_bytes b)
{
	int no = ks_buf_add(out, "\"", 1);

	if (no == 0)
		no = ks_base64_print(out, b);
	return no != 0 ? no : ks_buf_add(out, "\"", 1);
}

static enum ks_mp_error print_value(const unsigned char **p, const unsigned char *end,
    unsigned depth, struct ks_buf *out, int *no);

static enum ks_mp_error print_container(const struct ks_head *head, const unsigned char **p,
    const unsigned char *end, unsigned depth, struct ks_buf *out, int *no)
{
	bool map = head->type == KS_MAP;
	enum ks_mp_error e;
	uint32_t i;

	if (depth == 0)
		return KS_MP_DEPTH;
	*p = head->body;
	*no = ks_buf_add(out, map ? "{" : "[", 1);
	for (i = 0; i < head->count && *no == 0; i++) {
		if (i > 0)
			*no = ks_buf_add(out, ",", 1);
		if (map && *no == 0) {
			if (*p < end && ((**p & 0xe0) != 0xa0 && (**p < 0xd9 || **p > 0xdb)))
				return KS_MP_KEY;
			e = print_value(p, end, 0, out, no);
			if (e != KS_MP_OK)
				return e;
			if (*no == 0)
				*no = ks_buf_add(out, ":", 1);
		}
		if (*no != 0)
			break;
		e = print_value(p, end, depth - 1, out, no);
		if (e != KS_MP_OK)
			return e;
	}
	if (*no == 0)
		*no = ks_buf_add(out, map ? "}" : "]", 1);
	return KS_MP_OK;
}

static enum ks_mp_error print_value(const unsigned char **p, const unsigned char *end,
    unsigned depth, struct ks_buf *out, int *no)
{
	static const char *const word[] = { "null", "false", "true" };
	struct ks_head head;
	enum ks_mp_error e;
	struct ks_val v;

	if (*p >= end)
		return KS_MP_TRUNCATED;
	e = ks_mp_head(*p, end, &head);
	if (e != KS_MP_OK)
		return e;
	if (head.type >= KS_ARRAY)
		return print_container(&head, p, end, depth, out, no);
	e = ks_mp_read(p, end, 0, &v);
	if (e != KS_MP_OK)
		return e;
	if (v.type == KS_STR) {
		if (ks_utf8_prefix(v.b.p, v.b.n) != v.b.n)
			return KS_MP_UTF8;
		*no = ks_json_add_string(out, v.b);
	} else if (v.type == KS_BIN) {
		*no = add_base64(out, v.b);
	} else if (v.type <= KS_TRUE) {
		*no = ks_buf_add(out, word[v.type], strlen(word[v.type]));
	} else {
		*no = add_number(out, &v);
	}
	return KS_MP_OK;
}

enum ks_mp_error ks_json_print(struct ks_bytes value, unsigned depth, struct ks_buf *out, int *no)
{
	const unsigned char *p = value.p, *end = value.p + value.n;
	enum ks_mp_error e;

	*no = 0;
	e = print_value(&p, end, depth, out, no);
	return e == KS_MP_OK && *no == 0 && p != end ? KS_MP_TRAILING : e;
}
