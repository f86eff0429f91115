/* SPDX-License-Identifier: MIT */
/* diff-print.c - differences, to stdout. */
#include "diff-print.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define SHOWN 200	/* bytes of a value in a line for people */

static int add_json(struct ks_diff_print *x, struct ks_bytes value, struct ks_err *err)
{
	struct ks_buf *b = &x->line;
	enum ks_mp_error e;
	int no = 0;

	e = ks_json_print(value, x->depth, b, &no);
	if (no != 0)
		return ks_fail_memory(err);
	return e == KS_MP_OK ? 0 : ks_fail(err, KS_DATA, "a key or value cannot be printed: %s", ks_mp_strerror(e));
}

/* The same for people: what is long is cut, at a character. */
static int add_short(struct ks_diff_print *x, struct ks_bytes value, struct ks_err *err)
{
	struct ks_buf *b = &x->line;
	size_t from = b->n;
	int status;

	if (value.p == NULL)
		return ks_buf_printf(b, "(none)") == 0 ? 0 : ks_fail_memory(err);
	status = add_json(x, value, err);
	if (status != 0 || b->n - from <= SHOWN)
		return status;
	b->n = from + ks_utf8_prefix(b->p + from, SHOWN);
	return ks_buf_add(b, "...", 3) == 0 ? 0 : ks_fail_memory(err);
}

/*
 * A key for people: the text of a JSON object as that object, which a window's
 * key is where a topic was read without --key-from json.
 */
static int add_key(struct ks_diff_print *x, struct ks_bytes key, struct ks_err *err)
{
	const unsigned char *p = key.p;
	enum ks_json_error e;
	struct ks_val v;
	size_t n;

	if (ks_mp_read(&p, key.p + key.n, x->depth, &v) != KS_MP_OK || v.type != KS_STR || v.b.n == 0 || v.b.p[0] != '{')
		return add_short(x, key, err);
	x->text.max = x->object.max = SIZE_MAX / 4;
	x->text.n = x->object.n = 0;
	n = v.b.n;
	if (ks_buf_reserve(&x->text, n + KS_PAD) != 0)
		return ks_fail_memory(err);
	memcpy(x->text.p, v.b.p, n);
	memset(x->text.p + n, 0, KS_PAD);
	if (x->reader.pack == NULL)
		ks_json_init(&x->reader, x->depth);
	e = ks_json_parse(&x->reader, ks_bytes(x->text.p, n), &x->object);
	if (e == KS_JSON_MEMORY)
		return ks_fail_memory(err);
	return add_short(x, e == KS_JSON_OK ? ks_buf_bytes(&x->object) : key, err);
}

static int print_line(struct ks_diff_print *x, struct ks_err *err)
{
	if (ks_buf_add(&x->line, "\n", 1) != 0)
		return ks_fail_memory(err);
	if (fwrite(x->line.p, 1, x->line.n, stdout) != x->line.n)
		return ks_fail_errno(err, KS_IO, errno, "cannot write to stdout");
	return 0;
}

static const char *const causes[] = { [KS_DIFF_ADDED] = "added", [KS_DIFF_REMOVED] = "removed", [KS_DIFF_CHANGED] = "changed" };

static int print_json(struct ks_diff_print *x, const struct ks_diff_found *f, struct ks_err *err)
{
	const char *const names[] = { "key", "old", "new" };
	const struct ks_bytes values[] = { f->key, f->old, f->new };
	struct ks_buf *b = &x->line;
	int i, status = 0;

	b->n = 0;
	if (ks_buf_printf(b, "{\"cause\":\"%s\"", causes[f->cause]) != 0)
		return ks_fail_memory(err);
	if (f->at != NULL && (ks_buf_printf(b, ",\"path\":") != 0 || ks_json_add_string(b, ks_buf_bytes(&f->at->path)) != 0))
		return ks_fail_memory(err);
	for (i = 0; i < 3 && status == 0; i++) {
		if (values[i].p == NULL)	/* absent, as null need not be */
			continue;
		if (ks_buf_printf(b, ",\"%s\":", names[i]) != 0)
			return ks_fail_memory(err);
		status = add_json(x, values[i], err);
	}
	if (status == 0 && ks_buf_add(b, "}", 1) != 0)
		return ks_fail_memory(err);
	return status == 0 ? print_line(x, err) : status;
}

static int print_words(struct ks_diff_print *x, const struct ks_diff_found *f, struct ks_err *err)
{
	struct ks_buf *b = &x->line;
	int status, no = 0;

	b->n = 0;
	if (ks_buf_printf(b, "%-9s", causes[f->cause]) != 0)
		return ks_fail_memory(err);
	status = add_key(x, f->key, err);
	if (status == 0 && f->at != NULL) {
		no = ks_buf_printf(b, "  %.*s: ", (int)(f->at->path.n < SHOWN ? f->at->path.n : SHOWN), (const char *)f->at->path.p);
		status = no != 0 ? ks_fail_memory(err) : add_short(x, f->at->old, err);
	}
	if (status == 0 && ks_buf_printf(b, f->at != NULL ? " -> " : "  ") != 0)
		return ks_fail_memory(err);
	if (status == 0)
		status = add_short(x, f->at != NULL ? f->at->new : f->cause == KS_DIFF_ADDED ? f->new : f->old, err);
	return status == 0 ? print_line(x, err) : status;
}

/* Changes are counted by where they begin. */
static int count_kind(struct ks_diff_print *x, const struct ks_buf *path, struct ks_err *err)
{
	struct ks_diff_kind *k;

	for (k = x->kinds; k < x->kinds + x->kind_count; k++) {
		if (ks_bytes_is(ks_buf_bytes(path), k->path)) {
			k->count++;
			return 0;
		}
	}
	if (x->kind_count == KS_DIFF_KINDS) {
		x->elsewhere++;
		return 0;
	}
	k->path = strndup((const char *)path->p, path->n);
	if (k->path == NULL)
		return ks_fail_memory(err);
	k->count = 1;
	x->kind_count++;
	return 0;
}

int ks_diff_print_take(void *arg, const struct ks_diff_found *f, struct ks_err *err)
{
	struct ks_diff_print *x = arg;
	int status = f->at != NULL ? count_kind(x, &f->at->kind, err) : 0;

	if (status != 0 || x->shown >= x->limit)
		return status;
	x->shown++;
	x->line.max = SIZE_MAX / 4;
	return x->json ? print_json(x, f, err) : print_words(x, f, err);
}

static int compare_kinds(const void *a, const void *b)
{
	const struct ks_diff_kind *x = a, *y = b;

	return x->count != y->count ? (x->count < y->count) - (x->count > y->count) : strcmp(x->path, y->path);
}

int ks_diff_print_end(struct ks_diff_print *x, const struct ks_diff *d, struct ks_err *err)
{
	const struct ks_diff_kind *k;

	if (x->quiet || x->json)
		return 0;
	qsort(x->kinds, x->kind_count, sizeof(*k), compare_kinds);
	printf("%sequal    %llu\nadded    %llu\nremoved  %llu\nchanged  %llu\n", x->shown > 0 ? "\n" : "",
	    (unsigned long long)d->equal, (unsigned long long)d->added, (unsigned long long)d->removed, (unsigned long long)d->changed);
	for (k = x->kinds; k < x->kinds + x->kind_count; k++)
		printf("         %llu at %s\n", (unsigned long long)k->count, k->path);
	if (x->elsewhere > 0)
		printf("         %llu elsewhere\n", (unsigned long long)x->elsewhere);
	return ferror(stdout) ? ks_fail_errno(err, KS_IO, errno, "cannot write to stdout") : 0;
}

void ks_diff_print_release(struct ks_diff_print *x)
{
	size_t i;

	ks_buf_release(&x->line);
	ks_buf_release(&x->text);
	ks_buf_release(&x->object);
	if (x->reader.pack != NULL)
		ks_json_release(&x->reader);
	for (i = 0; i < x->kind_count; i++)
		free(x->kinds[i].path);
}
