/* SPDX-License-Identifier: MIT */
/*
 * agg.h - aggregates: what is kept of many values, and what is shown of it.
 *
 * The state of an aggregate is plain bytes at a fixed place of a block that
 * the caller owns: zeroed bytes are the state of no values, it may be
 * moved, copied and written to disk (by a machine of the same byte order),
 * and holds no pointers.  What is longer than that stands behind the fixed
 * part, where the block is made longer for it.
 *
 * An aggregate is a row of a table (agg-row.h), with the constants of its
 * clause.  kstream-aggregate(7) has what each of them is.
 */
#ifndef KS_AGG_H
#define KS_AGG_H

#include "value.h"

#define KS_AGG_ARGS 4u
#define KS_AGG_VALUES 2u	/* arguments that each record has a value of */

struct ks_agg_row;

/* "low=min(.price) where .n > 1", taken apart; slices borrow from the text. */
struct ks_agg_clause {
	struct ks_bytes text;		/* all of it, without blanks around */
	struct ks_bytes name;		/* p == NULL: none */
	const struct ks_agg_row *row;
	struct ks_bytes args[KS_AGG_ARGS];	/* expressions, not looked into; n == 0: left out */
	uint32_t count;			/* of args: as many as the row takes */
	struct ks_bytes where;		/* p == NULL: none */
};

/*
 * ks_agg_clause_next - take the next clause off a list separated by commas.
 * Commas within parentheses, brackets, braces and strings are passed over.
 *
 *	text	the rest of the list; stepped over the clause and its comma
 *
 * Returns 0, or KS_USAGE with a text that quotes the clause and says what
 * would be right.  A list is not empty, and does not end with a comma;
 * text->p == NULL says that it has come to its end.
 */
int	ks_agg_clause_next(struct ks_bytes *text, struct ks_agg_clause *c, struct ks_err *err)
	    KS_MUST_USE;

/* The row of a name, NULL: there is none; and the row of a number, from 0, NULL behind the last one. */
const struct ks_agg_row *ks_agg_find(struct ks_bytes name);
const struct ks_agg_row *ks_agg_nth(size_t i);

/* A row with what a clause says once for all records. */
struct ks_agg {
	const struct ks_agg_row *row;
	size_t max;		/* bytes of a result: what would be longer is refused */
	uint64_t past;		/* results of integers that were shown as floats, for want of bits */
	union {
		double at;	/* quantile: 0 to 1 */
		uint32_t n;	/* top, bottom */
	};
};

/*
 * The block that holds states: p is aligned to 8 and n bytes long, fixed
 * parts first.  grow makes it n bytes long or longer, n larger than b->n, the
 * new ones zero; it may move p.  Returns 0, or an error number for the caller
 * of what grows.
 */
struct ks_agg_block {
	unsigned char *p;
	size_t n;
	int (*grow)(struct ks_agg_block *b, size_t n);
};

#endif
