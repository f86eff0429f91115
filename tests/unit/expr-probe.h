/* SPDX-License-Identifier: MIT */
/* expr-probe.h - run a program on a document, by msgpack and by text, and see what it says. */
#ifndef EXPR_PROBE_H
#define EXPR_PROBE_H

#include "lib/expr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct ks_limits limits = {
	.record = KS_RECORD_MAX, .key = KS_KEY_MAX, .depth = KS_DEPTH_MAX,
};

/* One program, and what the last evaluation said, as text. */
struct probe {
	struct ks_expr_set *set;
	struct ks_expr *e;
	struct ks_buf out;
};

static void probe_init(struct probe *x, const char *program)
{
	struct ks_err err;

	ks_buf_init(&x->out, (size_t)16 << 20);
	x->set = ks_expr_set_new(&limits);
	assert_non_null(x->set);
	if (ks_expr_add(x->set, program, &x->e, &err) != 0)
		fail_msg("%s\nrefused: %s", program, err.text);
}

static void probe_release(struct probe *x)
{
	ks_expr_set_free(x->set);
	ks_buf_release(&x->out);
}

/* "nothing", "error: ..." or the value as JSON text. */
static const char *answer(struct probe *x)
{
	struct ks_buf packed;
	const char *wrong;
	struct ks_val v;
	int no = 0;

	wrong = ks_expr_eval(x->e, &v);
	x->out.n = 0;
	if (wrong != NULL) {
		assert_int_equal(v.type, KS_NIL);
		/* Behind the path it happened at, if there is one, it is jq's text. */
		if (wrong[0] == '.' && strstr(wrong, ": Cannot") != NULL)
			wrong = strstr(wrong, ": Cannot") + 2;
		assert_int_equal(ks_buf_printf(&x->out, "error: %s", wrong), 0);
		return (const char *)x->out.p;
	}
	if (ks_expr_nothing(x->e)) {
		assert_int_equal(v.type, KS_NIL);
		return "nothing";
	}
	ks_buf_init(&packed, (size_t)16 << 20);
	assert_int_equal(ks_mp_add_val(&packed, &v), 0);
	assert_int_equal(ks_json_print(ks_buf_bytes(&packed), KS_DEPTH_CEILING, &x->out, &no), KS_MP_OK);
	assert_int_equal(no, 0);
	assert_int_equal(ks_buf_add(&x->out, "", 1), 0);
	ks_buf_release(&packed);
	return (const char *)x->out.p;
}

/* A padded copy of text; its padding begins with c and goes on with what would continue a token. */
static unsigned char *padded(const char *text, char c)
{
	size_t n = strlen(text);
	unsigned char *copy = malloc(n + KS_PAD);

	assert_non_null(copy);
	memcpy(copy, text, n);
	memset(copy + n, '1', KS_PAD);
	copy[n] = (unsigned char)c;
	return copy;
}

/* JSON to msgpack in memory of just that size, so that a sanitizer sees what is read behind it. */
static struct ks_bytes packed(const char *text)
{
	unsigned char *copy = padded(text, '\n'), *exact;
	struct ks_json j;
	struct ks_buf out;
	size_t n;

	ks_json_init(&j, KS_DEPTH_CEILING);
	ks_buf_init(&out, (size_t)64 << 20);
	assert_int_equal(ks_json_parse(&j, ks_bytes(copy, strlen(text)), &out), KS_JSON_OK);
	n = out.n;
	exact = malloc(n);
	assert_non_null(exact);
	memcpy(exact, out.p, n);
	free(copy);
	ks_json_release(&j);
	ks_buf_release(&out);
	return ks_bytes(exact, n);
}

static struct ks_rec record(struct ks_bytes value)
{
	return (struct ks_rec){
		.time_ms = 1700000000123, .flags = KS_TIME_CREATE, .partition = 3, .offset = 1042,
		.topic = ks_str("orders"), .key = ks_mp_nil, .headers = ks_no_headers, .value = value,
	};
}

static const char *by_msgpack(struct probe *x, const char *document)
{
	struct ks_bytes value = packed(document);
	struct ks_rec rec = record(value);
	const char *said;

	assert_null(ks_expr_load(x->set, &rec));
	said = answer(x);
	free((void *)(uintptr_t)value.p);
	return said;
}

static const char *by_text(struct probe *x, const char *document)
{
	unsigned char *copy = padded(document, '\0');
	const unsigned char *end, *at;
	const char *said;

	assert_int_equal(ks_expr_load_text(x->set, copy, &end, &at), KS_JSON_OK);
	assert_ptr_equal(end, copy + strlen(document));
	said = answer(x);
	free(copy);
	return said;
}

/* Values are compared as values: jq prints 1 for 1.0. */
static bool same(const char *said, const char *expected)
{
	struct ks_bytes a, b;
	const unsigned char *p, *q;
	struct ks_val x, y;
	bool is;

	if (strcmp(said, expected) == 0)
		return true;
	if (said[0] == 'e' || said[0] == 'n' || expected[0] == 'e' || expected[0] == 'n')
		return false;
	a = packed(said);
	b = packed(expected);
	p = a.p;
	q = b.p;
	assert_int_equal(ks_mp_read(&p, a.p + a.n, KS_DEPTH_MAX, &x), KS_MP_OK);
	assert_int_equal(ks_mp_read(&q, b.p + b.n, KS_DEPTH_MAX, &y), KS_MP_OK);
	is = ks_val_cmp(&x, &y) == 0;
	free((void *)(uintptr_t)a.p);
	free((void *)(uintptr_t)b.p);
	return is;
}

static void check(struct probe *x, const char *program, const char *document, const char *expected)
{
	const char *said = by_msgpack(x, document);

	if (!same(said, expected))
		fail_msg("%s\non msgpack of %s\nsays %s\nnot  %s", program, document, said, expected);
	said = by_text(x, document);
	if (!same(said, expected))
		fail_msg("%s\non the text %s\nsays %s\nnot  %s", program, document, said, expected);
}

static inline void check_one(const char *program, const char *document, const char *expected)
{
	struct probe x;

	probe_init(&x, program);
	check(&x, program, document, expected);
	probe_release(&x);
}

/* many(): head, then n times unit, then tail. */
static inline char *many(const char *head, const char *unit, size_t n, const char *tail)
{
	struct ks_buf b;

	ks_buf_init(&b, (size_t)32 << 20);
	assert_int_equal(ks_buf_add(&b, head, strlen(head)), 0);
	while (n-- > 0)
		assert_int_equal(ks_buf_add(&b, unit, strlen(unit)), 0);
	assert_int_equal(ks_buf_add(&b, tail, strlen(tail) + 1), 0);
	return (char *)b.p;
}

#endif
