/* SPDX-License-Identifier: MIT */
/* ledger.c - the ledger in a directory of its own: written, read, damaged, cut, held by another. */
#include "lib/ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/kit-dir.h"
#include "tests/unit/kit.h"

static struct ks_config config = { .program = "test", .state_dir = dir };
static struct ks_err err;

static const char *path_of(const char *name)
{
	static char path[4200];

	snprintf(path, sizeof(path), "%s/app/3/%s", dir, name);
	return path;
}

static void put_file(const char *text, size_t n)
{
	FILE *f = fopen(path_of("ledger"), "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

static size_t get_file(char *text, size_t room)
{
	FILE *f = fopen(path_of("ledger"), "r");
	size_t n;

	assert_non_null(f);
	n = fread(text, 1, room - 1, f);
	text[n] = '\0';
	fclose(f);
	return n;
}

static void open_it(struct ks_ledger *l)
{
	assert_int_equal(ks_ledger_open(l, &config, "app", "3/5", &err), 0);
}

static void add_position(struct ks_ledger *l, const char *input, int32_t partition, int64_t offset,
    const char *check)
{
	const struct ks_position x = { .input = ks_str(input), .partition = partition, .offset = offset, .check = ks_str(check) };

	assert_int_equal(ks_position_add(&l->positions, &x), 0);
}

static int64_t offset_of(const struct ks_ledger *l, const char *input, int32_t partition)
{
	struct ks_position x;

	return ks_ledger_find(l, input, partition, &x) ? x.offset : -1;
}

static const char whole[] = "kstream-ledger 2\nrun 3\nepoch 41\nposition 52345 0 2d06800538d394c2 trades.jsonl\n"
	"position 0 7 - a name with blanks \nposition 9223372036854775807 2147483647 x \xc3\xa9\n"
	"output 81 12 closed /a b\nend\n";
static const char before[] = "kstream-ledger 1\nrun 3\nepoch 41\nposition 52345 0 trades.jsonl\nposition 0 7 a name with blanks \n"
	"output 81 /a b\nend\n";

static void absent(void **state)
{
	struct ks_ledger l;
	struct stat st;

	(void)state;
	open_it(&l);
	assert_int_equal(stat(path_of(""), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_int_equal(ks_ledger_read(&l, &err), 0);
	assert_true(l.run == 0 && l.epoch == 0);
	assert_true(l.positions.n == 1 && l.positions.p[0] == 0x90);
	assert_true(offset_of(&l, "trades.jsonl", 0) == -1);
	ks_ledger_close(&l);
	ks_ledger_close(&l);
}

static void written_and_read(void **state)
{
	struct ks_ledger l, again;
	char text[1000];
	struct stat st;

	(void)state;
	open_it(&l);
	l.run = 3;
	l.epoch = 41;
	assert_int_equal(ks_mp_add_array_head(&l.positions, 3), 0);
	add_position(&l, "trades.jsonl", 0, 52345, "2d06800538d394c2");
	add_position(&l, "a name with blanks ", 7, 0, NULL);
	add_position(&l, "\xc3\xa9", INT32_MAX, INT64_MAX, "x");
	l.output = (struct ks_output){ .size = 81, .check = "12", .name = l.output.name };
	assert_int_equal(ks_buf_add(&l.output.name, "/a b", 4), 0);
	assert_int_equal(ks_ledger_write(&l, &err), 0);
	assert_int_equal(get_file(text, sizeof(text)), sizeof(whole) - 1);
	assert_string_equal(text, whole);
	assert_int_not_equal(access(path_of("ledger.new"), F_OK), 0);
	assert_int_equal(stat(path_of("ledger"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	open_it(&again);
	assert_int_equal(ks_ledger_read(&again, &err), 0);
	assert_true(again.run == 3 && again.epoch == 41);
	assert_true(ks_bytes_eq(ks_buf_bytes(&again.positions), ks_buf_bytes(&l.positions)));
	assert_true(offset_of(&again, "trades.jsonl", 0) == 52345);
	assert_true(offset_of(&again, "trades.jsonl", 1) == -1);
	assert_true(offset_of(&again, "trades.json", 0) == -1);
	assert_true(offset_of(&again, "a name with blanks ", 7) == 0);
	assert_true(offset_of(&again, "\xc3\xa9", INT32_MAX) == INT64_MAX);
	assert_true(again.output.size == 81 && !again.output.open && ks_bytes_is(ks_buf_bytes(&again.output.name), "/a b"));
	assert_string_equal(again.output.check, "12");
	/* Reading again forgets what was changed in memory. */
	again.run = 9;
	assert_int_equal(ks_ledger_read(&again, &err), 0);
	assert_true(again.run == 3);
	ks_ledger_close(&l);
	ks_ledger_close(&again);
}

/* Version 1: no checks, and it does not say whether the output was closed. */
static void older(void **state)
{
	struct ks_position x;
	struct ks_ledger l;

	(void)state;
	open_it(&l);
	put_file(before, sizeof(before) - 1);
	assert_int_equal(ks_ledger_read(&l, &err), 0);
	assert_true(l.run == 3 && l.epoch == 41 && l.output.size == 81 && l.output.open && l.output.check[0] == '\0');
	assert_true(ks_ledger_find(&l, "trades.jsonl", 0, &x) && x.offset == 52345 && x.check.n == 0);
	assert_true(ks_bytes_is(ks_buf_bytes(&l.output.name), "/a b"));
	put_file("kstream-ledger 3\n", 17);
	assert_int_equal(ks_ledger_read(&l, &err), KS_CONFIG);
	assert_non_null(strstr(err.text, "version"));
	ks_ledger_close(&l);
}

static void refused(struct ks_ledger *l, const char *text, size_t n)
{
	put_file(text, n);
	if (ks_ledger_read(l, &err) != KS_CONFIG || strstr(err.text, "damaged") == NULL)
		fail_msg("accepted: %s", text);
	assert_int_equal(err.status, KS_CONFIG);
}

/* At every byte: a ledger that was not written to its end is none. */
static void cut(void **state)
{
	struct ks_ledger l;
	size_t n;

	(void)state;
	open_it(&l);
	for (n = 0; n < sizeof(whole) - 1; n++)
		refused(&l, whole, n);
	put_file(whole, sizeof(whole) - 1);
	assert_int_equal(ks_ledger_read(&l, &err), 0);
	ks_ledger_close(&l);
}

static void damaged(void **state)
{
	static const char *const table[] = {
		"", "\n", "end\n", "kstream-ledger\nrun 1\nepoch 1\nend\n", "kstream-ledger 1\nepoch 1\nrun 1\nend\n",
		"kstream-ledger 1\nrun -1\nepoch 1\nend\n", "kstream-ledger 1\nrun \nepoch 1\nend\n",
		"kstream-ledger 1\nrun 1x\nepoch 1\nend\n", "kstream-ledger 1\nrun 1\nepoch 1.0\nend\n",
		"kstream-ledger 1\nrun 9223372036854775808\nepoch 1\nend\n", "kstream-ledger 1\nrun 1\nepoch 1\nend\nmore\n",
		"kstream-ledger 1\nrun 1\nepoch 1\nend\n\n", "kstream-ledger 1\nrun 1\nepoch 1\nend", "kstream-ledger 1\nrun 1\nepoch 1\n",
		"kstream-ledger 1\r\nrun 1\r\nepoch 1\r\nend\r\n", "kstream-ledger 1\nrun 1\nepoch 1\nposition\nend\n",
		"kstream-ledger 1\nrun 1\nepoch 1\nposition 1\nend\n", "kstream-ledger 1\nrun 1\nepoch 1\nposition 1 1\nend\n",
		"kstream-ledger 1\nrun 1\nepoch 1\nposition -1 0 a\nend\n", "kstream-ledger 1\nrun 1\nepoch 1\nposition 1 -1 a\nend\n",
		"kstream-ledger 1\nrun 1\nepoch 1\nposition 1 2147483648 a\nend\n", "kstream-ledger 1\nrun 1\nepoch 1\nposition x 0 a\nend\n",
		"kstream-ledger 1\nrun 1\nepoch 1\nposition 1 0 a\nepoch 2\nend\n",
		"kstream-ledger 2\nrun 1\nepoch 1\nposition 1 0 a\nend\n", "kstream-ledger 2\nrun 1\nepoch 1\nposition 1 0  a\nend\n",
		"kstream-ledger 2\nrun 1\nepoch 1\nposition 1 0 \x7f a\nend\n", "kstream-ledger 2\nrun 1\nepoch 1\noutput 1 - a\nend\n",
		"kstream-ledger 2\nrun 1\nepoch 1\nposition 1 0 01234567890123456789012345678901234567890123456789012345678901234 a\nend\n",
		"kstream-ledger 2\nrun 1\nepoch 1\noutput 1 - opened a\nend\n", "kstream-ledger 2\nrun 1\nepoch 1\noutput -1 - open a\nend\n",
		"kstream-ledger 2\nrun 1\nepoch 1\noutput 1 01234567890123456789012345678901234567890123456789012345678901234 open a\nend\n",
	};
	struct ks_ledger l;
	size_t i;

	(void)state;
	open_it(&l);
	for (i = 0; i < COUNT(table); i++)
		refused(&l, table[i], strlen(table[i]));
	refused(&l, "kstream-ledger 1\nrun 1\nepoch 1\n\0end\n", 35);
	ks_ledger_close(&l);
}

/* A name that would break the text is refused before anything is written. */
static void bad_name(void **state)
{
	struct ks_ledger l;
	char text[1000];

	(void)state;
	open_it(&l);
	put_file(whole, sizeof(whole) - 1);
	assert_int_equal(ks_mp_add_array_head(&l.positions, 1), 0);
	add_position(&l, "a\nb", 0, 1, NULL);
	assert_int_not_equal(ks_ledger_write(&l, &err), 0);
	get_file(text, sizeof(text));
	assert_string_equal(text, whole);
	ks_ledger_close(&l);
}

static void lock(void **state)
{
	struct ks_ledger l, other;

	(void)state;
	open_it(&l);
	assert_int_equal(ks_ledger_lock(&l, &err), 0);
	open_it(&other);
	assert_int_equal(ks_ledger_lock(&other, &err), KS_TEMP);
	assert_non_null(strstr(err.text, "LOCK"));
	/* Reading is for everybody. */
	put_file(whole, sizeof(whole) - 1);
	assert_int_equal(ks_ledger_read(&other, &err), 0);
	ks_ledger_close(&other);
	ks_ledger_close(&l);
	open_it(&other);
	assert_int_equal(ks_ledger_lock(&other, &err), 0);
	ks_ledger_close(&other);
}

/* Of two that commit one run one is refused; a run before it that still has its lock is nobody's business. */
static void alone(void **state)
{
	struct ks_ledger l;
	int first, second, later, again;

	(void)state;
	open_it(&l);
	assert_int_equal(ks_ledger_lock(&l, &err), 0);	/* that of the source is another one */
	assert_int_equal(ks_ledger_alone(&l, 7, &first, &err), 0);
	assert_int_equal(ks_ledger_alone(&l, 7, &second, &err), KS_CONFIG);
	assert_non_null(strstr(err.text, "commits this very run, 7"));
	assert_int_equal(ks_ledger_alone(&l, INT64_MAX / 2, &later, &err), 0);
	close(first);
	assert_int_equal(ks_ledger_alone(&l, 7, &again, &err), 0);
	close(second);
	close(later);
	close(again);
	ks_ledger_close(&l);
}

static void names_of_apps(void **state)
{
	static const char *const bad[] = { "", ".", "..", "a/b", "../x", "/x", "a b", "a\nb", "\xc3\xa9" };
	static const char *const good[] = { "a", "A.b-c_9", "...", ".hidden" };
	struct ks_ledger l;
	char path[4200];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(bad); i++) {
		assert_int_equal(ks_ledger_open(&l, &config, bad[i], "0/1", &err), KS_CONFIG);
		ks_ledger_close(&l);
	}
	for (i = 0; i < COUNT(good); i++) {
		assert_int_equal(ks_ledger_open(&l, &config, good[i], "0/1", &err), 0);
		snprintf(path, sizeof(path), "%s/%s/0", dir, good[i]);
		assert_int_equal(access(path, F_OK), 0);
		ks_ledger_close(&l);
	}
}

/* What is no directory, or a link that someone else has put there. */
static void no_directory(void **state)
{
	char path[4200];
	struct ks_ledger l;
	int fd;

	(void)state;
	snprintf(path, sizeof(path), "%s/file", dir);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(ks_ledger_open(&l, &config, "file", "0/1", &err), KS_CONFIG);
	ks_ledger_close(&l);
	snprintf(path, sizeof(path), "%s/linked", dir);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/linked/0", dir);
	assert_int_equal(symlink(dir, path), 0);
	assert_int_equal(ks_ledger_open(&l, &config, "linked", "0/1", &err), KS_CONFIG);
	ks_ledger_close(&l);
	open_it(&l);
	unlink(path_of("ledger"));
	assert_int_equal(symlink("/etc/passwd", path_of("ledger")), 0);
	assert_int_equal(ks_ledger_read(&l, &err), KS_IO);
	ks_ledger_close(&l);
}

static void what_will_be(void **state)
{
	struct ks_ledger l;
	int64_t epoch;

	(void)state;
	open_it(&l);
	put_file(whole, sizeof(whole) - 1);
	assert_int_equal(ks_ledger_read(&l, &err), 0);
	assert_int_equal(ks_ledger_prepared(&l, &epoch, &err), 0);
	assert_true(epoch == -1 && l.epoch == 41 && l.run == 3);
	l.epoch = 42;
	l.positions.n = 0;
	assert_int_equal(ks_mp_add_array_head(&l.positions, 1), 0);
	add_position(&l, "trades.jsonl", 0, 60000, "x");
	assert_int_equal(ks_ledger_prepare(&l, &err), 0);
	/* The ledger is as it was; the run of who asks stays. */
	assert_int_equal(ks_ledger_read(&l, &err), 0);
	assert_true(l.epoch == 41 && offset_of(&l, "trades.jsonl", 0) == 52345);
	l.run = 4;
	assert_int_equal(ks_ledger_prepared(&l, &epoch, &err), 0);
	assert_true(epoch == 42 && l.epoch == 42 && l.run == 4 && offset_of(&l, "trades.jsonl", 0) == 60000);
	assert_int_equal(ks_ledger_settled(&l, &err), 0);
	assert_int_equal(ks_ledger_settled(&l, &err), 0);
	assert_int_equal(ks_ledger_await(&l, &err), 0);
	assert_int_not_equal(access(path_of("ledger.next"), F_OK), 0);
	ks_ledger_close(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(absent, kit_dir_make, kit_dir_remove),
		cmocka_unit_test_setup_teardown(written_and_read, kit_dir_make, kit_dir_remove),
		cmocka_unit_test_setup_teardown(older, kit_dir_make, kit_dir_remove),
		cmocka_unit_test_setup_teardown(cut, kit_dir_make, kit_dir_remove),
		cmocka_unit_test_setup_teardown(damaged, kit_dir_make, kit_dir_remove),
		cmocka_unit_test_setup_teardown(bad_name, kit_dir_make, kit_dir_remove),
		cmocka_unit_test_setup_teardown(lock, kit_dir_make, kit_dir_remove),
		cmocka_unit_test_setup_teardown(alone, kit_dir_make, kit_dir_remove),
		cmocka_unit_test_setup_teardown(names_of_apps, kit_dir_make, kit_dir_remove),
		cmocka_unit_test_setup_teardown(what_will_be, kit_dir_make, kit_dir_remove),
		cmocka_unit_test_setup_teardown(no_directory, kit_dir_make, kit_dir_remove),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
