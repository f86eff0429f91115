/* SPDX-License-Identifier: MIT */
/*
 * expr.c - fuzz expressions: the input is a program, a NUL, a document.
 * What a program says must not depend on whether the document came as JSON
 * text or as msgpack; as a hostile record, the document is also taken for
 * msgpack as it stands.
 */
#include "lib/expr.h"

#include <stdio.h>
#include <stdlib.h>

int	LLVMFuzzerTestOneInput(const unsigned char *data, size_t n);

static const struct ks_limits limits = {
	.record = KS_RECORD_MAX, .key = KS_KEY_MAX, .depth = KS_DEPTH_MAX,
};

/* What an evaluation said; the value borrows from the set. */
struct said {
	char error[300];
	bool nothing;
	struct ks_val v;
};

static void evaluate(struct ks_expr *e, struct said *s)
{
	const char *wrong = ks_expr_eval(e, &s->v);

	snprintf(s->error, sizeof(s->error), "%s", wrong != NULL ? wrong : "");
	s->nothing = ks_expr_nothing(e);
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

	if (document.n > 0 && ks_expr_load(set, &rec) == NULL)
		evaluate(e, &s);
}

/* Two sets, so that both answers live at once. */
static void compare(struct ks_expr_set *const set[2], struct ks_expr *const e[2], struct ks_bytes document)
{
	const unsigned char *end, *at;
	enum ks_json_error text, parsed;
	struct said a, b;
	struct ks_rec rec = { .key = ks_mp_nil, .headers = ks_no_headers, .partition = -1, .offset = -1 };
	struct ks_json j;
	struct ks_buf out;

	ks_json_init(&j, limits.depth);
	ks_buf_init(&out, (size_t)64 << 20);
	parsed = ks_json_parse(&j, document, &out);
	text = ks_expr_load_text(set[0], document.p, &end, &at);
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
		if (strcmp(a.error, b.error) != 0 || a.nothing != b.nothing || a.v.type != b.v.type ||
		    ks_val_cmp(&a.v, &b.v) != 0)
			abort();
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
		status = ks_expr_add(set[i], (const char *)data, &e[i], &err);
	}
	if (status == 0) {
		compare(set, e, document);
		hostile(set[0], e[0], document);
	} else if (status != KS_USAGE) {
		abort();
	}
	ks_expr_set_free(set[0]);
	ks_expr_set_free(set[1]);
	free(text);
	return 0;
}
