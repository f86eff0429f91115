/* SPDX-License-Identifier: MIT */
/* query-find.c - directories of stages. */
#include "query-find.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "num.h"
#include "state-dir.h"

#define NAMES_MAX 16	/* told of, where there are several stages */

struct look {
	struct ks_query_places *p;
	const char *stage, *with;
	char *names[NAMES_MAX];		/* of stages, each once */
	size_t name_count;
};

void ks_query_places_release(struct ks_query_places *p)
{
	free(p->stage);
	free(p->instances);
	*p = (struct ks_query_places){ 0 };
}

static bool has(const char *dir, const char *stage, const char *what)
{
	char *path;
	bool there;

	if (asprintf(&path, "%s/%s/%s", dir, stage, what) < 0)
		return false;
	there = access(path, F_OK) == 0;
	free(path);
	return there;
}

static int note_name(struct look *k, const char *name)
{
	size_t i;

	for (i = 0; i < k->name_count; i++)
		if (strcmp(k->names[i], name) == 0)
			return 0;
	if (k->name_count == NAMES_MAX)
		return 0;
	k->names[k->name_count] = strdup(name);
	return k->names[k->name_count] != NULL ? (void)k->name_count++, 0 : ENOMEM;
}

/* Numbers as numbers, and before names. */
static int order(const void *a, const void *b)
{
	int64_t x, y;
	bool number = ks_num_parse_i64(ks_str(a), &x) == 0, other = ks_num_parse_i64(ks_str(b), &y) == 0;

	if (number && other)
		return (x > y) - (x < y);
	return number != other ? other - number : strcmp(a, b);
}

/* name is one (ks_owner_is_directory). */
static int note_instance(struct ks_query_places *p, const char *name)
{
	size_t cap = p->cap == 0 ? 8 : 2 * p->cap;
	void *wider;

	if (p->count == p->cap) {
		wider = reallocarray(p->instances, cap, sizeof(*p->instances));
		if (wider == NULL)
			return ENOMEM;
		p->instances = wider;
		p->cap = cap;
	}
	snprintf(p->instances[p->count++], KS_OWNER_ROOM, "%.*s", (int)KS_OWNER_MAX, name);
	return 0;
}

/* The stages of one instance: 0 or an errno. */
static int look_into(struct look *k, const char *dir, const char *name)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	bool any = false;
	int no = 0;

	if (d == NULL)
		return errno == ENOENT || errno == ENOTDIR ? 0 : errno;
	while (no == 0 && (e = readdir(d)) != NULL) {
		if (!ks_state_is_name(e->d_name) || !has(dir, e->d_name, k->with))
			continue;
		no = note_name(k, e->d_name);
		any = any || k->stage == NULL || strcmp(k->stage, e->d_name) == 0;
	}
	closedir(d);
	return no == 0 && any ? note_instance(k->p, name) : no;
}

static int find_all(struct look *k, const char *app_dir)
{
	DIR *d = opendir(app_dir);
	struct dirent *e;
	char *path;
	int no = 0;

	if (d == NULL)
		return errno;
	while (no == 0 && (e = readdir(d)) != NULL) {
		if (!ks_owner_is_directory(e->d_name))
			continue;
		if (asprintf(&path, "%s/%s", app_dir, e->d_name) < 0)
			no = ENOMEM;
		else {
			no = look_into(k, path, e->d_name);
			free(path);
		}
	}
	closedir(d);
	if (k->p->count > 1)
		qsort(k->p->instances, k->p->count, sizeof(*k->p->instances), order);
	return no;
}

/* The one stage it can be, or what is to be said. */
static int settle(struct look *k, const char *app_dir, const char *app, struct ks_err *err)
{
	bool runs = strcmp(k->with, "sock") == 0;
	char names[400] = "";
	size_t i, n = 0;

	for (i = 0; i < k->name_count; i++)
		n += (size_t)snprintf(names + n, sizeof(names) - n, "%s'%s'", i > 0 ? ", " : "", k->names[i]) < sizeof(names) - n ?
		    strlen(names + n) : 0;
	if (k->stage == NULL && k->name_count > 1)
		return ks_fail(err, KS_USAGE, "%s has several stages, %s: name one, as in %s/%s", app, names, app, k->names[0]);
	if (k->p->count == 0 && k->name_count > 0)
		return ks_fail(err, KS_NOINPUT, "%s has no stage '%s', but %s", app, k->stage, names);
	if (k->p->count == 0)
		return runs ? ks_fail(err, KS_UNAVAILABLE, "no stage of '%s' runs: start it, or ask what it has kept with --offline", app) :
		    ks_fail(err, KS_NOINPUT, "no stage of '%s' has kept a state in '%s'", app, app_dir);
	k->p->stage = strdup(k->stage != NULL ? k->stage : k->names[0]);
	return k->p->stage != NULL ? 0 : ks_fail_memory(err);
}

int ks_query_find(struct ks_query_places *p, const char *state_dir, const char *app, const char *stage, const char *with,
    struct ks_err *err)
{
	struct look k = { .p = p, .stage = stage, .with = with };
	char *app_dir;
	int no, status;

	*p = (struct ks_query_places){ 0 };
	if (asprintf(&app_dir, "%s/%s", state_dir, app) < 0)
		return ks_fail_memory(err);
	no = find_all(&k, app_dir);
	if (no == ENOENT)
		status = ks_fail(err, KS_NOINPUT, "there is no app '%s' in '%s': is it another --state-dir?", app, state_dir);
	else if (no != 0)
		status = ks_fail_errno(err, KS_NOINPUT, no, "cannot look into '%s'", app_dir);
	else
		status = settle(&k, app_dir, app, err);
	while (k.name_count > 0)
		free(k.names[--k.name_count]);
	free(app_dir);
	return status;
}
