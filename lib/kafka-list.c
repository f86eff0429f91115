/* SPDX-License-Identifier: MIT */
/* kafka-list.c - what is asked of Kafka instead of reading or writing it. */
#include "kafka-list.h"

#include <librdkafka/rdkafka.h>
#include <stdlib.h>

#include "kafka-parts.h"
#include "kcat-format.h"
#include "num.h"

/* A client that reads nothing.  Nothing is ever made by asking, as kcat -L makes a topic. */
static int open_client(struct ks_kafka *k, const struct ks_kafka_options *options, const char *group,
    const char *isolation, struct ks_err *err)
{
	const struct ks_kafka_property ours[] = {
		{ "client.id", "kstream-cat" },
		KS_KAFKA_CONNECT,
		{ "group.id", group != NULL ? group : "kstream-cat" },
		{ "enable.auto.commit", "false" },
		{ "allow.auto.create.topics", "false" },
		{ "isolation.level", isolation },
		{ NULL, NULL },
	};
	struct rd_kafka_conf_s *conf;
	int status = ks_kafka_conf(options, ours, &conf, err);

	return status == 0 ? ks_kafka_open(k, options, false, conf, err) : status;
}

static void add_json(FILE *out, const char *text)
{
	struct ks_buf b;

	ks_buf_init(&b, 8 * strlen(text) + 64);
	if (ks_kcat_add_string(&b, ks_str(text)) == 0)
		fwrite(b.p, 1, b.n, out);
	ks_buf_release(&b);
}

/* --- -L --- */

static void list_ids(FILE *out, const char *what, const int32_t *ids, int count)
{
	int i;

	fprintf(out, "%s", what);
	for (i = 0; i < count; i++)
		fprintf(out, "%s%d", i > 0 ? "," : "", (int)ids[i]);
}

static void list_topic(FILE *out, const rd_kafka_metadata_topic_t *t)
{
	const rd_kafka_metadata_partition_t *p;

	fprintf(out, "  topic \"%s\" with %i partitions:", t->topic, t->partition_cnt);
	if (t->err != RD_KAFKA_RESP_ERR_NO_ERROR)
		fprintf(out, " %s%s", rd_kafka_err2str(t->err),
		    t->err == RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE ? " (try again)" : "");
	fprintf(out, "\n");
	for (p = t->partitions; p < t->partitions + t->partition_cnt; p++) {
		fprintf(out, "    partition %d, leader %d", (int)p->id, (int)p->leader);
		list_ids(out, ", replicas: ", p->replicas, p->replica_cnt);
		list_ids(out, ", isrs: ", p->isrs, p->isr_cnt);
		if (p->err != RD_KAFKA_RESP_ERR_NO_ERROR)
			fprintf(out, ", %s", rd_kafka_err2str(p->err));
		fprintf(out, "\n");
	}
}

static void list(FILE *out, const rd_kafka_metadata_t *md, const char *topic, int32_t controller)
{
	int i;

	fprintf(out, "Metadata for %s (from broker %d: %s):\n", topic != NULL ? topic : "all topics",
	    (int)md->orig_broker_id, md->orig_broker_name);
	fprintf(out, " %i brokers:\n", md->broker_cnt);
	for (i = 0; i < md->broker_cnt; i++)
		fprintf(out, "  broker %d at %s:%i%s\n", (int)md->brokers[i].id, md->brokers[i].host,
		    md->brokers[i].port, controller == md->brokers[i].id ? " (controller)" : "");
	fprintf(out, " %i topics:\n", md->topic_cnt);
	for (i = 0; i < md->topic_cnt; i++)
		list_topic(out, &md->topics[i]);
}

static void json_ids(FILE *out, const char *what, const int32_t *ids, int count)
{
	int i;

	fprintf(out, ",\"%s\":[", what);
	for (i = 0; i < count; i++)
		fprintf(out, "%s{\"id\":%d}", i > 0 ? "," : "", (int)ids[i]);
	fprintf(out, "]");
}

static void json_error(FILE *out, rd_kafka_resp_err_t e)
{
	if (e == RD_KAFKA_RESP_ERR_NO_ERROR)
		return;
	fprintf(out, ",\"error\":");
	add_json(out, rd_kafka_err2str(e));
}

static void json_topic(FILE *out, const rd_kafka_metadata_topic_t *t)
{
	const rd_kafka_metadata_partition_t *p;

	fprintf(out, "{\"topic\":");
	add_json(out, t->topic);
	json_error(out, t->err);
	fprintf(out, ",\"partitions\":[");
	for (p = t->partitions; p < t->partitions + t->partition_cnt; p++) {
		fprintf(out, "%s{\"partition\":%d", p > t->partitions ? "," : "", (int)p->id);
		json_error(out, p->err);
		fprintf(out, ",\"leader\":%d", (int)p->leader);
		json_ids(out, "replicas", p->replicas, p->replica_cnt);
		json_ids(out, "isrs", p->isrs, p->isr_cnt);
		fprintf(out, "}");
	}
	fprintf(out, "]}");
}

static void list_json(FILE *out, const rd_kafka_metadata_t *md, const char *topic, int32_t controller)
{
	char port[16];
	struct ks_buf b;
	int i;

	fprintf(out, "{\"originating_broker\":{\"id\":%d,\"name\":", (int)md->orig_broker_id);
	add_json(out, md->orig_broker_name);
	fprintf(out, "},\"query\":{\"topic\":");
	add_json(out, topic != NULL ? topic : "*");
	fprintf(out, "},\"controllerid\":%d,\"brokers\":[", (int)controller);
	ks_buf_init(&b, 4096);
	for (i = 0; i < md->broker_cnt; i++) {
		fprintf(out, "%s{\"id\":%d,\"name\":", i > 0 ? "," : "", (int)md->brokers[i].id);
		snprintf(port, sizeof(port), ":%d", md->brokers[i].port);
		b.n = 0;
		if (ks_buf_add(&b, md->brokers[i].host, strlen(md->brokers[i].host)) == 0 &&
		    ks_buf_add(&b, port, strlen(port) + 1) == 0)
			add_json(out, (const char *)b.p);
		fprintf(out, "}");
	}
	ks_buf_release(&b);
	fprintf(out, "],\"topics\":[");
	for (i = 0; i < md->topic_cnt; i++) {
		fprintf(out, "%s", i > 0 ? "," : "");
		json_topic(out, &md->topics[i]);
	}
	fprintf(out, "]}");
}

int ks_kafka_list(const struct ks_kafka_options *options, const char *topic, bool json, FILE *out,
    struct ks_err *err)
{
	const struct rd_kafka_metadata *md;
	rd_kafka_topic_t *handle = NULL;
	struct ks_kafka k = { 0 };
	int status = open_client(&k, options, NULL, "read_committed", err);

	if (status == 0 && topic != NULL) {
		handle = rd_kafka_topic_new(k.rk, topic, NULL);
		if (handle == NULL)
			status = ks_kafka_fail(&k, (int)rd_kafka_last_error(), true, err, "topic '%s'", topic);
	}
	if (status == 0)
		status = ks_kafka_metadata(&k, handle, topic, true, &md, err);
	if (status == 0) {
		(json ? list_json : list)(out, md, topic, rd_kafka_controllerid(k.rk, 0));
		rd_kafka_metadata_destroy(md);
	}
	ks_kafka_topic_drop(handle);
	ks_kafka_close(&k);
	return status;
}

/* --- -Q --- */

static int add_asked(rd_kafka_topic_partition_list_t *list, const char *asked, struct ks_err *err)
{
	const char *second = strrchr(asked, ':'), *first = second;
	char name[KS_NAME_MAX + 1];
	int64_t partition, time;

	while (first != NULL && first > asked && *--first != ':')
		;
	if (first == NULL || *first != ':' || first == asked || (size_t)(first - asked) > KS_NAME_MAX ||
	    ks_num_parse_i64(ks_bytes(first + 1, (size_t)(second - first - 1)), &partition) != 0 ||
	    ks_num_parse_i64(ks_str(second + 1), &time) != 0 || partition < 0 || partition > INT32_MAX)
		return ks_fail(err, KS_USAGE, "-Q -t '%s' is not TOPIC:PARTITION:TIME, the time in ms since 1970", asked);
	memcpy(name, asked, (size_t)(first - asked));
	name[first - asked] = '\0';
	rd_kafka_topic_partition_list_add(list, name, (int32_t)partition)->offset = time;
	return 0;
}

/* Whether each topic and partition is there, by name: the answer to the real question would not say which. */
static int check_asked(struct ks_kafka *k, const rd_kafka_topic_partition_list_t *list, struct ks_err *err)
{
	rd_kafka_topic_t *handle;
	int32_t partitions = 0;
	int i, status;

	for (i = 0; i < list->cnt; i++) {
		if (i == 0 || strcmp(list->elems[i].topic, list->elems[i - 1].topic) != 0) {
			status = ks_kafka_topic(k, list->elems[i].topic, i == 0, &handle, &partitions, err);
			if (status != 0)
				return status;
			ks_kafka_topic_drop(handle);
		}
		if (list->elems[i].partition >= partitions)
			return ks_fail(err, KS_CONFIG, "topic '%s' has no partition %d: it has %d of them, from 0",
			    list->elems[i].topic, (int)list->elems[i].partition, (int)partitions);
	}
	return 0;
}

static void times_json(FILE *out, const rd_kafka_topic_partition_list_t *list)
{
	const rd_kafka_topic_partition_t *p;
	const char *last = NULL;
	int i;

	fprintf(out, "{");
	for (i = 0; i < list->cnt; i++) {
		p = &list->elems[i];
		if (last == NULL || strcmp(last, p->topic) != 0) {
			fprintf(out, "%s", last != NULL ? "}," : "");
			add_json(out, p->topic);
			fprintf(out, ":{\"topic\":");
			add_json(out, p->topic);
			last = p->topic;
		}
		fprintf(out, ",\"%d\":{\"partition\":%d,\"offset\":%lld", (int)p->partition, (int)p->partition,
		    (long long)p->offset);
		json_error(out, p->err);
		fprintf(out, "}");
	}
	fprintf(out, "%s}", last != NULL ? "}" : "");
}

static int list_times(struct ks_kafka *k, rd_kafka_topic_partition_list_t *list, bool json, FILE *out,
    struct ks_err *err)
{
	int64_t wait = k->timeout_ms < k->start_ms ? k->timeout_ms : k->start_ms;
	rd_kafka_resp_err_t e = rd_kafka_offsets_for_times(k->rk, list, (int)wait);
	int i;

	if (e != RD_KAFKA_RESP_ERR_NO_ERROR)
		return ks_kafka_fail(k, (int)e, true, err, "cannot ask %s for offsets", k->brokers);
	for (i = 0; i < list->cnt; i++)
		if (list->elems[i].err != RD_KAFKA_RESP_ERR_NO_ERROR)
			return ks_kafka_fail(k, (int)list->elems[i].err, false, err, "%s/%d", list->elems[i].topic,
			    (int)list->elems[i].partition);
	if (json)
		times_json(out, list);
	else
		for (i = 0; i < list->cnt; i++)
			fprintf(out, "%s [%d] offset %lld\n", list->elems[i].topic, (int)list->elems[i].partition,
			    (long long)list->elems[i].offset);
	return 0;
}

int ks_kafka_list_times(const struct ks_kafka_options *options, const char *const *asked,
    size_t count, bool json, FILE *out, struct ks_err *err)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)count);
	struct ks_kafka k = { 0 };
	int status = 0;
	size_t i;

	for (i = 0; i < count && status == 0; i++)
		status = add_asked(list, asked[i], err);
	rd_kafka_topic_partition_list_sort(list, NULL, NULL);	/* by topic and partition, as librdkafka gives the answer */
	if (status == 0)
		status = open_client(&k, options, NULL, "read_committed", err);
	if (status == 0)
		status = check_asked(&k, list, err);
	if (status == 0)
		status = list_times(&k, list, json, out, err);
	rd_kafka_topic_partition_list_destroy(list);
	ks_kafka_close(&k);
	return status;
}

/* --- offsets and lag --- */

enum column { EARLIEST, STABLE, END, COMMITTED, COLUMNS };

struct offsets {
	rd_kafka_topic_partition_list_t *list[COLUMNS];
	const char *group;
	bool json;
	FILE *out;
};

static int find_partitions(struct ks_kafka *k, const struct ks_config *config,
    const struct ks_kafka_options *options, struct offsets *x, struct ks_err *err)
{
	rd_kafka_topic_t *handle;
	int32_t partitions, p;
	size_t i, j;
	int status;

	for (i = 0; i < config->topic_count; i++) {
		status = ks_kafka_topic(k, config->topics[i], i == 0, &handle, &partitions, err);
		if (status != 0)
			return status;
		ks_kafka_topic_drop(handle);
		for (j = 0; j < options->partition_count; j++)
			if (options->partitions[j] >= partitions)
				return ks_fail(err, KS_CONFIG, "topic '%s' has no partition %d: it has %d of them, from 0",
				    config->topics[i], (int)options->partitions[j], (int)partitions);
		for (p = 0; options->partition_count == 0 && p < partitions; p++)
			rd_kafka_topic_partition_list_add(x->list[EARLIEST], config->topics[i], p);
		for (j = 0; j < options->partition_count; j++)
			rd_kafka_topic_partition_list_add(x->list[EARLIEST], config->topics[i], options->partitions[j]);
	}
	return 0;
}

/* The end for those who read uncommitted records, too, is another client's question. */
static int ask_ends(const struct ks_kafka_options *options, struct offsets *x, struct ks_err *err)
{
	struct ks_kafka k = { 0 };
	int status = open_client(&k, options, NULL, "read_uncommitted", err);

	if (status == 0)
		status = ks_kafka_ends(&k, x->list[END], true, err);
	ks_kafka_close(&k);
	return status;
}

static long long at(const struct offsets *x, enum column c, int i)
{
	return (long long)x->list[c]->elems[i].offset;
}

/* A group that has committed nothing there has no lag. */
static long long lag(const struct offsets *x, int i)
{
	long long committed = at(x, COMMITTED, i);

	return committed > at(x, END, i) ? 0 : at(x, END, i) - committed;
}

static void offsets_json(const struct offsets *x, int i)
{
	const rd_kafka_topic_partition_t *p = &x->list[EARLIEST]->elems[i];

	fprintf(x->out, "{\"topic\":");
	add_json(x->out, p->topic);
	fprintf(x->out, ",\"partition\":%d,\"earliest\":%lld,\"stable\":%lld,\"end\":%lld", (int)p->partition,
	    at(x, EARLIEST, i), at(x, STABLE, i), at(x, END, i));
	if (x->group != NULL) {
		fprintf(x->out, ",\"group\":");
		add_json(x->out, x->group);
		if (at(x, COMMITTED, i) < 0)
			fprintf(x->out, ",\"committed\":null,\"lag\":null");
		else
			fprintf(x->out, ",\"committed\":%lld,\"lag\":%lld", at(x, COMMITTED, i), lag(x, i));
	}
	fprintf(x->out, "}\n");
}

static void offsets_line(const struct offsets *x, int i, int width)
{
	const rd_kafka_topic_partition_t *p = &x->list[EARLIEST]->elems[i];

	fprintf(x->out, "%-*s  %9d  %12lld  %12lld  %12lld", width, p->topic, (int)p->partition, at(x, EARLIEST, i),
	    at(x, STABLE, i), at(x, END, i));
	if (x->group != NULL && at(x, COMMITTED, i) < 0)
		fprintf(x->out, "  %12s  %12s", "-", "-");
	else if (x->group != NULL)
		fprintf(x->out, "  %12lld  %12lld", at(x, COMMITTED, i), lag(x, i));
	fprintf(x->out, "\n");
}

static void print_offsets(const struct offsets *x, const struct ks_config *config)
{
	int i, width = 5;
	size_t j;

	for (j = 0; j < config->topic_count; j++)
		if ((int)strlen(config->topics[j]) > width)
			width = (int)strlen(config->topics[j]);
	if (!x->json)
		fprintf(x->out, "%-*s  PARTITION  %12s  %12s  %12s%s\n", width, "TOPIC", "EARLIEST", "STABLE", "END",
		    x->group != NULL ? "     COMMITTED           LAG" : "");
	for (i = 0; i < x->list[EARLIEST]->cnt; i++) {
		if (x->json)
			offsets_json(x, i);
		else
			offsets_line(x, i, width);
	}
}

static int ask_offsets(struct ks_kafka *k, const struct ks_kafka_options *options,
    const struct ks_config *config, struct offsets *x, struct ks_err *err)
{
	int status = find_partitions(k, config, options, x, err), c;

	for (c = STABLE; c < COLUMNS; c++)
		x->list[c] = rd_kafka_topic_partition_list_copy(x->list[EARLIEST]);
	if (status == 0 && x->group != NULL)	/* first: what is committed by then lies before the ends */
		status = ks_kafka_committed(k, x->list[COMMITTED], x->group, err);
	if (status == 0)
		status = ks_kafka_ends(k, x->list[EARLIEST], false, err);
	if (status == 0)
		status = ks_kafka_ends(k, x->list[STABLE], true, err);
	return status == 0 ? ask_ends(options, x, err) : status;
}

int ks_kafka_list_offsets(const struct ks_kafka_options *options, const struct ks_config *config,
    const char *group, bool json, FILE *out, struct ks_err *err)
{
	struct offsets x = { .group = group, .json = json, .out = out };
	struct ks_kafka k = { 0 };
	int status = open_client(&k, options, group, "read_committed", err), c;

	x.list[EARLIEST] = rd_kafka_topic_partition_list_new(16);
	if (status == 0)
		status = ask_offsets(&k, options, config, &x, err);
	if (status == 0)
		print_offsets(&x, config);
	for (c = 0; c < COLUMNS; c++)
		if (x.list[c] != NULL)
			rd_kafka_topic_partition_list_destroy(x.list[c]);
	ks_kafka_close(&k);
	return status;
}

/* --- -X list, -X dump --- */

void ks_kafka_list_properties(FILE *out)
{
	rd_kafka_conf_properties_show(out);
}

static bool is_secret(const char *name)
{
	return strstr(name, "password") != NULL || strstr(name, "secret") != NULL || strstr(name, "ssl.key") == name ||
	    strstr(name, "ssl_key") == name || strcmp(name, "sasl.oauthbearer.config") == 0;
}

static void dump(FILE *out, const char *title, const char **pairs, size_t count)
{
	size_t i;

	fprintf(out, "# %s config\n", title);
	for (i = 0; i + 1 < count; i += 2)
		fprintf(out, "%s = %s\n", pairs[i], is_secret(pairs[i]) ? "(not shown)" : pairs[i + 1]);
	fprintf(out, "\n");
	rd_kafka_conf_dump_free(pairs, count);
}

int ks_kafka_list_configuration(const struct ks_kafka_options *options, FILE *out, struct ks_err *err)
{
	const struct ks_kafka_property ours[] = { { NULL, NULL } };
	struct rd_kafka_conf_s *conf;
	rd_kafka_topic_conf_t *topic;
	const char **pairs;
	size_t count;
	int status = ks_kafka_conf(options, ours, &conf, err);

	if (status != 0)
		return status;
	pairs = rd_kafka_conf_dump(conf, &count);
	dump(out, "Global", pairs, count);
	/* Properties of topics that were set on the whole live there; none was set, and there is none. */
	topic = rd_kafka_conf_get_default_topic_conf(conf);
	topic = topic != NULL ? rd_kafka_topic_conf_dup(topic) : rd_kafka_topic_conf_new();
	if (topic == NULL) {
		ks_kafka_conf_drop(conf);
		return ks_fail_memory(err);
	}
	pairs = rd_kafka_topic_conf_dump(topic, &count);
	dump(out, "Topic", pairs, count);
	rd_kafka_topic_conf_destroy(topic);
	ks_kafka_conf_drop(conf);
	return 0;
}
