/* SPDX-License-Identifier: MIT */
/*
 * kstream-window - fold records per key and window.
 *
 * Tumbling windows of event time, to the rules of Kafka Streams
 * (kstream-window(1), semantics.md 2.2 and 3.5).  Refuses records without
 * a time, and those whose key was changed since they were partitioned.
 */
#include "lib/fold.h"
#include "lib/num.h"
#include "lib/op.h"
#include "lib/window-store.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

struct window {
	struct ks_window_spec spec;
	bool on_close;			/* --emit close */
	struct ks_fold fold;
	struct ks_buf plain, key, out;
	struct ks_window_store ws;
	struct ks_window now;		/* of the last record: mostly of the next one, too */
	bool finished;			/* the input was complete: what comes is another one */
};

/* What a state begins with: the largest time of its records.  0 will do for none: no window holds a time before. */
struct state {
	int64_t time_ms;
};

enum { OPT_TUMBLE, OPT_GRACE, OPT_EMIT };
static const struct ks_option options[] = {
	{ "tumble", 0, "DURATION", "windows of this size, side by side" },
	{ "grace", 0, "DURATION", "how late a record may be (0)" },
	{ "emit", 0, "WHEN", "update: every change; close: each window once" },
	{ 0 },
};

static int parse_duration(struct ks_run *run, const char *name, const char *value, int64_t *ms)
{
	switch (ks_num_parse_duration(ks_str(value), ms)) {
	case 0:
		return 0;
	case ERANGE:
		return ks_fail(run->err, KS_USAGE, "--%s %s: too long", name, value);
	default:
		return ks_fail(run->err, KS_USAGE,
		    "--%s '%s' is no duration: a number and a unit, as in 250ms, 90s, 5m or 1h30m",
		    name, value);
	}
}

static int window_option(void *arg, struct ks_run *run, unsigned at, const char *value)
{
	struct window *st = arg;

	switch (at) {
	case OPT_TUMBLE:
		if (parse_duration(run, "tumble", value, &st->spec.size_ms) != 0)
			return run->err->status;
		if (st->spec.size_ms == 0)
			return ks_fail(run->err, KS_USAGE, "--tumble %s: a window must be longer than 0",
			    value);
		return 0;
	case OPT_GRACE:
		return parse_duration(run, "grace", value, &st->spec.grace_ms);
	default:
		st->on_close = strcmp(value, "close") == 0;
		if (!st->on_close && strcmp(value, "update") != 0)
			return ks_fail(run->err, KS_USAGE, "--emit '%s': it is update or close", value);
		return 0;
	}
}

static int no_memory(struct ks_run *run)
{
	return ks_fail_errno(run->err, KS_TEMP, ENOMEM, "cannot keep a window");
}

static int window_operands(void *arg, struct ks_run *run, int argc, char *const argv[], int *used)
{
	struct window *st = arg;
	int i, status;

	if (st->spec.size_ms == 0)
		return ks_fail(run->err, KS_USAGE, "how long is a window?  as in --tumble 1m");
	if (argc == 0)
		return ks_fail(run->err, KS_USAGE, "what is to be kept?  as in 'n=count(), low=min(.price)'");
	st->spec.advance_ms = st->spec.size_ms;
	status = ks_fold_init(&st->fold, run->limits, sizeof(struct state), run->err);
	for (i = 0; i < argc && status == 0; i++) {
		if (strchr(argv[i], '(') == NULL)
			return ks_fail(run->err, KS_USAGE,
			    "'%s' is no aggregate, as in 'n=count()'; a file is named by --in", argv[i]);
		status = ks_fold_add(&st->fold, argv[i], run->err);
	}
	*used = argc;
	return status;
}

static int start(struct window *st, struct ks_run *run)
{
	uint64_t seed;

	/* Before the kernel has entropy a seed that input could know is no loss: such a machine has no input yet. */
	if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) != sizeof(seed))
		seed = (uintptr_t)&seed;
	return ks_window_store_open(&st->ws, &st->spec, seed, run->err);
}

static int window_open(void *arg, struct ks_run *run)
{
	struct window *st = arg;

	ks_buf_init(&st->plain, 2 * run->limits->key + 64);
	ks_buf_init(&st->key, 2 * run->limits->key + 64);
	ks_buf_init(&st->out, run->limits->record);
	return start(st, run);
}

static int window_hello(void *arg, struct ks_run *run)
{
	struct window *st = arg;

	if (run->app)
		return ks_fail(run->err, KS_CONFIG,
		    "windows are kept in memory by this version: with --app a restart would lose them");
	if (!st->finished)
		return 0;
	st->finished = false;
	ks_window_store_close(&st->ws);
	return start(st, run);
}

static unsigned char *put_text(unsigned char *o, const char *text, size_t n)
{
	memcpy(o, text, n);
	return o + n;
}

/* {"key":k,"start":ms,"end":ms} */
static int build_key(struct window *st, const struct ks_window *w, struct ks_bytes key)
{
	unsigned char *o;
	int no;

	st->key.n = 0;
	no = ks_buf_reserve(&st->key, key.n + 5 + 6 + 4 + 2 * KS_MP_HEADER);
	if (no != 0)
		return no;
	o = put_text(st->key.p, "\x83\xa3key", 5);
	memcpy(o, key.p, key.n);
	o = put_text(o + key.n, "\xa5start", 6);
	o = ks_mp_put_i64(o, w->start_ms);
	o = put_text(o, "\xa3" "end", 4);
	o = ks_mp_put_i64(o, w->end_ms);
	st->key.n = (size_t)(o - st->key.p);
	return 0;
}

/* rec says where the result goes; state NULL: a tombstone. */
static int emit(struct window *st, struct ks_run *run, struct ks_rec *rec, const struct ks_window *w,
    struct ks_bytes key, const unsigned char *state)
{
	int no;

	no = build_key(st, w, key);
	if (no == 0 && state != NULL) {
		st->out.n = 0;
		no = ks_fold_show(&st->fold, state, &st->out);
	}
	if (no == EMSGSIZE)
		return ks_fail(run->err, KS_DATA, "the result of a window is larger than --max-record");
	if (no != 0)
		return no_memory(run);
	rec->key = ks_buf_bytes(&st->key);
	rec->value = state != NULL ? ks_buf_bytes(&st->out) : ks_mp_nil;
	rec->flags = KS_TIME_CREATE | KS_KEY_WINDOW;
	return ks_emit(run, rec);
}

static int emit_window(struct window *st, struct ks_run *run, const struct ks_window_part *part,
    const struct ks_window *w)
{
	struct ks_rec rec = { .offset = -1, .partition = part->partition, .headers = ks_no_headers };
	struct ks_store_scan scan;
	struct ks_store_value v;
	struct ks_bytes key;
	struct state state;
	int status;

	if (part->topic.n > 0)
		rec.topic = ks_buf_bytes(&part->topic);
	if (part->route.n > 0)
		rec.route = ks_buf_bytes(&part->route);
	status = ks_window_store_scan(&st->ws, part, w, &scan, run->err);
	while (status == 0 && ks_store_scan_next(&scan, &key, &v)) {
		memcpy(&state, v.p, sizeof(state));
		rec.time_ms = state.time_ms;
		status = emit(st, run, &rec, w, key, v.p);
	}
	ks_store_scan_end(&scan);
	return status;
}

/* The windows of a partition that are closed, or all that are open still, by start and then by key. */
static int retire(struct window *st, struct ks_run *run, struct ks_window_part *part, bool all)
{
	struct ks_window w;
	int status = 0;

	while (status == 0 && ks_window_store_oldest(&st->ws, part, &w) &&
	    (all || ks_window_closed(&st->spec, &w, part->stream_ms))) {
		if (st->on_close)
			status = emit_window(st, run, part, &w);
		ks_window_store_drop(&st->ws, part, &w);
	}
	return status;
}

/* How an aggregate makes its state longer, for text. */
struct room {
	struct ks_agg_block block;	/* first: grow is given this */
	struct window *st;
	struct ks_run *run;
	struct ks_window_part *part;
	const struct ks_window *w;
	struct ks_bytes key;
};

static int grow_state(struct ks_agg_block *b, size_t n)
{
	struct room *r = (struct room *)(void *)b;
	struct ks_store_value v;
	int status;

	status = ks_window_store_put(&r->st->ws, r->part, r->w, r->key, n, &v, r->run->err);
	if (status == 0) {
		b->p = v.p;
		b->n = v.n;
	}
	return status;
}

static int fold(struct window *st, struct ks_run *run, struct ks_window_part *part,
    const struct ks_window *w, struct ks_bytes key, const struct ks_rec *rec)
{
	struct room room = { { .grow = grow_state }, st, run, part, w, key };
	bool nothing = ks_fold_nothing(&st->fold);
	struct ks_rec out = *rec;
	struct ks_store_value v;
	struct state *state;
	int status;

	out.frame.p = NULL;
	if (nothing || st->fold.judges) {
		status = ks_window_store_get(&st->ws, part, w, key, &v, run->err);
		if (status != 0)
			return status;
		if (v.p == NULL && nothing) {
			ks_folded(run);
			return st->on_close ? 0 : emit(st, run, &out, w, key, NULL);
		}
		/* A record that is refused makes no state. */
		status = ks_fold_try(&st->fold, v.p);
		if (status == EDOM)
			return ks_reject(run, rec, "%s", ks_fold_why(&st->fold));
		if (status != 0)
			return no_memory(run);
	}
	status = ks_window_store_put(&st->ws, part, w, key, st->fold.state_n, &v, run->err);
	if (status != 0)
		return status;
	state = (struct state *)(void *)v.p;
	if (rec->time_ms > state->time_ms)
		state->time_ms = rec->time_ms;
	out.time_ms = state->time_ms;
	room.block.p = v.p;
	room.block.n = v.n;
	status = ks_fold_apply(&st->fold, &room.block);
	if (status == EMSGSIZE)
		return ks_fail(run->err, KS_DATA, "the state of a window passes 4 GiB");
	if (status != 0)
		return status == ENOMEM ? no_memory(run) : status;
	ks_folded(run);
	if (!ks_fold_gone(&st->fold, room.block.p))
		return st->on_close ? 0 : emit(st, run, &out, w, key, room.block.p);
	status = ks_window_store_delete(&st->ws, part, w, key, run->err);
	return st->on_close || status != 0 ? status : emit(st, run, &out, w, key, NULL);
}

/* Equal keys are equal bytes: a foreign program may have packed a short string or a number long.  It has been checked. */
static int plain_key(struct window *st, struct ks_bytes key, struct ks_bytes *plain)
{
	const unsigned char *p = key.p;
	struct ks_val v;
	int no;

	*plain = key;
	if (*p < 0xc4 || *p >= 0xe0 || (*p >= 0xdc && *p <= 0xdf))	/* one byte of header, or a container */
		return 0;
	if (ks_mp_read(&p, key.p + key.n, 0, &v) != KS_MP_OK)
		ks_bug("a key that was not checked");
	st->plain.n = 0;
	no = ks_mp_add_val(&st->plain, &v);
	*plain = ks_buf_bytes(&st->plain);
	return no;
}

/* Outputs that no record causes go where the last one of their partition would have gone. */
static int remember(struct ks_buf *name, struct ks_bytes now)
{
	if (KS_LIKELY(ks_bytes_eq(ks_buf_bytes(name), now)))
		return 0;
	name->n = 0;
	return ks_buf_add(name, now.p, now.n);
}

static int refuse(struct ks_run *run, const struct ks_rec *rec)
{
	if ((rec->flags & KS_KEY_CHANGED) != 0)
		return ks_fail(run->err, KS_CONFIG,
		    "the key was changed: pass the records through kstream-repartition first");
	return ks_fail(run->err, KS_CONFIG, "the records are changes of a table: windows hold events");
}

static int window_record(void *arg, struct ks_run *run, unsigned input, struct ks_rec *rec)
{
	struct window *st = arg;
	struct ks_window *w = &st->now;
	struct ks_window_part *part;
	struct ks_bytes key;
	const char *what;
	size_t count = 1;
	int status;

	(void)input;
	if (ks_mp_is_nil(rec->key)) {
		ks_drop(run, "null key");
		ks_warn(run, "records without a key were dropped: --key EXPR gives one, where they are read");
		return 0;
	}
	if ((rec->flags & (KS_KEY_CHANGED | KS_CHANGE)) != 0)
		return refuse(run, rec);
	if ((rec->flags & KS_TIME_TYPE) == KS_TIME_NONE)
		return ks_reject(run, rec, "the record has no time: give --time to the tool that reads the source");
	if ((rec->time_ms < w->start_ms || rec->time_ms >= w->end_ms) &&
	    ks_window_assign(&st->spec, rec->time_ms, w, 1, &count) != 0)
		return ks_reject(run, rec, "time %lld is too large for a window of this size",
		    (long long)rec->time_ms);
	if (count == 0) {
		ks_drop(run, "before 1970");
		return 0;
	}
	status = ks_window_store_part(&st->ws, rec->partition, &part, run->err);
	if (status != 0)
		return status;
	if (remember(&part->topic, rec->topic) != 0 || remember(&part->route, rec->route) != 0 ||
	    plain_key(st, rec->key, &key) != 0)
		return no_memory(run);
	ks_window_part_advance(part, rec->time_ms);
	if (ks_window_closed(&st->spec, w, part->stream_ms))
		ks_late(run);
	else if ((what = ks_fold_load(&st->fold, rec)) != NULL)
		status = ks_reject(run, rec, "%s", what);
	else
		status = fold(st, run, part, w, key, rec);
	if (status == 0 && ks_window_store_any_closed(&st->ws, part))
		status = retire(st, run, part, false);
	return status;
}

static int window_mark(void *arg, struct ks_run *run, struct ks_mark *m)
{
	struct window *st = arg;
	struct ks_window_part *part;
	struct ks_window w;
	int status;

	status = ks_window_store_part(&st->ws, m->partition, &part, run->err);
	if (status != 0)
		return status;
	ks_window_part_advance(part, m->time_ms);
	status = retire(st, run, part, false);
	/* What an open window will emit bears the time of one of its records. */
	if (st->on_close && ks_window_store_oldest(&st->ws, part, &w) && w.start_ms < m->time_ms)
		m->time_ms = w.start_ms;
	return status;
}

static int window_finish(void *arg, struct ks_run *run)
{
	struct window *st = arg;
	int status = 0;
	size_t i;

	for (i = 0; i < st->ws.count && status == 0; i++)
		status = retire(st, run, st->ws.parts[i], true);
	st->finished = true;
	return status;
}

static int window_answer(void *arg, struct ks_run *run)
{
	struct window *st = arg;
	const char *warning = ks_fold_warning(&st->fold);

	if (warning != NULL)
		ks_warn(run, warning);
	return 0;
}

static void window_close(void *arg, struct ks_run *run)
{
	struct window *st = arg;
	(void)run;
	ks_window_store_close(&st->ws);
	ks_buf_release(&st->out);
	ks_buf_release(&st->key);
	ks_buf_release(&st->plain);
	ks_fold_release(&st->fold);
}

static const struct ks_op op = {
	.name = "kstream-window",
	.synopsis = "--tumble DURATION [--grace DURATION] [--emit update|close] [NAME=]AGGREGATE(EXPR) ...",
	.purpose = "fold records per key and window",
	.options = options,
	.size = sizeof(struct window),
	.folds = true,
	.inputs = 1,
	.option = window_option,
	.operands = window_operands,
	.open = window_open,
	.hello = window_hello,
	.record = window_record,
	.mark = window_mark,
	.finish = window_finish,
	.answer = window_answer,
	.close = window_close,
};

int main(int argc, char *argv[])
{
	return ks_main(&op, argc, argv);
}
