/* SPDX-License-Identifier: MIT */
/*
 * kafka-sink.h - records to topics of Kafka.
 *
 * Idempotent, acks=all, every delivery report checked: the first record
 * that is not acknowledged ends the run.  A barrier returns when all
 * records before it are acknowledged.  What was acknowledged stays,
 * whatever happens later: the guarantee is none.
 */
#ifndef KS_KAFKA_SINK_H
#define KS_KAFKA_SINK_H

#include "kafka.h"
#include "sink.h"

/*
 * ks_sink_kafka - write to topic, or to the route of each record
 * (options->by_route; topic may then be NULL).  Side records always go to
 * their own route.
 *
 *	options	borrowed for the life of the sink
 *	config	likewise: to, key_to and the limits count
 *
 * Contacts the broker where topic is given: statuses as ks_source_kafka.
 *
 * A record that is larger than its topic takes is KS_DATA before it is sent,
 * if the broker tells the limit: see ks_message_size.
 *
 * A record keeps its partition where its topic is known (HELLO) to have as
 * many as the target, or is not known and the target has that partition.
 * A changed key, another count, no partition: murmur2 of the serialised
 * key, a windowed key by its base key; no key: librdkafka's sticky choice.
 * A record of a changelog keeps its partition, or is KS_CONFIG.
 */
int	ks_sink_kafka(const struct ks_kafka_options *options, const struct ks_config *config,
	    const char *topic, struct ks_sink **sink, struct ks_err *err) KS_MUST_USE;

/*
 * ks_sink_kafka_verify - after the last END, where options->verify is set:
 * read again what was copied, on both sides, and compare (kafka-verify.h).
 */
int	ks_sink_kafka_verify(struct ks_sink *sink, void (*line)(void *arg, const char *text), void *arg,
	    bool *equal, struct ks_err *err) KS_MUST_USE;

#endif
