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

/* Of the child of KS_FEED_WHOLE, whose stream is fd: all of it to its END, and the end of the child. */
int	ks_feed_whole(struct ks_feed *f, struct ks_children *k, int fd, struct ks_err *err) KS_MUST_USE;

/* It cannot be read: no is an errno. */
int	ks_feed_failed(const struct ks_feed *f, int no, struct ks_err *err);

#endif
