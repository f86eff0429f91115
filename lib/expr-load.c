/* SPDX-License-Identifier: MIT */
/*
 * expr-load.c - one walk over a line of JSON that finds where all paths of a
 * set lead (in a record: expr-walk.c).
 *
 * Hot.  Nothing is decoded here: a slot learns where its value stands.  Text
 * is checked to its end.
 */
#include "expr-read.h"

/* JSON text: returns the byte behind the value, or NULL with scan.e set. */
static const unsigned char *read_value(struct ks_expr_read *r, const unsigned char *p, uint32_t place,
    unsigned depth);

static void forget(struct ks_expr_set *set, uint32_t place)
{
	uint32_t child;

	set->states[place] = SLOT_MISSING;
	for (child = set->places[place].child; child != 0; child = set->places[child].next)
		forget(set, child);
}

/* The last one counts, with all that is under it. */
void ks_expr_read_again(struct ks_expr_set *set, uint32_t child)
{
	set->duplicates++;
	forget(set, child);
}

static uint32_t find_escaped(struct ks_expr_read *r, uint32_t first, const unsigned char *key, size_t n)
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

/* What stands before a key, or the brace that ends the object; p is at the one that begins it, or behind a value. */
static const unsigned char *read_comma(struct ks_expr_read *r, const unsigned char *p, bool begins)
{
	if (!begins) {
		p = ks_scan_ws(&r->scan, p);
		if (*p != ',' && *p != '}')
			return ks_scan_fail(&r->scan, p, KS_JSON_SYNTAX);
	}
	if (*p == '}')
		return p;
	p = ks_scan_ws(&r->scan, p + 1);
	return *p == '"' || (begins && *p == '}') ? p : ks_scan_fail(&r->scan, p, KS_JSON_SYNTAX);
}

const unsigned char *ks_expr_read_key(struct ks_expr_read *r, const unsigned char *p, uint32_t mark,
    struct ks_expr_guess *g)
{
	const unsigned char *key, *begin = p;
	bool escaped = false;
	uint32_t child;
	size_t n;

	p = read_comma(r, p, mark % 2 != 0);
	if (p == NULL || *p == '}')
		return p;
	key = p + 1;
	p = ks_scan_string(&r->scan, key, &escaped);
	if (KS_UNLIKELY(p == NULL))
		return NULL;
	n = (size_t)(p - key) - 1;
	if (KS_LIKELY(!escaped))
		child = ks_expr_find(r->set->places, mark / 2, key, n, KS_PAD);
	else
		child = find_escaped(r, mark / 2, key, n);
	if (KS_UNLIKELY(child == KS_EXPR_NONE))
		return NULL;
	p = ks_scan_ws(&r->scan, p);
	if (KS_UNLIKELY(*p != ':'))
		return ks_scan_fail(&r->scan, p, KS_JSON_SYNTAX);
	/* Who writes a blank behind the colon of one line writes it in the next, too. */
	p = ks_scan_ws(&r->scan, p + 1);
	if (KS_UNLIKELY(*p == '}'))	/* no value, and no end of the object */
		return ks_scan_fail(&r->scan, p, KS_JSON_SYNTAX);
	ks_json_see(&g->seen, begin, (size_t)(p - begin));
	g->span = (struct ks_json_span){ 0 };
	g->mark = mark;
	g->child = child;
	return p;
}

const unsigned char *ks_expr_read_member(struct ks_expr_read *r, const unsigned char *p, uint32_t child,
    unsigned depth)
{
	p = ks_scan_ws(&r->scan, p);
	if (child == 0)
		return ks_scan_value(&r->scan, p, depth);
	if (KS_UNLIKELY(r->set->states[child] != SLOT_MISSING))
		ks_expr_read_again(r->set, child);
	return read_value(r, p, child, depth);
}

/* One element: all paths that lead to it, of those with steps from 0 up or of those below 0. */
static const unsigned char *read_element(struct ks_expr_read *r, const unsigned char *p, uint32_t place,
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
static const unsigned char *read_elements(struct ks_expr_read *r, const unsigned char *p, uint32_t place,
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
static const unsigned char *read_array(struct ks_expr_read *r, const unsigned char *p, uint32_t place,
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

static inline const unsigned char *read_container(struct ks_expr_read *r, const unsigned char *p, uint32_t place,
    unsigned depth)
{
	if (depth == 0)
		return ks_scan_fail(&r->scan, p, KS_JSON_DEPTH);
	return *p == '{' ? r->set->read_object(r, p, place, depth - 1) : read_array(r, p, place, depth - 1);
}

static const unsigned char *read_value(struct ks_expr_read *r, const unsigned char *p, uint32_t place,
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
		p = read_container(r, p, place, depth);
	} else {
		p = ks_scan_value(&r->scan, p, depth);
	}
	slot->end = p;
	return p;
}

/* The same of the document, which mostly is an object that paths lead into. */
static inline const unsigned char *read_root(struct ks_expr_read *r, const unsigned char *p)
{
	struct ks_expr_set *set = r->set;

	if (KS_UNLIKELY(*p != '{' || set->places[ROOT_VALUE].child == 0))
		return read_value(r, p, ROOT_VALUE, set->depth);
	set->slots[ROOT_VALUE].p = p;
	set->states[ROOT_VALUE] = SLOT_TEXT;
	p = read_container(r, p, ROOT_VALUE, set->depth);
	set->slots[ROOT_VALUE].end = p;
	return p;
}

#define FORGIVEN 4096	/* documents, after which what was given up is tried again */

static __attribute__((noinline)) void forgive(struct ks_expr_set *set)
{
	unsigned i;

	for (i = 0; i < KS_JSON_GUESSES; i++)
		ks_pack_forgive(&set->guesses[i].span);
}

enum ks_json_error ks_expr_load_text(struct ks_expr_set *set, const unsigned char *text,
    const unsigned char **end, const unsigned char **at)
{
	/* A newline ends the document wherever it stands. */
	struct ks_expr_read r = { .scan = { .end = text }, .set = set };
	const unsigned char *p;
	uint32_t root;

	ks_expr_load_begin(set);
	ks_expr_forget(set);
	if (KS_UNLIKELY(++set->documents % FORGIVEN == 0))
		forgive(set);
	if (set->wants_record) {
		for (root = ROOT_VALUE + 1; root < ROOTS; root++)
			ks_expr_known(set, root, (struct ks_val){ .type = KS_NIL });
		ks_expr_known(set, ROOT_HEADERS, (struct ks_val){ .type = KS_ARRAY, .b = ks_no_headers });
	}
	p = read_root(&r, ks_scan_ws(&r.scan, text));
	if (KS_UNLIKELY(p == NULL)) {
		*at = r.scan.at;
		return r.scan.e;
	}
	if (KS_UNLIKELY(*p != '\n' && *p != '\0')) {
		p = ks_scan_ws(&r.scan, p);
		if (*p != '\n' && *p != '\0') {
			*at = p;
			return KS_JSON_TRAILING;
		}
	}
	*end = p;
	return KS_JSON_OK;
}
