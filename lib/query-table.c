/* SPDX-License-Identifier: MIT */
/*
 * query-table.c - rows in columns that stand straight: the key, the window,
 * then the members of the values, or the values as they are; and under it
 * which state that was.
 */
#include "query-print.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "num.h"

#define COLUMNS 64u	/* more members of values are not shown */
#define GAP 2

struct column {
	struct ks_bytes name;	/* of a member of the value; of a row where `fixed` */
	const char *fixed;	/* "key", "start", ... */
	size_t width;
	bool words;		/* some cell is no number: they begin at the left */
};

struct table {
	struct ks_query_print *x;
	struct column columns[COLUMNS];
	size_t count;
};

static bool is_time(const struct column *c)
{
	return c->fixed != NULL && (strcmp(c->fixed, "start") == 0 || strcmp(c->fixed, "end") == 0);
}

static struct ks_bytes cell_of(const struct column *c, struct ks_bytes row)
{
	char name[KS_NAME_MAX + 1];

	if (c->fixed != NULL)
		return ks_query_member(row, c->fixed);
	memcpy(name, c->name.p, c->name.n);
	name[c->name.n] = '\0';
	return ks_query_member(ks_query_member(row, "value"), name);
}

/* The text of a cell, in x->text: strings without quotes, times of the frame as RFC 3339. */
static int print_cell(struct ks_query_print *x, const struct column *c, struct ks_bytes b, bool *word)
{
	const unsigned char *p = b.p;
	struct ks_val v = { .type = KS_NIL };
	char text[KS_NUM_TEXT];
	int no = 0;

	x->text.n = 0;
	*word = false;
	if (b.p == NULL || ks_mp_read(&p, b.p + b.n, KS_DEPTH_CEILING, &v) != KS_MP_OK)
		return 0;
	*word = !ks_val_number(&v);
	if (is_time(c) && v.type == KS_INT)
		return ks_buf_add(&x->text, text, ks_num_print_time(text, v.i));
	if (is_time(c))
		return 0;
	if (ks_json_print(b, x->depth + 8, &x->text, &no) != KS_MP_OK || no != 0)
		return no != 0 ? no : EINVAL;
	if (v.type == KS_STR || v.type == KS_BIN) {
		memmove(x->text.p, x->text.p + 1, x->text.n - 2);
		x->text.n -= 2;
	}
	return 0;
}

/* Characters, as far as bytes tell. */
static size_t width_of(const struct ks_buf *b)
{
	size_t i, n = 0;

	for (i = 0; i < b->n; i++)
		n += (b->p[i] & 0xc0) != 0x80;
	return n;
}

static void add_fixed(struct table *t, const char *name)
{
	t->columns[t->count++] = (struct column){ .fixed = name, .width = strlen(name) };
}

static void add_member(struct table *t, struct ks_bytes name)
{
	struct ks_buf b = { .p = (unsigned char *)(uintptr_t)name.p, .n = name.n };
	size_t i;

	for (i = 0; i < t->count; i++)
		if (t->columns[i].fixed == NULL && ks_bytes_eq(t->columns[i].name, name))
			return;
	if (t->count < COLUMNS - 1 && name.n <= KS_NAME_MAX && memchr(name.p, '\0', name.n) == NULL)
		t->columns[t->count++] = (struct column){ .name = name, .width = width_of(&b) };
}

/* The members of one value; false: it is no object. */
static bool add_members(struct table *t, struct ks_bytes value)
{
	const unsigned char *p = value.p, *end = p + value.n;
	struct ks_head head;
	struct ks_val key;
	uint32_t i;

	if (value.p == NULL || ks_mp_head(p, end, &head) != KS_MP_OK || head.type != KS_MAP)
		return false;
	p = head.body;
	for (i = 0; i < head.count; i++) {
		if (ks_mp_read(&p, end, 0, &key) != KS_MP_OK || ks_mp_skip(&p, end, KS_DEPTH_CEILING) != KS_MP_OK)
			break;
		if (key.b.n > 0)
			add_member(t, key.b);
	}
	return true;
}

/* Whether one of the rows has that member. */
static bool has(const struct ks_query_print *x, const char *name)
{
	size_t i;

	for (i = 0; i < x->count; i++)
		if (ks_query_member(ks_bytes(x->kept[i].p, x->kept[i].row_n), name).p != NULL)
			return true;
	return false;
}

static void find_columns(struct table *t)
{
	const struct ks_query_print *x = t->x;
	bool others = false;
	struct ks_bytes row;
	size_t i;

	add_fixed(t, "key");
	if (has(x, "start")) {
		add_fixed(t, "start");
		add_fixed(t, "end");
	}
	if (has(x, "stream"))
		add_fixed(t, "stream");
	for (i = 0; i < x->count; i++) {
		row = ks_bytes(x->kept[i].p, x->kept[i].row_n);
		if (!add_members(t, ks_query_member(row, "value")))
			others = true;
	}
	if (others)
		add_fixed(t, "value");
}

static bool skip_value(const struct column *c, struct ks_bytes row)
{
	const unsigned char *p;
	struct ks_bytes value;
	struct ks_head head;

	if (c->fixed == NULL || strcmp(c->fixed, "value") != 0)
		return false;
	value = ks_query_member(row, "value");
	p = value.p;
	return p != NULL && ks_mp_head(p, p + value.n, &head) == KS_MP_OK && head.type == KS_MAP;
}

static int measure(struct table *t)
{
	struct ks_query_print *x = t->x;
	struct ks_bytes row;
	size_t i, k, n;
	bool word;
	int no;

	for (i = 0; i < x->count; i++) {
		row = ks_bytes(x->kept[i].p, x->kept[i].row_n);
		for (k = 0; k < t->count; k++) {
			if (skip_value(&t->columns[k], row))
				continue;
			no = print_cell(x, &t->columns[k], cell_of(&t->columns[k], row), &word);
			if (no != 0)
				return no;
			n = width_of(&x->text);
			t->columns[k].words = t->columns[k].words || word || is_time(&t->columns[k]);
			if (n > t->columns[k].width)
				t->columns[k].width = n;
		}
	}
	return 0;
}

static int put_cell(const struct table *t, size_t k, struct ks_bytes text, size_t width)
{
	const struct column *c = &t->columns[k];
	int pad = (int)(c->width > width ? c->width - width : 0);
	bool last = k + 1 == t->count;

	if (!c->words && printf("%*s", pad, "") < 0)
		return EIO;
	if (text.n > 0 && fwrite(text.p, 1, text.n, stdout) != text.n)
		return EIO;
	return printf("%*s", last ? 0 : (c->words ? pad : 0) + GAP, "") < 0 || (last && putchar('\n') == EOF) ? EIO : 0;
}

static int put_rows(struct table *t)
{
	struct ks_query_print *x = t->x;
	struct ks_bytes row, name;
	struct ks_buf b;
	size_t i, k;
	bool word;
	int no = 0;

	for (k = 0; k < t->count && no == 0; k++) {
		name = t->columns[k].fixed != NULL ? ks_str(t->columns[k].fixed) : t->columns[k].name;
		b = (struct ks_buf){ .p = (unsigned char *)(uintptr_t)name.p, .n = name.n };
		no = put_cell(t, k, name, width_of(&b));
	}
	for (i = 0; i < x->count && no == 0; i++) {
		row = ks_bytes(x->kept[i].p, x->kept[i].row_n);
		for (k = 0; k < t->count && no == 0; k++) {
			x->text.n = 0;
			if (!skip_value(&t->columns[k], row))
				no = print_cell(x, &t->columns[k], cell_of(&t->columns[k], row), &word);
			if (no == 0)
				no = put_cell(t, k, ks_buf_bytes(&x->text), width_of(&x->text));
		}
	}
	return no;
}

/* How far the time of all partitions has come: the smallest and the largest; false: nowhere. */
static bool times_of(struct ks_bytes end, int64_t *first, int64_t *last)
{
	struct ks_bytes parts = ks_query_member(end, "partitions"), t;
	const unsigned char *p = parts.p, *begin, *stop = parts.p + parts.n;
	struct ks_head head;
	bool any = false;
	struct ks_val v;
	uint32_t i;

	if (p == NULL || ks_mp_head(p, stop, &head) != KS_MP_OK || head.type != KS_ARRAY)
		return false;
	p = head.body;
	for (i = 0; i < head.count; i++) {
		begin = p;
		if (ks_mp_skip(&p, stop, KS_DEPTH_CEILING) != KS_MP_OK)
			break;
		t = ks_query_member(ks_bytes(begin, (size_t)(p - begin)), "stream_time");
		if (t.p == NULL || ks_mp_read(&t.p, t.p + t.n, 0, &v) != KS_MP_OK || v.type != KS_INT)
			continue;
		*first = !any || v.i < *first ? v.i : *first;
		*last = !any || v.i > *last ? v.i : *last;
		any = true;
	}
	return any;
}

static struct ks_val value_of(struct ks_bytes map, const char *name)
{
	struct ks_bytes b = ks_query_member(map, name);
	struct ks_val v = { .type = KS_NIL };

	if (b.p == NULL || ks_mp_read(&b.p, b.p + b.n, 0, &v) != KS_MP_OK)
		v.type = KS_NIL;
	return v;
}

static int put_instance(struct ks_val x)
{
	return x.type == KS_STR ? printf("instance %.*s", (int)x.b.n, (const char *)x.b.p) : printf("instance %lld", (long long)x.i);
}

/* Which state that was: a line for each instance. */
static int put_ends(const struct ks_query_print *x)
{
	const unsigned char *p = x->ends.p, *begin, *stop = p + x->ends.n;
	int64_t first, last;
	struct ks_bytes end;
	char text[KS_NUM_TEXT];

	if (x->count > 0 && putchar('\n') == EOF)
		return EIO;
	while (p != stop) {
		begin = p;
		if (ks_mp_skip(&p, stop, KS_DEPTH_CEILING) != KS_MP_OK)
			break;
		end = ks_bytes(begin, (size_t)(p - begin));
		if (put_instance(value_of(end, "instance")) < 0 || printf(": %lld rows, epoch %lld, %s",
		    (long long)value_of(end, "rows").i, (long long)value_of(end, "epoch").i,
		    value_of(end, "committed").type == KS_TRUE ? "committed" : "not committed") < 0)
			return EIO;
		if (times_of(end, &first, &last)) {
			text[ks_num_print_time(text, first)] = '\0';
			if (printf(", stream time %s", text) < 0)
				return EIO;
			text[ks_num_print_time(text, last)] = '\0';
			if (last != first && printf(" to %s", text) < 0)
				return EIO;
		}
		if (putchar('\n') == EOF)
			return EIO;
	}
	return 0;
}

int ks_query_table(struct ks_query_print *x, struct ks_err *err)
{
	struct table t = { .x = x };
	int no = 0;

	if (x->count > 0) {
		find_columns(&t);
		no = measure(&t);
		if (no == 0)
			no = put_rows(&t);
	}
	if (no == 0)
		no = put_ends(x);
	if (no == ENOMEM)
		return ks_fail_memory(err);
	return no == 0 ? 0 : ks_fail_errno(err, KS_IO, no, "cannot write to stdout");
}
