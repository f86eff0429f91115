/* SPDX-License-Identifier: MIT */
/* store-look.c - keys of a store told piece by piece: each once, in order, in memory and on disk, while the store changes. */
#include "kit.h"
#include "lib/store-look.h"

#define KEYS 60000u
#define LENGTH 64u	/* of a key: a piece is not all that is in memory */

static struct ks_err err;

struct model {
	bool there[KEYS];	/* by number */
	bool stays[KEYS];	/* it was there all the while */
	bool told[KEYS];
	size_t count;
};

static struct ks_bytes key_of(unsigned i, char text[LENGTH + 1])
{
	return ks_bytes(text, (size_t)snprintf(text, LENGTH + 1, "%0*u", (int)LENGTH, i));
}

static unsigned number_of(struct ks_bytes key)
{
	unsigned i, n = 0;

	assert_int_equal(key.n, LENGTH);
	for (i = LENGTH - 5; i < LENGTH; i++)
		n = n * 10 + (unsigned)(key.p[i] - '0');
	assert_true(n < KEYS);
	return n;
}

static void put(struct ks_store *s, struct model *m, unsigned i)
{
	struct ks_store_value v;
	char text[LENGTH + 1];

	assert_int_equal(ks_store_put(s, 0, 7, key_of(i, text), 16, &v, &err), 0);
	m->count += !m->there[i];
	m->there[i] = true;
}

static void delete(struct ks_store *s, struct model *m, unsigned i)
{
	char text[LENGTH + 1];

	assert_int_equal(ks_store_delete(s, 0, 7, key_of(i, text), &err), 0);
	m->count -= m->there[i];
	m->there[i] = m->stays[i] = false;
}

static bool is_even(const void *arg, struct ks_bytes key)
{
	(void)arg;
	return number_of(key) % 2 == 0;
}

/* Tell all, and change much of it between two pieces: how many pieces there were. */
static unsigned tell(struct ks_store *s, struct model *m, uint64_t *seed, bool changes, bool even)
{
	struct ks_buf keys, after, to, swap;
	struct ks_store_value v;
	unsigned pieces = 0, i, n, last = 0;
	bool more = true, any = false;
	struct ks_bytes key;
	size_t at;

	ks_buf_init(&keys, SIZE_MAX / 4);
	ks_buf_init(&after, 1 << 20);
	ks_buf_init(&to, 1 << 20);
	memset(m->told, 0, sizeof(m->told));
	memcpy(m->stays, m->there, sizeof(m->stays));
	for (; more; pieces++) {
		assert_int_equal(ks_store_keys(s, 0, 7, pieces > 0 && after.n > 0 ? &after : NULL, even ? is_even : NULL, NULL, &keys, &to,
		    &more, &err), 0);
		for (at = 0; at < keys.n; at += 4 + key.n) {
			key = ks_bytes(keys.p + at + 4, ks_get32(keys.p + at));
			n = number_of(key);
			assert_false(m->told[n]);
			assert_true(!any || n > last);
			assert_true(!even || n % 2 == 0);
			last = n;
			any = true;
			assert_int_equal(ks_store_get(s, 0, 7, key, &v, &err), 0);
			assert_int_equal(v.p != NULL, m->there[n]);
			m->told[n] = v.p != NULL;
		}
		for (i = 0; changes && i < 3000; i++)
			if (kit_below(seed, 3) > 0)
				put(s, m, (unsigned)kit_below(seed, KEYS));
			else
				delete(s, m, (unsigned)kit_below(seed, KEYS));
		swap = after;
		after = to;
		to = swap;
		assert_true(pieces < 10000);
	}
	for (i = 0; i < KEYS; i++)
		assert_true(m->told[i] || !m->stays[i] || (even && i % 2 != 0));
	ks_buf_release(&keys);
	ks_buf_release(&after);
	ks_buf_release(&to);
	return pieces;
}

static void run(size_t memory, unsigned keys, bool changes)
{
	struct ks_store_config c = { .seed = 5, .memory = memory };
	struct model *m = calloc(1, sizeof(*m));
	struct ks_barrier b = { .n = 0, .committed = -1 };
	uint64_t seed = 77;
	struct ks_store *s;
	unsigned i;

	assert_non_null(m);
	assert_int_equal(ks_store_open_at(&s, &c, &err), 0);
	for (i = 0; i < keys; i++) {
		put(s, m, (unsigned)(i * UINT64_C(7919) % KEYS));
		if (i % 10000 == 9999) {
			b.n++;
			assert_int_equal(ks_store_commit(s, &b, &err), 0);
		}
	}
	for (i = 0; i < keys / 3; i++)
		delete(s, m, (unsigned)kit_below(&seed, KEYS));
	assert_true(tell(s, m, &seed, changes, false) >= (keys > 50000 ? 2 : 1));
	assert_true(tell(s, m, &seed, changes, true) >= 1);
	ks_store_close(s);
	free(m);
}

static void in_memory(void **state)
{
	(void)state;
	run(0, KEYS, false);
	run(0, KEYS, true);
	run(0, 0, false);
	run(0, 10, true);
}

static void on_disk(void **state)
{
	size_t m;

	(void)state;
	for (m = 1; m <= 4; m *= 4) {
		run(m << 20, KEYS, false);
		run(m << 20, KEYS, true);
	}
}

/* A key that is larger than a piece is told of, alone. */
static void long_keys(void **state)
{
	struct ks_buf keys, after, to;
	struct ks_store_value v;
	struct ks_store *s;
	unsigned char *text = malloc(KS_STORE_KEYS + 100);
	bool more;

	(void)state;
	assert_non_null(text);
	memset(text, 'x', KS_STORE_KEYS + 100);
	ks_buf_init(&keys, SIZE_MAX / 4);
	ks_buf_init(&after, SIZE_MAX / 4);
	ks_buf_init(&to, SIZE_MAX / 4);
	assert_int_equal(ks_store_open(&s, 1, &err), 0);
	assert_int_equal(ks_store_put(s, 0, 0, ks_bytes(text, KS_STORE_KEYS + 100), 8, &v, &err), 0);
	assert_int_equal(ks_store_put(s, 0, 0, ks_bytes("y", 1), 8, &v, &err), 0);
	assert_int_equal(ks_store_keys(s, 0, 0, NULL, NULL, NULL, &keys, &after, &more, &err), 0);
	assert_true(more);
	assert_int_equal(keys.n, KS_STORE_KEYS + 104);
	assert_int_equal(ks_store_keys(s, 0, 0, &after, NULL, NULL, &keys, &to, &more, &err), 0);
	assert_false(more);
	assert_int_equal(keys.n, 5);
	assert_false(ks_store_is_committed(s, 0, 0, ks_bytes("y", 1)));
	ks_store_close(s);
	ks_buf_release(&keys);
	ks_buf_release(&after);
	ks_buf_release(&to);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_memory),
		cmocka_unit_test(on_disk),
		cmocka_unit_test(long_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
