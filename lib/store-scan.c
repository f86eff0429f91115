/* SPDX-License-Identifier: MIT */
/* store-scan.c - a segment in the order of its keys: entries in memory, sorted, and the base, which is. */
#include "store-impl.h"

#include <stdlib.h>

#define AHEAD 4u	/* entries: in the order of their keys they stand anywhere */

/* The part of a scan that comes from the base. */
struct ks_store_scan_base {
	struct ks_store *s;
	struct ks_disk_cursor *c;
	unsigned char prefix[KS_BASE_PREFIX];
	struct ks_bytes key, value;	/* the next; key.p == NULL: no more */
	struct ks_buf given;		/* the value that next gave, where it is aligned */
	struct ks_buf given_key;
};

static struct ks_bytes key_of(const void *thing)
{
	return ks_entry_key(thing);
}

/* Entries of the young generation, and those of the old one that it does not have. */
static int gather(const struct ks_store *s, const struct ks_segment *young, const struct ks_segment *old,
    struct ks_store_scan *scan, struct ks_err *err)
{
	size_t n = (young != NULL ? young->count : 0) + (old != NULL ? old->count : 0);
	struct ks_segment_walk walk = { 0 };
	struct ks_entry *e;

	if (n == 0)
		return 0;
	scan->items = reallocarray(NULL, n, 2 * sizeof(*scan->items));
	if (scan->items == NULL)
		return ks_store_no_memory(err);
	while (young != NULL && (e = ks_segment_next(young, &walk, false)) != NULL)
		scan->items[scan->n++].thing = e;
	walk = (struct ks_segment_walk){ 0 };
	while (old != NULL && (e = ks_segment_next(old, &walk, false)) != NULL)
		if (young == NULL || ks_segment_find(young, ks_entry_key(e), ks_hash(ks_entry_key(e), s->seed)) == 0)
			scan->items[scan->n++].thing = e;
	ks_key_sort(scan->items, scan->n, key_of);
	return 0;
}

/* What the cursor stands at, if it is of the segment. */
static void settle(struct ks_store_scan_base *b)
{
	if (b->key.p != NULL && b->key.n >= KS_BASE_PREFIX && memcmp(b->key.p, b->prefix, KS_BASE_PREFIX) == 0)
		b->key = ks_bytes(b->key.p + KS_BASE_PREFIX, b->key.n - KS_BASE_PREFIX);
	else
		b->key = ks_bytes(NULL, 0);
}

static int open_base(struct ks_store *s, int32_t partition, int64_t segment, struct ks_store_scan *scan,
    struct ks_err *err)
{
	struct ks_store_scan_base *b = calloc(1, sizeof(*b));
	int status;

	scan->base = b;
	if (b == NULL || ks_base_key(s, partition, segment, ks_bytes(NULL, 0)) != 0)
		return ks_store_no_memory(err);
	b->s = s;
	ks_buf_init(&b->given, UINT32_MAX);
	ks_buf_init(&b->given_key, UINT32_MAX);
	memcpy(b->prefix, s->key.p, KS_BASE_PREFIX);
	status = ks_disk_from(s->disk, ks_bytes(b->prefix, KS_BASE_PREFIX), &b->c, &b->key, &b->value, err);
	settle(b);
	return status;
}

int ks_store_scan_begin(struct ks_store *s, int32_t partition, int64_t segment,
    struct ks_store_scan *scan, struct ks_err *err)
{
	int status;

	*scan = (struct ks_store_scan){ 0 };
	status = gather(s, ks_store_parts_find(&s->young.parts, partition, segment),
	    ks_store_parts_find(&s->old.parts, partition, segment), scan, err);
	if (status == 0 && ks_base_has(s, partition, segment))
		status = open_base(s, partition, segment, scan, err);
	return status;
}

/* Take what the cursor stands at: its bytes die when it goes on. */
static bool take_base(struct ks_store_scan_base *b, struct ks_bytes *key, struct ks_store_value *v)
{
	b->given.n = b->given_key.n = 0;
	if (ks_buf_reserve(&b->given, b->value.n + 1) != 0 || ks_buf_add(&b->given, b->value.p, b->value.n) != 0 ||
	    ks_buf_reserve(&b->given_key, b->key.n + 1) != 0 || ks_buf_add(&b->given_key, b->key.p, b->key.n) != 0) {
		ks_store_no_memory(&b->s->wrong);
		return false;
	}
	*key = ks_buf_bytes(&b->given_key);
	*v = (struct ks_store_value){ b->given.p, b->given.n };
	return true;
}

static bool step_base(struct ks_store_scan_base *b)
{
	int status = ks_disk_next(b->c, &b->key, &b->value, &b->s->wrong);

	settle(b);
	return status == 0;
}

bool ks_store_scan_next(struct ks_store_scan *scan, struct ks_bytes *key, struct ks_store_value *v)
{
	struct ks_store_scan_base *b = scan->base;
	bool has_base;
	struct ks_entry *e;
	int c;

	for (;;) {
		has_base = b != NULL && b->key.p != NULL;
		e = scan->at < scan->n ? (struct ks_entry *)(uintptr_t)scan->items[scan->at].thing : NULL;
		if (e == NULL && !has_base)
			return false;
		c = e == NULL ? 1 : has_base ? ks_bytes_cmp(ks_entry_key(e), b->key) : -1;
		if (c > 0)
			return take_base(b, key, v) && step_base(b);
		if (c == 0 && !step_base(b))
			return false;
		if (scan->at + AHEAD < scan->n)
			ks_entry_hint(scan->items[scan->at + AHEAD].thing);
		scan->at++;
		if (e->deleted)
			continue;
		*key = ks_entry_key(e);
		*v = (struct ks_store_value){ ks_entry_value(e), e->value_n };
		return true;
	}
}

void ks_store_scan_end(struct ks_store_scan *scan)
{
	if (scan->base != NULL) {
		ks_disk_cursor_close(scan->base->c);
		ks_buf_release(&scan->base->given);
		ks_buf_release(&scan->base->given_key);
		free(scan->base);
	}
	free(scan->items);
	*scan = (struct ks_store_scan){ 0 };
}
