/* SPDX-License-Identifier: MIT */
/* expr-split.c - strings taken apart, put together, and searched. */
#include "expr-text.h"
#include "expr-impl.h"

static struct ks_val integer(size_t i)
{
	return (struct ks_val){ .type = KS_INT, .i = (int64_t)i };
}

static struct ks_val string(const unsigned char *p, size_t n)
{
	return (struct ks_val){ .type = KS_STR, .b = ks_bytes(p, n) };
}

/* Bytes of the character that UTF-8 text of n > 0 bytes begins with. */
static size_t char_at(const unsigned char *p, size_t n)
{
	size_t k = 1;

	while (k < n && k < 4 && (p[k] & 0xc0) == 0x80)
		k++;
	return k;
}

static enum ks_yield split_by_string(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *args, struct ks_val *out)
{
	struct ks_bytes b = in->b, by = args->b;
	struct ks_vals list = { NULL, 0, 0 };
	const unsigned char *hit;
	enum ks_yield got = KS_YIELD;
	struct ks_val v;

	if (in->type != KS_STR || args->type != KS_STR)
		return ks_expr_error(set, "split input and separator must be strings");
	while (b.n > 0 && got == KS_YIELD) {
		hit = by.n == 0 ? NULL : memmem(b.p, b.n, by.p, by.n);
		v = string(b.p, hit != NULL ? (size_t)(hit - b.p) : by.n == 0 ? char_at(b.p, b.n) : b.n);
		got = ks_vals_add(set, &list, &v);
		b = ks_bytes(b.p + v.b.n + (hit != NULL ? by.n : 0), b.n - v.b.n - (hit != NULL ? by.n : 0));
		if (b.n == 0 && hit != NULL && got == KS_YIELD) {
			v = string(b.p, 0);
			got = ks_vals_add(set, &list, &v);
		}
	}
	if (got == KS_YIELD)
		got = ks_expr_searched(set, in->b.n, by.n);
	return got == KS_YIELD ? ks_expr_array(set, list.v, list.n, out) : got;
}

/* What joined text has for an element, or for what stands between two. */
static enum ks_yield add_joined(struct ks_expr_set *set, struct ks_text *t, const struct ks_val *v,
    bool element)
{
	struct ks_val so_far = ks_text_value(t);
	struct ks_bytes text = ks_bytes(NULL, 0);
	enum ks_yield got = KS_YIELD;

	if (v->type == KS_STR)
		text = v->b;
	else if (v->type != KS_NIL && (!element || v->type >= KS_BIN))
		got = ks_expr_unfit_pair(set, &so_far, v, "cannot be added");
	else if (v->type != KS_NIL)
		got = ks_expr_tostring(set, v, &text);
	return got == KS_YIELD ? ks_text_add(set, t, text) : got;
}

static enum ks_yield join(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *args, struct ks_val *out)
{
	struct ks_vals list = { NULL, 0, 0 };
	struct ks_text text = { NULL, 0, 0 };
	enum ks_yield got;
	uint32_t i;

	if (in->type < KS_ARRAY)
		return ks_expr_error(set, "Cannot iterate over %s (%s)", ks_val_typename(in),
		    ks_expr_shown(set, in).text);
	got = ks_vals_of(set, in, &list);
	/* Of an object the values are joined. */
	for (i = in->type == KS_MAP; i < list.n && got == KS_YIELD; i += in->type == KS_MAP ? 2 : 1) {
		if (i > 1 || (i > 0 && in->type == KS_ARRAY))
			got = add_joined(set, &text, args, false);
		if (got == KS_YIELD)
			got = add_joined(set, &text, &list.v[i], true);
	}
	*out = ks_text_value(&text);
	return got == KS_YIELD ? ks_expr_walked(set, text.n) : got;
}

static enum ks_yield explode(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *args, struct ks_val *out)
{
	struct ks_vals list = { NULL, 0, 0 };
	struct ks_bytes b = in->b;
	enum ks_yield got = KS_YIELD;
	struct ks_val v;
	uint32_t c;
	size_t k, i;

	(void)args;
	if (in->type != KS_STR)
		return ks_expr_error(set, "explode input must be a string");
	for (; b.n > 0 && got == KS_YIELD; b = ks_bytes(b.p + k, b.n - k)) {
		k = char_at(b.p, b.n);
		c = k == 1 ? b.p[0] : b.p[0] & (0x7fu >> k);
		for (i = 1; i < k; i++)
			c = c << 6 | (b.p[i] & 0x3f);
		v = integer(c);
		got = ks_vals_add(set, &list, &v);
	}
	return got == KS_YIELD ? ks_expr_array(set, list.v, list.n, out) : got;
}

static size_t put_char(unsigned char *o, uint32_t c)
{
	if (c < 0x80) {
		o[0] = (unsigned char)c;
		return 1;
	}
	if (c < 0x800) {
		o[0] = (unsigned char)(0xc0 | c >> 6);
		o[1] = (unsigned char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		o[0] = (unsigned char)(0xe0 | c >> 12);
		o[1] = (unsigned char)(0x80 | (c >> 6 & 0x3f));
		o[2] = (unsigned char)(0x80 | (c & 0x3f));
		return 3;
	}
	o[0] = (unsigned char)(0xf0 | c >> 18);
	o[1] = (unsigned char)(0x80 | (c >> 12 & 0x3f));
	o[2] = (unsigned char)(0x80 | (c >> 6 & 0x3f));
	o[3] = (unsigned char)(0x80 | (c & 0x3f));
	return 4;
}

static enum ks_yield implode(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *args, struct ks_val *out)
{
	struct ks_vals list = { NULL, 0, 0 };
	struct ks_text text = { NULL, 0, 0 };
	enum ks_yield got;
	double d;
	uint32_t i, c;

	(void)args;
	if (in->type != KS_ARRAY)
		return ks_expr_error(set, "implode input must be an array");
	got = ks_vals_of(set, in, &list);
	if (got == KS_YIELD)
		got = ks_text_room(set, &text, 4 * (size_t)list.n);
	for (i = 0; i < list.n && got == KS_YIELD; i++) {
		d = ks_val_number(&list.v[i]) ? ks_val_double(&list.v[i]) : 0;
		if (!ks_val_number(&list.v[i]) || d != d)
			return ks_expr_unfit(set, &list.v[i],
			    "can't be imploded, unicode codepoint needs to be numeric");
		/* What is no character, and the halves of surrogate pairs, become U+FFFD. */
		c = d > -1 && d < 0x110000 ? (uint32_t)(d < 0 ? 0 : d) : 0xfffd;
		text.n += put_char(text.p + text.n, c >= 0xd800 && c <= 0xdfff ? 0xfffd : c);
	}
	*out = ks_text_value(&text);
	return got;
}

/* Where b stands in a, in characters; the places may overlap.  Nothing stands nowhere. */
static enum ks_yield places_of(struct ks_expr_set *set, struct ks_bytes a, struct ks_bytes b,
    struct ks_vals *list)
{
	const unsigned char *at = a.p, *end = a.p + a.n, *counted = a.p;
	enum ks_yield got = ks_expr_searched(set, a.n, b.n);
	size_t chars = 0;
	struct ks_val v;

	while (b.n > 0 && got == KS_YIELD) {
		at = at == end ? NULL : memmem(at, (size_t)(end - at), b.p, b.n);
		if (at == NULL)
			break;
		chars += ks_str_chars(ks_bytes(counted, (size_t)(at - counted)));
		counted = at++;
		v = integer(chars);
		got = ks_vals_add(set, list, &v);
		/* Each search looks at what it searches for first, byte by byte. */
		if (got == KS_YIELD)
			got = ks_expr_read(set, b.n);
	}
	return got;
}

static enum ks_yield in_array(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *what, struct ks_vals *list)
{
	struct ks_val one = *what;
	struct ks_vals all, seq = { &one, 1, 1 };
	enum ks_yield got = ks_vals_of(set, in, &all);

	if (got == KS_YIELD && what->type == KS_ARRAY)
		got = ks_vals_of(set, what, &seq);
	return got == KS_YIELD ? ks_expr_places(set, &all, &seq, list) : got;
}

/* `.[$i]`, which is what jq does where neither strings nor arrays are searched. */
static enum ks_yield plain_index(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *what, struct ks_val *out)
{
	struct ks_val found = { .type = KS_NIL };
	struct ks_vals list = { NULL, 0, 0 };
	enum ks_yield got;
	uint32_t i;

	if (in->type == KS_NIL && (ks_val_number(what) || what->type == KS_STR || what->type == KS_MAP)) {
		*out = found;
		return KS_YIELD;
	}
	if (in->type != KS_MAP || what->type != KS_STR)
		return ks_expr_error(set, "Cannot index %s with %s (%s)", ks_val_typename(in),
		    ks_val_typename(what), ks_expr_shown(set, what).text);
	got = ks_vals_of(set, in, &list);
	for (i = 0; i < list.n && got == KS_YIELD; i += 2)
		if (ks_bytes_eq(list.v[i].b, what->b))
			found = list.v[i + 1];
	*out = found;
	return got;
}

static enum ks_yield indices(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *args, struct ks_val *out)
{
	struct ks_vals list = { NULL, 0, 0 };
	enum ks_yield got;

	if (in->type == KS_ARRAY)
		got = in_array(set, in, args, &list);
	else if (in->type == KS_STR && args->type == KS_STR)
		got = places_of(set, in->b, args->b, &list);
	else
		return plain_index(set, in, args, out);
	return got == KS_YIELD ? ks_expr_array(set, list.v, list.n, out) : got;
}

/* `indices($i) | .[0]` and `.[-1:][0]`. */
static enum ks_yield first_or_last(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *args, bool last, struct ks_val *out)
{
	struct ks_vals list = { NULL, 0, 0 };
	enum ks_yield got;
	struct ks_val v;

	got = indices(set, in, args, &v);
	if (got != KS_YIELD)
		return got;
	*out = (struct ks_val){ .type = KS_NIL };
	if (v.type == KS_ARRAY)
		got = ks_vals_of(set, &v, &list);
	else if (v.type != KS_NIL)
		return ks_expr_error(set, "Cannot index %s with number (%d)", ks_val_typename(&v),
		    last ? -1 : 0);
	if (list.n > 0)
		*out = list.v[last ? list.n - 1 : 0];
	return got;
}

static enum ks_yield index_of(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *args, struct ks_val *out)
{
	return first_or_last(set, in, args, false, out);
}

static enum ks_yield rindex_of(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *args, struct ks_val *out)
{
	return first_or_last(set, in, args, true, out);
}

const struct ks_expr_fn ks_expr_fn_split[] = {
	{ .name = "split", .args = 1, .call = split_by_string },
	{ .name = "join", .args = 1, .call = join },
	{ .name = "explode", .call = explode },
	{ .name = "implode", .call = implode },
	{ .name = "ascii", .macro = "[.] | implode" },
	{ .name = "indices", .args = 1, .call = indices },
	{ .name = "index", .args = 1, .call = index_of },
	{ .name = "rindex", .args = 1, .call = rindex_of },
	{ .name = NULL },
};
