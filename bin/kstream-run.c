/* SPDX-License-Identifier: MIT */
/*
 * kstream-run - keep a pipeline running.
 *
 * Takes it as a line of text, starts its programs, and starts them again
 * where their statuses say that this helps.  No shell is run, and what only a
 * shell understands is refused; as are options about a stream, of which it
 * reads none.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/endpoint.h"
#include "lib/num.h"
#include "lib/op.h"
#include "lib/supervise.h"

struct run {
	struct ks_supervise plan;
	struct ks_pipeline pipeline;
	struct ks_run *run;
	const char *file;	/* -f, NULL: the pipeline is an operand */
	char *stem;		/* of its name */
};

enum { OPT_FILE, OPT_INSTANCES, OPT_MAX_RESTARTS, OPT_METRICS };
static const struct ks_option options[] = {
	[OPT_FILE] = { "file", 0, "FILE", "read the pipeline from a file" },
	[OPT_INSTANCES] = { "instances", 0, "N", "run N of it, each with partitions of its own" },
	[OPT_MAX_RESTARTS] = { "max-restarts", 0, "N", "give up after so many in a row" },
	[OPT_METRICS] = { "metrics", 0, "FILE", "tell Prometheus how it is, in its text format" },
	{ 0 },
};

static int read_number(struct ks_run *run, const char *name, const char *value, int64_t min, int64_t max, int64_t *x)
{
	if (ks_num_parse_i64(ks_str(value), x) == 0 && *x >= min && *x <= max)
		return 0;
	return ks_fail(run->err, KS_USAGE, "--%s '%s' is not a number from %lld to %lld", name, value, (long long)min, (long long)max);
}

static int run_option(void *arg, struct ks_run *run, unsigned at, const char *value)
{
	struct run *st = arg;
	int64_t x = 0;
	int status;

	switch (at) {
	case OPT_FILE: st->file = value; return 0;
	case OPT_METRICS: st->plan.metrics = value; return 0;
	case OPT_INSTANCES:
		status = read_number(run, "instances", value, 1, KS_INSTANCES_MAX, &x);
		st->plan.instances = (uint32_t)x;
		return status;
	default:
		/* Kept with 1 more, so that all zero bytes are none given. */
		status = read_number(run, "max-restarts", value, 0, INT32_MAX, &x);
		st->plan.max_restarts = x + 1;
		return status;
	}
}

/* Options of the stages belong into their words. */
static int refuse_stream(const struct ks_run *run)
{
	const struct ks_config *c = run->config;
	const struct ks_given *g;

	for (g = run->options->given; g < run->options->given + run->options->given_count; g++)
		if (strcmp(g->option->name, "quiet") != 0)
			return ks_fail(run->err, KS_USAGE, "--%s is for a stage: put it into the pipeline", g->option->name);
	if (c->in_count > 0 || c->out != NULL || c->topic != NULL || c->only != NULL || c->as != NULL || c->untyped || c->fields != NULL ||
	    c->columns != NULL || c->color != KS_COLOR_AUTO || strcmp(c->stage, "run") != 0)
		return ks_fail(run->err, KS_USAGE, "no stream is read or written here: put options about one into the pipeline");
	return 0;
}

static int parse(struct run *st, struct ks_bytes text, struct ks_err *err)
{
	struct ks_pipeline_fault f;
	int no = ks_pipeline_parse(&st->pipeline, text, getenv, &f);

	if (no == EINVAL && st->file != NULL)
		return ks_fail(err, KS_USAGE, "%s:%zu:%zu: %s", st->file, f.line, f.column, f.text);
	if (no == EINVAL && f.line > 1)
		return ks_fail(err, KS_USAGE, "line %zu, column %zu: %s", f.line, f.column, f.text);
	if (no == EINVAL)
		return ks_fail(err, KS_USAGE, "column %zu: %s", f.column, f.text);
	return no == 0 ? 0 : ks_fail_memory(err);
}

static int read_file(struct run *st, struct ks_err *err)
{
	int fd = open(st->file, O_RDONLY | O_CLOEXEC), no, status;
	struct ks_buf text;

	if (fd < 0)
		return ks_fail_errno(err, KS_NOINPUT, errno, "cannot open '%s'", st->file);
	ks_buf_init(&text, KS_PIPELINE_MAX + 1);
	no = ks_buf_read(&text, fd);
	close(fd);
	if (no == EMSGSIZE)
		status = ks_fail(err, KS_USAGE, "'%s' is no pipeline: it is longer than %zu bytes", st->file, KS_PIPELINE_MAX);
	else
		status = no != 0 ? ks_fail_errno(err, KS_IO, no, "cannot read '%s'", st->file) : parse(st, ks_buf_bytes(&text), err);
	ks_buf_release(&text);
	return status;
}

/* With several instances each is told which one it is, or they have names with their numbers. */
static int check_instances(struct run *st, struct ks_err *err)
{
	const struct ks_pipeline_stage *stage;
	const char *name;
	bool app = false;

	if (st->plan.instances == 0)
		return 0;
	for (stage = st->pipeline.stages; stage < st->pipeline.stages + st->pipeline.count; stage++) {
		app = app || ks_pipeline_option(stage, "app") != NULL;
		name = ks_pipeline_option(stage, "instance");
		st->plan.named = st->plan.named || (name != NULL && strstr(name, "{}") != NULL);
		if (name != NULL && strlen(name) > KS_SUPERVISE_NAME)
			return ks_fail(err, KS_USAGE, "'%.40s...' is too long for the name of an instance", name);
		if (name != NULL && strstr(name, "{}") == NULL)
			return ks_fail(err, KS_USAGE, "--instances and --instance of stage %d: each stage with --app is told which instance it is; "
			    "members of a group have names with their numbers, as in --instance %.40s-{}",
			    (int)(stage - st->pipeline.stages) + 1, strchr(name, '/') != NULL ? "anna" : name);
	}
	return app ? 0 : ks_fail(err, KS_USAGE, "--instances divides the partitions of an app: no stage has --app");
}

/* By its app, else by its file, else by its first program. */
static int name_it(struct run *st, struct ks_err *err)
{
	const struct ks_pipeline_stage *stage;
	char *dot;

	for (stage = st->pipeline.stages; stage < st->pipeline.stages + st->pipeline.count && st->plan.name == NULL; stage++)
		st->plan.name = ks_pipeline_option(stage, "app");
	if (st->plan.name != NULL || st->file == NULL) {
		if (st->plan.name == NULL)
			st->plan.name = ks_pipeline_program(&st->pipeline.stages[0]);
		return 0;
	}
	st->stem = strdup(strrchr(st->file, '/') != NULL ? strrchr(st->file, '/') + 1 : st->file);
	if (st->stem == NULL)
		return ks_fail_memory(err);
	dot = strrchr(st->stem, '.');
	if (dot != NULL && dot > st->stem)
		*dot = '\0';
	st->plan.name = st->stem;
	return 0;
}

static int run_operands(void *arg, struct ks_run *run, int argc, char *const argv[], int *used)
{
	struct run *st = arg;
	int status = refuse_stream(run);

	st->run = run;
	run->uncounted = true;
	*used = argc;
	ks_answer(run);
	if (status != 0)
		return status;
	if (argc > 1)
		return ks_fail(run->err, KS_USAGE, "the pipeline is one word: put it in quotes, as in 'kstream-cat ... | kstream-cat ...'");
	if ((argc == 0) == (st->file == NULL))
		return ks_fail(run->err, KS_USAGE, argc == 0 ? "which pipeline?  as in kstream-run 'kstream-cat ... | kstream-cat ...'" :
		    "a pipeline, or --file FILE: one of them");
	status = st->file != NULL ? read_file(st, run->err) : parse(st, ks_str(argv[0]), run->err);
	if (status == 0)
		status = check_instances(st, run->err);
	return status == 0 ? name_it(st, run->err) : status;
}

static int run_answer(void *arg, const struct ks_config *c, bool *answered, struct ks_err *err)
{
	struct run *st = arg;
	struct ks_supervise *p = &st->plan;

	*answered = true;
	p->program = c->program;
	p->pipeline = &st->pipeline;
	p->max_restarts--;
	p->quiet = c->quiet;
	p->progress = c->progress;
	p->verbose = c->verbose;
	return ks_supervise(p, st->run->wake, err);
}

static void run_close(void *arg, struct ks_run *run)
{
	struct run *st = arg;

	(void)run;
	ks_pipeline_release(&st->pipeline);
	free(st->stem);
}

static const struct ks_endpoints endpoints = { .answer = run_answer };

static const struct ks_op op = {
	.name = "kstream-run",
	.synopsis = "[--instances N] [--max-restarts N] [--metrics FILE] --file FILE | PIPELINE",
	.purpose = "keep a pipeline running",
	.options = options,
	.size = sizeof(struct run),
	.inputs = 1,
	.option = run_option,
	.operands = run_operands,
	.close = run_close,
	.endpoints = &endpoints,
};

int main(int argc, char *argv[])
{
	return ks_main(&op, argc, argv);
}
