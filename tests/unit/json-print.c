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

/* With room for the worst it goes another way than with just enough: to the same text, or the same refusal, for each of many damaged values. */
static void both_ways(void **state)
{
	struct ks_buf in, wide, tight;
	enum ks_mp_error a, b;
	uint32_t seed = 1, round;
	unsigned char *copy;
	int no, kept = 0;

	(void)state;
	ks_buf_init(&in, 1 << 16);
	ks_buf_init(&wide, 1 << 16);
	for (round = 0; round < 200000; round++) {
		in.n = wide.n = 0;
		kit_hex(&in, "89 a2'ts' cf 0000019b76dc17dd a1'a' 93 c0 c2 c3 a5'price' cb 408f3e147ae147ae a8'12345678' d9 09'123456789' a1'b' da 0003'x\"y'"
		    " a1'e' a4 c3a9 0a'z' a1'f' 92 80 90 a1'i' 96 d0 80 d1 8000 cc ff ca 3dcccccd e0 cd ffff a7'a\\bcdef' a0");
		while (round > 0 && (seed = seed * 1664525u + 1013904223u) >> 30 != 0)
			in.p[(seed >> 8) % in.n] = (seed >> 18 & 1) != 0 ? (unsigned char)(seed >> 20) : (unsigned char)"\"\\\x1f\xc2\x80 \xa1\xff"[seed >> 20 & 7];
		if (round > 0 && (seed & 0x70000) == 0)
			in.n = (seed >> 8) % in.n;
		copy = kit_exact(in.p, in.n);
		a = ks_json_print(ks_bytes(copy, in.n), 4, &wide, &no);
		assert_int_equal(no, 0);
		ks_buf_init(&tight, (a == KS_MP_OK ? wide.n : 6 * in.n) + 8);
		b = ks_json_print(ks_bytes(copy, in.n), 4, &tight, &no);
		assert_int_equal(no, 0);
		assert_int_equal(a, b);
		if (a == KS_MP_OK) {
			assert_int_equal(wide.n, tight.n);
			assert_memory_equal(wide.p, tight.p, wide.n);
			kept++;
		}
		ks_buf_release(&tight);
		free(copy);
	}
	assert_true(kept > 20000);
	ks_buf_release(&in);
	ks_buf_release(&wide);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(printed), cmocka_unit_test(print_room), cmocka_unit_test(both_ways) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
