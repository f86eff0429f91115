/* SPDX-License-Identifier: MIT */
/*
 * source-recorded-blame.c - at which byte of which file a record is damaged.
 *
 * Records are handed on unread, with the place that they had in the stream that
 * was recorded.  So when one of them cannot be used, the files are gone through
 * once more for the first record that is wrong in that way.
 */
#include "source-recorded-impl.h"

#include <stdio.h>
#include <unistd.h>

/* What is wrong with the record, as who met it has said; NULL: nothing, or something else than text says. */
static const char *match(const struct recorded *s, struct ks_bytes payload, const char *text, char *where)
{
	struct ks_rec_guess guess = { .n = 0 };
	struct ks_rec rec;
	const char *what = ks_rec_parse_next(payload, &s->config->limits, &guess, &rec);
	enum ks_mp_error e;

	*where = '\0';
	if (what == NULL) {
		e = ks_mp_check(rec.value, s->config->limits.depth);
		what = e != KS_MP_OK ? ks_mp_strerror(e) : NULL;
		if (what == NULL || strstr(text, ks_where(&rec, where)) == NULL)
			return NULL;
	}
	return strstr(text, what) != NULL ? what : NULL;
}

/* Whether it is in this file: err says so then. */
static bool search(const struct recorded *s, const struct spot *x, struct ks_in *in, struct ks_err *err)
{
	enum ks_frame_state state = KS_FRAME_MORE;
	struct ks_bytes payload;
	char where[KS_WHERE];
	const char *what;
	size_t size = 0;
	int64_t at = 0;
	int type, no = 0;

	for (;; in->start += size, at += (int64_t)size) {
		while (no == 0 && (state = ks_frame_split(ks_bytes(in->p + in->start, in->end - in->start), s->max, &type, &payload, &size)) ==
		    KS_FRAME_MORE && !in->eof)
			no = ks_in_fill(in);
		if (no != 0 || state != KS_FRAME_WHOLE)
			return false;
		what = type == KS_RECORD ? match(s, payload, err->text, where) : NULL;
		if (what == NULL)
			continue;
		ks_fail(err, KS_DATA, "%s, byte %lld: %s%s%s", x->name, (long long)at, where, *where != '\0' ? ": " : "", what);
		return true;
	}
}

void ks_recorded_blame(struct ks_source *source, struct ks_err *err)
{
	const struct recorded *s = (const struct recorded *)source;
	struct ks_in in;
	bool found = false;
	size_t i;

	for (i = 0; i < s->count && !found; i++) {
		/* A pipe is gone. */
		if (s->spots[i].size < 0 || s->spots[i].in.p == NULL || lseek(s->spots[i].in.fd, 0, SEEK_SET) < 0 ||
		    ks_in_open(&in, s->spots[i].in.fd, s->max + KS_IO_SIZE) != 0)
			continue;
		found = search(s, &s->spots[i], &in, err);
		ks_in_release(&in);
	}
}
