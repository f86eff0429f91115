/* SPDX-License-Identifier: MIT */
/*
 * loop.c - the loop over frames.
 *
 * Order is everything here: what a tool emits at a barrier goes out before
 * the barrier does, the barrier before END, and the ledger is written when
 * all of it has left.  Output is flushed before input blocks.
 */
#include "loop.h"

#include <stdlib.h>

#include "drill.h"
#include "signals.h"

const char ks_outside[] = "out of time range";

static int protocol_error(struct ks_frame_loop *l, const char *what)
{
	return ks_fail(&l->err, KS_DATA, "%s, byte %llu: %s", l->source->name,
	    (unsigned long long)(l->frame_bytes - l->source->before), what);
}

/* The HELLO that stands in b is the one that goes on. */
static void take_hello(const struct ks_frame_loop *l, const struct ks_buf *b, struct ks_bytes *payload, struct ks_bytes *raw,
    struct ks_hello_view *h)
{
	*raw = ks_bytes(b->p, b->n);
	*payload = ks_bytes(raw->p + KS_FRAME_HEAD, raw->n - KS_FRAME_HEAD);
	if (ks_hello_parse(*payload, l->config->limits.depth, h) != NULL)
		ks_bug("a HELLO of ours does not parse");
}

/* HELLO as the tool would have it go on, where it does not go on as it came; changed keeps it. */
static int change_hello(struct ks_frame_loop *l, struct ks_buf *changed, struct ks_bytes *payload, struct ks_bytes *raw,
    struct ks_hello_view *h)
{
	int status = l->op->forward != NULL ? l->op->forward(l->st, &l->run, *payload, changed) : 0;

	if (status != 0 || changed->n == 0)
		return status;
	take_hello(l, changed, payload, raw, h);
	return 0;
}

/* It tells of a side route more. */
static int add_side(struct ks_frame_loop *l, const char *side, struct ks_buf *b, struct ks_bytes *payload, struct ks_bytes *raw,
    struct ks_hello_view *h)
{
	if (ks_hello_add_side(b, *payload, side) != 0)
		return ks_fail_memory(&l->err);
	take_hello(l, b, payload, raw, h);
	return 0;
}

static int on_hello(struct ks_frame_loop *l, struct ks_bytes payload, struct ks_bytes raw)
{
	struct ks_hello_view h;
	const char *wrong;
	struct ks_buf added, logged, changed;
	int status = 0;

	ks_point("hello-come");
	if (l->in_section)
		return protocol_error(l, "HELLO before the END of the section before it");
	wrong = ks_hello_parse(payload, l->config->limits.depth, &h);
	if (wrong != NULL)
		return ks_fail(&l->err, KS_DATA, "%s: HELLO: %s", l->source->name, wrong);
	if (l->config->app != NULL && (h.app.p == NULL || !ks_bytes_is(h.app, l->config->app)))
		return h.app.p == NULL ?
		    ks_fail(&l->err, KS_CONFIG, "--app %s, but the source that makes the stream has no app: give it --app %s, too",
		    l->config->app, l->config->app) :
		    ks_fail(&l->err, KS_CONFIG, "--app %s, but the source that makes the stream has --app '%.*s': give both the same",
		    l->config->app, (int)h.app.n, (const char *)h.app.p);
	if (l->config->guarantee_given && h.guarantee != l->config->guarantee)
		return ks_fail(&l->err, KS_CONFIG, "--guarantee %s, but the source that makes the stream says %s: give both the same",
		    ks_guarantee_name(l->config->guarantee), ks_guarantee_name(h.guarantee));
	if (h.app.p != NULL && l->config->count >= 0 && l->source->stop == NULL)
		return ks_fail(&l->err, KS_CONFIG, "-c under --app belongs to the source, which knows its positions");
	l->started = l->in_section = true;
	l->epoch = h.epoch;
	l->hop = 0;
	l->guarantee = h.guarantee;
	l->run.live = h.live;
	l->run.app = h.app.p != NULL;
	status = ks_only_hello(l, &h);
	if (status == 0)
		status = ks_loop_open_ledger(l, &h);
	if (status == 0)
		status = ks_loop_empty_output(l);
	l->run.hello = &h;
	if (status == 0 && l->op->hello != NULL)
		status = l->op->hello(l->st, &l->run);
	l->run.hello = NULL;
	ks_point("hello-taken");
	if (status == 0)
		status = ks_loop_listen(l, &h);
	if (status != 0 || l->sink == NULL)
		return status;
	ks_buf_init(&added, 2 * KS_CONTROL_MAX);
	ks_buf_init(&logged, 2 * KS_CONTROL_MAX);
	ks_buf_init(&changed, 2 * KS_CONTROL_MAX);
	status = change_hello(l, &changed, &payload, &raw, &h);
	if (status == 0 && l->config->on_error == KS_POLICY_DLQ)
		status = add_side(l, l->config->error_to, &added, &payload, &raw, &h);
	if (status == 0 && l->run.changelog != NULL)
		status = add_side(l, l->run.changelog, &logged, &payload, &raw, &h);
	if (status == 0)
		status = l->sink->hello(l->sink, &h, raw, &l->err);
	ks_point("hello-passed");
	/* Whoever waits downstream learns at once that this end lives. */
	if (status == 0)
		status = l->sink->flush(l->sink, &l->err);
	ks_buf_release(&added);
	ks_buf_release(&logged);
	ks_buf_release(&changed);
	return status;
}

static inline __attribute__((always_inline)) int work_on(struct ks_frame_loop *l, struct ks_rec *rec)
{
	const struct ks_config *c = l->config;

	if (KS_UNLIKELY((rec->flags & KS_SIDE) != 0 || (l->only_count > 0 && !ks_only_has(l, rec))))
		return ks_pass(&l->run, rec);
	if (KS_UNLIKELY(c->has_since || c->has_until) && l->source->stop == NULL) {
		if ((rec->flags & KS_TIME_TYPE) == KS_TIME_NONE)
			return ks_reject(&l->run, rec, "the record has no time for --since and --until");
		if (!ks_config_in_range(c, rec->time_ms)) {
			ks_drop(&l->run, ks_outside);
			return 0;
		}
	}
	l->mains++;
	if (l->op->record == NULL)
		return ks_emit(&l->run, rec);
	return l->op->record(l->st, &l->run, 0, rec);
}

/* From a source in this process, which has made no frame of it. */
static int take_record(void *loop, struct ks_rec *rec)
{
	struct ks_frame_loop *l = loop;

	l->hop++;
	l->stats.in++;
	return work_on(l, rec);
}

/* A record of that key may come from it soon. */
static void expect_record(void *loop, const struct ks_rec *rec, bool found)
{
	struct ks_frame_loop *l = loop;

	l->op->expect(l->st, rec, found);
}

/* Where it can be, records come as the source makes them, in no frame; and without their values where the tool does not ask for these. */
static int take_records(struct ks_frame_loop *l)
{
	struct ks_source *s = l->source;

	if (l->hops)
		return 0;
	/* What passes by the tool has its value. */
	if (l->op->reads != NULL && s->give_loaded != NULL && l->only_count == 0)
		return s->give_loaded(s, l->op->reads(l->st), take_record, l->op->expect != NULL ? expect_record : NULL, l, &l->err);
	if (s->give != NULL)
		s->give(s, take_record, l);
	return 0;
}

/* Those that are looked ahead at have their turn: before what is no record, and before the chunk they stand in goes. */
static int catch_up(struct ks_frame_loop *l)
{
	int status = 0;
	unsigned i;

	for (i = 0; i < l->ahead_count && status == 0; i++) {
		l->stats.in++;
		status = work_on(l, &l->ahead[i]);
	}
	l->ahead_count = 0;
	return status;
}

/*
 * Two records behind it, so that two waits for memory, one behind the other, are
 * over when its turn comes: of a million rows, in no order, that was two
 * thirds of the time.
 */
static int look_ahead(struct ks_frame_loop *l, const struct ks_rec *rec)
{
	int status = 0;

	l->op->expect(l->st, rec, false);
	if (KS_LIKELY(l->ahead_count > 0))
		l->op->expect(l->st, &l->ahead[l->ahead_count - 1], true);
	if (KS_LIKELY(l->ahead_count == 2)) {
		l->stats.in++;	/* as if it came now */
		status = work_on(l, &l->ahead[0]);
		l->ahead[0] = l->ahead[1];
		l->ahead_count = 1;
	}
	l->ahead[l->ahead_count++] = *rec;
	return status;
}

static inline int on_record(struct ks_frame_loop *l, struct ks_bytes payload)
{
	struct ks_rec rec;
	const char *wrong;
	int status;

	if (KS_UNLIKELY(!l->in_section))
		return protocol_error(l, "a record outside a section: no HELLO before it");
	l->hop++;
	if (l->hops) {
		l->stats.in++;
		rec.frame = ks_bytes(payload.p - KS_FRAME_HEAD, payload.n + KS_FRAME_HEAD);
		l->mains++;
		l->stats.out++;
		return l->sink->record(l->sink, &rec, &l->err);
	}
	wrong = ks_rec_parse_next(payload, &l->config->limits, &l->guess, &rec);
	if (KS_UNLIKELY(wrong != NULL)) {
		status = catch_up(l);
		l->stats.in++;
		return status != 0 ? status : protocol_error(l, wrong);
	}
	if (l->op->expect != NULL && l->config->count < 0)
		return look_ahead(l, &rec);
	l->stats.in++;
	return work_on(l, &rec);
}

static int on_mark(struct ks_frame_loop *l, struct ks_bytes payload, struct ks_bytes raw)
{
	struct ks_mark m, before;
	const char *wrong = ks_mark_parse(payload, &m);
	int status = 0;

	if (wrong != NULL || !l->in_section)
		return protocol_error(l, wrong != NULL ? wrong : "a mark outside a section");
	before = m;
	if (l->op->mark != NULL)
		status = l->op->mark(l->st, &l->run, &m);
	if (status != 0 || m.partition < 0 || l->sink == NULL || l->sink->frame == NULL)
		return status;
	if (m.time_ms == before.time_ms)
		return l->sink->frame(l->sink, raw, &l->err);
	return ks_emit_mark(&l->run, &m);
}

/* Whoever commits behind this barrier commits what was rejected here, too. */
static int sync_rejects(struct ks_frame_loop *l)
{
	int status = l->run.app ? ks_reject_sync(&l->reject, &l->err) : 0;

	return status != 0 || !l->run.app || l->source->ingest == NULL ? status : ks_reject_sync(&l->source->ingest->reject, &l->err);
}

/* A barrier that came, or one of our own making: the tool first, then the output, then the ledger. */
static int pass_barrier(struct ks_frame_loop *l, const struct ks_barrier *b)
{
	int status = 0;

	if (b->kind == KS_COMPLETE && l->op->finish != NULL)
		status = l->op->finish(l->st, &l->run);
	ks_point("barrier-come");
	if (status == 0 && !ks_keeps("keep-first") && l->sink != NULL)
		status = l->sink->barrier(l->sink, b, &l->err) != 0 ? l->err.status : l->sink->flush(l->sink, &l->err);
	ks_point("barrier-forwarded-too-early");
	if (status == 0 && l->op->barrier != NULL)
		status = l->op->barrier(l->st, &l->run, b);
	ks_point("barrier-kept");
	l->epoch = b->n;
	l->hop = 0;
	l->last_kind = b->kind;
	if (status == 0)
		status = sync_rejects(l);
	if (status == 0 && l->sink != NULL) {
		status = ks_loop_prepare(l, b);
		if (status == 0 && !ks_keeps("ledger-last"))
			status = ks_loop_commit(l, b);
		if (status == 0 && ks_keeps("keep-first"))
			status = l->sink->barrier(l->sink, b, &l->err);
		if (status == 0 && ks_keeps("ledger-last"))
			status = ks_loop_commit(l, b);
	}
	ks_point("barrier-passed");
	return status;
}

static int on_barrier(struct ks_frame_loop *l, struct ks_bytes payload)
{
	struct ks_barrier b;
	const char *wrong = ks_barrier_parse(payload, &b);

	if (wrong != NULL || !l->in_section)
		return protocol_error(l, wrong != NULL ? wrong : "a barrier outside a section");
	if (b.n != l->epoch + 1)
		return ks_fail(&l->err, KS_DATA, "%s: barrier %lld follows epoch %lld", l->source->name,
		    (long long)b.n, (long long)l->epoch);
	if (b.hop < 0 && l->guarantee == KS_EXACTLY_ONCE)
		return ks_fail(&l->err, KS_CONFIG,
		    "%s: a program that does not count records stands before this one, which exactly-once cannot allow",
		    l->source->name);
	if (b.hop >= 0 && b.hop != l->hop)
		return ks_fail(&l->err, KS_TEMP,
		    "%s: %lld records were written since the last barrier, but %lld have come",
		    l->source->name, (long long)b.hop, (long long)l->hop);
	return pass_barrier(l, &b);
}

static int on_end(struct ks_frame_loop *l, struct ks_bytes payload)
{
	const char *wrong;
	struct ks_end e;

	wrong = ks_end_parse(payload, &e);
	if (wrong == NULL && (!l->in_section || e.n != l->epoch || e.kind != l->last_kind || l->hop != 0))
		wrong = "END does not follow a last barrier of its number and kind";
	if (wrong != NULL)
		return protocol_error(l, wrong);
	ks_point("end-come");
	l->in_section = false;
	return l->sink == NULL ? 0 : l->sink->end(l->sink, &e, &l->err);
}

/* -c on frames from upstream: enough was read, and this tool ends the section itself. */
static int end_here(struct ks_frame_loop *l)
{
	struct ks_barrier b = {
		.n = l->epoch + 1, .kind = l->config->end >= 0 ? (enum ks_kind)l->config->end : l->ends_here ? l->ends_as : KS_COMPLETE,
		.positions = ks_no_headers, .committed = -1, .group = ks_mp_nil,
	};
	struct ks_end e = { .n = b.n, .kind = b.kind };
	int status = pass_barrier(l, &b);

	l->in_section = false;
	l->over = true;
	if (status == 0 && l->sink != NULL)
		status = l->sink->end(l->sink, &e, &l->err);
	return status;
}

/* It tells whether the reader lives by being written: a source that never waits would keep it back. */
static int on_ping(struct ks_frame_loop *l, struct ks_bytes raw)
{
	int status;

	if (l->sink == NULL || l->sink->frame == NULL)
		return 0;
	status = l->sink->frame(l->sink, raw, &l->err);
	return status == 0 ? l->sink->flush(l->sink, &l->err) : status;
}

static int on_frame(struct ks_frame_loop *l, int type, struct ks_bytes payload, struct ks_bytes raw)
{
	switch (type) {
	case KS_HELLO: return on_hello(l, payload, raw);
	case KS_MARK: return on_mark(l, payload, raw);
	case KS_BARRIER: return on_barrier(l, payload);
	case KS_END: return on_end(l, payload);
	case KS_PING: return on_ping(l, raw);
	default:	/* what this version does not know */
		return l->sink == NULL || l->sink->frame == NULL ? 0 : l->sink->frame(l->sink, raw, &l->err);
	}
}

static bool is_text(unsigned char c)
{
	return c == '{' || c == '[' || c == '"' || c == '\n' || (c >= 0x20 && c < 0x7f);
}

static int not_a_frame(struct ks_frame_loop *l, unsigned char first)
{
	if (!l->started && is_text(first))
		return ks_fail(&l->err, KS_DATA, "%s begins with text, not with frames: add --from %s",
		    l->source->name, first == '{' || first == '[' ? "json" : "raw (or json)");
	if (!l->started && first == 0xef)
		return ks_fail(&l->err, KS_DATA, "%s begins with a byte order mark, so it is text: remove it, as tail -c +4 does, and add --from",
		    l->source->name);
	return protocol_error(l, first >= 0xd4 && first <= 0xd8 ? "not a frame: a frame is ext 32 (0xc9), not a shorter ext" :
	    "not a frame: 0xc9 and a type from 1 to 127 are expected");
}

/* What the source has just made of nothing but records goes on as it is, many at once. */
static int pass_run(struct ks_frame_loop *l, struct ks_bytes *left)
{
	struct ks_source *s = l->source;

	l->hop += (int64_t)s->run_records;
	l->stats.in += s->run_records;
	l->mains += s->run_records;
	l->stats.out += s->run_records;
	l->frame_bytes += s->run;
	*left = ks_bytes(left->p + s->run, left->n - s->run);
	return l->sink->run(l->sink, ks_bytes(s->chunk.p, s->run), s->run_records, &l->err);
}

static int consume(struct ks_frame_loop *l)
{
	size_t size, limit = l->config->limits.record;
	struct ks_source *s = l->source;
	struct ks_bytes left = s->chunk, payload;
	enum ks_frame_state state;
	int type, status;

	s->need = 0;
	if (s->run > 0 && l->hops && l->in_section) {
		status = pass_run(l, &left);
		if (status != 0)
			return status;
	}
	while (left.n > 0 && !l->over) {
		state = ks_frame_split(left, limit > KS_CONTROL_MAX ? limit : KS_CONTROL_MAX, &type, &payload, &size);
		if (KS_UNLIKELY(state == KS_FRAME_WHOLE && size > limit && type == KS_RECORD))
			state = KS_FRAME_BIG;
		if (KS_UNLIKELY(state != KS_FRAME_WHOLE)) {
			status = catch_up(l);
			if (status != 0)
				return status;
			if (state == KS_FRAME_BAD)
				return not_a_frame(l, left.p[0]);
			if (state == KS_FRAME_BIG)
				return ks_fail(&l->err, KS_DATA, "%s, byte %llu: a frame of %zu bytes is larger than --max-record allows",
				    s->name, (unsigned long long)(l->frame_bytes - l->source->before), size);
			s->need = size;
			break;
		}
		if (KS_LIKELY(type == KS_RECORD)) {
			status = on_record(l, payload);
		} else {
			status = catch_up(l);
			if (status == 0)
				status = on_frame(l, type, payload, ks_bytes(left.p, size));
		}
		if (KS_UNLIKELY(status != 0))
			return status;
		left = ks_bytes(left.p + size, left.n - size);
		l->frame_bytes += size;
		if (KS_UNLIKELY((int64_t)l->mains == l->config->count || l->ends_here) && s->stop == NULL && l->in_section)
			return end_here(l);
	}
	s->used = s->chunk.n - left.n;
	return catch_up(l);
}

/* Only who makes the stream can end it: the others wait for its END, but not for ever. */
static int heed_signal(struct ks_frame_loop *l)
{
	int64_t now = ks_clock_ms();

	if (l->source->stop != NULL) {
		if (!l->stopped)
			l->source->stop(l->source, l->config->end >= 0 ? (enum ks_kind)l->config->end :
			    KS_PAUSED);
		l->stopped = true;
		return 0;
	}
	if (l->started && !l->in_section) {
		l->over = true;		/* END has come: nobody waits for more */
		return 0;
	}
	if (l->drain_until == 0)
		l->drain_until = now + KS_DRAIN_MS;
	if (now >= l->drain_until)
		return ks_fail(&l->err, KS_TEMP, "no END within %d s of the signal", KS_DRAIN_MS / 1000);
	return 0;
}

static int at_eof(struct ks_frame_loop *l)
{
	const char *name = l->source->name;

	if (l->source->need > 0)
		return ks_fail(&l->err, KS_TEMP, "%s ends inside a frame, at byte %llu: what writes it has failed",
		    name, (unsigned long long)(l->frame_bytes - l->source->before));
	if (!l->started)
		return ks_fail(&l->err, KS_TEMP, "%s ends before a stream began: what writes it has failed", name);
	if (l->in_section)
		return ks_fail(&l->err, KS_TEMP, "%s ends without END: what writes it has failed", name);
	ks_only_end(l);
	return 0;
}

static enum ks_next next(struct ks_frame_loop *l)
{
	struct ks_sink *sink = l->sink;
	enum ks_next got;

	if (sink != NULL && sink->settle(sink, &l->err) != 0)
		return KS_NEXT_FAILED;
	got = l->source->next(l->source, false, &l->err);
	if (got != KS_NEXT_WAIT)
		return got;
	if (sink != NULL && sink->pending(sink) && sink->flush(sink, &l->err) != 0)
		return KS_NEXT_FAILED;
	if (ks_loop_reader(l) != 0)
		return KS_NEXT_FAILED;
	return l->source->next(l->source, true, &l->err);
}

static int turn(struct ks_frame_loop *l)
{
	return l->turns ? l->op->turn(l->st, &l->run) : 0;
}

int ks_loop_run(struct ks_frame_loop *l)
{
	bool stop;
	int status;

	l->hops = l->op->record == NULL && l->sink != NULL && l->sink->hops && l->only_count == 0 &&
	    l->config->as == NULL && l->config->count < 0 && !l->config->has_since && !l->config->has_until;
	status = take_records(l);
	if (status != 0)
		return status;
	while (!l->over) {
		ks_signals_drain();
		ks_loop_look(l, &stop);
		status = stop ? heed_signal(l) : 0;
		if (status != 0)
			return status;
		switch (next(l)) {
		case KS_NEXT_FRAMES:
			status = turn(l);
			if (status == 0)
				status = consume(l);
			if (status == 0 && l->serve != NULL)
				status = ks_loop_serve(l, true);
			if (status != 0)
				return status;
			break;
		case KS_NEXT_WAIT:
			status = turn(l);
			if (status == 0 && l->serve != NULL)
				status = ks_loop_serve(l, false);
			if (status != 0)
				return status;
			break;
		case KS_NEXT_OVER:
			return at_eof(l);
		case KS_NEXT_FAILED:
			return l->err.status;
		}
	}
	return 0;
}

void ks_loop_release(struct ks_frame_loop *l)
{
	if (l->source != NULL)
		l->source->close(l->source);
	if (l->sink != NULL)
		l->sink->close(l->sink);
	ks_loop_close_ledger(l);
	ks_reject_close(&l->reject);
	free(l->only);
	free(l->st);
}
