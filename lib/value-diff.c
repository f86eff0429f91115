/* SPDX-License-Identifier: MIT */
/* value-diff.c - where two values begin to differ. */
#include "value-diff.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "json.h"
#include "num.h"
#include "state-key.h"

/*
 * What two decimals are apart, by their doubles: each is off by half a unit in the last place (of the larger, at most), their
 * difference by one, as it may be twice as large, and so is the bound it is held against.  That is 3; DBL_EPSILON of a number
 * is one to two units.
 */
#define ROUNDING (4 * DBL_EPSILON)
#define FEW 4u	/* members of most objects that are keys, as of a window's: no allocation for them */
#define PATH_MAX_BYTES ((size_t)64 << 20)	/* names of members, nested as deep as a value may be */

/* How a value is reached, from the inside out. */
struct step {
	const struct step *up;	/* NULL: this is the whole value */
	struct ks_bytes name;	/* of a member; p == NULL: an element */
	uint32_t index;
};

struct walk {
	const struct ks_tolerance *tolerance;
	struct ks_value_diff *d;
	int no;
};

struct member {
	struct ks_bytes name, value;
};

int ks_tolerance_parse(const char *text, struct ks_tolerance *t)
{
	size_t n = strspn(text, "0123456789.eE+-"), i;
	bool share = text[n] == '%';
	double x;
	char *end;

	for (i = 0; i < n; i++)
		if (text[i] == '-' && (i == 0 || (text[i - 1] | 0x20) != 'e'))
			return EINVAL;
	x = strtod(text, &end);
	if (n == 0 || end != text + n || text[n + share] != '\0' || !isfinite(x))
		return EINVAL;
	*t = (struct ks_tolerance){ .apart = share ? 0 : x, .share = share ? x / 100 : 0 };
	return 0;
}

static bool is_word(struct ks_bytes name)
{
	size_t i;

	for (i = 0; i < name.n; i++)
		if ((unsigned)(name.p[i] | 0x20) - 'a' >= 26 && name.p[i] != '_' && (i == 0 || (unsigned)name.p[i] - '0' >= 10))
			return false;
	return name.n > 0;
}

static int add_step(struct ks_buf *b, const struct step *s, bool numbered)
{
	int no;

	if (s->name.p == NULL)
		return numbered ? ks_buf_printf(b, "[%u]", (unsigned)s->index) : ks_buf_add(b, "[]", 2);
	no = ks_buf_add(b, ".", 1);
	if (no != 0)
		return no;
	if (is_word(s->name))
		return ks_buf_add(b, s->name.p, s->name.n);
	return ks_json_add_string(b, s->name);
}

/* jq has .[0] for an element of the whole. */
static int add_path(struct ks_buf *b, const struct step *s, bool numbered)
{
	int no;

	if (s->up == NULL)
		return ks_buf_add(b, ".", 1);
	no = s->up->up != NULL ? add_path(b, s->up, numbered) : s->name.p == NULL ? ks_buf_add(b, ".", 1) : 0;
	return no != 0 ? no : add_step(b, s, numbered);
}

static bool differs(struct walk *w, const struct step *at, struct ks_bytes old, struct ks_bytes new)
{
	struct ks_value_diff *d = w->d;

	d->old = old;
	d->new = new;
	d->path.max = d->kind.max = PATH_MAX_BYTES;
	d->path.n = d->kind.n = 0;
	w->no = add_path(&d->path, at, true);
	if (w->no == 0)
		w->no = add_path(&d->kind, at, false);
	return true;
}

static bool same_number(const struct ks_tolerance *t, const struct ks_val *a, const struct ks_val *b)
{
	double x = ks_val_double(a), y = ks_val_double(b), larger = fmax(fabs(x), fabs(y)), share, apart, off = 0;

	if (isnan(x) || isnan(y))
		return isnan(x) && isnan(y);
	if (ks_val_cmp(a, b) == 0)
		return true;
	if (isinf(x) || isinf(y) || (t->apart == 0 && t->share == 0))
		return false;
	if (a->type != KS_FLOAT && b->type != KS_FLOAT) {	/* exactly: large ones are not told apart as doubles */
		apart = fabs((double)((a->type == KS_UINT ? (__int128)a->u : a->i) - (b->type == KS_UINT ? (__int128)b->u : b->i)));
	} else {
		apart = fabs(x - y);
		off = ROUNDING * larger;
	}
	share = t->share * larger;
	return (t->apart > 0 && apart <= t->apart + off) || (t->share > 0 && apart <= share + ROUNDING * share + off);
}

/* The value at *p, which is stepped over. */
static struct ks_bytes take(const unsigned char **p, const unsigned char *end)
{
	const unsigned char *from = *p;
	size_t n = ks_mp_short(from, (size_t)(end - from));

	if (n > 0)
		*p += n;
	else if (ks_mp_skip(p, end, KS_DEPTH_CEILING) != KS_MP_OK)
		ks_bug("a value that was checked cannot be walked");
	return ks_bytes(from, (size_t)(*p - from));
}

static struct member take_member(const unsigned char **p, const unsigned char *end)
{
	struct member m;
	struct ks_val name;

	if (ks_mp_read_quick(*p, (size_t)(end - *p), &name) && name.type == KS_STR)
		*p = name.b.p + name.b.n;
	else if (ks_mp_read(p, end, 0, &name) != KS_MP_OK)
		ks_bug("a value that was checked cannot be walked");
	m.name = name.b;
	m.value = take(p, end);
	return m;
}

static bool walk(struct walk *w, const struct step *at, struct ks_bytes old, struct ks_bytes new);

static bool walk_array(struct walk *w, const struct step *at, struct ks_bytes old, struct ks_bytes new, const struct ks_head *a,
    const struct ks_head *b)
{
	const unsigned char *p = a->body, *q = b->body, *p_end = old.p + old.n, *q_end = new.p + new.n;
	struct step in = { .up = at };
	struct ks_bytes x, y;

	for (; in.index < a->count || in.index < b->count; in.index++) {
		x = in.index < a->count ? take(&p, p_end) : ks_bytes(NULL, 0);
		y = in.index < b->count ? take(&q, q_end) : ks_bytes(NULL, 0);
		if (x.p == NULL || y.p == NULL ? differs(w, &in, x, y) : walk(w, &in, x, y))
			return true;
	}
	return false;
}

/* And in one order. */
static bool same_names(const struct ks_head *a, const unsigned char *a_end, const struct ks_head *b, const unsigned char *b_end)
{
	const unsigned char *p = a->body, *q = b->body;
	uint32_t i;

	if (a->count != b->count)
		return false;
	for (i = 0; i < a->count; i++)
		if (!ks_bytes_eq(take_member(&p, a_end).name, take_member(&q, b_end).name))
			return false;
	return true;
}

static int compare_names(const void *a, const void *b)
{
	const struct member *x = a, *y = b;

	return ks_bytes_cmp(x->name, y->name);
}

static void sort_into(struct member *m, const struct ks_head *h, const unsigned char *end)
{
	const unsigned char *p = h->body;
	uint32_t i;

	for (i = 0; i < h->count; i++)
		m[i] = take_member(&p, end);
	qsort(m, h->count, sizeof(*m), compare_names);
}

static struct member *sorted(const struct ks_head *h, const unsigned char *end)
{
	struct member *m = malloc((h->count > 0 ? h->count : 1) * sizeof(*m));

	if (m != NULL)
		sort_into(m, h, end);
	return m;
}

/* Members of both by their names. */
static bool walk_sorted(struct walk *w, const struct step *at, const struct member *a, size_t n, const struct member *b, size_t m)
{
	struct step in = { .up = at };
	size_t i = 0, k = 0;
	int c;

	while (i < n || k < m) {
		c = i == n ? 1 : k == m ? -1 : compare_names(&a[i], &b[k]);
		in.name = c <= 0 ? a[i].name : b[k].name;
		if (c < 0)
			return differs(w, &in, a[i].value, ks_bytes(NULL, 0));
		if (c > 0)
			return differs(w, &in, ks_bytes(NULL, 0), b[k].value);
		if (walk(w, &in, a[i++].value, b[k++].value))
			return true;
	}
	return false;
}

static bool walk_map(struct walk *w, const struct step *at, struct ks_bytes old, struct ks_bytes new, const struct ks_head *a,
    const struct ks_head *b)
{
	const unsigned char *p = a->body, *q = b->body, *p_end = old.p + old.n, *q_end = new.p + new.n;
	struct step in = { .up = at };
	struct member x, *xs, *ys;
	bool apart = false;
	uint32_t i;

	/* Most often one program has written both.  Nothing is gone into twice: that would double with each level. */
	if (same_names(a, p_end, b, q_end)) {
		for (i = 0; i < a->count; i++) {
			x = take_member(&p, p_end);
			in.name = x.name;
			if (walk(w, &in, x.value, take_member(&q, q_end).value))
				return true;
		}
		return false;
	}
	xs = sorted(a, p_end);
	ys = sorted(b, q_end);
	if (xs == NULL || ys == NULL)
		w->no = ENOMEM;
	else
		apart = walk_sorted(w, at, xs, a->count, ys, b->count);
	free(xs);
	free(ys);
	return apart;
}

static bool walk(struct walk *w, const struct step *at, struct ks_bytes old, struct ks_bytes new)
{
	const unsigned char *p = old.p, *q = new.p;
	struct ks_head a, b;
	struct ks_val x, y;

	if (ks_bytes_eq(old, new))
		return false;
	if (ks_mp_read(&p, p + old.n, KS_DEPTH_CEILING, &x) != KS_MP_OK || ks_mp_read(&q, q + new.n, KS_DEPTH_CEILING, &y) != KS_MP_OK)
		ks_bug("a value that was checked cannot be walked");
	if (ks_val_number(&x) && ks_val_number(&y))
		return !same_number(w->tolerance, &x, &y) && differs(w, at, old, new);
	if (x.type != y.type)
		return differs(w, at, old, new);
	if (x.type == KS_STR || x.type == KS_BIN)	/* the same may be packed in more than one way */
		return !ks_bytes_eq(x.b, y.b) && differs(w, at, old, new);
	if (x.type < KS_ARRAY)
		return false;
	if (ks_mp_head(old.p, old.p + old.n, &a) != KS_MP_OK || ks_mp_head(new.p, new.p + new.n, &b) != KS_MP_OK)
		ks_bug("a value that was checked cannot be walked");
	return x.type == KS_ARRAY ? walk_array(w, at, old, new, &a, &b) : walk_map(w, at, old, new, &a, &b);
}

bool ks_value_differ(struct ks_bytes old, struct ks_bytes new, const struct ks_tolerance *t, struct ks_value_diff *d, int *no)
{
	struct walk w = { .tolerance = t, .d = d };
	struct step whole = { 0 };
	bool is = walk(&w, &whole, old, new);

	*no = w.no;
	return is;
}

/* --- one form --- */

static int add_plain(struct ks_buf *room, struct ks_bytes value);

static int add_plain_float(struct ks_buf *room, double d)
{
	struct ks_val v = { .type = KS_FLOAT, .d = isnan(d) ? (double)NAN : d };

	if (d == floor(d) && d >= -0x1p63 && d < 0x1p63)
		v = (struct ks_val){ .type = KS_INT, .i = (int64_t)d };
	else if (d == floor(d) && d >= 0x1p63 && d < 0x1p64)
		v = (struct ks_val){ .type = KS_UINT, .u = (uint64_t)d };
	return ks_mp_add_val(room, &v);
}

static int add_plain_map(struct ks_buf *room, const struct ks_head *h, const unsigned char *end)
{
	struct member few[FEW], *m = few;
	int no = ks_mp_add_map_head(room, h->count);
	uint32_t i;

	if (h->count > FEW)
		m = sorted(h, end);
	else
		sort_into(few, h, end);
	if (m == NULL)
		return ENOMEM;
	for (i = 0; i < h->count && no == 0; i++) {
		no = ks_mp_add_str(room, m[i].name);
		if (no == 0)
			no = add_plain(room, m[i].value);
	}
	if (m != few)
		free(m);
	return no;
}

static int add_plain(struct ks_buf *room, struct ks_bytes value)
{
	const unsigned char *p = value.p, *end = value.p + value.n;
	struct ks_head h = { .type = KS_NIL };
	struct ks_val v;
	uint32_t i;
	int no;

	if (ks_mp_is_container(*p) && ks_mp_head(p, end, &h) != KS_MP_OK)
		ks_bug("a value that was checked cannot be walked");
	if (h.type == KS_MAP)
		return add_plain_map(room, &h, end);
	if (h.type == KS_ARRAY) {
		no = ks_mp_add_array_head(room, h.count);
		for (i = 0, p = h.body; i < h.count && no == 0; i++)
			no = add_plain(room, take(&p, end));
		return no;
	}
	if (!ks_mp_read_quick(p, value.n, &v) && ks_mp_read(&p, end, 0, &v) != KS_MP_OK)
		ks_bug("a value that was checked cannot be walked");
	return v.type == KS_FLOAT ? add_plain_float(room, v.d) : ks_mp_add_val(room, &v);
}

int ks_value_plain(struct ks_buf *room, struct ks_bytes value, struct ks_bytes *plain)
{
	unsigned char c = *value.p;
	int no;

	if (!ks_mp_is_container(c) && c != 0xca && c != 0xcb)
		return ks_state_key(room, value, plain);
	room->n = 0;
	no = add_plain(room, value);
	*plain = ks_buf_bytes(room);
	return no;
}

void ks_value_diff_release(struct ks_value_diff *d)
{
	ks_buf_release(&d->path);
	ks_buf_release(&d->kind);
}
