/* SPDX-License-Identifier: MIT */
/* kstream-filter - pass the records for which an expression is true. */
#include "lib/change.h"
#include "lib/expr.h"
#include "lib/op.h"

struct filter {
	struct ks_expr_set *set;
	struct ks_expr *expr;
	const char *text;	/* of the expression */
	bool invert, count, exit_status, tombstone;
	uint64_t passed;
	struct ks_buf change;	/* scratch of one record */
};

static const char filtered[] = "filtered";

enum { OPT_INVERT, OPT_COUNT, OPT_EXIT_STATUS, OPT_TOMBSTONE };

static const struct ks_option options[] = {
	[OPT_INVERT] = { "invert", 0, NULL, "pass the records for which it is not true" },
	[OPT_COUNT] = { "count", 0, NULL, "print how many pass, instead of them" },
	[OPT_EXIT_STATUS] = { "exit-status", 0, NULL, "exit with 1 when none passes" },
	[OPT_TOMBSTONE] = { "tombstone", 0, NULL, "make a tombstone of a record that does not pass" },
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
	else if (at == OPT_TOMBSTONE)
		f->tombstone = true;
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
	ks_buf_init(&f->change, SIZE_MAX / 4);
	if (f->set == NULL)
		return ks_fail_memory(run->err);
	if (f->count && f->tombstone)
		return ks_fail(run->err, KS_USAGE, "--tombstone changes records, and --count prints none");
	if (f->count)
		ks_answer(run);
	f->text = argv[0];
	return ks_expr_add(f->set, argv[0], &f->expr, run->err);
}

static inline bool passes(struct filter *f, bool any)
{
	bool pass = any != f->invert;

	f->passed += pass;
	return pass;
}

static int let_go(struct ks_run *run)
{
	ks_drop(run, filtered);
	return 0;
}

/* A row of a table's change; one that does not pass is none. */
static const char *filter_row(struct filter *f, const struct ks_rec *rec, struct ks_bytes *row)
{
	struct ks_rec side = *rec;
	const char *wrong;
	bool any;

	if (ks_mp_is_nil(*row))
		return NULL;
	side.value = *row;
	wrong = ks_expr_load(f->set, &side);
	if (wrong == NULL)
		wrong = ks_expr_any(f->expr, &any);
	if (wrong == NULL && any == f->invert)
		*row = ks_mp_nil;
	return wrong;
}

/* As KTable.filter where old rows are known: nothing where neither passes. */
static int filter_change(struct filter *f, struct ks_run *run, struct ks_rec *rec)
{
	struct ks_change c;
	const char *wrong = ks_change_parse(rec->value, run->limits->depth, &c);

	if (wrong == NULL)
		wrong = filter_row(f, rec, &c.now);
	if (wrong == NULL)
		wrong = filter_row(f, rec, &c.before);
	if (wrong != NULL)
		return ks_reject(run, rec, "%s", wrong);
	if (ks_mp_is_nil(c.now) && ks_mp_is_nil(c.before))
		return let_go(run);
	f->change.n = 0;
	if (ks_change_add(&f->change, &c) != 0)
		return ks_fail_memory(run->err);
	f->passed++;
	rec->value = ks_buf_bytes(&f->change);
	rec->frame = ks_bytes(NULL, 0);
	return ks_emit(run, rec);
}

static int emit_tombstone(struct ks_run *run, struct ks_rec *rec)
{
	rec->value = ks_mp_nil;
	rec->frame = ks_bytes(NULL, 0);
	return ks_emit(run, rec);
}

static int filter_record(void *st, struct ks_run *run, unsigned input, struct ks_rec *rec)
{
	struct filter *f = st;
	const char *wrong;
	bool any;

	(void)input;
	if (KS_UNLIKELY((rec->flags & KS_CHANGE) != 0))
		return filter_change(f, run, rec);
	if (f->tombstone && ks_mp_is_nil(rec->value))
		return ks_emit(run, rec);
	wrong = ks_expr_load(f->set, rec);
	if (wrong == NULL)
		wrong = ks_expr_any(f->expr, &any);
	if (KS_UNLIKELY(wrong != NULL))
		return ks_reject(run, rec, "%s", wrong);
	if (passes(f, any))
		return ks_emit(run, rec);
	return f->tombstone ? emit_tombstone(run, rec) : let_go(run);
}

static bool filter_text_ready(void *st, struct ks_run *run)
{
	struct filter *f = st;

	(void)run;
	return !ks_expr_set_wants_record(f->set) && !f->tombstone;
}

static bool filter_wants(void *st, struct ks_wants *wants)
{
	struct filter *f = st;

	*wants = (struct ks_wants){ .expr = f->text, .invert = f->invert, .cause = filtered };
	return !ks_expr_set_wants_record(f->set) && !f->tombstone;
}

static int filter_text(void *st, struct ks_run *run, const unsigned char *line,
    const unsigned char **end)
{
	struct filter *f = st;
	const unsigned char *at;
	enum ks_json_error e = ks_expr_load_text(f->set, line, end, &at);
	const char *wrong;
	bool any;

	if (KS_UNLIKELY(e != KS_JSON_OK))
		return ks_reject_json(run, line, at, e, end);
	wrong = ks_expr_any(f->expr, &any);
	if (KS_UNLIKELY(wrong != NULL))
		return ks_reject_line(run, line, (size_t)(*end - line), NULL, wrong);
	if (passes(f, any))
		return ks_emit_line(run, line, (size_t)(*end - line));
	return let_go(run);
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
	ks_buf_release(&f->change);
	ks_expr_set_free(f->set);
}

static const struct ks_op op = {
	.name = "kstream-filter",
	.synopsis = "[--invert] [--count] [--exit-status] [--tombstone] EXPR [FILE ...]",
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
