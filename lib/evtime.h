/* SPDX-License-Identifier: MIT */
/* evtime.h - from the value that --time yields to event time. */
#ifndef KS_EVTIME_H
#define KS_EVTIME_H

#include "value.h"

/*
 * ks_evtime - event time in ms since 1970.
 *
 *	v	a number in units of num/den ms (fractions are cut towards
 *		-infinity), or a string that is RFC 3339; what it is is never guessed
 *		from its size
 *
 * NULL, or why it is none: missing, of another type, not finite, out of
 * range, before 1970 (which Kafka calls invalid: FailOnInvalidTimestamp).
 */
const char *ks_evtime(const struct ks_val *v, int64_t num, int64_t den, int64_t *ms) KS_MUST_USE;

#endif
