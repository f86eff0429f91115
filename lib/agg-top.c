/* SPDX-License-Identifier: MIT */
/*
 * agg-top.c - top, bottom: the best of each id, the n best of them.
 *
 * The entries stand one behind the other in the order in which they are
 * shown, which among equals is that of their arrival.  What falls behind the
 * n-th can be forgotten: it comes back only with a value that is better than
 * the one that is forgotten with it.
 */
#include "agg-row.h"

#include <errno.h>

#define MOST 10000

struct top {
	uint32_t count;
	uint32_t used;			/* bytes of the entries */
	struct ks_agg_place place;
	uint32_t last;			/* where the last entry begins in it */
	uint32_t unused;
};

struct entry {
	uint32_t size;			/* with what stands behind it; a multiple of 8 */
	uint8_t by_type, id_type;	/* enum ks_type */
	uint16_t unused;
	uint32_t by_n, id_n;		/* bytes of strings and containers, by and then id */
	uint64_t hash;			/* of id */
	uint64_t by, id;		/* numbers */
};

static const struct top *top_at(const unsigned char *block, size_t at)
{
	return (const struct top *)(const void *)(block + at);
}

static const struct entry *entry_at(const unsigned char *entries, uint32_t place)
{
	return (const struct entry *)(const void *)(entries + place);
}

static struct ks_val value_of(uint8_t type, uint64_t number, const unsigned char *p, uint32_t n)
{
	struct ks_val v = { .type = (enum ks_type)type, .u = number };

	if (v.type >= KS_STR)
		v.b = ks_bytes(p, n);
	return v;
}

static struct ks_val by_of(const struct entry *e)
{
	return value_of(e->by_type, e->by, (const unsigned char *)(e + 1), e->by_n);
}

static struct ks_val id_of(const struct entry *e)
{
	return value_of(e->id_type, e->id, (const unsigned char *)(e + 1) + e->by_n, e->id_n);
}

static const char *set_top(struct ks_agg *a, const struct ks_val *v)
{
	if (v->type != KS_INT || v->i < 1 || v->i > MOST)
		return "how many is a number from 1 to 10000";
	a->n = (uint32_t)v->i;
	return NULL;
}

static const char *check_top(const struct ks_val *values)
{
	return ks_agg_ordered(&values[0]);
}

/* Where values go, and where their id stands already (UINT32_MAX: nowhere).  False: nowhere at all. */
static bool find(const struct ks_agg *a, const struct top *t, const unsigned char *entries,
    const struct ks_val *values, int sign, uint32_t *to, uint32_t *old)
{
	uint64_t hash;
	const struct entry *e;
	struct ks_val v;
	uint32_t i;

	*to = *old = UINT32_MAX;
	if (t->count == a->n) {
		v = by_of(entry_at(entries, t->last));
		if (sign * ks_val_cmp(&values[0], &v) <= 0)
			return false;
	}
	hash = ks_agg_hash(&values[1]);
	for (i = 0; i < t->used; i += e->size) {
		e = entry_at(entries, i);
		if (*to == UINT32_MAX) {
			v = by_of(e);
			if (sign * ks_val_cmp(&values[0], &v) > 0)
				*to = i;
		}
		if (e->hash != hash)
			continue;
		v = id_of(e);
		if (ks_val_cmp(&values[1], &v) != 0)
			continue;
		*old = i;
		/* It is as good already. */
		return *to != UINT32_MAX;
	}
	if (*to == UINT32_MAX)
		*to = t->used;
	return true;
}

static uint32_t take_out(struct top *t, unsigned char *entries, uint32_t place)
{
	uint32_t size = entry_at(entries, place)->size;

	memmove(entries + place, entries + place + size, t->used - place - size);
	t->used -= size;
	t->count--;
	return size;
}

static void put_in(struct top *t, unsigned char *entries, uint32_t place, uint32_t size,
    const struct ks_val *values)
{
	struct entry e = { .size = size, .by_type = (uint8_t)values[0].type,
		.id_type = (uint8_t)values[1].type, .hash = ks_agg_hash(&values[1]) };
	unsigned char *p = entries + place + sizeof(e);

	memmove(entries + place + size, entries + place, t->used - place);
	memset(entries + place, 0, size);
	if (values[0].type < KS_STR) {
		e.by = values[0].u;
	} else {
		e.by_n = (uint32_t)values[0].b.n;
		if (e.by_n > 0)
			memcpy(p, values[0].b.p, e.by_n);
	}
	if (ks_val_number(&values[1])) {
		e.id = values[1].u;
	} else if (values[1].type >= KS_STR) {
		e.id_n = (uint32_t)values[1].b.n;
		if (e.id_n > 0)
			memcpy(p + e.by_n, values[1].b.p, e.id_n);
	}
	memcpy(entries + place, &e, sizeof(e));
	t->used += size;
	t->count++;
}

/* Which entry is the last one now. */
static void find_last(struct top *t, const unsigned char *entries)
{
	uint32_t i;

	for (i = 0; i < t->used; i += entry_at(entries, i)->size)
		t->last = i;
}

static int add(const struct ks_agg *a, struct ks_agg_block *b, size_t at, const struct ks_val *values,
    int sign)
{
	struct top *t = (struct top *)(void *)(b->p + at);
	struct ks_agg_place p = t->place;
	size_t size = sizeof(struct entry);
	uint32_t to, old;
	unsigned char *entries;
	int no;

	if (!find(a, t, b->p + p.at, values, sign, &to, &old))
		return 0;
	size += (values[0].type >= KS_STR ? values[0].b.n : 0) + (values[1].type >= KS_STR ? values[1].b.n : 0);
	size = (size + 7) & ~(size_t)7;
	if (size > UINT32_MAX - t->used)
		return EMSGSIZE;
	no = ks_agg_room(b, &p, t->used, t->used + size);
	if (no != 0)
		return no;
	t = (struct top *)(void *)(b->p + at);
	t->place = p;
	entries = b->p + p.at;
	/* What is taken out stands behind what is put in. */
	if (old != UINT32_MAX)
		take_out(t, entries, old);
	else if (t->count == a->n)
		take_out(t, entries, t->last);
	put_in(t, entries, to, (uint32_t)size, values);
	find_last(t, entries);
	return 0;
}

static int add_top(const struct ks_agg *a, struct ks_agg_block *b, size_t at,
    const struct ks_val *values)
{
	return add(a, b, at, values, 1);
}

static int add_bottom(const struct ks_agg *a, struct ks_agg_block *b, size_t at,
    const struct ks_val *values)
{
	return add(a, b, at, values, -1);
}

static int merge_top(const struct ks_agg *a, struct ks_agg_block *b, size_t at,
    const unsigned char *from)
{
	const struct top *o = top_at(from, at);
	const struct entry *e;
	struct ks_val values[2];
	uint32_t i;
	int no = 0;

	for (i = 0; i < o->used && no == 0; i += e->size) {
		e = entry_at(from + o->place.at, i);
		values[0] = by_of(e);
		values[1] = id_of(e);
		no = a->row->add(a, b, at, values);
	}
	return no;
}

static int show_top(const struct ks_agg *a, const unsigned char *block, size_t at, struct ks_buf *out)
{
	const struct top *t = top_at(block, at);
	const struct entry *e;
	struct ks_val v;
	uint32_t i;
	int no = ks_mp_add_array_head(out, t->count);

	(void)a;
	for (i = 0; i < t->used && no == 0; i += e->size) {
		e = entry_at(block + t->place.at, i);
		no = ks_buf_add(out, "\x82\xa2id", 4);
		v = id_of(e);
		if (no == 0)
			no = ks_mp_add_val(out, &v);
		if (no == 0)
			no = ks_buf_add(out, "\xa2" "by", 3);
		v = by_of(e);
		if (no == 0)
			no = ks_mp_add_val(out, &v);
	}
	return no;
}

const struct ks_agg_row ks_agg_top[] = {
	{ .name = "top", .words = "topk top_k top_n largest_n leaderboard", .args = "cvv", .need = 3,
	    .like = "top(10; .price; .symbol)", .parts = true, .size = sizeof(struct top), .set = set_top,
	    .check = check_top, .add = add_top, .merge = merge_top, .show = show_top },
	{ .name = "bottom", .words = "bottomk bottom_k bottom_n", .args = "cvv", .need = 3,
	    .like = "bottom(10; .price; .symbol)", .parts = true, .size = sizeof(struct top), .set = set_top,
	    .check = check_top, .add = add_bottom, .merge = merge_top, .show = show_top },
	{ .name = NULL },
};
