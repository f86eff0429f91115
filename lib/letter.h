/* SPDX-License-Identifier: MIT */
/*
 * letter.h - a record that leaves beside the results, with headers that say
 * why: dead (reject.h), late (win-late.c).
 *
 * It is a record like any other: where it would pass --max-record its value
 * is cut to half of that, with a header that says how long it was, and in
 * the end its own headers and key go.
 */
#ifndef KS_LETTER_H
#define KS_LETTER_H

#include "beside.h"
#include "headers.h"

struct ks_letters {
	struct ks_beside file;		/* file.fd < 0: they go another way */
	struct ks_limits limits;
	struct ks_headers headers;
	struct ks_buf value, line;
	bool written;			/* since it was synced */
};

/* A header behind those of the record. */
struct ks_letter_why {
	const char *name;
	struct ks_bytes text;
	char room[24];			/* of ks_letter_number */
};

void	ks_letters_init(struct ks_letters *l, const struct ks_limits *limits);
void	ks_letters_release(struct ks_letters *l);

/* They go to path, which an option names and which the caller has checked: ks_beside_open.  Its statuses. */
int	ks_letters_to(struct ks_letters *l, const char *option, const char *path, struct ks_err *err) KS_MUST_USE;

void	ks_letter_number(struct ks_letter_why *why, const char *name, int64_t x);

/*
 * ks_letter_make - that of rec, a record of this side (KS_SIDE_DEAD or
 * KS_SIDE_LATE), with these headers; cut is the name of the one that a cut
 * value gets, before the last.  letter borrows from rec and from l until the
 * next.  Of a limit that not even the reasons fit the next tool will say so.
 * 0; KS_TEMP: no memory; KS_DATA: its headers are none.
 */
int	ks_letter_make(struct ks_letters *l, const struct ks_rec *rec, uint32_t side, const struct ks_letter_why *why,
	    size_t count, const char *cut, struct ks_rec *letter, struct ks_err *err) KS_MUST_USE;

/* Append one to the file as an envelope; what: "a late record", for the message.  KS_IO, KS_TEMP. */
int	ks_letter_write(struct ks_letters *l, const struct ks_rec *letter, const char *what, struct ks_err *err) KS_MUST_USE;

/* What was written survives a crash: before a position is committed. */
int	ks_letters_sync(struct ks_letters *l, struct ks_err *err) KS_MUST_USE;

#endif
