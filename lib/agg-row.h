/* SPDX-License-Identifier: MIT */
/*
 * agg-row.h - a kind of aggregate: one row of the table of its family.
 *
 * A new one is a row in its lib/agg-FAMILY.c, an item of
 * kstream-aggregate(7), and lines of tests/unit/agg.c.
 *
 * Functions that change a state take the block and where in it the state
 * begins, a multiple of 8.  They return 0, EMSGSIZE (the block would pass
 * 4 GiB), EDOM (the result would pass agg->max), or what grow returned; then
 * the aggregate is as it was, but for a merge that grow has ended, which may
 * have taken in a part.
 */
#ifndef KS_AGG_ROW_H
#define KS_AGG_ROW_H

#include "agg.h"

/* What an argument is.  Only the values reach check, add and subtract, in their order. */
enum {
	KS_AGG_VALUE = 'v',	/* evaluated on each record */
	KS_AGG_CONST = 'c',	/* evaluated once, for set */
	KS_AGG_INIT = 'i',	/* likewise: what an aggregate of expressions begins with */
	KS_AGG_STEP = 's',	/* on each record, where $acc is what has come of those before */
	KS_AGG_BOTH = 'b',	/* where $acc and $other are two aggregates */
};

struct ks_agg_row {
	const char *name;
	const char *words;	/* what other systems call it, blanks between */
	const char *args;	/* a letter each */
	const char *like;	/* an example of a clause */
	uint8_t need;		/* how many of args must be there */
	bool nil;		/* of nothing the result is null */
	bool parts;		/* states of parts, merged, show what one state of all does */
	bool any_order;		/* and it does not matter in which order values came, but for the last digit of floats */
	uint32_t size;		/* of the state, a multiple of 8 */
	enum {
		KS_AGG_ASKS,	/* check says which numbers it takes in */
		KS_AGG_ADDS,	/* every finite one, by add, which cannot fail then */
		KS_AGG_COUNTS,	/* likewise, and all it keeps is their number, 8 bytes */
		KS_AGG_LEAST, KS_AGG_MOST,	/* likewise, and it keeps that one, in a struct ks_agg_kept */
	} number;		/* what it does with one of them: fold.c goes by it */

	/* Take the constant, or say what it must be. */
	const char *(*set)(struct ks_agg *a, const struct ks_val *v);
	/* NULL: values, none of them null, can be taken in; or what cannot be done ("cannot add a string"). */
	const char *(*check)(const struct ks_val *values);
	/* The same of a state, NULL being one of nothing; only where a result can become too large. */
	const char *(*fits)(const struct ks_agg *a, const unsigned char *block, size_t at,
	    const struct ks_val *values);
	/* Take in values that have passed check and fits; they are copied. */
	int (*add)(const struct ks_agg *a, struct ks_agg_block *b, size_t at,
	    const struct ks_val *values);
	/* Take in what another block of the same layout has taken in, as if it had come after; grow does not move it. */
	int (*merge)(const struct ks_agg *a, struct ks_agg_block *b, size_t at,
	    const unsigned char *from);
	/* As if values had never been added.  NULL: that cannot be known. */
	int (*subtract)(const struct ks_agg *a, struct ks_agg_block *b, size_t at,
	    const struct ks_val *values);
	/* What is to be shown; strings and containers borrow from the block. */
	void (*result)(struct ks_agg *a, const unsigned char *block, size_t at, struct ks_val *v);
	/* Instead of result, what must be built: 0, ENOMEM, EMSGSIZE. */
	int (*show)(const struct ks_agg *a, const unsigned char *block, size_t at,
	    struct ks_buf *out);
};

/* The tables end with a row without a name. */
extern const struct ks_agg_row ks_agg_number[], ks_agg_order[], ks_agg_list[], ks_agg_top[],
    ks_agg_distinct[], ks_agg_quantile[], ks_agg_acc[];

/* What cannot be done with values of types, for tables by type: "cannot add a string". */
#define KS_AGG_REFUSES_OTHERS(verb) \
	[KS_FALSE] = "cannot " verb " a boolean", [KS_TRUE] = "cannot " verb " a boolean", \
	[KS_BIN] = "cannot " verb " bytes", [KS_ARRAY] = "cannot " verb " an array", \
	[KS_MAP] = "cannot " verb " an object"
#define KS_AGG_REFUSES_ALL_BUT_NUMBERS(verb) \
	KS_AGG_REFUSES_OTHERS(verb), [KS_STR] = "cannot " verb " a string"

/* Bytes behind the fixed part. */
struct ks_agg_place {
	uint32_t at;	/* in the block, a multiple of 8 */
	uint32_t cap;	/* 0: there is none yet */
};

/*
 * ks_agg_room - see to it that the place has room for n bytes.  The first
 * `used` ones stay.  What a place leaves behind is bounded by what is in
 * use, as it doubles.  p is the caller's copy, for the block may move.
 */
int	ks_agg_room(struct ks_agg_block *b, struct ks_agg_place *p, size_t used, size_t n) KS_MUST_USE;

/* One value of any type that is kept. */
struct ks_agg_kept {
	uint32_t type;		/* enum ks_type; nil: none yet.  And flags: */
	uint32_t n;		/* length of a string or container */
	union {
		uint64_t number;	/* its bits */
		struct ks_agg_place place;
	};
};
#define KS_AGG_PLACED 0x100u	/* it stands at its place, numbers too from then on */
#define KS_AGG_GONE 0x200u	/* reduce, fold: null has come of a value once; then nil is that, and not the beginning */
#define KS_AGG_FLAGS 0x300u	/* they stay when a value is kept */

static inline const struct ks_agg_kept *ks_agg_kept_at(const unsigned char *block, size_t at)
{
	return (const struct ks_agg_kept *)(const void *)(block + at);
}

void	ks_agg_kept_value(const unsigned char *block, size_t at, struct ks_val *v);
int	ks_agg_keep(struct ks_agg_block *b, size_t at, const struct ks_val *v) KS_MUST_USE;
/* Room for it, so that ks_agg_keep cannot fail. */
int	ks_agg_keep_room(struct ks_agg_block *b, size_t at, const struct ks_val *v) KS_MUST_USE;

/* Whether v can be ordered: NULL, or "cannot compare an array". */
const char *ks_agg_ordered(const struct ks_val *v);
/* Whether a number can be added up: NULL, or what it is that cannot, of a table by type with nan and infinity behind. */
enum { KS_AGG_NAN = KS_MAP + 1, KS_AGG_INFINITE, KS_AGG_TYPES };
const char *ks_agg_finite(const struct ks_val *v, const char *const table[KS_AGG_TYPES]);

/* A hash of a value that equal values share, whatever their encoding and the order of members. */
uint64_t ks_agg_hash(const struct ks_val *v);

#endif
