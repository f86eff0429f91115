/* SPDX-License-Identifier: MIT */
/* replay-order.c - --reorder and --late. */
#include "replay.h"

#include <errno.h>

#include "hello.h"
#include "num.h"
#include "run-store.h"
#include "signals.h"
#include "store.h"

#define KEY_SIZE (KS_LANE_KEY + 8)	/* and the offset */
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
	ks_lanes_init(&r->lanes);
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
		status = ks_recorder_open(&r->recorder, r->record, run->config, &r->letters.file, run->err);
	if (status == 0 && r->record != NULL && run->config->to != KS_FRAMES)
		ks_signals_pipe_late();		/* text whose reader has gone: the partial recording goes first */
	return status;
}

void ks_replay_close(struct ks_replay *r)
{
	if (r->run == NULL)
		return;
	ks_sorter_close(&r->sorter);
	ks_lanes_release(&r->lanes);
	ks_buf_release(&r->frame);
	ks_letters_release(&r->letters);
	ks_recorder_close(&r->recorder);
}

static int note_stream(void *replay, struct ks_bytes name, const struct ks_hello_facts *facts)
{
	struct ks_replay *r = replay;

	(void)facts;
	return ks_lanes_topic(&r->lanes, name);
}

int ks_replay_hello(struct ks_replay *r)
{
	struct ks_run *run = r->run;

	if (run->app)
		return ks_fail(run->err, KS_CONFIG, "a replay keeps nothing, and the source of this stream has an --app: kstream-cat --app reads a range once, and goes on");
	r->merged = run->hello->merged;
	if (r->record != NULL && ks_recorder_hello(&r->recorder, run->hello->payload, r->merged, run->hello->epoch, run->err) != 0)
		return run->err->status;
	return ks_hello_each(run->hello, note_stream, r) == 0 ? 0 : ks_fail(run->err, KS_TEMP, "no memory for the names of topics");
}

/* Time, topic, partition, then the offset. */
static int make_key(struct ks_replay *r, const struct ks_rec *rec, unsigned char key[KEY_SIZE])
{
	const struct ks_lane *lane = ks_lanes_find(&r->lanes, rec, 0);

	if (lane == NULL)
		return ks_fail(r->run->err, KS_TEMP, "no memory for the names of topics");
	ks_lane_key(key, rec->time_ms, lane);
	ks_put64(key + KS_LANE_KEY, (uint64_t)rec->offset ^ (uint64_t)1 << 63);
	return 0;
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
	ks_lane_time(bound, r->bound_ms);
	return let_go(r, &below);
}

int ks_replay_release(struct ks_replay *r)
{
	return r->reorders ? let_go(r, NULL) : 0;
}
