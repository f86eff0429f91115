/* SPDX-License-Identifier: MIT */
/*
 * state-trace.h - a life of a state in a child of which every system call that
 * writes is seen, and at one of them it dies or the call fails.
 */
#ifndef STATE_TRACE_H
#define STATE_TRACE_H

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/kit-dir.h"
#include "tests/unit/kit-trace.h"
#include "tests/unit/state-life.h"

#define POINTS 20

static int64_t *acknowledged;		/* shared with the child */

/* The child: from what is there to the last epoch. */
static int live(void)
{
	struct ks_store *s;
	int64_t n;
	int status = ks_store_open_at(&s, &config, &err);

	for (n = config.epoch + 1; status == 0 && n <= EPOCHS; n++) {
		status = make_epoch(s, n);
		if (status == 0)
			*acknowledged = n;
		if (status == 0 && by_syncs && n == EPOCHS / 2) {
			ks_store_close(s);
			config.epoch = n;
			config.run++;
			status = ks_store_open_at(&s, &config, &err);
		}
	}
	ks_store_close(s);
	if (status != 0)
		fprintf(stderr, "%s\n", err.text);
	return status;
}

static int run(long at, int no, on_done *done, long *calls)
{
	return trace(live, at, no, done, calls);
}

/* A directory that is not there yet, for a state of which nothing is committed. */
static void fresh(void)
{
	static int n;

	assert_int_equal(kit_dir_empty(), 0);
	snprintf(state_dir, sizeof(state_dir), "%s/%d", dir, n++);
	config.run = 1;
	config.epoch = 0;
	*acknowledged = 0;
}

/* From where to where, and in which steps, the calls of a life are tried. */
static long calls_of_a_life(long *step, int points)
{
	const char *each = getenv("KSTREAM_KILL_EACH");
	long calls;
	int how;

	fresh();
	how = run(0, 0, NULL, &calls);
	assert_true(WIFEXITED(how) && WEXITSTATUS(how) == 0);
	assert_int_equal(*acknowledged, EPOCHS);
	*step = each != NULL && strcmp(each, "1") == 0 ? 1 : 1 + calls / points;
	return calls;
}

static int prepare(void **state)
{
	acknowledged = mmap(NULL, sizeof(*acknowledged), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return acknowledged == MAP_FAILED || kit_dir_make(state) != 0;
}

#endif
