/* SPDX-License-Identifier: MIT */
/* kafka-names.c - the topics that -t names, one by one or by a regular expression. */
#include "kafka-names.h"

#include <librdkafka/rdkafka.h>
#include <stdlib.h>

bool ks_kafka_has_patterns(const struct ks_config *config)
{
	size_t i;

	for (i = 0; i < config->topic_count; i++)
		if (config->topics[i][0] == '^')
			return true;
	return false;
}

int ks_kafka_names_open(struct ks_kafka_names *n, const struct ks_config *config, struct ks_err *err)
{
	const char *text;
	char why[200];
	size_t i;
	int e;

	*n = (struct ks_kafka_names){ .patterns = calloc(config->topic_count + 1, sizeof(*n->patterns)) };
	if (n->patterns == NULL)
		return ks_fail_memory(err);
	for (i = 0; i < config->topic_count; i++) {
		text = config->topics[i];
		if (text[0] != '^')
			continue;
		e = regcomp(&n->patterns[n->pattern_count], text, REG_EXTENDED | REG_NOSUB);
		if (e == REG_ESPACE)
			return ks_fail_memory(err);
		if (e != 0) {
			regerror(e, &n->patterns[n->pattern_count], why, sizeof(why));
			return ks_fail(err, KS_USAGE, "-t '%s' is not a regular expression: %s", text, why);
		}
		n->pattern_count++;
		n->internal |= strncmp(text, "^__", 3) == 0;
	}
	return 0;
}

void ks_kafka_names_close(struct ks_kafka_names *n)
{
	size_t i;

	for (i = 0; i < n->pattern_count; i++)
		regfree(&n->patterns[i]);
	for (i = 0; i < n->count; i++)
		free(n->at[i].name);
	free(n->patterns);
	free(n->at);
	*n = (struct ks_kafka_names){ 0 };
}

bool ks_kafka_names_match(const struct ks_kafka_names *n, const char *name)
{
	size_t i;

	if (!n->internal && (strcmp(name, "__consumer_offsets") == 0 || strcmp(name, "__transaction_state") == 0))
		return false;
	for (i = 0; i < n->pattern_count; i++)
		if (regexec(&n->patterns[i], name, 0, NULL, 0) == 0)
			return true;
	return false;
}

static bool has(const struct ks_kafka_names *n, const char *name)
{
	size_t i;

	for (i = 0; i < n->count; i++)
		if (strcmp(n->at[i].name, name) == 0)
			return true;
	return false;
}

static int add(struct ks_kafka_names *n, const char *name, bool matched, struct ks_err *err)
{
	n->at[n->count].name = strdup(name);
	if (n->at[n->count].name == NULL)
		return ks_fail_memory(err);
	n->at[n->count++].matched = matched;
	return 0;
}

static int by_name(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return strcmp(*x, *y);
}

/* What the brokers have that matches, sorted: they list topics in any order. */
static int add_matches(struct ks_kafka_names *n, const struct rd_kafka_metadata *md, struct ks_err *err)
{
	size_t all = (size_t)md->topic_cnt, count = 0, i;
	const char **names = calloc(all + 1, sizeof(*names));
	int status = 0;

	if (names == NULL)
		return ks_fail_memory(err);
	for (i = 0; i < all; i++)
		if (md->topics[i].err != RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART &&
		    md->topics[i].partition_cnt > 0 && ks_kafka_names_match(n, md->topics[i].topic))
			names[count++] = md->topics[i].topic;
	qsort(names, count, sizeof(*names), by_name);
	for (i = 0; i < count && status == 0; i++)
		if (!has(n, names[i]))
			status = add(n, names[i], true, err);
	free(names);
	return status;
}

int ks_kafka_names_find(struct ks_kafka_names *n, struct ks_kafka *client, const struct ks_config *config,
    bool starting, struct ks_err *err)
{
	const struct rd_kafka_metadata *md = NULL;
	size_t room = config->topic_count + 1, i;
	int status = 0;

	if (n->pattern_count > 0) {
		status = ks_kafka_metadata(client, NULL, NULL, starting, &md, err);
		if (status != 0)
			return status;
		room += (size_t)md->topic_cnt;
	}
	n->at = calloc(room, sizeof(*n->at));
	if (n->at == NULL)
		status = ks_fail_memory(err);
	for (i = 0; i < config->topic_count && status == 0; i++) {
		if (config->topics[i][0] == '^')
			continue;
		if (has(n, config->topics[i]))
			status = ks_fail(err, KS_USAGE, "topic '%s' is named twice", config->topics[i]);
		else
			status = add(n, config->topics[i], false, err);
	}
	if (status == 0 && md != NULL)
		status = add_matches(n, md, err);
	if (md != NULL)
		rd_kafka_metadata_destroy(md);
	return status;
}
