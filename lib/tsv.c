/* SPDX-License-Identifier: MIT */
/*
 * tsv.c - records as rows, csv or tsv: for column(1), sort, a spreadsheet.
 *
 * The first record names the columns: key, start, end of a windowed key,
 * then the fields of the value, nested ones as a.b (a value without fields is
 * one column, after its key).  What a later record lacks, and null, is "-",
 * and empty in csv; one that has a field more is refused, so that nothing is
 * lost unseen.  With --columns the columns are those, and other fields are left out.
 * tsv: tab, newline, carriage return and backslash in text are \t \n \r \\.
 * Refuses strings that are not UTF-8, as JSON does.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base64.h"
#include "csv.h"
#include "json.h"
#include "num.h"
#include "sink.h"

#define COLUMNS_MAX 1000	/* more is not read by anybody */

struct ks_tsv {
	unsigned depth;
	bool csv;
	bool chosen;		/* columns are those of --columns */
	struct ks_buf name;	/* of the field at hand: a.b */
	struct ks_buf made;	/* text on its way to a cell */
	struct ks_buf names;	/* of all columns, each with a NUL */
	size_t *columns;	/* where each begins in names */
	struct ks_buf *cells;	/* text of each in this row */
	bool *filled;
	size_t count, next;	/* columns; the one expected next */
	bool named, printed;	/* columns are known; and were printed */
	bool windowed;		/* the row has the columns of a windowed key */
	const char *wrong;
	char text[200];		/* of it, where it names a field */
	char *warning;
};

static int add_text(struct ks_buf *b, struct ks_bytes text)
{
	static const char special[] = "\t\n\r\\", letter[] = "tnr\\";
	const char *at;
	size_t i;
	int no = ks_utf8_prefix(text.p, text.n) != text.n ? EILSEQ : ks_buf_reserve(b, 2 * text.n);

	for (i = 0; no == 0 && i < text.n; i++) {
		at = text.p[i] == '\0' ? NULL : strchr(special, text.p[i]);
		if (at != NULL)
			b->p[b->n++] = '\\';
		b->p[b->n++] = at != NULL ? (unsigned char)letter[at - special] : text.p[i];
	}
	return no;
}

static int add_name(struct ks_buf *b, struct ks_bytes name)
{
	/* A NUL would end it where names are kept. */
	if (ks_utf8_prefix(name.p, name.n) != name.n || memchr(name.p, '\0', name.n) != NULL)
		return EILSEQ;
	return ks_buf_add(b, name.p, name.n);
}

/* --columns: names between commas, each once. */
static int choose(struct ks_tsv *t, const char *names)
{
	size_t n;
	int no;

	for (;; names += n + 1) {
		n = strcspn(names, ",");
		if (t->count == COLUMNS_MAX)
			return EMSGSIZE;
		t->columns[t->count++] = t->names.n;
		no = t->csv ? ks_buf_add(&t->names, names, n) : add_text(&t->names, ks_bytes(names, n));
		if (no == 0)
			no = ks_buf_add(&t->names, "", 1);
		if (no != 0 || names[n] == '\0')
			return no;
	}
}

struct ks_tsv *ks_tsv_new(const struct ks_config *config)
{
	struct ks_tsv *t = calloc(1, sizeof(*t));
	size_t i;

	if (t == NULL)
		return NULL;
	t->depth = config->limits.depth;
	t->csv = config->to == KS_CSV;
	ks_buf_init(&t->name, 64 << 10);
	ks_buf_init(&t->made, SIZE_MAX / 4);
	ks_buf_init(&t->names, COLUMNS_MAX * 1024);
	t->columns = calloc(COLUMNS_MAX, sizeof(*t->columns));
	t->cells = calloc(COLUMNS_MAX, sizeof(*t->cells));
	t->filled = calloc(COLUMNS_MAX, sizeof(*t->filled));
	if (t->columns == NULL || t->cells == NULL || t->filled == NULL) {
		ks_tsv_free(t);
		return NULL;
	}
	for (i = 0; i < COLUMNS_MAX; i++)
		ks_buf_init(&t->cells[i], SIZE_MAX / 4);
	t->chosen = t->named = config->columns != NULL;
	if (t->chosen && choose(t, config->columns) != 0) {
		ks_tsv_free(t);
		return NULL;
	}
	return t;
}

void ks_tsv_free(struct ks_tsv *t)
{
	size_t i;

	if (t == NULL)
		return;
	for (i = 0; t->cells != NULL && i < COLUMNS_MAX; i++)
		ks_buf_release(&t->cells[i]);
	ks_buf_release(&t->name);
	ks_buf_release(&t->made);
	ks_buf_release(&t->names);
	free(t->columns);
	free(t->cells);
	free(t->filled);
	free(t);
}

static const char *column(const struct ks_tsv *t, size_t i)
{
	return (const char *)t->names.p + t->columns[i];
}

static bool is_column(const struct ks_tsv *t, size_t i)
{
	return ks_bytes_is(ks_buf_bytes(&t->name), column(t, i));
}

/* The column of the field whose name is in t->name; COLUMNS_MAX: it has none. */
static size_t find_column(struct ks_tsv *t)
{
	size_t i;
	int no;

	if (!t->named) {
		for (i = 0; i < t->count; i++) {
			if (!is_column(t, i))
				continue;
			if (t->warning[0] == '\0')
				snprintf(t->warning, 200, "two fields are both '%.*s': the column has the last",
				    (int)(t->name.n < 100 ? t->name.n : 100), (const char *)t->name.p);
			return i;
		}
		no = t->count == COLUMNS_MAX ? EMSGSIZE : ks_buf_reserve(&t->names, t->name.n + 1);
		if (no == ENOMEM)
			t->wrong = ks_no_memory;
		if (no != 0)
			return COLUMNS_MAX;
		t->columns[t->count] = t->names.n;
		memcpy(t->names.p + t->names.n, t->name.p, t->name.n);
		t->names.n += t->name.n;
		t->names.p[t->names.n++] = '\0';
		return t->count++;
	}
	if (t->next < t->count && is_column(t, t->next))
		return t->next++;
	for (i = 0; i < t->count; i++) {
		if (is_column(t, i)) {
			t->next = i + 1;
			return i;
		}
	}
	return COLUMNS_MAX;
}

static int add_csv(struct ks_buf *b, struct ks_bytes text)
{
	return ks_utf8_prefix(text.p, text.n) != text.n ? EILSEQ : ks_csv_add(b, text, false);
}

static enum ks_mp_error add_csv_json(struct ks_tsv *t, struct ks_bytes value, struct ks_buf *b, int *no)
{
	enum ks_mp_error e;

	t->made.n = 0;
	e = ks_json_print(value, t->depth, &t->made, no);
	if (e == KS_MP_OK && *no == 0)
		*no = ks_csv_add(b, ks_buf_bytes(&t->made), false);
	return e;
}

static int add_csv_base64(struct ks_tsv *t, struct ks_bytes bytes, struct ks_buf *b)
{
	int no;

	t->made.n = 0;
	no = ks_base64_print(&t->made, bytes);
	return no == 0 ? ks_csv_add(b, ks_buf_bytes(&t->made), false) : no;
}

static void put_cell(struct ks_tsv *t, const struct ks_val *v, bool time)
{
	size_t at = find_column(t);
	char text[KS_NUM_TEXT];
	enum ks_mp_error e = KS_MP_OK;
	struct ks_buf *b;
	struct ks_val one = *v;
	int no = 0;

	if (at == COLUMNS_MAX) {
		if (t->wrong != NULL || (t->named && (t->chosen || v->type == KS_NIL)))
			return;
		snprintf(t->text, sizeof(t->text), t->named ? "its field '%.*s' has no column: the first line names them (--columns chooses others)" :
		    "it has more fields than there can be columns, '%.*s' and so on (--columns chooses some)",
		    (int)(t->name.n < 60 ? t->name.n : 60), (const char *)t->name.p);
		t->wrong = t->text;
		return;
	}
	b = &t->cells[at];
	b->n = 0;
	t->filled[at] = v->type != KS_NIL;
	if (v->type == KS_STR)
		no = t->csv ? add_csv(b, v->b) : add_text(b, v->b);
	else if (v->type == KS_BIN)
		no = t->csv ? add_csv_base64(t, v->b, b) : ks_base64_print(b, v->b);
	else if (v->type == KS_ARRAY || v->type == KS_MAP)
		e = t->csv ? add_csv_json(t, v->b, b, &no) : ks_json_print(v->b, t->depth, b, &no);
	else if (time && v->type == KS_INT)
		no = ks_buf_add(b, text, ks_num_print_time(text, v->i));
	else if (v->type == KS_FLOAT)
		no = ks_buf_add(b, text, ks_num_print_f64(text, v->d));
	else if (v->type == KS_UINT)
		no = ks_buf_add(b, text, ks_num_print_u64(text, one.u));
	else if (v->type == KS_INT)
		no = ks_buf_add(b, text, ks_num_print_i64(text, v->i));
	else if (v->type != KS_NIL)
		no = ks_buf_printf(b, v->type == KS_TRUE ? "true" : "false");
	if (no == EILSEQ)
		e = KS_MP_UTF8;
	if (e != KS_MP_OK)
		t->wrong = ks_mp_strerror(e);
	else if (no != 0)
		t->wrong = no == ENOMEM ? ks_no_memory : "the record is too large as text";
}

static void flatten(struct ks_tsv *t, const struct ks_val *v, bool time);

/* A member of the value that is called as a column of the windowed key is. */
static bool clashes(const struct ks_tsv *t, struct ks_bytes name)
{
	return t->windowed && t->name.n == 0 &&
	    (ks_bytes_is(name, "key") || ks_bytes_is(name, "start") || ks_bytes_is(name, "end"));
}

/* One field of an object, its name appended to what is in t->name. */
static void put_field(struct ks_tsv *t, struct ks_bytes name, const struct ks_val *v, bool time)
{
	size_t n = t->name.n;
	int no = n > 0 ? ks_buf_add(&t->name, ".", 1) : clashes(t, name) ? ks_buf_add(&t->name, "value.", 6) : 0;

	if (no == 0)
		no = t->csv ? add_name(&t->name, name) : add_text(&t->name, name);
	if (no == EILSEQ)
		t->wrong = ks_mp_strerror(KS_MP_UTF8);
	else if (no != 0)
		t->wrong = no == ENOMEM ? ks_no_memory : "the name of a field is too long";
	else
		flatten(t, v, time);
	t->name.n = n;
}

static void flatten(struct ks_tsv *t, const struct ks_val *v, bool time)
{
	const unsigned char *end;
	struct ks_val name, inner;
	enum ks_mp_error e;
	struct ks_head head;
	uint32_t i;

	if (v->type != KS_MAP) {
		put_cell(t, v, time);
		return;
	}
	end = v->b.p + v->b.n;
	if (ks_mp_head(v->b.p, end, &head) != KS_MP_OK)
		ks_bug("a map was not checked");
	if (head.count == 0 && t->name.n > 0)	/* {} is a cell, too */
		put_cell(t, v, time);
	for (i = 0; i < head.count && t->wrong == NULL; i++) {
		e = ks_mp_read(&head.body, end, 0, &name);
		if (e == KS_MP_OK)
			e = ks_mp_read(&head.body, end, t->depth, &inner);
		if (e != KS_MP_OK)
			t->wrong = ks_mp_strerror(e);
		else
			put_field(t, name.b, &inner, time && !ks_bytes_is(name.b, "key"));
	}
}

static void put_named(struct ks_tsv *t, const char *name, struct ks_bytes value)
{
	const unsigned char *p = value.p;
	enum ks_mp_error e;
	struct ks_val v;

	e = ks_mp_read(&p, value.p + value.n, t->depth, &v);
	if (e != KS_MP_OK) {
		t->wrong = ks_mp_strerror(e);
		return;
	}
	t->name.n = 0;
	if (name != NULL)
		put_field(t, ks_str(name), &v, false);
	else
		flatten(t, &v, true);
}

static int add_names(struct ks_tsv *t, struct ks_buf *line)
{
	size_t i;
	int no = 0;

	for (i = 0; i < t->count && no == 0; i++) {
		if (i > 0)
			no = ks_buf_add(line, t->csv ? "," : "\t", 1);
		if (no == 0)
			no = t->csv ? ks_csv_add(line, ks_str(column(t, i)), true) : ks_buf_printf(line, "%s", column(t, i));
	}
	return no == 0 ? ks_buf_add(line, "\n", 1) : no;
}

const char *ks_tsv_end(struct ks_tsv *t, struct ks_buf *line)
{
	int no = t->printed ? 0 : add_names(t, line);

	t->printed = true;
	return no == 0 ? NULL : no == ENOMEM ? ks_no_memory : "the names of the columns are too long";
}

static const char *add_row(struct ks_tsv *t, struct ks_buf *line)
{
	size_t i;
	int no = 0;

	if (!t->printed)
		no = add_names(t, line);
	for (i = 0; i < t->count && no == 0; i++) {
		if (i > 0)
			no = ks_buf_add(line, t->csv ? "," : "\t", 1);
		if (no == 0 && t->filled[i])
			no = ks_buf_add(line, t->cells[i].p, t->cells[i].n);
		else if (no == 0 && !t->csv)
			no = ks_buf_add(line, "-", 1);
		else if (no == 0 && t->count == 1)	/* readers pass over a blank line */
			no = ks_buf_add(line, "\"\"", 2);
	}
	return no == 0 ? NULL : no == ENOMEM ? ks_no_memory : "the record is too large as text";
}

/* A record that cannot be shown leaves nothing behind, neither cells nor columns. */
static const char *forget_row(struct ks_tsv *t)
{
	memset(t->filled, 0, COLUMNS_MAX * sizeof(*t->filled));
	if (!t->printed && !t->chosen)
		t->count = t->names.n = 0;
	t->named = t->printed || t->chosen;
	return t->wrong;
}

static const char no_names[] = "its first line is no row of column names";

/* The name at *p, to t->name; *p moves to what is behind it. */
static const char *read_name(struct ks_tsv *t, const unsigned char **p, const unsigned char *end)
{
	const unsigned char *tab;
	const char *wrong;
	int no;

	t->name.n = 0;
	if (t->csv) {
		wrong = ks_csv_field(',', p, end, &t->name);
		return wrong == NULL || ks_is_no_memory(wrong) ? wrong : no_names;
	}
	tab = memchr(*p, '\t', (size_t)(end - *p));
	if (tab == NULL)
		tab = end;
	no = ks_buf_add(&t->name, *p, (size_t)(tab - *p));
	if (no != 0)
		return no == ENOMEM ? ks_no_memory : no_names;
	*p = tab;
	return NULL;
}

const char *ks_tsv_resume(struct ks_tsv *t, struct ks_bytes header)
{
	const unsigned char *p = header.p, *end = p + header.n;
	const char *wrong;
	char none[200];
	size_t count = t->count, i = 0;

	t->warning = none;
	t->wrong = NULL;
	none[0] = '\0';
	for (;; p++) {
		wrong = read_name(t, &p, end);
		if (wrong != NULL)
			return wrong;
		if (t->chosen && (i >= count || !is_column(t, i)))
			return "its first line names other columns than --columns";
		if (!t->chosen && find_column(t) == COLUMNS_MAX)
			return t->wrong != NULL ? ks_no_memory : no_names;
		i++;
		if (p == end)
			break;
	}
	if (t->chosen && i != count)
		return "its first line names other columns than --columns";
	t->named = t->printed = true;
	return NULL;
}

const char *ks_tsv_row(struct ks_tsv *t, const struct ks_rec *rec, struct ks_buf *line,
    char warning[200])
{
	/* One in Kafka Streams' own bytes is a column like any other. */
	bool windowed = (rec->flags & KS_KEY_KIND) != 0 && (rec->key.p[0] & 0xf0) == 0x80;
	bool fields = (rec->value.p[0] & 0xf0) == 0x80 || rec->value.p[0] == 0xde ||
	    rec->value.p[0] == 0xdf;

	t->warning = warning;
	t->wrong = NULL;
	t->next = 0;
	t->windowed = false;
	if (windowed)
		put_named(t, NULL, rec->key);
	else if ((!fields || (rec->flags & KS_KEY_KIND) != 0) && !ks_mp_is_nil(rec->key))
		put_named(t, "key", rec->key);
	if (fields) {
		const unsigned char *p = rec->value.p;
		enum ks_mp_error e;
		struct ks_val v;

		e = ks_mp_read(&p, rec->value.p + rec->value.n, t->depth, &v);
		t->name.n = 0;
		t->windowed = windowed;
		if (e != KS_MP_OK)
			t->wrong = ks_mp_strerror(e);
		else
			flatten(t, &v, false);
	} else {
		put_named(t, "value", rec->value);
	}
	if (t->wrong == NULL && t->count == 0)
		t->wrong = "it has no field that could name a column";
	if (t->wrong == NULL)
		t->wrong = add_row(t, line);
	if (t->wrong != NULL)
		return forget_row(t);
	memset(t->filled, 0, t->count * sizeof(*t->filled));
	t->named = t->printed = true;
	return NULL;
}
