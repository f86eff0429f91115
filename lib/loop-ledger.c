/* SPDX-License-Identifier: MIT */
/* loop-ledger.c - the last process of a pipeline with --app: its ledger, and the file that --out names. */
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "loop.h"

/*
 * Change the ledger, unless another run has taken over.
 *
 *	b	the barrier that everything is out for, NULL: none yet
 *	size	of the file that --out names, -1: it names none
 */
static int enter(struct ks_frame_loop *l, const struct ks_barrier *b, int64_t size)
{
	int64_t run = l->ledger.run;
	int status = ks_ledger_read(&l->ledger, &l->err);

	if (status != 0)
		return status;
	if (l->ledger.run != run)
		return ks_fail(&l->err, KS_TEMP, "run %lld of this app has taken over from run %lld",
		    (long long)l->ledger.run, (long long)run);
	l->ledger.output.size = size;
	l->ledger.output.name.n = 0;
	if (size >= 0 && ks_buf_add(&l->ledger.output.name, l->config->out, strlen(l->config->out)) != 0)
		return ks_fail(&l->err, KS_TEMP, "no memory");
	if (b != NULL) {
		l->ledger.epoch = b->n;
		l->ledger.positions.n = 0;
		if (ks_buf_add(&l->ledger.positions, b->positions.p, b->positions.n) != 0)
			return ks_fail(&l->err, KS_TEMP, "no memory");
	}
	return ks_ledger_write(&l->ledger, &l->err);
}

static int change_ledger(struct ks_frame_loop *l, const struct ks_barrier *b, int64_t size)
{
	int status = ks_ledger_hold(&l->ledger, &l->err);

	if (status == 0)
		status = enter(l, b, size);
	ks_ledger_let_go(&l->ledger);
	return status;
}

/*
 * What a run that failed wrote behind its last commit comes again: it goes
 * from --out, if that is a file.  A file that is new to the ledger is entered
 * with what it holds now.
 */
static int cut_output(struct ks_frame_loop *l)
{
	struct stat st;

	if (!l->out_is_file)
		return 0;
	l->out_is_file = false;
	if (l->config->to == KS_FRAMES)
		return ks_fail(&l->err, KS_CONFIG, "--app cannot go on with a file of frames: let --out be text, or pipe the frames");
	if (strchr(l->config->out, '\n') != NULL)
		return ks_fail(&l->err, KS_CONFIG, "--app cannot keep the size of '%s': its name has a newline", l->config->out);
	if (lseek(l->sink->out.fd, 0, SEEK_END) < 0 || fstat(l->sink->out.fd, &st) != 0)
		return ks_fail_errno(&l->err, KS_IO, errno, "cannot append to '%s'", l->config->out);
	if (l->ledger.output.size < 0 || !ks_bytes_is(ks_buf_bytes(&l->ledger.output.name), l->config->out))
		return change_ledger(l, NULL, st.st_size);
	if (st.st_size < l->ledger.output.size)
		return ks_fail(&l->err, KS_CONFIG, "'%s' has %lld bytes, but %lld were committed: it was cut or replaced",
		    l->config->out, (long long)st.st_size, (long long)l->ledger.output.size);
	if (ftruncate(l->sink->out.fd, l->ledger.output.size) != 0 ||
	    lseek(l->sink->out.fd, 0, SEEK_END) < 0)
		return ks_fail_errno(&l->err, KS_IO, errno, "cannot cut '%s' to its last commit", l->config->out);
	return l->ledger.output > 0 && l->sink->resume != NULL ? l->sink->resume(l->sink, &l->err) : 0;
}

int ks_loop_open_ledger(struct ks_frame_loop *l, const struct ks_hello_view *h)
{
	char app[KS_NAME_MAX + 1];
	int status;

	if (l->has_ledger)
		ks_ledger_close(&l->ledger);
	l->has_ledger = false;
	/* A stream at rest in a file can be looked at; it commits nothing again. */
	if (h->app.p == NULL || !l->source->piped)
		return 0;
	if (l->sink == NULL)
		return ks_fail(&l->err, KS_CONFIG, "an answer is no output that --app could commit: leave --app out");
	if (!l->sink->commits)
		return 0;
	if (h->app.n > KS_NAME_MAX)
		return ks_fail(&l->err, KS_DATA, "%s: HELLO: its app is not a name", l->source->name);
	if (l->config->state_dir == NULL)
		return ks_fail(&l->err, KS_CONFIG, "--app needs --state-dir: neither KSTREAM_STATE_DIR nor HOME is set");
	memcpy(app, h->app.p, h->app.n);
	app[h->app.n] = '\0';
	status = ks_ledger_open(&l->ledger, l->config, app, h->instance, &l->err);
	l->has_ledger = true;
	if (status == 0)
		status = ks_ledger_read(&l->ledger, &l->err);
	if (status != 0)
		return status;
	/* The source has entered its run before it sent HELLO. */
	if (l->ledger.run < h->run)
		return ks_fail(&l->err, KS_CONFIG,
		    "the ledger in '%s' does not know run %lld of the source: give both ends the same --state-dir",
		    l->ledger.path, (long long)h->run);
	if (l->ledger.run != h->run || l->ledger.epoch != h->epoch)
		return ks_fail(&l->err, KS_TEMP,
		    "the ledger '%s' stands at run %lld, epoch %lld, but the stream begins at run %lld, epoch %lld",
		    l->ledger.path, (long long)l->ledger.run, (long long)l->ledger.epoch,
		    (long long)h->run, (long long)h->epoch);
	return cut_output(l);
}

int ks_loop_commit(struct ks_frame_loop *l, const struct ks_barrier *b)
{
	int fd = l->sink->out.fd;
	int64_t size = -1;
	struct stat st;

	if (!l->has_ledger)
		return 0;
	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
		if (fsync(fd) != 0)
			return ks_fail_errno(&l->err, KS_IO, errno, "cannot fsync %s", l->sink->name);
		if (l->config->out != NULL)
			size = st.st_size;
	}
	return change_ledger(l, b, size);
}

int ks_loop_empty_output(struct ks_frame_loop *l)
{
	if (!l->out_is_file)
		return 0;
	l->out_is_file = false;
	if (ftruncate(l->sink->out.fd, 0) != 0)
		return ks_fail_errno(&l->err, KS_CANTCREAT, errno, "cannot empty '%s'", l->config->out);
	return 0;
}
