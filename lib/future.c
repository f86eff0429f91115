/* SPDX-License-Identifier: MIT */
/* future.c - --max-future: a time too far ahead of the clock is not believed. */
#include "future.h"

#include "fdio.h"

int ks_future_option(struct ks_future *f, const char *value, struct ks_err *err)
{
	f->given = true;
	f->max_ms = INT64_MAX;
	return strcmp(value, "off") == 0 ? 0 : ks_options_duration("max-future", value, &f->max_ms, err);
}

void ks_future_begin(struct ks_future *f, bool live, bool heeds)
{
	f->now_max_ms = f->given ? f->max_ms : live ? KS_FUTURE_MS : INT64_MAX;
	f->known_ms = heeds && f->now_max_ms < INT64_MAX ? INT64_MIN : INT64_MAX;
}

bool ks_future_ask(struct ks_future *f, int64_t time_ms)
{
	if (__builtin_add_overflow(ks_wall_ms(), f->now_max_ms, &f->known_ms))
		f->known_ms = INT64_MAX;
	return time_ms > f->known_ms;
}

int ks_future_reject(struct ks_run *run, const struct ks_rec *rec)
{
	return ks_reject(run, rec, "time %lld is further ahead of the clock than --max-future allows", (long long)rec->time_ms);
}

bool ks_future_mark(struct ks_future *f, struct ks_mark *m, int64_t stream_ms)
{
	if (KS_LIKELY(!ks_future_is(f, m->time_ms)))
		return false;
	m->time_ms = stream_ms < 0 ? 0 : stream_ms;
	if (m->idle)
		return false;
	m->partition = -1;
	return true;
}
