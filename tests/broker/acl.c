/* SPDX-License-Identifier: MIT */
/*
 * acl - make topics and rights on a secured Kafka, with librdkafka alone.
 *
 *	acl CONF topic NAME PARTITIONS		with as many replicas as the cluster gives
 *	acl CONF allow|deny USER OPERATION topic|group|transactional-id|cluster NAME
 *
 * CONF is a file of properties; OPERATION is READ, WRITE, DESCRIBE, or
 * another word of Kafka.
 */
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define WAIT_MS 20000

static _Noreturn void die(const char *what, const char *why)
{
	fprintf(stderr, "acl: %s: %s\n", what, why);
	exit(1);
}

static rd_kafka_t *client(const char *path)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	FILE *f = fopen(path, "r");
	char line[1000], why[300], *eq;
	rd_kafka_t *rk;

	if (f == NULL)
		die(path, "cannot open it");
	while (fgets(line, sizeof(line), f) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		eq = strchr(line, '=');
		if (eq == NULL)
			die(path, "a line without =");
		*eq = '\0';
		if (rd_kafka_conf_set(conf, line, eq + 1, why, sizeof(why)) != RD_KAFKA_CONF_OK)
			die(line, why);
	}
	fclose(f);
	rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof(why));
	if (rk == NULL)
		die(path, why);
	return rk;
}

static rd_kafka_event_t *answer(rd_kafka_queue_t *queue, const char *what)
{
	rd_kafka_event_t *event = rd_kafka_queue_poll(queue, WAIT_MS);

	if (event == NULL)
		die(what, "no answer");
	if (rd_kafka_event_error(event) != RD_KAFKA_RESP_ERR_NO_ERROR)
		die(what, rd_kafka_event_error_string(event));
	return event;
}

static void make_topic(rd_kafka_t *rk, rd_kafka_queue_t *queue, char *argv[])
{
	char why[300];
	rd_kafka_NewTopic_t *topic = rd_kafka_NewTopic_new(argv[0], atoi(argv[1]), -1, why, sizeof(why));
	rd_kafka_event_t *event;
	const rd_kafka_topic_result_t **results;
	size_t n;

	if (topic == NULL)
		die(argv[0], why);
	rd_kafka_CreateTopics(rk, &topic, 1, NULL, queue);
	event = answer(queue, argv[0]);
	results = rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &n);
	if (n != 1 || rd_kafka_topic_result_error(results[0]) != RD_KAFKA_RESP_ERR_NO_ERROR)
		die(argv[0], n == 1 ? rd_kafka_topic_result_error_string(results[0]) : "no result");
	rd_kafka_event_destroy(event);
	rd_kafka_NewTopic_destroy(topic);
}

static rd_kafka_AclOperation_t operation(const char *word)
{
	int i;

	for (i = RD_KAFKA_ACL_OPERATION_ALL; i < RD_KAFKA_ACL_OPERATION__CNT; i++)
		if (strcasecmp(rd_kafka_AclOperation_name((rd_kafka_AclOperation_t)i), word) == 0)
			return (rd_kafka_AclOperation_t)i;
	die(word, "no such operation");
}

static void make_right(rd_kafka_t *rk, rd_kafka_queue_t *queue, int allow, char *argv[])
{
	static const struct { const char *name; int type; } types[] = {
		{ "topic", RD_KAFKA_RESOURCE_TOPIC }, { "group", RD_KAFKA_RESOURCE_GROUP },
		{ "transactional-id", 5 /* Kafka's number; 2.0.2 has no name for it */ }, { "cluster", RD_KAFKA_RESOURCE_BROKER },
	};
	char why[300], user[200];
	rd_kafka_AclBinding_t *acl = NULL;
	const rd_kafka_acl_result_t **results;
	rd_kafka_event_t *event;
	size_t i, n;

	snprintf(user, sizeof(user), "User:%s", argv[0]);
	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(argv[2], types[i].name) == 0)
			acl = rd_kafka_AclBinding_new((rd_kafka_ResourceType_t)types[i].type, argv[3],
			    RD_KAFKA_RESOURCE_PATTERN_LITERAL, user, "*", operation(argv[1]),
			    allow ? RD_KAFKA_ACL_PERMISSION_TYPE_ALLOW : RD_KAFKA_ACL_PERMISSION_TYPE_DENY, why, sizeof(why));
	if (acl == NULL)
		die(argv[2], "no such right");
	rd_kafka_CreateAcls(rk, &acl, 1, NULL, queue);
	event = answer(queue, argv[3]);
	results = rd_kafka_CreateAcls_result_acls(rd_kafka_event_CreateAcls_result(event), &n);
	if (n != 1 || rd_kafka_acl_result_error(results[0]) != NULL)
		die(argv[3], n == 1 ? rd_kafka_error_string(rd_kafka_acl_result_error(results[0])) : "no result");
	rd_kafka_event_destroy(event);
	rd_kafka_AclBinding_destroy(acl);
}

int main(int argc, char *argv[])
{
	rd_kafka_queue_t *queue;
	rd_kafka_t *rk;

	if (argc < 5)
		die("usage", "acl CONF topic NAME PARTITIONS, or allow|deny USER OPERATION TYPE NAME");
	rk = client(argv[1]);
	queue = rd_kafka_queue_new(rk);
	if (strcmp(argv[2], "topic") == 0 && argc == 5)
		make_topic(rk, queue, argv + 3);
	else if (argc == 7)
		make_right(rk, queue, strcmp(argv[2], "allow") == 0, argv + 3);
	else
		die(argv[2], "what?");
	rd_kafka_queue_destroy(queue);
	rd_kafka_destroy(rk);
	return 0;
}
