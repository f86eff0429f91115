/* SPDX-License-Identifier: MIT */
/*
 * kafka-config.h - where the properties of the Kafka client come from: -b
 * and -X, a file, the environment; and how the secret ones stay unseen.
 *
 * A file is lines of NAME=VALUE, as kcat and Java's client.properties have
 * them.  The later wins: built in, the file, the command line in its order.
 */
#ifndef KS_KAFKA_CONFIG_H
#define KS_KAFKA_CONFIG_H

#include "kafka.h"

struct stat;

struct ks_kafka_list {
	struct ks_kafka_given *p;
	size_t n;
};

/* All zero bytes is an empty one. */
struct ks_kafka_config {
	struct ks_kafka_list args;	/* of the command line, as they stood there */
	struct ks_kafka_list filed;	/* of files, as they stand there */
	struct ks_kafka_list all;	/* out: what is set, in order */
	const char **files;		/* -F */
	size_t file_count;
	bool no_file;			/* -F none */
	char *found;			/* the file that was found where files are looked for */
	struct ks_buf notes;		/* out: lines for -v: the files, and what is left out of them */
	const char *exposed;		/* out: a property whose secret stood on the command line */
};

/*
 * ks_kafka_config_arg - take NAME=VALUE of -X.  A secret VALUE is wiped
 * where it stands, in argv, so that ps does not show it from here on.
 */
int	ks_kafka_config_arg(struct ks_kafka_config *c, const char *text, struct ks_err *err) KS_MUST_USE;

/* The same for the brokers of -b. */
int	ks_kafka_config_brokers(struct ks_kafka_config *c, const char *brokers, struct ks_err *err) KS_MUST_USE;

/* -F; several are read in their order, "none" and "-" are no file, as with kcat. */
int	ks_kafka_config_file(struct ks_kafka_config *c, const char *path, struct ks_err *err) KS_MUST_USE;

/*
 * ks_kafka_config_settle - read the file, or files, of -F; without -F the
 * first there is of $KSTREAM_CONFIG, kstream.conf in $XDG_CONFIG_HOME, then
 * kcat's: $KCAT_CONFIG, ~/.config/kcat.conf, ~/.config/kafkacat.conf.  Then
 * fetch values "@FILE" and "env:NAME" that nothing behind them replaces, translate Java's properties, and
 * fill options->brokers and ->properties, which are c's.
 *
 * Refused with KS_CONFIG, at FILE:LINE (KS_USAGE for -X): a property that
 * neither librdkafka nor Java has, a value it does not take, and a secret
 * in a file that others can read.  From the first secret on the process
 * leaves no core and is closed to debuggers of its user.
 */
int	ks_kafka_config_settle(struct ks_kafka_config *c, struct ks_kafka_options *options,
	    struct ks_err *err) KS_MUST_USE;

/* Secrets are overwritten before they are freed. */
void	ks_kafka_config_release(struct ks_kafka_config *c);

/* Fill err for a property at fault: where it was given, then the text; the status is that of its kind of place. */
int	ks_kafka_config_fail(struct ks_err *err, const struct ks_kafka_given *g, const char *fmt, ...)
	    KS_PRINTF(3, 4);

/* --- kafka-value.c --- */

/* Overwrite text and free it. */
void	ks_kafka_forget(char *text);

/* The text of a file, n bytes and a NUL; the caller's to forget.  NULL: errno says why. */
char *ks_kafka_read_text(const char *path, struct stat *st, size_t *n);

bool	ks_kafka_others_can_read(const struct stat *st);

/* Whether a value is "@FILE" or "env:NAME"; and what stands there in its place. */
bool	ks_kafka_is_fetched(const char *value);
int	ks_kafka_fetch(struct ks_kafka_given *g, struct ks_err *err) KS_MUST_USE;

/* --- kafka-java.c --- */

/*
 * ks_kafka_java - translate a property that Java's clients have and
 * librdkafka names otherwise.
 *
 *	g	changed in place
 *	more	out: the second property that it stands for, or no name
 *	known	out: it was Java's, and is dealt with; drop it if its name is
 *		NULL now
 */
int	ks_kafka_java(struct ks_kafka_given *g, struct ks_kafka_given *more, bool *known,
	    struct ks_err *err) KS_MUST_USE;

/* A property that Java's clients have and that means nothing here. */
bool	ks_kafka_java_only(const char *name);

#endif
