/* SPDX-License-Identifier: MIT */
/*
 * kstream-map - compute value, key, time, headers and route of each record.
 *
 * Every clause sees the record as it came, whatever the others set.
 */
#include <errno.h>
#include <stdio.h>

#include "lib/change.h"
#include "lib/evtime.h"
#include "lib/expr.h"
#include "lib/headers.h"
#include "lib/op.h"
#include "lib/tee.h"

#define HEADERS_MAX 64u		/* clauses that set one */

enum part { PART_VALUE, PART_KEY, PART_TIME, PART_TOPIC, PARTS };
static const char *const part_names[PARTS] = { "value", "key", "time", "topic" };

struct header {
	struct ks_bytes name;
	struct ks_expr *expr;
};

struct map {
	struct ks_expr_set *set;
	struct ks_expr *parts[PARTS];	/* NULL: stays as it is */
	struct header headers[HEADERS_MAX];
	unsigned header_count;
	bool flat, tombstones;
	bool others;			/* anything but the value is set */
	bool simple;			/* only the value is, and it goes nowhere else */
	const char *tee_path;
	struct ks_tee tee;

	/* One record: what is made of it, and scratch. */
	struct ks_run *run;
	struct ks_rec made;
	const char *part;		/* that is being computed, for messages */
	char no_name[64];		/* what is wrong with a route */
	struct ks_bytes header;		/* its name, where it is a header; else empty */
	const char *wrong;		/* with a value that a line was to be made of */
	uint64_t sent;			/* values of --flat */
	struct ks_buf value, before, key, text;
	struct ks_headers edit;
};

enum { OPT_FLAT, OPT_TOMBSTONES, OPT_TEE };

static const struct ks_option options[] = {
	[OPT_FLAT] = { "flat", 0, NULL, "a record for each value that value= yields" },
	[OPT_TOMBSTONES] = { "tombstones", 0, NULL, "compute tombstones, too: their value is null" },
	[OPT_TEE] = { "tee", 0, "FILE", "write what goes out to FILE, too, as envelopes" },
	{ 0 },
};

static int map_option(void *st, struct ks_run *run, unsigned at, const char *value)
{
	struct map *m = st;

	(void)run;
	if (at == OPT_FLAT)
		m->flat = true;
	else if (at == OPT_TOMBSTONES)
		m->tombstones = true;
	else
		m->tee_path = value;
	return 0;
}

static const struct header *header_of(const struct map *m, struct ks_bytes name)
{
	unsigned i;

	for (i = 0; i < m->header_count; i++)
		if (ks_bytes_eq(m->headers[i].name, name))
			return &m->headers[i];
	return NULL;
}

/* clause: header.NAME=EXPR */
static int add_header(struct map *m, struct ks_bytes name, const char *clause, struct ks_err *err)
{
	const size_t n = (size_t)((const char *)name.p + name.n + 1 - clause);

	if (name.n == 0)
		return ks_fail(err, KS_USAGE, "which header? write header.NAME=EXPR");
	if (name.n > KS_NAME_MAX)
		return ks_fail(err, KS_USAGE, "the name of a header is longer than %u bytes", KS_NAME_MAX);
	if (ks_utf8_prefix(name.p, name.n) != name.n)
		return ks_fail(err, KS_USAGE, "the name of a header is not UTF-8");
	if (header_of(m, name) != NULL)
		return ks_fail(err, KS_USAGE, "header.%.*s= is given twice", (int)name.n, (const char *)name.p);
	if (m->header_count == HEADERS_MAX)
		return ks_fail(err, KS_USAGE, "more than %u headers are given", HEADERS_MAX);
	m->headers[m->header_count].name = name;
	return ks_expr_add_of(m->set, clause, n, &m->headers[m->header_count++].expr, err);
}

static int add_clause(struct map *m, const char *clause, struct ks_err *err)
{
	const char *equals = strchr(clause, '=');
	struct ks_bytes name = ks_bytes(clause, equals == NULL ? 0 : (size_t)(equals - clause));
	unsigned i;

	if (name.n >= 7 && memcmp(name.p, "header.", 7) == 0)
		return add_header(m, ks_bytes(name.p + 7, name.n - 7), clause, err);
	for (i = 0; i < PARTS; i++)
		if (name.n > 0 && ks_bytes_is(name, part_names[i]))
			break;
	if (i == PARTS)
		return ks_fail(err, KS_USAGE, "'%s' is none of value=EXPR, key=EXPR, time=EXPR, topic=EXPR, "
		    "header.NAME=EXPR; files come by --in", clause);
	if (m->parts[i] != NULL)
		return ks_fail(err, KS_USAGE, "%s= is given twice", part_names[i]);
	return ks_expr_add_of(m->set, clause, name.n + 1, &m->parts[i], err);
}

static int map_operands(void *st, struct ks_run *run, int argc, char *const argv[], int *used)
{
	struct map *m = st;
	int i, status = 0;

	if (argc == 0)
		return ks_fail(run->err, KS_USAGE, "what is to be computed? give a clause, such as 'value={id, price}'");
	*used = argc;
	m->run = run;
	m->set = ks_expr_set_new(run->limits);
	if (m->set == NULL)
		return ks_fail_memory(run->err);
	for (i = 0; i < argc && status == 0; i++)
		status = add_clause(m, argv[i], run->err);
	m->others = m->header_count > 0 || m->parts[PART_KEY] != NULL || m->parts[PART_TIME] != NULL ||
	    m->parts[PART_TOPIC] != NULL;
	m->simple = !m->others && !m->flat && m->tee_path == NULL;
	m->part = part_names[PART_VALUE];
	m->header = ks_str("");
	if (status == 0 && m->flat && m->parts[PART_VALUE] == NULL)
		return ks_fail(run->err, KS_USAGE, "--flat is about value=, which is not given");
	return status;
}

static int map_open(void *st, struct ks_run *run)
{
	struct map *m = st;

	ks_buf_init(&m->value, run->limits->record);
	ks_buf_init(&m->before, run->limits->record);
	ks_buf_init(&m->key, run->limits->key);
	ks_buf_init(&m->text, SIZE_MAX / 4);
	ks_headers_init(&m->edit, run->limits->record);
	return m->tee_path != NULL ? ks_tee_open(&m->tee, m->tee_path, run->config, run->err) : 0;
}

/* What is wrong with what e has just yielded: nothing at all is, too. */
static const char *checked(const struct ks_expr *e, const char *wrong)
{
	return KS_LIKELY(wrong == NULL) && KS_UNLIKELY(ks_expr_nothing(e)) ? "the expression yields no value" : wrong;
}

static const char *only(struct ks_expr *e, struct ks_val *v)
{
	return checked(e, ks_expr_eval(e, v));
}

static const char *why_not(int no)
{
	return no == 0 ? NULL : no == EMSGSIZE ? "the result is larger than allowed" : ks_no_memory;
}

/* The msgpack of v; containers are encoded already. */
static const char *pack(struct ks_buf *b, const struct ks_val *v, struct ks_bytes *out)
{
	int no = 0;

	if (v->type >= KS_ARRAY) {
		*out = v->b;
		return why_not(v->b.n > b->max ? EMSGSIZE : 0);
	}
	b->n = 0;
	no = ks_mp_add_val(b, v);
	*out = ks_buf_bytes(b);
	return why_not(no);
}

/* The JSON of v, to m->text. */
static const char *print(struct map *m, const struct ks_val *v)
{
	struct ks_bytes value;
	const char *wrong = pack(&m->value, v, &value);
	enum ks_mp_error e;
	int no = 0;

	m->text.n = 0;
	if (wrong != NULL)
		return wrong;
	e = ks_json_print(value, m->run->limits->depth, &m->text, &no);
	return e != KS_MP_OK ? ks_mp_strerror(e) : why_not(no);
}

static const char *set_key(struct map *m, const struct ks_val *v)
{
	m->made.flags = (m->made.flags & ~(uint32_t)KS_KEY_KIND) | KS_KEY_CHANGED;
	return pack(&m->key, v, &m->made.key);
}

static const char *set_time(struct map *m, const struct ks_val *v)
{
	m->made.flags = (m->made.flags & ~(uint32_t)KS_TIME_TYPE) | KS_TIME_CREATE;
	return ks_evtime(v, 1, 1, &m->made.time_ms);
}

static const char *set_route(struct map *m, const struct ks_val *v)
{
	if (KS_LIKELY(ks_rec_name(v, &m->made.route)))
		return NULL;
	snprintf(m->no_name, sizeof(m->no_name), "%s: no name of a topic, nor null", ks_val_typename(v));
	return m->no_name;
}

static const char *(*const setters[PARTS])(struct map *m, const struct ks_val *v) = {
	[PART_KEY] = set_key, [PART_TIME] = set_time, [PART_TOPIC] = set_route,
};

/* Text and bytes as they are, anything else as JSON; null is no header. */
static const char *set_header(struct map *m, const struct header *h)
{
	const char *wrong;
	struct ks_val v;

	wrong = only(h->expr, &v);
	if (wrong != NULL || v.type == KS_NIL)
		return wrong;
	if (v.type != KS_STR && v.type != KS_BIN) {
		wrong = print(m, &v);
		v.b = ks_buf_bytes(&m->text);
	}
	return wrong != NULL ? wrong : why_not(ks_headers_add(&m->edit, h->name, v.b));
}

static bool is_kept(const void *m, struct ks_bytes name)
{
	return header_of(m, name) == NULL;
}

static const char *set_headers(struct map *m)
{
	const char *wrong;
	unsigned i;

	m->part = "header.";
	wrong = ks_headers_begin(&m->edit, m->made.headers, is_kept, m);
	for (i = 0; i < m->header_count && wrong == NULL; i++) {
		m->header = m->headers[i].name;
		wrong = set_header(m, &m->headers[i]);
	}
	return wrong != NULL ? wrong : why_not(ks_headers_end(&m->edit, &m->made.headers));
}

/* All but the value. */
static const char *set_others(struct map *m)
{
	const char *wrong = NULL;
	struct ks_val v;
	unsigned i;

	for (i = PART_KEY; i < PARTS && wrong == NULL; i++) {
		if (m->parts[i] == NULL)
			continue;
		m->part = part_names[i];
		wrong = only(m->parts[i], &v);
		if (wrong == NULL)
			wrong = setters[i](m, &v);
	}
	if (wrong == NULL && m->header_count > 0)
		wrong = set_headers(m);
	if (wrong != NULL)
		return wrong;
	m->part = "value";
	m->header = ks_str("");
	return NULL;
}

static __attribute__((noinline)) int failed(struct map *m, const struct ks_rec *rec, const char *wrong)
{
	if (ks_is_no_memory(wrong))
		return ks_fail_memory(m->run->err);
	return ks_reject(m->run, rec, "%s%.*s: %s", m->part, (int)m->header.n, (const char *)m->header.p, wrong);
}

static int send(struct map *m, const struct ks_rec *rec)
{
	const char *wrong;
	int status;

	if (KS_UNLIKELY(m->tee_path != NULL)) {
		wrong = ks_tee_record(&m->tee, rec, &status, m->run->err);
		if (status != 0)
			return status;
		if (wrong != NULL)
			return ks_is_no_memory(wrong) ? ks_fail_memory(m->run->err) : ks_reject(m->run, rec, "--tee: %s", wrong);
	}
	return ks_emit(m->run, rec);
}

static int send_value(void *st, const struct ks_val *v)
{
	struct map *m = st;

	m->wrong = pack(&m->value, v, &m->made.value);
	if (KS_UNLIKELY(m->wrong != NULL))
		return KS_DATA;
	m->sent++;
	return send(m, &m->made);
}

/* What --flat has made of one record. */
static void count_flat(struct map *m, bool failed)
{
	if (m->sent == 0 && !failed)
		ks_drop(m->run, "no value");
	else
		ks_made(m->run, m->sent - !failed);
}

static __attribute__((noinline)) int map_stream(struct map *m, const struct ks_rec *rec)
{
	const char *wrong = ks_expr_load(m->set, rec);
	struct ks_val v;
	int status = 0;

	m->part = "value";
	m->header = ks_str("");
	m->wrong = NULL;
	if (wrong == NULL && m->others)
		wrong = set_others(m);
	if (m->parts[PART_VALUE] == NULL)
		return wrong != NULL ? failed(m, rec, wrong) : send(m, &m->made);
	if (wrong == NULL && m->flat) {
		m->sent = 0;
		wrong = ks_expr_each(m->parts[PART_VALUE], send_value, m, &status);
		count_flat(m, wrong != NULL || m->wrong != NULL);
	} else if (wrong == NULL && (wrong = only(m->parts[PART_VALUE], &v)) == NULL) {
		status = send_value(m, &v);
	}
	if (KS_UNLIKELY(wrong != NULL || m->wrong != NULL))
		return failed(m, rec, wrong != NULL ? wrong : m->wrong);
	return status;
}

/* A row of a table's change; where there is none, there is none afterwards. */
static const char *map_row(struct map *m, const struct ks_rec *rec, struct ks_bytes *row, struct ks_buf *room)
{
	struct ks_rec side = *rec;
	const char *wrong;
	struct ks_val v;

	if (ks_mp_is_nil(*row) && !m->tombstones)
		return NULL;
	side.value = *row;
	wrong = ks_expr_load(m->set, &side);
	if (wrong == NULL)
		wrong = only(m->parts[PART_VALUE], &v);
	if (wrong != NULL)
		return wrong;
	room->n = 0;
	wrong = why_not(ks_mp_add_val(room, &v));
	*row = ks_buf_bytes(room);
	return wrong;
}

/* As KTable.mapValues: both rows.  A new key or route of a table is another table. */
static __attribute__((noinline)) int map_table(struct map *m, const struct ks_rec *rec)
{
	struct ks_change c;
	const char *wrong;

	m->part = "value";
	m->header = ks_str("");
	if (m->flat || m->others)
		return failed(m, rec, "of a change of a table one value= can be computed, and nothing else");
	wrong = ks_change_parse(rec->value, m->run->limits->depth, &c);
	if (wrong == NULL)
		wrong = map_row(m, rec, &c.now, &m->value);
	if (wrong == NULL)
		wrong = map_row(m, rec, &c.before, &m->before);
	m->text.n = 0;
	if (wrong == NULL)
		wrong = why_not(ks_change_add(&m->text, &c));
	m->made.value = ks_buf_bytes(&m->text);
	return wrong != NULL ? failed(m, rec, wrong) : send(m, &m->made);
}

/* A value and nothing else, which changes the record where it is, or is written where it goes out. */
static __attribute__((noinline)) int map_computed(struct map *m, struct ks_rec *rec, struct ks_room room)
{
	const char *wrong;
	struct ks_val v;

	wrong = checked(m->parts[PART_VALUE], ks_expr_eval_to(m->parts[PART_VALUE], room, &v));
	if (KS_LIKELY(wrong == NULL && v.type == KS_MAP && v.b.p == room.p)) {
		ks_emit_value(m->run, room.p + v.b.n);
		return 0;
	}
	if (KS_LIKELY(wrong == NULL))
		wrong = pack(&m->value, &v, &m->made.value);
	if (KS_UNLIKELY(wrong != NULL))
		return failed(m, rec, wrong);
	rec->value = m->made.value;
	rec->frame = ks_bytes(NULL, 0);
	return ks_emit(m->run, rec);
}

static int map_value(struct map *m, struct ks_rec *rec)
{
	const char *wrong = ks_expr_load(m->set, rec);
	struct ks_room room;
	size_t n;

	if (KS_LIKELY(wrong == NULL)) {
		room = ks_emit_room(m->run, rec);
		n = ks_expr_copy(m->parts[PART_VALUE], room);
		if (KS_UNLIKELY(n == 0))
			return map_computed(m, rec, room);
		ks_emit_value(m->run, room.p + n);
		return 0;
	}
	return failed(m, rec, wrong);
}

static int map_record(void *st, struct ks_run *run, unsigned input, struct ks_rec *rec)
{
	struct map *m = st;

	(void)run;
	(void)input;
	if (ks_mp_is_nil(rec->value) && !m->tombstones)
		return send(m, rec);
	if (KS_LIKELY(m->simple && (rec->flags & KS_CHANGE) == 0))
		return map_value(m, rec);
	m->made = *rec;
	m->made.frame = ks_bytes(NULL, 0);
	return (rec->flags & KS_CHANGE) != 0 ? map_table(m, rec) : map_stream(m, rec);
}

static bool map_text_ready(void *st, struct ks_run *run)
{
	struct map *m = st;

	(void)run;
	return !ks_expr_set_wants_record(m->set) && !m->others && m->tee_path == NULL;
}

/* One value as a line. */
static int send_line(void *st, const struct ks_val *v)
{
	struct map *m = st;

	m->wrong = print(m, v);
	if (m->wrong == NULL)
		m->wrong = why_not(ks_buf_add(&m->text, "", 1));
	if (KS_UNLIKELY(m->wrong != NULL))
		return KS_DATA;
	m->sent++;
	return ks_emit_line(m->run, m->text.p, m->text.n - 1);
}

static int map_text(void *st, struct ks_run *run, const unsigned char *line, const unsigned char **end)
{
	struct map *m = st;
	const unsigned char *at;
	enum ks_json_error e = ks_expr_load_text(m->set, line, end, &at);
	const char *wrong;
	struct ks_val v;
	int status = 0;

	if (KS_UNLIKELY(e != KS_JSON_OK))
		return ks_reject_json(run, line, at, e, end);
	if (!m->tombstones && line[strspn((const char *)line, " \t")] == 'n')
		return ks_emit_line(run, line, (size_t)(*end - line));
	m->text.n = 0;
	if (KS_LIKELY(!m->flat && ks_expr_print(m->parts[PART_VALUE], m->value.max, &m->text) && ks_buf_add(&m->text, "", 1) == 0))
		return ks_emit_line(run, m->text.p, m->text.n - 1);
	m->wrong = NULL;
	if (m->flat) {
		m->sent = 0;
		wrong = ks_expr_each(m->parts[PART_VALUE], send_line, m, &status);
		count_flat(m, wrong != NULL || m->wrong != NULL);
	} else {
		wrong = only(m->parts[PART_VALUE], &v);
		if (KS_LIKELY(wrong == NULL))
			status = send_line(m, &v);
	}
	if (wrong == NULL && m->wrong == NULL)
		return status;
	return ks_reject_line(run, line, (size_t)(*end - line), NULL, wrong != NULL ? wrong : m->wrong);
}

static int map_barrier(void *st, struct ks_run *run, const struct ks_barrier *b)
{
	struct map *m = st;

	(void)b;
	return ks_tee_sync(&m->tee, run->err);
}

static int map_answer(void *st, struct ks_run *run)
{
	struct map *m = st;

	ks_repeated_keys(run, ks_expr_duplicates(m->set));
	return ks_tee_finish(&m->tee, run->err);
}

static void map_close(void *st, struct ks_run *run)
{
	struct map *m = st;

	(void)run;
	ks_tee_close(&m->tee);
	ks_headers_release(&m->edit);
	ks_buf_release(&m->text);
	ks_buf_release(&m->key);
	ks_buf_release(&m->before);
	ks_buf_release(&m->value);
	ks_expr_set_free(m->set);
}

static const struct ks_op op = {
	.name = "kstream-map",
	.synopsis = "[--flat] [--tombstones] [--tee FILE] [value=EXPR] [key=EXPR] [time=EXPR] [topic=EXPR] [header.NAME=EXPR ...]",
	.purpose = "compute value, key, time, headers and route of each record",
	.options = options, .size = sizeof(struct map), .inputs = 1,
	.option = map_option, .operands = map_operands, .open = map_open,
	.record = map_record, .barrier = map_barrier, .answer = map_answer, .close = map_close,
	.text_ready = map_text_ready, .text = map_text,
};

int main(int argc, char *argv[])
{
	return ks_main(&op, argc, argv);
}
