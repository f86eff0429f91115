/* SPDX-License-Identifier: MIT */
/*
 * win-time.c - windows whose bounds time alone decides: tumbling, hopping,
 * of the calendar, and the one that never closes.
 *
 * A window's segment is its start, and its end follows from that.
 */
#include "win.h"

#include <errno.h>

#include "win-time.h"

static int too_large(struct ks_win *w, const struct ks_rec *rec)
{
	return ks_reject(w->run, rec, "time %lld is too large for a window of this size", (long long)rec->time_ms);
}

int64_t ks_win_end_of(const struct ks_win *w, int64_t start_ms)
{
	struct ks_window at;

	if (w->shape == &ks_win_unlimited)
		return INT64_MAX;
	if (w->shape != &ks_win_calendar)
		return start_ms + w->spec.window.size_ms;
	/* It was put by this rule. */
	return ks_calendar_find(&w->spec.calendar, start_ms, &at) == 0 ? at.end_ms : INT64_MAX;
}

void ks_win_realign(struct ks_win *w, const struct ks_win_part *part)
{
	if (w->spec.align_first)
		w->spec.window.offset_ms = part->align_ms % w->spec.window.advance_ms;
}

/* With --align start the first record of a partition says where its windows start. */
static void align(struct ks_win *w, struct ks_win_part *part, int64_t time_ms)
{
	if (KS_LIKELY(!w->spec.align_first) || time_ms < 0)
		return;
	if (!part->aligned) {
		part->aligned = part->changed = true;
		part->align_ms = time_ms;
	}
	ks_win_realign(w, part);
}

/* The one window that holds a time: 0, ENOENT, ERANGE. */
static int find_one(struct ks_win *w, struct ks_win_part *part, int64_t time_ms, struct ks_window *at)
{
	int64_t first;
	int no;

	if (w->shape == &ks_win_unlimited) {
		*at = (struct ks_window){ w->spec.align_ms, INT64_MAX };
		return time_ms >= at->start_ms ? 0 : ENOENT;
	}
	if (w->shape == &ks_win_calendar)
		return ks_calendar_find(&w->spec.calendar, time_ms, at);
	align(w, part, time_ms);
	no = ks_window_span(&w->spec.window, time_ms, &first, &at->start_ms);
	if (no == 0)
		at->end_ms = at->start_ms + w->spec.window.size_ms;
	return no;
}

static int no_window(struct ks_win *w, const struct ks_rec *rec, int no)
{
	if (no == ERANGE)
		return too_large(w, rec);
	ks_drop(w->run, w->shape == &ks_win_unlimited && rec->time_ms >= 0 ? "before --align" : "before 1970");
	return 0;
}

int ks_win_fold_at(struct ks_win *w, struct ks_win_part *part, struct ks_bytes key, const struct ks_rec *rec,
    const struct ks_window *at)
{
	struct ks_win_state state;
	bool fresh;
	int status;

	status = ks_win_apply(w, part, at->start_ms, key, rec, &state, &fresh);
	if (KS_UNLIKELY(status != 0))
		return status;
	if (at->end_ms < part->closing_ms && state.p != NULL)
		part->closing_ms = at->end_ms;
	if (w->spec.emit == KS_WIN_CLOSE)
		return 0;
	return ks_win_changed(w, part, rec, at, key, state.p, state.time_ms, fresh);
}

static int record_one(struct ks_win *w, struct ks_win_part *part, struct ks_rec *rec)
{
	struct ks_window *at = &w->now;
	struct ks_bytes key;
	bool loaded;
	int no, status;

	if (KS_UNLIKELY(rec->time_ms < at->start_ms || rec->time_ms >= at->end_ms)) {
		no = find_one(w, part, rec->time_ms, at);
		if (no != 0) {
			*at = (struct ks_window){ 0, 0 };
			return no_window(w, rec, no);
		}
	}
	status = ks_win_enter(w, part, rec, &key);
	if (KS_UNLIKELY(status != 0))
		return status;
	if (KS_UNLIKELY(at->end_ms <= ks_win_close_time(w, part)) && w->shape != &ks_win_unlimited)
		return ks_win_late(w, part, rec, at);
	if (!w->expected)
		ks_store_expect(w->store, part->partition, at->start_ms, key, true);	/* while the values are computed */
	w->expected = false;
	status = ks_win_load(w, rec, &loaded);
	if (KS_LIKELY(status == 0 && loaded))
		status = ks_win_try_at(w, part, at->start_ms, key, rec, &loaded);
	if (KS_UNLIKELY(status != 0 || !loaded))
		return status;
	status = ks_win_fold_at(w, part, key, rec, at);
	ks_folded(w->run);
	return status;
}

/* Whether all windows from at to last take it. */
static int judge(struct ks_win *w, struct ks_win_part *part, const struct ks_rec *rec, struct ks_bytes key,
    struct ks_window at, int64_t last, bool *taken)
{
	int status = ks_win_load(w, rec, taken);

	while (status == 0 && *taken && w->fold.judges) {
		status = ks_win_try_at(w, part, at.start_ms, key, rec, taken);
		if (at.start_ms == last)
			break;
		at.start_ms += w->spec.window.advance_ms;
	}
	return status;
}

/* All windows from first to last: those that are closed refuse it, one by one. */
static int record_all(struct ks_win *w, struct ks_win_part *part, const struct ks_rec *rec, struct ks_bytes key,
    int64_t first, int64_t last)
{
	int64_t close_ms = ks_win_close_time(w, part), advance = w->spec.window.advance_ms;
	struct ks_window at = { first, first + w->spec.window.size_ms };
	bool judged = false, loaded = false;
	uint64_t late = 0;
	int status = 0;

	for (; status == 0; at.start_ms += advance, at.end_ms += advance) {
		if (at.end_ms <= close_ms) {
			late++;
			status = ks_win_late(w, part, rec, &at);
		} else if (!judged) {
			judged = true;
			status = judge(w, part, rec, key, at, last, &loaded);
			if (loaded)
				ks_folded(w->run);
		}
		if (status == 0 && loaded)
			status = ks_win_fold_at(w, part, key, rec, &at);
		if (at.start_ms == last || (judged && !loaded))
			break;
	}
	/* It went several ways: into a state, and past windows that are closed. */
	if (late + judged > 1)
		ks_made(w->run, late + judged - 1);
	return status;
}

int ks_win_span(struct ks_win *w, struct ks_win_part *part, const struct ks_rec *rec, int64_t *first, int64_t *last)
{
	int no;

	align(w, part, rec->time_ms);
	no = ks_window_span(&w->spec.window, rec->time_ms, first, last);
	if (KS_LIKELY(no == 0))
		return 0;
	*last = -1;
	return no_window(w, rec, no);
}

static int record_hop(struct ks_win *w, struct ks_win_part *part, struct ks_rec *rec)
{
	struct ks_bytes key;
	int64_t first, last;
	int status;

	status = ks_win_span(w, part, rec, &first, &last);
	if (status != 0 || last < 0)
		return status;
	status = ks_win_enter(w, part, rec, &key);
	if (status != 0)
		return status;
	return record_all(w, part, rec, key, first, last);
}

static int emit_window(struct ks_win *w, struct ks_win_part *part, const struct ks_window *at)
{
	struct ks_store_scan scan;
	struct ks_store_value v;
	struct ks_bytes key;
	int status;

	status = ks_store_scan_begin(w->store, part->partition, at->start_ms, &scan, w->run->err);
	while (status == 0 && ks_store_scan_next(&scan, &key, &v))
		status = ks_win_result(w, part, at, key, v.p);
	ks_store_scan_end(&scan);
	return status;
}

/* Oldest first; a window behind another one ends no earlier. */
static int retire(struct ks_win *w, struct ks_win_part *part, bool all)
{
	int64_t close_ms = ks_win_close_time(w, part);
	struct ks_window at;
	int status = 0;

	part->closing_ms = INT64_MAX;
	while (status == 0 && ks_store_next_segment(w->store, part->partition, -1, &at.start_ms)) {
		at.end_ms = ks_win_end_of(w, at.start_ms);
		if (!all && (at.end_ms > close_ms || w->shape == &ks_win_unlimited)) {
			part->closing_ms = at.end_ms;
			break;
		}
		if (w->spec.emit == KS_WIN_CLOSE)
			status = emit_window(w, part, &at);
		ks_store_drop(w->store, part->partition, at.start_ms);
	}
	return status;
}

int ks_win_find_in_segment(struct ks_win *w, const struct ks_win_part *part, const struct ks_window *at,
    struct ks_bytes key, struct ks_win_state *state)
{
	struct ks_store_value v;
	int status = ks_store_get(w->store, part->partition, at->start_ms, key, &v, w->run->err);

	*state = (struct ks_win_state){ .p = v.p, .n = v.n };
	return status;
}

int64_t ks_win_oldest_segment(struct ks_win *w, const struct ks_win_part *part)
{
	int64_t start;

	return ks_store_next_segment(w->store, part->partition, -1, &start) ? start : INT64_MAX;
}

const struct ks_win_shape ks_win_tumble = {
	.kind = KS_KEY_WINDOW, .record = record_one, .retire = retire, .find = ks_win_find_in_segment,
	.open_from = ks_win_oldest_segment,
};

const struct ks_win_shape ks_win_calendar = {
	.kind = KS_KEY_WINDOW, .record = record_one, .retire = retire, .find = ks_win_find_in_segment,
	.open_from = ks_win_oldest_segment,
};

const struct ks_win_shape ks_win_unlimited = {
	.kind = KS_KEY_WINDOW, .record = record_one, .retire = retire, .find = ks_win_find_in_segment,
	.open_from = ks_win_oldest_segment,
};

const struct ks_win_shape ks_win_hop = {
	.kind = KS_KEY_WINDOW, .record = record_hop, .retire = retire, .find = ks_win_find_in_segment,
	.open_from = ks_win_oldest_segment,
};
