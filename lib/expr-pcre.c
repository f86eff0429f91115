/* SPDX-License-Identifier: MIT */
/*
 * expr-pcre.c - regular expressions, by PCRE2.
 *
 * jq has Oniguruma with the syntax of Perl; PCRE2 understands nearly all of
 * that.  As there, `.` stops at a newline alone, `$` matches before the last
 * one, \d \w \s and [[:alpha:]] mean Unicode's, groups with and without a
 * name capture side by side, and a name may be given twice.
 *
 * Flags: g, i, x; s is what holds anyway; p and m let `.` match newlines; n
 * passes over empty matches; l takes the longest of all matches, wherever
 * it begins.
 */
#include "expr-pcre.h"
#include "expr-impl.h"
#include "expr-late.h"
#include "expr-pattern.h"
#include "expr-text.h"

#include <stdlib.h>

#include "expr-match.h"
#include "hash.h"

#define REGEXES 64u		/* that are kept; a program has few, and patterns of the data come and go */
#define WAYS 4u			/* places where a pattern may be */
#define PATTERN_MAX 65535u	/* bytes; PCRE2 compiles no more than that into its links */
#define MATCH_LIMIT 300000u	/* of PCRE2, from one place: some milliseconds; patterns of use take a few hundred */
#define BLIND_LIMIT(n) (4 * (uint64_t)(n) + 100)	/* likewise, where work is not counted */
#define BLIND_BYTES 65536u	/* so that its square is a number */
#define STEP_WORK 16u		/* bytes of counted work that are a step */
#define DEPTH_LIMIT 10000u
#define HEAP_LIMIT 16384u	/* KiB, of the interpreter */
#define STACK_MAX (4u << 20)	/* bytes, of compiled code */
#define LIMIT_STEPS 1000000u	/* what a match costs that ran into a limit */
#define COMPILE_STEPS 500u
#define JIT_STEP 8u		/* bytes of machine code that are made in a step; a pattern may have 60 for one of its own */

struct regex {
	unsigned char *pattern;	/* NULL: a free place */
	size_t n;
	unsigned flags;		/* without g */
	bool literal;		/* the pattern is its own only match */
	bool jit, counted_jit;
	bool constant;		/* of the program: what is compiled of it later is no record's work */
	uint32_t again;		/* the last group that it refers back to; 0: none */
	uint32_t repeats;	/* that have no maximum, or more */
	uint64_t weight;	/* of its items */
	uint32_t groups;	/* the whole match included */
	pcre2_code *code, *counted;	/* the latter NULL until it is wanted */
	pcre2_match_data *data;
};

struct ks_regexes {
	struct regex kept[REGEXES];
	struct regex *last;	/* that was used; NULL: none */
	uint32_t evict;
	pcre2_compile_context *compile;
	pcre2_match_context *match;
	pcre2_jit_stack *stack;
};

static void drop(struct regex *re)
{
	ks_pcre.match_data_free(re->data);
	ks_pcre.code_free(re->code);
	ks_pcre.code_free(re->counted);
	free(re->pattern);
	*re = (struct regex){ .pattern = NULL };
}

void ks_regexes_free(struct ks_regexes *all)
{
	uint32_t i;

	if (all == NULL)
		return;
	for (i = 0; i < REGEXES; i++)
		drop(&all->kept[i]);
	ks_pcre.jit_stack_free(all->stack);
	ks_pcre.match_context_free(all->match);
	ks_pcre.compile_context_free(all->compile);
	free(all);
}

static struct ks_regexes *begin(void)
{
	struct ks_regexes *all = calloc(1, sizeof(*all));

	if (all == NULL)
		return NULL;
	all->compile = ks_pcre.compile_context_create(NULL);
	all->match = ks_pcre.match_context_create(NULL);
	all->stack = ks_pcre.jit_stack_create(32u << 10, STACK_MAX, NULL);
	if (all->compile == NULL || all->match == NULL) {
		ks_regexes_free(all);
		return NULL;
	}
	ks_pcre.set_newline(all->compile, PCRE2_NEWLINE_LF);
	ks_pcre.set_bsr(all->compile, PCRE2_BSR_UNICODE);
	ks_pcre.set_depth_limit(all->match, DEPTH_LIMIT);
	ks_pcre.set_heap_limit(all->match, HEAP_LIMIT);
	if (all->stack != NULL)	/* there is none where PCRE2 was built without its compiler */
		ks_pcre.jit_stack_assign(all->match, NULL, all->stack);
	return all;
}

static enum ks_yield no_regex(struct ks_expr_set *set, struct ks_bytes pattern, int no, size_t at)
{
	char text[128] = "";

	ks_pcre.get_error_message(no, (PCRE2_UCHAR *)text, sizeof(text));
	return ks_expr_error(set, "\"%.*s\" is not a valid regular expression: %s (at offset %zu)",
	    (int)(pattern.n < 80 ? pattern.n : 80), (const char *)pattern.p, text, at);
}

/* What compiling took, by what came of it. */
static enum ks_yield compiled(struct ks_expr_set *set, const pcre2_code *code)
{
	size_t size = 0, jit = 0;

	if (ks_pcre.pattern_info(code, PCRE2_INFO_SIZE, &size) != 0 || ks_pcre.pattern_info(code, PCRE2_INFO_JITSIZE, &jit) != 0)
		return ks_expr_fault(set, ks_no_memory);
	return ks_expr_steps(set, size + jit / JIT_STEP);
}

static enum ks_yield compile(struct ks_expr_set *set, struct ks_bytes pattern, unsigned flags,
    struct regex *re)
{
	struct ks_text text = { NULL, 0, 0 };
	enum ks_yield got;
	uint32_t groups;
	size_t at;
	int no;

	/* One that is refused took its time, too. */
	got = ks_expr_steps(set, COMPILE_STEPS + pattern.n + ks_pattern_cost(pattern, flags));
	if (got == KS_YIELD)
		got = ks_pattern_translate(set, pattern, flags, &text);
	if (got != KS_YIELD)
		return got;
	re->code = ks_pcre.compile(text.p, text.n, ks_pattern_options(flags), &no, &at, set->regexes->compile);
	if (re->code == NULL)
		return no_regex(set, pattern, no, at);
	re->data = ks_pcre.match_data_create_from_pattern(re->code, NULL);
	re->pattern = malloc(pattern.n + 1);
	if (re->data == NULL || re->pattern == NULL ||
	    ks_pcre.pattern_info(re->code, PCRE2_INFO_CAPTURECOUNT, &groups) != 0 ||
	    ks_pcre.pattern_info(re->code, PCRE2_INFO_BACKREFMAX, &re->again) != 0)
		return ks_expr_fault(set, ks_no_memory);
	if (pattern.n > 0)
		memcpy(re->pattern, pattern.p, pattern.n);
	re->n = pattern.n;
	re->flags = flags;
	re->weight = ks_match_weight(pattern);
	re->repeats = ks_match_repeats(pattern);
	re->groups = groups + 1;
	re->literal = ks_pattern_is_literal(pattern, flags);
	re->jit = set->regexes->stack != NULL && ks_pcre.jit_compile(re->code, PCRE2_JIT_COMPLETE) == 0;
	return compiled(set, re->code);
}

static bool is_it(const struct regex *re, struct ks_bytes pattern, unsigned flags)
{
	return re->pattern != NULL && re->n == pattern.n && re->flags == flags &&
	    (re->n == 0 || memcmp(re->pattern, pattern.p, re->n) == 0);
}

static enum ks_yield look_up(struct ks_expr_set *set, struct ks_bytes pattern, unsigned flags,
    struct regex **re)
{
	struct ks_regexes *all = set->regexes;
	struct regex *ways;
	enum ks_yield got;
	uint32_t i;

	if (pattern.n > PATTERN_MAX)
		return ks_expr_error(set, "a regular expression is longer than %u bytes", PATTERN_MAX);
	/* It is compared, and maybe hashed. */
	if (pattern.n >= 256 && ks_expr_walked(set, 2 * pattern.n) != KS_YIELD)
		return KS_YIELD_FAULT;
	if (KS_LIKELY(all != NULL && all->last != NULL && is_it(all->last, pattern, flags))) {
		*re = all->last;
		return KS_YIELD;
	}
	if (all == NULL)
		all = set->regexes = begin();
	if (all == NULL)
		return ks_expr_fault(set, ks_no_memory);
	ways = &all->kept[ks_hash(pattern, flags) % (REGEXES / WAYS) * WAYS];
	for (i = 0; i < WAYS && ways[i].pattern != NULL; i++) {
		if (is_it(&ways[i], pattern, flags)) {
			*re = all->last = &ways[i];
			return KS_YIELD;
		}
	}
	if (i == WAYS)
		i = all->evict++ % WAYS;
	if (ks_utf8_prefix(pattern.p, pattern.n) != pattern.n)
		return ks_expr_error(set, "a regular expression is not UTF-8");
	all->last = NULL;
	drop(&ways[i]);
	got = compile(set, pattern, flags, &ways[i]);
	if (got == KS_YIELD)
		*re = all->last = &ways[i];
	else
		drop(&ways[i]);
	return got;
}

const char *ks_regex_refused(struct ks_expr_set *set, const struct ks_val *pattern, const struct ks_val *flags)
{
	struct regex *re;
	enum ks_yield got;
	unsigned f;

	set->steps = UINT64_MAX;	/* no record has begun */
	got = ks_pattern_flags(set, flags, &f);
	if (got == KS_YIELD)
		got = look_up(set, pattern->b, f & ~(unsigned)FLAG_G, &re);
	if (got == KS_YIELD)
		re->constant = true;
	return got == KS_YIELD_ERROR ? set->error : NULL;
}

/* What stands before a match: who matches what, in jq's order and words. */
static enum ks_yield prepare(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *pattern, const struct ks_val *flags, struct regex **re, unsigned *f)
{
	enum ks_yield got;

	if (in->type != KS_STR)
		return ks_expr_unfit(set, in, "cannot be matched, as it is not a string");
	if (pattern->type != KS_STR)
		return ks_expr_unfit(set, pattern, "is not a string");
	got = ks_pattern_flags(set, flags, f);
	if (got == KS_YIELD)
		got = look_up(set, pattern->b, *f & ~(unsigned)FLAG_G, re);
	if (got != KS_YIELD)
		return got;
	/* JSON's strings are UTF-8; those of frames nobody has looked at, and PCRE2 is told not to. */
	if (ks_utf8_prefix(in->b.p, in->b.n) != in->b.n)
		return ks_expr_error(set, "a string cannot be matched, as it is not UTF-8");
	return ks_expr_walked(set, in->b.n);
}

/*
 * What is short goes uncounted, which is quicker; but from each place no more
 * than some attempts are made, and a record has no more than KS_EXPR_BLIND of
 * that.  An attempt is cheap where nothing but the one repeat goes along the text.
 */
static bool is_blind(struct ks_expr_set *set, const struct regex *re, size_t n)
{
	uint64_t cost = n < BLIND_BYTES ? (uint64_t)n * BLIND_LIMIT(n) / 16 : UINT64_MAX;

	if (n < BLIND_BYTES)
		cost *= re->repeats > 1 ? n : 4 * re->weight;
	if (cost > set->blind)
		return false;
	set->blind -= cost + 1 > set->blind ? set->blind : cost + 1;
	return true;
}

/* The same pattern with a callout before each of its items. */
static int compile_counted(struct ks_expr_set *set, struct regex *re)
{
	struct ks_bytes pattern = ks_bytes(re->pattern, re->n);
	struct ks_text text = { NULL, 0, 0 };
	size_t at;
	int no;

	if (!re->constant && ks_expr_steps(set, COMPILE_STEPS + pattern.n + ks_pattern_cost(pattern, re->flags)) != KS_YIELD)
		return PCRE2_ERROR_MATCHLIMIT;
	if (ks_pattern_translate(set, pattern, re->flags, &text) != KS_YIELD)
		return PCRE2_ERROR_NOMEMORY;
	re->counted = ks_pcre.compile(text.p, text.n, ks_pattern_options(re->flags) | PCRE2_AUTO_CALLOUT, &no, &at,
	    set->regexes->compile);
	if (re->counted == NULL)
		return no;
	re->counted_jit = set->regexes->stack != NULL && ks_pcre.jit_compile(re->counted, PCRE2_JIT_COMPLETE) == 0;
	return re->constant || compiled(set, re->counted) == KS_YIELD ? 0 : PCRE2_ERROR_MATCHLIMIT;
}

static int run_blind(struct ks_regexes *all, const struct regex *re, struct ks_bytes b, size_t from,
    uint32_t options)
{
	ks_pcre.set_match_limit(all->match, (uint32_t)BLIND_LIMIT(b.n - from));
	return re->jit ? ks_pcre.jit_match(re->code, b.p, b.n, from, options, re->data, all->match) :
	    ks_pcre.match(re->code, b.p, b.n, from, options | PCRE2_NO_UTF_CHECK, re->data, all->match);
}

/* The steps of the record that a match takes, bit by bit, and gives back. */
struct counting {
	struct ks_match_work work;
	struct ks_expr_set *set;
};

static bool take_more(struct ks_match_work *work)
{
	struct ks_expr_set *set = ((struct counting *)(void *)work)->set;

	if (!ks_expr_more(set))
		return false;
	work->left += set->steps * STEP_WORK;
	set->steps = 0;
	return true;
}

static int run_counted(struct ks_expr_set *set, struct regex *re, struct ks_bytes b, size_t from,
    uint32_t options, struct ks_longest *longest)
{
	struct ks_regexes *all = set->regexes;
	struct counting c = { { .more = take_more, .weight = re->weight, .groups_again = re->again > 0, .last = from,
		.longest = longest }, set };
	int n = re->counted != NULL ? 0 : compile_counted(set, re);

	if (n != 0)
		return n;
	c.work.left = set->steps * STEP_WORK;
	ks_pcre.set_match_limit(all->match, (uint32_t)(b.n > UINT32_MAX / 8 ? UINT32_MAX : MATCH_LIMIT + 4 * b.n));
	set->steps = 0;
	ks_pcre.set_callout(all->match, ks_match_callout, &c.work);
	n = re->counted_jit ? ks_pcre.jit_match(re->counted, b.p, b.n, from, options, re->data, all->match) :
	    ks_pcre.match(re->counted, b.p, b.n, from, options | PCRE2_NO_UTF_CHECK, re->data, all->match);
	ks_pcre.set_callout(all->match, NULL, NULL);
	set->steps = c.work.left / STEP_WORK;
	return n == PCRE2_ERROR_NOMATCH && longest != NULL && longest->any ? 1 : n;
}

static int run(struct ks_expr_set *set, struct regex *re, struct ks_bytes b, size_t from, size_t *at)
{
	uint32_t options = re->flags & FLAG_N ? PCRE2_NOTEMPTY : 0;
	struct ks_longest best = { at, re->groups, false, options != 0 };
	const size_t *got = ks_pcre.get_ovector_pointer(re->data);
	int n = PCRE2_ERROR_MATCHLIMIT;
	uint32_t i;

	if (re->flags & FLAG_L)
		return run_counted(set, re, b, from, options, &best);
	if (is_blind(set, re, b.n - from))
		n = run_blind(set->regexes, re, b, from, options);
	if (n == PCRE2_ERROR_MATCHLIMIT)
		n = run_counted(set, re, b, from, options, NULL);
	for (i = 0; n > 0 && at != NULL && i < re->groups; i++) {
		at[2 * i] = i < (uint32_t)n ? got[2 * i] : KS_REGEX_UNSET;
		at[2 * i + 1] = i < (uint32_t)n ? got[2 * i + 1] : KS_REGEX_UNSET;
	}
	return n;
}

/* The first match at or behind `from`; at is room for its spans, or NULL. */
static enum ks_yield search(struct ks_expr_set *set, struct regex *re, struct ks_bytes b,
    size_t from, size_t *at, bool *yes)
{
	static const unsigned char none[1];
	const unsigned char *hit;
	char text[128] = "";
	int n;

	*yes = false;
	if (re->literal) {
		hit = from >= b.n ? NULL : memmem(b.p + from, b.n - from, re->pattern, re->n);
		*yes = hit != NULL;
		if (*yes && at != NULL) {
			at[0] = (size_t)(hit - b.p);
			at[1] = at[0] + re->n;
		}
		return ks_expr_walked(set, (hit != NULL ? (size_t)(hit - b.p) : b.n) - from);
	}
	if (b.n == 0)
		b.p = none;
	n = run(set, re, b, from, at);
	if (n == PCRE2_ERROR_NOMATCH)
		return ks_expr_walked(set, b.n - from);
	if (n < 0) {
		if (set->steps == 0 && ks_expr_steps(set, 1) != KS_YIELD)
			return KS_YIELD_FAULT;
		if (ks_expr_steps(set, LIMIT_STEPS) != KS_YIELD)
			return KS_YIELD_FAULT;
		ks_pcre.get_error_message(n, (PCRE2_UCHAR *)text, sizeof(text));
		return ks_expr_error(set, "Regex failure: %s", text);
	}
	/* \K sets where a match begins; what is relied on is the order. */
	if (at != NULL && (at[0] < from || at[0] > at[1] || at[1] > b.n))
		return ks_expr_error(set, "Regex failure: a match begins where none may");
	*yes = true;
	return ks_expr_walked(set, at != NULL ? at[1] - from : b.n - from);
}

enum ks_yield ks_regex_test(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *pattern, const struct ks_val *flags, bool *yes)
{
	struct regex *re = NULL;
	enum ks_yield got;
	size_t *at = NULL;
	unsigned f;

	got = prepare(set, in, pattern, flags, &re, &f);
	if (got != KS_YIELD)
		return got;
	if (f & FLAG_L) {
		at = ks_expr_scratch(set, 2 * re->groups * sizeof(*at));
		if (at == NULL)
			return ks_expr_no_scratch(set);
	}
	return search(set, re, in->b, 0, at, yes);
}

/* The names of groups, copied: the pattern may make room for another before they are used. */
static enum ks_yield read_names(struct ks_expr_set *set, const struct regex *re,
    const struct ks_bytes **names)
{
	uint32_t count = 0, size = 0, i, group;
	const unsigned char *table = NULL;
	struct ks_bytes *list;
	struct ks_val name;
	enum ks_yield got;

	*names = NULL;
	if (ks_pcre.pattern_info(re->code, PCRE2_INFO_NAMECOUNT, &count) != 0 || count == 0)
		return KS_YIELD;
	if (ks_pcre.pattern_info(re->code, PCRE2_INFO_NAMEENTRYSIZE, &size) != 0 ||
	    ks_pcre.pattern_info(re->code, PCRE2_INFO_NAMETABLE, &table) != 0)
		return KS_YIELD;
	list = ks_expr_scratch(set, re->groups * sizeof(*list));
	if (list == NULL)
		return ks_expr_no_scratch(set);
	memset(list, 0, re->groups * sizeof(*list));
	for (i = 0; i < count; i++, table += size) {
		group = (uint32_t)table[0] << 8 | table[1];
		got = ks_expr_string(set, ks_str((const char *)table + 2), &name);
		if (got != KS_YIELD)
			return got;
		list[group] = name.b;
	}
	*names = list;
	return KS_YIELD;
}

static enum ks_yield room_for_one(struct ks_expr_set *set, struct ks_found *found)
{
	uint32_t cap = found->cap == 0 ? 1 : found->cap < 8 ? 8 : 2 * found->cap;
	size_t one = 2 * (size_t)found->groups * sizeof(*found->at), *more;

	if (found->n < found->cap)
		return KS_YIELD;
	more = cap <= found->cap ? NULL : ks_expr_scratch(set, cap * one);
	if (more == NULL)
		return ks_expr_no_scratch(set);
	if (found->n > 0)
		memcpy(more, found->at, found->n * one);
	found->at = more;
	found->cap = cap;
	return KS_YIELD;
}

enum ks_yield ks_regex_find(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *pattern, const struct ks_val *flags, bool global, struct ks_found *found)
{
	struct regex *re = NULL;
	enum ks_yield got;
	size_t from = 0, *at;
	unsigned f;
	bool yes;

	*found = (struct ks_found){ .n = 0 };
	got = prepare(set, in, pattern, flags, &re, &f);
	if (got != KS_YIELD)
		return got;
	found->groups = re->groups;
	global |= (f & FLAG_G) != 0;
	for (;;) {
		got = room_for_one(set, found);
		if (got != KS_YIELD)
			return got;
		at = found->at + 2 * (size_t)found->n * found->groups;
		got = search(set, re, in->b, from, at, &yes);
		if (got != KS_YIELD)
			return got;
		if (!yes)
			break;
		found->n++;
		from = at[1];
		if (at[0] == at[1])
			for (from++; from < in->b.n && (in->b.p[from] & 0xc0) == 0x80; from++)
				;
		if (!global || from > in->b.n)
			break;
	}
	return found->n == 0 ? KS_YIELD : read_names(set, re, &found->names);
}
