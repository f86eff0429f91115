/* SPDX-License-Identifier: MIT */
/* json-keys.c - keys that are remembered from one document to the next, and those that repeat. */
#include "lib/json.h"

#include "tests/unit/kit.h"

static unsigned char *padded(const char *text)
{
	unsigned char *p = calloc(1, strlen(text) + KS_PAD);

	assert_non_null(p);
	memcpy(p, text, strlen(text));
	return p;
}

/* A newline is white space in a document, and the end of a line: what was learned from the one must not serve the other. */
static void newline_in_a_key(void **state)
{
	static const char text[] = "{\"a\"\n:1}\n";
	unsigned char *p = padded(text);
	struct ks_buf b;
	struct ks_json j;

	(void)state;
	ks_json_init(&j, KS_DEPTH_MAX);
	ks_buf_init(&b, 1 << 16);
	assert_int_equal(ks_json_parse(&j, ks_bytes(p, strlen(text)), &b), KS_JSON_OK);
	assert_int_not_equal(ks_json_line(&j, ks_bytes(p, strlen(text)), &b), KS_JSON_OK);
	assert_int_equal(ks_json_parse(&j, ks_bytes(p, strlen(text)), &b), KS_JSON_OK);
	free(p);
	ks_json_release(&j);
	ks_buf_release(&b);
}

static void refused_counts_no_repeats(void **state)
{
	static const char *const refused[] = { "{\"a\":1,\"a\":2} x", "[{\"a\":1,\"a\":2},", "[{\"a\":1,\"a\":2},nul]" };
	unsigned char *p;
	struct ks_buf b;
	struct ks_json j;
	size_t i;

	(void)state;
	ks_json_init(&j, KS_DEPTH_MAX);
	ks_buf_init(&b, 1 << 16);
	for (i = 0; i < COUNT(refused); i++) {
		p = padded(refused[i]);
		assert_int_not_equal(ks_json_parse(&j, ks_bytes(p, strlen(refused[i])), &b), KS_JSON_OK);
		assert_true(j.duplicates == 0);
		free(p);
	}
	ks_json_release(&j);
	ks_buf_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(newline_in_a_key), cmocka_unit_test(refused_counts_no_repeats),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
