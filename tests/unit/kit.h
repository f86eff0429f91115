/* SPDX-License-Identifier: MIT */
/* kit.h - what several unit tests need: bytes from hex, exact allocations, a generator that repeats. */
#ifndef KS_TEST_KIT_H
#define KS_TEST_KIT_H

#include "lib/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* xorshift64*: the same numbers in each run. */
static inline uint64_t kit_random(uint64_t *seed)
{
	*seed ^= *seed >> 12;
	*seed ^= *seed << 25;
	*seed ^= *seed >> 27;
	return *seed * UINT64_C(2685821657736338717);
}

static inline size_t kit_below(uint64_t *seed, size_t n)
{
	return (size_t)(kit_random(seed) >> 33) % n;
}

static inline int kit_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "c9 00 'text' 0a": bytes, blanks, and text between single quotes, appended to b. */
static inline void kit_hex(struct ks_buf *b, const char *hex)
{
	unsigned char byte;

	for (; *hex != '\0'; hex++) {
		if (*hex == ' ')
			continue;
		if (*hex == '\'') {
			for (hex++; *hex != '\''; hex++)
				assert_int_equal(ks_buf_add(b, hex, 1), 0);
			continue;
		}
		assert_true(kit_digit(hex[0]) >= 0 && kit_digit(hex[1]) >= 0);
		byte = (unsigned char)(kit_digit(hex[0]) << 4 | kit_digit(hex[1]));
		assert_int_equal(ks_buf_add(b, &byte, 1), 0);
		hex++;
	}
}

/* A copy of just these bytes, so that ASan sees one read too many.  To be freed. */
static inline unsigned char *kit_exact(const void *p, size_t n)
{
	unsigned char *copy = malloc(n > 0 ? n : 1);

	assert_non_null(copy);
	if (n > 0)
		memcpy(copy, p, n);
	return copy;
}

#endif
