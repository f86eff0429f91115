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
	{ "inner", 0, NULL, "what has a match alone (the default)" },
	{ "left", 0, NULL, "all of the left side" },
	{ "versioned", 0, "DURATION", "the --table before it keeps versions for so long" },
	{ "value", 0, "EXPR", "what a result is, made of .left and .right" },
	{ "memory", 0, "SIZE", NULL },
	{ 0 },
};

static int join_option(void *arg, struct ks_run *run, unsigned at, const char *value)
{
	struct ks_join *j = arg;

	if (strcmp(options[at].name, "memory") == 0)
		return ks_run_memory(run, value, &j->memory);
	return ks_join_option(&j->spec, options[at].name, value, run->err);
}

static int join_operands(void *arg, struct ks_run *run, int argc, char *const argv[], int *used)
{
	(void)argc;
	(void)argv;
	(void)used;
	return ks_join_check(arg, run->err);
}

static int join_open(void *arg, struct ks_run *run)
{
	return ks_join_open(arg, run);
}

static int join_hello(void *arg, struct ks_run *run)
{
	return ks_join_hello(arg, run);
}

static int join_record(void *arg, struct ks_run *run, unsigned input, struct ks_rec *rec)
{
	(void)input;
	return ks_join_record(arg, run, rec);
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
	.synopsis = "--stream NAME --table NAME [--inner | --left] [--versioned DURATION] [--value EXPR]",
	.purpose = "pair the records of two streams",
	.options = options,
	.size = sizeof(struct ks_join),
	.folds = true,
	.inputs = 2,
	.option = join_option,
	.operands = join_operands,
	.open = join_open,
	.hello = join_hello,
	.record = join_record,
	.barrier = join_barrier,
	.finish = join_finish,
	.answer = join_answer,
	.close = join_close,
};

int main(int argc, char *argv[])
{
	return ks_main(&op, argc, argv);
}
