/* SPDX-License-Identifier: MIT */
/*
 * topic - make the topics and the logs that the broker tests read, with
 * librdkafka alone, so that kstream is not judged by itself.
 *
 *	topic create NAME PARTITIONS [CONFIG=VALUE ...]
 *	topic set NAME [CONFIG=VALUE ...]	these, and for all others the broker's own
 *	topic delete NAME
 *	topic grow NAME PARTITIONS		more partitions
 *	topic trim NAME PARTITION OFFSET	delete the records before OFFSET
 *	topic commit NAME PARTITION COUNT TEXT	records TEXT0 ... in one transaction
 *	topic abort NAME PARTITION COUNT TEXT	the same, aborted after they were written
 *	topic open NAME PARTITION COUNT TEXT	the same, left open until standard input
 *						ends, then committed; says "open" first
 *	topic stored GROUP NAME PARTITION OFFSET	commit an offset for a group without members
 *	topic forget GROUP			delete a group without members, as Kafka does with one that was still for a week
 *	topic words GROUP NAME PARTITIONS	the metadata of the offset of each that a group has committed, a line each
 *
 * KSTREAM_BROKER names the broker.
 */
#include <errno.h>
#include <librdkafka/rdkafka.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WAIT_MS 30000

static _Noreturn void die(const char *what, const char *why)
{
	fprintf(stderr, "topic: %s: %s\n", what, why);
	exit(1);
}

static void set(rd_kafka_conf_t *conf, const char *name, const char *value)
{
	char why[300];

	if (rd_kafka_conf_set(conf, name, value, why, sizeof(why)) != RD_KAFKA_CONF_OK)
		die(name, why);
}

static void delivered(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque)
{
	(void)rk;
	(void)opaque;
	if (m->err != RD_KAFKA_RESP_ERR_NO_ERROR)
		die("record not delivered", rd_kafka_err2str(m->err));
}

static rd_kafka_t *client(const char *transaction)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	const char *broker = getenv("KSTREAM_BROKER");
	char why[300];
	rd_kafka_t *rk;

	if (broker == NULL)
		die("KSTREAM_BROKER", "not set");
	set(conf, "bootstrap.servers", broker);
	if (transaction != NULL)
		set(conf, "transactional.id", transaction);
	rd_kafka_conf_set_dr_msg_cb(conf, delivered);
	rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof(why));
	if (rk == NULL)
		die("client", why);
	return rk;
}

static int number(const char *text)
{
	char *end;
	long x;

	errno = 0;
	x = strtol(text, &end, 10);
	if (errno != 0 || *end != '\0' || x < 0 || x > INT_MAX)
		die(text, "not a number");
	return (int)x;
}

static void check_topics(const rd_kafka_topic_result_t **results, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (rd_kafka_topic_result_error(results[i]) != RD_KAFKA_RESP_ERR_NO_ERROR)
			die(rd_kafka_topic_result_name(results[i]),
			    rd_kafka_topic_result_error_string(results[i]));
}

static void check_deleted(rd_kafka_event_t *event)
{
	const rd_kafka_topic_partition_list_t *list =
	    rd_kafka_DeleteRecords_result_offsets(rd_kafka_event_DeleteRecords_result(event));

	if (list->elems[0].err != RD_KAFKA_RESP_ERR_NO_ERROR)
		die("trim", rd_kafka_err2str(list->elems[0].err));
}

static void check_set(rd_kafka_event_t *event)
{
	size_t n;
	const rd_kafka_ConfigResource_t **list = rd_kafka_AlterConfigs_result_resources(rd_kafka_event_AlterConfigs_result(event), &n);

	if (rd_kafka_ConfigResource_error(list[0]) != RD_KAFKA_RESP_ERR_NO_ERROR)
		die("set", rd_kafka_ConfigResource_error_string(list[0]));
}

/* The answer to the request that was sent to queue. */
static void answer(rd_kafka_queue_t *queue)
{
	rd_kafka_event_t *event = rd_kafka_queue_poll(queue, WAIT_MS);
	const rd_kafka_topic_result_t **results;
	size_t n;

	if (event == NULL)
		die("broker", "no answer");
	if (rd_kafka_event_error(event) != RD_KAFKA_RESP_ERR_NO_ERROR)
		die("broker", rd_kafka_event_error_string(event));
	switch (rd_kafka_event_type(event)) {
	case RD_KAFKA_EVENT_CREATETOPICS_RESULT:
		results = rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &n);
		check_topics(results, n);
		break;
	case RD_KAFKA_EVENT_DELETETOPICS_RESULT:
		results = rd_kafka_DeleteTopics_result_topics(rd_kafka_event_DeleteTopics_result(event), &n);
		check_topics(results, n);
		break;
	case RD_KAFKA_EVENT_CREATEPARTITIONS_RESULT:
		results = rd_kafka_CreatePartitions_result_topics(
		    rd_kafka_event_CreatePartitions_result(event), &n);
		check_topics(results, n);
		break;
	case RD_KAFKA_EVENT_ALTERCONFIGS_RESULT:
		check_set(event);
		break;
	default:
		check_deleted(event);
		break;
	}
	rd_kafka_event_destroy(event);
}

/* A new topic is known to the controller first: wait until every partition has a leader. */
static void await_leaders(rd_kafka_t *rk, const char *name, int partitions)
{
	rd_kafka_topic_t *topic = rd_kafka_topic_new(rk, name, NULL);
	const struct rd_kafka_metadata *md;
	int i, p, ready;

	for (i = 0; i < 1500; i++) {	/* 30 s: the machine may be busy */
		ready = 0;
		if (rd_kafka_metadata(rk, 0, topic, &md, 5000) == RD_KAFKA_RESP_ERR_NO_ERROR) {
			for (p = 0; p < md->topics[0].partition_cnt; p++)
				ready += md->topics[0].partitions[p].leader >= 0;
			rd_kafka_metadata_destroy(md);
		}
		if (ready == partitions) {
			rd_kafka_topic_destroy(topic);
			return;
		}
		usleep(20000);
	}
	die(name, "no leaders");
}

/* CONFIG=VALUE; returns VALUE, and leaves CONFIG. */
static char *part(char *arg)
{
	char *eq = strchr(arg, '=');

	if (eq == NULL)
		die(arg, "not CONFIG=VALUE");
	*eq = '\0';
	return eq + 1;
}

static void create(rd_kafka_t *rk, rd_kafka_queue_t *queue, int argc, char *argv[])
{
	int partitions = number(argv[1]), i;
	char why[300], *value;
	rd_kafka_NewTopic_t *topic = rd_kafka_NewTopic_new(argv[0], partitions, 1, why, sizeof(why));

	if (topic == NULL)
		die(argv[0], why);
	for (i = 2; i < argc; i++) {
		value = part(argv[i]);
		rd_kafka_NewTopic_set_config(topic, argv[i], value);
	}
	rd_kafka_CreateTopics(rk, &topic, 1, NULL, queue);
	answer(queue);
	rd_kafka_NewTopic_destroy(topic);
	await_leaders(rk, argv[0], partitions);
}

static void set_config(rd_kafka_t *rk, rd_kafka_queue_t *queue, int argc, char *argv[])
{
	rd_kafka_ConfigResource_t *topic = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, argv[0]);
	char *value;
	int i;

	for (i = 1; i < argc; i++) {
		value = part(argv[i]);
		rd_kafka_ConfigResource_set_config(topic, argv[i], value);
	}
	rd_kafka_AlterConfigs(rk, &topic, 1, NULL, queue);
	answer(queue);
	rd_kafka_ConfigResource_destroy(topic);
}

static void delete(rd_kafka_t *rk, rd_kafka_queue_t *queue, int argc, char *argv[])
{
	rd_kafka_DeleteTopic_t *topic = rd_kafka_DeleteTopic_new(argv[0]);

	(void)argc;
	rd_kafka_DeleteTopics(rk, &topic, 1, NULL, queue);
	answer(queue);
	rd_kafka_DeleteTopic_destroy(topic);
}

static void grow(rd_kafka_t *rk, rd_kafka_queue_t *queue, int argc, char *argv[])
{
	char why[300];
	rd_kafka_NewPartitions_t *p = rd_kafka_NewPartitions_new(argv[0], (size_t)number(argv[1]),
	    why, sizeof(why));

	(void)argc;
	if (p == NULL)
		die(argv[0], why);
	rd_kafka_CreatePartitions(rk, &p, 1, NULL, queue);
	answer(queue);
	rd_kafka_NewPartitions_destroy(p);
	await_leaders(rk, argv[0], number(argv[1]));
}

static void trim(rd_kafka_t *rk, rd_kafka_queue_t *queue, int argc, char *argv[])
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
	rd_kafka_DeleteRecords_t *del;

	(void)argc;
	rd_kafka_topic_partition_list_add(list, argv[0], number(argv[1]))->offset = number(argv[2]);
	del = rd_kafka_DeleteRecords_new(list);
	rd_kafka_DeleteRecords(rk, &del, 1, NULL, queue);
	answer(queue);
	rd_kafka_DeleteRecords_destroy(del);
	rd_kafka_topic_partition_list_destroy(list);
}

static void transact(const char *verb, char *argv[])
{
	char text[300], id[64];
	int count = number(argv[2]), partition = number(argv[1]), i, n;
	rd_kafka_error_t *e;
	rd_kafka_resp_err_t err;
	rd_kafka_t *rk;

	snprintf(id, sizeof(id), "topic-test-%ld", (long)getpid());
	rk = client(id);
	e = rd_kafka_init_transactions(rk, WAIT_MS);
	if (e == NULL)
		e = rd_kafka_begin_transaction(rk);
	if (e != NULL)
		die("transaction", rd_kafka_error_string(e));
	for (i = 0; i < count; i++) {
		n = snprintf(text, sizeof(text), "%s%d", argv[3], i);
		err = rd_kafka_producev(rk, RD_KAFKA_V_TOPIC(argv[0]), RD_KAFKA_V_PARTITION(partition),
		    RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_VALUE(text, (size_t)n),
		    RD_KAFKA_V_END);
		if (err != RD_KAFKA_RESP_ERR_NO_ERROR)
			die(argv[0], rd_kafka_err2str(err));
	}
	if (rd_kafka_flush(rk, WAIT_MS) != RD_KAFKA_RESP_ERR_NO_ERROR)
		die(argv[0], "not written");
	if (strcmp(verb, "open") == 0) {
		puts("open");
		fflush(stdout);
		while (getchar() != EOF)
			;
	}
	e = strcmp(verb, "abort") == 0 ? rd_kafka_abort_transaction(rk, WAIT_MS) :
	    rd_kafka_commit_transaction(rk, WAIT_MS);
	if (e != NULL)
		die("transaction", rd_kafka_error_string(e));
	rd_kafka_destroy(rk);
}

static rd_kafka_t *group(const char *name)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	const char *broker = getenv("KSTREAM_BROKER");
	char why[300];
	rd_kafka_t *rk;

	if (broker == NULL)
		die("KSTREAM_BROKER", "not set");
	set(conf, "bootstrap.servers", broker);
	set(conf, "group.id", name);
	set(conf, "isolation.level", "read_committed");
	rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof(why));
	if (rk == NULL)
		die("client", why);
	return rk;
}

static void stored(char *argv[])
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
	rd_kafka_t *rk = group(argv[0]);
	rd_kafka_resp_err_t err;

	rd_kafka_topic_partition_list_add(list, argv[1], number(argv[2]))->offset = number(argv[3]);
	err = rd_kafka_commit(rk, list, 0);
	if (err != RD_KAFKA_RESP_ERR_NO_ERROR)
		die(argv[0], rd_kafka_err2str(err));
	rd_kafka_topic_partition_list_destroy(list);
	rd_kafka_destroy(rk);
}

static void words(char *argv[])
{
	int i, count = number(argv[2]);
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(count);
	rd_kafka_t *rk = group(argv[0]);
	rd_kafka_resp_err_t err;

	for (i = 0; i < count; i++)
		rd_kafka_topic_partition_list_add(list, argv[1], i);
	err = rd_kafka_committed(rk, list, WAIT_MS);
	if (err != RD_KAFKA_RESP_ERR_NO_ERROR)
		die(argv[0], rd_kafka_err2str(err));
	for (i = 0; i < count; i++)
		printf("%.*s\n", (int)list->elems[i].metadata_size, list->elems[i].metadata != NULL ? (char *)list->elems[i].metadata : "");
	rd_kafka_topic_partition_list_destroy(list);
	rd_kafka_destroy(rk);
}

static void forget(rd_kafka_t *rk, rd_kafka_queue_t *queue, int argc, char *argv[])
{
	rd_kafka_DeleteGroup_t *group = rd_kafka_DeleteGroup_new(argv[0]);
	const rd_kafka_group_result_t **results;
	rd_kafka_event_t *event;
	size_t n;

	(void)argc;
	rd_kafka_DeleteGroups(rk, &group, 1, NULL, queue);
	event = rd_kafka_queue_poll(queue, WAIT_MS);
	if (event == NULL || rd_kafka_event_error(event) != RD_KAFKA_RESP_ERR_NO_ERROR)
		die("forget", event == NULL ? "no answer" : rd_kafka_event_error_string(event));
	results = rd_kafka_DeleteGroups_result_groups(rd_kafka_event_DeleteGroups_result(event), &n);
	if (n != 1 || rd_kafka_group_result_error(results[0]) != NULL)
		die("forget", n != 1 ? "no result" : rd_kafka_error_string(rd_kafka_group_result_error(results[0])));
	rd_kafka_event_destroy(event);
	rd_kafka_DeleteGroup_destroy(group);
}

int main(int argc, char *argv[])
{
	static const struct {
		const char *name;
		int least;
		void (*run)(rd_kafka_t *rk, rd_kafka_queue_t *queue, int argc, char *argv[]);
	} verbs[] = {
		{ "create", 2, create }, { "set", 1, set_config }, { "delete", 1, delete }, { "grow", 2, grow }, { "trim", 3, trim },
		{ "forget", 1, forget },
	};
	const char *verb = argc > 1 ? argv[1] : "";
	rd_kafka_queue_t *queue;
	rd_kafka_t *rk;
	size_t i;

	if (argc == 6 && (strcmp(verb, "commit") == 0 || strcmp(verb, "abort") == 0 ||
	    strcmp(verb, "open") == 0)) {
		transact(verb, argv + 2);
		return 0;
	}
	if (argc == 6 && strcmp(verb, "stored") == 0) {
		stored(argv + 2);
		return 0;
	}
	if (argc == 5 && strcmp(verb, "words") == 0) {
		words(argv + 2);
		return 0;
	}
	for (i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (strcmp(verb, verbs[i].name) != 0 || argc - 2 < verbs[i].least)
			continue;
		rk = client(NULL);
		queue = rd_kafka_queue_new(rk);
		verbs[i].run(rk, queue, argc - 2, argv + 2);
		rd_kafka_queue_destroy(queue);
		rd_kafka_destroy(rk);
		return 0;
	}
	die(verb, "create|set|delete|grow|trim|forget|commit|abort|open|stored|words NAME ...");
}
