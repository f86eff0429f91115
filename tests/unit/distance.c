/* SPDX-License-Identifier: MIT */
/* distance.c - how far words are apart: a table. */
#include "lib/distance.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void table(void **state)
{
	static const struct {
		const char *word, *name;
		unsigned far;
	} rows[] = {
		{ "", "", 0 }, { "", "abc", 3 }, { "abc", "", 3 }, { "count", "count", 0 }, { "COUNT", "count", 0 },
		{ "cuont", "count", 1 }, { "ture", "true", 1 }, { "ot", "to", 1 }, { "cnt", "count", 2 }, { "counter", "count", 2 },
		{ "ca", "abc", 3 },		/* no letter is moved twice */
		{ "kitten", "sitting", 3 }, { "abcdef", "badcfe", 3 }, { "[", "{", 1 },
		{ "abcdefghijklmno", "abcdefghijklmno", 0 }, { "abcdefghijklmnop", "abcdefghijklmnop", KS_DISTANCE_FAR },
		{ "a", "abcdefghijklmnop", KS_DISTANCE_FAR },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (ks_distance(ks_str(rows[i].word), rows[i].name) != rows[i].far)
			fail_msg("%s, %s: %u", rows[i].word, rows[i].name, ks_distance(ks_str(rows[i].word), rows[i].name));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
