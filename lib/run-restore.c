/* SPDX-License-Identifier: MIT */
/* run-restore.c - partitions of a state from its changelog. */
#include "run-restore.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "run-changelog.h"
#include "child.h"
#include "child-args.h"
#include "drill.h"
#include "feed-child.h"
#include "hello.h"
#include "stats.h"

#define PATIENCE_MS 1000	/* after which it is told how far it is */

/* A partition of a state that is being restored. */
struct wanted {
	int32_t partition;
	bool begun;		/* what the changelog has of it has begun */
	struct ks_err other;	/* status 0, or by what it was made otherwise */
	int64_t run, epoch;	/* it ends with their commit; 0: none came */
};

/* A partition of the topic. */
struct place {
	int32_t partition;
	int64_t first, next;	/* offsets: of the first record that came, and behind the last; -1: none has */
};

struct restore {
	struct ks_run *run;
	struct ks_store *store;
	struct wanted *wanted;
	size_t count;
	size_t near;		/* that of the record before */
	struct place *places;
	size_t place_count;
	struct place *last;	/* that of the record before */
	int64_t *ends;		/* by partition of the topic; NULL: not asked for */
	int64_t begin_ms, shown_ms;
	uint64_t records;
	char name[sizeof("kafka:") + KS_NAME_MAX];
};

/* --- how far it is --- */

static bool tells(const struct restore *r)
{
	return !r->run->config->quiet && (r->run->config->verbose > 0 || isatty(STDERR_FILENO) != 0);
}

static int ask_ends(struct restore *r, struct ks_err *err)
{
	int32_t count;
	int status = ks_children_partitions(r->run->children, r->run->options, r->run->changelog, &count, err);

	if (status != 0)
		return status;
	r->ends = calloc((size_t)count + 1, sizeof(*r->ends));
	if (r->ends == NULL)
		return ks_fail_memory(err);
	return ks_children_ends(r->run->children, r->run->options, r->run->changelog, r->ends, count, err);
}

/* Offsets that are read, of all: a compacted topic has fewer records than those, evenly enough. */
static double part_done(const struct restore *r)
{
	double done = 0, all = 0;
	const struct place *p;
	int64_t end;

	for (p = r->places; p < r->places + r->place_count; p++) {
		end = r->ends[p->partition];
		if (p->first >= 0)
			done += (double)(p->next - p->first);
		all += (double)(end - (p->first >= 0 ? p->first : 0));
	}
	return all > 0 && done < all ? done / all : 1;
}

static int tell(struct restore *r, bool last, struct ks_err *err)
{
	int64_t now = ks_clock_ms(), spent = now - r->begin_ms;
	char text[300], left[60] = "";
	double part;

	if (!tells(r) || (!last && (spent < PATIENCE_MS || !ks_stats_due(&r->shown_ms))))
		return 0;
	if (!last && r->ends == NULL && ask_ends(r, err) != 0)
		return err->status;
	part = last ? 1 : part_done(r);
	if (!last && part > 0)
		snprintf(left, sizeof(left), ", %.0f %%, %lld:%02lld left", 100 * part, (long long)((double)spent * (1 - part) / part / 60000),
		    (long long)((double)spent * (1 - part) / part / 1000) % 60);
	snprintf(text, sizeof(text), "%s %zu partition%s from '%.100s': %llu records, %.0f records/s%s", last ? "restored" : "restoring", r->count,
	    r->count == 1 ? "" : "s", r->run->changelog, (unsigned long long)r->records, (double)r->records * 1000 / (double)(spent + 1), left);
	ks_stats_over(r->run->config->program, text, last);
	return 0;
}

/* --- what comes --- */

static struct wanted *find_wanted(struct restore *r, int32_t partition)
{
	size_t i;

	if (r->wanted[r->near].partition == partition)
		return &r->wanted[r->near];
	for (i = 0; i < r->count; i++)
		if (r->wanted[i].partition == partition)
			return &r->wanted[r->near = i];
	return NULL;
}

static void note_place(struct restore *r, const struct ks_rec *rec)
{
	struct place *p = r->last;

	if (p == NULL || p->partition != rec->partition)
		for (p = r->places; p < r->places + r->place_count && p->partition != rec->partition; p++)
			;
	if (p == r->places + r->place_count)
		return;
	if (p->first < 0)
		p->first = rec->offset;
	p->next = rec->offset + 1;
	r->last = p;
}

static bool take_bytes(struct ks_bytes encoded, struct ks_bytes *bytes)
{
	const unsigned char *p = encoded.p;
	struct ks_val v;

	if (ks_mp_read(&p, p + encoded.n, 0, &v) != KS_MP_OK || v.type != KS_BIN)
		return false;
	*bytes = v.b;
	return true;
}

static int put(struct restore *r, int32_t partition, int64_t segment, struct ks_bytes key, const struct ks_rec *rec, struct ks_bytes value,
    struct ks_err *err)
{
	struct ks_store_value v;
	int status;

	if (ks_mp_is_nil(rec->value))
		return ks_store_delete(r->store, partition, segment, key, err);
	status = ks_store_put(r->store, partition, segment, key, value.n, &v, err);
	/* A store's values only grow, and so one that is shorter has been another in between. */
	if (status == 0 && v.n > value.n) {
		status = ks_store_delete(r->store, partition, segment, key, err);
		if (status == 0)
			status = ks_store_put(r->store, partition, segment, key, value.n, &v, err);
	}
	if (status == 0 && value.n > 0)
		memcpy(v.p, value.p, value.n);
	return status;
}

/* segment and rest are not set where it begins a partition, value is empty where the key is gone. */
static bool read_record(const struct ks_rec *rec, int32_t *partition, bool *begins, int64_t *segment, struct ks_bytes *rest, struct ks_bytes *value)
{
	struct ks_bytes key;

	*value = ks_bytes(NULL, 0);
	return take_bytes(rec->key, &key) && ks_changelog_key(key, partition, begins, segment, rest) &&
	    *partition >= -1 && ks_changelog_place(*partition) == rec->partition &&
	    (ks_mp_is_nil(rec->value) || (take_bytes(rec->value, value) && (*begins || ks_changelog_unseal(key, value))));
}

static int refuse_record(const struct restore *r, const struct ks_rec *rec, struct ks_err *err)
{
	return ks_fail(err, KS_CONFIG, "%s, partition %d, offset %lld: this is no record of a changelog: give --changelog a topic of its own",
	    r->name, (int)rec->partition, (long long)rec->offset);
}

/*
 * The last beginning counts: one before it may have been of other options, until
 * kstream-reset has emptied the topic, which leaves the old records for a while.
 */
static int begin(struct restore *r, struct wanted *w, const struct ks_rec *rec, struct ks_bytes value, struct ks_err *err)
{
	w->begun = !ks_mp_is_nil(rec->value);
	w->other.status = 0;
	if (!w->begun || ks_store_check_changelog(r->store, value, &w->other) == 0)
		return 0;
	if (w->other.status == KS_CONFIG)
		return 0;
	*err = w->other;
	return err->status;
}

static int check_others(const struct restore *r)
{
	size_t i;

	for (i = 0; i < r->count; i++) {
		if (r->wanted[i].other.status == 0)
			continue;
		*r->run->err = r->wanted[i].other;
		return r->run->err->status;
	}
	return 0;
}

static int take(void *arg, struct ks_rec *rec, struct ks_err *err)
{
	struct restore *r = arg;
	struct ks_bytes rest, value;
	struct wanted *w;
	int32_t partition;
	int64_t segment;
	bool begins;
	int status;

	note_place(r, rec);
	r->records++;
	if (!read_record(rec, &partition, &begins, &segment, &rest, &value))
		return refuse_record(r, rec, err);
	w = find_wanted(r, partition);
	if (w == NULL)
		return 0;
	if (begins) {
		ks_store_forget(r->store, partition);
		w->run = w->epoch = 0;
		return begin(r, w, rec, value, err);
	}
	if (!w->begun)
		return 0;
	if (ks_changelog_is_commit(segment, rest, value, &w->run, &w->epoch))
		return 0;
	ks_point("restoring");
	status = put(r, partition, segment, rest, rec, value, err);
	return status == 0 && (r->records & 4095) == 0 ? tell(r, false, err) : status;
}

/* --- all of it --- */

/* The smallest partition above after that is to be read. */
typedef bool next_partition(const struct ks_store *s, int64_t after, int32_t *partition);

static int prepare(struct restore *r, next_partition *next, struct ks_buf *list)
{
	int32_t partition, place, after = -2;
	int no = 0;

	while (no == 0 && next(r->store, after, &partition)) {
		after = partition;
		r->count++;
	}
	r->wanted = calloc(r->count, sizeof(*r->wanted));
	r->places = calloc(r->count, sizeof(*r->places));
	if (r->wanted == NULL || r->places == NULL)
		return ks_fail_memory(r->run->err);
	for (after = -2, r->count = 0; no == 0 && next(r->store, after, &partition); after = partition) {
		r->wanted[r->count++].partition = partition;
		place = ks_changelog_place(partition);
		if (r->place_count > 0 && r->places[r->place_count - 1].partition == place)
			continue;
		no = ks_buf_printf(list, "%s%d", r->place_count > 0 ? "," : "", (int)place);
		r->places[r->place_count++] = (struct place){ .partition = place, .first = -1 };
	}
	return no == 0 && ks_buf_add(list, "", 1) == 0 ? 0 : ks_fail_memory(r->run->err);
}

static int read_all(struct restore *r, const char *partitions, int (*into)(void *arg, struct ks_rec *rec, struct ks_err *err))
{
	struct ks_feed f = { .name = r->name, .limits = r->run->limits, .put = into, .arg = r };
	int fd, status = ks_children_feed_log(r->run->children, r->run->options, r->run->changelog, partitions, &fd, r->run->err);

	return status == 0 ? ks_feed_whole(&f, r->run->children, fd, r->run->err) : status;
}

static int check_begun(const struct restore *r)
{
	const struct wanted *w;
	int status = 0;
	size_t i;

	for (i = 0; i < r->count && status == 0; i++) {
		w = &r->wanted[i];
		if (!w->begun)
			return ks_fail(r->run->err, KS_CONFIG, "changelog '%s' has no state of partition %d of app '%.*s': it is another app's, or was begun later, and the instance that has it has not got there",
			    r->run->changelog, (int)w->partition, (int)r->run->hello->app.n, (const char *)r->run->hello->app.p);
		status = ks_store_check_told(r->store, w->partition, w->run, w->epoch, r->run->err);
	}
	return status;
}

int ks_restore(struct ks_run *run, struct ks_store *s)
{
	struct restore r = { .run = run, .store = s, .begin_ms = ks_clock_ms() };
	struct ks_buf partitions;
	int32_t first;
	int status;

	if (!ks_store_wants(s, -2, &first))
		return 0;
	snprintf(r.name, sizeof(r.name), "kafka:%s", run->changelog);
	ks_buf_init(&partitions, KS_RECORD_MAX);
	status = prepare(&r, ks_store_wants, &partitions);
	if (status == 0)
		status = read_all(&r, (const char *)partitions.p, take);
	if (status == 0)
		status = check_others(&r);
	if (status == 0)
		status = check_begun(&r);
	if (status == 0)
		status = ks_store_restored(s, run->err);
	if (status == 0)
		status = tell(&r, true, run->err);
	ks_buf_release(&partitions);
	free(r.ends);
	free(r.places);
	free(r.wanted);
	return status;
}

/* --- before it is begun --- */

static int look(void *arg, struct ks_rec *rec, struct ks_err *err)
{
	struct restore *r = arg;
	struct ks_bytes rest, value;
	struct wanted *w;
	int32_t partition;
	int64_t segment;
	bool begins;

	if (!read_record(rec, &partition, &begins, &segment, &rest, &value))
		return refuse_record(r, rec, err);
	w = begins ? find_wanted(r, partition) : NULL;
	return w != NULL ? begin(r, w, rec, value, err) : 0;
}

int ks_restore_free(struct ks_run *run, struct ks_store *s)
{
	struct restore r = { .run = run, .store = s };
	char text[200];
	struct ks_buf partitions;
	int32_t first, count;
	int status;

	if (!ks_store_begins(s, -2, &first))
		return 0;
	if (!ks_args_names_kafka(run->options)) {	/* in a pipe, by a user who may not know that it matters */
		snprintf(text, sizeof(text), "what others had in changelog '%.80s' was not looked for: that, and to restore from it, needs -b HOST:PORT",
		    run->changelog);
		ks_warn(run, text);
		return 0;
	}
	status = ks_children_partitions(run->children, run->options, run->changelog, &count, run->err);
	if (status != 0)
		return status == KS_CONFIG ? 0 : status;	/* it is made when it is first written to */
	snprintf(r.name, sizeof(r.name), "kafka:%s", run->changelog);
	ks_buf_init(&partitions, KS_RECORD_MAX);
	status = prepare(&r, ks_store_begins, &partitions);
	if (status == 0 && r.places[r.place_count - 1].partition < count)	/* else the sink says that it has too few */
		status = read_all(&r, (const char *)partitions.p, look);
	if (status == 0)
		status = check_others(&r);
	ks_buf_release(&partitions);
	free(r.places);
	free(r.wanted);
	return status;
}
