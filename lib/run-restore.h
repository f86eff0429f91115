/* SPDX-License-Identifier: MIT */
/* run-restore.h - partitions of a state from its changelog. */
#ifndef KS_RUN_RESTORE_H
#define KS_RUN_RESTORE_H

#include "op.h"
#include "store.h"

/*
 * ks_restore - all partitions that the store wants, from run->changelog, and
 * the end of that; nothing where it wants none.
 *
 * A kstream-cat reads what is committed of them, up to the end that there is
 * now: the claim before has brought all that was open to its end, so this is the
 * state of the committed epoch.  KS_CONFIG: the topic has none of a partition,
 * or of something else; KS_TEMP: a signal came before it was read.  While it lasts
 * longer than a second, it is told how far it is: with -v, or on a terminal.
 */
int	ks_restore(struct ks_run *run, struct ks_store *s) KS_MUST_USE;

/*
 * ks_restore_free - that partitions which the state is going to begin in its
 * changelog are free for it: that there is no topic yet, or nothing committed
 * in them but what this stage began before.  What it writes there takes the
 * place of what another app keeps, or goes among records of somebody else's,
 * and nobody could take it back: KS_CONFIG.  A stage that was not told how to
 * reach Kafka cannot look.
 */
int	ks_restore_free(struct ks_run *run, struct ks_store *s) KS_MUST_USE;

#endif
