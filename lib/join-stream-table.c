/* SPDX-License-Identifier: MIT */
/* join-stream-table.c - records of a stream with the rows of a table. */
#include "join.h"
#include "table.h"

#include <stdlib.h>

static int open_own(struct ks_join *j)
{
	struct ks_table *t = calloc(1, sizeof(*t));

	j->own = t;
	if (t == NULL)
		return ks_join_no_memory(j);
	return ks_table_open(t, j->store, KS_TABLE_ROWS, j->spec.inputs[KS_JOIN_RIGHT].history_ms, j->run->limits->depth, j->run->err);
}

static void close_own(struct ks_join *j)
{
	if (j->own != NULL)
		ks_table_close(j->own);
	free(j->own);
	j->own = NULL;
}

static int save(struct ks_join *j)
{
	return ks_table_save(j->own, j->run->err);
}

static int drop(struct ks_join *j, const char *cause)
{
	ks_drop(j->run, cause);
	return 0;
}

static int put_row(struct ks_join *j, struct ks_table_part *part, struct ks_rec *rec)
{
	struct ks_row row = { rec->time_ms, KS_TABLE_NO_MARK, rec->flags & (KS_TIME_TYPE | KS_KEY_KIND), rec->value };
	enum ks_table_taken taken;
	struct ks_change c;
	struct ks_bytes key;
	bool latest, bad;
	int status;

	if (ks_mp_is_nil(rec->key))
		return drop(j, "null key");
	status = ks_join_table_value(j, rec, &row.value, &latest, &bad);
	if (status == 0 && !bad && !latest)
		return drop(j, "not the latest");
	if (status == 0 && !bad)
		status = ks_join_key(j, KS_JOIN_RIGHT, rec, &key);
	if (status != 0 || bad)
		return status;
	status = ks_table_put(j->own, part, key, &row, false, false, &c, &taken, j->run->err);
	ks_folded(j->run);
	return status;
}

static int join(struct ks_join *j, struct ks_table_part *part, struct ks_rec *rec)
{
	struct ks_join_result r = { .from = rec, .side = KS_JOIN_LEFT, .partition = rec->partition, .time_ms = rec->time_ms,
		.key = rec->key, .left = rec->value, .right = ks_mp_nil };
	struct ks_row row = { .value = ks_mp_nil };
	struct ks_bytes key;
	int status = 0;

	if (ks_mp_is_nil(rec->value))
		return drop(j, "null value");
	if (!ks_mp_is_nil(rec->key)) {
		status = ks_join_key(j, KS_JOIN_LEFT, rec, &key);
		if (status == 0)
			status = ks_table_get(j->own, part, key, &row, j->run->err);
	} else if (j->spec.type == KS_JOIN_INNER) {
		return drop(j, "null key");
	}
	if (status != 0)
		return status;
	if (ks_mp_is_nil(row.value) && j->spec.type == KS_JOIN_INNER)
		return drop(j, "no match");
	r.right = row.value;
	ks_folded(j->run);
	return ks_join_emit(j, &r);
}

static int record(struct ks_join *j, enum ks_join_side side, struct ks_rec *rec)
{
	struct ks_table_part *part;
	int status = ks_table_part(j->own, rec->partition, &part, j->run->err);

	if (status != 0)
		return status;
	return side == KS_JOIN_RIGHT ? put_row(j, part, rec) : join(j, part, rec);
}

const struct ks_join_kind ks_join_stream_table = {
	.open = open_own,
	.record = record,
	.save = save,
	.close = close_own,
};
