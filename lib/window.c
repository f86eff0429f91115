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
	if (spec->offset_ms < 0 || spec->offset_ms >= spec->advance_ms)
		return "the first start must be within the first advance";
	return NULL;
}

int ks_window_span(const struct ks_window_spec *spec, int64_t time_ms, int64_t *first, int64_t *last)
{
	int64_t low, end, advance = spec->advance_ms, offset = spec->offset_ms;

	if (time_ms < offset)
		return ENOENT;
	*last = (time_ms - offset) / advance * advance + offset;
	if (__builtin_add_overflow(*last, spec->size_ms, &end))
		return ERANGE;
	low = time_ms - spec->size_ms + 1;
	*first = low <= offset ? offset : (low - offset + advance - 1) / advance * advance + offset;
	return 0;
}

int ks_window_assign(const struct ks_window_spec *spec, int64_t time_ms, struct ks_window *out,
    size_t max, size_t *count)
{
	int64_t first, last, start;
	size_t i;
	int no;

	*count = 0;
	no = ks_window_span(spec, time_ms, &first, &last);
	if (no != 0)
		return no == ENOENT ? 0 : no;
	*count = (size_t)((last - first) / spec->advance_ms) + 1;
	if (*count > max)
		return ENOSPC;
	for (i = 0, start = first; i < *count; i++, start += spec->advance_ms)
		out[i] = (struct ks_window){ start, start + spec->size_ms };
	return 0;
}
