/* SPDX-License-Identifier: MIT */
/*
 * kafka-verify.h - --verify: was a copy exact?
 *
 * While the copy runs, the sink tells which offsets of the source it covers
 * (HELLO and barriers) and which offsets the target has given (delivery
 * reports).  Then exactly these are read again from both sides, by clients
 * of their own, and compared by a hash over key, value, headers and time.
 * What others write to the target meanwhile is passed over.
 */
#ifndef KS_KAFKA_VERIFY_H
#define KS_KAFKA_VERIFY_H

#include "frame.h"
#include "kafka.h"
#include "kafka-streams.h"

struct ks_kafka_verify;

/* NULL: no memory.  options are borrowed. */
struct ks_kafka_verify *ks_kafka_verify_new(const struct ks_kafka_options *options);
void	ks_kafka_verify_free(struct ks_kafka_verify *v);

/*
 * ks_kafka_verify_hello - a section begins.  KS_CONFIG where what comes is
 * not from topics of the cluster of client, the sink's.  target: -t, or NULL.
 */
int	ks_kafka_verify_hello(struct ks_kafka_verify *v, struct ks_kafka *client, struct ks_bytes hello,
	    const struct ks_kafka_streams *streams, const char *target, unsigned depth, struct ks_err *err)
	    KS_MUST_USE;

/* All before positions (a msgpack array) has been acknowledged. */
int	ks_kafka_verify_barrier(struct ks_kafka_verify *v, struct ks_bytes positions, struct ks_err *err)
	    KS_MUST_USE;

/* A record is in the target; place is what came with it (kafka-streams.h). */
void	ks_kafka_verify_delivered(struct ks_kafka_verify *v, const char *topic, int32_t partition,
	    int64_t offset, const void *place);

/*
 * ks_kafka_verify_run - read both sides and compare.
 *
 *	line	takes the report, line by line
 *	equal	out: the answer
 *
 * Where each partition of the source went to one partition of a target, and
 * to that alone, these are compared pair by pair, in order.  Else the sums
 * over all partitions are, which know of no order.
 */
int	ks_kafka_verify_run(struct ks_kafka_verify *v, void (*line)(void *arg, const char *text), void *arg,
	    bool *equal, struct ks_err *err) KS_MUST_USE;

#endif
