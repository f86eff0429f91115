/* SPDX-License-Identifier: MIT */
/*
 * kafka.h - what reading and writing Kafka share: the client's
 * configuration, its errors as statuses, metadata, watermarks.
 *
 * rdkafka.h is included by kafka*.c alone; here its handles are names.
 * librdkafka's callbacks run in the thread that polls, which is ours.
 */
#ifndef KS_KAFKA_H
#define KS_KAFKA_H

#include "buf.h"
#include "sys.h"

struct ks_ledger;
struct rd_kafka_s;
struct rd_kafka_conf_s;
struct rd_kafka_topic_s;
struct rd_kafka_metadata;
struct rd_kafka_topic_partition_list_s;

/*
 * How long the first answer may take, in ms: a name to resolve, TLS and a
 * far broker fit in.  Less when --timeout is less.
 */
#define KS_KAFKA_START_MS 10000
/* Every broker has refused and none has come back for so long: nobody is there. */
#define KS_KAFKA_REFUSED_MS 2000
/*
 * Likewise, for what a run asks a leader or a coordinator before it begins.
 * One that dies is replaced after 9 s: less would make its death a failure.
 */
#define KS_KAFKA_MOVE_MS 20000
/*
 * --timeout: how long a broker that was there may stay away.  Measured: a
 * leader that dies is replaced after 9 s, a broker that restarts is back
 * after 13 to 25 s (real-parts 2, broker 7).
 */
#define KS_KAFKA_AWAY_MS 60000

struct ks_kafka_property {
	const char *name, *value;
};

/*
 * Of every client of ours.  Half of it, and 11 ms at least, is how long
 * librdkafka waits between two connections; 2.16 makes a second one to each
 * broker that it knows by its bootstrap address, and so has the first record
 * wait 50 ms with the default of 100.
 */
#define KS_KAFKA_CONNECT { "reconnect.backoff.ms", "20" }

/* A property that the user has given; text is the giver's (kafka-config.h). */
struct ks_kafka_given {
	char *name, *value;
	const char *file;	/* NULL: the command line */
	unsigned line;
	bool secret;		/* its value appears nowhere */
};

enum ks_kafka_start {
	KS_START_BEGINNING,
	KS_START_END,
	KS_START_OFFSET,	/* at start_at */
	KS_START_TAIL,		/* the last start_at of each partition */
	KS_START_TIME,		/* with the first record whose time is start_at or later; earlier ones behind it go, too */
};

/* What a tool wants to be told of while it reads, beside the records.  Each may be NULL. */
struct ks_kafka_watch {
	void *arg;
	/* A record was fetched from that broker, -1: not known. */
	void (*message)(void *arg, const char *topic, int32_t partition, int32_t broker);
	/* A partition has been read to its end, where the next record is offset; last: with it all have, and reading ends. */
	void (*end)(void *arg, const char *topic, int32_t partition, int64_t offset, bool last);
};

/* What a tool's options say about Kafka.  Text is borrowed from argv; lists are the tool's. */
struct ks_kafka_options {
	const char *brokers;	/* for messages, too; NULL: none */
	const struct ks_kafka_given *properties;	/* in order: of a file, -b, -X */
	size_t property_count;
	const int32_t *partitions;	/* -p; none: all */
	size_t partition_count;
	enum ks_kafka_start start;	/* -o */
	int64_t start_at;
	bool stored;		/* -o stored, -G: where the group has committed; start is for where it has not */
	bool has_stop;		/* -o e@T: records of stop_at, in ms, and later are left out */
	int64_t stop_at;
	const char *group;	/* -G: join it; NULL: partitions are assigned by hand */
	const char *book;	/* --app: the group in which it keeps where it stands (kafka-book.h); NULL: it does not */
	const struct ks_ledger *ledger;	/* with book: there it stands, and the group is told; NULL: the group has it */
	bool told;		/* with book: the ledger is to have it (--guarantee at-least-once) */
	uint32_t instance, instances;	/* of book: partition p is read where p mod instances is instance */
	bool bounded;		/* -e */
	int64_t max_idle_ms;	/* --max-idle */
	bool by_route;		/* --route: main records go to their route */
	int64_t timeout_ms;	/* --timeout */
	int32_t create_partitions;	/* --create-topics, 0: make none */
	bool verify;		/* --verify */
	void (*note)(const char *text);	/* what -v tells on the way; NULL: nothing */
	int64_t start_ms;	/* how long the first answer may take, 0: KS_KAFKA_START_MS */
	const struct ks_kafka_watch *watch;	/* NULL: nobody watches */
};

/*
 * A client.  failed keeps the first error that no call reports by itself
 * but that librdkafka would retry for ever (wrong secret, bad certificate,
 * fenced), or the last word on a broker that cannot be reached.
 */
struct ks_kafka {
	struct rd_kafka_s *rk;
	const char *brokers;
	bool producer, debug;	/* debug: librdkafka's log is shown */
	const struct ks_kafka_options *options;	/* its secrets are kept out of all that is printed */
	int64_t timeout_ms, start_ms;
	struct ks_err failed;	/* status 0: nothing */
	struct ks_err refused;	/* why the last connection failed */
	struct ks_kafka_group *group;	/* kafka-group.h; NULL: none is joined */
	bool answered;		/* a broker has, about topics */
	bool fenced;		/* somebody else has its transactional id (kafka-txn.h) */
	int refusal;		/* the code by which a broker has refused what was written (ks_kafka_is_refusal), 0: none */
	int64_t down_since;	/* ks_clock_ms when every broker was gone, 0: they are not known to be */
};

static inline int64_t ks_kafka_move_ms(const struct ks_kafka *k)
{
	int64_t most = k->options->start_ms > 0 ? k->options->start_ms : KS_KAFKA_MOVE_MS;

	return k->timeout_ms < most ? k->timeout_ms : most;
}

/*
 * ks_kafka_conf - a client configuration.
 *
 *	ours	the caller's own, ended by a NULL name; one that this librdkafka
 *		does not know is left out
 *	conf	out: the caller's, until ks_kafka_open takes it
 *
 * Then come those of options, which kafka-config.h has checked.  Values
 * never appear in a message.
 */
int	ks_kafka_conf(const struct ks_kafka_options *options, const struct ks_kafka_property *ours,
	    struct rd_kafka_conf_s **conf, struct ks_err *err) KS_MUST_USE;

/* Free a configuration that was not taken. */
void	ks_kafka_conf_drop(struct rd_kafka_conf_s *conf);

/* The value of a property of conf, into room; "" when it has none. */
void	ks_kafka_conf_text(const struct rd_kafka_conf_s *conf, const char *name, char *room, size_t n);

/*
 * ks_kafka_open - make the client; conf is taken whatever happens.
 * No broker is contacted by it.
 */
int	ks_kafka_open(struct ks_kafka *k, const struct ks_kafka_options *options, bool producer,
	    struct rd_kafka_conf_s *conf, struct ks_err *err) KS_MUST_USE;

/* Nothing of the client may be held any more.  All zero bytes is a closed client. */
void	ks_kafka_close(struct ks_kafka *k);

/*
 * ks_kafka_status - the status of a librdkafka error code.
 * starting: no broker has answered yet.
 */
int	ks_kafka_status(int code, bool starting);

/* Whether it is a broker's own answer, and not that it is not ready, or that others have taken over. */
bool	ks_kafka_is_refusal(int code);

/* Fill err for a failed call: what, then librdkafka's words; a remembered failure goes first. */
int	ks_kafka_fail(struct ks_kafka *k, int code, bool starting, struct ks_err *err,
	    const char *fmt, ...) KS_PRINTF(5, 6);

/*
 * ks_kafka_check - serve the callbacks without waiting, and return the
 * remembered failure, if there is one.
 */
int	ks_kafka_check(struct ks_kafka *k, struct ks_err *err) KS_MUST_USE;

/*
 * ks_kafka_topic - ask for a topic's metadata; the client then knows its
 * leaders, so that the first fetch or record does not wait for a timer
 * (0.5 s, measured).
 *
 *	starting	the first contact: waits KS_KAFKA_START_MS at most, and
 *			an unreachable broker is KS_UNAVAILABLE
 *	topic		a handle, the caller's to destroy with ks_kafka_topic_drop
 *	partitions	how many it has
 *
 * An unknown topic is KS_CONFIG: nothing here makes one.  Each broker of a
 * cluster learns of a new topic by itself, and any of them answers: so it is
 * asked again for 2 s, by ks_kafka_topic_now it is not.
 */
int	ks_kafka_topic(struct ks_kafka *k, const char *name, bool starting,
	    struct rd_kafka_topic_s **topic, int32_t *partitions, struct ks_err *err) KS_MUST_USE;
int	ks_kafka_topic_now(struct ks_kafka *k, const char *name, bool starting,
	    struct rd_kafka_topic_s **topic, int32_t *partitions, struct ks_err *err) KS_MUST_USE;
/*
 * ks_kafka_metadata - the same for what the cluster says of a topic, or
 * with topic == NULL of all topics; the caller's to destroy.
 */
int	ks_kafka_metadata(struct ks_kafka *k, struct rd_kafka_topic_s *topic, const char *name,
	    bool starting, const struct rd_kafka_metadata **md, struct ks_err *err) KS_MUST_USE;
void	ks_kafka_topic_drop(struct rd_kafka_topic_s *topic);

/*
 * ks_kafka_ends - the first offset (end false) or the end (end true) of
 * each partition of list, into its offset field: one request a leader.
 * The end is that of the client's isolation level: with read_committed
 * the last stable offset.
 */
int	ks_kafka_ends(struct ks_kafka *k, struct rd_kafka_topic_partition_list_s *list, bool end,
	    struct ks_err *err) KS_MUST_USE;

/*
 * ks_kafka_times - the same for the first record whose time is time_ms, from 0,
 * or later: -1 where there is none.  A lower bound: markers of transactions
 * count, and have the broker's time (broker 9).
 */
int	ks_kafka_times(struct ks_kafka *k, struct rd_kafka_topic_partition_list_s *list, int64_t time_ms,
	    struct ks_err *err) KS_MUST_USE;

/* As ks_kafka_ends, asked once: a librdkafka error code, of the call or of the first partition that has one. */
int	ks_kafka_ask_ends(struct ks_kafka *k, struct rd_kafka_topic_partition_list_s *list, bool end,
	    int wait_ms) KS_MUST_USE;

#endif
