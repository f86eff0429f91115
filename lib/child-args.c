/* SPDX-License-Identifier: MIT */
/* child-args.c - which of the tool's options a child is given. */
#include "child-args.h"

#include <stdio.h>
#include <stdlib.h>

#include "options-kafka.h"

void ks_args_add(struct ks_args *c, const char *name, const char *value)
{
	char **grown = realloc(c->argv, (c->count + 2) * sizeof(*grown)), *word;

	if (grown != NULL)
		c->argv = grown;
	if (grown == NULL || c->failed ||
	    asprintf(&word, "%s%s%s", name, value != NULL ? "=" : "", value != NULL ? value : "") < 0) {
		c->failed = true;
		return;
	}
	c->argv[c->count++] = word;
	c->argv[c->count] = NULL;
}

void ks_args_drop(struct ks_args *c)
{
	size_t i;

	for (i = 0; i < c->count; i++)
		free(c->argv[i]);
	free(c->argv);
}

void ks_args_topic(struct ks_args *c, const char *option, const char *topic)
{
	char text[sizeof("kafka:") + KS_NAME_MAX];

	snprintf(text, sizeof(text), "kafka:%s", topic);
	ks_args_add(c, option, text);
}

void ks_args_given(struct ks_args *c, const struct ks_options *o, unsigned to)
{
	const struct ks_given *g;
	char name[64];
	int i;

	for (g = o->given; g < o->given + o->given_count; g++) {
		if ((g->to & to) == 0)
			continue;
		snprintf(name, sizeof(name), "--%s", g->option->name);
		ks_args_add(c, name, g->value);
	}
	/* One -v asks for the tool's own line. */
	for (i = 1; i < o->config.verbose; i++)
		ks_args_add(c, "--verbose", NULL);
}

/* What it takes to reach Kafka, and nothing that is about records. */
static bool reaches(const struct ks_given *g)
{
	return (g->kafka && g->to == KS_TO_BOTH) || strcmp(g->option->name, "quiet") == 0;
}

bool ks_args_names_kafka(const struct ks_options *o)
{
	size_t i;

	for (i = 0; i < o->given_count; i++)
		if (o->given[i].kafka && o->given[i].to == KS_TO_BOTH)
			return true;
	return getenv("KSTREAM_CONFIG") != NULL || getenv("KCAT_CONFIG") != NULL;
}

static bool limits(const struct ks_given *g)
{
	return strncmp(g->option->name, "max-", 4) == 0 ? g->to == KS_TO_BOTH && !g->kafka :
	    strcmp(g->option->name, "commit-interval") == 0;
}

/* What is the first half's of --through: its input, and how to write a topic.  What is printed is the second half's. */
static bool is_first(const struct ks_given *g)
{
	const char *name = g->option->name;

	return strcmp(name, "to") != 0 && strcmp(name, "kcat-json") != 0 && strcmp(name, "route") != 0 &&
	    strcmp(name, "create-topics") != 0;
}

static void add_each(struct ks_args *c, const struct ks_options *o, bool (*wanted)(const struct ks_given *g))
{
	const struct ks_given *g;
	char name[64];

	for (g = o->given; g < o->given + o->given_count; g++) {
		snprintf(name, sizeof(name), "--%s", g->option->name);
		if (wanted(g))
			ks_args_add(c, name, g->value);
	}
}

void ks_args_reach(struct ks_args *c, const struct ks_options *o)
{
	add_each(c, o, reaches);
}

void ks_args_second(struct ks_args *c, const struct ks_options *o)
{
	static const char *const codec[] = { "string", "json", "raw" };

	ks_args_reach(c, o);
	add_each(c, o, limits);
	ks_args_add(c, "--offset=end", NULL);
	ks_args_add(c, "--key-from", codec[o->config.key_to]);
	if (o->through_raw)
		ks_args_add(c, "--from=raw", NULL);
}

/* What is about reading any topic, and not about the records of the tool's input. */
static bool is_feed(const struct ks_given *g)
{
	const char *name = g->option->name;

	return strcmp(name, "key-from") == 0 || strcmp(name, "isolation") == 0 ||
	    (strcmp(name, "on-error") == 0 && strcmp(g->value, "skip") == 0);
}

void ks_args_feed(struct ks_args *c, const struct ks_options *o, bool whole)
{
	ks_args_add(c, "--to=frames", NULL);
	ks_args_reach(c, o);
	add_each(c, o, limits);
	add_each(c, o, is_feed);
	ks_args_add(c, whole ? "--exit-eof" : "--offset=end", NULL);
}

void ks_args_log(struct ks_args *c, const struct ks_options *o, const char *partitions)
{
	ks_args_add(c, "--to=frames", NULL);
	ks_args_reach(c, o);
	add_each(c, o, limits);
	ks_args_add(c, "--from=raw", NULL);
	ks_args_add(c, "--key-from=raw", NULL);
	ks_args_add(c, "--isolation=read_committed", NULL);
	ks_args_add(c, "--partition", partitions);
	ks_args_add(c, "--exit-eof", NULL);
}

static bool is_source(const struct ks_given *g)
{
	return (g->to & KS_TO_SOURCE) != 0;
}

static bool is_source_of_file(const struct ks_given *g)
{
	return is_source(g) && !g->kafka;
}

void ks_args_input(struct ks_args *c, const struct ks_options *o, const char *input)
{
	bool topic = ks_options_is_topic(input);

	ks_args_add(c, "--to=frames", NULL);
	add_each(c, o, topic ? is_source : is_source_of_file);
	if (!topic && o->config.untyped)
		ks_args_add(c, "--types=string", NULL);
	if (!topic && o->config.fields != NULL)
		ks_args_add(c, "--fields", o->config.fields);
	if (topic)
		ks_args_add(c, "--exit-eof", NULL);
	ks_args_add(c, "--in", input);
}

void ks_args_first(struct ks_args *c, const struct ks_options *o)
{
	size_t i;
	int n;

	add_each(c, o, is_first);
	for (i = 0; i < o->first_in_count; i++)
		ks_args_add(c, "--in", o->first_in[i]);
	for (i = 0; i < o->first_topic_count; i++)
		ks_args_add(c, "--topic", o->first_topics[i]);
	for (n = 0; n < o->config.verbose; n++)
		ks_args_add(c, "--verbose", NULL);
	ks_args_topic(c, "--out", o->through);
	if (o->through_raw)
		ks_args_add(c, "--to=raw", NULL);
}
