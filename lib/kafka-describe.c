/* SPDX-License-Identifier: MIT */
/* kafka-describe.c - whether the brokers stamp the records of a topic. */
#include "kafka-describe.h"

#include <librdkafka/rdkafka.h>
#include <stdlib.h>

#define WAIT_MS 500	/* for an answer that takes 1 ms from a broker that lives */

struct rd_kafka_queue_s *ks_kafka_describe(struct ks_kafka *client, const struct ks_kafka_parts *x)
{
	rd_kafka_ConfigResource_t **topics = calloc(x->topic_count + 1, sizeof(*topics));
	rd_kafka_queue_t *queue = NULL;
	size_t i;

	if (topics == NULL || x->topic_count == 0)
		goto out;
	for (i = 0; i < x->topic_count; i++)
		topics[i] = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, x->topics[i].name);
	queue = rd_kafka_queue_new(client->rk);
	rd_kafka_DescribeConfigs(client->rk, topics, x->topic_count, NULL, queue);
	rd_kafka_ConfigResource_destroy_array(topics, x->topic_count);
out:
	free(topics);
	return queue;
}

static bool is_append(const rd_kafka_ConfigResource_t *topic)
{
	const rd_kafka_ConfigEntry_t **entries;
	const char *value;
	size_t count, i;

	entries = rd_kafka_ConfigResource_configs(topic, &count);
	for (i = 0; i < count; i++) {
		value = rd_kafka_ConfigEntry_value(entries[i]);
		if (strcmp(rd_kafka_ConfigEntry_name(entries[i]), "message.timestamp.type") == 0)
			return value != NULL && strcmp(value, "LogAppendTime") == 0;
	}
	return false;
}

static void take(rd_kafka_event_t *event, struct ks_kafka_parts *x)
{
	const rd_kafka_DescribeConfigs_result_t *result = rd_kafka_event_DescribeConfigs_result(event);
	const rd_kafka_ConfigResource_t **topics;
	size_t count, i, j;

	if (result == NULL || rd_kafka_event_error(event) != RD_KAFKA_RESP_ERR_NO_ERROR)
		return;
	topics = rd_kafka_DescribeConfigs_result_resources(result, &count);
	for (i = 0; i < count; i++)
		for (j = 0; j < x->topic_count; j++)
			if (strcmp(rd_kafka_ConfigResource_name(topics[i]), x->topics[j].name) == 0)
				x->topics[j].append = is_append(topics[i]);
}

void ks_kafka_described(struct rd_kafka_queue_s *queue, struct ks_kafka_parts *x)
{
	rd_kafka_event_t *event;

	if (queue == NULL)
		return;
	event = rd_kafka_queue_poll(queue, WAIT_MS);
	if (event != NULL) {
		take(event, x);
		rd_kafka_event_destroy(event);
	}
	rd_kafka_queue_destroy(queue);
}
