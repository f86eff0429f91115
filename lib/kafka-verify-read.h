/* SPDX-License-Identifier: MIT */
/* kafka-verify-read.h - one side of a copy: ranges of partitions, read again and hashed. */
#ifndef KS_KAFKA_VERIFY_READ_H
#define KS_KAFKA_VERIFY_READ_H

#include "kafka.h"

/* Offsets [from, to). */
struct ks_verify_run {
	int64_t from, to;
};

/* Index of what is hashed: all, or all but the time. */
enum { KS_TIMED, KS_UNTIMED, KS_VERIFY_HASHES };

struct ks_verify_part {
	struct ks_verify_topic *topic;
	int32_t partition;
	bool mixed;			/* its records went to, or came from, more than one partition */
	bool repeated;			/* a record of it went out more than once */
	bool done;
	int64_t next;			/* offset behind the last that went out */
	struct ks_verify_part *peer;	/* of the other side, NULL: none */
	struct ks_verify_run *runs;
	size_t count, cap, at;
	uint64_t records;
	uint64_t chain[KS_VERIFY_HASHES];	/* in order */
	uint64_t sum[KS_VERIFY_HASHES];	/* in any order */
	uint64_t *each;			/* of the record by itself, where the side keeps them */
};

struct ks_verify_topic {
	char *name;
	struct ks_verify_part **parts;	/* by partition; NULL: none of it */
	size_t count;
};

/* All zero bytes are an empty side. */
struct ks_verify_side {
	struct ks_verify_topic **topics;
	size_t count;
	struct ks_verify_part *last;	/* found last */
	bool appends;			/* a topic of it sets its own times */
	uint64_t keep;			/* so many hashes of each part are kept, */
	int kept;			/* these */
};

/* The part; NULL: there is none. */
struct ks_verify_part *ks_verify_find(struct ks_verify_side *s, const char *topic, int32_t partition);

/* The part, made where it is new; NULL: no memory.  The caller knows that the topic has this partition. */
struct ks_verify_part *ks_verify_part(struct ks_verify_side *s, const char *topic, int32_t partition);

/* Add an offset, or a range; ranges that touch the last one become one with it.  0 or ENOMEM. */
int	ks_verify_add(struct ks_verify_part *p, int64_t from, int64_t to) KS_MUST_USE;

/*
 * ks_verify_read - read all runs of a side, and fill in records and hashes.
 *
 *	isolation	of the reader, unless -X says otherwise
 *
 * A record's hash is XXH3 (64 bits, seed 0) over key, value (each: length
 * as 4 bytes, big-endian, -1 for null, then the bytes), number of headers (4 bytes),
 * each header's name and value likewise; its time (8 bytes) is then hashed
 * with that as the seed.  The hash of a partition is that of each record's
 * hash (8 bytes) with the hash up to there as the seed, 0 at first.
 */
int	ks_verify_read(struct ks_verify_side *s, const struct ks_kafka_options *options,
	    const char *isolation, struct ks_err *err) KS_MUST_USE;

void	ks_verify_side_release(struct ks_verify_side *s);

#endif
