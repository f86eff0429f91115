/* SPDX-License-Identifier: MIT */
/*
 * expr-walk.c - one walk over the value of a record that finds where all paths
 * of a set lead.
 *
 * Hot.  Nothing is decoded: a slot learns where its value stands.  The walk
 * ends with the last path found.  Records of a stream are mostly alike: each
 * key is first held against the one that stood there in the map before.
 */
#include "expr-shape.h"

/* All return the byte behind the value, or NULL to stop, with set->walk.e set where that is an error. */
static const unsigned char *stop(struct ks_expr_set *set, enum ks_mp_error e)
{
	set->walk.e = e;
	return NULL;
}

static __attribute__((noinline)) const unsigned char *skip_other(struct ks_expr_set *set,
    const unsigned char *p, unsigned depth)
{
	enum ks_mp_error e = ks_mp_skip(&p, set->walk.end, depth);

	return e == KS_MP_OK ? p : stop(set, e);
}

/* ks_mp_skip, with what most fields are in line. */
static inline const unsigned char *skip(struct ks_expr_set *set, const unsigned char *p, const unsigned char *end, unsigned depth)
{
	size_t n = ks_mp_short(p, (size_t)(end - p));

	return KS_LIKELY(n != 0) ? p + n : skip_other(set, p, depth);
}

static const unsigned char *resolve(struct ks_expr_set *set, const unsigned char *p, uint32_t place,
    unsigned depth);

/* A key that is not a short string: returns its text. */
static __attribute__((noinline)) const unsigned char *long_key(struct ks_expr_set *set,
    const unsigned char *p, size_t *n)
{
	struct ks_head head;
	enum ks_mp_error e;

	if (p >= set->walk.end)
		return stop(set, KS_MP_TRUNCATED);
	e = ks_mp_head(p, set->walk.end, &head);
	if (e != KS_MP_OK)
		return stop(set, e);
	if (head.type != KS_STR)
		return stop(set, KS_MP_KEY);
	*n = head.count;
	return head.body;
}

/* Where a key leads: a place (0: nowhere), and whether paths go on from there. */
#define ON (UINT32_C(1) << 31)

/* How much is read of a key of so many bytes, its header included. */
static inline size_t need(size_t size)
{
	return size <= 8 ? 8 : size <= 16 ? 16 : 32;
}

static inline void remember(struct ks_expr_packed_guess *g, const unsigned char *key, size_t size, uint32_t first,
    uint32_t lead)
{
	memcpy(g->key, key, 8);
	g->mask[0] = ks_mask(size);
	if (size > 8) {
		memcpy(g->key + 8, key + 8, 8);
		g->mask[1] = ks_mask(size - 8);
	}
	if (KS_UNLIKELY(size > 16)) {
		memcpy(g->key + 16, key + 16, 16);
		g->mask[2] = ks_mask(size - 16);
		g->mask[3] = ks_mask(size > 24 ? size - 24 : 0);
	}
	g->size = (uint32_t)size;
	g->first = first;
	g->lead = lead;
}

/* A key that is not the guess, which it becomes: returns its value, and in walk.lead where it leads; NULL: the walk ends. */
static __attribute__((noinline)) const unsigned char *find_key(struct ks_expr_set *set, const unsigned char *p,
    uint32_t first, struct ks_expr_packed_guess *g)
{
	const unsigned char *key = p, *end = set->walk.end;
	size_t n;

	if (KS_LIKELY(p < end && (*p & 0xe0) == 0xa0 && (size_t)(end - p) > (*p & 0x1f))) {
		n = *p++ & 0x1f;
	} else {
		p = long_key(set, p, &n);
		if (p == NULL)
			return NULL;
	}
	set->walk.lead = ks_expr_find(set->places, first, p, n, (size_t)(end - p));
	if (set->walk.lead != 0 && set->places[set->walk.lead].child != 0)
		set->walk.lead |= ON;
	/* One that is longer or too near the end is looked for each time. */
	if (p == key + 1 && (size_t)(end - key) > need(n + 1))
		remember(g, key, n + 1, first, set->walk.lead);
	return p + n;
}

/* Whether the 8 bytes at p + at are those of the guess, as far as the key goes there. */
static inline bool alike(const struct ks_expr_packed_guess *g, const unsigned char *p, size_t at)
{
	uint64_t here, there;

	memcpy(&here, p + at, 8);
	memcpy(&there, g->key + at, 8);
	return ((here ^ there) & g->mask[at / 8]) == 0;
}

/* Whether the key at p, of which left bytes can be read, is the guess. */
static inline bool again(const struct ks_expr_packed_guess *g, const unsigned char *p, size_t left)
{
	if (KS_UNLIKELY(left <= need(g->size)))
		return false;
	return alike(g, p, 0) && (g->size <= 8 || alike(g, p, 8)) && (g->size <= 16 || (alike(g, p, 16) && alike(g, p, 24)));
}

/* The value of a key that leads to a place: the byte behind it, or NULL. */
static inline const unsigned char *meet(struct ks_expr_set *set, const unsigned char *p, const unsigned char *end,
    uint32_t place, unsigned depth)
{
	const unsigned char *next;

	/* Of equal keys the first one counts. */
	if (KS_UNLIKELY(set->states[place & ~ON] != SLOT_MISSING))
		return skip(set, p, end, depth);
	if (KS_UNLIKELY((place & ON) != 0))
		return resolve(set, p, place & ~ON, depth);
	/* As resolve does where no path goes on. */
	if (KS_UNLIKELY(p >= end))
		return stop(set, KS_MP_TRUNCATED);
	set->slots[place].p = p;
	set->slots[place].end = end;
	set->states[place] = SLOT_PACKED;
	if (--set->walk.left == 0)
		return stop(set, KS_MP_OK);
	next = skip(set, p, end, depth);
	/* What has been gone over need not be again. */
	if (next != NULL && ks_mp_is_container(*p)) {
		set->slots[place].end = next;
		set->states[place] = SLOT_WHOLE;
	}
	return next;
}

/* One member of a map, of any kind: the byte behind it, or NULL. */
static __attribute__((noinline)) const unsigned char *walk_member(struct ks_expr_set *set, const unsigned char *p,
    uint32_t first, struct ks_expr_packed_guess *g, unsigned depth)
{
	const unsigned char *end = set->walk.end;
	uint32_t lead;

	if (KS_LIKELY(again(g, p, (size_t)(end - p)) && g->first == first)) {
		lead = g->lead;
		p += g->size;
	} else {
		p = find_key(set, p, first, g);
		if (KS_UNLIKELY(p == NULL))
			return NULL;
		lead = set->walk.lead;
	}
	return lead == 0 ? skip(set, p, end, depth) : meet(set, p, end, lead, depth);
}

/* What a key that is a guess of up to 16 bytes, and the first two bytes of its value, take at most. */
#define STEP 18u

/*
 * The loop inside is over members by keys that stood there before, far from
 * the end, whose values have a length that one byte tells: how far these go
 * is only looked at in the end.
 */
static const unsigned char *walk_map(struct ks_expr_set *set, const unsigned char *p, uint32_t count,
    uint32_t place, unsigned depth)
{
	struct ks_expr_packed_guess *g = set->walk.guess, *last = set->packed_guesses + KS_JSON_GUESSES - 1;
	size_t n = (size_t)(set->walk.end - p), safe = n >= STEP ? n - STEP + 1 : 0, i = 0, value, size;
	uint32_t first = set->places[place].child, lead;

	for (; count > 0; count--, g = set->walk.guess) {
		for (; i < safe && g < last && count > 0; g++, count--) {
			if (KS_UNLIKELY(!alike(g, p + i, 0) || g->first != first))
				break;
			if (g->size > 8 && KS_UNLIKELY(!again(g, p + i, n - i)))
				break;
			value = i + g->size;
			size = ks_mp_fixed[p[value]];
			lead = g->lead;
			if (KS_UNLIKELY(size == 0 || (lead & ON) != 0))
				break;
			i = value + size;
			if (lead == 0 || KS_UNLIKELY(set->states[lead] != SLOT_MISSING))
				continue;	/* of equal keys the first one counts */
			set->slots[lead].p = p + value;
			set->slots[lead].end = p + n;
			set->states[lead] = SLOT_PACKED;
			if (--set->walk.left == 0) {
				set->walk.guess = g + 1;
				return stop(set, KS_MP_OK);
			}
		}
		if (KS_UNLIKELY(i > n))
			return stop(set, KS_MP_TRUNCATED);
		if (count == 0)
			break;
		set->walk.guess = g + (g < last);
		p = walk_member(set, p + i, first, g, depth);
		if (KS_UNLIKELY(p == NULL))
			return NULL;
		n = (size_t)(set->walk.end - p);
		safe = n >= STEP ? n - STEP + 1 : 0;
		i = 0;
	}
	set->walk.guess = g;
	return p + i;
}

static const unsigned char *walk_array(struct ks_expr_set *set, const unsigned char *p, uint32_t count,
    uint32_t place, unsigned depth)
{
	const struct ks_expr_place *places = set->places;
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
			next = resolve(set, p, child, depth);
			if (next == NULL)
				return NULL;
		}
		if (next == NULL)
			next = skip(set, p, set->walk.end, depth);
		if (next == NULL)
			return NULL;
	}
	return p;
}

static const unsigned char *resolve(struct ks_expr_set *set, const unsigned char *p, uint32_t place,
    unsigned depth)
{
	struct ks_head head;
	enum ks_mp_error e;

	if (KS_UNLIKELY(p >= set->walk.end))
		return stop(set, KS_MP_TRUNCATED);
	set->slots[place].p = p;
	set->slots[place].end = set->walk.end;
	set->states[place] = SLOT_PACKED;
	if (--set->walk.left == 0)
		return stop(set, KS_MP_OK);
	if (set->places[place].child == 0)
		return skip(set, p, set->walk.end, depth);
	e = ks_mp_head(p, set->walk.end, &head);
	if (e != KS_MP_OK)
		return stop(set, e);
	if (head.type < KS_ARRAY)
		return skip(set, p, set->walk.end, depth);
	if (depth == 0)
		return stop(set, KS_MP_DEPTH);
	if (head.type == KS_MAP)
		return walk_map(set, head.body, head.count, place, depth - 1);
	return walk_array(set, head.body, head.count, place, depth - 1);
}

static inline uint64_t word_at(const unsigned char *p)
{
	uint64_t w;

	memcpy(&w, p, sizeof(w));
	return w;
}

/*
 * A value that begins like the one before, up to the last place: a key that is
 * the known one leads where that led.  False: it does not, or nothing is known.
 * It calls nothing: so all of it stays in registers.
 */
static inline __attribute__((always_inline)) bool walk_alike(struct ks_expr_set *set, struct ks_bytes value)
{
	const unsigned char *p = value.p, *end = value.p + value.n;
	const size_t n = value.n, safe = n >= STEP ? n - STEP + 1 : 0;
	size_t count = set->alike.count, i, size, k;

	if (count == 0 || n < STEP || (*p & 0xf0) != 0x80 || (*p & 0x0fu) < count || (*p & 0x0fu) > (n - 1) / 2)
		return false;
	for (k = 0, i = 1; i < safe; k++) {
		if (KS_UNLIKELY((((word_at(p + i) ^ set->alike.keys[k].word[0]) & set->alike.keys[k].mask[0]) |
		    ((word_at(p + i + 8) ^ set->alike.keys[k].word[1]) & set->alike.keys[k].mask[1])) != 0))
			return false;
		i += set->alike.keys[k].size;
		set->alike.keys[k].slot->p = p + i;
		set->alike.keys[k].slot->end = end;
		if (--count == 0) {
			set->slots[ROOT_VALUE].p = p;
			set->slots[ROOT_VALUE].end = end;
			memcpy(set->states, set->alike.states, KS_EXPR_ALIKE);
			return true;
		}
		size = ks_mp_fixed[p[i]];
		if (KS_UNLIKELY(size == 0)) {
			if (p[i] != 0xd9)
				return false;
			size = 2u + p[i + 1];
		}
		i += size;
	}
	return false;
}

#define PAUSE 15u	/* loads: values that take turns are not learnt each time */

/* A value was not known by what the one before had taught, if that was anything. */
static inline void unlearn(struct ks_expr_set *set)
{
	if (set->alike.count == 0)
		return;
	set->alike.count = 0;
	set->alike.shape.n = set->alike.shape.wait = 0;
	set->alike.pause = PAUSE;
}

/* After a walk from key to key that has met all places: what the next value is known by. */
static void learn(struct ks_expr_set *set)
{
	const struct ks_expr_packed_guess *g = set->packed_guesses;
	const size_t count = (size_t)(set->walk.guess - g);
	uint32_t left = set->places_of[ROOT_VALUE] - 1, met = 0;
	size_t i;

	if (set->alike.pause > 0) {
		set->alike.pause--;
		return;
	}
	if (count > KS_EXPR_ALIKE || set->place_count > KS_EXPR_ALIKE)
		return;
	for (i = 0; i < count; i++, g++) {
		/* Whatever a guess is left from: only what it says is asked. */
		if (g->first != set->places[ROOT_VALUE].child || g->size > 16 || g->lead >= KS_EXPR_ALIKE ||
		    (met >> g->lead & 1) != 0 || set->states[g->lead] == SLOT_WHOLE)
			return;
		set->alike.keys[i].word[0] = word_at(g->key);
		set->alike.keys[i].word[1] = word_at(g->key + 8);
		set->alike.keys[i].mask[0] = g->mask[0];
		set->alike.keys[i].mask[1] = g->size > 8 ? g->mask[1] : 0;
		set->alike.keys[i].size = g->size;
		set->alike.keys[i].slot = &set->slots[g->lead];
		if (g->lead != 0) {
			met |= UINT32_C(1) << g->lead;
			left--;
		}
	}
	if (left > 0)
		return;
	set->alike.count = (uint32_t)count;
	memcpy(set->alike.states, set->states, KS_EXPR_ALIKE);
}

static inline enum ks_mp_error walk(struct ks_expr_set *set, uint32_t root, struct ks_bytes value)
{
	size_t count = value.n > 0 && (*value.p & 0xf0) == 0x80 ? *value.p & 0x0f : SIZE_MAX;

	set->walk.end = value.p + value.n;
	set->walk.left = set->places_of[root];
	set->walk.guess = set->packed_guesses;
	set->walk.e = KS_MP_OK;
	/* As resolve does, for a map as most are. */
	if (KS_LIKELY(count <= (value.n - 1) / 2 && set->places[root].child != 0 && set->depth > 0)) {
		set->slots[root].p = value.p;
		set->slots[root].end = set->walk.end;
		set->states[root] = SLOT_PACKED;
		set->walk.left--;
		(void)walk_map(set, value.p + 1, (uint32_t)count, root, set->depth - 1);
		if (root == ROOT_VALUE && set->walk.left == 0)
			learn(set);
	} else {
		(void)resolve(set, value.p, root, set->depth);
	}
	return set->walk.e;
}

static void known_number(struct ks_expr_set *set, uint32_t root, int64_t x, bool there)
{
	ks_expr_known(set, root, (struct ks_val){ .type = there ? KS_INT : KS_NIL, .i = x });
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

static __attribute__((noinline)) const char *load_meta(struct ks_expr_set *set, const struct ks_rec *rec)
{
	struct ks_val topic = { .type = rec->topic.p != NULL ? KS_STR : KS_NIL, .b = rec->topic };
	enum ks_mp_error e = KS_MP_OK;
	int no = 0;

	ks_expr_known(set, ROOT_TOPIC, topic);
	known_number(set, ROOT_TS, rec->time_ms, (rec->flags & KS_TIME_TYPE) != KS_TIME_NONE);
	known_number(set, ROOT_PARTITION, rec->partition, rec->partition >= 0);
	known_number(set, ROOT_OFFSET, rec->offset, rec->offset >= 0);
	if (set->places_of[ROOT_KEY] > 0)
		e = walk(set, ROOT_KEY, rec->key);
	if (e == KS_MP_OK && set->places_of[ROOT_HEADERS] > 0) {
		e = copy_headers(set, rec->headers, &no);
		if (e == KS_MP_OK && no == 0)
			e = walk(set, ROOT_HEADERS, ks_buf_bytes(&set->headers));
	}
	if (no != 0)
		return ks_no_memory;
	return e != KS_MP_OK ? ks_mp_strerror(e) : NULL;
}

static __attribute__((noinline)) const char *load_any(struct ks_expr_set *set, const struct ks_rec *rec)
{
	enum ks_mp_error e;

	unlearn(set);
	ks_expr_forget(set);
	if (set->places_of[ROOT_VALUE] > 0) {
		e = walk(set, ROOT_VALUE, rec->value);
		if (KS_UNLIKELY(e != KS_MP_OK))
			return ks_mp_strerror(e);
	}
	return KS_UNLIKELY(set->wants_record) ? load_meta(set, rec) : NULL;
}

const char *ks_expr_load(struct ks_expr_set *set, const struct ks_rec *rec)
{
	ks_expr_load_begin(set);
	if (KS_UNLIKELY(!ks_expr_shape_again(set, rec->value))) {
		if (!walk_alike(set, rec->value))
			return load_any(set, rec);
		ks_expr_shape_missed(set, rec->value);
	}
	return KS_UNLIKELY(set->wants_record) ? load_meta(set, rec) : NULL;
}
