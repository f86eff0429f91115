/* SPDX-License-Identifier: MIT */
/*
 * latency - how long one record takes through an idle pipeline.
 *
 *	latency COUNT SPACING_US FRAMES COMMAND
 *
 * Starts COMMAND by the shell, sends the first HELLO of the file FRAMES,
 * then COUNT times its first RECORD, each SPACING_US after the one before
 * came back, and prints "count p50 p90 p99 max" in microseconds.  The first
 * tenth warms up and does not count.  The pipeline is killed at the end:
 * its exit status is not what is measured here.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FRAME_HEAD 6		/* 0xc9, length of 4 bytes, type */
#define FRAMES_MAX (1 << 20)
#define PATIENCE_MS 5000

enum { RECORD = 1, HELLO = 2 };

struct frame {
	const unsigned char *p;
	size_t n;
};

static pid_t group;		/* of the pipeline */

static void die(const char *what, const char *why)
{
	fprintf(stderr, "latency: %s: %s\n", what, why);
	if (group > 0)
		kill(-group, SIGKILL);
	exit(70);
}

static long long now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

/* The frame at p, of n bytes: its whole size, 0 if it is cut. */
static size_t frame_size(const unsigned char *p, size_t n)
{
	size_t size;

	if (n < FRAME_HEAD)
		return 0;
	if (p[0] != 0xc9)
		die("frames", "something else where a frame should begin");
	size = FRAME_HEAD + ((size_t)p[1] << 24 | (size_t)p[2] << 16 | (size_t)p[3] << 8 | p[4]);
	return size <= n ? size : 0;
}

/* The first frame of a type in the file. */
static struct frame frame_of(const unsigned char *p, size_t n, int type)
{
	size_t size;

	while ((size = frame_size(p, n)) > 0) {
		if (p[5] == type)
			return (struct frame){p, size};
		p += size;
		n -= size;
	}
	die("frames", type == HELLO ? "no HELLO in the file" : "no RECORD in the file");
	return (struct frame){NULL, 0};
}

static void start(const char *command, int *to, int *from)
{
	int in[2], out[2];

	if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC))
		die("cannot make a pipe", strerror(errno));
	group = fork();
	if (group < 0)
		die("cannot fork", strerror(errno));
	if (group == 0) {
		setpgid(0, 0);
		dup2(in[0], STDIN_FILENO);
		dup2(out[1], STDOUT_FILENO);
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(127);
	}
	setpgid(group, group);
	close(in[0]);
	close(out[1]);
	*to = in[1];
	*from = out[0];
}

static void send_frame(int fd, struct frame f)
{
	if (write(fd, f.p, f.n) != (ssize_t)f.n)
		die("cannot write to the pipeline", strerror(errno));
}

/* Reads frames until a RECORD is whole. */
static void await_record(int fd)
{
	static unsigned char buf[FRAMES_MAX];
	static size_t held;
	struct pollfd ready = {.fd = fd, .events = POLLIN};
	size_t size, at;
	ssize_t r;
	int found = 0;

	while (!found) {
		if (poll(&ready, 1, PATIENCE_MS) == 0)
			die("pipeline", "no record came back in 5 s");
		r = read(fd, buf + held, sizeof(buf) - held);
		if (r == 0)
			die("pipeline", "it ended");
		if (r < 0 && errno != EINTR)
			die("cannot read from the pipeline", strerror(errno));
		held += r > 0 ? (size_t)r : 0;
		for (at = 0; (size = frame_size(buf + at, held - at)) > 0; at += size)
			found |= buf[at + 5] == RECORD;
		held -= at;
		memmove(buf, buf + at, held);
	}
}

static int by_value(const void *a, const void *b)
{
	long long x = *(const long long *)a, y = *(const long long *)b;

	return (x > y) - (x < y);
}

int main(int argc, char *argv[])
{
	static unsigned char frames[FRAMES_MAX];
	struct frame hello, record;
	struct timespec spacing;
	unsigned long count, us, warm, i;
	long long *took, begin;
	size_t n;
	int to, from;
	FILE *f;

	if (argc != 5) {
		fprintf(stderr, "usage: latency COUNT SPACING_US FRAMES COMMAND\n");
		return 64;
	}
	count = strtoul(argv[1], NULL, 10);
	us = strtoul(argv[2], NULL, 10);
	spacing = (struct timespec){.tv_sec = (time_t)(us / 1000000), .tv_nsec = (long)(us % 1000000 * 1000)};
	warm = count / 10;
	f = fopen(argv[3], "rb");
	if (!f)
		die(argv[3], strerror(errno));
	n = fread(frames, 1, sizeof(frames), f);
	fclose(f);
	hello = frame_of(frames, n, HELLO);
	record = frame_of(frames, n, RECORD);
	took = calloc(count + 1, sizeof(*took));
	if (!took || !count)
		die("COUNT", "nothing to measure");
	signal(SIGPIPE, SIG_IGN);
	start(argv[4], &to, &from);
	send_frame(to, hello);
	for (i = 0; i < warm + count; i++) {
		nanosleep(&spacing, NULL);
		begin = now_ns();
		send_frame(to, record);
		await_record(from);
		if (i >= warm)
			took[i - warm] = now_ns() - begin;
	}
	kill(-group, SIGKILL);
	waitpid(group, NULL, 0);
	qsort(took, count, sizeof(*took), by_value);
	printf("%lu %.1f %.1f %.1f %.1f\n", count, (double)took[count / 2] / 1e3, (double)took[count * 9 / 10] / 1e3,
	       (double)took[count * 99 / 100] / 1e3, (double)took[count - 1] / 1e3);
	free(took);
	return 0;
}
