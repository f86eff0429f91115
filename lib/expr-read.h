/* SPDX-License-Identifier: MIT */
/*
 * expr-read.h - what the ways to read JSON text into slots share.
 *
 * expr-reader.h, the members of an object, is compiled once for each set of
 * instructions, as json-packer.h is: expr-read-plain.c has what every machine
 * can do, expr-read-avx2.c what most can.  They differ in how they know a key
 * again and find the end of a string or a number; everything else about text
 * stands in expr-load.c, for all of them.
 */
#ifndef KS_EXPR_READ_H
#define KS_EXPR_READ_H

#include "expr-impl.h"
#include "json-pack.h"

struct ks_expr_read {
	struct ks_scan scan;
	struct ks_expr_set *set;
	unsigned key;		/* number of the next key in the text; KS_JSON_GUESSES: any behind them */
};

/*
 * An object, p at its brace; depth is how many containers its values may
 * enter.  All that read text return the byte behind it, or NULL with scan.e set.
 */
typedef const unsigned char *ks_expr_object_reader(struct ks_expr_read *r, const unsigned char *p,
    uint32_t place, unsigned depth);

extern ks_expr_object_reader ks_expr_read_plain;

/* The best that this machine can do. */
ks_expr_object_reader *ks_expr_read_best(void);

/*
 * What is rare, in expr-load.c.  _key: a comma, or the brace, and a key that
 * did not stand there before, with its colon, which g remembers; where the
 * object ends instead, its closing brace.  _member: any value of a key that
 * leads to child (0: nowhere), with white space before it.  _again: a key
 * that a path asks for stands there again.
 */
const unsigned char *ks_expr_read_key(struct ks_expr_read *r, const unsigned char *p, uint32_t mark,
    struct ks_expr_guess *g);
const unsigned char *ks_expr_read_member(struct ks_expr_read *r, const unsigned char *p, uint32_t child,
    unsigned depth);
void	ks_expr_read_again(struct ks_expr_set *set, uint32_t child);

#endif
