/* SPDX-License-Identifier: MIT */
/* table-stage.c - records into a table, and its changes out. */
#include "table-stage.h"
#include "hello.h"
#include "run-store.h"
#include "state-key.h"

#include <errno.h>

int ks_table_stage_open(struct ks_table_stage *st, struct ks_run *run)
{
	ks_json_init(&st->json, run->limits->depth);
	ks_buf_init(&st->plain, 2 * run->limits->key + 64);
	ks_buf_init(&st->key, 8 * run->limits->key + KS_JSON_ROOM(run->limits->key));
	ks_buf_init(&st->row, 2 * run->limits->record);
	ks_buf_init(&st->out, SIZE_MAX / 4);
	ks_hold_init(&st->hold, &st->t, run->limits);
	return 0;
}

int ks_table_no_memory(struct ks_run *run)
{
	return ks_fail_errno(run->err, KS_TEMP, ENOMEM, "cannot keep a row");
}

int ks_table_reject(struct ks_run *run, const struct ks_rec *rec, const char *what, const char *wrong)
{
	return ks_is_no_memory(wrong) ? ks_fail_memory(run->err) : ks_reject(run, rec, "%s%s", what, wrong);
}

static int emit_groups(struct ks_table_stage *st, struct ks_run *run, const struct ks_rec *rec, const struct ks_change *c)
{
	struct ks_rec out[2];
	unsigned count, i;
	const char *wrong;
	int status = 0;

	wrong = ks_regroup_make(&st->regroup, rec, c, out, &count);
	if (wrong != NULL)
		return ks_table_reject(run, rec, "--by: ", wrong);
	for (i = 0; i < count && status == 0; i++)
		status = ks_emit(run, &out[i]);
	return status;
}

/* A change goes out, as it is asked for; rec is the record it came with. */
static int emit(struct ks_table_stage *st, struct ks_run *run, struct ks_rec *rec, const struct ks_change *c)
{
	if (st->groups)
		return c->latest ? emit_groups(st, run, rec, c) : 0;
	if (st->changes) {
		st->out.n = 0;
		if (ks_change_add(&st->out, c) != 0)
			return ks_table_no_memory(run);
		rec->value = ks_buf_bytes(&st->out);
		rec->flags |= KS_CHANGE;
		rec->frame = ks_bytes(NULL, 0);
	} else if (rec->value.p != c->now.p) {
		rec->value = c->now;
		rec->flags &= ~(uint32_t)KS_CHANGE;
		rec->frame = ks_bytes(NULL, 0);
	}
	return ks_emit(run, rec);
}

/* Those whose time has come, or all, go out. */
static int let_out(struct ks_table_stage *st, struct ks_run *run, struct ks_table_part *part, bool all)
{
	struct ks_change c = { .latest = true };
	struct ks_rec rec;
	bool more = true;
	int status = 0;

	while (status == 0) {
		status = ks_hold_take(&st->hold, part, all, &rec, &c.before, &more, run->err);
		if (status != 0 || !more)
			break;
		c.now = rec.value;
		if (!st->only || !ks_table_same(c.now, c.before, run->limits->depth))
			status = emit(st, run, &rec, &c);
	}
	return status;
}

static int hold_back(struct ks_table_stage *st, struct ks_run *run, struct ks_table_part *part, struct ks_bytes key,
    const struct ks_rec *rec, const struct ks_change *c)
{
	struct ks_rec held = *rec;
	int status;

	held.value = c->now;
	held.flags &= ~(uint32_t)KS_CHANGE;
	ks_table_advance(part, rec->time_ms);
	status = ks_hold_put(&st->hold, part, key, &held, c->before, run->err);
	return status == 0 ? let_out(st, run, part, false) : status;
}

/* A row is now so: into the table, and its change out. */
int ks_table_stage_take(struct ks_table_stage *st, struct ks_run *run, struct ks_table_part *part, struct ks_rec *rec, struct ks_bytes key,
    const struct ks_row *row)
{
	enum ks_table_taken taken;
	struct ks_change c;
	int status;

	status = ks_table_put(&st->t, part, key, row, st->changes || st->groups || (st->every && st->only), st->only, &c,
	    &taken, run->err);
	if (status != 0)
		return status;
	if (taken == KS_TABLE_EXPIRED || taken == KS_TABLE_EQUAL) {
		ks_drop(run, taken == KS_TABLE_EQUAL ? "unchanged" : "out of history");
		if (taken == KS_TABLE_EXPIRED || !st->every)
			return 0;
		ks_table_advance(part, rec->time_ms);
		return let_out(st, run, part, false);
	}
	ks_folded(run);
	if (st->dump)
		return 0;
	return st->every ? hold_back(st, run, part, key, rec, &c) : emit(st, run, rec, &c);
}

/* A change of another table that is not its latest: it is history there, and no row of this one. */
static int pass_by(struct ks_table_stage *st, struct ks_run *run, struct ks_rec *rec, const struct ks_change *c)
{
	if (st->dump || st->every || st->groups) {
		ks_drop(run, "not the latest");
		return 0;
	}
	ks_folded(run);
	return emit(st, run, rec, c);
}

static int refuse(struct ks_run *run)
{
	return ks_fail(run->err, KS_CONFIG, "the key was changed: pass the records through kstream-repartition first");
}

/* The value is in rec, and so is the key: both are those of the row. */
static int put_row(struct ks_table_stage *st, struct ks_run *run, struct ks_table_part *part, struct ks_rec *rec,
    const struct ks_cdc_event *e)
{
	struct ks_row row = { rec->time_ms, KS_TABLE_NO_MARK, rec->flags & (KS_TIME_TYPE | KS_KEY_KIND), rec->value };
	struct ks_change c = { .latest = true };
	const char *wrong = NULL;
	struct ks_rec checked;
	struct ks_bytes key;
	bool done = false;
	int status = 0;

	if (ks_state_key(&st->plain, rec->key, &key) != 0)
		return ks_table_no_memory(run);
	if (e != NULL)
		status = ks_table_event_compare(st, run, part, key, rec, e, &done);
	if (status != 0 || done)
		return status;
	row.value = rec->value;
	if (e != NULL && e->has_lsn)
		row.mark = e->lsn;
	if ((rec->flags & KS_CHANGE) != 0) {
		wrong = ks_change_parse(rec->value, run->limits->depth, &c);
		row.value = c.now;
	}
	if (wrong == NULL && st->groups && c.latest) {
		checked = *rec;
		checked.value = row.value;
		wrong = ks_regroup_check(&st->regroup, &checked);
		if (wrong != NULL)
			return ks_table_reject(run, rec, "--by: ", wrong);
	}
	if (wrong != NULL)
		return ks_reject(run, rec, "%s", wrong);
	return c.latest ? ks_table_stage_take(st, run, part, rec, key, &row) : pass_by(st, run, rec, &c);
}

void ks_table_stage_expect(struct ks_table_stage *st, const struct ks_rec *rec, bool found)
{
	struct ks_bytes key;

	if (!ks_mp_is_nil(rec->key) && ks_state_key(&st->plain, rec->key, &key) == 0)
		ks_store_expect(st->store, rec->partition, KS_TABLE_ROWS, key, found);
}

int ks_table_stage_record(struct ks_table_stage *st, struct ks_run *run, struct ks_rec *rec)
{
	struct ks_table_part *part;
	struct ks_cdc_event event;
	bool done = false;
	int status;

	if ((rec->flags & KS_KEY_CHANGED) != 0)
		return refuse(run);
	status = ks_table_part(&st->t, rec->partition, &part, run->err);
	if (status == 0 && ks_table_remember(part, rec->topic, rec->route) != 0)
		return ks_table_no_memory(run);
	if (status == 0 && st->cdc)
		status = ks_table_event_read(st, run, part, rec, &event, &done);
	if (status != 0 || done)
		return status;
	if (ks_mp_is_nil(rec->key)) {
		ks_drop(run, "null key");
		ks_warn(run, "records without a key were dropped: --key EXPR gives one, where they are read");
		return 0;
	}
	if ((st->versioned || st->every) && (rec->flags & KS_TIME_TYPE) == KS_TIME_NONE)
		return ks_reject(run, rec, "the record has no time: give --time to the tool that reads the source");
	if (ks_future_is(&st->future, rec->time_ms))
		return ks_future_reject(run, rec);
	/* Nothing depends on it but what is told to who asks (table-query.c). */
	if (!st->versioned && !st->every && (rec->flags & KS_TIME_TYPE) != KS_TIME_NONE)
		ks_table_advance(part, rec->time_ms);
	return put_row(st, run, part, rec, st->cdc ? &event : NULL);
}

static int load_row(void *arg, struct ks_run *run, struct ks_rec *rec)
{
	struct ks_table_stage *st = arg;
	struct ks_row row = { rec->time_ms, KS_TABLE_NO_MARK, rec->flags & (KS_TIME_TYPE | KS_KEY_KIND), rec->value };
	enum ks_table_taken taken;
	struct ks_table_part *part;
	struct ks_change c;
	struct ks_bytes key;
	int status;

	if (ks_mp_is_nil(rec->key) || (rec->flags & KS_CHANGE) != 0)
		return ks_fail(run->err, KS_DATA, "'%s': not a row of a table: %s", st->load,
		    ks_mp_is_nil(rec->key) ? "it has no key" : "it is a change");
	status = ks_table_part(&st->t, rec->partition, &part, run->err);
	if (status != 0)
		return status;
	if (ks_table_remember(part, rec->topic, rec->route) != 0 || ks_state_key(&st->plain, rec->key, &key) != 0)
		return ks_table_no_memory(run);
	return ks_table_put(&st->t, part, key, &row, false, false, &c, &taken, run->err);
}

/* What a state was made with, as store.h says. */
static int fingerprint(const struct ks_table_stage *st, struct ks_buf *b)
{
	int no;

	if (st->versioned)
		no = ks_buf_printf(b, "rows --versioned %lldms\n", (long long)st->history_ms);
	else
		no = ks_buf_printf(b, "rows latest\n");
	if (no == 0 && st->every)
		no = ks_buf_printf(b, "--emit every:%lldms\nbefore %s\n", (long long)st->hold.room.wait_ms,
		    st->changes || st->groups || st->only ? "kept" : "let go");
	if (no == 0 && st->cdc)
		no = ks_buf_printf(b, "--cdc debezium\n");
	return no != 0 ? no : ks_buf_add(b, "", 1);
}

static void close_store(struct ks_table_stage *st)
{
	ks_table_close(&st->t);
	ks_store_close(st->store);
	st->store = NULL;
}

static int open_store(struct ks_table_stage *st, struct ks_run *run)
{
	struct ks_buf text;
	int status;

	ks_buf_init(&text, KS_RECORD_MAX);
	if (fingerprint(st, &text) != 0)
		status = ks_table_no_memory(run);
	else
		status = ks_run_store(run, st->memory, (const char *)text.p, &st->store);
	ks_buf_release(&text);
	if (status == 0)
		status = ks_table_open(&st->t, st->store, KS_TABLE_ROWS, st->versioned ? st->history_ms : -1, run->limits->depth, run->err);
	return status == 0 && st->every ? ks_hold_open(&st->hold, run->err) : status;
}

int ks_table_stage_hello(struct ks_table_stage *st, struct ks_run *run)
{
	int status;

	ks_future_begin(&st->future, run->live, st->versioned || st->every);
	if (st->store != NULL && !st->finished && !run->app)
		return 0;
	st->finished = false;
	close_store(st);
	status = open_store(st, run);
	/* A state that is there goes on: it began with that file. */
	if (status == 0 && st->load != NULL && st->t.count == 0 && run->hello->epoch == 0)
		status = ks_table_load(run, st->load, load_row, st);
	return status;
}

int ks_table_stage_barrier(struct ks_table_stage *st, struct ks_run *run, const struct ks_barrier *b)
{
	int status;

	if (st->store == NULL)
		return 0;
	status = ks_table_save(&st->t, run->err);
	return status == 0 ? ks_store_commit(st->store, b, run->err) : status;
}

int ks_table_stage_mark(struct ks_table_stage *st, struct ks_run *run, struct ks_mark *m)
{
	struct ks_table_part *part;
	int64_t earliest_ms;
	int status;

	if (!st->every)
		return 0;
	status = ks_table_part(&st->t, m->partition, &part, run->err);
	if (status != 0)
		return status;
	if (ks_future_mark(&st->future, m, part->stream_ms))
		return 0;
	ks_table_advance(part, m->time_ms);
	status = let_out(st, run, part, false);
	if (status == 0)
		status = ks_hold_earliest(&st->hold, part, &earliest_ms, run->err);
	if (status == 0 && earliest_ms < m->time_ms)
		m->time_ms = earliest_ms;
	return status;
}

static int dump(struct ks_table_stage *st, struct ks_run *run, const struct ks_table_part *part)
{
	struct ks_rec rec = { .offset = -1, .partition = part->partition, .headers = ks_no_headers };
	struct ks_table_scan scan;
	struct ks_row row;
	bool more = true;
	int status;

	if (part->topic.n > 0)
		rec.topic = ks_buf_bytes(&part->topic);
	if (part->route.n > 0)
		rec.route = ks_buf_bytes(&part->route);
	status = ks_table_scan_begin(&st->t, part, &scan, run->err);
	while (status == 0 && (status = ks_table_scan_next(&scan, &rec.key, &row, &more, run->err)) == 0 && more) {
		rec.time_ms = row.time_ms;
		rec.flags = row.flags;
		rec.value = row.value;
		status = ks_emit(run, &rec);
	}
	ks_table_scan_end(&scan);
	return status;
}

int ks_table_stage_finish(struct ks_table_stage *st, struct ks_run *run)
{
	int status = 0;
	size_t i;

	for (i = 0; i < st->t.count && status == 0; i++)
		status = st->dump ? dump(st, run, st->t.parts[i]) : let_out(st, run, st->t.parts[i], true);
	st->finished = true;
	return status;
}

void ks_table_stage_close(struct ks_table_stage *st)
{
	close_store(st);
	ks_hold_release(&st->hold);
	ks_regroup_release(&st->regroup);
	ks_json_release(&st->json);
	ks_buf_release(&st->plain);
	ks_buf_release(&st->key);
	ks_buf_release(&st->row);
	ks_buf_release(&st->out);
}
