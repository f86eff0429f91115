/* SPDX-License-Identifier: MIT */
/* sorter.c - lib/sorter.h against a list that is searched from end to end, and qsort; failing disks; its memory. */
#include "kit.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "lib/bytes.h"
#include "lib/sorter.h"
#include "kit-dir.h"

/* The library's calls come here: the one at which left is 0 and all later ones fail with no. */
static long left = -1;
static int no;

static bool refused(void)
{
	if (left < 0)
		return false;
	if (left > 0) {
		left--;
		return false;
	}
	errno = no;
	return true;
}

ssize_t writev(int fd, const struct iovec *v, int count)
{
	return refused() ? -1 : syscall(SYS_writev, fd, v, count);
}

ssize_t read(int fd, void *p, size_t n)
{
	return refused() ? -1 : syscall(SYS_read, fd, p, n);
}

static void open_sorter(struct ks_sorter *s, size_t memory)
{
	struct ks_err err;

	assert_int_equal(ks_sorter_open(s, memory, dir, &err), 0);
}

static void put(struct ks_sorter *s, const void *key, size_t n, const void *record, size_t m)
{
	unsigned char *k = kit_exact(key, n), *r = kit_exact(record, m);
	struct ks_err err = { 0 };

	if (ks_sorter_put(s, ks_bytes(k, n), ks_bytes(r, m), &err) != 0)
		fail_msg("%s", err.text);
	free(k);
	free(r);
}

static bool take(struct ks_sorter *s, const struct ks_bytes *below, struct ks_bytes *key, struct ks_bytes *record)
{
	struct ks_err err = { 0 };
	int got = ks_sorter_take(s, below, key, record, &err);

	if (got < 0)
		fail_msg("%s", err.text);
	return got == 1;
}

/* Keys as they come: of few bytes, so that many are equal, begin alike, or are the beginning of another. */
struct item {
	unsigned char key[300];
	size_t n;
	uint64_t at;
	bool gone;
};

static void make_key(struct item *x, uint64_t *seed, unsigned kind)
{
	static const char common[] = "all keys begin like this, but for few";
	size_t i;

	x->n = 0;
	if (kind == 1 && kit_below(seed, 50) > 0) {
		x->n = sizeof(common) - 1;
		memcpy(x->key, common, x->n);
	}
	if (kind == 2) {
		ks_put64(x->key, x->at / 8 + kit_below(seed, 100));
		x->n = 8;
	}
	if (kind == 3 && kit_below(seed, 2) > 0) {
		x->n = 280;
		memset(x->key, 'x', x->n);
	}
	for (i = kit_below(seed, 11); i > 0; i--)
		x->key[x->n++] = (unsigned char)(kit_below(seed, 4) * 85);
}

static int compare(const struct item *a, const struct item *b)
{
	int c = ks_bytes_cmp(ks_bytes(a->key, a->n), ks_bytes(b->key, b->n));

	return c != 0 ? c : (a->at > b->at) - (a->at < b->at);
}

static int compare_items(const void *a, const void *b)
{
	return compare(a, b);
}

static void expect(const struct item *x, struct ks_bytes key, struct ks_bytes record, size_t record_n)
{
	assert_int_equal(key.n, x->n);
	assert_memory_equal(key.p, x->key, x->n);
	assert_int_equal(record.n, record_n);
	assert_memory_equal(record.p, &x->at, sizeof(x->at));
}

/* All in, all out, in memory and by files on two levels. */
static void test_order(void **state)
{
	enum { N = 60000 };
	struct item *items = calloc(N, sizeof(*items));
	struct ks_bytes key, record;
	unsigned char body[700] = { 0 };
	uint64_t seed = 7;
	struct ks_sorter s;
	unsigned kind;
	size_t i, n;

	(void)state;
	for (kind = 0; kind < 8; kind++) {
		n = kind < 4 ? 8 : sizeof(body);
		open_sorter(&s, kind < 4 ? (size_t)256 << 20 : 0);
		for (i = 0; i < N; i++) {
			items[i].at = i;
			make_key(&items[i], &seed, kind % 4);
			memcpy(body, &i, sizeof(i));
			put(&s, items[i].key, items[i].n, body, n);
		}
		assert_int_equal(s.waiting, N);
		assert_int_equal(s.spilled > N, kind >= 4);
		qsort(items, N, sizeof(*items), compare_items);
		for (i = 0; i < N; i++) {
			assert_true(take(&s, NULL, &key, &record));
			expect(&items[i], key, record, n);
		}
		assert_false(take(&s, NULL, &key, &record));
		assert_int_equal(s.waiting, 0);
		ks_sorter_close(&s);
	}
	free(items);
}

/* The least of those that wait; NULL: there is none. */
static struct item *least_of(struct item *items, size_t first, size_t count)
{
	struct item *least = NULL;
	size_t i;

	for (i = first; i < count; i++)
		if (!items[i].gone && (least == NULL || compare(&items[i], least) < 0))
			least = &items[i];
	return least;
}

/* put and take in turn, with and without a bound, as a list that is searched has it. */
static void test_turns(void **state)
{
	enum { N = 4000 };
	struct item *items = calloc(N, sizeof(*items)), bound, *least;
	struct ks_bytes key, record, below;
	unsigned char body[9000] = { 0 };
	size_t count, first, n;
	struct ks_sorter s;
	unsigned round;
	uint64_t seed = 11;
	bool bounded, there;

	(void)state;
	for (round = 0; round < 8; round++) {
		memset(items, 0, N * sizeof(*items));
		n = round < 4 ? 8 : sizeof(body);
		open_sorter(&s, 0);
		for (count = first = 0; first < N; ) {
			while (first < count && items[first].gone)
				first++;
			if (count < N && kit_below(&seed, 100) < (count / 400 % 2 == 0 ? 70 : 40)) {
				items[count].at = count;
				make_key(&items[count], &seed, round % 4);
				memcpy(body, &items[count].at, 8);
				put(&s, items[count].key, items[count].n, body, n);
				count++;
				continue;
			}
			bounded = kit_below(&seed, 2) == 0;
			bound.at = count;
			make_key(&bound, &seed, round % 4);
			below = ks_bytes(bound.key, bound.n);
			least = least_of(items, first, count);
			there = least != NULL && (!bounded || ks_bytes_cmp(ks_bytes(least->key, least->n), below) < 0);
			assert_int_equal(take(&s, bounded ? &below : NULL, &key, &record), there);
			if (there) {
				expect(least, key, record, n);
				least->gone = true;
			}
		}
		ks_sorter_close(&s);
	}
	free(items);
}

/* Nothing, and records from empty to larger than all memory that there is. */
static void test_sizes(void **state)
{
	static const size_t sizes[] = { 0, 1, 3000000, 17, 0, 70000, 5000000, 2, 300000 };
	unsigned char *body = calloc(1, 5000000), key[1];
	struct ks_bytes k, r;
	struct ks_sorter s;
	size_t i, turn;

	(void)state;
	open_sorter(&s, 0);
	assert_false(take(&s, NULL, &k, &r));
	for (turn = 0; turn < 3; turn++) {
		for (i = COUNT(sizes); i-- > 0; ) {
			key[0] = (unsigned char)i;
			put(&s, key, i == 0 ? 0 : 1, body, sizes[i]);
		}
		for (i = 0; i < COUNT(sizes); i++) {
			assert_true(take(&s, NULL, &k, &r));
			assert_int_equal(k.n, i == 0 ? 0 : 1);
			assert_int_equal(r.n, sizes[i]);
		}
		assert_false(take(&s, NULL, &k, &r));
	}
	ks_sorter_close(&s);
	free(body);
}

static size_t in_use(void)
{
	struct mallinfo2 m = mallinfo2();

	return m.uordblks + m.hblkhd;
}

/*
 * Ten times of what it may take, in random order and in a window that moves.
 * Records of one byte, of which the items are a large part, are the worst.
 */
static void test_memory(void **state)
{
	static const size_t memories[] = { (size_t)1 << 20, (size_t)16 << 20 };
	static const size_t sizes[] = { 1, 200 };
	unsigned char key[8], body[200] = { 0 };
	size_t i, k, m, n, before, most;
	struct ks_bytes kb, rb;
	struct ks_sorter s;
	uint64_t seed = 3;

	(void)state;
	for (m = 0; m < COUNT(memories); m++) {
		for (k = 0; k < COUNT(sizes) * 2; k++) {
			n = memories[m] * 10 / (sizes[k / 2] + 40);
			before = in_use();
			open_sorter(&s, memories[m]);
			for (most = i = 0; i < n; i++) {
				ks_put64(key, k % 2 == 0 ? kit_random(&seed) : i + kit_below(&seed, n / 2));
				if (ks_sorter_put(&s, ks_bytes(key, 8), ks_bytes(body, sizes[k / 2]), &(struct ks_err){ 0 }) != 0)
					fail();
				if (k % 2 == 1 && i > n / 2)
					assert_true(take(&s, NULL, &kb, &rb));
				if (i % 1000 == 0 && in_use() - before > most)
					most = in_use() - before;
			}
			assert_true(s.spilled > 0);
			while (take(&s, NULL, &kb, &rb))
				if (s.waiting % 1000 == 0 && in_use() - before > most)
					most = in_use() - before;
			ks_sorter_close(&s);
			if (most > memories[m] + ((size_t)1 << 20))
				fail_msg("%zu bytes of memory: %zu in use", memories[m], most);
			assert_true(in_use() <= before);
		}
	}
}

/* What fails, and what is said then: until n records are in and out. */
static int run_into(size_t n, struct ks_err *err)
{
	unsigned char key[8], body[500] = { 0 };
	struct ks_bytes k, r;
	uint64_t seed = 5;
	struct ks_sorter s;
	int status = 0;
	size_t i;

	open_sorter(&s, 0);
	for (i = 0; i < n && status == 0; i++) {
		ks_put64(key, kit_random(&seed));
		status = ks_sorter_put(&s, ks_bytes(key, 8), ks_bytes(body, sizeof(body)), err);
	}
	for (i = 0; i < n && status == 0; i++)
		status = ks_sorter_take(&s, NULL, &k, &r, err) == 1 ? 0 : err->status;
	ks_sorter_close(&s);
	return status;
}

static void test_faults(void **state)
{
	enum { N = 30000, MOST = 100000 };
	struct ks_err err;
	size_t open_before, at;
	int fd, status;

	(void)state;
	fd = open("/dev/null", O_RDONLY);
	open_before = (size_t)fd;
	close(fd);
	for (at = 0; at < MOST; at += 1 + at / 3) {
		left = (long)at;
		no = ENOSPC;
		status = run_into(N, &err);
		if (left > 0)
			break;
		assert_int_equal(status, KS_IO);
		assert_non_null(strstr(err.text, dir));
		assert_non_null(strstr(err.text, "No space left on device"));
	}
	left = -1;
	assert_int_equal(status, 0);
	assert_true(at > 100);
	fd = open("/dev/null", O_RDONLY);
	assert_int_equal(fd, open_before);	/* no file stays open */
	close(fd);
}

static void test_no_directory(void **state)
{
	unsigned char body[1000] = { 0 };
	struct ks_err err = { 0 };
	struct ks_sorter s;
	int status = 0;
	size_t i;

	(void)state;
	assert_int_equal(ks_sorter_open(&s, 0, "/nonexistent/directory", &err), 0);
	for (i = 0; i < 10000 && status == 0; i++)
		status = ks_sorter_put(&s, ks_bytes("k", 1), ks_bytes(body, sizeof(body)), &err);
	assert_int_equal(status, KS_IO);
	assert_string_equal(err.text, "cannot make a temporary file in '/nonexistent/directory', for what passes --memory: "
	    "No such file or directory");
	ks_sorter_close(&s);
	assert_int_equal(rmdir(dir), 0);	/* nothing has been left in it */
	assert_int_equal(mkdir(dir, 0700), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_turns),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_no_directory),
	};

	return cmocka_run_group_tests_name("sorter", tests, kit_dir_make, kit_dir_remove);
}
