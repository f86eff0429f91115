/* SPDX-License-Identifier: MIT */
/* join.c - kstream-join's engine: which side a record is of, and the store. */
#include "join.h"

#include <errno.h>
#include <stdio.h>

#include "change.h"
#include "hello.h"
#include "run-store.h"
#include "state-key.h"

int ks_join_no_memory(struct ks_join *j)
{
	return ks_fail_errno(j->run->err, KS_TEMP, ENOMEM, "cannot keep what is joined");
}

int ks_join_drop(struct ks_join *j, const char *cause)
{
	ks_drop(j->run, cause);
	return 0;
}

int ks_join_timeless(struct ks_join *j, const struct ks_rec *rec)
{
	return ks_reject(j->run, rec, "the record has no time: give --time to the tool that reads the source");
}

int ks_join_expr(struct ks_join *j, const char *option, const char *text, struct ks_expr_set **set, struct ks_expr **e)
{
	struct ks_err why;
	int status;

	if (text == NULL)
		return 0;
	*set = ks_expr_set_new(j->run->limits);
	if (*set == NULL)
		return ks_fail_memory(j->run->err);
	status = ks_expr_add(*set, text, e, &why);
	return status == 0 ? 0 : ks_fail(j->run->err, status, "%s: %s", option, why.text);
}

int ks_join_open(struct ks_join *j, struct ks_run *run)
{
	int status;

	j->run = run;
	ks_buf_init(&j->plain, 2 * run->limits->key + 128);
	ks_buf_init(&j->pair, 2 * run->limits->record + KS_RECORD_MAX);
	ks_buf_init(&j->made, SIZE_MAX / 4);
	status = ks_join_unmatched_open(j);
	if (status == 0)
		status = ks_join_expr(j, "--foreign-key", j->spec.foreign_key, &j->foreign_set, &j->foreign);
	if (status == 0)
		status = ks_join_expr(j, "--on", j->spec.on, &j->on_set, &j->on);
	if (status == 0)
		status = ks_join_expr(j, "--value", j->spec.value, &j->set, &j->value);
	return status == 0 && j->kind->begin != NULL ? j->kind->begin(j) : status;
}

int ks_join_turn(struct ks_join *j)
{
	return j->kind->turn(j);
}

const char *const ks_join_roles[] = { "--stream", "--table", "--global" };
static const char *const types[] = { "--inner", "--left", "--outer" };

static int fingerprint(const struct ks_join *j, struct ks_buf *b)
{
	static const char *const sides[] = { [KS_JOIN_RIGHT] = "right", [KS_JOIN_LEFT] = "left" };
	const struct ks_join_input *x;
	int side, no = ks_buf_printf(b, "join %s\n", types[j->spec.type]);

	for (side = KS_JOIN_LEFT; side >= KS_JOIN_RIGHT && no == 0; side--) {
		x = &j->spec.inputs[side];
		no = ks_buf_printf(b, "%s %s '%s'\n", sides[side], ks_join_roles[x->role], x->where == KS_JOIN_PIPE ? x->name : "");
		if (no == 0 && x->history_ms >= 0)
			no = ks_buf_printf(b, "%s-versioned %lldms\n", sides[side], (long long)x->history_ms);
	}
	if (no == 0 && j->kind->fingerprint != NULL)
		no = j->kind->fingerprint(j, b);
	return no != 0 ? no : ks_buf_add(b, "", 1);
}

static void close_store(struct ks_join *j)
{
	if (j->store != NULL && j->kind->close != NULL)
		j->kind->close(j);
	ks_store_close(j->store);
	j->store = NULL;
}

static int open_store(struct ks_join *j)
{
	size_t memory = j->memory, beside = j->kind->beside_store != NULL ? j->kind->beside_store(j) : 0;
	struct ks_buf text;
	int status;

	if (beside > 0)
		memory = (memory > 0 ? memory : KS_STORE_MEMORY) - beside;
	ks_buf_init(&text, KS_RECORD_MAX);
	if (fingerprint(j, &text) != 0)
		status = ks_join_no_memory(j);
	else
		status = ks_run_store(j->run, memory, (const char *)text.p, &j->store);
	ks_buf_release(&text);
	return status == 0 ? j->kind->open(j) : status;
}

int ks_join_hello(struct ks_join *j, struct ks_run *run)
{
	int status = ks_join_check_hello(j);

	if (status != 0)
		return status;
	ks_future_begin(&j->spec.future, run->live, ks_join_is_timed(&j->spec));
	if (j->store != NULL && !j->finished && !run->app)
		return 0;
	if (j->finished && !run->app)
		ks_join_tell_of_closed(j);
	j->finished = false;
	close_store(j);
	return open_store(j);
}

int ks_join_key(struct ks_join *j, enum ks_join_side side, const struct ks_rec *rec, struct ks_bytes *key)
{
	if (KS_UNLIKELY(!j->keys[side].known))
		ks_join_look_at_key(j, side, rec, rec->key);
	return KS_LIKELY(ks_state_key(&j->plain, rec->key, key) == 0) ? 0 : ks_join_no_memory(j);
}

int ks_join_table_value(struct ks_join *j, const struct ks_rec *rec, struct ks_bytes *value, bool *latest, bool *bad)
{
	struct ks_change c = { .now = rec->value, .latest = true };
	const char *wrong = NULL;

	if ((rec->flags & KS_CHANGE) != 0)
		wrong = ks_change_parse(rec->value, j->run->limits->depth, &c);
	*bad = wrong != NULL;
	*value = c.now;
	*latest = c.latest;
	return wrong == NULL ? 0 : ks_reject(j->run, rec, "%s", wrong);
}

const char *ks_join_wrong_value(const struct ks_join *j, const struct ks_rec *rec)
{
	const unsigned char *p = rec->value.p, *end = p + rec->value.n;

	if (KS_LIKELY(ks_mp_skip(&p, end, j->run->limits->depth - 1) == KS_MP_OK && p == end))
		return NULL;
	p = rec->value.p;
	return ks_mp_skip(&p, end, j->run->limits->depth) == KS_MP_OK && p == end ?
	    "the value nests too deep to be a side of a pair (--max-depth)" : "the value is not one msgpack value";
}

void ks_join_expect(struct ks_join *j, const struct ks_rec *rec, bool found)
{
	bool left = ks_bytes_is(ks_rec_stream(rec), j->spec.inputs[KS_JOIN_LEFT].name);
	struct ks_bytes key;

	if (j->kind->expect == NULL || ks_mp_is_nil(rec->key) || ks_state_key(&j->plain, rec->key, &key) != 0)
		return;
	if (left || ks_bytes_is(ks_rec_stream(rec), j->spec.inputs[KS_JOIN_RIGHT].name))
		j->kind->expect(j, left ? KS_JOIN_LEFT : KS_JOIN_RIGHT, rec, key, found);
}

int ks_join_record(struct ks_join *j, struct ks_run *run, struct ks_rec *rec)
{
	struct ks_bytes name = ks_rec_stream(rec);
	const struct ks_join_spec *s = &j->spec;
	enum ks_join_side side = KS_JOIN_LEFT;
	const char *wrong;

	if (!ks_bytes_is(name, s->inputs[KS_JOIN_LEFT].name)) {
		if (!ks_bytes_is(name, s->inputs[KS_JOIN_RIGHT].name)) {
			j->passed++;
			return ks_pass(run, rec);
		}
		side = KS_JOIN_RIGHT;
	}
	j->seen[side]++;
	j->seen[!side] += s->twice;
	if (KS_UNLIKELY((rec->flags & KS_KEY_CHANGED) != 0) && !j->kind->any_partition)
		return ks_fail(run->err, KS_CONFIG, "the key was changed: pass the records through kstream-repartition first");
	if (KS_UNLIKELY((rec->flags & KS_CHANGE) != 0) && s->inputs[side].role == KS_JOIN_STREAM)
		return ks_reject(run, rec, "the value is a change of a table, and '%s' is a stream: leave out --changes",
		    s->inputs[side].name);
	if (ks_future_is(&j->spec.future, rec->time_ms))
		return ks_future_reject(run, rec);
	wrong = ks_join_wrong_value(j, rec);
	if (KS_UNLIKELY(wrong != NULL))
		return ks_reject(run, rec, "%s", wrong);
	return j->kind->record(j, side, rec);
}

int ks_join_mark(struct ks_join *j, struct ks_mark *m)
{
	return j->kind->mark == NULL || ks_future_mark(&j->spec.future, m, -1) ? 0 : j->kind->mark(j, m);
}

int ks_join_barrier(struct ks_join *j, const struct ks_barrier *b)
{
	int status = 0;

	if (j->store == NULL)
		return 0;
	if (b->kind == KS_GO_ON)
		ks_join_look_for_sides(j);
	if (j->kind->save != NULL)
		status = j->kind->save(j);
	return status == 0 ? ks_store_commit(j->store, b, j->run->err) : status;
}

int ks_join_finish(struct ks_join *j)
{
	j->finished = true;
	return j->store != NULL && j->kind->finish != NULL ? j->kind->finish(j) : 0;
}

int ks_join_query(struct ks_join *j, struct ks_query *q, struct ks_err *err)
{
	if (j->store == NULL || j->kind->query == NULL)
		return ks_fail(err, KS_USAGE, "this join has no rows that can be asked for");
	return j->kind->query(j, q, err);
}

int ks_join_answer(struct ks_join *j, struct ks_run *run)
{
	(void)run;
	ks_join_tell_of_sides(j);
	return 0;
}

void ks_join_close(struct ks_join *j)
{
	close_store(j);
	if (j->kind != NULL && j->kind->end != NULL)
		j->kind->end(j);
	ks_join_unmatched_close(j);
	ks_expr_set_free(j->set);
	ks_expr_set_free(j->foreign_set);
	ks_expr_set_free(j->on_set);
	ks_buf_release(&j->plain);
	ks_buf_release(&j->pair);
	ks_buf_release(&j->made);
}
