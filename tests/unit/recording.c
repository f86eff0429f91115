/* SPDX-License-Identifier: MIT */
/* recording.c - blocks of an index, and what is no index. */
#include "lib/recording.h"

#include <fcntl.h>
#include <unistd.h>

#include "lib/hash.h"
#include "tests/unit/kit.h"

#define BLOCK ((size_t)KS_RECORDING_BLOCK)

static const char path[] = "recording-unit";

/* A file of size bytes, all zero: the index only looks at what it holds. */
static int file_of(off_t size)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, size), 0);
	return fd;
}

static void blocks(void **state)
{
	struct ks_recording x = { .count = 0 };

	(void)state;
	assert_int_equal(ks_recording_add(&x, 100, 50, true, 5), 0);
	assert_int_equal(ks_recording_add(&x, 150, BLOCK - 51, true, INT64_MIN), 0);
	assert_int_equal(ks_recording_add(&x, 99 + (int64_t)BLOCK, 2 * BLOCK, true, 9), 0);	/* the last that begins within */
	assert_int_equal(x.count, 1);
	assert_true(x.blocks[0].offset == 100 && x.blocks[0].least_ms == INT64_MIN && x.blocks[0].most_ms == 9);
	assert_int_equal(ks_recording_add(&x, 99 + 3 * (int64_t)BLOCK, 7, true, 20), 0);
	assert_int_equal(x.count, 2);
	assert_true(x.end == 106 + 3 * (int64_t)BLOCK);
	/* [20, 20]: until is not of the range, since is */
	assert_false(ks_recording_outside(&x, 1, 20, 21));
	assert_true(ks_recording_outside(&x, 1, 21, INT64_MAX));
	assert_true(ks_recording_outside(&x, 1, INT64_MIN, 20));
	/* what has no time is read whatever is asked for, but for nothing at all */
	assert_int_equal(ks_recording_add(&x, x.end, 7, false, 0), 0);
	assert_false(ks_recording_outside(&x, 1, 21, INT64_MAX));
	assert_false(ks_recording_outside(&x, 1, INT64_MIN, 20));
	ks_recording_release(&x);
}

/* What was written is read; with any byte changed, cut or longer, or for another file, it is wrong, and says why. */
static void damage(void **state)
{
	struct ks_recording x = { .count = 0 }, y;
	unsigned char bytes[200];
	struct ks_err err;
	const char *why;
	int fd = file_of(5 * (off_t)BLOCK), at;
	ssize_t n, i;
	bool there;

	(void)state;
	for (i = 0; i < 4; i++)
		assert_int_equal(ks_recording_add(&x, i * (int64_t)BLOCK, BLOCK, true, i * 10), 0);
	assert_int_equal(ks_recording_read(path, fd, 5 * (int64_t)BLOCK, &y, &there, &why, &err), 0);
	assert_false(there);
	assert_int_equal(ks_recording_write(path, fd, 5 * (int64_t)BLOCK, &x, &err), 0);
	assert_int_equal(ks_recording_read(path, fd, 5 * (int64_t)BLOCK, &y, &there, &why, &err), 0);
	assert_true(there && why == NULL && y.count == 4 && y.end == 4 * (int64_t)BLOCK);
	assert_memory_equal(x.blocks, y.blocks, 4 * sizeof(x.blocks[0]));
	ks_recording_release(&y);
	at = open("recording-unit.index", O_RDWR | O_CLOEXEC);
	n = read(at, bytes, sizeof(bytes));
	assert_int_equal(n, 48 + 4 * 24 + 8);
	for (i = 0; i < n; i++) {
		bytes[i] ^= 0x40;
		assert_int_equal(pwrite(at, bytes, (size_t)n, 0), n);
		assert_int_equal(ks_recording_read(path, fd, 5 * (int64_t)BLOCK, &y, &there, &why, &err), 0);
		assert_non_null(why);
		assert_int_equal(y.count, 0);
		bytes[i] ^= 0x40;
	}
	assert_int_equal(pwrite(at, bytes, (size_t)n, 0), n);
	/* more blocks than there are bytes, sealed well */
	ks_put64(bytes + 40, UINT64_MAX / 24);
	ks_put64(bytes + n - 8, ks_hash(ks_bytes(bytes, (size_t)n - 8), 0));
	assert_int_equal(pwrite(at, bytes, (size_t)n, 0), n);
	assert_int_equal(ks_recording_read(path, fd, 5 * (int64_t)BLOCK, &y, &there, &why, &err), 0);
	assert_string_equal(why, "is damaged");
	ks_put64(bytes + 40, 4);
	/* offsets that fall, sealed well */
	ks_put64(bytes + 48 + 24, 0);
	ks_put64(bytes + n - 8, ks_hash(ks_bytes(bytes, (size_t)n - 8), 0));
	assert_int_equal(pwrite(at, bytes, (size_t)n, 0), n);
	assert_int_equal(ks_recording_read(path, fd, 5 * (int64_t)BLOCK, &y, &there, &why, &err), 0);
	assert_string_equal(why, "is damaged");
	/* a file that has grown, and one of the size with other bytes */
	assert_int_equal(ks_recording_write(path, fd, 5 * (int64_t)BLOCK, &x, &err), 0);
	assert_int_equal(ftruncate(fd, 6 * (off_t)BLOCK), 0);
	assert_int_equal(ks_recording_read(path, fd, 6 * (int64_t)BLOCK, &y, &there, &why, &err), 0);
	assert_string_equal(why, "is that of another file");
	assert_int_equal(ftruncate(fd, 5 * (off_t)BLOCK), 0);
	assert_int_equal(pwrite(fd, "x", 1, 5 * (off_t)BLOCK - 1), 1);
	assert_int_equal(ks_recording_read(path, fd, 5 * (int64_t)BLOCK, &y, &there, &why, &err), 0);
	assert_string_equal(why, "is that of another file");
	close(at);
	close(fd);
	ks_recording_release(&x);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(unlink("recording-unit.index"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(blocks), cmocka_unit_test(damage) };
	const char *tmp = getenv("TMPDIR");

	if (chdir(tmp != NULL ? tmp : "/tmp") != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
