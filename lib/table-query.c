/* SPDX-License-Identifier: MIT */
/* table-query.c - rows of a table as they are now, for who asks; with a history the newest of each key. */
#include "query.h"
#include "table-stage.h"

struct asked {
	struct ks_query_state state;	/* first */
	struct ks_table *t;
};

static int64_t stream_time(void *arg, int32_t partition)
{
	return ks_table_time(((const struct asked *)arg)->t, partition);
}

static int rows(void *arg, struct ks_query *q, struct ks_bytes key, struct ks_store_value v, struct ks_err *err)
{
	struct asked *a = arg;
	struct ks_query_row out = { .key = key };
	struct ks_row row;

	ks_table_read(a->t, v, &row);
	if (ks_mp_is_nil(row.value))
		return 0;
	out.value = row.value;
	out.time_ms = (row.flags & KS_TIME_TYPE) != KS_TIME_NONE ? &row.time_ms : NULL;
	return ks_query_row(q, &a->state, &out, err);
}

int ks_table_query(struct ks_table *t, struct ks_query *q, struct ks_err *err)
{
	struct asked a = { { .store = t->store, .first = t->segment, .last = t->segment, .rows = rows, .stream_time = stream_time },
		t };

	a.state.arg = &a;
	return ks_query_walk(q, &a.state, err);
}

int ks_table_stage_query(struct ks_table_stage *st, struct ks_query *q, struct ks_err *err)
{
	return ks_table_query(&st->t, q, err);
}
