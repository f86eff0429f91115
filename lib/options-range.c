/* SPDX-License-Identifier: MIT */
/* options-range.c - --since and --until; what is relative is so to the wall clock, here alone. */
#include "fdio.h"
#include "num.h"
#include "options.h"

#include <errno.h>

int ks_options_range(struct ks_config *c, bool since, const char *value, struct ks_err *err)
{
	int64_t ms;

	if (ks_num_parse_when(ks_str(value), ks_wall_ms(), &ms) != 0)
		return ks_fail(err, KS_USAGE,
		    "--%s '%s' is not a time: RFC 3339, a date, @MS, -1h, now, today or 'yesterday 07:30'",
		    since ? "since" : "until", value);
	if (since) {
		c->has_since = true;
		c->since_ms = ms;
	} else {
		c->has_until = true;
		c->until_ms = ms;
	}
	if (c->has_since && c->has_until && c->since_ms >= c->until_ms)
		return ks_fail(err, KS_USAGE, "--since is not before --until: nothing is between them");
	return 0;
}

int ks_options_duration(const char *name, const char *value, int64_t *ms, struct ks_err *err)
{
	switch (ks_num_parse_duration(ks_str(value), ms)) {
	case 0:
		return 0;
	case ERANGE:
		return ks_fail(err, KS_USAGE, "--%s %s: too long", name, value);
	default:
		return ks_fail(err, KS_USAGE,
		    "--%s '%s' is no duration: a number and a unit, as in 250ms, 90s, 5m or 1h30m", name, value);
	}
}
