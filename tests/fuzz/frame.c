/* SPDX-License-Identifier: MIT */
/*
 * frame.c - a stream of frames: split, and every frame parsed as what its
 * type says.  What was parsed is written again and must parse to the same.
 */
#include "lib/frame.h"

#include "lib/json.h"
#include "tests/fuzz/must.h"

static const struct ks_limits limits = { (size_t)1 << 20, 4096, 40 };

/* Of the record before, in this input. */
static struct ks_rec_guess guess;

static void try_record(struct ks_bytes payload)
{
	const char *wrong;
	struct ks_rec rec, again;
	unsigned char *room, *end;
	struct ks_buf text;
	struct ks_val v;
	const unsigned char *p;
	int no;

	wrong = ks_rec_parse(payload, &limits, &rec);
	MUST(ks_rec_parse_next(payload, &limits, &guess, &again) == wrong);
	if (wrong != NULL)
		return;
	MUST(again.time_ms == rec.time_ms && again.flags == rec.flags && again.partition == rec.partition);
	MUST(again.offset == rec.offset && again.topic.p == rec.topic.p && again.topic.n == rec.topic.n);
	MUST(ks_bytes_eq(again.route, rec.route) && ks_bytes_eq(again.key, rec.key) && again.value.p == rec.value.p);
	MUST(rec.frame.p == payload.p - KS_FRAME_HEAD && rec.frame.n == payload.n + KS_FRAME_HEAD);
	MUST(rec.value.n > 0 && rec.value.p + rec.value.n == payload.p + payload.n);
	room = malloc(ks_rec_size(&rec));
	MUST(room != NULL);
	end = ks_rec_put(room, &rec);
	MUST((size_t)(end - room) <= ks_rec_size(&rec));
	MUST(ks_rec_parse(ks_bytes(room + KS_FRAME_HEAD, (size_t)(end - room) - KS_FRAME_HEAD), &limits, &again) == NULL);
	MUST(again.time_ms == rec.time_ms && again.flags == rec.flags && again.partition == rec.partition);
	MUST(again.offset == rec.offset && ks_bytes_eq(again.topic, rec.topic) && ks_bytes_eq(again.route, rec.route));
	MUST(ks_bytes_eq(again.key, rec.key) && ks_bytes_eq(again.headers, rec.headers) && ks_bytes_eq(again.value, rec.value));
	free(room);
	/* The value: what is checked can be printed, and compared with itself. */
	p = rec.value.p;
	if (ks_mp_check(rec.value, limits.depth) != KS_MP_OK)
		return;
	ks_buf_init(&text, (size_t)8 << 20);
	MUST(ks_json_print(rec.value, limits.depth, &text, &no) == KS_MP_OK && no == 0);
	MUST(ks_utf8_prefix(text.p, text.n) == text.n);
	ks_buf_release(&text);
	MUST(ks_mp_read(&p, rec.value.p + rec.value.n, limits.depth, &v) == KS_MP_OK);
	MUST(p == rec.value.p + rec.value.n);
	MUST(ks_val_cmp(&v, &v) <= 0);
}

static void try_control(int type, struct ks_bytes payload)
{
	struct ks_barrier barrier, b2;
	struct ks_mark mark, m2;
	struct ks_end end, e2;
	struct ks_bytes again = { 0 };
	size_t size = 0;
	struct ks_buf b;

	ks_buf_init(&b, (size_t)1 << 21);
	if (type == KS_MARK && ks_mark_parse(payload, &mark) == NULL) {
		MUST(ks_mark_add(&b, &mark) == 0);
		MUST(ks_frame_split(ks_buf_bytes(&b), b.max, &type, &again, &size) == KS_FRAME_WHOLE);
		MUST(ks_mark_parse(again, &m2) == NULL && m2.partition == mark.partition);
		MUST(m2.time_ms == mark.time_ms && m2.idle == mark.idle);
	} else if (type == KS_BARRIER && ks_barrier_parse(payload, &barrier) == NULL) {
		MUST(ks_barrier_add(&b, &barrier) == 0);
		MUST(ks_frame_split(ks_buf_bytes(&b), b.max, &type, &again, &size) == KS_FRAME_WHOLE);
		MUST(ks_barrier_parse(again, &b2) == NULL && b2.n == barrier.n && b2.kind == barrier.kind);
		MUST(b2.committed == barrier.committed && b2.hop == barrier.hop);
		MUST(ks_bytes_eq(b2.positions, barrier.positions) && ks_bytes_eq(b2.group, barrier.group));
	} else if (type == KS_END && ks_end_parse(payload, &end) == NULL) {
		MUST(ks_end_add(&b, &end) == 0);
		MUST(ks_frame_split(ks_buf_bytes(&b), b.max, &type, &again, &size) == KS_FRAME_WHOLE);
		MUST(ks_end_parse(again, &e2) == NULL && e2.n == end.n && e2.kind == end.kind);
	}
	ks_buf_release(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct ks_bytes left = { p, n }, payload;
	enum ks_frame_state state;
	size_t size = 0;
	int type;

	guess = (struct ks_rec_guess){ .n = 0 };
	while (left.n > 0) {
		state = ks_frame_split(left, limits.record, &type, &payload, &size);
		if (state != KS_FRAME_WHOLE) {
			MUST(state != KS_FRAME_MORE || size > left.n);
			MUST(state != KS_FRAME_BIG || size > limits.record);
			break;
		}
		MUST(size <= left.n && payload.p + payload.n == left.p + size && type >= 1 && type <= 127);
		if (type == KS_RECORD)
			try_record(payload);
		else
			try_control(type, payload);
		left = ks_bytes(left.p + size, left.n - size);
	}
	return 0;
}
