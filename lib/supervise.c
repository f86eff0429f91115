/* SPDX-License-Identifier: MIT */
/* supervise.c - when instances are started and ended, and what becomes of their runs. */
#include "supervise-impl.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fdio.h"
#include "signals.h"
#include "stats.h"

#define BACKOFF_MIN_MS 100
#define BACKOFF_MAX_MS 30000
#define HEALTHY_MS 60000	/* a run as long as this was one: the next failure is the first in a row */
#define COLLAPSE_MS 5000	/* from the first failure; a pipeline falls within 1 s (protocol 3.3) */
#define DRAIN_MS 30000		/* from the signal, as long as a stage waits for END; signals.c gives up after 35 s */
#define LAST_MS 2000		/* from SIGTERM to all, until they are killed */
#define METRICS_MS 5000

/* --- what a run came to --- */

static bool is_restarted(int status)
{
	return status == KS_UNAVAILABLE || status == KS_TEMP || (status > 128 && status <= 128 + SIGRTMAX);
}

/* How much a status says about why a run has failed; of two that say as much it is the first. */
static int rank_of(int status)
{
	if (!is_restarted(status))
		return 3;
	return status == KS_TEMP || status == 128 + SIGPIPE ? 1 : 2;
}

static void set_step(struct ks_instance *in, enum ks_step step, int64_t due_ms)
{
	in->step = step;
	in->due_ms = due_ms;
}

static void tell(struct ks_instance *in, struct ks_stage *stage)
{
	if (in->alive > 0 && stage->pid > 0) {
		kill(stage->pid, SIGTERM);
		stage->told = true;
	}
}

/* No run begins any more, and those that are end.  Where the last one has failed the status tells that it is so. */
static void end_all(struct ks_supervisor *s)
{
	int64_t now = ks_clock_ms();
	struct ks_instance *in;
	uint32_t i;

	if (s->ending)
		return;
	s->ending = true;
	for (i = 0; i < s->count; i++) {
		in = &s->instances[i];
		if (in->step == KS_STEP_START) {
			set_step(in, KS_STEP_OVER, 0);
			if (in->status != 0 && s->status == 0)
				s->status = ks_fail(s->err, in->status, "asked to end while '%.100s' was not running", s->plan->name);
		} else if (in->step == KS_STEP_NONE) {
			tell(in, &in->stages[0]);
			set_step(in, KS_STEP_TERM, now + DRAIN_MS);
		}
	}
}

/* A run, or its start, has failed: begin another one, or end. */
static void after_failure(struct ks_supervisor *s, struct ks_instance *in, const char *how)
{
	int64_t now = ks_clock_ms();
	char line[300];

	in->failed_ms = now;
	in->failed_stage = in->reason;
	in->failed_status = in->status;
	if (in->began_ms > 0 && now - in->began_ms >= HEALTHY_MS) {
		in->backoff_ms = BACKOFF_MIN_MS;
		in->in_a_row = 0;
	}
	if (!s->ending && is_restarted(in->status) && (s->plan->max_restarts < 0 || in->in_a_row < s->plan->max_restarts)) {
		in->in_a_row++;
		in->stages[in->reason].restarts++;
		snprintf(line, sizeof(line), "%.200s: starting again in %.1f s", how, (double)in->backoff_ms / 1000);
		if (!s->plan->quiet)
			ks_supervise_say(s, in, line);
		set_step(in, KS_STEP_START, now + in->backoff_ms);
		in->backoff_ms = in->backoff_ms * 2 > BACKOFF_MAX_MS ? BACKOFF_MAX_MS : in->backoff_ms * 2;
		return;
	}
	set_step(in, KS_STEP_OVER, 0);
	if (s->status == 0 || rank_of(in->status) > rank_of(s->status)) {
		s->status = in->status;
		if (s->count > 1)
			snprintf(line, sizeof(line), "instance %u/%u: %.200s", (unsigned)(in - s->instances), (unsigned)s->count, how);
		ks_fail(s->err, in->status, "%s%s", s->count > 1 ? line : how,
		    s->ending ? "" : is_restarted(in->status) ? ": not started again, as --max-restarts says" : ": not started again");
	}
	end_all(s);
}

/* All of its programs have ended. */
static void end_run(struct ks_supervisor *s, struct ks_instance *in)
{
	char how[200];
	size_t i;

	for (i = 0; i < s->plan->pipeline->count; i++)
		ks_supervise_pass(s, in, &in->stages[i], true);
	in->group = 0;
	if (in->rank == 0) {
		in->status = 0;
		set_step(in, KS_STEP_OVER, 0);
		return;
	}
	in->status = in->stages[in->reason].status;
	ks_supervise_how(s, in->reason, in->status, how, sizeof(how));
	after_failure(s, in, how);
}

/* What this process did to a program says nothing of the run: one that knows nothing of SIGTERM dies of it. */
static void note_end(struct ks_instance *in, struct ks_stage *stage, int how)
{
	int rank;

	stage->pid = 0;
	stage->status = WIFEXITED(how) ? WEXITSTATUS(how) : 128 + WTERMSIG(how);
	in->alive--;
	if (stage->status == 0 || (stage->told && stage->status == 128 + SIGTERM) || (stage->killed && in->rank > 0))
		return;
	rank = rank_of(stage->status);
	if (rank > in->rank) {
		in->rank = rank;
		in->reason = (size_t)(stage - in->stages);
	}
	if (in->step == KS_STEP_NONE || (in->step == KS_STEP_TERM && in->due_ms > ks_clock_ms() + COLLAPSE_MS))
		set_step(in, KS_STEP_KILL, ks_clock_ms() + COLLAPSE_MS);
}

static void reap(struct ks_supervisor *s)
{
	struct signalfd_siginfo info[16];
	struct ks_instance *in;
	pid_t pid;
	uint32_t i;
	size_t k;
	int how;

	while (read(s->child, info, sizeof(info)) > 0)
		;
	while ((pid = waitpid(-1, &how, WNOHANG)) > 0) {
		s->changed = true;
		for (i = 0; i < s->count; i++) {
			in = &s->instances[i];
			for (k = 0; k < s->plan->pipeline->count; k++)
				if (in->stages[k].pid == pid)
					note_end(in, &in->stages[k], how);
		}
	}
	/* Those that fell together have all been seen: which of them is the reason does not hang on the order. */
	for (i = 0; i < s->count; i++)
		if (s->instances[i].group > 0 && s->instances[i].alive == 0)
			end_run(s, &s->instances[i]);
}

/* --- steps --- */

static void start(struct ks_supervisor *s, struct ks_instance *in)
{
	struct ks_err err = { 0 };
	char line[100];

	s->changed = true;
	in->rank = 0;
	in->began_ms = ks_clock_ms();
	in->began_wall_ms = ks_wall_ms();
	in->status = ks_supervise_start(s, in, &err);
	if (in->status != 0) {
		after_failure(s, in, err.text);
		return;
	}
	set_step(in, KS_STEP_NONE, 0);
	if (s->plan->verbose > 0) {
		snprintf(line, sizeof(line), "started %zu stages, process group %d", s->plan->pipeline->count, (int)in->group);
		ks_supervise_say(s, in, line);
	}
}

static void take_step(struct ks_supervisor *s, struct ks_instance *in)
{
	size_t i;

	switch (in->step) {
	case KS_STEP_START:
		start(s, in);
		return;
	case KS_STEP_TERM:
		for (i = 0; i < s->plan->pipeline->count; i++)
			tell(in, &in->stages[i]);
		set_step(in, KS_STEP_KILL, in->due_ms + LAST_MS);
		return;
	case KS_STEP_KILL:
		/* The group's number is taken as long as one of them has not been waited for. */
		for (i = 0; i < s->plan->pipeline->count; i++)
			in->stages[i].killed = in->stages[i].pid > 0;
		kill(-in->group, SIGKILL);
		set_step(in, KS_STEP_KILL, in->due_ms + LAST_MS);
		return;
	case KS_STEP_NONE:
	case KS_STEP_OVER:
		return;
	}
}

/* --- waiting --- */

static bool is_waiting(const struct ks_instance *in)
{
	return in->step != KS_STEP_NONE && in->step != KS_STEP_OVER;
}

static int timeout(const struct ks_supervisor *s)
{
	int64_t now = ks_clock_ms(), until = INT64_MAX;
	uint32_t i;

	for (i = 0; i < s->count; i++)
		if (is_waiting(&s->instances[i]) && s->instances[i].due_ms < until)
			until = s->instances[i].due_ms;
	if (s->plan->metrics != NULL && s->written_ms + METRICS_MS < until)
		until = s->written_ms + METRICS_MS;
	if (s->plan->progress && now + 1000 < until)
		until = now + 1000;
	return until == INT64_MAX ? -1 : until <= now ? 0 : (int)(until - now);
}

static int wait_for(struct ks_supervisor *s, struct pollfd *fds)
{
	nfds_t n = 2;
	uint32_t i;
	size_t k;

	fds[0] = (struct pollfd){ .fd = s->wake, .events = POLLIN };
	fds[1] = (struct pollfd){ .fd = s->child, .events = POLLIN };
	for (i = 0; i < s->count; i++)
		for (k = 0; k < s->plan->pipeline->count; k++)
			if (s->instances[i].stages[k].said >= 0)
				fds[n++] = (struct pollfd){ .fd = s->instances[i].stages[k].said, .events = POLLIN };
	if (poll(fds, n, timeout(s)) < 0 && errno != EINTR)
		return ks_fail_errno(s->err, KS_BUG, errno, "cannot wait");
	for (i = 0; i < s->count; i++)
		for (k = 0; k < s->plan->pipeline->count; k++)
			ks_supervise_pass(s, &s->instances[i], &s->instances[i].stages[k], false);
	return 0;
}

/* A disk that is full for a while does not end a pipeline. */
static void write_metrics(struct ks_supervisor *s)
{
	struct ks_err err;
	bool failed;

	if (s->plan->metrics == NULL || (!s->changed && ks_clock_ms() < s->written_ms + METRICS_MS))
		return;
	failed = ks_supervise_metrics(s, &err) != 0;
	if (failed && !s->unwritten)
		ks_say(s->plan->program, err.text);
	s->unwritten = failed;
	s->written_ms = ks_clock_ms();
	s->changed = false;
}

/* last: of --progress, so that what follows has a line of its own. */
static void show(struct ks_supervisor *s, bool last)
{
	bool asked = ks_signals_status() || (last && s->plan->progress);
	char line[400];

	if (!asked && !(s->plan->progress && ks_stats_due(&s->shown_ms)))
		return;
	ks_supervise_line(s, line, sizeof(line));
	ks_stats_over(s->plan->program, line, asked);
}

static bool is_over(const struct ks_supervisor *s)
{
	uint32_t i;

	for (i = 0; i < s->count; i++)
		if (s->instances[i].step != KS_STEP_OVER)
			return false;
	return true;
}

static int go_on(struct ks_supervisor *s)
{
	struct pollfd *fds = calloc(2 + s->count * s->plan->pipeline->count, sizeof(*fds));
	int status = fds == NULL ? ks_fail_memory(s->err) : 0;
	uint32_t i;

	while (status == 0 && !is_over(s)) {
		status = wait_for(s, fds);
		ks_signals_drain();
		reap(s);
		if (ks_signals_end() != 0)
			end_all(s);
		for (i = 0; i < s->count; i++)
			if (is_waiting(&s->instances[i]) && s->instances[i].due_ms <= ks_clock_ms())
				take_step(s, &s->instances[i]);
		write_metrics(s);
		show(s, is_over(s));
	}
	free(fds);
	return status;
}

static int make_instances(struct ks_supervisor *s)
{
	size_t count = s->plan->pipeline->count, k;
	uint32_t i;

	s->instances = calloc(s->count, sizeof(*s->instances));
	for (i = 0; s->instances != NULL && i < s->count; i++) {
		s->instances[i] = (struct ks_instance){ .stages = calloc(count, sizeof(struct ks_stage)), .backoff_ms = BACKOFF_MIN_MS };
		for (k = 0; s->instances[i].stages != NULL && k < count; k++) {
			s->instances[i].stages[k] = (struct ks_stage){ .said = -1, .status = -1, .line = s->count > 1 ? malloc(KS_LINE_MAX) : NULL };
			if (s->count > 1 && s->instances[i].stages[k].line == NULL)
				return ks_fail_memory(s->err);
		}
		if (s->instances[i].stages == NULL)
			return ks_fail_memory(s->err);
	}
	return s->instances == NULL ? ks_fail_memory(s->err) : 0;
}

static void release(struct ks_supervisor *s)
{
	uint32_t i;
	size_t k;

	for (i = 0; s->instances != NULL && i < s->count; i++) {
		for (k = 0; s->instances[i].stages != NULL && k < s->plan->pipeline->count; k++)
			free(s->instances[i].stages[k].line);
		free(s->instances[i].stages);
	}
	free(s->instances);
	ks_buf_release(&s->text);
	if (s->child >= 0)
		close(s->child);
}

int ks_supervise(const struct ks_supervise *plan, int wake, struct ks_err *err)
{
	struct ks_supervisor s = {
		.plan = plan, .err = err, .count = plan->instances > 0 ? plan->instances : 1, .wake = wake, .child = -1,
		.began_ms = ks_clock_ms(), .shown_ms = ks_clock_ms(), .changed = true,
	};
	sigset_t child;
	int status;

	ks_buf_init(&s.text, (size_t)64 << 20);
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, NULL);
	signal(SIGCHLD, SIG_DFL);	/* where it was ignored children would not be waited for */
	s.child = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
	status = s.child < 0 ? ks_fail_errno(err, KS_TEMP, errno, "cannot wait for children") : make_instances(&s);
	if (status == 0 && plan->metrics != NULL)
		status = ks_supervise_metrics(&s, err);
	if (status == 0)
		status = go_on(&s);
	release(&s);
	return status != 0 ? status : s.status;
}
