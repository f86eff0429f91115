/* SPDX-License-Identifier: MIT */
/*
 * win-late.c - what becomes of records that come too late for a window:
 * --late.
 *
 * A record is late for each window that refuses it.  Where it is kept, it
 * is the record as it came, once for each of them, with headers that say
 * which one, and how much too late:
 *
 *	__kstream.late.reason	"the window has closed"
 *	__kstream.late.start	of the window, ms
 *	__kstream.late.end
 *	__kstream.late.by	ms that event time is past the window's close
 *	__kstream.late.cut	bytes of the value, where letter.h has cut it
 *	__kstream.late.stage	--stage of the tool
 */
#include "win.h"

#include <stdlib.h>

#include "hello.h"
#include "letter.h"

int ks_win_late_open(struct ks_win *w)
{
	int status;

	if (w->spec.late == KS_WIN_LATE_DROP)
		return 0;
	w->lates = malloc(sizeof(*w->lates));
	if (w->lates == NULL)
		return ks_win_no_memory(w);
	ks_letters_init(w->lates, w->run->limits);
	if (w->spec.late != KS_WIN_LATE_FILE)
		return 0;
	status = ks_letters_to(w->lates, "--late", w->spec.late_to, w->run->err);
	return status == 0 ? ks_beside_check(&w->lates->file, w->run->config, w->run->err) : status;
}

int ks_win_late_forward(struct ks_win *w, struct ks_bytes payload, struct ks_buf *b)
{
	if (w->spec.late != KS_WIN_LATE_ROUTE)
		return 0;
	return ks_hello_add_side(b, payload, w->spec.late_to) == 0 ? 0 : ks_win_no_memory(w);
}

int ks_win_late_sync(struct ks_win *w)
{
	return w->lates != NULL && w->run->app ? ks_letters_sync(w->lates, w->run->err) : 0;
}

int ks_win_late_finish(struct ks_win *w)
{
	return w->lates != NULL ? ks_beside_finish(&w->lates->file, w->run->err) : 0;
}

void ks_win_late_close(struct ks_win *w)
{
	if (w->lates == NULL)
		return;
	ks_letters_release(w->lates);
	free(w->lates);
	w->lates = NULL;
}

int ks_win_late(struct ks_win *w, const struct ks_win_part *part, const struct ks_rec *rec, const struct ks_window *at)
{
	struct ks_letter_why why[] = {
		{ .name = "__kstream.late.reason", .text = ks_str("the window has closed") },
		{ .name = NULL },
		{ .name = NULL },
		{ .name = NULL },
		{ .name = "__kstream.late.stage", .text = ks_str(w->run->stage) },
	};
	struct ks_rec whole, late;
	int status;

	ks_late(w->run);
	if (KS_LIKELY(w->lates == NULL))
		return 0;
	whole = *rec;
	status = ks_value(w->run, &whole);
	if (status != 0)
		return status;
	ks_letter_number(&why[1], "__kstream.late.start", at->start_ms);
	ks_letter_number(&why[2], "__kstream.late.end", at->end_ms);
	ks_letter_number(&why[3], "__kstream.late.by", ks_win_close_time(w, part) - at->end_ms);
	status = ks_letter_make(w->lates, &whole, KS_SIDE_LATE, why, sizeof(why) / sizeof(why[0]), "__kstream.late.cut", &late,
	    w->run->err);
	if (status != 0)
		return status;
	if (w->spec.late == KS_WIN_LATE_FILE)
		return ks_letter_write(w->lates, &late, "a late record", w->run->err);
	late.route = ks_str(w->spec.late_to);
	return ks_emit(w->run, &late);
}
