/* SPDX-License-Identifier: MIT */
/*
 * state-kill.c - a process that dies, or whose disk fails, at a system call
 * that writes: what the next one finds is the last epoch that was
 * acknowledged, or the one behind it, and nothing else.
 *
 * The calls are counted in a run that is let live.  KSTREAM_KILL_EACH=1
 * tries each of them; otherwise it is some twenty, other ones in each test.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/unit/state-trace.h"

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

/* One point: a life that ends there; what is found; a life that goes on from there to the end. */
static void try_at(long at, int no)
{
	char command[250];
	int64_t epoch;
	long calls;
	int how;

	fresh();
	how = run(at, no, NULL, &calls);
	if (no == DIE && !WIFSIGNALED(how))
		return;	/* it took fewer calls this time */
	if (no != DIE && (!WIFEXITED(how) || (WEXITSTATUS(how) != KS_IO && WEXITSTATUS(how) != KS_OK)))
		fail_msg("call %ld, %s: wait status %x", at, strerror(no), how);
	epoch = *acknowledged;
	config.run++;
	/* In a copy: that epoch is committed there, and what is below it may be given up. */
	snprintf(command, sizeof(command), "mkdir -p -m 700 %s && cp -a %s %s.kept", state_dir, state_dir, state_dir);
	assert_int_equal(system(command), 0);
	opens_at(epoch + 1);
	snprintf(command, sizeof(command), "rm -r %s && mv %s.kept %s", state_dir, state_dir, state_dir);
	assert_int_equal(system(command), 0);
	if (!opens_at(epoch))
		fail_msg("call %ld: epoch %lld was acknowledged: %s", at, (long long)epoch, err.text);
	how = run(0, 0, NULL, &calls);
	if (!WIFEXITED(how) || WEXITSTATUS(how) != 0)
		fail_msg("call %ld: cannot go on from epoch %lld: %x", at, (long long)epoch, how);
	assert_true(opens_at(EPOCHS));
}

static void try_points(int no, long offset)
{
	long calls, at, step;

	calls = calls_of_a_life(&step, POINTS);
	assert_true(opens_at(EPOCHS));
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

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(killed),
		cmocka_unit_test(disk_full),
		cmocka_unit_test(disk_fails),
	};

	return cmocka_run_group_tests(tests, prepare, kit_dir_remove);
}
