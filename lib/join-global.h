/* SPDX-License-Identifier: MIT */
/*
 * join-global.h - the table of --global: whole on every instance, asked for by
 * any key, whatever the partition.
 *
 * It is a stream of the pipe, applied as it comes and kept in the store of the
 * join; or an endpoint outside, read whole before the first record and followed
 * from then on, of which nothing is kept, as a restart reads it again.
 * Functions that return int return 0 or a ks_status with err filled.
 */
#ifndef KS_JOIN_GLOBAL_H
#define KS_JOIN_GLOBAL_H

#include "join.h"
#include "table.h"

#define KS_JOIN_EVERYWHERE (-1)	/* the partition its rows are under: all of the table is one */

struct ks_join_rows {
	struct ks_table table;
	struct ks_table_part *part;
};

/* The table in a store.  close may follow a failed open; zeroed is allowed. */
int	ks_join_rows_open(struct ks_join *j, struct ks_join_rows *rows, struct ks_store *store, struct ks_err *err) KS_MUST_USE;
void	ks_join_rows_close(struct ks_join_rows *rows);

/* rec, which has a key, says what its row is from now on: value; nil: there is none. */
int	ks_join_rows_put(struct ks_join *j, struct ks_join_rows *rows, const struct ks_rec *rec, struct ks_bytes value,
	    struct ks_err *err) KS_MUST_USE;

/*
 * ks_join_global_where - what the name of a --global is: kafka:TOPIC; a file,
 * where it has a '/' or ends as one of those that can be read, which says what
 * is in it; else a stream of the pipe.  Whether there is such a file is not
 * looked at.  Sets where and format of x; KS_USAGE.
 */
int	ks_join_global_where(struct ks_join_input *x, struct ks_err *err) KS_MUST_USE;

/* join-endpoint.c: a table that is outside the pipe. */

/* The hook open: nothing has been read. */
int	ks_join_endpoint_open(struct ks_join *j) KS_MUST_USE;
void	ks_join_endpoint_close(struct ks_join *j);

/* A section begins: now it is read whole, unless it was. */
int	ks_join_endpoint_load(struct ks_join *j) KS_MUST_USE;

/* What has come since is taken in. */
int	ks_join_endpoint_turn(struct ks_join *j) KS_MUST_USE;

/* At a barrier: a time to let go of memory. */
int	ks_join_endpoint_save(struct ks_join *j) KS_MUST_USE;

/* Its rows as they are now, until the next turn. */
struct ks_join_rows *ks_join_endpoint_rows(const struct ks_join *j);

#endif
