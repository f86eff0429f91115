/* SPDX-License-Identifier: MIT */
/*
 * loop-text.c - JSON lines in and out in one process: the tool scans the
 * text itself, and a line that passes is written from where it was read.
 */
#include "loop-text.h"

#include <errno.h>

#include "input.h"
#include "signals.h"

struct lines {
	struct ks_frame_loop *loop;
	struct ks_in in;
	bool over_long;		/* the rest of a line is being passed over */
};

bool ks_loop_text_ready(const struct ks_frame_loop *l)
{
	const struct ks_config *c = l->config;

	return l->op->text != NULL && c->from == KS_JSON && c->from_given && c->to == KS_JSON &&
	    c->app == NULL && c->time_expr == NULL && !c->time_wall && !c->has_since && !c->has_until && c->key_expr == NULL && !c->unwrap &&
	    !ks_config_merges(c) &&
	    c->only == NULL && c->as == NULL && c->on_error != KS_POLICY_DLQ;
}

static int open_input(struct lines *x, const char *name)
{
	struct ks_frame_loop *l = x->loop;
	int64_t size;
	int status = ks_input_open(name, &x->in.fd, &size, &l->err);

	if (status != 0)
		return status;
	x->in.eof = false;
	l->place = (struct ks_text_place){ .path = strcmp(name, "-") == 0 ? "stdin" : name, .line = 1 };
	ks_input_topic(name, l->place.topic);
	if (size > 0)
		l->stats.total += (uint64_t)size;
	return 0;
}

static inline const unsigned char *skip_blanks(const unsigned char *p)
{
	while (*p == ' ' || *p == '\t' || *p == '\r')
		p++;
	return p;
}

/* n: bytes that are held of it. */
static int reject_over_long(struct ks_frame_loop *l, const unsigned char *line, size_t n)
{
	l->mains--;	/* it is no record */
	return ks_reject_line(&l->run, line, n < KS_REJECT_KEPT ? n : KS_REJECT_KEPT, NULL, ks_reject_over_long);
}

/*
 * A tool's text hook stops at a newline or a NUL.  So a line that holds a
 * NUL, which JSON never does, and one that is too long do not get there.
 * Returns whether it was such a line, and rejected; *newline is its end.
 */
static bool screen(struct lines *x, const unsigned char *p, const unsigned char *end,
    const unsigned char **newline, int *status)
{
	struct ks_frame_loop *l = x->loop;
	const unsigned char *nul;
	size_t n;

	*newline = memchr(p, '\n', (size_t)(end - p));
	if (*newline == NULL)
		*newline = end;
	n = (size_t)(*newline - p);
	nul = memchr(p, '\0', n);
	if (n > l->config->limits.record)
		*status = reject_over_long(l, p, n);
	else if (nul != NULL)
		*status = ks_reject_line(&l->run, p, n, nul, "a NUL byte is not JSON");
	return n > l->config->limits.record || nul != NULL;
}

/* The lines of p[0..end): each ends in a newline, but for the last of the file.  *p moves on. */
static int run_lines(struct lines *x, const unsigned char **at, const unsigned char *end)
{
	struct ks_frame_loop *l = x->loop;
	const unsigned char *p = *at, *next;
	bool odd = p < end && ((size_t)(end - p) > l->config->limits.record ||
	    memchr(p, '\0', (size_t)(end - p)) != NULL);
	int status;

	while (p < end && (int64_t)l->mains != l->config->count) {
		if (KS_UNLIKELY(*p <= ' ')) {
			next = skip_blanks(p);
			if (*next == '\n' || next >= end) {
				l->place.offset += (uint64_t)(next - p) + 1;
				l->place.line++;
				p = next + 1;
				continue;
			}
		}
		l->stats.in++;
		l->mains++;
		if (KS_LIKELY(!odd) || !screen(x, p, end, &next, &status))
			status = l->op->text(l->st, &l->run, p, &next);
		if (KS_UNLIKELY(status != 0))
			return status;
		l->place.offset += (uint64_t)(next - p) + 1;
		l->place.line++;
		p = next + 1;
	}
	*at = p;
	return 0;
}

/* A line past --max-record: rejected once, and passed over to its end. */
static int pass_over(struct lines *x)
{
	const unsigned char *p = x->in.p + x->in.start;
	size_t held = x->in.end - x->in.start;
	int status = 0;

	if (!x->over_long) {
		x->loop->stats.in++;
		x->loop->mains++;
		status = reject_over_long(x->loop, p, held);
	}
	x->over_long = true;
	x->loop->place.offset += held;
	x->in.start = x->in.end;
	return status;
}

static int run_held(struct lines *x)
{
	const unsigned char *p = x->in.p + x->in.start, *end = x->in.p + x->in.end, *nl;
	int status;

	if (x->over_long) {
		nl = memchr(p, '\n', (size_t)(end - p));
		if (nl == NULL)
			return pass_over(x);
		x->over_long = false;
		x->loop->place.offset += (uint64_t)(nl - p) + 1;
		x->loop->place.line++;
		p = nl + 1;
	}
	nl = p < end ? memrchr(p, '\n', (size_t)(end - p)) : NULL;
	if (x->in.eof)
		nl = end;
	else
		nl = nl == NULL ? p : nl + 1;
	status = run_lines(x, &p, nl);
	x->in.start = p > end ? x->in.end : (size_t)(p - x->in.p);
	if (status != 0)
		return status;
	return x->in.end - x->in.start > x->loop->config->limits.record ? pass_over(x) : 0;
}

/* More input; what was gathered goes out before this waits.  *stop: a signal came. */
static int fill(struct lines *x, bool *stop)
{
	struct ks_frame_loop *l = x->loop;
	struct ks_sink *sink = l->sink;
	bool ready = false;
	int no = 0, status = sink != NULL ? sink->settle(sink, &l->err) : 0, wait_ms = 0;

	*stop = false;
	while (status == 0 && !ready && !*stop) {
		ks_signals_drain();
		ks_loop_look(l, stop);
		if (*stop)
			break;
		no = ks_wait(x->in.fd, l->wake, wait_ms, &ready);
		if (no == 0 && !ready && sink != NULL && sink->pending(sink))
			status = sink->flush(sink, &l->err);
		else if (no != 0)
			break;
		if (status == 0 && !ready)
			status = ks_loop_reader(l);
		wait_ms = -1;
	}
	if (status != 0 || *stop)
		return status;
	if (no == 0)
		no = ks_in_fill(&x->in);
	l->stats.bytes = x->in.bytes;
	if (no != 0)
		return ks_fail_errno(&l->err, no == ENOMEM ? KS_TEMP : KS_IO, no, "cannot read '%s'", l->place.path);
	return 0;
}

static int run_file(struct lines *x, const char *name, bool *stop)
{
	struct ks_frame_loop *l = x->loop;
	int status = open_input(x, name);

	while (status == 0 && !x->in.eof && !*stop && (int64_t)l->mains != l->config->count) {
		status = fill(x, stop);
		if (status == 0 && !*stop)
			status = run_held(x);
	}
	ks_input_close(x->in.fd);
	x->in.fd = -1;
	/* The next file is read over the memory of this one's last lines. */
	if (status == 0 && l->sink != NULL)
		status = l->sink->settle(l->sink, &l->err);
	x->in.start = x->in.end = 0;
	x->over_long = false;
	return status;
}

int ks_loop_text_run(struct ks_frame_loop *l)
{
	static const char *const only_stdin[] = { "-" };
	const char *const *names = l->config->in_count > 0 ? l->config->in : only_stdin;
	size_t count = l->config->in_count > 0 ? l->config->in_count : 1, i;
	struct lines x = { .loop = l };
	bool stop = false;
	int status;

	status = ks_loop_empty_output(l);
	if (status != 0)
		return status;
	if (ks_in_open(&x.in, -1, l->config->limits.record + KS_IO_SIZE) != 0)
		return ks_fail_memory(&l->err);
	for (i = 0, status = 0; i < count && status == 0 && !stop; i++)
		status = run_file(&x, names[i], &stop);
	if (l->sink != NULL) {
		struct ks_err kept = l->err;
		int flushed = l->sink->flush(l->sink, &l->err);

		/* What came before a bad line has passed; the first failure is the one to tell. */
		if (status != 0)
			l->err = kept;
		else
			status = flushed;
	}
	ks_in_release(&x.in);
	return status;
}
