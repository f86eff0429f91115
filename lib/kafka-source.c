/* SPDX-License-Identifier: MIT */
/*
 * kafka-source.c - topics of Kafka as a stream of frames: HELLO, RECORDs,
 * a BARRIER each --commit-interval, END.
 *
 * Partitions are assigned by hand and never paused or moved, which is what
 * batch reading of librdkafka 2.0.2 needs to be complete (protocol 2.6).
 * Starts and ends are resolved before anything is read.
 */
#include "kafka-source.h"

#include <errno.h>
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "fdio.h"
#include "kafka-message.h"
#include "kafka-parts.h"
#include "source-own.h"

#define BATCH 500u		/* messages taken at once: 100 to 1,000 measured alike (broker 6) */
#define QUEUE_KB 16384		/* bytes librdkafka may hold; less and it starves (broker 6) */
#define QUEUE_MESSAGES 100000	/* its own default */
#define KICK_MS 4		/* broker 6 */
#define QUIET_MS 5000		/* nothing has come for so long: ask whether the broker is there */
#define PROBE_MS 1000		/* how long such a question may take */

struct kafka {
	struct ks_own own;
	const struct ks_kafka_options *options;
	const struct ks_config *config;
	struct ks_kafka client;
	rd_kafka_queue_t *queue;
	int ready;			/* eventfd that librdkafka makes readable when the queue fills */
	struct ks_kafka_parts parts;
	struct ks_message_reader reader;
	struct ks_buf positions;
	rd_kafka_message_t *batch[BATCH];
	size_t batch_at, batch_count;
	int64_t left;			/* of -c, -1: no limit */
	uint64_t records;
	size_t peak;			/* longest queue since the last kick */
	int64_t kicked, heard, probed;	/* ks_clock_ms */
	bool backs_off;			/* this librdkafka looks again by itself when its queue was full */
};

static int no_memory(struct ks_err *err)
{
	return ks_fail(err, KS_TEMP, "no memory");
}

static int open_client(struct kafka *s, struct ks_err *err)
{
	static const char group[] = "kstream-cat";
	char kb[16], messages[16];
	const struct ks_kafka_property ours[] = {
		{ "client.id", "kstream-cat" },
		{ "group.id", group },	/* assigning needs one; nothing is committed to it */
		{ "enable.auto.commit", "false" },
		{ "enable.auto.offset.store", "false" },
		{ "auto.offset.reset", "error" },	/* a start that has been deleted is not passed over */
		{ "allow.auto.create.topics", "false" },
		{ "isolation.level", "read_committed" },
		{ "check.crcs", "true" },	/* costs nothing that could be measured */
		{ "enable.partition.eof", s->options->bounded ? "true" : "false" },
		{ "fetch.wait.max.ms", s->options->bounded ? "10" : "500" },	/* the end shows in an empty fetch */
		{ "queued.min.messages", messages },
		{ "queued.max.messages.kbytes", kb },
		{ "fetch.max.bytes", "8388608" },	/* of one answer: 37 MB resident on 64 partitions, 90 to 160 with its 50 MiB */
		{ "fetch.queue.backoff.ms", "10" },	/* librdkafka 2.2 and later */
		{ "socket.nagle.disable", "true" },
		{ NULL, NULL },
	};
	struct rd_kafka_conf_s *conf;
	uint64_t one = 1;
	int status;

	snprintf(kb, sizeof(kb), "%d", QUEUE_KB);
	snprintf(messages, sizeof(messages), "%d", QUEUE_MESSAGES);
	status = ks_kafka_conf(s->options, ours, &conf, err);
	if (status != 0)
		return status;
	ks_kafka_conf_text(conf, "fetch.queue.backoff.ms", kb, sizeof(kb));
	s->backs_off = kb[0] != '\0';
	status = ks_kafka_open(&s->client, s->options, false, conf, err);
	if (status != 0)
		return status;
	s->own.source.name = s->client.brokers;
	s->queue = rd_kafka_queue_get_consumer(s->client.rk);
	s->ready = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (s->ready < 0)
		return ks_fail_errno(err, KS_TEMP, errno, "cannot make an eventfd");
	rd_kafka_queue_io_event_enable(s->queue, s->ready, &one, sizeof(one));
	return 0;
}

static int assign(struct kafka *s, struct ks_err *err)
{
	rd_kafka_topic_partition_list_t *list = ks_kafka_parts_list(&s->parts);
	rd_kafka_resp_err_t e = RD_KAFKA_RESP_ERR_NO_ERROR;

	if (list->cnt > 0)
		e = rd_kafka_assign(s->client.rk, list);
	rd_kafka_topic_partition_list_destroy(list);
	if (e == RD_KAFKA_RESP_ERR_NO_ERROR)
		return 0;
	return ks_kafka_fail(&s->client, (int)e, true, err, "cannot read from %s", s->client.brokers);
}

static int begin(struct ks_own *own, struct ks_err *err)
{
	struct kafka *s = (struct kafka *)own;
	static const char *const codecs[] = { "string", "json", "raw" };
	const struct ks_kafka_parts *x = &s->parts;
	struct ks_hello_stream *streams = calloc(x->topic_count, sizeof(*streams));
	struct ks_hello_position *positions = calloc(x->count, sizeof(*positions));
	const struct ks_config *config = s->config;
	struct ks_hello h = {
		.live = !s->options->bounded, .streams = streams, .stream_count = x->topic_count,
		.positions = positions, .position_count = x->count, .hint = "kstream-record(5)",
		.side = config->on_error == KS_POLICY_DLQ ? config->error_to : NULL,
	};
	size_t i;
	int status;

	if (streams == NULL || positions == NULL) {
		free(streams);
		free(positions);
		return no_memory(err);
	}
	for (i = 0; i < x->topic_count; i++)
		streams[i] = (struct ks_hello_stream){
			.name = x->topics[i].name, .partitions = x->topics[i].partitions,
			.key = codecs[config->key_from], .time_type = KS_TIME_CREATE,
		};
	for (i = 0; i < x->count; i++)
		positions[i] = (struct ks_hello_position){
			.input = x->parts[i].topic->name, .partition = x->parts[i].partition,
			.offset = x->parts[i].next,
		};
	status = ks_section_begin(&s->own.section, &h, &s->own.frames, err);
	free(streams);
	free(positions);
	return status;
}

static int barrier(struct kafka *s, struct ks_err *err)
{
	if (ks_kafka_parts_positions(&s->parts, &s->positions) != 0)
		return no_memory(err);
	return ks_section_barrier(&s->own.section, KS_GO_ON, ks_buf_bytes(&s->positions), &s->own.frames, err);
}

static int end_section(struct kafka *s, enum ks_kind kind, struct ks_err *err)
{
	if (ks_kafka_parts_positions(&s->parts, &s->positions) != 0)
		return no_memory(err);
	return ks_section_end(&s->own.section, kind, ks_buf_bytes(&s->positions), &s->own.frames, err);
}

/* What librdkafka tells in the place of a message. */
static int take_event(struct kafka *s, const rd_kafka_message_t *m, struct ks_err *err)
{
	struct ks_kafka_part *p = ks_kafka_parts_find(&s->parts, m);

	switch (m->err) {
	case RD_KAFKA_RESP_ERR__PARTITION_EOF:
		/* Steps over markers and aborted records, as offsets of records never do. */
		if (p != NULL && m->offset >= p->end) {
			if (p->next < p->end && !p->done)
				p->next = p->end;
			ks_kafka_parts_finish(&s->parts, p);
		}
		return 0;
	case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
		return 0;	/* nothing is committed, so no right on a group is needed (real-parts 1) */
	case RD_KAFKA_RESP_ERR__TRANSPORT:
	case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
	case RD_KAFKA_RESP_ERR__RESOLVE:
	case RD_KAFKA_RESP_ERR__TIMED_OUT:
		return 0;	/* librdkafka goes on trying; check_away says when that is enough */
	case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
		if (p != NULL)
			return ks_fail(err, KS_TEMP,
			    "%s/%d: the records from %lld on were deleted before they were read",
			    p->topic->name, (int)p->partition, (long long)p->next);
		break;
	default:
		break;
	}
	if (m->err == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED && m->rkt != NULL)
		return ks_fail(err, KS_DENIED, "no right to read topic '%s'", rd_kafka_topic_name(m->rkt));
	return ks_kafka_fail(&s->client, (int)m->err, false, err, "cannot read from %s",
	    m->rkt != NULL ? rd_kafka_topic_name(m->rkt) : s->client.brokers);
}

static int take_message(struct kafka *s, const rd_kafka_message_t *m, struct ks_err *err)
{
	struct ks_kafka_part *p;
	int made, status;

	if (KS_UNLIKELY(m->err != RD_KAFKA_RESP_ERR_NO_ERROR))
		return take_event(s, m, err);
	p = ks_kafka_parts_find(&s->parts, m);
	if (p == NULL || p->done)
		return 0;
	if (m->offset >= p->end) {
		p->next = p->end;
		ks_kafka_parts_finish(&s->parts, p);
		return 0;
	}
	if (KS_LIKELY(m->offset >= p->skip)) {
		s->reader.flags = s->config->key_expr != NULL && p->topic->partitions > 1 ? KS_KEY_CHANGED : 0;
		status = ks_message_read(&s->reader, ks_str(p->topic->name), m, &s->own.frames, &made, err);
		if (status != 0)
			return status;
		s->own.section.hop += made;
		if (s->left > 0 && made > 0)
			s->left--;
		s->own.source.stats.bytes += m->len + m->key_len;
		s->records++;
	}
	p->next = m->offset + 1;
	if (p->next >= p->end)
		ks_kafka_parts_finish(&s->parts, p);
	return 0;
}

/* Messages that were fetched, until there is enough to hand out. */
static int take_batch(struct kafka *s, struct ks_err *err)
{
	rd_kafka_message_t *m;
	int status = 0;

	while (s->batch_at < s->batch_count && status == 0) {
		if (s->own.frames.n >= KS_IO_SIZE || s->left == 0 || s->parts.left == 0)
			return 0;
		m = s->batch[s->batch_at++];
		status = take_message(s, m, err);
		rd_kafka_message_destroy(m);
	}
	return status;
}

static void drop_batch(struct kafka *s)
{
	while (s->batch_at < s->batch_count)
		rd_kafka_message_destroy(s->batch[s->batch_at++]);
}

/* A small request to each leader; the answer does not matter here. */
static int ask_leaders(struct kafka *s)
{
	rd_kafka_topic_partition_list_t *list = ks_kafka_parts_list(&s->parts);
	int e = RD_KAFKA_RESP_ERR_NO_ERROR;

	if (list->cnt > 0)
		e = ks_kafka_ask_ends(&s->client, list, true, PROBE_MS);
	rd_kafka_topic_partition_list_destroy(list);
	return e;
}

/*
 * A full queue puts the fetcher of librdkafka 2.0.2 to sleep for a second.
 * A request to each leader wakes it, once there is room again (broker 6).
 */
static void kick(struct kafka *s)
{
	size_t n = rd_kafka_queue_length(s->queue), full = QUEUE_MESSAGES, held;
	int64_t now;

	if (s->records > 0) {
		held = (size_t)((uint64_t)QUEUE_KB * 1024 * s->records / (s->own.source.stats.bytes + 1));
		full = held < full ? held : full;
	}
	if (n > s->peak)
		s->peak = n;
	if (s->peak < full / 2 || n > full / 5)
		return;
	now = ks_clock_ms();
	if (now - s->kicked < KICK_MS)
		return;
	s->kicked = now;
	s->peak = 0;
	(void)ask_leaders(s);
}

static bool fetch(struct kafka *s)
{
	ssize_t n;

	if (!s->backs_off)
		kick(s);
	n = rd_kafka_consume_batch_queue(s->queue, 0, s->batch, BATCH);
	s->batch_at = 0;
	s->batch_count = n > 0 ? (size_t)n : 0;
	return n > 0;
}

/* A partition that is not known: whose topic is gone? */
static int look_for_topics(struct kafka *s, int e, struct ks_err *err)
{
	const struct ks_kafka_read *t;
	rd_kafka_topic_t *handle;
	int32_t partitions;
	int status = 0;

	if (ks_kafka_status(e, false) != KS_CONFIG)
		return 0;
	for (t = s->parts.topics; t < s->parts.topics + s->parts.topic_count && status == 0; t++) {
		status = ks_kafka_topic(&s->client, t->name, false, &handle, &partitions, err);
		if (status == 0)
			ks_kafka_topic_drop(handle);
	}
	return status == KS_CONFIG || status == KS_DENIED ? status : 0;
}

/*
 * Nothing has come for a while: perhaps there is nothing, perhaps the
 * broker is gone, is stopped, or has lost the topic.  Only a question that
 * stays unanswered tells.
 */
static int check_away(struct kafka *s, struct ks_err *err)
{
	int status = ks_kafka_check(&s->client, err), e;
	int64_t now = ks_clock_ms();

	if (status != 0)
		return status;
	if ((s->client.down_since == 0 && now - s->heard < QUIET_MS) || now - s->probed < PROBE_MS)
		return 0;
	e = ask_leaders(s);
	s->probed = ks_clock_ms();
	if (e == RD_KAFKA_RESP_ERR_NO_ERROR) {
		s->heard = s->probed;
		s->client.down_since = 0;
		return 0;
	}
	status = look_for_topics(s, e, err);
	if (status != 0)
		return status;
	if (s->probed - s->heard < s->client.timeout_ms)
		return 0;
	return ks_kafka_fail(&s->client, e, false, err, "%s has been away for %lld s", s->client.brokers,
	    (long long)(s->client.timeout_ms / 1000));
}

/* The queue is empty: wait until it is not, or until a signal, a PING or a barrier is due. */
static int idle(struct kafka *s, bool *wait, struct ks_err *err)
{
	uint64_t count;
	bool ready;
	int timeout, no, status = check_away(s, err);

	if (status == 0)
		status = ks_section_idle(&s->own.section, &s->own.frames, &timeout, err);
	if (status != 0 || s->own.frames.n > 0)
		return status;
	no = ks_wait(s->ready, s->own.source.wake, timeout, &ready);
	if (no != 0)
		return ks_fail_errno(err, KS_BUG, no, "cannot wait for Kafka");
	if (ready && read(s->ready, &count, sizeof(count)) < 0 && errno != EAGAIN)
		return ks_fail_errno(err, KS_BUG, errno, "cannot read an eventfd");
	*wait = !ready;
	return 0;
}

/* As far as it goes without waiting, or until there is enough to hand out. */
static int gather(struct ks_own *own, bool block, struct ks_err *err)
{
	struct kafka *s = (struct kafka *)own;
	bool wait = false;
	int status;

	while (!wait) {
		if (s->own.stop >= 0)
			return end_section(s, (enum ks_kind)s->own.stop, err);
		status = take_batch(s, err);
		if (status != 0)
			return status;
		if (s->left == 0 || s->parts.left == 0)
			return end_section(s, ks_section_kind(s->config), err);
		if (ks_section_due(&s->own.section, ks_clock_ms()))
			return barrier(s, err);
		if (s->own.frames.n >= KS_IO_SIZE)
			return 0;
		if (fetch(s)) {
			s->heard = ks_clock_ms();
			continue;
		}
		if (s->own.frames.n > 0 || !block)
			return 0;
		status = idle(s, &wait, err);
		if (status != 0 || s->own.frames.n > 0)
			return status;
	}
	return 0;
}

static void kafka_close(struct ks_source *source)
{
	struct kafka *s = (struct kafka *)source;

	drop_batch(s);
	if (s->queue != NULL)
		rd_kafka_queue_destroy(s->queue);
	ks_kafka_parts_close(&s->parts);
	ks_kafka_close(&s->client);
	if (s->ready >= 0)
		close(s->ready);
	ks_message_reader_close(&s->reader);
	ks_own_release(&s->own);
	ks_buf_release(&s->positions);
	free(s);
}

int ks_source_kafka(const struct ks_kafka_options *options, const struct ks_config *config, int wake,
    struct ks_source **source, struct ks_err *err)
{
	struct kafka *s = calloc(1, sizeof(*s));
	int status;

	if (s == NULL)
		return no_memory(err);
	ks_own_init(&s->own, config, wake, "Kafka");
	s->own.source.close = kafka_close;
	s->own.begin = begin;
	s->own.gather = gather;
	s->own.ingest = &s->reader.ingest;
	s->own.source.ingest = s->own.ingest;
	s->options = options;
	s->config = config;
	s->left = config->count;
	s->ready = -1;
	ks_buf_init(&s->positions, KS_CONTROL_MAX);
	*source = &s->own.source;
	status = ks_section_open(&s->own.section, config, err);
	if (status == 0)
		status = ks_message_reader_open(&s->reader, config, err);
	if (status == 0)
		status = open_client(s, err);
	if (status == 0)
		status = ks_kafka_parts_open(&s->parts, &s->client, options, config, err);
	if (status == 0)
		status = assign(s, err);
	s->heard = ks_clock_ms();
	return status;
}
