/* SPDX-License-Identifier: MIT */
/* diff-print.h - differences, to stdout: lines for people and a summary, or a JSON object each. */
#ifndef KS_DIFF_PRINT_H
#define KS_DIFF_PRINT_H

#include "diff.h"
#include "json.h"

#define KS_DIFF_KINDS 20	/* places of changes that are counted apart */

/* All zero but for what is in. */
struct ks_diff_print {
	/* in */
	bool json, quiet;
	uint64_t limit;		/* differences that are shown */
	unsigned depth;

	/* its own */
	uint64_t shown;
	struct ks_buf line;
	struct ks_json reader;	/* of a key that is JSON as text, as those of windows are in topics */
	struct ks_buf text, object;
	struct ks_diff_kind {
		char *path;
		uint64_t count;
	} kinds[KS_DIFF_KINDS];
	size_t kind_count;
	uint64_t elsewhere;
};

/* As found of diff.h: arg is the struct. */
int	ks_diff_print_take(void *arg, const struct ks_diff_found *f, struct ks_err *err) KS_MUST_USE;

/* All has been compared. */
int	ks_diff_print_end(struct ks_diff_print *x, const struct ks_diff *d, struct ks_err *err) KS_MUST_USE;

void	ks_diff_print_release(struct ks_diff_print *x);

#endif
