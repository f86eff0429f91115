/* SPDX-License-Identifier: MIT */
/*
 * source-own.h - what all sources that make their own stream share: when
 * HELLO and barriers go out, that a failure waits for what came before it,
 * what -c counts, and the end.
 */
#ifndef KS_SOURCE_OWN_H
#define KS_SOURCE_OWN_H

#include "fdio.h"
#include "idle.h"
#include "ingest.h"
#include "section.h"
#include "source.h"

struct ks_own {
	struct ks_source source;	/* first: a ks_source is its ks_own */
	struct ks_section section;
	struct ks_buf frames;		/* what next hands out */
	size_t given;			/* bytes of records that it has given instead */
	int64_t left;			/* of -c, -1: no limit */
	struct ks_idle idle;		/* --idle */
	int (*take_on)(void *taker, struct ks_rec *rec);	/* with --idle: who is given records */
	void *taker;
	struct ks_err *err;		/* of next, for it */
	struct ks_ingest *ingest;	/* where records are rejected and counted */
	int (*begin)(struct ks_own *own, struct ks_err *err);	/* HELLO, to frames */
	/* More frames; none when there is nothing now.  May wait where block is set. */
	int (*gather)(struct ks_own *own, bool block, struct ks_err *err);
	/* Of ks_own_gather: what is held becomes frames, until there is enough to hand out; *more: some may be left. */
	int (*take)(struct ks_own *own, bool *more, struct ks_err *err);
	/* And none was: more input, or the next file, or the end; *wait: nothing now. */
	int (*advance)(struct ks_own *own, bool block, bool *wait, struct ks_err *err);
	/* Of what frames hold and all before it, for a barrier; dies at the next call. */
	int (*positions)(struct ks_own *own, struct ks_bytes *positions, struct ks_err *err);
	int (*passed)(struct ks_own *own, struct ks_err *err);	/* what was handed out has left this process; NULL: not asked */
	void (*awake)(void *own, struct ks_idle *x);	/* as ks_idle_look wants it */
	int stop;			/* kind asked for, -1: none */
	bool begun;			/* HELLO is out */
	bool again;			/* behind this END another section follows */
	struct ks_err failed;		/* kept until what came before it is out */
};

void	ks_own_init(struct ks_own *own, const struct ks_config *config, int wake, const char *name);
void	ks_own_release(struct ks_own *own);

/* Records have been made, for frames or given; letter: as a dead letter, which -c does not count. */
static inline void ks_own_count(struct ks_own *own, int made, bool letter)
{
	own->section.hop += made;
	if (own->left > 0 && made > 0)
		own->left -= !letter;
}

/* A last barrier of that kind, for what positions tells, and END. */
int	ks_own_end(struct ks_own *own, enum ks_kind kind, struct ks_err *err) KS_MUST_USE;

/* Between two steps of gather: the section ends where it was asked to, or is over; or a barrier is due.  *out: it is in frames. */
int	ks_own_turn(struct ks_own *own, bool over, bool *out, struct ks_err *err) KS_MUST_USE;

/* The hook gather by two smaller ones: as far as the input goes without waiting, or until there is enough to hand out. */
int	ks_own_gather(struct ks_own *own, bool block, struct ks_err *err) KS_MUST_USE;

/* More can be read from fd: *ready.  Where block is set this waits for it, and may give a PING instead. */
int	ks_own_wait(struct ks_own *own, int fd, bool block, bool *ready, struct ks_err *err) KS_MUST_USE;

/* Read it. */
int	ks_own_fill(struct ks_own *own, struct ks_in *in, struct ks_err *err) KS_MUST_USE;

/* The hook give, for who counts what is given; records among frames are in order, as control frames come last. */
void	ks_own_give(struct ks_source *source, int (*take)(void *taker, struct ks_rec *rec), void *taker);

#endif
