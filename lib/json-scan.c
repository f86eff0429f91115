/* SPDX-License-Identifier: MIT */
/*
 * json-scan.c - what the inline scanner leaves: escapes, UTF-8, long
 * numbers, nested containers, and naming what is wrong.
 */
#include "json-scan.h"

#include <math.h>

#include "num.h"

const unsigned char *ks_scan_fail(struct ks_scan *s, const unsigned char *at, enum ks_json_error e)
{
	s->at = at;
	s->e = (*at == '\0' || *at == '\n') && at >= s->end ? KS_JSON_CUT : e;
	return NULL;
}

const unsigned char *ks_scan_blanks(struct ks_scan *s, const unsigned char *p)
{
	while (*p == ' ' || *p == '\t' || *p == '\r' || (*p == '\n' && p < s->end))
		p++;
	return p;
}

const unsigned char *ks_scan_literal(struct ks_scan *s, const unsigned char *p)
{
	const char *word = *p == 't' ? "true" : *p == 'f' ? "false" : "null";

	while (*word != '\0') {
		if (*p != (unsigned char)*word)
			return ks_scan_fail(s, p, KS_JSON_SYNTAX);
		word++;
		p++;
	}
	return p;
}

/* The value of four hexadecimal digits, or -1. */
static int hex4(const unsigned char *p)
{
	int i, x = 0;

	for (i = 0; i < 4; i++) {
		unsigned c = p[i], letter = (c | 0x20) - 'a';

		if (c - '0' <= 9)
			x = x << 4 | (int)(c - '0');
		else if (letter <= 5)
			x = x << 4 | (int)(letter + 10);
		else
			return -1;
	}
	return x;
}

/* p is at the backslash.  A short text ends in a byte that is no hexadecimal digit. */
static const unsigned char *scan_escape(struct ks_scan *s, const unsigned char *p)
{
	int x, low;

	switch (p[1]) {
	case '"': case '\\': case '/': case 'b': case 'f': case 'n': case 'r': case 't':
		return p + 2;
	case 'u':
		break;
	default:
		return ks_scan_fail(s, p + 1, KS_JSON_ESCAPE);
	}
	x = hex4(p + 2);
	if (x < 0)
		return ks_scan_fail(s, p, KS_JSON_ESCAPE);
	if (x < 0xd800 || x > 0xdfff)
		return p + 6;
	low = p[6] == '\\' && p[7] == 'u' ? hex4(p + 8) : -1;
	if (x > 0xdbff || low < 0xdc00 || low > 0xdfff)
		return ks_scan_fail(s, p, KS_JSON_SURROGATE);
	return p + 12;
}

/* One character from 0x80; RFC 3629 as ks_utf8_prefix.  NULL if it is none. */
static inline const unsigned char *scan_utf8(const unsigned char *p)
{
	unsigned x = p[0];

	if (x >= 0xc2 && x <= 0xdf)
		return (p[1] & 0xc0) == 0x80 ? p + 2 : NULL;
	if ((x & 0xf0) == 0xe0) {
		if ((p[1] & 0xc0) != 0x80 || (p[2] & 0xc0) != 0x80)
			return NULL;
		if ((x == 0xe0 && p[1] < 0xa0) || (x == 0xed && p[1] > 0x9f))
			return NULL;
		return p + 3;
	}
	if (x >= 0xf0 && x <= 0xf4) {
		if ((p[1] & 0xc0) != 0x80 || (p[2] & 0xc0) != 0x80 || (p[3] & 0xc0) != 0x80)
			return NULL;
		if ((x == 0xf0 && p[1] < 0x90) || (x == 0xf4 && p[1] > 0x8f))
			return NULL;
		return p + 4;
	}
	return NULL;
}

const unsigned char *ks_scan_string_rest(struct ks_scan *s, const unsigned char *p, bool *escaped)
{
	const unsigned char *next;

	for (;; p = ks_scan_plain(s, p)) {
		/* What is not ASCII comes in runs. */
		while (*p >= 0x80) {
			next = scan_utf8(p);
			if (next == NULL)
				return ks_scan_fail(s, p, KS_JSON_UTF8);
			p = next;
		}
		if (*p == '"')
			return p + 1;
		if (*p == '\\') {
			*escaped = true;
			p = scan_escape(s, p);
			if (p == NULL)
				return NULL;
		} else if (*p < 0x20) {
			return ks_scan_fail(s, p, KS_JSON_CONTROL);
		}
	}
}

const unsigned char *ks_scan_number_slow(struct ks_scan *s, const unsigned char *p)
{
	const unsigned char *q = p + (*p == '-'), *begin = q, *exponent = NULL;
	size_t whole;

	if ((unsigned)*q - '0' > 9)
		return ks_scan_fail(s, q, q == p ? KS_JSON_SYNTAX : KS_JSON_NUMBER);
	q = ks_scan_digits(q);
	whole = (size_t)(q - begin);
	if (*begin == '0' && whole > 1)
		return ks_scan_fail(s, begin, KS_JSON_NUMBER);
	if (*q == '.') {
		if ((unsigned)*++q - '0' > 9)
			return ks_scan_fail(s, q, KS_JSON_NUMBER);
		q = ks_scan_digits(q);
	}
	if ((*q | 0x20) == 'e') {
		q++;
		if (*q == '+' || *q == '-')
			q++;
		if ((unsigned)*q - '0' > 9)
			return ks_scan_fail(s, q, KS_JSON_NUMBER);
		exponent = q;
		q = ks_scan_digits(q);
	}
	/* DBL_MAX has 309 digits; with an exponent of two, 210 can pass it. */
	if ((whole >= 200 || (exponent != NULL && q - exponent >= 3)) &&
	    isinf(ks_num_f64(p, (size_t)(q - p))))
		return ks_scan_fail(s, p, KS_JSON_RANGE);
	return q;
}

/* "key" : with blanks, up to the value. */
static inline const unsigned char *scan_key(struct ks_scan *s, const unsigned char *p)
{
	bool escaped;

	if (KS_UNLIKELY(*p != '"'))
		return ks_scan_fail(s, p, KS_JSON_SYNTAX);
	p = ks_scan_string(s, p + 1, &escaped);
	if (KS_UNLIKELY(p == NULL))
		return NULL;
	p = ks_scan_ws(s, p);
	if (KS_UNLIKELY(*p != ':'))
		return ks_scan_fail(s, p, KS_JSON_SYNTAX);
	return ks_scan_ws(s, p + 1);
}

const unsigned char *ks_scan_container(struct ks_scan *s, const unsigned char *p, unsigned depth)
{
	bool object = *p == '{';
	unsigned char close = object ? '}' : ']';

	if (depth == 0)
		return ks_scan_fail(s, p, KS_JSON_DEPTH);
	p = ks_scan_ws(s, p + 1);
	if (*p == close)
		return p + 1;
	for (;;) {
		if (object) {
			p = scan_key(s, p);
			if (KS_UNLIKELY(p == NULL))
				return NULL;
		}
		p = ks_scan_value(s, p, depth - 1);
		if (KS_UNLIKELY(p == NULL))
			return NULL;
		p = ks_scan_ws(s, p);
		if (*p == close)
			return p + 1;
		if (KS_UNLIKELY(*p != ','))
			return ks_scan_fail(s, p, KS_JSON_SYNTAX);
		p = ks_scan_ws(s, p + 1);
	}
}

static unsigned char *put_utf8(unsigned char *o, unsigned x)
{
	if (x < 0x80) {
		*o++ = (unsigned char)x;
		return o;
	}
	if (x < 0x800) {
		*o++ = (unsigned char)(0xc0 | x >> 6);
	} else {
		if (x < 0x10000) {
			*o++ = (unsigned char)(0xe0 | x >> 12);
		} else {
			*o++ = (unsigned char)(0xf0 | x >> 18);
			*o++ = (unsigned char)(0x80 | (x >> 12 & 0x3f));
		}
		*o++ = (unsigned char)(0x80 | (x >> 6 & 0x3f));
	}
	*o++ = (unsigned char)(0x80 | (x & 0x3f));
	return o;
}

size_t ks_scan_unescape(unsigned char *o, const unsigned char *text, size_t n)
{
	static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
	const unsigned char *p = text, *end = text + n, *slash;
	unsigned char *start = o;
	const char *letter;
	unsigned x;

	for (;;) {
		slash = memchr(p, '\\', (size_t)(end - p));
		n = (size_t)((slash != NULL ? slash : end) - p);
		memmove(o, p, n);
		o += n;
		if (slash == NULL)
			return (size_t)(o - start);
		p = slash + 2;
		if (slash[1] != 'u') {
			letter = strchr(from, slash[1]);
			*o++ = letter != NULL ? (unsigned char)to[letter - from] : slash[1];
			continue;
		}
		x = (unsigned)hex4(p);
		p += 4;
		if (x >= 0xd800 && x <= 0xdbff) {
			x = 0x10000 + ((x - 0xd800) << 10) + ((unsigned)hex4(p + 2) - 0xdc00);
			p += 6;
		}
		o = put_utf8(o, x);
	}
}
