/* SPDX-License-Identifier: MIT */
/*
 * value-diff.h - where two values begin to differ.
 *
 * As jq compares them: numbers by value whatever their form, objects whatever
 * the order of their members.  Beyond jq, nan is nan, and numbers may be a
 * little apart.
 */
#ifndef KS_VALUE_DIFF_H
#define KS_VALUE_DIFF_H

#include "value.h"

/*
 * Numbers are equal that are no more than this apart, as decimals: of doubles 4
 * units in the last place of the larger are let be, since 1.1 is not quite 1.1,
 * nor is 0.1.  Decimals of up to 14 digits are told apart as they are written.
 */
struct ks_tolerance {
	double apart;		/* from 0 on */
	double share;		/* or this much of the larger one, 0.01 being 1 % */
};

/* "0.5", "1%", from 0 on: 0, or EINVAL. */
int	ks_tolerance_parse(const char *text, struct ks_tolerance *t) KS_MUST_USE;

/* All zero is empty; ks_value_diff_release afterwards. */
struct ks_value_diff {
	struct ks_buf path;	/* jq's: .items[3].price, or . */
	struct ks_buf kind;	/* the same without the numbers of elements: .items[].price */
	struct ks_bytes old, new;	/* what stands there, borrowed; p == NULL: nothing does */
};

/*
 * ks_value_differ - the first difference of two values that ks_mp_check has
 * passed, of members in the order of old, or where the orders are not the same
 * in that of their names.  *no: 0, or an errno, and then the result means nothing.
 */
bool	ks_value_differ(struct ks_bytes old, struct ks_bytes new, const struct ks_tolerance *t, struct ks_value_diff *d, int *no);

/*
 * ks_value_plain - one form for all values that are equal to ks_value_differ
 * without a tolerance: whole floats as integers, members by their names, all
 * packed minimally.  plain borrows from value, which ks_mp_skip has passed, or
 * from room, whose maximum is twice that of a value and KS_MP_HEADER.  0,
 * ENOMEM, EMSGSIZE.
 */
int	ks_value_plain(struct ks_buf *room, struct ks_bytes value, struct ks_bytes *plain) KS_MUST_USE;

void	ks_value_diff_release(struct ks_value_diff *d);

#endif
