/* SPDX-License-Identifier: MIT */
/*
 * ingest-glance.c - a line of JSON whose value nobody needs: time, key and
 * all that the tool asks of it are read from the text in one walk.
 *
 * Only for lines that everything is right with.  Whatever is not, an error
 * of --time or --key, a key that is asked for and stands twice, a line near a
 * limit, is left to the way by a value, which says and counts what is to be said.
 */
#include "evtime.h"
#include "fdio.h"
#include "ingest.h"

/* Bytes of a record beside key and value, at most; more than the longest names take. */
#define BESIDE 4096u

int ks_ingest_share(struct ks_ingest *g, struct ks_expr_set *set, struct ks_err *err)
{
	const struct ks_config *c = g->config;
	int status = 0;

	/* Those that read metadata are for a record. */
	if (c->unwrap || c->has_since || c->has_until || (g->set != NULL && ks_expr_set_wants_record(g->set)))
		return 0;
	if (g->time != NULL)
		status = ks_expr_add(set, c->time_expr, &g->shared_time, err);
	if (status == 0 && g->key != NULL)
		status = ks_expr_add(set, c->key_expr, &g->shared_key, err);
	if (status == 0)
		g->shared = set;
	return status;
}

int ks_ingest_value(struct ks_ingest *g, struct ks_rec *rec, struct ks_err *err)
{
	enum ks_json_error e;

	g->value.n = 0;
	e = ks_json_parse(&g->json, g->text, &g->value);
	if (e == KS_JSON_MEMORY)
		return ks_fail_memory(err);
	if (e != KS_JSON_OK)
		ks_bug("a line that was read as JSON is none");
	rec->value = ks_buf_bytes(&g->value);
	return 0;
}

/* Time and key of rec from what was loaded; false: something is wrong with them. */
static inline bool settle(struct ks_ingest *g, struct ks_rec *rec)
{
	const struct ks_config *c = g->config;
	struct ks_val v;

	if (KS_LIKELY(g->shared_key != NULL)) {
		g->key_bytes.n = 0;
		if (ks_expr_eval(g->shared_key, &v) != NULL || ks_mp_add_val(&g->key_bytes, &v) != 0)
			return false;
		rec->key = ks_buf_bytes(&g->key_bytes);
	}
	if (KS_LIKELY(g->shared_time != NULL)) {
		if (ks_expr_eval(g->shared_time, &v) != NULL || ks_evtime(&v, c->unit_num, c->unit_den, &rec->time_ms) != NULL)
			return false;
	} else if (c->time_wall) {
		rec->time_ms = ks_wall_ms();
	} else {
		return true;
	}
	rec->flags = (rec->flags & ~(uint32_t)KS_TIME_TYPE) | KS_TIME_CREATE;
	return true;
}

/* The line at p, which must end by its newline: how long it is with that, 0 where it is left alone. */
static inline size_t read_line(struct ks_ingest *g, struct ks_rec *rec, const unsigned char *p)
{
	const struct ks_limits *limits = &g->config->limits;
	uint64_t repeated = ks_expr_duplicates(g->shared);
	const unsigned char *end, *at;
	size_t n;

	if (KS_UNLIKELY(*p != '{') || ks_expr_load_text(g->shared, p, &end, &at) != KS_JSON_OK || KS_UNLIKELY(*end != '\n'))
		return 0;
	n = (size_t)(end - p);
	if (KS_UNLIKELY(KS_JSON_ROOM(n) + limits->key + BESIDE > limits->record))
		return 0;
	if (KS_UNLIKELY(!settle(g, rec) || ks_expr_duplicates(g->shared) != repeated))
		return 0;
	g->text = ks_bytes(p, n);
	return n + 1;
}

int ks_ingest_glance(struct ks_ingest *g, const struct ks_rec *rec, struct ks_bytes text, size_t *used, uint64_t *made)
{
	size_t at = 0, size;
	struct ks_rec given;
	int status = 0;

	*made = 0;
	/* So that a signal is looked at in time. */
	while (status == 0 && at < text.n && at < KS_IO_SIZE) {
		given = *rec;
		given.offset += (int64_t)at;
		given.value = ks_bytes(NULL, 0);
		size = read_line(g, &given, text.p + at);
		if (size == 0)
			break;
		status = g->take(g->taker, &given);
		at += size;
		++*made;
	}
	*used = at;
	return status;
}
