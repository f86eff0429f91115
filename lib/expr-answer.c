/* SPDX-License-Identifier: MIT */
/* expr-answer.c - evaluation for whoever asks: all values, the only one, whether any is true; and errors for the user. */
#include "expr-impl.h"

#include <stdio.h>

/* ".a.b" of a step, as far as it is known from where it begins; returns its length. */
static size_t path_of(const struct ks_expr_set *set, uint32_t node, char *text, size_t room)
{
	const struct ks_expr_node *n = &set->nodes[node];
	const struct ks_val *step = n->op == OP_SLOT ? &set->places[n->slot].step : &n->value;
	size_t at;

	if (n->op == OP_SLOT && n->lhs == KS_EXPR_NONE)
		return 0;
	if (n->op != OP_SLOT && n->op != OP_INDEX)
		return 0;
	at = path_of(set, n->lhs, text, room);
	if (at + 32 > room)
		return at;
	if (step->type == KS_STR)
		at += (size_t)snprintf(text + at, room - at, ".%.*s",
		    (int)ks_utf8_prefix(step->b.p, step->b.n > 24 ? 24 : step->b.n),
		    (const char *)step->b.p);
	else
		at += (size_t)snprintf(text + at, room - at, "%s[%lld]", at == 0 ? "." : "",
		    (long long)step->i);
	return at;
}

const char *ks_expr_why(struct ks_expr_set *set, enum ks_yield got)
{
	char path[160];
	size_t n;

	if (got != KS_YIELD_ERROR || set->error_node == KS_EXPR_NONE)
		return set->error;
	n = path_of(set, set->error_node, path, sizeof(path));
	if (n == 0)
		return set->error;
	snprintf(set->shown, sizeof(set->shown), "%s: %s", path, set->error);
	return set->shown;
}

struct only {
	struct ks_emit emit;
	struct ks_expr_set *set;
	struct ks_val *out;
	bool any;
};

static enum ks_yield only(struct ks_emit *to, const struct ks_val *v, const struct ks_path *path)
{
	struct only *o = (struct only *)to;

	(void)path;
	if (o->any)
		return ks_expr_error(o->set, "the expression yields several values where one is wanted");
	*o->out = *v;
	o->any = true;
	return KS_YIELD;
}

enum ks_yield ks_expr_only(struct ks_expr_set *set, uint32_t node, struct ks_val *out)
{
	struct only o = { { only }, set, out, false };
	enum ks_yield got = ks_expr_run(set, node, &ks_expr_nil, NULL, &o.emit);

	return got == KS_YIELD && !o.any ? KS_YIELD_NONE : got;
}

static enum ks_yield some(struct ks_emit *to, const struct ks_val *v, const struct ks_path *path)
{
	struct only *o = (struct only *)to;

	(void)path;
	o->any = ks_val_true(v);
	return o->any ? KS_YIELD_STOP : KS_YIELD;
}

enum ks_yield ks_expr_some(struct ks_expr_set *set, uint32_t node, bool *any)
{
	struct only o = { { some }, set, NULL, false };
	enum ks_yield got = ks_expr_run(set, node, &ks_expr_nil, NULL, &o.emit);

	*any = o.any;
	return got == KS_YIELD_STOP ? KS_YIELD : got;
}

struct outside {
	struct ks_emit emit;
	int (*fn)(void *ctx, const struct ks_val *v);
	void *ctx;
	int rc;
};

static enum ks_yield hand_out(struct ks_emit *to, const struct ks_val *v, const struct ks_path *path)
{
	struct outside *o = (struct outside *)to;

	(void)path;
	o->rc = o->fn(o->ctx, v);
	return o->rc == 0 ? KS_YIELD : KS_YIELD_STOP;
}

const char *ks_expr_each(struct ks_expr *e, int (*emit)(void *ctx, const struct ks_val *v),
    void *ctx, int *rc)
{
	struct outside o = { { hand_out }, emit, ctx, 0 };
	enum ks_yield got;

	ks_expr_begin(e->set);
	got = ks_expr_run(e->set, e->node, &ks_expr_nil, NULL, &o.emit);
	*rc = o.rc;
	return got == KS_YIELD || got == KS_YIELD_STOP ? NULL : ks_expr_why(e->set, got);
}
