/* SPDX-License-Identifier: MIT */
/* pipeline.c - a pipeline as a line of text: what sh would make of it, or a refusal with its place. */
#include "lib/pipeline.h"

#include <errno.h>
#include <string.h>

#include "tests/unit/kit.h"

static char *value(const char *name)
{
	static char blanks[] = "two words", empty[] = "", star[] = "a*b|c";

	return strcmp(name, "BLANKS") == 0 ? blanks : strcmp(name, "EMPTY") == 0 ? empty : strcmp(name, "_S1") == 0 ? star : NULL;
}

/* Words between / and stages between //: sh -c 'printf "%s/"' says the same of each (tests/bats/run.bats). */
static const struct {
	const char *text, *words;
} good[] = {
	{ "a", "a/" },
	{ "a b\tc", "a/b/c/" },
	{ "  a  |b | c ", "a///b///c/" },
	{ "a|b", "a///b/" },
	{ "a 'b c' \"d e\"", "a/b c/d e/" },
	{ "a ''", "a//" },
	{ "a \"\" x", "a//x/" },
	{ "a b'c'd\"e\"\\f", "a/bcdef/" },
	{ "a 'x|y;z' \"x|y;z\" x\\|y\\;z", "a/x|y;z/x|y;z/x|y;z/" },
	{ "a '\\n' \"\\n\" \\n", "a/\\n/\\n/n/" },
	{ "a \"\\\"\\\\\\$\\`\"", "a/\"\\$`/" },
	{ "a '$BLANKS' $BLANKS \"$BLANKS\" ${BLANKS}s", "a/$BLANKS/two words/two words/two wordss/" },
	{ "a $EMPTY \"$EMPTY\"x $_S1", "a//x/a*b|c/" },
	{ "a \"^x$\" ^x$ \"$.a\" $ \"$'\"", "a/^x$/^x$/$.a/$/$'/" },
	{ "a b#c #d | e", "a/b#c/" },
	{ "# first\n\na |\n\n # between\n b\n\n# last", "a///b/" },
	{ "a \\\n b\\\nc", "a/bc/" },
	{ "a 'b\nc' \"d\\\ne\"", "a/b\nc/de/" },
	{ "a {b,c} {i} ! { x=y b~ \xc3\xa9]", "a/{b,c}/{i}/!/{/x=y/b~/\xc3\xa9]/" },
	{ "a '*' \"?\" \\[ '~' \\~", "a/*/?/[/~/~/" },
};

static void test_good(void **state)
{
	struct ks_pipeline_fault fault;
	struct ks_pipeline pl;
	char said[300];
	size_t i, k, w, n;

	(void)state;
	for (i = 0; i < COUNT(good); i++) {
		n = strlen(good[i].text);
		unsigned char *text = kit_exact(good[i].text, n);
		int no = ks_pipeline_parse(&pl, ks_bytes(text, n), value, &fault);

		if (no != 0)
			fail_msg("%s: %zu:%zu: %s", good[i].text, fault.line, fault.column, fault.text);
		free(text);
		said[0] = '\0';
		for (k = 0; k < pl.count; k++) {
			strcat(said, k > 0 ? "//" : "");
			for (w = 0; w < pl.stages[k].argc; w++) {
				strcat(said, pl.stages[k].argv[w]);
				strcat(said, "/");
			}
			assert_null(pl.stages[k].argv[w]);
		}
		assert_string_equal(said, good[i].words);
		ks_pipeline_release(&pl);
	}
}

static const struct {
	const char *text;
	size_t line, column;
	const char *says;
} bad[] = {
	{ "", 1, 1, "no program in it" },
	{ " # x", 1, 5, "no program in it" },
	{ "a; b", 1, 2, "';' is of sh" },
	{ "a & b", 1, 3, "'&' is of sh" },
	{ "a && b", 1, 3, "'&' is of sh" },
	{ "a || b", 1, 3, "'||' is of sh" },
	{ "a |& b", 1, 3, "'|&' is of sh" },
	{ "a <b", 1, 3, "'<' is of sh" },
	{ "a 2>b", 1, 4, "'>' is of sh" },
	{ "(a)", 1, 1, "'(' is of sh" },
	{ "a `b`", 1, 3, "'`' is of sh" },
	{ "a \"`b`\"", 1, 4, "'`' is of sh" },
	{ "a $(b)", 1, 3, "only $NAME" },
	{ "a \"$(b)\"", 1, 4, "only $NAME" },
	{ "a $1", 1, 3, "only $NAME" },
	{ "a $?", 1, 3, "only $NAME" },
	{ "a $'b'", 1, 3, "only $NAME" },
	{ "a $\"b\"", 1, 3, "only $NAME" },
	{ "a ${b:-c}", 1, 3, "only $NAME" },
	{ "a ${b", 1, 3, "only $NAME" },
	{ "a ${}", 1, 3, "only $NAME" },
	{ "a $NONE", 1, 3, "$NONE is not set" },
	{ "a *.c", 1, 3, "names are not made of '*'" },
	{ "a b?", 1, 4, "names are not made of '?'" },
	{ "a [b]", 1, 3, "names are not made of '['" },
	{ "a ~/b", 1, 3, "'~' is not understood" },
	{ "~/a", 1, 1, "'~' is not understood" },
	{ "X=1 a", 1, 1, "set by env" },
	{ "a | X=1 b", 1, 5, "set by env" },
	{ "! a", 1, 1, "'!' is of sh" },
	{ "{ a", 1, 1, "'{' is of sh" },
	{ "'' a", 1, 1, "name of a program is empty" },
	{ "| a", 1, 1, "before this '|'" },
	{ "a |", 1, 3, "behind this '|'" },
	{ "a | | b", 1, 5, "before this '|'" },
	{ "a |\n# x\n", 1, 3, "behind this '|'" },
	{ "a 'b", 1, 3, "nothing closes" },
	{ "a \"b\\\"", 1, 3, "nothing closes" },
	{ "a \\", 1, 3, "behind this backslash" },
	{ "a\nb", 2, 1, "one pipeline" },
	{ "a\n\n# x\n  b", 4, 3, "one pipeline" },
	{ "a\r\n", 1, 2, "carriage return" },
	{ "\xc3\xa9 \xc3\xa9 >", 1, 5, "'>' is of sh" },
};

static void test_bad(void **state)
{
	struct ks_pipeline_fault fault;
	struct ks_pipeline pl;
	size_t i, n;

	(void)state;
	for (i = 0; i < COUNT(bad); i++) {
		n = strlen(bad[i].text);
		unsigned char *text = kit_exact(bad[i].text, n);

		if (ks_pipeline_parse(&pl, ks_bytes(text, n), value, &fault) != EINVAL)
			fail_msg("%s: not refused", bad[i].text);
		if (fault.line != bad[i].line || fault.column != bad[i].column || strstr(fault.text, bad[i].says) == NULL)
			fail_msg("%s: %zu:%zu: %s", bad[i].text, fault.line, fault.column, fault.text);
		ks_pipeline_release(&pl);
		free(text);
	}
}

static void test_limits(void **state)
{
	struct ks_pipeline_fault fault;
	struct ks_pipeline pl;
	char *text = malloc(KS_PIPELINE_MAX + 1);
	size_t i;

	(void)state;
	assert_int_equal(ks_pipeline_parse(&pl, ks_bytes("a \0b", 4), value, &fault), EINVAL);
	assert_int_equal(fault.column, 3);
	ks_pipeline_release(&pl);
	memset(text, 'x', KS_PIPELINE_MAX + 1);
	assert_int_equal(ks_pipeline_parse(&pl, ks_bytes(text, KS_PIPELINE_MAX), value, &fault), 0);
	ks_pipeline_release(&pl);
	assert_int_equal(ks_pipeline_parse(&pl, ks_bytes(text, KS_PIPELINE_MAX + 1), value, &fault), EINVAL);
	ks_pipeline_release(&pl);
	/* As many words as there can be, and one stage too many. */
	for (i = 0; i < KS_PIPELINE_MAX; i++)
		text[i] = i % 2 == 0 ? 'x' : ' ';
	assert_int_equal(ks_pipeline_parse(&pl, ks_bytes(text, KS_PIPELINE_MAX), value, &fault), 0);
	assert_int_equal(pl.stages[0].argc, KS_PIPELINE_MAX / 2);
	ks_pipeline_release(&pl);
	for (i = 0; i < KS_STAGES_MAX * 2 + 2; i++)
		text[i] = i % 2 == 0 ? 'x' : '|';
	assert_int_equal(ks_pipeline_parse(&pl, ks_bytes(text, KS_STAGES_MAX * 2 - 1), value, &fault), 0);
	assert_int_equal(pl.count, KS_STAGES_MAX);
	ks_pipeline_release(&pl);
	assert_int_equal(ks_pipeline_parse(&pl, ks_bytes(text, KS_STAGES_MAX * 2 + 1), value, &fault), EINVAL);
	ks_pipeline_release(&pl);
	free(text);
}

static void test_option(void **state)
{
	static const char text[] = "kstream-cat --app x|/usr/bin/kstream-map --app=y 1|cat --app z|kstream-cat -- --app x|"
	    "kstream-cat --app|kstream-cat --apparent=q --app=";
	static const char *const apps[] = { "x", "y", NULL, NULL, NULL, "" };
	struct ks_pipeline_fault fault;
	struct ks_pipeline pl;
	const char *app;
	size_t i;

	(void)state;
	assert_int_equal(ks_pipeline_parse(&pl, ks_str(text), value, &fault), 0);
	assert_int_equal(pl.count, COUNT(apps));
	for (i = 0; i < COUNT(apps); i++) {
		app = ks_pipeline_option(&pl.stages[i], "app");
		assert_true((app == NULL) == (apps[i] == NULL));
		if (app != NULL)
			assert_string_equal(app, apps[i]);
	}
	assert_string_equal(ks_pipeline_program(&pl.stages[1]), "kstream-map");
	ks_pipeline_release(&pl);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good), cmocka_unit_test(test_bad), cmocka_unit_test(test_limits), cmocka_unit_test(test_option),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
