/* SPDX-License-Identifier: MIT */
/*
 * expr-load.c - one walk over a line of JSON that finds where all paths of a
 * set lead (in a record: expr-walk.c).
 *
 * Hot.  Nothing is decoded here: a slot learns where its value stands.  Text
 * is checked to its end.
 */
#include "expr-impl.h"

/* JSON text: returns the byte behind the value, or NULL with scan.e set. */
struct read {
	struct ks_scan scan;
	struct ks_expr_set *set;
	unsigned key;		/* number of the next key in the text; the last guess serves all that follow */
};

static const unsigned char *read_value(struct read *r, const unsigned char *p, uint32_t place,
    unsigned depth);

/* A key that a path asks for stands there again: the last one counts, with all that is under it. */
static void forget(struct ks_expr_set *set, uint32_t place)
{
	uint32_t child;

	set->states[place] = SLOT_MISSING;
	for (child = set->places[place].child; child != 0; child = set->places[child].next)
		forget(set, child);
}

static uint32_t find_escaped(struct read *r, uint32_t first, const unsigned char *key, size_t n)
{
	unsigned char *text = ks_arena_get(&r->set->scratch, n + 1);

	if (text == NULL) {
		ks_scan_fail(&r->scan, key, KS_JSON_MEMORY);
		return KS_EXPR_NONE;
	}
	r->set->scratch_used = true;
	n = ks_scan_unescape(text, key, n);
	return ks_expr_find(r->set->places, first, text, n, n);
}

/* A key and its colon: the byte the value begins at, and where the key leads (0: nowhere). */
static inline const unsigned char *read_key(struct read *r, const unsigned char *p,
    const struct ks_expr_place *places, uint32_t first, uint32_t *child)
{
	struct ks_expr_guess *g = &r->set->guesses[r->key];
	const unsigned char *key = p + 1, *begin = p;
	bool escaped = false;
	size_t n;

	if (KS_LIKELY(ks_json_again(&g->seen, p) && g->first == first)) {
		r->key += r->key + 1 < KS_JSON_GUESSES;
		*child = g->child;
		return ks_scan_ws(&r->scan, p + g->seen.n);
	}
	if (KS_UNLIKELY(*p != '"'))
		return ks_scan_fail(&r->scan, p, KS_JSON_SYNTAX);
	p = ks_scan_string(&r->scan, key, &escaped);
	if (KS_UNLIKELY(p == NULL))
		return NULL;
	n = (size_t)(p - key) - 1;
	if (KS_LIKELY(!escaped))
		*child = ks_expr_find(places, first, key, n, KS_PAD);
	else
		*child = find_escaped(r, first, key, n);
	if (KS_UNLIKELY(*child == KS_EXPR_NONE))
		return NULL;
	p = ks_scan_ws(&r->scan, p);
	if (KS_UNLIKELY(*p != ':'))
		return ks_scan_fail(&r->scan, p, KS_JSON_SYNTAX);
	ks_json_see(&g->seen, begin, (size_t)(p - begin) + 1);
	g->first = first;
	g->child = *child;
	r->key += r->key + 1 < KS_JSON_GUESSES;
	return ks_scan_ws(&r->scan, p + 1);
}

static inline const unsigned char *read_member(struct read *r, const unsigned char *p,
    const struct ks_expr_place *places, uint32_t first, unsigned depth)
{
	uint32_t child = 0;

	p = read_key(r, p, places, first, &child);
	if (KS_UNLIKELY(p == NULL))
		return NULL;
	if (child == 0)
		return ks_scan_value(&r->scan, p, depth);
	if (KS_UNLIKELY(r->set->states[child] != SLOT_MISSING)) {
		r->set->duplicates++;
		forget(r->set, child);
	}
	return read_value(r, p, child, depth);
}

static const unsigned char *read_object(struct read *r, const unsigned char *p, uint32_t place,
    unsigned depth)
{
	const struct ks_expr_place *places = r->set->places;
	uint32_t first = places[place].child;

	p = ks_scan_ws(&r->scan, p + 1);
	if (*p == '}')
		return p + 1;
	for (;;) {
		p = read_member(r, p, places, first, depth);
		if (KS_UNLIKELY(p == NULL))
			return NULL;
		p = ks_scan_ws(&r->scan, p);
		if (*p == '}')
			return p + 1;
		if (KS_UNLIKELY(*p != ','))
			return ks_scan_fail(&r->scan, p, KS_JSON_SYNTAX);
		p = ks_scan_ws(&r->scan, p + 1);
	}
}

/* One element: all paths that lead to it, of those with steps from 0 up or of those below 0. */
static const unsigned char *read_element(struct read *r, const unsigned char *p, uint32_t place,
    unsigned depth, int64_t index)
{
	const struct ks_expr_place *places = r->set->places;
	const unsigned char *end = NULL;
	uint32_t child;

	for (child = places[place].child; child != 0; child = places[child].next) {
		if (places[child].length != KS_EXPR_IS_INDEX || places[child].step.i != index)
			continue;
		end = read_value(r, p, child, depth);
		if (end == NULL)
			return NULL;
	}
	return end != NULL ? end : ks_scan_value(&r->scan, p, depth);
}

/* The elements counted from `first` up: 0, or minus their number. */
static const unsigned char *read_elements(struct read *r, const unsigned char *p, uint32_t place,
    unsigned depth, int64_t first, int64_t *count)
{
	*count = 0;
	p = ks_scan_ws(&r->scan, p + 1);
	if (*p == ']')
		return p + 1;
	for (;;) {
		p = read_element(r, p, place, depth, first + *count);
		if (KS_UNLIKELY(p == NULL))
			return NULL;
		++*count;
		p = ks_scan_ws(&r->scan, p);
		if (*p == ']')
			return p + 1;
		if (KS_UNLIKELY(*p != ','))
			return ks_scan_fail(&r->scan, p, KS_JSON_SYNTAX);
		p = ks_scan_ws(&r->scan, p + 1);
	}
}

/* Only its end tells how long an array is: for steps below 0 it is read once more. */
static const unsigned char *read_array(struct read *r, const unsigned char *p, uint32_t place,
    unsigned depth)
{
	const struct ks_expr_place *places = r->set->places;
	const unsigned char *end;
	int64_t count, again;
	uint32_t child;

	end = read_elements(r, p, place, depth, 0, &count);
	if (end == NULL)
		return NULL;
	for (child = places[place].child; child != 0; child = places[child].next)
		if (places[child].length == KS_EXPR_IS_INDEX && places[child].step.i < 0)
			return read_elements(r, p, place, depth, -count, &again);
	return end;
}

static const unsigned char *read_value(struct read *r, const unsigned char *p, uint32_t place,
    unsigned depth)
{
	struct ks_expr_slot *slot = &r->set->slots[place];
	bool escaped = false;

	slot->p = p;
	r->set->states[place] = SLOT_TEXT;
	if (*p == '"') {
		p = ks_scan_string(&r->scan, p + 1, &escaped);
		if (escaped)
			r->set->states[place] = SLOT_ESCAPED;
	} else if ((*p == '{' || *p == '[') && r->set->places[place].child != 0) {
		if (depth == 0)
			return ks_scan_fail(&r->scan, p, KS_JSON_DEPTH);
		p = *p == '{' ? read_object(r, p, place, depth - 1) :
		    read_array(r, p, place, depth - 1);
	} else {
		p = ks_scan_value(&r->scan, p, depth);
	}
	slot->end = p;
	return p;
}

enum ks_json_error ks_expr_load_text(struct ks_expr_set *set, const unsigned char *text,
    const unsigned char **end, const unsigned char **at)
{
	/* A newline ends the document wherever it stands. */
	struct read r = { .scan = { .end = text }, .set = set };
	const unsigned char *p;
	uint32_t root;

	ks_expr_load_begin(set);
	if (set->wants_record) {
		for (root = ROOT_VALUE + 1; root < ROOTS; root++)
			ks_expr_known(set, root, (struct ks_val){ .type = KS_NIL });
		ks_expr_known(set, ROOT_HEADERS, (struct ks_val){ .type = KS_ARRAY, .b = ks_no_headers });
	}
	p = read_value(&r, ks_scan_ws(&r.scan, text), ROOT_VALUE, set->depth);
	if (KS_UNLIKELY(p == NULL)) {
		*at = r.scan.at;
		return r.scan.e;
	}
	p = ks_scan_ws(&r.scan, p);
	if (KS_UNLIKELY(*p != '\n' && *p != '\0')) {
		*at = p;
		return KS_JSON_TRAILING;
	}
	*end = p;
	return KS_JSON_OK;
}
