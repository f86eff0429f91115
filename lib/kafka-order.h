/* SPDX-License-Identifier: MIT */
/*
 * kafka-order.h - messages of several partitions by event time: between the
 * queues of librdkafka and who makes records of messages.
 *
 * Each partition has a queue of its own, in which librdkafka keeps what it
 * has fetched, and stops when that is full; from a queue that is not the
 * turn's nothing is taken.  So what is held is bounded, whatever the topics
 * are like, nothing is paused, and the order is never given up: a queue
 * that is empty is fetched for while the others are full.
 *
 * What was handed out is all that a position covers; what is held here or
 * there is read again by the next run.
 */
#ifndef KS_KAFKA_ORDER_H
#define KS_KAFKA_ORDER_H

#include "kafka-message.h"
#include "kafka-parts.h"
#include "order.h"

struct rd_kafka_queue_s;

/*
 * Bytes that librdkafka may hold in all queues together, in KiB.  Beside them
 * an answer pins its neighbours, and whole batches come: 2 M records of 8
 * partitions, in batches of 256 KiB, are read in 21 MB, in 25 with 4 MiB here,
 * and no slower (within the noise of 6 runs each).
 */
#define KS_KAFKA_ORDER_KB 2048
#define KS_KAFKA_ORDER_MESSAGES 100000	/* queued.min.messages: librdkafka's own default */
#define KS_KAFKA_ORDER_PARTS 16	/* up to so many partitions share it as so many would */

/* queued.max.messages.kbytes, which counts for a partition here. */
size_t	ks_kafka_order_kb(size_t partitions);

/* Whether config asks for it. */
bool	ks_kafka_is_ordered(const struct ks_config *config);

struct ks_kafka_order {
	struct ks_kafka_parts *parts;
	struct ks_order order;
	struct rd_kafka_queue_s **queues;	/* of each part */
	size_t *peaks;			/* the longest each was since it ran low */
	size_t full;			/* messages that fill a queue, as far as is known */
	uint64_t bytes, records;	/* taken, for that */
	size_t turn;			/* group that is looked at first */
	bool low;			/* one that was full has run low: librdkafka may be asleep (broker 6) */
	int64_t until;			/* ks_clock_ms when the next may go although nothing comes */
	struct ks_message_reader reader;	/* --time */
	struct ks_config config;
	struct ks_buf frame;
};

/*
 * ks_kafka_order_open - before the partitions are assigned, or what comes
 * at once would go another way.
 *
 *	event	eventfd that librdkafka makes readable when a queue fills
 */
int	ks_kafka_order_open(struct ks_kafka_order *x, struct ks_kafka *client,
	    struct ks_kafka_parts *parts, const struct ks_config *config, int64_t max_idle_ms, int event,
	    struct ks_err *err) KS_MUST_USE;

/* Before the client is closed.  All zero bytes is a closed one. */
void	ks_kafka_order_close(struct ks_kafka_order *x);

/*
 * ks_kafka_order_fetch - messages, and events of partitions, in the order
 * in which they go; at most n, without waiting.  They are the caller's, who
 * has dealt with those of the call before.
 */
size_t	ks_kafka_order_fetch(struct ks_kafka_order *x, struct rd_kafka_message_s **batch, size_t n);

/* How long to wait when none came: timeout_ms, or less. */
int	ks_kafka_order_wait(const struct ks_kafka_order *x, int timeout_ms);

#endif
