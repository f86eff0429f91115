/* SPDX-License-Identifier: MIT */
/*
 * kafka-book.h - where an app stands, as Kafka keeps it: the offsets that the
 * group of the app's name has committed, each with a word on whom it is of.
 * The ledger of a pipeline between topics.
 *
 * The word is the metadata of the offset.  "ks2;e=12;c=3;o=0/2;r=5;i=1/3" is
 * epoch 12, committed by run 3 of owner 0/2; the partition was claimed last by
 * run 5 of 1/3.  ";x" behind it: that owner has let go of it, and writes
 * nothing more of it before it claims it again.
 *
 * A claim changes r and i (and x) alone.  So all partitions of an instance
 * agree on these, and where some have come to it from elsewhere, they differ
 * in e, c, o, which say whose state goes with them.
 *
 * Who changes the word of a partition holds the transactional id of the owner
 * that it names (kafka-claim.h): of two that want to, one is fenced.
 */
#ifndef KS_KAFKA_BOOK_H
#define KS_KAFKA_BOOK_H

#include "config.h"
#include "kafka.h"

struct rd_kafka_topic_partition_s;

struct ks_word {
	int64_t epoch, commit_run;		/* e, c: 0 where there is no commit yet */
	int64_t run;				/* r */
	char committer[KS_OWNER_ROOM];		/* o */
	char claimer[KS_OWNER_ROOM];		/* i */
	bool released;				/* x */
};

/* How the word begins of an app that its ledger says where it stands (kafka-ledger.h). */
#define KS_LEDGER_WORD "ks-ledger;"

/* How it begins, before the word that was there, while the app is being reset (kafka-reset.h): no run goes on from it. */
#define KS_RESET_WORD "ks-reset;"

#define KS_WORD_ROOM (2 * KS_OWNER_ROOM + 100)
void	ks_word_print(const struct ks_word *x, char room[KS_WORD_ROOM]);
bool	ks_word_parse(struct ks_bytes text, struct ks_word *x) KS_MUST_USE;

/* What an instance goes on from: the epoch of HELLO, and the last run. */
struct ks_stand {
	int64_t epoch, run;
};

/*
 * ks_book_read - what the group of the app has committed of the partitions of
 * list, into their offsets and metadata; RD_KAFKA_OFFSET_INVALID where it has
 * not.  What an open transaction may still change is waited for.  KS_CONFIG
 * where somebody else than an app has committed: the epoch is not known.
 *
 *	k	of ks_book_reader; one that is closed is opened, for the caller to close
 */
int	ks_book_read(struct ks_kafka *k, const struct ks_kafka_options *options, const char *app,
	    struct rd_kafka_topic_partition_list_s *list, struct ks_err *err) KS_MUST_USE;

/* The word of one that was read; false: it has none, as nothing is committed. */
bool	ks_book_word(const struct rd_kafka_topic_partition_s *p, struct ks_word *x) KS_MUST_USE;

/*
 * ks_book_stand - what those that were read come to: the largest epoch and run;
 * 0 where there are none.  KS_CONFIG where a run of an owner has committed two
 * epochs at once: they are not the offsets of one barrier.
 */
int	ks_book_stand(const char *app, const struct rd_kafka_topic_partition_list_s *list, struct ks_stand *stand,
	    struct ks_err *err) KS_MUST_USE;

/* Give an offset its word, behind before ("" or KS_RESET_WORD): 0, or no memory. */
int	ks_book_mark_as(struct rd_kafka_topic_partition_s *p, const char *before, const struct ks_word *x, struct ks_err *err) KS_MUST_USE;

int	ks_book_mark(struct rd_kafka_topic_partition_s *p, const struct ks_word *x, struct ks_err *err) KS_MUST_USE;

/* A client for ks_book_glance and ks_book_learn. */
int	ks_book_watch(struct ks_kafka *k, const struct ks_kafka_options *options, const char *app, struct ks_err *err) KS_MUST_USE;

/* Likewise for one that waits for open transactions, and for ks_book_read; it finds its way, in 10 to 30 ms, while something else is done. */
int	ks_book_reader(struct ks_kafka *k, const struct ks_kafka_options *options, const char *app, struct ks_err *err) KS_MUST_USE;

/* As ks_book_read, without waiting for open transactions: it may be what was before the last commit. */
int	ks_book_glance(struct ks_kafka *k, const char *app, struct rd_kafka_topic_partition_list_s *list, struct ks_err *err) KS_MUST_USE;

/* The word of a partition of list, as far as is known by now; false: nobody has said. */
bool	ks_book_learn(struct ks_kafka *k, struct rd_kafka_topic_partition_list_s *list, int wait_ms, struct ks_word *x);

#endif
