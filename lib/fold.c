/* SPDX-License-Identifier: MIT */
/* fold.c - aggregates over expressions: a record is loaded, and taken into states or out of them. */
#include "fold-impl.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>

/* The arguments of a clause, or what is wrong with them. */
static const char *load_any(struct ks_fold *f, struct ks_fold_item *item, uint32_t i)
{
	const struct ks_fold_arg *arg;
	const char *what = NULL;
	uint32_t k;

	item->skip = false;
	if (KS_UNLIKELY(item->where.expr != NULL)) {
		if (item->where.item != i) {
			item->passes = f->items[item->where.item].passes;
		} else {
			what = ks_expr_eval(item->where.expr, &item->v[0]);
			item->passes = what == NULL && ks_val_true(&item->v[0]);
		}
		item->skip = !item->passes;
		if (what != NULL || item->skip)
			return what;
	}
	for (k = 0; k < item->argc; k++) {
		arg = &item->args[k];
		if (arg->item == i && arg->at == k)
			what = ks_expr_eval(arg->expr, &item->v[k]);
		else
			item->v[k] = f->items[arg->item].v[arg->at];
		if (what != NULL)
			return what;
		item->skip |= item->v[k].type == KS_NIL;
	}
	if (KS_UNLIKELY(item->rule != NULL))
		item->skip = item->rule->reduce && ks_mp_is_nil(f->work->rec->value);
	return item->skip || item->argc == 0 || item->agg.row->check == NULL ? NULL : item->agg.row->check(item->v);
}

/* The same of one argument alone. */
static inline const char *load_one(const struct ks_fold *f, struct ks_fold_item *item, uint32_t i)
{
	const struct ks_fold_arg *arg = item->args;
	const char *what = NULL;

	if (arg->item == i)
		what = ks_expr_eval(arg->expr, item->v);
	else
		item->v[0] = f->items[arg->item].v[arg->at];
	item->skip = item->v[0].type == KS_NIL;
	return item->skip || what != NULL || item->agg.row->check == NULL ? what : item->agg.row->check(item->v);
}

static inline bool load_number(struct ks_fold *f)
{
	const char *what = ks_expr_eval(f->items[f->first].args[0].expr, &f->v);

	return what == NULL && (f->v.type == KS_INT || (f->v.type == KS_FLOAT && isfinite(f->v.d)));
}

struct ks_expr_set *ks_fold_reads(const struct ks_fold *f)
{
	return f->work->steps != NULL || ks_expr_set_wants_record(f->set) ? NULL : f->set;
}

const char *ks_fold_load(struct ks_fold *f, const struct ks_rec *rec)
{
	struct ks_fold_item *item;
	const char *what;
	uint32_t i;

	f->work->rec = rec;
	if (!f->reads)
		return NULL;
	what = rec->value.p == NULL ? NULL : ks_expr_load(f->set, rec);
	f->number = f->one && KS_LIKELY(what == NULL) && load_number(f);
	if (KS_LIKELY(f->number))
		return NULL;
	for (i = 0; i < f->count && what == NULL; i++) {
		item = &f->items[i];
		if (KS_LIKELY(item->load == KS_FOLD_LOAD_ONE))
			what = load_one(f, item, i);
		else if (item->load == KS_FOLD_LOAD_ANY)
			what = load_any(f, item, i);
		if (KS_UNLIKELY(what != NULL) && ks_fold_refuse(f, item, what) == EDOM)
			what = f->work->what;
	}
	return what;
}

/* Whether a new state of the item shows null. */
static bool begins_null(const struct ks_fold_item *item)
{
	return item->agg.row->nil || (item->rule != NULL && item->rule->init.type == KS_NIL);
}

bool ks_fold_nothing(const struct ks_fold *f)
{
	return f->bare && !f->number && f->items[0].skip && begins_null(&f->items[0]);
}

const char *ks_fold_why(const struct ks_fold *f)
{
	return f->work->what;
}

/* What apply, or subtract, will do to a state is worked out before anything of it is changed. */
static int judge(const struct ks_fold *f, const unsigned char *state, bool subtract)
{
	struct ks_fold_item *item;
	const char *what;
	struct ks_val acc;
	uint32_t i;
	int no = 0;

	ks_arena_reset(&f->work->copies);
	if (f->work->steps != NULL) {
		what = ks_expr_load(f->work->steps, f->work->rec);
		if (what != NULL)
			return ks_fold_refuse(f, &f->items[0], what);
	}
	for (i = 0; i < f->count && no == 0; i++) {
		item = &f->items[i];
		item->idle = item->skip;
		if (item->skip)
			continue;
		if (item->rule != NULL) {
			item->idle = subtract && !ks_fold_acc(item, state, &acc);
			if (!item->idle)
				no = ks_fold_step(f, item, subtract ? item->rule->sub : item->rule->add, state);
		} else if (!subtract && item->agg.row->fits != NULL) {
			what = item->agg.row->fits(&item->agg, state, item->at, item->v);
			if (what != NULL)
				no = ks_fold_refuse(f, item, what);
		}
	}
	return no;
}

int ks_fold_try(const struct ks_fold *f, const unsigned char *state)
{
	return f->judges ? judge(f, state, false) : 0;
}

static inline int add_number(const struct ks_fold *f, struct ks_agg_block *state)
{
	const struct ks_fold_item *item = f->items, *end = item + f->count;
	struct ks_val old, v = f->v;
	struct ks_agg_kept *k;
	int no;

	for (; item < end; item++) {
		switch (item->agg.row->number) {
		case KS_AGG_COUNTS:
			++*(uint64_t *)(void *)(state->p + item->at);
			continue;
		case KS_AGG_LEAST: case KS_AGG_MOST:
			k = (struct ks_agg_kept *)(void *)(state->p + item->at);
			old.u = k->number;
			if (KS_UNLIKELY(k->type != v.type))	/* none yet, of another type, or elsewhere */
				break;
			if (v.type == KS_FLOAT ? (item->agg.row->number == KS_AGG_LEAST ? v.d < old.d : v.d > old.d) :
			    (item->agg.row->number == KS_AGG_LEAST ? v.i < old.i : v.i > old.i))
				k->number = v.u;
			continue;
		default:
			break;
		}
		no = item->agg.row->add(&item->agg, state, item->at, &v);
		if (KS_UNLIKELY(no != 0))
			return no;
	}
	return 0;
}

int ks_fold_apply(const struct ks_fold *f, struct ks_agg_block *state)
{
	const struct ks_fold_item *item;
	uint32_t i;
	int no = 0;

	if (KS_LIKELY(f->number))
		return add_number(f, state);
	if (KS_UNLIKELY(f->judges))
		no = judge(f, state->p, false);
	for (i = 0; i < f->count && no == 0; i++) {
		item = &f->items[i];
		if (!item->skip)
			no = item->agg.row->add(&item->agg, state, item->at, item->v);
	}
	return no;
}

int ks_fold_subtract(const struct ks_fold *f, struct ks_agg_block *state)
{
	struct ks_fold_item *item;
	uint32_t i;
	int no;

	for (i = 0; f->number && i < f->count; i++) {
		f->items[i].skip = false;
		f->items[i].v[0] = f->v;
	}
	no = judge(f, state->p, true);
	for (i = 0; i < f->count && no == 0; i++) {
		item = &f->items[i];
		if (!item->idle)
			no = item->agg.row->subtract(&item->agg, state, item->at, item->v);
	}
	return no;
}

int ks_fold_merge(const struct ks_fold *f, struct ks_agg_block *into, const unsigned char *from,
    size_t from_n)
{
	struct ks_fold_item *item;
	uint32_t i;
	int no = 0;

	if (from_n < f->state_n)
		ks_bug("a state that is shorter than its list");
	ks_arena_reset(&f->work->copies);
	for (i = 0; i < f->count && no == 0; i++)
		if (f->items[i].rule != NULL)
			no = ks_fold_join(f, &f->items[i], into->p, from);
	for (i = 0; i < f->count && no == 0; i++) {
		item = &f->items[i];
		if (item->rule == NULL)
			no = item->agg.row->merge(&item->agg, into, item->at, from);
		else if (!item->idle)
			no = item->agg.row->add(&item->agg, into, item->at, item->v);
		if (no == EDOM)
			no = ks_fold_refuse(f, item, "the result would be larger than --max-record");
	}
	return no;
}

const char *ks_fold_cannot_merge(const struct ks_fold *f)
{
	const struct ks_fold_item *item;
	uint32_t i;

	for (i = 0; i < f->count; i++) {
		item = &f->items[i];
		if (item->rule == NULL)
			continue;
		if (item->rule->merge == NULL)
			ks_fold_refuse(f, item, "a fourth expression is wanted, which makes one of $acc and $other, "
			    "as in 'fold(0; $acc + .price; ; $acc + $other)'");
		else if (ks_expr_set_wants_record(item->rule->merging))
			ks_fold_refuse(f, item, "where two aggregates become one there is no record, and so no $key, $ts or the like");
		else
			continue;
		return f->work->what;
	}
	return NULL;
}

const char *ks_fold_cannot_subtract(const struct ks_fold *f)
{
	const struct ks_fold_item *item;
	uint32_t i;

	for (i = 0; i < f->count; i++) {
		item = &f->items[i];
		if (item->rule != NULL && item->rule->sub == NULL)
			ks_fold_refuse(f, item, item->rule->reduce ?
			    "a second expression is wanted, which takes a value out, as in 'reduce($acc + .; $acc - .)'" :
			    "a third expression is wanted, which takes a value out, as in 'fold(0; $acc + .price; $acc - .price)'");
		else if (item->agg.row->subtract == NULL)
			ks_fold_refuse(f, item, "a value cannot be taken out of it again; it can of count, sum and avg, "
			    "and of reduce and fold that say how");
		else
			continue;
		return f->work->what;
	}
	return NULL;
}

bool ks_fold_by_parts(const struct ks_fold *f)
{
	uint32_t i;

	for (i = 0; i < f->count; i++)
		if (!f->items[i].agg.row->parts)
			return false;
	return true;
}

bool ks_fold_any_order(const struct ks_fold *f)
{
	uint32_t i;

	for (i = 0; i < f->count; i++)
		if (!f->items[i].agg.row->any_order)
			return false;
	return !f->bare || !f->items[0].agg.row->nil;
}

static void show_item(struct ks_fold_item *item, const unsigned char *state, struct ks_val *v)
{
	item->agg.row->result(&item->agg, state, item->at, v);
	/* What a fold begins with is its result as long as nothing has come of it. */
	if (KS_UNLIKELY(item->rule != NULL) && v->type == KS_NIL &&
	    (ks_agg_kept_at(state, item->at)->type & KS_AGG_GONE) == 0)
		*v = item->rule->init;
}

bool ks_fold_gone(const struct ks_fold *f, const unsigned char *state)
{
	struct ks_val v;

	if (!f->bare || (!f->items[0].agg.row->nil && f->items[0].rule == NULL))
		return false;
	show_item(&f->items[0], state, &v);
	return v.type == KS_NIL;
}

int ks_fold_show(const struct ks_fold *f, const unsigned char *state, struct ks_buf *out)
{
	struct ks_fold_item *item;
	struct ks_val v;
	uint32_t i;
	int no = 0;

	if (!f->bare)
		no = ks_mp_add_map_head(out, f->count);
	for (i = 0; i < f->count && no == 0; i++) {
		item = &f->items[i];
		no = ks_buf_reserve(out, item->name_n + KS_MP_HEADER);
		if (no != 0)
			break;
		if (!f->bare) {
			memcpy(out->p + out->n, f->names.p + item->name_at, item->name_n);
			out->n += item->name_n;
		}
		if (KS_UNLIKELY(item->agg.row->show != NULL)) {
			no = item->agg.row->show(&item->agg, state, item->at, out);
			continue;
		}
		show_item(item, state, &v);
		if (KS_LIKELY(v.type == KS_FLOAT))
			out->n = (size_t)(ks_mp_put_f64(out->p + out->n, v.d) - out->p);
		else
			no = ks_mp_add_val(out, &v);
	}
	return no;
}

const char *ks_fold_warning(const struct ks_fold *f)
{
	uint64_t past = 0;
	uint32_t i, first = f->count;

	for (i = f->count; i-- > 0; ) {
		past += f->items[i].agg.past;
		if (f->items[i].agg.past > 0)
			first = i;
	}
	if (past == 0)
		return NULL;
	snprintf(f->work->why, sizeof(f->work->why), "%llu result%s of integers did not fit 64 bits and became %s, as of '%.200s'",
	    (unsigned long long)past, past == 1 ? "" : "s", past == 1 ? "a float" : "floats", f->items[first].clause);
	return f->work->why;
}
