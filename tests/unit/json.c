/* SPDX-License-Identifier: MIT */
/*
 * json.c - the JSON codec against the vectors, which Python's json and jq have
 * made, and against itself without a memory: what a ks_json has read before
 * must not show in what it reads next.
 */
#include "lib/json.h"

#include <errno.h>
#include <msgpack.h>

#include "lib/json-pack.h"
#include "tests/unit/kit.h"

/* Every test is done with each way to pack; what is fresh goes the best one first, so the plain one is held against it. */
static const struct ks_json_packer *way;

/* The text, then a pad of KS_PAD bytes that begins with a NUL or newline, in just that much memory. */
static unsigned char *padded(const void *text, size_t n, unsigned kind)
{
	static const char *const behind[] = {
		"", "\n", "\n\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"",
		"\n0123456789012345678901234567890123456789", "\n}]}]}]}]}]}]}]}]}]}]}]}]}]}]}]}]}]",
	};
	unsigned char *p = calloc(1, n + KS_PAD);

	assert_non_null(p);
	if (n > 0)
		memcpy(p, text, n);
	memcpy(p + n, behind[kind % COUNT(behind)], strlen(behind[kind % COUNT(behind)]));
	return p;
}

/* Room for the output as the header promises, and not a byte more. */
static void exact_room(struct ks_buf *out, size_t n)
{
	ks_buf_init(out, n / 4 * 9 + 128);
}

/* Parse with j; on success the msgpack is in out, and is sound. */
static enum ks_json_error parse(struct ks_json *j, const void *text, size_t n, unsigned kind, struct ks_buf *out)
{
	unsigned char *p = padded(text, n, kind);
	enum ks_json_error e;

	exact_room(out, n);
	if (j->documents > 0)
		j->pack = way;
	e = ks_json_parse(j, ks_bytes(p, n), out);
	if (e == KS_JSON_OK) {
		if (ks_mp_check(ks_buf_bytes(out), j->depth) != KS_MP_OK)
			fail_msg("%.*s: %s", (int)n, (const char *)text, ks_mp_strerror(ks_mp_check(ks_buf_bytes(out), j->depth)));
	} else {
		assert_true(j->at >= p && j->at <= p + n);
		assert_non_null(ks_json_strerror(e));
		assert_int_equal(out->n, 0);
	}
	free(p);
	return e;
}

static void print(struct ks_bytes value, struct ks_buf *out)
{
	int no;

	ks_buf_init(out, 1 << 24);
	assert_int_equal(ks_json_print(value, KS_DEPTH_MAX, out, &no), KS_MP_OK);
	assert_int_equal(no, 0);
}

/* msgpack-c reads it too, as deep as it can. */
static void accepted_by_msgpack_c(struct ks_bytes value)
{
	msgpack_unpacked u;
	size_t off = 0;

	if (ks_mp_check(value, 30) != KS_MP_OK)
		return;
	msgpack_unpacked_init(&u);
	assert_int_equal(msgpack_unpack_next(&u, (const char *)value.p, value.n, &off), MSGPACK_UNPACK_SUCCESS);
	assert_int_equal(off, value.n);
	msgpack_unpacked_destroy(&u);
}

/* A member's text, between the quotes; *at moves behind it. */
static bool text_of(const char *line, const char *member, const char **text, size_t *n)
{
	char want[32];
	const char *at;

	snprintf(want, sizeof(want), "\"%s\":\"", member);
	at = strstr(line, want);
	if (at == NULL)
		return false;
	*text = at + strlen(want);
	*n = strcspn(*text, "\"");
	return true;
}

static void unhex(struct ks_buf *b, const char *hex, size_t n)
{
	size_t i;

	b->n = 0;
	assert_int_equal(ks_buf_reserve(b, n / 2 + 1), 0);
	for (i = 0; i < n; i += 2)
		b->p[b->n++] = (unsigned char)(kit_digit(hex[i]) << 4 | kit_digit(hex[i + 1]));
}

static bool is_blank(unsigned char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Every cut of an accepted document that does not end behind its value is refused; numbers may be cut to numbers. */
static void check_cuts(struct ks_json *j, struct ks_bytes doc)
{
	size_t first = 0, last = doc.n, n;
	enum ks_json_error e;
	struct ks_buf out;
	bool number;

	while (first < doc.n && is_blank(doc.p[first]))
		first++;
	while (last > first && is_blank(doc.p[last - 1]))
		last--;
	number = doc.p[first] == '-' || (doc.p[first] >= '0' && doc.p[first] <= '9');
	for (n = 0; n < doc.n && n < 700; n++) {
		e = parse(j, doc.p, n, (unsigned)n, &out);
		if (!number || n <= first)
			assert_int_equal(e == KS_JSON_OK, n >= last);
		ks_buf_release(&out);
	}
}

static void check_case(struct ks_json *j, const char *name, struct ks_bytes doc, const struct ks_buf *want)
{
	struct ks_buf out, text, again, alone;
	enum ks_json_error e;
	struct ks_json fresh;
	uint64_t before;
	unsigned kind;

	for (kind = 0; kind < 5; kind++) {
		before = j->duplicates;
		e = parse(j, doc.p, doc.n, kind, &out);
		if ((e == KS_JSON_OK) != (want != NULL))
			fail_msg("%s: %s", name, ks_json_strerror(e));
		ks_json_init(&fresh, KS_DEPTH_MAX);
		assert_int_equal(parse(&fresh, doc.p, doc.n, kind, &alone), e);
		assert_true(ks_bytes_eq(ks_buf_bytes(&out), ks_buf_bytes(&alone)));
		if (e == KS_JSON_OK)
			assert_true(fresh.duplicates == j->duplicates - before);
		ks_json_release(&fresh);
		ks_buf_release(&alone);
		if (want != NULL) {
			accepted_by_msgpack_c(ks_buf_bytes(&out));
			print(ks_buf_bytes(&out), &text);
			if (!ks_bytes_eq(ks_buf_bytes(&text), ks_buf_bytes(want)))
				fail_msg("%s: printed %.*s", name, (int)text.n, (const char *)text.p);
			assert_int_equal(parse(j, text.p, text.n, kind, &again), KS_JSON_OK);
			assert_true(ks_bytes_eq(ks_buf_bytes(&out), ks_buf_bytes(&again)));
			ks_buf_release(&again);
			ks_buf_release(&text);
		}
		ks_buf_release(&out);
	}
	if (want != NULL)
		check_cuts(j, doc);
}

static void vectors(void **state)
{
	FILE *f = fopen("tests/vectors/json/cases.jsonl", "r");
	size_t cap = 0, n, name_n, cases = 0, accepted = 0, lines = 0;
	char *line = NULL, label[200];
	const char *text, *name;
	struct ks_buf doc, want;
	struct ks_json j;

	(void)state;
	if (f == NULL)
		fail_msg("tests/vectors/json/cases.jsonl: run this from the top of the tree");
	ks_json_init(&j, KS_DEPTH_MAX);
	ks_buf_init(&doc, 1 << 24);
	ks_buf_init(&want, 1 << 24);
	while (getline(&line, &cap, f) >= 0) {
		bool accept = strstr(line, "\"expect\":\"accept\"") != NULL;

		assert_true(text_of(line, "name", &name, &name_n) && text_of(line, "hex", &text, &n));
		snprintf(label, sizeof(label), "%.*s", (int)name_n, name);
		unhex(&doc, text, n);
		if (accept) {
			assert_true(text_of(line, "outhex", &text, &n));
			unhex(&want, text, n);
		}
		check_case(&j, label, ks_buf_bytes(&doc), accept ? &want : NULL);
		cases++;
		accepted += accept;
		lines += strstr(line, "\"multiline\":true") != NULL;
	}
	assert_true(cases >= 600 && accepted >= 200 && lines >= 20);
	ks_json_release(&j);
	ks_buf_release(&doc);
	ks_buf_release(&want);
	free(line);
	fclose(f);
}

static void errors(void **state)
{
	static const struct {
		const char *text;
		enum ks_json_error want;
		size_t at;
	} table[] = {
		{ "", KS_JSON_CUT, 0 }, { " ", KS_JSON_CUT, 1 }, { "[1,", KS_JSON_CUT, 3 }, { "{\"a", KS_JSON_CUT, 3 },
		{ "{\"a\"", KS_JSON_CUT, 4 }, { "{\"a\":", KS_JSON_CUT, 5 }, { "tru", KS_JSON_CUT, 3 }, { "1.", KS_JSON_CUT, 2 },
		{ "-", KS_JSON_CUT, 1 }, { "1e+", KS_JSON_CUT, 3 }, { "\"\\", KS_JSON_CUT, 2 },
		{ "[1 2]", KS_JSON_SYNTAX, 3 }, { "[,1]", KS_JSON_SYNTAX, 1 }, { "[1,]", KS_JSON_SYNTAX, 3 }, { "{,}", KS_JSON_SYNTAX, 1 },
		{ "{\"a\" 1}", KS_JSON_SYNTAX, 5 }, { "{1:2}", KS_JSON_SYNTAX, 1 }, { "{\"a\":1,}", KS_JSON_SYNTAX, 7 },
		{ "nul1", KS_JSON_SYNTAX, 3 }, { "'a'", KS_JSON_SYNTAX, 0 }, { "NaN", KS_JSON_SYNTAX, 0 }, { "\xef\xbb\xbf" "1", KS_JSON_SYNTAX, 0 },
		{ "\"\xff\"", KS_JSON_UTF8, 1 }, { "\"a\xc3\"", KS_JSON_UTF8, 2 }, { "{\"\xed\xa0\x80\":1}", KS_JSON_UTF8, 2 },
		{ "\"\\x\"", KS_JSON_ESCAPE, 2 }, { "\"\\u12g4\"", KS_JSON_ESCAPE, 1 }, { "\"\t\"", KS_JSON_CONTROL, 1 },
		{ "\"a\nb\"", KS_JSON_CONTROL, 2 }, { "\"\\ud800\"", KS_JSON_SURROGATE, 1 }, { "\"\\udc00\"", KS_JSON_SURROGATE, 1 },
		{ "\"\\ud800\\u0041\"", KS_JSON_SURROGATE, 1 }, { "\"\\ud800\\udbff\"", KS_JSON_SURROGATE, 1 },
		{ "\"\\udbff\\ue000\"", KS_JSON_SURROGATE, 1 },
		{ "01", KS_JSON_NUMBER, 0 }, { "[-01]", KS_JSON_NUMBER, 2 }, { "-a", KS_JSON_NUMBER, 1 }, { "1.a", KS_JSON_NUMBER, 2 },
		{ "1ea", KS_JSON_NUMBER, 2 }, { ".5", KS_JSON_SYNTAX, 0 }, { "+1", KS_JSON_SYNTAX, 0 },
		{ "1e309", KS_JSON_RANGE, 0 }, { "[1,-1e999]", KS_JSON_RANGE, 3 }, { "[[[[[]]]]]", KS_JSON_DEPTH, 4 },
		{ "[{\"a\":[{\"b\":{}}]}]", KS_JSON_DEPTH, 12 }, { "1 1", KS_JSON_TRAILING, 2 }, { "{}}", KS_JSON_TRAILING, 2 },
		{ "[]\n[]", KS_JSON_TRAILING, 3 },
	};
	enum ks_json_error e;
	unsigned char *p;
	struct ks_json j;
	struct ks_buf out;
	size_t i, n;

	(void)state;
	ks_json_init(&j, 4);
	for (i = 0; i < COUNT(table); i++) {
		n = strlen(table[i].text);
		p = padded(table[i].text, n, (unsigned)i);
		exact_room(&out, n);
		e = ks_json_parse(&j, ks_bytes(p, n), &out);
		if (e != table[i].want || (size_t)(j.at - p) != table[i].at)
			fail_msg("%s: %s, at %zd", table[i].text, ks_json_strerror(e), j.at - p);
		ks_buf_release(&out);
		free(p);
	}
	ks_json_release(&j);
}

static void room(void **state)
{
	unsigned char *p = padded("[1,2,3]", 7, 0);
	struct ks_json j;
	struct ks_buf out;

	(void)state;
	ks_json_init(&j, 4);
	ks_buf_init(&out, 20);
	assert_int_equal(ks_json_parse(&j, ks_bytes(p, 7), &out), KS_JSON_BIG);
	assert_true(j.at == p && out.n == 0);
	ks_buf_release(&out);
	/* Appended to what is there. */
	ks_buf_init(&out, 1000);
	assert_int_equal(ks_buf_add(&out, "abc", 3), 0);
	assert_int_equal(ks_json_parse(&j, ks_bytes(p, 7), &out), KS_JSON_OK);
	assert_int_equal(out.n, 7);
	assert_memory_equal(out.p, "abc\x93\x01\x02\x03", 7);
	ks_buf_release(&out);
	ks_json_release(&j);
	free(p);
}

/* The densest texts: the output must fit the room that is promised. */
static void densest(void **state)
{
	static const char *const element[] = { "1e5", "0", "\"\"", "[]", "{}", "-1", "1.5", "128", "\"\\n\"", "65536", "null", "4294967296" };
	static const size_t count[] = { 1, 15, 16, 17, 100, 65535, 65536 };
	struct ks_buf text, out, back;
	struct ks_json j;
	size_t i, k, n;

	(void)state;
	ks_json_init(&j, 4);
	ks_buf_init(&text, 1 << 24);
	for (i = 0; i < COUNT(element); i++) {
		for (k = 0; k < COUNT(count); k++) {
			text.n = 0;
			for (n = 0; n < count[k]; n++)
				assert_int_equal(ks_buf_printf(&text, "%c%s", n == 0 ? '[' : ',', element[i]), 0);
			assert_int_equal(ks_buf_add(&text, "]", 1), 0);
			assert_int_equal(parse(&j, text.p, text.n, (unsigned)k, &out), KS_JSON_OK);
			print(ks_buf_bytes(&out), &back);
			if (element[i][1] != 'e')
				assert_true(ks_bytes_eq(ks_buf_bytes(&text), ks_buf_bytes(&back)));
			ks_buf_release(&back);
			ks_buf_release(&out);
		}
	}
	ks_buf_release(&text);
	ks_json_release(&j);
}

/* Keys as they stand in the text, and what they are; some are the same in other words. */
static const struct {
	const char *raw, *text;
} keys[] = {
	{ "", "" }, { "a", "a" }, { "\\u0061", "a" }, { "b", "b" }, { "ab", "ab" }, { "abc", "abc" }, { "abcd", "abcd" },
	{ "0123456789a", "0123456789a" },		/* with quotes and colon: 14 bytes */
	{ "0123456789ab", "0123456789ab" },		/* 15 */
	{ "0123456789abc", "0123456789abc" },		/* 16: the longest that is guessed */
	{ "0123456789abd", "0123456789abd" },
	{ "0123456789abcd", "0123456789abcd" },		/* 17 */
	{ "0123456789abcde", "0123456789abcde" }, { "0123456789abcdef", "0123456789abcdef" },
	{ "0123456789abcdefg", "0123456789abcdefg" }, { "0123456789abcdefghijklmnopqrstuvwxyz", "0123456789abcdefghijklmnopqrstuvwxyz" },
	{ "0123456789abcdefghijklmnopqrstuvwxyA", "0123456789abcdefghijklmnopqrstuvwxyA" },
	{ "a\\nb", "a\nb" }, { "a\\u000ab", "a\nb" }, { "\\\"", "\"" }, { "\\\\", "\\" }, { "\xc3\xa9", "\xc3\xa9" }, { "\\u00e9", "\xc3\xa9" },
	{ "x\\/y", "x/y" }, { "x/y", "x/y" }, { "\\ud83d\\ude00", "\xf0\x9f\x98\x80" }, { "\\t", "\t" }, { "price", "price" },
	{ "pric", "pric" }, { "prices", "prices" }, { "aaaaaaaax", "aaaaaaaax" }, { "aaaaaaaay", "aaaaaaaay" }, { "bbbbbbbbx", "bbbbbbbbx" },
};

struct member {
	size_t key;
	unsigned value;
};

/* An object of these members as text, with the blanks of style. */
static void add_object(struct ks_buf *b, const struct member *m, size_t n, unsigned style)
{
	static const char *const before[] = { "", "", " ", "\t", "   ", "" }, *const after[] = { "", " ", " ", "", "\t ", "\r" };
	size_t i;

	assert_int_equal(ks_buf_add(b, "{", 1), 0);
	for (i = 0; i < n; i++)
		assert_int_equal(ks_buf_printf(b, "%s\"%s\"%s:%s%u", i > 0 ? "," : "", keys[m[i].key].raw, before[style % 6],
		    after[style % 6], m[i].value), 0);
	assert_int_equal(ks_buf_add(b, "}", 1), 0);
}

/* What must come out: of equal keys the first one's place and the last one's value.  Returns how many went. */
static size_t add_expected(struct ks_buf *b, const struct member *m, size_t n)
{
	size_t i, k, gone = 0, kept = 0;
	struct ks_buf body;

	ks_buf_init(&body, 1 << 20);
	for (i = 0; i < n; i++) {
		unsigned value = m[i].value;

		for (k = 0; k < i && strcmp(keys[m[k].key].text, keys[m[i].key].text) != 0; k++)
			;
		if (k < i) {
			gone++;
			continue;
		}
		for (k = i + 1; k < n; k++)
			if (strcmp(keys[m[k].key].text, keys[m[i].key].text) == 0)
				value = m[k].value;
		assert_int_equal(ks_mp_add_str(&body, ks_str(keys[m[i].key].text)), 0);
		assert_int_equal(ks_mp_add_i64(&body, value), 0);
		kept++;
	}
	assert_int_equal(ks_mp_add_map_head(b, (uint32_t)kept), 0);
	assert_int_equal(ks_buf_add(b, body.p, body.n), 0);
	ks_buf_release(&body);
	return gone;
}

/* Documents one after another, mostly like the one before: the guesses must not show. */
static void sequences(void **state)
{
	struct ks_buf text, want, out;
	struct member m[80];
	uint64_t seed = 6, before;
	struct ks_json j;
	size_t i, n = 1, round, gone;
	unsigned style = 0;

	(void)state;
	ks_json_init(&j, 4);
	ks_buf_init(&text, 1 << 20);
	ks_buf_init(&want, 1 << 20);
	m[0] = (struct member){ 0, 1 };
	for (round = 0; round < 40000; round++) {
		switch (kit_below(&seed, 8)) {
		case 0:	/* all anew */
			n = kit_below(&seed, kit_below(&seed, 10) == 0 ? 80 : 8);
			for (i = 0; i < n; i++)
				m[i] = (struct member){ kit_below(&seed, COUNT(keys)), (unsigned)i };
			break;
		case 1:	/* one key changes */
			if (n > 0)
				m[kit_below(&seed, n)].key = kit_below(&seed, COUNT(keys));
			break;
		case 2:
			style = (unsigned)kit_below(&seed, 6);
			break;
		case 3:
			n = n > 0 ? kit_below(&seed, n) : 1;
			break;
		default:
			break;
		}
		if (n > 0)
			m[kit_below(&seed, n)].value = (unsigned)kit_below(&seed, 1000);
		text.n = want.n = 0;
		add_object(&text, m, n, style);
		gone = add_expected(&want, m, n);
		before = j.duplicates;
		assert_int_equal(parse(&j, text.p, text.n, (unsigned)round, &out), KS_JSON_OK);
		if (!ks_bytes_eq(ks_buf_bytes(&out), ks_buf_bytes(&want)))
			fail_msg("round %zu: %.*s", round, (int)text.n, (const char *)text.p);
		assert_true(j.duplicates - before == gone);
		ks_buf_release(&out);
	}
	ks_buf_release(&text);
	ks_buf_release(&want);
	ks_json_release(&j);
}

/* The same, but the documents are cut or damaged between the sound ones. */
static void damaged_between(void **state)
{
	struct ks_buf text, want, out;
	struct member m[4] = { { 9, 1 }, { 5, 2 }, { 18, 3 }, { 29, 4 } };
	uint64_t seed = 7;
	struct ks_json j, fresh;
	enum ks_json_error e;
	size_t round, n;

	(void)state;
	ks_json_init(&j, 4);
	ks_buf_init(&text, 1 << 20);
	for (round = 0; round < 20000; round++) {
		if (kit_below(&seed, 4) == 0)
			m[kit_below(&seed, 4)].key = kit_below(&seed, COUNT(keys));
		text.n = 0;
		add_object(&text, m, 4, (unsigned)round);
		n = text.n;
		if (round % 3 == 1)
			n = kit_below(&seed, n);
		if (round % 3 == 2)
			text.p[kit_below(&seed, n)] = (unsigned char)"\"\\:,{}[] \n\t\0a1\xff\x80"[kit_below(&seed, 17)];
		e = parse(&j, text.p, n, (unsigned)round, &out);
		ks_json_init(&fresh, 4);
		assert_int_equal(parse(&fresh, text.p, n, (unsigned)round, &want), e);
		assert_true(ks_bytes_eq(ks_buf_bytes(&out), ks_buf_bytes(&want)));
		assert_true(round % 3 != 0 || e == KS_JSON_OK);
		ks_json_release(&fresh);
		ks_buf_release(&out);
		ks_buf_release(&want);
	}
	ks_buf_release(&text);
	ks_json_release(&j);
}

/* Objects around the numbers where the search for equal keys changes, without, with few and with many of them. */
static void many_members(void **state)
{
	static const size_t count[] = { 15, 16, 17, 64, 65, 1023, 1024, 1025, 5000, 65536 };
	struct ks_buf text, out, back, want;
	uint64_t before;
	struct ks_json j;
	size_t i, k, repeat;

	(void)state;
	ks_json_init(&j, 4);
	ks_buf_init(&text, 1 << 24);
	ks_buf_init(&want, 1 << 24);
	for (k = 0; k < COUNT(count) * 3; k++) {
		size_t n = count[k / 3];

		repeat = k % 3 == 0 ? 0 : k % 3 == 1 ? 1 : n / 2;
		text.n = want.n = 0;
		for (i = 0; i < n + repeat; i++)
			assert_int_equal(ks_buf_printf(&text, "%c\"key%zu\":%zu", i == 0 ? '{' : ',', i < n ? i : 2 * (i - n), i), 0);
		assert_int_equal(ks_buf_add(&text, "}", 1), 0);
		for (i = 0; i < n; i++)
			assert_int_equal(ks_buf_printf(&want, "%c\"key%zu\":%zu", i == 0 ? '{' : ',', i,
			    i % 2 == 0 && i / 2 < repeat ? n + i / 2 : i), 0);
		assert_int_equal(ks_buf_add(&want, "}", 1), 0);
		before = j.duplicates;
		assert_int_equal(parse(&j, text.p, text.n, (unsigned)k, &out), KS_JSON_OK);
		assert_true(j.duplicates - before == repeat);
		print(ks_buf_bytes(&out), &back);
		assert_int_equal(back.n, want.n);
		assert_memory_equal(back.p, want.p, want.n);
		ks_buf_release(&back);
		ks_buf_release(&out);
	}
	ks_buf_release(&text);
	ks_buf_release(&want);
	ks_json_release(&j);
}

/* Values between equal keys may be anything, nested objects with equal keys as well. */
static void repeats(void **state)
{
	static const struct {
		const char *text, *want;
		uint64_t gone;
	} table[] = {
		{ "{\"a\":1,\"a\":2}", "{\"a\":2}", 1 },
		{ "{\"a\":1,\"b\":2,\"a\":3}", "{\"a\":3,\"b\":2}", 1 },
		{ "{\"a\":[1,2,3],\"a\":{}}", "{\"a\":{}}", 1 },
		{ "{\"a\":0,\"a\":{\"x\":1,\"x\":[]},\"b\":{\"x\":1,\"x\":2}}", "{\"a\":{\"x\":[]},\"b\":{\"x\":2}}", 3 },
		{ "{\"a\":{\"a\":{\"a\":1}}}", "{\"a\":{\"a\":{\"a\":1}}}", 0 },
		{ "{\"\":1,\"\":2,\"\":3}", "{\"\":3}", 2 },
		{ "{\"\\u0000\":1,\"\":2,\"\\u0000\":3}", "{\"\\u0000\":3,\"\":2}", 1 },
		{ "[{\"a\":1},{\"a\":2}]", "[{\"a\":1},{\"a\":2}]", 0 },
	};
	struct ks_buf out, back;
	struct ks_json j;
	uint64_t before;
	size_t i;

	(void)state;
	ks_json_init(&j, 4);
	for (i = 0; i < COUNT(table); i++) {
		before = j.duplicates;
		assert_int_equal(parse(&j, table[i].text, strlen(table[i].text), 0, &out), KS_JSON_OK);
		print(ks_buf_bytes(&out), &back);
		if (!ks_bytes_is(ks_buf_bytes(&back), table[i].want))
			fail_msg("%s: %.*s", table[i].text, (int)back.n, (const char *)back.p);
		assert_true(j.duplicates - before == table[i].gone);
		ks_buf_release(&back);
		ks_buf_release(&out);
	}
	ks_json_release(&j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors), cmocka_unit_test(errors), cmocka_unit_test(room), cmocka_unit_test(densest),
		cmocka_unit_test(sequences), cmocka_unit_test(damaged_between), cmocka_unit_test(many_members),
		cmocka_unit_test(repeats),
	};

	int failed;

	way = &ks_pack_plain;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	way = ks_pack_best();
	return failed != 0 ? failed : cmocka_run_group_tests(tests, NULL, NULL);
}
