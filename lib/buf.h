/* SPDX-License-Identifier: MIT */
/*
 * buf.h - growable bytes with a cap, and an arena that is emptied at once.
 *
 * A buffer names its maximum at birth.  p may move at every call that can
 * grow it.  Functions return 0, ENOMEM, or EMSGSIZE when max is passed.
 */
#ifndef KS_BUF_H
#define KS_BUF_H

#include "bytes.h"
#include "sys.h"

struct ks_buf {
	unsigned char *p;
	size_t n, cap, max;
};

void	ks_buf_init(struct ks_buf *b, size_t max);
void	ks_buf_release(struct ks_buf *b);

/* Make room for n more bytes behind b->n; they are not initialised. */
int	ks_buf_grow(struct ks_buf *b, size_t n) KS_MUST_USE;

static inline int KS_MUST_USE ks_buf_reserve(struct ks_buf *b, size_t n)
{
	return KS_LIKELY(b->cap - b->n >= n) ? 0 : ks_buf_grow(b, n);
}

int	ks_buf_add(struct ks_buf *b, const void *p, size_t n) KS_MUST_USE;
/* All that fd gives up to its end; also an errno of read. */
int	ks_buf_read(struct ks_buf *b, int fd) KS_MUST_USE;

int	ks_buf_printf(struct ks_buf *b, const char *fmt, ...) KS_MUST_USE KS_PRINTF(2, 3);

static inline struct ks_bytes ks_buf_bytes(const struct ks_buf *b)
{
	return (struct ks_bytes){ b->p, b->n };
}

/*
 * An arena hands out memory aligned to 16 bytes that lives until
 * ks_arena_reset (which keeps the largest block for the next round) or
 * ks_arena_release.  All zero is an empty arena without a bound; set max
 * to bound the bytes held.
 */
struct ks_arena {
	struct ks_arena_block *head;
	size_t used, cap;	/* of the head block */
	size_t held, max;
};

void   *ks_arena_get(struct ks_arena *a, size_t n) KS_MUST_USE;	/* NULL: no memory, or past max */
void	ks_arena_reset(struct ks_arena *a);
void	ks_arena_release(struct ks_arena *a);

#endif
