/* SPDX-License-Identifier: MIT */
/* store-commit.c - an epoch goes to disk. */
#include "store-impl.h"
#include "drill.h"

#define WRITTEN_MAX ((size_t)64 << 20)	/* bytes of chunks after which young becomes old: what a restart reads is bounded by it */
#define REAP 32u	/* chunks of which no more is needed that go at a barrier in any case */
#define SLICE ((size_t)96 << 10)	/* bytes of old that are merged at a barrier in any case */

void ks_chunk_key(unsigned char key[13], int64_t epoch, uint32_t chunk)
{
	key[0] = KS_ON_DISK_CHUNK;
	ks_put64(key + 1, (uint64_t)epoch);
	ks_put32(key + 9, chunk);
}

int ks_meta_write(struct ks_store *s, struct ks_err *err)
{
	static const unsigned char key[] = { KS_ON_DISK_META, 's' };
	struct ks_buf text;
	int status;

	ks_buf_init(&text, 4096);
	if (ks_buf_printf(&text, "kstream-state %d\nrun %lld\nepoch %lld\nfloor %lld\n", KS_STATE_VERSION,
	    (long long)s->run, (long long)s->epoch, (long long)s->floor) != 0)
		status = ks_fail_memory(err);
	else
		status = ks_disk_put(s->disk, ks_bytes(key, sizeof(key)), ks_buf_bytes(&text), err);
	ks_buf_release(&text);
	return status;
}

static int write_chunk(struct ks_store *s, int64_t epoch, struct ks_err *err)
{
	unsigned char key[13];
	int status;

	if (s->chunk.n == 0)
		return 0;
	ks_chunk_key(key, epoch, s->chunk_count++);
	status = ks_disk_put(s->disk, ks_bytes(key, sizeof(key)), ks_buf_bytes(&s->chunk), err);
	s->young.written += s->chunk.n;
	s->chunk.n = 0;
	return status;
}

static int write_segment(struct ks_store *s, int64_t epoch, int32_t partition, const struct ks_segment *g,
    struct ks_err *err)
{
	struct ks_segment_walk walk = { 0 };
	bool placed = false;
	struct ks_entry *e;
	int no = 0, status = 0;

	while (status == 0 && (e = ks_segment_next(g, &walk, true)) != NULL) {
		if (!placed)
			no = ks_chunk_add_place(&s->chunk, partition, g->id);
		placed = true;
		if (no == 0 && e->deleted)
			no = ks_chunk_add_delete(&s->chunk, ks_entry_key(e));
		else if (no == 0)
			no = ks_chunk_add_value(&s->chunk, ks_entry_key(e), ks_bytes(ks_entry_value(e), e->value_n));
		if (no != 0)
			return ks_store_no_memory(err);
		if (s->chunk.n >= KS_CHUNK_SIZE) {
			status = write_chunk(s, epoch, err);
			placed = false;
		}
	}
	return status;
}

/* What was dropped comes first: what an epoch has of such a segment came later. */
int ks_store_write_changes(struct ks_store *s, int64_t epoch, struct ks_err *err)
{
	const struct ks_dropped *d = s->young.dropped + (s->young.dropped_count - s->new_drops);
	const struct ks_store_part *part;
	struct ks_segment *g;
	size_t i, k;
	int status = 0;

	s->chunk.n = 0;
	for (i = 0; i < s->new_drops && status == 0; i++) {
		if (ks_chunk_add_place(&s->chunk, d[i].partition, d[i].segment) != 0 || ks_chunk_add_drop(&s->chunk) != 0)
			return ks_store_no_memory(err);
		if (s->chunk.n >= KS_CHUNK_SIZE)
			status = write_chunk(s, epoch, err);
	}
	for (i = 0; i < s->young.parts.count; i++) {
		part = &s->young.parts.parts[i];
		for (k = 0; k < part->count && status == 0; k++) {
			g = ks_store_part_at(part, k);
			if (g->changed && s->log.change != NULL)
				status = ks_log_segment(s, epoch, part->partition, g, err);
			if (status == 0 && g->changed)
				status = write_segment(s, epoch, part->partition, g, err);
		}
	}
	return status != 0 ? status : write_chunk(s, epoch, err);
}

void ks_store_settle(struct ks_store *s, uint32_t stamp)
{
	const struct ks_store_part *part;
	size_t i, k;

	for (i = 0; i < s->young.parts.count; i++) {
		part = &s->young.parts.parts[i];
		for (k = 0; k < part->count; k++)
			if (ks_store_part_at(part, k)->changed)
				ks_segment_settle(ks_store_part_at(part, k), stamp);
	}
	s->new_drops = 0;
}

int ks_store_write_open(struct ks_store *s, struct ks_err *err)
{
	int status = ks_disk_begin(s->disk, err);

	if (status == 0)
		status = ks_store_write_changes(s, s->epoch + 1, err);
	if (status == 0)
		status = ks_disk_end(s->disk, false, err);
	if (status == 0)
		ks_store_settle(s, ks_store_stamp(s, s->epoch + 1));
	return status;
}

static int write_epoch(struct ks_store *s, const struct ks_barrier *b, struct ks_err *err)
{
	static const unsigned char key[] = { KS_ON_DISK_META, 'p' };
	int status = ks_disk_begin(s->disk, err);

	ks_point("epoch-begun");
	if (status == 0)
		status = ks_store_write_changes(s, b->n, err);
	if (status == 0 && s->log.change != NULL)
		status = ks_log_commit(s, b->n, err);
	ks_point("chunks-written");
	if (status == 0)
		status = ks_disk_put(s->disk, ks_bytes(key, sizeof(key)), b->positions, err);
	s->epoch = b->n;
	if (status == 0)
		status = ks_meta_write(s, err);
	if (status == 0 && s->origins_changed)
		status = ks_origins_write(s, &s->origins, err);
	ks_point("meta-written");
	if (status == 0)
		status = ks_disk_end(s->disk, true, err);
	s->origins_changed = false;
	ks_point("epoch-synced");
	if (status == 0)
		ks_store_settle(s, ks_store_stamp(s, b->n));
	s->last_chunks = s->chunk_count;
	s->chunk_count = 0;
	return status;
}

/* Twice as many as came, so that they end. */
static int reap(struct ks_store *s, struct ks_err *err)
{
	int status = ks_disk_begin(s->disk, err);

	if (status == 0)
		status = ks_reap_some(s, REAP + 2 * s->last_chunks, err);
	return status == 0 ? ks_disk_end(s->disk, false, err) : status;
}

/*
 * A slice of merging at least, more where memory or the log would pass its
 * bound.  It comes behind the barrier, when that has gone on, and before
 * anything is changed: young is what was committed.
 */
int ks_store_tend(struct ks_store *s, struct ks_err *err)
{
	bool full = s->young.bytes > s->memory, due = full || s->young.written > WRITTEN_MAX;
	int status = s->disk != NULL ? ks_disk_checkpoint(s->disk, err) : 0;

	s->due = false;
	s->debt -= KS_STORE_DEBT;
	if (status == 0 && ks_reap_can(s))
		status = reap(s, err);
	if (status == 0 && ks_merge_can(s))
		status = ks_merge_some(s, SLICE + s->debt, err);
	s->debt = 0;
	if (status == 0 && (full || (due && !s->merge.active) ||
	    (s->young.written > 2 * WRITTEN_MAX && !ks_merge_may_come_back(s))))
		status = ks_store_make_room(s, s->epoch, err);
	return status;
}

int ks_store_commit(struct ks_store *s, const struct ks_barrier *b, struct ks_err *err)
{
	int status = 0;

	if (s->wrong.status != 0) {
		*err = s->wrong;
		return err->status;
	}
	if (s->due)
		status = ks_store_tend(s, err);
	if (status == 0 && ks_store_is_durable(s)) {
		if (b->n != s->epoch + 1)
			return ks_fail(err, KS_DATA, "barrier %lld follows epoch %lld of the state in '%s'", (long long)b->n,
			    (long long)s->epoch, s->home);
		if (s->log.change != NULL)
			status = ks_log_whole(s, b->n, err);
		if (status == 0)
			status = write_epoch(s, b, err);
		if (b->committed > s->known && b->committed <= b->n)
			s->known = b->committed;
	}
	s->epoch = b->n;
	s->debt += KS_STORE_DEBT;
	s->due = true;
	return status;
}
