/* SPDX-License-Identifier: MIT */
/* agg-list.c - collect: all values, as the msgpack array that is shown. */
#include "agg-row.h"

#include <errno.h>

struct list {
	uint32_t count;
	uint32_t used;			/* bytes of the elements */
	struct ks_agg_place place;	/* HEAD bytes, then the elements */
};

/* The header of the array ends here, so that it is as short as it may be and the elements never move. */
enum { HEAD = 8 };

static const struct list *list_at(const unsigned char *block, size_t at)
{
	return (const struct list *)(const void *)(block + at);
}

static size_t header_size(uint32_t count)
{
	return count < 16 ? 1 : count <= UINT16_MAX ? 3 : 5;
}

static size_t bytes_of(const struct ks_val *v)
{
	return KS_MP_HEADER + (v->type >= KS_STR ? v->b.n : 0);
}

static const char *fits_collect(const struct ks_agg *a, const unsigned char *block, size_t at,
    const struct ks_val *values)
{
	size_t used = block != NULL ? list_at(block, at)->used : 0;

	return HEAD + used + bytes_of(values) <= a->max ? NULL : "the array would be larger than --max-record";
}

/* n bytes of count elements behind those that are there. */
static void added(struct ks_agg_block *b, size_t at, struct ks_agg_place p, uint32_t count, size_t n)
{
	struct list *l = (struct list *)(void *)(b->p + at);

	l->place = p;
	l->used += (uint32_t)n;
	l->count += count;
	ks_mp_put_array_head(b->p + p.at + HEAD - header_size(l->count), l->count);
}

static int add_collect(const struct ks_agg *a, struct ks_agg_block *b, size_t at,
    const struct ks_val *values)
{
	struct ks_agg_place p = list_at(b->p, at)->place;
	size_t used = list_at(b->p, at)->used, room = HEAD + used + bytes_of(values);
	struct ks_buf out = { 0 };
	int no;

	(void)a;
	if (room > UINT32_MAX)
		return EMSGSIZE;
	no = ks_agg_room(b, &p, HEAD + used, room);
	if (no != 0)
		return no;
	/* A buffer that has the room already, and so never takes any. */
	out.p = b->p + p.at + HEAD + used;
	out.cap = out.max = room - HEAD - used;
	no = ks_mp_add_val(&out, values);
	if (no == 0)
		added(b, at, p, 1, out.n);
	return no;
}

static int merge_collect(const struct ks_agg *a, struct ks_agg_block *b, size_t at,
    const unsigned char *from)
{
	const struct list *o = list_at(from, at);
	struct ks_agg_place p = list_at(b->p, at)->place;
	size_t used = list_at(b->p, at)->used, room = HEAD + used + o->used;
	int no;

	if (o->count == 0)
		return 0;
	if (room > a->max)
		return EDOM;
	if (room > UINT32_MAX)
		return EMSGSIZE;
	no = ks_agg_room(b, &p, HEAD + used, room);
	if (no != 0)
		return no;
	memcpy(b->p + p.at + HEAD + used, from + o->place.at + HEAD, o->used);
	added(b, at, p, o->count, o->used);
	return 0;
}

static void result_collect(struct ks_agg *a, const unsigned char *block, size_t at, struct ks_val *v)
{
	static const unsigned char empty[] = { 0x90 };
	const struct list *l = list_at(block, at);
	size_t head = header_size(l->count);

	(void)a;
	v->type = KS_ARRAY;
	v->b = l->count == 0 ? ks_bytes(empty, 1) : ks_bytes(block + l->place.at + HEAD - head, head + l->used);
}

const struct ks_agg_row ks_agg_list[] = {
	{ .name = "collect", .words = "list array_agg array group_concat string_agg collect_list tolist append",
	    .args = "v", .need = 1, .like = "collect(.price)", .parts = true, .size = sizeof(struct list),
	    .fits = fits_collect, .add = add_collect, .merge = merge_collect, .result = result_collect },
	{ .name = NULL },
};
