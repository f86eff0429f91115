/* SPDX-License-Identifier: MIT */
/*
 * kafka-sink-txn.h - the sink's side of exactly-once: one transaction for
 * each barrier, which commits the records and, for the group of the app, the
 * positions that they are of (protocol 3.2).
 */
#ifndef KS_KAFKA_SINK_TXN_H
#define KS_KAFKA_SINK_TXN_H

#include "hello.h"
#include "kafka-book.h"

/* Zeroed is none. */
struct ks_sink_txn {
	const struct ks_kafka_options *options;
	const struct ks_config *config;
	struct ks_kafka *client;	/* the producer, of ks_txn_id */
	struct ks_kafka reader;		/* of ks_book_reader, until HELLO; closed: it is opened then */
	struct ks_stand stand;		/* committed last */
	const char *topic;		/* -t; NULL: by route */
	bool fenced;			/* nobody before this process can commit any more */
	bool began;			/* a run has */
	bool filed;			/* the source keeps its positions in a file: the group has the epoch alone */
	bool nothing;			/* the section is of no partitions: its source, a member of a group, has been given none */
	bool open;			/* a transaction is */
	int64_t committed_ms;		/* ks_clock_ms of the last commit; 0: none */
};

/*
 * ks_sink_txn_resolve - at the start: where the last run of a source of files
 * may have committed an epoch that the ledger does not have (ledger.next), find
 * out, and see to the ledger.  The source waits for it.
 */
int	ks_sink_txn_resolve(struct ks_sink_txn *t, struct ks_err *err) KS_MUST_USE;

/*
 * ks_sink_txn_hello - HELLO has come: fence whoever has written for the app
 * before, and see whether it stands where HELLO says.  Nothing is written
 * before this.  KS_TEMP where it does not, since another run has gone on;
 * KS_CONFIG where the stream cannot be committed here.
 */
int	ks_sink_txn_hello(struct ks_sink_txn *t, const struct ks_hello_view *h, struct ks_bytes payload,
	    struct ks_err *err) KS_MUST_USE;

/* Before a record is produced. */
int	ks_sink_txn_record(struct ks_sink_txn *t, struct ks_err *err) KS_MUST_USE;

/*
 * Of a failure behind the epoch that is committed: where a broker has answered
 * so, it is counted (refusal.h), once.  Returns err->status, KS_CONFIG where it
 * has failed so too often.
 */
int	ks_sink_txn_refused(struct ks_sink_txn *t, struct ks_err *err);

/* All before b has been acknowledged. */
int	ks_sink_txn_barrier(struct ks_sink_txn *t, const struct ks_barrier *b, struct ks_err *err) KS_MUST_USE;

#endif
