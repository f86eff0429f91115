/* SPDX-License-Identifier: MIT */
/*
 * frame.c - frames on the wire.  Expected bytes are written by hand from
 * kstream-record(5): ext 32 (c9, length, type), then msgpack.
 */
#include "lib/frame.h"

#include <errno.h>

#include "tests/unit/kit.h"

static const struct ks_limits limits = { .record = KS_RECORD_MAX, .key = KS_KEY_MAX, .depth = KS_DEPTH_MAX };

/* Hex to an allocation of just its size. */
static struct ks_bytes bytes_of(const char *hex)
{
	struct ks_bytes exact;
	struct ks_buf b;

	ks_buf_init(&b, 1 << 24);
	kit_hex(&b, hex);
	exact = ks_bytes(kit_exact(b.p, b.n), b.n);
	ks_buf_release(&b);
	return exact;
}

static void forget(struct ks_bytes b)
{
	free((void *)(uintptr_t)b.p);
}

/* The frame of a payload in hex, and its payload. */
static struct ks_bytes frame_of(int type, const char *hex, struct ks_bytes *payload)
{
	struct ks_bytes exact;
	struct ks_buf b;

	ks_buf_init(&b, 1 << 24);
	assert_int_equal(ks_buf_reserve(&b, KS_FRAME_HEAD), 0);
	b.n = KS_FRAME_HEAD;
	kit_hex(&b, hex);
	ks_frame_close(b.p, b.n - KS_FRAME_HEAD, type);
	exact = ks_bytes(kit_exact(b.p, b.n), b.n);
	*payload = ks_bytes(exact.p + KS_FRAME_HEAD, exact.n - KS_FRAME_HEAD);
	ks_buf_release(&b);
	return exact;
}

static void split(void **state)
{
	static const struct {
		const char *hex;
		enum ks_frame_state want;
		int type;
		size_t size, payload;
	} table[] = {
		{ "", KS_FRAME_MORE, 0, 6, 0 },
		{ "c9", KS_FRAME_MORE, 0, 6, 0 },
		{ "c9 00000001 05", KS_FRAME_MORE, 0, 7, 0 },
		{ "c9 00000001 05 c0", KS_FRAME_WHOLE, KS_PING, 7, 1 },
		{ "c9 00000001 05 c0 c9", KS_FRAME_WHOLE, KS_PING, 7, 1 },
		{ "c9 00000000 7f", KS_FRAME_WHOLE, 127, 6, 0 },	/* unknown types are whole frames, too */
		{ "c9 00000000 07", KS_FRAME_WHOLE, 7, 6, 0 },
		{ "c9 00000000 00", KS_FRAME_BAD, 0, 0, 0 },
		{ "c9 00000000 80", KS_FRAME_BAD, 0, 0, 0 },
		{ "c9 00000000 ff", KS_FRAME_BAD, 0, 0, 0 },
		{ "c8 0001 05 c0", KS_FRAME_BAD, 0, 0, 0 },
		{ "d4 05 c0", KS_FRAME_BAD, 0, 0, 0 },
		{ "7b", KS_FRAME_BAD, 0, 0, 0 },
		{ "0a", KS_FRAME_BAD, 0, 0, 0 },
		{ "c9 0000005b 01", KS_FRAME_BIG, 0, 97, 0 },
		{ "c9 0000005a 01", KS_FRAME_MORE, 0, 96, 0 },
		{ "c9 ffffffff 01", KS_FRAME_BIG, 0, 0x100000005, 0 },
		{ "c9 ffffffff 00", KS_FRAME_BAD, 0, 0, 0 },
	};
	struct ks_bytes b, payload;
	enum ks_frame_state got;
	size_t i, size;
	int type;

	(void)state;
	for (i = 0; i < COUNT(table); i++) {
		b = bytes_of(table[i].hex);
		type = 0;
		size = 0;
		got = ks_frame_split(b, 96, &type, &payload, &size);
		if (got != table[i].want)
			fail_msg("%s: %d", table[i].hex, (int)got);
		if (got != KS_FRAME_BAD)
			assert_int_equal(size, table[i].size);
		if (got == KS_FRAME_WHOLE) {
			assert_int_equal(type, table[i].type);
			assert_int_equal(payload.n, table[i].payload);
			assert_true(payload.p == b.p + KS_FRAME_HEAD);
		}
		forget(b);
	}
}

/* A record, its fields and its bytes. */
static const struct {
	const char *hex;
	struct ks_rec rec;
	const char *topic, *route, *key, *headers, *value;
} records[] = {
	{ "99 c0 00 c0 00 00 c0 c0 90 c0", { 0 }, NULL, NULL, "c0", "90", "c0" },
	{ "99 00 01 c0 00 00 c0 c0 90 00", { .flags = KS_TIME_CREATE }, NULL, NULL, "c0", "90", "00" },
	{ "99 cf 0000019b 76dbb240 02 a1't' ff ff a1'r' a1'k' 90 80",
	  { .time_ms = 1767225668160, .flags = KS_TIME_APPEND, .partition = -1, .offset = -1 }, "t", "r", "a1'k'", "90", "80" },
	{ "99 d3 8000000000000000 01 c0 ce 7fffffff cf 7fffffffffffffff c0 c0 90 c0",
	  { .time_ms = INT64_MIN, .flags = KS_TIME_CREATE, .partition = INT32_MAX, .offset = INT64_MAX }, NULL, NULL, "c0", "90", "c0" },
	{ "99 ff cc fd c0 00 00 c0 c4 01 ff 92 92 a1'h' c4 02 0001 92 a1'h' c0 93 c0 01 01",
	  { .time_ms = -1, .flags = 0xfd }, NULL, NULL, "c4 01 ff", "92 92 a1'h' c4 02 0001 92 a1'h' c0", "93 c0 01 01" },
	{ "99 c0 04 a2'ab' 03 cd 0412 c0 83 a3'key' 01 a5'start' 00 a3'end' 3c 91 92 a0 c4 00 a0",
	  { .flags = KS_KEY_CHANGED, .partition = 3, .offset = 1042 }, "ab", NULL, "83 a3'key' 01 a5'start' 00 a3'end' 3c",
	  "91 92 a0 c4 00", "a0" },
};

static void check_slice(struct ks_bytes got, const char *hex)
{
	struct ks_bytes want = bytes_of(hex);

	assert_int_equal(got.n, want.n);
	assert_memory_equal(got.p, want.p, want.n);
	forget(want);
}

static void check_name(struct ks_bytes got, const char *want)
{
	if (want == NULL)
		assert_null(got.p);
	else
		assert_true(ks_bytes_is(got, want));
}

static void record(void **state)
{
	struct ks_bytes frame, payload;
	unsigned char *room, *end;
	const char *wrong;
	struct ks_rec rec;
	size_t i, n;

	(void)state;
	for (i = 0; i < COUNT(records); i++) {
		frame = frame_of(KS_RECORD, records[i].hex, &payload);
		wrong = ks_rec_parse(payload, &limits, &rec);
		if (wrong != NULL)
			fail_msg("%s: %s", records[i].hex, wrong);
		assert_true(rec.time_ms == records[i].rec.time_ms && rec.offset == records[i].rec.offset);
		assert_int_equal(rec.flags, records[i].rec.flags);
		assert_int_equal(rec.partition, records[i].rec.partition);
		check_name(rec.topic, records[i].topic);
		check_name(rec.route, records[i].route);
		check_name(ks_rec_stream(&rec), records[i].route != NULL ? records[i].route : records[i].topic);
		check_slice(rec.key, records[i].key);
		check_slice(rec.headers, records[i].headers);
		check_slice(rec.value, records[i].value);
		assert_true(rec.frame.p == frame.p && rec.frame.n == frame.n);
		/* All of these stand in minimal form, so that writing gives the same bytes. */
		assert_true(rec.shortest && ks_rec_size(&rec) >= frame.n);
		room = malloc(ks_rec_size(&rec));
		assert_non_null(room);
		end = ks_rec_put(room, &rec);
		assert_int_equal(end - room, frame.n);
		assert_memory_equal(room, frame.p, frame.n);
		n = rec.value.n;
		rec.value.n = 0;
		assert_int_equal(ks_rec_put_head(room, &rec, n) - room, frame.n - n);
		assert_memory_equal(room, frame.p, frame.n - n);
		free(room);
		forget(frame);
	}
}

static bool same(const struct ks_rec *a, const struct ks_rec *b)
{
	return a->time_ms == b->time_ms && a->offset == b->offset && a->partition == b->partition && a->flags == b->flags &&
	    a->topic.p == b->topic.p && a->topic.n == b->topic.n && a->route.p == b->route.p && a->route.n == b->route.n &&
	    a->key.p == b->key.p && a->key.n == b->key.n && a->headers.p == b->headers.p && a->value.p == b->value.p &&
	    a->value.n == b->value.n && a->frame.p == b->frame.p;
}

/* Flags and topic of all lengths, one behind the other, cut anywhere, with any byte of the head changed: as if none had come before. */
static void record_known_again(void **state)
{
	static const char topics[] = "abcdefghijklmnopqrstuvwxyz", *wrong;
	struct ks_rec rec = { .time_ms = 1767225600000, .key = ks_mp_nil, .headers = ks_no_headers,
		.value = ks_bytes("\xda\x00\x28" "0123456789012345678901234567890123456789", 43) }, got, want;
	unsigned char payload[KS_FRAME_HEAD + 200], *end, *copy;
	struct ks_rec_guess guess = { .n = 0 };
	size_t i, n, at;

	(void)state;
	for (i = 0; i < 60; i++) {
		rec.flags = i % 5 == 4 ? KS_TIME_APPEND : i % 7 == 6 ? KS_TIME_CREATE | KS_CHANGE : KS_TIME_CREATE;
		rec.topic = ks_bytes(topics, 1 + i / 2 % 20);
		end = ks_rec_put(payload, &rec);
		n = (size_t)(end - payload) - KS_FRAME_HEAD;
		for (at = 0; at < n; at++) {
			copy = kit_exact(payload, KS_FRAME_HEAD + n);
			wrong = ks_rec_parse_next(ks_bytes(copy + KS_FRAME_HEAD, n), &limits, &guess, &got);
			assert_null(wrong);
			copy[KS_FRAME_HEAD + at] ^= (unsigned char)(at % 3 == 0 ? 0x61 : at % 3 == 1 ? 0x80 : 0x03);
			wrong = ks_rec_parse(ks_bytes(copy + KS_FRAME_HEAD, n), &limits, &want);
			assert_ptr_equal(ks_rec_parse_next(ks_bytes(copy + KS_FRAME_HEAD, n), &limits, &guess, &got), wrong);
			assert_true(wrong != NULL || same(&got, &want));
			free(copy);
			copy = kit_exact(payload, KS_FRAME_HEAD + at);
			wrong = ks_rec_parse(ks_bytes(copy + KS_FRAME_HEAD, at), &limits, &want);
			assert_ptr_equal(ks_rec_parse_next(ks_bytes(copy + KS_FRAME_HEAD, at), &limits, &guess, &got), wrong);
			assert_true(wrong != NULL || same(&got, &want));
			free(copy);
		}
	}
}

/* Whatever is cut away behind, no record is left: every prefix is refused or has a shorter value. */
static void record_cut(void **state)
{
	struct ks_bytes frame, payload;
	unsigned char *copy;
	struct ks_rec rec;
	size_t i, n, value;

	(void)state;
	for (i = 0; i < COUNT(records); i++) {
		frame = frame_of(KS_RECORD, records[i].hex, &payload);
		assert_null(ks_rec_parse(payload, &limits, &rec));
		value = (size_t)(rec.value.p - payload.p);
		for (n = 0; n <= payload.n; n++) {
			copy = kit_exact(payload.p, n);
			assert_int_equal(ks_rec_parse(ks_bytes(copy, n), &limits, &rec) == NULL, n > value);
			free(copy);
		}
		forget(frame);
	}
}

#define TEXT50 "'01234567890123456789012345678901234567890123456789'"
#define TEXT249 TEXT50 TEXT50 TEXT50 TEXT50 "'0123456789012345678901234567890123456789012345678'"

static void record_refused(void **state)
{
	static const struct {
		const char *hex, *word;	/* NULL: accepted */
	} table[] = {
		{ "", "array of 9" }, { "c0", "array of 9" }, { "98 c0 00 c0 00 00 c0 c0 90", "array of 9" },
		{ "9a c0 00 c0 00 00 c0 c0 90 c0 c0", "array of 9" }, { "dc 0009 c0 00 c0 00 00 c0 c0 90 c0", "array of 9" },
		{ "99", "time" }, { "99 c3 01 c0 00 00 c0 c0 90 c0", "time" }, { "99 cb 3ff0000000000000 01 c0 00 00 c0 c0 90 c0", "time" },
		{ "99 cf ffffffffffffffff 01 c0 00 00 c0 c0 90 c0", "time" }, { "99 a0 01 c0 00 00 c0 c0 90 c0", "time" },
		{ "99 d4 01 00 01 c0 00 00 c0 c0 90 c0", "time" },
		{ "99 c0", "flags" }, { "99 c0 c0 c0 00 00 c0 c0 90 c0", "flags" }, { "99 c0 ff c0 00 00 c0 c0 90 c0", "flags" },
		{ "99 c0 cd 0100 c0 00 00 c0 c0 90 c0", "flags" }, { "99 c0 cb 0000000000000000 c0 00 00 c0 c0 90 c0", "flags" },
		{ "99 c0 03 c0 00 00 c0 c0 90 c0", "time type" }, { "99 00 03 c0 00 00 c0 c0 90 c0", "time type" },
		{ "99 c0 01 c0 00 00 c0 c0 90 c0", "disagree" }, { "99 00 00 c0 00 00 c0 c0 90 c0", "disagree" },
		{ "99 c0 02 c0 00 00 c0 c0 90 c0", "disagree" },
		{ "99 c0 00", "topic" }, { "99 c0 00 00 00 00 c0 c0 90 c0", "topic" }, { "99 c0 00 a0 00 00 c0 c0 90 c0", "topic" },
		{ "99 c0 00 c4 01 61 00 00 c0 c0 90 c0", "topic" }, { "99 c0 00 a1 0a 00 00 c0 c0 90 c0", "topic" },
		{ "99 c0 00 a1 7f 00 00 c0 c0 90 c0", "topic" }, { "99 c0 00 a2'a' 00 00 00 c0 c0 90 c0", "topic" },
		{ "99 c0 00 90 00 00 c0 c0 90 c0", "topic" },
		{ "99 c0 00 d9 f9 " TEXT249 " 00 00 c0 c0 90 c0", NULL }, { "99 c0 00 d9 fa " TEXT249 "'x' 00 00 c0 c0 90 c0", "topic" },
		{ "99 c0 00 c0", "partition" }, { "99 c0 00 c0 fe 00 c0 c0 90 c0", "partition" },
		{ "99 c0 00 c0 ce 80000000 00 c0 c0 90 c0", "partition" }, { "99 c0 00 c0 c0 00 c0 c0 90 c0", "partition" },
		{ "99 c0 00 c0 00", "offset" }, { "99 c0 00 c0 00 fe c0 c0 90 c0", "offset" },
		{ "99 c0 00 c0 00 cf 8000000000000000 c0 c0 90 c0", "offset" }, { "99 c0 00 c0 00 c0 c0 c0 90 c0", "offset" },
		{ "99 c0 00 c0 00 00", "route" }, { "99 c0 00 c0 00 00 a0 c0 90 c0", "route" }, { "99 c0 00 c0 00 00 01 c0 90 c0", "route" },
		{ "99 c0 00 c0 00 00 d9 f9 " TEXT249 " c0 90 c0", NULL }, { "99 c0 00 c0 00 00 d9 fa " TEXT249 "'x' c0 90 c0", "route" },
		{ "99 c0 00 c0 00 00 c0", "key" }, { "99 c0 00 c0 00 00 c0 c1 90 c0", "key" }, { "99 c0 00 c0 00 00 c0 81 01 c0 90 c0", "key" },
		{ "99 c0 00 c0 00 00 c0 d4 01 00 90 c0", "key" }, { "99 c0 00 c0 00 00 c0 dd ffffffff 90 c0", "key" },
		{ "99 c0 00 c0 00 00 c0 c0", "headers" }, { "99 c0 00 c0 00 00 c0 c0 c0 c0", "headers" },
		{ "99 c0 00 c0 00 00 c0 c0 80 c0", "headers" }, { "99 c0 00 c0 00 00 c0 c0 91 c0 c0", "headers" },
		{ "99 c0 00 c0 00 00 c0 c0 91 91 a0 c0", "headers" }, { "99 c0 00 c0 00 00 c0 c0 91 93 a0 c0 c0 c0", "headers" },
		{ "99 c0 00 c0 00 00 c0 c0 91 92 a0 a0 c0", "headers" }, { "99 c0 00 c0 00 00 c0 c0 91 92 c0 c0 c0", "headers" },
		{ "99 c0 00 c0 00 00 c0 c0 91 92 a0 01 c0", "headers" }, { "99 c0 00 c0 00 00 c0 c0 91 92 a0 90 c0", "headers" },
		{ "99 c0 00 c0 00 00 c0 c0 91 92 c4 00 c0 c0", "headers" }, { "99 c0 00 c0 00 00 c0 c0 dc 0001 92 a0 c0 c0", NULL },
		{ "99 c0 00 c0 00 00 c0 c0 90", "value" },
		/* Numbers may be longer than they must. */
		{ "99 d3 0000000000000001 cc 01 c0 d0 00 d2 00000000 c0 c0 90 c0", NULL },
		{ "99 c0 cd 0000 c0 cf 0000000000000000 d1 ffff c0 c0 90 c0", NULL },
		/* The value is whatever stands there: it is checked by who walks it. */
		{ "99 c0 00 c0 00 00 c0 c0 90 c1", NULL }, { "99 c0 00 c0 00 00 c0 c0 90 c0 c0", NULL },
	};
	struct ks_bytes frame, payload;
	const char *wrong;
	struct ks_rec rec;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(table); i++) {
		frame = frame_of(KS_RECORD, table[i].hex, &payload);
		wrong = ks_rec_parse(payload, &limits, &rec);
		if ((wrong == NULL) != (table[i].word == NULL) || (wrong != NULL && strstr(wrong, table[i].word) == NULL))
			fail_msg("%s: %s, not %s", table[i].hex, wrong != NULL ? wrong : "accepted",
			    table[i].word != NULL ? table[i].word : "accepted");
		forget(frame);
	}
}

/* Names up to the longest of one header byte, with something in each place that no name has, in records that are read at once. */
static void record_names(void **state)
{
	unsigned char payload[KS_FRAME_HEAD + 200], *p = payload + KS_FRAME_HEAD, *at, *end;
	static const unsigned char bad[] = { 0x00, 0x1f, 0x7f };
	struct ks_rec rec = { .time_ms = 1767225600000, .flags = KS_TIME_CREATE, .offset = 300, .partition = -1,
		.headers = ks_no_headers, .key = ks_bytes("\xa2kk", 3), .value = ks_bytes("\x2a", 1) };
	struct ks_bytes text = ks_bytes("abcdefghijklmnopqrstuvwxyz0123\xff", 31);
	size_t n, i, j, which;
	struct ks_rec got;

	(void)state;
	for (which = 0; which < 2; which++) {
		for (n = 1; n <= text.n; n++) {
			rec.topic = which == 0 ? ks_bytes(text.p, n) : ks_str("t");
			rec.route = which == 1 ? ks_bytes(text.p, n) : ks_bytes(NULL, 0);
			rec.value = ks_bytes("\xda\x00\x50" "01234567890123456789012345678901234567890123456789012345678901234567890123456789", 83);
			end = ks_rec_put(payload, &rec);
			assert_null(ks_rec_parse(ks_bytes(p, (size_t)(end - p)), &limits, &got));
			assert_true(ks_bytes_eq(got.topic, rec.topic) && ks_bytes_eq(got.route, rec.route) && ks_bytes_eq(got.key, rec.key));
			assert_true(got.time_ms == rec.time_ms && got.flags == rec.flags && got.offset == 300 && got.partition == -1);
			assert_true(ks_bytes_eq(got.value, rec.value) && ks_bytes_eq(got.headers, rec.headers));
			at = (unsigned char *)(uintptr_t)(which == 0 ? got.topic.p : got.route.p);
			for (i = 0; i < n; i++) {
				for (j = 0; j < COUNT(bad); j++) {
					at[i] = bad[j];
					assert_non_null(ks_rec_parse(ks_bytes(p, (size_t)(end - p)), &limits, &got));
				}
				at[i] = text.p[i];
			}
		}
	}
}

static void record_limits(void **state)
{
	static const struct ks_limits small = { .record = 1024, .key = 4, .depth = 2 };
	struct ks_bytes frame, payload;
	struct ks_rec rec;

	(void)state;
	frame = frame_of(KS_RECORD, "99 c0 00 c0 00 00 c0 a3'abc' 90 c0", &payload);
	assert_null(ks_rec_parse(payload, &small, &rec));
	forget(frame);
	frame = frame_of(KS_RECORD, "99 c0 00 c0 00 00 c0 a4'abcd' 90 c0", &payload);
	assert_non_null(strstr(ks_rec_parse(payload, &small, &rec), "--max-key"));
	forget(frame);
	frame = frame_of(KS_RECORD, "99 c0 00 c0 00 00 c0 91 91 c0 90 c0", &payload);
	assert_null(ks_rec_parse(payload, &small, &rec));
	forget(frame);
	frame = frame_of(KS_RECORD, "99 c0 00 c0 00 00 c0 91 91 90 90 c0", &payload);
	assert_non_null(strstr(ks_rec_parse(payload, &small, &rec), "key"));
	forget(frame);
	/* Headers have two levels whatever --max-depth says. */
	frame = frame_of(KS_RECORD, "99 c0 00 c0 00 00 c0 c0 91 92 a1'h' c4 01 00 c0", &payload);
	assert_null(ks_rec_parse(payload, &(struct ks_limits){ .record = 1024, .key = 4, .depth = 1 }, &rec));
	forget(frame);
}

static void mark(void **state)
{
	static const struct {
		const char *hex;
		struct ks_mark want;
	} good[] = {
		{ "93 00 00 c2", { 0, 0, false } },
		{ "93 ce 7fffffff d3 8000000000000000 c3", { INT32_MAX, INT64_MIN, true } },
		{ "93 03 cf 0000019b 76dbb240 c2", { 3, 1767225668160, false } },
	};
	static const char *const bad[] = {
		"", "c0", "90", "92 00 00", "94 00 00 c2 c0", "93", "93 00", "93 00 00", "93 00 00 c0", "93 00 00 01", "93 ff 00 c2",
		"93 ce 80000000 00 c2", "93 c0 00 c2", "93 00 c0 c2", "93 00 cb 0000000000000000 c2",
		"93 00 cf ffffffffffffffff c2", "93 00 00 c2 c0", "83 00 00 c2",
	};
	struct ks_bytes frame, payload;
	struct ks_mark m;
	struct ks_buf b;
	size_t i;

	(void)state;
	ks_buf_init(&b, 1 << 16);
	for (i = 0; i < COUNT(good); i++) {
		frame = frame_of(KS_MARK, good[i].hex, &payload);
		assert_null(ks_mark_parse(payload, &m));
		assert_true(m.partition == good[i].want.partition && m.time_ms == good[i].want.time_ms &&
		    m.idle == good[i].want.idle);
		b.n = 0;
		assert_int_equal(ks_mark_add(&b, &m), 0);
		assert_int_equal(b.n, frame.n);
		assert_memory_equal(b.p, frame.p, frame.n);
		forget(frame);
	}
	for (i = 0; i < COUNT(bad); i++) {
		frame = frame_of(KS_MARK, bad[i], &payload);
		if (ks_mark_parse(payload, &m) == NULL)
			fail_msg("%s: accepted", bad[i]);
		forget(frame);
	}
	ks_buf_release(&b);
}

static void barrier(void **state)
{
	static const struct {
		const char *hex;
		struct ks_barrier want;
		const char *positions, *group;
	} good[] = {
		{ "96 01 00 90 ff c0 c0", { .n = 1, .kind = KS_GO_ON, .committed = -1, .hop = -1 }, "90", "c0" },
		{ "96 cd 0102 02 91 93 a1's' 00 07 cd 0101 cd 03e8 c4 02 0102",
		  { .n = 258, .kind = KS_COMPLETE, .committed = 257, .hop = 1000 }, "91 93 a1's' 00 07", "c4 02 0102" },
		{ "96 cf 7fffffffffffffff 01 92 93 a1'a' 00 00 93 a0 ce 7fffffff cf 7fffffffffffffff 00 00 c0",
		  { .n = INT64_MAX, .kind = KS_PAUSED }, "92 93 a1'a' 00 00 93 a0 ce 7fffffff cf 7fffffffffffffff", "c0" },
		{ "96 01 00 92 94 a0 00 00 a1'!' 93 a0 00 00 ff c0 c0", { .n = 1, .kind = KS_GO_ON, .committed = -1, .hop = -1 },
		  "92 94 a0 00 00 a1'!' 93 a0 00 00", "c0" },
	};
	static const char *const bad[] = {
		"", "c0", "95 01 00 90 ff c0", "97 01 00 90 ff c0 c0 c0", "96", "96 01", "96 01 00", "96 01 00 90", "96 01 00 90 ff",
		"96 01 00 90 ff c0",
		"96 00 00 90 ff c0 c0", "96 ff 00 90 ff c0 c0", "96 c0 00 90 ff c0 c0", "96 cf 8000000000000000 00 90 ff c0 c0",
		"96 01 03 90 ff c0 c0", "96 01 ff 90 ff c0 c0", "96 01 c0 90 ff c0 c0",
		"96 01 00 c0 ff c0 c0", "96 01 00 80 ff c0 c0", "96 01 00 91 c0 ff c0 c0", "96 01 00 91 92 a0 00 ff c0 c0",
		"96 01 00 91 94 a0 00 00 00 ff c0 c0", "96 01 00 91 94 a0 00 00 a0 ff c0 c0", "96 01 00 91 94 a0 00 00 a1'-' ff c0 c0",
		"96 01 00 91 94 a0 00 00 a2'a ' ff c0 c0", "96 01 00 91 94 a0 00 00 a1 7f ff c0 c0", "96 01 00 91 95 a0 00 00 a1'a' 00 ff c0 c0",
		"96 01 00 91 94 a0 00 00 d9 41'01234567890123456789012345678901234567890123456789012345678901234' ff c0 c0", "96 01 00 91 93 00 00 00 ff c0 c0", "96 01 00 91 93 a0 ff 00 ff c0 c0",
		"96 01 00 91 93 a0 00 ff ff c0 c0", "96 01 00 91 93 a0 ce 80000000 00 ff c0 c0", "96 01 00 91 93 a0 00 c0 ff c0 c0",
		"96 01 00 91 93 c4 00 00 00 ff c0 c0", "96 01 00 91 93 a0 00 90 ff c0 c0",
		"96 01 00 90 fe c0 c0", "96 01 00 90 c0 c0 c0", "96 01 00 90 ff ff c0", "96 01 00 90 ff c3 c0", "96 01 00 90 ff a0 c0",
		"96 01 00 90 ff c0 a0", "96 01 00 90 ff c0 00", "96 01 00 90 ff c0 90", "96 01 00 90 ff c0 c0 c0",
		"96 01 00 90 ff c0 c4 05 00", "96 01 00 dd ffffffff ff c0 c0",
	};
	struct ks_bytes frame, payload;
	struct ks_barrier x;
	struct ks_buf b;
	size_t i;

	(void)state;
	ks_buf_init(&b, 1 << 16);
	for (i = 0; i < COUNT(good); i++) {
		frame = frame_of(KS_BARRIER, good[i].hex, &payload);
		assert_null(ks_barrier_parse(payload, &x));
		assert_true(x.n == good[i].want.n && x.committed == good[i].want.committed && x.hop == good[i].want.hop);
		assert_int_equal(x.kind, good[i].want.kind);
		check_slice(x.positions, good[i].positions);
		check_slice(x.group, good[i].group);
		b.n = 0;
		assert_int_equal(ks_barrier_add(&b, &x), 0);
		assert_int_equal(b.n, frame.n);
		assert_memory_equal(b.p, frame.p, frame.n);
		forget(frame);
	}
	for (i = 0; i < COUNT(bad); i++) {
		frame = frame_of(KS_BARRIER, bad[i], &payload);
		if (ks_barrier_parse(payload, &x) == NULL)
			fail_msg("%s: accepted", bad[i]);
		forget(frame);
	}
	ks_buf_release(&b);
}

static void end(void **state)
{
	static const char *const bad[] = {
		"", "c0", "91 01", "93 01 01 c0", "92", "92 01", "92 00 01", "92 ff 01", "92 01 00", "92 01 03", "92 c0 01", "92 01 c0",
		"92 01 01 c0", "82 01 01",
	};
	struct ks_bytes frame, payload;
	struct ks_end e;
	struct ks_buf b;
	size_t i;

	(void)state;
	ks_buf_init(&b, 1 << 16);
	frame = frame_of(KS_END, "92 cd 0102 01", &payload);
	assert_null(ks_end_parse(payload, &e));
	assert_true(e.n == 258 && e.kind == KS_PAUSED);
	assert_int_equal(ks_end_add(&b, &e), 0);
	assert_int_equal(b.n, frame.n);
	assert_memory_equal(b.p, frame.p, frame.n);
	forget(frame);
	frame = frame_of(KS_END, "92 01 02", &payload);
	assert_null(ks_end_parse(payload, &e));
	assert_true(e.n == 1 && e.kind == KS_COMPLETE);
	forget(frame);
	for (i = 0; i < COUNT(bad); i++) {
		frame = frame_of(KS_END, bad[i], &payload);
		if (ks_end_parse(payload, &e) == NULL)
			fail_msg("%s: accepted", bad[i]);
		forget(frame);
	}
	ks_buf_release(&b);
}

/* Control frames go behind what is in the buffer, and into no more than it may hold. */
static void appended(void **state)
{
	struct ks_barrier x = { .n = 1, .positions = ks_no_headers, .committed = -1, .group = ks_mp_nil };
	struct ks_mark m = { 0, 0, false };
	struct ks_end e = { 1, KS_PAUSED };
	struct ks_bytes want = bytes_of("'x' c9 00000001 05 c0");
	struct ks_buf b;

	(void)state;
	ks_buf_init(&b, 64);
	assert_int_equal(ks_buf_add(&b, "x", 1), 0);
	assert_int_equal(ks_ping_add(&b), 0);
	assert_int_equal(b.n, want.n);
	assert_memory_equal(b.p, want.p, want.n);
	forget(want);
	ks_buf_release(&b);
	ks_buf_init(&b, 4);
	assert_int_equal(ks_ping_add(&b), EMSGSIZE);
	ks_buf_release(&b);
	ks_buf_init(&b, KS_FRAME_HEAD + 1);
	assert_int_equal(ks_mark_add(&b, &m), EMSGSIZE);
	b.n = 0;
	assert_int_equal(ks_barrier_add(&b, &x), EMSGSIZE);
	b.n = 0;
	assert_int_equal(ks_end_add(&b, &e), EMSGSIZE);
	b.n = 0;
	assert_int_equal(ks_ping_add(&b), 0);
	ks_buf_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(split), cmocka_unit_test(record), cmocka_unit_test(record_known_again), cmocka_unit_test(record_cut),
		cmocka_unit_test(record_refused), cmocka_unit_test(record_names), cmocka_unit_test(record_limits), cmocka_unit_test(mark),
		cmocka_unit_test(barrier), cmocka_unit_test(end), cmocka_unit_test(appended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
