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
 *	__kstream.late.stage	--stage of the tool
 */
#include "win.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "envelope.h"
#include "fdio.h"
#include "hello.h"
#include "signals.h"

struct ks_win_lates {
	int fd;			/* of file:PATH, else -1 */
	bool written;		/* since it was synced */
	struct ks_buf headers, line;
};

int ks_win_late_open(struct ks_win *w)
{
	struct ks_win_lates *l;

	if (w->spec.late == KS_WIN_LATE_DROP)
		return 0;
	w->lates = l = calloc(1, sizeof(*l));
	if (l == NULL)
		return ks_win_no_memory(w);
	l->fd = -1;
	ks_buf_init(&l->headers, 2 * w->run->limits->record);
	ks_buf_init(&l->line, 8 * w->run->limits->record);
	if (w->spec.late != KS_WIN_LATE_FILE)
		return 0;
	return ks_signals_open_out(w->spec.late_to, O_APPEND, " of --late", &l->fd, w->run->err);
}

int ks_win_late_forward(struct ks_win *w, struct ks_bytes payload, struct ks_buf *b)
{
	if (w->spec.late != KS_WIN_LATE_ROUTE)
		return 0;
	return ks_hello_add_side(b, payload, w->spec.late_to) == 0 ? 0 : ks_win_no_memory(w);
}

int ks_win_late_sync(struct ks_win *w)
{
	struct ks_win_lates *l = w->lates;

	if (l == NULL || !l->written || l->fd < 0 || !w->run->app)
		return 0;
	l->written = false;
	/* EINVAL: a pipe or a terminal. */
	if (fsync(l->fd) != 0 && errno != EINVAL)
		return ks_fail_errno(w->run->err, KS_IO, errno, "cannot fsync '%s' of --late", w->spec.late_to);
	return 0;
}

int ks_win_late_finish(struct ks_win *w)
{
	int fd = w->lates != NULL ? w->lates->fd : -1;

	if (fd < 0)
		return 0;
	w->lates->fd = -1;
	if (close(fd) != 0)
		return ks_fail_errno(w->run->err, KS_IO, errno, "cannot close '%s' of --late", w->spec.late_to);
	return 0;
}

void ks_win_late_close(struct ks_win *w)
{
	struct ks_win_lates *l = w->lates;

	if (l == NULL)
		return;
	if (l->fd >= 0)
		close(l->fd);
	ks_buf_release(&l->headers);
	ks_buf_release(&l->line);
	free(l);
	w->lates = NULL;
}

static int add_text(struct ks_buf *b, const char *name, const char *text)
{
	struct ks_val v = { .type = KS_BIN, .b = ks_str(text) };
	int no = ks_mp_add_array_head(b, 2);

	if (no == 0)
		no = ks_mp_add_str(b, ks_str(name));
	return no != 0 ? no : ks_mp_add_val(b, &v);
}

static int add_number(struct ks_buf *b, const char *name, int64_t x)
{
	char text[32];

	snprintf(text, sizeof(text), "%lld", (long long)x);
	return add_text(b, name, text);
}

/* The record's own headers, then ours. */
static int build_headers(struct ks_win *w, const struct ks_rec *rec, const struct ks_window *at, int64_t by_ms)
{
	struct ks_buf *b = &w->lates->headers;
	struct ks_head head;
	int no;

	b->n = 0;
	if (ks_mp_head(rec->headers.p, rec->headers.p + rec->headers.n, &head) != KS_MP_OK)
		ks_bug("headers were not checked");
	if ((no = ks_mp_add_array_head(b, head.count + 5)) != 0 ||
	    (no = ks_buf_add(b, head.body, (size_t)(rec->headers.p + rec->headers.n - head.body))) != 0 ||
	    (no = add_text(b, "__kstream.late.reason", "the window has closed")) != 0 ||
	    (no = add_number(b, "__kstream.late.start", at->start_ms)) != 0 ||
	    (no = add_number(b, "__kstream.late.end", at->end_ms)) != 0 ||
	    (no = add_number(b, "__kstream.late.by", by_ms)) != 0)
		return no;
	return add_text(b, "__kstream.late.stage", w->run->stage);
}

static int append_line(struct ks_win *w, const struct ks_rec *rec)
{
	struct ks_win_lates *l = w->lates;
	const char *wrong;
	int no = 0;

	l->line.n = 0;
	wrong = ks_envelope_print(&l->line, rec, w->run->limits->depth);
	if (wrong == NULL && ks_buf_add(&l->line, "\n", 1) != 0)
		wrong = ks_no_memory;
	if (wrong != NULL)
		return ks_fail(w->run->err, ks_is_no_memory(wrong) ? KS_TEMP : KS_IO,
		    "cannot write a late record to '%s': %s", w->spec.late_to, wrong);
	no = ks_write_all(l->fd, ks_buf_bytes(&l->line));
	l->written = true;
	return no == 0 ? 0 : ks_fail_errno(w->run->err, KS_IO, no, "cannot write to '%s' of --late", w->spec.late_to);
}

int ks_win_late(struct ks_win *w, const struct ks_win_part *part, const struct ks_rec *rec, const struct ks_window *at)
{
	struct ks_rec late = *rec;
	int status;

	ks_late(w->run);
	if (KS_LIKELY(w->lates == NULL))
		return 0;
	status = ks_value(w->run, &late);
	if (status != 0)
		return status;
	if (build_headers(w, rec, at, ks_win_close_time(w, part) - at->end_ms) != 0)
		return ks_win_no_memory(w);
	late.frame = ks_bytes(NULL, 0);
	late.flags = (rec->flags & ~(uint32_t)KS_SIDE) | KS_SIDE_LATE;
	late.headers = ks_buf_bytes(&w->lates->headers);
	if (w->spec.late == KS_WIN_LATE_FILE)
		return append_line(w, &late);
	late.route = ks_str(w->spec.late_to);
	return ks_emit(w->run, &late);
}
