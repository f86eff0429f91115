/* SPDX-License-Identifier: MIT */
/* win-time.h - what shapes share whose windows have segments of their own. */
#ifndef KS_WIN_TIME_H
#define KS_WIN_TIME_H

#include "win.h"

/* With --align start: the spec's offset becomes that of the partition. */
void	ks_win_realign(struct ks_win *w, const struct ks_win_part *part);

/* The first and the last start of the windows that hold a record; *last -1: there are none, and that is dealt with. */
int	ks_win_span(struct ks_win *w, struct ks_win_part *part, const struct ks_rec *rec, int64_t *first,
	    int64_t *last) KS_MUST_USE;

/* Whether the spec's windows may share panes (win-panes.c). */
bool	ks_win_can_pane(const struct ks_win *w);

/* What was loaded goes into a window. */
int	ks_win_fold_at(struct ks_win *w, struct ks_win_part *part, struct ks_bytes key,
	    const struct ks_rec *rec, const struct ks_window *at) KS_MUST_USE;

/* The end of the window that starts there, of a shape whose segments are starts. */
int64_t	ks_win_end_of(const struct ks_win *w, int64_t start_ms);

/* find and open_from of struct ks_win_shape. */
int	ks_win_find_in_segment(struct ks_win *w, const struct ks_win_part *part, const struct ks_window *at,
	    struct ks_bytes key, struct ks_win_state *state) KS_MUST_USE;
int64_t	ks_win_oldest_segment(struct ks_win *w, const struct ks_win_part *part);

#endif
