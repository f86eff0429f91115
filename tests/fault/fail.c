/* SPDX-License-Identifier: MIT */
/*
 * fail.c - a library for LD_PRELOAD that makes calls of the C library fail.
 *
 *	FAULT="CALL FROM STEP ERRNO"	the FROM-th call (1 is the first), then, unless STEP is 0, each STEP-th after it;
 *				CALL is one of the names below; ERRNO 0: a read or write takes one byte and no more, and
 *				before a spawn comes a SIGTERM
 *	FAULT="disk FROM STEP ERRNO"	likewise of all calls that change files, whoever makes them; ERRNO 0: the process is killed
 *	FAULT_REPORT=FILE	"struck CALL BY" is appended for each, and "CALL COUNT" for each name at the end
 *
 * Counted are calls of the program's own code and those that the C library
 * makes on its behalf (BY is own or libc), from its first allocation on.
 * What dynamic libraries and the loader do for themselves is let alone, and
 * so is what goes to the standard error: that is how a fault shows.  A program
 * that a tool runs for its topics has none: it is the tool that is looked at.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum call { ALLOC, READ, WRITE, OPEN, CLOSE, FSYNC, RENAME, STAT, SEEK, TRUNCATE, MKDIR, FLOCK, TRYLOCK, POLL, PIPE, SPAWN, DISK, CALLS };

static const char *const names[CALLS] = {
	"alloc", "read", "write", "open", "close", "fsync", "rename", "stat", "seek", "truncate", "mkdir", "flock", "trylock", "poll", "pipe", "spawn", "disk",
};

static struct { uintptr_t from, to; } own, libc;
static unsigned long counts[CALLS], from, step;
static int fault = -1, fault_errno, ready, begun;

static int look(struct dl_phdr_info *info, size_t size, void *first)
{
	uintptr_t at;
	int i, is_own = *(int *)first;

	(void)size;
	*(int *)first = 0;
	for (i = 0; i < info->dlpi_phnum; i++) {
		at = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
		if (info->dlpi_phdr[i].p_type != PT_LOAD || !(info->dlpi_phdr[i].p_flags & PF_X))
			continue;
		if (is_own) {
			own.from = at;
			own.to = at + info->dlpi_phdr[i].p_memsz;
		} else if (strstr(info->dlpi_name, "/libc.so") != NULL) {
			libc.from = at;
			libc.to = at + info->dlpi_phdr[i].p_memsz;
		}
	}
	return 0;
}

__attribute__((constructor)) static void begin(void)
{
	const char *text = getenv("FAULT");
	int first = 1, i;
	char name[16];

	if (getenv("KSTREAM_CHILD") != NULL)
		return;
	dl_iterate_phdr(look, &first);
	if (text != NULL && sscanf(text, "%15s %lu %lu %d", name, &from, &step, &fault_errno) == 4)
		for (i = 0; i < CALLS; i++)
			if (strcmp(name, names[i]) == 0)
				fault = i;
	if (text != NULL && fault < 0)
		abort();
	ready = 1;
}

/* By system calls alone: those of the C library may be failing. */
static void report(const char *a, const char *b, const char *c)
{
	const char *path = getenv("FAULT_REPORT");
	char line[80];
	long fd;
	int n;

	if (path == NULL)
		return;
	n = snprintf(line, sizeof(line), "%s %s%s%s\n", a, b, c[0] != '\0' ? " " : "", c);
	fd = syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	if (fd < 0 || syscall(SYS_write, fd, line, n) != n)
		abort();
	syscall(SYS_close, fd);
}

__attribute__((destructor)) static void end(void)
{
	char text[24];
	int i;

	if (!ready)
		return;
	for (i = 0; i < CALLS; i++) {
		snprintf(text, sizeof(text), "%lu", counts[i]);
		report(names[i], text, "");
	}
}

/* Whether this call is to fail; errno is set, 0 for one that is to be short. */
static int strikes(enum call call, void *by)
{
	uintptr_t at = (uintptr_t)by;
	int is_own = at >= own.from && at < own.to;

	if (!ready || (!is_own && !(at >= libc.from && at < libc.to)))
		return 0;
	begun |= is_own && call == ALLOC;
	if (!begun)
		return 0;
	counts[call]++;
	if (fault != (int)call || counts[call] < from ||
	    (counts[call] > from && (step == 0 || (counts[call] - from) % step != 0)))
		return 0;
	report("struck", names[call], is_own ? "own" : "libc");
	errno = fault_errno;
	return 1;
}

/* Whether a call that changes a file is to fail, whoever makes it: the library of the database does most of them. */
static int disk_strikes(void)
{
	if (!ready)
		return 0;
	counts[DISK]++;
	if (fault != DISK || counts[DISK] < from || (counts[DISK] > from && (step == 0 || (counts[DISK] - from) % step != 0)))
		return 0;
	report("struck", names[DISK], "own");
	if (fault_errno == 0)
		raise(SIGKILL);
	errno = fault_errno;
	return 1;
}

/* What a recovery fills the log with, in thousands of calls that are all alike. */
static int is_zero(const unsigned char *p, size_t n)
{
	return n > 0 && p[0] == 0 && memcmp(p, p + 1, n - 1) == 0;
}

#define BY __builtin_return_address(0)

/* The next one of this name; the function pointer comes by memcpy, as POSIX has it. */
#define REAL(name, type, ...) \
	static type (*real)(__VA_ARGS__); \
	void *found; \
	if (real == NULL) { \
		found = dlsym(RTLD_NEXT, #name); \
		if (found == NULL) \
			abort(); \
		memcpy(&real, &found, sizeof(real)); \
	}

void *malloc(size_t n)
{
	REAL(malloc, void *, size_t)
	return strikes(ALLOC, BY) ? NULL : real(n);
}

void *calloc(size_t count, size_t n)
{
	REAL(calloc, void *, size_t, size_t)
	return strikes(ALLOC, BY) ? NULL : real(count, n);
}

void *realloc(void *p, size_t n)
{
	REAL(realloc, void *, void *, size_t)
	return strikes(ALLOC, BY) ? NULL : real(p, n);
}

void *reallocarray(void *p, size_t count, size_t n)
{
	REAL(reallocarray, void *, void *, size_t, size_t)
	return strikes(ALLOC, BY) ? NULL : real(p, count, n);
}

ssize_t read(int fd, void *p, size_t n)
{
	REAL(read, ssize_t, int, void *, size_t)
	/* What never waits is the pipe by which a signal wakes poll(2): it is emptied, whatever comes. */
	if (ready && (fcntl(fd, F_GETFL) & O_NONBLOCK) == 0 && strikes(READ, BY)) {
		if (errno != 0)
			return -1;
		n = n > 0;
	}
	return real(fd, p, n);
}

ssize_t write(int fd, const void *p, size_t n)
{
	REAL(write, ssize_t, int, const void *, size_t)
	if (fd != 2 && !is_zero(p, n) && disk_strikes())
		return -1;
	if (fd != 2 && strikes(WRITE, BY)) {
		if (errno != 0)
			return -1;
		n = n > 0;
	}
	return real(fd, p, n);
}

ssize_t writev(int fd, const struct iovec *v, int count)
{
	REAL(writev, ssize_t, int, const struct iovec *, int)
	if (fd != 2 && disk_strikes())
		return -1;
	if (fd != 2 && strikes(WRITE, BY)) {
		if (errno != 0)
			return -1;
		for (; count > 0 && v->iov_len == 0; v++)
			count--;
		return count == 0 ? 0 : real(fd, &(struct iovec){ v->iov_base, 1 }, 1);
	}
	return real(fd, v, count);
}

static mode_t mode_of(int flags, va_list ap)
{
	return (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(ap, mode_t) : 0;
}

int open(const char *path, int flags, ...)
{
	REAL(open, int, const char *, int, ...)
	va_list ap;
	mode_t mode;

	va_start(ap, flags);
	mode = mode_of(flags, ap);
	va_end(ap);
	return strikes(OPEN, BY) ? -1 : real(path, flags, mode);
}

int openat(int dir, const char *path, int flags, ...)
{
	REAL(openat, int, int, const char *, int, ...)
	va_list ap;
	mode_t mode;

	va_start(ap, flags);
	mode = mode_of(flags, ap);
	va_end(ap);
	return strikes(OPEN, BY) ? -1 : real(dir, path, flags, mode);
}

/* Of a file that was written alone, where what it says matters; the descriptor is gone in any case, as in Linux. */
int close(int fd)
{
	REAL(close, int, int)
	int written = ready && (fcntl(fd, F_GETFL) & O_ACCMODE) == O_WRONLY, no = real(fd);

	return no == 0 && written && strikes(CLOSE, BY) ? -1 : no;
}

int fsync(int fd)
{
	REAL(fsync, int, int)
	return disk_strikes() || strikes(FSYNC, BY) ? -1 : real(fd);
}

int fdatasync(int fd)
{
	REAL(fdatasync, int, int)
	return disk_strikes() ? -1 : real(fd);
}

ssize_t pwrite64(int fd, const void *p, size_t n, off64_t at)
{
	REAL(pwrite64, ssize_t, int, const void *, size_t, off64_t)
	return !is_zero(p, n) && disk_strikes() ? -1 : real(fd, p, n, at);
}

ssize_t pwrite(int fd, const void *p, size_t n, off_t at)
{
	REAL(pwrite, ssize_t, int, const void *, size_t, off_t)
	return !is_zero(p, n) && disk_strikes() ? -1 : real(fd, p, n, at);
}

int unlink(const char *path)
{
	REAL(unlink, int, const char *)
	return disk_strikes() ? -1 : real(path);
}

int renameat(int dir, const char *old, int to_dir, const char *to)
{
	REAL(renameat, int, int, const char *, int, const char *)
	return disk_strikes() || strikes(RENAME, BY) ? -1 : real(dir, old, to_dir, to);
}

int rename(const char *old, const char *to)
{
	REAL(rename, int, const char *, const char *)
	return disk_strikes() || strikes(RENAME, BY) ? -1 : real(old, to);
}

int stat(const char *path, struct stat *st)
{
	REAL(stat, int, const char *, struct stat *)
	return strikes(STAT, BY) ? -1 : real(path, st);
}

int fstat(int fd, struct stat *st)
{
	REAL(fstat, int, int, struct stat *)
	return strikes(STAT, BY) ? -1 : real(fd, st);
}

off_t lseek(int fd, off_t at, int whence)
{
	REAL(lseek, off_t, int, off_t, int)
	return strikes(SEEK, BY) ? -1 : real(fd, at, whence);
}

int ftruncate(int fd, off_t n)
{
	REAL(ftruncate, int, int, off_t)
	return disk_strikes() || strikes(TRUNCATE, BY) ? -1 : real(fd, n);
}

int mkdir(const char *path, mode_t mode)
{
	REAL(mkdir, int, const char *, mode_t)
	return disk_strikes() || strikes(MKDIR, BY) ? -1 : real(path, mode);
}

/* One that does not wait is not interrupted. */
int flock(int fd, int operation)
{
	REAL(flock, int, int, int)
	return strikes((operation & LOCK_NB) ? TRYLOCK : FLOCK, BY) ? -1 : real(fd, operation);
}

int poll(struct pollfd *set, nfds_t count, int timeout)
{
	REAL(poll, int, struct pollfd *, nfds_t, int)
	return strikes(POLL, BY) ? -1 : real(set, count, timeout);
}

int pipe2(int fd[2], int flags)
{
	REAL(pipe2, int, int *, int)
	return strikes(PIPE, BY) ? -1 : real(fd, flags);
}

int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attr, char *const argv[],
    char *const env[])
{
	REAL(posix_spawn, int, pid_t *, const char *, const posix_spawn_file_actions_t *, const posix_spawnattr_t *, char *const *, char *const *)

	if (strikes(SPAWN, BY)) {
		if (errno != 0)
			return errno;
		raise(SIGTERM);
	}
	return real(pid, path, actions, attr, argv, env);
}
