/* SPDX-License-Identifier: MIT */
/*
 * ledger.h - DIR/APP/INSTANCE/ledger: what a pipeline without Kafka has
 * committed.  Written whole: temporary file, fsync, rename, fsync of the
 * directory.  kstream-record(5), THE LEDGER, gives its text.
 */
#ifndef KS_LEDGER_H
#define KS_LEDGER_H

#include "config.h"

struct ks_ledger {
	int dir;		/* -1: closed */
	int lock;		/* -1: not held */
	char *path;		/* for messages */
	int changing;		/* fd that is locked around a change, -1: none */
	int64_t run, epoch;
	int64_t output;		/* bytes of the file output_name that are committed, -1: none is */
	struct ks_buf output_name;
	struct ks_buf positions;	/* msgpack array of [input, partition, offset] */
};

/*
 * Open (and make, mode 0700) the directory of the instance: KS_CONFIG where
 * it cannot be used.  All zero bytes is not an open ledger.
 */
int	ks_ledger_open(struct ks_ledger *l, const struct ks_config *config, const char *app,
	    uint32_t instance, struct ks_err *err) KS_MUST_USE;

/* Take the instance's lock for life: KS_TEMP when another process has it. */
int	ks_ledger_lock(struct ks_ledger *l, struct ks_err *err) KS_MUST_USE;

/* Read the file; a missing one is run 0, epoch 0, no positions.  Damage is KS_CONFIG. */
int	ks_ledger_read(struct ks_ledger *l, struct ks_err *err) KS_MUST_USE;

/*
 * A change is: hold, read, look, write, let go.  Two processes may want to
 * at once: the source of a new run, and the last process of the one before.
 */
int	ks_ledger_hold(struct ks_ledger *l, struct ks_err *err) KS_MUST_USE;
void	ks_ledger_let_go(struct ks_ledger *l);

/* Replace the file by run, epoch, positions as they stand in l. */
int	ks_ledger_write(struct ks_ledger *l, struct ks_err *err) KS_MUST_USE;

/* The next offset of an input's partition, or -1. */
int64_t	ks_ledger_find(const struct ks_ledger *l, const char *input, int32_t partition);

void	ks_ledger_close(struct ks_ledger *l);

#endif
