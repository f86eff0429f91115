/* SPDX-License-Identifier: MIT */
/* join-options.c - kstream-join's command line: what an option means, and what goes with what. */
#include "join-global.h"
#include "options.h"

static const char *const roles[] = { "stream", "table", "global" };
static const char *const types[] = { "inner", "left", "outer" };

/* The first stream is left, the first of two tables, too; whatever a stream is joined to is right. */
static int add_input(struct ks_join_spec *s, enum ks_join_role role, const char *name, struct ks_err *err)
{
	struct ks_join_input *left = &s->inputs[KS_JOIN_LEFT], *right = &s->inputs[KS_JOIN_RIGHT];
	struct ks_join_input x = { .name = name, .role = role, .history_ms = -1 };

	if (role == KS_JOIN_GLOBAL && ks_join_global_where(&x, err) != 0)
		return err->status;
	if (x.where == KS_JOIN_PIPE && !ks_is_name(name, strlen(name)))
		return ks_fail(err, KS_USAGE, "--%s '%s' is not the name of a stream", roles[role], name);
	if (left->name != NULL && right->name != NULL)
		return ks_fail(err, KS_USAGE, "--%s %s: two are joined, and there are '%s' and '%s'; three are two joins, one behind the other",
		    roles[role], name, left->name, right->name);
	if (left->name == NULL && role != KS_JOIN_GLOBAL) {
		*left = x;
	} else if (right->name == NULL && left->name != NULL && role == KS_JOIN_STREAM && left->role == KS_JOIN_TABLE) {
		*right = *left;
		*left = x;
	} else if (right->name == NULL) {
		*right = x;
	} else {
		*left = x;
	}
	return 0;
}

static int set_type(struct ks_join_spec *s, const char *name, struct ks_err *err)
{
	unsigned i;

	if (s->type_option != NULL && strcmp(s->type_option, name) != 0)
		return ks_fail(err, KS_USAGE, "--%s and --%s: one of them", s->type_option, name);
	for (i = 0; strcmp(types[i], name) != 0; i++)
		;
	s->type = (enum ks_join_type)i;
	s->type_option = name;
	return 0;
}

/* It is about the table that was named last. */
static int set_versioned(struct ks_join_spec *s, const char *value, struct ks_err *err)
{
	struct ks_join_input *x = &s->inputs[KS_JOIN_RIGHT];

	if (x->name == NULL || x->role != KS_JOIN_TABLE)
		x = &s->inputs[KS_JOIN_LEFT];
	if (x->name == NULL || x->role != KS_JOIN_TABLE)
		return ks_fail(err, KS_USAGE, "--versioned %s stands behind the --table that it is about", value);
	return ks_options_duration("versioned", value, &x->history_ms, err);
}

/* How far apart two records may be, or one may be before the other. */
static int set_reach(struct ks_join_spec *s, const char *name, const char *value, struct ks_err *err)
{
	bool minus = value[0] == '-' && strcmp(name, "within") != 0;
	int64_t ms;
	int status = ks_options_duration(name, value + minus, &ms, err);

	if (status != 0)
		return status;
	ms = minus ? -ms : ms;
	if (strcmp(name, "within") == 0) {
		s->has_within = true;
		s->before_ms = s->after_ms = ms;
	} else if (strcmp(name, "before") == 0) {
		s->has_before = true;
		s->before_ms = ms;
	} else {
		s->has_after = true;
		s->after_ms = ms;
	}
	return s->has_within && (s->has_before || s->has_after) ?
	    ks_fail(err, KS_USAGE, "--within says both --before and --after: give it, or those") : 0;
}

static int set_unmatched(struct ks_join_spec *s, const char *value, struct ks_err *err)
{
	static const char route[] = "route:";
	size_t n = sizeof(route) - 1;

	if (strncmp(value, route, n) != 0 || !ks_is_name(value + n, strlen(value + n)))
		return ks_fail(err, KS_USAGE, "--unmatched '%s' is not route:TOPIC", value);
	s->unmatched = value + n;
	return 0;
}

int ks_join_option(struct ks_join_spec *s, const char *name, const char *value, struct ks_err *err)
{
	unsigned i;

	for (i = 0; i < 3; i++)
		if (strcmp(name, roles[i]) == 0)
			return add_input(s, (enum ks_join_role)i, value, err);
	for (i = 0; i < 3; i++)
		if (strcmp(name, types[i]) == 0)
			return set_type(s, types[i], err);
	if (strcmp(name, "max-future") == 0)
		return ks_future_option(&s->future, value, err);
	if (strcmp(name, "versioned") == 0)
		return set_versioned(s, value, err);
	if (strcmp(name, "unmatched") == 0)
		return set_unmatched(s, value, err);
	if (strcmp(name, "grace") == 0) {
		s->has_grace = true;
		return ks_options_duration(name, value, &s->grace_ms, err);
	}
	if (strcmp(name, "on") == 0)
		s->on = value;
	else if (strcmp(name, "global-key") == 0)
		s->global_key = value;
	else if (strcmp(name, "foreign-key") == 0)
		s->foreign_key = value;
	else if (strcmp(name, "value") == 0)
		s->value = value;
	else
		return set_reach(s, name, value, err);
	return 0;
}

/* What is about another kind of join. */
static int check_strangers(const struct ks_join_spec *s, struct ks_err *err)
{
	bool windows = s->inputs[KS_JOIN_RIGHT].role == KS_JOIN_STREAM;
	bool tables = s->inputs[KS_JOIN_LEFT].role == KS_JOIN_TABLE;
	bool global = s->inputs[KS_JOIN_RIGHT].role == KS_JOIN_GLOBAL;

	if ((s->has_within || s->has_before || s->has_after) && !windows)
		return ks_fail(err, KS_USAGE, "--within, --before and --after are about two --stream");
	if (s->on != NULL && !global)
		return ks_fail(err, KS_USAGE, "--on is about a --global table; others are joined by their keys (kstream-repartition sets one)");
	if (s->global_key != NULL && !global)
		return ks_fail(err, KS_USAGE, "--global-key is about a --global table");
	if (s->foreign_key != NULL && !tables)
		return ks_fail(err, KS_USAGE, "--foreign-key is about two --table");
	if (s->type == KS_JOIN_OUTER && !windows && (!tables || s->foreign_key != NULL))
		return ks_fail(err, KS_USAGE, "--outer is about two --stream, or two --table without --foreign-key");
	if (s->has_grace && (tables || global))
		return ks_fail(err, KS_USAGE, "--grace is about two --stream, or a --stream and a --table with --versioned");
	if (s->future.given && !ks_join_is_timed(s))
		return ks_fail(err, KS_USAGE, "--max-future is about times, which two --stream and --versioned look at");
	if (s->unmatched != NULL && (s->type != KS_JOIN_INNER || tables))
		return ks_fail(err, KS_USAGE, "--unmatched is about an --inner join of a --stream: the others emit what has no match");
	return 0;
}

static int check_kind(struct ks_join *j, struct ks_err *err)
{
	struct ks_join_spec *s = &j->spec;
	struct ks_join_input *left = &s->inputs[KS_JOIN_LEFT], *right = &s->inputs[KS_JOIN_RIGHT];

	if (left->role == KS_JOIN_STREAM && right->role == KS_JOIN_TABLE)
		j->kind = &ks_join_stream_table;
	if (left->role == KS_JOIN_STREAM && right->role == KS_JOIN_STREAM)
		j->kind = &ks_join_streams;
	if (left->role == KS_JOIN_TABLE && right->role == KS_JOIN_TABLE)
		j->kind = s->foreign_key != NULL ? &ks_join_foreign : &ks_join_tables;
	if (right->role == KS_JOIN_GLOBAL)
		j->kind = &ks_join_global;
	return j->kind == NULL || j->kind->check == NULL ? 0 : j->kind->check(j, err);
}

int ks_join_check(struct ks_join *j, struct ks_err *err)
{
	struct ks_join_spec *s = &j->spec;
	struct ks_join_input *left = &s->inputs[KS_JOIN_LEFT], *right = &s->inputs[KS_JOIN_RIGHT];
	int status;

	if (left->name == NULL || right->name == NULL)
		return ks_fail(err, KS_USAGE, "what is joined to what?  as in --stream clicks --table profiles");
	s->twice = strcmp(left->name, right->name) == 0;
	if (s->twice && (left->role != KS_JOIN_STREAM || right->role != KS_JOIN_STREAM))
		return ks_fail(err, KS_USAGE, "'%s' is both sides: only a --stream is joined to itself; kstream-branch --all makes two tables of one", left->name);
	if (right->role == KS_JOIN_GLOBAL && left->role != KS_JOIN_STREAM)
		return ks_fail(err, KS_USAGE, "a --global table is joined to a --stream, and '%s' is none", left->name);
	status = check_strangers(s, err);
	return status != 0 ? status : check_kind(j, err);
}
