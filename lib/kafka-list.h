/* SPDX-License-Identifier: MIT */
/*
 * kafka-list.h - what is asked of Kafka instead of reading or writing it:
 * kcat's -L and -Q, offsets and a group's lag, librdkafka's properties.
 * All of it goes to a stdio stream, whose errors are the caller's to see.
 */
#ifndef KS_KAFKA_LIST_H
#define KS_KAFKA_LIST_H

#include <stdio.h>

#include "config.h"
#include "kafka.h"

/*
 * ks_kafka_list - brokers, topics and partitions as kcat 1.7.1 -L prints
 * them; of the topic, or of all where it is NULL.
 *
 *	json	as kcat -L -J, which ends without a newline
 *
 * A topic that is not there is part of the answer, not a failure.
 */
int	ks_kafka_list(const struct ks_kafka_options *options, const char *topic, bool json, FILE *out,
	    struct ks_err *err) KS_MUST_USE;

/*
 * ks_kafka_list_times - the first offset at or behind a time, as kcat -Q.
 *
 *	asked	TOPIC:PARTITION:TIME, the time in ms since 1970; -1: the end,
 *		-2: the beginning
 */
int	ks_kafka_list_times(const struct ks_kafka_options *options, const char *const *asked,
	    size_t count, bool json, FILE *out, struct ks_err *err) KS_MUST_USE;

/*
 * ks_kafka_list_offsets - first offset, last stable offset and end of each
 * partition of the topics, in a table or a JSON object a line; with a group
 * what it has committed and how far that is behind the end.
 */
int	ks_kafka_list_offsets(const struct ks_kafka_options *options, const struct ks_config *config,
	    const char *group, bool json, FILE *out, struct ks_err *err) KS_MUST_USE;

/* kcat -X list, and -X dump: the configuration as the options make it, secrets left out. */
void	ks_kafka_list_properties(FILE *out);
int	ks_kafka_list_configuration(const struct ks_kafka_options *options, FILE *out, struct ks_err *err)
	    KS_MUST_USE;

#endif
