/* SPDX-License-Identifier: MIT */
/* json-plain.c - packing with what every machine can do. */
#include "json-pack.h"

#define PACK static
#define PACK_INLINE KS_SCAN_INLINE

/* Whole vectors are copied: both sides have KS_PAD bytes to spare. */
PACK_INLINE struct ks_at put_string(struct ks_parser *x, const unsigned char *p, unsigned char *o)
{
	size_t skip = (uintptr_t)p - (uintptr_t)x->scan.block, n;
	uint64_t special = skip < 64 ? x->scan.special >> skip : 0;

	if (KS_UNLIKELY(special == 0)) {
		special = ks_scan_special(p);
		x->scan.block = p;
		x->scan.special = special;
		if (KS_UNLIKELY(special == 0))
			return ks_pack_odd_string(x, p, o);
	}
	n = (size_t)__builtin_ctzll(special);
	if (KS_UNLIKELY(p[n] != '"'))
		return ks_pack_odd_string(x, p, o);
	if (KS_LIKELY(n < 32)) {
		*o = (unsigned char)(0xa0 | n);
		memcpy(o + 1, p, 32);
		return (struct ks_at){ p + n + 1, o + n + 1 };
	}
	o[0] = 0xd9;
	o[1] = (unsigned char)n;
	memcpy(o + 2, p, 64);
	return (struct ks_at){ p + n + 1, o + n + 2 };
}

/*
 * All digits of a short number at once, the point taken out from between
 * them: how many there are is a matter of shifts, not of a loop whose end
 * the processor guesses wrong.
 */
static struct ks_at put_number(struct ks_parser *x, const unsigned char *p, unsigned char *o)
{
	uint64_t w = load_digits(p), none = no_digits(w), rest, whole;
	unsigned n, end;

	if (none == 0)
		return ks_pack_long_number(x, p, o);
	n = (unsigned)__builtin_ctzll(none) / 8;
	if (KS_UNLIKELY(n == 0 || (*p == '0' && n > 1)))
		return ks_pack_long_number(x, p, o);
	if (p[n] != '.') {
		if (KS_UNLIKELY((p[n] | 0x20) == 'e'))
			return ks_pack_odd_number(x, p, o);
		return (struct ks_at){ p + n, ks_mp_put_u64(o, eight_digits(w << (64 - 8 * n))) };
	}
	rest = none & (none - 1);
	end = (unsigned)__builtin_ctzll(rest | UINT64_C(1) << 63) / 8;
	if (rest == 0 || KS_UNLIKELY(end == n + 1 || (p[end] | 0x20) == 'e'))
		return ks_pack_long_number(x, p, o);
	whole = (UINT64_C(1) << 8 * n) - 1;
	w = (w & whole) | (w >> 8 & ~whole);
	w = eight_digits(w << (72 - 8 * end));
	return (struct ks_at){ p + end, ks_mp_put_f64(o, (double)w / ks_pack_powers[end - n - 1]) };
}

/* Whether the key that was here in the document before stands at p again; then its packed form is at o. */
PACK_INLINE bool key_again(const struct ks_json_guess *g, const unsigned char *p, unsigned char *o)
{
	if (KS_UNLIKELY(!ks_json_again(&g->seen, p)))
		return false;
	memcpy(o, g->packed, sizeof(g->packed));
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

const struct ks_json_packer ks_pack_plain = { document, lines };
