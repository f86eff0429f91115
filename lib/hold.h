/* SPDX-License-Identifier: MIT */
/*
 * hold.h - changes of a table held back: of each key the last one, as
 * waiting.h says, in the store of the table beside its rows.  Functions that
 * return int return 0 or a ks_status with err filled.
 */
#ifndef KS_HOLD_H
#define KS_HOLD_H

#include "frame.h"
#include "table.h"

struct ks_hold {
	struct ks_table *table;
	const struct ks_limits *limits;
	struct ks_waiting_room room;	/* wait_ms, max_records: the caller's */
};

void	ks_hold_init(struct ks_hold *h, struct ks_table *t, const struct ks_limits *limits);
void	ks_hold_release(struct ks_hold *h);

/* The table is open; what a store that was there before holds goes on waiting. */
int	ks_hold_open(struct ks_hold *h, struct ks_err *err) KS_MUST_USE;

/*
 * ks_hold_put - hold rec back, whose value is the new row.  before is the
 * row before it, kept if the key is not held yet.  key: rec->key as state
 * knows it.  The partition's time has come to rec's.
 */
int	ks_hold_put(struct ks_hold *h, struct ks_table_part *part, struct ks_bytes key, const struct ks_rec *rec,
	    struct ks_bytes before, struct ks_err *err) KS_MUST_USE;

/*
 * ks_hold_take - take the first one that is due, or with all the first one.
 * *more: there was one; rec and before, the row that was there before all
 * that was held, are valid until the next call.
 */
int	ks_hold_take(struct ks_hold *h, struct ks_table_part *part, bool all, struct ks_rec *rec,
	    struct ks_bytes *before, bool *more, struct ks_err *err) KS_MUST_USE;

/* The earliest time of a record that is held; INT64_MAX: none is. */
int	ks_hold_earliest(struct ks_hold *h, struct ks_table_part *part, int64_t *time_ms, struct ks_err *err) KS_MUST_USE;

#endif
