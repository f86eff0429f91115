/* SPDX-License-Identifier: MIT */
/*
 * reset-plan.c - DIR/APP/reset.plan: what a reset has begun to do.  A few lines:
 *
 *	kstream-reset 1
 *	app ticker
 *	run 8
 *	kafka
 *	marked
 *	asked --offset beginning --empty ticker-1m
 *	to beginning
 *	position 0 2 trades
 *	topic log ticker-state
 *	topic out ticker-1m
 *	end
 *
 * run is that which the ledger will have; kafka is there where some of it is done
 * there, marked when step 2 is; asked is what the user said; a position is an offset (-1: as it stands), a
 * partition and a name; the last line tells a whole file from a cut one.
 */
#include "reset.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "fdio.h"
#include "num.h"
#include "state-dir.h"

#define PLAN_MAX ((size_t)8 << 20)	/* bytes: 30,000 partitions of a topic with the longest name */

static int print_plan(const struct ks_reset *r, struct ks_buf *b)
{
	const struct ks_reset_topic *t;
	const struct ks_reset_part *p;
	int no = ks_buf_printf(b, "kstream-reset 1\napp %s\nrun %lld\n%s%s", r->app, (long long)r->final_run,
	    r->in_kafka ? "kafka\n" : "", r->marked ? "marked\n" : "");

	if (no == 0 && r->asked != NULL)
		no = ks_buf_printf(b, "asked %s\n", r->asked);
	if (no == 0)
		no = ks_buf_printf(b, "to %s\n", r->told);

	for (p = r->parts; p < r->parts + r->part_count && no == 0; p++)
		no = ks_buf_printf(b, "position %lld %d %s\n", (long long)p->to, (int)p->partition, p->input);
	for (t = r->topics; t < r->topics + r->topic_count && no == 0; t++)
		no = ks_buf_printf(b, "topic %s %s\n", t->log ? "log" : "out", t->name);
	return no == 0 ? ks_buf_printf(b, "end\n") : no;
}

int ks_reset_write(struct ks_reset *r, struct ks_err *err)
{
	struct ks_buf b;
	int no;

	ks_buf_init(&b, PLAN_MAX);
	no = print_plan(r, &b);
	if (no == 0)
		no = ks_replace_at(r->lock, KS_RESET_PLAN ".new", KS_RESET_PLAN, ks_buf_bytes(&b));
	ks_buf_release(&b);
	return no == 0 ? 0 : ks_state_unusable(r->home, no, "write the plan of the reset in", err);
}

/* What is behind word on the next line, if that begins with it. */
static bool take(struct ks_bytes *text, const char *word, struct ks_bytes *rest)
{
	const unsigned char *nl = text->n > 0 ? memchr(text->p, '\n', text->n) : NULL;
	size_t n = strlen(word);

	if (nl == NULL || (size_t)(nl - text->p) < n || memcmp(text->p, word, n) != 0)
		return false;
	*rest = ks_bytes(text->p + n, (size_t)(nl - text->p) - n);
	*text = ks_bytes(nl + 1, text->n - (size_t)(nl + 1 - text->p));
	return true;
}

static bool take_number(struct ks_bytes *line, int64_t min, int64_t max, int64_t *x)
{
	const unsigned char *blank = line->n > 0 ? memchr(line->p, ' ', line->n) : NULL;

	if (blank == NULL || ks_num_parse_i64(ks_bytes(line->p, (size_t)(blank - line->p)), x) != 0 || *x < min || *x > max)
		return false;
	*line = ks_bytes(blank + 1, line->n - (size_t)(blank + 1 - line->p));
	return line->n > 0;
}

static bool take_position(struct ks_reset *r, struct ks_bytes line)
{
	struct ks_reset_part *p;
	int64_t to, partition;

	if (!take_number(&line, KS_RESET_STAYS, INT64_MAX - 1, &to) || !take_number(&line, 0, INT32_MAX, &partition))
		return false;
	for (p = r->parts; p < r->parts + r->part_count; p++)
		if (p->partition == partition && ks_bytes_is(line, p->input))
			p->to = to;
	return true;
}

static bool take_topic(struct ks_reset *r, struct ks_bytes line, int *no)
{
	bool log = line.n > 4 && memcmp(line.p, "log ", 4) == 0;
	char name[KS_NAME_MAX + 1];

	if (line.n < 5 || line.n - 4 > KS_NAME_MAX || (!log && memcmp(line.p, "out ", 4) != 0))
		return false;
	memcpy(name, line.p + 4, line.n - 4);
	name[line.n - 4] = '\0';
	if (ks_reset_add_topic(r, name, log) == NULL)
		*no = ENOMEM;
	return true;
}

/* *no: for want of memory. */
static bool parse_plan(struct ks_reset *r, struct ks_bytes text, int *no)
{
	struct ks_bytes line;

	if (!take(&text, "kstream-reset 1", &line) || line.n > 0 || !take(&text, "app ", &line) || !ks_bytes_is(line, r->app) ||
	    !take(&text, "run ", &line) || ks_num_parse_i64(line, &r->final_run) != 0 || r->final_run < 1 || r->final_run >= INT64_MAX)
		return false;
	r->in_kafka = take(&text, "kafka", &line);
	r->marked = take(&text, "marked", &line);
	if (take(&text, "asked ", &line) && (r->asked = strndup((const char *)line.p, line.n)) == NULL)
		*no = ENOMEM;
	if (*no != 0 || !take(&text, "to ", &line))
		return false;
	snprintf(r->told, sizeof(r->told), "%.*s", (int)line.n, (const char *)line.p);
	if (strcmp(r->told, KS_RESET_SAID_LAST_GOOD) == 0)
		r->to = KS_RESET_LAST_GOOD;
	while (*no == 0 && take(&text, "position ", &line))
		if (!take_position(r, line))
			return false;
	while (*no == 0 && take(&text, "topic ", &line))
		if (!take_topic(r, line, no))
			return false;
	return ks_bytes_is(text, "end\n");
}

/* The ledger is the last to be changed, and its run tells. */
static bool is_done(const struct ks_reset *r)
{
	const struct ks_reset_part *p;
	size_t i;

	for (i = 0; i < r->instance_count; i++)
		if (r->instances[i].ledger.run >= r->final_run)
			return true;
	for (p = r->parts; p < r->parts + r->part_count; p++)
		if (r->marked && !p->marked && !p->file && (p->sink || !r->filed) && p->run >= r->final_run)
			return true;
	return false;
}

/* What the command line says of them is not what was begun. */
static void drop_topics(struct ks_reset *r)
{
	while (r->topic_count > 0)
		free(r->topics[--r->topic_count].name);
	free(r->topics);
	r->topics = NULL;
}

/* The plan that was begun, in place of what r asks for. */
static int read_plan(struct ks_reset *r, struct ks_err *err)
{
	char *path;
	struct ks_buf text;
	int fd, no;

	if (asprintf(&path, "%s/" KS_RESET_PLAN, r->home) < 0)
		return ks_fail_memory(err);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	no = fd < 0 ? errno : 0;
	free(path);
	if (no == ENOENT)
		return 0;
	ks_buf_init(&text, PLAN_MAX);
	if (no == 0)
		no = ks_buf_read(&text, fd);
	if (fd >= 0)
		close(fd);
	drop_topics(r);
	free(r->asked);
	r->asked = NULL;
	r->resumed = no == 0 && parse_plan(r, ks_buf_bytes(&text), &no);
	ks_buf_release(&text);
	if (no != 0)
		return ks_fail_errno(err, KS_IO, no, "cannot read '%s/" KS_RESET_PLAN "'", r->home);
	if (!r->resumed)
		return ks_fail(err, KS_CONFIG, "'%s/" KS_RESET_PLAN "' is damaged: remove it, and give the reset anew", r->home);
	r->done = is_done(r);
	/* Until all was marked a run elsewhere may have gone on. */
	if (!r->marked && !r->done && r->final_run <= r->run)
		r->final_run = r->run + 1;
	return 0;
}

int ks_reset_resume(struct ks_reset *r, bool plain, struct ks_err *err)
{
	char *asked = strdup(r->asked);
	int status = asked != NULL ? read_plan(r, err) : ks_fail_memory(err);

	if (status == 0 && r->resumed && !plain && (r->asked == NULL || strcmp(r->asked, asked) != 0))
		status = ks_fail(err, KS_CONFIG, "app '%s' is being reset, as was asked for before%s%.200s, and that has not come to its end: "
		    "leave out what is asked for now, to go on with that, or give --replan, to do this instead",
		    r->app, r->asked != NULL ? " with " : "", r->asked != NULL ? r->asked : "");
	free(asked);
	return status;
}

int ks_reset_replan(struct ks_reset *r, bool *given_up, struct ks_err *err)
{
	struct ks_reset begun = *r;
	const struct ks_reset_topic *t;
	int status;

	/* Parts are those of both: where they go is said anew, of each. */
	begun.to = KS_RESET_BEGINNING;
	begun.topics = NULL;
	begun.topic_count = 0;
	begun.asked = NULL;
	status = read_plan(&begun, err);
	*given_up = status == 0 && begun.resumed;
	if (*given_up && !begun.done && r->to == KS_RESET_LAST_GOOD && begun.to != KS_RESET_LAST_GOOD)
		status = ks_fail(err, KS_CONFIG, "app '%s' is being reset, and what it kept may be gone: --offset last-good comes too late", r->app);
	for (t = begun.topics; t < begun.topics + begun.topic_count && status == 0 && *given_up && !begun.done; t++)
		if (t->log && ks_reset_add_topic(r, t->name, true) == NULL)
			status = ks_fail_memory(err);
	if (*given_up && begun.final_run > r->run)
		r->run = begun.final_run;
	drop_topics(&begun);
	free(begun.asked);
	return status;
}
