/* SPDX-License-Identifier: MIT */
/*
 * run-store.h - the store of a tool that keeps state (store.h), as its
 * command line and the HELLO of its input say.
 *
 * In the hook hello: ks_run_store (the store of the section before is closed
 * first).  In the hook barrier, last: ks_store_commit.
 */
#ifndef KS_RUN_STORE_H
#define KS_RUN_STORE_H

#include "op.h"
#include "store.h"

/* --memory SIZE, for the hook option: KS_USAGE where it is not a size from 1 MiB on. */
int	ks_run_memory(struct ks_run *run, const char *value, size_t *memory) KS_MUST_USE;

/* --listen NAME, likewise: KS_USAGE where it is not a name. */
int	ks_run_listen(struct ks_run *run, const char *value) KS_MUST_USE;

/*
 * ks_run_store - open the store: durable with --app, else for the life of
 * the process.
 *
 *	memory		0: the default
 *	fingerprint	as in store.h
 *	*s		NULL, or one to be closed afterwards, whatever is returned
 *
 * Frames that come from a file, and not through a pipe, are looked at alone:
 * nothing is kept of them.
 */
int	ks_run_store(struct ks_run *run, size_t memory, const char *fingerprint, struct ks_store **s)
	    KS_MUST_USE;

/* One that nothing is kept of, whatever the section is: for what is read again at each start. */
int	ks_run_store_brief(size_t memory, struct ks_store **s, struct ks_err *err) KS_MUST_USE;

#endif
