/* SPDX-License-Identifier: MIT */
/*
 * kstream-window - fold records per key and window.
 *
 * Options and hooks; the windows are lib/win.h.
 */
#include "lib/run-changelog.h"
#include "lib/run-store.h"
#include "lib/win.h"

static const struct ks_option options[] = {
	{ "tumble", 0, "DURATION", "windows of this size, side by side" },
	{ "hop", 0, "DURATION", "windows of this size, one each --advance" },
	{ "advance", 0, "DURATION", NULL },
	{ "slide", 0, "DURATION", "windows that end with a record or begin behind" },
	{ "session", 0, "GAP", "records no further apart than this" },
	{ "calendar", 0, "UNIT", "day, week or month, in --tz from --day-start on" },
	{ "tz", 0, "ZONE", NULL },
	{ "day-start", 0, "HH:MM", NULL },
	{ "count-window", 0, "N", "the last N records of a key" },
	{ "unlimited", 0, NULL, "one window for all time" },
	{ "running", 0, NULL, "no window: a table" },
	{ "align", 0, "TIME", NULL },
	{ "grace", 0, "DURATION", "how late a record may be (0)" },
	{ "emit", 0, "WHEN", "update, commit, close or every:DURATION" },
	{ "max-records", 0, "N", NULL },
	{ "key-as", 0, "FORM", NULL },
	{ "late", 0, "WHERE", NULL },
	{ "max-future", 0, "DURATION", NULL },
	{ "memory", 0, "SIZE", NULL },
	{ "changelog", 0, "TOPIC", NULL },
	{ "listen", 0, "NAME", NULL },
	{ 0 },
};

static int window_option(void *arg, struct ks_run *run, unsigned at, const char *value)
{
	struct ks_win *w = arg;

	if (strcmp(options[at].name, "memory") == 0)
		return ks_run_memory(run, value, &w->memory);
	if (strcmp(options[at].name, "changelog") == 0)
		return ks_changelog_option(run, value);
	if (strcmp(options[at].name, "listen") == 0)
		return ks_run_listen(run, value);
	return ks_win_option(&w->spec, options[at].name, value, run->err);
}

static int window_operands(void *arg, struct ks_run *run, int argc, char *const argv[], int *used)
{
	struct ks_win *w = arg;
	int i, status;

	if (w->spec.shape != NULL && argc == 0)
		return ks_fail(run->err, KS_USAGE, "what is to be kept?  as in 'n=count(), low=min(.price)'");
	status = ks_fold_init(&w->fold, run->limits, sizeof(struct ks_win_head), run->err);
	for (i = 0; i < argc && status == 0; i++) {
		if (strchr(argv[i], '(') == NULL)
			return ks_fail(run->err, KS_USAGE,
			    "'%s' is no aggregate, as in 'n=count()'; a file is named by --in", argv[i]);
		status = ks_fold_add(&w->fold, argv[i], run->err);
	}
	w->clauses = argv;
	w->clause_count = argc;
	*used = argc;
	return status != 0 ? status : ks_win_check(w, run->err);
}

static int window_open(void *arg, struct ks_run *run)
{
	return ks_win_open(arg, run);
}

static int window_hello(void *arg, struct ks_run *run)
{
	return ks_win_hello(arg, run);
}

static int window_forward(void *arg, struct ks_run *run, struct ks_bytes payload, struct ks_buf *b)
{
	(void)run;
	return ks_win_late_forward(arg, payload, b);
}

static int window_record(void *arg, struct ks_run *run, unsigned input, struct ks_rec *rec)
{
	(void)input;
	return ks_win_record(arg, run, rec);
}

static void window_expect(void *arg, const struct ks_rec *rec, bool found)
{
	ks_win_expect(arg, rec, found);
}

static struct ks_expr_set *window_reads(void *arg)
{
	struct ks_win *w = arg;

	return ks_fold_reads(&w->fold);
}

static int window_mark(void *arg, struct ks_run *run, struct ks_mark *m)
{
	(void)run;
	return ks_win_mark(arg, m);
}

static int window_barrier(void *arg, struct ks_run *run, const struct ks_barrier *b)
{
	(void)run;
	return ks_win_barrier(arg, b);
}

static int window_finish(void *arg, struct ks_run *run)
{
	(void)run;
	return ks_win_finish(arg);
}

static int window_query(void *arg, struct ks_run *run, struct ks_query *q, struct ks_err *err)
{
	(void)run;
	return ks_win_query(arg, q, err);
}

static int window_answer(void *arg, struct ks_run *run)
{
	struct ks_win *w = arg;
	const char *warning = ks_fold_warning(&w->fold);

	if (warning != NULL)
		ks_warn(run, warning);
	return ks_win_late_finish(w);
}

static void window_close(void *arg, struct ks_run *run)
{
	(void)run;
	ks_win_close(arg);
}

static const struct ks_op op = {
	.name = "kstream-window",
	.synopsis = "SHAPE [--grace DURATION] [--emit WHEN] [--late WHERE] [--key-as FORM] [NAME=]AGGREGATE(EXPR) ...",
	.purpose = "fold records per key and window",
	.options = options,
	.size = sizeof(struct ks_win),
	.folds = true,
	.inputs = 1,
	.option = window_option,
	.operands = window_operands,
	.open = window_open,
	.hello = window_hello,
	.forward = window_forward,
	.record = window_record,
	.expect = window_expect,
	.reads = window_reads,
	.mark = window_mark,
	.barrier = window_barrier,
	.finish = window_finish,
	.query = window_query,
	.answer = window_answer,
	.close = window_close,
};

int main(int argc, char *argv[])
{
	return ks_main(&op, argc, argv);
}
