/* SPDX-License-Identifier: MIT */
/*
 * loop.c - the loop over frames.
 *
 * Order is everything here: what a tool emits at a barrier goes out before
 * the barrier does, the barrier before END, and the ledger is written when
 * all of it has left.  Output is flushed before input blocks.
 */
#include "loop-impl.h"

#include <stdlib.h>

#include "drill.h"
#include "signals.h"

int ks_loop_protocol_error(struct ks_frame_loop *l, const char *what)
{
	return ks_fail(&l->err, KS_DATA, "%s, byte %llu: %s", l->source->name,
	    (unsigned long long)(l->frame_bytes - l->source->before), what);
}

static int on_hello(struct ks_frame_loop *l, struct ks_bytes payload, struct ks_bytes raw)
{
	struct ks_hello_view h;
	const char *wrong;
	struct ks_buf changed[KS_HELLO_STEPS];
	unsigned i;
	int status = 0;

	ks_point("hello-come");
	if (l->in_section)
		return ks_loop_protocol_error(l, "HELLO before the END of the section before it");
	wrong = ks_hello_parse(payload, l->config->limits.depth, &h);
	if (wrong != NULL)
		return ks_fail(&l->err, KS_DATA, "%s: HELLO: %s", l->source->name, wrong);
	if (l->config->app != NULL && (h.app.p == NULL || !ks_bytes_is(h.app, l->config->app)))
		return h.app.p == NULL ?
		    ks_fail(&l->err, KS_CONFIG, "--app %s, but the source that makes the stream has no app: give it --app %s, too",
		    l->config->app, l->config->app) :
		    ks_fail(&l->err, KS_CONFIG, "--app %s, but the source that makes the stream has --app '%.*s': give both the same",
		    l->config->app, (int)h.app.n, (const char *)h.app.p);
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
	status = ks_loop_pass_hello(l, changed, &payload, &raw, &h);
	if (status == 0)
		status = l->sink->hello(l->sink, &h, raw, &l->err);
	ks_point("hello-passed");
	/* Whoever waits downstream learns at once that this end lives. */
	if (status == 0)
		status = l->sink->flush(l->sink, &l->err);
	for (i = 0; i < KS_HELLO_STEPS; i++)
		ks_buf_release(&changed[i]);
	return status;
}

static int on_mark(struct ks_frame_loop *l, struct ks_bytes payload, struct ks_bytes raw)
{
	struct ks_mark m, before;
	const char *wrong = ks_mark_parse(payload, &m);
	int status = 0;

	if (wrong != NULL || !l->in_section)
		return ks_loop_protocol_error(l, wrong != NULL ? wrong : "a mark outside a section");
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
	struct ks_barrier cut;
	int status = 0;

	if (b->kind == KS_COMPLETE && l->op->finish != NULL)
		status = l->op->finish(l->st, &l->run);
	ks_point("barrier-come");
	if (status == 0 && !ks_keeps("keep-first") && l->sink != NULL)
		status = l->sink->barrier(l->sink, b, &l->err) != 0 ? l->err.status : l->sink->flush(l->sink, &l->err);
	ks_point("barrier-forwarded-too-early");
	if (status == 0 && l->op->barrier != NULL)
		status = l->op->barrier(l->st, &l->run, b);
	if (l->cut && b->kind == KS_COMPLETE) {
		cut = *b;
		cut.kind = KS_PAUSED;
		b = &cut;
	}
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
		return ks_loop_protocol_error(l, wrong != NULL ? wrong : "a barrier outside a section");
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
	if (wrong == NULL && l->cut && e.kind == KS_COMPLETE)
		e.kind = l->last_kind;
	if (wrong == NULL && (!l->in_section || e.n != l->epoch || e.kind != l->last_kind || l->hop != 0))
		wrong = "END does not follow a last barrier of its number and kind";
	if (wrong != NULL)
		return ks_loop_protocol_error(l, wrong);
	ks_point("end-come");
	l->in_section = false;
	return l->sink == NULL ? 0 : l->sink->end(l->sink, &e, &l->err);
}

/* -c on frames from upstream: enough was read, and this tool ends the section itself. */
int ks_loop_end_here(struct ks_frame_loop *l)
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

int ks_loop_frame(struct ks_frame_loop *l, int type, struct ks_bytes payload, struct ks_bytes raw)
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

	l->hops = (l->op->record == NULL || (l->op->passes != NULL && l->op->passes(l->st))) && l->sink != NULL && l->sink->hops && l->only_count == 0 &&
	    l->config->as == NULL && l->config->count < 0 && (l->source->stop != NULL || (!l->config->has_since && !l->config->has_until));
	status = ks_loop_take_records(l);
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
				status = ks_loop_consume(l);
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
