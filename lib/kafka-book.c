/* SPDX-License-Identifier: MIT */
/* kafka-book.c - where an app stands, as Kafka keeps it. */
#include "kafka-book.h"

#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>

#include "kafka-parts.h"
#include "num.h"

void ks_stand_print(const struct ks_stand *x, char room[KS_STAND_ROOM])
{
	snprintf(room, KS_STAND_ROOM, "ks1;e=%lld;r=%lld;i=%u/%u", (long long)x->epoch, (long long)x->run, x->instance,
	    x->instances);
}

/* "KEY=NUMBER", up to the delimiter or the end; *text goes behind it. */
static bool take_number(struct ks_bytes *text, const char *key, char delimiter, int64_t max, int64_t *x)
{
	size_t n = strlen(key);
	const unsigned char *end;
	struct ks_bytes digits;

	if (text->n < n || memcmp(text->p, key, n) != 0)
		return false;
	digits.p = text->p + n;
	end = delimiter == '\0' ? NULL : memchr(digits.p, delimiter, text->n - n);
	if (delimiter != '\0' && end == NULL)
		return false;
	digits.n = end != NULL ? (size_t)(end - digits.p) : text->n - n;
	n = (size_t)(digits.p - text->p) + digits.n + (end != NULL);
	*text = ks_bytes(text->p + n, text->n - n);
	return ks_num_parse_i64(digits, x) == 0 && *x >= 0 && *x <= max;
}

bool ks_stand_parse(struct ks_bytes text, struct ks_stand *x)
{
	int64_t i, n;

	if (!take_number(&text, "ks1;e=", ';', INT64_MAX - 1, &x->epoch) || !take_number(&text, "r=", ';', INT64_MAX - 1, &x->run) ||
	    !take_number(&text, "i=", '/', UINT32_MAX, &i) || !take_number(&text, "", '\0', UINT32_MAX, &n) || i >= n)
		return false;
	x->instance = (uint32_t)i;
	x->instances = (uint32_t)n;
	return true;
}

/*
 * A client to read the offsets of an app's group with.  Not stable: the last
 * that is known is told at once, which may be the one before.
 */
static int open_reader(struct ks_kafka *k, const struct ks_kafka_options *options, const char *app, bool stable, struct ks_err *err)
{
	const struct ks_kafka_property ours[] = {
		{ "client.id", "kstream-cat" },
		KS_KAFKA_CONNECT,
		{ "group.id", app },
		{ "enable.auto.commit", "false" },
		{ "isolation.level", stable ? "read_committed" : "read_uncommitted" },
		{ "allow.auto.create.topics", "false" },
		{ "socket.nagle.disable", "true" },
		{ NULL, NULL },
	};
	/* What a user says about reading (isolation.level, group.id) is about records, not about this. */
	struct ks_kafka_given *kept = calloc(options->property_count + 1, sizeof(*kept));
	struct ks_kafka_options few = *options;
	struct rd_kafka_conf_s *conf;
	size_t i;
	int status;

	*k = (struct ks_kafka){ .options = options };
	if (kept == NULL)
		return ks_fail_memory(err);
	few.properties = kept;
	few.property_count = 0;
	for (i = 0; i < options->property_count; i++)
		if (strcmp(options->properties[i].name, "isolation.level") != 0 && strcmp(options->properties[i].name, "group.id") != 0)
			kept[few.property_count++] = options->properties[i];
	status = ks_kafka_conf(&few, ours, &conf, err);
	if (status == 0)
		status = ks_kafka_open(k, options, false, conf, err);
	free(kept);
	return status;
}

int ks_book_watch(struct ks_kafka *k, const struct ks_kafka_options *options, const char *app, struct ks_err *err)
{
	return open_reader(k, options, app, false, err);
}

static int foreign(const char *app, const rd_kafka_topic_partition_t *p, struct ks_err *err)
{
	return ks_fail(err, KS_CONFIG, "%s/%d@%lld: something else than this app has committed the offsets of group '%s', so its epoch is "
	    "not known: give the app a group of its own (another --app), or delete the group to begin again",
	    p->topic, (int)p->partition, (long long)p->offset, app);
}

/* One more partition: all agree. */
static int agree(const char *app, const rd_kafka_topic_partition_t *p, const struct ks_stand *own, struct ks_stand *stand,
    const rd_kafka_topic_partition_t **first, struct ks_err *err)
{
	struct ks_stand x;

	if (p->metadata == NULL || !ks_stand_parse(ks_bytes(p->metadata, p->metadata_size), &x))
		return foreign(app, p, err);
	if (x.instances != own->instances || x.instance != own->instance)
		return ks_fail(err, KS_CONFIG, "%s/%d was last read by --instance %u/%u of app '%s', and this is %u/%u: its state is there; "
		    "go on with as many instances as before", p->topic, (int)p->partition, x.instance, x.instances, app,
		    own->instance, own->instances);
	if (*first == NULL) {
		*first = p;
		*stand = x;
		return 0;
	}
	if (x.epoch == stand->epoch && x.run == stand->run)
		return 0;
	return ks_fail(err, KS_CONFIG, "group '%s' has %s/%d at epoch %lld, run %lld, but %s/%d at epoch %lld, run %lld: these are not the "
	    "offsets of one barrier; delete the group and the state to begin again", app, (*first)->topic, (int)(*first)->partition,
	    (long long)stand->epoch, (long long)stand->run, p->topic, (int)p->partition, (long long)x.epoch, (long long)x.run);
}

int ks_book_read(const struct ks_kafka_options *options, const char *app, struct rd_kafka_topic_partition_list_s *list,
    const struct ks_stand *own, struct ks_stand *stand, struct ks_err *err)
{
	const rd_kafka_topic_partition_t *first = NULL, *p;
	struct ks_kafka reader;
	int status = open_reader(&reader, options, app, true, err);

	if (status == 0)
		status = ks_kafka_committed(&reader, list, app, err);
	ks_kafka_close(&reader);
	*stand = *own;
	stand->epoch = stand->run = 0;
	for (p = list->elems; status == 0 && p < list->elems + list->cnt; p++)
		if (p->offset >= 0)
			status = agree(app, p, own, stand, &first, err);
	return status;
}

int ks_book_mark(struct rd_kafka_topic_partition_list_s *list, const struct ks_stand *stand, struct ks_err *err)
{
	rd_kafka_topic_partition_t *p;
	char text[KS_STAND_ROOM];

	ks_stand_print(stand, text);
	for (p = list->elems; p < list->elems + list->cnt; p++) {
		/* librdkafka frees it with the list. */
		free(p->metadata);
		p->metadata = strdup(text);
		p->metadata_size = p->metadata != NULL ? strlen(text) : 0;
		if (p->metadata == NULL)
			return ks_fail_memory(err);
	}
	return 0;
}

bool ks_book_learn(struct ks_kafka *k, struct rd_kafka_topic_partition_list_s *list, int wait_ms, struct ks_stand *stand)
{
	const rd_kafka_topic_partition_t *p;

	if (rd_kafka_committed(k->rk, list, wait_ms) != RD_KAFKA_RESP_ERR_NO_ERROR)
		return false;
	for (p = list->elems; p < list->elems + list->cnt; p++)
		if (p->err == RD_KAFKA_RESP_ERR_NO_ERROR && p->offset >= 0 && p->metadata != NULL)
			return ks_stand_parse(ks_bytes(p->metadata, p->metadata_size), stand);
	return false;
}
