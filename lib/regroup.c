/* SPDX-License-Identifier: MIT */
/* regroup.c - a change of a table, told to the groups of its rows. */
#include "regroup.h"

#include <errno.h>

enum { OLD, NEW };

int ks_regroup_open(struct ks_regroup *g, const char *text, const struct ks_limits *limits, struct ks_err *err)
{
	struct ks_err why;
	int status;

	*g = (struct ks_regroup){ .depth = limits->depth };
	ks_buf_init(&g->keys[OLD], limits->key);
	ks_buf_init(&g->keys[NEW], limits->key);
	ks_buf_init(&g->value, SIZE_MAX / 4);
	g->set = ks_expr_set_new(limits);
	if (g->set == NULL)
		return ks_fail_memory(err);
	status = ks_expr_add(g->set, text, &g->expr, &why);
	if (status == 0)
		return 0;
	return ks_fail(err, status, "--by: %s", why.text);
}

void ks_regroup_release(struct ks_regroup *g)
{
	ks_buf_release(&g->keys[OLD]);
	ks_buf_release(&g->keys[NEW]);
	ks_buf_release(&g->value);
	if (g->set != NULL)
		ks_expr_set_free(g->set);
	*g = (struct ks_regroup){ .depth = 0 };
}

/* The key of the row's group, to room; nil: it has none. */
static const char *group_of(struct ks_regroup *g, const struct ks_rec *rec, struct ks_buf *room)
{
	const char *wrong;
	struct ks_val v;
	int no;

	room->n = 0;
	if (ks_mp_is_nil(rec->value))
		return ks_buf_add(room, ks_mp_nil.p, 1) != 0 ? ks_no_memory : NULL;
	wrong = ks_expr_load(g->set, rec);
	if (wrong == NULL)
		wrong = ks_expr_eval(g->expr, &v);
	if (wrong != NULL)
		return wrong;
	no = ks_mp_add_val(room, &v);
	return no == 0 ? NULL : no == EMSGSIZE ? "the key is larger than --max-key allows" : ks_no_memory;
}

const char *ks_regroup_check(struct ks_regroup *g, const struct ks_rec *rec)
{
	return group_of(g, rec, &g->keys[NEW]);
}

static int add_change(struct ks_regroup *g, struct ks_bytes now, struct ks_bytes before)
{
	struct ks_change c = { now, before, true };

	return ks_change_add(&g->value, &c);
}

const char *ks_regroup_make(struct ks_regroup *g, const struct ks_rec *rec, const struct ks_change *c, struct ks_rec out[2],
    unsigned *count)
{
	struct ks_bytes keys[2];
	struct ks_rec row = *rec;
	const char *wrong;
	size_t loss;
	int no;

	*count = 0;
	row.value = c->now;
	wrong = group_of(g, &row, &g->keys[NEW]);
	row.value = c->before;
	row.offset = -1;
	row.headers = ks_no_headers;
	if (wrong == NULL)
		wrong = group_of(g, &row, &g->keys[OLD]);
	if (wrong != NULL)
		return wrong;
	keys[OLD] = ks_buf_bytes(&g->keys[OLD]);
	keys[NEW] = ks_buf_bytes(&g->keys[NEW]);
	row = *rec;
	row.frame = ks_bytes(NULL, 0);
	row.flags = (row.flags & ~(uint32_t)KS_KEY_KIND) | KS_KEY_CHANGED | KS_CHANGE;
	g->value.n = 0;
	if (ks_bytes_eq(keys[OLD], keys[NEW])) {
		if (ks_mp_is_nil(keys[NEW]))
			return NULL;
		if (add_change(g, c->now, c->before) != 0)
			return ks_no_memory;
		row.key = keys[NEW];
		row.value = ks_buf_bytes(&g->value);
		out[(*count)++] = row;
		return NULL;
	}
	no = add_change(g, ks_mp_nil, c->before);
	loss = g->value.n;
	if (no != 0 || add_change(g, c->now, ks_mp_nil) != 0)
		return ks_no_memory;
	if (!ks_mp_is_nil(keys[OLD])) {
		row.key = keys[OLD];
		row.value = ks_bytes(g->value.p, loss);
		out[(*count)++] = row;
	}
	if (!ks_mp_is_nil(keys[NEW])) {
		row.key = keys[NEW];
		row.value = ks_bytes(g->value.p + loss, g->value.n - loss);
		out[(*count)++] = row;
	}
	return NULL;
}
