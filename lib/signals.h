/* SPDX-License-Identifier: MIT */
/* signals.h - INT, TERM and HUP ask for an end, USR1 for a status line. */
#ifndef KS_SIGNALS_H
#define KS_SIGNALS_H

#include "sys.h"

#include <sys/types.h>

/* First of all: a file that would pass the limit of ulimit -f is refused (EFBIG), it kills no tool. */
void	ks_signals_begin(void);

/*
 * ks_signals_open - catch them from here on.  *wake becomes readable when
 * one has come.  A second that asks for an end kills, if it is INT or TERM and
 * comes 0.1 s after the first or later.  INT and HUP stay ignored where they
 * were: in the background, under nohup.
 */
int	ks_signals_open(int *wake, struct ks_err *err) KS_MUST_USE;

/*
 * ks_signals_serve - before ks_signals_open: this process is run by another
 * tool (child.h), which has blocked what asks for an end until now, passes
 * TERM on, perhaps beside one that came to all, and decides when to give up.
 */
void	ks_signals_serve(void);

/* Pass what asks for an end on to pid, as TERM, also what has come already; 0: no more. */
void	ks_signals_pass(pid_t pid);

/* The signal that asked for an end, 0 if none has. */
int	ks_signals_end(void);

/* Whether a status line was asked for since the last call. */
bool	ks_signals_status(void);

/* What has come so far has been heeded: wake is readable no more. */
void	ks_signals_drain(void);

/* A dead reader: text dies of SIGPIPE in silence, as cat does; frames get EPIPE and report. */
void	ks_signals_pipe(bool die);

/* As true, but the tool has children to see off first: it then ends in silence, by ks_signals_raise, if one came. */
void	ks_signals_pipe_late(void);
bool	ks_signals_broken(void);

/*
 * ks_signals_open_out - open(2) a file to write, 0666.  A FIFO that nobody reads
 * holds it up until a signal asks for an end (KS_TEMP).
 *
 *	of	what follows the name in the message
 */
int	ks_signals_open_out(const char *path, int flags, const char *of, int *fd, struct ks_err *err)
	    KS_MUST_USE;

/* Die of sig as if it had not been caught, so that a shell sees it. */
void	ks_signals_raise(int sig);

#endif
