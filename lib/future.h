/* SPDX-License-Identifier: MIT */
/*
 * future.h - --max-future: a time too far ahead of the clock is not believed,
 * before it moves event time, which would not come back.
 */
#ifndef KS_FUTURE_H
#define KS_FUTURE_H

#include "op.h"

/* Zeroed is none given. */
struct ks_future {
	bool given;
	int64_t max_ms;		/* of given: ahead of the clock; INT64_MAX: as far as it will */
	int64_t now_max_ms;	/* of this section */
	int64_t known_ms;	/* up to it no clock has to be asked; INT64_MAX: never */
};

/* "1h", or "off": KS_USAGE. */
int	ks_future_option(struct ks_future *f, const char *value, struct ks_err *err) KS_MUST_USE;

/* A section begins.  live: then it is an hour, unless it was given.  heeds: whether times are looked at, at all. */
void	ks_future_begin(struct ks_future *f, bool live, bool heeds);

bool	ks_future_ask(struct ks_future *f, int64_t time_ms);

/* Whether it is too far ahead.  The clock is asked only for times that it was not known to have come near. */
static inline bool ks_future_is(struct ks_future *f, int64_t time_ms)
{
	return KS_UNLIKELY(time_ms > f->known_ms) && ks_future_ask(f, time_ms);
}

/* rec is of such a time: to --on-error. */
int	ks_future_reject(struct ks_run *run, const struct ks_rec *rec) KS_MUST_USE;

/*
 * ks_future_mark - what becomes of a mark whose time is too far ahead: it is
 * not heeded, and goes no further; but that the partition is silent is so
 * whatever the time.  Event time is stream_ms, -1: there is none.  True: there
 * is nothing left to do.
 */
bool	ks_future_mark(struct ks_future *f, struct ks_mark *m, int64_t stream_ms);

#endif
