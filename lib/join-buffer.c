/* SPDX-License-Identifier: MIT */
/* join-buffer.c - a record's entry: its time, its key and the number of its arrival; its frame. */
#include "join-buffer.h"

#include <errno.h>

#include "store-look.h"

#define PARTS 16		/* segments of a grace */
#define WIDTH_MIN 1000		/* ms */
#define SHARE_MIN ((size_t)16 << 10)	/* bytes of keys of a partition, however many there are */
#define FIND_PART 8			/* of them, those that are looked for at once: all that is in memory is looked at each time, */
#define LOAD_PART 4			/* and those that are loaded, so that others have room before them; */
#define FULL_PART 2			/* the heap may be twice as large as what is in it */
#define ARRIVAL 8u

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

void ks_join_room_init(struct ks_join_room *r, struct ks_store *store, int64_t first, int64_t grace_ms, size_t memory,
    const struct ks_limits *limits)
{
	*r = (struct ks_join_room){ .store = store, .first = first, .grace_ms = grace_ms, .width_ms = grace_ms / PARTS, .limits = limits,
		.memory = memory };
	if (r->width_ms < WIDTH_MIN)
		r->width_ms = WIDTH_MIN;
	ks_buf_init(&r->key, SIZE_MAX / 4);
	ks_buf_init(&r->taken, SIZE_MAX / 4);
	ks_buf_init(&r->keys, SIZE_MAX / 4);
	ks_buf_init(&r->to, SIZE_MAX / 4);
}

void ks_join_room_release(struct ks_join_room *r)
{
	ks_buf_release(&r->key);
	ks_buf_release(&r->taken);
	ks_buf_release(&r->keys);
	ks_buf_release(&r->to);
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

int ks_join_buffer_open(struct ks_join_room *r, struct ks_join_buffer *b, int32_t partition, struct ks_err *err)
{
	struct ks_store_value v;
	struct facts f;
	int status;

	*b = (struct ks_join_buffer){ .partition = partition, .time_ms = -1, .left_ms = INT64_MIN };
	ks_due_init(&b->due);
	ks_buf_init(&b->bound, SIZE_MAX / 4);
	ks_buf_init(&b->left, SIZE_MAX / 4);
	r->count++;
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
	ks_buf_release(&b->bound);
	ks_buf_release(&b->left);
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

/* As bytes, in the order of times. */
static void put_time(unsigned char *p, int64_t time_ms)
{
	ks_put64(p, (uint64_t)time_ms ^ (uint64_t)1 << 63);
}

static int64_t time_of(struct ks_bytes key)
{
	return (int64_t)(ks_get64(key.p) ^ (uint64_t)1 << 63);
}

/* How much of the keys' memory is a partition's. */
static size_t share_of(const struct ks_join_room *r)
{
	size_t share = r->memory / (r->count > 0 ? r->count : 1);

	return share > SHARE_MIN ? share : SHARE_MIN;
}

/* Memory gets too many: what was taken last is where the store is looked at anew. */
static int forget(struct ks_join_buffer *b)
{
	ks_due_release(&b->due);
	b->cut = true;
	b->bound.n = 0;
	return ks_buf_add(&b->bound, b->left.p, b->left.n);
}

/* A key of the first segment that has just been put into the store. */
static int expect(const struct ks_join_room *r, struct ks_join_buffer *b, int64_t time_ms, struct ks_bytes key)
{
	int no;

	/* What is behind the bound comes with it. */
	if (b->cut && ks_bytes_cmp(key, ks_buf_bytes(&b->bound)) > 0)
		return 0;
	no = ks_due_add(&b->due, time_ms, key);
	return no == 0 && ks_due_bytes(&b->due) > share_of(r) / FULL_PART ? forget(b) : no;
}

int ks_join_buffer_put(struct ks_join_room *r, struct ks_join_buffer *b, struct ks_bytes key, const struct ks_rec *rec,
    struct ks_err *err)
{
	int64_t segment = segment_of(r, rec->time_ms);
	unsigned char time[KS_JOIN_BUFFER_BEFORE], arrival[ARRIVAL];
	struct ks_store_value v;
	int status;

	/* No key is the beginning of another: they are whole msgpack values. */
	put_time(time, rec->time_ms);
	ks_put64(arrival, (uint64_t)b->arrivals);
	r->key.n = 0;
	if (ks_buf_add(&r->key, time, sizeof(time)) != 0 || ks_buf_add(&r->key, key.p, key.n) != 0 ||
	    ks_buf_add(&r->key, arrival, sizeof(arrival)) != 0)
		return no_memory(err);
	key = ks_buf_bytes(&r->key);
	status = ks_store_put(r->store, b->partition, segment, key, ks_rec_size(rec), &v, err);
	if (status != 0)
		return status;
	(void)ks_rec_put(v.p, rec);
	if (b->open && b->front == segment && expect(r, b, rec->time_ms, key) != 0)
		return no_memory(err);
	b->arrivals++;
	b->changed = true;
	return 0;
}

/* What was found behind the bound, as far as there is room; *full: there was not enough. */
static int take_keys(const struct ks_join_room *r, struct ks_join_buffer *b, bool *full, struct ks_err *err)
{
	struct ks_bytes key;
	size_t at;

	*full = false;
	for (at = 0; at < r->keys.n && !*full; at += 4 + key.n) {
		key = ks_bytes(r->keys.p + at + 4, ks_get32(r->keys.p + at));
		if (key.n < KS_JOIN_BUFFER_BEFORE + ARRIVAL)
			return damaged(b, err);
		*full = b->due.count > 0 && ks_due_bytes(&b->due) + key.n + 16 > share_of(r) / LOAD_PART;
		if (*full)
			break;
		b->bound.n = 0;
		if (ks_due_add(&b->due, time_of(key), key) != 0 || ks_buf_add(&b->bound, key.p, key.n) != 0)
			return no_memory(err);
	}
	return 0;
}

/* The next keys of the segment into memory: there may be none. */
static int load(struct ks_join_room *r, struct ks_join_buffer *b, struct ks_err *err)
{
	bool more = true, full = false;
	int status = 0;

	while (status == 0 && more && b->due.count == 0) {
		status = ks_store_keys_some(r->store, b->partition, b->front, b->bound.n > 0 ? &b->bound : NULL, share_of(r) / FIND_PART,
		    &r->keys, &r->to, &more, err);
		if (status == 0)
			status = take_keys(r, b, &full, err);
		if (status != 0 || full)
			break;
		b->bound.n = 0;
		if (more && ks_buf_add(&b->bound, r->to.p, r->to.n) != 0)
			return no_memory(err);
	}
	b->cut = full || more;
	return status;
}

/* The first segment that has not left begins, behind what has. */
static int begin(struct ks_join_room *r, struct ks_join_buffer *b, int64_t segment, struct ks_err *err)
{
	unsigned char time[KS_JOIN_BUFFER_BEFORE];

	b->front = segment;
	b->open = true;
	b->bound.n = b->left.n = 0;
	/* Of the times behind it all keys are larger than the time alone. */
	if (b->left_ms > INT64_MIN && b->left_ms < INT64_MAX) {
		put_time(time, b->left_ms + 1);
		if (ks_buf_add(&b->bound, time, sizeof(time)) != 0 || ks_buf_add(&b->left, time, sizeof(time)) != 0)
			return no_memory(err);
	}
	return load(r, b, err);
}

/* Memory has no key: the next ones of the segment, or of the next one, if something of it can be due; *more: there are some. */
static int turn(struct ks_join_room *r, struct ks_join_buffer *b, bool all, bool *more, struct ks_err *err)
{
	int64_t last = segment_of(r, due_ms(r, b)), next;

	if (b->open && b->cut)
		return load(r, b, err);
	if (b->open && (all || b->front < last)) {
		ks_store_drop(r->store, b->partition, b->front);
		b->open = false;
	}
	*more = !b->open && ks_store_next_segment(r->store, b->partition, r->first - 1, &next) && (all || next <= last);
	return *more ? begin(r, b, next, err) : 0;
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
	if (v.p == NULL)
		return damaged(b, err);
	r->taken.n = b->left.n = 0;
	if (ks_buf_add(&r->taken, v.p, v.n) != 0 || ks_buf_add(&b->left, key.p, key.n) != 0)
		return no_memory(err);
	ks_due_pop(&b->due);
	status = read_frame(r, b, ks_buf_bytes(&r->taken), rec, err);
	return status == 0 && rec->time_ms != time_ms ? damaged(b, err) : status;
}

int64_t ks_join_buffer_earliest(const struct ks_join_room *r, const struct ks_join_buffer *b)
{
	int64_t segment, time_ms, due = due_ms(r, b);
	struct ks_bytes key;

	if (b->open && ks_due_first(&b->due, &time_ms, &key))
		return time_ms;
	if (b->open && b->cut)
		return due + 1;
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
	int status = read_frame(r, b, ks_bytes(v.p, v.n), rec, err);

	*left = status == 0 && rec->time_ms <= due_ms(r, b);
	return status;
}
