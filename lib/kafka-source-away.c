/* SPDX-License-Identifier: MIT */
/* kafka-source-away.c - a reader that gets nothing: is there nothing, or nobody? */
#include <librdkafka/rdkafka.h>

#include "fdio.h"
#include "kafka-source-impl.h"

#define QUIET_MS 5000		/* nothing has come for so long, or for half of --timeout: ask whether the broker is there */
#define PROBE_MS 1000		/* how long such a question may take, behind a fetch that the broker holds for half of it */
#define AGAIN_MS 250		/* between two questions without an answer */

int ks_kafka_probe_ms(const struct ks_kafka_source *s)
{
	return PROBE_MS + (s->fetch_wait_ms > PROBE_MS / 2 ? (int)s->fetch_wait_ms - PROBE_MS / 2 : 0);
}

int ks_kafka_ask_leaders(struct ks_kafka_source *s, int wait_ms)
{
	rd_kafka_topic_partition_list_t *list = ks_kafka_parts_list(&s->parts, KS_PARTS_ALL);
	const struct rd_kafka_metadata *md;
	int e;

	if (list->cnt > 0) {
		e = ks_kafka_ask_ends(&s->client, list, true, wait_ms);
	} else {	/* a group has given nothing yet, or no topic matches */
		e = rd_kafka_metadata(s->client.rk, 0, NULL, &md, wait_ms);
		if (e == RD_KAFKA_RESP_ERR_NO_ERROR)
			rd_kafka_metadata_destroy(md);
	}
	rd_kafka_topic_partition_list_destroy(list);
	return e;
}

/* A partition that is not known: whose topic is gone? */
static int look_for_topics(struct ks_kafka_source *s, int e, struct ks_err *err)
{
	const struct ks_kafka_read *t;
	rd_kafka_topic_t *handle;
	int32_t partitions;
	int status = 0;

	if (ks_kafka_status(e, false) != KS_CONFIG)
		return 0;
	for (t = s->parts.topics; t < s->parts.topics + s->parts.topic_count && status == 0; t++) {
		status = ks_kafka_topic(&s->client, t->name, false, &handle, &partitions, err);
		if (status == 0)
			ks_kafka_topic_drop(handle);
		else if (t->matched) {
			status = 0;
			s->look_due = 0;
		}
	}
	return status == KS_CONFIG || status == KS_DENIED ? status : 0;
}

/*
 * Nothing has come for a while: perhaps there is nothing, perhaps the
 * broker is gone, is stopped, or has lost the topic.  Only a question that
 * stays unanswered tells.
 */
int ks_kafka_check_away(struct ks_kafka_source *s, struct ks_err *err)
{
	int status = ks_kafka_check(&s->client, err), e;
	int64_t now = ks_clock_ms(), half = s->client.timeout_ms / 2, quiet = half < QUIET_MS ? half : QUIET_MS;

	if (status != 0)
		return status;
	if ((s->client.down_since == 0 && now - s->heard < quiet) || now - s->probed < AGAIN_MS)
		return 0;
	e = ks_kafka_ask_leaders(s, ks_kafka_probe_ms(s));
	s->probed = ks_clock_ms();
	if (e == RD_KAFKA_RESP_ERR_NO_ERROR) {
		s->heard = s->probed;
		s->client.down_since = 0;
		return 0;
	}
	status = look_for_topics(s, e, err);
	if (status != 0)
		return status;
	/* In the quiet before the first question, and while a fetch was held, it may well have been there. */
	if (s->probed - s->heard < s->client.timeout_ms + (quiet < PROBE_MS ? quiet : PROBE_MS) + ks_kafka_probe_ms(s) - PROBE_MS)
		return 0;
	s->away = true;
	return ks_kafka_fail(&s->client, e, false, err, "%s has been away for %lld s", s->client.brokers,
	    (long long)(s->client.timeout_ms / 1000));
}

int ks_kafka_out_of_range(struct ks_kafka_source *s, const struct ks_kafka_part *p, struct ks_err *err)
{
	int64_t low, high;

	if (rd_kafka_query_watermark_offsets(s->client.rk, p->topic->name, p->partition, &low, &high, PROBE_MS) !=
	    RD_KAFKA_RESP_ERR_NO_ERROR)
		return ks_fail(err, KS_TEMP, "%s/%d@%lld: no such offset: the records from here on were deleted before they were read",
		    p->topic->name, (int)p->partition, (long long)p->next);
	if (p->next > high)
		return ks_fail(err, KS_CONFIG, "%s/%d@%lld: no such offset: the partition has %lld to %lld; was the topic made anew?",
		    p->topic->name, (int)p->partition, (long long)p->next, (long long)low, (long long)high - 1);
	return ks_fail(err, KS_TEMP, "%s/%d@%lld: no such offset: the records before %lld were deleted before they were read; the partition has %lld to %lld",
	    p->topic->name, (int)p->partition, (long long)p->next, (long long)low, (long long)low, (long long)high - 1);
}
