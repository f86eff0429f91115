/* SPDX-License-Identifier: MIT */
/*
 * yajl - JSON lines to frames by yajl, the event parser that C programs use:
 * what kstream-cat is measured against.
 *
 *	yajl FILE >frames
 *
 * One parser for the whole stream (yajl_allow_multiple_values), fed whole
 * buffers: its fastest form.  A value at depth 0 is a record.
 */
#include <yajl/yajl_parse.h>
#include <yajl/yajl_version.h>

#include "pack.h"

#define DEPTH 128

struct state {
	struct pack k;
	size_t at[DEPTH];		/* open containers: where their content begins */
	uint32_t count[DEPTH + 1];	/* and what they hold; [0] is the stream */
	int depth;
};

/* Before a value: opens the frame at depth 0, counts it in its container. */
static inline void begin(struct state *s)
{
	if (s->depth == 0)
		frame_open(&s->k);
	s->count[s->depth]++;
}

static inline int done(struct state *s)
{
	if (s->depth == 0)
		frame_close(&s->k);
	return 1;
}

static int on_null(void *ctx)
{
	struct state *s = ctx;

	begin(s);
	pack_byte(&s->k, 0xc0);
	return done(s);
}

static int on_boolean(void *ctx, int b)
{
	struct state *s = ctx;

	begin(s);
	pack_byte(&s->k, b ? 0xc3 : 0xc2);
	return done(s);
}

static int on_integer(void *ctx, long long i)
{
	struct state *s = ctx;

	begin(s);
	pack_int(&s->k, i);
	return done(s);
}

static int on_double(void *ctx, double d)
{
	struct state *s = ctx;

	begin(s);
	pack_double(&s->k, d);
	return done(s);
}

static int on_string(void *ctx, const unsigned char *p, size_t n)
{
	struct state *s = ctx;

	begin(s);
	pack_str(&s->k, p, n);
	return done(s);
}

static int on_key(void *ctx, const unsigned char *p, size_t n)
{
	struct state *s = ctx;

	pack_str(&s->k, p, n);
	return 1;
}

static int on_start(void *ctx)
{
	struct state *s = ctx;

	if (s->depth == DEPTH)
		return 0;
	begin(s);
	s->at[s->depth++] = pack_open(&s->k);
	s->count[s->depth] = 0;
	return 1;
}

static int on_end_map(void *ctx)
{
	struct state *s = ctx;

	s->depth--;
	pack_close(&s->k, s->at[s->depth], s->count[s->depth + 1], 0x80, 0xde);
	return done(s);
}

static int on_end_array(void *ctx)
{
	struct state *s = ctx;

	s->depth--;
	pack_close(&s->k, s->at[s->depth], s->count[s->depth + 1], 0x90, 0xdc);
	return done(s);
}

static const yajl_callbacks callbacks = {
	.yajl_null = on_null, .yajl_boolean = on_boolean,
	.yajl_integer = on_integer, .yajl_double = on_double,
	.yajl_string = on_string, .yajl_map_key = on_key,
	.yajl_start_map = on_start, .yajl_end_map = on_end_map,
	.yajl_start_array = on_start, .yajl_end_array = on_end_array,
};

int main(int argc, char *argv[])
{
	static struct state s;
	const unsigned char *eol;
	struct input in;
	yajl_handle h;

	if (argc == 2 && !strcmp(argv[1], "--version")) {
		printf("yajl %d.%d.%d\n", YAJL_MAJOR, YAJL_MINOR, YAJL_MICRO);
		return 0;
	}
	if (argc != 2) {
		fprintf(stderr, "usage: yajl FILE\n");
		return 64;
	}
	h = yajl_alloc(&callbacks, NULL, &s);
	if (!h || !yajl_config(h, yajl_allow_multiple_values, 1))
		pack_die("cannot allocate", "parser");
	input_open(&in, argv[1]);
	eol = in.base;
	while (input_more(&in, eol)) {
		/* Whole lines only, so that no frame is open when the output is moved. */
		eol = memrchr(in.base, '\n', in.n);
		eol = eol ? eol + 1 : in.base;
		pack_room(&s.k, (size_t)(eol - in.base));
		if (yajl_parse(h, in.base, (size_t)(eol - in.base)) != yajl_status_ok) {
			fprintf(stderr, "yajl: bad JSON\n");
			return 65;
		}
	}
	if (in.n || s.depth || yajl_complete_parse(h) != yajl_status_ok)
		pack_die("cut line at the end of", argv[1]);
	pack_flush(&s.k);
	yajl_free(h);
	return 0;
}
