/* SPDX-License-Identifier: MIT */
/*
 * value.c - the msgpack cursor.
 *
 * One table gives for each first byte how long the value is when that does
 * not depend on what follows; the rest is a short switch.  Hot: a filter
 * skips a dozen values a record.
 */
#include "value.h"

#include <errno.h>

const char *ks_mp_strerror(enum ks_mp_error e)
{
	static const char *const text[] = {
		[KS_MP_OK] = "no error",
		[KS_MP_TRUNCATED] = "msgpack value is cut short",
		[KS_MP_COUNT] = "msgpack container claims more elements than there are bytes",
		[KS_MP_DEPTH] = "msgpack value is nested too deep (--max-depth)",
		[KS_MP_RESERVED] = "msgpack byte 0xc1 is reserved",
		[KS_MP_EXT] = "msgpack ext inside a value",
		[KS_MP_KEY] = "msgpack map key is not a string",
		[KS_MP_TRAILING] = "bytes behind the msgpack value",
		[KS_MP_UTF8] = "msgpack string is not UTF-8",
	};

	return text[e];
}

const unsigned char ks_mp_fixed[256] = {
#define R4(x) x, x, x, x
#define R16(x) R4(x), R4(x), R4(x), R4(x)
	R16(1), R16(1), R16(1), R16(1), R16(1), R16(1), R16(1), R16(1),	/* 00-7f positive fixint */
	R16(0), R16(0),							/* 80-9f fixmap, fixarray */
	1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,		/* a0-bf fixstr */
	17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32,
	1, 0, 1, 1, 0, 0, 0, 0, 0, 0, 5, 9,				/* nil - bool, bin ext, float */
	[0xcc] = 2, [0xcd] = 3, [0xce] = 5, [0xcf] = 9,			/* uint */
	[0xd0] = 2, [0xd1] = 3, [0xd2] = 5, [0xd3] = 9,			/* int */
	[0xe0] = R16(1), R16(1),					/* negative fixint */
#undef R4
#undef R16
};

/* Length prefixed by 1, 2 or 4 bytes; 0 when that prefix itself is cut. */
static inline size_t prefix(const unsigned char *p, size_t left, unsigned width, uint32_t *n)
{
	if (left < 1 + (size_t)width)
		return 0;
	*n = width == 1 ? p[1] : width == 2 ? ks_get16(p + 1) : ks_get32(p + 1);
	return 1 + (size_t)width;
}

enum ks_mp_error ks_mp_head(const unsigned char *p, const unsigned char *end, struct ks_head *head)
{
	size_t left = (size_t)(end - p), skip;
	unsigned tag = *p;

	if (tag >= 0x80 && tag <= 0x9f) {
		*head = (struct ks_head){ tag < 0x90 ? KS_MAP : KS_ARRAY, tag & 15, p + 1 };
	} else if (tag >= 0xa0 && tag <= 0xbf) {
		*head = (struct ks_head){ KS_STR, tag & 31, p + 1 };
	} else {
		switch (tag) {
		case 0xd9: case 0xda: case 0xdb:
			skip = prefix(p, left, 1u << (tag - 0xd9), &head->count);
			head->type = KS_STR;
			break;
		case 0xc4: case 0xc5: case 0xc6:
			skip = prefix(p, left, 1u << (tag - 0xc4), &head->count);
			head->type = KS_BIN;
			break;
		case 0xdc: case 0xdd:
			skip = prefix(p, left, 2u << (tag - 0xdc), &head->count);
			head->type = KS_ARRAY;
			break;
		case 0xde: case 0xdf:
			skip = prefix(p, left, 2u << (tag - 0xde), &head->count);
			head->type = KS_MAP;
			break;
		case 0xc1:
			return KS_MP_RESERVED;
		default:
			if (ks_mp_fixed[tag] == 0)
				return KS_MP_EXT;
			head->count = 0;
			skip = ks_mp_fixed[tag];
			head->type = tag == 0xc0 ? KS_NIL : tag == 0xc2 ? KS_FALSE : tag == 0xc3 ?
			    KS_TRUE : tag == 0xca || tag == 0xcb ? KS_FLOAT : KS_INT;
			if (skip > left)
				return KS_MP_TRUNCATED;
		}
		if (skip == 0)
			return KS_MP_TRUNCATED;
		head->body = p + skip;
	}
	left = (size_t)(end - head->body);
	if (head->type == KS_STR || head->type == KS_BIN)
		return head->count > left ? KS_MP_TRUNCATED : KS_MP_OK;
	if (head->type == KS_MAP)
		left /= 2;
	return head->count > left ? KS_MP_COUNT : KS_MP_OK;
}

static inline bool is_string(unsigned tag)
{
	return (tag & 0xe0) == 0xa0 || (tag >= 0xd9 && tag <= 0xdb);
}

enum ks_mp_error ks_mp_skip(const unsigned char **at, const unsigned char *end, unsigned depth)
{
	const unsigned char *p = *at;
	struct ks_head head;
	enum ks_mp_error e;
	uint32_t i;
	size_t n;

	if (p >= end)
		return KS_MP_TRUNCATED;
	n = ks_mp_fixed[*p];
	if (KS_LIKELY(n != 0)) {
		if (n > (size_t)(end - p))
			return KS_MP_TRUNCATED;
		*at = p + n;
		return KS_MP_OK;
	}
	e = ks_mp_head(p, end, &head);
	if (e != KS_MP_OK)
		return e;
	p = head.body;
	if (head.type < KS_ARRAY) {
		*at = p + head.count;
		return KS_MP_OK;
	}
	if (depth == 0)
		return KS_MP_DEPTH;
	for (i = 0; i < head.count; i++) {
		if (head.type == KS_MAP) {
			if (p < end && !is_string(*p))
				return KS_MP_KEY;
			n = ks_mp_short(p, (size_t)(end - p));
			p += n;
			if (KS_UNLIKELY(n == 0) && (e = ks_mp_skip(&p, end, 0)) != KS_MP_OK)
				return e;
		}
		/* What is told by how it begins takes no call: most values are that. */
		n = ks_mp_short(p, (size_t)(end - p));
		if (KS_LIKELY(n != 0)) {
			p += n;
			continue;
		}
		if (p < end && (*p == 0x80 || *p == 0x90) && depth > 1) {	/* it is empty */
			p++;
			continue;
		}
		e = ks_mp_skip(&p, end, depth - 1);
		if (e != KS_MP_OK)
			return e;
	}
	*at = p;
	return KS_MP_OK;
}

static double get_float(const unsigned char *p, unsigned width)
{
	uint64_t u;
	uint32_t w;
	double d;
	float f;

	if (width == 8) {
		u = ks_get64(p);
		memcpy(&d, &u, sizeof(d));
		return d;
	}
	w = ks_get32(p);
	memcpy(&f, &w, sizeof(f));
	return (double)f;
}

static void read_number(const unsigned char *p, struct ks_val *v)
{
	uint64_t u;

	v->type = KS_INT;
	switch (*p) {
	case 0xca: v->type = KS_FLOAT; v->d = get_float(p + 1, 4); break;
	case 0xcb: v->type = KS_FLOAT; v->d = get_float(p + 1, 8); break;
	case 0xcc: v->i = p[1]; break;
	case 0xcd: v->i = ks_get16(p + 1); break;
	case 0xce: v->i = ks_get32(p + 1); break;
	case 0xcf:
		u = ks_get64(p + 1);
		if (u > INT64_MAX) {
			v->type = KS_UINT;
			v->u = u;
		} else {
			v->i = (int64_t)u;
		}
		break;
	case 0xd0: v->i = (int8_t)p[1]; break;
	case 0xd1: v->i = (int16_t)ks_get16(p + 1); break;
	case 0xd2: v->i = (int32_t)ks_get32(p + 1); break;
	case 0xd3: v->i = (int64_t)ks_get64(p + 1); break;
	default: v->i = (int8_t)*p; break;	/* both fixints */
	}
}

enum ks_mp_error ks_mp_read(const unsigned char **at, const unsigned char *end, unsigned depth,
    struct ks_val *v)
{
	const unsigned char *p = *at;
	struct ks_head head;
	enum ks_mp_error e;

	if (p >= end)
		return KS_MP_TRUNCATED;
	e = ks_mp_head(p, end, &head);
	if (e != KS_MP_OK)
		return e;
	v->type = head.type;
	switch (head.type) {
	case KS_INT: case KS_UINT: case KS_FLOAT:
		read_number(p, v);
		/* fall through */
	case KS_NIL: case KS_FALSE: case KS_TRUE:
		*at = head.body;
		return KS_MP_OK;
	case KS_STR: case KS_BIN:
		v->b = ks_bytes(head.body, head.count);
		*at = head.body + head.count;
		return KS_MP_OK;
	case KS_ARRAY: case KS_MAP:
		e = ks_mp_skip(at, end, depth);
		v->b = ks_bytes(p, (size_t)(*at - p));
		return e;
	}
	ks_bug("a msgpack header of no type");
}

static enum ks_mp_error check_strings(const unsigned char **at, const unsigned char *end)
{
	struct ks_head head;
	enum ks_mp_error e = ks_mp_head(*at, end, &head);
	uint64_t i, n;

	if (e != KS_MP_OK)
		return e;
	*at = head.body;
	if (head.type == KS_STR || head.type == KS_BIN) {
		*at += head.count;
		if (head.type == KS_STR && ks_utf8_prefix(head.body, head.count) != head.count)
			return KS_MP_UTF8;
	} else if (head.type >= KS_ARRAY) {
		n = head.type == KS_MAP ? 2 * (uint64_t)head.count : head.count;
		for (i = 0; i < n; i++) {
			e = check_strings(at, end);
			if (e != KS_MP_OK)
				return e;
		}
	}
	return KS_MP_OK;
}

enum ks_mp_error ks_mp_check(struct ks_bytes b, unsigned depth)
{
	const unsigned char *p = b.p, *end = b.p + b.n;
	enum ks_mp_error e = ks_mp_skip(&p, end, depth);

	if (e != KS_MP_OK)
		return e;
	if (p != end)
		return KS_MP_TRAILING;
	p = b.p;
	return check_strings(&p, end);
}

const char *ks_val_typename(const struct ks_val *v)
{
	static const char *const name[] = {
		"null", "boolean", "boolean", "number", "number", "number", "string", "bytes",
		"array", "object",
	};

	return name[v->type];
}

/* Whether the last bytes of n, eight or what there are, are ASCII: words that overlap, in place of a loop. */
static inline bool ascii_tail(const unsigned char *s, size_t n)
{
	uint32_t a, b;
	uint64_t w;

	if (n >= 8) {
		memcpy(&w, s + n - 8, 8);
		return (w & 0x8080808080808080u) == 0;
	}
	if (n >= 4) {
		memcpy(&a, s, 4);
		memcpy(&b, s + n - 4, 4);
		return ((a | b) & 0x80808080u) == 0;
	}
	return ((s[0] | s[n / 2] | s[n - 1]) & 0x80) == 0;
}

/* RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. */
size_t ks_utf8_prefix(const unsigned char *s, size_t n)
{
	size_t i = 0, j, k;
	uint64_t word, w[4];

	while (i < n) {
		while (n - i >= sizeof(w)) {
			memcpy(w, s + i, sizeof(w));
			if (((w[0] | w[1] | w[2] | w[3]) & 0x8080808080808080u) != 0)
				break;
			i += sizeof(w);
		}
		if (n - i >= 8) {
			memcpy(&word, s + i, 8);
			if ((word & 0x8080808080808080u) == 0) {
				i += 8;
				continue;
			}
		} else if (ascii_tail(s, n)) {
			return n;
		}
		if (s[i] < 0x80) {
			i++;
			continue;
		}
		k = s[i] >= 0xc2 && s[i] <= 0xdf ? 1 : (s[i] & 0xf0) == 0xe0 ? 2 :
		    s[i] >= 0xf0 && s[i] <= 0xf4 ? 3 : 0;
		if (k == 0 || n - i <= k)
			return i;
		if ((s[i] == 0xe0 && s[i + 1] < 0xa0) || (s[i] == 0xed && s[i + 1] > 0x9f) ||
		    (s[i] == 0xf0 && s[i + 1] < 0x90) || (s[i] == 0xf4 && s[i + 1] > 0x8f))
			return i;
		for (j = 1; j <= k; j++)
			if ((s[i + j] & 0xc0) != 0x80)
				return i;
		i += k + 1;
	}
	return i;
}

/* The shortest of the 8, 16 and 32 bit forms, tag8 == 0 where there is no 8 bit form. */
static unsigned char *put_sized(unsigned char *o, uint32_t n, unsigned tag8, unsigned tag16)
{
	if (tag8 != 0 && n <= UINT8_MAX) {
		o[0] = (unsigned char)tag8;
		o[1] = (unsigned char)n;
		return o + 2;
	}
	if (n <= UINT16_MAX) {
		o[0] = (unsigned char)tag16;
		ks_put16(o + 1, (uint16_t)n);
		return o + 3;
	}
	o[0] = (unsigned char)(tag16 + 1);
	ks_put32(o + 1, n);
	return o + 5;
}

unsigned char *ks_mp_put_str_head(unsigned char *o, uint32_t n)
{
	if (n < 32) {
		*o = (unsigned char)(0xa0 | n);
		return o + 1;
	}
	return put_sized(o, n, 0xd9, 0xda);
}

unsigned char *ks_mp_put_bin_head(unsigned char *o, uint32_t n)
{
	return put_sized(o, n, 0xc4, 0xc5);
}

unsigned char *ks_mp_put_array_head(unsigned char *o, uint32_t n)
{
	if (n < 16) {
		*o = (unsigned char)(0x90 | n);
		return o + 1;
	}
	return put_sized(o, n, 0, 0xdc);
}

unsigned char *ks_mp_put_map_head(unsigned char *o, uint32_t n)
{
	if (n < 16) {
		*o = (unsigned char)(0x80 | n);
		return o + 1;
	}
	return put_sized(o, n, 0, 0xde);
}

/* Where the head ended, back into the count of the buffer. */
static void settle(struct ks_buf *b, const unsigned char *o)
{
	b->n = (size_t)(o - b->p);
}

int ks_mp_add_i64(struct ks_buf *b, int64_t x)
{
	int no = ks_buf_reserve(b, KS_MP_HEADER);

	if (no == 0)
		settle(b, ks_mp_put_i64(b->p + b->n, x));
	return no;
}

int ks_mp_add_map_head(struct ks_buf *b, uint32_t n)
{
	int no = ks_buf_reserve(b, KS_MP_HEADER);

	if (no == 0)
		settle(b, ks_mp_put_map_head(b->p + b->n, n));
	return no;
}

int ks_mp_add_array_head(struct ks_buf *b, uint32_t n)
{
	int no = ks_buf_reserve(b, KS_MP_HEADER);

	if (no == 0)
		settle(b, ks_mp_put_array_head(b->p + b->n, n));
	return no;
}

int ks_mp_add_str(struct ks_buf *b, struct ks_bytes text)
{
	struct ks_val v = { .type = text.p == NULL ? KS_NIL : KS_STR, .b = text };

	return ks_mp_add_val(b, &v);
}

int ks_mp_add_val(struct ks_buf *b, const struct ks_val *v)
{
	unsigned char *o;
	int no;

	no = ks_buf_reserve(b, KS_MP_HEADER);
	if (no != 0)
		return no;
	o = b->p + b->n;
	switch (v->type) {
	case KS_NIL: *o++ = 0xc0; break;
	case KS_FALSE: *o++ = 0xc2; break;
	case KS_TRUE: *o++ = 0xc3; break;
	case KS_INT: o = ks_mp_put_i64(o, v->i); break;
	case KS_UINT: o = ks_mp_put_u64(o, v->u); break;
	case KS_FLOAT: o = ks_mp_put_f64(o, v->d); break;
	case KS_STR: o = ks_mp_put_str_head(o, (uint32_t)v->b.n); break;
	case KS_BIN: o = ks_mp_put_bin_head(o, (uint32_t)v->b.n); break;
	case KS_ARRAY: case KS_MAP: break;
	}
	settle(b, o);
	return v->type >= KS_STR ? ks_buf_add(b, v->b.p, v->b.n) : 0;
}
