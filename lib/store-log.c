/* SPDX-License-Identifier: MIT */
/*
 * store-log.c - what of a store goes to its changelog.
 *
 * A segment that is dropped gives a tombstone for each of its keys that the
 * changelog has: by time alone Kafka would forget what a replay of old
 * records still needs.
 */
#include "store-impl.h"

/* Bytes after which no other partition is told whole in one epoch: the sink's transaction has to end in time (KS_TXN_MS, kafka-txn.h). */
#define WHOLE_MAX ((size_t)32 << 20)

void ks_store_log(struct ks_store *s, const struct ks_store_log *log)
{
	if (s->origins.changelog[0] != '\0')
		s->log = *log;
}

bool ks_store_begins(const struct ks_store *s, int64_t after, int32_t *partition)
{
	size_t i;

	for (i = 0; i < s->origins.count && s->origins.changelog[0] != '\0'; i++) {
		*partition = s->origins.list[i].partition;
		if (s->origins.list[i].logged < 0 && *partition > after)
			return true;
	}
	return false;
}

static int of_no_input(int32_t partition, struct ks_err *err)
{
	return ks_fail(err, KS_CONFIG, "--changelog: there is state of partition %d, and no partition of the input has that number here: "
	    "give records their partitions by kstream-repartition --through TOPIC", (int)partition);
}

/* What the open epoch has changed in a segment; what the changelog was told whole in this epoch is told no more. */
int ks_log_segment(struct ks_store *s, int64_t epoch, int32_t partition, const struct ks_segment *g, struct ks_err *err)
{
	const struct ks_origin *o = ks_origins_find(&s->origins, partition);
	struct ks_segment_walk walk = { 0 };
	struct ks_entry *e;
	struct ks_bytes value;
	int status = 0;

	if (o == NULL)
		return of_no_input(partition, err);
	if (o->logged < 0 || o->logged == epoch)
		return 0;
	while (status == 0 && (e = ks_segment_next(g, &walk, true)) != NULL) {
		value = ks_bytes(ks_entry_value(e), e->value_n);
		status = s->log.change(s->log.arg, partition, g->id, ks_entry_key(e), e->deleted ? NULL : &value, err);
	}
	return status;
}

static int tell_segment(struct ks_store *s, int32_t partition, int64_t id, size_t *bytes, struct ks_err *err)
{
	struct ks_store_scan scan;
	struct ks_store_value v;
	struct ks_bytes key, value;
	int status = ks_store_scan_begin(s, partition, id, &scan, err);

	while (status == 0 && ks_store_scan_next(&scan, &key, &v)) {
		value = ks_bytes(v.p, v.n);
		*bytes += key.n + value.n;
		status = s->log.change(s->log.arg, partition, id, key, &value, err);
	}
	ks_store_scan_end(&scan);
	if (status == 0 && s->wrong.status != 0) {
		*err = s->wrong;
		status = err->status;
	}
	return status;
}

static int tell_partition(struct ks_store *s, int32_t partition, struct ks_bytes fingerprint, size_t *bytes, struct ks_err *err)
{
	int status = s->log.begin(s->log.arg, partition, fingerprint, err);
	int64_t id = KS_STORE_META;

	if (status == 0)
		status = tell_segment(s, partition, KS_STORE_META, bytes, err);
	while (status == 0 && ks_store_next_segment(s, partition, id, &id))
		status = tell_segment(s, partition, id, bytes, err);
	return status;
}

int ks_log_whole(struct ks_store *s, int64_t epoch, struct ks_err *err)
{
	static const unsigned char key[] = { KS_ON_DISK_META, 'f' };
	struct ks_buf fingerprint;
	struct ks_origin *o;
	size_t bytes = 0;
	bool found = false;
	int status = 0;

	ks_buf_init(&fingerprint, KS_RECORD_MAX);
	for (o = s->origins.list; o < s->origins.list + s->origins.count && status == 0 && bytes < WHOLE_MAX; o++) {
		if (o->logged >= 0)
			continue;
		if (!found)
			status = ks_disk_get(s->disk, ks_bytes(key, sizeof(key)), &fingerprint, &found, err);
		if (status == 0)
			status = tell_partition(s, o->partition, ks_buf_bytes(&fingerprint), &bytes, err);
		o->logged = epoch;
		s->origins_changed = true;
	}
	ks_buf_release(&fingerprint);
	return status;
}

int ks_log_commit(struct ks_store *s, int64_t epoch, struct ks_err *err)
{
	const struct ks_origin *o;
	int status = 0;

	for (o = s->origins.list; o < s->origins.list + s->origins.count && status == 0 && s->log.commit != NULL; o++)
		if (o->logged >= 0)
			status = s->log.commit(s->log.arg, o->partition, s->run, epoch, err);
	return status;
}

/* --- a segment that goes --- */

static int gone(struct ks_store *s, int32_t partition, int64_t id, struct ks_bytes key, struct ks_err *err)
{
	return s->log.change(s->log.arg, partition, id, key, NULL, err);
}

/* What is in the young generation alone, and in no chunk, the changelog does not know. */
static bool was_told(struct ks_store *s, int32_t partition, int64_t id, const struct ks_entry *e, struct ks_err *err)
{
	if (e->deleted && !e->changed)
		return false;
	return e->stamp != 0 || ks_store_below(s, partition, id, e, err);
}

static bool has_key(const struct ks_store *s, const struct ks_segment *g, struct ks_bytes key)
{
	return g != NULL && ks_segment_find(g, key, ks_hash(key, s->seed)) != 0;
}

static int drop_base(struct ks_store *s, int32_t partition, int64_t id, const struct ks_segment *young, const struct ks_segment *old,
    struct ks_err *err)
{
	struct ks_bytes key, value, own;
	struct ks_disk_cursor *c = NULL;
	unsigned char prefix[KS_BASE_PREFIX];
	int status;

	if (ks_base_key(s, partition, id, ks_bytes(NULL, 0)) != 0)
		return ks_store_no_memory(err);
	memcpy(prefix, s->key.p, sizeof(prefix));
	status = ks_disk_from(s->disk, ks_bytes(prefix, sizeof(prefix)), &c, &key, &value, err);
	while (status == 0 && key.n >= sizeof(prefix) && memcmp(key.p, prefix, sizeof(prefix)) == 0) {
		own = ks_bytes(key.p + sizeof(prefix), key.n - sizeof(prefix));
		if (!has_key(s, young, own) && !has_key(s, old, own))
			status = gone(s, partition, id, own, err);
		if (status == 0)
			status = ks_disk_next(c, &key, &value, err);
	}
	ks_disk_cursor_close(c);
	return status;
}

int ks_log_drop(struct ks_store *s, int32_t partition, int64_t id, struct ks_err *err)
{
	struct ks_segment *young = ks_store_parts_find(&s->young.parts, partition, id), *old = ks_store_parts_find(&s->old.parts, partition, id);
	const struct ks_origin *o = ks_origins_find(&s->origins, partition);
	struct ks_segment_walk walk = { 0 };
	struct ks_entry *e;
	int status = 0;

	if (o == NULL || o->logged < 0)
		return 0;
	while (young != NULL && status == 0 && (e = ks_segment_next(young, &walk, false)) != NULL) {
		if (was_told(s, partition, id, e, err))
			status = gone(s, partition, id, ks_entry_key(e), err);
		if (status == 0)
			status = err->status;	/* of the look below */
	}
	walk = (struct ks_segment_walk){ 0 };
	while (old != NULL && status == 0 && (e = ks_segment_next(old, &walk, false)) != NULL)
		if (!e->deleted && !has_key(s, young, ks_entry_key(e)))
			status = gone(s, partition, id, ks_entry_key(e), err);
	return status == 0 && ks_base_has(s, partition, id) ? drop_base(s, partition, id, young, old, err) : status;
}
