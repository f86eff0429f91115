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
#include <stdlib.h>

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
		[KS_JSON_MEMORY] = "no memory",
		[KS_JSON_BIG] = "the value is too large",
	};

	return text[e];
}

/* A key of an open object: where its header is in the output. */
struct key {
	uint32_t hash;
	uint32_t at;
};

struct parser {
	struct ks_scan scan;
	struct ks_json *json;
	unsigned char *base, *o;	/* start of the document's output, and its end so far */
	unsigned key;			/* number of the next key in the document */
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

/* Whole vectors: both sides have KS_PAD bytes to spare. */
static inline void copy_text(unsigned char *o, const unsigned char *p, size_t n)
{
	size_t i;

	if (n > 128) {
		memcpy(o, p, n);
		return;
	}
	for (i = 0; i < n; i += 16)
		memcpy(o + i, p + i, 16);
}

static void put_escaped(struct parser *x, const unsigned char *text, size_t n)
{
	unsigned char *body = x->o + 5, *o;

	n = ks_scan_unescape(body, text, n);
	o = ks_mp_put_str_head(x->o, (uint32_t)n);
	memmove(o, body, n);
	x->o = o + n;
}

/* What stands between two quotes. */
static inline void put_text(struct parser *x, const unsigned char *text, size_t n, bool escaped)
{
	if (KS_UNLIKELY(escaped)) {
		put_escaped(x, text, n);
		return;
	}
	if (KS_LIKELY(n < 32)) {
		*x->o = (unsigned char)(0xa0 | n);
		memcpy(x->o + 1, text, 32);
		x->o += n + 1;
		return;
	}
	x->o = ks_mp_put_str_head(x->o, (uint32_t)n);
	copy_text(x->o, text, n);
	x->o += n;
}

/* p is behind the opening quote. */
static inline const unsigned char *put_string(struct parser *x, const unsigned char *p)
{
	const unsigned char *text = p;
	bool escaped = false;

	p = ks_scan_string(&x->scan, p, &escaped);
	if (KS_LIKELY(p != NULL))
		put_text(x, text, (size_t)(p - text) - 1, escaped);
	return p;
}

/* Anything that is not a plain number of up to 18 digits. */
static const unsigned char *put_odd_number(struct parser *x, const unsigned char *p)
{
	const unsigned char *end = ks_scan_number(&x->scan, p), *q;
	bool negative = *p == '-';
	uint64_t u = 0;

	if (end == NULL)
		return NULL;
	for (q = p + negative; q < end; q++) {
		unsigned digit = (unsigned)*q - '0';

		if (digit > 9 || __builtin_mul_overflow(u, 10u, &u) ||
		    __builtin_add_overflow(u, digit, &u))
			break;
	}
	if (q < end || (negative && u > (uint64_t)INT64_MAX + 1))
		x->o = ks_mp_put_f64(x->o, ks_num_f64(p, (size_t)(end - p)));
	else if (negative)
		x->o = ks_mp_put_i64(x->o, (int64_t)(0 - u));
	else
		x->o = ks_mp_put_u64(x->o, u);
	return end;
}

/* Eight digits at once: three multiplications in place of eight in a chain. */
static inline bool eight_digits(const unsigned char *p, uint64_t *u)
{
	const uint64_t zeros = UINT64_C(0x3030303030303030), high = UINT64_C(0xf0f0f0f0f0f0f0f0);
	uint64_t w;

	memcpy(&w, p, 8);
	if ((w & high) != zeros || ((w + UINT64_C(0x0606060606060606)) & high) != zeros)
		return false;
	w -= zeros;
	w = w * 10 + (w >> 8);
	w = ((w & UINT64_C(0x000000ff000000ff)) * UINT64_C(0x000f424000000064) +
	    (w >> 16 & UINT64_C(0x000000ff000000ff)) * UINT64_C(0x0000271000000001)) >> 32;
	*u = *u * 100000000 + w;
	return true;
}

static inline const unsigned char *digits(const unsigned char *p, uint64_t *u)
{
	uint64_t sum = *u;
	unsigned digit;

	if (eight_digits(p, &sum))
		p += 8;
	for (; (digit = (unsigned)*p - '0') <= 9; p++)
		sum = sum * 10 + digit;
	*u = sum;
	return p;
}

/*
 * The usual number in one pass.  A double of up to 15 digits is one
 * division of two exact doubles, hence rounded correctly (Clinger 1990).
 */
static inline const unsigned char *put_number(struct parser *x, const unsigned char *p)
{
	static const double ten[] = {
		1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14,
		1e15,
	};
	const unsigned char *first = p + (*p == '-'), *q, *point;
	bool negative = *p == '-';
	uint64_t u = 0;
	double d;

	q = digits(first, &u);
	if (KS_UNLIKELY(q == first || q - first > 18 || (*first == '0' && q - first > 1)))
		return put_odd_number(x, p);
	if (*q == '.') {
		point = q + 1;
		q = digits(point, &u);
		if (KS_UNLIKELY(q == point || q - first > 16 || (*q | 0x20) == 'e'))
			return put_odd_number(x, p);
		d = (double)u / ten[q - point];
		x->o = ks_mp_put_f64(x->o, negative ? -d : d);
		return q;
	}
	if (KS_UNLIKELY((*q | 0x20) == 'e'))
		return put_odd_number(x, p);
	x->o = negative ? ks_mp_put_i64(x->o, -(int64_t)u) : ks_mp_put_u64(x->o, u);
	return q;
}

static const unsigned char *put_container(struct parser *x, const unsigned char *p, unsigned depth);

static inline const unsigned char *put_value(struct parser *x, const unsigned char *p,
    unsigned depth)
{
	if (*p == '"')
		return put_string(x, p + 1);
	if ((unsigned)*p - '0' <= 9 || *p == '-')
		return put_number(x, p);
	if (*p == '{' || *p == '[')
		return put_container(x, p, depth);
	*x->o++ = *p == 't' ? 0xc3 : *p == 'f' ? 0xc2 : 0xc0;
	return ks_scan_literal(&x->scan, p);
}

/*
 * Whether keys of one object may be equal.  Up to FEW of them, two Bloom
 * filters of 64 bits mostly say no; above, their hashes are compared, and
 * above MANY all are sorted.
 */
#define FEW 16
#define MANY 1024

struct seen {
	uint64_t a, b;
	bool twice;
};

/* Length and both ends of a key: the keys of one object mostly differ there.  Reads within the pad. */
static inline uint64_t key_hash(const unsigned char *k, size_t n)
{
	uint64_t w, end;

	memcpy(&w, k, 8);
	if (KS_LIKELY(n < 8)) {
		w &= (UINT64_C(1) << 8 * n) - 1;
	} else {
		memcpy(&end, k + n - 8, 8);
		w ^= end * UINT64_C(0xff51afd7ed558ccd);
	}
	return (w ^ n) * UINT64_C(0x9E3779B97F4A7C15);
}

static inline int note_key(struct parser *x, struct seen *seen, uint64_t hash, size_t at)
{
	uint64_t abit = UINT64_C(1) << (hash >> 58), bbit = UINT64_C(1) << (hash >> 52 & 63);
	struct key key = { .hash = (uint32_t)(hash >> 32), .at = (uint32_t)at };
	struct ks_buf *keys = &x->json->keys;

	seen->twice |= (seen->a & abit) != 0 && (seen->b & bbit) != 0;
	seen->a |= abit;
	seen->b |= bbit;
	if (KS_UNLIKELY(ks_buf_reserve(keys, sizeof(key)) != 0))
		return ENOMEM;
	memcpy(keys->p + keys->n, &key, sizeof(key));
	keys->n += sizeof(key);
	return 0;
}

static bool may_repeat(const struct parser *x, const struct seen *seen, size_t first_key,
    uint32_t count)
{
	const struct key *keys = (const struct key *)(const void *)(x->json->keys.p + first_key);
	uint32_t i, j;

	if (count <= FEW && !seen->twice)
		return false;
	if (count > MANY)
		return true;
	for (i = 1; i < count; i++)
		for (j = 0; j < i; j++)
			if (keys[i].hash == keys[j].hash)
				return true;
	return false;
}

/* One member's key and colon, scanned. */
static const unsigned char *scan_key(struct parser *x, const unsigned char *p, struct seen *seen,
    struct ks_json_guess *g)
{
	const unsigned char *text = p + 1, *q;
	size_t n, at = (size_t)(x->o - x->base);
	bool escaped = false;
	struct ks_head head;
	uint64_t hash;

	if (KS_UNLIKELY(*p != '"'))
		return ks_scan_fail(&x->scan, p, KS_JSON_SYNTAX);
	q = ks_scan_string(&x->scan, text, &escaped);
	if (KS_UNLIKELY(q == NULL))
		return NULL;
	n = (size_t)(q - text) - 1;
	put_text(x, text, n, escaped);
	if (KS_UNLIKELY(escaped)) {
		if (ks_mp_head(x->base + at, x->o, &head) != KS_MP_OK)
			ks_bug("a key that was just written cannot be read");
		text = head.body;
		n = head.count;
	}
	hash = key_hash(text, n);
	if (KS_UNLIKELY(note_key(x, seen, hash, at) != 0))
		return ks_scan_fail(&x->scan, p, KS_JSON_MEMORY);
	q = ks_scan_ws(&x->scan, q);
	if (KS_UNLIKELY(*q != ':'))
		return ks_scan_fail(&x->scan, q, KS_JSON_SYNTAX);
	if (g != NULL) {
		ks_json_see(&g->seen, p, (size_t)(q - p) + 1);
		/* An escape is never longer than its text, nor is the header longer than quotes and colon. */
		g->packed_n = (uint32_t)((size_t)(x->o - x->base) - at);
		if (g->seen.n > 0)
			memcpy(g->packed, x->base + at, 16);
		g->hash = hash;
	}
	return ks_scan_ws(&x->scan, q + 1);
}

/* One member's key and colon, as the document before had it if that is what stands there. */
static inline const unsigned char *put_key(struct parser *x, const unsigned char *p,
    struct seen *seen)
{
	struct ks_json_guess *g = NULL;

	if (KS_LIKELY(x->key < KS_JSON_GUESSES)) {
		g = &x->json->guesses[x->key++];
		if (KS_LIKELY(ks_json_again(&g->seen, p))) {
			if (KS_UNLIKELY(note_key(x, seen, g->hash, (size_t)(x->o - x->base)) != 0))
				return ks_scan_fail(&x->scan, p, KS_JSON_MEMORY);
			memcpy(x->o, g->packed, 16);
			x->o += g->packed_n;
			return ks_scan_ws(&x->scan, p + g->seen.n);
		}
	}
	return scan_key(x, p, seen, g);
}

/* A key that has been written, for sorting: by text, then by place. */
struct member {
	struct ks_bytes text;
	const unsigned char *at;
	uint32_t value_of;	/* index of the member whose value it gets */
	bool gone;
};

static int cmp_members(const void *va, const void *vb)
{
	const struct member *a = *(struct member *const *)va, *b = *(struct member *const *)vb;
	size_t n = a->text.n < b->text.n ? a->text.n : b->text.n;
	int c = memcmp(a->text.p, b->text.p, n);

	if (c != 0 || a->text.n != b->text.n)
		return c != 0 ? c : a->text.n < b->text.n ? -1 : 1;
	return a->at < b->at ? -1 : a->at > b->at;
}

/* Of equal keys, the first one's place and the last one's value: returns how many went. */
static uint32_t mark_repeats(struct member *m, struct member **sorted, uint32_t count)
{
	uint32_t i, j, gone = 0;

	for (i = 0; i < count; i++)
		sorted[i] = &m[i];
	qsort(sorted, count, sizeof(*sorted), cmp_members);
	for (i = 0; i < count; i = j) {
		for (j = i + 1; j < count && ks_bytes_eq(sorted[i]->text, sorted[j]->text); j++) {
			sorted[j]->gone = true;
			sorted[i]->value_of = (uint32_t)(sorted[j] - m);
			gone++;
		}
	}
	return gone;
}

/*
 * The keys of an object may repeat: make sure, and write the object anew
 * where they do.  Rare; n log n however many keys there are.
 */
static int drop_repeats(struct parser *x, unsigned char *content, size_t first_key, uint32_t *count)
{
	const struct key *keys = (const struct key *)(const void *)(x->json->keys.p + first_key);
	struct member *m = calloc(*count, sizeof(*m)), **sorted = calloc(*count, sizeof(*sorted));
	unsigned char *copy = NULL, *o;
	const unsigned char *begin, *end;
	struct ks_head head;
	uint32_t i, gone;
	int no = ENOMEM;

	if (m == NULL || sorted == NULL)
		goto out;
	for (i = 0; i < *count; i++) {
		m[i].at = x->base + keys[i].at;
		m[i].value_of = i;
		if (ks_mp_head(m[i].at, x->o, &head) != KS_MP_OK)
			ks_bug("a key that was just written cannot be read");
		m[i].text = ks_bytes(head.body, head.count);
	}
	no = 0;
	gone = mark_repeats(m, sorted, *count);
	if (gone == 0)
		goto out;
	o = copy = malloc((size_t)(x->o - content));
	if (copy == NULL) {
		no = ENOMEM;
		goto out;
	}
	for (i = 0; i < *count; i++) {
		if (m[i].gone)
			continue;
		memcpy(o, m[i].at, (size_t)(m[i].text.p + m[i].text.n - m[i].at));
		o += m[i].text.p + m[i].text.n - m[i].at;
		begin = m[m[i].value_of].text.p + m[m[i].value_of].text.n;
		end = m[i].value_of + 1 < *count ? m[m[i].value_of + 1].at : x->o;
		memcpy(o, begin, (size_t)(end - begin));
		o += end - begin;
	}
	memcpy(content, copy, (size_t)(o - copy));
	x->o = content + (o - copy);
	x->json->duplicates += gone;
	*count -= gone;
out:
	free(m);
	free(sorted);
	free(copy);
	return no;
}

/* The header, now that the count is known; head has one byte of room before the content. */
static void close_container(struct parser *x, unsigned char *head, uint32_t count, bool object)
{
	size_t content = (size_t)(x->o - head) - 1, room;
	unsigned char *end;

	if (KS_LIKELY(count < 16)) {
		*head = (unsigned char)((object ? 0x80 : 0x90) | count);
		return;
	}
	room = count <= UINT16_MAX ? 3 : 5;
	memmove(head + room, head + 1, content);
	end = object ? ks_mp_put_map_head(head, count) : ks_mp_put_array_head(head, count);
	x->o = end + content;
}

static const unsigned char *put_object(struct parser *x, const unsigned char *p, unsigned depth)
{
	size_t first_key = x->json->keys.n;
	unsigned char *head = x->o++;
	struct seen seen = { .twice = false };
	uint32_t count = 0;

	p = ks_scan_ws(&x->scan, p + 1);
	for (; *p != '}' || count > 0; count++) {
		p = put_key(x, p, &seen);
		if (KS_UNLIKELY(p == NULL))
			return NULL;
		p = put_value(x, p, depth - 1);
		if (KS_UNLIKELY(p == NULL))
			return NULL;
		p = ks_scan_ws(&x->scan, p);
		if (*p == '}') {
			count++;
			break;
		}
		if (KS_UNLIKELY(*p != ','))
			return ks_scan_fail(&x->scan, p, KS_JSON_SYNTAX);
		p = ks_scan_ws(&x->scan, p + 1);
	}
	if (KS_UNLIKELY(count > FEW || seen.twice) && may_repeat(x, &seen, first_key, count) &&
	    drop_repeats(x, head + 1, first_key, &count) != 0)
		return ks_scan_fail(&x->scan, p, KS_JSON_MEMORY);
	x->json->keys.n = first_key;
	close_container(x, head, count, true);
	return p + 1;
}

static const unsigned char *put_array(struct parser *x, const unsigned char *p, unsigned depth)
{
	unsigned char *head = x->o++;
	uint32_t count = 0;

	p = ks_scan_ws(&x->scan, p + 1);
	for (; *p != ']' || count > 0; count++) {
		p = put_value(x, p, depth - 1);
		if (KS_UNLIKELY(p == NULL))
			return NULL;
		p = ks_scan_ws(&x->scan, p);
		if (*p == ']') {
			count++;
			break;
		}
		if (KS_UNLIKELY(*p != ','))
			return ks_scan_fail(&x->scan, p, KS_JSON_SYNTAX);
		p = ks_scan_ws(&x->scan, p + 1);
	}
	close_container(x, head, count, false);
	return p + 1;
}

static const unsigned char *put_container(struct parser *x, const unsigned char *p, unsigned depth)
{
	if (KS_UNLIKELY(depth == 0))
		return ks_scan_fail(&x->scan, p, KS_JSON_DEPTH);
	return *p == '{' ? put_object(x, p, depth) : put_array(x, p, depth);
}

enum ks_json_error ks_json_parse(struct ks_json *j, struct ks_bytes text, struct ks_buf *out)
{
	struct parser x = { .scan = { .end = text.p + text.n }, .json = j };
	const unsigned char *p;
	int no = ks_buf_reserve(out, text.n / 4 * 9 + 2 * KS_PAD);

	if (KS_UNLIKELY(no != 0)) {
		j->at = text.p;
		return no == ENOMEM ? KS_JSON_MEMORY : KS_JSON_BIG;
	}
	x.base = x.o = out->p + out->n;
	j->keys.n = 0;
	p = put_value(&x, ks_scan_ws(&x.scan, text.p), j->depth);
	if (KS_UNLIKELY(p == NULL)) {
		j->at = x.scan.at;
		return x.scan.e;
	}
	p = ks_scan_ws(&x.scan, p);
	if (KS_UNLIKELY(p != x.scan.end)) {
		j->at = p;
		return KS_JSON_TRAILING;
	}
	out->n += (size_t)(x.o - x.base);
	return KS_JSON_OK;
}
