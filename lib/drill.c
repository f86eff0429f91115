/* SPDX-License-Identifier: MIT */
/* drill.c - where a drill ends a process, and which rules it breaks. */
#include "drill.h"

#ifdef KS_DRILL
#include <signal.h>
#include <stdlib.h>
#include <string.h>

void ks_point(const char *point)
{
	static unsigned long left;
	const char *fail = getenv("KSTREAM_FAIL"), *colon = fail != NULL ? strchr(fail, ':') : NULL;
	size_t n = strlen(point);

	if (colon == NULL || (size_t)(colon - fail) != n || memcmp(fail, point, n) != 0)
		return;
	if (left == 0)
		left = strtoul(colon + 1, NULL, 10);
	if (--left == 0)
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
