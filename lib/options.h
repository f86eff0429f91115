/* SPDX-License-Identifier: MIT */
/*
 * options.h - the command line that all tools share, and a tool's own part
 * of it, in one table for getopt_long and --help.
 */
#ifndef KS_OPTIONS_H
#define KS_OPTIONS_H

#include "config.h"

/* One option of a tool.  The table ends with name == NULL. */
struct ks_option {
	const char *name;	/* long name, without dashes */
	int letter;		/* its short twin, 0: none */
	const char *arg;	/* what its argument is called, NULL: takes none */
	const char *help;	/* a few words, for --help; NULL: it stands there among others of its kind */
};

/* An option that was given, for a kstream-cat that a tool runs (options-kafka.h). */
struct ks_given {
	const struct ks_option *option;
	const char *value;	/* NULL: it takes none */
	char *shown;		/* of -X, in argv: it may be a secret, and value is a copy; NULL: of others */
	unsigned to;		/* who is given it */
	bool kafka;		/* of ks_kafka_options */
};

struct ks_options {
	/* in: what the tool is */
	const char *name, *synopsis, *purpose;
	const struct ks_option *own;
	const char *may_be_empty;	/* letters of options whose argument may be; NULL: of none */
	const char *(*refuse)(int letter);	/* why a letter that is in no table is refused, NULL: it is unknown; NULL: none is */
	int (*set)(void *arg, unsigned at, const char *value);	/* an option of its own; err is its business */
	void *arg;

	/* out */
	struct ks_config config;
	bool help, version;	/* asked for: nothing else counts */
	int first;		/* index in argv of the first operand (argv is permuted) */
	const char **in, **topics;	/* what config points to */
	const char *through;	/* in, likewise: the topic between two halves, NULL: it is not in halves */
	bool through_raw;	/* values go through it as they are: --from raw */
	const char *const *first_in, *const *first_topics;	/* what the first half reads, as it was given */
	size_t first_in_count, first_topic_count, first_in_given;
	bool replays;		/* in: as in op.h */
	bool asks_kafka;	/* in, before ks_options_check: the tool itself asks Kafka something */
	struct ks_given *given;
	size_t given_count;
	char *state_dir;
	const char *of_time;	/* an option that was given and is about --time EXPR alone */
};

/*
 * ks_options_parse - fill o->config from argv and the environment.
 * Returns 0, KS_USAGE with err filled, or what set returned.
 */
int	ks_options_parse(struct ks_options *o, int argc, char *argv[], struct ks_err *err)
	    KS_MUST_USE;

/* File operands go behind what --in named. */
int	ks_options_files(struct ks_options *o, int count, char *const files[], struct ks_err *err)
	    KS_MUST_USE;

/* --since (or else --until) from its value. */
int	ks_options_range(struct ks_config *config, bool since, const char *value, struct ks_err *err) KS_MUST_USE;

/* A duration, the value of --NAME, in ms; KS_USAGE. */
int	ks_options_duration(const char *name, const char *value, int64_t *ms, struct ks_err *err) KS_MUST_USE;

/* --types, --color, --fields and --columns from their values; and whether they have something to be about. */
int	ks_options_types(struct ks_config *config, const char *value, struct ks_err *err) KS_MUST_USE;
int	ks_options_color(struct ks_config *config, const char *value, struct ks_err *err) KS_MUST_USE;
int	ks_options_names(const char **names, const char *option, const char *value, struct ks_err *err) KS_MUST_USE;
int	ks_options_formats(const struct ks_options *o, struct ks_err *err) KS_MUST_USE;

/* --guarantee from its value; and whether there is an app that it is about: with none there is no app any more. */
int	ks_options_guarantee(struct ks_config *config, const char *value, struct ks_err *err) KS_MUST_USE;
int	ks_options_check_guarantee(struct ks_config *config, struct ks_err *err) KS_MUST_USE;

/* --expr-limit STEPS[,SIZE]. */
int	ks_options_expr_limit(struct ks_limits *limits, const char *value, struct ks_err *err) KS_MUST_USE;

/* What only makes sense together, once all is known. */
int	ks_options_check(struct ks_options *o, struct ks_err *err) KS_MUST_USE;

/* Whether text can be the name of a topic, route or stage. */
bool	ks_is_name(const char *text, size_t n);

void	ks_options_release(struct ks_options *o);

/* Whether the argument of a tool's option may be empty. */
bool	ks_options_empty(const struct ks_options *o, const struct ks_option *own);

/*
 * ks_options_print - --help of a tool, to stdout.  The shared options stand
 * as text has them; where the tool has so many of its own that some have no
 * line (help == NULL), by their names alone: all must fit one screen.
 */
void	ks_options_print(const struct ks_options *o, const struct ks_option *shared, size_t count, const char *text);

/* --help and --version, to stdout. */
void	ks_options_help(const struct ks_options *o);
void	ks_options_version(const struct ks_options *o);

#endif
