/* SPDX-License-Identifier: MIT */
/* table-load.c - the rows a table begins with: a file of envelopes, read by the source that reads such files. */
#include "table-stage.h"

#include "feed.h"

struct load {
	struct ks_run *run;
	int (*put)(void *arg, struct ks_run *run, struct ks_rec *rec);
	void *arg;
};

static int put_one(void *arg, struct ks_rec *rec, struct ks_err *err)
{
	const struct load *l = arg;

	(void)err;	/* the run's */
	return l->put(l->arg, l->run, rec);
}

int ks_table_load(struct ks_run *run, const char *path, int (*put)(void *arg, struct ks_run *run, struct ks_rec *rec), void *arg)
{
	struct load l = { run, put, arg };
	struct ks_feed f = { .name = path, .limits = run->limits, .put = put_one, .arg = &l };

	return ks_feed_file(&f, path, KS_ENVELOPE, NULL, run->config, run->err);
}
