/* SPDX-License-Identifier: MIT */
/* kit-dir.h - a directory of a group of tests, which goes with it. */
#ifndef KS_TEST_KIT_DIR_H
#define KS_TEST_KIT_DIR_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char dir[40];

/* Where an fsync costs nothing, if there is such a place. */
static inline int kit_dir_make(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "%s/kstream-unit.XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	return mkdtemp(dir) == NULL;
}

static inline int kit_dir_remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	return ftw->level > 0 ? remove(path) : 0;
}

/* What is in it. */
static inline int kit_dir_empty(void)
{
	return nftw(dir, kit_dir_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static inline int kit_dir_remove(void **state)
{
	(void)state;
	return kit_dir_empty() != 0 || rmdir(dir) != 0;
}

#endif
