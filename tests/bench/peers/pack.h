/* SPDX-License-Identifier: MIT */
/*
 * pack.h - what the JSON parsers that kstream is measured against need
 * around them: input in large reads, msgpack out in large writes.
 *
 * Each converts JSON lines to the frames that kstream-cat would write: one
 * RECORD a line, [nil, 0, topic, 0, number, nil, nil, [], value].  This
 * part is the same for all, so that the parsers are what is compared; it
 * is written as carefully as our own.  C and C++.
 */
#ifndef BENCH_PACK_H
#define BENCH_PACK_H

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PACK_IO ((size_t)256 << 10)	/* one read, and about one write */
#define PACK_PAD 64			/* bytes a parser may read past its input */
#define PACK_GROWTH 9			/* bytes of msgpack for one of JSON, at most: a number of one digit as a double */

struct pack {
	unsigned char *base, *o;	/* what is not written yet, and its end */
	size_t cap;
	unsigned char *frame;		/* where the open frame begins */
	uint64_t count;			/* frames closed */
};

struct input {
	int fd;
	unsigned char *base;
	size_t n, cap;			/* bytes held; the padding is behind cap */
	int eof;
};

static inline void pack_die(const char *what, const char *name)
{
	fprintf(stderr, "bench: %s '%s': %s\n", what, name, errno ? strerror(errno) : "bad input");
	exit(74);
}

static inline void *pack_alloc(void *old, size_t n)
{
	void *p = realloc(old, n);

	if (!p)
		pack_die("cannot allocate", "buffer");
	return p;
}

/* Opens a file; reads of it append behind what is still held. */
static inline void input_open(struct input *in, const char *path)
{
	memset(in, 0, sizeof(*in));
	in->cap = PACK_IO;
	in->base = (unsigned char *)pack_alloc(NULL, in->cap + PACK_PAD);
	in->fd = open(path, O_RDONLY);
	if (in->fd < 0)
		pack_die("cannot open", path);
}

/* Forgets the bytes before rest, reads more behind the others; 0 at the end. */
static inline size_t input_more(struct input *in, const unsigned char *rest)
{
	ssize_t r;

	in->n -= (size_t)(rest - in->base);
	memmove(in->base, rest, in->n);
	if (in->n == in->cap) {
		in->cap *= 2;
		in->base = (unsigned char *)pack_alloc(in->base, in->cap + PACK_PAD);
	}
	do {
		r = read(in->fd, in->base + in->n, in->cap - in->n);
	} while (r < 0 && errno == EINTR);
	if (r < 0)
		pack_die("cannot read", "input");
	in->n += (size_t)r;
	in->eof = r == 0;
	memset(in->base + in->n, 0, PACK_PAD);
	return (size_t)r;
}

static inline void pack_flush(struct pack *k)
{
	unsigned char *p = k->base;
	ssize_t w;

	while (p < k->o) {
		w = write(STDOUT_FILENO, p, (size_t)(k->o - p));
		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0)
			pack_die("cannot write", "stdout");
		p += w;
	}
	k->o = k->base;
}

/* Room for all that n bytes of JSON can become, so that nothing below tests a bound. */
static inline void pack_room(struct pack *k, size_t n)
{
	n = n * PACK_GROWTH + 64;
	if ((size_t)(k->o - k->base) > PACK_IO)
		pack_flush(k);
	if (k->cap < PACK_IO + n) {
		size_t held = (size_t)(k->o - k->base);

		k->cap = PACK_IO + n + n;
		k->base = (unsigned char *)pack_alloc(k->base, k->cap);
		k->o = k->base + held;
	}
}

static inline void pack_be16(struct pack *k, uint16_t x)
{
	*k->o++ = (unsigned char)(x >> 8);
	*k->o++ = (unsigned char)x;
}

static inline void pack_be32(struct pack *k, uint32_t x)
{
	x = __builtin_bswap32(x);
	memcpy(k->o, &x, 4);
	k->o += 4;
}

static inline void pack_be64(struct pack *k, uint64_t x)
{
	x = __builtin_bswap64(x);
	memcpy(k->o, &x, 8);
	k->o += 8;
}

static inline void pack_byte(struct pack *k, unsigned char c)
{
	*k->o++ = c;
}

static inline void pack_uint(struct pack *k, uint64_t u)
{
	if (u < 0x80) {
		pack_byte(k, (unsigned char)u);
	} else if (u <= 0xff) {
		pack_byte(k, 0xcc);
		pack_byte(k, (unsigned char)u);
	} else if (u <= 0xffff) {
		pack_byte(k, 0xcd);
		pack_be16(k, (uint16_t)u);
	} else if (u <= 0xffffffff) {
		pack_byte(k, 0xce);
		pack_be32(k, (uint32_t)u);
	} else {
		pack_byte(k, 0xcf);
		pack_be64(k, u);
	}
}

static inline void pack_int(struct pack *k, int64_t i)
{
	if (i >= 0) {
		pack_uint(k, (uint64_t)i);
	} else if (i >= -32) {
		pack_byte(k, (unsigned char)i);
	} else if (i >= -128) {
		pack_byte(k, 0xd0);
		pack_byte(k, (unsigned char)i);
	} else if (i >= INT16_MIN) {
		pack_byte(k, 0xd1);
		pack_be16(k, (uint16_t)i);
	} else if (i >= INT32_MIN) {
		pack_byte(k, 0xd2);
		pack_be32(k, (uint32_t)i);
	} else {
		pack_byte(k, 0xd3);
		pack_be64(k, (uint64_t)i);
	}
}

static inline void pack_double(struct pack *k, double d)
{
	uint64_t u;

	memcpy(&u, &d, 8);
	pack_byte(k, 0xcb);
	pack_be64(k, u);
}

static inline void pack_str(struct pack *k, const void *p, size_t n)
{
	if (n < 32) {
		pack_byte(k, (unsigned char)(0xa0 | n));
	} else if (n <= 0xff) {
		pack_byte(k, 0xd9);
		pack_byte(k, (unsigned char)n);
	} else if (n <= 0xffff) {
		pack_byte(k, 0xda);
		pack_be16(k, (uint16_t)n);
	} else {
		pack_byte(k, 0xdb);
		pack_be32(k, (uint32_t)n);
	}
	memcpy(k->o, p, n);
	k->o += n;
}

/* Opens a map or array of unknown size: leaves the one byte that a small one needs. */
static inline size_t pack_open(struct pack *k)
{
	k->o++;
	return (size_t)(k->o - k->base);
}

/* Writes the header of what was opened at; small is 0x80 or 0x90, large 0xde or 0xdc. */
static inline void pack_close(struct pack *k, size_t at, uint32_t count, unsigned char small, unsigned char large)
{
	unsigned char *body = k->base + at;
	unsigned char *end = k->o;
	size_t more = count > 0xffff ? 4 : 2;

	if (count < 16) {
		body[-1] = (unsigned char)(small | count);
		return;
	}
	memmove(body + more, body, (size_t)(end - body));
	k->o = body;
	body[-1] = (unsigned char)(large + (more == 4));
	if (more == 4)
		pack_be32(k, count);
	else
		pack_be16(k, (uint16_t)count);
	k->o = end + more;
}

static inline void frame_open(struct pack *k)
{
	k->frame = k->o;
	k->o += 6;
	pack_byte(k, 0x99);
	pack_byte(k, 0xc0);
	pack_byte(k, 0);
	pack_str(k, "trades", 6);
	pack_byte(k, 0);
	pack_uint(k, k->count);
	pack_byte(k, 0xc0);
	pack_byte(k, 0xc0);
	pack_byte(k, 0x90);
}

static inline void frame_close(struct pack *k)
{
	uint32_t n = __builtin_bswap32((uint32_t)(k->o - k->frame - 6));

	k->frame[0] = 0xc9;
	memcpy(k->frame + 1, &n, 4);
	k->frame[5] = 1;
	k->count++;
}

#endif
