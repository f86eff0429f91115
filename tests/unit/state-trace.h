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
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/kit-dir.h"
#include "tests/unit/state-life.h"

#define POINTS 20

enum { DIE = 1 };	/* instead of an error number */

/* Called behind each call of a child that has succeeded. */
typedef void on_done(pid_t child, const struct user_regs_struct *regs);

static int64_t *acknowledged;		/* shared with the child */

/* For a loss of power: half way the state is closed and opened again, which writes pages, too; and of its calls those count that sync. */
static bool by_syncs;

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

static bool writes(long call)
{
	switch (call) {
	case SYS_fsync: case SYS_fdatasync:
		return true;
	case SYS_write: case SYS_pwrite64: case SYS_writev: case SYS_ftruncate: case SYS_rename: case SYS_renameat: case SYS_unlink: case SYS_unlinkat: case SYS_mkdir: case SYS_fallocate:
		return !by_syncs;
	default:
		return false;
	}
}

/* Let the call that the child is about to make fail. */
static void refuse(pid_t child, int no)
{
	struct user_regs_struct regs;
	int how;

	assert_int_equal(ptrace(PTRACE_GETREGS, child, 0, &regs), 0);
	regs.orig_rax = (unsigned long long)-1;
	ptrace(PTRACE_SETREGS, child, 0, &regs);
	ptrace(PTRACE_SYSCALL, child, 0, 0);
	waitpid(child, &how, 0);
	ptrace(PTRACE_GETREGS, child, 0, &regs);
	regs.rax = (unsigned long long)-(long long)no;
	ptrace(PTRACE_SETREGS, child, 0, &regs);
}

/*
 * Run a child; at its n-th call that writes, and with an error also at all
 * later ones, it dies or the call fails.  Its wait status; *calls: how many.
 * done: NULL, or told of what its calls have done.
 */
static int run(long at, int no, on_done *done, long *calls)
{
	struct rlimit none = { 0, 0 };
	struct user_regs_struct regs;
	bool entering = true;
	pid_t child;
	int how;

	fflush(NULL);
	child = fork();
	if (child == 0) {
		setrlimit(RLIMIT_CORE, &none);
		if (freopen("/dev/null", "w", stderr) == NULL)
			_exit(1);
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		_exit(live());
	}
	waitpid(child, &how, 0);
	ptrace(PTRACE_SETOPTIONS, child, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
	for (*calls = 0;; entering = !entering) {
		ptrace(PTRACE_SYSCALL, child, 0, 0);
		waitpid(child, &how, 0);
		if (WIFEXITED(how) || WIFSIGNALED(how))
			return how;
		if (!WIFSTOPPED(how) || WSTOPSIG(how) != (SIGTRAP | 0x80)) {
			entering = !entering;
			continue;
		}
		if (ptrace(PTRACE_GETREGS, child, 0, &regs) != 0)
			continue;
		if (!entering && done != NULL && (long)regs.rax >= 0)
			done(child, &regs);
		if (!entering || !writes((long)regs.orig_rax) || ++*calls < at || at == 0)
			continue;
		if (no == DIE) {
			kill(child, SIGKILL);
		} else {
			refuse(child, no);
			entering = false;
		}
	}
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
