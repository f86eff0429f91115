/* SPDX-License-Identifier: MIT */
/* kafka-ledger.c - an app that reads topics and is promised at least once. */
#include "kafka-ledger.h"

#include <errno.h>
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>

#include "fdio.h"
#include "num.h"

#define WORD KS_LEDGER_WORD
#define WORD_ROOM 80

static void print_word(const struct ks_kafka_options *o, int64_t run, char room[WORD_ROOM])
{
	snprintf(room, WORD_ROOM, WORD "i=%u/%u;r=%lld", o->instance, o->instances, (long long)run);
}

/* The word of a run of this instance: its run; -1: it is none. */
static int64_t run_of(const struct ks_kafka_options *o, struct ks_bytes word)
{
	char mine[WORD_ROOM];
	size_t n;
	int64_t run;

	print_word(o, 0, mine);
	n = strlen(mine) - 1;
	if (word.n <= n || memcmp(word.p, mine, n) != 0 || ks_num_parse_i64(ks_bytes(word.p + n, word.n - n), &run) != 0 || run < 0)
		return -1;
	return run;
}

static bool begins(struct ks_bytes word, const char *with)
{
	return word.n >= strlen(with) && memcmp(word.p, with, strlen(with)) == 0;
}

/* What the group has of p, and who said so: is the ledger here that which goes with it?  known: it has the topic. */
static int check_word(const struct ks_kafka_options *o, const rd_kafka_topic_partition_t *p, bool known, struct ks_err *err)
{
	struct ks_bytes word = ks_bytes(p->metadata, p->metadata != NULL ? p->metadata_size : 0);
	const struct ks_ledger *l = o->ledger;
	int64_t run = run_of(o, word);

	if (begins(word, "ks1;") || begins(word, "ks2;"))
		return ks_fail(err, KS_CONFIG, "%s/%d@%lld: app '%s' was run with --guarantee exactly-once, and group '%s' says where it stands: "
		    "go on so, or begin again under another --app", p->topic, (int)p->partition, (long long)p->offset, o->book, o->book);
	if (begins(word, WORD) && run < 0)
		return ks_fail(err, KS_CONFIG, "%s/%d@%lld was last read by another --instance of app '%s' than %u/%u ('%.*s'): what it stands at is "
		    "there; go on with as many instances as before", p->topic, (int)p->partition, (long long)p->offset, o->book, o->instance,
		    o->instances, word.n > 60 ? 60 : (int)word.n, (const char *)word.p);
	if (run > l->run)
		return ks_fail(err, KS_CONFIG, "'%s/ledger' is of run %lld, but run %lld of app '%s' has read %s/%d: the ledger is that of another "
		    "host, or an older copy; bring the right one, or delete group '%s' to go on with this one", l->path, (long long)l->run,
		    (long long)run, o->book, p->topic, (int)p->partition, o->book);
	if (run < 0 && known)
		return ks_fail(err, KS_CONFIG, "%s/%d@%lld: something else than this app has committed the offsets of group '%s', but it goes on where "
		    "'%s/ledger' says: give the app a group of its own (another --app), or delete the group",
		    p->topic, (int)p->partition, (long long)p->offset, o->book, l->path);
	return 0;
}

/* Call each for what the ledger has. */
static void walk(const struct ks_ledger *l, void (*each)(void *arg, const struct ks_position *x), void *arg)
{
	const unsigned char *p, *end = l->positions.p + l->positions.n;
	struct ks_position x;
	struct ks_head list;
	uint32_t i;

	if (l->positions.n == 0)
		return;
	if (ks_mp_head(l->positions.p, end, &list) != KS_MP_OK)
		ks_bug("positions of a ledger were not checked");
	for (i = 0, p = list.body; i < list.count && ks_position_next(&p, end, &x); i++)
		each(arg, &x);
}

/* What the ledger has of a topic. */
struct share {
	const struct ks_kafka_options *o;
	struct ks_bytes topic;
	bool known;
	int32_t alien;		/* a partition that is another instance's; -1: none */
};

static void look_at(void *arg, const struct ks_position *x)
{
	struct share *s = arg;

	if (!ks_bytes_eq(x->input, s->topic))
		return;
	s->known = true;
	if ((uint32_t)x->partition % s->o->instances != s->o->instance)
		s->alien = x->partition;
}

int ks_kafka_ledger_places(const struct ks_kafka_options *o, const struct ks_config *config, rd_kafka_topic_partition_list_t *list,
    struct ks_err *err)
{
	struct share s = { .o = o, .alien = -1 };
	rd_kafka_topic_partition_t *p;
	struct ks_position at;
	bool there, warned = false;
	int status = 0;

	/* Topic by topic. */
	for (p = list->elems; p < list->elems + list->cnt && status == 0; p++) {
		if (p == list->elems || !ks_bytes_is(s.topic, p->topic)) {
			s = (struct share){ .o = o, .topic = ks_str(p->topic), .alien = -1 };
			walk(o->ledger, look_at, &s);
		}
		if (s.alien >= 0)
			return ks_fail(err, KS_CONFIG, "'%s/ledger' has %s/%d, which is not of --instance %u/%u: go on with as many instances as before",
			    o->ledger->path, p->topic, (int)s.alien, o->instance, o->instances);
		there = s.known && ks_ledger_find(o->ledger, p->topic, p->partition, &at);
		if (p->offset >= 0)
			status = check_word(o, p, s.known, err);
		else if (there && !warned)
			ks_kafka_warn(config, "%s/%d@%lld: the app goes on here, but its group '%s' has forgotten it: was the topic made anew?",
			    p->topic, (int)p->partition, (long long)at.offset, o->book);
		warned |= there && p->offset < 0;
		if (s.known)
			p->offset = there ? at.offset : RD_KAFKA_OFFSET_INVALID;
	}
	return status;
}

/* Positions that are those of no topic that is read. */
struct others {
	const struct ks_kafka_parts *parts;
	struct ks_buf *b;	/* NULL: they are counted */
	uint32_t count;
	int no;
};

static void add_other(void *arg, const struct ks_position *x)
{
	struct others *o = arg;
	size_t i;

	for (i = 0; i < o->parts->topic_count; i++)
		if (ks_bytes_is(x->input, o->parts->topics[i].name))
			return;
	o->count++;
	if (o->b != NULL && o->no == 0)
		o->no = ks_position_add(o->b, x);
}

int ks_kafka_ledger_positions(const struct ks_ledger *l, const struct ks_kafka_parts *x, struct ks_buf *b, struct ks_err *err)
{
	struct others o = { .parts = x };
	const struct ks_kafka_part *p;

	walk(l, add_other, &o);
	b->n = 0;
	o.no = ks_mp_add_array_head(b, (uint32_t)x->count + o.count);
	for (p = x->parts; p < x->parts + x->count && o.no == 0; p++)
		o.no = ks_position_add(b, &(struct ks_position){ .input = ks_str(p->topic->name), .partition = p->partition, .offset = p->next });
	o.b = b;
	walk(l, add_other, &o);
	if (o.no == EMSGSIZE)
		return ks_fail(err, KS_CONFIG, "the positions of all partitions do not fit a barrier: read fewer topics");
	return o.no == 0 ? 0 : ks_fail_memory(err);
}

/* With the word; NULL: no memory. */
static rd_kafka_topic_partition_list_t *news(const struct ks_kafka_options *o, const struct ks_kafka_parts *x)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)x->count);
	const struct ks_kafka_part *p;
	rd_kafka_topic_partition_t *e;
	struct ks_position at;
	char word[WORD_ROOM];

	print_word(o, o->ledger->run, word);
	for (p = x->parts; p < x->parts + x->count; p++) {
		if (!ks_ledger_find(o->ledger, p->topic->name, p->partition, &at))
			continue;
		e = rd_kafka_topic_partition_list_add(list, p->topic->name, p->partition);
		e->offset = at.offset;
		e->metadata = strdup(word);	/* librdkafka frees it with the list */
		e->metadata_size = strlen(word);
		if (e->metadata == NULL) {
			rd_kafka_topic_partition_list_destroy(list);
			return NULL;
		}
	}
	return list;
}

/* The answer, if it comes within wait_ms: it and those before it. */
static rd_kafka_resp_err_t hear(struct ks_kafka_told *t, int wait_ms)
{
	rd_kafka_event_t *event;
	rd_kafka_resp_err_t e = RD_KAFKA_RESP_ERR__TIMED_OUT;

	while (t->waiting && (event = rd_kafka_queue_poll(t->answers, wait_ms)) != NULL) {
		e = rd_kafka_event_error(event);
		t->waiting = rd_kafka_event_type(event) != RD_KAFKA_EVENT_OFFSET_COMMIT;
		rd_kafka_event_destroy(event);
	}
	return t->waiting ? RD_KAFKA_RESP_ERR__TIMED_OUT : e;
}

int ks_kafka_ledger_tell(struct ks_kafka_told *t, struct ks_kafka *client, const struct ks_kafka_options *o,
    const struct ks_kafka_parts *x, int wait_ms, struct ks_err *err)
{
	rd_kafka_topic_partition_list_t *list;
	rd_kafka_resp_err_t e;

	if (t->answers == NULL)
		t->answers = rd_kafka_queue_new(client->rk);
	if (t->waiting)
		(void)hear(t, wait_ms);
	if (t->waiting)		/* one at a time: this one goes with the next */
		return 0;
	list = news(o, x);
	if (list == NULL)
		return ks_fail_memory(err);
	e = list->cnt == 0 ? RD_KAFKA_RESP_ERR_NO_ERROR : rd_kafka_commit_queue(client->rk, list, t->answers, NULL, NULL);
	t->waiting = list->cnt > 0 && e == RD_KAFKA_RESP_ERR_NO_ERROR;
	rd_kafka_topic_partition_list_destroy(list);
	t->epoch = o->ledger->epoch;
	if (t->waiting && wait_ms > 0)
		e = hear(t, wait_ms);
	if (wait_ms == 0 || e == RD_KAFKA_RESP_ERR_NO_ERROR)
		return 0;
	if (e == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED)
		return ks_fail(err, KS_DENIED, "no right to tell group '%s' where its app stands: READ on the group is missing", o->book);
	if (e == RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID || e == RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION)
		return ks_fail(err, KS_CONFIG, "group '%s' has members: somebody else reads by it; give the app a group of its own (another --app)",
		    o->book);
	return ks_kafka_fail(client, (int)e, true, err, "cannot tell group '%s' where its app stands", o->book);
}

void ks_kafka_ledger_told(struct ks_kafka_told *t)
{
	if (t->answers != NULL)
		rd_kafka_queue_destroy(t->answers);
	*t = (struct ks_kafka_told){ .answers = NULL };
}
