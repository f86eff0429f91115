/* SPDX-License-Identifier: MIT */
/*
 * json.h - JSON text to msgpack and back: strict RFC 8259, one pass.
 *
 * Text: UTF-8 checked; lone surrogates, a byte order mark, NaN, trailing
 * commas and leading zeros are refused.  An integer literal that fits
 * int64_t or uint64_t stays exact; other numbers become the nearest double,
 * and one beyond the range of a double is refused.  Of equal keys the last
 * value wins, in the first one's place (as jq and Python), and they are counted.
 */
#ifndef KS_JSON_H
#define KS_JSON_H

#include "buf.h"
#include "value.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum ks_json_error {
	KS_JSON_OK = 0,
	KS_JSON_CUT,		/* ends inside a value */
	KS_JSON_SYNTAX,
	KS_JSON_UTF8,
	KS_JSON_ESCAPE,
	KS_JSON_CONTROL,
	KS_JSON_SURROGATE,
	KS_JSON_NUMBER,
	KS_JSON_RANGE,
	KS_JSON_DEPTH,
	KS_JSON_TRAILING,
	KS_JSON_MEMORY,
	KS_JSON_BIG,		/* the output is past the cap of its buffer */
};
const char *ks_json_strerror(enum ks_json_error e);

/*
 * A key as it stood in the document before, with its quotes and colon:
 * lines of one producer have the same keys in the same order, so that most
 * need not be scanned again.  All zero: nothing was seen.
 */
#define KS_JSON_SEEN 32		/* bytes; a longer key is scanned each time */
struct ks_json_seen {
	unsigned char text[KS_JSON_SEEN];
	uint32_t spare;		/* a bit for each byte that does not count, unless n is 0 */
	uint32_t n;
};

/* Remember p[0..n), of which KS_JSON_SEEN bytes can be read. */
static inline void ks_json_see(struct ks_json_seen *g, const unsigned char *p, size_t n)
{
	if (n > KS_JSON_SEEN) {
		*g = (struct ks_json_seen){ .n = 0 };
		return;
	}
	memcpy(g->text, p, sizeof(g->text));
	g->spare = ~(uint32_t)((UINT64_C(1) << n) - 1);
	g->n = (uint32_t)n;
}

/*
 * Whether it stands at p again, of which KS_JSON_SEEN bytes can be read.
 * Where nothing was seen, 32 NULs are it, which are no key: whoever reads
 * on behind the 0 bytes of it meets them.
 */
static inline bool ks_json_again(const struct ks_json_seen *g, const unsigned char *p)
{
#ifdef __SSE2__
	const __m128i *text = (const __m128i *)(const void *)g->text, *at = (const __m128i *)(const void *)p;
	__m128i low = _mm_cmpeq_epi8(_mm_loadu_si128(text), _mm_loadu_si128(at));
	__m128i high = _mm_cmpeq_epi8(_mm_loadu_si128(text + 1), _mm_loadu_si128(at + 1));

	return ((uint32_t)_mm_movemask_epi8(low) | (uint32_t)_mm_movemask_epi8(high) << 16 | g->spare) == UINT32_MAX;
#else
	return g->n > 0 && memcmp(g->text, p, g->n) == 0;
#endif
}

/* How far behind a key the next one stands.  All zero: not known yet. */
struct ks_json_span {
	uint32_t bytes;		/* 0: not foreseen */
	uint32_t doubt;		/* whether it should be: grows as it fails */
	uint32_t failed;	/* when it did: the number of the document */
};

struct ks_json_guess {
	struct ks_json_seen seen;
	unsigned char packed[KS_JSON_SEEN];
	uint32_t packed_n;
	struct ks_json_span span;
};
#define KS_JSON_GUESSES 64

/* Bytes of room that a text of n bytes needs. */
#define KS_JSON_ROOM(n) ((n) / 4 * 9 + 2 * KS_PAD)

/* How a document is packed; which way is a matter of the machine (json-pack.h). */
struct ks_json_packer;

/* A reader. */
struct ks_json {
	const struct ks_json_packer *pack;
	unsigned depth;			/* in: containers that may nest */
	uint64_t duplicates;		/* counts on */
	uint32_t documents;		/* likewise, up and around */
	const unsigned char *at;	/* on error: the offending byte */
	struct ks_buf keys;		/* scratch, kept between calls; release with ks_json_release */
	struct ks_json_guess guesses[KS_JSON_GUESSES + 1];	/* by the key's number in the document: its slot; the last stays empty */
	uint64_t distinct[KS_JSON_GUESSES];	/* of an object by its first key's slot: slots whose keys differ, a bit each */
};

void	ks_json_init(struct ks_json *j, unsigned depth);
void	ks_json_release(struct ks_json *j);

/*
 * ks_json_parse - append the msgpack of one document to out.
 *
 *	text	the document; KS_PAD bytes behind it must be readable and the
 *		first of them must be a NUL or a newline
 *	out	takes room for 9/4 of the text and 128 bytes, within its cap
 *
 * White space around the document is allowed, anything else is not.
 */
enum ks_json_error ks_json_parse(struct ks_json *j, struct ks_bytes text, struct ks_buf *out)
    KS_MUST_USE;

/*
 * ks_json_line - the same for the first of many lines: text goes on behind
 * the newline that ends the document.  If it is a sound one, returns
 * KS_JSON_OK with j->at on that newline; else another value, and what is
 * wrong is for ks_json_parse to say, which knows where the line ends.
 * Takes room for 9/4 of the whole text.
 */
enum ks_json_error ks_json_line(struct ks_json *j, struct ks_bytes text, struct ks_buf *out)
    KS_MUST_USE;

/*
 * ks_json_print - append the JSON text of one msgpack value to out: no
 * blanks, members in order, non-ASCII as itself, floats shortest with
 * their ".0" (nan: null, infinities: +-1.7976931348623157e+308, as jq),
 * bytes as a base64 string.  KS_MP_OK, an error of the value, or with
 * *no set ENOMEM or EMSGSIZE.
 */
enum ks_mp_error ks_json_print(struct ks_bytes value, unsigned depth, struct ks_buf *out, int *no)
    KS_MUST_USE;

/* Append text between quotes, escaped.  text must be UTF-8.  0, ENOMEM, EMSGSIZE. */
int	ks_json_add_string(struct ks_buf *out, struct ks_bytes text) KS_MUST_USE;

#endif
