/* SPDX-License-Identifier: MIT */
/*
 * supervise.h - a pipeline that is kept running: its programs are started
 * with pipes between them, ended together, and started again.
 *
 * The programs of an instance are a process group of their own, so that
 * Ctrl-C does not come to them, and they are killed when this process dies.
 * The first reads /dev/null.  What is to be is decided of the statuses alone
 * (sysexits.h): of a run it is that of the program that failed first, but 75
 * and SIGPIPE, by which a program tells that its neighbour is gone, count only
 * where nothing else does, and what another start will not mend counts most.
 */
#ifndef KS_SUPERVISE_H
#define KS_SUPERVISE_H

#include "pipeline.h"

#define KS_INSTANCES_MAX 100	/* on one machine */
#define KS_SUPERVISE_NAME 100	/* bytes of NAME-{}, at most */

struct ks_supervise {
	const char *program;	/* for lines */
	const char *name;	/* of the pipeline, in lines and metrics */
	const struct ks_pipeline *pipeline;
	uint32_t instances;	/* 0: one, of all there is, which is not told so */
	bool named;		/* they have names: the words say --instance NAME-{}, for members of a group */
	int64_t max_restarts;	/* in a row; -1: as many as it takes */
	const char *metrics;	/* a file, NULL: none */
	bool quiet, progress;
	int verbose;
};

/*
 * ks_supervise - run it, until it has ended, failed for good, or a signal
 * (signals.h) has asked for an end.
 *
 *	wake	of ks_signals_open
 *
 * Returns 0: all programs of all instances have ended with 0.  Else the status
 * of the run that was the last, 128 and the number of a signal being one, too.
 * No program is left.
 */
int	ks_supervise(const struct ks_supervise *s, int wake, struct ks_err *err) KS_MUST_USE;

#endif
