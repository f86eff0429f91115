/* SPDX-License-Identifier: MIT */
/* join-streams.c - records of two streams within a span of time of each other: what comes in, and what is kept. */
#include "join-streams.h"

#include <errno.h>
#include <stdlib.h>

#define BUCKET_MIN 16			/* ms: a segment is worth some rows */
#define ROW_MAX ((size_t)1 << 30)	/* bytes of a row */

static const unsigned char saved_key[] = "streams";

/* What is kept of a partition beside its rows. */
struct saved {
	int64_t stream_ms, put_ms[2], least_ms, may_wait;
};

static int check(struct ks_join *j, struct ks_err *err)
{
	struct ks_join_spec *s = &j->spec;
	int64_t span_ms, keep_ms;
	bool longer;

	if (!s->has_within && !s->has_before && !s->has_after)
		return ks_fail(err, KS_USAGE, "how far apart may two records be?  --within DURATION, or --before and --after");
	longer = __builtin_add_overflow(s->before_ms, s->after_ms, &span_ms);
	if (!longer && span_ms < 0)
		return ks_fail(err, KS_USAGE, "--before and --after leave no time: their sum is negative");
	/* Either may be longer than their sum, and --grace is added to it alone, too. */
	if (longer || __builtin_add_overflow(span_ms, s->grace_ms, &keep_ms) ||
	    __builtin_add_overflow(s->before_ms, s->grace_ms, &keep_ms) || __builtin_add_overflow(s->after_ms, s->grace_ms, &keep_ms))
		return ks_fail(err, KS_USAGE, "--before, --after (or twice --within) and --grace together are too long");
	return 0;
}

static int fingerprint(const struct ks_join *j, struct ks_buf *b)
{
	const struct ks_join_spec *s = &j->spec;
	int no = ks_buf_printf(b, "--before %lldms\n--after %lldms\n--grace %lldms\n", (long long)s->before_ms, (long long)s->after_ms,
	    (long long)s->grace_ms);

	return no == 0 && s->unmatched != NULL ? ks_buf_printf(b, "--unmatched kept\n") : no;
}

static void close_part(struct ks_join_part *part)
{
	ks_join_wait_close(&part->wait[0]);
	ks_join_wait_close(&part->wait[1]);
	free(part);
}

static void close_own(struct ks_join *j)
{
	struct ks_join_streams *s = ks_join_streams_of(j);
	size_t i;

	if (s == NULL)
		return;
	for (i = 0; i < s->count; i++)
		close_part(s->parts[i]);
	free(s->parts);
	ks_buf_release(&s->shelf.side);
	ks_buf_release(&s->shelf.key);
	ks_buf_release(&s->shelf.rest);
	ks_buf_release(&s->shelf.both);
	ks_buf_release(&s->row);
	ks_buf_release(&s->times);
	ks_buf_release(&s->first[0].key);
	ks_buf_release(&s->first[1].key);
	ks_buf_release(&s->other.key);
	free(s);
	j->own = NULL;
}

static int load(struct ks_join *j, struct ks_join_part *part)
{
	struct ks_join_shelf *shelf = &ks_join_streams_of(j)->shelf;
	struct ks_store_value v;
	struct saved saved;
	int status, side;

	status = ks_store_get(j->store, part->partition, KS_STORE_META, ks_bytes(saved_key, sizeof(saved_key)), &v, j->run->err);
	if (status == 0 && v.p != NULL && v.n != sizeof(saved))
		status = ks_join_damaged(shelf, part->partition);
	if (status == 0 && v.p != NULL) {
		memcpy(&saved, v.p, sizeof(saved));
		part->stream_ms = saved.stream_ms;
		part->put_ms[0] = saved.put_ms[0];
		part->put_ms[1] = saved.put_ms[1];
		part->least_ms = saved.least_ms;
		part->may_wait = saved.may_wait != 0;
	}
	for (side = KS_JOIN_RIGHT; side <= KS_JOIN_LEFT && status == 0; side++)
		status = ks_join_wait_open(shelf, &part->wait[side]);
	return status;
}

static int save(struct ks_join *j)
{
	struct ks_join_streams *s = ks_join_streams_of(j);
	struct ks_join_part *part;
	struct ks_store_value v;
	struct saved saved;
	int status = 0;
	size_t i;

	for (i = 0; i < s->count && status == 0; i++) {
		part = s->parts[i];
		if (!part->changed)
			continue;
		saved = (struct saved){ part->stream_ms, { part->put_ms[0], part->put_ms[1] }, part->least_ms, part->may_wait };
		status = ks_store_put(j->store, part->partition, KS_STORE_META, ks_bytes(saved_key, sizeof(saved_key)), sizeof(saved), &v,
		    j->run->err);
		if (status == 0)
			memcpy(v.p, &saved, sizeof(saved));
		part->changed = status != 0;
	}
	return status;
}

static int make_part(struct ks_join *j, int32_t partition, size_t at)
{
	struct ks_join_streams *s = ks_join_streams_of(j);
	size_t cap = s->cap == 0 ? 8 : 2 * s->cap;
	struct ks_join_part **parts, *part;
	int status, side;

	if (s->count == s->cap) {
		parts = reallocarray(s->parts, cap, sizeof(struct ks_join_part *));
		if (parts == NULL)
			return ks_join_no_memory(j);
		s->parts = parts;
		s->cap = cap;
	}
	part = calloc(1, sizeof(*part));
	if (part == NULL)
		return ks_join_no_memory(j);
	part->partition = partition;
	part->stream_ms = part->put_ms[0] = part->put_ms[1] = -1;
	for (side = KS_JOIN_RIGHT; side <= KS_JOIN_LEFT; side++) {
		part->wait[side].partition = partition;
		part->wait[side].side = (enum ks_join_side)side;
	}
	status = load(j, part);
	if (status != 0) {
		close_part(part);
		return status;
	}
	memmove(s->parts + at + 1, s->parts + at, (s->count - at) * sizeof(struct ks_join_part *));
	s->parts[at] = part;
	s->count++;
	return 0;
}

/* How many partitions are before this one. */
static size_t count_before(const struct ks_join_streams *s, int32_t partition)
{
	size_t low = 0, high = s->count, middle;

	while (low < high) {
		middle = (low + high) / 2;
		if (s->parts[middle]->partition < partition)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct ks_join_part *ks_join_find_part(const struct ks_join_streams *s, int32_t partition)
{
	size_t at = count_before(s, partition);

	return at < s->count && s->parts[at]->partition == partition ? s->parts[at] : NULL;
}

/* Records come in runs of a partition. */
static int part_of(struct ks_join *j, int32_t partition, struct ks_join_part **part)
{
	struct ks_join_streams *s = ks_join_streams_of(j);
	int status = 0;
	size_t at;

	if (KS_UNLIKELY(s->last == NULL || s->last->partition != partition)) {
		at = count_before(s, partition);
		if (at == s->count || s->parts[at]->partition != partition)
			status = make_part(j, partition, at);
		if (status != 0)
			return status;
		s->last = s->parts[at];
	}
	*part = s->last;
	return 0;
}

static int open_own(struct ks_join *j)
{
	struct ks_join_streams *s = calloc(1, sizeof(*s));
	const struct ks_join_spec *spec = &j->spec;
	struct ks_join_part *part;
	int32_t partition;
	int64_t after;
	int status = 0;

	j->own = s;
	if (s == NULL)
		return ks_join_no_memory(j);
	s->shelf.store = j->store;
	s->shelf.err = j->run->err;
	ks_buf_init(&s->shelf.key, 2 * j->run->limits->key + 256);
	ks_buf_init(&s->shelf.side, 2 * j->run->limits->key + 256);
	ks_buf_init(&s->shelf.rest, UINT32_MAX / 2);
	ks_buf_init(&s->shelf.both, UINT32_MAX / 2);
	ks_buf_init(&s->row, ROW_MAX);
	ks_buf_init(&s->times, UINT32_MAX);
	ks_buf_init(&s->first[0].key, UINT32_MAX);
	ks_buf_init(&s->first[1].key, UINT32_MAX);
	ks_buf_init(&s->other.key, UINT32_MAX);
	s->keep_ms = ks_join_later(ks_join_later(spec->before_ms, spec->after_ms), spec->grace_ms);
	if (s->keep_ms == 0)
		ks_warn(j->run, "--within 0s without --grace keeps no record for another one, as in Kafka Streams: --grace 1ms does");
	s->bucket_ms = s->keep_ms > BUCKET_MIN ? s->keep_ms : BUCKET_MIN;
	s->before_ms[KS_JOIN_LEFT] = s->after_ms[KS_JOIN_RIGHT] = spec->before_ms;
	s->after_ms[KS_JOIN_LEFT] = s->before_ms[KS_JOIN_RIGHT] = spec->after_ms;
	s->closed_ms[KS_JOIN_LEFT] = ks_join_later(spec->after_ms, spec->grace_ms);
	s->closed_ms[KS_JOIN_RIGHT] = ks_join_later(spec->before_ms, spec->grace_ms);
	s->waits[KS_JOIN_LEFT] = spec->type != KS_JOIN_INNER || spec->unmatched != NULL;
	s->waits[KS_JOIN_RIGHT] = spec->type == KS_JOIN_OUTER || spec->unmatched != NULL;
	for (after = -2; status == 0 && ks_store_next_partition(j->store, after, &partition); after = partition)
		status = part_of(j, partition, &part);
	return status;
}

/* Whether something waits that has closed. */
static bool is_due(const struct ks_join *j, const struct ks_join_part *part)
{
	const struct ks_join_streams *s = ks_join_streams_of(j);
	int side;

	for (side = KS_JOIN_RIGHT; side <= KS_JOIN_LEFT; side++)
		if (ks_join_later(part->wait[side].from_ms, s->closed_ms[side]) < part->stream_ms)
			return true;
	return false;
}

/*
 * Step 3: a record at the newest time lets go what has closed.  Kafka Streams
 * looks only if the smallest time that is thought to wait has closed, by the
 * reach of the record's side.
 */
static bool looks(const struct ks_join *j, const struct ks_join_part *part, enum ks_join_side side)
{
	if (j->spec.type == KS_JOIN_INNER)
		return is_due(j, part);
	return part->may_wait &&
	    ks_join_later(part->least_ms, ks_join_streams_of(j)->closed_ms[side]) < part->stream_ms;
}

/* Rows of a side from start_ms to end_ms: whether there are none, or none that can be seen or that waits. */
static bool is_over(const struct ks_join_streams *s, const struct ks_join_part *part, enum ks_join_side side, int64_t start_ms,
    int64_t end_ms)
{
	return (start_ms > part->put_ms[side] || end_ms <= ks_join_gone(s, part, side)) && end_ms < part->wait[side].from_ms;
}

/* Buckets that nobody needs any more. */
static void sweep(struct ks_join *j, const struct ks_join_part *part)
{
	const struct ks_join_streams *s = ks_join_streams_of(j);
	int64_t segment = KS_JOIN_LEFT, start, end;

	while (ks_store_next_segment(j->store, part->partition, segment, &segment)) {
		start = (segment - 2) * s->bucket_ms;
		end = ks_join_later(start, s->bucket_ms - 1);
		if (start > ks_join_gone(s, part, KS_JOIN_RIGHT) && start > ks_join_gone(s, part, KS_JOIN_LEFT))
			break;
		if (is_over(s, part, KS_JOIN_RIGHT, start, end) && is_over(s, part, KS_JOIN_LEFT, start, end))
			ks_store_drop(j->store, part->partition, segment);
	}
}

/* With --unmatched behind the value: headers, offset and topic, in which the record may leave once more. */
static int make_row(struct ks_join *j, const struct ks_rec *rec, struct ks_bytes *row)
{
	struct ks_buf *b = &ks_join_streams_of(j)->row;

	*row = rec->value;
	if (KS_LIKELY(j->letters == NULL))
		return 0;
	b->n = 0;
	if (ks_buf_add(b, rec->value.p, rec->value.n) != 0 || ks_buf_add(b, rec->headers.p, rec->headers.n) != 0 ||
	    ks_mp_add_i64(b, rec->offset) != 0 || ks_mp_add_str(b, rec->topic) != 0)
		return ks_join_no_memory(j);
	*row = ks_buf_bytes(b);
	return 0;
}

/* Step 6: it can be met by what comes.  *kept: it is not too old for that, or waits. */
static int keep(struct ks_join *j, struct ks_join_part *part, enum ks_join_side side, const struct ks_rec *rec, struct ks_bytes key,
    bool waits, bool *kept)
{
	struct ks_join_streams *s = ks_join_streams_of(j);
	struct ks_join_item row = { .time_ms = rec->time_ms,
		.bits = (rec->flags & (KS_TIME_TYPE | KS_KEY_KIND)) | (waits ? KS_JOIN_WAITS : 0) |
			(uint32_t)side << KS_JOIN_SIDE_SHIFT };
	struct ks_join_place place = { part->partition, ks_join_segment(s, rec->time_ms), key };
	int64_t before = part->put_ms[side];
	struct ks_bytes bytes;
	int status;

	if (rec->time_ms > before) {
		part->put_ms[side] = rec->time_ms;
		part->changed = true;
	}
	*kept = waits || rec->time_ms > ks_join_gone(s, part, side);
	if (!*kept)
		return 0;
	status = make_row(j, rec, &bytes);
	if (status != 0)
		return status;
	row.n = (uint32_t)bytes.n;
	status = ks_join_rows_add(&s->shelf, &place, &row, bytes.p);
	if (status == 0 && KS_UNLIKELY(part->put_ms[side] / s->bucket_ms != before / s->bucket_ms))
		sweep(j, part);
	return status;
}

enum taken { DROPPED, LATE, TAKEN };

/* A record without key or value: where its side is kept it leaves alone, but a tombstone does not. */
static int take_bare(struct ks_join *j, enum ks_join_side side, const struct ks_rec *rec, enum taken *taken)
{
	if (ks_mp_is_nil(rec->value) || j->spec.type == KS_JOIN_INNER || !ks_join_streams_of(j)->waits[side])
		return 0;
	*taken = TAKEN;
	return ks_join_alone(j, side, rec);
}

/* In the bucket of its reach, and in its own; times are as they come, and mean nothing yet. */
static void expect(const struct ks_join *j, enum ks_join_side side, const struct ks_rec *rec, struct ks_bytes key, bool found)
{
	const struct ks_join_streams *s = ks_join_streams_of(j);
	int64_t from, to;

	if (rec->time_ms < 0 || __builtin_sub_overflow(rec->time_ms, s->before_ms[side], &from))
		return;
	from = ks_join_segment(s, from > 0 ? from : 0);
	to = ks_join_segment(s, rec->time_ms);
	ks_store_expect(j->store, rec->partition, to, key, found);
	if (from < to)
		ks_store_expect(j->store, rec->partition, from, key, found);
}

/* The steps of semantics.md 4.1, from the third on. */
static int take(struct ks_join *j, struct ks_join_part *part, enum ks_join_side side, const struct ks_rec *rec, enum taken *taken)
{
	struct ks_join_streams *s = ks_join_streams_of(j);
	int64_t last = ks_join_later(rec->time_ms, s->after_ms[side]);
	bool any = false, kept = false, waits;
	struct ks_bytes key;
	int status = ks_join_key(j, side, rec, &key);

	if (status == 0 && KS_UNLIKELY(s->waits[KS_JOIN_LEFT]) && rec->time_ms == part->stream_ms && looks(j, part, side))
		status = ks_join_expire(j, part, side, rec, false);
	if (status == 0)
		status = ks_join_match(j, part, side, rec, key, &any);
	if (KS_UNLIKELY(status != 0))
		return status;
	last = last > 0 ? last : 0;
	waits = !any && s->waits[side] && last >= part->stream_ms;
	if (waits) {
		status = ks_join_wait_add(&s->shelf, &part->wait[side], rec->time_ms, key);
		if (!part->may_wait || rec->time_ms < part->least_ms) {
			part->may_wait = part->changed = true;
			part->least_ms = rec->time_ms;
		}
	} else if (!any && s->waits[side]) {	/* too late to wait */
		status = ks_join_alone(j, side, rec);
	}
	if (status == 0)
		status = keep(j, part, side, rec, key, waits, &kept);
	if (kept || any || s->waits[side])
		*taken = TAKEN;
	else if (*taken == DROPPED)
		*taken = LATE;
	return status;
}

static int record(struct ks_join *j, enum ks_join_side side, struct ks_rec *rec)
{
	bool bare = ks_mp_is_nil(rec->key) || ks_mp_is_nil(rec->value);
	enum taken taken = DROPPED;
	struct ks_join_part *part;
	int status;

	if (KS_UNLIKELY((rec->flags & KS_TIME_TYPE) == KS_TIME_NONE))
		return ks_join_timeless(j, rec);
	if (KS_UNLIKELY(rec->time_ms < 0)) {
		ks_drop(j->run, "before 1970");
		return 0;
	}
	if (KS_UNLIKELY(rec->value.n > ROW_MAX / 4 || rec->headers.n > ROW_MAX / 4))
		return ks_reject(j->run, rec, "the record is too large to be kept");
	status = part_of(j, rec->partition, &part);
	if (KS_UNLIKELY(status != 0))
		return status;
	if (rec->time_ms > part->stream_ms) {
		part->stream_ms = rec->time_ms;
		part->changed = true;
	}
	status = bare ? take_bare(j, side, rec, &taken) : take(j, part, side, rec, &taken);
	/* Of a stream joined to itself each record is left, and then right. */
	if (status == 0 && KS_UNLIKELY(j->spec.twice))
		status = bare ? take_bare(j, KS_JOIN_RIGHT, rec, &taken) : take(j, part, KS_JOIN_RIGHT, rec, &taken);
	if (taken == TAKEN)
		ks_folded(j->run);
	else if (taken == LATE)
		ks_late(j->run);
	else if (status == 0)
		ks_drop(j->run, ks_mp_is_nil(rec->key) ? "null key" : "null value");
	return status;
}

static int mark(struct ks_join *j, struct ks_mark *m)
{
	struct ks_join_part *part;
	int64_t from;
	int status = part_of(j, m->partition, &part);

	if (status != 0)
		return status;
	if (m->time_ms > part->stream_ms) {
		part->stream_ms = m->time_ms;
		part->changed = true;
	}
	if (is_due(j, part))
		status = ks_join_expire(j, part, KS_JOIN_LEFT, NULL, false);
	/* What still waits leaves with its own time. */
	from = part->wait[0].from_ms < part->wait[1].from_ms ? part->wait[0].from_ms : part->wait[1].from_ms;
	if (j->letters == NULL && from < m->time_ms)
		m->time_ms = from;
	return status;
}

static int finish(struct ks_join *j)
{
	struct ks_join_streams *s = ks_join_streams_of(j);
	int status = 0;
	size_t i;

	for (i = 0; i < s->count && status == 0; i++)
		status = ks_join_expire(j, s->parts[i], KS_JOIN_LEFT, NULL, true);
	return status;
}

const struct ks_join_kind ks_join_streams = {
	.check = check,
	.fingerprint = fingerprint,
	.open = open_own,
	.expect = expect,
	.record = record,
	.mark = mark,
	.save = save,
	.finish = finish,
	.query = ks_join_streams_query,
	.close = close_own,
};
