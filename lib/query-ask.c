/* SPDX-License-Identifier: MIT */
/* query-ask.c - a question over a socket, and its answer. */
#include "query-ask.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "value.h"

#define PIECE ((size_t)64 << 10)

/* What the stage says is wrong. */
static int told(struct ks_bytes value, unsigned depth, struct ks_err *err)
{
	const unsigned char *p = value.p, *end = p + value.n;
	struct ks_val status, text;
	struct ks_head head;

	if (ks_mp_check(value, depth) != KS_MP_OK || ks_mp_head(p, end, &head) != KS_MP_OK || head.type != KS_ARRAY || head.count != 2)
		return ks_fail(err, KS_DATA, "the stage answers what is no answer");
	p = head.body;
	if (ks_mp_read(&p, end, 0, &status) != KS_MP_OK || ks_mp_read(&p, end, 0, &text) != KS_MP_OK ||
	    status.type != KS_INT || status.i < KS_USAGE || status.i > KS_CONFIG || text.type != KS_STR)
		return ks_fail(err, KS_DATA, "the stage answers what is no answer");
	return ks_fail(err, (int)status.i, "the stage says: %.*s", (int)text.b.n, (const char *)text.b.p);
}

int ks_query_hand(struct ks_buf *b, unsigned depth, ks_query_take *take, void *arg, bool *over, struct ks_err *err)
{
	struct ks_bytes value;
	size_t at = 0, n;
	int status = 0;

	while (status == 0 && !*over && b->n - at >= KS_QUERY_HEAD) {
		n = ks_get32(b->p + at);
		if (n < 2 || n > b->max - 4)
			return ks_fail(err, KS_DATA, "the stage answers what is no answer");
		if (b->n - at < 4 + n)
			break;
		value = ks_bytes(b->p + at + KS_QUERY_HEAD, n - 1);
		if (b->p[at + 4] == 'x')
			return told(value, depth, err);
		if ((b->p[at + 4] != 'r' && b->p[at + 4] != 'e') || ks_mp_check(value, depth + 8) != KS_MP_OK)
			return ks_fail(err, KS_DATA, "the stage answers what is no answer");
		*over = b->p[at + 4] == 'e';
		status = take(arg, b->p[at + 4], value, err);
		at += 4 + n;
	}
	memmove(b->p, b->p + at, b->n - at);
	b->n -= at;
	return status;
}

/* By the directory's descriptor, since the path may be longer than an address can be. */
static int reach(const char *dir, int *fd, struct ks_err *err)
{
	struct timeval wait = { .tv_sec = KS_QUERY_WAIT_S };
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int at = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC), no;

	if (at < 0)
		return ks_fail_errno(err, KS_NOINPUT, errno, "cannot open '%s'", dir);
	snprintf(to.sun_path, sizeof(to.sun_path), "/proc/self/fd/%d/sock", at);
	*fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	no = *fd < 0 || setsockopt(*fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) != 0 ||
	    setsockopt(*fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)) != 0 ||
	    connect(*fd, (struct sockaddr *)&to, sizeof(to)) != 0 ? errno : 0;
	close(at);
	if (no == ECONNREFUSED || no == ENOENT)
		return ks_fail(err, KS_UNAVAILABLE, "the stage in '%s' does not run: start it, or ask what it has kept with --offline", dir);
	if (no == EACCES || no == EPERM)
		return ks_fail_errno(err, KS_DENIED, no, "cannot ask the stage in '%s'", dir);
	return no == 0 ? 0 : ks_fail_errno(err, KS_TEMP, no, "cannot ask the stage in '%s'", dir);
}

static int put_question(int fd, const char *dir, const struct ks_query_ask *ask, struct ks_err *err)
{
	struct ks_buf b;
	size_t at = 0;
	ssize_t n = 0;
	int status = 0;

	ks_buf_init(&b, KS_QUERY_MAX + 4);
	if (ks_query_add(&b, ask) != 0)
		status = ks_fail(err, KS_USAGE, "the keys that are asked for are too long");
	for (; status == 0 && at < b.n; at += (size_t)n) {
		n = send(fd, b.p + at, b.n - at, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			n = 0;
		else if (n < 0)
			status = ks_fail_errno(err, KS_TEMP, errno, "cannot ask the stage in '%s'", dir);
	}
	ks_buf_release(&b);
	return status;
}

static int hear(int fd, const char *dir, unsigned depth, struct ks_buf *b, ks_query_take *take, void *arg, struct ks_err *err)
{
	bool over = false;
	int status = 0;
	ssize_t n;

	while (status == 0 && !over) {
		if (ks_buf_reserve(b, PIECE) != 0)
			return ks_fail_memory(err);
		n = recv(fd, b->p + b->n, PIECE, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return ks_fail(err, KS_TEMP, "the stage in '%s' has not answered for %d s: it is stopped, or waits for whoever reads its output",
			    dir, KS_QUERY_WAIT_S);
		if (n <= 0)
			return ks_fail(err, KS_TEMP, "the stage in '%s' ended before its answer did: ask again", dir);
		b->n += (size_t)n;
		status = ks_query_hand(b, depth, take, arg, &over, err);
	}
	return status;
}

int ks_query_ask_at(const char *dir, const struct ks_query_ask *ask, const struct ks_limits *limits, ks_query_take *take,
    void *arg, struct ks_err *err)
{
	struct ks_buf b;
	int fd = -1, status = reach(dir, &fd, err);

	ks_buf_init(&b, 4 * limits->record + 2 * PIECE);
	if (status == 0)
		status = put_question(fd, dir, ask, err);
	if (status == 0)
		status = hear(fd, dir, limits->depth, &b, take, arg, err);
	ks_buf_release(&b);
	if (fd >= 0)
		close(fd);
	return status;
}
