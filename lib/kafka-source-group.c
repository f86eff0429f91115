/* SPDX-License-Identifier: MIT */
/*
 * kafka-source-group.c - a source that is a member of a group: partitions come
 * and go between two sections.
 *
 * Without --app the group is told how far each section has come, and what it
 * has not heard is read again.  With it (kstream-exactly-once(7), GROUPS) the
 * sink commits, and partitions are not given back before the last epoch is
 * committed: whoever gets them then finds all of it in what Kafka keeps.
 */
#include <librdkafka/rdkafka.h>

#include "fdio.h"
#include "kafka-member.h"
#include "kafka-names.h"
#include "kafka-source-impl.h"

static bool is_app(const struct ks_kafka_source *s)
{
	return s->options->book != NULL;
}

/* What keeps a member out for good; whatever else goes wrong librdkafka tries again. */
static int joining_failed(struct ks_kafka_source *s, rd_kafka_resp_err_t e, struct ks_err *err)
{
	const char *group = s->options->group;

	switch (e) {
	case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
		return ks_fail(err, KS_DENIED, "no right to join group '%s': READ on the group is missing", group);
	case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
		return ks_fail(err, KS_DENIED, "no right to read the topics of group '%s': READ on a topic is missing", group);
	case RD_KAFKA_RESP_ERR_INCONSISTENT_GROUP_PROTOCOL:
	case RD_KAFKA_RESP_ERR_INVALID_SESSION_TIMEOUT:
	case RD_KAFKA_RESP_ERR_INVALID_GROUP_ID:
	case RD_KAFKA_RESP_ERR_GROUP_MAX_SIZE_REACHED:
		return ks_fail(err, KS_CONFIG, "cannot join group '%s': %s", group, rd_kafka_err2str(e));
	case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
		return ks_kafka_has_patterns(s->config) ? 0 :
		    ks_fail(err, KS_CONFIG, "a topic of group '%s' is not there any more", group);
	default:
		return 0;
	}
}

/* The last epoch is out: once it is committed its partitions may go. */
static int finish_giving(struct ks_kafka_source *s, struct ks_err *err)
{
	struct ks_section *x = &s->own.section;
	int status = s->group.lost ? ks_kafka_group_lost(s, err) : ks_kafka_section_learn(s, &x->committed, err);

	if (status != 0)
		return status;
	if (x->committed < x->epoch) {
		x->full = true;		/* asked again soon */
		return ks_clock_ms() < s->give_by ? 0 :
		    ks_fail(err, KS_TEMP, "epoch %lld is not committed after %lld s, and group '%s' waits for its partitions",
		    (long long)x->epoch, (long long)(s->give_ms / 1000), s->options->group);
	}
	x->full = false;
	s->give_by = 0;
	return s->group.news == KS_GROUP_TAKEN ? ks_group_give_back(&s->group, err) : 0;
}

/*
 * What a stage keeps of a partition it keeps by its number, of all topics: so
 * partitions of one number belong together.  The range assignor sees to it,
 * where all members read the same topics.
 */
static int check_numbers(const struct ks_kafka_source *s, struct ks_err *err)
{
	const struct ks_kafka_parts *x = &s->parts;
	const struct ks_kafka_read *a = x->topics, *b;
	size_t i;

	for (b = a + 1; b < a + x->topic_count; b++) {
		if (b->partitions != a->partitions)
			continue;
		for (i = 0; i < a->count || i < b->count; i++)
			if (i >= a->count || i >= b->count || x->parts[a->first + i].partition != x->parts[b->first + i].partition)
				return ks_fail(err, KS_CONFIG, "group '%s' gives partitions of '%s' and of '%s' that are not of the same numbers: all its "
				    "members must read the same topics, with partition.assignment.strategy=range", s->options->group, a->name, b->name);
	}
	return 0;
}

/* Who claims what was given, and whose the barriers are. */
static int note_member(struct ks_kafka_source *s, struct ks_err *err)
{
	struct ks_kafka_group *g = &s->group;
	int status;

	if (g->member.n == 0)
		return ks_fail(err, KS_TEMP, "group '%s' has given partitions, and let this member go at once", s->options->group);
	if (g->who != NULL)
		rd_kafka_consumer_group_metadata_destroy(g->who);
	status = ks_member_read(ks_buf_bytes(&g->member), s->options->group, &g->who, err);
	s->own.section.group = ks_buf_bytes(&g->member);
	return status == 0 ? ks_claim_again(&s->claim, g->who, err) : status;
}

/* Partitions were given: find out where they begin, and read them. */
static int take(struct ks_kafka_source *s, struct ks_err *err)
{
	int status;

	ks_kafka_drop_batch(s);	/* it comes again, to this member or another */
	status = is_app(s) ? note_member(s, err) : 0;
	if (status == 0)
		status = ks_kafka_section_reopen(s, s->group.given, NULL, err);
	if (status == 0 && is_app(s))
		status = check_numbers(s, err);
	if (status == 0)
		status = ks_group_take(&s->group, &s->parts, err);
	/* More members than partitions: this one is there for when another is not. */
	if (status != 0 || (is_app(s) && s->parts.count == 0))
		return status;
	return ks_kafka_section_begin(s, err);
}

/* The group's partitions come by polling; until then there is no message that is wanted. */
int ks_kafka_group_await(struct ks_kafka_source *s, struct ks_err *err)
{
	rd_kafka_message_t *m;
	int status = 0, n = 0;

	while ((s->group.news == KS_GROUP_QUIET || s->give_by > 0) && n++ < (int)KS_KAFKA_BATCH &&
	    (m = rd_kafka_consumer_poll(s->client.rk, 0)) != NULL) {
		status = joining_failed(s, m->err, err);
		rd_kafka_message_destroy(m);
		if (status != 0)
			return status;
	}
	status = ks_kafka_check(&s->client, err);
	if (status == 0 && s->give_by > 0)
		status = finish_giving(s, err);
	if (status != 0 || s->give_by > 0)
		return status;
	if (s->group.news == KS_GROUP_TAKEN)
		return ks_group_give_back(&s->group, err);
	return s->group.news == KS_GROUP_GIVEN ? take(s, err) : 0;
}

/* The group has shut this member out for another of its name: librdkafka says it in other words. */
int ks_kafka_group_failed(struct ks_kafka_source *s, int status, struct ks_err *err)
{
	char why[100];

	if (status == 0 || !is_app(s) || s->client.rk == NULL || rd_kafka_fatal_error(s->client.rk, why, sizeof(why)) != RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID)
		return status;
	return ks_fail(err, KS_TEMP, "another member of group '%s' has joined as '%s'", s->options->group, s->config->owner);
}

bool ks_kafka_group_is_lost(const struct ks_kafka_source *s)
{
	return is_app(s) && s->group.lost;
}

int ks_kafka_group_lost(struct ks_kafka_source *s, struct ks_err *err)
{
	return ks_fail(err, KS_TEMP, "group '%s' has given the partitions of this member to others: it was not heard of for too long",
	    s->options->group);
}

int ks_kafka_group_passed(struct ks_kafka_source *s, struct ks_err *err)
{
	enum ks_group_commit how = !s->own.section.done ? KS_COMMIT_SOON : s->own.again ? KS_COMMIT_MOVE : KS_COMMIT_LAST;
	int status;

	if (is_app(s)) {
		s->give_by = s->own.again ? ks_clock_ms() + s->give_ms : 0;
		return 0;
	}
	status = ks_group_commit(&s->group, &s->parts, how, err);
	return status == 0 && s->own.again ? ks_group_give_back(&s->group, err) : status;
}
