/* SPDX-License-Identifier: MIT */
/*
 * kafka-offset.c - where each partition begins and ends: -o, what a group
 * has committed, times, and the ends as they are now.
 */
#include <librdkafka/rdkafka.h>
#include <stdlib.h>
#include <time.h>

#include "fdio.h"
#include "kafka-ledger.h"
#include "kafka-parts.h"
#include "signals.h"

#define FIRST_MS 250	/* the first question for what is committed; each that follows waits twice as long */
#define AGAIN_MS 100	/* between two questions to a coordinator that is not one yet */

/* What is asked of the partitions that are to be placed, in the order of x->parts. */
struct places {
	rd_kafka_topic_partition_list_t *low, *high, *stored, *timed;	/* NULL: not asked */
};

static rd_kafka_topic_partition_list_t *list_new(const struct ks_kafka_parts *x)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)x->count);
	const struct ks_kafka_part *p;

	for (p = x->parts; p < x->parts + x->count; p++)
		if (p->next < 0)
			rd_kafka_topic_partition_list_add(list, p->topic->name, p->partition);
	return list;
}

static void list_free(rd_kafka_topic_partition_list_t *list)
{
	if (list != NULL)
		rd_kafka_topic_partition_list_destroy(list);
}

static rd_kafka_resp_err_t first_error(const rd_kafka_topic_partition_list_t *list)
{
	int i;

	for (i = 0; i < list->cnt; i++)
		if (list->elems[i].err != RD_KAFKA_RESP_ERR_NO_ERROR)
			return list->elems[i].err;
	return RD_KAFKA_RESP_ERR_NO_ERROR;
}

/*
 * Who may not look for the coordinator of a group hears of it as a reader
 * would; the question for its offsets waits until its time is over.  A member
 * of the group knows already, and is not to miss what else a reader hears.
 */
static bool is_denied(struct ks_kafka *k, rd_kafka_resp_err_t e)
{
	rd_kafka_message_t *m;

	if (e != RD_KAFKA_RESP_ERR__TIMED_OUT && e != RD_KAFKA_RESP_ERR__WAIT_COORD)
		return e == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED;
	if (k->group != NULL)
		return false;
	m = rd_kafka_consumer_poll(k->rk, 0);
	if (m == NULL)
		return false;
	e = m->err;
	rd_kafka_message_destroy(m);
	return e == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED;
}

/*
 * An open transaction on one of the offsets holds up the answer (broker 1);
 * a coordinator that is new takes a while.
 */
int ks_kafka_committed(struct ks_kafka *k, rd_kafka_topic_partition_list_t *list, const char *group,
    struct ks_err *err)
{
	const struct timespec pause = { .tv_nsec = AGAIN_MS * 1000000 };
	int64_t now = ks_clock_ms(), deadline = now + ks_kafka_move_ms(k);
	rd_kafka_resp_err_t e;
	int slice = FIRST_MS;

	for (;; slice *= 2) {
		if (slice > deadline - now)
			slice = deadline - now > 1 ? (int)(deadline - now) : 1;
		e = rd_kafka_committed(k->rk, list, slice);
		if (e == RD_KAFKA_RESP_ERR_NO_ERROR)
			e = first_error(list);
		if (e == RD_KAFKA_RESP_ERR_NO_ERROR)
			return 0;
		rd_kafka_poll(k->rk, 0);
		if (is_denied(k, e))
			return ks_fail(err, KS_DENIED, "no right to read the offsets of group '%s': DESCRIBE on the group is missing",
			    group);
		now = ks_clock_ms();
		if (e == RD_KAFKA_RESP_ERR__TIMED_OUT && k->failed.status == 0 && now < deadline && ks_signals_end() == 0)
			continue;
		if ((e != RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS && e != RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE &&
		    e != RD_KAFKA_RESP_ERR_NOT_COORDINATOR && e != RD_KAFKA_RESP_ERR__WAIT_COORD &&
		    e != RD_KAFKA_RESP_ERR__TRANSPORT) || k->failed.status != 0 || now >= deadline)
			return ks_kafka_fail(k, (int)e, true, err, "cannot read the offsets of group '%s'", group);
		nanosleep(&pause, NULL);
	}
}

static const char *group_of(const struct ks_kafka_options *o)
{
	const char *group = o->book != NULL ? o->book : o->group;
	size_t i;

	for (i = 0; i < o->property_count && group == NULL; i++)
		if (strcmp(o->properties[i].name, "group.id") == 0)
			group = o->properties[i].value;
	return group != NULL ? group : "";
}

/* Without a committed offset; the log is [low, high). */
static void begin_fresh(struct ks_kafka_part *p, const struct ks_kafka_options *o, int64_t low, int64_t high,
    int64_t timed)
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
	case KS_START_TIME:
		p->since_ms = o->start_at;
		p->next = timed < 0 || timed > high ? high : timed;
		break;
	}
	if (p->next < low)
		p->next = low;
}

static void begin_stored(struct ks_kafka_part *p, const struct ks_kafka_parts *x, int64_t stored, int64_t low,
    int64_t high)
{
	const char *group = group_of(x->options);

	p->next = p->committed = stored;
	if (stored < low) {
		ks_kafka_warn(x->config, "%s/%d@%lld: group '%s' was to go on here, but this was deleted: the records begin at %lld",
		    p->topic->name, (int)p->partition, (long long)stored, group, (long long)low);
		p->next = low;
	} else if (stored > high && x->options->bounded) {
		ks_kafka_warn(x->config, "%s/%d@%lld: group '%s' is to go on here, but the records end before %lld",
		    p->topic->name, (int)p->partition, (long long)stored, group, (long long)high);
	}
}

/* Before any has its place. */
static void mark_entered(struct ks_kafka_parts *x, const rd_kafka_topic_partition_list_t *stored)
{
	const struct ks_kafka_part *p;
	size_t i = 0;

	if (x->options->book == NULL || stored == NULL)
		return;
	for (p = x->parts; p < x->parts + x->count; p++)
		if (p->next < 0 && stored->elems[i++].offset >= 0)
			p->topic->entered = true;
}

static void place_all(struct ks_kafka_parts *x, const struct places *at)
{
	const struct ks_kafka_options *o = x->options;
	size_t i = 0, beyond = 0, count = (size_t)at->low->cnt;
	struct ks_kafka_part *p;
	int64_t low, high;

	mark_entered(x, at->stored);
	for (p = x->parts; p < x->parts + x->count; p++) {
		if (p->next >= 0)
			continue;
		low = at->low->elems[i].offset;
		high = at->high->elems[i].offset;
		if (at->stored != NULL && at->stored->elems[i].offset >= 0)
			begin_stored(p, x, at->stored->elems[i].offset, low, high);
		else if (p->topic->entered)	/* it is newer than the last run: -o was for the first */
			p->next = low;
		else
			begin_fresh(p, o, low, high, at->timed != NULL ? at->timed->elems[i].offset : -1);
		beyond += p->skip > high;
		p->end = o->bounded ? high : INT64_MAX;
		p->done = p->next >= p->end;
		p->idle = p->next >= high;
		i++;
	}
	if (o->bounded && beyond > 0 && beyond == count)
		ks_kafka_warn(x->config, "-o %lld: %s has no such offset: it has %lld to %lld", (long long)o->start_at,
		    x->topics[0].name, (long long)at->low->elems[0].offset, (long long)at->high->elems[0].offset - 1);
}

int ks_kafka_parts_place(struct ks_kafka_parts *x, struct ks_kafka *client, struct ks_err *err)
{
	const struct ks_kafka_options *o = x->options;
	struct places at = { .low = list_new(x) };
	int status = 0;

	if (at.low->cnt > 0)
		status = ks_kafka_ends(client, at.low, false, err);
	at.high = list_new(x);
	if (status == 0)
		status = ks_kafka_ends(client, at.high, true, err);
	if (status == 0 && at.low->cnt > 0 && o->stored) {
		at.stored = list_new(x);
		status = ks_kafka_committed(client, at.stored, group_of(o), err);
		if (status == 0 && o->ledger != NULL)
			status = ks_kafka_ledger_places(o, x->config, at.stored, err);
	}
	if (status == 0 && at.low->cnt > 0 && o->start == KS_START_TIME) {
		at.timed = list_new(x);
		status = ks_kafka_times(client, at.timed, o->start_at, err);
	}
	if (status == 0)
		place_all(x, &at);
	list_free(at.low);
	list_free(at.high);
	list_free(at.stored);
	list_free(at.timed);
	return status;
}
