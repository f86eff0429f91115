/* SPDX-License-Identifier: MIT */
/*
 * kafka.c - the client under the source and the sink.
 *
 * librdkafka retries whatever might heal, wrong secrets included, and
 * tells of it only by its error callback.  So the callback keeps the first
 * error that will not heal, and whoever waits looks there.
 */
#include "kafka.h"

#include <librdkafka/rdkafka.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "fdio.h"
#include "num.h"
#include "signals.h"

#define LOG_MAX 4096		/* bytes of a line of librdkafka's log that has a secret in it */
#define SLICE_MS 1000		/* of a wait, at most */
#define CLOSE_S 2		/* how long a client may take to go */
#define HEAP_KEEP (32 << 20)	/* bytes that are free and stay with the process */
#define HEAP_ALONE (8 << 20)	/* bytes that come from the system, and go back to it */
#define AGAIN_MS 20		/* between two questions to a leader that is not one yet, or about a topic */
#define LEARN_MS 2000		/* for a broker to hear of a topic that another one has made; on a busy machine it was some 100 ms */

int ks_kafka_conf(const struct ks_kafka_options *options, const struct ks_kafka_property *ours,
    struct rd_kafka_conf_s **conf, struct ks_err *err)
{
	rd_kafka_conf_t *c = rd_kafka_conf_new();
	int status = 0;
	size_t i;

	for (; ours->name != NULL; ours++)
		if (rd_kafka_conf_set(c, ours->name, ours->value, NULL, 0) == RD_KAFKA_CONF_INVALID)
			ks_bug("a property of our own is refused");
	for (i = 0; i < options->property_count && status == 0; i++)
		if (rd_kafka_conf_set(c, options->properties[i].name, options->properties[i].value, NULL, 0) !=
		    RD_KAFKA_CONF_OK)
			status = ks_fail(err, KS_CONFIG, "property '%s' does not take that value",
			    options->properties[i].name);
	if (status != 0)
		rd_kafka_conf_destroy(c);
	else
		*conf = c;
	return status;
}

void ks_kafka_conf_drop(struct rd_kafka_conf_s *conf)
{
	if (conf != NULL)
		rd_kafka_conf_destroy(conf);
}

void ks_kafka_conf_text(const struct rd_kafka_conf_s *conf, const char *name, char *room, size_t n)
{
	if (rd_kafka_conf_get(conf, name, room, &n) != RD_KAFKA_CONF_OK)
		room[0] = '\0';
}

int ks_kafka_status(int code, bool starting)
{
	switch ((rd_kafka_resp_err_t)code) {
	case RD_KAFKA_RESP_ERR__AUTHENTICATION:
	case RD_KAFKA_RESP_ERR__SSL:
	case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
	case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
	case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
	case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
	case RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
		return KS_DENIED;
	case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
	case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
	case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
	case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
	case RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION:
	case RD_KAFKA_RESP_ERR_POLICY_VIOLATION:
	case RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE:
		return KS_CONFIG;
	case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
	case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE:
	case RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE:
	case RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP:
	case RD_KAFKA_RESP_ERR_INVALID_RECORD:
	case RD_KAFKA_RESP_ERR__BAD_MSG:
		return KS_DATA;
	default:
		return starting ? KS_UNAVAILABLE : KS_TEMP;
	}
}

/* Codes from 1 on, and -1, "unknown", come over the wire. */
bool ks_kafka_is_refusal(int code)
{
	switch ((rd_kafka_resp_err_t)code) {
	case RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE:
	case RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION:
	case RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT:
	case RD_KAFKA_RESP_ERR_BROKER_NOT_AVAILABLE:
	case RD_KAFKA_RESP_ERR_REPLICA_NOT_AVAILABLE:
	case RD_KAFKA_RESP_ERR_NETWORK_EXCEPTION:
	case RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS:
	case RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE:
	case RD_KAFKA_RESP_ERR_NOT_COORDINATOR:
	case RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS:
	case RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND:
	case RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION:
	case RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID:
	case RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS:
	case RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID:
	case RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH:
	case RD_KAFKA_RESP_ERR_PRODUCER_FENCED:
	case RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS:
	case RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR:
	case RD_KAFKA_RESP_ERR_FENCED_LEADER_EPOCH:
	case RD_KAFKA_RESP_ERR_UNKNOWN_LEADER_EPOCH:
	case RD_KAFKA_RESP_ERR_UNSTABLE_OFFSET_COMMIT:
		return false;
	default:
		return code > 0 || code == RD_KAFKA_RESP_ERR_UNKNOWN;
	}
}

/*
 * Where a client certificate is missing, the broker's alert comes as a
 * transport error (real-parts 1).
 */
static bool is_alert(const char *why)
{
	return strstr(why, "SSL") != NULL && strstr(why, "alert") != NULL;
}

/* SCRAM of librdkafka below 2.6.1 is refused by Kafka 4 as "invalid credentials" (its pull request 4895). */
static const char *scram_hint(const char *why)
{
	if (rd_kafka_version() >= 0x020601ff || strstr(why, "SCRAM") == NULL)
		return "";
	return "; this librdkafka cannot do SCRAM with Kafka 4.0 or later: use 2.6.1";
}

/* Which right a refusal is about; "" where it is none. */
static const char *right(int code, bool producer)
{
	switch ((rd_kafka_resp_err_t)code) {
	case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
		return producer ? ": WRITE on the topic is missing" : ": READ on the topic is missing";
	case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
		return ": READ on the group is missing";
	case RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
		return ": WRITE on the transactional id is missing";
	default:
		return "";
	}
}

/* The text without the secrets that were given: the text itself, or room. */
static const char *masked(const struct ks_kafka *k, const char *text, char *room, size_t size)
{
	const struct ks_kafka_given *g = k->options->properties, *end = g + k->options->property_count;
	char *at;
	size_t n;

	snprintf(room, size, "%s", text);
	for (; g < end; g++) {
		n = g->secret ? strlen(g->value) : 0;
		for (at = room; n > 0 && (at = strstr(at, g->value)) != NULL; at++) {
			*at = '*';
			memmove(at + 1, at + n, strlen(at + n) + 1);
		}
	}
	return room;
}

static void on_error(rd_kafka_t *rk, int code, const char *why, void *opaque)
{
	struct ks_kafka *k = opaque;
	char fatal[300], room[500];

	if (code == RD_KAFKA_RESP_ERR__FATAL) {
		code = (int)rd_kafka_fatal_error(rk, fatal, sizeof(fatal));
		why = fatal;
	} else if (code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) {
		if (k->down_since == 0)
			k->down_since = ks_clock_ms();
		return;
	} else if (code == RD_KAFKA_RESP_ERR__TRANSPORT && is_alert(why)) {
		code = RD_KAFKA_RESP_ERR__SSL;
	} else if (code == RD_KAFKA_RESP_ERR__TRANSPORT || code == RD_KAFKA_RESP_ERR__RESOLVE) {
		ks_fail(&k->refused, KS_UNAVAILABLE, "%s", why);
		return;
	} else if (code != RD_KAFKA_RESP_ERR__AUTHENTICATION && code != RD_KAFKA_RESP_ERR__SSL) {
		return;
	}
	if (k->failed.status != 0)
		return;
	why = masked(k, why, room, sizeof(room));
	if (code == RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED)
		ks_fail(&k->failed, KS_DENIED, "no right to write: WRITE on the topic, or IDEMPOTENT_WRITE");
	else
		ks_fail(&k->failed, ks_kafka_status(code, false), "%s%s%s", why, scram_hint(why),
		    right(code, k->producer));
}

/* librdkafka's log is for whoever asked for it by -X debug=.  Comes from its threads; the secrets stay as they are. */
static void on_log(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
	const struct ks_kafka *k = rk != NULL ? rd_kafka_opaque(rk) : NULL;
	char room[LOG_MAX];

	if (k != NULL && k->debug)
		rd_kafka_log_print(rk, level, facility, masked(k, text, room, sizeof(room)));
}

static int64_t number_of(const rd_kafka_conf_t *conf, const char *name)
{
	char text[32];
	int64_t x;

	ks_kafka_conf_text(conf, name, text, sizeof(text));
	return ks_num_parse_i64(ks_str(text), &x) == 0 ? x : -1;
}

static void lower(rd_kafka_conf_t *conf, const char *name, int64_t most)
{
	char text[32];

	if (number_of(conf, name) <= most)
		return;
	snprintf(text, sizeof(text), "%lld", (long long)most);
	/* Out of its range: librdkafka names both, as they stand. */
	(void)rd_kafka_conf_set(conf, name, text, NULL, 0);
}

/*
 * A client that reads asks for less at once than librdkafka would, which then
 * refuses some sizes that are right: message.max.bytes, often in a file that
 * writers share, though it means nothing to a reader; and a least answer,
 * receive.message.max.bytes, that has no room for what we ask for.
 */
static void settle_sizes(rd_kafka_conf_t *conf, const struct ks_kafka_options *options)
{
	bool given = false;
	size_t i;

	for (i = 0; i < options->property_count; i++)
		given = given || strcmp(options->properties[i].name, "fetch.max.bytes") == 0;
	if (!given)
		lower(conf, "fetch.max.bytes", number_of(conf, "receive.message.max.bytes") - 512);
	lower(conf, "message.max.bytes", number_of(conf, "fetch.max.bytes"));
}

/*
 * What is fetched comes in answers of megabytes, and its messages are freed
 * a queue at a time: glibc would return that memory to the system, and have
 * it cleared page by page when it is wanted again a moment later (15,000 to
 * 60,000 page faults for two million records; so 6,000).
 */
static void keep_memory(void)
{
#ifdef __GLIBC__
	mallopt(M_TRIM_THRESHOLD, HEAP_KEEP);
	mallopt(M_MMAP_THRESHOLD, HEAP_ALONE);
#endif
}

int ks_kafka_open(struct ks_kafka *k, const struct ks_kafka_options *options, bool producer,
    struct rd_kafka_conf_s *conf, struct ks_err *err)
{
	char why[400], room[400], brokers[512], debug[64];

	*k = (struct ks_kafka){ .timeout_ms = options->timeout_ms, .options = options, .producer = producer };
	keep_memory();
	k->start_ms = options->start_ms > 0 ? options->start_ms : KS_KAFKA_START_MS;
	k->brokers = options->brokers != NULL ? options->brokers : "Kafka";
	ks_kafka_conf_text(conf, "bootstrap.servers", brokers, sizeof(brokers));
	if (brokers[0] == '\0') {
		rd_kafka_conf_destroy(conf);
		return ks_fail(err, KS_USAGE, "no broker: name one with -b HOST:PORT");
	}
	if (!producer)
		settle_sizes(conf, options);
	rd_kafka_conf_set_opaque(conf, k);
	rd_kafka_conf_set_error_cb(conf, on_error);
	ks_kafka_conf_text(conf, "debug", debug, sizeof(debug));
	k->debug = debug[0] != '\0';
	rd_kafka_conf_set_log_cb(conf, on_log);
	k->rk = rd_kafka_new(producer ? RD_KAFKA_PRODUCER : RD_KAFKA_CONSUMER, conf, why, sizeof(why));
	if (k->rk == NULL) {
		rd_kafka_conf_destroy(conf);
		return ks_fail(err, KS_CONFIG, "cannot make a Kafka client: %s",
		    masked(k, why, room, sizeof(room)));
	}
	return 0;
}

static void *destroy(void *rk)
{
	rd_kafka_destroy_flags(rk, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
	return NULL;
}

/*
 * Destroying takes 1 ms, but never ends where a topic that was read has
 * been deleted (2.0.2, measured).  Then the process ends without it.
 */
void ks_kafka_close(struct ks_kafka *k)
{
	struct timespec until;
	pthread_t thread;

	if (k->rk == NULL)
		return;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += CLOSE_S;
	if (pthread_create(&thread, NULL, destroy, k->rk) != 0)
		destroy(k->rk);
	else if (pthread_timedjoin_np(thread, NULL, &until) != 0)
		pthread_detach(thread);
	k->rk = NULL;
}

int ks_kafka_fail(struct ks_kafka *k, int code, bool starting, struct ks_err *err,
    const char *fmt, ...)
{
	char what[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	if (k->failed.status != 0)
		return ks_fail(err, k->failed.status, "%s: %s", what, k->failed.text);
	if (k->refused.status != 0 && (code == RD_KAFKA_RESP_ERR__TRANSPORT ||
	    code == RD_KAFKA_RESP_ERR__TIMED_OUT || code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN))
		return ks_fail(err, ks_kafka_status(code, starting), "%s: %s", what, k->refused.text);
	return ks_fail(err, ks_kafka_status(code, starting), "%s: %s%s", what,
	    rd_kafka_err2str((rd_kafka_resp_err_t)code), right(code, k->producer));
}

int ks_kafka_check(struct ks_kafka *k, struct ks_err *err)
{
	rd_kafka_poll(k->rk, 0);
	if (k->failed.status == 0)
		return 0;
	return ks_fail(err, k->failed.status, "%s: %s", k->brokers, k->failed.text);
}

/*
 * Metadata in slices, so that an error which only the callback knows of, or
 * a signal, ends the wait.
 */
int ks_kafka_metadata(struct ks_kafka *k, struct rd_kafka_topic_s *topic, const char *name,
    bool starting, const struct rd_kafka_metadata **md, struct ks_err *err)
{
	int64_t now = ks_clock_ms(), patience = k->timeout_ms, deadline;
	rd_kafka_resp_err_t e;
	int slice = 250;

	if (starting && patience > k->start_ms)
		patience = k->start_ms;
	for (deadline = now + patience;; slice = slice < SLICE_MS ? 2 * slice : SLICE_MS) {
		if (slice > deadline - now)
			slice = (int)(deadline - now);
		e = rd_kafka_metadata(k->rk, topic == NULL, topic, md, slice > 0 ? slice : 1);
		if (e == RD_KAFKA_RESP_ERR_NO_ERROR) {
			k->answered = true;
			k->down_since = 0;
			return 0;
		}
		rd_kafka_poll(k->rk, 0);
		now = ks_clock_ms();
		if (k->failed.status != 0 || now >= deadline || ks_signals_end() != 0 ||
		    (e != RD_KAFKA_RESP_ERR__TRANSPORT && e != RD_KAFKA_RESP_ERR__TIMED_OUT) ||
		    (starting && k->down_since != 0 && now - k->down_since > KS_KAFKA_REFUSED_MS))
			return name == NULL ?
			    ks_kafka_fail(k, (int)e, starting, err, "cannot ask %s about its topics", k->brokers) :
			    ks_kafka_fail(k, (int)e, starting, err, "cannot ask %s about topic '%s'", k->brokers, name);
	}
}

static int read_metadata(const struct ks_kafka *k, const struct rd_kafka_metadata *md, const char *name,
    int32_t *partitions, struct ks_err *err)
{
	const struct rd_kafka_metadata_topic *t = &md->topics[0];

	if (md->topic_cnt < 1 || t->err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
		return ks_fail(err, KS_CONFIG, "there is no topic '%s'%s", name, k->producer ? ": make it, or give --create-topics N" : "");
	if (t->err == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED)
		return ks_fail(err, KS_DENIED, "no right to %s topic '%s'%s", k->producer ? "write to" : "read", name,
		    right((int)t->err, k->producer));
	if (t->err != RD_KAFKA_RESP_ERR_NO_ERROR && t->err != RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE)
		return ks_fail(err, ks_kafka_status((int)t->err, false), "topic '%s': %s", name,
		    rd_kafka_err2str(t->err));
	if (t->partition_cnt < 1)
		return ks_fail(err, KS_TEMP, "topic '%s' has no partitions yet", name);
	*partitions = t->partition_cnt;
	return 0;
}

static int look_up(struct ks_kafka *k, const char *name, bool starting, struct rd_kafka_topic_s **topic,
    int32_t *partitions, bool *others, struct ks_err *err)
{
	const struct rd_kafka_metadata *md;
	rd_kafka_topic_t *t;
	int status;

	*others = false;
	if (name[0] == '\0' || strlen(name) > KS_NAME_MAX)
		return ks_fail(err, KS_CONFIG, "'%.64s' cannot be the name of a topic", name);
	t = rd_kafka_topic_new(k->rk, name, NULL);
	if (t == NULL)
		return ks_kafka_fail(k, (int)rd_kafka_last_error(), starting, err, "topic '%s'", name);
	status = ks_kafka_metadata(k, t, name, starting, &md, err);
	if (status == 0) {
		status = read_metadata(k, md, name, partitions, err);
		*others = md->broker_cnt > 1;
		rd_kafka_metadata_destroy(md);
	}
	if (status != 0)
		rd_kafka_topic_destroy(t);
	else
		*topic = t;
	return status;
}

int ks_kafka_topic_now(struct ks_kafka *k, const char *name, bool starting,
    struct rd_kafka_topic_s **topic, int32_t *partitions, struct ks_err *err)
{
	bool others;

	return look_up(k, name, starting, topic, partitions, &others, err);
}

int ks_kafka_topic(struct ks_kafka *k, const char *name, bool starting,
    struct rd_kafka_topic_s **topic, int32_t *partitions, struct ks_err *err)
{
	const struct timespec pause = { .tv_nsec = AGAIN_MS * 1000000 };
	int64_t deadline = ks_clock_ms() + LEARN_MS;
	bool others;
	int status;

	for (;;) {
		status = look_up(k, name, starting, topic, partitions, &others, err);
		if (status != KS_CONFIG || !others || ks_clock_ms() >= deadline || ks_signals_end() != 0)
			return status;
		nanosleep(&pause, NULL);
	}
}

void ks_kafka_topic_drop(struct rd_kafka_topic_s *topic)
{
	if (topic != NULL)
		rd_kafka_topic_destroy(topic);
}

/* What heals by itself: a topic that was just made, a leader that has moved. */
static bool is_passing(rd_kafka_resp_err_t e)
{
	return e == RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION || e == RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE ||
	    e == RD_KAFKA_RESP_ERR_REPLICA_NOT_AVAILABLE || e == RD_KAFKA_RESP_ERR_OFFSET_NOT_AVAILABLE ||
	    e == RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR || e == RD_KAFKA_RESP_ERR__TRANSPORT ||
	    e == RD_KAFKA_RESP_ERR__WAIT_CACHE;
}

/*
 * rd_kafka_query_watermark_offsets would do for one partition, but heeds
 * its timeout only before the request is sent (2.0.2, measured).
 */
static rd_kafka_resp_err_t ask(struct ks_kafka *k, rd_kafka_topic_partition_list_t *list, int64_t when, int wait_ms)
{
	rd_kafka_resp_err_t e;
	int i;

	for (i = 0; i < list->cnt; i++)
		list->elems[i].offset = when;
	e = rd_kafka_offsets_for_times(k->rk, list, wait_ms);
	rd_kafka_poll(k->rk, 0);
	for (i = 0; i < list->cnt && e == RD_KAFKA_RESP_ERR_NO_ERROR; i++)
		e = list->elems[i].err;
	return e;
}

int ks_kafka_ask_ends(struct ks_kafka *k, struct rd_kafka_topic_partition_list_s *list, bool end,
    int wait_ms)
{
	return (int)ask(k, list, end ? RD_KAFKA_OFFSET_END : RD_KAFKA_OFFSET_BEGINNING, wait_ms);
}

/* Asked until there is an answer; what completes the message. */
static int insist(struct ks_kafka *k, rd_kafka_topic_partition_list_t *list, int64_t when, const char *what,
    struct ks_err *err)
{
	int64_t deadline = ks_clock_ms() + ks_kafka_move_ms(k), left;
	const struct timespec pause = { .tv_nsec = AGAIN_MS * 1000000 };
	rd_kafka_resp_err_t e;

	if (list->cnt == 0)
		return 0;
	for (;;) {
		left = deadline - ks_clock_ms();
		e = ask(k, list, when, left > 1 ? (int)left : 1);
		if (e == RD_KAFKA_RESP_ERR_NO_ERROR)
			return 0;
		if (!is_passing(e) || k->failed.status != 0 || ks_clock_ms() >= deadline)
			return ks_kafka_fail(k, (int)e, true, err, "cannot ask %s where its partitions %s", k->brokers, what);
		nanosleep(&pause, NULL);
	}
}

int ks_kafka_ends(struct ks_kafka *k, struct rd_kafka_topic_partition_list_s *list, bool end,
    struct ks_err *err)
{
	return insist(k, list, end ? RD_KAFKA_OFFSET_END : RD_KAFKA_OFFSET_BEGINNING, end ? "end" : "begin", err);
}

int ks_kafka_times(struct ks_kafka *k, struct rd_kafka_topic_partition_list_s *list, int64_t time_ms,
    struct ks_err *err)
{
	if (time_ms < 0)
		ks_bug("a time before 1970 means something else to Kafka");
	return insist(k, list, time_ms, "have a time", err);
}
