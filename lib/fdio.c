/* SPDX-License-Identifier: MIT */
/* fdio.c - whole reads and writes, and waiting. */
#include "fdio.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

/* A run this large is written from where it lies; below, one copy costs less than one more syscall. */
#define RUN_DIRECT ((size_t)32 << 10)

int ks_out_open(struct ks_out *o, int fd)
{
	*o = (struct ks_out){ .fd = fd, .cap = KS_IO_SIZE };
	o->p = malloc(o->cap);
	return o->p == NULL ? ENOMEM : 0;
}

void ks_out_release(struct ks_out *o)
{
	free(o->p);
	*o = (struct ks_out){ .fd = -1 };
}

static int write_all(struct ks_out *o, struct iovec *v, int count)
{
	ssize_t n;

	while (count > 0) {
		if (v->iov_len == 0) {
			v++;
			count--;
			continue;
		}
		n = writev(o->fd, v, count);
		if (n < 0) {
			if (errno == EINTR)
				continue;
			if (errno != EAGAIN)
				return errno;
			/* Someone made the pipe non-blocking for its other users. */
			if (poll(&(struct pollfd){ .fd = o->fd, .events = POLLOUT }, 1, -1) < 0 &&
			    errno != EINTR)
				return errno;
			continue;
		}
		o->bytes += (uint64_t)n;
		for (; count > 0 && (size_t)n >= v->iov_len; v++, count--)
			n -= (ssize_t)v->iov_len;
		if (count > 0) {
			v->iov_base = (char *)v->iov_base + n;
			v->iov_len -= (size_t)n;
		}
	}
	return 0;
}

int ks_write_all(int fd, struct ks_bytes b)
{
	struct ks_out o = { .fd = fd };
	struct iovec v = { .iov_base = (void *)(uintptr_t)b.p, .iov_len = b.n };

	return write_all(&o, &v, 1);
}

int ks_out_flush(struct ks_out *o)
{
	struct iovec v[2] = {
		{ .iov_base = o->p, .iov_len = o->n },
		{ .iov_base = (void *)(uintptr_t)o->run.p, .iov_len = o->run.n },
	};

	o->n = 0;
	o->run = ks_bytes(NULL, 0);
	return o->fd < 0 ? 0 : write_all(o, v, 2);
}

int ks_out_settle(struct ks_out *o)
{
	if (o->run.n == 0)
		return 0;
	if (o->run.n >= RUN_DIRECT || o->run.n > o->cap - o->n)
		return ks_out_flush(o);
	memcpy(o->p + o->n, o->run.p, o->run.n);
	o->n += o->run.n;
	o->run = ks_bytes(NULL, 0);
	return 0;
}

int ks_out_break(struct ks_out *o, struct ks_bytes run)
{
	int no = ks_out_settle(o);

	o->run = run;
	return no;
}

unsigned char *ks_out_room(struct ks_out *o, size_t n, int *no)
{
	unsigned char *p;

	*no = o->run.n == 0 ? 0 : ks_out_settle(o);
	if (*no == 0 && n > o->cap - o->n)
		*no = ks_out_flush(o);
	if (*no == 0 && n > o->cap) {
		p = realloc(o->p, n);
		if (p == NULL) {
			*no = ENOMEM;
		} else {
			o->p = p;
			o->cap = n;
		}
	}
	return *no == 0 ? o->p + o->n : NULL;
}

int ks_out_add(struct ks_out *o, const void *p, size_t n)
{
	unsigned char *at;
	int no;

	at = ks_out_room(o, n, &no);
	if (at == NULL)
		return no;
	if (n > 0)	/* nothing may stand nowhere */
		memcpy(at, p, n);
	o->n += n;
	return 0;
}

int ks_replace_at(int dir, const char *temp, const char *name, struct ks_bytes b)
{
	int fd = openat(dir, temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600), no;

	if (fd < 0)
		return errno;
	no = ks_write_all(fd, b);
	if (no == 0 && fsync(fd) != 0)
		no = errno;
	if (close(fd) != 0 && no == 0)
		no = errno;
	if (no == 0 && renameat(dir, temp, dir, name) != 0)
		no = errno;
	return no == 0 && fsync(dir) != 0 ? errno : no;
}

int ks_sync_parent(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *parent = slash == NULL ? strdup(".") : strndup(path, slash == path ? 1 : (size_t)(slash - path));
	int fd, no = 0;

	if (parent == NULL)
		return ENOMEM;
	fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 ? errno != EACCES : fsync(fd) != 0 && errno != EINVAL)
		no = errno;
	if (fd >= 0)
		close(fd);
	free(parent);
	return no;
}

int ks_in_open(struct ks_in *in, int fd, size_t max)
{
	*in = (struct ks_in){ .fd = fd, .cap = KS_IO_SIZE, .max = max };
	in->p = malloc(in->cap + KS_PAD);
	return in->p == NULL ? ENOMEM : 0;
}

void ks_in_release(struct ks_in *in)
{
	free(in->p);
	*in = (struct ks_in){ .fd = -1 };
}

static int make_room(struct ks_in *in)
{
	size_t held = in->end - in->start, cap;
	unsigned char *p;

	if (in->start > 0) {
		memmove(in->p, in->p + in->start, held);
		in->start = 0;
		in->end = held;
	}
	if (held < in->cap / 2)
		return 0;
	if (held >= in->max)
		return held < in->cap ? 0 : EMSGSIZE;
	cap = in->cap * 2;
	p = realloc(in->p, cap + KS_PAD);
	if (p == NULL)
		return ENOMEM;
	in->p = p;
	in->cap = cap;
	return 0;
}

int ks_in_fill(struct ks_in *in)
{
	ssize_t n;
	int no;

	no = make_room(in);
	if (no != 0)
		return no;
	do {
		n = read(in->fd, in->p + in->end, in->cap - in->end);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno;
	if (n == 0)
		in->eof = true;
	in->end += (size_t)n;
	in->bytes += (uint64_t)n;
	memset(in->p + in->end, 0, KS_PAD);
	return 0;
}

int ks_wait(int fd, int wake, int timeout_ms, bool *ready)
{
	struct pollfd set[2] = {
		{ .fd = fd, .events = POLLIN },
		{ .fd = wake, .events = POLLIN },
	};
	int n = poll(set, 2, timeout_ms);

	if (n < 0 && errno != EINTR)
		return errno;
	*ready = n > 0 && set[0].revents != 0;
	return 0;
}

static int64_t clock_ms(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int64_t ks_clock_ms(void)
{
	return clock_ms(CLOCK_MONOTONIC);
}

int64_t ks_wall_ms(void)
{
	return clock_ms(CLOCK_REALTIME);
}
