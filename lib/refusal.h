/* SPDX-License-Identifier: MIT */
/*
 * refusal.h - DIR/APP/INSTANCE/refused: what a broker has answered to those who
 * wanted to commit what comes behind an epoch.
 *
 * A supervisor starts again what ends with KS_TEMP.  A broker that answers, and
 * says no, may say so to each of them: the same answer behind the same epoch
 * for the third time in a row ends for good (protocol 2.4).  That it cannot be
 * reached, or is not ready, is no answer, and nobody counts it.
 */
#ifndef KS_REFUSAL_H
#define KS_REFUSAL_H

#include "sys.h"

#define KS_REFUSAL_MAX 3

/*
 * ks_refusal_count - it has failed, as err says, by an answer of that code.
 *
 *	dir	of the instance
 *	epoch	the last that is committed
 *
 * Returns err->status; where it was the last time KS_CONFIG, with err saying so,
 * and it is forgotten: whoever starts it again has as many.  What cannot be
 * written is let be.
 */
int	ks_refusal_count(int dir, int64_t epoch, int code, struct ks_err *err);

#endif
