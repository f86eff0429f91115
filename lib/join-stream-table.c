/* SPDX-License-Identifier: MIT */
/*
 * join-stream-table.c - records of a stream with the rows of a table: as they
 * are now, or with --versioned as they were at the record's time; with --grace
 * the record waits until the table has come so far.
 *
 * The store has rows in segment KS_TABLE_ROWS, and what waits behind it.
 * Source: semantics.md 4.2; oracle/model.py, class StreamTableJoin.
 */
#include "join.h"
#include "join-buffer.h"
#include "join-query.h"
#include "state-key.h"
#include "table.h"

#include <stdlib.h>

struct own {
	struct ks_table t;
	struct ks_join_room room;	/* of --grace; each partition's own is its buffer */
};

static int check(struct ks_join *j, struct ks_err *err)
{
	const struct ks_join_spec *s = &j->spec;
	int64_t history_ms = s->inputs[KS_JOIN_RIGHT].history_ms;

	if (s->has_grace && history_ms < s->grace_ms)
		return ks_fail(err, KS_USAGE, "--grace needs a table that still has the rows of then: --versioned %s behind --table %s",
		    history_ms < 0 ? "and as long a duration, or a longer one," : "with as long a duration, or a longer one,",
		    s->inputs[KS_JOIN_RIGHT].name);
	return 0;
}

/* What waits has keys of its own in memory. */
static size_t beside_store(const struct ks_join *j)
{
	return j->spec.has_grace ? ks_join_room_part(j->memory > 0 ? j->memory : KS_STORE_MEMORY) : 0;
}

static int fingerprint(const struct ks_join *j, struct ks_buf *b)
{
	return j->spec.has_grace ? ks_buf_printf(b, "--grace %lldms\n", (long long)j->spec.grace_ms) : 0;
}

/* The buffer of a partition; with --grace alone. */
static int buffer_of(struct ks_join *j, struct ks_table_part *part, struct ks_join_buffer **b)
{
	struct own *o = j->own;

	*b = part->own;
	if (KS_LIKELY(*b != NULL))
		return 0;
	part->own = *b = malloc(sizeof(**b));
	return *b == NULL ? ks_join_no_memory(j) : ks_join_buffer_open(&o->room, *b, part->partition, j->run->err);
}

static int open_own(struct ks_join *j)
{
	struct own *o = calloc(1, sizeof(*o));
	struct ks_join_buffer *b;
	int status;
	size_t i;

	j->own = o;
	if (o == NULL)
		return ks_join_no_memory(j);
	status = ks_table_open(&o->t, j->store, KS_TABLE_ROWS, j->spec.inputs[KS_JOIN_RIGHT].history_ms, j->run->limits->depth,
	    j->run->err);
	if (!j->spec.has_grace)
		return status;
	ks_join_room_init(&o->room, j->store, KS_TABLE_ROWS + 1, j->spec.grace_ms, beside_store(j), j->run->limits);
	for (i = 0; status == 0 && i < o->t.count; i++)
		status = buffer_of(j, o->t.parts[i], &b);
	return status;
}

static void close_own(struct ks_join *j)
{
	struct own *o = j->own;
	size_t i;

	if (o == NULL)
		return;
	for (i = 0; i < o->t.count; i++) {
		if (o->t.parts[i]->own != NULL)
			ks_join_buffer_close(o->t.parts[i]->own);
		free(o->t.parts[i]->own);
	}
	ks_table_close(&o->t);
	ks_join_room_release(&o->room);
	free(o);
	j->own = NULL;
}

static int save(struct ks_join *j)
{
	struct own *o = j->own;
	int status = ks_table_save(&o->t, j->run->err);
	size_t i;

	for (i = 0; status == 0 && i < o->t.count; i++)
		if (o->t.parts[i]->own != NULL)
			status = ks_join_buffer_save(&o->room, o->t.parts[i]->own, j->run->err);
	return status;
}

/* Whether the record lacks a time that it is to be asked of. */
static bool lacks_time(const struct ks_join *j, const struct ks_rec *rec)
{
	return (rec->flags & KS_TIME_TYPE) == KS_TIME_NONE && j->spec.inputs[KS_JOIN_RIGHT].history_ms >= 0;
}

static int put_row(struct ks_join *j, struct ks_table_part *part, struct ks_rec *rec)
{
	struct ks_row row = { rec->time_ms, KS_TABLE_NO_MARK, rec->flags & (KS_TIME_TYPE | KS_KEY_KIND), rec->value };
	struct own *o = j->own;
	enum ks_table_taken taken;
	struct ks_change c;
	struct ks_bytes key;
	bool latest, bad;
	int status;

	if (ks_mp_is_nil(rec->key))
		return ks_join_drop(j, "null key");
	if (KS_UNLIKELY(lacks_time(j, rec)))
		return ks_join_timeless(j, rec);
	status = ks_join_table_value(j, rec, &row.value, &latest, &bad);
	if (status != 0 || bad)
		return status;
	/* Of a table with versions what came late is one, of another it is no row. */
	if (!latest && j->spec.inputs[KS_JOIN_RIGHT].history_ms < 0)
		return ks_join_drop(j, "not the latest");
	status = ks_join_key(j, KS_JOIN_RIGHT, rec, &key);
	if (status == 0)
		status = ks_table_put(&o->t, part, key, &row, false, false, &c, &taken, j->run->err);
	if (status != 0)
		return status;
	if (taken == KS_TABLE_EXPIRED)
		return ks_join_drop(j, "out of history");
	ks_folded(j->run);
	return 0;
}

/* The record with the row of its time.  waited: it was counted when it came. */
static int pair(struct ks_join *j, struct ks_table_part *part, const struct ks_rec *rec, bool waited)
{
	struct ks_join_result r = { .from = rec, .side = KS_JOIN_LEFT, .partition = rec->partition, .time_ms = rec->time_ms,
		.key = rec->key, .left = rec->value, .right = ks_mp_nil };
	struct ks_row row = { .value = ks_mp_nil };
	struct own *o = j->own;
	struct ks_bytes key;
	int status = 0;

	if (!ks_mp_is_nil(rec->key)) {
		status = ks_join_key(j, KS_JOIN_LEFT, rec, &key);
		if (status == 0)
			status = ks_table_as_of(&o->t, part, key, rec->time_ms, &row, j->run->err);
	}
	if (status != 0)
		return status;
	if (ks_mp_is_nil(row.value) && j->spec.type == KS_JOIN_INNER) {
		if (waited)
			ks_made(j->run, 1);
		return ks_join_no_match(j, KS_JOIN_LEFT, rec, "the table has no row of its key");
	}
	r.right = row.value;
	if (!waited)
		ks_folded(j->run);
	return ks_join_emit(j, &r);
}

/* Those that are due, or all, leave. */
static int let_out(struct ks_join *j, struct ks_table_part *part, struct ks_join_buffer *b, bool all)
{
	struct own *o = j->own;
	struct ks_rec rec;
	bool more = true;
	int status = 0;

	while (status == 0) {
		status = ks_join_buffer_take(&o->room, b, all, &rec, &more, j->run->err);
		if (status != 0 || !more)
			break;
		status = pair(j, part, &rec, true);
	}
	return status;
}

static int wait(struct ks_join *j, struct ks_table_part *part, const struct ks_rec *rec)
{
	struct own *o = j->own;
	struct ks_join_buffer *b;
	struct ks_bytes key;
	int status;

	/* Kafka Streams dies of it. */
	if (ks_mp_is_nil(rec->key))
		return ks_reject(j->run, rec, "the record has no key, and cannot wait for --grace without one");
	status = buffer_of(j, part, &b);
	if (status != 0)
		return status;
	if (!ks_join_buffer_advance(&o->room, b, rec->time_ms))
		return pair(j, part, rec, false);
	status = ks_join_key(j, KS_JOIN_LEFT, rec, &key);
	if (status == 0)
		status = ks_join_buffer_put(&o->room, b, key, rec, j->run->err);
	ks_folded(j->run);
	return status == 0 ? let_out(j, part, b, false) : status;
}

static int join(struct ks_join *j, struct ks_table_part *part, struct ks_rec *rec)
{
	if (ks_mp_is_nil(rec->value))
		return ks_join_drop(j, "null value");
	if (ks_mp_is_nil(rec->key) && j->spec.type == KS_JOIN_INNER)
		return ks_join_drop(j, "null key");
	if (KS_UNLIKELY(lacks_time(j, rec)))
		return ks_join_timeless(j, rec);
	return j->spec.has_grace ? wait(j, part, rec) : pair(j, part, rec, false);
}

static void expect(const struct ks_join *j, enum ks_join_side side, const struct ks_rec *rec, struct ks_bytes key, bool found)
{
	(void)side;
	ks_store_expect(j->store, rec->partition, KS_TABLE_ROWS, key, found);
}

static int record(struct ks_join *j, enum ks_join_side side, struct ks_rec *rec)
{
	struct own *o = j->own;
	struct ks_table_part *part;
	int status = ks_table_part(&o->t, rec->partition, &part, j->run->err);

	if (status != 0)
		return status;
	/* Nothing depends on it but what is told to who asks. */
	if (o->t.history_ms < 0 && (rec->flags & KS_TIME_TYPE) != KS_TIME_NONE)
		ks_table_advance(part, rec->time_ms);
	return side == KS_JOIN_RIGHT ? put_row(j, part, rec) : join(j, part, rec);
}

/* Event time of the partition goes on without records; what still waits holds it back for those behind. */
static int mark(struct ks_join *j, struct ks_mark *m)
{
	struct own *o = j->own;
	struct ks_table_part *part;
	struct ks_join_buffer *b;
	int64_t earliest_ms;
	int status;

	if (!j->spec.has_grace)
		return 0;
	status = ks_table_part(&o->t, m->partition, &part, j->run->err);
	if (status == 0)
		status = buffer_of(j, part, &b);
	if (status != 0)
		return status;
	(void)ks_join_buffer_advance(&o->room, b, m->time_ms);
	status = let_out(j, part, b, false);
	earliest_ms = ks_join_buffer_earliest(&o->room, b);
	if (earliest_ms < m->time_ms)
		m->time_ms = earliest_ms;
	return status;
}

static int finish(struct ks_join *j)
{
	struct own *o = j->own;
	int status = 0;
	size_t i;

	for (i = 0; status == 0 && i < o->t.count; i++)
		if (o->t.parts[i]->own != NULL)
			status = let_out(j, o->t.parts[i], o->t.parts[i]->own, true);
	return status;
}

/* --- for who asks --- */

static int64_t stream_time(void *arg, int32_t partition)
{
	const struct ks_table_part *part = ks_table_find(((const struct ks_join_asked *)arg)->tables[KS_JOIN_RIGHT], partition);
	const struct ks_join_buffer *b = part != NULL ? part->own : NULL;

	if (part == NULL)
		return -1;
	return b != NULL && b->time_ms > part->stream_ms ? b->time_ms : part->stream_ms;
}

static bool composed(void *arg, int64_t segment)
{
	(void)arg;
	return segment != KS_TABLE_ROWS;
}

/* A record that waits. */
static int beside(struct ks_join_asked *a, struct ks_query *q, struct ks_bytes key, struct ks_store_value v, struct ks_err *err)
{
	struct own *o = a->j->own;
	const struct ks_table_part *part = ks_table_find(&o->t, q->partition);
	const unsigned char *p;
	struct ks_rec rec;
	struct ks_row row;
	bool left;
	int status;

	if (key.n < KS_JOIN_BUFFER_BEFORE)
		return 0;
	key = ks_bytes(key.p + KS_JOIN_BUFFER_BEFORE, key.n - KS_JOIN_BUFFER_BEFORE);
	p = key.p;
	if (part == NULL || part->own == NULL || ks_mp_skip(&p, key.p + key.n, KS_DEPTH_CEILING) != KS_MP_OK)
		return 0;
	status = ks_join_buffer_read(&o->room, part->own, v, &rec, &left, err);
	if (status != 0 || left)
		return status;
	row = (struct ks_row){ .time_ms = rec.time_ms, .flags = rec.flags, .value = rec.value };
	return ks_join_query_row(a, q, KS_JOIN_LEFT, ks_bytes(key.p, (size_t)(p - key.p)), &row, err);
}

static int query(struct ks_join *j, struct ks_query *q, struct ks_err *err)
{
	struct ks_join_asked a = { .state = { .store = j->store, .first = KS_TABLE_ROWS, .last = INT64_MAX, .stream_time = stream_time,
		.composed = composed, .before = KS_JOIN_BUFFER_BEFORE }, .j = j, .tables = { [KS_JOIN_RIGHT] = &((struct own *)j->own)->t }, .beside = beside };

	return ks_join_query_tables(&a, q, err);
}

const struct ks_join_kind ks_join_stream_table = {
	.check = check,
	.fingerprint = fingerprint,
	.beside_store = beside_store,
	.open = open_own,
	.expect = expect,
	.record = record,
	.mark = mark,
	.save = save,
	.finish = finish,
	.query = query,
	.close = close_own,
};
