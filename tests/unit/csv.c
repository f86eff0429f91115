/* SPDX-License-Identifier: MIT */
/*
 * csv.c - rows to objects: each kind of field, each refusal, and that the three ways to read a row (whole, at once with
 * the search for its end, cut anywhere) agree.
 */
#include "lib/csv.h"

#include "lib/json.h"
#include "lib/sys.h"
#include "tests/unit/kit.h"

#define MAX ((size_t)1 << 16)

/* A copy with KS_PAD bytes behind, as the contract wants; to be freed. */
static unsigned char *padded(struct ks_bytes b)
{
	unsigned char *copy = calloc(1, b.n + KS_PAD);

	assert_non_null(copy);
	if (b.n > 0)
		memcpy(copy, b.p, b.n);
	return copy;
}

static void begin(struct ks_csv *c, bool tsv, bool untyped, const char *header)
{
	unsigned char *copy = padded(ks_str(header));

	ks_csv_init(c, tsv, untyped, MAX);
	assert_null(ks_csv_header(c, ks_bytes(copy, strlen(header))));
	free(copy);
}

static void expect_json(struct ks_buf *packed, const char *json)
{
	struct ks_buf text;
	int no = 0;

	ks_buf_init(&text, MAX);
	assert_int_equal(ks_json_print(ks_buf_bytes(packed), 8, &text, &no), KS_MP_OK);
	assert_int_equal(no, 0);
	assert_int_equal(ks_buf_add(&text, "", 1), 0);
	assert_string_equal((char *)text.p, json);
	ks_buf_release(&text);
}

static const struct {
	bool tsv, untyped;
	const char *header, *row, *json;	/* NULL: refused */
} rows[] = {
	{ false, false, "a,b", "1,x", "{\"a\":1,\"b\":\"x\"}" },
	{ false, false, "a,b", ",", "{\"a\":null,\"b\":null}" },
	{ false, false, "a,b", "\"\",\"1\"", "{\"a\":\"\",\"b\":\"1\"}" },
	{ false, false, "a,b", "\"x,\"\"y\"\"\",\"l1\nl2\"", "{\"a\":\"x,\\\"y\\\"\",\"b\":\"l1\\nl2\"}" },
	{ false, false, "a,b", "true,false", "{\"a\":true,\"b\":false}" },
	{ false, false, "a,b", "True,nul", "{\"a\":\"True\",\"b\":\"nul\"}" },
	{ false, false, "a,b", "-0,1.50", "{\"a\":0,\"b\":1.5}" },
	{ false, false, "a,b", "007,+1", "{\"a\":\"007\",\"b\":\"+1\"}" },
	{ false, false, "a,b", "1.,.5", "{\"a\":\"1.\",\"b\":\".5\"}" },
	{ false, false, "a,b", "12e5,1.2e5", "{\"a\":\"12e5\",\"b\":120000.0}" },
	{ false, false, "a,b", "18446744073709551615,18446744073709551616", "{\"a\":18446744073709551615,\"b\":\"18446744073709551616\"}" },
	{ false, false, "a,b", "-9223372036854775808,-9223372036854775809",
	    "{\"a\":-9223372036854775808,\"b\":\"-9223372036854775809\"}" },
	{ false, false, "a,b", "x\"y\",-", "{\"a\":\"x\\\"y\\\"\",\"b\":\"-\"}" },
	{ false, true, "a,b", "1,", "{\"a\":\"1\",\"b\":\"\"}" },
	{ false, false, "a,a,", "1,2,3", "{\"a\":1,\"a_2\":2,\"3\":3}" },
	{ true, false, "a\tb", "1\t-", "{\"a\":1,\"b\":null}" },
	{ true, false, "a\tb", "x\\ty\\\\\t\"q\"", "{\"a\":\"x\\ty\\\\\",\"b\":\"\\\"q\\\"\"}" },
	{ true, false, "a\tb", "\\x\t\\", "{\"a\":\"\\\\x\",\"b\":\"\\\\\"}" },
	{ false, false, "a,b", "1", NULL }, { false, false, "a,b", "1,2,3", NULL },
	{ false, false, "a,b", "\"x\"y,2", NULL }, { false, false, "a,b", "\"x,2", NULL },
	{ false, false, "a,b", "\xff,2", NULL }, { false, false, "a,b", "1,\"\xc3\"", NULL },
	{ true, false, "a\tb", "1", NULL },
};

/* Whole, and at once: what is refused by the first appends nothing by the second. */
static void each_row(void **state)
{
	struct ks_csv c;
	struct ks_buf out, line;
	unsigned char *copy;
	const char *wrong;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		begin(&c, rows[i].tsv, rows[i].untyped, rows[i].header);
		ks_buf_init(&out, MAX);
		ks_buf_init(&line, MAX);
		copy = padded(ks_str(rows[i].row));
		wrong = ks_csv_row(&c, ks_bytes(copy, strlen(rows[i].row)), &out);
		free(copy);
		if ((wrong != NULL) != (rows[i].json == NULL))
			fail_msg("'%s': %s", rows[i].row, wrong != NULL ? wrong : "accepted");
		if (wrong == NULL)
			expect_json(&out, rows[i].json);
		else
			assert_int_equal(out.n, 0);

		assert_int_equal(ks_buf_add(&line, rows[i].row, strlen(rows[i].row)), 0);
		assert_int_equal(ks_buf_add(&line, "\nrest", 5), 0);
		copy = padded(ks_buf_bytes(&line));
		out.n = 0;
		ks_csv_next(&c, 0);
		assert_int_equal(ks_csv_line(&c, ks_bytes(copy, line.n), &out), rows[i].json != NULL);
		if (rows[i].json != NULL) {
			assert_int_equal(c.at, strlen(rows[i].row));
			expect_json(&out, rows[i].json);
		} else {
			assert_int_equal(out.n, 0);
		}
		free(copy);
		ks_buf_release(&out);
		ks_buf_release(&line);
		ks_csv_release(&c);
	}
}

/* The end of a row does not depend on how the text came: two parts, cut at each byte. */
static void found_in_parts(void **state)
{
	static const struct {
		const char *text;
		size_t at;
		unsigned breaks;
	} table[] = {
		{ "a,b\nc", 3, 0 }, { "\n", 0, 0 }, { "\"a\nb\",c\nd", 7, 1 }, { "\"a\"\"\n\"\"\",\"\n\"\nx", 12, 2 },
		{ "a\"\nb", 2, 0 }, { "a,\"\"\nb", 4, 0 }, { "a,b\"c\"\nd", 6, 0 }, { ",,\"\n\n\"\n", 6, 2 },
	};
	struct ks_csv c;
	unsigned char *copy;
	size_t i, n, cut;

	(void)state;
	for (i = 0; i < COUNT(table); i++) {
		n = strlen(table[i].text);
		for (cut = 0; cut <= n; cut++) {
			ks_csv_init(&c, false, false, MAX);
			ks_csv_next(&c, 0);
			copy = padded(ks_bytes(table[i].text, cut));
			if (!ks_csv_find(&c, copy, cut)) {
				free(copy);
				copy = padded(ks_bytes(table[i].text, n));
				if (!ks_csv_find(&c, copy, n))
					fail_msg("'%s' cut at %zu: no end", table[i].text, cut);
			}
			if (c.at != table[i].at || c.breaks != table[i].breaks)
				fail_msg("'%s' cut at %zu: ends at %zu, %u breaks", table[i].text, cut, c.at,
				    (unsigned)c.breaks);
			free(copy);
			ks_csv_release(&c);
		}
	}
}

/* What is written is read back as the text that it was; a name, too. */
static void written_and_read(void **state)
{
	static const char *const table[] = {
		"", "a", "1", "-1.5", "true", "null", "a,b", "\"", "\"\"", "a\"b", "\n", "\r", "a\r\nb", " x ", "12e5", "\xc3\xa9",
		"a name that is longer than what is copied at once",
	};
	struct ks_buf text, back;
	const unsigned char *p;
	unsigned char *copy;
	struct ks_csv c;
	struct ks_val v;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(table); i++) {
		begin(&c, false, false, "a");
		ks_buf_init(&text, MAX);
		ks_buf_init(&back, MAX);
		assert_int_equal(ks_csv_add(&text, ks_str(table[i]), false), 0);
		copy = padded(ks_buf_bytes(&text));
		assert_null(ks_csv_row(&c, ks_bytes(copy, text.n), &back));
		p = back.p + 3;	/* a map of one, and its key */
		assert_int_equal(ks_mp_read(&p, back.p + back.n, 0, &v), KS_MP_OK);
		if (v.type != KS_STR || !ks_bytes_is(v.b, table[i]))
			fail_msg("'%s' as %.*s: read as something else", table[i], (int)text.n, (char *)text.p);
		free(copy);
		ks_buf_release(&text);
		ks_buf_release(&back);
		ks_csv_release(&c);
	}
}

static void says_which(void **state)
{
	static const struct {
		const char *row, *wrong;
	} table[] = {
		{ "1", "the row has 1 field, and the header 2" },
		{ "1,2,3,4", "the row has more than the 2 fields of the header" },
		{ "1,\"x", "field 2, 'b': its quote is not closed" },
		{ "\"x\"y,1", "field 1, 'a': there is text behind its closing quote (a quote within quotes is doubled)" },
		{ "1,\xff", "field 2, 'b': it is not UTF-8 (iconv makes it so)" },
	};
	struct ks_csv c;
	struct ks_buf out;
	unsigned char *copy;
	size_t i;

	(void)state;
	begin(&c, false, false, "a,b");
	ks_buf_init(&out, MAX);
	for (i = 0; i < COUNT(table); i++) {
		copy = padded(ks_str(table[i].row));
		assert_string_equal(ks_csv_row(&c, ks_bytes(copy, strlen(table[i].row)), &out), table[i].wrong);
		free(copy);
	}
	ks_buf_release(&out);
	ks_csv_release(&c);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_row), cmocka_unit_test(found_in_parts), cmocka_unit_test(written_and_read),
		cmocka_unit_test(says_which),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
