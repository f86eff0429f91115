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
	bool idle;		/* when it was placed there was nothing to read */
	bool ended;		/* all there was has been read, as far as is known: of --idle */
	int64_t next;		/* offset of the next record */
	int64_t skip;		/* records below it are not wanted: -o N beyond the end */
	int64_t since_ms;	/* nor those of an earlier time: -o s@T; INT64_MIN: all are */
	int64_t end;		/* pinned at start; INT64_MAX: none */
	int64_t committed;	/* what the group has been told, -1: nothing yet */
};

/* A topic that is read. */
struct ks_kafka_read {
	char *name;
	bool matched;		/* found by a regular expression: it may go, and others may come */
	bool append;		/* the broker stamps its records (LogAppendTime) */
	bool entered;		/* --app: it has committed where it stands in one of them */
	bool whole;		/* all its partitions are read, in their order */
	struct rd_kafka_topic_s *handle;
	int32_t partitions;	/* that it has */
	size_t first, count;	/* those that are read, in ks_kafka_parts.parts */
};

/* All zero bytes are no partitions. */
struct ks_kafka_parts {
	const struct ks_kafka_options *options;
	const struct ks_config *config;
	struct ks_kafka_read *topics;
	size_t topic_count;
	struct ks_kafka_part *parts;	/* topic by topic, in the order of -p */
	size_t count, left;		/* in all; not done */
	struct ks_kafka_part *last;	/* found last: messages come in runs */
};

/*
 * ks_kafka_parts_open - find the topics, choose the partitions and resolve
 * -o and the ends on the client's isolation level.
 *
 *	given	the partitions that a group has assigned; NULL: those of -p
 *	before	what was read until now, in the same run: a partition that stands
 *		there goes on, and one that does not is new and read from its
 *		beginning; NULL: this is the start
 */
int	ks_kafka_parts_open(struct ks_kafka_parts *x, struct ks_kafka *client,
	    const struct ks_kafka_options *options, const struct ks_config *config,
	    const struct rd_kafka_topic_partition_list_s *given, const struct ks_kafka_parts *before,
	    struct ks_err *err) KS_MUST_USE;
/* Its two halves; after the first, what is read is known, and not from where. */
int	ks_kafka_parts_choose(struct ks_kafka_parts *x, struct ks_kafka *client,
	    const struct ks_kafka_options *options, const struct ks_config *config,
	    const struct rd_kafka_topic_partition_list_s *given, bool starting, struct ks_err *err) KS_MUST_USE;
int	ks_kafka_parts_settle(struct ks_kafka_parts *x, struct ks_kafka *client, const struct ks_kafka_parts *before,
	    struct ks_err *err) KS_MUST_USE;
void	ks_kafka_parts_close(struct ks_kafka_parts *x);

/*
 * ks_kafka_parts_look - whether the brokers have other topics or partitions
 * now than x has.  A topic that is gone is KS_CONFIG, unless a regular
 * expression found it: then gone says so, and is empty otherwise.  A broker
 * that does not answer has changed nothing.
 */
int	ks_kafka_parts_look(const struct ks_kafka_parts *x, struct ks_kafka *client, int wait_ms,
	    bool *changed, char gone[300], struct ks_err *err) KS_MUST_USE;

/* Where each partition from the first-th on begins and ends, as the options say (kafka-offset.c). */
int	ks_kafka_parts_place(struct ks_kafka_parts *x, struct ks_kafka *client, struct ks_err *err) KS_MUST_USE;

/*
 * ks_kafka_committed - what a group has committed, into the offsets of list;
 * RD_KAFKA_OFFSET_INVALID where it has not.  The client's group.id is group.
 */
int	ks_kafka_committed(struct ks_kafka *client, struct rd_kafka_topic_partition_list_s *list,
	    const char *group, struct ks_err *err) KS_MUST_USE;

/* Which of those that are not done. */
enum ks_kafka_which { KS_PARTS_ALL, KS_PARTS_BUSY, KS_PARTS_IDLE };

/* Each at its next offset; the caller destroys it. */
struct rd_kafka_topic_partition_list_s *ks_kafka_parts_list(const struct ks_kafka_parts *x, enum ks_kafka_which which);

/* The partition a message or an event is about; NULL: none that is read. */
struct ks_kafka_part *ks_kafka_parts_find(struct ks_kafka_parts *x,
	    const struct rd_kafka_message_s *m);

/* Nothing more of p is wanted. */
void	ks_kafka_parts_finish(struct ks_kafka_parts *x, struct ks_kafka_part *p);

/* The msgpack array of [topic, partition, next offset] of a BARRIER, replacing b: 0, ENOMEM, EMSGSIZE. */
int	ks_kafka_parts_positions(const struct ks_kafka_parts *x, struct ks_buf *b) KS_MUST_USE;

/* Something to tell while it goes on, unless -q. */
void	ks_kafka_warn(const struct ks_config *config, const char *fmt, ...) KS_PRINTF(2, 3);

#endif
