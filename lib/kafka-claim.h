/* SPDX-License-Identifier: MIT */
/*
 * kafka-claim.h - the source's side of exactly-once: it fences whoever wrote
 * for the app before, reads where the app stands, and claims the next run,
 * all before HELLO (protocol 3.2); later it learns what has been committed.
 *
 * Call order: fence, then find out what is read and from where, then claim;
 * learn from then on.  A claim is closed after a failure, too; zeroed is none.
 */
#ifndef KS_KAFKA_CLAIM_H
#define KS_KAFKA_CLAIM_H

#include "kafka-book.h"
#include "kafka-parts.h"

struct ks_kafka_claim {
	const struct ks_kafka_options *options;
	const struct ks_config *config;
	struct ks_kafka writer;		/* fenced the others; until the claim */
	struct ks_kafka side;		/* learns */
	struct rd_kafka_topic_partition_list_s *one;	/* a partition, that side asks about */
	struct ks_stand stand;		/* of this run, as far as committed */
};

/*
 * ks_claim_options - what --app makes of what is said about reading; without
 * --app nothing.  grouped: a group is named, too.  KS_USAGE.
 */
int	ks_claim_options(struct ks_kafka_options *k, const struct ks_config *config, bool grouped, struct ks_err *err) KS_MUST_USE;

int	ks_claim_fence(struct ks_kafka_claim *c, const struct ks_kafka_options *options, const struct ks_config *config,
	    struct ks_err *err) KS_MUST_USE;

/*
 * ks_claim_take - x begins where the app stands: enter the next run there.
 * c->stand is what was claimed.  KS_CONFIG as ks_book_read, and where the
 * instance has no partition.
 */
int	ks_claim_take(struct ks_kafka_claim *c, const struct ks_kafka_parts *x, struct ks_err *err) KS_MUST_USE;

/* The last epoch known committed, into c->stand; KS_TEMP where another run has taken over.  Waits for wait_ms at most. */
int	ks_claim_learn(struct ks_kafka_claim *c, int wait_ms, struct ks_err *err) KS_MUST_USE;

void	ks_claim_close(struct ks_kafka_claim *c);

#endif
