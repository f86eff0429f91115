/* SPDX-License-Identifier: MIT */
/* store-filter.c - a Bloom filter that grows by larger ones: few, since each is wrong at times. */
#include "store-filter.h"

#include <errno.h>
#include <stdlib.h>

#define KEY_BITS 6u
#define WORD_BITS 64u
#define KEYS_MIN 128u
#define GROWTH 8
#define KEYS_MAX ((size_t)1 << 31)	/* words are counted in 32 bits */
#define OVERFULL 2	/* times the keys it is made for: one absent key in four is taken for one that is there */

struct ks_filter {
	struct ks_filter *older;	/* full */
	size_t keys, room;
	uint32_t word_count;
	uint64_t words[];
};

/* The upper half of the hash chooses a word, the lowest bits three of its bits: tables in memory go by the lower half. */
static inline uint32_t word_of(const struct ks_filter *f, uint64_t hash)
{
	return (uint32_t)((hash >> 32) * f->word_count >> 32);
}

static inline uint64_t bits_of(uint64_t hash)
{
	return UINT64_C(1) << (hash & 63) | UINT64_C(1) << (hash >> 6 & 63) | UINT64_C(1) << (hash >> 12 & 63);
}

bool ks_filter_may_have(const struct ks_filter *f, uint64_t hash)
{
	uint64_t bits = bits_of(hash);

	for (; f != NULL; f = f->older)
		if ((f->words[word_of(f, hash)] & bits) == bits)
			return true;
	return false;
}

static size_t size_of(size_t words)
{
	return sizeof(struct ks_filter) + words * sizeof(uint64_t);
}

/* A filter over those that are full. */
static bool grow(struct ks_filter **f, size_t expected, size_t *left)
{
	size_t room = *f != NULL && (*f)->room > expected / GROWTH ? GROWTH * (*f)->room : expected, words, most;
	struct ks_filter *wider;

	if (room < KEYS_MIN)
		room = KEYS_MIN;
	most = *left / 2 / KEY_BITS * 8;	/* others grow, too */
	if (*f != NULL && room > most && most >= 2 * (*f)->room)
		room = most;
	if (room > KEYS_MAX)
		return false;
	words = (room * KEY_BITS + WORD_BITS - 1) / WORD_BITS;
	if (size_of(words) > *left || (wider = calloc(1, size_of(words))) == NULL)
		return false;
	wider->older = *f;
	wider->room = room;
	wider->word_count = (uint32_t)words;
	*left -= size_of(words);
	*f = wider;
	return true;
}

int ks_filter_add(struct ks_filter **f, uint64_t hash, size_t expected, size_t *left)
{
	bool full = *f == NULL || (*f)->keys >= (*f)->room;

	if (ks_filter_may_have(*f, hash))
		return 0;
	if (full && grow(f, expected, left))
		full = false;
	if (*f == NULL || (*f)->keys >= OVERFULL * (*f)->room)
		return ENOMEM;
	(*f)->words[word_of(*f, hash)] |= bits_of(hash);
	(*f)->keys++;
	return full ? ENOSPC : 0;
}

void ks_filter_free(struct ks_filter **f, size_t *left)
{
	struct ks_filter *older;

	for (; *f != NULL; *f = older) {
		older = (*f)->older;
		*left += size_of((*f)->word_count);
		free(*f);
	}
}
