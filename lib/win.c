/* SPDX-License-Identifier: MIT */
/*
 * win.c - kstream-window's engine: partitions and their times, which
 * records are windowed at all, and states.
 *
 * Refuses records without a time (unless the shape needs none), and those
 * whose key was changed since they were partitioned.
 */
#include "win.h"

#include <errno.h>
#include <stdlib.h>

#include "fdio.h"
#include "run-store.h"

#define SAVED_FIXED 40
static const unsigned char saved_key[] = "window";

int ks_win_no_memory(struct ks_win *w)
{
	return ks_fail_errno(w->run->err, KS_TEMP, ENOMEM, "cannot keep a window");
}

int ks_win_too_long(struct ks_win *w)
{
	return ks_fail(w->run->err, KS_DATA, "the state of a window passes 4 GiB");
}

static int open_store(struct ks_win *w)
{
	struct ks_win_part *part;
	struct ks_buf text;
	int32_t partition;
	int64_t after;
	int status;

	ks_buf_init(&text, KS_RECORD_MAX);
	if (ks_win_fingerprint(w, &text) != 0)
		status = ks_win_no_memory(w);
	else
		status = ks_run_store(w->run, w->memory, (const char *)text.p, &w->store);
	ks_buf_release(&text);
	if (status == 0 && w->panes)
		status = ks_store_open(&w->merged, (uintptr_t)w->store, w->run->err);
	ks_win_suppress_open(w);
	/* What is kept of a partition of which no record comes any more is emitted, too. */
	for (after = -2; status == 0 && ks_store_next_partition(w->store, after, &partition); after = partition)
		status = ks_win_part_of(w, partition, &part);
	return status;
}

static void free_part(struct ks_win_part *part)
{
	ks_buf_release(&part->topic);
	ks_buf_release(&part->route);
	ks_buf_release(&part->keys);
	ks_waiting_release(&part->waiting);
	free(part->dues);
	free(part);
}

static void close_store(struct ks_win *w)
{
	size_t i;

	for (i = 0; i < w->count; i++)
		free_part(w->parts[i]);
	w->count = 0;
	w->last = NULL;
	w->now = (struct ks_window){ 0, 0 };
	ks_store_close(w->merged);
	ks_store_close(w->store);
	w->merged = w->store = NULL;
}

int ks_win_open(struct ks_win *w, struct ks_run *run)
{
	size_t key = 2 * run->limits->key + 128;

	w->run = run;
	ks_buf_init(&w->plain, key);
	ks_buf_init(&w->key, key);
	ks_buf_init(&w->out, run->limits->record);
	ks_buf_init(&w->order, key);
	ks_buf_init(&w->list, UINT32_MAX);
	ks_buf_init(&w->old, UINT32_MAX);
	ks_buf_init(&w->made, UINT32_MAX);
	ks_buf_init(&w->rows, UINT32_MAX);
	ks_buf_init(&w->gone, SIZE_MAX / 2);
	ks_waiting_room_init(&w->room);
	ks_buf_init(&w->scratch.bytes, UINT32_MAX);
	return ks_win_late_open(w);
}

int ks_win_hello(struct ks_win *w, struct ks_run *run)
{
	ks_future_begin(&w->spec.future, run->live, !w->timeless);
	if (w->store != NULL && !w->finished && !run->app)
		return 0;
	w->finished = false;
	close_store(w);
	return open_store(w);
}

/* What is known of a partition beside its windows: numbers, then topic and route. */
static int save(struct ks_win *w, struct ks_win_part *part)
{
	size_t n = SAVED_FIXED + 8 + part->topic.n + part->route.n;
	struct ks_store_value v;
	unsigned char *p;
	int status;

	status = ks_store_put(w->store, part->partition, KS_STORE_META, ks_bytes(saved_key, sizeof(saved_key)), n,
	    &v, w->run->err);
	if (status != 0)
		return status;
	p = v.p;
	ks_put64(p, (uint64_t)part->stream_ms);
	ks_put64(p + 8, (uint64_t)part->align_ms);
	ks_put64(p + 16, (uint64_t)part->put_ms);
	ks_put64(p + 24, (uint64_t)part->buffer_ms);
	ks_put64(p + 32, part->aligned);
	ks_put32(p + SAVED_FIXED, (uint32_t)part->topic.n);
	ks_put32(p + SAVED_FIXED + 4, (uint32_t)part->route.n);
	p += SAVED_FIXED + 8;
	if (part->topic.n > 0)
		memcpy(p, part->topic.p, part->topic.n);
	if (part->route.n > 0)
		memcpy(p + part->topic.n, part->route.p, part->route.n);
	part->changed = false;
	return 0;
}

static int load(struct ks_win *w, struct ks_win_part *part)
{
	struct ks_store_value v;
	size_t topic, route;
	int status;

	status = ks_store_get(w->store, part->partition, KS_STORE_META, ks_bytes(saved_key, sizeof(saved_key)), &v,
	    w->run->err);
	if (status != 0 || v.p == NULL)
		return status;
	topic = v.n < SAVED_FIXED + 8 ? SIZE_MAX / 4 : ks_get32(v.p + SAVED_FIXED);
	route = v.n < SAVED_FIXED + 8 ? SIZE_MAX / 4 : ks_get32(v.p + SAVED_FIXED + 4);
	if (v.n < SAVED_FIXED + 8 + topic + route)
		return ks_fail(w->run->err, KS_CONFIG, "the state of partition %d is damaged", part->partition);
	part->stream_ms = (int64_t)ks_get64(v.p);
	part->align_ms = (int64_t)ks_get64(v.p + 8);
	part->put_ms = (int64_t)ks_get64(v.p + 16);
	part->buffer_ms = (int64_t)ks_get64(v.p + 24);
	part->aligned = ks_get64(v.p + 32) != 0;
	part->closing_ms = INT64_MIN;
	part->emitted_ms = ks_win_close_time(w, part);
	if (ks_buf_add(&part->topic, v.p + SAVED_FIXED + 8, topic) != 0 ||
	    ks_buf_add(&part->route, v.p + SAVED_FIXED + 8 + topic, route) != 0)
		return ks_win_no_memory(w);
	return 0;
}

static int make_part(struct ks_win *w, int32_t partition, size_t at, struct ks_win_part **out)
{
	struct ks_win_part **parts, *part;
	size_t cap = w->cap == 0 ? 8 : w->cap * 2;
	int status;

	if (w->count == w->cap) {
		parts = reallocarray(w->parts, cap, sizeof(struct ks_win_part *));
		if (parts == NULL)
			return ks_win_no_memory(w);
		w->parts = parts;
		w->cap = cap;
	}
	part = malloc(sizeof(*part));
	if (part == NULL)
		return ks_win_no_memory(w);
	*part = (struct ks_win_part){ .partition = partition, .stream_ms = -1, .closing_ms = INT64_MAX, .put_ms = -1,
		.buffer_ms = -1, .emitted_ms = -1 };
	ks_buf_init(&part->topic, KS_RECORD_MAX);
	ks_buf_init(&part->route, KS_RECORD_MAX);
	ks_buf_init(&part->keys, UINT32_MAX);
	ks_waiting_init(&part->waiting);
	status = load(w, part);
	if (status == 0 && w->spec.emit == KS_WIN_EVERY)
		status = ks_waiting_recover(&w->room, &part->waiting, partition, w->run->err);
	if (status != 0) {
		free_part(part);
		return status;
	}
	memmove(w->parts + at + 1, w->parts + at, (w->count - at) * sizeof(struct ks_win_part *));
	w->parts[at] = *out = part;
	w->count++;
	return 0;
}

/* Another partition than the last call's: out of line, records come in runs. */
static __attribute__((noinline)) int find_part(struct ks_win *w, int32_t partition, struct ks_win_part **part)
{
	size_t low = 0, high = w->count, middle;
	int status;

	while (low < high) {
		middle = (low + high) / 2;
		if (w->parts[middle]->partition < partition)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < w->count && w->parts[low]->partition == partition) {
		*part = w->parts[low];
	} else {
		status = make_part(w, partition, low, part);
		if (status != 0)
			return status;
	}
	w->last = *part;
	if (w->spec.align_first)
		w->now = (struct ks_window){ 0, 0 };	/* it was of the other partition's alignment */
	return 0;
}

int ks_win_part_of(struct ks_win *w, int32_t partition, struct ks_win_part **part)
{
	if (KS_LIKELY(w->last != NULL && w->last->partition == partition)) {
		*part = w->last;
		return 0;
	}
	return find_part(w, partition, part);
}

static int set_name(struct ks_win *w, struct ks_win_part *part, struct ks_buf *name, struct ks_bytes now)
{
	name->n = 0;
	part->changed = true;
	return ks_buf_add(name, now.p, now.n) == 0 ? 0 : ks_win_no_memory(w);
}

int ks_win_rename(struct ks_win *w, struct ks_win_part *part, const struct ks_rec *rec)
{
	int status = 0;

	if (!ks_bytes_eq(ks_buf_bytes(&part->topic), rec->topic))
		status = set_name(w, part, &part->topic, rec->topic);
	if (status == 0 && !ks_bytes_eq(ks_buf_bytes(&part->route), rec->route))
		status = set_name(w, part, &part->route, rec->route);
	return status;
}

static int refuse(struct ks_win *w, const struct ks_rec *rec)
{
	if ((rec->flags & KS_KEY_CHANGED) != 0)
		return ks_fail(w->run->err, KS_CONFIG,
		    "the key was changed: pass the records through kstream-repartition first");
	return ks_fail(w->run->err, KS_CONFIG, "the records are changes of a table: windows hold events, --running rows");
}

/* What has changed goes out, all or where it has closed, and then what has closed may be forgotten. */
static int commit(struct ks_win *w, bool all)
{
	int status = all ? ks_win_commit_flush(w) : ks_win_commit_sweep(w);
	size_t i;

	for (i = 0; i < w->count && status == 0; i++)
		if (w->parts[i]->closing_ms <= ks_win_close_time(w, w->parts[i]))
			status = w->shape->retire(w, w->parts[i], false);
	return status;
}

/* Its windows are mostly those of the record before it. */
void ks_win_expect(struct ks_win *w, const struct ks_rec *rec, bool found)
{
	struct ks_bytes key;

	if (KS_LIKELY(w->store != NULL && !ks_mp_is_nil(rec->key)) && ks_state_key(&w->plain, rec->key, &key) == 0)
		ks_store_expect_again(w->store, key, found);
	w->expected = found;
}

int ks_win_record(struct ks_win *w, struct ks_run *run, struct ks_rec *rec)
{
	struct ks_win_part *part;
	int status;

	if (KS_UNLIKELY(ks_mp_is_nil(rec->key))) {
		ks_drop(run, "null key");
		ks_warn(run, "records without a key were dropped: --key EXPR gives one, where they are read");
		return 0;
	}
	if (KS_UNLIKELY((rec->flags & KS_KEY_CHANGED) != 0 || ((rec->flags & KS_CHANGE) != 0 && !w->shape->changes)))
		return refuse(w, rec);
	if (KS_UNLIKELY((rec->flags & KS_TIME_TYPE) == KS_TIME_NONE) && !w->timeless)
		return ks_reject(run, rec, "the record has no time: give --time to the tool that reads the source");
	if (ks_future_is(&w->spec.future, rec->time_ms))
		return ks_future_reject(run, rec);
	status = ks_win_part_of(w, rec->partition, &part);
	if (KS_LIKELY(status == 0))
		status = w->shape->record(w, part, rec);
	if (KS_UNLIKELY(status != 0))
		return status;
	if (w->spec.emit == KS_WIN_COMMIT)
		return KS_UNLIKELY(ks_win_commit_many(w)) ? commit(w, ks_win_commit_full(w)) : 0;
	return KS_UNLIKELY(part->closing_ms <= ks_win_close_time(w, part)) ? w->shape->retire(w, part, false) : 0;
}

int ks_win_mark(struct ks_win *w, struct ks_mark *m)
{
	struct ks_win_part *part;
	int64_t open_ms;
	int status;

	status = ks_win_part_of(w, m->partition, &part);
	if (status != 0 || ks_future_mark(&w->spec.future, m, part->stream_ms))
		return status;
	ks_win_advance(part, m->time_ms);
	if (w->spec.emit != KS_WIN_COMMIT && part->closing_ms <= ks_win_close_time(w, part))
		status = w->shape->retire(w, part, false);
	if (w->spec.emit == KS_WIN_UPDATE)
		return status;
	/* What is still to come bears the time of one of its records. */
	if (w->spec.emit == KS_WIN_EVERY && status == 0)
		status = ks_waiting_earliest(&w->room, &part->waiting, part->partition, &open_ms, w->run->err);
	else
		open_ms = w->spec.emit == KS_WIN_CLOSE ? w->shape->open_from(w, part) : ks_win_commit_from(w);
	if (open_ms < m->time_ms)
		m->time_ms = open_ms;
	return status;
}

int ks_win_barrier(struct ks_win *w, const struct ks_barrier *b)
{
	int status = 0;
	size_t i;

	if (w->store == NULL)
		return 0;
	if (w->spec.emit == KS_WIN_COMMIT)
		status = commit(w, true);
	for (i = 0; i < w->count && status == 0; i++)
		if (w->parts[i]->changed)
			status = save(w, w->parts[i]);
	if (status == 0)
		status = ks_win_late_sync(w);
	return status != 0 ? status : ks_store_commit(w->store, b, w->run->err);
}

/* Windows of which nothing more is emitted: dropped whole. */
static void forget(struct ks_win *w, struct ks_win_part *part)
{
	int64_t segment;

	while (ks_store_next_segment(w->store, part->partition, -1, &segment))
		ks_store_drop(w->store, part->partition, segment);
	part->loaded = false;
	part->due_count = 0;
	part->closing_ms = INT64_MAX;
}

int ks_win_finish(struct ks_win *w)
{
	int status = 0;
	size_t i;

	if (w->spec.emit == KS_WIN_COMMIT)
		status = ks_win_commit_flush(w);
	for (i = 0; i < w->count && status == 0; i++) {
		if (w->spec.emit == KS_WIN_CLOSE)
			status = w->shape->retire(w, w->parts[i], true);
		else
			forget(w, w->parts[i]);
		if (status == 0 && w->spec.emit == KS_WIN_EVERY)
			status = ks_win_suppress_rest(w, w->parts[i]);
	}
	w->finished = true;
	return status;
}

void ks_win_close(struct ks_win *w)
{
	ks_calendar_release(&w->spec.calendar);
	close_store(w);
	free(w->parts);
	ks_win_commit_free(w);
	ks_win_late_close(w);
	ks_buf_release(&w->scratch.bytes);
	ks_waiting_room_release(&w->room);
	ks_buf_release(&w->gone);
	ks_buf_release(&w->rows);
	ks_buf_release(&w->made);
	ks_buf_release(&w->old);
	ks_buf_release(&w->list);
	ks_buf_release(&w->order);
	ks_buf_release(&w->out);
	ks_buf_release(&w->key);
	ks_buf_release(&w->plain);
	ks_fold_release(&w->fold);
}
