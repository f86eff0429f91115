/* SPDX-License-Identifier: MIT */
/*
 * kafka-parts.h - which partitions of which topics are read, and from where
 * to where.  Starts and ends are resolved once, before anything is read.
 */
#ifndef KS_KAFKA_PARTS_H
#define KS_KAFKA_PARTS_H

#include "config.h"
#include "kafka.h"

struct rd_kafka_message_s;

struct ks_kafka_part {
	struct ks_kafka_read *topic;
	int32_t partition;
	bool done;		/* its end has been reached */
	int64_t next;		/* offset of the next record */
	int64_t skip;		/* records below it are not wanted: -o N beyond the end */
	int64_t end;		/* pinned at start; INT64_MAX: none */
};

/* A topic that is read. */
struct ks_kafka_read {
	const char *name;
	struct rd_kafka_topic_s *handle;
	int32_t partitions;	/* that it has */
	size_t first, count;	/* those that are read, in ks_kafka_parts.parts */
};

/* All zero bytes are no partitions. */
struct ks_kafka_parts {
	const struct ks_kafka_options *options;
	struct ks_kafka_read *topics;
	size_t topic_count;
	struct ks_kafka_part *parts;	/* topic by topic, in the order of -p */
	size_t count, left;		/* in all; not done */
	struct ks_kafka_part *last;	/* found last: messages come in runs */
};

/*
 * ks_kafka_parts_open - find the topics, choose the partitions (-p) and
 * resolve -o and the ends on the client's isolation level.
 */
int	ks_kafka_parts_open(struct ks_kafka_parts *x, struct ks_kafka *client,
	    const struct ks_kafka_options *options, const struct ks_config *config, struct ks_err *err)
	    KS_MUST_USE;
void	ks_kafka_parts_close(struct ks_kafka_parts *x);

/* Those that are not done, each at its next offset; the caller destroys it. */
struct rd_kafka_topic_partition_list_s *ks_kafka_parts_list(const struct ks_kafka_parts *x);

/* The partition a message or an event is about; NULL: none that is read. */
struct ks_kafka_part *ks_kafka_parts_find(struct ks_kafka_parts *x,
	    const struct rd_kafka_message_s *m);

/* Nothing more of p is wanted. */
void	ks_kafka_parts_finish(struct ks_kafka_parts *x, struct ks_kafka_part *p);

/* The msgpack array of [topic, partition, next offset] of a BARRIER, replacing b: 0, ENOMEM, EMSGSIZE. */
int	ks_kafka_parts_positions(const struct ks_kafka_parts *x, struct ks_buf *b) KS_MUST_USE;

#endif
