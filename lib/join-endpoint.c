/* SPDX-License-Identifier: MIT */
/*
 * join-endpoint.c - a global table that is outside the pipe: a topic or a file.
 *
 * A topic is read by two kstream-cats.  The first one stands at its end, and
 * waits; the second one then reads it from the beginning to where it ends.  So
 * nothing lies between them, and what the first has of what the second has read
 * is passed over.  A file is read whole, and again when it looks changed; only a
 * table that could be read takes the place of the one before.
 *
 * Nothing is kept of it: the next process reads it again.
 */
#include "join-global.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "child.h"
#include "fdio.h"
#include "feed-child.h"
#include "run-store.h"
#include "signals.h"
#include "stats.h"

#define LOOK_MS 1000		/* a file is looked at so often */
#define TURN_READS 16		/* of a topic in one turn: the stream that is joined to it has its turn, too */

/* By which a file is known to be the same. */
struct looks {
	dev_t device;
	ino_t inode;
	off_t size;
	struct timespec changed;
	int wrong;		/* errno of stat(2) */
};

/* A table that is being read, or in use. */
struct filled {
	struct ks_join *j;
	struct ks_store *store;
	struct ks_join_rows rows;
	int64_t epoch;		/* of store, which is given an end of its own */
};

struct ks_join_endpoint {
	struct filled now;
	bool loaded;
	const char *name;
	/* of a topic */
	struct ks_in in;	/* of the one that waits at its end */
	struct ks_feed feed;
	int64_t *from;		/* by partition: where that goes on behind what was loaded */
	uint32_t from_count;
	bool over;		/* it has ended, as we do */
	/* of a file */
	struct looks looks;
	int64_t look_ms;	/* ks_clock_ms of the next look */
};

/* --- rows --- */

static int fill_begin(struct filled *x, struct ks_join *j, struct ks_err *err)
{
	int status;

	*x = (struct filled){ .j = j };
	status = ks_run_store_brief(j->memory, &x->store, err);
	return status == 0 ? ks_join_rows_open(j, &x->rows, x->store, err) : status;
}

static void fill_drop(struct filled *x)
{
	ks_join_rows_close(&x->rows);
	ks_store_close(x->store);
	*x = (struct filled){ .j = NULL };
}

static int fill_commit(struct filled *x, struct ks_err *err)
{
	struct ks_barrier b = { .n = ++x->epoch, .kind = KS_GO_ON, .positions = ks_no_headers, .committed = x->epoch - 1, .hop = -1,
		.group = ks_mp_nil };

	return ks_store_commit(x->store, &b, err);
}

static int fill_put(struct filled *x, const struct ks_rec *rec, struct ks_err *err)
{
	struct ks_change c = { .now = rec->value, .latest = true };
	const char *name = x->j->spec.inputs[KS_JOIN_RIGHT].name, *wrong = NULL;

	if ((rec->flags & KS_CHANGE) != 0)
		wrong = ks_change_parse(rec->value, x->j->run->limits->depth, &c);
	if (wrong == NULL)
		wrong = ks_join_wrong_value(x->j, rec);
	if (wrong != NULL)
		return ks_fail(err, KS_DATA, "%s, partition %d, offset %lld: %s", name, (int)rec->partition, (long long)rec->offset, wrong);
	return c.latest ? ks_join_rows_put(x->j, &x->rows, rec, c.now, err) : 0;
}

/* --- a file --- */

static void look(const char *path, struct looks *looks, bool *regular)
{
	struct stat st;

	memset(looks, 0, sizeof(*looks));	/* they are compared as bytes */
	*regular = false;
	if (stat(path, &st) != 0) {
		looks->wrong = errno;
		return;
	}
	looks->device = st.st_dev;
	looks->inode = st.st_ino;
	looks->size = st.st_size;
	looks->changed = st.st_mtim;
	*regular = S_ISREG(st.st_mode);
}

static int put_line(void *arg, struct ks_rec *rec, struct ks_err *err)
{
	struct filled *x = arg;

	if (ks_mp_is_nil(rec->key))
		return ks_fail(err, KS_DATA, "%s@%lld: the row has no key", x->j->spec.inputs[KS_JOIN_RIGHT].name, (long long)rec->offset);
	return fill_put(x, rec, err);
}

static int commit_barrier(void *arg, const struct ks_barrier *b, struct ks_err *err)
{
	(void)b;
	return fill_commit(arg, err);
}

/* A table of what is in the file now; e->looks: of before. */
static int read_file(struct ks_join_endpoint *e, struct ks_join *j, struct filled *x, struct ks_err *err)
{
	struct ks_feed f = { .name = e->name, .limits = j->run->limits, .put = put_line, .barrier = commit_barrier, .arg = x };
	int status = fill_begin(x, j, err);

	if (status == 0)
		status = ks_feed_file(&f, e->name, j->spec.inputs[KS_JOIN_RIGHT].format, j->spec.global_key, j->run->config, err);
	if (status != 0)
		fill_drop(x);
	return status;
}

static int load_file(struct ks_join_endpoint *e, struct ks_join *j)
{
	bool regular;

	look(e->name, &e->looks, &regular);
	if (!regular)
		return e->looks.wrong == 0 ? ks_fail(j->run->err, KS_NOINPUT, "--global '%s' is no regular file", e->name) :
		    ks_fail_errno(j->run->err, KS_NOINPUT, e->looks.wrong, "cannot open '%s'", e->name);
	e->look_ms = ks_clock_ms() + LOOK_MS;
	return read_file(e, j, &e->now, j->run->err);
}

/* It may be half-written, or away for the moment in which another one is put in its place. */
static void tell_kept(const struct ks_join *j, const char *why)
{
	struct ks_err said;

	ks_fail(&said, KS_DATA, "the --global table stays as it was: %s", why);
	if (!j->run->config->quiet)
		ks_say(j->run->config->program, said.text);
}

static int turn_file(struct ks_join_endpoint *e, struct ks_join *j)
{
	int64_t now = ks_clock_ms();
	struct filled x;
	struct looks looks;
	struct ks_err why = { .status = 0 };
	bool regular;

	if (now < e->look_ms)
		return 0;
	look(e->name, &looks, &regular);
	e->look_ms = now + LOOK_MS;
	if (memcmp(&looks, &e->looks, sizeof(looks)) == 0)
		return 0;
	e->looks = looks;
	if (looks.wrong != 0) {
		ks_fail_errno(&why, KS_NOINPUT, looks.wrong, "cannot read '%s'", e->name);
	} else if (!regular) {
		ks_fail(&why, KS_NOINPUT, "'%s' is no regular file any more", e->name);
	} else if (read_file(e, j, &x, &why) == 0) {
		fill_drop(&e->now);
		e->now = x;
		return 0;
	}
	if (ks_signals_end() == 0)
		tell_kept(j, why.text);
	return 0;
}

/* --- a topic --- */

static const char *topic_of(const struct ks_join_endpoint *e)
{
	return strchr(e->name, ':') + 1;
}

static int put_loaded(void *arg, struct ks_rec *rec, struct ks_err *err)
{
	struct filled *x = arg;

	return ks_mp_is_nil(rec->key) ? 0 : fill_put(x, rec, err);
}

/* What was loaded reaches to the positions of its last barrier. */
static int note_positions(void *arg, const struct ks_barrier *b, struct ks_err *err)
{
	struct filled *x = arg;
	struct ks_join_endpoint *e = x->j->endpoint;
	const unsigned char *p, *end = b->positions.p + b->positions.n;
	struct ks_position at;
	struct ks_head list;
	int64_t *from;
	uint32_t i;

	if (ks_mp_head(b->positions.p, end, &list) != KS_MP_OK || list.count > b->positions.n)
		return ks_fail(err, KS_DATA, "%s: positions of a barrier are none", e->name);
	if (list.count > e->from_count) {
		from = reallocarray(e->from, list.count, sizeof(*from));
		if (from == NULL)
			return ks_fail_memory(err);
		e->from = from;
		for (i = e->from_count; i < list.count; i++)
			e->from[i] = 0;
		e->from_count = list.count;
	}
	for (i = 0, p = list.body; i < list.count && ks_position_next(&p, end, &at); i++)
		if (at.partition >= 0 && (uint32_t)at.partition < e->from_count)
			e->from[at.partition] = at.offset;
	return fill_commit(x, err);
}

static int put_later(void *arg, struct ks_rec *rec, struct ks_err *err)
{
	struct filled *x = arg;
	const struct ks_join_endpoint *e = x->j->endpoint;

	if (rec->partition >= 0 && (uint32_t)rec->partition < e->from_count && rec->offset < e->from[rec->partition])
		return 0;
	return put_loaded(arg, rec, err);
}

static int open_topic(struct ks_join_endpoint *e, struct ks_join *j)
{
	int fd, status = ks_children_feed(j->run->children, j->run->options, topic_of(e), KS_FEED_ON, &fd, j->run->err);

	e->feed = (struct ks_feed){ .name = e->name, .limits = j->run->limits, .put = put_later, .arg = &e->now };
	return status == 0 ? ks_feed_open(&e->feed, &e->in, fd, j->run->err) : status;
}

/* All of it that is there. */
static int load_whole(struct ks_join_endpoint *e, struct ks_join *j)
{
	struct ks_feed f = { .name = e->name, .limits = j->run->limits, .put = put_loaded, .barrier = note_positions, .arg = &e->now };
	int fd, status = ks_children_feed(j->run->children, j->run->options, topic_of(e), KS_FEED_WHOLE, &fd, j->run->err);

	return status == 0 ? ks_feed_whole(&f, j->run->children, fd, j->run->err) : status;
}

/* Its HELLO says that it knows where it goes on from. */
static int load_topic(struct ks_join_endpoint *e, struct ks_join *j)
{
	int status = fill_begin(&e->now, j, j->run->err);

	if (status == 0)
		status = ks_feed_until(&e->feed, &e->in, &e->feed.begun, j->run->err);
	if (status == 0 && !e->feed.begun)
		return ks_feed_lost(&e->feed, j->run->children, KS_FEED_ON, j->run->err);
	if (status == 0)
		status = load_whole(e, j);
	return status == 0 ? ks_turn_on(j->run, e->in.fd) : status;
}

static int turn_topic(struct ks_join_endpoint *e, struct ks_join *j)
{
	bool ready = true;
	int i, no, status = 0;

	for (i = 0; i < TURN_READS && status == 0 && !e->over; i++) {
		no = ks_wait(e->in.fd, -1, 0, &ready);
		if (no != 0)
			return ks_feed_failed(&e->feed, no, j->run->err);
		if (!ready)
			return 0;
		status = ks_feed_piece(&e->feed, &e->in, j->run->err);
		if (status == 0 && e->in.eof)
			e->over = true;
	}
	if (status != 0 || !e->over || !e->in.eof)
		return status;
	e->in.eof = false;	/* told once */
	status = ks_feed_lost(&e->feed, j->run->children, KS_FEED_ON, j->run->err);
	return ks_signals_end() != 0 ? 0 : status;	/* all were asked to end */
}

/* --- both --- */

int ks_join_endpoint_open(struct ks_join *j)
{
	struct ks_join_endpoint *e = calloc(1, sizeof(*e));
	int status;

	j->endpoint = e;
	if (e == NULL)
		return ks_join_no_memory(j);
	e->name = j->spec.inputs[KS_JOIN_RIGHT].name;
	e->in.fd = -1;
	status = ks_turns(j->run);
	return status == 0 && j->spec.inputs[KS_JOIN_RIGHT].where == KS_JOIN_TOPIC ? open_topic(e, j) : status;
}

int ks_join_endpoint_load(struct ks_join *j)
{
	struct ks_join_endpoint *e = j->endpoint;
	int status;

	if (e->loaded)
		return 0;
	status = j->spec.inputs[KS_JOIN_RIGHT].where == KS_JOIN_TOPIC ? load_topic(e, j) : load_file(e, j);
	e->loaded = status == 0;
	return status;
}

int ks_join_endpoint_turn(struct ks_join *j)
{
	struct ks_join_endpoint *e = j->endpoint;

	if (!e->loaded)
		return 0;
	return j->spec.inputs[KS_JOIN_RIGHT].where == KS_JOIN_TOPIC ? turn_topic(e, j) : turn_file(e, j);
}

int ks_join_endpoint_save(struct ks_join *j)
{
	return fill_commit(&j->endpoint->now, j->run->err);
}

struct ks_join_rows *ks_join_endpoint_rows(const struct ks_join *j)
{
	return &j->endpoint->now.rows;
}

void ks_join_endpoint_close(struct ks_join *j)
{
	struct ks_join_endpoint *e = j->endpoint;

	if (e == NULL)
		return;
	fill_drop(&e->now);
	ks_in_release(&e->in);
	free(e->from);
	free(e);
	j->endpoint = NULL;
}
