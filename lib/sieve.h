/* SPDX-License-Identifier: MIT */
/*
 * sieve.h - what a tool tells the kstream-cat that reads topics for it: which
 * records it would drop without another look, so that these need not become
 * records, go through a pipe, and be read again.
 *
 * It changes nothing that anybody sees.  Left out is only what certainly
 * would be dropped: a value that is sound JSON, for which the expression,
 * which does not ask what time it is, is evaluated without error.  Whatever is in doubt goes on, and the tool
 * itself decides.  What is left out is counted, for the tool's own counters.
 */
#ifndef KS_SIEVE_H
#define KS_SIEVE_H

#include "expr.h"

#define KS_SIEVE_MAX 4096	/* bytes of an expression that is handed on: all go through the environment */

/* What a tool does with a record, as far as its value alone decides. */
struct ks_wants {
	const char *expr;	/* where this is not true (or with invert: is), the record is dropped */
	bool invert;
	const char *cause;	/* that it is dropped for: a literal */
};

/* How much was left out: one page, which two processes share.  One writes, the other reads now and then. */
struct ks_left_out {
	_Atomic uint64_t records, bytes;	/* of keys and values */
};

/* What the two tell each other (child.h, config.h). */
struct ks_wanted {
	struct ks_wants wants;
	struct ks_left_out *left_out;	/* NULL: the tool takes all */
};

/*
 * ks_wanted_tell - make w from wants, and write to text, of size bytes, what
 * the one process that is run next finds behind the value of an environment
 * variable: a colon, the number of a descriptor that it inherits, ":+" or
 * with invert ":-", the expression.  ks_wanted_told, with what it returned,
 * takes both away again.  wants may be NULL; where it does not go, nothing
 * is told.  size: KS_WANTED_SIZE at least.
 */
#define KS_WANTED_SIZE (KS_SIEVE_MAX + 20)
int	ks_wanted_tell(struct ks_wanted *w, const struct ks_wants *wants, char *text, size_t size) KS_MUST_USE;
void	ks_wanted_told(int fd, char *text);

/* The same text, as the process finds it; what is none leaves w alone.  w borrows from text. */
void	ks_wanted_learn(struct ks_wanted *w, const char *text);

/* Of the process that reads topics.  All zero bytes leave nothing out. */
struct ks_sieve {
	struct ks_expr_set *set;
	struct ks_expr *expr;
	bool invert;
	struct ks_left_out *page;
};

/* Where the expression cannot be used for this, the sieve leaves nothing out. */
void	ks_sieve_open(struct ks_sieve *s, const struct ks_wanted *wanted, const struct ks_limits *limits);
void	ks_sieve_close(struct ks_sieve *s);

/*
 * ks_sieve_drops - whether the record of value text (followed by KS_PAD
 * bytes, the first a NUL) can be left out; it is counted then.  size: its
 * bytes of key and value.
 */
bool	ks_sieve_drops(struct ks_sieve *s, struct ks_bytes text, size_t size);

#endif
