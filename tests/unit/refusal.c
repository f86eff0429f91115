/* SPDX-License-Identifier: MIT */
/* refusal.c - what is refused three times in a row behind one epoch. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/refusal.h"
#include "tests/unit/kit-dir.h"

static int fd;

static int refuse(int64_t epoch, int code)
{
	struct ks_err err;
	int status;

	ks_fail(&err, KS_TEMP, "no");
	status = ks_refusal_count(fd, epoch, code, &err);
	assert_int_equal(status, err.status);
	if (status == KS_CONFIG)
		assert_non_null(strstr(err.text, "no; so it was 3 times in a row behind epoch "));
	else
		assert_string_equal(err.text, "no");
	return status;
}

static void in_a_row(void **state)
{
	static const struct {
		int64_t epoch;
		int code, status;
	} rows[] = {
		{ 4, 7, KS_TEMP }, { 4, 7, KS_TEMP }, { 4, 7, KS_CONFIG },
		{ 4, 7, KS_TEMP }, { 4, 7, KS_TEMP }, { 4, 7, KS_CONFIG },	/* whoever starts it again has as many */
		{ 4, 7, KS_TEMP }, { 4, 7, KS_TEMP }, { 5, 7, KS_TEMP }, { 5, 7, KS_TEMP }, { 5, 7, KS_CONFIG },
		{ 5, -1, KS_TEMP }, { 5, 7, KS_TEMP }, { 5, -1, KS_TEMP }, { 5, -1, KS_TEMP }, { 5, -1, KS_CONFIG },
		{ INT64_MAX, INT32_MIN, KS_TEMP }, { INT64_MAX, INT32_MIN, KS_TEMP }, { INT64_MAX, INT32_MIN, KS_CONFIG },
		{ 1, 1, KS_TEMP }, { 11, 1, KS_TEMP }, { 1, 11, KS_TEMP }, { 1, 1, KS_TEMP },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (refuse(rows[i].epoch, rows[i].code) != rows[i].status)
			fail_msg("row %zu", i);
}

/* What is in the way, or was cut, counts for nothing, and does no harm. */
static void damage(void **state)
{
	static const char *const texts[] = { "", "4 7", "4 7 9\n", "4 7 2\n4 7 2\n", "4 7 -2\n", "4 7 2 ", "x" };
	size_t i;
	int file;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		file = openat(fd, "refused", O_WRONLY | O_CREAT | O_TRUNC, 0600);
		assert_true(write(file, texts[i], strlen(texts[i])) == (ssize_t)strlen(texts[i]));
		close(file);
		assert_int_equal(refuse(4, 7), KS_TEMP);
		assert_int_equal(refuse(4, 7), KS_TEMP);
		assert_int_equal(refuse(4, 7), KS_CONFIG);
	}
	assert_int_equal(ks_refusal_count(-1, 4, 7, &(struct ks_err){ .status = KS_TEMP }), KS_TEMP);
}

static int open_it(void **state)
{
	int status = kit_dir_make(state);

	fd = open(dir, O_RDONLY | O_DIRECTORY);
	return status;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_a_row),
		cmocka_unit_test(damage),
	};

	return cmocka_run_group_tests(tests, open_it, kit_dir_remove);
}
