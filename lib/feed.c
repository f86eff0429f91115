/* SPDX-License-Identifier: MIT */
/* feed.c - a stream of frames that a tool reads beside its input. */
#include "feed.h"

#include "signals.h"
#include "source.h"

static int broken(const struct ks_feed *f, const char *what, struct ks_err *err)
{
	return ks_fail(err, KS_DATA, "%s: %s", f->name, what);
}

static int take_record(struct ks_feed *f, struct ks_bytes payload, struct ks_err *err)
{
	struct ks_rec rec;
	const char *wrong = ks_rec_parse(payload, f->limits, &rec);

	if (wrong != NULL)
		return broken(f, wrong, err);
	return (rec.flags & KS_SIDE) != 0 ? 0 : f->put(f->arg, &rec, err);
}

static int take_barrier(struct ks_feed *f, struct ks_bytes payload, struct ks_err *err)
{
	struct ks_barrier b;
	const char *wrong = ks_barrier_parse(payload, &b);

	if (wrong != NULL)
		return broken(f, wrong, err);
	return f->barrier == NULL ? 0 : f->barrier(f->arg, &b, err);
}

static int take_frame(struct ks_feed *f, int type, struct ks_bytes payload, struct ks_err *err)
{
	if (type == KS_HELLO) {
		f->begun = true;
		f->ended = false;
		return 0;
	}
	if ((!f->begun || f->ended) && (type == KS_RECORD || type == KS_BARRIER || type == KS_END))
		return broken(f, "a record, barrier or END stands outside a section", err);
	if (type == KS_END)
		f->ended = true;
	return type == KS_RECORD ? take_record(f, payload, err) : type == KS_BARRIER ? take_barrier(f, payload, err) : 0;
}

int ks_feed_take(struct ks_feed *f, struct ks_bytes *left, struct ks_err *err)
{
	size_t size, max = f->limits->record > KS_CONTROL_MAX ? f->limits->record : KS_CONTROL_MAX;
	enum ks_frame_state state = KS_FRAME_WHOLE;
	struct ks_bytes payload;
	int type, status = 0;

	while (status == 0 && left->n > 0) {
		state = ks_frame_split(*left, max, &type, &payload, &size);
		if (state != KS_FRAME_WHOLE)
			break;
		status = take_frame(f, type, payload, err);
		*left = ks_bytes(left->p + size, left->n - size);
	}
	if (status == 0 && state == KS_FRAME_BAD)
		return broken(f, "it is no stream of frames", err);
	if (status == 0 && state == KS_FRAME_BIG)
		return broken(f, "a frame is larger than --max-record allows", err);
	return status;
}

static int read_source(struct ks_feed *f, struct ks_source *src, struct ks_err *err)
{
	struct ks_bytes left;
	int status;

	for (;;) {
		switch (src->next(src, true, err)) {
		case KS_NEXT_FAILED:
			return err->status;
		case KS_NEXT_OVER:
			return f->ended ? 0 : broken(f, "it ends without END: what wrote it has failed", err);
		case KS_NEXT_FRAMES:
		case KS_NEXT_WAIT:
			break;
		}
		left = src->chunk;
		status = ks_feed_take(f, &left, err);
		if (status != 0)
			return status;
		src->used = src->chunk.n - left.n;
		if (ks_signals_end() != 0)
			return ks_fail(err, KS_TEMP, "a signal came before %s was read to its end", f->name);
	}
}

int ks_feed_file(struct ks_feed *f, const char *path, enum ks_format format, const char *key, const struct ks_config *like,
    struct ks_err *err)
{
	struct ks_config config = {
		.program = like->program, .limits = *f->limits, .in = &path, .in_count = 1, .from = format, .from_given = true,
		.key_expr = key, .key_option = "--global-key", .unit_num = 1, .unit_den = 1, .on_bad_time = KS_POLICY_FAIL,
		.on_error = KS_POLICY_FAIL,
		.instances = 1, .count = -1, .end = KS_COMPLETE, .commit_interval_ms = like->commit_interval_ms,
	};
	struct ks_source *src = NULL;
	int status = (format == KS_FRAMES ? ks_source_frames : ks_source_text)(&config, -1, &src, err);

	if (status == 0)
		status = read_source(f, src, err);
	if (src != NULL)
		src->close(src);
	return status;
}
