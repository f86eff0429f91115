/* SPDX-License-Identifier: MIT */
/*
 * kafka-empty.c - topics of an app that is reset lose their records.
 *
 * Of a compacted topic Kafka deletes nothing by offset: each key of it gets a
 * tombstone.  The others are cut at their end.  Both can be done again.
 */
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "drill.h"
#include "fdio.h"
#include "kafka-admin.h"
#include "kafka-reset.h"
#include "run-changelog.h"
#include "signals.h"

#define POLL_MS 200		/* between two looks at signals */
#define FULL_MS 50		/* while what is written has to get out */

/* --- reading one through, as far as it is committed --- */

struct scan {
	struct ks_kafka client;
	const struct ks_reset_topic *topic;
	bool *done;		/* by partition: its end has been reached, and what is written behind it does not count */
	int left;		/* that are not */
	int (*each)(void *arg, const rd_kafka_message_t *m, struct ks_err *err);
	void *arg;
};

/* A client that has not asked who leads waits 0.5 s for it (kafka.h). */
static int learn(struct ks_kafka *client, const struct ks_reset_topic *t, struct ks_err *err)
{
	struct rd_kafka_topic_s *handle;
	int32_t partitions;
	int status = ks_kafka_topic(client, t->name, true, &handle, &partitions, err);

	if (status == 0)
		ks_kafka_topic_drop(handle);
	return status;
}

static int open_scan(struct scan *s, const struct ks_kafka_reset *k, struct ks_err *err)
{
	const struct ks_kafka_property ours[] = {
		{ "client.id", "kstream-reset" },
		KS_KAFKA_CONNECT,
		{ "group.id", k->plan->app },
		{ "enable.auto.commit", "false" },
		{ "enable.auto.offset.store", "false" },
		{ "auto.offset.reset", "earliest" },
		{ "isolation.level", "read_committed" },
		{ "enable.partition.eof", "true" },
		{ "allow.auto.create.topics", "false" },
		{ "fetch.wait.max.ms", "10" },
		{ "queued.max.messages.kbytes", "16384" },
		{ NULL, NULL },
	};
	rd_kafka_topic_partition_list_t *list;
	struct rd_kafka_conf_s *conf;
	rd_kafka_resp_err_t e;
	int32_t p;
	int status = ks_kafka_conf(k->options, ours, &conf, err);

	if (status == 0)
		status = ks_kafka_open(&s->client, k->options, false, conf, err);
	if (status == 0)
		status = learn(&s->client, s->topic, err);
	if (status != 0)
		return status;
	list = rd_kafka_topic_partition_list_new(s->topic->partitions);
	for (p = 0; p < s->topic->partitions; p++)
		rd_kafka_topic_partition_list_add(list, s->topic->name, p)->offset = RD_KAFKA_OFFSET_BEGINNING;
	s->left = s->topic->partitions;
	s->done = calloc((size_t)s->topic->partitions, sizeof(*s->done));
	if (s->done == NULL) {
		rd_kafka_topic_partition_list_destroy(list);
		return ks_fail_memory(err);
	}
	rd_kafka_poll_set_consumer(s->client.rk);
	e = rd_kafka_assign(s->client.rk, list);
	rd_kafka_topic_partition_list_destroy(list);
	return e == RD_KAFKA_RESP_ERR_NO_ERROR ? 0 : ks_kafka_fail(&s->client, (int)e, false, err, "cannot read topic '%s'", s->topic->name);
}

/* A message, or what stands in its place. */
static int take(struct scan *s, const rd_kafka_message_t *m, struct ks_err *err)
{
	bool ours = m->partition >= 0 && m->partition < s->topic->partitions;

	if (m->err == RD_KAFKA_RESP_ERR_NO_ERROR)
		return ours && !s->done[m->partition] ? s->each(s->arg, m, err) : 0;
	if (m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
		s->left -= ours && !s->done[m->partition];
		if (ours)
			s->done[m->partition] = true;
		return 0;
	}
	/* Others pass. */
	return ks_kafka_status((int)m->err, false) == KS_TEMP ? 0 :
	    ks_kafka_fail(&s->client, (int)m->err, false, err, "cannot read topic '%s'", s->topic->name);
}

static int read_all(struct scan *s, const struct ks_kafka_reset *k, struct ks_err *err)
{
	int64_t heard = ks_clock_ms();
	rd_kafka_message_t *m;
	int status = open_scan(s, k, err);

	while (status == 0 && s->left > 0) {
		m = rd_kafka_consumer_poll(s->client.rk, POLL_MS);
		if (ks_signals_end() != 0) {
			status = ks_fail(err, KS_TEMP, "topic '%s' was not read to its end: a signal has come", s->topic->name);
		} else if (m != NULL) {
			heard = ks_clock_ms();
			status = take(s, m, err);
		} else {
			status = ks_clock_ms() - heard > s->client.timeout_ms ?
			    ks_fail(err, KS_TEMP, "topic '%s' was not read to its end: no answer",
			    s->topic->name) : ks_kafka_check(&s->client, err);
		}
		if (m != NULL)
			rd_kafka_message_destroy(m);
	}
	free(s->done);
	ks_kafka_close(&s->client);
	return status;
}

/* --- whose a changelog is --- */

struct proof {
	struct ks_kafka_reset *k;
	const struct ks_reset_topic *topic;
	bool *begun, *used;	/* by partition: it says whose it is; it has a record */
};

static int not_one(const struct ks_reset_topic *t, const rd_kafka_message_t *m, struct ks_err *err)
{
	return ks_fail(err, KS_CONFIG, "%s/%d@%lld: this is no record of a changelog: the topic is not emptied", t->name,
	    (int)m->partition,
	    (long long)m->offset);
}

static int judge(void *arg, const rd_kafka_message_t *m, struct ks_err *err)
{
	struct proof *x = arg;
	const char *app = x->k->plan->app, *text = m->payload, *end;
	struct ks_bytes rest;
	int32_t partition;
	int64_t segment;
	size_t n = strlen(app);
	bool begins;

	if (m->key == NULL || !ks_changelog_key(ks_bytes(m->key, m->key_len), &partition, &begins, &segment, &rest) ||
	    ks_changelog_place(partition) != m->partition)
		return not_one(x->topic, m, err);
	if (text == NULL)
		return 0;
	x->used[m->partition] = true;
	if (!begins)
		return 0;
	end = memchr(text, '\n', m->len);
	if (end == NULL || m->len < 4 || memcmp(text, "app ", 4) != 0)
		return not_one(x->topic, m, err);
	if ((size_t)(end - text) != n + 4 || memcmp(text + 4, app, n) != 0)
		return ks_fail(err, KS_CONFIG, "changelog '%s' is that of app '%.*s', not of '%s': it is not emptied",
		    x->topic->name,
		    end - text - 4 < 200 ? (int)(end - text - 4) : 200, text + 4, app);
	x->begun[m->partition] = true;
	return 0;
}

/* Of a compacted topic that is to be emptied as an output. */
static int judge_output(void *arg, const rd_kafka_message_t *m, struct ks_err *err)
{
	const struct proof *x = arg;
	const char *text = m->payload, *end;

	if (m->key_len != 4 || text == NULL || m->len < 5 || memcmp(text, "app ", 4) != 0)
		return 0;
	end = memchr(text, '\n', m->len);
	if (end == NULL || memmem(end, m->len - (size_t)(end - text), "\nstage ", 7) == NULL)
		return 0;
	return ks_fail(err, KS_CONFIG, "topic '%s' is the changelog of app '%.*s': it is not emptied as an output", x->topic->name,
	    end - text - 4 < 200 ? (int)(end - text - 4) : 200, text + 4);
}

static int check_output(struct ks_kafka_reset *k, const struct ks_reset_topic *t, struct ks_err *err)
{
	struct proof x = { .k = k, .topic = t };
	struct scan s = { .topic = t, .each = judge_output, .arg = &x };

	return read_all(&s, k, err);
}

static int prove(struct ks_kafka_reset *k, const struct ks_reset_topic *t, struct ks_err *err)
{
	struct proof x = { .k = k, .topic = t, .begun = calloc((size_t)t->partitions, 1), .used = calloc((size_t)t->partitions, 1) };
	struct scan s = { .topic = t, .each = judge, .arg = &x };
	int status = x.begun == NULL || x.used == NULL ? ks_fail_memory(err) : read_all(&s, k, err);
	int32_t p;

	for (p = 0; p < t->partitions && status == 0; p++)
		if (x.used[p] && !x.begun[p])
			status = ks_fail(err, KS_CONFIG, "%s/%d does not say whose changelog it is: it is not emptied", t->name,
			    (int)p);
	free(x.begun);
	free(x.used);
	return status;
}

/* --- what is there --- */

static int count_records(struct ks_kafka_reset *k, struct ks_reset_topic *t, struct ks_err *err)
{
	rd_kafka_topic_partition_list_t *low = rd_kafka_topic_partition_list_new(t->partitions), *high;
	int status, i;
	int32_t p;

	for (p = 0; p < t->partitions; p++)
		rd_kafka_topic_partition_list_add(low, t->name, p);
	high = rd_kafka_topic_partition_list_copy(low);
	status = ks_kafka_ends(&k->reader, low, false, err);
	if (status == 0)
		status = ks_kafka_ends(&k->reader, high, true, err);
	for (i = 0, t->records = 0; i < low->cnt && status == 0; i++)
		t->records += high->elems[i].offset - low->elems[i].offset;
	rd_kafka_topic_partition_list_destroy(low);
	rd_kafka_topic_partition_list_destroy(high);
	return status;
}

static int look(struct ks_kafka_reset *k, struct ks_reset_topic *t, struct ks_err *err)
{
	const struct ks_reset *r = k->plan;
	const struct ks_reset_part *p;
	struct rd_kafka_topic_s *handle;
	int status;

	for (p = r->parts; p < r->parts + r->part_count; p++)
		if (!p->file && !p->sink && strcmp(p->input, t->name) == 0)
			return ks_fail(err, KS_CONFIG, "app '%s' reads topic '%s': its input is not emptied", r->app, t->name);
	if (ks_kafka_internal(t->name))
		return ks_fail(err, KS_CONFIG, "topic '%s' is one that Kafka keeps for itself: it is not emptied", t->name);
	status = ks_kafka_topic(&k->reader, t->name, false, &handle, &t->partitions, err);
	if (status == KS_CONFIG && t->log && !t->named)
		return 0;	/* the app makes it */
	if (status != 0)
		return status;
	ks_kafka_topic_drop(handle);
	t->there = true;
	t->compacted = ks_kafka_topic_compacted(&k->reader, t->name);
	status = count_records(k, t, err);
	if (status != 0 || t->records == 0 || r->done)
		return status;
	return t->log ? prove(k, t, err) : t->compacted ? check_output(k, t, err) : 0;
}

int ks_kafka_empty_look(struct ks_kafka_reset *k, struct ks_err *err)
{
	struct ks_reset_topic *t;
	int status = 0;

	for (t = k->plan->topics; t < k->plan->topics + k->plan->topic_count && status == 0; t++)
		status = look(k, t, err);
	return status;
}

/* --- tombstones --- */

struct grave {
	struct ks_kafka producer;
	const struct ks_reset_topic *topic;
	struct ks_err failed;	/* of a delivery */
};

static void delivered(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque)
{
	struct grave *g = m->_private;

	(void)rk;
	(void)opaque;
	if (m->err != RD_KAFKA_RESP_ERR_NO_ERROR && g->failed.status == 0)
		ks_kafka_fail(&g->producer, (int)m->err, false, &g->failed, "cannot write to topic '%s'", g->topic->name);
}

static int bury(void *arg, const rd_kafka_message_t *m, struct ks_err *err)
{
	struct grave *g = arg;
	rd_kafka_resp_err_t e;

	if (m->payload == NULL || m->key == NULL)
		return 0;
	do {
		e = rd_kafka_producev(g->producer.rk, RD_KAFKA_V_TOPIC(g->topic->name), RD_KAFKA_V_PARTITION(m->partition),
		    RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_KEY(m->key, m->key_len), RD_KAFKA_V_OPAQUE(g), RD_KAFKA_V_END);
		rd_kafka_poll(g->producer.rk, e == RD_KAFKA_RESP_ERR__QUEUE_FULL ? FULL_MS : 0);
	} while (e == RD_KAFKA_RESP_ERR__QUEUE_FULL && g->failed.status == 0 && ks_signals_end() == 0);
	ks_point("reset-burying");
	if (g->failed.status != 0)
		*err = g->failed;
	return g->failed.status != 0 ? err->status : e == RD_KAFKA_RESP_ERR_NO_ERROR ? 0 :
	    ks_kafka_fail(&g->producer, (int)e, false, err, "cannot write to topic '%s'", g->topic->name);
}

static int open_grave(struct grave *g, const struct ks_kafka_reset *k, struct ks_err *err)
{
	const struct ks_kafka_property ours[] = {
		{ "client.id", "kstream-reset" },
		KS_KAFKA_CONNECT,
		{ "enable.idempotence", "true" },
		{ "linger.ms", "5" },
		{ "allow.auto.create.topics", "false" },
		{ NULL, NULL },
	};
	struct rd_kafka_conf_s *conf;
	int status = ks_kafka_conf(k->options, ours, &conf, err);

	if (status != 0)
		return status;
	rd_kafka_conf_set_dr_msg_cb(conf, delivered);
	status = ks_kafka_open(&g->producer, k->options, true, conf, err);
	return status == 0 ? learn(&g->producer, g->topic, err) : status;
}

static int bury_all(struct ks_kafka_reset *k, const struct ks_reset_topic *t, struct ks_err *err)
{
	struct grave g = { .topic = t };
	struct scan s = { .topic = t, .each = bury, .arg = &g };
	int status = open_grave(&g, k, err);
	rd_kafka_resp_err_t e;

	if (status == 0)
		status = read_all(&s, k, err);
	if (status == 0) {
		e = rd_kafka_flush(g.producer.rk, (int)(g.producer.timeout_ms < INT32_MAX ? g.producer.timeout_ms : INT32_MAX));
		if (g.failed.status != 0)
			*err = g.failed;
		status = g.failed.status != 0 ? err->status : e == RD_KAFKA_RESP_ERR_NO_ERROR ? 0 :
		    ks_kafka_fail(&g.producer, (int)e, false, err, "cannot write to topic '%s'", t->name);
	}
	ks_kafka_close(&g.producer);
	return status;
}

/* --- by offset --- */

static int judge_cut(struct ks_kafka_reset *k, const struct ks_reset_topic *t, rd_kafka_event_t *event, struct ks_err *err)
{
	rd_kafka_resp_err_t e = event != NULL ? rd_kafka_event_error(event) : RD_KAFKA_RESP_ERR__TIMED_OUT;
	const rd_kafka_topic_partition_list_t *list = NULL;
	int i;

	if (e == RD_KAFKA_RESP_ERR_NO_ERROR)
		list = rd_kafka_DeleteRecords_result_offsets(rd_kafka_event_DeleteRecords_result(event));
	for (i = 0; list != NULL && i < list->cnt && e == RD_KAFKA_RESP_ERR_NO_ERROR; i++)
		e = list->elems[i].err;
	if (e == RD_KAFKA_RESP_ERR_NO_ERROR)
		return 0;
	if (e == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED)
		return ks_fail(err, KS_DENIED, "no right to delete records of topic '%s': DELETE on the topic is missing", t->name);
	return ks_kafka_fail(&k->reader, (int)e, false, err, "cannot delete the records of topic '%s'", t->name);
}

/* What is below offset, which may be RD_KAFKA_OFFSET_END; of 0 nothing is, and the broker judges all the same. */
static int cut(struct ks_kafka_reset *k, const struct ks_reset_topic *t, int64_t offset, struct ks_err *err)
{
	int wait_ms = k->reader.timeout_ms < KS_KAFKA_AWAY_MS ? (int)k->reader.timeout_ms : KS_KAFKA_AWAY_MS, status;
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(t->partitions);
	rd_kafka_queue_t *queue = rd_kafka_queue_new(k->reader.rk);
	rd_kafka_DeleteRecords_t *request;
	rd_kafka_event_t *event;
	int32_t p;

	for (p = 0; p < t->partitions; p++)
		rd_kafka_topic_partition_list_add(list, t->name, p)->offset = offset;
	request = rd_kafka_DeleteRecords_new(list);
	rd_kafka_DeleteRecords(k->reader.rk, &request, 1, NULL, queue);
	event = rd_kafka_queue_poll(queue, wait_ms);
	status = judge_cut(k, t, event, err);
	if (event != NULL)
		rd_kafka_event_destroy(event);
	rd_kafka_DeleteRecords_destroy(request);
	rd_kafka_topic_partition_list_destroy(list);
	rd_kafka_queue_destroy(queue);
	return status;
}

int ks_kafka_empty_try(struct ks_kafka_reset *k, struct ks_err *err)
{
	const struct ks_reset_topic *t;
	int status = 0;

	for (t = k->plan->topics; t < k->plan->topics + k->plan->topic_count && status == 0; t++)
		if (ks_reset_empties(k->plan, t) && !t->compacted)
			status = cut(k, t, 0, err);
	return status;
}

int ks_kafka_empty(struct ks_kafka_reset *k, struct ks_err *err)
{
	const struct ks_reset_topic *t;
	int status = 0;

	for (t = k->plan->topics; t < k->plan->topics + k->plan->topic_count && status == 0; t++) {
		if (ks_reset_empties(k->plan, t))
			status = t->compacted ? bury_all(k, t, err) : cut(k, t, RD_KAFKA_OFFSET_END, err);
		ks_point("reset-emptied");
	}
	return status;
}
