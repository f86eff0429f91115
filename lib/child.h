/* SPDX-License-Identifier: MIT */
/*
 * child.h - the kstream-cats that a tool runs for --in and --out kafka:TOPIC.
 *
 * The tool stands between them as in a pipeline written by hand: the source
 * writes frames to its stdin, the sink reads the frames that it writes.
 * What differs is who is told what.  Ctrl-C comes to the tool alone, which
 * asks the source to end; one failure is one line, of whoever failed first;
 * and the tool ends last, with the status of that one.
 */
#ifndef KS_CHILD_H
#define KS_CHILD_H

#include "buf.h"
#include "options.h"
#include "sieve.h"

#include <sys/types.h>

/* In the environment of a first half (ks_children_through). */
#define KS_THROUGH "KSTREAM_THROUGH"

/* All zero bytes is none. */
struct ks_child {
	pid_t pid;
	const char *what;	/* "reads", "writes" */
	char name[sizeof("kafka: ...") + KS_NAME_MAX];	/* "kafka:orders" */
	bool self;		/* it is this program, not a kstream-cat */
	bool prints;		/* its stdout is the tool's: --verify */
	int ended;		/* as waitpid(2) tells it */
};

/* Of a topic that a tool reads beside its input: from its beginning to its present end, or from that on. */
enum ks_child_feed { KS_FEED_WHOLE, KS_FEED_ON, KS_FEEDS };

struct ks_children {
	struct ks_child source, sink;
	struct ks_child feeds[KS_FEEDS];
	int feed_fds[KS_FEEDS];	/* their streams, while pid > 0 */
	struct ks_child first;	/* the first half of --through: this program once more; source reads what it writes */
	int input;		/* its stdin: this program's, before that was the source's stream; -1: none */
	bool hands_on;		/* the environment tells children of the token */
	bool serves;		/* this process is such a child itself */
	/*
	 * Who fails first takes the 1 out of this eventfd(2), and puts in 2 and its
	 * status.  -1: this process is alone.
	 */
	int token;
	struct ks_wanted wanted;	/* of the tool by this process, or by this tool of the source */
	int turn;		/* 1: this process has failed first, -1: another one has, 0: not asked yet */
};

/*
 * ks_child_find - a program of this name beside this one, so that a tool that
 * is not installed runs its own; name NULL: this program itself.  In room, or
 * NULL: there is none, and PATH may have it.
 */
const char *ks_child_find(const char *name, char *room, size_t size);

/* First of all: whether this process is one.  Then signals are the tool's business. */
void	ks_children_begin(struct ks_children *k);

/*
 * Run a kstream-cat that reads config->topics; its stream is stdin from then on.
 * wants: what it may leave out, and k->wanted then counts; NULL: nothing.
 */
int	ks_children_source(struct ks_children *k, const struct ks_options *o, const struct ks_wants *wants,
	    struct ks_err *err) KS_MUST_USE;

/* Run one that writes config->out_topic; *fd takes the stream. */
int	ks_children_sink(struct ks_children *k, const struct ks_options *o, int *fd, struct ks_err *err) KS_MUST_USE;

/*
 * ks_children_ask - run one that is asked something, and wait for it.  It is
 * told how to reach Kafka, and the words, up to a NULL; out takes its stdout.
 * Where it has failed it has said why, as the others do.
 */
int	ks_children_ask(struct ks_children *k, const struct ks_options *o, const char *const words[], struct ks_buf *out,
	    struct ks_err *err) KS_MUST_USE;

/* How many partitions topic has; KS_CONFIG: there is no such topic. */
int	ks_children_partitions(struct ks_children *k, const struct ks_options *o, const char *topic, int32_t *count,
	    struct ks_err *err) KS_MUST_USE;

/*
 * --through TOPIC: a tool in two processes with a topic between them.  This
 * one reads the topic (o->through, ks_children_source) from its end on; when
 * that is known it runs the first half, which reads what was to be read, is
 * given the words, up to a NULL, and writes the topic.
 */
int	ks_children_through(struct ks_children *k, const struct ks_options *o, const char *const words[],
	    struct ks_err *err) KS_MUST_USE;

/* Make the topic of --through, where --create-topics says so. */
int	ks_children_make(struct ks_children *k, const struct ks_options *o, struct ks_err *err) KS_MUST_USE;

/*
 * Whether the first half has come to its end: a status where it failed, and
 * has said so.  paused: its input was, as it tells by KS_NO.
 */
int	ks_children_ended(struct ks_children *k, bool *ended, bool *paused, struct ks_err *err) KS_MUST_USE;

/*
 * ks_children_feed - run one that reads topic; *fd takes its stream of frames,
 * and stays k's.  It is told how to reach Kafka, the limits, how keys are read,
 * --isolation, and --on-error where that is skip; its values are JSON.
 *
 * ks_children_fed - that stream is read to its end, or has come to one: wait for
 * it.  KS_TEMP, or what it ended with, where it has failed.
 */
int	ks_children_feed(struct ks_children *k, const struct ks_options *o, const char *topic, enum ks_child_feed which, int *fd,
	    struct ks_err *err) KS_MUST_USE;
/* The same of a changelog, from its beginning to its present end: of these partitions ("0,3") all that is committed, as bytes. */
int	ks_children_feed_log(struct ks_children *k, const struct ks_options *o, const char *topic, const char *partitions, int *fd,
	    struct ks_err *err) KS_MUST_USE;
/* The same of a file, or of a topic as kafka:TOPIC, read as the tool was told to read: of an input, not beside one. */
int	ks_children_feed_input(struct ks_children *k, const struct ks_options *o, const char *input, int *fd,
	    struct ks_err *err) KS_MUST_USE;
int	ks_children_fed(struct ks_children *k, enum ks_child_feed which, struct ks_err *err) KS_MUST_USE;

/* The end of each of count partitions of topic. */
int	ks_children_ends(struct ks_children *k, const struct ks_options *o, const char *topic, int64_t *ends, int32_t count,
	    struct ks_err *err) KS_MUST_USE;

/* Once they run: overwrite the values of -X in argv; those that are run later have a copy. */
void	ks_children_hide(const struct ks_children *k, const struct ks_options *o);

/* This process has failed with status, before it closes anything: true, if it is the first to. */
bool	ks_children_first(struct ks_children *k, int status);

/*
 * ks_children_end - the output is closed: wait for them.
 *
 *	status	in and out: what the tool ends with
 *	err	likewise, for its line; where a child was killed, that is told
 *
 * Returns whether the line is to be printed: another process may have done so.
 */
bool	ks_children_end(struct ks_children *k, int *status, struct ks_err *err);

#endif
