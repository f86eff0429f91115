/* SPDX-License-Identifier: MIT */
/*
 * fdio.h - whole reads and writes, and waiting.
 *
 * All functions return 0 or an errno; EINTR never leaves this file but by
 * ks_wait.  Nothing is written a record at a time: output gathers until it
 * is large, or until the input would block (whoever waits flushes first).
 */
#ifndef KS_FDIO_H
#define KS_FDIO_H

#include "bytes.h"
#include "sys.h"

/*
 * Output: bytes copied into p, then one borrowed run of a lender's memory
 * that follows them.  Untouched frames that lie next to each other in the
 * input's buffer are written from there, without being copied.
 */
struct ks_out {
	int fd;			/* -1: swallow everything */
	unsigned char *p;
	size_t n, cap;
	struct ks_bytes run;
	uint64_t bytes;		/* written so far */
};

int	ks_out_open(struct ks_out *o, int fd) KS_MUST_USE;
void	ks_out_release(struct ks_out *o);	/* does not flush, does not close fd */

int	ks_out_add(struct ks_out *o, const void *p, size_t n) KS_MUST_USE;

/* Room for n contiguous bytes at the end; the caller writes there and calls ks_out_took.  NULL: errno is in *no. */
unsigned char *ks_out_room(struct ks_out *o, size_t n, int *no) KS_MUST_USE;
static inline void ks_out_took(struct ks_out *o, const unsigned char *end)
{
	o->n = (size_t)(end - o->p);
}

/* Lend p[0..n): it must stay as it is until ks_out_settle or ks_out_flush. */
int	ks_out_break(struct ks_out *o, struct ks_bytes run) KS_MUST_USE;
static inline int KS_MUST_USE ks_out_lend(struct ks_out *o, struct ks_bytes b)
{
	if (KS_LIKELY(o->run.p + o->run.n == b.p && o->run.p != NULL)) {
		o->run.n += b.n;
		return 0;
	}
	return ks_out_break(o, b);
}

/* The lender is about to change its memory: the run is copied, or written when large. */
int	ks_out_settle(struct ks_out *o) KS_MUST_USE;
int	ks_out_flush(struct ks_out *o) KS_MUST_USE;

static inline bool ks_out_pending(const struct ks_out *o)
{
	return o->n > 0 || o->run.n > 0;
}

/* Write all of it at once, past any gathering. */
int	ks_write_all(int fd, struct ks_bytes b) KS_MUST_USE;

/*
 * ks_replace_at - name in the directory dir has these bytes, mode 0600, wholly
 * or not at all, also after a power cut: they are written to temp, which
 * takes its place.
 */
int	ks_replace_at(int dir, const char *temp, const char *name, struct ks_bytes b) KS_MUST_USE;

/*
 * ks_sync_parent - that path has been made survives a crash.  A directory that
 * may not be read, or that cannot be synced, is let be.
 */
int	ks_sync_parent(const char *path) KS_MUST_USE;

/* Input: what was read and not used is p[start..end), followed by KS_PAD zero bytes. */
struct ks_in {
	int fd;
	unsigned char *p;
	size_t start, end, cap, max;
	bool eof;
	uint64_t bytes;		/* read so far */
};

/* max: the most that may be held unused at once, in bytes. */
int	ks_in_open(struct ks_in *in, int fd, size_t max) KS_MUST_USE;
void	ks_in_release(struct ks_in *in);

/*
 * One read() behind what is held; moves p[start..end) to the front, and
 * grows, as needed.  EMSGSIZE when max bytes are held already.
 */
int	ks_in_fill(struct ks_in *in) KS_MUST_USE;

/*
 * ks_wait - until fd is readable, wake is readable (a signal came), or
 * timeout_ms have passed (-1: for ever).  Returns 0; *ready tells about fd.
 */
int	ks_wait(int fd, int wake, int timeout_ms, bool *ready) KS_MUST_USE;

/* Monotonic milliseconds, and the wall clock in ms since 1970. */
int64_t	ks_clock_ms(void);
int64_t	ks_wall_ms(void);

#endif
