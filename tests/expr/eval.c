/* SPDX-License-Identifier: MIT */
/*
 * eval.c - what our evaluator says, for the judges of tests/expr.
 *
 * Reads lines [PROGRAM, DOCUMENT], two JSON strings, of which the second is
 * itself the text of a document; prints a line for each:
 *	{"out":[...]}			what the program yields
 *	{"out":[...],"error":"..."}	the same, and then it fails
 *	{"out":[...],"stopped":true}	more than MANY values, of which these are the first
 *	{"refused":"..."}		the program is not accepted
 *	{"document":"..."}		the document is not
 *	{"disagree":[A,B]}		the two of above that msgpack and text gave, where they differ
 * With --functions it prints the names of all functions and formats instead,
 * as select/1: what kstream-expr(7) must have, and what the judge asks for.
 * Programs in turn share a set with the one before where they are equal: what
 * a document leaves behind must not show in the next.
 */
#include "lib/expr-impl.h"

#include <stdio.h>
#include <stdlib.h>

#define MANY 2000u
#define STOP 7

static const struct ks_limits limits = {
	.record = KS_RECORD_MAX, .key = KS_KEY_MAX, .depth = KS_DEPTH_MAX,
};

struct answer {
	struct ks_buf *text;
	struct ks_buf packed;
	unsigned count;
};

static void die(const char *what)
{
	fprintf(stderr, "eval: %s\n", what);
	exit(70);
}

static void must(int no)
{
	if (no != 0)
		die(strerror(no));
}

static void say(struct ks_buf *out, const char *text)
{
	must(ks_buf_add(out, text, strlen(text)));
}

/* An error may quote what is not UTF-8: bytes beyond ASCII are then not worth keeping. */
static void say_string(struct ks_buf *out, const char *text)
{
	struct ks_bytes b = ks_str(text);

	must(ks_json_add_string(out, ks_bytes(b.p, ks_utf8_prefix(b.p, b.n))));
}

static int emit(void *ctx, const struct ks_val *v)
{
	struct answer *a = ctx;
	int no = 0;

	if (a->count == MANY)
		return STOP;
	if (a->count++ > 0)
		say(a->text, ",");
	a->packed.n = 0;
	must(ks_mp_add_val(&a->packed, v));
	if (ks_json_print(ks_buf_bytes(&a->packed), KS_DEPTH_CEILING, a->text, &no) != KS_MP_OK)
		die("an output is no sound value");
	must(no);
	return 0;
}

/* Evaluate what was loaded; text is born by the caller. */
static void answer(struct ks_expr *e, struct ks_buf *text)
{
	struct answer a = { .text = text };
	const char *wrong;
	int rc = 0;

	ks_buf_init(&a.packed, (size_t)64 << 20);
	say(text, "{\"out\":[");
	wrong = ks_expr_each(e, emit, &a, &rc);
	say(text, "]");
	if (wrong != NULL) {
		say(text, ",\"error\":");
		say_string(text, wrong);
	} else if (rc == STOP) {
		say(text, ",\"stopped\":true");
	} else if (rc != 0) {
		die("emit's value was changed on its way");
	}
	say(text, "}");
	ks_buf_release(&a.packed);
}

static void failed(struct ks_buf *text, const char *why)
{
	say(text, "{\"document\":");
	say_string(text, why);
	say(text, "}");
}

/* A copy with padding of what would go on with a token; free() it. */
static unsigned char *padded(struct ks_bytes text)
{
	unsigned char *copy = malloc(text.n + KS_PAD);

	if (copy == NULL)
		die("no memory");
	memcpy(copy, text.p, text.n);
	memset(copy + text.n, '1', KS_PAD);
	copy[text.n] = '\0';
	return copy;
}

static void by_msgpack(struct ks_expr_set *set, struct ks_expr *e, struct ks_bytes document, struct ks_buf *text)
{
	struct ks_rec rec = {
		.time_ms = 1700000000123, .flags = KS_TIME_CREATE, .partition = 3, .offset = 1042,
		.topic = ks_str("orders"), .key = ks_mp_nil, .headers = ks_no_headers,
	};
	enum ks_json_error no;
	const char *wrong;
	struct ks_json j;
	struct ks_buf packed;

	ks_json_init(&j, KS_DEPTH_CEILING);
	ks_buf_init(&packed, (size_t)64 << 20);
	no = ks_json_parse(&j, document, &packed);
	if (no != KS_JSON_OK) {
		failed(text, ks_json_strerror(no));
	} else {
		rec.value = ks_buf_bytes(&packed);
		wrong = ks_expr_load(set, &rec);
		if (wrong != NULL)
			failed(text, wrong);
		else
			answer(e, text);
	}
	ks_json_release(&j);
	ks_buf_release(&packed);
}

static void by_text(struct ks_expr_set *set, struct ks_expr *e, const unsigned char *document, struct ks_buf *text)
{
	const unsigned char *end, *at;
	enum ks_json_error no = ks_expr_load_text(set, document, &end, &at);

	if (no != KS_JSON_OK)
		failed(text, ks_json_strerror(no));
	else
		answer(e, text);
}

/* The last program, compiled or refused. */
struct last {
	struct ks_buf program;
	struct ks_expr_set *set;
	struct ks_expr *e;
	struct ks_err err;
	int status;
};

static void compile(struct last *l, struct ks_bytes program)
{
	if (l->set != NULL && ks_bytes_eq(ks_bytes(l->program.p, l->program.n - 1), program))
		return;
	ks_expr_set_free(l->set);
	l->program.n = 0;
	must(ks_buf_add(&l->program, program.p, program.n));
	must(ks_buf_add(&l->program, "", 1));
	l->set = ks_expr_set_new(&limits);
	if (l->set == NULL)
		die("no memory");
	l->status = ks_expr_add(l->set, (const char *)l->program.p, &l->e, &l->err);
}

static void pair(struct last *l, struct ks_bytes program, struct ks_bytes document)
{
	struct ks_buf a, b;
	unsigned char *copy;

	ks_buf_init(&a, (size_t)256 << 20);
	ks_buf_init(&b, (size_t)256 << 20);
	compile(l, program);
	if (l->status != 0) {
		say(&a, "{\"refused\":");
		say_string(&a, l->err.text);
		say(&a, "}");
	} else {
		copy = padded(document);
		by_msgpack(l->set, l->e, ks_bytes(copy, document.n), &a);
		by_text(l->set, l->e, copy, &b);
		free(copy);
		if (!ks_bytes_eq(ks_buf_bytes(&a), ks_buf_bytes(&b))) {
			printf("{\"disagree\":[%.*s,", (int)a.n, (const char *)a.p);
			a.n = 0;
			must(ks_buf_add(&b, "]}", 2));
			must(ks_buf_add(&a, b.p, b.n));
		}
	}
	printf("%.*s\n", (int)a.n, (const char *)a.p);
	ks_buf_release(&a);
	ks_buf_release(&b);
}

static struct ks_bytes read_string(const unsigned char **p, const unsigned char *end)
{
	struct ks_val v;

	if (ks_mp_read(p, end, 2, &v) != KS_MP_OK || v.type != KS_STR)
		die("a line is not [PROGRAM, DOCUMENT]");
	return v.b;
}

/* Those with an underscore are for macros; two words are nodes of their own. */
static int list_functions(void)
{
	const struct ks_expr_fn *const *table, *fn;

	printf("empty/0\nnot/0\n");
	for (table = ks_expr_fn_tables(); *table != NULL; table++)
		for (fn = *table; fn->name != NULL; fn++)
			if (fn->name[0] != '_')
				printf("%s/%u\n", fn->name, fn->args);
	return fflush(stdout) == 0 ? 0 : 74;
}

int main(int argc, char **argv)
{
	struct last last = { .set = NULL };
	struct ks_bytes program, document;
	const unsigned char *p, *end;
	struct ks_buf packed;
	struct ks_head head;
	unsigned char *copy;
	struct ks_json j;
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;

	if (argc > 1 && strcmp(argv[1], "--functions") == 0)
		return list_functions();
	ks_json_init(&j, 8);
	ks_buf_init(&packed, (size_t)64 << 20);
	ks_buf_init(&last.program, (size_t)1 << 20);
	/* Whoever reads counts lines to see which pair ended us. */
	setvbuf(stdout, NULL, _IOLBF, (size_t)1 << 16);
	while ((n = getline(&line, &cap, stdin)) > 0) {
		packed.n = 0;
		copy = padded(ks_bytes(line, (size_t)n - (line[n - 1] == '\n')));
		if (ks_json_parse(&j, ks_bytes(copy, strlen((char *)copy)), &packed) != KS_JSON_OK)
			die("a line is not JSON");
		free(copy);
		p = packed.p;
		end = packed.p + packed.n;
		if (ks_mp_head(p, end, &head) != KS_MP_OK || head.type != KS_ARRAY || head.count != 2)
			die("a line is not [PROGRAM, DOCUMENT]");
		p = head.body;
		program = read_string(&p, end);
		document = read_string(&p, end);
		pair(&last, program, document);
	}
	ks_expr_set_free(last.set);
	ks_buf_release(&last.program);
	ks_buf_release(&packed);
	ks_json_release(&j);
	free(line);
	return fflush(stdout) == 0 ? 0 : 74;
}
