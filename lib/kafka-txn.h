/* SPDX-License-Identifier: MIT */
/*
 * kafka-txn.h - transactions of a producer.
 *
 * A failure ends the process, which never goes on behind one: only the next
 * run's ks_txn_init knows what became of a transaction (protocol 2.4).  Every
 * wait has an end; librdkafka's own, without one, was seen to last for minutes
 * (broker 7).  What it is told to wait for offsets it does not heed where a broker
 * has its request and is silent (2.0.2): so the client is given that as its
 * socket.timeout.ms, too.  Functions return 0 or a ks_status with err filled: KS_TEMP
 * where another run of the app has taken over.
 */
#ifndef KS_KAFKA_TXN_H
#define KS_KAFKA_TXN_H

#include "kafka.h"
#include "owner.h"

struct rd_kafka_consumer_group_metadata_s;

/* transaction.timeout.ms: the broker aborts what has been open for so long. */
#define KS_TXN_MS 60000

/*
 * The transactional id of an owner (owner.h): "APP.OWNER", into room.  Layouts
 * have ids of their own: none fences another by accident.  The last dot parts the
 * two, so that no other app has the same.
 */
#define KS_TXN_ID (KS_NAME_MAX + 1 + KS_OWNER_ROOM)
void	ks_txn_id(const char *app, const char *owner, char room[KS_TXN_ID]);

/*
 * ks_txn_open - a client by which the words of that owner can be changed
 * (kafka-book.h): whoever had its id before is fenced, and what that left
 * open is resolved.  k is to be closed in any case.
 */
int	ks_txn_open(struct ks_kafka *k, const struct ks_kafka_options *options, const char *app, const char *owner,
	    struct ks_err *err) KS_MUST_USE;

/* The owner by whose id those partitions are claimed that have no word yet: no other is called so. */
#define KS_TXN_NOBODY "-"

/* Whoever had the client's transactional id before is fenced; what it left open is resolved. */
int	ks_txn_init(struct ks_kafka *k, struct ks_err *err) KS_MUST_USE;

int	ks_txn_begin(struct ks_kafka *k, struct ks_err *err) KS_MUST_USE;

/*
 * ks_txn_offsets - commit with what was produced since begin, for the group of
 * this name, the offsets of list, with their metadata.  From here on who reads
 * them waits for the transaction.
 *
 *	member	as whom: then Kafka refuses it when the group has moved on; NULL: as
 *		nobody, as partitions are assigned by hand and the group has no
 *		members (broker 4)
 *
 * k->fenced says whether a failure was that somebody else has the id now.
 */
int	ks_txn_offsets(struct ks_kafka *k, const char *group, const struct rd_kafka_consumer_group_metadata_s *member,
	    struct rd_kafka_topic_partition_list_s *list, struct ks_err *err) KS_MUST_USE;

int	ks_txn_commit(struct ks_kafka *k, struct ks_err *err) KS_MUST_USE;

/* Nobody shall wait for what this client has begun, and will not commit: it is closed next. */
void	ks_txn_abort(struct ks_kafka *k);

#endif
