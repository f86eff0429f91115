/* SPDX-License-Identifier: MIT */
/*
 * loop-serve.c - where a tool that keeps state is asked about it: at a socket
 * in the directory of its stage under --app, or in one that --listen names.
 */
#include <stdio.h>
#include <stdlib.h>

#include "loop.h"
#include "query-serve.h"
#include "state-dir.h"

static int answer(void *loop, struct ks_query *q, struct ks_err *err)
{
	struct ks_frame_loop *l = loop;

	q->who = (struct ks_query_who){ .stage = l->run.stage, .owner = l->owner, .epoch = l->epoch };
	return l->op->query(l->st, &l->run, q, err);
}

int ks_loop_open_serve(struct ks_frame_loop *l)
{
	if (l->op->query == NULL)
		return 0;
	return ks_serve_open(&l->serve, &l->wake, l->config->limits.depth, l->config->limits.record, answer, l, &l->err);
}

/* Under --app the store has made the directory, and holds its lock; what is looked at alone (run-store.h) has none. */
int ks_loop_listen(struct ks_frame_loop *l, const struct ks_hello_view *h)
{
	bool kept = h->app.p != NULL && l->source->piped;
	const char *name = kept ? (const char *)h->app.p : l->run.listen;
	char *dir, owner[KS_OWNER_ROOM];
	int status;

	ks_hello_owner(h, l->owner);
	ks_owner_directory(owner, l->owner);
	if (l->serve == NULL || name == NULL)
		return 0;
	if (kept && l->run.listen != NULL)
		return ks_fail(&l->err, KS_USAGE, "--listen %s: the stage is asked by the name of its --app, '%.*s'", l->run.listen,
		    (int)h->app.n, name);
	if (l->config->state_dir == NULL)
		return ks_fail(&l->err, KS_CONFIG, "--listen needs --state-dir: neither KSTREAM_STATE_DIR nor HOME is set");
	if (!ks_state_is_name(l->run.stage))
		return ks_fail(&l->err, KS_CONFIG, "the stage '%s' is not a name of letters, digits, '.', '_' and '-'", l->run.stage);
	if (asprintf(&dir, "%s/%.*s/%s/%s", l->config->state_dir, kept ? (int)h->app.n : (int)strlen(name), name,
	    owner, l->run.stage) < 0)
		return ks_fail_memory(&l->err);
	status = ks_serve_listen(l->serve, dir, !kept, &l->err);
	free(dir);
	return status;
}

int ks_loop_serve(struct ks_frame_loop *l, bool busy)
{
	return ks_serve_turn(l->serve, busy, &l->err);
}

void ks_loop_close_serve(struct ks_frame_loop *l)
{
	ks_serve_close(l->serve);
	l->serve = NULL;
}
