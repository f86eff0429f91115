/* SPDX-License-Identifier: MIT */
/*
 * json-avx2.h - JSON text by 32 bytes at once, for functions that only run
 * where ks_avx2_is_there.  No load reaches further than json-scan.h says.
 */
#ifndef KS_JSON_AVX2_H
#define KS_JSON_AVX2_H

#include "json.h"

#ifdef __x86_64__
#include <immintrin.h>

#define KS_AVX2 __attribute__((target("avx2,bmi,bmi2")))
#define KS_AVX2_INLINE static inline KS_AVX2 __attribute__((always_inline))

static inline bool ks_avx2_is_there(void)
{
	return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
}

/* A constant that stays in a register: the compiler would make it anew for each string. */
KS_AVX2_INLINE __m256i ks_avx2_kept(__m256i v)
{
	__asm__("" : "+x"(v));
	return v;
}

/* As ks_scan_special, of 32 bytes. */
KS_AVX2_INLINE uint32_t ks_avx2_special(__m256i v)
{
	/* By its low half, the one byte that each may be to be sought; it fits none other there. */
	const __m128i half = _mm_setr_epi8(-1, -1, '"', -1, -1, -1, -1, -1, -1, -1, -1, -1, '\\', -1, -1, -1);
	__m256i sought = ks_avx2_kept(_mm256_broadcastsi128_si256(half));
	__m256i low = _mm256_cmpgt_epi8(ks_avx2_kept(_mm256_set1_epi8(0x20)), v);
	__m256i equal = _mm256_cmpeq_epi8(v, _mm256_shuffle_epi8(sought, v));

	return (uint32_t)_mm256_movemask_epi8(_mm256_or_si256(low, equal));
}

KS_AVX2_INLINE __m256i ks_avx2_load(const unsigned char *p)
{
	return _mm256_loadu_si256((const __m256i *)(const void *)p);
}

/* As ks_json_again. */
KS_AVX2_INLINE bool ks_avx2_again(const struct ks_json_seen *g, const unsigned char *p)
{
	__m256i same = _mm256_cmpeq_epi8(ks_avx2_load(p), ks_avx2_load(g->text));

	return ((uint32_t)_mm256_movemask_epi8(same) | g->spare) == UINT32_MAX;
}

/* 16 bytes, '0' taken from each; a bit for each of them that was no digit. */
KS_AVX2_INLINE __m128i ks_avx2_digits(const unsigned char *p)
{
	return _mm_sub_epi8(_mm_loadu_si128((const __m128i *)(const void *)p), _mm_set1_epi8('0'));
}

KS_AVX2_INLINE unsigned ks_avx2_no_digits(__m128i d)
{
	return (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_min_epu8(d, _mm_set1_epi8(9)), d)) ^ 0xffff;
}

/* Up to 16 digits, the values of bytes, the last of them last. */
KS_AVX2_INLINE uint64_t ks_avx2_sixteen_digits(__m128i d)
{
	__m128i two = _mm_maddubs_epi16(d, _mm_set1_epi16(1 << 8 | 10));
	__m128i four = _mm_madd_epi16(two, _mm_set1_epi32(1 << 16 | 100));
	__m128i eight = _mm_madd_epi16(_mm_packus_epi32(four, four), _mm_set1_epi32(1 << 16 | 10000));
	uint64_t w = (uint64_t)_mm_cvtsi128_si64(eight);

	return (w & UINT32_MAX) * 100000000 + (w >> 32);
}

/* From byte n on: where each of n bytes goes for them to stand last of 16, behind zeros. */
KS_AVX2_INLINE __m128i ks_avx2_to_the_end(unsigned n)
{
	static const signed char slide[32] = {
		-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
		0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
	};

	return _mm_loadu_si128((const __m128i *)(const void *)(slide + n));
}

/* The same where byte `but` is passed over: what stands behind it comes from one byte further. */
KS_AVX2_INLINE __m128i ks_avx2_to_the_end_but(unsigned n, unsigned but)
{
	__m128i to = ks_avx2_to_the_end(n);

	return _mm_sub_epi8(to, _mm_cmpgt_epi8(to, _mm_set1_epi8((char)(but - 1))));
}
#endif

#endif
