/* SPDX-License-Identifier: MIT */
/* loop-look.c - between two reads: what the counters are, and whether a signal asks for the end. */
#include <stdatomic.h>

#include "loop.h"
#include "signals.h"

/* They have come to nobody, and count as if this tool had dropped them. */
static void count_left_out(struct ks_frame_loop *l)
{
	uint64_t n = atomic_load_explicit(&l->left_out->records, memory_order_relaxed);
	struct ks_wants wants;

	if (n == l->left_out_seen || !l->op->wants(l->st, &wants))
		return;
	l->stats.in += n - l->left_out_seen;
	ks_stats_drops(&l->stats, wants.cause, n - l->left_out_seen);
	l->left_out_seen = n;
}

void ks_loop_look(struct ks_frame_loop *l, bool *stop)
{
	const struct ks_ingest *g = l->source != NULL ? l->source->ingest : NULL;

	l->stats.rejected = l->reject.count;
	if (g != NULL) {
		l->stats.rejected += g->reject.count;
		l->stats.letters = g->reject.letters;
		l->stats.unmade = g->reject.count - g->reject.letters + g->bad_times + g->outside;
		ks_stats_dropped(&l->stats, "bad time", g->bad_times);
		ks_stats_dropped(&l->stats, ks_outside, g->outside);
	}
	if (l->sink != NULL)
		l->stats.lost = l->sink->lost;
	if (l->source != NULL) {
		l->stats.bytes = l->source->stats.bytes;
		l->stats.total = l->source->stats.total;
		l->stats.duplicates = l->source->stats.duplicates;
	}
	if (l->left_out != NULL) {
		count_left_out(l);
		l->stats.bytes += atomic_load_explicit(&l->left_out->bytes, memory_order_relaxed);
	}
	if (l->config->progress)
		ks_stats_progress(&l->stats, l->config->program, false);
	*stop = ks_signals_end() != 0;
	if (ks_signals_status())
		ks_stats_summary(&l->stats, l->config->program);
}
