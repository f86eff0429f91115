/* SPDX-License-Identifier: MIT */
/* query.c - questions as bytes, and the walk that answers them. */
#include "query.h"

#include <errno.h>
#include <time.h>
#include <unistd.h>

#include "fdio.h"
#include "num.h"
#include "owner.h"

#define FIELDS 9u

int64_t ks_clock_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int ks_message_begin(struct ks_buf *b, unsigned char kind, size_t *at)
{
	unsigned char head[KS_QUERY_HEAD] = { 0, 0, 0, 0, kind };

	*at = b->n;
	return ks_buf_add(b, head, sizeof(head));
}

void ks_message_end(struct ks_buf *b, size_t at)
{
	ks_put32(b->p + at, (uint32_t)(b->n - at - 4));
}

int ks_message_fail(struct ks_buf *b, const struct ks_err *why)
{
	size_t at;
	int no = ks_message_begin(b, 'x', &at);

	if (no == 0)
		no = ks_mp_add_array_head(b, 2);
	if (no == 0)
		no = ks_mp_add_i64(b, why->status);
	if (no == 0)
		no = ks_mp_add_str(b, ks_str(why->text));
	if (no == 0)
		ks_message_end(b, at);
	return no;
}

static int add_bin(struct ks_buf *b, struct ks_bytes bytes)
{
	struct ks_val v = { .type = bytes.p != NULL ? KS_BIN : KS_NIL, .b = bytes };

	return ks_mp_add_val(b, &v);
}

int ks_query_add(struct ks_buf *b, const struct ks_query_ask *ask)
{
	const struct ks_bytes keys[] = { ask->key, ask->prefix, ask->lower, ask->upper };
	size_t at, i;
	int no = ks_message_begin(b, 'q', &at);

	if (no == 0)
		no = ks_mp_add_array_head(b, FIELDS);
	if (no == 0)
		no = ks_mp_add_i64(b, KS_QUERY_VERSION);
	if (no == 0)
		no = ks_mp_add_i64(b, ask->what);
	for (i = 0; i < 4 && no == 0; i++)
		no = add_bin(b, keys[i]);
	if (no == 0)
		no = ks_mp_add_i64(b, ask->since_ms);
	if (no == 0)
		no = ks_mp_add_i64(b, ask->until_ms);
	if (no == 0)
		no = ks_mp_add_i64(b, (int64_t)ask->limit);
	if (no == 0)
		ks_message_end(b, at);
	return no;
}

static bool take_int(const unsigned char **p, const unsigned char *end, int64_t *x)
{
	struct ks_val v;

	if (ks_mp_read(p, end, 0, &v) != KS_MP_OK || v.type != KS_INT)
		return false;
	*x = v.i;
	return true;
}

/* A slot that may be nil; what is msgpack must be sound, and no longer than it says. */
static bool take_key(const unsigned char **p, const unsigned char *end, bool packed, unsigned depth, struct ks_bytes *key)
{
	struct ks_val v;

	*key = ks_bytes(NULL, 0);
	if (ks_mp_read(p, end, 0, &v) != KS_MP_OK || (v.type != KS_NIL && v.type != KS_BIN))
		return false;
	if (v.type == KS_NIL)
		return true;
	*key = v.b;
	return !packed || (v.b.n > 0 && ks_mp_check(v.b, depth) == KS_MP_OK);
}

/* A bound is no container: to compare one with each key could take long. */
static bool is_bound(struct ks_bytes key)
{
	struct ks_head head;

	return key.p == NULL || (ks_mp_head(key.p, key.p + key.n, &head) == KS_MP_OK && head.type < KS_ARRAY);
}

const char *ks_query_parse(struct ks_bytes payload, unsigned depth, struct ks_query_ask *a)
{
	const unsigned char *p = payload.p, *end = payload.p + payload.n;
	int64_t version, what, limit;
	struct ks_head head;

	if (payload.n == 0 || ks_mp_head(p, end, &head) != KS_MP_OK || head.type != KS_ARRAY || head.count < 2)
		return "not a question";
	p = head.body;
	if (!take_int(&p, end, &version) || !take_int(&p, end, &what))
		return "not a question";
	if (version != KS_QUERY_VERSION)
		return "the question is of another version of kstream";
	if (head.count != FIELDS || what < KS_QUERY_ROWS || what > KS_QUERY_STATS ||
	    !take_key(&p, end, true, depth, &a->key) || !take_key(&p, end, false, depth, &a->prefix) ||
	    !take_key(&p, end, true, depth, &a->lower) || !take_key(&p, end, true, depth, &a->upper) ||
	    !take_int(&p, end, &a->since_ms) || !take_int(&p, end, &a->until_ms) || !take_int(&p, end, &limit) ||
	    limit < 0 || p != end || !is_bound(a->lower) || !is_bound(a->upper))
		return "not a question";
	a->what = (enum ks_query_what)what;
	a->limit = (uint64_t)limit;
	return NULL;
}

void ks_query_begin(struct ks_query *q, const struct ks_query_ask *ask)
{
	*q = (struct ks_query){ .ask = *ask, .until_us = INT64_MAX, .enough = SIZE_MAX, .done = true };
	ks_buf_init(&q->keys, SIZE_MAX / 4);
	ks_buf_init(&q->after, SIZE_MAX / 4);
	ks_buf_init(&q->to, SIZE_MAX / 4);
}

void ks_query_release(struct ks_query *q)
{
	ks_buf_release(&q->keys);
	ks_buf_release(&q->after);
	ks_buf_release(&q->to);
}

/* Keys that are no msgpack would be a store of another kind: they are not asked for. */
static bool is_asked(const void *arg, struct ks_bytes key)
{
	const struct ks_query_ask *a = arg;
	const unsigned char *p, *l = a->lower.p, *u = a->upper.p;
	struct ks_val v, bound;

	if (key.n < a->before)
		return false;
	key = ks_bytes(key.p + a->before, key.n - a->before);
	p = key.p;
	if (ks_mp_read(&p, key.p + key.n, KS_DEPTH_CEILING, &v) != KS_MP_OK)
		return false;
	if (a->key.p != NULL && (a->key.n > key.n || memcmp(a->key.p, key.p, a->key.n) != 0))
		return false;
	if (a->prefix.p != NULL && ((v.type != KS_STR && v.type != KS_BIN) || v.b.n < a->prefix.n ||
	    (a->prefix.n > 0 && memcmp(v.b.p, a->prefix.p, a->prefix.n) != 0)))
		return false;
	if (l != NULL && (ks_mp_read(&l, l + a->lower.n, KS_DEPTH_CEILING, &bound) != KS_MP_OK || ks_val_cmp(&v, &bound) < 0))
		return false;
	return u == NULL || (ks_mp_read(&u, u + a->upper.n, KS_DEPTH_CEILING, &bound) == KS_MP_OK && ks_val_cmp(&v, &bound) <= 0);
}

static int no_memory(int no, struct ks_err *err)
{
	return no == EMSGSIZE ? ks_fail(err, KS_DATA, "a row is too large to be told") : ks_fail_memory(err);
}

static int add_field(struct ks_buf *b, const char *name, const int64_t *x)
{
	int no = ks_mp_add_str(b, ks_str(name));

	if (no != 0)
		return no;
	return x != NULL ? ks_mp_add_i64(b, *x) : ks_buf_add(b, "\xc0", 1);
}

/* A number, as it is the name of its directory, or a name. */
static int add_instance(struct ks_buf *b, const char *owner)
{
	char room[KS_OWNER_ROOM];
	int64_t number;
	int no;

	ks_owner_directory(room, owner);
	if (ks_num_parse_i64(ks_str(room), &number) == 0)
		return add_field(b, "instance", &number);
	no = ks_mp_add_str(b, ks_str("instance"));
	return no != 0 ? no : ks_mp_add_str(b, ks_str(room));
}

static int add_bool(struct ks_buf *b, const char *name, bool x)
{
	int no = ks_mp_add_str(b, ks_str(name));

	return no != 0 ? no : ks_buf_add(b, x ? "\xc3" : "\xc2", 1);
}

static int add_value(struct ks_buf *b, const char *name, struct ks_bytes value)
{
	int no = ks_mp_add_str(b, ks_str(name));

	return no != 0 ? no : ks_buf_add(b, value.p, value.n);
}

static int add_row(struct ks_query *q, const struct ks_query_row *row, int64_t stream_ms)
{
	int64_t partition = q->partition;
	struct ks_buf *b = q->out;
	size_t at;
	int no = ks_message_begin(b, 'r', &at);

	if (no == 0)
		no = ks_mp_add_map_head(b, 8u + (row->start_ms != NULL ? 2u : 0u) + (row->stream.p != NULL ? 1u : 0u));
	if (no == 0)
		no = add_value(b, "key", row->key);
	if (no == 0 && row->start_ms != NULL)
		no = add_field(b, "start", row->start_ms);
	if (no == 0 && row->start_ms != NULL)
		no = add_field(b, "end", row->end_ms);
	if (no == 0 && row->stream.p != NULL)
		no = ks_mp_add_str(b, ks_str("stream"));
	if (no == 0 && row->stream.p != NULL)
		no = ks_mp_add_str(b, row->stream);
	if (no == 0)
		no = add_value(b, "value", row->value);
	if (no == 0)
		no = add_field(b, "ts", row->time_ms);
	if (no == 0)
		no = add_field(b, "partition", &partition);
	if (no == 0)
		no = add_field(b, "stream_time", stream_ms >= 0 ? &stream_ms : NULL);
	if (no == 0)
		no = add_instance(b, q->who.owner);
	if (no == 0)
		no = add_field(b, "epoch", &q->who.epoch);
	if (no == 0)
		no = add_bool(b, "committed", q->committed);
	if (no == 0)
		ks_message_end(b, at);
	else
		b->n = at;
	return no;
}

int ks_query_row(struct ks_query *q, const struct ks_query_state *s, const struct ks_query_row *row, struct ks_err *err)
{
	const int64_t *at_ms = row->start_ms != NULL ? row->start_ms : row->time_ms;
	int no;

	if (!ks_query_wants(q) || (at_ms != NULL ? *at_ms < q->ask.since_ms || *at_ms >= q->ask.until_ms :
	    q->ask.since_ms > INT64_MIN || q->ask.until_ms < INT64_MAX))
		return 0;
	q->uncommitted = q->uncommitted || !q->committed;
	q->rows++;
	if (q->ask.what == KS_QUERY_COUNT)
		return 0;
	no = add_row(q, row, s->stream_time(s->arg, q->partition));
	return no == 0 ? 0 : no_memory(no, err);
}

static int add_parts(struct ks_query *q, const struct ks_query_state *s)
{
	int64_t after, segment, oldest, newest, stream_ms, number;
	struct ks_buf *b = q->out;
	uint32_t count = 0;
	int32_t p;
	int no;

	for (after = -2; ks_store_next_partition(s->store, after, &p); after = p)
		count++;
	no = ks_mp_add_str(b, ks_str("partitions"));
	if (no == 0)
		no = ks_mp_add_array_head(b, count);
	for (after = -2; no == 0 && ks_store_next_partition(s->store, after, &p); after = p) {
		number = p;
		stream_ms = s->stream_time(s->arg, p);
		no = ks_mp_add_map_head(b, q->ask.what == KS_QUERY_STATS ? 5 : 2);
		if (no == 0)
			no = add_field(b, "partition", &number);
		if (no == 0)
			no = add_field(b, "stream_time", stream_ms >= 0 ? &stream_ms : NULL);
		if (no != 0 || q->ask.what != KS_QUERY_STATS)
			continue;
		number = oldest = newest = 0;
		for (segment = -1; ks_store_next_segment(s->store, p, segment, &segment); newest = segment)
			if (number++ == 0)
				oldest = segment;
		no = add_field(b, "segments", &number);
		if (no == 0)
			no = add_field(b, "oldest", number > 0 ? &oldest : NULL);
		if (no == 0)
			no = add_field(b, "newest", number > 0 ? &newest : NULL);
	}
	return no;
}

static int add_stats(struct ks_query *q, const struct ks_query_state *s)
{
	struct ks_store_facts f;
	int64_t x[5], after, stream_ms = -1, lag_ms;
	int32_t p;
	int no;

	ks_store_facts(s->store, &f);
	for (after = -2; ks_store_next_partition(s->store, after, &p); after = p)
		if (s->stream_time(s->arg, p) > stream_ms)
			stream_ms = s->stream_time(s->arg, p);
	lag_ms = ks_wall_ms() - stream_ms;
	x[0] = getpid();
	x[1] = f.committed;
	x[2] = (int64_t)f.entries;
	x[3] = (int64_t)f.memory;
	x[4] = (int64_t)f.disk;
	no = add_field(q->out, "pid", &x[0]);
	if (no == 0)
		no = add_field(q->out, "committed_epoch", f.committed >= 0 ? &x[1] : NULL);
	if (no == 0)
		no = add_field(q->out, "entries_in_memory", &x[2]);
	if (no == 0)
		no = add_field(q->out, "memory", &x[3]);
	if (no == 0)
		no = add_field(q->out, "disk", &x[4]);
	return no == 0 ? add_field(q->out, "lag", stream_ms >= 0 ? &lag_ms : NULL) : no;
}

/* What is to be said of the whole. */
static int add_end(struct ks_query *q, const struct ks_query_state *s)
{
	int64_t rows = (int64_t)q->rows;
	bool stats = q->ask.what == KS_QUERY_STATS;
	size_t at;
	int no = ks_message_begin(q->out, 'e', &at);

	if (no == 0)
		no = ks_mp_add_map_head(q->out, stats ? 10 : 6);
	if (no == 0)
		no = ks_mp_add_str(q->out, ks_str("stage"));
	if (no == 0)
		no = ks_mp_add_str(q->out, ks_str(q->who.stage));
	if (no == 0)
		no = add_instance(q->out, q->who.owner);
	if (no == 0)
		no = add_field(q->out, "epoch", &q->who.epoch);
	if (no == 0 && stats)
		no = add_stats(q, s);
	if (no == 0 && !stats)
		no = add_field(q->out, "rows", &rows);
	if (no == 0 && !stats)
		no = add_bool(q->out, "committed", !q->uncommitted);
	if (no == 0)
		no = add_parts(q, s);
	if (no == 0)
		ks_message_end(q->out, at);
	else
		q->out->n = at;
	return no;
}

static int take_key_row(struct ks_query *q, const struct ks_query_state *s, struct ks_bytes key, struct ks_err *err)
{
	struct ks_store_value v;
	int status;

	q->committed = ks_store_is_committed(s->store, q->partition, q->segment, key);
	status = ks_store_get(s->store, q->partition, q->segment, key, &v, err);
	return status != 0 || v.p == NULL ? status : s->rows(s->arg, q, key, v, err);
}

/* What is next in the segment. */
static int step(struct ks_query *q, const struct ks_query_state *s, struct ks_err *err)
{
	bool composed = s->composed != NULL && s->composed(s->arg, q->segment);
	bool some = q->ask.key.p != NULL || q->ask.prefix.p != NULL || q->ask.lower.p != NULL || q->ask.upper.p != NULL;
	struct ks_buf swap;
	struct ks_bytes key;
	int status;

	if (q->ask.key.p != NULL && !composed) {
		q->done = true;
		return take_key_row(q, s, q->ask.key, err);
	}
	if (q->at < q->keys.n) {
		key = ks_bytes(q->keys.p + q->at + 4, ks_get32(q->keys.p + q->at));
		q->at += 4 + key.n;
		return take_key_row(q, s, key, err);
	}
	q->done = !q->more;
	if (q->done)
		return 0;
	q->at = 0;
	q->ask.before = composed ? s->before : 0;
	status = ks_store_keys(s->store, q->partition, q->segment, q->after.n > 0 ? &q->after : NULL, some ? is_asked : NULL, &q->ask,
	    &q->keys, &q->to, &q->more, err);
	swap = q->after;
	q->after = q->to;
	q->to = swap;
	return status;
}

/* The next segment that has what is asked for, of this partition or the next; false: there is none. */
static bool advance(struct ks_query *q, const struct ks_query_state *s)
{
	int64_t behind = s->first > INT64_MIN ? s->first - 1 : s->first;

	for (;;) {
		if (q->in_partition) {
			if (ks_store_next_segment(s->store, q->partition, q->in_segment ? q->segment : behind, &q->segment) &&
			    q->segment <= s->last) {
				q->in_segment = q->more = true;
				q->done = false;
				q->after.n = q->keys.n = q->at = 0;
				return true;
			}
			q->in_segment = false;
		}
		if (!ks_store_next_partition(s->store, q->in_partition ? q->partition : -2, &q->partition))
			return false;
		q->in_partition = true;
		q->in_segment = false;
	}
}

int ks_query_walk(struct ks_query *q, const struct ks_query_state *s, struct ks_err *err)
{
	int no, status;

	while (q->ask.what != KS_QUERY_STATS && ks_query_wants(q)) {
		if (q->done && !advance(q, s))
			break;
		status = step(q, s, err);
		if (status != 0)
			return status;
		if (q->out->n >= q->enough || (q->until_us < INT64_MAX && ks_clock_us() >= q->until_us))
			return 0;
	}
	no = add_end(q, s);
	q->over = true;
	return no == 0 ? 0 : no_memory(no, err);
}
