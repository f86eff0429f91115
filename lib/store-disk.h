/* SPDX-License-Identifier: MIT */
/*
 * store-disk.h - an ordered file of bytes -> bytes, by Berkeley DB 5.3.
 *
 * The library is loaded when the first one is opened.  What is written
 * between begin and end is there wholly or not at all, also after kill -9,
 * and with sync also after a power cut.  Pages have checksums.  One process
 * has it open at a time: whoever opens it holds a lock of its own.
 *
 * Functions return 0 or a ks_status with err filled: KS_IO where the disk
 * fails or is full, KS_CONFIG where what is on it is damaged (the text says
 * what to do), KS_TEMP without memory.  After any of them it can only be
 * closed.
 */
#ifndef KS_STORE_DISK_H
#define KS_STORE_DISK_H

#include "buf.h"

struct ks_disk;
struct ks_disk_cursor;

/*
 *	home	a directory that is there, and belongs to this file alone
 *	cache	bytes of memory for pages
 *	durable	false: it is scratch, without transactions: begin and end do
 *		nothing, and home is removed before the call returns
 */
int	ks_disk_open(struct ks_disk **d, const char *home, size_t cache, bool durable,
	    struct ks_err *err) KS_MUST_USE;
void	ks_disk_close(struct ks_disk *d);	/* what was begun is undone; NULL is allowed */

int	ks_disk_begin(struct ks_disk *d, struct ks_err *err) KS_MUST_USE;
int	ks_disk_end(struct ks_disk *d, bool sync, struct ks_err *err) KS_MUST_USE;

/* value is emptied, and filled if there is one. */
int	ks_disk_get(struct ks_disk *d, struct ks_bytes key, struct ks_buf *value, bool *found,
	    struct ks_err *err) KS_MUST_USE;
int	ks_disk_put(struct ks_disk *d, struct ks_bytes key, struct ks_bytes value,
	    struct ks_err *err) KS_MUST_USE;
int	ks_disk_delete(struct ks_disk *d, struct ks_bytes key, struct ks_err *err) KS_MUST_USE;	/* none is no error */

/*
 * Many changes by one cursor, which belongs to what was begun.  ks_disk_find:
 * a key, at which the cursor stands, if it is found, until the next call on
 * it; so long its value lives.  replace: another value for that key.
 */
int	ks_disk_writer(struct ks_disk *d, struct ks_disk_cursor **c, struct ks_err *err) KS_MUST_USE;
int	ks_disk_find(struct ks_disk_cursor *c, struct ks_bytes key, bool *found, struct ks_bytes *value, struct ks_err *err) KS_MUST_USE;
int	ks_disk_replace(struct ks_disk_cursor *c, struct ks_bytes value, struct ks_err *err) KS_MUST_USE;
int	ks_disk_cursor_put(struct ks_disk_cursor *c, struct ks_bytes key, struct ks_bytes value, struct ks_err *err) KS_MUST_USE;

/*
 * ks_disk_from - the first key at or above from, by bytes; key->p == NULL:
 * there is none.  key and value live until the next call on the cursor; the
 * file may be changed only by ks_disk_cursor_delete meanwhile.
 */
int	ks_disk_from(struct ks_disk *d, struct ks_bytes from, struct ks_disk_cursor **c,
	    struct ks_bytes *key, struct ks_bytes *value, struct ks_err *err) KS_MUST_USE;
int	ks_disk_last(struct ks_disk *d, struct ks_disk_cursor **c, struct ks_bytes *key, struct ks_bytes *value,
	    struct ks_err *err) KS_MUST_USE;	/* the last key of all */
int	ks_disk_seek(struct ks_disk_cursor *c, struct ks_bytes from, struct ks_bytes *key,
	    struct ks_bytes *value, struct ks_err *err) KS_MUST_USE;
int	ks_disk_next(struct ks_disk_cursor *c, struct ks_bytes *key, struct ks_bytes *value,
	    struct ks_err *err) KS_MUST_USE;
int	ks_disk_cursor_delete(struct ks_disk_cursor *c, struct ks_err *err) KS_MUST_USE;
void	ks_disk_cursor_close(struct ks_disk_cursor *c);	/* NULL is allowed */

/*
 * Bound the log and what a restart must read of it: a checkpoint when 64 MiB
 * were written since the last one.  It would write all pages that have
 * changed, so most are written before, every 2 MiB.  Best outside of begin
 * and end, and behind a sync: else the log is made safe once more.
 */
int	ks_disk_checkpoint(struct ks_disk *d, struct ks_err *err) KS_MUST_USE;

#endif
