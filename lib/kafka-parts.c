/* SPDX-License-Identifier: MIT */
/* kafka-parts.c - which partitions of which topics are read, and from where to where. */
#include "kafka-parts.h"

#include <librdkafka/rdkafka.h>
#include <stdlib.h>

#include "value.h"

static int no_memory(struct ks_err *err)
{
	return ks_fail(err, KS_TEMP, "no memory");
}

static int find_topics(struct ks_kafka_parts *x, struct ks_kafka *client,
    const struct ks_config *config, struct ks_err *err)
{
	struct ks_kafka_read *t;
	size_t i, j;
	int status;

	x->topics = calloc(config->topic_count, sizeof(*x->topics));
	if (x->topics == NULL)
		return no_memory(err);
	for (i = 0; i < config->topic_count; i++) {
		for (j = 0; j < i; j++)
			if (strcmp(config->topics[i], config->topics[j]) == 0)
				return ks_fail(err, KS_USAGE, "topic '%s' is named twice", config->topics[i]);
		t = &x->topics[i];
		t->name = config->topics[i];
		status = ks_kafka_topic(client, t->name, i == 0, &t->handle, &t->partitions, err);
		if (status != 0)
			return status;
		x->topic_count++;
	}
	return 0;
}

static int choose(struct ks_kafka_parts *x, struct ks_err *err)
{
	const struct ks_kafka_options *o = x->options;
	struct ks_kafka_part *p;
	struct ks_kafka_read *t;
	size_t i;

	for (t = x->topics; t < x->topics + x->topic_count; t++) {
		for (i = 0; i < o->partition_count; i++)
			if (o->partitions[i] >= t->partitions)
				return ks_fail(err, KS_CONFIG, "topic '%s' has no partition %d: it has %d of them, from 0",
				    t->name, (int)o->partitions[i], (int)t->partitions);
		t->first = x->count;
		t->count = o->partition_count > 0 ? o->partition_count : (size_t)t->partitions;
		x->count += t->count;
	}
	x->parts = calloc(x->count, sizeof(*x->parts));
	if (x->parts == NULL)
		return no_memory(err);
	for (t = x->topics; t < x->topics + x->topic_count; t++)
		for (i = 0; i < t->count; i++) {
			p = &x->parts[t->first + i];
			p->topic = t;
			p->partition = o->partition_count > 0 ? o->partitions[i] : (int32_t)i;
		}
	return 0;
}

/* -o for one partition, whose log is [low, high). */
static void place(struct ks_kafka_part *p, const struct ks_kafka_options *o, int64_t low,
    int64_t high)
{
	switch (o->start) {
	case KS_START_BEGINNING:
		p->next = low;
		break;
	case KS_START_END:
		p->next = high;
		break;
	case KS_START_OFFSET:
		p->skip = o->start_at;
		p->next = o->start_at > high ? high : o->start_at;
		break;
	case KS_START_TAIL:
		p->next = high - o->start_at;
		break;
	}
	if (p->next < low)
		p->next = low;
	p->end = o->bounded ? high : INT64_MAX;
	p->done = p->next >= p->end;
}

static int resolve(struct ks_kafka_parts *x, struct ks_kafka *client, struct ks_err *err)
{
	rd_kafka_topic_partition_list_t *low = ks_kafka_parts_list(x), *high = ks_kafka_parts_list(x);
	bool ends = x->options->bounded || x->options->start != KS_START_BEGINNING;
	int status = ks_kafka_ends(client, low, false, err);
	size_t i;

	if (status == 0 && ends)
		status = ks_kafka_ends(client, high, true, err);
	for (i = 0; i < x->count && status == 0; i++) {
		place(&x->parts[i], x->options, low->elems[i].offset,
		    ends ? high->elems[i].offset : INT64_MAX);
		x->left += !x->parts[i].done;
	}
	rd_kafka_topic_partition_list_destroy(low);
	rd_kafka_topic_partition_list_destroy(high);
	return status;
}

int ks_kafka_parts_open(struct ks_kafka_parts *x, struct ks_kafka *client,
    const struct ks_kafka_options *options, const struct ks_config *config, struct ks_err *err)
{
	int status;

	*x = (struct ks_kafka_parts){ .options = options };
	status = find_topics(x, client, config, err);
	if (status == 0)
		status = choose(x, err);
	return status == 0 ? resolve(x, client, err) : status;
}

void ks_kafka_parts_close(struct ks_kafka_parts *x)
{
	size_t i;

	for (i = 0; i < x->topic_count; i++)
		ks_kafka_topic_drop(x->topics[i].handle);
	free(x->topics);
	free(x->parts);
	*x = (struct ks_kafka_parts){ 0 };
}

struct rd_kafka_topic_partition_list_s *ks_kafka_parts_list(const struct ks_kafka_parts *x)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)x->count);
	const struct ks_kafka_part *p;

	for (p = x->parts; p < x->parts + x->count; p++)
		if (!p->done)
			rd_kafka_topic_partition_list_add(list, p->topic->name, p->partition)->offset = p->next;
	return list;
}

struct ks_kafka_part *ks_kafka_parts_find(struct ks_kafka_parts *x, const struct rd_kafka_message_s *m)
{
	struct ks_kafka_part *p = x->last;
	struct ks_kafka_read *t;

	if (KS_LIKELY(p != NULL && p->topic->handle == m->rkt && p->partition == m->partition))
		return p;
	if (m->rkt == NULL)
		return NULL;
	for (t = x->topics; t < x->topics + x->topic_count; t++) {
		if (t->handle != m->rkt && strcmp(rd_kafka_topic_name(m->rkt), t->name) != 0)
			continue;
		p = &x->parts[t->first];
		if (x->options->partition_count == 0)
			return m->partition < t->partitions ? (x->last = p + m->partition) : NULL;
		for (; p < &x->parts[t->first + t->count]; p++)
			if (p->partition == m->partition)
				return x->last = p;
	}
	return NULL;
}

void ks_kafka_parts_finish(struct ks_kafka_parts *x, struct ks_kafka_part *p)
{
	if (!p->done)
		x->left--;
	p->done = true;
}

int ks_kafka_parts_positions(const struct ks_kafka_parts *x, struct ks_buf *b)
{
	const struct ks_kafka_part *p;
	int no;

	b->n = 0;
	no = ks_mp_add_array_head(b, (uint32_t)x->count);
	for (p = x->parts; p < x->parts + x->count && no == 0; p++) {
		no = ks_mp_add_array_head(b, 3);
		if (no == 0)
			no = ks_mp_add_str(b, ks_str(p->topic->name));
		if (no == 0)
			no = ks_mp_add_i64(b, p->partition);
		if (no == 0)
			no = ks_mp_add_i64(b, p->next);
	}
	return no;
}
