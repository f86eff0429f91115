/* SPDX-License-Identifier: MIT */
/* kafka-target.h - the topics that a sink writes, found when they are first needed. */
#ifndef KS_KAFKA_TARGET_H
#define KS_KAFKA_TARGET_H

#include "frame.h"
#include "kafka.h"
#include "kafka-streams.h"

struct ks_kafka_target {
	char *name;
	struct rd_kafka_topic_s *handle;
	int32_t partitions;
	int64_t max;		/* bytes of a batch that the topic takes, 0: not known */
	bool small;		/* librdkafka may make a batch that is larger */
	uint64_t since;		/* drain that unsent counts from */
	bool log;		/* a changelog: side records of those alone */
	int64_t unsent;		/* bytes handed over since then, where small */
};

/* All zero bytes are no targets. */
struct ks_kafka_targets {
	struct ks_kafka *client;
	const struct ks_kafka_options *options;
	struct ks_kafka_target *list;
	size_t count, last;	/* last: of the record before */
	bool has_main;		/* the first is -t; false: --route alone */
	int64_t batch;		/* bytes of the largest batch of several records that librdkafka makes */
};

/*
 * ks_kafka_targets_add - ask Kafka for a topic, its partitions and its
 * limit, and make it where --create-topics says so.
 *
 *	starting	the first contact
 */
int	ks_kafka_targets_add(struct ks_kafka_targets *x, struct ks_bytes name, bool starting,
	    struct ks_err *err) KS_MUST_USE;
void	ks_kafka_targets_close(struct ks_kafka_targets *x);

/*
 * The topic of a record: -t, or its route.  KS_DATA where it has none.  That of
 * a changelog is made where it is not there, with as many partitions as its
 * first record says; KS_CONFIG where it has others, or forgets by age.
 */
int	ks_kafka_targets_choose(struct ks_kafka_targets *x, const struct ks_rec *rec,
	    struct ks_kafka_target **target, struct ks_err *err) KS_MUST_USE;

/*
 * ks_kafka_targets_partition - the partition of a record.
 *
 *	from	its stream, NULL where that is not known
 *	hashed	the bytes that place it
 *	partition	out; -1: librdkafka's choice, as there is no key
 *
 * KS_CONFIG for a record of a changelog, which must keep its partition, and
 * cannot.
 */
int	ks_kafka_targets_partition(const struct ks_kafka_targets *x, const struct ks_kafka_target *t,
	    const struct ks_kafka_stream *from, const struct ks_rec *rec, struct ks_bytes hashed,
	    int32_t *partition, struct ks_err *err) KS_MUST_USE;

#endif
