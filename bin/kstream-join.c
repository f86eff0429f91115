/* SPDX-License-Identifier: MIT */
/*
 * kstream-join - pair the records of two streams.
 *
 * Options and hooks; the joins are lib/join.h.
 */
#include "lib/join.h"
#include "lib/run-store.h"

static const struct ks_option options[] = {
	{ "stream", 0, "NAME", "a stream whose records are joined" },
	{ "table", 0, "NAME", "a stream that is read as a table" },
	{ "global", 0, "TABLE", "one asked by any key: a stream's NAME, kafka:TOPIC, FILE.jsonl, FILE.csv" },
	{ "on", 0, "EXPR", "the key of the --global row, of each record; its own unless given" },
	{ "global-key", 0, "EXPR", "the key of a line of the --global file" },
	{ "inner", 0, NULL, "what has a match alone (the default)" },
	{ "left", 0, NULL, "all of the left side" },
	{ "outer", 0, NULL, "all of both sides" },
	{ "foreign-key", 0, "EXPR", "what the left row names the right one by" },
	{ "within", 0, "DURATION", "how far apart two records of streams may be" },
	{ "before", 0, "DURATION", "or how far the right one may be before the left one" },
	{ "after", 0, "DURATION", "and how far behind it" },
	{ "versioned", 0, "DURATION", "the --table before it keeps versions for so long" },
	{ "grace", 0, "DURATION", "how long a record waits for what it is joined to" },
	{ "unmatched", 0, "route:TOPIC", "where what has no match goes" },
	{ "value", 0, "EXPR", "what a result is, made of .left and .right" },
	{ "memory", 0, "SIZE", NULL },
	{ "listen", 0, "NAME", NULL },
	{ 0 },
};

static int join_option(void *arg, struct ks_run *run, unsigned at, const char *value)
{
	struct ks_join *j = arg;

	if (strcmp(options[at].name, "memory") == 0)
		return ks_run_memory(run, value, &j->memory);
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
	run->asks_kafka = j->spec.inputs[KS_JOIN_RIGHT].where == KS_JOIN_TOPIC;
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
	.synopsis = "--stream NAME --table NAME|--global TABLE [--on EXPR] [--global-key EXPR] [--inner | --left] [--versioned DURATION [--grace DURATION]] [--unmatched route:TOPIC] [--value EXPR]",
	.purpose = "pair the records of two streams",
	.options = options,
	.size = sizeof(struct ks_join),
	.folds = true,
	.inputs = 2,
	.option = join_option,
	.operands = join_operands,
	.open = join_open,
	.hello = join_hello,
	.forward = join_forward,
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
