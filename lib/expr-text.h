/* SPDX-License-Identifier: MIT */
/*
 * expr-text.h - text that grows in the scratch memory of a set.  Only the
 * files of expr.h include it.
 */
#ifndef KS_EXPR_TEXT_H
#define KS_EXPR_TEXT_H

#include "expr-fn.h"

/* Text on its way.  All zero: none. */
struct ks_text {
	unsigned char *p;
	size_t n, cap;
};

/* Make room for n more bytes behind t->n. */
enum ks_yield ks_text_room(struct ks_expr_set *set, struct ks_text *t, size_t n);
enum ks_yield ks_text_add(struct ks_expr_set *set, struct ks_text *t, struct ks_bytes b);

/* Likewise, but what is no UTF-8 becomes U+FFFD, one for each run that no character begins with. */
enum ks_yield ks_text_add_repaired(struct ks_expr_set *set, struct ks_text *t, struct ks_bytes b);

/* The text as a string, which may go on growing: the string stays what it was. */
struct ks_val ks_text_value(const struct ks_text *t);

/* What `tostring` gives: a string is itself, bytes are base64, all else is JSON. */
enum ks_yield ks_expr_tostring(struct ks_expr_set *set, const struct ks_val *v,
    struct ks_bytes *text);


#endif
