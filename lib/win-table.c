/* SPDX-License-Identifier: MIT */
/*
 * win-table.c - --running over the changes of a table: the old row is taken
 * out of its key's aggregate before the new one goes in.
 *
 * semantics.md 3.2; Kafka Streams' KTableAggregate and KTableReduce.  A
 * change that is not the latest of its row is none here.
 */
#include "win.h"
#include "change.h"

#include <errno.h>

/* The state of the change's key, in the scratch while it is made. */
struct change {
	struct ks_win *w;
	struct ks_rec *rec;	/* value: the row that is looked at */
	bool there;		/* there is a state */
	bool done;		/* the record was rejected */
};

static int begin(struct change *c, const unsigned char *from, size_t n)
{
	c->there = n > 0;
	return ks_win_scratch_begin(c->w, from, n);
}

/* The state shows nothing any more: the next row begins a new one, with its time. */
static int begin_again(struct change *c)
{
	int64_t time_ms = ((const struct ks_win_head *)(void *)c->w->scratch.block.p)->time_ms;
	int status = begin(c, NULL, 0);

	if (status == 0)
		((struct ks_win_head *)(void *)c->w->scratch.block.p)->time_ms = time_ms;
	return status;
}

static int take_out(struct change *c, struct ks_bytes row)
{
	struct ks_win *w = c->w;
	bool loaded;
	int status;

	c->rec->value = row;
	status = ks_win_load(w, c->rec, &loaded);
	c->done = !loaded;
	if (status != 0 || c->done)
		return status;
	status = ks_win_scratch_subtract(w, c->rec, &loaded);
	c->done = !loaded;
	return status == 0 && !c->done && ks_win_scratch_gone(w) ? begin_again(c) : status;
}

static int put_in(struct change *c, struct ks_bytes row)
{
	struct ks_win *w = c->w;
	bool loaded;
	int status;

	c->rec->value = row;
	status = ks_win_load(w, c->rec, &loaded);
	if (status == 0 && loaded)
		status = ks_win_try(w, c->rec, c->there ? w->scratch.block.p : NULL, &loaded);
	c->done = !loaded;
	if (status != 0 || c->done || (!c->there && ks_fold_nothing(&w->fold)))
		return status;
	c->there = true;
	return ks_win_scratch_apply(w, c->rec);
}

/* The state that was made takes the place of the one in the store, whose value was v. */
static int keep(struct change *c, const struct ks_win_part *part, int64_t segment, struct ks_bytes key, struct ks_store_value v)
{
	struct ks_win *w = c->w;
	struct ks_store_value now;
	int status = 0;

	if (c->there && ks_win_scratch_gone(w))
		c->there = false;
	if (!c->there || v.n > w->scratch.block.n)
		status = ks_store_delete(w->store, part->partition, segment, key, w->run->err);
	if (status != 0 || !c->there)
		return status;
	status = ks_store_put(w->store, part->partition, segment, key, w->scratch.block.n, &now, w->run->err);
	if (status == 0)
		memcpy(now.p, w->scratch.block.p, w->scratch.block.n);
	return status;
}

static int update(struct ks_win *w, struct ks_win_part *part, const struct ks_window *at, struct ks_bytes key,
    struct ks_rec *rec, const struct ks_change *rows)
{
	struct change c = { .w = w, .rec = rec };
	struct ks_store_value v;
	bool fresh;
	int status;

	status = ks_store_get(w->store, part->partition, at->start_ms, key, &v, w->run->err);
	if (status == 0)
		status = begin(&c, v.p, v.n);
	fresh = !c.there;
	if (status == 0 && c.there && !ks_mp_is_nil(rows->before))
		status = take_out(&c, rows->before);
	if (status == 0 && !c.done && !ks_mp_is_nil(rows->now))
		status = put_in(&c, rows->now);
	if (status != 0 || c.done)
		return status;
	ks_folded(w->run);
	ks_win_scratch_time(w, rec->time_ms);
	status = keep(&c, part, at->start_ms, key, v);
	if (status != 0)
		return status;
	return ks_win_changed(w, part, rec, at, key, c.there ? w->scratch.block.p : NULL,
	    ((const struct ks_win_head *)(void *)w->scratch.block.p)->time_ms, fresh);
}

int ks_win_table(struct ks_win *w, struct ks_win_part *part, const struct ks_window *at, struct ks_rec *rec)
{
	const char *wrong = ks_fold_cannot_subtract(&w->fold);
	struct ks_rec row = *rec;
	struct ks_change rows;
	struct ks_bytes key;
	int status;

	if (wrong != NULL)
		return ks_fail(w->run->err, KS_CONFIG, "the records are changes of a table: %s", wrong);
	wrong = ks_change_parse(rec->value, w->run->limits->depth, &rows);
	if (wrong != NULL)
		return ks_reject(w->run, rec, "%s", wrong);
	if (!rows.latest || (ks_mp_is_nil(rows.now) && ks_mp_is_nil(rows.before))) {
		ks_drop(w->run, rows.latest ? "no row" : "not the latest");
		return 0;
	}
	row.frame = ks_bytes(NULL, 0);
	row.flags &= ~(uint32_t)KS_CHANGE;
	status = ks_win_enter(w, part, rec, &key);
	if (status != 0)
		return status;
	return update(w, part, at, key, &row, &rows);
}
