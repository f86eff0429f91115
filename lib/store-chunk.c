/* SPDX-License-Identifier: MIT */
/* store-chunk.c - the changes of an epoch as bytes. */
#include "store-chunk.h"

#define PLACE_SIZE 12
#define LENGTH_MAX 5	/* bytes of a LEB128 of 32 bits */

int ks_chunk_add_place(struct ks_buf *b, int32_t partition, int64_t segment)
{
	unsigned char p[1 + PLACE_SIZE] = "P";

	ks_put32(p + 1, (uint32_t)partition);
	ks_put64(p + 5, (uint64_t)segment);
	return ks_buf_add(b, p, sizeof(p));
}

int ks_chunk_add_drop(struct ks_buf *b)
{
	return ks_buf_add(b, "D", 1);
}

static unsigned char *put_length(unsigned char *o, size_t n)
{
	for (; n >= 0x80; n >>= 7)
		*o++ = (unsigned char)(n | 0x80);
	*o++ = (unsigned char)n;
	return o;
}

int ks_chunk_add_delete(struct ks_buf *b, struct ks_bytes key)
{
	unsigned char *o;
	int no = ks_buf_reserve(b, 1 + LENGTH_MAX + key.n);

	if (no != 0)
		return no;
	o = b->p + b->n;
	*o++ = 'X';
	o = put_length(o, key.n);
	if (key.n > 0)
		memcpy(o, key.p, key.n);
	b->n = (size_t)(o + key.n - b->p);
	return 0;
}

int ks_chunk_add_value(struct ks_buf *b, struct ks_bytes key, struct ks_bytes value)
{
	unsigned char *o;
	int no = ks_buf_reserve(b, 1 + 2 * LENGTH_MAX + key.n + value.n);

	if (no != 0)
		return no;
	o = b->p + b->n;
	*o++ = 'V';
	o = put_length(o, key.n);
	o = put_length(o, value.n);
	if (key.n > 0)
		memcpy(o, key.p, key.n);
	o += key.n;
	if (value.n > 0)
		memcpy(o, value.p, value.n);
	b->n = (size_t)(o + value.n - b->p);
	return 0;
}

static bool take(struct ks_bytes *left, size_t n, struct ks_bytes *taken)
{
	if (n > left->n)
		return false;
	*taken = ks_bytes(left->p, n);
	left->p += n;
	left->n -= n;
	return true;
}

/* A length that a longer form than it needs may not have: one chunk has one form. */
static bool take_length(struct ks_bytes *left, size_t *n)
{
	struct ks_bytes byte;
	unsigned shift;

	*n = 0;
	for (shift = 0; shift < 7 * LENGTH_MAX && take(left, 1, &byte); shift += 7) {
		*n |= (size_t)(*byte.p & 0x7f) << shift;
		if ((*byte.p & 0x80) == 0)
			return (*byte.p != 0 || shift == 0) && *n <= UINT32_MAX;
	}
	return false;
}

int ks_chunk_next(struct ks_bytes *left, struct ks_chunk_change *c)
{
	struct ks_bytes letter, place;
	size_t key_n, value_n;

	for (;;) {
		if (!take(left, 1, &letter))
			return 0;
		if (*letter.p != 'P')
			break;
		if (!take(left, PLACE_SIZE, &place))
			return -1;
		c->partition = (int32_t)ks_get32(place.p);
		c->segment = (int64_t)ks_get64(place.p + 4);
		c->placed = true;
	}
	if (!c->placed)
		return -1;
	c->key = c->value = ks_bytes(NULL, 0);
	switch (*letter.p) {
	case 'D':
		c->kind = KS_CHUNK_DROP;
		return 1;
	case 'X':
		c->kind = KS_CHUNK_DELETE;
		return take_length(left, &key_n) && take(left, key_n, &c->key) ? 1 : -1;
	case 'V':
		c->kind = KS_CHUNK_VALUE;
		return take_length(left, &key_n) && take_length(left, &value_n) && take(left, key_n, &c->key) &&
		    take(left, value_n, &c->value) ? 1 : -1;
	default:
		return -1;
	}
}
