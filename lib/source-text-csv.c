/* SPDX-License-Identifier: MIT */
/*
 * source-text-csv.c - files of csv and tsv: each begins with the names of
 * its fields, unless --fields says them.
 *
 * A row may go over several lines, so it is looked for with what csv.c
 * knows of quotes; the search goes on where it was when more has been read.
 */
#include "source-text-impl.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define PIECE ((size_t)64 << 10)

/* --fields, with room behind it for a scanner. */
static const char *take_fields(struct text *t, struct ks_csv *c)
{
	struct ks_bytes names = ks_str(t->config->fields);
	unsigned char *text = calloc(1, names.n + KS_PAD);
	const char *wrong;

	if (text == NULL)
		return ks_no_memory;
	memcpy(text, names.p, names.n);
	wrong = ks_csv_header(c, ks_bytes(text, names.n));
	free(text);
	return wrong;
}

int ks_text_csv_open(struct text *t, struct ks_err *err)
{
	const char *wrong;
	size_t i;

	t->csv = calloc(t->places.count, sizeof(*t->csv));
	if (t->csv == NULL)
		return ks_fail_memory(err);
	for (i = 0; i < t->places.count; i++) {
		ks_csv_init(&t->csv[i], false, t->config->untyped, t->config->limits.record);
		wrong = t->config->fields != NULL ? take_fields(t, &t->csv[i]) : NULL;
		if (t->config->from == KS_TSV)
			t->csv[i].delim = '\t';
		if (wrong != NULL)
			return ks_fail(err, ks_is_no_memory(wrong) ? KS_TEMP : KS_USAGE, "--fields: %s", wrong);
	}
	return 0;
}

void ks_text_csv_close(struct text *t)
{
	size_t i;

	for (i = 0; t->csv != NULL && i < t->places.count; i++)
		ks_csv_release(&t->csv[i]);
	free(t->csv);
}

/* Without its line end, and without a byte order mark where it is the first of its file. */
static struct ks_bytes trim(struct ks_bytes row, bool first)
{
	if (first && ks_bytes_bom(row))
		row = ks_bytes(row.p + 3, row.n - 3);
	row.n -= row.n > 0 && row.p[row.n - 1] == '\r';
	return row;
}

static int take_header(struct text *t, struct ks_bytes row, struct ks_err *err)
{
	const char *wrong = ks_csv_header(&t->csv[t->at], row);

	if (wrong == NULL)
		return 0;
	if (ks_is_no_memory(wrong))
		return ks_fail_memory(err);
	return ks_fail(err, KS_DATA, "%s:%llu: %s (a file without a header has --fields NAME,...)", t->places.at[t->at].name,
	    (unsigned long long)(t->ingest.line > 0 ? t->ingest.line : 1), wrong);
}

static int no_header(struct text *t, struct ks_err *err)
{
	return ks_fail(err, KS_DATA, "%s:1: the header is longer than --max-record allows", t->places.at[t->at].name);
}

/* More of the file from its top behind what b holds; *over: there is none. */
static int read_top(struct text *t, struct ks_buf *b, bool *over, struct ks_err *err)
{
	ssize_t n;
	int no = ks_buf_reserve(b, PIECE + KS_PAD);

	if (no != 0)
		return no == ENOMEM ? ks_fail_memory(err) : no_header(t, err);
	do
		n = pread(t->hand.in.fd, b->p + b->n, PIECE, (off_t)b->n);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return ks_fail_errno(err, KS_IO, errno, "cannot read the header of '%s'", t->places.at[t->at].name);
	b->n += (size_t)n;
	memset(b->p + b->n, 0, KS_PAD);
	*over = n == 0;
	return 0;
}

/* A run goes on in the middle of a file: its names are at the top, if they do not come only now. */
static int read_header(struct text *t, struct ks_err *err)
{
	struct ks_csv *c = &t->csv[t->at];
	size_t start = 0, limit = (size_t)t->places.at[t->at].offset;
	struct ks_bytes row = { 0 };
	struct ks_buf b;
	bool over = false;
	int status = 0;

	ks_buf_init(&b, t->config->limits.record + PIECE + KS_PAD);
	ks_csv_next(c, 0);
	while (status == 0 && !over && c->count == 0 && start < limit) {
		status = read_top(t, &b, &over, err);
		if (status == 0 && start == 0 && c->at == 0 && ks_bytes_bom(ks_buf_bytes(&b)))
			start = 3;
		while (status == 0 && c->count == 0 && start < limit && (ks_csv_find(c, b.p + start, b.n - start) || over)) {
			row = trim(ks_bytes(b.p + start, c->at), false);
			if (row.n > 0)
				status = take_header(t, row, err);
			start += c->at + 1;
			ks_csv_next(c, 0);
			if (start >= b.n)
				break;
		}
	}
	if (status == 0 && c->count == 0 && start < limit)
		status = ks_fail(err, KS_CONFIG, "'%s' has no header any more", t->places.at[t->at].name);
	ks_buf_release(&b);
	return status;
}

int ks_text_csv_begin(struct text *t, struct ks_err *err)
{
	struct ks_csv *c = &t->csv[t->at];
	int status = 0;

	if (t->places.at[t->at].offset > 0 && c->count == 0)
		status = read_header(t, err);
	ks_csv_next(c, 0);
	return status;
}

int ks_text_csv_find(struct text *t, struct ks_bytes *row, size_t *size, struct ks_err *err)
{
	struct ks_csv *c = &t->csv[t->at];
	const unsigned char *p = t->hand.in.p + t->hand.in.start;
	size_t held = t->hand.in.end - t->hand.in.start;
	int status;

	*size = 0;
	if (c->at == 0 && t->hand.skipped == 0 && t->places.at[t->at].offset == 0) {
		if (held < 3 && !t->hand.in.eof && memcmp(p, "\xef\xbb\xbf", held) == 0)
			return 0;	/* the beginning of a mark, or of nothing */
		ks_csv_next(c, ks_bytes_bom(ks_bytes(p, held)) ? 3 : 0);
	}
	t->hand.partial = !ks_csv_find(c, p, held);
	if (!t->hand.partial) {
		*size = c->at + 1;
		*row = ks_bytes(p, c->at);
		if (KS_LIKELY(row->n <= t->config->limits.record && t->hand.skipped == 0))
			return 0;
		if (c->count == 0)
			return no_header(t, err);
		status = ks_text_let_go(t, row->n, err);
		*size = 1;
		return status;
	}
	if (t->hand.skipped > 0 || held > t->config->limits.record) {
		if (c->count == 0)
			return no_header(t, err);
		c->at = 0;
		return ks_text_let_go(t, held, err);
	}
	return 0;
}

int ks_text_csv_line(struct text *t, struct ks_rec *rec, struct ks_bytes *row, int *made, struct ks_err *err)
{
	struct ks_csv *c = &t->csv[t->at];
	int status;

	if (c->count == 0 || rec->offset == 0 || c->at > 0 || t->hand.skipped > 0) {	/* a header, a mark, a row begun */
		row->n = 0;
		return 0;
	}
	status = ks_ingest_row_line(&t->ingest, c, rec, row, &t->own.frames, made, err);
	if (row->n == 0)
		ks_csv_next(c, 0);
	return status;
}

int ks_text_csv_read(struct text *t, struct ks_rec *rec, struct ks_bytes row, int *made, struct ks_err *err)
{
	struct ks_csv *c = &t->csv[t->at];

	row = trim(row, rec->offset == 0);
	if (row.n == 0)
		return 0;
	if (KS_UNLIKELY(c->count == 0))
		return take_header(t, row, err);
	return ks_ingest_row(&t->ingest, c, rec, row, &t->own.frames, made, err);
}

void ks_text_csv_pass(struct text *t)
{
	struct ks_csv *c = &t->csv[t->at];

	if (t->ingest.line > 0)
		t->ingest.line += c->breaks;
	ks_csv_next(c, 0);
}
