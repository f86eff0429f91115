/* SPDX-License-Identifier: MIT */
/*
 * source-own.h - what all sources that make their own stream share: when
 * HELLO goes out, that a failure waits for what came before it, and the end.
 */
#ifndef KS_SOURCE_OWN_H
#define KS_SOURCE_OWN_H

#include "ingest.h"
#include "section.h"
#include "source.h"

struct ks_own {
	struct ks_source source;	/* first: a ks_source is its ks_own */
	struct ks_section section;
	struct ks_buf frames;		/* what next hands out */
	size_t given;			/* bytes of records that it has given instead */
	struct ks_ingest *ingest;	/* where records are rejected and counted */
	int (*begin)(struct ks_own *own, struct ks_err *err);	/* HELLO, to frames */
	/* More frames; none when there is nothing now.  May wait where block is set. */
	int (*gather)(struct ks_own *own, bool block, struct ks_err *err);
	int (*passed)(struct ks_own *own, struct ks_err *err);	/* what was handed out has left this process; NULL: not asked */
	int stop;			/* kind asked for, -1: none */
	bool begun;			/* HELLO is out */
	struct ks_err failed;		/* kept until what came before it is out */
};

void	ks_own_init(struct ks_own *own, const struct ks_config *config, int wake, const char *name);
void	ks_own_release(struct ks_own *own);

/* The hook give, for who counts what is given; records among frames are in order, as control frames come last. */
void	ks_own_give(struct ks_source *source, int (*take)(void *taker, struct ks_rec *rec), void *taker);

#endif
