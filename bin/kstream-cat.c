/* SPDX-License-Identifier: MIT */
/*
 * kstream-cat - copy an endpoint to an endpoint: topic, file, pipe.
 *
 * The only tool that talks to Kafka; what it does there is in
 * lib/kafka-source.c and lib/kafka-sink.c.
 */
#include <stdio.h>
#include <stdlib.h>

#include "lib/endpoint.h"
#include "lib/kafka-claim.h"
#include "lib/kafka-config.h"
#include "lib/kafka-sink.h"
#include "lib/kafka-source.h"
#include "lib/kcat.h"
#include "lib/num.h"
#include "lib/op.h"
#include "lib/options-kafka.h"
#include "lib/stats.h"

#define CREATE_MAX 10000	/* partitions that librdkafka 2.0.2 and a place in a message do with */

#define KEEP_TRYING_MS 86400000	/* -E: the longest that --timeout takes */

struct cat {
	struct ks_kafka_options kafka;
	struct ks_kafka_options to;	/* kafka, for the other end of --in kafka:A --out kafka:B */
	struct ks_kafka_config properties;	/* -b, -X, -F */
	int32_t *partitions;
	const char **topics;	/* -t and the operands of -G */
	char *const *operands;
	int operand_count;
	const char *topic;	/* -t of -P */
	const char *needs;	/* an option that was given and makes sense with Kafka only */
	bool produce, offset, begins, keep_trying;	/* begins: -o says where to begin */
	struct ks_sink *sink;	/* of -P; the frame's */
	struct ks_kcat kcat;
};

/* Its options stand in lib/options-kafka.h, since other tools take them, too: OPT_BROKERS ... */
#define OPTION(id, ...) OPT_##id,
enum { KS_KAFKA_OPTIONS(OPTION) OPT_KCAT = OPT_LIST };	/* and behind it, which lib/kcat.c knows by their letters */
#undef OPTION

static int add_partition(struct cat *c, int32_t x, struct ks_err *err)
{
	int32_t *grown;
	size_t i;

	for (i = 0; i < c->kafka.partition_count; i++)
		if (c->partitions[i] == x)
			return 0;
	grown = realloc(c->partitions, (c->kafka.partition_count + 1) * sizeof(*grown));
	if (grown == NULL)
		return ks_fail_memory(err);
	grown[c->kafka.partition_count++] = x;
	c->kafka.partitions = c->partitions = grown;
	return 0;
}

/* "3", "0,2,5", or kcat's -1 for all of them. */
static int parse_partitions(struct cat *c, const char *value, struct ks_err *err)
{
	const char *p = value;
	int64_t x;
	size_t n;
	int status;

	if (strcmp(value, "-1") == 0)
		return 0;
	for (;;) {
		n = strcspn(p, ",");
		if (ks_num_parse_i64(ks_bytes(p, n), &x) != 0 || x < 0 || x > INT32_MAX)
			return ks_fail(err, KS_USAGE, "--partition '%s' is not a list of numbers from 0", value);
		status = add_partition(c, (int32_t)x, err);
		if (status != 0 || p[n] == '\0')
			return status;
		p += n + 1;
	}
}

/* kcat's "s@MS" and "e@MS". */
static int parse_offset_time(struct cat *c, const char *value, struct ks_err *err)
{
	struct ks_kafka_options *k = &c->kafka;
	int64_t ms;

	if (ks_num_parse_i64(ks_str(value + 2), &ms) != 0 || ms < 0)
		return ks_fail(err, KS_USAGE, "--offset '%s': a time is milliseconds since 1970 (see also --since, --until)", value);
	if (value[0] == 'e') {
		k->has_stop = k->bounded = true;
		k->stop_at = ms;
		return 0;
	}
	k->start = KS_START_TIME;
	k->start_at = ms;
	k->stored = false;
	c->begins = true;
	return 0;
}

static int parse_offset(struct cat *c, const char *value, struct ks_err *err)
{
	struct ks_kafka_options *k = &c->kafka;

	c->offset = true;
	if (strncmp(value, "s@", 2) == 0 || strncmp(value, "e@", 2) == 0)
		return parse_offset_time(c, value, err);
	c->begins = true;
	k->stored = strcmp(value, "stored") == 0;
	k->start = KS_START_BEGINNING;
	if (k->stored || strcmp(value, "beginning") == 0)
		return 0;
	k->start = KS_START_END;
	if (strcmp(value, "end") == 0)
		return 0;
	if (ks_num_parse_i64(ks_str(value), &k->start_at) != 0 || k->start_at == INT64_MIN)
		return ks_fail(err, KS_USAGE, "--offset '%s' is not beginning, end, stored, N, -N, s@MS or e@MS", value);
	k->start = value[0] == '-' ? KS_START_TAIL : KS_START_OFFSET;
	if (k->start_at < 0)
		k->start_at = -k->start_at;
	return 0;
}

/* An option that is a property by another name. */
static int add_property(struct cat *c, const char *name, const char *value, struct ks_err *err)
{
	char *text;
	int status;

	if (asprintf(&text, "%s=%s", name, value) < 0)
		return ks_fail_memory(err);
	status = ks_kafka_config_arg(&c->properties, text, err);
	free(text);
	return status;
}

/* NAME=VALUE, list or dump. */
static int parse_property(struct cat *c, const char *value, struct ks_err *err)
{
	c->kcat.properties |= strcmp(value, "list") == 0 || strcmp(value, "help") == 0;
	c->kcat.dump |= strcmp(value, "dump") == 0;
	if (strchr(value, '=') == NULL && (c->kcat.properties || c->kcat.dump))
		return 0;
	return ks_kafka_config_arg(&c->properties, value, err);
}

static int parse_isolation(struct cat *c, const char *value, struct ks_err *err)
{
	if (strcmp(value, "read_committed") != 0 && strcmp(value, "read_uncommitted") != 0)
		return ks_fail(err, KS_USAGE, "--isolation '%s' is not read_committed or read_uncommitted", value);
	return add_property(c, "isolation.level", value, err);
}

static int parse_timeout(struct cat *c, const char *value, struct ks_err *err)
{
	if (ks_num_parse_duration(ks_str(value), &c->kafka.timeout_ms) != 0 ||
	    c->kafka.timeout_ms < 1000 || c->kafka.timeout_ms > 86400000)
		return ks_fail(err, KS_USAGE, "--timeout '%s' is not a duration from 1s to 1d, such as 30s", value);
	return 0;
}

static int parse_max_idle(struct cat *c, const char *value, struct ks_err *err)
{
	if (ks_num_parse_duration(ks_str(value), &c->kafka.max_idle_ms) != 0 || c->kafka.max_idle_ms < 0)
		return ks_fail(err, KS_USAGE, "--max-idle '%s' is not a duration, such as 0s or 500ms", value);
	return 0;
}

/* kcat -G GROUP TOPIC ...: operands are topics. */
static int cat_operands(void *st, struct ks_run *run, int argc, char *const argv[], int *used)
{
	struct cat *c = st;
	int i;

	if (c->kafka.group == NULL)
		return 0;
	for (i = 0; i < argc; i++)
		if (argv[i][0] == '\0' || strlen(argv[i]) > KS_NAME_MAX)
			return ks_fail(run->err, KS_USAGE, "'%.64s' cannot be the name of a topic", argv[i]);
	c->operands = argv;
	c->operand_count = argc;
	*used = argc;
	return 0;
}

static int parse_create(struct cat *c, const char *value, struct ks_err *err)
{
	int64_t n;

	if (ks_num_parse_i64(ks_str(value), &n) != 0 || n < 1 || n > CREATE_MAX)
		return ks_fail(err, KS_USAGE, "--create-topics '%s' is not a number of partitions from 1 to %d", value,
		    CREATE_MAX);
	c->kafka.create_partitions = (int32_t)n;
	return 0;
}

static int parse_seconds(struct cat *c, const char *value, struct ks_err *err)
{
	if (ks_num_parse_i64(ks_str(value), &c->kafka.start_ms) != 0 || c->kafka.start_ms < 1 || c->kafka.start_ms > 86400)
		return ks_fail(err, KS_USAGE, "--metadata-timeout '%s' is not a number of seconds from 1 to 86400", value);
	c->kafka.start_ms *= 1000;
	return 0;
}

static int cat_option(void *st, struct ks_run *run, unsigned at, const char *value)
{
	struct cat *c = st;

	if (at < OPT_KCAT && at != OPT_BROKERS)
		c->needs = ks_kafka_options[at].name;
	switch (at) {
	case OPT_BROKERS:
		c->kafka.brokers = value;
		return ks_kafka_config_brokers(&c->properties, value, run->err);
	case OPT_PARTITION: return parse_partitions(c, value, run->err);
	case OPT_OFFSET: return parse_offset(c, value, run->err);
	case OPT_EXIT_EOF: c->kafka.bounded = true; return 0;
	case OPT_PRODUCER: c->produce = true; return 0;
	case OPT_ROUTE: c->kafka.by_route = true; return 0;
	case OPT_PROPERTY: return parse_property(c, value, run->err);
	case OPT_CONFIG: return ks_kafka_config_file(&c->properties, value, run->err);
	case OPT_TIMEOUT: return parse_timeout(c, value, run->err);
	case OPT_GROUP: c->kafka.group = c->kcat.group = value; return 0;
	case OPT_ISOLATION: return parse_isolation(c, value, run->err);
	case OPT_CREATE_TOPICS: return parse_create(c, value, run->err);
	case OPT_VERIFY: c->kafka.verify = true; return 0;
	case OPT_OFFSETS: c->kcat.offsets = true; return 0;
	case OPT_COMPRESSION: return add_property(c, "compression.codec", value, run->err);
	case OPT_DEBUG: return add_property(c, "debug", value, run->err);
	case OPT_METADATA_TIMEOUT: return parse_seconds(c, value, run->err);
	case OPT_MAX_IDLE: return parse_max_idle(c, value, run->err);
	case OPT_KEEP_TRYING: c->keep_trying = true; return 0;
	default: return ks_kcat_option(&c->kcat, ks_kafka_options[at].letter, value, run->err);
	}
}

static void note(const char *text)
{
	ks_say("kstream-cat", text);
}

/* Writing: -t is the output, and the input keeps its own names. */
static int settle_producer(struct cat *c, struct ks_config *config, struct ks_err *err)
{
	if (c->kcat.consumer)
		return ks_fail(err, KS_USAGE, "-C reads and -P writes: two commands and a pipe");
	if (c->kafka.group != NULL)
		return ks_fail(err, KS_USAGE, "-G reads and -P writes: two commands and a pipe");
	if (c->offset || c->kafka.bounded)
		return ks_fail(err, KS_USAGE, "-o and -e are for reading a topic, and -P writes one");
	if (config->topic_count > 1)
		return ks_fail(err, KS_USAGE, "-P writes to one topic; --route to that of each record's route");
	if (config->topic_count == 0 && !c->kafka.by_route)
		return ks_fail(err, KS_USAGE, "-P to which topic? give -t TOPIC, or --route");
	if (c->kafka.partition_count > 1)
		return ks_fail(err, KS_USAGE, "-P writes to one partition of -p, or to all");
	if (config->out != NULL)
		return ks_fail(err, KS_USAGE, "-P writes to a topic, not to --out");
	if (config->to_given && config->to != KS_JSON && config->to != KS_RAW)
		return ks_fail(err, KS_USAGE, "values of a topic are --to json or --to raw");
	if (c->kafka.verify && config->count >= 0)
		return ks_fail(err, KS_USAGE, "--verify wants to know where the reading ended: -c belongs to the one who reads");
	if (config->verbose > 0)
		c->kafka.note = note;
	if (config->from_given && config->from == KS_RAW && !config->to_given) {
		config->to = KS_RAW;	/* lines go as they are, not as JSON strings */
		config->to_given = true;
	}
	c->topic = config->topic;
	config->topic = NULL;
	config->topic_count = 0;
	return ks_kcat_settle_input(&c->kcat, config, err);
}

/* As kcat -C tells of it. */
static void tell_end(void *arg, const char *topic, int32_t partition, int64_t offset, bool last)
{
	(void)arg;
	fprintf(stderr, "%% Reached end of topic %s [%d] at offset %lld%s\n", topic, (int)partition, (long long)offset,
	    last ? ": exiting" : "");
}

/* -t and operands are one list. */
static int settle_group(struct cat *c, struct ks_config *config, struct ks_err *err)
{
	int i;

	if (c->kafka.partition_count > 0)
		return ks_fail(err, KS_USAGE, "-G and -p: the group says which partitions are read");
	c->kafka.stored = true;
	if (c->operand_count == 0)
		return 0;
	c->topics = calloc(config->topic_count + (size_t)c->operand_count, sizeof(*c->topics));
	if (c->topics == NULL)
		return ks_fail_memory(err);
	memcpy(c->topics, config->topics, config->topic_count * sizeof(*c->topics));
	for (i = 0; i < c->operand_count; i++)
		c->topics[config->topic_count++] = c->operands[i];
	config->topics = c->topics;
	config->topic = c->topics[0];
	return 0;
}

static bool names_group(const struct ks_kafka_options *k)
{
	size_t i;

	for (i = 0; i < k->property_count; i++)
		if (strcmp(k->properties[i].name, "group.id") == 0)
			return true;
	return k->group != NULL;
}

/* --since and --until choose by the broker's time unless --time says another: then there is no need to read what is before. */
static void settle_range(struct cat *c, const struct ks_config *config)
{
	struct ks_kafka_options *k = &c->kafka;

	k->bounded |= config->has_until;
	if (!config->has_since || c->begins || config->time_expr != NULL || config->time_wall)
		return;
	k->start = KS_START_TIME;
	k->start_at = config->since_ms < 0 ? 0 : config->since_ms;
}

/* kcat's output (-C, -J) shows the bytes as they are. */
static int settle_consumer(struct cat *c, struct ks_config *config, struct ks_err *err)
{
	int status = 0;

	if (config->out_topic == NULL && (c->kafka.by_route || c->kafka.verify || c->kafka.create_partitions > 0))
		return ks_fail(err, KS_USAGE, "--%s is for -P",
		    c->kafka.by_route ? "route" : c->kafka.verify ? "verify" : "create-topics");
	if (c->kafka.group != NULL && config->order == KS_ORDER_GLOBAL)
		return ks_fail(err, KS_USAGE, "--order global is over all partitions, and a member of -G has some of them: leave out -G");
	if (c->kafka.group != NULL)
		status = settle_group(c, config, err);
	if (status != 0)
		return status;
	if (config->topic_count == 0)
		return ks_fail(err, KS_USAGE, "which topic? give -t TOPIC");
	status = ks_claim_options(&c->kafka, config, names_group(&c->kafka), err);
	if (status != 0)
		return status;
	if (c->kafka.stored && config->app == NULL && !names_group(&c->kafka))
		return ks_fail(err, KS_USAGE, "-o stored by which group? -G GROUP joins one, -X group.id=GROUP only reads its offsets");
	if (c->kcat.consumer && config->out_topic != NULL)
		return ks_fail(err, KS_USAGE, "-C prints, and --out kafka:TOPIC writes to Kafka: one of them");
	settle_range(c, config);
	if (config->in_count > 0)
		return ks_fail(err, KS_USAGE, "-b reads topics, not files; with -P it writes files to a topic");
	if (config->from_given && config->from != KS_JSON && config->from != KS_RAW)
		return ks_fail(err, KS_USAGE, "values of a topic are --from json or --from raw");
	status = ks_kcat_settle_output(&c->kcat, config, true, err);
	if (status != 0)
		return status;
	if (!config->from_given)
		config->from = !config->unwrap && (c->kcat.consumer || config->to == KS_KCAT || config->to == KS_FORMAT) ? KS_RAW : KS_JSON;
	if (c->kcat.consumer && !config->to_given) {
		config->to = KS_RAW;
		config->to_given = true;
	}
	if (c->kcat.consumer && !config->quiet)
		c->kcat.watch.end = tell_end;
	c->kafka.watch = c->kcat.watch.end != NULL || c->kcat.watch.message != NULL ? &c->kcat.watch : NULL;
	return 0;
}

/* What a file and -X say; a file alone does not make files and pipes into topics: some option of Kafka's must be there. */
static int settle_properties(struct cat *c, const struct ks_config *config, struct ks_err *err)
{
	int status = ks_kafka_config_settle(&c->properties, &c->kafka, err);
	char *p = (char *)c->properties.notes.p, *end;

	for (; config->verbose > 0 && p != NULL && (end = strchr(p, '\n')) != NULL; p = end + 1) {
		*end = '\0';
		ks_say(config->program, p);
	}
	if (status == 0 && c->properties.exposed != NULL && !config->quiet)
		ks_say(config->program, "a secret on the command line is in the shell's history, and was seen by ps: "
		    "-X NAME=@FILE or -X NAME=env:VARIABLE is not");
	return status;
}

/* Is one end Kafka?  Without a broker it is found out that there is none. */
static bool is_kafka(const struct cat *c, const struct ks_config *config)
{
	return c->kafka.brokers != NULL || config->topics_in || config->out_topic != NULL;
}

static int cat_ask(void *st, const struct ks_config *config, bool *answered, struct ks_err *err)
{
	struct cat *c = st;
	int status = 0;

	*answered = false;
	if (c->kcat.consumer + c->kcat.list + c->kcat.query + c->produce > 1 && !(c->kcat.consumer && c->produce))
		return ks_fail(err, KS_USAGE, "-C, -L, -P and -Q are different things to do: give one of them");
	if (c->kcat.consumer)
		c->needs = "consumer";
	if (c->kcat.list || c->kcat.query)
		c->needs = c->kcat.list ? "list" : "query";
	if (c->kafka.timeout_ms == 0)
		c->kafka.timeout_ms = c->keep_trying ? KEEP_TRYING_MS : KS_KAFKA_AWAY_MS;
	if (is_kafka(c, config) || c->needs != NULL)
		status = settle_properties(c, config, err);
	if (status == 0 && !is_kafka(c, config) && c->needs != NULL && !c->kcat.properties && !c->kcat.dump)
		status = ks_fail(err, KS_USAGE, "--%s is for Kafka: name a broker with -b HOST:PORT", c->needs);
	return status == 0 ? ks_kcat_answer(&c->kcat, &c->kafka, config, answered, err) : status;
}

/* From topics to a topic, in one process. */
static int open_copy(struct cat *c, struct ks_config *config, const char *topic, struct ks_sink **sink,
    struct ks_err *err)
{
	int status = settle_consumer(c, config, err);

	if (status != 0)
		return status;
	if (config->to_given && config->to != KS_JSON && config->to != KS_RAW)
		return ks_fail(err, KS_USAGE, "values of a topic are --to json or --to raw");
	if (c->kafka.verify && config->count >= 0)
		return ks_fail(err, KS_USAGE, "--verify wants to know where the reading ended, and -c does not say it");
	c->to = c->kafka;
	c->to.partition_count = 0;
	c->to.group = NULL;
	c->to.watch = NULL;
	c->to.note = config->verbose > 0 ? note : NULL;
	return ks_sink_kafka(&c->to, config, topic, sink, err);
}

/*
 * --out kafka:B is -P -t B; where topics are read, too, it is both of these
 * in one process.  A -t beside files names their records, as without Kafka.
 */
static int open_out_topic(struct cat *c, struct ks_config *config, struct ks_sink **sink, struct ks_err *err)
{
	const char *topic = config->out_topic[0] != '\0' ? config->out_topic : NULL, *name = config->topic;
	int status;

	if (c->produce)
		return ks_fail(err, KS_USAGE, "-P writes to the topic of -t, and --out names another: leave out -P");
	if ((config->topic_count > 0 || c->operand_count > 0) && config->in_count == 0)
		return open_copy(c, config, topic, sink, err);
	c->produce = true;
	config->topic = topic;
	config->topic_count = topic != NULL;
	status = settle_producer(c, config, err);
	config->topic = name;
	return status == 0 ? ks_sink_kafka(&c->kafka, config, c->topic, sink, err) : status;
}

static int cat_sink(void *st, struct ks_config *config, struct ks_sink **sink, struct ks_err *err)
{
	struct cat *c = st;
	int status;

	if (!is_kafka(c, config))
		return ks_kcat_settle_output(&c->kcat, config, false, err);
	if (config->out_topic != NULL) {
		status = open_out_topic(c, config, sink, err);
		c->sink = *sink;
		return status;
	}
	if (c->produce && config->topics_in)
		return ks_fail(err, KS_USAGE, "from topic to topic: --in kafka:TOPIC --out kafka:TOPIC, without -P");
	if (!c->produce)
		return settle_consumer(c, config, err);
	status = settle_producer(c, config, err);
	if (status == 0)
		status = ks_sink_kafka(&c->kafka, config, c->topic, sink, err);
	c->sink = *sink;
	return status;
}

static int cat_source(void *st, const struct ks_config *config, int wake, struct ks_source **source,
    struct ks_err *err)
{
	struct cat *c = st;

	if (!is_kafka(c, config))
		return 0;
	if (c->produce)
		return ks_kcat_source(&c->kcat, config, wake, source, err);
	return ks_source_kafka(&c->kafka, config, wake, source, err);
}

static void print_line(void *arg, const char *text)
{
	struct ks_run *run = arg;

	/* A full disk shows when stdout is closed. */
	(void)!ks_print(run, "%s\n", text);
}

static int cat_answer(void *st, struct ks_run *run)
{
	struct cat *c = st;
	bool equal = true;
	int status;

	if (!c->kafka.verify)
		return 0;
	status = ks_sink_kafka_verify(c->sink, print_line, run, &equal, run->err);
	if (status == 0 && !equal)
		ks_say_no(run);
	return status;
}

static void cat_close(void *st, struct ks_run *run)
{
	struct cat *c = st;

	(void)run;
	ks_kafka_config_release(&c->properties);
	free(c->partitions);
	free(c->topics);
	ks_kcat_release(&c->kcat);
}

static const struct ks_endpoints endpoints = { .answer = cat_ask, .source = cat_source, .sink = cat_sink };

static const struct ks_op op = {
	.name = "kstream-cat",
	.synopsis = "[-b BROKER] [-t TOPIC ...] [-p N,...] [-o WHERE] [-e] [-G GROUP [TOPIC ...]] [-C | -P | -L | -Q] [-f FORMAT] [-F FILE] [-X NAME=VALUE] [FILE ...]",
	.purpose = "copy a topic, file or pipe to another, converting the format",
	.options = ks_kafka_options,
	.may_be_empty = "DKk",
	.refuse = ks_kcat_refuse,
	.size = sizeof(struct cat),
	.inputs = 1,
	.option = cat_option,
	.operands = cat_operands,
	.answer = cat_answer,
	.close = cat_close,
	.endpoints = &endpoints,
};

int main(int argc, char *argv[])
{
	return ks_main(&op, argc, argv);
}
