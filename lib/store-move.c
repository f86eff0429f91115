/* SPDX-License-Identifier: MIT */
/*
 * store-move.c - partitions that a state lacks come from a changelog, and
 * those that it has no use for go.
 *
 * At any moment what is on disk opens again.  First the state forgets, in one
 * write, where what goes or comes began: from now on it does not have it.
 * Then all that it has comes into the base, and what is of no use goes; what
 * comes is kept in memory, and in the base where that is full, without chunks.
 * Last, in one write, it stands at the epoch of HELLO, and has all.
 */
#include "store-impl.h"

#include "drill.h"

#define SLICE ((size_t)4 << 20)	/* bytes that are merged in one transaction */
#define CLEAR 4096u		/* entries that go in one */

/* Without it the next epoch's chunks could be taken for old ones. */
static int merge_all(struct ks_store *s, struct ks_err *err)
{
	int status = 0;

	while (status == 0 && (s->merge.active || ks_reap_can(s)))
		status = ks_merge_some(s, SLICE, err);
	return status == 0 ? ks_disk_checkpoint(s->disk, err) : status;
}

static int clear_segment(struct ks_store *s, int32_t partition, int64_t id, struct ks_err *err)
{
	bool done = false;
	int status = 0;

	while (status == 0 && !done) {
		status = ks_disk_begin(s->disk, err);
		if (status == 0)
			status = ks_base_clear(s, partition, id, CLEAR, &done, err);
		ks_point("move-clearing");
		if (status == 0)
			status = ks_disk_end(s->disk, false, err);
	}
	return status == 0 ? ks_disk_checkpoint(s->disk, err) : status;
}

/* A partition without a commit begins empty, whatever there is. */
static bool is_of_use(const struct ks_store *s, int32_t partition)
{
	const struct ks_origin *o = ks_origins_find(&s->origins, partition);

	return o != NULL && !o->wanted && o->epoch > 0;
}

int ks_store_make_way(struct ks_store *s, struct ks_err *err)
{
	size_t i;
	int status = ks_store_make_room(s, s->epoch, err);

	if (status == 0)
		status = merge_all(s, err);
	ks_point("move-merged");
	for (i = 0; i < s->base_count && status == 0; i++)
		if (!is_of_use(s, s->base[i].partition))
			status = clear_segment(s, s->base[i].partition, s->base[i].id, err);
	/* In memory there is more of it. */
	ks_generation_clear(&s->old);
	ks_base_merged(s);
	ks_point("move-cleared");
	return status;
}

/*
 * No chunk has what young takes: a restore that does not come to its end begins again.
 * All of it is committed, and who looks at it in memory is to be told so.
 */
int ks_store_spill_restored(struct ks_store *s, struct ks_err *err)
{
	int status;

	ks_store_settle(s, ks_store_stamp(s, s->epoch));
	status = ks_store_make_room(s, s->epoch, err);
	s->merge.whole = 0;
	ks_point("move-spilled");
	return status == 0 ? ks_disk_checkpoint(s->disk, err) : status;
}

bool ks_store_wants(const struct ks_store *s, int64_t after, int32_t *partition)
{
	size_t i;

	for (i = 0; i < s->origins.count && s->restoring; i++) {
		*partition = s->origins.list[i].partition;
		if (s->origins.list[i].wanted && *partition > after)
			return true;
	}
	return false;
}

int ks_store_check_told(const struct ks_store *s, int32_t partition, int64_t run, int64_t epoch, struct ks_err *err)
{
	const struct ks_origin *o = ks_origins_find(&s->origins, partition);

	if (o == NULL || (o->run == run && o->epoch == epoch))
		return 0;
	return ks_fail(err, KS_CONFIG, "changelog '%s' has partition %d as of epoch %lld of run %lld, and epoch %lld of run %lld is committed: the app went on without it; "
	    "put the state there that it had then, or give another --app", s->origins.changelog, (int)partition, (long long)epoch, (long long)run,
	    (long long)o->epoch, (long long)o->run);
}

void ks_store_forget(struct ks_store *s, int32_t partition)
{
	int64_t id;

	ks_store_drop(s, partition, KS_STORE_META);
	while (ks_store_oldest(s, partition, &id))
		ks_store_drop(s, partition, id);
}

int ks_store_restored(struct ks_store *s, struct ks_err *err)
{
	size_t i;
	int status = s->wrong.status;

	if (status != 0)
		*err = s->wrong;
	if (status == 0)
		status = merge_all(s, err);
	if (status == 0)
		status = ks_disk_begin(s->disk, err);
	s->run = s->next_run;
	s->epoch = s->known = s->first_epoch = s->floor = s->next_epoch;
	if (status == 0)
		status = ks_store_write_changes(s, s->epoch, err);
	for (i = 0; i < s->origins.count; i++)
		s->origins.list[i].wanted = false;
	if (status == 0)
		status = ks_meta_write(s, err);
	if (status == 0)
		status = ks_origins_write(s, &s->origins, err);
	ks_point("move-ending");
	if (status == 0)
		status = ks_disk_end(s->disk, true, err);
	ks_point("move-ended");
	if (status == 0)
		ks_store_settle(s, ks_store_stamp(s, s->epoch));
	s->chunk_count = 0;
	s->restoring = false;
	return status;
}
