/* SPDX-License-Identifier: MIT */
/* win-query.c - windows as they are now, for who asks: results as they would be emitted. */
#include "query.h"
#include "win-list.h"
#include "win-time.h"

#include <errno.h>

struct asked {
	struct ks_query_state state;	/* first */
	struct ks_win *w;
};

static const struct ks_win_part *find_part(const struct ks_win *w, int32_t partition)
{
	size_t i;

	for (i = 0; i < w->count; i++)
		if (w->parts[i]->partition == partition)
			return w->parts[i];
	return NULL;
}

static int64_t stream_time(void *arg, int32_t partition)
{
	const struct asked *a = arg;
	const struct ks_win_part *part = find_part(a->w, partition);

	return part != NULL ? part->stream_ms : -1;
}

/* at NULL: no window. */
static int show(struct asked *a, struct ks_query *q, struct ks_bytes key, const struct ks_window *at,
    const unsigned char *state, struct ks_err *err)
{
	int64_t time_ms = ks_win_time(state);
	struct ks_win *w = a->w;
	struct ks_query_row row = { .key = key, .start_ms = at != NULL ? &at->start_ms : NULL, .end_ms = at != NULL ? &at->end_ms : NULL,
		.time_ms = time_ms == KS_WIN_NO_TIME ? NULL : &time_ms };
	int no = 0;

	w->out.n = 0;
	if (q->ask.what == KS_QUERY_ROWS)
		no = ks_fold_show(&w->fold, state, &w->out);
	if (no == EMSGSIZE)
		return ks_fail(err, KS_DATA, "the result of a window is larger than --max-record");
	if (no != 0)
		return ks_fail_memory(err);
	row.value = ks_buf_bytes(&w->out);
	return ks_query_row(q, &a->state, &row, err);
}

static int rows_of_window(void *arg, struct ks_query *q, struct ks_bytes key, struct ks_store_value v, struct ks_err *err)
{
	struct asked *a = arg;
	struct ks_window at = { q->segment, ks_win_end_of(a->w, q->segment) };

	return show(a, q, key, a->w->shape->kind != 0 ? &at : NULL, v.p, err);
}

static int rows_of_list(void *arg, struct ks_query *q, struct ks_bytes key, struct ks_store_value v, struct ks_err *err)
{
	const struct ks_win_list *list = (const struct ks_win_list *)(const void *)v.p;
	const struct ks_win_entry *e = NULL;
	struct ks_window at;
	int status = 0;

	while (status == 0 && (e = ks_win_list_next(list, e)) != NULL) {
		at = (struct ks_window){ e->start_ms, e->end_ms };
		status = show(arg, q, key, &at, ks_win_entry_state(e), err);
	}
	return status;
}

/* What a helper of the engine has failed with is in the run's err. */
static int failed(const struct ks_win *w, int status, struct ks_err *err)
{
	if (status != 0 && err != w->run->err)
		*err = *w->run->err;
	return status;
}

static int rows_of_ring(void *arg, struct ks_query *q, struct ks_bytes key, struct ks_store_value v, struct ks_err *err)
{
	struct asked *a = arg;
	struct ks_window at;
	int status = failed(a->w, ks_win_counted_show(a->w, v.p, &at), err);

	return status != 0 ? status : show(a, q, key, &at, a->w->scratch.block.p, err);
}

/* The panes of a window from its first with the key on, merged; *first false: there is one before q's. */
static int merge_panes(struct asked *a, struct ks_query *q, struct ks_bytes key, const struct ks_window *at, bool *first,
    struct ks_err *err)
{
	struct ks_win *w = a->w;
	int64_t pane = at->start_ms - 1;
	struct ks_store_value v;
	bool begun = false;
	int status = 0;

	*first = true;
	while (status == 0 && ks_store_next_segment(w->store, q->partition, pane, &pane) && pane < at->end_ms) {
		status = ks_store_get(w->store, q->partition, pane, key, &v, err);
		if (status != 0 || v.p == NULL)
			continue;
		*first = pane >= q->segment;
		if (!*first)
			return 0;
		status = failed(w, begun ? ks_win_scratch_merge(w, v.p, v.n) : ks_win_scratch_begin(w, v.p, v.n), err);
		begun = true;
	}
	return status;
}

/* Each window is told of with the first of its panes that has the key. */
static int rows_of_pane(void *arg, struct ks_query *q, struct ks_bytes key, struct ks_store_value v, struct ks_err *err)
{
	struct asked *a = arg;
	const struct ks_win_part *part = find_part(a->w, q->partition);
	const struct ks_window_spec *win = &a->w->spec.window;
	struct ks_window at;
	bool first;
	int status = 0;

	(void)v;
	if (part == NULL)
		return 0;
	ks_win_realign(a->w, part);
	at.start_ms = ks_win_pane_start(a->w, part, q->segment);
	for (; status == 0 && at.start_ms <= q->segment; at.start_ms += win->advance_ms) {
		at.end_ms = at.start_ms + win->size_ms;
		status = merge_panes(a, q, key, &at, &first, err);
		if (status == 0 && first)
			status = show(a, q, key, &at, a->w->scratch.block.p, err);
	}
	return status;
}

int ks_win_query(struct ks_win *w, struct ks_query *q, struct ks_err *err)
{
	struct asked a = { .state = { .store = w->store, .stream_time = stream_time }, .w = w };

	a.state.arg = &a;
	if (w->shape == &ks_win_session || w->shape == &ks_win_slide) {
		a.state.rows = rows_of_list;
	} else if (w->shape == &ks_win_counted) {
		a.state.rows = rows_of_ring;
	} else if (w->shape == &ks_win_running) {
		a.state.rows = rows_of_window;
	} else {
		a.state.rows = w->panes ? rows_of_pane : rows_of_window;
		/* Segments are starts, or panes, of which a window has those from its start on. */
		a.state.last = w->panes || q->ask.until_ms == INT64_MAX ? INT64_MAX : q->ask.until_ms;
		a.state.first = q->ask.since_ms > 0 ? q->ask.since_ms : 0;
	}
	return ks_query_walk(q, &a.state, err);
}
