/* SPDX-License-Identifier: MIT */
/* agg-kit.h - aggregates by name, in blocks that move whenever they grow. */
#ifndef KS_TEST_AGG_KIT_H
#define KS_TEST_AGG_KIT_H

#include "kit.h"
#include "lib/agg-row.h"

#include <errno.h>

#define NIL { .type = KS_NIL }
#define I(x) { .type = KS_INT, .i = (x) }
#define U(x) { .type = KS_UINT, .u = (x) }
#define D(x) { .type = KS_FLOAT, .d = (x) }
#define S(x) { .type = KS_STR, .b = { (const unsigned char *)(x), sizeof(x) - 1 } }
#define BIN(x) { .type = KS_BIN, .b = { (const unsigned char *)(x), sizeof(x) - 1 } }
#define ARRAY(x) { .type = KS_ARRAY, .b = { (const unsigned char *)(x), sizeof(x) - 1 } }
#define MAP(x) { .type = KS_MAP, .b = { (const unsigned char *)(x), sizeof(x) - 1 } }

static int room_left;		/* calls of grow that succeed; below 0: all */

static inline int grow(struct ks_agg_block *b, size_t n)
{
	unsigned char *p;

	if (room_left == 0)
		return ENOMEM;
	room_left--;
	assert_true(n > b->n);
	/* Always moved, so that a pointer kept over a call is found by ASan. */
	p = calloc(1, n);
	assert_non_null(p);
	memcpy(p, b->p, b->n);
	free(b->p);
	b->p = p;
	b->n = n;
	return 0;
}

static inline struct ks_agg_block new_block(size_t n)
{
	struct ks_agg_block b = { calloc(1, n), n, grow };

	assert_non_null(b.p);
	room_left = -1;
	return b;
}

static inline struct ks_agg agg_of(const char *kind)
{
	struct ks_agg a = { .row = ks_agg_find(ks_str(kind)), .max = 1 << 20 };

	assert_non_null(a.row);
	return a;
}

static inline size_t size_of(const char *kind)
{
	return agg_of(kind).row->size;
}

/* As the caller does it: null is passed over. */
static inline const char *check(const char *kind, const struct ks_val *v)
{
	struct ks_agg a = agg_of(kind);

	return v->type == KS_NIL || a.row->check == NULL ? NULL : a.row->check(v);
}

static inline int add(const char *kind, struct ks_agg_block *b, size_t at, const struct ks_val *v)
{
	struct ks_agg a = agg_of(kind);

	return v != NULL && v->type == KS_NIL ? 0 : a.row->add(&a, b, at, v);
}

static inline void result(const char *kind, const unsigned char *block, size_t at, struct ks_val *v)
{
	struct ks_agg a = agg_of(kind);

	a.row->result(&a, block, at, v);
}

static inline bool same(const struct ks_val *a, const struct ks_val *b)
{
	if (a->type != b->type)
		return false;
	if (a->type >= KS_STR)
		return ks_bytes_eq(a->b, b->b);
	if (a->type == KS_FLOAT)
		return memcmp(&a->d, &b->d, sizeof(a->d)) == 0;
	return a->type < KS_INT || a->i == b->i;
}

#endif
