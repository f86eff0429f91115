/* SPDX-License-Identifier: MIT */
/*
 * fdio.c - output that is copied and lent in any mixture is the same bytes in
 * the same order, through whatever pipe; input is followed by its pad.
 */
#include "lib/fdio.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/kit.h"

/* A reader at the other end of a small pipe: takes pieces, now and then slowly, and keeps them in a file. */
struct reader {
	pid_t pid;
	int write_end;
	char path[4200];
};

static void reader_loop(int from, int to, uint64_t seed)
{
	char bytes[9000];
	ssize_t n;

	for (;;) {
		n = read(from, bytes, 1 + kit_below(&seed, sizeof(bytes)));
		if (n <= 0)
			_exit(n < 0);
		if (write(to, bytes, (size_t)n) != n)
			_exit(1);
		if (kit_below(&seed, 50) == 0)
			usleep(300);
	}
}

static void reader_start(struct reader *r, uint64_t seed, bool nonblock)
{
	const char *tmp = getenv("TMPDIR");
	int fd[2], to;

	snprintf(r->path, sizeof(r->path), "%s/fdio-XXXXXX", tmp != NULL ? tmp : "/tmp");
	to = mkstemp(r->path);
	assert_true(to >= 0);
	assert_int_equal(pipe(fd), 0);
	assert_true(fcntl(fd[1], F_SETPIPE_SZ, 4096) >= 4096);
	if (nonblock)
		assert_int_equal(fcntl(fd[1], F_SETFL, O_NONBLOCK), 0);
	r->pid = fork();
	assert_true(r->pid >= 0);
	if (r->pid == 0) {
		close(fd[1]);
		reader_loop(fd[0], to, seed);
	}
	close(fd[0]);
	close(to);
	r->write_end = fd[1];
}

/* All has been written: what came must be want. */
static void reader_end(struct reader *r, const struct ks_buf *want)
{
	unsigned char *got = malloc(want->n + 2);
	FILE *f;
	int status;

	assert_non_null(got);
	close(r->write_end);
	assert_int_equal(waitpid(r->pid, &status, 0), r->pid);
	assert_int_equal(status, 0);
	f = fopen(r->path, "r");
	assert_non_null(f);
	assert_int_equal(fread(got, 1, want->n + 1, f), want->n);
	assert_memory_equal(got, want->p, want->n);
	fclose(f);
	unlink(r->path);
	free(got);
}

static size_t some_size(uint64_t *seed)
{
	static const size_t edge[] = { 0, 1, (32 << 10) - 1, 32 << 10, (32 << 10) + 1, KS_IO_SIZE - 1, KS_IO_SIZE, KS_IO_SIZE + 1, 3 * KS_IO_SIZE };

	return kit_below(seed, 60) == 0 ? edge[kit_below(seed, COUNT(edge))] : kit_below(seed, 300);
}

static void mixture(uint64_t seed, bool nonblock)
{
	static unsigned char lender[4 * KS_IO_SIZE];
	struct ks_buf want;
	struct reader r;
	struct ks_out o;
	unsigned char *p;
	size_t round, i, at = 0, n;
	int no;

	ks_buf_init(&want, (size_t)1 << 28);
	reader_start(&r, seed, nonblock);
	assert_int_equal(ks_out_open(&o, r.write_end), 0);
	for (i = 0; i < sizeof(lender); i++)
		lender[i] = (unsigned char)kit_random(&seed);
	for (round = 0; round < 4000; round++) {
		n = some_size(&seed);
		switch (kit_below(&seed, 12)) {
		case 0:
			assert_int_equal(ks_out_add(&o, lender, n), 0);
			assert_int_equal(ks_buf_add(&want, lender, n), 0);
			break;
		case 1:
			p = ks_out_room(&o, n, &no);
			assert_int_equal(no, 0);
			assert_non_null(p);
			memset(p, (int)round, n);
			assert_int_equal(ks_buf_add(&want, p, n), 0);
			ks_out_took(&o, p + n);
			break;
		case 2:
			assert_int_equal(ks_out_flush(&o), 0);
			assert_false(ks_out_pending(&o));
			break;
		case 3:	/* the lender's memory changes: only after settle */
			assert_int_equal(ks_out_settle(&o), 0);
			for (i = 0; i < sizeof(lender); i += 1 + kit_below(&seed, 64))
				lender[i] ^= 0x55;
			at = 0;
			break;
		case 4:	/* a gap: the runs do not touch */
			at += kit_below(&seed, 20);
			/* fall through */
		default:
			if (at + n > sizeof(lender))
				at = 0;
			if (at + n > sizeof(lender))
				break;
			assert_int_equal(ks_out_lend(&o, ks_bytes(lender + at, n)), 0);
			assert_int_equal(ks_buf_add(&want, lender + at, n), 0);
			at += n;
			break;
		}
	}
	assert_int_equal(ks_out_flush(&o), 0);
	assert_true(o.bytes == want.n);
	ks_out_release(&o);
	reader_end(&r, &want);
	ks_buf_release(&want);
}

static void blocking(void **state)
{
	uint64_t seed;

	(void)state;
	for (seed = 1; seed <= 4; seed++)
		mixture(seed, false);
}

static void nonblocking(void **state)
{
	uint64_t seed;

	(void)state;
	for (seed = 11; seed <= 14; seed++)
		mixture(seed, true);
}

static void swallowed(void **state)
{
	struct ks_out o;

	(void)state;
	assert_int_equal(ks_out_open(&o, -1), 0);
	assert_int_equal(ks_out_add(&o, "abc", 3), 0);
	assert_int_equal(ks_out_lend(&o, ks_str("def")), 0);
	assert_true(ks_out_pending(&o));
	assert_int_equal(ks_out_flush(&o), 0);
	assert_false(ks_out_pending(&o));
	ks_out_release(&o);
}

static void failures(void **state)
{
	struct ks_out o;
	int fd, ends[2];

	(void)state;
	fd = open("/dev/full", O_WRONLY);
	assert_true(fd >= 0);
	assert_int_equal(ks_out_open(&o, fd), 0);
	assert_int_equal(ks_out_add(&o, "abc", 3), 0);
	assert_int_equal(ks_out_flush(&o), ENOSPC);
	ks_out_release(&o);
	close(fd);
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe(ends), 0);
	close(ends[0]);
	assert_int_equal(ks_out_open(&o, ends[1]), 0);
	assert_int_equal(ks_out_lend(&o, ks_str("abc")), 0);
	assert_int_equal(ks_out_flush(&o), EPIPE);
	ks_out_release(&o);
	close(ends[1]);
	assert_int_equal(ks_out_open(&o, 999), 0);
	assert_int_equal(ks_out_add(&o, "abc", 3), 0);
	assert_int_equal(ks_out_flush(&o), EBADF);
	ks_out_release(&o);
}

static void check_pad(const struct ks_in *in)
{
	size_t i;

	for (i = 0; i < KS_PAD; i++)
		assert_int_equal(in->p[in->end + i], 0);
}

/* Written in pieces, used in other pieces, kept in part: nothing lost, nothing moved, the pad behind it. */
static void input(void **state)
{
	struct ks_buf sent, used;
	uint64_t seed = 21;
	struct ks_in in;
	unsigned char bytes[5000];
	size_t round, n, i;
	int ends[2];

	(void)state;
	ks_buf_init(&sent, (size_t)1 << 28);
	ks_buf_init(&used, (size_t)1 << 28);
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(ks_in_open(&in, ends[0], (size_t)1 << 20), 0);
	for (round = 0; round < 3000; round++) {
		n = 1 + kit_below(&seed, sizeof(bytes));
		for (i = 0; i < n; i++)
			bytes[i] = (unsigned char)kit_random(&seed);
		assert_int_equal(write(ends[1], bytes, n), n);
		assert_int_equal(ks_buf_add(&sent, bytes, n), 0);
		assert_int_equal(ks_in_fill(&in), 0);
		check_pad(&in);
		n = round % 100 < 90 ? kit_below(&seed, 3000) : in.end - in.start;
		if (n > in.end - in.start)
			n = in.end - in.start;
		assert_int_equal(ks_buf_add(&used, in.p + in.start, n), 0);
		in.start += n;
	}
	close(ends[1]);
	while (!in.eof)
		assert_int_equal(ks_in_fill(&in), 0);
	assert_int_equal(ks_buf_add(&used, in.p + in.start, in.end - in.start), 0);
	assert_true(in.bytes == sent.n && used.n == sent.n);
	assert_memory_equal(used.p, sent.p, sent.n);
	ks_in_release(&in);
	close(ends[0]);
	ks_buf_release(&sent);
	ks_buf_release(&used);
}

/* What is never used: refused when max bytes are held, and memory stays within a small multiple of it. */
static void input_max(void **state)
{
	struct ks_in in;
	int fd = open("/dev/zero", O_RDONLY), no = 0;
	size_t i;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(ks_in_open(&in, fd, 3 * KS_IO_SIZE), 0);
	for (i = 0; i < 100 && no == 0; i++)
		no = ks_in_fill(&in);
	assert_int_equal(no, EMSGSIZE);
	assert_true(in.end - in.start >= 3 * KS_IO_SIZE);
	assert_true(in.cap <= 8 * KS_IO_SIZE);
	in.start = in.end;
	assert_int_equal(ks_in_fill(&in), 0);
	ks_in_release(&in);
	close(fd);
	assert_int_equal(ks_in_open(&in, 999, 100), 0);
	assert_int_equal(ks_in_fill(&in), EBADF);
	ks_in_release(&in);
}

static void waiting(void **state)
{
	int in[2], wake[2];
	bool ready = true;
	int64_t before;

	(void)state;
	assert_int_equal(pipe(in), 0);
	assert_int_equal(pipe(wake), 0);
	before = ks_clock_ms();
	assert_int_equal(ks_wait(in[0], wake[0], 30, &ready), 0);
	assert_false(ready);
	assert_true(ks_clock_ms() - before >= 25);
	assert_int_equal(write(wake[1], "", 1), 1);
	assert_int_equal(ks_wait(in[0], wake[0], -1, &ready), 0);
	assert_false(ready);
	assert_int_equal(write(in[1], "x", 1), 1);
	assert_int_equal(ks_wait(in[0], wake[0], -1, &ready), 0);
	assert_true(ready);
	close(in[1]);
	assert_int_equal(ks_wait(in[0], -1, -1, &ready), 0);
	assert_true(ready);
	assert_true(ks_wall_ms() > INT64_C(1600000000000));
	close(in[0]);
	close(wake[0]);
	close(wake[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blocking), cmocka_unit_test(nonblocking), cmocka_unit_test(swallowed),
		cmocka_unit_test(failures), cmocka_unit_test(input), cmocka_unit_test(input_max), cmocka_unit_test(waiting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
