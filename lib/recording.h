/* SPDX-License-Identifier: MIT */
/*
 * recording.h - FILE.index: what times stand where in a file of frames.
 *
 * The records of the file stand in blocks of about 1 MiB, and of each the index
 * has the byte at which it begins and its least and its greatest time.  It
 * belongs to the file that has the size, and the check (input.h), that it was
 * made for; to another one, or damaged, it is wrong, and is made again by
 * hopping over the frames.
 *
 * All integers are big-endian:
 *
 *	8	"kstridx1"
 *	8	size of the file
 *	16	check of all of it
 *	8	end: the byte behind the last record
 *	8	number of blocks
 *	24 each	offset, least_ms, most_ms
 *	8	XXH3 of all before, 64 bits, seed 0
 */
#ifndef KS_RECORDING_H
#define KS_RECORDING_H

#include "beside.h"
#include "fdio.h"
#include "frame.h"

#define KS_RECORDING_BLOCK ((int64_t)1 << 20)

struct ks_recording_block {
	int64_t offset, least_ms, most_ms;	/* INT64_MIN, INT64_MAX: it is to be read in any case */
};

/* All zero bytes is an index of nothing. */
struct ks_recording {
	struct ks_recording_block *blocks;
	size_t count, cap;
	int64_t end;
};

/* The next frame, of size bytes at offset.  timed: it is a record of that time; else it is to be read whatever times are asked for.  0, ENOMEM. */
int	ks_recording_add(struct ks_recording *x, int64_t offset, size_t size, bool timed, int64_t time_ms) KS_MUST_USE;

/* What is in the order of time need not be read to its end: whether nothing of block i is within since <= t < until. */
static inline bool ks_recording_outside(const struct ks_recording *x, size_t i, int64_t since_ms, int64_t until_ms)
{
	return x->blocks[i].most_ms < since_ms || x->blocks[i].least_ms >= until_ms;
}

/*
 * ks_recording_read - the index of the file path, open as fd, of size bytes.
 * *why: NULL where it is good, else why it is not, and x is empty; *there: a file
 * of that name is.  0; KS_TEMP: no memory.
 */
int	ks_recording_read(const char *path, int fd, int64_t size, struct ks_recording *x, bool *there, const char **why,
	    struct ks_err *err) KS_MUST_USE;

/* Write it beside the file, all of it or nothing.  KS_IO, KS_TEMP. */
int	ks_recording_write(const char *path, int fd, int64_t size, const struct ks_recording *x, struct ks_err *err) KS_MUST_USE;

void	ks_recording_release(struct ks_recording *x);

/*
 * A file of frames that is written with its index.  It has its name once it is
 * whole: until then it is FILE.partial.  All zero bytes is none.
 */
struct ks_recorder {
	const char *path;
	char *partial;
	struct ks_out out;
	struct ks_recording index;
	int64_t offset;			/* of the next frame */
	int64_t hop, epoch;		/* records since, and number of, the last barrier */
	struct ks_buf control;
	bool open, within;		/* a section has begun */
};

/*
 * Once all that the config names is there.  KS_USAGE: FILE, FILE.partial or
 * FILE.index is read or written by this process, also as late (--late
 * file:PATH), by whatever name; or is there, not empty, and begins as none.
 * KS_TEMP: another process writes it; KS_CANTCREAT.
 */
int	ks_recorder_open(struct ks_recorder *x, const char *path, const struct ks_config *c, const struct ks_beside *late,
	    struct ks_err *err) KS_MUST_USE;
/* payload: of a HELLO, which says merged already or will; a section that is open ends there, paused. */
int	ks_recorder_hello(struct ks_recorder *x, struct ks_bytes payload, bool merged, int64_t epoch, struct ks_err *err) KS_MUST_USE;
int	ks_recorder_record(struct ks_recorder *x, const struct ks_rec *rec, struct ks_err *err) KS_MUST_USE;
/* END, complete; both files are on the disk, and get their names. */
int	ks_recorder_finish(struct ks_recorder *x, struct ks_err *err) KS_MUST_USE;
/* What was not finished is gone. */
void	ks_recorder_close(struct ks_recorder *x);

#endif
