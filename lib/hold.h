/* SPDX-License-Identifier: MIT */
/*
 * hold.h - changes of a table held back: of each key the last one, for some
 * event time from its first one on, or until there are too many.
 *
 * What is held stands whole in the store of the table, beside its rows, with
 * the time it is due; the order by that time is made anew from there.  A
 * newer change of a key takes the place of the one that is held, and is due
 * when that was.  Source: semantics.md 3.4, untilTimeLimit; oracle/model.py,
 * class Suppress.  Functions that return int return 0 or a ks_status with err
 * filled.
 */
#ifndef KS_HOLD_H
#define KS_HOLD_H

#include "frame.h"
#include "table.h"

struct ks_hold {
	struct ks_table *table;
	const struct ks_limits *limits;
	int64_t wait_ms;	/* from the time of a key's first change on */
	uint64_t max_records;	/* in a partition; more of them, and the earliest goes; 0: no limit */
	struct ks_buf out;	/* what was taken last */
};

void	ks_hold_init(struct ks_hold *h, struct ks_table *t, const struct ks_limits *limits);
void	ks_hold_release(struct ks_hold *h);

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

/* The earliest time of a record that is held; INT64_MAX: none is.  What was the earliest may have to be looked for. */
int	ks_hold_earliest(struct ks_hold *h, struct ks_table_part *part, int64_t *time_ms, struct ks_err *err) KS_MUST_USE;

/* A store that was there before has things held: put their keys in order. */
int	ks_hold_recover(struct ks_hold *h, struct ks_table_part *part, struct ks_err *err) KS_MUST_USE;

#endif
