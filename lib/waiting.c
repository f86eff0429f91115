/* SPDX-License-Identifier: MIT */
/* waiting.c - one entry of the store for each key that waits. */
#include "waiting.h"

#include <errno.h>

/* Behind it first, then the body. */
struct head {
	int64_t since_ms;	/* the time of the key's first change */
	int64_t time_ms;
	uint32_t first_n, body_n;
};

static int no_memory(struct ks_err *err)
{
	return ks_fail_errno(err, KS_TEMP, ENOMEM, "cannot hold a change back");
}

void ks_waiting_room_init(struct ks_waiting_room *r)
{
	ks_buf_init(&r->taken, SIZE_MAX / 4);
}

void ks_waiting_room_release(struct ks_waiting_room *r)
{
	ks_buf_release(&r->taken);
}

void ks_waiting_init(struct ks_waiting *w)
{
	*w = (struct ks_waiting){ .asked = false };
	ks_due_init(&w->due);
}

void ks_waiting_release(struct ks_waiting *w)
{
	ks_due_release(&w->due);
	ks_least_release(&w->times);
}

/* What waits of the key now, as far as it stays; its first goes into the order. */
static int begin(struct ks_waiting_room *r, struct ks_waiting *w, int32_t partition, struct ks_bytes key, int64_t time_ms,
    struct ks_bytes *first, struct head *h, struct ks_err *err)
{
	struct ks_store_value v;
	int status = ks_store_get(r->store, partition, r->segment, key, &v, err);

	if (status != 0)
		return status;
	if (v.p != NULL) {
		memcpy(h, v.p, sizeof(*h));
		*first = ks_bytes(NULL, 0);	/* it is there */
		return w->asked && ks_least_remove(&w->times, h->time_ms) != 0 ? no_memory(err) : 0;
	}
	*h = (struct head){ .since_ms = time_ms, .first_n = (uint32_t)first->n };
	return ks_due_add(&w->due, time_ms, key) != 0 ? no_memory(err) : 0;
}

int ks_waiting_put(struct ks_waiting_room *r, struct ks_waiting *w, int32_t partition, struct ks_bytes key, int64_t time_ms,
    struct ks_bytes first, size_t body_n, unsigned char **body, struct ks_err *err)
{
	struct ks_store_value v;
	struct head h;
	int status;

	if (body_n > UINT32_MAX / 2 || first.n > UINT32_MAX / 2)
		return ks_fail(err, KS_DATA, "a change is too large to be held back");
	status = begin(r, w, partition, key, time_ms, &first, &h, err);
	if (status == 0)
		status = ks_store_put(r->store, partition, r->segment, key, sizeof(h) + h.first_n + body_n, &v, err);
	if (status != 0)
		return status;
	h.time_ms = time_ms;
	h.body_n = (uint32_t)body_n;
	memcpy(v.p, &h, sizeof(h));
	if (first.n > 0)
		memcpy(v.p + sizeof(h), first.p, first.n);
	*body = v.p + sizeof(h) + h.first_n;
	return w->asked && ks_least_add(&w->times, time_ms) != 0 ? no_memory(err) : 0;
}

static bool is_due(const struct ks_waiting_room *r, const struct ks_waiting *w, int64_t now_ms, int64_t since_ms)
{
	int64_t before;

	if (r->max_records > 0 && w->due.count > r->max_records)
		return true;
	/* Where so much time has never been, nothing is due. */
	return !__builtin_sub_overflow(now_ms, r->wait_ms, &before) && since_ms <= before;
}

int ks_waiting_take(struct ks_waiting_room *r, struct ks_waiting *w, int32_t partition, int64_t now_ms, bool all,
    struct ks_waiting_item *item, bool *more, struct ks_err *err)
{
	struct ks_store_value v;
	struct ks_bytes key;
	struct head h;
	int64_t since_ms;
	int status;

	*more = ks_due_first(&w->due, &since_ms, &key) && (all || is_due(r, w, now_ms, since_ms));
	if (!*more)
		return 0;
	status = ks_store_get(r->store, partition, r->segment, key, &v, err);
	if (status != 0)
		return status;
	if (v.p == NULL)
		ks_bug("a key that is due is not held");
	memcpy(&h, v.p, sizeof(h));
	r->taken.n = 0;
	if (ks_buf_add(&r->taken, v.p + sizeof(h), h.first_n + (size_t)h.body_n) != 0)
		return no_memory(err);
	status = ks_store_delete(r->store, partition, r->segment, key, err);
	if (status != 0)
		return status;
	ks_due_pop(&w->due);
	if (w->asked && ks_least_remove(&w->times, h.time_ms) != 0)
		return no_memory(err);
	*item = (struct ks_waiting_item){ h.time_ms, ks_bytes(r->taken.p, h.first_n), ks_bytes(r->taken.p + h.first_n, h.body_n) };
	return 0;
}

/* All that waits: to the order of what is due, or their times alone. */
static int look_through(struct ks_waiting_room *r, struct ks_waiting *w, int32_t partition, bool order, struct ks_err *err)
{
	struct ks_store_scan scan;
	struct ks_store_value v;
	struct ks_bytes key;
	struct head h;
	int status, no = 0;

	status = ks_store_scan_begin(r->store, partition, r->segment, &scan, err);
	if (status != 0)
		return status;
	while (no == 0 && status == 0 && ks_store_scan_next(&scan, &key, &v)) {
		if (v.n < sizeof(h)) {
			status = ks_fail(err, KS_CONFIG, "the state of partition %d is damaged", (int)partition);
			break;
		}
		memcpy(&h, v.p, sizeof(h));
		if ((size_t)h.first_n + h.body_n > v.n - sizeof(h))
			status = ks_fail(err, KS_CONFIG, "the state of partition %d is damaged", (int)partition);
		else
			no = order ? ks_due_add(&w->due, h.since_ms, key) : ks_least_add(&w->times, h.time_ms);
	}
	ks_store_scan_end(&scan);
	return no != 0 ? no_memory(err) : status;
}

int ks_waiting_earliest(struct ks_waiting_room *r, struct ks_waiting *w, int32_t partition, int64_t *time_ms, struct ks_err *err)
{
	int status = w->asked ? 0 : look_through(r, w, partition, false, err);

	w->asked = true;
	*time_ms = ks_least_first(&w->times);
	return status;
}

int ks_waiting_recover(struct ks_waiting_room *r, struct ks_waiting *w, int32_t partition, struct ks_err *err)
{
	return look_through(r, w, partition, true, err);
}
