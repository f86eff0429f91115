/* SPDX-License-Identifier: MIT */
/* kafka-admin.h - what a sink asks about a topic before it writes, and the making of one. */
#ifndef KS_KAFKA_ADMIN_H
#define KS_KAFKA_ADMIN_H

#include "kafka.h"

/*
 * ks_kafka_topic_max - the topic's max.message.bytes: the largest batch, as
 * it lies in the log, that its broker takes.
 *
 * Returns 0 where it is not known: the right DESCRIBE_CONFIGS is missing, or
 * no answer came within 5 s.
 */
int64_t	ks_kafka_topic_max(struct ks_kafka *k, const char *name);

/* Whether the topic's cleanup.policy is known to have "compact" in it. */
bool	ks_kafka_topic_compacted(struct ks_kafka *k, const char *name);

/* That a changelog must have: nothing of it may go by age.  Where Kafka does not tell, it may be so. */
#define KS_CLEANUP_LOG "compact"
bool	ks_kafka_topic_keeps(struct ks_kafka *k, const char *name);

/*
 * ks_kafka_topic_create - make a topic, with the replication that is the
 * broker's default, and wait until each partition has a leader.
 *
 *	cleanup	its cleanup.policy, NULL: the broker's default
 *	made	out: whether it was this call; a topic that is there is left alone
 *
 * KS_DENIED names the right, KS_CONFIG what the broker does not like.
 */
int	ks_kafka_topic_create(struct ks_kafka *k, const char *name, int32_t partitions, const char *cleanup, bool *made,
	    struct ks_err *err) KS_MUST_USE;

#endif
