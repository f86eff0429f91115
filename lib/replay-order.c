/* SPDX-License-Identifier: MIT */
/* replay-order.c - --reorder and --late. */
#include "replay.h"

#include <errno.h>

#include "hello.h"
#include "num.h"
#include "run-store.h"
#include "store.h"

#define KEY_SIZE 24u		/* time, topic, partition, offset */
#define TOPICS_MAX ((size_t)64 << 20)	/* bytes of their names: a quarter of a million */
#define MEMORY ((size_t)256 << 20)	/* of --memory: a million records of 200 bytes */
#define LATE_BY "__kstream.late.by"

int ks_replay_reorder(struct ks_replay *r, const char *value, struct ks_err *err)
{
	int status = ks_options_duration("reorder", value, &r->reorder_ms, err);

	if (status == 0 && r->reorder_ms < 0)
		return ks_fail(err, KS_USAGE, "--reorder %s: how far a record may be out of order is 0s or more", value);
	r->reorders = true;
	return status;
}

int ks_replay_late(struct ks_replay *r, const char *value, struct ks_err *err)
{
	r->late_given = true;
	if (strcmp(value, "pass") == 0) {
		r->late = KS_REPLAY_PASS;
	} else if (strcmp(value, "drop") == 0) {
		r->late = KS_REPLAY_DROP;
	} else if (strncmp(value, "route:", 6) == 0 && ks_is_name(value + 6, strlen(value + 6))) {
		r->late = KS_REPLAY_ROUTE;
		r->late_to = value + 6;
	} else if (strncmp(value, "file:", 5) == 0 && value[5] != '\0') {
		r->late = KS_REPLAY_FILE;
		r->late_to = value + 5;
	} else {
		return ks_fail(err, KS_USAGE, "--late '%s': it is pass, drop, route:TOPIC or file:PATH", value);
	}
	return 0;
}

int ks_replay_open(struct ks_replay *r)
{
	struct ks_run *run = r->run;
	int status = 0;

	r->now_ms = r->bound_ms = INT64_MIN;
	ks_buf_init(&r->topics, TOPICS_MAX);
	ks_buf_init(&r->frame, 2 * run->limits->record);
	ks_letters_init(&r->letters, run->limits);
	if (r->reorders)
		status = ks_sorter_open(&r->sorter, r->memory > 0 ? r->memory : MEMORY, NULL, run->err);
	if (status == 0 && r->late == KS_REPLAY_FILE) {
		status = ks_letters_to(&r->letters, "--late", r->late_to, run->err);
		if (status == 0)
			status = ks_beside_check(&r->letters.file, run->config, run->err);
	}
	if (status == 0 && r->record != NULL)
		status = ks_recorder_open(&r->recorder, r->record, run->err);
	return status;
}

void ks_replay_close(struct ks_replay *r)
{
	if (r->run == NULL)
		return;
	ks_sorter_close(&r->sorter);
	ks_buf_release(&r->topics);
	ks_buf_release(&r->frame);
	ks_letters_release(&r->letters);
	ks_recorder_close(&r->recorder);
}

/* The place of a name among those that have come. */
static int place_of(struct ks_replay *r, struct ks_bytes name, uint32_t *place)
{
	const char *p = (const char *)r->topics.p, *end = p + r->topics.n;
	size_t n;

	for (; p < end; p += n + 1) {
		n = strlen(p);
		if (n == name.n && memcmp(p, name.p, n) == 0) {
			*place = (uint32_t)(p - (const char *)r->topics.p);
			return 0;
		}
	}
	*place = (uint32_t)r->topics.n;
	if (ks_buf_reserve(&r->topics, name.n + 1) != 0)
		return ks_fail(r->run->err, KS_TEMP, "no memory for the names of topics");
	memcpy(r->topics.p + r->topics.n, name.p, name.n);
	r->topics.p[r->topics.n + name.n] = '\0';
	r->topics.n += name.n + 1;
	return 0;
}

static int note_stream(void *replay, struct ks_bytes name, const struct ks_hello_facts *facts)
{
	uint32_t place;

	(void)facts;
	return place_of(replay, name, &place);
}

int ks_replay_hello(struct ks_replay *r)
{
	struct ks_run *run = r->run;

	if (run->app)
		return ks_fail(run->err, KS_CONFIG, "a replay keeps nothing, and the source of this stream has an --app: kstream-cat --app reads a range once, and goes on");
	if (r->record != NULL && ks_recorder_hello(&r->recorder, run->hello->payload, run->hello->epoch, run->err) != 0)
		return run->err->status;
	return ks_hello_each(run->hello, note_stream, r);
}

/* Numbers as memcmp orders them. */
static void put_time(unsigned char *p, int64_t time_ms)
{
	ks_put64(p, (uint64_t)time_ms ^ (uint64_t)1 << 63);
}

static int make_key(struct ks_replay *r, const struct ks_rec *rec, unsigned char key[KEY_SIZE])
{
	uint32_t place = UINT32_MAX;
	int status = rec->topic.p != NULL ? place_of(r, rec->topic, &place) : 0;

	put_time(key, rec->time_ms);
	ks_put32(key + 8, place);
	ks_put32(key + 12, (uint32_t)rec->partition ^ (uint32_t)1 << 31);
	ks_put64(key + 16, (uint64_t)rec->offset ^ (uint64_t)1 << 63);
	return status;
}

static int emit_held(struct ks_replay *r, struct ks_bytes frame)
{
	struct ks_rec rec;

	if (ks_rec_parse(ks_bytes(frame.p + KS_FRAME_HEAD, frame.n - KS_FRAME_HEAD), r->run->limits, &rec) != NULL)
		ks_bug("a record that was held does not parse");
	rec.frame = ks_bytes(NULL, 0);	/* it would be lent to the output, and dies before that is written */
	return ks_replay_emit(r, &rec);
}

/* What is less than below goes; NULL: all. */
static int let_go(struct ks_replay *r, const struct ks_bytes *below)
{
	struct ks_bytes key, frame;
	int got, status = 0;

	while (status == 0 && (got = ks_sorter_take(&r->sorter, below, &key, &frame, r->run->err)) != 0)
		status = got < 0 ? r->run->err->status : emit_held(r, frame);
	return status;
}

/* rec with how late it is among its headers; where there is no room for that, as it is. */
static int pass_late(struct ks_replay *r, const struct ks_rec *rec, const struct ks_letter_why *why)
{
	struct ks_headers *h = &r->letters.headers;
	struct ks_rec marked = *rec;
	const char *wrong = ks_headers_begin(h, rec->headers, NULL, NULL);
	int no = wrong != NULL ? EMSGSIZE : ks_headers_add(h, ks_str(why->name), why->text);

	if (no == 0)
		no = ks_headers_end(h, &marked.headers);
	if (no != 0 || ks_rec_size(&marked) > r->run->limits->record)
		return ks_replay_emit(r, rec);
	marked.frame = ks_bytes(NULL, 0);
	return ks_replay_emit(r, &marked);
}

static int on_late(struct ks_replay *r, const struct ks_rec *rec)
{
	struct ks_letter_why why[] = {
		{ .name = "__kstream.late.reason", .text = ks_str("older than --reorder can put in order") },
		{ .name = NULL },
		{ .name = "__kstream.late.stage", .text = ks_str(r->run->stage) },
	};
	struct ks_rec late;
	uint64_t by = (uint64_t)r->bound_ms - (uint64_t)rec->time_ms;	/* the bound is the later one */
	int status;

	r->late_count++;
	ks_letter_number(&why[1], LATE_BY, by > INT64_MAX ? INT64_MAX : (int64_t)by);
	if (r->late == KS_REPLAY_PASS)
		return pass_late(r, rec, &why[1]);
	ks_late(r->run);
	if (r->late == KS_REPLAY_DROP)
		return 0;
	status = ks_letter_make(&r->letters, rec, KS_SIDE_LATE, why, sizeof(why) / sizeof(why[0]), "__kstream.late.cut", &late, r->run->err);
	if (status != 0)
		return status;
	if (r->late == KS_REPLAY_FILE)
		return ks_letter_write(&r->letters, &late, "a late record", r->run->err);
	late.route = ks_str(r->late_to);
	return ks_emit(r->run, &late);
}

static int hold(struct ks_replay *r, const struct ks_rec *rec)
{
	struct ks_bytes frame = rec->frame;
	unsigned char key[KEY_SIZE];
	int status = make_key(r, rec, key);

	if (status != 0)
		return status;
	if (frame.p == NULL) {
		r->frame.n = 0;
		if (ks_buf_reserve(&r->frame, ks_rec_size(rec)) != 0)
			return ks_fail_memory(r->run->err);
		frame = ks_bytes(r->frame.p, (size_t)(ks_rec_put(r->frame.p, rec) - r->frame.p));
	}
	return ks_sorter_put(&r->sorter, ks_bytes(key, sizeof(key)), frame, r->run->err);
}

int ks_replay_hold(struct ks_replay *r, struct ks_rec *rec)
{
	unsigned char bound[8];
	struct ks_bytes below = ks_bytes(bound, sizeof(bound));
	int status;

	if ((rec->flags & KS_TIME_TYPE) == KS_TIME_NONE)	/* it has no place in the order */
		return ks_replay_emit(r, rec);
	if (rec->time_ms < r->bound_ms)
		return on_late(r, rec);
	status = hold(r, rec);
	if (status != 0 || rec->time_ms <= r->now_ms)
		return status;
	r->now_ms = rec->time_ms;
	r->bound_ms = r->now_ms < INT64_MIN + r->reorder_ms ? INT64_MIN : r->now_ms - r->reorder_ms;
	put_time(bound, r->bound_ms);
	return let_go(r, &below);
}

int ks_replay_release(struct ks_replay *r)
{
	return r->reorders ? let_go(r, NULL) : 0;
}
