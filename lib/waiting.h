/* SPDX-License-Identifier: MIT */
/*
 * waiting.h - what waits for some event time behind its key's first change,
 * or until there is too much of it: bytes in a segment of a store, their
 * keys in a heap.
 *
 * Something newer of a key takes the place of what waits, and is due when
 * that was.  It leaves by the time of the keys' first changes, then by the
 * keys' bytes.  The heap is made anew from the store; a key that waits costs
 * in memory what due.h says, and who asks for the earliest of them what
 * least.h says, too.  Source: semantics.md 3.4, untilTimeLimit;
 * oracle/model.py, class Suppress.  Functions that return int return 0 or a
 * ks_status with err filled.
 */
#ifndef KS_WAITING_H
#define KS_WAITING_H

#include "due.h"
#include "least.h"
#include "store.h"

/* What waits of one partition. */
struct ks_waiting {
	struct ks_due due;
	struct ks_least times;	/* those that what waits bears, from when they were first asked for on */
	bool asked;
};

struct ks_waiting_room {
	struct ks_store *store;
	int64_t segment;	/* of the store, for this alone */
	int64_t wait_ms;	/* from the time of a key's first change on */
	uint64_t max_records;	/* in a partition; more of them, and the first goes; 0: no limit */
	struct ks_buf taken;	/* what was taken last */
};

struct ks_waiting_item {
	int64_t time_ms;
	struct ks_bytes first, body;	/* as they were put; until the next call */
};

void	ks_waiting_room_init(struct ks_waiting_room *r);	/* of buffers alone */
void	ks_waiting_room_release(struct ks_waiting_room *r);
void	ks_waiting_init(struct ks_waiting *w);
void	ks_waiting_release(struct ks_waiting *w);

/*
 * ks_waiting_put - something of a key waits from now on.
 *
 *	time_ms	its own; when it is the key's first, it is due wait_ms behind
 *	first	is kept from the key's first change to its last
 *	body_n	bytes at *body are the caller's to fill, until the store's next call
 */
int	ks_waiting_put(struct ks_waiting_room *r, struct ks_waiting *w, int32_t partition, struct ks_bytes key,
	    int64_t time_ms, struct ks_bytes first, size_t body_n, unsigned char **body, struct ks_err *err) KS_MUST_USE;

/* Take the first one that is due when event time has come to now_ms, or with all the first one.  *more: there was one. */
int	ks_waiting_take(struct ks_waiting_room *r, struct ks_waiting *w, int32_t partition, int64_t now_ms, bool all,
	    struct ks_waiting_item *item, bool *more, struct ks_err *err) KS_MUST_USE;

/* The earliest time of what waits; INT64_MAX: nothing does.  The first time that it is asked for, all that waits is looked at. */
int	ks_waiting_earliest(struct ks_waiting_room *r, struct ks_waiting *w, int32_t partition, int64_t *time_ms,
	    struct ks_err *err) KS_MUST_USE;

/* A store that was there before has things waiting: put their keys in order. */
int	ks_waiting_recover(struct ks_waiting_room *r, struct ks_waiting *w, int32_t partition, struct ks_err *err) KS_MUST_USE;

#endif
