/* SPDX-License-Identifier: MIT */
/*
 * sorter-impl.h - what sorter.c and sorter-file.c share.
 *
 * A record is [u32 bytes of key][u32 bytes of record] key record, in the order
 * of this machine, in memory as in files: what the head of a source points to.
 * In a block two numbers stand before it: the how manieth it was of those that
 * gathered with it, which orders equal keys, and the index of the block.
 */
#ifndef KS_SORTER_IMPL_H
#define KS_SORTER_IMPL_H

#include "sorter.h"

#define KS_SORTER_SIZES 8	/* bytes before the key */

static inline uint32_t ks_sorter_u32(const unsigned char *p)
{
	uint32_t x;

	memcpy(&x, p, sizeof(x));
	return x;
}

static inline struct ks_bytes ks_sorter_key(const unsigned char *at)
{
	return ks_bytes(at + KS_SORTER_SIZES, ks_sorter_u32(at));
}

static inline struct ks_bytes ks_sorter_record(const unsigned char *at)
{
	return ks_bytes(at + KS_SORTER_SIZES + ks_sorter_u32(at), ks_sorter_u32(at + 4));
}

/* Bytes of all of it. */
static inline size_t ks_sorter_size(const unsigned char *at)
{
	return KS_SORTER_SIZES + (size_t)ks_sorter_u32(at) + ks_sorter_u32(at + 4);
}

/* The tournament of count sources from the one at `from` on: tree[0] has the smallest head, if any has one. */
void	ks_sorter_play(struct ks_sorter *s, unsigned from, unsigned count);

/* The head of the winner is another now. */
void	ks_sorter_replay(struct ks_sorter *s, unsigned from, unsigned count);

/* The next of a source becomes its head. */
int	ks_sorter_advance(struct ks_sorter *s, struct ks_sorter_source *x, struct ks_err *err) KS_MUST_USE;

/* All batches become a file: nothing gathers, and no source is used up. */
int	ks_sorter_spill(struct ks_sorter *s, struct ks_err *err) KS_MUST_USE;

/* The same of a file alone. */
int	ks_sorter_file_next(struct ks_sorter *s, struct ks_sorter_source *x, struct ks_err *err) KS_MUST_USE;
void	ks_sorter_file_close(struct ks_sorter_source *x);

#endif
