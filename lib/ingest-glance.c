/* SPDX-License-Identifier: MIT */
/*
 * ingest-glance.c - a line of JSON whose value nobody needs: time, key and
 * all that the tool asks of it are read from the text in one walk.
 *
 * Only for lines that everything is right with.  Whatever is not, an error
 * of --time or --key, a key that is asked for and stands twice, a line near a
 * limit, is left to the way by a value, which says and counts what is to be said.
 *
 * Where keys come at random, what a tool knows of one is in no near cache: so
 * the key of the line behind is told before, as it seems to be by where the
 * last one stood.  A wrong one costs the time, and nothing else.
 */
#include "evtime.h"
#include "fdio.h"
#include "ingest.h"
#include "json-scan.h"

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

/* Where the key of the line at p stands, if that has it between quotes and without escapes. */
static inline void place_key(struct ks_ingest_ahead *a, const unsigned char *p, const struct ks_val *key)
{
	size_t at = (uintptr_t)key->b.p - (uintptr_t)p;

	a->at = 0;
	if (KS_UNLIKELY(key->type != KS_STR || at < sizeof(a->before) || at >= KS_IO_SIZE))
		return;
	a->at = at;
	memcpy(a->before, p + at - sizeof(a->before), sizeof(a->before));
}

/* Tell of what seems to be the key of the line at p. */
static inline void look_ahead(struct ks_ingest_ahead *a, const unsigned char *p, const unsigned char *end)
{
	const size_t most = sizeof(a->key) - 1;
	const unsigned char *key = p + a->at;
	uint32_t special, n;

	if (a->expect == NULL || KS_UNLIKELY(a->at == 0 || (size_t)(end - p) < a->at + most) ||
	    KS_UNLIKELY(memcmp(key - sizeof(a->before), a->before, sizeof(a->before)) != 0))
		return;
	special = (uint32_t)(ks_scan_special16(key) | ks_scan_special16(key + 16) << 16);
	if (KS_UNLIKELY(special == 0))
		return;
	n = (uint32_t)__builtin_ctz(special);
	a->key[0] = (unsigned char)(0xa0 + n);
	memcpy(a->key + 1, key, most);
	a->rec.key = ks_bytes(a->key, 1 + n);
	a->expect(a->taker, &a->rec, true);
}

/* Time and key of rec from what was loaded from the line at p; false: something is wrong with them. */
static inline bool settle(struct ks_ingest *g, struct ks_rec *rec, const unsigned char *p)
{
	const struct ks_config *c = g->config;
	struct ks_val v;

	if (KS_LIKELY(g->shared_key != NULL)) {
		g->key_bytes.n = 0;
		if (ks_expr_eval(g->shared_key, &v) != NULL || ks_mp_add_val(&g->key_bytes, &v) != 0)
			return false;
		rec->key = ks_buf_bytes(&g->key_bytes);
		place_key(&g->ahead, p, &v);
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
	if (KS_UNLIKELY(!settle(g, rec, p) || ks_expr_duplicates(g->shared) != repeated))
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
		look_ahead(&g->ahead, text.p + at + size, text.p + text.n);
		status = g->take(g->taker, &given);
		at += size;
		++*made;
	}
	*used = at;
	return status;
}
