/* SPDX-License-Identifier: MIT */
/* expr-build.c - what functions of expressions build their results with. */
#include "expr-fn.h"
#include "expr-impl.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "hash.h"

#define ERROR_STEPS 4u

enum ks_yield ks_expr_fault(struct ks_expr_set *set, const char *text)
{
	snprintf(set->error, sizeof(set->error), "%s", text);
	return KS_YIELD_FAULT;
}

enum ks_yield ks_expr_error(struct ks_expr_set *set, const char *fmt, ...)
{
	va_list ap;

	/* Words are dear, and a program may catch its errors for as long as it likes. */
	if (ks_expr_steps(set, ERROR_STEPS) != KS_YIELD)
		return KS_YIELD_FAULT;
	va_start(ap, fmt);
	vsnprintf(set->error, sizeof(set->error), fmt, ap);
	va_end(ap);
	/* A character that did not fit whole would make it no string. */
	set->error[ks_utf8_prefix((const unsigned char *)set->error, strlen(set->error))] = '\0';
	set->error_is_value = false;
	set->error_node = KS_EXPR_NONE;
	return KS_YIELD_ERROR;
}

enum ks_yield ks_expr_error_value(struct ks_expr_set *set, const struct ks_val *v)
{
	enum ks_yield got = KS_YIELD_ERROR;
	struct ks_shown shown;

	if (v->type == KS_STR) {
		got = ks_expr_error(set, "%.*s", (int)(v->b.n > sizeof(set->error) ?
		    sizeof(set->error) : v->b.n), (const char *)v->b.p);
	} else {
		shown = ks_expr_shown(set, v);
		got = ks_expr_error(set, "%s (not a string)", shown.text);
	}
	set->error_value = *v;
	set->error_is_value = true;
	return got;
}

/* The JSON text of v to set->text, which is another's at the next call. */
static enum ks_yield print(struct ks_expr_set *set, const struct ks_val *v)
{
	enum ks_mp_error e;
	int no = 0;

	if (ks_expr_read(set, v->type >= KS_STR ? v->b.n : 0) != KS_YIELD)
		return KS_YIELD_FAULT;
	set->packed.n = set->text.n = 0;
	no = ks_mp_add_val(&set->packed, v);
	if (no != 0)
		return ks_expr_fault(set, ks_no_memory);
	e = ks_json_print(ks_buf_bytes(&set->packed), set->depth + 1, &set->text, &no);
	if (e != KS_MP_OK || no != 0)
		return no != 0 ? ks_expr_fault(set, ks_no_memory) : ks_expr_fault(set, ks_mp_strerror(e));
	return ks_expr_read(set, set->text.n);
}

#define SHOWN 29u	/* bytes in all, as jq 1.8 */
struct ks_shown ks_expr_shown(struct ks_expr_set *set, const struct ks_val *v)
{
	const char *end = v->type == KS_STR || v->type == KS_BIN ? "\"" :
	    v->type == KS_ARRAY ? "]" : v->type == KS_MAP ? "}" : "";
	struct ks_shown shown = { "?" };
	struct ks_bytes text;
	size_t n;

	/* What is no fault of the value's is one again at the next step. */
	if (print(set, v) != KS_YIELD)
		return shown;
	text = ks_buf_bytes(&set->text);
	n = text.n <= SHOWN ? text.n : SHOWN - 3 - strlen(end);
	n = ks_utf8_prefix(text.p, n);
	snprintf(shown.text, sizeof(shown.text), "%.*s%s%s", (int)n, (const char *)text.p,
	    text.n > SHOWN ? "..." : "", text.n > SHOWN ? end : "");
	return shown;
}

enum ks_yield ks_expr_unfit(struct ks_expr_set *set, const struct ks_val *v, const char *words)
{
	struct ks_shown shown = ks_expr_shown(set, v);

	return ks_expr_error(set, "%s (%s) %s", ks_val_typename(v), shown.text, words);
}

enum ks_yield ks_expr_unfit_pair(struct ks_expr_set *set, const struct ks_val *a,
    const struct ks_val *b, const char *words)
{
	struct ks_shown x = ks_expr_shown(set, a), y = ks_expr_shown(set, b);

	return ks_expr_error(set, "%s (%s) and %s (%s) %s", ks_val_typename(a), x.text,
	    ks_val_typename(b), y.text, words);
}

bool ks_expr_more(struct ks_expr_set *set)
{
	uint64_t n = set->more < KS_EXPR_SLICE ? set->more : KS_EXPR_SLICE;

	if (n == 0 || (set->stop != NULL && set->stop() != 0))
		return false;
	set->steps += n;
	set->more -= n;
	return true;
}

enum ks_yield ks_expr_steps(struct ks_expr_set *set, uint64_t n)
{
	while (KS_UNLIKELY(set->steps < n)) {
		if (ks_expr_more(set))
			continue;
		set->steps = set->more = 0;
		return ks_expr_fault(set, set->stop != NULL && set->stop() != 0 ? ks_interrupted :
		    "too much work for one record; see --expr-limit");
	}
	set->steps -= n;
	return KS_YIELD;
}

enum ks_yield ks_expr_cmp(struct ks_expr_set *set, const struct ks_val *a, const struct ks_val *b, int *c)
{
	uint64_t all = set->steps + set->more, left;

	all = all < UINT64_MAX / KS_EXPR_UNITS ? all * KS_EXPR_UNITS : UINT64_MAX;
	left = all;
	*c = ks_val_cmp_within(a, b, &left);
	return ks_expr_steps(set, (all - left) / KS_EXPR_UNITS + (left == 0));
}

enum ks_yield ks_expr_compared(struct ks_expr_set *set, enum ks_expr_op op, const struct ks_val *a,
    const struct ks_val *b, struct ks_val *out)
{
	struct ks_val order = { .type = KS_INT }, same = { .type = KS_INT };
	enum ks_yield got;
	int c = 0;

	if (KS_LIKELY(a->type < KS_STR || (a->type < KS_ARRAY && a->b.n <= KS_EXPR_LARGE))) {
		ks_val_bool(out, ks_expr_compares(op, a, b));
		return KS_YIELD;
	}
	got = ks_expr_cmp(set, a, b, &c);
	order.i = c;
	ks_val_bool(out, ks_expr_compares(op, &order, &same));
	return got;
}

void *ks_expr_scratch(struct ks_expr_set *set, size_t n)
{
	void *p = ks_arena_get(&set->scratch, n);

	set->scratch_used = true;
	/* The arena asks for up to a block of 1 MiB more than it is asked for. */
	if (KS_UNLIKELY(p == NULL))
		set->starved = set->scratch.max == 0 || (n < set->scratch.max &&
		    set->scratch.held + ((size_t)1 << 20) < set->scratch.max - n);
	return p;
}

enum ks_yield ks_expr_no_scratch(struct ks_expr_set *set)
{
	return ks_expr_fault(set, set->starved ? ks_no_memory :
	    "too much memory for one record; see --expr-limit");
}

enum ks_yield ks_vals_add(struct ks_expr_set *set, struct ks_vals *list, const struct ks_val *v)
{
	uint32_t cap = list->cap == 0 ? 8 : 2 * list->cap;
	struct ks_val *more;

	if (KS_UNLIKELY(list->n == list->cap)) {
		more = cap < list->cap ? NULL : ks_expr_scratch(set, cap * sizeof(*more));
		if (more == NULL)
			return ks_expr_no_scratch(set);
		if (list->n > 0)
			memcpy(more, list->v, list->n * sizeof(*more));
		list->v = more;
		list->cap = cap;
	}
	list->v[list->n++] = *v;
	return KS_YIELD;
}

enum ks_yield ks_vals_of(struct ks_expr_set *set, const struct ks_val *container,
    struct ks_vals *list)
{
	const unsigned char *p, *end = container->b.p + container->b.n;
	struct ks_head head;
	enum ks_mp_error e = ks_mp_head(container->b.p, end, &head);
	uint32_t n = head.type == KS_MAP ? 2 * head.count : head.count, i;

	*list = (struct ks_vals){ NULL, 0, 0 };
	if (e != KS_MP_OK || n < head.count)
		return ks_expr_fault(set, ks_mp_strerror(e != KS_MP_OK ? e : KS_MP_COUNT));
	if (n == 0)
		return ks_expr_steps(set, 1);
	list->v = ks_expr_scratch(set, n * sizeof(*list->v));
	if (list->v == NULL)
		return ks_expr_no_scratch(set);
	for (i = 0, p = head.body; i < n && e == KS_MP_OK; i++)
		e = ks_mp_read(&p, end, set->depth, &list->v[i]);
	list->n = list->cap = n;
	return e == KS_MP_OK ? ks_expr_steps(set, n + container->b.n / 32) : ks_expr_fault(set, ks_mp_strerror(e));
}

static size_t room_for(const struct ks_val *v)
{
	return v->type >= KS_STR ? v->b.n + KS_MP_HEADER : KS_MP_HEADER;
}

unsigned char *ks_expr_put(unsigned char *o, const struct ks_val *v)
{
	switch (v->type) {
	case KS_NIL: case KS_FALSE: case KS_TRUE:
		*o = v->type == KS_NIL ? 0xc0 : v->type == KS_FALSE ? 0xc2 : 0xc3;
		return o + 1;
	case KS_INT:
		return ks_mp_put_i64(o, v->i);
	case KS_UINT:
		return ks_mp_put_u64(o, v->u);
	case KS_FLOAT:
		return ks_mp_put_f64(o, v->d);
	case KS_STR:
		o = ks_mp_put_str_head(o, (uint32_t)v->b.n);
		break;
	case KS_BIN:
		o = ks_mp_put_bin_head(o, (uint32_t)v->b.n);
		break;
	case KS_ARRAY: case KS_MAP:
		break;
	}
	if (v->b.n > 0)
		memcpy(o, v->b.p, v->b.n);
	return o + v->b.n;
}

/* A level takes a byte at least. */
enum ks_yield ks_expr_too_deep(struct ks_expr_set *set, const struct ks_val *v)
{
	const unsigned char *p = v->b.p;
	enum ks_yield got = ks_expr_stepped(set, v->b.n);

	if (got != KS_YIELD || ks_mp_skip(&p, v->b.p + v->b.n, set->depth - 1) != KS_MP_DEPTH)
		return got;
	return ks_expr_error(set, "the value is nested deeper than %u levels (--max-depth)", set->depth);
}

/* The container of n values (of a map the halves of its pairs). */
static enum ks_yield container(struct ks_expr_set *set, enum ks_type type,
    const struct ks_val *v, uint32_t n, struct ks_val *out)
{
	size_t room = KS_MP_HEADER;
	unsigned char *p, *o;
	enum ks_yield got;
	uint32_t i;

	for (i = 0; i < n; i++) {
		got = ks_expr_fits(set, &v[i]);
		if (KS_UNLIKELY(got != KS_YIELD))
			return got;
		room += room_for(&v[i]);
	}
	p = room > UINT32_MAX ? NULL : ks_expr_scratch(set, room);
	if (p == NULL)
		return ks_expr_no_scratch(set);
	o = type == KS_MAP ? ks_mp_put_map_head(p, n / 2) : ks_mp_put_array_head(p, n);
	for (i = 0; i < n; i++)
		o = ks_expr_put(o, &v[i]);
	*out = (struct ks_val){ .type = type, .b = ks_bytes(p, (size_t)(o - p)) };
	return ks_expr_steps(set, n + room / 256);
}

enum ks_yield ks_expr_array(struct ks_expr_set *set, const struct ks_val *v, uint32_t n,
    struct ks_val *out)
{
	return container(set, KS_ARRAY, v, n, out);
}

/* Few keys are compared with each other; more are told apart by a table of their hashes. */
#define FEW_PAIRS 16u
#define LONG_KEYS 1024u

static bool has_repeats(const struct ks_val *v, uint32_t n)
{
	uint32_t i, j;
	size_t bytes = 0;

	for (i = 0; i < n; i += 2)
		bytes += v[i].b.n;
	if (bytes > LONG_KEYS)	/* the table will say */
		return true;

	for (i = 2; i < n; i += 2)
		for (j = 0; j < i; j += 2)
			if (ks_bytes_eq(v[i].b, v[j].b))
				return true;
	return false;
}

/* Pairs with every key once: in the order of their first, with the last value. */
static enum ks_yield distinct(struct ks_expr_set *set, const struct ks_val *v, uint32_t n,
    struct ks_vals *list)
{
	uint32_t size = 4, mask, i, at, *table;
	size_t bytes = 0;

	while (size < n)
		size *= 2;
	mask = size - 1;
	table = ks_expr_scratch(set, size * sizeof(*table));
	list->v = ks_expr_scratch(set, n * sizeof(*list->v));
	if (table == NULL || list->v == NULL)
		return ks_expr_no_scratch(set);
	memset(table, 0xff, size * sizeof(*table));
	for (i = 0; i < n; i += 2) {
		bytes += v[i].b.n;
		at = (uint32_t)ks_hash(v[i].b, (uintptr_t)set) & mask;
		while (table[at] != UINT32_MAX && !ks_bytes_eq(list->v[table[at]].b, v[i].b))
			at = (at + 1) & mask;
		if (table[at] == UINT32_MAX) {
			table[at] = list->n;
			list->v[list->n] = v[i];
			list->n += 2;
		}
		list->v[table[at] + 1] = v[i + 1];
	}
	return ks_expr_walked(set, bytes);
}

enum ks_yield ks_expr_object(struct ks_expr_set *set, const struct ks_val *v, uint32_t n,
    struct ks_val *out)
{
	struct ks_vals list = { NULL, 0, 0 };
	enum ks_yield got;

	if (n <= 2 * FEW_PAIRS && !has_repeats(v, n))
		return container(set, KS_MAP, v, n, out);
	got = distinct(set, v, n, &list);
	return got == KS_YIELD ? container(set, KS_MAP, list.v, list.n, out) : got;
}

enum ks_yield ks_expr_string(struct ks_expr_set *set, struct ks_bytes text, struct ks_val *out)
{
	unsigned char *p = ks_expr_scratch(set, text.n + 1);

	if (p == NULL)
		return ks_expr_no_scratch(set);
	if (text.n > 0)
		memcpy(p, text.p, text.n);
	*out = (struct ks_val){ .type = KS_STR, .b = ks_bytes(p, text.n) };
	return KS_YIELD;
}

enum ks_yield ks_expr_json(struct ks_expr_set *set, const struct ks_val *v, struct ks_bytes *text)
{
	struct ks_val copy = { .type = KS_STR };
	enum ks_yield got = print(set, v);

	if (got == KS_YIELD)
		got = ks_expr_string(set, ks_buf_bytes(&set->text), &copy);
	*text = copy.b;
	return got;
}

size_t ks_str_chars(struct ks_bytes b)
{
	size_t i, n = 0;

	for (i = 0; i < b.n; i++)
		n += (b.p[i] & 0xc0) != 0x80;
	return n;
}

size_t ks_str_at(struct ks_bytes b, size_t i)
{
	size_t at;

	for (at = 0; at < b.n; at++)
		if ((b.p[at] & 0xc0) != 0x80 && i-- == 0)
			break;
	return at;
}

void ks_val_number_of(struct ks_val *v, double d)
{
	if (d >= -9007199254740992.0 && d <= 9007199254740992.0 && d == trunc(d) &&
	    !(d == 0 && signbit(d)))
		*v = (struct ks_val){ .type = KS_INT, .i = (int64_t)d };
	else
		*v = (struct ks_val){ .type = KS_FLOAT, .d = d };
}
