/* SPDX-License-Identifier: MIT */
/*
 * join-query.h - what a join keeps, for who asks: rows of its tables, and
 * records of its streams, each with the name of what it is of.
 *
 * Functions that return int return 0 or a ks_status with err filled.
 */
#ifndef KS_JOIN_QUERY_H
#define KS_JOIN_QUERY_H

#include "join.h"
#include "query.h"
#include "table.h"

struct ks_join_asked {
	/* First.  In: store, first and last; where beside is given, stream_time and composed, too. */
	struct ks_query_state state;
	struct ks_join *j;
	struct ks_table *tables[2];	/* by side; NULL: the side is no table */
	/* What stands in segments that are no table's; NULL: nothing does. */
	int (*beside)(struct ks_join_asked *a, struct ks_query *q, struct ks_bytes key, struct ks_store_value v, struct ks_err *err);
};

/* The hook query. */
int	ks_join_query_tables(struct ks_join_asked *a, struct ks_query *q, struct ks_err *err) KS_MUST_USE;

/* A row of a side.  flags: of the record; without a type of time it has none. */
int	ks_join_query_row(struct ks_join_asked *a, struct ks_query *q, enum ks_join_side side, struct ks_bytes key,
	    const struct ks_row *row, struct ks_err *err) KS_MUST_USE;

#endif
