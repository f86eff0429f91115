/* SPDX-License-Identifier: MIT */
/*
 * kstream-branch - route each record to the first branch that matches.
 *
 * All expressions are of one set: their paths are found in one walk over
 * the value, however many branches there are.
 */
#include "lib/expr.h"
#include "lib/op.h"

#define BRANCHES_MAX 1000u

struct branch {
	struct ks_bytes name;
	struct ks_expr *expr;
	bool matches;		/* the record in hand */
};

struct branching {
	struct ks_expr_set *set;
	struct branch branches[BRANCHES_MAX];
	unsigned count;
	const char *rest;	/* --default */
	bool all;
};

enum { OPT_ALL, OPT_DEFAULT };

static const struct ks_option options[] = {
	[OPT_ALL] = { "all", 0, NULL, "copy a record to every branch that matches" },
	[OPT_DEFAULT] = { "default", 0, "NAME", "the branch of what matches none; else dropped" },
	{ 0 },
};

/* What Kafka allows as the name of a topic, and no expression begins with before a colon. */
static bool is_branch_name(const char *text, size_t n)
{
	return ks_is_name(text, n) && strncmp(text, "..", n) != 0 && strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") >= n;
}

static int branch_option(void *st, struct ks_run *run, unsigned at, const char *value)
{
	struct branching *b = st;

	if (at == OPT_ALL)
		b->all = true;
	else if (!is_branch_name(value, strlen(value)))
		return ks_fail(run->err, KS_USAGE, "--default '%s' is no name of a branch, of letters, digits, '.', '_' and '-'", value);
	else
		b->rest = value;
	return 0;
}

/* NAME: EXPR, the expression behind the first colon. */
static int add_branch(struct branching *b, const char *clause, struct ks_err *err)
{
	const char *colon = strchr(clause, ':');
	size_t n = colon == NULL ? 0 : (size_t)(colon - clause), i;

	if (colon == NULL || !is_branch_name(clause, n))
		return ks_fail(err, KS_USAGE, "'%s' is no 'NAME: EXPR', such as 'errors: .level == \"ERROR\"'; "
		    "files come by --in", clause);
	for (i = 0; i < b->count; i++)
		if (b->branches[i].name.n == n && memcmp(b->branches[i].name.p, clause, n) == 0)
			return ks_fail(err, KS_USAGE, "branch '%.*s' is given twice; combine its conditions with 'or'",
			    (int)n, clause);
	if (b->count == BRANCHES_MAX)
		return ks_fail(err, KS_USAGE, "more than %u branches are given", BRANCHES_MAX);
	b->branches[b->count].name = ks_bytes(clause, n);
	return ks_expr_add_of(b->set, clause, n + 1, &b->branches[b->count++].expr, err);
}

static int branch_operands(void *st, struct ks_run *run, int argc, char *const argv[], int *used)
{
	struct branching *b = st;
	int i, status = 0;

	if (argc == 0)
		return ks_fail(run->err, KS_USAGE, "which branches? give 'NAME: EXPR', such as 'errors: .level == \"ERROR\"'");
	*used = argc;
	b->set = ks_expr_set_new(run->limits);
	if (b->set == NULL)
		return ks_fail_memory(run->err);
	for (i = 0; i < argc && status == 0; i++)
		status = add_branch(b, argv[i], run->err);
	return status;
}

static int send(struct ks_run *run, const struct ks_rec *rec, struct ks_bytes name)
{
	struct ks_rec routed = *rec;

	routed.route = name;
	routed.frame = ks_bytes(NULL, 0);
	return ks_emit(run, &routed);
}

/* Which branches the record matches: how many, or -1 with *status set. */
static int match(struct branching *b, struct ks_run *run, const struct ks_rec *rec, int *status)
{
	const char *wrong = ks_expr_load(b->set, rec);
	struct branch *x = b->branches;
	int count = 0;

	if (KS_UNLIKELY(wrong != NULL)) {
		*status = ks_reject(run, rec, "%s", wrong);
		return -1;
	}
	for (; x < b->branches + b->count; x++) {
		x->matches = false;
		if (count > 0 && !b->all)
			continue;
		wrong = ks_expr_any(x->expr, &x->matches);
		if (KS_UNLIKELY(wrong != NULL)) {
			*status = ks_is_no_memory(wrong) ? ks_fail_memory(run->err) : ks_reject(run, rec, "%.*s: %s", (int)x->name.n, (const char *)x->name.p, wrong);
			return -1;
		}
		count += x->matches;
	}
	return count;
}

static int branch_record(void *st, struct ks_run *run, unsigned input, struct ks_rec *rec)
{
	struct branching *b = st;
	struct branch *x;
	int status = 0, count = match(b, run, rec, &status);

	(void)input;
	if (count == 0 && b->rest != NULL)
		return send(run, rec, ks_str(b->rest));
	if (count == 0)
		ks_drop(run, "unmatched");
	if (count > 1)
		ks_made(run, (uint64_t)count - 1);
	/* Nothing goes out before all is known: a record that one branch fails on goes to none. */
	for (x = b->branches; x < b->branches + b->count && count > 0 && status == 0; x++)
		if (x->matches)
			status = send(run, rec, x->name);
	return status;
}

static void branch_close(void *st, struct ks_run *run)
{
	struct branching *b = st;

	(void)run;
	ks_expr_set_free(b->set);
}

static const struct ks_op op = {
	.name = "kstream-branch",
	.synopsis = "[--all] [--default NAME] 'NAME: EXPR' ...",
	.purpose = "route each record to the first branch that matches",
	.options = options, .size = sizeof(struct branching), .inputs = 1,
	.option = branch_option, .operands = branch_operands,
	.record = branch_record, .close = branch_close,
};

int main(int argc, char *argv[])
{
	return ks_main(&op, argc, argv);
}
