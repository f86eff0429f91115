/* SPDX-License-Identifier: MIT */
/*
 * expr-reader.h - the members of an object to slots, for a file that says how
 * its keys, strings and numbers are read: see expr-read.h.
 *
 * Before it stand key_again; string_end and number_end, which return NULL for
 * what is rare or at fault; number_value of what number_end ended, false where
 * that is for the evaluation; and the attributes READ and READ_INLINE of every
 * function.
 */
#ifndef KS_EXPR_READER_H
#define KS_EXPR_READER_H

#include "expr-read.h"

READ_INLINE void note(struct ks_expr_set *set, uint32_t child, const unsigned char *p, const unsigned char *end,
    enum ks_expr_state state)
{
	struct ks_expr_slot *slot = &set->slots[child];

	if (KS_UNLIKELY(set->states[child] != SLOT_MISSING))
		ks_expr_read_again(set, child);
	slot->p = p;
	slot->end = end;
	set->states[child] = (unsigned char)state;
}

READ_INLINE void note_string(struct ks_expr_set *set, uint32_t child, const unsigned char *p, const unsigned char *end)
{
	set->slots[child].v = (struct ks_val){ .type = KS_STR, .b = { p + 1, (size_t)(end - p) - 2 } };
	note(set, child, p, end, SLOT_BOTH);
}

/*
 * What the evaluation of the record before has decoded is decoded here, where the
 * processor does so while it reads on, and not where a comparison waits for it.
 */
READ_INLINE void note_number(struct ks_expr_set *set, uint32_t child, const unsigned char *p, const unsigned char *end)
{
	struct ks_val *v = &set->slots[child].v;
	bool is = (v->type == KS_INT || v->type == KS_FLOAT) && number_value(p, end, v);

	note(set, child, p, end, is ? SLOT_BOTH : SLOT_TEXT);
}

READ const unsigned char *read_members(struct ks_expr_read *r, const unsigned char *p, uint32_t place, unsigned depth)
{
	struct ks_expr_set *set = r->set;
	struct ks_expr_guess *g = set->guesses + r->key, *of;
	uint32_t mark = 2 * set->places[place].child + 1;
	const unsigned char *value, *end;

	for (;; g++) {
		value = p + g->seen.n;
		if (KS_UNLIKELY(!key_again(&g->seen, p) || g->mark != mark)) {
			if (KS_LIKELY(*p == '}')) {
				p++;
				break;
			}
			g -= g == set->guesses + KS_JSON_GUESSES;
			value = ks_expr_read_key(r, p, mark, g);
			if (KS_UNLIKELY(value == NULL))
				return NULL;
			if (*value == '}') {
				p = value + 1;
				break;
			}
		}
		mark &= ~1u;
		/* As few jumps as can be: each kind of value has its own way back to the next key. */
		if (KS_LIKELY(*value == '"')) {
			end = string_end(r, value + 1);
			if (KS_LIKELY(end != NULL)) {
				if (g->child != 0)
					note_string(set, g->child, value, end);
				p = ks_pack_foreseen(&g->span, set->documents, p, end);
				continue;
			}
		} else if (KS_LIKELY((unsigned)*value - '0' <= 9)) {
			end = number_end(r, value);
			if (KS_LIKELY(end != NULL)) {
				if (g->child != 0)
					note_number(set, g->child, value, end);
				p = ks_pack_foreseen(&g->span, set->documents, p, end);
				KS_JUMP_APART;
				continue;
			}
		}
		of = g;
		r->key = (unsigned)(g - set->guesses) + 1;
		end = ks_expr_read_member(r, value, g->child, depth);
		if (KS_UNLIKELY(end == NULL))
			return NULL;
		g = set->guesses + r->key - 1;
		p = ks_pack_foreseen(&of->span, set->documents, p, end);
	}
	r->key = (unsigned)(g - set->guesses);
	return p;
}

#endif
