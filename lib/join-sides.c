/* SPDX-License-Identifier: MIT */
/* join-sides.c - the two tables of a join of tables. */
#include "join-sides.h"

#include "query.h"

static const int64_t segments[] = { [KS_JOIN_RIGHT] = KS_JOIN_RIGHT_ROWS, [KS_JOIN_LEFT] = KS_JOIN_LEFT_ROWS };

int ks_join_sides_open(struct ks_join *j, struct ks_join_sides *s)
{
	int side, status = 0;

	for (side = KS_JOIN_RIGHT; side <= KS_JOIN_LEFT && status == 0; side++)
		status = ks_table_open(&s->tables[side], j->store, segments[side], j->spec.inputs[side].history_ms,
		    j->run->limits->depth, j->run->err);
	return status;
}

int ks_join_sides_save(struct ks_join *j, struct ks_join_sides *s)
{
	int status = ks_table_save(&s->tables[KS_JOIN_LEFT], j->run->err);

	return status == 0 ? ks_table_save(&s->tables[KS_JOIN_RIGHT], j->run->err) : status;
}

void ks_join_sides_close(struct ks_join_sides *s)
{
	ks_table_close(&s->tables[KS_JOIN_LEFT]);
	ks_table_close(&s->tables[KS_JOIN_RIGHT]);
}

int ks_join_sides_read(struct ks_join *j, enum ks_join_side side, const struct ks_rec *rec, struct ks_bytes *value)
{
	struct ks_bytes now;
	bool latest, bad;
	int status;

	*value = ks_bytes(NULL, 0);
	if (ks_mp_is_nil(rec->key)) {
		ks_drop(j->run, "null key");
		return 0;
	}
	if (j->spec.inputs[side].history_ms >= 0 && (rec->flags & KS_TIME_TYPE) == KS_TIME_NONE)
		return ks_join_timeless(j, rec);
	status = ks_join_table_value(j, rec, &now, &latest, &bad);
	if (status != 0 || bad)
		return status;
	if (latest)
		*value = now;
	else
		ks_drop(j->run, "not the latest");
	return 0;
}

int ks_join_sides_put(struct ks_join *j, struct ks_join_sides *s, enum ks_join_side side, struct ks_table_part *part,
    const struct ks_rec *rec, struct ks_bytes key, struct ks_bytes value, bool *joins)
{
	struct ks_row row = { rec->time_ms, KS_TABLE_NO_MARK, rec->flags & (KS_TIME_TYPE | KS_KEY_KIND), value };
	enum ks_table_taken taken;
	struct ks_change c;
	int status = ks_table_put(&s->tables[side], part, key, &row, false, false, &c, &taken, j->run->err);

	*joins = status == 0 && taken == KS_TABLE_TAKEN && c.latest;
	if (status != 0 || *joins)
		return status;
	ks_drop(j->run, taken == KS_TABLE_EXPIRED ? "out of history" : "not the latest");
	return 0;
}

int64_t ks_join_sides_time(const struct ks_rec *rec, const struct ks_row *other)
{
	if ((rec->flags & KS_TIME_TYPE) == KS_TIME_NONE || ks_mp_is_nil(other->value) ||
	    (other->flags & KS_TIME_TYPE) == KS_TIME_NONE || other->time_ms < rec->time_ms)
		return rec->time_ms;
	return other->time_ms;
}

struct asked {
	struct ks_query_state state;	/* first */
	struct ks_join *j;
	struct ks_join_sides *s;
};

static int64_t stream_time(void *arg, int32_t partition)
{
	const struct asked *a = arg;
	int64_t time_ms = -1;
	size_t i;
	int side;

	for (side = KS_JOIN_RIGHT; side <= KS_JOIN_LEFT; side++)
		for (i = 0; i < a->s->tables[side].count; i++)
			if (a->s->tables[side].parts[i]->partition == partition && a->s->tables[side].parts[i]->stream_ms > time_ms)
				time_ms = a->s->tables[side].parts[i]->stream_ms;
	return time_ms;
}

static int rows(void *arg, struct ks_query *q, struct ks_bytes key, struct ks_store_value v, struct ks_err *err)
{
	struct asked *a = arg;
	enum ks_join_side side = q->segment == KS_JOIN_LEFT_ROWS ? KS_JOIN_LEFT : KS_JOIN_RIGHT;
	struct ks_query_row out = { .key = key };
	struct ks_buf *b = &a->j->pair;
	struct ks_row row;

	ks_table_read(&a->s->tables[side], v, &row);
	if (ks_mp_is_nil(row.value))
		return 0;
	b->n = 0;
	if (ks_mp_add_map_head(b, 1) != 0 || ks_mp_add_str(b, ks_str(side == KS_JOIN_LEFT ? "left" : "right")) != 0 ||
	    ks_buf_add(b, row.value.p, row.value.n) != 0)
		return ks_fail_memory(err);
	out.value = ks_buf_bytes(b);
	out.time_ms = (row.flags & KS_TIME_TYPE) != KS_TIME_NONE ? &row.time_ms : NULL;
	return ks_query_row(q, &a->state, &out, err);
}

int ks_join_sides_query(struct ks_join *j, struct ks_join_sides *s, struct ks_query *q, struct ks_err *err)
{
	struct asked a = { { .store = j->store, .first = KS_JOIN_LEFT_ROWS, .last = KS_JOIN_RIGHT_ROWS, .rows = rows,
		.stream_time = stream_time }, j, s };

	a.state.arg = &a;
	return ks_query_walk(q, &a.state, err);
}
