/* SPDX-License-Identifier: MIT */
/*
 * table.h - a table: the latest value of each key, or with a history its
 * versions, by partition, in a store.
 *
 * Without a history what comes last wins, whatever its time, and a tombstone
 * forgets the key.  With one a version older than the partition's time less
 * the history is not taken, and one that is older than the newest of its key
 * goes among the versions.  Times and rows are kept by partition number;
 * streams of one operator share them.
 *
 * In the store rows stand in the segment that is given, what is held back
 * (hold.h) in the next one.  Functions that return int return 0 or a
 * ks_status with err filled.  Source: semantics.md 5.
 */
#ifndef KS_TABLE_H
#define KS_TABLE_H

#include "change.h"
#include "store.h"
#include "versions.h"
#include "waiting.h"

#define KS_TABLE_ROWS 0		/* the segment where a tool has one table */
#define KS_TABLE_NO_MARK INT64_MIN

/* What is known of a partition beside its rows. */
struct ks_table_part {
	int32_t partition;
	int64_t stream_ms;	/* the largest event time seen; -1: none */
	bool changed;		/* since it was saved */
	struct ks_buf topic, route;	/* of its last record, for outputs that no record causes; n == 0: none */
	struct ks_waiting held;	/* hold.h */
	void *own;		/* the caller's, who releases it before the table is closed */
};

struct ks_table {
	struct ks_store *store;
	int64_t segment;	/* of its rows */
	int64_t history_ms;	/* -1: no versions */
	unsigned depth;		/* how deep a value may nest */
	struct ks_table_part **parts;	/* by partition */
	size_t count, cap;
	struct ks_table_part *last;	/* that of the last call */
	struct ks_buf before;	/* the row before, of the last put */
};

/* A row as it comes; value nil: a tombstone. */
struct ks_row {
	int64_t time_ms;
	int64_t mark;		/* a number of the caller's, kept beside it where there is no history */
	uint32_t flags;		/* of the record: time type and kind of key */
	struct ks_bytes value;
};

/*
 * ks_table_open - the table in a store, with the partitions that are there.
 * segment (0 to 255), history_ms, depth: as in the struct.  The store is the
 * caller's, and closed behind the table; close may follow a failed open.
 */
int	ks_table_open(struct ks_table *t, struct ks_store *store, int64_t segment, int64_t history_ms, unsigned depth,
	    struct ks_err *err) KS_MUST_USE;
void	ks_table_close(struct ks_table *t);	/* zeroed is allowed */

/* What is known of partitions beside their rows goes into the store, where it has changed.  For a barrier. */
int	ks_table_save(struct ks_table *t, struct ks_err *err) KS_MUST_USE;

/* Outputs that no record causes go where the last one of their partition would have gone: 0, ENOMEM. */
int	ks_table_remember(struct ks_table_part *part, struct ks_bytes topic, struct ks_bytes route) KS_MUST_USE;

/* The partition, made if it is new.  It lives until close. */
int	ks_table_part(struct ks_table *t, int32_t partition, struct ks_table_part **part,
	    struct ks_err *err) KS_MUST_USE;

/* The same if it is there, else NULL. */
struct ks_table_part *ks_table_find(const struct ks_table *t, int32_t partition);

/* How far the time of a partition has come, ms; -1: nowhere. */
int64_t	ks_table_time(const struct ks_table *t, int32_t partition);

static inline void ks_table_advance(struct ks_table_part *part, int64_t time_ms)
{
	if (time_ms > part->stream_ms) {
		part->stream_ms = time_ms;
		part->changed = true;
	}
}

/* A row from what the store has of a key; value nil: it is deleted. */
void	ks_table_read(const struct ks_table *t, struct ks_store_value v, struct ks_row *row);

/* The newest row of a key, which borrows from the store; value nil: there is none. */
int	ks_table_get(struct ks_table *t, const struct ks_table_part *part, struct ks_bytes key,
	    struct ks_row *row, struct ks_err *err) KS_MUST_USE;

/*
 * The same as it was at time_ms, where there is a history: older than that, only
 * a row that has not changed since is seen.  semantics.md 4.2.
 */
int	ks_table_as_of(struct ks_table *t, const struct ks_table_part *part, struct ks_bytes key, int64_t time_ms,
	    struct ks_row *row, struct ks_err *err) KS_MUST_USE;

enum ks_table_taken {
	KS_TABLE_TAKEN,
	KS_TABLE_EQUAL,		/* a row of equal value and no earlier time was there, and stays */
	KS_TABLE_EXPIRED,	/* older than the history */
};

/*
 * ks_table_put - take a row in.
 *
 *	before	whether c->before is asked for, which costs a look and a copy;
 *		else it is nil
 *	only	an equal row (jq's ==) is not taken
 *	c	the change: c->now borrows from row, c->before is the newest
 *		value there was, and valid until the next put
 *
 * With a history the partition's time moves.
 */
int	ks_table_put(struct ks_table *t, struct ks_table_part *part, struct ks_bytes key,
	    const struct ks_row *row, bool before, bool only, struct ks_change *c,
	    enum ks_table_taken *taken, struct ks_err *err) KS_MUST_USE;

/* Whether two values are equal, as jq's == says: numbers by value, objects without order. */
bool	ks_table_same(struct ks_bytes a, struct ks_bytes b, unsigned depth);

/* Forget all rows of a partition. */
void	ks_table_clear(struct ks_table *t, const struct ks_table_part *part);

/*
 * A walk over all rows of a partition: by keys' bytes; of a key with a history
 * all versions, the oldest first, tombstones among them.
 */
struct ks_table_scan {
	struct ks_store_scan store;
	struct ks_bytes key;
	const unsigned char *block;	/* of versions; NULL: there are none left of the key */
	size_t *ends, count, cap;	/* where they begin, as ks_versions_next has it: the newest first */
	bool versions;
};

int	ks_table_scan_begin(const struct ks_table *t, const struct ks_table_part *part,
	    struct ks_table_scan *s, struct ks_err *err) KS_MUST_USE;

/* *more: there was one. */
int	ks_table_scan_next(struct ks_table_scan *s, struct ks_bytes *key, struct ks_row *row,
	    bool *more, struct ks_err *err) KS_MUST_USE;
void	ks_table_scan_end(struct ks_table_scan *s);

#endif
