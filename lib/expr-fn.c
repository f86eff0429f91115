/* SPDX-License-Identifier: MIT */
/* expr-fn.c - all functions of the language, by name and number of arguments. */
#include "expr-impl.h"

#include "expr-tables.h"

/* NULL ends it. */
static const struct ks_expr_fn *const tables[] = {
	ks_expr_fn_core, ks_expr_fn_path, ks_expr_fn_string, ks_expr_fn_split, ks_expr_fn_format,
	ks_expr_fn_regex, ks_expr_fn_array, ks_expr_fn_object, ks_expr_fn_math, ks_expr_fn_time,
	NULL,
};

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
