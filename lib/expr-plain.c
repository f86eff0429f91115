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

/* Bytes that are copied at once: of values, behind which as many can be read. */
#define BLOCK 16u

/* A literal member is encoded once, before the first record. */
static struct ks_bytes packed_literal(struct ks_expr_set *set, const struct ks_expr_node *n)
{
	unsigned char *p = NULL;

	if (n->op == OP_LITERAL && n->value.type < KS_ARRAY && (n->value.type < KS_STR || n->value.b.n <= KEY_MAX))
		p = ks_arena_get(&set->program, KS_MP_HEADER + KEY_MAX + BLOCK);
	return p == NULL ? ks_bytes(NULL, 0) : ks_bytes(p, (size_t)(ks_expr_put(p, &n->value) - p));
}

const struct ks_expr_key *ks_expr_plain_keys(struct ks_expr_set *set, const uint32_t *args, uint32_t count)
{
	const struct ks_expr_node *member;
	struct ks_expr_key *keys;
	struct ks_bytes name;
	uint32_t i;

	if (!is_plain(set, args, count))
		return NULL;
	keys = ks_arena_get(&set->program, (count / 2 + 1) * sizeof(*keys));
	for (i = 0; keys != NULL && i < count / 2; i++) {
		name = set->nodes[args[2 * i]].value.b;
		member = &set->nodes[args[2 * i + 1]];
		keys[i] = (struct ks_expr_key){ .packed = { (unsigned char)(0xa0 | name.n) }, .n = 1 + name.n };
		if (name.n > 0)
			memcpy(keys[i].packed + 1, name.p, name.n);
		keys[i].text_n = is_ascii(name) ? (size_t)snprintf((char *)keys[i].text, sizeof(keys[i].text), ",\"%.*s\":",
		    (int)name.n, (const char *)name.p) : 0;
		keys[i].slot = member->op == OP_SLOT ? member->slot : KS_EXPR_NONE;
		keys[i].literal = packed_literal(set, member);
	}
	return keys;	/* or NULL: they are made one by one then */
}

/*
 * From what number to what number on it is written as the first byte says;
 * shift is how far the eight bytes behind that go to the right to be the number.
 */
struct form {
	uint64_t from, span;
	unsigned shift;
};

#define FIRST_FORM 0xca
#define FORM(bytes, from, to) { (from), (to) - (from), 64 - 8 * (bytes) }
static const struct form forms[] = {
	{ 2, 0, 63 },	/* a float of 32 bits: never */
	{ 0, UINT64_MAX, 0 },
	FORM(1, 0x80, 0xff), FORM(2, 0x100, 0xffff), FORM(4, 0x10000, 0xffffffff),
	FORM(8, UINT64_C(0x100000000), UINT64_MAX),
	FORM(1, 0x80, 0xdf), FORM(2, 0x8000, 0xff7f), FORM(4, 0x80000000, 0xffff7fff),
	FORM(8, UINT64_C(0x8000000000000000), UINT64_C(0xffffffff7fffffff)),
	{ 0, UINT64_MAX, 0 },	/* no number of this kind */
};
#define OTHER_FORM (sizeof(forms) / sizeof(forms[0]) - 1)

/*
 * How long the scalar at p is, BLOCK bytes being there, where it stands as we
 * would write it; 0: it does not, or more must be read.  No jumps: which
 * encoding a number has changes from record to record.
 */
static inline size_t written(const unsigned char *p)
{
	size_t form = (size_t)*p - FIRST_FORM;
	const struct form *f = &forms[form < OTHER_FORM ? form : OTHER_FORM];

	return (ks_get64(p + 1) >> f->shift) - f->from <= f->span ? ks_mp_fixed[*p] : 0;
}

/* What v's type says of bytes that are encoded already: of which BLOCK can be copied; other ones, containers among them. */
#define COPIED_BLOCK KS_MAP
#define COPIED KS_ARRAY

/* The last bytes of a value: fewer than BLOCK. */
static __attribute__((noinline)) bool stands_last(const struct ks_expr_slot *slot, struct ks_val *v)
{
	size_t left = (size_t)(slot->end - slot->p);
	unsigned char block[BLOCK] = { 0xc1 };

	memcpy(block, slot->p, left);
	v->type = COPIED;
	v->b = ks_bytes(slot->p, written(block));
	return v->b.n > 0 && v->b.n <= left;
}

/* A value that needs no decoding. */
static inline bool as_it_stands(const struct ks_expr_set *set, const struct ks_expr_key *key, struct ks_val *v)
{
	const struct ks_expr_slot *slot;

	v->type = COPIED_BLOCK;
	if (key->slot == KS_EXPR_NONE) {
		v->b = key->literal;
		return v->b.n > 0;
	}
	slot = &set->slots[key->slot];
	if (set->states[key->slot] != SLOT_PACKED)
		return false;
	if (KS_UNLIKELY((size_t)(slot->end - slot->p) < BLOCK))
		return stands_last(slot, v);
	v->b = ks_bytes(slot->p, written(slot->p));
	return v->b.n > 0 && v->b.n <= (size_t)(slot->end - slot->p);
}

static inline unsigned char *put_block(unsigned char *o, struct ks_bytes b)
{
	memcpy(o, b.p, BLOCK);
	if (KS_UNLIKELY(b.n > BLOCK))
		memcpy(o + BLOCK, b.p + BLOCK, b.n - BLOCK);
	return o + b.n;
}

static inline unsigned char *put(unsigned char *o, const struct ks_val *v)
{
	switch (v->type) {
	case COPIED_BLOCK:
		return put_block(o, v->b);
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

static inline unsigned char *put_head(unsigned char *o, uint32_t members)
{
	_Static_assert(MEMBERS <= 16, "a map head is one byte, or that of 16");
	if (KS_UNLIKELY(members == 16))
		return ks_mp_put_map_head(o, members);
	*o = (unsigned char)(0x80 | members);
	return o + 1;
}

/* The values in v; room grows by what they take. */
static inline enum ks_yield values(struct ks_expr_set *set, const struct ks_expr_node *n,
    const struct ks_val *in, struct ks_val *v, size_t *room)
{
	uint32_t i, members = n->count / 2;
	enum ks_yield got = KS_YIELD;
	bool containers = false;

	for (i = 0; i < members; i++) {
		if (as_it_stands(set, &n->keys[i], &v[i])) {
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
		got = v[i].type == COPIED ? ks_expr_fits(set, &v[i]) : KS_YIELD;
	return got;
}

/* The object where all its values stand as we would write them, to room; NULL: it is not so. */
static inline unsigned char *copied(const struct ks_expr_set *set, const struct ks_expr_node *n, unsigned char *o)
{
	const struct ks_expr_key *key = n->keys, *end = key + n->count / 2;
	struct ks_val v;

	o = put_head(o, n->count / 2);
	for (; key < end; key++) {
		if (KS_UNLIKELY(!as_it_stands(set, key, &v)))
			return NULL;
		memcpy(o, key->packed, sizeof(key->packed));
		o += key->n;
		if (KS_LIKELY(v.type == COPIED_BLOCK)) {
			o = put_block(o, v.b);
		} else {
			memcpy(o, v.b.p, v.b.n);
			o += v.b.n;
		}
	}
	return o;
}

/* What a member takes at most that as_it_stands knows; what is copied beyond it is covered by the next one's key. */
#define MEMBER_ROOM (2 * (KEY_MAX + 1))

enum ks_yield ks_expr_plain_object(struct ks_expr_set *set, const struct ks_expr_node *n,
    const struct ks_val *in, struct ks_room place, struct ks_val *out)
{
	uint32_t i, members = n->count / 2;
	const struct ks_expr_key *keys = n->keys;
	size_t room = KS_MP_HEADER + sizeof(keys->packed) + members * (sizeof(keys->packed) + KS_MP_HEADER);
	struct ks_val v[MEMBERS];
	enum ks_yield got;
	unsigned char *start = place.p, *o;

	if (place.n >= KS_MP_HEADER + MEMBERS * MEMBER_ROOM + BLOCK) {
		o = copied(set, n, start);
		if (KS_LIKELY(o != NULL)) {
			*out = (struct ks_val){ .type = KS_MAP, .b = ks_bytes(start, (size_t)(o - start)) };
			return ks_expr_steps(set, n->count);
		}
	}
	got = values(set, n, in, v, &room);
	if (KS_UNLIKELY(got != KS_YIELD))
		return got;
	if (room > place.n)
		start = room > UINT32_MAX ? NULL : ks_expr_scratch(set, room);
	if (start == NULL)
		return ks_expr_no_scratch(set);
	o = put_head(start, members);
	for (i = 0; i < members; i++) {
		memcpy(o, keys[i].packed, sizeof(keys[i].packed));
		o = put(o + keys[i].n, &v[i]);
	}
	*out = (struct ks_val){ .type = KS_MAP, .b = ks_bytes(start, (size_t)(o - start)) };
	return ks_expr_steps(set, n->count);
}
