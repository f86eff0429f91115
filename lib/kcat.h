/* SPDX-License-Identifier: MIT */
/*
 * kcat.h - the letters of kcat 1.7.1 that kstream-cat takes over, and what
 * they mean for its input and output.
 */
#ifndef KS_KCAT_H
#define KS_KCAT_H

#include "kafka.h"
#include "kcat-format.h"
#include "kcat-source.h"

struct ks_kcat {
	/* out, for the tool: modes */
	bool consumer, list, query;	/* -C, -L, -Q */
	bool offsets;			/* --offsets */
	const char *group;		/* --group */
	bool properties, dump;		/* -X list, -X dump */

	/* its own */
	char of_input;			/* a letter that was given and is about what -P reads */
	const char *form;		/* -f */
	bool delimited, unbuffered;	/* -D was given, -u */
	struct ks_buf delim, key_delim, headers;
	uint32_t header_count;
	struct ks_kcat_input input;
	struct ks_kcat_format format;
	struct ks_kafka_watch watch;
	struct ks_kcat_fetched *fetched;	/* topics that are read */
	size_t fetched_count;
};

/* The letter of an option of ks_kcat's; value is NULL where it takes none.  -C -L -Q -f -D -K -Z -u -k -H -l -T. */
int	ks_kcat_option(struct ks_kcat *k, int letter, const char *value, struct ks_err *err) KS_MUST_USE;

/* Why a letter of kcat's is refused, NULL: it is none, or is not. */
const char *ks_kcat_refuse(int letter);

/* -L, -Q, -X list, -X dump: *answered, and the answer is on stdout. */
int	ks_kcat_answer(const struct ks_kcat *k, const struct ks_kafka_options *options,
	    const struct ks_config *config, bool *answered, struct ks_err *err) KS_MUST_USE;

/* What is printed, and how: config's output format.  kafka: the input is a topic. */
int	ks_kcat_settle_output(struct ks_kcat *k, struct ks_config *config, bool kafka, struct ks_err *err)
	    KS_MUST_USE;

/*
 * What is sent.  ks_kcat_settle_input refuses what does not go together;
 * ks_kcat_source makes the source, or leaves *source NULL where the input
 * is a stream, or --from says what it is.
 */
int	ks_kcat_settle_input(struct ks_kcat *k, const struct ks_config *config, struct ks_err *err)
	    KS_MUST_USE;
int	ks_kcat_source(struct ks_kcat *k, const struct ks_config *config, int wake,
	    struct ks_source **source, struct ks_err *err) KS_MUST_USE;

void	ks_kcat_release(struct ks_kcat *k);

#endif
