/* SPDX-License-Identifier: MIT */
/* source-recorded-frames.c - the frames of one file, one after another, and what of them is wanted. */
#include "source-recorded-impl.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

const char ks_recorded_no_hello[] = "a record outside a section: no HELLO before it";

int ks_recorded_bad(const struct spot *x, const char *what, struct ks_err *err)
{
	return ks_fail(err, KS_DATA, "%s, byte %lld: %s", x->name, (long long)x->at, what);
}

static int note_stream(void *arg, struct ks_bytes name, const struct ks_hello_facts *f)
{
	static const char *const codecs[] = { "string", "json", "raw" };
	struct recorded *s = arg;
	struct stream *x;
	size_t i;

	s->partitions += f->partitions > 0 ? f->partitions : 2;	/* of one that does not say: perhaps several */
	for (i = 0; i < s->stream_count; i++)
		if (ks_bytes_is(name, s->streams[i].name))
			return 0;
	if (name.n > KS_NAME_MAX)
		return 0;
	if (ks_lanes_topic(&s->lanes, name) != 0)
		return ENOMEM;
	x = reallocarray(s->streams, s->stream_count + 1, sizeof(*x));
	if (x == NULL)
		return ENOMEM;
	s->streams = x;
	x += s->stream_count++;
	*x = (struct stream){ .facts = { .partitions = f->partitions, .time_type = KS_TIME_CREATE } };
	memcpy(x->name, name.p, name.n);
	for (i = 0; i < 3; i++)
		if (f->key.p != NULL && ks_bytes_is(f->key, codecs[i]))
			x->facts.key = codecs[i];
	return 0;
}

static int note_sides(struct recorded *s, struct ks_bytes list)
{
	const unsigned char *end = list.p + list.n;
	struct ks_head head;
	struct ks_val v;
	uint32_t i;
	int no = 0;

	if (list.p == NULL || ks_mp_head(list.p, end, &head) != KS_MP_OK)
		return 0;
	for (i = 0; i < head.count && no == 0 && ks_mp_read(&head.body, end, 0, &v) == KS_MP_OK; i++) {
		no = ks_buf_add(&s->sides, v.b.p, v.b.n);
		if (no == 0)
			no = ks_buf_add(&s->sides, "", 1);
	}
	return no;
}

static int on_hello(struct recorded *s, struct spot *x, struct ks_bytes payload, struct ks_err *err)
{
	struct ks_hello_view h;
	const char *wrong = x->within ? "HELLO before the END of the section before it" :
	    ks_hello_parse(payload, s->config->limits.depth, &h);

	if (wrong != NULL)
		return ks_recorded_bad(x, wrong, err);
	s->partitions = 0;
	if (ks_hello_each(&h, note_stream, s) != 0 || note_sides(s, h.sides) != 0)
		return ks_fail_memory(err);
	x->merged = (x->merged || !x->begun) && (h.merged || s->partitions <= 1);
	x->begun = x->within = true;
	x->hop = 0;
	return 0;
}

/* A frame that is no record; one of a type that is not known goes on as it came. */
int ks_recorded_control(struct recorded *s, struct spot *x, int type, struct ks_bytes payload, struct ks_err *err)
{
	const char *wrong = NULL;
	struct ks_barrier b;
	struct ks_end e;

	switch (type) {
	case KS_HELLO:
		return on_hello(s, x, payload, err);
	case KS_BARRIER:
		wrong = !x->within ? "a barrier outside a section" : ks_barrier_parse(payload, &b);
		if (wrong == NULL && b.hop >= 0 && b.hop != x->hop && !x->hopped)
			wrong = "records before this barrier are missing";
		x->hop = 0;
		x->hopped = false;
		return wrong == NULL ? 0 : ks_recorded_bad(x, wrong, err);
	case KS_END:
		wrong = !x->within ? "END outside a section" : ks_end_parse(payload, &e);
		x->within = false;
		return wrong == NULL ? 0 : ks_recorded_bad(x, wrong, err);
	case KS_MARK:
	case KS_PING:
		return 0;
	default:
		return ks_buf_add(&s->own.frames, payload.p - KS_FRAME_HEAD, payload.n + KS_FRAME_HEAD) == 0 ? 0 : ks_fail_memory(err);
	}
}

static int not_a_frame(const struct spot *x, struct ks_err *err)
{
	unsigned char c = x->in.p[x->in.start];

	if (!x->begun && (c == '{' || c == '[' || c == '"' || c == '\n' || (c >= 0x20 && c < 0x7f)))
		return ks_fail(err, KS_DATA, "%s begins with text, not with frames: add --from %s", x->name,
		    c == '{' || c == '[' ? "json" : "raw (or json)");
	return ks_recorded_bad(x, "not a frame: 0xc9 and a type from 1 to 127 are expected", err);
}

/* There is no more of it: the next record is far away, or none. */
static int at_eof(const struct spot *x, struct ks_err *err)
{
	if (x->in.start < x->in.end)
		return ks_fail(err, KS_TEMP, "%s ends inside a frame, at byte %lld: it was cut, or what wrote it has failed", x->name,
		    (long long)x->at);
	if (!x->begun)
		return ks_fail(err, KS_TEMP, "%s ends before a stream began: what wrote it has failed", x->name);
	if (x->within)
		return ks_fail(err, KS_TEMP, "%s ends without END, at byte %lld: it was cut, or what wrote it has failed", x->name, (long long)x->at);
	return 0;
}

/* Blocks of which nothing is wanted are passed over. */
static int hop_blocks(struct recorded *s, struct spot *x, struct ks_err *err)
{
	const struct ks_config *c = s->config;
	const struct ks_recording *index = &x->index;
	size_t i = x->block;
	int64_t to;

	while (i < index->count && ks_recording_outside(index, i, c->has_since ? c->since_ms : INT64_MIN, c->has_until ? c->until_ms : INT64_MAX))
		i++;
	if (i == x->block) {
		x->block++;
		return 0;
	}
	to = i < index->count ? index->blocks[i].offset : index->end;
	x->block = i;
	if (to <= x->at)	/* a frame has reached into it: it is no index of these frames, and they will show it */
		return 0;
	x->hopped = true;
	s->own.source.stats.bytes += (uint64_t)(to - x->at);
	if (to - x->at <= (int64_t)(x->in.end - x->in.start)) {
		s->own.source.stats.bytes -= (uint64_t)(to - x->at);
		x->in.start += (size_t)(to - x->at);
	} else {
		s->own.source.stats.bytes -= x->in.end - x->in.start;
		x->in.start = x->in.end = 0;
		if (lseek(x->in.fd, to, SEEK_SET) < 0)
			return ks_fail_errno(err, KS_IO, errno, "cannot read '%s'", x->name);
	}
	x->at = to;
	return 0;
}

/* Whether the record at hand, of n bytes, is wanted: it is the head then. */
int ks_recorded_record(struct recorded *s, struct spot *x, struct ks_bytes payload, bool *wanted, struct ks_err *err)
{
	const struct ks_config *c = s->config;
	const char *wrong = !x->within ? ks_recorded_no_hello :
	    ks_rec_parse_next(payload, &c->limits, &x->guess, &x->rec);
	struct ks_rec letter;
	char where[KS_WHERE];
	int status;

	if (wrong != NULL)
		return ks_recorded_bad(x, wrong, err);
	x->hop++;
	*wanted = true;
	if ((!c->has_since && !c->has_until) || (x->rec.flags & KS_SIDE) != 0)
		return 0;
	if ((x->rec.flags & KS_TIME_TYPE) != KS_TIME_NONE) {
		*wanted = ks_config_in_range(c, x->rec.time_ms);
		s->ingest.outside += !*wanted;
		return 0;
	}
	*wanted = false;
	status = ks_reject_record(&s->ingest.reject, &x->rec, ks_where(&x->rec, where),
	    "the record has no time for --since and --until", &letter, err);
	if (status != 0 || letter.value.p == NULL)
		return status;
	if (ks_buf_reserve(&s->own.frames, ks_rec_size(&letter)) != 0)
		return ks_fail_memory(err);
	s->own.frames.n = (size_t)(ks_rec_put(s->own.frames.p + s->own.frames.n, &letter) - s->own.frames.p);
	ks_own_count(&s->own, 1, true);
	return 0;
}

/* The frame at the front, if it is whole: 0 with *whole, or more is read: *wait, where that is not known now; *over: there is none. */
int ks_recorded_front(struct recorded *s, struct spot *x, bool block, int *type, struct ks_bytes *payload, bool *wait, bool *over,
    struct ks_err *err)
{
	enum ks_frame_state state;
	size_t size;
	bool ready;
	int status;

	while (!*wait && !*over) {
		if (x->block < x->index.count && x->at >= x->index.blocks[x->block].offset) {
			status = hop_blocks(s, x, err);
			if (status != 0)
				return status;
		}
		state = ks_frame_split(ks_bytes(x->in.p + x->in.start, x->in.end - x->in.start), s->max, type, payload, &size);
		if (state == KS_FRAME_WHOLE && (*type != KS_RECORD || size <= s->config->limits.record)) {
			x->n = size;
			return 0;
		}
		if (state == KS_FRAME_BAD)
			return not_a_frame(x, err);
		if (state != KS_FRAME_MORE)
			return ks_recorded_bad(x, "a frame is larger than --max-record allows", err);
		if (x->in.eof) {
			*over = true;
			return at_eof(x, err);
		}
		s->own.source.name = x->name;
		status = ks_own_wait(&s->own, x->in.fd, block, &ready, err);
		*wait = !ready;
		if (status == 0 && ready)
			status = ks_own_fill(&s->own, &x->in, err);
		if (status != 0)
			return status;
	}
	return 0;
}
