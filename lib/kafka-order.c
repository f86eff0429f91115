/* SPDX-License-Identifier: MIT */
/* kafka-order.c - messages of several topics by event time. */
#include "kafka-order.h"

#include <librdkafka/rdkafka.h>
#include <stdlib.h>

#include "fdio.h"

#define ROOM ((size_t)100)	/* messages of a partition taken at once: 100 to 1,000 measured alike (broker 6) */
#define LEAST_KB 64		/* of a queue, however many there are: a few hundred messages */

bool ks_kafka_is_ordered(const struct ks_config *config)
{
	return config->order == KS_ORDER_GLOBAL || (config->topic_count > 1 && config->order != KS_ORDER_ARRIVAL && !config->time_wall);
}

size_t ks_kafka_order_kb(size_t partitions)
{
	size_t kb = KS_KAFKA_ORDER_KB / (partitions > KS_KAFKA_ORDER_PARTS ? partitions : KS_KAFKA_ORDER_PARTS);

	return kb < LEAST_KB ? LEAST_KB : kb;
}

/* --time needs the value, so the record is made to see it; it is made again when its turn comes. */
static int64_t time_by_value(struct ks_kafka_order *x, const rd_kafka_message_t *m)
{
	struct ks_bytes topic = ks_str(rd_kafka_topic_name(m->rkt));
	struct ks_rec rec;
	struct ks_err err;
	int made;

	x->frame.n = 0;
	if (ks_message_read(&x->reader, topic, m, &x->frame, &made, &err) != 0 || made == 0)
		return -1;
	if (ks_rec_parse(ks_bytes(x->frame.p + KS_FRAME_HEAD, x->frame.n - KS_FRAME_HEAD),
	    &x->config.limits, &rec) != NULL)
		ks_bug("a record of ours does not parse");
	return rec.time_ms;
}

/*
 * A record without a time, or that cannot be read, is before all others, as with
 * Kafka Streams.  One that --since or --until leaves out keeps none back.
 */
static int64_t time_of(void *arg, void *item)
{
	struct ks_kafka_order *x = arg;
	const rd_kafka_message_t *m = item;
	rd_kafka_timestamp_type_t type;
	int64_t ms;

	if (m->err != RD_KAFKA_RESP_ERR_NO_ERROR)
		return KS_ORDER_AT_ONCE;
	ms = x->config.time_expr != NULL ? time_by_value(x, m) : rd_kafka_message_timestamp(m, &type);
	return ks_config_in_range(&x->config, ms) ? ms : KS_ORDER_AT_ONCE;
}

static int open_reader(struct ks_kafka_order *x, const struct ks_config *config, struct ks_err *err)
{
	x->config = *config;
	/* What is wrong with a record is told when its turn has come. */
	x->config.on_error = KS_POLICY_SKIP;
	x->config.error_to = NULL;
	x->config.key_expr = NULL;
	if (x->config.on_bad_time == KS_POLICY_FAIL || x->config.on_bad_time == KS_POLICY_DLQ)
		x->config.on_bad_time = KS_POLICY_SKIP;
	ks_buf_init(&x->frame, 8 * config->limits.record + KS_CONTROL_MAX);
	return config->time_expr == NULL ? 0 : ks_message_reader_open(&x->reader, &x->config, err);
}

static int open_queue(struct ks_kafka_order *x, size_t i, struct ks_kafka *client, int event,
    struct ks_err *err)
{
	const struct ks_kafka_part *p = &x->parts->parts[i];
	uint64_t one = 1;

	x->queues[i] = rd_kafka_queue_get_partition(client->rk, p->topic->name, p->partition);
	if (x->queues[i] == NULL)
		return ks_fail(err, KS_BUG, "%s/%d has no queue", p->topic->name, (int)p->partition);
	rd_kafka_queue_forward(x->queues[i], NULL);
	rd_kafka_queue_io_event_enable(x->queues[i], event, &one, sizeof(one));
	if (p->done)
		x->order.queues[i].rest = KS_ORDER_OVER;
	return 0;
}

/* Ties of --order global are by topic and partition, in whatever order -p names these. */
static int by_number(const void *a, const void *b, void *order)
{
	const struct ks_order_queue *const *x = a, *const *y = b;
	const struct ks_kafka_order *o = order;
	const struct ks_kafka_part *p = &o->parts->parts[*x - o->order.queues], *q = &o->parts->parts[*y - o->order.queues];

	return p->topic != q->topic ? (p->topic > q->topic) - (p->topic < q->topic) : (p->partition > q->partition) - (p->partition < q->partition);
}

int ks_kafka_order_open(struct ks_kafka_order *x, struct ks_kafka *client, struct ks_kafka_parts *parts,
    const struct ks_config *config, int64_t max_idle_ms, int event, struct ks_err *err)
{
	int32_t *numbers = calloc(parts->count + 1, sizeof(*numbers));	/* all of one, for --order global */
	int status;
	size_t i;

	*x = (struct ks_kafka_order){ .parts = parts, .full = KS_KAFKA_ORDER_MESSAGES, .until = INT64_MAX };
	x->queues = calloc(parts->count + 1, sizeof(rd_kafka_queue_t *));
	x->peaks = calloc(parts->count + 1, sizeof(*x->peaks));
	for (i = 0; i < parts->count && numbers != NULL && config->order != KS_ORDER_GLOBAL; i++)
		numbers[i] = parts->parts[i].partition;
	status = numbers == NULL || x->queues == NULL || x->peaks == NULL ||
	    ks_order_open(&x->order, numbers, parts->count, ROOM) != 0 ? ks_fail_memory(err) : 0;
	free(numbers);
	if (status == 0 && config->order == KS_ORDER_GLOBAL)
		qsort_r(x->order.by, parts->count, sizeof(struct ks_order_queue *), by_number, x);
	x->order.time_of = time_of;
	x->order.arg = x;
	x->order.max_idle_ms = max_idle_ms;
	if (status == 0)
		status = open_reader(x, config, err);
	for (i = 0; i < parts->count && status == 0; i++)
		status = open_queue(x, i, client, event, err);
	return status;
}

void ks_kafka_order_close(struct ks_kafka_order *x)
{
	struct ks_order_queue *q;
	size_t i;

	for (q = x->order.queues; q < x->order.queues + x->order.count; q++)
		for (i = q->at; i < q->count; i++)
			rd_kafka_message_destroy(q->items[i]);
	for (i = 0; x->queues != NULL && x->parts != NULL && i < x->parts->count; i++)
		if (x->queues[i] != NULL)
			rd_kafka_queue_destroy(x->queues[i]);
	free(x->queues);
	free(x->peaks);
	ks_order_close(&x->order);
	ks_message_reader_close(&x->reader);
	ks_buf_release(&x->frame);
	*x = (struct ks_kafka_order){ .parts = NULL };
}

/* A queue that was full and has run low: the fetcher of librdkafka 2.0.2 may sleep for a second (broker 6). */
static void look(struct ks_kafka_order *x, size_t i)
{
	size_t n = rd_kafka_queue_length(x->queues[i]);

	if (n > x->peaks[i])
		x->peaks[i] = n;
	if (x->peaks[i] < x->full / 2 || n > x->full / 5)
		return;
	x->peaks[i] = 0;
	x->low = true;
}

/* What librdkafka has for a queue that has run empty. */
static void fill(struct ks_kafka_order *x, struct ks_order_queue *q)
{
	size_t i = (size_t)(q - x->order.queues), k;
	const rd_kafka_message_t *m;
	ssize_t n;

	n = rd_kafka_consume_batch_queue(x->queues[i], 0, (rd_kafka_message_t **)q->items,
	    ks_order_room(&x->order, q));
	look(x, i);
	if (n <= 0)
		return;
	for (k = 0; k < (size_t)n; k++) {
		m = q->items[k];
		x->bytes += m->len + m->key_len;
	}
	x->records += (uint64_t)n;
	ks_order_put(&x->order, q, (size_t)n);
}

/* What is known of a partition once m, which is its last for now, has gone. */
static enum ks_order_rest rest_after(const struct ks_kafka_part *p, const rd_kafka_message_t *m)
{
	if (m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
		return m->offset >= p->end ? KS_ORDER_OVER : p->end < INT64_MAX ? KS_ORDER_MORE : KS_ORDER_IDLE;
	return m->err == RD_KAFKA_RESP_ERR_NO_ERROR && m->offset >= p->end - 1 ? KS_ORDER_OVER : KS_ORDER_MORE;
}

/* Those of a group that are empty; what librdkafka still has of a partition that is over, nobody wants. */
static void fill_group(struct ks_kafka_order *x, size_t group)
{
	struct ks_order *o = &x->order;
	struct ks_order_queue *q;
	size_t i;

	for (i = o->groups[group]; i < o->groups[group + 1]; i++) {
		q = o->by[i];
		if (x->parts->parts[q - o->queues].done)
			q->rest = KS_ORDER_OVER;
		if (q->rest == KS_ORDER_OVER)
			while (ks_order_held(q) > 0)
				rd_kafka_message_destroy(ks_order_take(o, q));
		else if (ks_order_held(q) == 0)
			fill(x, q);
	}
}

/* One group as far as it goes, or to its share of the batch. */
static size_t merge(struct ks_kafka_order *x, size_t group, int64_t now, rd_kafka_message_t **batch,
    size_t n)
{
	struct ks_order_queue *q;
	size_t count = 0;

	fill_group(x, group);
	while (count < n) {
		q = ks_order_next(&x->order, group, now, &x->until);
		if (q == NULL)
			break;
		batch[count] = ks_order_take(&x->order, q);
		q->rest = rest_after(&x->parts->parts[q - x->order.queues], batch[count]);
		count++;
		if (ks_order_held(q) == 0)
			fill_group(x, group);
	}
	return count;
}

size_t ks_kafka_order_fetch(struct ks_kafka_order *x, struct rd_kafka_message_s **batch, size_t n)
{
	size_t count = 0, i, groups = x->order.group_count;
	int64_t now = ks_clock_ms();

	x->until = INT64_MAX;
	if (x->records > 0)
		x->full = (size_t)(ks_kafka_order_kb(x->parts->count) * 1024 * x->records / (x->bytes + 1));
	if (x->full > KS_KAFKA_ORDER_MESSAGES)
		x->full = KS_KAFKA_ORDER_MESSAGES;
	for (i = 0; i < groups && count < n; i++) {
		count += merge(x, x->turn, now, batch + count, n - count);
		x->turn = x->turn + 1 < groups ? x->turn + 1 : 0;
	}
	return count;
}

int ks_kafka_order_wait(const struct ks_kafka_order *x, int timeout_ms)
{
	int64_t left = x->until == INT64_MAX ? INT64_MAX : x->until - ks_clock_ms();

	return left >= timeout_ms ? timeout_ms : left < 0 ? 0 : (int)left;
}
