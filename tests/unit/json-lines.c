/* SPDX-License-Identifier: MIT */
/* json-lines.c - frames of lines, by each way to pack. */
#include "lib/json-lines.h"

#include "lib/json-pack.h"
#include "tests/unit/kit.h"

/* Lines at once: as one by one, up to the one at fault; what stands before them; equal keys of those alone that are taken. */
static void lines(void **state)
{
	static const char text[] = "{\"a\":1,\"a\":2}\n[1.5,\"x\"]\n {\"k\": \"v\"} \r\n-7\n{\"a\":1,\"a\":2}x\n";
	static const char first[] = "{\"a\":1,\"a\":2}\n[1.5,\"x\"]\n";
	struct ks_json_lines l = {
		.head = "....#oooooooo", .head_n = 13, .size_at = 0, .size_from = 4, .offset_at = 5, .offset_n = 8,
		.offset = 1000, .offset_max = 5000, .value_max = 100, .line_max = 100, .enough = 10000,
	}, again;
	unsigned char *p = calloc(1, sizeof(text) - 1 + KS_PAD);
	struct ks_buf out, one;
	const unsigned char *at;
	struct ks_json j;
	size_t i, n = 0;

	assert_non_null(p);
	memcpy(p, text, sizeof(text) - 1);
	ks_json_init(&j, 4);
	j.pack = *state;
	ks_buf_init(&out, 1 << 20);
	again = l;
	assert_int_equal(ks_json_lines(&j, &l, ks_bytes(p, sizeof(text) - 1), &out), 0);
	assert_int_equal(l.count, 4);
	assert_int_equal(j.duplicates, 1);
	assert_int_equal(l.offset, 1000 + sizeof(text) - 1 - strlen("{\"a\":1,\"a\":2}x\n"));
	for (i = 0, at = p; i < 4; i++) {
		const unsigned char *nl = memchr(at, '\n', 100);

		ks_buf_init(&one, 1 << 20);
		assert_int_equal(ks_json_parse(&j, ks_bytes(at, (size_t)(nl - at)), &one), KS_JSON_OK);
		assert_int_equal(ks_get32(out.p + n), l.head_n - 4 + one.n);
		assert_int_equal(out.p[n + 4], '#');
		assert_int_equal(ks_get64(out.p + n + 5), 1000 + (at - p));
		assert_memory_equal(out.p + n + l.head_n, one.p, one.n);
		n += l.head_n + one.n;
		at = nl + 1;
		ks_buf_release(&one);
	}
	assert_int_equal(out.n, n);
	/* Where it ends otherwise: a value or a line that is too long, an offset that the head cannot say, enough. */
	for (i = 0; i < 5; i++) {
		l = again;
		out.n = 0;
		l.value_max = i == 0 ? 11 : 100;
		l.line_max = i == 1 ? strlen("{\"a\":1,\"a\":2}") : 100;
		l.offset_max = i == 2 ? 1000 + (int64_t)strlen(first) - 1 : 5000;
		l.enough = i == 3 ? 20 : 10000;
		l.offset_n = i == 4 ? 2 : 8;
		assert_int_equal(ks_json_lines(&j, &l, ks_bytes(p, sizeof(text) - 1), &out), 0);
		assert_int_equal(l.count, i == 0 ? 1 : i == 1 ? 4 : i == 2 || i == 3 ? 2 : 4);
		assert_true(i < 4 || (ks_get16(out.p + 5) == 1000 && out.p[7] == 'o'));
	}
	ks_buf_release(&out);
	free(p);
	ks_json_release(&j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_prestate(lines, (void *)(uintptr_t)&ks_pack_plain),
		cmocka_unit_test_prestate(lines, (void *)(uintptr_t)ks_pack_best()),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
