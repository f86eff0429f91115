/* SPDX-License-Identifier: MIT */
/*
 * json.c - JSON text to msgpack in one pass.
 *
 * Room for the worst case is taken once a document, so that nothing is
 * tested per byte: the densest floats ("1e5,") make 9 bytes of 4, and
 * everything else shrinks or stays.  A container's header is written for
 * fewer than 16 members, and its content moved up where there were more:
 * so every header is minimal, and equal values are equal bytes.
 */
#include "json.h"

#include <errno.h>

#include "json-keys.h"
#include "json-lines.h"
#include "json-pack.h"
#include "num.h"

const char *ks_json_strerror(enum ks_json_error e)
{
	static const char *const text[] = {
		[KS_JSON_OK] = "no error",
		[KS_JSON_CUT] = "JSON is cut short",
		[KS_JSON_SYNTAX] = "not JSON",
		[KS_JSON_UTF8] = "JSON string is not UTF-8",
		[KS_JSON_ESCAPE] = "unknown escape in a JSON string",
		[KS_JSON_CONTROL] = "control character in a JSON string",
		[KS_JSON_SURROGATE] = "half a surrogate pair in a JSON string",
		[KS_JSON_NUMBER] = "malformed JSON number",
		[KS_JSON_RANGE] = "JSON number beyond the range of a double",
		[KS_JSON_DEPTH] = "JSON is nested too deep (--max-depth)",
		[KS_JSON_TRAILING] = "text behind the JSON value",
		[KS_JSON_MEMORY] = ks_no_memory,
		[KS_JSON_BIG] = "the value is too large",
	};

	return text[e];
}

void ks_json_init(struct ks_json *j, unsigned depth)
{
	*j = (struct ks_json){ .depth = depth, .pack = ks_pack_best() };
	ks_buf_init(&j->keys, SIZE_MAX / 4);
}

void ks_json_release(struct ks_json *j)
{
	ks_buf_release(&j->keys);
}

struct ks_at ks_pack_fail(struct ks_parser *x, const unsigned char *p, enum ks_json_error e)
{
	return (struct ks_at){ ks_scan_fail(&x->scan, p, e), NULL };
}

struct ks_at ks_pack_odd_string(struct ks_parser *x, const unsigned char *p, unsigned char *o)
{
	const unsigned char *end;
	bool escaped = false;
	unsigned char *body;
	size_t n;

	end = ks_scan_string(&x->scan, p, &escaped);
	if (end == NULL)
		return (struct ks_at){ NULL, o };
	n = (size_t)(end - p) - 1;
	if (!escaped) {
		o = ks_mp_put_str_head(o, (uint32_t)n);
		memcpy(o, p, n);
		return (struct ks_at){ end, o + n };
	}
	body = o + 5;
	n = ks_scan_unescape(body, p, n);
	o = ks_mp_put_str_head(o, (uint32_t)n);
	memmove(o, body, n);
	return (struct ks_at){ end, o + n };
}

struct ks_at ks_pack_odd_number(struct ks_parser *x, const unsigned char *p, unsigned char *o)
{
	const unsigned char *end = ks_scan_number(&x->scan, p), *q;
	bool negative = *p == '-';
	uint64_t u = 0;

	if (end == NULL)
		return (struct ks_at){ NULL, o };
	for (q = p + negative; q < end; q++) {
		unsigned digit = (unsigned)*q - '0';

		if (digit > 9 || __builtin_mul_overflow(u, 10u, &u) ||
		    __builtin_add_overflow(u, digit, &u))
			break;
	}
	if (q < end || (negative && u > (uint64_t)INT64_MAX + 1))
		o = ks_mp_put_f64(o, ks_num_f64(p, (size_t)(end - p)));
	else if (negative)
		o = ks_mp_put_i64(o, (int64_t)(0 - u));
	else
		o = ks_mp_put_u64(o, u);
	return (struct ks_at){ end, o };
}

const double ks_pack_powers[16] = {
	1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
};

/*
 * A number of more than seven characters.  A double of up to 15 digits is
 * one division of two exact doubles, hence rounded correctly (Clinger 1990).
 */
struct ks_at ks_pack_long_number(struct ks_parser *x, const unsigned char *p, unsigned char *o)
{
	bool negative = *p == '-';
	const unsigned char *first = p + negative, *q, *point;
	uint64_t u = 0;
	double d;

	q = digits(first, &u);
	if (KS_UNLIKELY(q == first || q - first > 18 || (*first == '0' && q - first > 1)))
		return ks_pack_odd_number(x, p, o);
	if (*q == '.') {
		point = q + 1;
		q = digits(point, &u);
		if (KS_UNLIKELY(q == point || q - first > 16 || (*q | 0x20) == 'e'))
			return ks_pack_odd_number(x, p, o);
		d = (double)u / ks_pack_powers[q - point];
		return (struct ks_at){ q, ks_mp_put_f64(o, negative ? -d : d) };
	}
	if (KS_UNLIKELY((*q | 0x20) == 'e'))
		return ks_pack_odd_number(x, p, o);
	return (struct ks_at){ q, negative ? ks_mp_put_i64(o, -(int64_t)u) : ks_mp_put_u64(o, u) };
}

void ks_pack_learn(struct ks_json *j, unsigned slot, struct ks_bytes text, struct ks_bytes packed)
{
	struct ks_json_guess *g = &j->guesses[slot];

	ks_keys_changed(j, slot);
	/* Between key and colon may stand a newline; behind one that ends a line, ks_json_line would read on. */
	if (KS_UNLIKELY(text.n >= 2 && text.p[text.n - 2] != '"') && memchr(text.p, '\n', text.n) != NULL)
		text.n = KS_JSON_SEEN + 1;
	ks_json_see(&g->seen, text.p, text.n);
	/* An escape is never longer than its text, nor is the header longer than quotes and colon. */
	g->packed_n = g->seen.n > 0 ? (uint32_t)packed.n : 0;
	memcpy(g->packed, packed.p, sizeof(g->packed));
	g->span = (struct ks_json_span){ 0 };
}

/*
 * To foresee wrongly costs as much as twenty instructions, and to foresee saves about
 * as many: where it fails more than once in four documents it is given up.
 */
void ks_pack_unforeseen(struct ks_json_span *s, uint32_t document, size_t bytes)
{
	uint32_t since = document - s->failed;

	s->failed = document;
	s->doubt = (s->doubt > since ? s->doubt - since : 0) + 4;
	s->bytes = s->doubt < KS_PACK_DOUBT ? (uint32_t)bytes : 0;
}

void ks_pack_forgive(struct ks_json_span *s)
{
	if (s->doubt >= KS_PACK_DOUBT)
		s->doubt = KS_PACK_DOUBT / 2;
}

/* Room for the worst case of a text of n bytes. */
static enum ks_json_error make_room(struct ks_json *j, struct ks_bytes text, struct ks_buf *out)
{
	int no = ks_buf_reserve(out, KS_JSON_ROOM(text.n));

	if (KS_LIKELY(no == 0))
		return KS_JSON_OK;
	j->at = text.p;
	return no == ENOMEM ? KS_JSON_MEMORY : KS_JSON_BIG;
}

enum ks_json_error ks_json_parse(struct ks_json *j, struct ks_bytes text, struct ks_buf *out)
{
	struct ks_parser x = { .scan = { .end = text.p + text.n }, .json = j };
	enum ks_json_error e = make_room(j, text, out);
	uint64_t duplicates = j->duplicates;
	struct ks_at a;

	if (KS_UNLIKELY(e != KS_JSON_OK))
		return e;
	x.base = out->p + out->n;
	j->keys.n = 0;
	a = j->pack->document(&x, text.p);
	if (KS_UNLIKELY(a.p == NULL)) {
		j->duplicates = duplicates;
		j->at = x.scan.at;
		return x.scan.e;
	}
	/* A newline within the text is white space, too. */
	j->at = ks_scan_ws(&x.scan, a.p);
	if (KS_LIKELY(j->at == x.scan.end)) {
		out->n = (size_t)(a.o - out->p);
		return KS_JSON_OK;
	}
	j->duplicates = duplicates;	/* of a document that is not taken */
	return KS_JSON_TRAILING;
}

enum ks_json_error ks_json_line(struct ks_json *j, struct ks_bytes text, struct ks_buf *out)
{
	struct ks_parser x = { .scan = { .end = text.p }, .json = j };
	enum ks_json_error e = make_room(j, text, out);
	uint64_t duplicates = j->duplicates;
	struct ks_at a;

	if (KS_UNLIKELY(e != KS_JSON_OK))
		return e;
	x.base = out->p + out->n;
	j->keys.n = 0;
	a = j->pack->document(&x, text.p);
	if (KS_LIKELY(a.p != NULL && *a.p == '\n')) {
		out->n = (size_t)(a.o - out->p);
		j->at = a.p;
		return KS_JSON_OK;
	}
	j->duplicates = duplicates;	/* ks_json_parse will count them */
	return KS_JSON_TRAILING;
}

int ks_json_lines(struct ks_json *j, struct ks_json_lines *l, struct ks_bytes text, struct ks_buf *out)
{
	struct ks_parser x = { .json = j };
	int no = ks_buf_reserve(out, KS_PAD + KS_JSON_ROOM(text.n));
	unsigned i;

	l->count = 0;
	if (no != 0)
		return no;
	for (i = 0; i < KS_JSON_GUESSES; i++)
		ks_pack_forgive(&j->guesses[i].span);
	j->at = j->pack->lines(&x, l, text, out);
	return 0;
}
