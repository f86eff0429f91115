/* SPDX-License-Identifier: MIT */
/*
 * num.h - numbers, durations, sizes and times, from text and to text.
 *
 * Parsers take the whole slice or refuse it: EINVAL (not that), ERANGE (too
 * large).  Nothing here reads a clock, a locale or the environment.
 */
#ifndef KS_NUM_H
#define KS_NUM_H

#include "bytes.h"
#include "sys.h"

int	ks_num_parse_i64(struct ks_bytes text, int64_t *x) KS_MUST_USE;

/* "64k", "8M", "1G", "4096", "4096B": bytes, powers of 1024; k, K, M, G with optional iB or B. */
int	ks_num_parse_size(struct ks_bytes text, uint64_t *bytes) KS_MUST_USE;

/* "250ms", "90s", "5m", "1h30m", "2d", "1w", "0s": milliseconds, each unit once, large to small; a bare number is refused but 0. */
int	ks_num_parse_duration(struct ks_bytes text, int64_t *ms) KS_MUST_USE;

/*
 * RFC 3339, "2026-11-21T22:00:00.123Z", "2026-11-21T22:00+01:00" (seconds may be
 * left out), "2026-11-21" (midnight UTC); digits past milliseconds are
 * cut; a leap second counts as the next second.  Also "@1700000000000".
 */
int	ks_num_parse_time(struct ks_bytes text, int64_t *ms) KS_MUST_USE;

/*
 * ks_num_parse_when - an end of a range of time: what ks_num_parse_time
 * takes; "now"; "-1h30m" and "+5m", from now_ms; "today", "yesterday",
 * either with " 07:30" or " 07:30:15" behind it, of UTC.
 */
int	ks_num_parse_when(struct ks_bytes text, int64_t now_ms, int64_t *ms) KS_MUST_USE;

#define KS_NUM_TEXT 40	/* room that covers every number and time printed here */
size_t	ks_num_print_i64(char *o, int64_t x);
size_t	ks_num_print_u64(char *o, uint64_t x);

/*
 * The shortest text that reads back as d, in the shape of Python's repr:
 * always with a point or an exponent, an exponent from 1e+16 and below 1e-4.
 * nan: "null"; infinities: "1.7976931348623157e+308", signed (as jq prints them).
 */
size_t	ks_num_print_f64(char *o, double d);

/* "2026-11-21T22:00:00Z", with ".123" when ms are not 0; years outside 0000-9999: "@ms". */
size_t	ks_num_print_time(char *o, int64_t ms);

/*
 * The double nearest to a JSON number text[0..n), which is well formed and
 * has a NUL, a newline or another byte that is no part of a number behind it.
 * Overflow gives an infinity.
 */
double	ks_num_f64(const unsigned char *text, size_t n);

#endif
