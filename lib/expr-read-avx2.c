/* SPDX-License-Identifier: MIT */
/*
 * expr-read-avx2.c - JSON text to slots with what x86-64 machines have since
 * 2013 to 2015, asked of the machine once: see json-avx2.h.
 */
#include "expr-read.h"

#include "json-avx2.h"

#ifdef __x86_64__
#define READ static KS_AVX2
#define READ_INLINE KS_AVX2_INLINE

READ_INLINE bool key_again(const struct ks_json_seen *g, const unsigned char *p)
{
	return ks_avx2_again(g, p);
}

/* p is behind the opening quote.  Looking at a string again costs less than to remember what was seen of it. */
READ_INLINE const unsigned char *string_end(struct ks_expr_read *r, const unsigned char *p)
{
	uint32_t special = ks_avx2_special(ks_avx2_load(p));

	(void)r;
	if (special == 0) {
		p += 32;
		special = ks_avx2_special(ks_avx2_load(p));
		if (KS_UNLIKELY(special == 0))
			return NULL;
	}
	p += __builtin_ctz(special);
	return KS_LIKELY(*p == '"') ? p + 1 : NULL;
}

/* p is at a digit.  Where it ends is a matter of indices, not of a loop whose end the processor guesses wrong. */
READ_INLINE const unsigned char *number_end(struct ks_expr_read *r, const unsigned char *p)
{
	unsigned none = ks_avx2_no_digits(ks_avx2_digits(p)), rest = none & (none - 1);
	unsigned n = (unsigned)__builtin_ctz(none | 0x10000), end = n;

	(void)r;
	if (KS_UNLIKELY(*p == '0' && n > 1))
		return NULL;
	if (p[n] == '.') {
		end = (unsigned)__builtin_ctz(rest | 0x10000);
		if (KS_UNLIKELY(end == n + 1))
			return NULL;
	}
	return KS_LIKELY(end < 16 && (p[end] | 0x20) != 'e') ? p + end : NULL;
}

/* What number_end has seen of it the compiler does not ask again. */
READ_INLINE bool number_value(const unsigned char *p, const unsigned char *end, struct ks_val *v)
{
	__m128i d = ks_avx2_digits(p);
	unsigned whole = (unsigned)__builtin_ctz(ks_avx2_no_digits(d) | 0x10000), n = (unsigned)(end - p);

	if (whole == n) {
		v->type = KS_INT;
		v->i = (int64_t)ks_avx2_sixteen_digits(_mm_shuffle_epi8(d, ks_avx2_to_the_end(n)));
		return true;
	}
	v->type = KS_FLOAT;
	v->d = (double)(int64_t)ks_avx2_sixteen_digits(_mm_shuffle_epi8(d, ks_avx2_to_the_end_but(n - 1, whole))) /
	    ks_pack_powers[n - whole - 1];
	return true;
}

#include "expr-reader.h"

static KS_AVX2 const unsigned char *read_object(struct ks_expr_read *r, const unsigned char *p, uint32_t place,
    unsigned depth)
{
	return read_members(r, p, place, depth);
}
#endif

ks_expr_object_reader *ks_expr_read_best(void)
{
#ifdef __x86_64__
	if (ks_avx2_is_there())
		return read_object;
#endif
	return ks_expr_read_plain;
}
