/* SPDX-License-Identifier: MIT */
/* num-when.c - the ends of a range of time; expected values are those of GNU date -u. */
#include "lib/num.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define NOW INT64_C(1763762523456)	/* 2025-11-21T22:02:03.456Z */

static void parse_when(void **state)
{
	static const struct {
		const char *text;
		int no;
		int64_t ms;
	} table[] = {
		{ "2025-11-21T22:02:03.456Z", 0, NOW }, { "2025-11-21", 0, 1763683200000 },
		{ "2025-11-21T23:02:03.456+01:00", 0, NOW }, { "@17", 0, 17 }, { "@-1", 0, -1 },
		{ "now", 0, NOW }, { "-1h", 0, NOW - 3600000 }, { "-1h30m", 0, NOW - 5400000 },
		{ "+5m", 0, NOW + 300000 }, { "-0", 0, NOW }, { "-1w", 0, NOW - 604800000 },
		{ "today", 0, 1763683200000 }, { "yesterday", 0, 1763596800000 },
		{ "today 07:30", 0, 1763710200000 }, { "today 07:30:15", 0, 1763710215000 },
		{ "yesterday 23:59:59", 0, 1763683199000 }, { "today 00:00", 0, 1763683200000 },
		{ "+106751991167d", ERANGE, 0 }, { "-106751991168d", ERANGE, 0 },
		{ "", EINVAL, 0 }, { "-", EINVAL, 0 }, { "-1", EINVAL, 0 }, { "1h", EINVAL, 0 },
		{ "1763762523456", EINVAL, 0 }, { "tomorrow", EINVAL, 0 }, { "today ", EINVAL, 0 },
		{ "yesterday ", EINVAL, 0 }, { "today  07:30", EINVAL, 0 }, { "today 24:00", EINVAL, 0 },
		{ "today 07:60", EINVAL, 0 }, { "today 7:30", EINVAL, 0 }, { "today 07:30:60", EINVAL, 0 },
		{ "today 07-30", EINVAL, 0 }, { "today07:30", EINVAL, 0 }, { "today 07:30Z", EINVAL, 0 },
		{ "now ", EINVAL, 0 }, { " today", EINVAL, 0 }, { "2025-11-31", EINVAL, 0 },
	};
	int64_t ms;
	size_t i;
	int no;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		ms = -77;
		no = ks_num_parse_when(ks_str(table[i].text), NOW, &ms);
		if (no != table[i].no || ms != (no == 0 ? table[i].ms : -77))
			fail_msg("'%s': %d, %lld", table[i].text, no, (long long)ms);
	}
}

/* Days begin at midnight before 1970, too. */
static void days_before_1970(void **state)
{
	int64_t ms;

	(void)state;
	assert_int_equal(ks_num_parse_when(ks_str("today"), -1, &ms), 0);
	assert_int_equal(ms, -86400000);
	assert_int_equal(ks_num_parse_when(ks_str("today"), -86400000, &ms), 0);
	assert_int_equal(ms, -86400000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parse_when),
		cmocka_unit_test(days_before_1970),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
