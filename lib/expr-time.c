/* SPDX-License-Identifier: MIT */
/*
 * expr-time.c - functions of time: jq's over seconds and broken-down times
 * in UTC, and ts_ms and date_bin over milliseconds.
 *
 * libc does the calendar.  No locale is ever set, so that names are
 * English; what depends on the clock or the zone is in expr-clock.c.
 */
#include "expr-time.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <math.h>

#include "num.h"

#define CALENDAR 4u	/* steps that libc takes to read or to write a date */

enum ks_yield ks_expr_no_date(struct ks_expr_set *set)
{
	return ks_expr_error(set, "error converting number of seconds since epoch to datetime");
}

enum ks_yield ks_expr_seconds(struct ks_expr_set *set, const struct ks_val *in, time_t *whole,
    double *fraction)
{
	*fraction = 0;
	if (in->type == KS_INT) {
		*whole = in->i;
		return KS_YIELD;
	}
	/* A year is an int, so that the ends of time_t are no dates. */
	if (in->type == KS_UINT || !(in->d > -9e18 && in->d < 9e18))
		return ks_expr_no_date(set);
	*whole = (time_t)in->d;
	*fraction = in->d - floor(in->d);
	return KS_YIELD;
}

enum ks_yield ks_expr_tm_array(struct ks_expr_set *set, const struct tm *tm, double fraction,
    struct ks_val *out)
{
	const int64_t fields[] = {
		(int64_t)tm->tm_year + 1900, tm->tm_mon, tm->tm_mday, tm->tm_hour, tm->tm_min,
		tm->tm_sec, tm->tm_wday, tm->tm_yday,
	};
	struct ks_val v[8];
	size_t i;

	for (i = 0; i < 8; i++)
		v[i] = (struct ks_val){ .type = KS_INT, .i = fields[i] };
	if (fraction > 0)
		ks_val_number_of(&v[5], tm->tm_sec + fraction);
	return ks_expr_array(set, v, 8, out);
}

enum ks_yield ks_expr_tm_of(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *format, const char *who, struct tm *tm)
{
	int *const fields[] = {
		&tm->tm_year, &tm->tm_mon, &tm->tm_mday, &tm->tm_hour, &tm->tm_min, &tm->tm_sec,
		&tm->tm_wday, &tm->tm_yday,
	};
	struct ks_vals list;
	enum ks_yield got;
	uint32_t i;
	double d;

	if (in->type != KS_ARRAY)
		return ks_expr_error(set, "%s requires parsed datetime inputs", who);
	if (format != NULL && format->type != KS_STR)
		return ks_expr_error(set, "%s requires a string format", who);
	got = ks_vals_of(set, in, &list);
	if (got != KS_YIELD)
		return got;
	memset(tm, 0, sizeof(*tm));
	for (i = 0; i < list.n && i < 8; i++) {
		d = ks_val_number(&list.v[i]) ? ks_val_double(&list.v[i]) : NAN;
		if (isnan(d))
			return ks_expr_error(set, "%s requires parsed datetime inputs", who);
		if (i == 0)
			d -= 1900;
		*fields[i] = d <= INT_MIN ? INT_MIN : d >= INT_MAX ? INT_MAX : (int)d;
	}
	return KS_YIELD;
}

/* text up to its first NUL as a C string, with what is put before it. */
static char *c_string(struct ks_expr_set *set, struct ks_bytes text, const char *before)
{
	size_t n = text.n > 0 ? strnlen((const char *)text.p, text.n) : 0, m = strlen(before);
	char *copy = ks_expr_scratch(set, m + n + 1);

	if (copy == NULL)
		return NULL;
	memcpy(copy, before, m);
	if (n > 0)
		memcpy(copy + m, text.p, n);
	copy[m + n] = '\0';
	return copy;
}

/* A format in which %s is the number already: libc would take the time for a local one. */
static char *without_epoch(struct ks_expr_set *set, const char *format, time_t epoch)
{
	char *copy = ks_expr_scratch(set, strlen(format) * KS_NUM_TEXT / 2 + 1), *o = copy;

	if (copy == NULL)
		return NULL;
	while (*format != '\0') {
		if (format[0] == '%' && format[1] == 's') {
			o += ks_num_print_i64(o, epoch);
			format += 2;
			continue;
		}
		if (format[0] == '%' && format[1] != '\0')
			*o++ = *format++;
		*o++ = *format++;
	}
	*o = '\0';
	return copy;
}

enum ks_yield ks_expr_tm_text(struct ks_expr_set *set, const struct tm *tm,
    const struct ks_val *format, const time_t *epoch, const char *who, struct ks_val *out)
{
	/* A blank in front tells an empty result from one that does not fit. */
	char *f = c_string(set, format->b, " "), *text;
	enum ks_yield got;
	size_t room, n;

	if (f != NULL && epoch != NULL)
		f = without_epoch(set, f, *epoch);
	if (f == NULL)
		return ks_expr_no_scratch(set);
	got = ks_expr_steps(set, CALENDAR + 2 * strlen(f));
	if (got != KS_YIELD)
		return got;
	room = strlen(f) * 16 + 128;
	text = ks_expr_scratch(set, room);
	if (text == NULL)
		return ks_expr_no_scratch(set);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	n = strftime(text, room, f, tm);
#pragma GCC diagnostic pop
	if (n == 0)
		return ks_expr_error(set, "%s: unknown system failure", who);
	*out = (struct ks_val){ .type = KS_STR, .b = ks_bytes(text + 1, n - 1) };
	return KS_YIELD;
}

static enum ks_yield fn_gmtime(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *args, struct ks_val *out)
{
	enum ks_yield got;
	double fraction;
	time_t whole;
	struct tm tm;

	(void)args;
	if (!ks_val_number(in))
		return ks_expr_error(set, "gmtime() requires numeric inputs");
	got = ks_expr_seconds(set, in, &whole, &fraction);
	if (got != KS_YIELD)
		return got;
	return gmtime_r(&whole, &tm) == NULL ? ks_expr_no_date(set) :
	    ks_expr_tm_array(set, &tm, fraction, out);
}

/* timegm, which says -1 both for the last second of 1969 and for what is no time. */
static bool seconds_of(struct tm *tm, time_t *t)
{
	errno = 0;
	*t = timegm(tm);
	return *t != -1 || errno != EOVERFLOW;
}

static enum ks_yield fn_mktime(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *args, struct ks_val *out)
{
	enum ks_yield got;
	struct tm tm;
	time_t t;

	(void)args;
	if (in->type != KS_ARRAY)
		return ks_expr_error(set, "mktime requires array inputs");
	got = ks_expr_tm_of(set, in, NULL, "mktime", &tm);
	if (got != KS_YIELD)
		return got;
	if (!seconds_of(&tm, &t))
		return ks_expr_error(set, "invalid gmtime representation");
	*out = (struct ks_val){ .type = KS_INT, .i = t };
	return ks_expr_steps(set, 1);
}

static enum ks_yield fn_strftime(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *args, struct ks_val *out)
{
	static const char who[] = "strftime/1";
	enum ks_yield got;
	double fraction;
	struct tm tm;
	time_t t;

	if (ks_val_number(in)) {
		got = ks_expr_seconds(set, in, &t, &fraction);
		if (got == KS_YIELD && gmtime_r(&t, &tm) == NULL)
			got = ks_expr_no_date(set);
	} else {
		got = ks_expr_tm_of(set, in, args, who, &tm);
	}
	if (got != KS_YIELD)
		return got;
	if (args->type != KS_STR)
		return ks_expr_error(set, "%s requires a string format", who);
	/* 30 February is 1 March; a time that is none prints as its fields. */
	seconds_of(&tm, &t);
	tm.tm_zone = "GMT";
	return ks_expr_tm_text(set, &tm, args, &t, who, out);
}

/* What libc did not fill in, where the date is known. */
static void complete(struct tm *tm)
{
	struct tm day = { .tm_year = tm->tm_year, .tm_mon = tm->tm_mon, .tm_mday = tm->tm_mday };
	time_t t;

	if (tm->tm_mday == 0 || tm->tm_mon < 0 || tm->tm_mon > 11 || !seconds_of(&day, &t))
		return;
	if (tm->tm_wday == 8)
		tm->tm_wday = day.tm_wday;
	if (tm->tm_yday == 367)
		tm->tm_yday = day.tm_yday;
}

/* Bytes of text for an error that has two: whole characters. */
static int shown(const char *text)
{
	return (int)ks_utf8_prefix((const unsigned char *)text, strnlen(text, 100));
}

/* Text to tm; what stands behind, from a blank on, is in *rest. */
static enum ks_yield parse(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *format, struct tm *tm, const char **rest)
{
	enum ks_yield got;
	char *text, *f;

	if (in->type != KS_STR || format->type != KS_STR)
		return ks_expr_error(set, "strptime/1 requires string inputs and arguments");
	text = c_string(set, in->b, "");
	f = c_string(set, format->b, "");
	if (text == NULL || f == NULL)
		return ks_expr_no_scratch(set);
	got = ks_expr_steps(set, CALENDAR + in->b.n / 64 + format->b.n);
	if (got != KS_YIELD)
		return got;
	memset(tm, 0, sizeof(*tm));
	tm->tm_wday = 8;	/* no such days: those that libc leaves alone */
	tm->tm_yday = 367;
	*rest = strptime(text, f, tm);
	if (*rest == NULL || (**rest != '\0' && !isspace((unsigned char)**rest)))
		return ks_expr_error(set, "date \"%.*s\" does not match format \"%.*s\"",
		    shown(text), text, shown(f), f);
	if (tm->tm_wday == 8 || tm->tm_yday == 367)
		complete(tm);
	return KS_YIELD;
}

static enum ks_yield fn_strptime(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *args, struct ks_val *out)
{
	struct ks_vals list = { NULL, 0, 0 };
	const char *rest;
	struct ks_val v;
	struct tm tm;
	enum ks_yield got = parse(set, in, args, &tm, &rest);

	if (got == KS_YIELD)
		got = ks_expr_tm_array(set, &tm, 0, out);
	if (got != KS_YIELD || *rest == '\0')
		return got;
	got = ks_vals_of(set, out, &list);
	if (got == KS_YIELD)
		got = ks_expr_string(set, ks_str(rest), &v);
	if (got == KS_YIELD)
		got = ks_vals_add(set, &list, &v);
	return got == KS_YIELD ? ks_expr_array(set, list.v, list.n, out) : got;
}

static struct ks_val iso_8601(void)
{
	return (struct ks_val){ .type = KS_STR, .b = ks_str("%Y-%m-%dT%H:%M:%SZ") };
}

static enum ks_yield fn_todate(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *args, struct ks_val *out)
{
	struct ks_val format = iso_8601();

	(void)args;
	return fn_strftime(set, in, &format, out);
}

static enum ks_yield fn_fromdate(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *args, struct ks_val *out)
{
	struct ks_val format = iso_8601();
	const char *rest;
	struct tm tm;
	time_t t;
	enum ks_yield got = parse(set, in, &format, &tm, &rest);

	(void)args;
	if (got != KS_YIELD)
		return got;
	if (!seconds_of(&tm, &t))
		return ks_expr_error(set, "invalid gmtime representation");
	*out = (struct ks_val){ .type = KS_INT, .i = t };
	return KS_YIELD;
}

static enum ks_yield no_time(struct ks_expr_set *set, const struct ks_val *v)
{
	return ks_expr_unfit(set, v, v->type == KS_STR ? "is no time of RFC 3339" :
	    ks_val_number(v) ? "is out of range as a time" :
	    "is no time: neither a number nor a string");
}

/* What lies between |d| and the next double, as nextafter has it. */
static double ulp(double d)
{
	double next;
	uint64_t u;

	d = fabs(d);
	memcpy(&u, &d, sizeof(u));
	u++;
	memcpy(&next, &u, sizeof(next));
	return next - d;
}

/* What is a whole number but for two roundings (1.001 s) is that; else a fraction is cut. */
static bool whole_ms(double d, int64_t num, int64_t den, int64_t *ms)
{
	double near;

	d = d * (double)num / (double)den;
	near = rint(d);
	d = fabs(near - d) <= 2 * ulp(d) ? near : floor(d);
	if (!(d >= -9223372036854775808.0 && d < 9223372036854775808.0))
		return false;
	*ms = (int64_t)d;
	return true;
}

/* A time in ms: a number of num/den ms, cut towards the past, or RFC 3339. */
static enum ks_yield ms_of(struct ks_expr_set *set, const struct ks_val *v, int64_t num,
    int64_t den, int64_t *ms)
{
	int64_t x;

	switch (v->type) {
	case KS_INT:
		if (__builtin_mul_overflow(v->i, num, &x))
			return no_time(set, v);
		*ms = x / den - (x % den < 0);
		return KS_YIELD;
	case KS_FLOAT:
		return whole_ms(v->d, num, den, ms) ? KS_YIELD : no_time(set, v);
	case KS_STR:
		/* "@1700000000000" is for options. */
		if (v->b.n == 0 || v->b.p[0] == '@' || ks_num_parse_time(v->b, ms) != 0)
			return no_time(set, v);
		return KS_YIELD;
	default:
		return no_time(set, v);
	}
}

static enum ks_yield fn_ts_ms(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *args, struct ks_val *out)
{
	enum ks_yield got;
	int64_t ms = 0;

	(void)args;
	got = ms_of(set, in, 1, 1, &ms);
	*out = (struct ks_val){ .type = KS_INT, .i = ms };
	return got == KS_YIELD ? ks_expr_steps(set, 1) : got;
}

static enum ks_yield fn_ts_ms_unit(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *args, struct ks_val *out)
{
	static const struct {
		const char *name;
		int64_t num, den;
	} units[] = { { "s", 1000, 1 }, { "ms", 1, 1 }, { "us", 1, 1000 }, { "ns", 1, 1000000 } };
	enum ks_yield got;
	int64_t ms = 0;
	size_t i;

	for (i = 0; i < 4; i++)
		if (args->type == KS_STR && ks_bytes_is(args->b, units[i].name))
			break;
	if (i == 4)
		return ks_expr_unfit(set, args, "is no unit of time: \"s\", \"ms\", \"us\" or \"ns\"");
	got = ms_of(set, in, units[i].num, units[i].den, &ms);
	*out = (struct ks_val){ .type = KS_INT, .i = ms };
	return got == KS_YIELD ? ks_expr_steps(set, 1) : got;
}

/* args: a duration, and a time at which some bin begins. */
static enum ks_yield fn_date_bin_from(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *args, struct ks_val *out)
{
	int64_t width = 0, origin, ms, since, begin;
	enum ks_yield got;

	if (args[0].type != KS_STR || ks_num_parse_duration(args[0].b, &width) != 0 || width <= 0)
		return ks_expr_unfit(set, &args[0], "is no duration above 0, as \"1h30m\" or \"90s\"");
	got = ms_of(set, in, 1, 1, &ms);
	if (got == KS_YIELD)
		got = ms_of(set, &args[1], 1, 1, &origin);
	if (got != KS_YIELD)
		return got;
	if (__builtin_sub_overflow(ms, origin, &since))
		return no_time(set, in);
	since %= width;
	if (since < 0)
		since += width;
	if (__builtin_sub_overflow(ms, since, &begin))
		return no_time(set, in);
	*out = (struct ks_val){ .type = KS_INT, .i = begin };
	return ks_expr_steps(set, 1);
}

static enum ks_yield fn_date_bin(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *args, struct ks_val *out)
{
	const struct ks_val both[] = { args[0], { .type = KS_INT } };

	return fn_date_bin_from(set, in, both, out);
}

const struct ks_expr_fn ks_expr_fn_time[] = {
	{ .name = "gmtime", .call = fn_gmtime },
	{ .name = "mktime", .call = fn_mktime },
	{ .name = "strftime", .args = 1, .call = fn_strftime },
	{ .name = "strptime", .args = 1, .call = fn_strptime },
	{ .name = "todate", .call = fn_todate },
	{ .name = "date", .call = fn_todate },
	{ .name = "todateiso8601", .call = fn_todate },
	{ .name = "fromdate", .call = fn_fromdate },
	{ .name = "fromdateiso8601", .call = fn_fromdate },
	{ .name = "ts_ms", .call = fn_ts_ms },
	{ .name = "ts_ms", .args = 1, .call = fn_ts_ms_unit },
	{ .name = "date_bin", .args = 1, .call = fn_date_bin },
	{ .name = "date_bin", .args = 2, .call = fn_date_bin_from },
	{ .name = "now", .call = ks_expr_now },
	{ .name = "localtime", .call = ks_expr_localtime },
	{ .name = "strflocaltime", .args = 1, .call = ks_expr_strflocaltime },
	{ .name = NULL },
};
