/* SPDX-License-Identifier: MIT */
/* win-options.c - kstream-window's command line: what an option means, and what goes with what. */
#include "win.h"

#include <errno.h>

#include "num.h"
#include "win-time.h"
#include "zone.h"

#define WINDOWS_MAX 100000	/* that one record may be in */
#define COUNT_MAX 1000000

static int duration(const char *name, const char *value, bool zero, int64_t *ms, struct ks_err *err)
{
	int status = ks_options_duration(name, value, ms, err);

	if (status != 0)
		return status;
	return zero || *ms > 0 ? 0 : ks_fail(err, KS_USAGE, "--%s %s: it must be longer than 0", name, value);
}

static int number(const char *name, const char *value, int64_t max, int64_t *x, struct ks_err *err)
{
	if (ks_num_parse_i64(ks_str(value), x) != 0 || *x < 1 || *x > max)
		return ks_fail(err, KS_USAGE, "--%s '%s' is no number from 1 to %lld", name, value, (long long)max);
	return 0;
}

static int set_calendar(struct ks_win_spec *spec, const char *value, struct ks_err *err)
{
	static const char *const units[] = { [KS_CALENDAR_DAY] = "day", [KS_CALENDAR_WEEK] = "week",
		[KS_CALENDAR_MONTH] = "month" };
	unsigned i;

	for (i = 0; i < 3; i++) {
		if (strcmp(value, units[i]) == 0) {
			spec->calendar.unit = (enum ks_calendar_unit)i;
			return 0;
		}
	}
	return ks_fail(err, KS_USAGE, "--calendar '%s': it is day, week or month", value);
}

static int set_shape(struct ks_win_spec *spec, const char *name, const char *value, struct ks_err *err)
{
	static const struct {
		const char *name;
		const struct ks_win_shape *shape;
		bool sized;
	} shapes[] = {
		{ "tumble", &ks_win_tumble, true }, { "hop", &ks_win_hop, true }, { "slide", &ks_win_slide, true },
		{ "session", &ks_win_session, true }, { "calendar", &ks_win_calendar, false },
		{ "count-window", &ks_win_counted, false }, { "unlimited", &ks_win_unlimited, false },
		{ "running", &ks_win_running, false },
	};
	int64_t x;
	size_t i;
	int status;

	for (i = 0; strcmp(shapes[i].name, name) != 0; i++)
		if (i + 1 == sizeof(shapes) / sizeof(shapes[0]))
			ks_bug("an option that nobody knows");
	if (spec->shape != NULL && strcmp(spec->shape_name, name) != 0)
		return ks_fail(err, KS_USAGE, "--%s and --%s: a record has one shape of windows, so give one", spec->shape_name, name);
	spec->shape = shapes[i].shape;
	spec->shape_name = shapes[i].name;
	if (shapes[i].sized)
		return duration(name, value, false, &spec->window.size_ms, err);
	if (spec->shape == &ks_win_calendar)
		return set_calendar(spec, value, err);
	if (spec->shape != &ks_win_counted)
		return 0;
	status = number(name, value, COUNT_MAX, &x, err);
	spec->count = (uint32_t)x;
	return status;
}

/* every:5m, or a blank between. */
static int set_emit(struct ks_win_spec *spec, const char *value, struct ks_err *err)
{
	static const char *const words[] = { [KS_WIN_UPDATE] = "update", [KS_WIN_COMMIT] = "commit", [KS_WIN_CLOSE] = "close" };
	unsigned i;

	for (i = 0; i < 3; i++) {
		if (strcmp(value, words[i]) == 0) {
			spec->emit = (enum ks_win_emit)i;
			return 0;
		}
	}
	if (strncmp(value, "every", 5) != 0 || (value[5] != ':' && value[5] != ' '))
		return ks_fail(err, KS_USAGE, "--emit '%s': it is update, commit, close or every:DURATION", value);
	spec->emit = KS_WIN_EVERY;
	return duration("emit every", value + 6, true, &spec->every_ms, err);
}

static int set_late(struct ks_win_spec *spec, const char *value, struct ks_err *err)
{
	if (strcmp(value, "drop") == 0) {
		spec->late = KS_WIN_LATE_DROP;
		return 0;
	}
	if (strncmp(value, "file:", 5) == 0 && value[5] != '\0') {
		spec->late = KS_WIN_LATE_FILE;
		spec->late_to = value + 5;
		return 0;
	}
	if (strncmp(value, "route:", 6) != 0)
		return ks_fail(err, KS_USAGE, "--late '%s': it is drop, route:TOPIC or file:PATH", value);
	if (!ks_is_name(value + 6, strlen(value + 6)))
		return ks_fail(err, KS_USAGE, "--late route:'%s' is no name of a topic", value + 6);
	spec->late = KS_WIN_LATE_ROUTE;
	spec->late_to = value + 6;
	return 0;
}

static int set_key(struct ks_win_spec *spec, const char *value, struct ks_err *err)
{
	static const char *const words[] = { [KS_WIN_KEY_WINDOW] = "window", [KS_WIN_KEY_PLAIN] = "plain",
		[KS_WIN_KEY_KAFKA] = "kafka", [KS_WIN_KEY_ISO] = "iso" };
	unsigned i;

	for (i = 0; i < 4; i++) {
		if (strcmp(value, words[i]) == 0) {
			spec->key_as = (enum ks_win_key)i;
			return 0;
		}
	}
	return ks_fail(err, KS_USAGE, "--key-as '%s': it is window, plain, kafka or iso", value);
}

static int set_align(struct ks_win_spec *spec, const char *value, struct ks_err *err)
{
	spec->has_align = true;
	spec->align_first = strcmp(value, "start") == 0;
	if (spec->align_first)
		return 0;
	if (ks_num_parse_time(ks_str(value), &spec->align_ms) != 0)
		return ks_fail(err, KS_USAGE, "--align '%s' is neither start nor a time, as in 2026-11-22T18:00Z or @ms", value);
	return spec->align_ms >= 0 ? 0 : ks_fail(err, KS_USAGE, "--align %s: windows start in 1970 or later", value);
}

static bool pair(const char *p, int most, int *x)
{
	if (p[0] < '0' || p[0] > '9' || p[1] < '0' || p[1] > '9')
		return false;
	*x = 10 * (p[0] - '0') + (p[1] - '0');
	return *x <= most;
}

static int set_day_start(struct ks_win_spec *spec, const char *value, struct ks_err *err)
{
	int hour = 0, minute = 0;

	if (strlen(value) != 5 || value[2] != ':' || !pair(value, 23, &hour) || !pair(value + 3, 59, &minute))
		return ks_fail(err, KS_USAGE, "--day-start '%s' is no time of day, as in 18:00", value);
	spec->has_day_start = true;
	spec->calendar.day_start_ms = (hour * INT64_C(60) + minute) * 60000;
	return 0;
}

int ks_win_option(struct ks_win_spec *spec, const char *name, const char *value, struct ks_err *err)
{
	int64_t x;
	int status;

	if (strcmp(name, "advance") == 0) {
		spec->advance = value;
		return 0;
	}
	if (strcmp(name, "tz") == 0) {
		spec->tz = value;
		return 0;
	}
	if (strcmp(name, "grace") == 0) {
		spec->has_grace = true;
		return duration(name, value, true, &spec->window.grace_ms, err);
	}
	if (strcmp(name, "max-future") == 0)
		return ks_future_option(&spec->future, value, err);
	if (strcmp(name, "max-records") == 0) {
		status = number(name, value, INT64_MAX, &x, err);
		spec->max_records = (uint64_t)x;
		return status;
	}
	if (strcmp(name, "emit") == 0)
		return set_emit(spec, value, err);
	if (strcmp(name, "late") == 0)
		return set_late(spec, value, err);
	if (strcmp(name, "key-as") == 0)
		return set_key(spec, value, err);
	if (strcmp(name, "align") == 0)
		return set_align(spec, value, err);
	if (strcmp(name, "day-start") == 0)
		return set_day_start(spec, value, err);
	return set_shape(spec, name, value, err);
}

/* An option that is about other shapes. */
static int stray(const struct ks_win_spec *spec, const char *option, const char *shapes, struct ks_err *err)
{
	return ks_fail(err, KS_USAGE, "--%s is for %s, not for --%s", option, shapes, spec->shape_name);
}

static int check_advance(struct ks_win_spec *spec, struct ks_err *err)
{
	struct ks_window_spec *win = &spec->window;
	int64_t x;
	int status;

	win->advance_ms = win->size_ms;
	spec->step = 1;
	if (spec->shape == &ks_win_counted && spec->advance != NULL) {
		status = number("advance", spec->advance, COUNT_MAX, &x, err);
		if (status != 0)
			return status;
		spec->step = (uint32_t)x;
		if (spec->step > spec->count)
			return ks_fail(err, KS_USAGE, "--advance %s must not be more than --count-window %u", spec->advance, spec->count);
		return 0;
	}
	if (spec->shape != &ks_win_hop)
		return spec->advance == NULL ? 0 : stray(spec, "advance", "--hop and --count-window", err);
	if (spec->advance == NULL)
		return ks_fail(err, KS_USAGE, "--hop: how far is it from one window to the next?  as in --advance 1m");
	status = duration("advance", spec->advance, false, &win->advance_ms, err);
	if (status != 0)
		return status;
	if (win->advance_ms > win->size_ms)
		return ks_fail(err, KS_USAGE, "--advance %s must not be longer than --hop: records would be in no window", spec->advance);
	if (win->size_ms / win->advance_ms > WINDOWS_MAX)
		return ks_fail(err, KS_USAGE, "--advance %s: each record would be in more than %d windows", spec->advance, WINDOWS_MAX);
	return 0;
}

static int check_strays(const struct ks_win_spec *spec, struct ks_err *err)
{
	const struct ks_win_shape *s = spec->shape;
	bool placed = s == &ks_win_tumble || s == &ks_win_hop;

	if (spec->has_align && !placed && (s != &ks_win_unlimited || spec->align_first))
		return stray(spec, "align", spec->align_first ? "--tumble and --hop" : "--tumble, --hop and --unlimited", err);
	if (spec->tz != NULL && s != &ks_win_calendar)
		return stray(spec, "tz", "--calendar", err);
	if (spec->has_day_start && s != &ks_win_calendar)
		return stray(spec, "day-start", "--calendar", err);
	if (spec->has_grace && (s == &ks_win_counted || s == &ks_win_unlimited || s == &ks_win_running))
		return stray(spec, "grace", "windows that close", err);
	if (spec->late != KS_WIN_LATE_DROP && (s == &ks_win_counted || s == &ks_win_unlimited || s == &ks_win_running))
		return stray(spec, "late", "windows that close", err);
	if (spec->key_as != KS_WIN_KEY_WINDOW && s == &ks_win_running)
		return stray(spec, "key-as", "windows", err);
	if (spec->max_records > 0 && spec->emit != KS_WIN_EVERY)
		return ks_fail(err, KS_USAGE, "--max-records is for --emit every:DURATION");
	return 0;
}

int ks_win_check(struct ks_win *w, struct ks_err *err)
{
	struct ks_win_spec *spec = &w->spec;
	const char *wrong;
	int status;

	if (spec->shape == NULL)
		return ks_fail(err, KS_USAGE, 
		    "over which records?  as in --tumble 1m, or --hop, --slide, --session, --calendar, --count-window, --unlimited, --running");
	status = check_strays(spec, err);
	if (status == 0)
		status = check_advance(spec, err);
	if (status == 0 && spec->shape == &ks_win_calendar)
		status = ks_zone_load(&spec->calendar, spec->tz != NULL ? spec->tz : "UTC", err);
	if (status != 0)
		return status;
	if (spec->shape == &ks_win_hop || spec->shape == &ks_win_tumble)
		spec->window.offset_ms = spec->align_ms % spec->window.advance_ms;
	w->shape = ks_win_can_pane(w) ? &ks_win_paned : spec->shape;
	w->hold_ms = spec->window.grace_ms;
	w->timeless = w->shape->timeless && spec->emit != KS_WIN_EVERY;
	w->asks_fresh = spec->emit == KS_WIN_COMMIT;
	wrong = w->shape->check != NULL ? w->shape->check(w) : NULL;
	return wrong == NULL ? 0 : ks_fail(err, KS_USAGE, "--%s: %s", spec->shape_name, wrong);
}
