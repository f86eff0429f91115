/* SPDX-License-Identifier: MIT */
/* join-buffer.c - a record's entry: its key and the number of its arrival; its time and its frame. */
#include "join-buffer.h"

#include <errno.h>

#define PARTS 16		/* segments of a grace */
#define WIDTH_MIN 1000		/* ms */

static const char saved[] = "buffer";

struct facts {
	int64_t time_ms, arrivals;
};

static int no_memory(struct ks_err *err)
{
	return ks_fail_errno(err, KS_TEMP, ENOMEM, "cannot keep what is joined");
}

static int damaged(const struct ks_join_buffer *b, struct ks_err *err)
{
	return ks_store_damaged(b->partition, err);
}

void ks_join_room_init(struct ks_join_room *r, struct ks_store *store, int64_t first, int64_t grace_ms, const struct ks_limits *limits)
{
	*r = (struct ks_join_room){ .store = store, .first = first, .grace_ms = grace_ms, .width_ms = grace_ms / PARTS, .limits = limits };
	if (r->width_ms < WIDTH_MIN)
		r->width_ms = WIDTH_MIN;
	ks_buf_init(&r->key, SIZE_MAX / 4);
	ks_buf_init(&r->taken, SIZE_MAX / 4);
}

void ks_join_room_release(struct ks_join_room *r)
{
	ks_buf_release(&r->key);
	ks_buf_release(&r->taken);
}

/* Segments count up from that of the earliest time there is. */
static int64_t before_all(const struct ks_join_room *r)
{
	return INT64_MIN / r->width_ms - 1;
}

static int64_t segment_of(const struct ks_join_room *r, int64_t time_ms)
{
	return r->first + time_ms / r->width_ms - (time_ms % r->width_ms < 0) - before_all(r);
}

/* What is not newer is due.  A time is -1 or later, so it cannot overflow. */
static int64_t due_ms(const struct ks_join_room *r, const struct ks_join_buffer *b)
{
	return b->time_ms - r->grace_ms;
}

int ks_join_buffer_open(const struct ks_join_room *r, struct ks_join_buffer *b, int32_t partition, struct ks_err *err)
{
	struct ks_store_value v;
	struct facts f;
	int status;

	*b = (struct ks_join_buffer){ .partition = partition, .time_ms = -1, .left_ms = INT64_MIN };
	ks_due_init(&b->due);
	status = ks_store_get(r->store, partition, KS_STORE_META, ks_str(saved), &v, err);
	if (status != 0 || v.p == NULL)
		return status;
	if (v.n < sizeof(f))
		return damaged(b, err);
	memcpy(&f, v.p, sizeof(f));
	if (f.time_ms < -1 || f.arrivals < 0)
		return damaged(b, err);
	b->time_ms = f.time_ms;
	b->arrivals = f.arrivals;
	b->left_ms = due_ms(r, b);
	return 0;
}

void ks_join_buffer_close(struct ks_join_buffer *b)
{
	ks_due_release(&b->due);
}

int ks_join_buffer_save(const struct ks_join_room *r, struct ks_join_buffer *b, struct ks_err *err)
{
	struct facts f = { b->time_ms, b->arrivals };
	struct ks_store_value v;
	int status;

	if (!b->changed)
		return 0;
	status = ks_store_put(r->store, b->partition, KS_STORE_META, ks_str(saved), sizeof(f), &v, err);
	if (status != 0)
		return status;
	memcpy(v.p, &f, sizeof(f));
	b->changed = false;
	return 0;
}

bool ks_join_buffer_advance(const struct ks_join_room *r, struct ks_join_buffer *b, int64_t time_ms)
{
	if (time_ms > b->time_ms) {
		b->time_ms = time_ms;
		b->changed = true;
	}
	return time_ms > due_ms(r, b);
}

int ks_join_buffer_put(struct ks_join_room *r, struct ks_join_buffer *b, struct ks_bytes key, const struct ks_rec *rec,
    struct ks_err *err)
{
	int64_t segment = segment_of(r, rec->time_ms);
	unsigned char arrival[8];
	struct ks_store_value v;
	int status;

	/* No key is the beginning of another: they are whole msgpack values. */
	ks_put64(arrival, (uint64_t)b->arrivals);
	r->key.n = 0;
	if (ks_buf_add(&r->key, key.p, key.n) != 0 || ks_buf_add(&r->key, arrival, sizeof(arrival)) != 0)
		return no_memory(err);
	key = ks_buf_bytes(&r->key);
	if (b->open && b->front == segment && ks_due_add(&b->due, rec->time_ms, key) != 0)
		return no_memory(err);
	status = ks_store_put(r->store, b->partition, segment, key, sizeof(rec->time_ms) + ks_rec_size(rec), &v, err);
	if (status != 0)
		return status;
	memcpy(v.p, &rec->time_ms, sizeof(rec->time_ms));
	(void)ks_rec_put(v.p + sizeof(rec->time_ms), rec);
	b->arrivals++;
	b->changed = true;
	return 0;
}

/* The keys of a segment into their order. */
static int load(const struct ks_join_room *r, struct ks_join_buffer *b, int64_t segment, struct ks_err *err)
{
	struct ks_store_scan scan;
	struct ks_store_value v;
	struct ks_bytes key;
	int64_t time_ms;
	int no = 0, status = ks_store_scan_begin(r->store, b->partition, segment, &scan, err);

	if (status != 0)
		return status;
	while (no == 0 && status == 0 && ks_store_scan_next(&scan, &key, &v)) {
		if (v.n < sizeof(time_ms)) {
			status = damaged(b, err);
			break;
		}
		memcpy(&time_ms, v.p, sizeof(time_ms));
		if (time_ms > b->left_ms)
			no = ks_due_add(&b->due, time_ms, key);
	}
	ks_store_scan_end(&scan);
	b->front = segment;
	b->open = true;
	return no != 0 ? no_memory(err) : status;
}

/* The order is empty: the next segment, if something of it can be due; *more: there is one. */
static int turn(const struct ks_join_room *r, struct ks_join_buffer *b, bool all, bool *more, struct ks_err *err)
{
	int64_t last = segment_of(r, due_ms(r, b)), next;

	if (b->open && (all || b->front < last)) {
		ks_store_drop(r->store, b->partition, b->front);
		b->open = false;
	}
	*more = !b->open && ks_store_next_segment(r->store, b->partition, r->first - 1, &next) && (all || next <= last);
	return *more ? load(r, b, next, err) : 0;
}

static int read_frame(const struct ks_join_room *r, const struct ks_join_buffer *b, struct ks_bytes frame, struct ks_rec *rec,
    struct ks_err *err)
{
	struct ks_bytes payload;
	size_t n;
	int type;

	/* There was room for the largest that it might have been. */
	if (ks_frame_split(frame, SIZE_MAX, &type, &payload, &n) != KS_FRAME_WHOLE || ks_rec_parse(payload, r->limits, rec) != NULL)
		return damaged(b, err);
	rec->frame = ks_bytes(NULL, 0);		/* it does not live as long as one that came in */
	return 0;
}

int ks_join_buffer_take(struct ks_join_room *r, struct ks_join_buffer *b, bool all, struct ks_rec *rec, bool *more,
    struct ks_err *err)
{
	struct ks_store_value v;
	struct ks_bytes key;
	int64_t time_ms;
	int status = 0;

	*more = true;
	while (status == 0 && *more && !(b->open && ks_due_first(&b->due, &time_ms, &key)))
		status = turn(r, b, all, more, err);
	if (status == 0 && *more && !all && time_ms > due_ms(r, b))
		*more = false;
	if (status != 0 || !*more)
		return status;
	status = ks_store_get(r->store, b->partition, b->front, key, &v, err);
	if (status != 0)
		return status;
	if (v.p == NULL || v.n < sizeof(time_ms))
		return damaged(b, err);
	r->taken.n = 0;
	if (ks_buf_add(&r->taken, v.p + sizeof(time_ms), v.n - sizeof(time_ms)) != 0)
		return no_memory(err);
	ks_due_pop(&b->due);
	return read_frame(r, b, ks_buf_bytes(&r->taken), rec, err);
}

int64_t ks_join_buffer_earliest(const struct ks_join_room *r, const struct ks_join_buffer *b)
{
	int64_t segment, time_ms, due = due_ms(r, b);
	struct ks_bytes key;

	if (b->open && ks_due_first(&b->due, &time_ms, &key))
		return time_ms;
	if (!ks_store_next_segment(r->store, b->partition, b->open ? b->front : r->first - 1, &segment))
		return INT64_MAX;
	/* Of a segment that has not been looked into it is known where it begins; and what waits is not due. */
	segment += before_all(r) - r->first;
	time_ms = segment > INT64_MIN / r->width_ms ? segment * r->width_ms : INT64_MIN;
	return time_ms > due ? time_ms : due + 1;
}

int ks_join_buffer_read(const struct ks_join_room *r, const struct ks_join_buffer *b, struct ks_store_value v, struct ks_rec *rec,
    bool *left, struct ks_err *err)
{
	int64_t time_ms;

	if (v.n < sizeof(time_ms))
		return damaged(b, err);
	memcpy(&time_ms, v.p, sizeof(time_ms));
	*left = time_ms <= due_ms(r, b);
	return read_frame(r, b, ks_bytes(v.p + sizeof(time_ms), v.n - sizeof(time_ms)), rec, err);
}
