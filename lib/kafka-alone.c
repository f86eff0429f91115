/* SPDX-License-Identifier: MIT */
/* kafka-alone.c - whether a group has members. */
#include "kafka-alone.h"

#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <time.h>

#include "fdio.h"
#include "signals.h"

#define AGAIN_MS 20	/* while a coordinator comes up, or moves */
#define NAMES 3		/* of members that are told */

static int has_members(const rd_kafka_ConsumerGroupDescription_t *g, const char *group, const char *so, struct ks_err *err)
{
	size_t count = rd_kafka_ConsumerGroupDescription_member_count(g), i, n = 0;
	const rd_kafka_MemberDescription_t *m;
	char names[NAMES * 110] = "";
	const char *name;

	for (i = 0; i < count && i < NAMES; i++) {
		m = rd_kafka_ConsumerGroupDescription_member(g, i);
		name = rd_kafka_MemberDescription_group_instance_id(m);
		if (name == NULL)
			name = rd_kafka_MemberDescription_client_id(m);
		n += (size_t)snprintf(names + n, sizeof(names) - n, "%s'%.100s'", i > 0 ? ", " : "", name);
	}
	return count == 0 ? 0 : ks_fail(err, KS_CONFIG, "group '%s' has %zu member%s (%s%s), %s: stop them, "
	    "and begin when the group has forgotten them, after session.timeout.ms", group, count, count > 1 ? "s" : "", names,
	    count > NAMES ? ", ..." : "", so);
}

static int judge(struct ks_kafka *k, rd_kafka_event_t *event, const char *group, const char *so, bool *again, struct ks_err *err)
{
	rd_kafka_resp_err_t e = event != NULL ? rd_kafka_event_error(event) : RD_KAFKA_RESP_ERR__TIMED_OUT;
	const rd_kafka_ConsumerGroupDescription_t **groups = NULL;
	size_t n = 0;

	if (e == RD_KAFKA_RESP_ERR_NO_ERROR)
		groups = rd_kafka_DescribeConsumerGroups_result_groups(rd_kafka_event_DescribeConsumerGroups_result(event), &n);
	if (n == 1)
		e = rd_kafka_error_code(rd_kafka_ConsumerGroupDescription_error(groups[0]));
	*again = e == RD_KAFKA_RESP_ERR_NOT_COORDINATOR || e == RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE ||
	    e == RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS;
	if (e == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED)
		return ks_fail(err, KS_DENIED, "no right to ask for the members of group '%s': DESCRIBE on the group is missing", group);
	if (e == RD_KAFKA_RESP_ERR_GROUP_ID_NOT_FOUND)
		return 0;
	if (e != RD_KAFKA_RESP_ERR_NO_ERROR)
		return ks_kafka_fail(k, (int)e, true, err, "cannot ask for the members of group '%s'", group);
	return n == 1 ? has_members(groups[0], group, so, err) : ks_fail(err, KS_TEMP, "%s does not tell of the members of group '%s'", k->brokers, group);
}

static int ask(struct ks_kafka *k, const char *group, const char *so, bool *again, struct ks_err *err)
{
	int wait_ms = (int)ks_kafka_move_ms(k), status;
	rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(k->rk, RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS);
	rd_kafka_queue_t *queue = rd_kafka_queue_new(k->rk);
	rd_kafka_event_t *event;
	char why[100];

	if (rd_kafka_AdminOptions_set_request_timeout(options, wait_ms, why, sizeof(why)) != RD_KAFKA_RESP_ERR_NO_ERROR)
		ks_bug("a timeout of our own is refused");
	rd_kafka_DescribeConsumerGroups(k->rk, &group, 1, options, queue);
	rd_kafka_AdminOptions_destroy(options);
	event = rd_kafka_queue_poll(queue, wait_ms);
	status = judge(k, event, group, so, again, err);
	if (event != NULL)
		rd_kafka_event_destroy(event);
	rd_kafka_queue_destroy(queue);
	return status;
}

int ks_kafka_alone(struct ks_kafka *k, const char *group, const char *so, struct ks_err *err)
{
	const struct timespec pause = { .tv_nsec = AGAIN_MS * 1000000 };
	int64_t deadline = ks_clock_ms() + ks_kafka_move_ms(k);
	bool again;
	int status;

	for (;;) {
		status = ask(k, group, so, &again, err);
		if (!again || ks_clock_ms() >= deadline || ks_signals_end() != 0)
			return status;
		nanosleep(&pause, NULL);
	}
}
