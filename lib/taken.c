/* SPDX-License-Identifier: MIT */
/* taken.c - how often an instance has taken partitions from another one. */
#include "taken.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "fdio.h"
#include "num.h"

/* The times of the last minute, a line each, the newest last; what is no time, or is to come, does not count. */
static unsigned read_times(int dir, int64_t now, int64_t times[KS_TAKEN_MAX])
{
	int fd = openat(dir, "taken", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	char text[25 * KS_TAKEN_MAX], *line = text, *end;
	ssize_t n = fd >= 0 ? read(fd, text, sizeof(text)) : -1;
	unsigned count = 0;
	int64_t ms;

	if (fd >= 0)
		close(fd);
	for (; n > 0 && count < KS_TAKEN_MAX && (end = memchr(line, '\n', (size_t)(text + n - line))) != NULL; line = end + 1)
		if (ks_num_parse_i64(ks_bytes(line, (size_t)(end - line)), &ms) == 0 && ms <= now && ms > now - KS_TAKEN_MS)
			times[count++] = ms;
	return count;
}

int ks_taken_check(int dir, const char *app, const char *from, struct ks_err *err)
{
	int64_t times[KS_TAKEN_MAX];

	if (read_times(dir, ks_wall_ms(), times) < KS_TAKEN_MAX)
		return 0;
	return ks_fail(err, KS_CONFIG, "instance %s of app '%s' takes again what this one has taken from it %u times within a minute: "
	    "two layouts of instances run at once; stop one of them", from, app, KS_TAKEN_MAX);
}

void ks_taken_note(int dir)
{
	int64_t times[KS_TAKEN_MAX + 1], now = ks_wall_ms();
	unsigned count = read_times(dir, now, times), i;
	int fd = openat(dir, "taken.new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	bool good = fd >= 0;

	times[count++] = now;
	for (i = count > KS_TAKEN_MAX ? count - KS_TAKEN_MAX : 0; i < count; i++)
		good = good && dprintf(fd, "%lld\n", (long long)times[i]) > 0;
	if (fd >= 0)
		close(fd);
	if (good)
		(void)renameat(dir, "taken.new", dir, "taken");
}
