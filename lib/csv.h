/* SPDX-License-Identifier: MIT */
/*
 * csv.h - rows of text to objects: RFC 4180, or fields between tabs.
 *
 * csv: a field that begins with a quote ends at the next one that is not
 * doubled, and may hold separators and line breaks; a quote elsewhere is a
 * byte like others.  tsv: no quotes; \t \n \r \\ in text are what they are in C.
 *
 * Types, unless untyped: a field without quotes that is a number as JSON has
 * them (but not 12e5, which has neither a point nor a sign), true or false is that; an empty one is null (of tsv "-", too).  An
 * integer that fits neither int64_t nor uint64_t stays text, exactly; so does
 * what is in quotes.
 *
 * Refuses what is not UTF-8, a row of more or fewer fields than there are
 * names, text behind a closing quote, a quote that is not closed, and in csv
 * a carriage return without quotes that is not the line end's: RFC 4180 has none,
 * some readers end the row there (Python's) and others take it for text (Miller).
 */
#ifndef KS_CSV_H
#define KS_CSV_H

#include "buf.h"
#include "value.h"

#define KS_CSV_NAME_AT_ONCE 32	/* bytes of a name that are copied whether it has them or not */
#define KS_CSV_COLUMNS_MAX 4096	/* equal names are looked for among all pairs */

/* Where a search for the end of a row stands. */
enum ks_csv_state {
	KS_CSV_START,		/* of a field */
	KS_CSV_PLAIN,
	KS_CSV_QUOTED,
	KS_CSV_CLOSED,		/* behind a quote that closes, or the first of two */
};

struct ks_csv {
	unsigned char delim;		/* ',' or '\t', which is tsv */
	bool untyped;
	uint32_t count;			/* names; 0: not known yet */
	struct ks_buf names;		/* as msgpack, one behind the other */
	uint32_t *ends;			/* of each in names */
	struct ks_buf raw;		/* scratch */
	size_t at;			/* bytes of the row at hand that were looked at */
	enum ks_csv_state state;	/* there */
	uint64_t breaks;		/* line breaks of its that were within quotes */
	char wrong[200];
};

void	ks_csv_init(struct ks_csv *c, bool tsv, bool untyped, size_t max);
void	ks_csv_release(struct ks_csv *c);

/*
 * ks_csv_find - go on looking for the end of the row that begins at p, of
 * which n bytes are there, followed by KS_PAD readable ones.  True: c->at is its newline.
 */
bool	ks_csv_find(struct ks_csv *c, const unsigned char *p, size_t n);

/* The next search begins at a row; the bytes of a mark before it, if any, are no part of it. */
static inline void ks_csv_next(struct ks_csv *c, size_t mark)
{
	c->at = mark;
	c->state = KS_CSV_START;
	c->breaks = 0;
}

/*
 * ks_csv_header - the names of the fields from the first row, without its
 * line end, KS_PAD bytes readable behind it.  The second of equal ones is called a_2, one without a name by
 * its number.  NULL, or what is wrong.
 */
const char *ks_csv_header(struct ks_csv *c, struct ks_bytes row) KS_MUST_USE;

/* ks_csv_row - append the object of a row (without its line end, KS_PAD bytes readable behind it) to out.  NULL, or what is wrong. */
const char *ks_csv_row(struct ks_csv *c, struct ks_bytes row, struct ks_buf *out) KS_MUST_USE;

/*
 * ks_csv_line - the same for the first row of text, which goes on behind it,
 * in one pass: true, and c->at is its newline, c->breaks those within it.  False,
 * and nothing appended: it is blank, unsound or not whole, or has a carriage return
 * before that of its line end; ks_csv_find and ks_csv_row say more.
 */
bool	ks_csv_line(struct ks_csv *c, struct ks_bytes text, struct ks_buf *out) KS_MUST_USE;

/*
 * ks_csv_field - append the text of the field at *p, which ends before end
 * at the latest (behind which KS_PAD bytes can be read), to out, and step *p to the separator behind it, or to end.
 */
const char *ks_csv_field(unsigned char delim, const unsigned char **p, const unsigned char *end,
    struct ks_buf *out) KS_MUST_USE;

/* Append text as a field of csv: in quotes where it would be read as something else without.  0, ENOMEM, EMSGSIZE. */
int	ks_csv_add(struct ks_buf *out, struct ks_bytes text, bool name) KS_MUST_USE;

#endif
