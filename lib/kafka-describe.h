/* SPDX-License-Identifier: MIT */
/*
 * kafka-describe.h - whether the brokers stamp the records of a topic
 * (message.timestamp.type), which HELLO tells.  The question goes out
 * beside others.  Where the right to ask is missing, or the answer is late,
 * nobody is held up: each record has its own type all the same.
 */
#ifndef KS_KAFKA_DESCRIBE_H
#define KS_KAFKA_DESCRIBE_H

#include "kafka-parts.h"

struct rd_kafka_queue_s;

/* Ask about the topics of x: where the answer will come, NULL if it will not. */
struct rd_kafka_queue_s *ks_kafka_describe(struct ks_kafka *client, const struct ks_kafka_parts *x);

/* Set append of each topic of x that is answered about, and destroy the queue. */
void	ks_kafka_described(struct rd_kafka_queue_s *queue, struct ks_kafka_parts *x);

#endif
