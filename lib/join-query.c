/* SPDX-License-Identifier: MIT */
/* join-query.c - what a join keeps, for who asks. */
#include "join-query.h"

static int64_t stream_time(void *arg, int32_t partition)
{
	const struct ks_join_asked *a = arg;
	int64_t time_ms = -1, of;
	int side;

	for (side = KS_JOIN_RIGHT; side <= KS_JOIN_LEFT; side++) {
		of = a->tables[side] != NULL ? ks_table_time(a->tables[side], partition) : -1;
		time_ms = of > time_ms ? of : time_ms;
	}
	return time_ms;
}

int ks_join_query_row(struct ks_join_asked *a, struct ks_query *q, enum ks_join_side side, struct ks_bytes key,
    const struct ks_row *row, struct ks_err *err)
{
	struct ks_query_row out = { .key = key, .value = row->value, .stream = ks_str(a->j->spec.inputs[side].name) };

	out.time_ms = (row->flags & KS_TIME_TYPE) != KS_TIME_NONE ? &row->time_ms : NULL;
	return ks_query_row(q, &a->state, &out, err);
}

static int rows(void *arg, struct ks_query *q, struct ks_bytes key, struct ks_store_value v, struct ks_err *err)
{
	struct ks_join_asked *a = arg;
	struct ks_row row;
	int side;

	for (side = KS_JOIN_RIGHT; side <= KS_JOIN_LEFT; side++) {
		if (a->tables[side] == NULL || a->tables[side]->segment != q->segment)
			continue;
		ks_table_read(a->tables[side], v, &row);
		return ks_mp_is_nil(row.value) ? 0 : ks_join_query_row(a, q, (enum ks_join_side)side, key, &row, err);
	}
	return a->beside != NULL ? a->beside(a, q, key, v, err) : 0;
}

int ks_join_query_tables(struct ks_join_asked *a, struct ks_query *q, struct ks_err *err)
{
	a->state.arg = a;
	a->state.rows = rows;
	if (a->state.stream_time == NULL)
		a->state.stream_time = stream_time;
	return ks_query_walk(q, &a->state, err);
}
