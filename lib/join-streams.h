/* SPDX-License-Identifier: MIT */
/*
 * join-streams.h - two streams within a span of time: what is kept of them.
 *
 * In the store of a partition, by segment:
 *
 *	0, 1			the rows of a side (enum ks_join_side) that wait for
 *				a match, in order: chunks by number
 *	2 + bucket		the rows whose time is in that bucket, by key: one
 *				chunk has those of both sides; where it does not
 *				do, each side has its own under the key and a byte,
 *				one chunk or a list of them, which stand under that
 *				and their number
 *	KS_STORE_META		how far time has come
 *
 * A bucket is as long as rows are kept, so that what a record can meet is
 * in two of them at most, and rows go bucket by bucket.  Chunks are bounded, so
 * that the millionth row of a key costs what the first one does, and a commit
 * writes no more than what is beside new rows.
 *
 * In memory: two numbers and a key, or the beginning of a long one, for a chunk
 * of rows that wait, of which there are about a hundred in one.
 *
 * Functions that return int return 0 or a ks_status with err filled.  Sources
 * of the rules: semantics.md 4.1; oracle/model.py, StreamStreamJoin.
 */
#ifndef KS_JOIN_STREAMS_H
#define KS_JOIN_STREAMS_H

#include "join.h"

#define KS_JOIN_STREAMS_ROWS 2	/* the first segment of rows */
#define KS_JOIN_CHUNK 4096u	/* bytes of a chunk, but for a row that is larger alone */

/* A chunk: items of ascending time, those of equal times as they came.  Or, with lists > 0, what leads to chunks. */
struct ks_join_chunk {
	uint32_t used;		/* bytes, this head included */
	uint32_t lists;		/* chunks that are listed; for both sides 1: there are two others */
	int64_t last_ms;	/* the largest time of an item */
};

/* A row, or that one waits; n bytes follow, and what is missing to a multiple of 8. */
struct ks_join_item {
	int64_t time_ms;
	uint32_t n;
	uint32_t bits;		/* of a row: below; of those that wait: how many */
};

/* Of a row: the record's time type and kind of key, and these. */
#define KS_JOIN_WAITS (1u << 8)		/* it has no match yet, and is to be told of if it gets none */
#define KS_JOIN_SIDE_SHIFT 9		/* a bit: enum ks_join_side */

static inline enum ks_join_side ks_join_item_side(const struct ks_join_item *i)
{
	return (enum ks_join_side)(i->bits >> KS_JOIN_SIDE_SHIFT & 1);
}

static inline size_t ks_join_item_size(size_t n)
{
	return sizeof(struct ks_join_item) + ((n + 7) & ~(size_t)7);
}

/* The item at an offset below c->used; NULL: the chunk is damaged. */
static inline const struct ks_join_item *ks_join_item_at(const struct ks_join_chunk *c, size_t at)
{
	const struct ks_join_item *i = (const void *)((const unsigned char *)c + at);

	return c->used - at < sizeof(*i) || c->used - at < ks_join_item_size(i->n) ? NULL : i;
}

static inline struct ks_bytes ks_join_item_bytes(const struct ks_join_item *i)
{
	return ks_bytes(i + 1, i->n);
}

/* Where chunks are kept. */
struct ks_join_shelf {
	struct ks_store *store;
	struct ks_err *err;
	struct ks_buf side, key;	/* keys: of a side's chunks, of one of them */
	struct ks_buf rest;	/* what moves to another chunk */
	struct ks_buf both;	/* what goes apart */
	size_t seen;		/* bytes of the chunk of both sides to which the next row goes, if it was looked at; a guess, for speed */
};

/* join-streams-chunk.c */
int	ks_join_damaged(struct ks_join_shelf *s, int32_t partition);
int	ks_join_shelf_no_memory(struct ks_join_shelf *s);

/* The chunk in what the store has; NULL: there is none, or it is damaged (KS_CONFIG). */
int	ks_join_chunk_of(struct ks_join_shelf *s, int32_t partition, struct ks_store_value v, struct ks_join_chunk **c) KS_MUST_USE;

/* Where an item is in the store. */
struct ks_join_place {
	int32_t partition;
	int64_t segment;
	struct ks_bytes key;
};

/* Put an item at an offset of a chunk, which has room. */
void	ks_join_chunk_place(struct ks_join_chunk *c, size_t at, const struct ks_join_item *item, const void *bytes);

/* Make room for n bytes more in the chunk at a place: for more than that, so that not each row moves it. */
int	ks_join_chunk_widen(struct ks_join_shelf *s, const struct ks_join_place *p, size_t n, struct ks_join_chunk **c) KS_MUST_USE;

/* Put an item at an offset of the chunk at a place, which is there. */
int	ks_join_chunk_insert(struct ks_join_shelf *s, const struct ks_join_place *p, size_t at, const struct ks_join_item *item,
	    const void *bytes) KS_MUST_USE;

/* Take everything from an offset on away from the chunk at a place; it is in s->rest, as a chunk. */
int	ks_join_chunk_cut(struct ks_join_shelf *s, const struct ks_join_place *p, size_t at) KS_MUST_USE;

/* s->rest becomes a chunk of one item. */
int	ks_join_chunk_alone(struct ks_join_shelf *s, const struct ks_join_item *item, const void *bytes) KS_MUST_USE;

/* Make a chunk of s->rest at a place where none is. */
int	ks_join_chunk_make(struct ks_join_shelf *s, const struct ks_join_place *p) KS_MUST_USE;

/* join-streams-rows.c */
/* Add a row behind those of its time. */
int	ks_join_rows_add(struct ks_join_shelf *s, const struct ks_join_place *p, const struct ks_join_item *row,
	    const void *bytes) KS_MUST_USE;

/* A walk over the chunks that have rows of a side and a key from first_ms to last_ms; the rest is zero to begin with. */
struct ks_join_walk {
	struct ks_join_place at;
	enum ks_join_side side;
	int64_t first_ms, last_ms;
	bool begun, over;
	bool apart;		/* the sides are; */
	size_t used;		/* bytes of a chunk of both, 0: there is none */
	bool listed;		/* the chunk is one of a list, */
	uint32_t next, number;	/* and this one */
};

/* The next chunk, as the store gave it; NULL: there is none.  Rows before and behind may be in it, and of the other side. */
int	ks_join_rows_next(struct ks_join_shelf *s, struct ks_join_walk *w, const struct ks_join_chunk **c) KS_MUST_USE;

/* The same chunk, to be changed in place. */
int	ks_join_rows_change(struct ks_join_shelf *s, const struct ks_join_walk *w, struct ks_join_chunk **c) KS_MUST_USE;

/* join-streams-wait.c: rows of one side of a partition that wait, by time and key. */
struct ks_join_wait {
	int32_t partition;
	enum ks_join_side side;
	struct ks_join_leaf *leaves;	/* chunks, in order */
	size_t count, cap;
	uint32_t number;	/* of the next new one */
	int64_t from_ms;	/* nothing that waits is older; INT64_MAX: nothing waits */
};

/* Rows of a side, a key and a time. */
struct ks_join_entry {
	int64_t time_ms;
	uint32_t rows;		/* 0: there is none */
	struct ks_buf key;
};

/* partition and side are set, the rest is zero. */
int	ks_join_wait_open(struct ks_join_shelf *s, struct ks_join_wait *w) KS_MUST_USE;
void	ks_join_wait_close(struct ks_join_wait *w);
int	ks_join_wait_add(struct ks_join_shelf *s, struct ks_join_wait *w, int64_t time_ms, struct ks_bytes key) KS_MUST_USE;

/* All rows of a time and a key have a match, or are gone. */
int	ks_join_wait_remove(struct ks_join_shelf *s, struct ks_join_wait *w, int64_t time_ms, struct ks_bytes key) KS_MUST_USE;

/* The first one behind a time and a key; an empty key is before all. */
int	ks_join_wait_behind(struct ks_join_shelf *s, const struct ks_join_wait *w, int64_t time_ms, struct ks_bytes key,
	    struct ks_join_entry *e) KS_MUST_USE;

/* The time of the last one; there is one. */
int	ks_join_wait_last(struct ks_join_shelf *s, const struct ks_join_wait *w, int64_t *time_ms) KS_MUST_USE;

/* join-streams.c */
struct ks_join_part {
	int32_t partition;
	bool changed;		/* since it was saved */
	bool may_wait;		/* least_ms says something */
	int64_t stream_ms;	/* the largest time of both sides; -1: none has come */
	int64_t put_ms[2];	/* of the rows of each side; it says which of them can still be seen */
	int64_t least_ms;	/* Kafka Streams' minTime: the smallest time that is thought to wait */
	struct ks_join_wait wait[2];
};

struct ks_join_streams {
	struct ks_join_shelf shelf;
	int64_t keep_ms, bucket_ms;
	int64_t before_ms[2], after_ms[2];	/* by the side of a record: how far from its time the other one's may be */
	int64_t closed_ms[2];	/* likewise: after_ms and the grace; sums of durations end where time does */
	bool waits[2];		/* rows of a side that find no match wait for one */
	struct ks_join_part **parts;	/* by partition */
	size_t count, cap;
	struct ks_join_part *last;
	struct ks_buf row;	/* of --unmatched: what is kept of a record */
	struct ks_buf times;	/* int64_t: rows that have found a match, and wait no more */
	struct ks_join_entry first[2], other;
};

static inline struct ks_join_streams *ks_join_streams_of(const struct ks_join *j)
{
	return j->own;
}

/* time + ms, or the end of time. */
static inline int64_t ks_join_later(int64_t time_ms, int64_t ms)
{
	int64_t sum;

	return __builtin_add_overflow(time_ms, ms, &sum) ? INT64_MAX : sum;
}

static inline int64_t ks_join_segment(const struct ks_join_streams *s, int64_t time_ms)
{
	return 2 + time_ms / s->bucket_ms;
}

/* Rows of a side of that time, and older ones, are seen no more: by the largest time that was put, as Kafka Streams' stores have it. */
static inline int64_t ks_join_gone(const struct ks_join_streams *s, const struct ks_join_part *part, enum ks_join_side side)
{
	return part->put_ms[side] - s->keep_ms;
}

/* NULL: nothing is known of the partition. */
const struct ks_join_part *ks_join_find_part(const struct ks_join_streams *s, int32_t partition);

/* join-streams-query.c: the hook query. */
int	ks_join_streams_query(struct ks_join *j, struct ks_query *q, struct ks_err *err) KS_MUST_USE;

/* join-streams-out.c */
/* Emit what a record makes with rows of the other side; *any: there were some. */
int	ks_join_match(struct ks_join *j, struct ks_join_part *part, enum ks_join_side side, const struct ks_rec *rec,
	    struct ks_bytes key, bool *any) KS_MUST_USE;

/* A record that has no match leaves alone. */
int	ks_join_alone(struct ks_join *j, enum ks_join_side side, const struct ks_rec *rec) KS_MUST_USE;

/*
 * ks_join_expire - what waits and has closed by part->stream_ms leaves, or
 * all.  from: the record that moved time, NULL: none did.
 */
int	ks_join_expire(struct ks_join *j, struct ks_join_part *part, enum ks_join_side side, const struct ks_rec *from,
	    bool all) KS_MUST_USE;

#endif
