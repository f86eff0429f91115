/* SPDX-License-Identifier: MIT */
/*
 * members.h - for each of many groups a set of byte strings, in their order,
 * in a segment of a store.
 *
 * A group is a tree of pages, each an entry of the store: one page as long as
 * the group is small, and a few looks in the store for a group of a million.
 * A change writes one page, and now and then those above it.  Walking a
 * group needs the memory of a page.
 *
 * Functions that return int return 0 or a ks_status with err filled.
 */
#ifndef KS_MEMBERS_H
#define KS_MEMBERS_H

#include "store.h"

#define KS_MEMBERS_LEAF 512u	/* bytes of a page that has members, from which on it is divided */
#define KS_MEMBERS_INDEX 2048u	/* of one that leads to pages */

struct ks_members {
	struct ks_store *store;
	int32_t partition;
	int64_t segment;	/* of the store, for this alone */
	struct ks_buf key;	/* of a page: its group, and its number where it is not the first */
	struct ks_buf page;	/* one that is being divided */
	struct ks_members_walk {
		struct ks_bytes group;
		struct ks_buf page;		/* a copy of the leaf it is in */
		size_t at;
		struct ks_buf next, from;	/* what the leaf behind it begins with */
		bool more;			/* there is one */
	} walk;
};

/* The store is the caller's.  release: zeroed is allowed. */
void	ks_members_init(struct ks_members *m, struct ks_store *store, int32_t partition, int64_t segment);
void	ks_members_release(struct ks_members *m);

/*
 * A group is a msgpack value, or bytes of which none is the beginning of
 * another's.  A member that is there is added without effect, one that is not,
 * removed.
 */
int	ks_members_add(struct ks_members *m, struct ks_bytes group, struct ks_bytes member, struct ks_err *err) KS_MUST_USE;
int	ks_members_remove(struct ks_members *m, struct ks_bytes group, struct ks_bytes member, struct ks_err *err) KS_MUST_USE;

/*
 * A walk over a group, in the order of its members' bytes: begin it, and take
 * members until there are no more (p == NULL); one lives until the next call.
 * There is one walk at a time.  The group must not be changed meanwhile, and
 * is the caller's until the end; other calls of the store may be made.
 */
void	ks_members_begin(struct ks_members *m, struct ks_bytes group);
int	ks_members_next(struct ks_members *m, struct ks_bytes *member, struct ks_err *err) KS_MUST_USE;

#endif
