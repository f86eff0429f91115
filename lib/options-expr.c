/* SPDX-License-Identifier: MIT */
/* options-expr.c - --expr-limit: what the expressions on one record may cost. */
#include "num.h"
#include "options.h"

int ks_options_expr_limit(struct ks_limits *limits, const char *value, struct ks_err *err)
{
	const char *comma = strchr(value, ',');
	struct ks_bytes steps = ks_bytes(value, comma != NULL ? (size_t)(comma - value) : strlen(value));
	uint64_t bytes = 0;
	int64_t n;

	if (ks_num_parse_i64(steps, &n) != 0 || n < 1)
		return ks_fail(err, KS_USAGE, "--expr-limit '%s' is not STEPS or STEPS,SIZE, such as 100000000 "
		    "or 100000000,1G", value);
	if (comma != NULL && (ks_num_parse_size(ks_str(comma + 1), &bytes) != 0 || bytes < 65536 ||
	    bytes > (uint64_t)1 << 40))
		return ks_fail(err, KS_USAGE, "--expr-limit '%s': behind the comma stands a size from 64k to 1T",
		    value);
	limits->steps = (uint64_t)n;
	limits->memory = (size_t)bytes;
	return 0;
}
