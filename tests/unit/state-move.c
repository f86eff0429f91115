/* SPDX-License-Identifier: MIT */
/*
 * state-move.c - states whose partitions move between two owners, are lost,
 * or are older copies, against a model of what is committed; and what their
 * changelog has is the model's, too.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/store-impl.h"
#include "lib/store-look.h"
#include "tests/unit/kit-dir.h"
#include "tests/unit/kit-trace.h"

#define PARTS 4
#define SEGMENTS 4
#define KEYS 60
#define POINTS 12
#define KEPT 8		/* epochs of a run that are kept, one behind the other */

/* A value is a number, repeated; 0: there is none. */
struct part {
	uint32_t cells[SEGMENTS][KEYS];
};

struct world {
	struct part state[PARTS], log[PARTS];
	bool begun[PARTS];
};

static struct ks_err err;
static char state_dir[64], text[600];
static struct world now, kept[KEPT];
static struct ks_store_word words[PARTS];
static char owners[2][8] = { "0/2", "1/2" };
static const int64_t segments[SEGMENTS] = { KS_STORE_META, -60000, 0, INT64_MAX };
static int64_t run_now, alone_epoch;

static struct ks_store_config config = {
	.seed = 3, .state_dir = state_dir, .app = "app", .stage = "stage", .fingerprint = "--x 1\n", .changelog = "log", .memory = 20000,
};

static unsigned below(unsigned n)
{
	return (unsigned)rand() % n;
}

static struct ks_bytes key_of(unsigned k, char *room)
{
	return ks_bytes(room, (size_t)sprintf(room, "key %u of some length, so that pages fill", k));
}

static size_t size_of(uint32_t x)
{
	return 4 * (1 + x % 20);
}

static uint32_t number_of(struct ks_bytes value)
{
	uint32_t x;
	size_t i;

	assert_true(value.n >= 4 && value.n % 4 == 0);
	memcpy(&x, value.p, 4);
	assert_int_equal(value.n, size_of(x));
	for (i = 4; i < value.n; i += 4)
		assert_memory_equal(value.p + i, &x, 4);
	return x;
}

/* --- the changelog --- */

static int log_begin(void *arg, int32_t partition, struct ks_bytes fingerprint, struct ks_err *e)
{
	(void)arg;
	assert_true(partition >= 0 && partition < PARTS);
	assert_true(ks_bytes_is(fingerprint, "app app\nstage stage\n--x 1\n"));
	memset(&now.log[partition], 0, sizeof(now.log[partition]));
	now.begun[partition] = true;
	return e->status = 0;
}

static int log_change(void *arg, int32_t partition, int64_t segment, struct ks_bytes key, const struct ks_bytes *value, struct ks_err *e)
{
	unsigned g, k;

	(void)arg;
	for (g = 0; g < SEGMENTS && segments[g] != segment; g++)
		;
	assert_true(g < SEGMENTS && sscanf((const char *)key.p, "key %u ", &k) == 1 && k < KEYS);
	assert_true(now.begun[partition]);
	now.log[partition].cells[g][k] = value != NULL ? number_of(*value) : 0;
	return e->status = 0;
}

static const struct ks_store_log log_hooks = { .begin = log_begin, .change = log_change };

/* --- a life --- */

static void put(struct ks_store *s, int p, unsigned g, unsigned k, uint32_t x)
{
	struct ks_store_value v;
	char room[80];
	size_t i;

	/* A value does not get shorter but by being deleted. */
	assert_int_equal(ks_store_delete(s, p, segments[g], key_of(k, room), &err), 0);
	assert_int_equal(ks_store_put(s, p, segments[g], key_of(k, room), size_of(x), &v, &err), 0);
	for (i = 0; i < v.n; i += 4)
		memcpy(v.p + i, &x, 4);
}

static void check(struct ks_store *s, int p, const struct part *expected, const char *when)
{
	struct ks_store_value v;
	char room[80];
	unsigned g, k;

	for (g = 0; g < SEGMENTS; g++)
		for (k = 0; k < KEYS; k++) {
			assert_int_equal(ks_store_get(s, p, segments[g], key_of(k, room), &v, &err), 0);
			if ((v.p == NULL ? 0 : number_of(ks_bytes(v.p, v.n))) != expected->cells[g][k])
				fail_msg("%s: partition %d, segment %u, key %u is %u and not %u", when, p, g, k, v.p == NULL ? 0 : (unsigned)number_of(ks_bytes(v.p, v.n)), (unsigned)expected->cells[g][k]);
		}
}

/* What the changelog has of the partitions that the state wants; in the middle of it all may end. */
static bool restore(struct ks_store *s, unsigned patience)
{
	int32_t p = -2;
	unsigned g, k;

	while (ks_store_wants(s, p, &p)) {
		assert_true(now.begun[p]);
		put(s, p, 1, 7, 99);	/* it is begun once more */
		ks_store_forget(s, p);
		for (g = 0; g < SEGMENTS; g++)
			for (k = 0; k < KEYS; k++) {
				if (patience > 0 && --patience == 0)
					return false;
				if (now.log[p].cells[g][k] != 0)
					put(s, p, g, k, now.log[p].cells[g][k]);
			}
	}
	if (s->restoring)
		assert_int_equal(ks_store_restored(s, &err), 0);
	return true;
}

static void change(struct ks_store *s, const bool *mine)
{
	unsigned i, g, k, p;
	char room[80];

	for (i = 0; i < 120; i++) {
		p = below(PARTS);
		g = below(SEGMENTS);
		k = below(KEYS);
		if (!mine[p])
			continue;
		if (below(40) == 0 && g > 0) {
			memset(now.state[p].cells[g], 0, sizeof(now.state[p].cells[g]));
			ks_store_drop(s, (int)p, segments[g]);
		} else if (below(4) == 0) {
			now.state[p].cells[g][k] = 0;
			assert_int_equal(ks_store_delete(s, (int)p, segments[g], key_of(k, room), &err), 0);
		} else {
			now.state[p].cells[g][k] = 1 + (uint32_t)rand() % 1000000;
			put(s, (int)p, g, k, now.state[p].cells[g][k]);
		}
	}
}

/* Words of those that are read, for this owner. */
static size_t ask(unsigned owner, const bool *mine, struct ks_store_word *list)
{
	size_t count = 0;
	int p;

	config.epoch = 0;
	for (p = 0; p < PARTS; p++) {
		if (!mine[p])
			continue;
		list[count] = words[p];
		list[count].ours = words[p].epoch > 0 && ks_bytes_is(words[p].owner, owners[owner]);
		if (words[p].epoch > config.epoch)
			config.epoch = words[p].epoch;
		count++;
	}
	return count;
}

/* Some epochs of an owner, of which some are committed. */
static void live(unsigned owner, const bool *mine)
{
	struct ks_store_word list[PARTS];
	struct ks_barrier b = { .positions = ks_no_headers, .group = ks_mp_nil };
	int64_t n, epochs = below(KEPT), committed = (int64_t)below((unsigned)epochs + 1);
	unsigned tries = below(3);
	struct ks_store *s = NULL;
	int p;

	config.words = list;
	config.owner = owners[owner];
	do {
		ks_store_close(s);
		config.run = ++run_now;
		config.word_count = ask(owner, mine, list);
		if (ks_store_open_at(&s, &config, &err) != 0)
			fail_msg("%s", err.text);
	} while (!restore(s, tries-- > 0 ? 1 + below(200) : 0));
	for (p = 0; p < PARTS; p++)
		check(s, p, mine[p] ? &now.state[p] : &(struct part){ 0 }, "opened");
	ks_store_log(s, &log_hooks);
	kept[0] = now;
	for (n = 1; n <= epochs; n++) {
		change(s, mine);
		b.n = config.epoch + n;
		b.committed = config.epoch + (n <= committed ? n - 1 : committed);
		if (ks_store_commit(s, &b, &err) != 0)
			fail_msg("%s", err.text);
		for (p = 0; p < PARTS; p++)
			if (mine[p] && config.changelog != NULL)
				assert_memory_equal(&now.log[p], &now.state[p], sizeof(struct part));
		kept[n] = now;
	}
	if (below(2) == 0)
		change(s, mine);	/* and dies in the midst of an epoch */
	ks_store_close(s);
	now = kept[committed];
	for (p = 0; p < PARTS; p++)
		if (mine[p] && committed > 0)
			words[p] = (struct ks_store_word){ .input = ks_str("in"), .partition = p, .epoch = config.epoch + committed, .run = config.run, .owner = ks_str(owners[owner]) };
}

static void command(const char *fmt, unsigned owner)
{
	const char *at;
	size_t n = 0;

	/* D: the directory of the owner; K: that of its copy. */
	for (at = fmt; *at != '\0'; at++)
		n += (size_t)(*at == 'D' || *at == 'K' ? snprintf(text + n, sizeof(text) - n, "%s%s/%u", state_dir, *at == 'D' ? "/app" : ".kept", owner) :
		    snprintf(text + n, sizeof(text) - n, "%c", *at));
	assert_int_equal(system(text), 0);
}

static void moves(void **state)
{
	static int dirs;
	bool mine[PARTS];
	unsigned round, owner, p;

	(void)state;
	for (round = 0; round < 150; round++) {
		if (round % 25 == 0) {
			snprintf(state_dir, sizeof(state_dir), "%s/%d", dir, dirs++);
			memset(&now, 0, sizeof(now));
			for (p = 0; p < PARTS; p++)
				words[p] = (struct ks_store_word){ .partition = (int32_t)p };
			command("mkdir -p -m 700 D && mkdir -p K && rmdir K", 0);
		}
		owner = below(2);
		for (p = 0; p < PARTS; p++)
			mine[p] = below(5) < 3;
		mine[below(PARTS)] = true;
		if (below(8) == 0)
			command("rm -rf D", owner);
		if (below(8) == 0)
			command("rm -rf K && mkdir -p -m 700 D && cp -a D K", owner);
		else if (below(8) == 0)
			command("[ ! -d K ] || { rm -rf D && cp -a K D; }", owner);
		live(owner, mine);
	}
}

/* --- killed in between --- */

static unsigned mover;

static int open_and_restore(struct ks_store **s)
{
	static const bool all[PARTS] = { true, true, true, true };
	static struct ks_store_word list[PARTS];
	int status;

	config.words = list;
	config.owner = owners[mover];
	config.word_count = ask(mover, all, list);
	status = ks_store_open_at(s, &config, &err);
	if (status == 0)
		(void)restore(*s, 0);
	return status;
}

/* The child: all partitions come to an owner who has some of them, old and new. */
static int move(void)
{
	struct ks_store *s;
	int status = open_and_restore(&s);

	ks_store_close(s);
	return status;
}

/* What the next process finds, whenever that one died. */
static void killed(void **state)
{
	static const bool all[PARTS] = { true, true, true, true }, some[PARTS] = { true, true, false, false };
	long calls, total = 0, at, step = 1;
	struct ks_store *s;
	int how;
	int32_t p;

	(void)state;
	mover = 0;
	for (at = 0; at == 0 || at <= total; at += step) {
		snprintf(state_dir, sizeof(state_dir), "%s/killed%ld", dir, at);
		memset(&now, 0, sizeof(now));
		srand(5);
		for (p = 0; p < PARTS; p++)
			words[p] = (struct ks_store_word){ .partition = p };
		do
			live(0, all);
		while (words[0].epoch == 0);
		do
			live(1, some);
		while (!ks_bytes_is(words[0].owner, owners[1]));
		config.run = ++run_now;
		how = trace(move, at, DIE, NULL, &calls);
		if (at == 0) {
			assert_true(WIFEXITED(how) && WEXITSTATUS(how) == 0);
			total = calls;
			step = 1 + calls / POINTS;
		}
		config.run = ++run_now;
		if (open_and_restore(&s) != 0)
			fail_msg("call %ld: %s", at, err.text);
		for (p = 0; p < PARTS; p++)
			check(s, p, &now.state[p], "after a kill");
		ks_store_close(s);
	}
	print_message("%ld calls that write, each %ld. was tried\n", total, step);
}

/* A state that has nothing of its one partition, which stands at an epoch. */
static struct ks_store *open_wanting(const char *name)
{
	static struct ks_store_word word = { .partition = 0, .epoch = 4, .run = 1, .owner = { (const unsigned char *)"1/2", 3 } };
	struct ks_store *s;

	snprintf(state_dir, sizeof(state_dir), "%s/%s", dir, name);
	config.words = &word;
	config.word_count = 1;
	config.epoch = 4;
	config.run = ++run_now;
	assert_int_equal(ks_store_open_at(&s, &config, &err), 0);
	return s;
}

/* What memory could not hold of a restore is as committed as the rest. */
static void committed(void **state)
{
	struct ks_store_value v;
	struct ks_store *s;
	char room[80];
	unsigned k;

	(void)state;
	config.owner = owners[0];
	s = open_wanting("committed");
	for (k = 0; k < 1000; k++)
		assert_int_equal(ks_store_put(s, 0, 0, key_of(k, room), 8, &v, &err), 0);
	assert_true(s->old.parts.count > 0);
	assert_int_equal(ks_store_restored(s, &err), 0);
	for (k = 0; k < 1000; k++)
		if (!ks_store_is_committed(s, 0, 0, key_of(k, room)))
			fail_msg("key %u is not committed", k);
	ks_store_close(s);
}

/* --- without a changelog --- */

static int try_open(unsigned owner, const bool *mine)
{
	struct ks_store_word list[PARTS];
	struct ks_store *s;
	int status;

	config.run = ++run_now;
	config.owner = owners[owner];
	config.words = list;
	config.word_count = ask(owner, mine, list);
	status = ks_store_open_at(&s, &config, &err);
	ks_store_close(s);
	return status;
}

static void refusals(void **state)
{
	static const bool all[PARTS] = { true, true, true, true }, half[PARTS] = { true, false, true, false };
	unsigned p;

	(void)state;
	snprintf(state_dir, sizeof(state_dir), "%s/refusals", dir);
	memset(&now, 0, sizeof(now));
	for (p = 0; p < PARTS; p++)
		words[p] = (struct ks_store_word){ .partition = (int32_t)p };
	config.changelog = NULL;
	do
		live(0, all);
	while (words[0].epoch == 0);
	if (try_open(0, all) != 0)
		fail_msg("%s", err.text);
	/* Fewer partitions, then those of another owner. */
	assert_int_equal(try_open(0, half), KS_CONFIG);
	assert_non_null(strstr(err.text, "has partition 1, which this instance does not read any more: give --changelog TOPIC"));
	assert_int_equal(try_open(1, half), KS_CONFIG);
	assert_non_null(strstr(err.text, "in/0 was last read by instance 0/2 of app 'app', which has its state: give --changelog TOPIC"));
	/* All of it is as it was. */
	if (try_open(0, all) != 0)
		fail_msg("%s", err.text);
	/* Another state has gone on meanwhile: what is here looks as if it had come so far, and has not. */
	for (p = 0; p < PARTS; p++)
		words[p].run--;
	assert_int_equal(try_open(0, all), KS_CONFIG);
	assert_non_null(strstr(err.text, "older copy"));
	config.changelog = "log";
}

/* Another changelog, or none for a while: all is told again. */
static void begins_again(void **state)
{
	static const bool all[PARTS] = { true, true, true, true };
	static const char *const names[] = { "log", NULL, "log", "other" };
	unsigned i, p;

	(void)state;
	snprintf(state_dir, sizeof(state_dir), "%s/again", dir);
	memset(&now, 0, sizeof(now));
	for (p = 0; p < PARTS; p++)
		words[p] = (struct ks_store_word){ .partition = (int32_t)p };
	for (i = 0; i < 12; i++) {
		config.changelog = names[i % 4];
		for (p = 0; p < PARTS; p++)
			now.begun[p] = false;
		alone_epoch = words[0].epoch;
		do {
			live(0, all);
			if (config.changelog == NULL)
				memset(now.log, 0x55, sizeof(now.log));	/* what there is of it is of no use */
		} while (words[0].epoch == alone_epoch);
		if (config.changelog != NULL)
			assert_true(now.begun[3]);
	}
	config.changelog = "log";
}

static unsigned told;

static int log_count(void *arg, int32_t partition, int64_t segment, struct ks_bytes key, const struct ks_bytes *value, struct ks_err *e)
{
	(void)arg, (void)segment, (void)key;
	assert_true(now.begun[partition] && value->n == 1 << 20);
	told++;
	return e->status = 0;
}

/* A large state is told of over some epochs: one transaction could not take it. */
static void spread(void **state)
{
	struct ks_store_word list[3] = { { .partition = 0 }, { .partition = 1 }, { .partition = 2 } };
	struct ks_barrier b = { .positions = ks_no_headers, .group = ks_mp_nil };
	static const unsigned sizes[] = { 33, 1, 1 };	/* MiB */
	struct ks_store_value v;
	struct ks_store *s;
	char room[80];
	unsigned k, p;

	(void)state;
	snprintf(state_dir, sizeof(state_dir), "%s/spread", dir);
	memset(&now, 0, sizeof(now));
	config.words = list;
	config.word_count = 3;
	config.epoch = 0;
	config.run = ++run_now;
	assert_int_equal(ks_store_open_at(&s, &config, &err), 0);
	for (p = 0; p < 3; p++)
		for (k = 0; k < sizes[p]; k++)
			assert_int_equal(ks_store_put(s, (int32_t)p, 0, key_of(k, room), 1 << 20, &v, &err), 0);
	ks_store_log(s, &(struct ks_store_log){ .begin = log_begin, .change = log_count, .arg = NULL });
	for (b.n = 1; b.n <= 2; b.n++) {
		assert_int_equal(ks_store_commit(s, &b, &err), 0);
		assert_true(now.begun[0]);
		assert_int_equal(now.begun[1], b.n == 2);
		assert_int_equal(now.begun[2], b.n == 2);
		assert_int_equal(told, b.n == 1 ? 33 : 35);
	}
	ks_store_close(s);
}

static void other_fingerprint(void **state)
{
	static unsigned char large[1 << 20];
	const struct ks_bytes foreign[] = { ks_bytes(large, 0), ks_bytes("app app\nstage stage\n--x 1\n", 28), ks_str("\033[2J"),
		ks_bytes(memset(large, 'x', sizeof(large)), sizeof(large)) };
	size_t i;
	struct ks_store *s;
	int32_t p;

	(void)state;
	s = open_wanting("print");
	assert_true(ks_store_wants(s, -2, &p));
	assert_int_equal(p, 0);
	assert_false(ks_store_wants(s, p, &p));
	assert_int_equal(ks_store_check_changelog(s, ks_str("app app\nstage stage\n--x 1\n"), &err), 0);
	assert_int_equal(ks_store_check_changelog(s, ks_str("app app\nstage stage\n--x 2\n"), &err), KS_CONFIG);
	assert_string_equal(err.text, "changelog 'log' was made with --x 2, which is now --x 1: give another --changelog, or another --app");
	/* What somebody else has written there. */
	for (i = 0; i < sizeof(foreign) / sizeof(*foreign); i++) {
		assert_int_equal(ks_store_check_changelog(s, foreign[i], &err), KS_CONFIG);
		assert_string_equal(err.text, "changelog 'log' does not tell what it was made with: give another one");
	}
	ks_store_close(s);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(moves),
		cmocka_unit_test(killed),
		cmocka_unit_test(committed),
		cmocka_unit_test(refusals),
		cmocka_unit_test(begins_again),
		cmocka_unit_test(spread),
		cmocka_unit_test(other_fingerprint),
	};

	return cmocka_run_group_tests(tests, kit_dir_make, kit_dir_remove);
}
