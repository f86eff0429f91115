/* SPDX-License-Identifier: MIT */
/*
 * kafka-source.h - topics of Kafka as a stream of frames.
 *
 * Partitions are assigned by hand, at offsets that are resolved at start, and
 * nothing is committed anywhere; or with -G by a group, which is told at each
 * barrier, and at the end, how far what was read has left this process.  A record whose value or key does not
 * parse goes to --on-error with its coordinates.
 */
#ifndef KS_KAFKA_SOURCE_H
#define KS_KAFKA_SOURCE_H

#include "kafka.h"
#include "source.h"

/*
 * ks_source_kafka - read config->topics.
 *
 *	options	borrowed for the life of the source
 *	config	likewise; from is KS_JSON or KS_RAW, whether given or not
 *
 * Contacts the broker: KS_UNAVAILABLE where none answers, KS_CONFIG for a
 * topic or partition that is not there, KS_DENIED.  Later failures come
 * from next(): KS_TEMP where the broker stays away for options->timeout_ms.
 */
int	ks_source_kafka(const struct ks_kafka_options *options, const struct ks_config *config, int wake,
	    struct ks_source **source, struct ks_err *err) KS_MUST_USE;

#endif
