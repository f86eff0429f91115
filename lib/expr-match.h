/* SPDX-License-Identifier: MIT */
/*
 * expr-match.h - the work of one match, counted.
 *
 * PCRE2 bounds what it tries from one place of the text, by a number of
 * attempts each of which may run over all of the text; then it begins anew
 * at the next place.  So a match of 60 KB may take 10^12 steps within every
 * limit it has.  Here a callout before each item of the pattern counts the
 * bytes that the text was gone along since the last one.
 */
#ifndef KS_EXPR_MATCH_H
#define KS_EXPR_MATCH_H

#include "bytes.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

/* The longest match so far: for the flag l, whose callout is (?C1) behind the pattern. */
struct ks_longest {
	size_t *at;
	uint32_t groups;
	bool any, not_empty;
};

struct ks_match_work {
	uint64_t left;		/* of work: a byte is one */
	bool (*more)(struct ks_match_work *work);	/* adds to left; false: there is no more */
	uint64_t weight;	/* of an item, whatever it did */
	bool groups_again;	/* the pattern has back references, which compare in silence */
	size_t last;		/* where the text was at the last item */
	struct ks_longest *longest;	/* NULL: the first match will do */
};

/* What an item of the pattern may cost that fails: a{1000} looks at 999 bytes first. */
uint64_t ks_match_weight(struct ks_bytes pattern);

/* How many things in it may go along the text for as long as they like: no fewer than there are. */
uint32_t ks_match_repeats(struct ks_bytes pattern);

/* For pcre2_set_callout, of a pattern compiled with PCRE2_AUTO_CALLOUT; ends the match where nothing is left. */
int	ks_match_callout(pcre2_callout_block *block, void *work);

#endif
