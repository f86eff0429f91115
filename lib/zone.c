/* SPDX-License-Identifier: MIT */
/* zone.c - glibc knows the rules: it is asked fortnight by fortnight, and between two that differ. */
#include "zone.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "buf.h"

#define DAY 86400
/* Nobody sets clocks twice within it (a Ramadan of Morocco's is 29 days). */
#define STEP ((time_t)14 * DAY)
#define FROM ((time_t)-2 * 366 * DAY)
#define CYCLE_FROM ((time_t)16756761600)	/* 2501-01-01: 400 years before, zones have settled on rules that repeat */
#define OFFSETS_MAX 4096u
#define FILE_MAX ((size_t)1 << 20)
#define HEAD 44u	/* bytes of a block's head */

static int64_t offset_at(time_t t)
{
	struct tm tm;

	return localtime_r(&t, &tm) != NULL ? (int64_t)tm.tm_gmtoff * 1000 : 0;
}

/* The first second of (low, high] with the offset of high. */
static time_t change_between(time_t low, time_t high, int64_t offset_ms)
{
	time_t middle;

	while (high - low > 1) {
		middle = low + (high - low) / 2;
		if (offset_at(middle) == offset_ms)
			high = middle;
		else
			low = middle;
	}
	return high;
}

static int walk(struct ks_calendar *c, struct ks_err *err)
{
	int64_t now, last = offset_at(FROM);
	time_t t;

	c->offsets = reallocarray(NULL, OFFSETS_MAX, sizeof(*c->offsets));
	if (c->offsets == NULL)
		return ks_fail_memory(err);
	c->offsets[0] = (struct ks_calendar_offset){ INT64_MIN, last };
	c->count = 1;
	c->cycle_from_ms = (int64_t)CYCLE_FROM * 1000;
	for (t = FROM; t < CYCLE_FROM && c->count < OFFSETS_MAX; t += STEP) {
		now = offset_at(t + STEP);
		if (now == last)
			continue;
		last = now;
		c->offsets[c->count++] = (struct ks_calendar_offset){
			(int64_t)change_between(t, t + STEP, now) * 1000, now };
	}
	return 0;
}

/* The file of the database: no path out of it, nor a rule as TZ may have.  0, ENOENT where it is none, or another error. */
static int read_zone(const char *name, struct ks_buf *file)
{
	const char *root = getenv("TZDIR"), *p;
	char path[512];
	int fd, no;

	if (name[0] == '/' || name[0] == '\0' || strstr(name, "..") != NULL)
		return ENOENT;
	for (p = name; *p != '\0'; p++)
		if (*p < '!' || *p > '~')
			return ENOENT;
	if (snprintf(path, sizeof(path), "%s/%s", root != NULL ? root : "/usr/share/zoneinfo", name) >= (int)sizeof(path))
		return ENOENT;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	no = ks_buf_read(file, fd);
	if (close(fd) != 0 && no == 0)
		no = errno;
	if (no == EISDIR)
		return ENOENT;
	return no == 0 && (file->n < HEAD || memcmp(file->p, "TZif", 4) != 0) ? ENOENT : no;
}

/* What a block of the file holds, from its head: RFC 8536.  times: bytes of one. */
static size_t block_size(const unsigned char *p, size_t times)
{
	return ks_get32(p + 32) * (times + 1) + (size_t)ks_get32(p + 36) * 6 + ks_get32(p + 40) +
	    ks_get32(p + 28) * (times + 4) + (size_t)ks_get32(p + 24) + ks_get32(p + 20);
}

/*
 * Whether glibc has loaded it: it falls back to UTC without a word when it
 * has no memory.  The last change of the file is compared with what it says.
 */
static bool is_loaded(struct ks_bytes file)
{
	const unsigned char *p = file.p, *type;
	size_t first = HEAD + block_size(p, 4), count, types, names;
	time_t t = 0;
	struct tm tm;

	if (p[4] < '2' || file.n < first + HEAD || file.n - first - HEAD < block_size(p + first, 8))
		return true;	/* of a version that nobody makes: it cannot be told */
	p += first;
	count = ks_get32(p + 32);
	types = ks_get32(p + 36);
	names = HEAD + count * 9 + types * 6;
	type = p + HEAD + count * 9;
	if (count > 0) {
		t = (time_t)ks_get64(p + HEAD + (count - 1) * 8);
		type += 6 * (size_t)p[HEAD + count * 9 - 1];
	}
	if (type >= p + names || type[5] >= ks_get32(p + 40) || p[names + ks_get32(p + 40) - 1] != '\0')
		return true;
	return localtime_r(&t, &tm) != NULL && tm.tm_gmtoff == (int32_t)ks_get32(type) &&
	    strcmp(tm.tm_zone, (const char *)p + names + type[5]) == 0;
}

static int load(struct ks_calendar *c, const char *name, struct ks_bytes file, struct ks_err *err)
{
	char *was = getenv("TZ"), *ours;
	int status;

	/* putenv, since setenv leaks where it fails. */
	if (asprintf(&ours, "TZ=%s", name) < 0)
		return ks_fail_memory(err);
	if (putenv(ours) != 0) {
		free(ours);
		return ks_fail_memory(err);
	}
	tzset();
	status = is_loaded(file) ? walk(c, err) : ks_fail_memory(err);
	/* The text that stood there stands there again, which takes no memory. */
	if (was == NULL)
		(void)unsetenv("TZ");
	else
		(void)putenv(was - strlen("TZ="));
	free(ours);
	tzset();
	return status;
}

int ks_zone_load(struct ks_calendar *c, const char *name, struct ks_err *err)
{
	struct ks_buf file;
	int no, status;

	if (strcmp(name, "UTC") == 0)
		return 0;	/* no offset is 0 */
	ks_buf_init(&file, FILE_MAX);
	no = read_zone(name, &file);
	if (no == 0)
		status = load(c, name, ks_buf_bytes(&file), err);
	else if (no == ENOENT || no == EMSGSIZE || no == ENOTDIR || no == EACCES)
		status = ks_fail(err, KS_USAGE, "--tz '%s' is no time zone of this system, as Europe/Paris or UTC", name);
	else
		status = ks_fail_errno(err, KS_IO, no, "cannot read the time zone of --tz '%s'", name);
	ks_buf_release(&file);
	return status;
}
