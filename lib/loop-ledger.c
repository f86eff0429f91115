/* SPDX-License-Identifier: MIT */
/* loop-ledger.c - the last process of a pipeline with --app: its ledger, and the file that --out names. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "drill.h"
#include "input.h"
#include "loop.h"

/* The output as the ledger is to have it; size -1: there is no file. */
static int put_output(struct ks_frame_loop *l, int64_t size, bool open)
{
	struct ks_output *o = &l->out.ledger.output;

	o->size = size;
	o->open = open;
	o->name.n = 0;
	if (size < 0)
		return 0;
	if (l->out.read < 0 || ks_input_check(l->out.read, size, o->check) != 0)
		o->check[0] = '\0';
	if (ks_buf_add(&o->name, l->out.real, strlen(l->out.real)) != 0)
		return ks_fail_memory(&l->err);
	return 0;
}

/*
 * Change the ledger, unless another run has taken over.
 *
 *	b	the barrier that everything is out for, NULL: none yet
 *	size	of the file that --out names, -1: it names none
 *	open	more may be written to it
 *	ahead	it is what will be (ledger.next)
 */
static int enter(struct ks_frame_loop *l, const struct ks_barrier *b, int64_t size, bool open, bool ahead)
{
	struct ks_ledger *g = &l->out.ledger;
	int64_t run = g->run;
	int status = ks_ledger_read(g, &l->err);

	if (status != 0)
		return status;
	if (g->run != run)
		return ks_fail(&l->err, KS_TEMP, "run %lld of this app has taken over from run %lld",
		    (long long)g->run, (long long)run);
	status = put_output(l, size, open);
	if (status != 0)
		return status;
	if (b != NULL) {
		g->epoch = b->n;
		g->positions.n = 0;
		if (ks_buf_add(&g->positions, b->positions.p, b->positions.n) != 0)
			return ks_fail_memory(&l->err);
	}
	if (ahead)
		return ks_ledger_prepare(g, &l->err);
	status = ks_ledger_write(g, &l->err);
	ks_point("ledger-written");
	return status == 0 && l->out.transacts ? ks_ledger_settled(g, &l->err) : status;
}

static int change_ledger(struct ks_frame_loop *l, const struct ks_barrier *b, int64_t size, bool open, bool ahead)
{
	int status = ks_ledger_hold(&l->out.ledger, &l->err);

	if (status == 0)
		status = enter(l, b, size, open, ahead);
	ks_ledger_let_go(&l->out.ledger);
	return status;
}

/* One process at a time writes a file.  Where a file system has no locks, nothing is known. */
static int lock_output(struct ks_frame_loop *l)
{
	if (flock(l->sink->out.fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
		return ks_fail(&l->err, KS_TEMP, "'%s' is being written by another run, which holds a lock on it", l->config->out);
	return 0;
}

/* By its real path it is one output, however it is named; it is read to tell whether it is still the same. */
static int name_output(struct ks_frame_loop *l)
{
	struct ks_loop_out *out = &l->out;
	struct stat st, there;

	if (out->real != NULL)
		return 0;
	out->real = realpath(l->config->out, NULL);
	if (out->real == NULL)
		return ks_fail_errno(&l->err, KS_IO, errno, "cannot find '%s' again", l->config->out);
	out->read = open(out->real, O_RDONLY | O_CLOEXEC);
	if (out->read < 0 && errno != EACCES)	/* what may only be written goes without a check */
		return ks_fail_errno(&l->err, KS_IO, errno, "cannot read '%s'", l->config->out);
	if (fstat(l->sink->out.fd, &st) != 0 || stat(out->real, &there) != 0 || st.st_dev != there.st_dev ||
	    st.st_ino != there.st_ino)
		return ks_fail(&l->err, KS_TEMP, "'%s' is another file than it was a moment ago", l->config->out);
	if (strchr(out->real, '\n') != NULL)
		return ks_fail(&l->err, KS_CONFIG, "--app cannot keep the size of '%s': its name has a newline", out->real);
	return 0;
}

/* It must hold what was committed, and nothing behind it that a run of this app cannot have written. */
static int compare_output(struct ks_frame_loop *l, int64_t size)
{
	const struct ks_output *o = &l->out.ledger.output;
	char check[KS_INPUT_CHECK + 1];

	if (size < o->size)
		return ks_fail(&l->err, KS_CONFIG, "'%s' has %lld bytes, but %lld were committed: it was cut or replaced; "
		    "to go on behind what it holds, remove its line from '%s/ledger'",
		    l->config->out, (long long)size, (long long)o->size, l->out.ledger.path);
	if (o->check[0] != '\0' && l->out.read >= 0 && (ks_input_check(l->out.read, o->size, check) != 0 ||
	    strcmp(check, o->check) != 0))
		return ks_fail(&l->err, KS_CONFIG, "'%s' has other bytes than the %lld that were committed: it was replaced; "
		    "to go on behind what it holds, remove its line from '%s/ledger'",
		    l->config->out, (long long)o->size, l->out.ledger.path);
	if (!o->open && size > o->size)
		return ks_fail(&l->err, KS_CONFIG, "'%s' has grown from %lld to %lld bytes since this app last wrote it: "
		    "give the app a file of its own, or remove its line from '%s/ledger' to go on behind what it holds",
		    l->config->out, (long long)o->size, (long long)size, l->out.ledger.path);
	return 0;
}

/* Whether --out is the file that the ledger has.  Without a check it is of version 1, where the name is as it was given. */
static bool is_known(const struct ks_frame_loop *l)
{
	const struct ks_output *o = &l->out.ledger.output;
	struct ks_bytes name = ks_buf_bytes(&o->name);

	return o->size >= 0 && l->out.is_file &&
	    (ks_bytes_is(name, l->out.real) || (o->check[0] == '\0' && ks_bytes_is(name, l->config->out)));
}

/* What a run that failed wrote behind its last commit would be taken for committed, once the ledger no longer has the file. */
static int check_other(struct ks_frame_loop *l)
{
	const struct ks_output *o = &l->out.ledger.output;

	if (o->size < 0 || !o->open || is_known(l))
		return 0;
	return ks_fail(&l->err, KS_CONFIG, "the last run has not ended in '%.*s': go on with it once, or remove its line from '%s/ledger'",
	    (int)o->name.n, (const char *)o->name.p, l->out.ledger.path);
}

/*
 * What a run that failed wrote behind its last commit comes again: it goes
 * from --out, if that is a file.  A file that is new to the ledger is entered
 * with what it holds now.
 */
static int cut_output(struct ks_frame_loop *l)
{
	const struct ks_output *o = &l->out.ledger.output;
	int fd = l->sink->out.fd, status, flags, no;
	struct stat st;

	if (!l->out.is_file)
		return check_other(l);
	l->out.began = true;
	if (l->config->to == KS_FRAMES)
		return ks_fail(&l->err, KS_CONFIG, "--app cannot go on with a file of frames: let --out be text, or pipe the frames");
	status = lock_output(l);
	if (status == 0)
		status = name_output(l);
	if (status == 0)
		status = check_other(l);
	if (status != 0)
		return status;
	if (fstat(fd, &st) != 0)
		return ks_fail_errno(&l->err, KS_IO, errno, "cannot append to '%s'", l->config->out);
	if (is_known(l)) {
		status = compare_output(l, st.st_size);
		if (status == 0 && ftruncate(fd, o->size) != 0)
			return ks_fail_errno(&l->err, KS_IO, errno, "cannot cut '%s' to its last commit", l->config->out);
		st.st_size = o->size;
	} else {
		status = ks_ledger_is_free(&l->out.ledger, l->config, l->out.real, &l->err);
		no = status == 0 ? ks_sync_parent(l->out.real) : 0;
		if (no != 0)
			return ks_fail_errno(&l->err, KS_IO, no, "cannot fsync the directory of '%s'", l->config->out);
	}
	if (status == 0 && st.st_size > 0 && l->sink->resume != NULL)
		status = l->sink->resume(l->sink, &l->err);
	if (status != 0)
		return status;
	/* Whoever writes to it beside us is not written over, and found by its size at the next barrier. */
	if (lseek(fd, 0, SEEK_END) < 0 || (flags = fcntl(fd, F_GETFL)) < 0 || fcntl(fd, F_SETFL, flags | O_APPEND) < 0)
		return ks_fail_errno(&l->err, KS_IO, errno, "cannot append to '%s'", l->config->out);
	l->out.base = st.st_size - (int64_t)l->sink->out.bytes;
	return change_ledger(l, NULL, st.st_size, true, false);
}

/* A stream at rest in a file can be looked at; it commits nothing again, unless Kafka says that it never was. */
static int look_at_rest(struct ks_frame_loop *l, const struct ks_hello_view *h)
{
	const struct ks_config *c = l->config;
	bool topic = l->sink != NULL && l->sink->transacts;

	if (c->app == NULL || (topic ? ks_hello_in_kafka(h) : !l->out.is_file && !c->guarantee_given))
		return 0;
	return ks_fail(&l->err, KS_CONFIG, "%s: frames in a file commit nothing: leave --app out", l->source->name);
}

/* Two outputs of one stream, each of which commits all of it, would let what one of them has not written be taken for done. */
static int be_alone(struct ks_frame_loop *l, const struct ks_hello_view *h)
{
	struct ks_loop_out *out = &l->out;

	if (out->committer >= 0)
		close(out->committer);
	out->committer = -1;
	return ks_ledger_alone(&out->ledger, h->run, &out->committer, &l->err);
}

/* Whether there is a ledger to be kept, and if so that it stands where the stream begins. */
static int check_ledger(struct ks_frame_loop *l, const struct ks_hello_view *h)
{
	struct ks_ledger *g = &l->out.ledger;
	int status = ks_ledger_read(g, &l->err);

	if (status != 0)
		return status;
	/* The source has entered its run before it sent HELLO. */
	if (g->run < h->run)
		return ks_fail(&l->err, KS_CONFIG,
		    "the ledger in '%s' does not know run %lld of the source: give both ends the same --state-dir",
		    g->path, (long long)h->run);
	if (g->run != h->run || g->epoch != h->epoch)
		return ks_fail(&l->err, KS_TEMP,
		    "the ledger '%s' stands at run %lld, epoch %lld, but the stream begins at run %lld, epoch %lld",
		    g->path, (long long)g->run, (long long)g->epoch,
		    (long long)h->run, (long long)h->epoch);
	return cut_output(l);
}

int ks_loop_open_ledger(struct ks_frame_loop *l, const struct ks_hello_view *h)
{
	struct ks_loop_out *out = &l->out;
	char app[KS_NAME_MAX + 1], owner[KS_OWNER_ROOM];
	int status;

	if (out->has_ledger)
		ks_ledger_close(&out->ledger);
	out->has_ledger = false;
	if (h->app.p == NULL)
		return 0;
	if (!l->source->piped)
		return look_at_rest(l, h);
	if (l->sink == NULL)
		return ks_fail(&l->err, KS_CONFIG, "an answer is no output that --app could commit: leave --app out");
	if (!l->sink->commits)
		return 0;
	out->transacts = l->sink->transacts && ks_hello_transacts(h, ks_config_at_least(l->config));
	if (h->guarantee == KS_EXACTLY_ONCE && !out->transacts)
		return ks_fail(&l->err, KS_CONFIG, "%s cannot be written exactly once, as the stream is to be: write to a topic, or give the source "
		    "--guarantee at-least-once, or none", l->sink->name);
	if (h->app.n > KS_NAME_MAX)
		return ks_fail(&l->err, KS_DATA, "%s: HELLO: its app is not a name", l->source->name);
	if (l->config->state_dir == NULL)
		return ks_fail(&l->err, KS_CONFIG, "--app needs --state-dir: neither KSTREAM_STATE_DIR nor HOME is set");
	memcpy(app, h->app.p, h->app.n);
	app[h->app.n] = '\0';
	ks_hello_owner(h, owner);
	status = ks_ledger_open(&out->ledger, l->config, app, owner, &l->err);
	out->has_ledger = true;
	if (status == 0)
		status = be_alone(l, h);
	if (!ks_hello_in_kafka(h))
		return status == 0 ? check_ledger(l, h) : status;
	/* Where Kafka keeps it, another process would be fenced, too; this only says so in plain words, once. */
	out->has_ledger = false;
	ks_ledger_close(&out->ledger);
	if (status != 0 && out->committer >= 0)
		return status;
	l->err = (struct ks_err){ .status = 0 };
	return 0;
}

/* What stands in the output is not ours alone.  The ledger says so, and the next run cuts nothing. */
static int not_alone(struct ks_frame_loop *l, int64_t size, int64_t written)
{
	int status = change_ledger(l, NULL, l->out.ledger.output.size, false, false);

	return status != 0 ? status :
	    ks_fail(&l->err, KS_CONFIG, "'%s' has %lld bytes, but this app has written to byte %lld: something else writes to it, or cuts it",
	    l->config->out, (long long)size, (long long)written);
}

int ks_loop_prepare(struct ks_frame_loop *l, const struct ks_barrier *b)
{
	int status;

	if (!l->out.has_ledger || !l->out.transacts)
		return 0;
	status = change_ledger(l, b, -1, false, true);
	ks_point("ledger-prepared");
	return status;
}

int ks_loop_commit(struct ks_frame_loop *l, const struct ks_barrier *b)
{
	int64_t size = -1, written;
	struct stat st;
	int fd;

	if (!l->out.has_ledger)
		return 0;
	fd = l->sink->out.fd;
	if (fd >= 0 && fstat(fd, &st) != 0)
		return ks_fail_errno(&l->err, KS_IO, errno, "cannot fstat %s", l->sink->name);
	if (fd >= 0 && S_ISREG(st.st_mode)) {
		if (fsync(fd) != 0)
			return ks_fail_errno(&l->err, KS_IO, errno, "cannot fsync %s", l->sink->name);
		if (l->out.is_file)
			size = st.st_size;
	}
	written = l->out.base + (int64_t)(fd >= 0 ? l->sink->out.bytes : 0);
	if (size >= 0 && size != written)
		return not_alone(l, size, written);
	return change_ledger(l, b, size, b->kind == KS_GO_ON, false);
}

int ks_loop_empty_output(struct ks_frame_loop *l)
{
	int status;

	if (!l->out.is_file || l->out.began)
		return 0;
	l->out.began = true;
	status = lock_output(l);
	if (status == 0 && ftruncate(l->sink->out.fd, 0) != 0)
		status = ks_fail_errno(&l->err, KS_CANTCREAT, errno, "cannot empty '%s'", l->config->out);
	return status;
}

void ks_loop_close_ledger(struct ks_frame_loop *l)
{
	struct ks_loop_out *out = &l->out;

	if (out->has_ledger)
		ks_ledger_close(&out->ledger);
	if (out->committer >= 0)
		close(out->committer);
	if (out->real != NULL && out->read >= 0)
		close(out->read);
	free(out->real);
}
