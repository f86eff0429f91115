/* SPDX-License-Identifier: MIT */
/*
 * child-args.h - the command line of a child (child.h), word by word, and
 * which of the tool's options go to which child.
 */
#ifndef KS_CHILD_ARGS_H
#define KS_CHILD_ARGS_H

#include "options.h"

/* All zero bytes is none. */
struct ks_args {
	char **argv;		/* up to a NULL */
	size_t count;
	bool failed;		/* there was no memory for a word: not to be run */
};

/* --NAME=VALUE in one word: whatever VALUE is, it is no option.  value NULL: name alone. */
void	ks_args_add(struct ks_args *c, const char *name, const char *value);

/* A topic as an endpoint, kafka:TOPIC. */
void	ks_args_topic(struct ks_args *c, const char *option, const char *topic);

/* Whether a broker was named, or what may name it: a stage in a pipe need not have been told. */
bool	ks_args_names_kafka(const struct ks_options *o) KS_MUST_USE;

/* What was given of KS_TO_SOURCE or KS_TO_SINK. */
void	ks_args_given(struct ks_args *c, const struct ks_options *o, unsigned to);

/* What it takes to reach Kafka, and nothing that is about records. */
void	ks_args_reach(struct ks_args *c, const struct ks_options *o);

/* The first half of --through: its input, and how it writes the topic. */
void	ks_args_first(struct ks_args *c, const struct ks_options *o);

/* The reader of --through: the topic as the first half writes it, from its present end on. */
void	ks_args_second(struct ks_args *c, const struct ks_options *o);

/* The reader of a topic beside the input: to its present end, or from that on. */
void	ks_args_feed(struct ks_args *c, const struct ks_options *o, bool whole);
void	ks_args_log(struct ks_args *c, const struct ks_options *o, const char *partitions);	/* of a changelog: bytes */

/* The reader of an input that is a topic (kafka:TOPIC) or a file, to its present end: as the tool was told to read. */
void	ks_args_input(struct ks_args *c, const struct ks_options *o, const char *input);

void	ks_args_drop(struct ks_args *c);

#endif
