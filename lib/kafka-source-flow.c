/* SPDX-License-Identifier: MIT */
/*
 * kafka-source-flow.c - how much librdkafka holds of what it has fetched.
 *
 * It stops to fetch while its queue has queued.max.messages.kbytes or
 * queued.min.messages, and looks at the queue when an answer has come.  So
 * about that much is held, and an answer more.  Two things stand against it
 * in 2.0.2: who takes messages from within it takes the queue out of its
 * sight, and a fetcher that has stopped sleeps for a second.
 */
#include <librdkafka/rdkafka.h>
#include <stdlib.h>

#include "kafka-source-impl.h"

#define KICK_MS 1	/* to wait for the answer, at most: it may stand behind a fetch that the broker holds */
#define APART_MS 4	/* two kicks of several topics by time (broker 6) */

static uint64_t number(const struct rd_kafka_conf_s *conf, const char *name)
{
	char text[24];

	ks_kafka_conf_text(conf, name, text, sizeof(text));
	return strtoull(text, NULL, 10);	/* librdkafka has checked it */
}

void ks_kafka_flow_begin(struct ks_kafka_flow *f, const struct rd_kafka_conf_s *conf)
{
	*f = (struct ks_kafka_flow){
		.full_bytes = number(conf, "queued.max.messages.kbytes") * 1024,
		.full_messages = number(conf, "queued.min.messages"),
	};
}

/* Messages that fill the queue, by the size of the last ones. */
static uint64_t full_of(const struct ks_kafka_flow *f)
{
	double held = (double)f->full_bytes * (double)f->messages / ((double)f->bytes + 1);

	return f->messages == 0 || held >= (double)f->full_messages ? f->full_messages : held < 1 ? 1 : (uint64_t)held;
}

/*
 * The fetcher may sleep: half of what makes it do so has been taken since it
 * was woken, and no more than the other half is there.  A request to each
 * leader wakes it (broker 6), whatever the answer.
 */
static void kick(struct ks_kafka_source *s, uint64_t n, uint64_t full)
{
	struct ks_kafka_flow *f = &s->flow;

	if (n > full / 2 || f->messages == 0 || (f->bytes < f->full_bytes / 2 && f->messages < f->full_messages / 2))
		return;
	f->bytes = f->messages = 0;
	if (!s->backs_off)
		(void)ks_kafka_ask_leaders(s, KICK_MS);
}

bool ks_kafka_flow_look(struct ks_kafka_source *s)
{
	uint64_t n = rd_kafka_queue_length(s->queue), full = full_of(&s->flow);

	kick(s, n, full);
	return n <= full;
}

void ks_kafka_flow_wake(struct ks_kafka_source *s, bool dry)
{
	if (!s->order.low || s->backs_off || (!dry && ks_clock_ms() - s->kicked < APART_MS))
		return;
	s->order.low = false;
	s->kicked = ks_clock_ms();
	(void)ks_kafka_ask_leaders(s, KICK_MS);
}

/*
 * librdkafka would ask for more of p, and the broker hold such a fetch for
 * fetch.wait.max.ms where it is alone, while the queues of the others run
 * empty.  What pausing loses on its way is not wanted either.
 */
void ks_kafka_flow_leave(struct ks_kafka_source *s, const struct ks_kafka_part *p)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);

	rd_kafka_topic_partition_list_add(list, p->topic->name, p->partition);
	(void)rd_kafka_pause_partitions(s->client.rk, list);
	rd_kafka_topic_partition_list_destroy(list);
}
