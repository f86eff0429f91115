/* SPDX-License-Identifier: MIT */
/* fold-rule.c - the expressions of a reduce or a fold, and constants. */
#include "fold-impl.h"

#include <errno.h>
#include <stdlib.h>

int ks_fold_constant(struct ks_fold *f, const char *clause, struct ks_bytes text, struct ks_buf *out,
    struct ks_val *v, struct ks_err *err)
{
	struct ks_rec rec = { .flags = KS_TIME_NONE, .key = ks_mp_nil, .headers = ks_no_headers, .value = ks_mp_nil };
	struct ks_expr_set *set = ks_expr_set_new(&f->work->limits);
	char *copy = strndup((const char *)text.p, text.n);
	const unsigned char *p;
	const char *what = ks_no_memory;
	struct ks_err why;
	struct ks_expr *e;
	int status = 0;

	if (set != NULL && copy != NULL) {
		status = ks_expr_add(set, copy, &e, &why);
		what = status == 0 ? ks_expr_load(set, &rec) : why.text;
		if (what == NULL)
			what = ks_expr_eval(e, v);
		if (what == NULL && ks_mp_add_val(out, v) != 0)
			what = ks_no_memory;
	}
	if (what != NULL)
		status = ks_is_no_memory(what) ? ks_fail_memory(err) :
		    ks_fail(err, status != 0 ? status : KS_USAGE, "'%s': %s", clause, what);
	ks_expr_set_free(set);
	free(copy);
	p = out->p;
	if (status == 0 && ks_mp_read(&p, out->p + out->n, f->work->limits.depth, v) != KS_MP_OK)
		ks_bug("a constant that was not packed rightly");
	return status;
}

void ks_fold_rule_free(struct ks_fold_rule *rule)
{
	if (rule == NULL)
		return;
	ks_expr_set_free(rule->merging);
	ks_buf_release(&rule->packed);
	free(rule);
}

static int add_to(struct ks_expr_set *set, const char *clause, struct ks_bytes text, struct ks_expr **e,
    struct ks_err *err)
{
	char *copy = strndup((const char *)text.p, text.n);
	struct ks_err why;
	int status;

	if (copy == NULL)
		return ks_fail_memory(err);
	status = ks_expr_add(set, copy, e, &why);
	free(copy);
	return status != 0 ? ks_fail(err, status, "'%s': %s", clause, why.text) : 0;
}

/* Where two aggregates are merged: a reduce takes the later one for a value. */
static int add_merge(struct ks_fold *f, struct ks_fold_item *item, struct ks_bytes text, struct ks_err *err)
{
	struct ks_fold_rule *rule = item->rule;
	int status;

	rule->merging = ks_expr_set_new(&f->work->limits);
	if (rule->merging == NULL)
		return ks_fail_memory(err);
	status = ks_expr_declare(rule->merging, "$acc", &rule->one, err);
	if (status == 0 && !rule->reduce)
		status = ks_expr_declare(rule->merging, "$other", &rule->other, err);
	return status != 0 ? status : add_to(rule->merging, item->clause, text, &rule->merge, err);
}

static int add_steps(struct ks_fold *f, struct ks_fold_item *item, const struct ks_agg_clause *c,
    struct ks_err *err)
{
	struct ks_fold_rule *rule = item->rule;
	uint32_t first = rule->reduce ? 0 : 1;
	struct ks_expr_set *steps = f->work->steps;
	int status;

	if (steps == NULL) {
		steps = f->work->steps = ks_expr_set_new(&f->work->limits);
		status = steps == NULL ? ks_fail_memory(err) : ks_expr_declare(steps, "$acc", &f->work->acc, err);
		if (status != 0)
			return status;
	}
	status = add_to(steps, item->clause, c->args[first], &rule->add, err);
	if (status == 0 && c->args[first + 1].n > 0)
		status = add_to(steps, item->clause, c->args[first + 1], &rule->sub, err);
	return status;
}

int ks_fold_rule_new(struct ks_fold *f, struct ks_fold_item *item, const struct ks_agg_clause *c,
    struct ks_err *err)
{
	struct ks_fold_rule *rule = calloc(1, sizeof(*rule));
	int status = 0;

	if (rule == NULL)
		return ks_fail_memory(err);
	item->rule = rule;
	ks_buf_init(&rule->packed, KS_RECORD_MAX);
	rule->other = KS_FOLD_NONE;
	rule->reduce = c->row->args[0] != KS_AGG_INIT;
	if (!rule->reduce)
		status = ks_fold_constant(f, item->clause, c->args[0], &rule->packed, &rule->init, err);
	if (status == 0)
		status = add_steps(f, item, c, err);
	if (status == 0 && rule->reduce)
		status = add_merge(f, item, c->args[0], err);
	else if (status == 0 && c->args[3].n > 0)
		status = add_merge(f, item, c->args[3], err);
	f->reads = true;
	return status;
}
