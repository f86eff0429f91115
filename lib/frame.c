/* SPDX-License-Identifier: MIT */
/*
 * frame.c - frames to structs and back.
 *
 * RECORD is hot and read by hand (written: frame-put.c); the control frames, a few a second,
 * are packed by msgpack-c.
 */
#include "frame.h"

#include <errno.h>
#include <msgpack/pack.h>

/* {"key": ..., "start": int64, "end": int64}: what stands around the base key, at most. */
#define WINDOWED_ROOM 64

static const unsigned char nil_byte[1] = { 0xc0 };
static const unsigned char empty_array[1] = { 0x90 };
const struct ks_bytes ks_mp_nil = { nil_byte, 1 };
const struct ks_bytes ks_no_headers = { empty_array, 1 };

/* An integer of any encoding, within [min, max]. */
static bool take_any_int(const unsigned char **p, const unsigned char *end, int64_t min, int64_t max,
    int64_t *x)
{
	struct ks_val v;

	if (ks_mp_read(p, end, 0, &v) != KS_MP_OK || v.type != KS_INT)
		return false;
	*x = v.i;
	return v.i >= min && v.i <= max;
}

/* The encodings that are in every record are read here. */
static inline bool take_int(const unsigned char **p, const unsigned char *end, int64_t min, int64_t max,
    int64_t *x)
{
	const unsigned char *q = *p;
	uint64_t u;

	if (KS_UNLIKELY(end - q < 9))
		return take_any_int(p, end, min, max, x);
	switch (*q) {
	case 0xcc: u = q[1]; q += 2; break;
	case 0xcd: u = ks_get16(q + 1); q += 3; break;
	case 0xce: u = ks_get32(q + 1); q += 5; break;
	case 0xcf: u = ks_get64(q + 1); q += 9; break;
	default:
		if (*q >= 0x80)
			return take_any_int(p, end, min, max, x);
		u = *q++;
		break;
	}
	*p = q;
	*x = (int64_t)u;
	return u <= INT64_MAX && *x >= min && *x <= max;
}

/* Whether one of eight bytes is below 0x20 or is 0x7f. */
static inline bool controls(uint64_t w)
{
	const uint64_t ones = UINT64_C(0x0101010101010101), high = 0x80 * ones;
	uint64_t del = w ^ 0x7f * ones;

	/* No byte of w that has its high bit is one; del has the same high bits. */
	return (((w - 0x20 * ones) | (del - ones)) & ~w & high) != 0;
}

static inline bool has_control(const unsigned char *p, size_t n)
{
	uint64_t w = UINT64_C(0x2020202020202020);
	size_t i;

	if (n < 8) {
		for (i = 0; i < n; i++)
			w = w << 8 | p[i];
		return controls(w);
	}
	for (i = 0; i + 8 <= n; i += 8) {
		memcpy(&w, p + i, 8);
		if (controls(w))
			return true;
	}
	memcpy(&w, p + n - 8, 8);
	return controls(w);
}

bool ks_rec_name(const struct ks_val *v, struct ks_bytes *name)
{
	if (v->type == KS_NIL) {
		*name = ks_bytes(NULL, 0);
		return true;
	}
	if (v->type != KS_STR || v->b.n == 0 || v->b.n > KS_NAME_MAX || has_control(v->b.p, v->b.n))
		return false;
	*name = v->b;
	return true;
}

static inline bool take_name(const unsigned char **p, const unsigned char *end, struct ks_bytes *name)
{
	const unsigned char *q = *p;
	struct ks_val v;

	if (KS_LIKELY(q < end && *q == 0xc0)) {
		*name = ks_bytes(NULL, 0);
		*p = q + 1;
		return true;
	}
	if (KS_LIKELY(q < end && *q > 0xa0 && *q <= 0xbf && (size_t)(end - q) > (*q & 31u))) {
		*name = ks_bytes(q + 1, *q & 31u);
		*p = q + 1 + name->n;
		return !has_control(name->p, name->n);
	}
	return ks_mp_read(p, end, 0, &v) == KS_MP_OK && ks_rec_name(&v, name);
}

static bool check_headers(struct ks_bytes headers)
{
	const unsigned char *p, *end = headers.p + headers.n;
	struct ks_head list, pair;
	struct ks_val v;
	uint32_t i;

	if (ks_mp_head(headers.p, end, &list) != KS_MP_OK || list.type != KS_ARRAY)
		return false;
	p = list.body;
	for (i = 0; i < list.count; i++) {
		if (p >= end || ks_mp_head(p, end, &pair) != KS_MP_OK || pair.type != KS_ARRAY ||
		    pair.count != 2)
			return false;
		p = pair.body;
		if (ks_mp_read(&p, end, 0, &v) != KS_MP_OK || v.type != KS_STR)
			return false;
		if (ks_mp_read(&p, end, 0, &v) != KS_MP_OK ||
		    (v.type != KS_BIN && v.type != KS_NIL))
			return false;
	}
	return p == end;
}

static const char *parse_place(const unsigned char **p, const unsigned char *end, struct ks_rec *rec)
{
	int64_t x;

	if (!take_name(p, end, &rec->topic))
		return "the topic is not a name or nil";
	if (!take_int(p, end, -1, INT32_MAX, &x))
		return "the partition is not an integer from -1";
	rec->partition = (int32_t)x;
	if (!take_int(p, end, -1, INT64_MAX, &rec->offset))
		return "the offset is not an integer from -1";
	if (!take_name(p, end, &rec->route))
		return "the route is not a name or nil";
	return NULL;
}

static __attribute__((noinline)) const char *parse_any(struct ks_bytes payload, const struct ks_limits *limits,
    struct ks_rec *rec)
{
	const unsigned char *p = payload.p, *end = payload.p + payload.n, *start;
	const char *wrong;
	int64_t x;

	if (payload.n == 0 || *p++ != 0x99)
		return "a record is an array of 9";
	if (p < end && *p == 0xc0) {
		p++;
		rec->time_ms = 0;
		x = -1;
	} else if (take_int(&p, end, INT64_MIN, INT64_MAX, &rec->time_ms)) {
		x = 0;
	} else {
		return "the time is not an integer or nil";
	}
	if (!take_int(&p, end, 0, KS_FLAGS_ALL, &rec->offset))
		return "the flags are not an integer from 0 to 255";
	rec->flags = (uint32_t)rec->offset;
	if ((rec->flags & KS_TIME_TYPE) == KS_TIME_TYPE)
		return "the flags name a time type that does not exist";
	if ((x < 0) != ((rec->flags & KS_TIME_TYPE) == KS_TIME_NONE))
		return "the time and the time type of the flags disagree";
	wrong = parse_place(&p, end, rec);
	if (wrong != NULL)
		return wrong;
	start = p;
	if (ks_mp_skip(&p, end, limits->depth) != KS_MP_OK)
		return "the key is not a msgpack value";
	rec->key = ks_bytes(start, (size_t)(p - start));
	/* A windowed key is its base key, which the limit is for, and two times beside it. */
	if (rec->key.n > limits->key + ((rec->flags & KS_KEY_KIND) != 0 ? WINDOWED_ROOM : 0))
		return "the key is larger than --max-key allows";
	start = p;
	if (p < end && *p == 0x90) {
		p++;
	} else if (ks_mp_skip(&p, end, 2) != KS_MP_OK || !check_headers(ks_bytes(start, (size_t)(p - start)))) {
		return "the headers are not an array of [name, bin or nil]";
	}
	rec->headers = ks_bytes(start, (size_t)(p - start));
	if (p == end)
		return "the value is missing";
	rec->value = ks_bytes(p, (size_t)(end - p));
	rec->frame = ks_bytes(payload.p - KS_FRAME_HEAD, payload.n + KS_FRAME_HEAD);
	rec->shortest = ks_rec_is_shortest(rec);
	return NULL;
}

/* A name of up to 31 bytes with as many behind it: returns the byte behind it, or NULL where it may be none. */
static inline const unsigned char *short_name(const unsigned char *p, const unsigned char *end, struct ks_bytes *name)
{
	const uint64_t high = UINT64_C(0x8080808080808080);
	size_t n = *p & 31u, i;
	uint64_t w;

	if (*p == 0xc0) {
		*name = ks_bytes(NULL, 0);
		return p + 1;
	}
	if (KS_UNLIKELY(*p <= 0xa0 || *p > 0xbf || end - p <= 33))
		return NULL;
	*name = ks_bytes(++p, n);
	for (i = 0; i + 8 <= n; i += 8) {
		memcpy(&w, p + i, 8);
		if (KS_UNLIKELY(controls(w)))
			return NULL;
	}
	if (i < n) {
		memcpy(&w, p + i, 8);
		/* What stands behind the name is made no control, whatever it is. */
		if (KS_UNLIKELY(controls(w | high << 8 * (n - i))))
			return NULL;
	}
	return p + n;
}

/* Of a record as most are: a time of today, short names and no headers. */
#define QUICK_PLACE 10u		/* where the flags stand */

/* Flags and topic that are not those of the record before, as which they are kept: the byte behind them, or NULL. */
static const unsigned char *quick_topic(const unsigned char *start, const unsigned char *end, struct ks_rec_guess *g,
    struct ks_rec *rec)
{
	const unsigned char *p;

	rec->flags = *start;
	if (*start >= 0x80 || (rec->flags & KS_TIME_TYPE) == KS_TIME_NONE ||
	    (rec->flags & (KS_TIME_TYPE | KS_KEY_KIND)) >= KS_TIME_TYPE)
		return NULL;
	p = short_name(start + 1, end, &rec->topic);
	if (p == NULL || rec->topic.n == 0 || p - start > (ptrdiff_t)sizeof(g->word))
		return p;
	g->n = (size_t)(p - start);
	g->mask[0] = ks_mask(g->n);
	g->mask[1] = g->n <= 8 ? 0 : ks_mask(g->n - 8);
	memcpy(g->word, start, sizeof(g->word));
	g->word[0] &= g->mask[0];
	g->word[1] &= g->mask[1];
	return p;
}

/* An offset as most are, 9 bytes being there: what is behind it; NULL: parse_any knows.  (By take_int p would stand in memory.) */
static inline const unsigned char *quick_offset(const unsigned char *p, int64_t *x, bool *shortest)
{
	uint64_t u, least;

	switch (*p) {
	case 0xcc: u = p[1]; least = 0x80; p += 2; break;
	case 0xcd: u = ks_get16(p + 1); least = 0x100; p += 3; break;
	case 0xce: u = ks_get32(p + 1); least = 0x10000; p += 5; break;
	case 0xcf: u = ks_get64(p + 1); least = UINT64_C(0x100000000); p += 9; break;
	default:
		*x = (int8_t)*p;
		*shortest = true;
		return *p < 0x80 || *p == 0xff ? p + 1 : NULL;
	}
	*x = (int64_t)u;
	*shortest = u >= least;
	return KS_LIKELY(*x >= 0) ? p : NULL;
}

/* True: rec is all that parse_any would make of it.  False: nobody knows; known: also where flags, topic or route are other ones. */
static inline __attribute__((always_inline)) bool parse_quick(struct ks_bytes payload, const struct ks_limits *limits,
    struct ks_rec_guess *g, struct ks_rec *rec, bool known)
{
	const unsigned char *p = payload.p, *end = payload.p + payload.n;
	uint64_t word[2];
	bool shortest;
	size_t n;

	if (payload.n < QUICK_PLACE + sizeof(word) + 2 || p[0] != 0x99 || p[1] != 0xcf || p[2] >= 0x80)
		return false;
	rec->time_ms = (int64_t)ks_get64(p + 2);
	p += QUICK_PLACE;
	memcpy(word, p, sizeof(word));
	if (KS_LIKELY(g->n > 0 && (word[0] & g->mask[0]) == g->word[0] && (word[1] & g->mask[1]) == g->word[1])) {
		rec->flags = *p;
		rec->topic = ks_bytes(p + 2, g->n - 2);
		p += g->n;
	} else {
		p = known ? NULL : quick_topic(p, end, g, rec);
	}
	if (KS_UNLIKELY(p == NULL || (*p >= 0x80 && *p != 0xff)))
		return false;
	rec->partition = (int8_t)*p++;
	p = end - p >= 9 ? quick_offset(p, &rec->offset, &shortest) : NULL;
	if (KS_UNLIKELY(p == NULL || p >= end))
		return false;
	rec->shortest = shortest && rec->time_ms > UINT32_MAX;
	rec->route = ks_bytes(NULL, 0);
	p = KS_LIKELY(*p == 0xc0) ? p + 1 : known ? NULL : short_name(p, end, &rec->route);
	if (KS_UNLIKELY(p == NULL || p >= end))
		return false;
	n = *p == 0xc0 ? 1 : (*p & 0xe0) == 0xa0 ? 1 + (size_t)(*p & 31u) : 0;
	if (n == 0 || n > limits->key || n + 1 >= (size_t)(end - p) || p[n] != 0x90)
		return false;
	rec->key = ks_bytes(p, n);
	rec->headers = ks_bytes(p + n, 1);
	rec->value = ks_bytes(p + n + 1, (size_t)(end - p) - n - 1);
	rec->frame = ks_bytes(payload.p - KS_FRAME_HEAD, payload.n + KS_FRAME_HEAD);
	return true;
}

/* Apart: what calls nothing keeps all of it in registers. */
static __attribute__((noinline)) const char *parse_unknown(struct ks_bytes payload, const struct ks_limits *limits,
    struct ks_rec_guess *g, struct ks_rec *rec)
{
	return KS_LIKELY(parse_quick(payload, limits, g, rec, false)) ? NULL : parse_any(payload, limits, rec);
}

const char *ks_rec_parse_next(struct ks_bytes payload, const struct ks_limits *limits, struct ks_rec_guess *g, struct ks_rec *rec)
{
	return KS_LIKELY(parse_quick(payload, limits, g, rec, true)) ? NULL : parse_unknown(payload, limits, g, rec);
}

const char *ks_rec_parse(struct ks_bytes payload, const struct ks_limits *limits, struct ks_rec *rec)
{
	struct ks_rec_guess none = { .n = 0 };

	return ks_rec_parse_next(payload, limits, &none, rec);
}

/* The header of a control frame's array, and nothing behind its last element. */
static bool open_array(struct ks_bytes payload, uint32_t count, const unsigned char **p)
{
	struct ks_head head;

	if (payload.n == 0 || ks_mp_head(payload.p, payload.p + payload.n, &head) != KS_MP_OK)
		return false;
	*p = head.body;
	return head.type == KS_ARRAY && head.count == count;
}

const char *ks_mark_parse(struct ks_bytes payload, struct ks_mark *m)
{
	const unsigned char *p, *end = payload.p + payload.n;
	struct ks_val v;
	int64_t x;

	if (!open_array(payload, 3, &p) || !take_int(&p, end, 0, INT32_MAX, &x) ||
	    !take_int(&p, end, INT64_MIN, INT64_MAX, &m->time_ms) ||
	    ks_mp_read(&p, end, 0, &v) != KS_MP_OK || (v.type != KS_TRUE && v.type != KS_FALSE) ||
	    p != end)
		return "a mark is [partition, time_ms, idle]";
	m->partition = (int32_t)x;
	m->idle = v.type == KS_TRUE;
	return NULL;
}

bool ks_is_check(struct ks_bytes text)
{
	size_t i;

	for (i = 0; i < text.n; i++)
		if (text.p[i] <= ' ' || text.p[i] >= 0x7f)
			return false;
	return text.n > 0 && text.n <= KS_CHECK_MAX && !ks_bytes_is(text, "-");
}

bool ks_position_next(const unsigned char **p, const unsigned char *end, struct ks_position *x)
{
	struct ks_head entry;
	struct ks_val v;
	int64_t i;

	*x = (struct ks_position){ .partition = 0 };
	if (*p >= end || ks_mp_head(*p, end, &entry) != KS_MP_OK || entry.type != KS_ARRAY ||
	    (entry.count != 3 && entry.count != 4))
		return false;
	*p = entry.body;
	if (ks_mp_read(p, end, 0, &v) != KS_MP_OK || v.type != KS_STR ||
	    !take_int(p, end, 0, INT32_MAX, &i) || !take_int(p, end, 0, INT64_MAX, &x->offset))
		return false;
	x->input = v.b;
	x->partition = (int32_t)i;
	if (entry.count == 3)
		return true;
	if (ks_mp_read(p, end, 0, &v) != KS_MP_OK || v.type != KS_STR || !ks_is_check(v.b))
		return false;
	x->check = v.b;
	return true;
}

int ks_position_add(struct ks_buf *b, const struct ks_position *x)
{
	int no = ks_mp_add_array_head(b, x->check.n > 0 ? 4 : 3);

	if (no == 0)
		no = ks_mp_add_str(b, x->input);
	if (no == 0)
		no = ks_mp_add_i64(b, x->partition);
	if (no == 0)
		no = ks_mp_add_i64(b, x->offset);
	return no != 0 || x->check.n == 0 ? no : ks_mp_add_str(b, x->check);
}

static bool check_positions(struct ks_bytes positions)
{
	const unsigned char *p, *end = positions.p + positions.n;
	struct ks_position x;
	struct ks_head list;
	uint32_t i;

	if (ks_mp_head(positions.p, end, &list) != KS_MP_OK || list.type != KS_ARRAY)
		return false;
	p = list.body;
	for (i = 0; i < list.count; i++)
		if (!ks_position_next(&p, end, &x))
			return false;
	return p == end;
}

const char *ks_barrier_parse(struct ks_bytes payload, struct ks_barrier *b)
{
	static const char wrong[] = "a barrier is [n, kind, positions, committed, hop, group]";
	const unsigned char *p, *end = payload.p + payload.n, *start;
	struct ks_val v;
	int64_t kind;

	if (!open_array(payload, 6, &p) || !take_int(&p, end, 1, INT64_MAX, &b->n) ||
	    !take_int(&p, end, KS_GO_ON, KS_COMPLETE, &kind))
		return wrong;
	b->kind = (enum ks_kind)kind;
	start = p;
	if (ks_mp_skip(&p, end, 2) != KS_MP_OK)
		return wrong;
	b->positions = ks_bytes(start, (size_t)(p - start));
	if (!check_positions(b->positions) || !take_int(&p, end, -1, INT64_MAX, &b->committed))
		return wrong;
	if (p < end && *p == 0xc0) {
		p++;
		b->hop = -1;
	} else if (!take_int(&p, end, 0, INT64_MAX, &b->hop)) {
		return wrong;
	}
	start = p;
	if (ks_mp_read(&p, end, 0, &v) != KS_MP_OK || (v.type != KS_NIL && v.type != KS_BIN) || p != end)
		return wrong;
	b->group = ks_bytes(start, (size_t)(p - start));
	return NULL;
}

const char *ks_end_parse(struct ks_bytes payload, struct ks_end *e)
{
	const unsigned char *p, *end = payload.p + payload.n;
	int64_t kind;

	if (!open_array(payload, 2, &p) || !take_int(&p, end, 1, INT64_MAX, &e->n) ||
	    !take_int(&p, end, KS_PAUSED, KS_COMPLETE, &kind) || p != end)
		return "an end is [n, kind]";
	e->kind = (enum ks_kind)kind;
	return NULL;
}

/* What msgpack-c writes with: its return value is all it knows of an error. */
static int write_buf(void *b, const char *p, size_t n)
{
	return ks_buf_add(b, p, n);
}

int ks_frame_begin(struct ks_buf *b, size_t *start, struct msgpack_packer *pk)
{
	int no = ks_buf_reserve(b, KS_FRAME_HEAD);

	*start = b->n;
	if (no == 0)
		b->n += KS_FRAME_HEAD;
	msgpack_packer_init(pk, b, write_buf);
	return no;
}

int ks_frame_end(struct ks_buf *b, size_t start, int type, int no)
{
	if (no == 0)
		ks_frame_close(b->p + start, b->n - start - KS_FRAME_HEAD, type);
	else
		b->n = start;
	return no;
}

int ks_mark_add(struct ks_buf *b, const struct ks_mark *m)
{
	msgpack_packer pk;
	size_t start;
	int no = ks_frame_begin(b, &start, &pk);

	if (no != 0 || (no = msgpack_pack_array(&pk, 3)) != 0 ||
	    (no = msgpack_pack_int32(&pk, m->partition)) != 0 ||
	    (no = msgpack_pack_int64(&pk, m->time_ms)) != 0)
		return ks_frame_end(b, start, KS_MARK, no);
	no = m->idle ? msgpack_pack_true(&pk) : msgpack_pack_false(&pk);
	return ks_frame_end(b, start, KS_MARK, no);
}

int ks_barrier_add(struct ks_buf *b, const struct ks_barrier *x)
{
	msgpack_packer pk;
	size_t start;
	int no = ks_frame_begin(b, &start, &pk);

	if (no != 0 || (no = msgpack_pack_array(&pk, 6)) != 0 ||
	    (no = msgpack_pack_int64(&pk, x->n)) != 0 || (no = msgpack_pack_int(&pk, x->kind)) != 0 ||
	    (no = ks_buf_add(b, x->positions.p, x->positions.n)) != 0 ||
	    (no = msgpack_pack_int64(&pk, x->committed)) != 0 ||
	    (no = x->hop < 0 ? msgpack_pack_nil(&pk) : msgpack_pack_int64(&pk, x->hop)) != 0)
		return ks_frame_end(b, start, KS_BARRIER, no);
	no = ks_buf_add(b, x->group.p, x->group.n);
	return ks_frame_end(b, start, KS_BARRIER, no);
}

int ks_end_add(struct ks_buf *b, const struct ks_end *e)
{
	msgpack_packer pk;
	size_t start;
	int no = ks_frame_begin(b, &start, &pk);

	if (no == 0 && (no = msgpack_pack_array(&pk, 2)) == 0 &&
	    (no = msgpack_pack_int64(&pk, e->n)) == 0)
		no = msgpack_pack_int(&pk, e->kind);
	return ks_frame_end(b, start, KS_END, no);
}

int ks_ping_add(struct ks_buf *b)
{
	msgpack_packer pk;
	size_t start;
	int no = ks_frame_begin(b, &start, &pk);

	if (no == 0)
		no = msgpack_pack_nil(&pk);
	return ks_frame_end(b, start, KS_PING, no);
}
