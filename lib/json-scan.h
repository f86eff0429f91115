/* SPDX-License-Identifier: MIT */
/*
 * json-scan.h - the strict JSON scanner, inline for whoever loops over text.
 *
 * Checks RFC 8259 and UTF-8 and decodes nothing.  No bound is tested per
 * byte: the text is followed by KS_PAD readable bytes of which the first is
 * a NUL or a newline, neither of which can stand inside a token, and no
 * load reaches further than 16 bytes behind the byte it starts from.
 *
 * Functions take the first byte of what they check and return the byte
 * behind it, or NULL with s->e and s->at set.
 */
#ifndef KS_JSON_SCAN_H
#define KS_JSON_SCAN_H

#include "json.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

struct ks_scan {
	/*
	 * Newlines before end are white space.  A NUL or newline at or behind
	 * it is the end of the text.  For a document: the byte behind it.  For
	 * JSON lines, where a newline always ends the text: its first byte.
	 */
	const unsigned char *end;
	const unsigned char *at;	/* on error: the offending byte */
	enum ks_json_error e;
};

/*
 * A mask over the next KS_SCAN_STEP bytes, KS_SCAN_BITS of it for each.
 * Only its lowest set byte is exact, without SSE2.
 */
#ifdef __SSE2__
typedef uint32_t ks_scan_mask;
#define KS_SCAN_STEP 16u
#define KS_SCAN_BITS 1u
#define KS_SCAN_FIRST(m) ((unsigned)__builtin_ctz(m))
#else
typedef uint64_t ks_scan_mask;
#define KS_SCAN_STEP 8u
#define KS_SCAN_BITS 8u
#define KS_SCAN_FIRST(m) ((unsigned)__builtin_ctzll(m) >> 3)
#define KS_SCAN_ALL(byte) (UINT64_C(0x0101010101010101) * (byte))
#endif

/* Quotes, backslashes, control characters and whatever is not ASCII. */
static inline ks_scan_mask ks_scan_special(const unsigned char *p)
{
#ifdef __SSE2__
	__m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
	/* Signed: bytes from 0x80 are negative, hence below 0x20 too. */
	__m128i low = _mm_cmplt_epi8(v, _mm_set1_epi8(0x20));
	__m128i quote = _mm_cmpeq_epi8(v, _mm_set1_epi8('"'));
	__m128i slash = _mm_cmpeq_epi8(v, _mm_set1_epi8('\\'));

	return (uint32_t)_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(quote, slash), low));
#else
	uint64_t w, quote, slash, low;

	memcpy(&w, p, sizeof(w));
	quote = w ^ KS_SCAN_ALL('"');
	slash = w ^ KS_SCAN_ALL('\\');
	low = w - KS_SCAN_ALL(0x20);
	quote = (quote - KS_SCAN_ALL(1)) & ~quote;
	slash = (slash - KS_SCAN_ALL(1)) & ~slash;
	return (quote | slash | (low & ~w) | w) & KS_SCAN_ALL(0x80);
#endif
}

/* Whatever is not a digit. */
static inline ks_scan_mask ks_scan_nondigit(const unsigned char *p)
{
#ifdef __SSE2__
	__m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
	__m128i low = _mm_cmplt_epi8(v, _mm_set1_epi8('0'));
	__m128i high = _mm_cmpgt_epi8(v, _mm_set1_epi8('9'));

	return (uint32_t)_mm_movemask_epi8(_mm_or_si128(low, high));
#else
	uint64_t w;

	memcpy(&w, p, sizeof(w));
	w ^= KS_SCAN_ALL('0');
	return (w | (w + KS_SCAN_ALL(0x80 - 10))) & KS_SCAN_ALL(0x80);
#endif
}

/*
 * What is rare, in json-scan.c.  _fail turns an error at the end of the
 * text into KS_JSON_CUT and returns NULL.
 */
const unsigned char *ks_scan_fail(struct ks_scan *s, const unsigned char *at, enum ks_json_error e);
const unsigned char *ks_scan_string_rest(struct ks_scan *s, const unsigned char *p, bool *escaped);
const unsigned char *ks_scan_number_slow(struct ks_scan *s, const unsigned char *p);
const unsigned char *ks_scan_literal(struct ks_scan *s, const unsigned char *p);
const unsigned char *ks_scan_blanks(struct ks_scan *s, const unsigned char *p);

/* An array or object; depth is how many containers may be entered, this one included. */
const unsigned char *ks_scan_container(struct ks_scan *s, const unsigned char *p, unsigned depth);

/* White space, which may be none.  Cannot fail. */
static inline const unsigned char *ks_scan_ws(struct ks_scan *s, const unsigned char *p)
{
	if (KS_LIKELY(*p > ' '))
		return p;
	/* One blank behind ':' and ',' is what Python and Ruby write. */
	if (*p == ' ' && p[1] > ' ')
		return p + 1;
	return ks_scan_blanks(s, p);
}

/*
 * ks_scan_string - p is behind the opening quote; returns the byte behind
 * the closing one.  Sets *escaped if there is a backslash in it, and leaves
 * it alone otherwise.
 */
static inline const unsigned char *ks_scan_string(struct ks_scan *s, const unsigned char *p,
    bool *escaped)
{
	ks_scan_mask m;

	for (;;) {
		m = ks_scan_special(p);
		if (m != 0)
			break;
		p += KS_SCAN_STEP;
	}
	p += KS_SCAN_FIRST(m);
	if (KS_LIKELY(*p == '"'))
		return p + 1;
	return ks_scan_string_rest(s, p, escaped);
}

/*
 * ks_scan_number - whatever does not begin a number is refused as syntax.
 * Numbers beyond the range of a double are refused; that is looked at only
 * where there are enough digits for it.
 */
static inline const unsigned char *ks_scan_number(struct ks_scan *s, const unsigned char *p)
{
	const unsigned char *q = p + (*p == '-');
	ks_scan_mask m = ks_scan_nondigit(q);
	unsigned n, c;

	/* One load covers the usual "-123.45"; all that is longer or odd goes the slow way. */
	if (KS_UNLIKELY(m == 0))
		return ks_scan_number_slow(s, p);
	n = KS_SCAN_FIRST(m);
	if (KS_UNLIKELY(n == 0 || (n > 1 && *q == '0')))
		return ks_scan_number_slow(s, p);
	q += n;
	c = *q;
	if (c == '.') {
		m = ks_scan_nondigit(++q);
		if (KS_UNLIKELY(m == 0 || KS_SCAN_FIRST(m) == 0))
			return ks_scan_number_slow(s, p);
		q += KS_SCAN_FIRST(m);
		c = *q;
	}
	if (KS_UNLIKELY((c | 0x20) == 'e'))
		return ks_scan_number_slow(s, p);
	return q;
}

/* One value of any type; depth is how many containers may be entered. */
static inline const unsigned char *ks_scan_value(struct ks_scan *s, const unsigned char *p,
    unsigned depth)
{
	bool escaped;

	if (*p == '"')
		return ks_scan_string(s, p + 1, &escaped);
	if (*p <= '9')
		return ks_scan_number(s, p);
	if (*p == '{' || *p == '[')
		return ks_scan_container(s, p, depth);
	return ks_scan_literal(s, p);
}

/*
 * ks_scan_unescape - decode what stands between the quotes of a string that
 * has passed ks_scan_string: text[0..n) to o, which has n bytes of room.
 * Returns the bytes written; o may be text itself.
 */
size_t	ks_scan_unescape(unsigned char *o, const unsigned char *text, size_t n);

#endif
