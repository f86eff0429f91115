/* SPDX-License-Identifier: MIT */
/* store-slab.c - memory of a large segment. */
#include "store-slab.h"

#include <stdint.h>
#include <sys/mman.h>

void *ks_slab_new(size_t n)
{
	unsigned char *p;
	size_t before;

	if (n > SIZE_MAX - KS_SLAB)
		return NULL;
	p = mmap(NULL, n + KS_SLAB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return NULL;
	before = (KS_SLAB - (uintptr_t)p % KS_SLAB) % KS_SLAB;
	if (before > 0)
		munmap(p, before);
	munmap(p + before + n, KS_SLAB - before);
	(void)madvise(p + before, n, MADV_HUGEPAGE);	/* a kernel without them says so, which is no matter */
	return p + before;
}

void ks_slab_free(void *slab, size_t n)
{
	munmap(slab, n);
}
