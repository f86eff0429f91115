/* SPDX-License-Identifier: MIT */
/*
 * kafka-member.h - a member of a group, as whoever commits for it must name
 * it: the group refuses offsets of a member that it has let go, or of a
 * generation that is over (protocol 2.3).
 *
 * A member is what librdkafka writes of it (magic, generation, group, member,
 * instance), as a msgpack bin: the group of a BARRIER.  It is made and read on one
 * host by one version of the library.
 */
#ifndef KS_KAFKA_MEMBER_H
#define KS_KAFKA_MEMBER_H

#include "buf.h"
#include "kafka.h"

struct rd_kafka_s;
struct rd_kafka_consumer_group_metadata_s;

#define KS_MEMBER_MAX 4096	/* bytes of one; Kafka's names of groups and members are 249 and some 300 at most */

/*
 * ks_member_note - who rk is in its group, replacing b.  To be called while the
 * assignment is handed over, and not again for it: later librdkafka tells half of
 * the truth, or that of the next generation.  False: it is no member just
 * now, and b is empty.
 */
bool	ks_member_note(struct rd_kafka_s *rk, struct ks_buf *b);

/*
 * ks_member_read - the same, for ks_txn_offsets; the caller's, to be destroyed.
 * KS_DATA where it is none: of another group, without a generation or a member
 * id, with which Kafka would commit for anybody (broker 4).
 */
int	ks_member_read(struct ks_bytes bin, const char *group, struct rd_kafka_consumer_group_metadata_s **member,
	    struct ks_err *err) KS_MUST_USE;

#endif
