/* SPDX-License-Identifier: MIT */
/*
 * source-text-impl.h - what the two ways of reading text share: files one
 * after another (source-text.c), or all at once by time (source-text-order.c).
 */
#ifndef KS_SOURCE_TEXT_IMPL_H
#define KS_SOURCE_TEXT_IMPL_H

#include "fdio.h"
#include "order.h"
#include "places.h"
#include "source-own.h"

/* What is of the file at hand. */
struct hand {
	struct ks_in in;
	unsigned char *tail;		/* KS_PLACES_TAIL bytes at most of what was read before in.start, as long as in no longer holds it */
	size_t tail_n;
	size_t skipped;			/* bytes of a line past --max-record that were let go so far */
	struct ks_rec blank;		/* what all its records share */
	bool partial;			/* what is held is the beginning of a line */
};

/* With --order time: of each file what is put aside while another is at hand, and its next record. */
struct spot {
	struct hand hand;
	uint64_t line;
	struct ks_buf head;		/* frames of its next line */
	size_t size;			/* bytes of that */
	int made;			/* records in it */
	bool letter;			/* which is a dead one */
	int64_t ms;
};

struct text {
	struct ks_own own;
	const struct ks_config *config;
	struct hand hand;
	struct ks_ingest ingest;
	struct ks_buf object, scratch;	/* an envelope on its way; object: the beginning of a line past --max-record */
	struct ks_places places;	/* the files, or stdin */
	size_t at;			/* the one being read; places.count: none left */
	char (*topics)[KS_NAME_MAX + 1];	/* of each file */
	uint32_t odd, doubt;		/* lines to read one by one before many are tried at once again, and how many it was the last time */
	bool letter;			/* what was made of the line at hand is a dead letter: -c does not count it */
	struct spot *spots;		/* of each file; NULL: one after another */
	struct ks_order order;		/* of them */
	struct ks_csv *csv;		/* of each file; NULL: it is neither csv nor tsv */
};

/* The file at t->at: to where the ledger says it stands.  Closing it checks nothing. */
int	ks_text_open_input(struct text *t, struct ks_err *err) KS_MUST_USE;
void	ks_text_close_input(struct text *t);

/* What was read of it is still there. */
int	ks_text_check_input(struct text *t, struct ks_err *err) KS_MUST_USE;

/* More of it; *wait: nothing now, but for a PING where block is set. */
int	ks_text_read_more(struct text *t, bool block, bool *wait, struct ks_err *err) KS_MUST_USE;

/* The first line that is held, size bytes with its newline; 0: none is whole.  What is too long is let go of. */
int	ks_text_find_line(struct text *t, struct ks_bytes *line, size_t *size, struct ks_err *err) KS_MUST_USE;

/* The rest of a file without a newline behind it; with --app it waits for one, unless --end complete says that none comes. */
bool	ks_text_is_last_line(const struct text *t);

/* A line past --max-record: n bytes of what is held are let go of; its position moves only when its end has come. */
int	ks_text_let_go(struct text *t, size_t n, struct ks_err *err) KS_MUST_USE;

/* The same for csv and tsv (source-text-csv.c), where t->csv is set. */
int	ks_text_csv_open(struct text *t, struct ks_err *err) KS_MUST_USE;
int	ks_text_csv_begin(struct text *t, struct ks_err *err) KS_MUST_USE;	/* at the file at hand */
int	ks_text_csv_find(struct text *t, struct ks_bytes *row, size_t *size, struct ks_err *err) KS_MUST_USE;
int	ks_text_csv_line(struct text *t, struct ks_rec *rec, struct ks_bytes *row, int *made, struct ks_err *err) KS_MUST_USE;	/* as ks_ingest_line */
int	ks_text_csv_read(struct text *t, struct ks_rec *rec, struct ks_bytes row, int *made, struct ks_err *err) KS_MUST_USE;
void	ks_text_csv_pass(struct text *t);
void	ks_text_csv_close(struct text *t);

/* One line without its newline, or the end of one that is too long: what is made of it goes to t->own.frames. */
int	ks_text_read_line(struct text *t, struct ks_bytes line, int *made, struct ks_err *err) KS_MUST_USE;

/* It is dealt with, size bytes of what is held: the position moves. */
void	ks_text_pass(struct text *t, size_t size, int made);

/* --order time: gather of ks_own, and what is around it. */
int	ks_text_open_ordered(struct text *t, struct ks_err *err) KS_MUST_USE;
void	ks_text_close_ordered(struct text *t);
int	ks_text_gather_ordered(struct ks_own *own, bool block, struct ks_err *err) KS_MUST_USE;
/* Of struct ks_own: while something of a file waits for its turn, nobody is silent. */
void	ks_text_awake(void *own, struct ks_idle *x);
int	ks_text_check_all(struct text *t, struct ks_err *err) KS_MUST_USE;

#endif
