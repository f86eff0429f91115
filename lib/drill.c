/* SPDX-License-Identifier: MIT */
/* drill.c - where a drill ends a process, and which rules it breaks. */
#include "drill.h"

#ifdef KS_DRILL
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* Whether wish, "POINT:N", is about this point, and this is the N-th time. */
static bool is_time(const char *wish, const char *point, unsigned long *left)
{
	const char *colon = wish != NULL ? strchr(wish, ':') : NULL;
	size_t n = strlen(point);

	if (colon == NULL || (size_t)(colon - wish) != n || memcmp(wish, point, n) != 0)
		return false;
	if (*left == 0)
		*left = strtoul(colon + 1, NULL, 10);
	if (--*left > 0)
		return false;
	*left = ULONG_MAX;	/* once */
	return true;
}

void ks_point(const char *point)
{
	static unsigned long fail, stop;

	if (is_time(getenv("KSTREAM_STOP"), point, &stop))
		raise(SIGSTOP);
	if (is_time(getenv("KSTREAM_FAIL"), point, &fail))
		raise(SIGKILL);
}

bool ks_keeps(const char *rule)
{
	const char *p = getenv("KSTREAM_BREAK");
	size_t n;

	for (; p != NULL; p = p[n] == ',' ? p + n + 1 : NULL) {
		n = strcspn(p, ",");
		if (n == strlen(rule) && memcmp(p, rule, n) == 0)
			return false;
	}
	return true;
}
#endif
