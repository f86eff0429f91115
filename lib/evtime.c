/* SPDX-License-Identifier: MIT */
/* evtime.c - from the value that --time yields to event time; every step is checked. */
#include "evtime.h"

#include <math.h>

#include "num.h"

static const char *from_double(double d, int64_t num, int64_t den, int64_t *ms)
{
	d = floor(d * (double)num / (double)den);
	if (!(d < 9223372036854775808.0))	/* nan, too */
		return "time is out of range";
	if (d < 0)
		return "time is before 1970";
	*ms = (int64_t)d;
	return NULL;
}

const char *ks_evtime(const struct ks_val *v, int64_t num, int64_t den, int64_t *ms)
{
	switch (v->type) {
	case KS_INT:
		if (v->i < 0)
			return "time is before 1970";
		if (__builtin_mul_overflow(v->i, num, ms))
			return "time is out of range";
		*ms /= den;
		return NULL;
	case KS_UINT:
		return "time is out of range";
	case KS_FLOAT:
		return from_double(v->d, num, den, ms);
	case KS_STR:
		if (v->b.n > 0 && v->b.p[0] == '@')
			return "time is a string that is not RFC 3339";
		if (ks_num_parse_time(v->b, ms) != 0)
			return "time is a string that is not RFC 3339";
		return *ms < 0 ? "time is before 1970" : NULL;
	case KS_NIL:
		return "time is missing";
	default:
		return "time is neither a number nor a string";
	}
}
