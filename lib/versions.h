/* SPDX-License-Identifier: MIT */
/*
 * versions.h - the versions of one row of a table, in a block of bytes that
 * the caller owns: by time, at most one of a time, a tombstone being one,
 * too.
 *
 * The block is aligned to 8, may be moved, copied and written to disk (by a
 * machine of the same byte order), and holds no pointers; zeroed bytes hold
 * no version.  The newest stands last and is found first.
 *
 * Source: semantics.md 5; oracle/model.py, class VersionedTable.
 */
#ifndef KS_VERSIONS_H
#define KS_VERSIONS_H

#include "bytes.h"
#include "sys.h"

struct ks_version {
	int64_t time_ms;
	uint32_t flags;		/* 31 bits of the caller's */
	struct ks_bytes value;	/* p == NULL: a tombstone; else borrowed from the block */
};

/* Bytes that the block needs for one more version of n bytes; SIZE_MAX: it would pass 4 GiB.  block NULL: there is none yet. */
size_t	ks_versions_room(const void *block, size_t n);

/* Bytes in use. */
size_t	ks_versions_size(const void *block);

/* The newest; false: there is none. */
bool	ks_versions_latest(const void *block, struct ks_version *v);

/* The newest that is not newer than time_ms; *latest: it is the newest of all.  False: there is none. */
bool	ks_versions_as_of(const void *block, int64_t time_ms, struct ks_version *v, bool *latest);

/* Step through all, newest first: *at is 0 to begin with.  False: there are no more. */
bool	ks_versions_next(const void *block, size_t *at, struct ks_version *v);

/*
 * ks_versions_put - take a version in, in its place by time; one of the same
 * time is replaced.  The block has ks_versions_room.  A tombstone of exactly
 * the newest version's time erases that without a trace, unless the one before
 * it is a value [Kafka Streams 4.3].  Returns whether it is the newest now.
 */
bool	ks_versions_put(void *block, const struct ks_version *v);

/*
 * ks_versions_prune - let those go that no question can reach and no
 * put can change whose time is horizon_ms or later: each that has one
 * behind it which is older than the horizon.  Does nothing where that would not
 * halve the block, so that it may be called for each put.
 */
void	ks_versions_prune(void *block, int64_t horizon_ms);

#endif
