/* SPDX-License-Identifier: MIT */
/* supervise-show.c - what people and Prometheus are told. */
#include "supervise-impl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fdio.h"
#include "stats.h"

static unsigned number(const struct ks_supervisor *s, const struct ks_instance *in)
{
	return (unsigned)(in - s->instances);
}

void ks_supervise_say(const struct ks_supervisor *s, const struct ks_instance *in, const char *text)
{
	char line[sizeof(s->err->text)];

	if (s->count > 1)
		snprintf(line, sizeof(line), "instance %u/%u: %.500s", number(s, in), (unsigned)s->count, text);
	ks_say(s->plan->program, s->count > 1 ? line : text);
}

void ks_supervise_how(const struct ks_supervisor *s, size_t stage, int status, char *room, size_t n)
{
	const char *program = ks_pipeline_program(&s->plan->pipeline->stages[stage]);
	const char *signal = status > 128 ? sigabbrev_np(status - 128) : NULL;

	if (signal != NULL)
		snprintf(room, n, "stage %zu (%.60s) was killed by SIG%s", stage + 1, program, signal);
	else
		snprintf(room, n, "stage %zu (%.60s) ended with status %d", stage + 1, program, status);
}

/* --- stderr of stages --- */

static void pass_lines(const struct ks_supervisor *s, const struct ks_instance *in, struct ks_stage *stage, bool all)
{
	char line[KS_LINE_MAX + 40], *p = stage->line, *end = stage->line + stage->held, *newline;
	int n;

	while (p < end) {
		newline = memchr(p, '\n', (size_t)(end - p));
		if (newline == NULL && !all && end - p < KS_LINE_MAX)
			break;
		if (newline == NULL)
			newline = end;
		/* A terminal that is not there is nobody's failure. */
		n = snprintf(line, sizeof(line), "%u/%u: %.*s\n", number(s, in), (unsigned)s->count, (int)(newline - p), p);
		if (ks_write_all(STDERR_FILENO, ks_bytes(line, (size_t)n)) != 0)
			newline = end;
		p = newline + (newline < end);
	}
	stage->held = (size_t)(end - p);
	memmove(stage->line, p, stage->held);
}

void ks_supervise_pass(const struct ks_supervisor *s, const struct ks_instance *in, struct ks_stage *stage, bool last)
{
	ssize_t got = -1;

	if (stage->said < 0)
		return;
	do {
		got = read(stage->said, stage->line + stage->held, KS_LINE_MAX - stage->held);
		if (got > 0)
			stage->held += (size_t)got;
		pass_lines(s, in, stage, false);
	} while (got > 0 && last);
	if (!last && (got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR))))
		return;
	pass_lines(s, in, stage, true);
	close(stage->said);
	stage->said = -1;
}

/* --- a line --- */

static void print_span(char *room, size_t n, int64_t ms)
{
	long long s = ms / 1000;

	snprintf(room, n, "%lld:%02lld:%02lld", s / 3600, s / 60 % 60, s % 60);
}

void ks_supervise_line(const struct ks_supervisor *s, char *room, size_t n)
{
	const struct ks_instance *in, *last = NULL;
	char up[40], ago[40], how[200], failure[300] = "no failure";
	uint32_t running = 0, i;
	uint64_t restarts = 0;
	int64_t now = ks_clock_ms();
	size_t k;

	for (i = 0; i < s->count; i++) {
		in = &s->instances[i];
		running += in->alive > 0;
		for (k = 0; k < s->plan->pipeline->count; k++)
			restarts += in->stages[k].restarts;
		if (in->failed_ms > 0 && (last == NULL || in->failed_ms > last->failed_ms))
			last = in;
	}
	print_span(up, sizeof(up), now - s->began_ms);
	if (last != NULL) {
		ks_supervise_how(s, last->failed_stage, last->failed_status, how, sizeof(how));
		print_span(ago, sizeof(ago), now - last->failed_ms);
		snprintf(failure, sizeof(failure), "last failure %s ago: %s", ago, how);
	}
	snprintf(room, n, "%.60s: %u of %u running for %s, %llu restarts, %s", s->plan->name, (unsigned)running,
	    (unsigned)s->count, up, (unsigned long long)restarts, failure);
}

/* --- metrics --- */

/* A label's value, between quotes: of \, " and newline the format wants an escape. */
static int add_label(struct ks_buf *b, const char *text)
{
	int no = ks_buf_add(b, "\"", 1);

	for (; *text != '\0' && no == 0; text++) {
		if (*text == '\n')
			no = ks_buf_add(b, "\\n", 2);
		else if (*text == '\\' || *text == '"')
			no = ks_buf_printf(b, "\\%c", *text);
		else
			no = ks_buf_add(b, text, 1);
	}
	return no == 0 ? ks_buf_add(b, "\"", 1) : no;
}

enum metric { UP, RESTARTS, LAST, METRICS };
static const struct {
	const char *name, *type, *help;
} metrics[] = {
	[UP] = { "kstream_run_up", "gauge", "Whether the stage runs." },
	[RESTARTS] = { "kstream_run_restarts_total", "counter", "Restarts of the pipeline that were due to the stage." },
	[LAST] = { "kstream_run_last_exit_status", "gauge",
		"How the stage ended the last time, 128 and the number of a signal being one." },
};

static int add_sample(struct ks_supervisor *s, enum metric m, const struct ks_instance *in, size_t k)
{
	const struct ks_stage *stage = &in->stages[k];
	struct ks_buf *b = &s->text;
	int64_t value = m == UP ? stage->pid > 0 : m == RESTARTS ? (int64_t)stage->restarts : stage->status;
	int no;

	if (m == LAST && stage->status < 0)
		return 0;
	no = ks_buf_printf(b, "%s{pipeline=", metrics[m].name);
	if (no == 0)
		no = add_label(b, s->plan->name);
	if (no == 0)
		no = ks_buf_printf(b, ",instance=\"%u\",stage=\"%zu\",program=", number(s, in), k + 1);
	if (no == 0)
		no = add_label(b, ks_pipeline_program(&s->plan->pipeline->stages[k]));
	return no == 0 ? ks_buf_printf(b, "} %lld\n", (long long)value) : no;
}

static int add_metric(struct ks_supervisor *s, enum metric m)
{
	int no = ks_buf_printf(&s->text, "# HELP %s %s\n# TYPE %s %s\n", metrics[m].name, metrics[m].help, metrics[m].name,
	    metrics[m].type);
	uint32_t i;
	size_t k;

	for (i = 0; i < s->count; i++)
		for (k = 0; k < s->plan->pipeline->count && no == 0; k++)
			no = add_sample(s, m, &s->instances[i], k);
	return no;
}

static int add_starts(struct ks_supervisor *s)
{
	int no = ks_buf_printf(&s->text, "# HELP kstream_run_start_time_seconds When the run of the instance began, since 1970.\n"
	    "# TYPE kstream_run_start_time_seconds gauge\n");
	uint32_t i;

	for (i = 0; i < s->count && no == 0; i++) {
		if (s->instances[i].began_wall_ms == 0)
			continue;
		no = ks_buf_printf(&s->text, "kstream_run_start_time_seconds{pipeline=");
		if (no == 0)
			no = add_label(&s->text, s->plan->name);
		if (no == 0)
			no = ks_buf_printf(&s->text, ",instance=\"%u\"} %.3f\n", (unsigned)i, (double)s->instances[i].began_wall_ms / 1000);
	}
	return no;
}

/* Whoever reads it sees all of the old or all of the new one.  It tells of now: after a crash nobody wants it. */
static int replace(const char *path, struct ks_bytes text, struct ks_err *err)
{
	char temporary[4096];
	int fd, no;

	if (snprintf(temporary, sizeof(temporary), "%s.new", path) >= (int)sizeof(temporary))
		return ks_fail_errno(err, KS_CANTCREAT, ENAMETOOLONG, "cannot make the metrics '%.100s...'", path);
	fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0)
		return ks_fail_errno(err, KS_CANTCREAT, errno, "cannot make the metrics '%.400s'", temporary);
	no = ks_write_all(fd, text);
	if (close(fd) != 0 && no == 0)
		no = errno;
	if (no == 0 && rename(temporary, path) != 0)
		no = errno;
	if (no == 0)
		return 0;
	unlink(temporary);
	return ks_fail_errno(err, KS_IO, no, "cannot write the metrics '%.400s'", path);
}

int ks_supervise_metrics(struct ks_supervisor *s, struct ks_err *err)
{
	int no = 0, m;

	s->text.n = 0;
	for (m = 0; m < METRICS && no == 0; m++)
		no = add_metric(s, (enum metric)m);
	if (no == 0)
		no = add_starts(s);
	return no != 0 ? ks_fail_memory(err) : replace(s->plan->metrics, ks_buf_bytes(&s->text), err);
}
