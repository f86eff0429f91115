/* SPDX-License-Identifier: MIT */
/* base64.c - RFC 4648 section 4: its own vectors, every refusal, and round trips. */
#include "lib/base64.h"

#include <errno.h>

#include "tests/unit/kit.h"

static void vectors(void **state)
{
	static const struct {
		const char *bytes, *text;
	} table[] = {	/* RFC 4648 section 10 */
		{ "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" }, { "foo", "Zm9v" }, { "foob", "Zm9vYg==" },
		{ "fooba", "Zm9vYmE=" }, { "foobar", "Zm9vYmFy" }, { "\xfb\xff\xfe", "+//+" },
	};
	struct ks_buf b;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(table); i++) {
		ks_buf_init(&b, 1 << 16);
		assert_int_equal(ks_buf_add(&b, "x", 1), 0);
		assert_int_equal(ks_base64_print(&b, ks_str(table[i].bytes)), 0);
		assert_int_equal(b.n, 1 + strlen(table[i].text));
		assert_memory_equal(b.p + 1, table[i].text, b.n - 1);
		b.n = 1;
		assert_int_equal(ks_base64_parse(&b, ks_str(table[i].text)), 0);
		assert_int_equal(b.n, 1 + strlen(table[i].bytes));
		assert_memory_equal(b.p + 1, table[i].bytes, b.n - 1);
		ks_buf_release(&b);
	}
}

static void refused(void **state)
{
	static const char *const table[] = {
		"Z", "Zg", "Zg=", "Zg===", "=", "==", "===", "====", "Z===", "Zm9v=", "Zm9vZ", "Zg==Zg==", "Zm8=Zm8=", "Zm=v", "Z=9v",
		"Zh==", "Zm9=", "Zm8 ", " Zm8", "Zm\n8", "Zm9v\n", "Zm-v", "Zm_v", "Zm9\x80", "Zm9\xff", "Zm9,",
	};
	struct ks_buf b;
	size_t i;

	(void)state;
	ks_buf_init(&b, 1 << 16);
	for (i = 0; i < COUNT(table); i++) {
		b.n = 0;
		if (ks_base64_parse(&b, ks_str(table[i])) != EINVAL)
			fail_msg("'%s': accepted", table[i]);
	}
	assert_int_equal(ks_base64_parse(&b, ks_bytes("Zm\0v", 4)), EINVAL);
	ks_buf_release(&b);
}

/* Of the 64^2 endings with padding, just those are taken whose stray bits are 0. */
static void stray_bits(void **state)
{
	static const char letter[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char text[5] = "A???";
	struct ks_buf b;
	unsigned i;

	(void)state;
	ks_buf_init(&b, 1 << 16);
	for (i = 0; i < 64; i++) {
		b.n = 0;
		memcpy(text, "A?==", 5);
		text[1] = letter[i];
		assert_int_equal(ks_base64_parse(&b, ks_str(text)), i % 16 == 0 ? 0 : EINVAL);
		memcpy(text, "AA?=", 5);
		text[2] = letter[i];
		assert_int_equal(ks_base64_parse(&b, ks_str(text)), i % 4 == 0 ? 0 : EINVAL);
	}
	ks_buf_release(&b);
}

static void round_trips(void **state)
{
	unsigned char bytes[100], *copy;
	struct ks_buf text, back;
	uint64_t seed = 8;
	size_t i, k, n;

	(void)state;
	for (i = 0; i < 2000; i++) {
		n = kit_below(&seed, sizeof(bytes) + 1);
		for (k = 0; k < n; k++)
			bytes[k] = (unsigned char)kit_random(&seed);
		copy = kit_exact(bytes, n);
		ks_buf_init(&text, 1 << 16);
		ks_buf_init(&back, n + 2);	/* no more room than whole groups of 3 take */
		assert_int_equal(ks_base64_print(&text, ks_bytes(copy, n)), 0);
		assert_int_equal(text.n, (n + 2) / 3 * 4);
		free(copy);
		copy = kit_exact(text.p, text.n);
		assert_int_equal(ks_base64_parse(&back, ks_bytes(copy, text.n)), 0);
		assert_int_equal(back.n, n);
		assert_memory_equal(back.p, bytes, n);
		free(copy);
		ks_buf_release(&text);
		ks_buf_release(&back);
	}
}

static void no_room(void **state)
{
	struct ks_buf b;

	(void)state;
	ks_buf_init(&b, 7);
	assert_int_equal(ks_base64_print(&b, ks_str("foobar")), EMSGSIZE);
	assert_int_equal(ks_base64_parse(&b, ks_str("Zm9vYmFyZm9v")), EMSGSIZE);
	assert_int_equal(b.n, 0);
	ks_buf_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors), cmocka_unit_test(refused), cmocka_unit_test(stray_bits),
		cmocka_unit_test(round_trips), cmocka_unit_test(no_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
