/* SPDX-License-Identifier: MIT */
/* kafka-source-impl.h - the inside of the source that reads Kafka, for kafka-source*.c alone. */
#ifndef KS_KAFKA_SOURCE_IMPL_H
#define KS_KAFKA_SOURCE_IMPL_H

#include "kafka-claim.h"
#include "kafka-group.h"
#include "kafka-ledger.h"
#include "kafka-message.h"
#include "kafka-order.h"
#include "kafka-parts.h"
#include "source-own.h"

#define KS_KAFKA_BATCH 500u	/* messages taken at once: 100 to 1,000 measured alike (broker 6) */

/*
 * What librdkafka may hold before it stops to fetch, in KiB and in messages:
 * each message takes some 450 bytes beside its own.  One answer
 * (fetch.max.bytes) must not bring more than that, or reading starves.
 * 2 M records of 190 bytes: 15 MB resident; with 16 MiB, and answers of 4,
 * 40 to 100 MB, at the same cost.
 */
#define KS_KAFKA_FLOW_KB 1024
#define KS_KAFKA_FLOW_MESSAGES 20000

struct rd_kafka_message_s;
struct rd_kafka_conf_s;

struct ks_kafka_flow {
	uint64_t full_bytes, full_messages;	/* at which librdkafka stops to fetch */
	uint64_t bytes, messages;		/* taken since it was woken */
};

struct ks_kafka_source {
	struct ks_own own;
	const struct ks_kafka_options *options;
	struct ks_kafka_options ledgered;	/* options with a ledger */
	const struct ks_config *config;
	struct ks_kafka client;
	struct ks_kafka_group group;	/* -G */
	struct ks_kafka_claim claim;	/* --app */
	struct ks_section_keeper keeper;	/* likewise */
	struct ks_kafka_told group_told;	/* --app, with a ledger */
	struct rd_kafka_queue_s *queue;
	int ready;			/* eventfd that librdkafka makes readable when the queue fills */
	struct ks_kafka_parts parts;
	struct ks_kafka_order order;	/* where several topics are read by time */
	bool ordered;
	struct ks_message_reader reader;
	struct ks_buf positions;
	struct rd_kafka_message_s *batch[KS_KAFKA_BATCH];
	size_t batch_at, batch_count;
	struct ks_err *err;		/* of on_message, and its status */
	int status;
	struct ks_kafka_flow flow;
	uint64_t closed_bytes;		/* of all that were read, those before the last barrier */
	int64_t kicked, heard, probed;	/* ks_clock_ms */
	int64_t fetch_wait_ms;		/* how long a broker may hold a fetch */
	bool away;			/* the broker has not answered for --timeout */
	int64_t give_ms, give_by;	/* with --app and -G: how long partitions that are wanted back may be kept; until when, ks_clock_ms, 0: they are not */
	int64_t refresh_ms, look_due;	/* how often to look for new topics and partitions, 0: never; when */
	bool backs_off;			/* this librdkafka looks again by itself when its queue was full */
	bool timed;			/* -o s@T or e@T: records are chosen by their time, too */
	bool open, began;		/* a section is; one was */
	bool told;			/* a barrier has been handed out, and the group not been told */
};

/* Whether Kafka keeps where the app stands, which is claimed there; else a ledger may. */
static inline bool ks_kafka_claims(const struct ks_kafka_source *s)
{
	return s->options->book != NULL && s->options->ledger == NULL;
}

/* kafka-source-client.c */
/* queue_kb: what it may hold, fetched and not read. */
int	ks_kafka_client_open(struct ks_kafka_source *s, size_t queue_kb, struct ks_err *err) KS_MUST_USE;
void	ks_kafka_client_close(struct ks_kafka_source *s);
/* Without -G: the client, what it reads, and where that begins and ends. */
int	ks_kafka_client_parts(struct ks_kafka_source *s, struct ks_err *err) KS_MUST_USE;

/* kafka-source-section.c */
int	ks_kafka_section_positions(struct ks_own *own, struct ks_bytes *positions, struct ks_err *err) KS_MUST_USE;
/* With --app: who keeps where it stands, for ks_section_open; else NULL. */
const struct ks_section_keeper *ks_kafka_section_keeper(struct ks_kafka_source *s);
/* section.full: whether as many epochs are on their way as may be. */
int	ks_kafka_section_window(struct ks_kafka_source *s, struct ks_err *err) KS_MUST_USE;
/* All that was handed out is out: what a barrier among it promised is done now. */
int	ks_kafka_section_passed(struct ks_own *own, struct ks_err *err) KS_MUST_USE;
/* No section is open: begin the next as soon as it is known what to read. */
int	ks_kafka_section_next(struct ks_kafka_source *s, struct ks_err *err) KS_MUST_USE;
/* Whether what is read has changed: the section has been ended then. */
int	ks_kafka_section_look(struct ks_kafka_source *s, bool *ended, struct ks_err *err) KS_MUST_USE;
/* HELLO of what parts has, which is claimed with --app. */
int	ks_kafka_section_begin(struct ks_kafka_source *s, struct ks_err *err) KS_MUST_USE;
/* Find anew what is read, given and before as for ks_kafka_parts_open. */
int	ks_kafka_section_reopen(struct ks_kafka_source *s, const struct rd_kafka_topic_partition_list_s *given,
	    const struct ks_kafka_parts *before, struct ks_err *err) KS_MUST_USE;
/* With --app: the last epoch known committed. */
int	ks_kafka_section_learn(struct ks_kafka_source *s, int64_t *epoch, struct ks_err *err) KS_MUST_USE;
/* What was fetched and not read is let go of. */
void	ks_kafka_drop_batch(struct ks_kafka_source *s);

/* kafka-source-group.c */
/* No section is open: take what the group gives, or give back what it wants. */
int	ks_kafka_group_await(struct ks_kafka_source *s, struct ks_err *err) KS_MUST_USE;
/* What ks_kafka_section_passed does for a group. */
int	ks_kafka_group_passed(struct ks_kafka_source *s, struct ks_err *err) KS_MUST_USE;
/* With --app: the partitions of the open section are others' already; then KS_TEMP, as nothing of it can be committed. */
bool	ks_kafka_group_is_lost(const struct ks_kafka_source *s);
int	ks_kafka_group_lost(struct ks_kafka_source *s, struct ks_err *err) KS_MUST_USE;

/* What the source has done ended with status: where that is a failure, and another member has the name of this one, err says so. */
int	ks_kafka_group_failed(struct ks_kafka_source *s, int status, struct ks_err *err) KS_MUST_USE;

/* kafka-source-flow.c */
void	ks_kafka_flow_begin(struct ks_kafka_flow *f, const struct rd_kafka_conf_s *conf);
/*
 * Before messages are taken: wakes the fetcher where it may sleep.  True:
 * all of the queue may be taken from within librdkafka; false: it holds as
 * much as it should, and must see that it does.
 */
bool	ks_kafka_flow_look(struct ks_kafka_source *s);
/*
 * Behind messages by time: wakes the fetcher where a queue that was full has
 * run low.  dry: there were none, so the next look comes when it has woken.
 */
void	ks_kafka_flow_wake(struct ks_kafka_source *s, bool dry);
/* By time and bounded, nothing but p's end has come of p for the last time: it is not fetched again. */
void	ks_kafka_flow_leave(struct ks_kafka_source *s, const struct ks_kafka_part *p);

/* kafka-source-away.c */
/* A small request to each leader: 0 or a librdkafka error code, of no answer within wait_ms, too. */
int	ks_kafka_ask_leaders(struct ks_kafka_source *s, int wait_ms);
/* How long to wait for an answer: a broker answers in order, and so not before a fetch that fetch.wait.max.ms lets it hold. */
int	ks_kafka_probe_ms(const struct ks_kafka_source *s);
int	ks_kafka_check_away(struct ks_kafka_source *s, struct ks_err *err) KS_MUST_USE;
/* The offset that p was to go on with is not there. */
int	ks_kafka_out_of_range(struct ks_kafka_source *s, const struct ks_kafka_part *p, struct ks_err *err);

#endif
