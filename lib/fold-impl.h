/* SPDX-License-Identifier: MIT */
/* fold-impl.h - what the files of fold.h share.  No one else includes it. */
#ifndef KS_FOLD_IMPL_H
#define KS_FOLD_IMPL_H

#include "agg-row.h"
#include "fold.h"

#define KS_FOLD_NONE UINT32_MAX

/* The expressions of a reduce or a fold; NULL: there is none. */
struct ks_fold_rule {
	struct ks_expr *add, *sub;
	struct ks_expr_set *merging;	/* its own: there is no record in it */
	struct ks_expr *merge;
	uint32_t one, other;		/* variables of merging */
	bool reduce;			/* the first value is the aggregate; else init is what is before it */
	struct ks_val init;
	struct ks_buf packed;		/* what init borrows from */
};

/* An argument, or where. */
struct ks_fold_arg {
	char *text;
	struct ks_expr *expr;
	uint32_t item, at;	/* the first one of the same text, which is where it is evaluated */
};

/* How an item is loaded: what it does not have need not be asked for. */
enum ks_fold_load {
	KS_FOLD_LOAD_NONE,	/* count() */
	KS_FOLD_LOAD_ONE,	/* one argument */
	KS_FOLD_LOAD_ANY,
};

struct ks_fold_item {
	struct ks_agg agg;
	size_t at;			/* of its state */
	uint32_t argc;
	enum ks_fold_load load;
	bool skip;			/* the record that was loaded adds nothing */
	bool idle;			/* what was loaded takes nothing out */
	bool passes;			/* where holds for the record that was loaded */
	struct ks_val v[KS_AGG_VALUES];	/* its arguments, of the record that was loaded */
	struct ks_fold_arg args[KS_AGG_VALUES];
	struct ks_fold_arg where;	/* expr == NULL: there is none */
	struct ks_fold_rule *rule;	/* NULL: the aggregate needs none */
	size_t name_at, name_n;		/* in names */
	char *clause;			/* as it was written, for messages */
};

struct ks_fold_work {
	struct ks_limits limits;
	const struct ks_rec *rec;	/* that was loaded */
	struct ks_expr_set *steps;	/* of rules, on the record; NULL: there are none */
	uint32_t acc;			/* $acc in it */
	struct ks_arena copies;		/* of what would not outlive the state it borrows from */
	struct ks_buf packed;		/* the other aggregate, as a value */
	const char *what;		/* of EDOM */
	char why[400];
};

/* fold-list.c */
int	ks_fold_rule_new(struct ks_fold *f, struct ks_fold_item *item, const struct ks_agg_clause *c,
	    struct ks_err *err) KS_MUST_USE;
void	ks_fold_rule_free(struct ks_fold_rule *rule);
/* The value of an expression that reads no record; it lives in out. */
int	ks_fold_constant(struct ks_fold *f, const char *clause, struct ks_bytes text, struct ks_buf *out,
	    struct ks_val *v, struct ks_err *err) KS_MUST_USE;

/* fold-acc.c.  The first two leave in item->v what the aggregate is to become; EDOM fills work->what. */
int	ks_fold_step(const struct ks_fold *f, struct ks_fold_item *item, struct ks_expr *e,
	    const unsigned char *state) KS_MUST_USE;
int	ks_fold_join(const struct ks_fold *f, struct ks_fold_item *item, const unsigned char *into,
	    const unsigned char *from) KS_MUST_USE;
/* What a rule's state holds: false is nothing, and v what it begins with. */
bool	ks_fold_acc(const struct ks_fold_item *item, const unsigned char *state, struct ks_val *v);

/* Says which clause cannot do what. */
int	ks_fold_refuse(const struct ks_fold *f, const struct ks_fold_item *item, const char *what);

#endif
