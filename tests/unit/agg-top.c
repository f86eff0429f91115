/* SPDX-License-Identifier: MIT */
/* agg-top.c - top and bottom against a plain model of them. */
#include "agg-kit.h"

enum { IDS = 12 };

/* The best of each id, and when it came: all of them, none forgotten. */
struct model {
	int64_t best[IDS];
	size_t when[IDS];	/* 0: never */
};

static void model_add(struct model *m, size_t id, int64_t by, size_t when, int sign)
{
	if (m->when[id] != 0 && (by - m->best[id]) * sign <= 0)
		return;
	m->best[id] = by;
	m->when[id] = when;
}

static void model_show(struct model m, uint32_t n, int sign, struct ks_buf *out)
{
	size_t k, best, found = 0;
	uint32_t i;

	for (k = 0; k < IDS; k++)
		found += m.when[k] != 0;
	n = found < n ? (uint32_t)found : n;
	assert_int_equal(ks_mp_add_array_head(out, n), 0);
	for (i = 0; i < n; i++) {
		for (best = IDS, k = 0; k < IDS; k++)
			if (m.when[k] != 0 && (best == IDS || (m.best[k] - m.best[best]) * sign > 0 ||
			    (m.best[k] == m.best[best] && m.when[k] < m.when[best])))
				best = k;
		assert_int_equal(ks_mp_add_map_head(out, 2), 0);
		assert_int_equal(ks_mp_add_str(out, ks_str("id")), 0);
		assert_int_equal(ks_mp_add_i64(out, (int64_t)best), 0);
		assert_int_equal(ks_mp_add_str(out, ks_str("by")), 0);
		assert_int_equal(ks_mp_add_i64(out, m.best[best]), 0);
		m.when[best] = 0;
	}
}

static void compare(struct ks_agg *a, const struct ks_agg_block *b, const struct model *m, int sign)
{
	struct ks_buf got, want;

	ks_buf_init(&got, 10000);
	ks_buf_init(&want, 10000);
	assert_int_equal(a->row->show(a, b->p, 0, &got), 0);
	model_show(*m, a->n, sign, &want);
	assert_int_equal(got.n, want.n);
	assert_memory_equal(got.p, want.p, want.n);
	ks_buf_release(&got);
	ks_buf_release(&want);
}

static void as_the_model(void **state)
{
	uint64_t seed = 3;
	size_t round, i, id;
	struct ks_agg_block b, later;
	struct model m;
	struct ks_agg a;
	int sign;

	(void)state;
	for (round = 0; round < 400; round++) {
		sign = round % 2 == 0 ? 1 : -1;
		a = agg_of(sign > 0 ? "top" : "bottom");
		a.n = (uint32_t)(1 + kit_below(&seed, IDS + 2));
		b = new_block(a.row->size);
		later = new_block(a.row->size);
		m = (struct model){ .when = { 0 } };
		for (i = 1; i <= 60; i++) {
			struct ks_val v[2] = { I((int64_t)kit_below(&seed, 20)), NIL };

			id = kit_below(&seed, IDS);
			v[1] = (struct ks_val){ .type = KS_INT, .i = (int64_t)id };
			/* The last third goes to another state, which is merged. */
			assert_int_equal(a.row->add(&a, i <= 40 ? &b : &later, 0, v), 0);
			model_add(&m, id, v[0].i, i, sign);
			if (i <= 40)
				compare(&a, &b, &m, sign);
		}
		assert_int_equal(a.row->merge(&a, &b, 0, later.p), 0);
		compare(&a, &b, &m, sign);
		free(b.p);
		free(later.p);
	}
}

/* Ids and values of every type and length; what is left behind stays bounded. */
static void texts(void **state)
{
	static const struct ks_val ids[] = { S("a long name of something"), S(""), { .type = KS_TRUE }, I(1), D(1.5),
		ARRAY("\x91\x01"), MAP("\x81\xa1x\x01"), BIN("x"), S("x"), D(1.0) };
	static const char want[] = "\x93\x82\xa2id\x91\x01\xa2" "by\xa4zzzz\x82\xa2id\xa1x\xa2" "by\xa3yyy\x82\xa2id\x01\xa2" "by\xa1x";
	char text[300];
	struct ks_agg a = agg_of("top");
	struct ks_agg_block b = new_block(a.row->size);
	struct ks_val v[2];
	struct ks_buf out;
	size_t i;

	(void)state;
	a.n = 3;
	for (i = 0; i < 3000; i++) {
		memset(text, 'a' + (int)(i % 20), sizeof(text));
		v[0] = (struct ks_val){ .type = KS_STR, .b = { (unsigned char *)text, 1 + i % 299 } };
		v[1] = ids[i % COUNT(ids)];
		assert_int_equal(a.row->add(&a, &b, 0, v), 0);
	}
	assert_true(b.n < 8000);
	free(b.p);

	b = new_block(a.row->size);
	ks_buf_init(&out, 1000);
	assert_int_equal(a.row->add(&a, &b, 0, (struct ks_val[]){ I(5), S("a") }), 0);
	assert_int_equal(a.row->add(&a, &b, 0, (struct ks_val[]){ S("x"), I(1) }), 0);
	assert_int_equal(a.row->add(&a, &b, 0, (struct ks_val[]){ S("w"), D(1.0) }), 0);
	assert_int_equal(a.row->add(&a, &b, 0, (struct ks_val[]){ S("yyy"), S("x") }), 0);
	assert_int_equal(a.row->add(&a, &b, 0, (struct ks_val[]){ S("zzzz"), ARRAY("\x91\x01") }), 0);
	assert_int_equal(a.row->show(&a, b.p, 0, &out), 0);
	assert_int_equal(out.n, sizeof(want) - 1);
	assert_memory_equal(out.p, want, out.n);
	ks_buf_release(&out);
	free(b.p);
}

static void how_many(void **state)
{
	struct ks_agg a = agg_of("top");

	(void)state;
	assert_null(a.row->set(&a, &(struct ks_val)I(10000)));
	assert_int_equal(a.n, 10000);
	assert_non_null(a.row->set(&a, &(struct ks_val)I(0)));
	assert_non_null(a.row->set(&a, &(struct ks_val)I(10001)));
	assert_non_null(a.row->set(&a, &(struct ks_val)D(2.5)));
	assert_non_null(a.row->set(&a, &(struct ks_val)S("2")));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_the_model),
		cmocka_unit_test(texts),
		cmocka_unit_test(how_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
