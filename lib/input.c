/* SPDX-License-Identifier: MIT */
/* input.c - files named on the command line. */
#include "input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hash.h"
#include "value.h"

/*
 * A FIFO is opened at once and then waited for like any input: so a signal, a
 * barrier or a PING does not have to wait for who writes it.
 */
static int open_input(const char *name)
{
	struct stat st;
	bool fifo = stat(name, &st) == 0 && S_ISFIFO(st.st_mode);
	int fd = open(name, O_RDONLY | O_CLOEXEC | (fifo ? O_NONBLOCK : 0));

	if (fd >= 0 && fifo)
		fcntl(fd, F_SETFL, 0);
	return fd;
}

int ks_input_open(const char *name, int *fd, int64_t *size, struct ks_err *err)
{
	size_t n = strlen(name);
	struct stat st;

	*fd = STDIN_FILENO;
	if (ks_utf8_prefix((const unsigned char *)name, n) != n)
		return ks_fail(err, KS_NOINPUT, "the file name '%s' is not UTF-8: pipe the file in", name);
	if (strcmp(name, "-") != 0)
		*fd = open_input(name);
	if (*fd < 0 || fstat(*fd, &st) != 0)
		return ks_fail_errno(err, KS_NOINPUT, errno, "cannot open '%s'", name);
	if (S_ISDIR(st.st_mode))
		return ks_fail(err, KS_NOINPUT, "'%s' is a directory", name);
	*size = S_ISREG(st.st_mode) ? st.st_size : -1;
	if (S_ISFIFO(st.st_mode))
		fcntl(*fd, F_SETPIPE_SZ, 1 << 20);	/* 1.2x measured; what the system allows */
	return 0;
}

void ks_input_close(int fd)
{
	if (fd > STDERR_FILENO)
		close(fd);
}

#define CHECK_END ((size_t)4096)	/* bytes at each end: one page of a disk; two lines of a log differ in less */

static int read_at(int fd, unsigned char *p, size_t n, int64_t offset)
{
	size_t done = 0;
	ssize_t got;

	while (done < n) {
		got = pread(fd, p + done, n - done, offset + (int64_t)done);
		if (got < 0 && errno != EINTR)
			return errno;
		if (got == 0)
			return ENODATA;
		if (got > 0)
			done += (size_t)got;
	}
	return 0;
}

int ks_input_check(int fd, int64_t offset, char check[KS_INPUT_CHECK + 1])
{
	unsigned char bytes[2 * CHECK_END];
	size_t n = offset < (int64_t)sizeof(bytes) ? (size_t)offset : sizeof(bytes);
	size_t head = n < CHECK_END ? n : CHECK_END;
	int no = read_at(fd, bytes, head, 0);

	if (no == 0)
		no = read_at(fd, bytes + head, n - head, offset - (int64_t)(n - head));
	if (no == 0)
		snprintf(check, KS_INPUT_CHECK + 1, "%016llx", (unsigned long long)ks_hash(ks_bytes(bytes, n), 0));
	return no;
}

const char *ks_input_topic(const char *name, char *room)
{
	const char *base = strrchr(name, '/');
	size_t n, i;

	if (strcmp(name, "-") == 0)
		name = "stdin";
	base = base == NULL ? name : base + 1;
	n = strcspn(base, ".");
	if (n == 0)
		n = strlen(base);
	if (n > KS_NAME_MAX)
		n = KS_NAME_MAX;
	n = ks_utf8_prefix((const unsigned char *)base, n);
	for (i = 0; i < n; i++)
		room[i] = (unsigned char)base[i] < 0x20 || base[i] == 0x7f ? '_' : base[i];
	room[n] = '\0';
	return room;
}
