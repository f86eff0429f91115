/* SPDX-License-Identifier: MIT */
/*
 * store-slab.h - memory of a large segment, in pieces for which the system
 * keeps one entry in its tables of pages, not 512: entries are looked for all
 * over it, and each look would walk those tables.
 *
 * Where the system has no such pages a slab is memory like any other.
 */
#ifndef KS_STORE_SLAB_H
#define KS_STORE_SLAB_H

#include <stddef.h>

#define KS_SLAB ((size_t)2 << 20)	/* bytes of a huge page on x86-64, and on arm64 with pages of 4 KiB */

/* n bytes of zeros, a multiple of KS_SLAB, aligned to that; NULL: no memory. */
void	*ks_slab_new(size_t n);
void	ks_slab_free(void *slab, size_t n);

#endif
