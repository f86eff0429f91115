/* SPDX-License-Identifier: MIT */
/*
 * kafka-book.h - where an app stands, as Kafka keeps it: the offsets that the
 * group of the app's name has committed, each with a word on the epoch and
 * the run that it is of.  The ledger of a pipeline between topics.
 *
 * The word is the metadata of the offset: "ks1;e=12;r=3;i=0/2" is epoch 12,
 * run 3, by instance 0 of 2.  All partitions of an instance agree on it.
 */
#ifndef KS_KAFKA_BOOK_H
#define KS_KAFKA_BOOK_H

#include "config.h"
#include "kafka.h"

struct ks_stand {
	int64_t epoch, run;
	uint32_t instance, instances;
};

#define KS_STAND_ROOM 96
void	ks_stand_print(const struct ks_stand *x, char room[KS_STAND_ROOM]);
bool	ks_stand_parse(struct ks_bytes text, struct ks_stand *x) KS_MUST_USE;

/*
 * ks_book_read - what the group of the app has committed of the partitions of
 * list, into their offsets; RD_KAFKA_OFFSET_INVALID where it has not.  What an
 * open transaction may still change is waited for.
 *
 *	own	which instance asks
 *	stand	out: what the committed ones agree on; epoch 0, run 0 where there
 *		are none
 *
 * KS_CONFIG where somebody else has committed, or another layout of instances
 * has, or they do not agree: the offsets are not those of one epoch.
 */
int	ks_book_read(const struct ks_kafka_options *options, const char *app, struct rd_kafka_topic_partition_list_s *list,
	    const struct ks_stand *own, struct ks_stand *stand, struct ks_err *err) KS_MUST_USE;

/* Give each offset of list the word of stand: 0, or no memory. */
int	ks_book_mark(struct rd_kafka_topic_partition_list_s *list, const struct ks_stand *stand, struct ks_err *err) KS_MUST_USE;

/* A client for ks_book_learn. */
int	ks_book_watch(struct ks_kafka *k, const struct ks_kafka_options *options, const char *app, struct ks_err *err) KS_MUST_USE;

/*
 * ks_book_learn - the epoch and run that a partition of list was committed
 * with last, as far as is known by now; false: nobody has said.
 */
bool	ks_book_learn(struct ks_kafka *k, struct rd_kafka_topic_partition_list_s *list, int wait_ms, struct ks_stand *stand);

#endif
