/* SPDX-License-Identifier: MIT */
/* hash.c - murmur2 as Kafka's Java client computes it; xxhash for everything else. */
#define XXH_INLINE_ALL
#include "hash.h"

#include <xxhash.h>

uint32_t ks_murmur2(struct ks_bytes key)
{
	const uint32_t m = 0x5bd1e995u, seed = 0x9747b28cu;	/* Utils.murmur2 */
	const unsigned char *p = key.p;
	uint32_t h = seed ^ (uint32_t)key.n, k;
	size_t n;

	for (n = key.n; n >= 4; n -= 4, p += 4) {
		memcpy(&k, p, sizeof(k));
		k *= m;
		k ^= k >> 24;
		k *= m;
		h = h * m ^ k;
	}
	if (n == 3)
		h ^= (uint32_t)p[2] << 16;
	if (n >= 2)
		h ^= (uint32_t)p[1] << 8;
	if (n >= 1)
		h = (h ^ p[0]) * m;
	h ^= h >> 13;
	h *= m;
	return h ^ h >> 15;
}

uint64_t ks_hash(struct ks_bytes key, uint64_t seed)
{
	return XXH3_64bits_withSeed(key.p, key.n, seed);
}
