/* SPDX-License-Identifier: MIT */
/* kafka-claim.c - the source's side of exactly-once. */
#include "kafka-claim.h"

#include <errno.h>
#include <fcntl.h>
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "drill.h"
#include "fdio.h"
#include "kafka-alone.h"
#include "kafka-config.h"
#include "kafka-names.h"
#include "kafka-txn.h"
#include "num.h"
#include "options-kafka.h"
#include "refusal.h"
#include "signals.h"
#include "state-dir.h"
#include "taken.h"

#define AGAIN_MIN_MS 8		/* a claim takes about as long */
#define AGAIN_MAX_MS 512
#define TURNS_MS 60000		/* two programs of one name that take turns do so within it (protocol 2.5) */

/* The group of an app is where it keeps how far it is; its members have names, and only they. */
static int check_group(const struct ks_kafka_options *k, const struct ks_config *config, bool grouped, struct ks_err *err)
{
	bool named = config->instances == 0;
	size_t i;

	if (grouped && (k->group == NULL || strcmp(k->group, config->app) != 0))
		return ks_fail(err, KS_USAGE, "%s and --app: an app has a group of its own, '%s'", k->group != NULL ? "-G" : "-X group.id", config->app);
	if (k->group != NULL && !named)
		return ks_fail(err, KS_USAGE, "-G and --app need --instance NAME: each member of the group has a name that no other has");
	if (k->group == NULL && named)
		return ks_fail(err, KS_USAGE, "--instance %s is the name of a member of a group: give -G %s, too, or --instance I/N", config->owner,
		    config->app);
	for (i = 0; i < k->property_count && named; i++)
		if (strcmp(k->properties[i].name, "group.instance.id") == 0)
			return ks_kafka_config_fail(err, &k->properties[i], "group.instance.id and --app: it is --instance %s", config->owner);
	return 0;
}

int ks_claim_options(struct ks_kafka_options *k, const struct ks_config *config, bool grouped, struct ks_err *err)
{
	const struct ks_kafka_given *g;
	int status;

	if (config->app == NULL)
		return 0;
	status = check_group(k, config, grouped, err);
	if (status != 0)
		return status;
	if (k->partition_count > 0)
		return ks_fail(err, KS_USAGE, "-p and --app: --instance I/N says which partitions are read");
	if (config->has_since || k->has_stop || k->start == KS_START_TIME || k->verify)
		return ks_fail(err, KS_USAGE, "--%s and --app: an app reads on from where it stands, all that there is or up to --until",
		    k->verify ? "verify" : k->has_stop ? "offset e@" : "since");
	if (config->has_until && k->group != NULL)
		return ks_fail(err, KS_USAGE, "--until and -G: a member reads on until it is ended");
	if (ks_kafka_has_patterns(config))
		return ks_fail(err, KS_USAGE, "'%s' and --app: an app reads topics that are named", config->topics[0]);
	k->told = ks_config_at_least(config);
	if (k->told && config->instances == 0)
		return ks_fail(err, KS_USAGE, "--guarantee at-least-once and --instance %s: the partitions of a ledger are those of an --instance I/N",
		    config->owner);
	for (g = k->properties; g < k->properties + k->property_count; g++)
		if (!k->told && strcmp(g->name, "isolation.level") == 0 && strcmp(g->value, "read_committed") != 0)
			return ks_kafka_config_fail(err, g, "isolation.level=%s and --app: what is not committed may be taken back", g->value);
	status = ks_options_check_commits(config, err);
	if (status != 0)
		return status;
	k->stored = true;
	k->book = config->app;
	k->instance = config->instance;
	k->instances = config->instances;
	return 0;
}

static int watch(struct ks_kafka_claim *c, struct ks_err *err)
{
	return c->side.rk != NULL ? 0 : ks_book_watch(&c->side, c->options, c->config->app, err);
}

int ks_claim_fence(struct ks_kafka_claim *c, const struct ks_kafka_options *options, const struct ks_config *config, int dir,
    struct ks_err *err)
{
	int status;

	*c = (struct ks_kafka_claim){ .options = options, .config = config, .dir = dir };
	status = ks_book_reader(&c->reader, options, config->app, err);
	if (status == 0)
		status = watch(c, err);
	return status == 0 ? ks_txn_open(&c->writer, options, config->app, config->owner, err) : status;
}

int ks_claim_again(struct ks_kafka_claim *c, const struct rd_kafka_consumer_group_metadata_s *member, struct ks_err *err)
{
	c->member = member;
	return c->writer.rk != NULL ? 0 : ks_txn_open(&c->writer, c->options, c->config->app, c->config->owner, err);
}

static rd_kafka_topic_partition_list_t *list_of(const struct ks_kafka_parts *x)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)x->count);
	const struct ks_kafka_part *p;

	for (p = x->parts; p < x->parts + x->count; p++)
		rd_kafka_topic_partition_list_add(list, p->topic->name, p->partition);
	return list;
}

/* What was found when x was placed may have been the offset before the last. */
static int check_places(const struct ks_kafka_parts *x, const rd_kafka_topic_partition_list_t *list, struct ks_err *err)
{
	const struct ks_kafka_part *p;
	size_t i;

	for (i = 0; i < x->count; i++) {
		p = &x->parts[i];
		if (list->elems[i].offset > p->next || (list->elems[i].offset >= 0 && list->elems[i].offset != p->committed))
			return ks_fail(err, KS_TEMP, "%s/%d@%lld: another run has just committed this: begin again", p->topic->name,
			    (int)p->partition, (long long)list->elems[i].offset);
	}
	return 0;
}

/* Whose leave it takes to claim a partition: NULL, our own. */
static const char *keeper_of(const struct ks_kafka_claim *c, const rd_kafka_topic_partition_t *p, struct ks_word *w)
{
	if (!ks_book_word(p, w))
		return c->member == NULL ? KS_TXN_NOBODY : NULL;
	if (strcmp(w->claimer, c->config->owner) == 0 || (w->released && c->member != NULL))
		return NULL;
	return w->claimer;
}

/* The last run of this directory; 0: it has had none. */
static int64_t own_run(const struct ks_kafka_claim *c)
{
	return ks_state_number(c->dir, "run");
}

/* Before Kafka has it, as a run of ours must not be taken for another's. */
static int keep_run(const struct ks_kafka_claim *c, int64_t run, struct ks_err *err)
{
	int no = ks_state_keep_number(c->dir, "run", run);

	return no == 0 ? 0 : ks_fail_errno(err, KS_IO, no, "cannot keep the number of the run of instance '%s'", c->config->owner);
}

/*
 * The run of a member behind that one.  A name comes back with other
 * partitions, of which no word tells what its last run was; a stage knows that,
 * and takes no older one: so it is a time, unless the clock was set back.
 */
static int next_run(const struct ks_kafka_claim *c, int64_t *run, struct ks_err *err)
{
	int64_t now = ks_wall_ms(), last = own_run(c);

	*run = *run > last ? *run + 1 : last + 1;
	if (*run < now)
		*run = now;
	return keep_run(c, *run, err);
}

/* Nothing: c is a member itself, or the group has none. */
static int check_alone(struct ks_kafka_claim *c, struct ks_err *err)
{
	int status = c->member == NULL ? watch(c, err) : 0;

	return status == 0 && c->member == NULL ? ks_kafka_alone(&c->side, c->config->app, "and an --instance I/N does not go beside them", err) : status;
}

/* The partitions of now that are still that owner's get our word; the others go from it.  list: from where those begin that have none. */
static int mark_ours(const struct ks_kafka_claim *c, const char *owner, const rd_kafka_topic_partition_list_t *list,
    rd_kafka_topic_partition_list_t *now, struct ks_err *err)
{
	const char *keeper;
	struct ks_word w;
	int status = 0, i;

	for (i = now->cnt; i > 0 && status == 0; i--) {
		keeper = keeper_of(c, &now->elems[i - 1], &w);
		if (keeper == NULL || strcmp(keeper, owner) != 0) {
			rd_kafka_topic_partition_list_del_by_idx(now, i - 1);
			continue;
		}
		if (strcmp(owner, KS_TXN_NOBODY) == 0) {
			w = (struct ks_word){ .epoch = 0 };
			snprintf(w.committer, sizeof(w.committer), "%s", c->config->owner);
			now->elems[i - 1].offset = list->elems[i - 1].offset;
		}
		snprintf(w.claimer, sizeof(w.claimer), "%s", c->config->owner);
		w.released = false;
		if (c->member != NULL)
			status = next_run(c, &w.run, err);
		if (status == 0)
			status = ks_book_mark(&now->elems[i - 1], &w, err);
	}
	return status;
}

/*
 * Members look at their generation, and claim what was let go of, or has no
 * word, with ids of their own.  So who is of no generation takes nothing while
 * there are members.  Asked while the offsets are on their way: who joins later
 * waits for them, and finds them ours.
 */
static int commit_taken(struct ks_kafka_claim *c, struct ks_kafka *client, rd_kafka_topic_partition_list_t *now, struct ks_err *err)
{
	int status = ks_txn_begin(client, err);

	if (status == 0)
		status = ks_txn_offsets(client, c->config->app, c->member, now, err);
	ks_point("owner-sent");
	if (status == 0 && check_alone(c, err) != 0) {
		ks_txn_abort(client);
		return err->status;
	}
	return status == 0 ? ks_txn_commit(client, err) : status;
}

/*
 * The partitions of list that are still that owner's become ours, where they
 * stand: in a transaction of its id, so that it cannot have gone on meanwhile,
 * nor can anybody else who takes from it have come before us.
 */
static int take_as(struct ks_kafka_claim *c, const char *owner, struct ks_kafka *client, const rd_kafka_topic_partition_list_t *list,
    struct ks_err *err)
{
	rd_kafka_topic_partition_list_t *now = rd_kafka_topic_partition_list_copy(list);
	int status = ks_txn_open(client, c->options, c->config->app, owner, err);

	ks_point("owner-fenced");
	if (status == 0)
		status = ks_book_read(&c->reader, c->options, c->config->app, now, err);
	ks_point("owner-read");
	if (status == 0)
		status = mark_ours(c, owner, list, now, err);
	if (status == 0 && now->cnt > 0)
		status = commit_taken(c, client, now, err);
	ks_point("owner-taken");
	rd_kafka_topic_partition_list_destroy(now);
	return status;
}

/*
 * Several instances may take from one at the same time; each fences the others,
 * so they try again one by one.  Who is fenced while it commits may hear of an
 * unknown error alone (Kafka 4.3): to fence again tells what became of it.
 */
static int take(struct ks_kafka_claim *c, const char *owner, rd_kafka_topic_partition_list_t *list, struct ks_err *err)
{
	int64_t pause = AGAIN_MIN_MS, deadline = ks_clock_ms() + KS_KAFKA_MOVE_MS;
	struct timespec wait;
	struct ks_kafka client;
	bool again;
	int status;

	for (;; pause = pause < AGAIN_MAX_MS ? 2 * pause : pause) {
		client = (struct ks_kafka){ .rk = NULL };
		status = take_as(c, owner, &client, list, err);
		again = client.fenced || (status == KS_TEMP && c->member == NULL);
		ks_kafka_close(&client);
		if (status == 0 || !again || ks_clock_ms() >= deadline || ks_signals_end() != 0)
			return status;
		clock_gettime(CLOCK_MONOTONIC, &wait);	/* any number that another instance does not have */
		wait = (struct timespec){ .tv_nsec = (pause + (wait.tv_nsec / 1000 + getpid()) % pause) * 1000000 };
		nanosleep(&wait, NULL);
	}
}

int ks_claim_gather(struct ks_kafka_claim *c, const struct ks_kafka_parts *x, struct ks_err *err)
{
	rd_kafka_topic_partition_list_t *list, *of;
	char owner[KS_OWNER_ROOM];
	bool held, often = false;	/* not let go of */
	const char *keeper;
	struct ks_word w;
	int status, i;

	if (x->count == 0 || !ks_keeps("owners") || !ks_keeps("claim"))
		return 0;
	list = list_of(x);
	status = watch(c, err);
	if (status == 0)
		status = check_alone(c, err);	/* before it fences one of them */
	if (status == 0)
		status = ks_book_glance(&c->side, c->config->app, list, err);
	while (status == 0) {
		of = rd_kafka_topic_partition_list_new(list->cnt);
		owner[0] = '\0';
		held = false;
		for (i = list->cnt; i > 0; i--) {
			keeper = keeper_of(c, &list->elems[i - 1], &w);
			if (keeper == NULL || keeper != w.claimer || (owner[0] != '\0' && strcmp(keeper, owner) != 0))
				continue;
			snprintf(owner, sizeof(owner), "%s", keeper);
			held |= !w.released;
			rd_kafka_topic_partition_list_add(of, list->elems[i - 1].topic, list->elems[i - 1].partition);
			rd_kafka_topic_partition_list_del_by_idx(list, i - 1);
		}
		if (held && c->member == NULL)	/* members of a group may come and go as they like */
			status = ks_taken_check(c->dir, c->config->app, owner, err);
		if (status == 0 && of->cnt > 0)
			status = take(c, owner, of, err);
		often |= held && c->member == NULL;
		i = of->cnt;
		rd_kafka_topic_partition_list_destroy(of);
		if (i == 0)
			break;
	}
	if (status == 0 && often)
		ks_taken_note(c->dir);
	rd_kafka_topic_partition_list_destroy(list);
	return status;
}

/* The partitions that have no word are nobody's: ours, from where they begin. */
static int take_new(struct ks_kafka_claim *c, const struct ks_kafka_parts *x, rd_kafka_topic_partition_list_t *list, struct ks_err *err)
{
	rd_kafka_topic_partition_list_t *of = rd_kafka_topic_partition_list_new(list->cnt);
	struct ks_word w;
	int status = 0, i;

	for (i = 0; i < list->cnt; i++)
		if (!ks_book_word(&list->elems[i], &w))
			rd_kafka_topic_partition_list_add(of, list->elems[i].topic, list->elems[i].partition)->offset = x->parts[i].next;
	if (of->cnt > 0 && c->member == NULL && ks_keeps("claim") && ks_keeps("owners")) {
		status = take(c, KS_TXN_NOBODY, of, err);
		if (status == 0)
			status = ks_book_read(&c->reader, c->options, c->config->app, list, err);
	}
	rd_kafka_topic_partition_list_destroy(of);
	return status;
}

/* What was found, which HELLO tells; and that nobody has come between. */
static int note_words(struct ks_kafka_claim *c, const rd_kafka_topic_partition_list_t *list, struct ks_err *err)
{
	struct ks_word *w;
	int i;

	free(c->words);
	c->words = calloc((size_t)list->cnt + 1, sizeof(*c->words));
	if (c->words == NULL)
		return ks_fail_memory(err);
	for (i = 0; i < list->cnt; i++) {
		w = &c->words[i];
		if (keeper_of(c, &list->elems[i], w) != NULL && ks_keeps("owners") && ks_keeps("claim"))
			return ks_fail(err, KS_TEMP, "%s/%d: instance %s of app '%s' has just claimed this: begin again",
			    list->elems[i].topic, (int)list->elems[i].partition, w->claimer, c->config->app);
		if (w->committer[0] == '\0')	/* no word, and it is this claim that gives it one */
			snprintf(w->committer, sizeof(w->committer), "%s", c->config->owner);
	}
	return 0;
}

/*
 * A name that has been given twice: each of the two takes the partitions from
 * the other when it is started again.  Runs are times, in ms: who finds that
 * one of another directory came soon after its own, and just now, gives up.
 */
static int check_turns(const struct ks_kafka_claim *c, const rd_kafka_topic_partition_list_t *list, struct ks_err *err)
{
	int64_t last = own_run(c), now = ks_wall_ms(), run;
	int i;

	for (i = 0; i < list->cnt && last > 0; i++) {
		run = c->words[i].run;
		if (strcmp(c->words[i].claimer, c->config->owner) == 0 && run > last && run - last < TURNS_MS && now - run < TURNS_MS)
			return ks_fail(err, KS_CONFIG, "another program is instance '%s' of app '%s', too, and they take turns: give each an --instance "
			    "of its own", c->config->owner, c->config->app);
	}
	return 0;
}

static int number_run(struct ks_kafka_claim *c, const rd_kafka_topic_partition_list_t *list, struct ks_err *err)
{
	int status = c->member != NULL ? check_turns(c, list, err) : 0;

	if (status == 0 && c->member != NULL)
		return next_run(c, &c->stand.run, err);
	c->stand.run++;
	return status;
}

/* The offsets of x, for the next run. */
static int enter(struct ks_kafka_claim *c, const struct ks_kafka_parts *x, rd_kafka_topic_partition_list_t *list, struct ks_err *err)
{
	struct ks_word w;
	int status = 0;
	size_t i;

	if (!ks_keeps("claim"))
		return 0;
	for (i = 0; i < x->count && status == 0; i++) {
		w = c->words[i];
		w.run = c->stand.run;
		w.released = false;
		snprintf(w.claimer, sizeof(w.claimer), "%s", c->config->owner);
		list->elems[i].offset = x->parts[i].next;
		status = ks_book_mark(&list->elems[i], &w, err);
	}
	if (status == 0)
		status = ks_txn_begin(&c->writer, err);
	ks_point("claim-begun");
	if (status == 0)
		status = ks_txn_offsets(&c->writer, c->config->app, c->member, list, err);
	return status == 0 ? ks_txn_commit(&c->writer, err) : status;
}

int ks_claim_take(struct ks_kafka_claim *c, const struct ks_kafka_parts *x, struct ks_err *err)
{
	rd_kafka_topic_partition_list_t *list;
	int status;

	if (x->count == 0)
		return ks_fail(err, KS_CONFIG, "--instance %s has nothing to read: there are fewer partitions than instances",
		    c->config->owner);
	list = list_of(x);
	status = ks_book_read(&c->reader, c->options, c->config->app, list, err);
	ks_point("source-read");
	if (status == 0)
		status = check_places(x, list, err);
	if (status == 0)
		status = take_new(c, x, list, err);
	if (status == 0)
		status = note_words(c, list, err);
	if (status == 0)
		status = ks_book_stand(c->config->app, list, &c->stand, err);
	if (status == 0)
		status = number_run(c, list, err);
	if (status == 0)
		status = enter(c, x, list, err);
	rd_kafka_topic_partition_list_destroy(list);
	ks_point("claimed");
	if (status == KS_TEMP && c->writer.refusal != 0)
		status = ks_refusal_count(c->dir, c->stand.epoch, c->writer.refusal, err);
	/* The sink of this run is the next to have its id. */
	ks_kafka_close(&c->writer);
	ks_kafka_close(&c->reader);
	if (status != 0)
		return status;
	if (c->one != NULL)
		rd_kafka_topic_partition_list_destroy(c->one);
	c->one = rd_kafka_topic_partition_list_new(1);
	rd_kafka_topic_partition_list_add(c->one, x->parts[0].topic->name, x->parts[0].partition);
	return watch(c, err);
}

int ks_claim_nothing(struct ks_kafka_claim *c, struct ks_err *err)
{
	c->stand = (struct ks_stand){ .epoch = 0 };
	return next_run(c, &c->stand.run, err);
}

void ks_claim_position(const struct ks_kafka_claim *c, size_t at, struct ks_hello_position *p)
{
	const struct ks_word *w = &c->words[at];

	p->epoch = w->epoch;
	p->run = w->commit_run;
	p->owner = w->epoch > 0 ? w->committer : NULL;
	p->restore = w->epoch > 0 && !ks_owner_same_place(w->committer, c->config->owner);
}

int ks_claim_learn(struct ks_kafka_claim *c, int wait_ms, struct ks_err *err)
{
	struct ks_word now;
	bool ours;

	if (c->one == NULL)	/* a section of nothing */
		return 0;
	if (!ks_book_learn(&c->side, c->one, wait_ms, &now))
		return ks_kafka_check(&c->side, err);
	ours = strcmp(now.claimer, c->config->owner) == 0;
	/* An older one may be told of for a while. */
	if (now.run > c->stand.run || (now.run == c->stand.run && !ours))
		return ks_fail(err, KS_TEMP, "run %lld of app '%s', instance %s, has taken over from run %lld", (long long)now.run,
		    c->config->app, now.claimer, (long long)c->stand.run);
	if (now.run == c->stand.run && now.epoch > c->stand.epoch) {
		c->stand.epoch = now.epoch;
		ks_point("learned");
	}
	return 0;
}

void ks_claim_close(struct ks_kafka_claim *c)
{
	ks_kafka_close(&c->writer);
	ks_kafka_close(&c->reader);
	ks_kafka_close(&c->side);
	if (c->one != NULL)
		rd_kafka_topic_partition_list_destroy(c->one);
	free(c->words);
	*c = (struct ks_kafka_claim){ .options = NULL };
}
