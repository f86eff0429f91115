/* SPDX-License-Identifier: MIT */
/*
 * ingest.h - from a value to a record, the same for every source: --time,
 * --key, --on-bad-time, --on-error.
 */
#ifndef KS_INGEST_H
#define KS_INGEST_H

#include "config.h"
#include "csv.h"
#include "expr.h"
#include "reject.h"

struct ks_ingest {
	const struct ks_config *config;
	struct ks_expr_set *set;	/* NULL: neither --time nor --key */
	struct ks_expr *time, *key;
	struct ks_json json;
	struct ks_reject reject;
	struct ks_buf key_bytes, head;	/* scratch of one record */
	size_t gap;			/* how long the head before the last value was */
	uint64_t bad_times;		/* dropped for it */
	uint64_t outside;		/* before --since, or not before --until */
	bool reached;			/* the last record was not made, since reading stops before it (ks_config_stops); the source's to reset */
	const char *path;		/* set by a source of files: messages then say "path:line" */
	uint64_t line;			/* its line, from 1; 0: not known, messages say "path@byte" */
	/*
	 * Where a record goes that is used in this very process, and need be no
	 * frame: it dies when this returns, and the buffers of the functions
	 * below stay as they were.  NULL: records become frames.
	 */
	int (*take)(void *taker, struct ks_rec *rec);
	void *taker;
	struct ks_expr_set *shared;	/* ks_ingest_share; NULL: values are made */
	struct ks_expr *shared_time, *shared_key;
	/* expect: told of the record that seems to come next, of which nothing but the key is set; found is true, as in op.h. */
	struct ks_ingest_ahead {
		void (*expect)(void *taker, const struct ks_rec *rec, bool found);	/* NULL: nobody asks */
		void *taker;
		size_t at;		/* where in its line the last key stood, a string; 0: it was none */
		unsigned char before[4];	/* what stood before it */
		unsigned char key[33];	/* the next one, packed */
		struct ks_rec rec;	/* with it */
	} ahead;
	struct ks_bytes text;		/* of the record that was given without a value */
	struct ks_buf value;		/* that, once it was asked for */
};

int	ks_ingest_open(struct ks_ingest *g, const struct ks_config *config, struct ks_err *err)
	    KS_MUST_USE;
void	ks_ingest_close(struct ks_ingest *g);

/*
 * ks_ingest_json - one record of a JSON document, as a frame at the end of b.
 *
 *	rec	what is known of it: topic, partition, offset, key, headers, time
 *		and flags; its value is set here
 *	text	the document, with KS_PAD readable bytes behind it, the first
 *		of them a NUL or a newline
 *	made	RECORD frames appended: 1, or 0 when the policy let it go
 *
 * A value that does not parse, or a time that is bad, goes where --on-error
 * and --on-bad-time say; KS_DATA is returned only where they say fail.
 * b is as it was whenever made is 0.
 */
int	ks_ingest_json(struct ks_ingest *g, struct ks_rec *rec, struct ks_bytes text,
	    struct ks_buf *b, int *made, struct ks_err *err) KS_MUST_USE;

/*
 * ks_ingest_line - the same for the first line of text, which goes on
 * behind its newline: text->n becomes the bytes before that.  A line that
 * is blank, unsound, longer than --max-record or not yet whole is left alone,
 * and text->n becomes 0: find its end, and let ks_ingest_json say what is wrong.
 */
int	ks_ingest_line(struct ks_ingest *g, struct ks_rec *rec, struct ks_bytes *text,
	    struct ks_buf *b, int *made, struct ks_err *err) KS_MUST_USE;

/*
 * ks_ingest_lines - the same for as many lines as nothing is special about,
 * all of the same rec but for its offset, which is the byte of the line:
 * text->n becomes the bytes of them with their newlines, and *made how many
 * they are.  0 as it may be, it is for ks_ingest_line to say more.
 */
int	ks_ingest_lines(struct ks_ingest *g, struct ks_rec *rec, struct ks_bytes *text,
	    struct ks_buf *b, uint64_t *made, struct ks_err *err) KS_MUST_USE;

/*
 * ks_ingest_share - from now on what is taken (take) may have no value
 * (value.p == NULL): whoever takes it asks nothing of it but by set, which
 * --time and --key are added to, and which has been loaded from the line.
 * Lines about which anything is special come as before.  ks_ingest_value makes the value of
 * the record that is being taken; it lives until the next one.
 */
int	ks_ingest_share(struct ks_ingest *g, struct ks_expr_set *set, struct ks_err *err) KS_MUST_USE;
int	ks_ingest_value(struct ks_ingest *g, struct ks_rec *rec, struct ks_err *err) KS_MUST_USE;

/* ks_ingest_glance - for ks_ingest_lines: the lines of text that are taken so, *used bytes of it, up to the first that is not. */
int	ks_ingest_glance(struct ks_ingest *g, const struct ks_rec *rec, struct ks_bytes text, size_t *used, uint64_t *made)
	    KS_MUST_USE;

/* The same for a row of csv or tsv, without its line end, with KS_PAD readable bytes behind it. */
int	ks_ingest_row(struct ks_ingest *g, struct ks_csv *csv, struct ks_rec *rec, struct ks_bytes row,
	    struct ks_buf *b, int *made, struct ks_err *err) KS_MUST_USE;

/* ks_ingest_row_line - as ks_ingest_line, of csv or tsv: row->n becomes 0 where ks_csv_line is false. */
int	ks_ingest_row_line(struct ks_ingest *g, struct ks_csv *csv, struct ks_rec *rec, struct ks_bytes *row,
	    struct ks_buf *b, int *made, struct ks_err *err) KS_MUST_USE;

/* The same for a record whose value (msgpack) is there already. */
int	ks_ingest_record(struct ks_ingest *g, struct ks_rec *rec, struct ks_buf *b, int *made,
	    struct ks_err *err) KS_MUST_USE;

/*
 * ks_ingest_reject - a record that cannot be made goes to --on-error.
 * raw are its bytes as they came, kept in the dead letter.
 */
int	ks_ingest_reject(struct ks_ingest *g, struct ks_rec *rec, struct ks_bytes raw,
	    const char *what, struct ks_buf *b, int *made, struct ks_err *err)
	    KS_MUST_USE;

#endif
