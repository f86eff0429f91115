/* SPDX-License-Identifier: MIT */
/* stats.h - what a run counts, and the lines that show it. */
#ifndef KS_STATS_H
#define KS_STATS_H

#include "sys.h"

#define KS_CAUSES 16	/* more causes of a drop share the last */

struct ks_stats {
	uint64_t in, out, late;
	uint64_t rejected, duplicates;	/* by --on-error; equal keys in JSON */
	uint64_t bytes, total;		/* read; to read in all, 0: not known */
	struct {
		const char *cause;	/* a literal: compared as a pointer first */
		uint64_t count;
	} drops[KS_CAUSES];
	int64_t start_ms, shown_ms;	/* ks_clock_ms */
};

void	ks_stats_start(struct ks_stats *s);
void	ks_stats_drop(struct ks_stats *s, const char *cause);

/* "kstream-filter: 1000 in, 100 out, 900 dropped (filtered 900), 0 late, 175.0 kB, 0.01 s" to stderr. */
void	ks_stats_summary(const struct ks_stats *s, const char *program);

/* One line that is written over itself on a terminal; each 10 s where stderr is none. */
void	ks_stats_progress(struct ks_stats *s, const char *program, bool last);

#endif
