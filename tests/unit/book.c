/* SPDX-License-Identifier: MIT */
/* book.c - the word beside a committed offset: printed and read, and everything that is not one. */
#include "lib/kafka-book.h"

#include "tests/unit/kit.h"

static bool reads(const char *text, struct ks_stand *x)
{
	return ks_stand_parse(ks_str(text), x);
}

static void a_word_is_read_as_it_was_printed(void **unused)
{
	static const struct ks_stand all[] = {
		{ 0, 0, 0, 1 }, { 12, 3, 0, 2 }, { INT64_MAX - 1, INT64_MAX - 1, 4294967294u, 4294967295u },
	};
	char text[KS_STAND_ROOM];
	struct ks_stand x;
	size_t i;

	(void)unused;
	for (i = 0; i < 3; i++) {
		ks_stand_print(&all[i], text);
		assert_true(reads(text, &x));
		assert_int_equal(x.epoch, all[i].epoch);
		assert_int_equal(x.run, all[i].run);
		assert_int_equal(x.instance, all[i].instance);
		assert_int_equal(x.instances, all[i].instances);
	}
	ks_stand_print(&all[1], text);
	assert_string_equal(text, "ks1;e=12;r=3;i=0/2");
}

static void what_is_no_word_is_not_read(void **unused)
{
	static const char *const bad[] = {
		"", "ks1", "ks1;", "ks2;e=1;r=1;i=0/1", "ks1;e=;r=1;i=0/1", "ks1;e=1;r=1;i=1/1", "ks1;e=1;r=1;i=0/0", "ks1;e=-1;r=1;i=0/1",
		"ks1;e=1;r=1;i=0/1;", "ks1;e=1;r=1;i=0/1 ", "ks1;r=1;e=1;i=0/1", "ks1;e=9223372036854775807;r=1;i=0/1",
		"ks1;e=99999999999999999999;r=1;i=0/1", "ks1;e=1;r=1;i=0/4294967296", "ks1;e=1;r=1;i=/1", "ks1;e=1x;r=1;i=0/1", "ks1;e=1;r=1;i=0",
	};
	struct ks_stand x;
	size_t i, n;

	(void)unused;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (reads(bad[i], &x))
			fail_msg("'%s' was read", bad[i]);
	for (n = 0; n < strlen("ks1;e=12;r=3;i=0/2"); n++)
		assert_false(ks_stand_parse(ks_bytes("ks1;e=12;r=3;i=0/2", n), &x));
	assert_false(ks_stand_parse(ks_bytes("ks1;e=1\0;r=3;i=0/2", 18), &x));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_word_is_read_as_it_was_printed),
		cmocka_unit_test(what_is_no_word_is_not_read),
	};

	return cmocka_run_group_tests_name("book", tests, NULL, NULL);
}
