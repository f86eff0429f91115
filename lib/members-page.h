/* SPDX-License-Identifier: MIT */
/*
 * members-page.h - a page of a group's members (members.h): byte strings in
 * their order, each behind its length; in an index page with a page that it
 * leads to.
 *
 * Bytes of a page are read and written where they stand; functions that read
 * believe the head, which ks_page_check has looked at, and nothing else.
 */
#ifndef KS_MEMBERS_PAGE_H
#define KS_MEMBERS_PAGE_H

#include "buf.h"

#define KS_PAGE_ROOT 0u		/* the number of a group's first page, and no page of an item in a leaf */
#define KS_PAGE_HEIGHT 32u	/* of a tree, at most: an index page has two items at least when it is made */

struct ks_page_head {
	uint32_t used;		/* bytes, with this */
	uint32_t count;		/* items */
	uint32_t level;		/* 0: a leaf, the items are members */
	uint32_t last;		/* of the root: the highest number that a page of the group was given */
};

struct ks_page_item {
	uint32_t page;
	struct ks_bytes bytes;
};

/* Where an item stands, or belongs: behind == at: it is not there. */
struct ks_page_place {
	size_t at, behind;
};

static inline struct ks_page_head ks_page_head(const unsigned char *page)
{
	struct ks_page_head h;

	memcpy(&h, page, sizeof(h));
	return h;
}

static inline void ks_page_set_head(unsigned char *page, struct ks_page_head h)
{
	memcpy(page, &h, sizeof(h));
}

/* Whether n bytes can be a page; its head. */
bool	ks_page_check(const unsigned char *page, size_t n, struct ks_page_head *h);

/* The item at *at, which is below h->used, and a step behind it; false: it is damaged. */
bool	ks_page_read(const unsigned char *page, const struct ks_page_head *h, size_t *at, struct ks_page_item *item);

size_t	ks_page_item_size(const struct ks_page_item *item);

/* Where a member stands in a leaf; false: it is damaged. */
bool	ks_page_find(const unsigned char *page, const struct ks_page_head *h, struct ks_bytes member, struct ks_page_place *place);

/*
 * ks_page_child - of an index: the item that leads to a member, where it
 * stands, and the item behind it (bytes.p == NULL: none).  The first leads to
 * all that is less than the second, whatever it says.  False: it is damaged.
 */
bool	ks_page_child(const unsigned char *page, const struct ks_page_head *h, struct ks_bytes member,
	    struct ks_page_item *child, struct ks_page_place *place, struct ks_page_item *next);

/* Put an item at `at`, for which the page has room behind what it uses; take one out. */
void	ks_page_insert(unsigned char *page, size_t at, const struct ks_page_item *item);
void	ks_page_remove(unsigned char *page, struct ks_page_place place);

/*
 * ks_page_middle - where a page is divided: at *at, before the item first,
 * behind `before` others.  It has two items at least, an index four.  False:
 * it is damaged.
 */
bool	ks_page_middle(const unsigned char *page, const struct ks_page_head *h, size_t *at, uint32_t *before,
	    struct ks_page_item *first);

#endif
