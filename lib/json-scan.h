/* SPDX-License-Identifier: MIT */
/*
 * json-scan.h - the strict JSON scanner, inline for whoever loops over text.
 *
 * Checks RFC 8259 and UTF-8 and decodes nothing.  No bound is tested per
 * byte: the text is followed by KS_PAD readable bytes of which the first is
 * a NUL or a newline, neither of which can stand inside a token, and no
 * load reaches further than KS_PAD bytes from the byte it starts at.
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
	/*
	 * Bit i of special tells of block[i].  Zero at first, and again before
	 * other text comes to stand at the same address.
	 */
	const unsigned char *block;
	uint64_t special;
};

/* The compiler thinks these too large, and a call costs as much as what they do. */
#define KS_SCAN_INLINE static inline __attribute__((always_inline))

#ifdef __SSE2__
KS_SCAN_INLINE uint64_t ks_scan_special16(const unsigned char *p)
{
	__m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
	/* Signed: bytes from 0x80 are negative, hence below 0x20 too. */
	__m128i low = _mm_cmplt_epi8(v, _mm_set1_epi8(0x20));
	__m128i quote = _mm_cmpeq_epi8(v, _mm_set1_epi8('"'));
	__m128i slash = _mm_cmpeq_epi8(v, _mm_set1_epi8('\\'));

	return (uint32_t)_mm_movemask_epi8(_mm_or_si128(low, _mm_or_si128(quote, slash)));
}
#else
KS_SCAN_INLINE uint64_t ks_scan_special8(const unsigned char *p)
{
	const uint64_t one = UINT64_C(0x0101010101010101), low7 = 0x7f * one;
	uint64_t w, quote, slash, plain;

	memcpy(&w, p, sizeof(w));
	quote = w ^ '"' * one;
	slash = w ^ '\\' * one;
	/* The top bit of a byte stays clear where it is the one sought, or below 0x20. */
	plain = ((quote & low7) + low7) & ((slash & low7) + low7) & ((w & low7) + 0x60 * one);
	w = (~plain | w) & 0x80 * one;
	/* One bit of each byte, gathered into the topmost byte. */
	return (w >> 7) * UINT64_C(0x0102040810204080) >> 56;
}

KS_SCAN_INLINE uint64_t ks_scan_special16(const unsigned char *p)
{
	return ks_scan_special8(p) | ks_scan_special8(p + 8) << 8;
}
#endif

/*
 * ks_scan_special - quotes, backslashes, control characters and whatever is
 * not ASCII among 64 bytes, as bits.
 *
 * That the bits of a whole block come at once is what makes the scanner
 * fast: where a string ends hangs on a shift and a count of zeros, not on a
 * load and three comparisons more.
 */
KS_SCAN_INLINE uint64_t ks_scan_special(const unsigned char *p)
{
	return ks_scan_special16(p) | ks_scan_special16(p + 16) << 16 |
	    ks_scan_special16(p + 32) << 32 | ks_scan_special16(p + 48) << 48;
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
KS_SCAN_INLINE const unsigned char *ks_scan_ws(struct ks_scan *s, const unsigned char *p)
{
	if (KS_LIKELY(*p > ' '))
		return p;
	/* One blank behind ':' and ',' is what Python and Ruby write. */
	if (*p == ' ' && p[1] > ' ')
		return p + 1;
	return ks_scan_blanks(s, p);
}

/* The first special byte at or behind p; there is one at the end of the text at the latest. */
KS_SCAN_INLINE const unsigned char *ks_scan_plain(struct ks_scan *s, const unsigned char *p)
{
	uint64_t m = 0;
	size_t skip = (uintptr_t)p - (uintptr_t)s->block;

	if (KS_LIKELY(skip < 64)) {
		m = s->special >> skip;
		if (KS_UNLIKELY(m == 0))
			p += 64 - skip;
	}
	while (m == 0) {
		m = ks_scan_special(p);
		s->block = p;
		s->special = m;
		if (m == 0)
			p += 64;
	}
	return p + __builtin_ctzll(m);
}

/*
 * ks_scan_string - p is behind the opening quote; returns the byte behind
 * the closing one.  Sets *escaped if there is a backslash in it, and leaves
 * it alone otherwise.
 */
KS_SCAN_INLINE const unsigned char *ks_scan_string(struct ks_scan *s, const unsigned char *p,
    bool *escaped)
{
	p = ks_scan_plain(s, p);
	if (KS_LIKELY(*p == '"'))
		return p + 1;
	return ks_scan_string_rest(s, p, escaped);
}

/* Byte by byte: numbers of a stream are alike, so the processor runs ahead of the loop. */
KS_SCAN_INLINE const unsigned char *ks_scan_digits(const unsigned char *p)
{
	while ((unsigned)*p - '0' <= 9)
		p++;
	return p;
}

/*
 * ks_scan_number - whatever does not begin a number is refused as syntax.
 * Numbers beyond the range of a double are refused; that is looked at only
 * where there are enough digits for it.
 */
KS_SCAN_INLINE const unsigned char *ks_scan_number(struct ks_scan *s, const unsigned char *p)
{
	const unsigned char *first = p + (*p == '-'), *q = ks_scan_digits(first), *point;

	if (KS_UNLIKELY(q == first || q - first > 100 || (*first == '0' && q - first > 1)))
		return ks_scan_number_slow(s, p);
	if (*q == '.') {
		point = q + 1;
		q = ks_scan_digits(point);
		if (KS_UNLIKELY(q == point))
			return ks_scan_number_slow(s, p);
	}
	if (KS_UNLIKELY((*q | 0x20) == 'e'))
		return ks_scan_number_slow(s, p);
	return q;
}

/* One value of any type; depth is how many containers may be entered. */
KS_SCAN_INLINE const unsigned char *ks_scan_value(struct ks_scan *s, const unsigned char *p,
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
