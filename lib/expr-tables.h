/* SPDX-License-Identifier: MIT */
/* expr-tables.h - the tables of functions; each ends with a NULL name, and stands in the list of expr-fn.c. */
#ifndef KS_EXPR_TABLES_H
#define KS_EXPR_TABLES_H

#include "expr-fn.h"

extern const struct ks_expr_fn ks_expr_fn_core[], ks_expr_fn_path[];

#endif
