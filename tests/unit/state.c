/* SPDX-License-Identifier: MIT */
/* state.c - a durable store against a plain model: changes, commits, rollbacks, little memory, refusals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/store-impl.h"
#include "lib/store-look.h"
#include "tests/unit/kit-dir.h"

#define PARTS 2
#define SEGMENTS 6
#define KEYS 250
#define VALUE_MAX 60
#define KEPT 8		/* epochs of which the model has a copy */

struct cell {
	unsigned char n, there;
	unsigned char v[VALUE_MAX];
};

struct model {
	struct cell cells[PARTS][SEGMENTS][KEYS];
};

static struct ks_err err;
static char state_dir[64];
static struct model now, kept[KEPT];
static const int64_t segments[SEGMENTS] = { KS_STORE_META, -60000, 0, 7, 60000, INT64_MAX };

static struct ks_store_config config = {
	.seed = 3, .state_dir = state_dir, .app = "app", .stage = "stage", .owner = "0/1",
	.fingerprint = "--tumble 60000 ms\n--grace 0 ms\naggregate n=count()\n",
};

static unsigned below(unsigned n)
{
	return (unsigned)rand() % n;
}

static struct ks_bytes key_of(unsigned k, char *room)
{
	return ks_bytes(room, (size_t)sprintf(room, k % 7 == 0 ? "%u-with-a-longer-name-than-others" : "%u", k));
}

static void check_value(const struct cell *c, const struct ks_store_value *v)
{
	assert_int_equal(v->p != NULL, c->there);
	if (!c->there)
		return;
	assert_int_equal(v->n, c->n);
	assert_int_equal((uintptr_t)v->p % 8, 0);
	assert_memory_equal(v->p, c->v, c->n);
}

static void put(struct ks_store *s, int p, int g, unsigned k)
{
	struct cell *c = &now.cells[p][g][k];
	unsigned n = below(VALUE_MAX + 1);
	struct ks_store_value v;
	char room[60];

	assert_int_equal(ks_store_put(s, p, segments[g], key_of(k, room), n, &v, &err), 0);
	if (!c->there)
		*c = (struct cell){ .there = 1 };
	if (c->n < n)
		c->n = (unsigned char)n;
	check_value(c, &v);
	if (c->n > 0) {
		n = below(c->n);
		c->v[n] = v.p[n] = (unsigned char)rand();
	}
}

static void scan(struct ks_store *s, int p, int g)
{
	struct ks_store_scan scan;
	struct ks_store_value v;
	struct ks_bytes key;
	unsigned k, seen = 0, count = 0;
	char last[60] = "", text[60];

	for (k = 0; k < KEYS; k++)
		count += now.cells[p][g][k].there;
	assert_int_equal(ks_store_scan_begin(s, p, segments[g], &scan, &err), 0);
	for (; ks_store_scan_next(&scan, &key, &v); seen++) {
		snprintf(text, sizeof(text), "%.*s", (int)key.n, (const char *)key.p);
		assert_true(strcmp(last, text) < 0);
		strcpy(last, text);
		check_value(&now.cells[p][g][atoi(text)], &v);
	}
	ks_store_scan_end(&scan);
	assert_int_equal(seen, count);
}

static void change(struct ks_store *s)
{
	int p = (int)below(PARTS), g = (int)below(SEGMENTS);
	unsigned k = below(KEYS), what = below(1000);
	struct ks_store_value v;
	char room[60];

	if (what < 600) {
		put(s, p, g, k);
	} else if (what < 800) {
		assert_int_equal(ks_store_get(s, p, segments[g], key_of(k, room), &v, &err), 0);
		check_value(&now.cells[p][g][k], &v);
	} else if (what < 990) {
		assert_int_equal(ks_store_delete(s, p, segments[g], key_of(k, room), &err), 0);
		now.cells[p][g][k] = (struct cell){ 0 };
	} else if (what < 995) {
		scan(s, p, g);
	} else if (g > 0) {
		ks_store_drop(s, p, segments[g]);
		memset(now.cells[p][g], 0, sizeof(now.cells[p][g]));
	}
}

static void check_all(struct ks_store *s)
{
	struct ks_store_value v;
	char room[60];
	unsigned k;
	int p, g;

	for (p = 0; p < PARTS; p++)
		for (g = 0; g < SEGMENTS; g++) {
			scan(s, p, g);
			for (k = 0; k < KEYS; k++) {
				assert_int_equal(ks_store_get(s, p, segments[g], key_of(k, room), &v, &err), 0);
				check_value(&now.cells[p][g][k], &v);
			}
		}
}

/* Segments in order: each that has a key is told of, in its turn. */
static void check_segments(struct ks_store *s)
{
	int64_t segment, after = KS_STORE_META;
	int p, g;
	unsigned k;

	for (p = 0; p < PARTS; p++, after = KS_STORE_META)
		for (g = 1; g < SEGMENTS; g++) {
			for (k = 0; k < KEYS && !now.cells[p][g][k].there; k++)
				;
			if (k == KEYS)
				continue;
			do {
				assert_true(ks_store_next_segment(s, p, after, &segment));
				after = segment;
			} while (segment < segments[g]);
			assert_int_equal(segment, segments[g]);
		}
}

static int commit(struct ks_store *s, int64_t epoch, int64_t committed)
{
	struct ks_barrier b = { .n = epoch, .positions = ks_no_headers, .committed = committed, .group = ks_mp_nil };

	return ks_store_commit(s, &b, &err);
}

static struct ks_store *reopen(struct ks_store *s)
{
	ks_store_close(s);
	config.run++;
	if (ks_store_open_at(&s, &config, &err) != 0)
		fail_msg("%s", err.text);
	return s;
}

static void fresh(void)
{
	static int n;

	snprintf(state_dir, sizeof(state_dir), "%s/%d", dir, n++);
	config.run = 1;
	config.epoch = 0;
	memset(&now, 0, sizeof(now));
	memset(kept, 0, sizeof(kept));
}

/* One life of a state: many epochs, a restart now and then at an epoch that may be older than the last. */
static void live(unsigned seed, size_t memory, bool durable, int64_t epochs)
{
	int64_t n = 0, committed = 0;
	struct ks_store *s;
	unsigned i;

	srand(seed);
	fresh();
	config.memory = memory;
	config.state_dir = durable ? state_dir : NULL;
	assert_int_equal(ks_store_open_at(&s, &config, &err), 0);
	while (n < epochs) {
		for (i = below(n % 3 == 1 ? 5000 : 500); i > 0; i--)
			change(s);
		if (durable && below(4) == 0) {	/* what the epoch has done is lost, and perhaps one more that nobody knew of */
			config.epoch = committed + below((unsigned)(n - committed) + 1);
			s = reopen(s);
			n = committed = config.epoch;
			now = kept[n % KEPT];
			check_all(s);
			check_segments(s);
			continue;
		}
		n++;
		if (committed < n - 3 || below(3) == 0)
			committed = n - 1 - below((unsigned)(n - committed));
		assert_int_equal(commit(s, n, committed), 0);
		kept[n % KEPT] = now;
		check_segments(s);
	}
	check_all(s);
	ks_store_close(s);
	config.state_dir = state_dir;
}

static void against_a_model(void **state)
{
	unsigned seed;

	(void)state;
	for (seed = 1; seed <= 15; seed++)
		live(seed, seed % 7 == 0 ? 0 : (size_t)20000 << (2 * (seed % 3)), true, 40);
}

static void in_scratch(void **state)
{
	unsigned seed;

	(void)state;
	for (seed = 21; seed <= 26; seed++)
		live(seed, 65536, false, 60);
}

static void set(struct ks_store *s, const char *key, unsigned char x)
{
	struct ks_store_value v;

	assert_int_equal(ks_store_put(s, 0, 0, ks_str(key), 1, &v, &err), 0);
	v.p[0] = x;
}

static int get(struct ks_store *s, const char *key)
{
	struct ks_store_value v;

	assert_int_equal(ks_store_get(s, 0, 0, ks_str(key), &v, &err), 0);
	return v.p != NULL ? v.p[0] : -1;
}

/*
 * What is merged is left out where a newer value is committed.  One that the
 * open epoch has made of it, and has the stamp of what it was made of, is not.
 */
static void open_epoch_does_not_supersede(void **state)
{
	struct ks_store *s;

	(void)state;
	fresh();
	config.memory = 0;
	assert_int_equal(ks_store_open_at(&s, &config, &err), 0);
	set(s, "a", 1);
	assert_int_equal(commit(s, 1, 0), 0);
	assert_int_equal(ks_store_rotate(s, 1, &err), 0);
	set(s, "b", 2);
	assert_int_equal(commit(s, 2, 0), 0);
	set(s, "a", 3);
	s->known = 1;
	while (ks_merge_can(s))
		assert_int_equal(ks_merge_some(s, 1000, &err), 0);
	config.epoch = 2;
	s = reopen(s);
	assert_int_equal(get(s, "a"), 1);
	assert_int_equal(get(s, "b"), 2);
	ks_store_close(s);
}

/* An epoch may be larger than memory: what it has in the base goes when it comes to nothing, and stays when it is committed. */
static void set_some(struct ks_store *s, unsigned from, unsigned epoch)
{
	char key[20];
	unsigned i;

	for (i = from; i < 20000; i++) {
		snprintf(key, sizeof(key), "key %u", i);
		set(s, key, (unsigned char)(epoch + i));
		assert_true(s->young.bytes <= s->memory + s->memory / 4 + 65536);
	}
}

/* Those below a number as of an epoch, the others of a later one. */
static void expect_both(struct ks_store *s, unsigned below, unsigned epoch, unsigned later)
{
	char key[20];
	unsigned i;

	for (i = 0; i < 20000; i++) {
		snprintf(key, sizeof(key), "key %u", i);
		assert_int_equal(get(s, key), ((i < below ? epoch : later) + i) % 256);
	}
}

static void epoch_beyond_memory(void **state)
{
	struct ks_store *s;

	(void)state;
	fresh();
	config.memory = 100000;
	assert_int_equal(ks_store_open_at(&s, &config, &err), 0);
	set_some(s, 0, 1);
	assert_int_equal(commit(s, 1, 0), 0);
	set_some(s, 0, 2);
	assert_false(ks_store_is_committed(s, 0, 0, ks_str("key 0")));
	config.epoch = 1;
	s = reopen(s);
	assert_true(s->young.bytes <= s->memory + 65536);
	expect_both(s, 0, 0, 1);
	set_some(s, 0, 3);
	assert_int_equal(commit(s, 2, 1), 0);
	config.epoch = 2;
	s = reopen(s);
	expect_both(s, 0, 0, 3);
	ks_store_close(s);
}

/*
 * Nobody is at work on it: it is as of an epoch, whatever a later one has put
 * into the base, of which no chunk is left that says what was there; and it
 * stays as it is.
 */
static void looked_at_rest(void **state)
{
	struct ks_store_config rest;
	struct ks_store *s;
	struct ks_buf text;
	int i;

	(void)state;
	fresh();
	config.memory = 100000;
	assert_int_equal(ks_store_open_at(&s, &config, &err), 0);
	set_some(s, 0, 1);
	assert_int_equal(commit(s, 1, 0), 0);
	set_some(s, 10000, 2);
	assert_int_equal(commit(s, 2, 1), 0);
	set_some(s, 0, 3);
	ks_store_close(s);
	for (i = 0; i < 2; i++) {
		ks_buf_init(&text, 1 << 16);
		rest = config;
		rest.epoch = 2;
		rest.at_rest = &text;
		assert_int_equal(ks_store_open_at(&s, &rest, &err), 0);
		expect_both(s, 10000, 1, 2);
		ks_store_close(s);
		ks_buf_release(&text);
	}
	config.epoch = 2;
	s = reopen(NULL);
	expect_both(s, 10000, 1, 2);
	ks_store_close(s);
}

/* Entries of a segment that go to disk, where its filter knows of them. */
static void fill_segment(struct ks_store *s, int64_t segment)
{
	struct ks_store_value v;
	char key[20];
	unsigned i;

	for (i = 0; i < 10000; i++) {
		snprintf(key, sizeof(key), "key %u", i);
		assert_int_equal(ks_store_put(s, 0, segment, ks_str(key), 8, &v, &err), 0);
		v.p[0] = (unsigned char)i;
	}
}

/* How many of keys that are not there the base would be read for; of those that are, all. */
static unsigned reads_in_vain(struct ks_store *s, int64_t segment)
{
	const struct ks_base_segment *g = ks_base_find(s, 0, segment);
	struct ks_store_value v;
	unsigned i, wrong = 0;
	char key[20];

	assert_non_null(g);
	for (i = 0; i < 20000; i++) {
		snprintf(key, sizeof(key), "key %u", i);
		assert_int_equal(ks_store_get(s, 0, segment, ks_str(key), &v, &err), 0);
		assert_int_equal(v.p != NULL, i < 10000);
		wrong += i >= 10000 && (g->unfiltered || ks_filter_may_have(g->filter, ks_hash(ks_str(key), s->seed)));
	}
	return wrong;
}

/*
 * The base is not read for what it has not; where memory is full of what
 * says so the oldest segment does without, and one that was there before.
 */
static void absent_keys_are_known(void **state)
{
	struct ks_store *s;
	int64_t segment;
	size_t left;

	(void)state;
	fresh();
	config.memory = 200000;
	assert_int_equal(ks_store_open_at(&s, &config, &err), 0);
	left = s->filters_left;
	for (segment = 1; segment <= 4; segment++)
		fill_segment(s, segment);
	assert_int_equal(commit(s, 1, 0), 0);
	for (segment = 5; segment <= 6; segment++)
		fill_segment(s, segment);
	assert_true(reads_in_vain(s, 1) == 10000);
	assert_true(reads_in_vain(s, 5) < 2500);
	assert_true(s->filters >= 1 && s->filters_left < left);
	for (segment = 1; segment <= 6; segment++)
		ks_store_drop(s, 0, segment);
	assert_int_equal(commit(s, 2, 1), 0);
	fill_segment(s, 7);
	fill_segment(s, 8);
	assert_null(ks_base_find(s, 0, 1));
	assert_true(reads_in_vain(s, 7) < 2500);
	config.epoch = 2;
	s = reopen(s);
	fill_segment(s, 7);
	assert_int_equal(commit(s, 3, 2), 0);
	config.epoch = 3;
	s = reopen(s);
	assert_true(reads_in_vain(s, 7) == 10000);
	ks_store_close(s);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(against_a_model),
		cmocka_unit_test(in_scratch),
		cmocka_unit_test(open_epoch_does_not_supersede),
		cmocka_unit_test(epoch_beyond_memory),
		cmocka_unit_test(looked_at_rest),
		cmocka_unit_test(absent_keys_are_known),
	};

	return cmocka_run_group_tests(tests, kit_dir_make, kit_dir_remove);
}
