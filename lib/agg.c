/* SPDX-License-Identifier: MIT */
/* agg.c - the tables of aggregates, and what they share: places, kept values, checks. */
#include "agg-row.h"

#include <errno.h>
#include <math.h>

static const struct ks_agg_row *const tables[] = {
	ks_agg_number, ks_agg_order, ks_agg_list, ks_agg_top, ks_agg_distinct, ks_agg_quantile, ks_agg_acc,
};
#define TABLES (sizeof(tables) / sizeof(tables[0]))

const struct ks_agg_row *ks_agg_nth(size_t i)
{
	const struct ks_agg_row *row;
	size_t t;

	for (t = 0; t < TABLES; t++)
		for (row = tables[t]; row->name != NULL; row++)
			if (i-- == 0)
				return row;
	return NULL;
}

const struct ks_agg_row *ks_agg_find(struct ks_bytes name)
{
	const struct ks_agg_row *row;
	size_t i;

	for (i = 0; (row = ks_agg_nth(i)) != NULL; i++)
		if (ks_bytes_is(name, row->name))
			break;
	return row;
}

int ks_agg_room(struct ks_agg_block *b, struct ks_agg_place *p, size_t used, size_t n)
{
	size_t at = (b->n + 7) & ~(size_t)7, left;
	bool longer = p->cap != 0 && p->at + (size_t)p->cap == b->n;
	int no;

	if (KS_LIKELY(n <= p->cap))
		return 0;
	if (p->cap != 0 && n < 2 * (size_t)p->cap)
		n = 2 * (size_t)p->cap;
	n = (n + 7) & ~(size_t)7;
	if (longer)
		at = p->at;
	if (at > UINT32_MAX || n > UINT32_MAX - at)
		return EMSGSIZE;
	no = b->grow(b, at + n);
	if (no != 0)
		return no;
	if (used > 0 && !longer)
		memcpy(b->p + at, b->p + p->at, used);
	/* What it was given beyond that, so that it can be made longer where it stands. */
	left = b->n - at;
	p->at = (uint32_t)at;
	p->cap = left <= UINT32_MAX - at ? (uint32_t)left : (uint32_t)n;
	return 0;
}

static struct ks_agg_kept *kept_at(struct ks_agg_block *b, size_t at)
{
	return (struct ks_agg_kept *)(void *)(b->p + at);
}

void ks_agg_kept_value(const unsigned char *block, size_t at, struct ks_val *v)
{
	const struct ks_agg_kept *k = ks_agg_kept_at(block, at);

	v->type = (enum ks_type)(k->type & ~KS_AGG_FLAGS);
	if (v->type >= KS_STR)
		v->b = ks_bytes(block + k->place.at, k->n);
	else if (k->type & KS_AGG_PLACED)
		memcpy(&v->u, block + k->place.at, sizeof(v->u));
	else
		v->u = k->number;
}

/* An empty string takes a place, too, so that the number a new one may stand for has room. */
int ks_agg_keep_room(struct ks_agg_block *b, size_t at, const struct ks_val *v)
{
	const struct ks_agg_kept *k = kept_at(b, at);
	struct ks_agg_place p = { 0, 0 };
	struct ks_val old;
	bool moves;
	int no;

	if (v->type < KS_STR)
		return 0;
	moves = (k->type & KS_AGG_PLACED) == 0;
	ks_agg_kept_value(b->p, at, &old);
	if (!moves)
		p = k->place;
	no = ks_agg_room(b, &p, !moves && old.type >= KS_STR ? k->n : moves ? 0 : 8, v->b.n > 0 ? v->b.n : 1);
	if (no != 0)
		return no;
	if (moves && ks_val_number(&old))
		memcpy(b->p + p.at, &old.u, sizeof(old.u));
	kept_at(b, at)->place = p;
	kept_at(b, at)->type |= KS_AGG_PLACED;
	return 0;
}

int ks_agg_keep(struct ks_agg_block *b, size_t at, const struct ks_val *v)
{
	struct ks_agg_kept *k = kept_at(b, at);
	uint64_t number = ks_val_number(v) ? v->u : 0;
	int no;

	if (v->type < KS_STR) {
		if (KS_LIKELY((k->type & KS_AGG_PLACED) == 0))
			k->number = number;
		else
			memcpy(b->p + k->place.at, &number, sizeof(number));
		k->type = (k->type & KS_AGG_FLAGS) | v->type;
		return 0;
	}
	no = ks_agg_keep_room(b, at, v);
	if (no != 0)
		return no;
	k = kept_at(b, at);
	if (v->b.n > 0)
		memcpy(b->p + k->place.at, v->b.p, v->b.n);
	k->type = (k->type & KS_AGG_FLAGS) | v->type;
	k->n = (uint32_t)v->b.n;
	return 0;
}

const char *ks_agg_ordered(const struct ks_val *v)
{
	static const char *const refused[KS_MAP + 1] = { KS_AGG_REFUSES_OTHERS("compare") };

	if (v->type == KS_FLOAT && isnan(v->d))
		return "cannot compare nan";
	return refused[v->type];
}

const char *ks_agg_finite(const struct ks_val *v, const char *const table[KS_AGG_TYPES])
{
	if (v->type == KS_FLOAT && !isfinite(v->d))
		return table[isnan(v->d) ? KS_AGG_NAN : KS_AGG_INFINITE];
	return table[v->type];
}
