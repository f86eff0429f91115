/* SPDX-License-Identifier: MIT */
/*
 * csv.c - rows: where they end does not hang on how much was there when it
 * was looked for; what is accepted is sound msgpack,
 * with all fields; written again it reads as the same.
 * The first byte says: 1 tsv, 2 untyped, 4 the names are given.
 */
#include "lib/csv.h"

#include "lib/json.h"
#include "lib/num.h"
#include "tests/fuzz/must.h"

static struct ks_bytes trimmed(struct ks_bytes row)
{
	row.n -= row.n > 0 && row.p[row.n - 1] == '\r';
	return row;
}

/* A copy in just that much memory and its pad. */
static unsigned char *padded(struct ks_bytes text)
{
	unsigned char *p = calloc(1, text.n + KS_PAD);

	MUST(p != NULL);
	if (text.n > 0)
		memcpy(p, text.p, text.n);
	return p;
}

/* The end of the row, a byte more at a time; n where it has none. */
static size_t end_in_pieces(struct ks_csv *c, const unsigned char *p, size_t n)
{
	size_t i;

	ks_csv_next(c, 0);
	for (i = 1; i <= n; i++) {
		unsigned char *part = padded(ks_bytes(p, i));
		bool found = ks_csv_find(c, part, i);

		free(part);
		if (found)
			return c->at;
	}
	return n;
}

static void add_cell(struct ks_buf *out, const struct ks_val *v)
{
	char text[KS_NUM_TEXT];
	size_t n = 0;

	switch (v->type) {
	case KS_NIL: return;
	case KS_STR: MUST(ks_csv_add(out, v->b, false) == 0); return;
	case KS_INT: n = ks_num_print_i64(text, v->i); break;
	case KS_UINT: n = ks_num_print_u64(text, v->u); break;
	case KS_FLOAT: n = ks_num_print_f64(text, v->d); break;
	default: n = (size_t)snprintf(text, sizeof(text), v->type == KS_TRUE ? "true" : "false"); break;
	}
	MUST(ks_buf_add(out, text, n) == 0);
}

/* The object as a row of csv reads as the same object. */
static void check_again(const struct ks_csv *c, struct ks_bytes object)
{
	struct ks_csv again = *c;
	const unsigned char *p, *end = object.p + object.n;
	struct ks_buf line, out;
	struct ks_val name, v;
	struct ks_head head;
	unsigned char *text;
	uint32_t i;

	again.delim = ',';
	again.untyped = false;
	ks_buf_init(&line, (size_t)1 << 24);
	ks_buf_init(&out, (size_t)1 << 24);
	MUST(ks_mp_head(object.p, end, &head) == KS_MP_OK && head.type == KS_MAP && head.count == c->count);
	p = head.body;
	for (i = 0; i < head.count; i++) {
		MUST(ks_mp_read(&p, end, 0, &name) == KS_MP_OK && ks_mp_read(&p, end, 0, &v) == KS_MP_OK);
		MUST(i == 0 || ks_buf_add(&line, ",", 1) == 0);
		add_cell(&line, &v);
	}
	text = padded(ks_buf_bytes(&line));
	ks_csv_next(&again, 0);
	MUST(!ks_csv_find(&again, text, line.n) && again.state != KS_CSV_QUOTED);
	MUST(ks_csv_row(&again, ks_bytes(text, line.n), &out) == NULL);
	MUST(ks_bytes_eq(ks_buf_bytes(&out), object));
	free(text);
	ks_buf_release(&line);
	ks_buf_release(&out);
}

static void try_row(struct ks_csv *c, struct ks_bytes row)
{
	unsigned char *text = padded(row);
	struct ks_buf out;

	row.p = text;
	ks_buf_init(&out, (size_t)1 << 24);
	if (c->count == 0) {
		if (ks_csv_header(c, row) != NULL)
			MUST(c->count == 0);
	} else if (ks_csv_row(c, row, &out) == NULL) {
		MUST(ks_mp_check(ks_buf_bytes(&out), 1) == KS_MP_OK);
		check_again(c, ks_buf_bytes(&out));
	} else {
		MUST(out.n == 0);
	}
	free(text);
	ks_buf_release(&out);
}

/* In one pass it is what it is in two, or that is not for one pass. */
static void check_line(struct ks_csv *c, const unsigned char *p, size_t n, size_t at, uint64_t breaks)
{
	struct ks_bytes row = trimmed(ks_bytes(p, at));
	unsigned char *text = padded(ks_bytes(p, n)), *alone = padded(row);
	struct ks_buf line, two;

	ks_buf_init(&line, (size_t)1 << 24);
	ks_buf_init(&two, (size_t)1 << 24);
	ks_csv_next(c, 0);
	if (ks_csv_line(c, ks_bytes(text, n), &line)) {
		MUST(at < n && c->at == at && c->breaks == breaks);
		MUST(ks_csv_row(c, ks_bytes(alone, row.n), &two) == NULL);
		MUST(ks_bytes_eq(ks_buf_bytes(&line), ks_buf_bytes(&two)));
	} else {
		MUST(line.n == 0);
		MUST(at == n || *text == '\r' || row.n == 0 || (c->delim != '\t' && memchr(row.p, '\r', row.n) != NULL) || ks_csv_row(c, ks_bytes(alone, row.n), &two) != NULL);
	}
	free(text);
	free(alone);
	ks_buf_release(&line);
	ks_buf_release(&two);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct ks_csv c;
	unsigned char *text;
	size_t start = 0, at;
	bool found;

	if (n == 0 || n > 4096)
		return 0;
	ks_csv_init(&c, (*p & 1) != 0, (*p & 2) != 0, (size_t)1 << 20);
	if ((*p & 4) != 0)
		try_row(&c, ks_str((*p & 1) != 0 ? "a\tb" : "a,b"));	/* which makes its pad */
	text = padded(ks_bytes(p + 1, n - 1));
	n--;
	while (start < n) {
		ks_csv_next(&c, 0);
		found = ks_csv_find(&c, text + start, n - start);
		at = found ? c.at : n - start;
		if (c.count > 0)
			check_line(&c, text + start, n - start, at, c.breaks);
		if (n < 512)
			MUST(end_in_pieces(&c, text + start, n - start) == at);
		if (trimmed(ks_bytes(text + start, at)).n > 0)
			try_row(&c, trimmed(ks_bytes(text + start, at)));
		start += at + 1;
	}
	free(text);
	ks_csv_release(&c);
	return 0;
}
