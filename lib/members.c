/* SPDX-License-Identifier: MIT */
/*
 * members.c - groups of byte strings as B+-trees of pages in a store.
 *
 * The first page of a group has the group as its key, and stays the root; the
 * others have a number behind it.  A page that has lost its last item goes;
 * one that is merely emptier stays, so that a page has a member at least.
 */
#include "members.h"
#include "members-page.h"

#include <errno.h>

/* Pages from the root to the leaf that has a member, or would have. */
struct way {
	uint32_t pages[KS_PAGE_HEIGHT];
	unsigned n;
	const unsigned char *leaf;	/* until the next call of the store; NULL: the group has no page */
	struct ks_page_head head;	/* of the leaf */
};

static int no_memory(struct ks_err *err)
{
	return ks_fail_errno(err, KS_TEMP, ENOMEM, "cannot keep the members of a group");
}

static int damaged(const struct ks_members *m, struct ks_err *err)
{
	return ks_store_damaged(m->partition, err);
}

void ks_members_init(struct ks_members *m, struct ks_store *store, int32_t partition, int64_t segment)
{
	*m = (struct ks_members){ .store = store, .partition = partition, .segment = segment };
	ks_buf_init(&m->key, UINT32_MAX);
	ks_buf_init(&m->page, UINT32_MAX);
	ks_buf_init(&m->walk.page, UINT32_MAX);
	ks_buf_init(&m->walk.next, UINT32_MAX);
	ks_buf_init(&m->walk.from, UINT32_MAX);
}

void ks_members_release(struct ks_members *m)
{
	ks_buf_release(&m->key);
	ks_buf_release(&m->page);
	ks_buf_release(&m->walk.page);
	ks_buf_release(&m->walk.next);
	ks_buf_release(&m->walk.from);
}

static int page_key(struct ks_members *m, struct ks_bytes group, uint32_t number, struct ks_bytes *key, struct ks_err *err)
{
	unsigned char tail[4];

	*key = group;
	if (number == KS_PAGE_ROOT)
		return 0;
	ks_put32(tail, number);
	m->key.n = 0;
	if (ks_buf_add(&m->key, group.p, group.n) != 0 || ks_buf_add(&m->key, tail, sizeof(tail)) != 0)
		return no_memory(err);
	*key = ks_buf_bytes(&m->key);
	return 0;
}

/* The page for reading; NULL: there is none. */
static int get_page(struct ks_members *m, struct ks_bytes group, uint32_t number, const unsigned char **page,
    struct ks_page_head *h, struct ks_err *err)
{
	struct ks_store_value v = { .p = NULL };
	struct ks_bytes key;
	int status = page_key(m, group, number, &key, err);

	if (status == 0)
		status = ks_store_get(m->store, m->partition, m->segment, key, &v, err);
	*page = v.p;
	return status == 0 && v.p != NULL && !ks_page_check(v.p, v.n, h) ? damaged(m, err) : status;
}

/* One that must be there. */
static int get_known(struct ks_members *m, struct ks_bytes group, uint32_t number, const unsigned char **page,
    struct ks_page_head *h, struct ks_err *err)
{
	int status = get_page(m, group, number, page, h, err);

	return status == 0 && *page == NULL ? damaged(m, err) : status;
}

/* The page for writing, n bytes long at least; one that is new is zeroed. */
static int put_page(struct ks_members *m, struct ks_bytes group, uint32_t number, size_t n, unsigned char **page,
    struct ks_err *err)
{
	struct ks_store_value v = { .p = NULL };
	struct ks_bytes key;
	int status = page_key(m, group, number, &key, err);

	if (status == 0)
		status = ks_store_put(m->store, m->partition, m->segment, key, n, &v, err);
	*page = v.p;
	return status;
}

static int delete_page(struct ks_members *m, struct ks_bytes group, uint32_t number, struct ks_err *err)
{
	struct ks_bytes key;
	int status = page_key(m, group, number, &key, err);

	return status == 0 ? ks_store_delete(m->store, m->partition, m->segment, key, err) : status;
}

/* Down to the leaf.  upper: takes what the leaf behind it begins with, if there is one; NULL: it is not asked for. */
static int descend(struct ks_members *m, struct ks_bytes group, struct ks_bytes member, struct way *way, struct ks_buf *upper,
    struct ks_err *err)
{
	struct ks_page_item child = { .page = KS_PAGE_ROOT }, next;
	struct ks_page_place place;
	int status;

	for (way->n = 0;;) {
		status = get_page(m, group, child.page, &way->leaf, &way->head, err);
		if (status != 0)
			return status;
		if (way->leaf == NULL)
			return child.page == KS_PAGE_ROOT ? 0 : damaged(m, err);
		if (way->n == KS_PAGE_HEIGHT)
			return damaged(m, err);
		way->pages[way->n++] = child.page;
		if (way->head.level == 0)
			return 0;
		if (!ks_page_child(way->leaf, &way->head, member, &child, &place, &next))
			return damaged(m, err);
		if (upper == NULL || next.bytes.p == NULL)
			continue;
		upper->n = 0;
		if (ks_buf_add(upper, next.bytes.p, next.bytes.n) != 0)
			return no_memory(err);
	}
}

/* A page of some of the items in m->page. */
static int write_page(struct ks_members *m, struct ks_bytes group, uint32_t number, size_t at, size_t end,
    struct ks_page_head h, struct ks_err *err)
{
	unsigned char *page;
	int status;

	h.used = (uint32_t)(sizeof(h) + end - at);
	status = put_page(m, group, number, h.used, &page, err);
	if (status != 0)
		return status;
	memcpy(page + sizeof(h), m->page.p + at, end - at);
	ks_page_set_head(page, h);
	return 0;
}

/* The number of a new page. */
static int number_page(struct ks_members *m, struct ks_bytes group, uint32_t *number, struct ks_err *err)
{
	struct ks_page_head h;
	unsigned char *root;
	int status = put_page(m, group, KS_PAGE_ROOT, sizeof(h), &root, err);

	if (status != 0)
		return status;
	h = ks_page_head(root);
	if (h.last == UINT32_MAX)
		return ks_fail(err, KS_DATA, "a group has had more than 4294967295 pages of members");
	*number = ++h.last;
	ks_page_set_head(root, h);
	return 0;
}

/* What was cut off a page becomes one of its own, named by its first item in the page above. */
static int add_page(struct ks_members *m, struct ks_bytes group, uint32_t above, const struct ks_page_item *first,
    struct ks_err *err)
{
	struct ks_page_item child, next;
	struct ks_page_place place;
	const unsigned char *old;
	struct ks_page_head h;
	unsigned char *page;
	int status = get_known(m, group, above, &old, &h, err);

	if (status != 0)
		return status;
	if (h.level == 0 || !ks_page_child(old, &h, first->bytes, &child, &place, &next))
		return damaged(m, err);
	status = put_page(m, group, above, h.used + ks_page_item_size(first), &page, err);
	if (status == 0)
		ks_page_insert(page, place.behind, first);
	return status;
}

/* What m->page has, its head being h, is the root: its two halves move, and it leads to them. */
static int divide_root(struct ks_members *m, struct ks_bytes group, struct ks_page_head h, size_t middle, uint32_t before,
    struct ks_page_item *second, struct ks_err *err)
{
	struct ks_page_head low = { .count = before, .level = h.level }, high = { .count = h.count - before, .level = h.level };
	struct ks_page_item first = { .bytes = { m->page.p, 0 } };
	unsigned char *root = NULL;
	size_t n;
	int status = number_page(m, group, &first.page, err);

	if (status == 0)
		status = number_page(m, group, &second->page, err);
	if (status == 0)
		status = write_page(m, group, first.page, sizeof(h), middle, low, err);
	if (status == 0)
		status = write_page(m, group, second->page, middle, h.used, high, err);
	n = ks_page_item_size(&first);
	if (status == 0)
		status = put_page(m, group, KS_PAGE_ROOT, sizeof(h) + n + ks_page_item_size(second), &root, err);
	if (status != 0)
		return status;
	ks_page_set_head(root, (struct ks_page_head){ .used = sizeof(h), .level = h.level + 1, .last = second->page });
	ks_page_insert(root, sizeof(h), &first);
	ks_page_insert(root, sizeof(h) + n, second);
	return 0;
}

/* A page has become too large: divide it, which the page above may have to be, too. */
static int divide(struct ks_members *m, struct ks_bytes group, const struct way *way, struct ks_err *err)
{
	const unsigned char *page;
	struct ks_page_item second;
	struct ks_page_head h;
	unsigned char *rest;
	uint32_t before;
	size_t middle;
	unsigned at;
	int status;

	for (at = way->n - 1;; at--) {
		status = get_known(m, group, way->pages[at], &page, &h, err);
		if (status != 0 || h.used <= (h.level > 0 ? KS_MEMBERS_INDEX : KS_MEMBERS_LEAF) || h.count < (h.level > 0 ? 4u : 2u))
			return status;
		m->page.n = 0;
		if (ks_buf_add(&m->page, page, h.used) != 0)
			return no_memory(err);
		if (!ks_page_middle(m->page.p, &h, &middle, &before, &second) || h.level + 1 >= KS_PAGE_HEIGHT)
			return damaged(m, err);
		if (at == 0)
			return divide_root(m, group, h, middle, before, &second, err);
		status = number_page(m, group, &second.page, err);
		if (status == 0)
			status = write_page(m, group, second.page, middle, h.used,
			    (struct ks_page_head){ .count = h.count - before, .level = h.level }, err);
		if (status == 0)
			status = put_page(m, group, way->pages[at], middle, &rest, err);
		if (status != 0)
			return status;
		ks_page_set_head(rest, (struct ks_page_head){ .used = (uint32_t)middle, .count = before, .level = h.level });
		status = add_page(m, group, way->pages[at - 1], &second, err);
		if (status != 0)
			return status;
	}
}

int ks_members_add(struct ks_members *m, struct ks_bytes group, struct ks_bytes member, struct ks_err *err)
{
	struct ks_page_item item = { .page = KS_PAGE_ROOT, .bytes = member };
	struct ks_page_head h = { .used = sizeof(h) };
	struct ks_page_place place = { sizeof(h), sizeof(h) };
	size_t size = ks_page_item_size(&item);
	unsigned char *page;
	struct way way;
	int status = descend(m, group, member, &way, NULL, err);

	if (status != 0)
		return status;
	if (way.leaf != NULL) {
		h = way.head;
		if (!ks_page_find(way.leaf, &h, member, &place))
			return damaged(m, err);
		if (place.behind > place.at)
			return 0;
	} else {
		way.pages[way.n++] = KS_PAGE_ROOT;
	}
	if (size > UINT32_MAX / 2 - h.used)
		return ks_fail(err, KS_DATA, "a page of members is larger than 2 GiB");
	status = put_page(m, group, way.pages[way.n - 1], h.used + size, &page, err);
	if (status != 0)
		return status;
	if (way.leaf == NULL)
		ks_page_set_head(page, h);
	ks_page_insert(page, place.at, &item);
	return h.used + size > KS_MEMBERS_LEAF ? divide(m, group, &way, err) : 0;
}

/* The root leads to one page alone: it becomes that page. */
static int lower_root(struct ks_members *m, struct ks_bytes group, struct ks_err *err)
{
	struct ks_page_item child, next;
	struct ks_page_place place;
	const unsigned char *page;
	struct ks_page_head h, low;
	uint32_t last;
	int status;

	for (;;) {
		status = get_known(m, group, KS_PAGE_ROOT, &page, &h, err);
		if (status != 0 || h.level == 0 || h.count != 1)
			return status;
		last = h.last;
		if (!ks_page_child(page, &h, ks_bytes(NULL, 0), &child, &place, &next))
			return damaged(m, err);
		status = get_known(m, group, child.page, &page, &low, err);
		if (status != 0)
			return status;
		if (low.level >= h.level)
			return damaged(m, err);
		m->page.n = 0;
		if (ks_buf_add(&m->page, page, low.used) != 0)
			return no_memory(err);
		low.last = last;
		status = write_page(m, group, KS_PAGE_ROOT, sizeof(low), low.used, low, err);
		if (status == 0)
			status = delete_page(m, group, child.page, err);
		if (status != 0)
			return status;
	}
}

/* A page that is empty goes, and with it what leads to it. */
static int remove_pages(struct ks_members *m, struct ks_bytes group, struct ks_bytes member, const struct way *way,
    struct ks_err *err)
{
	struct ks_page_item child, next;
	struct ks_page_place place;
	struct ks_page_head h;
	unsigned char *page;
	unsigned at;
	int status;

	for (at = way->n - 1; at > 0; at--) {
		status = delete_page(m, group, way->pages[at], err);
		if (status == 0)
			status = put_page(m, group, way->pages[at - 1], sizeof(h), &page, err);
		if (status != 0)
			return status;
		h = ks_page_head(page);
		if (h.level == 0 || !ks_page_child(page, &h, member, &child, &place, &next))
			return damaged(m, err);
		ks_page_remove(page, place);
		if (h.count > 1)
			return h.count == 2 && at == 1 ? lower_root(m, group, err) : 0;
	}
	return delete_page(m, group, KS_PAGE_ROOT, err);
}

int ks_members_remove(struct ks_members *m, struct ks_bytes group, struct ks_bytes member, struct ks_err *err)
{
	struct ks_page_place place;
	unsigned char *page;
	struct way way;
	int status = descend(m, group, member, &way, NULL, err);

	if (status != 0 || way.leaf == NULL)
		return status;
	if (!ks_page_find(way.leaf, &way.head, member, &place))
		return damaged(m, err);
	if (place.behind == place.at)
		return 0;
	if (way.head.count == 1)
		return remove_pages(m, group, member, &way, err);
	status = put_page(m, group, way.pages[way.n - 1], way.head.used, &page, err);
	if (status == 0)
		ks_page_remove(page, place);
	return status;
}

void ks_members_begin(struct ks_members *m, struct ks_bytes group)
{
	struct ks_members_walk *w = &m->walk;

	w->group = group;
	w->page.n = w->next.n = w->at = 0;
	w->more = true;
}

/* The next leaf. */
static int walk_on(struct ks_members *m, struct ks_err *err)
{
	struct ks_members_walk *w = &m->walk;
	struct ks_buf from = w->next;
	struct way way;
	int status;

	w->next = w->from;
	w->from = from;
	w->next.n = 0;
	w->page.n = 0;
	w->at = sizeof(way.head);
	status = descend(m, w->group, ks_buf_bytes(&w->from), &way, &w->next, err);
	w->more = w->next.n > 0;
	if (status != 0 || way.leaf == NULL)
		return status;
	return ks_buf_add(&w->page, way.leaf, way.head.used) == 0 ? 0 : no_memory(err);
}

int ks_members_next(struct ks_members *m, struct ks_bytes *member, struct ks_err *err)
{
	struct ks_members_walk *w = &m->walk;
	struct ks_page_item item;
	struct ks_page_head h;
	int status;

	*member = ks_bytes(NULL, 0);
	while (w->at >= w->page.n) {
		if (!w->more)
			return 0;
		status = walk_on(m, err);
		if (status != 0)
			return status;
	}
	h = ks_page_head(w->page.p);
	if (!ks_page_read(w->page.p, &h, &w->at, &item))
		return damaged(m, err);
	*member = item.bytes;
	return 0;
}
