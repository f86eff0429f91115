/* SPDX-License-Identifier: MIT */
/* options-guarantee.c - --guarantee. */
#include "hello.h"
#include "options.h"

int ks_options_guarantee(struct ks_config *c, const char *value, struct ks_err *err)
{
	enum ks_guarantee g;

	for (g = KS_NONE; g <= KS_EXACTLY_ONCE; g++) {
		if (strcmp(value, ks_guarantee_name(g)) == 0) {
			c->guarantee = g;
			c->guarantee_given = true;
			return 0;
		}
	}
	return ks_fail(err, KS_USAGE, "--guarantee '%s' is not exactly-once, at-least-once or none", value);
}

int ks_options_check_guarantee(struct ks_config *c, struct ks_err *err)
{
	if (!c->guarantee_given)
		return 0;
	if (c->guarantee != KS_NONE)
		return c->app != NULL ? 0 : ks_fail(err, KS_USAGE, "--guarantee %s is about an --app NAME, which is not given",
		    ks_guarantee_name(c->guarantee));
	/* Each would read all partitions, and what they write would be there so many times. */
	if (c->instances != 1)
		return ks_fail(err, KS_USAGE, "--guarantee none and --instance %s: only the partitions of an app are divided", c->owner);
	c->app = NULL;
	return 0;
}
