/* SPDX-License-Identifier: MIT */
/*
 * expr-read.c - text behind text: what the line before was must not matter,
 * nor which instructions read it.  The oracle is the packer of all machines,
 * which has seen nothing before.
 */
#include "lib/expr-read.h"

#include "tests/unit/expr-probe.h"

static const char *const documents[] = {
	"{\"a\":1,\"b\":2,\"c\":{\"d\":3,\"e\":4},\"f\":[{\"g\":5}]}",
	"{\"a\":12,\"b\":\"x\",\"c\":{\"d\":\"y\",\"e\":44},\"f\":[{\"g\":5},{\"g\":6}]}",
	"{\"a\": 1, \"b\": 2.50, \"c\": {\"d\": -3, \"e\": 4}, \"f\": [{\"g\": 5}]}",
	"{ \"a\" : 1 , \"b\" : 2 , \"c\" : { \"d\" : 3 , \"e\" : 4 } , \"f\" : [ { \"g\" : 5 } ] } ",
	"{\t\"a\":\t1\t,\t\"b\":\r2}", "{\"a\":1,\"b\":2 }", "{\"a\":1 ,\"b\":2}", "{}", "{ }", "[]", "1", "\"x\"", " {\"a\":1}",
	/* A key that stood first in its object, and now does not; and the reverse. */
	"{\"z\":0,\"c\":{\"d\":3}}", "{\"c\":{\"z\":1,\"d\":2}}", "{\"c\":{\"z\":1\"d\":2}}", "{\"c\":{\"z\":1{\"d\":2}}", "{\"c\":{,\"d\":2}}",
	"{\"c\":{\"d\":{\"e\":1},\"e\":2}}", "{\"c\":{\"d\":1},\"d\":2}", "{\"d\":1,\"c\":{\"d\":2}}", "{,\"a\":1}", "{\"a\":1{\"b\":2}",
	"{\"a\":1\"b\":2}", "{\"a\":\"x\"\"b\":2}", "{\"a\":1,,\"b\":2}", "{\"a\":1,\"b\":}", "{\"a\":,\"b\":2}", "{\"a\":1,\"b\":2,}",
	"{\"a\":1,\"b\":2}}", "{\"a\":1,\"b\":2]", "{\"a\":1,\"b\"2}", "{\"a\":1,b:2}", "{\"a\":1,\"b\":2", "{\"a\":1,\"b\":", "{\"a\":1,\"b",
	"{\"a\":1 \"b\":2}", "{\"a\":1, }", "{\"a\":}", "{\"a\": }", "{\"a\"}",
	/* Keys that stand twice, one of them with what is under it. */
	"{\"a\":1,\"a\":2,\"b\":3}", "{\"a\":1,\"b\":2,\"a\":\"x\"}", "{\"c\":{\"d\":1},\"c\":{\"e\":2}}", "{\"c\":{\"d\":1},\"c\":5}",
	"{\"a\":2,\"a\":[]}", "{\"\\u0061\":7,\"b\":2}", "{\"a\":1,\"\\u0061\":7}",
	/* Numbers by their length. */
	"{\"a\":0,\"b\":-0}", "{\"a\":00,\"b\":1}", "{\"a\":01,\"b\":1}", "{\"a\":0.0,\"b\":-0.5}", "{\"a\":1.,\"b\":1}", "{\"a\":.1,\"b\":1}",
	"{\"a\":1.5.5,\"b\":1}", "{\"a\":1e5,\"b\":1E-5}", "{\"a\":1.5e5,\"b\":1}", "{\"a\":1e,\"b\":1}", "{\"a\":1x,\"b\":1}", "{\"a\":--1}",
	"{\"a\":1234567,\"b\":-1234567}", "{\"a\":12345678,\"b\":-12345678}", "{\"a\":123456789,\"b\":1.2345678}",
	"{\"a\":12345678901234,\"b\":0.1234567890123}", "{\"a\":123456789012345,\"b\":1234567890123.4}",
	"{\"a\":1234567890123456,\"b\":12345678901234.5}", "{\"a\":12345678901234567,\"b\":-12345678901234.56}",
	"{\"a\":123456789012345.6,\"b\":123456789012345.}", "{\"a\":123456789012345e1,\"b\":1234567.5}", "{\"a\":9223372036854775807}",
	"{\"a\":9223372036854775808,\"b\":-9223372036854775808}", "{\"a\":18446744073709551616,\"b\":-9223372036854775809}",
	"{\"a\":999999.9,\"b\":-999999.9}", "{\"a\":9.999999,\"b\":0.000001}", "{\"a\":1e400,\"b\":1}", "{\"a\":true,\"b\":null}",
	/* Strings: what ends them at each end of 32 bytes, and what is in them. */
	"{\"a\":\"\",\"b\":\"\xc3\xa9\"}", "{\"a\":\"abcdefghijklmnopqrstuvwxyzabcde\",\"b\":2}",
	"{\"a\":\"abcdefghijklmnopqrstuvwxyzabcdef\",\"b\":2}", "{\"a\":\"abcdefghijklmnopqrstuvwxyzabcdefg\",\"b\":2}",
	"{\"a\":\"abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijk\",\"b\":2}",
	"{\"a\":\"abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijkl\",\"b\":2}",
	"{\"a\":\"abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklm\",\"b\":2}", "{\"a\":\"\\\"\",\"b\":2}",
	"{\"a\":\"x\\\",\"b\":2}", "{\"a\":\"\x01\",\"b\":2}", "{\"a\":\"\x1f\",\"b\":2}", "{\"a\":\"\x7f\",\"b\":\"2Bb\\u0022\"}", "{\"a\":\"\xff\",\"b\":2}",
	"{\"a\":\"\x80\",\"b\":2}", "{\"a\":\"LlLRrb\x02\",\"b\":2}", "{\"a\":\"\x0c\",\"b\":2}", "{\"a\":\"x", "{\"a\":\"x\\", "{\"a\":\"abcdefghijklmnopqrstuvwxyz",
	/* Keys of 32 bytes with what stands around them, and of more. */
	"{\"abcdefghijklmnopqrstuvwxyzab\":1,\"a\":2}", "{\"abcdefghijklmnopqrstuvwxyzabc\":1,\"a\":2}",
	"{\"abcdefghijklmnopqrstuvwxyzabcd\":1,\"a\":2}", "{\"abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz\":1,\"a\":2,\"b\":3}",
};
#define DOCUMENTS (sizeof(documents) / sizeof(documents[0]))

static const char program[] = "[(.a, .b, .c, .c?.d?, .c?.e?, .d, .f?[0]?.g?, .f?[-1]?.g?, .k69)?, (try (.a > 7) catch .)]";

/* What a load and an evaluation say: the error and its place, or the end and the answer. */
static const char *tell(struct probe *x, const char *document)
{
	unsigned char *copy = padded(document, '\n');
	const unsigned char *end = NULL, *at = NULL;
	uint64_t duplicates = ks_expr_duplicates(x->set);
	enum ks_json_error e = ks_expr_load_text(x->set, copy, &end, &at);
	static char told[4096];

	if (e == KS_JSON_OK)
		snprintf(told, sizeof(told), "%td, %llu twice: %s", end - copy, (unsigned long long)(ks_expr_duplicates(x->set) - duplicates), answer(x));
	else
		snprintf(told, sizeof(told), "%td: %s", at - copy, ks_json_strerror(e));
	free(copy);
	return told;
}

static void read_by(struct probe *x, ks_expr_object_reader *way)
{
	probe_init(x, program);
	x->set->read_object = way;
}

/* Each document behind each other one, and behind both once more. */
static void sequences(void **state)
{
	struct probe x, fresh;
	char *wanted[DOCUMENTS];
	size_t i, j;

	for (i = 0; i < DOCUMENTS; i++) {
		read_by(&fresh, ks_expr_read_plain);
		wanted[i] = strdup(tell(&fresh, documents[i]));
		assert_non_null(wanted[i]);
		probe_release(&fresh);
	}
	read_by(&x, *(ks_expr_object_reader **)*state);
	for (i = 0; i < DOCUMENTS; i++)
		for (j = 0; j < DOCUMENTS; j++) {
			const char *said = tell(&x, documents[i]);

			if (strcmp(said, wanted[i]) == 0)
				said = tell(&x, documents[j]);
			else
				j = i;
			if (strcmp(said, wanted[j]) != 0)
				fail_msg("%s\nbehind %s\nsays %s\nnot  %s", documents[j], documents[i], said, wanted[j]);
		}
	for (i = 0; i < DOCUMENTS; i++)
		free(wanted[i]);
	probe_release(&x);
}

/* What is sound and what is not, and what its values are, the packer says. */
static void packer(void **state)
{
	struct probe x, y;
	struct ks_json j;
	struct ks_buf out;
	size_t i;

	read_by(&x, *(ks_expr_object_reader **)*state);
	probe_init(&y, program);
	for (i = 0; i < DOCUMENTS; i++) {
		const char *said = tell(&x, documents[i]), *value;
		unsigned char *copy = padded(documents[i], '\n');
		bool sound;

		ks_json_init(&j, limits.depth);
		j.pack = &ks_pack_plain;
		ks_buf_init(&out, (size_t)1 << 20);
		sound = ks_json_parse(&j, ks_bytes(copy, strlen(documents[i])), &out) == KS_JSON_OK;
		value = strstr(said, "twice: ");
		if (sound != (value != NULL))
			fail_msg("%s: %s", documents[i], said);
		if (sound && !same(value + 7, by_msgpack(&y, documents[i])))
			fail_msg("%s\nsays %s\nnot  %s", documents[i], value + 7, (const char *)y.out.p);
		ks_json_release(&j);
		ks_buf_release(&out);
		free(copy);
	}
	probe_release(&x);
	probe_release(&y);
}

/* More keys than there are guesses, and values whose length changes until it is not foreseen, and again is. */
static void many_keys(void **state)
{
	struct probe x;
	char line[2048], wanted[128];
	unsigned round, i;
	size_t n;

	read_by(&x, *(ks_expr_object_reader **)*state);
	for (round = 0; round < 10000; round++) {
		n = 0;
		for (i = 0; i < 70; i++)
			n += (size_t)snprintf(line + n, sizeof(line) - n, "%c\"k%u\":%u", i == 0 ? '{' : ',', i, (round < 5000 ? round * 7919 + i : i) % 1003);
		line[n++] = '}';
		line[n] = '\0';
		snprintf(wanted, sizeof(wanted), "%zu, 0 twice: [null,null,null,null,null,null,null,null,%u,false]", n,
		    (round < 5000 ? round * 7919 + 69 : 69) % 1003);
		assert_string_equal(tell(&x, line), wanted);
	}
	assert_int_equal(x.set->guesses[KS_JSON_GUESSES].mark, 0);	/* which ends them */
	probe_release(&x);
}

int main(void)
{
	static ks_expr_object_reader *ways[2];
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_prestate(sequences, &ways[0]), cmocka_unit_test_prestate(packer, &ways[0]),
		cmocka_unit_test_prestate(many_keys, &ways[0]), cmocka_unit_test_prestate(sequences, &ways[1]),
		cmocka_unit_test_prestate(packer, &ways[1]), cmocka_unit_test_prestate(many_keys, &ways[1]),
	};

	ways[0] = ks_expr_read_plain;
	ways[1] = ks_expr_read_best();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
