/* SPDX-License-Identifier: MIT */
/*
 * win-sliding.c - sliding windows: each record ends one, its left window
 * [time - size, time], and one begins behind it, its right window
 * [time + 1, time + 1 + size], once a record lies in that.  Both ends are
 * inclusive.
 *
 * semantics.md 2.3, step by step; Kafka Streams'
 * KStreamSlidingWindowAggregate and what its store shows (2.2).
 */
#include "win-timer.h"

/* One record at work.  rows: what was stored before it and can be seen, by start. */
struct work {
	struct ks_win *w;
	struct ks_win_part *part;
	const struct ks_rec *rec;
	struct ks_bytes key;
	const struct ks_win_list *list;
	int64_t close_ms;
	int64_t armed;
	uint64_t late;		/* windows that refused it */
};

/* What Kafka Streams' store no longer shows, and no record can need. */
static bool is_visible(const struct ks_win *w, const struct ks_win_part *part, int64_t start_ms)
{
	int64_t size = w->spec.window.size_ms, least = part->put_ms - w->spec.window.grace_ms;

	if (__builtin_sub_overflow(least, size, &least) || __builtin_sub_overflow(least, size, &least))
		return true;
	return w->spec.emit == KS_WIN_CLOSE ? start_ms >= least : start_ms > least;
}

/*
 * Made windows wait in w->made behind each other until all steps are done:
 * the steps read what was stored before.  n == 0: the window is no more.
 */
static int keep(struct work *k, int64_t start_ms, const unsigned char *state, size_t n)
{
	struct ks_win_entry e = { .start_ms = start_ms, .end_ms = start_ms + k->w->spec.window.size_ms,
		.n = (uint32_t)((n + 7) & ~(size_t)7) };
	struct ks_buf *b = &k->w->made;

	if (n > UINT32_MAX - 8 || ks_buf_reserve(b, sizeof(e) + e.n) != 0)
		return ks_win_no_memory(k->w);
	memcpy(b->p + b->n, &e, sizeof(e));
	if (n > 0)
		memcpy(b->p + b->n + sizeof(e), state, n);
	memset(b->p + b->n + sizeof(e) + n, 0, e.n - n);
	b->n += sizeof(e) + e.n;
	if (start_ms > k->part->put_ms) {
		k->part->put_ms = start_ms;
		k->part->changed = true;
	}
	return 0;
}

static bool has(const struct work *k, int64_t start_ms)
{
	const struct ks_win_entry *e = NULL;

	while ((e = ks_win_list_next(k->list, e)) != NULL)
		if (e->start_ms == start_ms)
			return true;
	return false;
}

static int emit(struct work *k, int64_t start_ms, const unsigned char *state, int64_t time_ms)
{
	struct ks_window at = { start_ms, start_ms + k->w->spec.window.size_ms };

	if (k->w->spec.emit == KS_WIN_CLOSE)
		return 0;
	return ks_win_changed(k->w, k->part, k->rec, &at, k->key, state, time_ms,
	    k->w->spec.emit == KS_WIN_COMMIT && !has(k, start_ms));
}

/* The record goes into a window, with what base has in it before (NULL: nothing). */
static int update(struct work *k, int64_t start_ms, const struct ks_win_entry *base)
{
	struct ks_window at = { start_ms, start_ms + k->w->spec.window.size_ms };
	int64_t time_ms = k->rec->time_ms;
	int status;

	if (at.end_ms < k->close_ms) {
		k->late++;
		return ks_win_late(k->w, k->part, k->rec, &at);
	}
	if (base == NULL && ks_fold_nothing(&k->w->fold)) {
		status = keep(k, start_ms, NULL, 0);
		return status != 0 ? status : emit(k, start_ms, NULL, time_ms);
	}
	status = base == NULL ? ks_win_scratch_begin(k->w, NULL, 0) :
	    ks_win_scratch_begin(k->w, ks_win_entry_state(base), base->n);
	if (status == 0)
		status = ks_win_scratch_apply(k->w, k->rec);
	if (status == 0 && ks_win_scratch_gone(k->w)) {
		status = keep(k, start_ms, NULL, 0);
		return status != 0 ? status : emit(k, start_ms, NULL, time_ms);
	}
	if (status == 0)
		status = keep(k, start_ms, k->w->scratch.block.p, k->w->scratch.block.n);
	if (base != NULL && ks_win_entry_time(base) > time_ms)
		time_ms = ks_win_entry_time(base);
	return status != 0 ? status : emit(k, start_ms, k->w->scratch.block.p, time_ms);
}

/* The record's right window, of later ones alone; close time is not asked. */
static int copy(struct work *k, int64_t start_ms, const struct ks_win_entry *row)
{
	int status = keep(k, start_ms, ks_win_entry_state(row), row->n);

	return status != 0 ? status : emit(k, start_ms, ks_win_entry_state(row), ks_win_entry_time(row));
}

/* The rows to be looked at, from first to last, as an array of pointers. */
static int rows_of(struct work *k, int64_t first, int64_t last, const struct ks_win_entry ***rows, size_t *count)
{
	const struct ks_win_entry *e = NULL;
	struct ks_buf *b = &k->w->rows;

	b->n = 0;
	while ((e = ks_win_list_next(k->list, e)) != NULL)
		if (e->start_ms >= first && e->start_ms <= last && is_visible(k->w, k->part, e->start_ms) &&
		    ks_buf_add(b, &e, sizeof(e)) != 0)
			return ks_win_no_memory(k->w);
	*rows = (const struct ks_win_entry **)(void *)b->p;
	*count = b->n / sizeof(e);
	return 0;
}

/* What the scan of the rows, newest first, has found. */
struct found {
	const struct ks_win_entry *right_base, *left_base;
	int64_t previous_ms;		/* the latest record before this one; -1: none is known */
	bool left, right, over;		/* its windows exist; this time was seen before */
};

static int scan(struct work *k, const struct ks_win_entry **rows, size_t count, struct found *f)
{
	int64_t time_ms = k->rec->time_ms;
	const struct ks_win_entry *row;
	int status = 0;

	for (; count > 0 && status == 0; count--) {
		row = rows[count - 1];
		if (row->start_ms == time_ms + 1) {		/* a. */
			f->right = true;
		} else if (row->end_ms > time_ms) {		/* b. */
			if (f->right_base == NULL)
				f->right_base = row;
			status = update(k, row->start_ms, row);
		} else if (row->end_ms == time_ms) {		/* c. */
			f->left = true;
			status = update(k, row->start_ms, row);
			f->over = ks_win_entry_time(row) == time_ms;
			if (f->over)
				break;
			f->previous_ms = ks_win_entry_time(row);
		} else {					/* d. */
			f->previous_ms = ks_win_entry_time(row);
			f->left_base = row;
			break;
		}
	}
	return status;
}

/* Whether a row that the scan has come to starts there: rows behind the one it stopped at were not seen. */
static bool was_seen(const struct ks_win_entry **rows, size_t count, const struct found *f, int64_t start_ms)
{
	for (; count > 0; count--) {
		if (rows[count - 1]->start_ms == start_ms)
			return true;
		if (rows[count - 1] == f->left_base)
			break;
	}
	return false;
}

static int work_normal(struct work *k)
{
	int64_t time_ms = k->rec->time_ms, size = k->w->spec.window.size_ms;
	struct found f = { .previous_ms = -1 };
	const struct ks_win_entry **rows;
	size_t count;
	int status;

	status = rows_of(k, time_ms - size < size ? 0 : time_ms - size - size, time_ms + 1, &rows, &count);
	if (status == 0)
		status = scan(k, rows, count, &f);
	if (status != 0 || f.over)
		return status;
	if (f.previous_ms >= 0 && f.previous_ms + 1 + size >= time_ms &&
	    !was_seen(rows, count, &f, f.previous_ms + 1))
		status = update(k, f.previous_ms + 1, NULL);	/* 2. */
	if (status == 0 && !f.left)	/* 3.  It may be the window of 2 again: both are emitted. */
		status = update(k, time_ms - size, f.left_base != NULL && f.previous_ms >= time_ms - size ? f.left_base : NULL);
	if (status == 0 && !f.right && f.right_base != NULL && ks_win_entry_time(f.right_base) > time_ms)
		status = copy(k, time_ms + 1, f.right_base);	/* 4. */
	return status;
}

/* Its left window would start before 1970: all such records share [0, size]. */
static int work_early(struct work *k)
{
	const struct ks_win_entry **rows, *combined = NULL, *right_base = NULL;
	int64_t time_ms = k->rec->time_ms;
	bool right = false, previous_right = false;
	size_t count, i;
	int status = rows_of(k, 0, time_ms + 1, &rows, &count);

	for (i = 0; i < count && status == 0; i++) {
		if (rows[i]->start_ms == 0) {
			combined = rows[i];
		} else if (rows[i]->start_ms == time_ms + 1) {
			right = true;
		} else {
			right_base = rows[i];
			status = update(k, rows[i]->start_ms, rows[i]);
		}
		if (combined != NULL && rows[i]->start_ms == ks_win_entry_time(combined) + 1)
			previous_right = true;
	}
	if (right_base == NULL)
		right_base = combined;
	if (status == 0 && !right && right_base != NULL && ks_win_entry_time(right_base) > time_ms)
		status = copy(k, time_ms + 1, right_base);
	if (status == 0 && combined != NULL && ks_win_entry_time(combined) < time_ms && !previous_right)
		status = update(k, ks_win_entry_time(combined) + 1, NULL);
	return status != 0 ? status : update(k, 0, combined);
}

static int64_t due_of(const struct ks_win *w, const struct ks_win_entry *e)
{
	int64_t due;

	if (w->spec.emit == KS_WIN_CLOSE && !e->emitted)
		return e->end_ms;
	/* By then it can be seen no more: the newest window starts no earlier than one size before the newest record. */
	if (__builtin_add_overflow(e->end_ms, 2 * w->spec.window.size_ms + 1, &due))
		due = INT64_MAX;
	return due;
}

/* Of those that were made for a start the last one counts. */
static const struct ks_win_entry *made_for(const struct work *k, int64_t start_ms)
{
	const struct ks_buf *b = &k->w->made;
	const struct ks_win_entry *found = NULL, *e;
	size_t at;

	for (at = 0; at < b->n; at += sizeof(*e) + e->n) {
		e = (const struct ks_win_entry *)(const void *)(b->p + at);
		if (e->start_ms == start_ms)
			found = e;
	}
	return found;
}

/* The smallest start above after that was made; false: there is none. */
static bool next_made(const struct work *k, int64_t after, int64_t *start_ms)
{
	const struct ks_buf *b = &k->w->made;
	const struct ks_win_entry *e;
	bool any = false;
	size_t at;

	for (at = 0; at < b->n; at += sizeof(*e) + e->n) {
		e = (const struct ks_win_entry *)(const void *)(b->p + at);
		if (e->start_ms > after && (!any || e->start_ms < *start_ms)) {
			*start_ms = e->start_ms;
			any = true;
		}
	}
	return any;
}

static int add_made(struct work *k, int64_t start_ms, const struct ks_win_entry *was)
{
	const struct ks_win_entry *e = made_for(k, start_ms);
	int status;

	if (e->n == 0)
		return 0;
	if (was == NULL || was->emitted) {
		status = ks_win_timer_arm(k->w, k->part, k->key, due_of(k->w, e), start_ms, &k->armed);
		if (status != 0)
			return status;
	}
	return ks_win_list_copy(k->w, e);
}

/* The old list and what was made, by start. */
static int relist(struct work *k)
{
	const struct ks_win_entry *e = ks_win_list_next(k->list, NULL);
	int64_t made = 0;
	bool any;
	int status;

	if (k->w->made.n == 0)
		return 0;
	k->armed = k->list != NULL ? k->list->armed : 0;
	any = next_made(k, -1, &made);
	status = ks_win_list_begin(k->w, 0);
	while (status == 0 && (any || e != NULL)) {
		if (any && (e == NULL || made <= e->start_ms)) {
			const struct ks_win_entry *was = e != NULL && made == e->start_ms ? e : NULL;

			status = add_made(k, made, was);
			if (was != NULL)
				e = ks_win_list_next(k->list, e);
			any = next_made(k, made, &made);
		} else {
			status = ks_win_list_copy(k->w, e);
			e = ks_win_list_next(k->list, e);
		}
	}
	if (status != 0)
		return status;
	((struct ks_win_list *)(void *)k->w->list.p)->armed = k->armed;
	return ks_win_list_put(k->w, k->part, k->key);
}

/* Whether all that it may go into take the record: windows that hold it or end before it, and new ones. */
static int judge(struct work *k, bool *taken)
{
	int64_t time_ms = k->rec->time_ms, size = k->w->spec.window.size_ms;
	const struct ks_win_entry *e = NULL;
	int status;

	*taken = true;
	if (!k->w->fold.judges)
		return 0;
	status = ks_win_try(k->w, k->rec, NULL, taken);
	while (status == 0 && *taken && (e = ks_win_list_next(k->list, e)) != NULL)
		if (e->start_ms <= time_ms && e->end_ms >= time_ms - size && is_visible(k->w, k->part, e->start_ms))
			status = ks_win_try(k->w, k->rec, ks_win_entry_state(e), taken);
	return status;
}

static int record(struct ks_win *w, struct ks_win_part *part, struct ks_rec *rec)
{
	struct work k = { .w = w, .part = part, .rec = rec };
	int64_t size = w->spec.window.size_ms;
	struct ks_window at = { rec->time_ms - size, rec->time_ms };
	bool loaded;
	int status;

	if (rec->time_ms < 0 || ks_mp_is_nil(rec->value)) {
		ks_drop(w->run, rec->time_ms < 0 ? "before 1970" : "tombstone");
		return 0;
	}
	if (rec->time_ms > INT64_MAX - 2 - size)
		return ks_reject(w->run, rec, "time %lld is too large for a window of this size", (long long)rec->time_ms);
	status = ks_win_enter(w, part, rec, &k.key);
	k.close_ms = ks_win_close_time(w, part);
	if (status == 0 && rec->time_ms + size < k.close_ms) {
		at.start_ms = at.start_ms < 0 ? 0 : at.start_ms;
		at.end_ms = at.start_ms + size;
		return ks_win_late(w, part, rec, &at);
	}
	if (status == 0)
		status = ks_win_load(w, rec, &loaded);
	if (status == 0 && loaded)
		status = ks_win_list_get(w, part, k.key, &k.list);
	if (status == 0 && loaded)
		status = judge(&k, &loaded);
	if (status != 0 || !loaded)
		return status;
	ks_folded(w->run);
	w->made.n = 0;
	if (status == 0)
		status = rec->time_ms < size ? work_early(&k) : work_normal(&k);
	if (k.late > 0)
		ks_made(w->run, k.late);
	return status != 0 ? status : relist(&k);
}

static int fire(struct ks_win *w, struct ks_win_part *part, struct ks_bytes key, const struct ks_win_list *list,
    const struct ks_win_entry *e)
{
	bool emits = w->spec.emit == KS_WIN_CLOSE && !e->emitted;
	struct ks_window at = { e->start_ms, e->end_ms };
	struct ks_win_entry now = *e;
	const struct ks_win_entry *other = NULL;
	struct ks_win_list *head;
	int64_t armed = list->armed;
	size_t place;
	int status = ks_win_list_begin(w, 0);

	if (status == 0 && emits)
		status = ks_win_result(w, part, &at, key, ks_win_entry_state(e));
	now.emitted = 1;
	while (status == 0 && (other = ks_win_list_next(list, other)) != NULL) {
		if (other == e && !emits)
			continue;
		place = w->list.n;
		status = ks_win_list_copy(w, other);
		if (status == 0 && other == e)
			memcpy(w->list.p + place, &now, sizeof(now));
	}
	if (status == 0 && emits)
		status = ks_win_timer_arm(w, part, key, due_of(w, &now), now.start_ms, &armed);
	if (status != 0)
		return status;
	head = (struct ks_win_list *)(void *)w->list.p;
	head->armed = armed;
	return ks_win_list_put(w, part, key);
}

static int retire(struct ks_win *w, struct ks_win_part *part, bool all)
{
	return ks_win_timer_run(w, part, ks_win_close_time(w, part), all, due_of, fire);
}

static int64_t open_from(struct ks_win *w, const struct ks_win_part *part)
{
	int64_t next = ks_win_timer_next(w, part);

	/* A result bears the time of a record in it. */
	return next == INT64_MAX ? next : next - w->spec.window.size_ms < 0 ? 0 : next - w->spec.window.size_ms;
}

static const char *check(struct ks_win *w)
{
	if (w->spec.window.size_ms > INT64_MAX / 8)
		return "such windows would not end within 64 bits";
	w->bucket_ms = w->spec.window.size_ms / 16 + 16;
	return NULL;
}

const struct ks_win_shape ks_win_slide = {
	.kind = KS_KEY_WINDOW, .check = check, .record = record, .retire = retire, .find = ks_win_list_find,
	.open_from = open_from,
};
