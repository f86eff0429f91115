/* SPDX-License-Identifier: MIT */
/* members-page.c - a page of a group's members: head, then items. */
#include "members-page.h"

#define LONG 0xff	/* the length of an item does not fit a byte, and follows in 4 */

bool ks_page_check(const unsigned char *page, size_t n, struct ks_page_head *h)
{
	if (n < sizeof(*h))
		return false;
	*h = ks_page_head(page);
	return h->used >= sizeof(*h) && h->used <= n && h->level < KS_PAGE_HEIGHT;
}

bool ks_page_read(const unsigned char *page, const struct ks_page_head *h, size_t *at, struct ks_page_item *item)
{
	const unsigned char *p = page + *at, *end = page + h->used;
	size_t n = *p++;

	if (KS_UNLIKELY(n == LONG)) {
		if (end - p < 4)
			return false;
		n = ks_get32(p);
		p += 4;
	}
	item->page = KS_PAGE_ROOT;
	if (h->level > 0) {
		if (end - p < 4)
			return false;
		item->page = ks_get32(p);
		p += 4;
	}
	if (n > (size_t)(end - p) || (item->page == KS_PAGE_ROOT) != (h->level == 0))
		return false;
	item->bytes = ks_bytes(p, n);
	*at = (size_t)(p - page) + n;
	return true;
}

size_t ks_page_item_size(const struct ks_page_item *item)
{
	return 1 + (item->bytes.n >= LONG ? 4u : 0u) + (item->page != KS_PAGE_ROOT ? 4u : 0u) + item->bytes.n;
}

static void write_item(unsigned char *o, const struct ks_page_item *item)
{
	bool wide = item->bytes.n >= LONG;

	*o++ = wide ? LONG : (unsigned char)item->bytes.n;
	if (wide) {
		ks_put32(o, (uint32_t)item->bytes.n);
		o += 4;
	}
	if (item->page != KS_PAGE_ROOT) {
		ks_put32(o, item->page);
		o += 4;
	}
	if (item->bytes.n > 0)
		memcpy(o, item->bytes.p, item->bytes.n);
}

bool ks_page_find(const unsigned char *page, const struct ks_page_head *h, struct ks_bytes member, struct ks_page_place *place)
{
	size_t at = sizeof(*h);
	struct ks_page_item item;
	int c;

	for (*place = (struct ks_page_place){ at, at }; at < h->used; *place = (struct ks_page_place){ at, at }) {
		if (!ks_page_read(page, h, &at, &item))
			return false;
		c = ks_bytes_cmp(item.bytes, member);
		if (c < 0)
			continue;
		place->behind = c == 0 ? at : place->at;
		break;
	}
	return true;
}

bool ks_page_child(const unsigned char *page, const struct ks_page_head *h, struct ks_bytes member,
    struct ks_page_item *child, struct ks_page_place *place, struct ks_page_item *next)
{
	size_t at = sizeof(*h), here;
	struct ks_page_item item;

	*place = (struct ks_page_place){ at, at };
	for (next->bytes = ks_bytes(NULL, 0); at < h->used; *place = (struct ks_page_place){ here, at }) {
		here = at;
		if (!ks_page_read(page, h, &at, &item))
			return false;
		if (here > sizeof(*h) && ks_bytes_cmp(item.bytes, member) > 0) {
			*next = item;
			return true;
		}
		*child = item;
	}
	return place->behind > place->at;
}

void ks_page_insert(unsigned char *page, size_t at, const struct ks_page_item *item)
{
	struct ks_page_head h = ks_page_head(page);
	size_t size = ks_page_item_size(item);

	memmove(page + at + size, page + at, h.used - at);
	write_item(page + at, item);
	h.used += (uint32_t)size;
	h.count++;
	ks_page_set_head(page, h);
}

void ks_page_remove(unsigned char *page, struct ks_page_place place)
{
	struct ks_page_head h = ks_page_head(page);

	memmove(page + place.at, page + place.behind, h.used - place.behind);
	h.used -= (uint32_t)(place.behind - place.at);
	h.count--;
	ks_page_set_head(page, h);
}

bool ks_page_middle(const unsigned char *page, const struct ks_page_head *h, size_t *at, uint32_t *before,
    struct ks_page_item *first)
{
	uint32_t least = h->level > 0 ? 2 : 1, i;
	size_t here, next = sizeof(*h);

	for (i = 0; next < h->used; i++) {
		here = next;
		if (!ks_page_read(page, h, &next, first))
			return false;
		if (i < least || (next <= h->used / 2 && i + least < h->count))
			continue;
		*at = here;
		*before = i;
		return true;
	}
	return false;
}
