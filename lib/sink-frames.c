/* SPDX-License-Identifier: MIT */
/* sink-frames.c - frames as they are: what stands between two tools. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sink.h"

struct frames {
	struct ks_sink sink;
	int64_t hop;		/* records since the last barrier */
	size_t max;		/* bytes of a frame that the next tool takes */
	struct ks_buf control;
};

int ks_sink_failed(const struct ks_sink *s, int no, struct ks_err *err)
{
	if (no == EPIPE)
		return ks_fail(err, KS_TEMP, "the reader of %s has gone", s->name);
	if (no == ENOMEM)
		return ks_fail_memory(err);
	return ks_fail_errno(err, KS_IO, no, "cannot write to %s", s->name);
}

static int done(struct ks_sink *s, int no, struct ks_err *err)
{
	return KS_LIKELY(no == 0) ? 0 : ks_sink_failed(s, no, err);
}

static int frames_frame(struct ks_sink *s, struct ks_bytes raw, struct ks_err *err)
{
	return done(s, ks_out_add(&s->out, raw.p, raw.n), err);
}

static int frames_hello(struct ks_sink *s, const struct ks_hello_view *h, struct ks_bytes raw,
    struct ks_err *err)
{
	(void)h;
	((struct frames *)s)->hop = 0;
	return frames_frame(s, raw, err);
}

static int frames_record(struct ks_sink *s, const struct ks_rec *rec, struct ks_err *err)
{
	struct frames *f = (struct frames *)s;
	unsigned char *o, *end;
	int no;

	if (rec->frame.p != NULL) {
		f->hop++;
		return done(s, ks_out_lend(&s->out, rec->frame), err);
	}
	o = ks_out_room(&s->out, ks_rec_size(rec), &no);
	if (o == NULL)
		return ks_sink_failed(s, no, err);
	end = ks_rec_put(o, rec);
	if ((size_t)(end - o) > f->max)
		return ks_fail(err, KS_DATA, "the record is larger than --max-record allows");
	ks_out_took(&s->out, end);
	f->hop++;
	return 0;
}

/*
 * The head of the frame as it came, where it would be written like this, copied
 * in blocks.  What takes a write, a
 * lent run or more memory is left to frames_record.
 */
#define BLOCK 16u

static struct ks_room frames_room(struct ks_sink *s, const struct ks_rec *rec)
{
	const struct ks_out *out = &s->out;
	const size_t head = (size_t)(rec->value.p - rec->frame.p), max = ((struct frames *)s)->max;
	size_t left = out->cap - out->n, i;
	const unsigned char *p = rec->frame.p;
	unsigned char *o = out->p + out->n;

	if (left > max)
		left = max;
	if (KS_UNLIKELY(!rec->shortest || out->run.n > 0 || left < head + BLOCK || rec->frame.n < head + BLOCK))
		return (struct ks_room){ NULL, 0 };
	for (i = 0; i < head; i += BLOCK)
		memcpy(o + i, p + i, BLOCK);
	return (struct ks_room){ o + head, left - head };
}

static void frames_value(struct ks_sink *s, const unsigned char *end)
{
	unsigned char *start = s->out.p + s->out.n;

	ks_put32(start + 1, (uint32_t)((size_t)(end - start) - KS_FRAME_HEAD));
	ks_out_took(&s->out, end);
	((struct frames *)s)->hop++;
}

static int frames_run(struct ks_sink *s, struct ks_bytes frames, uint64_t count, struct ks_err *err)
{
	((struct frames *)s)->hop += (int64_t)count;
	return done(s, ks_out_lend(&s->out, frames), err);
}

static int send_control(struct frames *f, int no, struct ks_err *err)
{
	if (no == 0)
		no = ks_out_add(&f->sink.out, f->control.p, f->control.n);
	if (no == 0)
		no = ks_out_flush(&f->sink.out);
	return done(&f->sink, no, err);
}

static int frames_barrier(struct ks_sink *s, const struct ks_barrier *b, struct ks_err *err)
{
	struct frames *f = (struct frames *)s;
	struct ks_barrier own = *b;

	own.hop = f->hop;
	f->hop = 0;
	f->control.n = 0;
	return send_control(f, ks_barrier_add(&f->control, &own), err);
}

static int frames_end(struct ks_sink *s, const struct ks_end *e, struct ks_err *err)
{
	struct frames *f = (struct frames *)s;

	f->control.n = 0;
	return send_control(f, ks_end_add(&f->control, e), err);
}

static int frames_flush(struct ks_sink *s, struct ks_err *err)
{
	return done(s, ks_out_flush(&s->out), err);
}

static int frames_settle(struct ks_sink *s, struct ks_err *err)
{
	return done(s, ks_out_settle(&s->out), err);
}

static bool frames_pending(struct ks_sink *s)
{
	return ks_out_pending(&s->out);
}

static void frames_close(struct ks_sink *s)
{
	ks_out_release(&s->out);
	ks_buf_release(&((struct frames *)s)->control);
	free(s);
}

int ks_sink_frames(const struct ks_config *config, int fd, struct ks_sink **sink,
    struct ks_err *err)
{
	struct frames *f = calloc(1, sizeof(*f));
	struct stat st;

	if (f == NULL)
		return ks_fail_memory(err);
	f->sink = (struct ks_sink){
		.hello = frames_hello, 
		.record = frames_record, .room = frames_room, .value = frames_value, .run = frames_run, .frame = frames_frame,
		.barrier = frames_barrier, .end = frames_end, .flush = frames_flush,
		.settle = frames_settle, .pending = frames_pending, .close = frames_close,
		.hops = true,
		.name = config->out != NULL ? config->out : "stdout",
	};
	ks_buf_init(&f->control, 2 * KS_CONTROL_MAX);
	f->max = config->limits.record;
	*sink = &f->sink;
	/* Frames in a pipe go to another stage, which commits; anywhere else this is the last process. */
	if (fstat(fd, &st) != 0)
		return ks_sink_failed(&f->sink, errno, err);
	f->sink.commits = !(S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode));
	if (S_ISFIFO(st.st_mode))
		fcntl(fd, F_SETPIPE_SZ, 1 << 20);	/* 1.2x measured; what the system allows */
	return done(&f->sink, ks_out_open(&f->sink.out, fd), err);
}
