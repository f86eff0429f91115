/* SPDX-License-Identifier: MIT */
/*
 * expr-clock.c - the functions that depend on more than their input: on
 * the clock, and on the time zone of the process (TZ).  They stand apart
 * so that all other files of expressions are pure.
 */
#include "expr-time.h"

#define ZONE 16u	/* steps that the C library takes to look whether /etc/localtime is another */

enum ks_yield ks_expr_now(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *args, struct ks_val *out)
{
	struct timespec now;

	(void)in;
	(void)args;
	clock_gettime(CLOCK_REALTIME, &now);
	/* jq's has microseconds, which is what a double holds. */
	*out = (struct ks_val){ .type = KS_FLOAT,
		.d = (double)now.tv_sec + (double)(now.tv_nsec / 1000) / 1e6 };
	return ks_expr_steps(set, 1);
}

static enum ks_yield local(struct ks_expr_set *set, const struct ks_val *in, struct tm *tm,
    double *fraction)
{
	time_t whole;
	enum ks_yield got = ks_expr_seconds(set, in, &whole, fraction);

	if (got == KS_YIELD && localtime_r(&whole, tm) == NULL)
		got = ks_expr_no_date(set);
	return got;
}

enum ks_yield ks_expr_localtime(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *args, struct ks_val *out)
{
	enum ks_yield got;
	double fraction;
	struct tm tm;

	(void)args;
	if (!ks_val_number(in))
		return ks_expr_error(set, "localtime() requires numeric inputs");
	got = ks_expr_steps(set, ZONE);
	if (got != KS_YIELD)
		return got;
	tzset();	/* localtime_r need not */
	got = local(set, in, &tm, &fraction);
	return got == KS_YIELD ? ks_expr_tm_array(set, &tm, fraction, out) : got;
}

enum ks_yield ks_expr_strflocaltime(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *args, struct ks_val *out)
{
	static const char who[] = "strflocaltime/1";
	enum ks_yield got;
	double fraction;
	struct tm tm;

	got = ks_expr_steps(set, ZONE);
	if (got != KS_YIELD)
		return got;
	tzset();
	if (ks_val_number(in))
		got = local(set, in, &tm, &fraction);
	else
		got = ks_expr_tm_of(set, in, args, who, &tm);
	if (got != KS_YIELD)
		return got;
	if (args->type != KS_STR)
		return ks_expr_error(set, "%s requires a string format", who);
	tm.tm_isdst = -1;
	mktime(&tm);
	return ks_expr_tm_text(set, &tm, args, NULL, who, out);
}
