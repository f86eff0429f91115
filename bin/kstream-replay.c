/* SPDX-License-Identifier: MIT */
/*
 * kstream-replay - read a past range once more, in the order of its times.
 *
 * Options and hooks.  The merge is the source's (kafka-order.c, and of files
 * source-recorded.c and source-text-order.c); what comes behind it is
 * lib/replay.h.  It keeps nothing: --app is refused.
 */
#include <signal.h>
#include <stdio.h>

#include "lib/hello.h"
#include "lib/replay.h"
#include "lib/run-store.h"
#include "lib/signals.h"

enum { OPT_REORDER, OPT_LATE, OPT_SPEED, OPT_RECORD, OPT_MEMORY };

static const struct ks_option options[] = {
	[OPT_REORDER] = { "reorder", 0, "DURATION", "put in order what is no later than this" },
	[OPT_LATE] = { "late", 0, "WHERE", "pass, drop, route:TOPIC or file:PATH" },
	[OPT_SPEED] = { "speed", 0, "HOW", "1x, 10x, ... by the times; max" },
	[OPT_RECORD] = { "record", 0, "FILE", "keep it as frames, too, with FILE.index" },
	[OPT_MEMORY] = { "memory", 0, "SIZE", NULL },
	{ 0 },
};

static int replay_option(void *arg, struct ks_run *run, unsigned at, const char *value)
{
	struct ks_replay *r = arg;

	switch (at) {
	case OPT_REORDER: return ks_replay_reorder(r, value, run->err);
	case OPT_LATE: return ks_replay_late(r, value, run->err);
	case OPT_SPEED: return ks_replay_speed(r, value, run->err);
	case OPT_RECORD: r->record = value; return 0;
	default: return ks_run_memory(run, value, &r->memory);
	}
}

static bool was_given(const struct ks_run *run, const char *name)
{
	const struct ks_options *o = run->options;
	size_t i;

	for (i = 0; i < o->given_count; i++)
		if (strcmp(o->given[i].option->name, name) == 0)
			return true;
	return false;
}

static int replay_operands(void *arg, struct ks_run *run, int argc, char *const argv[], int *used)
{
	const struct ks_config *c = run->config;
	struct ks_replay *r = arg;

	(void)argv;
	(void)used;
	ks_replay_range(r, c);
	if (c->app != NULL)
		return ks_fail(run->err, KS_USAGE, "--app: a replay keeps nothing; kstream-cat --app %s --since ... --until ... reads a range once, and goes on",
		    c->app);
	if (was_given(run, "group"))
		return ks_fail(run->err, KS_USAGE, "-G: a replay reads all partitions itself, and tells no group: leave it out");
	if (c->order != KS_ORDER_UNSAID)
		return ks_fail(run->err, KS_USAGE, "--order: a replay has one order, by time over all partitions; kstream-cat has the others");
	if (c->time_wall)
		return ks_fail(run->err, KS_USAGE, "--time wall: a replay goes by the times that the records have");
	if (c->in_count + (size_t)argc > 1 && c->from != KS_FRAMES && c->from != KS_ENVELOPE && c->time_expr == NULL)
		return ks_fail(run->err, KS_USAGE, "several files are merged by time, which lines have by --time EXPR");
	if (!r->reorders && r->late_given)
		return ks_fail(run->err, KS_USAGE, "--late: nothing is late without --reorder DURATION");
	if (!r->reorders && r->memory > 0)
		return ks_fail(run->err, KS_USAGE, "--memory is about what --reorder DURATION holds");
	if (r->record != NULL && c->out != NULL && strcmp(c->out, r->record) == 0)
		return ks_fail(run->err, KS_USAGE, "--record and --out are one file: leave out --out");
	return 0;
}

static int replay_open(void *arg, struct ks_run *run)
{
	struct ks_replay *r = arg;

	r->run = run;
	return ks_replay_open(r);
}

static bool replay_passes(void *arg)
{
	const struct ks_replay *r = arg;

	return !r->reorders && r->speed <= 0 && r->record == NULL && !r->shows;
}

static int replay_hello(void *arg, struct ks_run *run)
{
	(void)run;
	return ks_replay_hello(arg);
}

static int replay_forward(void *arg, struct ks_run *run, struct ks_bytes payload, struct ks_buf *b)
{
	const struct ks_replay *r = arg;
	struct ks_buf merged;
	int no = 0;

	ks_buf_init(&merged, KS_CONTROL_MAX + KS_FRAME_HEAD);
	if (!r->merged)		/* from here on it is in an order that is to stay */
		no = ks_hello_add_merged(r->late == KS_REPLAY_ROUTE ? &merged : b, payload);
	if (!r->merged && merged.n > 0)
		payload = ks_bytes(merged.p + KS_FRAME_HEAD, merged.n - KS_FRAME_HEAD);
	if (no == 0 && r->late == KS_REPLAY_ROUTE)
		no = ks_hello_add_side(b, payload, r->late_to);
	ks_buf_release(&merged);
	return no == 0 ? 0 : ks_fail_memory(run->err);
}

static int replay_record(void *arg, struct ks_run *run, unsigned input, struct ks_rec *rec)
{
	struct ks_replay *r = arg;

	(void)run;
	(void)input;
	return r->reorders && !r->stopped ? ks_replay_hold(r, rec) : ks_replay_emit(r, rec);
}

/* What is held is older than what a mark tells of. */
static int replay_mark(void *arg, struct ks_run *run, struct ks_mark *m)
{
	const struct ks_replay *r = arg;

	(void)run;
	if (r->reorders)
		m->partition = -1;
	return 0;
}

/* However it ends, what is held goes: there is no later run that would know of it.  But a signal means now. */
static int replay_barrier(void *arg, struct ks_run *run, const struct ks_barrier *b)
{
	struct ks_replay *r = arg;

	(void)run;
	if (b->kind == KS_GO_ON)
		return 0;
	if (ks_signals_end() != 0 && r->sorter.waiting > 0)
		ks_replay_stop(r);
	return ks_replay_release(r);
}

static void tell_spilled(const struct ks_replay *r)
{
	struct ks_err said;

	if (r->run->config->verbose > 0 && r->sorter.spilled > 0)
		fprintf(stderr, "kstream-replay: of what --reorder held, %s\n", ks_sorter_about(&r->sorter, &said));
}

/* A recording that a signal has cut is none of the range: whoever goes on with it by && is stopped.  SIGINT kills in the end anyway. */
static int replay_answer(void *arg, struct ks_run *run)
{
	struct ks_replay *r = arg;
	char text[160];
	int status = ks_beside_finish(&r->letters.file, run->err);

	if (r->late_count > 0) {
		snprintf(text, sizeof(text), "%llu record%s came later than --reorder allows%s", (unsigned long long)r->late_count,
		    r->late_count == 1 ? "" : "s", r->late != KS_REPLAY_PASS ? "" :
		    r->late_count == 1 ? ", and stands where it came" : ", and stand where they came");
		ks_warn(run, text);
	}
	ks_replay_tell_empty(r);
	tell_spilled(r);
	if (status != 0 || r->record == NULL)
		return status;
	if (ks_signals_end() == 0)
		return ks_recorder_finish(&r->recorder, run->err);
	snprintf(text, sizeof(text), "a signal has come: '%.100s' is not written", r->record);
	if (ks_signals_end() != SIGINT)
		return ks_fail(run->err, KS_TEMP, "%s", text);
	ks_tell(run, text);
	return 0;
}

static void replay_close(void *arg, struct ks_run *run)
{
	(void)run;
	ks_replay_close(arg);
}

static const struct ks_op op = {
	.name = "kstream-replay",
	.synopsis = "[-b BROKER -t TOPIC ...] [--since TIME] [--until TIME] [--reorder DURATION] [--late WHERE] [--speed HOW] [--record FILE] [FILE ...]",
	.purpose = "read a past range once more, in the order of its times",
	.options = options,
	.size = sizeof(struct ks_replay),
	.replays = true,
	.inputs = 1,
	.option = replay_option,
	.operands = replay_operands,
	.open = replay_open,
	.passes = replay_passes,
	.hello = replay_hello,
	.forward = replay_forward,
	.record = replay_record,
	.mark = replay_mark,
	.barrier = replay_barrier,
	.answer = replay_answer,
	.close = replay_close,
};

int main(int argc, char *argv[])
{
	return ks_main(&op, argc, argv);
}
