/* SPDX-License-Identifier: MIT */
/* source-recorded-index.c - FILE.index, used or made again. */
#include "source-recorded-impl.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "stats.h"

static void tell(const struct recorded *s, bool always, const char *name, const char *what)
{
	struct ks_err said;

	ks_fail(&said, 0, "%s.index %s", name, what);
	if (always ? !s->config->quiet : s->config->verbose > 0)
		ks_say(s->config->program, said.text);
}

/* One frame after another, from the beginning: *whole where they end as they should. */
static int hop_frames(struct recorded *s, const struct spot *x, struct ks_in *in, struct ks_recording *index, bool *whole, struct ks_err *err)
{
	enum ks_frame_state state = KS_FRAME_MORE;
	struct ks_rec_guess guess = { .n = 0 };
	struct ks_bytes payload;
	struct ks_rec rec;
	size_t size = 0;
	int64_t at = 0;
	int type, no = 0;
	bool timed;

	*whole = false;
	for (;; in->start += size, at += (int64_t)size) {
		while (no == 0 && (state = ks_frame_split(ks_bytes(in->p + in->start, in->end - in->start), s->max, &type, &payload, &size)) ==
		    KS_FRAME_MORE && !in->eof)
			no = ks_in_fill(in);
		if (no != 0)
			return no == ENOMEM ? ks_fail_memory(err) : ks_fail_errno(err, KS_IO, no, "cannot read '%s'", x->name);
		if (state != KS_FRAME_WHOLE)
			return 0;
		*whole = type == KS_END;
		timed = type == KS_RECORD && ks_rec_parse_next(payload, &s->config->limits, &guess, &rec) == NULL &&
		    (rec.flags & KS_SIDE) == 0 && (rec.flags & KS_TIME_TYPE) != KS_TIME_NONE;
		/* What is within a section may be passed over with it; the first HELLO and the last END are at the edges. */
		if ((type == KS_RECORD || ((type == KS_HELLO || type == KS_END) && index->count > 0 && at + (int64_t)size < x->size)) &&
		    ks_recording_add(index, at, size, timed, timed ? rec.time_ms : 0) != 0)
			return ks_fail_memory(err);
	}
}

static int make_index(struct recorded *s, struct spot *x, struct ks_err *err)
{
	struct ks_err why = { .status = 0 };
	struct ks_in in;
	bool whole;
	int status;

	if (ks_in_open(&in, x->in.fd, s->max + KS_IO_SIZE) != 0)
		return ks_fail_memory(err);
	status = hop_frames(s, x, &in, &x->index, &whole, err);
	ks_in_release(&in);
	if (status != 0)
		return status;
	if (lseek(x->in.fd, 0, SEEK_SET) < 0)
		return ks_fail_errno(err, KS_IO, errno, "cannot read '%s'", x->name);
	if (!whole) {
		ks_recording_release(&x->index);	/* what is wrong with it is told where it is read */
		return 0;
	}
	if (ks_recording_write(x->name, x->in.fd, x->size, &x->index, &why) != 0)
		tell(s, true, x->name, why.text);
	return 0;
}

/* With a range: where it stands in the file. */
int ks_recorded_index(struct recorded *s, struct spot *x, struct ks_err *err)
{
	const char *why;
	char text[120];
	bool there;
	int status;

	if (x->size < 0 || (!s->config->has_since && !s->config->has_until))
		return 0;
	status = ks_recording_read(x->name, x->in.fd, x->size, &x->index, &there, &why, err);
	if (status != 0 || why == NULL)
		return status;
	snprintf(text, sizeof(text), there ? "%s, and is made again" : "%s: all of the file is read", why);
	tell(s, there, x->name, text);
	return there ? make_index(s, x, err) : 0;
}

