/* SPDX-License-Identifier: MIT */
/* expr-path.c - functions of paths: path, getpath, setpath, delpaths, del, pick, and the updates. */
#include "expr-impl.h"


static const struct ks_path root = { NULL, NULL };

enum ks_yield ks_path_steps(struct ks_expr_set *set, const struct ks_path *path, struct ks_vals *steps)
{
	const struct ks_path *p;
	uint32_t n = 0;

	for (p = path; p->up != NULL; p = p->up)
		n++;
	if (steps->cap < n) {
		steps->v = ks_expr_scratch(set, n * sizeof(*steps->v));
		if (steps->v == NULL)
			return ks_expr_no_scratch(set);
		steps->cap = n;
	}
	steps->n = n;
	for (p = path; p->up != NULL; p = p->up)
		steps->v[--n] = *p->step;
	return ks_expr_steps(set, steps->n);
}

static enum ks_yield no_path(struct ks_expr_set *set, const struct ks_val *v)
{
	return ks_expr_error(set, "Invalid path expression with result %s", ks_expr_shown(set, v).text);
}

/*
 * Paths whose deletion failed, each an array, and why behind it: that is
 * nothing, if what it leads into goes as a whole, as in jq; then it is null.
 */
struct refused {
	struct ks_vals paths;
};

static enum ks_yield refuse(struct ks_expr_set *set, const struct ks_vals *steps, struct refused *r)
{
	struct ks_val why, path;
	enum ks_yield got = ks_expr_string(set, ks_str(set->error), &why);

	if (got == KS_YIELD)
		got = ks_expr_array(set, steps->v, steps->n, &path);
	if (got == KS_YIELD)
		got = ks_vals_add(set, &r->paths, &path);
	return got == KS_YIELD ? ks_vals_add(set, &r->paths, &why) : got;
}

/* What the steps lead to has gone, and with it whatever was refused within it. */
static enum ks_yield forgive(struct ks_expr_set *set, const struct ks_vals *steps, struct ks_val *refused)
{
	enum ks_yield got = KS_YIELD;
	struct ks_vals path;
	uint32_t i;
	int c = 0;

	if (refused->type == KS_NIL)
		return KS_YIELD;
	got = ks_vals_of(set, refused, &path);
	if (got != KS_YIELD || steps->n >= path.n)
		return got;
	for (i = 0; i < steps->n && c == 0 && got == KS_YIELD; i++)
		got = ks_expr_cmp(set, &steps->v[i], &path.v[i], &c);
	if (c == 0)
		refused->type = KS_NIL;
	return got;
}

static enum ks_yield delete_at(struct ks_expr_set *set, struct ks_tree *tree, const struct ks_vals *steps, struct refused *r)
{
	enum ks_yield got = ks_tree_delete(set, tree, steps->v, steps->n);
	uint32_t i;

	if (got == KS_YIELD_ERROR)
		return refuse(set, steps, r);
	for (i = 0; i < r->paths.n && got == KS_YIELD; i += 2)
		got = forgive(set, steps, &r->paths.v[i]);
	return got;
}

/* jq tells of the first in order. */
static enum ks_yield deleted(struct ks_expr_set *set, const struct refused *r, enum ks_yield got)
{
	const struct ks_val *first = NULL;
	uint32_t i;
	int c = -1;

	for (i = 0; i < r->paths.n && got == KS_YIELD; i += 2) {
		if (r->paths.v[i].type == KS_NIL)
			continue;
		if (first != NULL)
			got = ks_expr_cmp(set, &r->paths.v[i], first, &c);
		if (c < 0)
			first = &r->paths.v[i];
	}
	return got != KS_YIELD || first == NULL ? got : ks_expr_error(set, "%.*s", (int)first[1].b.n, (const char *)first[1].b.p);
}

/* What all of these do with each path. */
struct change {
	struct ks_emit emit;
	struct ks_expr_set *set;
	const uint32_t *args;
	struct ks_emit *to;
	struct ks_tree tree;
	struct ks_vals steps;
	struct refused refused;
	struct ks_vals gone;	/* paths to delete at the end: each a number of steps, and these */
	enum ks_yield (*apply)(struct change *c, const struct ks_val *v);
};

static enum ks_yield on_path(struct ks_emit *to, const struct ks_val *v, const struct ks_path *path)
{
	struct change *c = (struct change *)to;
	enum ks_yield got;

	if (path == &ks_path_broken)
		return no_path(c->set, v);
	got = ks_path_steps(c->set, path, &c->steps);
	return got == KS_YIELD ? c->apply(c, v) : got;
}

static struct change change(struct ks_expr_set *set, const uint32_t *args, const struct ks_val *in,
    struct ks_emit *to, enum ks_yield (*apply)(struct change *c, const struct ks_val *v))
{
	return (struct change){ .emit = { on_path }, .set = set, .args = args, .to = to, .tree = { .v = *in }, .apply = apply };
}

static enum ks_yield changed(struct change *c, enum ks_yield got)
{
	struct ks_val out;

	if (got == KS_YIELD)
		got = ks_tree_value(c->set, &c->tree, &out);
	return got == KS_YIELD ? c->to->fn(c->to, &out, NULL) : got;
}

static enum ks_yield run_paths(struct change *c, const struct ks_val *in)
{
	return ks_expr_run(c->set, c->args[0], in, &root, &c->emit);
}

static enum ks_yield apply_path(struct change *c, const struct ks_val *v)
{
	enum ks_yield got = ks_expr_array(c->set, c->steps.v, c->steps.n, &c->tree.v);

	(void)v;
	return got == KS_YIELD ? c->to->fn(c->to, &c->tree.v, NULL) : got;
}

static enum ks_yield run_path(struct ks_expr_set *set, const uint32_t *args, const struct ks_val *in,
    const struct ks_path *path, struct ks_emit *to)
{
	struct change c = change(set, args, in, to, apply_path);

	(void)path;
	return run_paths(&c, in);
}

static enum ks_yield apply_delete(struct change *c, const struct ks_val *v)
{
	(void)v;
	return delete_at(c->set, &c->tree, &c->steps, &c->refused);
}

static enum ks_yield run_del(struct ks_expr_set *set, const uint32_t *args, const struct ks_val *in,
    const struct ks_path *path, struct ks_emit *to)
{
	struct change c = change(set, args, in, to, apply_delete);

	(void)path;
	return changed(&c, deleted(set, &c.refused, run_paths(&c, in)));
}

static enum ks_yield apply_pick(struct change *c, const struct ks_val *v)
{
	return ks_tree_set(c->set, &c->tree, c->steps.v, c->steps.n, v);
}

static enum ks_yield run_pick(struct ks_expr_set *set, const uint32_t *args, const struct ks_val *in,
    const struct ks_path *path, struct ks_emit *to)
{
	struct change c = change(set, args, &ks_expr_nil, to, apply_pick);

	(void)path;
	return changed(&c, run_paths(&c, in));
}

/* The first value of the update over what stands there by now; without any, it goes, when all are done. */
static enum ks_yield apply_modify(struct change *c, const struct ks_val *v)
{
	struct ks_val old, new, count = { .type = KS_INT, .i = c->steps.n };
	enum ks_yield got = ks_tree_get(c->set, &c->tree, c->steps.v, c->steps.n, &old);
	uint32_t i;

	(void)v;
	if (got != KS_YIELD)
		return got;
	got = c->set->nodes[c->args[1]].single ? ks_expr_value(c->set, c->args[1], &old, &new) :
	    ks_expr_first(c->set, c->args[1], &old, &new);
	if (got == KS_YIELD)
		return ks_tree_set(c->set, &c->tree, c->steps.v, c->steps.n, &new);
	if (got != KS_YIELD_NONE)
		return got;
	got = ks_vals_add(c->set, &c->gone, &count);
	for (i = 0; i < c->steps.n && got == KS_YIELD; i++)
		got = ks_vals_add(c->set, &c->gone, &c->steps.v[i]);
	return got;
}

static enum ks_yield run_modify(struct ks_expr_set *set, const uint32_t *args, const struct ks_val *in,
    const struct ks_path *path, struct ks_emit *to)
{
	struct change c = change(set, args, in, to, apply_modify);
	enum ks_yield got = run_paths(&c, in);
	uint32_t i, n;

	(void)path;
	for (i = 0; got == KS_YIELD && i < c.gone.n; i += 1 + n) {
		n = (uint32_t)c.gone.v[i].i;
		got = delete_at(set, &c.tree, &(struct ks_vals){ .v = c.gone.v + i + 1, .n = n }, &c.refused);
	}
	return changed(&c, deleted(set, &c.refused, got));
}

static enum ks_yield apply_assign(struct change *c, const struct ks_val *v)
{
	struct ks_val new;
	enum ks_yield got = ks_expr_value(c->set, c->args[1], v, &new);

	return got == KS_YIELD ? ks_tree_set(c->set, &c->tree, c->steps.v, c->steps.n, &new) : got;
}

static enum ks_yield run_assign(struct ks_expr_set *set, const uint32_t *args, const struct ks_val *in,
    const struct ks_path *path, struct ks_emit *to)
{
	struct change c = change(set, args, in, to, apply_assign);

	(void)path;
	return changed(&c, run_paths(&c, in));
}

static enum ks_yield steps_of(struct ks_expr_set *set, const struct ks_val *path, struct ks_vals *steps)
{
	if (path->type != KS_ARRAY)
		return ks_expr_error(set, "Path must be specified as an array");
	return ks_vals_of(set, path, steps);
}

static enum ks_yield call_setpath(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *args, struct ks_val *out)
{
	struct ks_tree tree = { .v = *in };
	struct ks_vals steps;
	enum ks_yield got = steps_of(set, &args[0], &steps);

	if (got == KS_YIELD)
		got = ks_tree_set(set, &tree, steps.v, steps.n, &args[1]);
	return got == KS_YIELD ? ks_tree_value(set, &tree, out) : got;
}

static enum ks_yield call_delpaths(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *args, struct ks_val *out)
{
	struct ks_tree tree = { .v = *in };
	struct refused refused = { .paths = { NULL, 0, 0 } };
	struct ks_vals paths, steps;
	enum ks_yield got = KS_YIELD;
	uint32_t i;

	if (args[0].type != KS_ARRAY)
		return ks_expr_error(set, "Paths must be specified as an array");
	got = ks_vals_of(set, &args[0], &paths);
	for (i = 0; got == KS_YIELD && i < paths.n; i++) {
		if (paths.v[i].type != KS_ARRAY)
			return ks_expr_error(set, "Path must be specified as an array");
		got = ks_vals_of(set, &paths.v[i], &steps);
		if (got == KS_YIELD)
			got = delete_at(set, &tree, &steps, &refused);
	}
	got = deleted(set, &refused, got);
	return got == KS_YIELD ? ks_tree_value(set, &tree, out) : got;
}

struct getpath {
	struct ks_emit emit;
	struct ks_expr_set *set;
	const struct ks_val *in;
	const struct ks_path *path;
	struct ks_emit *to;
};

static enum ks_yield on_getpath(struct ks_emit *to, const struct ks_val *v, const struct ks_path *path)
{
	struct getpath *g = (struct getpath *)to;
	struct ks_vals steps;
	enum ks_yield got = steps_of(g->set, v, &steps);
	const struct ks_path *last = g->path;
	struct ks_path *way = NULL;
	struct ks_val at = *g->in, next;
	uint32_t i;

	(void)path;
	if (got == KS_YIELD && last == &ks_path_broken && steps.n > 0)
		return no_path(g->set, &at);
	if (got == KS_YIELD && last != NULL) {
		way = ks_expr_scratch(g->set, steps.n * sizeof(*way) + 1);
		if (way == NULL)
			return ks_expr_no_scratch(g->set);
	}
	for (i = 0; i < steps.n && got == KS_YIELD; i++) {
		got = ks_expr_get(g->set, &at, &steps.v[i], &next);
		at = next;
		if (way == NULL)
			continue;
		way[i] = (struct ks_path){ last, &steps.v[i] };
		last = &way[i];
	}
	return got == KS_YIELD ? g->to->fn(g->to, &at, last) : got;
}

static enum ks_yield run_getpath(struct ks_expr_set *set, const uint32_t *args, const struct ks_val *in,
    const struct ks_path *path, struct ks_emit *to)
{
	struct getpath g = { { on_getpath }, set, in, path, to };

	return ks_expr_run(set, args[0], in, NULL, &g.emit);
}

const struct ks_expr_fn ks_expr_fn_path[] = {
	{ .name = "path", .args = 1, .run = run_path },
	{ .name = "paths", .macro = "path(..) | select(. != [])" },
	{ .name = "paths", .args = 1, .macro = "path(.. | select(_1)) | select(. != [])" },
	{ .name = "getpath", .args = 1, .run = run_getpath, .paths = true },
	{ .name = "setpath", .args = 2, .call = call_setpath },
	{ .name = "delpaths", .args = 1, .call = call_delpaths },
	{ .name = "del", .args = 1, .run = run_del, .single = true },
	{ .name = "pick", .args = 1, .run = run_pick, .single = true },
	{ .name = "map_values", .args = 1, .macro = ".[] |= _1" },
	{ .name = "_modify", .args = 2, .run = run_modify, .single = true },
	{ .name = "_assign", .args = 2, .run = run_assign, .single = true },
	{ .name = NULL },
};
