/* SPDX-License-Identifier: MIT */
/* kafka-sink-txn.c - the sink's side of exactly-once. */
#include "kafka-sink-txn.h"

#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "drill.h"
#include "fdio.h"
#include "hello-parts.h"
#include "kafka-member.h"
#include "kafka-txn.h"
#include "ledger.h"
#include "options-kafka.h"
#include "refusal.h"
#include "state-dir.h"

/*
 * A commit is answered before its markers are written, which takes 2 to 4 ms.
 * What meets them is refused, and librdkafka waits 20 ms before it asks again
 * (retry.backoff.ms with offsets alone): of commits each 100 ms two in three, and
 * the longest gap between two records of an epoch was 30 ms; so it is 16.
 */
#define MARKERS_MS 5

/* A position of HELLO or of a barrier.  One that is none would be left out by librdkafka in silence, and its records come again. */
static int add_position(void *list, const struct ks_position *x)
{
	char topic[KS_NAME_MAX + 1];

	if (x->input.n == 0 || x->input.n > KS_NAME_MAX || x->offset < 0)
		return KS_DATA;
	memcpy(topic, x->input.p, x->input.n);
	topic[x->input.n] = '\0';
	rd_kafka_topic_partition_list_add(list, topic, x->partition)->offset = x->offset;
	return 0;
}

/* Of a group, whose members have names. */
static bool is_member(const struct ks_sink_txn *t)
{
	return t->config->instances == 0;
}

static int moved_on(const struct ks_sink_txn *t, const struct ks_hello_view *h, struct ks_err *err)
{
	return ks_fail(err, KS_TEMP, "app '%s' stands at run %lld, epoch %lld, but the stream begins at run %lld, epoch %lld",
	    t->config->app, (long long)t->stand.run, (long long)t->stand.epoch, (long long)h->run, (long long)h->epoch);
}

/* What the app stands at must be what HELLO begins at, and each partition claimed by the run that HELLO is of. */
static int compare(const struct ks_sink_txn *t, const struct ks_hello_view *h, const rd_kafka_topic_partition_list_t *is,
    const rd_kafka_topic_partition_list_t *want, struct ks_err *err)
{
	const rd_kafka_topic_partition_t *p;
	struct ks_word w;
	int i;

	if (t->stand.run != h->run || t->stand.epoch != h->epoch)
		return moved_on(t, h, err);
	for (i = 0; i < is->cnt; i++) {
		p = &is->elems[i];
		if (!ks_book_word(p, &w) || w.run != h->run)
			return ks_fail(err, KS_TEMP, "%s/%d: run %lld of app '%s' has not claimed this, or others have it by now", p->topic,
			    (int)p->partition, (long long)h->run, t->config->app);
		if (strcmp(w.claimer, t->config->owner) != 0)
			return ks_fail(err, KS_TEMP, "%s/%d: instance %s of app '%s' has claimed this", p->topic, (int)p->partition, w.claimer,
			    t->config->app);
		if (p->offset != want->elems[i].offset)
			return ks_fail(err, KS_TEMP, "%s/%d: app '%s' stands at %lld, but the stream begins at %lld", p->topic,
			    (int)p->partition, t->config->app, (long long)p->offset, (long long)want->elems[i].offset);
	}
	return 0;
}

static int validate(struct ks_sink_txn *t, const struct ks_hello_view *h, const rd_kafka_topic_partition_list_t *want,
    struct ks_err *err)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_copy(want);
	int status = 0;

	if (ks_keeps("validate")) {
		status = ks_book_read(&t->reader, t->options, t->config->app, list, err);
		if (status == 0)
			status = ks_book_stand(t->config->app, list, &t->stand, err);
		if (status == 0)
			status = compare(t, h, list, want, err);
	} else {
		t->stand = (struct ks_stand){ h->epoch, h->run };
	}
	rd_kafka_topic_partition_list_destroy(list);
	return status;
}

/*
 * Of a source of files the group has the epoch alone, as the offset of the
 * output's first partition; the ledger has the positions.
 */
static rd_kafka_topic_partition_list_t *epoch_place(const struct ks_sink_txn *t)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);

	rd_kafka_topic_partition_list_add(list, t->topic, 0);
	return list;
}

static int fence(struct ks_sink_txn *t, struct ks_err *err)
{
	int status = t->fenced ? 0 : ks_txn_init(t->client, err);

	t->fenced = status == 0;
	return status;
}

/* Which epoch has been committed last; 0: none has, or it was forgotten. */
static int read_epoch(struct ks_sink_txn *t, struct ks_err *err)
{
	rd_kafka_topic_partition_list_t *list;
	int status = fence(t, err);

	if (status != 0)
		return status;
	list = epoch_place(t);
	status = ks_book_read(&t->reader, t->options, t->config->app, list, err);
	if (status == 0)
		status = ks_book_stand(t->config->app, list, &t->stand, err);
	rd_kafka_topic_partition_list_destroy(list);
	return status;
}

/* The ledger is open, and nobody else changes it. */
static int resolve(struct ks_sink_txn *t, struct ks_ledger *l, struct ks_err *err)
{
	int64_t had, next;
	int status = ks_ledger_read(l, err);

	had = l->epoch;
	if (status == 0)
		status = ks_ledger_prepared(l, &next, err);
	if (status != 0 || next < 0)
		return status;
	if (next > had && t->topic == NULL)
		return ks_fail(err, KS_CONFIG, "whether epoch %lld of app '%s' was committed stands with the topic of -t, which is not given",
		    (long long)next, t->config->app);
	if (next > had)
		status = read_epoch(t, err);
	if (status == 0 && next > had && t->stand.epoch == next)
		status = ks_ledger_write(l, err);
	else if (status == 0 && next > had && t->stand.epoch != had)
		status = ks_fail(err, KS_CONFIG, "group '%s' stands at epoch %lld of topic '%s', but the ledger at %lld, or %lld: it is not known "
		    "what was committed", t->config->app, (long long)t->stand.epoch, t->topic, (long long)had, (long long)next);
	return status == 0 ? ks_ledger_settled(l, err) : status;
}

int ks_sink_txn_resolve(struct ks_sink_txn *t, struct ks_err *err)
{
	struct ks_ledger l;
	char *path, directory[KS_OWNER_ROOM];
	bool is;
	int status;

	if (t->config->state_dir == NULL)
		return 0;
	ks_owner_directory(directory, t->config->owner);
	if (asprintf(&path, "%s/%s/%s/ledger.next", t->config->state_dir, t->config->app, directory) < 0)
		return ks_fail_memory(err);
	is = access(path, F_OK) == 0;
	free(path);
	if (!is)
		return 0;
	if (ks_config_at_least(t->config))
		return ks_fail(err, KS_CONFIG, "the last run of app '%s' has ended while it was committing exactly once: let it go on so until it is "
		    "done, then give --guarantee at-least-once", t->config->app);
	status = ks_ledger_open(&l, t->config, t->config->app, t->config->owner, err);
	if (status == 0)
		status = ks_ledger_hold(&l, err);
	if (status == 0)
		status = resolve(t, &l, err);
	ks_ledger_let_go(&l);
	ks_ledger_close(&l);
	return status;
}

/* Kafka has another epoch than HELLO, with which the ledger agreed: one that was committed since, by a later run, or the ledger is not its own. */
static int other_epoch(const struct ks_sink_txn *t, const struct ks_hello_view *h, struct ks_err *err)
{
	struct ks_ledger l;
	int status = ks_ledger_open(&l, t->config, t->config->app, t->config->owner, err);

	if (status == 0)
		status = ks_ledger_read(&l, err);
	if (status == 0 && l.run > h->run)
		status = ks_fail(err, KS_TEMP, "run %lld of this app has taken over from run %lld", (long long)l.run, (long long)h->run);
	else if (status == 0)
		status = ks_fail(err, KS_CONFIG, "group '%s' stands at epoch %lld, but the ledger at %lld: one of them is an older copy, or "
		    "--guarantee at-least-once was given meanwhile, with which to go on",
		    t->config->app, (long long)t->stand.epoch, (long long)h->epoch);
	ks_ledger_close(&l);
	return status;
}

/* A source of files: its ledger was compared with HELLO, and what Kafka has must be the same, where it still knows. */
static int begin_filed(struct ks_sink_txn *t, const struct ks_hello_view *h, struct ks_err *err)
{
	int status;

	if (h->guarantee == KS_NONE || t->topic == NULL)
		return ks_fail(err, KS_CONFIG, t->topic == NULL ? "from files with --app, --route needs a -t: Kafka keeps with that topic what was committed" :
		    "the source of app '%s' keeps no positions", t->config->app);
	t->filed = true;
	status = read_epoch(t, err);
	if (status == 0 && t->stand.run > 0 && t->stand.epoch != h->epoch)
		status = other_epoch(t, h, err);
	t->stand = (struct ks_stand){ h->epoch, h->run };
	return status;
}

static int check(const struct ks_sink_txn *t, const struct ks_hello_view *h, struct ks_err *err)
{
	char owner[KS_OWNER_ROOM];

	ks_hello_owner(h, owner);
	if (strcmp(owner, t->config->owner) != 0)
		return ks_fail(err, KS_CONFIG, "the stream is of --instance %s, and this is %s: give both the same", owner, t->config->owner);
	if (h->commit_ms > KS_COMMIT_MAX_MS && ks_hello_transacts(h, ks_config_at_least(t->config)))
		return ks_fail(err, KS_CONFIG, "--commit-interval of the source is %lld s, and %d s at most with --app and topics: between two commits a "
		    "transaction is open, and Kafka ends one after 60", (long long)h->commit_ms / 1000, KS_COMMIT_MAX_MS / 1000);
	return 0;
}

int ks_sink_txn_hello(struct ks_sink_txn *t, const struct ks_hello_view *h, struct ks_bytes payload, struct ks_err *err)
{
	rd_kafka_topic_partition_list_t *want;
	int status = check(t, h, err);

	if (status == 0 && !ks_hello_in_kafka(h)) {
		/* Without transactions the ledger is all there is, and has been compared. */
		if (ks_hello_transacts(h, ks_config_at_least(t->config)))
			status = begin_filed(t, h, err);
		t->began = status == 0;
		return status;
	}
	if (status != 0)
		return status;
	want = rd_kafka_topic_partition_list_new(16);
	if (ks_hello_positions(payload, add_position, want) != 0 || (want->cnt == 0 && !is_member(t)))
		status = ks_fail(err, KS_DATA, "HELLO: its positions are not of topics");
	t->nothing = want->cnt == 0;
	if (status == 0 && !t->nothing)
		status = fence(t, err);
	ks_point("sink-fenced");
	if (status == 0 && t->nothing)
		t->stand = (struct ks_stand){ h->epoch, h->run };
	else if (status == 0)
		status = validate(t, h, want, err);
	ks_point("sink-validated");
	ks_kafka_close(&t->reader);
	rd_kafka_topic_partition_list_destroy(want);
	t->began = status == 0;
	return status;
}

static void await_markers(const struct ks_sink_txn *t)
{
	int64_t left = t->committed_ms + MARKERS_MS - ks_clock_ms();
	const struct timespec pause = { .tv_nsec = left * 1000000 };

	if (left > 0)
		nanosleep(&pause, NULL);
}

int ks_sink_txn_record(struct ks_sink_txn *t, struct ks_err *err)
{
	int status = 0;

	if (!t->open) {
		await_markers(t);
		status = ks_txn_begin(t->client, err);
	}
	ks_point("transaction-begun");
	t->open |= status == 0;
	return status;
}

int ks_sink_txn_refused(struct ks_sink_txn *t, struct ks_err *err)
{
	int code = t->client->refusal;
	struct ks_ledger l;
	struct ks_err no;

	t->client->refusal = 0;
	if (code == 0 || err->status != KS_TEMP)
		return err->status;
	if (ks_ledger_open(&l, t->config, t->config->app, t->config->owner, &no) == 0)
		(void)ks_refusal_count(l.dir, t->stand.epoch, code, err);
	ks_ledger_close(&l);
	return err->status;
}

/* What is committed with b, into *list, the caller's, also after a failure; NULL: nothing. */
static int read_positions(const struct ks_sink_txn *t, const struct ks_barrier *b, rd_kafka_topic_partition_list_t **list,
    struct ks_err *err)
{
	const unsigned char *p, *end = b->positions.p + b->positions.n;
	struct ks_position x;
	struct ks_head head;
	uint32_t i;

	*list = NULL;
	if (t->filed) {
		*list = epoch_place(t);
		(*list)->elems[0].offset = b->n;
		return 0;
	}
	if (ks_mp_head(b->positions.p, end, &head) != KS_MP_OK || head.type != KS_ARRAY || head.count == 0)
		return ks_fail(err, KS_DATA, "a barrier without positions");
	*list = rd_kafka_topic_partition_list_new((int)head.count);
	for (i = 0, p = head.body; i < head.count; i++)
		if (!ks_position_next(&p, end, &x) || add_position(*list, &x) != 0)
			return ks_fail(err, KS_DATA, "a position of a barrier is of no topic");
	return 0;
}

/* Whoever the barrier is of must be a member of the group still, where there is one; the caller destroys it, also after a failure. */
static int read_member(const struct ks_sink_txn *t, const struct ks_barrier *b, rd_kafka_consumer_group_metadata_t **member, struct ks_err *err)
{
	*member = NULL;
	return is_member(t) ? ks_member_read(b->group, t->config->app, member, err) : 0;
}

/* Behind a last barrier nothing more comes: the partitions are let go of. */
static int mark(struct ks_sink_txn *t, const struct ks_barrier *b, rd_kafka_topic_partition_list_t *list, struct ks_err *err)
{
	struct ks_word w = { .epoch = b->n, .commit_run = t->stand.run, .run = t->stand.run, .released = b->kind != KS_GO_ON };
	int status = 0, i;

	t->stand.epoch = b->n;
	snprintf(w.committer, sizeof(w.committer), "%s", t->config->owner);
	snprintf(w.claimer, sizeof(w.claimer), "%s", t->config->owner);
	for (i = 0; i < list->cnt && status == 0; i++)
		status = ks_book_mark(&list->elems[i], &w, err);
	return status;
}

/*
 * The first epoch of an app is committed, which no barrier may tell its stages:
 * should the group be deleted then, they would take theirs for one that was
 * not.  What cannot be written is let be.
 */
static void note_first(const struct ks_sink_txn *t)
{
	struct ks_ledger l;
	struct ks_err no;

	if (ks_ledger_open(&l, t->config, t->config->app, t->config->owner, &no) == 0)
		(void)ks_state_keep_number(l.dir, KS_FIRST_RUN, t->stand.run);
	ks_ledger_close(&l);
}

int ks_sink_txn_barrier(struct ks_sink_txn *t, const struct ks_barrier *b, struct ks_err *err)
{
	rd_kafka_consumer_group_metadata_t *member;
	rd_kafka_topic_partition_list_t *list;
	int64_t had;
	int status;

	if (b->n != t->stand.epoch + 1)
		return ks_fail(err, KS_TEMP, "barrier %lld follows epoch %lld", (long long)b->n, (long long)t->stand.epoch);
	if (b->hop < 0)
		return ks_fail(err, KS_CONFIG, "a program that does not count records stands before this one, which exactly-once cannot allow");
	if (t->nothing && !t->open) {
		t->stand.epoch = b->n;
		return 0;
	}
	status = read_member(t, b, &member, err);
	if (status != 0)
		return status;
	had = t->stand.epoch;
	status = read_positions(t, b, &list, err);
	if (status == 0)
		status = mark(t, b, list, err);
	ks_point("sink-barrier");
	if (status == 0)
		status = ks_sink_txn_record(t, err);
	if (status == 0)
		status = ks_txn_offsets(t->client, t->config->app, member, list, err);
	if (status == 0)
		status = ks_txn_commit(t->client, err);
	t->open = false;
	t->committed_ms = ks_clock_ms();
	if (status != 0) {
		t->stand.epoch = had;
		status = ks_sink_txn_refused(t, err);
	} else if (had == 0 && !t->filed) {
		note_first(t);
	}
	if (member != NULL)
		rd_kafka_consumer_group_metadata_destroy(member);
	if (list != NULL)
		rd_kafka_topic_partition_list_destroy(list);
	return status;
}
