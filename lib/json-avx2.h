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

/* One byte 32 times, from memory: the compiler would make it of the byte at hand, and wait for that. */
KS_AVX2_INLINE __m256i ks_avx2_all(char c)
{
	__m256i v = _mm256_set1_epi8(c);

	__asm__("" : "+x"(v));
	return v;
}

/* As ks_scan_special, of 32 bytes. */
KS_AVX2_INLINE uint32_t ks_avx2_special(__m256i v)
{
	__m256i low = _mm256_cmpgt_epi8(ks_avx2_all(0x20), v);
	__m256i quote = _mm256_cmpeq_epi8(v, ks_avx2_all('"'));
	__m256i slash = _mm256_cmpeq_epi8(v, ks_avx2_all('\\'));

	return (uint32_t)_mm256_movemask_epi8(_mm256_or_si256(low, _mm256_or_si256(quote, slash)));
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
#endif

#endif
