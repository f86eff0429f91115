/* SPDX-License-Identifier: MIT */
/*
 * kafka-claim.h - the source's side of exactly-once: it fences whoever wrote
 * for the app before, reads where the app stands, and claims the next run,
 * all before HELLO (protocol 3.2); later it learns what has been committed.
 *
 * A partition whose word names another owner was read by another layout of
 * instances, or by another member of the group.  It is taken in a transaction
 * of that owner's id: this fences the owner, should it live yet, and of two
 * who take from it at once one is fenced by the other.  What has no word is
 * taken by an id of its own in the same way.  In a group partitions that were
 * let go of need not be taken: who is not of the group's present generation
 * cannot claim them.
 * Who is of none does not look at that, and so takes nothing while the group has
 * members.
 *
 * Call order: fence, then find out what is read, gather, then find out from
 * where, then take; learn from then on.  A claim is closed after a failure,
 * too; zeroed is none.
 */
#ifndef KS_KAFKA_CLAIM_H
#define KS_KAFKA_CLAIM_H

#include "hello.h"
#include "kafka-book.h"
#include "kafka-parts.h"

struct rd_kafka_consumer_group_metadata_s;

struct ks_kafka_claim {
	const struct ks_kafka_options *options;
	const struct ks_config *config;
	const struct rd_kafka_consumer_group_metadata_s *member;	/* of the group, as whom it claims; NULL: of none */
	int dir;			/* of the instance, for taken.h; with member where the number of its run is kept */
	struct ks_kafka writer;		/* fenced the others; until the claim */
	struct ks_kafka reader;		/* reads what is committed; until the claim */
	struct ks_kafka side;		/* learns */
	struct rd_kafka_topic_partition_list_s *one;	/* a partition, that side asks about */
	struct ks_word *words;		/* of the partitions that were claimed, as they were before */
	struct ks_stand stand;		/* of this run, as far as committed */
};

/*
 * ks_claim_options - what --app makes of what is said about reading; without
 * --app nothing.  grouped: a group is named, too.  KS_USAGE.
 */
int	ks_claim_options(struct ks_kafka_options *k, const struct ks_config *config, bool grouped, struct ks_err *err) KS_MUST_USE;

/* dir: of the instance; it stays open. */
int	ks_claim_fence(struct ks_kafka_claim *c, const struct ks_kafka_options *options, const struct ks_config *config, int dir,
	    struct ks_err *err) KS_MUST_USE;

/* ks_claim_again - likewise before each section of a member of a group.  member: as whom it was given its partitions; borrowed until the next. */
int	ks_claim_again(struct ks_kafka_claim *c, const struct rd_kafka_consumer_group_metadata_s *member, struct ks_err *err) KS_MUST_USE;

/*
 * Take the partitions of x, which need no places yet, from the owners that they
 * have; afterwards no transaction of these holds up a reader.  KS_CONFIG: another
 * layout takes them again and again (taken.h), or the group has members and this
 * is none (kafka-alone.h).
 */
int	ks_claim_gather(struct ks_kafka_claim *c, const struct ks_kafka_parts *x, struct ks_err *err) KS_MUST_USE;

/*
 * ks_claim_take - x begins where the app stands: enter the next run there.
 * c->stand is what was claimed.  KS_CONFIG as ks_book_read, ks_book_stand and
 * ks_claim_gather, where the instance has no partition, and where a run of another
 * directory has the name of this member and takes turns with it; KS_TEMP where another run, or another
 * instance, has come between.
 */
int	ks_claim_take(struct ks_kafka_claim *c, const struct ks_kafka_parts *x, struct ks_err *err) KS_MUST_USE;

/* A member that has got no partition makes a stream of nothing: of a run later than all it has had, from epoch 0 on. */
int	ks_claim_nothing(struct ks_kafka_claim *c, struct ks_err *err) KS_MUST_USE;

/* What HELLO says of the last commit of the at-th partition that was taken: epoch, run, owner, restore.  Borrows from c. */
void	ks_claim_position(const struct ks_kafka_claim *c, size_t at, struct ks_hello_position *p);

/* The last epoch known committed, into c->stand; KS_TEMP where another run has taken over.  Waits for wait_ms at most. */
int	ks_claim_learn(struct ks_kafka_claim *c, int wait_ms, struct ks_err *err) KS_MUST_USE;

void	ks_claim_close(struct ks_kafka_claim *c);

#endif
