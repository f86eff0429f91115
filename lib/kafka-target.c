/* SPDX-License-Identifier: MIT */
/* kafka-target.c - the topics that a sink writes. */
#include "kafka-target.h"

#include <stdio.h>
#include <stdlib.h>

#include "hash.h"
#include "kafka-admin.h"
#include "reject.h"

static void note(const struct ks_kafka_targets *x, const struct ks_kafka_target *t)
{
	char text[KS_NAME_MAX + 64];

	if (x->options->note == NULL)
		return;
	snprintf(text, sizeof(text), "made topic '%s' with %d partition%s", t->name, (int)t->partitions,
	    t->partitions == 1 ? "" : "s");
	x->options->note(text);
}

/*
 * The number that an idempotent producer needs is asked for with each answer
 * about topics, else after 500 ms.  librdkafka 2.16 drops the connection that
 * the first answer came by, and has no other one then; by now it has.
 */
static int ask_again(const struct ks_kafka_targets *x, const struct ks_kafka_target *t, struct ks_err *err)
{
	struct rd_kafka_topic_s *handle;
	int32_t partitions;
	int status = ks_kafka_topic(x->client, t->name, true, &handle, &partitions, err);

	if (status == 0)
		ks_kafka_topic_drop(handle);
	return status;
}

static int open_target(const struct ks_kafka_targets *x, struct ks_kafka_target *t, bool starting,
    struct ks_err *err)
{
	const struct ks_kafka_options *o = x->options;
	bool made = false;
	/* What would be made is made: that it is there already is an answer, too. */
	int status = (o->create_partitions > 0 ? ks_kafka_topic_now : ks_kafka_topic)(x->client, t->name, starting, &t->handle,
	    &t->partitions, err);

	if (status == KS_CONFIG && o->create_partitions > 0) {
		status = ks_kafka_topic_create(x->client, t->name, o->create_partitions, &made, err);
		if (status == 0)
			status = ks_kafka_topic(x->client, t->name, false, &t->handle, &t->partitions, err);
	}
	if (status != 0)
		return status;
	if (made)
		note(x, t);
	if (o->partition_count > 0 && o->partitions[0] >= t->partitions) {
		ks_kafka_topic_drop(t->handle);
		return ks_fail(err, KS_CONFIG, "topic '%s' has no partition %d: it has %d of them, from 0",
		    t->name, (int)o->partitions[0], (int)t->partitions);
	}
	t->max = ks_kafka_topic_max(x->client, t->name);
	t->small = t->max > 0 && t->max < x->batch;
	if (starting)
		status = ask_again(x, t, err);
	if (status != 0)
		ks_kafka_topic_drop(t->handle);
	return status;
}

int ks_kafka_targets_add(struct ks_kafka_targets *x, struct ks_bytes name, bool starting,
    struct ks_err *err)
{
	struct ks_kafka_target *t = realloc(x->list, (x->count + 1) * sizeof(*t));
	int status;

	if (t == NULL)
		return ks_fail_memory(err);
	x->list = t;
	t += x->count;
	*t = (struct ks_kafka_target){ .name = strndup((const char *)name.p, name.n) };
	if (t->name == NULL)
		return ks_fail_memory(err);
	status = open_target(x, t, starting, err);
	if (status != 0) {
		free(t->name);
		return status;
	}
	x->last = x->count++;
	return 0;
}

void ks_kafka_targets_close(struct ks_kafka_targets *x)
{
	size_t i;

	for (i = 0; i < x->count; i++) {
		ks_kafka_topic_drop(x->list[i].handle);
		free(x->list[i].name);
	}
	free(x->list);
	*x = (struct ks_kafka_targets){ 0 };
}

static int find(struct ks_kafka_targets *x, const struct ks_rec *rec, struct ks_kafka_target **target,
    struct ks_err *err)
{
	struct ks_err why;
	char room[KS_WHERE];
	size_t i;
	int status;

	for (i = 0; i < x->count; i++) {
		if (ks_bytes_is(rec->route, x->list[i].name)) {
			x->last = i;
			*target = &x->list[i];
			return 0;
		}
	}
	status = ks_kafka_targets_add(x, rec->route, x->count == 0, err);
	if (status == 0) {
		*target = &x->list[x->last];
		return 0;
	}
	why = *err;
	return ks_fail(err, status, "%s: %s", ks_where(rec, room), why.text);
}

int ks_kafka_targets_choose(struct ks_kafka_targets *x, const struct ks_rec *rec,
    struct ks_kafka_target **target, struct ks_err *err)
{
	bool side = (rec->flags & KS_SIDE) != 0;

	if ((side || x->options->by_route) && rec->route.p != NULL) {
		if (x->last < x->count && ks_bytes_is(rec->route, x->list[x->last].name)) {
			*target = &x->list[x->last];
			return 0;
		}
		return find(x, rec, target, err);
	}
	if (side)
		return ks_fail(err, KS_DATA, "a side record has no route");
	if (!x->has_main)
		return ks_fail(err, KS_DATA, "the record has no route, and no -t says where such records go");
	*target = &x->list[0];
	return 0;
}

/* State is restored from a changelog partition by partition: hashing would scatter it. */
static int keep(const struct ks_kafka_target *t, const struct ks_kafka_stream *from,
    const struct ks_rec *rec, int32_t *partition, struct ks_err *err)
{
	char room[KS_WHERE];

	*partition = rec->partition;
	if (from != NULL && from->partitions != t->partitions)
		return ks_fail(err, KS_CONFIG, "%s: changelog '%s' has %d partitions and not %d, as '%s' has",
		    ks_where(rec, room), t->name, (int)t->partitions, (int)from->partitions, from->name);
	if (rec->partition < 0 || rec->partition >= t->partitions)
		return ks_fail(err, KS_CONFIG, "%s: changelog '%s' has no such partition: it has %d of them, from 0",
		    ks_where(rec, room), t->name, (int)t->partitions);
	return 0;
}

int ks_kafka_targets_partition(const struct ks_kafka_targets *x, const struct ks_kafka_target *t,
    const struct ks_kafka_stream *from, const struct ks_rec *rec, struct ks_bytes hashed,
    int32_t *partition, struct ks_err *err)
{
	if ((rec->flags & KS_SIDE) == KS_SIDE_CHANGELOG)
		return keep(t, from, rec, partition, err);
	if (x->options->partition_count > 0 && (rec->flags & KS_SIDE) == 0)
		*partition = x->options->partitions[0];
	else if ((rec->flags & KS_KEY_CHANGED) == 0 && rec->partition >= 0 && rec->partition < t->partitions &&
	    (from == NULL || from->partitions == t->partitions))
		*partition = rec->partition;
	else
		*partition = hashed.p == NULL ? -1 : ks_partition_of(hashed, t->partitions);
	return 0;
}
