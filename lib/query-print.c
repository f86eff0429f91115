/* SPDX-License-Identifier: MIT */
/* query-print.c - answers as JSON, and the best of them. */
#include "query-print.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "json-pretty.h"

void ks_query_print_init(struct ks_query_print *x)
{
	ks_buf_init(&x->text, SIZE_MAX / 4);
	ks_buf_init(&x->ends, SIZE_MAX / 4);
	x->epoch = -1;
}

void ks_query_print_release(struct ks_query_print *x)
{
	while (x->count > 0)
		free(x->kept[--x->count].p);
	free(x->kept);
	ks_buf_release(&x->text);
	ks_buf_release(&x->ends);
	ks_expr_set_free(x->set);
}

struct ks_bytes ks_query_member(struct ks_bytes map, const char *name)
{
	const unsigned char *p = map.p, *end = p + map.n, *begin;
	struct ks_head head;
	struct ks_val key;
	uint32_t i;

	if (ks_mp_head(p, end, &head) != KS_MP_OK || head.type != KS_MAP)
		return ks_bytes(NULL, 0);
	p = head.body;
	for (i = 0; i < head.count; i++) {
		if (ks_mp_read(&p, end, 0, &key) != KS_MP_OK)
			break;
		begin = p;
		if (ks_mp_skip(&p, end, KS_DEPTH_CEILING) != KS_MP_OK)
			break;
		if (key.type == KS_STR && ks_bytes_is(key.b, name))
			return ks_bytes(begin, (size_t)(p - begin));
	}
	return ks_bytes(NULL, 0);
}

static int64_t number(struct ks_bytes map, const char *name, int64_t otherwise)
{
	struct ks_bytes b = ks_query_member(map, name);
	struct ks_val v;

	return b.p != NULL && ks_mp_read(&b.p, b.p + b.n, 0, &v) == KS_MP_OK && v.type == KS_INT ? v.i : otherwise;
}

static int put(const struct ks_buf *b, struct ks_err *err)
{
	return fwrite(b->p, 1, b->n, stdout) == b->n && putchar('\n') != EOF ? 0 :
	    ks_fail_errno(err, KS_IO, errno, "cannot write to stdout");
}

static int print(struct ks_query_print *x, struct ks_bytes map, struct ks_err *err)
{
	enum ks_mp_error e;
	int no;

	x->text.n = 0;
	e = x->form == KS_QUERY_PRETTY ? ks_json_pretty(map, x->depth + 8, x->color, &x->text, &no) :
	    ks_json_print(map, x->depth + 8, &x->text, &no);
	if (e != KS_MP_OK)
		return ks_fail(err, KS_DATA, "a row cannot be printed: %s", ks_mp_strerror(e));
	return no == 0 ? put(&x->text, err) : ks_fail_memory(err);
}

/* What a row is ordered by, behind a copy of it. */
static int make_kept(struct ks_query_print *x, struct ks_bytes map, struct ks_query_kept *k, struct ks_err *err)
{
	struct ks_rec rec = { .offset = -1, .headers = ks_no_headers, .key = ks_query_member(map, "key"),
		.value = ks_query_member(map, "value"), .time_ms = number(map, "ts", 0),
		.partition = (int32_t)number(map, "partition", 0) };
	const char *wrong = NULL;
	struct ks_val v = { .type = KS_NIL };

	if (rec.key.p == NULL || rec.value.p == NULL)
		return ks_fail(err, KS_DATA, "the stage answers what is no answer");
	rec.flags = ks_query_member(map, "ts").n > 1 ? KS_TIME_CREATE : KS_TIME_NONE;
	if (x->by != NULL)
		wrong = ks_expr_load(x->set, &rec);
	if (wrong == NULL && x->by != NULL)
		wrong = ks_expr_eval(x->by, &v);
	if (wrong != NULL)
		return ks_is_no_memory(wrong) ? ks_fail_memory(err) : ks_fail(err, KS_DATA, "--by: %s", wrong);
	x->text.n = 0;
	if (x->by != NULL && ks_mp_add_val(&x->text, &v) != 0)
		return ks_fail_memory(err);
	k->p = malloc(map.n + x->text.n + 1);
	if (k->p == NULL)
		return ks_fail_memory(err);
	k->row_n = map.n;
	k->by_n = x->text.n;
	memcpy(k->p, map.p, map.n);
	if (x->text.n > 0)
		memcpy(k->p + map.n, x->text.p, x->text.n);
	return 0;
}

static int compare(const struct ks_query_kept *a, const struct ks_query_kept *b)
{
	const unsigned char *p = a->p + a->row_n, *q = b->p + b->row_n;
	struct ks_val x, y;

	if (ks_mp_read(&p, p + a->by_n, KS_DEPTH_CEILING, &x) != KS_MP_OK ||
	    ks_mp_read(&q, q + b->by_n, KS_DEPTH_CEILING, &y) != KS_MP_OK)
		ks_bug("a value of ours cannot be read");
	return ks_val_cmp(&x, &y);
}

static int grow(struct ks_query_print *x)
{
	size_t cap = x->cap == 0 ? 64 : 2 * x->cap;
	struct ks_query_kept *wider;

	if (x->count < x->cap)
		return 0;
	wider = reallocarray(x->kept, cap, sizeof(*wider));
	if (wider == NULL)
		return ENOMEM;
	x->kept = wider;
	x->cap = cap;
	return 0;
}

/* The best first; of equal ones the one that came first.  What nobody will see is let go. */
static int keep(struct ks_query_print *x, struct ks_bytes map, struct ks_err *err)
{
	struct ks_query_kept k;
	size_t low = 0, high = x->count, middle;
	int status = make_kept(x, map, &k, err);

	if (status != 0)
		return status;
	while (x->by != NULL && low < high) {
		middle = (low + high) / 2;
		if (compare(&k, &x->kept[middle]) > 0)
			high = middle;
		else
			low = middle + 1;
	}
	if (x->by == NULL)
		low = x->count;
	if (x->top > 0 && low >= x->top) {
		free(k.p);
		return 0;
	}
	if (grow(x) != 0) {
		free(k.p);
		return ks_fail_memory(err);
	}
	memmove(x->kept + low + 1, x->kept + low, (x->count - low) * sizeof(k));
	x->kept[low] = k;
	x->count++;
	if (x->top > 0 && x->count > x->top)
		free(x->kept[--x->count].p);
	return 0;
}

static int take_end(struct ks_query_print *x, struct ks_bytes map, struct ks_err *err)
{
	int64_t epoch = number(map, "epoch", 0);
	struct ks_bytes committed = ks_query_member(map, "committed");

	if (x->what == KS_QUERY_STATS)
		return print(x, map, err);
	if (x->what == KS_QUERY_COUNT)
		x->rows += (uint64_t)number(map, "rows", 0);
	if (x->epoch < 0 || epoch < x->epoch)
		x->epoch = epoch;
	x->uncommitted = x->uncommitted || (committed.n == 1 && *committed.p == 0xc2);
	return ks_buf_add(&x->ends, map.p, map.n) == 0 ? 0 : ks_fail_memory(err);
}

int ks_query_print_take(void *arg, unsigned char kind, struct ks_bytes map, struct ks_err *err)
{
	struct ks_query_print *x = arg;

	if (kind == 'e')
		return take_end(x, map, err);
	if (x->limit > 0 && x->rows >= x->limit)
		return 0;
	x->rows++;
	return x->top > 0 || x->form == KS_QUERY_TABLE ? keep(x, map, err) : print(x, map, err);
}

/* Of all instances: how many, and what is to be said of each. */
static int print_count(struct ks_query_print *x, struct ks_err *err)
{
	const unsigned char *p = x->ends.p, *end = p + x->ends.n;
	struct ks_buf b;
	uint32_t count = 0;
	int no, status;

	ks_buf_init(&b, SIZE_MAX / 4);
	for (; p != end && ks_mp_skip(&p, end, KS_DEPTH_CEILING) == KS_MP_OK; count++)
		;
	no = ks_mp_add_map_head(&b, 4);
	if (no == 0)
		no = ks_mp_add_str(&b, ks_str("count"));
	if (no == 0)
		no = ks_mp_add_i64(&b, (int64_t)x->rows);
	if (no == 0)
		no = ks_mp_add_str(&b, ks_str("epoch"));
	if (no == 0)
		no = ks_mp_add_i64(&b, x->epoch);
	if (no == 0)
		no = ks_mp_add_str(&b, ks_str("committed"));
	if (no == 0)
		no = ks_buf_add(&b, x->uncommitted ? "\xc2" : "\xc3", 1);
	if (no == 0)
		no = ks_mp_add_str(&b, ks_str("instances"));
	if (no == 0)
		no = ks_mp_add_array_head(&b, count);
	if (no == 0)
		no = ks_buf_add(&b, x->ends.p, x->ends.n);
	status = no == 0 ? print(x, ks_buf_bytes(&b), err) : ks_fail_memory(err);
	ks_buf_release(&b);
	return status;
}

int ks_query_print_end(struct ks_query_print *x, struct ks_err *err)
{
	int status = 0;
	size_t i;

	if (x->what == KS_QUERY_COUNT)
		return print_count(x, err);
	if (x->what == KS_QUERY_ROWS && x->form == KS_QUERY_TABLE)
		return ks_query_table(x, err);
	for (i = 0; i < x->count && status == 0; i++)
		status = print(x, ks_bytes(x->kept[i].p, x->kept[i].row_n), err);
	return status;
}
