/* SPDX-License-Identifier: MIT */
/* window.c - tumbling windows, and hopping ones by the same rule. */
#include "window.h"

#include <errno.h>

const char *ks_window_check(const struct ks_window_spec *spec)
{
	if (spec->size_ms <= 0)
		return "a window must be longer than 0";
	if (spec->advance_ms <= 0)
		return "the advance must be longer than 0";
	if (spec->advance_ms > spec->size_ms)
		return "the advance must not be longer than the window";
	if (spec->grace_ms < 0)
		return "the grace must not be negative";
	return NULL;
}

int ks_window_assign(const struct ks_window_spec *spec, int64_t time_ms, struct ks_window *out,
    size_t max, size_t *count)
{
	int64_t first, last, end, start, advance = spec->advance_ms;
	size_t i;

	*count = 0;
	if (time_ms < 0)
		return 0;
	first = time_ms - (spec->size_ms - advance);
	first = first < 0 ? 0 : first / advance * advance;
	last = time_ms / advance * advance;
	if (__builtin_add_overflow(last, spec->size_ms, &end))
		return ERANGE;
	*count = (size_t)((last - first) / advance) + 1;
	if (*count > max)
		return ENOSPC;
	for (i = 0, start = first; i < *count; i++, start += advance)
		out[i] = (struct ks_window){ start, start + spec->size_ms };
	return 0;
}
