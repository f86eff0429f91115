/* SPDX-License-Identifier: MIT */
/* json-print.c - msgpack to JSON text: every type, every refusal, and a buffer that is full at every byte. */
#include "lib/json.h"

#include <errno.h>

#include "tests/unit/kit.h"

static void printed(void **state)
{
	static const struct {
		const char *hex, *want;
		enum ks_mp_error e;
	} table[] = {
		{ "c0", "null", 0 }, { "c2", "false", 0 }, { "cf ffffffffffffffff", "18446744073709551615", 0 },
		{ "d3 8000000000000000", "-9223372036854775808", 0 }, { "cb 7ff8000000000000", "null", 0 },
		{ "cb 7ff0000000000000", "1.7976931348623157e+308", 0 }, { "cb fff0000000000000", "-1.7976931348623157e+308", 0 },
		{ "ca 3dcccccd", "0.10000000149011612", 0 }, { "c4 03 00ff80", "\"AP+A\"", 0 }, { "c4 00", "\"\"", 0 },
		{ "81 a1'k' c4 01 ff", "{\"k\":\"/w==\"}", 0 }, { "a3 0a'\"\\'", "\"\\n\\\"\\\\\"", 0 },
		{ "92 90 80", "[[],{}]", 0 }, { "a1 7f", "\"\x7f\"", 0 }, { "a1 1f", "\"\\u001f\"", 0 },
		{ "", NULL, KS_MP_TRUNCATED }, { "91", NULL, KS_MP_COUNT }, { "c1", NULL, KS_MP_RESERVED }, { "c0 c0", NULL, KS_MP_TRAILING },
		{ "a1 ff", NULL, KS_MP_UTF8 }, { "81 a1 ff c0", NULL, KS_MP_UTF8 }, { "81 01 c0", NULL, KS_MP_KEY },
		{ "81 c4 01 61 c0", NULL, KS_MP_KEY }, { "d4 01 00", NULL, KS_MP_EXT }, { "91 91 91 91 90", NULL, KS_MP_DEPTH },
		{ "92 01", NULL, KS_MP_COUNT }, { "82 a1'a' c0 a1'b'", NULL, KS_MP_TRUNCATED },
	};
	struct ks_buf in, out;
	unsigned char *copy;
	enum ks_mp_error e;
	size_t i;
	int no;

	(void)state;
	ks_buf_init(&in, 1 << 16);
	ks_buf_init(&out, 1 << 16);
	for (i = 0; i < COUNT(table); i++) {
		in.n = out.n = 0;
		kit_hex(&in, table[i].hex);
		copy = kit_exact(in.p, in.n);
		e = ks_json_print(ks_bytes(copy, in.n), 4, &out, &no);
		assert_int_equal(no, 0);
		if (e != table[i].e || (e == KS_MP_OK && !ks_bytes_is(ks_buf_bytes(&out), table[i].want)))
			fail_msg("%s: %s %.*s", table[i].hex, ks_mp_strerror(e), (int)out.n, (const char *)out.p);
		free(copy);
	}
	ks_buf_release(&in);
	ks_buf_release(&out);
}

/* Out of room at every byte of the output: EMSGSIZE, and never more than the cap. */
static void print_room(void **state)
{
	struct ks_buf in, out;
	size_t max, whole;
	int no;

	(void)state;
	ks_buf_init(&in, 1 << 16);
	kit_hex(&in, "85 a1'a' 93 c0 c2 c3 a1'b' cb 3ff8000000000000 a3'c\"d' c4 02 0001 a1'e' a3 0a'xy' a1'f' 80");
	ks_buf_init(&out, 1 << 16);
	assert_int_equal(ks_json_print(ks_buf_bytes(&in), 4, &out, &no), KS_MP_OK);
	whole = out.n;
	ks_buf_release(&out);
	for (max = 0; max < whole; max++) {
		ks_buf_init(&out, max);
		assert_int_equal(ks_json_print(ks_buf_bytes(&in), 4, &out, &no), KS_MP_OK);
		assert_int_equal(no, EMSGSIZE);
		assert_true(out.n <= max);
		ks_buf_release(&out);
	}
	ks_buf_release(&in);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(printed), cmocka_unit_test(print_room) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
