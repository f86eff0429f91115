/* SPDX-License-Identifier: MIT */
/* query-find.h - where a stage is asked: the instances of an app on this host. */
#ifndef KS_QUERY_FIND_H
#define KS_QUERY_FIND_H

#include "owner.h"
#include "sys.h"

/* A stage in the directories below --state-dir. */
struct ks_query_places {
	char *stage;
	char (*instances)[KS_OWNER_ROOM];	/* names of their directories: numbers in order, then names */
	size_t count, cap;
};

/*
 * ks_query_find - the instances of app that have a directory of the stage
 * with something of that name in it: "sock" of a stage that runs, "db" of
 * one that keeps its state.
 *
 *	stage	NULL: the only one there is (KS_USAGE, naming them, where there are several)
 *
 * KS_NOINPUT: there is no such app, or none with that; KS_UNAVAILABLE: none
 * runs.  Release in any case.
 */
int	ks_query_find(struct ks_query_places *p, const char *state_dir, const char *app, const char *stage,
	    const char *with, struct ks_err *err) KS_MUST_USE;
void	ks_query_places_release(struct ks_query_places *p);

#endif
