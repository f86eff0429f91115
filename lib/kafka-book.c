/* SPDX-License-Identifier: MIT */
/* kafka-book.c - where an app stands, as Kafka keeps it. */
#include "kafka-book.h"

#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>

#include "kafka-parts.h"
#include "num.h"

void ks_word_print(const struct ks_word *x, char room[KS_WORD_ROOM])
{
	snprintf(room, KS_WORD_ROOM, "ks2;e=%lld;c=%lld;o=%s;r=%lld;i=%s%s", (long long)x->epoch, (long long)x->commit_run,
	    x->committer, (long long)x->run, x->claimer, x->released ? ";x" : "");
}

/* "KEY=VALUE", up to the next semicolon or the end; *text goes behind it. */
static bool take(struct ks_bytes *text, const char *key, struct ks_bytes *value)
{
	size_t n = strlen(key);
	const unsigned char *end;

	if (text->n < n || memcmp(text->p, key, n) != 0)
		return false;
	*text = ks_bytes(text->p + n, text->n - n);
	end = text->n > 0 ? memchr(text->p, ';', text->n) : NULL;
	*value = ks_bytes(text->p, end != NULL ? (size_t)(end - text->p) : text->n);
	n = value->n + (end != NULL);
	*text = ks_bytes(text->p + n, text->n - n);
	return true;
}

static bool take_number(struct ks_bytes *text, const char *key, int64_t *x)
{
	struct ks_bytes digits;

	return take(text, key, &digits) && ks_num_parse_i64(digits, x) == 0 && *x >= 0 && *x < INT64_MAX;
}

static bool take_owner(struct ks_bytes *text, const char *key, char room[KS_OWNER_ROOM])
{
	struct ks_bytes owner;

	if (!take(text, key, &owner) || !ks_owner_is(owner))
		return false;
	memcpy(room, owner.p, owner.n);
	room[owner.n] = '\0';
	return true;
}

bool ks_word_parse(struct ks_bytes text, struct ks_word *x)
{
	size_t n = text.n;

	/* As it is printed: without "x" nothing, not even a semicolon, is behind the last. */
	x->released = n > 2 && memcmp(text.p + n - 2, ";x", 2) == 0;
	if (x->released)
		text.n -= 2;
	if (text.n == 0 || text.p[text.n - 1] == ';' || memchr(text.p, '\0', text.n) != NULL)
		return false;
	return take_number(&text, "ks2;e=", &x->epoch) && take_number(&text, "c=", &x->commit_run) &&
	    take_owner(&text, "o=", x->committer) && take_number(&text, "r=", &x->run) && take_owner(&text, "i=", x->claimer) &&
	    text.n == 0;
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

int ks_book_reader(struct ks_kafka *k, const struct ks_kafka_options *options, const char *app, struct ks_err *err)
{
	return open_reader(k, options, app, true, err);
}

static bool begins(const rd_kafka_topic_partition_t *p, const char *with)
{
	size_t n = strlen(with);

	return p->metadata != NULL && p->metadata_size > n && memcmp(p->metadata, with, n) == 0;
}

static int foreign(const char *app, const rd_kafka_topic_partition_t *p, struct ks_err *err)
{
	if (begins(p, KS_RESET_WORD))
		return ks_fail(err, KS_CONFIG, "%s/%d@%lld: app '%s' is being reset, and that has not come to its end: "
		    "kstream-reset --app %s -b BROKER --apply goes on with it", p->topic, (int)p->partition, (long long)p->offset, app, app);
	if (begins(p, KS_LEDGER_WORD))
		return ks_fail(err, KS_CONFIG, "%s/%d@%lld: app '%s' was run with --guarantee at-least-once, and a ledger says where it stands: go on "
		    "so, or begin again under another --app", p->topic, (int)p->partition, (long long)p->offset, app);
	return ks_fail(err, KS_CONFIG, "%s/%d@%lld: something else than this app has committed the offsets of group '%s', so its epoch is "
	    "not known: give the app a group of its own (another --app), or delete the group to begin again",
	    p->topic, (int)p->partition, (long long)p->offset, app);
}

bool ks_book_word(const rd_kafka_topic_partition_t *p, struct ks_word *x)
{
	return p->offset >= 0 && p->metadata != NULL && ks_word_parse(ks_bytes(p->metadata, p->metadata_size), x);
}

static int read_with(struct ks_kafka *k, const char *app, rd_kafka_topic_partition_list_t *list, struct ks_err *err)
{
	const rd_kafka_topic_partition_t *p;
	struct ks_word x;
	int status = ks_kafka_committed(k, list, app, err);

	for (p = list->elems; status == 0 && p < list->elems + list->cnt; p++)
		if (p->offset >= 0 && !ks_book_word(p, &x))
			status = foreign(app, p, err);
	return status;
}

int ks_book_read(struct ks_kafka *k, const struct ks_kafka_options *options, const char *app, struct rd_kafka_topic_partition_list_s *list,
    struct ks_err *err)
{
	int status = k->rk != NULL ? 0 : ks_book_reader(k, options, app, err);

	return status == 0 ? read_with(k, app, list, err) : status;
}

int ks_book_glance(struct ks_kafka *k, const char *app, struct rd_kafka_topic_partition_list_s *list, struct ks_err *err)
{
	return read_with(k, app, list, err);
}

static int not_of_one(const char *app, const rd_kafka_topic_partition_t *p, const struct ks_word *x,
    const rd_kafka_topic_partition_t *q, const struct ks_word *y, struct ks_err *err)
{
	return ks_fail(err, KS_CONFIG, "group '%s' has %s/%d at epoch %lld, run %lld, but %s/%d at epoch %lld, run %lld: these are not the "
	    "offsets of one barrier; delete the group and the state to begin again", app, p->topic, (int)p->partition, (long long)x->epoch,
	    (long long)x->commit_run, q->topic, (int)q->partition, (long long)y->epoch, (long long)y->commit_run);
}

int ks_book_stand(const char *app, const struct rd_kafka_topic_partition_list_s *list, struct ks_stand *stand, struct ks_err *err)
{
	const rd_kafka_topic_partition_t *p, *q = list->elems, *end = q + list->cnt;
	struct ks_word x, y = { .epoch = -1 };

	*stand = (struct ks_stand){ 0 };
	for (p = list->elems; p < end; p++) {
		if (!ks_book_word(p, &x))
			continue;
		stand->epoch = x.epoch > stand->epoch ? x.epoch : stand->epoch;
		stand->run = x.run > stand->run ? x.run : stand->run;
		/* Mostly as the one before it; where partitions have moved, each is compared with the first of its commit. */
		if (y.epoch < 0 || x.commit_run != y.commit_run || strcmp(x.committer, y.committer) != 0)
			for (q = list->elems; q < p; q++)
				if (ks_book_word(q, &y) && x.commit_run == y.commit_run && strcmp(x.committer, y.committer) == 0)
					break;
		if (q < p && x.epoch != y.epoch)
			return not_of_one(app, q, &y, p, &x, err);
		q = p;
		y = x;
	}
	return 0;
}

int ks_book_mark(rd_kafka_topic_partition_t *p, const struct ks_word *x, struct ks_err *err)
{
	return ks_book_mark_as(p, "", x, err);
}

int ks_book_mark_as(rd_kafka_topic_partition_t *p, const char *before, const struct ks_word *x, struct ks_err *err)
{
	char text[sizeof(KS_RESET_WORD) + KS_WORD_ROOM];
	size_t n = strlen(before);

	memcpy(text, before, n);
	ks_word_print(x, text + n);
	/* librdkafka frees it with the list. */
	free(p->metadata);
	p->metadata = strdup(text);
	p->metadata_size = p->metadata != NULL ? strlen(text) : 0;
	return p->metadata != NULL ? 0 : ks_fail_memory(err);
}

bool ks_book_learn(struct ks_kafka *k, struct rd_kafka_topic_partition_list_s *list, int wait_ms, struct ks_word *x)
{
	const rd_kafka_topic_partition_t *p;

	if (rd_kafka_committed(k->rk, list, wait_ms) != RD_KAFKA_RESP_ERR_NO_ERROR)
		return false;
	for (p = list->elems; p < list->elems + list->cnt; p++)
		if (p->err == RD_KAFKA_RESP_ERR_NO_ERROR && ks_book_word(p, x))
			return true;
	return false;
}
