/* SPDX-License-Identifier: MIT */
/*
 * stats.h - what a run counts, and the lines that show it.
 *
 * A record that was read goes one way, and so does a result that a tool has
 * made of several: in + results = out + dropped + late + rejected + folded.
 * kstream(7), COUNTERS, is the contract.
 */
#ifndef KS_STATS_H
#define KS_STATS_H

#include "sys.h"

#define KS_CAUSES 16	/* more causes of a drop share the last */

struct ks_stats {
	uint64_t in, out, late;		/* records that came to the loop, that left it */
	uint64_t folded, results;	/* taken into a state or an answer; made of it */
	uint64_t rejected, duplicates;	/* by --on-error; equal keys in JSON */
	uint64_t unmade;		/* read by the source, but no record came of it */
	uint64_t letters, lost;		/* of out: dead letters of the source's own; not taken by a broker */
	uint64_t bytes, total;		/* read; to read in all, 0: not known */
	double part;			/* of all that is to be done, what is: 0 to 1; 0: bytes and total say it */
	struct {
		const char *cause;	/* a literal: compared as a pointer first */
		uint64_t count;
	} drops[KS_CAUSES];
	int64_t start_ms, shown_ms;	/* ks_clock_ms */
};

void	ks_stats_start(struct ks_stats *s);
void	ks_stats_drop(struct ks_stats *s, const char *cause);
void	ks_stats_drops(struct ks_stats *s, const char *cause, uint64_t count);	/* so many more */
void	ks_stats_dropped(struct ks_stats *s, const char *cause, uint64_t count);	/* so many by now, all told */

/* A line to stderr, "PROGRAM: TEXT", in one write: processes that share a terminal do not cut each other's lines. */
void	ks_say(const char *program, const char *text);

/* "kstream-filter: 1000 in, 100 out, 900 dropped (filtered 900), 0 late, 0 rejected, 175.0 kB, 0.01 s" to stderr. */
void	ks_stats_summary(const struct ks_stats *s, const char *program);

/*
 * A line that is written over itself on a terminal, and is one of many where
 * stderr is none.  ks_stats_due says whether it is time for it: each 0.2 s, or
 * 10; *shown_ms (ks_clock_ms) is when it was the last time.
 */
bool	ks_stats_due(int64_t *shown_ms);
void	ks_stats_over(const char *program, const char *text, bool last);

/* Such a line, of what is counted. */
void	ks_stats_progress(struct ks_stats *s, const char *program, bool last);

#endif
