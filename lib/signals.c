/* SPDX-License-Identifier: MIT */
/* signals.c - a handler notes the signal and wakes poll(2) through a pipe. */
#include "signals.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define KS_PATIENCE 35		/* s from the signal to giving up; a stage waits 30 for END (protocol 3.3) */

/* timeout(1) and a terminal signal a process and its group, so that one wish comes twice. */
#define KS_SAME_MS 100

#define KS_FIFO_MS 20	/* between two looks whether somebody reads: what a person does not notice */

/* What a handler may touch; the program has no other mutable globals. */
static volatile sig_atomic_t end_signal, status_wanted, broken;
static struct timespec ended;
static int wake_read = -1, wake_write = -1;
static volatile pid_t passed_to;
static bool serves;

/* Whether the signal is the one that came a moment ago; clock_gettime(2) may be called by a handler. */
static bool same_wish(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - ended.tv_sec) * 1000 + (now.tv_nsec - ended.tv_nsec) / 1000000 < KS_SAME_MS;
}

/*
 * Whoever is impatient sends INT or TERM.  HUP comes twice when a terminal
 * goes, of the shell and then of the kernel, however much later.
 */
static void handle(int sig)
{
	int no = errno;
	ssize_t n;

	if (sig == SIGUSR1) {
		status_wanted = 1;
	} else if (end_signal != 0 && (serves || sig == SIGHUP || same_wish())) {
		errno = no;	/* serves: one of them came to all processes of the group */
		return;
	} else if (end_signal != 0) {
		signal(sig, SIG_DFL);
		raise(sig);
	} else {
		clock_gettime(CLOCK_MONOTONIC, &ended);
		end_signal = sig;
		alarm(KS_PATIENCE);
		if (passed_to != 0)
			kill(passed_to, SIGTERM);
	}
	n = write(wake_write, "", 1);	/* full: then it is readable anyway */
	(void)n;
	errno = no;
}

/* Stuck, in a write to a reader that has stopped for example: every wait is finite. */
static void give_up(int sig)
{
	static const char text[] = "kstream: no end long after the signal: gave up\n";
	ssize_t n = write(STDERR_FILENO, text, sizeof(text) - 1);

	(void)sig;
	(void)n;
	_exit(KS_TEMP);
}

void ks_signals_begin(void)
{
	signal(SIGXFSZ, SIG_IGN);
}

int ks_signals_open(int *wake, struct ks_err *err)
{
	struct sigaction act = { .sa_handler = handle };
	static const int caught[] = { SIGINT, SIGHUP, SIGTERM, SIGUSR1 };
	struct sigaction old;
	int fd[2];
	size_t i;

	if (pipe2(fd, O_CLOEXEC | O_NONBLOCK) != 0)
		return ks_fail_errno(err, KS_TEMP, errno, "cannot make a pipe");
	*wake = wake_read = fd[0];
	wake_write = fd[1];
	sigemptyset(&act.sa_mask);
	if (signal(SIGALRM, give_up) == SIG_ERR)
		return ks_fail_errno(err, KS_BUG, errno, "cannot catch a signal");
	for (i = 0; i < sizeof(caught) / sizeof(caught[0]); i++) {
		/* A background job of a shell without job control has INT ignored, nohup HUP: leave it so. */
		if (sigaction(caught[i], NULL, &old) == 0 && (caught[i] == SIGINT || caught[i] == SIGHUP) &&
		    old.sa_handler == SIG_IGN)
			continue;
		if (sigaction(caught[i], &act, NULL) != 0)
			return ks_fail_errno(err, KS_BUG, errno, "cannot catch a signal");
	}
	if (serves) {
		sigaddset(&act.sa_mask, SIGTERM);
		sigaddset(&act.sa_mask, SIGUSR1);
		sigprocmask(SIG_UNBLOCK, &act.sa_mask, NULL);
	}
	return 0;
}

void ks_signals_serve(void)
{
	serves = true;
}

void ks_signals_pass(pid_t pid)
{
	passed_to = pid;
	if (pid != 0 && end_signal != 0)
		kill(pid, SIGTERM);
}

int ks_signals_end(void)
{
	return end_signal;
}

bool ks_signals_status(void)
{
	bool wanted = status_wanted != 0;

	status_wanted = 0;
	return wanted;
}

void ks_signals_drain(void)
{
	char bytes[64];

	while (read(wake_read, bytes, sizeof(bytes)) > 0)
		;
}

/*
 * A FIFO is asked again and again: a signal between a look at end_signal and
 * an open(2) that waits would be slept over.
 */
static int open_fifo(const char *path, int flags)
{
	int fd;

	for (;;) {
		if (end_signal != 0) {
			errno = EINTR;
			return -1;
		}
		fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC | flags, 0666);
		if (fd >= 0)
			fcntl(fd, F_SETFL, flags);
		if (fd >= 0 || (errno != ENXIO && errno != EINTR))
			return fd;
		poll(NULL, 0, KS_FIFO_MS);
	}
}

int ks_signals_open_out(const char *path, int flags, const char *of, int *fd, struct ks_err *err)
{
	struct stat st;

	if (stat(path, &st) == 0 && S_ISFIFO(st.st_mode))
		*fd = open_fifo(path, flags);
	else
		do
			*fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0666);
		while (*fd < 0 && errno == EINTR && end_signal == 0);
	if (*fd >= 0)
		return 0;
	if (errno == EINTR)
		return ks_fail(err, KS_TEMP, "a signal came before anybody had opened '%s'%s to read it", path, of);
	return ks_fail_errno(err, KS_CANTCREAT, errno, "cannot open '%s'%s", path, of);
}

void ks_signals_pipe(bool die)
{
	signal(SIGPIPE, die ? SIG_DFL : SIG_IGN);
}

static void note_broken(int sig)
{
	(void)sig;
	broken = 1;
}

void ks_signals_pipe_late(void)
{
	signal(SIGPIPE, note_broken);
}

bool ks_signals_broken(void)
{
	return broken != 0;
}

void ks_signals_raise(int sig)
{
	signal(sig, SIG_DFL);
	raise(sig);
}
