/* SPDX-License-Identifier: MIT */
/*
 * lanes.h - the sequences that records come in: each partition of each topic,
 * of each input.  Of each it knows the greatest time so far; and topics have
 * places, in the order in which their names have come.
 *
 * A merge that takes the smallest head leaves records in the order of (greatest
 * time of their lane so far, theirs included; topic; partition; input), and of
 * one lane as they stand: so sorting by ks_lane_key is that merge.
 */
#ifndef KS_LANES_H
#define KS_LANES_H

#include "frame.h"

struct ks_lane {
	int64_t most_ms;	/* INT64_MIN: none has had a time */
	uint32_t topic;		/* its place; UINT32_MAX: records without a topic */
	int32_t partition;
	uint32_t input;
	uint32_t name;		/* where its topic's name stands in names */
};

/* All zero bytes but for names, which ks_lanes_init makes. */
struct ks_lanes {
	struct ks_lane *at;
	uint32_t count, cap, last;	/* last: found last */
	uint32_t *slots;		/* 1 + the number of a lane, by hash; a power of 2 of them, half are unused */
	uint32_t slot_count;
	struct ks_buf names;		/* each with its NUL */
	uint32_t topics;
};

void	ks_lanes_init(struct ks_lanes *x);
void	ks_lanes_release(struct ks_lanes *x);

/* A topic takes its place before records of it come: 0, ENOMEM, EMSGSIZE (more than 64 MiB of names). */
int	ks_lanes_topic(struct ks_lanes *x, struct ks_bytes name) KS_MUST_USE;

/* That of a record, which may be new: NULL: no memory, or too many names. */
struct ks_lane *ks_lanes_find(struct ks_lanes *x, const struct ks_rec *rec, uint32_t input);

#define KS_LANE_KEY 20u
/* time, topic, partition, input, so that memcmp orders them. */
void	ks_lane_key(unsigned char key[KS_LANE_KEY], int64_t time_ms, const struct ks_lane *lane);

/* The first 8 bytes of a key: it is less than all keys of that time, and greater than those before. */
static inline void ks_lane_time(unsigned char key[8], int64_t time_ms)
{
	ks_put64(key, (uint64_t)time_ms ^ (uint64_t)1 << 63);
}

#endif
