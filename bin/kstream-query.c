/* SPDX-License-Identifier: MIT */
/*
 * kstream-query - read the state of a stage: of one that runs, or at rest.
 *
 * Asks all instances of an app on this host, one after another, and prints
 * what they answer.  Refuses options about a stream: it reads none.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/endpoint.h"
#include "lib/num.h"
#include "lib/op.h"
#include "lib/query-find.h"
#include "lib/query-print.h"
#include "lib/query-rest.h"
#include "lib/state-dir.h"

#define TOP_MAX 100000

struct query {
	char *app;
	const char *stage;	/* NULL: the only one */
	const char *prefix, *lower, *upper, *by;
	bool count, stats, offline, table;
	int64_t top;
	struct ks_run *run;
	struct ks_buf keys[3];	/* key, lower, upper */
	struct ks_query_ask ask;
	struct ks_query_print print;
};

enum { OPT_PREFIX, OPT_LOWER, OPT_UPPER, OPT_COUNT, OPT_TOP, OPT_BY, OPT_TABLE, OPT_STATS, OPT_OFFLINE };
static const struct ks_option options[] = {
	[OPT_PREFIX] = { "prefix", 0, "TEXT", "keys that begin so" },
	[OPT_LOWER] = { "lower", 0, "KEY", "keys from this one on" },
	[OPT_UPPER] = { "upper", 0, "KEY", "keys up to this one" },
	[OPT_COUNT] = { "count", 0, NULL, "how many rows there are" },
	[OPT_TOP] = { "top", 0, "N", "the N rows that are largest by --by" },
	[OPT_BY] = { "by", 0, "EXPR", NULL },
	[OPT_TABLE] = { "table", 0, NULL, "print columns" },
	[OPT_STATS] = { "stats", 0, NULL, "print what is known of the state" },
	[OPT_OFFLINE] = { "offline", 0, NULL, "ask what a stage that does not run has kept" },
	{ 0 },
};

static int query_option(void *arg, struct ks_run *run, unsigned at, const char *value)
{
	struct query *st = arg;

	switch (at) {
	case OPT_PREFIX: st->prefix = value; return 0;
	case OPT_LOWER: st->lower = value; return 0;
	case OPT_UPPER: st->upper = value; return 0;
	case OPT_COUNT: st->count = true; return 0;
	case OPT_BY: st->by = value; return 0;
	case OPT_TABLE: st->table = true; return 0;
	case OPT_STATS: st->stats = true; return 0;
	case OPT_OFFLINE: st->offline = true; return 0;
	default:
		if (ks_num_parse_i64(ks_str(value), &st->top) != 0 || st->top < 1 || st->top > TOP_MAX)
			return ks_fail(run->err, KS_USAGE, "--top '%s' is not a number from 1 to %d", value, TOP_MAX);
		return 0;
	}
}

/* APP, or APP/STAGE. */
static int read_name(struct query *st, struct ks_run *run, const char *text)
{
	char *slash;

	st->app = strdup(text);
	if (st->app == NULL)
		return ks_fail_memory(run->err);
	slash = strchr(st->app, '/');
	if (slash != NULL) {
		*slash = '\0';
		st->stage = slash + 1;
	}
	if (!ks_state_is_name(st->app) || (st->stage != NULL && !ks_state_is_name(st->stage)))
		return ks_fail(run->err, KS_USAGE, "'%s' is not APP or APP/STAGE: names are letters, digits, '.', '_' and '-'", text);
	return 0;
}

static int query_operands(void *arg, struct ks_run *run, int argc, char *const argv[], int *used)
{
	struct query *st = arg;
	const struct ks_config *c = run->config;
	bool keys = c->key_expr != NULL || st->prefix != NULL || st->lower != NULL || st->upper != NULL;

	st->run = run;
	*used = argc;
	ks_answer(run);
	if (argc != 1)
		return ks_fail(run->err, KS_USAGE, argc == 0 ? "which app?  as in kstream-query ticker/window" : "one app at a time");
	if (c->in_count > 0 || c->out != NULL || c->topic != NULL || c->from_given || c->time_expr != NULL || c->app != NULL)
		return ks_fail(run->err, KS_USAGE, "no stream is read or written here: leave out --in, --out, --from, -t, --time and --app");
	if (c->to_given && c->to != KS_JSON && c->to != KS_PRETTY)
		return ks_fail(run->err, KS_USAGE, "answers are printed --to json or pretty, or as a --table");
	if (c->to_given && st->table)
		return ks_fail(run->err, KS_USAGE, "--table and --to: one of them");
	if (c->key_expr != NULL && (st->prefix != NULL || st->lower != NULL || st->upper != NULL))
		return ks_fail(run->err, KS_USAGE, "--key asks for one key: leave out --prefix, --lower and --upper");
	if (st->stats && (keys || st->count || st->top > 0 || st->table || c->has_since || c->has_until))
		return ks_fail(run->err, KS_USAGE, "--stats is about the state as a whole: nothing else can be asked with it");
	if (st->count && (st->top > 0 || st->table))
		return ks_fail(run->err, KS_USAGE, "--count prints a number: leave out --top and --table");
	if ((st->by != NULL) != (st->top > 0))
		return ks_fail(run->err, KS_USAGE, st->by != NULL ? "--by is about --top" : "--top: by what?  as in --top 10 --by .n");
	return read_name(st, run, argv[0]);
}

/* A key is JSON, or the text itself where that is none. */
static int read_key(struct query *st, const char *text, struct ks_buf *b, struct ks_bytes *key)
{
	size_t n = text != NULL ? strlen(text) : 0;
	enum ks_json_error e;
	struct ks_json json;
	char *padded;

	if (text == NULL)
		return 0;
	padded = calloc(1, n + KS_PAD);
	if (padded == NULL)
		return ks_fail_memory(st->run->err);
	memcpy(padded, text, n);
	ks_json_init(&json, st->run->limits->depth);
	ks_buf_init(b, KS_JSON_ROOM(n) + KS_MP_HEADER);
	e = ks_json_parse(&json, ks_bytes(padded, n), b);
	ks_json_release(&json);
	free(padded);
	if (e == KS_JSON_OK || e == KS_JSON_MEMORY) {
		*key = ks_buf_bytes(b);
		return e == KS_JSON_OK ? 0 : ks_fail_memory(st->run->err);
	}
	if (ks_utf8_prefix((const unsigned char *)text, n) != n)
		return ks_fail(st->run->err, KS_USAGE, "the key that is asked for is not UTF-8");
	b->n = 0;
	if (ks_mp_add_str(b, ks_str(text)) != 0)
		return ks_fail_memory(st->run->err);
	*key = ks_buf_bytes(b);
	return 0;
}

static bool is_container(struct ks_bytes key)
{
	struct ks_head head;

	return key.p != NULL && ks_mp_head(key.p, key.p + key.n, &head) == KS_MP_OK && head.type >= KS_ARRAY;
}

static int prepare(struct query *st, const struct ks_config *c)
{
	struct ks_query_print *x = &st->print;
	int status;

	st->ask = (struct ks_query_ask){
		.what = st->stats ? KS_QUERY_STATS : st->count ? KS_QUERY_COUNT : KS_QUERY_ROWS, .prefix = ks_str(st->prefix),
		.since_ms = c->has_since ? c->since_ms : INT64_MIN, .until_ms = c->has_until ? c->until_ms : INT64_MAX,
		.limit = c->count > 0 && st->top == 0 ? (uint64_t)c->count : 0,
	};
	ks_query_print_init(x);
	x->form = st->table ? KS_QUERY_TABLE : c->to == KS_PRETTY ? KS_QUERY_PRETTY : KS_QUERY_LINES;
	x->what = st->ask.what;
	x->limit = st->ask.limit;
	x->color = ks_wants_color(c, STDOUT_FILENO);
	x->depth = c->limits.depth;
	x->top = (size_t)st->top;
	status = read_key(st, c->key_expr, &st->keys[0], &st->ask.key);
	if (status == 0)
		status = read_key(st, st->lower, &st->keys[1], &st->ask.lower);
	if (status == 0)
		status = read_key(st, st->upper, &st->keys[2], &st->ask.upper);
	if (status == 0 && (is_container(st->ask.lower) || is_container(st->ask.upper)))
		return ks_fail(st->run->err, KS_USAGE, "--lower and --upper take text or numbers, not arrays and objects");
	if (status != 0 || st->by == NULL)
		return status;
	x->set = ks_expr_set_new(&c->limits);
	return x->set == NULL ? ks_fail_memory(st->run->err) : ks_expr_add(x->set, st->by, &x->by, st->run->err);
}

static int ask_instance(struct query *st, const struct ks_config *c, const char *stage, const char *instance, struct ks_err *err)
{
	char *dir;
	int status;

	if (st->offline)
		return ks_query_rest(c, st->app, stage, instance, &st->ask, ks_query_print_take, &st->print, err);
	if (asprintf(&dir, "%s/%s/%s/%s", c->state_dir, st->app, instance, stage) < 0)
		return ks_fail_memory(err);
	status = ks_query_ask_at(dir, &st->ask, &c->limits, ks_query_print_take, &st->print, err);
	free(dir);
	return status;
}

static int query_answer(void *arg, const struct ks_config *c, bool *answered, struct ks_err *err)
{
	struct ks_query_places places = { 0 };
	struct query *st = arg;
	size_t i;
	int status;

	*answered = true;
	if (c->state_dir == NULL)
		return ks_fail(err, KS_CONFIG, "where is the state?  neither --state-dir, KSTREAM_STATE_DIR nor HOME is set");
	status = prepare(st, c);
	if (status == 0)
		status = ks_query_find(&places, c->state_dir, st->app, st->stage, st->offline ? "db" : "sock", err);
	for (i = 0; i < places.count && status == 0; i++)
		status = ask_instance(st, c, places.stage, places.instances[i], err);
	if (status == 0)
		status = ks_query_print_end(&st->print, err);
	if (status == 0 && st->ask.what == KS_QUERY_ROWS && st->print.rows == 0)
		ks_say_no(st->run);
	ks_query_places_release(&places);
	return status;
}

static void query_close(void *arg, struct ks_run *run)
{
	struct query *st = arg;
	size_t i;

	(void)run;
	ks_query_print_release(&st->print);
	for (i = 0; i < 3; i++)
		ks_buf_release(&st->keys[i]);
	free(st->app);
}

static const struct ks_endpoints endpoints = { .answer = query_answer };

static const struct ks_op op = {
	.name = "kstream-query",
	.synopsis = "[--key KEY | [--prefix TEXT] [--lower KEY] [--upper KEY]] [--since TIME] [--until TIME] "
	    "[--count | --top N --by EXPR | --stats] [--table] [--offline] APP[/STAGE]",
	.purpose = "read the state of a stage, while it runs or at rest",
	.options = options,
	.size = sizeof(struct query),
	.inputs = 1,
	.option = query_option,
	.operands = query_operands,
	.close = query_close,
	.endpoints = &endpoints,
};

int main(int argc, char *argv[])
{
	return ks_main(&op, argc, argv);
}
