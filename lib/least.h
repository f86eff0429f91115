/* SPDX-License-Identifier: MIT */
/*
 * least.h - the least of many times of which some come and some go, each
 * time as often as it came.
 *
 * Two heaps in memory: what came, and what of it has gone without having been
 * the least.  A time costs 8 bytes, at most three times that and what arrays grow
 * ahead; coming and going cost what a heap does, a few steps where times
 * ascend.
 */
#ifndef KS_LEAST_H
#define KS_LEAST_H

#include "sys.h"

struct ks_least_heap {
	int64_t *list;
	size_t count, cap;
};

/* All zero bytes are none. */
struct ks_least {
	struct ks_least_heap come, gone;
};

/* 0, ENOMEM. */
int	ks_least_add(struct ks_least *x, int64_t time_ms) KS_MUST_USE;

/* One of those that were added and not removed goes: 0, ENOMEM. */
int	ks_least_remove(struct ks_least *x, int64_t time_ms) KS_MUST_USE;

/* INT64_MAX: there is none. */
static inline int64_t ks_least_first(const struct ks_least *x)
{
	return x->come.count > 0 ? x->come.list[0] : INT64_MAX;
}

void	ks_least_release(struct ks_least *x);

#endif
