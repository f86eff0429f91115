/* SPDX-License-Identifier: MIT */
/* kafka-sink-txn.c - the sink's side of exactly-once. */
#include "kafka-sink-txn.h"

#include <librdkafka/rdkafka.h>

#include "drill.h"
#include "hello-parts.h"
#include "kafka-txn.h"

/* A position of HELLO. */
static int add_position(void *list, const struct ks_position *x)
{
	char topic[KS_NAME_MAX + 1];

	if (x->input.n > KS_NAME_MAX)
		return KS_DATA;
	memcpy(topic, x->input.p, x->input.n);
	topic[x->input.n] = '\0';
	rd_kafka_topic_partition_list_add(list, topic, x->partition)->offset = x->offset;
	return 0;
}

/* What the app stands at must be what HELLO begins at: offsets, epoch and run. */
static int validate(struct ks_sink_txn *t, const struct ks_hello_view *h, const rd_kafka_topic_partition_list_t *want,
    struct ks_err *err)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_copy(want);
	const struct ks_stand own = { .instance = h->instance, .instances = h->instances };
	struct ks_kafka reader;
	int status, i;

	status = ks_book_open(&reader, t->options, t->config->app, true, err);
	if (status == 0)
		status = ks_book_read(&reader, t->config->app, list, &own, &t->stand, err);
	ks_kafka_close(&reader);
	if (!ks_keeps("validate")) {
		rd_kafka_topic_partition_list_destroy(list);
		t->stand = (struct ks_stand){ h->epoch, h->run, h->instance, h->instances };
		return 0;
	}
	if (status == 0 && (t->stand.run != h->run || t->stand.epoch != h->epoch))
		status = ks_fail(err, KS_TEMP, "app '%s' stands at run %lld, epoch %lld, but the stream begins at run %lld, epoch %lld",
		    t->config->app, (long long)t->stand.run, (long long)t->stand.epoch, (long long)h->run, (long long)h->epoch);
	for (i = 0; i < list->cnt && status == 0; i++)
		if (list->elems[i].offset != want->elems[i].offset)
			status = ks_fail(err, KS_TEMP, "%s/%d: app '%s' stands at %lld, but the stream begins at %lld", want->elems[i].topic,
			    (int)want->elems[i].partition, t->config->app, (long long)list->elems[i].offset,
			    (long long)want->elems[i].offset);
	rd_kafka_topic_partition_list_destroy(list);
	return status;
}

static int check(const struct ks_sink_txn *t, const struct ks_hello_view *h, struct ks_err *err)
{
	if (h->guarantee != KS_EXACTLY_ONCE)
		return ks_fail(err, KS_CONFIG, "the source of app '%s' does not keep its positions in Kafka, and so topics cannot be written "
		    "exactly once: leave out --app", t->config->app);
	if (h->instance != t->config->instance || h->instances != t->config->instances)
		return ks_fail(err, KS_CONFIG, "the stream is of --instance %u/%u, and this is %u/%u: give both the same", h->instance,
		    h->instances, t->config->instance, t->config->instances);
	if (t->began)
		return ks_fail(err, KS_TEMP, "another section of app '%s' in the same run", t->config->app);
	return 0;
}

int ks_sink_txn_hello(struct ks_sink_txn *t, const struct ks_hello_view *h, struct ks_bytes payload, struct ks_err *err)
{
	rd_kafka_topic_partition_list_t *want;
	int status = check(t, h, err);

	if (status != 0)
		return status;
	want = rd_kafka_topic_partition_list_new(16);
	if (ks_hello_positions(payload, add_position, want) != 0 || want->cnt == 0)
		status = ks_fail(err, KS_DATA, "HELLO: its positions are not of topics");
	if (status == 0)
		status = ks_txn_init(t->client, err);
	ks_point("sink-fenced");
	if (status == 0)
		status = validate(t, h, want, err);
	ks_point("sink-validated");
	rd_kafka_topic_partition_list_destroy(want);
	t->began = status == 0;
	return status;
}

int ks_sink_txn_record(struct ks_sink_txn *t, struct ks_err *err)
{
	int status = t->open ? 0 : ks_txn_begin(t->client, err);

	ks_point("transaction-begun");
	t->open |= status == 0;
	return status;
}

int ks_sink_txn_barrier(struct ks_sink_txn *t, const struct ks_barrier *b, struct ks_err *err)
{
	const unsigned char *p, *end = b->positions.p + b->positions.n;
	rd_kafka_topic_partition_list_t *list;
	struct ks_position x;
	struct ks_head head;
	int status = 0;
	uint32_t i;

	if (b->n != t->stand.epoch + 1)
		return ks_fail(err, KS_TEMP, "barrier %lld follows epoch %lld", (long long)b->n, (long long)t->stand.epoch);
	if (ks_mp_head(b->positions.p, end, &head) != KS_MP_OK || head.type != KS_ARRAY || head.count == 0)
		return ks_fail(err, KS_DATA, "a barrier without positions");
	list = rd_kafka_topic_partition_list_new((int)head.count);
	for (i = 0, p = head.body; i < head.count && status == 0; i++)
		if (!ks_position_next(&p, end, &x) || add_position(list, &x) != 0)
			status = ks_fail(err, KS_DATA, "a position of a barrier is of no topic");
	if (status == 0) {
		t->stand.epoch = b->n;
		status = ks_book_mark(list, &t->stand, err);
	}
	ks_point("sink-barrier");
	if (status == 0)
		status = ks_sink_txn_record(t, err);
	if (status == 0)
		status = ks_txn_commit(t->client, t->config->app, list, err);
	t->open = false;
	rd_kafka_topic_partition_list_destroy(list);
	return status;
}
