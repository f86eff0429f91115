/* SPDX-License-Identifier: MIT */
/*
 * join-foreign.c - rows of a left table with the row of a right one whose key
 * they name.
 *
 * Left rows are kept by the partition they came from, which is that of their
 * results.  Right rows, and who is to be told of them, are looked up from any
 * partition, so they stand under one that is none of the input's.  For each
 * foreign key the keys of the left rows that name it are a group of members
 * (members.h), each behind it the number of its partition.
 *
 * Source: semantics.md 4.5, 4.3 behaviour; oracle/model.py, ForeignKeyJoin.
 */
#include "hello.h"
#include "join-sides.h"
#include "members.h"
#include "part-times.h"
#include "state-key.h"

#include <errno.h>
#include <stdlib.h>

#define ANY (-1)	/* the partition of what is looked up from all */

struct own {
	struct ks_join_sides sides;
	struct ks_members told;
	struct ks_buf before, now;	/* foreign keys */
	struct ks_buf member;
	struct ks_part_times times;	/* of records of both sides */
	bool marks;			/* the input has some, so there are some behind */
};

static int no_times(struct ks_join *j, int no)
{
	if (no == EMSGSIZE)
		return ks_fail(j->run->err, KS_DATA, "the input has more than %u partitions", KS_PART_TIMES_MAX);
	return ks_join_no_memory(j);
}

/* Partitions of which nothing has come yet. */
static int know_partitions(struct ks_join *j, struct ks_part_times *times)
{
	struct ks_hello_facts facts;
	int32_t i;
	int side, no = 0;

	for (side = KS_JOIN_RIGHT; side <= KS_JOIN_LEFT && j->run->hello != NULL; side++)
		if (ks_hello_stream(j->run->hello, ks_str(j->spec.inputs[side].name), &facts))
			for (i = 0; i < facts.partitions && no == 0; i++)
				no = ks_part_times_add(times, i);
	return no == 0 ? 0 : no_times(j, no);
}

static int open_own(struct ks_join *j)
{
	const struct ks_hello_view *h = j->run->hello;
	struct own *o = calloc(1, sizeof(*o));
	char owner[KS_OWNER_ROOM];
	int status;

	j->own = o;
	if (o == NULL)
		return ks_join_no_memory(j);
	if (h != NULL && h->instances != 1) {	/* NULL: a state at rest */
		ks_hello_owner(h, owner);
		return ks_fail(j->run->err, KS_CONFIG,
		    "the stream is that of instance %s: rows that a foreign key names would be in several of them; run one, of all partitions", owner);
	}
	ks_members_init(&o->told, j->store, ANY, KS_JOIN_SUBSCRIBERS);
	ks_buf_init(&o->before, j->run->limits->key);
	ks_buf_init(&o->now, j->run->limits->key);
	ks_buf_init(&o->member, UINT32_MAX);
	status = know_partitions(j, &o->times);
	return status == 0 ? ks_join_sides_open(j, &o->sides) : status;
}

static void close_own(struct ks_join *j)
{
	struct own *o = j->own;

	if (o == NULL)
		return;
	ks_join_sides_close(&o->sides);
	ks_members_release(&o->told);
	ks_buf_release(&o->before);
	ks_buf_release(&o->now);
	ks_buf_release(&o->member);
	ks_part_times_release(&o->times);
	free(o);
	j->own = NULL;
}

static int fingerprint(const struct ks_join *j, struct ks_buf *b)
{
	return ks_buf_printf(b, "foreign-key '%s'\n", j->spec.foreign_key);
}

/* To all partitions: a right row of any brings about results of each. */
static int promise(struct ks_join *j)
{
	struct own *o = j->own;
	struct ks_mark m;
	size_t i;
	int status = 0;

	if (!ks_part_times_promise(&o->times, &m))
		return 0;
	for (i = 0; i < o->times.count && status == 0; i++) {
		m.partition = o->times.list[i].partition;
		status = ks_emit_mark(j->run, &m);
	}
	return status;
}

static int mark(struct ks_join *j, struct ks_mark *m)
{
	struct own *o = j->own;
	int no = ks_part_times_move(&o->times, m->partition, m->time_ms, m->idle);

	if (no != 0)
		return no_times(j, no);
	o->marks = true;
	m->partition = -1;
	return promise(j);
}

/* Partitions that are not idle tell of themselves by their records. */
static int save(struct ks_join *j)
{
	struct own *o = j->own;
	int status = o->marks ? promise(j) : 0;

	return status == 0 ? ks_join_sides_save(j, &o->sides) : status;
}

static int query(struct ks_join *j, struct ks_query *q, struct ks_err *err)
{
	return ks_join_sides_query(j, &((struct own *)j->own)->sides, q, err);
}

/*
 * The foreign key of a row, to room; nil: it has none.  Of the record the
 * expression sees what a later change of the row has, too.  NULL, or what is
 * wrong.
 */
static const char *foreign_key(struct ks_join *j, const struct ks_rec *rec, struct ks_bytes row, struct ks_buf *room,
    struct ks_bytes *key)
{
	struct ks_rec seen = { .offset = -1, .partition = -1, .flags = rec->flags & KS_KEY_KIND, .key = rec->key,
		.headers = ks_no_headers, .value = row };
	const char *wrong;
	struct ks_val v;
	int no;

	*key = ks_mp_nil;
	if (ks_mp_is_nil(row))
		return NULL;
	wrong = ks_expr_load(j->foreign_set, &seen);
	if (wrong == NULL)
		wrong = ks_expr_eval(j->foreign, &v);
	if (wrong != NULL)
		return wrong;
	room->n = 0;
	no = ks_mp_add_val(room, &v);
	*key = ks_buf_bytes(room);
	if (no == 0 && !ks_mp_is_nil(*key))
		ks_join_look_at_key(j, KS_JOIN_LEFT, rec, *key);
	return no == 0 ? NULL : no == EMSGSIZE ? "the foreign key is larger than --max-key allows" : ks_no_memory;
}

static int reject(struct ks_join *j, const struct ks_rec *rec, const char *wrong)
{
	return ks_is_no_memory(wrong) ? ks_fail_memory(j->run->err) : ks_reject(j->run, rec, "--foreign-key: %s", wrong);
}

/* The key of a left row, and of which partition it is, in the order of keys. */
static int make_member(struct ks_join *j, struct ks_bytes key, int32_t partition)
{
	struct own *o = j->own;
	unsigned char tail[4];

	ks_put32(tail, (uint32_t)partition + 1);
	o->member.n = 0;
	return ks_buf_add(&o->member, key.p, key.n) == 0 && ks_buf_add(&o->member, tail, sizeof(tail)) == 0 ? 0 : ks_join_no_memory(j);
}

/* What a left row names is another one now. */
static int subscribe(struct ks_join *j, int32_t partition, struct ks_bytes key, struct ks_bytes before, struct ks_bytes now)
{
	struct own *o = j->own;
	int status;

	if (ks_bytes_eq(before, now))
		return 0;
	status = make_member(j, key, partition);
	if (status == 0 && !ks_mp_is_nil(before))
		status = ks_members_remove(&o->told, before, ks_buf_bytes(&o->member), j->run->err);
	if (status == 0 && !ks_mp_is_nil(now))
		status = ks_members_add(&o->told, now, ks_buf_bytes(&o->member), j->run->err);
	return status;
}

/* Both will be looked up soon: who is to be told of a right row, and that row. */
static void expect_named(const struct ks_join *j, struct ks_bytes key, bool found)
{
	if (ks_mp_is_nil(key))
		return;
	ks_store_expect(j->store, ANY, KS_JOIN_SUBSCRIBERS, key, found);
	ks_store_expect(j->store, ANY, KS_JOIN_RIGHT_ROWS, key, found);
}

static void expect(const struct ks_join *j, enum ks_join_side side, const struct ks_rec *rec, struct ks_bytes key, bool found)
{
	if (side == KS_JOIN_LEFT)
		ks_store_expect(j->store, rec->partition, KS_JOIN_LEFT_ROWS, key, found);
	else
		expect_named(j, key, found);
}

/* The row that has this key; value nil: there is none. */
static int get_right(struct ks_join *j, struct ks_bytes key, struct ks_row *row)
{
	struct ks_table *right = &((struct own *)j->own)->sides.tables[KS_JOIN_RIGHT];
	struct ks_table_part *part;
	int status = 0;

	*row = (struct ks_row){ .value = ks_mp_nil };
	if (ks_mp_is_nil(key))
		return 0;
	status = ks_table_part(right, ANY, &part, j->run->err);
	return status == 0 ? ks_table_get(right, part, key, row, j->run->err) : status;
}

/* The results of a left row that is now so; had: there was one before it, which named `before`. */
static int answer(struct ks_join *j, const struct ks_rec *rec, struct ks_bytes value, bool had, struct ks_bytes before,
    struct ks_bytes now)
{
	struct ks_join_result r = { .from = rec, .side = KS_JOIN_LEFT, .partition = rec->partition, .key = rec->key, .left = value };
	bool moved = !ks_mp_is_nil(before) && !ks_bytes_eq(before, now);
	bool gone = ks_mp_is_nil(value), nobody = ks_mp_is_nil(now);
	struct ks_row right;
	int status;

	/* What an inner join takes back has the time of the row that was named. */
	status = get_right(j, nobody && j->spec.type == KS_JOIN_INNER ? before : now, &right);
	if (status != 0)
		return status;
	r.time_ms = ks_join_sides_time(rec, &right);
	r.right = nobody ? ks_mp_nil : right.value;
	if (j->spec.type == KS_JOIN_KEEP_LEFT) {
		ks_folded(j->run);
		if (!gone)
			return ks_join_emit(j, &r);
		return had ? ks_join_emit_gone(j, &r) : 0;
	}
	if (nobody && !gone)
		ks_drop(j->run, "no foreign key");
	else
		ks_folded(j->run);
	if (!ks_mp_is_nil(r.right))
		return ks_join_emit(j, &r);
	return moved ? ks_join_emit_gone(j, &r) : 0;
}

static int left_record(struct ks_join *j, const struct ks_rec *rec, struct ks_bytes value)
{
	struct own *o = j->own;
	struct ks_table *left = &o->sides.tables[KS_JOIN_LEFT];
	struct ks_bytes key, before, now;
	struct ks_table_part *part;
	struct ks_row old;
	const char *wrong;
	bool had, joins;
	int status;

	if ((rec->flags & KS_KEY_CHANGED) != 0)
		return ks_fail(j->run->err, KS_CONFIG, "the key of '%s' was changed: pass the records through kstream-repartition first",
		    j->spec.inputs[KS_JOIN_LEFT].name);
	if (ks_state_key(&j->plain, rec->key, &key) != 0)
		return ks_join_no_memory(j);
	wrong = foreign_key(j, rec, value, &o->now, &now);
	if (wrong != NULL)
		return reject(j, rec, wrong);
	expect_named(j, now, false);
	status = ks_table_part(left, rec->partition, &part, j->run->err);
	if (status == 0)
		status = ks_table_get(left, part, key, &old, j->run->err);
	if (status != 0)
		return status;
	had = !ks_mp_is_nil(old.value);
	wrong = foreign_key(j, rec, old.value, &o->before, &before);
	if (wrong != NULL)
		return reject(j, rec, wrong);
	expect_named(j, now, true);
	if (!ks_mp_is_nil(before))
		ks_store_expect(j->store, ANY, KS_JOIN_SUBSCRIBERS, before, false);
	status = ks_join_sides_put(j, &o->sides, KS_JOIN_LEFT, part, rec, key, value, &joins);
	if (status == 0 && joins)
		status = subscribe(j, rec->partition, key, before, now);
	return status == 0 && joins ? answer(j, rec, value, had, before, now) : status;
}

/* To one of the left rows that name a right row which is now so. */
static int tell(struct ks_join *j, const struct ks_rec *rec, struct ks_bytes value, struct ks_bytes member)
{
	struct ks_table *left = &((struct own *)j->own)->sides.tables[KS_JOIN_LEFT];
	struct ks_join_result r = { .side = KS_JOIN_RIGHT, .time_ms = rec->time_ms, .right = value };
	struct ks_rec from = *rec;
	struct ks_table_part *part;
	struct ks_row row;
	int status;

	if (member.n < 5)
		return ks_store_damaged(ANY, j->run->err);
	r.key = ks_bytes(member.p, member.n - 4);
	r.partition = (int32_t)(ks_get32(member.p + r.key.n) - 1);
	status = ks_table_part(left, r.partition, &part, j->run->err);
	if (status == 0)
		status = ks_table_get(left, part, r.key, &row, j->run->err);
	if (status != 0 || ks_mp_is_nil(row.value))
		return status;
	/* The key is the left row's, whatever the right row's is. */
	from.flags = (rec->flags & ~(uint32_t)KS_KEY_KIND) | (row.flags & KS_KEY_KIND);
	r.from = &from;
	r.left = row.value;
	return ks_mp_is_nil(value) && j->spec.type == KS_JOIN_INNER ? ks_join_emit_gone(j, &r) : ks_join_emit(j, &r);
}

/* Rows of all partitions stand in one, but each partition has a time of its own. */
static int put_right(struct ks_join *j, const struct ks_rec *rec, struct ks_bytes key, struct ks_bytes value, bool *joins)
{
	struct own *o = j->own;
	struct ks_table_part *part, *time = NULL;
	int status = ks_table_part(&o->sides.tables[KS_JOIN_RIGHT], rec->partition, &time, j->run->err);

	if (status == 0)
		status = ks_table_part(&o->sides.tables[KS_JOIN_RIGHT], ANY, &part, j->run->err);
	if (status != 0)
		return status;
	part->stream_ms = time->stream_ms;
	status = ks_join_sides_put(j, &o->sides, KS_JOIN_RIGHT, part, rec, key, value, joins);
	ks_table_advance(time, part->stream_ms);
	return status;
}

static int right_record(struct ks_join *j, const struct ks_rec *rec, struct ks_bytes value)
{
	struct own *o = j->own;
	struct ks_bytes key, member;
	bool joins;
	int status = ks_join_key(j, KS_JOIN_RIGHT, rec, &key);

	if (status == 0)
		status = put_right(j, rec, key, value, &joins);
	if (status != 0 || !joins)
		return status;
	ks_folded(j->run);
	ks_members_begin(&o->told, key);
	do {
		status = ks_members_next(&o->told, &member, j->run->err);
		if (status == 0 && member.p != NULL)
			status = tell(j, rec, value, member);
	} while (status == 0 && member.p != NULL);
	return status;
}

static int record(struct ks_join *j, enum ks_join_side side, struct ks_rec *rec)
{
	struct own *o = j->own;
	struct ks_bytes value;
	int status, no = 0;

	if (rec->partition >= 0 && (rec->flags & KS_TIME_TYPE) != KS_TIME_NONE)
		no = ks_part_times_move(&o->times, rec->partition, rec->time_ms, false);
	if (KS_UNLIKELY(no != 0))
		return no_times(j, no);
	status = ks_join_sides_read(j, side, rec, &value);
	if (status != 0 || value.p == NULL)
		return status;
	return side == KS_JOIN_LEFT ? left_record(j, rec, value) : right_record(j, rec, value);
}

const struct ks_join_kind ks_join_foreign = {
	.any_partition = true,
	.fingerprint = fingerprint,
	.open = open_own,
	.expect = expect,
	.record = record,
	.mark = mark,
	.save = save,
	.query = query,
	.close = close_own,
};
