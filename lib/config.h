/* SPDX-License-Identifier: MIT */
/*
 * config.h - what the common options say, once parsed: the sources and
 * sinks are made from it.  Text is borrowed from argv or the environment.
 */
#ifndef KS_CONFIG_H
#define KS_CONFIG_H

#include "frame.h"
#include "owner.h"

struct ks_kcat_format;
struct ks_wanted;

enum ks_format {
	KS_FRAMES,
	KS_JSON,	/* the value, one document a line */
	KS_ENVELOPE,	/* one object a record that restores it exactly */
	KS_RAW,		/* the value's bytes, one line each */
	KS_TSV,		/* columns between tabs, named by the first line */
	KS_KCAT,	/* kcat's -J; output only */
	KS_FORMAT,	/* kcat's -f; output only */
	KS_CSV,		/* RFC 4180, named likewise */
	KS_PRETTY,	/* the value as jq prints it, for people; output only */
};

/* How the key of a Kafka record is read and written. */
enum ks_key_codec {
	KS_KEY_STRING,	/* text; read: bytes where it is not UTF-8; written: a string bare, another value as JSON */
	KS_KEY_JSON,
	KS_KEY_RAW,	/* bytes, untouched */
};

enum ks_policy {
	KS_POLICY_FAIL,
	KS_POLICY_SKIP,		/* counted, gone */
	KS_POLICY_FILE,		/* appended to a file as envelope lines */
	KS_POLICY_DLQ,		/* sent on as a dead letter to a route */
	KS_POLICY_APPEND,	/* bad time only: the broker's own time of the record */
	KS_POLICY_WALL,		/* bad time only: now */
};

/* Several topics or files. */
enum ks_order_by {
	KS_ORDER_UNSAID,	/* topics by time, files one after another */
	KS_ORDER_TIME,		/* of topics the partitions of one number */
	KS_ORDER_GLOBAL,	/* all partitions of all topics */
	KS_ORDER_ARRIVAL,
};

/* --color, of KS_PRETTY. */
enum ks_color {
	KS_COLOR_AUTO,		/* on a terminal, unless the environment says no */
	KS_COLOR_ALWAYS,
	KS_COLOR_NEVER,
};

struct ks_config {
	const char *program;
	struct ks_limits limits;

	const char *const *in;	/* --in, then file operands; empty: stdin */
	size_t in_count;
	const char *out;	/* --out, NULL: stdout */
	bool topics_in;		/* --in kafka:TOPIC: they are in topics, and in is empty */
	const char *out_topic;	/* --out kafka:TOPIC, NULL: none; "" : to the route of each record alone */
	enum ks_format from, to;
	bool from_given, to_given;
	const struct ks_kcat_format *kcat;	/* of KS_FORMAT, or what ends a record of KS_KCAT; NULL: a newline does */
	enum ks_key_codec key_from, key_to;
	bool key_from_given;
	bool unwrap;		/* --unwrap: values are {"schema": ..., "payload": ...} of Kafka Connect */
	bool untyped;		/* --types string: fields of csv and tsv stay text */
	const char *fields;	/* --fields: names of the fields of csv and tsv, which have no such line; NULL: their first is it */
	const char *columns;	/* --columns: of csv and tsv output; NULL: the fields of the first record */
	enum ks_color color;

	const char *topic;	/* the first -t: of a file, instead of its name */
	const char *const *topics;	/* every -t */
	size_t topic_count;
	const char *time_expr, *key_expr;	/* NULL: not asked for */
	const char *also_read;		/* a file that the tool reads beside its input; NULL: none */
	const char *key_option;		/* what key_expr is given by; NULL: --key */
	bool time_wall;		/* --time wall */
	enum ks_order_by order;
	int64_t unit_num, unit_den;	/* a number of --time-unit is num/den ms */
	bool has_since, has_until;	/* --since, --until: records before the one, or at the other and behind, go */
	int64_t since_ms, until_ms;
	enum ks_policy on_bad_time, on_error;
	const char *error_to;	/* the route of dlq, or the path of file */

	const char *only;	/* --only: names between commas, NULL: all */
	const char *as;		/* --as: the route of what is emitted */
	const char *stage;
	const char *app;	/* NULL: none, or --guarantee none */
	enum ks_guarantee guarantee;	/* --guarantee */
	bool guarantee_given;
	char owner[KS_OWNER_ROOM];	/* --instance: I/N, or a name */
	uint32_t instance, instances;	/* I and N; of a name 0 and 0 */
	const char *state_dir;
	int64_t count;		/* -c: records to read, -1: no limit */
	int end;		/* --end: KS_PAUSED or KS_COMPLETE, -1: not given */
	int64_t commit_interval_ms;
	int64_t idle_ms;	/* --idle; 0: not given */
	bool quiet, progress;
	int verbose;
	const struct ks_wanted *wanted;	/* by the tool that runs this process: child.h; NULL: all is */
};

/* Whether --guarantee says that at least once is enough. */
static inline bool ks_config_at_least(const struct ks_config *c)
{
	return c->guarantee_given && c->guarantee == KS_AT_LEAST_ONCE;
}

/*
 * With --app --until is where reading stops: at the first record of that time
 * or later, of each partition or file, which the next run begins with.
 */
static inline bool ks_config_stops(const struct ks_config *c)
{
	return c->has_until && c->app != NULL;
}

/* Whether several files are read by time: of files there is one order. */
static inline bool ks_config_merges(const struct ks_config *c)
{
	return c->order == KS_ORDER_TIME || c->order == KS_ORDER_GLOBAL;
}

/* What --order was given, for messages. */
static inline const char *ks_config_order(const struct ks_config *c)
{
	return c->order == KS_ORDER_TIME ? "time" : c->order == KS_ORDER_GLOBAL ? "global" : "arrival";
}

/* Whether a time is within --since and --until. */
static inline bool ks_config_in_range(const struct ks_config *c, int64_t time_ms)
{
	return (!c->has_since || time_ms >= c->since_ms) && (!c->has_until || time_ms < c->until_ms);
}

#endif
