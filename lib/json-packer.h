/* SPDX-License-Identifier: MIT */
/*
 * json-packer.h - packing a document, for a file that says how its strings,
 * numbers and keys are read: see json-pack.h.
 *
 * Before it stand put_string, put_number and key_again, and the attributes
 * PACK and PACK_INLINE of every function.
 */
#ifndef KS_JSON_PACKER_H
#define KS_JSON_PACKER_H

#include <limits.h>

#include "json-keys.h"
#include "json-lines.h"
#include "json-pack.h"

PACK struct ks_at put_literal(struct ks_parser *x, const unsigned char *p, unsigned char *o)
{
	*o = *p == 't' ? 0xc3 : *p == 'f' ? 0xc2 : 0xc0;
	return (struct ks_at){ ks_scan_literal(&x->scan, p), o + 1 };
}

PACK struct ks_at put_container(struct ks_parser *x, const unsigned char *p, unsigned char *o, unsigned depth);

PACK_INLINE struct ks_at put_value(struct ks_parser *x, const unsigned char *p, unsigned char *o, unsigned depth)
{
	if (*p == '"')
		return put_string(x, p + 1, o);
	if ((unsigned)*p - '0' <= 9 || *p == '-')
		return put_number(x, p, o);
	if (*p == '{' || *p == '[')
		return put_container(x, p, o, depth);
	return put_literal(x, p, o);
}

/* One member's key and colon, scanned. */
PACK struct ks_at scan_key(struct ks_parser *x, const unsigned char *p, unsigned char *o, struct ks_keys *keys)
{
	struct ks_head head;
	struct ks_at a;

	if (KS_UNLIKELY(*p != '"'))
		return ks_pack_fail(x, p, KS_JSON_SYNTAX);
	a = put_string(x, p + 1, o);
	if (KS_UNLIKELY(a.p == NULL))
		return a;
	if (ks_mp_head(o, a.o, &head) != KS_MP_OK)
		ks_bug("a key that was just written cannot be read");
	if (ks_keys_note(x->json, keys, ks_bytes(head.body, head.count), (size_t)(o - x->base)) != 0)
		return ks_pack_fail(x, p, KS_JSON_MEMORY);
	a.p = ks_scan_ws(&x->scan, a.p);
	if (KS_UNLIKELY(*a.p != ':'))
		return ks_pack_fail(x, a.p, KS_JSON_SYNTAX);
	a.p++;
	if (x->slot < KS_JSON_GUESSES)
		ks_pack_learn(x->json, x->slot, ks_bytes(p, (size_t)(a.p - p)), ks_bytes(o, (size_t)(a.o - o)));
	a.p = ks_scan_ws(&x->scan, a.p);
	return a;
}

/* The header, now that the count is known; head has one byte of room before the content. */
PACK_INLINE struct ks_at close_container(const unsigned char *p, unsigned char *o, unsigned char *head,
    uint32_t count, bool object)
{
	size_t content, room;
	unsigned char *end;

	if (KS_LIKELY(count < 16)) {
		*head = (unsigned char)((object ? 0x80 : 0x90) | count);
		return (struct ks_at){ p + 1, o };
	}
	content = (size_t)(o - head) - 1;
	room = count <= UINT16_MAX ? 3 : 5;
	memmove(head + room, head + 1, content);
	end = object ? ks_mp_put_map_head(head, count) : ks_mp_put_array_head(head, count);
	return (struct ks_at){ p + 1, end + content };
}

/* An object of which count members are written, and the next one's key is at p. */
struct open {
	unsigned char *head;	/* in the output, of one byte */
	uint32_t count;
	unsigned depth;		/* containers that a value may still enter */
	unsigned slot;		/* of the first key */
	uint64_t inner;		/* slots of the keys of its values */
};

static inline uint64_t slots_between(unsigned from, unsigned to)
{
	uint64_t below = from < KS_JSON_GUESSES ? (UINT64_C(1) << from) - 1 : UINT64_MAX;

	return (to < KS_JSON_GUESSES ? (UINT64_C(1) << to) - 1 : UINT64_MAX) & ~below;
}

/* The end of an object whose keys have to be looked at. */
PACK struct ks_at close_checked(struct ks_parser *x, const unsigned char *p, unsigned char *o,
    struct open *n, struct ks_keys *keys)
{
	keys->slots = slots_between(n->slot, x->slot) & ~n->inner;
	if (ks_keys_finish(x->json, keys, x->base, n->head + 1, &o, &n->count,
	    x->slot <= KS_JSON_GUESSES ? n->slot : UINT_MAX) != 0)
		return ks_pack_fail(x, p, KS_JSON_MEMORY);
	return close_container(p, o, n->head, n->count, true);
}

/* The rest of an object, from a key on that the document before did not have there. */
PACK struct ks_at put_rest(struct ks_parser *x, const unsigned char *p, unsigned char *o, struct open n)
{
	struct ks_keys keys = { .noted = x->json->keys.n };
	struct ks_at a = { p, o };
	unsigned before;

	if (ks_keys_begin(x->json, &keys, x->base, n.head + 1, o) != 0)
		return ks_pack_fail(x, p, KS_JSON_MEMORY);
	for (;;) {
		a = scan_key(x, a.p, a.o, &keys);
		if (KS_UNLIKELY(a.p == NULL))
			return a;
		x->slot += x->slot <= KS_JSON_GUESSES;
		before = x->slot;
		a = put_value(x, a.p, a.o, n.depth);
		if (KS_UNLIKELY(a.p == NULL))
			return a;
		n.inner |= slots_between(before, x->slot);
		n.count++;
		a.p = ks_scan_ws(&x->scan, a.p);
		if (*a.p != ',')
			break;
		a.p = ks_scan_ws(&x->scan, a.p + 1);
	}
	if (KS_UNLIKELY(*a.p != '}'))
		return ks_pack_fail(x, a.p, KS_JSON_SYNTAX);
	return close_checked(x, a.p, a.o, &n, &keys);
}

/* A value in an object that is neither string nor number, unless white space stands before it. */
PACK_INLINE struct ks_at put_member(struct ks_parser *x, const unsigned char *p, unsigned char *o, struct open *n,
    struct ks_json_guess **g)
{
	unsigned before;
	struct ks_at a;

	p = ks_scan_ws(&x->scan, p);
	if (*p != '{' && *p != '[')
		return put_value(x, p, o, n->depth);
	/*
	 * This takes x->slot back to KS_JSON_GUESSES where keys of a value before had
	 * no slot: that is a matter of theirs; those of this object so far have one,
	 * and the next, if there is one, goes to put_rest, which says that it has none.
	 */
	before = x->slot = (unsigned)(*g - x->json->guesses);
	a = put_container(x, p, o, n->depth);
	n->inner |= slots_between(before, x->slot);
	*g = x->json->guesses + (x->slot < KS_JSON_GUESSES ? x->slot : KS_JSON_GUESSES);
	return a;
}

/* p is behind the brace. */
PACK struct ks_at put_object(struct ks_parser *x, const unsigned char *p, unsigned char *o, unsigned depth)
{
	struct open n = { .head = o, .depth = depth, .slot = x->slot };
	struct ks_json_guess *g, *of;
	const unsigned char *key;
	struct ks_keys keys = { .noted = x->json->keys.n };
	struct ks_at a;

	o++;
	p = ks_scan_ws(&x->scan, p);
	if (KS_UNLIKELY(*p == '}'))
		return close_container(p, o, n.head, 0, true);
	if (KS_UNLIKELY(x->slot >= KS_JSON_GUESSES))
		return put_rest(x, p, o, n);
	for (g = x->json->guesses + x->slot;; g++) {
		/* The one behind the last is no key, and ends this. */
		if (KS_UNLIKELY(!key_again(g, p, o))) {
			x->slot = (unsigned)(g - x->json->guesses);
			return put_rest(x, p, o, n);
		}
		of = g;
		a.p = p + g->seen.n;
		a.o = o + g->packed_n;
		n.count++;
		/* As few jumps as can be: each kind of value has its own way back to the next key. */
		if (KS_LIKELY(*a.p == '"')) {
			a = put_string(x, a.p + 1, a.o);
			if (KS_UNLIKELY(a.p == NULL))
				return a;
			if (KS_LIKELY(*a.p == ',' && a.p[1] > ' ')) {
				p = ks_pack_foreseen(&g->span, x->json->documents, p, a.p + 1);
				o = a.o;
				continue;
			}
		} else if (KS_LIKELY((unsigned)*a.p - '0' <= 9)) {
			a = put_number(x, a.p, a.o);
			if (KS_UNLIKELY(a.p == NULL))
				return a;
			if (KS_LIKELY(*a.p == ',' && a.p[1] > ' ')) {
				p = ks_pack_foreseen(&g->span, x->json->documents, p, a.p + 1);
				o = a.o;
				KS_JUMP_APART;
				continue;
			}
		} else {
			g++;
			a = put_member(x, a.p, a.o, &n, &g);
			g--;
			if (KS_UNLIKELY(a.p == NULL))
				return a;
		}
		o = a.o;
		key = p;
		p = ks_scan_ws(&x->scan, a.p);
		if (*p != ',')
			break;
		p = ks_pack_foreseen(&of->span, x->json->documents, key, ks_scan_ws(&x->scan, p + 1));
	}
	if (KS_UNLIKELY(*p != '}'))
		return ks_pack_fail(x, p, KS_JSON_SYNTAX);
	x->slot = (unsigned)(g - x->json->guesses) + 1;
	if (KS_UNLIKELY((slots_between(n.slot, x->slot) & ~n.inner & ~x->json->distinct[n.slot]) != 0))
		return close_checked(x, p, o, &n, &keys);
	return close_container(p, o, n.head, n.count, true);
}

PACK struct ks_at put_array(struct ks_parser *x, const unsigned char *p, unsigned char *o, unsigned depth)
{
	unsigned char *head = o;
	struct ks_at a = { ks_scan_ws(&x->scan, p), o + 1 };
	uint32_t count = 0;

	if (*a.p == ']')
		return close_container(a.p, a.o, head, 0, false);
	for (;;) {
		a = put_value(x, a.p, a.o, depth);
		if (KS_UNLIKELY(a.p == NULL))
			return a;
		count++;
		a.p = ks_scan_ws(&x->scan, a.p);
		if (*a.p != ',')
			break;
		a.p = ks_scan_ws(&x->scan, a.p + 1);
	}
	if (KS_UNLIKELY(*a.p != ']'))
		return ks_pack_fail(x, a.p, KS_JSON_SYNTAX);
	return close_container(a.p, a.o, head, count, false);
}

PACK struct ks_at put_container(struct ks_parser *x, const unsigned char *p, unsigned char *o, unsigned depth)
{
	if (KS_UNLIKELY(depth == 0))
		return ks_pack_fail(x, p, KS_JSON_DEPTH);
	return *p == '{' ? put_object(x, p + 1, o, depth - 1) : put_array(x, p + 1, o, depth - 1);
}

/* One value with white space around it. */
PACK_INLINE struct ks_at put_document(struct ks_parser *x, const unsigned char *text)
{
	struct ks_at a;

	x->json->documents++;
	a = put_value(x, ks_scan_ws(&x->scan, text), x->base, x->json->depth);
	if (KS_LIKELY(a.p != NULL) && *a.p != '\n' && *a.p != '\0')
		a.p = ks_scan_ws(&x->scan, a.p);
	return a;
}

/* The bytes of the line's place that stand in its head. */
PACK_INLINE void put_offset(unsigned char *o, const struct ks_json_lines *l, uint64_t offset)
{
	unsigned n = l->offset_n;

	if (KS_LIKELY(n == 4)) {
		ks_put32(o, (uint32_t)offset);
		return;
	}
	while (n-- > 0) {
		o[n] = (unsigned char)offset;
		offset >>= 8;
	}
}

/* text is not at its end yet.  Returns where it came to. */
PACK_INLINE const unsigned char *put_lines(struct ks_parser *x, struct ks_json_lines *l, struct ks_bytes text,
    struct ks_buf *out)
{
	const unsigned char *p = text.p, *end = text.p + text.n, *room = out->p + out->cap;
	unsigned char *o = out->p + out->n;
	uint64_t duplicates, count = 0;
	struct ks_at a;
	size_t n;

	do {
		duplicates = x->json->duplicates;
		memcpy(o, l->head, sizeof(l->head));
		put_offset(o + l->offset_at, l, (uint64_t)l->offset + (uint64_t)(p - text.p));
		x->base = o + l->head_n;
		x->scan.end = p;
		x->slot = 0;
		x->json->keys.n = 0;
		a = put_document(x, p);
		if (KS_UNLIKELY(a.p == NULL || *a.p != '\n'))
			break;
		n = (size_t)(a.o - x->base);
		if (KS_UNLIKELY(n > l->value_max || (size_t)(a.p - p) > l->line_max))
			break;
		ks_put32(o + l->size_at, (uint32_t)(n + l->head_n - l->size_from));
		duplicates = x->json->duplicates;
		count++;
		p = a.p + 1;
		o = a.o;
	} while (p < end && (size_t)(o - out->p) < l->enough && (size_t)(room - o) >= KS_PAD + KS_JSON_ROOM((size_t)(end - p)) &&
	    l->offset_max - l->offset >= p - text.p);
	x->json->duplicates = duplicates;	/* not those of a line that is not taken */
	l->count += count;
	l->offset += p - text.p;
	out->n = (size_t)(o - out->p);
	return p;
}

#endif
