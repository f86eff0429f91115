/* SPDX-License-Identifier: MIT */
/*
 * expr-plain.c - objects of a few members by names that are known: what most
 * maps make.
 *
 * It is known before the first record that no key stands twice, and what a
 * path leads to in msgpack goes over as it stands: it is neither decoded nor
 * encoded.  The bytes are those that ks_expr_object would write.  So are those
 * of a sum of two objects, of which it is only known when they are there.
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
	bool copied = true;
	uint32_t i;

	if (!is_plain(set, args, count))
		return NULL;
	keys = ks_arena_get(&set->program, (count / 2 + 1) * sizeof(*keys));
	if (keys != NULL)
		memset(keys, 0, sizeof(*keys));
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
		copied &= keys[i].slot != KS_EXPR_NONE || keys[i].literal.n > 0;
		keys[0].copied = copied;
	}
	return keys;	/* or NULL: they are made one by one then */
}

/*
 * From what number to what number on it is written as the first byte says;
 * shift is how far the eight bytes behind that go to the right to be the number.
 */
struct form {
	uint64_t from, span;
	uint64_t shift;
};

#define FIRST_FORM 0xcc
#define FORM(bytes, from, to) { (from), (to) - (from), 64 - 8 * (bytes) }
static const struct form forms[] = {
	FORM(1, 0x80, 0xff), FORM(2, 0x100, 0xffff), FORM(4, 0x10000, 0xffffffff),
	FORM(8, UINT64_C(0x100000000), UINT64_MAX),
	FORM(1, 0x80, 0xdf), FORM(2, 0x8000, 0xff7f), FORM(4, 0x80000000, 0xffff7fff),
	FORM(8, UINT64_C(0x8000000000000000), UINT64_C(0xffffffff7fffffff)),
};

/*
 * How long the scalar at p is, BLOCK bytes being there, where it stands as we
 * would write it; 0: it does not, or more must be read.  There is no jump for
 * each form: which one a number has changes from record to record.
 */
static inline size_t written(const unsigned char *p)
{
	size_t form = (size_t)*p - FIRST_FORM;
	const struct form *f = &forms[form % 8];

	if (form < 8 && (ks_get64(p + 1) >> f->shift) - f->from > f->span)
		return 0;
	return KS_LIKELY(*p != 0xca) ? ks_mp_fixed[*p] : 0;
}

/* What v's type says of bytes that are encoded already: of which BLOCK can be copied; other ones, containers among them. */
#define COPIED_BLOCK KS_MAP
#define COPIED KS_ARRAY

/* As written, of the last bytes of a value, fewer than BLOCK. */
static __attribute__((noinline)) size_t written_last(const unsigned char *p, size_t left)
{
	unsigned char block[BLOCK] = { 0xc1 };
	size_t n;

	memcpy(block, p, left);
	n = written(block);
	return n <= left ? n : 0;
}

/* A value that needs no decoding: how long it is; 0: it does.  *block: BLOCK bytes can be copied. */
static inline size_t as_it_stands(const struct ks_expr_set *set, const struct ks_expr_key *key,
    const unsigned char **p, bool *block)
{
	const struct ks_expr_slot *slot;
	size_t left, n;

	*block = true;
	if (KS_UNLIKELY(key->slot == KS_EXPR_NONE)) {
		*p = key->literal.p;
		return key->literal.n;
	}
	slot = &set->slots[key->slot];
	if (KS_UNLIKELY(set->states[key->slot] != SLOT_PACKED))
		return 0;
	*p = slot->p;
	left = (size_t)(slot->end - slot->p);
	if (KS_UNLIKELY(left < BLOCK)) {
		*block = false;
		return written_last(slot->p, left);
	}
	n = written(slot->p);
	return KS_LIKELY(n <= left) ? n : 0;
}

static inline unsigned char *put_bytes(unsigned char *o, const unsigned char *p, size_t n, bool block)
{
	if (KS_LIKELY(block && n <= BLOCK))
		memcpy(o, p, BLOCK);
	else
		memcpy(o, p, n);
	return o + n;
}

static inline unsigned char *put(unsigned char *o, const struct ks_val *v)
{
	switch (v->type) {
	case COPIED_BLOCK: case COPIED:
		return put_bytes(o, v->b.p, v->b.n, v->type == COPIED_BLOCK);
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
	bool containers = false, block;

	for (i = 0; i < members; i++) {
		v[i].b.n = as_it_stands(set, &n->keys[i], &v[i].b.p, &block);
		if (v[i].b.n > 0) {
			v[i].type = block ? COPIED_BLOCK : COPIED;
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

enum ks_yield ks_expr_plain_object(struct ks_expr_set *set, const struct ks_expr_node *n,
    const struct ks_val *in, struct ks_room place, struct ks_val *out)
{
	uint32_t i, members = n->count / 2;
	const struct ks_expr_key *keys = n->keys;
	size_t room = KS_MP_HEADER + sizeof(keys->packed) + members * (sizeof(keys->packed) + KS_MP_HEADER);
	struct ks_val v[MEMBERS];
	enum ks_yield got = values(set, n, in, v, &room);
	unsigned char *start = place.p, *o;

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

/* What a member takes at most that as_it_stands knows; what is copied beyond it is covered by the next one's key. */
#define MEMBER_ROOM (2 * (KEY_MAX + 1))
#define COPY_ROOM (KS_MP_HEADER + MEMBERS * MEMBER_ROOM + BLOCK)

/* A member that is text of 32 to 255 bytes as we would write it: the byte behind it; NULL: it is none, or there is no room. */
static __attribute__((noinline)) unsigned char *copy_text(const struct ks_expr_set *set, const struct ks_expr_key *key,
    unsigned char *o, size_t room)
{
	const struct ks_expr_slot *slot;
	size_t n;

	if (key->slot == KS_EXPR_NONE || set->states[key->slot] != SLOT_PACKED)
		return NULL;
	slot = &set->slots[key->slot];
	if (slot->end - slot->p < 2 || *slot->p != 0xd9 || slot->p[1] <= KEY_MAX)
		return NULL;
	n = 2 + (size_t)slot->p[1];
	if (n > (size_t)(slot->end - slot->p) || room < COPY_ROOM + n)
		return NULL;
	memcpy(o, key->packed, sizeof(key->packed));
	memcpy(o + key->n, slot->p, n);
	return o + key->n + n;
}

size_t ks_expr_copy(const struct ks_expr *e, struct ks_room room)
{
	struct ks_expr_set *set = e->set;
	const struct ks_expr_node *n = &set->nodes[e->node];
	const struct ks_expr_key *key, *end;
	const unsigned char *p = NULL;
	unsigned char *o;
	size_t size;
	bool block;

	if (n->op != OP_OBJECT || n->keys == NULL || !n->keys->copied || room.n < COPY_ROOM || set->steps < n->count)
		return 0;
	key = n->keys;
	end = key + n->count / 2;
	for (o = put_head(room.p, n->count / 2); key < end; key++) {
		size = as_it_stands(set, key, &p, &block);
		if (KS_UNLIKELY(size == 0)) {
			o = copy_text(set, key, o, room.n - (size_t)(o - room.p));
			if (o == NULL)
				return 0;
			continue;
		}
		memcpy(o, key->packed, sizeof(key->packed));
		o = put_bytes(o + key->n, p, size, block);
	}
	set->steps -= n->count;
	return (size_t)(o - room.p);
}

const char *ks_expr_eval_to(struct ks_expr *e, struct ks_room room, struct ks_val *v)
{
	struct ks_expr_set *set = e->set;
	const struct ks_expr_node *n = &set->nodes[e->node];

	if (n->op != OP_OBJECT || n->keys == NULL)
		return ks_expr_eval(e, v);
	ks_expr_begin(set);
	return ks_expr_answer(e, ks_expr_plain_object(set, n, &ks_expr_nil, room, v), v);
}

/* --- the sum of two objects --- */

#define SUM_PAIRS 32u	/* at most, of both; they are on the stack, and each key is held against those before it */

/* Pairs in the order in which they go out; of equal keys the last one, in the place of the first. */
struct sum {
	uint64_t words[SUM_PAIRS];		/* how the key begins, its header included */
	struct ks_bytes pairs[SUM_PAIRS];	/* key and value, as they stand */
	uint32_t count;
};

/* How long a value is that is copied as it stands; 0: it is not. */
static inline size_t copied_value(const struct ks_expr_set *set, const unsigned char *p, const unsigned char *end)
{
	size_t left = (size_t)(end - p), n;
	const unsigned char *behind = p;

	if (KS_UNLIKELY(left == 0))
		return 0;
	n = KS_LIKELY(left >= BLOCK) ? written(p) : written_last(p, left);
	if (n == 0 && *p == 0xd9 && left > 1 && p[1] > KEY_MAX)
		n = 2u + p[1];
	/* Within another it nests by one level more. */
	if (n == 0 && ks_mp_is_container(*p) && ks_mp_skip(&behind, end, set->depth - 1) == KS_MP_OK)
		n = (size_t)(behind - p);
	return KS_LIKELY(n <= left) ? n : 0;
}

static inline void add_pair(struct sum *s, struct ks_bytes pair, size_t key, uint64_t word)
{
	uint32_t i;

	for (i = 0; i < s->count; i++)
		if (KS_UNLIKELY(s->words[i] == word) && (key <= sizeof(word) || memcmp(s->pairs[i].p, pair.p, key) == 0))
			break;
	s->words[i] = word;
	s->pairs[i] = pair;
	s->count += i == s->count;
}

static bool add_pairs(struct sum *s, const struct ks_expr_set *set, const struct ks_val *map)
{
	const unsigned char *p, *end = map->b.p + map->b.n;
	size_t left, key, value;
	struct ks_head head;
	uint32_t i;

	if (ks_mp_head(map->b.p, end, &head) != KS_MP_OK || head.count > SUM_PAIRS - s->count)
		return false;
	for (i = 0, p = head.body; i < head.count; i++, p += key + value) {
		left = (size_t)(end - p);
		if (left == 0 || (*p & 0xe0) != 0xa0)
			return false;
		key = 1 + (*p & 0x1fu);
		value = key < left ? copied_value(set, p + key, end) : 0;
		if (value == 0)
			return false;
		add_pair(s, ks_bytes(p, key + value), key, ks_expr_word(p, key, left));
	}
	return true;
}

enum ks_yield ks_expr_plain_sum(struct ks_expr_set *set, const struct ks_val *a, const struct ks_val *b, struct ks_val *out,
    bool *done)
{
	unsigned char *start, *o;
	struct ks_bytes run;
	struct sum s;
	uint32_t i;

	s.count = 0;
	*done = add_pairs(&s, set, a) && add_pairs(&s, set, b);
	if (!*done)
		return KS_YIELD;
	start = ks_expr_scratch(set, KS_MP_HEADER + a->b.n + b->b.n);
	if (start == NULL)
		return ks_expr_no_scratch(set);
	o = ks_mp_put_map_head(start, s.count);
	for (i = 0; i < s.count; o += run.n) {
		/* What stands together goes together. */
		for (run = s.pairs[i++]; i < s.count && s.pairs[i].p == run.p + run.n; i++)
			run.n += s.pairs[i].n;
		memcpy(o, run.p, run.n);
	}
	*out = (struct ks_val){ .type = KS_MAP, .b = ks_bytes(start, (size_t)(o - start)) };
	return ks_expr_steps(set, s.count + (a->b.n + b->b.n) / 32);
}
