/* SPDX-License-Identifier: MIT */
/*
 * join-sides.h - the two tables of a join of tables, in one store.
 *
 * Functions that return int return 0 or a ks_status with the run's err filled.
 */
#ifndef KS_JOIN_SIDES_H
#define KS_JOIN_SIDES_H

#include "join.h"
#include "table.h"

#define KS_JOIN_LEFT_ROWS 0	/* segments: that behind one is its table's, too */
#define KS_JOIN_RIGHT_ROWS 2
#define KS_JOIN_SUBSCRIBERS 4

struct ks_join_sides {
	struct ks_table tables[2];	/* by side */
};

/* close: zeroed is allowed, and what open has failed with. */
int	ks_join_sides_open(struct ks_join *j, struct ks_join_sides *s) KS_MUST_USE;
int	ks_join_sides_save(struct ks_join *j, struct ks_join_sides *s) KS_MUST_USE;
void	ks_join_sides_close(struct ks_join_sides *s);

/* Rows of both, for who asks. */
int	ks_join_sides_query(struct ks_join *j, struct ks_join_sides *s, struct ks_query *q, struct ks_err *err) KS_MUST_USE;

/*
 * ks_join_sides_read - whether a record says something of a row: *value is what
 * the row is now.  What does not was dropped or rejected: *value has p == NULL.
 */
int	ks_join_sides_read(struct ks_join *j, enum ks_join_side side, const struct ks_rec *rec, struct ks_bytes *value) KS_MUST_USE;

/*
 * ks_join_sides_put - the row goes into its side's table.  *joins: it is the
 * newest of its key, so that it is joined; else it was counted as dropped.
 */
int	ks_join_sides_put(struct ks_join *j, struct ks_join_sides *s, enum ks_join_side side, struct ks_table_part *part,
	    const struct ks_rec *rec, struct ks_bytes key, struct ks_bytes value, bool *joins) KS_MUST_USE;

/*
 * The time of a result that rec brings about with a row of the other side
 * (value nil: there is none): the later one, of those that have a time.
 */
int64_t	ks_join_sides_time(const struct ks_rec *rec, const struct ks_row *other);

#endif
