/* SPDX-License-Identifier: MIT */
/*
 * join-buffer.h - records of a stream that wait, partition by partition,
 * until their time has passed by a grace, so that a table's versions of that
 * time have come.  They leave by time, then by the bytes of their keys, then
 * as they came.
 *
 * A record stands in the segment of the store that its time says, a sixteenth
 * of the grace and a second at least, under its time, its key and the number
 * of its arrival: in the order in which they leave.  Of one segment, the first
 * that is due, keys are in memory (due.h), as many as there is room for; the
 * next ones come from the store when those have left.  It is dropped as a
 * whole when all of it has, so that no record is deleted alone: what the saved
 * time says is due has left.
 *
 * Functions that return int return 0 or a ks_status with err filled.
 * Source: semantics.md 4.2; oracle/model.py, class StreamTableJoin.
 */
#ifndef KS_JOIN_BUFFER_H
#define KS_JOIN_BUFFER_H

#include "due.h"
#include "store.h"

/* What waits of one partition. */
struct ks_join_buffer {
	int32_t partition;
	bool changed;		/* since it was saved */
	bool open;		/* due has keys of segment front: */
	bool cut;		/* not all of them, but those up to this one */
	struct ks_buf bound;
	struct ks_buf left;	/* the last key of it that was taken; n == 0: none was */
	int64_t front;
	int64_t time_ms;	/* the largest time that was told of; -1: none */
	int64_t left_ms;	/* what is not newer has left already, though it may be in the store */
	int64_t arrivals;	/* records that were put in */
	struct ks_due due;
};

/* What the partitions share. */
struct ks_join_room {
	struct ks_store *store;
	int64_t first;		/* segments from it on are theirs */
	int64_t grace_ms, width_ms;
	const struct ks_limits *limits;
	size_t memory;		/* bytes that keys of all partitions may take */
	size_t count;		/* of partitions */
	struct ks_buf key, taken;
	struct ks_buf keys, to;	/* of ks_store_keys_some */
};

/* Bytes that stand before the key in the store's. */
#define KS_JOIN_BUFFER_BEFORE 8u

/* Of bytes that state may take, those that are for keys here. */
static inline size_t ks_join_room_part(size_t memory)
{
	return memory / 8;
}

void	ks_join_room_init(struct ks_join_room *r, struct ks_store *store, int64_t first, int64_t grace_ms,
	    size_t memory, const struct ks_limits *limits);
void	ks_join_room_release(struct ks_join_room *r);	/* zeroed is allowed */

/* The buffer of a partition, with what the store has of it. */
int	ks_join_buffer_open(struct ks_join_room *r, struct ks_join_buffer *b, int32_t partition, struct ks_err *err) KS_MUST_USE;
void	ks_join_buffer_close(struct ks_join_buffer *b);

/* For a barrier. */
int	ks_join_buffer_save(const struct ks_join_room *r, struct ks_join_buffer *b, struct ks_err *err) KS_MUST_USE;

/*
 * Time has come to time_ms; whether a record of that time has to wait.  One
 * that has not has none before it: what is due has been taken.
 */
bool	ks_join_buffer_advance(const struct ks_join_room *r, struct ks_join_buffer *b, int64_t time_ms);

/* rec waits; key is its key as state knows it. */
int	ks_join_buffer_put(struct ks_join_room *r, struct ks_join_buffer *b, struct ks_bytes key, const struct ks_rec *rec,
	    struct ks_err *err) KS_MUST_USE;

/* Take the first that is due, or with all the first one.  *more: there was one; rec is valid until the next call. */
int	ks_join_buffer_take(struct ks_join_room *r, struct ks_join_buffer *b, bool all, struct ks_rec *rec, bool *more,
	    struct ks_err *err) KS_MUST_USE;

/* No record that waits, once what is due was taken, is earlier; INT64_MAX: none waits. */
int64_t	ks_join_buffer_earliest(const struct ks_join_room *r, const struct ks_join_buffer *b);

/* What the store has in one of the segments, for who looks: rec; *left: it has left already. */
int	ks_join_buffer_read(const struct ks_join_room *r, const struct ks_join_buffer *b, struct ks_store_value v,
	    struct ks_rec *rec, bool *left, struct ks_err *err) KS_MUST_USE;

#endif
