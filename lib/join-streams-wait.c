/* SPDX-License-Identifier: MIT */
/*
 * join-streams-wait.c - the rows of a side that wait, by time and key's
 * bytes: the lowest level of a B+ tree in a store, and what is above it in
 * memory.
 */
#include "join-streams.h"

#include <stdlib.h>

#define LEAF_KEY 48u	/* bytes of a key in memory: with all that a leaf needs, of a chunk of KS_JOIN_CHUNK bytes a thirtieth */

/* A chunk of what waits: all that is not before this time and key, up to those of the next one. */
struct ks_join_leaf {
	int64_t time_ms;
	unsigned char *key;
	uint32_t key_n;
	bool cut;		/* the key is longer: where it begins so, what the chunk begins with decides */
	uint32_t number;	/* under which it is in the store */
};

static int cmp(int64_t a_ms, struct ks_bytes a, int64_t b_ms, struct ks_bytes b)
{
	return a_ms != b_ms ? (a_ms < b_ms ? -1 : 1) : ks_bytes_cmp(a, b);
}

static struct ks_join_place place_of(const struct ks_join_wait *w, uint32_t number, unsigned char room[4])
{
	ks_put32(room, number);
	return (struct ks_join_place){ w->partition, (int64_t)w->side, ks_bytes(room, 4) };
}

/* The chunk of a leaf; change: it may be written to. */
static int chunk_at(struct ks_join_shelf *s, const struct ks_join_wait *w, size_t at, bool change, struct ks_join_chunk **c)
{
	unsigned char room[4];
	struct ks_join_place p = place_of(w, w->leaves[at].number, room);
	struct ks_store_value v;
	int status = change ? ks_store_put(s->store, p.partition, p.segment, p.key, 0, &v, s->err) :
	    ks_store_get(s->store, p.partition, p.segment, p.key, &v, s->err);

	if (status == 0)
		status = ks_join_chunk_of(s, p.partition, v, c);
	if (status == 0 && (*c == NULL || (*c)->used == sizeof(**c)))
		status = ks_join_damaged(s, p.partition);
	return status;
}

/* What a leaf begins with, to a time and a key that the store does not lend. */
static int cmp_leaf(struct ks_join_shelf *s, const struct ks_join_wait *w, size_t at, int64_t time_ms, struct ks_bytes key, int *order)
{
	const struct ks_join_leaf *l = &w->leaves[at];
	const struct ks_join_item *first;
	struct ks_join_chunk *c;
	int status;

	*order = cmp(l->time_ms, ks_bytes(l->key, l->key_n), time_ms, l->cut && key.n > l->key_n ? ks_bytes(key.p, l->key_n) : key);
	if (KS_LIKELY(!l->cut || *order != 0))
		return 0;
	status = chunk_at(s, w, at, false, &c);
	if (status != 0)
		return status;
	first = ks_join_item_at(c, sizeof(*c));
	if (first == NULL)
		return ks_join_damaged(s, w->partition);
	*order = cmp(first->time_ms, ks_join_item_bytes(first), time_ms, key);
	return 0;
}

/* The leaf in which a time and a key are, if they are anywhere; there is one. */
static int leaf_of(struct ks_join_shelf *s, const struct ks_join_wait *w, int64_t time_ms, struct ks_bytes key, size_t *leaf)
{
	size_t low = 1, high = w->count, middle;
	int order, status = 0;

	while (low < high) {
		middle = (low + high) / 2;
		order = w->leaves[middle].time_ms < time_ms ? -1 : 1;
		if (w->leaves[middle].time_ms == time_ms)
			status = cmp_leaf(s, w, middle, time_ms, key, &order);
		if (status != 0)
			break;
		if (order <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	*leaf = low - 1;
	return status;
}

/* Where the first item that is not before a time and a key begins; *same: it is theirs. */
static int find(struct ks_join_shelf *s, const struct ks_join_wait *w, const struct ks_join_chunk *c, int64_t time_ms,
    struct ks_bytes key, size_t *at, bool *same)
{
	const struct ks_join_item *i;
	int order;

	*same = false;
	*at = c->used;
	if (time_ms > c->last_ms)
		return 0;
	for (*at = sizeof(*c); *at < c->used; *at += ks_join_item_size(i->n)) {
		i = ks_join_item_at(c, *at);
		if (i == NULL)
			return ks_join_damaged(s, w->partition);
		if (i->time_ms < time_ms)
			continue;
		order = cmp(i->time_ms, ks_join_item_bytes(i), time_ms, key);
		*same = order == 0;
		if (order >= 0)
			break;
	}
	return 0;
}

static int add_leaf(struct ks_join_shelf *s, struct ks_join_wait *w, size_t at, uint32_t number, const struct ks_join_item *first)
{
	size_t cap = w->cap == 0 ? 16 : 2 * w->cap;
	uint32_t n = first->n > LEAF_KEY ? LEAF_KEY : first->n;
	struct ks_join_leaf *leaves;
	unsigned char *key;

	if (w->count == w->cap) {
		leaves = reallocarray(w->leaves, cap, sizeof(*leaves));
		if (leaves == NULL)
			return ks_join_shelf_no_memory(s);
		w->leaves = leaves;
		w->cap = cap;
	}
	key = malloc(n + 1);
	if (key == NULL)
		return ks_join_shelf_no_memory(s);
	memcpy(key, first + 1, n);
	memmove(w->leaves + at + 1, w->leaves + at, (w->count - at) * sizeof(*w->leaves));
	w->leaves[at] = (struct ks_join_leaf){ first->time_ms, key, n, n < first->n, number };
	w->count++;
	if (number >= w->number)
		w->number = number + 1;
	return 0;
}

/* s->rest becomes a leaf of its own. */
static int make_leaf(struct ks_join_shelf *s, struct ks_join_wait *w, size_t at)
{
	unsigned char room[4];
	struct ks_join_place p = place_of(w, w->number, room);
	const struct ks_join_chunk *c = (const void *)s->rest.p;
	const struct ks_join_item *first = ks_join_item_at(c, sizeof(*c));
	int status;

	if (first == NULL)
		return ks_join_damaged(s, w->partition);
	status = add_leaf(s, w, at, w->number, first);
	return status == 0 ? ks_join_chunk_make(s, &p) : status;
}

static int drop_leaf(struct ks_join_shelf *s, struct ks_join_wait *w, size_t at)
{
	unsigned char room[4];
	struct ks_join_place p = place_of(w, w->leaves[at].number, room);

	free(w->leaves[at].key);
	w->count--;
	memmove(w->leaves + at, w->leaves + at + 1, (w->count - at) * sizeof(*w->leaves));
	if (w->count == 0) {
		w->number = 0;
		w->from_ms = INT64_MAX;
	}
	return ks_store_delete(s->store, p.partition, p.segment, p.key, s->err);
}

static int by_first(const void *a, const void *b)
{
	const struct ks_join_leaf *x = a, *y = b;

	return cmp(x->time_ms, ks_bytes(x->key, x->key_n), y->time_ms, ks_bytes(y->key, y->key_n));
}

/* Leaves whose keys begin alike, as far as memory has them, into their order: there are few. */
static int sort_cut(struct ks_join_shelf *s, struct ks_join_wait *w)
{
	const struct ks_join_item *first;
	struct ks_join_leaf moved;
	struct ks_join_chunk *c;
	size_t i, k;
	int order, status = 0;

	for (i = 1; i < w->count; i++) {
		if (by_first(&w->leaves[i - 1], &w->leaves[i]) != 0)
			continue;
		status = chunk_at(s, w, i, false, &c);
		if (status != 0)
			return status;
		first = ks_join_item_at(c, sizeof(*c));
		s->rest.n = 0;
		if (first == NULL)
			return ks_join_damaged(s, w->partition);
		if (ks_buf_add(&s->rest, first + 1, first->n) != 0)
			return ks_join_shelf_no_memory(s);
		for (k = i; k > 0; k--) {
			status = cmp_leaf(s, w, k - 1, w->leaves[k].time_ms, ks_buf_bytes(&s->rest), &order);
			if (status != 0)
				return status;
			if (order <= 0)
				break;
			moved = w->leaves[k];
			w->leaves[k] = w->leaves[k - 1];
			w->leaves[k - 1] = moved;
		}
	}
	return 0;
}

int ks_join_wait_open(struct ks_join_shelf *s, struct ks_join_wait *w)
{
	const struct ks_join_item *first;
	struct ks_join_chunk *c;
	struct ks_store_scan scan;
	struct ks_store_value v;
	struct ks_bytes key;
	int status;

	w->from_ms = INT64_MAX;
	status = ks_store_scan_begin(s->store, w->partition, (int64_t)w->side, &scan, s->err);
	while (status == 0 && ks_store_scan_next(&scan, &key, &v)) {
		status = ks_join_chunk_of(s, w->partition, v, &c);
		if (status != 0)
			break;
		first = c->used > sizeof(*c) ? ks_join_item_at(c, sizeof(*c)) : NULL;
		if (first == NULL || key.n != 4)
			status = ks_join_damaged(s, w->partition);
		else
			status = add_leaf(s, w, w->count, ks_get32(key.p), first);
	}
	ks_store_scan_end(&scan);
	if (status != 0 || w->count == 0)
		return status;
	qsort(w->leaves, w->count, sizeof(*w->leaves), by_first);
	w->from_ms = w->leaves[0].time_ms;
	return sort_cut(s, w);
}

void ks_join_wait_close(struct ks_join_wait *w)
{
	size_t i;

	for (i = 0; i < w->count; i++)
		free(w->leaves[i].key);
	free(w->leaves);
}

int ks_join_wait_add(struct ks_join_shelf *s, struct ks_join_wait *w, int64_t time_ms, struct ks_bytes key)
{
	struct ks_join_item item = { time_ms, (uint32_t)key.n, 1 };
	unsigned char room[4];
	struct ks_join_place p;
	struct ks_join_chunk *c;
	size_t leaf, at;
	bool same;
	int status;

	if (time_ms < w->from_ms)
		w->from_ms = time_ms;
	if (w->count == 0) {
		status = ks_join_chunk_alone(s, &item, key.p);
		return status == 0 ? make_leaf(s, w, 0) : status;
	}
	status = leaf_of(s, w, time_ms, key, &leaf);
	if (status == 0)
		status = chunk_at(s, w, leaf, true, &c);
	if (status == 0)
		status = find(s, w, c, time_ms, key, &at, &same);
	if (status != 0)
		return status;
	if (same) {
		((struct ks_join_item *)(void *)((unsigned char *)c + at))->bits++;
		return 0;
	}
	p = place_of(w, w->leaves[leaf].number, room);
	if (c->used + ks_join_item_size(key.n) <= KS_JOIN_CHUNK)
		return ks_join_chunk_insert(s, &p, at, &item, key.p);
	if (at == c->used) {
		status = ks_join_chunk_alone(s, &item, key.p);
		return status == 0 ? make_leaf(s, w, leaf + 1) : status;
	}
	status = ks_join_chunk_cut(s, &p, at);
	if (status == 0)
		status = ks_join_chunk_insert(s, &p, at, &item, key.p);
	return status == 0 ? make_leaf(s, w, leaf + 1) : status;
}

int ks_join_wait_remove(struct ks_join_shelf *s, struct ks_join_wait *w, int64_t time_ms, struct ks_bytes key)
{
	struct ks_join_chunk *c;
	unsigned char *o;
	size_t leaf = 0, at, n;
	bool same = false;
	int status = 0;

	if (w->count > 0) {
		status = leaf_of(s, w, time_ms, key, &leaf);
		if (status == 0)
			status = chunk_at(s, w, leaf, true, &c);
		if (status == 0)
			status = find(s, w, c, time_ms, key, &at, &same);
	}
	if (status == 0 && !same)
		status = ks_join_damaged(s, w->partition);
	if (status != 0)
		return status;
	n = ks_join_item_size(key.n);
	o = (unsigned char *)c + at;
	c->used -= (uint32_t)n;
	memmove(o, o + n, c->used - at);
	return c->used > sizeof(*c) ? 0 : drop_leaf(s, w, leaf);
}

int ks_join_wait_behind(struct ks_join_shelf *s, const struct ks_join_wait *w, int64_t time_ms, struct ks_bytes key,
    struct ks_join_entry *e)
{
	const struct ks_join_item *i;
	struct ks_join_chunk *c;
	size_t leaf, at;
	bool same;
	int status;

	e->rows = 0;
	if (w->count == 0)
		return 0;
	status = leaf_of(s, w, time_ms, key, &leaf);
	if (status == 0)
		status = chunk_at(s, w, leaf, false, &c);
	if (status == 0)
		status = find(s, w, c, time_ms, key, &at, &same);
	if (status != 0)
		return status;
	if (same)
		at += ks_join_item_size(key.n);
	if (at >= c->used) {
		if (leaf + 1 == w->count)
			return 0;
		status = chunk_at(s, w, leaf + 1, false, &c);
		if (status != 0)
			return status;
		at = sizeof(*c);
	}
	i = ks_join_item_at(c, at);
	if (i == NULL || i->bits == 0)
		return ks_join_damaged(s, w->partition);
	e->time_ms = i->time_ms;
	e->rows = i->bits;
	e->key.n = 0;
	return ks_buf_add(&e->key, i + 1, i->n) == 0 ? 0 : ks_join_shelf_no_memory(s);
}

int ks_join_wait_last(struct ks_join_shelf *s, const struct ks_join_wait *w, int64_t *time_ms)
{
	const struct ks_join_item *i;
	struct ks_join_chunk *c;
	size_t at;
	int status = chunk_at(s, w, w->count - 1, false, &c);

	for (at = sizeof(*c); status == 0 && at < c->used; at += ks_join_item_size(i->n)) {
		i = ks_join_item_at(c, at);
		if (i == NULL)
			return ks_join_damaged(s, w->partition);
		*time_ms = i->time_ms;
	}
	return status;
}
