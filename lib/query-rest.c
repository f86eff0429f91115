/* SPDX-License-Identifier: MIT */
/*
 * query-rest.c - a state at rest.  What it was made with (store.h, fingerprint)
 * says how it is read: the lines are those of a command line, so they are
 * read as one.
 */
#include "query-rest.h"

#include <stdio.h>
#include <stdlib.h>

#include "join.h"
#include "ledger.h"
#include "num.h"
#include "store-look.h"
#include "table-stage.h"
#include "win.h"

struct rest {
	struct ks_err *err;
	const struct ks_config *config;
	struct ks_store *store;
	struct ks_run run;
	struct ks_win win;
	struct ks_table table;
	struct ks_join join;
	bool windows, joins;
	int64_t history_ms;	/* -1: none */
};

static int unknown(struct rest *r, const char *line)
{
	return ks_fail(r->err, KS_CONFIG, "the state was made with '%s', which this version of kstream does not know", line);
}

/* Times are ms there, and not what the option takes: text is then what it does. */
static const char *as_given(const char *option, const char *value, char text[KS_NUM_TEXT])
{
	bool align = strcmp(option, "--align") == 0;
	int64_t ms;

	if ((!align && strcmp(option, "--day-start") != 0) || ks_num_parse_duration(ks_str(value), &ms) != 0)
		return value;
	if (align)
		snprintf(text, KS_NUM_TEXT, "@%lld", (long long)ms);
	else
		snprintf(text, KS_NUM_TEXT, "%02d:%02d", (int)(ms / 3600000 % 24), (int)(ms / 60000 % 60));
	return text;
}

/* "--option value", or "--option". */
static int set_option(struct rest *r, char *option)
{
	char *value = strchr(option, ' ');
	char text[KS_NUM_TEXT];

	if (value != NULL)
		*value++ = '\0';
	if (strncmp(option, "--", 2) != 0)
		return unknown(r, option);
	return ks_win_option(&r->win.spec, option + 2, value != NULL ? as_given(option, value, text) : "", r->err);
}

static int set_clause(struct rest *r, char *line)
{
	char *begin = strchr(line, '\''), *end = strrchr(line, '\'');

	if (begin == NULL || end == begin)
		return unknown(r, line);
	*end = '\0';
	return ks_fold_add(&r->win.fold, begin + 1, r->err);
}

static int read_windows(struct rest *r, char *line)
{
	if (strncmp(line, "windows ", 8) == 0) {
		r->windows = true;
		return set_option(r, line + 8);
	}
	return strncmp(line, "clause-", 7) == 0 ? set_clause(r, line) : set_option(r, line);
}

static int read_rows(struct rest *r, const char *line)
{
	if (strncmp(line, "rows --versioned ", 17) != 0)
		return 0;
	return ks_num_parse_duration(ks_str(line + 17), &r->history_ms) == 0 ? 0 : unknown(r, line);
}

/* A clause or a key may have newlines in it: then the line that it is on ends with its quote. */
static char *end_of_line(char *line)
{
	char *end = strchr(line, '\n');

	/* It is the last line of its state. */
	if (strncmp(line, "foreign-key ", 12) == 0)
		return strrchr(line, '\n');
	if (strncmp(line, "clause-", 7) != 0)
		return end;
	while (end != NULL && (end[-1] != '\'' || (end[1] != '\0' && strncmp(end + 1, "clause-", 7) != 0)))
		end = strchr(end + 1, '\n');
	return end;
}

static int read_fingerprint(struct rest *r, char *text)
{
	bool rows = strncmp(text, "rows ", 5) == 0, windows = strncmp(text, "windows ", 8) == 0;
	char *line, *end;
	int status = 0;

	r->joins = strncmp(text, "join ", 5) == 0;
	if (!rows && !windows && !r->joins)
		return ks_fail(r->err, KS_CONFIG, "the state is of a tool that kstream-query does not know");
	for (line = text; *line != '\0' && status == 0; line = end + 1) {
		end = end_of_line(line);
		if (end == NULL)
			return unknown(r, line);
		*end = '\0';
		status = rows ? read_rows(r, line) : windows ? read_windows(r, line) : ks_join_rest_line(&r->join, line, r->err);
	}
	return status;
}

/* As far as it is committed.  Where there is no ledger Kafka has that, and is not asked: a state is at rest also when no broker runs. */
static int committed(struct rest *r, const char *app, const char *owner, struct ks_store_config *c)
{
	struct ks_ledger g;
	int status = ks_ledger_open(&g, r->config, app, owner, r->err);

	if (status == 0)
		status = ks_ledger_read(&g, r->err);
	c->epoch = g.run > 0 ? g.epoch : KS_STORE_NEWEST;
	c->run = g.run;
	ks_ledger_close(&g);
	return status;
}

static int open_store(struct rest *r, const char *app, const char *stage, const char *owner, struct ks_buf *text, int64_t *epoch)
{
	struct ks_store_config c = { .seed = (uintptr_t)r, .state_dir = r->config->state_dir, .app = app, .stage = stage,
		.owner = owner, .at_rest = text };
	int status = committed(r, app, owner, &c);
	struct ks_store_facts facts;

	if (status == 0)
		status = ks_store_open_at(&r->store, &c, r->err);
	if (status == 0) {
		ks_store_facts(r->store, &facts);
		*epoch = facts.epoch;
	}
	if (status == KS_TEMP && strstr(r->err->text, "LOCK is held") != NULL)
		return ks_fail(r->err, KS_TEMP, "instance %s of %s/%s runs, and has its state: ask without --offline", owner, app, stage);
	return status == 0 && ks_buf_add(text, "", 1) != 0 ? ks_fail_memory(r->err) : status;
}

static int open_windows(struct rest *r)
{
	struct ks_win_part *part;
	int32_t partition;
	int64_t after;
	int status;

	status = ks_win_check(&r->win, r->err);
	if (status == 0)
		status = ks_win_open(&r->win, &r->run);
	r->win.store = r->store;
	r->store = NULL;
	for (after = -2; status == 0 && ks_store_next_partition(r->win.store, after, &partition); after = partition)
		status = ks_win_part_of(&r->win, partition, &part);
	return status;
}

static int open_table(struct rest *r)
{
	return ks_table_open(&r->table, r->store, KS_TABLE_ROWS, r->history_ms, r->config->limits.depth, r->err);
}

static int open_state(struct rest *r)
{
	struct ks_store *store = r->store;

	if (!r->joins)
		return r->windows ? open_windows(r) : open_table(r);
	r->store = NULL;
	return ks_join_rest_open(&r->join, &r->run, store);
}

static int ask(struct rest *r, struct ks_query *q)
{
	if (r->joins)
		return ks_join_query(&r->join, q, r->err);
	return r->windows ? ks_win_query(&r->win, q, r->err) : ks_table_query(&r->table, q, r->err);
}

static int answer(struct rest *r, struct ks_query *q, ks_query_take *take, void *arg)
{
	bool over = false;
	int status = 0;

	while (status == 0 && !over) {
		status = ask(r, q);
		if (status == 0)
			status = ks_query_hand(q->out, r->config->limits.depth, take, arg, &over, r->err);
	}
	return status;
}

int ks_query_rest(const struct ks_config *config, const char *app, const char *stage, const char *owner,
    const struct ks_query_ask *ask, ks_query_take *take, void *arg, struct ks_err *err)
{
	struct rest *r = calloc(1, sizeof(*r));
	struct ks_buf text, out;
	struct ks_query q;
	int status;

	if (r == NULL)
		return ks_fail_memory(err);
	r->err = err;
	r->config = config;
	r->history_ms = -1;
	r->run = (struct ks_run){ .err = err, .limits = &config->limits, .config = config, .stage = stage };
	ks_buf_init(&text, KS_RECORD_MAX);
	ks_buf_init(&out, 4 * config->limits.record + KS_RECORD_MAX);
	ks_query_begin(&q, ask);
	q.out = &out;
	q.enough = 1 << 16;
	q.who = (struct ks_query_who){ .stage = stage, .owner = owner };
	status = ks_fold_init(&r->win.fold, &config->limits, sizeof(struct ks_win_head), err);
	if (status == 0)
		status = open_store(r, app, stage, owner, &text, &q.who.epoch);
	if (status == 0)
		status = read_fingerprint(r, (char *)text.p);
	if (status == 0)
		status = open_state(r);
	if (status == 0)
		status = answer(r, &q, take, arg);
	if (r->windows)
		ks_win_close(&r->win);
	else
		ks_fold_release(&r->win.fold);
	if (r->joins)
		ks_join_close(&r->join);
	ks_table_close(&r->table);
	ks_store_close(r->store);
	ks_query_release(&q);
	ks_buf_release(&out);
	ks_buf_release(&text);
	free(r);
	return status;
}
