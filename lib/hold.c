/* SPDX-License-Identifier: MIT */
/* hold.c - changes held back: whole frames in the store, their keys in a heap. */
#include "hold.h"

#include <errno.h>

/* Behind it the row before, then the frame of the record. */
struct held {
	int64_t due_ms;		/* since when it is held: the time of the key's first change */
	int64_t time_ms;	/* of the record */
	uint32_t before_n, frame_n;
};

static int no_memory(struct ks_err *err)
{
	return ks_fail_errno(err, KS_TEMP, ENOMEM, "cannot hold a change back");
}

void ks_hold_init(struct ks_hold *h, struct ks_table *t, const struct ks_limits *limits)
{
	*h = (struct ks_hold){ .table = t, .limits = limits, .wait_ms = h->wait_ms, .max_records = h->max_records };
	ks_buf_init(&h->out, SIZE_MAX / 4);
}

void ks_hold_release(struct ks_hold *h)
{
	ks_buf_release(&h->out);
}

/* What is held of the key now, as far as it stays. */
static int first_change(struct ks_hold *h, struct ks_table_part *part, struct ks_bytes key, const struct ks_rec *rec,
    struct held *e, struct ks_bytes *before, struct ks_err *err)
{
	struct ks_store_value v;
	int status = ks_store_get(h->table->store, part->partition, KS_TABLE_HELD, key, &v, err);

	if (status != 0)
		return status;
	if (v.p != NULL) {
		memcpy(e, v.p, sizeof(*e));
		part->held_left |= e->time_ms == part->held_ms;
		*before = ks_bytes(NULL, 0);	/* it is there */
		return 0;
	}
	*e = (struct held){ .due_ms = rec->time_ms, .before_n = (uint32_t)before->n };
	return ks_due_add(&part->due, e->due_ms, key) != 0 ? no_memory(err) : 0;
}

int ks_hold_put(struct ks_hold *h, struct ks_table_part *part, struct ks_bytes key, const struct ks_rec *rec,
    struct ks_bytes before, struct ks_err *err)
{
	size_t size = ks_rec_size(rec);
	struct ks_store_value v;
	struct held e;
	int status;

	if (size > UINT32_MAX / 2 || before.n > UINT32_MAX / 2)
		return ks_fail(err, KS_DATA, "a change is too large to be held back");
	status = first_change(h, part, key, rec, &e, &before, err);
	if (status == 0)
		status = ks_store_put(h->table->store, part->partition, KS_TABLE_HELD, key,
		    sizeof(e) + e.before_n + size, &v, err);
	if (status != 0)
		return status;
	if (before.n > 0)
		memcpy(v.p + sizeof(e), before.p, before.n);
	e.time_ms = rec->time_ms;
	e.frame_n = (uint32_t)(ks_rec_put(v.p + sizeof(e) + e.before_n, rec) - (v.p + sizeof(e) + e.before_n));
	memcpy(v.p, &e, sizeof(e));
	if (rec->time_ms < part->held_ms)
		part->held_ms = rec->time_ms;
	return 0;
}

static bool is_due(const struct ks_hold *h, const struct ks_table_part *part, int64_t due_ms)
{
	int64_t since;

	if (h->max_records > 0 && part->due.count > h->max_records)
		return true;
	/* A time so long ago that its distance is no number is due. */
	return __builtin_sub_overflow(part->stream_ms, h->wait_ms, &since) ? false : due_ms <= since;
}

int ks_hold_take(struct ks_hold *h, struct ks_table_part *part, bool all, struct ks_rec *rec, struct ks_bytes *before,
    bool *more, struct ks_err *err)
{
	struct ks_store_value v;
	struct ks_bytes key;
	const char *wrong;
	struct held e;
	int64_t due_ms;
	int status;

	*more = ks_due_first(&part->due, &due_ms, &key) && (all || is_due(h, part, due_ms));
	if (!*more)
		return 0;
	status = ks_store_get(h->table->store, part->partition, KS_TABLE_HELD, key, &v, err);
	if (status != 0)
		return status;
	if (v.p == NULL)
		ks_bug("a key that is due is not held");
	memcpy(&e, v.p, sizeof(e));
	h->out.n = 0;
	if (ks_buf_add(&h->out, v.p + sizeof(e), e.before_n + e.frame_n) != 0)
		return no_memory(err);
	status = ks_store_delete(h->table->store, part->partition, KS_TABLE_HELD, key, err);
	if (status != 0)
		return status;
	ks_due_pop(&part->due);
	part->held_left |= e.time_ms == part->held_ms;
	if (part->due.count == 0)
		part->held_ms = INT64_MAX;
	*before = ks_bytes(h->out.p, e.before_n);
	wrong = ks_rec_parse(ks_bytes(h->out.p + e.before_n + KS_FRAME_HEAD, e.frame_n - KS_FRAME_HEAD), h->limits, rec);
	if (wrong != NULL)
		return ks_fail(err, KS_CONFIG, "a change that was held back: %s", wrong);
	rec->frame = ks_bytes(NULL, 0);		/* it does not live as long as one that came in */
	return 0;
}

/* All that is held: to the order of what is due, or for the earliest alone. */
static int look_through(struct ks_hold *h, struct ks_table_part *part, bool order, struct ks_err *err)
{
	struct ks_store_scan scan;
	struct ks_store_value v;
	struct ks_bytes key;
	struct held e;
	int status, no = 0;

	status = ks_store_scan_begin(h->table->store, part->partition, KS_TABLE_HELD, &scan, err);
	if (status != 0)
		return status;
	part->held_ms = INT64_MAX;
	part->held_left = false;
	while (no == 0 && ks_store_scan_next(&scan, &key, &v)) {
		memcpy(&e, v.p, sizeof(e));
		if (order)
			no = ks_due_add(&part->due, e.due_ms, key);
		if (e.time_ms < part->held_ms)
			part->held_ms = e.time_ms;
	}
	ks_store_scan_end(&scan);
	return no != 0 ? no_memory(err) : 0;
}

int ks_hold_earliest(struct ks_hold *h, struct ks_table_part *part, int64_t *time_ms, struct ks_err *err)
{
	int status = part->held_left ? look_through(h, part, false, err) : 0;

	*time_ms = part->held_ms;
	return status;
}

int ks_hold_recover(struct ks_hold *h, struct ks_table_part *part, struct ks_err *err)
{
	return look_through(h, part, true, err);
}
