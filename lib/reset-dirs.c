/* SPDX-License-Identifier: MIT */
/* reset-dirs.c - the directories of an app that is set back. */
#include "reset.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "drill.h"
#include "fdio.h"
#include "state-dir.h"
#include "store-about.h"

#define TRASH "reset.trash"	/* below DIR/APP: no instance is called so */
#define OPEN_FILES 16		/* at once, of nftw */

/* --- what is there --- */

static int is_instance(const struct dirent *e)
{
	return ks_owner_is_directory(e->d_name);
}

static int is_stage(const struct dirent *e)
{
	return ks_state_is_name(e->d_name);
}

static void free_names(struct dirent **names, int count)
{
	while (count > 0)
		free(names[--count]);
	free(names);
}

/* The last process of a run from files holds a byte of its own in LOCK; it may outlive the source. */
static bool is_committing(int dir)
{
	struct flock x = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd = openat(dir, "LOCK", O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	bool held = fd >= 0 && fcntl(fd, F_OFD_GETLK, &x) == 0 && x.l_type != F_UNLCK;

	if (fd >= 0)
		close(fd);
	return held;
}

static int live(struct ks_reset *r, const struct ks_err *why)
{
	if (why->status != KS_TEMP)
		return why->status;
	if (r->live.status == 0)
		r->live = *why;
	return 0;
}

/* Bytes of the files of a directory, of which there are no other ones below. */
static uint64_t bytes_of(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *e;
	struct stat st;
	uint64_t n = 0;

	while (d != NULL && (e = readdir(d)) != NULL)
		if (fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode))
			n += (uint64_t)st.st_size;
	if (d != NULL)
		closedir(d);
	return n;
}

/* What it says of itself; a damaged one is the app's by its place alone, and goes. */
static int look_at(struct ks_reset *r, struct ks_reset_state *s, const char *home, struct ks_err *err)
{
	struct ks_store_about about;
	int status = ks_store_about(home, &about, err);

	s->damaged = status == KS_CONFIG;
	if (status == KS_CONFIG || (status == 0 && about.empty))
		return 0;
	if (status != 0)
		return status;
	if (strcmp(about.app, r->app) != 0)
		return ks_fail(err, KS_CONFIG, "the state in '%s' is that of app '%s': it is not touched; move it away first", home,
		    about.app);
	s->epoch = about.epoch;
	memcpy(s->changelog, about.changelog, sizeof(s->changelog));
	r->run = about.run > r->run ? about.run : r->run;
	return 0;
}

static int add_state(struct ks_reset *r, const char *path, const char *stage, struct ks_err *err)
{
	struct ks_reset_state *s = reallocarray(r->states, r->state_count + 1, sizeof(*s));
	char *home;
	int dir, status;

	if (s == NULL || asprintf(&home, "%s/db", path) < 0)
		return ks_fail_memory(err);
	r->states = s;
	s += r->state_count++;
	*s = (struct ks_reset_state){ .instance = r->instance_count - 1, .lock = -1 };
	snprintf(s->stage, sizeof(s->stage), "%.*s", (int)KS_NAME_MAX, stage);
	dir = ks_state_open(path, err);
	status = dir < 0 ? err->status : ks_state_lock(dir, path, &s->lock, err);
	if (dir >= 0)
		close(dir);
	s->bytes = bytes_of(home);
	if (status == 0)
		status = look_at(r, s, home, err);
	else
		status = live(r, err);
	free(home);
	return status;
}

static int find_states(struct ks_reset *r, const char *path, struct ks_err *err)
{
	struct dirent **names;
	int count = scandir(path, &names, is_stage, versionsort), i, status = 0;
	struct stat st;
	char *stage, *db;

	if (count < 0)
		return ks_fail_errno(err, KS_NOINPUT, errno, "cannot look into '%s'", path);
	for (i = 0; i < count && status == 0; i++) {
		if (asprintf(&db, "%s/%s/db", path, names[i]->d_name) < 0) {
			status = ks_fail_memory(err);
			break;
		}
		stage = strndup(db, strlen(db) - 3);
		if (stage == NULL)
			status = ks_fail_memory(err);
		else if (stat(db, &st) == 0 && S_ISDIR(st.st_mode))
			status = add_state(r, stage, names[i]->d_name, err);
		free(stage);
		free(db);
	}
	free_names(names, count);
	return status;
}

/* Of a ledger of files; a name of a topic has no slash, and no check of what was read. */
static int take_positions(struct ks_reset *r, const struct ks_reset_instance *in, struct ks_err *err)
{
	const struct ks_ledger *l = &in->ledger;
	const unsigned char *p, *end = l->positions.p + l->positions.n;
	struct ks_reset_part *part;
	struct ks_position x;
	struct ks_head list;
	uint32_t i;

	if (ks_mp_head(l->positions.p, end, &list) != KS_MP_OK)
		ks_bug("positions of a ledger were not checked");
	for (i = 0, p = list.body; i < list.count && ks_position_next(&p, end, &x); i++) {
		part = ks_reset_add_part(r, x.input, x.partition);
		if (part == NULL)
			return ks_fail_memory(err);
		part->file = x.check.n > 0 || memchr(x.input.p, '/', x.input.n) != NULL;
		part->now = x.offset;
		part->epoch = l->epoch;
		part->run = l->run;
		memcpy(part->owner, in->name, sizeof(part->owner));
	}
	return 0;
}

static int add_instance(struct ks_reset *r, const char *name, struct ks_err *err)
{
	struct ks_reset_instance *in = reallocarray(r->instances, r->instance_count + 1, sizeof(*in));
	int status;

	if (in == NULL)
		return ks_fail_memory(err);
	r->instances = in;
	in += r->instance_count++;
	*in = (struct ks_reset_instance){ .ledger = { .dir = -1, .lock = -1, .changing = -1 } };
	snprintf(in->name, sizeof(in->name), "%.*s", (int)KS_OWNER_MAX, name);
	status = ks_ledger_open(&in->ledger, r->config, r->app, name, err);
	if (status != 0)
		return status;
	if (ks_ledger_lock(&in->ledger, err) != 0) {
		if (err->status == KS_TEMP)
			ks_fail(err, KS_TEMP, "app '%s' is running: '%s/LOCK' is held; stop it first", r->app, in->ledger.path);
		status = live(r, err);
	}
	else if (is_committing(in->ledger.dir) && ks_fail(err, KS_TEMP,
	    "a process that writes for this app and instance is running: '%s/LOCK' is held", in->ledger.path) != 0)
		status = live(r, err);
	if (status == 0)
		status = ks_ledger_read(&in->ledger, err);
	if (status == 0 && in->ledger.run > 0) {
		r->filed = true;
		r->run = in->ledger.run > r->run ? in->ledger.run : r->run;
		status = take_positions(r, in, err);
	}
	return status == 0 && r->fork == NULL ? find_states(r, in->ledger.path, err) : status;
}

int ks_reset_find(struct ks_reset *r, struct ks_err *err)
{
	struct dirent **names;
	int count = scandir(r->home, &names, is_instance, versionsort), i, status = 0;

	if (count < 0)
		return errno == ENOENT ? 0 : ks_fail_errno(err, KS_NOINPUT, errno, "cannot look into '%s'", r->home);
	for (i = 0; i < count && status == 0; i++)
		status = add_instance(r, names[i]->d_name, err);
	free_names(names, count);
	return status;
}

int ks_reset_lock(struct ks_reset *r, struct ks_err *err)
{
	int no = ks_state_make(r->home);

	if (no != 0)
		return ks_state_unusable(r->home, no, "make the state directory", err);
	r->lock = ks_state_open(r->home, err);
	if (r->lock < 0) {
		r->lock = 0;
		return err->status;
	}
	if (flock(r->lock, LOCK_EX | LOCK_NB) == 0)
		return 0;
	return errno == EWOULDBLOCK ? ks_fail(err, KS_TEMP, "another kstream-reset of app '%s' is running: '%s' is locked", r->app,
	    r->home) :
	    ks_fail_errno(err, KS_IO, errno, "cannot lock '%s'", r->home);
}

/* --- what is done --- */

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)at;
	return (type == FTW_DP ? rmdir(path) : unlink(path)) == 0 || errno == ENOENT ? 0 : -1;
}

static int remove_all(const char *path, struct ks_err *err)
{
	if (nftw(path, remove_one, OPEN_FILES, FTW_DEPTH | FTW_PHYS) == 0 || errno == ENOENT)
		return 0;
	return ks_fail_errno(err, KS_IO, errno, "cannot remove '%s'", path);
}

/* A state goes at once, also where its process dies of it, or the power. */
static int put_away(const struct ks_reset *r, const struct ks_reset_state *s, const char *trash, struct ks_err *err)
{
	char *from, *to = NULL;
	int status = 0, no;

	if (asprintf(&from, "%s/%s/db", r->instances[s->instance].ledger.path, s->stage) < 0)
		return ks_fail_memory(err);
	if (asprintf(&to, "%s/%s:%s", trash, r->instances[s->instance].name, s->stage) < 0) {
		free(from);
		return ks_fail_memory(err);
	}
	status = remove_all(to, err);
	if (status == 0 && rename(from, to) != 0 && errno != ENOENT)
		status = ks_fail_errno(err, KS_IO, errno, "cannot rename '%s' to '%s'", from, to);
	if (status == 0 && (no = ks_sync_parent(from)) != 0)
		status = ks_fail_errno(err, KS_IO, no, "cannot fsync the directory of '%s'", from);
	free(from);
	free(to);
	return status;
}

int ks_reset_states(struct ks_reset *r, struct ks_err *err)
{
	const struct ks_reset_state *s;
	char *trash;
	int no, status = 0;

	if (r->state_count == 0)
		return 0;
	if (asprintf(&trash, "%s/" TRASH, r->home) < 0)
		return ks_fail_memory(err);
	no = ks_state_make(trash);
	if (no != 0)
		status = ks_state_unusable(trash, no, "make", err);
	for (s = r->states; s < r->states + r->state_count && status == 0; s++) {
		status = put_away(r, s, trash, err);
		ks_point("reset-state");
	}
	free(trash);
	return status;
}

/* The positions of one instance as they will be. */
static int new_positions(struct ks_reset *r, struct ks_reset_instance *in, struct ks_buf *b)
{
	const struct ks_ledger *l = &in->ledger;
	const struct ks_reset_part *p;
	struct ks_position x;
	uint32_t count = 0;
	struct ks_buf list;
	int no = 0;

	ks_buf_init(&list, l->positions.max);
	for (p = r->parts; p < r->parts + r->part_count && no == 0; p++) {
		if (p->sink || strcmp(p->owner, in->name) != 0 || (p->file && p->to == 0))
			continue;
		/* A file is known again by a check of what was read. */
		if (!ks_ledger_find(l, p->input, p->partition, &x))
			continue;
		x.offset = p->to == KS_RESET_STAYS ? x.offset : p->to;
		no = ks_position_add(&list, &x);
		count++;
	}
	b->n = 0;
	if (no == 0)
		no = ks_mp_add_array_head(b, count);
	if (no == 0)
		no = ks_buf_add(b, list.p, list.n);
	ks_buf_release(&list);
	return no;
}

static int set_ledger(struct ks_reset *r, struct ks_reset_instance *in, struct ks_err *err)
{
	struct ks_ledger *l = &in->ledger;
	struct ks_buf b;
	int status = ks_ledger_hold(l, err);

	ks_buf_init(&b, l->positions.max);
	if (status == 0)
		status = ks_ledger_read(l, err);
	if (status == 0 && l->run > 0 && l->run < r->final_run) {
		/* What it would have been: whoever may have committed that is fenced. */
		status = ks_ledger_settled(l, err);
		if (status == 0 && new_positions(r, in, &b) != 0)
			status = ks_fail_memory(err);
		if (status == 0) {
			l->run = r->final_run;
			l->epoch = 0;
			l->positions.n = 0;
			status = ks_buf_add(&l->positions, b.p, b.n) != 0 ? ks_fail_memory(err) : ks_ledger_write(l, err);
		}
		ks_point("reset-ledger");
	}
	ks_ledger_let_go(l);
	ks_buf_release(&b);
	return status;
}

int ks_reset_ledgers(struct ks_reset *r, struct ks_err *err)
{
	struct ks_reset_instance *in;
	int status = 0;

	for (in = r->instances; in < r->instances + r->instance_count && status == 0; in++)
		status = set_ledger(r, in, err);
	return status;
}

static int fork_ledger(struct ks_reset *r, struct ks_reset_instance *in, struct ks_err *err)
{
	struct ks_ledger l;
	int status = ks_ledger_open(&l, r->config, r->fork, in->name, err);

	if (status == 0)
		status = ks_ledger_lock(&l, err);
	if (status == 0)
		status = ks_ledger_read(&l, err);
	if (status == 0 && l.run > 0)
		status = ks_fail(err, KS_CONFIG, "app '%s' is there already: '%s/ledger'; give another name, or remove it", r->fork,
		    l.path);
	if (status == 0 && new_positions(r, in, &l.positions) != 0)
		status = ks_fail_memory(err);
	l.run = 1;
	if (status == 0)
		status = ks_ledger_write(&l, err);
	ks_ledger_close(&l);
	return status;
}

int ks_reset_fork_ledgers(struct ks_reset *r, struct ks_err *err)
{
	struct ks_reset_instance *in;
	int status = 0;

	for (in = r->instances; in < r->instances + r->instance_count && status == 0; in++)
		if (in->ledger.run > 0)
			status = fork_ledger(r, in, err);
	return status;
}

int ks_reset_clean(struct ks_reset *r, struct ks_err *err)
{
	char *trash;
	int status;

	if (asprintf(&trash, "%s/" TRASH, r->home) < 0)
		return ks_fail_memory(err);
	status = remove_all(trash, err);
	free(trash);
	ks_point("reset-cleaned");
	/* What a write of the plan that was cut short has left. */
	(void)unlinkat(r->lock, KS_RESET_PLAN ".new", 0);
	if (status == 0 && unlinkat(r->lock, KS_RESET_PLAN, 0) != 0 && errno != ENOENT)
		return ks_fail_errno(err, KS_IO, errno, "cannot remove '%s/" KS_RESET_PLAN "'", r->home);
	return status == 0 && fsync(r->lock) != 0 ? ks_fail_errno(err, KS_IO, errno, "cannot fsync '%s'", r->home) : status;
}
