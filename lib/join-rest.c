/* SPDX-License-Identifier: MIT */
/*
 * join-rest.c - the state of a join at rest: the lines that it was made with
 * (join.c and the kinds, fingerprint) are options again.
 */
#include "join.h"

static const char of_join[] = "join ", of_left[] = "left ", of_right[] = "right ";

static bool begins(const char *line, const char *word)
{
	return strncmp(line, word, strlen(word)) == 0;
}

static int unknown(const char *line, struct ks_err *err)
{
	return ks_fail(err, KS_CONFIG, "the state was made with '%s', which this version of kstream does not know", line);
}

/* "left --stream 'name'", "left-versioned 5ms", "--grace 5ms", "foreign-key '.x'" */
int ks_join_rest_line(struct ks_join *j, char *line, struct ks_err *err)
{
	static const char *const known[] = { "--stream", "--table", "--global", "--inner", "--left", "--outer", "--before", "--after",
		"--grace" };
	char *option = line, *value, *quote;
	size_t i;

	if (begins(line, of_join) || begins(line, of_left) || begins(line, of_right))
		option = strchr(line, ' ') + 1;
	value = strchr(option, ' ');
	if (value != NULL)
		*value++ = '\0';
	else
		value = option + strlen(option);
	quote = *value == '\'' ? strrchr(value, '\'') : NULL;
	if (quote == value)
		return unknown(line, err);
	if (quote != NULL) {
		value++;
		*quote = '\0';
	}
	if (strcmp(option, "--global") == 0 && *value == '\0')
		return ks_fail(err, KS_CONFIG, "a --global table from outside the pipe is not kept: ask while the stage runs");
	if (strcmp(option, "--unmatched") == 0)
		return ks_join_option(&j->spec, "unmatched", "route:kept", err);
	if (strcmp(option, "left-versioned") == 0 || strcmp(option, "right-versioned") == 0)
		return ks_join_option(&j->spec, "versioned", value, err);
	if (strcmp(option, "foreign-key") == 0)
		return ks_join_option(&j->spec, option, value, err);
	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(option, known[i]) == 0)
			return ks_join_option(&j->spec, option + 2, value, err);
	return unknown(option, err);
}

int ks_join_rest_open(struct ks_join *j, struct ks_run *run, struct ks_store *store)
{
	int status = ks_join_check(j, run->err);

	if (status != 0) {
		ks_store_close(store);
		return status;
	}
	j->store = store;
	status = ks_join_open(j, run);
	return status == 0 ? j->kind->open(j) : status;
}
