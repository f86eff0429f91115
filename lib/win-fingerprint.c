/* SPDX-License-Identifier: MIT */
/* win-fingerprint.c - what a state of windows was made with, line by line as a command line would say it. */
#include "win.h"

#include <errno.h>

static const char *const emits[] = { "update", "commit", "close", "every" };
static const char *const units[] = { "day", "week", "month" };

static int add_ms(struct ks_buf *b, const char *option, int64_t ms)
{
	return ks_buf_printf(b, "--%s %lldms\n", option, (long long)ms);
}

static int add_shape(const struct ks_win *w, struct ks_buf *b)
{
	const struct ks_win_spec *s = &w->spec;
	const struct ks_win_shape *shape = s->shape;
	int no;

	if (shape == &ks_win_unlimited || shape == &ks_win_running)
		return ks_buf_printf(b, "windows --%s\n", s->shape_name);
	if (shape == &ks_win_counted)
		return ks_buf_printf(b, "windows --count-window %u\n--advance %u\n", s->count, s->step);
	if (shape != &ks_win_calendar) {
		no = ks_buf_printf(b, "windows --%s %lldms\n", s->shape_name, (long long)s->window.size_ms);
		return no == 0 && shape == &ks_win_hop ? add_ms(b, "advance", s->window.advance_ms) : no;
	}
	no = ks_buf_printf(b, "windows --calendar %s\n--tz %s\n", units[s->calendar.unit], s->tz != NULL ? s->tz : "UTC");
	return no == 0 ? add_ms(b, "day-start", s->calendar.day_start_ms) : no;
}

int ks_win_fingerprint(const struct ks_win *w, struct ks_buf *b)
{
	const struct ks_win_spec *s = &w->spec;
	int i, no = add_shape(w, b);

	if (no == 0 && s->align_first)
		no = ks_buf_printf(b, "--align start\n");
	else if (no == 0 && s->has_align)
		no = add_ms(b, "align", s->window.offset_ms);
	if (no == 0 && s->window.grace_ms > 0)
		no = add_ms(b, "grace", s->window.grace_ms);
	if (no == 0 && s->emit == KS_WIN_EVERY)
		no = ks_buf_printf(b, "--emit every:%lldms\n", (long long)s->every_ms);
	else if (no == 0)
		no = ks_buf_printf(b, "--emit %s\n", emits[s->emit]);
	/* Numbered, since states stand in the order of what is folded into them. */
	for (i = 0; i < w->clause_count && no == 0; i++)
		no = ks_buf_printf(b, "clause-%d '%s'\n", i + 1, w->clauses[i]);
	return no != 0 ? no : ks_buf_add(b, "", 1);
}
