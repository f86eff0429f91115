/* SPDX-License-Identifier: MIT */
/* expr-shape.c - values whose members stand where they stood in the one before: what is known of them. */
#include "expr-shape.h"

#define MISSES 4u	/* in a row: it has become another one */
#define WAIT 60u	/* values, before one is learnt again: where lengths change from value to value there is none */

/* From p + from on n bytes count. */
static void keep(struct ks_expr_shape *s, const unsigned char *p, size_t from, size_t n)
{
	memcpy(s->bytes + from, p + from, n);
	memset(s->mask + from, 0xff, n);
}

/* The value is known to be whole up to the header of the last one asked for. */
static void learn(struct ks_expr_set *set, const unsigned char *p)
{
	struct ks_expr_shape *s = &set->alike.shape;
	const struct ks_expr_alike *a = &set->alike;
	size_t at = 0, k;

	memset(s->mask, 0, sizeof(s->mask));
	s->count = 0;
	keep(s, p, 0, 1);
	for (k = 0, at = 1; k < a->count; k++) {
		if (at + a->keys[k].size + 2 > sizeof(s->bytes))
			return;
		keep(s, p, at, a->keys[k].size);
		at += a->keys[k].size;
		if (a->keys[k].slot != &set->slots[ROOT_VALUE]) {
			s->values[s->count].slot = a->keys[k].slot;
			s->values[s->count++].at = (uint32_t)at;
		}
		if (k + 1 == a->count)
			break;
		keep(s, p, at, p[at] == 0xd9 ? 2 : 1);
		at += p[at] == 0xd9 ? 2u + p[at + 1] : ks_mp_fixed[p[at]];
	}
	s->n = (uint32_t)(at + sizeof(ks_expr_block) - 1) / sizeof(ks_expr_block) * (uint32_t)sizeof(ks_expr_block);
	/* Two bytes of the last value, and a byte for each key and value of the map. */
	s->least = (uint32_t)at + 2 > s->n ? (uint32_t)at + 2 : s->n;
	if (s->least < 1 + 2 * (*p & 0x0fu))
		s->least = 1 + 2 * (*p & 0x0fu);
}

void ks_expr_shape_missed(struct ks_expr_set *set, struct ks_bytes value)
{
	struct ks_expr_shape *s = &set->alike.shape;

	if (s->n > 0) {
		if (++s->misses == MISSES) {
			s->n = 0;
			s->wait = WAIT;
		}
		return;
	}
	if (s->wait > 0) {
		s->wait--;
		return;
	}
	s->wait = WAIT;
	s->misses = 0;
	learn(set, value.p);
}
