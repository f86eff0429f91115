/* SPDX-License-Identifier: MIT */
/*
 * window-store.h - state per key and window, and the event time of each
 * partition that says which windows are closed.
 *
 * State and time are kept by partition number (DESIGN section 3): two
 * streams of one operator share them.  Functions that return int return 0
 * or a ks_status with err filled.
 */
#ifndef KS_WINDOW_STORE_H
#define KS_WINDOW_STORE_H

#include "buf.h"
#include "store.h"
#include "window.h"

/* What is known of a partition beside its windows. */
struct ks_window_part {
	int32_t partition;
	int64_t stream_ms;	/* the largest event time seen; -1: none */
	int64_t oldest_end_ms;	/* of the windows kept; INT64_MAX: there are none */
	struct ks_buf topic;	/* of its last record, for outputs that no record causes; n == 0: none */
	struct ks_buf route;
};

struct ks_window_store {
	struct ks_window_spec spec;
	struct ks_store *store;
	struct ks_window_part **parts;	/* by partition */
	size_t count, cap;
	struct ks_window_part *last;	/* that of the last call */
};

/* spec has passed ks_window_check; seed as in store.h.  close may follow a failed open. */
int	ks_window_store_open(struct ks_window_store *ws, const struct ks_window_spec *spec,
	    uint64_t seed, struct ks_err *err) KS_MUST_USE;
void	ks_window_store_close(struct ks_window_store *ws);

/* The partition, made if it is new.  It lives until close. */
int	ks_window_store_part(struct ks_window_store *ws, int32_t partition,
	    struct ks_window_part **part, struct ks_err *err) KS_MUST_USE;

/* The event time of a partition has come to time_ms; never goes back. */
static inline void ks_window_part_advance(struct ks_window_part *part, int64_t time_ms)
{
	if (time_ms > part->stream_ms)
		part->stream_ms = time_ms;
}

/* The state of a key in a window, as ks_store_get and ks_store_put. */
int	ks_window_store_get(struct ks_window_store *ws, const struct ks_window_part *part,
	    const struct ks_window *w, struct ks_bytes key, struct ks_store_value *v,
	    struct ks_err *err) KS_MUST_USE;
int	ks_window_store_put(struct ks_window_store *ws, struct ks_window_part *part,
	    const struct ks_window *w, struct ks_bytes key, size_t n, struct ks_store_value *v,
	    struct ks_err *err) KS_MUST_USE;

int	ks_window_store_delete(struct ks_window_store *ws, const struct ks_window_part *part,
	    const struct ks_window *w, struct ks_bytes key, struct ks_err *err) KS_MUST_USE;

/* The oldest window of a partition that is kept; false: none is. */
bool	ks_window_store_oldest(const struct ks_window_store *ws, const struct ks_window_part *part,
	    struct ks_window *w);

/* Whether the oldest window that is kept is closed. */
static inline bool ks_window_store_any_closed(const struct ks_window_store *ws,
    const struct ks_window_part *part)
{
	return part->oldest_end_ms <= ks_window_close_time(&ws->spec, part->stream_ms);
}

/* A scan of the keys of a window, by bytes; as ks_store_scan_begin. */
int	ks_window_store_scan(const struct ks_window_store *ws, const struct ks_window_part *part,
	    const struct ks_window *w, struct ks_store_scan *scan, struct ks_err *err) KS_MUST_USE;

/* Forget a window and all its state. */
void	ks_window_store_drop(struct ks_window_store *ws, struct ks_window_part *part,
	    const struct ks_window *w);

#endif
