/* SPDX-License-Identifier: MIT */
/* kcat-format.c - a record as kcat prints it. */
#include "kcat-format.h"

#include <errno.h>
#include <stdlib.h>

#define TEXT_MAX ((size_t)1 << 20)	/* bytes of a format: a command line is no longer */

/* --- a format --- */

void ks_kcat_format_release(struct ks_kcat_format *f)
{
	free(f->tokens);
	ks_buf_release(&f->text);
	*f = (struct ks_kcat_format){ 0 };
}

static int add_token(struct ks_kcat_format *f, struct ks_kcat_token token)
{
	struct ks_kcat_token *grown = realloc(f->tokens, (f->count + 1) * sizeof(*grown));

	if (grown == NULL)
		return ENOMEM;
	f->tokens = grown;
	f->tokens[f->count++] = token;
	return 0;
}

int ks_kcat_format_token(struct ks_kcat_format *f, char kind)
{
	return add_token(f, (struct ks_kcat_token){ .kind = kind });
}

int ks_kcat_format_text(struct ks_kcat_format *f, struct ks_bytes text)
{
	size_t at = f->text.n;
	int no;

	if (text.n == 0)
		return 0;
	if (f->text.max == 0)
		ks_buf_init(&f->text, TEXT_MAX);
	no = ks_buf_add(&f->text, text.p, text.n);
	return no == 0 ? add_token(f, (struct ks_kcat_token){ .at = at, .n = text.n }) : no;
}

static int digit(unsigned char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 16;
}

/* Up to max digits at *p: the byte they stand for. */
static unsigned char number(const unsigned char **p, const unsigned char *end, int base, int max)
{
	unsigned x = 0;

	for (; max > 0 && *p < end && digit(**p) < base; max--)
		x = x * (unsigned)base + (unsigned)digit(*(*p)++);
	return (unsigned char)x;
}

/* What follows a backslash.  Any other character stands for itself, \e for e as well. */
static unsigned char escaped(const unsigned char **p, const unsigned char *end)
{
	unsigned char c = *(*p)++;

	switch (c) {
	case 'n': return '\n';
	case 'r': return '\r';
	case 't': return '\t';
	case 'x': return *p < end && digit(**p) < 16 ? number(p, end, 16, 2) : 'x';
	default: break;
	}
	if (c < '0' || c > '9')
		return c;
	(*p)--;
	return c == '0' ? number(p, end, 8, 4) : number(p, end, 10, 3);	/* as strtol(3), and so kcat */
}

int ks_kcat_unescape(struct ks_bytes text, struct ks_buf *out)
{
	const unsigned char *p = text.p, *end = p + text.n;
	unsigned char c;
	int no;

	while (p < end) {
		c = *p++;
		if (c == '\\' && p < end)
			c = escaped(&p, end);
		no = ks_buf_add(out, &c, 1);
		if (no != 0)
			return no;
	}
	return 0;
}

static int add_escaped(struct ks_kcat_format *f, struct ks_bytes text)
{
	size_t at = f->text.n;
	int no;

	if (f->text.max == 0)
		ks_buf_init(&f->text, TEXT_MAX);
	no = ks_kcat_unescape(text, &f->text);
	return no == 0 ? add_token(f, (struct ks_kcat_token){ .at = at, .n = f->text.n - at }) : no;
}

const char *ks_kcat_format_parse(struct ks_kcat_format *f, const char *format)
{
	const char *p = format;
	size_t n;
	int no = 0;

	while (*p != '\0' && no == 0) {
		n = strcspn(p, "%");
		if (n > 0)
			no = add_escaped(f, ks_bytes(p, n));
		p += n;
		if (*p == '\0' || no != 0)
			break;
		p++;
		if (*p == '\0')
			return "it ends with a '%' (write '%%' for one)";
		if (strchr("sSRkKThtpo%", *p) == NULL)
			return "it has a token that is none of %s %S %R %k %K %T %h %t %p %o %%";
		no = *p == '%' ? ks_kcat_format_text(f, ks_bytes("%", 1)) : ks_kcat_format_token(f, *p);
		p++;
	}
	return no == 0 ? NULL : ks_no_memory;
}

/* --- a record --- */

/* The text of a value: itself, or its JSON, which is then at the end of scratch. */
static enum ks_mp_error text_of(struct ks_bytes value, unsigned depth, struct ks_buf *scratch,
    struct ks_bytes *text, bool *null, int *no)
{
	const unsigned char *p = value.p;
	enum ks_mp_error e;
	struct ks_val v;
	size_t at = scratch->n;

	*no = 0;
	e = ks_mp_read(&p, value.p + value.n, depth, &v);
	*null = e == KS_MP_OK && v.type == KS_NIL;
	*text = ks_bytes("", 0);
	if (e != KS_MP_OK || *null)
		return e;
	if (v.type == KS_STR || v.type == KS_BIN) {
		*text = v.b;
		return e;
	}
	e = ks_json_print(value, depth, scratch, no);
	*text = ks_bytes(scratch->p + at, scratch->n - at);
	return e;
}

struct printed {
	const struct ks_kcat_format *f;
	unsigned depth;
	struct ks_buf *out;
};

/* %s %k, %S %K, %R. */
static enum ks_mp_error add_value(const struct printed *x, char kind, struct ks_bytes value, int *no)
{
	struct ks_buf scratch;
	struct ks_bytes text;
	enum ks_mp_error e;
	unsigned char be[4];
	uint32_t n;
	bool null;

	ks_buf_init(&scratch, x->out->max);
	e = text_of(value, x->depth, &scratch, &text, &null, no);
	if (e != KS_MP_OK || *no != 0) {
		ks_buf_release(&scratch);
		return e;
	}
	n = null ? UINT32_MAX : (uint32_t)text.n;
	if (kind == 'S' || kind == 'K') {
		*no = null ? ks_buf_add(x->out, "-1", 2) : ks_buf_printf(x->out, "%zu", text.n);
	} else if (kind == 'R') {
		for (int i = 0; i < 4; i++)
			be[i] = (unsigned char)(n >> (24 - 8 * i));
		*no = ks_buf_add(x->out, be, sizeof(be));
	} else if (text.n > 0) {
		*no = ks_buf_add(x->out, text.p, text.n);
	} else if (x->f->nulls) {
		*no = ks_buf_add(x->out, "NULL", 4);
	}
	ks_buf_release(&scratch);
	return KS_MP_OK;
}

static void next_header(struct ks_head *list, const unsigned char *end, struct ks_val *name,
    struct ks_val *value)
{
	struct ks_head pair;

	if (ks_mp_head(list->body, end, &pair) != KS_MP_OK)
		ks_bug("headers were not checked");
	list->body = pair.body;
	if (ks_mp_read(&list->body, end, 0, name) != KS_MP_OK || ks_mp_read(&list->body, end, 0, value) != KS_MP_OK)
		ks_bug("headers were not checked");
}

/* %h: name=value between commas. */
static int add_headers(struct ks_buf *out, struct ks_bytes headers)
{
	const unsigned char *end = headers.p + headers.n;
	struct ks_val name, value;
	struct ks_head list;
	uint32_t i;
	int no = 0;

	if (ks_mp_head(headers.p, end, &list) != KS_MP_OK)
		ks_bug("headers were not checked");
	for (i = 0; i < list.count && no == 0; i++) {
		next_header(&list, end, &name, &value);
		no = i > 0 ? ks_buf_add(out, ",", 1) : 0;
		if (no == 0)
			no = ks_buf_add(out, name.b.p, name.b.n);
		if (no == 0)
			no = ks_buf_add(out, "=", 1);
		if (no == 0)
			no = value.type == KS_NIL ? ks_buf_add(out, "NULL", 4) : ks_buf_add(out, value.b.p, value.b.n);
	}
	return no;
}

static long long time_of(const struct ks_rec *rec)
{
	return (rec->flags & KS_TIME_TYPE) == KS_TIME_NONE ? -1 : (long long)rec->time_ms;
}

static enum ks_mp_error add_part(const struct printed *x, const struct ks_kcat_token *t,
    const struct ks_rec *rec, int *no)
{
	*no = 0;
	switch (t->kind) {
	case 0: *no = ks_buf_add(x->out, x->f->text.p + t->at, t->n); break;
	case 's': case 'S': case 'R': return add_value(x, t->kind, rec->value, no);
	case 'k': case 'K': return add_value(x, t->kind, rec->key, no);
	case 'T': *no = ks_buf_printf(x->out, "%lld", time_of(rec)); break;
	case 'h': *no = add_headers(x->out, rec->headers); break;
	case 't': *no = ks_buf_add(x->out, rec->topic.p, rec->topic.n); break;
	case 'p': *no = ks_buf_printf(x->out, "%d", (int)rec->partition); break;
	case 'o': *no = ks_buf_printf(x->out, "%lld", (long long)rec->offset); break;
	default: ks_bug("a token that was not parsed");
	}
	return KS_MP_OK;
}

enum ks_mp_error ks_kcat_print(const struct ks_kcat_format *f, const struct ks_rec *rec,
    unsigned depth, struct ks_buf *out, int *no)
{
	const struct printed x = { f, depth, out };
	enum ks_mp_error e = KS_MP_OK;
	size_t i;

	*no = 0;
	for (i = 0; i < f->count && e == KS_MP_OK && *no == 0; i++)
		e = add_part(&x, &f->tokens[i], rec, no);
	return e;
}

/* --- the object of -J --- */

/* The escape of a byte in a string of yajl, which is what kcat prints with; 0: itself, 'u': \u00XX. */
static char escape_of(unsigned char c)
{
	switch (c) {
	case '"': case '\\': return (char)c;
	case '\b': return 'b';
	case '\f': return 'f';
	case '\n': return 'n';
	case '\r': return 'r';
	case '\t': return 't';
	default: return c < 0x20 ? 'u' : 0;
	}
}

int ks_kcat_add_string(struct ks_buf *out, struct ks_bytes text)
{
	size_t i, from = 0;
	char c;
	int no = ks_buf_add(out, "\"", 1);

	for (i = 0; i < text.n && no == 0; i++) {
		c = escape_of(text.p[i]);
		if (c == 0)
			continue;
		no = ks_buf_add(out, text.p + from, i - from);
		if (no == 0)
			no = c == 'u' ? ks_buf_printf(out, "\\u%04X", text.p[i]) : ks_buf_printf(out, "\\%c", c);
		from = i + 1;
	}
	if (no == 0 && text.n > from)
		no = ks_buf_add(out, text.p + from, text.n - from);
	return no == 0 ? ks_buf_add(out, "\"", 1) : no;
}

static enum ks_mp_error add_member(const char *name, struct ks_bytes value, unsigned depth,
    struct ks_buf *out, int *no)
{
	struct ks_buf scratch;
	struct ks_bytes text;
	enum ks_mp_error e;
	bool null;

	ks_buf_init(&scratch, out->max);
	e = text_of(value, depth, &scratch, &text, &null, no);
	if (e == KS_MP_OK && *no == 0)
		*no = ks_buf_printf(out, ",\"%s\":%s", name, null ? "null" : "");
	if (e == KS_MP_OK && *no == 0 && !null)
		*no = ks_kcat_add_string(out, text);
	ks_buf_release(&scratch);
	return e;
}

static int add_header_list(struct ks_buf *out, struct ks_bytes headers)
{
	const unsigned char *end = headers.p + headers.n;
	struct ks_val name, value;
	struct ks_head list;
	uint32_t i;
	int no;

	if (ks_mp_head(headers.p, end, &list) != KS_MP_OK)
		ks_bug("headers were not checked");
	if (list.count == 0)
		return 0;
	no = ks_buf_printf(out, ",\"headers\":[");
	for (i = 0; i < list.count && no == 0; i++) {
		next_header(&list, end, &name, &value);
		no = i > 0 ? ks_buf_add(out, ",", 1) : 0;
		if (no == 0)
			no = ks_kcat_add_string(out, name.b);
		if (no == 0)
			no = ks_buf_add(out, ",", 1);
		if (no == 0)
			no = value.type == KS_NIL ? ks_buf_add(out, "null", 4) : ks_kcat_add_string(out, value.b);
	}
	return no != 0 ? no : ks_buf_add(out, "]", 1);
}

enum ks_mp_error ks_kcat_print_json(const struct ks_kcat_format *f, const struct ks_rec *rec,
    unsigned depth, struct ks_buf *out, int *no)
{
	uint32_t type = rec->flags & KS_TIME_TYPE;
	int32_t broker = f != NULL && f->broker != NULL ? f->broker(f->arg, rec->topic, rec->partition) : -1;
	enum ks_mp_error e;

	*no = ks_buf_printf(out, "{\"topic\":");
	if (*no == 0)
		*no = ks_kcat_add_string(out, rec->topic.p != NULL ? rec->topic : ks_str(""));
	if (*no == 0)
		*no = ks_buf_printf(out, ",\"partition\":%d,\"offset\":%lld", (int)rec->partition, (long long)rec->offset);
	if (*no == 0 && type != KS_TIME_NONE)
		*no = ks_buf_printf(out, ",\"tstype\":\"%s\",\"ts\":%lld",
		    type == KS_TIME_CREATE ? "create" : "logappend", (long long)rec->time_ms);
	if (*no == 0 && broker >= 0)
		*no = ks_buf_printf(out, ",\"broker\":%d", (int)broker);
	if (*no == 0)
		*no = add_header_list(out, rec->headers);
	if (*no != 0)
		return KS_MP_OK;
	e = add_member("key", rec->key, depth, out, no);
	if (e == KS_MP_OK && *no == 0)
		e = add_member("payload", rec->value, depth, out, no);
	if (e == KS_MP_OK && *no == 0)
		*no = ks_buf_add(out, "}", 1);
	return e;
}
