/* SPDX-License-Identifier: MIT */
/*
 * kstream-repartition - give records the partition that Kafka's own client
 * would, by a new key or the one they have.
 *
 * The partition is that of the bytes which the sink will write
 * (lib/key-bytes.h), so that both come to the same one.  Records move between
 * partitions, and so event time cannot be passed on partition by partition:
 * what is promised behind is what all inputs have come to (lib/part-times.h).
 * Refuses what holds only some of the partitions: records of one new partition
 * would go on in several processes.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/child.h"
#include "lib/expr.h"
#include "lib/frame-patch.h"
#include "lib/hash.h"
#include "lib/hello-parts.h"
#include "lib/hello.h"
#include "lib/key-bytes.h"
#include "lib/num.h"
#include "lib/op.h"
#include "lib/part-times.h"
#include "lib/through.h"

#define PARTITIONS_MAX 10000	/* as many as kstream-cat --create-topics makes; a mark goes to each */

struct repartition {
	const char *by_text, *assign_text, *like;
	struct ks_expr_set *set;	/* NULL: no expression */
	struct ks_expr *by, *assign;
	bool to_one;
	int32_t partitions;
	enum ks_message_codec codec;
	struct ks_buf key, bytes;
	struct ks_part_times times;
	struct ks_through through;	/* of --through */
	bool plain;		/* by the key that a record has, and nothing else is asked for */
	bool marks;		/* the input has some, so there are some behind */
	bool finished;		/* the input was complete: what comes is another one */
	bool paused;
};

enum { OPT_BY, OPT_PARTITIONS, OPT_LIKE, OPT_ASSIGN, OPT_TO_ONE, OPT_THROUGH };

static const struct ks_option options[] = {
	[OPT_BY] = { "by", 0, "EXPR", "the new key" },
	[OPT_PARTITIONS] = { "partitions", 0, "N", "how many partitions there are" },
	[OPT_LIKE] = { "like", 0, "TOPIC", "as many as this topic has: Kafka is asked" },
	[OPT_ASSIGN] = { "assign", 0, "EXPR", "the partition itself, from 0, not by the key" },
	[OPT_TO_ONE] = { "to-one", 0, NULL, "all to partition 0" },
	[OPT_THROUGH] = { "through", 0, "TOPIC", "write them to a topic, and go on from there" },
	{ 0 },
};

static int rep_option(void *arg, struct ks_run *run, unsigned at, const char *value)
{
	struct repartition *r = arg;
	int64_t n;

	switch (at) {
	case OPT_BY: r->by_text = value; return 0;
	case OPT_ASSIGN: r->assign_text = value; return 0;
	case OPT_TO_ONE: r->to_one = true; return 0;
	case OPT_THROUGH:
		if (!ks_is_name(value, strlen(value)))
			return ks_fail(run->err, KS_USAGE, "--through '%s' cannot be the name of a topic", value);
		run->through = value;
		run->asks_kafka = true;
		return 0;
	case OPT_LIKE:
		if (!ks_is_name(value, strlen(value)))
			return ks_fail(run->err, KS_USAGE, "--like '%s' cannot be the name of a topic", value);
		r->like = value;
		run->asks_kafka = true;
		return 0;
	default:
		if (ks_num_parse_i64(ks_str(value), &n) != 0 || n < 1 || n > PARTITIONS_MAX)
			return ks_fail(run->err, KS_USAGE, "--partitions '%s' is not a number from 1 to %d", value,
			    PARTITIONS_MAX);
		r->partitions = (int32_t)n;
		return 0;
	}
}

static int add_expr(struct repartition *r, struct ks_run *run, const char *name, const char *text, struct ks_expr **e)
{
	struct ks_err why;
	int status;

	if (text == NULL)
		return 0;
	if (r->set == NULL)
		r->set = ks_expr_set_new(run->limits);
	if (r->set == NULL)
		return ks_fail_memory(run->err);
	status = ks_expr_add(r->set, text, e, run->err);
	why = *run->err;
	return status == KS_USAGE ? ks_fail(run->err, status, "--%s: %s", name, why.text) : status;
}

static int rep_operands(void *arg, struct ks_run *run, int argc, char *const argv[], int *used)
{
	struct repartition *r = arg;
	int status;

	(void)argc;
	(void)argv;
	(void)used;
	if (r->to_one && r->assign_text != NULL)
		return ks_fail(run->err, KS_USAGE, "--to-one says which partition, and --assign another: one of them");
	if (r->partitions > 0 && r->like != NULL)
		return ks_fail(run->err, KS_USAGE, "--partitions says how many, and --like to ask: one of them");
	if (r->to_one && r->partitions == 0 && r->like == NULL && run->through == NULL)
		r->partitions = 1;
	if (r->partitions == 0 && r->like == NULL && run->through == NULL)
		return ks_fail(run->err, KS_USAGE, "into how many partitions? --partitions N, or --like TOPIC for as many as that has");
	status = add_expr(r, run, "by", r->by_text, &r->by);
	return status == 0 ? add_expr(r, run, "assign", r->assign_text, &r->assign) : status;
}

/* A record keeps its partition in a topic of as many alone. */
static int open_through(struct repartition *r, struct ks_run *run)
{
	int status = ks_through_open(&r->through, run);

	if (status == 0 && r->partitions > 0 && r->partitions != r->through.partitions)
		return ks_fail(run->err, KS_CONFIG, "topic '%s' has %d partitions, not %d: leave out %s", run->through,
		    (int)r->through.partitions, (int)r->partitions, r->like != NULL ? "--like" : "--partitions");
	r->partitions = r->through.partitions;
	return status;
}

/* The first half, with what is its own. */
static int begin_through(struct repartition *r, struct ks_run *run)
{
	char *by = NULL, *assign = NULL, count[40];
	const char *words[5];
	size_t n = 0;
	int status;

	snprintf(count, sizeof(count), "--partitions=%d", (int)r->partitions);
	words[n++] = count;
	if ((r->by_text != NULL && asprintf(&by, "--by=%s", r->by_text) < 0) ||
	    (r->assign_text != NULL && asprintf(&assign, "--assign=%s", r->assign_text) < 0)) {
		free(by);
		return ks_fail_memory(run->err);
	}
	if (by != NULL)
		words[n++] = by;
	if (assign != NULL)
		words[n++] = assign;
	if (r->to_one)
		words[n++] = "--to-one";
	words[n] = NULL;
	status = ks_through_begin(&r->through, run, words);
	free(by);
	free(assign);
	return status;
}

static int rep_open(void *arg, struct ks_run *run)
{
	struct repartition *r = arg;
	int status = 0;

	r->codec = ks_key_to_codec(run->config->key_to);
	r->plain = r->set == NULL && !r->to_one && run->through == NULL && r->codec != KS_AS_JSON;
	ks_buf_init(&r->key, run->limits->key);
	ks_buf_init(&r->bytes, 16 * run->limits->key);	/* as text it may grow: "\u0001" for a byte */
	if (r->like != NULL)
		status = ks_children_partitions(run->children, run->options, r->like, &r->partitions, run->err);
	return status == 0 && run->through != NULL ? open_through(r, run) : status;
}

/* --- HELLO --- */

/* A name of --only that HELLO does not tell of is that of a route, whose records may be of any topic. */
static bool names_route(const char *only, const struct ks_hello_view *h)
{
	size_t n;

	for (; only != NULL; only += n + 1) {
		n = strcspn(only, ",");
		if (!ks_hello_has_stream(h, ks_bytes(only, n)))
			return true;
		if (only[n] == '\0')
			return false;
	}
	return false;
}

static int know(void *arg, const struct ks_position *x)
{
	return ks_part_times_add(arg, x->partition);
}

static int no_times(struct ks_run *run, int no)
{
	if (no == EMSGSIZE)
		return ks_fail(run->err, KS_DATA, "the input has more than %u partitions", KS_PART_TIMES_MAX);
	return ks_fail_memory(run->err);
}

static int rep_forward(void *arg, struct ks_run *run, struct ks_bytes payload, struct ks_buf *b)
{
	struct repartition *r = arg;
	struct ks_hello_parts parts = { .only = run->config->only, .partitions = r->partitions };
	struct ks_hello_view h;
	char hint[120];
	static const char *const codecs[] = { "string", "json", "raw" };	/* by key_to */
	const char *how = r->assign_text != NULL ? r->assign_text : r->to_one ? "0" : r->by_text;
	char owner[KS_OWNER_ROOM];
	int no;

	if (run->through != NULL)
		return begin_through(r, run);
	if (ks_hello_parse(payload, run->limits->depth, &h) != NULL)
		ks_bug("a HELLO was changed before it was parsed");
	ks_hello_owner(&h, owner);
	if (h.instances != 1)
		return ks_fail(run->err, KS_CONFIG,
		    "the stream is that of instance %s: the records of a new partition would be in several of them", owner);
	parts.routes = names_route(parts.only, &h);
	if (parts.routes && (r->assign != NULL || r->to_one))
		return ks_fail(run->err, KS_CONFIG,
		    "--only %s names a route, and HELLO can say of topics alone that they have other partitions: only keys can place its records",
		    parts.only);
	snprintf(hint, sizeof(hint), "repartitioned: %d by %.60s", (int)r->partitions, how != NULL ? how : "$key");
	parts.hint = hint;
	if (r->assign == NULL && !r->to_one)
		parts.key = codecs[run->config->key_to];
	ks_part_times_forget(&r->times, r->finished);
	r->finished = false;
	no = ks_hello_positions(payload, know, &r->times);
	if (no != 0)
		return no_times(run, no);
	return ks_hello_add_parts(b, payload, &parts) != 0 ? ks_fail_memory(run->err) : 0;
}

/* --- records --- */

static const char too_large[] = "the key is larger than --max-key allows";

/* The key of --by; NULL, or what is wrong. */
static const char *new_key(struct repartition *r, struct ks_bytes *key)
{
	struct ks_val v;
	const char *wrong = ks_expr_eval(r->by, &v);
	int no;

	if (wrong != NULL)
		return wrong;
	r->key.n = 0;
	no = ks_mp_add_val(&r->key, &v);
	if (no != 0)
		return no == EMSGSIZE ? too_large : ks_no_memory;
	*key = ks_buf_bytes(&r->key);
	return NULL;
}

/* Not a number has no text of its own: as JSON it is null. */
static bool is_nan(struct ks_bytes key)
{
	const unsigned char *p = key.p;
	struct ks_val v;

	return (*p == 0xca || *p == 0xcb) && ks_mp_read(&p, key.p + key.n, 0, &v) == KS_MP_OK && isnan(v.d);
}

static const char *hash(struct repartition *r, struct ks_run *run, struct ks_bytes key, uint32_t flags, int32_t *partition)
{
	struct ks_bytes bytes;
	const char *wrong = ks_key_placing(key, flags, r->codec, run->limits->depth, &r->bytes, &bytes);

	if (wrong != NULL)
		return wrong;
	*partition = bytes.p != NULL ? ks_partition_of(bytes, r->partitions) : 0;
	return NULL;
}

static __attribute__((noinline)) int place(struct repartition *r, struct ks_run *run, struct ks_rec *rec)
{
	struct ks_bytes key = rec->key;
	uint32_t flags = rec->flags & ~(uint32_t)(r->by != NULL ? KS_KEY_CHANGED | KS_KEY_KIND : KS_KEY_CHANGED);
	const char *wrong = NULL, *of = "";
	struct ks_val where = { .type = KS_NIL };
	int32_t partition = 0;

	if (KS_UNLIKELY((rec->flags & KS_CHANGE) != 0 && r->by != NULL))
		return ks_fail(run->err, KS_CONFIG,
		    "the records are changes of a table: by a new key the old value and the new one would go to different places");
	if (r->set != NULL)
		wrong = ks_expr_load(r->set, rec);
	if (wrong == NULL && r->assign != NULL && (wrong = ks_expr_eval(r->assign, &where)) != NULL)
		of = "--assign: ";
	if (wrong == NULL && r->by != NULL && (wrong = new_key(r, &key)) != NULL)
		of = "--by: ";
	if (wrong == NULL && ks_mp_is_nil(key)) {
		ks_drop(run, "null key");
		ks_warn(run, "records without a key were dropped: --by EXPR gives one");
		return 0;
	}
	if (wrong == NULL && KS_UNLIKELY(is_nan(key)))
		wrong = "the key is not a number (nan), and has no text";
	if (wrong == NULL && r->assign == NULL && !r->to_one && (wrong = hash(r, run, key, flags, &partition)) != NULL)
		of = "the key: ";
	if (KS_UNLIKELY(wrong != NULL))
		return ks_is_no_memory(wrong) ? ks_fail_memory(run->err) : ks_reject(run, rec, "%s%s", of, wrong);
	if (r->assign != NULL) {
		if (where.type == KS_UINT)	/* past INT64_MAX */
			return ks_reject(run, rec, "--assign: there is no partition %llu: there are %d, from 0",
			    (unsigned long long)where.u, (int)r->partitions);
		if (where.type != KS_INT)
			return ks_reject(run, rec, "--assign: no integer, but %s", ks_val_typename(&where));
		if (where.i < 0 || where.i >= r->partitions)
			return ks_reject(run, rec, "--assign: there is no partition %lld: there are %d, from 0",
			    (long long)where.i, (int)r->partitions);
		partition = (int32_t)where.i;
	}
	if (r->by != NULL)
		ks_rec_rekey(rec, key);
	ks_rec_move(rec, flags, partition);
	return ks_emit(run, rec);
}

static int rep_record(void *arg, struct ks_run *run, unsigned input, struct ks_rec *rec)
{
	struct repartition *r = arg;
	const unsigned char *key = rec->key.p;
	int no = 0;

	(void)input;
	if (run->through != NULL)
		return ks_emit(run, rec);
	if (rec->partition >= 0 && (rec->flags & KS_TIME_TYPE) != KS_TIME_NONE)
		no = ks_part_times_move(&r->times, rec->partition, rec->time_ms, false);
	if (KS_UNLIKELY(no != 0))
		return no_times(run, no);
	/* A short string, whose bytes are those that the sink writes: a pass-through has little more to do. */
	if (KS_UNLIKELY(!r->plain || (*key & 0xe0) != 0xa0 || (rec->flags & KS_KEY_KIND) != 0))
		return place(r, run, rec);
	ks_rec_move(rec, rec->flags & ~(uint32_t)KS_KEY_CHANGED, ks_partition_of(ks_bytes(key + 1, *key & 31u), r->partitions));
	return ks_emit(run, rec);
}

/* --- event time --- */

/* To all partitions: records of each may come from any. */
static int promise(struct repartition *r, struct ks_run *run)
{
	struct ks_mark m;
	size_t i;
	int status = 0;

	if (!ks_part_times_promise(&r->times, &m))
		return 0;
	for (m.partition = 0; m.partition < r->partitions && status == 0; m.partition++)
		status = ks_emit_mark(run, &m);
	/* Streams that pass by keep theirs. */
	for (i = 0; run->config->only != NULL && i < r->times.count && status == 0; i++) {
		m.partition = r->times.list[i].partition;
		if (m.partition >= r->partitions)
			status = ks_emit_mark(run, &m);
	}
	return status;
}

static int rep_mark(void *arg, struct ks_run *run, struct ks_mark *m)
{
	struct repartition *r = arg;
	int no;

	if (run->through != NULL)
		return 0;
	no = ks_part_times_move(&r->times, m->partition, m->time_ms, m->idle);
	if (no != 0)
		return no_times(run, no);
	r->marks = true;
	m->partition = -1;
	return promise(r, run);
}

/* Partitions that are not idle tell of themselves by their records. */
static int rep_barrier(void *arg, struct ks_run *run, const struct ks_barrier *b)
{
	struct repartition *r = arg;

	if (run->through != NULL)
		return ks_through_barrier(&r->through, run, b);
	r->finished = b->kind == KS_COMPLETE;
	r->paused = b->kind == KS_PAUSED;
	return r->marks ? promise(r, run) : 0;
}

/* A second half ends as its first one's input did. */
static int rep_answer(void *arg, struct ks_run *run)
{
	struct repartition *r = arg;

	if (r->paused && ks_through_is_first())
		ks_say_no(run);
	return 0;
}

static void rep_close(void *arg, struct ks_run *run)
{
	struct repartition *r = arg;

	(void)run;
	ks_through_release(&r->through);
	ks_expr_set_free(r->set);
	ks_buf_release(&r->key);
	ks_buf_release(&r->bytes);
	ks_part_times_release(&r->times);
}

static const struct ks_op op = {
	.name = "kstream-repartition",
	.synopsis = "[--by EXPR] [--partitions N | --like TOPIC] [--assign EXPR | --to-one] [--through TOPIC] [FILE ...]",
	.purpose = "give records a new key and the partition that Kafka would",
	.options = options,
	.size = sizeof(struct repartition),
	.inputs = 1,
	.option = rep_option,
	.operands = rep_operands,
	.open = rep_open,
	.forward = rep_forward,
	.record = rep_record,
	.mark = rep_mark,
	.barrier = rep_barrier,
	.answer = rep_answer,
	.close = rep_close,
};

int main(int argc, char *argv[])
{
	return ks_main(&op, argc, argv);
}
