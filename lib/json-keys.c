/* SPDX-License-Identifier: MIT */
/* json-keys.c - finding keys that repeat, and writing an object anew without them. */
#include "json-keys.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

/*
 * Up to FEW keys, the Bloom filters mostly say that none repeats; above,
 * their hashes are compared, and above MANY all are sorted.
 */
#define FEW 16
#define MANY 1024

struct key {
	uint32_t hash;
	uint32_t at;
};

/* Length and both ends of a key: the keys of one object mostly differ there.  Eight bytes of it can be read. */
static uint64_t key_hash(struct ks_bytes text)
{
	uint64_t w, end;

	memcpy(&w, text.p, 8);
	if (KS_LIKELY(text.n < 8)) {
		w &= (UINT64_C(1) << 8 * text.n) - 1;
	} else {
		memcpy(&end, text.p + text.n - 8, 8);
		w ^= end * UINT64_C(0xff51afd7ed558ccd);
	}
	return (w ^ text.n) * UINT64_C(0x9E3779B97F4A7C15);
}

int ks_keys_note(struct ks_json *j, struct ks_keys *k, struct ks_bytes text, size_t at)
{
	uint64_t hash = key_hash(text);
	uint64_t abit = UINT64_C(1) << (hash >> 58), bbit = UINT64_C(1) << (hash >> 52 & 63);
	struct key key = { .hash = (uint32_t)(hash >> 32), .at = (uint32_t)at };

	k->twice |= (k->a & abit) != 0 && (k->b & bbit) != 0;
	k->a |= abit;
	k->b |= bbit;
	if (ks_buf_reserve(&j->keys, sizeof(key)) != 0)
		return ENOMEM;
	memcpy(j->keys.p + j->keys.n, &key, sizeof(key));
	j->keys.n += sizeof(key);
	return 0;
}

static struct ks_bytes written_key(const unsigned char *at, const unsigned char *end)
{
	struct ks_head head;

	if (ks_mp_head(at, end, &head) != KS_MP_OK)
		ks_bug("a key that was just written cannot be read");
	return ks_bytes(head.body, head.count);
}

int ks_keys_begin(struct ks_json *j, struct ks_keys *k, const unsigned char *base,
    const unsigned char *content, const unsigned char *o)
{
	const unsigned char *p = content;
	struct ks_bytes text;

	k->noting = true;
	while (p < o) {
		text = written_key(p, o);
		if (ks_keys_note(j, k, text, (size_t)(p - base)) != 0)
			return ENOMEM;
		p = text.p + text.n;
		if (ks_mp_skip(&p, o, j->depth) != KS_MP_OK)
			ks_bug("a value that was just written cannot be read");
	}
	return 0;
}

void ks_keys_changed(struct ks_json *j, unsigned slot)
{
	unsigned i;

	/* An object's keys have no lower slots than its first one. */
	for (i = 0; i <= slot; i++)
		j->distinct[i] &= ~(UINT64_C(1) << slot);
}

static bool may_repeat(const struct ks_json *j, const struct ks_keys *k, uint32_t count)
{
	const struct key *keys = (const struct key *)(const void *)(j->keys.p + k->noted);
	uint32_t i, m;

	if (count <= FEW && !k->twice)
		return false;
	if (count > MANY)
		return true;
	for (i = 1; i < count; i++)
		for (m = 0; m < i; m++)
			if (keys[i].hash == keys[m].hash)
				return true;
	return false;
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

/* Write the members that stay to `to`; end is where the last of all ends. */
static unsigned char *copy_members(unsigned char *to, const struct member *m, uint32_t count,
    const unsigned char *end)
{
	const struct member *from;
	const unsigned char *begin, *stop;
	uint32_t i;

	for (i = 0; i < count; i++) {
		if (m[i].gone)
			continue;
		begin = m[i].text.p + m[i].text.n;
		memcpy(to, m[i].at, (size_t)(begin - m[i].at));
		to += begin - m[i].at;
		from = &m[m[i].value_of];
		begin = from->text.p + from->text.n;
		stop = m[i].value_of + 1 < count ? from[1].at : end;
		memcpy(to, begin, (size_t)(stop - begin));
		to += stop - begin;
	}
	return to;
}

/* Rare; n log n however many keys there are. */
static int drop_repeats(struct ks_json *j, const struct ks_keys *k, unsigned char *base,
    unsigned char *content, unsigned char **o, uint32_t *count)
{
	const struct key *keys = (const struct key *)(const void *)(j->keys.p + k->noted);
	struct member *m = calloc(*count, sizeof(*m)), **sorted = calloc(*count, sizeof(*sorted));
	unsigned char *copy = NULL;
	uint32_t i, gone;
	int no = ENOMEM;
	size_t n;

	if (m == NULL || sorted == NULL)
		goto out;
	for (i = 0; i < *count; i++)
		m[i] = (struct member){
			.at = base + keys[i].at, .value_of = i,
			.text = written_key(base + keys[i].at, *o),
		};
	gone = mark_repeats(m, sorted, *count);
	if (gone > 0) {
		copy = malloc((size_t)(*o - content));
		if (copy == NULL)
			goto out;
		n = (size_t)(copy_members(copy, m, *count, *o) - copy);
		memcpy(content, copy, n);
		*o = content + n;
		j->duplicates += gone;
		*count -= gone;
	}
	no = 0;
out:
	free(m);
	free(sorted);
	free(copy);
	return no;
}

int ks_keys_finish(struct ks_json *j, struct ks_keys *k, unsigned char *base,
    unsigned char *content, unsigned char **o, uint32_t *count, unsigned known)
{
	uint32_t before = *count;
	int no = 0;

	if (!k->noting)
		no = ks_keys_begin(j, k, base, content, *o);
	if (no == 0 && may_repeat(j, k, *count))
		no = drop_repeats(j, k, base, content, o, count);
	if (no == 0 && known < KS_JSON_GUESSES && *count == before)
		j->distinct[known] = k->slots;
	j->keys.n = k->noted;
	return no;
}
