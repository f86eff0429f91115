/* SPDX-License-Identifier: MIT */
/* expr-pattern.h - regular expressions of jq, and their flags, as PCRE2 is to have them. */
#ifndef KS_EXPR_PATTERN_H
#define KS_EXPR_PATTERN_H

#include "expr-text.h"

enum {
	FLAG_G = 1, FLAG_I = 2, FLAG_X = 4, FLAG_DOT = 8, FLAG_N = 16, FLAG_L = 32,
};

/* A string of letters, or null for none, as FLAG_...; an error where it is neither. */
enum ks_yield ks_pattern_flags(struct ks_expr_set *set, const struct ks_val *v, unsigned *flags);

/* Whether the pattern is its own only match. */
bool	ks_pattern_is_literal(struct ks_bytes b, unsigned flags);

/* The pattern's text for PCRE2, at the end of t. */
enum ks_yield ks_pattern_translate(struct ks_expr_set *set, struct ks_bytes b, unsigned flags,
    struct ks_text *t);

/* Steps that PCRE2 may take to compile it, beyond those for its bytes: what grows with more than its length. */
uint64_t ks_pattern_cost(struct ks_bytes b, unsigned flags);

/* PCRE2_... for the flags. */
uint32_t ks_pattern_options(unsigned flags);

#endif
