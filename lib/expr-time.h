/* SPDX-License-Identifier: MIT */
/*
 * expr-time.h - jq's times: seconds since 1970 as a number, and an array
 * of year, month from 0, day, hours, minutes, seconds with their fraction,
 * day of the week from Sunday, and day of the year from 0.
 */
#ifndef KS_EXPR_TIME_H
#define KS_EXPR_TIME_H

#include <time.h>

#include "expr-items.h"

/* A number of seconds: those that are whole, cut as jq does, and the fraction of a second behind. */
enum ks_yield ks_expr_seconds(struct ks_expr_set *set, const struct ks_val *in, time_t *whole,
    double *fraction);
enum ks_yield ks_expr_no_date(struct ks_expr_set *set);

/*
 * The array of a time, and back: fields that are missing are 0, others
 * behind are not looked at.  who ("strftime/1") is named in errors, one of
 * which is of the format, unless NULL.
 */
enum ks_yield ks_expr_tm_array(struct ks_expr_set *set, const struct tm *tm, double fraction,
    struct ks_val *out);
enum ks_yield ks_expr_tm_of(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *format, const char *who, struct tm *tm);

/* tm as format says, in the C locale.  epoch, unless NULL, is what %s stands for. */
enum ks_yield ks_expr_tm_text(struct ks_expr_set *set, const struct tm *tm,
    const struct ks_val *format, const time_t *epoch, const char *who, struct ks_val *out);

/* expr-clock.c: the functions of the table that are not pure. */
enum ks_yield ks_expr_now(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *args, struct ks_val *out);
enum ks_yield ks_expr_localtime(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *args, struct ks_val *out);
enum ks_yield ks_expr_strflocaltime(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *args, struct ks_val *out);

#endif
