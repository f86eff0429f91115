/* SPDX-License-Identifier: MIT */
/* state-dir.h - the directories below --state-dir. */
#ifndef KS_STATE_DIR_H
#define KS_STATE_DIR_H

#include "sys.h"

/* Names of apps and stages become directories: nothing that could leave the state directory. */
bool	ks_state_is_name(const char *name);

/* Make path, and what leads to it, with mode 0700: 0 or an errno.  path is as it was when it returns. */
int	ks_state_make(char *path) KS_MUST_USE;

/* Open a directory of our own: its fd, or -1 with err filled. */
int	ks_state_open(const char *path, struct ks_err *err) KS_MUST_USE;

/*
 * Take the lock of a stage's directory, for as long as *lock is open; path is
 * for messages.  KS_TEMP: another process, whose number is told, has it.
 */
int	ks_state_lock(int dir, const char *path, int *lock, struct ks_err *err) KS_MUST_USE;

/* In the directory of an instance: the run of an app that was the first to commit. */
#define KS_FIRST_RUN "first"

/* A file of a directory that has a number above 0, and less than 2^63 - 1: it, or 0 where there is none. */
int64_t	ks_state_number(int dir, const char *name);
int	ks_state_keep_number(int dir, const char *name, int64_t x);	/* 0 or an errno */

/*
 * Why a directory cannot be used, as a status: KS_CONFIG, since a person must
 * mend it and starting again does not help.  That the disk is full, or
 * memory short, passes: KS_IO, KS_TEMP.
 */
int	ks_state_unusable(const char *path, int no, const char *what, struct ks_err *err);

#endif
