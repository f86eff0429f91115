/* SPDX-License-Identifier: MIT */
/*
 * kafka-source.c - topics of Kafka as a stream of frames: HELLO, RECORDs,
 * a BARRIER each --commit-interval, END.
 *
 * Without -G partitions are assigned by hand and never paused or moved, which
 * is what reading the queue of librdkafka 2.0.2 needs to be complete (protocol
 * 2.6); where topics come, all of it is assigned anew, and what comes twice
 * then is passed over.  Starts and ends are resolved before anything is read.
 */
#include "kafka-source.h"

#include <errno.h>
#include <librdkafka/rdkafka.h>
#include <stdlib.h>
#include <unistd.h>

#include "drill.h"
#include "fdio.h"
#include "kafka-names.h"
#include "kafka-source-impl.h"

#define LEARN_MS 5		/* between two questions for what is committed, where that is waited for */

/* Whoever watches learns that p has been read to offset. */
static void tell_end(const struct ks_kafka_source *s, const struct ks_kafka_part *p, int64_t offset, bool last)
{
	const struct ks_kafka_watch *w = s->options->watch;

	if (w != NULL && w->end != NULL)
		w->end(w->arg, p->topic->name, p->partition, offset, last);
}

/* The end of a bounded read of p. */
static void finish(struct ks_kafka_source *s, struct ks_kafka_part *p)
{
	bool done = p->done;

	ks_kafka_parts_finish(&s->parts, p);
	if (done)
		return;
	if (s->ordered && s->options->group == NULL && s->parts.left > 0)
		ks_kafka_flow_leave(s, p);
	tell_end(s, p, p->end, s->parts.left == 0);
}

/* Partitions with nothing to read in them. */
static void tell_empty(const struct ks_kafka_source *s)
{
	const struct ks_kafka_part *p;
	size_t i;

	for (i = 0; i < s->parts.count; i++) {
		p = &s->parts.parts[i];
		if (p->done)
			tell_end(s, p, p->end, s->parts.left == 0 && i + 1 == s->parts.count);
	}
}

/* What librdkafka tells in the place of a message. */
static int take_event(struct ks_kafka_source *s, const rd_kafka_message_t *m, struct ks_err *err)
{
	struct ks_kafka_part *p = ks_kafka_parts_find(&s->parts, m);

	switch (m->err) {
	case RD_KAFKA_RESP_ERR__PARTITION_EOF:
		/* Steps over markers and aborted records, as offsets of records never do. */
		if (p != NULL)
			p->ended = true;
		if (p != NULL && m->offset >= p->end) {
			if (p->next < p->end && !p->done)
				p->next = p->end;
			finish(s, p);
		} else if (p != NULL && !s->options->bounded) {
			tell_end(s, p, m->offset, false);
		}
		return 0;
	case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
		if (s->options->group != NULL)
			return ks_fail(err, KS_DENIED, "no right to join group '%s': READ on the group is missing", s->options->group);
		return 0;	/* nothing is committed, so no right on a group is needed (real-parts 1) */
	case RD_KAFKA_RESP_ERR__TRANSPORT:
	case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
	case RD_KAFKA_RESP_ERR__RESOLVE:
	case RD_KAFKA_RESP_ERR__TIMED_OUT:
		return 0;	/* librdkafka goes on trying; check_away says when that is enough */
	case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
		if (p != NULL)
			return ks_kafka_out_of_range(s, p, err);
		break;
	case RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS:
	case RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE:
	case RD_KAFKA_RESP_ERR_NOT_COORDINATOR:
		return 0;	/* it is looked for again */
	case RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED:
		return 0;	/* the group takes the partitions away, which is told by itself */
	case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
	case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
	case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
		if ((s->refresh_ms > 0 && s->options->group == NULL) ||
		    (m->rkt == NULL || p == NULL ? ks_kafka_has_patterns(s->config) : p->topic->matched)) {
			s->look_due = 0;	/* it may go; else the look says that it is gone */
			return 0;
		}
		break;
	default:
		break;
	}
	if (m->err == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED && m->rkt != NULL)
		return ks_fail(err, KS_DENIED, "no right to read topic '%s': READ on the topic is missing", rd_kafka_topic_name(m->rkt));
	return ks_kafka_fail(&s->client, (int)m->err, false, err, "cannot read from %s",
	    m->rkt != NULL ? rd_kafka_topic_name(m->rkt) : s->client.brokers);
}

/* -o s@T and e@T; a record without a time is of no time before any. */
static bool is_timely(const struct ks_kafka_source *s, const struct ks_kafka_part *p, const rd_kafka_message_t *m)
{
	int64_t ms = rd_kafka_message_timestamp(m, NULL);

	return ms >= p->since_ms && (!s->options->has_stop || ms < s->options->stop_at);
}

static bool is_done(const struct ks_kafka_source *s)
{
	return s->own.left == 0 || (s->options->bounded && s->parts.left == 0);
}

/* --until with --app: p is read up to there, and the next run begins with that record. */
static void stop_before(struct ks_kafka_source *s, struct ks_kafka_part *p, int64_t offset)
{
	s->reader.ingest.reached = false;
	s->own.section.moved |= p->next < offset;
	p->next = p->end = offset;
	finish(s, p);
}

static int take_message(struct ks_kafka_source *s, const rd_kafka_message_t *m, struct ks_err *err)
{
	struct ks_kafka_part *p;
	int made, status;
	uint64_t letters, left_out;

	if (KS_UNLIKELY(m->err != RD_KAFKA_RESP_ERR_NO_ERROR))
		return take_event(s, m, err);
	s->flow.bytes += m->len + m->key_len;
	s->flow.messages++;
	p = ks_kafka_parts_find(&s->parts, m);
	/* Below next: fetched again, behind a new assignment. */
	if (p == NULL || p->done || m->offset < p->next)
		return 0;
	p->ended = false;
	if (m->offset >= p->end) {
		p->next = p->end;
		finish(s, p);
		return 0;
	}
	if (s->options->watch != NULL && s->options->watch->message != NULL)
		s->options->watch->message(s->options->watch->arg, p->topic->name, p->partition,
		    rd_kafka_message_broker_id(m));
	if (KS_LIKELY(m->offset >= p->skip && (!s->timed || is_timely(s, p, m)))) {
		s->reader.flags = s->config->key_expr != NULL && p->topic->partitions > 1 ? KS_KEY_CHANGED : 0;
		letters = s->reader.ingest.reject.letters;
		left_out = s->reader.left_out;
		status = ks_message_read(&s->reader, ks_str(p->topic->name), m, &s->own.frames, &made, err);
		if (status != 0)
			return status;
		if (KS_UNLIKELY(s->reader.ingest.reached)) {
			stop_before(s, p, m->offset);
			return 0;
		}
		s->own.section.hop += made;
		if (s->reader.ingest.take != NULL || s->reader.left_out != left_out)
			s->own.given += m->len + m->key_len + 1;
		if (s->own.left > 0 && (made > 0 || s->reader.left_out != left_out) && s->reader.ingest.reject.letters == letters)	/* a dead letter is no record */
			s->own.left--;
		s->own.source.stats.bytes += m->len + m->key_len;
	}
	p->next = m->offset + 1;
	s->own.section.moved = true;
	if (p->next >= p->end)
		finish(s, p);
	return 0;
}

/* Enough to hand out, or all. */
static bool is_enough(const struct ks_kafka_source *s)
{
	return s->own.frames.n + s->own.given >= KS_IO_SIZE || is_done(s);
}

/* From within librdkafka, which then needs neither a list of messages nor two locks for each. */
static void on_message(rd_kafka_message_t *m, void *source)
{
	struct ks_kafka_source *s = source;

	s->status = take_message(s, m, s->err);
	if (KS_UNLIKELY(s->status != 0 || is_enough(s)))
		rd_kafka_yield(s->client.rk);	/* the others stay in the queue */
}

/* Messages that were fetched, until there is enough to hand out. */
static int take_batch(struct ks_kafka_source *s, struct ks_err *err)
{
	rd_kafka_message_t *m;
	int status = 0;

	while (s->batch_at < s->batch_count && status == 0) {
		if (is_enough(s))
			return 0;
		m = s->batch[s->batch_at++];
		status = take_message(s, m, err);
		rd_kafka_message_destroy(m);
	}
	return status;
}

/* A member of a group takes one by one: a batch may lose what a rebalance passes (2.0.2). */
static ssize_t poll_group(struct ks_kafka_source *s)
{
	size_t n = 0;

	while (n < KS_KAFKA_BATCH && s->group.news == KS_GROUP_QUIET) {
		s->batch[n] = rd_kafka_consumer_poll(s->client.rk, 0);
		if (s->batch[n] == NULL)
			break;
		n++;
	}
	return (ssize_t)n;
}

/* Those that several topics have for now, by their times; what is about none of their partitions goes first. */
static ssize_t fetch_ordered(struct ks_kafka_source *s)
{
	ssize_t n = rd_kafka_consume_batch_queue(s->queue, 0, s->batch, KS_KAFKA_BATCH);

	if (n <= 0)
		n = (ssize_t)ks_kafka_order_fetch(&s->order, s->batch, KS_KAFKA_BATCH);
	ks_kafka_flow_wake(s, n <= 0);
	return n;
}

static int fetch(struct ks_kafka_source *s, bool *got, struct ks_err *err)
{
	bool within = !s->ordered && ks_kafka_flow_look(s);
	ssize_t n;

	*got = true;
	if (s->options->group != NULL) {
		s->batch_at = 0;
		s->batch_count = (size_t)poll_group(s);
		*got = s->batch_count > 0 || s->group.news != KS_GROUP_QUIET;
		return 0;
	}
	if (within) {
		s->err = err;
		s->status = 0;
		*got = rd_kafka_consume_callback_queue(s->queue, 0, on_message, s) > 0;
		return s->status;
	}
	n = s->ordered ? fetch_ordered(s) : rd_kafka_consume_batch_queue(s->queue, 0, s->batch, KS_KAFKA_BATCH);
	s->batch_at = 0;
	s->batch_count = n > 0 ? (size_t)n : 0;
	*got = n > 0;
	return 0;
}

/* The queue is empty: wait until it is not, or until a signal, a PING or a barrier is due. */
static int idle(struct ks_kafka_source *s, bool *wait, struct ks_err *err)
{
	uint64_t count;
	bool ready;
	int timeout = 500, no, status = ks_kafka_check_away(s, err);

	if (status == 0 && s->open)
		status = ks_section_idle(&s->own.section, &s->own.frames, &timeout, err);
	if (status != 0 || s->own.frames.n > 0)
		return status;
	if (s->ordered)
		timeout = ks_kafka_order_wait(&s->order, timeout);
	if (s->own.section.full && timeout > LEARN_MS)
		timeout = LEARN_MS;
	no = ks_wait(s->ready, s->own.source.wake, timeout, &ready);
	if (no != 0)
		return ks_fail_errno(err, KS_BUG, no, "cannot wait for Kafka");
	if (ready && read(s->ready, &count, sizeof(count)) < 0 && errno != EAGAIN)
		return ks_fail_errno(err, KS_BUG, errno, "cannot read an eventfd");
	*wait = !ready;
	return 0;
}

/* The section ends, or a barrier or another section is due.  *out: what there is goes out. */
static int look_round(struct ks_kafka_source *s, bool *out, struct ks_err *err)
{
	int status = ks_own_turn(&s->own, is_done(s), out, err), unused;

	if (status != 0 || *out)
		return status;
	/* Also while records come faster than they go. */
	status = ks_kafka_section_look(s, out, err);
	/* Of a reader that is gone only a write tells, and all records may be left out. */
	if (status == 0 && s->own.frames.n == 0 && s->reader.left_out > 0)
		status = ks_section_idle(&s->own.section, &s->own.frames, &unused, err);
	*out |= is_enough(s);
	return status;
}

/* As far as it goes without waiting, or until there is enough to hand out. */
static int gather_some(struct ks_kafka_source *s, bool block, struct ks_err *err)
{
	bool wait = false, out, got;
	int status;

	while (!wait) {
		if (!s->open) {
			status = ks_kafka_section_next(s, err);
			if (status != 0 || s->own.frames.n > 0 || s->own.section.done)
				return status;
		} else {
			status = s->own.stop >= 0 ? 0 : take_batch(s, err);
			if (status == 0)
				status = look_round(s, &out, err);
			if (status != 0 || out)
				return status;
			status = ks_kafka_section_window(s, err);
			got = false;
			if (status == 0 && !s->own.section.full)
				status = fetch(s, &got, err);
			if (status != 0)
				return status;
			if (got) {
				s->heard = ks_clock_ms();
				continue;
			}
		}
		if (s->own.frames.n + s->own.given > 0 || !block)
			return 0;
		status = idle(s, &wait, err);
		if (status != 0 || s->own.frames.n > 0)
			return status;
	}
	return 0;
}

static int gather(struct ks_own *own, bool block, struct ks_err *err)
{
	return ks_kafka_group_failed((struct ks_kafka_source *)own, gather_some((struct ks_kafka_source *)own, block, err), err);
}

/* A partition of which one topic has more; the end of a bounded read is no silence, nor is it silent where nobody can be asked. */
static void awake(void *own, struct ks_idle *x)
{
	const struct ks_kafka_source *s = own;
	const struct ks_kafka_part *p;

	if (s->options->bounded || s->client.down_since != 0) {
		ks_idle_all_awake(x);
		return;
	}
	for (p = s->parts.parts; p < s->parts.parts + s->parts.count; p++)
		if (!p->ended)
			ks_idle_awake(x, p->partition);
}

/* HELLO waits for a group to say what is read. */
static int begin(struct ks_own *own, struct ks_err *err)
{
	struct ks_kafka_source *s = (struct ks_kafka_source *)own;

	return s->options->group != NULL ? 0 : ks_kafka_section_next(s, err);
}

/* The topics that are named must be there before a group is joined: it would wait for them for ever. */
static int join(struct ks_kafka_source *s, struct ks_err *err)
{
	rd_kafka_topic_partition_list_t *none = rd_kafka_topic_partition_list_new(0);
	int status = ks_kafka_client_open(s, KS_KAFKA_FLOW_KB, err);

	if (status == 0)
		status = ks_kafka_parts_open(&s->parts, &s->client, s->options, s->config, none, NULL, err);
	rd_kafka_topic_partition_list_destroy(none);
	return status == 0 ? ks_group_join(&s->group, &s->client, s->options->group, s->config, err) : status;
}

static void kafka_close(struct ks_source *source)
{
	struct ks_kafka_source *s = (struct ks_kafka_source *)source;

	ks_kafka_drop_batch(s);
	ks_group_leave(&s->group, !s->away);
	ks_claim_close(&s->claim);
	ks_kafka_ledger_told(&s->group_told);
	ks_kafka_order_close(&s->order);
	ks_kafka_parts_close(&s->parts);
	ks_kafka_client_close(s);
	ks_message_reader_close(&s->reader);
	ks_own_release(&s->own);
	ks_buf_release(&s->positions);
	free(s);
}

int ks_source_kafka(const struct ks_kafka_options *options, const struct ks_config *config, int wake,
    struct ks_source **source, struct ks_err *err)
{
	struct ks_kafka_source *s = calloc(1, sizeof(*s));
	int status;

	if (s == NULL)
		return ks_fail_memory(err);
	ks_own_init(&s->own, config, wake, "Kafka");
	s->own.source.close = kafka_close;
	s->own.source.give = ks_own_give;
	s->own.begin = begin;
	s->own.gather = gather;
	s->own.positions = ks_kafka_section_positions;
	s->own.passed = ks_kafka_section_passed;
	s->own.awake = awake;
	s->own.ingest = &s->reader.ingest;
	s->own.source.ingest = s->own.ingest;
	s->options = options;
	if (options->told) {
		s->ledgered = *options;
		s->ledgered.ledger = &s->own.section.ledger;
		s->options = options = &s->ledgered;
	}
	s->config = config;
	s->timed = options->start == KS_START_TIME || options->has_stop;
	s->ordered = options->group == NULL && (config->order == KS_ORDER_GLOBAL || !ks_kafka_has_patterns(config)) &&
	    ks_kafka_is_ordered(config);
	s->ready = -1;
	ks_buf_init(&s->positions, KS_CONTROL_MAX);
	*source = &s->own.source;
	status = ks_section_open(&s->own.section, config, ks_kafka_section_keeper(s), err);
	if (status == 0)
		status = ks_message_reader_open(&s->reader, config, err);
	/* Before it is asked where the app stands: what is still open is resolved by it. */
	if (status == 0 && ks_kafka_claims(s))
		status = ks_claim_fence(&s->claim, options, config, s->own.section.ledger.dir, err);
	ks_point("source-fenced");
	if (status == 0)
		status = options->group != NULL ? join(s, err) : ks_kafka_client_parts(s, err);
	s->heard = ks_clock_ms();
	if (status == 0)
		tell_empty(s);
	return status;
}
