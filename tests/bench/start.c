/* SPDX-License-Identifier: MIT */
/*
 * start - what it costs to start a small program: several commands, turn by
 * turn, many times.
 *
 *	start ROUNDS FILE COMMAND [ARGUMENT ...] [, COMMAND [ARGUMENT ...]] ...
 *
 * Each is run ROUNDS times without a shell, with FILE as its stdin (- : our
 * own), its stdout into a pipe that is read to the end.  A line a run:
 * "round command first wall cpu resident status": microseconds to the first
 * byte of output and to the end, microseconds of CPU, the largest resident
 * set in KiB.  The command is its number, from 0.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define COMMANDS 16

static const char *file;

static long long now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

static void die(const char *what)
{
	fprintf(stderr, "start: %s: %s\n", what, strerror(errno));
	exit(71);
}

/*
 * In the child.  By fork, not vfork: the resident set of a program is
 * counted from that of the process that became it, which after fork is
 * smaller than any program, and after vfork is ours.
 */
static void become(char *const command[], int out)
{
	int in = STDIN_FILENO;

	if (strcmp(file, "-")) {
		in = open(file, O_RDONLY);
		if (in < 0)
			_exit(126);
		dup2(in, STDIN_FILENO);
		close(in);
	}
	dup2(out, STDOUT_FILENO);
	close(out);
	execvp(command[0], command);
	_exit(127);
}

static void run(unsigned int round, unsigned int number, char *const command[])
{
	static char buf[256 << 10];
	long long begin, first = -1, end;
	struct rusage used;
	int fds[2], status;
	ssize_t r;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC))
		die("cannot make a pipe");
	begin = now_us();
	pid = fork();
	if (pid < 0)
		die("cannot fork");
	if (pid == 0)
		become(command, fds[1]);
	close(fds[1]);
	while ((r = read(fds[0], buf, sizeof(buf))) > 0 || (r < 0 && errno == EINTR)) {
		if (first < 0)
			first = now_us() - begin;
	}
	if (wait4(pid, &status, 0, &used) != pid)
		die("cannot wait");
	end = now_us();
	close(fds[0]);
	printf("%u %u %lld %lld %lld %ld %d\n", round, number, first, end - begin,
	       (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000LL + used.ru_utime.tv_usec + used.ru_stime.tv_usec,
	       used.ru_maxrss, WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

int main(int argc, char *argv[])
{
	char **commands[COMMANDS];
	unsigned long rounds;
	unsigned int n = 1, round, i;
	int a;

	if (argc < 4 || (rounds = strtoul(argv[1], NULL, 10)) == 0) {
		fprintf(stderr, "usage: start ROUNDS FILE COMMAND [ARGUMENT ...] [, COMMAND [ARGUMENT ...]] ...\n");
		return 64;
	}
	file = argv[2];
	commands[0] = argv + 3;
	for (a = 3; a < argc; a++) {
		if (strcmp(argv[a], ","))
			continue;
		if (n == COMMANDS || !argv[a + 1])
			return 64;
		argv[a] = NULL;
		commands[n++] = argv + a + 1;
	}
	for (round = 0; round < rounds; round++) {
		for (i = 0; i < n; i++)
			run(round, i, commands[i]);
		fflush(stdout);		/* what is buffered would be in the child as well */
	}
	return ferror(stdout) || fclose(stdout) ? 74 : 0;
}
