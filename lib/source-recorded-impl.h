/* SPDX-License-Identifier: MIT */
/* source-recorded-impl.h - the inside of the source that reads files of frames, for source-recorded*.c alone. */
#ifndef KS_SOURCE_RECORDED_IMPL_H
#define KS_SOURCE_RECORDED_IMPL_H

#include "lanes.h"
#include "order.h"
#include "recording.h"
#include "sorter.h"
#include "source-own.h"

/* A file. */
struct spot {
	const char *name;
	struct ks_in in;
	int64_t size;		/* -1: a pipe */
	int64_t at;		/* the byte of it that in.start is */
	struct ks_recording index;
	size_t block;		/* of it, the next one to come to */
	bool merged;		/* HELLO says so, or there is one partition */
	bool begun, within;	/* its first HELLO has come; a section is open */
	bool hopped;		/* blocks were passed over since the last barrier */
	int64_t hop;		/* records since the last barrier */
	struct ks_rec_guess guess;
	struct ks_rec rec;	/* the head, of n bytes */
	size_t n;
};

/* What the HELLOs of the files name. */
struct stream {
	char name[KS_NAME_MAX + 1];
	struct ks_hello_stream facts;
};

struct recorded {
	struct ks_own own;
	const struct ks_config *config;
	struct ks_ingest ingest;	/* nothing is made here: what has no time is rejected */
	struct spot *spots;
	size_t count, at;
	struct ks_order order;
	bool open;			/* HELLO is out */
	bool sorts;			/* it is not merged: source-recorded-sort.c */
	struct ks_sorter sorter;
	struct ks_lanes lanes;		/* topics have the places in which the HELLOs name them */
	size_t sorted_from;		/* the file that is read */
	bool drained;			/* all has gone out */
	bool picks;			/* records are to be looked at one by one */
	struct stream *streams;
	size_t stream_count;
	int64_t partitions;		/* that a HELLO tells of */
	struct ks_buf sides, positions;	/* sides: names, each with its NUL */
	size_t max;			/* bytes of a frame */
};

extern const char ks_recorded_no_hello[];

/* source-recorded-frames.c: of one file.  All return 0, or a status with err filled. */

/* What is wrong with the file where it is read now: KS_DATA. */
int	ks_recorded_bad(const struct spot *x, const char *what, struct ks_err *err);
/*
 * The frame at the front, if it is whole: then it has x->n bytes.  Else more is
 * read: *wait, where that is not known now; *over: there is none.  Blocks of
 * which nothing is wanted are passed over.
 */
int	ks_recorded_front(struct recorded *s, struct spot *x, bool block, int *type, struct ks_bytes *payload, bool *wait, bool *over,
	    struct ks_err *err) KS_MUST_USE;
/* It has been used. */
static inline void ks_recorded_step(struct spot *x, size_t n)
{
	x->in.start += n;
	x->at += (int64_t)n;
}
/* It is a record: it is the head, if it is *wanted. */
int	ks_recorded_record(struct recorded *s, struct spot *x, struct ks_bytes payload, bool *wanted, struct ks_err *err) KS_MUST_USE;
/* It is another; one of a type that is not known goes on as it came. */
int	ks_recorded_control(struct recorded *s, struct spot *x, int type, struct ks_bytes payload, struct ks_err *err) KS_MUST_USE;

/* source-recorded.c: the next record of file i, if it has one: *wait, where that is not known now. */
int	ks_recorded_look(struct recorded *s, size_t i, bool block, bool *wait, struct ks_err *err) KS_MUST_USE;

/* source-recorded-sort.c: more is read, or, once all was, handed out. */
int	ks_recorded_sort_open(struct recorded *s, struct ks_err *err) KS_MUST_USE;
int	ks_recorded_sort(struct recorded *s, bool block, bool *wait, struct ks_err *err) KS_MUST_USE;

/* source-recorded-index.c: with a range, where it stands in the file, which is open. */
int	ks_recorded_index(struct recorded *s, struct spot *x, struct ks_err *err) KS_MUST_USE;

/* source-recorded-blame.c: blame of source.h. */
void	ks_recorded_blame(struct ks_source *source, struct ks_err *err);

#endif
