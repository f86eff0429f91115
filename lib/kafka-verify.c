/* SPDX-License-Identifier: MIT */
/* kafka-verify.c - --verify: what was copied, and whether it is equal. */
#include "kafka-verify.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "kafka-admin.h"
#include "kafka-verify-read.h"

/*
 * What was read is decided, so read_committed waits for nobody.  What was
 * written is not of a transaction: there it would wait for those that
 * others have open before it.
 */
#define FROM_ISOLATION "read_committed"
#define TO_ISOLATION "read_uncommitted"
#define KEEP_MAX ((uint64_t)1 << 25)	/* hashes of one partition, 8 bytes each, for both sides: half a gigabyte */

struct ks_kafka_verify {
	struct ks_kafka *client;	/* the sink's */
	const struct ks_kafka_options *options;
	struct ks_verify_side from, to;
	const struct ks_kafka_streams *streams;	/* of the section: what places are told by */
	uint64_t delivered;
	bool no_memory;
	bool no_offset;		/* a record was acknowledged without its offset */
	bool no_place;		/* and one without where it came from: side by side nothing can be paired */
	void (*line)(void *arg, const char *text);
	void *arg;
};

struct ks_kafka_verify *ks_kafka_verify_new(const struct ks_kafka_options *options)
{
	struct ks_kafka_verify *v = calloc(1, sizeof(*v));

	if (v != NULL)
		v->options = options;
	return v;
}

void ks_kafka_verify_free(struct ks_kafka_verify *v)
{
	if (v == NULL)
		return;
	ks_verify_side_release(&v->from);
	ks_verify_side_release(&v->to);
	free(v);
}

/* --- what is copied --- */

struct position {
	char topic[KS_NAME_MAX + 1];
	int32_t partition;
	int64_t offset;
};

static bool set_topic(struct position *x, struct ks_bytes name)
{
	if (name.n > KS_NAME_MAX)
		return false;
	memcpy(x->topic, name.p, name.n);
	x->topic[name.n] = '\0';
	return true;
}

/* A position of HELLO: a map with input, partition, offset. */
static bool next_position(const unsigned char **p, const unsigned char *end, unsigned depth, struct position *x)
{
	struct ks_val key, value;
	struct ks_head head;
	unsigned seen = 0;
	uint32_t i;

	if (ks_mp_head(*p, end, &head) != KS_MP_OK || head.type != KS_MAP)
		return false;
	*p = head.body;
	for (i = 0; i < head.count; i++) {
		if (ks_mp_read(p, end, 0, &key) != KS_MP_OK || ks_mp_read(p, end, depth, &value) != KS_MP_OK)
			return false;
		if (ks_bytes_is(key.b, "input") && value.type == KS_STR && set_topic(x, value.b)) {
			seen |= 1;
		} else if (ks_bytes_is(key.b, "partition") && value.type == KS_INT && value.i >= 0 && value.i <= INT32_MAX) {
			x->partition = (int32_t)value.i;
			seen |= 2;
		} else if (ks_bytes_is(key.b, "offset") && value.type == KS_INT && value.i >= 0) {
			x->offset = value.i;
			seen |= 4;
		}
	}
	return seen == 7;
}

static int check_topic(struct ks_kafka *client, const char *name, const char *target, int32_t *partitions,
    struct ks_err *err)
{
	struct rd_kafka_topic_s *handle;
	int status;

	if (target != NULL && strcmp(name, target) == 0)
		return ks_fail(err, KS_CONFIG, "--verify: '%s' is both what is read and what is written", name);
	status = ks_kafka_topic(client, name, false, &handle, partitions, err);
	if (status == 0)
		ks_kafka_topic_drop(handle);
	else if (status == KS_CONFIG)
		status = ks_fail(err, status, "--verify compares topics of one cluster, and %s has no topic '%s'", client->brokers, name);
	return status;
}

int ks_kafka_verify_hello(struct ks_kafka_verify *v, struct ks_kafka *client, struct ks_bytes hello,
    const struct ks_kafka_streams *streams, const char *target, unsigned depth, struct ks_err *err)
{
	const unsigned char *p;
	char topic[KS_NAME_MAX + 1] = "";
	struct position x;
	struct ks_verify_part *part;
	int32_t partitions = 0;
	uint32_t count, i;
	int status = ks_hello_list(hello, "positions", depth, &p, &count, err);

	v->client = client;
	v->streams = streams;
	if (status == 0 && count == 0)
		return ks_fail(err, KS_CONFIG, "--verify: the stream does not say which topics it comes from");
	for (i = 0; i < count && status == 0; i++) {
		if (!next_position(&p, hello.p + hello.n, depth, &x))
			return ks_fail(err, KS_DATA, "HELLO: a position is damaged");
		/* Positions come topic by topic. */
		if (strcmp(topic, x.topic) != 0)
			status = check_topic(client, x.topic, target, &partitions, err);
		memcpy(topic, x.topic, sizeof(topic));
		if (status == 0 && x.partition >= partitions)
			status = ks_fail(err, KS_CONFIG, "--verify: topic '%s' of %s has no partition %d, from which the stream comes",
			    topic, client->brokers, (int)x.partition);
		if (status != 0)
			break;
		part = ks_verify_part(&v->from, x.topic, x.partition);
		if (part == NULL || ks_verify_add(part, x.offset, x.offset) != 0)
			return ks_fail_memory(err);
	}
	return status;
}

int ks_kafka_verify_barrier(struct ks_kafka_verify *v, struct ks_bytes positions, struct ks_err *err)
{
	const unsigned char *p, *end = positions.p + positions.n;
	struct ks_verify_part *part;
	struct ks_position x;
	struct position name;
	struct ks_head head;
	uint32_t i;

	if (ks_mp_head(positions.p, end, &head) != KS_MP_OK || head.type != KS_ARRAY)
		return ks_fail(err, KS_DATA, "a barrier without positions");
	p = head.body;
	for (i = 0; i < head.count; i++) {
		if (!ks_position_next(&p, end, &x) || !set_topic(&name, x.input))
			return ks_fail(err, KS_DATA, "a position of a barrier is damaged");
		part = ks_verify_find(&v->from, name.topic, x.partition);
		if (part == NULL)
			return ks_fail(err, KS_DATA, "a barrier is about '%s/%d', of which HELLO says nothing", name.topic,
			    (int)x.partition);
		if (part->count > 0 && x.offset > part->runs[part->count - 1].to)
			part->runs[part->count - 1].to = x.offset;
	}
	return 0;
}

static void pair(struct ks_verify_part *p, struct ks_verify_part *peer)
{
	if (p->peer == NULL)
		p->peer = peer;
	p->mixed |= p->peer != peer;
}

void ks_kafka_verify_delivered(struct ks_kafka_verify *v, const char *topic, int32_t partition,
    int64_t offset, const void *place)
{
	struct ks_verify_part *from, *to;
	struct ks_kafka_place x;
	bool known = ks_kafka_place_unpack(place, &x) && x.stream < v->streams->count;

	if (known && x.side)
		return;		/* a dead letter is no copy */
	v->delivered++;
	if (offset < 0) {
		v->no_offset = true;
		return;
	}
	to = ks_verify_part(&v->to, topic, partition);
	if (to == NULL || ks_verify_add(to, offset, offset + 1) != 0) {
		v->no_memory = true;
		return;
	}
	from = known ? ks_verify_find(&v->from, v->streams->list[x.stream].name, x.partition) : NULL;
	v->no_place |= from == NULL;
	if (from == NULL)
		return;
	from->repeated |= x.offset < from->next;
	from->next = x.offset + 1;
	pair(from, to);
	pair(to, from);
}

/* --- what was found --- */

static void say(struct ks_kafka_verify *v, const char *fmt, ...) KS_PRINTF(2, 3);
static void say(struct ks_kafka_verify *v, const char *fmt, ...)
{
	char text[3 * KS_NAME_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	v->line(v->arg, text);
}

static const char *verdict(bool equal)
{
	return equal ? "equal" : "DIFFERENT";
}

/* The part behind p in the order of topics and partitions, the first behind NULL. */
static struct ks_verify_part *each(const struct ks_verify_side *s, size_t *topic, size_t *partition)
{
	for (; *topic < s->count; (*topic)++, *partition = 0)
		while (*partition < s->topics[*topic]->count)
			if (s->topics[*topic]->parts[(*partition)++] != NULL)
				return s->topics[*topic]->parts[*partition - 1];
	return NULL;
}

static bool one_to_one(const struct ks_kafka_verify *v)
{
	const struct ks_verify_part *p;
	size_t i = 0, j = 0;

	if (v->no_place)
		return false;
	while ((p = each(&v->from, &i, &j)) != NULL)
		if (p->mixed)
			return false;
	for (i = j = 0; (p = each(&v->to, &i, &j)) != NULL;)
		if (p->mixed)
			return false;
	return true;
}

/* The same runs by themselves, with the hash of every record. */
static int read_again(const struct ks_kafka_verify *v, const struct ks_verify_part *p, uint64_t keep, int hash,
    const char *isolation, struct ks_verify_side *side, struct ks_verify_part **part, struct ks_err *err)
{
	size_t i;

	side->keep = keep;
	side->kept = hash;
	*part = ks_verify_part(side, p->topic->name, p->partition);
	if (*part == NULL)
		return ks_fail_memory(err);
	for (i = 0; i < p->count; i++)
		if (ks_verify_add(*part, p->runs[i].from, p->runs[i].to) != 0)
			return ks_fail_memory(err);
	return ks_verify_read(side, v->options, isolation, err);
}

/* Whether what is left of one is all in the other, in the same order. */
static bool is_within(const struct ks_verify_part *few, uint64_t keep, const struct ks_verify_part *many)
{
	uint64_t i, j = 0;

	if (few->records > many->records || many->records > keep)
		return false;
	for (i = 0; i < few->records; i++, j++) {
		while (j < many->records && many->each[j] != few->each[i])
			j++;
		if (j == many->records)
			return false;
	}
	return true;
}

/*
 * A compacted topic loses records while it is copied, and afterwards.  What
 * the source has lost is no fault of the copy, if it has all the rest; the
 * target may lose records only where it is compacted, too.
 */
static int compare_rest(struct ks_kafka_verify *v, const struct ks_verify_part *p, const struct ks_verify_part *q,
    int hash, bool *equal, struct ks_err *err)
{
	struct ks_verify_side from = { 0 }, to = { 0 };
	struct ks_verify_part *a, *b;
	uint64_t keep = p->records > q->records ? p->records : q->records;
	int status;

	*equal = false;
	/* What goes out twice, by whatever stands between, looks like a loss of the source. */
	if (keep > KEEP_MAX || p->records == q->records || p->repeated ||
	    (q->records < p->records && !ks_kafka_topic_compacted(v->client, q->topic->name)))
		return 0;
	status = read_again(v, p, keep, hash, FROM_ISOLATION, &from, &a, err);
	if (status == 0)
		status = read_again(v, q, keep, hash, TO_ISOLATION, &to, &b, err);
	if (status == 0)
		*equal = p->records < q->records ? is_within(a, keep, b) : is_within(b, keep, a);
	ks_verify_side_release(&from);
	ks_verify_side_release(&to);
	return status;
}

static int compare_pair(struct ks_kafka_verify *v, const struct ks_verify_part *p, const struct ks_verify_part *q,
    int hash, bool *equal, struct ks_err *err)
{
	char rest[KS_NAME_MAX + 64] = "";
	uint64_t lost = p->records < q->records ? q->records - p->records : p->records - q->records;
	int status = 0;

	*equal = p->records == q->records && p->chain[hash] == q->chain[hash];
	if (!*equal) {
		status = compare_rest(v, p, q, hash, equal, err);
		if (*equal)
			snprintf(rest, sizeof(rest), " but for %" PRIu64 " that '%s' has lost since", lost,
			    p->records < q->records ? p->topic->name : q->topic->name);
	}
	if (status == 0)
		say(v, "%s/%d: %" PRIu64 " records, xxh3 %016" PRIx64 "  %s/%d: %" PRIu64 " records, xxh3 %016" PRIx64 "  %s%s",
		    p->topic->name, (int)p->partition, p->records, p->chain[hash], q->topic->name,
		    (int)q->partition, q->records, q->chain[hash], verdict(*equal), rest);
	return status;
}

static int compare_pairs(struct ks_kafka_verify *v, int hash, bool *all, struct ks_err *err)
{
	const struct ks_verify_part *p;
	bool equal;
	size_t i = 0, j = 0;
	int status = 0;

	*all = true;
	while (status == 0 && (p = each(&v->from, &i, &j)) != NULL) {
		if (p->records == 0 && p->peer == NULL)
			continue;
		equal = false;
		if (p->peer != NULL)
			status = compare_pair(v, p, p->peer, hash, &equal, err);
		else
			say(v, "%s/%d: %" PRIu64 " records, xxh3 %016" PRIx64 "  nothing of it was written  %s",
			    p->topic->name, (int)p->partition, p->records, p->chain[hash], verdict(false));
		*all &= equal;
	}
	return status;
}

static void add_up(struct ks_kafka_verify *v, const struct ks_verify_side *s, int hash, uint64_t *records,
    uint64_t *sum, bool tell)
{
	const struct ks_verify_part *p;
	size_t i = 0, j = 0;

	*records = *sum = 0;
	while ((p = each(s, &i, &j)) != NULL) {
		*records += p->records;
		*sum += p->sum[hash];
		if (tell && p->records > 0)
			say(v, "%s/%d: %" PRIu64 " records, sum %016" PRIx64, p->topic->name, (int)p->partition,
			    p->records, p->sum[hash]);
	}
}

static int compare(struct ks_kafka_verify *v, bool *equal, struct ks_err *err)
{
	uint64_t read, written, read_sum, written_sum;
	bool pairs = one_to_one(v);
	int hash = v->to.appends ? KS_UNTIMED : KS_TIMED, status = 0;

	if (pairs)
		status = compare_pairs(v, hash, equal, err);
	if (status != 0)
		return status;
	add_up(v, &v->from, hash, &read, &read_sum, !pairs);
	add_up(v, &v->to, hash, &written, &written_sum, !pairs);
	if (!pairs)
		*equal = read == written && read_sum == written_sum && written == v->delivered;
	*equal &= !v->no_offset;
	say(v, "all: %" PRIu64 " records, sum %016" PRIx64 "  %" PRIu64 " records, sum %016" PRIx64 "  %s%s%s%s",
	    read, read_sum, written, written_sum, verdict(*equal),
	    pairs ? "" : ", whatever their order, as the partitions are others",
	    hash == KS_TIMED ? "" : ", but for the times, which the topic sets itself",
	    *equal && read_sum != written_sum ? ", but for what was lost since" : "");
	if (v->no_offset)
		say(v, "some records were acknowledged without an offset, and cannot be found again");
	if (written < v->delivered)
		say(v, "%" PRIu64 " of the records that were written are not there any more", v->delivered - written);
	if (read < v->delivered)
		say(v, "%" PRIu64 " of the records that were read are not there any more", v->delivered - read);
	return 0;
}

static int check_names(const struct ks_kafka_verify *v, struct ks_err *err)
{
	size_t i, j;

	for (i = 0; i < v->from.count; i++)
		for (j = 0; j < v->to.count; j++)
			if (strcmp(v->from.topics[i]->name, v->to.topics[j]->name) == 0)
				return ks_fail(err, KS_CONFIG, "--verify: '%s' is both what was read and what was written",
				    v->from.topics[i]->name);
	return 0;
}

int ks_kafka_verify_run(struct ks_kafka_verify *v, void (*line)(void *arg, const char *text), void *arg,
    bool *equal, struct ks_err *err)
{
	int status = v->no_memory ? ks_fail_memory(err) : check_names(v, err);

	v->line = line;
	v->arg = arg;
	if (status == 0)
		status = ks_verify_read(&v->from, v->options, FROM_ISOLATION, err);
	if (status == 0)
		status = ks_verify_read(&v->to, v->options, TO_ISOLATION, err);
	return status == 0 ? compare(v, equal, err) : status;
}
