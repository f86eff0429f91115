/* SPDX-License-Identifier: MIT */
/* join-streams-out.c - what two streams give: pairs, and rows that have waited in vain. */
#include "join-streams.h"

#include "letter.h"

static const char closed[] = "the window has closed";

/* The value of a row; with --unmatched there is more behind it, and n == 0: the row is damaged. */
static struct ks_bytes value_of(const struct ks_join *j, const struct ks_join_item *row)
{
	struct ks_bytes b = ks_join_item_bytes(row);
	const unsigned char *p = b.p;

	if (j->letters == NULL)
		return b;
	/* Of --max-depth there may have been more when it was kept. */
	return ks_bytes(b.p, ks_mp_skip(&p, b.p + b.n, KS_DEPTH_CEILING) == KS_MP_OK ? (size_t)(p - b.p) : 0);
}

/* The record of which the row was made (ks_join_streams of --unmatched); false: the row is damaged. */
static bool record_of(const struct ks_join_item *row, struct ks_rec *rec)
{
	struct ks_bytes b = ks_join_item_bytes(row);
	const unsigned char *p = b.p + rec->value.n, *end = b.p + b.n, *headers = p;
	struct ks_val v;

	if (rec->value.n == 0 || ks_mp_skip(&p, end, KS_DEPTH_CEILING) != KS_MP_OK)
		return false;
	rec->headers = ks_bytes(headers, (size_t)(p - headers));
	rec->time_ms = row->time_ms;
	rec->flags = row->bits & (KS_TIME_TYPE | KS_KEY_KIND);
	if (ks_mp_read(&p, end, 0, &v) != KS_MP_OK || (v.type != KS_INT && v.type != KS_UINT))
		return false;
	rec->offset = v.type == KS_INT ? v.i : (int64_t)v.u;
	if (ks_mp_read(&p, end, 0, &v) != KS_MP_OK || (v.type != KS_STR && v.type != KS_NIL))
		return false;
	if (v.type == KS_STR)
		rec->topic = v.b;
	return true;
}

int ks_join_alone(struct ks_join *j, enum ks_join_side side, const struct ks_rec *rec)
{
	struct ks_join_result r = { .from = rec, .side = side, .partition = rec->partition, .time_ms = rec->time_ms, .key = rec->key,
		.left = ks_mp_nil, .right = ks_mp_nil };

	if (j->spec.type == KS_JOIN_INNER)
		return ks_join_unmatched(j, side, rec, closed);
	*(side == KS_JOIN_LEFT ? &r.left : &r.right) = rec->value;
	return ks_join_emit(j, &r);
}

/* A row that has waited: with the headers of the record that moves time, where one does. */
static int leave(struct ks_join *j, const struct ks_join_wait *w, struct ks_bytes key, const struct ks_join_item *row,
    enum ks_join_side side, const struct ks_rec *from)
{
	struct ks_join_result r = { .from = from, .side = side, .moved = from != NULL, .partition = w->partition, .time_ms = row->time_ms, .key = key,
		.left = ks_mp_nil, .right = ks_mp_nil, .flags = row->bits & (KS_TIME_TYPE | KS_KEY_KIND) };
	struct ks_rec rec = { .partition = w->partition, .key = key, .value = value_of(j, row) };

	if (j->letters != NULL)
		return record_of(row, &rec) ? ks_join_unmatched(j, w->side, &rec, closed) :
		    ks_join_damaged(&ks_join_streams_of(j)->shelf, w->partition);
	*(w->side == KS_JOIN_LEFT ? &r.left : &r.right) = rec.value;
	if (from != NULL && ((from->flags ^ row->bits) & KS_KEY_KIND) != 0) {
		rec = *from;
		rec.flags = (from->flags & ~(uint32_t)KS_KEY_KIND) | (row->bits & KS_KEY_KIND);
		r.from = &rec;
	}
	return ks_join_emit(j, &r);
}

/* Rows of a chunk that have waited until now do so no more: their times go to s->times. */
static int wake(struct ks_join *j, const struct ks_join_walk *w, const struct ks_join_chunk **c)
{
	struct ks_join_streams *s = ks_join_streams_of(j);
	struct ks_join_chunk *chunk = NULL;
	const struct ks_join_item *i;
	int64_t *last;
	size_t at;
	int status;

	s->times.n = 0;
	for (at = sizeof(**c); at < (*c)->used; at += ks_join_item_size(i->n)) {
		i = ks_join_item_at(*c, at);
		if (i == NULL)
			return ks_join_damaged(&s->shelf, w->at.partition);
		if (i->time_ms > w->last_ms)
			break;
		if (i->time_ms < w->first_ms || (i->bits & KS_JOIN_WAITS) == 0 || ks_join_item_side(i) != w->side)
			continue;
		if (chunk == NULL) {
			status = ks_join_rows_change(&s->shelf, w, &chunk);
			if (status != 0)
				return status;
			*c = chunk;
			i = ks_join_item_at(chunk, at);
		}
		((struct ks_join_item *)(void *)((unsigned char *)chunk + at))->bits &= ~KS_JOIN_WAITS;
		last = s->times.n > 0 ? (int64_t *)(void *)(s->times.p + s->times.n) - 1 : NULL;
		if ((last == NULL || *last != i->time_ms) && ks_buf_add(&s->times, &i->time_ms, 8) != 0)
			return ks_join_no_memory(j);
	}
	return 0;
}

/* Rows of a time may be in two chunks: both are looked at before they are taken from those that wait. */
static int forget_times(struct ks_join *j, struct ks_join_wait *wait, struct ks_bytes key, int64_t *before_ms)
{
	struct ks_join_streams *s = ks_join_streams_of(j);
	int64_t time_ms;
	int status = 0;
	size_t at;

	for (at = 0; at < s->times.n && status == 0; at += 8) {
		memcpy(&time_ms, s->times.p + at, 8);
		if (time_ms != *before_ms)
			status = ks_join_wait_remove(&s->shelf, wait, time_ms, key);
		*before_ms = time_ms;
	}
	return status;
}

static int match_chunk(struct ks_join *j, const struct ks_join_walk *w, const struct ks_join_chunk *c, struct ks_join_result *r,
    bool *any)
{
	const struct ks_join_item *i;
	int64_t own_ms = r->from->time_ms;
	struct ks_bytes value;
	size_t at;
	int status = 0;

	for (at = sizeof(*c); at < c->used && status == 0; at += ks_join_item_size(i->n)) {
		i = ks_join_item_at(c, at);
		if (KS_UNLIKELY(i == NULL))
			return ks_join_damaged(&ks_join_streams_of(j)->shelf, w->at.partition);
		if (i->time_ms > w->last_ms)
			break;
		if (i->time_ms < w->first_ms || ks_join_item_side(i) != w->side)
			continue;
		*any = true;
		value = value_of(j, i);
		if (KS_UNLIKELY(value.n == 0))
			return ks_join_damaged(&ks_join_streams_of(j)->shelf, w->at.partition);
		*(r->side == KS_JOIN_LEFT ? &r->right : &r->left) = value;
		r->time_ms = i->time_ms > own_ms ? i->time_ms : own_ms;
		status = ks_join_emit(j, r);
	}
	return status;
}

static int match_segment(struct ks_join *j, struct ks_join_part *part, struct ks_join_walk *w, struct ks_join_result *r, bool *any)
{
	struct ks_join_streams *s = ks_join_streams_of(j);
	enum ks_join_side other = !r->side;
	const struct ks_join_chunk *c;
	int64_t woken_ms = -1;
	int status;

	while ((status = ks_join_rows_next(&s->shelf, w, &c)) == 0 && c != NULL) {
		if (s->waits[other])
			status = wake(j, w, &c);
		if (status == 0)
			status = match_chunk(j, w, c, r, any);
		if (status == 0 && s->waits[other])
			status = forget_times(j, &part->wait[other], w->at.key, &woken_ms);
		if (status != 0)
			break;
	}
	return status;
}

int ks_join_match(struct ks_join *j, struct ks_join_part *part, enum ks_join_side side, const struct ks_rec *rec,
    struct ks_bytes key, bool *any)
{
	struct ks_join_streams *s = ks_join_streams_of(j);
	struct ks_join_result r = { .from = rec, .side = side, .partition = rec->partition, .key = rec->key };
	int64_t first = ks_join_later(rec->time_ms, -s->before_ms[side]), last = ks_join_later(rec->time_ms, s->after_ms[side]);
	int64_t gone = ks_join_gone(s, part, !side), segment;
	int status = 0;

	*any = false;
	s->shelf.seen = 0;
	/* Kafka Streams looks no further back than the epoch, not even for what ends before it. */
	first = first > 0 ? first : 0;
	last = last > 0 ? last : 0;
	last = last < part->put_ms[!side] ? last : part->put_ms[!side];
	if (first > last || last <= gone)
		return 0;
	first = first > gone ? first : gone + 1;
	*(side == KS_JOIN_LEFT ? &r.left : &r.right) = rec->value;
	for (segment = ks_join_segment(s, first); segment <= ks_join_segment(s, last) && status == 0; segment++) {
		struct ks_join_walk w = { .at = { part->partition, segment, key }, .side = !side, .first_ms = first, .last_ms = last };

		status = match_segment(j, part, &w, &r, any);
		s->shelf.seen = w.used;
	}
	if (segment != ks_join_segment(s, rec->time_ms) + 1)
		s->shelf.seen = 0;
	return status;
}

/* All rows of an entry leave. */
static int leave_all(struct ks_join *j, struct ks_join_wait *wait, const struct ks_join_entry *e, enum ks_join_side side,
    const struct ks_rec *from)
{
	struct ks_join_streams *s = ks_join_streams_of(j);
	struct ks_join_walk w = { .at = { wait->partition, ks_join_segment(s, e->time_ms), ks_buf_bytes(&e->key) },
		.side = wait->side, .first_ms = e->time_ms, .last_ms = e->time_ms };
	const struct ks_join_chunk *c;
	struct ks_join_item *i;
	uint32_t rows = 0;
	size_t at;
	int status;

	while ((status = ks_join_rows_next(&s->shelf, &w, &c)) == 0 && c != NULL) {
		struct ks_join_chunk *chunk = NULL;

		status = ks_join_rows_change(&s->shelf, &w, &chunk);
		for (at = sizeof(*c); status == 0 && at < chunk->used; at += ks_join_item_size(i->n)) {
			i = (struct ks_join_item *)(uintptr_t)ks_join_item_at(chunk, at);
			if (i == NULL)
				return ks_join_damaged(&s->shelf, wait->partition);
			if (i->time_ms != e->time_ms || (i->bits & KS_JOIN_WAITS) == 0 || ks_join_item_side(i) != w.side)
				continue;
			i->bits &= ~KS_JOIN_WAITS;
			rows++;
			status = leave(j, wait, w.at.key, i, side, from);
		}
		if (status != 0)
			return status;
	}
	if (status == 0 && rows != e->rows)
		return ks_join_damaged(&s->shelf, wait->partition);
	return status == 0 ? ks_join_wait_remove(&s->shelf, wait, e->time_ms, w.at.key) : status;
}

static int first_of(struct ks_join_streams *s, struct ks_join_wait *w, struct ks_join_entry *e)
{
	int status = ks_join_wait_behind(&s->shelf, w, INT64_MIN, ks_bytes("", 0), e);

	w->from_ms = e->rows > 0 ? e->time_ms : INT64_MAX;
	return status;
}

/* Both sides have rows that are open: the time of the value behind the first of each, or of the later one of these. */
static int stop_time(struct ks_join_streams *s, struct ks_join_part *part, int64_t *time_ms)
{
	const struct ks_join_entry *l = &s->first[KS_JOIN_LEFT], *r = &s->first[KS_JOIN_RIGHT];
	enum ks_join_side side = l->time_ms >= r->time_ms ? KS_JOIN_LEFT : KS_JOIN_RIGHT;
	const struct ks_join_entry *e = &s->first[side];
	int64_t behind = INT64_MAX;
	bool any;
	int status;

	*time_ms = e->time_ms;
	if (e->rows > 1)
		return 0;
	status = ks_join_wait_behind(&s->shelf, &part->wait[side], e->time_ms, ks_buf_bytes(&e->key), &s->other);
	any = s->other.rows > 0;
	if (any)
		behind = s->other.time_ms;
	/* Right rows of the same time are before a left one. */
	if (status != 0 || (side == KS_JOIN_LEFT && e->time_ms == INT64_MAX))
		return status;
	status = ks_join_wait_behind(&s->shelf, &part->wait[!side], side == KS_JOIN_LEFT ? e->time_ms + 1 : e->time_ms,
	    ks_bytes("", 0), &s->other);
	if (s->other.rows > 0 && s->other.time_ms < behind)
		behind = s->other.time_ms;
	if (any || s->other.rows > 0)
		*time_ms = behind;
	return status;
}

/*
 * What Kafka Streams takes for the smallest time that waits, after it has
 * looked through: the time of the last value it has seen [4.3].  It stops
 * behind an open row of each side, and otherwise has seen them all.
 */
static int find_least(struct ks_join *j, struct ks_join_part *part, int64_t left_ms)
{
	struct ks_join_streams *s = ks_join_streams_of(j);
	bool left = s->first[KS_JOIN_LEFT].rows > 0, right = s->first[KS_JOIN_RIGHT].rows > 0;
	int64_t last = left_ms;
	int status = 0;

	part->changed = true;
	if (left && right)
		return stop_time(s, part, &part->least_ms);
	if (left || right)
		status = ks_join_wait_last(&s->shelf, &part->wait[left ? KS_JOIN_LEFT : KS_JOIN_RIGHT], &last);
	part->may_wait = last >= 0;
	part->least_ms = last > left_ms ? last : left_ms;
	return status;
}

int ks_join_expire(struct ks_join *j, struct ks_join_part *part, enum ks_join_side side, const struct ks_rec *from, bool all)
{
	struct ks_join_streams *s = ks_join_streams_of(j);
	int64_t left_ms = -1, until;
	int status = first_of(s, &part->wait[0], &s->first[0]);
	int x, next;

	if (status == 0)
		status = first_of(s, &part->wait[1], &s->first[1]);
	while (status == 0) {
		next = -1;
		for (x = KS_JOIN_RIGHT; x <= KS_JOIN_LEFT; x++) {
			until = ks_join_later(s->first[x].time_ms, s->closed_ms[x]);
			if (s->first[x].rows > 0 && (all || until < part->stream_ms) &&
			    (next < 0 || s->first[x].time_ms < s->first[next].time_ms))
				next = x;
		}
		if (next < 0)
			break;
		left_ms = s->first[next].time_ms;
		status = leave_all(j, &part->wait[next], &s->first[next], side, from);
		if (status == 0)
			status = first_of(s, &part->wait[next], &s->first[next]);
	}
	return status == 0 ? find_least(j, part, left_ms) : status;
}
