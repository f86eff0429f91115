/* SPDX-License-Identifier: MIT */
/* join-streams-query.c - records of two streams that others can still meet, for who asks. */
#include "join-query.h"
#include "join-streams.h"

static int64_t stream_time(void *arg, int32_t partition)
{
	const struct ks_join_part *part = ks_join_find_part(ks_join_streams_of(((const struct ks_join_asked *)arg)->j), partition);

	return part != NULL ? part->stream_ms : -1;
}

/* Behind the value there may be more: of a row that may leave once more (make_row). */
static int tell_row(struct ks_join_asked *a, struct ks_query *q, const struct ks_join_part *part, struct ks_bytes key,
    const struct ks_join_item *i, struct ks_err *err)
{
	struct ks_bytes value = ks_join_item_bytes(i);
	const unsigned char *p = value.p;
	struct ks_row row = { .time_ms = i->time_ms, .flags = i->bits };
	enum ks_join_side side = ks_join_item_side(i);

	/* Of a stream joined to itself each record is kept as both. */
	if (a->j->spec.twice && side == KS_JOIN_RIGHT)
		return 0;
	if (((i->bits & KS_JOIN_WAITS) == 0 || i->time_ms < part->wait[side].from_ms) &&
	    i->time_ms <= ks_join_gone(ks_join_streams_of(a->j), part, side))
		return 0;
	if (ks_mp_skip(&p, value.p + value.n, KS_DEPTH_CEILING) != KS_MP_OK)
		return ks_store_damaged(part->partition, err);
	row.value = ks_bytes(value.p, (size_t)(p - value.p));
	return ks_join_query_row(a, q, side, key, &row, err);
}

static int tell_chunk(struct ks_join_asked *a, struct ks_query *q, const struct ks_join_part *part, struct ks_bytes key,
    const struct ks_join_chunk *c, struct ks_err *err)
{
	const struct ks_join_item *i;
	int status = 0;
	size_t at;

	for (at = sizeof(*c); status == 0 && at < c->used; at += ks_join_item_size(i->n)) {
		i = ks_join_item_at(c, at);
		if (i == NULL)
			return ks_store_damaged(part->partition, err);
		status = tell_row(a, q, part, key, i, err);
	}
	return status;
}

/* Chunks of a list are told of when the walk comes to them. */
static int beside(struct ks_join_asked *a, struct ks_query *q, struct ks_bytes key, struct ks_store_value v, struct ks_err *err)
{
	struct ks_join_streams *s = ks_join_streams_of(a->j);
	const struct ks_join_part *part = ks_join_find_part(s, q->partition);
	struct ks_join_shelf shelf = { .err = err };
	const unsigned char *p = key.p;
	struct ks_join_chunk *c;
	int status;

	if (part == NULL || ks_mp_skip(&p, key.p + key.n, KS_DEPTH_CEILING) != KS_MP_OK)
		return 0;
	status = ks_join_chunk_of(&shelf, q->partition, v, &c);
	if (status != 0 || c == NULL || c->lists > 0)
		return status;
	return tell_chunk(a, q, part, ks_bytes(key.p, (size_t)(p - key.p)), c, err);
}

static bool composed(void *arg, int64_t segment)
{
	(void)arg;
	(void)segment;
	return true;
}

int ks_join_streams_query(struct ks_join *j, struct ks_query *q, struct ks_err *err)
{
	struct ks_join_asked a = { .state = { .store = j->store, .first = KS_JOIN_STREAMS_ROWS, .last = INT64_MAX, .stream_time = stream_time,
		.composed = composed }, .j = j, .beside = beside };

	return ks_join_query_tables(&a, q, err);
}
