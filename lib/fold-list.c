/* SPDX-License-Identifier: MIT */
/* fold-list.c - a list of aggregates is made of its clauses. */
#include "fold-impl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static int no_memory(struct ks_err *err)
{
	return ks_fail_errno(err, KS_TEMP, ENOMEM, "cannot keep an expression");
}

int ks_fold_init(struct ks_fold *f, const struct ks_limits *limits, size_t head, struct ks_err *err)
{
	*f = (struct ks_fold){ .state_n = head };
	ks_buf_init(&f->names, KS_RECORD_MAX);
	f->set = ks_expr_set_new(limits);
	f->work = calloc(1, sizeof(*f->work));
	if (f->set == NULL || f->work == NULL)
		return no_memory(err);
	f->work->limits = *limits;
	ks_buf_init(&f->work->packed, SIZE_MAX / 4);
	return 0;
}

static void release_item(struct ks_fold_item *item)
{
	uint32_t k;

	for (k = 0; k < KS_AGG_VALUES; k++)
		free(item->args[k].text);
	free(item->where.text);
	free(item->clause);
	ks_fold_rule_free(item->rule);
}

void ks_fold_release(struct ks_fold *f)
{
	uint32_t i;

	for (i = 0; i < f->count; i++)
		release_item(&f->items[i]);
	free(f->items);
	ks_buf_release(&f->names);
	ks_expr_set_free(f->set);
	if (f->work != NULL) {
		ks_expr_set_free(f->work->steps);
		ks_arena_release(&f->work->copies);
		ks_buf_release(&f->work->packed);
		free(f->work);
	}
	*f = (struct ks_fold){ 0 };
}

static struct ks_bytes name_of(const struct ks_fold *f, const struct ks_fold_item *item)
{
	return item->name_n > 0 ? ks_bytes(f->names.p + item->name_at, item->name_n) : ks_bytes(NULL, 0);
}

static int check_names(const struct ks_fold *f, struct ks_err *err)
{
	const struct ks_fold_item *item = &f->items[f->count - 1];
	uint32_t i;

	if (f->bare && f->count > 1)
		return ks_fail(err, KS_USAGE,
		    "each of several aggregates wants a name, as in 'n=count(), low=min(.price)'");
	for (i = 0; i + 1 < f->count; i++)
		if (ks_bytes_eq(name_of(f, &f->items[i]), name_of(f, item)))
			return ks_fail(err, KS_USAGE, "'%s' and '%s' have the same name",
			    f->items[i].clause, item->clause);
	return 0;
}

/* Whether two texts are one, or both are missing. */
static bool same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* An argument that another clause evaluates, under the same where: there it is taken from. */
static bool find_same(struct ks_fold *f, const struct ks_fold_item *item, struct ks_fold_arg *arg)
{
	const struct ks_fold_item *other;
	uint32_t i, k;

	for (i = 0; i + 1 < f->count; i++) {
		other = &f->items[i];
		if (!same_text(other->where.text, item->where.text))
			continue;
		for (k = 0; k < other->argc; k++) {
			if (strcmp(other->args[k].text, arg->text) != 0)
				continue;
			arg->expr = other->args[k].expr;
			arg->item = other->args[k].item;
			arg->at = other->args[k].at;
			return true;
		}
	}
	return false;
}

/* The last item's argument `at`, or its where. */
static int add_expression(struct ks_fold *f, struct ks_fold_arg *arg, uint32_t at, struct ks_bytes text,
    struct ks_err *err)
{
	struct ks_fold_item *item = &f->items[f->count - 1];
	struct ks_err why;
	uint32_t i;
	int status;

	*arg = (struct ks_fold_arg){ .item = f->count - 1, .at = at };
	arg->text = strndup((const char *)text.p, text.n);
	if (arg->text == NULL)
		return no_memory(err);
	if (arg != &item->where && find_same(f, item, arg))
		return 0;
	for (i = 0; arg == &item->where && i + 1 < f->count; i++) {
		if (f->items[i].where.text == NULL || strcmp(f->items[i].where.text, arg->text) != 0)
			continue;
		arg->expr = f->items[i].where.expr;
		arg->item = f->items[i].where.item;
		return 0;
	}
	status = ks_expr_add(f->set, arg->text, &arg->expr, &why);
	if (status != 0)
		return ks_fail(err, status, "'%s': %s", item->clause, why.text);
	f->reads = true;
	return 0;
}

static int set_constant(struct ks_fold *f, struct ks_fold_item *item, struct ks_bytes text, struct ks_err *err)
{
	struct ks_buf packed;
	struct ks_val v;
	const char *what;
	int status;

	ks_buf_init(&packed, KS_RECORD_MAX);
	status = ks_fold_constant(f, item->clause, text, &packed, &v, err);
	what = status == 0 ? item->agg.row->set(&item->agg, &v) : NULL;
	ks_buf_release(&packed);
	return what != NULL ? ks_fail(err, KS_USAGE, "'%s': %s, as in '%s'", item->clause, what,
	    item->agg.row->like) : status;
}

static int add_arguments(struct ks_fold *f, struct ks_fold_item *item, const struct ks_agg_clause *c,
    struct ks_err *err)
{
	int status = 0;
	uint32_t i;

	if (c->where.p != NULL)
		status = add_expression(f, &item->where, 0, c->where, err);
	for (i = 0; i < c->count && status == 0; i++) {
		if (c->row->args[i] == KS_AGG_CONST)
			status = set_constant(f, item, c->args[i], err);
		if (c->row->args[i] != KS_AGG_VALUE)
			continue;
		status = add_expression(f, &item->args[item->argc], item->argc, c->args[i], err);
		item->argc++;
	}
	if (status == 0 && c->row->merge == NULL)
		status = ks_fold_rule_new(f, item, c, err);
	return status;
}

/* Whether one argument is all that is evaluated, and what takes it takes any number. */
static bool all_of_one(struct ks_fold *f)
{
	uint32_t i, first = f->count;

	for (i = 0; i < f->count; i++) {
		if (f->items[i].load == KS_FOLD_LOAD_ANY || f->items[i].agg.row->number == KS_AGG_ASKS)
			return false;
		if (f->items[i].load == KS_FOLD_LOAD_NONE)
			continue;
		if (first == f->count)
			first = i;
		if (f->items[i].args[0].item != first)
			return false;
	}
	f->first = first;
	return first < f->count;
}

static int add_clause(struct ks_fold *f, const struct ks_agg_clause *c, struct ks_err *err)
{
	struct ks_fold_item *item, *grown;
	int no = 0, status;

	grown = reallocarray(f->items, f->count + 1, sizeof(*grown));
	if (grown == NULL)
		return no_memory(err);
	f->items = grown;
	item = &grown[f->count];
	*item = (struct ks_fold_item){ .agg = { .row = c->row, .max = f->work->limits.record },
		.at = f->state_n, .name_at = f->names.n };
	item->clause = strndup((const char *)c->text.p, c->text.n);
	if (item->clause == NULL)
		return no_memory(err);
	f->count++;
	f->state_n += c->row->size;
	if (c->name.p == NULL)
		f->bare = true;
	else
		no = ks_mp_add_str(&f->names, c->name);
	if (no != 0)
		return no_memory(err);
	item->name_n = f->names.n - item->name_at;
	status = check_names(f, err);
	if (status == 0)
		status = add_arguments(f, item, c, err);
	if (c->where.p != NULL || item->rule != NULL || item->argc > 1)
		item->load = KS_FOLD_LOAD_ANY;
	else
		item->load = item->argc == 1 ? KS_FOLD_LOAD_ONE : KS_FOLD_LOAD_NONE;
	f->judges |= c->row->fits != NULL || item->rule != NULL;
	f->one = status == 0 && all_of_one(f);
	return status;
}

int ks_fold_add(struct ks_fold *f, const char *list, struct ks_err *err)
{
	struct ks_bytes text = ks_str(list);
	struct ks_agg_clause c;
	int status = 0;

	while (status == 0 && text.p != NULL) {
		status = ks_agg_clause_next(&text, &c, err);
		if (status == 0)
			status = add_clause(f, &c, err);
	}
	return status;
}
