/* SPDX-License-Identifier: MIT */
/* state-dir.c - the directories below --state-dir. */
#include "state-dir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "drill.h"
#include "fdio.h"
#include "num.h"

bool ks_state_is_name(const char *name)
{
	size_t n = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");

	return name[n] == '\0' && n > 0 && n <= 200 && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

static int make_directory(const char *path)
{
	if (mkdir(path, 0700) == 0)
		return ks_sync_parent(path);
	return errno == EEXIST ? 0 : errno;
}

int ks_state_make(char *path)
{
	char *slash;
	int no;

	for (slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		no = make_directory(path);
		*slash = '/';
		if (no != 0)
			return no;
	}
	return make_directory(path);
}

int ks_state_unusable(const char *path, int no, const char *what, struct ks_err *err)
{
	switch (no) {
	case ENOSPC: case EDQUOT: case EFBIG: case EIO:
		return ks_fail_errno(err, KS_IO, no, "cannot %s '%s'", what, path);
	case ENOMEM: case EMFILE: case ENFILE:
		return ks_fail_errno(err, KS_TEMP, no, "cannot %s '%s'", what, path);
	default:
		return ks_fail(err, KS_CONFIG, "cannot %s '%s': %s; let --state-dir name a directory of one's own",
		    what, path, strerror(no));
	}
}

int ks_state_open(const char *path, struct ks_err *err)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0) {
		ks_state_unusable(path, errno, "open the state directory", err);
	} else if (st.st_uid != geteuid()) {
		ks_fail(err, KS_CONFIG, "the state directory '%s' belongs to another user", path);
	} else {
		return fd;
	}
	if (fd >= 0)
		close(fd);
	return -1;
}

/* Who holds it has left its number there. */
static int held(int fd, const char *path, struct ks_err *err)
{
	char pid[24] = "";
	ssize_t n = pread(fd, pid, sizeof(pid) - 1, 0);

	pid[n > 0 ? strspn(pid, "0123456789") : 0] = '\0';
	return ks_fail(err, KS_TEMP, "another process%s%s%s has the state in '%s': its LOCK is held; end it, or give each a --stage of its own",
	    pid[0] != '\0' ? ", " : "", pid, pid[0] != '\0' ? "," : "", path);
}

int ks_state_lock(int dir, const char *path, int *lock, struct ks_err *err)
{
	char pid[24];
	int fd = openat(dir, "LOCK", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600), n, status;

	if (fd < 0)
		return ks_state_unusable(path, errno, "make LOCK in", err);
	if (flock(fd, LOCK_EX | LOCK_NB) != 0 && ks_keeps("lock")) {
		status = errno == EWOULDBLOCK ? held(fd, path, err) :
		    ks_fail_errno(err, KS_IO, errno, "cannot lock '%s/LOCK'", path);
		close(fd);
		return status;
	}
	*lock = fd;
	n = snprintf(pid, sizeof(pid), "%ld\n", (long)getpid());
	if (ftruncate(fd, 0) != 0 || pwrite(fd, pid, (size_t)n, 0) != n)
		return ks_state_unusable(path, errno, "write LOCK in", err);
	return 0;
}

int64_t ks_state_number(int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	char text[24];
	ssize_t n = fd >= 0 ? read(fd, text, sizeof(text)) : -1;
	int64_t x;

	if (fd >= 0)
		close(fd);
	return n > 1 && ks_num_parse_i64(ks_bytes(text, (size_t)n - 1), &x) == 0 && x > 0 && x < INT64_MAX ? x : 0;
}

int ks_state_keep_number(int dir, const char *name, int64_t x)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	int no = fd < 0 || dprintf(fd, "%lld\n", (long long)x) < 0 ? errno : 0;

	if (fd >= 0 && close(fd) != 0 && no == 0)
		no = errno;
	return no;
}
