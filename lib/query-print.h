/* SPDX-License-Identifier: MIT */
/* query-print.h - the answers of stages, to stdout: JSON lines, JSON for people, or a table. */
#ifndef KS_QUERY_PRINT_H
#define KS_QUERY_PRINT_H

#include "expr.h"
#include "query.h"

enum ks_query_form { KS_QUERY_LINES, KS_QUERY_PRETTY, KS_QUERY_TABLE };

/* A row that is kept: for a table, or among the best. */
struct ks_query_kept {
	unsigned char *p;
	size_t row_n, by_n;	/* the row, then what it is ordered by */
};

/* All zero but for what is in. */
struct ks_query_print {
	/* in */
	enum ks_query_form form;
	enum ks_query_what what;
	bool color;
	unsigned depth;
	uint64_t limit;			/* rows; 0: all */
	size_t top;			/* so many of the best by `by`; 0: all, as they come */
	struct ks_expr_set *set;	/* of by */
	struct ks_expr *by;

	/* its own */
	struct ks_query_kept *kept;
	size_t count, cap;
	uint64_t rows;			/* of all instances */
	int64_t epoch;			/* the smallest; -1: none has answered */
	bool uncommitted;
	struct ks_buf text, ends;	/* ends: those of the instances, one behind the other */
};

void	ks_query_print_init(struct ks_query_print *x);
void	ks_query_print_release(struct ks_query_print *x);

/* As ks_query_take has it: arg is the struct. */
int	ks_query_print_take(void *arg, unsigned char kind, struct ks_bytes map, struct ks_err *err) KS_MUST_USE;

/* All have answered. */
int	ks_query_print_end(struct ks_query_print *x, struct ks_err *err) KS_MUST_USE;

/* A member of a map that was checked; p == NULL: there is none. */
struct ks_bytes ks_query_member(struct ks_bytes map, const char *name);

/* query-table.c: kept rows in columns. */
int	ks_query_table(struct ks_query_print *x, struct ks_err *err) KS_MUST_USE;

#endif
