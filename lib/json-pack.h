/* SPDX-License-Identifier: MIT */
/*
 * json-pack.h - what the ways to pack a document share.
 *
 * json-packer.h is compiled once for each set of instructions: json-plain.c
 * has what every machine can do, json-avx2.c what most can.  They differ in
 * how they find the end of a string, read a number and know a key again;
 * what is rare, and rules, stand in json.c, for all of them.
 */
#ifndef KS_JSON_PACK_H
#define KS_JSON_PACK_H

#include "json-scan.h"

struct ks_parser {
	struct ks_scan scan;
	struct ks_json *json;
	unsigned char *base;	/* start of the document's output */
	unsigned slot;		/* number of the next key in the document; past KS_JSON_GUESSES: any */
};

/*
 * Where the parser is.  Goes from function to function by value, in two
 * registers: what is written through o may alias anything in memory.
 */
struct ks_at {
	const unsigned char *p;	/* next byte of the text; NULL: the document is at fault */
	unsigned char *o;	/* end of the output */
};

/* Code that ends in this is not made one with its like elsewhere, which would cost a jump. */
#define KS_JUMP_APART __asm__ volatile("" : : "i"(__LINE__))

struct ks_json_lines;

/* A way to pack. */
struct ks_json_packer {
	/* One value with white space around it, to base; ends behind it, but before a newline. */
	struct ks_at (*document)(struct ks_parser *x, const unsigned char *text);
	/* ks_json_lines, once there is room for the first; text is not empty. */
	const unsigned char *(*lines)(struct ks_parser *x, struct ks_json_lines *l, struct ks_bytes text, struct ks_buf *out);
};

extern const struct ks_json_packer ks_pack_plain;

/* The best that this machine can do. */
const struct ks_json_packer *ks_pack_best(void);

/* What is rare. */
struct ks_at ks_pack_fail(struct ks_parser *x, const unsigned char *p, enum ks_json_error e);

/* A string that has escapes, is not ASCII, is long, or is at fault; p is behind the opening quote. */
struct ks_at ks_pack_odd_string(struct ks_parser *x, const unsigned char *p, unsigned char *o);

/* Any number that the others leave. */
struct ks_at ks_pack_odd_number(struct ks_parser *x, const unsigned char *p, unsigned char *o);

/* A number of more than seven characters, which may have a sign. */
struct ks_at ks_pack_long_number(struct ks_parser *x, const unsigned char *p, unsigned char *o);

/* Powers of ten that a double is, to 1e15: a number of up to 15 digits is one division of two exact doubles, hence rounded correctly (Clinger 1990). */
extern const double ks_pack_powers[16];

#define KS_PACK_DOUBT 64	/* from here on the end of a value is not foreseen */

/* In the document of this number, the next key has not stood where it was foreseen. */
void	ks_pack_unforeseen(struct ks_json_span *s, uint32_t document, size_t bytes);

/* That was given up is tried again: lines may have become alike. */
void	ks_pack_forgive(struct ks_json_span *s);

/*
 * Where the next key stands, which is next: mostly as far behind the key at p as in
 * the document before.  Then the address comes of that, and the processor, which
 * guesses that it will be so, reads on without waiting for the end of the value to be found.
 */
KS_SCAN_INLINE const unsigned char *ks_pack_foreseen(struct ks_json_span *s, uint32_t document, const unsigned char *p,
    const unsigned char *next)
{
	size_t bytes = s->bytes;

	__asm__("" : "+r"(bytes));	/* else the compiler sees that it is the same as next - p */
	if (KS_LIKELY((size_t)(next - p) == s->bytes))
		return p + bytes;
	if (s->doubt < KS_PACK_DOUBT)
		ks_pack_unforeseen(s, document, (size_t)(next - p));
	return next;
}

/* Remember the key whose text and packed form these are, for the next document. */
void	ks_pack_learn(struct ks_json *j, unsigned slot, struct ks_bytes text, struct ks_bytes packed);

/* The number that eight digits are, each the value of a byte, the first one lowest. */
static inline uint64_t eight_digits(uint64_t w)
{
	w = w * 10 + (w >> 8);
	return ((w & UINT64_C(0x000000ff000000ff)) * UINT64_C(0x000f424000000064) +
	    (w >> 16 & UINT64_C(0x000000ff000000ff)) * UINT64_C(0x0000271000000001)) >> 32;
}

/* The top bit of each byte that is no digit; of eight bytes, '0' taken from each. */
static inline uint64_t no_digits(uint64_t w)
{
	const uint64_t high = UINT64_C(0x8080808080808080);

	return (((w & ~high) + UINT64_C(0x7676767676767676)) | w) & high;
}

static inline uint64_t load_digits(const unsigned char *p)
{
	uint64_t w;

	memcpy(&w, p, 8);
	return w ^ UINT64_C(0x3030303030303030);
}

/* Digits at p, which may be none, appended to *u (modulo 2^64). */
static inline const unsigned char *digits(const unsigned char *p, uint64_t *u)
{
	static const uint32_t ten[] = { 1, 10, 100, 1000, 10000, 100000, 1000000, 10000000 };
	uint64_t w, none;
	unsigned n;

	for (w = load_digits(p); (none = no_digits(w)) == 0; w = load_digits(p)) {
		*u = *u * 100000000 + eight_digits(w);
		p += 8;
	}
	n = (unsigned)__builtin_ctzll(none) / 8;
	*u = *u * ten[n] + eight_digits(w << (56 - 8 * n) << 8);
	return p + n;
}

#endif
