/* SPDX-License-Identifier: MIT */
/*
 * loop-turn.c - turns of a tool that has something to do beside its input.
 *
 * Whatever the source waits for, it also waits for wake: so wake takes in what
 * the tool waits for.
 */
#include "loop.h"

#include <errno.h>
#include <sys/epoll.h>

static int watch(struct ks_frame_loop *l, int fd)
{
	struct epoll_event readable = { .events = EPOLLIN, .data.fd = fd };

	return epoll_ctl(l->beside, EPOLL_CTL_ADD, fd, &readable) == 0 ? 0 :
	    ks_fail_errno(&l->err, KS_TEMP, errno, "cannot wait for more than the input");
}

int ks_turns(struct ks_run *run)
{
	struct ks_frame_loop *l = run->loop;
	int wake = l->wake;

	l->beside = epoll_create1(EPOLL_CLOEXEC);
	if (l->beside < 0)
		return ks_fail_errno(&l->err, KS_TEMP, errno, "cannot make an epoll");
	l->turns = true;
	l->wake = l->beside;
	return watch(l, wake);
}

int ks_turn_on(struct ks_run *run, int fd)
{
	return watch(run->loop, fd);
}
