/* SPDX-License-Identifier: MIT */
/* query-ask.h - ask a stage that runs, at its socket. */
#ifndef KS_QUERY_ASK_H
#define KS_QUERY_ASK_H

#include "query.h"

#define KS_QUERY_WAIT_S 10	/* without a byte, after which the stage is given up */

/*
 * What an answer is handed to: rows 'r' and the end 'e', each a map that was
 * checked.  Returns 0, a status, or -1: that is enough.
 */
typedef int ks_query_take(void *arg, unsigned char kind, struct ks_bytes map, struct ks_err *err);

/*
 * ks_query_ask_at - ask the stage whose directory is dir.  KS_UNAVAILABLE:
 * it does not run; KS_TEMP: it does not answer, or went before the answer was whole.
 */
int	ks_query_ask_at(const char *dir, const struct ks_query_ask *ask, const struct ks_limits *limits,
	    ks_query_take *take, void *arg, struct ks_err *err) KS_MUST_USE;

/* The messages that stand in b, up to one that is not whole, are handed on and taken off it; *over: the end was among them. */
int	ks_query_hand(struct ks_buf *b, unsigned depth, ks_query_take *take, void *arg, bool *over,
	    struct ks_err *err) KS_MUST_USE;

#endif
