/* SPDX-License-Identifier: MIT */
/*
 * ingest.c - from a value to a record.
 *
 * A frame holds its value last, but --time and --key are read from the
 * value.  So the value is parsed to where it will stand if the head before
 * it is as long as the last record's was, which is nearly always right;
 * then the head is put in front, and the value moved where it was not.
 */
#include "ingest.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>

#include "evtime.h"
#include "fdio.h"
#include "json-lines.h"
#include "unwrap.h"

int ks_ingest_open(struct ks_ingest *g, const struct ks_config *config, struct ks_err *err)
{
	int status;

	*g = (struct ks_ingest){ .config = config };
	ks_json_init(&g->json, config->limits.depth);
	ks_buf_init(&g->key_bytes, config->limits.key);
	ks_buf_init(&g->head, config->limits.record);
	ks_buf_init(&g->value, KS_JSON_ROOM(config->limits.record));
	status = ks_reject_open(&g->reject, config, err);
	if (status != 0 || (config->time_expr == NULL && config->key_expr == NULL))
		return status;
	g->set = ks_expr_set_new(&config->limits);
	if (g->set == NULL)
		return ks_fail_memory(err);
	if (config->time_expr != NULL) {
		status = ks_expr_add(g->set, config->time_expr, &g->time, err);
		if (status != 0)
			return status;
	}
	return config->key_expr != NULL ? ks_expr_add(g->set, config->key_expr, &g->key, err) : 0;
}

void ks_ingest_close(struct ks_ingest *g)
{
	if (g->config == NULL)
		return;
	ks_expr_set_free(g->set);
	ks_json_release(&g->json);
	ks_buf_release(&g->key_bytes);
	ks_buf_release(&g->head);
	ks_buf_release(&g->value);
	ks_reject_close(&g->reject);
}

/* Frame a record whose value lies elsewhere, or hand it on as it is. */
static int add_record(const struct ks_ingest *g, struct ks_rec *rec, struct ks_buf *b, struct ks_err *err)
{
	if (g->take != NULL)
		return g->take(g->taker, rec);
	if (ks_buf_reserve(b, ks_rec_size(rec)) != 0)
		return ks_fail_memory(err);
	b->n = (size_t)(ks_rec_put(b->p + b->n, rec) - b->p);
	return 0;
}

/* Made only when something is wrong: it costs more than a record does. */
static const char *where(const struct ks_ingest *g, const struct ks_rec *rec, char *room)
{
	if (g->path == NULL)
		return ks_where(rec, room);
	if (g->line == 0)
		snprintf(room, PATH_MAX + 40, "%s@%lld", g->path, (long long)rec->offset);
	else
		snprintf(room, PATH_MAX + 40, "%s:%llu", g->path, (unsigned long long)g->line);
	return room;
}

static int reject(struct ks_ingest *g, const struct ks_rec *rec, const char *what,
    struct ks_buf *b, int *made, struct ks_err *err)
{
	char room[PATH_MAX + 40];
	struct ks_rec letter;
	int status;

	*made = 0;
	status = ks_reject_record(&g->reject, rec, where(g, rec, room), what, &letter, err);
	if (status != 0 || letter.value.p == NULL)
		return status;
	*made = 1;
	return add_record(g, &letter, b, err);
}

int ks_ingest_reject(struct ks_ingest *g, struct ks_rec *rec, struct ks_bytes raw,
    const char *what, struct ks_buf *b, int *made, struct ks_err *err)
{
	struct ks_val v = { .type = KS_BIN, .b = raw };
	struct ks_buf value;
	int status;

	ks_buf_init(&value, raw.n + KS_MP_HEADER);
	if (ks_mp_add_val(&value, &v) != 0) {
		ks_buf_release(&value);
		return ks_fail_memory(err);
	}
	rec->value = ks_buf_bytes(&value);
	status = reject(g, rec, what, b, made, err);
	ks_buf_release(&value);
	return status;
}

/* A bad time: *done is set where the policy has dealt with the record for good. */
static int bad_time(struct ks_ingest *g, struct ks_rec *rec, const char *what, struct ks_buf *b, int *made, bool *done, struct ks_err *err)
{
	char room[PATH_MAX + 40], text[120];

	*done = true;
	switch (g->config->on_bad_time) {
	case KS_POLICY_WALL:
		rec->time_ms = ks_wall_ms();
		rec->flags = (rec->flags & ~(uint32_t)KS_TIME_TYPE) | KS_TIME_CREATE;
		*done = false;
		return 0;
	case KS_POLICY_APPEND:
		*done = false;
		return 0;
	case KS_POLICY_SKIP:
		g->bad_times++;
		*made = 0;
		return 0;
	case KS_POLICY_DLQ:
		snprintf(text, sizeof(text), "--time: %s", what);
		return reject(g, rec, text, b, made, err);
	default:
		g->reject.count++;
		return ks_fail(err, KS_DATA, "%s: --time: %s (--on-bad-time says what else to do)",
		    where(g, rec, room), what);
	}
}

/* --since and --until, once the time of a record is settled; *done: it is not wanted, or dealt with. */
static int check_range(struct ks_ingest *g, struct ks_rec *rec, struct ks_buf *b, int *made, bool *done,
    struct ks_err *err)
{
	const struct ks_config *c = g->config;

	*done = true;
	if ((rec->flags & KS_TIME_TYPE) == KS_TIME_NONE)
		return reject(g, rec, "the record has no time for --since and --until (--time says where it is)", b, made, err);
	*done = !ks_config_in_range(c, rec->time_ms);
	g->reached = *done && ks_config_stops(c) && rec->time_ms >= c->until_ms;
	g->outside += *done && !g->reached;
	if (*done)
		*made = 0;
	return 0;
}

static const char *key_option(const struct ks_ingest *g)
{
	return g->config->key_option != NULL ? g->config->key_option : "--key";
}

/* Time and key of rec from its value; *done as in bad_time. */
static int settle(struct ks_ingest *g, struct ks_rec *rec, struct ks_buf *b,
    int *made, bool *done, struct ks_err *err)
{
	const char *wrong;
	struct ks_val v;
	char text[200];
	int64_t ms, no;
	int status;

	*done = false;
	if (g->config->time_wall) {
		rec->time_ms = ks_wall_ms();
		rec->flags = (rec->flags & ~(uint32_t)KS_TIME_TYPE) | KS_TIME_CREATE;
	}
	if (g->set == NULL)
		return 0;
	*done = true;
	wrong = ks_expr_load(g->set, rec);
	if (wrong != NULL)
		return reject(g, rec, wrong, b, made, err);
	if (g->key != NULL) {
		wrong = ks_expr_eval(g->key, &v);
		if (wrong != NULL && ks_is_no_memory(wrong))
			return ks_fail_memory(err);
		if (wrong != NULL) {
			snprintf(text, sizeof(text), "%s: %s", key_option(g), wrong);
			return reject(g, rec, text, b, made, err);
		}
		g->key_bytes.n = 0;
		no = ks_mp_add_val(&g->key_bytes, &v);
		if (no == EMSGSIZE) {
			snprintf(text, sizeof(text), "%s: the key is larger than --max-key allows", key_option(g));
			return reject(g, rec, text, b, made, err);
		}
		if (no != 0)
			return ks_fail_memory(err);
	}
	*done = false;
	if (g->time != NULL) {
		wrong = ks_expr_eval(g->time, &v);
		if (wrong == NULL)
			wrong = ks_evtime(&v, g->config->unit_num, g->config->unit_den, &ms);
		if (wrong != NULL && ks_is_no_memory(wrong))
			return ks_fail_memory(err);
		if (wrong != NULL) {
			status = bad_time(g, rec, wrong, b, made, done, err);
			if (status != 0 || *done)
				return status;
		} else {
			rec->time_ms = ms;
			rec->flags = (rec->flags & ~(uint32_t)KS_TIME_TYPE) | KS_TIME_CREATE;
		}
	}
	if (g->key != NULL)
		rec->key = ks_buf_bytes(&g->key_bytes);
	return 0;
}

static int apply(struct ks_ingest *g, struct ks_rec *rec, struct ks_buf *b, int *made, bool *done,
    struct ks_err *err)
{
	int status = settle(g, rec, b, made, done, err);

	if (status != 0 || *done || !(g->config->has_since || g->config->has_until))
		return status;
	return check_range(g, rec, b, made, done, err);
}

static inline const char *too_large(const struct ks_ingest *g, const struct ks_rec *rec)
{
	if (KS_UNLIKELY(rec->key.n > g->config->limits.key))
		return "the key is larger than --max-key allows";
	return KS_LIKELY(ks_rec_size(rec) <= g->config->limits.record) ? NULL : "the record is larger than --max-record allows";
}

int ks_ingest_record(struct ks_ingest *g, struct ks_rec *rec, struct ks_buf *b,
    int *made, struct ks_err *err)
{
	const char *wrong;
	bool done;
	int status;

	if (KS_UNLIKELY(g->config->unwrap)) {
		(void)ks_unwrap(&rec->key, g->config->limits.depth);	/* of another converter, perhaps */
		if (!ks_unwrap(&rec->value, g->config->limits.depth) && !ks_mp_is_nil(rec->value))
			return reject(g, rec, ks_unwrap_wrong, b, made, err);
	}
	status = apply(g, rec, b, made, &done, err);
	if (status != 0 || done)
		return status;
	wrong = too_large(g, rec);
	if (wrong != NULL)
		return reject(g, rec, wrong, b, made, err);
	*made = 1;
	return add_record(g, rec, b, err);
}

/* Put the head before the value, which ends b and begins at start + g->gap. */
static int put_head(struct ks_ingest *g, const struct ks_rec *rec, struct ks_buf *b, size_t start)
{
	size_t value = b->n - start - g->gap, size;

	g->head.n = 0;
	if (ks_buf_reserve(&g->head, ks_rec_size(rec) - rec->value.n) != 0)
		return ENOMEM;
	size = (size_t)(ks_rec_put_head(g->head.p, rec, value) - g->head.p);
	if (size != g->gap) {
		if (size > g->gap && ks_buf_reserve(b, size - g->gap) != 0)
			return ENOMEM;
		memmove(b->p + start + size, b->p + start + g->gap, value);
		g->gap = size;
		b->n = start + size + value;
	}
	memcpy(b->p + start, g->head.p, size);
	return 0;
}

/* Of the envelope that ends b its payload alone stays; null needs none.  False: it is no envelope. */
static bool unwrap(struct ks_ingest *g, struct ks_rec *rec, struct ks_buf *b)
{
	struct ks_bytes payload = rec->value;
	unsigned char *value = b->p + (b->n - rec->value.n);

	(void)ks_unwrap(&rec->key, g->config->limits.depth);	/* of another converter, perhaps */
	if (!ks_unwrap(&payload, g->config->limits.depth))
		return ks_mp_is_nil(rec->value);
	memmove(value, payload.p, payload.n);
	b->n -= rec->value.n - payload.n;
	rec->value = ks_bytes(value, payload.n);
	return true;
}

/* A value has been parsed to start + g->gap: the rest of making it a record. */
static int finish(struct ks_ingest *g, struct ks_rec *rec, struct ks_bytes text, size_t start,
    struct ks_buf *b, int *made, struct ks_err *err)
{
	const char *wrong;
	bool done;
	int status;

	rec->value = ks_bytes(b->p + start + g->gap, b->n - start - g->gap);
	if (KS_UNLIKELY(g->config->unwrap) && !unwrap(g, rec, b)) {
		b->n = start;
		return ks_ingest_reject(g, rec, text, ks_unwrap_wrong, b, made, err);
	}
	wrong = too_large(g, rec);
	if (KS_UNLIKELY(wrong != NULL)) {
		b->n = start;
		return ks_ingest_reject(g, rec, text, wrong, b, made, err);
	}
	if (g->set != NULL || g->config->time_wall || g->config->has_since || g->config->has_until) {
		struct ks_buf letter;

		/* A dead letter borrows the value from b, so it is made beside it. */
		ks_buf_init(&letter, b->max);
		status = apply(g, rec, &letter, made, &done, err);
		if (status != 0 || done) {
			b->n = start;
			if (status == 0 && ks_buf_add(b, letter.p, letter.n) != 0)
				status = ks_fail_memory(err);
			ks_buf_release(&letter);
			return status;
		}
	}
	/* With the key that --key has given it. */
	if (g->key != NULL && KS_UNLIKELY((wrong = too_large(g, rec)) != NULL)) {
		b->n = start;
		return ks_ingest_reject(g, rec, text, wrong, b, made, err);
	}
	if (g->take != NULL) {
		*made = 1;
		b->n = start;
		return g->take(g->taker, rec);
	}
	if (put_head(g, rec, b, start) != 0) {
		b->n = start;	/* what is in b goes out, also now */
		return ks_fail_memory(err);
	}
	*made = 1;
	return 0;
}

int ks_ingest_json(struct ks_ingest *g, struct ks_rec *rec, struct ks_bytes text,
    struct ks_buf *b, int *made, struct ks_err *err)
{
	size_t start = b->n;
	enum ks_json_error e;
	char what[160];

	if (ks_buf_reserve(b, g->gap) != 0)
		return ks_fail_memory(err);
	b->n += g->gap;
	e = ks_json_parse(&g->json, text, b);
	if (KS_LIKELY(e == KS_JSON_OK))
		return finish(g, rec, text, start, b, made, err);
	b->n = start;
	if (e == KS_JSON_MEMORY)
		return ks_fail_memory(err);
	if (ks_bytes_bom(text))
		return ks_ingest_reject(g, rec, text, ks_reject_bom, b, made, err);
	snprintf(what, sizeof(what), "%s at byte %zu of the value", ks_json_strerror(e),
	    (size_t)(g->json.at - text.p) + 1);
	return ks_ingest_reject(g, rec, text, what, b, made, err);
}

int ks_ingest_row(struct ks_ingest *g, struct ks_csv *csv, struct ks_rec *rec, struct ks_bytes row,
    struct ks_buf *b, int *made, struct ks_err *err)
{
	size_t start = b->n;
	const char *wrong;

	if (ks_buf_reserve(b, g->gap) != 0)
		return ks_fail_memory(err);
	b->n += g->gap;
	wrong = ks_csv_row(csv, row, b);
	if (KS_LIKELY(wrong == NULL))
		return finish(g, rec, row, start, b, made, err);
	b->n = start;
	if (ks_is_no_memory(wrong))
		return ks_fail_memory(err);
	return ks_ingest_reject(g, rec, row, wrong, b, made, err);
}

int ks_ingest_row_line(struct ks_ingest *g, struct ks_csv *csv, struct ks_rec *rec, struct ks_bytes *row,
    struct ks_buf *b, int *made, struct ks_err *err)
{
	size_t start = b->n;

	if (ks_buf_reserve(b, g->gap) != 0)
		return ks_fail_memory(err);
	b->n += g->gap;
	if (KS_UNLIKELY(!ks_csv_line(csv, *row, b) || csv->at > g->config->limits.record)) {
		b->n = start;
		row->n = 0;
		return 0;
	}
	row->n = csv->at;
	return finish(g, rec, *row, start, b, made, err);
}

int ks_ingest_line(struct ks_ingest *g, struct ks_rec *rec, struct ks_bytes *text,
    struct ks_buf *b, int *made, struct ks_err *err)
{
	size_t start = b->n;
	enum ks_json_error e;

	if (ks_buf_reserve(b, g->gap) != 0)
		return ks_fail_memory(err);
	b->n += g->gap;
	e = ks_json_line(&g->json, *text, b);
	if (KS_UNLIKELY(e != KS_JSON_OK || (size_t)(g->json.at - text->p) > g->config->limits.record)) {
		b->n = start;
		text->n = 0;
		return e == KS_JSON_MEMORY ? ks_fail_memory(err) : 0;
	}
	text->n = (size_t)(g->json.at - text->p);
	return finish(g, rec, *text, start, b, made, err);
}

/* The head of rec for all whose offset takes as many bytes.  False: it is too long. */
static bool lines_head(struct ks_ingest *g, struct ks_rec *rec, struct ks_json_lines *l, uint64_t *room)
{
	size_t tail = 1 + rec->key.n + rec->headers.n;	/* behind the offset, where there is no route */
	unsigned char head[4 * KS_PAD];

	rec->value = ks_bytes(NULL, 0);
	*room = ks_rec_size(rec);
	if (*room > sizeof(head) || *room > g->config->limits.record || rec->route.p != NULL)
		return false;
	l->head_n = (uint32_t)(ks_rec_put_head(head, rec, 0) - head);
	if (l->head_n > sizeof(l->head))
		return false;
	memcpy(l->head, head, l->head_n);
	l->offset_n = rec->offset <= UINT8_MAX ? 1 : rec->offset <= UINT16_MAX ? 2 : rec->offset <= UINT32_MAX ? 4 : 8;
	l->offset_max = l->offset_n == 8 ? INT64_MAX : rec->offset < 128 ? 127 : (int64_t)(UINT64_MAX >> (64 - 8 * l->offset_n));
	l->offset_at = l->head_n - (uint32_t)tail - l->offset_n;
	l->offset = rec->offset;
	return true;
}

int ks_ingest_lines(struct ks_ingest *g, struct ks_rec *rec, struct ks_bytes *text,
    struct ks_buf *b, uint64_t *made, struct ks_err *err)
{
	const struct ks_config *c = g->config;
	struct ks_json_lines l = { .size_at = 1, .size_from = KS_FRAME_HEAD, .line_max = c->limits.record, .enough = KS_IO_SIZE };
	struct ks_bytes all = *text;
	uint64_t room;

	text->n = 0;
	*made = 0;
	if (g->shared != NULL)
		return ks_ingest_glance(g, rec, all, &text->n, made);
	if (g->set != NULL || g->take != NULL || c->time_wall || c->has_since || c->has_until || c->unwrap ||
	    rec->key.n > c->limits.key || !lines_head(g, rec, &l, &room))
		return 0;
	l.value_max = c->limits.record - room;
	switch (ks_json_lines(&g->json, &l, all, b)) {
	case 0: break;
	case ENOMEM: return ks_fail_memory(err);
	default: return 0;
	}
	text->n = (size_t)(l.offset - rec->offset);
	*made = l.count;
	return 0;
}
