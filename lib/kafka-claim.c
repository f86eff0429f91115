/* SPDX-License-Identifier: MIT */
/* kafka-claim.c - the source's side of exactly-once. */
#include "kafka-claim.h"

#include <librdkafka/rdkafka.h>
#include <stdio.h>

#include "drill.h"
#include "kafka-config.h"
#include "kafka-names.h"
#include "kafka-txn.h"
#include "options-kafka.h"

int ks_claim_options(struct ks_kafka_options *k, const struct ks_config *config, bool grouped, struct ks_err *err)
{
	const struct ks_kafka_given *g;
	int status;

	if (config->app == NULL)
		return 0;
	if (grouped)
		return ks_fail(err, KS_USAGE, "-G and --app: an app has a group of its own, '%s'", config->app);
	if (k->partition_count > 0)
		return ks_fail(err, KS_USAGE, "-p and --app: --instance I/N says which partitions are read");
	if (config->has_since || config->has_until || k->has_stop || k->start == KS_START_TIME || k->verify)
		return ks_fail(err, KS_USAGE, "--%s and --app: an app reads on from where it stands, all that there is",
		    k->verify ? "verify" : config->has_until || k->has_stop ? "until" : "since");
	if (ks_kafka_has_patterns(config))
		return ks_fail(err, KS_USAGE, "'%s' and --app: an app reads topics that are named", config->topics[0]);
	for (g = k->properties; g < k->properties + k->property_count; g++)
		if (strcmp(g->name, "isolation.level") == 0 && strcmp(g->value, "read_committed") != 0)
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

int ks_claim_fence(struct ks_kafka_claim *c, const struct ks_kafka_options *options, const struct ks_config *config, struct ks_err *err)
{
	char id[KS_TXN_ID], ms[16];
	const struct ks_kafka_property ours[] = {
		{ "client.id", "kstream-cat" },
		KS_KAFKA_CONNECT,
		{ "transactional.id", id },
		{ "transaction.timeout.ms", ms },
		{ "socket.nagle.disable", "true" },
		{ NULL, NULL },
	};
	struct rd_kafka_conf_s *conf;
	int status;

	*c = (struct ks_kafka_claim){ .options = options, .config = config };
	ks_txn_id(config->app, config->instance, id);
	snprintf(ms, sizeof(ms), "%d", KS_TXN_MS);
	status = ks_kafka_conf(options, ours, &conf, err);
	if (status == 0)
		status = ks_kafka_open(&c->writer, options, true, conf, err);
	if (status == 0 && ks_keeps("claim"))
		status = ks_txn_init(&c->writer, err);
	return status;
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

/* The offsets of x, for the next run; what the app stands at was read into stand. */
static int enter(struct ks_kafka_claim *c, const struct ks_kafka_parts *x, rd_kafka_topic_partition_list_t *list, struct ks_err *err)
{
	size_t i;
	int status;

	for (i = 0; i < x->count; i++)
		list->elems[i].offset = x->parts[i].next;
	c->stand.run++;
	if (!ks_keeps("claim"))
		return 0;
	status = ks_book_mark(list, &c->stand, err);
	if (status == 0)
		status = ks_txn_begin(&c->writer, err);
	ks_point("claim-begun");
	return status == 0 ? ks_txn_commit(&c->writer, c->config->app, ks_bytes(NULL, 0), list, err) : status;
}

int ks_claim_take(struct ks_kafka_claim *c, const struct ks_kafka_parts *x, struct ks_err *err)
{
	const struct ks_stand own = { .instance = c->config->instance, .instances = c->config->instances };
	rd_kafka_topic_partition_list_t *list;
	int status;

	if (x->count == 0)
		return ks_fail(err, KS_CONFIG, "--instance %u/%u has nothing to read: there are fewer partitions than instances",
		    own.instance, own.instances);
	list = list_of(x);
	status = ks_book_read(c->options, c->config->app, list, &own, &c->stand, err);
	ks_point("source-read");
	if (status == 0)
		status = check_places(x, list, err);
	if (status == 0)
		status = enter(c, x, list, err);
	rd_kafka_topic_partition_list_destroy(list);
	ks_point("claimed");
	/* The sink of this run is the next to have its id. */
	ks_kafka_close(&c->writer);
	if (status != 0)
		return status;
	c->one = rd_kafka_topic_partition_list_new(1);
	rd_kafka_topic_partition_list_add(c->one, x->parts[0].topic->name, x->parts[0].partition);
	return ks_book_watch(&c->side, c->options, c->config->app, err);
}

int ks_claim_learn(struct ks_kafka_claim *c, int wait_ms, struct ks_err *err)
{
	struct ks_stand now;

	if (!ks_book_learn(&c->side, c->one, wait_ms, &now))
		return ks_kafka_check(&c->side, err);
	if (now.run > c->stand.run)
		return ks_fail(err, KS_TEMP, "run %lld of app '%s' has taken over from run %lld", (long long)now.run, c->config->app,
		    (long long)c->stand.run);
	if (now.run == c->stand.run && now.epoch > c->stand.epoch) {
		c->stand.epoch = now.epoch;
		ks_point("learned");
	}
	return 0;
}

void ks_claim_close(struct ks_kafka_claim *c)
{
	ks_kafka_close(&c->writer);
	ks_kafka_close(&c->side);
	if (c->one != NULL)
		rd_kafka_topic_partition_list_destroy(c->one);
	*c = (struct ks_kafka_claim){ .options = NULL };
}
