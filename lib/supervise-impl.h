/* SPDX-License-Identifier: MIT */
/* supervise-impl.h - what the files of the supervisor share. */
#ifndef KS_SUPERVISE_IMPL_H
#define KS_SUPERVISE_IMPL_H

#include "supervise.h"

#include <sys/types.h>

#define KS_LINE_MAX 4096	/* bytes of a line of stderr that gets its instance in front; a longer one is cut in two */

struct ks_stage {
	pid_t pid;		/* 0: it does not run */
	bool told, killed;	/* by this process: SIGTERM, SIGKILL */
	int status;		/* of its last end, as a shell has it; -1: it has not ended yet */
	uint64_t restarts;	/* for which it was the reason */
	int said;		/* its stderr, where lines get the instance in front; -1: it is ours */
	char *line;		/* KS_LINE_MAX bytes, of which held are a line without an end */
	size_t held;
};

/* What an instance does when its time comes. */
enum ks_step {
	KS_STEP_START,		/* it does not run: start it */
	KS_STEP_NONE,		/* it runs, and nothing is to come */
	KS_STEP_TERM,		/* it is ending: tell all of its programs */
	KS_STEP_KILL,		/* ... kill them */
	KS_STEP_OVER,		/* it does not run, and will not */
};

struct ks_instance {
	struct ks_stage *stages;
	pid_t group;
	size_t alive;		/* stages that run */
	enum ks_step step;
	int64_t due_ms;		/* ks_clock_ms: of step */
	int64_t began_ms;	/* ks_clock_ms: of the run */
	int64_t began_wall_ms;	/* 0: none yet */
	int64_t backoff_ms;
	int64_t in_a_row;	/* restarts */
	size_t reason;		/* the stage that says what became of the run */
	int rank;		/* of the reason; 0: none has failed */
	int status;		/* of the last run; 0: it has not failed */
	int64_t failed_ms;	/* ks_clock_ms: of the last failure; 0: none */
	size_t failed_stage;
	int failed_status;
};

struct ks_supervisor {
	const struct ks_supervise *plan;
	struct ks_err *err;
	struct ks_instance *instances;
	uint32_t count;
	int wake, child;	/* readable: a signal has come; a child has ended */
	bool ending;		/* no run begins any more */
	int status;		/* what made it end; err has the line */
	int64_t began_ms, shown_ms, written_ms;
	bool changed;		/* something that metrics tell */
	bool unwritten;		/* they could not be written, and that was said */
	struct ks_buf text;	/* metrics */
};

/* supervise-start.c: start all programs of an instance.  A failure: none is left. */
int	ks_supervise_start(struct ks_supervisor *s, struct ks_instance *in, struct ks_err *err) KS_MUST_USE;

/* supervise-show.c: a line; those of several instances have the instance in front. */
void	ks_supervise_say(const struct ks_supervisor *s, const struct ks_instance *in, const char *text);

/* How a stage ended, in words: "stage 2 (kstream-window) ended with status 78", "... was killed by SIGKILL". */
void	ks_supervise_how(const struct ks_supervisor *s, size_t stage, int status, char *room, size_t n);

/* What stages have written to stderr goes on, line by line; last: no more comes, and the pipe is closed. */
void	ks_supervise_pass(const struct ks_supervisor *s, const struct ks_instance *in, struct ks_stage *stage, bool last);

/* The line of --progress and SIGUSR1. */
void	ks_supervise_line(const struct ks_supervisor *s, char *room, size_t n);

/* The metrics, to their file: KS_CANTCREAT, KS_IO. */
int	ks_supervise_metrics(struct ks_supervisor *s, struct ks_err *err) KS_MUST_USE;

#endif
