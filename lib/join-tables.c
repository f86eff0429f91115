/* SPDX-License-Identifier: MIT */
/*
 * join-tables.c - rows of two tables by their key.  A change of a row is joined with
 * the row that the other table has of its key now.  Source: semantics.md 4.4.
 */
#include "join-sides.h"

#include <stdlib.h>

static int open_own(struct ks_join *j)
{
	j->own = calloc(1, sizeof(struct ks_join_sides));
	return j->own == NULL ? ks_join_no_memory(j) : ks_join_sides_open(j, j->own);
}

static void close_own(struct ks_join *j)
{
	if (j->own != NULL)
		ks_join_sides_close(j->own);
	free(j->own);
	j->own = NULL;
}

static int save(struct ks_join *j)
{
	return ks_join_sides_save(j, j->own);
}

static int query(struct ks_join *j, struct ks_query *q, struct ks_err *err)
{
	return ks_join_sides_query(j, j->own, q, err);
}

/* What comes of a row that is now so; had: there was one before it. */
static int emit(struct ks_join *j, enum ks_join_side side, const struct ks_rec *rec, struct ks_bytes value, bool had,
    const struct ks_row *other)
{
	struct ks_join_result r = { .from = rec, .side = side, .partition = rec->partition, .key = rec->key,
		.time_ms = ks_join_sides_time(rec, other) };
	bool gone = ks_mp_is_nil(value), alone = ks_mp_is_nil(other->value);
	/* Results are there without the other side's row; without this side's. */
	bool keeps = j->spec.type == KS_JOIN_OUTER || (j->spec.type == KS_JOIN_KEEP_LEFT && side == KS_JOIN_LEFT);
	bool kept = j->spec.type == KS_JOIN_OUTER || (j->spec.type == KS_JOIN_KEEP_LEFT && side == KS_JOIN_RIGHT);

	/* A tombstone is emitted again and again, but where this side had no row, and the other has none. */
	if (alone && (!keeps || (gone && !had)))
		return 0;
	if (gone && (alone || !kept))
		return ks_join_emit_gone(j, &r);
	r.left = side == KS_JOIN_LEFT ? value : other->value;
	r.right = side == KS_JOIN_LEFT ? other->value : value;
	return ks_join_emit(j, &r);
}

static void expect(const struct ks_join *j, enum ks_join_side side, const struct ks_rec *rec, struct ks_bytes key, bool found)
{
	(void)side;
	ks_store_expect(j->store, rec->partition, KS_JOIN_LEFT_ROWS, key, found);
	ks_store_expect(j->store, rec->partition, KS_JOIN_RIGHT_ROWS, key, found);
}

static int record(struct ks_join *j, enum ks_join_side side, struct ks_rec *rec)
{
	struct ks_join_sides *s = j->own;
	struct ks_row old = { .value = ks_mp_nil }, other;
	struct ks_table_part *parts[2];
	struct ks_bytes value, key;
	bool joins = false, had;
	int status = ks_join_sides_read(j, side, rec, &value);

	if (status != 0 || value.p == NULL)
		return status;
	status = ks_join_key(j, side, rec, &key);
	if (status == 0)
		status = ks_table_part(&s->tables[side], rec->partition, &parts[side], j->run->err);
	if (status == 0)
		status = ks_table_part(&s->tables[!side], rec->partition, &parts[!side], j->run->err);
	/* It matters for a tombstone alone. */
	if (status == 0 && ks_mp_is_nil(value))
		status = ks_table_get(&s->tables[side], parts[side], key, &old, j->run->err);
	had = status == 0 && !ks_mp_is_nil(old.value);
	if (status == 0)
		status = ks_join_sides_put(j, s, side, parts[side], rec, key, value, &joins);
	if (status != 0 || !joins)
		return status;
	ks_folded(j->run);
	status = ks_table_get(&s->tables[!side], parts[!side], key, &other, j->run->err);
	return status == 0 ? emit(j, side, rec, value, had, &other) : status;
}

const struct ks_join_kind ks_join_tables = {
	.open = open_own,
	.expect = expect,
	.record = record,
	.save = save,
	.query = query,
	.close = close_own,
};
