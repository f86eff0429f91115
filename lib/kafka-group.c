/* SPDX-License-Identifier: MIT */
/* kafka-group.c - membership of a consumer group. */
#include "kafka-group.h"

#include <librdkafka/rdkafka.h>
#include <stdio.h>

#include "fdio.h"
#include "kafka-member.h"

#define LEAVE_MS 2000	/* for the coordinator to hear of it; it finds out by itself after session.timeout.ms */
#define SLICE_MS 100

static void on_rebalance(rd_kafka_t *rk, rd_kafka_resp_err_t e, rd_kafka_topic_partition_list_t *list, void *opaque)
{
	struct ks_kafka_group *g = ((struct ks_kafka *)opaque)->group;

	if (g == NULL || g->leaving) {
		rd_kafka_assign(rk, NULL);
		return;
	}
	if (g->given != NULL)
		rd_kafka_topic_partition_list_destroy(g->given);
	g->given = NULL;
	if (e == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
		g->given = rd_kafka_topic_partition_list_copy(list);
		rd_kafka_topic_partition_list_sort(g->given, NULL, NULL);
		g->news = KS_GROUP_GIVEN;
		(void)ks_member_note(rk, &g->member);
	} else {
		g->lost = rd_kafka_assignment_lost(rk) != 0;
		g->news = KS_GROUP_TAKEN;
	}
}

int ks_group_conf(struct rd_kafka_conf_s *conf, bool by_number, struct ks_err *err)
{
	char strategy[200];

	ks_kafka_conf_text(conf, "partition.assignment.strategy", strategy, sizeof(strategy));
	if (strstr(strategy, "cooperative") != NULL)
		return ks_fail(err, KS_USAGE,
		    "-X: partition.assignment.strategy: range and roundrobin are spoken, cooperative-sticky is not");
	if (by_number && strcmp(strategy, "range") != 0)
		return ks_fail(err, KS_CONFIG, "-X: partition.assignment.strategy=%s: of several topics partitions of one number must come to one "
		    "member, which range alone sees to", strategy);
	rd_kafka_conf_set_rebalance_cb(conf, on_rebalance);
	return 0;
}

int ks_group_join(struct ks_kafka_group *g, struct ks_kafka *client, const char *name,
    const struct ks_config *config, struct ks_err *err)
{
	rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new((int)config->topic_count);
	rd_kafka_resp_err_t e;
	size_t i;

	*g = (struct ks_kafka_group){ .client = client, .name = name };
	g->answers = rd_kafka_queue_new(client->rk);
	ks_buf_init(&g->member, 2 * KS_MEMBER_MAX);
	client->group = g;
	for (i = 0; i < config->topic_count; i++)
		rd_kafka_topic_partition_list_add(topics, config->topics[i], RD_KAFKA_PARTITION_UA);
	e = rd_kafka_subscribe(client->rk, topics);
	rd_kafka_topic_partition_list_destroy(topics);
	if (e == RD_KAFKA_RESP_ERR_NO_ERROR)
		return 0;
	return ks_kafka_fail(client, (int)e, true, err, "cannot join group '%s'", name);
}

static int assign(struct ks_kafka_group *g, rd_kafka_topic_partition_list_t *list, struct ks_err *err)
{
	rd_kafka_resp_err_t e = rd_kafka_assign(g->client->rk, list);

	g->news = KS_GROUP_QUIET;
	g->lost = false;
	if (e == RD_KAFKA_RESP_ERR_NO_ERROR)
		return 0;
	return ks_kafka_fail(g->client, (int)e, false, err, "group '%s'", g->name);
}

int ks_group_take(struct ks_kafka_group *g, const struct ks_kafka_parts *x, struct ks_err *err)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)x->count);
	const struct ks_kafka_part *p;
	int status;

	/* Those that are done, too: they are ours to commit. */
	for (p = x->parts; p < x->parts + x->count; p++)
		rd_kafka_topic_partition_list_add(list, p->topic->name, p->partition)->offset = p->next;
	status = assign(g, list, err);
	rd_kafka_topic_partition_list_destroy(list);
	return status;
}

int ks_group_give_back(struct ks_kafka_group *g, struct ks_err *err)
{
	return assign(g, NULL, err);
}

/* The group has gone on without this member: others read on from what was committed last. */
static bool is_out(rd_kafka_resp_err_t e)
{
	return e == RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION || e == RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID ||
	    e == RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS;
}

static bool may_pass(rd_kafka_resp_err_t e)
{
	return is_out(e) || ks_kafka_status((int)e, false) == KS_TEMP;
}

static rd_kafka_resp_err_t answer_of(rd_kafka_event_t *event)
{
	rd_kafka_resp_err_t e = rd_kafka_event_error(event);
	const rd_kafka_topic_partition_list_t *list = rd_kafka_event_topic_partition_list(event);
	int i;

	if (rd_kafka_event_type(event) != RD_KAFKA_EVENT_OFFSET_COMMIT)
		return RD_KAFKA_RESP_ERR_NO_ERROR;
	for (i = 0; list != NULL && i < list->cnt && e == RD_KAFKA_RESP_ERR_NO_ERROR; i++)
		e = list->elems[i].err;
	return e;
}

/* The answer to the commit that is on its way, if it comes within wait_ms. */
static int hear(struct ks_kafka_group *g, int64_t wait_ms, enum ks_group_commit how, struct ks_err *err)
{
	int64_t deadline = ks_clock_ms() + wait_ms, left = wait_ms;
	rd_kafka_event_t *event;
	rd_kafka_resp_err_t e;

	for (; g->waiting; left = deadline - ks_clock_ms()) {
		event = rd_kafka_queue_poll(g->answers, left <= 0 ? 0 : left < SLICE_MS ? (int)left : SLICE_MS);
		if (event == NULL && g->client->failed.status != 0)
			return ks_kafka_check(g->client, err);
		if (event == NULL && left > 0)
			continue;
		if (event == NULL)
			break;
		e = answer_of(event);
		rd_kafka_event_destroy(event);
		g->waiting = false;
		g->retry = e != RD_KAFKA_RESP_ERR_NO_ERROR;
		if (e == RD_KAFKA_RESP_ERR_NO_ERROR || e == RD_KAFKA_RESP_ERR__NO_OFFSET ||
		    (how != KS_COMMIT_LAST && may_pass(e)))
			return 0;
		return ks_kafka_fail(g->client, (int)e, false, err, "group '%s' was not told how far this has read%s", g->name,
		    is_out(e) ? ", and others read it again" : "");
	}
	if (g->waiting && how == KS_COMMIT_LAST)
		return ks_fail(err, KS_TEMP, "group '%s' was not told how far this has read: no answer from %s for %lld s",
		    g->name, g->client->brokers, (long long)(wait_ms / 1000));
	return 0;
}

static rd_kafka_topic_partition_list_t *news_of(struct ks_kafka_group *g, struct ks_kafka_parts *x)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)x->count);
	struct ks_kafka_part *p;

	for (p = x->parts; p < x->parts + x->count; p++) {
		if (p->next == p->committed && !g->retry)
			continue;
		rd_kafka_topic_partition_list_add(list, p->topic->name, p->partition)->offset = p->next;
		p->committed = p->next;
	}
	g->retry = false;
	return list;
}

int ks_group_commit(struct ks_kafka_group *g, struct ks_kafka_parts *x, enum ks_group_commit how, struct ks_err *err)
{
	int64_t wait = how == KS_COMMIT_SOON || g->lost ? 0 : g->client->timeout_ms;
	rd_kafka_topic_partition_list_t *list;
	rd_kafka_resp_err_t e = RD_KAFKA_RESP_ERR_NO_ERROR;
	int status = hear(g, wait, KS_COMMIT_SOON, err);

	if (status != 0 || g->lost)
		return status;
	if (g->waiting)		/* one at a time: this one goes with the next */
		return hear(g, 0, how, err);
	list = news_of(g, x);
	if (list->cnt > 0) {
		e = rd_kafka_commit_queue(g->client->rk, list, g->answers, NULL, NULL);
		g->waiting = e == RD_KAFKA_RESP_ERR_NO_ERROR;
	}
	rd_kafka_topic_partition_list_destroy(list);
	if (e != RD_KAFKA_RESP_ERR_NO_ERROR)
		return ks_kafka_fail(g->client, (int)e, false, err, "group '%s'", g->name);
	return hear(g, wait, how, err);
}

static void close_consumer(struct ks_kafka_group *g)
{
	rd_kafka_queue_t *queue = rd_kafka_queue_new(g->client->rk);
	rd_kafka_error_t *e = rd_kafka_consumer_close_queue(g->client->rk, queue);
	int64_t deadline = ks_clock_ms() + LEAVE_MS;
	rd_kafka_event_t *event;

	while (e == NULL && !rd_kafka_consumer_closed(g->client->rk) && ks_clock_ms() < deadline) {
		event = rd_kafka_queue_poll(queue, SLICE_MS / 10);
		if (event == NULL)
			continue;
		if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_REBALANCE)
			rd_kafka_assign(g->client->rk, NULL);
		rd_kafka_event_destroy(event);
	}
	if (e != NULL)
		rd_kafka_error_destroy(e);
	rd_kafka_queue_destroy(queue);
}

void ks_group_leave(struct ks_kafka_group *g, bool tell)
{
	if (g->client == NULL)
		return;
	g->leaving = true;
	if (g->news != KS_GROUP_QUIET)
		rd_kafka_assign(g->client->rk, NULL);	/* librdkafka waits for it */
	if (tell)
		close_consumer(g);
	if (g->given != NULL)
		rd_kafka_topic_partition_list_destroy(g->given);
	rd_kafka_queue_destroy(g->answers);
	ks_buf_release(&g->member);
	if (g->who != NULL)
		rd_kafka_consumer_group_metadata_destroy(g->who);
	g->client->group = NULL;
	*g = (struct ks_kafka_group){ 0 };
}
