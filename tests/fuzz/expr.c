/* SPDX-License-Identifier: MIT */
/*
 * expr.c - fuzz expressions: the input is a program, a NUL, a document.
 * What a program says must not depend on whether the document came as JSON
 * text or as msgpack; as a hostile record, the document is also taken for
 * msgpack as it stands.
 */
#include "lib/expr-read.h"

#include <stdio.h>
#include <stdlib.h>

int	LLVMFuzzerTestOneInput(const unsigned char *data, size_t n);

static const struct ks_limits limits = {
	.record = KS_RECORD_MAX, .key = KS_KEY_MAX, .depth = KS_DEPTH_MAX,
};

/* What an evaluation said: how many values, the first ones as bytes, and how it ended. */
#define MANY 50u
struct said {
	char error[600];
	unsigned count;
	struct ks_buf values;
};

static int take(void *ctx, const struct ks_val *v)
{
	struct said *s = ctx;
	enum ks_mp_error e = v->type < KS_ARRAY ? KS_MP_OK : ks_mp_check(v->b, limits.depth);

	/* Strings of a hostile record are what they are. */
	if (e != KS_MP_OK && e != KS_MP_UTF8)
		abort();
	if (ks_mp_add_val(&s->values, v) != 0)
		abort();
	return ++s->count == MANY;
}

/* Small limits: a program that does not end is found to do so soon. */
static void evaluate(struct ks_expr *e, struct said *s)
{
	const char *wrong;
	struct ks_val v;
	bool any;
	int rc;

	*s = (struct said){ .count = 0 };
	ks_buf_init(&s->values, (size_t)256 << 20);
	wrong = ks_expr_each(e, take, s, &rc);
	snprintf(s->error, sizeof(s->error), "%s", wrong != NULL ? wrong : "");
	/* The other ways to ask must not crash either. */
	wrong = ks_expr_any(e, &any);
	wrong = ks_expr_eval(e, &v);
	(void)wrong;
}

static void *need(void *p)
{
	if (p == NULL)
		abort();
	return p;
}

static void hostile(struct ks_expr_set *set, struct ks_expr *e, struct ks_bytes document)
{
	struct ks_rec rec = { .value = document, .key = document, .headers = document };
	struct said s;

	if (document.n > 0 && ks_expr_load(set, &rec) == NULL) {
		evaluate(e, &s);
		ks_buf_release(&s.values);
	}
}

/* By the reader of all machines, which has seen nothing, and by the best, which has seen the same text. */
static enum ks_json_error load_both_ways(struct ks_expr_set *set, const unsigned char *text, const unsigned char **end)
{
	const unsigned char *stopped[2] = { NULL, NULL };
	enum ks_json_error e;

	set->read_object = ks_expr_read_plain;
	e = ks_expr_load_text(set, text, &stopped[0], &stopped[0]);
	set->read_object = ks_expr_read_best();
	if (ks_expr_load_text(set, text, &stopped[1], &stopped[1]) != e || stopped[0] != stopped[1])
		abort();
	*end = stopped[0];
	return e;
}

/* Two sets, so that both answers live at once. */
static void compare(struct ks_expr_set *const set[2], struct ks_expr *const e[2], struct ks_bytes document,
    bool impure)
{
	const unsigned char *end;
	enum ks_json_error text, parsed;
	struct said a, b;
	struct ks_rec rec = { .key = ks_mp_nil, .headers = ks_no_headers, .partition = -1, .offset = -1 };
	struct ks_json j;
	struct ks_buf out;

	ks_json_init(&j, limits.depth);
	ks_buf_init(&out, (size_t)64 << 20);
	parsed = ks_json_parse(&j, document, &out);
	text = load_both_ways(set[0], document.p, &end);
	if (text == KS_JSON_OK && end != document.p + document.n)
		text = KS_JSON_TRAILING;
	/* A newline is white space in a document, and the end of a line. */
	if (memchr(document.p, '\n', document.n) == NULL && (text == KS_JSON_OK) != (parsed == KS_JSON_OK))
		abort();
	if (text == KS_JSON_OK && parsed == KS_JSON_OK) {
		rec.value = ks_buf_bytes(&out);
		if (ks_expr_load(set[1], &rec) != NULL)
			abort();
		evaluate(e[0], &a);
		evaluate(e[1], &b);
		/* Text takes more memory than msgpack does. */
		impure |= strstr(a.error, "too much") != NULL || strstr(b.error, "too much") != NULL;
		if (!impure && (strcmp(a.error, b.error) != 0 || a.count != b.count ||
		    !ks_bytes_eq(ks_buf_bytes(&a.values), ks_buf_bytes(&b.values))))
			abort();
		ks_buf_release(&a.values);
		ks_buf_release(&b.values);
	}
	ks_json_release(&j);
	ks_buf_release(&out);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t n)
{
	const unsigned char *nul = n > 0 ? memchr(data, '\0', n) : NULL;
	struct ks_expr_set *set[2];
	struct ks_expr *e[2];
	struct ks_bytes document;
	unsigned char *text;
	struct ks_err err;
	int i, status = 0;

	if (nul == NULL)
		return 0;
	document.n = (size_t)(data + n - nul) - 1;
	document.p = text = need(malloc(document.n + KS_PAD));
	memcpy(text, nul + 1, document.n);
	memset(text + document.n, '1', KS_PAD);
	text[document.n] = '\n';
	for (i = 0; i < 2; i++) {
		set[i] = need(ks_expr_set_new(&limits));
		ks_expr_set_limit(set[i], 20000, (size_t)4 << 20);
		status = ks_expr_add(set[i], (const char *)data, &e[i], &err);
	}
	if (status == 0) {
		/* What the clock says, and when a limit is met, may differ. */
		compare(set, e, document, strstr((const char *)data, "now") != NULL ||
		    strstr((const char *)data, "local") != NULL || strlen((const char *)data) > 2000);
		hostile(set[0], e[0], document);
	} else if (status != KS_USAGE) {
		abort();
	}
	ks_expr_set_free(set[0]);
	ks_expr_set_free(set[1]);
	free(text);
	return 0;
}
