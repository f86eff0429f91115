/* SPDX-License-Identifier: MIT */
/* table.c - rows of a table as entries of a store. */
#include "table.h"
#include "frame.h"

#include <errno.h>
#include <stdlib.h>

/* A row without versions; its value stands behind it.  n == 0: there is none, for a value has a byte at least. */
struct head {
	int64_t time_ms, mark;
	uint32_t n, flags;
};

static int no_memory(struct ks_err *err)
{
	return ks_fail_errno(err, KS_TEMP, ENOMEM, "cannot keep a row");
}

int ks_table_open(struct ks_table *t, struct ks_store *store, int64_t segment, int64_t history_ms, unsigned depth,
    struct ks_err *err)
{
	struct ks_table_part *part;
	int32_t partition;
	int64_t after;
	int status = 0;

	*t = (struct ks_table){ .store = store, .segment = segment, .history_ms = history_ms, .depth = depth };
	ks_buf_init(&t->before, UINT32_MAX);
	for (after = -2; status == 0 && ks_store_next_partition(store, after, &partition); after = partition)
		status = ks_table_part(t, partition, &part, err);
	return status;
}

void ks_table_close(struct ks_table *t)
{
	size_t i;

	for (i = 0; i < t->count; i++) {
		ks_buf_release(&t->parts[i]->topic);
		ks_buf_release(&t->parts[i]->route);
		ks_waiting_release(&t->parts[i]->held);
		free(t->parts[i]);
	}
	free(t->parts);
	ks_buf_release(&t->before);
	*t = (struct ks_table){ .depth = 0 };
}

/* The name of what is kept beside the rows; tables of one store differ in its last byte. */
struct saved_key {
	unsigned char text[6];
};

static struct saved_key saved_key(const struct ks_table *t)
{
	struct saved_key key = { "table" };

	key.text[5] = (unsigned char)t->segment;
	return key;
}

/* Beside the rows of a partition: its time, the lengths of topic and route, and those. */
static int save(struct ks_table *t, struct ks_table_part *part, struct ks_err *err)
{
	uint32_t lengths[2] = { (uint32_t)part->topic.n, (uint32_t)part->route.n };
	struct saved_key key = saved_key(t);
	struct ks_store_value v;
	int status;

	status = ks_store_put(t->store, part->partition, KS_STORE_META, ks_bytes(key.text, sizeof(key.text)),
	    16 + part->topic.n + part->route.n, &v, err);
	if (status != 0)
		return status;
	memcpy(v.p, &part->stream_ms, 8);
	memcpy(v.p + 8, lengths, 8);
	if (part->topic.n > 0)
		memcpy(v.p + 16, part->topic.p, part->topic.n);
	if (part->route.n > 0)
		memcpy(v.p + 16 + part->topic.n, part->route.p, part->route.n);
	part->changed = false;
	return 0;
}

int ks_table_save(struct ks_table *t, struct ks_err *err)
{
	int status = 0;
	size_t i;

	for (i = 0; i < t->count && status == 0; i++)
		if (t->parts[i]->changed)
			status = save(t, t->parts[i], err);
	return status;
}

static int load(struct ks_table *t, struct ks_table_part *part, struct ks_err *err)
{
	struct saved_key key = saved_key(t);
	struct ks_store_value v;
	uint32_t lengths[2];
	int status;

	status = ks_store_get(t->store, part->partition, KS_STORE_META, ks_bytes(key.text, sizeof(key.text)), &v, err);
	if (status != 0 || v.p == NULL)
		return status;
	if (v.n >= 16)
		memcpy(lengths, v.p + 8, 8);
	if (v.n < 16 || lengths[0] > v.n - 16 || lengths[1] > v.n - 16 - lengths[0])
		return ks_store_damaged(part->partition, err);
	memcpy(&part->stream_ms, v.p, 8);
	if (ks_buf_add(&part->topic, v.p + 16, lengths[0]) != 0 || ks_buf_add(&part->route, v.p + 16 + lengths[0], lengths[1]) != 0)
		return no_memory(err);
	return 0;
}

static int set_name(struct ks_table_part *part, struct ks_buf *name, struct ks_bytes now)
{
	if (KS_LIKELY(ks_bytes_eq(ks_buf_bytes(name), now)))
		return 0;
	part->changed = true;
	name->n = 0;
	return ks_buf_add(name, now.p, now.n);
}

int ks_table_remember(struct ks_table_part *part, struct ks_bytes topic, struct ks_bytes route)
{
	int no = set_name(part, &part->topic, topic);

	return no == 0 ? set_name(part, &part->route, route) : no;
}

static struct ks_table_part *make_part(struct ks_table *t, int32_t partition, size_t at)
{
	struct ks_table_part **parts, *part;
	size_t cap = t->cap == 0 ? 8 : t->cap * 2;

	if (t->count == t->cap) {
		parts = reallocarray(t->parts, cap, sizeof(struct ks_table_part *));
		if (parts == NULL)
			return NULL;
		t->parts = parts;
		t->cap = cap;
	}
	part = malloc(sizeof(*part));
	if (part == NULL)
		return NULL;
	*part = (struct ks_table_part){ .partition = partition, .stream_ms = -1 };
	ks_buf_init(&part->topic, KS_RECORD_MAX);
	ks_buf_init(&part->route, KS_RECORD_MAX);
	ks_waiting_init(&part->held);
	memmove(t->parts + at + 1, t->parts + at, (t->count - at) * sizeof(struct ks_table_part *));
	t->parts[at] = part;
	t->count++;
	return part;
}

/* How many partitions are before this one. */
static size_t count_before(const struct ks_table *t, int32_t partition)
{
	size_t low = 0, high = t->count, middle;

	while (low < high) {
		middle = (low + high) / 2;
		if (t->parts[middle]->partition < partition)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct ks_table_part *ks_table_find(const struct ks_table *t, int32_t partition)
{
	size_t at = count_before(t, partition);

	return at < t->count && t->parts[at]->partition == partition ? t->parts[at] : NULL;
}

int ks_table_part(struct ks_table *t, int32_t partition, struct ks_table_part **part, struct ks_err *err)
{
	if (KS_LIKELY(t->last != NULL && t->last->partition == partition)) {
		*part = t->last;
		return 0;
	}
	*part = ks_table_find(t, partition);
	if (*part != NULL) {
		t->last = *part;
		return 0;
	}
	*part = make_part(t, partition, count_before(t, partition));
	if (*part == NULL)
		return no_memory(err);
	t->last = *part;
	return load(t, *part, err);
}

int64_t ks_table_time(const struct ks_table *t, int32_t partition)
{
	const struct ks_table_part *part = ks_table_find(t, partition);

	return part != NULL ? part->stream_ms : -1;
}

/* The row in an entry. */
static void read_row(const unsigned char *p, bool versions, struct ks_row *row)
{
	struct ks_version v;
	struct head h;

	*row = (struct ks_row){ .mark = KS_TABLE_NO_MARK, .value = ks_mp_nil };
	if (p == NULL)
		return;
	if (versions) {
		if (!ks_versions_latest(p, &v))
			return;
		row->time_ms = v.time_ms;
		row->flags = v.flags;
		if (v.value.p != NULL)
			row->value = v.value;
		return;
	}
	memcpy(&h, p, sizeof(h));
	row->time_ms = h.time_ms;
	row->mark = h.mark;
	row->flags = h.flags;
	if (h.n > 0)
		row->value = ks_bytes(p + sizeof(h), h.n);
}

void ks_table_read(const struct ks_table *t, struct ks_store_value v, struct ks_row *row)
{
	read_row(v.p, t->history_ms >= 0, row);
}

int ks_table_get(struct ks_table *t, const struct ks_table_part *part, struct ks_bytes key, struct ks_row *row,
    struct ks_err *err)
{
	struct ks_store_value v;
	int status = ks_store_get(t->store, part->partition, t->segment, key, &v, err);

	if (status == 0)
		read_row(v.p, t->history_ms >= 0, row);
	return status;
}

int ks_table_as_of(struct ks_table *t, const struct ks_table_part *part, struct ks_bytes key, int64_t time_ms, struct ks_row *row,
    struct ks_err *err)
{
	struct ks_store_value v;
	struct ks_version version;
	bool latest;
	int status;

	if (t->history_ms < 0)
		return ks_table_get(t, part, key, row, err);
	*row = (struct ks_row){ .mark = KS_TABLE_NO_MARK, .value = ks_mp_nil };
	status = ks_store_get(t->store, part->partition, t->segment, key, &v, err);
	if (status != 0 || v.p == NULL || !ks_versions_as_of(v.p, time_ms, &version, &latest) ||
	    (!latest && time_ms < part->stream_ms - t->history_ms))
		return status;
	row->time_ms = version.time_ms;
	row->flags = version.flags;
	if (version.value.p != NULL)
		row->value = version.value;
	return 0;
}

bool ks_table_same(struct ks_bytes a, struct ks_bytes b, unsigned depth)
{
	const unsigned char *p = a.p, *q = b.p;
	struct ks_val x, y;

	if (ks_bytes_eq(a, b))
		return true;
	return ks_mp_read(&p, p + a.n, depth, &x) == KS_MP_OK && ks_mp_read(&q, q + b.n, depth, &y) == KS_MP_OK &&
	    ks_val_cmp(&x, &y) == 0;
}

static int put_plain(struct ks_table *t, const struct ks_table_part *part, struct ks_bytes key, const struct ks_row *row,
    struct ks_err *err)
{
	struct head h = { row->time_ms, row->mark, (uint32_t)row->value.n, row->flags };
	struct ks_store_value v;
	int status;

	if (row->value.n > UINT32_MAX / 2)
		return ks_fail(err, KS_DATA, "a row is larger than 2 GiB");
	if (ks_mp_is_nil(row->value))
		return ks_store_delete(t->store, part->partition, t->segment, key, err);
	status = ks_store_put(t->store, part->partition, t->segment, key, sizeof(h) + row->value.n, &v, err);
	if (status != 0)
		return status;
	memcpy(v.p, &h, sizeof(h));
	memcpy(v.p + sizeof(h), row->value.p, row->value.n);
	return 0;
}

static int put_version(struct ks_table *t, const struct ks_table_part *part, struct ks_bytes key, const struct ks_row *row,
    bool *latest, struct ks_err *err)
{
	struct ks_version version = { row->time_ms, row->flags, row->value };
	struct ks_store_value v;
	size_t room;
	int status;

	if (ks_mp_is_nil(row->value))
		version.value = ks_bytes(NULL, 0);
	status = ks_store_get(t->store, part->partition, t->segment, key, &v, err);
	if (status != 0)
		return status;
	room = ks_versions_room(v.p, version.value.n);
	if (room == SIZE_MAX)
		return ks_fail(err, KS_DATA, "the versions of a key pass 4 GiB: --versioned keeps too long a history for it");
	status = ks_store_put(t->store, part->partition, t->segment, key, room, &v, err);
	if (status != 0)
		return status;
	*latest = ks_versions_put(v.p, &version);
	ks_versions_prune(v.p, part->stream_ms - t->history_ms);
	return 0;
}

int ks_table_put(struct ks_table *t, struct ks_table_part *part, struct ks_bytes key, const struct ks_row *row, bool before,
    bool only, struct ks_change *c, enum ks_table_taken *taken, struct ks_err *err)
{
	struct ks_row old = { .value = ks_mp_nil };
	int status = 0;

	*taken = KS_TABLE_TAKEN;
	*c = (struct ks_change){ .now = row->value, .before = ks_mp_nil, .latest = true };
	if (t->history_ms >= 0 && row->time_ms < part->stream_ms - t->history_ms) {
		*taken = KS_TABLE_EXPIRED;
		return 0;
	}
	if (before || only)
		status = ks_table_get(t, part, key, &old, err);
	if (status == 0 && only && row->time_ms >= old.time_ms && ks_table_same(old.value, row->value, t->depth)) {
		*taken = KS_TABLE_EQUAL;
		return 0;
	}
	if (status == 0 && !ks_mp_is_nil(old.value)) {
		t->before.n = 0;
		if (ks_buf_add(&t->before, old.value.p, old.value.n) != 0)
			return no_memory(err);
		c->before = ks_buf_bytes(&t->before);
	}
	if (status != 0)
		return status;
	if (t->history_ms < 0)
		return put_plain(t, part, key, row, err);
	ks_table_advance(part, row->time_ms);
	return put_version(t, part, key, row, &c->latest, err);
}

void ks_table_clear(struct ks_table *t, const struct ks_table_part *part)
{
	ks_store_drop(t->store, part->partition, t->segment);
}

int ks_table_scan_begin(const struct ks_table *t, const struct ks_table_part *part, struct ks_table_scan *s,
    struct ks_err *err)
{
	*s = (struct ks_table_scan){ .versions = t->history_ms >= 0 };
	return ks_store_scan_begin(t->store, part->partition, t->segment, &s->store, err);
}

/* Where the versions of a block begin, so that they can be told from the oldest on. */
static int list_versions(struct ks_table_scan *s, struct ks_err *err)
{
	size_t at = 0, begin = 0, *ends;
	struct ks_version v;

	s->count = 0;
	while (ks_versions_next(s->block, &at, &v)) {
		if (s->count == s->cap) {
			ends = reallocarray(s->ends, s->cap == 0 ? 16 : s->cap * 2, sizeof(*ends));
			if (ends == NULL)
				return no_memory(err);
			s->ends = ends;
			s->cap = s->cap == 0 ? 16 : s->cap * 2;
		}
		s->ends[s->count++] = begin;
		begin = at;
	}
	return 0;
}

int ks_table_scan_next(struct ks_table_scan *s, struct ks_bytes *key, struct ks_row *row, bool *more, struct ks_err *err)
{
	struct ks_version version;
	struct ks_store_value v;
	int status;

	while (s->count == 0) {
		*more = ks_store_scan_next(&s->store, &s->key, &v);
		if (!*more)
			return 0;
		*key = s->key;
		read_row(v.p, s->versions, row);
		if (!s->versions)
			return 0;
		s->block = v.p;
		status = list_versions(s, err);
		if (status != 0)
			return status;
	}
	*more = ks_versions_next(s->block, &s->ends[--s->count], &version);
	*key = s->key;
	*row = (struct ks_row){ version.time_ms, KS_TABLE_NO_MARK, version.flags,
		version.value.p != NULL ? version.value : ks_mp_nil };
	return 0;
}

void ks_table_scan_end(struct ks_table_scan *s)
{
	ks_store_scan_end(&s->store);
	free(s->ends);
	*s = (struct ks_table_scan){ .count = 0 };
}
