/* SPDX-License-Identifier: MIT */
/* refusal.c - how often the same was refused in a row. */
#include "refusal.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* "EPOCH CODE COUNT", a line; what is none counts for nothing. */
static int read_count(int dir, int64_t epoch, int code)
{
	int fd = openat(dir, "refused", O_RDONLY | O_CLOEXEC | O_NOFOLLOW), count;
	char text[64], line[64];
	ssize_t n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;

	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	for (count = KS_REFUSAL_MAX - 1; count > 0; count--) {
		snprintf(line, sizeof(line), "%" PRId64 " %d %d\n", epoch, code, count);
		if (strcmp(line, text) == 0)
			break;
	}
	return count;
}

static void write_count(int dir, int64_t epoch, int code, int count)
{
	int fd = openat(dir, "refused.new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	bool good;

	if (fd < 0)
		return;
	good = dprintf(fd, "%" PRId64 " %d %d\n", epoch, code, count) > 0;
	close(fd);
	if (good)
		(void)renameat(dir, "refused.new", dir, "refused");
}

int ks_refusal_count(int dir, int64_t epoch, int code, struct ks_err *err)
{
	int count = read_count(dir, epoch, code) + 1;
	char why[sizeof(err->text)];

	if (count < KS_REFUSAL_MAX) {
		write_count(dir, epoch, code, count);
		return err->status;
	}
	(void)unlinkat(dir, "refused", 0);
	memcpy(why, err->text, sizeof(why));
	return ks_fail(err, KS_CONFIG, "%.450s; so it was %d times in a row behind epoch %lld, and to start again does not help", why,
	    KS_REFUSAL_MAX, (long long)epoch);
}
