/* SPDX-License-Identifier: MIT */
/*
 * win-suppress.c - --emit every: a result waits for so much event time
 * behind the first change that it has in it, and later ones of its key take
 * its place without beginning anew (Kafka Streams' suppress until a time
 * limit, semantics.md 3.4).
 *
 * In the store: a segment for each millisecond that results wait since,
 * where a key has what would go out; and one that tells since when a key's
 * result waits.  Both stand below the segments of windows.
 */
#include "win.h"

#include <errno.h>

#define SINCE_SEGMENT (KS_STORE_META + 1)
#define FIRST_SEGMENT (KS_STORE_META + 2)

/* What waits: time, flags, length of the key, and msgpack of key and value behind. */
#define WAITING_HEAD 20

static int64_t segment_of(int64_t since_ms)
{
	/* Times are 0 or more; the last two share a segment, lest it be that of a window. */
	return since_ms < INT64_MAX - 1 ? FIRST_SEGMENT + since_ms : -1;
}

/* Since when the oldest waits; false: none does. */
static bool oldest(struct ks_win *w, const struct ks_win_part *part, int64_t *segment)
{
	return part->buffered > 0 &&
	    ks_store_next_segment(w->store, part->partition, SINCE_SEGMENT, segment) && *segment < 0;
}

int64_t ks_win_held(struct ks_win *w, const struct ks_win_part *part)
{
	int64_t segment;

	return oldest(w, part, &segment) ? segment - FIRST_SEGMENT : INT64_MAX;
}

static int emit(struct ks_win *w, struct ks_win_part *part, const struct ks_store_value *v)
{
	size_t key = v->n < WAITING_HEAD ? SIZE_MAX / 4 : ks_get32(v->p + 12);
	size_t value = v->n < WAITING_HEAD ? SIZE_MAX / 4 : ks_get32(v->p + 16);

	if (WAITING_HEAD + key + value > v->n)
		return ks_fail(w->run->err, KS_CONFIG, "the state of partition %d is damaged", part->partition);
	return ks_win_put_out(w, part, ks_bytes(v->p + WAITING_HEAD, key), ks_bytes(v->p + WAITING_HEAD + key, value),
	    ks_get32(v->p + 8), (int64_t)ks_get64(v->p));
}

/* Emit those of a segment in the order of their keys, up to max of them. */
static int evict(struct ks_win *w, struct ks_win_part *part, int64_t segment, uint64_t max)
{
	struct ks_buf *gone = &w->gone;
	struct ks_store_scan scan;
	struct ks_store_value v;
	struct ks_bytes key;
	bool more = true;
	size_t at;
	int status;

	gone->n = 0;
	status = ks_store_scan_begin(w->store, part->partition, segment, &scan, w->run->err);
	while (status == 0 && max > 0 && (more = ks_store_scan_next(&scan, &key, &v))) {
		unsigned char n[4];

		ks_put32(n, (uint32_t)key.n);
		if (ks_buf_add(gone, n, 4) != 0 || ks_buf_add(gone, key.p, key.n) != 0)
			status = ks_win_no_memory(w);
		else
			status = emit(w, part, &v);
		max--;
		part->buffered--;
	}
	ks_store_scan_end(&scan);
	for (at = 0; at < gone->n && status == 0; at += 4 + key.n) {
		key = ks_bytes(gone->p + at + 4, ks_get32(gone->p + at));
		status = ks_store_delete(w->store, part->partition, SINCE_SEGMENT, key, w->run->err);
		if (status == 0 && more)
			status = ks_store_delete(w->store, part->partition, segment, key, w->run->err);
	}
	if (status == 0 && !more)
		ks_store_drop(w->store, part->partition, segment);
	return status;
}

static int keep(struct ks_win *w, struct ks_win_part *part, struct ks_bytes order, struct ks_bytes key,
    struct ks_bytes value, uint32_t flags, int64_t time_ms)
{
	int64_t since_ms = time_ms < 0 ? 0 : time_ms;
	struct ks_store_value v;
	int status;

	status = ks_store_put(w->store, part->partition, SINCE_SEGMENT, order, 16, &v, w->run->err);
	if (status != 0)
		return status;
	if (ks_get64(v.p + 8) != 0) {
		since_ms = (int64_t)ks_get64(v.p);
	} else {
		ks_put64(v.p, (uint64_t)since_ms);
		ks_put64(v.p + 8, 1);
		part->buffered++;
	}
	status = ks_store_put(w->store, part->partition, segment_of(since_ms), order, WAITING_HEAD + key.n + value.n, &v,
	    w->run->err);
	if (status != 0)
		return status;
	ks_put64(v.p, (uint64_t)time_ms);
	ks_put32(v.p + 8, flags);
	ks_put32(v.p + 12, (uint32_t)key.n);
	ks_put32(v.p + 16, (uint32_t)value.n);
	memcpy(v.p + WAITING_HEAD, key.p, key.n);
	memcpy(v.p + WAITING_HEAD + key.n, value.p, value.n);
	return 0;
}

int ks_win_suppress(struct ks_win *w, struct ks_win_part *part, struct ks_bytes order, struct ks_bytes key,
    struct ks_bytes value, uint32_t flags, int64_t time_ms)
{
	int64_t segment, since_ms;
	int status = keep(w, part, order, key, value, flags, time_ms);

	if (time_ms > part->buffer_ms)
		part->buffer_ms = time_ms;
	part->changed = true;
	while (status == 0 && oldest(w, part, &segment)) {
		since_ms = segment - FIRST_SEGMENT;
		if (since_ms > part->buffer_ms - w->spec.every_ms)
			break;
		status = evict(w, part, segment, UINT64_MAX);
	}
	while (status == 0 && w->spec.max_records > 0 && part->buffered > w->spec.max_records &&
	    oldest(w, part, &segment))
		status = evict(w, part, segment, part->buffered - w->spec.max_records);
	return status;
}

int ks_win_suppress_rest(struct ks_win *w, struct ks_win_part *part)
{
	int64_t segment;
	int status = 0;

	while (status == 0 && oldest(w, part, &segment))
		status = evict(w, part, segment, UINT64_MAX);
	return status;
}
