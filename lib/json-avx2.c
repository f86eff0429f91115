/* SPDX-License-Identifier: MIT */
/*
 * json-avx2.c - packing with what x86-64 machines have since 2013 to 2015,
 * asked of the machine when it runs: 32 bytes of a string or a key at once,
 * and the digits of a number with its point.  No load reaches further than
 * json-scan.h says.
 */
#include "json-avx2.h"

#include "json-pack.h"

#ifdef __x86_64__
#define PACK static KS_AVX2
#define PACK_INLINE KS_AVX2_INLINE

PACK_INLINE void store(unsigned char *o, __m256i v)
{
	_mm256_storeu_si256((__m256i *)(void *)o, v);
}

/* Looking at a string again costs less here than to remember what was seen of it. */
PACK_INLINE struct ks_at put_string(struct ks_parser *x, const unsigned char *p, unsigned char *o)
{
	__m256i v = ks_avx2_load(p), w;
	uint32_t s = ks_avx2_special(v);
	size_t n;

	if (KS_LIKELY(s != 0)) {
		n = (size_t)__builtin_ctz(s);
		if (KS_UNLIKELY(p[n] != '"'))
			return ks_pack_odd_string(x, p, o);
		*o = (unsigned char)(0xa0 | n);
		store(o + 1, v);
		return (struct ks_at){ p + n + 1, o + n + 1 };
	}
	w = ks_avx2_load(p + 32);
	s = ks_avx2_special(w);
	n = 32 + (size_t)__builtin_ctz(s | UINT32_C(1) << 31);
	if (KS_UNLIKELY(p[n] != '"'))
		return ks_pack_odd_string(x, p, o);
	o[0] = 0xd9;
	o[1] = (unsigned char)n;
	store(o + 2, v);
	store(o + 34, w);
	return (struct ks_at){ p + n + 1, o + n + 2 };
}

/* An unsigned integer of any size, without a branch whose way hangs on that. */
PACK_INLINE unsigned char *put_u64(unsigned char *o, uint64_t u)
{
	/* By the number of its bits: the first byte, what the number adds to it, bytes behind it. */
	static const struct { unsigned char head, own, n, spare; } size[65] = {
#define OF(head, own, n) { head, own, n, 0 }
#define EIGHT(...) __VA_ARGS__, __VA_ARGS__, __VA_ARGS__, __VA_ARGS__, __VA_ARGS__, __VA_ARGS__, __VA_ARGS__, __VA_ARGS__
		EIGHT(OF(0, 0x7f, 0)), OF(0xcc, 0, 1), EIGHT(OF(0xcd, 0, 2)), EIGHT(OF(0xce, 0, 4)), EIGHT(OF(0xce, 0, 4)),
		EIGHT(OF(0xcf, 0, 8)), EIGHT(OF(0xcf, 0, 8)), EIGHT(OF(0xcf, 0, 8)), EIGHT(OF(0xcf, 0, 8)),
#undef EIGHT
#undef OF
	};
	unsigned bits = u == 0 ? 0 : 64 - (unsigned)__builtin_clzll(u), n = size[bits].n;

	*o = (unsigned char)(size[bits].head | (u & size[bits].own));
	ks_put64(o + 1, u << ((64 - 8 * n) & 63));
	return o + 1 + n;
}

/* All digits of a number at once, the point taken out from between them: how many there are is a matter of indices. */
PACK_INLINE struct ks_at put_number(struct ks_parser *x, const unsigned char *p, unsigned char *o)
{
	__m128i d = ks_avx2_digits(p);
	unsigned none = ks_avx2_no_digits(d);
	unsigned n = (unsigned)__builtin_ctz(none | 0x10000), rest, end;
	uint64_t u;
	double f;

	if (KS_UNLIKELY(n == 0 || n == 16 || (*p == '0' && n > 1)))
		return ks_pack_long_number(x, p, o);
	if (p[n] != '.') {
		if (KS_UNLIKELY((p[n] | 0x20) == 'e'))
			return ks_pack_odd_number(x, p, o);
		return (struct ks_at){ p + n, put_u64(o, ks_avx2_sixteen_digits(_mm_shuffle_epi8(d, ks_avx2_to_the_end(n)))) };
	}
	rest = none & (none - 1);
	end = (unsigned)__builtin_ctz(rest | 0x10000);
	if (KS_UNLIKELY(end == 16 || end == n + 1 || (p[end] | 0x20) == 'e'))
		return ks_pack_long_number(x, p, o);
	u = ks_avx2_sixteen_digits(_mm_shuffle_epi8(d, ks_avx2_to_the_end_but(end - 1, n)));
	f = (double)(int64_t)u / ks_pack_powers[end - n - 1];
	return (struct ks_at){ p + end, ks_mp_put_f64(o, f) };
}

/* Whether the key that was here in the document before stands at p again; then its packed form is at o. */
PACK_INLINE bool key_again(const struct ks_json_guess *g, const unsigned char *p, unsigned char *o)
{
	if (KS_UNLIKELY(!ks_avx2_again(&g->seen, p)))
		return false;
	store(o, ks_avx2_load(g->packed));
	return true;
}

#include "json-packer.h"

PACK struct ks_at document(struct ks_parser *x, const unsigned char *text)
{
	return put_document(x, text);
}

PACK const unsigned char *lines(struct ks_parser *x, struct ks_json_lines *l, struct ks_bytes text, struct ks_buf *out)
{
	return put_lines(x, l, text, out);
}

static const struct ks_json_packer ks_pack_avx2 = { document, lines };
#endif

const struct ks_json_packer *ks_pack_best(void)
{
#ifdef __x86_64__
	if (ks_avx2_is_there())
		return &ks_pack_avx2;
#endif
	return &ks_pack_plain;
}
