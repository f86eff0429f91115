/* SPDX-License-Identifier: MIT */
/* sorter.c - records in the order of their keys' bytes: what waits in memory, and the tournament. */
#include "sorter-impl.h"

#include <errno.h>
#include <stdlib.h>

#define MEMORY_LEAST ((size_t)1 << 20)
#define BLOCK_LEAST ((size_t)16 << 10)
#define BLOCK_MOST ((size_t)256 << 10)
#define FRESH_LEAST 1024u
#define FRESH_MOST 16384u	/* items and scratch of their sort stay in the second cache: 512 KiB */
#define KEPT_MOST 64u		/* blocks whose memory waits for the next: asking the system for it costs a fault a page */
#define SHRINKS_MOST 8u		/* each goes through all that waits in memory */
#define BEFORE 8u		/* bytes before a record in a block */
#define NOWHERE UINT32_MAX

struct ks_sorter_block {
	unsigned char *p;	/* NULL: the place is unused */
	size_t size, used;
	uint32_t live;		/* records that were not taken */
	uint32_t next;		/* of its chain */
};

static size_t clamp(size_t x, size_t least, size_t most)
{
	return x < least ? least : x > most ? most : x;
}

/* Both begin alike for skip bytes. */
static int compare_keys(const struct ks_sorter *s, const unsigned char *a, const unsigned char *b)
{
	struct ks_bytes x = ks_sorter_key(a), y = ks_sorter_key(b);

	return ks_bytes_cmp(ks_bytes(x.p + s->skip, x.n - s->skip), ks_bytes(y.p + s->skip, y.n - s->skip));
}

static int compare_items(const void *a, const void *b, void *arg)
{
	const struct ks_key_item *x = a, *y = b;
	uint32_t n, m;
	int c;

	if (x->prefix != y->prefix)
		return x->prefix < y->prefix ? -1 : 1;
	c = compare_keys(arg, x->thing, y->thing);
	if (c != 0)
		return c;
	n = ks_sorter_u32((const unsigned char *)x->thing - 8);
	m = ks_sorter_u32((const unsigned char *)y->thing - 8);
	return (n > m) - (n < m);
}

/* Whether the head of source a goes before that of b; one that is used up goes last. */
static bool goes_first(const struct ks_sorter *s, unsigned a, unsigned b)
{
	const struct ks_sorter_source *x = &s->sources[a], *y = &s->sources[b];
	int c;

	if (x->prefix != y->prefix)
		return x->prefix < y->prefix;
	if (x->head == NULL || y->head == NULL)
		return x->head != NULL;
	c = compare_keys(s, x->head, y->head);
	return c != 0 ? c < 0 : a < b;
}

void ks_sorter_play(struct ks_sorter *s, unsigned from, unsigned count)
{
	unsigned i, at, winner, loser;

	for (i = 0; i < count; i++)
		s->tree[i] = UINT32_MAX;
	for (i = 0; i < count; i++) {
		winner = from + i;
		for (at = (i + count) / 2; at > 0 && s->tree[at] != UINT32_MAX; at /= 2) {
			if (goes_first(s, s->tree[at], winner)) {
				loser = winner;
				winner = s->tree[at];
				s->tree[at] = loser;
			}
		}
		s->tree[at] = winner;
	}
}

void ks_sorter_replay(struct ks_sorter *s, unsigned from, unsigned count)
{
	unsigned winner = s->tree[0], loser, at;

	for (at = (winner - from + count) / 2; at > 0; at /= 2) {
		if (goes_first(s, s->tree[at], winner)) {
			loser = winner;
			winner = s->tree[at];
			s->tree[at] = loser;
		}
	}
	s->tree[0] = winner;
}

/* All of a block was taken. */
static void retire(struct ks_sorter *s, uint32_t i)
{
	struct ks_sorter_block *b = &s->blocks[i];

	s->held -= b->size;
	if (b->size == s->block_size && s->kept_count < KEPT_MOST) {
		b->next = s->kept;
		s->kept = i;
		s->kept_count++;
		return;
	}
	free(b->p);
	*b = (struct ks_sorter_block){ .next = s->unused };
	s->unused = i;
}

/* A record of a block is not needed any more. */
static void drop(struct ks_sorter *s, const unsigned char *at)
{
	uint32_t i = ks_sorter_u32(at - 4);
	struct ks_sorter_block *b = &s->blocks[i];

	if (--b->live > 0)
		return;
	if (i == s->block)
		b->used = 0;
	else
		retire(s, i);
}

static int new_place(struct ks_sorter *s, struct ks_err *err)
{
	struct ks_sorter_block *p;
	uint32_t room = s->block_room == 0 ? 64 : 2 * s->block_room;

	if (s->block_count == s->block_room) {
		p = realloc(s->blocks, room * sizeof(*p));
		if (p == NULL)
			return ks_fail_memory(err);
		s->blocks = p;
		s->block_room = room;
	}
	s->blocks[s->block_count] = (struct ks_sorter_block){ .next = NOWHERE };
	s->unused = s->block_count++;
	return 0;
}

/* Another block for the next record, of n bytes: one of its own where it is large. */
static int new_block(struct ks_sorter *s, size_t n, struct ks_err *err)
{
	size_t size = n > s->block_size / 4 ? n : s->block_size;
	struct ks_sorter_block *b;
	uint32_t i;
	int status;

	if (s->block != NOWHERE && s->blocks[s->block].live == 0)
		retire(s, s->block);
	s->block = NOWHERE;
	if (size == s->block_size && s->kept != NOWHERE) {
		i = s->kept;
		b = &s->blocks[i];
		s->kept = b->next;
		s->kept_count--;
	} else {
		status = s->unused == NOWHERE ? new_place(s, err) : 0;
		if (status != 0)
			return status;
		i = s->unused;
		b = &s->blocks[i];
		b->p = malloc(size);
		if (b->p == NULL)
			return ks_fail_memory(err);
		s->unused = b->next;
	}
	*b = (struct ks_sorter_block){ .p = b->p, .size = size };
	s->held += size;
	s->block = i;
	return 0;
}

/* What a batch has left. */
static size_t left_of(const struct ks_sorter_source *x)
{
	return x->count - x->next;
}

static void set_head(const struct ks_sorter *s, struct ks_sorter_source *x, const unsigned char *at)
{
	x->head = at;
	x->prefix = at != NULL ? ks_key_prefix(ks_sorter_key(at), s->skip) : UINT64_MAX;
}

static void free_items(struct ks_sorter *s, struct ks_sorter_source *x)
{
	free(x->items);
	s->held -= x->count * sizeof(*x->items);
	*x = (struct ks_sorter_source){ .fd = -1, .prefix = UINT64_MAX };
}

int ks_sorter_advance(struct ks_sorter *s, struct ks_sorter_source *x, struct ks_err *err)
{
	int status;

	if (x->items == NULL) {
		status = ks_sorter_file_next(s, x, err);
		set_head(s, x, x->head);
		return status;
	}
	drop(s, x->head);
	if (++x->next == x->count) {
		free_items(s, x);
		return 0;
	}
	x->head = x->items[x->next].thing;
	x->prefix = x->items[x->next].prefix;
	return 0;
}

/* What was lent goes. */
static int settle(struct ks_sorter *s, struct ks_err *err)
{
	int status;

	if (!s->lent)
		return 0;
	s->lent = false;
	s->waiting--;
	status = ks_sorter_advance(s, &s->sources[s->tree[0]], err);
	ks_sorter_replay(s, 0, s->source_count);
	return status;
}

/* Sources that are used up leave the list. */
static void compact(struct ks_sorter *s)
{
	unsigned i, n = 0, files = 0;

	for (i = 0; i < s->source_count; i++) {
		if (s->sources[i].head == NULL)
			continue;
		files += s->sources[i].items == NULL;
		s->sources[n++] = s->sources[i];
	}
	s->source_count = n;
	s->file_count = files;
	s->played = false;
}

/* Batch b is the newer: of equal keys those of a go first. */
static void merge(struct ks_sorter *s, struct ks_key_item *to, const struct ks_sorter_source *a, const struct ks_sorter_source *b)
{
	const struct ks_key_item *x = a->items + a->next, *y = b->items + b->next, *x_end = a->items + a->count,
	    *y_end = b->items + b->count;
	bool second;

	while (x < x_end && y < y_end) {
		second = x->prefix != y->prefix ? y->prefix < x->prefix : compare_keys(s, y->thing, x->thing) < 0;
		*to++ = second ? *y : *x;
		x += !second;
		y += second;
	}
	memcpy(to, x, (size_t)(x_end - x) * sizeof(*x));
	memcpy(to + (x_end - x), y, (size_t)(y_end - y) * sizeof(*y));
}

/* Whether two batches are of like size, or the older is the smaller: what is merged so is merged log(n) times. */
static bool are_alike(const struct ks_sorter_source *a, const struct ks_sorter_source *b)
{
	return __builtin_clzll(left_of(a)) >= __builtin_clzll(left_of(b));
}

static int merge_last(struct ks_sorter *s, struct ks_err *err)
{
	struct ks_sorter_source *a, *b;
	struct ks_key_item *items;
	size_t count;

	while (s->source_count >= s->file_count + 2) {
		b = &s->sources[s->source_count - 1];
		a = b - 1;
		if (!are_alike(a, b))
			return 0;
		count = left_of(a) + left_of(b);
		items = malloc(count * sizeof(*items));
		if (items == NULL)
			return ks_fail_memory(err);
		merge(s, items, a, b);
		s->held += count * sizeof(*items);
		free_items(s, a);
		free_items(s, b);
		*a = (struct ks_sorter_source){ .items = items, .count = count, .fd = -1, .head = items[0].thing, .prefix = items[0].prefix };
		s->source_count--;
	}
	return 0;
}

/* What gathered becomes a batch. */
static int gather(struct ks_sorter *s, struct ks_err *err)
{
	struct ks_key_item *items = s->fresh;
	size_t count = s->fresh_count, i;

	compact(s);
	if (count == 0)
		return 0;
	for (i = 1; i < count && compare_items(&items[i - 1], &items[i], s) < 0; )
		i++;
	if (i < count)
		ks_key_sort_by(items, count, compare_items, s);
	items = malloc(count * sizeof(*items));
	if (items == NULL)
		return ks_fail_memory(err);
	memcpy(items, s->fresh, count * sizeof(*items));
	s->held += count * sizeof(*items);
	s->sources[s->source_count++] = (struct ks_sorter_source){
		.items = items, .count = count, .fd = -1, .head = items[0].thing, .prefix = items[0].prefix,
	};
	s->fresh_count = 0;
	return merge_last(s, err);
}

/* A key does not begin as all others do: the numbers are made anew.  It does not happen often: then they begin with the keys. */
static void shrink(struct ks_sorter *s, struct ks_bytes key)
{
	struct ks_sorter_source *x;
	size_t n = 0, i;
	unsigned k;

	while (n < s->skip && n < key.n && s->like[n] == key.p[n])
		n++;
	s->skip = ++s->shrunk > SHRINKS_MOST ? 0 : n;
	for (i = 0; i < s->fresh_count; i++)
		s->fresh[i].prefix = ks_key_prefix(ks_sorter_key(s->fresh[i].thing), s->skip);
	for (k = 0; k < s->source_count; k++) {
		x = &s->sources[k];
		for (i = x->next; x->items != NULL && i < x->count; i++)
			x->items[i].prefix = ks_key_prefix(ks_sorter_key(x->items[i].thing), s->skip);
		set_head(s, x, x->head);
	}
}

static void see_key(struct ks_sorter *s, struct ks_bytes key)
{
	if (!s->begun) {
		s->begun = true;
		s->skip = clamp(key.n, 0, sizeof(s->like));
		if (s->skip > 0)
			memcpy(s->like, key.p, s->skip);
	} else if (s->skip > 0 && (key.n < s->skip || memcmp(key.p, s->like, s->skip) != 0)) {
		shrink(s, key);
	}
}

/* Room for a record of n bytes, with what stands before it: from memory, or from a file that takes all that waits there. */
static int make_room(struct ks_sorter *s, size_t n, struct ks_err *err)
{
	const struct ks_sorter_block *b = s->block == NOWHERE ? NULL : &s->blocks[s->block];
	size_t items = s->fresh_count * sizeof(*s->fresh);	/* they will need so much as a batch */
	int status = 0;

	if (s->fresh_count == s->fresh_room)
		status = gather(s, err);
	if (status != 0 || (b != NULL && n <= b->size - b->used))
		return status;
	if (s->held > 0 && s->held + items + (n > s->block_size ? n : s->block_size) > s->memory / 4 * 3) {
		status = gather(s, err);
		if (status == 0 && s->source_count > s->file_count)
			status = ks_sorter_spill(s, err);
		b = s->block == NOWHERE ? NULL : &s->blocks[s->block];
		if (status != 0 || (b != NULL && n <= b->size - b->used))
			return status;
	}
	return new_block(s, n, err);
}

int ks_sorter_put(struct ks_sorter *s, struct ks_bytes key, struct ks_bytes record, struct ks_err *err)
{
	uint32_t numbers[4] = { (uint32_t)s->fresh_count, 0, (uint32_t)key.n, (uint32_t)record.n };
	size_t n = key.n + record.n, i;
	struct ks_sorter_block *b;
	unsigned char *p;
	int status;

	if (key.n > UINT32_MAX / 4 || record.n > UINT32_MAX / 4)
		return ks_fail(err, KS_DATA, "a record of %zu bytes is too large to be sorted", record.n);
	status = settle(s, err);
	if (status == 0)
		status = make_room(s, BEFORE + KS_SORTER_SIZES + n, err);
	if (status != 0)
		return status;
	see_key(s, key);
	i = s->fresh_count++;
	b = &s->blocks[s->block];
	p = b->p + b->used;
	numbers[0] = (uint32_t)i;
	numbers[1] = s->block;
	memcpy(p, numbers, sizeof(numbers));
	if (key.n > 0)
		memcpy(p + sizeof(numbers), key.p, key.n);
	if (record.n > 0)
		memcpy(p + sizeof(numbers) + key.n, record.p, record.n);
	b->used += sizeof(numbers) + n;
	b->live++;
	s->fresh[i] = (struct ks_key_item){ .prefix = ks_key_prefix(key, s->skip), .thing = p + BEFORE };
	if (i == 0 || compare_items(&s->fresh[i], &s->fresh[s->fresh_least], s) < 0)
		s->fresh_least = i;
	if (n > s->largest)
		s->largest = n;
	s->waiting++;
	return 0;
}

int ks_sorter_take(struct ks_sorter *s, const struct ks_bytes *below, struct ks_bytes *key, struct ks_bytes *record, struct ks_err *err)
{
	const unsigned char *head = NULL, *least = NULL;
	int c;

	if (settle(s, err) != 0)
		return -1;
	if (s->waiting == 0)
		return 0;
	if (!s->played && s->source_count > 0)
		ks_sorter_play(s, 0, s->source_count);
	s->played = true;
	if (s->source_count > 0)
		head = s->sources[s->tree[0]].head;
	if (s->fresh_count > 0)
		least = s->fresh[s->fresh_least].thing;
	c = head == NULL ? 1 : least == NULL ? -1 : compare_keys(s, head, least);
	if (below != NULL && ks_bytes_cmp(ks_sorter_key(c <= 0 ? head : least), *below) >= 0)
		return 0;
	if (c > 0) {
		if (gather(s, err) != 0)
			return -1;
		ks_sorter_play(s, 0, s->source_count);
		s->played = true;
		head = s->sources[s->tree[0]].head;
	}
	s->lent = true;
	*key = ks_sorter_key(head);
	*record = ks_sorter_record(head);
	return 1;
}

int ks_sorter_open(struct ks_sorter *s, size_t memory, const char *dir, struct ks_err *err)
{
	const char *tmp = dir != NULL ? dir : getenv("TMPDIR");

	*s = (struct ks_sorter){ .memory = memory < MEMORY_LEAST ? MEMORY_LEAST : memory, .block = NOWHERE, .unused = NOWHERE, .kept = NOWHERE };
	s->block_size = clamp(s->memory / 16, BLOCK_LEAST, BLOCK_MOST);
	s->fresh_room = clamp(s->memory / 512, FRESH_LEAST, FRESH_MOST);
	s->fresh = malloc(2 * s->fresh_room * sizeof(*s->fresh));
	s->dir = strdup(tmp == NULL || tmp[0] == '\0' ? "/tmp" : tmp);
	return s->fresh == NULL || s->dir == NULL ? ks_fail_memory(err) : 0;
}

void ks_sorter_close(struct ks_sorter *s)
{
	unsigned i;

	for (i = 0; i < s->source_count; i++) {
		if (s->sources[i].items != NULL)
			free_items(s, &s->sources[i]);
		else
			ks_sorter_file_close(&s->sources[i]);
	}
	for (i = 0; i < s->block_count; i++)
		free(s->blocks[i].p);
	free(s->blocks);
	free(s->fresh);
	free(s->dir);
	*s = (struct ks_sorter){ .block = NOWHERE };
}
