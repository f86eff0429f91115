/* SPDX-License-Identifier: MIT */
/* hello.c - HELLO: msgpack-c reads what was written, and unknown keys survive. */
#include "lib/hello-parts.h"
#include "lib/hello.h"

#include <errno.h>
#include <msgpack.h>

#include "tests/unit/kit.h"

static const struct ks_hello_stream streams[] = {
	{ "orders", 12, "json", KS_TIME_CREATE }, { "clicks", 1, "string", KS_TIME_NONE }, { "\xc3\xa9", 3, "raw", KS_TIME_APPEND },
};
static const struct ks_hello_position positions[] = {
	{ .input = "orders", .partition = 11, .offset = 1042, .epoch = 40, .run = 2, .owner = "anna", .restore = true },
	{ .input = "a b.jsonl", .offset = INT64_MAX },
};

static const msgpack_object *member(const msgpack_object *map, const char *key)
{
	uint32_t i;

	assert_int_equal(map->type, MSGPACK_OBJECT_MAP);
	for (i = 0; i < map->via.map.size; i++) {
		const msgpack_object *k = &map->via.map.ptr[i].key;

		assert_int_equal(k->type, MSGPACK_OBJECT_STR);
		if (k->via.str.size == strlen(key) && memcmp(k->via.str.ptr, key, strlen(key)) == 0)
			return &map->via.map.ptr[i].val;
	}
	fail_msg("no member %s", key);
	return NULL;
}

static void is_int(const msgpack_object *map, const char *key, int64_t x)
{
	const msgpack_object *o = member(map, key);

	assert_int_equal(o->type, x < 0 ? MSGPACK_OBJECT_NEGATIVE_INTEGER : MSGPACK_OBJECT_POSITIVE_INTEGER);
	assert_true(o->via.i64 == x);
}

static void is_text(const msgpack_object *map, const char *key, const char *text)
{
	const msgpack_object *o = member(map, key);

	if (text == NULL) {
		assert_int_equal(o->type, MSGPACK_OBJECT_NIL);
		return;
	}
	assert_int_equal(o->type, MSGPACK_OBJECT_STR);
	assert_int_equal(o->via.str.size, strlen(text));
	assert_memory_equal(o->via.str.ptr, text, strlen(text));
}

static void is_bool(const msgpack_object *map, const char *key, bool x)
{
	const msgpack_object *o = member(map, key);

	assert_int_equal(o->type, MSGPACK_OBJECT_BOOLEAN);
	assert_int_equal(o->via.boolean, x);
}

static struct ks_bytes payload_of(const struct ks_buf *b, size_t start)
{
	struct ks_bytes frame = ks_bytes(b->p + start, b->n - start), payload;
	size_t size;
	int type;

	assert_int_equal(ks_frame_split(frame, KS_RECORD_MAX, &type, &payload, &size), KS_FRAME_WHOLE);
	assert_int_equal(type, KS_HELLO);
	assert_int_equal(size, frame.n);
	return payload;
}

static void unpack(struct ks_bytes payload, msgpack_unpacked *u)
{
	size_t off = 0;

	msgpack_unpacked_init(u);
	assert_int_equal(msgpack_unpack_next(u, (const char *)payload.p, payload.n, &off), MSGPACK_UNPACK_SUCCESS);
	assert_int_equal(off, payload.n);
}

static int is_position(void *arg, const struct ks_position *x)
{
	size_t *i = arg;
	const struct ks_hello_position *p = &positions[(*i)++];

	assert_true(ks_bytes_is(x->input, p->input) && x->partition == p->partition && x->offset == p->offset);
	assert_true(x->epoch == p->epoch && x->run == p->run && x->restore == p->restore);
	assert_true(p->owner != NULL ? ks_bytes_is(x->owner, p->owner) : x->owner.p == NULL);
	return 0;
}

static void written(void **state)
{
	static const char *const times[] = { "none", "create", "append" };
	struct ks_hello h = {
		.app = "ticker", .owner = "2/5", .instance = 2, .instances = 5, .run = 7, .epoch = INT64_MAX / 2, .guarantee = KS_EXACTLY_ONCE,
		.commit_ms = 250, .reads = KS_READS_TOPICS, .live = true, .streams = streams, .stream_count = COUNT(streams), .positions = positions,
		.position_count = COUNT(positions), .side = "dead", .hint = "look",
	};
	const msgpack_object *list;
	char owner[KS_OWNER_ROOM];
	struct ks_hello_view v;
	msgpack_unpacked u;
	struct ks_buf b;
	size_t i;

	(void)state;
	ks_buf_init(&b, 1 << 16);
	assert_int_equal(ks_buf_add(&b, "before", 6), 0);
	assert_int_equal(ks_hello_add(&b, &h), 0);
	unpack(payload_of(&b, 6), &u);
	is_int(&u.data, "version", 1);
	is_text(&u.data, "app", "ticker");
	is_text(&u.data, "owner", "2/5");
	is_int(&u.data, "instance", 2);
	is_int(&u.data, "instances", 5);
	is_int(&u.data, "run", 7);
	is_int(&u.data, "epoch", INT64_MAX / 2);
	is_text(&u.data, "guarantee", "exactly-once");
	is_int(&u.data, "commit_interval", 250);
	is_bool(&u.data, "live", true);
	is_text(&u.data, "layout", "modulo");
	is_text(&u.data, "reads", "topics");
	is_text(&u.data, "hint", "look");
	list = member(&u.data, "streams");
	assert_int_equal(list->via.array.size, COUNT(streams));
	for (i = 0; i < COUNT(streams); i++) {
		is_text(&list->via.array.ptr[i], "name", streams[i].name);
		is_int(&list->via.array.ptr[i], "partitions", streams[i].partitions);
		is_text(&list->via.array.ptr[i], "key", streams[i].key);
		is_text(&list->via.array.ptr[i], "time", times[streams[i].time_type]);
	}
	list = member(&u.data, "positions");
	assert_int_equal(list->via.array.size, COUNT(positions));
	for (i = 0; i < COUNT(positions); i++) {
		is_text(&list->via.array.ptr[i], "input", positions[i].input);
		is_int(&list->via.array.ptr[i], "partition", positions[i].partition);
		is_int(&list->via.array.ptr[i], "offset", positions[i].offset);
		is_int(&list->via.array.ptr[i], "epoch", positions[i].epoch);
		is_int(&list->via.array.ptr[i], "run", positions[i].run);
		is_text(&list->via.array.ptr[i], "owner", positions[i].owner);
		is_bool(&list->via.array.ptr[i], "restore", positions[i].restore);
	}
	assert_int_equal(member(&u.data, "stages")->via.array.size, 0);
	list = member(&u.data, "sides");
	assert_int_equal(list->via.array.size, 1);
	msgpack_unpacked_destroy(&u);
	assert_null(ks_hello_parse(payload_of(&b, 6), KS_DEPTH_MAX, &v));
	assert_true(ks_bytes_is(v.app, "ticker"));
	assert_int_equal(v.instance, 2);
	assert_int_equal(v.instances, 5);
	assert_int_equal(v.commit_ms, 250);
	ks_hello_owner(&v, owner);
	assert_string_equal(owner, "2/5");
	i = 0;
	assert_int_equal(ks_hello_positions(v.payload, is_position, &i), 0);
	assert_int_equal(i, COUNT(positions));
	assert_true(v.run == 7 && v.epoch == INT64_MAX / 2 && v.live && v.guarantee == KS_EXACTLY_ONCE);
	assert_true(v.reads == KS_READS_TOPICS && ks_hello_in_kafka(&v) && ks_hello_transacts(&v, false));
	assert_true(v.sides.n == 6 && memcmp(v.sides.p, "\x91\xa4" "dead", 6) == 0);
	ks_buf_release(&b);
}

static void least(void **state)
{
	struct ks_hello h = { .instances = 1 };
	struct ks_hello_view v;
	msgpack_unpacked u;
	struct ks_buf b;

	(void)state;
	ks_buf_init(&b, 1 << 16);
	assert_int_equal(ks_hello_add(&b, &h), 0);
	unpack(payload_of(&b, 0), &u);
	is_text(&u.data, "app", NULL);
	is_text(&u.data, "hint", NULL);
	is_text(&u.data, "guarantee", "none");
	is_bool(&u.data, "live", false);
	assert_int_equal(member(&u.data, "sides")->via.array.size, 0);
	assert_int_equal(member(&u.data, "streams")->via.array.size, 0);
	msgpack_unpacked_destroy(&u);
	assert_null(ks_hello_parse(payload_of(&b, 0), KS_DEPTH_MAX, &v));
	assert_null(v.app.p);
	assert_true(v.sides.n == 1 && !v.live && v.guarantee == KS_NONE && v.instances == 1);
	ks_buf_release(&b);
	ks_buf_init(&b, 100);
	assert_int_equal(ks_hello_add(&b, &h), EMSGSIZE);
	ks_buf_release(&b);
}

#define V "a7'version' 01"

static void parsed(void **state)
{
	static const struct {
		const char *hex, *word;	/* NULL: accepted */
	} table[] = {
		{ "81 " V, NULL }, { "82 a3'new' 93 01 02 03 " V, NULL }, { "82 " V " a3'app' c0", NULL },
		{ "82 " V " a7'streams' c0", NULL },	/* not looked at here */
		{ "", "map" }, { "c0", "map" }, { "90", "map" }, { "80", "version" }, { "81 a1'v' 01", "version" },
		{ "81 a7'version' 02", "another version" }, { "81 a7'version' 00", "another version" },
		{ "81 a7'version' ff", "not a number" }, { "81 a7'version' a1'1'", "not a number" },
		{ "81 a7'version' cb 3ff0000000000000", "not a number" }, { "81 " V " c0", "map" }, { "82 " V, "map" },
		{ "82 " V " 01 01", "map" }, { "82 " V " a1 ff c0", "map" }, { "82 " V " a1'x' a1 ff", "map" },
		{ "82 " V " a1'x' c1", "map" }, { "82 " V " a1'x' d4 0100", "map" }, { "df ffffffff " V, "map" },
		{ "82 " V " a3'app' 01", "app" }, { "82 " V " a3'app' c4 01 61", "app" },
		{ "82 " V " a8'instance' ff", "instance" }, { "82 " V " a8'instance' ce 80000000", "instance" },
		{ "82 " V " a9'instances' c0", "instance" },
		{ "82 " V " af'commit_interval' ff", "commit_interval" }, { "82 " V " af'commit_interval' c0", "commit_interval" },
		{ "82 " V " a5'owner' c0", NULL }, { "82 " V " a5'owner' a3'0/1'", NULL }, { "82 " V " a5'owner' a4'anna'", NULL },
		{ "82 " V " a5'owner' 01", "owner" }, { "82 " V " a5'owner' a0", "owner" }, { "82 " V " a5'owner' a5'../..'", "owner" },
		{ "82 " V " a5'owner' a3'1/2'", "another than its instance" },
		{ "84 " V " a5'owner' a3'1/2' a8'instance' 01 a9'instances' 02", NULL },
		{ "82 " V " a3'run' ff", "run" }, { "82 " V " a5'epoch' cf 8000000000000000", "run or epoch" },
		{ "82 " V " a5'epoch' c0", "run or epoch" }, { "82 " V " a3'run' cf 3fffffffffffffff", NULL }, { "82 " V " a3'run' cf 4000000000000000", "run or epoch" },
		{ "82 " V " a9'guarantee' a4'none'", NULL }, { "82 " V " a9'guarantee' ad'at-least-once'", NULL },
		{ "82 " V " a9'guarantee' ac'exactly-once'", NULL }, { "82 " V " a9'guarantee' a5'twice'", "guarantee" },
		{ "82 " V " a9'guarantee' c0", "guarantee" }, { "82 " V " a4'live' 01", "live" }, { "82 " V " a4'live' c0", "live" },
		{ "82 " V " a5'sides' 90", NULL }, { "82 " V " a5'sides' c0", "sides" }, { "82 " V " a5'sides' 91 c0", "sides" },
		{ "82 " V " a5'sides' 91 a0", "sides" }, { "82 " V " a5'sides' 91 90", "sides" },
		{ "82 " V " a5'sides' 92 a1'a' a1'b'", NULL }, { "82 " V " a5'sides' 91 c4 01 61", "sides" },
	};
	struct ks_hello_view v;
	unsigned char *copy;
	const char *wrong;
	struct ks_buf b;
	size_t i, n;

	(void)state;
	ks_buf_init(&b, 1 << 16);
	for (i = 0; i < COUNT(table); i++) {
		b.n = 0;
		kit_hex(&b, table[i].hex);
		copy = kit_exact(b.p, b.n);
		wrong = ks_hello_parse(ks_bytes(copy, b.n), 8, &v);
		if ((wrong == NULL) != (table[i].word == NULL) || (wrong != NULL && strstr(wrong, table[i].word) == NULL))
			fail_msg("%s: %s, not %s", table[i].hex, wrong != NULL ? wrong : "accepted",
			    table[i].word != NULL ? table[i].word : "accepted");
		free(copy);
		for (n = 0; wrong == NULL && n < b.n; n++) {
			copy = kit_exact(b.p, n);
			assert_non_null(ks_hello_parse(ks_bytes(copy, n), 8, &v));
			free(copy);
		}
	}
	/* Deeper than what is allowed. */
	b.n = 0;
	kit_hex(&b, "82 " V " a1'x' 91 91 91 c0");
	assert_null(ks_hello_parse(ks_buf_bytes(&b), 4, &v));
	assert_non_null(ks_hello_parse(ks_buf_bytes(&b), 3, &v));
	ks_buf_release(&b);
}

/* The payload that comes of adding a side. */
static void check_side(const char *from, const char *side, const char *want)
{
	struct ks_buf b, in, expect;
	struct ks_bytes payload;
	struct ks_hello_view v;

	ks_buf_init(&b, 1 << 16);
	ks_buf_init(&in, 1 << 16);
	ks_buf_init(&expect, 1 << 16);
	kit_hex(&in, from);
	kit_hex(&expect, want);
	assert_null(ks_hello_parse(ks_buf_bytes(&in), 8, &v));
	assert_int_equal(ks_buf_add(&b, "x", 1), 0);
	assert_int_equal(ks_hello_add_side(&b, ks_buf_bytes(&in), side), 0);
	payload = payload_of(&b, 1);
	if (!ks_bytes_eq(payload, ks_buf_bytes(&expect)))
		fail_msg("%s + %s", from, side);
	assert_null(ks_hello_parse(payload, 8, &v));
	ks_buf_release(&b);
	ks_buf_release(&in);
	ks_buf_release(&expect);
}

static void sides(void **state)
{
	(void)state;
	/* No sides yet; some; the same one again; unknown keys, in any encoding, stay as they are. */
	check_side("81 " V, "a", "82 " V " a5'sides' 91 a1'a'");
	check_side("82 " V " a5'sides' 90", "a", "82 " V " a5'sides' 91 a1'a'");
	check_side("82 a5'sides' 91 a1'a' " V, "b", "82 " V " a5'sides' 92 a1'a' a1'b'");
	check_side("82 a5'sides' 92 a1'a' a1'b' " V, "b", "82 a5'sides' 92 a1'a' a1'b' " V);
	check_side("de 0003 d9 03 'new' 81 a1'x' ca 3f800000 " V " a4'more' c4 02 ff00", "a",
	    "84 d9 03 'new' 81 a1'x' ca 3f800000 " V " a4'more' c4 02 ff00 a5'sides' 91 a1'a'");
}

/* order: absent, of another word, of another type, and global; one that is added counts, whatever there was. */
static void merged(void **state)
{
	static const struct { const char *from; bool is; } in[] = {
		{ "81 " V, false }, { "82 " V " a5'order' a4'time'", false }, { "82 " V " a5'order' 05", false }, { "82 " V " a5'order' a6'global'", true },
	};
	const struct ks_hello h = { .merged = true };
	struct ks_hello_view v;
	struct ks_buf b, from;
	size_t i;

	(void)state;
	ks_buf_init(&b, 1 << 16);
	ks_buf_init(&from, 1 << 16);
	for (i = 0; i < COUNT(in); i++) {
		b.n = from.n = 0;
		kit_hex(&from, in[i].from);
		assert_null(ks_hello_parse(ks_buf_bytes(&from), 8, &v));
		assert_true(v.merged == in[i].is);
		assert_int_equal(ks_hello_add_merged(&b, ks_buf_bytes(&from)), 0);
		assert_null(ks_hello_parse(payload_of(&b, 0), 8, &v));
		assert_true(v.merged);
	}
	b.n = 0;
	assert_int_equal(ks_hello_add(&b, &h), 0);
	assert_null(ks_hello_parse(payload_of(&b, 0), 8, &v));
	assert_true(v.merged);
	ks_buf_release(&b);
	ks_buf_release(&from);
}

/* 15 keys become 16, 20 names 21: the headers grow. */
static void sides_grow(void **state)
{
	struct ks_bytes payload;
	struct ks_hello_view v;
	struct ks_buf in, b;
	msgpack_unpacked u;
	char name[8];
	size_t i;

	(void)state;
	ks_buf_init(&in, 1 << 16);
	ks_buf_init(&b, 1 << 16);
	kit_hex(&in, "8f " V);
	for (i = 1; i < 15; i++) {
		snprintf(name, sizeof(name), "key%zu", i);
		assert_int_equal(ks_mp_add_str(&in, ks_str(name)), 0);
		assert_int_equal(ks_mp_add_i64(&in, (int64_t)i), 0);
	}
	assert_int_equal(ks_hello_add_side(&b, ks_buf_bytes(&in), "s0"), 0);
	for (i = 1; i < 21; i++) {
		in.n = 0;
		payload = payload_of(&b, 0);
		assert_int_equal(ks_buf_add(&in, payload.p, payload.n), 0);
		b.n = 0;
		snprintf(name, sizeof(name), "s%zu", i);
		assert_int_equal(ks_hello_add_side(&b, ks_buf_bytes(&in), name), 0);
	}
	payload = payload_of(&b, 0);
	assert_null(ks_hello_parse(payload, 8, &v));
	unpack(payload, &u);
	assert_int_equal(u.data.via.map.size, 16);
	is_int(&u.data, "key14", 14);
	assert_int_equal(member(&u.data, "sides")->via.array.size, 21);
	msgpack_unpacked_destroy(&u);
	ks_buf_release(&in);
	ks_buf_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(written), cmocka_unit_test(least), cmocka_unit_test(parsed), cmocka_unit_test(sides),
		cmocka_unit_test(sides_grow), cmocka_unit_test(merged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
