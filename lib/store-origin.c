/* SPDX-License-Identifier: MIT */
/*
 * store-origin.c - which commits a state goes on from, by partition, and
 * which it is good for.
 *
 * A partition that has gone on elsewhere, or that this is an older copy of,
 * looks like any other: so the state keeps by whose and by which commit it
 * began, and is good only for that one, or for one of the run that it was
 * last opened with.
 */
#include "store-impl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "num.h"
#include "state-dir.h"

#define TEXT_MAX ((size_t)8 << 20)	/* 10,000 partitions with names as long as they may be take 3 MB */
static const unsigned char key_origins[] = { KS_ON_DISK_META, 'o' };

void ks_origins_release(struct ks_origins *x)
{
	free(x->list);
	*x = (struct ks_origins){ .list = NULL };
}

static int by_partition(const void *partition, const void *origin)
{
	int32_t a = *(const int32_t *)partition, b = ((const struct ks_origin *)origin)->partition;

	return (a > b) - (a < b);
}

struct ks_origin *ks_origins_find(const struct ks_origins *x, int32_t partition)
{
	return x->count > 0 ? bsearch(&partition, x->list, x->count, sizeof(*x->list), by_partition) : NULL;
}

/* --- on disk: "opened E" or "restoring E", "changelog TOPIC" or "changelog -", and lines of partition, epoch, run, logged and owner --- */

int ks_origins_write(struct ks_store *s, const struct ks_origins *x, struct ks_err *err)
{
	const struct ks_origin *o;
	struct ks_buf text;
	int no, status;

	ks_buf_init(&text, TEXT_MAX);
	no = ks_buf_printf(&text, "%s %lld\nchangelog %s\n", x->restoring ? "restoring" : "opened", (long long)x->opened,
	    x->changelog[0] != '\0' ? x->changelog : "-");
	for (o = x->list; o < x->list + x->count && no == 0; o++)
		if (!o->wanted)
			no = ks_buf_printf(&text, "%d %lld %lld %lld %s\n", (int)o->partition, (long long)o->epoch, (long long)o->run,
			    (long long)o->logged, o->owner);
	status = no != 0 ? ks_fail_memory(err) : ks_disk_put(s->disk, ks_bytes(key_origins, sizeof(key_origins)), ks_buf_bytes(&text), err);
	ks_buf_release(&text);
	return status;
}

/* The bytes up to a delimiter, which goes; false: there is none. */
static bool take_word(struct ks_bytes *text, unsigned char end, struct ks_bytes *word)
{
	const unsigned char *at = text->n > 0 ? memchr(text->p, end, text->n) : NULL;

	if (at == NULL)
		return false;
	*word = ks_bytes(text->p, (size_t)(at - text->p));
	*text = ks_bytes(at + 1, text->n - word->n - 1);
	return true;
}

static bool take_number(struct ks_bytes *text, unsigned char end, int64_t min, int64_t max, int64_t *x)
{
	struct ks_bytes word;

	return take_word(text, end, &word) && ks_num_parse_i64(word, x) == 0 && *x >= min && *x <= max;
}

static bool take_name(struct ks_bytes *text, char room[KS_NAME_MAX + 1])
{
	struct ks_bytes word;

	if (!take_word(text, '\n', &word) || word.n == 0 || word.n > KS_NAME_MAX)
		return false;
	memcpy(room, word.p, word.n);
	room[word.n] = '\0';
	return true;
}

static bool take_head(struct ks_bytes *text, struct ks_origins *x)
{
	struct ks_bytes word;

	if (!take_word(text, ' ', &word) || (!ks_bytes_is(word, "opened") && !ks_bytes_is(word, "restoring")))
		return false;
	x->restoring = ks_bytes_is(word, "restoring");
	if (!take_number(text, '\n', 0, INT64_MAX - 1, &x->opened) ||
	    !take_word(text, ' ', &word) || !ks_bytes_is(word, "changelog") || !take_name(text, x->changelog))
		return false;
	if (strcmp(x->changelog, "-") == 0)
		x->changelog[0] = '\0';
	return true;
}

static bool take_origin(struct ks_bytes *text, struct ks_origin *o)
{
	int64_t partition;

	*o = (struct ks_origin){ .wanted = false };
	if (!take_number(text, ' ', -1, INT32_MAX, &partition) || !take_number(text, ' ', 0, INT64_MAX - 1, &o->epoch) ||
	    !take_number(text, ' ', 0, INT64_MAX - 1, &o->run) || !take_number(text, ' ', -1, INT64_MAX - 1, &o->logged) ||
	    !take_name(text, o->owner))
		return false;
	o->partition = (int32_t)partition;
	return true;
}

static int damaged(const struct ks_store *s, struct ks_err *err)
{
	return ks_fail(err, KS_CONFIG, "the state in '%s' is damaged, what it says of partitions is none: put a copy in its place, "
	    "give another --app, or remove '%s' to begin again from the start", s->home, s->root);
}

static int add_origin(struct ks_origins *x, const struct ks_origin *o)
{
	struct ks_origin *wider;

	if ((x->count & (x->count - 1)) == 0) {
		wider = reallocarray(x->list, x->count == 0 ? 1 : 2 * x->count, sizeof(*wider));
		if (wider == NULL)
			return ENOMEM;
		x->list = wider;
	}
	x->list[x->count++] = *o;
	return 0;
}

int ks_origins_read(struct ks_store *s, struct ks_err *err)
{
	struct ks_origins *x = &s->origins;
	struct ks_bytes left;
	struct ks_origin o;
	struct ks_buf text;
	int status;

	ks_buf_init(&text, TEXT_MAX);
	status = ks_disk_get(s->disk, ks_bytes(key_origins, sizeof(key_origins)), &text, &x->there, err);
	left = ks_buf_bytes(&text);
	if (status == 0 && x->there && !take_head(&left, x))
		status = damaged(s, err);
	while (status == 0 && left.n > 0) {
		if (!take_origin(&left, &o) || (x->count > 0 && x->list[x->count - 1].partition >= o.partition))
			status = damaged(s, err);
		else if (add_origin(x, &o) != 0)
			status = ks_store_no_memory(err);
	}
	ks_buf_release(&text);
	return status;
}

/* --- judging them --- */

static bool is_within(const struct ks_store *s, int64_t epoch)
{
	return epoch >= s->floor && epoch <= s->epoch;
}

/* The epoch at which the state is good for a word; -1: none. */
static int64_t good_at(const struct ks_store *s, const struct ks_store_word *w)
{
	const struct ks_origin *o = ks_origins_find(&s->origins, w->partition);

	if (!w->ours || (o == NULL && s->origins.there))
		return -1;
	if ((w->run == s->run || o == NULL) && is_within(s, w->epoch))
		return w->epoch;
	if (o != NULL && o->run == w->run && o->epoch == w->epoch && ks_bytes_is(w->owner, o->owner) && is_within(s, s->origins.opened))
		return s->origins.opened;
	return -1;
}

static bool went_on(const struct ks_store *s, const struct ks_store_word *w)
{
	return w->epoch > 0 && good_at(s, w) >= 0 && (w->run == s->run || !s->origins.there);
}

/* Where the good ones agree; where they do not, what the last run has committed counts. */
static int64_t find_back(const struct ks_store *s, const struct ks_store_config *c)
{
	const struct ks_store_word *w;
	int64_t epoch, back = -1;

	for (w = c->words; w < c->words + c->word_count; w++)
		if (went_on(s, w) && w->epoch > back)
			back = w->epoch;
	for (w = c->words; w < c->words + c->word_count && back < 0; w++) {
		epoch = w->epoch > 0 ? good_at(s, w) : -1;
		if (epoch > back)
			back = epoch;
	}
	return back;
}

static int refuse_word(const struct ks_store *s, const struct ks_store_config *c, const struct ks_store_word *w, struct ks_err *err)
{
	if (!w->ours)
		return ks_fail(err, KS_CONFIG, "%.*s/%d was last read by instance %.*s of app '%s', which has its state: give --changelog TOPIC, from which it is restored, "
		    "or go on with that one, and as many instances as before", w->input.n < 200 ? (int)w->input.n : 200, (const char *)w->input.p, (int)w->partition,
		    w->owner.n < 200 ? (int)w->owner.n : 200, (const char *)w->owner.p, c->app);
	return ks_fail(err, KS_CONFIG, "the state in '%s' is not the one that epoch %lld of partition %d was committed with: it is an older copy; "
	    "put the right one there, give --changelog TOPIC, from which it is restored, or another --app", s->home, (long long)w->epoch, (int)w->partition);
}

/* Its other owner has gone on with it, or will. */
static int refuse_lost(const struct ks_store *s, int32_t partition, struct ks_err *err)
{
	return ks_fail(err, KS_CONFIG, "the state in '%s' has partition %d, which this instance does not read any more: give --changelog TOPIC, so that it can move, "
	    "or go on with the instances of before", s->home, (int)partition);
}

static const struct ks_store_word *word_of(const struct ks_store_config *c, int32_t partition)
{
	const struct ks_store_word *w;

	for (w = c->words; w < c->words + c->word_count; w++)
		if (w->partition == partition)
			return w;
	return NULL;
}

/* The sink says that the run which the state was last opened with was the first to commit. */
static bool was_first(const struct ks_store *s)
{
	int dir = open(s->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool first = dir >= 0 && s->run > 0 && ks_state_number(dir, KS_FIRST_RUN) == s->run;

	if (dir >= 0)
		close(dir);
	return first;
}

void ks_origins_forget_first(const struct ks_store *s)
{
	int dir = open(s->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir >= 0 && ks_state_number(dir, KS_FIRST_RUN) > 0)
		(void)unlinkat(dir, KS_FIRST_RUN, 0);
	if (dir >= 0)
		close(dir);
}

/* What a barrier or the sink has said is committed, of all partitions that the state was opened for, is no more: nothing that goes on mends that. */
int ks_origins_remembered(const struct ks_store *s, const struct ks_store_config *c, struct ks_err *err)
{
	const struct ks_store_word *w;
	const struct ks_origin *o;

	for (w = c->words; w < c->words + c->word_count; w++) {
		o = w->epoch == 0 ? ks_origins_find(&s->origins, w->partition) : NULL;
		if (o != NULL && (o->epoch > 0 || s->floor > s->origins.opened || was_first(s)))
			return ks_fail(err, KS_CONFIG, "Kafka knows of no commit of %.*s/%d by app '%s', but the state in '%s' has gone on with that partition: "
			    "its group was deleted or forgotten, or another topic was read, or a kstream-reset elsewhere has not seen this state; "
			    "read that topic, give another --app, or kstream-reset --app %s here, too, or remove '%s' to begin again from the start",
			    w->input.n < 200 ? (int)w->input.n : 200, (const char *)w->input.p, (int)w->partition, c->app, s->home, c->app, s->root);
	}
	return 0;
}

int ks_origins_refuse(const struct ks_store *s, const struct ks_store_config *c, bool ours, struct ks_err *err)
{
	int64_t back = find_back(s, c);
	const struct ks_store_word *w;
	const struct ks_origin *o;

	for (w = c->words; w < c->words + c->word_count; w++)
		if (w->epoch > 0 && !w->ours)
			return refuse_word(s, c, w, err);
	for (w = c->words; w < c->words + c->word_count && ours; w++)
		if (w->epoch > 0 && (back < 0 || good_at(s, w) != back))
			return refuse_word(s, c, w, err);
	for (o = s->origins.list; o < s->origins.list + s->origins.count && ours; o++)
		if ((o->epoch > 0 || back > s->origins.opened) && word_of(c, o->partition) == NULL)
			return refuse_lost(s, o->partition, err);
	return 0;
}

/* From this epoch on, as the state will count them, the changelog has all. */
static int64_t logged_at(const struct ks_store *s, const struct ks_store_config *c, const struct ks_origin *o, int64_t back)
{
	const struct ks_origin *was = ks_origins_find(&s->origins, o->partition);

	if (c->changelog == NULL)
		return -1;
	if (o->wanted)
		return c->epoch;
	if (was == NULL || was->logged < 0 || was->logged > back || strcmp(s->origins.changelog, c->changelog) != 0)
		return -1;
	return back == c->epoch ? was->logged : c->epoch;
}

static struct ks_origin judge(const struct ks_store *s, const struct ks_store_config *c, const struct ks_store_word *w, int64_t back)
{
	struct ks_origin o = { .partition = w->partition, .epoch = w->epoch, .run = w->run, .owner = "-" };

	if (w->owner.n > 0 && w->owner.n <= KS_NAME_MAX)
		snprintf(o.owner, sizeof(o.owner), "%.*s", (int)w->owner.n, (const char *)w->owner.p);
	o.wanted = w->epoch > 0 && (back < 0 || good_at(s, w) != back);
	o.logged = logged_at(s, c, &o, back);
	return o;
}

/* What is there of a partition without a commit is not known to be nothing. */
static bool comes_or_goes(const struct ks_store *s, const struct ks_origin *o)
{
	const struct ks_origin *was = ks_origins_find(&s->origins, o->partition);

	return o->wanted || (o->epoch == 0 && s->origins.there && s->epoch > 0 && (was == NULL || was->epoch > 0));
}

int ks_origins_judge(const struct ks_store *s, const struct ks_store_config *c, struct ks_origins *next, int64_t *back,
    bool *move, struct ks_err *err)
{
	const struct ks_store_word *w;
	struct ks_origin o;
	size_t i;

	*back = find_back(s, c);
	*next = (struct ks_origins){ .opened = c->epoch, .there = true };
	*move = (*back >= 0 && *back != c->epoch) || s->origins.restoring;
	if (c->changelog != NULL)
		snprintf(next->changelog, sizeof(next->changelog), "%s", c->changelog);
	for (w = c->words; w < c->words + c->word_count; w++) {
		o = judge(s, c, w, *back);
		*move = *move || comes_or_goes(s, &o);
		if (add_origin(next, &o) != 0)
			return ks_store_no_memory(err);
	}
	for (i = 0; i < s->origins.count; i++)
		*move = *move || ks_origins_find(next, s->origins.list[i].partition) == NULL;
	*move = (*move && c->changelog != NULL) || s->origins.restoring;
	return 0;
}

int ks_origins_keep(const struct ks_store *s, const struct ks_origins *next, struct ks_origins *kept)
{
	const struct ks_origin *o, *was;
	int no = 0;

	*kept = (struct ks_origins){ .opened = s->origins.there ? s->origins.opened : next->opened, .there = true, .restoring = true };
	memcpy(kept->changelog, s->origins.changelog, sizeof(kept->changelog));
	for (o = next->list; o < next->list + next->count && no == 0; o++) {
		was = s->origins.there ? ks_origins_find(&s->origins, o->partition) : o;
		if (!o->wanted && o->epoch > 0 && was != NULL)
			no = add_origin(kept, was);
	}
	return no;
}
