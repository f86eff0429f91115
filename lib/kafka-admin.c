/* SPDX-License-Identifier: MIT */
/* kafka-admin.c - what a sink asks about a topic before it writes, and the making of one. */
#include "kafka-admin.h"

#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <time.h>

#include "fdio.h"
#include "num.h"
#include "signals.h"

#define LIMIT_MS 5000		/* for a limit that one can do without */
#define LED_MS 30000		/* for all to have one: a busy broker that has made another of 500 took more than 10 s */
#define LEADERS_MS 10		/* between two looks for leaders: a single broker has them after 10 to 40 ms */

/* The answer to what was asked through queue, which goes; NULL: none came. */
static rd_kafka_event_t *take_answer(rd_kafka_queue_t *queue, int wait_ms)
{
	rd_kafka_event_t *event = rd_kafka_queue_poll(queue, wait_ms);

	rd_kafka_queue_destroy(queue);
	return event;
}

/* A property of a topic, into room; "" where it is not told. */
static void find_value(const rd_kafka_ConfigResource_t *resource, const char *name, char *room, size_t size)
{
	const rd_kafka_ConfigEntry_t **entries;
	const char *value;
	size_t i, n;

	if (rd_kafka_ConfigResource_error(resource) != RD_KAFKA_RESP_ERR_NO_ERROR)
		return;
	entries = rd_kafka_ConfigResource_configs(resource, &n);
	for (i = 0; i < n; i++) {
		value = rd_kafka_ConfigEntry_value(entries[i]);
		if (value != NULL && strcmp(rd_kafka_ConfigEntry_name(entries[i]), name) == 0)
			snprintf(room, size, "%s", value);
	}
}

static void describe(struct ks_kafka *k, const char *topic, const char *name, char *room, size_t size)
{
	rd_kafka_ConfigResource_t *resource = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic);
	rd_kafka_queue_t *queue = rd_kafka_queue_new(k->rk);
	const rd_kafka_ConfigResource_t **answers;
	const rd_kafka_DescribeConfigs_result_t *result;
	rd_kafka_event_t *event;
	size_t n = 0;

	room[0] = '\0';
	rd_kafka_DescribeConfigs(k->rk, &resource, 1, NULL, queue);
	rd_kafka_ConfigResource_destroy(resource);
	event = take_answer(queue, LIMIT_MS);
	if (event == NULL)
		return;
	result = rd_kafka_event_DescribeConfigs_result(event);
	if (result != NULL && rd_kafka_event_error(event) == RD_KAFKA_RESP_ERR_NO_ERROR) {
		answers = rd_kafka_DescribeConfigs_result_resources(result, &n);
		if (n == 1)
			find_value(answers[0], name, room, size);
	}
	rd_kafka_event_destroy(event);
}

int64_t ks_kafka_topic_max(struct ks_kafka *k, const char *name)
{
	char room[24];
	int64_t max;

	describe(k, name, "max.message.bytes", room, sizeof(room));
	return ks_num_parse_i64(ks_str(room), &max) == 0 && max > 0 ? max : 0;
}

bool ks_kafka_topic_compacted(struct ks_kafka *k, const char *name)
{
	char room[64];

	describe(k, name, "cleanup.policy", room, sizeof(room));
	return strstr(room, "compact") != NULL;
}

bool ks_kafka_topic_keeps(struct ks_kafka *k, const char *name)
{
	char room[64];

	describe(k, name, "cleanup.policy", room, sizeof(room));
	return room[0] == '\0' || strcmp(room, KS_CLEANUP_LOG) == 0;
}

static int judge(struct ks_kafka *k, const char *name, rd_kafka_resp_err_t e, const char *why,
    bool *made, struct ks_err *err)
{
	*made = e == RD_KAFKA_RESP_ERR_NO_ERROR;
	switch (e) {
	case RD_KAFKA_RESP_ERR_NO_ERROR:
	case RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS:
		return 0;
	case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
	case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
		return ks_fail(err, KS_DENIED, "no right to make topic '%s': CREATE on the topic or the cluster", name);
	case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
	case RD_KAFKA_RESP_ERR_INVALID_PARTITIONS:
	case RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR:
	case RD_KAFKA_RESP_ERR_INVALID_REQUEST:
	case RD_KAFKA_RESP_ERR_POLICY_VIOLATION:
		return ks_fail(err, KS_CONFIG, "cannot make topic '%s': %s", name,
		    why != NULL ? why : rd_kafka_err2str(e));
	default:
		return ks_kafka_fail(k, (int)e, false, err, "cannot make topic '%s'", name);
	}
}

static int take_created(struct ks_kafka *k, const char *name, rd_kafka_event_t *event, bool *made,
    struct ks_err *err)
{
	const rd_kafka_CreateTopics_result_t *result;
	const rd_kafka_topic_result_t **topics;
	rd_kafka_resp_err_t e;
	size_t n = 0;

	if (event == NULL)
		return ks_kafka_fail(k, (int)RD_KAFKA_RESP_ERR__TIMED_OUT, false, err, "cannot make topic '%s'", name);
	e = rd_kafka_event_error(event);
	if (e != RD_KAFKA_RESP_ERR_NO_ERROR)
		return judge(k, name, e, rd_kafka_event_error_string(event), made, err);
	result = rd_kafka_event_CreateTopics_result(event);
	topics = result != NULL ? rd_kafka_CreateTopics_result_topics(result, &n) : NULL;
	if (n != 1)
		return ks_fail(err, KS_TEMP, "cannot make topic '%s': the answer is not about it", name);
	return judge(k, name, rd_kafka_topic_result_error(topics[0]), rd_kafka_topic_result_error_string(topics[0]),
	    made, err);
}

/* The controller knows a new topic first, and each broker learns of it. */
static int await_leaders(struct ks_kafka *k, const char *name, int64_t deadline, struct ks_err *err)
{
	const struct timespec pause = { .tv_nsec = LEADERS_MS * 1000000 };
	rd_kafka_topic_t *topic = rd_kafka_topic_new(k->rk, name, NULL);
	const struct rd_kafka_metadata *md;
	rd_kafka_resp_err_t e;
	int i, led, all;

	if (topic == NULL)
		return ks_kafka_fail(k, (int)rd_kafka_last_error(), false, err, "topic '%s'", name);
	do {
		led = all = 0;
		e = rd_kafka_metadata(k->rk, 0, topic, &md, LIMIT_MS);
		if (e == RD_KAFKA_RESP_ERR_NO_ERROR) {
			if (md->topic_cnt == 1 && md->topics[0].err == RD_KAFKA_RESP_ERR_NO_ERROR)
				all = md->topics[0].partition_cnt;
			for (i = 0; i < all; i++)
				led += md->topics[0].partitions[i].leader >= 0;
			rd_kafka_metadata_destroy(md);
		}
		if (all > 0 && led == all) {
			rd_kafka_topic_destroy(topic);
			return 0;
		}
		nanosleep(&pause, NULL);
	} while (ks_clock_ms() < deadline && ks_signals_end() == 0);
	rd_kafka_topic_destroy(topic);
	return ks_fail(err, KS_TEMP, "topic '%s' was made, but cannot be written yet", name);
}

int ks_kafka_topic_create(struct ks_kafka *k, const char *name, int32_t partitions, const char *cleanup, bool *made,
    struct ks_err *err)
{
	int64_t wait = k->timeout_ms < KS_KAFKA_START_MS ? k->timeout_ms : KS_KAFKA_START_MS;
	int64_t led = k->timeout_ms < LED_MS ? k->timeout_ms : LED_MS;
	rd_kafka_AdminOptions_t *options;
	rd_kafka_NewTopic_t *topic;
	rd_kafka_queue_t *queue;
	rd_kafka_event_t *event;
	char why[300];
	int status;

	*made = false;
	topic = rd_kafka_NewTopic_new(name, partitions, -1, why, sizeof(why));
	if (topic == NULL)
		return ks_fail(err, KS_CONFIG, "cannot make topic '%s': %s", name, why);
	if (cleanup != NULL && rd_kafka_NewTopic_set_config(topic, "cleanup.policy", cleanup) != RD_KAFKA_RESP_ERR_NO_ERROR)
		ks_bug("a property of a topic of ours is refused");
	options = rd_kafka_AdminOptions_new(k->rk, RD_KAFKA_ADMIN_OP_CREATETOPICS);
	if (rd_kafka_AdminOptions_set_request_timeout(options, (int)wait, why, sizeof(why)) != RD_KAFKA_RESP_ERR_NO_ERROR)
		ks_bug("a timeout of our own is refused");
	queue = rd_kafka_queue_new(k->rk);
	rd_kafka_CreateTopics(k->rk, &topic, 1, options, queue);
	rd_kafka_AdminOptions_destroy(options);
	rd_kafka_NewTopic_destroy(topic);
	event = take_answer(queue, (int)wait + LIMIT_MS);
	status = take_created(k, name, event, made, err);
	if (event != NULL)
		rd_kafka_event_destroy(event);
	return status == 0 ? await_leaders(k, name, ks_clock_ms() + led, err) : status;
}
