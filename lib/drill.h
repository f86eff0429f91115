/* SPDX-License-Identifier: MIT */
/*
 * drill.h - where a drill ends a process, and which rules it breaks: in a build
 * of MODE=drill alone.  In any other nothing of it is there.
 *
 * KSTREAM_FAIL=POINT:N ends the process, as kill -9 would, when it comes to
 * POINT for the N-th time; KSTREAM_STOP=POINT:N stops it there, until somebody
 * lets it go on (SIGCONT).  KSTREAM_BREAK=RULE,RULE has it not keep a rule,
 * so that it shows that a test would find it.  tests/drill has both lists.
 */
#ifndef KS_DRILL_H
#define KS_DRILL_H

#include <stdbool.h>

#ifdef KS_DRILL
void	ks_point(const char *point);
bool	ks_keeps(const char *rule);	/* false: it is to be broken */
#else
#define ks_point(point) ((void)0)
#define ks_keeps(rule) true
#endif

#endif
