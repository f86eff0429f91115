/* SPDX-License-Identifier: MIT */
/*
 * expr-pcre.h - regular expressions: compiled once for a set, run by PCRE2.
 *
 * A pattern is UTF-8, and so has to be what it is matched with; both are
 * checked.  What backtracks too far is an error of the expression, and
 * costs so many steps that a record cannot do it often.
 */
#ifndef KS_EXPR_PCRE_H
#define KS_EXPR_PCRE_H

#include "expr-fn.h"

struct ks_regexes;	/* the compiled ones of a set */
void	ks_regexes_free(struct ks_regexes *all);

#define KS_EXPR_BLIND UINT64_C(2000000000)	/* for a record: one or two seconds at the worst */

#define KS_REGEX_UNSET SIZE_MAX	/* where a group did not take part */

/* Where a pattern was found.  Everything is in scratch. */
struct ks_found {
	uint32_t n, cap;	/* matches */
	uint32_t groups;	/* spans of each: the whole match, and its groups */
	size_t *at;		/* n * groups pairs: first byte, byte behind */
	const struct ks_bytes *names;	/* of the groups; p == NULL: none, or names == NULL: of none */
};

/*
 * Whether, and where, in is matched by a pattern with jq's flags (a string
 * or null); matches come from left to right, one of them unless g is among
 * the flags or `global` is set.  A match may be empty, and the next search
 * then begins a character further.
 */
enum ks_yield ks_regex_test(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *pattern, const struct ks_val *flags, bool *yes);
/* What is wrong with a pattern and flags that stand in a program; NULL: nothing, or there was no memory to see. */
const char *ks_regex_refused(struct ks_expr_set *set, const struct ks_val *pattern, const struct ks_val *flags);
enum ks_yield ks_regex_find(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *pattern, const struct ks_val *flags, bool global, struct ks_found *found);

#endif
