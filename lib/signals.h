/* SPDX-License-Identifier: MIT */
/* signals.h - INT and TERM ask for an end, USR1 for a status line. */
#ifndef KS_SIGNALS_H
#define KS_SIGNALS_H

#include "sys.h"

/*
 * ks_signals_open - catch them from here on.  *wake becomes readable when
 * one has come.  A second INT or TERM kills at once.
 */
int	ks_signals_open(int *wake, struct ks_err *err) KS_MUST_USE;

/* The signal that asked for an end, 0 if none has. */
int	ks_signals_end(void);

/* Whether a status line was asked for since the last call. */
bool	ks_signals_status(void);

/* Empty wake. */
void	ks_signals_drain(int wake);

/* A dead reader: text dies of SIGPIPE in silence, as cat does; frames get EPIPE and report. */
void	ks_signals_pipe(bool die);

/* Die of sig as if it had not been caught, so that a shell sees it. */
void	ks_signals_raise(int sig);

#endif
