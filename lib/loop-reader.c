/* SPDX-License-Identifier: MIT */
/*
 * loop-reader.c - whether anybody reads the output still, while there is
 * nothing to write.
 *
 * A write finds out by itself.  But on a topic where nothing happens, or of
 * which nothing passes, the next one may be far away, and a tool whose reader
 * has gone would live on until then.
 */
#include "loop.h"

#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "signals.h"

/* Whatever the source waits for, it also waits for wake: so wake takes the output in. */
int ks_loop_watch_reader(struct ks_frame_loop *l)
{
	int fd = l->sink != NULL ? l->sink->out.fd : -1, both;	/* an answer may have nothing to say */
	struct epoll_event signals = { .events = EPOLLIN, .data.fd = l->wake };
	struct epoll_event gone = { .events = 0, .data.fd = fd };	/* EPOLLERR and EPOLLHUP come unasked */
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0 || (!S_ISFIFO(st.st_mode) && !S_ISSOCK(st.st_mode)))
		return 0;
	both = epoll_create1(EPOLL_CLOEXEC);
	if (both < 0 || epoll_ctl(both, EPOLL_CTL_ADD, l->wake, &signals) != 0 || epoll_ctl(both, EPOLL_CTL_ADD, fd, &gone) != 0) {
		ks_fail_errno(&l->err, KS_TEMP, errno, "cannot watch the output");
		if (both >= 0)
			close(both);
		return KS_TEMP;
	}
	l->wake = l->readers = both;
	l->reader = fd;
	return 0;
}

int ks_loop_reader(struct ks_frame_loop *l)
{
	struct epoll_event events[2];
	bool gone = false;
	int n;

	if (l->reader < 0)
		return 0;
	for (n = epoll_wait(l->readers, events, 2, 0); n > 0; n--)
		gone = gone || events[n - 1].data.fd == l->reader;
	if (!gone)
		return 0;
	/* It would be ready for ever. */
	(void)epoll_ctl(l->readers, EPOLL_CTL_DEL, l->reader, NULL);
	l->reader = -1;
	/*
	 * Ctrl-C ends all of a pipeline at once, and behind END a reader may go.
	 * If something is to be written nevertheless, that tells.
	 */
	if (ks_signals_end() != 0 || (l->started && !l->in_section && l->source->stop == NULL))
		return 0;
	raise(SIGPIPE);		/* as by a write: text dies of it */
	return ks_sink_failed(l->sink, EPIPE, &l->err);
}
