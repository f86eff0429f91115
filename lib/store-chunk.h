/* SPDX-License-Identifier: MIT */
/*
 * store-chunk.h - the changes of an epoch as bytes, in pieces of about
 * 32 KiB; kstream-state(5) states the format.
 *
 * A chunk is a sequence of records, each a letter and what follows:
 *
 *	P partition segment	what follows is about these (i32, i64, big endian)
 *	D			the segment was dropped
 *	X n key			the key was deleted
 *	V n m key value		the key has the value
 *
 * n and m are lengths as LEB128.  A chunk begins with P.
 */
#ifndef KS_STORE_CHUNK_H
#define KS_STORE_CHUNK_H

#include "buf.h"

#define KS_CHUNK_SIZE ((size_t)32 << 10)	/* one that has reached it is written */

enum ks_chunk_kind {
	KS_CHUNK_DROP,
	KS_CHUNK_DELETE,
	KS_CHUNK_VALUE,
};

struct ks_chunk_change {
	enum ks_chunk_kind kind;
	bool placed;		/* a P has come */
	int32_t partition;
	int64_t segment;
	struct ks_bytes key, value;	/* borrow from the chunk */
};

/* Append records: 0, ENOMEM, EMSGSIZE.  Each place once, before what is about it. */
int	ks_chunk_add_place(struct ks_buf *b, int32_t partition, int64_t segment) KS_MUST_USE;
int	ks_chunk_add_drop(struct ks_buf *b) KS_MUST_USE;
int	ks_chunk_add_delete(struct ks_buf *b, struct ks_bytes key) KS_MUST_USE;
int	ks_chunk_add_value(struct ks_buf *b, struct ks_bytes key, struct ks_bytes value) KS_MUST_USE;

/*
 * ks_chunk_next - the next change; c is kept between calls and begins as
 * zero.  1: there is one, 0: that was all, -1: these bytes are no chunk.
 */
int	ks_chunk_next(struct ks_bytes *left, struct ks_chunk_change *c) KS_MUST_USE;

#endif
