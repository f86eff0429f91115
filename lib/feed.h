/* SPDX-License-Identifier: MIT */
/*
 * feed.h - a stream of frames that a tool reads beside its input: of a file,
 * to its end, or of a kstream-cat (child.h), a piece at a time.
 *
 * Its main records go to put; side records are passed over.  What it brings
 * comes from outside: a stream that is cut, or is none, is refused.
 */
#ifndef KS_FEED_H
#define KS_FEED_H

#include "config.h"
#include "frame.h"

struct ks_feed {
	const char *name;	/* for messages: "users.csv", "kafka:users" */
	const struct ks_limits *limits;
	/* rec dies when it returns: 0, or a status with err filled, which ends the feed. */
	int (*put)(void *arg, struct ks_rec *rec, struct ks_err *err);
	int (*barrier)(void *arg, const struct ks_barrier *b, struct ks_err *err);	/* NULL: nothing to do */
	void *arg;
	bool begun;		/* HELLO has come */
	bool ended;		/* END has, and no HELLO behind it */
};

/* The whole frames that *left begins with; *left becomes what is behind them.  0, or a status with err filled. */
int	ks_feed_take(struct ks_feed *f, struct ks_bytes *left, struct ks_err *err) KS_MUST_USE;

/*
 * ks_feed_file - all of the file path.
 *
 *	format	of those that are read
 *	key	an expression, as --key; NULL: records bring their own
 *
 * Lines are those of --from, and the first that is none of them ends it
 * (KS_DATA, with its place), as does a signal that asks for an end (KS_TEMP).
 * KS_NOINPUT: there is no such file.
 */
int	ks_feed_file(struct ks_feed *f, const char *path, enum ks_format format, const char *key,
	    const struct ks_config *like, struct ks_err *err) KS_MUST_USE;

#endif
