/* SPDX-License-Identifier: MIT */
/* envelope.c - a record to its JSON object and back is the same record; and what no envelope is. */
#include "lib/envelope.h"

#include <errno.h>

#include "tests/unit/kit.h"

/* A record with memory of its own. */
struct owned {
	struct ks_rec rec;
	struct ks_buf text;	/* all that its slices borrow */
	size_t topic, route, key, headers, value, end;
};

static void add_text(struct ks_buf *b, uint64_t *seed, size_t n, bool name)
{
	static const char *const piece[] = { "a", "b-", "9", "\xc3\xa9", "\xf0\x9f\x98\x80", " ", "\"", "\\", "/", "\n", "\x01", "\x7f" };
	const char *s;
	size_t i;

	for (i = 0; i < n; i++) {
		s = piece[kit_below(seed, name ? 9 : COUNT(piece))];
		assert_int_equal(ks_buf_add(b, s, strlen(s)), 0);
	}
}

/* A value as JSON can hold it: no bytes within, no nan, floats that read back. */
static void add_value(struct ks_buf *b, uint64_t *seed, unsigned depth)
{
	struct ks_val v = { .i = 0 };
	struct ks_buf text;
	size_t i, n;

	switch (kit_below(seed, depth > 0 ? 10 : 7)) {
	case 0: v.type = KS_NIL; break;
	case 1: v.type = KS_FALSE; break;
	case 2: v.type = KS_TRUE; break;
	case 3:
		v.type = KS_INT;
		v.i = (int64_t)kit_random(seed) >> kit_below(seed, 64);
		break;
	case 4:
		v.type = KS_UINT;
		v.u = kit_random(seed) | (UINT64_C(1) << 63);
		break;
	case 5:
		v.type = KS_FLOAT;
		v.d = (double)(int64_t)kit_random(seed) / 1024;
		break;
	case 6:
		ks_buf_init(&text, 1 << 16);
		add_text(&text, seed, kit_below(seed, 40), false);
		assert_int_equal(ks_mp_add_str(b, ks_bytes(text.n > 0 ? text.p : (unsigned char *)"", text.n)), 0);
		ks_buf_release(&text);
		return;
	case 7:
		n = kit_below(seed, 18);
		assert_int_equal(ks_mp_add_array_head(b, (uint32_t)n), 0);
		for (i = 0; i < n; i++)
			add_value(b, seed, depth - 1);
		return;
	default:
		n = kit_below(seed, 18);
		assert_int_equal(ks_mp_add_map_head(b, (uint32_t)n), 0);
		for (i = 0; i < n; i++) {
			char name[16];

			snprintf(name, sizeof(name), "k%zu\xc3\xa9", i);	/* equal keys would become one */
			assert_int_equal(ks_mp_add_str(b, ks_str(name)), 0);
			add_value(b, seed, depth - 1);
		}
		return;
	}
	assert_int_equal(ks_mp_add_val(b, &v), 0);
}

static void add_bytes(struct ks_buf *b, uint64_t *seed, size_t n)
{
	struct ks_val v = { .type = KS_BIN };
	unsigned char bytes[64];
	size_t i;

	for (i = 0; i < n; i++)
		bytes[i] = (unsigned char)kit_random(seed);
	v.b = ks_bytes(bytes, n);
	assert_int_equal(ks_mp_add_val(b, &v), 0);
}

/* Any value, or bytes. */
static void add_body(struct ks_buf *b, uint64_t *seed)
{
	if (kit_below(seed, 4) == 0)
		add_bytes(b, seed, kit_below(seed, 40));
	else
		add_value(b, seed, 3);
}

static void add_headers(struct ks_buf *b, uint64_t *seed)
{
	static const char *const name[] = { "h", "h", "", "trace\n", "\xc3\xa9" };
	static const char *const text[] = { "", "v", "\"quoted\"", "\xc3\xa9", "base64" };
	size_t i, n = kit_below(seed, 3) == 0 ? kit_below(seed, 20) : 0;
	struct ks_val v;

	assert_int_equal(ks_mp_add_array_head(b, (uint32_t)n), 0);
	for (i = 0; i < n; i++) {
		assert_int_equal(ks_mp_add_array_head(b, 2), 0);
		assert_int_equal(ks_mp_add_str(b, ks_str(name[kit_below(seed, COUNT(name))])), 0);
		switch (kit_below(seed, 3)) {
		case 0:
			v = (struct ks_val){ .type = KS_NIL };
			assert_int_equal(ks_mp_add_val(b, &v), 0);
			break;
		case 1:
			v = (struct ks_val){ .type = KS_BIN, .b = ks_str(text[kit_below(seed, COUNT(text))]) };
			assert_int_equal(ks_mp_add_val(b, &v), 0);
			break;
		default:
			add_bytes(b, seed, kit_below(seed, 20));
		}
	}
}

static struct ks_bytes name_of(const struct owned *o, size_t from, size_t to)
{
	return from == to ? ks_bytes(NULL, 0) : ks_bytes(o->text.p + from, to - from);
}

static void make_record(struct owned *o, uint64_t *seed)
{
	static const int64_t times[] = { 0, 1, -1, 1767225600000, INT64_MAX, INT64_MIN };
	struct ks_rec *r = &o->rec;
	struct ks_buf *b = &o->text;

	b->n = 0;
	*r = (struct ks_rec){ .flags = (uint32_t)kit_below(seed, 256) };
	r->flags = (r->flags & ~(uint32_t)KS_TIME_TYPE) | (uint32_t)kit_below(seed, 3);
	if ((r->flags & KS_KEY_KIND) == KS_KEY_KIND)
		r->flags &= ~(uint32_t)KS_KEY_KIND;	/* a kind that does not exist */
	if ((r->flags & KS_TIME_TYPE) != KS_TIME_NONE)
		r->time_ms = times[kit_below(seed, COUNT(times))];
	r->partition = (int32_t)kit_below(seed, 4) - 1;
	r->offset = kit_below(seed, 4) == 0 ? INT64_MAX : (int64_t)kit_below(seed, 5000) - 1;
	add_text(b, seed, kit_below(seed, 5), true);
	o->route = b->n;
	add_text(b, seed, kit_below(seed, 5), true);
	o->key = b->n;
	add_body(b, seed);
	o->headers = b->n;
	add_headers(b, seed);
	o->value = b->n;
	add_body(b, seed);
	r->topic = name_of(o, 0, o->route);
	r->route = name_of(o, o->route, o->key);
	r->key = ks_bytes(b->p + o->key, o->headers - o->key);
	r->headers = ks_bytes(b->p + o->headers, o->value - o->headers);
	r->value = ks_bytes(b->p + o->value, b->n - o->value);
}

/* JSON text to msgpack. */
static enum ks_json_error read_json(struct ks_bytes text, struct ks_buf *object)
{
	enum ks_json_error e;
	struct ks_buf padded;
	struct ks_json j;

	ks_json_init(&j, KS_DEPTH_MAX);
	ks_buf_init(&padded, 1 << 24);
	assert_int_equal(ks_buf_reserve(&padded, text.n + KS_PAD), 0);
	if (text.n > 0)
		memcpy(padded.p, text.p, text.n);
	memset(padded.p + text.n, 0, KS_PAD);
	e = ks_json_parse(&j, ks_bytes(padded.p, text.n), object);
	ks_buf_release(&padded);
	ks_json_release(&j);
	return e;
}

static void check_name(struct ks_bytes a, struct ks_bytes b)
{
	assert_int_equal(a.p == NULL, b.p == NULL);
	assert_true(ks_bytes_eq(a, b));
}

static void round_trips(void **state)
{
	struct ks_buf text, object, scratch;
	struct owned o = { .topic = 0 };
	uint64_t seed = 31;
	const char *wrong;
	struct ks_rec rec;
	size_t i;

	(void)state;
	ks_buf_init(&o.text, 1 << 20);
	ks_buf_init(&text, 1 << 20);
	ks_buf_init(&object, 1 << 20);
	ks_buf_init(&scratch, 1 << 20);
	for (i = 0; i < 5000; i++) {
		make_record(&o, &seed);
		text.n = object.n = 0;
		wrong = ks_envelope_print(&text, &o.rec, KS_DEPTH_MAX);
		if (wrong != NULL)
			fail_msg("%zu: %s", i, wrong);
		assert_null(memchr(text.p, '\n', text.n));
		assert_int_equal(ks_utf8_prefix(text.p, text.n), text.n);
		assert_int_equal(read_json(ks_buf_bytes(&text), &object), KS_JSON_OK);
		rec = (struct ks_rec){ .flags = KS_CHANGE, .offset = 77, .partition = 88, .topic = ks_str("other"), .route = ks_str("way") };
		wrong = ks_envelope_parse(ks_buf_bytes(&object), KS_DEPTH_MAX, &scratch, &rec);
		if (wrong != NULL)
			fail_msg("%.*s: %s", (int)text.n, (const char *)text.p, wrong);
		assert_int_equal(rec.flags, o.rec.flags);
		assert_true(rec.time_ms == o.rec.time_ms && rec.offset == o.rec.offset && rec.partition == o.rec.partition);
		check_name(rec.topic, o.rec.topic);
		check_name(rec.route, o.rec.route);
		if (!ks_bytes_eq(rec.key, o.rec.key) || !ks_bytes_eq(rec.headers, o.rec.headers) || !ks_bytes_eq(rec.value, o.rec.value))
			fail_msg("%.*s", (int)text.n, (const char *)text.p);
	}
	ks_buf_release(&o.text);
	ks_buf_release(&text);
	ks_buf_release(&object);
	ks_buf_release(&scratch);
}

/* The text of a record, to the letter. */
static void printed(void **state)
{
	static const char want[] = "{\"topic\":\"orders\",\"partition\":3,\"offset\":1042,\"tstype\":\"append\",\"ts\":1767225600000,"
		"\"route\":null,\"flags\":[\"key-changed\",\"dead-letter\",\"session\",\"change\"],\"key\":\"aw==\",\"key_encoding\":\"base64\","
		"\"headers\":[[\"h\",\"v\"],[\"h\",null],[\"b\",\"/w==\",\"base64\"]],\"payload\":{\"price\":1.5}}";
	static const char least[] = "{\"topic\":null,\"partition\":0,\"offset\":0,\"tstype\":\"none\",\"ts\":null,\"route\":null,"
		"\"flags\":[],\"key\":null,\"headers\":[],\"payload\":null}";
	struct ks_rec rec = {
		.time_ms = 1767225600000, .offset = 1042, .partition = 3, .topic = ks_str("orders"),
		.flags = KS_TIME_APPEND | KS_KEY_CHANGED | KS_SIDE_DEAD | KS_KEY_SESSION | KS_CHANGE,
	};
	struct ks_buf key, headers, value, b;

	(void)state;
	ks_buf_init(&key, 100);
	ks_buf_init(&headers, 100);
	ks_buf_init(&value, 100);
	kit_hex(&key, "c4 01 'k'");
	kit_hex(&headers, "93 92 a1'h' c4 01'v' 92 a1'h' c0 92 a1'b' c4 01 ff");
	kit_hex(&value, "81 a5'price' cb 3ff8000000000000");
	rec.key = ks_buf_bytes(&key);
	rec.headers = ks_buf_bytes(&headers);
	rec.value = ks_buf_bytes(&value);
	ks_buf_init(&b, 1000);
	assert_null(ks_envelope_print(&b, &rec, KS_DEPTH_MAX));
	assert_int_equal(b.n, strlen(want));
	assert_memory_equal(b.p, want, b.n);
	b.n = 0;
	rec = (struct ks_rec){ .key = ks_mp_nil, .value = ks_mp_nil, .headers = ks_no_headers };
	assert_null(ks_envelope_print(&b, &rec, KS_DEPTH_MAX));
	assert_int_equal(b.n, strlen(least));
	assert_memory_equal(b.p, least, b.n);
	ks_buf_release(&b);
	ks_buf_release(&key);
	ks_buf_release(&headers);
	ks_buf_release(&value);
}

/* What cannot be said in JSON is refused, not bent. */
static void print_refused(void **state)
{
	static const struct {
		const char *key, *headers, *value, *topic, *word;
	} table[] = {
		{ "c0", "90", "a1 ff", NULL, "UTF-8" }, { "a1 ff", "90", "c0", NULL, "UTF-8" }, { "c0", "90", "c1", NULL, "reserved" },
		{ "c0", "90", "c0 c0", NULL, "behind" }, { "c0", "90", "91", NULL, "more elements" },
		{ "c0", "90", "91 91 91 90", NULL, "deep" }, { "c0", "91 92 a1 ff c0", "c0", NULL, "headers" },
		{ "c0", "90", "c0", "\xff", "UTF-8" },
	};
	struct ks_buf key, headers, value, b;
	struct ks_rec rec;
	const char *wrong;
	size_t i;

	(void)state;
	ks_buf_init(&key, 100);
	ks_buf_init(&headers, 100);
	ks_buf_init(&value, 100);
	ks_buf_init(&b, 1000);
	for (i = 0; i < COUNT(table); i++) {
		key.n = headers.n = value.n = b.n = 0;
		kit_hex(&key, table[i].key);
		kit_hex(&headers, table[i].headers);
		kit_hex(&value, table[i].value);
		rec = (struct ks_rec){
			.topic = ks_str(table[i].topic), .key = ks_buf_bytes(&key), .headers = ks_buf_bytes(&headers),
			.value = ks_buf_bytes(&value),
		};
		wrong = ks_envelope_print(&b, &rec, 3);
		if (wrong == NULL || strstr(wrong, table[i].word) == NULL)
			fail_msg("%s: %s", table[i].value, wrong != NULL ? wrong : "printed");
	}
	rec = (struct ks_rec){ .key = ks_mp_nil, .value = ks_mp_nil, .headers = ks_no_headers };
	ks_buf_release(&b);
	ks_buf_init(&b, 50);
	assert_non_null(strstr(ks_envelope_print(&b, &rec, 3), "too large"));
	ks_buf_release(&b);
	ks_buf_release(&key);
	ks_buf_release(&headers);
	ks_buf_release(&value);
}

static void parsed(void **state)
{
	static const struct {
		const char *text, *word;	/* NULL: accepted */
	} table[] = {
		{ "{\"payload\":null}", NULL }, { "{\"payload\":1,\"key\":\"k\"}", NULL }, { "{\"key\":1}", "no payload" }, { "{}", "no payload" },
		{ "[]", "object" }, { "null", "object" }, { "\"x\"", "object" }, { "{\"payload\":1,\"x\":2}", "no such member" },
		{ "{\"payload\":1,\"topic\":1}", "topic" }, { "{\"payload\":1,\"topic\":\"\"}", "topic" }, { "{\"payload\":1,\"topic\":\"a\\n\"}", "topic" },
		{ "{\"payload\":1,\"topic\":null,\"route\":null}", NULL }, { "{\"payload\":1,\"route\":\"\"}", "route" }, { "{\"payload\":1,\"route\":[]}", "route" },
		{ "{\"payload\":1,\"partition\":-1,\"offset\":-1}", NULL }, { "{\"payload\":1,\"partition\":-2}", "partition" },
		{ "{\"payload\":1,\"partition\":2147483648}", "partition" }, { "{\"payload\":1,\"partition\":1.0}", "partition" },
		{ "{\"payload\":1,\"partition\":null}", "partition" }, { "{\"payload\":1,\"offset\":-2}", "offset" },
		{ "{\"payload\":1,\"offset\":9223372036854775808}", "offset" }, { "{\"payload\":1,\"offset\":\"1\"}", "offset" },
		{ "{\"payload\":1,\"ts\":1}", NULL }, { "{\"payload\":1,\"ts\":null}", NULL }, { "{\"payload\":1,\"ts\":1.0}", "ts" },
		{ "{\"payload\":1,\"ts\":\"1\"}", "ts" }, { "{\"payload\":1,\"ts\":9223372036854775808}", "ts" },
		{ "{\"payload\":1,\"tstype\":\"none\",\"ts\":null}", NULL }, { "{\"payload\":1,\"tstype\":\"append\",\"ts\":-1}", NULL },
		{ "{\"payload\":1,\"tstype\":\"none\",\"ts\":1}", "disagree" }, { "{\"payload\":1,\"tstype\":\"create\",\"ts\":null}", "disagree" },
		{ "{\"payload\":1,\"tstype\":\"create\"}", "disagree" }, { "{\"payload\":1,\"tstype\":\"logappend\",\"ts\":1}", "tstype" },
		{ "{\"payload\":1,\"tstype\":null}", "tstype" }, { "{\"payload\":1,\"tstype\":1}", "tstype" },
		{ "{\"payload\":1,\"flags\":[]}", NULL }, { "{\"payload\":1,\"flags\":[\"late\",\"window\"]}", NULL }, { "{\"payload\":1,\"flags\":0}", "flags" },
		{ "{\"payload\":1,\"flags\":[\"x\"]}", "flags" }, { "{\"payload\":1,\"flags\":[1]}", "flags" },
		{ "{\"payload\":1,\"flags\":[\"late\",\"late\"]}", "flags" }, { "{\"payload\":1,\"flags\":[\"late\",\"changelog\"]}", "flags" },
		{ "{\"payload\":1,\"flags\":[\"window\",\"session\"]}", "flags" }, { "{\"payload\":1,\"flags\":null}", "flags" },
		{ "{\"payload\":1,\"flags\":[[\"late\"]]}", "flags" }, { "{\"payload\":1,\"flags\":{}}", "flags" },
		{ "{\"payload\":\"eA==\",\"payload_encoding\":\"base64\"}", NULL }, { "{\"payload\":\"eA=\",\"payload_encoding\":\"base64\"}", "base64" },
		{ "{\"payload\":1,\"payload_encoding\":\"base64\"}", "base64" }, { "{\"payload\":null,\"payload_encoding\":\"base64\"}", "base64" },
		{ "{\"payload\":\"\",\"payload_encoding\":\"base64\"}", NULL },
		{ "{\"payload\":1,\"key_encoding\":\"base64\"}", "base64" }, { "{\"payload\":1,\"key\":\"eA==\",\"key_encoding\":\"hex\"}", "encoding" },
		{ "{\"payload\":1,\"key\":\"eA==\",\"key_encoding\":null}", "encoding" },
		{ "{\"payload\":1,\"headers\":[[\"h\",\"v\"],[\"h\",null],[\"h\",\"eA==\",\"base64\"],[\"h\",\"\",\"base64\"]]}", NULL },
		{ "{\"payload\":1,\"headers\":[]}", NULL }, { "{\"payload\":1,\"headers\":null}", "headers" }, { "{\"payload\":1,\"headers\":{}}", "headers" },
		{ "{\"payload\":1,\"headers\":[[\"h\"]]}", "headers" }, { "{\"payload\":1,\"headers\":[[1,\"v\"]]}", "headers" },
		{ "{\"payload\":1,\"headers\":[[\"h\",1]]}", "headers" }, { "{\"payload\":1,\"headers\":[[\"h\",[]]]}", "headers" },
		{ "{\"payload\":1,\"headers\":[[\"h\",\"v\",\"hex\"]]}", "headers" }, { "{\"payload\":1,\"headers\":[[\"h\",null,\"base64\"]]}", "headers" },
		{ "{\"payload\":1,\"headers\":[[\"h\",\"v\",\"base64\"]]}", "headers" }, { "{\"payload\":1,\"headers\":[[\"h\",\"eA==\",\"base64\",1]]}", "headers" },
		{ "{\"payload\":1,\"headers\":[null]}", "headers" }, { "{\"payload\":1,\"headers\":[[]]}", "headers" },
	};
	struct ks_buf object, scratch;
	const char *wrong;
	struct ks_rec rec;
	unsigned char *copy;
	size_t i;

	(void)state;
	ks_buf_init(&object, 1 << 20);
	ks_buf_init(&scratch, 1 << 20);
	for (i = 0; i < COUNT(table); i++) {
		object.n = 0;
		assert_int_equal(read_json(ks_str(table[i].text), &object), KS_JSON_OK);
		copy = kit_exact(object.p, object.n);
		rec = (struct ks_rec){ .offset = 5, .headers = ks_no_headers };
		wrong = ks_envelope_parse(ks_bytes(copy, object.n), 8, &scratch, &rec);
		if ((wrong == NULL) != (table[i].word == NULL) || (wrong != NULL && strstr(wrong, table[i].word) == NULL))
			fail_msg("%s: %s", table[i].text, wrong != NULL ? wrong : "accepted");
		free(copy);
	}
	assert_non_null(ks_envelope_parse(ks_bytes("", 0), 8, &scratch, &rec));
	ks_buf_release(&object);
	ks_buf_release(&scratch);
}

/* What an envelope leaves out stays as the caller had it; an absent key is null, and absent headers are none. */
static void absent(void **state)
{
	struct ks_rec rec = {
		.time_ms = 5, .offset = 7, .partition = 3, .flags = KS_TIME_CREATE, .topic = ks_str("t"), .route = ks_str("r"),
		.key = ks_str("x"), .headers = ks_str("x"),
	};
	struct ks_buf object, scratch;

	(void)state;
	ks_buf_init(&object, 1 << 16);
	ks_buf_init(&scratch, 1 << 16);
	assert_int_equal(read_json(ks_str("{\"payload\":[1]}"), &object), KS_JSON_OK);
	assert_null(ks_envelope_parse(ks_buf_bytes(&object), 8, &scratch, &rec));
	assert_true(rec.time_ms == 5 && rec.offset == 7 && rec.partition == 3 && rec.flags == KS_TIME_CREATE);
	assert_true(ks_bytes_is(rec.topic, "t") && ks_bytes_is(rec.route, "r"));
	assert_true(ks_mp_is_nil(rec.key) && rec.headers.n == 1 && rec.headers.p[0] == 0x90);
	assert_true(rec.value.n == 2 && rec.value.p[0] == 0x91);
	object.n = 0;
	assert_int_equal(read_json(ks_str("{\"payload\":null,\"ts\":null,\"flags\":[\"late\"],\"topic\":null}"), &object), KS_JSON_OK);
	assert_null(ks_envelope_parse(ks_buf_bytes(&object), 8, &scratch, &rec));
	assert_true(rec.time_ms == 0 && rec.flags == KS_SIDE_LATE && rec.topic.p == NULL && ks_mp_is_nil(rec.value));
	/* Out of room for what must be decoded. */
	ks_buf_release(&scratch);
	ks_buf_init(&scratch, 4);
	object.n = 0;
	assert_int_equal(read_json(ks_str("{\"payload\":\"0123456789\"}"), &object), KS_JSON_OK);
	assert_non_null(strstr(ks_envelope_parse(ks_buf_bytes(&object), 8, &scratch, &rec), "too large"));
	ks_buf_release(&object);
	ks_buf_release(&scratch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trips), cmocka_unit_test(printed), cmocka_unit_test(print_refused),
		cmocka_unit_test(parsed), cmocka_unit_test(absent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
