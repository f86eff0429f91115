/* SPDX-License-Identifier: MIT */
/*
 * query-rest.h - ask a state at rest: as of the last committed epoch, by the
 * lock that the stage itself would have.
 */
#ifndef KS_QUERY_REST_H
#define KS_QUERY_REST_H

#include "config.h"
#include "query-ask.h"

/*
 * ks_query_rest - as ks_query_ask_at.  KS_TEMP: a process has the state, and
 * is to be asked itself.  Nothing of the state is changed; what a killed process
 * has left in the log of its file is put in order, as the next run would.
 */
int	ks_query_rest(const struct ks_config *config, const char *app, const char *stage, const char *owner,
	    const struct ks_query_ask *ask, ks_query_take *take, void *arg, struct ks_err *err) KS_MUST_USE;

#endif
