/* SPDX-License-Identifier: MIT */
/* envelope.c - one JSON object a record, both ways. */
#include "envelope.h"

#include <errno.h>

#include "base64.h"

static const char *const time_types[] = { "none", "create", "append" };

/* What flags say beside the time type. */
static const struct flag_name {
	uint32_t mask, value;
	const char *name;
} flag_names[] = {
	{ KS_KEY_CHANGED, KS_KEY_CHANGED, "key-changed" },
	{ KS_SIDE, KS_SIDE_LATE, "late" },
	{ KS_SIDE, KS_SIDE_DEAD, "dead-letter" },
	{ KS_SIDE, KS_SIDE_CHANGELOG, "changelog" },
	{ KS_KEY_KIND, KS_KEY_WINDOW, "window" },
	{ KS_KEY_KIND, KS_KEY_SESSION, "session" },
	{ KS_CHANGE, KS_CHANGE, "change" },
};
#define FLAG_COUNT (sizeof(flag_names) / sizeof(flag_names[0]))

static int add_name(struct ks_buf *b, const char *member, struct ks_bytes name)
{
	int no = ks_buf_printf(b, "\"%s\":", member);

	if (no == 0)
		no = name.p == NULL ? ks_buf_printf(b, "null") : ks_json_add_string(b, name);
	return no != 0 ? no : ks_buf_add(b, ",", 1);
}

static int add_place(struct ks_buf *b, const struct ks_rec *rec)
{
	uint32_t type = rec->flags & KS_TIME_TYPE;
	int no = ks_buf_add(b, "{", 1);

	if (no == 0)
		no = add_name(b, "topic", rec->topic);
	if (no == 0)
		no = ks_buf_printf(b, "\"partition\":%d,\"offset\":%lld,\"tstype\":\"%s\",",
		    rec->partition, (long long)rec->offset, time_types[type]);
	if (no == 0)
		no = type == KS_TIME_NONE ? ks_buf_printf(b, "\"ts\":null,") :
		    ks_buf_printf(b, "\"ts\":%lld,", (long long)rec->time_ms);
	return no != 0 ? no : add_name(b, "route", rec->route);
}

static int add_flags(struct ks_buf *b, uint32_t flags)
{
	const char *comma = "";
	size_t i;
	int no = ks_buf_printf(b, "\"flags\":[");

	for (i = 0; i < FLAG_COUNT && no == 0; i++) {
		if ((flags & flag_names[i].mask) != flag_names[i].value)
			continue;
		no = ks_buf_printf(b, "%s\"%s\"", comma, flag_names[i].name);
		comma = ",";
	}
	return no != 0 ? no : ks_buf_printf(b, "],");
}

static int add_header_value(struct ks_buf *b, const struct ks_val *v)
{
	int no;

	if (v->type == KS_NIL)
		return ks_buf_printf(b, "null]");
	if (ks_utf8_prefix(v->b.p, v->b.n) == v->b.n) {
		no = ks_json_add_string(b, v->b);
		return no != 0 ? no : ks_buf_add(b, "]", 1);
	}
	no = ks_buf_add(b, "\"", 1);
	if (no == 0)
		no = ks_base64_print(b, v->b);
	return no != 0 ? no : ks_buf_printf(b, "\",\"base64\"]");
}

static int add_headers(struct ks_buf *b, struct ks_bytes headers)
{
	const unsigned char *p, *end = headers.p + headers.n;
	struct ks_head list, pair;
	struct ks_val name, v;
	uint32_t i;
	int no;

	no = ks_buf_printf(b, "\"headers\":[");
	if (ks_mp_head(headers.p, end, &list) != KS_MP_OK)
		return EINVAL;
	p = list.body;
	for (i = 0; i < list.count && no == 0; i++) {
		if (ks_mp_head(p, end, &pair) != KS_MP_OK)
			return EINVAL;
		p = pair.body;
		if (ks_mp_read(&p, end, 0, &name) != KS_MP_OK || ks_mp_read(&p, end, 0, &v) != KS_MP_OK)
			return EINVAL;
		if (ks_utf8_prefix(name.b.p, name.b.n) != name.b.n)
			return EINVAL;
		no = ks_buf_printf(b, i > 0 ? ",[" : "[");
		if (no == 0)
			no = ks_json_add_string(b, name.b);
		if (no == 0)
			no = ks_buf_add(b, ",", 1);
		if (no == 0)
			no = add_header_value(b, &v);
	}
	return no != 0 ? no : ks_buf_printf(b, "],");
}

/* "key": or "payload":, with its _encoding where it is bytes. */
static enum ks_mp_error add_body(struct ks_buf *b, const char *member, struct ks_bytes value,
    unsigned depth, int *no)
{
	bool bytes = value.n > 0 && value.p[0] >= 0xc4 && value.p[0] <= 0xc6;
	enum ks_mp_error e;

	*no = ks_buf_printf(b, "\"%s\":", member);
	if (*no != 0)
		return KS_MP_OK;
	e = ks_json_print(value, depth, b, no);
	if (e == KS_MP_OK && *no == 0 && bytes)
		*no = ks_buf_printf(b, ",\"%s_encoding\":\"base64\"", member);
	return e;
}

const char *ks_envelope_print(struct ks_buf *b, const struct ks_rec *rec, unsigned depth)
{
	enum ks_mp_error e = KS_MP_OK;
	int no;

	if ((rec->topic.p != NULL && ks_utf8_prefix(rec->topic.p, rec->topic.n) != rec->topic.n) ||
	    (rec->route.p != NULL && ks_utf8_prefix(rec->route.p, rec->route.n) != rec->route.n))
		return "the topic or route is not UTF-8";
	no = add_place(b, rec);
	if (no == 0)
		no = add_flags(b, rec->flags);
	if (no == 0)
		e = add_body(b, "key", rec->key, depth, &no);
	if (e == KS_MP_OK && no == 0)
		no = ks_buf_add(b, ",", 1);
	if (e == KS_MP_OK && no == 0)
		no = add_headers(b, rec->headers);
	if (e == KS_MP_OK && no == 0)
		e = add_body(b, "payload", rec->value, depth, &no);
	if (e == KS_MP_OK && no == 0)
		no = ks_buf_add(b, "}", 1);
	if (e != KS_MP_OK)
		return ks_mp_strerror(e);
	return no == 0 ? NULL : no == EINVAL ? "the headers are not text" : no == ENOMEM ? ks_no_memory :
	    "the record is too large as text";
}

/* What the members of an object say, before the parts that depend on each other. */
struct members {
	struct ks_val key, payload, headers, time;
	bool has_key, has_payload, key_bytes, payload_bytes, has_headers, has_time, has_type;
	uint32_t type;
};

static bool take_flags(const struct ks_val *v, uint32_t *flags)
{
	const unsigned char *end;
	struct ks_head head;
	struct ks_val name;
	uint32_t i;
	size_t k;

	*flags &= KS_TIME_TYPE;
	if (v->type != KS_ARRAY)
		return false;
	end = v->b.p + v->b.n;
	if (ks_mp_head(v->b.p, end, &head) != KS_MP_OK)
		return false;
	for (i = 0; i < head.count; i++) {
		if (ks_mp_read(&head.body, end, 0, &name) != KS_MP_OK || name.type != KS_STR)
			return false;
		for (k = 0; k < FLAG_COUNT && !ks_bytes_is(name.b, flag_names[k].name); k++)
			;
		if (k == FLAG_COUNT || (*flags & flag_names[k].mask) != 0)
			return false;
		*flags |= flag_names[k].value;
	}
	return true;
}

static const char *take_type(const struct ks_val *v, struct members *m)
{
	m->has_type = true;
	for (m->type = 0; m->type < 3; m->type++)
		if (v->type == KS_STR && ks_bytes_is(v->b, time_types[m->type]))
			return NULL;
	return "tstype is none, create or append";
}

static const char no_such_member[] = "an envelope has no such member";

/* The same with its name, in scratch. */
static const char *name_member(struct ks_bytes name, struct ks_buf *scratch)
{
	size_t n = ks_utf8_prefix(name.p, name.n < 60 ? name.n : 60);

	scratch->n = 0;
	if (ks_buf_printf(scratch, "an envelope has no such member as '%.*s'; there are payload, key, headers, ts, tstype, "
	    "topic, partition, offset, route, flags, key_encoding, payload_encoding", (int)n, (const char *)name.p) != 0 ||
	    ks_buf_add(scratch, "", 1) != 0)
		return no_such_member;
	return (const char *)scratch->p;
}

static const char *take_member(struct ks_bytes name, const struct ks_val *v, struct members *m,
    struct ks_rec *rec)
{
	if (ks_bytes_is(name, "payload")) {
		m->payload = *v;
		m->has_payload = true;
	} else if (ks_bytes_is(name, "key")) {
		m->key = *v;
		m->has_key = true;
	} else if (ks_bytes_is(name, "ts")) {
		m->time = *v;
		m->has_time = true;
		return v->type == KS_NIL || v->type == KS_INT ? NULL : "ts is not an integer or null";
	} else if (ks_bytes_is(name, "tstype")) {
		return take_type(v, m);
	} else if (ks_bytes_is(name, "topic")) {
		return ks_rec_name(v, &rec->topic) ? NULL : "topic is not a name or null";
	} else if (ks_bytes_is(name, "route")) {
		return ks_rec_name(v, &rec->route) ? NULL : "route is not a name or null";
	} else if (ks_bytes_is(name, "partition")) {
		if (v->type != KS_INT || v->i < -1 || v->i > INT32_MAX)
			return "partition is not an integer from -1";
		rec->partition = (int32_t)v->i;
	} else if (ks_bytes_is(name, "offset")) {
		if (v->type != KS_INT || v->i < -1)
			return "offset is not an integer from -1";
		rec->offset = v->i;
	} else if (ks_bytes_is(name, "flags")) {
		return take_flags(v, &rec->flags) ? NULL : "flags are not names of flags";
	} else if (ks_bytes_is(name, "headers")) {
		m->headers = *v;
		m->has_headers = true;
	} else if (ks_bytes_is(name, "key_encoding") || ks_bytes_is(name, "payload_encoding")) {
		if (v->type != KS_STR || !ks_bytes_is(v->b, "base64"))
			return "an encoding is base64 or absent";
		*(name.p[0] == 'k' ? &m->key_bytes : &m->payload_bytes) = true;
	} else {
		return no_such_member;
	}
	return NULL;
}

static int add_header(struct ks_buf *b, const unsigned char **p, const unsigned char *end)
{
	struct ks_val name, v, encoding;
	struct ks_buf bytes;
	struct ks_head pair;
	int no;

	if (*p >= end || ks_mp_head(*p, end, &pair) != KS_MP_OK || pair.type != KS_ARRAY ||
	    pair.count < 2 || pair.count > 3)
		return EINVAL;
	*p = pair.body;
	if (ks_mp_read(p, end, 0, &name) != KS_MP_OK || name.type != KS_STR ||
	    ks_mp_read(p, end, 0, &v) != KS_MP_OK || (v.type != KS_STR && v.type != KS_NIL))
		return EINVAL;
	if ((no = ks_mp_add_array_head(b, 2)) != 0 || (no = ks_mp_add_val(b, &name)) != 0)
		return no;
	if (v.type == KS_STR)
		v.type = KS_BIN;
	if (pair.count == 2)
		return ks_mp_add_val(b, &v);
	if (v.type != KS_BIN || ks_mp_read(p, end, 0, &encoding) != KS_MP_OK ||
	    encoding.type != KS_STR || !ks_bytes_is(encoding.b, "base64"))
		return EINVAL;
	ks_buf_init(&bytes, b->max);
	no = ks_base64_parse(&bytes, v.b);
	v.b = ks_buf_bytes(&bytes);
	if (no == 0)
		no = ks_mp_add_val(b, &v);
	ks_buf_release(&bytes);
	return no;
}

/* All that goes to scratch, at the given offsets of it. */
static int build_headers(struct ks_buf *b, const struct ks_val *list)
{
	const unsigned char *end;
	struct ks_head head;
	uint32_t i;
	int no;

	if (list->type != KS_ARRAY)
		return EINVAL;
	end = list->b.p + list->b.n;
	if (ks_mp_head(list->b.p, end, &head) != KS_MP_OK)
		return EINVAL;
	no = ks_mp_add_array_head(b, head.count);
	for (i = 0; i < head.count && no == 0; i++)
		no = add_header(b, &head.body, end);
	return no;
}

static int build_body(struct ks_buf *b, const struct ks_val *v, bool bytes)
{
	struct ks_buf decoded;
	struct ks_val bin = { .type = KS_BIN };
	int no;

	if (!bytes)
		return ks_mp_add_val(b, v);
	if (v->type != KS_STR)
		return EINVAL;
	ks_buf_init(&decoded, b->max);
	no = ks_base64_parse(&decoded, v->b);
	bin.b = ks_buf_bytes(&decoded);
	if (no == 0)
		no = ks_mp_add_val(b, &bin);
	ks_buf_release(&decoded);
	return no;
}

static const char *settle_time(const struct members *m, struct ks_rec *rec)
{
	bool timeless;

	if (m->has_time) {
		rec->flags &= ~(uint32_t)KS_TIME_TYPE;
		rec->time_ms = 0;
		if (m->time.type == KS_INT) {
			rec->time_ms = m->time.i;
			rec->flags |= m->has_type ? m->type : KS_TIME_CREATE;
		}
	}
	timeless = m->has_time ? m->time.type == KS_NIL : (rec->flags & KS_TIME_TYPE) == KS_TIME_NONE;
	if (m->has_type && (m->type == KS_TIME_NONE) != timeless)
		return "ts and tstype disagree";
	return NULL;
}

static const char *settle_bodies(struct members *m, struct ks_buf *scratch, struct ks_rec *rec)
{
	size_t key, value;
	int no;

	if (!m->has_key)
		m->key.type = KS_NIL;
	no = m->has_headers ? build_headers(scratch, &m->headers) :
	    ks_buf_add(scratch, ks_no_headers.p, ks_no_headers.n);
	if (no == EINVAL)
		return "headers are not [[name, text or null], ...]";
	key = scratch->n;
	if (no == 0)
		no = build_body(scratch, &m->key, m->key_bytes);
	value = scratch->n;
	if (no == 0)
		no = build_body(scratch, &m->payload, m->payload_bytes);
	if (no == EINVAL)
		return "key or payload is not base64";
	if (no != 0)
		return no == ENOMEM ? ks_no_memory : "the record is too large";
	rec->headers = ks_bytes(scratch->p, key);
	rec->key = ks_bytes(scratch->p + key, value - key);
	rec->value = ks_bytes(scratch->p + value, scratch->n - value);
	return NULL;
}

const char *ks_envelope_parse(struct ks_bytes object, unsigned depth, struct ks_buf *scratch,
    struct ks_rec *rec)
{
	const unsigned char *end = object.p + object.n;
	struct members m = { .has_key = false };
	const char *wrong;
	struct ks_head head;
	struct ks_val name, v;
	uint32_t i;

	if (object.n == 0 || ks_mp_head(object.p, end, &head) != KS_MP_OK || head.type != KS_MAP)
		return "an envelope is an object";
	for (i = 0; i < head.count; i++) {
		if (ks_mp_read(&head.body, end, 0, &name) != KS_MP_OK ||
		    ks_mp_read(&head.body, end, depth, &v) != KS_MP_OK)
			return "an envelope is an object";
		wrong = take_member(name.b, &v, &m, rec);
		if (wrong != NULL)
			return wrong == no_such_member ? name_member(name.b, scratch) : wrong;
	}
	if (!m.has_payload)
		return "the envelope has no payload (null is a tombstone)";
	wrong = settle_time(&m, rec);
	if (wrong != NULL)
		return wrong;
	scratch->n = 0;
	return settle_bodies(&m, scratch, rec);
}
