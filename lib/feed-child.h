/* SPDX-License-Identifier: MIT */
/* feed-child.h - what a kstream-cat (ks_children_feed) brings, a piece at a time or until there is enough of it. */
#ifndef KS_FEED_CHILD_H
#define KS_FEED_CHILD_H

#include "child.h"
#include "fdio.h"
#include "feed.h"

/* fd is the child's stream; f->name and limits are set.  Released by ks_in_release. */
int	ks_feed_open(const struct ks_feed *f, struct ks_in *in, int fd, struct ks_err *err) KS_MUST_USE;

/* What can be read goes to f; in->eof: it has come to its end. */
int	ks_feed_piece(struct ks_feed *f, struct ks_in *in, struct ks_err *err) KS_MUST_USE;

/* Until *enough, or the stream is at its end; KS_TEMP where a signal asks for ours. */
int	ks_feed_until(struct ks_feed *f, struct ks_in *in, const bool *enough, struct ks_err *err) KS_MUST_USE;

/*
 * All that fd brings, of KS_FEED_WHOLE: f->ended is set, or it has failed.
 * fd is taken.
 */
int	ks_feed_whole(struct ks_feed *f, struct ks_children *children, int fd, struct ks_err *err) KS_MUST_USE;

/* Its end has come when it should not: it has failed, or was asked to end by somebody, KS_TEMP. */
int	ks_feed_lost(const struct ks_feed *f, struct ks_children *children, enum ks_child_feed which, struct ks_err *err);

/* It cannot be read: no is an errno. */
int	ks_feed_failed(const struct ks_feed *f, int no, struct ks_err *err);

#endif
