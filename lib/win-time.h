/* SPDX-License-Identifier: MIT */
/* win-time.h - what shapes share whose windows have segments of their own. */
#ifndef KS_WIN_TIME_H
#define KS_WIN_TIME_H

#include "win.h"

/* With --align start: the spec's offset becomes that of the partition, which takes it from its first record. */
int	ks_win_align(struct ks_win *w, struct ks_win_part *part, int64_t time_ms) KS_MUST_USE;

/* What was loaded goes into a window. */
int	ks_win_fold_at(struct ks_win *w, struct ks_win_part *part, struct ks_bytes key,
	    const struct ks_rec *rec, const struct ks_window *at) KS_MUST_USE;

/* find and open_from of struct ks_win_shape. */
int	ks_win_find_in_segment(struct ks_win *w, const struct ks_win_part *part, const struct ks_window *at,
	    struct ks_bytes key, struct ks_win_state *state) KS_MUST_USE;
int64_t	ks_win_oldest_segment(struct ks_win *w, const struct ks_win_part *part);

#endif
