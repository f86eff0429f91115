/* SPDX-License-Identifier: MIT */
/* buf.c - growable bytes with a cap, and an arena. */
#include "buf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void ks_buf_init(struct ks_buf *b, size_t max)
{
	*b = (struct ks_buf){ .max = max };
}

void ks_buf_release(struct ks_buf *b)
{
	free(b->p);
	*b = (struct ks_buf){ .max = b->max };
}

int ks_buf_grow(struct ks_buf *b, size_t n)
{
	size_t need, cap;
	unsigned char *p;

	if (n > b->max || b->n > b->max - n)
		return EMSGSIZE;
	need = b->n + n;
	if (need <= b->cap)
		return 0;
	cap = b->cap < 256 ? 256 : b->cap;
	while (cap < need)
		cap *= 2;
	if (cap > b->max)
		cap = b->max;
	p = realloc(b->p, cap);
	if (p == NULL)
		return ENOMEM;
	b->p = p;
	b->cap = cap;
	return 0;
}

int ks_buf_add(struct ks_buf *b, const void *p, size_t n)
{
	int no = ks_buf_reserve(b, n);

	if (no != 0)
		return no;
	if (n > 0)
		memcpy(b->p + b->n, p, n);
	b->n += n;
	return 0;
}

int ks_buf_read(struct ks_buf *b, int fd)
{
	ssize_t n;
	int no;

	for (;;) {
		no = ks_buf_reserve(b, 4096);
		if (no != 0)
			return no;
		n = read(fd, b->p + b->n, b->cap - b->n);
		if (n < 0 && errno != EINTR)
			return errno;
		if (n == 0)
			return 0;
		if (n > 0)
			b->n += (size_t)n;
	}
}

int ks_buf_printf(struct ks_buf *b, const char *fmt, ...)
{
	va_list ap;
	int n, no;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		return EINVAL;
	no = ks_buf_reserve(b, (size_t)n + 1);
	if (no != 0)
		return no;
	va_start(ap, fmt);
	vsnprintf((char *)b->p + b->n, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->n += (size_t)n;
	return 0;
}

#define ARENA_BLOCK ((size_t)4 << 10)
#define ARENA_BLOCK_MAX ((size_t)1 << 20)

struct ks_arena_block {
	struct ks_arena_block *next;
	size_t cap;
	_Alignas(16) unsigned char p[];
};

void *ks_arena_get(struct ks_arena *a, size_t n)
{
	struct ks_arena_block *block;
	size_t cap;
	void *p;

	if (n > SIZE_MAX / 4)
		return NULL;
	n = (n + 15) & ~(size_t)15;
	if (a->head == NULL || a->cap - a->used < n) {
		cap = a->head == NULL ? ARENA_BLOCK : a->cap * 2;
		if (cap > ARENA_BLOCK_MAX)
			cap = ARENA_BLOCK_MAX;
		if (cap < n)
			cap = n;
		if (a->max != 0 && (cap > a->max || a->held > a->max - cap))
			return NULL;
		block = malloc(sizeof(*block) + cap);
		if (block == NULL)
			return NULL;
		*block = (struct ks_arena_block){ .next = a->head, .cap = cap };
		a->head = block;
		a->cap = cap;
		a->used = 0;
		a->held += cap;
	}
	p = a->head->p + a->used;
	a->used += n;
	return p;
}

/* Blocks grow, so the head is the largest but for a single request that was larger still. */
void ks_arena_reset(struct ks_arena *a)
{
	struct ks_arena_block *block, *next;

	if (a->head == NULL)
		return;
	for (block = a->head->next; block != NULL; block = next) {
		next = block->next;
		free(block);
	}
	a->head->next = NULL;
	a->held = a->head->cap;
	a->cap = a->head->cap;
	a->used = 0;
}

void ks_arena_release(struct ks_arena *a)
{
	ks_arena_reset(a);
	free(a->head);
	*a = (struct ks_arena){ .max = a->max };
}
