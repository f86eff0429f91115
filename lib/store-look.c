/* SPDX-License-Identifier: MIT */
/* store-look.c - a store looked at while it is at work. */
#include "store-look.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "store-impl.h"

#define BASE_STEPS 4096u	/* entries on disk that one call looks at, */
#define BASE_PART 64u		/* and one more for so many in memory, all of which are looked at each time */

/* The smallest keys so far that are behind `after`: a heap, the largest on top. */
struct smallest {
	struct ks_key_item *items;
	size_t n, cap;
	size_t bytes, room;	/* that they have, that they may have */
	bool left_out;		/* there are larger ones */
};

struct look {
	struct ks_store *s;
	struct ks_bytes after;	/* p == NULL: none */
	bool (*wants)(const void *arg, struct ks_bytes key);
	const void *arg;
	struct smallest all;
};

static struct ks_bytes key_of(const void *thing)
{
	return ks_entry_key(thing);
}

static bool is_less(const struct smallest *h, size_t a, size_t b)
{
	return ks_bytes_cmp(key_of(h->items[a].thing), key_of(h->items[b].thing)) < 0;
}

static void swap(struct smallest *h, size_t a, size_t b)
{
	struct ks_key_item x = h->items[a];

	h->items[a] = h->items[b];
	h->items[b] = x;
}

static size_t size_of(const void *thing)
{
	return 4 + key_of(thing).n;
}

static void pop(struct smallest *h)
{
	size_t at = 0, child;

	h->bytes -= size_of(h->items[0].thing);
	h->items[0] = h->items[--h->n];
	for (;;) {
		child = 2 * at + 1;
		if (child + 1 < h->n && is_less(h, child, child + 1))
			child++;
		if (child >= h->n || !is_less(h, at, child))
			break;
		swap(h, at, child);
		at = child;
	}
	h->left_out = true;
}

/* Half of the room stays free: the sort needs it. */
static bool grow(struct smallest *h)
{
	size_t cap = h->cap == 0 ? 256 : 2 * h->cap;
	struct ks_key_item *wider = reallocarray(h->items, cap, 2 * sizeof(*wider));

	if (wider == NULL)
		return false;
	h->items = wider;
	h->cap = cap;
	return true;
}

static bool push(struct smallest *h, const struct ks_entry *e)
{
	size_t at = h->n;

	if (h->n == h->cap && !grow(h))
		return false;
	h->items[h->n++].thing = e;
	h->bytes += size_of(e);
	for (; at > 0 && is_less(h, (at - 1) / 2, at); at = (at - 1) / 2)
		swap(h, at, (at - 1) / 2);
	while (h->bytes > h->room && h->n > 1)
		pop(h);
	return true;
}

static bool is_asked(const struct look *k, struct ks_bytes key)
{
	return (k->after.p == NULL || ks_bytes_cmp(key, k->after) > 0) && (k->wants == NULL || k->wants(k->arg, key));
}

/* Of a segment in memory; hidden: what the younger generation has of it. */
static int gather(struct look *k, const struct ks_segment *g, const struct ks_segment *hidden, struct ks_err *err)
{
	struct ks_segment_walk walk = { 0 };
	struct smallest *h = &k->all;
	struct ks_entry *e;
	struct ks_bytes key;

	while (g != NULL && (e = ks_segment_next(g, &walk, false)) != NULL) {
		key = ks_entry_key(e);
		if (e->deleted || (h->left_out && ks_bytes_cmp(key, key_of(h->items[0].thing)) > 0) || !is_asked(k, key))
			continue;
		if (hidden != NULL && ks_segment_find(hidden, key, ks_hash(key, k->s->seed)) != 0)
			continue;
		if (!push(h, e))
			return ks_store_no_memory(err);
	}
	return 0;
}

static int add_key(struct ks_buf *keys, struct ks_bytes key, struct ks_err *err)
{
	unsigned char n[4];

	ks_put32(n, (uint32_t)key.n);
	return ks_buf_add(keys, n, 4) != 0 || ks_buf_add(keys, key.p, key.n) != 0 ? ks_store_no_memory(err) : 0;
}

static int come_to(struct ks_buf *to, struct ks_bytes key, struct ks_err *err)
{
	to->n = 0;
	return ks_buf_add(to, key.p, key.n) != 0 ? ks_store_no_memory(err) : 0;
}

/* Those of memory, sorted, up to a key that is told of elsewhere (p == NULL: all). */
static int tell(struct look *k, size_t *at, struct ks_bytes below, struct ks_buf *keys, struct ks_buf *to, struct ks_err *err)
{
	struct ks_bytes key;
	int status = 0;

	for (; *at < k->all.n && status == 0; ++*at) {
		key = key_of(k->all.items[*at].thing);
		if (below.p != NULL && ks_bytes_cmp(key, below) >= 0)
			break;
		status = add_key(keys, key, err);
		if (status == 0)
			status = come_to(to, key, err);
	}
	if (*at < k->all.n && below.p != NULL && ks_bytes_eq(key_of(k->all.items[*at].thing), below))
		++*at;
	return status;
}

/* Memory may have left out keys that are larger than its last: what the base has behind that comes later. */
static bool is_too_far(const struct look *k, struct ks_bytes key)
{
	return k->all.left_out && ks_bytes_cmp(key, key_of(k->all.items[k->all.n - 1].thing)) > 0;
}

/*
 * Both together: what the base has is told of whatever memory says of it, since that
 * is found out when it is looked up.
 */
static int merge(struct look *k, int32_t partition, int64_t segment, size_t steps, struct ks_buf *keys, struct ks_buf *to,
    bool *more, struct ks_err *err)
{
	struct ks_bytes key, value, own;
	struct ks_disk_cursor *c = NULL;
	unsigned char prefix[KS_BASE_PREFIX];
	size_t at = 0;
	int status = 0;

	*more = false;
	if (ks_base_has(k->s, partition, segment)) {
		if (ks_base_key(k->s, partition, segment, k->after) != 0)
			return ks_store_no_memory(err);
		memcpy(prefix, k->s->key.p, KS_BASE_PREFIX);
		status = ks_disk_from(k->s->disk, ks_buf_bytes(&k->s->key), &c, &key, &value, err);
		while (status == 0 && !*more && key.n >= KS_BASE_PREFIX && memcmp(key.p, prefix, KS_BASE_PREFIX) == 0) {
			own = ks_bytes(key.p + KS_BASE_PREFIX, key.n - KS_BASE_PREFIX);
			if (is_too_far(k, own))
				break;
			status = tell(k, &at, own, keys, to, err);
			if (status == 0 && is_asked(k, own))
				status = add_key(keys, own, err);
			if (status == 0)
				status = come_to(to, own, err);
			*more = --steps == 0 || keys->n >= k->all.room;
			if (status == 0 && !*more)
				status = ks_disk_next(c, &key, &value, err);
		}
		ks_disk_cursor_close(c);
	}
	if (status == 0 && !*more)
		status = tell(k, &at, ks_bytes(NULL, 0), keys, to, err);
	*more = *more || k->all.left_out;
	return status;
}

/* patient: the base is looked at until there are enough. */
static int find_keys(struct look *k, int32_t partition, int64_t segment, bool patient, struct ks_buf *keys, struct ks_buf *to,
    bool *more, struct ks_err *err)
{
	struct ks_segment *young = ks_store_parts_look(&k->s->young.parts, partition, segment);
	struct ks_segment *old = ks_store_parts_look(&k->s->old.parts, partition, segment);
	size_t steps = BASE_STEPS + ((young != NULL ? young->count : 0) + (old != NULL ? old->count : 0)) / BASE_PART;
	int status;

	keys->n = 0;
	status = gather(k, young, NULL, err);
	if (status == 0)
		status = gather(k, old, young, err);
	if (status == 0) {
		ks_key_sort(k->all.items, k->all.n, key_of);
		status = merge(k, partition, segment, patient ? SIZE_MAX : steps, keys, to, more, err);
	}
	free(k->all.items);
	return status;
}

int ks_store_keys(struct ks_store *s, int32_t partition, int64_t segment, const struct ks_buf *after,
    bool (*wants)(const void *arg, struct ks_bytes key), const void *arg, struct ks_buf *keys, struct ks_buf *to,
    bool *more, struct ks_err *err)
{
	struct look k = { .s = s, .wants = wants, .arg = arg, .all = { .room = KS_STORE_KEYS } };

	if (after != NULL)
		k.after = ks_buf_bytes(after);
	return find_keys(&k, partition, segment, false, keys, to, more, err);
}

int ks_store_keys_some(struct ks_store *s, int32_t partition, int64_t segment, const struct ks_buf *after, size_t bytes,
    struct ks_buf *keys, struct ks_buf *to, bool *more, struct ks_err *err)
{
	struct look k = { .s = s, .all = { .room = bytes } };

	if (after != NULL)
		k.after = ks_buf_bytes(after);
	return find_keys(&k, partition, segment, true, keys, to, more, err);
}

bool ks_store_is_committed(const struct ks_store *s, int32_t partition, int64_t segment, struct ks_bytes key)
{
	const struct ks_generation *of[] = { &s->young, &s->old };
	uint64_t hash = ks_hash(key, s->seed);
	const struct ks_entry *e;
	struct ks_segment *g;
	uint32_t ref;
	size_t i;

	for (i = 0; i < 2 && ks_store_is_durable(s); i++) {
		g = ks_store_parts_look(&of[i]->parts, partition, segment);
		ref = g != NULL ? ks_segment_find(g, key, hash) : 0;
		if (ref == 0)
			continue;
		e = ks_segment_at(g, ref);
		return !e->changed && e->stamp != 0 && s->first_epoch + e->stamp - 1 <= s->known;
	}
	/* What the base took before it was known to be committed is told from nothing there. */
	return ks_store_is_durable(s) && !(s->merge.active && ks_merge_may_come_back(s)) && s->reap.wait <= s->known &&
	    s->reap_next.wait <= s->known;
}

static void add_entries(const struct ks_generation *y, struct ks_store_facts *f)
{
	size_t i, k;

	for (i = 0; i < y->parts.count; i++)
		for (k = 0; k < y->parts.parts[i].count; k++)
			f->entries += ks_store_part_at(&y->parts.parts[i], k)->count;
}

void ks_store_facts(const struct ks_store *s, struct ks_store_facts *f)
{
	struct stat st;
	char *path;

	*f = (struct ks_store_facts){ .durable = ks_store_is_durable(s), .epoch = s->epoch, .memory = s->young.bytes + s->old.bytes };
	f->committed = f->durable ? s->known : -1;
	add_entries(&s->young, f);
	add_entries(&s->old, f);
	if (s->home == NULL || !f->durable || asprintf(&path, "%s/state.db", s->home) < 0)
		return;
	if (stat(path, &st) == 0)
		f->disk = (uint64_t)st.st_size;
	free(path);
}
