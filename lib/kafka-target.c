/* SPDX-License-Identifier: MIT */
/* kafka-target.c - the topics that a sink writes. */
#include "kafka-target.h"

#include <stdio.h>
#include <stdlib.h>

#include "hash.h"
#include "kafka-admin.h"
#include "num.h"
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

/* What was made by somebody else has what a changelog needs. */
static int check_log(const struct ks_kafka_targets *x, const struct ks_kafka_target *t, int32_t partitions, struct ks_err *err)
{
	if (partitions > 0 && t->partitions != partitions)
		return ks_fail(err, KS_CONFIG, "changelog '%s' has %d partitions, and what is read has %d: give it as many, or leave it to be made",
		    t->name, (int)t->partitions, (int)partitions);
	if (!ks_kafka_topic_keeps(x->client, t->name))
		return ks_fail(err, KS_CONFIG, "changelog '%s' forgets by age: set its cleanup.policy to " KS_CLEANUP_LOG, t->name);
	return 0;
}

/* partitions: that it is to have, where it is made; 0: it is not. */
static int open_target(const struct ks_kafka_targets *x, struct ks_kafka_target *t, bool starting, int32_t partitions,
    struct ks_err *err)
{
	const struct ks_kafka_options *o = x->options;
	bool made = false;
	/* What would be made is made: that it is there already is an answer, too. */
	int status = (partitions > 0 ? ks_kafka_topic_now : ks_kafka_topic)(x->client, t->name, starting, &t->handle,
	    &t->partitions, err);

	if (status == KS_CONFIG && partitions > 0) {
		status = ks_kafka_topic_create(x->client, t->name, partitions, t->log ? KS_CLEANUP_LOG : NULL, &made, err);
		if (status == 0)
			status = ks_kafka_topic(x->client, t->name, false, &t->handle, &t->partitions, err);
	}
	if (status != 0)
		return status;
	if (made)
		note(x, t);
	status = t->log && !made ? check_log(x, t, partitions, err) : 0;
	if (status != 0) {
		ks_kafka_topic_drop(t->handle);
		return status;
	}
	if (!t->log && o->partition_count > 0 && o->partitions[0] >= t->partitions) {
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

static int add(struct ks_kafka_targets *x, struct ks_bytes name, bool starting, bool log, int32_t partitions, struct ks_err *err)
{
	struct ks_kafka_target *t = realloc(x->list, (x->count + 1) * sizeof(*t));
	int status;

	if (t == NULL)
		return ks_fail_memory(err);
	x->list = t;
	t += x->count;
	*t = (struct ks_kafka_target){ .log = log, .name = strndup((const char *)name.p, name.n) };
	if (t->name == NULL)
		return ks_fail_memory(err);
	status = open_target(x, t, starting, partitions, err);
	if (status != 0) {
		free(t->name);
		return status;
	}
	x->last = x->count++;
	return 0;
}

int ks_kafka_targets_add(struct ks_kafka_targets *x, struct ks_bytes name, bool starting, struct ks_err *err)
{
	return add(x, name, starting, false, x->options->create_partitions, err);
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

/* The header of a changelog's first record that says how many partitions it is to have; 0: there is none. */
static int32_t partitions_of(const struct ks_rec *rec)
{
	const unsigned char *p, *end = rec->headers.p + rec->headers.n;
	struct ks_head list, pair;
	struct ks_val name, value;
	int64_t count;

	if (ks_mp_head(rec->headers.p, end, &list) != KS_MP_OK || list.type != KS_ARRAY || list.count == 0 ||
	    ks_mp_head(list.body, end, &pair) != KS_MP_OK)
		return 0;
	p = pair.body;
	if (ks_mp_read(&p, end, 0, &name) != KS_MP_OK || ks_mp_read(&p, end, 0, &value) != KS_MP_OK || value.type != KS_BIN ||
	    !ks_bytes_is(name.b, "__kstream.partitions") || ks_num_parse_i64(value.b, &count) != 0 || count < 1 || count > INT32_MAX)
		return 0;
	return (int32_t)count;
}

#define PLACE (KS_WHERE + 2)

/* What goes before a line about a record; one of a changelog is a stage's own, and stands nowhere. */
static const char *place(const struct ks_rec *rec, char room[PLACE])
{
	size_t n = rec->offset >= 0 ? strlen(ks_where(rec, room)) : 0;

	memcpy(room + n, n > 0 ? ": " : "", n > 0 ? 3 : 1);
	return room;
}

/* Records of a changelog and others may not meet in one topic. */
static int check_kind(const struct ks_kafka_target *t, const struct ks_rec *rec, struct ks_err *err)
{
	if (t->log == ((rec->flags & KS_SIDE) == KS_SIDE_CHANGELOG))
		return 0;
	return ks_fail(err, KS_CONFIG, "'%s' is a changelog, and an output, too: give one of them another topic", t->name);
}

static int find(struct ks_kafka_targets *x, const struct ks_rec *rec, struct ks_kafka_target **target,
    struct ks_err *err)
{
	struct ks_err why;
	char room[PLACE];
	size_t i;
	int status;

	for (i = 0; i < x->count; i++) {
		if (ks_bytes_is(rec->route, x->list[i].name)) {
			x->last = i;
			*target = &x->list[i];
			return check_kind(*target, rec, err);
		}
	}
	if ((rec->flags & KS_SIDE) == KS_SIDE_CHANGELOG)
		status = add(x, rec->route, x->count == 0, true, partitions_of(rec), err);
	else
		status = ks_kafka_targets_add(x, rec->route, x->count == 0, err);
	if (status == 0) {
		*target = &x->list[x->last];
		return 0;
	}
	why = *err;
	return ks_fail(err, status, "%s%s", place(rec, room), why.text);
}

int ks_kafka_targets_choose(struct ks_kafka_targets *x, const struct ks_rec *rec,
    struct ks_kafka_target **target, struct ks_err *err)
{
	bool side = (rec->flags & KS_SIDE) != 0;

	if ((side || x->options->by_route) && rec->route.p != NULL) {
		if (x->last < x->count && ks_bytes_is(rec->route, x->list[x->last].name)) {
			*target = &x->list[x->last];
			return check_kind(*target, rec, err);
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
	char room[PLACE];

	*partition = rec->partition;
	if (from != NULL && from->partitions != t->partitions)
		return ks_fail(err, KS_CONFIG, "%schangelog '%s' has %d partitions and not %d, as '%s' has", place(rec, room), t->name,
		    (int)t->partitions, (int)from->partitions, from->name);
	if (rec->partition < 0 || rec->partition >= t->partitions)
		return ks_fail(err, KS_CONFIG, "%schangelog '%s' has no partition %d: it has %d of them, from 0", place(rec, room), t->name,
		    (int)rec->partition, (int)t->partitions);
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
