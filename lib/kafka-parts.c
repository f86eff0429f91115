/* SPDX-License-Identifier: MIT */
/* kafka-parts.c - which partitions of which topics are read. */
#include "kafka-parts.h"

#include <librdkafka/rdkafka.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "kafka-describe.h"
#include "kafka-names.h"
#include "stats.h"
#include "value.h"

void ks_kafka_warn(const struct ks_config *config, const char *fmt, ...)
{
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (!config->quiet)
		ks_say(config->program, text);
}

/* A topic that was just found by a pattern may be gone again, or not be ours to see. */
static bool passed_by(const struct ks_kafka_read *t, int status)
{
	return t->matched && (status == KS_CONFIG || status == KS_DENIED || status == KS_TEMP);
}

static int take_names(struct ks_kafka_parts *x, struct ks_kafka *client, struct ks_kafka_names *names,
    bool starting, struct ks_err *err)
{
	struct ks_kafka_read *t;
	size_t i;
	int status;

	x->topics = calloc(names->count + 1, sizeof(*x->topics));
	if (x->topics == NULL)
		return ks_fail_memory(err);
	for (i = 0; i < names->count; i++) {
		t = &x->topics[x->topic_count];
		*t = (struct ks_kafka_read){ .name = names->at[i].name, .matched = names->at[i].matched };
		status = ks_kafka_topic(client, t->name, starting && i == 0, &t->handle, &t->partitions, err);
		if (status != 0 && !passed_by(t, status))
			return status;
		if (status != 0)
			continue;
		names->at[i].name = NULL;	/* it is the topic's now */
		x->topic_count++;
	}
	return 0;
}

static int find_topics(struct ks_kafka_parts *x, struct ks_kafka *client, bool starting, struct ks_err *err)
{
	const struct ks_config *config = x->config;
	struct ks_kafka_names names;
	int status = ks_kafka_names_open(&names, config, err);

	if (status == 0)
		status = ks_kafka_names_find(&names, client, config, starting, err);
	if (status == 0)
		status = take_names(x, client, &names, starting, err);
	ks_kafka_names_close(&names);
	if (status != 0 || x->topic_count > 0 || !starting)
		return status;
	if (x->options->bounded)
		return ks_fail(err, KS_CONFIG, "no topic matches '%s'", config->topics[0]);
	ks_kafka_warn(config, "no topic matches '%s' yet", config->topics[0]);
	return 0;
}

/* Whether partition p is among those that were chosen for t: the i-th of it. */
static bool given_at(const rd_kafka_topic_partition_list_t *given, const struct ks_kafka_read *t, size_t *at,
    int32_t *partition)
{
	for (; *at < (size_t)given->cnt; ++*at) {
		if (strcmp(given->elems[*at].topic, t->name) != 0)
			continue;
		*partition = given->elems[(*at)++].partition;
		return true;
	}
	return false;
}

/* How many of so many partitions are an instance's: from its own number on, each instances-th. */
static size_t share_of(const struct ks_kafka_options *o, int32_t partitions)
{
	if (o->book == NULL)
		return (size_t)partitions;
	return (uint32_t)partitions <= o->instance ? 0 : ((uint32_t)partitions - o->instance - 1) / o->instances + 1;
}

static int count_parts(struct ks_kafka_parts *x, const rd_kafka_topic_partition_list_t *given, struct ks_err *err)
{
	const struct ks_kafka_options *o = x->options;
	struct ks_kafka_read *t;
	int32_t p;
	size_t i;

	for (t = x->topics; t < x->topics + x->topic_count; t++) {
		for (i = 0; i < o->partition_count; i++)
			if (o->partitions[i] >= t->partitions)
				return ks_fail(err, KS_CONFIG, "topic '%s' has no partition %d: it has %d of them, from 0",
				    t->name, (int)o->partitions[i], (int)t->partitions);
		t->first = x->count;
		t->whole = given == NULL && o->partition_count == 0 && (o->book == NULL || o->instances == 1);
		if (given == NULL && o->partition_count > 0)
			t->count = o->partition_count;
		else if (given == NULL)
			t->count = share_of(o, t->partitions);
		else
			for (i = 0; given_at(given, t, &i, &p);)
				t->count++;
		x->count += t->count;
	}
	return 0;
}

static int choose(struct ks_kafka_parts *x, const rd_kafka_topic_partition_list_t *given, struct ks_err *err)
{
	const struct ks_kafka_options *o = x->options;
	struct ks_kafka_part *p;
	struct ks_kafka_read *t;
	size_t i, at;
	int status = count_parts(x, given, err);

	if (status != 0)
		return status;
	x->parts = calloc(x->count + 1, sizeof(*x->parts));
	if (x->parts == NULL)
		return ks_fail_memory(err);
	for (t = x->topics; t < x->topics + x->topic_count; t++)
		for (i = at = 0; i < t->count; i++) {
			p = &x->parts[t->first + i];
			*p = (struct ks_kafka_part){
				.topic = t, .partition = t->whole ? (int32_t)i : 0, .next = -1, .committed = -1,
				.since_ms = INT64_MIN, .end = INT64_MAX,
			};
			if (given != NULL && !given_at(given, t, &at, &p->partition))
				ks_bug("an assignment has changed");
			if (given == NULL && !t->whole)
				p->partition = o->partition_count > 0 ? o->partitions[i] : (int32_t)(o->instance + i * o->instances);
		}
	return 0;
}

static struct ks_kafka_part *part_of(const struct ks_kafka_parts *x, const struct ks_kafka_read *t, int32_t partition)
{
	struct ks_kafka_part *p = &x->parts[t->first];

	if (t->whole)
		return partition >= 0 && partition < t->partitions ? p + partition : NULL;
	for (; p < &x->parts[t->first + t->count]; p++)
		if (p->partition == partition)
			return p;
	return NULL;
}

static struct ks_kafka_part *parts_named(const struct ks_kafka_parts *x, const char *topic, int32_t partition)
{
	const struct ks_kafka_read *t;

	for (t = x->topics; t < x->topics + x->topic_count; t++)
		if (strcmp(t->name, topic) == 0)
			return part_of(x, t, partition);
	return NULL;
}

/* Where they stand, of those that were read before. */
static void carry_on(struct ks_kafka_parts *x, const struct ks_kafka_parts *before)
{
	const struct ks_kafka_part *old;
	struct ks_kafka_part *p;

	for (p = x->parts; p < x->parts + x->count; p++) {
		old = parts_named(before, p->topic->name, p->partition);
		if (old == NULL)
			continue;
		p->next = old->next;
		p->skip = old->skip;
		p->since_ms = old->since_ms;
		p->end = old->end;
		p->done = old->done;
	}
}

int ks_kafka_parts_choose(struct ks_kafka_parts *x, struct ks_kafka *client, const struct ks_kafka_options *options,
    const struct ks_config *config, const struct rd_kafka_topic_partition_list_s *given, bool starting, struct ks_err *err)
{
	int status;

	*x = (struct ks_kafka_parts){ .options = options, .config = config };
	status = find_topics(x, client, starting, err);
	return status == 0 ? choose(x, given, err) : status;
}

int ks_kafka_parts_settle(struct ks_kafka_parts *x, struct ks_kafka *client, const struct ks_kafka_parts *before,
    struct ks_err *err)
{
	const struct ks_kafka_options *options = x->options;
	struct ks_kafka_options later = *options;
	struct rd_kafka_queue_s *described;
	size_t i;
	int status;

	if (before != NULL) {
		carry_on(x, before);
		later.start = KS_START_BEGINNING;
		later.stored = false;
		x->options = &later;
	}
	described = ks_kafka_describe(client, x);
	status = ks_kafka_parts_place(x, client, err);
	ks_kafka_described(described, x);
	x->options = options;
	for (i = 0; i < x->count; i++)
		x->left += !x->parts[i].done;
	return status;
}

int ks_kafka_parts_open(struct ks_kafka_parts *x, struct ks_kafka *client,
    const struct ks_kafka_options *options, const struct ks_config *config,
    const struct rd_kafka_topic_partition_list_s *given, const struct ks_kafka_parts *before,
    struct ks_err *err)
{
	/* A group looks for its topics before it is joined, which is a start, too. */
	bool starting = before == NULL && (given == NULL || !client->answered);
	int status = ks_kafka_parts_choose(x, client, options, config, given, starting, err);

	return status == 0 ? ks_kafka_parts_settle(x, client, before, err) : status;
}

void ks_kafka_parts_close(struct ks_kafka_parts *x)
{
	size_t i;

	for (i = 0; i < x->topic_count; i++) {
		ks_kafka_topic_drop(x->topics[i].handle);
		free(x->topics[i].name);
	}
	free(x->topics);
	free(x->parts);
	*x = (struct ks_kafka_parts){ 0 };
}

static const struct rd_kafka_metadata_topic *topic_of(const struct rd_kafka_metadata *md, const char *name)
{
	int i;

	for (i = 0; i < md->topic_cnt; i++)
		if (strcmp(md->topics[i].topic, name) == 0)
			return md->topics[i].err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ? NULL : &md->topics[i];
	return NULL;
}

static bool reads(const struct ks_kafka_parts *x, const char *name)
{
	size_t i;

	for (i = 0; i < x->topic_count; i++)
		if (strcmp(x->topics[i].name, name) == 0)
			return true;
	return false;
}

static int compare(const struct ks_kafka_parts *x, const struct rd_kafka_metadata *md, bool *changed,
    char gone[300], struct ks_err *err)
{
	const struct rd_kafka_metadata_topic *m;
	const struct ks_kafka_read *t;

	for (t = x->topics; t < x->topics + x->topic_count; t++) {
		m = topic_of(md, t->name);
		if (m == NULL && !t->matched)
			return ks_fail(err, KS_CONFIG, "there is no topic '%s' any more", t->name);
		if (m == NULL)
			snprintf(gone, 300, "there is no topic '%s' any more", t->name);
		/* While an error passes, and a leader is chosen, it has none. */
		if (m != NULL && m->partition_cnt > 0 && m->partition_cnt < t->partitions && !t->matched)
			return ks_fail(err, KS_CONFIG, "topic '%s' has %d partitions now, and had %d: it was made anew",
			    t->name, m->partition_cnt, (int)t->partitions);
		*changed |= m == NULL || (m->partition_cnt > 0 && m->partition_cnt != t->partitions);
	}
	return 0;
}

static int look_for_more(const struct ks_kafka_parts *x, const struct rd_kafka_metadata *md, bool *changed,
    struct ks_err *err)
{
	struct ks_kafka_names names;
	int status = ks_kafka_names_open(&names, x->config, err), i;

	for (i = 0; i < md->topic_cnt && status == 0 && !*changed; i++)
		*changed = md->topics[i].err == RD_KAFKA_RESP_ERR_NO_ERROR && md->topics[i].partition_cnt > 0 &&
		    ks_kafka_names_match(&names, md->topics[i].topic) && !reads(x, md->topics[i].topic);
	ks_kafka_names_close(&names);
	return status;
}

int ks_kafka_parts_look(const struct ks_kafka_parts *x, struct ks_kafka *client, int wait_ms, bool *changed,
    char gone[300], struct ks_err *err)
{
	bool patterns = ks_kafka_has_patterns(x->config);
	const struct rd_kafka_metadata *md;
	int status;

	*changed = false;
	gone[0] = '\0';
	/* Without patterns: of the topics that the client has a handle of. */
	if (rd_kafka_metadata(client->rk, patterns, NULL, &md, wait_ms) != RD_KAFKA_RESP_ERR_NO_ERROR)
		return 0;
	status = compare(x, md, changed, gone, err);
	if (status == 0 && patterns && !*changed)
		status = look_for_more(x, md, changed, err);
	rd_kafka_metadata_destroy(md);
	return status;
}

struct rd_kafka_topic_partition_list_s *ks_kafka_parts_list(const struct ks_kafka_parts *x, enum ks_kafka_which which)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)x->count);
	const struct ks_kafka_part *p;

	for (p = x->parts; p < x->parts + x->count; p++)
		if (!p->done && (which == KS_PARTS_ALL || p->idle == (which == KS_PARTS_IDLE)))
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
		p = part_of(x, t, m->partition);
		if (p != NULL)
			x->last = p;
		return p;
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
