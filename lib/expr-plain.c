/* SPDX-License-Identifier: MIT */
/*
 * expr-plain.c - objects of a few members by names that are known: what most
 * maps make.
 *
 * It is known before the first record that no key stands twice, and what a
 * path leads to in msgpack goes over as it stands: it is neither decoded nor
 * encoded.  The bytes are those that ks_expr_object would write.
 */
#include "expr-impl.h"

#include <stdio.h>

#define MEMBERS 16u	/* at most; they are on the stack */
#define KEY_MAX 31u	/* bytes: with a header of one byte */

static bool is_plain(const struct ks_expr_set *set, const uint32_t *args, uint32_t count)
{
	const struct ks_expr_node *key;
	uint32_t i, j;

	if (count > 2 * MEMBERS)
		return false;
	for (i = 0; i < count; i += 2) {
		key = &set->nodes[args[i]];
		if (key->op != OP_LITERAL || key->value.type != KS_STR || key->value.b.n > KEY_MAX)
			return false;
		for (j = 0; j < i; j += 2)
			if (ks_bytes_eq(key->value.b, set->nodes[args[j]].value.b))
				return false;
	}
	return true;
}

/* Text that stands between quotes as it is. */
static bool is_ascii(struct ks_bytes name)
{
	size_t i;

	for (i = 0; i < name.n; i++)
		if (name.p[i] < 0x20 || name.p[i] >= 0x7f || name.p[i] == '"' || name.p[i] == '\\')
			return false;
	return true;
}

const struct ks_expr_key *ks_expr_plain_keys(struct ks_expr_set *set, const uint32_t *args, uint32_t count)
{
	struct ks_expr_key *keys;
	struct ks_bytes name;
	uint32_t i;

	if (!is_plain(set, args, count))
		return NULL;
	keys = ks_arena_get(&set->program, (count / 2 + 1) * sizeof(*keys));
	for (i = 0; keys != NULL && i < count / 2; i++) {
		name = set->nodes[args[2 * i]].value.b;
		keys[i] = (struct ks_expr_key){ .packed = { (unsigned char)(0xa0 | name.n) }, .n = 1 + name.n };
		if (name.n > 0)
			memcpy(keys[i].packed + 1, name.p, name.n);
		keys[i].text_n = is_ascii(name) ? (size_t)snprintf((char *)keys[i].text, sizeof(keys[i].text), ",\"%.*s\":",
		    (int)name.n, (const char *)name.p) : 0;
	}
	return keys;	/* or NULL: they are made one by one then */
}

/* How long the scalar at p is, where it stands as we would write it; 0: it does not, or more must be read. */
static inline size_t written(const unsigned char *p, size_t left)
{
	if ((*p & 0xe0) == 0xa0)
		return 1 + (size_t)(*p & 0x1f);
	if (*p < 0x80 || *p >= 0xe0 || *p == 0xc0 || *p == 0xc2 || *p == 0xc3)
		return 1;
	if (left < 9)
		return 0;
	switch (*p) {
	case 0xcb: return 9;
	case 0xcc: return p[1] >= 0x80 ? 2 : 0;
	case 0xcd: return ks_get16(p + 1) > UINT8_MAX ? 3 : 0;
	case 0xce: return ks_get32(p + 1) > UINT16_MAX ? 5 : 0;
	case 0xcf: return ks_get64(p + 1) > UINT32_MAX ? 9 : 0;
	default: return 0;
	}
}

/*
 * What v's type says of bytes that are encoded already: COPIED of a slot's,
 * short ones with as many behind them that BLOCK can be copied; containers.
 */
#define BLOCK 16u
#define COPIED_BLOCK KS_MAP
#define COPIED KS_ARRAY

/* A value that needs no decoding. */
static inline bool as_it_stands(const struct ks_expr_set *set, uint32_t node, struct ks_val *v)
{
	const struct ks_expr_node *n = &set->nodes[node];
	const struct ks_expr_slot *slot = &set->slots[n->slot];
	size_t left, length;

	if (n->op != OP_SLOT || set->states[n->slot] != SLOT_PACKED)
		return false;
	left = (size_t)(slot->end - slot->p);
	length = left > 0 ? written(slot->p, left) : 0;
	v->type = length <= BLOCK && left >= BLOCK ? COPIED_BLOCK : COPIED;
	v->b = ks_bytes(slot->p, length);
	return length > 0 && length <= left;
}

static inline unsigned char *put(unsigned char *o, const struct ks_val *v)
{
	switch (v->type) {
	case COPIED_BLOCK:
		memcpy(o, v->b.p, BLOCK);
		return o + v->b.n;
	case COPIED:
		memcpy(o, v->b.p, v->b.n);
		return o + v->b.n;
	case KS_FLOAT:
		return ks_mp_put_f64(o, v->d);
	case KS_INT:
		return ks_mp_put_i64(o, v->i);
	default:
		return ks_expr_put(o, v);
	}
}

/* The values in v; room grows by what they take. */
static inline enum ks_yield values(struct ks_expr_set *set, const struct ks_expr_node *n,
    const struct ks_val *in, struct ks_val *v, size_t *room)
{
	uint32_t i, members = n->count / 2;
	enum ks_yield got = KS_YIELD;
	bool containers = false;

	for (i = 0; i < members; i++) {
		if (as_it_stands(set, n->args[2 * i + 1], &v[i])) {
			*room += v[i].b.n;
			continue;
		}
		got = ks_expr_value(set, n->args[2 * i + 1], in, &v[i]);
		if (KS_UNLIKELY(got != KS_YIELD))
			return got;
		if (v[i].type >= KS_ARRAY) {
			containers = true;
			v[i].type = COPIED;
		}
		*room += v[i].type >= KS_STR ? v[i].b.n : 0;
	}
	/* As in ks_expr_object, once all of them have come. */
	for (i = 0; containers && i < members && got == KS_YIELD; i++)
		got = ks_expr_fits(set, &v[i]);
	return got;
}

enum ks_yield ks_expr_plain_object(struct ks_expr_set *set, const struct ks_expr_node *n,
    const struct ks_val *in, struct ks_val *out)
{
	uint32_t i, members = n->count / 2;
	const struct ks_expr_key *keys = n->keys;
	size_t room = KS_MP_HEADER + sizeof(keys->packed) + members * (sizeof(keys->packed) + KS_MP_HEADER);
	struct ks_val v[MEMBERS];
	enum ks_yield got = values(set, n, in, v, &room);
	unsigned char *start, *o;

	if (KS_UNLIKELY(got != KS_YIELD))
		return got;
	start = room > UINT32_MAX ? NULL : ks_expr_scratch(set, room);
	if (start == NULL)
		return ks_expr_no_scratch(set);
	o = ks_mp_put_map_head(start, members);
	for (i = 0; i < members; i++) {
		memcpy(o, keys[i].packed, sizeof(keys[i].packed));
		o = put(o + keys[i].n, &v[i]);
	}
	*out = (struct ks_val){ .type = KS_MAP, .b = ks_bytes(start, (size_t)(o - start)) };
	return ks_expr_steps(set, n->count);
}
