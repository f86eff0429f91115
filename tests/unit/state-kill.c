/* SPDX-License-Identifier: MIT */
/*
 * state-kill.c - a process that dies, or whose disk fails, at a system call
 * that writes: what the next one finds is the last epoch that was
 * acknowledged, or the one behind it, and nothing else.
 *
 * The calls are counted in a run that is let live.  KSTREAM_KILL_EACH=1
 * tries each of them; otherwise it is some twenty, other ones in each test.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/kit-dir.h"
#include "tests/unit/state-life.h"

#define POINTS 20

enum { DIE = 1 };	/* instead of an error number */

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
	}
	ks_store_close(s);
	if (status != 0)
		fprintf(stderr, "%s\n", err.text);
	return status;
}

static bool writes(long call)
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
 */
static int run(long at, int no, long *calls)
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
		if (!entering || ptrace(PTRACE_GETREGS, child, 0, &regs) != 0 || !writes((long)regs.orig_rax) || ++*calls < at || at == 0)
			continue;
		if (no == DIE) {
			kill(child, SIGKILL);
		} else {
			refuse(child, no);
			entering = false;
		}
	}
}

/* Open at an epoch: whether it can be, and then it must hold what belongs to it. */
static bool opens_at(int64_t epoch)
{
	struct ks_store *s;
	bool can;

	config.epoch = epoch;
	config.run++;
	can = ks_store_open_at(&s, &config, &err) == 0;
	if (can && !holds(s, epoch))
		fail_msg("what was opened at epoch %lld is something else", (long long)epoch);
	if (!can && (err.status != KS_CONFIG || (strstr(err.text, "stands at epoch") == NULL && strstr(err.text, "there is no state") == NULL)))
		fail_msg("epoch %lld: %d, %s", (long long)epoch, err.status, err.text);
	ks_store_close(s);
	return can;
}

static void fresh(void)
{
	static int n;

	assert_int_equal(kit_dir_empty(), 0);
	snprintf(state_dir, sizeof(state_dir), "%s/%d", dir, n++);
	config.run = 1;
	config.epoch = 0;
	*acknowledged = 0;
}

/* One point: a life that ends there; what is found; a life that goes on from there to the end. */
static void try_at(long at, int no)
{
	int64_t epoch;
	long calls;
	int how;

	fresh();
	how = run(at, no, &calls);
	if (no == DIE && !WIFSIGNALED(how))
		return;	/* it took fewer calls this time */
	if (no != DIE && (!WIFEXITED(how) || (WEXITSTATUS(how) != KS_IO && WEXITSTATUS(how) != KS_OK)))
		fail_msg("call %ld, %s: wait status %x", at, strerror(no), how);
	epoch = *acknowledged;
	config.run++;
	opens_at(epoch + 1);
	if (!opens_at(epoch))
		fail_msg("call %ld: epoch %lld was acknowledged: %s", at, (long long)epoch, err.text);
	how = run(0, 0, &calls);
	if (!WIFEXITED(how) || WEXITSTATUS(how) != 0)
		fail_msg("call %ld: cannot go on from epoch %lld: %x", at, (long long)epoch, how);
	assert_true(opens_at(EPOCHS));
}

static void try_points(int no, long offset)
{
	const char *each = getenv("KSTREAM_KILL_EACH");
	long calls, at, step;
	int how;

	fresh();
	how = run(0, 0, &calls);
	assert_true(WIFEXITED(how) && WEXITSTATUS(how) == 0);
	assert_int_equal(*acknowledged, EPOCHS);
	assert_true(opens_at(EPOCHS));
	step = each != NULL && strcmp(each, "1") == 0 ? 1 : 1 + calls / POINTS;
	for (at = 1 + (step > 1 ? offset % step : 0); at <= calls; at += step)
		try_at(at, no);
	print_message("%ld calls that write, each %ld. was tried\n", calls, step);
}

static void killed(void **state)
{
	(void)state;
	try_points(DIE, 0);
}

static void disk_full(void **state)
{
	(void)state;
	try_points(ENOSPC, 1);
}

static void disk_fails(void **state)
{
	(void)state;
	try_points(EIO, 2);
}

static int prepare(void **state)
{
	acknowledged = mmap(NULL, sizeof(*acknowledged), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return acknowledged == MAP_FAILED || kit_dir_make(state) != 0;
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(killed),
		cmocka_unit_test(disk_full),
		cmocka_unit_test(disk_fails),
	};

	return cmocka_run_group_tests(tests, prepare, kit_dir_remove);
}
