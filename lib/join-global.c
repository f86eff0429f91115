/* SPDX-License-Identifier: MIT */
/* join-global.c - records of a stream with the rows of a table that is whole on every instance. */
#include "join-global.h"
#include "hello.h"
#include "state-key.h"
#include "join-query.h"

#include <errno.h>
#include <stdlib.h>

struct global {
	struct ks_join_rows own;	/* of a stream of the pipe */
	struct ks_join_rows *rows;	/* those that are asked */
	struct ks_buf mapped;		/* what --on has yielded */
};

int ks_join_rows_open(struct ks_join *j, struct ks_join_rows *rows, struct ks_store *store, struct ks_err *err)
{
	int status = ks_table_open(&rows->table, store, KS_TABLE_ROWS, -1, j->run->limits->depth, err);

	return status == 0 ? ks_table_part(&rows->table, KS_JOIN_EVERYWHERE, &rows->part, err) : status;
}

void ks_join_rows_close(struct ks_join_rows *rows)
{
	ks_table_close(&rows->table);
}

int ks_join_rows_put(struct ks_join *j, struct ks_join_rows *rows, const struct ks_rec *rec, struct ks_bytes value,
    struct ks_err *err)
{
	struct ks_row row = { rec->time_ms, KS_TABLE_NO_MARK, rec->flags & (KS_TIME_TYPE | KS_KEY_KIND), value };
	enum ks_table_taken taken;
	struct ks_change c;
	struct ks_bytes key;
	int status = ks_join_key(j, KS_JOIN_RIGHT, rec, &key);

	return status == 0 ? ks_table_put(&rows->table, rows->part, key, &row, false, false, &c, &taken, err) : status;
}

int ks_join_global_where(struct ks_join_input *x, struct ks_err *err)
{
	static const struct {
		const char *end;
		enum ks_format format;
	} ends[] = { { ".jsonl", KS_JSON }, { ".ndjson", KS_JSON }, { ".json", KS_JSON }, { ".csv", KS_CSV }, { ".tsv", KS_TSV },
		{ ".envelope", KS_ENVELOPE }, { ".frames", KS_FRAMES } };
	static const char kafka[] = "kafka:";
	const char *topic = x->name + sizeof(kafka) - 1;
	size_t n = strlen(x->name), i, k;

	if (strncmp(x->name, kafka, sizeof(kafka) - 1) == 0) {
		x->where = KS_JOIN_TOPIC;
		return ks_is_name(topic, strlen(topic)) && *topic != '^' ? 0 :
		    ks_fail(err, KS_USAGE, "--global '%s' names no topic, as kafka:profiles does", x->name);
	}
	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		k = strlen(ends[i].end);
		if (n <= k || strcmp(x->name + n - k, ends[i].end) != 0)
			continue;
		x->where = KS_JOIN_FILE;
		x->format = ends[i].format;
		return 0;
	}
	return strchr(x->name, '/') == NULL ? 0 :
	    ks_fail(err, KS_USAGE, "--global '%s': what is in the file?  its name ends in .jsonl, .json, .csv, .tsv, .envelope or .frames", x->name);
}

/* Each instance would have the rows of its own share alone, and the others' would be missing without a word. */
static int check_share(const struct ks_join *j)
{
	const struct ks_hello_view *h = j->run->hello;
	const char *name = j->spec.inputs[KS_JOIN_RIGHT].name;
	char owner[KS_OWNER_ROOM];

	if (h == NULL || h->instances == 1)
		return 0;
	ks_hello_owner(h, owner);
	return ks_fail(j->run->err, KS_CONFIG, "--global %s is a stream of this pipe, and instance %s sees a share of it: give --global kafka:%s, which each reads whole",
	    name, owner, name);
}

static int open_own(struct ks_join *j)
{
	struct global *g = calloc(1, sizeof(*g));
	int status;

	j->own = g;
	if (g == NULL)
		return ks_join_no_memory(j);
	ks_buf_init(&g->mapped, j->run->limits->key);
	if (j->endpoint != NULL)
		return ks_join_endpoint_load(j);
	status = check_share(j);
	g->rows = &g->own;
	return status == 0 ? ks_join_rows_open(j, g->rows, j->store, j->run->err) : status;
}

static void close_own(struct ks_join *j)
{
	struct global *g = j->own;

	if (g == NULL)
		return;
	ks_join_rows_close(&g->own);
	ks_buf_release(&g->mapped);
	free(g);
	j->own = NULL;
}

static int save(struct ks_join *j)
{
	struct global *g = j->own;

	return j->endpoint != NULL ? ks_join_endpoint_save(j) : ks_table_save(&g->own.table, j->run->err);
}

static int put_row(struct ks_join *j, struct global *g, const struct ks_rec *rec)
{
	struct ks_bytes value;
	bool latest, bad;
	int status;

	if (ks_mp_is_nil(rec->key))
		return ks_join_drop(j, "null key");
	status = ks_join_table_value(j, rec, &value, &latest, &bad);
	if (status != 0 || bad)
		return status;
	if (!latest)
		return ks_join_drop(j, "not the latest");
	ks_folded(j->run);
	return ks_join_rows_put(j, g->rows, rec, value, j->run->err);
}

/* The key of the row that rec asks for; nil: of none.  *bad: --on failed on it, and it was rejected. */
static int map_key(struct ks_join *j, struct global *g, const struct ks_rec *rec, struct ks_bytes *key, bool *bad)
{
	const char *wrong;
	struct ks_val v;
	int no = 0;

	*bad = false;
	*key = rec->key;
	if (j->on_set == NULL)
		return 0;
	g->mapped.n = 0;
	wrong = ks_expr_load(j->on_set, rec);
	if (wrong == NULL)
		wrong = ks_expr_eval(j->on, &v);
	if (wrong == NULL)
		no = ks_mp_add_val(&g->mapped, &v);
	if (no == EMSGSIZE)
		wrong = "the key is larger than --max-key allows";
	if (no == ENOMEM || (wrong != NULL && ks_is_no_memory(wrong)))
		return ks_join_no_memory(j);
	*bad = wrong != NULL;
	*key = ks_buf_bytes(&g->mapped);
	return wrong == NULL ? 0 : ks_reject(j->run, rec, "--on: %s", wrong);
}

/* The row that rec asks for by the key mapped; value nil: there is none. */
static int look_up(struct ks_join *j, struct global *g, const struct ks_rec *rec, struct ks_bytes mapped, struct ks_row *row)
{
	struct ks_bytes key;

	if (KS_UNLIKELY(!j->keys[KS_JOIN_LEFT].known))
		ks_join_look_at_key(j, KS_JOIN_LEFT, rec, mapped);
	if (ks_state_key(&j->plain, mapped, &key) != 0)
		return ks_join_no_memory(j);
	return ks_table_get(&g->rows->table, g->rows->part, key, row, j->run->err);
}

/* What is null by the mapped key alone counts: a record without a key of its own may have a match. */
static int join(struct ks_join *j, struct global *g, const struct ks_rec *rec)
{
	struct ks_join_result r = { .from = rec, .side = KS_JOIN_LEFT, .partition = rec->partition, .time_ms = rec->time_ms,
		.key = rec->key, .left = rec->value };
	struct ks_row row = { .value = ks_mp_nil };
	struct ks_bytes mapped;
	bool bad;
	int status;

	if (ks_mp_is_nil(rec->value))
		return ks_join_drop(j, "null value");
	status = map_key(j, g, rec, &mapped, &bad);
	if (status != 0 || bad)
		return status;
	if (!ks_mp_is_nil(mapped))
		status = look_up(j, g, rec, mapped, &row);
	else if (j->spec.type == KS_JOIN_INNER)
		return ks_join_drop(j, "null key");
	if (status != 0)
		return status;
	if (ks_mp_is_nil(row.value) && j->spec.type == KS_JOIN_INNER)
		return ks_join_no_match(j, KS_JOIN_LEFT, rec, "the table has no row of this key");
	r.right = row.value;
	ks_folded(j->run);
	return ks_join_emit(j, &r);
}

static int ambiguous(struct ks_join *j)
{
	const char *name = j->spec.inputs[KS_JOIN_RIGHT].name;

	return ks_fail(j->run->err, KS_CONFIG, "'%s' is the name of a file, and a stream of the pipe bears it, too: give ./%s for the file, or the stream another name",
	    name, name);
}

static int query(struct ks_join *j, struct ks_query *q, struct ks_err *err)
{
	struct global *g = j->own;
	struct ks_table *t = j->endpoint != NULL ? &ks_join_endpoint_rows(j)->table : &g->own.table;
	struct ks_join_asked a = { .state = { .store = t->store, .first = KS_TABLE_ROWS, .last = KS_TABLE_ROWS }, .j = j,
		.tables = { [KS_JOIN_RIGHT] = t } };

	return ks_join_query_tables(&a, q, err);
}

static int record(struct ks_join *j, enum ks_join_side side, struct ks_rec *rec)
{
	struct global *g = j->own;

	if (j->endpoint != NULL) {
		if (KS_UNLIKELY(side == KS_JOIN_RIGHT))
			return ambiguous(j);
		g->rows = ks_join_endpoint_rows(j);
	}
	return side == KS_JOIN_RIGHT ? put_row(j, j->own, rec) : join(j, j->own, rec);
}

static int check(struct ks_join *j, struct ks_err *err)
{
	const struct ks_join_input *x = &j->spec.inputs[KS_JOIN_RIGHT];
	bool lines = x->where == KS_JOIN_FILE && (x->format == KS_JSON || x->format == KS_CSV || x->format == KS_TSV);

	if (j->spec.global_key != NULL && x->where == KS_JOIN_PIPE)
		return ks_fail(err, KS_USAGE, "--global-key is about a file, and --global %s is a stream of the pipe by its name: that of a file ends in .jsonl, .json, .csv or .tsv", x->name);
	if (j->spec.global_key != NULL && !lines)
		return ks_fail(err, KS_USAGE, "--global-key is about lines of JSON, csv or tsv: the records of %s have keys", x->name);
	if (j->spec.global_key == NULL && lines)
		return ks_fail(err, KS_USAGE, "--global %s: what is the key of a line?  as in --global-key .id", x->name);
	return 0;
}

static int begin(struct ks_join *j)
{
	return j->spec.inputs[KS_JOIN_RIGHT].where == KS_JOIN_PIPE ? 0 : ks_join_endpoint_open(j);
}

const struct ks_join_kind ks_join_global = {
	.any_partition = true,
	.check = check,
	.begin = begin,
	.turn = ks_join_endpoint_turn,
	.end = ks_join_endpoint_close,
	.open = open_own,
	.record = record,
	.save = save,
	.query = query,
	.close = close_own,
};
