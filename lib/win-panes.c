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

/* The pane that holds a record, in w->now, and the windows that all of it is in. */
static int find_pane(struct ks_win *w, struct ks_win_part *part, const struct ks_rec *rec, bool *found)
{
	int64_t offset;
	int status = ks_win_span(w, part, rec, &w->pane_first, &w->pane_last);

	*found = status == 0 && w->pane_last >= 0;
	w->now = (struct ks_window){ 0, 0 };
	if (!*found)
		return status;
	offset = w->spec.window.offset_ms;
	w->now.start_ms = (rec->time_ms - offset) / w->pane_ms * w->pane_ms + offset;
	w->now.end_ms = w->now.start_ms + w->pane_ms;
	return 0;
}

/* Windows that have closed refuse it, the oldest first; *start is the first that does not. */
static int refuse(struct ks_win *w, struct ks_win_part *part, const struct ks_rec *rec, int64_t *start)
{
	struct ks_window at;
	uint64_t late = 0;
	int status = 0;

	for (; status == 0 && *start <= w->pane_last; *start += w->spec.window.advance_ms, late++) {
		at = (struct ks_window){ *start, *start + w->spec.window.size_ms };
		if (at.end_ms > ks_win_close_time(w, part))
			break;
		status = ks_win_late(w, part, rec, &at);
	}
	/* It has not moved time, so windows that refuse it are dealt with: it must not come to them by its pane. */
	part->emitted_ms = ks_win_close_time(w, part);
	ks_made(w->run, *start > w->pane_last ? late - 1 : late);
	return status;
}

static int record(struct ks_win *w, struct ks_win_part *part, struct ks_rec *rec)
{
	int64_t start, size = w->spec.window.size_ms;
	struct ks_win_state state;
	struct ks_bytes key;
	bool loaded, fresh;
	int status;

	if (KS_UNLIKELY(rec->time_ms < w->now.start_ms || rec->time_ms >= w->now.end_ms)) {
		status = find_pane(w, part, rec, &loaded);
		if (status != 0 || !loaded)
			return status;
	}
	start = w->pane_first;
	status = ks_win_enter(w, part, rec, &key);
	if (KS_UNLIKELY(start + size <= ks_win_close_time(w, part)) && status == 0)
		status = refuse(w, part, rec, &start);
	if (status != 0 || start > w->pane_last)
		return status;
	status = ks_win_load(w, rec, &loaded);
	if (KS_LIKELY(status == 0 && loaded))
		status = ks_win_try_at(w, part, w->now.start_ms, key, rec, &loaded);
	if (KS_UNLIKELY(status != 0 || !loaded))
		return status;
	ks_folded(w->run);
	if (start + size < part->closing_ms)
		part->closing_ms = start + size;
	return ks_win_apply(w, part, w->now.start_ms, key, rec, &state, &fresh);
}

/* The entries of a pane go to those of the panes before it. */
static int merge_pane(struct ks_win *w, struct ks_win_part *part, int64_t pane)
{
	struct room room = { .block.grow = grow_merged, .w = w };
	struct ks_store_value from, into;
	struct ks_store_scan scan;
	int status;

	status = ks_store_scan_begin(w->store, part->partition, pane, &scan, w->run->err);
	while (status == 0 && ks_store_scan_next(&scan, &room.key, &from)) {
		status = ks_store_put(w->merged, 0, 0, room.key, w->fold.state_n, &into, w->run->err);
		if (status != 0)
			break;
		ks_win_move_time(into.p, ks_win_time(from.p));
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
int64_t ks_win_pane_start(const struct ks_win *w, const struct ks_win_part *part, int64_t pane)
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
		at.start_ms = ks_win_pane_start(w, part, pane);
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
