/* SPDX-License-Identifier: MIT */
/* headers.c - some are kept, some added, in order; what is no array of pairs is refused, cut anywhere. */
#include "lib/headers.h"

#include <errno.h>

#include "tests/unit/kit.h"

/* [["a", h'01'], ["b", null], ["a", h'']] */
static const char three[] = "93 92a1'a'c40101 92a1'b'c0 92a1'a'c400";

static bool keep_all(const void *arg, struct ks_bytes name)
{
	(void)arg;
	(void)name;
	return true;
}

static bool keep_others(const void *arg, struct ks_bytes name)
{
	return !ks_bytes_is(name, arg);
}

static void expect(struct ks_headers *h, const char *hex)
{
	struct ks_bytes got;
	struct ks_buf b;

	ks_buf_init(&b, 1 << 16);
	kit_hex(&b, hex);
	assert_int_equal(ks_headers_end(h, &got), 0);
	assert_int_equal(got.n, b.n);
	assert_memory_equal(got.p, b.p, b.n);
	ks_buf_release(&b);
}

static void changed(void **state)
{
	struct ks_headers h;
	struct ks_buf b;

	(void)state;
	ks_buf_init(&b, 1 << 16);
	kit_hex(&b, three);
	ks_headers_init(&h, 1 << 16);
	assert_null(ks_headers_begin(&h, ks_buf_bytes(&b), keep_all, NULL));
	expect(&h, three);
	assert_null(ks_headers_begin(&h, ks_buf_bytes(&b), keep_others, "a"));
	assert_int_equal(ks_headers_add(&h, ks_str("a"), ks_str("x")), 0);
	assert_int_equal(ks_headers_add(&h, ks_str("a"), ks_bytes("", 0)), 0);
	expect(&h, "93 92a1'b'c0 92a1'a'c401'x' 92a1'a'c400");
	/* What the record before had is gone. */
	b.n = 0;
	kit_hex(&b, "90");
	assert_null(ks_headers_begin(&h, ks_buf_bytes(&b), keep_all, NULL));
	expect(&h, "90");
	ks_headers_release(&h);
	ks_buf_release(&b);
}

static void refused(void **state)
{
	static const char *const table[] = {
		"", "80", "c0", "91 a1'a'", "91 91a1'a'", "91 93a1'a'c0c0", "91 9201c0", "91 92a1'a'", "92 92a1'a'c0", "dc",
	};
	struct ks_headers h;
	unsigned char *copy;
	struct ks_buf b;
	size_t i, n;

	(void)state;
	ks_headers_init(&h, 1 << 16);
	ks_buf_init(&b, 1 << 16);
	for (i = 0; i < COUNT(table); i++) {
		b.n = 0;
		kit_hex(&b, table[i]);
		copy = kit_exact(b.p, b.n);
		if (ks_headers_begin(&h, ks_bytes(copy, b.n), keep_all, NULL) == NULL)
			fail_msg("%s: accepted", table[i]);
		free(copy);
	}
	b.n = 0;
	kit_hex(&b, three);
	for (n = 0; n < b.n; n++) {
		copy = kit_exact(b.p, n);
		assert_non_null(ks_headers_begin(&h, ks_bytes(copy, n), keep_all, NULL));
		free(copy);
	}
	ks_buf_release(&b);
	ks_headers_release(&h);
}

static void no_room(void **state)
{
	struct ks_headers h;
	struct ks_buf b;

	(void)state;
	ks_buf_init(&b, 1 << 16);
	kit_hex(&b, three);
	ks_headers_init(&h, 8);
	assert_string_equal(ks_headers_begin(&h, ks_buf_bytes(&b), keep_all, NULL), "the headers are larger than --max-record allows");
	b.n = 0;
	kit_hex(&b, "90");
	assert_null(ks_headers_begin(&h, ks_buf_bytes(&b), keep_all, NULL));
	assert_int_equal(ks_headers_add(&h, ks_str("name"), ks_str("value")), EMSGSIZE);
	ks_buf_release(&b);
	ks_headers_release(&h);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(changed), cmocka_unit_test(refused), cmocka_unit_test(no_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
