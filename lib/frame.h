/* SPDX-License-Identifier: MIT */
/*
 * frame.h - the record on the wire: kstream-record(5) in C.
 *
 * A stream is a sequence of msgpack ext 32 objects: 0xc9, length u32
 * big-endian, type i8, payload.  A reader hops a frame without looking
 * inside.  Nothing here allocates, or keeps what it was given.
 */
#ifndef KS_FRAME_H
#define KS_FRAME_H

#include "buf.h"
#include "value.h"

#define KS_FRAME_HEAD 6		/* bytes before the payload */
#define KS_PROTOCOL 1		/* version in HELLO */

enum ks_frame_type {
	KS_RECORD = 1,
	KS_HELLO = 2,
	KS_MARK = 3,
	KS_BARRIER = 4,
	KS_PING = 5,
	KS_END = 6,
};

/* Bits of a record's flags. */
enum {
	KS_TIME_TYPE = 3u,	/* bits 0-1 */
	KS_TIME_NONE = 0u,
	KS_TIME_CREATE = 1u,
	KS_TIME_APPEND = 2u,
	KS_KEY_CHANGED = 1u << 2,
	KS_SIDE = 3u << 3,	/* bits 3-4: a side record passes every operator untouched */
	KS_SIDE_LATE = 1u << 3,
	KS_SIDE_DEAD = 2u << 3,
	KS_SIDE_CHANGELOG = 3u << 3,
	KS_KEY_KIND = 3u << 5,	/* bits 5-6 */
	KS_KEY_WINDOW = 1u << 5,
	KS_KEY_SESSION = 2u << 5,
	KS_CHANGE = 1u << 7,	/* the value is [new, old, latest] */
	KS_FLAGS_ALL = 0xffu,
};

enum ks_kind {
	KS_GO_ON = 0,
	KS_PAUSED = 1,
	KS_COMPLETE = 2,
};

enum ks_guarantee {
	KS_NONE,		/* ad hoc: nothing is kept, epochs only bound memory */
	KS_AT_LEAST_ONCE,
	KS_EXACTLY_ONCE,
};

/*
 * struct ks_rec - one record; every slice borrows.
 * frame is the whole frame where the record stands as it came, and has
 * p == NULL once a field was changed: then it is encoded anew on its way out.
 */
struct ks_rec {
	int64_t time_ms;	/* since 1970-01-01T00:00Z; 0 where the time type is none */
	int64_t offset;		/* -1: none */
	int32_t partition;	/* -1: not assigned yet */
	uint32_t flags;
	struct ks_bytes topic;	/* p == NULL: none */
	struct ks_bytes route;	/* p == NULL: the main output */
	struct ks_bytes key;	/* one msgpack value; nil: no key */
	struct ks_bytes headers;	/* msgpack array of [name, bin or nil] */
	struct ks_bytes value;	/* one msgpack value; nil: a tombstone */
	struct ks_bytes frame;
	bool shortest;		/* of frame, all before the value is known to be what ks_rec_put_head writes */
};

extern const struct ks_bytes ks_mp_nil;		/* one byte: nil */
extern const struct ks_bytes ks_no_headers;	/* one byte: an empty array */

/* The name of the stream a record belongs to: its route, or else its topic. */
static inline struct ks_bytes ks_rec_stream(const struct ks_rec *r)
{
	return r->route.p != NULL ? r->route : r->topic;
}

static inline bool ks_mp_is_nil(struct ks_bytes v)
{
	return v.n == 1 && v.p[0] == 0xc0;
}

enum ks_frame_state {
	KS_FRAME_WHOLE,		/* frame and payload are set */
	KS_FRAME_MORE,		/* cut: *need bytes in all are wanted */
	KS_FRAME_BAD,		/* does not begin with 0xc9, or a type below 1 */
	KS_FRAME_BIG,		/* larger than the limit */
};

/*
 * ks_frame_split - find the frame at the start of b.
 *
 *	type	its type, also one this version does not know (forward those)
 *	payload	what it holds
 *	size	bytes of the whole frame; with KS_FRAME_MORE the bytes wanted,
 *		with KS_FRAME_BIG the bytes claimed
 *	max	the largest frame that is accepted, in bytes
 */
static inline enum ks_frame_state ks_frame_split(struct ks_bytes b, size_t max, int *type,
    struct ks_bytes *payload, size_t *size)
{
	size_t n;

	if (b.n > 0 && b.p[0] != 0xc9)
		return KS_FRAME_BAD;
	*size = KS_FRAME_HEAD;
	if (b.n < KS_FRAME_HEAD)
		return KS_FRAME_MORE;
	n = ks_get32(b.p + 1);
	*size = KS_FRAME_HEAD + n;
	if (b.p[5] == 0 || b.p[5] > 127)
		return KS_FRAME_BAD;
	if (*size > max)
		return KS_FRAME_BIG;
	if (b.n < *size)
		return KS_FRAME_MORE;
	*type = b.p[5];
	*payload = ks_bytes(b.p + KS_FRAME_HEAD, n);
	return KS_FRAME_WHOLE;
}

/*
 * ks_rec_parse - the fields of a RECORD payload.
 * Checks everything but the inside of the value, which is the rest of the
 * payload and is checked by whoever walks it.  Sets rec->frame from the
 * payload.  Returns NULL, or what is wrong, as text.
 */
const char *ks_rec_parse(struct ks_bytes payload, const struct ks_limits *limits,
    struct ks_rec *rec) KS_MUST_USE;

/*
 * The same for records that come one behind the other: in the guess the flags
 * and the short topic of one stand by which the next one's are known again.
 * All zero is none.
 */
struct ks_rec_guess {
	uint64_t word[2], mask[2];
	size_t n;
};
const char *ks_rec_parse_next(struct ks_bytes payload, const struct ks_limits *limits, struct ks_rec_guess *guess,
    struct ks_rec *rec) KS_MUST_USE;

/* A topic or route: a string of 1 to KS_NAME_MAX bytes without controls, or nil (name->p is NULL). */
bool	ks_rec_name(const struct ks_val *v, struct ks_bytes *name) KS_MUST_USE;

/* Bytes that ks_rec_put may write. */
static inline size_t ks_rec_size(const struct ks_rec *r)
{
	return KS_FRAME_HEAD + 1 + 6 * KS_MP_HEADER + r->topic.n + r->route.n + r->key.n +
	    r->headers.n + r->value.n;
}

/* ks_rec_put - write the frame of rec at o, which has ks_rec_size(rec) of room; returns the end. */
unsigned char *ks_rec_put(unsigned char *o, const struct ks_rec *rec);

/* What rec->shortest says, of a record that stands in its frame: no other form of a field is as short. */
bool	ks_rec_is_shortest(const struct ks_rec *rec) KS_MUST_USE;

/*
 * ks_rec_put_head - everything of a RECORD frame before its value, of which
 * value_size bytes will follow.  Room: ks_rec_size(rec) with an empty value.
 */
unsigned char *ks_rec_put_head(unsigned char *o, const struct ks_rec *rec, size_t value_size);

/* [partition, time_ms, idle]: event time of the partition has come to time_ms. */
struct ks_mark {
	int32_t partition;
	int64_t time_ms;
	bool idle;
};

/*
 * [n, kind, positions, committed, hop, group]: closes epoch n.
 * positions is a msgpack array of what ks_position_next reads.  committed: the last epoch known
 * committed, -1 if none is.  hop: RECORD frames on this hop since the last
 * barrier or HELLO, -1 where a program that does not count stood between.
 */
struct ks_barrier {
	int64_t n;
	enum ks_kind kind;
	struct ks_bytes positions;
	int64_t committed;
	int64_t hop;
	struct ks_bytes group;	/* bin or nil, opaque */
};

struct ks_end {
	int64_t n;
	enum ks_kind kind;
};

const char *ks_mark_parse(struct ks_bytes payload, struct ks_mark *m) KS_MUST_USE;
const char *ks_barrier_parse(struct ks_bytes payload, struct ks_barrier *b) KS_MUST_USE;
const char *ks_end_parse(struct ks_bytes payload, struct ks_end *e) KS_MUST_USE;

#define KS_CHECK_MAX 64		/* bytes of a position's check */

/*
 * [input, partition, offset] or [input, partition, offset, check]: the next
 * offset to read (a byte of a file).  check: a word, by which the source
 * knows again what it has read before the offset; opaque to everybody else.
 */
struct ks_position {
	struct ks_bytes input;
	int32_t partition;
	int64_t offset;
	struct ks_bytes check;	/* n == 0: none */
	/* Of HELLO alone (ks_hello_positions): its last commit, of that epoch, run and owner; p == NULL: there is none. */
	int64_t epoch, run;
	struct ks_bytes owner;
	bool restore;		/* the owner's state is in another directory than that of this instance */
};

/* Whether text can be a check: printable ASCII without blanks, and not "-". */
bool	ks_is_check(struct ks_bytes text);

/* Read the position at *p and step over it; false: it is not one. */
bool	ks_position_next(const unsigned char **p, const unsigned char *end, struct ks_position *x)
	    KS_MUST_USE;

/* Append it to b: 0, ENOMEM, EMSGSIZE. */
int	ks_position_add(struct ks_buf *b, const struct ks_position *x) KS_MUST_USE;

/* Append a whole frame to b, or nothing: 0, ENOMEM, EMSGSIZE. */
int	ks_mark_add(struct ks_buf *b, const struct ks_mark *m) KS_MUST_USE;
int	ks_barrier_add(struct ks_buf *b, const struct ks_barrier *x) KS_MUST_USE;
int	ks_end_add(struct ks_buf *b, const struct ks_end *e) KS_MUST_USE;
int	ks_ping_add(struct ks_buf *b) KS_MUST_USE;

/*
 * The same for a payload that the caller packs with msgpack-c, between the
 * two; no is how that went, and what ks_frame_end returns.
 */
struct msgpack_packer;
int	ks_frame_begin(struct ks_buf *b, size_t *start, struct msgpack_packer *pk) KS_MUST_USE;
int	ks_frame_end(struct ks_buf *b, size_t start, int type, int no) KS_MUST_USE;

/* Put the frame head on a payload that was packed behind KS_FRAME_HEAD bytes of room at p. */
void	ks_frame_close(unsigned char *p, size_t payload_size, int type);

#endif
