/* SPDX-License-Identifier: MIT */
/* csv.c - rows of text to objects. */
#include "csv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "json-scan.h"
#include "num.h"

static const char too_large[] = "the record is larger than --max-record allows";
static const char behind_quote[] = "there is text behind its closing quote (a quote within quotes is doubled)";
static const char bare_cr[] = "there is a carriage return in it without quotes";
static const char not_closed[] = "its quote is not closed";

void ks_csv_init(struct ks_csv *c, bool tsv, bool untyped, size_t max)
{
	*c = (struct ks_csv){ .delim = tsv ? '\t' : ',', .untyped = untyped };
	ks_buf_init(&c->names, 2 * max + KS_CSV_NAME_AT_ONCE);
	ks_buf_init(&c->raw, 2 * max);
}

void ks_csv_release(struct ks_csv *c)
{
	ks_buf_release(&c->names);
	ks_buf_release(&c->raw);
	free(c->ends);
}

/* --- where a row ends --- */

#ifdef __SSE2__
KS_SCAN_INLINE uint32_t two_of(const unsigned char *p, char a, char b)
{
	__m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);

	return (uint32_t)_mm_movemask_epi8(_mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8(a)), _mm_cmpeq_epi8(v, _mm_set1_epi8(b))));
}
#else
KS_SCAN_INLINE uint32_t two_of(const unsigned char *p, char a, char b)
{
	uint32_t m = 0;
	unsigned i;

	for (i = 0; i < 16; i++)
		m |= (uint32_t)(p[i] == (unsigned char)a || p[i] == (unsigned char)b) << i;
	return m;
}
#endif

/* The first of two bytes in p[0..end), or end: KS_PAD bytes behind that can be read. */
KS_SCAN_INLINE const unsigned char *find_two(const unsigned char *p, const unsigned char *end, char a, char b)
{
	uint32_t m;

	for (; p < end; p += 16) {
		m = two_of(p, a, b);
		if (m != 0) {
			p += __builtin_ctz(m);
			return p < end ? p : end;
		}
	}
	return end;
}

static uint64_t count_breaks(const unsigned char *p, const unsigned char *end)
{
	uint64_t n = 0;

	while (p < end && (p = memchr(p, '\n', (size_t)(end - p))) != NULL) {
		n++;
		p++;
	}
	return n;
}

/* p is where c->state was reached: on to a newline that ends the row, or to end. */
static const unsigned char *find_end(struct ks_csv *c, const unsigned char *p, const unsigned char *end)
{
	const unsigned char *from;

	while (p < end) {
		switch (c->state) {
		case KS_CSV_START:
			c->state = *p == '"' ? KS_CSV_QUOTED : KS_CSV_PLAIN;
			p += *p == '"';
			break;
		case KS_CSV_PLAIN:
			from = p;
			p = find_two(p, end, '\n', '"');
			if (p == end)	/* a field may begin with what comes next */
				c->state = end > from && end[-1] == c->delim ? KS_CSV_START : KS_CSV_PLAIN;
			if (p == end || *p == '\n')
				return p;
			c->state = p > from && p[-1] == c->delim ? KS_CSV_QUOTED : KS_CSV_PLAIN;
			p++;
			break;
		case KS_CSV_QUOTED:
			from = p;
			p = memchr(p, '"', (size_t)(end - p));
			c->breaks += count_breaks(from, p != NULL ? p : end);
			if (p == NULL)
				return end;
			c->state = KS_CSV_CLOSED;
			p++;
			break;
		default:
			c->state = *p == '"' ? KS_CSV_QUOTED : KS_CSV_PLAIN;
			p += *p == '"';
			break;
		}
	}
	return end;
}

bool ks_csv_find(struct ks_csv *c, const unsigned char *p, size_t n)
{
	const unsigned char *end = p + n, *at = p + c->at;

	if (c->at > n)		/* behind a mark that is not whole */
		return false;
	if (c->delim == '\t') {
		at = at < end ? memchr(at, '\n', (size_t)(end - at)) : NULL;
		c->at = at != NULL ? (size_t)(at - p) : n;
		return at != NULL;
	}
	at = find_end(c, at, end);
	c->at = (size_t)(at - p);
	return at < end;
}

/* --- fields --- */

/*
 * A field in quotes, p behind the first: *rest is behind the last, and
 * *pairs the doubled ones within.  NULL, or what is wrong.
 */
KS_SCAN_INLINE const char *quoted_end(const unsigned char *p, const unsigned char *end, unsigned char delim,
    const unsigned char **rest, size_t *pairs)
{
	*pairs = 0;
	for (;;) {
		p = find_two(p, end, '"', '"');
		if (p == end)
			return not_closed;
		if (++p == end || *p == delim)
			break;
		if (*p != '"')
			return behind_quote;
		(*pairs)++;
		p++;
	}
	*rest = p;
	return NULL;
}

/* text[0..n) without the second of each pair of quotes; returns the byte behind. */
static unsigned char *put_unquoted(unsigned char *o, const unsigned char *p, const unsigned char *end)
{
	const unsigned char *q;
	size_t n;

	while ((q = memchr(p, '"', (size_t)(end - p))) != NULL) {
		n = (size_t)(q - p) + 1;
		memcpy(o, p, n);
		o += n;
		p = q + 2;
	}
	n = (size_t)(end - p);
	if (n > 0)
		memcpy(o, p, n);
	return o + n;
}

/* tsv's text; what is no escape stays as it is. */
static unsigned char *put_unescaped(unsigned char *o, const unsigned char *p, const unsigned char *end)
{
	static const char letters[] = "tnr\\", means[] = "\t\n\r\\";
	const char *at;

	while (p < end) {
		at = *p == '\\' && p + 1 < end && p[1] != '\0' ? strchr(letters, p[1]) : NULL;
		*o++ = at != NULL ? (unsigned char)means[at - letters] : *p;
		p += at != NULL ? 2 : 1;
	}
	return o;
}

const char *ks_csv_field(unsigned char delim, const unsigned char **p, const unsigned char *end,
    struct ks_buf *out)
{
	const unsigned char *from = *p, *rest = from;
	const char *wrong;
	size_t pairs;
	int no;

	no = ks_buf_reserve(out, (size_t)(end - from));
	if (no != 0)
		return no == ENOMEM ? ks_no_memory : too_large;
	if (delim != '\t' && from < end && *from == '"') {
		wrong = quoted_end(from + 1, end, delim, &rest, &pairs);
		if (wrong != NULL)
			return wrong;
		out->n = (size_t)(put_unquoted(out->p + out->n, from + 1, rest - 1) - out->p);
	} else {
		rest = find_two(from, end, (char)delim, (char)delim);
		if (delim == '\t')
			out->n = (size_t)(put_unescaped(out->p + out->n, from, rest) - out->p);
		else if (rest > from && ks_buf_add(out, from, (size_t)(rest - from)) != 0)
			return ks_no_memory;
	}
	*p = rest;
	return NULL;
}

/* --- rows --- */

/* 12e5 is rather a part, or the end of a hash: who prints a power of ten writes a point or a sign. */
static bool is_code(const unsigned char *p, const unsigned char *end)
{
	const unsigned char *e = find_two(p, end, 'e', 'E');

	return e < end && e[1] != '+' && e[1] != '-' && memchr(p, '.', (size_t)(e - p)) == NULL;
}

/* A number as JSON has it, all of p[0..end), or NULL: then it is text. */
static unsigned char *put_slow_number(unsigned char *o, const unsigned char *p, const unsigned char *end)
{
	struct ks_scan s = { .end = end };
	bool negative = *p == '-';
	const unsigned char *q;
	uint64_t u = 0;

	if (ks_scan_number(&s, p) != end || is_code(p, end))
		return NULL;
	for (q = p + negative; q < end; q++) {
		unsigned digit = (unsigned)*q - '0';

		if (digit > 9)
			return ks_mp_put_f64(o, ks_num_f64(p, (size_t)(end - p)));
		if (__builtin_mul_overflow(u, 10u, &u) || __builtin_add_overflow(u, digit, &u)) {
			while (q < end && (unsigned)*q - '0' <= 9)
				q++;
			return q == end ? NULL : ks_mp_put_f64(o, ks_num_f64(p, (size_t)(end - p)));
		}
	}
	if (negative && u > (uint64_t)INT64_MAX + 1)
		return NULL;
	return negative ? ks_mp_put_i64(o, (int64_t)(0 - u)) : ks_mp_put_u64(o, u);
}

KS_SCAN_INLINE unsigned char *put_number(unsigned char *o, const unsigned char *p, const unsigned char *end)
{
	static const double powers[] = { 1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15 };
	bool negative = *p == '-';
	const unsigned char *first = p + negative, *q = first, *point = NULL;
	uint64_t u = 0;
	double d;

	/* 15 digits are exact in a double, and so is the power. */
	if (end - first > 16 || end == first || (*first == '0' && end - first > 1 && first[1] != '.'))
		return put_slow_number(o, p, end);
	for (; q < end; q++) {
		unsigned digit = (unsigned)*q - '0';

		if (digit <= 9)
			u = u * 10 + digit;
		else if (*q == '.' && point == NULL && q > first)
			point = q + 1;
		else
			return put_slow_number(o, p, end);
	}
	if (point == NULL)
		return negative ? ks_mp_put_i64(o, -(int64_t)u) : ks_mp_put_u64(o, u);
	if (point == end)
		return NULL;
	d = (double)u / powers[end - point];
	return ks_mp_put_f64(o, negative ? -d : d);
}

KS_SCAN_INLINE unsigned char *put_text(unsigned char *o, const unsigned char *p, size_t n)
{
	if (KS_LIKELY(n <= 16)) {
		/* Whatever stands behind is written over by what comes next: there is room, and KS_PAD to read. */
		*o++ = (unsigned char)(0xa0 | n);
		memcpy(o, p, 16);
		return o + n;
	}
	o = ks_mp_put_str_head(o, (uint32_t)n);
	memcpy(o, p, n);
	return o + n;
}

/* A field without quotes; never NULL.  tsv: its escapes are undone. */
KS_SCAN_INLINE unsigned char *put_plain(const struct ks_csv *c, unsigned char *o, const unsigned char *p,
    const unsigned char *end)
{
	size_t n = (size_t)(end - p);
	unsigned char *after;

	if (!c->untyped) {
		if (n == 0 || (n == 1 && *p == '-' && c->delim == '\t')) {
			*o = 0xc0;
			return o + 1;
		}
		if ((unsigned)*p - '0' <= 9 || *p == '-') {
			after = put_number(o, p, end);
			if (after != NULL)
				return after;
		} else if ((n == 4 && memcmp(p, "true", 4) == 0) || (n == 5 && memcmp(p, "false", 5) == 0)) {
			*o = n == 4 ? 0xc3 : 0xc2;
			return o + 1;
		}
	}
	if (c->delim == '\t' && n > 0 && memchr(p, '\\', n) != NULL) {
		/* The header of the longer text may be longer: what is undone moves down to it. */
		unsigned char *text = o + KS_MP_HEADER, *text_end = put_unescaped(text, p, end);

		o = ks_mp_put_str_head(o, (uint32_t)(text_end - text));
		memmove(o, text, (size_t)(text_end - text));
		return o + (text_end - text);
	}
	return put_text(o, p, n);
}

KS_SCAN_INLINE unsigned char *put_quoted(unsigned char *o, const unsigned char *p, const unsigned char *end, size_t pairs)
{
	if (pairs == 0)
		return put_text(o, p, (size_t)(end - p));
	o = ks_mp_put_str_head(o, (uint32_t)((size_t)(end - p) - pairs));
	return put_unquoted(o, p, end);
}

static const char *wrong_field(struct ks_csv *c, uint32_t i, const char *what)
{
	const unsigned char *p = c->names.p + (i > 0 ? c->ends[i - 1] : 0);
	struct ks_val name;

	if (ks_mp_read(&p, c->names.p + c->names.n, 0, &name) != KS_MP_OK)
		ks_bug("a name was not packed");
	snprintf(c->wrong, sizeof(c->wrong), "field %u, '%.*s': %s", i + 1, (int)(name.b.n < 60 ? name.b.n : 60),
	    (const char *)name.b.p, what);
	return c->wrong;
}

static const char *wrong_count(struct ks_csv *c, uint32_t n, struct ks_bytes row)
{
	const unsigned char *p = row.p;

	while (n > c->count && (p = memchr(p, c->delim, (size_t)(row.p + row.n - p))) != NULL)
		p++;
	if (n > c->count)
		snprintf(c->wrong, sizeof(c->wrong), "the row has more than the %u field%s of the header", c->count, c->count == 1 ? "" : "s");
	else
		snprintf(c->wrong, sizeof(c->wrong), "the row has %u field%s, and the header %u", n, n == 1 ? "" : "s", c->count);
	return c->wrong;
}

/* The field at *p, to o; *p moves to the separator behind it.  NULL, or what is wrong. */
KS_SCAN_INLINE const char *put_field(const struct ks_csv *c, const unsigned char **p, const unsigned char *end,
    unsigned char **o)
{
	const unsigned char *from = *p, *rest;
	const char *wrong;
	size_t pairs;

	if (from < end && *from == '"' && c->delim != '\t') {
		wrong = quoted_end(from + 1, end, c->delim, &rest, &pairs);
		if (wrong != NULL)
			return wrong;
		*o = put_quoted(*o, from + 1, rest - 1, pairs);
	} else {
		rest = find_two(from, end, (char)c->delim, c->delim != '\t' ? '\r' : '\t');
		if (KS_UNLIKELY(rest < end && *rest != c->delim))
			return bare_cr;
		*o = put_plain(c, *o, from, rest);
	}
	*p = rest;
	return NULL;
}

/* Which field of a row is not UTF-8. */
static const char *wrong_utf8(struct ks_csv *c, struct ks_bytes row)
{
	const unsigned char *p = row.p, *end = row.p + row.n;
	uint32_t i;

	for (i = 0; i < c->count; i++, p++) {
		c->raw.n = 0;
		if (ks_csv_field(c->delim, &p, end, &c->raw) != NULL || ks_utf8_prefix(c->raw.p, c->raw.n) != c->raw.n || p == end)
			break;
	}
	return wrong_field(c, i < c->count ? i : c->count - 1, "it is not UTF-8 (iconv makes it so)");
}

const char *ks_csv_row(struct ks_csv *c, struct ks_bytes row, struct ks_buf *out)
{
	const unsigned char *p = row.p, *end = row.p + row.n;
	uint32_t i = 0, from = 0;
	unsigned char *o;
	const char *wrong;
	int no;

	if (row.n > UINT32_MAX / 2)
		return too_large;
	no = ks_buf_reserve(out, c->names.n + row.n + (size_t)(c->count + 2) * KS_MP_HEADER + KS_PAD);
	if (no != 0)
		return no == ENOMEM ? ks_no_memory : too_large;
	if (ks_utf8_prefix(row.p, row.n) != row.n)
		return wrong_utf8(c, row);
	o = ks_mp_put_map_head(out->p + out->n, c->count);
	for (;;) {
		/* Most names are short: then no call is made, and what is too much is written over. */
		memcpy(o, c->names.p + from, KS_CSV_NAME_AT_ONCE);
		if (KS_UNLIKELY(c->ends[i] - from > KS_CSV_NAME_AT_ONCE))
			memcpy(o, c->names.p + from, c->ends[i] - from);
		o += c->ends[i] - from;
		from = c->ends[i];
		wrong = put_field(c, &p, end, &o);
		if (KS_UNLIKELY(wrong != NULL))
			return wrong_field(c, i, wrong);
		i++;
		if (p == end)
			break;
		if (KS_UNLIKELY(i == c->count))
			return wrong_count(c, i + 1, row);
		p++;
	}
	if (KS_UNLIKELY(i != c->count))
		return wrong_count(c, i, row);
	out->n = (size_t)(o - out->p);
	return NULL;
}

/* --- a row whose end is not known --- */

/* The field at *p of a row that goes on to a newline before end, at which *p is then, or at the separator. */
KS_SCAN_INLINE bool put_open_field(struct ks_csv *c, const unsigned char **p, const unsigned char *end, unsigned char **o)
{
	const unsigned char *from = *p, *rest;
	size_t pairs = 0;

	if (*from != '"' || c->delim == '\t') {
		rest = find_two(from, end, (char)c->delim, '\n');
		*p = rest;
		*o = put_plain(c, *o, from, rest - (rest > from && *rest == '\n' && rest[-1] == '\r'));
		return rest < end;
	}
	for (rest = ++from;; rest++) {
		rest = find_two(rest, end, '"', '\n');
		if (rest >= end)
			return false;
		c->breaks += *rest == '\n';
		if (*rest == '\n')
			continue;
		if (rest[1] != '"')	/* at end it is a NUL */
			break;
		pairs++;
		rest++;
	}
	*o = put_quoted(*o, from, rest, pairs);
	rest += 1 + (rest[1] == '\r' && rest[2] == '\n');
	*p = rest;
	return rest < end && (*rest == c->delim || *rest == '\n');
}

bool ks_csv_line(struct ks_csv *c, struct ks_bytes text, struct ks_buf *out)
{
	const unsigned char *p = text.p, *end = text.p + text.n;
	uint32_t i, from = 0;
	unsigned char *o;

	if (text.n == 0 || *p == '\n' || *p == '\r' || text.n > UINT32_MAX / 2 ||
	    ks_buf_reserve(out, c->names.n + text.n + (size_t)(c->count + 2) * KS_MP_HEADER + KS_PAD) != 0)
		return false;
	o = ks_mp_put_map_head(out->p + out->n, c->count);
	for (i = 0; i < c->count; i++, p++) {
		memcpy(o, c->names.p + from, KS_CSV_NAME_AT_ONCE);
		if (KS_UNLIKELY(c->ends[i] - from > KS_CSV_NAME_AT_ONCE))
			memcpy(o, c->names.p + from, c->ends[i] - from);
		o += c->ends[i] - from;
		from = c->ends[i];
		if (KS_UNLIKELY(!put_open_field(c, &p, end, &o)))
			return false;
		if (*p == '\n')
			break;
	}
	/* One that is not the line end may stand in quotes, or nowhere. */
	if (c->delim != '\t' && p > text.p && KS_UNLIKELY(memchr(text.p, '\r', (size_t)(p - text.p - 1)) != NULL))
		return false;
	if (KS_UNLIKELY(i + 1 != c->count || ks_utf8_prefix(text.p, (size_t)(p - text.p)) != (size_t)(p - text.p)))
		return false;
	c->at = (size_t)(p - text.p);
	out->n = (size_t)(o - out->p);
	return true;
}
