/* SPDX-License-Identifier: MIT */
/*
 * kstream-table - keep the latest value of each key, and pass its changes on.
 *
 * To the rules of Kafka Streams' KTable (kstream-table(1), semantics.md 3.2,
 * 3.4 and 5).  Drops records without a key; refuses those whose key was
 * changed since they were partitioned.
 */
#include "lib/run-changelog.h"
#include "lib/num.h"
#include "lib/op.h"
#include "lib/run-store.h"
#include "lib/table-stage.h"


struct table {
	struct ks_table_stage stage;
	const char *on_truncate, *by;
};

enum { OPT_CHANGES, OPT_ONLY_CHANGES, OPT_BY, OPT_EMIT, OPT_MAX_RECORDS, OPT_VERSIONED, OPT_CDC, OPT_ON_TRUNCATE, OPT_DUMP,
	OPT_LOAD, OPT_MAX_FUTURE, OPT_MEMORY, OPT_CHANGELOG, OPT_LISTEN };
static const struct ks_option options[] = {
	[OPT_CHANGES] = { "changes", 0, NULL, "emit [new, old, latest], not the new value alone" },
	[OPT_ONLY_CHANGES] = { "only-changes", 0, NULL, "emit nothing where the value stays the same" },
	[OPT_BY] = { "by", 0, "EXPR", "emit changes by another key, to be aggregated" },
	[OPT_EMIT] = { "emit", 0, "WHEN", "update: each change; every:DURATION: the last" },
	[OPT_MAX_RECORDS] = { "max-records", 0, "N", NULL },
	[OPT_VERSIONED] = { "versioned", 0, "DURATION", "keep each key's versions for so long" },
	[OPT_CDC] = { "cdc", 0, "debezium", "read change events of a database" },
	[OPT_ON_TRUNCATE] = { "on-truncate", 0, "WHAT", NULL },
	[OPT_DUMP] = { "dump", 0, NULL, "emit the table, at the end, and no changes" },
	[OPT_LOAD] = { "load", 0, "FILE", NULL },
	[OPT_MAX_FUTURE] = { "max-future", 0, "DURATION", NULL },
	[OPT_MEMORY] = { "memory", 0, "SIZE", NULL },
	[OPT_CHANGELOG] = { "changelog", 0, "TOPIC", NULL },
	[OPT_LISTEN] = { "listen", 0, "NAME", NULL },
	{ 0 },
};

static int parse_emit(struct table *st, struct ks_run *run, const char *value)
{
	st->stage.every = strncmp(value, "every:", 6) == 0;
	if (st->stage.every)
		return ks_options_duration("emit every", value + 6, &st->stage.hold.room.wait_ms, run->err);
	if (strcmp(value, "update") != 0)
		return ks_fail(run->err, KS_USAGE, "--emit '%s': it is update, or every:DURATION, as in every:10s", value);
	return 0;
}

static int parse_truncate(struct table *st, struct ks_run *run, const char *value)
{
	static const char *const names[] = { "fail", "ignore", "clear" };
	unsigned i;

	for (i = 0; i < 3; i++) {
		if (strcmp(value, names[i]) != 0)
			continue;
		st->on_truncate = value;
		st->stage.truncate = (enum ks_truncate)i;
		return 0;
	}
	return ks_fail(run->err, KS_USAGE, "--on-truncate '%s': it is fail, ignore or clear", value);
}

static int table_option(void *arg, struct ks_run *run, unsigned at, const char *value)
{
	struct table *st = arg;
	int64_t n;

	switch (at) {
	case OPT_CHANGES: st->stage.changes = true; return 0;
	case OPT_ONLY_CHANGES: st->stage.only = true; return 0;
	case OPT_BY: st->by = value; return 0;
	case OPT_DUMP: st->stage.dump = true; return 0;
	case OPT_LOAD: st->stage.load = run->also_read = value; return 0;
	case OPT_EMIT: return parse_emit(st, run, value);
	case OPT_MAX_FUTURE: return ks_future_option(&st->stage.future, value, run->err);
	case OPT_MEMORY: return ks_run_memory(run, value, &st->stage.memory);
	case OPT_CHANGELOG: return ks_changelog_option(run, value);
	case OPT_LISTEN: return ks_run_listen(run, value);
	case OPT_ON_TRUNCATE: return parse_truncate(st, run, value);
	case OPT_VERSIONED:
		st->stage.versioned = true;
		return ks_options_duration("versioned", value, &st->stage.history_ms, run->err);
	case OPT_CDC:
		st->stage.cdc = true;
		if (strcmp(value, "debezium") != 0)
			return ks_fail(run->err, KS_USAGE, "--cdc '%s': debezium is known", value);
		return 0;
	default:
		if (ks_num_parse_i64(ks_str(value), &n) != 0 || n < 1)
			return ks_fail(run->err, KS_USAGE, "--max-records '%s' is not a number from 1", value);
		st->stage.hold.room.max_records = (uint64_t)n;
		return 0;
	}
}

static int table_operands(void *arg, struct ks_run *run, int argc, char *const argv[], int *used)
{
	struct table *st = arg;

	(void)argc;
	(void)argv;
	(void)used;
	if (st->by != NULL && st->stage.changes)
		return ks_fail(run->err, KS_USAGE, "--by emits changes already: leave out --changes");
	if (st->stage.dump && (st->stage.changes || st->stage.only || st->stage.every || st->by != NULL))
		return ks_fail(run->err, KS_USAGE, "--dump emits the table and no changes, which --changes, --only-changes, --by and --emit are about");
	if (st->stage.hold.room.max_records > 0 && !st->stage.every)
		return ks_fail(run->err, KS_USAGE, "--max-records is about what --emit every:DURATION holds back");
	if (st->stage.every && st->stage.versioned)
		return ks_fail(run->err, KS_USAGE, "--emit every holds back all but the last change, which --versioned is there to keep: one of them");
	if (st->stage.future.given && !st->stage.versioned && !st->stage.every)
		return ks_fail(run->err, KS_USAGE, "--max-future is about times, which --versioned and --emit every:DURATION look at");
	if (st->on_truncate != NULL && !st->stage.cdc)
		return ks_fail(run->err, KS_USAGE, "--on-truncate is about --cdc");
	st->stage.groups = st->by != NULL;
	return st->by != NULL ? ks_regroup_open(&st->stage.regroup, st->by, run->limits, run->err) : 0;
}

static int table_open(void *arg, struct ks_run *run)
{
	return ks_table_stage_open(&((struct table *)arg)->stage, run);
}

static int table_hello(void *arg, struct ks_run *run)
{
	return ks_table_stage_hello(&((struct table *)arg)->stage, run);
}

static void table_expect(void *arg, const struct ks_rec *rec, bool found)
{
	ks_table_stage_expect(&((struct table *)arg)->stage, rec, found);
}

static int table_record(void *arg, struct ks_run *run, unsigned input, struct ks_rec *rec)
{
	(void)input;
	return ks_table_stage_record(&((struct table *)arg)->stage, run, rec);
}

static int table_mark(void *arg, struct ks_run *run, struct ks_mark *m)
{
	return ks_table_stage_mark(&((struct table *)arg)->stage, run, m);
}

static int table_barrier(void *arg, struct ks_run *run, const struct ks_barrier *b)
{
	return ks_table_stage_barrier(&((struct table *)arg)->stage, run, b);
}

static int table_query(void *arg, struct ks_run *run, struct ks_query *q, struct ks_err *err)
{
	(void)run;
	return ks_table_stage_query(&((struct table *)arg)->stage, q, err);
}

static int table_finish(void *arg, struct ks_run *run)
{
	return ks_table_stage_finish(&((struct table *)arg)->stage, run);
}

static int table_answer(void *arg, struct ks_run *run)
{
	const struct ks_table_stage *st = &((struct table *)arg)->stage;

	if (st->dump && !st->finished)
		ks_warn(run, "nothing was dumped: the input was paused, and --dump waits for its end (--end complete, where it is read)");
	return 0;
}

static void table_close(void *arg, struct ks_run *run)
{
	(void)run;
	ks_table_stage_close(&((struct table *)arg)->stage);
}

static const struct ks_op op = {
	.name = "kstream-table",
	.synopsis = "[--changes | --by EXPR] [--only-changes] [--emit update|every:DURATION [--max-records N]] "
	    "[--versioned DURATION] [--cdc debezium [--on-truncate fail|ignore|clear]] [--dump] [--load FILE] [FILE ...]",
	.purpose = "keep the latest value of each key, and pass its changes on",
	.options = options,
	.size = sizeof(struct table),
	.folds = true,
	.inputs = 1,
	.option = table_option,
	.operands = table_operands,
	.open = table_open,
	.hello = table_hello,
	.expect = table_expect,
	.record = table_record,
	.mark = table_mark,
	.barrier = table_barrier,
	.finish = table_finish,
	.answer = table_answer,
	.query = table_query,
	.close = table_close,
};

int main(int argc, char *argv[])
{
	return ks_main(&op, argc, argv);
}
