/* SPDX-License-Identifier: MIT */
/* kit-kill.h - a process that dies, or whose disk fails, at a system call that writes. */
#ifndef KS_TEST_KIT_KILL_H
#define KS_TEST_KIT_KILL_H

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

enum { KIT_DIE = 1 };	/* instead of an error number */

static inline bool kit_writes(long call)
{
	switch (call) {
	case SYS_write: case SYS_pwrite64: case SYS_writev: case SYS_fsync: case SYS_fdatasync: case SYS_ftruncate:
	case SYS_rename: case SYS_renameat: case SYS_unlink: case SYS_unlinkat: case SYS_mkdir: case SYS_fallocate:
		return true;
	default:
		return false;
	}
}

/* Let the call that the child is about to make fail. */
static inline void kit_refuse(pid_t child, int no)
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
 * Run a child that does live; at its at-th call that writes, and with an error also at all
 * later ones, it dies or the call fails.  Its wait status; *calls: how many.
 */
static inline int kit_kill(int (*live)(void), long at, int no, long *calls)
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
		if (!entering || ptrace(PTRACE_GETREGS, child, 0, &regs) != 0 || !kit_writes((long)regs.orig_rax) || ++*calls < at || at == 0)
			continue;
		if (no == KIT_DIE) {
			kill(child, SIGKILL);
		} else {
			kit_refuse(child, no);
			entering = false;
		}
	}
}

#endif
