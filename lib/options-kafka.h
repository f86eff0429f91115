/* SPDX-License-Identifier: MIT */
/*
 * options-kafka.h - the options of kstream-cat that are about Kafka, once for
 * kstream-cat itself and for every tool that runs one for --in or --out
 * kafka:TOPIC (child.h).
 *
 * A new option is one line here, and a case in kstream-cat.  Its last word
 * says who is given it where a tool runs a kstream-cat: the one that reads
 * (KS_TO_SOURCE), the one that writes (KS_TO_SINK), KS_TO_BOTH; with 0 it is
 * kstream-cat's own, and no other tool knows it.  From LIST on lib/kcat.c
 * knows them by their letters.
 */
#ifndef KS_OPTIONS_KAFKA_H
#define KS_OPTIONS_KAFKA_H

#include "options.h"

#define KS_TO_SOURCE 1u
#define KS_TO_SINK 2u
#define KS_TO_BOTH (KS_TO_SOURCE | KS_TO_SINK)

#define KS_KAFKA_OPTIONS(X) \
	X(BROKERS, "bootstrap-server", 'b', "BROKER", "Kafka, as HOST:PORT, or several between commas", KS_TO_BOTH) \
	X(PARTITION, "partition", 'p', "N,...", NULL, KS_TO_SOURCE) \
	X(OFFSET, "offset", 'o', "WHERE", "beginning, end, stored, N, -N, s@MS, e@MS", KS_TO_SOURCE) \
	X(EXIT_EOF, "exit-eof", 'e', NULL, NULL, KS_TO_SOURCE) \
	X(PRODUCER, "producer", 'P', NULL, "write to the topic of -t", 0) \
	X(CONSUMER, "consumer", 'C', NULL, "print raw values as kcat -C does", 0) \
	X(GROUP, "group", 'G', "GROUP", "as a member of a group: -G GROUP TOPIC ...", KS_TO_SOURCE) \
	X(ROUTE, "route", 0, NULL, NULL, KS_TO_SINK) \
	X(CREATE_TOPICS, "create-topics", 0, "N", NULL, KS_TO_SINK) \
	X(VERIFY, "verify", 0, NULL, NULL, KS_TO_SINK) \
	X(PROPERTY, "property", 'X', "NAME=VALUE", NULL, KS_TO_BOTH) \
	X(CONFIG, "config", 'F', "FILE", NULL, KS_TO_BOTH) \
	X(TIMEOUT, "timeout", 0, "DURATION", NULL, KS_TO_BOTH) \
	X(ISOLATION, "isolation", 0, "LEVEL", NULL, KS_TO_SOURCE) \
	X(OFFSETS, "offsets", 0, NULL, NULL, 0) \
	X(COMPRESSION, "compression", 'z', "CODEC", NULL, KS_TO_SINK) \
	X(DEBUG, "debug", 'd', "CONTEXT,...", NULL, KS_TO_BOTH) \
	X(METADATA_TIMEOUT, "metadata-timeout", 'm', "SECONDS", NULL, KS_TO_BOTH) \
	X(KEEP_TRYING, "keep-trying", 'E', NULL, NULL, KS_TO_BOTH) \
	X(MAX_IDLE, "max-idle", 0, "DURATION", NULL, KS_TO_SOURCE) \
	X(LIST, "list", 'L', NULL, NULL, 0) \
	X(QUERY, "query", 'Q', NULL, NULL, 0) \
	X(FORMAT, "format", 'f', "FORMAT", NULL, 0) \
	X(DELIMITER, "delimiter", 'D', "DELIM", NULL, 0) \
	X(KEY_DELIMITER, "key-delimiter", 'K', "DELIM", NULL, 0) \
	X(NULLS, "null", 'Z', NULL, NULL, 0) \
	X(UNBUFFERED, "unbuffered", 'u', NULL, NULL, 0) \
	X(FIXED_KEY, "fixed-key", 'k', "KEY", NULL, 0) \
	X(HEADER, "header", 'H', "NAME=VALUE", NULL, 0) \
	X(LINES, "lines", 'l', NULL, NULL, 0) \
	X(TEE, "tee", 'T', NULL, NULL, 0)

/* In that order; ends with name == NULL. */
extern const struct ks_option ks_kafka_options[];

/* Who is given option at of ks_kafka_options. */
unsigned ks_kafka_option_to(size_t at);

/*
 * ks_options_note - keep an option that was given, if a kstream-cat would be
 * given it, too: a shared one, or one of ks_kafka_options.
 */
int	ks_options_note(struct ks_options *o, const struct ks_option *option, const char *value,
	    struct ks_err *err) KS_MUST_USE;

/*
 * ks_options_topics - --in and --out kafka:TOPIC, once all is known: they
 * become config->topics with topics_in, and out_topic.  In a tool that runs
 * a kstream-cat for them, what that is given is no longer the tool's own:
 * it reads or writes frames.
 */
int	ks_options_topics(struct ks_options *o, struct ks_err *err) KS_MUST_USE;

/* Whether an input or output is a topic, kafka:TOPIC. */
bool	ks_options_is_topic(const char *name);

#define KS_COMMIT_MAX_MS 30000	/* half of KS_TXN_MS (kafka-txn.h): the records of an epoch have to get out, too */

/* KS_USAGE where --commit-interval is longer than a transaction may be open: for --app with topics. */
int	ks_options_check_commits(const struct ks_config *c, struct ks_err *err) KS_MUST_USE;

#endif
