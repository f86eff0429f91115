/* SPDX-License-Identifier: MIT */
/* kafka-sink.c - records to topics of Kafka. */
#include "kafka-sink.h"

#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>

#include "hash.h"
#include "kafka-message.h"
#include "reject.h"

#define POLL_EVERY 1024u	/* records between two looks at the delivery reports */
#define NUDGE_MS 5		/* at most, until what is queued has been sent: an answer takes 1 to 2 ms */
#define FLUSH_MS 100		/* of waiting for acknowledgements, between two looks */
#define GRACE_MS 5000		/* past --timeout, for librdkafka to tell what it gave up */

/* A topic that is written. */
struct target {
	char *name;
	rd_kafka_topic_t *handle;
	int32_t partitions;
};

/* A stream of the section, as HELLO tells of it. */
struct stream {
	char *name;
	size_t n;
	int32_t partitions;
};

struct kafka {
	struct ks_sink sink;
	const struct ks_kafka_options *options;
	const struct ks_config *config;
	struct ks_kafka client;
	struct ks_message_writer writer;
	struct target *targets;
	size_t target_count, last;	/* last: of the record before */
	bool has_main;			/* the first is -t; false: --route alone */
	struct stream *streams;
	size_t stream_count, stream_last;
	int64_t message_max;		/* bytes, librdkafka's message.max.bytes */
	unsigned since_poll;
	struct ks_err failed;		/* of the first record that was not acknowledged */
};

static int no_memory(struct ks_err *err)
{
	return ks_fail(err, KS_TEMP, "no memory");
}

/* --- where a record came from, in the pointer that comes back with its report --- */

#define OFFSET_BITS 44
#define PARTITION_BITS 14
#define STREAMS_MAX 63u

static struct stream *stream_of(struct kafka *s, struct ks_bytes name)
{
	struct stream *x;
	size_t i;

	if (KS_LIKELY(s->stream_last < s->stream_count)) {
		x = &s->streams[s->stream_last];
		if (x->n == name.n && memcmp(x->name, name.p, name.n) == 0)
			return x;
	}
	for (i = 0; i < s->stream_count; i++) {
		x = &s->streams[i];
		if (x->n == name.n && memcmp(x->name, name.p, name.n) == 0) {
			s->stream_last = i;
			return x;
		}
	}
	return NULL;
}

/* NULL where it does not fit: the message is then about the target alone. */
static void *pack_place(const struct kafka *s, const struct stream *from, const struct ks_rec *rec)
{
	uint64_t x;

	if (sizeof(void *) < sizeof(x) || from == NULL || from >= s->streams + STREAMS_MAX ||
	    rec->partition < 0 || rec->partition >= 1 << PARTITION_BITS || rec->offset < 0 ||
	    rec->offset >= (int64_t)1 << OFFSET_BITS)
		return NULL;
	x = (uint64_t)(from - s->streams) + 1;
	x = x << PARTITION_BITS | (uint64_t)rec->partition;
	x = x << OFFSET_BITS | (uint64_t)rec->offset;
	return (void *)(uintptr_t)x;
}

static void print_place(const struct kafka *s, const void *place, char *room, size_t size)
{
	uint64_t x = (uint64_t)(uintptr_t)place, from = x >> (PARTITION_BITS + OFFSET_BITS);

	if (from == 0 || from > s->stream_count)
		snprintf(room, size, "a record");
	else
		snprintf(room, size, "%s/%u@%llu", s->streams[from - 1].name,
		    (unsigned)(x >> OFFSET_BITS & ((1u << PARTITION_BITS) - 1)),
		    (unsigned long long)(x & (((uint64_t)1 << OFFSET_BITS) - 1)));
}

/* Only failures are reported (delivery.report.only.error). */
static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque)
{
	struct ks_kafka *client = opaque;
	struct kafka *s = (struct kafka *)((char *)client - offsetof(struct kafka, client));
	char place[KS_WHERE];
	int status = ks_kafka_status((int)m->err, false);

	(void)rk;
	if (m->err == RD_KAFKA_RESP_ERR_NO_ERROR)
		return;
	s->sink.lost++;
	if (s->failed.status != 0)
		return;
	print_place(s, m->_private, place, sizeof(place));
	if (status == KS_DENIED)
		ks_fail(&s->failed, status, "no right to write to topic '%s'", rd_kafka_topic_name(m->rkt));
	else
		ks_fail(&s->failed, status, "%s: topic '%s' has not taken it: %s", place,
		    rd_kafka_topic_name(m->rkt), rd_kafka_err2str(m->err));
}

static int open_client(struct kafka *s, struct ks_err *err)
{
	char timeout[24], max[24];
	const struct ks_kafka_property ours[] = {
		{ "client.id", "kstream-cat" },
		{ "enable.idempotence", "true" },	/* with it: acks=all, order kept over retries */
		{ "delivery.report.only.error", "true" },
		{ "allow.auto.create.topics", "false" },
		{ "message.timeout.ms", timeout },
		{ "partitioner", "murmur2_random" },	/* what is left to it has no key */
		/* At full speed batches are full long before; a shorter one makes 2.0.2 poll in circles (twice the CPU). */
		{ "linger.ms", "100" },
		{ "batch.size", "1000000" },
		{ "batch.num.messages", "100000" },
		{ "queue.buffering.max.messages", "100000" },
		{ "queue.buffering.max.kbytes", "32768" },
		{ "socket.nagle.disable", "true" },
		{ NULL, NULL },
	};
	struct rd_kafka_conf_s *conf;
	int status;

	snprintf(timeout, sizeof(timeout), "%lld", (long long)s->options->timeout_ms);
	status = ks_kafka_conf(s->options, ours, &conf, err);
	if (status != 0)
		return status;
	rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
	ks_kafka_conf_text(conf, "message.max.bytes", max, sizeof(max));
	s->message_max = strtoll(max, NULL, 10);
	status = ks_kafka_open(&s->client, s->options, true, conf, err);
	if (status == 0)
		s->sink.name = s->client.brokers;
	return status;
}

/* --- topics --- */

static int add_target(struct kafka *s, struct ks_bytes name, bool starting, struct ks_err *err)
{
	struct target *t = realloc(s->targets, (s->target_count + 1) * sizeof(*t));
	int status;

	if (t == NULL)
		return no_memory(err);
	s->targets = t;
	t += s->target_count;
	t->name = strndup((const char *)name.p, name.n);
	if (t->name == NULL)
		return no_memory(err);
	status = ks_kafka_topic(&s->client, t->name, starting, &t->handle, &t->partitions, err);
	if (status == 0 && s->options->partition_count > 0 && s->options->partitions[0] >= t->partitions) {
		status = ks_fail(err, KS_CONFIG, "topic '%s' has no partition %d: it has %d of them, from 0",
		    t->name, (int)s->options->partitions[0], (int)t->partitions);
		ks_kafka_topic_drop(t->handle);
	}
	if (status != 0) {
		free(t->name);
		return status;
	}
	s->last = s->target_count++;
	return 0;
}

static int find_target(struct kafka *s, struct ks_bytes name, struct target **target,
    struct ks_err *err)
{
	size_t i;
	int status;

	for (i = 0; i < s->target_count; i++) {
		if (ks_bytes_is(name, s->targets[i].name)) {
			s->last = i;
			*target = &s->targets[i];
			return 0;
		}
	}
	status = add_target(s, name, s->target_count == 0, err);
	*target = status == 0 ? &s->targets[s->last] : NULL;
	return status;
}

/* The topic of a record: -t, or its route. */
static int choose_target(struct kafka *s, const struct ks_rec *rec, struct target **target,
    struct ks_err *err)
{
	bool side = (rec->flags & KS_SIDE) != 0;
	struct target *last;

	if ((side || s->options->by_route) && rec->route.p != NULL) {
		last = &s->targets[s->last];
		if (s->target_count > 0 && ks_bytes_is(rec->route, last->name)) {
			*target = last;
			return 0;
		}
		return find_target(s, rec->route, target, err);
	}
	if (side)
		return ks_fail(err, KS_DATA, "a side record has no route");
	if (!s->has_main)
		return ks_fail(err, KS_DATA, "the record has no route, and no -t says where such records go");
	*target = &s->targets[0];
	return 0;
}

static int32_t choose_partition(const struct kafka *s, const struct target *t,
    const struct stream *from, const struct ks_rec *rec, struct ks_bytes hashed)
{
	if (s->options->partition_count > 0 && (rec->flags & KS_SIDE) == 0)
		return s->options->partitions[0];
	if ((rec->flags & KS_KEY_CHANGED) == 0 && rec->partition >= 0 && rec->partition < t->partitions &&
	    (from == NULL || from->partitions == t->partitions))
		return rec->partition;
	if (hashed.p == NULL)
		return RD_KAFKA_PARTITION_UA;
	return ks_partition_of(hashed, t->partitions);
}

/* --- the hooks of a sink --- */

static int look(struct kafka *s, struct ks_err *err)
{
	int status = ks_kafka_check(&s->client, err);

	s->since_poll = 0;
	if (status != 0 || s->failed.status == 0)
		return status;
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

static void forget_streams(struct kafka *s)
{
	size_t i;

	for (i = 0; i < s->stream_count; i++)
		free(s->streams[i].name);
	free(s->streams);
	s->streams = NULL;
	s->stream_count = 0;
}

static int add_stream(struct kafka *s, const unsigned char **p, const unsigned char *end,
    struct ks_err *err)
{
	struct stream *x = &s->streams[s->stream_count];
	struct ks_val key, value, name = { 0 };
	struct ks_head head;
	uint32_t i;

	if (ks_mp_head(*p, end, &head) != KS_MP_OK || head.type != KS_MAP)
		return ks_fail(err, KS_DATA, "HELLO: streams are not maps");
	*p = head.body;
	x->partitions = -1;
	for (i = 0; i < head.count; i++) {
		if (ks_mp_read(p, end, 0, &key) != KS_MP_OK ||
		    ks_mp_read(p, end, s->config->limits.depth, &value) != KS_MP_OK)
			return ks_fail(err, KS_DATA, "HELLO: a stream is damaged");
		if (ks_bytes_is(key.b, "name") && value.type == KS_STR)
			name = value;
		else if (ks_bytes_is(key.b, "partitions") && value.type == KS_INT && value.i > 0 &&
		    value.i <= INT32_MAX)
			x->partitions = (int32_t)value.i;
	}
	if (name.type != KS_STR || x->partitions < 0)
		return 0;	/* says nothing that helps */
	x->n = name.b.n;
	x->name = strndup((const char *)name.b.p, x->n);
	if (x->name == NULL)
		return no_memory(err);
	s->stream_count++;
	return 0;
}

/* How many partitions each stream has: the "streams" of HELLO. */
static int learn_streams(struct kafka *s, struct ks_bytes payload, struct ks_err *err)
{
	const unsigned char *p, *end = payload.p + payload.n;
	struct ks_head map, list;
	struct ks_val key;
	uint32_t i, j;
	int status = 0;

	forget_streams(s);
	if (ks_mp_head(payload.p, end, &map) != KS_MP_OK)
		return ks_fail(err, KS_DATA, "HELLO is not a map");
	p = map.body;
	for (i = 0; i < map.count && status == 0; i++) {
		if (ks_mp_read(&p, end, 0, &key) != KS_MP_OK)
			return ks_fail(err, KS_DATA, "HELLO is damaged");
		if (!ks_bytes_is(key.b, "streams") || ks_mp_head(p, end, &list) != KS_MP_OK ||
		    list.type != KS_ARRAY) {
			if (ks_mp_skip(&p, end, s->config->limits.depth) != KS_MP_OK)
				return ks_fail(err, KS_DATA, "HELLO is damaged");
			continue;
		}
		forget_streams(s);
		s->streams = calloc((size_t)list.count + 1, sizeof(*s->streams));
		if (s->streams == NULL)
			return no_memory(err);
		p = list.body;
		for (j = 0; j < list.count && status == 0; j++)
			status = add_stream(s, &p, end, err);
	}
	return status;
}

static int kafka_hello(struct ks_sink *sink, const struct ks_hello_view *h, struct ks_bytes raw,
    struct ks_err *err)
{
	struct kafka *s = (struct kafka *)sink;

	if (h->app.p != NULL)
		return ks_fail(err, KS_CONFIG,
		    "the stream is of app '%.*s': exactly-once is not there yet; leave out --app",
		    (int)h->app.n, (const char *)h->app.p);
	return learn_streams(s, ks_bytes(raw.p + KS_FRAME_HEAD, raw.n - KS_FRAME_HEAD), err);
}

static int too_large(const struct kafka *s, const struct ks_message *m, struct ks_err *err)
{
	return ks_fail(err, KS_DATA,
	    "%zu bytes of key and value are more than message.max.bytes, %lld, allows with its headers: see -X",
	    m->key.n + m->value.n, (long long)s->message_max);
}

/* Hand one message to librdkafka, which copies it; a full queue is waited for. */
static int produce(struct kafka *s, const struct target *t, int32_t partition,
    const struct ks_message *m, const struct ks_rec *rec, void *place, struct ks_err *err)
{
	rd_kafka_headers_t *headers = ks_message_headers(rec->headers);
	int64_t deadline = 0;
	rd_kafka_resp_err_t e;
	int status = 0;

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
		rd_kafka_poll(s->client.rk, FLUSH_MS);
		if (lost(s)) {
			s->sink.lost++;
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
		return too_large(s, m, err);
	return ks_kafka_fail(&s->client, (int)e, false, err, "cannot write to topic '%s'", t->name);
}

static int kafka_record(struct ks_sink *sink, const struct ks_rec *rec, struct ks_err *err)
{
	struct kafka *s = (struct kafka *)sink;
	struct ks_message m;
	struct target *t = NULL;
	struct stream *from;
	const char *wrong;
	int status;

	if (++s->since_poll >= POLL_EVERY && lost(s)) {
		s->sink.lost++;
		return 0;
	}
	status = choose_target(s, rec, &t, err);
	if (status != 0)
		return status;
	wrong = ks_message_write(&s->writer, rec, &m);
	if (wrong != NULL)
		return ks_fail(err, KS_DATA, "%s", wrong);
	from = stream_of(s, rec->topic);
	return produce(s, t, choose_partition(s, t, from, rec, m.hashed), &m, rec,
	    pack_place(s, from, rec), err);
}

static int kafka_frame(struct ks_sink *sink, struct ks_bytes raw, struct ks_err *err)
{
	(void)raw;
	return look((struct kafka *)sink, err);
}

/* Until all is acknowledged: librdkafka gives up by itself after --timeout, and reports it. */
static int kafka_barrier(struct ks_sink *sink, const struct ks_barrier *b, struct ks_err *err)
{
	struct kafka *s = (struct kafka *)sink;
	int64_t deadline = ks_clock_ms() + s->options->timeout_ms + GRACE_MS;
	rd_kafka_resp_err_t e;
	int status;

	(void)b;
	for (;;) {
		e = rd_kafka_flush(s->client.rk, FLUSH_MS);
		status = look(s, err);
		if (status != 0 || e == RD_KAFKA_RESP_ERR_NO_ERROR)
			return status;
		if (ks_clock_ms() >= deadline)
			return ks_fail(err, KS_TEMP, "%s has not acknowledged %d records", s->client.brokers,
			    rd_kafka_outq_len(s->client.rk));
	}
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

	if (s->client.rk == NULL || rd_kafka_outq_len(s->client.rk) == 0)
		return;
	rd_kafka_purge(s->client.rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
	rd_kafka_flush(s->client.rk, GRACE_MS);
}

static void kafka_close(struct ks_sink *sink)
{
	struct kafka *s = (struct kafka *)sink;
	size_t i;

	for (i = 0; i < s->target_count; i++) {
		ks_kafka_topic_drop(s->targets[i].handle);
		free(s->targets[i].name);
	}
	if (s->client.rk != NULL && rd_kafka_outq_len(s->client.rk) > 0)
		rd_kafka_purge(s->client.rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
	ks_kafka_close(&s->client);
	ks_message_writer_close(&s->writer);
	forget_streams(s);
	free(s->targets);
	free(s);
}

int ks_sink_kafka(const struct ks_kafka_options *options, const struct ks_config *config,
    const char *topic, struct ks_sink **sink, struct ks_err *err)
{
	struct kafka *s = calloc(1, sizeof(*s));
	int status;

	if (s == NULL)
		return no_memory(err);
	s->sink = (struct ks_sink){
		.hello = kafka_hello, .record = kafka_record, .frame = kafka_frame,
		.barrier = kafka_barrier, .end = kafka_end, .flush = kafka_flush, .settle = kafka_settle,
		.pending = kafka_pending, .give_up = kafka_give_up, .close = kafka_close, .commits = true, .name = "Kafka",
		.out = { .fd = -1 },
	};
	s->options = options;
	s->config = config;
	s->has_main = topic != NULL;
	ks_message_writer_open(&s->writer, config);
	*sink = &s->sink;
	status = open_client(s, err);
	if (status == 0 && topic != NULL)
		status = add_target(s, ks_str(topic), true, err);
	return status;
}
