/* SPDX-License-Identifier: MIT */
/*
 * kafka-ledger.h - an app that reads topics and is promised at least once:
 * its ledger says where it stands, as for files, and its group is told, for
 * those who watch its lag.
 *
 * What the group is told has a word with it, "ks-ledger;i=0/2;r=3": by
 * instance 0 of 2, run 3.  So the ledger of another host, an older copy of it,
 * another number of instances, and offsets that somebody else has set are found.
 */
#ifndef KS_KAFKA_LEDGER_H
#define KS_KAFKA_LEDGER_H

#include "kafka-book.h"
#include "kafka-parts.h"
#include "ledger.h"

struct rd_kafka_queue_s;

/* What the group has been told.  All zero bytes: nothing. */
struct ks_kafka_told {
	struct rd_kafka_queue_s *answers;
	bool waiting;		/* for one */
	int64_t epoch;		/* told last */
};

/*
 * ks_kafka_ledger_places - list has what the group has committed, with the
 * words: put in what o->ledger says, or RD_KAFKA_OFFSET_INVALID for a partition
 * that its topic has got since.  A topic that neither the ledger nor a word
 * knows stays as it is: the app begins where its group was before.
 *
 * KS_CONFIG where the words say that this is not the ledger; a warning where the
 * group has forgotten what it was told, as it does when a topic is deleted.
 */
int	ks_kafka_ledger_places(const struct ks_kafka_options *o, const struct ks_config *config,
	    struct rd_kafka_topic_partition_list_s *list, struct ks_err *err) KS_MUST_USE;

/* The positions of x for a barrier or a claim, and those that l knows beside them, replacing b. */
int	ks_kafka_ledger_positions(const struct ks_ledger *l, const struct ks_kafka_parts *x, struct ks_buf *b, struct ks_err *err)
	    KS_MUST_USE;

/*
 * ks_kafka_ledger_tell - tell the group what o->ledger has of topics.
 *
 *	wait_ms	0: do not wait, and if it fails it goes with the next; else it must
 *		be told within that
 */
int	ks_kafka_ledger_tell(struct ks_kafka_told *t, struct ks_kafka *client, const struct ks_kafka_options *o,
	    const struct ks_kafka_parts *x, int wait_ms, struct ks_err *err) KS_MUST_USE;
void	ks_kafka_ledger_told(struct ks_kafka_told *t);

#endif
