/* SPDX-License-Identifier: MIT */
/*
 * diff.h - two sets of records, compared by key.
 *
 * Of a key the last value counts: that of the greatest offset, and where a key
 * stands in several partitions, of those the one of the latest time.  A
 * tombstone is no value.  A windowed key is its key and window.  Keys are equal
 * as values are: 1 and 1.0 are one key, and objects whatever the order of
 * their members.
 *
 * Both sets go into one sorter, by key (in one form, ks_value_plain), set and
 * partition; what is held at a time is one key with its values.
 */
#ifndef KS_DIFF_H
#define KS_DIFF_H

#include "expr.h"
#include "sorter.h"
#include "value-diff.h"

enum ks_diff_side { KS_DIFF_OLD, KS_DIFF_NEW, KS_DIFF_SIDES };

enum ks_diff_cause { KS_DIFF_ADDED, KS_DIFF_REMOVED, KS_DIFF_CHANGED };

/* What is known of a key in a set, and is compared. */
struct ks_diff_last {
	bool is;
	int32_t partition;
	int64_t time_ms, offset;
	struct ks_buf held;
	struct ks_bytes key, value;	/* in held: the key as it came (n == 0: in its one form); nil: a tombstone */
	struct ks_bytes compared;	/* the value, or what --value makes of it; p == NULL: absent */
	struct ks_buf made;
};

struct ks_diff_found {
	enum ks_diff_cause cause;
	struct ks_bytes key, old, new;	/* msgpack; p == NULL: absent.  The key as it stands in old, if it does */
	const struct ks_value_diff *at;	/* of CHANGED */
};

struct ks_diff {
	/* in */
	const struct ks_limits *limits;
	const char *names[KS_DIFF_SIDES];	/* for messages */
	const char *keyless[KS_DIFF_SIDES];	/* what gives records a key that have none */
	struct ks_tolerance tolerance;
	struct ks_expr_set *set;	/* of value */
	struct ks_expr *value;		/* --value; NULL: the whole value is compared */
	/* A difference: 0, or a status with err filled. */
	int (*found)(void *arg, const struct ks_diff_found *f, struct ks_err *err);
	void *arg;

	/* out */
	uint64_t records[KS_DIFF_SIDES], keys[KS_DIFF_SIDES];	/* keys: that have a value */
	uint64_t equal, added, removed, changed;
	uint64_t spread;		/* keys that stand in several partitions of a set */

	/* its own */
	struct ks_sorter sorter;
	struct ks_buf entry_key, entry, plain_key, key;	/* key: that of best and last, in its one form */
	struct ks_diff_last best[KS_DIFF_SIDES], last;	/* last: of the partition that is being read */
	enum ks_diff_side side;		/* whose it is */
	bool is_spread;
	struct ks_value_diff at;
};

/* What is in stands there; all else is zero.  memory: bytes for the sort. */
int	ks_diff_open(struct ks_diff *d, size_t memory, struct ks_err *err) KS_MUST_USE;

/* A record of a set.  KS_DATA: it has no key, or is damaged. */
int	ks_diff_put(struct ks_diff *d, enum ks_diff_side side, const struct ks_rec *rec, struct ks_err *err) KS_MUST_USE;

/* All have come: compare.  Keys come in the order of the bytes of their one form. */
int	ks_diff_run(struct ks_diff *d, struct ks_err *err) KS_MUST_USE;

void	ks_diff_close(struct ks_diff *d);

#endif
