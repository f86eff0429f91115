/* SPDX-License-Identifier: MIT */
/* waiting.c - what waits, by the rules of semantics.md 3.4, untilTimeLimit. */
#include "lib/waiting.h"
#include "lib/num.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

struct place {
	struct ks_waiting_room room;
	struct ks_waiting part;
	struct ks_err err;
};

static void begin(struct place *p, int64_t wait_ms, uint64_t max_records)
{
	*p = (struct place){ .room = { .segment = 1, .wait_ms = wait_ms, .max_records = max_records } };
	ks_waiting_room_init(&p->room);
	ks_waiting_init(&p->part);
	assert_int_equal(ks_store_open(&p->room.store, 0, &p->err), 0);
}

static void end(struct place *p)
{
	ks_waiting_release(&p->part);
	ks_waiting_room_release(&p->room);
	ks_store_close(p->room.store);
}

static void put(struct place *p, const char *key, int64_t time_ms, const char *first, const char *body)
{
	unsigned char *room;

	assert_int_equal(ks_waiting_put(&p->room, &p->part, 0, ks_str(key), time_ms, ks_str(first), strlen(body), &room, &p->err), 0);
	memcpy(room, body, strlen(body));
}

/* What is taken at now_ms, as first:body@time, then nothing. */
static void takes(struct place *p, int64_t now_ms, bool all, const char *want)
{
	struct ks_waiting_item item;
	char got[400] = "";
	bool more;

	while (assert_int_equal(ks_waiting_take(&p->room, &p->part, 0, now_ms, all, &item, &more, &p->err), 0), more) {
		size_t n = strlen(got);

		snprintf(got + n, sizeof(got) - n, "%.*s:%.*s@%lld ", (int)item.first.n, (const char *)item.first.p,
		    (int)item.body.n, (const char *)item.body.p, (long long)item.time_ms);
	}
	assert_string_equal(got, want);
}

static int64_t earliest(struct place *p)
{
	int64_t time_ms;

	assert_int_equal(ks_waiting_earliest(&p->room, &p->part, 0, &time_ms, &p->err), 0);
	return time_ms;
}

static void in_order(void **state)
{
	struct place p;

	(void)state;
	begin(&p, 10, 0);
	put(&p, "b", 5, "was", "1");
	put(&p, "a", 5, "", "2");
	put(&p, "c", 4, "", "3");
	put(&p, "b", 9, "lost", "longer");	/* due when the first was, and first stays */
	takes(&p, 13, false, "");
	takes(&p, 14, false, ":3@4 ");
	takes(&p, 15, false, ":2@5 was:longer@9 ");
	put(&p, "b", 16, "new", "4");
	takes(&p, 25, false, "");
	takes(&p, 25, true, "new:4@16 ");
	takes(&p, INT64_MAX, true, "");
	end(&p);
}

static void no_more_than(void **state)
{
	struct place p;

	(void)state;
	begin(&p, INT64_MAX, 2);
	put(&p, "a", 3, "", "1");
	put(&p, "b", INT64_MIN, "", "2");
	put(&p, "a", 4, "", "3");
	takes(&p, INT64_MIN, false, "");
	put(&p, "c", INT64_MAX, "", "4");
	takes(&p, INT64_MIN, false, ":2@-9223372036854775808 ");
	put(&p, "b", INT64_MIN, "", "5");	/* longer ago than any number says */
	takes(&p, -2, false, ":5@-9223372036854775808 ");
	end(&p);
}

static void earliest_time(void **state)
{
	struct place p;

	(void)state;
	begin(&p, 10, 0);
	assert_true(earliest(&p) == INT64_MAX);
	put(&p, "a", 5, "", "1");
	put(&p, "b", 7, "", "1");
	put(&p, "b", 3, "", "2");	/* older than what it takes the place of */
	assert_true(earliest(&p) == 3);
	put(&p, "b", 8, "", "3");
	assert_true(earliest(&p) == 5);
	takes(&p, 15, false, ":1@5 ");
	assert_true(earliest(&p) == 8);
	takes(&p, 0, true, ":3@8 ");
	assert_true(earliest(&p) == INT64_MAX);
	end(&p);
}

/* From the store alone; what is too short there is damage. */
static void goes_on(void **state)
{
	struct ks_store_value v;
	struct place p;

	(void)state;
	begin(&p, 10, 0);
	put(&p, "b", 5, "f", "1");
	put(&p, "a", 6, "", "2");
	put(&p, "b", 2, "", "3");
	ks_waiting_release(&p.part);
	ks_waiting_init(&p.part);
	assert_int_equal(ks_waiting_recover(&p.room, &p.part, 0, &p.err), 0);
	assert_true(earliest(&p) == 2);
	takes(&p, 15, false, "f:3@2 ");
	takes(&p, 16, false, ":2@6 ");
	assert_int_equal(ks_store_put(p.room.store, 0, 1, ks_str("x"), 8, &v, &p.err), 0);
	assert_int_equal(ks_waiting_recover(&p.room, &p.part, 0, &p.err), KS_CONFIG);
	assert_non_null(strstr(p.err.text, "damaged"));
	end(&p);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_order),
		cmocka_unit_test(no_more_than),
		cmocka_unit_test(earliest_time),
		cmocka_unit_test(goes_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
