/* SPDX-License-Identifier: MIT */
/* expr-rows.h - tables of programs, documents and what they say. */
#ifndef EXPR_ROWS_H
#define EXPR_ROWS_H

#include "tests/unit/expr-probe.h"

struct expr_row {
	const char *program, *document, *expected;
};

static inline void check_rows(const struct expr_row *rows, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		check_one(rows[i].program, rows[i].document, rows[i].expected);
}
#define CHECK_ROWS(rows) check_rows((rows), sizeof(rows) / sizeof((rows)[0]))

#endif
