/* SPDX-License-Identifier: MIT */
/*
 * value.h - a msgpack value walked in place: no tree, no copy, no allocation.
 *
 * The cursor is strict: it refuses the reserved byte 0xc1, ext values,
 * containers that claim more elements than bytes are left, map keys that
 * are not strings, nesting past the limit, and anything truncated.
 * msgpack-c is its oracle in the tests, and packs whatever is not hot.
 */
#ifndef KS_VALUE_H
#define KS_VALUE_H

#include "buf.h"
#include "bytes.h"
#include "sys.h"

/* In the order of jq: null < false < true < numbers < strings < bytes < arrays < objects. */
enum ks_type {
	KS_NIL,
	KS_FALSE,
	KS_TRUE,
	KS_INT,		/* i: what fits int64_t */
	KS_UINT,	/* u: what is above INT64_MAX, and nothing else */
	KS_FLOAT,	/* d */
	KS_STR,		/* b: the text */
	KS_BIN,		/* b: the bytes */
	KS_ARRAY,	/* b: the whole encoded value, header included */
	KS_MAP,		/* b: likewise */
};

struct ks_val {
	enum ks_type type;
	union {
		int64_t i;
		uint64_t u;
		double d;
		struct ks_bytes b;
	};
};

/* What is wrong with bytes that claim to be msgpack. */
enum ks_mp_error {
	KS_MP_OK = 0,
	KS_MP_TRUNCATED,
	KS_MP_COUNT,	/* more elements claimed than bytes left */
	KS_MP_DEPTH,
	KS_MP_RESERVED,	/* 0xc1 */
	KS_MP_EXT,
	KS_MP_KEY,	/* a map key that is not a string */
	KS_MP_TRAILING,	/* bytes behind the value */
	KS_MP_UTF8,	/* a string that is not UTF-8 */
};
const char *ks_mp_strerror(enum ks_mp_error e);

/* What a header says, and where its content begins. */
struct ks_head {
	enum ks_type type;
	uint32_t count;			/* elements of an array, pairs of a map, bytes of a string */
	const unsigned char *body;	/* behind the header; for a string its bytes */
};

/*
 * ks_mp_head - read the header of a container or string at p (p < end).
 * Scalars give their type and count 0, body behind them.
 */
enum ks_mp_error ks_mp_head(const unsigned char *p, const unsigned char *end, struct ks_head *head)
    KS_MUST_USE;

/*
 * ks_mp_skip - step *p over one whole value.  depth is how many containers
 * may still be entered.  On error *p is not moved.
 */
enum ks_mp_error ks_mp_skip(const unsigned char **p, const unsigned char *end, unsigned depth)
    KS_MUST_USE;

/* By its first byte, the length of a value that this byte alone tells; 0: more must be read. */
extern const unsigned char ks_mp_fixed[256];

/*
 * The length of the value at p, of which left bytes are there, where its first
 * byte tells it, or the second of a string: so of most.  0: it does not, or
 * not all of it is there.
 */
static inline size_t ks_mp_short(const unsigned char *p, size_t left)
{
	size_t n;

	if (KS_UNLIKELY(left == 0))
		return 0;
	n = ks_mp_fixed[*p];
	if (n == 0 && *p == 0xd9 && left > 1)
		n = 2u + p[1];
	return KS_LIKELY(n <= left) ? n : 0;
}

/* Whether a value that begins with this byte is an array or a map. */
static inline bool ks_mp_is_container(unsigned char first)
{
	return (first >= 0x80 && first <= 0x9f) || (first >= 0xdc && first <= 0xdf);
}

/* ks_mp_read - decode the value at *p into v (which borrows) and step over it. */
enum ks_mp_error ks_mp_read(const unsigned char **p, const unsigned char *end, unsigned depth,
    struct ks_val *v) KS_MUST_USE;

/* ks_mp_check - one whole value, nothing behind it, every string UTF-8. */
enum ks_mp_error ks_mp_check(struct ks_bytes b, unsigned depth) KS_MUST_USE;

/*
 * ks_val_cmp - jq's order over two values: <0, 0, >0.  Numbers compare by
 * value whatever their encoding, exactly (2^53 + 1 is not 2^53); nan sorts
 * below every number and is not equal to itself (it is below).  Objects
 * compare by their sorted keys first, then value by value.  Containers must
 * have passed ks_mp_skip.  Sorting takes memory; without any it is slow, and
 * still right.
 */
int	ks_val_cmp(const struct ks_val *a, const struct ks_val *b);

/*
 * ks_val_cmp_within - the same, with an end: *left counts down with the work,
 * a unit in some 8 ns.  Where that does not suffice it is 0 then, and the result means nothing.
 */
int	ks_val_cmp_within(const struct ks_val *a, const struct ks_val *b, uint64_t *left);

static inline bool ks_val_true(const struct ks_val *v)
{
	return v->type > KS_FALSE;
}

static inline bool ks_val_number(const struct ks_val *v)
{
	return v->type >= KS_INT && v->type <= KS_FLOAT;
}

/* The number as a double, rounded to nearest.  v must be a number. */
double	ks_val_double(const struct ks_val *v);

/* "null", "boolean", "number", "string", "bytes", "array", "object": jq's words. */
const char *ks_val_typename(const struct ks_val *v);

/* Length of a valid UTF-8 prefix; equal to n when all of it is. */
size_t	ks_utf8_prefix(const unsigned char *p, size_t n);

/*
 * Encoding, into room the caller has made sure of.  Each returns the byte
 * behind what it wrote.  Integers and string headers are minimal, so that
 * equal keys are equal bytes; a float stays a float.
 */
#define KS_MP_HEADER 9	/* room that covers any scalar or header */
static inline unsigned char *ks_mp_put_u64(unsigned char *o, uint64_t x)
{
	if (x < 128) {
		*o = (unsigned char)x;
		return o + 1;
	}
	if (x <= UINT8_MAX) {
		o[0] = 0xcc;
		o[1] = (unsigned char)x;
		return o + 2;
	}
	if (x <= UINT16_MAX) {
		o[0] = 0xcd;
		ks_put16(o + 1, (uint16_t)x);
		return o + 3;
	}
	if (x <= UINT32_MAX) {
		o[0] = 0xce;
		ks_put32(o + 1, (uint32_t)x);
		return o + 5;
	}
	o[0] = 0xcf;
	ks_put64(o + 1, x);
	return o + 9;
}

static inline unsigned char *ks_mp_put_i64(unsigned char *o, int64_t x)
{
	if (x >= 0)
		return ks_mp_put_u64(o, (uint64_t)x);
	if (x >= -32) {
		*o = (unsigned char)x;
		return o + 1;
	}
	if (x >= INT8_MIN) {
		o[0] = 0xd0;
		o[1] = (unsigned char)x;
		return o + 2;
	}
	if (x >= INT16_MIN) {
		o[0] = 0xd1;
		ks_put16(o + 1, (uint16_t)x);
		return o + 3;
	}
	if (x >= INT32_MIN) {
		o[0] = 0xd2;
		ks_put32(o + 1, (uint32_t)x);
		return o + 5;
	}
	o[0] = 0xd3;
	ks_put64(o + 1, (uint64_t)x);
	return o + 9;
}

static inline unsigned char *ks_mp_put_f64(unsigned char *o, double x)
{
	uint64_t u;

	memcpy(&u, &x, sizeof(u));
	o[0] = 0xcb;
	ks_put64(o + 1, u);
	return o + 9;
}

unsigned char *ks_mp_put_str_head(unsigned char *o, uint32_t n);
unsigned char *ks_mp_put_bin_head(unsigned char *o, uint32_t n);
unsigned char *ks_mp_put_array_head(unsigned char *o, uint32_t n);
unsigned char *ks_mp_put_map_head(unsigned char *o, uint32_t n);

/* ks_mp_read in line, of what most fields are, not stepping over it; false: ask ks_mp_read. */
static inline bool ks_mp_read_quick(const unsigned char *p, size_t left, struct ks_val *v)
{
	uint64_t u;

	if (left < KS_MP_HEADER)
		return false;
	v->type = KS_INT;
	if (*p < 0x80 || *p >= 0xe0) {
		v->i = (int8_t)*p;
		return true;
	}
	if ((*p & 0xe0) == 0xa0) {
		v->type = KS_STR;
		v->b = ks_bytes(p + 1, *p & 0x1f);
		return v->b.n < left;
	}
	switch (*p) {
	case 0xcb:
		v->type = KS_FLOAT;
		u = ks_get64(p + 1);
		memcpy(&v->d, &u, sizeof(u));
		return true;
	case 0xcc: v->i = p[1]; return true;
	case 0xcd: v->i = ks_get16(p + 1); return true;
	case 0xce: v->i = ks_get32(p + 1); return true;
	default: return false;
	}
}

/* Encoding into a growing buffer: 0, ENOMEM, EMSGSIZE. */
int	ks_mp_add_val(struct ks_buf *b, const struct ks_val *v) KS_MUST_USE;
int	ks_mp_add_i64(struct ks_buf *b, int64_t x) KS_MUST_USE;
int	ks_mp_add_str(struct ks_buf *b, struct ks_bytes text) KS_MUST_USE;	/* p == NULL: nil */
int	ks_mp_add_map_head(struct ks_buf *b, uint32_t n) KS_MUST_USE;
int	ks_mp_add_array_head(struct ks_buf *b, uint32_t n) KS_MUST_USE;

#endif
