/* SPDX-License-Identifier: MIT */
/* expr-match.c - the work of one match, counted. */
#include "expr-match.h"

#define ITEM 4u		/* bytes run over in the time that a callout takes */
#define AUTOMATIC 255u	/* the number that PCRE2 gives its own callouts */

uint64_t ks_match_weight(struct ks_bytes pattern)
{
	uint64_t most = 0, number = 0;
	bool counts = false;
	size_t i;

	for (i = 0; i < pattern.n; i++) {
		if (pattern.p[i] == '{' || (counts && pattern.p[i] == ',')) {
			counts = true;
			number = 0;
		} else if (counts && pattern.p[i] >= '0' && pattern.p[i] <= '9' && number < UINT16_MAX) {
			number = 10 * number + pattern.p[i] - '0';
			most = number > most ? number : most;
		} else {
			counts = false;
		}
	}
	return ITEM + most / ITEM;
}

uint32_t ks_match_repeats(struct ks_bytes pattern)
{
	unsigned char c, d;
	uint32_t n = 0;
	size_t i;

	/* {2,} has a comma; \1, \g, \k, (?1), (?R), (?&x), (?P>x) say again what stands elsewhere; \X may be long. */
	for (i = 0; i < pattern.n; i++) {
		c = pattern.p[i];
		d = i + 1 < pattern.n ? pattern.p[i + 1] : '\0';
		n += c == '*' || c == '+' || c == ',' || (c == '\\' && strchr("123456789gkX", d) != NULL) ||
		    (c == '?' && strchr("0123456789R-&P", d) != NULL);
	}
	return n;
}

/* Each match comes here, and is sent back for the next. */
static int consider(const pcre2_callout_block *block, struct ks_longest *best)
{
	size_t n = block->current_position - block->start_match;
	uint32_t i;

	if (n == 0 && best->not_empty)
		return 1;
	if (best->any && n <= best->at[1] - best->at[0])
		return 1;
	best->any = true;
	for (i = 1; i < best->groups; i++) {
		best->at[2 * i] = i < block->capture_top ? block->offset_vector[2 * i] : SIZE_MAX;
		best->at[2 * i + 1] = i < block->capture_top ? block->offset_vector[2 * i + 1] : SIZE_MAX;
	}
	best->at[0] = block->start_match;
	best->at[1] = block->current_position;
	return 1;
}

int ks_match_callout(pcre2_callout_block *block, void *ctx)
{
	struct ks_match_work *work = ctx;
	size_t at = block->current_position;
	uint64_t cost;

	if (block->callout_number != AUTOMATIC)
		return block->callout_number == 1 && work->longest != NULL ? consider(block, work->longest) : 0;
	cost = work->weight + (at > work->last ? at - work->last : work->last - at);
	if (work->groups_again)
		cost += at - block->start_match;
	work->last = at;
	while (cost > work->left) {
		if (work->more(work))
			continue;
		work->left = 0;
		return PCRE2_ERROR_MATCHLIMIT;
	}
	work->left -= cost;
	return 0;
}
