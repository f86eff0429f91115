/* SPDX-License-Identifier: MIT */
/*
 * loop-records.c - the frames of a chunk, and records without frames: each
 * comes to the tool, passes by it, or is looked ahead at.  What is no record
 * is loop.c's.
 */
#include "loop-impl.h"

const char ks_outside[] = "out of time range";

static inline __attribute__((always_inline)) int work_on(struct ks_frame_loop *l, struct ks_rec *rec)
{
	const struct ks_config *c = l->config;

	if (KS_UNLIKELY((rec->flags & KS_SIDE) != 0 || (l->only_count > 0 && !ks_only_has(l, rec))))
		return ks_pass(&l->run, rec);
	if (KS_UNLIKELY(c->has_since || c->has_until) && l->source->stop == NULL) {
		if ((rec->flags & KS_TIME_TYPE) == KS_TIME_NONE)
			return ks_reject(&l->run, rec, "the record has no time for --since and --until");
		if (!ks_config_in_range(c, rec->time_ms)) {
			ks_drop(&l->run, ks_outside);
			return 0;
		}
	}
	l->mains++;
	if (l->op->record == NULL)
		return ks_emit(&l->run, rec);
	return l->op->record(l->st, &l->run, 0, rec);
}

/* From a source in this process, which has made no frame of it. */
static int take_record(void *loop, struct ks_rec *rec)
{
	struct ks_frame_loop *l = loop;

	l->hop++;
	l->stats.in++;
	return work_on(l, rec);
}

/* A record of that key may come from it soon. */
static void expect_record(void *loop, const struct ks_rec *rec, bool found)
{
	struct ks_frame_loop *l = loop;

	l->op->expect(l->st, rec, found);
}

/* Where it can be, records come as the source makes them, in no frame; and without their values where the tool does not ask for these. */
int ks_loop_take_records(struct ks_frame_loop *l)
{
	struct ks_source *s = l->source;

	if (l->hops)
		return 0;
	/* What passes by the tool has its value. */
	if (l->op->reads != NULL && s->give_loaded != NULL && l->only_count == 0)
		return s->give_loaded(s, l->op->reads(l->st), take_record, l->op->expect != NULL ? expect_record : NULL, l, &l->err);
	if (s->give != NULL)
		s->give(s, take_record, l);
	return 0;
}

/* Those that are looked ahead at have their turn: before what is no record, and before the chunk they stand in goes. */
static int catch_up(struct ks_frame_loop *l)
{
	int status = 0;
	unsigned i;

	for (i = 0; i < l->ahead_count && status == 0; i++) {
		l->stats.in++;
		status = work_on(l, &l->ahead[i]);
	}
	l->ahead_count = 0;
	return status;
}

/*
 * Two records behind it, so that two waits for memory, one behind the other, are
 * over when its turn comes: of a million rows, in no order, that was two
 * thirds of the time.
 */
static int look_ahead(struct ks_frame_loop *l, const struct ks_rec *rec)
{
	int status = 0;

	l->op->expect(l->st, rec, false);
	if (KS_LIKELY(l->ahead_count > 0))
		l->op->expect(l->st, &l->ahead[l->ahead_count - 1], true);
	if (KS_LIKELY(l->ahead_count == 2)) {
		l->stats.in++;	/* as if it came now */
		status = work_on(l, &l->ahead[0]);
		l->ahead[0] = l->ahead[1];
		l->ahead_count = 1;
	}
	l->ahead[l->ahead_count++] = *rec;
	return status;
}

static inline int on_record(struct ks_frame_loop *l, struct ks_bytes payload)
{
	struct ks_rec rec;
	const char *wrong;
	int status;

	if (KS_UNLIKELY(!l->in_section))
		return ks_loop_protocol_error(l, "a record outside a section: no HELLO before it");
	l->hop++;
	if (l->hops) {
		l->stats.in++;
		rec.frame = ks_bytes(payload.p - KS_FRAME_HEAD, payload.n + KS_FRAME_HEAD);
		l->mains++;
		l->stats.out++;
		return l->sink->record(l->sink, &rec, &l->err);
	}
	wrong = ks_rec_parse_next(payload, &l->config->limits, &l->guess, &rec);
	if (KS_UNLIKELY(wrong != NULL)) {
		status = catch_up(l);
		l->stats.in++;
		return status != 0 ? status : ks_loop_protocol_error(l, wrong);
	}
	if (l->op->expect != NULL && l->config->count < 0)
		return look_ahead(l, &rec);
	l->stats.in++;
	return work_on(l, &rec);
}

static bool is_text(unsigned char c)
{
	return c == '{' || c == '[' || c == '"' || c == '\n' || (c >= 0x20 && c < 0x7f);
}

static int not_a_frame(struct ks_frame_loop *l, unsigned char first)
{
	if (!l->started && is_text(first))
		return ks_fail(&l->err, KS_DATA, "%s begins with text, not with frames: add --from %s",
		    l->source->name, first == '{' || first == '[' ? "json" : "raw (or json)");
	if (!l->started && first == 0xef)
		return ks_fail(&l->err, KS_DATA, "%s begins with a byte order mark, so it is text: remove it, as tail -c +4 does, and add --from",
		    l->source->name);
	return ks_loop_protocol_error(l, first >= 0xd4 && first <= 0xd8 ? "not a frame: a frame is ext 32 (0xc9), not a shorter ext" :
	    "not a frame: 0xc9 and a type from 1 to 127 are expected");
}

/* What the source has just made of nothing but records goes on as it is, many at once. */
static int pass_run(struct ks_frame_loop *l, struct ks_bytes *left)
{
	struct ks_source *s = l->source;

	l->hop += (int64_t)s->run_records;
	l->stats.in += s->run_records;
	l->mains += s->run_records;
	l->stats.out += s->run_records;
	l->frame_bytes += s->run;
	*left = ks_bytes(left->p + s->run, left->n - s->run);
	return l->sink->run(l->sink, ks_bytes(s->chunk.p, s->run), s->run_records, &l->err);
}

int ks_loop_consume(struct ks_frame_loop *l)
{
	size_t size, limit = l->config->limits.record;
	struct ks_source *s = l->source;
	struct ks_bytes left = s->chunk, payload;
	enum ks_frame_state state;
	int type, status;

	s->need = 0;
	if (s->run > 0 && l->hops && l->in_section) {
		status = pass_run(l, &left);
		if (status != 0)
			return status;
	}
	while (left.n > 0 && !l->over) {
		state = ks_frame_split(left, limit > KS_CONTROL_MAX ? limit : KS_CONTROL_MAX, &type, &payload, &size);
		if (KS_UNLIKELY(state == KS_FRAME_WHOLE && size > limit && type == KS_RECORD))
			state = KS_FRAME_BIG;
		if (KS_UNLIKELY(state != KS_FRAME_WHOLE)) {
			status = catch_up(l);
			if (status != 0)
				return status;
			if (state == KS_FRAME_BAD)
				return not_a_frame(l, left.p[0]);
			if (state == KS_FRAME_BIG)
				return ks_fail(&l->err, KS_DATA, "%s, byte %llu: a frame of %zu bytes is larger than --max-record allows",
				    s->name, (unsigned long long)(l->frame_bytes - l->source->before), size);
			s->need = size;
			break;
		}
		if (KS_LIKELY(type == KS_RECORD)) {
			status = on_record(l, payload);
		} else {
			status = catch_up(l);
			if (status == 0)
				status = ks_loop_frame(l, type, payload, ks_bytes(left.p, size));
		}
		if (KS_UNLIKELY(status != 0))
			return status;
		left = ks_bytes(left.p + size, left.n - size);
		l->frame_bytes += size;
		if (KS_UNLIKELY((int64_t)l->mains == l->config->count || l->ends_here) && s->stop == NULL && l->in_section)
			return ks_loop_end_here(l);
	}
	s->used = s->chunk.n - left.n;
	return catch_up(l);
}
