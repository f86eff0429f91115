/* SPDX-License-Identifier: MIT */
/* idle.c - which partitions --idle takes for silent, and what it asks for that. */
#include "lib/idle.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define MANY 10000
#define AFTER_MS 1000

/* A source as one of Kafka is: of its partitions some have more to come. */
struct source {
	unsigned asked;
	int each;		/* each so many-th partition is awake; 0: all are */
};

static void awake(void *arg, struct ks_idle *x)
{
	struct source *s = arg;
	int32_t p;

	s->asked++;
	if (s->each == 0) {
		ks_idle_all_awake(x);
		return;
	}
	for (p = MANY; p >= 0; p -= s->each)	/* one of them nothing is known of */
		ks_idle_awake(x, p);
}

/* Marks since the last call, by partition: how many; each is counted in of[]. */
static unsigned marks(struct ks_buf *b, unsigned char *of)
{
	struct ks_bytes payload;
	struct ks_mark m;
	unsigned count = 0;
	size_t at, size = 0;
	int type;

	memset(of, 0, MANY);
	for (at = 0; at < b->n; at += size, count++) {
		assert_int_equal(ks_frame_split(ks_bytes(b->p + at, b->n - at), SIZE_MAX, &type, &payload, &size), KS_FRAME_WHOLE);
		assert_int_equal(type, KS_MARK);
		assert_null(ks_mark_parse(payload, &m));
		assert_true(m.idle && m.partition >= 0 && m.partition < MANY);
		of[m.partition]++;
	}
	b->n = 0;
	return count;
}

static void silent(void **state)
{
	static unsigned char of[MANY];
	struct ks_idle x = { .after_ms = AFTER_MS };
	struct source s = { .each = 10 };
	struct ks_err err;
	struct ks_buf b;
	int64_t now = 5;
	int32_t p;
	bool more;

	(void)state;
	ks_buf_init(&b, (size_t)1 << 24);
	ks_idle_begin(&x, now);
	for (p = 0; p < MANY; p++)
		assert_int_equal(ks_idle_partition(&x, p, &err), 0);
	/* All have just been heard of. */
	ks_idle_tick(&x, now += 600);
	assert_int_equal(ks_idle_look(&x, awake, &s, &b, &more, &err), 0);
	assert_false(more);
	/* Those of which there is more are not silent, however long nothing has come. */
	ks_idle_tick(&x, now += 600);
	assert_int_equal(ks_idle_look(&x, awake, &s, &b, &more, &err), 0);
	assert_true(more);
	assert_int_equal(marks(&b, of), MANY - MANY / 10);
	for (p = 0; p < MANY; p++)
		assert_int_equal(of[p], p % 10 != 0);
	/* One look asks once, and only when marks are due. */
	assert_int_equal(s.asked, 2);
	ks_idle_tick(&x, now += 1);
	assert_int_equal(ks_idle_look(&x, awake, &s, &b, &more, &err), 0);
	assert_int_equal(s.asked, 2);
	/* Nobody can be asked, then: all have been heard of, and are silent a while after. */
	s.each = 0;
	ks_idle_tick(&x, now += 600);
	assert_int_equal(ks_idle_look(&x, awake, &s, &b, &more, &err), 0);
	assert_false(more);
	ks_idle_tick(&x, now += 999);
	assert_int_equal(ks_idle_look(&x, NULL, NULL, &b, &more, &err), 0);
	assert_false(more);
	ks_idle_tick(&x, now += 501);
	assert_int_equal(ks_idle_look(&x, NULL, NULL, &b, &more, &err), 0);
	/* What has no time is told of once: the tenth part, of which nothing was. */
	assert_int_equal(marks(&b, of), MANY / 10);
	ks_idle_close(&x);
	ks_buf_release(&b);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(silent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
