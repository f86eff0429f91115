/* SPDX-License-Identifier: MIT */
/* zone.h - a time zone of the system's tz database, as the list of its offsets. */
#ifndef KS_ZONE_H
#define KS_ZONE_H

#include "calendar.h"

/*
 * ks_zone_load - fill offsets, count and cycle_from_ms of c, which is
 * released by ks_calendar_release.
 *
 *	name	"Europe/Paris"; "UTC" needs no database
 *
 * The zone of the process (TZ) is neither asked nor changed, but for the
 * time of the call: no other thread may ask for it meanwhile.  KS_USAGE
 * where there is no such zone.
 */
int	ks_zone_load(struct ks_calendar *c, const char *name, struct ks_err *err) KS_MUST_USE;

#endif
