/* SPDX-License-Identifier: MIT */
/*
 * kafka-names.h - the topics that -t names, one by one or by a regular
 * expression: a name that begins with ^ is one (POSIX extended), as for
 * kcat and librdkafka.
 */
#ifndef KS_KAFKA_NAMES_H
#define KS_KAFKA_NAMES_H

#include <regex.h>

#include "config.h"
#include "kafka.h"

struct ks_kafka_names {
	regex_t *patterns;
	size_t pattern_count;
	bool internal;		/* a pattern asks for them: it begins with ^__ */
	struct {
		char *name;
		bool matched;	/* by a pattern */
	} *at;
	size_t count;
};

/* Whether -t has regular expressions. */
bool	ks_kafka_has_patterns(const struct ks_config *config);

/* Compile the patterns: KS_USAGE for one that is none.  Closed by the caller, whatever is returned. */
int	ks_kafka_names_open(struct ks_kafka_names *n, const struct ks_config *config, struct ks_err *err) KS_MUST_USE;
void	ks_kafka_names_close(struct ks_kafka_names *n);

/*
 * Whether a pattern matches.  Kafka's own topics, __consumer_offsets and
 * __transaction_state, match nothing but a pattern that begins with ^__.
 */
bool	ks_kafka_names_match(const struct ks_kafka_names *n, const char *name);

/* Fill at: first the names of -t in their order, then what matches, in order of the alphabet; none twice. */
int	ks_kafka_names_find(struct ks_kafka_names *n, struct ks_kafka *client, const struct ks_config *config,
	    bool starting, struct ks_err *err) KS_MUST_USE;

#endif
