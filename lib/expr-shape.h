/* SPDX-License-Identifier: MIT */
/*
 * expr-shape.h - values whose members stand where they stood in the one before.
 *
 * From key to key each step waits for the byte that says how long the value
 * before it is.  Where all of those are as they were, up to the last key that
 * is asked for, one comparison tells, and nothing waits.
 */
#ifndef KS_EXPR_SHAPE_H
#define KS_EXPR_SHAPE_H

#include "expr-impl.h"

typedef uint64_t ks_expr_block __attribute__((vector_size(16)));

static inline ks_expr_block ks_expr_block_at(const unsigned char *p)
{
	ks_expr_block b;

	memcpy(&b, p, sizeof(b));
	return b;
}

/* True: all places of the value were met.  False: nobody knows; nothing was done. */
static inline __attribute__((always_inline)) bool ks_expr_shape_again(struct ks_expr_set *set, struct ks_bytes value)
{
	struct ks_expr_shape *s = &set->alike.shape;
	const unsigned char *p = value.p, *end = value.p + value.n;
	ks_expr_block differ = { 0, 0 };
	struct ks_expr_slot *slot;
	uint32_t i;

	if (s->n == 0 || value.n < s->least)
		return false;
	for (i = 0; i < s->n; i += (uint32_t)sizeof(differ))
		differ |= (ks_expr_block_at(p + i) ^ ks_expr_block_at(s->bytes + i)) & ks_expr_block_at(s->mask + i);
	if (KS_UNLIKELY((differ[0] | differ[1]) != 0))
		return false;
	s->misses = 0;
	for (i = 0; i < s->count; i++) {
		slot = s->values[i].slot;
		slot->p = p + s->values[i].at;
		slot->end = end;
	}
	set->slots[ROOT_VALUE].p = p;
	set->slots[ROOT_VALUE].end = end;
	memcpy(set->states, set->alike.states, KS_EXPR_ALIKE);
	return true;
}

/* It was not so, but the value's keys are those of set->alike: learn from it how it is now, if that seems to be worth it. */
void	ks_expr_shape_missed(struct ks_expr_set *set, struct ks_bytes value);

#endif
