/* SPDX-License-Identifier: MIT */
/*
 * source.h - where a tool's input comes from: always a stream of frames.
 *
 * A pipe or a frames file brings the frames it was given.  Every other
 * input (lines of text, Kafka) is turned into them by a source here: HELLO
 * first, RECORDs, a BARRIER each --commit-interval, END last.  So the
 * operator's loop knows one kind of input.
 */
#ifndef KS_SOURCE_H
#define KS_SOURCE_H

#include "config.h"
#include "frame.h"
#include "ingest.h"

enum ks_next {
	KS_NEXT_FRAMES,		/* src->chunk holds something new, or records were given */
	KS_NEXT_WAIT,		/* nothing now */
	KS_NEXT_OVER,		/* nothing any more */
	KS_NEXT_FAILED,		/* err is filled */
};

/* Counters that the summary and the progress line read. */
struct ks_source_stats {
	uint64_t bytes;		/* read */
	uint64_t total;		/* to read in all, 0: not known */
	uint64_t duplicates;	/* equal keys in JSON */
};

struct ks_source {
	/*
	 * Make more frames available in src->chunk, which then begins behind
	 * what the loop has used (src->used) and dies at the next call.
	 *
	 *	block	wait for input, until wake is readable or the source has
	 *		something of its own to do; false: only what is there
	 */
	enum ks_next (*next)(struct ks_source *src, bool block, struct ks_err *err);
	/* End the section soon, paused (a signal) or complete (-c); NULL where the frames come from upstream. */
	void (*stop)(struct ks_source *src, enum ks_kind kind);
	/*
	 * From now on a record goes to take as soon as it is made, from within
	 * next, instead of into a frame; what take returns ends next.  NULL: it
	 * only makes frames.
	 */
	void (*give)(struct ks_source *src, int (*take)(void *taker, struct ks_rec *rec), void *taker);
	/*
	 * The same, for who asks no more of a value than set says (NULL: all of it):
	 * where lines allow it, records are given without one (value.p is NULL), the
	 * set having been loaded from the text; value makes it, of the record that
	 * is being given.  expect, if not NULL, is told of keys that may come soon, as
	 * in ingest.h.  NULL: there is only give.
	 */
	int (*give_loaded)(struct ks_source *src, struct ks_expr_set *set, int (*take)(void *taker, struct ks_rec *rec),
	    void (*expect)(void *taker, const struct ks_rec *rec, bool found), void *taker, struct ks_err *err);
	int (*value)(struct ks_source *src, struct ks_rec *rec, struct ks_err *err);
	/*
	 * What err tells of (KS_DATA) may be damage in a file: if so, put its name and
	 * the byte into the text.  All is read again.  NULL: it says so itself.
	 */
	void (*blame)(struct ks_source *src, struct ks_err *err);
	void (*close)(struct ks_source *src);

	struct ks_bytes chunk;
	size_t run;		/* bytes at the start of chunk that are RECORD frames and no other */
	uint64_t run_records;	/* so many */
	size_t used;		/* of chunk, by the loop: whole frames */
	size_t need;		/* the frame behind them wants so many bytes; 0: not known */
	int wake;		/* fd that a signal makes readable */
	bool piped;		/* a pipe, or a stream of its own making: not a file of frames at rest */
	uint64_t before;	/* bytes of the files before this one, for messages */
	const char *name;	/* for messages: "stdin", a path, a broker */
	struct ks_source_stats stats;
	struct ks_ingest *ingest;	/* what it rejected and dropped; NULL where the frames come from upstream */
};

/* Frames from the files of config, one after another, or from stdin. */
int	ks_source_frames(const struct ks_config *config, int wake, struct ks_source **src,
	    struct ks_err *err) KS_MUST_USE;

/*
 * ks_source_recorded - frames of the files of config as one stream, whose records
 * are merged by time: the smallest head goes first, ties by the order of the
 * files, and each file stays as it is.  With --since or --until a FILE.index
 * (recording.h) says what need not be read.  END is complete, once all files
 * have been read to theirs.
 */
int	ks_source_recorded(const struct ks_config *config, int wake, struct ks_source **src,
	    struct ks_err *err) KS_MUST_USE;

/* Lines of text (json, envelope, raw, csv, tsv) from the files of config or stdin. */
int	ks_source_text(const struct ks_config *config, int wake, struct ks_source **src,
	    struct ks_err *err) KS_MUST_USE;

#endif
