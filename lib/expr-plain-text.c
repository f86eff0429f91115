/* SPDX-License-Identifier: MIT */
/*
 * expr-plain-text.c - the object of expr-plain.c from JSON text to JSON text.
 *
 * Fields whose text is what we would write again are copied.  Everything
 * else, errors too, is left to who evaluates and prints it: nothing here
 * decides how a value looks.
 */
#include "expr-impl.h"

#define BLOCK 16u	/* bytes that are copied at once; there are more behind every text that was loaded */
#define NUMBER_MAX 15u	/* digits, of which a double keeps all */

_Static_assert(BLOCK <= KS_PAD, "the last value of a line is copied in blocks, too");

/* Digits, at least one: the byte behind them. */
static inline const unsigned char *digits(const unsigned char *p)
{
	while ((unsigned)*p - '0' <= 9)
		p++;
	return p;
}

/*
 * How much of the number stands in what we would write: the zeros go that
 * end a fraction, but for one behind the point.  0: it looks otherwise.
 */
static inline size_t number(const unsigned char *p, const unsigned char *end)
{
	const unsigned char *start = p, *point;

	p += *p == '-';
	if (end - p > (ptrdiff_t)NUMBER_MAX + 1)
		return 0;
	point = digits(p);
	if (point == end)
		return *p == '0' && p != start ? 0 : (size_t)(end - start);
	/* 0.0x: from some x on it has an exponent. */
	if (*point != '.' || end - p > (ptrdiff_t)NUMBER_MAX || (*p == '0' && point[1] == '0') || digits(point + 1) != end)
		return 0;
	while (end[-1] == '0' && end - point > 2)
		end--;
	return (size_t)(end - start);
}

static inline size_t plain_size(const struct ks_expr_set *set, uint32_t node)
{
	const struct ks_expr_node *n = &set->nodes[node];
	const struct ks_expr_slot *slot = &set->slots[n->slot];

	if (n->op != OP_SLOT || (set->states[n->slot] != SLOT_TEXT && set->states[n->slot] != SLOT_BOTH))
		return 0;
	switch (*slot->p) {
	case '{': case '[':
		return 0;
	case '"': case 'n': case 't': case 'f':
		return (size_t)(slot->end - slot->p);
	default:
		return number(slot->p, slot->end);
	}
}

static inline unsigned char *put(unsigned char *o, const unsigned char *p, size_t n)
{
	if (KS_LIKELY(n <= BLOCK))
		memcpy(o, p, BLOCK);
	else
		memcpy(o, p, n);
	return o + n;
}

bool ks_expr_print(struct ks_expr *e, size_t max, struct ks_buf *out)
{
	struct ks_expr_set *set = e->set;
	const struct ks_expr_node *n = &set->nodes[e->node];
	const struct ks_expr_key *key = n->keys;
	uint32_t i, members = n->count / 2, node;
	unsigned char *o, *start;
	size_t size;

	if (n->op != OP_OBJECT || key == NULL || members == 0 || set->steps < n->count)
		return false;
	for (i = 0; i < members; i++, key++) {
		node = n->args[2 * i + 1];
		size = plain_size(set, node);
		if (size == 0 || key->text_n == 0 || ks_buf_reserve(out, sizeof(key->text) + size + BLOCK) != 0)
			return false;
		start = o = out->p + out->n;
		memcpy(o, key->text, sizeof(key->text));
		*o = i == 0 ? '{' : ',';
		o = put(o + key->text_n, set->slots[set->nodes[node].slot].p, size);
		out->n += (size_t)(o - start);
	}
	/* As msgpack a number may take three times its text, which is what max is about. */
	if (out->n > max / 4 || ks_buf_add(out, "}", 1) != 0)
		return false;
	set->steps -= n->count;
	return true;
}
