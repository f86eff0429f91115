/* SPDX-License-Identifier: MIT */
/*
 * kafka-reset.h - the part of a reset that is in Kafka: where the app stands,
 * and how far it is to be set back (reset.h).
 *
 * Functions that return int return 0 or a ks_status with err filled.
 */
#ifndef KS_KAFKA_RESET_H
#define KS_KAFKA_RESET_H

#include "kafka.h"
#include "reset.h"

struct ks_kafka_reset {
	const struct ks_kafka_options *options;
	struct ks_reset *plan;
	struct ks_kafka reader;		/* asks */
};

/*
 * ks_kafka_reset_find - what the group of the app has committed, into the parts
 * of plan, of all topics that there are.  KS_CONFIG: it is
 * another program's group.  Close it in any case.
 */
int	ks_kafka_reset_find(struct ks_kafka_reset *k, const struct ks_kafka_options *options, struct ks_reset *plan,
	    struct ks_err *err) KS_MUST_USE;
void	ks_kafka_reset_close(struct ks_kafka_reset *k);

/* Where each partition is to stand, from plan->to; KS_USAGE where an offset that is named is none, or lacks. */
int	ks_kafka_reset_place(struct ks_kafka_reset *k, struct ks_err *err) KS_MUST_USE;

/* Whether the group has members, or a partition moves that nobody here has let go of: into plan->live. */
int	ks_kafka_reset_live(struct ks_kafka_reset *k, bool wait, struct ks_err *err) KS_MUST_USE;

/* Steps 2 and 5. */
int	ks_kafka_reset_mark(struct ks_kafka_reset *k, struct ks_err *err) KS_MUST_USE;
int	ks_kafka_reset_finish(struct ks_kafka_reset *k, struct ks_err *err) KS_MUST_USE;

/* The app plan->fork begins where the plan says; KS_CONFIG: there is one of that name. */
int	ks_kafka_reset_fork(struct ks_kafka_reset *k, bool apply, struct ks_err *err) KS_MUST_USE;

/* A topic of Kafka's own, such as __consumer_offsets: its metadata, as librdkafka gives them, do not say so. */
static inline bool ks_kafka_internal(const char *topic)
{
	return strncmp(topic, "__", 2) == 0;
}

/* --- kafka-empty.c --- */

/*
 * What is known of the topics of plan.  KS_CONFIG: a changelog is not the app's,
 * or there is no such topic, or it is read by the app, or is one that Kafka keeps
 * for itself.
 */
int	ks_kafka_empty_look(struct ks_kafka_reset *k, struct ks_err *err) KS_MUST_USE;

/*
 * ks_kafka_empty_try - whether the broker would delete what step 4 is to
 * delete, asked with nothing deleted; before step 1.  KS_DENIED, KS_CONFIG: it
 * would not.
 */
int	ks_kafka_empty_try(struct ks_kafka_reset *k, struct ks_err *err) KS_MUST_USE;

/* Step 4. */
int	ks_kafka_empty(struct ks_kafka_reset *k, struct ks_err *err) KS_MUST_USE;

#endif
