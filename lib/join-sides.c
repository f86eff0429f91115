/* SPDX-License-Identifier: MIT */
/* join-sides.c - the two tables of a join of tables. */
#include "join-sides.h"

#include "join-query.h"

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
	int status;

	/* Nothing depends on it but what is told to who asks. */
	if (s->tables[side].history_ms < 0 && (rec->flags & KS_TIME_TYPE) != KS_TIME_NONE)
		ks_table_advance(part, rec->time_ms);
	status = ks_table_put(&s->tables[side], part, key, &row, false, false, &c, &taken, j->run->err);

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

int ks_join_sides_query(struct ks_join *j, struct ks_join_sides *s, struct ks_query *q, struct ks_err *err)
{
	struct ks_join_asked a = { .state = { .store = j->store, .first = KS_JOIN_LEFT_ROWS, .last = KS_JOIN_RIGHT_ROWS }, .j = j,
		.tables = { [KS_JOIN_RIGHT] = &s->tables[KS_JOIN_RIGHT], [KS_JOIN_LEFT] = &s->tables[KS_JOIN_LEFT] } };

	return ks_join_query_tables(&a, q, err);
}
