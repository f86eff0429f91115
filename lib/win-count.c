/* SPDX-License-Identifier: MIT */
/*
 * win-count.c - the last so many records of a key, by arrival.
 *
 * A result is due with every step-th record of the key; it is of the last
 * count of them, or of all while there are fewer.  What is kept of a key is
 * a ring of panes: each the state of as many records as divide both count
 * and step, with the times of its first and last.
 */
#include "win.h"

#include <errno.h>

#define SEGMENT INT64_C(0)

/* In the store; behind it panes, the oldest first, each a head and its state. */
struct ring {
	uint64_t seen;		/* records of the key */
	uint32_t used;		/* bytes in all */
	uint32_t panes;
};

struct pane {
	int64_t first_ms, last_ms;	/* times of its records, by arrival */
	uint32_t records;
	uint32_t n;			/* bytes of state, a multiple of 8 */
};

static uint32_t pane_size(const struct ks_win *w)
{
	uint32_t a = w->spec.count, b = w->spec.step, c;

	for (; b != 0; a = b, b = c)
		c = a % b;
	return a;
}

static int result_of(struct ks_win *w, int no)
{
	if (no == 0)
		return 0;
	return no == ENOMEM ? ks_win_no_memory(w) : ks_win_too_long(w);
}

/* A pane with the state that is in the scratch, to the list that is being made. */
static int add(struct ks_win *w, const struct pane *of)
{
	struct pane p = *of;
	size_t n = w->scratch.block.n, room = (n + 7) & ~(size_t)7;
	int no;

	if (n > UINT32_MAX - 8)
		return ks_win_too_long(w);
	p.n = (uint32_t)room;
	no = ks_buf_add(&w->list, &p, sizeof(p));
	if (no == 0)
		no = ks_buf_add(&w->list, w->scratch.block.p, n);
	if (no == 0)
		no = ks_buf_add(&w->list, "\0\0\0\0\0\0\0", room - n);
	return result_of(w, no);
}

static const struct pane *pane_at(const struct ks_buf *b, size_t at)
{
	return (const struct pane *)(const void *)(b->p + at);
}

/* The ring of a key, in w->old: without panes if the key is new. */
static int get(struct ks_win *w, const struct ks_win_part *part, struct ks_bytes key)
{
	struct ring none = { .used = sizeof(none) };
	struct ks_store_value v;
	int status = ks_store_get(w->store, part->partition, SEGMENT, key, &v, w->run->err);

	w->old.n = 0;
	if (status != 0)
		return status;
	if (v.p == NULL)
		return result_of(w, ks_buf_add(&w->old, &none, sizeof(none)));
	return result_of(w, ks_buf_add(&w->old, v.p, ((const struct ring *)(const void *)v.p)->used));
}

/* The new ring in w->list: one record more, and no pane that is older than the last count of records. */
static int turn(struct ks_win *w, const struct ks_rec *rec, bool *taken)
{
	struct ring ring = *(const struct ring *)(const void *)w->old.p;
	struct pane p = { .first_ms = rec->time_ms };
	uint32_t size = pane_size(w), kept = w->spec.count / size, skip;
	bool begins = ring.seen % size == 0;
	size_t at = sizeof(ring), last = at;
	int status;

	skip = begins && ring.panes == kept ? 1 : 0;
	ring.panes = ring.panes + begins - skip;
	ring.seen++;
	w->list.n = 0;
	status = result_of(w, ks_buf_add(&w->list, &ring, sizeof(ring)));
	for (; at < w->old.n; at += sizeof(p) + pane_at(&w->old, at)->n)
		last = at;
	for (at = sizeof(ring); at < w->old.n && status == 0; at += sizeof(p) + pane_at(&w->old, at)->n) {
		if ((skip > 0 && at == sizeof(ring)) || (!begins && at == last))
			continue;
		status = result_of(w, ks_buf_add(&w->list, pane_at(&w->old, at), sizeof(p) + pane_at(&w->old, at)->n));
	}
	if (status != 0)
		return status;
	if (begins) {
		status = ks_win_scratch_begin(w, NULL, 0);
	} else {
		p = *pane_at(&w->old, last);
		status = ks_win_scratch_begin(w, w->old.p + last + sizeof(p), p.n);
	}
	p.last_ms = rec->time_ms;
	p.records++;
	if (status == 0)
		status = ks_win_try(w, rec, begins ? NULL : w->scratch.block.p, taken);
	if (status == 0 && *taken)
		status = ks_win_scratch_apply(w, rec);
	return status != 0 || !*taken ? status : add(w, &p);
}

/* All panes of a ring, merged in the scratch. */
static int merge(struct ks_win *w, const struct ks_buf *b, struct ks_window *at)
{
	const struct pane *p = NULL;
	size_t i = sizeof(struct ring);
	int status = 0;

	at->start_ms = pane_at(b, i)->first_ms;
	for (; i < b->n && status == 0; i += sizeof(*p) + p->n) {
		p = pane_at(b, i);
		if (i == sizeof(struct ring))
			status = ks_win_scratch_begin(w, b->p + i + sizeof(*p), p->n);
		else
			status = ks_win_scratch_merge(w, b->p + i + sizeof(*p), p->n);
		at->end_ms = p->last_ms;
	}
	return status;
}

static int put(struct ks_win *w, const struct ks_win_part *part, struct ks_bytes key)
{
	struct ks_store_value v;
	int status;

	((struct ring *)(void *)w->list.p)->used = (uint32_t)w->list.n;
	status = ks_store_put(w->store, part->partition, SEGMENT, key, w->list.n, &v, w->run->err);
	if (status == 0)
		memcpy(v.p, w->list.p, w->list.n);
	return status;
}

static int record(struct ks_win *w, struct ks_win_part *part, struct ks_rec *rec)
{
	struct ks_window at;
	struct ks_bytes key;
	bool loaded;
	int status = ks_win_enter(w, part, rec, &key);

	if (status == 0)
		status = ks_win_load(w, rec, &loaded);
	if (status != 0 || !loaded)
		return status;
	status = get(w, part, key);
	if (status == 0)
		status = turn(w, rec, &loaded);
	if (status != 0 || !loaded)
		return status;
	ks_folded(w->run);
	status = put(w, part, key);
	if (status != 0 || ((const struct ring *)(const void *)w->list.p)->seen % w->spec.step != 0)
		return status;
	status = merge(w, &w->list, &at);
	if (status != 0)
		return status;
	return ks_win_show(w, part, rec, &at, key, w->scratch.block.p);
}

int ks_win_counted_show(struct ks_win *w, const unsigned char *ring, struct ks_window *at)
{
	w->old.n = 0;
	if (ks_buf_add(&w->old, ring, ((const struct ring *)(const void *)ring)->used) != 0)
		return ks_win_no_memory(w);
	return merge(w, &w->old, at);
}

/* At the end those that are not full, where results are final. */
static int retire(struct ks_win *w, struct ks_win_part *part, bool all)
{
	struct ks_store_scan scan;
	struct ks_store_value v;
	struct ks_window at;
	struct ks_bytes key;
	int status;

	part->closing_ms = INT64_MAX;
	if (!all)
		return 0;
	status = ks_store_scan_begin(w->store, part->partition, SEGMENT, &scan, w->run->err);
	while (w->spec.emit == KS_WIN_CLOSE && status == 0 && ks_store_scan_next(&scan, &key, &v)) {
		struct ring ring = *(const struct ring *)(const void *)v.p;

		if (ring.seen % w->spec.step == 0)
			continue;
		status = ks_win_counted_show(w, v.p, &at);
		if (status == 0)
			status = ks_win_result(w, part, &at, key, w->scratch.block.p);
	}
	ks_store_scan_end(&scan);
	ks_store_drop(w->store, part->partition, SEGMENT);
	return status;
}

static int64_t open_from(struct ks_win *w, const struct ks_win_part *part)
{
	int64_t segment;

	return ks_store_next_segment(w->store, part->partition, -1, &segment) ? 0 : INT64_MAX;
}

static const char *check(struct ks_win *w)
{
	if (w->spec.emit != KS_WIN_UPDATE && w->spec.emit != KS_WIN_CLOSE)
		return "--count-window emits when its records are there: --emit update or close";
	return pane_size(w) == w->spec.count ? NULL : ks_fold_cannot_merge(&w->fold);
}

const struct ks_win_shape ks_win_counted = {
	.kind = KS_KEY_SESSION, .check = check, .record = record, .retire = retire, .open_from = open_from,
};
