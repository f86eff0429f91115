/* SPDX-License-Identifier: MIT */
/*
 * join-streams-rows.c - the rows of a key and a bucket.
 *
 * Both sides are in one chunk until it is full: one look finds what a record
 * meets, and where it goes.  Then each has its own, so that rows of the one do
 * not stand in the other's way; and when that is full, too, a list of chunks by
 * their first times.  Their numbers say in which order they were made: the list
 * grows only.
 */
#include "join-streams.h"

struct listed {
	int64_t first_ms;	/* no row of the chunk is older */
	uint32_t number;
	uint32_t unused;
};

/* Where a side has its own.  A key is one msgpack value, so no key begins with another one. */
static int side_of(struct ks_join_shelf *s, const struct ks_join_place *p, enum ks_join_side side, struct ks_join_place *own)
{
	unsigned char byte = (unsigned char)side;

	s->side.n = 0;
	if (ks_buf_add(&s->side, p->key.p, p->key.n) != 0 || ks_buf_add(&s->side, &byte, 1) != 0)
		return ks_join_shelf_no_memory(s);
	*own = *p;
	own->key = ks_buf_bytes(&s->side);
	return 0;
}

/* A chunk of a list. */
static int place_of(struct ks_join_shelf *s, const struct ks_join_place *p, uint32_t number, struct ks_join_place *chunk)
{
	unsigned char bytes[4];

	ks_put32(bytes, number);
	s->key.n = 0;
	if (ks_buf_add(&s->key, p->key.p, p->key.n) != 0 || ks_buf_add(&s->key, bytes, sizeof(bytes)) != 0)
		return ks_join_shelf_no_memory(s);
	*chunk = *p;
	chunk->key = ks_buf_bytes(&s->key);
	return 0;
}

/* The list in a head; NULL: it is damaged. */
static struct listed *list_of(struct ks_join_chunk *c)
{
	return c->used == sizeof(*c) + c->lists * sizeof(struct listed) ? (void *)(c + 1) : NULL;
}

/* How many of the chunks begin before a time; with or_at: or at it. */
static uint32_t count_before(const struct listed *list, uint32_t count, int64_t time_ms, bool or_at)
{
	uint32_t low = 0, high = count, middle;

	while (low < high) {
		middle = (low + high) / 2;
		if (list[middle].first_ms < time_ms || (or_at && list[middle].first_ms == time_ms))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Where a row goes: behind those of its time. */
static int find_offset(struct ks_join_shelf *s, int32_t partition, const struct ks_join_chunk *c, int64_t time_ms, size_t *at)
{
	const struct ks_join_item *i;

	*at = c->used;
	if (KS_LIKELY(time_ms >= c->last_ms))
		return 0;
	for (*at = sizeof(*c); *at < c->used; *at += ks_join_item_size(i->n)) {
		i = ks_join_item_at(c, *at);
		if (i == NULL)
			return ks_join_damaged(s, partition);
		if (i->time_ms > time_ms)
			break;
	}
	return 0;
}

/* The key's only chunk becomes the first of a list. */
static int begin_list(struct ks_join_shelf *s, const struct ks_join_place *p, const struct ks_join_chunk *c)
{
	const struct ks_join_item *i = ks_join_item_at(c, sizeof(*c));
	struct listed first = { 0 };
	struct ks_join_place chunk;
	struct ks_join_chunk *head;
	struct ks_store_value v;
	int status;

	if (i == NULL)
		return ks_join_damaged(s, p->partition);
	first.first_ms = i->time_ms;
	s->rest.n = 0;
	if (ks_buf_add(&s->rest, c, c->used) != 0)
		return ks_join_shelf_no_memory(s);
	status = place_of(s, p, 0, &chunk);
	if (status == 0)
		status = ks_join_chunk_make(s, &chunk);
	if (status == 0)
		status = ks_store_put(s->store, p->partition, p->segment, p->key, sizeof(*head) + sizeof(first), &v, s->err);
	if (status != 0)
		return status;
	head = (void *)v.p;
	*head = (struct ks_join_chunk){ sizeof(*head) + sizeof(first), 1, INT64_MAX };
	memcpy(head + 1, &first, sizeof(first));
	return 0;
}

/* A new chunk, which is s->rest, is listed at that place. */
static int list_another(struct ks_join_shelf *s, const struct ks_join_place *p, uint32_t at, int64_t first_ms)
{
	struct ks_join_chunk *head;
	struct ks_join_place chunk;
	struct ks_store_value v;
	struct listed *list;
	size_t n;
	int status = ks_store_put(s->store, p->partition, p->segment, p->key, 0, &v, s->err);

	if (status != 0)
		return status;
	head = (void *)v.p;
	n = head->used + sizeof(*list);
	if (n > UINT32_MAX / 4)
		return ks_fail(s->err, KS_DATA, "a key has more records within the window than can be kept");
	if (n > v.n)
		status = ks_store_put(s->store, p->partition, p->segment, p->key, n + n / 4, &v, s->err);
	if (status != 0)
		return status;
	head = (void *)v.p;
	list = list_of(head);
	memmove(list + at + 1, list + at, (head->lists - at) * sizeof(*list));
	list[at] = (struct listed){ first_ms, head->lists, 0 };
	head->lists++;
	head->used = (uint32_t)n;
	status = place_of(s, p, head->lists - 1, &chunk);
	return status == 0 ? ks_join_chunk_make(s, &chunk) : status;
}

/* Into a full chunk, the one before that place of the list: what is behind the row becomes a chunk, or the row does. */
static int split(struct ks_join_shelf *s, const struct ks_join_place *p, const struct ks_join_place *chunk, uint32_t behind,
    size_t at, bool last, const struct ks_join_item *row, const void *bytes)
{
	const struct ks_join_item *i;
	int status;

	if (last) {
		status = ks_join_chunk_alone(s, row, bytes);
		return status == 0 ? list_another(s, p, behind, row->time_ms) : status;
	}
	status = ks_join_chunk_cut(s, chunk, at);
	if (status == 0)
		status = ks_join_chunk_insert(s, chunk, at, row, bytes);
	if (status != 0)
		return status;
	i = ks_join_item_at((const struct ks_join_chunk *)(const void *)s->rest.p, sizeof(struct ks_join_chunk));
	return i == NULL ? ks_join_damaged(s, p->partition) : list_another(s, p, behind, i->time_ms);
}

/* The chunk of a list in which a row goes; behind: how many are before its end. */
static int choose(struct ks_join_shelf *s, const struct ks_join_place *p, int64_t time_ms, struct ks_join_place *chunk,
    uint32_t *behind)
{
	struct ks_join_chunk *head;
	struct ks_store_value v;
	struct listed *list;
	int status = ks_store_put(s->store, p->partition, p->segment, p->key, 0, &v, s->err);

	if (status == 0)
		status = ks_join_chunk_of(s, p->partition, v, &head);
	if (status != 0)
		return status;
	list = list_of(head);
	if (list == NULL)
		return ks_join_damaged(s, p->partition);
	*behind = count_before(list, head->lists, time_ms, true);
	if (*behind == 0) {
		*behind = 1;
		list[0].first_ms = time_ms;
	}
	return place_of(s, p, list[*behind - 1].number, chunk);
}

static int add_to_list(struct ks_join_shelf *s, const struct ks_join_place *p, const struct ks_join_item *row, const void *bytes)
{
	struct ks_join_place chunk;
	struct ks_join_chunk *c;
	struct ks_store_value v;
	uint32_t behind = 0;
	size_t at;
	int status = choose(s, p, row->time_ms, &chunk, &behind);

	if (status == 0)
		status = ks_store_get(s->store, p->partition, p->segment, chunk.key, &v, s->err);
	if (status == 0)
		status = ks_join_chunk_of(s, p->partition, v, &c);
	if (status == 0 && c == NULL)
		status = ks_join_damaged(s, p->partition);
	if (status == 0)
		status = find_offset(s, p->partition, c, row->time_ms, &at);
	if (status != 0)
		return status;
	if (c->used + ks_join_item_size(row->n) <= KS_JOIN_CHUNK)
		return ks_join_chunk_insert(s, &chunk, at, row, bytes);
	return split(s, p, &chunk, behind, at, at == c->used, row, bytes);
}

/* To what a side has of its own, or both have; *full: they had, and it does not fit. */
static int add_row(struct ks_join_shelf *s, const struct ks_join_place *p, const struct ks_join_item *row, const void *bytes,
    bool own, bool *full)
{
	size_t n = ks_join_item_size(row->n), at, before = s->seen + n <= KS_JOIN_CHUNK ? s->seen : 0;
	struct ks_join_chunk *c;
	struct ks_store_value v;
	int status;

	s->seen = 0;
	status = ks_store_put(s->store, p->partition, p->segment, p->key, (before > 0 ? before : sizeof(*c)) + n, &v, s->err);
	if (KS_UNLIKELY(status != 0))
		return status;
	c = (void *)v.p;
	if (c->used == 0)
		c->used = sizeof(*c);
	status = ks_join_chunk_of(s, p->partition, v, &c);
	if (KS_UNLIKELY(status != 0))
		return status;
	*full = c->lists > 0 || (c->used + n > KS_JOIN_CHUNK && c->used > sizeof(*c));
	if (KS_UNLIKELY(*full)) {
		if (own && c->lists == 0)
			status = begin_list(s, p, c);
		return own && status == 0 ? add_to_list(s, p, row, bytes) : status;
	}
	status = find_offset(s, p->partition, c, row->time_ms, &at);
	if (status == 0 && c->used + n > v.n)
		status = ks_join_chunk_widen(s, p, n, &c);
	if (status == 0)
		ks_join_chunk_place(c, at, row, bytes);
	return status;
}

static int add_own(struct ks_join_shelf *s, const struct ks_join_place *p, const struct ks_join_item *row, const void *bytes)
{
	struct ks_join_place own;
	bool full;
	int status = side_of(s, p, ks_join_item_side(row), &own);

	return status == 0 ? add_row(s, &own, row, bytes, true, &full) : status;
}

/* The sides go apart, if they have not yet. */
static int part_sides(struct ks_join_shelf *s, const struct ks_join_place *p)
{
	const struct ks_join_item *i;
	struct ks_join_chunk *c;
	struct ks_store_value v;
	size_t at;
	int status = ks_store_put(s->store, p->partition, p->segment, p->key, 0, &v, s->err);

	if (status == 0)
		status = ks_join_chunk_of(s, p->partition, v, &c);
	if (status != 0 || c->lists > 0)
		return status;
	s->both.n = 0;
	if (ks_buf_add(&s->both, c, c->used) != 0)
		return ks_join_shelf_no_memory(s);
	*c = (struct ks_join_chunk){ sizeof(*c), 1, INT64_MAX };
	c = (void *)s->both.p;
	for (at = sizeof(*c); at < c->used && status == 0; at += ks_join_item_size(i->n)) {
		i = ks_join_item_at(c, at);
		if (i == NULL)
			return ks_join_damaged(s, p->partition);
		status = add_own(s, p, i, i + 1);
	}
	return status;
}

int ks_join_rows_add(struct ks_join_shelf *s, const struct ks_join_place *p, const struct ks_join_item *row, const void *bytes)
{
	bool full;
	int status = add_row(s, p, row, bytes, false, &full);

	if (KS_LIKELY(status != 0 || !full))
		return status;
	status = part_sides(s, p);
	return status == 0 ? add_own(s, p, row, bytes) : status;
}

static int next_listed(struct ks_join_shelf *s, struct ks_join_walk *w, const struct ks_join_place *own,
    struct ks_join_chunk *head, struct ks_join_chunk **c)
{
	struct listed *list = list_of(head);
	struct ks_join_place chunk;
	struct ks_store_value v;
	int status;

	*c = NULL;
	if (list == NULL)
		return ks_join_damaged(s, w->at.partition);
	if (!w->begun) {	/* rows of the first time may begin in the chunk before */
		w->next = count_before(list, head->lists, w->first_ms, false);
		w->next -= w->next > 0;
	}
	w->begun = w->listed = true;
	if (w->next >= head->lists || list[w->next].first_ms > w->last_ms) {
		w->over = true;
		return 0;
	}
	w->number = list[w->next++].number;
	status = place_of(s, own, w->number, &chunk);
	if (status == 0)
		status = ks_store_get(s->store, chunk.partition, chunk.segment, chunk.key, &v, s->err);
	if (status == 0)
		status = ks_join_chunk_of(s, chunk.partition, v, c);
	return status == 0 && *c == NULL ? ks_join_damaged(s, chunk.partition) : status;
}

static int head_at(struct ks_join_shelf *s, const struct ks_join_place *p, struct ks_join_chunk **head)
{
	struct ks_store_value v;
	int status = ks_store_get(s->store, p->partition, p->segment, p->key, &v, s->err);

	return status == 0 ? ks_join_chunk_of(s, p->partition, v, head) : status;
}

int ks_join_rows_next(struct ks_join_shelf *s, struct ks_join_walk *w, const struct ks_join_chunk **c)
{
	struct ks_join_place own = w->at;
	struct ks_join_chunk *head, *chunk;
	int status = 0;

	*c = NULL;
	if (w->over)
		return 0;
	if (!w->apart) {
		status = head_at(s, &own, &head);
		w->apart = status == 0 && head != NULL && head->lists > 0;
		w->used = status == 0 && head != NULL ? head->used : 0;
	}
	if (w->apart) {
		status = side_of(s, &w->at, w->side, &own);
		if (status == 0)
			status = head_at(s, &own, &head);
	}
	if (KS_UNLIKELY(status != 0))
		return status;
	if (KS_LIKELY(head == NULL || head->lists == 0)) {
		w->over = true;
		*c = head != NULL && head->last_ms >= w->first_ms ? head : NULL;
		return 0;
	}
	status = next_listed(s, w, &own, head, &chunk);
	*c = chunk;
	return status;
}

int ks_join_rows_change(struct ks_join_shelf *s, const struct ks_join_walk *w, struct ks_join_chunk **c)
{
	struct ks_join_place chunk = w->at, own;
	struct ks_store_value v;
	int status = 0;

	if (w->apart)
		status = side_of(s, &w->at, w->side, &chunk);
	own = chunk;
	if (w->listed && status == 0)
		status = place_of(s, &own, w->number, &chunk);
	if (status == 0)
		status = ks_store_put(s->store, chunk.partition, chunk.segment, chunk.key, 0, &v, s->err);
	return status == 0 ? ks_join_chunk_of(s, chunk.partition, v, c) : status;
}
