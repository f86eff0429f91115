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

static size_t put_number(char *o, const struct ks_val *v)
{
	return v->type == KS_INT ? ks_num_print_i64(o, v->i) : v->type == KS_UINT ?
	    ks_num_print_u64(o, v->u) : ks_num_print_f64(o, v->d);
}

static int add_number(struct ks_buf *out, const struct ks_val *v)
{
	char text[KS_NUM_TEXT];

	return ks_buf_add(out, text, put_number(text, v));
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

/*
 * The same for a value whose text fits in any case, without looking for room
 * at each piece: no byte of msgpack becomes more than SWELL of text, with
 * what separates it from the next value.  These return NULL for what is
 * rare, or wrong: print_value does the one and names the other.
 */
#define SWELL 6		/* "false,"; "\u0001" of a byte */
#define BRIEF 16384	/* bytes; a longer value would take much room for the worst case */

/* The first n of the 8 bytes of a word, and blanks for the others. */
static inline uint64_t head_of(uint64_t w, size_t n)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	uint64_t keep = (UINT64_C(1) << 8 * n) - 1;
#else
	uint64_t keep = ~(UINT64_MAX >> 8 * n);
#endif

	return (w & keep) | (UINT64_C(0x2020202020202020) & ~keep);
}

/* A string that is not plain ASCII, or is short and stands at the very end of the value. */
static unsigned char *put_any_string(unsigned char *o, const unsigned char *p, size_t n)
{
	size_t i;

	if (ks_utf8_prefix(p, n) != n)
		return NULL;
	*o++ = '"';
	for (i = 0; i < n; i++) {
		if (p[i] >= 0x20 && p[i] != '"' && p[i] != '\\')
			*o++ = p[i];
		else
			o = put_escape(o, p[i]);
	}
	*o++ = '"';
	return o;
}

/* Whether a byte of a word cannot stand between quotes as it is, or is no ASCII; one too many above a hit is of no account. */
static inline bool is_odd(uint64_t w)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);
	uint64_t quote = w ^ ones * '"', slash = w ^ ones * '\\';

	return ((w | (w - ones * 0x20) | ((quote - ones) & ~quote) | ((slash - ones) & ~slash)) & ones * 0x80) != 0;
}

/* end: of the value that it is in, up to which can be read. */
static inline unsigned char *put_string(unsigned char *o, const unsigned char *p, size_t n, const unsigned char *end)
{
	size_t i;
	uint64_t w;

	if (n < 8 && end - p < 8)
		return put_any_string(o, p, n);
	for (i = 0; n - i >= 8; i += 8) {
		memcpy(&w, p + i, 8);
		memcpy(o + 1 + i, &w, 8);
		if (is_odd(w))
			return put_any_string(o, p, n);
	}
	i = n < 8 ? 0 : n - 8;	/* the last word of a long one stands over the one before */
	memcpy(&w, p + i, 8);
	memcpy(o + 1 + i, &w, 8);
	if (is_odd(n < 8 ? head_of(w, n) : w))
		return put_any_string(o, p, n);
	o[0] = '"';
	o[n + 1] = '"';
	return o + n + 2;
}

/* The string at *p, behind which *p is then. */
static inline unsigned char *brief_string(unsigned char *o, const unsigned char **p, const unsigned char *end)
{
	struct ks_head head;

	if (KS_LIKELY((**p & 0xe0) == 0xa0)) {
		head.count = **p & 0x1f;
		head.body = *p + 1;
		if ((size_t)(end - head.body) < head.count)
			return NULL;
	} else if (ks_mp_head(*p, end, &head) != KS_MP_OK || head.type != KS_STR) {
		return NULL;
	}
	*p = head.body + head.count;
	return put_string(o, head.body, head.count, end);
}

static unsigned char *brief_container(unsigned char *o, const unsigned char **p, const unsigned char *end, unsigned depth);

static inline unsigned char *brief_value(unsigned char *o, const unsigned char **p, const unsigned char *end, unsigned depth)
{
	unsigned tag = **p;
	struct ks_val v;

	if ((tag & 0xe0) == 0xa0 || (tag >= 0xd9 && tag <= 0xdb))
		return brief_string(o, p, end);
	if ((tag >= 0x80 && tag <= 0x9f) || (tag >= 0xdc && tag <= 0xdf))
		return brief_container(o, p, end, depth);
	if (tag == 0xc0 || tag == 0xc2 || tag == 0xc3) {
		++*p;
		memcpy(o, tag == 0xc0 ? "null" : tag == 0xc2 ? "fals" : "true", 4);
		o[4] = 'e';
		return o + (tag == 0xc2 ? 5 : 4);
	}
	if (KS_LIKELY(ks_mp_read_quick(*p, (size_t)(end - *p), &v)))
		*p += ks_mp_fixed[tag];
	else if (ks_mp_read(p, end, 0, &v) != KS_MP_OK || !ks_val_number(&v))
		return NULL;
	return o + put_number((char *)o, &v);
}

static unsigned char *brief_container(unsigned char *o, const unsigned char **p, const unsigned char *end, unsigned depth)
{
	struct ks_head head;
	bool map;
	uint32_t i;

	if (depth == 0 || ks_mp_head(*p, end, &head) != KS_MP_OK)
		return NULL;
	*p = head.body;
	map = head.type == KS_MAP;
	*o++ = map ? '{' : '[';
	for (i = 0; i < head.count; i++) {
		if (i > 0)
			*o++ = ',';
		if (map) {
			o = *p < end ? brief_string(o, p, end) : NULL;
			if (o == NULL)
				return NULL;
			*o++ = ':';
		}
		o = *p < end ? brief_value(o, p, end, depth - 1) : NULL;
		if (o == NULL)
			return NULL;
	}
	*o++ = map ? '}' : ']';
	return o;
}

static bool print_brief(struct ks_bytes value, unsigned depth, struct ks_buf *out)
{
	const unsigned char *p = value.p, *end = value.p + value.n;
	unsigned char *o;

	/* Behind the last byte a word may be written, or a number be made. */
	if (value.n == 0 || value.n > BRIEF || ks_buf_reserve(out, SWELL * value.n + KS_NUM_TEXT) != 0)
		return false;
	o = brief_value(out->p + out->n, &p, end, depth);
	if (o == NULL || p != end)
		return false;
	out->n = (size_t)(o - out->p);
	return true;
}

enum ks_mp_error ks_json_print(struct ks_bytes value, unsigned depth, struct ks_buf *out, int *no)
{
	const unsigned char *p = value.p, *end = value.p + value.n;
	enum ks_mp_error e;

	*no = 0;
	if (KS_LIKELY(print_brief(value, depth, out)))
		return KS_MP_OK;
	e = print_value(&p, end, depth, out, no);
	return e == KS_MP_OK && *no == 0 && p != end ? KS_MP_TRAILING : e;
}
