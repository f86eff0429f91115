/* SPDX-License-Identifier: MIT */
/*
 * win-list.h - all windows of a key as one value of the store: for windows
 * that the records of the key make themselves (sessions, sliding ones).
 *
 * A head, then the windows in ascending order, each an entry and its state.
 * Walk one with ks_win_list_next; a new one is made in w->list and put.
 */
#ifndef KS_WIN_LIST_H
#define KS_WIN_LIST_H

#include "win.h"

struct ks_win_list {
	uint32_t used;		/* bytes in all, this head included */
	uint32_t unused;
	int64_t armed;		/* 1 + the bucket of the key's timer; 0: there is none (win-timer.h) */
};

struct ks_win_entry {
	int64_t start_ms, end_ms;
	uint32_t n;		/* bytes of state behind it, a multiple of 8 */
	uint32_t emitted;	/* it was, on close, and is kept for what later records need */
};

/* The segment of lists; those of timers are above. */
#define KS_WIN_LISTS INT64_C(0)

static inline const unsigned char *ks_win_entry_state(const struct ks_win_entry *e)
{
	return (const unsigned char *)(e + 1);
}

static inline int64_t ks_win_entry_time(const struct ks_win_entry *e)
{
	return ks_win_time(ks_win_entry_state(e));
}

/* The entry behind e, the first of all for NULL; NULL: there is none. */
static inline const struct ks_win_entry *ks_win_list_next(const struct ks_win_list *list, const struct ks_win_entry *e)
{
	const unsigned char *p = e == NULL ? (const unsigned char *)(list + 1) : ks_win_entry_state(e) + e->n;

	return list == NULL || p >= (const unsigned char *)list + list->used ? NULL :
	    (const struct ks_win_entry *)(const void *)p;
}

/* A copy of that of a key, in w->old until the next one is got; NULL: it has no windows. */
int	ks_win_list_get(struct ks_win *w, const struct ks_win_part *part, struct ks_bytes key,
	    const struct ks_win_list **list) KS_MUST_USE;

/* Begin a new list in w->list, add to it, and put it (one that is empty: delete it). */
int	ks_win_list_begin(struct ks_win *w, int64_t armed) KS_MUST_USE;
int	ks_win_list_copy(struct ks_win *w, const struct ks_win_entry *e) KS_MUST_USE;
int	ks_win_list_add(struct ks_win *w, const struct ks_window *at, const unsigned char *state, size_t n) KS_MUST_USE;
int	ks_win_list_put(struct ks_win *w, const struct ks_win_part *part, struct ks_bytes key) KS_MUST_USE;

/* find of struct ks_win_shape. */
int	ks_win_list_find(struct ks_win *w, const struct ks_win_part *part, const struct ks_window *at,
	    struct ks_bytes key, struct ks_win_state *state) KS_MUST_USE;

#endif
