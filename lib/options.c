/* SPDX-License-Identifier: MIT */
/* options.c - the command line that all tools share. */
#include "options.h"

#include <stdio.h>
#include <stdlib.h>

#include "num.h"
#include "options-kafka.h"
#include "options-table.h"
#include "signals.h"

#define IDLE_MAX_MS (INT64_C(3650) * 86400 * 1000)	/* so that nothing overflows that is added to it */

enum id {
	ID_HELP, ID_VERSION, ID_IN, ID_OUT, ID_FROM, ID_TO, ID_KCAT_JSON, ID_TOPIC, ID_TIME, ID_KEY,
	ID_TIME_UNIT, ID_ON_BAD_TIME, ID_ON_ERROR, ID_ONLY, ID_AS, ID_STAGE, ID_APP, ID_GUARANTEE, ID_INSTANCE,
	ID_STATE_DIR, ID_COUNT, ID_END, ID_COMMIT_INTERVAL, ID_KEY_FROM, ID_KEY_TO, ID_MAX_RECORD,
	ID_MAX_KEY, ID_MAX_DEPTH, ID_EXPR_LIMIT, ID_ORDER, ID_PROGRESS, ID_QUIET, ID_VERBOSE, ID_SINCE, ID_UNTIL, ID_UNWRAP,
	ID_TYPES, ID_FIELDS, ID_COLUMNS, ID_COLOR, ID_IDLE, ID_SHARED,
};

/* In the order of enum id.  Letters are kcat's, with kcat's meaning. */
static const struct ks_option shared[] = {
	[ID_HELP] = { "help", 'h', NULL, NULL },
	[ID_VERSION] = { "version", 'V', NULL, NULL },
	[ID_IN] = { "in", 0, "FILE", NULL },
	[ID_OUT] = { "out", 0, "FILE", NULL },
	[ID_FROM] = { "from", 0, "FORMAT", NULL },
	[ID_TO] = { "to", 0, "FORMAT", NULL },
	[ID_KCAT_JSON] = { "kcat-json", 'J', NULL, NULL },
	[ID_TOPIC] = { "topic", 't', "TOPIC", NULL },
	[ID_TIME] = { "time", 0, "EXPR", NULL },
	[ID_KEY] = { "key", 0, "EXPR", NULL },
	[ID_TIME_UNIT] = { "time-unit", 0, "UNIT", NULL },
	[ID_ON_BAD_TIME] = { "on-bad-time", 0, "POLICY", NULL },
	[ID_ON_ERROR] = { "on-error", 0, "POLICY", NULL },
	[ID_ONLY] = { "only", 0, "NAME,...", NULL },
	[ID_AS] = { "as", 0, "NAME", NULL },
	[ID_STAGE] = { "stage", 0, "NAME", NULL },
	[ID_APP] = { "app", 0, "NAME", NULL },
	[ID_GUARANTEE] = { "guarantee", 0, "HOW", NULL },
	[ID_INSTANCE] = { "instance", 0, "I/N|NAME", NULL },
	[ID_STATE_DIR] = { "state-dir", 0, "DIR", NULL },
	[ID_COUNT] = { "max-messages", 'c', "N", NULL },
	[ID_END] = { "end", 0, "KIND", NULL },
	[ID_COMMIT_INTERVAL] = { "commit-interval", 0, "DURATION", NULL },
	[ID_KEY_FROM] = { "key-from", 0, "CODEC", NULL },
	[ID_KEY_TO] = { "key-to", 0, "CODEC", NULL },
	[ID_MAX_RECORD] = { "max-record", 0, "SIZE", NULL },
	[ID_MAX_KEY] = { "max-key", 0, "SIZE", NULL },
	[ID_MAX_DEPTH] = { "max-depth", 0, "N", NULL },
	[ID_EXPR_LIMIT] = { "expr-limit", 0, "STEPS[,SIZE]", NULL },
	[ID_ORDER] = { "order", 0, "HOW", NULL },
	[ID_PROGRESS] = { "progress", 0, NULL, NULL },
	[ID_QUIET] = { "quiet", 'q', NULL, NULL },
	[ID_VERBOSE] = { "verbose", 'v', NULL, NULL },
	[ID_SINCE] = { "since", 0, "TIME", NULL },
	[ID_UNTIL] = { "until", 0, "TIME", NULL },
	[ID_UNWRAP] = { "unwrap", 0, NULL, NULL },
	[ID_TYPES] = { "types", 0, "auto|string", NULL },
	[ID_FIELDS] = { "fields", 0, "NAME,...", NULL },
	[ID_COLUMNS] = { "columns", 0, "NAME,...", NULL },
	[ID_COLOR] = { "color", 0, "auto|always|never", NULL },
	[ID_IDLE] = { "idle", 0, "DURATION", NULL },
};

static const char shared_help[] =
	"input   --in FILE|kafka:TOPIC  --from frames|json|envelope|raw|csv|tsv\n"
	"        -t TOPIC  -c N  --unwrap  --types auto|string  --fields NAME,...\n"
	"        --key EXPR  --time EXPR|wall  --time-unit s|ms|us|ns  --on-bad-time HOW\n"
	"        --since TIME  --until TIME  --order HOW  --idle DURATION\n"
	"        --on-error fail|skip|dlq:TOPIC|file:PATH  --key-from string|json|raw\n"
	"output  --out FILE|kafka:TOPIC  --to frames|json|envelope|raw|csv|tsv|pretty\n"
	"        -J  --as NAME  --key-to string|json|raw  --columns NAME,..  --color HOW\n"
	"stream  --only NAME,...  --end complete|paused  --commit-interval DURATION\n"
	"keep    --app NAME  --guarantee HOW  --instance I/N|NAME  --state-dir DIR\n"
	"limits  --max-record SIZE  --max-key SIZE  --max-depth N  --expr-limit STEPS\n"
	"more    --stage NAME  -q  -v  --progress  --help  --version\n";

struct word {
	const char *text;
	int value;
};

static bool find_word(const struct word *words, const char *text, int *value)
{
	for (; words->text != NULL; words++) {
		if (strcmp(words->text, text) == 0) {
			*value = words->value;
			return true;
		}
	}
	return false;
}

static int bad(struct ks_err *err, const char *option, const char *value, const char *want)
{
	return ks_fail(err, KS_USAGE, "--%s '%s' is not %s", option, value, want);
}

static int parse_from(struct ks_config *c, const char *value, struct ks_err *err)
{
	static const struct word words[] = {
		{ "frames", KS_FRAMES }, { "json", KS_JSON }, { "envelope", KS_ENVELOPE },
		{ "raw", KS_RAW }, { "csv", KS_CSV }, { "tsv", KS_TSV }, { NULL, 0 },
	};
	int x;

	if (!find_word(words, value, &x))
		return bad(err, "from", value, "frames, json, envelope, raw, csv or tsv");
	c->from = (enum ks_format)x;
	c->from_given = true;
	return 0;
}

static int parse_to(struct ks_config *c, const char *value, struct ks_err *err)
{
	static const struct word words[] = {
		{ "frames", KS_FRAMES }, { "json", KS_JSON }, { "envelope", KS_ENVELOPE },
		{ "raw", KS_RAW }, { "csv", KS_CSV }, { "tsv", KS_TSV }, { "pretty", KS_PRETTY }, { NULL, 0 },
	};
	int x;

	if (!find_word(words, value, &x))
		return bad(err, "to", value, "frames, json, envelope, raw, csv, tsv or pretty");
	c->to = (enum ks_format)x;
	c->to_given = true;
	return 0;
}

static int parse_unit(struct ks_options *o, const char *value, struct ks_err *err)
{
	struct ks_config *c = &o->config;
	static const struct { const char *name; int64_t num, den; } units[] = {
		{ "s", 1000, 1 }, { "ms", 1, 1 }, { "us", 1, 1000 }, { "ns", 1, 1000000 },
	};
	size_t i;

	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(units[i].name, value) == 0) {
			c->unit_num = units[i].num;
			c->unit_den = units[i].den;
			o->of_time = "time-unit";
			return 0;
		}
	}
	return bad(err, "time-unit", value, "s, ms, us or ns");
}

static int parse_bad_time(struct ks_options *o, const char *value, struct ks_err *err)
{
	static const struct word words[] = {
		{ "fail", KS_POLICY_FAIL }, { "drop", KS_POLICY_SKIP }, { "append", KS_POLICY_APPEND },
		{ "wall", KS_POLICY_WALL }, { "dlq", KS_POLICY_DLQ }, { NULL, 0 },
	};
	int x;

	if (!find_word(words, value, &x))
		return bad(err, "on-bad-time", value, "fail, drop, append, wall or dlq");
	o->config.on_bad_time = (enum ks_policy)x;
	o->of_time = "on-bad-time";
	return 0;
}

bool ks_is_name(const char *text, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f || text[i] == ',')
			return false;
	return n > 0 && n <= KS_NAME_MAX && ks_utf8_prefix((const unsigned char *)text, n) == n;
}

static int parse_on_error(struct ks_config *c, const char *value, struct ks_err *err)
{
	if (strcmp(value, "fail") == 0) {
		c->on_error = KS_POLICY_FAIL;
	} else if (strcmp(value, "skip") == 0) {
		c->on_error = KS_POLICY_SKIP;
	} else if (strncmp(value, "dlq:", 4) == 0 && ks_is_name(value + 4, strlen(value + 4))) {
		c->on_error = KS_POLICY_DLQ;
		c->error_to = value + 4;
	} else if (strncmp(value, "file:", 5) == 0 && value[5] != '\0') {
		c->on_error = KS_POLICY_FILE;
		c->error_to = value + 5;
	} else {
		return bad(err, "on-error", value, "fail, skip, dlq:TOPIC or file:PATH");
	}
	return 0;
}

static int parse_instance(struct ks_config *c, const char *value, struct ks_err *err)
{
	if (ks_owner_is_name(ks_str(value))) {
		c->instance = c->instances = 0;
		snprintf(c->owner, sizeof(c->owner), "%s", value);
		return 0;
	}
	if (!ks_owner_layout(ks_str(value), &c->instance, &c->instances))
		return bad(err, "instance", value, "I/N, with I from 0 to N-1, or a name of letters, digits, '_' and '-' that begins with a letter");
	ks_owner_print(c->owner, c->instance, c->instances);
	return 0;
}

static int parse_end(struct ks_config *c, const char *value, struct ks_err *err)
{
	static const struct word words[] = {
		{ "complete", KS_COMPLETE }, { "paused", KS_PAUSED }, { NULL, 0 },
	};

	return find_word(words, value, &c->end) ? 0 : bad(err, "end", value, "complete or paused");
}

static int parse_codec(enum ks_key_codec *codec, const char *option, const char *value,
    struct ks_err *err)
{
	static const struct word words[] = {
		{ "string", KS_KEY_STRING }, { "json", KS_KEY_JSON }, { "raw", KS_KEY_RAW }, { NULL, 0 },
	};
	int x;

	if (!find_word(words, value, &x))
		return bad(err, option, value, "string, json or raw");
	*codec = (enum ks_key_codec)x;
	return 0;
}

static int parse_limit(size_t *limit, const char *option, const char *value, struct ks_err *err)
{
	uint64_t bytes;

	if (ks_num_parse_size(ks_str(value), &bytes) != 0 || bytes < 64 || bytes > (uint64_t)1 << 30)
		return bad(err, option, value, "a size from 64 to 1G, such as 512k or 16M");
	*limit = (size_t)bytes;
	return 0;
}

static int parse_number(int64_t *x, const char *option, const char *value, int64_t min, int64_t max,
    struct ks_err *err)
{
	if (ks_num_parse_i64(ks_str(value), x) != 0 || *x < min || *x > max)
		return ks_fail(err, KS_USAGE, "--%s '%s' is not a number from %lld to %lld", option, value,
		    (long long)min, (long long)max);
	return 0;
}

static int parse_name(const char **name, const char *option, const char *value, struct ks_err *err)
{
	if (!ks_is_name(value, strlen(value)))
		return bad(err, option, value, "a name: 1 to 249 bytes of UTF-8 without controls and commas");
	*name = value;
	return 0;
}

static int parse_only(struct ks_config *c, const char *value, struct ks_err *err)
{
	const char *p = value;
	size_t n;

	for (;; p += n + 1) {
		n = strcspn(p, ",");
		if (!ks_is_name(p, n))
			return bad(err, "only", value, "names between commas");
		if (p[n] == '\0')
			break;
	}
	c->only = value;
	return 0;
}

static int parse_order(struct ks_config *c, const char *value, struct ks_err *err)
{
	static const struct word words[] = {
		{ "time", KS_ORDER_TIME }, { "global", KS_ORDER_GLOBAL }, { "arrival", KS_ORDER_ARRIVAL }, { NULL, 0 },
	};
	int x;

	if (!find_word(words, value, &x))
		return bad(err, "order", value, "time, global or arrival");
	c->order = (enum ks_order_by)x;
	return 0;
}

static int set_input(struct ks_options *o, enum id id, const char *value, struct ks_err *err)
{
	struct ks_config *c = &o->config;

	switch (id) {
	case ID_IN: o->in[c->in_count++] = value; return 0;
	case ID_FROM: return parse_from(c, value, err);
	case ID_TOPIC:
		if (c->topic_count == 0)
			c->topic = value;
		return parse_name(&o->topics[c->topic_count++], "topic", value, err);
	case ID_TIME:
		c->time_wall = strcmp(value, "wall") == 0;
		c->time_expr = c->time_wall ? NULL : value;
		return 0;
	case ID_KEY: c->key_expr = value; return 0;
	case ID_TIME_UNIT: return parse_unit(o, value, err);
	case ID_ON_BAD_TIME: return parse_bad_time(o, value, err);
	case ID_ON_ERROR: return parse_on_error(c, value, err);
	case ID_COUNT: return parse_number(&c->count, "max-messages", value, 1, INT64_MAX, err);
	case ID_ORDER: return parse_order(c, value, err);
	case ID_IDLE:
		if (ks_num_parse_duration(ks_str(value), &c->idle_ms) != 0 || c->idle_ms < 1 || c->idle_ms > IDLE_MAX_MS)
			return bad(err, "idle", value, "a duration from 1ms to 3650d, such as 30s");
		return 0;
	case ID_KEY_FROM:
		c->key_from_given = true;
		return parse_codec(&c->key_from, "key-from", value, err);
	default: ks_bug("an option that nobody takes");
	}
}

static int set_rest(struct ks_options *o, enum id id, const char *value, struct ks_err *err)
{
	struct ks_config *c = &o->config;
	int64_t x;
	int status;

	switch (id) {
	case ID_OUT: c->out = strcmp(value, "-") == 0 ? NULL : value; return 0;
	case ID_TO: return parse_to(c, value, err);
	case ID_KCAT_JSON: c->to = KS_KCAT; c->to_given = true; return 0;
	case ID_ONLY: return parse_only(c, value, err);
	case ID_AS: return parse_name(&c->as, "as", value, err);
	case ID_STAGE: return parse_name(&c->stage, "stage", value, err);
	case ID_APP: return parse_name(&c->app, "app", value, err);
	case ID_GUARANTEE: return ks_options_guarantee(c, value, err);
	case ID_INSTANCE: return parse_instance(c, value, err);
	case ID_STATE_DIR: c->state_dir = value; return 0;
	case ID_END: return parse_end(c, value, err);
	case ID_COMMIT_INTERVAL:
		if (ks_num_parse_duration(ks_str(value), &c->commit_interval_ms) != 0 ||
		    c->commit_interval_ms < 1 || c->commit_interval_ms > 86400000)
			return bad(err, "commit-interval", value, "a duration from 1ms to 1d, such as 500ms");
		return 0;
	case ID_KEY_TO: return parse_codec(&c->key_to, "key-to", value, err);
	case ID_MAX_RECORD: return parse_limit(&c->limits.record, "max-record", value, err);
	case ID_MAX_KEY: return parse_limit(&c->limits.key, "max-key", value, err);
	case ID_MAX_DEPTH:
		status = parse_number(&x, "max-depth", value, 1, KS_DEPTH_CEILING, err);
		if (status == 0)
			c->limits.depth = (unsigned)x;
		return status;
	case ID_EXPR_LIMIT: return ks_options_expr_limit(&c->limits, value, err);
	case ID_PROGRESS: c->progress = true; return 0;
	case ID_QUIET: c->quiet = true; return 0;
	case ID_VERBOSE: c->verbose++; return 0;
	case ID_SINCE: return ks_options_range(c, true, value, err);
	case ID_UNTIL: return ks_options_range(c, false, value, err);
	case ID_UNWRAP: c->unwrap = true; return 0;
	case ID_TYPES: return ks_options_types(c, value, err);
	case ID_FIELDS: return ks_options_names(&c->fields, "fields", value, err);
	case ID_COLUMNS: return ks_options_names(&c->columns, "columns", value, err);
	case ID_COLOR: return ks_options_color(c, value, err);
	default: return set_input(o, id, value, err);
	}
}

static int unknown_option(struct ks_options *o, int got, char *argv[], struct ks_err *err)
{
	const char *what = argv[optind - 1], *why;

	why = o->refuse != NULL && got == '?' && optopt > 0 && optopt < 0x1000 ? o->refuse(optopt) : NULL;
	if (why != NULL)
		return ks_fail(err, KS_USAGE, "-%c: %s", optopt, why);
	if (got == ':')
		return ks_fail(err, KS_USAGE, "option '%s' needs an argument (try %s --help)", what, o->name);
	/* '-.a > 1' is more likely an expression than letters. */
	if (optopt != 0 && optopt < 0x1000 && (unsigned)(optopt | 0x20) - 'a' >= 26)
		return ks_fail(err, KS_USAGE, "unknown option '-%c': what begins with '-' and is no option stands behind '--'", optopt);
	if (optopt != 0 && optopt < 0x1000)
		return ks_fail(err, KS_USAGE, "unknown option '-%c' (try %s --help)", optopt, o->name);
	if (optopt >= 0x1000)
		return ks_fail(err, KS_USAGE, "option '%s' takes no argument", what);
	return ks_fail(err, KS_USAGE, "unknown option '%s' (try %s --help)", what, o->name);
}

/* $KSTREAM_STATE_DIR, else $XDG_STATE_HOME/kstream, else ~/.local/state/kstream. */
static int default_state_dir(struct ks_options *o, struct ks_err *err)
{
	const char *dir = getenv("KSTREAM_STATE_DIR"), *xdg = getenv("XDG_STATE_HOME");
	const char *home = getenv("HOME");
	int n;

	if (dir != NULL && *dir != '\0') {
		o->config.state_dir = dir;
		return 0;
	}
	if (xdg != NULL && *xdg == '/')
		n = asprintf(&o->state_dir, "%s/kstream", xdg);
	else if (home != NULL && *home == '/')
		n = asprintf(&o->state_dir, "%s/.local/state/kstream", home);
	else
		return 0;
	if (n < 0) {
		o->state_dir = NULL;
		return ks_fail_memory(err);
	}
	o->config.state_dir = o->state_dir;
	return 0;
}

static void set_defaults(struct ks_options *o)
{
	o->config = (struct ks_config){
		.program = o->name,
		.limits = { .record = KS_RECORD_MAX, .key = KS_KEY_MAX, .depth = KS_DEPTH_MAX, .stop = ks_signals_end },
		.from = KS_FRAMES, .to = KS_FRAMES, .unit_num = 1, .unit_den = 1,
		.owner = "0/1", .instances = 1, .count = -1, .end = -1, .commit_interval_ms = 1000,
		.in = o->in, .topics = o->topics,
		.stage = strchr(o->name, '-') != NULL ? strchr(o->name, '-') + 1 : o->name,
	};
}

/* As a variable of the shell is that was never set: meant for something, and it is never the default. */
static int empty_value(const struct ks_option *option, struct ks_err *err)
{
	return ks_fail(err, KS_USAGE, "--%s '' is not %s: it is empty", option->name, option->arg);
}

int ks_options_parse(struct ks_options *o, int argc, char *argv[], struct ks_err *err)
{
	struct ks_option_table t = { .letters = ":", .n = 1 };
	const struct ks_option *option;
	int got, at, own, status;
	size_t i;

	o->in = calloc((size_t)argc + 1, sizeof(*o->in));
	o->topics = calloc((size_t)argc + 1, sizeof(*o->topics));
	if (o->in == NULL || o->topics == NULL)
		return ks_fail_memory(err);
	set_defaults(o);
	status = default_state_dir(o, err);
	if (status != 0)
		return status;
	for (i = 0; i < ID_SHARED; i++)
		ks_option_table_add(&t, &shared[i]);
	for (i = 0; o->own != NULL && o->own[i].name != NULL; i++)
		ks_option_table_add(&t, &o->own[i]);
	own = (int)t.count;
	if (o->own != ks_kafka_options)
		ks_option_table_add_kafka(&t);
	opterr = 0;
	while ((got = getopt_long(argc, argv, t.letters, t.longs, NULL)) != -1) {
		if (got == '?' || got == ':')
			return unknown_option(o, got, argv, err);
		at = ks_option_table_find(&t, got);
		option = t.options[at];
		if (optarg != NULL && *optarg == '\0' && (at < ID_SHARED || at >= own || !ks_options_empty(o, option)))
			return empty_value(option, err);
		status = 0;
		if (at < ID_SHARED || at >= own || o->own == ks_kafka_options)
			status = ks_options_note(o, option, optarg, err);
		if (status != 0 || at >= own) {
			;	/* noted, or not */
		} else if (at >= ID_SHARED) {
			status = o->set(o->arg, (unsigned)(at - ID_SHARED), optarg);
		} else if (at == ID_HELP || at == ID_VERSION) {
			o->help |= at == ID_HELP;
			o->version |= at == ID_VERSION;
		} else {
			status = set_rest(o, (enum id)at, optarg, err);
		}
		if (status != 0)
			return status;
	}
	o->first = optind;
	return 0;
}

int ks_options_files(struct ks_options *o, int count, char *const files[], struct ks_err *err)
{
	const char **in;
	int i;

	/* Each name may be an operand or an --in, so argc of them always fit. */
	in = realloc(o->in, (o->config.in_count + (size_t)count + 1) * sizeof(*in));
	if (in == NULL)
		return ks_fail_memory(err);
	o->in = in;
	o->config.in = in;
	for (i = 0; i < count; i++) {
		if (*files[i] == '\0')
			return ks_fail(err, KS_USAGE, "an operand is empty: it wants the name of a file, or '-'");
		in[o->config.in_count++] = files[i];
	}
	return 0;
}

int ks_options_check(struct ks_options *o, struct ks_err *err)
{
	const struct ks_config *c = &o->config;
	int status = ks_options_check_guarantee(&o->config, err);

	if (status != 0)
		return status;
	if (c->app != NULL && c->state_dir == NULL)
		return ks_fail(err, KS_CONFIG, "--app needs --state-dir: neither KSTREAM_STATE_DIR nor HOME is set");
	if (o->of_time != NULL && c->time_expr == NULL)
		return ks_fail(err, KS_USAGE, "--%s is about --time EXPR, which is not given", o->of_time);
	if (ks_config_merges(c) && c->time_wall)
		return ks_fail(err, KS_USAGE, "--order %s: the clock of --time wall is the order of arrival",
		    ks_config_order(c));
	if (c->on_bad_time == KS_POLICY_DLQ && c->on_error != KS_POLICY_DLQ && c->on_error != KS_POLICY_FILE)
		return ks_fail(err, KS_USAGE, "--on-bad-time dlq needs --on-error dlq:TOPIC or file:PATH, to say where to");
	status = ks_options_formats(o, err);
	return status == 0 ? ks_options_topics(o, err) : status;
}

void ks_options_release(struct ks_options *o)
{
	size_t i;

	for (i = 0; i < o->given_count; i++)
		if (o->given[i].shown != NULL)
			free((void *)(uintptr_t)o->given[i].value);
	free(o->in);
	free(o->topics);
	free(o->given);
	free(o->state_dir);
}

void ks_options_help(const struct ks_options *o)
{
	ks_options_print(o, shared, ID_SHARED, shared_help);
}

void ks_options_version(const struct ks_options *o)
{
	printf("%s %s\n", o->name, KS_VERSION);
}
