/* SPDX-License-Identifier: MIT */
/*
 * partition.c - where a record goes: murmur2 and the bytes of a key, against
 * what Kafka's Java client answered (tests/vectors/murmur2).
 */
#include "lib/hash.h"
#include "lib/kafka-message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const int32_t counts[] = { 1, 2, 7, 12, 64, 1000 };
#define COUNTS (sizeof(counts) / sizeof(counts[0]))

static size_t read_hex(const char **p, unsigned char *key)
{
	unsigned x;
	size_t n = 0;

	for (; **p != '\t'; *p += 2) {
		if (sscanf(*p, "%2x", &x) != 1)
			fail_msg("not hex: %s", *p);
		key[n++] = (unsigned char)x;
	}
	return n;
}

static void java_keys(void **state)
{
	FILE *f = fopen("tests/vectors/murmur2/keys.tsv", "r");
	unsigned char key[256];
	char line[600], *end;
	const char *p;
	size_t n, i, lines = 0;
	int32_t hash, got;

	(void)state;
	assert_non_null(f);
	while (fgets(line, sizeof(line), f) != NULL) {
		p = line;
		n = read_hex(&p, key);
		hash = (int32_t)strtol(p, &end, 10);
		got = (int32_t)ks_murmur2(ks_bytes(key, n));
		if (got != hash)
			fail_msg("line %zu: %d instead of %d", lines + 1, (int)got, (int)hash);
		for (i = 0; i < COUNTS; i++) {
			got = ks_partition_of(ks_bytes(key, n), counts[i]);
			if (got != (int32_t)strtol(end, &end, 10))
				fail_msg("line %zu: partition %d of %d", lines + 1, (int)got, (int)counts[i]);
		}
		lines++;
	}
	fclose(f);
	assert_in_range(lines, 1000, 1000000);
}

struct key_case {
	const char *name;
	const char *key;	/* msgpack */
	size_t n;
	uint32_t flags;
	enum ks_key_codec codec;
	const char *bytes;	/* NULL: null */
	const char *hashed;	/* NULL: the same */
};

#define MP(text) text, sizeof(text) - 1
#define WINDOW_KEY "\x83\xa3" "key\xa4" "ACME\xa5start\x00\xa3" "end\x0a"

static const struct key_case key_cases[] = {
	{ "a string is bare", MP("\xa4" "ACME"), 0, KS_KEY_STRING, "ACME", NULL },
	{ "the empty string is not null", MP("\xa0"), 0, KS_KEY_STRING, "", NULL },
	{ "nil is null", MP("\xc0"), 0, KS_KEY_STRING, NULL, NULL },
	{ "nil is null as JSON too", MP("\xc0"), 0, KS_KEY_JSON, NULL, NULL },
	{ "bytes are bare", MP("\xc4\x02\xff\xfe"), 0, KS_KEY_STRING, "\xff\xfe", NULL },
	{ "an integer is JSON", MP("\x2a"), 0, KS_KEY_STRING, "42", NULL },
	{ "a float keeps its point", MP("\xcb\x3f\xf0\x00\x00\x00\x00\x00\x00"), 0, KS_KEY_STRING, "1.0", NULL },
	{ "an array is JSON", MP("\x92\x01\xa1" "a"), 0, KS_KEY_STRING, "[1,\"a\"]", NULL },
	{ "a string as JSON is quoted", MP("\xa4" "ACME"), 0, KS_KEY_JSON, "\"ACME\"", NULL },
	{ "raw takes strings", MP("\xa4" "ACME"), 0, KS_KEY_RAW, "ACME", NULL },
	{ "a windowed key goes by its base key", MP(WINDOW_KEY), KS_KEY_WINDOW, KS_KEY_STRING,
	  "{\"key\":\"ACME\",\"start\":0,\"end\":10}", "ACME" },
	{ "the same map as a plain key goes by all of it", MP(WINDOW_KEY), 0, KS_KEY_STRING,
	  "{\"key\":\"ACME\",\"start\":0,\"end\":10}", NULL },
	{ "a session's base key as JSON", MP(WINDOW_KEY), KS_KEY_SESSION, KS_KEY_JSON,
	  "{\"key\":\"ACME\",\"start\":0,\"end\":10}", "\"ACME\"" },
};

static bool is(struct ks_bytes b, const char *text)
{
	return text == NULL ? b.p == NULL : b.p != NULL && ks_bytes_is(b, text);
}

static void keys(void **state)
{
	struct ks_config config = { .limits = { .record = KS_RECORD_MAX, .key = KS_KEY_MAX, .depth = KS_DEPTH_MAX } };
	struct ks_message_writer w;
	const struct key_case *c;
	struct ks_message m;

	(void)state;
	for (c = key_cases; c < key_cases + sizeof(key_cases) / sizeof(key_cases[0]); c++) {
		struct ks_rec rec = {
			.key = ks_bytes(c->key, c->n), .value = ks_mp_nil, .headers = ks_no_headers, .flags = c->flags,
		};

		config.key_to = c->codec;
		ks_message_writer_open(&w, &config);
		if (ks_message_write(&w, &rec, &m) != NULL)
			fail_msg("%s: refused", c->name);
		if (!is(m.key, c->bytes) || !is(m.hashed, c->hashed != NULL ? c->hashed : c->bytes))
			fail_msg("%s: '%.*s', hashed '%.*s'", c->name, (int)m.key.n, (const char *)m.key.p,
			    (int)m.hashed.n, (const char *)m.hashed.p);
		ks_message_writer_close(&w);
	}
}

static const char *refused(uint32_t flags, int64_t time_ms, const char *key, size_t n,
    enum ks_key_codec codec)
{
	struct ks_config config = {
		.limits = { .record = KS_RECORD_MAX, .key = KS_KEY_MAX, .depth = KS_DEPTH_MAX }, .key_to = codec,
	};
	struct ks_rec rec = {
		.key = ks_bytes(key, n), .value = ks_mp_nil, .headers = ks_no_headers, .flags = flags,
		.time_ms = time_ms,
	};
	struct ks_message_writer w;
	struct ks_message m;
	const char *wrong;

	ks_message_writer_open(&w, &config);
	wrong = ks_message_write(&w, &rec, &m);
	ks_message_writer_close(&w);
	return wrong;
}

static void refusals(void **state)
{
	(void)state;
	assert_non_null(refused(0, 0, MP("\x2a"), KS_KEY_RAW));
	assert_non_null(refused(KS_KEY_WINDOW, 0, MP("\xa4" "ACME"), KS_KEY_STRING));
	assert_non_null(refused(KS_KEY_WINDOW, 0, MP("\x81\xa1" "a\x01"), KS_KEY_STRING));
	assert_non_null(refused(KS_TIME_CREATE, 0, MP("\xc0"), KS_KEY_STRING));
	assert_non_null(refused(KS_TIME_CREATE, -1, MP("\xc0"), KS_KEY_STRING));
	assert_null(refused(KS_TIME_CREATE, 1, MP("\xc0"), KS_KEY_STRING));
	assert_null(refused(KS_TIME_NONE, 0, MP("\xc0"), KS_KEY_STRING));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(java_keys),
		cmocka_unit_test(keys),
		cmocka_unit_test(refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
