/* SPDX-License-Identifier: MIT */
/*
 * agg.c - a list of aggregates, a newline, then steps of one byte and a
 * msgpack value: taken into a state, or out of it; into another one, which is
 * merged; with memory that ends.  What is shown is sound, and where a list
 * can be made of parts, what was merged shows what one state of all does.
 */
#include "lib/fold.h"

#include <errno.h>
#include <string.h>

#include "tests/fuzz/must.h"

#define DEPTH 20u

static const struct ks_limits limits = { .record = 1 << 16, .key = 1000, .depth = DEPTH, .steps = 100000, .memory = 1 << 20 };
static int room_left;	/* calls of grow that succeed; below 0: all */

static int grow(struct ks_agg_block *b, size_t n)
{
	unsigned char *p;

	MUST(n > b->n);
	if (room_left == 0)
		return ENOMEM;
	room_left--;
	p = calloc(1, n);
	MUST(p != NULL);
	memcpy(p, b->p, b->n);
	free(b->p);
	b->p = p;
	b->n = n;
	return 0;
}

struct state {
	struct ks_fold f;
	struct ks_agg_block one, two, all;
	bool second;		/* two has something in it: it comes after one */
	bool whole;		/* all has seen what they have */
};

static void begin(struct state *s, struct ks_agg_block *b)
{
	*b = (struct ks_agg_block){ calloc(1, s->f.state_n), s->f.state_n, grow };
	MUST(b->p != NULL);
}

static bool shown(const struct state *s, const struct ks_agg_block *b, struct ks_buf *out)
{
	int no;

	ks_buf_init(out, 1 << 16);
	no = ks_fold_show(&s->f, b->p, out);
	MUST(no == 0 || no == EMSGSIZE);
	/* What expressions make is bounded; what is kept of values may be put two levels deeper. */
	MUST(no != 0 || ks_mp_check(ks_buf_bytes(out), DEPTH + 3) == KS_MP_OK);
	return no == 0;
}

static void show(const struct state *s)
{
	struct ks_buf out, want;

	if (shown(s, &s->one, &out) && shown(s, &s->all, &want)) {
		MUST(!s->whole || s->second || ks_bytes_eq(ks_buf_bytes(&out), ks_buf_bytes(&want)));
		MUST(!s->f.bare || !ks_fold_gone(&s->f, s->one.p) || (out.n == 1 && *out.p == 0xc0));
		ks_buf_release(&want);
	}
	ks_buf_release(&out);
}

static int add(struct state *s, struct ks_agg_block *b)
{
	bool judged = ks_fold_try(&s->f, b->p) == 0;
	int no = ks_fold_apply(&s->f, b);

	MUST(!judged || no != EDOM);
	MUST(no != EDOM || ks_fold_why(&s->f) != NULL);
	if (no == EDOM)
		s->whole = false;
	if (no == 0 && s->whole)
		no = ks_fold_apply(&s->f, &s->all);
	return no == EDOM ? 0 : no;
}

static int merge(struct state *s)
{
	int no;

	if (ks_fold_cannot_merge(&s->f) != NULL)
		return 0;
	no = ks_fold_merge(&s->f, &s->one, s->two.p, s->two.n);
	if (no == EDOM)
		s->whole = false;
	memset(s->two.p, 0, s->two.n);
	s->second = false;
	return no == EDOM ? 0 : no;
}

static int step(struct state *s, unsigned op, struct ks_bytes value)
{
	struct ks_rec rec = { .flags = KS_TIME_CREATE, .key = ks_mp_nil, .headers = ks_no_headers, .value = value };
	int no = 0;

	if (ks_fold_load(&s->f, &rec) != NULL)
		return 0;
	switch (op % 8) {
	case 3:
		s->second = true;
		return add(s, &s->two);
	case 4:
		s->whole = false;
		if (ks_fold_cannot_subtract(&s->f) == NULL)
			no = ks_fold_subtract(&s->f, &s->one);
		return no == EDOM ? 0 : no;
	case 5:
		return merge(s);
	case 6:
		show(s);
		return 0;
	case 7:
		room_left = op / 8 < 20 ? (int)op / 8 : -1;
		return 0;
	default:
		return add(s, s->second ? &s->two : &s->one);
	}
}

static void steps(struct state *s, const uint8_t *p, const uint8_t *end)
{
	const uint8_t *from;
	unsigned op;

	begin(s, &s->one);
	begin(s, &s->two);
	begin(s, &s->all);
	s->whole = ks_fold_by_parts(&s->f);
	for (room_left = -1; p + 1 < end; ) {
		op = *p++;
		from = p;
		if (ks_mp_skip(&p, end, DEPTH) != KS_MP_OK || ks_mp_check(ks_bytes(from, (size_t)(p - from)), DEPTH) != KS_MP_OK)
			break;
		/* Floats are not added up in any order alike. */
		s->whole &= memchr(from, 0xca, (size_t)(p - from)) == NULL && memchr(from, 0xcb, (size_t)(p - from)) == NULL;
		if (step(s, op, ks_bytes(from, (size_t)(p - from))) != 0)
			break;
	}
	free(s->one.p);
	free(s->two.p);
	free(s->all.p);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	const uint8_t *line = n > 0 ? memchr(p, '\n', n) : NULL;
	struct state s = { .second = false };
	struct ks_err err;
	char list[500];

	if (line == NULL || (size_t)(line - p) >= sizeof(list))
		return 0;
	memcpy(list, p, (size_t)(line - p));
	list[line - p] = '\0';
	MUST(ks_fold_init(&s.f, &limits, 8, &err) == 0);
	if (ks_fold_add(&s.f, list, &err) == 0)
		steps(&s, line + 1, p + n);
	ks_fold_release(&s.f);
	return 0;
}
