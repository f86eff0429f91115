/* SPDX-License-Identifier: MIT */
/* kit-trace.h - a child of which every system call that writes is seen, and at one of them it dies or the call fails. */
#ifndef KS_TEST_KIT_TRACE_H
#define KS_TEST_KIT_TRACE_H

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

enum { DIE = 1 };	/* instead of an error number */

/* Called behind each call of a child that has succeeded. */
typedef void on_done(pid_t child, const struct user_regs_struct *regs);

/* For a loss of power: of its calls those count that sync, and a life does more of them. */
static bool by_syncs;

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
 * Run a child that does live; at its n-th call that writes, and with an error also at all
 * later ones, it dies or the call fails.  Its wait status; *calls: how many.
 * done: NULL, or told of what its calls have done.
 */
static int trace(int (*live)(void), long at, int no, on_done *done, long *calls)
{
	struct rlimit none = { 0, 0 };
	struct user_regs_struct regs;
	bool entering = true;
	pid_t child;
	int how, signal = 0;

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
		ptrace(PTRACE_SYSCALL, child, 0, (long)signal);
		waitpid(child, &how, 0);
		if (WIFEXITED(how) || WIFSIGNALED(how))
			return how;
		signal = 0;
		if (!WIFSTOPPED(how) || WSTOPSIG(how) != (SIGTRAP | 0x80)) {
			signal = WIFSTOPPED(how) ? WSTOPSIG(how) : 0;	/* of a fault it dies, and does not meet it for ever */
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

#endif
