/* SPDX-License-Identifier: MIT */
/*
 * win-panes.c - hopping windows that are emitted once, and share what they
 * have in common.
 *
 * A pane is as long as the greatest time that divides size and advance: no
 * window ends within one.  A record goes into its pane alone, and the panes
 * of a window are merged when it closes.  For aggregates only whose states
 * of parts, merged, do not tell in which order records came.
 *
 * Segments are panes.  Which windows were emitted follows from time alone:
 * all that have closed.
 */
#include "win-time.h"

/* How an aggregate makes its state longer while panes are merged. */
struct room {
	struct ks_agg_block block;	/* first: grow is given this */
	struct ks_win *w;
	struct ks_bytes key;
};

static int grow_merged(struct ks_agg_block *b, size_t n)
{
	struct room *r = (struct room *)(void *)b;
	struct ks_store_value v;
	int status = ks_store_put(r->w->merged, 0, 0, r->key, n, &v, r->w->run->err);

	if (status == 0) {
		b->p = v.p;
		b->n = v.n;
	}
	return status;
}

static int record(struct ks_win *w, struct ks_win_part *part, struct ks_rec *rec)
{
	int64_t offset, size = w->spec.window.size_ms;
	struct ks_win_state state;
	struct ks_window at;
	struct ks_bytes key;
	int64_t last;
	uint64_t late = 0;
	bool loaded, fresh;
	int status;

	status = ks_win_span(w, part, rec, &at.start_ms, &last);
	if (status != 0 || last < 0)
		return status;
	status = ks_win_remember(w, part, rec);
	if (status == 0)
		status = ks_win_plain_key(w, rec->key, &key);
	ks_win_advance(part, rec->time_ms);
	for (; status == 0 && at.start_ms <= last && at.start_ms + size <= ks_win_close_time(w, part); late++) {
		at.end_ms = at.start_ms + size;
		status = ks_win_late(w, part, rec, &at);
		at.start_ms += w->spec.window.advance_ms;
	}
	if (status != 0 || at.start_ms > last) {
		if (late > 1)
			ks_made(w->run, late - 1);
		return status;
	}
	if (late > 0) {
		/* It has not moved time, so windows that refuse it are dealt with: it must not come to them by its pane. */
		part->emitted_ms = ks_win_close_time(w, part);
		ks_made(w->run, late);
	}
	offset = w->spec.window.offset_ms;
	last = (rec->time_ms - offset) / w->pane_ms * w->pane_ms + offset;
	status = ks_win_load(w, rec, &loaded);
	if (status == 0 && loaded)
		status = ks_win_try_at(w, part, last, key, rec, &loaded);
	if (status != 0 || !loaded)
		return status;
	ks_folded(w->run);
	if (at.start_ms + size < part->closing_ms)
		part->closing_ms = at.start_ms + size;
	return ks_win_apply(w, part, last, key, rec, &state, &fresh);
}

/* The entries of a pane go to those of the panes before it. */
static int merge_pane(struct ks_win *w, struct ks_win_part *part, int64_t pane)
{
	struct room room = { .block.grow = grow_merged, .w = w };
	struct ks_store_value from, into;
	struct ks_win_head *head;
	struct ks_store_scan scan;
	int status;

	status = ks_store_scan_begin(w->store, part->partition, pane, &scan, w->run->err);
	while (status == 0 && ks_store_scan_next(&scan, &room.key, &from)) {
		status = ks_store_put(w->merged, 0, 0, room.key, w->fold.state_n, &into, w->run->err);
		if (status != 0)
			break;
		head = (struct ks_win_head *)(void *)into.p;
		if (((const struct ks_win_head *)(const void *)from.p)->time_ms > head->time_ms)
			head->time_ms = ((const struct ks_win_head *)(const void *)from.p)->time_ms;
		room.block.p = into.p;
		room.block.n = into.n;
		status = ks_win_merged(w, ks_fold_merge(&w->fold, &room.block, from.p, from.n));
	}
	ks_store_scan_end(&scan);
	return status;
}

static int emit_window(struct ks_win *w, struct ks_win_part *part, const struct ks_window *at)
{
	struct ks_store_scan scan;
	struct ks_store_value v;
	struct ks_bytes key;
	int64_t pane = at->start_ms - 1;
	int status = 0;

	while (status == 0 && ks_store_next_segment(w->store, part->partition, pane, &pane) && pane < at->end_ms)
		status = merge_pane(w, part, pane);
	if (status != 0)
		return status;
	status = ks_store_scan_begin(w->merged, 0, 0, &scan, w->run->err);
	while (status == 0 && ks_store_scan_next(&scan, &key, &v))
		status = ks_win_result(w, part, at, key, v.p);
	ks_store_scan_end(&scan);
	ks_store_drop(w->merged, 0, 0);
	return status;
}

/* The first window that holds a pane and was not emitted. */
static int64_t next_start(const struct ks_win *w, const struct ks_win_part *part, int64_t pane)
{
	int64_t size = w->spec.window.size_ms, advance = w->spec.window.advance_ms, offset = w->spec.window.offset_ms;
	int64_t behind = pane - size > part->emitted_ms - size ? pane - size : part->emitted_ms - size;

	return behind < offset ? offset : (behind - offset) / advance * advance + advance + offset;
}

static int retire(struct ks_win *w, struct ks_win_part *part, bool all)
{
	int64_t close_ms = ks_win_close_time(w, part), pane;
	struct ks_window at;
	int status = 0;

	part->closing_ms = INT64_MAX;
	ks_win_realign(w, part);
	while (status == 0 && ks_store_next_segment(w->store, part->partition, -1, &pane)) {
		at.start_ms = next_start(w, part, pane);
		at.end_ms = at.start_ms + w->spec.window.size_ms;
		if (!all && at.end_ms > close_ms) {
			part->closing_ms = at.end_ms;
			break;
		}
		status = emit_window(w, part, &at);
		part->emitted_ms = at.end_ms;
		while (ks_store_next_segment(w->store, part->partition, -1, &pane) &&
		    pane < at.start_ms + w->spec.window.advance_ms)
			ks_store_drop(w->store, part->partition, pane);
	}
	return status;
}

static int64_t gcd(int64_t a, int64_t b)
{
	return b == 0 ? a : gcd(b, a % b);
}

bool ks_win_can_pane(const struct ks_win *w)
{
	const struct ks_window_spec *win = &w->spec.window;

	return w->spec.shape == &ks_win_hop && w->spec.emit == KS_WIN_CLOSE && win->advance_ms < win->size_ms &&
	    win->size_ms / gcd(win->size_ms, win->advance_ms) <= 1024 && ks_fold_by_parts(&w->fold) &&
	    ks_fold_any_order(&w->fold);
}

static const char *check(struct ks_win *w)
{
	w->panes = true;
	w->pane_ms = gcd(w->spec.window.size_ms, w->spec.window.advance_ms);
	return NULL;
}

const struct ks_win_shape ks_win_paned = {
	.kind = KS_KEY_WINDOW, .check = check, .record = record, .retire = retire, .open_from = ks_win_oldest_segment,
};
