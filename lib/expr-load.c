/* SPDX-License-Identifier: MIT */
/*
 * expr-load.c - one walk over the value that finds where all paths of a
 * set lead, on msgpack and on JSON text.
 *
 * Hot.  Nothing is decoded here: a slot learns where its value stands.  On
 * msgpack the walk ends with the last path found; text is checked to its
 * end.
 */
#include "expr-read.h"

#include <errno.h>

/* msgpack: returns the byte behind the value, or NULL to stop, with e set where that is an error. */
struct walk {
	struct ks_expr_set *set;
	const unsigned char *end;
	uint32_t left;			/* places that are not met yet */
	enum ks_mp_error e;
};

static const unsigned char *stop(struct walk *w, enum ks_mp_error e)
{
	w->e = e;
	return NULL;
}

static __attribute__((noinline)) const unsigned char *skip_other(struct walk *w,
    const unsigned char *p, unsigned depth)
{
	enum ks_mp_error e = ks_mp_skip(&p, w->end, depth);

	return e == KS_MP_OK ? p : stop(w, e);
}

/* ks_mp_skip, with what most fields are in line: a jump is foreseen where a table must be waited for. */
static inline const unsigned char *skip(struct walk *w, const unsigned char *p, unsigned depth)
{
	static const unsigned char number[] = { 5, 9, 2, 3, 5, 9, 2, 3, 5, 9 };	/* ca-d3 */
	size_t left = (size_t)(w->end - p), n = left + 1;

	if (KS_LIKELY(left > 0)) {
		if ((*p & 0xe0) == 0xa0)
			n = 1u + (*p & 0x1f);
		else if (*p >= 0xca && *p <= 0xd3)
			n = number[*p - 0xca];
		else if (*p < 0x80 || *p >= 0xe0 || *p == 0xc2 || *p == 0xc3)
			n = 1;
	}
	return KS_LIKELY(n <= left) ? p + n : skip_other(w, p, depth);
}

static const unsigned char *resolve(struct walk *w, const unsigned char *p, uint32_t place,
    unsigned depth);

/* A key that is not a short string: returns its text. */
static __attribute__((noinline)) const unsigned char *long_key(struct walk *w,
    const unsigned char *p, size_t *n)
{
	struct ks_head head;
	enum ks_mp_error e;

	if (p >= w->end)
		return stop(w, KS_MP_TRUNCATED);
	e = ks_mp_head(p, w->end, &head);
	if (e != KS_MP_OK)
		return stop(w, e);
	if (head.type != KS_STR)
		return stop(w, KS_MP_KEY);
	*n = head.count;
	return head.body;
}

/* A key: returns its value, and where it leads (0: nowhere); NULL: the walk ends. */
static inline const unsigned char *walk_key(struct walk *w, const unsigned char *p, uint32_t first,
    struct ks_expr_packed_guess *g, uint32_t *child)
{
	const unsigned char *end = w->end;
	size_t n, long_n;
	uint64_t word;

	if (KS_LIKELY(end - p > 8)) {
		memcpy(&word, p, 8);
		if (KS_LIKELY((word & g->mask) == g->word && g->first == first && g->size != 0)) {
			*child = g->child;
			return p + g->size;
		}
	}
	if (KS_LIKELY(p < end && (*p & 0xe0) == 0xa0 && (size_t)(end - p) > (*p & 0x1f))) {
		n = *p++ & 0x1f;
	} else {
		p = long_key(w, p, &long_n);
		if (p == NULL)
			return NULL;
		n = long_n;
	}
	*child = ks_expr_find(w->set->places, first, p, n, (size_t)(end - p));
	if (n < 8 && p[-1] == (0xa0 | n)) {
		*g = (struct ks_expr_packed_guess){ .size = (uint32_t)n + 1, .first = first, .child = *child };
		g->mask = n == 7 ? UINT64_MAX : (UINT64_C(1) << 8 * (n + 1)) - 1;
		memcpy(&g->word, p - 1, n + 1);
	}
	return p + n;
}

static const unsigned char *walk_map(struct walk *w, const unsigned char *p, uint32_t count,
    uint32_t place, unsigned depth)
{
	struct ks_expr_set *set = w->set;
	const struct ks_expr_place *places = set->places;
	const unsigned char *end = w->end;
	uint32_t first = places[place].child, child;
	struct ks_expr_packed_guess *g = set->packed_guesses;

	for (; count > 0; count--) {
		p = walk_key(w, p, first, g, &child);
		if (KS_UNLIKELY(p == NULL))
			return NULL;
		g += g + 1 < set->packed_guesses + KS_JSON_GUESSES;
		if (child != 0 && set->states[child] == SLOT_MISSING) {
			if (KS_UNLIKELY(places[child].child != 0)) {
				p = resolve(w, p, child, depth);
				if (p == NULL)
					return NULL;
				continue;
			}
			/* As resolve does where no path goes on. */
			if (KS_UNLIKELY(p >= end))
				return stop(w, KS_MP_TRUNCATED);
			set->slots[child].p = p;
			set->slots[child].end = end;
			set->states[child] = SLOT_PACKED;
			if (--w->left == 0)
				return stop(w, KS_MP_OK);
		}
		p = skip(w, p, depth);
		if (KS_UNLIKELY(p == NULL))
			return NULL;
	}
	return p;
}

static const unsigned char *walk_array(struct walk *w, const unsigned char *p, uint32_t count,
    uint32_t place, unsigned depth)
{
	const struct ks_expr_place *places = w->set->places;
	const unsigned char *next;
	uint32_t i, child;
	int64_t n;

	for (i = 0; i < count; i++, p = next) {
		next = NULL;
		for (child = places[place].child; child != 0; child = places[child].next) {
			if (places[child].length != KS_EXPR_IS_INDEX)
				continue;
			n = places[child].step.i;
			if ((n < 0 ? n + count : n) != (int64_t)i)
				continue;
			/* -1 and 0 may be one element: each path has its own walk. */
			next = resolve(w, p, child, depth);
			if (next == NULL)
				return NULL;
		}
		if (next == NULL)
			next = skip(w, p, depth);
		if (next == NULL)
			return NULL;
	}
	return p;
}

static const unsigned char *resolve(struct walk *w, const unsigned char *p, uint32_t place,
    unsigned depth)
{
	struct ks_expr_set *set = w->set;
	struct ks_head head;
	enum ks_mp_error e;

	if (KS_UNLIKELY(p >= w->end))
		return stop(w, KS_MP_TRUNCATED);
	set->slots[place].p = p;
	set->slots[place].end = w->end;
	set->states[place] = SLOT_PACKED;
	if (--w->left == 0)
		return stop(w, KS_MP_OK);
	if (set->places[place].child == 0)
		return skip(w, p, depth);
	e = ks_mp_head(p, w->end, &head);
	if (e != KS_MP_OK)
		return stop(w, e);
	if (head.type < KS_ARRAY)
		return skip(w, p, depth);
	if (depth == 0)
		return stop(w, KS_MP_DEPTH);
	if (head.type == KS_MAP)
		return walk_map(w, head.body, head.count, place, depth - 1);
	return walk_array(w, head.body, head.count, place, depth - 1);
}

static enum ks_mp_error walk_root(struct ks_expr_set *set, uint32_t root, struct ks_bytes value)
{
	struct walk w = { .set = set, .end = value.p + value.n, .left = set->places_of[root] };

	(void)resolve(&w, value.p, root, set->depth);
	return w.e;
}

static void known(struct ks_expr_set *set, uint32_t root, struct ks_val v)
{
	set->slots[root].v = v;
	set->states[root] = SLOT_DECODED;
}

static void known_number(struct ks_expr_set *set, uint32_t root, int64_t x, bool there)
{
	known(set, root, (struct ks_val){ .type = there ? KS_INT : KS_NIL, .i = x });
}

/* Header values come as bytes; what is text becomes a string, so that it can be compared with one. */
static enum ks_mp_error copy_headers(struct ks_expr_set *set, struct ks_bytes headers, int *no)
{
	const unsigned char *p = headers.p, *end = p + headers.n;
	struct ks_head head, pair;
	enum ks_mp_error e;
	struct ks_val v;
	uint32_t i, j;

	set->headers.n = 0;
	if (p >= end)
		return KS_MP_TRUNCATED;
	e = ks_mp_head(p, end, &head);
	if (e != KS_MP_OK)
		return e;
	*no = ks_mp_add_array_head(&set->headers, head.count);
	for (i = 0, p = head.body; i < head.count && *no == 0; i++) {
		if (p >= end)
			return KS_MP_TRUNCATED;
		e = ks_mp_head(p, end, &pair);
		if (e != KS_MP_OK)
			return e;
		*no = ks_mp_add_array_head(&set->headers, pair.count);
		for (j = 0, p = pair.body; j < pair.count && *no == 0; j++) {
			e = ks_mp_read(&p, end, 0, &v);
			if (e != KS_MP_OK)
				return e;
			if (v.type == KS_BIN && ks_utf8_prefix(v.b.p, v.b.n) == v.b.n)
				v.type = KS_STR;
			*no = ks_mp_add_val(&set->headers, &v);
		}
	}
	return KS_MP_OK;
}

static const char *load_meta(struct ks_expr_set *set, const struct ks_rec *rec)
{
	struct ks_val topic = { .type = rec->topic.p != NULL ? KS_STR : KS_NIL, .b = rec->topic };
	enum ks_mp_error e = KS_MP_OK;
	int no = 0;

	known(set, ROOT_TOPIC, topic);
	known_number(set, ROOT_TS, rec->time_ms, (rec->flags & KS_TIME_TYPE) != KS_TIME_NONE);
	known_number(set, ROOT_PARTITION, rec->partition, rec->partition >= 0);
	known_number(set, ROOT_OFFSET, rec->offset, rec->offset >= 0);
	if (set->places_of[ROOT_KEY] > 0)
		e = walk_root(set, ROOT_KEY, rec->key);
	if (e == KS_MP_OK && set->places_of[ROOT_HEADERS] > 0) {
		e = copy_headers(set, rec->headers, &no);
		if (e == KS_MP_OK && no == 0)
			e = walk_root(set, ROOT_HEADERS, ks_buf_bytes(&set->headers));
	}
	if (no != 0)
		return ks_no_memory;
	return e != KS_MP_OK ? ks_mp_strerror(e) : NULL;
}

static inline __attribute__((always_inline)) void begin(struct ks_expr_set *set)
{
	uint32_t i;

	/* The array is allocated in sixteens, and mostly is one. */
	for (i = 0; i < set->place_count; i += 16)
		memset(set->states + i, SLOT_MISSING, 16);
	set->steps = set->step_limit < KS_EXPR_SLICE ? set->step_limit : KS_EXPR_SLICE;
	set->more = set->step_limit - set->steps;
	set->blind = KS_EXPR_BLIND;
	set->starved = false;
	if (set->scratch_used) {
		ks_arena_reset(&set->scratch);
		set->scratch_used = false;
	}
}

const char *ks_expr_load(struct ks_expr_set *set, const struct ks_rec *rec)
{
	enum ks_mp_error e;

	begin(set);
	if (set->places_of[ROOT_VALUE] > 0) {
		e = walk_root(set, ROOT_VALUE, rec->value);
		if (KS_UNLIKELY(e != KS_MP_OK))
			return ks_mp_strerror(e);
	}
	return KS_UNLIKELY(set->wants_record) ? load_meta(set, rec) : NULL;
}

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

	begin(set);
	if (KS_UNLIKELY(++set->documents % FORGIVEN == 0))
		forgive(set);
	if (set->wants_record) {
		for (root = ROOT_VALUE + 1; root < ROOTS; root++)
			known(set, root, (struct ks_val){ .type = KS_NIL });
		known(set, ROOT_HEADERS, (struct ks_val){ .type = KS_ARRAY, .b = ks_no_headers });
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
