/* SPDX-License-Identifier: MIT */
/* book.c - the word beside a committed offset, and the owners that it names: printed and read, and everything that is none. */
#include "lib/kafka-book.h"

#include <librdkafka/rdkafka.h>

#include "tests/unit/kit.h"

#define LONG "abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz01"

static bool reads(const char *text, struct ks_word *x)
{
	return ks_word_parse(ks_str(text), x);
}

static void a_word_is_read_as_it_was_printed(void **unused)
{
	static const struct ks_word all[] = {
		{ 0, 0, 0, "0/1", "0/1", false }, { 12, 3, 5, "0/2", "1/3", false }, { 12, 5, 5, "anna", "anna", true },
		{ INT64_MAX - 1, INT64_MAX - 1, INT64_MAX - 1, "9999/10000", LONG, true },
	};
	char text[KS_WORD_ROOM];
	struct ks_word x;
	size_t i;

	(void)unused;
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		ks_word_print(&all[i], text);
		assert_true(reads(text, &x));
		assert_true(x.epoch == all[i].epoch && x.commit_run == all[i].commit_run && x.run == all[i].run && x.released == all[i].released);
		assert_string_equal(x.committer, all[i].committer);
		assert_string_equal(x.claimer, all[i].claimer);
	}
	ks_word_print(&all[1], text);
	assert_string_equal(text, "ks2;e=12;c=3;o=0/2;r=5;i=1/3");
	ks_word_print(&all[2], text);
	assert_string_equal(text, "ks2;e=12;c=5;o=anna;r=5;i=anna;x");
}

static void what_is_no_word_is_not_read(void **unused)
{
	static const char *const bad[] = {
		"", "ks2", "ks2;", ";x", "ks1;e=1;r=1;i=0/1", "ks1;e=1;c=1;o=0/1;r=1;i=0/1", "ks2;e=;c=1;o=0/1;r=1;i=0/1",
		"ks2;e=1;c=1;o=1/1;r=1;i=0/1", "ks2;e=1;c=1;o=0/1;r=1;i=1/1", "ks2;e=1;c=1;o=0/0;r=1;i=0/1", "ks2;e=-1;c=1;o=0/1;r=1;i=0/1",
		"ks2;e=1;c=-1;o=0/1;r=1;i=0/1", "ks2;e=1;c=1;o=;r=1;i=0/1", "ks2;e=1;c=1;o=0/1;r=1;i=", "ks2;e=1;c=1;o=0/1;r=1;i=;x",
		"ks2;e=1;c=1;o=0/1;r=1;i=0/1;", "ks2;e=1;c=1;o=0/1;r=1;i=0/1 ", "ks2;e=1;c=1;o=0/1;r=1;i=0/1;x;", "ks2;e=1;c=1;o=0/1;r=1;i=0/1;y",
		"ks2;e=1;c=1;o=0/1;r=1;i=0/1;x;x", "ks2;c=1;e=1;o=0/1;r=1;i=0/1", "ks2;e=9223372036854775807;c=1;o=0/1;r=1;i=0/1",
		"ks2;e=1;c=1;o=0/1;r=9223372036854775807;i=0/1", "ks2;e=99999999999999999999;c=1;o=0/1;r=1;i=0/1",
		"ks2;e=1;c=1;o=0/10001;r=1;i=0/1", "ks2;e=1;c=1;o=00/1;r=1;i=0/1", "ks2;e=1;c=1;o=1anna;r=1;i=0/1", "ks2;e=1;c=1;o=an na;r=1;i=0/1",
		"ks2;e=1;c=1;o=an/na;r=1;i=0/1", "ks2;e=1;c=1;o=" LONG "z;r=1;i=0/1", "ks2;e=1x;c=1;o=0/1;r=1;i=0/1", "ks2;e=1;c=1;o=0;r=1;i=0/1",
	};
	static const char good[] = "ks2;e=12;c=3;o=0/2;r=5;i=0/2;x";
	struct ks_word x;
	size_t i, n;

	(void)unused;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (reads(bad[i], &x))
			fail_msg("'%s' was read", bad[i]);
	for (n = 0; n < strlen(good); n++)
		if (n != strlen(good) - 2 && ks_word_parse(ks_bytes(good, n), &x))
			fail_msg("%d bytes of a word were read", (int)n);
	assert_false(ks_word_parse(ks_bytes("ks2;e=1\0;c=1;o=0/1;r=1;i=0/1", 29), &x));
	assert_false(ks_word_parse(ks_bytes("ks2;e=1;c=1;o=0/1;r=1;i=0/1\0", 28), &x));
}

/* What partitions with these words come to: "EPOCH RUN", or "refused". */
static void comes_to(const char *const words[], size_t n, const char *want)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)n);
	struct ks_err err = { 0 };
	struct ks_stand stand;
	struct ks_word w;
	char got[60];
	size_t i;

	for (i = 0; i < n; i++) {
		rd_kafka_topic_partition_t *p = rd_kafka_topic_partition_list_add(list, "t", (int32_t)i);

		p->offset = words[i] != NULL ? 7 : RD_KAFKA_OFFSET_INVALID;
		if (words[i] == NULL)
			continue;
		assert_true(reads(words[i], &w));
		assert_int_equal(ks_book_mark(p, &w, &err), 0);
	}
	if (ks_book_stand("app", list, &stand, &err) == 0)
		snprintf(got, sizeof(got), "%lld %lld", (long long)stand.epoch, (long long)stand.run);
	else
		snprintf(got, sizeof(got), "refused");
	assert_string_equal(got, want);
	assert_int_equal(err.status, strcmp(want, "refused") == 0 ? KS_CONFIG : 0);
	rd_kafka_topic_partition_list_destroy(list);
}

static void partitions_of_one_commit_agree(void **unused)
{
	static const char *const none[] = { NULL, NULL };
	static const char *const one[] = { "ks2;e=4;c=2;o=0/2;r=2;i=0/2", NULL, "ks2;e=4;c=2;o=0/2;r=2;i=0/2;x" };
	static const char *const moved[] = { "ks2;e=4;c=2;o=0/2;r=9;i=0/3", "ks2;e=7;c=2;o=1/2;r=9;i=0/3", "ks2;e=4;c=2;o=0/2;r=9;i=0/3",
		"ks2;e=5;c=3;o=0/2;r=9;i=0/3", "ks2;e=7;c=2;o=1/2;r=9;i=0/3" };
	static const char *const torn[] = { "ks2;e=4;c=2;o=0/2;r=2;i=0/2", "ks2;e=5;c=2;o=0/2;r=2;i=0/2" };
	static const char *const far[] = { "ks2;e=4;c=2;o=0/2;r=9;i=0/3", "ks2;e=7;c=2;o=1/2;r=9;i=0/3", "ks2;e=8;c=2;o=anna;r=9;i=0/3",
		"ks2;e=5;c=2;o=0/2;r=9;i=0/3" };

	(void)unused;
	comes_to(none, 2, "0 0");
	comes_to(one, 3, "4 2");
	comes_to(moved, 5, "7 9");
	comes_to(torn, 2, "refused");
	comes_to(far, 4, "refused");
}

static void owners_have_directories(void **unused)
{
	char room[KS_OWNER_ROOM];
	uint32_t i, n;

	(void)unused;
	ks_owner_directory(room, "3/17");
	assert_string_equal(room, "3");
	ks_owner_directory(room, "an.na-1");
	assert_string_equal(room, "an.na-1");
	assert_true(ks_owner_same_place("3/17", "3/4") && ks_owner_same_place("anna", "anna"));
	assert_false(ks_owner_same_place("3/17", "31/40") || ks_owner_same_place("anna", "ann") || ks_owner_same_place("anna", "1/2"));
	assert_true(ks_owner_is_name(ks_str("a")) && ks_owner_is_name(ks_str("Web-1_example-com")));
	assert_false(ks_owner_is_name(ks_str("")) || ks_owner_is_name(ks_str("1a")) || ks_owner_is_name(ks_str("-a")) ||
	    ks_owner_is_name(ks_str("a/b")) || ks_owner_is_name(ks_str("a;b")) || ks_owner_is_name(ks_str("a.b")) || ks_owner_is_name(ks_str(".")));
	assert_true(ks_owner_layout(ks_str("07/10"), &i, &n) && i == 7 && n == 10);
	assert_false(ks_owner_layout(ks_str("1/1"), &i, &n) || ks_owner_layout(ks_str("/1"), &i, &n) || ks_owner_layout(ks_str("0/"), &i, &n));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_word_is_read_as_it_was_printed),
		cmocka_unit_test(what_is_no_word_is_not_read),
		cmocka_unit_test(partitions_of_one_commit_agree),
		cmocka_unit_test(owners_have_directories),
	};

	return cmocka_run_group_tests_name("book", tests, NULL, NULL);
}
