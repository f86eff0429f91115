/* SPDX-License-Identifier: MIT */
/* expr-tables.h - the tables of functions; each ends with a NULL name, and stands in the list of expr-fn.c. */
#ifndef KS_EXPR_TABLES_H
#define KS_EXPR_TABLES_H

#include "expr-fn.h"

extern const struct ks_expr_fn ks_expr_fn_core[], ks_expr_fn_path[], ks_expr_fn_string[],
    ks_expr_fn_split[], ks_expr_fn_format[], ks_expr_fn_regex[], ks_expr_fn_array[],
    ks_expr_fn_object[], ks_expr_fn_math[], ks_expr_fn_time[];

#endif
