/* SPDX-License-Identifier: MIT */
/*
 * win-session.c - sessions: the records of a key with no more than a gap
 * between two of them.
 *
 * semantics.md 2.4; Kafka Streams' KStreamSessionWindowAggregate.  Both ends
 * are inclusive, and records exactly a gap apart are of one session.  A
 * session that has come to its close time by the records before is not found
 * any more, as there: their store does not show it.
 */
#include "win-timer.h"

static bool meets(const struct ks_win *w, const struct ks_win_part *part, const struct ks_win_entry *e, int64_t time_ms)
{
	int64_t gap = w->spec.window.size_ms;

	return e->end_ms > part->put_ms - w->hold_ms && e->end_ms >= time_ms - gap && e->start_ms - gap <= time_ms;
}

/* The session that the record makes with those that it meets. */
static struct ks_window unite(const struct ks_win *w, const struct ks_win_part *part, const struct ks_win_list *list,
    int64_t time_ms, unsigned *met)
{
	struct ks_window all = { time_ms, time_ms };
	const struct ks_win_entry *e = NULL;

	*met = 0;
	while ((e = ks_win_list_next(list, e)) != NULL) {
		if (!meets(w, part, e, time_ms))
			continue;
		all.start_ms = e->start_ms < all.start_ms ? e->start_ms : all.start_ms;
		all.end_ms = e->end_ms > all.end_ms ? e->end_ms : all.end_ms;
		++*met;
	}
	return all;
}

/* Its state before the record, in the scratch: the sessions by (end, start). */
static int merge(struct ks_win *w, const struct ks_win_part *part, const struct ks_rec *rec,
    const struct ks_win_list *list)
{
	const struct ks_win_entry *e = NULL;
	int status = ks_win_scratch_begin(w, NULL, 0);

	while (status == 0 && (e = ks_win_list_next(list, e)) != NULL)
		if (meets(w, part, e, rec->time_ms))
			status = ks_win_scratch_merge(w, ks_win_entry_state(e), e->n);
	return status;
}

static bool is_before(const struct ks_win_entry *e, const struct ks_window *at)
{
	return e->end_ms != at->end_ms ? e->end_ms < at->end_ms : e->start_ms < at->start_ms;
}

/* The list with the new session, unless it is gone, for those that it is made of.  fresh: none had its bounds. */
static int relist(struct ks_win *w, const struct ks_win_part *part, const struct ks_win_list *list, int64_t time_ms,
    const struct ks_window *at, bool gone, bool *fresh)
{
	const struct ks_win_entry *e = NULL;
	bool placed = gone, same;
	int status = ks_win_list_begin(w, list != NULL ? list->armed : 0);

	*fresh = true;
	while (status == 0 && (e = ks_win_list_next(list, e)) != NULL) {
		same = e->start_ms == at->start_ms && e->end_ms == at->end_ms;
		if (same)
			*fresh = false;
		if (same || meets(w, part, e, time_ms))
			continue;
		if (!placed && !is_before(e, at)) {
			status = ks_win_list_add(w, at, w->scratch.block.p, w->scratch.block.n);
			placed = true;
		}
		if (status == 0)
			status = ks_win_list_copy(w, e);
	}
	return placed || status != 0 ? status : ks_win_list_add(w, at, w->scratch.block.p, w->scratch.block.n);
}

/* Tombstones of those that the new one was made of, in their order. */
static int bury(struct ks_win *w, struct ks_win_part *part, struct ks_bytes key, const struct ks_rec *rec,
    const struct ks_win_list *list)
{
	const struct ks_win_entry *e = NULL;
	struct ks_window dead;
	int status = 0;

	while (status == 0 && (e = ks_win_list_next(list, e)) != NULL) {
		if (!meets(w, part, e, rec->time_ms))
			continue;
		dead = (struct ks_window){ e->start_ms, e->end_ms };
		status = ks_win_changed(w, part, rec, &dead, key, NULL, dead.end_ms, false);
	}
	return status;
}

static int take(struct ks_win *w, struct ks_win_part *part, struct ks_bytes key, const struct ks_rec *rec,
    const struct ks_win_list *list, const struct ks_window *at)
{
	bool alone = at->start_ms == rec->time_ms && at->end_ms == rec->time_ms, fresh, gone;
	struct ks_win_list *head;
	int64_t armed;
	int status = ks_win_scratch_apply(w, rec);

	if (status != 0)
		return status;
	gone = ks_win_scratch_gone(w);
	status = relist(w, part, list, rec->time_ms, at, gone, &fresh);
	if (status != 0)
		return status;
	head = (struct ks_win_list *)(void *)w->list.p;
	armed = head->armed;
	if (fresh && !gone)
		status = ks_win_timer_arm(w, part, key, at->end_ms, at->start_ms, &armed);
	head->armed = armed;
	if (status == 0)
		status = ks_win_list_put(w, part, key);
	if (status == 0 && !alone && w->spec.emit != KS_WIN_CLOSE)
		status = bury(w, part, key, rec, list);
	return status != 0 ? status :
	    ks_win_changed(w, part, rec, at, key, gone ? NULL : w->scratch.block.p, at->end_ms, fresh);
}

static int record(struct ks_win *w, struct ks_win_part *part, struct ks_rec *rec)
{
	const struct ks_win_list *list;
	struct ks_window at;
	struct ks_bytes key;
	unsigned met;
	bool loaded;
	int status;

	if (rec->time_ms < 0) {
		ks_drop(w->run, "before 1970");
		return 0;
	}
	status = ks_win_enter(w, part, rec, &key);
	if (status == 0)
		status = ks_win_list_get(w, part, key, &list);
	if (status != 0)
		return status;
	at = unite(w, part, list, rec->time_ms, &met);
	if (at.end_ms < ks_win_close_time(w, part))
		return ks_win_late(w, part, rec, &at);
	status = ks_win_load(w, rec, &loaded);
	if (status == 0 && loaded)
		status = merge(w, part, rec, list);
	if (status == 0 && loaded && w->fold.judges)
		status = ks_win_try(w, rec, met > 0 ? w->scratch.block.p : NULL, &loaded);
	if (status != 0 || !loaded)
		return status;
	ks_folded(w->run);
	if (met == 0 && ks_fold_nothing(&w->fold))
		status = ks_win_changed(w, part, rec, &at, key, NULL, at.end_ms, true);
	else
		status = take(w, part, key, rec, list, &at);
	if (at.end_ms > part->put_ms) {
		part->put_ms = at.end_ms;
		part->changed = true;
	}
	return status;
}

static int64_t due_of(const struct ks_win *w, const struct ks_win_entry *e)
{
	(void)w;
	return e->end_ms;
}

/* It has closed: no record finds it. */
static int fire(struct ks_win *w, struct ks_win_part *part, struct ks_bytes key, const struct ks_win_list *list,
    const struct ks_win_entry *e)
{
	struct ks_window at = { e->start_ms, e->end_ms };
	const struct ks_win_entry *other = NULL;
	int status = ks_win_list_begin(w, list->armed);

	if (status == 0 && w->spec.emit == KS_WIN_CLOSE)
		status = ks_win_result(w, part, &at, key, ks_win_entry_state(e));
	while (status == 0 && (other = ks_win_list_next(list, other)) != NULL)
		if (other != e)
			status = ks_win_list_copy(w, other);
	return status != 0 ? status : ks_win_list_put(w, part, key);
}

static int retire(struct ks_win *w, struct ks_win_part *part, bool all)
{
	return ks_win_timer_run(w, part, ks_win_close_time(w, part), all, due_of, fire);
}

static const char *check(struct ks_win *w)
{
	w->bucket_ms = w->spec.window.size_ms / 16 + 16;
	if (__builtin_add_overflow(w->spec.window.grace_ms, w->spec.window.size_ms, &w->hold_ms))
		w->hold_ms = INT64_MAX;
	return ks_fold_cannot_merge(&w->fold);
}

/* A session's result bears its end, which is where it is due at the earliest. */
const struct ks_win_shape ks_win_session = {
	.kind = KS_KEY_SESSION, .check = check, .record = record, .retire = retire, .find = ks_win_list_find,
	.open_from = ks_win_timer_next,
};
