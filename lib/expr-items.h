/* SPDX-License-Identifier: MIT */
/*
 * expr-items.h - what functions of arrays and of objects share: the items
 * of a container, and sorting.
 */
#ifndef KS_EXPR_ITEMS_H
#define KS_EXPR_ITEMS_H

#include "expr-fn.h"

/* What `.[]` yields: elements of an array, values of an object; an error for others. */
enum ks_yield ks_expr_items(struct ks_expr_set *set, const struct ks_val *in, struct ks_vals *list);

/* An item, and what it is sorted by: keys are compared one by one, and of equal ones the fewer first. */
struct ks_expr_item {
	struct ks_val v;
	const struct ks_val *keys;
	uint32_t key_count;
};

struct ks_expr_sort {
	struct ks_expr_set *set;
	struct ks_expr_item *items;
	const struct ks_expr_item **order;	/* after ks_expr_sort: the items, stable */
	uint32_t n;
	uint64_t work;		/* that was not reported yet */
	enum ks_yield got;	/* a fault: comparisons say "equal" from then on */
};

/* The items of in, each its own key; or by all that f yields for it (the last lives in scratch, too). */
enum ks_yield ks_expr_sort_open(struct ks_expr_sort *s, struct ks_expr_set *set,
    const struct ks_val *in);
enum ks_yield ks_expr_sort_open_by(struct ks_expr_sort *s, struct ks_expr_set *set,
    const struct ks_val *in, uint32_t f);

/* jq's order over the keys of two items.  The work is counted: look at s->got now and then, and at the end. */
int	ks_expr_sort_cmp(struct ks_expr_sort *s, const struct ks_expr_item *a,
	    const struct ks_expr_item *b);
enum ks_yield ks_expr_sort(struct ks_expr_sort *s);

/* The keys as jq shows them in errors: an array of arrays. */
enum ks_yield ks_expr_sort_keys(struct ks_expr_sort *s, struct ks_val *out);

#endif
