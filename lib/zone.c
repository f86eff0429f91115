/* SPDX-License-Identifier: MIT */
/* zone.c - glibc knows the rules: it is asked fortnight by fortnight, and between two that differ. */
#include "zone.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DAY 86400
/* Nobody sets clocks twice within it (a Ramadan of Morocco's is 29 days). */
#define STEP ((time_t)14 * DAY)
#define FROM ((time_t)-2 * 366 * DAY)
#define CYCLE_FROM ((time_t)16756761600)	/* 2501-01-01: 400 years before, zones have settled on rules that repeat */
#define OFFSETS_MAX 4096u

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

/* Whether it names a file of the database: no path out of it, nor a rule as TZ may have. */
static bool is_zone(const char *name)
{
	const char *root = getenv("TZDIR"), *p;
	char path[512], magic[4] = "";
	FILE *f;
	bool is;

	if (strcmp(name, "UTC") == 0)
		return true;
	if (name[0] == '/' || name[0] == '\0' || strstr(name, "..") != NULL)
		return false;
	for (p = name; *p != '\0'; p++)
		if (*p < '!' || *p > '~')
			return false;
	if (snprintf(path, sizeof(path), "%s/%s", root != NULL ? root : "/usr/share/zoneinfo", name) >= (int)sizeof(path))
		return false;
	f = fopen(path, "rbe");
	if (f == NULL)
		return false;
	is = fread(magic, 1, 4, f) == 4 && memcmp(magic, "TZif", 4) == 0;
	return fclose(f) == 0 && is;
}

int ks_zone_load(struct ks_calendar *c, const char *name, struct ks_err *err)
{
	const char *was = getenv("TZ");
	char *kept = was != NULL ? strdup(was) : NULL;
	int status;

	if (!is_zone(name)) {
		free(kept);
		return ks_fail(err, KS_USAGE, "--tz '%s' is no time zone of this system, as Europe/Paris or UTC", name);
	}
	if ((was != NULL && kept == NULL) || setenv("TZ", name, 1) != 0) {
		free(kept);
		return ks_fail_memory(err);
	}
	tzset();
	status = walk(c, err);
	if (kept != NULL ? setenv("TZ", kept, 1) != 0 : unsetenv("TZ") != 0)
		status = ks_fail_memory(err);
	free(kept);
	tzset();
	return status;
}
