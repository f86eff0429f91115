/* SPDX-License-Identifier: MIT */
/*
 * kafka-group.h - membership of a consumer group (-G): who gets which
 * partitions, and what the group has been told.
 *
 * The rebalance callback only notes what has come.  Partitions are given
 * back, and taken, when the reader is ready: librdkafka waits for that, as
 * long as the queue is polled.  Only eager assignors are spoken.
 */
#ifndef KS_KAFKA_GROUP_H
#define KS_KAFKA_GROUP_H

#include "kafka-parts.h"

struct rd_kafka_queue_s;
struct rd_kafka_consumer_group_metadata_s;

enum ks_group_news {
	KS_GROUP_QUIET,
	KS_GROUP_GIVEN,		/* an assignment is in given: ks_group_take */
	KS_GROUP_TAKEN,		/* all partitions are wanted back: ks_group_give_back */
};

/* All zero bytes are no group. */
struct ks_kafka_group {
	struct ks_kafka *client;
	const char *name;
	struct rd_kafka_topic_partition_list_s *given;
	enum ks_group_news news;
	bool lost;		/* they are others' already: nothing can be committed */
	struct ks_buf member;	/* who it is while it has what was given (kafka-member.h); empty: nobody */
	struct rd_kafka_consumer_group_metadata_s *who;	/* the same, for commits; the reader's to set */
	bool leaving;
	struct rd_kafka_queue_s *answers;	/* to commits */
	bool waiting;		/* for one */
	bool retry;		/* the last commit has failed for now */
};

/* Before the client is made.  by_number: partitions of one number, of several topics, must come to one member. */
int	ks_group_conf(struct rd_kafka_conf_s *conf, bool by_number, struct ks_err *err) KS_MUST_USE;

/* Join, with the topics of config->topics.  Members and partitions come by polling the client. */
int	ks_group_join(struct ks_kafka_group *g, struct ks_kafka *client, const char *name,
	    const struct ks_config *config, struct ks_err *err) KS_MUST_USE;

/* Read these, each from its offset: what was given, once its offsets are known. */
int	ks_group_take(struct ks_kafka_group *g, const struct ks_kafka_parts *x, struct ks_err *err) KS_MUST_USE;
int	ks_group_give_back(struct ks_kafka_group *g, struct ks_err *err) KS_MUST_USE;

enum ks_group_commit {
	KS_COMMIT_SOON,		/* do not wait; what fails and may pass is tried again with the next */
	KS_COMMIT_MOVE,		/* the partitions go to others: wait, but if it fails they read some again */
	KS_COMMIT_LAST,		/* wait: KS_TEMP where the group cannot be told */
};

/* Tell the group where x stands; waits are bounded by the client's timeout. */
int	ks_group_commit(struct ks_kafka_group *g, struct ks_kafka_parts *x, enum ks_group_commit how,
	    struct ks_err *err) KS_MUST_USE;

/* Leave; no message may be held, and nothing is committed.  tell: the group, so that the others get the partitions at once. */
void	ks_group_leave(struct ks_kafka_group *g, bool tell);

#endif
