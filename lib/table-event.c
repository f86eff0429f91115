/* SPDX-License-Identifier: MIT */
/* table-event.c - what a change event of a database does to a table. */
#include "table-stage.h"

#include <errno.h>

static int clear(struct ks_table_stage *st, struct ks_run *run, struct ks_table_part *part, const struct ks_rec *rec)
{
	struct ks_row row = { rec->time_ms, KS_TABLE_NO_MARK, rec->flags & (KS_TIME_TYPE | KS_KEY_KIND), ks_mp_nil };
	struct ks_table_scan scan;
	struct ks_rec gone = *rec;
	struct ks_buf keys;
	struct ks_row old;
	struct ks_bytes key;
	bool more = true;
	int status;
	size_t at;

	/* The keys first: rows cannot go while they are walked over. */
	ks_buf_init(&keys, SIZE_MAX / 4);
	status = ks_table_scan_begin(&st->t, part, &scan, run->err);
	while (status == 0 && (status = ks_table_scan_next(&scan, &key, &old, &more, run->err)) == 0 && more)
		if (ks_buf_add(&keys, key.p, key.n) != 0)
			status = ks_table_no_memory(run);
	ks_table_scan_end(&scan);
	gone.frame = ks_bytes(NULL, 0);
	gone.value = ks_mp_nil;
	for (at = 0; at < keys.n && status == 0; at += gone.key.n) {
		const unsigned char *p = keys.p + at;

		if (ks_mp_skip(&p, keys.p + keys.n, run->limits->depth) != KS_MP_OK)
			ks_bug("a key that was not checked");
		gone.key = ks_bytes(keys.p + at, (size_t)(p - keys.p) - at);
		status = ks_table_stage_take(st, run, part, &gone, gone.key, &row);
	}
	ks_buf_release(&keys);
	return status;
}

static int truncate_all(struct ks_table_stage *st, struct ks_run *run, struct ks_table_part *part, const struct ks_rec *rec)
{
	switch (st->truncate) {
	case KS_TRUNCATE_FAIL:
		return ks_reject(run, rec, "the table was truncated: --on-truncate clear forgets its rows, ignore keeps them");
	case KS_TRUNCATE_IGNORE:
		ks_drop(run, "truncate");
		return 0;
	default:
		ks_drop(run, "truncate");
		return clear(st, run, part, rec);
	}
}

/* An event makes the record what it does to a row; *done: there is nothing left to do. */
int ks_table_event_read(struct ks_table_stage *st, struct ks_run *run, struct ks_table_part *part, struct ks_rec *rec,
    struct ks_cdc_event *e, bool *done)
{
	const char *wrong = ks_cdc_read(rec->value, run->limits->depth, e);
	bool unwrapped;

	*done = true;
	if (wrong != NULL)
		return ks_reject(run, rec, "%s", wrong);
	if (e->has_time) {
		rec->time_ms = e->time_ms;
		rec->flags = (rec->flags & ~(uint32_t)KS_TIME_TYPE) | KS_TIME_CREATE;
	}
	if (e->kind == KS_CDC_TRUNCATE)
		return truncate_all(st, run, part, rec);
	if (e->kind == KS_CDC_MESSAGE) {
		ks_drop(run, "message");
		return 0;
	}
	wrong = ks_cdc_key(&st->json, rec->key, run->limits->depth, &st->key, &rec->key, &unwrapped);
	if (wrong != NULL)
		return ks_table_reject(run, rec, "", wrong);
	if (unwrapped)
		rec->flags |= KS_KEY_CHANGED;
	rec->value = e->kind == KS_CDC_ROW ? e->row : ks_mp_nil;
	rec->frame = ks_bytes(NULL, 0);
	*done = false;
	return 0;
}

/* What only the row as it was can say of an event. */
int ks_table_event_compare(struct ks_table_stage *st, struct ks_run *run, const struct ks_table_part *part, struct ks_bytes key,
    struct ks_rec *rec, const struct ks_cdc_event *e, bool *done)
{
	struct ks_row old;
	bool missing = false;
	int status, no;

	*done = true;
	status = ks_table_get(&st->t, part, key, &old, run->err);
	if (status != 0)
		return status;
	if (e->kind == KS_CDC_TOMBSTONE && ks_mp_is_nil(old.value)) {
		ks_drop(run, "after delete");
		return 0;
	}
	if (e->has_lsn && !e->snapshot && old.mark != KS_TABLE_NO_MARK && e->lsn <= old.mark) {
		ks_drop(run, "seen before");
		return 0;
	}
	*done = false;
	if (!e->unavailable)
		return 0;
	st->row.n = 0;
	no = ks_cdc_complete(e->row, old.value, run->limits->depth, &st->row, &missing);
	if (no == EMSGSIZE)
		return ks_fail(run->err, KS_DATA, "a row is larger than --max-record");
	if (no != 0)
		return ks_table_no_memory(run);
	if (missing)
		ks_warn(run, "columns that the database did not send, and that are not in the table, were passed on as __debezium_unavailable_value");
	rec->value = ks_buf_bytes(&st->row);
	return 0;
}
