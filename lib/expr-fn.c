/* SPDX-License-Identifier: MIT */
/* expr-fn.c - all functions of the language, by name and number of arguments. */
#include "expr-impl.h"

#define TABLE(name) ks_expr_fn_##name,
static const struct ks_expr_fn *const tables[] = { KS_EXPR_TABLES(TABLE) NULL };

const struct ks_expr_fn *const *ks_expr_fn_tables(void)
{
	return tables;
}

const struct ks_expr_fn *ks_expr_fn_find(struct ks_bytes name, uint32_t count)
{
	const struct ks_expr_fn *const *table, *fn;

	for (table = tables; *table != NULL; table++)
		for (fn = *table; fn->name != NULL; fn++)
			if (ks_bytes_is(name, fn->name) && (count == KS_EXPR_NONE || fn->args == count))
				return fn;
	return NULL;
}
