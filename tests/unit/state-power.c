/* SPDX-License-Identifier: MIT */
/*
 * state-power.c - a machine that loses its power: of what a file has got since
 * it was last synced some pages are there and some are not, or sectors of a
 * page.  That is tried before each call that syncs, when most is in doubt.
 *
 * What was acknowledged is there when whole pages are lost.  Where pages are
 * torn a state may be refused, loudly; what is opened must be right.  That is a
 * model (pages of 4 KiB, sectors of 512 bytes, directories and lengths at once
 * durable), no pulled plug.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "tests/unit/state-trace.h"

#define PAGE 4096
#define SECTOR 512
#define SEEDS 8		/* at each call with KSTREAM_KILL_EACH=1, and one without */

static uint64_t chance;		/* of xorshift */

static bool toss(void)
{
	chance ^= chance << 13;
	chance ^= chance >> 7;
	chance ^= chance << 17;
	return chance >> 40 & 1;
}

/* What is durable of a file stands in another one, by the number of its inode. */
static int durable(const struct stat *st, int flags)
{
	char path[80];

	snprintf(path, sizeof(path), "%s/durable", dir);
	if ((flags & O_CREAT) != 0 && mkdir(path, 0700) != 0)
		assert_int_equal(errno, EEXIST);
	snprintf(path, sizeof(path), "%s/durable/%lu", dir, (unsigned long)st->st_ino);
	return open(path, flags, 0600);
}

/* A page of a file; what is behind its end is 0. */
static size_t page_of(int fd, off_t at, unsigned char page[PAGE])
{
	ssize_t n = fd >= 0 ? pread(fd, page, PAGE, at) : 0;

	assert_true(n >= 0);
	memset(page + n, 0, PAGE - (size_t)n);
	return (size_t)n;
}

/* Behind fsync: all of the file is durable as it is. */
static void synced(pid_t child, const struct user_regs_struct *regs)
{
	unsigned char now[PAGE], then[PAGE];
	struct stat st;
	char path[64];
	int from, to;
	off_t at;

	if (regs->orig_rax != SYS_fsync && regs->orig_rax != SYS_fdatasync)
		return;
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)child, (int)regs->rdi);
	assert_int_equal(stat(path, &st), 0);
	if (!S_ISREG(st.st_mode))
		return;
	from = open(path, O_RDONLY);
	to = durable(&st, O_RDWR | O_CREAT);
	assert_true(from >= 0 && to >= 0);
	assert_int_equal(ftruncate(to, st.st_size), 0);
	for (at = 0; at < st.st_size; at += PAGE) {
		page_of(from, at, now);
		page_of(to, at, then);
		if (memcmp(now, then, PAGE) != 0)
			assert_int_equal(pwrite(to, now, PAGE, at), PAGE);
	}
	assert_int_equal(ftruncate(to, st.st_size), 0);
	close(from);
	close(to);
}

/* How many parts of the file were not durable; of those each is lost or not. */
static long lose(const char *path, size_t part)
{
	unsigned char now[PAGE], then[PAGE];
	struct stat st;
	long parts = 0;
	int fd, was;
	size_t i;
	off_t at;

	fd = open(path, O_RDWR);
	assert_true(fd >= 0 && fstat(fd, &st) == 0);
	was = durable(&st, O_RDONLY);
	for (at = 0; at < st.st_size; at += PAGE) {
		page_of(fd, at, now);
		page_of(was, at, then);
		for (i = 0; i < PAGE; i += part) {
			if (memcmp(now + i, then + i, part) == 0)
				continue;
			parts++;
			if (toss())
				assert_int_equal(pwrite(fd, then + i, part, at + (off_t)i), (ssize_t)part);
		}
	}
	/* A page that is lost may be longer than the file was. */
	assert_int_equal(ftruncate(fd, st.st_size), 0);
	close(fd);
	if (was >= 0)
		close(was);
	return parts;
}

static long lose_all(size_t part)
{
	char home[120], path[400];
	struct dirent *entry;
	long parts = 0;
	DIR *files;

	snprintf(home, sizeof(home), "%s/app/0/stage/db", state_dir);
	files = opendir(home);
	while (files != NULL && (entry = readdir(files)) != NULL) {
		snprintf(path, sizeof(path), "%s/%s", home, entry->d_name);
		if (entry->d_name[0] != '.')
			parts += lose(path, part);
	}
	if (files != NULL)
		closedir(files);
	return parts;
}

enum { RIGHT = 100, WRONG };

/* A child looks: Berkeley DB may end a process whose files are damaged. */
static int look(int64_t epoch)
{
	struct rlimit none = { 0, 0 };
	struct ks_store *s;
	int how, status;

	fflush(NULL);
	if (fork() == 0) {
		setrlimit(RLIMIT_CORE, &none);
		alarm(60);
		if (freopen("/dev/null", "w", stderr) == NULL)
			_exit(1);
		config.epoch = epoch;
		config.run++;
		status = ks_store_open_at(&s, &config, &err);
		_exit(status != 0 ? status : holds(s, epoch) ? RIGHT : WRONG);
	}
	wait(&how);
	return WIFEXITED(how) ? WEXITSTATUS(how) : -WTERMSIG(how);
}

static void try_power(size_t part, long *tried, long *lost, long *refused)
{
	long calls, at, step, last, seed, seeds, parts;
	int how;

	by_syncs = true;
	last = calls_of_a_life(&step, 100);
	seeds = getenv("KSTREAM_KILL_EACH") != NULL ? SEEDS : 1;
	for (at = 1; at <= last; at += step) {
		for (seed = 0; seed < seeds; seed++) {
			fresh();
			how = run(at, DIE, synced, &calls);
			if (!WIFSIGNALED(how))
				continue;
			chance = (uint64_t)(at * SEEDS + seed) * 0x9e3779b97f4a7c15u + 1;
			parts = lose_all(part);
			how = look(*acknowledged);
			if (how == WRONG || how < 0 || (how != RIGHT && how != KS_CONFIG && how != KS_IO))
				fail_msg("call %ld, seed %ld, epoch %lld: %s (%d)", at, seed, (long long)*acknowledged,
				    how == WRONG ? "opened, and wrong" : "neither opened nor refused", how);
			++*tried;
			*lost += parts;
			*refused += how != RIGHT;
		}
	}
	print_message("%ld calls that sync, %ld times, %ld parts of %zu bytes in doubt, %ld refused, 0 wrong\n", last, *tried, *lost, part, *refused);
	assert_true(*tried > POINTS && *lost > *tried);
}

static void pages_lost(void **state)
{
	long tried = 0, lost = 0, refused = 0;

	(void)state;
	try_power(PAGE, &tried, &lost, &refused);
	assert_int_equal(refused, 0);
}

static void pages_torn(void **state)
{
	long tried = 0, lost = 0, refused = 0;

	(void)state;
	try_power(SECTOR, &tried, &lost, &refused);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(pages_lost),
		cmocka_unit_test(pages_torn),
	};

	return cmocka_run_group_tests(tests, prepare, kit_dir_remove);
}
