/* SPDX-License-Identifier: MIT */
/*
 * agg.h - aggregates: what is kept of many values, and what is shown of it.
 *
 * The state of an aggregate is plain bytes at a fixed place of a block that
 * the caller owns: zeroed bytes are the state of no values, it may be
 * moved, copied and written to disk (by a machine of the same byte order),
 * and holds no pointers.  A value longer than a number stands behind the
 * fixed part, where the block is made longer for it.
 *
 * null is skipped by all but count().  Results:
 *
 *	count	an integer
 *	sum	an integer, exact, while all values are integers and it fits 64 bits
 *		(signed or unsigned); else a float; of nothing 0
 *	avg	sum / count; an integer where that is exact and all values were
 *		integers; of nothing null
 *	min max	by jq's order, of equals the first; of nothing null
 *	first last	by arrival; of nothing null
 *
 * Source: semantics.md 3.1; oracle/model.py, class Members.
 */
#ifndef KS_AGG_H
#define KS_AGG_H

#include "value.h"

enum ks_agg_kind {
	KS_AGG_COUNT,
	KS_AGG_SUM,
	KS_AGG_AVG,
	KS_AGG_MIN,
	KS_AGG_MAX,
	KS_AGG_FIRST,
	KS_AGG_LAST,
};

/* "low=min(.price)", taken apart; slices borrow from the text. */
struct ks_agg_clause {
	struct ks_bytes text;		/* all of it, without blanks around */
	struct ks_bytes name;		/* p == NULL: none */
	enum ks_agg_kind kind;
	struct ks_bytes argument;	/* an expression, not looked into; n == 0: none, and then it is count() */
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

/* Bytes of fixed state, a multiple of 8. */
size_t	ks_agg_size(enum ks_agg_kind kind);

/* Whether v can be aggregated: NULL, or what cannot be done, naming the type ("cannot add a string"). */
const char *ks_agg_check(enum ks_agg_kind kind, const struct ks_val *v);

/*
 * The block that holds states: p is aligned to 8 and n bytes long, fixed
 * parts first.  grow makes it n bytes long, n larger than b->n, the new ones
 * zero; it may move p.  Returns 0, or an error number for the caller of
 * ks_agg_add.  It is called for strings and containers only.
 */
struct ks_agg_block {
	unsigned char *p;
	size_t n;
	int (*grow)(struct ks_agg_block *b, size_t n);
};

/*
 * ks_agg_add - take one more value in.
 *
 *	b	may hold several aggregates, each at its own place
 *	at	where the state begins in the block, a multiple of 8
 *	v	a value that ks_agg_check has accepted; copied.  NULL is the
 *		missing argument of count()
 *
 * Returns 0, EMSGSIZE (the block would pass 4 GiB), or what grow returned;
 * then the aggregate is as it was.
 */
int	ks_agg_add(enum ks_agg_kind kind, struct ks_agg_block *b, size_t at,
	    const struct ks_val *v) KS_MUST_USE;

/*
 * ks_agg_merge - take in all that another state has taken in, as if it had
 * come after: of equals the first stays, last is that of `from`.
 *
 *	from	a block of the same layout, aligned to 8, which grow does not move
 *
 * Returns what ks_agg_add does.
 */
int	ks_agg_merge(enum ks_agg_kind kind, struct ks_agg_block *b, size_t at,
	    const unsigned char *from) KS_MUST_USE;

/* What is to be shown; strings and containers borrow from the block. */
void	ks_agg_result(enum ks_agg_kind kind, const unsigned char *block, size_t at,
	    struct ks_val *v);

#endif
