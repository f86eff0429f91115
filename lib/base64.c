/* SPDX-License-Identifier: MIT */
/* base64.c - RFC 4648 section 4. */
#include "base64.h"

#include <errno.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int ks_base64_print(struct ks_buf *b, struct ks_bytes bytes)
{
	const unsigned char *p = bytes.p;
	unsigned char *o;
	size_t left;
	uint32_t w;
	int no;

	no = ks_buf_reserve(b, bytes.n / 3 * 4 + 4);
	if (no != 0)
		return no;
	o = b->p + b->n;
	for (left = bytes.n; left > 0; left -= left < 3 ? left : 3, p += 3) {
		w = (uint32_t)p[0] << 16 | (left > 1 ? (uint32_t)p[1] << 8 : 0) | (left > 2 ? p[2] : 0);
		*o++ = (unsigned char)alphabet[w >> 18];
		*o++ = (unsigned char)alphabet[w >> 12 & 63];
		*o++ = left > 1 ? (unsigned char)alphabet[w >> 6 & 63] : '=';
		*o++ = left > 2 ? (unsigned char)alphabet[w & 63] : '=';
	}
	b->n = (size_t)(o - b->p);
	return 0;
}

static int letter(unsigned char c)
{
	const char *at = c == '\0' ? NULL : strchr(alphabet, c);

	return at == NULL ? -1 : (int)(at - alphabet);
}

int ks_base64_parse(struct ks_buf *b, struct ks_bytes text)
{
	size_t i, k, pad = 0;
	uint32_t w;
	int no, x;

	if (text.n % 4 != 0)
		return EINVAL;
	no = ks_buf_reserve(b, text.n / 4 * 3);
	if (no != 0)
		return no;
	for (i = 0; i < text.n; i += 4) {
		w = 0;
		for (k = 0; k < 4; k++) {
			x = letter(text.p[i + k]);
			if (text.p[i + k] == '=' && i + 4 == text.n && k >= 2) {
				pad++;
				x = 0;
			} else if (pad > 0) {
				x = -1;
			}
			if (x < 0)
				return EINVAL;
			w = w << 6 | (uint32_t)x;
		}
		if ((pad == 1 && (w & 0xff) != 0) || (pad == 2 && (w & 0xffff) != 0))
			return EINVAL;
		for (k = 0; k < 3 - pad; k++)
			b->p[b->n++] = (unsigned char)(w >> (16 - 8 * k));
	}
	return 0;
}
