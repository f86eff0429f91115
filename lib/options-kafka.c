/* SPDX-License-Identifier: MIT */
/* options-kafka.c - the options of Kafka, and whose they are. */
#include "options-kafka.h"

#include <stdlib.h>

#define KAFKA "kafka:"
#define KAFKA_LEN 6

#define OPTION(id, name, letter, arg, help, to) { name, letter, arg, help },
const struct ks_option ks_kafka_options[] = { KS_KAFKA_OPTIONS(OPTION) { 0 } };
#undef OPTION

#define TO(id, name, letter, arg, help, to) to,
static const unsigned char kafka_to[] = { KS_KAFKA_OPTIONS(TO) };
#undef TO

/* The shared options (options.c).  One that is not here is a bug, so that nobody forgets to decide. */
static const struct {
	const char *name;
	unsigned to;
} shared_to[] = {
	{ "from", KS_TO_SOURCE }, { "key-from", KS_TO_SOURCE }, { "key", KS_TO_SOURCE },
	{ "time", KS_TO_SOURCE }, { "time-unit", KS_TO_SOURCE }, { "on-bad-time", KS_TO_SOURCE },
	{ "since", KS_TO_SOURCE }, { "until", KS_TO_SOURCE }, { "order", KS_TO_SOURCE }, { "idle", KS_TO_SOURCE },
	{ "max-messages", KS_TO_SOURCE }, { "unwrap", KS_TO_SOURCE },
	{ "end", KS_TO_SOURCE }, { "commit-interval", KS_TO_SOURCE },
	{ "to", KS_TO_SINK }, { "kcat-json", KS_TO_SINK }, { "key-to", KS_TO_SINK },
	{ "on-error", KS_TO_BOTH }, { "max-record", KS_TO_BOTH }, { "max-key", KS_TO_BOTH },
	{ "max-depth", KS_TO_BOTH }, { "expr-limit", KS_TO_SOURCE }, { "quiet", KS_TO_BOTH },
	{ "in", 0 }, { "out", 0 }, { "topic", 0 }, { "only", 0 }, { "as", 0 }, { "stage", 0 },
	{ "app", KS_TO_BOTH }, { "guarantee", KS_TO_BOTH }, { "instance", KS_TO_BOTH }, { "state-dir", KS_TO_BOTH }, { "progress", 0 }, { "verbose", 0 },
	{ "help", 0 }, { "version", 0 }, { "types", 0 }, { "fields", 0 }, { "columns", 0 }, { "color", 0 },
};

unsigned ks_kafka_option_to(size_t at)
{
	return kafka_to[at];
}

static unsigned shared_option_to(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(shared_to) / sizeof(shared_to[0]); i++)
		if (strcmp(shared_to[i].name, name) == 0)
			return shared_to[i].to;
	ks_bug("a shared option of which shared_to does not say whose it is");
}

int ks_options_note(struct ks_options *o, const struct ks_option *option, const char *value,
    struct ks_err *err)
{
	struct ks_given *g;
	bool kafka = false;
	unsigned to = 0;
	size_t i;

	for (i = 0; i < sizeof(kafka_to); i++) {
		if (option == &ks_kafka_options[i]) {
			kafka = true;
			to = kafka_to[i];
		}
	}
	if (!kafka)
		to = shared_option_to(option->name);
	if (to == 0)
		return 0;
	g = realloc(o->given, (o->given_count + 1) * sizeof(*g));
	if (g == NULL)
		return ks_fail_memory(err);
	o->given = g;
	g += o->given_count++;
	*g = (struct ks_given){ .option = option, .value = value, .to = to, .kafka = kafka };
	if (strcmp(option->name, "property") != 0)
		return 0;
	g->shown = (char *)(uintptr_t)value;
	g->value = strdup(value);
	return g->value == NULL ? ks_fail_memory(err) : 0;
}

bool ks_options_is_topic(const char *name)
{
	return strncmp(name, KAFKA, KAFKA_LEN) == 0;
}

/* Of a tool that replays, -t names a topic to read: unless it names the records of files, or of lines on stdin. */
static bool is_reading_topics(const struct ks_options *o)
{
	bool kafka = !o->config.from_given;
	size_t i;

	for (i = 0; i < o->given_count && !kafka; i++)
		kafka = o->given[i].kafka;
	return kafka && o->config.topic_count > 0 && o->config.in_count == 0;
}

static int take_inputs(struct ks_options *o, struct ks_err *err)
{
	struct ks_config *c = &o->config;
	const char *name;
	size_t i, topics = 0;

	if (o->replays && is_reading_topics(o)) {
		c->topics_in = true;
		c->topic = NULL;
		return 0;
	}
	for (i = 0; i < c->in_count; i++)
		topics += ks_options_is_topic(c->in[i]);
	if (topics == 0)
		return 0;
	if (topics < c->in_count)
		return ks_fail(err, KS_USAGE, "kafka:TOPIC and a file cannot be read together: write the file to a topic, or read the topic to a file");
	for (i = 0; i < topics; i++) {
		name = c->in[i] + KAFKA_LEN;
		if (!ks_is_name(name, strlen(name)))
			return ks_fail(err, KS_USAGE, "'%s' names no topic, as kafka:orders does", c->in[i]);
		o->topics[c->topic_count++] = name;
	}
	c->in_count = 0;
	c->topics_in = true;
	return 0;
}

static int take_output(struct ks_options *o, struct ks_err *err)
{
	struct ks_config *c = &o->config;
	const char *name = c->out + KAFKA_LEN;
	bool by_route = false;
	size_t i;

	for (i = 0; i < o->given_count; i++)
		by_route = by_route || strcmp(o->given[i].option->name, "route") == 0;
	if (*name == '\0' ? !by_route : !ks_is_name(name, strlen(name)))
		return ks_fail(err, KS_USAGE, "--out '%s' names no topic, as --out kafka:orders does; only with --route may it be left out",
		    c->out);
	c->out_topic = name;
	c->out = NULL;
	return 0;
}

int ks_options_check_commits(const struct ks_config *c, struct ks_err *err)
{
	if (c->commit_interval_ms <= KS_COMMIT_MAX_MS || ks_config_at_least(c))
		return 0;
	return ks_fail(err, KS_USAGE, "--commit-interval with --app and topics is %d s at most: between two commits a transaction is open, "
	    "and Kafka ends one after 60", KS_COMMIT_MAX_MS / 1000);
}

/* An option of Kafka that no kstream-cat will be given. */
static int check_given(const struct ks_options *o, unsigned ends, struct ks_err *err)
{
	const struct ks_config *c = &o->config;
	const struct ks_given *g;

	for (g = o->given; g < o->given + o->given_count; g++) {
		if (!g->kafka || (g->to & ends) != 0 || (o->asks_kafka && g->to == KS_TO_BOTH))
			continue;
		if (c->topic != NULL && c->in_count == 0)
			return ks_fail(err, KS_USAGE, "--%s, but no topic to read or write: -t %s is --in kafka:%s here",
			    g->option->name, c->topic, c->topic);
		return ks_fail(err, KS_USAGE, "--%s is for %s%s%s", g->option->name,
		    (g->to & KS_TO_SOURCE) != 0 ? "--in kafka:TOPIC" : "",
		    g->to == KS_TO_BOTH ? " or " : "", (g->to & KS_TO_SINK) != 0 ? "--out kafka:TOPIC" : "");
	}
	if (c->topics_in && c->topic != NULL)
		return ks_fail(err, KS_USAGE, "-t %s: every topic to read is an --in, as in --in kafka:%s", c->topic, c->topic);
	return 0;
}

/* The first half reads what was to be read; this one the topic between. */
static int go_through(struct ks_options *o, struct ks_err *err)
{
	struct ks_config *c = &o->config;
	size_t i;

	if (c->app != NULL)
		return ks_fail(err, KS_CONFIG, "--through and --app: two pipelines, each with an --app of its own, with the topic between them");
	if (c->only != NULL)
		return ks_fail(err, KS_USAGE, "--only and --through: the streams that pass by would go into the topic, too");
	o->first_in = o->config.in;
	o->first_in_count = o->first_in_given;
	if (!c->topics_in) {
		o->first_topics = o->config.topics;
		o->first_topic_count = c->topic_count;
	}
	for (i = 0; i < o->given_count; i++)
		if (strcmp(o->given[i].option->name, "verify") == 0)
			return ks_fail(err, KS_USAGE, "--verify and --through: there are two copies");
	for (i = 0; c->topics_in && i < c->topic_count; i++)
		if (strcmp(c->topics[i], o->through) == 0)
			return ks_fail(err, KS_USAGE, "topic '%s' is input, and --through, too", o->through);
	if (c->out_topic != NULL && strcmp(c->out_topic, o->through) == 0)
		return ks_fail(err, KS_USAGE, "topic '%s' is output, and --through, too", o->through);
	o->through_raw = c->from == KS_RAW;
	c->in_count = 0;
	c->topics = &o->through;
	c->topic_count = 1;
	c->topics_in = true;
	return 0;
}

int ks_options_topics(struct ks_options *o, struct ks_err *err)
{
	struct ks_config *c = &o->config;
	int status;

	o->first_in_given = c->in_count;
	status = take_inputs(o, err);

	if (status == 0 && c->out != NULL && ks_options_is_topic(c->out))
		status = take_output(o, err);
	if (status == 0 && c->app != NULL && (c->topics_in || c->out_topic != NULL))
		status = ks_options_check_commits(c, err);
	if (status != 0 || o->own == ks_kafka_options)
		return status;
	status = check_given(o, (c->topics_in ? KS_TO_SOURCE : 0) | (c->out_topic != NULL || o->through != NULL ? KS_TO_SINK : 0), err);
	if (status == 0 && o->through != NULL)
		status = go_through(o, err);
	if (c->topics_in) {
		c->from = KS_FRAMES;
		c->from_given = c->time_wall = c->unwrap = false;
		c->time_expr = c->key_expr = NULL;
		c->count = -1;
		c->has_since = c->has_until = false;
		c->order = KS_ORDER_UNSAID;
	}
	if (c->out_topic != NULL) {
		c->to = KS_FRAMES;
		c->to_given = true;
	}
	return status;
}
