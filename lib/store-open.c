/* SPDX-License-Identifier: MIT */
/* store-open.c - a durable store as it stood at the epoch that is committed. */
#include "store-impl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "drill.h"
#include "num.h"
#include "owner.h"
#include "state-dir.h"

#define CACHE_PART 4		/* of the memory that pages get */
#define FILTERS_PART 8		/* and what says which keys they have not: enough where there are ten times as many entries as memory holds */
#define CACHE_MAX ((size_t)64 << 20)
#define PROGRAM_MAX ((size_t)6 << 20)	/* of the memory: code, libraries and the buffers of what comes and goes, measured */
#define PROGRAM_FROM ((size_t)4 << 20)	/* less leaves nothing for it */
#define AND_GROUP "delete its consumer group and "	/* where the app stands is with Kafka, and not in the directory alone */
#define META_MAX 65536u
#define CUT_SLICE 64u		/* chunks of later epochs that go by one cursor */
#define REPLAY_SLICE ((size_t)4 << 20)	/* bytes that are merged in one transaction before anything else is done */

static const unsigned char key_state[] = { KS_ON_DISK_META, 's' };
static const unsigned char key_fingerprint[] = { KS_ON_DISK_META, 'f' };

/* DIR/APP/INSTANCE/STAGE, its lock, and s->home below it. */
static int open_directory(struct ks_store *s, const struct ks_store_config *c, struct ks_err *err)
{
	char *path, owner[KS_OWNER_ROOM];
	int dir, no, status;

	if (!ks_state_is_name(c->app) || !ks_state_is_name(c->stage))
		return ks_fail(err, KS_CONFIG, "the %s '%s' is not a name of letters, digits, '.', '_' and '-'",
		    ks_state_is_name(c->app) ? "stage" : "app", ks_state_is_name(c->app) ? c->stage : c->app);
	ks_owner_directory(owner, c->owner);
	if (asprintf(&s->root, "%s/%s/%s", c->state_dir, c->app, owner) < 0) {
		s->root = NULL;
		return ks_fail_memory(err);
	}
	if (asprintf(&path, "%s/%s", s->root, c->stage) < 0)
		return ks_fail_memory(err);
	no = ks_state_make(path);
	if (no != 0) {
		status = ks_state_unusable(path, no, "make the state directory", err);
		free(path);
		return status;
	}
	dir = ks_state_open(path, err);
	status = dir < 0 ? err->status : ks_state_lock(dir, path, &s->lock, err);
	if (dir >= 0)
		close(dir);
	if (status == 0 && asprintf(&s->home, "%s/db", path) < 0) {
		s->home = NULL;
		status = ks_fail_memory(err);
	}
	if (status == 0 && (no = ks_state_make(s->home)) != 0)
		status = ks_state_unusable(s->home, no, "make the state directory", err);
	free(path);
	return status;
}

static bool take_number(struct ks_bytes *text, const char *word, int64_t *x)
{
	const unsigned char *nl = text->n > 0 ? memchr(text->p, '\n', text->n) : NULL;
	size_t n = strlen(word);
	struct ks_bytes line;

	if (nl == NULL || text->n < n || memcmp(text->p, word, n) != 0 || (size_t)(nl - text->p) < n)
		return false;
	line = ks_bytes(text->p + n, (size_t)(nl - text->p) - n);
	*text = ks_bytes(nl + 1, text->n - (size_t)(nl + 1 - text->p));
	return ks_num_parse_i64(line, x) == 0 && *x >= 0 && *x < INT64_MAX;
}

static int parse_meta(struct ks_store *s, struct ks_bytes text, struct ks_err *err)
{
	int64_t version;

	if (take_number(&text, "kstream-state ", &version) && version != KS_STATE_VERSION)
		return ks_fail(err, KS_CONFIG, "the state in '%s' is of version %lld, and this kstream has version %d: "
		    "use the one that wrote it, give another --app, or remove '%s' to begin again from the start",
		    s->home, (long long)version, KS_STATE_VERSION, s->root);
	if (!take_number(&text, "run ", &s->run) || !take_number(&text, "epoch ", &s->epoch) ||
	    !take_number(&text, "floor ", &s->floor) || text.n != 0 || s->floor > s->epoch)
		return ks_fail(err, KS_CONFIG, "the state in '%s' is damaged: put a copy in its place, give another --app, or remove '%s' to begin again from the start",
		    s->home, s->root);
	return 0;
}

/* The line of text that begins with the first word of line; n == 0: none. */
static struct ks_bytes same_line(const char *text, struct ks_bytes line)
{
	const unsigned char *blank = memchr(line.p, ' ', line.n);
	size_t word = blank != NULL ? (size_t)(blank - line.p) : line.n;
	const char *at, *end;

	for (at = text; *at != '\0'; at = *end != '\0' ? end + 1 : end) {
		end = strchrnul(at, '\n');
		if ((size_t)(end - at) >= word && memcmp(at, line.p, word) == 0 &&
		    (at[word] == ' ' || at + word == end))
			return ks_bytes(at, (size_t)(end - at));
	}
	return ks_bytes(NULL, 0);
}

/* The first line of a that b has otherwise or not at all; *other is what b has.  n == 0: all are there. */
static struct ks_bytes difference(const char *a, const char *b, struct ks_bytes *other)
{
	struct ks_bytes line;
	const char *at, *end;

	for (at = a; *at != '\0'; at = *end != '\0' ? end + 1 : end) {
		end = strchrnul(at, '\n');
		line = ks_bytes(at, (size_t)(end - at));
		*other = same_line(b, line);
		if (line.n > 0 && !ks_bytes_eq(line, *other))
			return line;
	}
	return ks_bytes(NULL, 0);
}

/* How something was made otherwise than it is made now, in words: "made with A, which is now B". */
static void describe(const char *old, const char *new, char *room, size_t size)
{
	struct ks_bytes was, is;

	was = difference(old, new, &is);
	if (was.n == 0)
		is = difference(new, old, &was);
	if (was.n == 0)
		snprintf(room, size, "made without %.*s, which is given now", (int)is.n, (const char *)is.p);
	else if (is.n == 0)
		snprintf(room, size, "made with %.*s, which is not given now", (int)was.n, (const char *)was.p);
	else
		snprintf(room, size, "made with %.*s, which is now %.*s", (int)was.n, (const char *)was.p, (int)is.n, (const char *)is.p);
}

static int refuse_other(const struct ks_store *s, const char *old, const char *new, struct ks_err *err)
{
	char how[sizeof(err->text)];

	describe(old, new, how, sizeof(how));
	return ks_fail(err, KS_CONFIG, "the state in '%s' was %s: give another --app, or %sremove '%s' to begin again from the start", s->home, how,
	    s->origins.there ? AND_GROUP : "", s->root);
}

/* What must not change: a directory of another app or stage, copied to this place, is not ours either. */
static int print_fingerprint(const struct ks_store_config *c, struct ks_buf *text, struct ks_err *err)
{
	ks_buf_init(text, META_MAX);
	return ks_buf_printf(text, "app %s\nstage %s\n%s", c->app, c->stage, c->fingerprint != NULL ? c->fingerprint : "") == 0 ? 0 : ks_fail_memory(err);
}

static int check_fingerprint(struct ks_store *s, const char *now, struct ks_err *err)
{
	struct ks_buf old;
	bool found;
	int status;

	ks_buf_init(&old, META_MAX);
	status = ks_disk_get(s->disk, ks_bytes(key_fingerprint, sizeof(key_fingerprint)), &old, &found, err);
	if (status == 0 && (!found || !ks_bytes_is(ks_buf_bytes(&old), now)))
		status = ks_buf_add(&old, "", 1) != 0 ? ks_fail_memory(err) : refuse_other(s, (char *)old.p, now, err);
	ks_buf_release(&old);
	return status;
}

/* The text of a changelog is anybody's: it is looked at only where it can be one. */
static bool is_text(struct ks_bytes text)
{
	size_t i;

	for (i = 0; i < text.n && (text.p[i] == '\n' || text.p[i] >= ' '); i++)
		;
	return i == text.n && text.n > 0 && text.n < META_MAX;
}

static int refuse_changelog(const struct ks_store *s, struct ks_bytes own, struct ks_bytes other, struct ks_err *err)
{
	char *was = strndup((const char *)other.p, other.n), *is = strndup((const char *)own.p, own.n);
	char how[sizeof(err->text)];
	int status;

	if (was == NULL || is == NULL) {
		status = ks_fail_memory(err);
	} else {
		describe(was, is, how, sizeof(how));
		status = ks_fail(err, KS_CONFIG, "changelog '%s' was %s: give another --changelog, or another --app", s->origins.changelog, how);
	}
	free(was);
	free(is);
	return status;
}

int ks_store_check_changelog(struct ks_store *s, struct ks_bytes fingerprint, struct ks_err *err)
{
	struct ks_buf own;
	bool found;
	int status;

	ks_buf_init(&own, META_MAX);
	status = ks_disk_get(s->disk, ks_bytes(key_fingerprint, sizeof(key_fingerprint)), &own, &found, err);
	if (status == 0 && !ks_bytes_eq(ks_buf_bytes(&own), fingerprint))
		status = is_text(fingerprint) ? refuse_changelog(s, ks_buf_bytes(&own), fingerprint, err) :
		    ks_fail(err, KS_CONFIG, "changelog '%s' does not tell what it was made with: give another one", s->origins.changelog);
	ks_buf_release(&own);
	return status;
}

/* A directory in which nothing has been committed yet; what was committed elsewhere is to be restored. */
static int begin(struct ks_store *s, const struct ks_store_config *c, struct ks_bytes fingerprint, struct ks_err *err)
{
	int status;

	if (c->epoch > 0 && c->changelog == NULL)
		return ks_origins_refuse(s, c, false, err) != 0 ? err->status :
		    ks_fail(err, KS_CONFIG, "there is no state in '%s', but epoch %lld of app '%s' is committed: put a copy of the state there, "
		    "give another --app, or %sremove '%s' to begin again from the start", s->home, (long long)c->epoch, c->app,
		    c->words != NULL ? AND_GROUP : "", s->root);
	s->run = c->epoch > 0 ? 0 : c->run;
	s->origins.there = c->words != NULL;
	if (c->epoch == 0 && c->words != NULL)
		ks_origins_forget_first(s);
	status = ks_disk_begin(s->disk, err);
	if (status == 0)
		status = ks_disk_put(s->disk, ks_bytes(key_fingerprint, sizeof(key_fingerprint)), fingerprint, err);
	if (status == 0)
		status = ks_meta_write(s, err);
	if (status == 0 && c->words != NULL)
		status = ks_origins_write(s, &s->origins, err);
	return status == 0 ? ks_disk_end(s->disk, true, err) : status;
}

static int check_run(const struct ks_store *s, const struct ks_store_config *c, struct ks_err *err)
{
	if (c->run < s->run && ks_keeps("run"))
		return ks_fail(err, KS_TEMP, "the stream is of run %lld, but the state in '%s' has seen run %lld", (long long)c->run,
		    s->home, (long long)s->run);
	return 0;
}

static int check_epoch(const struct ks_store *s, const struct ks_store_config *c, struct ks_err *err)
{
	if (c->epoch > s->epoch)
		return ks_fail(err, KS_CONFIG, "the state in '%s' stands at epoch %lld, but epoch %lld is committed: it is an older copy; "
		    "put the right one there, give another --app, or remove '%s' to begin again from the start", s->home, (long long)s->epoch, (long long)c->epoch, s->root);
	if (c->epoch < s->floor)
		return ks_fail(err, KS_CONFIG, "the stream begins at epoch %lld, but the state in '%s' has epochs %lld to %lld: the ledger was removed or is an older copy; "
		    "put the right one there, give another --app, or remove '%s' to begin again from the start", (long long)c->epoch, s->home, (long long)s->floor,
		    (long long)s->epoch, s->root);
	return 0;
}

/* Some of the chunks from an epoch on; *done: those were all. */
static int cut_some(struct ks_store *s, int64_t epoch, bool *done, struct ks_err *err)
{
	struct ks_bytes key, value;
	struct ks_disk_cursor *c;
	unsigned char from[13];
	unsigned left = CUT_SLICE;
	int status;

	ks_chunk_key(from, epoch, 0);
	status = ks_disk_from(s->disk, ks_bytes(from, sizeof(from)), &c, &key, &value, err);
	for (; status == 0 && key.p != NULL && key.p[0] == KS_ON_DISK_CHUNK && left > 0; left--) {
		status = ks_disk_cursor_delete(c, err);
		if (status == 0)
			status = ks_disk_next(c, &key, &value, err);
	}
	ks_disk_cursor_close(c);
	*done = left > 0;
	return status;
}

/* What was written behind that epoch goes, the run is this one, and origins are those (NULL: as they are): at once, or not at all. */
static int roll_back(struct ks_store *s, int64_t epoch, int64_t run, const struct ks_origins *origins, struct ks_err *err)
{
	int status = ks_disk_begin(s->disk, err);
	bool done = false;

	s->run = run;
	if (status == 0)
		status = ks_undo_back(s, epoch, err);
	while (status == 0 && !done)
		status = cut_some(s, epoch + 1, &done, err);
	s->epoch = epoch;
	if (status == 0)
		status = ks_meta_write(s, err);
	if (status == 0 && origins != NULL)
		status = ks_origins_write(s, origins, err);
	ks_point("rolling-back");
	if (status == 0)
		status = ks_disk_end(s->disk, true, err);
	ks_point("rolled-back");
	return status;
}

static int replay_chunk(struct ks_store *s, struct ks_bytes chunk, struct ks_err *err)
{
	struct ks_chunk_change change = { 0 };
	int more, status = 0;

	s->young.written += chunk.n;
	while (status == 0 && (more = ks_chunk_next(&chunk, &change)) != 0)
		status = more < 0 ? ks_fail(err, KS_CONFIG, "the state in '%s' is damaged, a chunk is none: put a copy in its place, "
		    "give another --app, or remove '%s' to begin again from the start", s->home, s->root) : ks_store_apply(s, &change, err);
	return status;
}

/* What is read again may be more than memory holds, and all of it is committed.  Its chunks stay: not all of an epoch may have been read. */
static int spill(struct ks_store *s, struct ks_err *err)
{
	int status = ks_store_make_room(s, s->epoch, err);

	s->merge.whole = 0;
	while (status == 0 && s->merge.active)
		status = ks_merge_some(s, REPLAY_SLICE, err);
	return status == 0 ? ks_disk_checkpoint(s->disk, err) : status;
}

/* The changes up to the epoch that are not in the base yet. */
static int replay(struct ks_store *s, struct ks_err *err)
{
	struct ks_bytes key, value;
	struct ks_disk_cursor *c;
	unsigned char from[13];
	int status;

	ks_chunk_key(from, 0, 0);
	status = ks_disk_from(s->disk, ks_bytes(from, sizeof(from)), &c, &key, &value, err);
	while (status == 0 && key.n == sizeof(from) && key.p[0] == KS_ON_DISK_CHUNK && (int64_t)ks_get64(key.p + 1) <= s->epoch) {
		status = replay_chunk(s, value, err);
		if (status == 0 && s->young.bytes > s->memory) {
			memcpy(from, key.p, sizeof(from));
			ks_disk_cursor_close(c);
			c = NULL;
			status = spill(s, err);
			if (status == 0)
				status = ks_disk_from(s->disk, ks_bytes(from, sizeof(from)), &c, &key, &value, err);
		}
		if (status == 0)
			status = ks_disk_next(c, &key, &value, err);
	}
	ks_disk_cursor_close(c);
	return status;
}

/* What was merged into the base behind the epoch is hidden by what the base had before: as ks_undo_back, in memory. */
static int hide(struct ks_store *s, struct ks_err *err)
{
	unsigned char from[13] = { KS_ON_DISK_UNDO };
	struct ks_bytes key, value;
	struct ks_disk_cursor *c;
	struct ks_buf keys;
	bool found;
	size_t i;
	int status;

	ks_buf_init(&keys, SIZE_MAX / 2);
	ks_put64(from + 1, (uint64_t)s->epoch + 1);
	status = ks_disk_from(s->disk, ks_bytes(from, sizeof(from)), &c, &key, &value, err);
	while (status == 0 && key.n == sizeof(from) && key.p[0] == KS_ON_DISK_UNDO)
		status = ks_buf_add(&keys, key.p, key.n) != 0 ? ks_store_no_memory(err) : ks_disk_next(c, &key, &value, err);
	ks_disk_cursor_close(c);
	for (i = keys.n; i > 0 && status == 0; i -= sizeof(from)) {
		s->undo.n = 0;
		status = ks_disk_get(s->disk, ks_bytes(keys.p + i - sizeof(from), sizeof(from)), &s->undo, &found, err);
		if (status == 0)
			status = replay_chunk(s, ks_buf_bytes(&s->undo), err);
	}
	s->undo.n = 0;
	ks_buf_release(&keys);
	return status;
}

/* Of a fingerprint the lines of the tool: a copy may be looked at under another name. */
static void skip_owner(struct ks_buf *text)
{
	const unsigned char *nl = text->n > 0 ? memchr(text->p, '\n', text->n) : NULL;
	size_t n;

	if (nl != NULL)
		nl = memchr(nl + 1, '\n', text->n - (size_t)(nl + 1 - text->p));
	if (nl == NULL)
		return;
	n = (size_t)(nl + 1 - text->p);
	memmove(text->p, text->p + n, text->n - n);
	text->n -= n;
}

/* To be looked at alone: what is behind the epoch is left where it is, and nothing of it goes to disk. */
static int rest(struct ks_store *s, const struct ks_store_config *c, struct ks_err *err)
{
	struct ks_store_config own = *c;
	bool found;
	int status;

	own.run = s->run;
	if (own.epoch == KS_STORE_NEWEST)
		own.epoch = s->epoch;
	status = s->origins.restoring ? ks_fail(err, KS_TEMP, "the state in '%s' is being restored: what is there yet is not all of it", s->home) :
	    check_epoch(s, &own, err);
	if (status == 0)
		status = ks_disk_get(s->disk, ks_bytes(key_fingerprint, sizeof(key_fingerprint)), c->at_rest, &found, err);
	if (status == 0)
		skip_owner(c->at_rest);
	s->epoch = s->first_epoch = own.epoch;
	s->known = c->epoch == KS_STORE_NEWEST ? s->floor : c->epoch;
	s->memory = SIZE_MAX;
	return status;
}

/* Partitions come or go: what stays is as of the epoch that it is good for, and the run is the one before until all is done. */
static int begin_move(struct ks_store *s, const struct ks_store_config *c, struct ks_origins *next, int64_t back, struct ks_err *err)
{
	struct ks_origins kept;
	int status = ks_origins_keep(s, next, &kept);

	s->restoring = true;
	s->next_run = c->run;
	s->next_epoch = c->epoch;
	if (status != 0)
		status = ks_store_no_memory(err);
	else
		status = roll_back(s, back >= 0 ? back : s->epoch, s->run, &kept, err);
	ks_origins_release(&kept);
	return status;
}

/* A state of which nothing was ever restored to its end is nobody's yet. */
static int take_fingerprint(struct ks_store *s, const char *now, struct ks_err *err)
{
	int status;

	if (s->run > 0 || !s->origins.there)
		return check_fingerprint(s, now, err);
	status = ks_disk_begin(s->disk, err);
	if (status == 0)
		status = ks_disk_put(s->disk, ks_bytes(key_fingerprint, sizeof(key_fingerprint)), ks_str(now), err);
	return status == 0 ? ks_disk_end(s->disk, false, err) : status;
}

static int settle(struct ks_store *s, const struct ks_store_config *c, const char *fingerprint, struct ks_err *err)
{
	struct ks_origins next = { .list = NULL };
	int64_t back = c->epoch;
	bool move = false;
	int status = take_fingerprint(s, fingerprint, err);

	if (status == 0)
		status = ks_origins_remembered(s, c, err);
	if (status == 0)
		status = check_run(s, c, err);
	if (status == 0 && c->words != NULL)
		status = ks_origins_judge(s, c, &next, &back, &move, err);
	if (status == 0 && !move)
		status = check_epoch(s, c, err);
	if (status == 0 && c->words != NULL && c->changelog == NULL)
		status = ks_origins_refuse(s, c, true, err);
	if (status == 0 && move)
		status = begin_move(s, c, &next, back, err);
	else if (status == 0)
		status = roll_back(s, c->epoch, c->run, c->words != NULL ? &next : NULL, err);
	ks_origins_release(&s->origins);
	s->origins = next;
	return status;
}

static int open_durable(struct ks_store *s, const struct ks_store_config *c, struct ks_err *err)
{
	struct ks_buf meta, fingerprint;
	bool found = false;
	int32_t partition;
	int status = print_fingerprint(c, &fingerprint, err);

	ks_buf_init(&meta, META_MAX);
	s->first_epoch = s->known = c->epoch;
	if (status == 0)
		status = open_directory(s, c, err);
	if (status == 0)
		status = ks_disk_open(&s->disk, s->home, s->cache, true, err);
	if (status == 0)
		status = ks_disk_get(s->disk, ks_bytes(key_state, sizeof(key_state)), &meta, &found, err);
	if (status == 0 && !found && c->at_rest != NULL) {
		status = ks_fail(err, KS_CONFIG, "there is no state in '%s' yet", s->home);
	} else if (status == 0) {
		status = found ? parse_meta(s, ks_buf_bytes(&meta), err) : begin(s, c, ks_buf_bytes(&fingerprint), err);
		if (status == 0)
			status = ks_origins_read(s, err);
		if (status == 0)
			status = c->at_rest != NULL ? rest(s, c, err) : settle(s, c, (const char *)fingerprint.p, err);
	}
	ks_buf_release(&meta);
	ks_buf_release(&fingerprint);
	if (c->at_rest == NULL)
		s->first_epoch = s->known = s->epoch;
	if (status == 0)
		status = ks_base_load(s, err);
	if (status == 0 && c->at_rest != NULL)
		status = hide(s, err);
	if (status == 0)
		status = replay(s, err);
	if (status == 0 && s->restoring)
		status = ks_store_make_way(s, err);
	return status == 0 && s->restoring && !ks_store_wants(s, -2, &partition) ? ks_store_restored(s, err) : status;
}

/* What of the memory is the store's: all that a process holds is to be little more than it was given. */
static size_t share(size_t memory)
{
	size_t program = memory > PROGRAM_FROM ? (memory - PROGRAM_FROM) / 2 : 0;

	return memory - (program < PROGRAM_MAX ? program : PROGRAM_MAX);
}

int ks_store_open_at(struct ks_store **out, const struct ks_store_config *c, struct ks_err *err)
{
	int status = ks_store_open(out, c->seed, err);
	size_t memory = share(c->memory > 0 ? c->memory : KS_STORE_MEMORY);
	struct ks_store *s = *out;

	if (status != 0)
		return status;
	s->cache = memory / CACHE_PART < CACHE_MAX ? memory / CACHE_PART : CACHE_MAX;
	s->filters_left = memory / FILTERS_PART;
	s->memory = (memory - memory / 8 - s->cache - s->filters_left) / 2;
	return c->state_dir != NULL ? open_durable(s, c, err) : 0;
}
