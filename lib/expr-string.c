/* SPDX-License-Identifier: MIT */
/*
 * expr-string.c - functions of strings, and to and from them.
 *
 * Where the versions of jq differ these are those of 1.8: positions are
 * characters, tonumber takes no blanks; but for ltrimstr and rtrimstr.
 * fromjson reads what is JSON, so neither nan nor infinities.
 */
#include "expr-text.h"
#include "expr-impl.h"

#include <math.h>
#include <strings.h>

#include "num.h"

static enum ks_yield length_of(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *args, struct ks_val *out)
{
	size_t walked = in->type == KS_STR ? in->b.n : 0;
	struct ks_head head;
	uint64_t n = 0;

	(void)args;
	switch (in->type) {
	case KS_NIL:
		break;
	case KS_FALSE: case KS_TRUE:
		return ks_expr_unfit(set, in, "has no length");
	case KS_INT:
		n = in->i < 0 ? 0 - (uint64_t)in->i : (uint64_t)in->i;
		break;
	case KS_UINT:
		n = in->u;
		break;
	case KS_FLOAT:
		*out = (struct ks_val){ .type = KS_FLOAT, .d = fabs(in->d) };
		return KS_YIELD;
	case KS_STR:
		n = ks_str_chars(in->b);
		break;
	case KS_BIN:
		n = in->b.n;
		break;
	case KS_ARRAY: case KS_MAP:
		if (ks_mp_head(in->b.p, in->b.p + in->b.n, &head) != KS_MP_OK)
			return ks_expr_fault(set, ks_mp_strerror(KS_MP_TRUNCATED));
		n = head.count;
		break;
	}
	if (n > INT64_MAX)
		*out = (struct ks_val){ .type = KS_UINT, .u = n };
	else
		*out = (struct ks_val){ .type = KS_INT, .i = (int64_t)n };
	return ks_expr_walked(set, walked);
}

static enum ks_yield utf8bytelength(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *args, struct ks_val *out)
{
	(void)args;
	if (in->type != KS_STR)
		return ks_expr_unfit(set, in, "only strings have UTF-8 byte length");
	*out = (struct ks_val){ .type = KS_INT, .i = (int64_t)in->b.n };
	return KS_YIELD;
}

static bool starts(struct ks_bytes a, struct ks_bytes b)
{
	return b.n <= a.n && ks_bytes_eq(ks_bytes(a.p, b.n), b);
}

static bool ends(struct ks_bytes a, struct ks_bytes b)
{
	return b.n <= a.n && ks_bytes_eq(ks_bytes(a.p + (a.n - b.n), b.n), b);
}

static bool both_strings(const struct ks_val *a, const struct ks_val *b)
{
	return a->type == KS_STR && b->type == KS_STR;
}

static enum ks_yield startswith(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *args, struct ks_val *out)
{
	if (!both_strings(in, args))
		return ks_expr_error(set, "startswith() requires string inputs");
	ks_val_bool(out, starts(in->b, args->b));
	return ks_expr_steps(set, 1 + (args->type == KS_STR ? args->b.n / 256 : 0));
}

static enum ks_yield endswith(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *args, struct ks_val *out)
{
	if (!both_strings(in, args))
		return ks_expr_error(set, "endswith() requires string inputs");
	ks_val_bool(out, ends(in->b, args->b));
	return ks_expr_steps(set, 1 + (args->type == KS_STR ? args->b.n / 256 : 0));
}

static struct ks_bytes without_start(struct ks_bytes a, struct ks_bytes b)
{
	return starts(a, b) ? ks_bytes(a.p + b.n, a.n - b.n) : a;
}

static struct ks_bytes without_end(struct ks_bytes a, struct ks_bytes b)
{
	return ends(a, b) ? ks_bytes(a.p, a.n - b.n) : a;
}

/* These two pass on what is no string, as jq did until 1.7: `.a | ltrimstr("x")` is often written where .a may be null. */
static enum ks_yield ltrimstr(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *args, struct ks_val *out)
{
	struct ks_val v = *in;

	if (both_strings(in, args))
		v.b = without_start(in->b, args->b);
	*out = v;
	return ks_expr_steps(set, 1 + (args->type == KS_STR ? args->b.n / 256 : 0));
}

static enum ks_yield rtrimstr(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *args, struct ks_val *out)
{
	struct ks_val v = *in;

	if (both_strings(in, args))
		v.b = without_end(in->b, args->b);
	*out = v;
	return ks_expr_steps(set, 1 + (args->type == KS_STR ? args->b.n / 256 : 0));
}

static enum ks_yield trimstr(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *args, struct ks_val *out)
{
	if (!both_strings(in, args))
		return ks_expr_error(set, "startswith() requires string inputs");
	*out = (struct ks_val){
		.type = KS_STR, .b = without_end(without_start(in->b, args->b), args->b),
	};
	return ks_expr_steps(set, 1 + (args->type == KS_STR ? args->b.n / 256 : 0));
}

/* How many bytes the white space of Unicode (White_Space=yes) takes that a text begins with; 0: none. */
static size_t blank_at(const unsigned char *p, size_t n)
{
	if (n > 0 && ((*p >= 0x09 && *p <= 0x0d) || *p == ' '))
		return 1;
	if (n > 1 && *p == 0xc2 && (p[1] == 0x85 || p[1] == 0xa0))
		return 2;
	if (n < 3 || *p < 0xe1 || *p > 0xe3)
		return 0;
	if (memcmp(p, "\xe1\x9a\x80", 3) == 0 || memcmp(p, "\xe2\x81\x9f", 3) == 0 ||
	    memcmp(p, "\xe3\x80\x80", 3) == 0)
		return 3;
	return *p == 0xe2 && p[1] == 0x80 && ((p[2] >= 0x80 && p[2] <= 0x8a) || p[2] == 0xa8 ||
	    p[2] == 0xa9 || p[2] == 0xaf) ? 3 : 0;
}

static enum ks_yield trimmed(struct ks_expr_set *set, const struct ks_val *in, bool left,
    bool right, struct ks_val *out)
{
	struct ks_bytes b = in->b;
	size_t k;

	if (in->type != KS_STR)
		return ks_expr_error(set, "trim input must be a string");
	while (left && (k = blank_at(b.p, b.n)) > 0)
		b = ks_bytes(b.p + k, b.n - k);
	while (right && b.n > 0) {
		for (k = 1; k < 3 && k < b.n && (b.p[b.n - k] & 0xc0) == 0x80; k++)
			;
		if (blank_at(b.p + b.n - k, k) != k)
			break;
		b.n -= k;
	}
	k = in->b.n - b.n;
	*out = (struct ks_val){ .type = KS_STR, .b = b };
	return ks_expr_walked(set, k);
}

static enum ks_yield trim(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *args, struct ks_val *out)
{
	(void)args;
	return trimmed(set, in, true, true, out);
}

static enum ks_yield ltrim(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *args, struct ks_val *out)
{
	(void)args;
	return trimmed(set, in, true, false, out);
}

static enum ks_yield rtrim(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *args, struct ks_val *out)
{
	(void)args;
	return trimmed(set, in, false, true, out);
}

/* ASCII letters from `from` to the 25th behind it change their case; nothing else does. */
static enum ks_yield recased(struct ks_expr_set *set, const struct ks_val *in, unsigned char from,
    struct ks_val *out)
{
	unsigned char *o;
	enum ks_yield got;
	size_t i;

	got = ks_expr_string(set, in->b, out);
	if (got != KS_YIELD)
		return got;
	o = (unsigned char *)(uintptr_t)out->b.p;
	for (i = 0; i < in->b.n; i++)
		o[i] ^= (unsigned char)(((unsigned)o[i] - from < 26) << 5);
	return ks_expr_walked(set, in->b.n);
}

static enum ks_yield ascii_downcase(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *args, struct ks_val *out)
{
	(void)args;
	return in->type == KS_STR ? recased(set, in, 'A', out) :
	    ks_expr_error(set, "ascii_downcase input must be a string");
}

static enum ks_yield ascii_upcase(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *args, struct ks_val *out)
{
	(void)args;
	return in->type == KS_STR ? recased(set, in, 'a', out) :
	    ks_expr_error(set, "ascii_upcase input must be a string");
}

static enum ks_yield type_of(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *args, struct ks_val *out)
{
	(void)set, (void)args;
	*out = (struct ks_val){ .type = KS_STR, .b = ks_str(ks_val_typename(in)) };
	return KS_YIELD;
}

static enum ks_yield tostring(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *args, struct ks_val *out)
{
	struct ks_bytes text = ks_bytes(NULL, 0);
	enum ks_yield got = ks_expr_tostring(set, in, &text);

	(void)args;
	*out = (struct ks_val){ .type = KS_STR, .b = text };
	return got;
}

static enum ks_yield tojson(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *args, struct ks_val *out)
{
	struct ks_bytes text = ks_bytes(NULL, 0);
	enum ks_yield got = ks_expr_json(set, in, &text);

	(void)args;
	*out = (struct ks_val){ .type = KS_STR, .b = text };
	return got;
}

static enum ks_yield fromjson(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *args, struct ks_val *out)
{
	const unsigned char *p;
	enum ks_json_error e;
	enum ks_mp_error bad;
	unsigned char *text;
	struct ks_val copy;
	enum ks_yield got;

	(void)args;
	if (in->type != KS_STR)
		return ks_expr_unfit(set, in, "only strings can be parsed");
	got = ks_expr_read(set, in->b.n);
	if (got != KS_YIELD)
		return got;
	text = ks_expr_scratch(set, in->b.n + KS_PAD);
	if (text == NULL)
		return ks_expr_no_scratch(set);
	if (in->b.n > 0)
		memcpy(text, in->b.p, in->b.n);
	memset(text + in->b.n, 0, KS_PAD);
	set->packed.n = 0;
	e = ks_json_parse(&set->json, ks_bytes(text, in->b.n), &set->packed);
	if (e == KS_JSON_MEMORY || e == KS_JSON_BIG)
		return ks_expr_no_scratch(set);
	if (e != KS_JSON_OK)
		return ks_expr_error(set, "%s (while parsing '%.*s')", ks_json_strerror(e),
		    (int)(in->b.n < 100 ? in->b.n : 100), (const char *)text);
	/* The buffer is another's at the next call. */
	got = ks_expr_string(set, ks_buf_bytes(&set->packed), &copy);
	if (got != KS_YIELD)
		return got;
	p = copy.b.p;
	bad = ks_mp_read(&p, copy.b.p + copy.b.n, set->depth, out);
	return bad == KS_MP_OK ? ks_expr_walked(set, copy.b.n) : ks_expr_fault(set, ks_mp_strerror(bad));
}

static size_t digits_at(struct ks_bytes b, size_t i)
{
	size_t n = 0;

	while (i + n < b.n && (unsigned)b.p[i + n] - '0' <= 9)
		n++;
	return n;
}

/*
 * Whether b is a decimal number, and how JSON would have it, at o (of b.n +
 * 4 bytes): jq takes a plus, zeros in front, and a point at either end.
 */
static bool decimal(struct ks_bytes b, unsigned char *o, size_t *n)
{
	size_t i = 0, whole, part = 0, k = 0;

	if (b.n > 0 && (b.p[0] == '-' || b.p[0] == '+')) {
		if (b.p[0] == '-')
			o[k++] = '-';
		i++;
	}
	whole = digits_at(b, i);
	if (i + whole < b.n && b.p[i + whole] == '.')
		part = digits_at(b, i + whole + 1) + 1;
	if (whole == 0 && part <= 1)
		return false;
	for (; whole > 1 && b.p[i] == '0'; whole--)
		i++;
	if (whole == 0)
		o[k++] = '0';
	memcpy(o + k, b.p + i, whole + (part > 1 ? part : 0));
	k += whole + (part > 1 ? part : 0);
	i += whole + part;
	if (i < b.n && (b.p[i] | 0x20) == 'e') {
		o[k++] = b.p[i++];
		if (i < b.n && (b.p[i] == '-' || b.p[i] == '+'))
			o[k++] = b.p[i++];
		whole = digits_at(b, i);
		if (whole == 0)
			return false;
		memcpy(o + k, b.p + i, whole);
		k += whole;
		i += whole;
	}
	o[k] = '\0';
	*n = k;
	return i == b.n;
}

/* The names of what is no decimal, as jq knows them: in any case, behind a sign. */
static bool named(struct ks_bytes b, struct ks_val *out)
{
	static const struct {
		const char *name;
		double is;
	} table[] = { { "nan", NAN }, { "inf", INFINITY }, { "infinity", INFINITY } };
	bool sign = b.n > 0 && (b.p[0] == '-' || b.p[0] == '+');
	bool negative = sign && b.p[0] == '-';
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (b.n - sign != strlen(table[i].name) ||
		    strncasecmp((const char *)b.p + sign, table[i].name, b.n - sign) != 0)
			continue;
		*out = (struct ks_val){ .type = KS_FLOAT, .d = negative ? -table[i].is : table[i].is };
		return true;
	}
	return false;
}

/* A number that is well formed, with a NUL behind it: an integer where it is one and fits, else a float. */
static void read_number(const unsigned char *p, size_t n, struct ks_val *out)
{
	bool negative = *p == '-', fits = true;
	const unsigned char *q = p + negative;
	unsigned digit;
	uint64_t u = 0;

	for (; fits && (digit = (unsigned)*q - '0') <= 9; q++)
		fits = !__builtin_mul_overflow(u, 10u, &u) && !__builtin_add_overflow(u, digit, &u);
	if (!fits || *q != '\0' || (negative && u > (uint64_t)INT64_MAX + 1))
		*out = (struct ks_val){ .type = KS_FLOAT, .d = ks_num_f64(p, n) };
	else if (!negative && u > INT64_MAX)
		*out = (struct ks_val){ .type = KS_UINT, .u = u };
	else
		*out = (struct ks_val){ .type = KS_INT, .i = (int64_t)(negative ? 0 - u : u) };
}

static enum ks_yield tonumber(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *args, struct ks_val *out)
{
	unsigned char *text;
	enum ks_yield got;
	size_t n;

	(void)args;
	if (ks_val_number(in)) {
		*out = *in;
		return KS_YIELD;
	}
	if (in->type != KS_STR)
		return ks_expr_unfit(set, in, "cannot be parsed as a number");
	got = ks_expr_read(set, in->b.n);
	if (got != KS_YIELD)
		return got;
	text = ks_expr_scratch(set, in->b.n + 4);
	if (text == NULL)
		return ks_expr_no_scratch(set);
	if (!decimal(in->b, text, &n))
		return named(in->b, out) ? KS_YIELD :
		    ks_expr_unfit(set, in, "cannot be parsed as a number");
	read_number(text, n, out);
	return KS_YIELD;
}

static enum ks_yield toboolean(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *args, struct ks_val *out)
{
	bool yes = in->type == KS_STR ? ks_bytes_is(in->b, "true") : in->type == KS_TRUE;

	(void)args;
	if (!yes && !(in->type == KS_FALSE || (in->type == KS_STR && ks_bytes_is(in->b, "false"))))
		return ks_expr_unfit(set, in, "cannot be parsed as a boolean");
	ks_val_bool(out, yes);
	return KS_YIELD;
}

const struct ks_expr_fn ks_expr_fn_string[] = {
	{ .name = "length", .call = length_of },
	{ .name = "utf8bytelength", .call = utf8bytelength },
	{ .name = "startswith", .args = 1, .call = startswith },
	{ .name = "endswith", .args = 1, .call = endswith },
	{ .name = "ltrimstr", .args = 1, .call = ltrimstr },
	{ .name = "rtrimstr", .args = 1, .call = rtrimstr },
	{ .name = "trimstr", .args = 1, .call = trimstr },
	{ .name = "trim", .call = trim },
	{ .name = "ltrim", .call = ltrim },
	{ .name = "rtrim", .call = rtrim },
	{ .name = "ascii_downcase", .call = ascii_downcase },
	{ .name = "ascii_upcase", .call = ascii_upcase },
	{ .name = "type", .call = type_of },
	{ .name = "tostring", .call = tostring },
	{ .name = "tojson", .call = tojson },
	{ .name = "fromjson", .call = fromjson },
	{ .name = "tonumber", .call = tonumber },
	{ .name = "toboolean", .call = toboolean },
	{ .name = NULL },
};
