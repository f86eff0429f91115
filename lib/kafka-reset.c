/* SPDX-License-Identifier: MIT */
/* kafka-reset.c - the part of a reset that is in Kafka. */
#include "kafka-reset.h"

#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "drill.h"
#include "fdio.h"
#include "kafka-alone.h"
#include "kafka-book.h"
#include "kafka-parts.h"
#include "kafka-txn.h"
#include "num.h"
#include "signals.h"

#define ASK_AT_ONCE 1000	/* partitions */
#define ROUNDS 20		/* of fencing: each ends with one owner less, unless somebody begins meanwhile */
#define WATCH_MS 2500		/* a run that reads something commits each --commit-interval, 1 s unless told otherwise */
#define WATCH_STEP_MS 100

/* --- what is there --- */

/* The word of an offset, also behind KS_RESET_WORD. */
static bool word_of(const rd_kafka_topic_partition_t *p, struct ks_word *w, bool *marked)
{
	size_t n = strlen(KS_RESET_WORD);

	*marked = p->offset >= 0 && p->metadata != NULL && p->metadata_size > n && memcmp(p->metadata, KS_RESET_WORD, n) == 0;
	return *marked ? ks_word_parse(ks_bytes((char *)p->metadata + n, p->metadata_size - n), w) : ks_book_word(p, w);
}

static int take_word(struct ks_reset *r, const rd_kafka_topic_partition_t *p, struct ks_err *err)
{
	size_t n = strlen(KS_LEDGER_WORD);
	struct ks_reset_part *part;
	struct ks_word w;
	bool marked, told = p->metadata != NULL && p->metadata_size > n && memcmp(p->metadata, KS_LEDGER_WORD, n) == 0;

	if (told && r->filed)
		return 0;
	if (told)
		return ks_fail(err, KS_CONFIG, "app '%s' was run with --guarantee at-least-once, and its ledger, "
		    "which says where it stands, is not in '%s': "
		    "give its --state-dir, on its host", r->app, r->home);
	if (!word_of(p, &w, &marked))
		return ks_fail(err, KS_CONFIG, "%s/%d@%lld: something else than an app of kstream has committed the offsets of group '%s': it is not reset; "
		    "for a group of another program there is kafka-consumer-groups --reset-offsets", p->topic, (int)p->partition,
		    (long long)p->offset, r->app);
	part = ks_reset_add_part(r, ks_str(p->topic), p->partition);
	if (part == NULL)
		return ks_fail_memory(err);
	part->sink = r->filed;
	part->now = p->offset;
	part->epoch = w.epoch;
	part->run = w.run;
	part->marked = marked;
	part->released = w.released;
	memcpy(part->owner, w.claimer, sizeof(part->owner));
	r->run = w.run > r->run ? w.run : r->run;
	return 0;
}

static int ask(struct ks_kafka_reset *k, rd_kafka_topic_partition_list_t *list, struct ks_err *err)
{
	int i, status = list->cnt > 0 ? ks_kafka_committed(&k->reader, list, k->plan->app, err) : 0;

	for (i = 0; i < list->cnt && status == 0; i++)
		if (list->elems[i].offset >= 0)
			status = take_word(k->plan, &list->elems[i], err);
	return status;
}

static int ask_all(struct ks_kafka_reset *k, const struct rd_kafka_metadata *md, struct ks_err *err)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(ASK_AT_ONCE);
	const struct rd_kafka_metadata_topic *t;
	int p, status = 0;

	for (t = md->topics; t < md->topics + md->topic_cnt && status == 0; t++) {
		if (ks_kafka_internal(t->topic))
			continue;
		for (p = 0; p < t->partition_cnt && status == 0; p++) {
			rd_kafka_topic_partition_list_add(list, t->topic, t->partitions[p].id);
			if (list->cnt < ASK_AT_ONCE)
				continue;
			status = ask(k, list, err);
			rd_kafka_topic_partition_list_destroy(list);
			list = rd_kafka_topic_partition_list_new(ASK_AT_ONCE);
		}
	}
	if (status == 0)
		status = ask(k, list, err);
	rd_kafka_topic_partition_list_destroy(list);
	return status;
}

static int by_place(const void *a, const void *b)
{
	const struct ks_reset_part *x = a, *y = b;
	int c = strcmp(x->input, y->input);

	return c != 0 ? c : (x->partition > y->partition) - (x->partition < y->partition);
}

int ks_kafka_reset_find(struct ks_kafka_reset *k, const struct ks_kafka_options *options, struct ks_reset *plan, struct ks_err *err)
{
	const struct rd_kafka_metadata *md;
	int status;

	*k = (struct ks_kafka_reset){ .options = options, .plan = plan };
	status = ks_book_watch(&k->reader, options, plan->app, err);
	if (status == 0)
		status = ks_kafka_metadata(&k->reader, NULL, NULL, true, &md, err);
	if (status != 0)
		return status;
	status = ask_all(k, md, err);
	rd_kafka_metadata_destroy(md);
	if (plan->part_count > 1)
		qsort(plan->parts, plan->part_count, sizeof(*plan->parts), by_place);
	return status;
}

void ks_kafka_reset_close(struct ks_kafka_reset *k)
{
	ks_kafka_close(&k->reader);
}

/* --- where it is to stand --- */

static bool is_log(const struct ks_reset_part *p)
{
	return !p->file && !p->sink;
}

/* The partitions of topics that are read, in their order. */
static rd_kafka_topic_partition_list_t *logs_of(const struct ks_reset *r)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)r->part_count);
	const struct ks_reset_part *p;

	for (p = r->parts; p < r->parts + r->part_count; p++)
		if (is_log(p))
			rd_kafka_topic_partition_list_add(list, p->input, p->partition);
	return list;
}

/* "TOPIC/PARTITION@OFFSET,..." */
static int take_offsets(struct ks_reset *r, struct ks_err *err)
{
	const char *at = r->offsets, *sign, *slash;
	struct ks_reset_part *p;
	int64_t partition, to;
	size_t n;

	for (;; at += n + 1) {
		n = strcspn(at, ",");
		sign = memchr(at, '@', n);
		slash = sign != NULL ? memrchr(at, '/', (size_t)(sign - at)) : NULL;
		if (slash == NULL || ks_num_parse_i64(ks_bytes(slash + 1, (size_t)(sign - slash - 1)), &partition) != 0 ||
		    ks_num_parse_i64(ks_bytes(sign + 1, n - (size_t)(sign + 1 - at)), &to) != 0 || to < 0)
			return ks_fail(err, KS_USAGE, "--offset '%s' is not beginning, end, stored, last-good, "
			    "or TOPIC/PARTITION@OFFSET,...", r->offsets);
		for (p = r->parts; p < r->parts + r->part_count; p++)
			if (is_log(p) && p->partition == partition && ks_bytes_is(ks_bytes(at, (size_t)(slash - at)), p->input))
				break;
		if (p == r->parts + r->part_count)
			return ks_fail(err, KS_USAGE, "--offset: app '%s' has no offset of %.*s", r->app, (int)(sign - at), at);
		if (to < p->low || to > p->high)
			return ks_fail(err, KS_USAGE, "--offset: %s/%d has no offset %lld: it has %lld to %lld", p->input,
			    (int)p->partition, (long long)to,
			    (long long)p->low, (long long)p->high);
		if (p->to != KS_RESET_STAYS)
			return ks_fail(err, KS_USAGE, "--offset names %s/%d twice, at %lld and at %lld", p->input, (int)p->partition,
			    (long long)p->to, (long long)to);
		p->to = to;
		if (at[n] == '\0')
			return 0;
	}
}

static int named_all(const struct ks_reset *r, struct ks_err *err)
{
	const struct ks_reset_part *p;

	for (p = r->parts; p < r->parts + r->part_count; p++)
		if (is_log(p) && p->to == KS_RESET_STAYS)
			return ks_fail(err, KS_USAGE, "--offset says nothing of %s/%d, which stands at %lld: name it, too",
			    p->input, (int)p->partition, (long long)p->now);
	return 0;
}

static int64_t place_of(const struct ks_reset *r, const struct ks_reset_part *p, int64_t timed)
{
	switch (r->to) {
	case KS_RESET_BEGINNING: return p->low;
	case KS_RESET_END: return p->high;
	case KS_RESET_TIME: return timed < 0 || timed > p->high ? p->high : timed < p->low ? p->low : timed;
	default: return KS_RESET_STAYS;
	}
}

int ks_kafka_reset_place(struct ks_kafka_reset *k, struct ks_err *err)
{
	struct ks_reset *r = k->plan;
	rd_kafka_topic_partition_list_t *low = logs_of(r), *high = logs_of(r), *timed = logs_of(r);
	int status = low->cnt > 0 ? ks_kafka_ends(&k->reader, low, false, err) : 0, i = 0;
	struct ks_reset_part *p;

	if (status == 0 && high->cnt > 0)
		status = ks_kafka_ends(&k->reader, high, true, err);
	if (status == 0 && timed->cnt > 0 && r->to == KS_RESET_TIME)
		status = ks_kafka_times(&k->reader, timed, r->time_ms < 0 ? 0 : r->time_ms, err);
	for (p = r->parts; p < r->parts + r->part_count && status == 0; p++) {
		if (!is_log(p))
			continue;
		p->low = low->elems[i].offset;
		p->high = high->elems[i].offset;
		p->to = place_of(r, p, timed->elems[i].offset);
		i++;
	}
	rd_kafka_topic_partition_list_destroy(low);
	rd_kafka_topic_partition_list_destroy(high);
	rd_kafka_topic_partition_list_destroy(timed);
	if (status == 0 && r->to == KS_RESET_OFFSETS)
		status = take_offsets(r, err);
	return status == 0 && r->to == KS_RESET_OFFSETS ? named_all(r, err) : status;
}

/* --- whether somebody is at work --- */

/* The partitions whose words are the ledger, in the order of the parts. */
static rd_kafka_topic_partition_list_t *words_of(const struct ks_reset *r)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)r->part_count);
	const struct ks_reset_part *p;

	for (p = r->parts; p < r->parts + r->part_count; p++)
		if (p->sink || !r->filed)
			rd_kafka_topic_partition_list_add(list, p->input, p->partition);
	return list;
}

static int check_alone(struct ks_kafka_reset *k, const char *app, struct ks_err *err)
{
	int status = ks_kafka_alone(&k->reader, app, "and what they read cannot be reset", err);

	/* They go. */
	if (status == KS_CONFIG)
		status = err->status = KS_TEMP;
	return status;
}

static bool held_here(const struct ks_reset *r, const char *owner)
{
	size_t i;

	for (i = 0; i < r->instance_count; i++)
		if (r->instances[i].ledger.lock >= 0 && ks_owner_same_place(r->instances[i].name, owner))
			return true;
	return false;
}

/* A partition that has moved since it was found. */
static bool look_again(struct ks_kafka_reset *k, rd_kafka_topic_partition_list_t *list, struct ks_err *err)
{
	struct ks_reset *r = k->plan;
	struct ks_reset_part *p;
	struct ks_word w;
	bool marked;
	int i = 0;

	for (p = r->parts; p < r->parts + r->part_count; p++) {
		if (!p->sink && r->filed)
			continue;
		if (!p->marked && word_of(&list->elems[i], &w, &marked) && (w.epoch != p->epoch || w.run != p->run)) {
			ks_fail(err, KS_TEMP, "instance %s of app '%s' is at work: "
			    "%s/%d has come to epoch %lld of run %lld meanwhile: stop it, on whichever host it is",
			    w.claimer, r->app, p->input, (int)p->partition, (long long)w.epoch, (long long)w.run);
			return true;
		}
		i++;
	}
	return false;
}

/* Who has not let go of its partitions, and has no directory here, may be at work elsewhere: then it commits. */
static int watch(struct ks_kafka_reset *k, struct ks_err *err)
{
	const struct timespec pause = { .tv_nsec = WATCH_STEP_MS * 1000000 };
	int64_t deadline = ks_clock_ms() + WATCH_MS;
	rd_kafka_topic_partition_list_t *list = words_of(k->plan);
	int status = 0;

	while (status == 0 && ks_clock_ms() < deadline && ks_signals_end() == 0) {
		status = ks_kafka_committed(&k->reader, list, k->plan->app, err);
		if (status == 0 && look_again(k, list, err))
			status = KS_TEMP;
		nanosleep(&pause, NULL);
	}
	rd_kafka_topic_partition_list_destroy(list);
	return status;
}

int ks_kafka_reset_live(struct ks_kafka_reset *k, bool wait, struct ks_err *err)
{
	struct ks_reset *r = k->plan;
	const struct ks_reset_part *p;
	bool elsewhere = false;
	int status = check_alone(k, r->app, err);

	for (p = r->parts; p < r->parts + r->part_count; p++)
		elsewhere = elsewhere || ((p->sink || !r->filed) && !p->marked && !p->released && !held_here(r, p->owner));
	if (status == 0 && wait && elsewhere)
		status = watch(k, err);
	if (status == KS_TEMP && r->live.status == 0)
		r->live = *err;
	return status == KS_TEMP ? 0 : status;
}

/* --- what is done --- */

/* What is known once nothing is open any more. */
static int read_stable(struct ks_kafka_reset *k, const char *app, rd_kafka_topic_partition_list_t *list, struct ks_err *err)
{
	struct ks_kafka reader;
	int status = ks_book_reader(&reader, k->options, app, err);

	if (status == 0)
		status = ks_kafka_committed(&reader, list, app, err);
	ks_kafka_close(&reader);
	return status;
}

/*
 * Members are looked for while the offsets are on their way: who joins later
 * waits for them, and finds them (kafka-claim.c).
 */
static int commit(struct ks_kafka_reset *k, struct ks_kafka *client, const char *app, rd_kafka_topic_partition_list_t *list,
    struct ks_err *err)
{
	int status = ks_txn_begin(client, err);

	if (status == 0)
		status = ks_txn_offsets(client, app, NULL, list, err);
	if (status == 0 && check_alone(k, app, err) != 0) {
		ks_txn_abort(client);
		return err->status;
	}
	return status == 0 ? ks_txn_commit(client, err) : status;
}

/* The partitions that are still that owner's are marked, by its own id. */
static int mark_as(struct ks_kafka_reset *k, const char *owner, struct ks_kafka *client, struct ks_err *err)
{
	rd_kafka_topic_partition_list_t *list = words_of(k->plan);
	int status = ks_txn_open(client, k->options, k->plan->app, owner, err), i;
	struct ks_word w;
	bool marked;

	ks_point("reset-fenced");
	if (status == 0)
		status = read_stable(k, k->plan->app, list, err);
	for (i = list->cnt; i > 0 && status == 0; i--) {
		if (!word_of(&list->elems[i - 1], &w, &marked) || marked || strcmp(w.claimer, owner) != 0)
			rd_kafka_topic_partition_list_del_by_idx(list, i - 1);
		else
			status = ks_book_mark_as(&list->elems[i - 1], KS_RESET_WORD, &w, err);
	}
	if (status == 0 && list->cnt > 0)
		status = commit(k, client, k->plan->app, list, err);
	ks_point("reset-marked");
	rd_kafka_topic_partition_list_destroy(list);
	return status;
}

/* An owner whose partitions are not marked yet, into owner; "": there is none. */
static int find_owner(struct ks_kafka_reset *k, char owner[KS_OWNER_ROOM], struct ks_err *err)
{
	rd_kafka_topic_partition_list_t *list = words_of(k->plan);
	int status = list->cnt > 0 ? ks_kafka_committed(&k->reader, list, k->plan->app, err) : 0, i;
	struct ks_word w;
	bool marked;

	owner[0] = '\0';
	for (i = 0; i < list->cnt && status == 0 && owner[0] == '\0'; i++)
		if (word_of(&list->elems[i], &w, &marked) && !marked)
			memcpy(owner, w.claimer, sizeof(w.claimer));
	rd_kafka_topic_partition_list_destroy(list);
	return status;
}

int ks_kafka_reset_mark(struct ks_kafka_reset *k, struct ks_err *err)
{
	char owner[KS_OWNER_ROOM];
	struct ks_kafka client;
	int status, round;

	for (round = 0; round < ROUNDS && ks_signals_end() == 0; round++) {
		status = find_owner(k, owner, err);
		if (status != 0 || owner[0] == '\0')
			return status;
		client = (struct ks_kafka){ .rk = NULL };
		status = mark_as(k, owner, &client, err);
		if (status != 0 && client.fenced)
			status = 0;	/* it is looked again whose it is */
		ks_kafka_close(&client);
		if (status != 0)
			return status;
	}
	return ks_fail(err, KS_TEMP, "instance %s of app '%s' begins again and again: stop it, and give the same command again",
	    owner, k->plan->app);
}

static struct ks_reset_part *part_of(struct ks_reset *r, const rd_kafka_topic_partition_t *p)
{
	struct ks_reset_part *part;

	for (part = r->parts; part < r->parts + r->part_count; part++)
		if (part->partition == p->partition && strcmp(part->input, p->topic) == 0)
			return part;
	ks_bug("a partition of the plan is gone");
}

/* As it is to be for good. */
static int settle(struct ks_reset *r, rd_kafka_topic_partition_t *p, struct ks_word w, struct ks_err *err)
{
	const struct ks_reset_part *part = part_of(r, p);

	if (part->to != KS_RESET_STAYS)
		p->offset = part->to;
	if (r->to != KS_RESET_LAST_GOOD) {
		w.epoch = w.commit_run = 0;
		memcpy(w.committer, w.claimer, sizeof(w.committer));
	}
	w.run = r->final_run;
	w.released = true;
	return ks_book_mark(p, &w, err);
}

int ks_kafka_reset_finish(struct ks_kafka_reset *k, struct ks_err *err)
{
	rd_kafka_topic_partition_list_t *list = words_of(k->plan);
	struct ks_kafka client = { .rk = NULL };
	struct ks_word w;
	bool marked;
	int status = 0, i;

	if (list->cnt > 0)
		status = ks_txn_open(&client, k->options, k->plan->app, KS_TXN_NOBODY, err);
	if (status == 0 && list->cnt > 0)
		status = read_stable(k, k->plan->app, list, err);
	for (i = 0; i < list->cnt && status == 0; i++) {
		if (!word_of(&list->elems[i], &w, &marked) || !marked)
			status = ks_fail(err, KS_TEMP, "%s/%d: app '%s' has been changed meanwhile: give the same command again",
			    list->elems[i].topic,
			    (int)list->elems[i].partition, k->plan->app);
		else
			status = settle(k->plan, &list->elems[i], w, err);
	}
	ks_point("reset-settling");
	if (status == 0 && list->cnt > 0)
		status = commit(k, &client, k->plan->app, list, err);
	ks_point("reset-settled");
	ks_kafka_close(&client);
	rd_kafka_topic_partition_list_destroy(list);
	return status;
}

/* --- another version beside it --- */

static int check_free(const struct ks_reset *r, const rd_kafka_topic_partition_list_t *list, struct ks_err *err)
{
	const rd_kafka_topic_partition_t *p;

	for (p = list->elems; p < list->elems + list->cnt; p++)
		if (p->offset >= 0)
			return ks_fail(err, KS_CONFIG, "app '%s' is there already: its group stands at %s/%d@%lld; "
			    "give the new version another name",
			    r->fork, p->topic, (int)p->partition, (long long)p->offset);
	return 0;
}

int ks_kafka_reset_fork(struct ks_kafka_reset *k, bool apply, struct ks_err *err)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)k->plan->part_count);
	struct ks_kafka client = { .rk = NULL };
	const struct ks_reset_part *p;
	struct ks_reset *r = k->plan;
	struct ks_word w;
	int status = 0, i;

	for (p = r->parts; p < r->parts + r->part_count; p++)
		if (!r->filed)
			rd_kafka_topic_partition_list_add(list, p->input, p->partition);
	if (apply && list->cnt > 0)
		status = ks_txn_open(&client, k->options, r->fork, KS_TXN_NOBODY, err);
	if (status == 0 && list->cnt > 0)
		status = read_stable(k, r->fork, list, err);
	if (status == 0)
		status = check_free(r, list, err);
	for (i = 0; i < list->cnt && status == 0; i++) {
		p = part_of(r, &list->elems[i]);
		w = (struct ks_word){ .run = 1, .released = true };
		memcpy(w.committer, p->owner, sizeof(w.committer));
		memcpy(w.claimer, p->owner, sizeof(w.claimer));
		list->elems[i].offset = p->to == KS_RESET_STAYS ? p->now : p->to;
		status = ks_book_mark(&list->elems[i], &w, err);
	}
	if (status == 0 && apply && list->cnt > 0)
		status = commit(k, &client, r->fork, list, err);
	ks_kafka_close(&client);
	rd_kafka_topic_partition_list_destroy(list);
	return status;
}
