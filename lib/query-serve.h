/* SPDX-License-Identifier: MIT */
/*
 * query-serve.h - the socket at which a running stage is asked about its state.
 *
 * One thread does all: between two pieces of input the loop gives a turn to
 * those who ask.  A turn never waits, and while there is input it has the
 * tenth part of the time at most; records cost nothing.  What a client may do: ask one
 * question of KS_QUERY_MAX bytes at most, and read the answer.  One
 * that does nothing for KS_SERVE_PATIENCE_MS, goes, or asks what is no
 * question is let go.  More than KS_SERVE_CLIENTS wait until others are done.
 *
 * Who may ask: processes of the same user, and root.
 */
#ifndef KS_QUERY_SERVE_H
#define KS_QUERY_SERVE_H

#include "query.h"

#define KS_SERVE_CLIENTS 32
#define KS_SERVE_PATIENCE_MS 10000

struct ks_serve;

/*
 *	wake	an fd that wakes the loop; *wake becomes one that also does when
 *		somebody asks
 *	answer	appends what is next to q->out, by ks_query_walk; the status it
 *		returns ends the question, and the stage too where it is KS_IO or KS_CONFIG
 */
int	ks_serve_open(struct ks_serve **s, int *wake, unsigned depth, size_t record,
	    int (*answer)(void *arg, struct ks_query *q, struct ks_err *err), void *arg, struct ks_err *err) KS_MUST_USE;
void	ks_serve_close(struct ks_serve *s);	/* removes the socket; NULL is allowed */

/*
 * Listen at DIR/sock; what is there is from a process that is no more.
 *
 *	lock	dir is this process's by a lock that somebody else holds; false: take it here
 *
 * Does nothing if it listens already.
 */
int	ks_serve_listen(struct ks_serve *s, const char *dir, bool lock, struct ks_err *err) KS_MUST_USE;

/* A turn.  busy: there is input, so no more than a part of the time. */
int	ks_serve_turn(struct ks_serve *s, bool busy, struct ks_err *err) KS_MUST_USE;

#endif
