/* SPDX-License-Identifier: MIT */
/*
 * kafka-txn.h - transactions of a producer.
 *
 * A failure ends the process, which never aborts and goes on: only the next
 * run's ks_txn_init knows what became of a transaction (protocol 2.4).  Every
 * wait has an end; librdkafka's own, without one, was seen to last for minutes
 * (broker 7).  Functions return 0 or a ks_status with err filled: KS_TEMP
 * where another run of the app has taken over.
 */
#ifndef KS_KAFKA_TXN_H
#define KS_KAFKA_TXN_H

#include "kafka.h"

/* transaction.timeout.ms: the broker aborts what has been open for so long. */
#define KS_TXN_MS 60000

/* The transactional id of an instance: "APP.I", into room. */
#define KS_TXN_ID (KS_NAME_MAX + 16)
void	ks_txn_id(const char *app, uint32_t instance, char room[KS_TXN_ID]);

/* Whoever had the client's transactional id before is fenced; what it left open is resolved. */
int	ks_txn_init(struct ks_kafka *k, struct ks_err *err) KS_MUST_USE;

int	ks_txn_begin(struct ks_kafka *k, struct ks_err *err) KS_MUST_USE;

/*
 * ks_txn_commit - commit what was produced since begin, and for the group of
 * this name the offsets of list, with their metadata.
 *
 *	member	of the group, in whose name (kafka-member.h); n == 0: nobody's,
 *		where partitions are assigned by hand and the group has no members
 *
 * KS_TEMP where the group has let the member go, too.
 */
int	ks_txn_commit(struct ks_kafka *k, const char *group, struct ks_bytes member, struct rd_kafka_topic_partition_list_s *list,
	    struct ks_err *err) KS_MUST_USE;

#endif
