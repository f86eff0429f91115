/* SPDX-License-Identifier: MIT */
/*
 * time - run a pipeline of the shell and say what all its processes cost.
 *
 *	time COMMAND
 *
 * Prints "wall user sys status" in microseconds on the standard error that
 * it was started with; the pipeline keeps stdin and stdout, and its stderr.
 * Every process counts, from its start to its end: this one adopts what the
 * shell does not wait for, and ends when none is left.  time(1) and the
 * shell's own word miss those, and the first costs more to start.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

int main(int argc, char *argv[])
{
	long long begin, end;
	struct rusage all;
	int status, shell_status = -1;
	pid_t shell, pid;

	if (argc != 2) {
		fprintf(stderr, "usage: time COMMAND\n");
		return 64;
	}
	if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)) {
		fprintf(stderr, "time: cannot adopt orphans: %s\n", strerror(errno));
		return 71;
	}
	begin = now_us();
	shell = fork();
	if (shell == 0) {
		execl("/bin/sh", "sh", "-c", argv[1], (char *)NULL);
		_exit(127);
	}
	if (shell < 0) {
		fprintf(stderr, "time: cannot fork: %s\n", strerror(errno));
		return 71;
	}
	while ((pid = wait(&status)) > 0 || errno == EINTR) {
		if (pid == shell)
			shell_status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	}
	end = now_us();
	getrusage(RUSAGE_CHILDREN, &all);
	fprintf(stderr, "%lld %lld %lld %d\n", end - begin,
		all.ru_utime.tv_sec * 1000000LL + all.ru_utime.tv_usec,
		all.ru_stime.tv_sec * 1000000LL + all.ru_stime.tv_usec, shell_status);
	return 0;
}
