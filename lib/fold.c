/* SPDX-License-Identifier: MIT */
/* fold.c - aggregates over expressions. */
#include "fold.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

struct ks_fold_item {
	char *clause;		/* as it was written, for messages */
	enum ks_agg_kind kind;
	struct ks_expr *expr;	/* NULL: count() */
	char *argument;		/* its text */
	uint32_t same;		/* the first item with this argument: there it is evaluated */
	size_t at;		/* of its state */
	size_t name_at, name_n;	/* in names */
	struct ks_val v;	/* its argument, of the record that was loaded */
};

int ks_fold_init(struct ks_fold *f, const struct ks_limits *limits, size_t head, struct ks_err *err)
{
	*f = (struct ks_fold){ .state_n = head };
	ks_buf_init(&f->names, KS_RECORD_MAX);
	f->set = ks_expr_set_new(limits);
	return f->set != NULL ? 0 : ks_fail_errno(err, KS_TEMP, ENOMEM, "cannot keep an expression");
}

void ks_fold_release(struct ks_fold *f)
{
	uint32_t i;

	for (i = 0; i < f->count; i++) {
		free(f->items[i].clause);
		free(f->items[i].argument);
	}
	free(f->items);
	ks_buf_release(&f->names);
	if (f->set != NULL)
		ks_expr_set_free(f->set);
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

static int add_expression(struct ks_fold *f, struct ks_fold_item *item, struct ks_bytes text,
    struct ks_err *err)
{
	struct ks_err why;
	uint32_t i;
	int status;

	item->argument = strndup((const char *)text.p, text.n);
	if (item->argument == NULL)
		return ks_fail_errno(err, KS_TEMP, ENOMEM, "cannot keep an expression");
	for (i = 0; i + 1 < f->count; i++) {
		if (f->items[i].argument == NULL || strcmp(f->items[i].argument, item->argument) != 0)
			continue;
		item->expr = f->items[i].expr;
		item->same = i;
		return 0;
	}
	status = ks_expr_add(f->set, item->argument, &item->expr, &why);
	if (status != 0)
		return ks_fail(err, status, "'%s': %s", item->clause, why.text);
	f->reads = true;
	return 0;
}

static int add_clause(struct ks_fold *f, const struct ks_agg_clause *c, struct ks_err *err)
{
	struct ks_fold_item *item, *grown;
	int no = 0, status;

	grown = reallocarray(f->items, f->count + 1, sizeof(*grown));
	if (grown == NULL)
		return ks_fail_errno(err, KS_TEMP, ENOMEM, "cannot keep an expression");
	f->items = grown;
	item = &grown[f->count];
	*item = (struct ks_fold_item){ .kind = c->kind, .at = f->state_n, .name_at = f->names.n,
		.same = f->count };
	item->clause = strndup((const char *)c->text.p, c->text.n);
	if (item->clause == NULL)
		return ks_fail_errno(err, KS_TEMP, ENOMEM, "cannot keep an expression");
	f->count++;
	f->state_n += ks_agg_size(c->kind);
	if (c->name.p == NULL)
		f->bare = true;
	else
		no = ks_mp_add_str(&f->names, c->name);
	if (no != 0)
		return ks_fail_errno(err, KS_TEMP, no, "cannot keep an expression");
	item->name_n = f->names.n - item->name_at;
	status = check_names(f, err);
	if (status == 0 && c->argument.n > 0)
		status = add_expression(f, item, c->argument, err);
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

const char *ks_fold_load(struct ks_fold *f, const struct ks_rec *rec)
{
	struct ks_fold_item *item;
	const char *what;
	uint32_t i;

	if (!f->reads)
		return NULL;
	what = ks_expr_load(f->set, rec);
	if (what != NULL)
		return what;
	for (i = 0; i < f->count; i++) {
		item = &f->items[i];
		if (item->expr == NULL)
			continue;
		what = NULL;
		if (item->same == i)
			what = ks_expr_eval(item->expr, &item->v);
		else
			item->v = f->items[item->same].v;
		if (what == NULL)
			what = ks_agg_check(item->kind, &item->v);
		if (what != NULL && ks_is_no_memory(what))
			return what;
		if (what != NULL) {
			snprintf(f->why, sizeof(f->why), "%s: %s", item->clause, what);
			return f->why;
		}
	}
	return NULL;
}

bool ks_fold_nothing(const struct ks_fold *f)
{
	const struct ks_fold_item *item = &f->items[0];

	return f->bare && item->expr != NULL && item->v.type == KS_NIL &&
	    item->kind != KS_AGG_COUNT && item->kind != KS_AGG_SUM;
}

int ks_fold_apply(const struct ks_fold *f, struct ks_agg_block *state)
{
	const struct ks_fold_item *item;
	uint32_t i;
	int no = 0;

	for (i = 0; i < f->count && no == 0; i++) {
		item = &f->items[i];
		no = ks_agg_add(item->kind, state, item->at, item->expr != NULL ? &item->v : NULL);
	}
	return no;
}

const char *ks_fold_cannot_merge(const struct ks_fold *f)
{
	(void)f;
	return NULL;
}

int ks_fold_merge(const struct ks_fold *f, struct ks_agg_block *into, const unsigned char *from,
    size_t from_n)
{
	uint32_t i;
	int no = 0;

	if (from_n < f->state_n)
		ks_bug("a state that is shorter than its list");
	for (i = 0; i < f->count && no == 0; i++)
		no = ks_agg_merge(f->items[i].kind, into, f->items[i].at, from);
	return no;
}

int ks_fold_show(const struct ks_fold *f, const unsigned char *state, struct ks_buf *out)
{
	const struct ks_fold_item *item;
	struct ks_bytes name;
	struct ks_val v;
	uint32_t i;
	int no = 0;

	if (!f->bare)
		no = ks_mp_add_map_head(out, f->count);
	for (i = 0; i < f->count && no == 0; i++) {
		item = &f->items[i];
		name = name_of(f, item);
		ks_agg_result(item->kind, state, item->at, &v);
		no = ks_buf_add(out, name.p, name.n);
		if (no == 0)
			no = ks_mp_add_val(out, &v);
	}
	return no;
}
