/* SPDX-License-Identifier: MIT */
/* sys.c - filling in errors. */
#include "sys.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Names and values of records get into messages: none may move the cursor of a terminal. */
static void scrub(char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			*text = '?';
}

int ks_fail(struct ks_err *err, int status, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	scrub(err->text);
	err->status = status;
	return status;
}

const char ks_no_memory[] = "no memory";

int ks_fail_memory(struct ks_err *err)
{
	return ks_fail(err, KS_TEMP, "%s", ks_no_memory);
}

bool ks_is_no_memory(const char *text)
{
	return strcmp(text, ks_no_memory) == 0;
}

const char ks_interrupted[] = "a signal came in the middle of a long record";

bool ks_is_interrupted(const char *text)
{
	size_t n = strlen(text), m = sizeof(ks_interrupted) - 1;

	return n >= m && strcmp(text + n - m, ks_interrupted) == 0;
}

int ks_fail_errno(struct ks_err *err, int status, int no, const char *fmt, ...)
{
	va_list ap;
	size_t n;

	va_start(ap, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	n = strlen(err->text);
	snprintf(err->text + n, sizeof(err->text) - n, ": %s", strerror(no));
	scrub(err->text);
	err->status = no == ENOMEM ? KS_TEMP : status;
	return err->status;
}

_Noreturn void ks_bug_at(const char *file, int line, const char *text)
{
	fprintf(stderr, "kstream: bug at %s:%d: %s\n", file, line, text);
	abort();
}
