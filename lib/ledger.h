/* SPDX-License-Identifier: MIT */
/*
 * ledger.h - DIR/APP/INSTANCE/ledger: what a pipeline without Kafka has
 * committed.  Written whole: temporary file, fsync, rename, fsync of the
 * directory.  kstream-record(5), THE LEDGER, gives its text and its versions.
 */
#ifndef KS_LEDGER_H
#define KS_LEDGER_H

#include "config.h"

/* The file that --out names, as far as it is committed. */
struct ks_output {
	int64_t size;		/* -1: there is none */
	char check[KS_CHECK_MAX + 1];	/* of the bytes before size (ks_input_check), "": none */
	bool open;		/* a run has written, or may have, and has not come to its end */
	struct ks_buf name;
};

/*
 * DIR/APP/KS_RESET_PLAN: what a reset of the app is about to do (reset.h).  While
 * it is there no source of the app begins.
 */
#define KS_RESET_PLAN "reset.plan"

struct ks_ledger {
	int dir;		/* -1: closed */
	int lock;		/* -1: not held */
	char *path;		/* for messages */
	int changing;		/* fd that is locked around a change, -1: none */
	int64_t run, epoch;
	struct ks_output output;
	struct ks_buf positions;	/* msgpack array of positions (frame.h) */
};

/*
 * Open (and make, mode 0700) the directory of the instance, owner (owner.h):
 * KS_CONFIG where it cannot be used.  All zero bytes is not an open ledger.
 */
int	ks_ledger_open(struct ks_ledger *l, const struct ks_config *config, const char *app,
	    const char *owner, struct ks_err *err) KS_MUST_USE;

/* Take the instance's lock for life: KS_TEMP when another process has it, and after 3 s still does. */
int	ks_ledger_lock(struct ks_ledger *l, struct ks_err *err) KS_MUST_USE;

/* KS_CONFIG where the app of the directory is being reset; ask once it is locked. */
int	ks_ledger_whole(const struct ks_ledger *l, const char *app, struct ks_err *err) KS_MUST_USE;

/*
 * ks_ledger_alone - one process commits for a run.  The lock is held as long
 * as *fd, the caller's, is open.  KS_CONFIG where another process has it; one
 * of another run, that was stopped and may go on, is none of that.
 */
int	ks_ledger_alone(const struct ks_ledger *l, int64_t run, int *fd, struct ks_err *err) KS_MUST_USE;

/* Read the file; a missing one is run 0, epoch 0, no positions.  Damage is KS_CONFIG. */
int	ks_ledger_read(struct ks_ledger *l, struct ks_err *err) KS_MUST_USE;

/*
 * A change is: hold, read, look, write, let go.  Two processes may want to
 * at once: the source of a new run, and the last process of the one before.
 * KS_TEMP: one has it for 30 s.
 */
int	ks_ledger_hold(struct ks_ledger *l, struct ks_err *err) KS_MUST_USE;
void	ks_ledger_let_go(struct ks_ledger *l);

/* Replace the file by run, epoch, positions as they stand in l. */
int	ks_ledger_write(struct ks_ledger *l, struct ks_err *err) KS_MUST_USE;

/*
 * Where Kafka commits what is written, and the ledger comes behind it, the
 * ledger is first written as ledger.next: what it will be if that epoch has
 * been committed.  prepare writes it; prepared reads it into l, but for the run
 * (*epoch -1: there is none, and l is as it was); settled removes it.
 */
int	ks_ledger_prepare(struct ks_ledger *l, struct ks_err *err) KS_MUST_USE;
int	ks_ledger_prepared(struct ks_ledger *l, int64_t *epoch, struct ks_err *err) KS_MUST_USE;
int	ks_ledger_settled(struct ks_ledger *l, struct ks_err *err) KS_MUST_USE;

bool	ks_ledger_is_prepared(const struct ks_ledger *l);

/* Wait until there is no ledger.next: who writes to Kafka sees to it when it starts.  KS_TEMP: nobody did. */
int	ks_ledger_await(struct ks_ledger *l, struct ks_err *err) KS_MUST_USE;

/* The position of an input's partition: false, there is none.  Its text dies when the ledger is read again. */
bool	ks_ledger_find(const struct ks_ledger *l, const char *input, int32_t partition, struct ks_position *x);

/* KS_CONFIG where another ledger of the same state directory has the output of that name. */
int	ks_ledger_is_free(const struct ks_ledger *l, const struct ks_config *config, const char *output,
	    struct ks_err *err) KS_MUST_USE;

void	ks_ledger_close(struct ks_ledger *l);

#endif
