/* SPDX-License-Identifier: MIT */
/*
 * win-running.c - one aggregate for each key, without windows: a table.
 *
 * semantics.md 3.1; Kafka Streams' KStreamAggregate.  Null values are
 * dropped, the time of a result is the largest of the key's records, and
 * records need have none.  Changes of a table are for win-table.c.
 */
#include "win.h"

#define SEGMENT INT64_C(0)

static const struct ks_window whole = { SEGMENT, INT64_MAX };

static int record(struct ks_win *w, struct ks_win_part *part, struct ks_rec *rec)
{
	struct ks_win_state state;
	struct ks_bytes key;
	bool loaded, fresh;
	int64_t time_ms;
	int status;

	if ((rec->flags & KS_CHANGE) != 0)
		return ks_win_table(w, part, &whole, rec);
	if (ks_mp_is_nil(rec->value)) {
		ks_drop(w->run, "tombstone");
		return 0;
	}
	status = ks_win_enter(w, part, rec, &key);
	if (status != 0)
		return status;
	status = ks_win_load(w, rec, &loaded);
	if (status == 0 && loaded)
		status = ks_win_try_at(w, part, SEGMENT, key, rec, &loaded);
	if (status != 0 || !loaded)
		return status;
	ks_folded(w->run);
	status = ks_win_apply(w, part, SEGMENT, key, rec, &state, &fresh);
	if (status != 0)
		return status;
	time_ms = state.p != NULL ? ((const struct ks_win_head *)(const void *)state.p)->time_ms : rec->time_ms;
	return ks_win_changed(w, part, rec, &whole, key, state.p, time_ms, fresh);
}

/* Nothing ever closes but at the end. */
static int retire(struct ks_win *w, struct ks_win_part *part, bool all)
{
	struct ks_store_scan scan;
	struct ks_store_value v;
	struct ks_bytes key;
	int status = 0;

	part->closing_ms = INT64_MAX;
	if (!all)
		return 0;
	if (w->spec.emit == KS_WIN_CLOSE) {
		status = ks_store_scan_begin(w->store, part->partition, SEGMENT, &scan, w->run->err);
		while (status == 0 && ks_store_scan_next(&scan, &key, &v))
			status = ks_win_result(w, part, &whole, key, v.p);
		ks_store_scan_end(&scan);
	}
	ks_store_drop(w->store, part->partition, SEGMENT);
	return status;
}

static int find(struct ks_win *w, const struct ks_win_part *part, const struct ks_window *at,
    struct ks_bytes key, struct ks_win_state *state)
{
	struct ks_store_value v;
	int status = ks_store_get(w->store, part->partition, SEGMENT, key, &v, w->run->err);

	(void)at;
	*state = (struct ks_win_state){ v.p, v.n };
	return status;
}

static int64_t open_from(struct ks_win *w, const struct ks_win_part *part)
{
	int64_t segment;

	return ks_store_next_segment(w->store, part->partition, -1, &segment) ? 0 : INT64_MAX;
}

const struct ks_win_shape ks_win_running = {
	.timeless = true, .changes = true, .record = record, .retire = retire, .find = find, .open_from = open_from,
};
