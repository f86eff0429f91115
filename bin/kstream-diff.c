/* SPDX-License-Identifier: MIT */
/*
 * kstream-diff - compare the results of two versions.
 *
 * Reads OLD and then NEW to their ends, each by a kstream-cat, sorts both by
 * key on disk where memory does not suffice, and tells what was added, removed
 * and changed.  Ends with 1 where something was.  Refuses options about a
 * stream of its own: it writes none.
 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "lib/diff-print.h"
#include "lib/endpoint.h"
#include "lib/feed-child.h"
#include "lib/num.h"
#include "lib/op.h"
#include "lib/options-kafka.h"
#include "lib/run-store.h"

#define EXAMPLES 10	/* unless -n says otherwise */

struct state {
	struct ks_run *run;
	const char *inputs[KS_DIFF_SIDES];
	const char *value;
	size_t memory;
	int64_t examples;	/* one more than was given; 0: none was */
	struct ks_diff diff;
	struct ks_diff_print print;
	enum ks_diff_side side;	/* that is being read */
};

enum { OPT_VALUE, OPT_TOLERANCE, OPT_EXAMPLES, OPT_MEMORY };
static const struct ks_option options[] = {
	[OPT_VALUE] = { "value", 0, "EXPR", "compare what this makes of each value" },
	[OPT_TOLERANCE] = { "tolerance", 0, "N[%]", "numbers so close are equal" },
	[OPT_EXAMPLES] = { "examples", 'n', "N", "show the first N differences" },
	[OPT_MEMORY] = { "memory", 0, "SIZE", "beyond it, sort on disk" },
	{ 0 },
};

static int diff_option(void *arg, struct ks_run *run, unsigned at, const char *value)
{
	struct state *st = arg;

	switch (at) {
	case OPT_VALUE: st->value = value; return 0;
	case OPT_MEMORY: return ks_run_memory(run, value, &st->memory);
	case OPT_TOLERANCE:
		if (ks_tolerance_parse(value, &st->diff.tolerance) != 0)
			return ks_fail(run->err, KS_USAGE, "--tolerance '%s' is not a number from 0, or a share as in 0.1%%", value);
		return 0;
	default:
		if (ks_num_parse_i64(ks_str(value), &st->examples) != 0 || st->examples < 0)
			return ks_fail(run->err, KS_USAGE, "--examples '%s' is not a number from 0", value);
		st->examples += st->examples < INT64_MAX;
		return 0;
	}
}

static int check_input(struct ks_run *run, const char *input)
{
	if (strcmp(input, "-") == 0)
		return ks_fail(run->err, KS_USAGE, "what is compared is a file or kafka:TOPIC, not '-': <(COMMAND) is a file to the shell");
	if (!ks_options_is_topic(input))
		return 0;
	run->asks_kafka = true;
	if (!ks_is_name(input + strlen("kafka:"), strlen(input + strlen("kafka:"))))
		return ks_fail(run->err, KS_USAGE, "'%s' names no topic, as kafka:orders does", input);
	return 0;
}

static int diff_operands(void *arg, struct ks_run *run, int argc, char *const argv[], int *used)
{
	const struct ks_config *c = run->config;
	struct state *st = arg;
	int i, status = 0;

	st->run = run;
	*used = argc;
	ks_answer(run);
	run->uncounted = true;
	if (argc != KS_DIFF_SIDES)
		return ks_fail(run->err, KS_USAGE, "compare what?  OLD and NEW, as in kstream-diff -b BROKER kafka:minutes kafka:minutes-v2");
	if (c->in_count > 0 || c->out != NULL || c->topic != NULL || c->app != NULL || c->only != NULL || c->as != NULL)
		return ks_fail(run->err, KS_USAGE, "OLD and NEW are operands, and nothing is kept: leave out --in, --out, -t, --app, --only and --as");
	if (c->to_given && c->to != KS_JSON)
		return ks_fail(run->err, KS_USAGE, "differences are printed for people, or --to json");
	if (c->on_error != KS_POLICY_FAIL && c->on_error != KS_POLICY_SKIP)
		return ks_fail(run->err, KS_USAGE, "--on-error is fail or skip here: there is no stream that what is wrong could go to");
	for (i = 0; i < KS_DIFF_SIDES && status == 0; i++) {
		st->inputs[i] = argv[i];
		status = check_input(run, argv[i]);
	}
	return status;
}

/* --- reading --- */

static int put_record(void *arg, struct ks_rec *rec, struct ks_err *err)
{
	struct state *st = arg;

	return ks_diff_put(&st->diff, st->side, rec, err);
}

static int read_side(struct state *st, enum ks_diff_side side, struct ks_err *err)
{
	struct ks_feed f = { .name = st->inputs[side], .limits = st->run->limits, .put = put_record, .arg = st };
	int fd, status;

	st->side = side;
	status = ks_children_feed_input(st->run->children, st->run->options, st->inputs[side], &fd, err);
	return status != 0 ? status : ks_feed_whole(&f, st->run->children, fd, err);
}

static int compare(struct state *st, struct ks_err *err)
{
	struct ks_diff *d = &st->diff;
	int i, status = 0;

	d->limits = st->run->limits;
	d->found = ks_diff_print_take;
	d->arg = &st->print;
	memcpy(d->names, st->inputs, sizeof(d->names));
	for (i = 0; i < KS_DIFF_SIDES; i++)
		d->keyless[i] = st->run->config->from != KS_FRAMES || ks_options_is_topic(st->inputs[i]) ? "--key EXPR" : "kstream-map key=EXPR";
	for (i = 0; i < KS_DIFF_SIDES; i++)
		if (!ks_options_is_topic(st->inputs[i]) && access(st->inputs[i], R_OK) != 0)
			return ks_fail_errno(err, KS_NOINPUT, errno, "cannot open '%s'", st->inputs[i]);
	if (st->value != NULL) {
		d->set = ks_expr_set_new(d->limits);
		status = d->set == NULL ? ks_fail_memory(err) : ks_expr_add(d->set, st->value, &d->value, err);
	}
	if (status == 0)
		status = ks_diff_open(d, st->memory > 0 ? st->memory : KS_STORE_MEMORY, err);
	if (status == 0)
		status = read_side(st, KS_DIFF_OLD, err);
	if (status == 0)
		status = read_side(st, KS_DIFF_NEW, err);
	return status == 0 ? ks_diff_run(d, err) : status;
}

static int diff_answer(void *arg, const struct ks_config *c, bool *answered, struct ks_err *err)
{
	struct state *st = arg;
	const struct ks_diff *d = &st->diff;
	struct ks_err said;
	int status;

	*answered = true;
	st->print.json = c->to_given;
	st->print.quiet = c->quiet;
	st->print.limit = st->examples > 0 ? (uint64_t)st->examples - 1 : c->to_given ? UINT64_MAX : EXAMPLES;
	st->print.depth = c->limits.depth;
	status = compare(st, err);
	if (status == 0)
		status = ks_diff_print_end(&st->print, d, err);
	if (status == 0 && d->records[KS_DIFF_OLD] + d->records[KS_DIFF_NEW] == 0)
		ks_warn(st->run, c->has_since || c->has_until ? "neither has a record in that range of time" : "neither has a record");
	if (status == 0 && d->spread > 0)
		ks_warn(st->run, "keys stand in several partitions of one side: of those the value of the latest time was compared");
	if (status == 0 && st->run->config->verbose > 0)
		fprintf(stderr, "kstream-diff: %llu records with %llu keys and %llu records with %llu keys, %s\n",
		    (unsigned long long)d->records[0], (unsigned long long)d->keys[0], (unsigned long long)d->records[1],
		    (unsigned long long)d->keys[1], ks_sorter_about(&d->sorter, &said));
	if (status == 0 && d->added + d->removed + d->changed > 0)
		ks_say_no(st->run);
	return status;
}

static void diff_close(void *arg, struct ks_run *run)
{
	struct state *st = arg;

	(void)run;
	ks_diff_close(&st->diff);
	ks_expr_set_free(st->diff.set);
	ks_diff_print_release(&st->print);
}

static const struct ks_endpoints endpoints = { .answer = diff_answer };

static const struct ks_op op = {
	.name = "kstream-diff",
	.synopsis = "[--value EXPR] [--tolerance N[%]] [-n N] [--to json] [--memory SIZE] OLD NEW",
	.purpose = "compare the results of two versions",
	.options = options,
	.size = sizeof(struct state),
	.inputs = 1,
	.option = diff_option,
	.operands = diff_operands,
	.close = diff_close,
	.endpoints = &endpoints,
};

int main(int argc, char *argv[])
{
	return ks_main(&op, argc, argv);
}
