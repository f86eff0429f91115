/* SPDX-License-Identifier: MIT */
/*
 * query-serve.c - clients of a stage's socket.
 *
 * All that is to be done is an event of one epoll(7): a question that comes,
 * room for more of an answer.  So whoever does not read is not heard of, and
 * the loop sleeps as it would without clients.
 */
#include "query-serve.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <unistd.h>

#include "state-dir.h"

#define TURN_US 1000		/* of a turn, and the least between two of them while there is input */
#define SHARE 9			/* times as long as a turn it is not served after that, likewise */
#define PIECE ((size_t)64 << 10)	/* bytes of an answer that are made at once */
#define EVENTS 16

struct client {
	int fd;			/* -1: free */
	bool asked;
	int64_t seen_us;	/* it last did something */
	struct ks_buf in, out;
	size_t sent;
	struct ks_query q;
};

struct ks_serve {
	int all, listener, timer, lock;
	bool full;		/* the listener is not listened to */
	bool timed;
	char *dir;
	int64_t rest_until_us, turn_us;	/* no turn before; the last one */
	unsigned depth;
	size_t record;
	int (*answer)(void *arg, struct ks_query *q, struct ks_err *err);
	void *arg;
	unsigned count;
	struct client clients[KS_SERVE_CLIENTS];
};

static int watch(struct ks_serve *s, int how, int fd, void *of, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.ptr = of };

	return epoll_ctl(s->all, how, fd, &e);
}

int ks_serve_open(struct ks_serve **out, int *wake, unsigned depth, size_t record,
    int (*answer)(void *arg, struct ks_query *q, struct ks_err *err), void *arg, struct ks_err *err)
{
	struct ks_serve *s = calloc(1, sizeof(*s));
	struct epoll_event signals = { .events = EPOLLIN, .data.fd = *wake }, asked = { .events = EPOLLIN };
	int both = -1, i;

	*out = s;
	if (s == NULL)
		return ks_fail_memory(err);
	for (i = 0; i < KS_SERVE_CLIENTS; i++)
		s->clients[i].fd = -1;
	s->listener = s->lock = -1;
	s->depth = depth;
	s->record = record;
	s->answer = answer;
	s->arg = arg;
	s->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	s->all = epoll_create1(EPOLL_CLOEXEC);
	if (s->timer >= 0 && s->all >= 0 && watch(s, EPOLL_CTL_ADD, s->timer, &s->timer, EPOLLIN) == 0)
		both = epoll_create1(EPOLL_CLOEXEC);
	asked.data.fd = s->all;
	if (both < 0 || epoll_ctl(both, EPOLL_CTL_ADD, *wake, &signals) != 0 ||
	    epoll_ctl(both, EPOLL_CTL_ADD, s->all, &asked) != 0) {
		ks_fail_errno(err, KS_TEMP, errno, "cannot wait for questions");
		if (both >= 0)
			close(both);
		return KS_TEMP;
	}
	*wake = both;
	return 0;
}

static void set_timer(struct ks_serve *s, bool on)
{
	struct itimerspec each = { { on, 0 }, { on, 0 } };

	if (s->timed != on && timerfd_settime(s->timer, 0, &each, NULL) == 0)
		s->timed = on;
}

static void let_go(struct ks_serve *s, struct client *c)
{
	close(c->fd);
	c->fd = -1;
	ks_buf_release(&c->in);
	ks_buf_release(&c->out);
	if (c->asked)
		ks_query_release(&c->q);
	c->asked = false;
	s->count--;
	if (s->count == 0)
		set_timer(s, false);
	if (s->full && watch(s, EPOLL_CTL_MOD, s->listener, &s->listener, EPOLLIN) == 0)
		s->full = false;
}

void ks_serve_close(struct ks_serve *s)
{
	int i;

	if (s == NULL)
		return;
	for (i = 0; i < KS_SERVE_CLIENTS; i++)
		if (s->clients[i].fd >= 0)
			let_go(s, &s->clients[i]);
	if (s->listener >= 0) {
		i = open(s->dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (i >= 0) {
			(void)unlinkat(i, "sock", 0);
			close(i);
		}
		close(s->listener);
	}
	if (s->lock >= 0)
		close(s->lock);
	if (s->timer >= 0)
		close(s->timer);
	if (s->all >= 0)
		close(s->all);
	free(s->dir);
	free(s);
}

/* By the directory's descriptor: the path may be longer than an address can be.  Nobody else gets at it before it has its mode. */
static int bind_in(struct ks_serve *s, int dir, struct ks_err *err)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	snprintf(at.sun_path, sizeof(at.sun_path), "/proc/self/fd/%d/sock", dir);
	if (fd < 0 || fchmod(fd, 0600) != 0 || (unlinkat(dir, "sock", 0) != 0 && errno != ENOENT) ||
	    bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0 || listen(fd, 4 * KS_SERVE_CLIENTS) != 0 ||
	    watch(s, EPOLL_CTL_ADD, fd, &s->listener, EPOLLIN) != 0) {
		ks_state_unusable(s->dir, errno, "listen in", err);
		if (fd >= 0)
			close(fd);
		return err->status;
	}
	s->listener = fd;
	return 0;
}

int ks_serve_listen(struct ks_serve *s, const char *path, bool lock, struct ks_err *err)
{
	int dir, no, status = 0;

	if (s->listener >= 0)
		return 0;
	free(s->dir);
	s->dir = strdup(path);
	if (s->dir == NULL)
		return ks_fail_memory(err);
	no = ks_state_make(s->dir);
	if (no != 0)
		return ks_state_unusable(path, no, "make the state directory", err);
	dir = ks_state_open(path, err);
	if (dir < 0)
		return err->status;
	if (lock)
		status = ks_state_lock(dir, path, &s->lock, err);
	if (status == 0)
		status = bind_in(s, dir, err);
	close(dir);
	return status;
}

static bool is_ours(int fd)
{
	struct ucred who;
	socklen_t n = sizeof(who);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &n) == 0 && (who.uid == geteuid() || who.uid == 0);
}

static void take_clients(struct ks_serve *s, int64_t now)
{
	struct client *c = s->clients;
	int fd;

	while (s->count < KS_SERVE_CLIENTS) {
		fd = accept4(s->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0)
			return;
		while (c->fd >= 0)
			c++;
		if (!is_ours(fd) || watch(s, EPOLL_CTL_ADD, fd, c, EPOLLIN) != 0) {
			close(fd);
			continue;
		}
		*c = (struct client){ .fd = fd, .seen_us = now };
		ks_buf_init(&c->in, KS_QUERY_HEAD + KS_QUERY_MAX);
		ks_buf_init(&c->out, 4 * s->record + PIECE);
		s->count++;
		set_timer(s, true);
	}
	if (watch(s, EPOLL_CTL_MOD, s->listener, &s->listener, 0) == 0)
		s->full = true;
}

/* A question is whole: what it asks; false: it is none, and the answer says so. */
static bool understand(struct ks_serve *s, struct client *c)
{
	struct ks_query_ask ask = { .since_ms = INT64_MIN };
	struct ks_err err;
	const char *wrong = c->in.p[4] != 'q' ? "not a question" :
	    ks_query_parse(ks_bytes(c->in.p + KS_QUERY_HEAD, c->in.n - KS_QUERY_HEAD), s->depth, &ask);

	ks_query_begin(&c->q, &ask);
	c->q.out = &c->out;
	c->q.enough = PIECE;
	c->asked = true;
	if (wrong == NULL)
		return watch(s, EPOLL_CTL_MOD, c->fd, c, EPOLLOUT) == 0;
	ks_fail(&err, KS_USAGE, "%s", wrong);
	c->q.over = true;
	return ks_message_fail(&c->out, &err) == 0 && watch(s, EPOLL_CTL_MOD, c->fd, c, EPOLLOUT) == 0;
}

/* More of a question: false, the client is to go. */
static bool listen_to(struct ks_serve *s, struct client *c)
{
	size_t want = c->in.n < KS_QUERY_HEAD ? KS_QUERY_HEAD - c->in.n : 4 + (size_t)ks_get32(c->in.p) - c->in.n, room;
	ssize_t n;

	room = want < PIECE ? want : PIECE;
	if (ks_buf_reserve(&c->in, room) != 0)
		return false;
	n = recv(c->fd, c->in.p + c->in.n, room, 0);
	if (n <= 0)
		return n < 0 && (errno == EAGAIN || errno == EINTR);
	c->in.n += (size_t)n;
	if (c->in.n < KS_QUERY_HEAD)
		return true;
	if (ks_get32(c->in.p) < 2 || ks_get32(c->in.p) > KS_QUERY_MAX)
		return false;
	return c->in.n < 4 + (size_t)ks_get32(c->in.p) || understand(s, c);
}

/* More of an answer: false, the client is to go.  *status: the stage has failed over it. */
static bool tell(struct ks_serve *s, struct client *c, int64_t until_us, int *status, struct ks_err *err)
{
	struct ks_err why = { 0 };
	ssize_t n;
	int no;

	if (c->sent == c->out.n && !c->q.over) {
		c->sent = c->out.n = 0;
		c->q.until_us = until_us;
		no = s->answer(s->arg, &c->q, &why);
		if (no == KS_IO || no == KS_CONFIG) {
			*err = why;
			*status = no;
			return false;
		}
		if (no != 0) {
			c->q.over = true;
			if (ks_message_fail(&c->out, &why) != 0)
				return false;
		}
	}
	if (c->sent == c->out.n)
		return !c->q.over;
	n = send(c->fd, c->out.p + c->sent, c->out.n - c->sent, MSG_NOSIGNAL);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	c->sent += (size_t)n;
	return c->sent < c->out.n || !c->q.over;
}

static void drop_idle(struct ks_serve *s, int64_t now)
{
	uint64_t ticks;
	ssize_t n = read(s->timer, &ticks, sizeof(ticks));
	int i;

	(void)n;
	for (i = 0; i < KS_SERVE_CLIENTS; i++)
		if (s->clients[i].fd >= 0 && now - s->clients[i].seen_us > KS_SERVE_PATIENCE_MS * 1000)
			let_go(s, &s->clients[i]);
}

/* Where there was no turn for so long that the clients are not to blame. */
static void forgive(struct ks_serve *s, int64_t now)
{
	int i;

	if (now - s->turn_us > KS_SERVE_PATIENCE_MS * 1000 / 4)
		for (i = 0; i < KS_SERVE_CLIENTS; i++)
			s->clients[i].seen_us = now;
	s->turn_us = now;
}

static int serve(struct ks_serve *s, struct client *c, uint32_t events, int64_t now, struct ks_err *err)
{
	bool stays = (events & (EPOLLERR | EPOLLHUP)) == 0;
	int status = 0;

	c->seen_us = now;
	if (stays)
		stays = c->asked ? tell(s, c, now + TURN_US / 4, &status, err) : listen_to(s, c);
	if (!stays)
		let_go(s, c);
	return status;
}

int ks_serve_turn(struct ks_serve *s, bool busy, struct ks_err *err)
{
	struct epoll_event events[EVENTS];
	int64_t begun, now;
	bool come = false, late = false;
	int n, i, status = 0;

	if (s->listener < 0)
		return 0;
	begun = now = ks_clock_us();
	if (busy && begun < s->rest_until_us)
		return 0;
	forgive(s, begun);
	n = epoll_wait(s->all, events, EVENTS, 0);
	for (i = 0; i < n && status == 0 && now - begun < TURN_US; i++) {
		if (events[i].data.ptr == &s->listener)
			come = true;
		else if (events[i].data.ptr == &s->timer)
			late = true;
		else
			status = serve(s, events[i].data.ptr, events[i].events, now, err);
		now = ks_clock_us();
	}
	/* Behind the clients that have said something: no event is left that is of one who goes, or of his place. */
	if (late)
		drop_idle(s, now);
	if (come)
		take_clients(s, now);
	s->rest_until_us = now + (SHARE * (now - begun) > TURN_US ? SHARE * (now - begun) : TURN_US);
	return status;
}
