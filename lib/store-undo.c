/* SPDX-License-Identifier: MIT */
/*
 * store-undo.c - what the base had before an epoch that may not be committed
 * was merged into it, and the end of what is needed no more.
 *
 * An undo record has the form of a chunk, and no key twice: what it says may
 * be done in any order, but records only from the last to the first.
 */
#include "store-impl.h"

#define KEY_SIZE 13

static void put_key(unsigned char key[KEY_SIZE], int64_t epoch, uint32_t n)
{
	key[0] = KS_ON_DISK_UNDO;
	ks_put64(key + 1, (uint64_t)epoch);
	ks_put32(key + 9, n);
}

static bool is_key(struct ks_bytes key, unsigned char kind)
{
	return key.n == KEY_SIZE && key.p[0] == kind;
}

static int64_t epoch_of(struct ks_bytes key)
{
	return (int64_t)ks_get64(key.p + 1);
}

int ks_undo_write(struct ks_store *s, struct ks_err *err)
{
	unsigned char key[KEY_SIZE];
	int status;

	if (s->undo.n == 0)
		return 0;
	put_key(key, s->merge.epoch, s->undo_count++);
	status = ks_disk_put(s->disk, ks_bytes(key, sizeof(key)), ks_buf_bytes(&s->undo), err);
	s->undo.n = 0;
	return status;
}

int ks_undo_note(struct ks_store *s, int32_t partition, int64_t id, struct ks_bytes key, const struct ks_bytes *value,
    struct ks_err *err)
{
	int no = 0;

	if (s->undo.n == 0 || s->undo_partition != partition || s->undo_segment != id)
		no = ks_chunk_add_place(&s->undo, partition, id);
	s->undo_partition = partition;
	s->undo_segment = id;
	if (no == 0)
		no = value != NULL ? ks_chunk_add_value(&s->undo, key, *value) : ks_chunk_add_delete(&s->undo, key);
	if (no != 0)
		return ks_store_no_memory(err);
	return s->undo.n >= KS_CHUNK_SIZE ? ks_undo_write(s, err) : 0;
}

/* Let the base have again what a record says. */
static int put_back(struct ks_store *s, struct ks_bytes record, struct ks_err *err)
{
	struct ks_chunk_change c = { 0 };
	int more, status = 0;

	while (status == 0 && (more = ks_chunk_next(&record, &c)) != 0) {
		if (more < 0 || c.kind == KS_CHUNK_DROP)
			return ks_fail(err, KS_CONFIG, "the state in '%s' is damaged, an undo record is none: put a copy in its place, "
			    "give another --app, or remove '%s' to begin again from the start", s->home, s->root);
		if (ks_base_key(s, c.partition, c.segment, c.key) != 0)
			return ks_store_no_memory(err);
		status = c.kind == KS_CHUNK_VALUE ? ks_disk_put(s->disk, ks_buf_bytes(&s->key), c.value, err) :
		    ks_disk_delete(s->disk, ks_buf_bytes(&s->key), err);
	}
	return status;
}

int ks_undo_back(struct ks_store *s, int64_t epoch, struct ks_err *err)
{
	struct ks_bytes key, value;
	struct ks_disk_cursor *c;
	bool more = true, newer;
	int status = 0;

	while (status == 0 && more) {
		status = ks_disk_last(s->disk, &c, &key, &value, err);
		more = status == 0 && is_key(key, KS_ON_DISK_UNDO);
		newer = more && epoch_of(key) > epoch;
		s->undo.n = 0;
		if (newer && ks_buf_add(&s->undo, value.p, value.n) != 0)
			status = ks_store_no_memory(err);
		if (more && status == 0)
			status = ks_disk_cursor_delete(c, err);
		ks_disk_cursor_close(c);
		if (newer && status == 0)
			status = put_back(s, ks_buf_bytes(&s->undo), err);
	}
	s->undo.n = 0;
	return status;
}

bool ks_reap_can(const struct ks_store *s)
{
	return s->reap.wait > 0 && s->known >= s->reap.wait;
}

/* Up to *left records of a kind, of epochs up to one; *left: how many more there might have been. */
static int remove_some(struct ks_store *s, unsigned char kind, int64_t epoch, unsigned *left, struct ks_err *err)
{
	unsigned char from[KEY_SIZE] = { kind };
	struct ks_bytes key, value;
	struct ks_disk_cursor *c;
	int status;

	status = ks_disk_from(s->disk, ks_bytes(from, sizeof(from)), &c, &key, &value, err);
	while (status == 0 && *left > 0 && is_key(key, kind) && epoch_of(key) <= epoch) {
		--*left;
		status = ks_disk_cursor_delete(c, err);
		if (status == 0)
			status = ks_disk_next(c, &key, &value, err);
	}
	ks_disk_cursor_close(c);
	return status;
}

/* Below what is known to be committed nothing can be rolled back to without them. */
int ks_reap_some(struct ks_store *s, unsigned left, struct ks_err *err)
{
	int status = 0;

	if (s->floor < s->known) {
		s->floor = s->known;
		status = ks_meta_write(s, err);
	}
	if (status == 0)
		status = remove_some(s, KS_ON_DISK_CHUNK, s->reap.chunks, &left, err);
	if (status == 0 && left > 0)
		status = remove_some(s, KS_ON_DISK_UNDO, s->reap.wait, &left, err);
	if (status == 0 && left > 0) {
		s->reap = s->reap_next;
		s->reap_next = (struct ks_reap){ 0 };
	}
	return status;
}
