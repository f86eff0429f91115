/* SPDX-License-Identifier: MIT */
/* kstream-filter - pass the records for which an expression is true. */
#include "lib/expr.h"
#include "lib/op.h"

struct filter {
	struct ks_expr_set *set;
	struct ks_expr *expr;
	const char *text;	/* of the expression */
	bool invert, count, exit_status;
	uint64_t passed;
};

static const char filtered[] = "filtered";

enum { OPT_INVERT, OPT_COUNT, OPT_EXIT_STATUS };

static const struct ks_option options[] = {
	[OPT_INVERT] = { "invert", 0, NULL, "pass the records for which it is not true" },
	[OPT_COUNT] = { "count", 0, NULL, "print how many pass, instead of them" },
	[OPT_EXIT_STATUS] = { "exit-status", 0, NULL, "exit with 1 when none passes" },
	{ 0 },
};

static int filter_option(void *st, struct ks_run *run, unsigned at, const char *value)
{
	struct filter *f = st;

	(void)run;
	(void)value;
	if (at == OPT_INVERT)
		f->invert = true;
	else if (at == OPT_COUNT)
		f->count = true;
	else
		f->exit_status = true;
	return 0;
}

static int filter_operands(void *st, struct ks_run *run, int argc, char *const argv[], int *used)
{
	struct filter *f = st;

	if (argc == 0)
		return ks_fail(run->err, KS_USAGE, "which records? give an expression, such as '.price > 500'");
	*used = 1;
	f->set = ks_expr_set_new(run->limits);
	if (f->set == NULL)
		return ks_fail_memory(run->err);
	if (f->count)
		ks_answer(run);
	f->text = argv[0];
	return ks_expr_add(f->set, argv[0], &f->expr, run->err);
}

static inline bool passes(struct filter *f, const struct ks_val *v)
{
	bool pass = ks_val_true(v) != f->invert;

	f->passed += pass;
	return pass;
}

static int filter_record(void *st, struct ks_run *run, unsigned input, struct ks_rec *rec)
{
	struct filter *f = st;
	const char *wrong = ks_expr_load(f->set, rec);
	struct ks_val v;

	(void)input;
	if (wrong == NULL)
		wrong = ks_expr_eval(f->expr, &v);
	if (KS_UNLIKELY(wrong != NULL))
		return ks_reject(run, rec, "%s", wrong);
	if (passes(f, &v))
		return ks_emit(run, rec);
	ks_drop(run, filtered);
	return 0;
}

static bool filter_text_ready(void *st, struct ks_run *run)
{
	struct filter *f = st;

	(void)run;
	return !ks_expr_set_wants_record(f->set);
}

static bool filter_wants(void *st, struct ks_wants *wants)
{
	struct filter *f = st;

	*wants = (struct ks_wants){ .expr = f->text, .invert = f->invert, .cause = filtered };
	return !ks_expr_set_wants_record(f->set);
}

/* The end of the line, for a line that could not be read to its end. */
static const unsigned char *end_of_line(const unsigned char *p)
{
	while (*p != '\n' && *p != '\0')
		p++;
	return p;
}

static int filter_text(void *st, struct ks_run *run, const unsigned char *line,
    const unsigned char **end)
{
	struct filter *f = st;
	const unsigned char *at;
	enum ks_json_error e = ks_expr_load_text(f->set, line, end, &at);
	const char *wrong;
	struct ks_val v;

	if (KS_UNLIKELY(e != KS_JSON_OK)) {
		*end = end_of_line(at);
		return ks_reject_line(run, line, (size_t)(*end - line), at, ks_json_strerror(e));
	}
	wrong = ks_expr_eval(f->expr, &v);
	if (KS_UNLIKELY(wrong != NULL))
		return ks_reject_line(run, line, (size_t)(*end - line), NULL, wrong);
	if (passes(f, &v))
		return ks_emit_line(run, line, (size_t)(*end - line));
	ks_drop(run, filtered);
	return 0;
}

static int filter_answer(void *st, struct ks_run *run)
{
	struct filter *f = st;

	ks_repeated_keys(run, ks_expr_duplicates(f->set));
	if (f->exit_status && f->passed == 0)
		ks_say_no(run);
	return f->count ? ks_print(run, "%llu\n", (unsigned long long)f->passed) : 0;
}

static void filter_close(void *st, struct ks_run *run)
{
	struct filter *f = st;

	(void)run;
	ks_expr_set_free(f->set);
}

static const struct ks_op op = {
	.name = "kstream-filter",
	.synopsis = "[--invert] [--count] [--exit-status] EXPR [FILE ...]",
	.purpose = "pass the records for which an expression is true",
	.options = options, .size = sizeof(struct filter), .inputs = 1,
	.option = filter_option, .operands = filter_operands,
	.record = filter_record, .answer = filter_answer, .close = filter_close,
	.text_ready = filter_text_ready, .text = filter_text, .wants = filter_wants,
};

int main(int argc, char *argv[])
{
	return ks_main(&op, argc, argv);
}
