/* SPDX-License-Identifier: MIT */
/* json-pretty.c - JSON for people. */
#include "json-pretty.h"

#include "json.h"

/* jq's. */
enum paint { PAINT_NONE, PAINT_NULL, PAINT_PLAIN, PAINT_STRING, PAINT_CONTAINER, PAINT_KEY };
static const char *const sequences[] = { "", "\033[1;30m", "\033[0;39m", "\033[0;32m", "\033[1;39m", "\033[34;1m" };

struct printer {
	struct ks_buf *out;
	bool color;
	enum paint now;
	unsigned level;
	int no;
};

static void add(struct printer *p, const char *text, size_t n)
{
	if (p->no == 0)
		p->no = ks_buf_add(p->out, text, n);
}

static void paint(struct printer *p, enum paint paint)
{
	if (!p->color || p->now == paint)
		return;
	if (p->now != PAINT_NONE)
		add(p, "\033[0m", 4);
	add(p, sequences[paint], strlen(sequences[paint]));
	p->now = paint;
}

static void punctuate(struct printer *p, const char *text)
{
	paint(p, PAINT_CONTAINER);
	add(p, text, strlen(text));
}

static void break_line(struct printer *p)
{
	unsigned i;

	add(p, "\n", 1);
	for (i = 0; i < p->level; i++)
		add(p, "  ", 2);
}

/* A scalar, or a container that has nothing in it. */
static enum ks_mp_error put_plain(struct printer *p, const unsigned char **at, const unsigned char *end,
    enum paint of)
{
	struct ks_bytes value = { .p = *at };
	enum ks_mp_error e = ks_mp_skip(at, end, 1);

	if (e != KS_MP_OK)
		return e;
	value.n = (size_t)(*at - value.p);
	paint(p, of);
	return p->no == 0 ? ks_json_print(value, 1, p->out, &p->no) : KS_MP_OK;
}

static enum ks_mp_error put_value(struct printer *p, const unsigned char **at, const unsigned char *end,
    unsigned depth)
{
	static const enum paint paints[] = {
		[KS_NIL] = PAINT_NULL, [KS_FALSE] = PAINT_PLAIN, [KS_TRUE] = PAINT_PLAIN, [KS_INT] = PAINT_PLAIN,
		[KS_UINT] = PAINT_PLAIN, [KS_FLOAT] = PAINT_PLAIN, [KS_STR] = PAINT_STRING, [KS_BIN] = PAINT_STRING,
		[KS_ARRAY] = PAINT_CONTAINER, [KS_MAP] = PAINT_CONTAINER,
	};
	struct ks_head head, key;
	enum ks_mp_error e;
	uint32_t i;

	if (*at >= end)
		return KS_MP_TRUNCATED;
	e = ks_mp_head(*at, end, &head);
	if (e != KS_MP_OK)
		return e;
	if (head.type < KS_ARRAY || head.count == 0)
		return head.type >= KS_ARRAY && depth == 0 ? KS_MP_DEPTH : put_plain(p, at, end, paints[head.type]);
	if (depth == 0)
		return KS_MP_DEPTH;
	*at = head.body;
	punctuate(p, head.type == KS_MAP ? "{" : "[");
	p->level++;
	for (i = 0; i < head.count && p->no == 0; i++) {
		if (i > 0)
			punctuate(p, ",");
		break_line(p);
		if (head.type == KS_MAP) {
			if (*at >= end)
				return KS_MP_TRUNCATED;
			e = ks_mp_head(*at, end, &key);
			if (e == KS_MP_OK && key.type != KS_STR)
				e = KS_MP_KEY;
			if (e == KS_MP_OK)
				e = put_plain(p, at, end, PAINT_KEY);
			if (e != KS_MP_OK)
				return e;
			punctuate(p, ": ");
		}
		e = put_value(p, at, end, depth - 1);
		if (e != KS_MP_OK)
			return e;
	}
	p->level--;
	break_line(p);
	punctuate(p, head.type == KS_MAP ? "}" : "]");
	return KS_MP_OK;
}

enum ks_mp_error ks_json_pretty(struct ks_bytes value, unsigned depth, bool color, struct ks_buf *out, int *no)
{
	const unsigned char *at = value.p, *end = value.p + value.n;
	struct printer p = { .out = out, .color = color };
	enum ks_mp_error e = put_value(&p, &at, end, depth);

	if (e == KS_MP_OK && p.no == 0 && at != end)
		e = KS_MP_TRAILING;
	if (p.now != PAINT_NONE)
		add(&p, "\033[0m", 4);
	*no = p.no;
	return e;
}
