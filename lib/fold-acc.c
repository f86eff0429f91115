/* SPDX-License-Identifier: MIT */
/*
 * fold-acc.c - reduce and fold: what their expressions make of $acc.
 *
 * As Kafka Streams' reducers and aggregators (semantics.md 3.1, 3.2): the
 * first value becomes the aggregate of a reduce without a call; null means
 * that there is none, so the next record begins anew.
 */
#include "fold-impl.h"

#include <errno.h>
#include <stdio.h>

int ks_fold_refuse(const struct ks_fold *f, const struct ks_fold_item *item, const char *what)
{
	f->work->what = what;
	if (ks_is_no_memory(what))
		return ENOMEM;
	snprintf(f->work->why, sizeof(f->work->why), "%s: %s", item->clause, what);
	f->work->what = f->work->why;
	return EDOM;
}

bool ks_fold_acc(const struct ks_fold_item *item, const unsigned char *state, struct ks_val *v)
{
	const struct ks_agg_kept *k;

	*v = item->rule->init;
	if (state == NULL)
		return false;
	k = ks_agg_kept_at(state, item->at);
	if ((k->type & ~KS_AGG_FLAGS) == KS_NIL)
		return false;
	ks_agg_kept_value(state, item->at, v);
	return true;
}

/*
 * What an expression has made must outlive the state, which moves when it
 * grows: an array may be the very one that $acc was.
 */
static int settle(const struct ks_fold *f, const struct ks_fold_item *item, const struct ks_val *acc,
    struct ks_val *v)
{
	unsigned char *copy;

	if (v->type < KS_STR)
		return 0;
	if (v->b.n + KS_MP_HEADER > f->work->limits.record)
		return ks_fold_refuse(f, item, "the result is larger than --max-record");
	if (acc->type < KS_STR || v->b.n == 0 || (uintptr_t)v->b.p - (uintptr_t)acc->b.p > acc->b.n)
		return 0;
	copy = ks_arena_get(&f->work->copies, v->b.n);
	if (copy == NULL)
		return ENOMEM;
	memcpy(copy, v->b.p, v->b.n);
	v->b.p = copy;
	return 0;
}

static int evaluate(const struct ks_fold *f, struct ks_fold_item *item, struct ks_expr *e,
    const struct ks_val *acc)
{
	const char *what = ks_expr_eval(e, &item->v[0]);

	return what != NULL ? ks_fold_refuse(f, item, what) : settle(f, item, acc, &item->v[0]);
}

int ks_fold_step(const struct ks_fold *f, struct ks_fold_item *item, struct ks_expr *e,
    const unsigned char *state)
{
	struct ks_fold_work *w = f->work;
	const unsigned char *p = w->rec->value.p, *end = p + w->rec->value.n;
	struct ks_val acc;

	if (!ks_fold_acc(item, state, &acc) && item->rule->reduce) {
		if (ks_mp_read(&p, end, w->limits.depth, &item->v[0]) != KS_MP_OK)
			return ks_fold_refuse(f, item, "the value is no msgpack");
		return 0;
	}
	ks_expr_assign(w->steps, w->acc, &acc);
	return evaluate(f, item, e, &acc);
}

int ks_fold_join(const struct ks_fold *f, struct ks_fold_item *item, const unsigned char *into,
    const unsigned char *from)
{
	struct ks_fold_work *w = f->work;
	struct ks_fold_rule *rule = item->rule;
	struct ks_rec rec = { .flags = KS_TIME_NONE, .key = ks_mp_nil, .headers = ks_no_headers };
	struct ks_val acc, other;
	const char *what;
	int no;

	item->idle = !ks_fold_acc(item, from, &other);
	if (item->idle)
		return 0;
	if (!ks_fold_acc(item, into, &acc) && rule->reduce) {
		item->v[0] = other;
		return 0;
	}
	w->packed.n = 0;
	no = ks_mp_add_val(&w->packed, &other);
	if (no != 0)
		return no;
	rec.value = ks_buf_bytes(&w->packed);
	what = ks_expr_load(rule->merging, &rec);
	if (what != NULL)
		return ks_fold_refuse(f, item, what);
	ks_expr_assign(rule->merging, rule->one, &acc);
	if (rule->other != KS_FOLD_NONE)
		ks_expr_assign(rule->merging, rule->other, &other);
	no = evaluate(f, item, rule->merge, &acc);
	/* The next aggregate is packed where this one may still be read. */
	return no != 0 ? no : settle(f, item, &(struct ks_val){ .type = KS_BIN, .b = rec.value }, &item->v[0]);
}
