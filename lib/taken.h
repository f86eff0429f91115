/* SPDX-License-Identifier: MIT */
/*
 * taken.h - DIR/APP/INSTANCE/taken: when this instance has taken partitions
 * from another one that had not let go of them.
 *
 * Now and then that is what a layout does whose instances were killed.  Again
 * and again within a minute two layouts run at once, each under a supervisor
 * that starts it again when the other has fenced it, and would go on so for
 * ever (protocol 2.5).  The first that has had enough of it ends for good.
 */
#ifndef KS_TAKEN_H
#define KS_TAKEN_H

#include "sys.h"

#define KS_TAKEN_MAX 3u			/* times within KS_TAKEN_MS that are let pass */
#define KS_TAKEN_MS 60000

/* Before it takes from that owner: KS_CONFIG where it has done so too often.  dir is the directory of the instance. */
int	ks_taken_check(int dir, const char *app, const char *from, struct ks_err *err) KS_MUST_USE;

/* It has.  What cannot be written is let be: nothing depends on it. */
void	ks_taken_note(int dir);

#endif
