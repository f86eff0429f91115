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
#include <limits.h>

#include "json-keys.h"
#include "json-scan.h"
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

struct parser {
	struct ks_scan scan;
	struct ks_json *json;
	unsigned char *base;	/* start of the document's output */
	unsigned slot;		/* number of the next key in the document; past KS_JSON_GUESSES: any */
};

/*
 * Where the parser is.  Goes from function to function by value, in two
 * registers: what is written through o may alias anything in memory.
 */
struct at {
	const unsigned char *p;	/* next byte of the text; NULL: the document is at fault */
	unsigned char *o;	/* end of the output */
};

void ks_json_init(struct ks_json *j, unsigned depth)
{
	*j = (struct ks_json){ .depth = depth };
	ks_buf_init(&j->keys, SIZE_MAX / 4);
}

void ks_json_release(struct ks_json *j)
{
	ks_buf_release(&j->keys);
}

static struct at fail(struct parser *x, const unsigned char *p, enum ks_json_error e)
{
	return (struct at){ ks_scan_fail(&x->scan, p, e), NULL };
}

/* A string that has escapes, is not ASCII, is long, or is at fault; p is behind the opening quote. */
static struct at put_odd_string(struct parser *x, const unsigned char *p, unsigned char *o)
{
	const unsigned char *end;
	bool escaped = false;
	unsigned char *body;
	size_t n;

	end = ks_scan_string(&x->scan, p, &escaped);
	if (end == NULL)
		return (struct at){ NULL, o };
	n = (size_t)(end - p) - 1;
	if (!escaped) {
		o = ks_mp_put_str_head(o, (uint32_t)n);
		memcpy(o, p, n);
		return (struct at){ end, o + n };
	}
	body = o + 5;
	n = ks_scan_unescape(body, p, n);
	o = ks_mp_put_str_head(o, (uint32_t)n);
	memmove(o, body, n);
	return (struct at){ end, o + n };
}

/* Whole vectors are copied: both sides have KS_PAD bytes to spare. */
KS_SCAN_INLINE struct at put_string(struct parser *x, const unsigned char *p, unsigned char *o)
{
	size_t skip = (uintptr_t)p - (uintptr_t)x->scan.block, n;
	uint64_t special = skip < 64 ? x->scan.special >> skip : 0;

	if (KS_UNLIKELY(special == 0)) {
		special = ks_scan_special(p);
		x->scan.block = p;
		x->scan.special = special;
		if (KS_UNLIKELY(special == 0))
			return put_odd_string(x, p, o);
	}
	n = (size_t)__builtin_ctzll(special);
	if (KS_UNLIKELY(p[n] != '"'))
		return put_odd_string(x, p, o);
	if (KS_LIKELY(n < 32)) {
		*o = (unsigned char)(0xa0 | n);
		memcpy(o + 1, p, 32);
		return (struct at){ p + n + 1, o + n + 1 };
	}
	o[0] = 0xd9;
	o[1] = (unsigned char)n;
	memcpy(o + 2, p, 64);
	return (struct at){ p + n + 1, o + n + 2 };
}

/* Any number that the others leave. */
static struct at put_odd_number(struct parser *x, const unsigned char *p, unsigned char *o)
{
	const unsigned char *end = ks_scan_number(&x->scan, p), *q;
	bool negative = *p == '-';
	uint64_t u = 0;

	if (end == NULL)
		return (struct at){ NULL, o };
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
	return (struct at){ end, o };
}

/* The number that eight digits are, each the value of a byte, the first one lowest. */
static inline uint64_t eight_digits(uint64_t w)
{
	w = w * 10 + (w >> 8);
	return ((w & UINT64_C(0x000000ff000000ff)) * UINT64_C(0x000f424000000064) +
	    (w >> 16 & UINT64_C(0x000000ff000000ff)) * UINT64_C(0x0000271000000001)) >> 32;
}

/* The top bit of each byte that is no digit; of eight bytes, '0' taken from each. */
static inline uint64_t no_digits(uint64_t w)
{
	const uint64_t high = UINT64_C(0x8080808080808080);

	return (((w & ~high) + UINT64_C(0x7676767676767676)) | w) & high;
}

static inline uint64_t load_digits(const unsigned char *p)
{
	uint64_t w;

	memcpy(&w, p, 8);
	return w ^ UINT64_C(0x3030303030303030);
}

/* Digits at p, which may be none, appended to *u (modulo 2^64). */
static inline const unsigned char *digits(const unsigned char *p, uint64_t *u)
{
	static const uint32_t ten[] = { 1, 10, 100, 1000, 10000, 100000, 1000000, 10000000 };
	uint64_t w, none;
	unsigned n;

	for (w = load_digits(p); (none = no_digits(w)) == 0; w = load_digits(p)) {
		*u = *u * 100000000 + eight_digits(w);
		p += 8;
	}
	n = (unsigned)__builtin_ctzll(none) / 8;
	*u = *u * ten[n] + eight_digits(w << (56 - 8 * n) << 8);
	return p + n;
}

static const double powers[] = {
	1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
};

/*
 * A number of more than seven characters.  A double of up to 15 digits is
 * one division of two exact doubles, hence rounded correctly (Clinger 1990).
 */
static struct at put_long_number(struct parser *x, const unsigned char *p, unsigned char *o)
{
	bool negative = *p == '-';
	const unsigned char *first = p + negative, *q, *point;
	uint64_t u = 0;
	double d;

	q = digits(first, &u);
	if (KS_UNLIKELY(q == first || q - first > 18 || (*first == '0' && q - first > 1)))
		return put_odd_number(x, p, o);
	if (*q == '.') {
		point = q + 1;
		q = digits(point, &u);
		if (KS_UNLIKELY(q == point || q - first > 16 || (*q | 0x20) == 'e'))
			return put_odd_number(x, p, o);
		d = (double)u / powers[q - point];
		return (struct at){ q, ks_mp_put_f64(o, negative ? -d : d) };
	}
	if (KS_UNLIKELY((*q | 0x20) == 'e'))
		return put_odd_number(x, p, o);
	return (struct at){ q, negative ? ks_mp_put_i64(o, -(int64_t)u) : ks_mp_put_u64(o, u) };
}

/*
 * All digits of a short number at once, the point taken out from between
 * them: how many there are is a matter of shifts, not of a loop whose end
 * the processor guesses wrong.
 */
static struct at put_number(struct parser *x, const unsigned char *p, unsigned char *o)
{
	uint64_t w = load_digits(p), none = no_digits(w), rest, whole;
	unsigned n, end;

	if (none == 0)
		return put_long_number(x, p, o);
	n = (unsigned)__builtin_ctzll(none) / 8;
	if (KS_UNLIKELY(n == 0 || (*p == '0' && n > 1)))
		return put_long_number(x, p, o);
	if (p[n] != '.') {
		if (KS_UNLIKELY((p[n] | 0x20) == 'e'))
			return put_odd_number(x, p, o);
		return (struct at){ p + n, ks_mp_put_u64(o, eight_digits(w << (64 - 8 * n))) };
	}
	rest = none & (none - 1);
	end = (unsigned)__builtin_ctzll(rest | UINT64_C(1) << 63) / 8;
	if (rest == 0 || KS_UNLIKELY(end == n + 1 || (p[end] | 0x20) == 'e'))
		return put_long_number(x, p, o);
	whole = (UINT64_C(1) << 8 * n) - 1;
	w = (w & whole) | (w >> 8 & ~whole);
	w = eight_digits(w << (72 - 8 * end));
	return (struct at){ p + end, ks_mp_put_f64(o, (double)w / powers[end - n - 1]) };
}

static struct at put_literal(struct parser *x, const unsigned char *p, unsigned char *o)
{
	*o = *p == 't' ? 0xc3 : *p == 'f' ? 0xc2 : 0xc0;
	return (struct at){ ks_scan_literal(&x->scan, p), o + 1 };
}

static struct at put_container(struct parser *x, const unsigned char *p, unsigned char *o, unsigned depth);

KS_SCAN_INLINE struct at put_value(struct parser *x, const unsigned char *p, unsigned char *o, unsigned depth)
{
	if (*p == '"')
		return put_string(x, p + 1, o);
	if ((unsigned)*p - '0' <= 9 || *p == '-')
		return put_number(x, p, o);
	if (*p == '{' || *p == '[')
		return put_container(x, p, o, depth);
	return put_literal(x, p, o);
}

/* Remember the key whose text and packed form these are, for the next document. */
static void learn(struct ks_json *j, unsigned slot, struct ks_bytes text, struct ks_bytes packed)
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
}

/* One member's key and colon, scanned. */
static struct at scan_key(struct parser *x, const unsigned char *p, unsigned char *o, struct ks_keys *keys)
{
	struct ks_head head;
	struct at a;

	if (KS_UNLIKELY(*p != '"'))
		return fail(x, p, KS_JSON_SYNTAX);
	a = put_string(x, p + 1, o);
	if (KS_UNLIKELY(a.p == NULL))
		return a;
	if (ks_mp_head(o, a.o, &head) != KS_MP_OK)
		ks_bug("a key that was just written cannot be read");
	if (ks_keys_note(x->json, keys, ks_bytes(head.body, head.count), (size_t)(o - x->base)) != 0)
		return fail(x, p, KS_JSON_MEMORY);
	a.p = ks_scan_ws(&x->scan, a.p);
	if (KS_UNLIKELY(*a.p != ':'))
		return fail(x, a.p, KS_JSON_SYNTAX);
	a.p++;
	if (x->slot < KS_JSON_GUESSES)
		learn(x->json, x->slot, ks_bytes(p, (size_t)(a.p - p)), ks_bytes(o, (size_t)(a.o - o)));
	a.p = ks_scan_ws(&x->scan, a.p);
	return a;
}

/* The header, now that the count is known; head has one byte of room before the content. */
static inline struct at close_container(const unsigned char *p, unsigned char *o, unsigned char *head,
    uint32_t count, bool object)
{
	size_t content, room;
	unsigned char *end;

	if (KS_LIKELY(count < 16)) {
		*head = (unsigned char)((object ? 0x80 : 0x90) | count);
		return (struct at){ p + 1, o };
	}
	content = (size_t)(o - head) - 1;
	room = count <= UINT16_MAX ? 3 : 5;
	memmove(head + room, head + 1, content);
	end = object ? ks_mp_put_map_head(head, count) : ks_mp_put_array_head(head, count);
	return (struct at){ p + 1, end + content };
}

/* An object of which count members are written, and the next one's key is at p. */
struct open {
	unsigned char *head;	/* in the output, of one byte */
	uint32_t count;
	unsigned depth;		/* containers that a value may still enter */
	unsigned slot;		/* of the first key */
	uint64_t inner;		/* slots of the keys of its values */
};

static inline uint64_t slots_between(unsigned from, unsigned to)
{
	uint64_t below = from < KS_JSON_GUESSES ? (UINT64_C(1) << from) - 1 : UINT64_MAX;

	return (to < KS_JSON_GUESSES ? (UINT64_C(1) << to) - 1 : UINT64_MAX) & ~below;
}

/* The end of an object whose keys have to be looked at. */
static struct at close_checked(struct parser *x, const unsigned char *p, unsigned char *o,
    struct open *n, struct ks_keys *keys)
{
	keys->slots = slots_between(n->slot, x->slot) & ~n->inner;
	if (ks_keys_finish(x->json, keys, x->base, n->head + 1, &o, &n->count,
	    x->slot <= KS_JSON_GUESSES ? n->slot : UINT_MAX) != 0)
		return fail(x, p, KS_JSON_MEMORY);
	return close_container(p, o, n->head, n->count, true);
}

/* The rest of an object, from a key on that the document before did not have there. */
static struct at put_rest(struct parser *x, const unsigned char *p, unsigned char *o, struct open n)
{
	struct ks_keys keys = { .noted = x->json->keys.n };
	struct at a = { p, o };
	unsigned before;

	if (ks_keys_begin(x->json, &keys, x->base, n.head + 1, o) != 0)
		return fail(x, p, KS_JSON_MEMORY);
	for (;;) {
		a = scan_key(x, a.p, a.o, &keys);
		if (KS_UNLIKELY(a.p == NULL))
			return a;
		x->slot += x->slot <= KS_JSON_GUESSES;
		before = x->slot;
		a = put_value(x, a.p, a.o, n.depth);
		if (KS_UNLIKELY(a.p == NULL))
			return a;
		n.inner |= slots_between(before, x->slot);
		n.count++;
		a.p = ks_scan_ws(&x->scan, a.p);
		if (*a.p != ',')
			break;
		a.p = ks_scan_ws(&x->scan, a.p + 1);
	}
	if (KS_UNLIKELY(*a.p != '}'))
		return fail(x, a.p, KS_JSON_SYNTAX);
	return close_checked(x, a.p, a.o, &n, &keys);
}

/* A value in an object; what is likeliest is asked first, white space not before there is none of it. */
KS_SCAN_INLINE struct at put_member(struct parser *x, const unsigned char *p, unsigned char *o, struct open *n,
    const struct ks_json_guess **g)
{
	unsigned before;
	struct at a;

	if (*p == '"')
		return put_string(x, p + 1, o);
	if ((unsigned)*p - '0' <= 9)
		return put_number(x, p, o);
	p = ks_scan_ws(&x->scan, p);
	if (*p != '{' && *p != '[')
		return put_value(x, p, o, n->depth);
	/*
	 * This takes x->slot back to KS_JSON_GUESSES where keys of a value before had
	 * no slot: that is a matter of theirs; those of this object so far have one,
	 * and the next, if there is one, goes to put_rest, which says that it has none.
	 */
	before = x->slot = (unsigned)(*g - x->json->guesses);
	a = put_container(x, p, o, n->depth);
	n->inner |= slots_between(before, x->slot);
	*g = x->json->guesses + (x->slot < KS_JSON_GUESSES ? x->slot : KS_JSON_GUESSES);
	return a;
}

/* p is behind the brace. */
static struct at put_object(struct parser *x, const unsigned char *p, unsigned char *o, unsigned depth)
{
	struct open n = { .head = o, .depth = depth, .slot = x->slot };
	const struct ks_json_guess *g, *stop = x->json->guesses + KS_JSON_GUESSES;
	struct ks_keys keys = { .noted = x->json->keys.n };
	struct at a;

	o++;
	p = ks_scan_ws(&x->scan, p);
	if (KS_UNLIKELY(*p == '}'))
		return close_container(p, o, n.head, 0, true);
	if (KS_UNLIKELY(x->slot >= KS_JSON_GUESSES))
		return put_rest(x, p, o, n);
	for (g = x->json->guesses + x->slot;; g++) {
		if (KS_UNLIKELY(g >= stop || !ks_json_again(&g->seen, p))) {
			x->slot = (unsigned)(g - x->json->guesses);
			return put_rest(x, p, o, n);
		}
		memcpy(o, g->packed, sizeof(g->packed));
		g++;
		a = put_member(x, p + g[-1].seen.n, o + g[-1].packed_n, &n, &g);
		g--;
		if (KS_UNLIKELY(a.p == NULL))
			return a;
		n.count++;
		o = a.o;
		p = *a.p == ',' ? a.p : ks_scan_ws(&x->scan, a.p);
		if (*p != ',')
			break;
		p = ks_scan_ws(&x->scan, p + 1);
	}
	if (KS_UNLIKELY(*p != '}'))
		return fail(x, p, KS_JSON_SYNTAX);
	x->slot = (unsigned)(g - x->json->guesses) + 1;
	if (KS_UNLIKELY((slots_between(n.slot, x->slot) & ~n.inner & ~x->json->distinct[n.slot]) != 0))
		return close_checked(x, p, o, &n, &keys);
	return close_container(p, o, n.head, n.count, true);
}

static struct at put_array(struct parser *x, const unsigned char *p, unsigned char *o, unsigned depth)
{
	unsigned char *head = o;
	struct at a = { ks_scan_ws(&x->scan, p), o + 1 };
	uint32_t count = 0;

	if (*a.p == ']')
		return close_container(a.p, a.o, head, 0, false);
	for (;;) {
		a = put_value(x, a.p, a.o, depth);
		if (KS_UNLIKELY(a.p == NULL))
			return a;
		count++;
		a.p = ks_scan_ws(&x->scan, a.p);
		if (*a.p != ',')
			break;
		a.p = ks_scan_ws(&x->scan, a.p + 1);
	}
	if (KS_UNLIKELY(*a.p != ']'))
		return fail(x, a.p, KS_JSON_SYNTAX);
	return close_container(a.p, a.o, head, count, false);
}

static struct at put_container(struct parser *x, const unsigned char *p, unsigned char *o, unsigned depth)
{
	if (KS_UNLIKELY(depth == 0))
		return fail(x, p, KS_JSON_DEPTH);
	return *p == '{' ? put_object(x, p + 1, o, depth - 1) : put_array(x, p + 1, o, depth - 1);
}

/* Room for the worst case of a text of n bytes. */
static enum ks_json_error make_room(struct ks_json *j, struct ks_bytes text, struct ks_buf *out)
{
	int no = ks_buf_reserve(out, text.n / 4 * 9 + 2 * KS_PAD);

	if (KS_LIKELY(no == 0))
		return KS_JSON_OK;
	j->at = text.p;
	return no == ENOMEM ? KS_JSON_MEMORY : KS_JSON_BIG;
}

/* One value with white space around it; returns the byte behind. */
static inline const unsigned char *put_document(struct parser *x, const unsigned char *text, struct ks_buf *out)
{
	struct at a;

	x->base = out->p + out->n;
	x->json->keys.n = 0;
	a = put_value(x, ks_scan_ws(&x->scan, text), x->base, x->json->depth);
	if (KS_UNLIKELY(a.p == NULL))
		return NULL;
	if (*a.p != '\n' && *a.p != '\0')
		a.p = ks_scan_ws(&x->scan, a.p);
	out->n += (size_t)(a.o - x->base);
	return a.p;
}

enum ks_json_error ks_json_parse(struct ks_json *j, struct ks_bytes text, struct ks_buf *out)
{
	struct parser x = { .scan = { .end = text.p + text.n }, .json = j };
	enum ks_json_error e = make_room(j, text, out);
	uint64_t duplicates = j->duplicates;
	size_t before = out->n;

	if (KS_UNLIKELY(e != KS_JSON_OK))
		return e;
	j->at = put_document(&x, text.p, out);
	if (KS_UNLIKELY(j->at == NULL)) {
		j->duplicates = duplicates;
		j->at = x.scan.at;
		return x.scan.e;
	}
	/* A newline within the text is white space, too. */
	j->at = ks_scan_ws(&x.scan, j->at);
	if (KS_LIKELY(j->at == x.scan.end))
		return KS_JSON_OK;
	j->duplicates = duplicates;	/* of a document that is not taken */
	out->n = before;
	return KS_JSON_TRAILING;
}

enum ks_json_error ks_json_line(struct ks_json *j, struct ks_bytes text, struct ks_buf *out)
{
	struct parser x = { .scan = { .end = text.p }, .json = j };
	enum ks_json_error e = make_room(j, text, out);
	uint64_t duplicates = j->duplicates;
	size_t before = out->n;

	if (KS_UNLIKELY(e != KS_JSON_OK))
		return e;
	j->at = put_document(&x, text.p, out);
	if (KS_LIKELY(j->at != NULL && *j->at == '\n'))
		return KS_JSON_OK;
	j->duplicates = duplicates;	/* ks_json_parse will count them */
	out->n = before;
	return KS_JSON_TRAILING;
}
