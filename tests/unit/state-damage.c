/* SPDX-License-Identifier: MIT */
/* state-damage.c - a state that is damaged, another one's, of another version or in use is refused, and never gives a wrong answer. */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/kit-dir.h"
#include "tests/unit/state-life.h"

#define FLIPS 60
#define WRONG 100	/* status of a child that was given a wrong answer */

static void shell(const char *format, ...)
{
	char command[300];
	va_list args;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	assert_int_equal(system(command), 0);
}

/* A state of its own, at its last epoch. */
static void make_state(const char *name)
{
	struct ks_store *s;
	int64_t n;

	snprintf(state_dir, sizeof(state_dir), "%s/%s", dir, name);
	config.epoch = 0;
	config.run = 1;
	assert_int_equal(ks_store_open_at(&s, &config, &err), 0);
	for (n = 1; n <= EPOCHS; n++)
		assert_int_equal(make_epoch(s, n), 0);
	ks_store_close(s);
	config.epoch = EPOCHS;
}

static int opens(void)
{
	struct ks_store *s;
	int status = ks_store_open_at(&s, &config, &err);

	if (status == 0 && !holds(s, EPOCHS))
		status = err.status != 0 ? err.status : WRONG;
	ks_store_close(s);
	return status;
}

static void refused(int status, const char *text)
{
	int got = opens();

	if (got != status || strstr(err.text, text) == NULL)
		fail_msg("status %d, not %d with '%s': %s", got, status, text, err.text);
}

static void another_fingerprint(void **state)
{
	const char *was = config.fingerprint;

	(void)state;
	make_state("fingerprint");
	config.fingerprint = "--tumble 60000\n--grace 0\nn=count()\n";
	refused(KS_CONFIG, "was made with --x 1, which is not given now");
	config.fingerprint = "--x 2\n";
	refused(KS_CONFIG, "was made with --x 1, which is now --x 2");
	assert_non_null(strstr(err.text, "give another --app, or remove '"));
	config.fingerprint = "--x 1\n--y 1\n";
	refused(KS_CONFIG, "made without --y 1, which is given now");
	config.fingerprint = was;
	assert_int_equal(opens(), 0);
}

static void another_version(void **state)
{
	static const unsigned char key[] = { KS_ON_DISK_META, 's' };
	struct ks_disk *d;
	char path[100];

	(void)state;
	make_state("version");
	snprintf(path, sizeof(path), "%s/app/0/stage/db", state_dir);
	assert_int_equal(ks_disk_open(&d, path, 0, true, &err), 0);
	assert_int_equal(ks_disk_begin(d, &err), 0);
	assert_int_equal(ks_disk_put(d, ks_bytes(key, sizeof(key)), ks_str("kstream-state 9\nrun 1\nwhatever"), &err), 0);
	assert_int_equal(ks_disk_end(d, true, &err), 0);
	ks_disk_close(d);
	refused(KS_CONFIG, "version 9");
}

static void other_epochs(void **state)
{
	(void)state;
	make_state("epochs");
	config.epoch = EPOCHS + 1;
	refused(KS_CONFIG, "stands at epoch 12, but epoch 13 is committed");
	config.epoch = 1;
	refused(KS_CONFIG, "begins at epoch 1, but the state");
	config.epoch = EPOCHS;
	config.run = 0;
	refused(KS_TEMP, "has seen run 1");
	config.run = 1;
	assert_int_equal(opens(), 0);
	snprintf(state_dir, sizeof(state_dir), "%s/lost", dir);
	refused(KS_CONFIG, "there is no state");
}

static void in_use(void **state)
{
	struct ks_store *s;
	char pid[40];

	(void)state;
	make_state("in-use");
	assert_int_equal(ks_store_open_at(&s, &config, &err), 0);
	snprintf(pid, sizeof(pid), "another process, %ld, has", (long)getpid());
	refused(KS_TEMP, pid);
	ks_store_close(s);
	assert_int_equal(opens(), 0);
}

/* What a child that may not write is told: its status and, by a pipe, the text. */
static void not_ours(const char *want)
{
	int pipes[2], how;
	char text[600] = "";
	ssize_t n;

	assert_int_equal(pipe(pipes), 0);
	fflush(NULL);
	if (fork() == 0) {
		if (geteuid() == 0 && seteuid(65534) != 0)
			_exit(0);
		how = opens();
		n = write(pipes[1], err.text, strlen(err.text));
		_exit(n < 0 ? 1 : how);
	}
	close(pipes[1]);
	wait(&how);
	n = read(pipes[0], text, sizeof(text) - 1);
	close(pipes[0]);
	text[n > 0 ? n : 0] = '\0';
	if (!WIFEXITED(how) || WEXITSTATUS(how) != KS_CONFIG || strstr(text, want) == NULL)
		fail_msg("%x, without '%s': %s", how, want, text);
}

static void not_writable(void **state)
{
	(void)state;
	make_state("read-only");
	shell("chmod 755 %s", dir);
	if (geteuid() == 0) {
		not_ours("Permission denied");
		shell("chmod -R a+rX %s", state_dir);
		not_ours("belongs to another user");
	} else {
		shell("chmod -R a-w %s", state_dir);
		not_ours("cannot");
		shell("chmod -R u+w %s", state_dir);
	}
	assert_int_equal(opens(), 0);
}

static void modes(void **state)
{
	struct stat st;
	char path[100];
	glob_t found;
	size_t i;

	(void)state;
	make_state("modes");
	snprintf(path, sizeof(path), "%s/app/0/stage", state_dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	strcat(path, "/db/*");
	assert_int_equal(glob(path, 0, NULL, &found), 0);
	for (i = 0; i < found.gl_pathc; i++) {
		assert_int_equal(stat(found.gl_pathv[i], &st), 0);
		assert_int_equal(st.st_mode & 07777, 0600);
	}
	globfree(&found);
}

static void flip(const char *path, long seed)
{
	int fd = open(path, O_RDWR);
	struct stat st;
	unsigned char byte;
	off_t at;

	assert_true(fd >= 0 && fstat(fd, &st) == 0);
	/* The log is empty from its middle on. */
	at = (off_t)((seed * 2654435761L & 0x7fffffff) % (st.st_size > (1 << 20) ? 200000 : st.st_size));
	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte ^= (unsigned char)(1 << seed % 8);
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	close(fd);
}

/* A child opens it: it may be refused or find all, but not die, or hang, or be wrong. */
static int look(void)
{
	struct rlimit none = { 0, 0 };
	int how;

	fflush(NULL);
	if (fork() == 0) {
		setrlimit(RLIMIT_CORE, &none);
		alarm(20);
		_exit(opens());
	}
	wait(&how);
	return how;
}

static void bits_flip(void **state)
{
	int refusals = 0, how;
	char whole[64], path[120];
	long i;

	(void)state;
	make_state("whole");
	strcpy(whole, state_dir);
	snprintf(state_dir, sizeof(state_dir), "%s/flipped", dir);
	for (i = 0; i < FLIPS; i++) {
		shell("rm -rf %s && cp -r %s %s", state_dir, whole, state_dir);
		snprintf(path, sizeof(path), "%s/app/0/stage/db/%s", state_dir, i % 3 == 0 ? "log.0000000001" : "state.db");
		flip(path, i);
		how = look();
		if (!WIFEXITED(how) || (WEXITSTATUS(how) != 0 && WEXITSTATUS(how) != KS_CONFIG && WEXITSTATUS(how) != KS_IO))
			fail_msg("flip %ld in %s: wait status %x", i, path, how);
		refusals += WEXITSTATUS(how) != 0;
	}
	print_message("%d of %d refused\n", refusals, FLIPS);
	assert_true(refusals > FLIPS / 4);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(another_fingerprint),
		cmocka_unit_test(another_version),
		cmocka_unit_test(other_epochs),
		cmocka_unit_test(in_use),
		cmocka_unit_test(not_writable),
		cmocka_unit_test(modes),
		cmocka_unit_test(bits_flip),
	};

	return cmocka_run_group_tests(tests, kit_dir_make, kit_dir_remove);
}
