/* SPDX-License-Identifier: MIT */
/*
 * bytes.h - a borrowed slice, and big-endian integers in memory.
 *
 * A ks_bytes borrows: it is never freed, and it dies at the next call on
 * whoever lent it.  p == NULL is absent; n == 0 with p set is empty.
 */
#ifndef KS_BYTES_H
#define KS_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct ks_bytes {
	const unsigned char *p;
	size_t n;
};

static inline struct ks_bytes ks_bytes(const void *p, size_t n)
{
	return (struct ks_bytes){ p, n };
}

/* Room that may be written to; p == NULL: none. */
struct ks_room {
	unsigned char *p;
	size_t n;
};

static inline struct ks_bytes ks_str(const char *text)
{
	return (struct ks_bytes){ (const unsigned char *)text, text != NULL ? strlen(text) : 0 };
}

/* What some editors put in front of text. */
static inline bool ks_bytes_bom(struct ks_bytes a)
{
	return a.n >= 3 && memcmp(a.p, "\xef\xbb\xbf", 3) == 0;
}

static inline bool ks_bytes_eq(struct ks_bytes a, struct ks_bytes b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* As memcmp orders them, the shorter first. */
static inline int ks_bytes_cmp(struct ks_bytes a, struct ks_bytes b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int c = n > 0 ? memcmp(a.p, b.p, n) : 0;

	return c != 0 ? c : (a.n > b.n) - (a.n < b.n);
}

static inline bool ks_bytes_is(struct ks_bytes a, const char *text)
{
	return ks_bytes_eq(a, ks_str(text));
}

static inline uint16_t ks_get16(const unsigned char *p)
{
	uint16_t x;

	memcpy(&x, p, sizeof(x));
	return __builtin_bswap16(x);
}

static inline uint32_t ks_get32(const unsigned char *p)
{
	uint32_t x;

	memcpy(&x, p, sizeof(x));
	return __builtin_bswap32(x);
}

static inline uint64_t ks_get64(const unsigned char *p)
{
	uint64_t x;

	memcpy(&x, p, sizeof(x));
	return __builtin_bswap64(x);
}

/* The first n of the 8 bytes of a word as it lies in memory. */
static inline uint64_t ks_mask(size_t n)
{
	return n >= 8 ? UINT64_MAX : (UINT64_C(1) << 8 * n) - 1;
}

static inline void ks_put16(unsigned char *p, uint16_t x)
{
	x = __builtin_bswap16(x);
	memcpy(p, &x, sizeof(x));
}

static inline void ks_put32(unsigned char *p, uint32_t x)
{
	x = __builtin_bswap32(x);
	memcpy(p, &x, sizeof(x));
}

static inline void ks_put64(unsigned char *p, uint64_t x)
{
	x = __builtin_bswap64(x);
	memcpy(p, &x, sizeof(x));
}

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "kstream has only been built on little-endian machines: bytes.h swaps without asking"
#endif

#endif
