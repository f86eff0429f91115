/* SPDX-License-Identifier: MIT */
/* kafka-verify-read.c - one side of a copy, read again. */
#define XXH_INLINE_ALL
#include "kafka-verify-read.h"

#include <errno.h>
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <xxhash.h>

#include "bytes.h"
#include "fdio.h"

#define BATCH 500u
#define WAIT_MS 100		/* for messages, between two looks at the clock */
#define KICK_MS 4		/* see kafka-source.c: a reader that falls behind starves librdkafka 2.0.2 */
#define KICK_BELOW 10000u	/* messages in the queue */

/* --- what is to be read --- */

static struct ks_verify_topic *find_topic(const struct ks_verify_side *s, const char *name)
{
	size_t i;

	for (i = 0; i < s->count; i++)
		if (strcmp(s->topics[i]->name, name) == 0)
			return s->topics[i];
	return NULL;
}

static struct ks_verify_topic *add_topic(struct ks_verify_side *s, const char *name)
{
	struct ks_verify_topic **grown, *t;

	grown = realloc(s->topics, (s->count + 1) * sizeof(*grown));
	if (grown == NULL)
		return NULL;
	s->topics = grown;
	t = calloc(1, sizeof(*t));
	if (t == NULL)
		return NULL;
	t->name = strdup(name);
	if (t->name == NULL) {
		free(t);
		return NULL;
	}
	return s->topics[s->count++] = t;
}

static struct ks_verify_part *add_part(struct ks_verify_topic *t, int32_t partition)
{
	struct ks_verify_part **grown;
	size_t at = (size_t)partition;

	if (at >= t->count) {
		grown = realloc(t->parts, (at + 1) * sizeof(struct ks_verify_part *));
		if (grown == NULL)
			return NULL;
		t->parts = grown;
		for (; t->count <= at; t->count++)
			grown[t->count] = NULL;
	}
	if (t->parts[at] == NULL) {
		t->parts[at] = calloc(1, sizeof(struct ks_verify_part));
		if (t->parts[at] == NULL)
			return NULL;
		t->parts[at]->topic = t;
		t->parts[at]->partition = partition;
	}
	return t->parts[at];
}

struct ks_verify_part *ks_verify_find(struct ks_verify_side *s, const char *topic, int32_t partition)
{
	const struct ks_verify_topic *t;

	if (KS_LIKELY(s->last != NULL && s->last->partition == partition && strcmp(s->last->topic->name, topic) == 0))
		return s->last;
	t = find_topic(s, topic);
	if (t == NULL || partition < 0 || (size_t)partition >= t->count || t->parts[partition] == NULL)
		return NULL;
	return s->last = t->parts[partition];
}

struct ks_verify_part *ks_verify_part(struct ks_verify_side *s, const char *topic, int32_t partition)
{
	struct ks_verify_part *p = ks_verify_find(s, topic, partition);
	struct ks_verify_topic *t;

	if (KS_LIKELY(p != NULL) || partition < 0)
		return p;
	t = find_topic(s, topic);
	if (t == NULL)
		t = add_topic(s, topic);
	return t == NULL ? NULL : (s->last = add_part(t, partition));
}

int ks_verify_add(struct ks_verify_part *p, int64_t from, int64_t to)
{
	struct ks_verify_run *grown;

	if (p->count > 0 && p->runs[p->count - 1].to == from) {
		p->runs[p->count - 1].to = to;
		return 0;
	}
	if (p->count == p->cap) {
		grown = realloc(p->runs, (2 * p->cap + 1) * sizeof(*grown));
		if (grown == NULL)
			return ENOMEM;
		p->runs = grown;
		p->cap = 2 * p->cap + 1;
	}
	p->runs[p->count++] = (struct ks_verify_run){ from, to };
	return 0;
}

void ks_verify_side_release(struct ks_verify_side *s)
{
	size_t i, j;

	for (i = 0; i < s->count; i++) {
		for (j = 0; j < s->topics[i]->count; j++) {
			if (s->topics[i]->parts[j] == NULL)
				continue;
			free(s->topics[i]->parts[j]->runs);
			free(s->topics[i]->parts[j]->each);
			free(s->topics[i]->parts[j]);
		}
		free(s->topics[i]->parts);
		free(s->topics[i]->name);
		free(s->topics[i]);
	}
	free(s->topics);
	*s = (struct ks_verify_side){ 0 };
}

/* --- hashing --- */

static void hash_field(XXH3_state_t *x, const void *p, size_t n)
{
	unsigned char head[4];

	ks_put32(head, p == NULL ? UINT32_MAX : (uint32_t)n);
	XXH3_64bits_update(x, head, sizeof(head));
	if (p != NULL && n > 0)
		XXH3_64bits_update(x, p, n);
}

static void hash_headers(XXH3_state_t *x, const rd_kafka_message_t *m)
{
	rd_kafka_headers_t *list;
	unsigned char head[4];
	const char *name;
	const void *value;
	size_t i, n, count = 0;

	if (rd_kafka_message_headers(m, &list) == RD_KAFKA_RESP_ERR_NO_ERROR)
		count = rd_kafka_header_cnt(list);
	ks_put32(head, (uint32_t)count);
	XXH3_64bits_update(x, head, sizeof(head));
	for (i = 0; i < count; i++) {
		if (rd_kafka_header_get_all(list, i, &name, &value, &n) != RD_KAFKA_RESP_ERR_NO_ERROR)
			ks_bug("a header that was counted is gone");
		hash_field(x, name, strlen(name));
		hash_field(x, value, n);
	}
}

static uint64_t hash_number(uint64_t value, uint64_t seed)
{
	unsigned char bytes[8];

	ks_put64(bytes, value);
	return XXH3_64bits_withSeed(bytes, sizeof(bytes), seed);
}

static void hash_message(struct ks_verify_side *s, struct ks_verify_part *p, const rd_kafka_message_t *m)
{
	rd_kafka_timestamp_type_t type;
	int64_t ms = rd_kafka_message_timestamp(m, &type);
	uint64_t hash[KS_VERIFY_HASHES];
	XXH3_state_t x;
	int i;

	XXH3_INITSTATE(&x);
	XXH3_64bits_reset(&x);
	hash_field(&x, m->key, m->key_len);
	hash_field(&x, m->payload, m->len);
	hash_headers(&x, m);
	hash[KS_UNTIMED] = XXH3_64bits_digest(&x);
	hash[KS_TIMED] = hash_number((uint64_t)ms, hash[KS_UNTIMED]);
	s->appends |= type == RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME;
	for (i = 0; i < KS_VERIFY_HASHES; i++) {
		p->chain[i] = hash_number(hash[i], p->chain[i]);
		p->sum[i] += hash[i];
	}
	if (p->records < s->keep)
		p->each[p->records] = hash[s->kept];
	p->records++;
}

/* --- reading --- */

struct reader {
	struct ks_verify_side *side;
	struct ks_kafka client;
	rd_kafka_queue_t *queue;
	rd_kafka_topic_partition_list_t *list;
	rd_kafka_topic_t **handles;	/* so that the client knows the leaders */
	size_t handle_count, left;	/* left: parts that are not done */
	size_t peak;
	int64_t heard, kicked;
};

static int64_t end_of(const struct ks_verify_part *p)
{
	return p->runs[p->count - 1].to;
}

static int open_reader(struct reader *r, const struct ks_kafka_options *options, const char *isolation,
    struct ks_err *err)
{
	const struct ks_kafka_property ours[] = {
		{ "client.id", "kstream-cat" },
		KS_KAFKA_CONNECT,
		{ "group.id", "kstream-cat" },	/* assigning needs one; nothing is committed to it */
		{ "enable.auto.commit", "false" },
		{ "enable.auto.offset.store", "false" },
		{ "auto.offset.reset", "error" },
		{ "allow.auto.create.topics", "false" },
		{ "isolation.level", isolation },
		{ "check.crcs", "true" },
		{ "enable.partition.eof", "true" },	/* steps over markers and what was removed */
		{ "fetch.wait.max.ms", "10" },
		{ "queued.max.messages.kbytes", "16384" },
		{ "fetch.max.bytes", "8388608" },
		{ "fetch.queue.backoff.ms", "10" },
		{ "socket.nagle.disable", "true" },
		{ NULL, NULL },
	};
	struct rd_kafka_conf_s *conf;
	int status = ks_kafka_conf(options, ours, &conf, err);

	if (status == 0)
		status = ks_kafka_open(&r->client, options, false, conf, err);
	if (status == 0)
		r->queue = rd_kafka_queue_get_consumer(r->client.rk);
	return status;
}

static int list_parts(struct reader *r, struct ks_err *err)
{
	struct ks_verify_side *s = r->side;
	struct ks_verify_part *p;
	int32_t partitions;
	size_t i, j;
	int status;

	r->handles = calloc(s->count + 1, sizeof(rd_kafka_topic_t *));
	r->list = rd_kafka_topic_partition_list_new(16);
	if (r->handles == NULL)
		return ks_fail_memory(err);
	for (i = 0; i < s->count; i++) {
		status = ks_kafka_topic(&r->client, s->topics[i]->name, false, &r->handles[i], &partitions, err);
		if (status != 0)
			return status;
		r->handle_count++;
		for (j = 0; j < s->topics[i]->count; j++) {
			p = s->topics[i]->parts[j];
			if (p == NULL)
				continue;
			p->done = p->count == 0 || p->runs[0].from >= end_of(p);
			if (s->keep > 0 && (p->each = calloc(s->keep, sizeof(*p->each))) == NULL)
				return ks_fail_memory(err);
			if (!p->done)
				rd_kafka_topic_partition_list_add(r->list, s->topics[i]->name, (int32_t)j);
		}
	}
	return 0;
}

/* Where the log begins by now: what is gone is not waited for. */
static int begin(struct reader *r, struct ks_err *err)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(16);
	rd_kafka_resp_err_t e = RD_KAFKA_RESP_ERR_NO_ERROR;
	struct ks_verify_part *p;
	int i, status = ks_kafka_ends(&r->client, r->list, false, err);

	for (i = 0; i < r->list->cnt && status == 0; i++) {
		p = ks_verify_find(r->side, r->list->elems[i].topic, r->list->elems[i].partition);
		if (p == NULL)
			ks_bug("a partition of our own list is gone");
		p->done = r->list->elems[i].offset >= end_of(p);
		if (p->done)
			continue;
		rd_kafka_topic_partition_list_add(list, p->topic->name, p->partition)->offset =
		    r->list->elems[i].offset > p->runs[0].from ? r->list->elems[i].offset : p->runs[0].from;
		r->left++;
	}
	if (status == 0 && list->cnt > 0)
		e = rd_kafka_assign(r->client.rk, list);
	rd_kafka_topic_partition_list_destroy(list);
	if (e != RD_KAFKA_RESP_ERR_NO_ERROR)
		return ks_kafka_fail(&r->client, (int)e, false, err, "cannot read from %s", r->client.brokers);
	return status;
}

static void finish(struct reader *r, struct ks_verify_part *p)
{
	r->left -= !p->done;
	p->done = true;
}

static int take(struct reader *r, const rd_kafka_message_t *m, struct ks_err *err)
{
	struct ks_verify_part *p = m->rkt == NULL ? NULL :
	    ks_verify_find(r->side, rd_kafka_topic_name(m->rkt), m->partition);

	switch (m->err) {
	case RD_KAFKA_RESP_ERR_NO_ERROR:
		break;
	case RD_KAFKA_RESP_ERR__PARTITION_EOF:
		if (p != NULL && p->count > 0 && m->offset >= end_of(p))
			finish(r, p);
		return 0;
	case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:	/* nothing is committed */
	case RD_KAFKA_RESP_ERR__TRANSPORT:
	case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
	case RD_KAFKA_RESP_ERR__RESOLVE:
	case RD_KAFKA_RESP_ERR__TIMED_OUT:
		return 0;
	default:
		return ks_kafka_fail(&r->client, (int)m->err, false, err, "cannot read '%s' again",
		    m->rkt != NULL ? rd_kafka_topic_name(m->rkt) : r->client.brokers);
	}
	r->heard = ks_clock_ms();
	if (p == NULL || p->done)
		return 0;
	while (p->at < p->count && m->offset >= p->runs[p->at].to)
		p->at++;
	if (p->at < p->count && m->offset >= p->runs[p->at].from)
		hash_message(r->side, p, m);
	if (m->offset + 1 >= end_of(p))
		finish(r, p);
	return 0;
}

static void kick(struct reader *r)
{
	size_t n = rd_kafka_queue_length(r->queue);
	int64_t now;

	if (n > r->peak)
		r->peak = n;
	if (r->peak < 2 * KICK_BELOW || n > KICK_BELOW)
		return;
	now = ks_clock_ms();
	if (now - r->kicked < KICK_MS)
		return;
	r->kicked = now;
	r->peak = 0;
	(void)!ks_kafka_ask_ends(&r->client, r->list, true, 1000);
}

static int still_reading(struct reader *r, struct ks_err *err)
{
	const struct ks_verify_part *p = NULL;
	int i, status = ks_kafka_check(&r->client, err);

	if (status != 0 || ks_clock_ms() - r->heard < r->client.timeout_ms)
		return status;
	for (i = 0; i < r->list->cnt && (p == NULL || p->done); i++)
		p = ks_verify_find(r->side, r->list->elems[i].topic, r->list->elems[i].partition);
	return ks_fail(err, KS_TEMP, "%s has not given '%s/%d' up to offset %lld again for %lld s", r->client.brokers,
	    p == NULL ? "" : p->topic->name, p == NULL ? -1 : (int)p->partition,
	    p == NULL ? -1LL : (long long)end_of(p), (long long)(r->client.timeout_ms / 1000));
}

static int read_all(struct reader *r, struct ks_err *err)
{
	rd_kafka_message_t *batch[BATCH];
	ssize_t n, i;
	int status = 0;

	r->heard = ks_clock_ms();
	while (r->left > 0 && status == 0) {
		kick(r);
		n = rd_kafka_consume_batch_queue(r->queue, WAIT_MS, batch, BATCH);
		for (i = 0; i < n; i++) {
			if (status == 0)
				status = take(r, batch[i], err);
			rd_kafka_message_destroy(batch[i]);
		}
		if (status == 0)
			status = still_reading(r, err);
	}
	return status;
}

static void close_reader(struct reader *r)
{
	size_t i;

	if (r->queue != NULL)
		rd_kafka_queue_destroy(r->queue);
	if (r->list != NULL)
		rd_kafka_topic_partition_list_destroy(r->list);
	for (i = 0; i < r->handle_count; i++)
		ks_kafka_topic_drop(r->handles[i]);
	free(r->handles);
	ks_kafka_close(&r->client);
}

static int by_offset(const void *a, const void *b)
{
	const struct ks_verify_run *x = a, *y = b;

	return (x->from > y->from) - (x->from < y->from);
}

int ks_verify_read(struct ks_verify_side *s, const struct ks_kafka_options *options,
    const char *isolation, struct ks_err *err)
{
	struct reader r = { .side = s };
	size_t i, j;
	int status;

	for (i = 0; i < s->count; i++)
		for (j = 0; j < s->topics[i]->count; j++)
			if (s->topics[i]->parts[j] != NULL && s->topics[i]->parts[j]->count > 1)
				qsort(s->topics[i]->parts[j]->runs, s->topics[i]->parts[j]->count,
				    sizeof(struct ks_verify_run), by_offset);
	status = open_reader(&r, options, isolation, err);
	if (status == 0)
		status = list_parts(&r, err);
	if (status == 0)
		status = begin(&r, err);
	if (status == 0)
		status = read_all(&r, err);
	close_reader(&r);
	/* It was there when the copy began. */
	return status == KS_UNAVAILABLE ? (err->status = KS_TEMP) : status;
}
