/* SPDX-License-Identifier: MIT */
/* kafka-sink.c - records to topics of Kafka. */
#include "kafka-sink.h"

#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>

#include "drill.h"
#include "kafka-message.h"
#include "kafka-sink-txn.h"
#include "kafka-target.h"
#include "kafka-txn.h"
#include "kafka-verify.h"
#include "reject.h"

#define POLL_EVERY 1024u	/* records between two looks at the delivery reports */
#define NUDGE_MS 5		/* at most, until what is queued has been sent: an answer takes 1 to 2 ms */
#define FULL_MS 2		/* until there is room in the queue, between two looks: a broker takes it in as long */
#define PATIENT 4		/* looks before what is queued goes as it is: batches that are not full cost CPU on both sides */
#define FLUSH_MS 100		/* of waiting for acknowledgements, between two looks */
#define GRACE_MS 5000		/* past --timeout, for librdkafka to tell what it gave up */

struct kafka {
	struct ks_sink sink;
	const struct ks_kafka_options *options;
	const struct ks_config *config;
	struct ks_kafka client;
	struct ks_message_writer writer;
	struct ks_kafka_targets targets;
	struct ks_kafka_streams streams;
	struct ks_kafka_verify *verify;	/* NULL: not asked for */
	struct ks_sink_txn txn;		/* where config->app is set */
	bool transacts;			/* the client can; false: without an app, or where at least once is enough */
	int64_t message_max;		/* bytes, librdkafka's message.max.bytes */
	bool compressed;
	uint64_t drains;		/* how often all was acknowledged */
	unsigned since_poll;
	struct ks_err failed;		/* of the first record that was not acknowledged */
};

/* Without --verify failures alone are reported (delivery.report.only.error). */
static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque)
{
	struct ks_kafka *client = opaque;
	struct kafka *s = (struct kafka *)((char *)client - offsetof(struct kafka, client));
	char place[KS_WHERE];
	struct ks_kafka_place from;
	int status = ks_kafka_status((int)m->err, false);

	(void)rk;
	if (KS_LIKELY(m->err == RD_KAFKA_RESP_ERR_NO_ERROR)) {
		if (s->verify != NULL)
			ks_kafka_verify_delivered(s->verify, rd_kafka_topic_name(m->rkt), m->partition, m->offset,
			    m->_private);
		return;
	}
	if (!ks_kafka_place_unpack(m->_private, &from) || !from.side)	/* dead letters are not among what came out */
		s->sink.lost++;
	if (s->failed.status != 0)
		return;
	if (ks_kafka_is_refusal((int)m->err))
		s->client.refusal = (int)m->err;
	ks_kafka_place_print(&s->streams, m->_private, place, sizeof(place));
	if (status == KS_DENIED)
		ks_fail(&s->failed, status, "%s: no right to write to topic '%s': WRITE on the topic is missing", place,
		    rd_kafka_topic_name(m->rkt));
	else
		ks_fail(&s->failed, status, "%s: topic '%s' has not taken it: %s", place,
		    rd_kafka_topic_name(m->rkt), rd_kafka_err2str(m->err));
}

static int64_t number(const rd_kafka_conf_t *conf, const char *name)
{
	char text[24];

	ks_kafka_conf_text(conf, name, text, sizeof(text));
	return strtoll(text, NULL, 10);
}

static int open_client(struct kafka *s, struct ks_err *err)
{
	char timeout[24], codec[24], id[KS_TXN_ID] = "", ms[16];
	int64_t wait = s->options->timeout_ms;
	const struct ks_kafka_property ours[] = {
		{ "client.id", "kstream-cat" },
		KS_KAFKA_CONNECT,
		{ "enable.idempotence", "true" },	/* with it: acks=all, order kept over retries */
		{ "delivery.report.only.error", s->options->verify ? "false" : "true" },
		{ "allow.auto.create.topics", "false" },
		{ "message.timeout.ms", timeout },
		{ "partitioner", "murmur2_random" },	/* what is left to it has no key */
		/* At full speed batches are full long before; a shorter one makes 2.0.2 poll in circles (twice the CPU). */
		{ "linger.ms", "100" },
		/* The sender holds some of each partition, and each reader, which gets whole ones: of a megabyte a third more. */
		{ "batch.size", "262144" },
		{ "batch.num.messages", "100000" },
		{ "queue.buffering.max.messages", "10000" },	/* each takes 250 bytes beside its own */
		{ "queue.buffering.max.kbytes", "32768" },
		{ "socket.nagle.disable", "true" },
		{ s->transacts ? "transactional.id" : NULL, id },
		{ "transaction.timeout.ms", ms },
		{ "socket.timeout.ms", timeout },	/* see kafka-txn.h */
		{ NULL, NULL },
	};
	struct rd_kafka_conf_s *conf;
	int status;

	/* A record may not wait for longer than its transaction can last. */
	if (s->transacts) {
		ks_txn_id(s->config->app, s->config->owner, id);
		wait = wait > KS_TXN_MS ? KS_TXN_MS : wait;
	}
	snprintf(ms, sizeof(ms), "%d", KS_TXN_MS);
	snprintf(timeout, sizeof(timeout), "%lld", (long long)wait);
	status = ks_kafka_conf(s->options, ours, &conf, err);
	if (status != 0)
		return status;
	rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
	s->message_max = number(conf, "message.max.bytes");
	s->targets.batch = number(conf, "batch.size");
	if (s->message_max < s->targets.batch)
		s->targets.batch = s->message_max;
	ks_kafka_conf_text(conf, "compression.codec", codec, sizeof(codec));
	s->compressed = strcmp(codec, "none") != 0;
	status = ks_kafka_open(&s->client, s->options, true, conf, err);
	if (status == 0)
		s->sink.name = s->client.brokers;
	return status;
}

/* Another client, before anything is written, or when all that was is committed; starting: nothing has come yet. */
static int reopen(struct kafka *s, bool starting, struct ks_err *err)
{
	bool has_main = s->targets.has_main;
	int status;

	ks_kafka_targets_close(&s->targets);
	ks_kafka_close(&s->client);
	s->targets = (struct ks_kafka_targets){ .client = &s->client, .options = s->options, .has_main = has_main };
	s->drains = 0;
	status = open_client(s, err);
	return status == 0 && has_main ? ks_kafka_targets_add(&s->targets, ks_str(s->txn.topic), starting, err) : status;
}

/* --- the hooks of a sink --- */

static int look(struct kafka *s, struct ks_err *err)
{
	int status = ks_kafka_check(&s->client, err);

	s->since_poll = 0;
	if (status != 0 || s->failed.status == 0)
		return status;
	if (s->transacts && s->txn.began)
		(void)ks_sink_txn_refused(&s->txn, &s->failed);
	*err = s->failed;
	return err->status;
}

/*
 * The same between records: a failure is then told by the next settle, since
 * what record returns is taken to be about that very record.
 */
static bool lost(struct kafka *s)
{
	struct ks_err err;

	return look(s, &err) != 0;
}

static int kafka_hello(struct ks_sink *sink, const struct ks_hello_view *h, struct ks_bytes raw,
    struct ks_err *err)
{
	struct kafka *s = (struct kafka *)sink;
	int status;

	ks_point("sink-hello");
	if (h->app.p != NULL && s->config->app == NULL)
		return ks_fail(err, KS_CONFIG, "the stream is of app '%.*s': give --app %.*s here, too", (int)h->app.n,
		    (const char *)h->app.p, (int)h->app.n, (const char *)h->app.p);
	raw = ks_bytes(raw.p + KS_FRAME_HEAD, raw.n - KS_FRAME_HEAD);
	/* A stream that at least once is enough for; the client was made before that was known. */
	if (s->transacts && !ks_hello_transacts(h, ks_config_at_least(s->config))) {
		s->transacts = false;
		status = reopen(s, true, err);
		if (status != 0)
			return status;
	}
	status = ks_kafka_streams_learn(&s->streams, raw, s->config->limits.depth, err);
	/* The source of a group claims the same id again for each section, and that has fenced this client.  END has come: all is committed. */
	if (status == 0 && s->txn.began) {
		s->txn.fenced = s->txn.began = false;
		status = reopen(s, false, err);
	}
	if (status == 0 && s->config->app != NULL)
		status = ks_sink_txn_hello(&s->txn, h, raw, err);
	if (status == 0 && s->verify != NULL)
		status = ks_kafka_verify_hello(s->verify, &s->client, raw, &s->streams,
		    s->targets.has_main ? s->targets.list[0].name : NULL, s->config->limits.depth, err);
	return status;
}

/* Side records are counted as what they are, not among what came out. */
static bool is_main(const struct ks_rec *rec)
{
	return (rec->flags & KS_SIDE) == 0;
}

/* Hand one message to librdkafka, which copies it; a full queue is waited for. */
static int produce(struct kafka *s, const struct ks_kafka_target *t, int32_t partition,
    const struct ks_message *m, const struct ks_rec *rec, void *place, struct ks_err *err)
{
	rd_kafka_headers_t *headers = ks_message_headers(rec->headers);
	int64_t deadline = 0;
	rd_kafka_resp_err_t e;
	int status = 0, looks = 0;

	for (;;) {
		e = rd_kafka_producev(s->client.rk, RD_KAFKA_V_RKT(t->handle),
		    RD_KAFKA_V_PARTITION(partition), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
		    RD_KAFKA_V_KEY(m->key.p, m->key.n),
		    RD_KAFKA_V_VALUE((void *)(uintptr_t)m->value.p, m->value.n),
		    RD_KAFKA_V_TIMESTAMP(m->time_ms), RD_KAFKA_V_OPAQUE(place),
		    RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_END);
		if (KS_LIKELY(e == RD_KAFKA_RESP_ERR_NO_ERROR))
			return 0;
		if (e != RD_KAFKA_RESP_ERR__QUEUE_FULL)
			break;
		if (rd_kafka_outq_len(s->client.rk) == 0) {
			status = ks_fail(err, KS_DATA, "the record is larger than queue.buffering.max.kbytes: see -X");
			break;
		}
		if (deadline == 0)
			deadline = ks_clock_ms() + s->options->timeout_ms + GRACE_MS;
		if (++looks < PATIENT)
			rd_kafka_poll(s->client.rk, FULL_MS);
		else
			rd_kafka_flush(s->client.rk, FULL_MS);	/* of more partitions than it has room for batches none may be full */
		if (lost(s)) {
			s->sink.lost += is_main(rec);
			break;
		}
		if (ks_clock_ms() >= deadline) {
			status = ks_fail(err, KS_TEMP, "%s takes no records", s->client.brokers);
			break;
		}
	}
	if (headers != NULL)
		rd_kafka_headers_destroy(headers);
	if (e == RD_KAFKA_RESP_ERR__QUEUE_FULL)
		return status;
	if (e == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE)
		return ks_fail(err, KS_DATA,
		    "%zu bytes of key and value are more than message.max.bytes, %lld, allows with its headers: see -X",
		    m->key.n + m->value.n, (long long)s->message_max);
	return ks_kafka_fail(&s->client, (int)e, false, err, "cannot write to topic '%s'", t->name);
}

/* Until all is acknowledged: librdkafka gives up by itself after --timeout, and reports it. */
static int drain(struct kafka *s, struct ks_err *err)
{
	int64_t deadline = ks_clock_ms() + s->options->timeout_ms + GRACE_MS;
	rd_kafka_resp_err_t e;
	int status;

	for (;;) {
		e = rd_kafka_flush(s->client.rk, FLUSH_MS);
		status = look(s, err);
		if (status != 0)
			return status;
		if (e == RD_KAFKA_RESP_ERR_NO_ERROR) {
			s->drains++;
			return 0;
		}
		if (ks_clock_ms() >= deadline)
			return ks_fail(err, KS_TEMP, "%s has not acknowledged %d records", s->client.brokers,
			    rd_kafka_outq_len(s->client.rk));
	}
}

/* In the middle of a record, whose fault it is not: the next settle tells. */
static bool drain_silently(struct kafka *s)
{
	struct ks_err err;

	if (drain(s, &err) == 0)
		return true;
	if (s->failed.status == 0)
		s->failed = err;
	return false;
}

/*
 * Room for a record in a topic that takes less than librdkafka puts into a
 * batch: the broker refuses the whole of one that is too large, innocent
 * records too, and librdkafka does not split it.  So no more is on its way
 * than fits into one.  What may fit when it is compressed goes alone.
 */
static int make_room(struct kafka *s, struct ks_kafka_target *t, const struct ks_rec *rec, size_t size, bool *alone,
    struct ks_err *err)
{
	*alone = t->max > 0 && size > (uint64_t)t->max;
	if (*alone && !s->compressed)
		return ks_fail(err, KS_DATA, "%zu bytes are more than topic '%s' takes: its max.message.bytes is %lld",
		    size, t->name, (long long)t->max);
	if (!*alone && !t->small)
		return 0;
	if (t->since != s->drains)
		t->unsent = 0;
	t->since = s->drains;
	if (*alone || t->unsent + (int64_t)size > t->max) {
		if (!drain_silently(s)) {
			s->sink.lost += is_main(rec);
			return 0;
		}
		t->unsent = 0;
		t->since = s->drains;
	}
	t->unsent += (int64_t)size;
	return 0;
}

static int kafka_record(struct ks_sink *sink, const struct ks_rec *rec, struct ks_err *err)
{
	struct kafka *s = (struct kafka *)sink;
	struct ks_kafka_target *t = NULL;
	struct ks_kafka_stream *from;
	struct ks_message m;
	const char *wrong;
	size_t size;
	int32_t partition;
	bool alone = false;
	int status;

	if (++s->since_poll >= POLL_EVERY && lost(s)) {
		s->sink.lost += is_main(rec);
		return 0;
	}
	status = ks_kafka_targets_choose(&s->targets, rec, &t, err);
	if (status != 0)
		return status;
	wrong = ks_message_write(&s->writer, rec, &m);
	if (wrong != NULL)
		return ks_fail(err, ks_is_no_memory(wrong) ? KS_TEMP : KS_DATA, "%s", wrong);
	from = ks_kafka_streams_find(&s->streams, rec->topic);
	status = ks_kafka_targets_partition(&s->targets, t, from, rec, m.hashed, &partition, err);
	if (status != 0)
		return status;
	size = ks_message_bound(&m, rec->headers);
	if (KS_UNLIKELY(t->small || (t->max > 0 && size > (uint64_t)t->max))) {
		status = make_room(s, t, rec, ks_message_size(&m, rec->headers), &alone, err);
		if (status != 0 || s->failed.status != 0)
			return status;
	}
	if (s->transacts && !s->txn.open && (status = ks_sink_txn_record(&s->txn, err)) != 0)
		return status;
	ks_point("record-sent");
	status = produce(s, t, partition, &m, rec, ks_kafka_place_pack(&s->streams, from, rec), err);
	if (status == 0 && alone)
		(void)drain_silently(s);
	return status;
}

static int kafka_frame(struct ks_sink *sink, struct ks_bytes raw, struct ks_err *err)
{
	(void)raw;
	return look((struct kafka *)sink, err);
}

static int kafka_barrier(struct ks_sink *sink, const struct ks_barrier *b, struct ks_err *err)
{
	struct kafka *s = (struct kafka *)sink;
	int status = drain(s, err);

	ks_point("acknowledged");
	if (status == 0 && s->transacts)
		status = ks_sink_txn_barrier(&s->txn, b, err);
	if (status == 0 && s->verify != NULL)
		status = ks_kafka_verify_barrier(s->verify, b->positions, err);
	return status;
}

static int kafka_end(struct ks_sink *sink, const struct ks_end *e, struct ks_err *err)
{
	(void)e;
	return look((struct kafka *)sink, err);
}

static int kafka_settle(struct ks_sink *sink, struct ks_err *err)
{
	return look((struct kafka *)sink, err);
}

/*
 * The input has nothing more just now: what is queued goes at once, not
 * after linger.ms.  What comes meanwhile makes the next batch.
 */
static int kafka_flush(struct ks_sink *sink, struct ks_err *err)
{
	struct kafka *s = (struct kafka *)sink;

	if (s->client.rk == NULL)	/* it could not be opened, and the run is being wound up */
		return 0;
	rd_kafka_flush(s->client.rk, NUDGE_MS);
	return look(s, err);
}

static bool kafka_pending(struct ks_sink *sink)
{
	const struct kafka *s = (const struct kafka *)sink;

	return s->client.rk != NULL && rd_kafka_outq_len(s->client.rk) > 0;
}

/* What is not acknowledged by now is not waited for; each such record comes back through on_delivery. */
static void kafka_give_up(struct ks_sink *sink)
{
	struct kafka *s = (struct kafka *)sink;

	if (!ks_keeps("end") && s->txn.open)
		rd_kafka_commit_transaction(s->client.rk, KS_TXN_MS);
	if (s->client.rk == NULL || rd_kafka_outq_len(s->client.rk) == 0)
		return;
	rd_kafka_purge(s->client.rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
	rd_kafka_flush(s->client.rk, GRACE_MS);
}

static void kafka_close(struct ks_sink *sink)
{
	struct kafka *s = (struct kafka *)sink;

	ks_kafka_targets_close(&s->targets);
	if (s->client.rk != NULL && rd_kafka_outq_len(s->client.rk) > 0)
		rd_kafka_purge(s->client.rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
	ks_kafka_close(&s->client);
	ks_kafka_close(&s->txn.reader);
	ks_message_writer_close(&s->writer);
	ks_kafka_streams_forget(&s->streams);
	ks_kafka_verify_free(s->verify);
	free(s);
}

int ks_sink_kafka(const struct ks_kafka_options *options, const struct ks_config *config,
    const char *topic, struct ks_sink **sink, struct ks_err *err)
{
	struct kafka *s = calloc(1, sizeof(*s));
	int status;

	if (s == NULL)
		return ks_fail_memory(err);
	s->sink = (struct ks_sink){
		.hello = kafka_hello, .record = kafka_record, .frame = kafka_frame,
		.barrier = kafka_barrier, .end = kafka_end, .flush = kafka_flush, .settle = kafka_settle,
		.pending = kafka_pending, .give_up = kafka_give_up, .close = kafka_close, .commits = true, .transacts = true, .name = "Kafka",
		.out = { .fd = -1 },
	};
	s->options = options;
	s->config = config;
	s->targets = (struct ks_kafka_targets){ .client = &s->client, .options = options, .has_main = topic != NULL };
	s->txn = (struct ks_sink_txn){ .options = options, .config = config, .client = &s->client, .topic = topic };
	s->transacts = config->app != NULL && !ks_config_at_least(config);
	ks_message_writer_open(&s->writer, config);
	*sink = &s->sink;
	if (options->verify) {
		s->verify = ks_kafka_verify_new(options);
		if (s->verify == NULL)
			return ks_fail_memory(err);
	}
	status = open_client(s, err);
	if (status == 0 && topic != NULL)
		status = ks_kafka_targets_add(&s->targets, ks_str(topic), true, err);
	if (status == 0 && s->transacts)
		status = ks_book_reader(&s->txn.reader, options, config->app, err);
	return status == 0 && config->app != NULL ? ks_sink_txn_resolve(&s->txn, err) : status;
}

int ks_sink_kafka_verify(struct ks_sink *sink, void (*line)(void *arg, const char *text), void *arg,
    bool *equal, struct ks_err *err)
{
	struct kafka *s = (struct kafka *)sink;

	return ks_kafka_verify_run(s->verify, line, arg, equal, err);
}
