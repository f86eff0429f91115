/* SPDX-License-Identifier: MIT */
/*
 * kstream-join - pair the records of two streams.
 *
 * Options and hooks; the joins are lib/join.h.
 */
#include "lib/run-changelog.h"
#include "lib/join.h"
#include "lib/run-store.h"

static const struct ks_option options[] = {
	{ "stream", 0, "NAME", "a stream whose records are joined" },
	{ "table", 0, "NAME", "a stream that is read as a table" },
	{ "global", 0, "TABLE", "one asked by any key: NAME, kafka:TOPIC or FILE" },
	{ "on", 0, "EXPR", "the key of the --global row; the record's own" },
	{ "foreign-key", 0, "EXPR", NULL },
	{ "value", 0, "EXPR", "what a result is, made of .left and .right" },
	{ "inner", 0, NULL, NULL },
	{ "left", 0, NULL, NULL },
	{ "outer", 0, NULL, NULL },
	{ "within", 0, "DURATION", NULL },
	{ "before", 0, "DURATION", NULL },
	{ "after", 0, "DURATION", NULL },
	{ "grace", 0, "DURATION", NULL },
	{ "versioned", 0, "DURATION", NULL },
	{ "global-key", 0, "EXPR", NULL },
	{ "unmatched", 0, "route:TOPIC", NULL },
	{ "max-future", 0, "DURATION", NULL },
	{ "memory", 0, "SIZE", NULL },
	{ "changelog", 0, "TOPIC", NULL },
	{ "listen", 0, "NAME", NULL },
	{ 0 },
};

static int join_option(void *arg, struct ks_run *run, unsigned at, const char *value)
{
	struct ks_join *j = arg;

	if (strcmp(options[at].name, "memory") == 0)
		return ks_run_memory(run, value, &j->memory);
	if (strcmp(options[at].name, "changelog") == 0)
		return ks_changelog_option(run, value);
	if (strcmp(options[at].name, "listen") == 0)
		return ks_run_listen(run, value);
	return ks_join_option(&j->spec, options[at].name, value, run->err);
}

static int join_operands(void *arg, struct ks_run *run, int argc, char *const argv[], int *used)
{
	struct ks_join *j = arg;

	(void)argc;
	(void)argv;
	(void)used;
	if (ks_join_check(j, run->err) != 0)
		return run->err->status;
	if (run->changelog != NULL && j->spec.inputs[KS_JOIN_RIGHT].role == KS_JOIN_GLOBAL)
		return ks_fail(run->err, KS_USAGE, "--changelog is about state that is kept by partition, and a --global table is all in one, or read again");
	run->one_state = j->spec.foreign_key != NULL;
	run->asks_kafka = run->asks_kafka || j->spec.inputs[KS_JOIN_RIGHT].where == KS_JOIN_TOPIC;
	if (j->spec.inputs[KS_JOIN_RIGHT].where == KS_JOIN_FILE)
		run->also_read = j->spec.inputs[KS_JOIN_RIGHT].name;
	return 0;
}

static int join_open(void *arg, struct ks_run *run)
{
	return ks_join_open(arg, run);
}

static int join_hello(void *arg, struct ks_run *run)
{
	return ks_join_hello(arg, run);
}

static int join_forward(void *arg, struct ks_run *run, struct ks_bytes payload, struct ks_buf *b)
{
	(void)run;
	return ks_join_unmatched_forward(arg, payload, b);
}

static void join_expect(void *arg, const struct ks_rec *rec, bool found)
{
	ks_join_expect(arg, rec, found);
}

static int join_record(void *arg, struct ks_run *run, unsigned input, struct ks_rec *rec)
{
	(void)input;
	return ks_join_record(arg, run, rec);
}

static int join_mark(void *arg, struct ks_run *run, struct ks_mark *m)
{
	(void)run;
	return ks_join_mark(arg, m);
}

static int join_barrier(void *arg, struct ks_run *run, const struct ks_barrier *b)
{
	(void)run;
	return ks_join_barrier(arg, b);
}

static int join_finish(void *arg, struct ks_run *run)
{
	(void)run;
	return ks_join_finish(arg);
}

static int join_query(void *arg, struct ks_run *run, struct ks_query *q, struct ks_err *err)
{
	(void)run;
	return ks_join_query(arg, q, err);
}

static int join_turn(void *arg, struct ks_run *run)
{
	(void)run;
	return ks_join_turn(arg);
}

static int join_answer(void *arg, struct ks_run *run)
{
	return ks_join_answer(arg, run);
}

static void join_close(void *arg, struct ks_run *run)
{
	(void)run;
	ks_join_close(arg);
}

static const struct ks_op op = {
	.name = "kstream-join",
	.synopsis = "--stream|table LEFT --stream|table|global RIGHT [--inner | --left | --outer] "
	    "[--within DURATION | --before DURATION --after DURATION] [--versioned DURATION] [--grace DURATION] [--on EXPR] [--global-key EXPR] "
	    "[--foreign-key EXPR] [--unmatched route:TOPIC] [--value EXPR] [FILE ...]",
	.purpose = "pair the records of two streams or tables",
	.options = options,
	.size = sizeof(struct ks_join),
	.folds = true,
	.inputs = 2,
	.option = join_option,
	.operands = join_operands,
	.open = join_open,
	.hello = join_hello,
	.forward = join_forward,
	.expect = join_expect,
	.record = join_record,
	.mark = join_mark,
	.barrier = join_barrier,
	.finish = join_finish,
	.query = join_query,
	.turn = join_turn,
	.answer = join_answer,
	.close = join_close,
};

int main(int argc, char *argv[])
{
	return ks_main(&op, argc, argv);
}
