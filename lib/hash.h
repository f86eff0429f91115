/* SPDX-License-Identifier: MIT */
/*
 * hash.h - the two hashes: Kafka's, which places a record, and xxhash,
 * which fills our own tables.
 */
#ifndef KS_HASH_H
#define KS_HASH_H

#include "bytes.h"

/*
 * ks_murmur2 - murmur2 with Kafka's seed, as the Java client's
 * BuiltInPartitioner.partitionForKey hashes a serialised key.
 * Source: org.apache.kafka.common.utils.Utils.murmur2.
 */
uint32_t ks_murmur2(struct ks_bytes key);

/* The partition, 0 to count - 1, that Kafka's own client would choose.  count > 0. */
static inline int32_t ks_partition_of(struct ks_bytes key, int32_t count)
{
	return (int32_t)((ks_murmur2(key) & 0x7fffffffu) % (uint32_t)count);
}

/* A hash for tables in memory (XXH3, 64 bits); seed differs by process so that no input can aim at one chain. */
uint64_t ks_hash(struct ks_bytes key, uint64_t seed);

#endif
