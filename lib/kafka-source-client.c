/* SPDX-License-Identifier: MIT */
/* kafka-source-client.c - the client that the source reads with, and what it is to read. */
#include "kafka-source-impl.h"

#include <errno.h>
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "num.h"

#define SESSION_MS "10000"	/* partitions of a member that is gone stand still for so long; librdkafka's threads answer for a busy one */
#define REFRESH_MS "10000"	/* how often new topics and partitions are looked for */

void ks_kafka_client_close(struct ks_kafka_source *s)
{
	if (s->queue != NULL)
		rd_kafka_queue_destroy(s->queue);
	s->queue = NULL;
	ks_kafka_close(&s->client);
	if (s->ready >= 0)
		close(s->ready);
	s->ready = -1;
}

static int make_conf(const struct ks_kafka_source *s, size_t queue_kb, struct rd_kafka_conf_s **conf, struct ks_err *err)
{
	const struct ks_kafka_options *o = s->options;
	const char *group = o->book != NULL ? o->book : o->group != NULL ? o->group : "kstream-cat";	/* assigning needs one, too */
	bool eof = o->bounded || o->watch != NULL || s->ordered || s->config->idle_ms > 0;
	char kb[24], messages[16], part[24];
	const struct ks_kafka_property ours[] = {
		{ "client.id", "kstream-cat" },
		KS_KAFKA_CONNECT,
		{ "group.id", group },
		{ "enable.auto.commit", "false" },
		{ "enable.auto.offset.store", "false" },
		{ "auto.offset.reset", "error" },	/* a start that has been deleted is not passed over */
		{ "allow.auto.create.topics", "false" },
		{ "isolation.level", "read_committed" },
		{ "check.crcs", "true" },	/* costs nothing that could be measured */
		{ "enable.partition.eof", eof ? "true" : "false" },
		/* The end shows in an empty fetch; and those of topics by time that lie still hold up the others'. */
		{ "fetch.wait.max.ms", o->bounded ? "10" : s->ordered ? "20" : "500" },
		{ "queued.min.messages", messages },
		{ "queued.max.messages.kbytes", kb },
		/* Of one answer, which a message pins: 15 MB resident on 4 and on 64 partitions, 90 to 160 with librdkafka's 50 MiB. */
		{ "fetch.max.bytes", "1048576" },
		{ "fetch.message.max.bytes", part },
		{ "topic.metadata.refresh.interval.ms", REFRESH_MS },
		{ "fetch.queue.backoff.ms", "2" },	/* librdkafka 2.2 and later: a queue is read in 5 */
		{ "socket.nagle.disable", "true" },
		{ o->book != NULL && o->group != NULL ? "group.instance.id" : NULL, s->config->owner },
		{ "session.timeout.ms", SESSION_MS },
		{ "partition.assignment.strategy", "range" },
		{ NULL, NULL },
	};

	snprintf(kb, sizeof(kb), "%zu", queue_kb);
	/* Not less than a batch of ours: of one that is larger only the first of an answer comes. */
	snprintf(part, sizeof(part), "%zu", queue_kb < 256 ? (size_t)262144 : queue_kb < 1024 ? queue_kb * 1024 : (size_t)1048576);
	snprintf(messages, sizeof(messages), "%d", s->ordered ? KS_KAFKA_ORDER_MESSAGES : KS_KAFKA_FLOW_MESSAGES);
	return ks_kafka_conf(o, ours, conf, err);
}

/* librdkafka has checked what its properties may be. */
static int64_t conf_number(const struct rd_kafka_conf_s *conf, const char *name)
{
	char text[24];
	int64_t x;

	ks_kafka_conf_text(conf, name, text, sizeof(text));
	if (ks_num_parse_i64(ks_str(text), &x) != 0)
		ks_bug("a property that is a number is none");
	return x;
}

/* What the user may have set, and hangs on it. */
static void note_conf(struct ks_kafka_source *s, const struct rd_kafka_conf_s *conf)
{
	const struct ks_kafka_options *o = s->options;
	int64_t refresh = conf_number(conf, "topic.metadata.refresh.interval.ms");
	char text[24];

	ks_kafka_conf_text(conf, "fetch.queue.backoff.ms", text, sizeof(text));
	s->backs_off = text[0] != '\0';
	ks_kafka_flow_begin(&s->flow, conf);
	s->fetch_wait_ms = conf_number(conf, "fetch.wait.max.ms");
	if (refresh > 0 && !o->bounded && o->partition_count == 0 && o->book == NULL)
		s->refresh_ms = refresh;
	if (o->group != NULL)
		s->give_ms = conf_number(conf, "max.poll.interval.ms") / 2;
}

int ks_kafka_client_open(struct ks_kafka_source *s, size_t queue_kb, struct ks_err *err)
{
	struct rd_kafka_conf_s *conf;
	uint64_t one = 1;
	int status = make_conf(s, queue_kb, &conf, err);

	if (status != 0)
		return status;
	note_conf(s, conf);
	if (s->options->group != NULL)
		status = ks_group_conf(conf, s->options->book != NULL && s->config->topic_count > 1, err);
	if (status != 0) {
		ks_kafka_conf_drop(conf);
		return status;
	}
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

/*
 * In order each partition has a queue of its own; how long one may be depends
 * on how many there are, which is only known when a client has asked.
 */
int ks_kafka_client_parts(struct ks_kafka_source *s, struct ks_err *err)
{
	size_t kb = s->ordered ? ks_kafka_order_kb(KS_KAFKA_ORDER_PARTS) : KS_KAFKA_FLOW_KB;
	int status = ks_kafka_client_open(s, kb, err);

	if (status == 0)
		status = ks_kafka_parts_choose(&s->parts, &s->client, s->options, s->config, NULL, true, err);
	if (status == 0 && s->ordered && s->parts.count > KS_KAFKA_ORDER_PARTS) {
		kb = ks_kafka_order_kb(s->parts.count);
		ks_kafka_parts_close(&s->parts);
		ks_kafka_client_close(s);
		status = ks_kafka_client_open(s, kb, err);
		if (status == 0)
			status = ks_kafka_parts_choose(&s->parts, &s->client, s->options, s->config, NULL, true, err);
	}
	/* Before it is asked where they stand: what other owners have left open is resolved by it. */
	if (status == 0 && ks_kafka_claims(s))
		status = ks_claim_gather(&s->claim, &s->parts, err);
	return status == 0 ? ks_kafka_parts_settle(&s->parts, &s->client, NULL, err) : status;
}
