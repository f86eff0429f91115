/* SPDX-License-Identifier: MIT */
/*
 * store-disk.c - Berkeley DB, and the only file that knows it.
 *
 * The settings are those that stood kill -9 at every system call, torn
 * pages and power cuts: private, one process, no locks, 4 KiB pages with
 * checksums (without them a torn page gives wrong answers silently).
 */
#include "store-disk.h"

#include <db.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define PAGE_SIZE 4096u
#define LOG_FILE (16u << 20)
#define LOG_BUFFER (1u << 20)
#define CHECKPOINT_KIB (64u << 10)
#define TRICKLE ((size_t)2 << 20)	/* bytes put after which most pages are written: a checkpoint finds few that are not, and little the disk has not */
#define TRICKLE_CLEAN 95	/* percent of them: those that change all the time wait for the checkpoint */
#define CACHE_MIN ((size_t)1 << 20)
#define CACHE_EXACT ((size_t)500 << 20)	/* the library makes smaller ones larger by a quarter */
#define MODE 0600

struct ks_disk {
	DB_ENV *env;
	DB *db;
	DB_TXN *txn;
	bool durable;
	size_t put;		/* bytes since pages were written last */
	char *home;		/* for messages */
	char said[300];		/* what the library said first since it was opened */
};

struct ks_disk_cursor {
	struct ks_disk *d;
	DBC *c;
};

static struct {
	int (*env_create)(DB_ENV **, u_int32_t);
	int (*create)(DB **, DB_ENV *, u_int32_t);
	char *(*strerror)(int);
	char wrong[200];	/* empty: it is there */
} bdb;

static void load(void)
{
	static const char *const names[] = { "db_env_create", "db_create", "db_strerror" };
	void *handle = dlopen("libdb-5.3.so", RTLD_NOW | RTLD_LOCAL), *found[3] = { NULL };
	const char *why;
	size_t i;

	for (i = 0; i < 3 && handle != NULL; i++)
		found[i] = dlsym(handle, names[i]);
	memcpy(&bdb.env_create, &found[0], sizeof(found[0]));
	memcpy(&bdb.create, &found[1], sizeof(found[1]));
	memcpy(&bdb.strerror, &found[2], sizeof(found[2]));
	if (found[2] != NULL)
		return;
	why = dlerror();
	snprintf(bdb.wrong, sizeof(bdb.wrong), "%s", why != NULL ? why : "libdb-5.3.so lacks a function");
}

/* One failure makes the library say many things, the first of which tells the cause. */
static void listen(const DB_ENV *env, const char *prefix, const char *text)
{
	struct ks_disk *d = env->app_private;

	(void)prefix;
	if (d->said[0] == '\0')
		snprintf(d->said, sizeof(d->said), "%s", text);
}

/* The library panics over a disk that is full as over one that is damaged: what it said first tells them apart. */
static int cause(const struct ks_disk *d, int no)
{
	static const int causes[] = { ENOSPC, EDQUOT, EIO, EFBIG, ENOMEM, EROFS, EACCES, EPERM, EMFILE, ENFILE };
	size_t i;

	/* Over a page that it cannot make room for it also gives EIO in the end. */
	for (i = 0; i < sizeof(causes) / sizeof(*causes); i++)
		if (no == causes[i] || ((no < 0 || no == EIO) && strstr(d->said, strerror(causes[i])) != NULL))
			return causes[i];
	return no;
}

static int fail(struct ks_disk *d, int no, const char *what, struct ks_err *err)
{
	int why = cause(d, no);

	switch (why) {
	case ENOMEM: case EMFILE: case ENFILE:
		return ks_fail_errno(err, KS_TEMP, why, "cannot %s the state in '%s'", what, d->home);
	case ENOSPC: case EDQUOT: case EIO: case EFBIG:
		return ks_fail_errno(err, KS_IO, why, "cannot %s the state in '%s'", what, d->home);
	case EROFS: case EACCES: case EPERM:
		return ks_fail_errno(err, KS_CONFIG, why, "cannot %s the state in '%s'", what, d->home);
	default:
		return ks_fail(err, KS_CONFIG, "cannot %s the state in '%s', it is damaged: %s; move the directory away, "
		    "and put a copy in its place or give another --app", what, d->home,
		    d->said[0] != '\0' ? d->said : bdb.strerror(no));
	}
}

static int open_env(struct ks_disk *d, size_t cache)
{
	u_int32_t flags = DB_CREATE | DB_PRIVATE | DB_INIT_MPOOL;
	int no = bdb.env_create(&d->env, 0);

	if (no != 0)
		return no;
	d->env->app_private = d;
	d->env->set_errcall(d->env, listen);
	if (cache < CACHE_EXACT)
		cache = cache / 5 * 4;
	if (cache < CACHE_MIN)
		cache = CACHE_MIN;
	no = d->env->set_cachesize(d->env, (u_int32_t)(cache >> 30), (u_int32_t)(cache & (((size_t)1 << 30) - 1)), 1);
	if (no == 0 && d->durable) {
		flags |= DB_RECOVER | DB_INIT_TXN | DB_INIT_LOG;
		no = d->env->set_lg_max(d->env, LOG_FILE);
		if (no == 0)
			no = d->env->set_lg_bsize(d->env, LOG_BUFFER);
		if (no == 0)
			no = d->env->log_set_config(d->env, DB_LOG_AUTO_REMOVE, 1);
	}
	return no != 0 ? no : d->env->open(d->env, d->home, flags, MODE);
}

/* As the library does it, which goes byte by byte. */
static int compare(DB *db, const DBT *a, const DBT *b)
{
	size_t n = a->size < b->size ? a->size : b->size;
	int c = n == 0 ? 0 : memcmp(a->data, b->data, n);

	(void)db;
	return c != 0 ? c : a->size < b->size ? -1 : a->size > b->size;
}

/* How much of b tells it from a, which is less: as the library does it where it compares by itself. */
static size_t distinct(DB *db, const DBT *a, const DBT *b)
{
	size_t n = a->size < b->size ? a->size : b->size, i;
	const unsigned char *p = a->data, *q = b->data;

	(void)db;
	for (i = 0; i < n && p[i] == q[i]; i++)
		;
	return i < n || a->size < b->size ? i + 1 : b->size < a->size ? b->size + 1 : b->size;
}

static int open_db(struct ks_disk *d)
{
	int no = bdb.create(&d->db, d->env, 0);

	if (no == 0)
		no = d->db->set_bt_compare(d->db, compare);
	if (no == 0)
		no = d->db->set_bt_prefix(d->db, distinct);
	if (no == 0)
		no = d->db->set_pagesize(d->db, PAGE_SIZE);
	if (no == 0 && d->durable)
		no = d->db->set_flags(d->db, DB_CHKSUM);
	return no != 0 ? no : d->db->open(d->db, NULL, "state.db", NULL, DB_BTREE,
	    DB_CREATE | (d->durable ? DB_AUTO_COMMIT : 0), MODE);
}

/* Nobody can find it, and a crash leaves nothing behind. */
static void forget(const struct ks_disk *d)
{
	char *path;

	if (asprintf(&path, "%s/state.db", d->home) >= 0) {
		unlink(path);
		free(path);
	}
	rmdir(d->home);
}

/* The library would say that what it cannot write is damaged. */
static int may_write(const struct ks_disk *d)
{
	char *path;
	int no = access(d->home, R_OK | W_OK | X_OK) == 0 ? 0 : errno;

	if (no != 0)
		return no;
	if (asprintf(&path, "%s/state.db", d->home) < 0)
		return ENOMEM;
	no = access(path, R_OK | W_OK) == 0 || errno == ENOENT ? 0 : errno;
	free(path);
	return no;
}

int ks_disk_open(struct ks_disk **out, const char *home, size_t cache, bool durable, struct ks_err *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct ks_disk *d;
	int no;

	*out = NULL;
	pthread_once(&once, load);
	if (bdb.wrong[0] != '\0')
		return ks_fail(err, KS_UNAVAILABLE, "cannot keep state: cannot load a library: %s", bdb.wrong);
	*out = d = calloc(1, sizeof(*d));
	if (d == NULL || (d->home = strdup(home)) == NULL)
		return ks_fail_memory(err);
	d->durable = durable;
	no = may_write(d);
	if (no == 0)
		no = open_env(d, cache);
	if (no == 0)
		no = open_db(d);
	if (!durable)
		forget(d);
	return no == 0 ? 0 : fail(d, no, "open", err);
}

void ks_disk_close(struct ks_disk *d)
{
	if (d == NULL)
		return;
	if (d->txn != NULL)
		d->txn->abort(d->txn);
	/* What was committed is in the log; there is nothing left to lose, and nobody to tell. */
	if (d->db != NULL)
		d->db->close(d->db, d->durable ? 0 : DB_NOSYNC);
	if (d->env != NULL)
		d->env->close(d->env, 0);
	free(d->home);
	free(d);
}

int ks_disk_begin(struct ks_disk *d, struct ks_err *err)
{
	int no = d->durable ? d->env->txn_begin(d->env, NULL, &d->txn, 0) : 0;

	return no == 0 ? 0 : fail(d, no, "write", err);
}

int ks_disk_end(struct ks_disk *d, bool sync, struct ks_err *err)
{
	DB_TXN *txn = d->txn;
	int no;

	if (!d->durable)
		return 0;
	d->txn = NULL;
	no = txn->commit(txn, sync ? DB_TXN_SYNC : DB_TXN_NOSYNC);
	return no == 0 ? 0 : fail(d, no, "write", err);
}

static DBT dbt(struct ks_bytes b)
{
	DBT t;

	memset(&t, 0, sizeof(t));
	t.data = (void *)(uintptr_t)b.p;
	t.size = (u_int32_t)b.n;
	return t;
}

int ks_disk_get(struct ks_disk *d, struct ks_bytes key, struct ks_buf *value, bool *found,
    struct ks_err *err)
{
	DBT k = dbt(key), v = dbt(ks_bytes(NULL, 0));
	int no = d->db->get(d->db, d->txn, &k, &v, 0);

	value->n = 0;
	*found = no == 0;
	if (no == DB_NOTFOUND)
		return 0;
	if (no != 0)
		return fail(d, no, "read", err);
	return ks_buf_add(value, v.data, v.size) == 0 ? 0 : ks_fail_memory(err);
}

int ks_disk_put(struct ks_disk *d, struct ks_bytes key, struct ks_bytes value, struct ks_err *err)
{
	DBT k = dbt(key), v = dbt(value);
	int no = d->db->put(d->db, d->txn, &k, &v, 0);

	d->put += key.n + value.n;
	return no == 0 ? 0 : fail(d, no, "write", err);
}

int ks_disk_delete(struct ks_disk *d, struct ks_bytes key, struct ks_err *err)
{
	DBT k = dbt(key);
	int no = d->db->del(d->db, d->txn, &k, 0);

	return no == 0 || no == DB_NOTFOUND ? 0 : fail(d, no, "write", err);
}

static int step(struct ks_disk_cursor *c, struct ks_bytes from, u_int32_t how, struct ks_bytes *key,
    struct ks_bytes *value, struct ks_err *err)
{
	DBT k = dbt(from), v = dbt(ks_bytes(NULL, 0));
	int no = c->c->get(c->c, &k, &v, how);

	*key = *value = ks_bytes(NULL, 0);
	if (no == DB_NOTFOUND)
		return 0;
	if (no != 0)
		return fail(c->d, no, "read", err);
	*key = ks_bytes(k.data, k.size);
	*value = ks_bytes(v.data, v.size);
	return 0;
}

int ks_disk_writer(struct ks_disk *d, struct ks_disk_cursor **out, struct ks_err *err)
{
	struct ks_disk_cursor *c = calloc(1, sizeof(*c));
	int no;

	*out = c;
	if (c == NULL)
		return ks_fail_memory(err);
	c->d = d;
	no = d->db->cursor(d->db, d->txn, &c->c, 0);
	return no == 0 ? 0 : fail(d, no, "read", err);
}

int ks_disk_from(struct ks_disk *d, struct ks_bytes from, struct ks_disk_cursor **c,
    struct ks_bytes *key, struct ks_bytes *value, struct ks_err *err)
{
	int status = ks_disk_writer(d, c, err);

	return status != 0 ? status : step(*c, from, DB_SET_RANGE, key, value, err);
}

int ks_disk_last(struct ks_disk *d, struct ks_disk_cursor **c, struct ks_bytes *key, struct ks_bytes *value, struct ks_err *err)
{
	int status = ks_disk_writer(d, c, err);

	return status != 0 ? status : step(*c, ks_bytes(NULL, 0), DB_LAST, key, value, err);
}

int ks_disk_seek(struct ks_disk_cursor *c, struct ks_bytes from, struct ks_bytes *key, struct ks_bytes *value,
    struct ks_err *err)
{
	return step(c, from, DB_SET_RANGE, key, value, err);
}

int ks_disk_next(struct ks_disk_cursor *c, struct ks_bytes *key, struct ks_bytes *value, struct ks_err *err)
{
	return step(c, ks_bytes(NULL, 0), DB_NEXT, key, value, err);
}

int ks_disk_find(struct ks_disk_cursor *c, struct ks_bytes key, bool *found, struct ks_bytes *value, struct ks_err *err)
{
	struct ks_bytes same;
	int status = step(c, key, DB_SET, &same, value, err);

	*found = same.p != NULL;
	return status;
}

static int change(struct ks_disk_cursor *c, struct ks_bytes key, struct ks_bytes value, u_int32_t how, struct ks_err *err)
{
	DBT k = dbt(key), v = dbt(value);
	int no = c->c->put(c->c, &k, &v, how);

	c->d->put += key.n + value.n;
	return no == 0 ? 0 : fail(c->d, no, "write", err);
}

int ks_disk_replace(struct ks_disk_cursor *c, struct ks_bytes value, struct ks_err *err)
{
	return change(c, ks_bytes(NULL, 0), value, DB_CURRENT, err);
}

int ks_disk_cursor_put(struct ks_disk_cursor *c, struct ks_bytes key, struct ks_bytes value, struct ks_err *err)
{
	return change(c, key, value, DB_KEYFIRST, err);
}

int ks_disk_cursor_delete(struct ks_disk_cursor *c, struct ks_err *err)
{
	int no = c->c->del(c->c, 0);

	return no == 0 ? 0 : fail(c->d, no, "write", err);
}

void ks_disk_cursor_close(struct ks_disk_cursor *c)
{
	if (c == NULL)
		return;
	if (c->c != NULL)
		c->c->close(c->c);
	free(c);
}

/* The disk begins with what the system has of the file: no more than a hint, the checkpoint waits for it. */
static void hurry(const struct ks_disk *d)
{
	int fd;

	if (d->db->fd(d->db, &fd) == 0 && sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE) != 0)
		return;
}

int ks_disk_checkpoint(struct ks_disk *d, struct ks_err *err)
{
	int no = 0;

	if (!d->durable)
		return 0;
	if (d->put >= TRICKLE) {
		d->put = 0;
		no = d->env->memp_trickle(d->env, TRICKLE_CLEAN, NULL);
		if (no == 0)
			hurry(d);
	}
	if (no == 0)
		no = d->env->txn_checkpoint(d->env, CHECKPOINT_KIB, 0, 0);
	return no == 0 ? 0 : fail(d, no, "write", err);
}
