/* SPDX-License-Identifier: MIT */
/* join-streams-chunk.c - items in chunks of bounded size, as values of a store. */
#include "join-streams.h"

#include <errno.h>

int ks_join_damaged(struct ks_join_shelf *s, int32_t partition)
{
	return ks_store_damaged(partition, s->err);
}

int ks_join_shelf_no_memory(struct ks_join_shelf *s)
{
	return ks_fail_errno(s->err, KS_TEMP, ENOMEM, "cannot keep what is joined");
}

int ks_join_chunk_of(struct ks_join_shelf *s, int32_t partition, struct ks_store_value v, struct ks_join_chunk **c)
{
	*c = (void *)v.p;
	if (v.p == NULL)
		return 0;
	if (KS_LIKELY(v.n >= sizeof(**c) && (*c)->used >= sizeof(**c) && (*c)->used <= v.n))
		return 0;
	*c = NULL;
	return ks_join_damaged(s, partition);
}

int ks_join_chunk_widen(struct ks_join_shelf *s, const struct ks_join_place *p, size_t n, struct ks_join_chunk **c)
{
	struct ks_store_value v;
	size_t want = (*c)->used + n;
	int status;

	if (want > 256 && want < KS_JOIN_CHUNK)
		want = want + want / 4 < KS_JOIN_CHUNK ? want + want / 4 : KS_JOIN_CHUNK;
	status = ks_store_put(s->store, p->partition, p->segment, p->key, want, &v, s->err);
	*c = (void *)v.p;
	return status;
}

void ks_join_chunk_place(struct ks_join_chunk *c, size_t at, const struct ks_join_item *item, const void *bytes)
{
	size_t n = ks_join_item_size(item->n);
	unsigned char *o = (unsigned char *)c + at;

	memmove(o + n, o, c->used - at);
	if (n > sizeof(*item))	/* what fills up the last word */
		memset(o + n - 8, 0, 8);
	memcpy(o, item, sizeof(*item));
	memcpy(o + sizeof(*item), bytes, item->n);
	if (item->time_ms > c->last_ms || c->used == sizeof(*c))
		c->last_ms = item->time_ms;
	c->used += (uint32_t)n;
}

int ks_join_chunk_insert(struct ks_join_shelf *s, const struct ks_join_place *p, size_t at, const struct ks_join_item *item,
    const void *bytes)
{
	struct ks_join_chunk *c;
	struct ks_store_value v;
	size_t n = ks_join_item_size(item->n);
	int status = ks_store_put(s->store, p->partition, p->segment, p->key, 0, &v, s->err);

	if (status == 0)
		status = ks_join_chunk_of(s, p->partition, v, &c);
	if (status == 0 && c->used + n > v.n)
		status = ks_join_chunk_widen(s, p, n, &c);
	if (status == 0)
		ks_join_chunk_place(c, at, item, bytes);
	return status;
}

int ks_join_chunk_alone(struct ks_join_shelf *s, const struct ks_join_item *item, const void *bytes)
{
	struct ks_join_chunk *c;

	s->rest.n = 0;
	if (ks_buf_reserve(&s->rest, sizeof(*c) + ks_join_item_size(item->n)) != 0)
		return ks_join_shelf_no_memory(s);
	c = (void *)s->rest.p;
	*c = (struct ks_join_chunk){ .used = sizeof(*c) };
	ks_join_chunk_place(c, sizeof(*c), item, bytes);
	s->rest.n = c->used;
	return 0;
}

int ks_join_chunk_cut(struct ks_join_shelf *s, const struct ks_join_place *p, size_t at)
{
	struct ks_join_chunk head, *c;
	const struct ks_join_item *i;
	int64_t last = INT64_MIN;
	struct ks_store_value v;
	size_t k;
	int status = ks_store_put(s->store, p->partition, p->segment, p->key, 0, &v, s->err);

	if (status == 0)
		status = ks_join_chunk_of(s, p->partition, v, &c);
	if (status != 0)
		return status;
	head = (struct ks_join_chunk){ (uint32_t)(sizeof(head) + c->used - at), 0, c->last_ms };
	s->rest.n = 0;
	if (ks_buf_add(&s->rest, &head, sizeof(head)) != 0 || ks_buf_add(&s->rest, (unsigned char *)c + at, c->used - at) != 0)
		return ks_join_shelf_no_memory(s);
	for (k = sizeof(*c); k < at; k += ks_join_item_size(i->n)) {
		i = ks_join_item_at(c, k);
		if (i == NULL)
			return ks_join_damaged(s, p->partition);
		last = i->time_ms;
	}
	c->used = (uint32_t)at;
	c->last_ms = last;
	return 0;
}

int ks_join_chunk_make(struct ks_join_shelf *s, const struct ks_join_place *p)
{
	struct ks_store_value v;
	int status = ks_store_put(s->store, p->partition, p->segment, p->key, s->rest.n, &v, s->err);

	if (status == 0)
		memcpy(v.p, s->rest.p, s->rest.n);
	return status;
}
