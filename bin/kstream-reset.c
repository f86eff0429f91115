/* SPDX-License-Identifier: MIT */
/*
 * kstream-reset - set an app back, or begin a new version of it beside it.
 *
 * Prints what it would do, and does it with --apply.  What belongs to the app
 * its ledger says, its state directories and its changelogs; no name is
 * guessed.  Refuses options about a stream: it reads none.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/drill.h"
#include "lib/endpoint.h"
#include "lib/kafka-config.h"
#include "lib/kafka-reset.h"
#include "lib/num.h"
#include "lib/op.h"
#include "lib/options-kafka.h"
#include "lib/state-dir.h"
#include "lib/stats.h"

struct reset {
	struct ks_reset plan;
	struct ks_kafka_options kafka;
	struct ks_kafka_config properties;
	struct ks_kafka_reset book;
	bool apply, replan, placed;	/* placed: -o was given */
	bool plain;		/* nothing is asked for but a reset */
	bool given_up;		/* for what is asked for now, a plan that was begun */
	bool asks;		/* Kafka: something was said about it */
	struct ks_run *run;
};

enum { OPT_APPLY, OPT_REPLAN, OPT_OFFSET, OPT_CHANGELOG, OPT_EMPTY, OPT_VERSION, OPT_BROKERS, OPT_CONFIG, OPT_PROPERTY, OPT_TIMEOUT };
static const struct ks_option options[] = {
	[OPT_APPLY] = { "apply", 0, NULL, "do it: without this the plan is printed" },
	[OPT_REPLAN] = { "replan", 0, NULL, "do this in place of a reset that was begun" },
	[OPT_OFFSET] = { "offset", 'o', "WHERE", "beginning, end, stored, last-good, TOPIC/P@N,..." },
	[OPT_CHANGELOG] = { "changelog", 0, "TOPIC", "empty a changelog, if it is the app's" },
	[OPT_EMPTY] = { "empty", 0, "TOPIC", "delete the records of a topic that it writes" },
	[OPT_VERSION] = { "new-version", 0, "NAME", "begin a new app there, and leave this one" },
	[OPT_BROKERS] = { "bootstrap-server", 'b', "BROKER", "Kafka, as HOST:PORT, or several between commas" },
	[OPT_CONFIG] = { "config", 'F', "FILE", NULL },
	[OPT_PROPERTY] = { "property", 'X', "NAME=VALUE", NULL },
	[OPT_TIMEOUT] = { "timeout", 0, "DURATION", NULL },
	{ 0 },
};

static int read_place(struct ks_reset *r, const char *value, struct ks_err *err)
{
	static const struct { const char *text; enum ks_reset_to to; } words[] = {
		{ "beginning", KS_RESET_BEGINNING }, { "end", KS_RESET_END }, { "stored", KS_RESET_STORED },
		{ KS_RESET_SAID_LAST_GOOD, KS_RESET_LAST_GOOD },
	};
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(words[i].text, value) == 0) {
			r->to = words[i].to;
			return 0;
		}
	}
	if (strchr(value, '@') == NULL)
		return ks_fail(err, KS_USAGE, "--offset '%s' is not beginning, end, stored, last-good, "
		    "or TOPIC/PARTITION@OFFSET,...", value);
	r->to = KS_RESET_OFFSETS;
	r->offsets = value;
	return 0;
}

static int add_topic(struct reset *st, const char *option, const char *value, bool log, bool named, struct ks_err *err)
{
	struct ks_reset_topic *t;

	if (!ks_is_name(value, strlen(value)))
		return ks_fail(err, KS_USAGE, "--%s '%.64s' cannot be the name of a topic", option, value);
	t = ks_reset_add_topic(&st->plan, value, log);
	if (t == NULL)
		return ks_fail_memory(err);
	t->named = t->named || named;
	return t->log == log ? 0 : ks_fail(err, KS_USAGE, "--changelog and --empty both name '%s': a changelog is emptied, too",
	    value);
}

static int reset_option(void *arg, struct ks_run *run, unsigned at, const char *value)
{
	struct reset *st = arg;

	switch (at) {
	case OPT_APPLY: st->apply = true; return 0;
	case OPT_REPLAN: st->replan = true; return 0;
	case OPT_OFFSET: st->placed = true; return read_place(&st->plan, value, run->err);
	case OPT_CHANGELOG: return add_topic(st, "changelog", value, true, true, run->err);
	case OPT_EMPTY: return add_topic(st, "empty", value, false, true, run->err);
	case OPT_BROKERS:
		st->asks = true;
		st->kafka.brokers = value;
		return ks_kafka_config_brokers(&st->properties, value, run->err);
	case OPT_CONFIG: st->asks = true; return ks_kafka_config_file(&st->properties, value, run->err);
	case OPT_PROPERTY: st->asks = true; return ks_kafka_config_arg(&st->properties, value, run->err);
	case OPT_VERSION:
		st->plan.fork = value;
		return ks_state_is_name(value) ? 0 : ks_fail(run->err, KS_USAGE,
		    "--new-version '%s' is not a name of letters, digits, '.', '_' and '-'", value);
	default:
		if (ks_num_parse_duration(ks_str(value), &st->kafka.timeout_ms) != 0 || st->kafka.timeout_ms < 1000 ||
		    st->kafka.timeout_ms > 86400000)
			return ks_fail(run->err, KS_USAGE, "--timeout '%s' is not a duration from 1s to 1d, such as 30s", value);
		return 0;
	}
}

static int refuse_stream(const struct ks_run *run)
{
	static const char *const ours[] = { "quiet", "verbose", "since", "app", "state-dir" };
	const struct ks_config *c = run->config;
	const struct ks_given *g;
	size_t i;

	for (g = run->options->given; g < run->options->given + run->options->given_count; g++) {
		for (i = 0; i < sizeof(ours) / sizeof(ours[0]) && strcmp(g->option->name, ours[i]) != 0; i++)
			;
		if (i == sizeof(ours) / sizeof(ours[0]))
			return ks_fail(run->err, KS_USAGE, "--%s is about a stream, and none is read here: leave it out",
			    g->option->name);
	}
	if (c->in_count > 0 || c->out != NULL || c->topic_count > 0 || c->only != NULL || c->as != NULL || c->to_given ||
	    c->from_given || c->has_until || c->untyped || c->fields != NULL || c->columns != NULL || c->color != KS_COLOR_AUTO || strcmp(c->stage, "reset") != 0)
		return ks_fail(run->err, KS_USAGE, "no stream is read or written here: leave out options about one");
	return 0;
}

static int check_together(const struct reset *st, const struct ks_config *c, struct ks_err *err)
{
	const struct ks_reset *r = &st->plan;
	size_t i;

	if (c->app == NULL)
		return ks_fail(err, KS_USAGE, "which app?  --app NAME");
	if (!ks_state_is_name(c->app))
		return ks_fail(err, KS_USAGE, "--app '%s' is not a name of letters, digits, '.', '_' and '-'", c->app);
	if (st->placed && c->has_since)
		return ks_fail(err, KS_USAGE, "--offset and --since both say where to: leave one of them out");
	if (r->fork != NULL && strcmp(r->fork, c->app) == 0)
		return ks_fail(err, KS_USAGE, "--new-version '%s' is the app itself: a new version has another name", r->fork);
	if (r->fork != NULL && r->topic_count > 0)
		return ks_fail(err, KS_USAGE, "--new-version leaves everything as it is: leave out --changelog and --empty");
	if (r->fork != NULL && st->replan)
		return ks_fail(err, KS_USAGE, "--new-version resets nothing, and has no plan to be given up: leave out --replan");
	if (r->fork != NULL && r->to == KS_RESET_LAST_GOOD)
		return ks_fail(err, KS_USAGE, "--new-version has no state yet: --offset stored begins where the app stands");
	for (i = 0; i < r->topic_count && r->to == KS_RESET_LAST_GOOD; i++)
		if (!r->topics[i].log)
			return ks_fail(err, KS_USAGE, "--offset last-good goes on where the app stands, and writes nothing anew: "
			    "leave out --empty");
	if (r->topic_count > 0 && !st->asks)
		return ks_fail(err, KS_USAGE, "--changelog and --empty are about topics: name a broker with -b HOST:PORT");
	return 0;
}

static int reset_operands(void *arg, struct ks_run *run, int argc, char *const argv[], int *used)
{
	struct reset *st = arg;
	int status = refuse_stream(run);

	st->run = run;
	run->uncounted = true;
	*used = argc;
	ks_answer(run);
	if (status == 0 && argc > 0)
		status = ks_fail(run->err, KS_USAGE, "'%s': nothing is named by itself here: --app NAME", argv[0]);
	return status == 0 ? check_together(st, run->config, run->err) : status;
}

/* --- what is there --- */

static void tell_place(struct ks_reset *r, const struct ks_config *c)
{
	static const char *const words[] = { [KS_RESET_BEGINNING] = "beginning", [KS_RESET_END] = "end", [KS_RESET_STORED] = "stored",
		[KS_RESET_LAST_GOOD] = KS_RESET_SAID_LAST_GOOD, [KS_RESET_OFFSETS] = "offsets", };
	size_t n;

	if (c->has_since) {
		r->to = KS_RESET_TIME;
		r->time_ms = c->since_ms;
		n = ks_num_print_time(r->told, r->time_ms);
		r->told[n] = '\0';
		return;
	}
	snprintf(r->told, sizeof(r->told), "%s", words[r->to]);
}

static const char *since_of(const struct ks_run *run)
{
	const struct ks_given *g;
	const char *since = NULL;

	for (g = run->options->given; g < run->options->given + run->options->given_count; g++)
		if (strcmp(g->option->name, "since") == 0)
			since = g->value;
	return since;
}

/* A state names its own changelog: it goes with it. */
static int add_changelogs(struct reset *st, struct ks_err *err)
{
	struct ks_reset *r = &st->plan;
	size_t i;
	int status = 0;

	for (i = 0; i < r->state_count && status == 0; i++)
		if (r->states[i].changelog[0] != '\0')
			status = add_topic(st, "changelog", r->states[i].changelog, true, false, err);
	return status;
}

static int place_files(struct ks_reset *r, struct ks_err *err)
{
	struct ks_reset_part *p;

	if (r->to == KS_RESET_LAST_GOOD)
		return ks_fail(err, KS_USAGE, "--offset last-good is for what is exactly once, and has a changelog: "
		    "app '%s' has its ledger in files", r->app);
	for (p = r->parts; p < r->parts + r->part_count; p++) {
		if (p->file && r->to != KS_RESET_BEGINNING && r->to != KS_RESET_STORED)
			return ks_fail(err, KS_USAGE, "app '%s' reads files, which begin again from their beginning: "
			    "leave out --%s", r->app,
			    r->to == KS_RESET_TIME ? "since" : "offset");
		if (p->file || p->sink)
			p->to = p->sink || r->to == KS_RESET_BEGINNING ? 0 : KS_RESET_STAYS;
	}
	return 0;
}

static bool has_topics(const struct ks_reset *r)
{
	const struct ks_reset_part *p;
	size_t i;

	for (p = r->parts; p < r->parts + r->part_count; p++)
		if (!p->file)
			return true;
	for (i = 0; i < r->instance_count; i++)
		if (ks_ledger_is_prepared(&r->instances[i].ledger))
			return true;
	return r->topic_count > 0;
}

/* Each state comes again from a changelog that is there. */
static int check_restorable(const struct ks_reset *r, struct ks_err *err)
{
	const struct ks_reset_state *s;
	const struct ks_reset_topic *t;
	size_t logs = 0;

	for (t = r->topics; t < r->topics + r->topic_count; t++) {
		if (t->log && (!t->there || t->records == 0))
			return ks_fail(err, KS_CONFIG, "changelog '%s' has nothing to restore from: --offset beginning", t->name);
		logs += t->log;
	}
	for (s = r->states; s < r->states + r->state_count; s++)
		if (s->changelog[0] == '\0' && (!s->damaged || logs == 0))
			return ks_fail(err, KS_CONFIG, "the state of '%s' has no changelog to be restored from: "
			    "name it with --changelog TOPIC, if it has one, or --offset beginning",
			    s->stage);
	return 0;
}

static int find_in_kafka(struct reset *st, struct ks_err *err)
{
	int status = ks_kafka_config_settle(&st->properties, &st->kafka, err);

	if (st->kafka.timeout_ms == 0)
		st->kafka.timeout_ms = KS_KAFKA_AWAY_MS;
	return status == 0 ? ks_kafka_reset_find(&st->book, &st->kafka, &st->plan, err) : status;
}

static int place(struct reset *st, struct ks_err *err)
{
	struct ks_reset *r = &st->plan;
	bool kafka = st->book.plan != NULL;
	int status = r->fork != NULL ? 0 : st->replan ? ks_reset_replan(r, &st->given_up, err) : ks_reset_resume(r, st->plain, err);

	if (status == 0 && !kafka && (has_topics(r) || r->in_kafka || (!r->filed && r->instance_count > 0)))
		return ks_fail(err, KS_USAGE, "app '%s' reads or writes topics: name a broker with -b HOST:PORT", r->app);
	if (status == 0 && r->part_count == 0 && r->state_count == 0 && !r->resumed)
		return ks_fail(err, KS_NOINPUT, kafka ? "there is no app '%s': group '%s' has committed nothing, "
		    "and '%s' has nothing of it" :
		    "there is no app '%s' in files: where it reads topics, name a broker with -b HOST:PORT%.0s (looked into '%s')",
		    r->app, r->app, r->home);
	if (status != 0 || r->resumed)
		return status == 0 && kafka ? ks_kafka_empty_look(&st->book, err) : status;
	r->final_run = r->run + 1;
	r->in_kafka = kafka;
	if (kafka)
		status = ks_kafka_reset_place(&st->book, err);
	if (status == 0 && r->filed)
		status = place_files(r, err);
	if (status == 0)
		status = add_changelogs(st, err);
	if (status == 0 && !kafka && r->topic_count > 0)
		return ks_fail(err, KS_USAGE, "app '%s' has a changelog: name a broker with -b HOST:PORT", r->app);
	if (status == 0 && kafka)
		status = ks_kafka_empty_look(&st->book, err);
	return status == 0 && r->to == KS_RESET_LAST_GOOD ? check_restorable(r, err) : status;
}

/* --- what is done --- */

static int apply(struct reset *st, struct ks_err *err)
{
	struct ks_reset *r = &st->plan;
	bool kafka = st->book.plan != NULL;
	int status = !r->resumed && kafka ? ks_kafka_empty_try(&st->book, err) : 0;

	if (status == 0 && !r->resumed)
		status = ks_reset_write(r, err);
	if (status != 0)
		return status;
	ks_point("reset-planned");
	if (!r->done) {
		if (status == 0 && kafka)
			status = ks_kafka_reset_mark(&st->book, err);
		ks_point("reset-all-marked");
		if (status == 0 && kafka && !r->marked) {
			r->marked = true;
			status = ks_reset_write(r, err);
		}
		if (status == 0)
			status = ks_reset_states(r, err);
		if (status == 0 && kafka)
			status = ks_kafka_empty(&st->book, err);
		if (status == 0 && kafka)
			status = ks_kafka_reset_finish(&st->book, err);
	}
	if (status == 0)
		status = ks_reset_ledgers(r, err);
	return status == 0 ? ks_reset_clean(r, err) : status;
}

static bool is_there(const struct ks_config *c, const char *app)
{
	char *path;
	struct stat x;
	bool there;

	if (asprintf(&path, "%s/%s", c->state_dir, app) < 0)
		return true;
	there = stat(path, &x) == 0;
	free(path);
	return there;
}

/* Whether there can be one. */
static int check_fork(struct reset *st, const struct ks_config *c, struct ks_err *err)
{
	const struct ks_reset *r = &st->plan;

	if (r->fork == NULL)
		return 0;
	if (is_there(c, r->fork))
		return ks_fail(err, KS_CONFIG, "app '%s' is there already: '%s/%s'; give the new version another name", r->fork,
		    c->state_dir, r->fork);
	return st->book.plan != NULL ? ks_kafka_reset_fork(&st->book, false, err) : 0;
}

static int fork_app(struct reset *st, struct ks_err *err)
{
	int status = st->book.plan != NULL ? ks_kafka_reset_fork(&st->book, true, err) : 0;

	return status == 0 && st->plan.filed ? ks_reset_fork_ledgers(&st->plan, err) : status;
}

/* State is with its instance. */
static void show_elsewhere(const struct ks_reset *r)
{
	const struct ks_reset_part *p;
	const char *last = "";
	size_t i;

	for (p = r->parts; p < r->parts + r->part_count; p++) {
		for (i = 0; i < r->instance_count && !ks_owner_same_place(r->instances[i].name, p->owner); i++)
			;
		if (i < r->instance_count || strcmp(last, p->owner) == 0)
			continue;
		printf("%sInstance %s has no directory here: if it keeps state, give this command on its host, too, "
		    "before anything is started.\n",
		    last[0] == '\0' ? "\n" : "", p->owner);
		last = p->owner;
	}
}

static bool empties_outputs(const struct ks_reset *r)
{
	const struct ks_reset_topic *t;

	for (t = r->topics; t < r->topics + r->topic_count; t++)
		if (!t->log && ks_reset_empties(r, t))
			return true;
	return false;
}

static void show_rest(const struct reset *st)
{
	const struct ks_reset *r = &st->plan;

	if (r->fork != NULL)
		printf("\n'%s' stays as it is, and may run.  '%s' keeps nothing yet, and its output must go elsewhere.\n", r->app,
		    r->fork);
	else if (r->done)
		printf("This was begun before, and is done, but for the plan itself.\n");
	else if (r->resumed)
		printf("\nThis was begun before, and goes on as it was planned then%s%s.\n", r->asked != NULL ? ", with " : "",
		    r->asked != NULL ? r->asked : "");
	else
		show_elsewhere(r);
	if (st->given_up)
		printf("\nA reset that was begun before is given up for this one.\n");
	if (r->fork == NULL && !r->resumed && empties_outputs(r))
		printf("\nWho has written to the topics of --empty is not known: all their records go, also those of others.\n");
	if (r->fork == NULL && !r->resumed)
		printf("\nWhat stays: its input, what it has written to other topics and to files, and all of other apps.\n");
	if (!st->apply)
		printf("Nothing has been done: the same command with --apply does it.\n");
}

static int act(struct reset *st, struct ks_err *err)
{
	struct ks_reset *r = &st->plan;
	int status = 0;

	/* What cannot be told is not done. */
	if (fflush(stdout) != 0 || ferror(stdout))
		return ks_fail_errno(err, KS_IO, errno, "cannot write to stdout");
	if (r->fork != NULL)
		return st->apply ? fork_app(st, err) : 0;
	if (st->book.plan != NULL && !r->done)
		status = ks_kafka_reset_live(&st->book, st->apply, err);
	if (status == 0 && r->live.status != 0) {
		*err = r->live;
		status = err->status;
	}
	return status == 0 && st->apply ? apply(st, err) : status;
}

static void say_begun(const struct ks_reset *r)
{
	char text[400];

	snprintf(text, sizeof(text), "this goes on with the reset that was begun before%s%.250s", r->asked != NULL ? ", with " : "",
	    r->asked != NULL ? r->asked : "");
	ks_say(r->config->program, text);
}

static int reset_answer(void *arg, const struct ks_config *c, bool *answered, struct ks_err *err)
{
	struct reset *st = arg;
	struct ks_reset *r = &st->plan;
	int status = 0;

	*answered = true;
	r->config = c;
	r->app = c->app;
	tell_place(r, c);
	if (!ks_reset_say(r, since_of(st->run)))
		return ks_fail_memory(err);
	st->plain = !st->placed && !c->has_since && r->topic_count == 0;
	if (asprintf(&r->home, "%s/%s", c->state_dir, c->app) < 0) {
		r->home = NULL;
		return ks_fail_memory(err);
	}
	if (st->apply && r->fork == NULL)
		status = ks_reset_lock(r, err);
	if (status == 0)
		status = ks_reset_find(r, err);
	if (status == 0 && st->asks)
		status = find_in_kafka(st, err);
	if (status == 0)
		status = place(st, err);
	if (status == 0)
		status = check_fork(st, c, err);
	if (status != 0)
		return status;
	/* Also with -q: not what a reset without a word else is. */
	if (r->resumed && !r->done && st->apply && c->quiet && (r->asked == NULL || strcmp(r->asked, "--offset beginning") != 0))
		say_begun(r);
	if ((!c->quiet || !st->apply) && !r->done)
		ks_reset_show(r);
	if (!c->quiet)
		show_rest(st);
	status = act(st, err);
	if (status == 0 && st->apply && !c->quiet)
		printf(r->fork != NULL ? "Done: start it as --app %s.\n" : "Done: start '%s' again, and it begins there.\n",
		    r->fork != NULL ? r->fork : r->app);
	return status;
}

static void reset_close(void *arg, struct ks_run *run)
{
	struct reset *st = arg;

	(void)run;
	/* It was made to be locked, of an app that keeps nothing here. */
	if (st->plan.lock > 0)
		(void)rmdir(st->plan.home);
	ks_kafka_reset_close(&st->book);
	ks_kafka_config_release(&st->properties);
	ks_reset_release(&st->plan);
}

static const struct ks_endpoints endpoints = { .answer = reset_answer };

static const struct ks_op op = {
	.name = "kstream-reset",
	.synopsis = "--app NAME [-b BROKER] [-o WHERE | --since TIME] [--changelog TOPIC] [--empty TOPIC] [--new-version NAME] [--apply] [--replan]",
	.purpose = "set an app back, or begin a new version beside it",
	.options = options,
	.size = sizeof(struct reset),
	.inputs = 1,
	.option = reset_option,
	.operands = reset_operands,
	.close = reset_close,
	.endpoints = &endpoints,
};

int main(int argc, char *argv[])
{
	return ks_main(&op, argc, argv);
}
